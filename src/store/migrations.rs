//! Brings the tables up to date; the SQL is embedded from `migrations/`.

use super::{Connection, Link, StoreError};
use diesel::connection::SimpleConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// One at a time on PostgreSQL: two nodes may start together. Any number that is ours alone.
const LOCK: i64 = 6_170_102_016;

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
