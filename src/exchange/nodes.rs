//! What comes on one node wakes the dispatcher and those who wait on all nodes. Not here: what they find then.

use crate::arrivals::PUSHES;
use crate::hub::Hub;
use crate::store::bell::Bell;
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
