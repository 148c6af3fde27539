//! The loops that ask others about the ledger: witnesses to cosign it, a time-stamp authority to stamp it. They stand apart from
//! sealing and from each other: whoever is away or slow holds nothing up.

use super::Running;
use crate::channel::push::Pusher;
use crate::exchange::{cosign, stamp};
use crate::hub::Hub;
use std::time::Duration;
use tokio::task::JoinHandle;

/// One kind of asking, once.
type Round = for<'a> fn(&'a Hub, &'a Pusher) -> Running<'a>;

/// Who is asked, and how.
const ROUNDS: [(&str, Round); 2] = [
    ("witnesses", |hub, pusher| Box::pin(cosign::round(hub, pusher))),
    ("time-stamp authorities", |hub, pusher| Box::pin(stamp::round(hub, pusher))),
];

/// The loops that are on.
pub struct Witnessing([JoinHandle<()>; 2]);

impl Witnessing {
    /// Starts a round of each every `witness.tick_seconds`.
    pub fn start(hub: &Hub, pusher: &Pusher) -> Self {
        Self(ROUNDS.map(|asked| tokio::spawn(rounds(hub.clone(), pusher.clone(), asked))))
    }

    /// Ends at once. A witness that was just asked says at the next time which head it has; a head is stamped again.
    pub fn stop(self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

async fn rounds(mut hub: Hub, pusher: Pusher, (who, round): (&'static str, Round)) {
    let mut ticks = tokio::time::interval(Duration::from_secs(hub.config.witness.tick_seconds.max(1)));
    loop {
        ticks.tick().await;
        hub.refresh();
        if let Err(error) = round(&hub, &pusher).await {
            log::warn!(target: "ledger", "{who} could not be asked; the next round tries again: {error}");
        }
    }
}
