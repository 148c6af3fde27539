//! The loop that makes what was sealed findable. It stands apart from everything else: a search index that is behind
//! holds nothing up.

use crate::exchange::index;
use crate::hub::Hub;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// Between two rounds while something is left.
const PAUSE: Duration = Duration::from_millis(20);

/// The loop that is on.
pub struct Indexing(JoinHandle<()>);

impl Indexing {
    /// Starts rounds every `portal.index_tick_milliseconds`, one after the other as long as something is left.
    pub fn start(hub: &Hub) -> Self {
        Self(tokio::spawn(rounds(hub.clone())))
    }

    /// Ends at once. What was begun is whole or not there.
    pub fn stop(self) {
        self.0.abort();
    }
}

async fn rounds(mut hub: Hub) {
    let mut ticks = tokio::time::interval(Duration::from_millis(hub.config.portal.index_tick_milliseconds.max(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        hub.refresh();
        loop {
            match index::round(&hub).await {
                Ok(0) => break,
                // Whoever writes packets comes in between.
                Ok(_) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    log::warn!(target: "search", "documents were not made findable; the next round tries again: {error}");
                    break;
                }
            }
        }
    }
}
