//! One integration-test binary: behaviour through real HTTP, on SQLite or PostgreSQL.

mod accept;
mod hostile;
mod hostile_connections;
mod sdk_api;
mod sdk_failures;
mod support;
