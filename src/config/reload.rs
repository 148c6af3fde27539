//! Which settings can change while the hub runs, and what became of them. Not here: how they are compared (`table`).

use super::Config;

/// Settings that are read anew by `systemctl reload` (SIGHUP). Whatever is read by each request, connection or job for
/// itself can stand here; the others are read once, when the hub starts.
pub const RELOADABLE: &[&str] = &[
    "server.body_silence_seconds",
    "server.body_rate_min",
    "server.drain_seconds",
    "server.head_bytes_max",
    "server.packets_in_flight_per_system_max",
    "data.inline_bytes_max",
    "data.free_bytes_min",
    "data.orphan_age_seconds",
    "packets.bytes_max",
    "packets.depth_max",
    "packets.elements_max",
    "packets.attributes_max",
    "packets.token_bytes_max",
    "packets.recipients_max",
    "packets.attachments_max",
    "packets.unzipped_bytes_max",
    "packets.zip_members_max",
    "packets.zip_ratio_max",
    "lists.page_max",
    "lists.reconciled_lines_max",
    "lists.reconciled_bytes_max",
    "lists.differences_max",
    "keys.memory_seconds",
    "keys.live_max",
    "keys.life_days",
    "ledger.late_seconds",
    "ledger.stop_seconds",
    "witness.late_seconds",
    "witness.request_bytes_max",
    "timestamp.urls",
    "timestamp.authorities_file",
    "timestamp.policy",
    "timestamp.every_seconds",
    "timestamp.timeout_seconds",
    "timestamp.clock_seconds",
    "timestamp.late_seconds",
    "jobs.records_days",
    "jobs.lease_seconds",
    "archives.packets_max",
    "archives.waiting_max",
    "metrics.allow",
    "metrics.token",
    "metrics.waiting_max",
    "log.filter",
];

/// What became of a configuration that was read anew.
#[derive(Debug)]
pub struct Reloaded {
    /// What is to be in force.
    pub config: Config,
    /// Settings that have another value now.
    pub changed: Vec<&'static str>,
    /// Settings that were changed in the file and take effect at the next start only.
    pub kept: Vec<&'static str>,
}
