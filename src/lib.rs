//! Docaxis: a hub for electronic documents in edXML packets.
//!
//! The map, in reading order; the story is told in ARCHITECTURE.md.

pub mod config;
pub mod domain;
pub mod exchange;
pub mod http;
pub mod hub;
pub mod jobs;
pub mod keyring;
pub mod store;
pub mod wire;
