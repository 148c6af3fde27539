//! Scheduled work: the row is the job. A tick inserts it once in the cluster; a node claims it by lease.

use super::connection::on;
use super::schema::job_runs;
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// Notes that a job is due; nothing changes when another node noted it before.
///
/// # Errors
/// `Statement`.
pub fn insert_due(tx: &mut Connection, job: &str, due_at: DateTime<Utc>) -> Result<(), StoreError> {
    let there: Option<String> = on!(tx, c => job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::due_at.eq(due_at.naive_utc()))
        .select(job_runs::job)
        .get_result(c)
        .optional())?;
    if there.is_none() {
        on!(tx, c => diesel::insert_into(job_runs::table)
            .values((job_runs::job.eq(job), job_runs::due_at.eq(due_at.naive_utc())))
            .execute(c))?;
    }
    Ok(())
}

/// Takes a due run of a job for `owner` until `until`: the oldest that is not finished and not leased. The
/// update repeats the condition it was chosen by, so that of two nodes only one gets it.
///
/// # Errors
/// `Statement`.
pub fn claim(
    tx: &mut Connection,
    job: &str,
    owner: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let due: Option<NaiveDateTime> = on!(tx, c => job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::due_at.le(now.naive_utc()))
        .filter(job_runs::finished_at.is_null())
        .filter(job_runs::lease_until.is_null().or(job_runs::lease_until.le(now.naive_utc())))
        .order(job_runs::due_at.asc())
        .select(job_runs::due_at)
        .first(c)
        .optional())?;
    let Some(due) = due else { return Ok(None) };
    let claimed = on!(tx, c => diesel::update(job_runs::table)
        .filter(job_runs::job.eq(job))
        .filter(job_runs::due_at.eq(due))
        .filter(job_runs::finished_at.is_null())
        .filter(job_runs::lease_until.is_null().or(job_runs::lease_until.le(now.naive_utc())))
        .set((job_runs::lease_owner.eq(Some(owner)), job_runs::lease_until.eq(Some(until.naive_utc()))))
        .execute(c))?;
    Ok((claimed == 1).then(|| due.and_utc()))
}

/// Marks a claimed run as done. Says whether the lease was still the owner's.
///
/// # Errors
/// `Statement`.
pub fn finish(
    tx: &mut Connection,
    (job, due_at): (&str, DateTime<Utc>),
    owner: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let finished = on!(tx, c => diesel::update(job_runs::table)
        .filter(job_runs::job.eq(job))
        .filter(job_runs::due_at.eq(due_at.naive_utc()))
        .filter(job_runs::lease_owner.eq(owner))
        .filter(job_runs::finished_at.is_null())
        .set(job_runs::finished_at.eq(Some(at.naive_utc())))
        .execute(c))?;
    Ok(finished == 1)
}
