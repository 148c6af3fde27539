//! PostgreSQL in pure Rust, behind diesel's blocking face. Whoever waits for an answer of the server reads the socket itself:
//! each connection has a runtime of its own, which runs only while somebody waits, so that a statement wakes no other thread.
//! Not here: which of two databases it is (`connection`), the line by which nodes tell each other (`bell`).

use super::StoreError;
use diesel::QueryResult;
use diesel_async::async_connection_wrapper::{AsyncConnectionWrapper, BlockOn};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection as diesel has it.
pub type Postgres = AsyncConnectionWrapper<AsyncPgConnection, Own>;

/// A connection to a server, with the runtime that drives it. Must not be used inside another runtime.
pub struct Server {
    link: Postgres,
    runtime: Arc<Runtime>,
}

impl Deref for Server {
    type Target = Postgres;

    fn deref(&self) -> &Postgres {
        &self.link
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Postgres {
        &mut self.link
    }
}

/// The runtime of a connection.
pub struct Own(Option<Arc<Runtime>>);

thread_local! {
    /// The runtime in which a connection was just made: diesel's face asks for it without saying for which.
    static MADE_IN: Cell<Option<Arc<Runtime>>> = const { Cell::new(None) };
}

impl BlockOn for Own {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.0 {
            Some(own) => own.block_on(future),
            None => Handle::current().block_on(future),
        }
    }

    fn get_runtime() -> Self {
        Self(MADE_IN.take())
    }
}

/// Held by every connection to a server that a hub uses; a restore wants it alone. Any number that is ours alone.
const IN_USE: i64 = 6_170_102_017;

impl Server {
    /// Connects, for use beside others.
    pub(super) fn connect(
        url: &str,
        tls: Option<Arc<rustls::ClientConfig>>,
        read_only: bool,
    ) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|_| StoreError::Closed)?;
        let in_use = format!("SELECT pg_advisory_lock_shared({IN_USE})");
        let mut connected = runtime.block_on(connect(url, tls, read_only))?;
        runtime.block_on(connected.batch_execute(&in_use))?;
        let runtime = Arc::new(runtime);
        MADE_IN.set(Some(Arc::clone(&runtime)));
        Ok(Self { link: Postgres::from(connected), runtime })
    }

    /// What takes the server for oneself; `true` unless somebody else of us uses it.
    pub(super) fn alone() -> String {
        format!("SELECT CAST(pg_try_advisory_lock({IN_USE}) AS TEXT) AS word")
    }

    /// Waits for several statements that are sent together.
    pub(super) fn together<F: Future>(&self, statements: F) -> F::Output {
        self.runtime.block_on(statements)
    }

    /// Opens a transaction and does not wait for it: it goes out with the first statement, whose answer says when there is no
    /// server any more.
    pub(super) fn begin_unawaited(&self) {
        let mut link: &AsyncPgConnection = &self.link;
        // It is on its way once it was asked for; nobody listens for its answer.
        let _ = link.batch_execute("BEGIN").now_or_never();
    }

    /// Ends a transaction that was opened without waiting, after a failure too.
    pub(super) fn end(&self) -> QueryResult<()> {
        let mut link: &AsyncPgConnection = &self.link;
        self.runtime.block_on(link.batch_execute("ROLLBACK"))
    }
}

/// How long a server may take to answer a connection, and how long a sent byte may go unacknowledged.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);

async fn connect(
    url: &str,
    tls: Option<Arc<rustls::ClientConfig>>,
    read_only: bool,
) -> Result<AsyncPgConnection, StoreError> {
    // Whatever the server or the role says: what is committed is on disk. Tables are read by their indexes: a statement
    // that was prepared while a table was empty would go on reading the whole of it.
    // Whoever only reads sees one moment throughout its transaction, as on SQLite. Whoever writes looks up
    // by keys or along an index: that is planned once, where the server would plan it anew for each list of values.
    let one_moment = r" -c default_transaction_read_only=on -c default_transaction_isolation=repeatable\ read";
    let own = if read_only { one_moment } else { " -c plan_cache_mode=force_generic_plan" };
    let options = format!(" -c synchronous_commit=on -c enable_seqscan=off{own}");
    let refused = StoreError::Unreachable;
    match tls {
        Some(config) => {
            let (client, driver) = connect_server(url, &options, tls_of_config(&config)).await?;
            AsyncPgConnection::try_from_client_and_connection(client, driver).await.map_err(refused)
        }
        None => {
            let (client, driver) = connect_server(url, &options, NoTls).await?;
            AsyncPgConnection::try_from_client_and_connection(client, driver).await.map_err(refused)
        }
    }
}

/// A bare connection to a server, with further options.
pub(super) async fn connect_server<T: MakeTlsConnect<Socket>>(
    url: &str,
    options: &str,
    tls: T,
) -> Result<(tokio_postgres::Client, tokio_postgres::Connection<Socket, T::Stream>), StoreError> {
    let failed = StoreError::ServerUnreachable;
    let mut server: tokio_postgres::Config = url.parse().map_err(failed)?;
    server.connect_timeout(SERVER_PATIENCE).tcp_user_timeout(SERVER_PATIENCE);
    let given = server.get_options().unwrap_or_default();
    let options = format!("{given}{options}");
    server.options(options.trim());
    server.connect(tls).await.map_err(failed)
}

/// TLS with the authorities of a configuration.
pub(super) fn tls_of_config(config: &rustls::ClientConfig) -> MakeRustlsConnect {
    MakeRustlsConnect::new(config.clone())
}

/// TLS with the authorities in a file.
pub(super) fn tls_of(ca_file: &Path) -> Result<Arc<rustls::ClientConfig>, StoreError> {
    let bad = |e: &dyn std::fmt::Display| StoreError::Tls(e.to_string());
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file).map_err(|e| bad(&e))? {
        roots.add(certificate.map_err(|e| bad(&e))?).map_err(|e| bad(&e))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| bad(&e))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
