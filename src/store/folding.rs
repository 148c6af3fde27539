//! Numbers of days that are folded into their months: what is shown of a time as a whole need not be kept day by day. A month is
//! folded into its first day, so that whoever adds up its days finds the same. Not here: which days (`exchange::fold`).

use super::connection::on_packets;
use super::schema::statistic_counts::{agency_code, day, number, partner_code, scope, slice, table, what};
use super::{Connection, StoreError};
use diesel::dsl::min;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::upsert::excluded;

/// The next day after one of which there are numbers of a scope's word.
///
/// # Errors
/// `Statement`.
pub fn day_after(tx: &mut Connection, of: &str, after: &str) -> Result<Option<String>, StoreError> {
    let next = table.filter(scope.eq(of)).filter(day.gt(after)).select(min(day));
    Ok(on_packets!(tx, c => next.get_result(c))?)
}

/// Adds numbers of a day to those of another one and removes them from it: some `most` of them, and all of each agency. Answers how
/// many there were; nobody else may count meanwhile (`followers::stand_still`).
///
/// # Errors
/// `Statement`.
pub fn fold(tx: &mut Connection, of: &str, (from, into): (&str, &str), most: i64) -> Result<usize, StoreError> {
    let some: Vec<String> = on_packets!(tx, c => table
        .filter(scope.eq(of))
        .filter(day.eq(from))
        .order(agency_code.asc())
        .limit(most)
        .select(agency_code)
        .load(c))?;
    let Some(last) = some.last() else { return Ok(0) };
    on_packets!(tx, c => table
        .filter(scope.eq(of))
        .filter(day.eq(from))
        .filter(agency_code.le(last))
        .select((scope, into.into_sql::<Text>(), agency_code, slice, what, partner_code, number))
        .insert_into(table)
        .into_columns((scope, day, agency_code, slice, what, partner_code, number))
        .on_conflict((scope, day, agency_code, slice, what, partner_code))
        .do_update()
        .set(number.eq(number + excluded(number)))
        .execute(c))?;
    Ok(
        on_packets!(tx, c => diesel::delete(table.filter(scope.eq(of)).filter(day.eq(from)).filter(agency_code.le(last)))
        .execute(c))?,
    )
}
