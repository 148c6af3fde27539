//! Legal holds: what must stay because of a proceeding, an inspection or a complaint, placed and lifted with a reason. One person
//! may do either: a hold only keeps, and to lift one destroys nothing before two people decide (ADR 0031).

use super::act::{Act, By};
use super::sessions::Person;
use super::undertakings::{called, reason as reason_of};
use super::{ExchangeError, rows};
use crate::domain::directory::folded;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::retention::Scope;
use crate::domain::rules::Wording;
use crate::hub::Hub;
pub use crate::store::holds::HoldRow;
use crate::store::{Connection, StoreError, agencies, holds, purges, users};
use serde_json::json;

/// A hold as people look at it.
#[derive(Debug, Clone)]
pub struct HoldLine {
    /// What is kept of it.
    pub row: HoldRow,
    /// What it holds.
    pub scope: Scope,
    /// Who placed it, by name.
    pub placed_by: String,
    /// Who lifted it, by name.
    pub lifted_by: Option<String>,
}

/// Where a page of holds begins: those in force come first, then those that were lifted, each the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldKey {
    is_lifted: bool,
    /// The last one of the page before; empty: from the newest on.
    before: String,
}

/// With what the key of a hold that was lifted begins.
const LIFTED: &str = "lifted-";

impl HoldKey {
    /// The key that a text is; nothing for what this hub never gave.
    pub fn of_text(text: &str) -> Option<Self> {
        let (lifted, before) = (text.strip_prefix(LIFTED), text.strip_prefix(LIFTED).unwrap_or(text));
        let is_id = before.bytes().all(|sign| sign.is_ascii_hexdigit());
        is_id.then(|| Self { is_lifted: lifted.is_some(), before: before.to_owned() })
    }

    fn of(row: &HoldRow) -> Self {
        Self { is_lifted: row.lifted_at().is_some(), before: row.hold_id.clone() }
    }

    /// The same as a text.
    pub fn text(&self) -> String {
        format!("{}{}", if self.is_lifted { LIFTED } else { "" }, self.before)
    }
}

/// A page of holds.
#[derive(Debug, Clone)]
pub struct HoldPage {
    /// The holds.
    pub lines: Vec<HoldLine>,
    /// Where the next page begins; nothing on the last.
    pub next: Option<HoldKey>,
}

/// A scope with its agency by code; a document whose name is blank is none.
///
/// # Errors
/// `Malformed` for an unknown agency or days in the wrong order; `Store`.
pub(super) async fn resolved(hub: &Hub, scope: Scope) -> Result<Scope, ExchangeError> {
    let malformed = |vi: &str, en: &str| ExchangeError::Malformed(Wording::new(vi, en));
    if scope.from.zip(scope.until).is_some_and(|(from, until)| from > until) {
        return Err(malformed("từ ngày không được sau đến ngày", "the first day is after the last one"));
    }
    let document_id = scope.document_id.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
    let scope = Scope { document_id, ..scope };
    let Some(name) = scope.agency.clone() else { return Ok(scope) };
    let found = hub.store.read(move |tx| agencies::find_by_alias(tx, &folded(&name))).await?;
    let agency = found.ok_or_else(|| malformed("không có cơ quan này", "there is no such agency"))?;
    Ok(Scope { agency: Some(agency.code.0), ..scope })
}

/// Places a hold. Answers its id.
///
/// # Errors
/// `Malformed` when nothing in particular is to be held, for a document that nobody sent, or without a reason; `Store`.
pub async fn place(hub: &Hub, by: &By, scope: Scope, reason: &str) -> Result<String, ExchangeError> {
    let (reason, scope) = (reason_of(reason)?, resolved(hub, scope).await?);
    if scope.is_everything() {
        return Err(ExchangeError::Malformed(Wording::new(
            "Hãy nêu cơ quan, văn bản hoặc thời gian cần giữ",
            "Name the agency, the document or the period to be held",
        )));
    }
    let (act, hold_id, name) = (Act::new(hub, by), hub.ids.next(), by.who().to_owned());
    let placed = hub.store.write(move |tx| {
        // A slip in it would let go what somebody means to keep.
        if let Some(document_id) = &scope.document_id
            && !holds::knows_document(tx, document_id)?
        {
            return Ok(None);
        }
        // What is being destroyed at this moment is destroyed before; what is destroyed later sees this hold.
        purges::stand_still(tx)?;
        let row = HoldRow::new(hold_id.clone(), &scope, (name.clone(), reason.clone()), act.now);
        holds::insert(tx, &row)?;
        let facts = json!({ "hold_id": hold_id, "scope": scope, "reason": reason });
        act.note(tx, (EvidenceEvent::LegalHoldChanged, "placed"), scope.agency.as_deref(), facts)?;
        Ok(Some(hold_id.clone()))
    });
    placed.await?.ok_or_else(|| {
        ExchangeError::Malformed(Wording::new(
            "Trục không có văn bản nào mang mã này; hãy chép đúng mã văn bản (DocumentId), phân biệt chữ hoa, chữ thường",
            "The hub has no document of this identifier (DocumentId); copy it letter by letter, case included",
        ))
    })
}

/// Lifts a hold.
///
/// # Errors
/// `NotFound`; `Malformed` without a reason; `Exists` when it was lifted before; `Store`.
pub async fn lift(hub: &Hub, by: &By, hold_id: &str, reason: &str) -> Result<(), ExchangeError> {
    let reason = reason_of(reason)?;
    let (act, id, name) = (Act::new(hub, by), hold_id.to_owned(), by.who().to_owned());
    let lifted = hub.store.write(move |tx| {
        let Some(row) = holds::find(tx, &id)? else { return Ok(Err(ExchangeError::NotFound)) };
        if !holds::lift(tx, &id, (&name, &reason), act.now)? {
            return Ok(Err(ExchangeError::Exists(Wording::new("Lệnh giữ này đã được dỡ", "It was lifted before"))));
        }
        let scope = row.scope()?;
        let facts = json!({ "hold_id": id, "scope": scope, "reason": reason });
        act.note(tx, (EvidenceEvent::LegalHoldChanged, "lifted"), scope.agency.as_deref(), facts).map(Ok)
    });
    lifted.await?
}

/// A page of holds.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub, from: HoldKey, limit: usize) -> Result<HoldPage, ExchangeError> {
    let page = hub.store.read(move |tx| {
        let mut found = holds::list_before(tx, (from.is_lifted, &from.before), rows(limit))?;
        let left = limit.saturating_sub(found.len());
        if left > 0 && !from.is_lifted {
            found.extend(holds::list_before(tx, (true, ""), rows(left))?);
        }
        let next = found.last().filter(|_| found.len() >= limit).map(HoldKey::of);
        Ok(HoldPage { lines: lines(tx, found)?, next })
    });
    Ok(page.await?)
}

fn lines(tx: &mut Connection, rows: Vec<HoldRow>) -> Result<Vec<HoldLine>, StoreError> {
    let ids = rows.iter().flat_map(|row| row.lifted_by.as_deref().into_iter().chain([row.placed_by.as_str()]));
    let names = users::names(tx, &ids.collect::<Vec<_>>())?;
    let line = |row: HoldRow| {
        let (placed_by, lifted_by) =
            (called(&names, &row.placed_by), row.lifted_by.as_ref().map(|by| called(&names, by)));
        Ok(HoldLine { scope: row.scope()?, placed_by, lifted_by, row })
    };
    rows.into_iter().map(line).collect()
}

/// Places a hold for a person.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; those of `place`.
pub async fn place_for(hub: &Hub, person: &Person, scope: Scope, reason: &str) -> Result<String, ExchangeError> {
    person.runs_the_hub()?;
    place(hub, &person.by(), scope, reason).await
}

/// Lifts a hold for a person.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; those of `lift`.
pub async fn lift_for(hub: &Hub, person: &Person, hold_id: &str, reason: &str) -> Result<(), ExchangeError> {
    person.runs_the_hub()?;
    lift(hub, &person.by(), hold_id, reason).await
}

/// A page of holds for a person.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; `Store`.
pub async fn list_for(hub: &Hub, person: &Person, from: HoldKey) -> Result<HoldPage, ExchangeError> {
    person.runs_the_hub()?;
    list(hub, from, hub.config.portal.rows_max).await
}
