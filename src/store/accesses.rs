//! Who looked at what: rows beside pieces of evidence, by agency, so that a page of them is read along an index. What counts
//! is the evidence.

use super::connection::on_packets;
use super::schema::accesses;
use super::{Connection, IDS_MAX, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::min;
use diesel::prelude::*;
use std::collections::HashMap;

/// Rows of one statement: the databases bound the number of values.
const ROWS_AT_ONCE: usize = 1_000;

/// In the place of an agency: the row that stands for the whole.
pub const WHOLE: &str = "";

/// One access as it concerns one agency.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = accesses)]
pub struct AccessRow {
    /// The agency; `WHOLE` in the one that stands for all.
    pub agency_code: String,
    /// The evidence of it.
    pub evidence_id: String,
    /// When it was, UTC.
    pub at: NaiveDateTime,
    /// A person by its id, a system by its id, or `operator`.
    pub who: String,
    /// What was done, as a word.
    pub act: String,
    /// What was asked.
    pub about: String,
    /// The document concerned, where it is one.
    pub envelope_id: Option<String>,
    /// The warrant under which it was done.
    pub warrant_id: Option<String>,
    document_at: Option<NaiveDateTime>,
}

impl AccessRow {
    /// The row that stands for the whole of an access: its evidence and when, who did what about what, and the document (envelope,
    /// and when that was accepted) and the warrant, where there are.
    pub fn new(
        (evidence_id, at): (String, DateTime<Utc>),
        (who, act, about): (String, String, String),
        (document, warrant_id): (Option<(String, DateTime<Utc>)>, Option<String>),
    ) -> Self {
        let (envelope_id, document_at) = document.map(|(id, at)| (id, at.naive_utc())).unzip();
        let (agency_code, at) = (WHOLE.to_owned(), at.naive_utc());
        Self { agency_code, evidence_id, at, who, act, about, envelope_id, warrant_id, document_at }
    }

    /// When it was.
    pub fn at(&self) -> DateTime<Utc> {
        self.at.and_utc()
    }
}

/// Which accesses are wanted.
#[derive(Debug, Clone)]
pub struct Part {
    /// Of these agencies; `WHOLE` for all.
    pub agencies: Vec<String>,
    /// By this person or system.
    pub who: Option<String>,
    /// Of this kind.
    pub act: Option<String>,
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
    /// Of a document: only of one that was accepted at or after a time and before another.
    pub documents: (DateTime<Utc>, DateTime<Utc>),
    /// Before this access.
    pub before: Option<String>,
    /// Most rows.
    pub limit: i64,
}

/// Adds an access: the row of the whole and one for each agency that it concerns.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, whole: AccessRow, agencies: &[String]) -> Result<(), StoreError> {
    let of = |code: &String| AccessRow { agency_code: code.clone(), ..whole.clone() };
    let mut rows: Vec<AccessRow> = agencies.iter().map(of).collect();
    rows.push(whole);
    for some in rows.chunks(ROWS_AT_ONCE) {
        on_packets!(tx, c => diesel::insert_into(accesses::table).values(some).execute(c))?;
    }
    Ok(())
}

/// A page of accesses, the newest first, each once: with the first of the agencies that it concerns. Filters go along the
/// indexes by time, so that a page is full unless it is the last.
///
/// # Errors
/// `Statement`.
pub fn page(tx: &mut Connection, part: &Part) -> Result<Vec<AccessRow>, StoreError> {
    let last = match &part.before {
        Some(before) => whole(tx, &[before])?.pop().map(|row| (row.at, row.evidence_id)),
        None => None,
    };
    let (begins, ends) = (part.documents.0.naive_utc(), part.documents.1.naive_utc());
    let found: Vec<(String, Option<String>)> = on_packets!(tx, c => {
        let mut query = accesses::table
            .group_by((accesses::at, accesses::evidence_id))
            .select((accesses::evidence_id, min(accesses::agency_code)))
            .filter(accesses::document_at.is_null().or(accesses::document_at.ge(begins).and(accesses::document_at.lt(ends))))
            .into_boxed();
        query = match part.agencies.as_slice() {
            [one] => query.filter(accesses::agency_code.eq(one)),
            several => query.filter(accesses::agency_code.eq_any(several)),
        };
        if let Some(who) = &part.who {
            query = query.filter(accesses::who.eq(who));
        }
        if let Some(act) = &part.act {
            query = query.filter(accesses::act.eq(act));
        }
        if let Some(from) = part.from {
            query = query.filter(accesses::at.ge(from.naive_utc()));
        }
        if let Some(until) = part.until {
            query = query.filter(accesses::at.lt(until.naive_utc()));
        }
        if let Some((at, evidence_id)) = &last {
            query = query.filter(accesses::at.le(at));
            query = query.filter(accesses::at.lt(at).or(accesses::evidence_id.lt(evidence_id)));
        }
        query.order((accesses::at.desc(), accesses::evidence_id.desc())).limit(part.limit).load(c)
    })?;
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    let mut rows: HashMap<String, AccessRow> =
        whole(tx, &ids)?.into_iter().map(|row| (row.evidence_id.clone(), row)).collect();
    let row = |(id, agency): (String, Option<String>)| {
        Some(AccessRow { agency_code: agency.unwrap_or_default(), ..rows.remove(&id)? })
    };
    Ok(found.into_iter().filter_map(row).collect())
}

/// The rows that stand for the whole of accesses.
fn whole(tx: &mut Connection, evidence_ids: &[&str]) -> Result<Vec<AccessRow>, StoreError> {
    let mut rows = Vec::new();
    for some in evidence_ids.chunks(IDS_MAX) {
        rows.extend(on_packets!(tx, c => accesses::table
            .filter(accesses::agency_code.eq(WHOLE))
            .filter(accesses::evidence_id.eq_any(some))
            .select(AccessRow::as_select())
            .load::<AccessRow>(c))?);
    }
    Ok(rows)
}
