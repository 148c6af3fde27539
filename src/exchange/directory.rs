//! Agencies, systems and keys: who takes part, who speaks for whom, and who is calling.

use super::{Caller, ExchangeError};
use crate::domain::agency::{Agency, AgencyCode, AgencyState};
use crate::hub::Hub;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

/// An agency as a system or operator registers it.
#[derive(Debug, Clone, Default)]
pub struct AgencyEntry {
    /// Canonical code.
    pub code: String,
    /// Name shown to people.
    pub name: String,
    /// Code or alias of the agency above; empty when none.
    pub parent: String,
    /// Contact mail.
    pub mail: String,
    /// Contact telephone.
    pub mobile: String,
    /// Contact fax.
    pub fax: String,
    /// Further codes that lead to it, such as the QCVN 102:2016 form.
    pub aliases: Vec<String>,
}

/// A row of the agencies' list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyLine {
    /// The agency.
    pub agency: Agency,
    /// Its first alias of the old form, empty when none.
    pub old_code: String,
    /// When the entry last changed.
    pub changed_at: DateTime<Utc>,
}

/// A system and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemLine {
    /// Its id.
    pub system_id: String,
    /// Its name.
    pub name: String,
    /// Canonical codes of its agencies.
    pub agencies: Vec<String>,
    /// Its keys, newest first, without their secrets.
    pub keys: Vec<KeyLine>,
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    /// Its id.
    pub key_id: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A new key; its secret is shown this once.
#[derive(Debug)]
pub struct NewKey {
    /// Its id.
    pub key_id: String,
    /// The secret: HMAC key of the SDK, and second half of the bearer token `key_id.secret`.
    pub secret: SecretString,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a caller shows to prove who it is.
#[derive(Debug)]
pub enum Credential<'a> {
    /// `key_id.secret` of the native API.
    Bearer(&'a str),
    /// The SDK's signed header: HMAC-SHA256 over `message` with any live key of the system.
    Hmac {
        /// The system named inside the signed text.
        system_id: &'a str,
        /// The signed bytes.
        message: &'a [u8],
        /// The signature, hexadecimal in any case.
        signature: &'a str,
    },
}

/// Checks a credential against the live keys. What is known of a key is kept for `keys.memory_seconds`.
///
/// # Errors
/// `Unauthenticated` for anything that does not hold, `Store` when keys cannot be looked up.
pub async fn authenticate(hub: &Hub, credential: Credential<'_>) -> Result<Caller, ExchangeError> {
    let _ = (hub, credential);
    unimplemented!()
}

/// Registers an agency, or changes it when the code is known.
///
/// # Errors
/// `Malformed` for a bad code or name, an alias that leads elsewhere or an unknown parent; `Store`.
pub async fn register_agency(hub: &Hub, entry: AgencyEntry) -> Result<Agency, ExchangeError> {
    let _ = (hub, entry);
    unimplemented!()
}

/// Registers or changes an agency for a system, which holds it from then on.
///
/// # Errors
/// As `register_agency`; `NotFound` when the agency is held by other systems only, or the parent is not held.
pub async fn register_agency_for(hub: &Hub, caller: &Caller, entry: AgencyEntry) -> Result<Agency, ExchangeError> {
    let _ = (hub, caller, entry);
    unimplemented!()
}

/// Opens, suspends or closes an agency.
///
/// # Errors
/// `NotFound`; `Malformed` when the successor is unknown or closed; `Store`.
pub async fn set_agency_state(
    hub: &Hub,
    code: &str,
    state: AgencyState,
    successor: Option<&str>,
) -> Result<Agency, ExchangeError> {
    let _ = (hub, code, state, successor);
    unimplemented!()
}

/// Closes an agency for the system that holds it.
///
/// # Errors
/// `NotFound` when the caller does not hold it; `Store`.
pub async fn close_agency_for(hub: &Hub, caller: &Caller, code: &str) -> Result<Agency, ExchangeError> {
    let _ = (hub, caller, code);
    unimplemented!()
}

/// A page of the directory in the order of codes, closed agencies included.
///
/// # Errors
/// `Store`.
pub async fn agencies_after(hub: &Hub, after: &str, limit: usize) -> Result<Vec<AgencyLine>, ExchangeError> {
    let _ = (hub, after, limit);
    unimplemented!()
}

/// The agency of a code or alias.
///
/// # Errors
/// `NotFound`, `Store`.
pub async fn agency(hub: &Hub, code: &str) -> Result<AgencyLine, ExchangeError> {
    let _ = (hub, code);
    unimplemented!()
}

/// Makes a system, or names it anew and gives it further agencies.
///
/// # Errors
/// `Malformed` for an id of other characters than `A-Z a-z 0-9 . _ -`, `NotFound` for an unknown agency, `Store`.
pub async fn add_system(hub: &Hub, id: &str, name: &str, agencies: &[String]) -> Result<SystemLine, ExchangeError> {
    let _ = (hub, id, name, agencies);
    unimplemented!()
}

/// Every system.
///
/// # Errors
/// `Store`.
pub async fn systems(hub: &Hub) -> Result<Vec<SystemLine>, ExchangeError> {
    let _ = hub;
    unimplemented!()
}

/// Makes a key for a system.
///
/// # Errors
/// `NotFound`; `Exists` when the system has `keys.live_max` live keys; `Store`.
pub async fn add_key(hub: &Hub, system_id: &str) -> Result<NewKey, ExchangeError> {
    let _ = (hub, system_id);
    unimplemented!()
}

/// Ends a key at once; within `keys.memory_seconds` no node takes it any more.
///
/// # Errors
/// `NotFound`, `Store`.
pub async fn revoke_key(hub: &Hub, key_id: &str) -> Result<(), ExchangeError> {
    let _ = (hub, key_id);
    unimplemented!()
}

/// Codes of the agencies that a system holds.
///
/// # Errors
/// `Store`.
pub async fn held_by(hub: &Hub, caller: &Caller) -> Result<Vec<AgencyCode>, ExchangeError> {
    let _ = (hub, caller);
    unimplemented!()
}
