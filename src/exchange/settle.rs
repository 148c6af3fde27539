//! What came of an attempt, in one transaction: the delivery's next state, the attempt, the evidence, the place in
//! line, and how the endpoint's breaker stands.

use super::ExchangeError;
use super::announce::{self, Moment};
use super::endpoints::offer;
use super::shipment::Target;
use crate::channel::Outcome;
use crate::domain::breaker::BreakerLimits;
use crate::domain::cause::Cause;
use crate::domain::delivery::{DeliveryState, Next, Step, next};
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::packet::Digest;
use crate::domain::text::is_writable;
use crate::hub::Hub;
use crate::metrics::PushLabels;
use crate::store::announcements::Ending;
use crate::store::deliveries::DeliveryRow;
use crate::store::endpoints::EndpointRow;
use crate::store::neighbours::{self, NeighbourReceiptRow};
use crate::store::pushes::{AttemptRow, Content, Parcel, PushRow};
use crate::store::{Connection, Foresight, StoreError, announcements, deliveries, endpoints, failures, pushes};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

/// An attempt that came to an end.
pub(super) struct Attempt {
    /// Where it was sent.
    pub(super) target: Arc<Target>,
    /// What was sent.
    pub(super) parcel: Parcel,
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

/// An attempt while it is being settled.
struct Settling<'a> {
    attempt: &'a Attempt,
    owner: &'a str,
    moment: Moment<'a>,
    /// Which attempt it is, since what it brings was put in line.
    number: i32,
    /// When it is tried again, if it is.
    next_at: Option<DateTime<Utc>>,
}

/// Settles an attempt.
///
/// # Errors
/// `Store`.
pub(super) async fn settle(
    hub: &Hub,
    attempt: Arc<Attempt>,
    owner: &str,
    limits: BreakerLimits,
) -> Result<(), ExchangeError> {
    let (ids, now, draw) = (hub.ids, hub.clock.now(), hub.ids.draw());
    let (owner, schedules) = (owner.to_owned(), Arc::clone(&hub.schedules));
    let kind = attempt.target.id.kind;
    let outcome = attempt.outcome.word();
    let foresight = match &attempt.parcel.content {
        Content::Packet(packet) => hub.store.foresight(|| of_sender(&packet.delivery)),
        Content::Announcement(_) => None,
    };
    let settled = hub.store.write_foreseen(foresight, move |tx| {
        let moment = Moment { ids, now, schedules: &schedules };
        let push = &attempt.parcel.push;
        let number = push.attempts.saturating_add(1);
        let next_at = match &attempt.outcome {
            Outcome::Later(trouble) | Outcome::Gone(trouble) => {
                let asked = trouble.retry_after.and_then(|asked| TimeDelta::from_std(asked).ok());
                let failures = u32::try_from(number).unwrap_or(u32::MAX);
                Some(schedules.of(kind).next_attempt(failures, now, draw, asked))
            }
            Outcome::Taken { .. } | Outcome::Refused(_) => None,
        };
        let endpoint = endpoints::find(tx, &push.endpoint_id)?;
        let settling = Settling { attempt: &attempt, owner: &owner, moment, number, next_at };
        match &attempt.parcel.content {
            Content::Packet(packet) => settling.delivery(tx, &packet.delivery, endpoint.is_some())?,
            Content::Announcement(_) => settling.announcement(tx)?,
        }
        match endpoint {
            // What another address answered says nothing about this one.
            Some(endpoint) if endpoint.url == attempt.target.row.url => note(tx, &attempt, &endpoint, (&limits, now)),
            Some(_) | None => Ok(()),
        }
    });
    settled.await?;
    hub.metrics.pushes.get_or_create(&PushLabels { kind: kind.word(), outcome }).inc();
    Ok(())
}

/// What settling is about to ask: who wants to hear of it.
fn of_sender(row: &DeliveryRow) -> Foresight {
    Foresight { codes: vec![row.sender_code.to_ascii_uppercase()], ..Foresight::default() }
}

impl Settling<'_> {
    fn delivery(&self, tx: &mut Connection, row: &DeliveryRow, has_endpoint: bool) -> Result<(), StoreError> {
        let id = row.delivery_id.as_str();
        // Another node may have tried meanwhile, when this attempt outlived its lease.
        let number = pushes::next_number(tx, id)?;
        pushes::insert_attempt(tx, &self.attempt_row(id, number))?;
        match &self.attempt.outcome {
            Outcome::Taken { .. } => {
                // Also when another node has it on its way by now: it need not arrive again.
                pushes::remove(tx, id)?;
                let step = match (self.attempt.target.id.kind, self.attempt.target.row.confirms_itself) {
                    (EndpointKind::Relay, _) => Step::Relay,
                    (EndpointKind::Agency | EndpointKind::Events, true) => Step::Consign,
                    (EndpointKind::Agency | EndpointKind::Events, false) => Step::HandOver,
                };
                let mut facts = json!({ "attempt": self.number });
                if let (Some(xml), Value::Object(members)) = (&self.attempt.receipt, &mut facts) {
                    members.insert("receipt_sha256".to_owned(), json!(Digest::of(xml.as_bytes()).hex()));
                    let (delivery_id, neighbour) = (id.to_owned(), self.attempt.target.id.holder.clone());
                    let received_at = self.moment.now.naive_utc();
                    let row = NeighbourReceiptRow { delivery_id, neighbour, received_at, xml: xml.clone() };
                    neighbours::keep_receipt(tx, &row)?;
                }
                advance(tx, row, (step, ""), (&brought(&self.attempt.target.id, facts), self.moment))
            }
            Outcome::Refused(trouble) => {
                if !pushes::finish(tx, id, self.owner)? {
                    return Ok(());
                }
                let facts = json!({
                    "why": "refused", "status": trouble.status, "attempts": self.number,
                    "attempts_sha256": digest_of(&pushes::attempts_of(tx, id)?), "note": shortened(&trouble.reason),
                });
                let facts = brought(&self.attempt.target.id, facts);
                advance(tx, row, (Step::GiveUp, &trouble.reason), (&facts, self.moment))
            }
            Outcome::Later(trouble) | Outcome::Gone(trouble) => {
                if trouble.may_have_left {
                    advance(tx, row, (Step::Retry, ""), (&Value::Null, self.moment))?;
                }
                let is_here = self.put_back(tx)?;
                // The endpoint may have been removed while the packet was on its way.
                if is_here && !has_endpoint { offer(tx, id, self.moment) } else { Ok(()) }
            }
        }
    }

    /// Whatever a webhook answers but 2xx, the event is tried again until its term is over.
    fn announcement(&self, tx: &mut Connection) -> Result<(), StoreError> {
        let (id, now) = (self.attempt.parcel.push.push_id.as_str(), self.moment.now);
        match &self.attempt.outcome {
            Outcome::Taken { .. } => {
                pushes::remove(tx, id)?;
                announcements::finish(tx, id, Ending::Taken, now)
            }
            Outcome::Later(trouble) | Outcome::Gone(trouble) | Outcome::Refused(trouble) => match self.put_back(tx)? {
                true => announcements::note_failure(tx, id, (self.number, &trouble.reason), now),
                false => Ok(()),
            },
        }
    }

    fn put_back(&self, tx: &mut Connection) -> Result<bool, StoreError> {
        let due_at = self.next_at.unwrap_or(self.moment.now);
        pushes::put_back(tx, &self.attempt.parcel.push.push_id, self.owner, (self.number, due_at))
    }

    fn attempt_row(&self, delivery_id: &str, number: i32) -> AttemptRow {
        let (status, reason) = match &self.attempt.outcome {
            Outcome::Taken { status, .. } => (Some(*status), ""),
            Outcome::Later(trouble) | Outcome::Refused(trouble) | Outcome::Gone(trouble) => {
                (trouble.status, trouble.reason.as_str())
            }
        };
        let times = (self.attempt.started_at, self.moment.now);
        AttemptRow::new((delivery_id, number), times, (self.attempt.outcome.word(), status, reason), self.next_at)
    }
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

/// Takes a delivery one step further, with its evidence. It may have changed since `row` was read. What cannot take the
/// step any more stays as it is.
pub(super) fn advance(
    tx: &mut Connection,
    row: &DeliveryRow,
    (step, note): (Step, &str),
    (facts, moment): (&Value, Moment<'_>),
) -> Result<(), StoreError> {
    if advance_from(tx, row, (step, note), (facts, moment))? {
        return Ok(());
    }
    let Some(row) = deliveries::find(tx, &row.delivery_id)? else { return Err(StoreError::Missing("deliveries")) };
    if advance_from(tx, &row, (step, note), (facts, moment))? { Ok(()) } else { Err(StoreError::Raced) }
}

/// The same. Says whether the delivery still stood as in `row`; else nothing was done.
fn advance_from(
    tx: &mut Connection,
    row: &DeliveryRow,
    (step, note): (Step, &str),
    (facts, moment): (&Value, Moment<'_>),
) -> Result<bool, StoreError> {
    let before = row.progress()?;
    let Next::Changed(to, event) = next(before, step) else { return Ok(true) };
    if !deliveries::settle(tx, row, to, note, moment.now)? {
        return Ok(false);
    }
    note_failure(tx, (row, before.state, to.state), facts, moment.now)?;
    let Some(event) = event else { return Ok(true) };
    let mut facts = facts.clone();
    if let (DeliveryState::Failed, Value::Object(members)) = (before.state, &mut facts) {
        members.insert("late".to_owned(), Value::Bool(true));
    }
    announce::append(tx, moment, row, &row.evidence(event, moment.now, None, &facts))?;
    Ok(true)
}

/// Keeps what has failed and nobody has mended: a delivery comes to it, or leaves it when it arrives after all.
pub(super) fn note_failure(
    tx: &mut Connection,
    (row, before, after): (&DeliveryRow, DeliveryState, DeliveryState),
    facts: &Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    match (before == DeliveryState::Failed, after == DeliveryState::Failed) {
        (false, true) => failures::insert(tx, row, Cause::of_facts(facts), now),
        (true, false) => failures::remove(tx, &[&row.delivery_id]),
        (true, true) | (false, false) => Ok(()),
    }
}

/// Notes beside the endpoint how it did. A refusal of a packet is an answer: the endpoint is well.
fn note(
    tx: &mut Connection,
    attempt: &Attempt,
    endpoint: &EndpointRow,
    (limits, now): (&BreakerLimits, DateTime<Utc>),
) -> Result<(), StoreError> {
    let (before, id) = (endpoint.breaker(), endpoint.endpoint_id.as_str());
    match &attempt.outcome {
        Outcome::Later(_) if !attempt.is_answered => {
            endpoints::note(tx, endpoint, before.failed(limits, now), (false, now))
        }
        Outcome::Taken { .. } | Outcome::Refused(_) | Outcome::Later(_) => {
            let age = endpoint.succeeded_at().map(|at| now.signed_duration_since(at));
            if before == before.succeeded() && age.is_some_and(|age| age < SUCCESS_NOTED_EVERY) {
                return Ok(());
            }
            endpoints::note(tx, endpoint, before.succeeded(), (true, now))
        }
        Outcome::Gone(trouble) => {
            endpoints::note(tx, endpoint, before.failed(limits, now), (false, now))?;
            if endpoint.state == "open" && endpoints::set_state(tx, id, ("gone", &trouble.reason), now)? {
                log::error!(target: "alarm", "endpoint.id" = id; "an endpoint says that it is gone; nothing is pushed to it");
            }
            Ok(())
        }
    }
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
        true => announcements::finish(tx, &push.push_id, Ending::GivenUp, moment.now)?,
    }
    Ok(push.endpoint()?.kind)
}

fn give_up_delivery(tx: &mut Connection, push: &PushRow, moment: Moment<'_>) -> Result<(), StoreError> {
    let Some(row) = deliveries::find(tx, &push.push_id)? else { return Err(StoreError::Missing("deliveries")) };
    let attempts = pushes::attempts_of(tx, &push.push_id)?;
    let note = attempts.last().map(|attempt| attempt.reason.as_str()).unwrap_or_default();
    let facts = json!({
        "why": "expired", "status": attempts.last().and_then(|attempt| attempt.http_status), "attempts": push.attempts, "attempts_sha256": digest_of(&attempts), "note": shortened(note),
    });
    advance(tx, &row, (Step::GiveUp, note), (&brought(&push.endpoint()?, facts), moment))
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
