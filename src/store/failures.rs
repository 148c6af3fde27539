//! What has failed and nobody has mended yet, by recipient and cause. A row comes and goes in the transaction in which its
//! delivery fails, is started anew or arrives after all. Not here: the deliveries themselves (`deliveries`), how many there
//! are in all (`inspect`).

use super::connection::on_packets;
use super::deliveries::DeliveryRow;
use super::envelopes::EnvelopeRow;
use super::schema::{deliveries, envelopes, failures};
use super::{Connection, IDS_MAX, StoreError};
use crate::domain::cause::Cause;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// Notes that a delivery has failed.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &DeliveryRow, cause: Cause, at: DateTime<Utc>) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(failures::table)
        .values((
            failures::delivery_id.eq(&row.delivery_id),
            failures::recipient_code.eq(&row.recipient_code),
            failures::cause.eq(cause.code()),
            failures::failed_at.eq(at.naive_utc()),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Notes that these are mended, or need no mending.
///
/// # Errors
/// `Statement`.
pub fn remove(tx: &mut Connection, delivery_ids: &[&str]) -> Result<(), StoreError> {
    if delivery_ids.is_empty() {
        return Ok(());
    }
    on_packets!(tx, c => diesel::delete(failures::table.filter(failures::delivery_id.eq_any(delivery_ids))).execute(c))?;
    Ok(())
}

/// Which of these deliveries failed for a cause and were not mended.
///
/// # Errors
/// `Statement`.
pub fn of_cause(tx: &mut Connection, cause: Cause, delivery_ids: &[&str]) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for some in delivery_ids.chunks(IDS_MAX) {
        found.extend(on_packets!(tx, c => failures::table
            .filter(failures::delivery_id.eq_any(some))
            .filter(failures::cause.eq(cause.code()))
            .select(failures::delivery_id)
            .load::<String>(c))?);
    }
    Ok(found)
}

/// How many there are for a recipient and a cause, and since when.
///
/// # Errors
/// `Statement`.
pub fn number(
    tx: &mut Connection,
    recipient_code: &str,
    cause: Cause,
) -> Result<(i64, Option<DateTime<Utc>>), StoreError> {
    let (number, oldest): (i64, Option<NaiveDateTime>) = on_packets!(tx, c => failures::table
        .filter(failures::recipient_code.eq(recipient_code))
        .filter(failures::cause.eq(cause.code()))
        .select((diesel::dsl::count_star(), diesel::dsl::min(failures::failed_at)))
        .get_result(c))?;
    Ok((number, oldest.map(|at| at.and_utc())))
}

/// How many there are for a recipient by cause, and since when.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn of_recipient(tx: &mut Connection, recipient_code: &str) -> Result<Vec<(Cause, i64, DateTime<Utc>)>, StoreError> {
    let rows: Vec<(String, i64, Option<NaiveDateTime>)> = on_packets!(tx, c => failures::table
        .filter(failures::recipient_code.eq(recipient_code))
        .group_by(failures::cause)
        .select((failures::cause, diesel::dsl::count_star(), diesel::dsl::min(failures::failed_at)))
        .load(c))?;
    let row = |(cause, number, oldest): (String, i64, Option<NaiveDateTime>)| {
        let known = Cause::of_code(&cause);
        let known = known.ok_or(StoreError::UnknownWord { column: "failures.cause", value: cause })?;
        Ok((known, number, oldest.unwrap_or_default().and_utc()))
    };
    rows.into_iter().map(row).collect()
}

/// The deliveries of a recipient and a cause that failed by a time, with their envelopes, in the order of ids.
///
/// # Errors
/// `Statement`.
pub fn of_group(
    tx: &mut Connection,
    (recipient_code, cause): (&str, Cause),
    until: DateTime<Utc>,
    (after, limit): (&str, i64),
) -> Result<Vec<(DeliveryRow, EnvelopeRow)>, StoreError> {
    Ok(on_packets!(tx, c => failures::table
        .inner_join(deliveries::table.on(deliveries::delivery_id.eq(failures::delivery_id)))
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(deliveries::envelope_id)))
        .filter(failures::recipient_code.eq(recipient_code))
        .filter(failures::cause.eq(cause.code()))
        .filter(failures::delivery_id.gt(after))
        .filter(failures::failed_at.le(until.naive_utc()))
        .order(failures::delivery_id.asc())
        .limit(limit)
        .select((DeliveryRow::as_select(), EnvelopeRow::as_select()))
        .load(c))?)
}
