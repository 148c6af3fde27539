//! Purges: contents whose time is over are destroyed, after a look at what that would be, a proposal, and the agreement of another
//! person; with evidence of each and a certificate (ADR 0031). Facts, evidence and receipts stay for ever. Here: looking,
//! proposing, deciding. What may go: `survey`; the work itself: `destroy`; its proof: `certificate`; what must stay: `holds`.

mod certificate;
mod destroy;
mod survey;

use super::act::Act;
use super::holds::resolved;
use super::sessions::Person;
use super::summons::{Proposed, Summons};
use super::undertakings::{self, called};
use super::{ExchangeError, rows};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::retention::{Due, Kept, Scope};
use crate::domain::rules::Wording;
use crate::domain::undertaking::{UndertakingState, UndertakingStep};
use crate::hub::Hub;
use crate::store::envelopes::EnvelopeRow;
pub use crate::store::purges::DESTROYED;
use crate::store::purges::{self, PacketRow, PurgeRow};
use crate::store::{Connection, StoreError, purgeable, users};
pub use certificate::certificate;
use chrono::{DateTime, Utc};
pub use destroy::work;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use survey::{Judged, Rules, judged};

/// Packets that are looked at together.
const PAGE: usize = 200;
/// Packets that one look goes through for each that it may find.
const LOOKED_AT_FOR_EACH: usize = 20;
/// Packets that a preview shows one by one.
const SHOWN: usize = 50;
/// Purges that a list shows.
const LISTED: i64 = 50;

/// Which contents somebody wants to see destroyed.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Of which packets; the agency by code or alias.
    pub scope: Scope,
    /// Only packets after this one: where a look before ended.
    pub after: String,
}

/// A packet whose content may go.
#[derive(Debug, Clone)]
pub struct DueLine {
    /// The packet.
    pub envelope_id: String,
    /// Code of its sender.
    pub sender: String,
    /// Identifier of the document sent or reported about.
    pub document_id: String,
    /// When it was accepted.
    pub accepted_at: DateTime<Utc>,
    /// Size of the content.
    pub bytes: i64,
    /// Its class, when its time was over, and by what law.
    pub due: Due,
}

/// What a purge would destroy.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Of which packets.
    pub scope: Scope,
    /// How many.
    pub number: usize,
    /// Bytes of all.
    pub bytes: i64,
    /// How many of which class.
    pub classes: BTreeMap<String, usize>,
    /// How many that were looked at are kept, and why.
    pub kept: BTreeMap<Kept, usize>,
    /// The first of them.
    pub lines: Vec<DueLine>,
    /// Where a further look begins, if this one did not reach the end.
    pub next: Option<String>,
    /// The purge that has not ended.
    pub open: Option<String>,
    /// Whether contents may be destroyed at all here.
    pub is_on: bool,
}

/// A purge as people look at it.
#[derive(Debug, Clone)]
pub struct PurgeLine {
    /// What is kept of it.
    pub row: PurgeRow,
    /// How it stands.
    pub state: UndertakingState,
    /// Of which packets.
    pub scope: Scope,
    /// Who proposed it.
    pub proposer: String,
    /// Who decided.
    pub decider: Option<String>,
}

/// One purge with what became of its packets.
#[derive(Debug, Clone)]
pub struct PurgeView {
    /// The purge.
    pub line: PurgeLine,
    /// How many came to what: outcome (empty: still to be gone through), class, number.
    pub outcomes: Vec<(String, String, i64)>,
    /// The first of its packets.
    pub packets: Vec<PacketRow>,
    /// What the person who looks may do.
    pub steps: Vec<UndertakingStep>,
}

/// Packets that were gone through.
#[derive(Default)]
struct Survey {
    due: Vec<(EnvelopeRow, Due)>,
    bytes: i64,
    kept: BTreeMap<Kept, usize>,
    next: Option<String>,
}

/// Goes through packets, oldest first, until as many were found as one purge may destroy.
async fn survey(hub: &Hub, scope: &Scope, after: &str) -> Result<Survey, ExchangeError> {
    let most = usize::try_from(hub.config.retention.packets_max).unwrap_or(usize::MAX);
    let (rules, mut found, mut from) = (Rules::of(hub), Survey::default(), after.to_owned());
    let mut looked_at: usize = 0;
    loop {
        let (asked, meant, began) = (rules.clone(), scope.clone(), from.clone());
        let page = hub.store.read(move |tx| {
            let rows = purgeable::page(tx, &began, self::rows(PAGE))?;
            let last = rows.last().map(|row| row.envelope_id.clone());
            let youngest = asked.now.checked_sub_signed(asked.age_min).unwrap_or(DateTime::UNIX_EPOCH);
            // What was accepted later cannot have ended long enough ago.
            let is_end = rows.iter().all(|row| row.accepted_at.and_utc() > youngest);
            Ok((judged(tx, &asked, rows, &meant)?, last, is_end))
        });
        let (judged, last, is_end) = page.await?;
        for Judged { envelope, verdict, .. } in judged {
            match verdict {
                Ok(due) if found.due.len() < most => {
                    found.bytes = found.bytes.saturating_add(envelope.bytes);
                    found.due.push((envelope, due));
                }
                Ok(_) => {
                    found.next = found.due.last().map(|(last, _)| last.envelope_id.clone());
                    return Ok(found);
                }
                Err(why) => {
                    let count = found.kept.entry(why).or_default();
                    *count = count.saturating_add(1);
                }
            }
        }
        looked_at = looked_at.saturating_add(PAGE);
        let Some(last) = last.filter(|_| !is_end) else { return Ok(found) };
        if looked_at >= most.saturating_mul(LOOKED_AT_FOR_EACH) {
            found.next = Some(last);
            return Ok(found);
        }
        from = last;
    }
}

/// What a purge of these packets would destroy. `viewer` is the person who looks; nobody is whoever has the machine.
///
/// # Errors
/// `NotFound` for a person who does not look after the hub; `Malformed` for an unknown agency; `Store`.
pub async fn preview(hub: &Hub, viewer: Option<&Person>, wish: Wish) -> Result<Preview, ExchangeError> {
    viewer.map_or(Ok(()), Person::runs_the_hub)?;
    let scope = resolved(hub, wish.scope).await?;
    let found = survey(hub, &scope, &wish.after).await?;
    let open = hub.store.read(purges::open).await?.into_iter().next();
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    for (_, due) in &found.due {
        let count = classes.entry(due.class.clone()).or_default();
        *count = count.saturating_add(1);
    }
    Ok(Preview {
        scope,
        number: found.due.len(),
        bytes: found.bytes,
        classes,
        kept: found.kept,
        next: found.next,
        open: open.map(|row| row.purge_id),
        is_on: hub.config.retention.enabled,
        lines: found.due.into_iter().take(SHOWN).map(due_line).collect(),
    })
}

fn due_line((envelope, due): (EnvelopeRow, Due)) -> DueLine {
    DueLine {
        accepted_at: envelope.accepted_at.and_utc(),
        envelope_id: envelope.envelope_id,
        sender: envelope.sender_code,
        document_id: envelope.document_id,
        bytes: envelope.bytes,
        due,
    }
}

fn taken(vi: &str, en: &str) -> ExchangeError {
    ExchangeError::Exists(Wording::new(vi, en))
}

/// Proposes to destroy the contents that may go now, these very packets and no others; answers its id. Another person decides.
///
/// # Errors
/// `NotFound` for a person who does not look after the hub; `NotAllowed` where nothing is to be destroyed at all; `Malformed`
/// without a reason or for an unknown agency; `Exists` when nothing may go, or another purge has not ended; `Store`.
pub async fn propose(hub: &Hub, person: &Person, wish: Wish, reason: &str) -> Result<String, ExchangeError> {
    person.runs_the_hub()?;
    if !hub.config.retention.enabled {
        return Err(ExchangeError::NotAllowed(Wording::new(
            "Trục này không tiêu hủy nội dung (retention.enabled)",
            "Nothing is destroyed on this hub (retention.enabled)",
        )));
    }
    let (reason, scope) = (undertakings::reason(reason)?, resolved(hub, wish.scope).await?);
    let found = survey(hub, &scope, &wish.after).await?;
    if found.due.is_empty() {
        return Err(taken("Không có nội dung nào được phép tiêu hủy", "There is no content that may be destroyed"));
    }
    let (act, purge_id) = (Act::new(hub, &person.by()), hub.ids.next());
    let times = (act.now, undertakings::expiry(act.now, hub.config.retention.decision_hours));
    let (sums, summons) = ((rows(found.due.len()), found.bytes), Summons::of(hub, person, times));
    let row = PurgeRow::new(purge_id.clone(), (&scope, reason), sums, person.user_id.clone(), times);
    let packet = |(envelope, due): (EnvelopeRow, Due)| PacketRow {
        purge_id: purge_id.clone(),
        envelope_id: envelope.envelope_id,
        class: due.class,
        outcome: String::new(),
    };
    let packets: Vec<PacketRow> = found.due.into_iter().map(packet).collect();
    let proposed = hub.store.write(move |tx| {
        if !purges::open(tx)?.is_empty() {
            return Ok(false);
        }
        purges::insert(tx, &row, &packets)?;
        let facts = json!({ "scope": scope, "found": row.found, "bytes": row.found_bytes, "reason": row.reason });
        note(tx, &act, (&row.purge_id, "proposed"), facts)?;
        let name = Wording::new("Tiêu hủy nội dung", "Destroying contents");
        let about = row.found.to_string();
        summons.put(tx, Proposed { name, about, place: "/portal/purges/", id: &row.purge_id })?;
        Ok(true)
    });
    match proposed.await? {
        true => Ok(purge_id),
        false => Err(taken("Một đợt tiêu hủy khác chưa kết thúc", "Another purge has not ended")),
    }
}

/// Leaves evidence of what was decided about a purge.
fn note(tx: &mut Connection, act: &Act, (purge_id, what): (&str, &str), mut facts: Value) -> Result<(), StoreError> {
    if let Value::Object(members) = &mut facts {
        members.insert("purge_id".to_owned(), json!(purge_id));
    }
    act.note(tx, (EvidenceEvent::PurgeChanged, what), None, facts)
}

/// Takes a step with a purge. Who proposed it does not decide on it. One that is stopped has a certificate of what it destroyed.
///
/// # Errors
/// `NotFound`; `NotAllowed` for a decision on one's own proposal; `Exists` when it does not stand so any more; `Store`.
pub async fn step(hub: &Hub, person: &Person, purge_id: &str, step: UndertakingStep) -> Result<(), ExchangeError> {
    person.runs_the_hub()?;
    let (act, id, user_id) = (Act::new(hub, &person.by()), purge_id.to_owned(), person.user_id.clone());
    let taken = hub.store.write(move |tx| {
        purges::stand_still(tx)?;
        let Some(row) = purges::find(tx, &id)? else { return Ok(Err(ExchangeError::NotFound)) };
        let to = match row.proposal()?.after(step, (&user_id, act.now)) {
            Ok(to) => to,
            Err(why) => return Ok(Err(undertakings::barred(why))),
        };
        if !purges::set_state(tx, &row, (to, step.is_decision().then_some(user_id.as_str())), act.now)? {
            return Err(StoreError::Raced);
        }
        note(tx, &act, (&id, step.word()), json!({ "state": to.word() }))?;
        if to == UndertakingState::Stopped {
            certificate::make(tx, &act, &row)?;
        }
        Ok(Ok(()))
    });
    taken.await?
}

/// The newest purges. `viewer` is the person who looks; nobody is whoever has the machine, or administers.
///
/// # Errors
/// `NotFound` for a person who does not look after the hub; `Store`.
pub async fn list(hub: &Hub, viewer: Option<&Person>) -> Result<Vec<PurgeLine>, ExchangeError> {
    viewer.map_or(Ok(()), Person::runs_the_hub)?;
    let lines = hub.store.read(|tx| {
        let newest = purges::newest(tx, LISTED)?;
        lines(tx, newest)
    });
    Ok(lines.await?)
}

/// One purge with what became of its packets.
///
/// # Errors
/// `NotFound`; `Store`.
pub async fn view(hub: &Hub, viewer: Option<&Person>, purge_id: &str) -> Result<PurgeView, ExchangeError> {
    viewer.map_or(Ok(()), Person::runs_the_hub)?;
    let id = purge_id.to_owned();
    let found = hub.store.read(move |tx| {
        let Some(row) = purges::find(tx, &id)? else { return Ok(None) };
        let (outcomes, packets) = (purges::outcomes(tx, &id)?, purges::packets(tx, &id, ("", rows(SHOWN)))?);
        Ok(lines(tx, vec![row])?.pop().map(|line| (line, outcomes, packets)))
    });
    let (line, outcomes, packets) = found.await?.ok_or(ExchangeError::NotFound)?;
    let proposal = line.row.proposal()?;
    let steps = viewer.map(|person| proposal.steps((&person.user_id, hub.clock.now()))).unwrap_or_default();
    Ok(PurgeView { line, outcomes, packets, steps })
}

fn lines(tx: &mut Connection, found: Vec<PurgeRow>) -> Result<Vec<PurgeLine>, StoreError> {
    let ids = found.iter().flat_map(|row| row.decided_by.as_deref().into_iter().chain([row.proposed_by.as_str()]));
    let people = users::names(tx, &ids.collect::<Vec<_>>())?;
    let line = |row: PurgeRow| {
        Ok(PurgeLine {
            state: row.state()?,
            scope: row.scope()?,
            proposer: called(&people, &row.proposed_by),
            decider: row.decided_by.as_deref().map(|id| called(&people, id)),
            row,
        })
    };
    found.into_iter().map(line).collect()
}
