//! Systems, what they hold, from where they call, and their keys (secrets only as sealed bytes).

use super::connection::{on, on_directory};
use super::schema::{system_addresses, system_agencies, system_keys, systems};
use super::{Connection, StoreError};
use crate::domain::system::Role;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::collections::HashMap;

/// A key as it is kept.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = system_keys)]
pub struct KeyRow {
    /// Its id.
    pub key_id: String,
    /// Whose it is.
    pub system_id: String,
    /// The secret under the hub's key file.
    pub secret_sealed: Vec<u8>,
    created_at: NaiveDateTime,
    expires_at: Option<NaiveDateTime>,
    revoked_at: Option<NaiveDateTime>,
    last_used_at: Option<NaiveDateTime>,
}

impl KeyRow {
    /// When it was made.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at.and_utc()
    }

    /// When it ends by itself.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.expires_at.map(|t| t.and_utc())
    }

    /// When it was revoked.
    pub fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.revoked_at.map(|t| t.and_utc())
    }

    /// When it was last used, to the minute or so.
    pub fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.last_used_at.map(|t| t.and_utc())
    }

    /// Whether it opens the door at `now`.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at().is_none_or(|end| now < end)
    }
}

/// A system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemRow {
    /// Its id.
    pub system_id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Since when none of its keys opens anything; nothing while they do.
    pub suspended_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = systems)]
struct Row {
    system_id: String,
    name: String,
    role: String,
    suspended_at: Option<NaiveDateTime>,
}

impl Row {
    fn system(self) -> Result<SystemRow, StoreError> {
        let Some(role) = Role::of_word(&self.role) else {
            return Err(StoreError::UnknownWord { column: "systems.role", value: self.role });
        };
        let suspended_at = self.suspended_at.map(|at| at.and_utc());
        Ok(SystemRow { system_id: self.system_id, name: self.name, role, suspended_at })
    }
}

/// Every system, in the order of ids.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn list(tx: &mut Connection) -> Result<Vec<SystemRow>, StoreError> {
    let rows: Vec<Row> = on!(tx, c => systems::table.order(systems::system_id.asc()).select(Row::as_select()).load(c))?;
    rows.into_iter().map(Row::system).collect()
}

/// One system.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn find(tx: &mut Connection, system_id: &str) -> Result<Option<SystemRow>, StoreError> {
    let row: Option<Row> = on!(tx, c => systems::table
        .filter(systems::system_id.eq(system_id))
        .select(Row::as_select())
        .get_result(c)
        .optional())?;
    row.map(Row::system).transpose()
}

/// Adds a system.
///
/// # Errors
/// `Statement`; a unique violation when the id is taken.
pub fn insert(
    tx: &mut Connection,
    (system_id, name): (&str, &str),
    role: Role,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    on!(tx, c => diesel::insert_into(systems::table)
        .values((
            systems::system_id.eq(system_id),
            systems::name.eq(name),
            systems::role.eq(role.word()),
            systems::created_at.eq(at.naive_utc()),
        ))
        .execute(c))?;
    Ok(())
}

/// Suspends a system from that time on, or lets it go on.
///
/// # Errors
/// `Statement`.
pub fn suspend(tx: &mut Connection, system_id: &str, at: Option<DateTime<Utc>>) -> Result<(), StoreError> {
    on!(tx, c => diesel::update(systems::table)
        .filter(systems::system_id.eq(system_id))
        .set(systems::suspended_at.eq(at.map(|at| at.naive_utc())))
        .execute(c))?;
    Ok(())
}

/// From where a system may call, in order; none means from everywhere.
///
/// # Errors
/// `Statement`.
pub fn addresses_of(tx: &mut Connection, system_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on!(tx, c => system_addresses::table
        .filter(system_addresses::system_id.eq(system_id))
        .order(system_addresses::address.asc())
        .select(system_addresses::address)
        .load(c))?)
}

/// Lets a system call from these addresses only; from everywhere when there are none.
///
/// # Errors
/// `Statement`.
pub fn set_addresses(tx: &mut Connection, system_id: &str, addresses: &[String]) -> Result<(), StoreError> {
    on!(tx, c => diesel::delete(system_addresses::table)
        .filter(system_addresses::system_id.eq(system_id))
        .execute(c))?;
    for address in addresses {
        on!(tx, c => diesel::insert_into(system_addresses::table)
            .values((system_addresses::system_id.eq(system_id), system_addresses::address.eq(address)))
            .execute(c))?;
    }
    Ok(())
}

/// Names a system anew.
///
/// # Errors
/// `Statement`.
pub fn rename(tx: &mut Connection, system_id: &str, name: &str) -> Result<(), StoreError> {
    on!(tx, c => diesel::update(systems::table)
        .filter(systems::system_id.eq(system_id))
        .set(systems::name.eq(name))
        .execute(c))?;
    Ok(())
}

/// Whether a system speaks for an agency.
///
/// # Errors
/// `Statement`.
pub fn holds(tx: &mut Connection, system_id: &str, agency_code: &str) -> Result<bool, StoreError> {
    if let Some(known) = tx.known.holds(system_id, agency_code) {
        return Ok(known);
    }
    let found: Option<String> = on_directory!(tx, c => system_agencies::table
        .filter(system_agencies::system_id.eq(system_id))
        .filter(system_agencies::agency_code.eq(agency_code))
        .select(system_agencies::agency_code)
        .get_result(c)
        .optional())?;
    tx.known.remember_holds(system_id, agency_code, found.is_some());
    Ok(found.is_some())
}

/// Codes of the agencies that a system speaks for, in order.
///
/// # Errors
/// `Statement`.
pub fn held_by(tx: &mut Connection, system_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on!(tx, c => system_agencies::table
        .filter(system_agencies::system_id.eq(system_id))
        .order(system_agencies::agency_code.asc())
        .select(system_agencies::agency_code)
        .load(c))?)
}

/// Which of these agencies some system speaks for.
///
/// # Errors
/// `Statement`.
pub fn held_among(tx: &mut Connection, codes: &[&str]) -> Result<Vec<String>, StoreError> {
    Ok(on_directory!(tx, c => system_agencies::table
        .filter(system_agencies::agency_code.eq_any(codes))
        .select(system_agencies::agency_code)
        .distinct()
        .load(c))?)
}

/// How many agencies each of these systems speaks for.
///
/// # Errors
/// `Statement`.
pub fn numbers_held(tx: &mut Connection, system_ids: &[&str]) -> Result<HashMap<String, i64>, StoreError> {
    let numbers: Vec<(String, i64)> = on!(tx, c => system_agencies::table
        .filter(system_agencies::system_id.eq_any(system_ids))
        .group_by(system_agencies::system_id)
        .select((system_agencies::system_id, diesel::dsl::count_star()))
        .load(c))?;
    Ok(numbers.into_iter().collect())
}

/// Every key of these systems, newest first.
///
/// # Errors
/// `Statement`.
pub fn keys_among(tx: &mut Connection, system_ids: &[&str]) -> Result<Vec<KeyRow>, StoreError> {
    Ok(on!(tx, c => system_keys::table
        .filter(system_keys::system_id.eq_any(system_ids))
        .order(system_keys::key_id.desc())
        .select(KeyRow::as_select())
        .load(c))?)
}

/// Ids of the systems that speak for an agency, in order.
///
/// # Errors
/// `Statement`.
pub fn holders(tx: &mut Connection, agency_code: &str) -> Result<Vec<String>, StoreError> {
    Ok(on!(tx, c => system_agencies::table
        .filter(system_agencies::agency_code.eq(agency_code))
        .order(system_agencies::system_id.asc())
        .select(system_agencies::system_id)
        .load(c))?)
}

/// When a system that speaks for an agency last used a key.
///
/// # Errors
/// `Statement`.
pub fn seen_at(tx: &mut Connection, agency_code: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let last: Option<NaiveDateTime> = on!(tx, c => system_agencies::table
        .inner_join(system_keys::table.on(system_keys::system_id.eq(system_agencies::system_id)))
        .filter(system_agencies::agency_code.eq(agency_code))
        .select(diesel::dsl::max(system_keys::last_used_at))
        .get_result(c))?;
    Ok(last.map(|at| at.and_utc()))
}

/// Lets a system speak for an agency no more. Says whether it did.
///
/// # Errors
/// `Statement`.
pub fn release(tx: &mut Connection, system_id: &str, agency_code: &str) -> Result<bool, StoreError> {
    let released = on!(tx, c => diesel::delete(system_agencies::table)
        .filter(system_agencies::system_id.eq(system_id))
        .filter(system_agencies::agency_code.eq(agency_code))
        .execute(c))?;
    Ok(released > 0)
}

/// Lets a system speak for an agency. Says whether it did not already.
///
/// # Errors
/// `Statement`.
pub fn hold(tx: &mut Connection, system_id: &str, agency_code: &str) -> Result<bool, StoreError> {
    if holds(tx, system_id, agency_code)? {
        return Ok(false);
    }
    on!(tx, c => diesel::insert_into(system_agencies::table)
        .values((system_agencies::system_id.eq(system_id), system_agencies::agency_code.eq(agency_code)))
        .execute(c))?;
    Ok(true)
}

/// Every key of a system, newest first.
///
/// # Errors
/// `Statement`.
pub fn keys_of(tx: &mut Connection, system_id: &str) -> Result<Vec<KeyRow>, StoreError> {
    Ok(on!(tx, c => system_keys::table
        .filter(system_keys::system_id.eq(system_id))
        .order(system_keys::key_id.desc())
        .select(KeyRow::as_select())
        .load(c))?)
}

/// One key.
///
/// # Errors
/// `Statement`.
pub fn find_key(tx: &mut Connection, key_id: &str) -> Result<Option<KeyRow>, StoreError> {
    Ok(on!(tx, c => system_keys::table
        .filter(system_keys::key_id.eq(key_id))
        .select(KeyRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Adds a key.
///
/// # Errors
/// `Statement`.
pub fn insert_key(
    tx: &mut Connection,
    (key_id, system_id): (&str, &str),
    secret_sealed: &[u8],
    at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    on!(tx, c => diesel::insert_into(system_keys::table)
        .values((
            system_keys::key_id.eq(key_id),
            system_keys::system_id.eq(system_id),
            system_keys::secret_sealed.eq(secret_sealed),
            system_keys::created_at.eq(at.naive_utc()),
            system_keys::expires_at.eq(expires_at.map(|t| t.naive_utc())),
        ))
        .execute(c))?;
    Ok(())
}

/// Notes when a key was last used; an earlier time than the one noted changes nothing.
///
/// # Errors
/// `Statement`.
pub fn note_use(tx: &mut Connection, key_id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    let at = Some(at.naive_utc());
    on!(tx, c => diesel::update(system_keys::table)
        .filter(system_keys::key_id.eq(key_id))
        .filter(system_keys::last_used_at.is_null().or(system_keys::last_used_at.lt(at)))
        .set(system_keys::last_used_at.eq(at))
        .execute(c))?;
    Ok(())
}

/// Revokes a key; the time of a first revocation stays. Says whether it was not revoked before.
///
/// # Errors
/// `Statement`.
pub fn revoke_key(tx: &mut Connection, key_id: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
    let revoked = on!(tx, c => diesel::update(system_keys::table)
        .filter(system_keys::key_id.eq(key_id))
        .filter(system_keys::revoked_at.is_null())
        .set(system_keys::revoked_at.eq(Some(at.naive_utc())))
        .execute(c))?;
    Ok(revoked > 0)
}
