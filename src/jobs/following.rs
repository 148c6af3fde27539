//! The loops of those who follow the ledger. They stand apart from everything else: a search index or numbers that are behind
//! hold nothing up.

use crate::exchange::following::{FOLLOWERS, Follower};
use crate::hub::Hub;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// Between two rounds while something is left.
const PAUSE: Duration = Duration::from_millis(20);

/// The loops that are on.
pub struct Following(Vec<JoinHandle<()>>);

impl Following {
    /// Starts rounds of each at its own pace, one after the other as long as something is left.
    pub fn start(hub: &Hub) -> Self {
        Self(FOLLOWERS.into_iter().map(|follower| tokio::spawn(rounds(hub.clone(), follower))).collect())
    }

    /// Ends at once. What was begun is whole or not there.
    pub fn stop(self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

async fn rounds(mut hub: Hub, follower: &Follower) {
    let mut ticks = tokio::time::interval(Duration::from_millis((follower.tick)(&hub.config).max(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        hub.refresh();
        loop {
            match (follower.round)(&hub).await {
                Ok(0) => break,
                // Whoever writes packets comes in between.
                Ok(_) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    log::warn!(target: "followers", follower = follower.name; "the ledger was not followed; the next round tries again: {error}");
                    break;
                }
            }
        }
    }
}
