//! Runs of the self-test, their marks and results, and what the register says of a run's packets. What a run means
//! is in `domain::selftest`.

use super::connection::on;
use super::deliveries::DeliveryRow;
use super::envelopes::StatusRow;
use super::schema::{attachments, deliveries, selftest_marks, selftest_results, selftest_runs, status_reports};
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// A run as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = selftest_runs)]
pub struct RunRow {
    /// Its id.
    pub run_id: String,
    /// The system that began it.
    pub system_id: String,
    /// The tested agency.
    pub agency_code: String,
    /// Version of the case set.
    pub case_set: String,
    /// Codes of its cases with commas between.
    pub cases: String,
    /// When it began.
    pub started_at: NaiveDateTime,
    /// When it ends by itself.
    pub ends_at: NaiveDateTime,
    /// When it was finished.
    pub finished_at: Option<NaiveDateTime>,
    /// The certificate as it was issued.
    pub certificate: Option<String>,
}

/// Adds a run.
///
/// # Errors
/// `Statement`; a unique violation when the agency has a live one.
pub fn insert_run(tx: &mut Connection, row: &RunRow) -> Result<(), StoreError> {
    on!(tx, c => diesel::insert_into(selftest_runs::table).values(row).execute(c))?;
    Ok(())
}

/// The run of an id.
///
/// # Errors
/// `Statement`.
pub fn find_run(tx: &mut Connection, run_id: &str) -> Result<Option<RunRow>, StoreError> {
    Ok(on!(tx, c => selftest_runs::table
        .filter(selftest_runs::run_id.eq(run_id))
        .select(RunRow::as_select())
        .get_result(c)
        .optional())?)
}

/// The run of an agency that is not finished.
///
/// # Errors
/// `Statement`.
pub fn live_run(tx: &mut Connection, agency_code: &str) -> Result<Option<RunRow>, StoreError> {
    Ok(on!(tx, c => selftest_runs::table
        .filter(selftest_runs::agency_code.eq(agency_code))
        .filter(selftest_runs::finished_at.is_null())
        .select(RunRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Every run that is not finished, the oldest first, at most `limit`.
///
/// # Errors
/// `Statement`.
pub fn live_runs(tx: &mut Connection, limit: i64) -> Result<Vec<RunRow>, StoreError> {
    Ok(on!(tx, c => selftest_runs::table
        .filter(selftest_runs::finished_at.is_null())
        .order(selftest_runs::run_id.asc())
        .limit(limit)
        .select(RunRow::as_select())
        .load(c))?)
}

/// How many runs of an agency began after a time.
///
/// # Errors
/// `Statement`.
pub fn runs_since(tx: &mut Connection, agency_code: &str, since: DateTime<Utc>) -> Result<i64, StoreError> {
    Ok(on!(tx, c => selftest_runs::table
        .filter(selftest_runs::agency_code.eq(agency_code))
        .filter(selftest_runs::started_at.gt(since.naive_utc()))
        .count()
        .get_result(c))?)
}

/// Finishes a run. Says whether it was live.
///
/// # Errors
/// `Statement`.
pub fn finish_run(
    tx: &mut Connection,
    run_id: &str,
    at: DateTime<Utc>,
    certificate: Option<&str>,
) -> Result<bool, StoreError> {
    let changed = on!(tx, c => diesel::update(selftest_runs::table)
        .filter(selftest_runs::run_id.eq(run_id))
        .filter(selftest_runs::finished_at.is_null())
        .set((
            selftest_runs::finished_at.eq(Some(at.naive_utc())),
            selftest_runs::certificate.eq(certificate),
        ))
        .execute(c))?;
    Ok(changed == 1)
}

/// Something that happened to a packet for a partner.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = selftest_marks)]
pub struct MarkRow {
    /// Its id, ordered by time.
    pub mark_id: String,
    /// The run.
    pub run_id: String,
    /// The case.
    pub case_code: String,
    /// `accepted`, `repeated`, `refused`, `failed`, `too-many`, `unavailable` or `lost`.
    pub what: String,
    /// The envelope concerned.
    pub envelope_id: Option<String>,
    /// The packet's meaning, the codes of a refusal, or the part that was confirmed as failed.
    pub detail: String,
    /// When.
    pub at: NaiveDateTime,
}

/// Adds a mark.
///
/// # Errors
/// `Statement`.
pub fn insert_mark(tx: &mut Connection, row: &MarkRow) -> Result<(), StoreError> {
    on!(tx, c => diesel::insert_into(selftest_marks::table).values(row).execute(c))?;
    Ok(())
}

/// The marks of a run, oldest first.
///
/// # Errors
/// `Statement`.
pub fn marks_of(tx: &mut Connection, run_id: &str) -> Result<Vec<MarkRow>, StoreError> {
    Ok(on!(tx, c => selftest_marks::table
        .filter(selftest_marks::run_id.eq(run_id))
        .order(selftest_marks::mark_id.asc())
        .select(MarkRow::as_select())
        .load(c))?)
}

/// How a case of a finished run ended.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = selftest_results)]
pub struct ResultRow {
    /// The run.
    pub run_id: String,
    /// The case.
    pub case_code: String,
    /// `passed` or `failed`.
    pub verdict: String,
    /// Why it failed, in Vietnamese.
    pub reason_vi: String,
    /// Why it failed, in English.
    pub reason_en: String,
    /// When it was judged.
    pub judged_at: NaiveDateTime,
}

/// Adds the result of a case.
///
/// # Errors
/// `Statement`.
pub fn insert_result(tx: &mut Connection, row: &ResultRow) -> Result<(), StoreError> {
    on!(tx, c => diesel::insert_into(selftest_results::table).values(row).execute(c))?;
    Ok(())
}

/// The results of a finished run, in the order of cases.
///
/// # Errors
/// `Statement`.
pub fn results_of(tx: &mut Connection, run_id: &str) -> Result<Vec<ResultRow>, StoreError> {
    Ok(on!(tx, c => selftest_results::table
        .filter(selftest_results::run_id.eq(run_id))
        .order(selftest_results::case_code.asc())
        .select(ResultRow::as_select())
        .load(c))?)
}

/// Every delivery, of whatever kind, about these documents from one agency to another, oldest first.
///
/// # Errors
/// `Statement`.
pub fn deliveries_about(
    tx: &mut Connection,
    document_ids: &[String],
    (sender_code, recipient_code): (&str, &str),
) -> Result<Vec<DeliveryRow>, StoreError> {
    Ok(on!(tx, c => deliveries::table
        .filter(deliveries::document_id.eq_any(document_ids))
        .filter(deliveries::sender_code.eq(sender_code))
        .filter(deliveries::recipient_code.eq(recipient_code))
        .order(deliveries::delivery_id.asc())
        .select(DeliveryRow::as_select())
        .load(c))?)
}

/// What an agency reported about these deliveries, oldest first.
///
/// # Errors
/// `Statement`.
pub fn reports_about(
    tx: &mut Connection,
    delivery_ids: &[String],
    reporter_code: &str,
) -> Result<Vec<StatusRow>, StoreError> {
    if delivery_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on!(tx, c => status_reports::table
        .filter(status_reports::delivery_id.eq_any(delivery_ids))
        .filter(status_reports::reporter_code.eq(reporter_code))
        .order(status_reports::envelope_id.asc())
        .select(StatusRow::as_select())
        .load(c))?)
}

/// Digests of what is attached to an envelope.
///
/// # Errors
/// `Statement`.
pub fn files_of(tx: &mut Connection, envelope_id: &str) -> Result<Vec<Vec<u8>>, StoreError> {
    Ok(on!(tx, c => attachments::table
        .filter(attachments::envelope_id.eq(envelope_id))
        .order(attachments::number.asc())
        .select(attachments::sha256)
        .load(c))?)
}
