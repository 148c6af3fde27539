//! Looking at the database itself: its form, its settings, how much waits. Plain SQL that both databases take, or that
//! only one of them has; nothing here changes anything.

use super::connection::on;
use super::{Connection, StoreError};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn number(tx: &mut Connection, sql: &str) -> Result<i64, StoreError> {
    let row: Number = on!(tx, c => diesel::sql_query(sql).get_result(c))?;
    Ok(row.number)
}

/// How many deliveries are at the disposal of recipients, counted up to `most`.
///
/// # Errors
/// `Statement`.
pub fn waiting(tx: &mut Connection, most: u64) -> Result<i64, StoreError> {
    number(
        tx,
        &format!(
            "SELECT count(*) AS number FROM (SELECT 1 FROM deliveries WHERE state = 'consigned' LIMIT {most}) AS some"
        ),
    )
}
