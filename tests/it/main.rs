//! One integration-test binary: behaviour through real HTTP, on SQLite or PostgreSQL.

mod accept;
mod fixtures;
mod keys;
mod pickup;
mod recall;
mod report;
mod schemas;
mod store_contract;
mod support;
