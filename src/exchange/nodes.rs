//! The nodes of a hub: what comes on one wakes the dispatcher and those who wait on all; each tells now and then that it is
//! there. Not here: what is found by who wakes.

use super::ExchangeError;
use crate::arrivals::PUSHES;
use crate::hub::Hub;
use crate::store::bell::Bell;
use crate::store::machine;
use crate::store::nodes::{self, NodeRow};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Time in which what is to be told to other nodes is gathered, so that a stream of packets is few words.
const GATHERING: Duration = Duration::from_millis(5);
/// The pause before a broken line to other nodes is made anew.
const LINE_PAUSE: Duration = Duration::from_secs(5);

/// Opens the line to the other nodes, if there can be one, and keeps it open: what comes on one node wakes the
/// dispatcher and those who wait on all. Whoever waits is woken when a line was broken, since words may have been lost.
pub async fn listen(hub: &Hub) -> JoinHandle<()> {
    let mut line = hub.store.bell().await;
    let hub = hub.clone();
    hub.arrivals.have_other_nodes(matches!(line, Ok(Some(_))));
    tokio::spawn(async move {
        loop {
            match line {
                Ok(None) => return,
                Ok(Some(bell)) => speak(&hub, bell).await,
                Err(error) => {
                    log::warn!(target: "nodes", "no line to other nodes; they are found out by looking: {error}")
                }
            }
            hub.arrivals.have_other_nodes(false);
            tokio::time::sleep(LINE_PAUSE).await;
            line = hub.store.bell().await;
            hub.arrivals.have_other_nodes(matches!(line, Ok(Some(_))));
            hear(&hub, &[]);
        }
    })
}

fn hear(hub: &Hub, agencies: &[String]) {
    hub.arrivals.hear(agencies);
    if agencies.is_empty() || agencies.iter().any(|agency| agency == PUSHES) {
        hub.wake.notify_one();
    }
}

/// Tells and hears until the line breaks.
async fn speak(hub: &Hub, mut bell: Bell) {
    loop {
        tokio::select! {
            agencies = hub.arrivals.untold() => {
                if let Err(error) = bell.tell(&agencies).await {
                    log::warn!(target: "nodes", "other nodes were not told of what came: {error}");
                    return;
                }
                tokio::time::sleep(GATHERING).await;
            }
            heard = bell.heard() => match heard {
                Some(agencies) => hear(hub, &agencies),
                None => return,
            },
        }
    }
}

/// A node that was not there for this long, and in whose place no other started, is forgotten.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(30);
/// So many times it may be late before it counts as gone.
const MISSED: i32 = 3;

/// A node, as operators see it.
#[derive(Debug, Clone)]
pub struct NodeLine {
    /// The id that the process drew.
    pub node_id: String,
    /// The machine's name.
    pub host: String,
    /// The program's version.
    pub version: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it was last there.
    pub seen_at: DateTime<Utc>,
    /// Whether it still is.
    pub is_there: bool,
    /// Whether it is the one that answers.
    pub is_this: bool,
}

fn forgotten_before(hub: &Hub) -> DateTime<Utc> {
    let now = hub.clock.now();
    now.checked_sub_signed(FORGOTTEN_AFTER).unwrap_or(now)
}

/// Tells that this node is there, and forgets those that were not for long.
///
/// # Errors
/// `Store`.
pub async fn tell(hub: &Hub) -> Result<(), ExchangeError> {
    let (now, before) = (hub.clock.now(), forgotten_before(hub));
    let uptime = TimeDelta::from_std(hub.uptime()).unwrap_or_default();
    let started_at = now.checked_sub_signed(uptime).unwrap_or(now);
    let names = (machine::host(), env!("CARGO_PKG_VERSION"));
    let row = NodeRow::new(hub.node_id.to_string(), names, (started_at, now));
    let told = hub.store.write(move |tx| {
        nodes::forget(tx, "", before)?;
        nodes::note(tx, &row)
    });
    Ok(told.await?)
}

/// Tells that this node stops.
///
/// # Errors
/// `Store`.
pub async fn leave(hub: &Hub) -> Result<(), ExchangeError> {
    let (id, before) = (hub.node_id.to_string(), forgotten_before(hub));
    Ok(hub.store.write(move |tx| nodes::forget(tx, &id, before)).await?)
}

/// A node that said nothing for this long is not there.
pub(super) fn patience(hub: &Hub) -> TimeDelta {
    let every = i64::try_from(hub.config.keys.use_noted_seconds).ok().and_then(TimeDelta::try_seconds);
    every.and_then(|every| every.checked_mul(MISSED)).unwrap_or(TimeDelta::MAX)
}

/// The nodes, in the order in which they started.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub) -> Result<Vec<NodeLine>, ExchangeError> {
    let rows = hub.store.read(nodes::list).await?;
    let (patience, now) = (patience(hub), hub.clock.now());
    let line = |row: NodeRow| NodeLine {
        started_at: row.started_at(),
        seen_at: row.seen_at(),
        is_there: now.signed_duration_since(row.seen_at()) < patience,
        is_this: *row.node_id == *hub.node_id,
        node_id: row.node_id,
        host: row.host,
        version: row.version,
    };
    Ok(rows.into_iter().map(line).collect())
}
