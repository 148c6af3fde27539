//! What comes of pushes, of many at once: each function takes what was settled together, and what is asked or written for
//! each of it is one journey to a server. Whoever settles must still hold the lease where it matters; each thing is
//! answered for by itself. Not here: what waits and how it is leased (`pushes`), which state follows (`exchange::settle`).

use super::backlog::Waiting;
use super::connection::{Link, on_each};
use super::deliveries::DeliveryRow;
use super::prepared::StaysPrepared;
use super::schema::{attempts, deliveries, pushes};
use super::{Connection, StoreError};
use crate::domain::delivery::Progress;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sqlite::Sqlite;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = attempts)]
pub struct AttemptRow {
    /// The delivery.
    pub delivery_id: String,
    /// 1, 2, 3 …
    pub number: i32,
    pub(super) started_at: NaiveDateTime,
    pub(super) finished_at: NaiveDateTime,
    /// `taken`, `later`, `refused` or `gone`.
    pub outcome: String,
    /// Status of the answer, when there was one.
    pub http_status: Option<i32>,
    /// Why it failed, or the beginning of what the recipient answered; empty when it was taken.
    pub reason: String,
    pub(super) next_at: Option<NaiveDateTime>,
}

impl AttemptRow {
    /// An attempt that came to an end.
    pub fn new(
        (delivery_id, number): (&str, i32),
        (started_at, finished_at): (DateTime<Utc>, DateTime<Utc>),
        (outcome, http_status, reason): (&str, Option<u16>, &str),
        next_at: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            delivery_id: delivery_id.to_owned(),
            number,
            started_at: started_at.naive_utc(),
            finished_at: finished_at.naive_utc(),
            outcome: outcome.to_owned(),
            http_status: http_status.map(i32::from),
            reason: reason.to_owned(),
            next_at: next_at.map(|t| t.naive_utc()),
        }
    }

    /// When it began.
    pub fn started_at(&self) -> DateTime<Utc> {
        self.started_at.and_utc()
    }

    /// When it ended.
    pub fn finished_at(&self) -> DateTime<Utc> {
        self.finished_at.and_utc()
    }

    /// When the next one is planned.
    pub fn next_at(&self) -> Option<DateTime<Utc>> {
        self.next_at.map(|t| t.and_utc())
    }
}

/// A delivery on its way from one progress to another.
pub struct Change<'a> {
    /// As it was read.
    pub row: &'a DeliveryRow,
    /// How it shall stand.
    pub to: Progress,
    /// What goes with that.
    pub note: &'a str,
}

/// The same, as it is written.
pub(super) struct Step {
    pub(super) delivery_id: String,
    from: (String, String),
    recall: String,
    was_fetched: bool,
    to: Progress,
    note: String,
    fetched_at: Option<NaiveDateTime>,
    at: NaiveDateTime,
}

impl Step {
    fn of(Change { row, to, note }: &Change<'_>, at: DateTime<Utc>) -> Self {
        let at = at.naive_utc();
        Self {
            delivery_id: row.delivery_id.clone(),
            from: (row.state.clone(), row.mark.clone()),
            recall: row.recall.clone(),
            was_fetched: row.fetched_at.is_some(),
            to: *to,
            note: (*note).to_owned(),
            fetched_at: if to.fetched { row.fetched_at.or(Some(at)) } else { None },
            at,
        }
    }

    /// Changes one row, or none when the delivery does not stand there any more.
    pub(super) fn statement(&self) -> StaysPrepared<impl QueryFragment<Sqlite> + QueryFragment<Pg> + Send + '_> {
        StaysPrepared(
            diesel::update(deliveries::table)
                .filter(deliveries::delivery_id.eq(&self.delivery_id))
                .filter(deliveries::state.eq(&self.from.0))
                .filter(deliveries::mark.eq(&self.from.1))
                .filter(deliveries::recall.eq(&self.recall))
                .filter(deliveries::fetched_at.is_not_null().eq(self.was_fetched))
                .set((
                    deliveries::state.eq(self.to.state.word()),
                    deliveries::mark.eq(self.to.mark.word()),
                    deliveries::note.eq(&self.note),
                    deliveries::fetched_at.eq(self.fetched_at),
                    deliveries::changed_at.eq(self.at),
                )),
        )
    }
}

/// Moves deliveries from one progress to another. Says of each whether it still stood where its row says.
///
/// # Errors
/// `Statement`.
pub fn change(tx: &mut Connection, changes: &[Change<'_>], at: DateTime<Utc>) -> Result<Vec<bool>, StoreError> {
    let steps: Vec<Step> = changes.iter().map(|change| Step::of(change, at)).collect();
    steps.iter().for_each(|step| tx.known.moved(&step.delivery_id));
    let changed: Vec<usize> = on_each!(tx, execute, steps, step => step.statement())?;
    Ok(changed.into_iter().map(|rows| rows == 1).collect())
}

/// Moves a delivery from one progress to another; on a server, when what waits is written.
///
/// # Errors
/// `Raced` when it does not stand where its row says any more, at once or when it is written; `Statement`.
pub fn move_on(tx: &mut Connection, change: &Change<'_>, at: DateTime<Utc>) -> Result<(), StoreError> {
    let step = Step::of(change, at);
    tx.known.moved(&step.delivery_id);
    let moved = match &mut tx.link {
        Link::Sqlite(c) => RunQueryDsl::execute(step.statement(), &mut **c)?,
        Link::Postgres(_) => return tx.put(Waiting::Step(step)),
    };
    if moved == 1 { Ok(()) } else { Err(StoreError::Raced) }
}

/// Takes pushes out of the line, whoever has them on their way.
///
/// # Errors
/// `Statement`.
pub fn remove(tx: &mut Connection, push_ids: &[&str]) -> Result<(), StoreError> {
    let _: Vec<usize> =
        on_each!(tx, execute, push_ids, id => diesel::delete(pushes::table.filter(pushes::push_id.eq(*id))))?;
    Ok(())
}

/// Takes settled pushes out of the line, each with its owner. Says of each whether that one still held its lease.
///
/// # Errors
/// `Statement`.
pub fn finish(tx: &mut Connection, leased: &[(&str, &str)]) -> Result<Vec<bool>, StoreError> {
    let gone: Vec<usize> = on_each!(tx, execute, leased, (push_id, owner) => diesel::delete(pushes::table)
        .filter(pushes::push_id.eq(*push_id))
        .filter(pushes::lease_owner.eq(*owner)))?;
    Ok(gone.into_iter().map(|rows| rows == 1).collect())
}

/// A push that is tried again.
pub struct Again<'a> {
    /// The push.
    pub push_id: &'a str,
    /// Who has it on its way.
    pub owner: &'a str,
    /// Attempts so far.
    pub attempts: i32,
    /// When it is due again.
    pub due_at: DateTime<Utc>,
}

/// Puts pushes back in line. Says of each whether its owner still held its lease.
///
/// # Errors
/// `Statement`.
pub fn put_back(tx: &mut Connection, pushes: &[Again<'_>]) -> Result<Vec<bool>, StoreError> {
    let back: Vec<usize> = on_each!(tx, execute, pushes, again => StaysPrepared(diesel::update(pushes::table)
    .filter(pushes::push_id.eq(again.push_id))
    .filter(pushes::lease_owner.eq(again.owner))
    .set((
        pushes::due_at.eq(again.due_at.naive_utc()),
        pushes::attempts.eq(again.attempts),
        pushes::lease_owner.eq(None::<String>),
    ))))?;
    Ok(back.into_iter().map(|rows| rows == 1).collect())
}

/// Notes what came of attempts.
///
/// # Errors
/// `Statement`.
pub fn insert_attempts(tx: &mut Connection, rows: Vec<AttemptRow>) -> Result<(), StoreError> {
    for row in rows {
        match &mut tx.link {
            Link::Sqlite(c) => diesel::insert_into(attempts::table).values(row).execute(&mut **c).map(|_| ())?,
            Link::Postgres(_) => tx.put(Waiting::Attempt(row))?,
        }
    }
    Ok(())
}

/// Attempts of each of some deliveries, the first one first.
///
/// # Errors
/// `Statement`.
pub fn attempts_of(tx: &mut Connection, delivery_ids: &[&str]) -> Result<Vec<Vec<AttemptRow>>, StoreError> {
    Ok(on_each!(tx, load, delivery_ids, id => attempts::table
        .filter(attempts::delivery_id.eq(*id))
        .order(attempts::number.asc())
        .select(AttemptRow::as_select()))?)
}

/// The number of the next attempt of each of some deliveries.
///
/// # Errors
/// `Statement`.
pub fn next_numbers(tx: &mut Connection, delivery_ids: &[&str]) -> Result<Vec<i32>, StoreError> {
    let last: Vec<Option<i32>> = on_each!(tx, get_result, delivery_ids, id => attempts::table
        .filter(attempts::delivery_id.eq(*id))
        .select(diesel::dsl::max(attempts::number)))?;
    Ok(last.into_iter().map(|last| last.unwrap_or(0).saturating_add(1)).collect())
}
