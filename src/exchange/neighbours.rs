//! Neighbours: hubs that packets are passed on to and taken from. A neighbour is a system of the role `hub`; here its address
//! and the key that it gave this hub are set and removed, with the keys and certificates by which what it signs is verified, each
//! act being evidence. It is an endpoint: pausing and the like is
//! in `endpoints`. Not here: who is behind it (`routes`), passing on (`dispatch`), what it brings and tells (`relay`).

use super::ExchangeError;
use super::act::{Act, By};
use super::endpoints::{bad_url, check_url, note, sealed_for};
use crate::channel::networks::BadUrl;
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::rules::Wording;
use crate::domain::system::Role;
use crate::hub::Hub;
use crate::proof::checkpoint::Key;
use crate::signer::certificate::Certificate;
use crate::store::endpoints::{NewEndpoint, Secrets};
pub use crate::store::neighbours::NeighbourKeys;
use crate::store::{endpoints, neighbours as known, pushes, routes, systems};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// A neighbour as it is wanted.
#[derive(Debug, Clone)]
pub struct NeighbourEntry {
    /// The id of its system here, which is its own name.
    pub neighbour: String,
    /// The address of the hub: `https://host`, to which the paths of the native API are added.
    pub url: String,
    /// The key that it gave this hub, `KEY.SECRET`; without one, the key stays as it was.
    pub key: Option<SecretString>,
    /// Most packets on their way at once; the configured number when absent.
    pub in_flight_max: Option<u16>,
    /// By what else it is known.
    pub known_by: KnownBy,
}

/// By what a neighbour is known beside its key. What is not given stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownBy {
    /// The key of its ledger: this hub cosigns its heads.
    pub ledger_key: Option<String>,
    /// Its key as a witness: it is asked to cosign the heads of this hub's ledger.
    pub witness_key: Option<String>,
    /// Its certificates (PEM): its receipts are asked for and verified.
    pub certificates: Option<String>,
    /// Whether it is to be believed without receipts.
    pub is_unverified: bool,
}

impl KnownBy {
    /// Believed without receipts, and known by nothing else.
    pub fn unverified() -> Self {
        Self { is_unverified: true, ..Self::default() }
    }

    /// What is known from now on of a neighbour of this name.
    fn after(&self, name: &str, before: Option<NeighbourKeys>) -> Result<NeighbourKeys, Wording> {
        let is_key = |key: &Option<String>, read: fn(&str) -> Option<Key>| {
            key.as_deref().is_none_or(|key| key.is_empty() || read(key).is_some())
        };
        if !is_key(&self.ledger_key, Key::parse) || !is_key(&self.witness_key, Key::parse_witness) {
            return Err(Wording::new(
                "khóa sổ cái, khóa làm chứng phải có dạng docaxis ledger show in ra",
                "the key of a ledger or a witness must be as docaxis ledger show prints it",
            ));
        }
        let read = |pem: &String| Certificate::read_pem(pem.as_bytes());
        if self.certificates.as_ref().is_some_and(|pem| read(pem).is_none()) {
            return Err(Wording::new("không đọc được chứng thư (PEM)", "the certificate cannot be read (PEM)"));
        }
        // Who was believed without receipts before stays so.
        if before.is_none() && self.certificates.is_none() && !self.is_unverified {
            return Err(Wording::new(
                "cần chứng thư của trục lân cận để kiểm tra biên nhận; nếu chấp nhận không kiểm tra, phải nói rõ",
                "the neighbour's certificate is needed to verify its receipts; to believe it without, say so",
            ));
        }
        let before = before.unwrap_or_default();
        let chosen = |new: &Option<String>, before: String| new.clone().map_or(before, |new| new.trim().to_owned());
        let certificates = chosen(&self.certificates, before.certificates);
        Ok(NeighbourKeys {
            neighbour: name.to_owned(),
            ledger_key: chosen(&self.ledger_key, before.ledger_key),
            witness_key: chosen(&self.witness_key, before.witness_key),
            certificates: if self.is_unverified { String::new() } else { certificates },
        })
    }
}

/// Sets where a neighbour is reached and by which key, with a fresh breaker.
///
/// # Errors
/// `NotFound` when there is no system of that id with the role `hub`; `Malformed` for an address that the hub does not call,
/// for a key of another form or when there is none yet, without a certificate unless it is to be believed so, and when this hub
/// has no name; `Store`.
pub async fn set(hub: &Hub, by: &By, entry: NeighbourEntry) -> Result<(), ExchangeError> {
    let url = entry.url.trim_end_matches('/').to_owned();
    check_url(hub, EndpointKind::Relay, &url)?;
    if url.contains('?') {
        return Err(ExchangeError::Malformed(bad_url(BadUrl::Form, EndpointKind::Relay)));
    }
    if hub.config.relay.hub_name.is_empty() {
        return Err(ExchangeError::Malformed(Wording::new(
            "trục này chưa có tên: hãy đặt relay.hub_name",
            "this hub has no name yet: set relay.hub_name",
        )));
    }
    let id = EndpointId::relay(&entry.neighbour);
    let sealed = entry.key.as_ref().map(|key| sealed(hub, &id, key)).transpose()?;
    let standard = u16::try_from(hub.config.push.in_flight_per_endpoint_max).unwrap_or(u16::MAX);
    let in_flight_max = i32::from(entry.in_flight_max.unwrap_or(standard).max(1));
    let (act, known_by) = (Act::new(hub, by), entry.known_by);
    let set = hub.store.write(move |tx| {
        if systems::find(tx, &id.holder)?.is_none_or(|system| system.role != Role::Hub) {
            return Ok(Err(ExchangeError::NotFound));
        }
        let before = endpoints::find(tx, &id.to_string())?.map(|row| row.secrets());
        let Some(secrets) = sealed.clone().map(Secrets::only).or(before) else {
            return Ok(Err(ExchangeError::Malformed(bad_key())));
        };
        let keys = match known_by.after(&id.holder, known::find(tx, &id.holder)?) {
            Ok(keys) => keys,
            Err(why) => return Ok(Err(ExchangeError::Malformed(why))),
        };
        let (url, wants) = (url.clone(), String::new());
        let facts = json!({
            "url": url, "ledger_key": keys.ledger_key, "witness_key": keys.witness_key, "certificates": ids_of(&keys),
        });
        known::set(tx, &keys)?;
        let new = NewEndpoint { id: id.clone(), url, secrets, confirms_itself: false, wants, in_flight_max };
        endpoints::set(tx, new, act.now)?;
        note(tx, &act, "set", (&id, facts))?;
        Ok(Ok(()))
    });
    set.await??;
    hub.wake.notify_one();
    Ok(())
}

/// The ids of the certificates by which a neighbour is known.
pub fn ids_of(keys: &NeighbourKeys) -> Vec<String> {
    let all = Certificate::read_pem(keys.certificates.as_bytes()).unwrap_or_default();
    all.into_iter().map(|one| one.id).collect()
}

/// By what each neighbour is known, in the order of names.
///
/// # Errors
/// `Store`.
pub async fn known(hub: &Hub) -> Result<Vec<NeighbourKeys>, ExchangeError> {
    Ok(hub.store.read(known::list).await?.into_iter().map(|(keys, _)| keys).collect())
}

fn sealed(hub: &Hub, id: &EndpointId, key: &SecretString) -> Result<Vec<u8>, ExchangeError> {
    let text = key.expose_secret().trim();
    let is_key = text.split_once('.').is_some_and(|(id, secret)| !id.is_empty() && !secret.is_empty());
    // It stands in a header of every request.
    if !is_key || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ExchangeError::Malformed(bad_key()));
    }
    let sealed = hub.keyring.seal(&SecretString::from(text), &sealed_for(id));
    sealed.map_err(|error| ExchangeError::Unavailable(error.to_string()))
}

fn bad_key() -> Wording {
    Wording::new(
        "cần khóa do trục lân cận cấp cho trục này, dạng MÃ_KHÓA.BÍ_MẬT",
        "the key that the neighbour gave this hub is needed, as KEY.SECRET",
    )
}

/// Removes the way to a neighbour; its system and keys stay.
///
/// # Errors
/// `NotFound` when there is none; `Exists` while routes lead there or something waits for it; `Store`.
pub async fn remove(hub: &Hub, by: &By, neighbour: &str) -> Result<(), ExchangeError> {
    let (act, id) = (Act::new(hub, by), EndpointId::relay(neighbour));
    let removed = hub.store.write(move |tx| {
        let endpoint_id = id.to_string();
        if endpoints::find(tx, &endpoint_id)?.is_none() {
            return Ok(Err(ExchangeError::NotFound));
        }
        let is_led_to = routes::list(tx)?.iter().any(|route| route.neighbour == id.holder);
        if is_led_to || pushes::number_for(tx, &endpoint_id)? > 0 {
            return Ok(Err(ExchangeError::Exists(Wording::new(
                "còn tuyến dẫn tới trục này hoặc còn gói tin, sự kiện đang chờ",
                "routes lead there, or packets or events wait for it",
            ))));
        }
        endpoints::remove(tx, &id)?;
        known::remove(tx, &id.holder)?;
        note(tx, &act, "removed", (&id, json!({})))?;
        Ok(Ok(()))
    });
    removed.await?
}
