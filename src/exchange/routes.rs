//! Routes: which agencies are behind which neighbouring hub, and how a recipient therefore gets its packets. Each change of
//! a route is evidence. Not here: how a neighbour is reached (`neighbours`).

use super::ExchangeError;
use super::act::{Act, By};
use crate::domain::agency::{Agency, AgencyCode, Channel, OrganId};
use crate::domain::endpoint::EndpointId;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::relay;
use crate::domain::rules::Wording;
use crate::domain::system::Role;
use crate::hub::Hub;
pub use crate::store::routes::RouteRow as RouteLine;
use crate::store::{Connection, StoreError, agencies, endpoints, relays, routes, systems};
use serde_json::json;
use std::collections::BTreeMap;

/// How a recipient gets its packets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Way {
    /// Its software comes for them.
    #[default]
    Pickup,
    /// The hub brings them to its endpoint, or to the neighbour that it is behind.
    Push(EndpointId),
}

/// How these recipients get their packets, by their channels in the directory. Who is here is not behind a neighbour,
/// whatever routes say.
pub(super) fn ways(tx: &mut Connection, recipients: &[(&AgencyCode, Channel)]) -> Result<Vec<Way>, StoreError> {
    let routes = routes::all(tx)?;
    let led = |(code, channel): &(&AgencyCode, Channel)| match channel {
        Channel::Pickup => routes.neighbour_of(code.as_str()),
        Channel::Push => None,
    };
    let away: Vec<&str> = recipients.iter().filter(|one| led(one).is_some()).map(|(code, _)| code.as_str()).collect();
    let held = if away.is_empty() { Vec::new() } else { systems::held_among(tx, &away)? };
    let way = |one: &(&AgencyCode, Channel)| match (one.1, led(one)) {
        (Channel::Push, _) => Way::Push(EndpointId::agency(one.0.as_str())),
        (Channel::Pickup, Some(neighbour)) if !held.contains(&one.0.0) => Way::Push(EndpointId::relay(neighbour)),
        (Channel::Pickup, _) => Way::Pickup,
    };
    Ok(recipients.iter().map(way).collect())
}

/// How one recipient gets its packets.
pub(super) fn way_of(tx: &mut Connection, code: &AgencyCode) -> Result<Way, StoreError> {
    let channel = agencies::channel_of(tx, code)?;
    Ok(ways(tx, &[(code, channel)])?.pop().unwrap_or_default())
}

/// The agency to which an organ id leads: by the directory, or else by a route, under its own text.
pub(super) fn agency_of(tx: &mut Connection, organ_id: &OrganId) -> Result<Option<Agency>, StoreError> {
    let folded = organ_id.folded();
    if let Some(agency) = agencies::find_by_alias(tx, &folded)? {
        return Ok(Some(agency));
    }
    let is_away = routes::all(tx)?.neighbour_of(&folded).is_some();
    Ok(is_away.then(|| Agency::new(&folded, &folded)))
}

/// The code of a recipient, here or behind a neighbour.
///
/// # Errors
/// `NotFound` for one that neither the directory nor a route knows, `Store`.
pub(super) async fn recipient(hub: &Hub, text: &str) -> Result<AgencyCode, ExchangeError> {
    let organ_id = OrganId::parse(text.trim()).ok_or(ExchangeError::NotFound)?;
    let found = hub.store.read(move |tx| agency_of(tx, &organ_id)).await?;
    found.map(|agency| agency.code).ok_or(ExchangeError::NotFound)
}

/// Every route, in the order of prefixes.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub) -> Result<Vec<RouteLine>, ExchangeError> {
    Ok(hub.store.read(routes::list).await?)
}

/// Deliveries looked at in one transaction when a route is changed.
const MOVED_AT_ONCE: i64 = 500;

/// Lets an organ id with all below it, or everybody (`*`), lead to a neighbour. What waits to go elsewhere by the route that
/// stood there goes along. Answers how many deliveries that were.
///
/// # Errors
/// `Malformed` for what is no prefix, `NotFound` for an unknown neighbour or one without an address, `Store`.
pub async fn set(hub: &Hub, by: &By, prefix: &str, neighbour: &str) -> Result<usize, ExchangeError> {
    let (prefix, act, id) = (of_text(prefix)?, Act::new(hub, by), neighbour.to_owned());
    let set = hub.store.write(move |tx| {
        let is_hub = systems::find(tx, &id)?.is_some_and(|system| system.role == Role::Hub);
        // Without an address nothing would ever leave.
        if !is_hub || endpoints::find(tx, &EndpointId::relay(&id).to_string())?.is_none() {
            return Ok(false);
        }
        let before = routes::set(tx, &prefix, &id, act.now)?;
        if before.as_ref() != Some(&id) {
            note(tx, &act, ("set", &prefix), (&id, before))?;
        }
        Ok(true)
    });
    if !set.await? {
        return Err(ExchangeError::NotFound);
    }
    let moved = follow(hub).await?;
    hub.wake.notify_one();
    Ok(moved)
}

fn of_text(prefix: &str) -> Result<String, ExchangeError> {
    relay::prefix(prefix).ok_or_else(|| {
        ExchangeError::Malformed(Wording::new(
            format!("{prefix:?} không phải mã định danh, cũng không phải *"),
            format!("{prefix:?} is no organ id and not *"),
        ))
    })
}

fn note(
    tx: &mut Connection,
    act: &Act,
    (what, prefix): (&str, &str),
    (neighbour, before): (&str, Option<String>),
) -> Result<(), StoreError> {
    let facts = json!({ "prefix": prefix, "neighbour": neighbour, "before": before });
    act.note(tx, (EvidenceEvent::RouteChanged, what), None, facts)
}

/// Removes a route. What waits for the neighbour still goes there.
///
/// # Errors
/// `Malformed`, `NotFound` when there is none, `Store`.
pub async fn remove(hub: &Hub, by: &By, prefix: &str) -> Result<(), ExchangeError> {
    let (prefix, act) = (of_text(prefix)?, Act::new(hub, by));
    let removed = hub.store.write(move |tx| {
        let Some(neighbour) = routes::remove(tx, &prefix)? else { return Ok(false) };
        note(tx, &act, ("removed", &prefix), (&neighbour, None))?;
        Ok(true)
    });
    if removed.await? { Ok(()) } else { Err(ExchangeError::NotFound) }
}

/// Puts what waits for a neighbour in line for the one to whom routes lead now, where that is another one.
async fn follow(hub: &Hub) -> Result<usize, ExchangeError> {
    let neighbours = hub.store.read(|tx| {
        let systems = systems::list(tx)?.into_iter();
        Ok(systems.filter(|system| system.role == Role::Hub).map(|system| system.system_id).collect::<Vec<_>>())
    });
    let mut moved: usize = 0;
    for neighbour in neighbours.await? {
        let mut after = String::new();
        loop {
            let (from, seen) = (neighbour.clone(), after.clone());
            let some = hub.store.write(move |tx| follow_some(tx, &from, &seen));
            let (some, last) = some.await?;
            moved = moved.saturating_add(some);
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
    }
    Ok(moved)
}

/// The same for some deliveries after one. Answers how many went, and the last one looked at.
fn follow_some(tx: &mut Connection, from: &str, after: &str) -> Result<(usize, Option<String>), StoreError> {
    let routes = routes::all(tx)?;
    let waiting = relays::waiting_for(tx, from, (after, MOVED_AT_ONCE))?;
    let last = waiting.last().map(|(push_id, _)| push_id.clone());
    let mut moved: usize = 0;
    let mut by_neighbour: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (push_id, recipient) in &waiting {
        if let Some(to) = routes.neighbour_of(recipient).filter(|to| *to != from) {
            by_neighbour.entry(to).or_default().push(push_id);
        }
    }
    for (to, ids) in by_neighbour {
        moved = moved.saturating_add(relays::redirect(tx, &ids, to)?);
    }
    Ok((moved, last))
}
