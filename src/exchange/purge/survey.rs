//! Which packets may lose their contents: `domain::retention::judge` says so of each by itself; what passes is held against what
//! stands elsewhere. The same is asked when people look, when they propose, and once more before anything is destroyed.

use crate::domain::calendar::Calendar;
use crate::domain::dates::beginning;
use crate::domain::delivery::DeliveryState;
use crate::domain::envelope::Urgency;
use crate::domain::retention::{Case, Due, Kept, Parties, Retention, Scope, Sort, day_of, judge};
use crate::domain::status::TELL_END;
use crate::exchange::archive;
use crate::hub::Hub;
use crate::store::deliveries::DeliveryRow;
use crate::store::envelopes::{self, EnvelopeRow};
use crate::store::{Connection, StoreError, holds, purgeable, samples};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// By what packets are judged.
#[derive(Clone)]
pub(super) struct Rules {
    retention: Arc<Retention>,
    calendar: Arc<Calendar>,
    pub(super) age_min: TimeDelta,
    pub(super) now: DateTime<Utc>,
}

impl Rules {
    pub(super) fn of(hub: &Hub) -> Self {
        let days = i64::try_from(hub.config.retention.age_days_min).ok().and_then(TimeDelta::try_days);
        Self {
            retention: Arc::clone(&hub.retention),
            calendar: Arc::clone(&hub.calendar),
            age_min: days.unwrap_or(TimeDelta::MAX),
            now: hub.clock.now(),
        }
    }

    /// Until when recipients may still answer: by the working calendar, and by the date that the document itself names.
    fn awaited_until(&self, envelope: &EnvelopeRow) -> DateTime<Utc> {
        let urgency = Urgency::of_number(&envelope.urgency.to_string());
        let receive_by = self.calendar.receive_by(envelope.accepted_at.and_utc(), urgency);
        let due_on = envelope.due_on.as_ref().and_then(|day| day.parse::<NaiveDate>().ok());
        receive_by.max(due_on.and_then(|day| beginning(day.succ_opt()?)).unwrap_or(receive_by))
    }
}

/// A packet and whether its content may go.
pub(super) struct Judged {
    pub(super) envelope: EnvelopeRow,
    pub(super) verdict: Result<Due, Kept>,
    deliveries: Vec<DeliveryRow>,
}

impl Judged {
    /// Codes of its recipients.
    pub(super) fn recipients(&self) -> Vec<&str> {
        codes(&self.deliveries)
    }
}

fn codes(deliveries: &[DeliveryRow]) -> Vec<&str> {
    deliveries.iter().map(|row| row.recipient_code.as_str()).collect()
}

/// Judges those of these packets that are meant, in their order.
pub(super) fn judged(
    tx: &mut Connection,
    rules: &Rules,
    rows: Vec<EnvelopeRow>,
    scope: &Scope,
) -> Result<Vec<Judged>, StoreError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.envelope_id.as_str()).collect();
    let mut by_envelope: HashMap<String, Vec<DeliveryRow>> = HashMap::new();
    for row in envelopes::deliveries_of(tx, &ids)? {
        by_envelope.entry(row.envelope_id.clone()).or_default().push(row);
    }
    let (held, wanted) = (holds::in_force(tx)?, archive::open_requests(tx)?);
    let mut judged = Vec::new();
    for envelope in rows {
        let deliveries = by_envelope.remove(&envelope.envelope_id).unwrap_or_default();
        let case = case(&envelope, &deliveries)?;
        if !scope.covers(&case.parties) {
            continue;
        }
        let is_wanted = wanted.iter().any(|request| request.holds(&envelope, &case.parties.recipients));
        let verdict = judge(&case, &rules.retention, &held, (rules.age_min, rules.now));
        let verdict = if is_wanted { verdict.and(Err(Kept::Archive)) } else { verdict };
        judged.push(Judged { envelope, verdict, deliveries });
    }
    keep_what_is_open(tx, rules, &mut judged)?;
    Ok(judged)
}

fn case<'a>(envelope: &'a EnvelopeRow, deliveries: &'a [DeliveryRow]) -> Result<Case<'a>, StoreError> {
    let accepted_on = day_of(envelope.accepted_at.and_utc());
    let each = deliveries.iter().map(|row| Ok((row.progress()?.state, row.recall.as_str(), row.changed_at())));
    Ok(Case {
        sort: Sort {
            kind: &envelope.packet_kind,
            type_name: &envelope.type_name,
            urgency: envelope.urgency,
            accepted_on,
        },
        parties: Parties {
            sender: &envelope.sender_code,
            recipients: codes(deliveries),
            document_id: &envelope.document_id,
            accepted_on,
        },
        deliveries: each.collect::<Result<_, StoreError>>()?,
    })
}

/// Keeps what something is still open about: failures that somebody may mend, evidence that is not sealed, recalls and answers
/// that are awaited, samples that auditors look at.
fn keep_what_is_open(tx: &mut Connection, rules: &Rules, judged: &mut [Judged]) -> Result<(), StoreError> {
    let left = || judged.iter().filter(|one| one.verdict.is_ok());
    let ids: Vec<&str> = left().map(|one| one.envelope.envelope_id.as_str()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let of_each: Vec<&str> = left().flat_map(|one| one.deliveries.iter().map(|row| row.delivery_id.as_str())).collect();
    let (failed, unsealed) = (purgeable::failed(tx, &of_each)?, purgeable::unsealed_of(tx)?);
    let (asking, sampled) = (purgeable::asking_back(tx, &ids)?, samples::kept(tx, &ids, rules.now)?);
    let awaited = left().filter(|one| one.envelope.is_document() && rules.now < rules.awaited_until(&one.envelope));
    let awaited = unanswered(tx, awaited.flat_map(|one| &one.deliveries))?;
    for one in judged.iter_mut().filter(|one| one.verdict.is_ok()) {
        let id = &one.envelope.envelope_id;
        let any = |of: &HashSet<String>| one.deliveries.iter().any(|row| of.contains(&row.delivery_id));
        let reasons = [
            (asking.contains(id), Kept::Recall),
            (any(&awaited), Kept::Awaited),
            (any(&failed), Kept::Failure),
            (sampled.contains(id), Kept::Sample),
            (unsealed.contains(id) || any(&unsealed), Kept::Unsealed),
        ];
        if let Some((_, why)) = reasons.into_iter().find(|(holds, _)| *holds) {
            one.verdict = Err(why);
        }
    }
    Ok(())
}

/// Those deliveries whose recipients have the document and did not say how it ended.
fn unanswered<'a>(
    tx: &mut Connection,
    deliveries: impl Iterator<Item = &'a DeliveryRow>,
) -> Result<HashSet<String>, StoreError> {
    let mut open = HashSet::new();
    for row in deliveries {
        if row.progress()?.state == DeliveryState::HandedOver {
            open.insert(row.delivery_id.clone());
        }
    }
    let asked: Vec<String> = open.iter().cloned().collect();
    for some in asked.chunks(DELIVERIES_AT_ONCE) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        for report in envelopes::statuses_of(tx, &some)? {
            if TELL_END.contains(&report.status_code.as_str()) {
                open.remove(&report.delivery_id);
            }
        }
    }
    Ok(open)
}

/// Deliveries whose statuses are asked for together.
const DELIVERIES_AT_ONCE: usize = 1_000;
