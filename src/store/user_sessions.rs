//! Sessions of people who use the portal, known only by the digest of what their cookie says.

use super::connection::on_packets;
use super::schema::user_sessions;
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// A session.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = user_sessions)]
pub struct SessionRow {
    /// SHA-256 of what its cookie says.
    pub session_digest: Vec<u8>,
    /// Whose.
    pub user_id: String,
    /// From where it was opened.
    pub address: String,
    /// By which browser, as it says.
    pub agent: String,
    pub(super) created_at: NaiveDateTime,
    pub(super) seen_at: NaiveDateTime,
    /// By which identity provider it was opened; nothing: by password.
    pub provider_id: Option<String>,
}

impl SessionRow {
    /// A session opened now.
    pub fn new(
        digest: Vec<u8>,
        (user_id, provider_id): (String, Option<String>),
        (address, agent): (String, String),
        at: DateTime<Utc>,
    ) -> Self {
        let at = at.naive_utc();
        Self { session_digest: digest, user_id, address, agent, created_at: at, seen_at: at, provider_id }
    }

    /// When it was opened.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at.and_utc()
    }

    /// When it was last used, to the minute or so.
    pub fn seen_at(&self) -> DateTime<Utc> {
        self.seen_at.and_utc()
    }
}

/// Opens a session.
///
/// # Errors
/// `Statement`.
pub fn open_session(tx: &mut Connection, row: &SessionRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(user_sessions::table).values(row).execute(c))?;
    Ok(())
}

/// The session of that digest.
///
/// # Errors
/// `Statement`.
pub fn session(tx: &mut Connection, digest: &[u8]) -> Result<Option<SessionRow>, StoreError> {
    Ok(on_packets!(tx, c => user_sessions::table
        .filter(user_sessions::session_digest.eq(digest))
        .select(SessionRow::as_select())
        .get_result(c)
        .optional())?)
}

/// A person's sessions, the newest first.
///
/// # Errors
/// `Statement`.
pub fn sessions_of(tx: &mut Connection, user_id: &str) -> Result<Vec<SessionRow>, StoreError> {
    Ok(on_packets!(tx, c => user_sessions::table
        .filter(user_sessions::user_id.eq(user_id))
        .order(user_sessions::created_at.desc())
        .select(SessionRow::as_select())
        .load(c))?)
}

/// Notes that a session was used.
///
/// # Errors
/// `Statement`.
pub fn touch_session(tx: &mut Connection, digest: &[u8], at: DateTime<Utc>) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(user_sessions::table)
        .filter(user_sessions::session_digest.eq(digest))
        .set(user_sessions::seen_at.eq(at.naive_utc()))
        .execute(c))?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// `Statement`.
pub fn end_session(tx: &mut Connection, digest: &[u8]) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::delete(user_sessions::table)
        .filter(user_sessions::session_digest.eq(digest))
        .execute(c))?;
    Ok(())
}

/// Ends a person's sessions, all but one of them if one is named. Answers how many.
///
/// # Errors
/// `Statement`.
pub fn end_sessions(tx: &mut Connection, user_id: &str, but: Option<&[u8]>) -> Result<usize, StoreError> {
    Ok(on_packets!(tx, c => diesel::delete(user_sessions::table)
        .filter(user_sessions::user_id.eq(user_id))
        .filter(user_sessions::session_digest.ne(but.unwrap_or_default()))
        .execute(c))?)
}

/// Ends all sessions that an identity provider opened. Answers how many.
///
/// # Errors
/// `Statement`.
pub fn end_sessions_by(tx: &mut Connection, provider_id: &str) -> Result<usize, StoreError> {
    Ok(on_packets!(tx, c => diesel::delete(user_sessions::table)
        .filter(user_sessions::provider_id.eq(provider_id))
        .execute(c))?)
}

/// Removes sessions that were not used since a time. Answers how many.
///
/// # Errors
/// `Statement`.
pub fn remove_sessions(tx: &mut Connection, before: DateTime<Utc>) -> Result<usize, StoreError> {
    Ok(on_packets!(tx, c => diesel::delete(user_sessions::table)
        .filter(user_sessions::seen_at.lt(before.naive_utc()))
        .execute(c))?)
}
