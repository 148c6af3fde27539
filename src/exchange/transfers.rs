//! The transfer log as people read it (nhật ký liên thông): what came to an agency, what it sent, one document with all
//! that is known of it. Not here: searching (`lookup`), what a page looks like (`http::portal`).

use super::follow::{Desk, EnvelopeView, SentLine, view};
use super::history::{Happening, page};
use super::sessions::Person;
use super::viewer::Viewer;
use super::{ExchangeError, rows};
use crate::domain::dates::{VIETNAM, beginning};
use crate::domain::delivery::DeliveryState;
use crate::domain::directory::folded;
use crate::domain::envelope::Urgency;
use crate::hub::Hub;
use crate::store::envelopes::EnvelopeRow;
use crate::store::evidence::Share;
use crate::store::transfers::{self as rows_of, Attached, Part};
use crate::store::{Connection, StoreError, agencies, envelopes, users};
use chrono::{DateTime, Days, NaiveDate, Utc};
use std::collections::{HashMap, HashSet};

/// What of the log somebody asks for.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// Canonical code of the agency.
    pub agency: String,
    /// First day, in Vietnam.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub until: Option<NaiveDate>,
    /// Deliveries in one of these states; none: whichever.
    pub states: Vec<DeliveryState>,
    /// Documents of this urgency.
    pub urgency: Option<i32>,
    /// After which row the page begins; empty: at the newest.
    pub after: String,
}

/// A page of the log.
#[derive(Debug, Clone)]
pub struct LogPage<T> {
    /// Its rows, the newest first.
    pub rows: Vec<T>,
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
    /// Name of the kind of document.
    pub type_name: String,
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
    /// How urgent it is.
    pub urgency: Urgency,
    /// When the hub accepted it.
    pub accepted_at: DateTime<Utc>,
    /// Name of a recipient, to stand for all.
    pub recipient_name: String,
    /// How far it is.
    pub tally: Tally,
}

/// How many of the newest documents that came are in which state, up to `COUNTED_MAX` in all.
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

/// Rows of a document's history that one page shows.
const HAPPENINGS_MAX: usize = 500;

/// The day from which a log is shown when nobody says otherwise.
pub fn usual_day(hub: &Hub) -> NaiveDate {
    let today = hub.clock.now().with_timezone(&VIETNAM).date_naive();
    today.checked_sub_days(Days::new(hub.config.portal.log_days)).unwrap_or(today)
}

fn part(hub: &Hub, query: &LogQuery) -> Part {
    let after_last = query.until.and_then(|day| day.checked_add_days(Days::new(1)));
    Part {
        from: beginning(query.from.unwrap_or_else(|| usual_day(hub))),
        until: after_last.and_then(beginning),
        states: query.states.clone(),
        urgency: query.urgency,
        before: cursor(&query.after),
        limit: rows(hub.config.portal.rows_max.saturating_add(1)),
    }
}

/// A row's place in the log, for the page that goes on after it.
fn place(at: DateTime<Utc>, id: &str) -> String {
    format!("{}.{id}", at.timestamp_micros())
}

fn cursor(text: &str) -> Option<(DateTime<Utc>, String)> {
    let (micros, id) = text.split_once('.')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.to_owned()))
}

fn allowed(person: &Person, agency: &str) -> Result<(), ExchangeError> {
    if person.may_see(agency) { Ok(()) } else { Err(ExchangeError::NotFound) }
}

/// One more row was asked for than a page has: it says whether there is a next page.
fn cut<T>(mut rows: Vec<T>, most: usize, id: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    let has_more = rows.len() > most;
    rows.truncate(most);
    let next = rows.last().filter(|_| has_more).map(id);
    (rows, next)
}

/// Documents that came to an agency.
///
/// # Errors
/// `NotFound` unless the person looks after the agency; `Store`.
pub async fn arrived(hub: &Hub, person: &Person, query: LogQuery) -> Result<LogPage<Arrived>, ExchangeError> {
    allowed(person, &query.agency)?;
    let (part, desk, most) = (part(hub, &query), Desk::of(hub), hub.config.portal.rows_max);
    let user_id = person.user_id.clone();
    let page = hub.store.read(move |tx| {
        let found = rows_of::arrived(tx, &query.agency, &part)?;
        let (found, next) = cut(found, most, |(delivery, _)| place(delivery.accepted_at(), &delivery.delivery_id));
        let deliveries: Vec<&str> = found.iter().map(|(delivery, _)| delivery.delivery_id.as_str()).collect();
        let documents: Vec<&str> = found.iter().map(|(_, envelope)| envelope.envelope_id.as_str()).collect();
        let senders: Vec<&str> = found.iter().map(|(_, envelope)| envelope.sender_code.as_str()).collect();
        let received = envelopes::received_at(tx, &deliveries)?;
        let statuses = rows_of::last_statuses(tx, &deliveries)?;
        let names = rows_of::names(tx, &senders)?;
        let read = users::read_of(tx, &user_id, &documents)?;
        let rows = found.into_iter().map(|(delivery, envelope)| {
            Ok(Arrived {
                sender_name: name_of(&names, &envelope.sender_code),
                type_name: envelope.type_name.clone(),
                urgency: Urgency::of_number(&envelope.urgency.to_string()),
                status_code: statuses.get(&delivery.delivery_id).cloned(),
                is_read: read.contains(&envelope.envelope_id),
                line: desk.line(delivery, &envelope, &received)?,
            })
        });
        Ok(LogPage { rows: rows.collect::<Result<_, StoreError>>()?, next })
    });
    Ok(page.await?)
}

fn name_of(names: &HashMap<String, String>, code: &str) -> String {
    names.get(code).cloned().unwrap_or_else(|| code.to_owned())
}

/// How far the documents are that came to an agency in the usual time.
///
/// # Errors
/// `NotFound` unless the person looks after the agency; `Store`.
pub async fn counts(hub: &Hub, person: &Person, agency: &str) -> Result<Counts, ExchangeError> {
    allowed(person, agency)?;
    let since = beginning(usual_day(hub)).unwrap_or(DateTime::UNIX_EPOCH);
    let agency = agency.to_owned();
    let most = rows(COUNTED_MAX.saturating_add(1));
    let states = hub.store.read(move |tx| rows_of::states_of_arrived(tx, &agency, since, most)).await?;
    let of = |wanted: &[DeliveryState]| {
        let words: HashSet<&str> = wanted.iter().map(|state| state.word()).collect();
        states.iter().take(COUNTED_MAX).filter(|state| words.contains(state.as_str())).count()
    };
    Ok(Counts {
        waiting: of(&[DeliveryState::Pending, DeliveryState::Consigned]),
        handed_over: of(&[DeliveryState::HandedOver]),
        failed: of(&[DeliveryState::Failed]),
        withdrawn: of(&[DeliveryState::Withdrawn]),
        is_cut: states.len() > COUNTED_MAX,
    })
}

/// Documents that an agency sent.
///
/// # Errors
/// `NotFound` unless the person looks after the agency; `Store`.
pub async fn sent(hub: &Hub, person: &Person, query: LogQuery) -> Result<LogPage<DocumentLine>, ExchangeError> {
    allowed(person, &query.agency)?;
    let (part, most, viewer) = (part(hub, &query), hub.config.portal.rows_max, Viewer::of(person));
    let page = hub.store.read(move |tx| {
        let found = rows_of::sent(tx, &query.agency, &part)?;
        let (found, next) = cut(found, most, |envelope| place(envelope.accepted_at.and_utc(), &envelope.envelope_id));
        Ok(LogPage { rows: lines(tx, &viewer, found)?, next })
    });
    Ok(page.await?)
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

/// One document with all that a person may know of it.
#[derive(Debug, Clone)]
pub struct DocumentView {
    /// The document, its deliveries, statuses and lineage.
    pub view: EnvelopeView,
    /// Name of the kind of document.
    pub type_name: String,
    /// Date of issue, `yyyy-MM-dd`.
    pub issued_on: Option<String>,
    /// Deadline for an answer, `yyyy-MM-dd`.
    pub due_on: Option<String>,
    /// How urgent it is.
    pub urgency: Urgency,
    /// What is attached.
    pub attachments: Vec<Attached>,
    /// What happened, oldest first.
    pub happenings: Vec<Happening>,
    /// After what the history goes on; nothing at its end.
    pub more: Option<String>,
    /// Names of agencies, by code.
    pub names: HashMap<String, String>,
    /// Whether the person's side sent it.
    pub is_sender: bool,
}

impl DocumentView {
    /// What people call an agency.
    pub fn name_of(&self, code: &str) -> String {
        name_of(&self.names, code)
    }
}

/// A document, by the id of its envelope or of a delivery; from then on the person has read it.
///
/// # Errors
/// `NotFound` unless the person looks after the sender or a recipient; `Store`.
pub async fn document(hub: &Hub, person: &Person, id: &str, after: &str) -> Result<DocumentView, ExchangeError> {
    let (viewer, desk, id) = (Viewer::of(person), Desk::of(hub), id.to_owned());
    let (after, user_id) = (after.to_owned(), person.user_id.clone());
    let found = hub.store.read(move |tx| {
        let Some(view) = view(tx, &viewer, &id, &desk)? else { return Ok(None) };
        let Some(envelope) = envelopes::find(tx, &view.envelope_id)? else { return Ok(None) };
        let is_sender = viewer.holds(tx, &view.sender)?;
        let own: Vec<&str> = view.deliveries.iter().map(|line| line.delivery_id.as_str()).collect();
        let share = if is_sender { Share::Whole } else { Share::These(&own) };
        let happened = page(tx, &view.envelope_id, share, (&after, HAPPENINGS_MAX))?;
        let attachments = rows_of::attachments_of(tx, &view.envelope_id)?;
        let links = view.acts_on.iter().chain(&view.acted_on_by).map(|link| link.sender.as_str());
        let recipients = view.deliveries.iter().map(|line| line.recipient.as_str());
        let codes: Vec<&str> = links.chain(recipients).chain([view.sender.as_str()]).collect();
        let names = rows_of::names(tx, &codes)?;
        let is_read = !users::read_of(tx, &user_id, &[&view.envelope_id])?.is_empty();
        let document = DocumentView {
            type_name: envelope.type_name,
            issued_on: envelope.issued_on,
            due_on: envelope.due_on,
            urgency: Urgency::of_number(&envelope.urgency.to_string()),
            attachments,
            more: happened.next,
            happenings: happened.items,
            names,
            is_sender,
            view,
        };
        Ok(Some((document, is_read)))
    });
    let (document, is_read) = found.await?.ok_or(ExchangeError::NotFound)?;
    if !is_read && !person.role.sees_every_agency() {
        let (user_id, envelope_id) = (person.user_id.clone(), document.view.envelope_id.clone());
        // The mark is a convenience: without it the document is shown all the same.
        if let Err(error) = hub.store.write(move |tx| users::note_read(tx, &user_id, &envelope_id)).await {
            log::warn!(target: "portal", "that a document was read could not be written down: {error}");
        }
    }
    Ok(document)
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
