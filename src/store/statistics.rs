//! Numbers of what was exchanged, by day, and frozen by month; when agencies were last heard of. They follow the ledger
//! (`followers`). Not here: what is counted and what it means (`domain::tally`, `domain::measure`).

use super::connection::{on_packets, with_rows};
use super::deliveries::DeliveryRow;
use super::literal::Literal;
use super::schema::{agencies, agency_signs, deliveries, frozen_counts, frozen_months, statistic_counts};
use super::{Connection, IDS_MAX, StoreError};
use crate::domain::agency::AgencyState;
use crate::domain::tally::{Key, Scope};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::upsert::excluded;
use std::collections::HashMap;

/// So much more of something.
#[derive(Debug, Clone, PartialEq, Eq, Insertable)]
#[diesel(table_name = statistic_counts)]
pub struct CountRow {
    scope: &'static str,
    day: String,
    agency_code: String,
    slice: String,
    what: &'static str,
    partner_code: String,
    number: i64,
}

impl CountRow {
    /// As the table has it.
    pub fn new(key: Key, number: i64) -> Self {
        let Key { owner, slice, what } = key;
        let [whole, detail] = owner.scope.words();
        let scope = if slice.is_empty() { whole } else { detail };
        let (agency_code, partner_code) = (owner.agency, owner.partner);
        Self { scope, day: owner.day, agency_code, slice, what, partner_code, number }
    }
}

/// Adds to numbers, each once.
///
/// # Errors
/// `Statement`.
pub fn add(tx: &mut Connection, rows: &[CountRow]) -> Result<(), StoreError> {
    with_rows!(tx, rows, some => diesel::insert_into(statistic_counts::table)
        .values(some)
        .on_conflict((
            statistic_counts::scope,
            statistic_counts::day,
            statistic_counts::agency_code,
            statistic_counts::slice,
            statistic_counts::what,
            statistic_counts::partner_code,
        ))
        .do_update()
        .set(statistic_counts::number.eq(statistic_counts::number + excluded(statistic_counts::number))));
    Ok(())
}

/// By what an agency is heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Whatever its systems did.
    Heard,
    /// Its software fetched or took a packet.
    Fetched,
    /// Its clerks reported a status.
    Reported,
}

impl Sign {
    fn word(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::Fetched => "fetched",
            Self::Reported => "reported",
        }
    }
}

/// When an agency was heard of.
#[derive(Debug, Clone, PartialEq, Eq, Insertable)]
#[diesel(table_name = agency_signs)]
pub struct SignRow {
    sign: &'static str,
    agency_code: String,
    at: NaiveDateTime,
}

impl SignRow {
    /// As the table has it.
    pub fn new(sign: Sign, agency_code: String, at: NaiveDateTime) -> Self {
        Self { sign: sign.word(), agency_code, at }
    }
}

/// Notes when agencies were last heard of.
///
/// # Errors
/// `Statement`.
pub fn note_signs(tx: &mut Connection, rows: &[SignRow]) -> Result<(), StoreError> {
    with_rows!(tx, rows, some => diesel::insert_into(agency_signs::table)
        .values(some)
        .on_conflict((agency_signs::sign, agency_signs::agency_code))
        .do_update()
        .set(agency_signs::at.eq(excluded(agency_signs::at))));
    Ok(())
}

/// Empties what follows the ledger; frozen months stay.
///
/// # Errors
/// `Statement`.
pub fn clear(tx: &mut Connection) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::delete(statistic_counts::table).execute(c))?;
    on_packets!(tx, c => diesel::delete(agency_signs::table).execute(c))?;
    Ok(())
}

/// These deliveries.
///
/// # Errors
/// `Statement`.
pub fn deliveries(tx: &mut Connection, delivery_ids: &[&str]) -> Result<Vec<DeliveryRow>, StoreError> {
    let mut rows: Vec<DeliveryRow> = Vec::new();
    for some in delivery_ids.chunks(IDS_MAX) {
        rows.extend(on_packets!(tx, c => deliveries::table
            .filter(deliveries::delivery_id.eq_any(some))
            .select(DeliveryRow::as_select())
            .load::<DeliveryRow>(c))?);
    }
    Ok(rows)
}

/// What is added up: whose numbers, of which agencies (one without a code: the hub) and of which days.
#[derive(Debug, Clone)]
pub struct Part {
    /// Whose.
    pub scope: Scope,
    /// Of which agencies.
    pub agencies: Vec<String>,
    /// Of which days, `yyyy-MM-dd`; of frozen numbers the months, `yyyy-MM`.
    pub days: Vec<String>,
}

/// Two words, such as a slice and what is counted, and how much of it there is.
pub type Sum = (String, String, i64);

/// The numbers of many days added up.
const ADDED_UP: &str = "CAST(SUM(number) AS BIGINT)";

/// Adds up a part of one of the tables of numbers.
macro_rules! added_up {
    ($tx:expr, $numbers:ident, $part:expr) => {{
        use $numbers::{agency_code, day, scope, slice, table, what};
        on_packets!($tx, c => table
            .filter(scope.eq_any($part.scope.words()))
            .filter(day.eq_any(&$part.days))
            .filter(agency_code.eq_any(&$part.agencies))
            .group_by((slice, what))
            .select((slice, what, sql::<BigInt>(ADDED_UP)))
            .load(c))
    }};
}

/// How much there is of each slice and of what is counted.
///
/// # Errors
/// `Statement`.
pub fn sums(tx: &mut Connection, part: &Part) -> Result<Vec<Sum>, StoreError> {
    Ok(added_up!(tx, statistic_counts, part)?)
}

/// The same of frozen months.
///
/// # Errors
/// `Statement`.
pub fn frozen_sums(tx: &mut Connection, part: &Part) -> Result<Vec<Sum>, StoreError> {
    Ok(added_up!(tx, frozen_counts, part)?)
}

/// How much there is of all documents on each day.
///
/// # Errors
/// `Statement`.
pub fn by_day(tx: &mut Connection, part: &Part) -> Result<Vec<Sum>, StoreError> {
    use statistic_counts::{agency_code, day, scope, table, what};
    let [whole, _] = part.scope.words();
    Ok(on_packets!(tx, c => table
        .filter(scope.eq(whole))
        .filter(day.eq_any(&part.days))
        .filter(agency_code.eq_any(&part.agencies))
        .group_by((day, what))
        .select((day, what, sql::<BigInt>(ADDED_UP)))
        .load(c))?)
}

/// How much there is of all documents of each agency on a day, or in a month, `yyyy-MM`.
///
/// # Errors
/// `Statement`.
pub fn by_agency(tx: &mut Connection, of: Scope, of_day: &str) -> Result<Vec<Sum>, StoreError> {
    use statistic_counts::{agency_code, day, number, scope, table, what};
    let [whole, _] = of.words();
    Ok(on_packets!(tx, c => table
        .filter(scope.eq(whole))
        .filter(day.eq(of_day))
        .select((agency_code, what, number))
        .load(c))?)
}

/// Sender, recipient, what is counted between them, and how much of it there is.
pub type PairSum = (String, String, String, i64);

/// What failed or was given back between agencies; of some agencies, whichever side they were on.
///
/// # Errors
/// `Statement`.
pub fn pairs(tx: &mut Connection, part: &Part) -> Result<Vec<PairSum>, StoreError> {
    use statistic_counts::{agency_code, day, partner_code, scope, table, what};
    let [whole, _] = Scope::Pair.words();
    macro_rules! added_up_where {
        ($($is_meant:expr),+) => {
            on_packets!(tx, c => table
                $(.filter($is_meant))+
                .filter(day.eq_any(&part.days))
                .group_by((agency_code, partner_code, what))
                .select((agency_code, partner_code, what, sql::<BigInt>(ADDED_UP)))
                .load::<PairSum>(c))?
        };
    }
    if part.scope == Scope::Hub {
        return Ok(added_up_where!(scope.eq(whole)));
    }
    let mut pairs = added_up_where!(scope.eq(whole), agency_code.eq_any(&part.agencies));
    // Only pairs have a partner, and an index by it.
    let to_others = partner_code.ne(Literal("")).and(agency_code.ne_all(&part.agencies));
    pairs.extend(added_up_where!(to_others, partner_code.eq_any(&part.agencies)));
    Ok(pairs)
}

/// Whether an agency is open on a day: neither suspended nor closed, and within its own days.
macro_rules! is_open_on {
    ($day:expr) => {
        agencies::state
            .eq(AgencyState::Open.word())
            .and(agencies::valid_from.is_null().or(agencies::valid_from.le($day)))
            .and(agencies::valid_until.is_null().or(agencies::valid_until.ge($day)))
    };
}

/// How many agencies are open on a day, `yyyy-MM-dd`.
///
/// # Errors
/// `Statement`.
pub fn open_on(tx: &mut Connection, day: &str) -> Result<i64, StoreError> {
    Ok(on_packets!(tx, c => agencies::table.filter(is_open_on!(day)).count().get_result(c))?)
}

/// How many of the agencies that are open on a day gave a sign at or after a time.
///
/// # Errors
/// `Statement`.
pub fn heard_since(tx: &mut Connection, day: &str, sign: Sign, since: DateTime<Utc>) -> Result<i64, StoreError> {
    Ok(on_packets!(tx, c => agency_signs::table
        .inner_join(agencies::table.on(agencies::agency_code.eq(agency_signs::agency_code)))
        .filter(agency_signs::sign.eq(sign.word()))
        .filter(agency_signs::at.ge(since.naive_utc()))
        .filter(is_open_on!(day))
        .count()
        .get_result(c))?)
}

/// Agencies that are open on a day and gave no sign after a time, though they had before: code, name, and when. The longest
/// silent first.
///
/// # Errors
/// `Statement`.
pub fn silent(
    tx: &mut Connection,
    (day, sign): (&str, Sign),
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(String, String, DateTime<Utc>)>, StoreError> {
    let rows: Vec<(String, String, NaiveDateTime)> = on_packets!(tx, c => agency_signs::table
        .inner_join(agencies::table.on(agencies::agency_code.eq(agency_signs::agency_code)))
        .filter(agency_signs::sign.eq(sign.word()))
        .filter(agency_signs::at.lt(before.naive_utc()))
        .filter(is_open_on!(day))
        .order(agency_signs::at.asc())
        .limit(limit)
        .select((agencies::agency_code, agencies::name, agency_signs::at))
        .load(c))?;
    Ok(rows.into_iter().map(|(code, name, at)| (code, name, at.and_utc())).collect())
}

/// A month whose numbers do not change any more.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = frozen_months)]
pub struct MonthRow {
    /// The month, `yyyy-MM`.
    pub month: String,
    /// When it was frozen, UTC.
    pub frozen_at: NaiveDateTime,
    /// How many entries of the ledger its numbers tell of.
    pub ledger_size: i64,
}

impl MonthRow {
    /// When it was frozen.
    pub fn frozen_at(&self) -> DateTime<Utc> {
        self.frozen_at.and_utc()
    }
}

/// A frozen month.
///
/// # Errors
/// `Statement`.
pub fn month(tx: &mut Connection, month: &str) -> Result<Option<MonthRow>, StoreError> {
    Ok(on_packets!(tx, c => frozen_months::table
        .filter(frozen_months::month.eq(month))
        .select(MonthRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Frozen months, the newest first.
///
/// # Errors
/// `Statement`.
pub fn months(tx: &mut Connection, limit: i64) -> Result<Vec<MonthRow>, StoreError> {
    Ok(on_packets!(tx, c => frozen_months::table
        .order(frozen_months::month.desc())
        .limit(limit)
        .select(MonthRow::as_select())
        .load(c))?)
}

/// A number of a month, as it is frozen.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = frozen_counts)]
pub struct FrozenRow {
    scope: String,
    day: String,
    agency_code: String,
    slice: String,
    what: String,
    partner_code: String,
    number: i64,
}

/// The numbers of a month as they are now, ready to be frozen.
///
/// # Errors
/// `Statement`.
pub fn of_month(tx: &mut Connection, month: &str, days: &[String]) -> Result<Vec<FrozenRow>, StoreError> {
    use statistic_counts::{agency_code, day, partner_code, scope, slice, table, what};
    let mut rows = Vec::new();
    for of in Scope::ALL {
        let some: Vec<(String, String, String, String, String, i64)> = on_packets!(tx, c => table
            .filter(scope.eq_any(of.words()))
            .filter(day.eq_any(days))
            .group_by((scope, agency_code, slice, what, partner_code))
            .select((scope, agency_code, slice, what, partner_code, sql::<BigInt>(ADDED_UP)))
            .load(c))?;
        rows.extend(some.into_iter().map(|(of, agency, part, counted, partner, number)| FrozenRow {
            scope: of,
            day: month.to_owned(),
            agency_code: agency,
            slice: part,
            what: counted,
            partner_code: partner,
            number,
        }));
    }
    Ok(rows)
}

/// Keeps numbers of a month. Those that an earlier try kept give way.
///
/// # Errors
/// `Statement`.
pub fn freeze(tx: &mut Connection, rows: &[FrozenRow]) -> Result<(), StoreError> {
    with_rows!(tx, rows, some => diesel::insert_into(frozen_counts::table)
        .values(some)
        .on_conflict((
            frozen_counts::scope,
            frozen_counts::day,
            frozen_counts::agency_code,
            frozen_counts::slice,
            frozen_counts::what,
            frozen_counts::partner_code,
        ))
        .do_update()
        .set(frozen_counts::number.eq(excluded(frozen_counts::number))));
    Ok(())
}

/// Notes that all numbers of a month are frozen.
///
/// # Errors
/// `Statement`: a unique violation when it is.
pub fn close_month(tx: &mut Connection, row: &MonthRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(frozen_months::table).values(row).execute(c))?;
    Ok(())
}

/// The numbers of all documents that senders sent in a frozen month.
///
/// # Errors
/// `Statement`.
pub fn frozen_of_senders(tx: &mut Connection, month: &str) -> Result<Vec<Sum>, StoreError> {
    use frozen_counts::{agency_code, day, number, scope, table, what};
    let [whole, _] = Scope::Sender.words();
    Ok(on_packets!(tx, c => table
        .filter(scope.eq(whole))
        .filter(day.eq(month))
        .select((agency_code, what, number))
        .load(c))?)
}

/// The agencies into which these were merged by a day `yyyy-MM-dd`.
///
/// # Errors
/// `Statement`.
pub fn successors(tx: &mut Connection, codes: &[&str], today: &str) -> Result<HashMap<String, String>, StoreError> {
    let mut all = HashMap::new();
    for some in codes.chunks(IDS_MAX) {
        let rows: Vec<(String, Option<String>, Option<String>)> = on_packets!(tx, c => agencies::table
            .filter(agencies::agency_code.eq_any(some))
            .filter(agencies::successor_code.is_not_null().or(agencies::valid_until.lt(today)))
            .select((agencies::agency_code, agencies::successor_code, agencies::merges_into))
            .load(c))?;
        all.extend(rows.into_iter().filter_map(|(code, closed, merged)| Some((code, closed.or(merged)?))));
    }
    Ok(all)
}
