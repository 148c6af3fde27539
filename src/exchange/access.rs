//! Access is evidence (ADR 0030): who took a table, a slip or a proof out, and all that an auditor looks at and asks. Each piece
//! stands in the access log too, under every agency concerned, where auditors read it as far as their warrant goes. What was
//! asked is kept without what may name a person. Not here: content, whose opening is evidence by itself (`open`).

use super::act::{Act, By};
use super::sessions::Person;
use super::transfers::LogPage;
use super::viewer::Viewer;
use super::{ExchangeError, rows};
use crate::domain::dates::beginning;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::user;
use crate::hub::Hub;
use crate::store::accesses::{self, AccessRow, Part, WHOLE};
use crate::store::envelopes::EnvelopeRow;
use crate::store::{Connection, StoreError, deliveries, envelopes, evidence, statements, users, warrants};
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Longest text of a question that is kept, in characters.
const ASKS_CHARS_MAX: usize = 500;
/// As many digits in a word may be the number of a person or a telephone.
const DIGITS_MAX: usize = 8;

/// What somebody looks at or takes out.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// What is done, as a word.
    pub act: &'static str,
    /// The agencies whose data it is; none: no agency's in particular.
    pub agencies: Vec<String>,
    /// The document, where it is one: its envelope, and when that was accepted.
    pub document: Option<(String, DateTime<Utc>)>,
    /// What was asked.
    pub asks: String,
    /// Further facts, an object.
    pub facts: Value,
}

/// Text of a question without what may name a person: addresses of mail, long numbers.
fn masked(text: &str) -> String {
    let is_id = |word: &str| word.len() == 32 && word.chars().all(|sign| sign.is_ascii_hexdigit());
    let has_digits = |word: &str| word.chars().filter(char::is_ascii_digit).count() > DIGITS_MAX;
    let is_personal = |word: &str| word.contains('@') || (has_digits(word) && !is_id(word));
    let words = text.split(' ').map(|word| if is_personal(word) { "***" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(ASKS_CHARS_MAX).collect()
}

/// Leaves the evidence of an access, under that id, and its rows in the log.
pub(super) fn note(tx: &mut Connection, act: &Act, evidence_id: &str, access: &Access) -> Result<(), StoreError> {
    let asks = masked(&access.asks);
    let mut facts = Map::new();
    let document = access.document.as_ref().map(|(envelope_id, _)| envelope_id.as_str());
    for (name, value) in [("document", document), ("asks", Some(asks.as_str()))] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.insert(name.to_owned(), value.into());
        }
    }
    facts.insert("agencies".to_owned(), json!(access.agencies));
    if let Value::Object(further) = &access.facts {
        facts.extend(further.clone());
    }
    let agency = match access.agencies.as_slice() {
        [one] => Some(one.as_str()),
        _ => None,
    };
    act.note_under(tx, evidence_id, (EvidenceEvent::DataAccessed, access.act), (agency, facts.into()))?;
    list(tx, act, evidence_id, access)
}

/// Puts an access into the log whose evidence is left by itself.
pub(super) fn list(tx: &mut Connection, act: &Act, evidence_id: &str, access: &Access) -> Result<(), StoreError> {
    let said = (act.by.who().to_owned(), access.act.to_owned(), masked(&access.asks));
    let under = (access.document.clone(), act.by.warrant_id().map(str::to_owned));
    accesses::insert(tx, AccessRow::new((evidence_id.to_owned(), act.now), said, under), &access.agencies)
}

/// Leaves the evidence of what a person looks at, before it is shown.
///
/// # Errors
/// `Store`.
pub async fn looked(hub: &Hub, person: &Person, access: Access) -> Result<(), ExchangeError> {
    let (act, id) = (Act::new(hub, &person.by()), hub.ids.next());
    Ok(hub.store.write(move |tx| note(tx, &act, &id, &access)).await?)
}

/// The same of a document, by its id or that of a delivery or a piece of evidence of it, or of a statement.
///
/// # Errors
/// `Store`.
pub async fn looked_at(hub: &Hub, person: &Person, act: &'static str, id: &str) -> Result<(), ExchangeError> {
    let (viewer, asked) = (Viewer::of(person), id.to_owned());
    let access = hub.store.read(move |tx| access_to(tx, &viewer, act, &asked)).await?;
    looked(hub, person, access).await
}

/// The same by whoever has the machine.
///
/// # Errors
/// `Store`.
pub async fn by_operator(hub: &Hub, act: &'static str, id: &str) -> Result<(), ExchangeError> {
    let (by, asked, evidence_id) = (Act::new(hub, &By::Operator), id.to_owned(), hub.ids.next());
    let noted = hub.store.write(move |tx| {
        let access = access_to(tx, &Viewer::Hub, act, &asked)?;
        note(tx, &by, &evidence_id, &access)
    });
    Ok(noted.await?)
}

fn access_to(tx: &mut Connection, viewer: &Viewer, act: &'static str, id: &str) -> Result<Access, StoreError> {
    let mut access = Access { act, asks: id.to_owned(), ..Access::default() };
    if let Some(of) = statements::find(tx, id)? {
        access.agencies = vec![of.sender_code, of.recipient_code];
    } else if let Some(envelope) = envelope_of(tx, id)? {
        let rows = viewer.deliveries_of(tx, &envelope.envelope_id)?;
        access.agencies = rows.into_iter().map(|row| row.recipient_code).collect();
        access.document = Some((envelope.envelope_id, envelope.accepted_at.and_utc()));
        access.agencies.push(envelope.sender_code);
    }
    let mut seen = Vec::new();
    for code in std::mem::take(&mut access.agencies) {
        if viewer.holds(tx, &code)? && !seen.contains(&code) {
            seen.push(code);
        }
    }
    Ok(Access { agencies: seen, ..access })
}

/// The envelope that an id is of: its own, that of a delivery, or that of a piece of evidence of either.
fn envelope_of(tx: &mut Connection, id: &str) -> Result<Option<EnvelopeRow>, StoreError> {
    let of_evidence = evidence::find(tx, id)?;
    let (delivery_id, envelope_id) = match &of_evidence {
        Some(row) => (row.delivery_id.as_deref(), row.envelope_id.as_deref()),
        None => (Some(id), Some(id)),
    };
    let delivery = match delivery_id {
        Some(delivery_id) => deliveries::find(tx, delivery_id)?,
        None => None,
    };
    match delivery.as_ref().map(|row| row.envelope_id.as_str()).or(envelope_id) {
        Some(envelope_id) => envelopes::find(tx, envelope_id),
        None => Ok(None),
    }
}

/// Whether what an id is of is in the period of a person's warrant, where it has one.
///
/// # Errors
/// `NotFound` when it is not; `Store`.
pub(super) async fn covered(hub: &Hub, person: &Person, id: &str) -> Result<(), ExchangeError> {
    if person.warrant.is_none() {
        return Ok(());
    }
    let (asking, id) = (person.clone(), id.to_owned());
    let is_covered = hub.store.read(move |tx| {
        if let Some(of) = statements::find(tx, &id)? {
            return Ok(asking.covers_day(&of.day));
        }
        Ok(envelope_of(tx, &id)?.is_some_and(|envelope| asking.covers(envelope.accepted_at.and_utc())))
    });
    if is_covered.await? { Ok(()) } else { Err(ExchangeError::NotFound) }
}

/// Which accesses an auditor asks for.
#[derive(Debug, Clone, Default)]
pub struct AccessQuery {
    /// Those that concern this agency; empty: all of the warrant.
    pub agency: String,
    /// Those of the person of this login; empty: whoever's.
    pub login: String,
    /// Those of this kind; empty: whichever.
    pub act: String,
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub until: Option<NaiveDate>,
    /// After which the page begins; empty: at the newest.
    pub after: String,
    /// Most rows; 0: as a page has.
    pub rows: usize,
}

/// An access as it is read.
#[derive(Debug, Clone)]
pub struct AccessLine {
    /// The evidence of it.
    pub evidence_id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: the name of a person, a system, or `operator`.
    pub who: String,
    /// What was done, as a word.
    pub act: String,
    /// What was asked.
    pub about: String,
    /// The agency, where rows are of agencies.
    pub agency: String,
    /// The document: its envelope, and number and notation.
    pub document: Option<(String, String)>,
    /// Number of the decision under which it was done.
    pub warrant: Option<String>,
}

/// Who looked at what of the agencies of an auditor's warrant, the newest first.
///
/// # Errors
/// `NotFound` without a warrant, or for an agency outside of it; `Store`.
pub async fn log(hub: &Hub, person: &Person, query: AccessQuery) -> Result<LogPage<AccessLine>, ExchangeError> {
    let warrant = person.warrant.clone().ok_or(ExchangeError::NotFound)?;
    let documents = warrant.documents().ok_or(ExchangeError::NotFound)?;
    let agencies = match query.agency.as_str() {
        "" if warrant.row.every_agency => vec![WHOLE.to_owned()],
        "" => warrant.agencies,
        code if person.may_see(code) => vec![code.to_owned()],
        _ => return Err(ExchangeError::NotFound),
    };
    let limit = rows(if query.rows == 0 { hub.config.portal.rows_max } else { query.rows });
    let after_last = query.until.and_then(|day| day.checked_add_days(Days::new(1)));
    let some = |text: String| (!text.is_empty()).then_some(text);
    let part = Part {
        agencies,
        who: None,
        act: some(query.act),
        from: query.from.and_then(beginning),
        until: after_last.and_then(beginning),
        documents,
        before: some(query.after),
        // One more than are shown: whether there is a further page.
        limit: limit.saturating_add(1),
    };
    let login = some(query.login);
    let page = hub.store.read(move |tx| {
        let mut part = part.clone();
        if let Some(login) = &login {
            let known = users::find_by_login(tx, &user::login(login).unwrap_or_default())?;
            // Whoever is none is nobody, not everybody.
            part.who = Some(known.map_or_else(|| login.clone(), |user| user.user_id));
        }
        let mut found = accesses::page(tx, &part)?;
        let has_more = rows(found.len()) > limit;
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = found.last().filter(|_| has_more).map(|row| row.evidence_id.clone());
        Ok(LogPage { rows: lines(tx, found)?, first: None, next })
    });
    Ok(page.await?)
}

fn lines(tx: &mut Connection, found: Vec<AccessRow>) -> Result<Vec<AccessLine>, StoreError> {
    let ids: Vec<&str> = found.iter().filter_map(|row| row.envelope_id.as_deref()).collect();
    let documents: HashMap<String, EnvelopeRow> =
        envelopes::of_ids(tx, &ids)?.into_iter().map(|row| (row.envelope_id.clone(), row)).collect();
    let people: Vec<&str> = found.iter().map(|row| row.who.as_str()).collect();
    let names = users::names(tx, &people)?;
    let under: Vec<&str> = found.iter().filter_map(|row| row.warrant_id.as_deref()).collect();
    let numbers = warrants::numbers(tx, &under)?;
    let line = |row: AccessRow| AccessLine {
        at: row.at(),
        who: names.get(&row.who).cloned().unwrap_or_else(|| row.who.clone()),
        document: row
            .envelope_id
            .as_ref()
            .and_then(|id| documents.get(id))
            .map(|of| (of.envelope_id.clone(), of.code())),
        warrant: row.warrant_id.as_ref().and_then(|id| numbers.get(id).cloned()),
        evidence_id: row.evidence_id,
        act: row.act,
        about: row.about,
        agency: row.agency_code,
    };
    Ok(found.into_iter().map(line).collect())
}

/// Whether what a person merely looks at is evidence too.
pub fn is_watched(person: &Person) -> bool {
    person.role.is_auditor()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_name_a_person_is_not_kept() {
        assert_eq!(masked("7816 vpcp ttdt"), "7816 vpcp ttdt");
        assert_eq!(masked("gọi 0912345678 hay lan@x.vn"), "gọi *** hay ***");
        let id = "0190a5b0c1d27e3f8a4b5c6d7e8f9a0b";
        assert_eq!(masked(id), id);
        assert_eq!(masked(&"a".repeat(900)).len(), ASKS_CHARS_MAX);
    }
}
