//! Webhooks: where a system wants to be told what happens to its documents, and of what. Set by the system itself or by an
//! operator; each act is evidence. They are endpoints: pausing and the like is in `endpoints`. Not here: what is told
//! (`announce`), bringing it (`dispatch`).

use super::act::{Act, By};
use super::announce::{self, Moment};
use super::endpoints::{Proof, check_url, new_secret, note};
use super::{ExchangeError, rows};
use crate::channel::signature::Scheme;
use crate::domain::announcement::{EventKind, TEST, wants};
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::rules::Wording;
use crate::domain::system::Role;
use crate::hub::Hub;
use crate::store::announcements::{AnnouncementRow, Ending};
use crate::store::endpoints::{NewEndpoint, Secrets};
use crate::store::{announcements, endpoints, pushes, systems};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::sync::Arc;

/// A webhook as it is wanted.
#[derive(Debug, Clone)]
pub struct WebhookEntry {
    /// Where to post.
    pub url: String,
    /// What to tell; everything when empty.
    pub events: Vec<EventKind>,
    /// Most events on their way at once; the configured number when absent.
    pub in_flight_max: Option<u16>,
    /// How events are signed, when the webhook is new.
    pub scheme: Scheme,
}

/// Which events are asked for anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// Those made at or after.
    pub from: DateTime<Utc>,
    /// Only those that were given up.
    pub only_given_up: bool,
}

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUpLine {
    /// Its id, the same at every attempt (`webhook-id`).
    pub announcement_id: String,
    /// The name of its kind.
    pub event: String,
    /// When it happened.
    pub created_at: DateTime<Utc>,
    /// When it was given up.
    pub given_up_at: DateTime<Utc>,
    /// Attempts that were made.
    pub attempts: i32,
    /// Why the last one failed.
    pub reason: String,
}

/// Sets where a system is told, and of what, with a fresh breaker. Answers by what the signatures are checked when the
/// webhook is new; else that stays (`rotate` changes it).
///
/// # Errors
/// `NotFound` for an unknown system, `NotAllowed` for one of administration, `Malformed` for an address that the hub does
/// not call, `Store`.
pub async fn set(hub: &Hub, by: &By, system: &str, entry: WebhookEntry) -> Result<Option<Proof>, ExchangeError> {
    check_url(hub, EndpointKind::Events, &entry.url)?;
    let id = EndpointId::events(system);
    let (sealed, proof) = new_secret(hub, &id, entry.scheme)?;
    let standard = u16::try_from(hub.config.events.in_flight_per_webhook_max).unwrap_or(u16::MAX);
    let in_flight_max = i32::from(entry.in_flight_max.unwrap_or(standard).max(1));
    let (act, asked, is_own) = (Act::new(hub, by), id.clone(), is_own(by, system));
    let set = hub.store.write(move |tx| {
        match systems::find(tx, &asked.holder)?.map(|system| system.role) {
            Some(Role::Exchange) => {}
            Some(Role::Administration | Role::Hub) => return Ok(Err(no_documents())),
            None => return Ok(Err(ExchangeError::NotFound)),
        }
        let before = endpoints::find(tx, &asked.to_string())?;
        let is_new = before.is_none();
        // What an operator paused, the system cannot set going again.
        let pause = before.as_ref().filter(|row| is_own && row.state == "paused").map(|row| row.reason.clone());
        let new = NewEndpoint {
            id: asked.clone(),
            url: entry.url.clone(),
            secrets: before.map_or_else(|| Secrets::only(sealed.clone()), |row| row.secrets()),
            confirms_itself: false,
            wants: wants(&entry.events),
            in_flight_max,
        };
        let facts = json!({ "url": new.url, "wants": new.wants });
        endpoints::set(tx, new, act.now)?;
        if let Some(reason) = &pause {
            endpoints::set_state(tx, &asked.to_string(), ("paused", reason), act.now)?;
        }
        note(tx, &act, "set", (&asked, facts))?;
        Ok(Ok(is_new))
    });
    let is_new = set.await??;
    hub.wake.notify_one();
    Ok(is_new.then_some(proof))
}

/// Whether a system acts on its own webhook, not an operator.
fn is_own(by: &By, system: &str) -> bool {
    *by == By::System(system.to_owned())
}

fn no_documents() -> ExchangeError {
    ExchangeError::NotAllowed(Wording::new(
        "Hệ thống quản trị và trục lân cận không giữ cơ quan nào nên không có gì để báo",
        "A system of administration or a neighbouring hub holds no agency: there is nothing to tell it",
    ))
}

/// Gives a webhook a new secret; the one before signs beside it for `events.secret_overlap_hours`.
///
/// # Errors
/// `NotFound` when the system has no webhook, `Store`.
pub async fn rotate(hub: &Hub, by: &By, system: &str, scheme: Scheme) -> Result<Proof, ExchangeError> {
    let id = EndpointId::events(system);
    let (sealed, proof) = new_secret(hub, &id, scheme)?;
    let act = Act::new(hub, by);
    let until = after_hours(act.now, hub.config.events.secret_overlap_hours);
    let rotated = hub.store.write(move |tx| {
        let Some(row) = endpoints::find(tx, &id.to_string())? else { return Ok(false) };
        let former = Some((row.secrets().sealed, until));
        endpoints::set_secrets(tx, &row, Secrets { sealed: sealed.clone(), former })?;
        note(tx, &act, "rotated", (&id, json!({})))?;
        Ok(true)
    });
    if rotated.await? { Ok(proof) } else { Err(ExchangeError::NotFound) }
}

/// Removes a webhook and everything that it was to be told.
///
/// # Errors
/// `NotFound` when the system has none, `Store`.
pub async fn remove(hub: &Hub, by: &By, system: &str) -> Result<(), ExchangeError> {
    let (act, id) = (Act::new(hub, by), EndpointId::events(system));
    let removed = hub.store.write(move |tx| {
        if !endpoints::remove(tx, &id)? {
            return Ok(false);
        }
        pushes::remove_of(tx, &id.to_string())?;
        announcements::remove_of(tx, &id.to_string())?;
        note(tx, &act, "removed", (&id, json!({})))?;
        Ok(true)
    });
    if removed.await? { Ok(()) } else { Err(ExchangeError::NotFound) }
}

/// Sends a webhook something to be tried with, one at a time. Answers the id under which it comes.
///
/// # Errors
/// `NotFound` when the system has none, `ComeAgain` while another trial waits, `Store`.
pub async fn test(hub: &Hub, by: &By, system: &str) -> Result<String, ExchangeError> {
    let (act, schedules) = (Act::new(hub, by), Arc::clone(&hub.schedules));
    let id = EndpointId::events(system);
    let put = hub.store.write(move |tx| {
        let endpoint_id = id.to_string();
        if endpoints::find(tx, &endpoint_id)?.is_none() {
            return Ok(Err(ExchangeError::NotFound));
        }
        if announcements::waits(tx, &endpoint_id, TEST)? {
            return Ok(Err(ExchangeError::ComeAgain { too_many: true }));
        }
        let moment = Moment { ids: act.ids, now: act.now, schedules: &schedules };
        let event_id = announce::test(tx, moment, (&endpoint_id, &id.holder))?;
        note(tx, &act, "tested", (&id, json!({ "event": event_id })))?;
        Ok(Ok(event_id))
    });
    let put = put.await?;
    hub.wake.notify_one();
    put
}

/// Tells a webhook again what it was told, or was not, since a time, under the ids of then; at most
/// `events.replay_max` events of a call. A system may ask so every `events.replay_pause_seconds`, an operator at any time.
/// Answers how many events wait again.
///
/// # Errors
/// `NotFound` when the system has no webhook, `ComeAgain` when it asked so before, `Store`.
pub async fn replay(hub: &Hub, by: &By, system: &str, replay: Replay) -> Result<usize, ExchangeError> {
    let (act, id, schedules) = (Act::new(hub, by), EndpointId::events(system), Arc::clone(&hub.schedules));
    let pause = i64::try_from(hub.config.events.replay_pause_seconds).unwrap_or(i64::MAX);
    let pause = TimeDelta::try_seconds(pause).unwrap_or(TimeDelta::MAX);
    let limit = rows(hub.config.events.replay_max);
    let is_own = is_own(by, system);
    let told = hub.store.write(move |tx| {
        let endpoint_id = id.to_string();
        let Some(row) = endpoints::find(tx, &endpoint_id)? else { return Ok(Err(ExchangeError::NotFound)) };
        let too_soon = row.replayed_at().is_some_and(|at| act.now.signed_duration_since(at) < pause);
        if is_own && too_soon {
            return Ok(Err(ExchangeError::ComeAgain { too_many: true }));
        }
        let only = replay.only_given_up.then_some(Ending::GivenUp);
        let again = announcements::ended(tx, &endpoint_id, (replay.from, only), limit)?;
        let ids: Vec<&str> = again.iter().map(|row| row.announcement_id.as_str()).collect();
        announcements::begin_again(tx, &ids, act.now)?;
        let moment = Moment { ids: act.ids, now: act.now, schedules: &schedules };
        announce::put_in_line(tx, &again, moment)?;
        endpoints::note_replay(tx, &row, act.now)?;
        note(tx, &act, "replayed", (&id, json!({ "events": again.len() })))?;
        Ok(Ok(again.len()))
    });
    let told = told.await?;
    hub.wake.notify_one();
    told
}

/// Events that were given up for a webhook, the first one first.
///
/// # Errors
/// `NotFound` for an unknown system, `Store`.
pub async fn given_up(
    hub: &Hub,
    system: &str,
    (after, limit): (String, usize),
) -> Result<Vec<GivenUpLine>, ExchangeError> {
    let endpoint_id = EndpointId::events(system).to_string();
    let limit = rows(limit.min(hub.config.lists.page_max));
    let system = system.to_owned();
    let found = hub.store.read(move |tx| match systems::find(tx, &system)? {
        Some(_) => announcements::given_up(tx, &endpoint_id, (&after, limit)).map(Some),
        None => Ok(None),
    });
    let found = found.await?.ok_or(ExchangeError::NotFound)?;
    let line = |row: AnnouncementRow| GivenUpLine {
        created_at: row.created_at(),
        given_up_at: row.changed_at(),
        announcement_id: row.announcement_id,
        event: row.event,
        attempts: row.attempts,
        reason: row.reason,
    };
    Ok(found.into_iter().map(line).collect())
}

fn after_hours(now: DateTime<Utc>, hours: u64) -> DateTime<Utc> {
    let later = i64::try_from(hours).ok().and_then(TimeDelta::try_hours).unwrap_or_default();
    now.checked_add_signed(later).unwrap_or(now)
}

/// Removes announcements that ended `events.kept_days` ago. Answers how many went.
///
/// # Errors
/// `Store`.
pub async fn forget_ended(hub: &Hub) -> Result<usize, ExchangeError> {
    let age = i64::try_from(hub.config.events.kept_days).ok().and_then(TimeDelta::try_days);
    let Some(before) = age.and_then(|age| hub.clock.now().checked_sub_signed(age)) else { return Ok(0) };
    let mut removed: usize = 0;
    loop {
        match hub.store.write(move |tx| announcements::remove_ended(tx, before, FORGOTTEN_AT_ONCE)).await? {
            0 => return Ok(removed),
            some => removed = removed.saturating_add(some),
        }
    }
}

/// Announcements removed in one transaction.
const FORGOTTEN_AT_ONCE: i64 = 1000;
