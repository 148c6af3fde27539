//! The directory: agencies and the codes that lead to them.

use super::connection::{on, on_directory};
use super::schema::{agencies, agency_aliases};
use super::{Connection, StoreError};
use crate::domain::agency::{Agency, AgencyCode, AgencyState, Channel};
use chrono::{DateTime, NaiveDateTime, Utc};
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
            successor: self.successor_code.map(AgencyCode),
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

/// Adds an agency and its own code as the first alias.
///
/// # Errors
/// `Statement`; a unique violation when the code or an alias of that text exists.
pub fn insert(tx: &mut Connection, agency: &Agency, at: DateTime<Utc>) -> Result<(), StoreError> {
    on!(tx, c => diesel::insert_into(agencies::table)
        .values((
            agencies::agency_code.eq(agency.code.as_str()),
            agencies::name.eq(&agency.name),
            agencies::parent_code.eq(agency.parent.as_ref().map(AgencyCode::as_str)),
            agencies::mail.eq(&agency.mail),
            agencies::mobile.eq(&agency.mobile),
            agencies::fax.eq(&agency.fax),
            agencies::state.eq(agency.state.word()),
            agencies::successor_code.eq(agency.successor.as_ref().map(AgencyCode::as_str)),
            agencies::version.eq(agency.version),
            agencies::created_at.eq(at.naive_utc()),
            agencies::changed_at.eq(at.naive_utc()),
        ))
        .execute(c))?;
    insert_alias(tx, agency.code.as_str(), &agency.code)
}

/// Changes an agency; the guard is the version it was computed from. Says whether that version still stood.
///
/// # Errors
/// `Statement`.
pub fn update(tx: &mut Connection, agency: &Agency, at: DateTime<Utc>) -> Result<bool, StoreError> {
    let next = agency.version.saturating_add(1);
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
            agencies::successor_code.eq(agency.successor.as_ref().map(AgencyCode::as_str)),
            agencies::version.eq(next),
            agencies::changed_at.eq(at.naive_utc()),
        ))
        .execute(c))?;
    Ok(changed == 1)
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
