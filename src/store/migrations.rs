//! Brings the tables up to date; the SQL is embedded from `migrations/`.

use super::{Connection, Link, StoreError};
use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// One at a time on PostgreSQL: two nodes may start together. Any number that is ours alone.
const LOCK: i64 = 6_170_102_016;

/// How the tables stand to what this version of the program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The same.
    Current,
    /// Some migrations have not been run.
    Older,
    /// A newer version has run migrations that this one does not know.
    Newer,
}

/// How the tables stand to what this version knows.
///
/// # Errors
/// `Migration`.
pub fn form(connection: &mut Connection) -> Result<Form, StoreError> {
    let known = match &connection.link {
        Link::Sqlite(_) => names::<diesel::sqlite::Sqlite>(&SQLITE),
        Link::Postgres(_) => names::<diesel::pg::Pg>(&POSTGRES),
    };
    let known = known.map_err(|e| StoreError::Migration(e.to_string()))?;
    // Not through the harness of the migrations, which makes its table where there is none: this only looks.
    let done = super::inspect::texts(connection, "SELECT version AS word FROM __diesel_schema_migrations");
    let done = done.map_err(|e| StoreError::Migration(e.to_string()))?;
    Ok(match (done.iter().all(|name| known.contains(name)), known.iter().all(|name| done.contains(name))) {
        (true, true) => Form::Current,
        (true, false) => Form::Older,
        (false, _) => Form::Newer,
    })
}

fn names<D: diesel::backend::Backend>(of: &EmbeddedMigrations) -> diesel::migration::Result<Vec<String>> {
    let all = MigrationSource::<D>::migrations(of)?;
    Ok(all.iter().map(|migration| migration.name().version().to_string()).collect())
}

/// Runs what is missing.
pub(super) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    let failed = |e: &dyn std::fmt::Display| StoreError::Migration(e.to_string());
    match &mut connection.link {
        Link::Sqlite(c) => c.run_pending_migrations(SQLITE).map(|_| ()).map_err(|e| failed(&e)),
        Link::Postgres(c) => {
            c.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})"))?;
            let ran = c.run_pending_migrations(POSTGRES).map(|_| ()).map_err(|e| failed(&e));
            c.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})"))?;
            ran
        }
    }
}
