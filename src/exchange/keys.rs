//! Keys of systems: made, shown once, checked at every call, revoked.

use super::{Caller, ExchangeError};
use crate::domain::rules::Wording;
use crate::domain::selftest;
use crate::hub::Hub;
use crate::keyring::{self, KnownKey};
use crate::store::systems;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use std::sync::Arc;

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
    let now = hub.clock.now();
    let live = |key: &&KnownKey| key.expires_at.is_none_or(|end| now < end);
    let holder = match credential {
        Credential::Bearer(token) => {
            let (key_id, secret) = token.split_once('.').ok_or(ExchangeError::Unauthenticated)?;
            let keys = known(hub, Question::Key(key_id), now).await?;
            keys.iter().filter(live).find(|key| keyring::same(&key.secret, secret)).map(|key| key.system_id.clone())
        }
        Credential::Hmac { system_id, message, signature } => {
            let keys = known(hub, Question::System(system_id), now).await?;
            let signed = |key: &&KnownKey| keyring::signed_by(&key.secret, message, signature);
            keys.iter().filter(live).find(signed).map(|key| key.system_id.clone())
        }
    };
    holder.map(|system_id| Caller { system_id }).ok_or(ExchangeError::Unauthenticated)
}

/// By what keys are looked up.
enum Question<'a> {
    Key(&'a str),
    System(&'a str),
}

/// The live keys that answer a question, from memory where it is fresh.
async fn known(hub: &Hub, question: Question<'_>, now: DateTime<Utc>) -> Result<Arc<[KnownKey]>, ExchangeError> {
    let asked = match question {
        Question::Key(id) => format!("key:{id}"),
        Question::System(id) => format!("system:{id}"),
    };
    let memory = TimeDelta::try_seconds(i64::try_from(hub.config.keys.memory_seconds).unwrap_or(0));
    if let Some(keys) = hub.known_keys.recall(&asked, now, memory.unwrap_or_default()) {
        return Ok(keys);
    }
    let rows = match question {
        Question::Key(id) => {
            let id = id.to_owned();
            hub.store.read(move |tx| systems::find_key(tx, &id)).await?.into_iter().collect::<Vec<_>>()
        }
        Question::System(id) => {
            let id = id.to_owned();
            hub.store.read(move |tx| systems::keys_of(tx, &id)).await?
        }
    };
    let mut keys = Vec::new();
    for row in rows.into_iter().filter(|row| row.is_live(now)) {
        match hub.keyring.unseal(&row.secret_sealed, &row.key_id) {
            Ok(secret) => {
                let expires_at = row.expires_at();
                keys.push(KnownKey { key_id: row.key_id, system_id: row.system_id, secret, expires_at });
            }
            Err(error) => log::error!("key {} of system {}: {error}", row.key_id, row.system_id),
        }
    }
    let keys: Arc<[KnownKey]> = keys.into();
    // Names that lead to no key are not remembered: strangers could fill the memory with them.
    if !keys.is_empty() {
        hub.known_keys.remember(asked, now, keys.clone());
    }
    Ok(keys)
}

/// Makes a key for a system.
///
/// # Errors
/// `NotFound`; `Exists` when the system has `keys.live_max` live keys; `Store`.
pub async fn add_key(hub: &Hub, system_id: &str) -> Result<NewKey, ExchangeError> {
    // The hub speaks for its test agencies itself; a key would let somebody else do so.
    if selftest::is_reserved(system_id) {
        return Err(ExchangeError::NotFound);
    }
    let key_id = hub.ids.next();
    let unavailable = |error: keyring::KeyringError| ExchangeError::Unavailable(error.to_string());
    let secret = hub.keyring.new_secret().map_err(unavailable)?;
    let sealed = hub.keyring.seal(&secret, &key_id).map_err(unavailable)?;
    let now = hub.clock.now();
    let life = i64::try_from(hub.config.keys.life_days).ok().filter(|days| *days > 0).and_then(TimeDelta::try_days);
    let expires_at = life.and_then(|life| now.checked_add_signed(life));
    let (id, system, live_max) = (key_id.clone(), system_id.to_owned(), hub.config.keys.live_max);
    let made = hub.store.write(move |tx| {
        if systems::find_name(tx, &system)?.is_none() {
            return Ok(Made::NoSystem);
        }
        let keys = systems::keys_of(tx, &system)?;
        if keys.iter().filter(|key| key.is_live(now)).count() >= live_max {
            return Ok(Made::TooMany);
        }
        systems::insert_key(tx, (&id, &system), &sealed, now, expires_at)?;
        Ok(Made::Key)
    });
    match made.await? {
        Made::Key => Ok(NewKey { key_id, secret, expires_at }),
        Made::NoSystem => Err(ExchangeError::NotFound),
        Made::TooMany => Err(ExchangeError::Exists(Wording::new(
            format!("Hệ thống đã có {live_max} khóa còn hiệu lực; hãy hủy một khóa trước"),
            format!("The system has {live_max} live keys; revoke one first"),
        ))),
    }
}

enum Made {
    Key,
    NoSystem,
    TooMany,
}

/// Ends a key at once; within `keys.memory_seconds` no node takes it any more.
///
/// # Errors
/// `NotFound`, `Store`.
pub async fn revoke_key(hub: &Hub, key_id: &str) -> Result<(), ExchangeError> {
    let (key_id, now) = (key_id.to_owned(), hub.clock.now());
    match hub.store.write(move |tx| systems::revoke_key(tx, &key_id, now)).await? {
        true => Ok(()),
        false => Err(ExchangeError::NotFound),
    }
}

/// Whether the key file is the one under which the keys in the database were sealed: at least one of the live ones
/// opens, or there are none.
///
/// # Errors
/// `Store`.
pub async fn key_file_fits(hub: &Hub) -> Result<bool, ExchangeError> {
    let now = hub.clock.now();
    let live = hub.store.read(move |tx| {
        let mut live = Vec::new();
        for (system, _) in systems::list(tx)? {
            live.extend(systems::keys_of(tx, &system)?.into_iter().filter(|key| key.is_live(now)));
        }
        Ok(live)
    });
    let live = live.await?;
    Ok(live.is_empty() || live.iter().any(|key| hub.keyring.unseal(&key.secret_sealed, &key.key_id).is_ok()))
}
