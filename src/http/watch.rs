//! For those who watch over the hub: `/readyz` and `/metrics`. What is looked at is decided in `exchange::health`.

use super::problem::{self, Problem};
use crate::exchange::ExchangeError;
use crate::exchange::health::{self, Check};
use crate::hub::Hub;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, FORWARDED, HeaderMap, HeaderName, VIA, X_FORWARDED_FOR};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

#[derive(Serialize)]
struct Readiness<'a> {
    status: &'static str,
    checks: Vec<CheckBody<'a>>,
}

#[derive(Serialize)]
struct CheckBody<'a> {
    name: &'static str,
    ok: bool,
    vi: &'a str,
    en: &'a str,
}

/// Whether the hub can work, and every check.
pub async fn ready(hub: &Hub) -> HttpResponse {
    let checks = health::readiness(hub).await;
    let is_ready = checks.iter().all(|check| check.ok);
    let body = |check: &'_ Check| (check.name, check.ok);
    let bodies = checks.iter().map(|check| {
        let (name, ok) = body(check);
        CheckBody { name, ok, vi: &check.vi, en: &check.en }
    });
    let readiness = Readiness { status: if is_ready { "ready" } else { "not_ready" }, checks: bodies.collect() };
    let mut answer = if is_ready { problem::ok() } else { problem::unready() };
    answer.json(readiness)
}

/// Set by proxies: whoever comes through one is not who its address says.
const BY_PROXY: [HeaderName; 4] = [FORWARDED, X_FORWARDED_FOR, VIA, HeaderName::from_static("x-real-ip")];

/// What was counted, for whoever may read it.
///
/// # Errors
/// `Unauthenticated`.
pub async fn metrics(hub: &Hub, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let headers = request.headers();
    let is_direct = !BY_PROXY.iter().any(|name| headers.contains_key(name));
    let peer = request.peer_addr().map(|peer| peer.ip()).filter(|_| is_direct);
    if !health::may_watch(hub, peer, bearer(headers)) {
        return Err(ExchangeError::Unauthenticated.into());
    }
    let text = health::exposition(hub).await?;
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(problem::ok().insert_header((CONTENT_TYPE, form)).body(text))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
