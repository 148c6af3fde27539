//! Deliveries that go a step further, each with its evidence, in the transaction of whoever knows what happened to them.
//! Not here: which step follows from what (`settle`, `terms`), the rule itself (`domain::delivery`).

use super::announce::{self, Moment};
use crate::domain::cause::Cause;
use crate::domain::delivery::{DeliveryState, Next, Progress, Step, next};
use crate::domain::evidence::EvidenceEvent;
use crate::store::deliveries::DeliveryRow;
use crate::store::outcomes::{self, Change};
use crate::store::{Connection, StoreError, announcements, deliveries, failures};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// A delivery that is to go a step further.
#[derive(Clone, Copy)]
pub(super) struct Advance<'a> {
    /// As it was read; it may have changed since.
    pub(super) row: &'a DeliveryRow,
    /// The step.
    pub(super) step: Step,
    /// What is noted beside it.
    pub(super) note: &'a str,
    /// What its evidence says.
    pub(super) facts: &'a Value,
}

/// Takes different deliveries one step further, with their evidence. What cannot take the step any more stays as it is.
pub(super) fn advance(tx: &mut Connection, all: &[Advance<'_>], moment: Moment<'_>) -> Result<(), StoreError> {
    for changed in advance_from(tx, all, moment)? {
        let id = &changed.row.delivery_id;
        let Some(row) = deliveries::find(tx, id)? else { return Err(StoreError::Missing("deliveries")) };
        if !advance_from(tx, &[Advance { row: &row, ..changed }], moment)?.is_empty() {
            return Err(StoreError::Raced);
        }
    }
    Ok(())
}

/// A step that is possible.
struct Taken<'a> {
    of: Advance<'a>,
    before: Progress,
    to: Progress,
    event: Option<EvidenceEvent>,
}

/// The same. Answers those that do not stand any more as in their rows: with them nothing was done.
fn advance_from<'a>(
    tx: &mut Connection,
    all: &[Advance<'a>],
    moment: Moment<'_>,
) -> Result<Vec<Advance<'a>>, StoreError> {
    let mut steps: Vec<Taken<'a>> = Vec::new();
    for of in all {
        let before = of.row.progress()?;
        if let Next::Changed(to, event) = next(before, of.step) {
            steps.push(Taken { of: *of, before, to, event });
        }
    }
    // Two nodes that change the same do it in the same order.
    steps.sort_by(|a, b| a.of.row.delivery_id.cmp(&b.of.row.delivery_id));
    let changes: Vec<Change<'_>> =
        steps.iter().map(|step| Change { row: step.of.row, to: step.to, note: step.of.note }).collect();
    let changed = outcomes::change(tx, &changes, moment.now)?;
    let (done, others): (Vec<_>, Vec<_>) = steps.into_iter().zip(changed).partition(|(_, is_changed)| *is_changed);
    let done: Vec<Taken<'a>> = done.into_iter().map(|(step, _)| step).collect();
    for Taken { of, before, to, .. } in &done {
        note_failure(tx, (of.row, before.state, to.state), of.facts, moment.now)?;
    }
    // What becomes of a status packet is announced to nobody.
    let told = done.iter().filter(|step| step.event.is_some() && step.of.row.is_document());
    let senders: Vec<&str> = told.map(|step| step.of.row.sender_code.as_str()).collect();
    announcements::foresee_listeners(tx, &senders)?;
    done.iter().try_for_each(|step| tell(tx, step, moment))?;
    Ok(others.into_iter().map(|(step, _)| step.of).collect())
}

fn tell(tx: &mut Connection, step: &Taken<'_>, moment: Moment<'_>) -> Result<(), StoreError> {
    let Some(event) = step.event else { return Ok(()) };
    let (row, mut facts) = (step.of.row, step.of.facts.clone());
    if let (DeliveryState::Failed, Value::Object(members)) = (step.before.state, &mut facts) {
        members.insert("late".to_owned(), Value::Bool(true));
    }
    announce::append(tx, moment, row, &row.evidence(event, moment.now, None, &facts))
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
