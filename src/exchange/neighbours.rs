//! Neighbours: hubs that packets are passed on to and taken from. A neighbour is a system of the role `hub`; here its address
//! and the key that it gave this hub are set and removed, each act being evidence. It is an endpoint: pausing and the like is
//! in `endpoints`. Not here: who is behind it (`routes`), passing on (`dispatch`), what it brings and tells (`relay`).

use super::ExchangeError;
use super::act::{Act, By};
use super::endpoints::{bad_url, check_url, note, sealed_for};
use crate::channel::networks::BadUrl;
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::rules::Wording;
use crate::domain::system::Role;
use crate::hub::Hub;
use crate::store::endpoints::{NewEndpoint, Secrets};
use crate::store::{endpoints, pushes, routes, systems};
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
}

/// Sets where a neighbour is reached and by which key, with a fresh breaker.
///
/// # Errors
/// `NotFound` when there is no system of that id with the role `hub`; `Malformed` for an address that the hub does not call,
/// for a key of another form or when there is none yet, and when this hub has no name; `Store`.
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
    let act = Act::new(hub, by);
    let set = hub.store.write(move |tx| {
        if systems::find(tx, &id.holder)?.is_none_or(|system| system.role != Role::Hub) {
            return Ok(Err(ExchangeError::NotFound));
        }
        let before = endpoints::find(tx, &id.to_string())?.map(|row| row.secrets());
        let Some(secrets) = sealed.clone().map(Secrets::only).or(before) else {
            return Ok(Err(ExchangeError::Malformed(bad_key())));
        };
        let (url, wants) = (url.clone(), String::new());
        let facts = json!({ "url": url });
        let new = NewEndpoint { id: id.clone(), url, secrets, confirms_itself: false, wants, in_flight_max };
        endpoints::set(tx, new, act.now)?;
        note(tx, &act, "set", (&id, facts))?;
        Ok(Ok(()))
    });
    set.await??;
    hub.wake.notify_one();
    Ok(())
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
        note(tx, &act, "removed", (&id, json!({})))?;
        Ok(Ok(()))
    });
    removed.await?
}
