//! Who looked at what: rows beside pieces of evidence, by agency, so that a page of them is read along an index. What counts
//! is the evidence.

use super::connection::on_packets;
use super::schema::accesses;
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

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
}

impl AccessRow {
    /// The row that stands for the whole of an access.
    pub fn new((evidence_id, at): (String, DateTime<Utc>), (who, act, about): (String, String, String)) -> Self {
        Self {
            agency_code: WHOLE.to_owned(),
            evidence_id,
            at: at.naive_utc(),
            who,
            act,
            about,
            envelope_id: None,
            warrant_id: None,
        }
    }

    /// When it was.
    pub fn at(&self) -> DateTime<Utc> {
        self.at.and_utc()
    }
}

/// Which accesses are wanted.
#[derive(Debug, Clone, Default)]
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
    /// Before this piece of evidence.
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

/// A page of accesses, the newest first; one that concerns several of the agencies stands there several times.
///
/// # Errors
/// `Statement`.
pub fn page(tx: &mut Connection, part: &Part) -> Result<Vec<AccessRow>, StoreError> {
    Ok(on_packets!(tx, c => {
        let mut query = accesses::table.select(AccessRow::as_select()).into_boxed();
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
        if let Some(before) = &part.before {
            query = query.filter(accesses::evidence_id.lt(before));
        }
        query.order(accesses::evidence_id.desc()).limit(part.limit).load(c)
    })?)
}
