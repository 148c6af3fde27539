//! Routes: which agencies are behind which neighbouring hub. They are few, and a transaction reads them once.

use super::connection::{on, on_directory};
use super::schema::routes;
use super::{Connection, StoreError};
use crate::domain::relay::Routes;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::sync::Arc;

/// A route as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = routes)]
pub struct RouteRow {
    /// An organ id in upper case, with all below it, or `*`.
    pub prefix: String,
    /// Where it leads.
    pub neighbour: String,
    created_at: NaiveDateTime,
}

/// Every route, for looking ways up.
///
/// # Errors
/// `Statement`.
pub fn all(tx: &mut Connection) -> Result<Arc<Routes>, StoreError> {
    if let Some(known) = tx.known.routes() {
        return Ok(known);
    }
    let rows: Vec<(String, String)> =
        on_directory!(tx, c => routes::table.select((routes::prefix, routes::neighbour)).load(c))?;
    Ok(tx.known.remember_routes(rows))
}

/// Every route in the order of prefixes.
///
/// # Errors
/// `Statement`.
pub fn list(tx: &mut Connection) -> Result<Vec<RouteRow>, StoreError> {
    Ok(on!(tx, c => routes::table.order(routes::prefix.asc()).select(RouteRow::as_select()).load(c))?)
}

/// Lets a prefix lead to a neighbour. Answers where it led before.
///
/// # Errors
/// `Statement`.
pub fn set(
    tx: &mut Connection,
    prefix: &str,
    neighbour: &str,
    at: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    let before = remove(tx, prefix)?;
    let row = RouteRow { prefix: prefix.to_owned(), neighbour: neighbour.to_owned(), created_at: at.naive_utc() };
    on!(tx, c => diesel::insert_into(routes::table).values(&row).execute(c))?;
    Ok(before)
}

/// Removes the route of a prefix. Answers where it led.
///
/// # Errors
/// `Statement`.
pub fn remove(tx: &mut Connection, prefix: &str) -> Result<Option<String>, StoreError> {
    let before: Option<String> = on!(tx, c => routes::table
        .filter(routes::prefix.eq(prefix))
        .select(routes::neighbour)
        .get_result(c)
        .optional())?;
    if before.is_some() {
        on!(tx, c => diesel::delete(routes::table.filter(routes::prefix.eq(prefix))).execute(c))?;
    }
    Ok(before)
}
