//! Warrants (quyết định kiểm tra): what an auditor may see, of whom, of which days, until when (ADR 0030). An administrator
//! issues and revokes them, each with evidence; without one that holds now, an auditor sees nothing. What a warrant says is
//! looked up with every request, so that its end is the end of what is open.

use super::act::{Act, By};
use super::bulletins::canonical;
use super::sessions::Person;
use super::{ExchangeError, rows};
use crate::domain::dates::beginning;
use crate::domain::directory::folded;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::domain::user::{self, UserRole};
use crate::hub::Hub;
use crate::store::warrants as store;
pub use crate::store::warrants::WarrantRow;
use crate::store::{Connection, StoreError, users};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::json;

/// Longest number of a decision and longest purpose, in characters.
const NUMBER_CHARS_MAX: usize = 100;
const PURPOSE_CHARS_MAX: usize = 1000;
/// Agencies that one warrant may name; more are every one.
const AGENCIES_MAX: usize = 500;
/// Warrants that a list shows.
const LISTED: usize = 200;

/// A warrant with its agencies.
#[derive(Debug, Clone)]
pub struct Warrant {
    /// What is kept of it.
    pub row: WarrantRow,
    /// The agencies that it is for, unless it is for every one.
    pub agencies: Vec<String>,
}

impl Warrant {
    /// Its documents: accepted from then until before then.
    pub fn documents(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        let after = day(&self.row.documents_until)?.checked_add_days(Days::new(1))?;
        Some((beginning(day(&self.row.documents_from)?)?, beginning(after)?))
    }
}

/// A warrant as somebody writes it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The auditor, by login.
    pub login: String,
    /// Number and notation of the decision.
    pub number: String,
    /// The day of the decision.
    pub decided_on: NaiveDate,
    /// What it is for.
    pub purpose: String,
    /// Codes or aliases of agencies; none: every agency, if that is said.
    pub agencies: Vec<String>,
    /// Whether it is for every agency.
    pub every_agency: bool,
    /// Whether the content of documents may be opened.
    pub content: bool,
    /// First and last day of the documents.
    pub documents: (NaiveDate, NaiveDate),
    /// First day on which it holds; today without one.
    pub from: Option<NaiveDate>,
    /// Last day on which it holds.
    pub until: NaiveDate,
}

/// A warrant as administrators look at it.
#[derive(Debug, Clone)]
pub struct WarrantLine {
    /// The warrant.
    pub warrant: Warrant,
    /// Name of the auditor.
    pub holder: String,
    /// Who issued it.
    pub issuer: String,
}

fn malformed(vi: impl Into<String>, en: impl Into<String>) -> ExchangeError {
    ExchangeError::Malformed(Wording::new(vi, en))
}

/// The warrant of a user that holds now.
pub(super) fn in_force(tx: &mut Connection, user_id: &str, now: DateTime<Utc>) -> Result<Option<Warrant>, StoreError> {
    // The end is open: a moment has to be a span to be within one.
    let moment = (now, now.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(now));
    let Some(row) = store::within(tx, user_id, moment)?.into_iter().next() else { return Ok(None) };
    let agencies = store::agencies_of(tx, &[&row.warrant_id])?.remove(&row.warrant_id).unwrap_or_default();
    Ok(Some(Warrant { row, agencies }))
}

/// What is wrong with a draft by itself; else from when until when it holds.
fn checked(draft: &Draft, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>), ExchangeError> {
    let is_text = |text: &str, most| (1..=most).contains(&text.trim().chars().count()) && !text.contains('\0');
    if !is_text(&draft.number, NUMBER_CHARS_MAX) || !is_text(&draft.purpose, PURPOSE_CHARS_MAX) {
        return Err(malformed(
            "Cần số quyết định (không quá 100 ký tự) và mục đích (không quá 1.000 ký tự)",
            "The number of the decision (at most 100 characters) and a purpose (at most 1,000) are needed",
        ));
    }
    if draft.every_agency != draft.agencies.is_empty() || draft.agencies.len() > AGENCIES_MAX {
        return Err(malformed(
            "Hãy nêu các cơ quan (nhiều nhất 500), hoặc chọn mọi cơ quan; không cả hai",
            "Name agencies (at most 500), or every agency; not both",
        ));
    }
    let from = draft.from.and_then(beginning).unwrap_or(now);
    let until = draft.until.checked_add_days(Days::new(1)).and_then(beginning);
    let until = until.filter(|until| *until > from.max(now));
    match until.filter(|_| draft.documents.0 <= draft.documents.1) {
        Some(until) => Ok((from, until)),
        None => Err(malformed(
            "Ngày cuối phải không trước ngày đầu, và quyết định phải còn hiệu lực",
            "Last days must not be before first ones, and the warrant must not be over",
        )),
    }
}

/// Issues a warrant.
///
/// # Errors
/// `NotFound` when there is no such person; `Malformed` when it is no auditor, or days, texts or agencies cannot be used;
/// `Exists` when it has a warrant for some of that time; `Store`.
pub async fn issue(hub: &Hub, by: &By, draft: Draft) -> Result<WarrantRow, ExchangeError> {
    let act = Act::new(hub, by);
    let (from, until) = checked(&draft, act.now)?;
    let named: Vec<String> = draft.agencies.iter().map(|code| folded(code)).collect();
    let warrant_id = hub.ids.next();
    let issued = hub.store.write(move |tx| {
        let login = user::login(&draft.login).unwrap_or_default();
        let Some(holder) = users::find_by_login(tx, &login)? else { return Ok(Err(ExchangeError::NotFound)) };
        // One at a time, whichever node issues.
        let Some(holder) = users::find_to_change(tx, &holder.user_id)? else { return Ok(Err(ExchangeError::NotFound)) };
        // Whoever issues warrants administers, and is no auditor: nobody has one of its own making.
        if holder.role != UserRole::Auditor {
            return Ok(Err(malformed(
                "Chỉ người có vai trò kiểm tra cần quyết định kiểm tra",
                "Only auditors are given warrants",
            )));
        }
        if !store::within(tx, &holder.user_id, (from, until))?.is_empty() {
            return Ok(Err(ExchangeError::Exists(Wording::new(
                "Người này đã có quyết định trong thời gian đó; hãy thu hồi trước",
                "There is a warrant for some of that time; revoke it first",
            ))));
        }
        let codes = match canonical(tx, &named)? {
            Ok(codes) => codes,
            Err(code) => {
                return Ok(Err(malformed(format!("Không có cơ quan {code}"), format!("There is no agency {code}"))));
            }
        };
        let row = WarrantRow {
            warrant_id: warrant_id.clone(),
            user_id: holder.user_id,
            number: draft.number.trim().to_owned(),
            decided_on: draft.decided_on.to_string(),
            purpose: draft.purpose.trim().to_owned(),
            every_agency: draft.every_agency,
            content: draft.content,
            documents_from: draft.documents.0.to_string(),
            documents_until: draft.documents.1.to_string(),
            from_at: from.naive_utc(),
            until_at: until.naive_utc(),
            issued_by: act.by.who().to_owned(),
            issued_at: act.now.naive_utc(),
            revoked_at: None,
        };
        store::insert(tx, &row, &codes)?;
        note(tx, &act, "issued", (&row, codes))?;
        Ok(Ok(row))
    });
    issued.await?
}

fn note(
    tx: &mut Connection,
    act: &Act,
    what: &str,
    (row, agencies): (&WarrantRow, Vec<String>),
) -> Result<(), StoreError> {
    let facts = json!({
        "warrant": row.warrant_id, "user_id": row.user_id, "number": row.number, "decided_on": row.decided_on,
        "purpose": row.purpose, "every_agency": row.every_agency, "agencies": agencies, "content": row.content,
        "documents_from": row.documents_from, "documents_until": row.documents_until,
        "from": crate::domain::dates::for_machines(row.from_at()),
        "until": crate::domain::dates::for_machines(row.until_at()),
    });
    act.note(tx, (EvidenceEvent::WarrantChanged, what), None, facts)
}

/// Revokes a warrant: from then on its auditor sees nothing by it. Saying it twice changes nothing more.
///
/// # Errors
/// `NotFound`; `Store`.
pub async fn revoke(hub: &Hub, by: &By, warrant_id: &str) -> Result<(), ExchangeError> {
    let (act, id) = (Act::new(hub, by), warrant_id.to_owned());
    let revoked = hub.store.write(move |tx| {
        if let Some(row) = store::revoke(tx, &id, act.now)? {
            let agencies = store::agencies_of(tx, &[&id])?.remove(&id).unwrap_or_default();
            note(tx, &act, "revoked", (&row, agencies))?;
            return Ok(true);
        }
        Ok(store::find(tx, &id)?.is_some())
    });
    if revoked.await? { Ok(()) } else { Err(ExchangeError::NotFound) }
}

/// The newest warrants, for whoever has the machine.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub) -> Result<Vec<WarrantLine>, ExchangeError> {
    let lines = hub.store.read(|tx| {
        let found = store::newest(tx, rows(LISTED))?;
        let ids: Vec<&str> = found.iter().map(|row| row.warrant_id.as_str()).collect();
        let people: Vec<&str> = found.iter().flat_map(|row| [row.user_id.as_str(), row.issued_by.as_str()]).collect();
        let (mut agencies, names) = (store::agencies_of(tx, &ids)?, users::names(tx, &people)?);
        let name = |id: &String| names.get(id).cloned().unwrap_or_else(|| id.clone());
        let line = |row: WarrantRow| WarrantLine {
            holder: name(&row.user_id),
            issuer: name(&row.issued_by),
            warrant: Warrant { agencies: agencies.remove(&row.warrant_id).unwrap_or_default(), row },
        };
        Ok(found.into_iter().map(line).collect())
    });
    Ok(lines.await?)
}

/// The newest warrants, and the auditors who can be given one, by login and name; for administrators.
///
/// # Errors
/// `NotFound` for others; `Store`.
pub async fn listed(hub: &Hub, person: &Person) -> Result<(Vec<WarrantLine>, Vec<(String, String)>), ExchangeError> {
    person.administers()?;
    let auditors = hub.store.read(|tx| {
        let all = users::list(tx)?.into_iter();
        let auditors = all.filter(|user| user.role == UserRole::Auditor && user.suspended_at.is_none());
        Ok(auditors.map(|user| (user.login, user.name)).collect())
    });
    Ok((list(hub).await?, auditors.await?))
}

/// The names of those who issue warrants.
///
/// # Errors
/// `Store`.
pub async fn issuers(hub: &Hub) -> Result<Vec<String>, ExchangeError> {
    let names = hub.store.read(|tx| {
        let all = users::list(tx)?.into_iter();
        let issuers = all.filter(|user| user.role.makes_users() && user.suspended_at.is_none());
        Ok(issuers.map(|user| user.name).collect())
    });
    Ok(names.await?)
}

/// Issues a warrant, by an administrator.
///
/// # Errors
/// `NotFound` for others; as `issue`.
pub async fn issue_by(hub: &Hub, person: &Person, draft: Draft) -> Result<WarrantRow, ExchangeError> {
    person.administers()?;
    issue(hub, &person.by(), draft).await
}

/// Revokes a warrant, by an administrator.
///
/// # Errors
/// `NotFound` for others; as `revoke`.
pub async fn revoke_by(hub: &Hub, person: &Person, warrant_id: &str) -> Result<(), ExchangeError> {
    person.administers()?;
    revoke(hub, &person.by(), warrant_id).await
}
