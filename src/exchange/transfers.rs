//! The transfer log as people read it (nhật ký liên thông): what came to an agency, what it sent, or both. Not here: one document
//! (`document`), searching (`lookup`), what a page looks like (`http::portal`).

use super::follow::{Desk, SentLine};
use super::sessions::Person;
use super::viewer::Viewer;
use super::{ExchangeError, rows};
use crate::domain::dates::{VIETNAM, beginning};
use crate::domain::delivery::DeliveryState;
use crate::domain::directory::folded;
use crate::domain::envelope::Urgency;
use crate::hub::Hub;
use crate::store::deliveries::DeliveryRow;
use crate::store::envelopes::EnvelopeRow;
use crate::store::transfers::{self as rows_of, Part, Reported};
use crate::store::{Connection, StoreError, agencies, envelopes, users};
use chrono::{DateTime, Days, NaiveDate, Utc};
use std::collections::{HashMap, HashSet};

/// Which way documents went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Way {
    /// To an agency (văn bản đến).
    #[default]
    In,
    /// From an agency (văn bản đi).
    Out,
    /// Either (tất cả): what one agency sent to another one of the same person is there twice, once each way.
    Both,
}

/// What of the log somebody asks for.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// Which way they went.
    pub way: Way,
    /// Canonical codes of the agencies.
    pub agencies: Vec<String>,
    /// First day, in Vietnam.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub until: Option<NaiveDate>,
    /// Deliveries in one of these states; none: whichever.
    pub states: Vec<DeliveryState>,
    /// Documents of this urgency.
    pub urgency: Option<i32>,
    /// Documents of the kind of this very name; empty: of whichever.
    pub type_name: String,
    /// Documents that do this: `new`, `recall`, `update` or `replacement`; empty: whichever.
    pub business: String,
    /// Where only what came is listed: of that, what this status was reported about; empty: whatever came.
    pub status: String,
    /// Where only what came is listed: of that, what was to be received and was not.
    pub overdue: bool,
    /// After which row the page begins; empty: at the newest.
    pub after: String,
    /// Most rows; 0: as a page has.
    pub rows: usize,
}

impl LogQuery {
    /// Whether only what is overdue is wanted.
    pub fn is_overdue(&self) -> bool {
        self.overdue && self.way == Way::In
    }
}

/// In the place of an agency: all that a person looks after.
pub const ALL: &str = "all";

/// Instead of a status: none was reported.
pub const NO_STATUS: &str = "none";

/// A page of the log.
#[derive(Debug, Clone)]
pub struct LogPage<T> {
    /// Its rows, the newest first.
    pub rows: Vec<T>,
    /// The place of the first row; what comes later stands before it.
    pub first: Option<String>,
    /// After what the next page begins; nothing on the last.
    pub next: Option<String>,
}

/// A document that came to an agency.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// The delivery.
    pub line: SentLine,
    /// Name of the sender.
    pub sender_name: String,
    /// Name of the recipient.
    pub recipient_name: String,
    /// Name of the kind of document.
    pub type_name: String,
    /// What it does: `new`, `recall`, `update` or `replacement`.
    pub business: String,
    /// Day until which it is to be answered, `yyyy-MM-dd`.
    pub due_on: Option<String>,
    /// How urgent it is.
    pub urgency: Urgency,
    /// The last status that the agency reported.
    pub status_code: Option<String>,
    /// Whether the person has read it.
    pub is_read: bool,
}

/// How many deliveries of a document are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Recipients in all.
    pub all: i64,
    /// Not yet with the recipient.
    pub waiting: i64,
    /// With the recipient's software.
    pub handed_over: i64,
    /// Given up.
    pub failed: i64,
    /// Taken back.
    pub withdrawn: i64,
}

/// A document as its sender's side lists it.
#[derive(Debug, Clone)]
pub struct DocumentLine {
    /// The envelope.
    pub envelope_id: String,
    /// Canonical code of the sender.
    pub sender: String,
    /// Its name.
    pub sender_name: String,
    /// Number and notation.
    pub code: String,
    /// Abstract.
    pub subject: String,
    /// Name of the kind of document.
    pub type_name: String,
    /// What it does: `new`, `recall`, `update` or `replacement`.
    pub business: String,
    /// How urgent it is.
    pub urgency: Urgency,
    /// When the hub accepted it.
    pub accepted_at: DateTime<Utc>,
    /// Name of a recipient, to stand for all.
    pub recipient_name: String,
    /// How far it is.
    pub tally: Tally,
}

/// A row of the log.
#[derive(Debug, Clone)]
pub enum Transfer {
    /// What came.
    Arrived(Arrived),
    /// What was sent.
    Sent(DocumentLine),
}

/// How many of the newest documents that came are in which state, up to `COUNTED_MAX`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Wait to be taken.
    pub waiting: usize,
    /// Taken.
    pub handed_over: usize,
    /// Given up.
    pub failed: usize,
    /// Taken back.
    pub withdrawn: usize,
    /// Whether there are more than were counted.
    pub is_cut: bool,
}

/// Rows that are counted for the states of a log.
const COUNTED_MAX: usize = 1000;

/// The day from which a log is shown when nobody says otherwise; to an auditor, the first one of its warrant.
pub fn usual_day(hub: &Hub, person: &Person) -> NaiveDate {
    if let Some(first) = person.warrant.as_ref().and_then(|warrant| warrant.row.documents_from.parse().ok()) {
        return first;
    }
    let today = hub.clock.now().with_timezone(&VIETNAM).date_naive();
    today.checked_sub_days(Days::new(hub.config.portal.log_days)).unwrap_or(today)
}

fn part(hub: &Hub, person: &Person, query: &LogQuery) -> Part {
    let after_last = query.until.and_then(|day| day.checked_add_days(Days::new(1)));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let reaching = [DeliveryState::Pending, DeliveryState::Consigned, DeliveryState::HandedOver];
    let is_overdue = query.is_overdue();
    let states = match (is_overdue, query.states.is_empty()) {
        (true, true) => reaching.to_vec(),
        (true, false) | (false, _) => query.states.clone(),
    };
    let status = match query.status.as_str() {
        _ if query.way != Way::In => None,
        _ if is_overdue => Some(Reported::NoReceipt),
        "" => None,
        NO_STATUS => Some(Reported::Nothing),
        code => Some(Reported::Code(code.to_owned())),
    };
    let most = if query.rows == 0 { hub.config.portal.rows_max } else { query.rows };
    let asked = (beginning(query.from.unwrap_or_else(|| usual_day(hub, person))), after_last.and_then(beginning));
    // A warrant is for documents of some days, whichever are asked for.
    let documents = person.warrant.as_ref().map(|warrant| warrant.documents().unwrap_or_default());
    let (from, until) = match documents {
        Some((first, last)) => (asked.0.max(Some(first)), Some(asked.1.map_or(last, |until| until.min(last)))),
        None => asked,
    };
    Part {
        from,
        until,
        states,
        urgency: query.urgency,
        type_name: some(&query.type_name),
        business: some(&query.business),
        status,
        before: cursor(&query.after),
        since: None,
        limit: rows(most.saturating_add(1)),
    }
}

/// A row's place in the log, for the page that goes on after it.
pub(super) fn place(at: DateTime<Utc>, id: &str) -> String {
    format!("{}.{id}", at.timestamp_micros())
}

/// The place that such a text names.
pub(super) fn cursor(text: &str) -> Option<(DateTime<Utc>, String)> {
    let (micros, id) = text.split_once('.')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.to_owned()))
}

fn allowed(person: &Person, agencies: &[String]) -> Result<(), ExchangeError> {
    if agencies.iter().all(|agency| person.may_see(agency)) { Ok(()) } else { Err(ExchangeError::NotFound) }
}

/// The places of the first row of a page, and of the last one when there is a next page: one more row was asked for than
/// a page has.
pub(super) fn ends<T>(rows: &mut Vec<T>, limit: i64, place: impl Fn(&T) -> String) -> (Option<String>, Option<String>) {
    let has_more = self::rows(rows.len()) >= limit;
    if has_more {
        rows.pop();
    }
    (rows.first().map(&place), rows.last().filter(|_| has_more).map(&place))
}

/// A row as the store has it.
enum Found {
    Arrived(Box<(DeliveryRow, EnvelopeRow)>),
    Sent(Box<EnvelopeRow>),
}

impl Found {
    /// When the document was accepted, and the id of the delivery or envelope: the order of the log.
    fn stands(&self) -> (DateTime<Utc>, &str) {
        match self {
            Self::Arrived(row) => (row.0.accepted_at(), &row.0.delivery_id),
            Self::Sent(row) => (row.accepted_at.and_utc(), &row.envelope_id),
        }
    }
}

/// A page of the log, the newest first.
///
/// # Errors
/// `NotFound` unless the person looks after all of the agencies; `Store`.
pub async fn page(hub: &Hub, person: &Person, query: LogQuery) -> Result<LogPage<Transfer>, ExchangeError> {
    allowed(person, &query.agencies)?;
    let (part, desk, viewer) = (part(hub, person, &query), Desk::of(hub), Viewer::of(person));
    let user_id = person.user_id.clone();
    let page = hub.store.read(move |tx| {
        let mut part = part.clone();
        let is_overdue = query.is_overdue();
        loop {
            let mut found = found(tx, &query, &part)?;
            let (first, next) = ends(&mut found, part.limit, |row| {
                let (at, id) = row.stands();
                place(at, id)
            });
            let mut rows = told(tx, found, (&desk, &viewer, &user_id))?;
            // When time is over is not known to the database: what is not late yet is left out here.
            rows.retain(|row| !is_overdue || matches!(row, Transfer::Arrived(row) if row.line.overdue));
            match next.as_deref().filter(|_| rows.is_empty()).and_then(cursor) {
                Some(next) => part.before = Some(next),
                None => return Ok(LogPage { rows, first, next }),
            }
        }
    });
    Ok(page.await?)
}

/// The newest rows of a part, whichever way they went.
fn found(tx: &mut Connection, query: &LogQuery, part: &Part) -> Result<Vec<Found>, StoreError> {
    let mut found = Vec::new();
    if query.way != Way::Out {
        found.extend(rows_of::arrived(tx, &query.agencies, part)?.into_iter().map(|row| Found::Arrived(Box::new(row))));
    }
    if query.way != Way::In {
        found.extend(rows_of::sent(tx, &query.agencies, part)?.into_iter().map(|row| Found::Sent(Box::new(row))));
    }
    // Each way comes in order: only both need be merged.
    if query.way == Way::Both {
        found.sort_by(|a, b| b.stands().cmp(&a.stands()));
        found.truncate(usize::try_from(part.limit).unwrap_or(usize::MAX));
    }
    Ok(found)
}

/// Rows as people read them, in the order in which they were found.
fn told(
    tx: &mut Connection,
    found: Vec<Found>,
    (desk, viewer, user_id): (&Desk, &Viewer, &str),
) -> Result<Vec<Transfer>, StoreError> {
    let went: Vec<bool> = found.iter().map(|row| matches!(row, Found::Sent(_))).collect();
    let (mut came, mut sent) = (Vec::new(), Vec::new());
    for row in found {
        match row {
            Found::Arrived(row) => came.push(*row),
            Found::Sent(row) => sent.push(*row),
        }
    }
    let mut came = arrived(tx, came, (desk, user_id))?.into_iter().map(Transfer::Arrived);
    let mut sent = lines(tx, viewer, sent)?.into_iter().map(Transfer::Sent);
    Ok(went.into_iter().filter_map(|is_sent| if is_sent { sent.next() } else { came.next() }).collect())
}

fn arrived(
    tx: &mut Connection,
    found: Vec<(DeliveryRow, EnvelopeRow)>,
    (desk, user_id): (&Desk, &str),
) -> Result<Vec<Arrived>, StoreError> {
    let deliveries: Vec<&str> = found.iter().map(|(delivery, _)| delivery.delivery_id.as_str()).collect();
    let documents: Vec<&str> = found.iter().map(|(_, envelope)| envelope.envelope_id.as_str()).collect();
    let parties = found.iter().flat_map(|(delivery, envelope)| [&delivery.recipient_code, &envelope.sender_code]);
    let parties: HashSet<&str> = parties.map(String::as_str).collect();
    let received = envelopes::received_at(tx, &deliveries)?;
    let statuses = rows_of::last_statuses(tx, &deliveries)?;
    let names = rows_of::names(tx, &parties.into_iter().collect::<Vec<_>>())?;
    let read = users::read_of(tx, user_id, &documents)?;
    let rows = found.into_iter().map(|(delivery, envelope)| {
        Ok(Arrived {
            sender_name: name_of(&names, &envelope.sender_code),
            recipient_name: name_of(&names, &delivery.recipient_code),
            type_name: envelope.type_name.clone(),
            business: envelope.packet_kind.clone(),
            due_on: envelope.due_on.clone(),
            urgency: Urgency::of_number(&envelope.urgency.to_string()),
            status_code: statuses.get(&delivery.delivery_id).cloned(),
            is_read: read.contains(&envelope.envelope_id),
            line: desk.line(delivery, &envelope, &received)?,
        })
    });
    rows.collect()
}

/// Most new documents that are counted.
const NEWS_MAX: i64 = 100;

/// How many rows a log has more than when a row of it was the newest, up to `NEWS_MAX`; none of what is overdue, which nothing
/// new is.
///
/// # Errors
/// `NotFound` unless the person looks after all of them; `Store`.
pub async fn news(hub: &Hub, person: &Person, query: LogQuery, since: &str) -> Result<usize, ExchangeError> {
    allowed(person, &query.agencies)?;
    if query.is_overdue() {
        return Ok(0);
    }
    let part = Part { before: None, since: cursor(since), limit: NEWS_MAX, ..part(hub, person, &query) };
    Ok(hub.store.read(move |tx| Ok(found(tx, &query, &part)?.len())).await?)
}

/// The place in a log behind which everything new comes, of a page without rows.
pub fn newest_place(hub: &Hub) -> String {
    place(hub.clock.now(), "")
}

pub(super) fn name_of(names: &HashMap<String, String>, code: &str) -> String {
    names.get(code).cloned().unwrap_or_else(|| code.to_owned())
}

/// How far the documents are that came to some agencies in the usual time.
///
/// # Errors
/// `NotFound` unless the person looks after all of them; `Store`.
pub async fn counts(hub: &Hub, person: &Person, agencies: &[String]) -> Result<Counts, ExchangeError> {
    allowed(person, agencies)?;
    let since = beginning(usual_day(hub, person)).unwrap_or(DateTime::UNIX_EPOCH);
    let agencies = agencies.to_vec();
    let most = rows(COUNTED_MAX.saturating_add(1));
    let states = hub.store.read(move |tx| rows_of::states_of_arrived(tx, &agencies, since, most)).await?;
    let counted = |number: &i64| usize::try_from(*number).unwrap_or(0);
    let of = |wanted: &[DeliveryState]| -> usize {
        let words: HashSet<&str> = wanted.iter().map(|state| state.word()).collect();
        let of_these = states.iter().filter(|(state, _)| words.contains(state.as_str()));
        of_these.map(|(_, number)| counted(number)).sum::<usize>().min(COUNTED_MAX)
    };
    Ok(Counts {
        waiting: of(&[DeliveryState::Pending, DeliveryState::Consigned]),
        handed_over: of(&[DeliveryState::HandedOver]),
        failed: of(&[DeliveryState::Failed]),
        withdrawn: of(&[DeliveryState::Withdrawn]),
        is_cut: states.iter().map(|(_, number)| counted(number)).sum::<usize>() > COUNTED_MAX,
    })
}

/// Documents with how far they are: all of it on the sender's side, on a recipient's what concerns that.
pub(super) fn lines(
    tx: &mut Connection,
    viewer: &Viewer,
    found: Vec<EnvelopeRow>,
) -> Result<Vec<DocumentLine>, StoreError> {
    let mut own: Vec<&str> = Vec::new();
    let mut of_others: Vec<&str> = Vec::new();
    for envelope in &found {
        let side = if viewer.holds(tx, &envelope.sender_code)? { &mut own } else { &mut of_others };
        side.push(&envelope.envelope_id);
    }
    let mut tallies: HashMap<String, Tally> = HashMap::new();
    for (envelope, state, number) in rows_of::tallies(tx, &own)? {
        add(tallies.entry(envelope).or_default(), &state, number);
    }
    let mut firsts = rows_of::first_recipients(tx, &own)?;
    if let Viewer::Agencies(codes) = viewer {
        for (envelope, recipient, state) in rows_of::states_to(tx, &of_others, codes)? {
            add(tallies.entry(envelope.clone()).or_default(), &state, 1);
            firsts.insert(envelope, recipient);
        }
    }
    let senders = found.iter().map(|envelope| envelope.sender_code.as_str());
    let codes: Vec<&str> = senders.chain(firsts.values().map(String::as_str)).collect();
    let names = rows_of::names(tx, &codes)?;
    let line = |envelope: EnvelopeRow| DocumentLine {
        sender_name: name_of(&names, &envelope.sender_code),
        code: envelope.code(),
        urgency: Urgency::of_number(&envelope.urgency.to_string()),
        accepted_at: envelope.accepted_at.and_utc(),
        recipient_name: firsts.get(&envelope.envelope_id).map(|code| name_of(&names, code)).unwrap_or_default(),
        tally: tallies.get(&envelope.envelope_id).copied().unwrap_or_default(),
        envelope_id: envelope.envelope_id,
        sender: envelope.sender_code,
        subject: envelope.subject,
        type_name: envelope.type_name,
        business: envelope.packet_kind,
    };
    Ok(found.into_iter().map(line).collect())
}

fn add(tally: &mut Tally, state: &str, number: i64) {
    tally.all = tally.all.saturating_add(number);
    let place = match DeliveryState::of_word(state) {
        Some(DeliveryState::HandedOver) => &mut tally.handed_over,
        Some(DeliveryState::Failed) => &mut tally.failed,
        Some(DeliveryState::Withdrawn) => &mut tally.withdrawn,
        Some(DeliveryState::Pending | DeliveryState::Consigned) | None => &mut tally.waiting,
    };
    *place = place.saturating_add(number);
}

/// The code under which an agency is registered, by any code of it; as it was given where nobody has it.
///
/// # Errors
/// `Store`.
pub async fn canonical(hub: &Hub, text: &str) -> Result<String, ExchangeError> {
    let asked = folded(text);
    let known = hub.store.read(move |tx| agencies::find_by_alias(tx, &asked)).await?;
    Ok(known.map_or_else(|| text.to_owned(), |agency| agency.code.0))
}

/// The agencies that the address of a log names: `all` that a person looks after, the first one when none is named.
///
/// # Errors
/// `Store`.
pub async fn chosen(hub: &Hub, person: &Person, text: &str) -> Result<Vec<String>, ExchangeError> {
    match text.trim() {
        ALL => Ok(person.agencies.clone()),
        "" => Ok(person.agencies.first().cloned().into_iter().collect()),
        own if person.agencies.iter().any(|agency| agency == own) => Ok(vec![own.to_owned()]),
        named => Ok(vec![canonical(hub, named).await?]),
    }
}

/// The agencies whose log a person may choose from, with their names, up to as many as a list can show.
///
/// # Errors
/// `Store`.
pub async fn agencies_of(hub: &Hub, person: &Person) -> Result<Vec<(String, String)>, ExchangeError> {
    let codes = person.agencies.clone();
    let names =
        hub.store.read(move |tx| rows_of::names(tx, &codes.iter().map(String::as_str).collect::<Vec<_>>())).await?;
    let named = |code: &String| (code.clone(), name_of(&names, code));
    Ok(person.agencies.iter().map(named).collect())
}
