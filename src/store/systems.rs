//! Systems, what they hold, and their keys (secrets only as sealed bytes).

use super::connection::{on, on_directory};
use super::schema::{system_agencies, system_keys, systems};
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

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

    /// Whether it opens the door at `now`.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at().is_none_or(|end| now < end)
    }
}

/// Every system: id and name, in the order of ids.
///
/// # Errors
/// `Statement`.
pub fn list(tx: &mut Connection) -> Result<Vec<(String, String)>, StoreError> {
    Ok(
        on!(tx, c => systems::table.order(systems::system_id.asc()).select((systems::system_id, systems::name)).load(c))?,
    )
}

/// The name of a system.
///
/// # Errors
/// `Statement`.
pub fn find_name(tx: &mut Connection, system_id: &str) -> Result<Option<String>, StoreError> {
    Ok(on!(tx, c => systems::table
        .filter(systems::system_id.eq(system_id))
        .select(systems::name)
        .get_result(c)
        .optional())?)
}

/// Adds a system.
///
/// # Errors
/// `Statement`; a unique violation when the id is taken.
pub fn insert(tx: &mut Connection, system_id: &str, name: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    on!(tx, c => diesel::insert_into(systems::table)
        .values((systems::system_id.eq(system_id), systems::name.eq(name), systems::created_at.eq(at.naive_utc())))
        .execute(c))?;
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

/// How many systems speak for an agency.
///
/// # Errors
/// `Statement`.
pub fn holders(tx: &mut Connection, agency_code: &str) -> Result<i64, StoreError> {
    Ok(on!(tx, c => system_agencies::table
        .filter(system_agencies::agency_code.eq(agency_code))
        .count()
        .get_result(c))?)
}

/// Lets a system speak for an agency no more.
///
/// # Errors
/// `Statement`.
pub fn release(tx: &mut Connection, system_id: &str, agency_code: &str) -> Result<(), StoreError> {
    on!(tx, c => diesel::delete(system_agencies::table)
        .filter(system_agencies::system_id.eq(system_id))
        .filter(system_agencies::agency_code.eq(agency_code))
        .execute(c))?;
    Ok(())
}

/// Lets a system speak for an agency; nothing changes when it does already.
///
/// # Errors
/// `Statement`.
pub fn hold(tx: &mut Connection, system_id: &str, agency_code: &str) -> Result<(), StoreError> {
    if holds(tx, system_id, agency_code)? {
        return Ok(());
    }
    on!(tx, c => diesel::insert_into(system_agencies::table)
        .values((system_agencies::system_id.eq(system_id), system_agencies::agency_code.eq(agency_code)))
        .execute(c))?;
    Ok(())
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

/// Revokes a key; the time of a first revocation stays. Says whether the key exists.
///
/// # Errors
/// `Statement`.
pub fn revoke_key(tx: &mut Connection, key_id: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
    on!(tx, c => diesel::update(system_keys::table)
        .filter(system_keys::key_id.eq(key_id))
        .filter(system_keys::revoked_at.is_null())
        .set(system_keys::revoked_at.eq(Some(at.naive_utc())))
        .execute(c))?;
    Ok(find_key(tx, key_id)?.is_some())
}
