//! What is stuck (kẹt và lỗi): what has failed, by recipient and cause, and what waits, by recipient. Counted up to
//! `metrics.waiting_max`, so that looking costs the same however much there is. Not here: what is done about it (`redrives`,
//! `controls`, `endpoints`).

use super::ExchangeError;
use super::sessions::Person;
use crate::domain::breaker::Circuit;
use crate::domain::cause::Cause;
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::envelope::Urgency;
use crate::domain::lane::Lane;
use crate::hub::Hub;
use crate::store::endpoints::EndpointRow;
use crate::store::inspect::{self, Heap};
use crate::store::{StoreError, endpoints, transfers};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, HashMap};

/// Rows that a page shows of each list; what is worst comes first.
const ROWS_MAX: usize = 200;

/// What is stuck.
#[derive(Debug, Clone)]
pub struct Stuck {
    /// What has failed, the oldest first.
    pub groups: Vec<Group>,
    /// What waits, the oldest first.
    pub queues: Vec<Queued>,
    /// What waits to be pushed, by lane, the most urgent first: how much, and when the first was put in line.
    pub lanes: Vec<(Lane, i64, DateTime<Utc>)>,
    /// Whether there is more than was counted or is shown.
    pub is_cut: bool,
    /// Whether it is such that recipients may be missing.
    pub leaves_out: bool,
}

/// What has failed for a recipient for one cause.
#[derive(Debug, Clone)]
pub struct Group {
    /// Canonical code of the recipient.
    pub recipient: String,
    /// What people call it.
    pub name: String,
    /// Why.
    pub cause: Cause,
    /// How many.
    pub number: i64,
    /// When the first failed.
    pub oldest: DateTime<Utc>,
}

/// What waits for a recipient.
#[derive(Debug, Clone)]
pub struct Queued {
    /// The recipient, by the name that commands take.
    pub recipient: String,
    /// What people call it.
    pub name: String,
    /// Whether the hub brings it; else the recipient's software comes for it.
    pub is_pushed: bool,
    /// How much.
    pub number: i64,
    /// When the first was put in line.
    pub oldest: DateTime<Utc>,
    /// What keeps it.
    pub trouble: Trouble,
}

/// What keeps packets from leaving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// It waits for too long.
    Late,
    /// An operator paused the endpoint, and why.
    Paused(String),
    /// The endpoint said that it is gone.
    Gone,
    /// The endpoint is left in peace until then.
    Resting(DateTime<Utc>),
    /// The endpoint is tried with single packets.
    Probed,
}

/// What is stuck.
///
/// # Errors
/// `NotFound` for a person who does not look after the hub; `Store`.
pub async fn stuck(hub: &Hub, person: &Person) -> Result<Stuck, ExchangeError> {
    person.runs_the_hub()?;
    let most = hub.config.metrics.waiting_max;
    let (own, now) = (hub.clone(), hub.clock.now());
    let stuck = hub.store.read(move |tx| {
        let [failed, pushed, unfetched] =
            [inspect::failures(tx, most)?, inspect::lines(tx, most)?, inspect::unfetched(tx, most)?];
        let is_full = |heaps: &[Heap]| sum(heaps) >= i64::try_from(most).unwrap_or(i64::MAX);
        let leaves_out = is_full(&unfetched);
        let is_cut = is_full(&failed) || is_full(&pushed) || leaves_out;
        let rows = endpoints::list(tx)?.into_iter().map(|row| (row.endpoint_id.clone(), row)).collect();
        let lanes = lanes(&own, &pushed);
        let mut groups = groups(failed)?;
        let mut queues = pushed_to(&own, pushed, &rows, now)?;
        queues.extend(unfetched.into_iter().map(|heap| to_be_fetched(&own, heap, now)));
        groups.sort_by_key(|group| group.oldest);
        queues.sort_by_key(|queue| queue.oldest);
        let is_cut = is_cut || groups.len() > ROWS_MAX || queues.len() > ROWS_MAX;
        groups.truncate(ROWS_MAX);
        queues.truncate(ROWS_MAX);
        let codes = groups.iter().map(|one| &one.recipient).chain(queues.iter().map(|one| &one.recipient));
        let names = transfers::names(tx, &codes.map(String::as_str).collect::<Vec<_>>())?;
        let called = groups.iter_mut().map(|one| &mut one.name).chain(queues.iter_mut().map(|one| &mut one.name));
        for name in called {
            if let Some(known) = names.get(name.as_str()) {
                name.clone_from(known);
            }
        }
        Ok(Stuck { groups, queues, lanes, is_cut, leaves_out })
    });
    Ok(stuck.await?)
}

fn sum(heaps: &[Heap]) -> i64 {
    heaps.iter().fold(0, |sum, heap| sum.saturating_add(heap.number))
}

/// Named by their codes for now.
fn groups(heaps: Vec<Heap>) -> Result<Vec<Group>, StoreError> {
    let group = |heap: Heap| {
        let oldest = heap.first();
        let cause = Cause::of_code(&heap.kind);
        let cause = cause.ok_or(StoreError::UnknownWord { column: "failures.cause", value: heap.kind })?;
        Ok(Group { name: heap.place.clone(), recipient: heap.place, cause, number: heap.number, oldest })
    };
    heaps.into_iter().map(group).collect()
}

/// The lane of what waits for an endpoint, and when the first of it was put in line.
fn began(hub: &Hub, heap: &Heap) -> (Lane, DateTime<Utc>) {
    let lane = heap.kind.parse().ok().and_then(Lane::of_number).unwrap_or(Lane::Normal);
    let kind = EndpointId::parse(&heap.place).map_or(EndpointKind::Agency, |id| id.kind);
    (lane, hub.schedules.of(kind).began_at(lane, heap.first()))
}

fn lanes(hub: &Hub, heaps: &[Heap]) -> Vec<(Lane, i64, DateTime<Utc>)> {
    let mut lanes: BTreeMap<Lane, (i64, DateTime<Utc>)> = BTreeMap::new();
    for heap in heaps {
        let (lane, began_at) = began(hub, heap);
        let (number, oldest) = lanes.entry(lane).or_insert((0, began_at));
        *number = number.saturating_add(heap.number);
        *oldest = (*oldest).min(began_at);
    }
    lanes.into_iter().map(|(lane, (number, oldest))| (lane, number, oldest)).collect()
}

fn pushed_to(
    hub: &Hub,
    heaps: Vec<Heap>,
    rows: &HashMap<String, EndpointRow>,
    now: DateTime<Utc>,
) -> Result<Vec<Queued>, StoreError> {
    let mut queues: HashMap<String, Queued> = HashMap::new();
    for heap in heaps {
        let unknown = || StoreError::UnknownWord { column: "pushes.endpoint_id", value: heap.place.clone() };
        let id = EndpointId::parse(&heap.place).ok_or_else(unknown)?;
        let (_, began_at) = began(hub, &heap);
        let recipient = match id.kind {
            EndpointKind::Agency => id.holder,
            EndpointKind::Events | EndpointKind::Relay => id.to_string(),
        };
        let queue = queues.entry(heap.place).or_insert_with_key(|endpoint_id| Queued {
            name: recipient.clone(),
            recipient,
            is_pushed: true,
            number: 0,
            oldest: began_at,
            trouble: rows.get(endpoint_id).map_or(Trouble::None, |row| trouble(row, now)),
        });
        queue.number = queue.number.saturating_add(heap.number);
        queue.oldest = queue.oldest.min(began_at);
    }
    let patience = i64::try_from(hub.config.mail.away_minutes).ok().and_then(TimeDelta::try_minutes);
    let late = patience.and_then(|patience| now.checked_sub_signed(patience)).unwrap_or(now);
    let mut queues: Vec<Queued> = queues.into_values().collect();
    for queue in queues.iter_mut().filter(|queue| queue.trouble == Trouble::None && queue.oldest < late) {
        queue.trouble = Trouble::Late;
    }
    Ok(queues)
}

/// What keeps packets for an endpoint.
fn trouble(row: &EndpointRow, now: DateTime<Utc>) -> Trouble {
    match (row.state.as_str(), row.breaker().circuit(now)) {
        ("paused", _) => Trouble::Paused(row.reason.clone()),
        ("gone", _) => Trouble::Gone,
        (_, Circuit::Open(until)) => Trouble::Resting(until),
        (_, Circuit::HalfOpen) => Trouble::Probed,
        (_, Circuit::Closed) => Trouble::None,
    }
}

fn to_be_fetched(hub: &Hub, heap: Heap, now: DateTime<Utc>) -> Queued {
    let oldest = heap.first();
    let is_late = oldest < hub.calendar.overdue_before(now, Urgency::Normal);
    let trouble = if is_late { Trouble::Late } else { Trouble::None };
    Queued { name: heap.place.clone(), recipient: heap.place, is_pushed: false, number: heap.number, oldest, trouble }
}
