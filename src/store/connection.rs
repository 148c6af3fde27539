//! Two databases behind one type. A query is written once and type-checked for both by `on!` and its two kin; where
//! SQL must differ, the place is marked `Portable:` and counted by the architecture test.

use super::StoreError;
use super::backlog::{Backlog, Waiting};
use super::known::Known;
use super::server::{self, Server};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::{Connection as _, QueryResult, SqliteConnection, connection::SimpleConnection};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    Postgres(Box<Server>),
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
                let $c = &mut ***boxed;
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
                    written = written.saturating_add($statement.execute(&mut ***c)?);
                }
            }
        }
        written
    }};
}

/// Runs one statement (`execute`, `load`, `get_result`) for each of several things: embedded one after the other; on a
/// server, where each is a journey, all of them in one. Answers what each gave, in their order.
macro_rules! on_each {
    ($tx:expr, $run:ident, $things:expr, $thing:pat => $statement:expr) => {
        match $tx.settled() {
            Ok($crate::store::connection::Link::Sqlite(c)) => {
                $things.iter().map(|$thing| diesel::RunQueryDsl::$run($statement, &mut **c)).collect::<QueryResult<_>>()
            }
            Ok($crate::store::connection::Link::Postgres(c)) => {
                let link: &diesel_async::AsyncPgConnection = c;
                c.together(futures_util::future::try_join_all($things.iter().map(|$thing| async move {
                    let mut link = link;
                    diesel_async::RunQueryDsl::$run($statement, &mut link).await
                })))
            }
            Err(error) => Err(error),
        }
    };
}
pub(crate) use {on, on_directory, on_each, on_link, on_packets, with_rows};

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
            Link::Postgres(c) => begin(&mut ***c)?,
        }
        Ok(())
    }

    fn is_in_transaction(&mut self) -> Result<bool, StoreError> {
        Ok(on_link!(&mut self.link, c => depth_of(c))?.is_some())
    }

    /// Opens a transaction that only reads.
    pub(super) fn begin_reading(&mut self) -> Result<(), StoreError> {
        self.forget();
        // A server is far away, and its answer to this says nothing.
        match &mut self.link {
            Link::Sqlite(c) => begin(&mut **c)?,
            Link::Postgres(c) => c.begin_unawaited(),
        }
        Ok(())
    }

    /// Ends a transaction that only read.
    pub(super) fn end_reading(&mut self) -> Result<(), StoreError> {
        match &mut self.link {
            Link::Sqlite(c) => roll_back(&mut **c)?,
            Link::Postgres(c) => c.end()?,
        }
        Ok(())
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
        let locked = super::inspect::texts(&mut connection, &Server::alone())?;
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
            let tls = (!tls_ca_file.as_os_str().is_empty()).then(|| server::tls_of(tls_ca_file)).transpose()?;
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
                let connected = Server::connect(url, tls.clone(), *read_only)?;
                Ok(Connection::new(Link::Postgres(Box::new(connected))))
            }
        }
    }
}
