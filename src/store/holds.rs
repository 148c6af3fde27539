//! Legal holds: what must stay, whatever its class says.

use super::connection::on_packets;
use super::schema::{deliveries, legal_holds};
use super::{Connection, StoreError};
use crate::domain::retention::Scope;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{exists, select};
use diesel::prelude::*;

/// A hold as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = legal_holds)]
pub struct HoldRow {
    /// Its id.
    pub hold_id: String,
    scope: String,
    /// Why, as who placed it wrote.
    pub reason: String,
    /// Who placed it: a person, a system, or `operator`.
    pub placed_by: String,
    placed_at: NaiveDateTime,
    /// Who lifted it.
    pub lifted_by: Option<String>,
    lifted_at: Option<NaiveDateTime>,
    /// Why it was lifted.
    pub lifted_reason: String,
}

impl HoldRow {
    /// One that is placed now.
    pub fn new(hold_id: String, scope: &Scope, (by, reason): (String, String), at: DateTime<Utc>) -> Self {
        Self {
            hold_id,
            scope: scope_text(scope),
            reason,
            placed_by: by,
            placed_at: at.naive_utc(),
            lifted_by: None,
            lifted_at: None,
            lifted_reason: String::new(),
        }
    }

    /// What it holds.
    ///
    /// # Errors
    /// `UnknownWord`.
    pub fn scope(&self) -> Result<Scope, StoreError> {
        scope_of("legal_holds.scope", &self.scope)
    }

    /// When it was placed.
    pub fn placed_at(&self) -> DateTime<Utc> {
        self.placed_at.and_utc()
    }

    /// When it was lifted.
    pub fn lifted_at(&self) -> Option<DateTime<Utc>> {
        self.lifted_at.map(|at| at.and_utc())
    }
}

/// A scope as it is kept.
pub(super) fn scope_text(scope: &Scope) -> String {
    serde_json::to_string(scope).unwrap_or_default()
}

/// The scope that a column holds.
pub(super) fn scope_of(column: &'static str, text: &str) -> Result<Scope, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::UnknownWord { column, value: text.to_owned() })
}

/// Places a hold.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &HoldRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(legal_holds::table).values(row).execute(c))?;
    Ok(())
}

/// The hold of an id.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, hold_id: &str) -> Result<Option<HoldRow>, StoreError> {
    Ok(on_packets!(tx, c => legal_holds::table
        .filter(legal_holds::hold_id.eq(hold_id))
        .select(HoldRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Lifts a hold. Says whether it was in force.
///
/// # Errors
/// `Statement`.
pub fn lift(
    tx: &mut Connection,
    hold_id: &str,
    (by, reason): (&str, &str),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let lifted = on_packets!(tx, c => diesel::update(legal_holds::table)
        .filter(legal_holds::hold_id.eq(hold_id))
        .filter(legal_holds::lifted_at.is_null())
        .set((
            legal_holds::lifted_by.eq(Some(by)),
            legal_holds::lifted_at.eq(Some(at.naive_utc())),
            legal_holds::lifted_reason.eq(reason),
        ))
        .execute(c))?;
    Ok(lifted == 1)
}

/// What is held now.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn in_force(tx: &mut Connection) -> Result<Vec<Scope>, StoreError> {
    let rows: Vec<HoldRow> = on_packets!(tx, c => legal_holds::table
        .filter(legal_holds::lifted_at.is_null())
        .select(HoldRow::as_select())
        .load(c))?;
    rows.iter().map(HoldRow::scope).collect()
}

/// Holds that were lifted, or those in force, before one of them, the newest first; without one, from the newest on.
///
/// # Errors
/// `Statement`.
pub fn list_before(
    tx: &mut Connection,
    (is_lifted, before): (bool, &str),
    limit: i64,
) -> Result<Vec<HoldRow>, StoreError> {
    let before = if before.is_empty() { "g" } else { before };
    Ok(on_packets!(tx, c => legal_holds::table
        .filter(legal_holds::lifted_at.is_not_null().eq(is_lifted))
        .filter(legal_holds::hold_id.lt(before))
        .order(legal_holds::hold_id.desc())
        .limit(limit)
        .select(HoldRow::as_select())
        .load(c))?)
}

/// Whether any packet is about the document of that identifier.
///
/// # Errors
/// `Statement`.
pub fn knows_document(tx: &mut Connection, document_id: &str) -> Result<bool, StoreError> {
    Ok(on_packets!(tx, c => select(exists(deliveries::table.filter(deliveries::document_id.eq(document_id))))
        .get_result(c))?)
}
