//! What operators do to single deliveries: look at what waits or has failed for a recipient, have it tried now, hold it,
//! let it go on, start a failed one anew. Each act is evidence. Not here: whole endpoints (`endpoints`), bringing
//! (`dispatch`).

use super::act::{Act, By};
use super::announce::Moment;
use super::endpoints::{self, named};
use super::hand_on::{Making, hand_on};
use super::{ExchangeError, routes, rows};
use crate::arrivals::PUSHES;
use crate::domain::agency::AgencyCode;
use crate::domain::cause::Cause;
use crate::domain::delivery::{DeliveryState, Refusal};
use crate::domain::lane::Lane;
use crate::domain::rules::Wording;
use crate::domain::schedule::Schedules;
use crate::hub::Hub;
use crate::store::deliveries::{DeliveryRow, NaturalKey};
use crate::store::envelopes::EnvelopeRow;
use crate::store::{Connection, StoreError, deliveries, envelopes, failures, purges, pushes};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// What waits to be pushed or is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingLine {
    /// The push; of a delivery, the delivery.
    pub push_id: String,
    /// Its lane.
    pub lane: Lane,
    /// Attempts so far.
    pub attempts: i32,
    /// When it is tried next; absent when it is held or on its way.
    pub due_at: Option<DateTime<Utc>>,
    /// When it is given up.
    pub expires_at: DateTime<Utc>,
    /// Whether an operator holds it.
    pub held: bool,
}

/// A delivery that has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedLine {
    /// The delivery.
    pub delivery_id: String,
    /// Canonical code of the sender.
    pub sender: String,
    /// Identifier of the document sent or reported about.
    pub document_id: String,
    /// When the packet was accepted.
    pub accepted_at: DateTime<Utc>,
    /// When it failed.
    pub failed_at: DateTime<Utc>,
    /// What the recipient's software answered last, or why there was no answer.
    pub reason: String,
    /// What starting it anew would do, or did.
    pub fate: Fate,
}

/// What becomes of a failed delivery when it is started anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// A new delivery is made.
    Anew,
    /// That was done before; the new delivery.
    Before(String),
    /// The document was recalled or replaced meanwhile: it is not sent again.
    TakenBack,
    /// Its content was destroyed: there is nothing left to send.
    Destroyed,
    /// It failed at a neighbouring hub, which has the packet: only there it is started anew.
    Beyond,
}

impl Fate {
    /// The word in answers.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Anew => "anew",
            Self::Before(_) => "before",
            Self::TakenBack => "taken_back",
            Self::Destroyed => "destroyed",
            Self::Beyond => "beyond",
        }
    }

    /// The delivery that took its place before.
    pub fn new_delivery(&self) -> Option<&str> {
        match self {
            Self::Before(id) => Some(id),
            Self::Anew | Self::TakenBack | Self::Destroyed | Self::Beyond => None,
        }
    }

    /// What people read.
    pub fn name(&self) -> Wording {
        match self {
            Self::Anew => Wording::new("Sẽ gửi lại", "Will be sent again"),
            Self::Before(_) => Wording::new("Đã gửi lại trước đó", "Was sent again before"),
            Self::TakenBack => Wording::new("Không gửi: đã thu hồi hoặc thay thế", "Not sent: recalled or replaced"),
            Self::Destroyed => Wording::new("Không gửi: nội dung đã tiêu hủy", "Not sent: the content was destroyed"),
            Self::Beyond => {
                let Wording { vi, en } = Cause::Beyond.remedy();
                Wording::new(format!("Không gửi: {vi}"), format!("Not sent: {en}"))
            }
        }
    }
}

/// What waits for an endpoint or is on its way to it, by lane, then by due time; the endpoint by the name of whose it is.
///
/// # Errors
/// `NotFound` for an unknown agency, `Store`.
pub async fn waiting(hub: &Hub, name: &str, limit: usize) -> Result<Vec<WaitingLine>, ExchangeError> {
    let (id, now) = (named(hub, name).await?.to_string(), hub.clock.now());
    let limit = rows(limit.min(hub.config.lists.page_max));
    let found = hub.store.read(move |tx| pushes::of_endpoint(tx, &id, limit)).await?;
    let line = |push: pushes::PushRow| WaitingLine {
        lane: push.lane(),
        attempts: push.attempts,
        due_at: (!push.held && !push.is_on_its_way(now)).then(|| push.due_at()),
        expires_at: push.expires_at(),
        held: push.held,
        push_id: push.push_id,
    };
    Ok(found.into_iter().map(line).collect())
}

/// What is to be done to a delivery that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Try it now.
    Now,
    /// Keep it where it is; its term goes on.
    Hold,
    /// Let what was held go on, at once.
    Release,
}

impl Direction {
    /// The word in evidence and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Now => "hurried",
            Self::Hold => "held",
            Self::Release => "released",
        }
    }
}

/// Directs one delivery or event that waits to be pushed, for a reason if one was given. Saying it twice changes nothing more.
///
/// # Errors
/// `NotFound`; `Refused` when it does not wait or is on its way; `Store`.
pub async fn direct(
    hub: &Hub,
    by: &By,
    delivery_id: &str,
    (direction, reason): (Direction, &str),
) -> Result<(), ExchangeError> {
    let (act, id) = (Act::new(hub, by), delivery_id.to_owned());
    let reason = endpoints::shortened(reason);
    let directed = hub.store.write(move |tx| {
        let row = deliveries::find(tx, &id)?;
        let Some(push) = pushes::find(tx, &id)? else {
            let is_known = row.is_some();
            return Ok(Err(if is_known {
                ExchangeError::Refused(Refusal::NotWaiting)
            } else {
                ExchangeError::NotFound
            }));
        };
        let said_before = match direction {
            Direction::Hold => push.held,
            Direction::Release => !push.held,
            Direction::Now => false,
        };
        if said_before {
            return Ok(Ok(()));
        }
        let due_at = (direction != Direction::Hold).then_some(act.now);
        if !pushes::set_due(tx, &id, (due_at, act.now))? {
            return Ok(Err(ExchangeError::Refused(Refusal::OnItsWay)));
        }
        match row {
            Some(row) => act.note_delivery(tx, &row, direction.word(), json!({ "reason": reason }))?,
            None => {
                let facts = json!({ "push_id": id, "reason": reason });
                endpoints::note(tx, &act, direction.word(), (&push.endpoint()?, facts))?;
            }
        }
        Ok(Ok(()))
    });
    directed.await??;
    announce(hub, PUSHES);
    Ok(())
}

/// Which failed deliveries are meant.
#[derive(Debug, Clone)]
pub struct FailedSelection {
    /// Code or alias of the recipient.
    pub agency: String,
    /// Accepted at or after.
    pub from: Option<DateTime<Utc>>,
    /// Accepted at or before.
    pub until: Option<DateTime<Utc>>,
    /// Only this one.
    pub delivery_id: Option<String>,
    /// Only after this delivery.
    pub after: Option<String>,
    /// Most deliveries; the configured limit of lists holds above it.
    pub limit: usize,
}

/// Failed deliveries of a recipient, oldest first, with what starting them anew would do.
///
/// # Errors
/// `NotFound` for an unknown agency, `Store`.
pub async fn failed(hub: &Hub, selection: &FailedSelection) -> Result<Vec<FailedLine>, ExchangeError> {
    let meant = Meant::of(hub, selection).await?;
    let found = hub.store.read(move |tx| {
        let found = meant.found(tx)?;
        lines(tx, found)
    });
    Ok(found.await?.into_iter().map(|(.., line)| line).collect())
}

/// How new deliveries are spread over time.
#[derive(Debug, Clone, Copy)]
pub struct Planned {
    /// How many of them become due each minute.
    pub per_minute: u32,
    /// How many were planned before.
    pub before: u32,
}

impl Planned {
    /// When the next one is due.
    fn next(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        let milliseconds = u64::from(self.before).saturating_mul(60_000) / u64::from(self.per_minute.max(1));
        self.before = self.before.saturating_add(1);
        let later = i64::try_from(milliseconds).ok().and_then(TimeDelta::try_milliseconds);
        now.checked_add_signed(later.unwrap_or_default()).unwrap_or(now)
    }
}

/// Starts failed deliveries anew: each gets a new delivery by the recipient's channel of today, due as planned. The
/// failed ones stay as they are, and so does what failed at a neighbouring hub. Answers what became of each.
///
/// # Errors
/// `NotFound` for an unknown agency; `Malformed` for a single delivery that is mended at a neighbouring hub only; `Store`.
pub async fn start_anew(
    hub: &Hub,
    by: &By,
    selection: &FailedSelection,
    planned: &mut Planned,
) -> Result<Vec<FailedLine>, ExchangeError> {
    let meant = Meant::of(hub, selection).await?;
    let (act, schedules, recipient) = (Act::new(hub, by), Arc::clone(&hub.schedules), meant.recipient.0.clone());
    let before = *planned;
    let started = hub.store.write(move |tx| {
        let mut planned = before;
        let found = meant.found(tx)?;
        let start = Start { act: &act, schedules: &schedules, recipient: &meant.recipient, redrive_id: None };
        let started = start.anew(tx, found, &mut planned)?;
        Ok((started.lines, planned))
    });
    let lines;
    (lines, *planned) = started.await?;
    if selection.delivery_id.is_some() && lines.iter().any(|line| line.fate == Fate::Beyond) {
        return Err(ExchangeError::Malformed(Cause::Beyond.remedy()));
    }
    announce(hub, &recipient);
    Ok(lines)
}

/// How failed deliveries to a recipient are started anew within a transaction.
pub(super) struct Start<'a> {
    pub(super) act: &'a Act,
    pub(super) schedules: &'a Schedules,
    pub(super) recipient: &'a AgencyCode,
    /// Of which re-drive it is part, if of one.
    pub(super) redrive_id: Option<&'a str>,
}

/// What became of failed deliveries that were to be started anew.
pub(super) struct Started {
    /// Each of them.
    pub(super) lines: Vec<FailedLine>,
    /// The deliveries that were made.
    pub(super) new: Vec<String>,
}

impl Start<'_> {
    /// Makes a new delivery for each that has none yet, was not taken back, has its content and did not fail at a neighbouring hub.
    /// None but the last is a failure to be mended any more.
    pub(super) fn anew(
        &self,
        tx: &mut Connection,
        found: Vec<(DeliveryRow, EnvelopeRow)>,
        planned: &mut Planned,
    ) -> Result<Started, StoreError> {
        // What is being destroyed at this moment is destroyed before; what is destroyed later sees these deliveries.
        purges::stand_still(tx)?;
        let way = routes::way_of(tx, self.recipient)?;
        let mut started = Started { lines: Vec::new(), new: Vec::new() };
        for (row, envelope, mut line) in lines(tx, found)? {
            if line.fate == Fate::Anew {
                let due_at = planned.next(self.act.now);
                let moment = Moment { ids: self.act.ids, now: self.act.now, schedules: self.schedules };
                let making = Making { moment, due_at, came: row.came() };
                let made = hand_on(tx, &making, &envelope, (key_anew(&row), way.clone()))?;
                let facts = json!({ "new_delivery_id": made.delivery_id, "redrive_id": self.redrive_id });
                self.act.note_delivery(tx, &row, "started_anew", facts)?;
                started.new.push(made.delivery_id.clone());
                line.fate = Fate::Before(made.delivery_id);
            }
            started.lines.push(line);
        }
        let mended = started.lines.iter().filter(|line| line.fate != Fate::Beyond);
        failures::remove(tx, &mended.map(|line| line.delivery_id.as_str()).collect::<Vec<_>>())?;
        Ok(started)
    }
}

/// Tells the dispatcher and those who wait, on all nodes.
pub(super) fn announce(hub: &Hub, agency: &str) {
    hub.wake.notify_one();
    hub.arrivals.announce([agency, PUSHES].into_iter());
}

/// The natural key of the delivery that takes the place of a failed one: there can be only one such.
fn key_anew(row: &DeliveryRow) -> NaturalKey {
    NaturalKey {
        sender_code: row.sender_code.clone(),
        document_id: row.document_id.clone(),
        packet_kind: row.packet_kind.clone(),
        recipient_code: row.recipient_code.clone(),
        occurrence: format!("{ANEW}{}", row.delivery_id),
    }
}

/// With what the occurrence of such a delivery begins; the failed one follows.
pub(super) const ANEW: &str = "anew:";

/// A selection as a transaction needs it.
struct Meant {
    recipient: AgencyCode,
    accepted: (DateTime<Utc>, DateTime<Utc>),
    delivery_id: Option<String>,
    after: String,
    limit: i64,
}

impl Meant {
    async fn of(hub: &Hub, selection: &FailedSelection) -> Result<Self, ExchangeError> {
        Ok(Self {
            recipient: routes::recipient(hub, &selection.agency).await?,
            accepted: (selection.from.unwrap_or(DateTime::UNIX_EPOCH), selection.until.unwrap_or(hub.clock.now())),
            delivery_id: selection.delivery_id.clone(),
            after: selection.after.clone().unwrap_or_default(),
            limit: rows(selection.limit.min(hub.config.lists.page_max)),
        })
    }

    fn found(&self, tx: &mut Connection) -> Result<Vec<(DeliveryRow, EnvelopeRow)>, StoreError> {
        match &self.delivery_id {
            Some(id) => match deliveries::find(tx, id)? {
                Some(row) if self.is_meant(&row)? => {
                    let envelope = envelopes::find(tx, &row.envelope_id)?;
                    Ok(vec![(row, envelope.ok_or(StoreError::Missing("envelopes"))?)])
                }
                Some(_) | None => Ok(Vec::new()),
            },
            None => deliveries::failed(tx, self.recipient.as_str(), self.accepted, (&self.after, self.limit)),
        }
    }

    fn is_meant(&self, row: &DeliveryRow) -> Result<bool, StoreError> {
        Ok(row.progress()?.state == DeliveryState::Failed && row.recipient_code == self.recipient.0)
    }
}

/// Failed deliveries to a recipient, each with what starting it anew would do.
pub(super) fn lines(
    tx: &mut Connection,
    found: Vec<(DeliveryRow, EnvelopeRow)>,
) -> Result<Vec<(DeliveryRow, EnvelopeRow, FailedLine)>, StoreError> {
    let mut fates = fates(tx, &found)?;
    let line = |(row, envelope): (DeliveryRow, EnvelopeRow)| {
        let fate = fates.remove(&row.delivery_id).unwrap_or(Fate::Anew);
        let line = FailedLine {
            delivery_id: row.delivery_id.clone(),
            sender: row.sender_code.clone(),
            document_id: row.document_id.clone(),
            accepted_at: row.accepted_at(),
            failed_at: row.changed_at(),
            reason: row.note.clone(),
            fate,
        };
        (row, envelope, line)
    };
    Ok(found.into_iter().map(line).collect())
}

/// Which of these deliveries to a recipient are not to be started anew, and why.
fn fates(tx: &mut Connection, rows: &[(DeliveryRow, EnvelopeRow)]) -> Result<HashMap<String, Fate>, StoreError> {
    let Some((first, _)) = rows.first() else { return Ok(HashMap::new()) };
    let recipient = first.recipient_code.as_str();
    let documents: Vec<(&str, &str)> =
        rows.iter().map(|(row, _)| (row.sender_code.as_str(), row.document_id.as_str())).collect();
    let replaced = envelopes::replaced_for(tx, recipient, &documents)?;
    let is_taken_back = |(row, _): &&(DeliveryRow, EnvelopeRow)| {
        !row.recall.is_empty()
            || replaced.iter().any(|(sender, document)| *sender == row.sender_code && *document == row.document_id)
    };
    let failed: Vec<&str> = rows.iter().map(|(row, _)| row.delivery_id.as_str()).collect();
    let beyond = failures::of_cause(tx, Cause::Beyond, &failed)?;
    let mut fates: HashMap<String, Fate> = beyond.into_iter().map(|id| (id, Fate::Beyond)).collect();
    // The later say more: what is taken back need not be mended anywhere.
    fates.extend(rows.iter().filter(is_taken_back).map(|(row, _)| (row.delivery_id.clone(), Fate::TakenBack)));
    let envelopes: Vec<&str> = rows.iter().map(|(row, _)| row.envelope_id.as_str()).collect();
    let gone = purges::destroyed(tx, &envelopes)?;
    let is_gone = |(row, _): &&(DeliveryRow, EnvelopeRow)| gone.contains_key(&row.envelope_id);
    fates.extend(rows.iter().filter(is_gone).map(|(row, _)| (row.delivery_id.clone(), Fate::Destroyed)));
    for (occurrence, delivery_id) in deliveries::occurrences(tx, recipient, &envelopes, ANEW)? {
        if let Some(failed) = occurrence.strip_prefix(ANEW) {
            fates.insert(failed.to_owned(), Fate::Before(delivery_id));
        }
    }
    Ok(fates)
}
