//! Keys of systems: made, shown once, checked at every call, revoked.

use super::act::{Act, By};
use super::{Caller, Denial, ExchangeError};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::domain::selftest;
use crate::domain::system::AddressRange;
use crate::hub::Hub;
use crate::keyring::{self, KnownKey};
use crate::store::systems::{self, KeyRow, SystemRow};
use crate::store::{Connection, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::json;
use std::net::IpAddr;
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
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl KeyLine {
    pub(super) fn of(row: KeyRow) -> Self {
        Self {
            created_at: row.created_at(),
            expires_at: row.expires_at(),
            revoked_at: row.revoked_at(),
            last_used_at: row.last_used_at(),
            key_id: row.key_id,
        }
    }

    /// Whether it opens the door at `now`.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
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

impl Credential<'_> {
    /// Who it says to be, shortened: it may be anything at all, a secret in the wrong place too.
    fn claimed(&self) -> String {
        const SHOWN: usize = 8;
        let text = match self {
            Self::Bearer(token) => token.split_once('.').map_or("", |(key_id, _)| key_id),
            Self::Hmac { system_id, .. } => system_id,
        };
        let sane = |sign: &char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '-');
        let shown: String = text.chars().filter(sane).take(SHOWN).collect();
        if text.len() > shown.len() { shown + "…" } else { shown }
    }
}

/// Checks a credential, shown from that address, against the live keys. What is known of a key is kept for
/// `keys.memory_seconds`. An address that is not known passes only where none is asked for.
///
/// # Errors
/// `Unauthenticated` for anything that does not hold, `Store` when keys cannot be looked up.
pub async fn authenticate(
    hub: &Hub,
    credential: Credential<'_>,
    from: Option<IpAddr>,
) -> Result<Caller, ExchangeError> {
    let now = hub.clock.now();
    let claimed = credential.claimed();
    let denied = |why| ExchangeError::Unauthenticated(why, claimed.clone());
    let answer = match credential {
        Credential::Bearer(token) => {
            let (key_id, secret) = token.split_once('.').ok_or_else(|| denied(Denial::Malformed))?;
            let answer = known(hub, Question::Key(key_id), now).await?;
            answer.map(|keys| keys.iter().find(|key| keyring::same(&key.secret, secret)).cloned())
        }
        Credential::Hmac { system_id, message, signature } => {
            let answer = known(hub, Question::System(system_id), now).await?;
            let signed = |key: &&KnownKey| is_live(key, now) && keyring::signed_by(&key.secret, message, signature);
            answer.map(|keys| keys.iter().find(signed).cloned())
        }
    };
    let key = answer.map_err(denied)?.ok_or_else(|| denied(Denial::Wrong))?;
    if !is_live(&key, now) {
        return Err(denied(Denial::Expired));
    }
    if key.is_suspended {
        return Err(denied(Denial::Suspended));
    }
    let is_from_there = |range: &AddressRange| from.is_some_and(|address| range.holds(address));
    if !key.addresses.is_empty() && !key.addresses.iter().any(is_from_there) {
        return Err(denied(Denial::Address));
    }
    hub.known_keys.note_use(&key.key_id, now);
    Ok(Caller { system_id: key.system_id, role: key.role })
}

fn is_live(key: &KnownKey, now: DateTime<Utc>) -> bool {
    key.expires_at.is_none_or(|end| now < end)
}

/// By what keys are looked up.
#[derive(Clone, Copy)]
enum Question<'a> {
    Key(&'a str),
    System(&'a str),
}

/// The live keys that answer a question, from memory where it is fresh; or why there is none.
async fn known(
    hub: &Hub,
    question: Question<'_>,
    now: DateTime<Utc>,
) -> Result<Result<Arc<[KnownKey]>, Denial>, ExchangeError> {
    let asked = match question {
        Question::Key(id) => format!("key:{id}"),
        Question::System(id) => format!("system:{id}"),
    };
    let memory = TimeDelta::try_seconds(i64::try_from(hub.config.keys.memory_seconds).unwrap_or(0));
    if let Some(keys) = hub.known_keys.recall(&asked, now, memory.unwrap_or_default()) {
        return Ok(Ok(keys));
    }
    let (is_key, id) = match question {
        Question::Key(id) => (true, id.to_owned()),
        Question::System(id) => (false, id.to_owned()),
    };
    let (rows, system) = hub.store.read(move |tx| look_up(tx, is_key, &id)).await?;
    let Some((system, addresses)) = system else { return Ok(Err(Denial::Unknown)) };
    let mut denial = Denial::Unknown;
    let mut keys = Vec::new();
    for row in rows {
        if !row.is_live(now) {
            denial = if row.revoked_at().is_some() { Denial::Revoked } else { Denial::Expired };
            continue;
        }
        match hub.keyring.unseal(&row.secret_sealed, &row.key_id) {
            Ok(secret) => keys.push(KnownKey {
                expires_at: row.expires_at(),
                key_id: row.key_id,
                system_id: row.system_id,
                secret,
                role: system.role,
                is_suspended: system.suspended_at.is_some(),
                addresses: addresses.clone(),
            }),
            Err(error) => log::error!("key {} of system {}: {error}", row.key_id, row.system_id),
        }
    }
    // Names that lead to no key are not remembered: strangers could fill the memory with them.
    if keys.is_empty() {
        return Ok(Err(denial));
    }
    let keys: Arc<[KnownKey]> = keys.into();
    hub.known_keys.remember(asked, now, keys.clone());
    Ok(Ok(keys))
}

/// Keys, and their system with the addresses from which it may call.
type LookedUp = (Vec<KeyRow>, Option<(SystemRow, Vec<AddressRange>)>);

fn look_up(tx: &mut Connection, is_key: bool, id: &str) -> Result<LookedUp, StoreError> {
    let rows = match is_key {
        true => systems::find_key(tx, id)?.into_iter().collect::<Vec<_>>(),
        false => systems::keys_of(tx, id)?,
    };
    let Some(first) = rows.first() else { return Ok((rows, None)) };
    let mut addresses = Vec::new();
    for text in systems::addresses_of(tx, &first.system_id)? {
        match text.parse() {
            Ok(range) => addresses.push(range),
            Err(()) => return Err(StoreError::UnknownWord { column: "system_addresses.address", value: text }),
        }
    }
    let system = systems::find(tx, &first.system_id)?.map(|system| (system, addresses));
    Ok((rows, system))
}

/// Writes down when keys were last used, of those that were used on this node since this was done last. Answers how
/// many.
///
/// # Errors
/// `Store`; then it is noted again for the next time.
pub async fn note_uses(hub: &Hub) -> Result<usize, ExchangeError> {
    let uses = hub.known_keys.take_uses();
    if uses.is_empty() {
        return Ok(0);
    }
    let noted = uses.clone();
    let written = hub.store.write(move |tx| noted.iter().try_for_each(|(key, at)| systems::note_use(tx, key, *at)));
    match written.await {
        Ok(()) => Ok(uses.len()),
        Err(error) => {
            uses.iter().for_each(|(key, at)| hub.known_keys.note_use(key, *at));
            Err(error.into())
        }
    }
}

/// Makes a key for a system; it lives that many days, or `keys.life_days` when nothing is said; 0 means for ever.
///
/// # Errors
/// `NotFound`; `Exists` when the system has `keys.live_max` live keys; `Store`.
pub async fn add_key(hub: &Hub, by: &By, system_id: &str, life_days: Option<u64>) -> Result<NewKey, ExchangeError> {
    let (act, draft) = (Act::new(hub, by), draft(hub, (system_id, life_days))?);
    let sealed = draft.sealed.clone();
    hub.store.write(move |tx| add(tx, &act, &sealed)).await??;
    Ok(draft.made(hub))
}

/// A key that is not in the database yet.
pub(super) struct Draft {
    secret: SecretString,
    /// As much of it as the database is given.
    pub(super) sealed: Sealed,
}

/// A key whose secret is sealed.
#[derive(Clone)]
pub(super) struct Sealed {
    key_id: String,
    system_id: String,
    secret: Vec<u8>,
    expires_at: Option<DateTime<Utc>>,
    live_max: usize,
}

impl Draft {
    /// The key, once it is in the database.
    pub(super) fn made(self, hub: &Hub) -> NewKey {
        // The SDK's signature is checked against all keys of a system, and this node may remember fewer.
        hub.known_keys.forget();
        NewKey { key_id: self.sealed.key_id, secret: self.secret, expires_at: self.sealed.expires_at }
    }
}

/// Draws a key for a system, with its life as in `add_key`.
///
/// # Errors
/// `Unavailable`.
pub(super) fn draft(hub: &Hub, (system_id, life_days): (&str, Option<u64>)) -> Result<Draft, ExchangeError> {
    let key_id = hub.ids.next();
    let unavailable = |error: keyring::KeyringError| ExchangeError::Unavailable(error.to_string());
    let secret = hub.keyring.new_secret().map_err(unavailable)?;
    let sealed = hub.keyring.seal(&secret, &key_id).map_err(unavailable)?;
    let days = life_days.unwrap_or(hub.config.keys.life_days);
    let life = i64::try_from(days).ok().filter(|days| *days > 0).and_then(TimeDelta::try_days);
    let expires_at = life.and_then(|life| hub.clock.now().checked_add_signed(life));
    let (system_id, live_max) = (system_id.to_owned(), hub.config.keys.live_max);
    Ok(Draft { secret, sealed: Sealed { key_id, system_id, secret: sealed, expires_at, live_max } })
}

/// Keeps a key that was drawn, with its evidence.
///
/// # Errors
/// `Statement`; within, those of `room_for_key`.
pub(super) fn add(tx: &mut Connection, act: &Act, key: &Sealed) -> Result<Result<(), ExchangeError>, StoreError> {
    let Sealed { key_id, system_id, secret, expires_at, live_max } = key;
    if let Err(why) = room_for_key(tx, system_id, (act.now, *live_max))? {
        return Ok(Err(why));
    }
    systems::insert_key(tx, (key_id, system_id), secret, act.now, *expires_at)?;
    let facts = json!({ "system": system_id, "key": key_id, "expires_at": expires_at.map(|at| at.to_rfc3339()) });
    act.note(tx, (EvidenceEvent::KeyChanged, "add"), None, facts)?;
    Ok(Ok(()))
}

/// Whether a system may have a further key.
///
/// # Errors
/// `Statement`; within, `NotFound` for an unknown system and `Exists` where as many are live as may be.
pub(super) fn room_for_key(
    tx: &mut Connection,
    system_id: &str,
    (now, live_max): (DateTime<Utc>, usize),
) -> Result<Result<(), ExchangeError>, StoreError> {
    // The hub speaks for its test agencies itself; a key would let somebody else do so.
    if selftest::is_reserved(system_id) || systems::find(tx, system_id)?.is_none() {
        return Ok(Err(ExchangeError::NotFound));
    }
    if live(tx, system_id, now)? < live_max {
        return Ok(Ok(()));
    }
    Ok(Err(ExchangeError::Exists(Wording::new(
        format!("Hệ thống đã có {live_max} khóa còn hiệu lực; hãy hủy một khóa trước"),
        format!("The system has {live_max} live keys; revoke one first"),
    ))))
}

/// How many keys of a system are live.
///
/// # Errors
/// `Statement`.
pub(super) fn live(tx: &mut Connection, system_id: &str, now: DateTime<Utc>) -> Result<usize, StoreError> {
    Ok(systems::keys_of(tx, system_id)?.iter().filter(|key| key.is_live(now)).count())
}

/// Ends a key at once; within `keys.memory_seconds` no node takes it any more. Again changes nothing.
///
/// # Errors
/// `NotFound`, `Store`.
pub async fn revoke_key(hub: &Hub, by: &By, key_id: &str) -> Result<(), ExchangeError> {
    let (act, key_id) = (Act::new(hub, by), key_id.to_owned());
    let revoked = hub.store.write(move |tx| {
        let Some(key) = systems::find_key(tx, &key_id)? else { return Ok(false) };
        if systems::revoke_key(tx, &key_id, act.now)? {
            let facts = json!({ "system": key.system_id, "key": key_id });
            act.note(tx, (EvidenceEvent::KeyChanged, "revoke"), None, facts)?;
        }
        Ok(true)
    });
    match revoked.await? {
        true => {
            hub.known_keys.forget();
            Ok(())
        }
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
        for system in systems::list(tx)? {
            live.extend(systems::keys_of(tx, &system.system_id)?.into_iter().filter(|key| key.is_live(now)));
        }
        Ok(live)
    });
    let live = live.await?;
    Ok(live.is_empty() || live.iter().any(|key| hub.keyring.unseal(&key.secret_sealed, &key.key_id).is_ok()))
}
