//! Grants: what administrators proposed to give, who decided, and whether it was given. Every change is a guarded update: its
//! `WHERE` repeats what it was computed from.

use super::connection::on;
use super::schema::grants;
use super::undertakings::undertaking;
use super::{Connection, StoreError};
use crate::domain::grant::Gift;
use crate::domain::undertaking::UndertakingState;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// A grant as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = grants)]
pub struct GrantRow {
    /// Its id.
    pub grant_id: String,
    gift: String,
    /// The system that gets it, or the agency whose endpoint it is.
    pub holder: String,
    /// Why, as who proposed it wrote.
    pub reason: String,
    state: String,
    /// The person who proposed it.
    pub proposed_by: String,
    proposed_at: NaiveDateTime,
    /// The person who decided.
    pub decided_by: Option<String>,
    decided_at: Option<NaiveDateTime>,
    expires_at: NaiveDateTime,
    ended_at: Option<NaiveDateTime>,
}

undertaking!(GrantRow, "grants.state");

impl GrantRow {
    /// One that is proposed now.
    pub fn new(
        grant_id: String,
        (gift, reason): (&Gift, String),
        proposed_by: String,
        (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Self {
        Self {
            grant_id,
            gift: serde_json::to_string(gift).unwrap_or_default(),
            holder: gift.holder().to_owned(),
            reason,
            state: UndertakingState::Proposed.word().to_owned(),
            proposed_by,
            proposed_at: now.naive_utc(),
            decided_by: None,
            decided_at: None,
            expires_at: expires_at.naive_utc(),
            ended_at: None,
        }
    }

    /// What is to be given.
    ///
    /// # Errors
    /// `UnknownWord`.
    pub fn gift(&self) -> Result<Gift, StoreError> {
        let unknown = |_| StoreError::UnknownWord { column: "grants.gift", value: self.gift.clone() };
        serde_json::from_str(&self.gift).map_err(unknown)
    }
}

/// Adds a grant.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &GrantRow) -> Result<(), StoreError> {
    on!(tx, c => diesel::insert_into(grants::table).values(row).execute(c))?;
    Ok(())
}

/// The grant of an id.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, grant_id: &str) -> Result<Option<GrantRow>, StoreError> {
    Ok(on!(tx, c => grants::table
        .filter(grants::grant_id.eq(grant_id))
        .select(GrantRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Those that have not ended, oldest first.
///
/// # Errors
/// `Statement`.
pub fn open(tx: &mut Connection) -> Result<Vec<GrantRow>, StoreError> {
    Ok(on!(tx, c => grants::table
        .filter(grants::ended_at.is_null())
        .order(grants::grant_id.asc())
        .select(GrantRow::as_select())
        .load(c))?)
}

/// The same of one holder.
///
/// # Errors
/// `Statement`.
pub fn open_of(tx: &mut Connection, holder: &str) -> Result<Vec<GrantRow>, StoreError> {
    Ok(on!(tx, c => grants::table
        .filter(grants::holder.eq(holder))
        .filter(grants::ended_at.is_null())
        .order(grants::grant_id.asc())
        .select(GrantRow::as_select())
        .load(c))?)
}

/// The newest ones, ended or not.
///
/// # Errors
/// `Statement`.
pub fn newest(tx: &mut Connection, limit: i64) -> Result<Vec<GrantRow>, StoreError> {
    Ok(on!(tx, c => grants::table
        .order(grants::grant_id.desc())
        .limit(limit)
        .select(GrantRow::as_select())
        .load(c))?)
}

/// Moves a grant to another state, in which it may stay until `expires_at` unless it is final; `decided_by` is who decided, where
/// somebody did. Says whether it still stood as in `row`.
///
/// # Errors
/// `Statement`; a constraint, when who decides is who proposed.
pub fn set_state(
    tx: &mut Connection,
    row: &GrantRow,
    (to, decided_by): (UndertakingState, Option<&str>),
    (at, expires_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let at = at.naive_utc();
    let decided = decided_by.map_or((row.decided_by.as_deref(), row.decided_at), |by| (Some(by), Some(at)));
    let changed = on!(tx, c => diesel::update(grants::table)
        .filter(grants::grant_id.eq(&row.grant_id))
        .filter(grants::state.eq(&row.state))
        .set((
            grants::state.eq(to.word()),
            grants::decided_by.eq(decided.0),
            grants::decided_at.eq(decided.1),
            grants::expires_at.eq(expires_at.naive_utc()),
            grants::ended_at.eq(to.is_final().then_some(at)),
        ))
        .execute(c))?;
    Ok(changed == 1)
}
