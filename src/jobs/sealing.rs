//! The loop that seals evidence into the ledger. Whether sealing has fallen behind is told here, once each time; what
//! follows from it is decided in `exchange::seal`.

use crate::exchange::seal::{self, Sealer, Standing};
use crate::hub::Hub;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// The loop that is on.
pub struct Sealing {
    stop: oneshot::Sender<()>,
    rounds: JoinHandle<()>,
}

impl Sealing {
    /// Starts a round every `ledger.tick_milliseconds`, the first one at once.
    pub fn start(hub: &Hub) -> Self {
        let (stop, stopped) = oneshot::channel();
        seal::mind(hub);
        Self { stop, rounds: tokio::spawn(rounds(hub.clone(), stopped)) }
    }

    /// Ends after one more round.
    pub async fn stop(self) {
        // The receiver is gone only when the loop has ended already.
        let _ = self.stop.send(());
        let _ = self.rounds.await;
    }
}

async fn rounds(mut hub: Hub, mut stopped: oneshot::Receiver<()>) {
    let sealer = Sealer::new(&hub);
    let mut ticks = tokio::time::interval(Duration::from_millis(hub.config.ledger.tick_milliseconds.max(1)));
    // No two heads within one tick.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut was, mut is_last) = (Standing::Well, false);
    while !is_last {
        tokio::select! {
            _ = &mut stopped => is_last = true,
            _ = ticks.tick() => {}
        }
        hub.refresh();
        if let Err(error) = sealer.round().await {
            log::warn!(target: "ledger", "evidence was not sealed; the next round tries again: {error}");
        }
        let is = seal::standing(&hub);
        if is != was {
            tell(is, seal::silence(&hub).num_seconds());
            was = is;
        }
    }
}

fn tell(is: Standing, seconds: i64) {
    match is {
        Standing::Well => log::info!(target: "alarm", "evidence is sealed again"),
        Standing::Late => {
            log::error!(target: "alarm", seconds = seconds; "evidence is not sealed: soon nothing will be accepted");
        }
        Standing::Stopped => {
            log::error!(target: "alarm", seconds = seconds; "evidence is not sealed: nothing is accepted")
        }
    }
}
