//! What came of attempts, of many in one transaction: the delivery's next state, the attempt, the evidence, the place in
//! line, and how the endpoint's breaker stands. Whatever is asked or written for each of them is asked or written for all
//! at once, and decided for each by itself. Not here: which are settled together (`settler`).

use super::ExchangeError;
use super::advance::{Advance, advance};
use super::announce::Moment;
use super::endpoints::offer;
use super::shipment::Target;
use crate::channel::{Outcome, Trouble};
use crate::domain::breaker::{Breaker, BreakerLimits};
use crate::domain::delivery::Step;
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::packet::Digest;
use crate::domain::text::is_writable;
use crate::hub::Hub;
use crate::metrics::PushLabels;
use crate::store::announcements::{Ending, Failure};
use crate::store::deliveries::DeliveryRow;
use crate::store::endpoints::EndpointRow;
use crate::store::neighbours::{self, NeighbourReceiptRow};
use crate::store::outcomes::{self, Again, AttemptRow};
use crate::store::pushes::{Content, Parcel, PushRow};
use crate::store::{Connection, StoreError, announcements, deliveries, endpoints, pushes};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An attempt that came to an end.
pub(super) struct Attempt {
    /// Where it was sent.
    pub(super) target: Arc<Target>,
    /// What was sent.
    pub(super) parcel: Parcel,
    /// Who had it on its way.
    pub(super) owner: String,
    /// When it began.
    pub(super) started_at: DateTime<Utc>,
    /// What came of it.
    pub(super) outcome: Outcome,
    /// Whether a neighbour answered, be it that it did not want an event or that its receipt did not hold: packets go on to it.
    pub(super) is_answered: bool,
    /// The receipt under which a neighbour took it, verified.
    pub(super) receipt: Option<String>,
}

/// How much of a minute may pass before a success is noted again beside an endpoint that is well.
const SUCCESS_NOTED_EVERY: TimeDelta = TimeDelta::seconds(60);

/// Settles attempts to bring different things, in their order: all of them or, after an error, none.
///
/// # Errors
/// Those of the store.
pub(super) async fn settle(hub: &Hub, attempts: Vec<Arc<Attempt>>, limits: BreakerLimits) -> Result<(), StoreError> {
    let (ids, now, schedules) = (hub.ids, hub.clock.now(), Arc::clone(&hub.schedules));
    let drawn: Vec<(Arc<Attempt>, u64)> = attempts.iter().map(|one| (Arc::clone(one), ids.draw())).collect();
    let settled = hub.store.write(move |tx| {
        let moment = Moment { ids, now, schedules: &schedules };
        let mut all: Vec<Settling<'_>> = drawn.iter().map(|(one, draw)| Settling::new(one, *draw, moment)).collect();
        // Nodes that settle the same lock it in the same order.
        all.sort_by(|a, b| a.id().cmp(b.id()));
        let ended: Vec<&Attempt> = drawn.iter().map(|(one, _)| &**one).collect();
        settle_in(tx, (&all, &ended), limits, moment)
    });
    settled.await?;
    for attempt in attempts {
        let (kind, outcome) = (attempt.target.id.kind.word(), attempt.outcome.word());
        hub.metrics.pushes.get_or_create(&PushLabels { kind, outcome }).inc();
    }
    Ok(())
}

/// Of attempts of one transaction, and where they were sent.
type Endpoints = BTreeMap<String, EndpointRow>;

/// Settles all, given in the order of their ids; `ended` are their attempts in the order in which they ended, as breakers count.
fn settle_in(
    tx: &mut Connection,
    (all, ended): (&[Settling<'_>], &[&Attempt]),
    limits: BreakerLimits,
    moment: Moment<'_>,
) -> Result<(), StoreError> {
    let mut ids: Vec<&str> = all.iter().map(|one| one.push().endpoint_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = endpoints::of_ids(tx, &ids)?;
    let found: Endpoints = found.into_iter().map(|row| (row.endpoint_id.clone(), row)).collect();
    let taken: Vec<&str> = all.iter().filter(|one| one.is_taken()).map(Settling::id).collect();
    // Also what another node has on its way by now: it need not arrive again.
    outcomes::remove(tx, &taken)?;
    let later: Vec<Later<'_>> = all.iter().filter_map(|one| Some((one, one.is_tried_again()?))).collect();
    let again: Vec<Again<'_>> = later.iter().map(|(one, _)| one.again()).collect();
    let is_back = outcomes::put_back(tx, &again)?;
    let back: Vec<Later<'_>> = later.into_iter().zip(is_back).filter(|(_, is)| *is).map(|(one, _)| one).collect();
    packets(tx, all, (&back, &found), moment)?;
    events(tx, all, &back, moment.now)?;
    for (endpoint_id, row) in found {
        // What another address answered says nothing about this one.
        let attempts = ended.iter().copied();
        let is_of_it = |one: &&Attempt| one.parcel.push.endpoint_id == endpoint_id && one.target.row.url == row.url;
        let attempts: Vec<&Attempt> = attempts.filter(is_of_it).collect();
        note(tx, row, &attempts, (&limits, moment.now))?;
    }
    Ok(())
}

/// An attempt while it is being settled.
struct Settling<'a> {
    attempt: &'a Attempt,
    /// Which attempt it is, since what it brings was put in line.
    number: i32,
    /// When it is tried again, if it is.
    next_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

/// One that is tried again, and why.
type Later<'a> = (&'a Settling<'a>, &'a Trouble);

impl<'a> Settling<'a> {
    fn new(attempt: &'a Attempt, draw: u64, moment: Moment<'_>) -> Self {
        let number = attempt.parcel.push.attempts.saturating_add(1);
        let next_at = match &attempt.outcome {
            Outcome::Later(trouble) | Outcome::Gone(trouble) => {
                let asked = trouble.retry_after.and_then(|asked| TimeDelta::from_std(asked).ok());
                let failures = u32::try_from(number).unwrap_or(u32::MAX);
                let schedule = moment.schedules.of(attempt.target.id.kind);
                Some(schedule.next_attempt(failures, moment.now, draw, asked))
            }
            Outcome::Taken { .. } | Outcome::Refused(_) => None,
        };
        Self { attempt, number, next_at, now: moment.now }
    }

    fn push(&self) -> &'a PushRow {
        &self.attempt.parcel.push
    }

    fn id(&self) -> &'a str {
        &self.attempt.parcel.push.push_id
    }

    /// What it brought, when that was a packet.
    fn delivery(&self) -> Option<&'a DeliveryRow> {
        match &self.attempt.parcel.content {
            Content::Packet(packet) => Some(&packet.delivery),
            Content::Announcement(_) => None,
        }
    }

    fn is_taken(&self) -> bool {
        match &self.attempt.outcome {
            Outcome::Taken { .. } => true,
            Outcome::Later(_) | Outcome::Gone(_) | Outcome::Refused(_) => false,
        }
    }

    /// Why it is tried again. Whatever a webhook answers but 2xx, the event is, until its term is over.
    fn is_tried_again(&self) -> Option<&'a Trouble> {
        match &self.attempt.outcome {
            Outcome::Later(trouble) | Outcome::Gone(trouble) => Some(trouble),
            Outcome::Refused(trouble) => self.delivery().is_none().then_some(trouble),
            Outcome::Taken { .. } => None,
        }
    }

    fn again(&self) -> Again<'a> {
        let due_at = self.next_at.unwrap_or(self.now);
        Again { push_id: self.id(), owner: &self.attempt.owner, attempts: self.number, due_at }
    }

    fn attempt_row(&self, delivery_id: &str, number: i32) -> AttemptRow {
        let (status, reason) = match &self.attempt.outcome {
            Outcome::Taken { status, .. } => (Some(*status), ""),
            Outcome::Later(trouble) | Outcome::Refused(trouble) | Outcome::Gone(trouble) => {
                (trouble.status, trouble.reason.as_str())
            }
        };
        let times = (self.attempt.started_at, self.now);
        AttemptRow::new((delivery_id, number), times, (self.attempt.outcome.word(), status, reason), self.next_at)
    }

    /// The step of a delivery whose packet was taken, and what its evidence says.
    fn taken(&self) -> (Step, Value) {
        let target = &self.attempt.target;
        let step = match (target.id.kind, target.row.confirms_itself) {
            (EndpointKind::Relay, _) => Step::Relay,
            (EndpointKind::Agency | EndpointKind::Events, true) => Step::Consign,
            (EndpointKind::Agency | EndpointKind::Events, false) => Step::HandOver,
        };
        let mut facts = json!({ "attempt": self.number });
        if let (Some(xml), Value::Object(members)) = (&self.attempt.receipt, &mut facts) {
            members.insert("receipt_sha256".to_owned(), json!(Digest::of(xml.as_bytes()).hex()));
        }
        (step, brought(&target.id, facts))
    }

    /// The receipt of the neighbour that took it.
    fn receipt(&self) -> Option<NeighbourReceiptRow> {
        let xml = self.attempt.receipt.clone().filter(|_| self.is_taken())?;
        let (delivery_id, neighbour) = (self.id().to_owned(), self.attempt.target.id.holder.clone());
        Some(NeighbourReceiptRow { delivery_id, neighbour, received_at: self.now.naive_utc(), xml })
    }
}

/// A packet among what is settled, and how its attempt is noted.
struct Brought<'a> {
    settling: &'a Settling<'a>,
    row: &'a DeliveryRow,
    attempt: AttemptRow,
}

/// A step of a delivery, with what is noted beside it and what its evidence says.
type Going<'a> = (&'a DeliveryRow, Step, &'a str, Value);

fn packets(
    tx: &mut Connection,
    all: &[Settling<'_>],
    (back, endpoints): (&[Later<'_>], &Endpoints),
    moment: Moment<'_>,
) -> Result<(), StoreError> {
    let packets: Vec<(&Settling<'_>, &DeliveryRow)> =
        all.iter().filter_map(|one| Some((one, one.delivery()?))).collect();
    if packets.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = packets.iter().map(|(one, _)| one.id()).collect();
    // Another node may have tried meanwhile, when an attempt outlived its lease.
    let numbers = outcomes::next_numbers(tx, &ids)?.into_iter();
    let packets = packets.into_iter().zip(numbers).map(|((settling, row), number)| {
        let attempt = settling.attempt_row(&row.delivery_id, number);
        Brought { settling, row, attempt }
    });
    let packets: Vec<Brought<'_>> = packets.collect();
    let receipts: Vec<NeighbourReceiptRow> = packets.iter().filter_map(|one| one.settling.receipt()).collect();
    if !receipts.is_empty() {
        neighbours::keep_receipts(tx, &receipts)?;
    }
    let mut going: Vec<Going<'_>> = packets.iter().filter_map(Brought::going).collect();
    going.extend(refused(tx, &packets)?);
    let steps: Vec<Advance<'_>> =
        going.iter().map(|(row, step, note, facts)| Advance { row, step: *step, note, facts }).collect();
    advance(tx, &steps, moment)?;
    // An endpoint may have been removed while a packet was on its way.
    let is_left = |one: &Settling<'_>| one.delivery().is_some() && !endpoints.contains_key(&one.push().endpoint_id);
    for (one, _) in back.iter().filter(|(one, _)| is_left(one)) {
        offer(tx, one.id(), moment)?;
    }
    outcomes::insert_attempts(tx, packets.into_iter().map(|one| one.attempt).collect())
}

impl<'a> Brought<'a> {
    /// Where its outcome alone leads.
    fn going(&self) -> Option<Going<'a>> {
        match &self.settling.attempt.outcome {
            Outcome::Taken { .. } => {
                let (step, facts) = self.settling.taken();
                Some((self.row, step, "", facts))
            }
            Outcome::Later(trouble) | Outcome::Gone(trouble) => {
                trouble.may_have_left.then_some((self.row, Step::Retry, "", Value::Null))
            }
            Outcome::Refused(_) => None,
        }
    }

    /// Why it was refused for good.
    fn refusal(&self) -> Option<&'a Trouble> {
        match &self.settling.attempt.outcome {
            Outcome::Refused(trouble) => Some(trouble),
            Outcome::Taken { .. } | Outcome::Later(_) | Outcome::Gone(_) => None,
        }
    }
}

/// Takes what was refused out of the line. What somebody else has on its way by now is not given up.
fn refused<'a>(tx: &mut Connection, packets: &[Brought<'a>]) -> Result<Vec<Going<'a>>, StoreError> {
    let refused: Vec<(&Brought<'a>, &'a Trouble)> =
        packets.iter().filter_map(|one| Some((one, one.refusal()?))).collect();
    if refused.is_empty() {
        return Ok(Vec::new());
    }
    let leased: Vec<(&str, &str)> =
        refused.iter().map(|(one, _)| (one.settling.id(), one.settling.attempt.owner.as_str())).collect();
    let is_ours = outcomes::finish(tx, &leased)?;
    let ours: Vec<(&Brought<'a>, &'a Trouble)> =
        refused.into_iter().zip(is_ours).filter(|(_, is)| *is).map(|(one, _)| one).collect();
    let ids: Vec<&str> = ours.iter().map(|(one, _)| one.settling.id()).collect();
    let before = outcomes::attempts_of(tx, &ids)?;
    let going = ours.into_iter().zip(before).map(|((one, trouble), mut attempts)| {
        attempts.push(one.attempt.clone());
        let facts = json!({
            "why": "refused", "status": trouble.status, "attempts": one.settling.number,
            "attempts_sha256": digest_of(&attempts), "note": shortened(&trouble.reason),
        });
        let facts = brought(&one.settling.attempt.target.id, facts);
        (one.row, Step::GiveUp, trouble.reason.as_str(), facts)
    });
    Ok(going.collect())
}

fn events(tx: &mut Connection, all: &[Settling<'_>], back: &[Later<'_>], now: DateTime<Utc>) -> Result<(), StoreError> {
    let is_event = |one: &Settling<'_>| one.delivery().is_none();
    let taken: Vec<&str> = all.iter().filter(|one| is_event(one) && one.is_taken()).map(Settling::id).collect();
    if !taken.is_empty() {
        announcements::finish(tx, &taken, Ending::Taken, now)?;
    }
    let failures = back.iter().filter(|(one, _)| is_event(one)).map(|(one, trouble)| Failure {
        announcement_id: one.id(),
        attempts: one.number,
        reason: &trouble.reason,
    });
    let failures: Vec<Failure<'_>> = failures.collect();
    if failures.is_empty() { Ok(()) } else { announcements::note_failures(tx, &failures, now) }
}

/// Facts about what was brought to an endpoint, with the channel and, where it is one's, the neighbour.
fn brought(to: &EndpointId, mut facts: Value) -> Value {
    if let Value::Object(members) = &mut facts {
        members.insert("channel".to_owned(), json!(to.neighbour().map_or("push", |_| "relay")));
        members.extend(to.neighbour().map(|neighbour| ("neighbour".to_owned(), json!(neighbour))));
    }
    facts
}

/// Longest reason in evidence, in characters; the attempt keeps all of it.
const REASON_CHARS_MAX: usize = 500;

fn shortened(reason: &str) -> String {
    reason.chars().filter(|sign| is_writable(*sign)).take(REASON_CHARS_MAX).collect()
}

/// How an endpoint stands while attempts are counted, one after the other.
struct Standing {
    row: EndpointRow,
    breaker: Breaker,
    succeeded: bool,
    failed: bool,
}

impl Standing {
    fn of(row: EndpointRow) -> Self {
        Self { breaker: row.breaker(), row, succeeded: false, failed: false }
    }

    fn fails(&mut self, (limits, now): (&BreakerLimits, DateTime<Utc>)) {
        (self.breaker, self.failed) = (self.breaker.failed(limits, now), true);
    }

    fn succeeds(&mut self, now: DateTime<Utc>) {
        let age = self.row.succeeded_at().map(|at| now.signed_duration_since(at));
        let is_noted = self.succeeded || age.is_some_and(|age| age < SUCCESS_NOTED_EVERY);
        if self.breaker != self.breaker.succeeded() || !is_noted {
            (self.breaker, self.succeeded) = (self.breaker.succeeded(), true);
        }
    }

    fn write(&self, tx: &mut Connection, now: DateTime<Utc>) -> Result<(), StoreError> {
        match self.succeeded || self.failed {
            true => endpoints::note(tx, &self.row, self.breaker, (self.succeeded, self.failed, now)),
            false => Ok(()),
        }
    }
}

/// Notes beside an endpoint how it did. A refusal of a packet is an answer: the endpoint is well.
fn note(
    tx: &mut Connection,
    row: EndpointRow,
    attempts: &[&Attempt],
    (limits, now): (&BreakerLimits, DateTime<Utc>),
) -> Result<(), StoreError> {
    let mut standing = Standing::of(row);
    for attempt in attempts {
        match &attempt.outcome {
            Outcome::Later(_) if !attempt.is_answered => standing.fails((limits, now)),
            Outcome::Taken { .. } | Outcome::Refused(_) | Outcome::Later(_) => standing.succeeds(now),
            Outcome::Gone(trouble) => {
                standing.fails((limits, now));
                standing.write(tx, now)?;
                let id = standing.row.endpoint_id.clone();
                let is_open = standing.row.state == "open";
                if is_open && endpoints::set_state(tx, &id, ("gone", &trouble.reason), now)? {
                    log::error!(target: "alarm", "endpoint.id" = id; "an endpoint says that it is gone; nothing is pushed to it");
                }
                let Some(row) = endpoints::find(tx, &id)? else { return Ok(()) };
                standing = Standing::of(row);
            }
        }
    }
    standing.write(tx, now)
}

/// Gives up pushes whose term is over: for a delivery, negative evidence with the digest of the attempts.
///
/// # Errors
/// `Store`.
pub(super) async fn give_up_expired(hub: &Hub, now: DateTime<Utc>, at_once: i64) -> Result<(), ExchangeError> {
    let (ids, schedules) = (hub.ids, Arc::clone(&hub.schedules));
    let given_up = hub.store.write(move |tx| {
        let moment = Moment { ids, now, schedules: &schedules };
        let rows = pushes::expired(tx, now, at_once)?;
        rows.iter().map(|row| give_up(tx, row, moment)).collect::<Result<Vec<EndpointKind>, StoreError>>()
    });
    let given_up = given_up.await?;
    // Another node was first.
    if given_up.is_empty() {
        return Ok(());
    }
    for kind in &given_up {
        hub.metrics.pushes.get_or_create(&PushLabels { kind: kind.word(), outcome: "given_up" }).inc();
    }
    log::warn!(target: "push", number = given_up.len(); "pushes were given up: their term is over");
    Ok(())
}

fn give_up(tx: &mut Connection, push: &PushRow, moment: Moment<'_>) -> Result<EndpointKind, StoreError> {
    pushes::remove(tx, &push.push_id)?;
    match push.is_announcement() {
        false => give_up_delivery(tx, push, moment)?,
        true => announcements::finish(tx, &[&push.push_id], Ending::GivenUp, moment.now)?,
    }
    Ok(push.endpoint()?.kind)
}

fn give_up_delivery(tx: &mut Connection, push: &PushRow, moment: Moment<'_>) -> Result<(), StoreError> {
    let Some(row) = deliveries::find(tx, &push.push_id)? else { return Err(StoreError::Missing("deliveries")) };
    let attempts = outcomes::attempts_of(tx, &[&push.push_id])?.pop().unwrap_or_default();
    let note = attempts.last().map(|attempt| attempt.reason.as_str()).unwrap_or_default();
    let facts = json!({
        "why": "expired", "status": attempts.last().and_then(|attempt| attempt.http_status), "attempts": push.attempts, "attempts_sha256": digest_of(&attempts), "note": shortened(note),
    });
    let facts = brought(&push.endpoint()?, facts);
    advance(tx, &[Advance { row: &row, step: Step::GiveUp, note, facts: &facts }], moment)
}

/// SHA-256 over the attempts of a delivery, one line each: number, beginning, end, outcome, status.
fn digest_of(attempts: &[AttemptRow]) -> String {
    let lines = attempts.iter().map(|attempt| {
        let (started, finished) = (attempt.started_at().timestamp_micros(), attempt.finished_at().timestamp_micros());
        let status = attempt.http_status.unwrap_or_default();
        format!("{} {started} {finished} {} {status}\n", attempt.number, attempt.outcome)
    });
    Digest::of(lines.collect::<String>().as_bytes()).hex()
}

/// Whether the sender can still take a delivery back that waits for a push: not while it is on its way, nor when who had
/// it crashed, since something may have left.
pub(super) fn is_on_its_way(tx: &mut Connection, row: &DeliveryRow) -> Result<bool, StoreError> {
    Ok(pushes::find(tx, &row.delivery_id)?.is_some_and(|push| push.lease_owner.is_some()))
}
