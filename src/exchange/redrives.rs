//! Re-drives: what has failed for a recipient for one cause is started anew, at a rate, after a look at what that would do.
//! Above a number one person proposes and another one decides. What was decided stands in the database and a job works it
//! off, minute by minute. Not here: how one delivery is started anew (`controls`), what there is to mend (`stuck`).

use super::act::{Act, By};
use super::controls::{self, FailedLine, Fate, Planned, Start};
use super::sessions::Person;
use super::summons::{Proposed, Summons};
use super::undertakings::{self, called};
use super::{ExchangeError, routes, rows};
use crate::domain::agency::AgencyCode;
use crate::domain::cause::Cause;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::domain::schedule::Schedules;
use crate::domain::undertaking::{UndertakingState, UndertakingStep};
use crate::hub::Hub;
use crate::store::redrives::{self as store, NewRedrive, RedriveRow};
use crate::store::{Connection, StoreError, failures, transfers, users};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

/// Failures that a preview shows one by one.
const SHOWN: i64 = 50;
/// Deliveries that are started in one transaction.
const AT_ONCE: i64 = 100;
/// Re-drives that a list shows.
const LISTED: i64 = 50;

/// What starting a group of failures anew would do.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Canonical code of the recipient.
    pub recipient: String,
    /// What people call it.
    pub name: String,
    /// Of which failures.
    pub cause: Cause,
    /// How many there are.
    pub number: i64,
    /// Since when.
    pub oldest: Option<DateTime<Utc>>,
    /// The first of them, each with what would become of it.
    pub lines: Vec<FailedLine>,
    /// Whether a second person must agree.
    pub needs_second: bool,
    /// The one of the same failures that has not ended.
    pub open: Option<String>,
}

impl Preview {
    /// How many of the shown ones would not be sent again.
    pub fn left_out(&self) -> usize {
        self.lines.iter().filter(|line| line.fate != Fate::Anew).count()
    }
}

/// A re-drive as people look at it.
#[derive(Debug, Clone)]
pub struct RedriveLine {
    /// What is kept of it.
    pub row: RedriveRow,
    /// How it stands.
    pub state: UndertakingState,
    /// Of which failures.
    pub cause: Cause,
    /// What people call the recipient.
    pub name: String,
    /// Who proposed it.
    pub proposer: String,
    /// Who decided.
    pub decider: Option<String>,
}

/// One re-drive with what came of it.
#[derive(Debug, Clone)]
pub struct RedriveView {
    /// The re-drive.
    pub line: RedriveLine,
    /// How many of its new deliveries are in which state.
    pub outcome: Vec<(String, i64)>,
    /// What the person who looks may do.
    pub steps: Vec<UndertakingStep>,
}

/// A group of failures as somebody wants it started anew.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Code or alias of the recipient.
    pub agency: String,
    /// Of which failures.
    pub cause: Cause,
    /// How many a minute; the configured number holds above it.
    pub per_minute: u64,
    /// Why.
    pub reason: String,
}

/// Whether starting that anew here does anything; if not, what does is said.
fn is_mended_here(cause: Cause) -> Result<(), ExchangeError> {
    if cause.starts_anew() { Ok(()) } else { Err(ExchangeError::Malformed(cause.remedy())) }
}

/// What starting anew what failed for a recipient and a cause would do.
///
/// # Errors
/// `NotFound` for an unknown recipient, or a person who does not look after the hub; `Malformed` for what is mended at a
/// neighbouring hub only; `Store`.
pub async fn preview(hub: &Hub, person: &Person, agency: &str, cause: Cause) -> Result<Preview, ExchangeError> {
    person.runs_the_hub()?;
    is_mended_here(cause)?;
    let recipient = routes::recipient(hub, agency).await?;
    let (alone, now) = (hub.config.portal.redrive_alone_max, hub.clock.now());
    let preview = hub.store.read(move |tx| {
        let code = recipient.as_str();
        let (number, oldest) = failures::number(tx, code, cause)?;
        let found = failures::of_group(tx, (code, cause), now, ("", SHOWN))?;
        let lines = controls::lines(tx, found)?.into_iter().map(|(.., line)| line).collect();
        let names = transfers::names(tx, &[code])?;
        Ok(Preview {
            name: names.get(code).cloned().unwrap_or_else(|| code.to_owned()),
            recipient: code.to_owned(),
            cause,
            number,
            oldest,
            lines,
            needs_second: needs_second(number, alone),
            open: store::open_of(tx, code, cause)?.map(|row| row.redrive_id),
        })
    });
    Ok(preview.await?)
}

fn needs_second(number: i64, alone: u64) -> bool {
    u64::try_from(number).is_ok_and(|number| number > alone)
}

/// Has a group of failures started anew, or proposes it where a second person must agree. Answers its id. What fails later
/// is not meant.
///
/// # Errors
/// `NotFound` for an unknown recipient, or a person who does not look after the hub; `Malformed` without a reason or a
/// rate, and for what is mended at a neighbouring hub only; `Exists` when nothing is there to be mended, or somebody is at it; `Store`.
pub async fn propose(hub: &Hub, person: &Person, wish: Wish) -> Result<String, ExchangeError> {
    person.runs_the_hub()?;
    is_mended_here(wish.cause)?;
    let recipient = routes::recipient(hub, &wish.agency).await?;
    let reason = undertakings::reason(&wish.reason)?;
    let most = hub.config.portal.redrive_per_minute_max;
    let per_minute = i32::try_from(wish.per_minute).ok().filter(|_| (1..=most).contains(&wish.per_minute));
    let per_minute = per_minute.ok_or_else(|| {
        ExchangeError::Malformed(Wording::new(
            format!("Số lượt mỗi phút phải từ 1 đến {most}"),
            format!("The number for each minute must be from 1 to {most}"),
        ))
    })?;
    let (act, alone) = (Act::new(hub, &person.by()), hub.config.portal.redrive_alone_max);
    let expires_at = undertakings::expiry(act.now, hub.config.portal.redrive_decision_hours);
    let summons = Summons::of(hub, person, (act.now, expires_at));
    let (user_id, redrive_id) = (person.user_id.clone(), hub.ids.next());
    let proposed = hub.store.write(move |tx| {
        let (found, _) = failures::number(tx, recipient.as_str(), wish.cause)?;
        let is_open = store::open_of(tx, recipient.as_str(), wish.cause)?.is_some();
        if found == 0 || is_open {
            return Ok(None);
        }
        let state = if needs_second(found, alone) { UndertakingState::Proposed } else { UndertakingState::Running };
        let new = NewRedrive {
            redrive_id: redrive_id.clone(),
            recipient_code: recipient.0.clone(),
            cause: wish.cause,
            per_minute,
            reason: reason.clone(),
            found,
            state,
            proposed_by: user_id.clone(),
        };
        store::insert(tx, new, (act.now, expires_at))?;
        let facts = json!({
            "redrive_id": redrive_id, "cause": wish.cause.code(), "found": found, "per_minute": per_minute,
            "reason": reason, "state": state.word(),
        });
        act.note(tx, (EvidenceEvent::RedriveChanged, "proposed"), Some(recipient.as_str()), facts)?;
        if state == UndertakingState::Proposed {
            let name = Wording::new("Gửi lại hàng loạt lượt lỗi", "Starting many failures anew");
            let about = format!("{} ({found})", recipient.as_str());
            summons.put(tx, Proposed { name, about, place: "/portal/redrives/", id: &redrive_id })?;
        }
        Ok(Some(redrive_id.clone()))
    });
    proposed.await?.ok_or_else(|| {
        ExchangeError::Exists(Wording::new(
            "Không còn gì để gửi lại, hoặc đã có người đang gửi lại nhóm này",
            "Nothing is left to be started anew, or somebody is at it already",
        ))
    })
}

/// Takes a step with a re-drive. Who proposed it does not decide on it.
///
/// # Errors
/// `NotFound`; `NotAllowed` for a decision on one's own proposal; `Exists` when it does not stand so any more; `Store`.
pub async fn step(hub: &Hub, person: &Person, redrive_id: &str, step: UndertakingStep) -> Result<(), ExchangeError> {
    person.runs_the_hub()?;
    let (act, id, user_id) = (Act::new(hub, &person.by()), redrive_id.to_owned(), person.user_id.clone());
    let taken = hub.store.write(move |tx| {
        let Some(row) = store::find(tx, &id)? else { return Ok(Err(ExchangeError::NotFound)) };
        let decided_by = step.is_decision().then_some(user_id.as_str());
        match row.proposal()?.after(step, (&user_id, act.now)) {
            Ok(to) if store::set_state(tx, &row, (to, decided_by), act.now)? => {
                note(tx, &act, (&row, step.word()), json!({ "state": to.word() }))?;
                Ok(Ok(()))
            }
            Ok(_) => Err(StoreError::Raced),
            Err(why) => Ok(Err(undertakings::barred(why))),
        }
    });
    taken.await?
}

fn note(tx: &mut Connection, act: &Act, (row, what): (&RedriveRow, &str), mut facts: Value) -> Result<(), StoreError> {
    if let Value::Object(members) = &mut facts {
        members.insert("redrive_id".to_owned(), json!(row.redrive_id));
    }
    act.note(tx, (EvidenceEvent::RedriveChanged, what), Some(&row.recipient_code), facts)
}

/// The newest re-drives.
///
/// # Errors
/// `NotFound` for a person who does not look after the hub; `Store`.
pub async fn list(hub: &Hub, person: &Person) -> Result<Vec<RedriveLine>, ExchangeError> {
    person.runs_the_hub()?;
    let lines = hub.store.read(|tx| {
        let newest = store::newest(tx, LISTED)?;
        lines(tx, newest)
    });
    Ok(lines.await?)
}

/// One re-drive with what came of it.
///
/// # Errors
/// `NotFound`; `Store`.
pub async fn view(hub: &Hub, person: &Person, redrive_id: &str) -> Result<RedriveView, ExchangeError> {
    person.runs_the_hub()?;
    let (id, now) = (redrive_id.to_owned(), hub.clock.now());
    let found = hub.store.read(move |tx| {
        let Some(row) = store::find(tx, &id)? else { return Ok(None) };
        let outcome = store::outcome(tx, &id)?;
        Ok(lines(tx, vec![row])?.pop().map(|line| (line, outcome)))
    });
    let (line, outcome) = found.await?.ok_or(ExchangeError::NotFound)?;
    let steps = line.row.proposal()?.steps((&person.user_id, now));
    Ok(RedriveView { line, outcome, steps })
}

fn lines(tx: &mut Connection, found: Vec<RedriveRow>) -> Result<Vec<RedriveLine>, StoreError> {
    let codes: Vec<&str> = found.iter().map(|row| row.recipient_code.as_str()).collect();
    let ids = found.iter().flat_map(|row| row.decided_by.as_deref().into_iter().chain([row.proposed_by.as_str()]));
    let (agencies, people) = (transfers::names(tx, &codes)?, users::names(tx, &ids.collect::<Vec<_>>())?);
    let line = |row: RedriveRow| {
        Ok(RedriveLine {
            state: row.state()?,
            cause: row.cause()?,
            name: called(&agencies, &row.recipient_code),
            proposer: called(&people, &row.proposed_by),
            decider: row.decided_by.as_deref().map(|id| called(&people, id)),
            row,
        })
    };
    found.into_iter().map(line).collect()
}

/// Starts of each running re-drive as many deliveries as were decided for a minute, and ends proposals that nobody decided on
/// in time. Answers how many deliveries were gone through.
///
/// # Errors
/// `Store`.
pub async fn work(hub: &Hub) -> Result<usize, ExchangeError> {
    let mut gone_through: usize = 0;
    for row in hub.store.read(store::open).await? {
        match row.state()? {
            UndertakingState::Proposed => lapse(hub, row).await?,
            UndertakingState::Running => gone_through = gone_through.saturating_add(minute(hub, row).await?),
            UndertakingState::Paused => {}
            UndertakingState::Done
            | UndertakingState::Refused
            | UndertakingState::Stopped
            | UndertakingState::Lapsed => {}
        }
    }
    Ok(gone_through)
}

async fn lapse(hub: &Hub, row: RedriveRow) -> Result<(), ExchangeError> {
    let act = Act::new(hub, &By::Hub);
    if row.expires_at() > act.now {
        return Ok(());
    }
    let lapsed = hub.store.write(move |tx| {
        if store::set_state(tx, &row, (UndertakingState::Lapsed, None), act.now)? {
            note(tx, &act, (&row, "lapsed"), json!({}))?;
        }
        Ok(())
    });
    Ok(lapsed.await?)
}

/// The deliveries of one minute, in steps.
async fn minute(hub: &Hub, row: RedriveRow) -> Result<usize, ExchangeError> {
    let per_minute = u32::try_from(row.per_minute).unwrap_or(1);
    let (mut gone_through, mut planned) = (0_usize, Planned { per_minute, before: 0 });
    while planned.before < per_minute {
        let stepping = Stepping {
            acts: [By::User(row.proposed_by.clone()), By::Hub].map(|by| Act::new(hub, &by)),
            schedules: Arc::clone(&hub.schedules),
            redrive_id: row.redrive_id.clone(),
            limit: i64::from(per_minute.saturating_sub(planned.before)).min(AT_ONCE),
            planned,
        };
        let Some((number, after)) = hub.store.write(move |tx| stepping.take(tx)).await? else { break };
        planned = after;
        gone_through = gone_through.saturating_add(number);
    }
    controls::announce(hub, &row.recipient_code);
    Ok(gone_through)
}

/// A step of a re-drive. It is one transaction with how far it got, so that one which was cut off goes on where it was, and
/// what was paused or stopped meanwhile starts nothing more.
struct Stepping {
    /// By whom deliveries are started: who wanted it; and by whom the re-drive ends.
    acts: [Act; 2],
    schedules: Arc<Schedules>,
    redrive_id: String,
    limit: i64,
    planned: Planned,
}

impl Stepping {
    /// Answers how many deliveries were gone through and how many of this minute are planned by now; nothing when there is
    /// nothing more to do.
    fn take(&self, tx: &mut Connection) -> Result<Option<(usize, Planned)>, StoreError> {
        let Some(row) = store::find(tx, &self.redrive_id)? else { return Ok(None) };
        if row.state()? != UndertakingState::Running {
            return Ok(None);
        }
        let [wanted, by_hub] = &self.acts;
        let group = (row.recipient_code.as_str(), row.cause()?);
        let found = failures::of_group(tx, group, row.proposed_at(), (&row.after_delivery, self.limit))?;
        let (Some((last, _)), number) = (found.last(), found.len()) else {
            if !store::set_state(tx, &row, (UndertakingState::Done, None), by_hub.now)? {
                return Err(StoreError::Raced);
            }
            let facts = json!({
                "started": row.started, "taken_back": row.taken_back, "started_before": row.started_before,
            });
            note(tx, by_hub, (&row, "done"), facts)?;
            return Ok(None);
        };
        let last = last.delivery_id.clone();
        let recipient = AgencyCode(row.recipient_code.clone());
        let start = Start {
            act: wanted,
            schedules: &self.schedules,
            recipient: &recipient,
            redrive_id: Some(&self.redrive_id),
        };
        let mut planned = self.planned;
        let started = start.anew(tx, found, &mut planned)?;
        // What was destroyed is not sent either, and was not started before.
        let is_gone = |line: &&FailedLine| matches!(line.fate, Fate::TakenBack | Fate::Destroyed | Fate::Beyond);
        let taken_back = started.lines.iter().filter(is_gone).count();
        let before = number.saturating_sub(taken_back).saturating_sub(started.new.len());
        store::note_started(tx, &self.redrive_id, &started.new)?;
        match store::advance(tx, &row, &last, [started.new.len(), taken_back, before].map(rows))? {
            true => Ok(Some((number, planned))),
            false => Err(StoreError::Raced),
        }
    }
}
