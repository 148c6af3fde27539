//! The dispatcher: claims what is due for endpoints, pushes it, and settles each outcome in one transaction
//! with its attempt and its evidence. There is no queue but the table `pushes`; what is remembered here, how many
//! packets are on their way and how quickly endpoints answer, is worth nothing after a restart.
//! Not here: when a round is due (`jobs`), what an answer of an endpoint means (`channel::push`).

use super::ExchangeError;
use super::settle::{self, Attempt};
use super::settler::Settler;
use super::shipment::{self, Target};
use super::vouch;
use crate::channel::push::Pusher;
use crate::channel::{Outcome, Trouble};
use crate::config::Push;
use crate::domain::breaker::{BreakerLimits, Circuit};
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::lane::{Lane, TURN};
use crate::domain::pace::Pace;
use crate::hub::Hub;
use crate::store::StoreError;
use crate::store::endpoints::{self, EndpointRow};
use crate::store::pushes::{self, Content, Parcel, Wanted};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What is remembered of an endpoint while the process runs.
#[derive(Debug, Clone, Copy, Default)]
struct Traffic {
    pace: Pace,
    in_flight: usize,
}

/// Pushes what is due.
pub struct Dispatcher {
    hub: Hub,
    pusher: Pusher,
    settler: Arc<Settler>,
    traffic: Mutex<HashMap<EndpointId, Traffic>>,
    rounds: AtomicU64,
    in_flight: watch::Sender<usize>,
}

/// How many places an endpoint has, or gets in a round.
struct Share {
    target: Arc<Target>,
    /// The lanes where something was due when the round began.
    lanes: Vec<Lane>,
    places: usize,
}

/// Pushes given up in one transaction because their term is over.
const GIVEN_UP_AT_ONCE: i64 = 200;

impl Dispatcher {
    /// A dispatcher of a hub.
    pub fn new(hub: &Hub, pusher: Pusher) -> Arc<Self> {
        Arc::new(Self {
            hub: hub.clone(),
            pusher,
            settler: Settler::new(hub, limits(&hub.config.push)),
            traffic: Mutex::default(),
            rounds: AtomicU64::new(0),
            in_flight: watch::Sender::new(0),
        })
    }

    /// One round: gives up what is over its term, claims what is due and has a place, and sends it on its way.
    /// Answers how many packets that were.
    ///
    /// # Errors
    /// `Store`. What was claimed is due again when its lease ends.
    pub async fn round(self: &Arc<Self>) -> Result<usize, ExchangeError> {
        let now = self.hub.clock.now();
        let found = self.hub.store.read(move |tx| {
            let is_any_over = !pushes::expired(tx, now, 1)?.is_empty();
            Ok((is_any_over, endpoints::with_something_due(tx, now)?))
        });
        let (is_any_over, due) = found.await?;
        if is_any_over {
            settle::give_up_expired(&self.hub, now, GIVEN_UP_AT_ONCE).await?;
        }
        let round = self.rounds.fetch_add(1, Ordering::Relaxed);
        let shares = self.shares(due, round, now)?;
        if shares.is_empty() {
            return Ok(0);
        }
        let owner = self.hub.ids.next();
        let claimed = self.claim(&shares, round, (&owner, now)).await?;
        let mut started: usize = 0;
        for (target, parcel) in claimed {
            self.leaves(&target.id);
            started = started.saturating_add(1);
            let (this, owner) = (Arc::clone(self), owner.clone());
            tokio::spawn(async move {
                let _place = Place { dispatcher: Arc::clone(&this), target: Arc::clone(&target) };
                this.attempt(target, parcel, &owner).await;
            });
        }
        Ok(started)
    }

    /// Rounds until nothing is due and nothing is on its way. For commands and tests; the clock decides what is due.
    ///
    /// # Errors
    /// Those of `round`.
    pub async fn drain(self: &Arc<Self>) -> Result<usize, ExchangeError> {
        let mut all: usize = 0;
        let mut in_flight = self.in_flight.subscribe();
        loop {
            // What is on its way may make something due when it ends.
            let idle = *in_flight.borrow() == 0;
            let started = self.round().await?;
            all = all.saturating_add(started);
            // The sender is this dispatcher: it cannot be gone.
            let _ = in_flight.wait_for(|number| *number == 0).await;
            if idle && started == 0 {
                return Ok(all);
            }
        }
    }

    /// How many packets are on their way.
    pub fn on_their_way(&self) -> usize {
        *self.in_flight.borrow()
    }

    /// How many of them came to an end that is not settled yet.
    pub fn unsettled(&self) -> usize {
        self.settler.unsettled()
    }

    /// Returns when nothing is on its way any more.
    pub async fn idle(&self) {
        let mut in_flight = self.in_flight.subscribe();
        let _ = in_flight.wait_for(|number| *number == 0).await;
    }

    /// Divides the free places of each kind among its endpoints: events never take places of packets.
    fn shares(
        &self,
        due: Vec<(EndpointRow, Vec<Lane>)>,
        round: u64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Share>, StoreError> {
        let probes = self.hub.config.push.probes;
        let traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        let free_of = |target: &Target| {
            let known = traffic.get(&target.id).copied().unwrap_or_default();
            let most = usize::try_from(target.row.in_flight_max).unwrap_or(1);
            let places = match target.row.breaker().circuit(now) {
                Circuit::Closed => known.pace.places(most),
                Circuit::HalfOpen => probes.min(most),
                Circuit::Open(_) => 0,
            };
            places.saturating_sub(known.in_flight)
        };
        let wanting = due.into_iter().map(|(row, lanes)| {
            let target = Arc::new(Target { id: row.id()?, row });
            Ok(Share { places: free_of(&target), target, lanes })
        });
        let mut wanting = wanting.collect::<Result<Vec<Share>, StoreError>>()?;
        wanting.retain(|share| share.places > 0);
        let mut shares = Vec::new();
        for kind in EndpointKind::ALL {
            let taken: usize = traffic.iter().filter(|(id, _)| id.kind == kind).map(|(_, one)| one.in_flight).sum();
            let left = self.in_flight_max(kind).saturating_sub(taken);
            let of_kind = wanting.extract_if(.., |share| share.target.id.kind == kind).collect();
            shares.extend(divide(of_kind, left, round));
        }
        Ok(shares)
    }

    fn in_flight_max(&self, kind: EndpointKind) -> usize {
        match kind {
            EndpointKind::Agency | EndpointKind::Relay => self.hub.config.push.in_flight_max,
            EndpointKind::Events => self.hub.config.events.in_flight_max,
        }
    }

    /// Leases what the shares allow, in one transaction, and reads the packets.
    async fn claim(
        &self,
        shares: &[Share],
        round: u64,
        (owner, now): (&str, DateTime<Utc>),
    ) -> Result<Vec<(Arc<Target>, Parcel)>, ExchangeError> {
        let wanted = shares.iter().map(|share| Wanted {
            endpoint_id: share.target.row.endpoint_id.clone(),
            lanes: share.lanes.clone(),
            places: share.places,
        });
        let wanted: Vec<Wanted> = wanted.collect();
        let until = now.checked_add_signed(self.lease()).unwrap_or(now);
        let (owner, oldest_first) = (owner.to_owned(), round.is_multiple_of(TURN));
        let leased = self.hub.store.write(move |tx| {
            let due = pushes::due(tx, &wanted, now, oldest_first)?;
            let found = due.len();
            let leased = if due.is_empty() { due } else { pushes::lease(tx, due, &owner, (now, until))? };
            Ok((leased, found))
        });
        let (leased, found) = leased.await?;
        if leased.len() < found {
            // Another node was before: what it left is claimed at once, not at the next tick.
            self.hub.wake.notify_one();
        }
        if leased.is_empty() {
            return Ok(Vec::new());
        }
        let parcels = self.hub.store.read(move |tx| pushes::parcels(tx, leased.clone())).await?;
        let share_of =
            |parcel: &Parcel| shares.iter().find(|share| share.target.row.endpoint_id == parcel.push.endpoint_id);
        Ok(parcels.into_iter().filter_map(|p| share_of(&p).map(|share| (Arc::clone(&share.target), p))).collect())
    }

    /// Longer than any attempt can take, the settling included.
    fn lease(&self) -> TimeDelta {
        let (push, packets) = (&self.hub.config.push, &self.hub.config.packets);
        let sending = push.connect_timeout_seconds.saturating_add(push.answer_timeout_seconds);
        // A neighbour is asked for its receipt after that.
        let asking = sending;
        let longest = sending.saturating_add(asking).saturating_add(packets.bytes_max / push.rate_min.max(1));
        // Each try may wait for all the outcomes before it.
        let line = push.in_flight_max.saturating_add(self.hub.config.events.in_flight_max);
        let batches = line.div_ceil(self.hub.config.database.batch_max.max(1)).saturating_add(1);
        let tries = SETTLING_TRIES.saturating_mul(u64::try_from(batches).unwrap_or(u64::MAX));
        let settling = self.hub.config.database.timeout_seconds.saturating_mul(tries).saturating_add(60);
        let seconds = i64::try_from(longest.saturating_add(settling)).unwrap_or(i64::MAX);
        TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::hours(1))
    }

    /// Sends one packet and settles what came of it.
    async fn attempt(&self, target: Arc<Target>, parcel: Parcel, owner: &str) {
        let started_at = self.hub.clock.now();
        let begun = Instant::now();
        let outcome = match shipment::of(&self.hub, &target, &parcel, started_at).await {
            Ok(shipment) => self.pusher.push(shipment).await,
            Err(why) => {
                // Nothing of the recipient's doing: its attempts are not spent, and the lease brings the packet back.
                let push = parcel.push.push_id.as_str();
                log::error!(target: "push", "push.id" = push; "a packet cannot be sent: {why}");
                return;
            }
        };
        self.learn(&target, &outcome, begun.elapsed());
        let is_taken_or_refused = matches!(&outcome, Outcome::Taken { .. } | Outcome::Refused(_));
        let is_answered = is_taken_or_refused && target.id.kind == EndpointKind::Relay;
        let (outcome, receipt) = self.vouched(&target, &parcel, outcome).await;
        let outcome = match (parcel.push.is_announcement(), outcome) {
            // Nobody looks at an event before it is taken: whatever is wrong is the listener's, and may be put right.
            (true, Outcome::Refused(trouble)) => Outcome::Later(trouble),
            (_, outcome) => outcome,
        };
        let owner = owner.to_owned();
        let attempt = Arc::new(Attempt { target, parcel, owner, started_at, outcome, is_answered, receipt });
        for tried in 1..=SETTLING_TRIES {
            match self.settler.settle(Arc::clone(&attempt)).await {
                Ok(()) => return,
                Err(error) => {
                    let push = attempt.parcel.push.push_id.as_str();
                    log::warn!(target: "push", "push.id" = push, tried = tried; "not settled yet: {error}");
                    tokio::time::sleep(SETTLING_PAUSE).await;
                }
            }
        }
    }

    /// The receipt under which a neighbour took a packet. Without one that holds it counts as not taken: it is brought again, which
    /// doubles nothing there.
    async fn vouched(&self, target: &Target, parcel: &Parcel, outcome: Outcome) -> (Outcome, Option<String>) {
        let (Outcome::Taken { status, answer }, Content::Packet(packet)) = (&outcome, &parcel.content) else {
            return (outcome, None);
        };
        if target.id.kind != EndpointKind::Relay {
            return (outcome, None);
        }
        let now = self.hub.clock.now();
        match vouch::receipt(&self.hub, &self.pusher, (target, &**packet), (*status, answer), now).await {
            Ok(receipt) => (outcome, receipt),
            Err(why) => {
                let (neighbour, delivery) = (target.id.holder.as_str(), parcel.push.push_id.as_str());
                log::error!(target: "alarm", neighbour = neighbour, "delivery.id" = delivery;
                    "a neighbour took a packet, but its receipt is no proof of that: {why}");
                let reason = format!("taken, but without a receipt that holds: {why}");
                let trouble = Trouble { status: Some(*status), reason, may_have_left: true, retry_after: None };
                (Outcome::Later(trouble), None)
            }
        }
    }

    fn leaves(&self, id: &EndpointId) {
        let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        let known = traffic.entry(id.clone()).or_default();
        known.in_flight = known.in_flight.saturating_add(1);
        drop(traffic);
        self.in_flight.send_modify(|number| *number = number.saturating_add(1));
    }

    fn learn(&self, target: &Target, outcome: &Outcome, took: Duration) {
        let slow = Duration::from_millis(self.hub.config.push.slow_milliseconds);
        let most = usize::try_from(target.row.in_flight_max).unwrap_or(1);
        let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        let known = traffic.entry(target.id.clone()).or_default();
        let is_webhook = target.id.kind == EndpointKind::Events;
        known.pace = match outcome {
            Outcome::Refused(_) if is_webhook => known.pace.failed(),
            Outcome::Taken { .. } | Outcome::Refused(_) => known.pace.answered(took, slow, most),
            Outcome::Later(_) | Outcome::Gone(_) => known.pace.failed(),
        };
    }
}

/// When breakers open, and for how long.
pub(super) fn limits(config: &Push) -> BreakerLimits {
    let seconds = |seconds: u64| i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds).unwrap_or_default();
    BreakerLimits {
        failures: i32::try_from(config.breaker_failures).unwrap_or(i32::MAX),
        rest: seconds(config.breaker_rest_seconds),
        rest_max: seconds(config.breaker_rest_max_seconds),
    }
}

/// How often an outcome is tried to be settled before the lease is left to end.
const SETTLING_TRIES: u64 = 3;
/// The pause between such tries.
const SETTLING_PAUSE: Duration = Duration::from_millis(500);

/// Divides places among endpoints with room for so many, one at a time in turn, beginning with another one in each round.
fn divide(mut wanting: Vec<Share>, mut left: usize, round: u64) -> impl Iterator<Item = Share> {
    if !wanting.is_empty() {
        let first = usize::try_from(round).unwrap_or(0) % wanting.len();
        wanting.rotate_left(first);
    }
    let mut given = vec![0_usize; wanting.len()];
    while left > 0 {
        let before = left;
        for (share, places) in wanting.iter().zip(&mut given) {
            if left > 0 && *places < share.places {
                *places = places.saturating_add(1);
                left = left.saturating_sub(1);
            }
        }
        if left == before {
            break;
        }
    }
    let shares = wanting.into_iter().zip(given).map(|(share, places)| Share { places, ..share });
    shares.filter(|share| share.places > 0)
}

/// A place among what is on its way; free again when dropped, whatever happened.
struct Place {
    dispatcher: Arc<Dispatcher>,
    target: Arc<Target>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut traffic = self.dispatcher.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = traffic.get_mut(&self.target.id) {
            known.in_flight = known.in_flight.saturating_sub(1);
        }
        drop(traffic);
        self.dispatcher.in_flight.send_modify(|number| *number = number.saturating_sub(1));
        self.dispatcher.hub.wake.notify_one();
    }
}
