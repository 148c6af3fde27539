//! Scheduled work: the row is the job. A tick inserts it once in the cluster; a node claims it by lease; what came of it
//! stays for a while.

use super::connection::on_packets;
use super::schema::job_runs;
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = job_runs)]
pub struct RunRow {
    started_at: Option<NaiveDateTime>,
    finished_at: Option<NaiveDateTime>,
    /// `done`, `failed` or `skipped`; empty while it goes on, or when its node died.
    pub outcome: String,
    /// How many things it did.
    pub done: i64,
    /// Why it failed; else empty.
    pub reason: String,
}

impl RunRow {
    /// When a node last began it.
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        self.started_at.map(|at| at.and_utc())
    }

    /// When it ended.
    pub fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.finished_at.map(|at| at.and_utc())
    }
}

/// Notes that a job is due; nothing changes when another node noted it before.
///
/// # Errors
/// `Statement`.
pub fn insert_due(tx: &mut Connection, job: &str, due_at: DateTime<Utc>) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(job_runs::table)
        .values((job_runs::job.eq(job), job_runs::due_at.eq(due_at.naive_utc())))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Takes the newest due run of a job for `owner` until `until`, unless another run of it is on its way. Older runs that
/// nobody came to, or whose node died, are skipped: doing a job twice does nothing more. The update repeats the condition
/// it was chosen by, so that of two nodes only one gets it.
///
/// # Errors
/// `Statement`.
pub fn claim(
    tx: &mut Connection,
    job: &str,
    owner: &str,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let (now, until) = (now.naive_utc(), until.naive_utc());
    type Run = (NaiveDateTime, Option<NaiveDateTime>);
    let open: Vec<Run> = on_packets!(tx, c => job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::due_at.le(now))
        .filter(job_runs::finished_at.is_null())
        .order(job_runs::due_at.desc())
        .select((job_runs::due_at, job_runs::lease_until))
        .load(c))?;
    let Some((due, _)) = open.first().copied() else { return Ok(None) };
    if open.iter().any(|(_, lease)| lease.is_some_and(|lease| lease > now)) {
        return Ok(None);
    }
    let claimed = on_packets!(tx, c => diesel::update(job_runs::table)
        .filter(job_runs::job.eq(job))
        .filter(job_runs::due_at.eq(due))
        .filter(job_runs::finished_at.is_null())
        .filter(job_runs::lease_until.is_null().or(job_runs::lease_until.le(now)))
        .set((
            job_runs::lease_owner.eq(Some(owner)),
            job_runs::lease_until.eq(Some(until)),
            job_runs::started_at.eq(Some(now)),
        ))
        .execute(c))?;
    if claimed == 0 {
        return Ok(None);
    }
    on_packets!(tx, c => diesel::update(job_runs::table)
        .filter(job_runs::job.eq(job))
        .filter(job_runs::due_at.lt(due))
        .filter(job_runs::finished_at.is_null())
        .set((job_runs::finished_at.eq(Some(now)), job_runs::outcome.eq("skipped")))
        .execute(c))?;
    Ok(Some(due.and_utc()))
}

/// Notes how a claimed run ended: how much it did, or why it failed. Says whether the lease was still the owner's.
///
/// # Errors
/// `Statement`.
pub fn finish(
    tx: &mut Connection,
    (job, due_at): (&str, DateTime<Utc>),
    owner: &str,
    (ending, at): (&Result<i64, String>, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let (outcome, done, reason) = match ending {
        Ok(done) => ("done", *done, ""),
        Err(why) => ("failed", 0, why.as_str()),
    };
    let finished = on_packets!(tx, c => diesel::update(job_runs::table)
        .filter(job_runs::job.eq(job))
        .filter(job_runs::due_at.eq(due_at.naive_utc()))
        .filter(job_runs::lease_owner.eq(owner))
        .filter(job_runs::finished_at.is_null())
        .set((
            job_runs::finished_at.eq(Some(at.naive_utc())),
            job_runs::outcome.eq(outcome),
            job_runs::done.eq(done),
            job_runs::reason.eq(reason),
        ))
        .execute(c))?;
    Ok(finished == 1)
}

/// The run of a job that began last.
///
/// # Errors
/// `Statement`.
pub fn last(tx: &mut Connection, job: &str) -> Result<Option<RunRow>, StoreError> {
    Ok(on_packets!(tx, c => job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::started_at.is_not_null())
        .order(job_runs::due_at.desc())
        .select(RunRow::as_select())
        .first(c)
        .optional())?)
}

/// When the run of a job that was done last began.
///
/// # Errors
/// `Statement`.
pub fn last_done(tx: &mut Connection, job: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let began: Option<Option<NaiveDateTime>> = on_packets!(tx, c => job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::outcome.eq("done"))
        .order(job_runs::due_at.desc())
        .select(job_runs::started_at)
        .first(c)
        .optional())?;
    Ok(began.flatten().map(|at| at.and_utc()))
}

/// Removes runs that ended before `before`. Answers how many.
///
/// # Errors
/// `Statement`.
pub fn remove_ended(tx: &mut Connection, before: DateTime<Utc>) -> Result<usize, StoreError> {
    Ok(on_packets!(tx, c => diesel::delete(job_runs::table.filter(job_runs::finished_at.lt(before.naive_utc())))
        .execute(c))?)
}
