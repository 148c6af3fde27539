//! The directory: agencies, the codes that lead to them, and its version. Whoever changes an agency bumps the version
//! of the directory and gives it to that agency.

use super::connection::{on, on_directory};
use super::schema::{agencies, agency_aliases, directory};
use super::{Connection, StoreError};
use crate::domain::agency::{Agency, AgencyCode, AgencyState, Channel, Validity};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::prelude::*;

#[derive(Queryable, Selectable)]
#[diesel(table_name = agencies)]
pub(super) struct AgencyRow {
    agency_code: String,
    name: String,
    parent_code: Option<String>,
    mail: String,
    mobile: String,
    fax: String,
    state: String,
    successor_code: Option<String>,
    version: i64,
    changed_at: NaiveDateTime,
    channel: String,
    valid_from: Option<String>,
    valid_until: Option<String>,
    merges_into: Option<String>,
}

/// Who took over, and who will: a constraint keeps the first for closed agencies.
fn successors(agency: &Agency) -> (Option<&str>, Option<&str>) {
    let code = agency.successor.as_ref().map(AgencyCode::as_str);
    match agency.state {
        AgencyState::Closed => (code, None),
        AgencyState::Open | AgencyState::Suspended => (None, code),
    }
}

fn day(column: &'static str, text: Option<String>) -> Result<Option<NaiveDate>, StoreError> {
    let Some(text) = text else { return Ok(None) };
    text.parse().map(Some).map_err(|_| StoreError::UnknownWord { column, value: text })
}

impl AgencyRow {
    pub(super) fn agency(self) -> Result<Agency, StoreError> {
        let Some(state) = AgencyState::of_word(&self.state) else {
            return Err(StoreError::UnknownWord { column: "agencies.state", value: self.state });
        };
        let Some(channel) = Channel::of_word(&self.channel) else {
            return Err(StoreError::UnknownWord { column: "agencies.channel", value: self.channel });
        };
        Ok(Agency {
            channel,
            code: AgencyCode(self.agency_code),
            name: self.name,
            parent: self.parent_code.map(AgencyCode),
            mail: self.mail,
            mobile: self.mobile,
            fax: self.fax,
            state,
            successor: self.successor_code.or(self.merges_into).map(AgencyCode),
            validity: Validity {
                from: day("agencies.valid_from", self.valid_from)?,
                until: day("agencies.valid_until", self.valid_until)?,
            },
            version: self.version,
        })
    }
}

/// The agency to which a code or alias leads; `folded` is upper case.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn find_by_alias(tx: &mut Connection, folded: &str) -> Result<Option<Agency>, StoreError> {
    if let Some(known) = tx.known.agency(folded) {
        return Ok(known.clone());
    }
    let row: Option<AgencyRow> = on_directory!(tx, c => agencies::table
        .inner_join(agency_aliases::table.on(agency_aliases::agency_code.eq(agencies::agency_code)))
        .filter(agency_aliases::alias_folded.eq(folded))
        .select(AgencyRow::as_select())
        .get_result(c)
        .optional())?;
    let agency = row.map(AgencyRow::agency).transpose()?;
    tx.known.remember_agency(folded, agency.clone());
    Ok(agency)
}

/// How an agency gets its packets.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn channel_of(tx: &mut Connection, code: &AgencyCode) -> Result<Channel, StoreError> {
    let word: Option<String> = on_directory!(tx, c => agencies::table
        .filter(agencies::agency_code.eq(code.as_str()))
        .select(agencies::channel)
        .get_result(c)
        .optional())?;
    let Some(word) = word else { return Ok(Channel::Pickup) };
    Channel::of_word(&word).ok_or(StoreError::UnknownWord { column: "agencies.channel", value: word })
}

/// An agency with its aliases and the time of its last change.
pub type Listed = (Agency, Vec<String>, DateTime<Utc>);

/// A page of the directory in the order of codes: the agency, its aliases, when it last changed.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn list_after(tx: &mut Connection, after: &str, limit: i64) -> Result<Vec<Listed>, StoreError> {
    let rows: Vec<AgencyRow> = on!(tx, c => agencies::table
        .filter(agencies::agency_code.gt(after))
        .order(agencies::agency_code.asc())
        .limit(limit)
        .select(AgencyRow::as_select())
        .load(c))?;
    let codes: Vec<&str> = rows.iter().map(|r| r.agency_code.as_str()).collect();
    let (first, last) = (codes.first().copied().unwrap_or_default(), codes.last().copied().unwrap_or_default());
    let aliases: Vec<(String, String)> = on!(tx, c => agency_aliases::table
        .filter(agency_aliases::agency_code.ge(first))
        .filter(agency_aliases::agency_code.le(last))
        .order((agency_aliases::agency_code.asc(), agency_aliases::alias_folded.asc()))
        .select((agency_aliases::agency_code, agency_aliases::alias))
        .load(c))?;
    listed(rows, aliases)
}

/// A page of what changed after a version of the directory, in the order of versions.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn list_since(tx: &mut Connection, version: i64, limit: i64) -> Result<Vec<Listed>, StoreError> {
    let rows: Vec<AgencyRow> = on!(tx, c => agencies::table
        .filter(agencies::version.gt(version))
        .order(agencies::version.asc())
        .limit(limit)
        .select(AgencyRow::as_select())
        .load(c))?;
    let codes: Vec<&str> = rows.iter().map(|r| r.agency_code.as_str()).collect();
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let aliases: Vec<(String, String)> = on!(tx, c => agency_aliases::table
        .filter(agency_aliases::agency_code.eq_any(&codes))
        .order((agency_aliases::agency_code.asc(), agency_aliases::alias_folded.asc()))
        .select((agency_aliases::agency_code, agency_aliases::alias))
        .load(c))?;
    listed(rows, aliases)
}

/// Puts beside each row the aliases that lead to it.
fn listed(rows: Vec<AgencyRow>, aliases: Vec<(String, String)>) -> Result<Vec<Listed>, StoreError> {
    let mut of: std::collections::HashMap<String, Vec<String>> = std::collections::HashMap::new();
    for (code, alias) in aliases {
        of.entry(code).or_default().push(alias);
    }
    let line = |row: AgencyRow| {
        let (aliases, changed_at) = (of.remove(&row.agency_code).unwrap_or_default(), row.changed_at.and_utc());
        row.agency().map(|agency| (agency, aliases, changed_at))
    };
    rows.into_iter().map(line).collect()
}

/// Agencies right below another one, in the order of codes, up to a number: code and name; and how many there are.
///
/// # Errors
/// `Statement`.
pub fn below(tx: &mut Connection, code: &str, limit: i64) -> Result<(Vec<(String, String)>, i64), StoreError> {
    let first = on!(tx, c => agencies::table
        .filter(agencies::parent_code.eq(code))
        .order(agencies::agency_code.asc())
        .limit(limit)
        .select((agencies::agency_code, agencies::name))
        .load(c))?;
    let number = on!(tx, c => agencies::table.filter(agencies::parent_code.eq(code)).count().get_result(c))?;
    Ok((first, number))
}

/// Agencies that take part and are to merge into another one after their last day, which is not over, in the order of codes, up to a
/// number; and how many there are.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn merging_into(
    tx: &mut Connection,
    (code, today): (&str, &str),
    limit: i64,
) -> Result<(Vec<Agency>, i64), StoreError> {
    let rows: Vec<AgencyRow> = on!(tx, c => agencies::table
        .filter(agencies::merges_into.eq(code))
        .filter(agencies::valid_until.ge(today))
        .order(agencies::agency_code.asc())
        .limit(limit)
        .select(AgencyRow::as_select())
        .load(c))?;
    let number = on!(tx, c => agencies::table
        .filter(agencies::merges_into.eq(code))
        .filter(agencies::valid_until.ge(today))
        .count()
        .get_result(c))?;
    Ok((rows.into_iter().map(AgencyRow::agency).collect::<Result<_, _>>()?, number))
}

/// Agencies with a first or last day, of which the first has begun or the last is over, and when they last changed.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn list_dated(tx: &mut Connection, today: NaiveDate) -> Result<Vec<(Agency, DateTime<Utc>)>, StoreError> {
    let today = today.to_string();
    let rows: Vec<AgencyRow> = on!(tx, c => agencies::table
        .filter(agencies::valid_from.le(&today).or(agencies::valid_until.lt(&today)))
        .order(agencies::agency_code.asc())
        .select(AgencyRow::as_select())
        .load(c))?;
    rows.into_iter().map(|row| (row.changed_at.and_utc(), row.agency())).map(|(at, a)| Ok((a?, at))).collect()
}

/// The version of the directory: that of its last change.
///
/// # Errors
/// `Statement`.
pub fn version(tx: &mut Connection) -> Result<i64, StoreError> {
    Ok(on!(tx, c => directory::table.filter(directory::only_row.eq(1)).select(directory::version).get_result(c))?)
}

/// Raises the version of the directory and answers the new one. Nobody else changes the directory until this
/// transaction ends.
///
/// # Errors
/// `Statement`.
pub fn raise_version(tx: &mut Connection, by: i64) -> Result<i64, StoreError> {
    on!(tx, c => diesel::update(directory::table.filter(directory::only_row.eq(1)))
        .set(directory::version.eq(directory::version + by))
        .execute(c))?;
    version(tx)
}

/// Codes that lead to an agency, its own included, and when the agency last changed.
///
/// # Errors
/// `Statement`.
pub fn aliases_of(tx: &mut Connection, code: &AgencyCode) -> Result<(Vec<String>, DateTime<Utc>), StoreError> {
    let aliases: Vec<String> = on!(tx, c => agency_aliases::table
        .filter(agency_aliases::agency_code.eq(code.as_str()))
        .order(agency_aliases::alias_folded.asc())
        .select(agency_aliases::alias)
        .load(c))?;
    let changed: NaiveDateTime = on!(tx, c => agencies::table
        .filter(agencies::agency_code.eq(code.as_str()))
        .select(agencies::changed_at)
        .get_result(c))?;
    Ok((aliases, changed.and_utc()))
}

#[derive(Insertable)]
#[diesel(table_name = agencies, treat_none_as_default_value = false)]
struct NewAgencyRow<'a> {
    agency_code: &'a str,
    name: &'a str,
    parent_code: Option<&'a str>,
    mail: &'a str,
    mobile: &'a str,
    fax: &'a str,
    state: &'static str,
    successor_code: Option<&'a str>,
    version: i64,
    created_at: NaiveDateTime,
    changed_at: NaiveDateTime,
    valid_from: Option<String>,
    valid_until: Option<String>,
    merges_into: Option<&'a str>,
}

impl<'a> NewAgencyRow<'a> {
    fn of(agency: &'a Agency, at: NaiveDateTime) -> Self {
        let (successor_code, merges_into) = successors(agency);
        Self {
            agency_code: agency.code.as_str(),
            name: &agency.name,
            parent_code: agency.parent.as_ref().map(AgencyCode::as_str),
            mail: &agency.mail,
            mobile: &agency.mobile,
            fax: &agency.fax,
            state: agency.state.word(),
            successor_code,
            merges_into,
            version: agency.version,
            created_at: at,
            changed_at: at,
            valid_from: agency.validity.from.map(|day| day.to_string()),
            valid_until: agency.validity.until.map(|day| day.to_string()),
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = agency_aliases)]
struct NewAliasRow<'a> {
    alias_folded: String,
    alias: &'a str,
    agency_code: &'a str,
}

/// Rows of one statement: both databases bound the number of values in it.
const ROWS_AT_ONCE: usize = 1000;

/// Adds agencies, with the versions that they carry. Their own codes are aliases too, to be added by `insert_aliases`.
///
/// # Errors
/// `Statement`; a unique violation when a code exists.
pub fn insert_all(tx: &mut Connection, added: &[Agency], at: DateTime<Utc>) -> Result<(), StoreError> {
    for some in added.chunks(ROWS_AT_ONCE) {
        let rows: Vec<NewAgencyRow> = some.iter().map(|agency| NewAgencyRow::of(agency, at.naive_utc())).collect();
        on!(tx, c => diesel::insert_into(agencies::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// Adds codes that lead to agencies.
///
/// # Errors
/// `Statement`; a unique violation when a text leads somewhere already.
pub fn insert_aliases(tx: &mut Connection, aliases: &[(String, AgencyCode)]) -> Result<(), StoreError> {
    for some in aliases.chunks(ROWS_AT_ONCE) {
        let row = |(alias, code): &'_ (String, AgencyCode)| (alias.to_ascii_uppercase(), alias.clone(), code.0.clone());
        let texts: Vec<(String, String, String)> = some.iter().map(row).collect();
        let rows = texts.iter().map(|(folded, alias, code)| NewAliasRow {
            alias_folded: folded.clone(),
            alias,
            agency_code: code,
        });
        let rows: Vec<NewAliasRow> = rows.collect();
        on!(tx, c => diesel::insert_into(agency_aliases::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// Lets codes lead nowhere any more; `folded` is upper case.
///
/// # Errors
/// `Statement`.
pub fn delete_aliases(tx: &mut Connection, folded: &[String]) -> Result<(), StoreError> {
    for some in folded.chunks(ROWS_AT_ONCE) {
        on!(tx, c => diesel::delete(agency_aliases::table)
            .filter(agency_aliases::alias_folded.eq_any(some))
            .execute(c))?;
    }
    Ok(())
}

/// Adds an agency and its own code as the first alias. Answers it with its version.
///
/// # Errors
/// `Statement`; a unique violation when the code or an alias of that text exists.
pub fn insert(tx: &mut Connection, agency: Agency, at: DateTime<Utc>) -> Result<Agency, StoreError> {
    let agency = Agency { version: raise_version(tx, 1)?, ..agency };
    on!(tx, c => diesel::insert_into(agencies::table).values(NewAgencyRow::of(&agency, at.naive_utc())).execute(c))?;
    insert_alias(tx, agency.code.as_str(), &agency.code)?;
    Ok(agency)
}

/// Changes an agency; the guard is the version it was computed from. Answers it with its new version.
///
/// # Errors
/// `Statement`; `Raced` when that version did not stand any more.
pub fn update(tx: &mut Connection, agency: Agency, at: DateTime<Utc>) -> Result<Agency, StoreError> {
    let version = raise_version(tx, 1)?;
    update_to(tx, &agency, version, at)?;
    Ok(Agency { version, ..agency })
}

/// Changes an agency to a version that the directory was raised to before.
///
/// # Errors
/// As `update`.
pub fn update_to(tx: &mut Connection, agency: &Agency, version: i64, at: DateTime<Utc>) -> Result<(), StoreError> {
    let (successor_code, merges_into) = successors(agency);
    let changed = on!(tx, c => diesel::update(agencies::table)
        .filter(agencies::agency_code.eq(agency.code.as_str()))
        .filter(agencies::version.eq(agency.version))
        .set((
            agencies::name.eq(&agency.name),
            agencies::parent_code.eq(agency.parent.as_ref().map(AgencyCode::as_str)),
            agencies::mail.eq(&agency.mail),
            agencies::mobile.eq(&agency.mobile),
            agencies::fax.eq(&agency.fax),
            agencies::state.eq(agency.state.word()),
            agencies::successor_code.eq(successor_code),
            agencies::merges_into.eq(merges_into),
            agencies::valid_from.eq(agency.validity.from.map(|day| day.to_string())),
            agencies::valid_until.eq(agency.validity.until.map(|day| day.to_string())),
            agencies::version.eq(version),
            agencies::changed_at.eq(at.naive_utc()),
        ))
        .execute(c))?;
    // Computed anew from what stands there now.
    if changed == 1 { Ok(()) } else { Err(StoreError::Raced) }
}

/// Adds a code that leads to an agency.
///
/// # Errors
/// `Statement`; a unique violation when the text leads somewhere already.
pub fn insert_alias(tx: &mut Connection, alias: &str, code: &AgencyCode) -> Result<(), StoreError> {
    on!(tx, c => diesel::insert_into(agency_aliases::table)
        .values((
            agency_aliases::alias_folded.eq(alias.to_ascii_uppercase()),
            agency_aliases::alias.eq(alias),
            agency_aliases::agency_code.eq(code.as_str()),
        ))
        .execute(c))?;
    Ok(())
}
