//! Neighbouring hubs: what one says beside a packet, what it tells of deliveries that it has, and, below `/api/v1/admin`,
//! which neighbours there are and who is behind them. The command line calls the same use cases.

use super::admin_answers::All;
use super::admin_api::body;
use super::forms;
use super::gate::Call;
use super::problem::{self, Problem};
use super::push_admin::shown;
use super::reading;
use crate::domain::endpoint::EndpointId;
use crate::exchange::Caller;
use crate::exchange::accept::{Door, Submission};
use crate::exchange::act::By;
use crate::exchange::announce::RelayEvent;
use crate::exchange::neighbours::{self, KnownBy, NeighbourEntry};
use crate::exchange::{relay, routes};
use actix_web::HttpResponse;
use actix_web::http::header::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU16;

/// The operations of administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayOperation {
    /// Say where a neighbour is reached.
    PutNeighbour,
    /// Reach it no more.
    RemoveNeighbour,
    /// List routes.
    Routes,
    /// Let a route lead to a neighbour.
    PutRoute,
    /// Remove a route.
    RemoveRoute,
}

/// Answers one operation of a caller who may.
pub(super) async fn answer(operation: RelayOperation, call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let hub = &call.node.hub;
    match operation {
        RelayOperation::PutNeighbour => put_neighbour(call, by).await,
        RelayOperation::RemoveNeighbour => {
            let neighbour = call.segment("id");
            neighbours::remove(hub, by, neighbour).await?;
            Ok(problem::ok().json(RemovedNeighbourBody { neighbour, state: "removed" }))
        }
        RelayOperation::Routes => {
            let rows = routes::list(hub).await?;
            let line = |row| RouteBody::new(row);
            Ok(problem::ok().json(All { items: rows.iter().map(line).collect() }))
        }
        RelayOperation::PutRoute => {
            let mut call = call;
            let said: RouteSaid = body(&mut call).await?;
            let prefix = call.segment("prefix");
            let moved = routes::set(&call.node.hub, by, prefix, &said.neighbour).await?;
            Ok(problem::ok().json(SetRouteBody { prefix, neighbour: &said.neighbour, moved }))
        }
        RelayOperation::RemoveRoute => {
            let prefix = call.segment("prefix");
            routes::remove(hub, by, prefix).await?;
            Ok(problem::ok().json(RemovedRouteBody { prefix, state: "removed" }))
        }
    }
}

/// What a packet comes with: of a neighbouring hub, what its headers say.
pub(super) fn submission(call: &Call<'_>, caller: Caller) -> Submission {
    let (door, relay) = match caller.is_hub() {
        true => (Door::Relay, head(call.request.headers())),
        false => (Door::Native, None),
    };
    Submission { caller, door, addressees: Vec::new(), hash_file: None, relay }
}

fn head(headers: &HeaderMap) -> Option<relay::Head> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    relay::Head::read(said("docaxis-hops")?, said("docaxis-delivery")?, said("docaxis-recipient")?)
}

/// Takes down what a neighbour tells.
pub(super) async fn hear(call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let told: RelayEvent = reading::json(&call.body.whole().await?)?;
    let delivery_id = told.delivery_id.clone();
    let state = relay::hear(&call.node.hub, caller, told).await?;
    Ok(problem::ok().json(HeardBody { delivery_id: &delivery_id, state: state.word() }))
}

/// How a delivery stands after an event.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HeardEvent")]
pub struct HeardBody<'a> {
    /// The delivery.
    delivery_id: &'a str,
    /// How it stands.
    #[schemars(schema_with = "forms::state")]
    state: &'static str,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NeighbourSaid {
    /// The address of the hub: https://host, to which /api/v1/… is added.
    #[schemars(schema_with = "forms::endpoint_url")]
    url: String,
    /// The key that it gave this hub, `KEY.SECRET`; without it the key stays as it was.
    key: Option<String>,
    /// Most packets on their way at once; `push.in_flight_per_endpoint_max` without it.
    in_flight_max: Option<NonZeroU16>,
    /// Its certificates, or those of who issued them (PEM): its signed receipts are verified by them. Without it they stay.
    certificates: Option<String>,
    /// `true`: it is believed without receipts.
    #[serde(default)]
    unverified: bool,
    /// The key of its ledger, whose heads this hub then cosigns. Without it the key stays; an empty one removes it.
    ledger_key: Option<String>,
    /// Its key as a witness, which is then asked to cosign this hub's ledger. Likewise.
    witness_key: Option<String>,
}

async fn put_neighbour(mut call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let said: NeighbourSaid = body(&mut call).await?;
    let neighbour = call.segment("id").to_owned();
    let name = EndpointId::relay(&neighbour).to_string();
    let in_flight_max = said.in_flight_max.map(NonZeroU16::get);
    let known_by = KnownBy {
        ledger_key: said.ledger_key,
        witness_key: said.witness_key,
        certificates: said.certificates,
        is_unverified: said.unverified,
    };
    let entry = NeighbourEntry { neighbour, url: said.url, key: said.key.map(Into::into), in_flight_max, known_by };
    neighbours::set(&call.node.hub, by, entry).await?;
    shown(&call, &name).await
}

/// A neighbour that is reached no more.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RemovedNeighbour")]
pub struct RemovedNeighbourBody<'a> {
    /// Its name.
    neighbour: &'a str,
    /// `removed`.
    state: &'static str,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteSaid {
    /// The neighbour: the id of its system here.
    neighbour: String,
}

/// A route.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Route")]
pub struct RouteBody<'a> {
    /// An organ id in upper case, with all below it, or `*` for everybody.
    prefix: &'a str,
    /// The neighbour behind which they are.
    neighbour: &'a str,
}

impl<'a> RouteBody<'a> {
    fn new(row: &'a routes::RouteLine) -> Self {
        Self { prefix: &row.prefix, neighbour: &row.neighbour }
    }
}

/// A route that was set.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NewRoute")]
pub struct SetRouteBody<'a> {
    /// As it was said.
    prefix: &'a str,
    /// The neighbour to whom it leads.
    neighbour: &'a str,
    /// Deliveries that waited for another neighbour and go along.
    moved: usize,
}

/// A route that was removed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RemovedRoute")]
pub struct RemovedRouteBody<'a> {
    /// As it was said.
    prefix: &'a str,
    /// `removed`.
    state: &'static str,
}
