//! A long poll: the mailbox as it is, or as it is once something has come. Who waits holds no thread and asks the
//! database only when it is woken, and now and then for what other nodes took in.

use super::pickup::{self, MailboxItem, MailboxQuery};
use super::{Caller, ExchangeError};
use crate::arrivals::Places;
use crate::hub::Hub;
use crate::store::systems;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The mailbox as soon as `is_news` says so of it, or as it is after `patience`, which the configured limit bounds, or
/// when the hub stops.
///
/// # Errors
/// `Full` when no more may wait; `Store`.
pub async fn mailbox(
    hub: &Hub,
    caller: &Caller,
    query: MailboxQuery,
    (patience, is_news): (Duration, impl Fn(&[MailboxItem]) -> bool),
) -> Result<Vec<MailboxItem>, ExchangeError> {
    let limits = &hub.config.lists;
    let patience = patience.min(Duration::from_secs(limits.wait_seconds_max));
    let items = pickup::mailbox(hub, caller, query.clone()).await?;
    if patience.is_zero() || is_news(&items) {
        return Ok(items);
    }
    let system = caller.system_id.clone();
    let agencies = hub.store.read(move |tx| systems::held_by(tx, &system)).await?;
    let places = Places { of_node: limits.waiting_polls_max, of_system: limits.waiting_polls_per_system_max };
    let place = hub.arrivals.place(&caller.system_id, agencies, places).map_err(ExchangeError::Full)?;
    let end = Instant::now() + patience;
    loop {
        // Looked into after the place was taken: what came in between is seen here, what comes later wakes.
        let items = pickup::mailbox(hub, caller, query.clone()).await?;
        let left = end.saturating_duration_since(Instant::now());
        if is_news(&items) || left.is_zero() || hub.arrivals.is_closed() {
            return Ok(items);
        }
        let again = Duration::from_secs(limits.wait_recheck_seconds.max(1));
        // Woken or not, the next look tells.
        let _ = timeout(left.min(again), place.woken()).await;
    }
}
