//! Re-drives: what people proposed, decided and how far each is. Every change is a guarded update: its `WHERE` repeats what
//! it was computed from.

use super::connection::on_packets;
use super::schema::{deliveries, redriven_deliveries, redrives};
use super::undertakings::undertaking;
use super::{Connection, StoreError};
use crate::domain::cause::Cause;
use crate::domain::undertaking::UndertakingState;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// A re-drive as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = redrives)]
pub struct RedriveRow {
    /// Its id.
    pub redrive_id: String,
    /// Canonical code of the recipient.
    pub recipient_code: String,
    cause: String,
    /// Most deliveries that are started in one minute.
    pub per_minute: i32,
    /// Why, as who proposed it wrote.
    pub reason: String,
    /// How many failures there were when it was proposed.
    pub found: i64,
    state: String,
    /// The person who proposed it.
    pub proposed_by: String,
    proposed_at: NaiveDateTime,
    /// The person who decided, where one was not enough.
    pub decided_by: Option<String>,
    decided_at: Option<NaiveDateTime>,
    expires_at: NaiveDateTime,
    /// The last delivery that was gone through; empty at the beginning.
    pub after_delivery: String,
    /// New deliveries that were made.
    pub started: i64,
    /// Documents that were recalled or replaced meanwhile.
    pub taken_back: i64,
    /// Deliveries that had been started anew before.
    pub started_before: i64,
    ended_at: Option<NaiveDateTime>,
}

/// A re-drive as it is proposed.
#[derive(Debug, Clone)]
pub struct NewRedrive {
    /// Its id.
    pub redrive_id: String,
    /// Canonical code of the recipient.
    pub recipient_code: String,
    /// Of which failures.
    pub cause: Cause,
    /// Most deliveries that are started in one minute.
    pub per_minute: i32,
    /// Why.
    pub reason: String,
    /// How many there are.
    pub found: i64,
    /// Whether it waits for a second person.
    pub state: UndertakingState,
    /// Who proposes it.
    pub proposed_by: String,
}

undertaking!(RedriveRow, "redrives.state");

impl RedriveRow {
    /// Of which failures.
    ///
    /// # Errors
    /// `UnknownWord`.
    pub fn cause(&self) -> Result<Cause, StoreError> {
        let unknown = || StoreError::UnknownWord { column: "redrives.cause", value: self.cause.clone() };
        Cause::of_code(&self.cause).ok_or_else(unknown)
    }

    /// Deliveries that were gone through.
    pub fn gone_through(&self) -> i64 {
        self.started.saturating_add(self.taken_back).saturating_add(self.started_before)
    }
}

/// Adds a re-drive.
///
/// # Errors
/// `Statement`; a unique violation while another one of the same failures has not ended.
pub fn insert(
    tx: &mut Connection,
    new: NewRedrive,
    (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), StoreError> {
    let row = RedriveRow {
        redrive_id: new.redrive_id,
        recipient_code: new.recipient_code,
        cause: new.cause.code().to_owned(),
        per_minute: new.per_minute,
        reason: new.reason,
        found: new.found,
        state: new.state.word().to_owned(),
        proposed_by: new.proposed_by,
        proposed_at: now.naive_utc(),
        decided_by: None,
        decided_at: None,
        expires_at: expires_at.naive_utc(),
        after_delivery: String::new(),
        started: 0,
        taken_back: 0,
        started_before: 0,
        ended_at: None,
    };
    on_packets!(tx, c => diesel::insert_into(redrives::table).values(&row).execute(c))?;
    Ok(())
}

/// The re-drive of an id.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, redrive_id: &str) -> Result<Option<RedriveRow>, StoreError> {
    Ok(on_packets!(tx, c => redrives::table
        .filter(redrives::redrive_id.eq(redrive_id))
        .select(RedriveRow::as_select())
        .get_result(c)
        .optional())?)
}

/// The one of a recipient and a cause that has not ended.
///
/// # Errors
/// `Statement`.
pub fn open_of(tx: &mut Connection, recipient_code: &str, cause: Cause) -> Result<Option<RedriveRow>, StoreError> {
    Ok(on_packets!(tx, c => redrives::table
        .filter(redrives::recipient_code.eq(recipient_code))
        .filter(redrives::cause.eq(cause.code()))
        .filter(redrives::ended_at.is_null())
        .select(RedriveRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Those that have not ended, oldest first.
///
/// # Errors
/// `Statement`.
pub fn open(tx: &mut Connection) -> Result<Vec<RedriveRow>, StoreError> {
    Ok(on_packets!(tx, c => redrives::table
        .filter(redrives::ended_at.is_null())
        .order(redrives::redrive_id.asc())
        .select(RedriveRow::as_select())
        .load(c))?)
}

/// The newest ones, ended or not.
///
/// # Errors
/// `Statement`.
pub fn newest(tx: &mut Connection, limit: i64) -> Result<Vec<RedriveRow>, StoreError> {
    Ok(on_packets!(tx, c => redrives::table
        .order(redrives::redrive_id.desc())
        .limit(limit)
        .select(RedriveRow::as_select())
        .load(c))?)
}

/// Moves a re-drive to another state; `decided_by` is who decided, where somebody did. Says whether it still stood as in `row`.
///
/// # Errors
/// `Statement`; a constraint, when who decides is who proposed.
pub fn set_state(
    tx: &mut Connection,
    row: &RedriveRow,
    (to, decided_by): (UndertakingState, Option<&str>),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let at = at.naive_utc();
    let decided = decided_by.map_or((row.decided_by.as_deref(), row.decided_at), |by| (Some(by), Some(at)));
    let changed = on_packets!(tx, c => diesel::update(redrives::table)
        .filter(redrives::redrive_id.eq(&row.redrive_id))
        .filter(redrives::state.eq(&row.state))
        .set((
            redrives::state.eq(to.word()),
            redrives::decided_by.eq(decided.0),
            redrives::decided_at.eq(decided.1),
            redrives::ended_at.eq(to.is_final().then_some(at)),
        ))
        .execute(c))?;
    Ok(changed == 1)
}

/// Notes how far a re-drive got: the last delivery, and how many were started, taken back or started before. Says whether it
/// still stood as in `row`.
///
/// # Errors
/// `Statement`.
pub fn advance(
    tx: &mut Connection,
    row: &RedriveRow,
    after_delivery: &str,
    [started, taken_back, started_before]: [i64; 3],
) -> Result<bool, StoreError> {
    let advanced = on_packets!(tx, c => diesel::update(redrives::table)
        .filter(redrives::redrive_id.eq(&row.redrive_id))
        .filter(redrives::state.eq(&row.state))
        .filter(redrives::after_delivery.eq(&row.after_delivery))
        .set((
            redrives::after_delivery.eq(after_delivery),
            redrives::started.eq(row.started.saturating_add(started)),
            redrives::taken_back.eq(row.taken_back.saturating_add(taken_back)),
            redrives::started_before.eq(row.started_before.saturating_add(started_before)),
        ))
        .execute(c))?;
    Ok(advanced == 1)
}

/// Notes the new deliveries of a re-drive.
///
/// # Errors
/// `Statement`.
pub fn note_started(tx: &mut Connection, redrive_id: &str, delivery_ids: &[String]) -> Result<(), StoreError> {
    if delivery_ids.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = delivery_ids
        .iter()
        .map(|id| (redriven_deliveries::redrive_id.eq(redrive_id), redriven_deliveries::delivery_id.eq(id)))
        .collect();
    on_packets!(tx, c => diesel::insert_into(redriven_deliveries::table).values(&rows).execute(c))?;
    Ok(())
}

/// How many of its new deliveries are in which state.
///
/// # Errors
/// `Statement`.
pub fn outcome(tx: &mut Connection, redrive_id: &str) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(on_packets!(tx, c => redriven_deliveries::table
        .inner_join(deliveries::table.on(deliveries::delivery_id.eq(redriven_deliveries::delivery_id)))
        .filter(redriven_deliveries::redrive_id.eq(redrive_id))
        .group_by(deliveries::state)
        .select((deliveries::state, diesel::dsl::count_star()))
        .load(c))?)
}
