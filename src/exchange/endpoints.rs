//! Endpoints: where agencies want their packets brought is set and removed by the operator, and whatever is brought to whom
//! can be paused and resumed; each act is evidence. Not here: bringing (`dispatch`).

use super::ExchangeError;
use super::act::{Act, By};
use super::announce::{self, Moment};
use crate::channel::networks::{BadUrl, Callable};
use crate::channel::signature::{self, Scheme};
use crate::domain::agency::AgencyCode;
use crate::domain::announcement::{EventKind, chosen};
use crate::domain::breaker::Circuit;
use crate::domain::delivery::{Next, Step, next};
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::hub::Hub;
use crate::store::endpoints::{EndpointRow, NewEndpoint, Secrets};
use crate::store::{Connection, StoreError, agencies, deliveries, endpoints, pushes};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// An endpoint as an operator wants it.
#[derive(Debug, Clone)]
pub struct EndpointEntry {
    /// Code or alias of the agency.
    pub agency: String,
    /// Where to post.
    pub url: String,
    /// Whether the agency's software says by itself when it holds a packet.
    pub confirms_itself: bool,
    /// Most packets on their way at once; the configured number when absent.
    pub in_flight_max: Option<u16>,
    /// How pushes are signed.
    pub scheme: Scheme,
}

/// By what an agency's software knows that the hub pushed. Shown this once.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The secret that both sides know.
    Secret(SecretString),
    /// The public key; the private one stays here.
    PublicKey(String),
}

impl Proof {
    /// The secret and the public key; one of them is there.
    pub fn parts(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Secret(secret) => (Some(secret.expose_secret()), None),
            Self::PublicKey(key) => (None, Some(key)),
        }
    }
}

/// An endpoint and how it is doing.
#[derive(Debug, Clone)]
pub struct EndpointLine {
    /// Whose it is.
    pub id: EndpointId,
    /// Where to post.
    pub url: String,
    /// Whether the agency's software says by itself when it holds a packet.
    pub confirms_itself: bool,
    /// `open`, `paused` or `gone`.
    pub state: String,
    /// Why it is paused or gone.
    pub reason: String,
    /// How its circuit breaker stands.
    pub circuit: Circuit,
    /// Failures in a row.
    pub failures: i32,
    /// When a push last succeeded, to the minute.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// When a push last failed.
    pub failed_at: Option<DateTime<Utc>>,
    /// How much waits or is on its way.
    pub waiting: i64,
    /// Of what a system is told there; nothing at an agency's.
    pub events: Vec<EventKind>,
}

/// Deliveries moved from one channel to another in one transaction.
const MOVED_AT_ONCE: i64 = 500;

/// Sets where an agency is pushed to and answers by what the signatures are checked: a new secret or key. Packets accepted
/// from now on are pushed; those that wait to be picked up stay where they are.
///
/// # Errors
/// `NotFound` for an unknown agency, `Malformed` for an address that the hub does not call, `Store`.
pub async fn set(hub: &Hub, by: &By, entry: EndpointEntry) -> Result<Proof, ExchangeError> {
    let (new, proof) = draft(hub, &entry).await?;
    let act = Act::new(hub, by);
    hub.store.write(move |tx| put(tx, &act, new.clone())).await?;
    hub.wake.notify_one();
    Ok(proof)
}

/// The endpoint that an entry means, with a new secret, and what its holder is shown.
///
/// # Errors
/// As `set`; `Unavailable`.
pub(super) async fn draft(hub: &Hub, entry: &EndpointEntry) -> Result<(NewEndpoint, Proof), ExchangeError> {
    check_url(hub, EndpointKind::Agency, &entry.url)?;
    let id = EndpointId::agency(canonical(hub, &entry.agency).await?.as_str());
    let (sealed, proof) = new_secret(hub, &id, entry.scheme)?;
    let standard = u16::try_from(hub.config.push.in_flight_per_endpoint_max).unwrap_or(u16::MAX);
    let new = NewEndpoint {
        id,
        url: entry.url.clone(),
        secrets: Secrets::only(sealed),
        confirms_itself: entry.confirms_itself,
        wants: String::new(),
        in_flight_max: i32::from(entry.in_flight_max.unwrap_or(standard).max(1)),
    };
    Ok((new, proof))
}

/// Keeps an endpoint of an agency, with its evidence.
///
/// # Errors
/// `Statement`.
pub(super) fn put(tx: &mut Connection, act: &Act, new: NewEndpoint) -> Result<(), StoreError> {
    let (id, facts) = (new.id.clone(), json!({ "url": new.url, "confirms_itself": new.confirms_itself }));
    endpoints::set(tx, new, act.now)?;
    note(tx, act, "set", (&id, facts))
}

/// The same in place of another, with its limit; what an operator paused stays paused.
pub(super) fn replace(tx: &mut Connection, act: &Act, new: NewEndpoint) -> Result<(), StoreError> {
    let id = new.id.to_string();
    let Some(before) = endpoints::find(tx, &id)? else { return put(tx, act, new) };
    put(tx, act, NewEndpoint { in_flight_max: before.in_flight_max, ..new })?;
    if before.state == "paused" {
        endpoints::set_state(tx, &id, ("paused", &before.reason), act.now)?;
    }
    Ok(())
}

/// Whether the hub calls an address at all, as an endpoint of a kind.
///
/// # Errors
/// `Malformed` when it does not.
pub(super) fn check_url(hub: &Hub, kind: EndpointKind, url: &str) -> Result<(), ExchangeError> {
    let callable = Callable::of(&hub.config.push, kind).map_err(ExchangeError::Unavailable)?;
    callable.check(url).map(|_| ()).map_err(|why| ExchangeError::Malformed(bad_url(why, kind)))
}

/// A new secret for an endpoint, sealed, and what its holder is shown.
///
/// # Errors
/// `Unavailable`.
pub(super) fn new_secret(hub: &Hub, id: &EndpointId, scheme: Scheme) -> Result<(Vec<u8>, Proof), ExchangeError> {
    let unavailable = |error: String| ExchangeError::Unavailable(error);
    let random = hub.keyring.random().map_err(|error| unavailable(error.to_string()))?;
    let secret = signature::secret_of(scheme, &random);
    let sealed = hub.keyring.seal(&secret, &sealed_for(id)).map_err(|error| unavailable(error.to_string()))?;
    Ok((sealed, signature::public_key_of(&secret).map_or(Proof::Secret(secret), Proof::PublicKey)))
}

/// To what the sealed secret of an endpoint is bound.
pub(super) fn sealed_for(id: &EndpointId) -> String {
    match id.kind {
        EndpointKind::Agency => format!("endpoint:{}", id.holder),
        EndpointKind::Events | EndpointKind::Relay => format!("endpoint:{id}"),
    }
}

/// Leaves evidence of what was done to an endpoint.
pub(super) fn note(
    tx: &mut Connection,
    act: &Act,
    what: &str,
    (id, mut facts): (&EndpointId, Value),
) -> Result<(), StoreError> {
    let agency = match (id.kind, &mut facts) {
        (EndpointKind::Agency, _) => Some(id.holder.as_str()),
        (EndpointKind::Events | EndpointKind::Relay, facts) => {
            facts["system"] = json!(id.holder);
            None
        }
    };
    act.note(tx, (EvidenceEvent::EndpointChanged, what), agency, facts)
}

/// Every endpoint, in the order of kinds and holders.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub) -> Result<Vec<EndpointLine>, ExchangeError> {
    let now = hub.clock.now();
    let lines = hub.store.read(move |tx| {
        let depth: HashMap<String, i64> = pushes::depth(tx)?.into_iter().collect();
        let rows = endpoints::list(tx)?;
        rows.into_iter().map(|row| line(row, &depth, now)).collect()
    });
    Ok(lines.await?)
}

/// One endpoint, by the name of whose it is (`named`).
///
/// # Errors
/// `NotFound` when there is none, `Store`.
pub async fn one(hub: &Hub, name: &str) -> Result<EndpointLine, ExchangeError> {
    let (id, now) = (named(hub, name).await?.to_string(), hub.clock.now());
    let found = hub.store.read(move |tx| match endpoints::find(tx, &id)? {
        Some(row) => {
            let depth = HashMap::from([(id.clone(), pushes::number_for(tx, &id)?)]);
            line(row, &depth, now).map(Some)
        }
        None => Ok(None),
    });
    found.await?.ok_or(ExchangeError::NotFound)
}

fn line(row: EndpointRow, depth: &HashMap<String, i64>, now: DateTime<Utc>) -> Result<EndpointLine, StoreError> {
    let breaker = row.breaker();
    let id = row.id()?;
    Ok(EndpointLine {
        events: match id.kind {
            EndpointKind::Agency | EndpointKind::Relay => Vec::new(),
            EndpointKind::Events => chosen(&row.wants),
        },
        id,
        waiting: depth.get(&row.endpoint_id).copied().unwrap_or(0),
        circuit: breaker.circuit(now),
        failures: breaker.failures,
        succeeded_at: row.succeeded_at(),
        failed_at: row.failed_at(),
        url: row.url,
        confirms_itself: row.confirms_itself,
        state: row.state,
        reason: row.reason,
    })
}

/// Stops pushing to an endpoint; what waits for it is kept.
///
/// # Errors
/// `NotFound` when there is none of that name, `Store`.
pub async fn pause(hub: &Hub, by: &By, name: &str, reason: &str) -> Result<(), ExchangeError> {
    change(hub, by, name, ("paused", reason)).await
}

/// Pushes to an endpoint again, at once and with a fresh breaker, also what had failed and waits for another attempt.
///
/// # Errors
/// `NotFound` when there is none of that name, `Store`.
pub async fn resume(hub: &Hub, by: &By, name: &str) -> Result<(), ExchangeError> {
    change(hub, by, name, ("open", "")).await
}

async fn change(hub: &Hub, by: &By, name: &str, (state, reason): (&'static str, &str)) -> Result<(), ExchangeError> {
    let id = named(hub, name).await?;
    let reason = shortened(reason);
    let act = Act::new(hub, by);
    let found = hub.store.write(move |tx| {
        let endpoint_id = id.to_string();
        if endpoints::find(tx, &endpoint_id)?.is_none() {
            return Ok(false);
        }
        let changed = endpoints::set_state(tx, &endpoint_id, (state, &reason), act.now)?;
        let hurried = if state == "open" { pushes::hurry(tx, &endpoint_id, act.now)? } else { 0 };
        if changed || hurried > 0 {
            note(tx, &act, state, (&id, json!({ "reason": reason, "hurried": hurried })))?;
        }
        Ok(true)
    });
    if !found.await? {
        return Err(ExchangeError::NotFound);
    }
    hub.wake.notify_one();
    Ok(())
}

/// Longest reason that is kept, in characters.
const REASON_CHARS_MAX: usize = 500;

/// A reason as it is kept.
pub(super) fn shortened(reason: &str) -> String {
    reason.trim().chars().take(REASON_CHARS_MAX).collect()
}

/// Removes the endpoint of an agency, which picks its packets up from now on, also those that wait for a push. Answers how many.
///
/// # Errors
/// `NotFound` when it has no endpoint, `Store`.
pub async fn remove(hub: &Hub, by: &By, agency: &str) -> Result<usize, ExchangeError> {
    let code = canonical(hub, agency).await?;
    let (act, gone) = (Act::new(hub, by), EndpointId::agency(code.as_str()));
    let endpoint_id = gone.to_string();
    let found = hub.store.write(move |tx| {
        if !endpoints::remove(tx, &gone)? {
            return Ok(false);
        }
        note(tx, &act, "removed", (&gone, json!({})))?;
        Ok(true)
    });
    if !found.await? {
        return Err(ExchangeError::NotFound);
    }
    let mut moved: usize = 0;
    loop {
        let (ids, now, endpoint_id) = (hub.ids, hub.clock.now(), endpoint_id.clone());
        let schedules = Arc::clone(&hub.schedules);
        let some = hub.store.write(move |tx| {
            let rows = pushes::of_endpoint(tx, &endpoint_id, MOVED_AT_ONCE)?;
            for row in &rows {
                offer(tx, &row.push_id, Moment { ids, now, schedules: &schedules })?;
            }
            Ok(rows.len())
        });
        match some.await? {
            0 => {
                hub.arrivals.announce(std::iter::once(code.as_str()));
                return Ok(moved);
            }
            some => moved = moved.saturating_add(some),
        }
    }
}

/// Puts a delivery that was to be pushed at its recipient's disposal instead.
pub(super) fn offer(tx: &mut Connection, delivery_id: &str, moment: Moment<'_>) -> Result<(), StoreError> {
    pushes::remove(tx, delivery_id)?;
    let Some(row) = deliveries::find(tx, delivery_id)? else { return Ok(()) };
    let Next::Changed(to, Some(event)) = next(row.progress()?, Step::Offer) else { return Ok(()) };
    if !deliveries::settle(tx, &row, to, &row.note, moment.now)? {
        return Err(StoreError::Raced);
    }
    let piece = row.evidence(event, moment.now, None, &json!({ "channel": "pickup" }));
    announce::append(tx, moment, &row, &piece)
}

/// The endpoint that is meant by a code or an alias of an agency, or by `KIND:HOLDER`.
///
/// # Errors
/// `NotFound` for an unknown agency, `Store`.
pub(super) async fn named(hub: &Hub, name: &str) -> Result<EndpointId, ExchangeError> {
    match EndpointId::parse(name) {
        Some(EndpointId { kind: EndpointKind::Agency, holder }) => {
            Ok(EndpointId::agency(canonical(hub, &holder).await?.as_str()))
        }
        Some(id @ EndpointId { kind: EndpointKind::Events | EndpointKind::Relay, .. }) => Ok(id),
        None => Ok(EndpointId::agency(canonical(hub, name).await?.as_str())),
    }
}

pub(super) async fn canonical(hub: &Hub, agency: &str) -> Result<AgencyCode, ExchangeError> {
    let folded = agency.trim().to_ascii_uppercase();
    let found = hub.store.read(move |tx| agencies::find_by_alias(tx, &folded)).await?;
    found.map(|agency| agency.code).ok_or(ExchangeError::NotFound)
}

/// Why an address cannot be an endpoint, in words.
pub(super) fn bad_url(why: BadUrl, kind: EndpointKind) -> Wording {
    let (vi, en) = match (why, kind) {
        (BadUrl::Form, _) => (
            "địa chỉ không đúng dạng; hãy ghi như https://may-chu.donvi.vn/nhan, không kèm mật khẩu",
            "the address has not the right form; write it like https://host.agency.vn/in, without a password",
        ),
        (BadUrl::NotHttps, _) => (
            "địa chỉ phải là https://; http:// chỉ dùng được khi đặt push.plain_http",
            "the address must be https://; http:// needs the setting push.plain_http",
        ),
        (BadUrl::NotCalled, EndpointKind::Agency | EndpointKind::Relay) => (
            "địa chỉ thuộc mạng nội bộ chưa được phép gọi; hãy thêm mạng đó vào push.networks",
            "the address is in a private network that may not be called; name the network in push.networks",
        ),
        (BadUrl::NotCalled, EndpointKind::Events) => (
            "địa chỉ thuộc mạng nội bộ chưa được phép gọi; người vận hành phải thêm mạng đó vào push.webhook_networks",
            "the address is in a private network that may not be called; the operator would have to name it in push.webhook_networks",
        ),
    };
    Wording { vi: vi.to_owned(), en: en.to_owned() }
}
