//! What came of an attempt, in one transaction: the delivery's next state, the attempt, the evidence, the place in
//! line, and how the endpoint's breaker stands.

use super::ExchangeError;
use super::endpoints::offer;
use crate::channel::{Outcome, Trouble};
use crate::domain::breaker::BreakerLimits;
use crate::domain::delivery::{DeliveryState, Next, Step, next};
use crate::domain::packet::Digest;
use crate::hub::{Hub, Ids};
use crate::store::deliveries::DeliveryRow;
use crate::store::endpoints::EndpointRow;
use crate::store::pushes::{AttemptRow, Parcel, PushRow};
use crate::store::{Connection, StoreError, deliveries, endpoints, evidence, pushes};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

/// An attempt that came to an end.
pub(super) struct Attempt {
    /// Where it was sent, as the endpoint stood then.
    pub(super) endpoint: Arc<EndpointRow>,
    /// What was sent.
    pub(super) parcel: Parcel,
    /// When it began.
    pub(super) started_at: DateTime<Utc>,
    /// What came of it.
    pub(super) outcome: Outcome,
}

/// The time, an id for evidence, and the plan, as every step of settling needs them.
pub(super) struct Moment {
    pub(super) ids: Ids,
    pub(super) now: DateTime<Utc>,
    pub(super) draw: u64,
}

/// How much of a minute may pass before a success is noted again beside an endpoint that is well.
const SUCCESS_NOTED_EVERY: TimeDelta = TimeDelta::seconds(60);

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
    let moment = Moment { ids: hub.ids, now: hub.clock.now(), draw: hub.ids.draw() };
    let (owner, schedule) = (owner.to_owned(), Arc::clone(&hub.schedule));
    let settled = hub.store.write(move |tx| {
        let push = &attempt.parcel.push;
        let failed = push.attempts.saturating_add(1);
        let endpoint = endpoints::find(tx, &push.endpoint_id)?;
        let next_at = match &attempt.outcome {
            Outcome::Later(trouble) | Outcome::Gone(trouble) => {
                let asked = trouble.retry_after.and_then(|asked| TimeDelta::from_std(asked).ok());
                let failures = u32::try_from(failed).unwrap_or(u32::MAX);
                Some(schedule.next_attempt(failures, moment.now, moment.draw, asked))
            }
            Outcome::Taken { .. } | Outcome::Refused(_) => None,
        };
        // Another node may have tried meanwhile, when this attempt outlived its lease.
        let number = pushes::next_number(tx, &push.push_id)?;
        pushes::insert_attempt(tx, &attempt_row(&attempt, (number, next_at), moment.now))?;
        match &attempt.outcome {
            Outcome::Taken { .. } => taken(tx, &attempt, &moment)?,
            Outcome::Refused(trouble) => refused(tx, &attempt, &owner, (trouble, &moment))?,
            Outcome::Later(trouble) | Outcome::Gone(trouble) => {
                let due_at = next_at.unwrap_or(moment.now);
                later(tx, &attempt, &owner, (trouble, failed, due_at, endpoint.is_some(), &moment))?;
            }
        }
        match endpoint {
            // What another address answered says nothing about this one.
            Some(endpoint) if endpoint.url == attempt.endpoint.url => {
                note(tx, &attempt.outcome, &endpoint, (&limits, &moment))
            }
            Some(_) | None => Ok(()),
        }
    });
    Ok(settled.await?)
}

fn attempt_row(attempt: &Attempt, (number, next_at): (i32, Option<DateTime<Utc>>), now: DateTime<Utc>) -> AttemptRow {
    let (word, status, reason) = match &attempt.outcome {
        Outcome::Taken { status } => ("taken", Some(*status), ""),
        Outcome::Later(trouble) => ("later", trouble.status, trouble.reason.as_str()),
        Outcome::Refused(trouble) => ("refused", trouble.status, trouble.reason.as_str()),
        Outcome::Gone(trouble) => ("gone", trouble.status, trouble.reason.as_str()),
    };
    let id = (attempt.parcel.push.push_id.as_str(), number);
    AttemptRow::new(id, (attempt.started_at, now), (word, status, reason), next_at)
}

fn taken(tx: &mut Connection, attempt: &Attempt, moment: &Moment) -> Result<(), StoreError> {
    // Also when another node has it on its way by now: it need not arrive again.
    pushes::remove(tx, &attempt.parcel.push.push_id)?;
    let step = if attempt.endpoint.confirms_itself { Step::Consign } else { Step::HandOver };
    let facts = json!({ "channel": "push", "attempt": attempt.parcel.push.attempts.saturating_add(1) });
    advance(tx, &attempt.parcel.delivery, (step, ""), (&facts, moment))
}

fn refused(
    tx: &mut Connection,
    attempt: &Attempt,
    owner: &str,
    (trouble, moment): (&Trouble, &Moment),
) -> Result<(), StoreError> {
    let push = &attempt.parcel.push;
    if !pushes::finish(tx, &push.push_id, owner)? {
        return Ok(());
    }
    let facts = json!({
        "channel": "push", "why": "refused", "status": trouble.status,
        "attempts": push.attempts.saturating_add(1),
        "attempts_sha256": digest_of(&pushes::attempts_of(tx, &push.push_id)?),
    });
    advance(tx, &attempt.parcel.delivery, (Step::GiveUp, &trouble.reason), (&facts, moment))
}

fn later(
    tx: &mut Connection,
    attempt: &Attempt,
    owner: &str,
    (trouble, failed, due_at, has_endpoint, moment): (&Trouble, i32, DateTime<Utc>, bool, &Moment),
) -> Result<(), StoreError> {
    let push = &attempt.parcel.push;
    if trouble.may_have_left {
        advance(tx, &attempt.parcel.delivery, (Step::Retry, ""), (&Value::Null, moment))?;
    }
    let is_here = pushes::put_back(tx, &push.push_id, owner, (failed, due_at))?;
    if is_here && !has_endpoint {
        // The endpoint was removed while the packet was on its way.
        return offer(tx, push, (&moment.ids.next(), moment.now));
    }
    Ok(())
}

/// Takes a delivery one step further, with its evidence. It may have changed since `row` was read. What cannot take the
/// step any more stays as it is.
pub(super) fn advance(
    tx: &mut Connection,
    row: &DeliveryRow,
    (step, note): (Step, &str),
    (facts, moment): (&Value, &Moment),
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
    (facts, moment): (&Value, &Moment),
) -> Result<bool, StoreError> {
    let before = row.progress()?;
    let Next::Changed(to, event) = next(before, step) else { return Ok(true) };
    if !deliveries::settle(tx, row, to, note, moment.now)? {
        return Ok(false);
    }
    let Some(event) = event else { return Ok(true) };
    let mut facts = facts.clone();
    if let (DeliveryState::Failed, Value::Object(members)) = (before.state, &mut facts) {
        members.insert("late".to_owned(), Value::Bool(true));
    }
    evidence::append(tx, &moment.ids.next(), &row.evidence(event, moment.now, None, &facts))?;
    Ok(true)
}

/// Notes beside the endpoint how it did. A refusal of a packet is an answer: the endpoint is well.
fn note(
    tx: &mut Connection,
    outcome: &Outcome,
    endpoint: &EndpointRow,
    (limits, moment): (&BreakerLimits, &Moment),
) -> Result<(), StoreError> {
    let (before, id) = (endpoint.breaker(), endpoint.endpoint_id.as_str());
    match outcome {
        Outcome::Taken { .. } | Outcome::Refused(_) => {
            let age = endpoint.succeeded_at().map(|at| moment.now.signed_duration_since(at));
            if before == before.succeeded() && age.is_some_and(|age| age < SUCCESS_NOTED_EVERY) {
                return Ok(());
            }
            endpoints::note(tx, endpoint, before.succeeded(), (true, moment.now))
        }
        Outcome::Later(_) => endpoints::note(tx, endpoint, before.failed(limits, moment.now), (false, moment.now)),
        Outcome::Gone(trouble) => {
            endpoints::note(tx, endpoint, before.failed(limits, moment.now), (false, moment.now))?;
            if endpoint.state == "open" && endpoints::set_state(tx, id, ("gone", &trouble.reason), moment.now)? {
                log::error!(target: "alarm", "endpoint.id" = id; "an endpoint says that it is gone; nothing is pushed to it");
            }
            Ok(())
        }
    }
}

/// Gives up pushes whose term is over: negative evidence with the digest of the attempts.
///
/// # Errors
/// `Store`.
pub(super) async fn give_up_expired(hub: &Hub, now: DateTime<Utc>, at_once: i64) -> Result<(), ExchangeError> {
    let any = hub.store.read(move |tx| Ok(!pushes::expired(tx, now, 1)?.is_empty())).await?;
    if !any {
        return Ok(());
    }
    let moment = Moment { ids: hub.ids, now, draw: 0 };
    let given_up = hub.store.write(move |tx| {
        let rows = pushes::expired(tx, now, at_once)?;
        for row in &rows {
            give_up(tx, row, &moment)?;
        }
        Ok(rows.len())
    });
    let number = given_up.await?;
    log::warn!(target: "push", number = number; "deliveries were given up: their term is over");
    Ok(())
}

fn give_up(tx: &mut Connection, push: &PushRow, moment: &Moment) -> Result<(), StoreError> {
    pushes::remove(tx, &push.push_id)?;
    let Some(row) = deliveries::find(tx, &push.push_id)? else { return Err(StoreError::Missing("deliveries")) };
    let attempts = pushes::attempts_of(tx, &push.push_id)?;
    let facts = json!({
        "channel": "push", "why": "expired", "attempts": push.attempts, "attempts_sha256": digest_of(&attempts),
    });
    let note = attempts.last().map(|attempt| attempt.reason.as_str()).unwrap_or_default();
    advance(tx, &row, (Step::GiveUp, note), (&facts, moment))
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
