//! Bulletins (thông báo trong cổng): operators tell agencies what they should know, such as an outage or an upgrade, for a
//! time. Each is evidence. Not here: mail (`notify`).

use super::act::Act;
use super::sessions::Person;
use super::{ExchangeError, rows};
use crate::domain::dates::{VIETNAM, for_machines};
use crate::domain::directory::folded;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::hub::Hub;
use crate::store::bulletins::{self as store, BulletinRow};
use crate::store::{Connection, StoreError, agencies, users};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::json;

/// Longest text, in characters.
const TEXT_CHARS_MAX: usize = 2000;
/// Agencies that one bulletin may name.
const AGENCIES_MAX: usize = 500;
/// Bulletins that a list shows.
const LISTED: usize = 50;

/// A bulletin as somebody writes it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it says.
    pub text: String,
    /// From when, `yyyy-MM-ddTHH:mm` in Vietnam; at once when empty.
    pub from: String,
    /// Until when, likewise.
    pub until: String,
    /// Codes or aliases of agencies, divided by spaces or commas; none: all.
    pub agencies: String,
}

/// A bulletin as operators look at it.
#[derive(Debug, Clone)]
pub struct BulletinLine {
    /// What is kept of it.
    pub row: BulletinRow,
    /// For whom; for all when empty.
    pub agencies: Vec<String>,
    /// Who published it.
    pub publisher: String,
}

fn malformed(vi: impl Into<String>, en: impl Into<String>) -> ExchangeError {
    ExchangeError::Malformed(Wording::new(vi, en))
}

fn instant(text: &str) -> Result<DateTime<Utc>, ExchangeError> {
    let local = NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%dT%H:%M").ok();
    let zoned = local.and_then(|local| local.and_local_timezone(VIETNAM).single());
    let bad = || {
        malformed(
            "Thời gian không đọc được; ví dụ 2026-11-22T18:00",
            "A time cannot be read; write it like 2026-11-22T18:00",
        )
    };
    zoned.map(|at| at.with_timezone(&Utc)).ok_or_else(bad)
}

/// Publishes a bulletin.
///
/// # Errors
/// `NotFound` for a person who does not look after the hub; `Malformed` for a text, a period or an agency that cannot be
/// used; `Store`.
pub async fn publish(hub: &Hub, person: &Person, draft: Draft) -> Result<(), ExchangeError> {
    person.runs_the_hub()?;
    let act = Act::new(hub, &person.by());
    let text = draft.text.trim().to_owned();
    if text.is_empty() || text.chars().count() > TEXT_CHARS_MAX {
        return Err(malformed(
            "Hãy viết thông báo, nhiều nhất 2.000 ký tự",
            "Write the bulletin, in at most 2,000 characters",
        ));
    }
    let from = if draft.from.trim().is_empty() { act.now } else { instant(&draft.from)? };
    let until = instant(&draft.until)?;
    if until <= from.max(act.now) {
        return Err(malformed(
            "Thời điểm kết thúc phải sau lúc bắt đầu và sau bây giờ",
            "It must end after it begins and after now",
        ));
    }
    let named = draft.agencies.split(|sign: char| sign.is_whitespace() || ",;".contains(sign));
    let named: Vec<String> = named.filter(|code| !code.is_empty()).map(folded).collect();
    if named.len() > AGENCIES_MAX {
        return Err(malformed("Nhiều nhất 500 cơ quan; để trống là tất cả", "At most 500 agencies; none means all"));
    }
    let (id, user_id) = (hub.ids.next(), person.user_id.clone());
    let published = hub.store.write(move |tx| {
        let codes = match canonical(tx, &named)? {
            Ok(codes) => codes,
            Err(unknown) => return Ok(Err(unknown)),
        };
        let row = BulletinRow::new((id.clone(), text.clone(), user_id.clone()), (from, until), act.now);
        store::insert(tx, &row, &codes)?;
        let facts = json!({
            "bulletin_id": id, "text": text, "from": for_machines(from), "until": for_machines(until), "agencies": codes,
        });
        act.note(tx, (EvidenceEvent::BulletinChanged, "published"), None, facts)?;
        Ok(Ok(()))
    });
    let unknown = |code: String| malformed(format!("Không có cơ quan {code}"), format!("There is no agency {code}"));
    published.await?.map_err(unknown)
}

/// The codes under which these are registered, each once; or the first that nobody has.
pub(super) fn canonical(tx: &mut Connection, named: &[String]) -> Result<Result<Vec<String>, String>, StoreError> {
    let mut codes = Vec::new();
    for name in named {
        match agencies::find_by_alias(tx, name)? {
            Some(agency) if codes.contains(&agency.code.0) => {}
            Some(agency) => codes.push(agency.code.0),
            None => return Ok(Err(name.clone())),
        }
    }
    Ok(Ok(codes))
}

/// Takes a bulletin back. Saying it twice changes nothing more.
///
/// # Errors
/// `NotFound` for a person who does not look after the hub; `Store`.
pub async fn withdraw(hub: &Hub, person: &Person, bulletin_id: &str) -> Result<(), ExchangeError> {
    person.runs_the_hub()?;
    let (act, id) = (Act::new(hub, &person.by()), bulletin_id.to_owned());
    let withdrawn = hub.store.write(move |tx| {
        if store::withdraw(tx, &id, act.now)? {
            act.note(tx, (EvidenceEvent::BulletinChanged, "withdrawn"), None, json!({ "bulletin_id": id }))?;
        }
        Ok(())
    });
    Ok(withdrawn.await?)
}

/// The newest bulletins.
///
/// # Errors
/// `NotFound` for a person who does not look after the hub; `Store`.
pub async fn list(hub: &Hub, person: &Person) -> Result<Vec<BulletinLine>, ExchangeError> {
    person.runs_the_hub()?;
    let lines = hub.store.read(|tx| {
        let found = store::newest(tx, rows(LISTED))?;
        let ids: Vec<&str> = found.iter().map(|row| row.bulletin_id.as_str()).collect();
        let people: Vec<&str> = found.iter().map(|row| row.published_by.as_str()).collect();
        let (mut agencies, names) = (store::agencies_of(tx, &ids)?, users::names(tx, &people)?);
        let line = |row: BulletinRow| BulletinLine {
            agencies: agencies.remove(&row.bulletin_id).unwrap_or_default(),
            publisher: names.get(&row.published_by).cloned().unwrap_or_default(),
            row,
        };
        Ok(found.into_iter().map(line).collect())
    });
    Ok(lines.await?)
}

/// What a person is told now: who looks after the hub all of it, others what is for all or for an agency of theirs.
///
/// # Errors
/// `Store`.
pub async fn told(hub: &Hub, person: &Person) -> Result<Vec<String>, ExchangeError> {
    let (now, person) = (hub.clock.now(), person.clone());
    let told = hub.store.read(move |tx| {
        let found = store::in_force(tx, now)?;
        let ids: Vec<&str> = found.iter().map(|row| row.bulletin_id.as_str()).collect();
        let agencies = store::agencies_of(tx, &ids)?;
        let is_meant = |row: &BulletinRow| {
            agencies.get(&row.bulletin_id).is_none_or(|codes| codes.iter().any(|code| person.may_see(code)))
        };
        Ok(found.into_iter().filter(is_meant).map(|row| row.text).collect())
    });
    Ok(told.await?)
}
