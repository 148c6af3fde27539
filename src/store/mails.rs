//! Mails that wait to be sent, are on their way by lease, or are done with. A claim moves `due_at` to the end of its
//! lease; whoever settles must still hold it. What is told of is looked up where it is kept.

use super::connection::on_packets;
use super::literal::Literal;
use super::schema::mails;
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// The state of a mail that is to be sent, which has an index.
const WAITING: Literal = Literal("waiting");

/// A mail as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = mails)]
pub struct MailRow {
    /// Its id, which is its `Message-ID` too.
    pub mail_id: String,
    /// What it tells of and to whom; no second mail has the same.
    pub once: String,
    /// To whom.
    pub address: String,
    /// What it tells, as JSON.
    pub notice: String,
    /// `waiting`, `sent` or `failed`.
    pub state: String,
    /// Why it was not sent, the last time.
    pub reason: String,
    /// Attempts that came to an end.
    pub attempts: i32,
    due_at: NaiveDateTime,
    lease_owner: Option<String>,
    created_at: NaiveDateTime,
    expires_at: NaiveDateTime,
    finished_at: Option<NaiveDateTime>,
}

impl MailRow {
    /// A mail that is to be sent at once.
    pub fn new(
        (mail_id, once): (String, String),
        (address, notice): (String, String),
        (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Self {
        Self {
            mail_id,
            once,
            address,
            notice,
            state: "waiting".to_owned(),
            reason: String::new(),
            attempts: 0,
            due_at: now.naive_utc(),
            lease_owner: None,
            created_at: now.naive_utc(),
            expires_at: expires_at.naive_utc(),
            finished_at: None,
        }
    }

    /// When it was made.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at.and_utc()
    }

    /// When it is tried next; while it is on its way, the end of the lease.
    pub fn due_at(&self) -> DateTime<Utc> {
        self.due_at.and_utc()
    }

    /// When it is given up.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at.and_utc()
    }
}

/// Puts a mail in line, unless one that tells the same was made before. Says whether it did.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &MailRow) -> Result<bool, StoreError> {
    let put = on_packets!(tx, c => diesel::insert_into(mails::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(put == 1)
}

/// Ids of mails that are due, the longest due first.
///
/// # Errors
/// `Statement`.
pub fn due(tx: &mut Connection, now: DateTime<Utc>, limit: i64) -> Result<Vec<String>, StoreError> {
    Ok(on_packets!(tx, c => mails::table
        .filter(mails::state.eq(WAITING))
        .filter(mails::due_at.le(now.naive_utc()))
        .order((mails::due_at.asc(), mails::mail_id.asc()))
        .limit(limit)
        .select(mails::mail_id)
        .load(c))?)
}

/// Leases mails that are due to `owner` until `until`, the longest due first. Another node may have been quicker.
///
/// # Errors
/// `Statement`.
pub fn claim(
    tx: &mut Connection,
    owner: &str,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
    limit: i64,
) -> Result<Vec<MailRow>, StoreError> {
    let ids = due(tx, now, limit)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    on_packets!(tx, c => diesel::update(mails::table)
        .filter(mails::mail_id.eq_any(&ids))
        .filter(mails::state.eq(WAITING))
        .filter(mails::due_at.le(now.naive_utc()))
        .set((mails::due_at.eq(until.naive_utc()), mails::lease_owner.eq(Some(owner))))
        .execute(c))?;
    Ok(on_packets!(tx, c => mails::table
        .filter(mails::mail_id.eq_any(&ids))
        .filter(mails::lease_owner.eq(owner))
        .order(mails::mail_id.asc())
        .select(MailRow::as_select())
        .load(c))?)
}

/// Takes a mail out of the line: it was sent, or will never be (`reason`). Nothing happens when `owner` lost its lease.
///
/// # Errors
/// `Statement`.
pub fn finish(
    tx: &mut Connection,
    mail_id: &str,
    owner: &str,
    (reason, at): (Option<&str>, DateTime<Utc>),
) -> Result<(), StoreError> {
    let state = if reason.is_some() { "failed" } else { "sent" };
    on_packets!(tx, c => diesel::update(mails::table)
        .filter(mails::mail_id.eq(mail_id))
        .filter(mails::lease_owner.eq(owner))
        .set((
            mails::state.eq(state),
            mails::reason.eq(reason.unwrap_or_default()),
            mails::attempts.eq(mails::attempts + 1),
            mails::lease_owner.eq(None::<String>),
            mails::finished_at.eq(Some(at.naive_utc())),
        ))
        .execute(c))?;
    Ok(())
}

/// Puts a mail back in line for `due_at`, with why it was not sent; without a reason it was not even tried.
///
/// # Errors
/// `Statement`.
pub fn put_back(
    tx: &mut Connection,
    mail_id: &str,
    owner: &str,
    (reason, due_at): (Option<&str>, DateTime<Utc>),
) -> Result<(), StoreError> {
    let row = mails::table.filter(mails::mail_id.eq(mail_id)).filter(mails::lease_owner.eq(owner));
    let back = (mails::due_at.eq(due_at.naive_utc()), mails::lease_owner.eq(None::<String>));
    match reason {
        Some(why) => on_packets!(tx, c => diesel::update(row)
            .set((back, mails::reason.eq(why), mails::attempts.eq(mails::attempts + 1)))
            .execute(c))?,
        None => on_packets!(tx, c => diesel::update(row).set(back).execute(c))?,
    };
    Ok(())
}

/// Mails that wait, the longest due first, and then those that failed, the newest first.
///
/// # Errors
/// `Statement`.
pub fn unsent(tx: &mut Connection, limit: i64) -> Result<Vec<MailRow>, StoreError> {
    let mut rows: Vec<MailRow> = on_packets!(tx, c => mails::table
        .filter(mails::state.eq(WAITING))
        .order((mails::due_at.asc(), mails::mail_id.asc()))
        .limit(limit)
        .select(MailRow::as_select())
        .load(c))?;
    let failed: Vec<MailRow> = on_packets!(tx, c => mails::table
        .filter(mails::state.eq("failed"))
        .filter(mails::finished_at.is_not_null())
        .order(mails::finished_at.desc())
        .limit(limit)
        .select(MailRow::as_select())
        .load(c))?;
    rows.extend(failed);
    Ok(rows)
}

/// Removes mails that ended before `before`. Answers how many.
///
/// # Errors
/// `Statement`.
pub fn remove_ended(tx: &mut Connection, before: DateTime<Utc>) -> Result<usize, StoreError> {
    Ok(on_packets!(tx, c => diesel::delete(mails::table.filter(mails::finished_at.lt(before.naive_utc())))
        .execute(c))?)
}
