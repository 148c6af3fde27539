//! The only place that knows SQL. `Store` has two doors, `read` and `write`; what stands behind them is in
//! `connection` (two databases, one type), `server` (how one of them is reached) and `queue` (threads, group commit). Then one file per aggregate:
//! `agencies` (and `freed_codes`, which rest), `systems`, `envelopes`, `deliveries`, `failures`, `redrives`, `endpoints`, `pushes` (and their `outcomes`), `announcements`, `routes`,
//! `relays`, `evidence`, `ledger`, `witnesses`, `timestamps`, `receipts`, `neighbours`, `statements`, `reconciliations`, `archives` (and their `archive_files`),
//! `job_runs`, `followers`, `statistics` and `folding`, `mails` (and `notices`, what they tell of), `selftest`, `users`, `user_sessions`, `transfers` (the log that people
//! read), `search`, `nodes` (who works), `incidents` (what went wrong), `bulletins` (what operators tell), `grants` (what administrators give; what they share with `redrives` and `purges` is in `undertakings`), `purges` (contents that are destroyed), `purgeable` (what may be) and `holds` (what may not), `warrants`, `samples` and `accesses` (of auditors, and who looked at what), and `payloads` for the bytes. `bell` wakes other nodes.
//!
//! A row of a unique key is read by `get_result`, not `first`: it needs no LIMIT. (SQLite would plan a statement anew whenever
//! a LIMIT is bound again; it is compiled not to, see `.cargo/config.toml`.) Store functions take `tx` first and never open a transaction: use cases decide the boundaries.

pub mod accesses;
pub mod agencies;
pub mod announcements;
pub mod archive_files;
pub mod archives;
mod backlog;
pub mod backup;
pub mod bell;
pub mod bulletins;
pub mod connection;
mod copy;
pub mod deliveries;
pub mod endpoints;
pub mod envelopes;
pub mod evidence;
pub mod failures;
pub mod folding;
pub mod followers;
pub mod freed_codes;
pub mod grants;
pub mod guard;
pub mod holds;
pub mod identities;
pub mod incidents;
pub mod inspect;
pub mod job_runs;
mod known;
pub mod ledger;
mod literal;
pub mod machine;
pub mod mails;
pub mod migrations;
pub mod neighbours;
pub mod nodes;
pub mod notices;
pub mod outcomes;
pub mod payloads;
mod prepared;
pub mod purgeable;
pub mod purges;
pub mod pushes;
mod queue;
pub mod receipts;
pub mod reconciliations;
pub mod redrives;
pub mod relays;
pub mod restore;
pub mod routes;
pub mod samples;
mod schema;
pub mod search;
pub mod selftest;
mod server;
pub mod statements;
pub mod statistics;
pub mod systems;
pub mod timestamps;
pub mod transfers;
mod undertakings;
pub mod user_sessions;
pub mod users;
pub mod warrants;
pub mod witnesses;

use crate::config::Database;
use crate::metrics::{QueueMeter, StoreMetrics};
use connection::Place;
pub use connection::{Connection, Link};
pub use known::Foresight;
use queue::Queue;
use secrecy::ExposeSecret;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Ids that one statement names: SQLite binds each by itself, 32,766 at most.
pub const IDS_MAX: usize = 10_000;

/// The database, behind two doors.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    reads: Queue,
    writes: Queue,
    place: Place,
    /// See `Store::is_server`.
    is_server: bool,
    patience: Duration,
    metrics: StoreMetrics,
    database: &'static str,
}

/// Why the store could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no database that is known, or the file's folder does not exist.
    #[error("the database URL cannot be used: {0}")]
    Url(String),
    /// No connection could be made or the one in use broke.
    #[error("the database cannot be reached")]
    Unreachable(#[source] diesel::ConnectionError),
    /// The PostgreSQL server could not be reached or refused.
    #[error("the PostgreSQL server cannot be reached")]
    ServerUnreachable(#[source] tokio_postgres::Error),
    /// The authority file for TLS cannot be used.
    #[error("database.tls_ca_file cannot be used: {0}")]
    Tls(String),
    /// A statement failed.
    #[error("a database statement failed")]
    Statement(#[source] diesel::result::Error),
    /// The transaction that a write shared with others did not commit. Nothing of it was kept.
    #[error("the transaction did not commit: {0}")]
    NotCommitted(String),
    /// A row holds a word that this version does not know.
    #[error("column {column} holds {value:?}, which this version does not know")]
    UnknownWord {
        /// Table and column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// A row that must be there is not.
    #[error("a row of {0} that must be there is not")]
    Missing(&'static str),
    /// Another node changed a row since it was read here; the closure is run again.
    #[error("another node changed a row meanwhile")]
    Raced,
    /// More writes wait than the limit allows.
    #[error("too much is waiting for the database")]
    Overloaded,
    /// The answer did not come in time; the write may still happen.
    #[error("the database did not answer in time")]
    TimedOut,
    /// The store is shutting down, or a thread of it died.
    #[error("the store is closed")]
    Closed,
    /// A closure panicked; nothing of it was kept.
    #[error("a database closure panicked")]
    Panicked,
    /// Migrations could not be run.
    #[error("migrations cannot be run: {0}")]
    Migration(String),
}

impl StoreError {
    /// Whether the same may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::ServerUnreachable(_)
            | Self::Raced
            | Self::Overloaded
            | Self::TimedOut
            | Self::Closed
            | Self::NotCommitted(_)
            | Self::Statement(_) => true,
            Self::Url(_)
            | Self::Tls(_)
            | Self::UnknownWord { .. }
            | Self::Missing(_)
            | Self::Panicked
            | Self::Migration(_) => false,
        }
    }

    /// Whether a row of that natural key is there already.
    pub fn is_unique_violation(&self) -> bool {
        use diesel::result::{DatabaseErrorKind, Error};
        matches!(self, Self::Statement(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
    }

    /// Whether the same may succeed at once, because another connection was in the way. PostgreSQL's deadlocks come
    /// without a kind of their own; what else has none fails again and is answered then.
    fn is_of_the_moment(&self) -> bool {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        let by_kind = matches!(
            self,
            Self::Statement(Error::DatabaseError(Kind::SerializationFailure | Kind::Unknown, _)) | Self::Raced
        );
        by_kind || self.is_unique_violation()
    }
}

impl From<diesel::result::Error> for StoreError {
    /// What waited to be written meets what another node changed in the midst of another statement (`backlog`).
    fn from(error: diesel::result::Error) -> Self {
        if matches!(error, diesel::result::Error::RollbackTransaction) { Self::Raced } else { Self::Statement(error) }
    }
}

impl Store {
    /// Connects to the configured database and brings its tables up to date. An empty URL means SQLite in
    /// `directory`.
    ///
    /// # Errors
    /// `Url`, `Unreachable`, `ServerUnreachable`, `Tls`, `Migration`.
    pub fn open(config: &Database, directory: &Path) -> Result<Self, StoreError> {
        // A thread of its own: the caller may be inside a runtime, which PostgreSQL connections must not block.
        let opened = std::thread::scope(|scope| scope.spawn(|| Self::open_here(config, directory)).join());
        opened.unwrap_or(Err(StoreError::Panicked))
    }

    fn open_here(config: &Database, directory: &Path) -> Result<Self, StoreError> {
        let place = Place::of_url(config.url.expose_secret(), directory, &config.tls_ca_file)?;
        let mut first = place.connect()?;
        migrations::run(&mut first)?;
        let patience = Duration::from_secs(config.timeout_seconds);
        let (metrics, database) = (StoreMetrics::default(), place.database());
        let meter = |queue| QueueMeter::of(queue, &metrics);
        let is_server = !place.has_one_writer();
        let writers = if is_server { config.writers } else { 1 };
        let more = (1..writers).map(|_| place.connect());
        let writers = std::iter::once(Ok(first)).chain(more).collect::<Result<_, _>>()?;
        let readers = (0..config.connections).map(|_| place.reader().connect()).collect::<Result<_, _>>()?;
        let reads = Queue::start(meter("read"), readers, place.reader(), config);
        let writes = Queue::start(meter("write"), writers, place.clone(), config);
        Ok(Self { inner: Arc::new(Inner { reads, writes, place, is_server, patience, metrics, database }) })
    }

    /// Takes no more work and returns when what was taken is done and every connection is closed. Every clone of
    /// this store answers `Closed` from then on.
    pub fn close(&self) {
        // The last connection folds SQLite's log back: one that closes alone, and may write.
        self.inner.reads.close();
        self.inner.writes.close();
    }

    /// What its queues count.
    pub fn metrics(&self) -> &StoreMetrics {
        &self.inner.metrics
    }

    /// The meter of each queue.
    pub fn meters(&self) -> impl Iterator<Item = &QueueMeter> {
        [self.inner.writes.meter(), self.inner.reads.meter()].into_iter()
    }

    /// `sqlite` or `postgres`.
    pub fn database(&self) -> &'static str {
        self.inner.database
    }

    /// Whether each statement is a journey to a server, so that much is gained by asking for many things at once.
    pub fn is_server(&self) -> bool {
        self.inner.is_server
    }

    /// Runs `f` in a read-only transaction, in which everything is as it is at one moment.
    ///
    /// # Errors
    /// Those of `f`, and `Overloaded`, `TimedOut`, `Closed`, `Panicked`.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(&self.inner.reads, None, f).await
    }

    /// Runs `f` in a transaction that is on disk when this returns `Ok`. `f` may run more than once when another
    /// node wrote the same natural key at the same time, and may share its commit with other writes; it must do
    /// nothing but work with `tx`.
    ///
    /// # Errors
    /// Those of `f`, and `NotCommitted`, `Overloaded`, `TimedOut`, `Closed`, `Panicked`. After `TimedOut` the
    /// write may still happen.
    pub async fn write<T: Send + 'static>(
        &self,
        f: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(&self.inner.writes, None, f).await
    }

    /// The same, when it is known what `f` is about to ask.
    ///
    /// # Errors
    /// Those of `write`.
    pub async fn write_foreseen<T: Send + 'static>(
        &self,
        foresight: Option<Foresight>,
        f: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(&self.inner.writes, foresight, f).await
    }

    /// What a write is about to ask, where telling it helps: on a server, that is asked for many writes at once.
    pub fn foresight(&self, of: impl FnOnce() -> Foresight) -> Option<Foresight> {
        self.inner.is_server.then(of)
    }

    async fn ask<T: Send + 'static>(
        &self,
        queue: &Queue,
        foresight: Option<Foresight>,
        f: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let answer = queue.submit(foresight, f)?;
        match timeout(self.inner.patience, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(StoreError::Closed),
            Err(_) => Err(StoreError::TimedOut),
        }
    }
}
