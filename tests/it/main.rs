//! One integration-test binary: behaviour through real HTTP, on SQLite or PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed; that is how it says so"
)]

mod accept;
mod administration;
mod architecture;
mod client;
mod command_line;
mod coverage;
mod crash;
mod directory;
mod fixtures;
mod hostile;
mod hostile_connections;
mod keys;
mod migrations;
mod openapi;
mod pickup;
mod recall;
mod report;
mod schemas;
mod sdk_api;
mod sdk_failures;
mod sdk_java;
mod store_contract;
mod support;
