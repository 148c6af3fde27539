//! Nodes: the processes of one hub on one database, each with when it was last there.

use super::connection::on_packets;
use super::schema::nodes;
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// A node as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = nodes)]
pub struct NodeRow {
    /// The id that the process drew.
    pub node_id: String,
    /// The machine's name.
    pub host: String,
    /// The program's version.
    pub version: String,
    started_at: NaiveDateTime,
    seen_at: NaiveDateTime,
}

impl NodeRow {
    /// A node that is there now.
    pub fn new(
        node_id: String,
        (host, version): (String, &str),
        (started_at, now): (DateTime<Utc>, DateTime<Utc>),
    ) -> Self {
        let version = version.to_owned();
        Self { node_id, host, version, started_at: started_at.naive_utc(), seen_at: now.naive_utc() }
    }

    /// When it started.
    pub fn started_at(&self) -> DateTime<Utc> {
        self.started_at.and_utc()
    }

    /// When it was last there.
    pub fn seen_at(&self) -> DateTime<Utc> {
        self.seen_at.and_utc()
    }
}

/// Notes that a node is there.
///
/// # Errors
/// `Statement`.
pub fn note(tx: &mut Connection, row: &NodeRow) -> Result<(), StoreError> {
    let seen = on_packets!(tx, c => diesel::update(nodes::table.filter(nodes::node_id.eq(&row.node_id)))
        .set(nodes::seen_at.eq(row.seen_at))
        .execute(c))?;
    if seen == 0 {
        on_packets!(tx, c => diesel::insert_into(nodes::table).values(row).execute(c))?;
    }
    Ok(())
}

/// Forgets a node that stopped, and those that were not there since a time.
///
/// # Errors
/// `Statement`.
pub fn forget(tx: &mut Connection, node_id: &str, before: DateTime<Utc>) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::delete(nodes::table)
        .filter(nodes::node_id.eq(node_id).or(nodes::seen_at.lt(before.naive_utc())))
        .execute(c))?;
    Ok(())
}

/// Forgets a node. Says whether it was known.
///
/// # Errors
/// `Statement`.
pub fn remove(tx: &mut Connection, node_id: &str) -> Result<bool, StoreError> {
    let gone = on_packets!(tx, c => diesel::delete(nodes::table.filter(nodes::node_id.eq(node_id))).execute(c))?;
    Ok(gone > 0)
}

/// Every node, in the order in which they started.
///
/// # Errors
/// `Statement`.
pub fn list(tx: &mut Connection) -> Result<Vec<NodeRow>, StoreError> {
    Ok(on_packets!(tx, c => nodes::table.order(nodes::node_id.asc()).select(NodeRow::as_select()).load(c))?)
}
