//! What every request passes: its id, its route, its caller, the drain of its body, the answer to a failure
//! and one line in the access log. Headers, secrets and packets are never logged.

use super::body::{Body, BodyLimits, Held};
use super::openapi::{DOCUMENT, StandingBody};
use super::problem::{self, Dialect, Problem};
use super::sdk_answers::SdkShape;
use super::{
    Operation, ROUTES, Route, admin_api, agency_api, auth, ledger_api, portal, receipt_api, sdk_api, watch, witness_api,
};
use crate::domain::system::{AddressRange, client_address, ranges};
use crate::exchange::directory::{self, AgencyLine};
use crate::exchange::{Caller, ExchangeError};
use crate::hub::Hub;
use crate::metrics::{Gauge, RequestLabels, RouteLabel};
use crate::store::payloads::PayloadStream;
use actix_web::body::MessageBody;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream::LocalBoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use std::any::Any;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_CHARS_MAX: usize = 64;

/// What all requests of one server share.
#[derive(Clone)]
pub struct Node {
    /// What use cases are given.
    pub hub: Hub,
    trusted_proxies: Arc<[AddressRange]>,
    packets: Arc<Semaphore>,
    by_system: Arc<Mutex<HashMap<String, usize>>>,
}

/// A place for one packet on its way in; free again when dropped.
pub struct PacketPlace {
    _of_node: OwnedSemaphorePermit,
    by_system: Arc<Mutex<HashMap<String, usize>>>,
    system_id: String,
}

impl Drop for PacketPlace {
    fn drop(&mut self) {
        let mut taken = self.by_system.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = taken.get_mut(&self.system_id) {
            *places = places.saturating_sub(1);
            if *places == 0 {
                taken.remove(&self.system_id);
            }
        }
    }
}

impl Node {
    /// A server's share in the hub.
    pub fn new(hub: Hub) -> Self {
        let places = hub.config.server.packets_in_flight_max.min(Semaphore::MAX_PERMITS);
        // Checked when the configuration was read; what cannot be read is trusted by nobody.
        let trusted_proxies = ranges(&hub.config.server.trusted_proxies).unwrap_or_default().into();
        Self { hub, trusted_proxies, packets: Arc::new(Semaphore::new(places)), by_system: Arc::default() }
    }

    /// A place for one more packet of a system.
    ///
    /// # Errors
    /// `Overloaded` when all places are taken, `TooMany` when the system has taken its share of them.
    pub fn packet_place(&self, caller: &Caller) -> Result<PacketPlace, Problem> {
        let of_node = Arc::clone(&self.packets).try_acquire_owned().map_err(|_| Problem::Overloaded)?;
        let mut taken = self.by_system.lock().unwrap_or_else(PoisonError::into_inner);
        let places = taken.entry(caller.system_id().to_owned()).or_default();
        if *places >= self.hub.config.server.packets_in_flight_per_system_max {
            return Err(Problem::TooMany);
        }
        *places = places.saturating_add(1);
        let (by_system, system_id) = (Arc::clone(&self.by_system), caller.system_id().to_owned());
        Ok(PacketPlace { _of_node: of_node, by_system, system_id })
    }

    /// From where a request came, as far as it can be trusted.
    fn client_of(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip();
        let said = request.headers().get_all("x-forwarded-for").map(|value| value.to_str().unwrap_or("unreadable"));
        client_address(peer, &said.collect::<Vec<_>>().join(","), &self.trusted_proxies)
    }

    /// A full page of the directory.
    ///
    /// # Errors
    /// `Store`.
    pub async fn agencies_after(&self, code: &str) -> Result<Vec<AgencyLine>, ExchangeError> {
        directory::agencies_after(&self.hub, code, self.hub.config.lists.page_max).await
    }
}

/// A packet on its way out, with a line in the log when it breaks off.
pub fn watched(content: PayloadStream, request_id: &str) -> LocalBoxStream<'static, std::io::Result<Bytes>> {
    let id = request_id.to_owned();
    let note = move |error: &std::io::Error| {
        log::error!(target: "http", "request.id" = id.as_str(); "A packet broke off: {}", super::sentence::chain(error));
    };
    content.inspect_err(note).boxed_local()
}

/// One request, as its operation sees it.
pub struct Call<'a> {
    /// What the server shares.
    pub node: &'a Node,
    /// Its head.
    pub request: &'a HttpRequest,
    /// Its body.
    pub body: &'a mut Body,
    /// Its id.
    pub request_id: &'a str,
    system_id: &'a OnceCell<String>,
}

impl Call<'_> {
    /// A named segment of the path; empty when the route has none of that name.
    pub fn segment(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// From where it came, as far as that can be trusted.
    pub fn from(&self) -> Option<IpAddr> {
        self.node.client_of(self.request)
    }

    /// Notes for the log which person calls.
    pub fn know(&self, login: &str) {
        let _ = self.system_id.set(format!("user:{login}"));
    }
}

/// Answers a request to a path that has these routes; none for an unknown path.
pub async fn pass(node: Node, routes: &[&'static Route], request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let started = Instant::now();
    let mut node = node;
    node.hub.refresh();
    let _in_flight = Counted::one_more(&node.hub.metrics.http_in_flight);
    let config = &node.hub.config;
    let request_id = request_id(request.headers()).unwrap_or_else(|| node.hub.ids.next());
    let mut body = Body::new(payload, BodyLimits::of(&config.server, &config.packets));
    let route = routes.iter().find(|r| r.methods.iter().any(|m| m.name() == request.method().as_str())).copied();
    let dialect = match routes.first() {
        Some(first) => route.unwrap_or(first).operation.dialect(),
        None => dialect_of_unknown(request.path()),
    };
    let system_id = OnceCell::new();
    let call = Call { node: &node, request: &request, body: &mut body, request_id: &request_id, system_id: &system_id };
    let outcome = AssertUnwindSafe(answer(call, routes, route)).catch_unwind().await;
    let result = outcome.unwrap_or_else(|panic| Err(Problem::Panicked(said(panic.as_ref()))));

    let announced = announced(request.headers());
    let is_read = announced <= body_bound(&node) && body.drain().await;
    let mut response = result.unwrap_or_else(|problem| {
        if let Some(accident) = problem.accident() {
            log::error!(target: "http", "request.id" = request_id.as_str(); "A request failed: {accident}");
        }
        if let Some((reason, claimed)) = problem.denial() {
            let from = node.client_of(&request).map_or_else(String::new, |address| address.to_string());
            log::info!(
                target: "auth", "request.id" = request_id.as_str(), reason = reason, claimed = claimed,
                "client.address" = from.as_str(); "A credential was refused"
            );
        }
        problem::answer(&problem, dialect, &request_id)
    });
    if !is_read {
        response.head_mut().set_connection_type(ConnectionType::Close);
        response = response.map_body(|_, answer| Held::new(answer, body).boxed());
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    let took = started.elapsed();
    count(&node.hub, (request.method(), route), response.status().as_u16(), took);
    log::info!(
        target: "access",
        "request.id" = request_id.as_str(),
        "http.method" = known_method(request.method()),
        "http.route" = route.map_or("unknown", |r| r.path),
        "http.status" = response.status().as_u16(),
        "duration_ms" = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "system.id" = system_id.get().map_or("", String::as_str);
        "Answered"
    );
    response
}

async fn answer(call: Call<'_>, routes: &[&Route], route: Option<&Route>) -> Result<HttpResponse, Problem> {
    let headers = call.request.headers();
    if head_bytes(&call) > call.node.hub.config.server.head_bytes_max {
        return Err(Problem::HeadTooLarge);
    }
    if announced(headers) > body_bound(call.node) {
        return Err(Problem::BodyTooLarge);
    }
    if call.request.uri().path_and_query().is_some_and(|asked| asked.as_str().contains("%00")) {
        return Err(problem::nul());
    }
    let Some(route) = route else {
        return Err(match routes {
            [] => Problem::PathUnknown,
            [..] => Problem::MethodUnknown(allowed(routes)),
        });
    };
    let hub = &call.node.hub;
    let from = call.node.client_of(call.request);
    match route.operation {
        Operation::Alive => Ok(status_ok()),
        Operation::Ready => Ok(watch::ready(hub).await),
        Operation::Metrics => watch::metrics(hub, call.request).await,
        Operation::Verifier => Ok(receipt_api::page()),
        Operation::Description => Ok(agency_api::tagged(DOCUMENT.as_str().into(), headers)),
        Operation::Tiles(operation) => ledger_api::tiles(operation, &call).await,
        Operation::Witness => witness_api::add_checkpoint(call).await,
        Operation::Agency(operation) => {
            let caller = auth::bearer(hub, headers, from).await?;
            let _ = call.system_id.set(caller.system_id().to_owned());
            agency_api::answer(operation, call, caller).await
        }
        Operation::Admin(operation) => {
            let caller = auth::bearer(hub, headers, from).await?;
            let _ = call.system_id.set(caller.system_id().to_owned());
            admin_api::answer(operation, call, caller).await
        }
        Operation::Portal(operation) => portal::answer(operation, call).await,
        Operation::Sdk(operation) => {
            let signed = auth::signed(hub, headers, from).await?;
            let _ = call.system_id.set(signed.caller.system_id().to_owned());
            sdk_api::answer(operation, call, signed).await
        }
    }
}

/// Something that is counted as long as it is there.
pub struct Counted(Gauge);

impl Counted {
    /// Counts one more.
    pub fn one_more(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts an answer by its route as the table writes it; what strangers write makes no label.
fn count(hub: &Hub, (method, route): (&Method, Option<&'static Route>), status: u16, took: Duration) {
    let method = match known_method(method) {
        "GET" => "GET",
        "POST" => "POST",
        _ => "other",
    };
    let route = route.map_or("unknown", |route| route.path);
    hub.metrics.http_requests.get_or_create(&RequestLabels { method, route, status: u64::from(status) }).inc();
    hub.metrics.http_seconds.get_or_create(&RouteLabel { route }).observe(took.as_secs_f64());
}

fn status_ok() -> HttpResponse {
    problem::ok().json(StandingBody { status: "ok" })
}

/// The dialect of a path that does not exist: the last segment may tell which SDK operation was meant.
fn dialect_of_unknown(path: &str) -> Dialect {
    if path == "/api" || path.starts_with("/api/") {
        return Dialect::Native;
    }
    if path.starts_with("/portal/") {
        return Dialect::Page;
    }
    let segment = path.rsplit('/').next().unwrap_or_default();
    let sdk = |route: &&Route| match route.operation {
        Operation::Sdk(_) => route.path.trim_start_matches('/') == segment,
        Operation::Alive | Operation::Ready | Operation::Description | Operation::Metrics => false,
        Operation::Verifier | Operation::Tiles(_) | Operation::Witness | Operation::Agency(_) => false,
        Operation::Admin(_) | Operation::Portal(_) => false,
    };
    ROUTES.iter().find(sdk).map_or(Dialect::Sdk(SdkShape::Unknown), |route| route.operation.dialect())
}

fn allowed(routes: &[&Route]) -> String {
    let names: Vec<&str> = routes.iter().flat_map(|r| r.methods.iter().map(|m| m.name())).collect();
    names.join(", ")
}

/// A method's name, if it is one of the usual ones: whatever else a client sends stays out of the log.
fn known_method(method: &Method) -> &str {
    let usual = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    if usual.contains(method) { method.as_str() } else { "other" }
}

/// The caller's id of the request, when it is a sane one.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(&REQUEST_ID)?.to_str().ok()?;
    let sane = given.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    (sane && (1..=REQUEST_ID_CHARS_MAX).contains(&given.len())).then(|| given.to_owned())
}

/// The size of a request's head as the client wrote it, give or take its spaces.
fn head_bytes(call: &Call<'_>) -> usize {
    const AROUND: usize = 4;
    let lines = call.request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + AROUND);
    lines.sum::<usize>().saturating_add(call.request.uri().path().len())
}

/// The announced length of a body; nothing announced counts as nothing, the body itself is counted anyway.
fn announced(headers: &HeaderMap) -> u64 {
    headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.trim().parse().ok()).unwrap_or(0)
}

fn body_bound(node: &Node) -> u64 {
    BodyLimits::of(&node.hub.config.server, &node.hub.config.packets).drain_max
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(id: &str) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.insert(REQUEST_ID.clone(), HeaderValue::from_str(id).unwrap());
        map
    }

    #[test]
    fn only_a_sane_request_id_is_taken_over() {
        assert_eq!(request_id(&headers("dms-7_a.B")).as_deref(), Some("dms-7_a.B"));
        for id in ["", "a b", "a\"b", "a;b", &"x".repeat(65)] {
            assert_eq!(request_id(&headers(id)), None, "{id}");
        }
    }

    #[test]
    fn an_unknown_path_is_answered_in_the_dialect_of_its_neighbours() {
        assert_eq!(dialect_of_unknown("/api/v1/nothing"), Dialect::Native);
        assert_eq!(dialect_of_unknown("/old/prefix/getEdoc"), Dialect::Sdk(SdkShape::Packet));
        assert_eq!(dialect_of_unknown("/x/downloadEdoc"), Dialect::Empty);
        assert_eq!(dialect_of_unknown("/"), Dialect::Sdk(SdkShape::Unknown));
        assert_eq!(dialect_of_unknown("/portal/nothing"), Dialect::Page);
    }
}
