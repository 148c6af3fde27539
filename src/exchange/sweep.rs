//! Removes packet files that no row names: what a crash or a refusal left behind.

use super::ExchangeError;
use crate::hub::Hub;
use std::time::Duration;

/// Removes orphans older than the configured age. Answers how many went.
///
/// # Errors
/// `Store`.
pub async fn orphans(hub: &Hub) -> Result<usize, ExchangeError> {
    let age = Duration::from_secs(hub.config.data.orphan_age_seconds);
    Ok(hub.payloads.sweep(&hub.store, age).await?)
}
