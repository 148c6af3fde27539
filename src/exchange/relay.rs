//! What a neighbouring hub brings and tells: what it says beside a packet is judged, and what it tells of deliveries that it
//! has is appended as evidence, once each, and moves them. Not here: registering the packet (`register`), passing on
//! (`dispatch`), telling a neighbour (`announce`).

use super::advance::note_failure;
use super::announce::{self, Moment, RelayEvent};
use super::{Caller, ExchangeError};
use crate::config;
use crate::domain::agency::OrganId;
use crate::domain::announcement::EventKind;
use crate::domain::dates::{self, for_machines};
use crate::domain::delivery::{DeliveryState, Next, Refusal, Step, next};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::relay::{Hop, hops, with_hop};
use crate::domain::rules::{self, Violation, Wording};
use crate::domain::text::is_writable;
use crate::hub::Hub;
use crate::store::relays::Came;
use crate::store::{Connection, StoreError, deliveries, evidence, neighbours, pushes, relays};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a neighbouring hub says beside a packet that it brings.
#[derive(Debug, Clone)]
pub struct Head {
    /// Which hubs passed it on, the hub of origin first.
    pub(super) hops: Vec<Hop>,
    /// The same as text, and the neighbour's own id of the delivery.
    pub(super) came: Came,
    /// The one recipient that is meant.
    pub(super) recipient: OrganId,
}

impl Head {
    /// What the headers say: hops, delivery, recipient. Nothing when one cannot be read.
    pub fn read(hop_list: &str, delivery_id: &str, recipient: &str) -> Option<Self> {
        let is_id = !delivery_id.is_empty() && delivery_id.len() <= ID_CHARS_MAX;
        let hops = hops(hop_list)?;
        let text = hops.iter().fold(None, |text: Option<String>, hop| Some(with_hop(text.as_deref(), hop)))?;
        let came = Came { hops: text, came_as: delivery_id.to_owned() };
        is_id.then_some(Self { hops, came, recipient: OrganId::parse(recipient)? })
    }
}

/// Longest id of another hub, in characters.
const ID_CHARS_MAX: usize = 64;

/// What is wrong with what a neighbour says beside a packet.
pub(super) fn faults(head: Option<&Head>, neighbour: &str, config: &config::Relay) -> Vec<Violation> {
    let said = head.filter(|head| head.hops.last().is_some_and(|hop| hop.hub == neighbour));
    let (Some(head), false) = (said, config.hub_name.is_empty()) else {
        return vec![rules::violation("M.Relay.Head", "", &[])];
    };
    let mut faults = Vec::new();
    if head.has_passed(&config.hub_name) {
        faults.push(rules::violation("M.Relay.Loop", "", &[&config.hub_name]));
    }
    if head.hops.len() > config.hops_max {
        faults.push(rules::violation("R.Relay.Hops", "", &[&config.hops_max.to_string()]));
    }
    faults
}

impl Head {
    /// Whether a hub passed the packet on before.
    pub(super) fn has_passed(&self, hub: &str) -> bool {
        self.hops.iter().any(|hop| hop.hub.eq_ignore_ascii_case(hub))
    }
}

/// An event as a neighbour told it, read.
struct Heard {
    neighbour: String,
    delivery_id: String,
    event: EvidenceEvent,
    step: Option<Step>,
    note: String,
    facts: Value,
}

/// Longest note that is kept, in characters.
const NOTE_CHARS_MAX: usize = 500;

impl Heard {
    fn of(neighbour: &str, told: RelayEvent) -> Result<Self, ExchangeError> {
        let bad = || {
            ExchangeError::Malformed(Wording::new(
                "sự kiện của trục lân cận không đọc được",
                "the event of the neighbouring hub cannot be read",
            ))
        };
        let kind = EventKind::of_name(&told.kind).ok_or_else(bad)?;
        let (event, step) = kind.beyond().ok_or_else(bad)?;
        let at: DateTime<Utc> = dates::timestamp(&told.at).ok_or_else(bad)?;
        let hub = told.hub.unwrap_or_else(|| neighbour.to_owned());
        if OrganId::parse(&hub).is_none() || !(1..=ID_CHARS_MAX).contains(&told.evidence_id.len()) {
            return Err(bad());
        }
        let note: String = told.note.chars().filter(|sign| is_writable(*sign)).take(NOTE_CHARS_MAX).collect();
        let why =
            (step == Some(Step::FailBeyond)).then_some(if kind == EventKind::Refused { "refused" } else { "expired" });
        let facts = json!({
            "channel": "relay", "neighbour": neighbour, "hub": hub, "at": for_machines(at),
            "evidence": told.evidence_id, "note": note, "why": why,
        });
        Ok(Self { neighbour: neighbour.to_owned(), delivery_id: told.delivery_id, event, step, note, facts })
    }

    /// Whether it was told before: evidence of the same neighbour under the same id.
    fn is_known(&self, tx: &mut Connection) -> Result<bool, StoreError> {
        let all = evidence::facts_of_delivery(tx, &self.delivery_id)?;
        let is_same = |text: &String| {
            let facts: Value = serde_json::from_str(text).unwrap_or_default();
            facts.get("evidence") == self.facts.get("evidence") && facts.get("neighbour") == self.facts.get("neighbour")
        };
        Ok(all.iter().any(is_same))
    }
}

/// Takes down what a neighbour tells of a delivery that it has. Answers how the delivery stands.
///
/// # Errors
/// `NotAllowed` for a caller that is no neighbour; `NotFound` for a delivery that this neighbour does not have; `Refused` as long as
/// its receipt for that delivery is not here; `Malformed`; `Store`.
pub async fn hear(hub: &Hub, caller: &Caller, told: RelayEvent) -> Result<DeliveryState, ExchangeError> {
    if !caller.is_hub() {
        return Err(ExchangeError::NotAllowed(Wording::new(
            "Chỉ trục lân cận (vai trò hub) mới báo được điều này",
            "Only a neighbouring hub (role hub) may tell this",
        )));
    }
    let heard = Heard::of(caller.system_id(), told)?;
    let (ids, now, schedules) = (hub.ids, hub.clock.now(), Arc::clone(&hub.schedules));
    let state = hub.store.write(move |tx| take_down(tx, &heard, Moment { ids, now, schedules: &schedules }));
    let state = state.await??;
    // What it was told of may have come from another neighbour.
    hub.wake.notify_one();
    Ok(state)
}

fn take_down(
    tx: &mut Connection,
    heard: &Heard,
    moment: Moment<'_>,
) -> Result<Result<DeliveryState, ExchangeError>, StoreError> {
    // Whoever settles what was brought holds the push before the delivery too.
    pushes::hold(tx, &heard.delivery_id)?;
    // From here on nobody else takes the same event down.
    if !relays::hold_for(tx, &heard.delivery_id, &heard.neighbour)? {
        return Ok(Err(ExchangeError::NotFound));
    }
    let row = deliveries::find(tx, &heard.delivery_id)?.ok_or(StoreError::Missing("deliveries"))?;
    let before = row.progress()?;
    if heard.is_known(tx)? {
        return Ok(Ok(before.state));
    }
    let after = match heard.step.map(|step| next(before, step)) {
        Some(Next::Changed(after, _)) => after,
        Some(Next::Same | Next::Refused(_)) | None => before,
    };
    if after != before {
        if before.state == DeliveryState::Pending {
            // The neighbour has it; only its answer was lost. Where a receipt is wanted it tells again, once that is here.
            if neighbours::find(tx, &heard.neighbour)?.is_some_and(|keys| !keys.certificates.is_empty()) {
                return Ok(Err(ExchangeError::Refused(Refusal::NotConsigned)));
            }
            pushes::remove(tx, &row.delivery_id)?;
        }
        let note = if after.state == DeliveryState::Failed { heard.note.as_str() } else { "" };
        if !deliveries::settle(tx, &row, after, note, moment.now)? {
            return Err(StoreError::Raced);
        }
        note_failure(tx, (&row, before.state, after.state), &heard.facts, moment.now)?;
    }
    let piece = row.evidence(heard.event, moment.now, Some(&heard.neighbour), &heard.facts);
    announce::append(tx, moment, &row, &piece)?;
    Ok(Ok(after.state))
}
