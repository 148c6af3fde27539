//! Two databases behind one type. A query is written once and type-checked for both by `on!` and its two kin; where
//! SQL must differ, the place is marked `Portable:` and counted by the architecture test.

use super::StoreError;
use super::backlog::{Backlog, Waiting};
use super::known::Known;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::{Connection as _, QueryResult, SqliteConnection, connection::SimpleConnection};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// PostgreSQL in pure Rust, behind diesel's blocking face.
pub type Postgres = AsyncConnectionWrapper<AsyncPgConnection>;

/// A connection to either database, with what the transaction on it knows already and what it has still to write.
pub struct Connection {
    /// The database itself. What is asked of it directly does not see the rows still to be written.
    pub link: Link,
    pub(super) known: Known,
    pub(super) backlog: Backlog,
}

/// The two databases.
pub enum Link {
    /// Embedded.
    Sqlite(Box<SqliteConnection>),
    /// A server.
    Postgres(Box<Postgres>),
}

/// Runs one expression on whichever link it is; the expression is compiled for both.
macro_rules! on_link {
    ($link:expr, $c:ident => $e:expr) => {
        match $link {
            $crate::store::connection::Link::Sqlite(boxed) => {
                let $c = &mut **boxed;
                $e
            }
            $crate::store::connection::Link::Postgres(boxed) => {
                let $c = &mut **boxed;
                $e
            }
        }
    };
}

/// Runs one expression on whichever connection it is. What waits to be written is written before, and what is known of
/// the directory is forgotten, since the expression may change it.
macro_rules! on {
    ($tx:expr, $c:ident => $e:expr) => {
        match $tx.settled_and_forgetful() {
            Ok(link) => $crate::store::connection::on_link!(link, $c => $e),
            Err(error) => Err(error),
        }
    };
}

/// The same for statements that leave the directory alone: what is known of it stays known.
macro_rules! on_packets {
    ($tx:expr, $c:ident => $e:expr) => {
        match $tx.settled() {
            Ok(link) => $crate::store::connection::on_link!(link, $c => $e),
            Err(error) => Err(error),
        }
    };
}

/// The same for statements that only read the directory: they do not need to see what waits to be written.
macro_rules! on_directory {
    ($tx:expr, $c:ident => $e:expr) => {
        $crate::store::connection::on_link!(&mut $tx.link, $c => $e)
    };
}

/// Rows of one statement: a server bounds the number of values.
pub(super) const ROWS_AT_ONCE: usize = 1_000;

/// Executes a statement with rows: on a server with many at once, since each statement is a journey there; on SQLite one by one.
/// Answers how many rows were written.
macro_rules! with_rows {
    ($tx:expr, $rows:expr, $values:ident => $statement:expr) => {{
        let mut written: usize = 0;
        match $tx.settled()? {
            $crate::store::connection::Link::Sqlite(c) => {
                for $values in $rows {
                    written = written.saturating_add($statement.execute(&mut **c)?);
                }
            }
            $crate::store::connection::Link::Postgres(c) => {
                for $values in $rows.chunks($crate::store::connection::ROWS_AT_ONCE) {
                    written = written.saturating_add($statement.execute(&mut **c)?);
                }
            }
        }
        written
    }};
}
pub(crate) use {on, on_directory, on_link, on_packets, with_rows};

impl Connection {
    fn new(link: Link) -> Self {
        Self { link, known: Known::default(), backlog: Backlog::default() }
    }

    /// Opens a transaction that will write; inside one, a savepoint.
    pub(super) fn begin(&mut self) -> Result<(), StoreError> {
        if self.is_in_transaction()? {
            self.settle()?;
            return on_link!(&mut self.link, c => begin(c)).map_err(StoreError::Statement);
        }
        self.forget();
        // Portable: SQLite must take its writer lock at once, or two writers fail half-way.
        match &mut self.link {
            Link::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(&mut **c, "BEGIN IMMEDIATE")?,
            Link::Postgres(c) => begin(&mut **c)?,
        }
        Ok(())
    }

    fn is_in_transaction(&mut self) -> Result<bool, StoreError> {
        Ok(on_link!(&mut self.link, c => depth_of(c))?.is_some())
    }

    /// Opens a transaction that only reads.
    pub(super) fn begin_reading(&mut self) -> Result<(), StoreError> {
        self.forget();
        on_link!(&mut self.link, c => begin(c)).map_err(StoreError::Statement)
    }

    /// Ends the innermost transaction or savepoint and keeps it.
    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.settle()?;
        on_link!(&mut self.link, c => commit(c)).map_err(StoreError::Statement)
    }

    /// Ends the innermost transaction or savepoint and drops it.
    pub(super) fn roll_back(&mut self) -> Result<(), StoreError> {
        // What waits was put there since the savepoint, which began with nothing waiting.
        self.forget();
        on_link!(&mut self.link, c => roll_back(c)).map_err(StoreError::Statement)
    }

    fn forget(&mut self) {
        self.known = Known::default();
        self.backlog = Backlog::default();
    }

    /// Lets a row wait to be written with others.
    pub(super) fn put(&mut self, row: Waiting) -> Result<(), StoreError> {
        if self.backlog.put(row) {
            self.settle()?;
        }
        Ok(())
    }

    /// Writes the rows that wait.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        self.settled()?;
        Ok(())
    }

    /// The link, with nothing waiting to be written.
    pub(super) fn settled(&mut self) -> QueryResult<&mut Link> {
        if let Link::Postgres(c) = &mut self.link {
            self.backlog.write(c)?;
        }
        Ok(&mut self.link)
    }

    /// The link, for a statement that may change the directory.
    pub(super) fn settled_and_forgetful(&mut self) -> QueryResult<&mut Link> {
        self.known = Known::default();
        self.settled()
    }
}

fn depth_of<C: diesel::Connection>(c: &mut C) -> QueryResult<Option<std::num::NonZeroU32>> {
    C::TransactionManager::transaction_manager_status_mut(c).transaction_depth()
}

fn begin<C: diesel::Connection>(c: &mut C) -> QueryResult<()> {
    C::TransactionManager::begin_transaction(c)
}

fn commit<C: diesel::Connection>(c: &mut C) -> QueryResult<()> {
    C::TransactionManager::commit_transaction(c)
}

fn roll_back<C: diesel::Connection>(c: &mut C) -> QueryResult<()> {
    C::TransactionManager::rollback_transaction(c)
}

/// Where the database is and how to reach it.
#[derive(Clone)]
pub(super) enum Place {
    /// A file, and whether to open it for reading only.
    Sqlite { file: PathBuf, read_only: bool },
    /// A server's URL, with the authority to trust when TLS is wanted, and whether to open it for reading only.
    Postgres { url: String, tls: Option<Arc<rustls::ClientConfig>>, read_only: bool },
}

/// Set-up of every SQLite connection. Patience first: another process may be opening or closing the file. FULL: what is
/// committed is on disk. The write-ahead log is folded back every 4,000 pages (16 MB), which costs two syncs each time.
const SQLITE_SET_UP: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -16000;";

/// Further set-up of those that only read. There are several, and each keeps pages of its own: half as many.
const SQLITE_READER: &str = "PRAGMA query_only = ON; PRAGMA cache_size = -8000;";

/// Held by every connection to a server that a hub uses; a restore wants it alone. Any number that is ours alone.
const IN_USE: i64 = 6_170_102_017;

/// A file that is nobody's yet: nothing of it need be on disk before `fold`.
pub(super) fn new_file(file: &Path) -> Result<Connection, StoreError> {
    let mut c = SqliteConnection::establish(&file.to_string_lossy()).map_err(StoreError::Unreachable)?;
    c.batch_execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL;")?;
    Ok(Connection::new(Link::Sqlite(Box::new(c))))
}

/// A file that nobody changes any more.
pub(super) fn file(file: &Path) -> Result<Connection, StoreError> {
    let mut c = SqliteConnection::establish(&file.to_string_lossy()).map_err(StoreError::Unreachable)?;
    c.batch_execute("PRAGMA query_only = ON;")?;
    Ok(Connection::new(Link::Sqlite(Box::new(c))))
}

/// Puts everything into the one file.
pub(super) fn fold(connection: &mut Connection) -> Result<(), StoreError> {
    Ok(on!(connection, c => c.batch_execute("PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE;"))?)
}

/// Makes the file of a database, readable by its owner only, unless it is there.
fn own_file(file: &Path) -> Result<(), StoreError> {
    let made = std::fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(file);
    made.map(|_| ()).map_err(|error| StoreError::Url(format!("{}: {error}", file.display())))
}

impl Place {
    /// A connection to a server that nobody else of us uses; nothing when somebody does.
    pub(super) fn connect_alone(&self) -> Result<Option<Connection>, StoreError> {
        let mut connection = self.connect()?;
        let sql = format!("SELECT CAST(pg_try_advisory_lock({IN_USE}) AS TEXT) AS word");
        let locked = super::inspect::texts(&mut connection, &sql)?;
        Ok((locked == ["true"]).then_some(connection))
    }

    pub(super) fn of_url(url: &str, directory: &Path, tls_ca_file: &Path) -> Result<Self, StoreError> {
        if url.is_empty() {
            return Ok(Self::Sqlite { file: directory.join("docaxis.db"), read_only: false });
        }
        if let Some(file) = url.strip_prefix("sqlite://") {
            let file = PathBuf::from(file);
            let folder = file.parent().filter(|p| !p.as_os_str().is_empty());
            return match folder {
                // A mistyped path must not become a new, empty database somewhere else.
                Some(folder) if !folder.is_dir() => {
                    Err(StoreError::Url(format!("the folder {} does not exist", folder.display())))
                }
                _ => Ok(Self::Sqlite { file, read_only: false }),
            };
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let tls = (!tls_ca_file.as_os_str().is_empty()).then(|| tls_of(tls_ca_file)).transpose()?;
            return Ok(Self::Postgres { url: url.to_owned(), tls, read_only: false });
        }
        Err(StoreError::Url("it must begin with sqlite:// or postgres://".to_owned()))
    }

    /// Whether only one connection may write at a time.
    pub(super) fn has_one_writer(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// What it is, in a word.
    pub(super) fn database(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Postgres { .. } => "postgres",
        }
    }

    /// Whether connections to it only read.
    pub(super) fn only_reads(&self) -> bool {
        matches!(self, Self::Sqlite { read_only: true, .. } | Self::Postgres { read_only: true, .. })
    }

    /// The same place, for connections that only read.
    pub(super) fn reader(&self) -> Self {
        match self {
            Self::Sqlite { file, .. } => Self::Sqlite { file: file.clone(), read_only: true },
            Self::Postgres { url, tls, .. } => Self::Postgres { url: url.clone(), tls: tls.clone(), read_only: true },
        }
    }

    pub(super) fn connect(&self) -> Result<Connection, StoreError> {
        match self {
            Self::Sqlite { file, read_only } => {
                if !*read_only {
                    own_file(file)?;
                }
                let mut c = SqliteConnection::establish(&file.to_string_lossy()).map_err(StoreError::Unreachable)?;
                c.batch_execute(SQLITE_SET_UP)?;
                if *read_only {
                    c.batch_execute(SQLITE_READER)?;
                }
                Ok(Connection::new(Link::Sqlite(Box::new(c))))
            }
            Self::Postgres { url, tls, read_only } => {
                let connected = runtime()?.block_on(connect_postgres(url, tls.clone(), *read_only))?;
                let mut connected = Postgres::from(connected);
                connected.batch_execute(&format!("SELECT pg_advisory_lock_shared({IN_USE})"))?;
                Ok(Connection::new(Link::Postgres(Box::new(connected))))
            }
        }
    }
}

/// How long a server may take to answer a connection, and how long a sent byte may go unacknowledged.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);

async fn connect_postgres(
    url: &str,
    tls: Option<Arc<rustls::ClientConfig>>,
    read_only: bool,
) -> Result<AsyncPgConnection, StoreError> {
    // Whatever the server or the role says: what is committed is on disk. Tables are read by their indexes: a statement
    // that was prepared while a table was empty would go on reading the whole of it.
    // Whoever only reads sees one moment throughout its transaction, as on SQLite.
    let one_moment = r" -c default_transaction_read_only=on -c default_transaction_isolation=repeatable\ read";
    let read_only = if read_only { one_moment } else { "" };
    let options = format!(" -c synchronous_commit=on -c enable_seqscan=off{read_only}");
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

fn tls_of(ca_file: &Path) -> Result<Arc<rustls::ClientConfig>, StoreError> {
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

/// Drives the sockets of PostgreSQL connections, apart from the threads that speak HTTP.
pub(super) fn runtime() -> Result<&'static Handle, StoreError> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).thread_name("store-sockets").enable_all().build().ok()
    });
    made.as_ref().map(Runtime::handle).ok_or(StoreError::Closed)
}

/// Lets the current thread use PostgreSQL connections for as long as the guard lives.
pub(super) fn enter() -> Result<tokio::runtime::EnterGuard<'static>, StoreError> {
    Ok(runtime()?.enter())
}
