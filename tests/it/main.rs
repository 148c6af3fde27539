//! One integration-test binary: behaviour through real HTTP, on SQLite or PostgreSQL.

mod accept;
mod crash;
mod migrations;
mod support;
