//! The loop that asks witnesses to cosign the ledger. It stands apart from sealing: a witness that is away holds nothing up.

use crate::channel::push::Pusher;
use crate::exchange::cosign;
use crate::hub::Hub;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The loop that is on.
pub struct Witnessing(JoinHandle<()>);

impl Witnessing {
    /// Starts a round every `witness.tick_seconds`.
    pub fn start(hub: &Hub, pusher: Pusher) -> Self {
        let hub = hub.clone();
        Self(tokio::spawn(async move { rounds(hub, &pusher).await }))
    }

    /// Ends at once. A witness that was just asked says at the next time which head it has.
    pub fn stop(self) {
        self.0.abort();
    }
}

async fn rounds(mut hub: Hub, pusher: &Pusher) {
    let mut ticks = tokio::time::interval(Duration::from_secs(hub.config.witness.tick_seconds.max(1)));
    loop {
        ticks.tick().await;
        hub.refresh();
        if let Err(error) = cosign::round(&hub, pusher).await {
            log::warn!(target: "ledger", "witnesses could not be asked; the next round tries again: {error}");
        }
    }
}
