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
mod acts;
mod administration;
mod architecture;
mod archives;
mod audit_browser;
mod audit_room;
mod backup;
mod bad_input;
mod client;
mod command_line;
mod controls;
mod coverage;
mod crash;
mod desk;
mod desk_browser;
mod desk_room;
mod destroyed;
mod directory;
mod doctor;
mod fixtures;
mod history;
mod hostile;
mod hostile_connections;
mod incidents;
mod integrators;
mod key_files;
mod keys;
mod ledger;
mod ledger_audit;
mod migrations;
mod nodes;
mod notices;
mod office;
mod office_browser;
mod office_codes;
mod office_ends;
mod openapi;
mod overdue;
mod packaging;
mod pickup;
mod pickup_together;
mod poll;
mod portal;
mod portal_agencies;
mod portal_browser;
mod portal_documents;
mod portal_provider;
mod portal_recall;
mod portal_sign_in;
mod postman;
mod preflight;
mod purge;
mod purge_browser;
mod push;
mod push_faults;
mod push_together;
mod recall;
mod receipts;
mod reconciliations;
mod relay;
mod relay_receipts;
mod report;
mod robots;
mod schemas;
mod screens_browser;
mod sdk_api;
mod sdk_failures;
mod sdk_java;
mod selftest;
mod service;
mod statements;
mod statistics;
mod statistics_browser;
mod store_contract;
mod support;
mod terms;
mod timestamps;
mod two_nodes;
mod watch;
mod webhooks;
mod witness;
