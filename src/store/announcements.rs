//! Announcements: what webhooks are told, made in the transaction of the event. While one waits, it has a push of the same
//! id (`pushes`); when it has ended, it stays for a while, so that it can be asked for anew.

use super::backlog::Waiting;
use super::connection::{Link, on_each, on_packets};
use super::literal::Literal;
use super::schema::{announcements, endpoints, system_agencies};
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// How an announcement ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The webhook took it.
    Taken,
    /// Its term is over.
    GivenUp,
}

impl Ending {
    fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::GivenUp => GIVEN_UP,
        }
    }
}

/// With what the ids of webhooks begin; the system follows.
pub(super) const WEBHOOKS: &str = "events:";
const WAITING: &str = "waiting";
const GIVEN_UP: &str = "given_up";

/// One event for one webhook.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = announcements)]
pub struct AnnouncementRow {
    /// Its id; the same at every attempt.
    pub announcement_id: String,
    /// The webhook.
    pub endpoint_id: String,
    /// The name of its kind.
    pub event: String,
    /// What it is told in order with.
    pub series: String,
    /// What is sent, a JSON object.
    pub body: String,
    pub(super) state: String,
    /// Attempts that failed since it was last put in line.
    pub attempts: i32,
    /// Why the last attempt failed; empty when it was taken.
    pub reason: String,
    pub(super) created_at: NaiveDateTime,
    pub(super) changed_at: NaiveDateTime,
}

impl AnnouncementRow {
    /// One that waits from now on.
    pub fn new(
        (announcement_id, endpoint_id): (String, String),
        (event, series, body): (&str, &str, String),
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            announcement_id,
            endpoint_id,
            event: event.to_owned(),
            series: series.to_owned(),
            body,
            state: WAITING.to_owned(),
            attempts: 0,
            reason: String::new(),
            created_at: at.naive_utc(),
            changed_at: at.naive_utc(),
        }
    }

    /// When it was made.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at.and_utc()
    }

    /// When it ended, or was last tried.
    pub fn changed_at(&self) -> DateTime<Utc> {
        self.changed_at.and_utc()
    }
}

/// A webhook whose system speaks for an agency.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Listener {
    /// The endpoint.
    pub endpoint_id: String,
    /// What it wants to hear of, as it is kept.
    pub wants: String,
}

/// Webhooks of systems that speak for an agency. In a transaction it is asked once for each agency.
///
/// # Errors
/// `Statement`.
pub fn listeners(tx: &mut Connection, agency_code: &str) -> Result<Vec<Listener>, StoreError> {
    foresee_listeners(tx, &[agency_code])?;
    Ok(tx.known.listeners(agency_code).unwrap_or_default().to_vec())
}

/// Asks at once for the webhooks of all agencies that are about to be asked for.
///
/// # Errors
/// `Statement`.
pub fn foresee_listeners(tx: &mut Connection, agency_codes: &[&str]) -> Result<(), StoreError> {
    let mut unknown = agency_codes.to_vec();
    unknown.sort_unstable();
    unknown.dedup();
    unknown.retain(|code| tx.known.listeners(code).is_none());
    if unknown.is_empty() {
        return Ok(());
    }
    let found: Vec<Vec<Listener>> = on_each!(tx, load, unknown, code => system_agencies::table
        .inner_join(endpoints::table.on(endpoints::endpoint_id.eq(Literal(WEBHOOKS).concat(system_agencies::system_id))))
        .filter(system_agencies::agency_code.eq(*code))
        .select((endpoints::endpoint_id, endpoints::wants)))?;
    for (code, listeners) in unknown.into_iter().zip(found) {
        tx.known.remember_listeners(code, listeners);
    }
    Ok(())
}

/// Adds announcements.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, rows: Vec<AnnouncementRow>) -> Result<(), StoreError> {
    for row in rows {
        match &mut tx.link {
            Link::Sqlite(c) => diesel::insert_into(announcements::table).values(row).execute(&mut **c).map(|_| ())?,
            Link::Postgres(_) => tx.put(Waiting::Announcement(row))?,
        }
    }
    Ok(())
}

/// Whether an event of that name waits for a webhook.
///
/// # Errors
/// `Statement`.
pub fn waits(tx: &mut Connection, endpoint_id: &str, event: &str) -> Result<bool, StoreError> {
    let found: Option<String> = on_packets!(tx, c => announcements::table
        .filter(announcements::endpoint_id.eq(endpoint_id))
        .filter(announcements::event.eq(event))
        .filter(announcements::state.eq(Literal(WAITING)))
        .select(announcements::announcement_id)
        .first(c)
        .optional())?;
    Ok(found.is_some())
}

/// The announcements of these ids.
///
/// # Errors
/// `Statement`.
pub fn of_ids(tx: &mut Connection, ids: &[&str]) -> Result<Vec<AnnouncementRow>, StoreError> {
    Ok(on_packets!(tx, c => announcements::table
        .filter(announcements::announcement_id.eq_any(ids))
        .select(AnnouncementRow::as_select())
        .load(c))?)
}

/// An attempt to bring an announcement that failed.
pub struct Failure<'a> {
    /// The announcement.
    pub announcement_id: &'a str,
    /// How many failed by now.
    pub attempts: i32,
    /// Why.
    pub reason: &'a str,
}

/// Notes that attempts failed.
///
/// # Errors
/// `Statement`.
pub fn note_failures(tx: &mut Connection, failures: &[Failure<'_>], at: DateTime<Utc>) -> Result<(), StoreError> {
    let _: Vec<usize> = on_each!(tx, execute, failures, failure => diesel::update(announcements::table)
    .filter(announcements::announcement_id.eq(failure.announcement_id))
    .set((
        announcements::attempts.eq(failure.attempts),
        announcements::reason.eq(failure.reason),
        announcements::changed_at.eq(at.naive_utc()),
    )))?;
    Ok(())
}

/// Ends announcements; why one failed stays when it is given up.
///
/// # Errors
/// `Statement`.
pub fn finish(tx: &mut Connection, ids: &[&str], ending: Ending, at: DateTime<Utc>) -> Result<(), StoreError> {
    let _: Vec<usize> = on_each!(tx, execute, ids, id => diesel::update(announcements::table)
        .filter(announcements::announcement_id.eq(*id))
        .set((announcements::state.eq(ending.word()), announcements::changed_at.eq(at.naive_utc()))))?;
    Ok(())
}

/// Announcements of a webhook that have ended, made at or after `from`, oldest first; with `only`, those that ended so.
///
/// # Errors
/// `Statement`.
pub fn ended(
    tx: &mut Connection,
    endpoint_id: &str,
    (from, only): (DateTime<Utc>, Option<Ending>),
    limit: i64,
) -> Result<Vec<AnnouncementRow>, StoreError> {
    let states = match only {
        Some(ending) => vec![ending.word()],
        None => vec![Ending::Taken.word(), Ending::GivenUp.word()],
    };
    Ok(on_packets!(tx, c => announcements::table
        .filter(announcements::endpoint_id.eq(endpoint_id))
        .filter(announcements::created_at.ge(from.naive_utc()))
        .filter(announcements::state.eq_any(&states))
        .order((announcements::created_at.asc(), announcements::announcement_id.asc()))
        .limit(limit)
        .select(AnnouncementRow::as_select())
        .load(c))?)
}

/// Lets ended announcements wait again.
///
/// # Errors
/// `Statement`.
pub fn begin_again(tx: &mut Connection, ids: &[&str], at: DateTime<Utc>) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    on_packets!(tx, c => diesel::update(announcements::table)
        .filter(announcements::announcement_id.eq_any(ids))
        .set((
            announcements::state.eq(WAITING),
            announcements::attempts.eq(0),
            announcements::changed_at.eq(at.naive_utc()),
        ))
        .execute(c))?;
    Ok(())
}

/// Announcements of a webhook that were given up, the first one first, after one of them.
///
/// # Errors
/// `Statement`.
pub fn given_up(
    tx: &mut Connection,
    endpoint_id: &str,
    (after, limit): (&str, i64),
) -> Result<Vec<AnnouncementRow>, StoreError> {
    Ok(on_packets!(tx, c => announcements::table
        .filter(announcements::endpoint_id.eq(endpoint_id))
        .filter(announcements::state.eq(Literal(GIVEN_UP)))
        .filter(announcements::announcement_id.gt(after))
        .order(announcements::announcement_id.asc())
        .limit(limit)
        .select(AnnouncementRow::as_select())
        .load(c))?)
}

/// Removes everything that was to be told to a webhook.
///
/// # Errors
/// `Statement`.
pub fn remove_of(tx: &mut Connection, endpoint_id: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::delete(announcements::table.filter(announcements::endpoint_id.eq(endpoint_id))).execute(c))?;
    Ok(())
}

/// Removes announcements that ended before a time, at most `limit`. Answers how many.
///
/// # Errors
/// `Statement`.
pub fn remove_ended(tx: &mut Connection, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
    let old: Vec<String> = on_packets!(tx, c => announcements::table
        .filter(announcements::state.ne(Literal(WAITING)))
        .filter(announcements::changed_at.lt(before.naive_utc()))
        .order(announcements::changed_at.asc())
        .limit(limit)
        .select(announcements::announcement_id)
        .load(c))?;
    if old.is_empty() {
        return Ok(0);
    }
    Ok(on_packets!(tx, c => diesel::delete(announcements::table.filter(announcements::announcement_id.eq_any(&old)))
        .execute(c))?)
}
