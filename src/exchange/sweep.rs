//! Removes what nobody needs any more: files of packets that no row names, left behind by a crash or a refusal, files of archives
//! that have no place, and records of the hub's own work that are old.

use super::{ExchangeError, archive, incidents, sessions, webhooks};
use crate::hub::Hub;
use crate::store::{job_runs, mails};
use chrono::TimeDelta;
use std::time::Duration;

/// Removes packets' files without a row that are older than the configured age, and what is left of archives that were
/// destroyed or failed. Answers how many went.
///
/// # Errors
/// `Store`; `Payload` when the file of an archive cannot be removed.
pub async fn orphans(hub: &Hub) -> Result<usize, ExchangeError> {
    let age = Duration::from_secs(hub.config.data.orphan_age_seconds);
    let packets = hub.payloads.sweep(&hub.store, age).await?;
    Ok(packets.saturating_add(archive::sweep(hub).await?))
}

/// Removes what is known of runs of jobs and of mails that ended `jobs.records_days` ago, of events that ended
/// `events.kept_days` ago, of incidents that ended `jobs.incidents_days` ago, and of sessions that are over. Answers how much went.
///
/// # Errors
/// `Store`.
pub async fn records(hub: &Hub) -> Result<usize, ExchangeError> {
    let age = i64::try_from(hub.config.jobs.records_days).ok().and_then(TimeDelta::try_days);
    let Some(before) = age.and_then(|age| hub.clock.now().checked_sub_signed(age)) else { return Ok(0) };
    let removed = hub
        .store
        .write(move |tx| Ok(job_runs::remove_ended(tx, before)?.saturating_add(mails::remove_ended(tx, before)?)));
    let removed =
        removed.await?.saturating_add(incidents::forget(hub).await?).saturating_add(webhooks::forget_ended(hub).await?);
    Ok(removed.saturating_add(sessions::sweep(hub).await?))
}
