//! For those who watch over the hub: `/readyz` and `/metrics`. What is looked at is decided in `exchange::health`.

use super::problem::{self, Problem};
use crate::exchange::health::{self, Check};
use crate::exchange::{Denial, ExchangeError};
use crate::hub::Hub;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, FORWARDED, HeaderMap, HeaderName, VIA, X_FORWARDED_FOR};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;

/// Whether the hub can work.
#[derive(Serialize, JsonSchema)]
pub struct Readiness {
    /// `ready` or `not_ready`.
    status: &'static str,
    /// Everything that must be right.
    checks: Vec<CheckBody>,
}

/// One thing that must be right.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReadinessCheck")]
struct CheckBody {
    /// `stopping`, `database`, `migrations`, `disk`, `key_file` or `ledger`.
    name: &'static str,
    /// Whether it is right enough to work.
    ok: bool,
    /// What is wrong or will be, in Vietnamese; empty when nothing is.
    vi: String,
    /// The same in English.
    en: String,
}

/// Whether the hub can work, and every check.
pub async fn ready(hub: &Hub) -> HttpResponse {
    let checks = health::readiness(hub).await;
    let is_ready = checks.iter().all(|check| check.ok);
    let bodies = checks.into_iter().map(|Check { name, ok, vi, en, .. }| CheckBody { name, ok, vi, en });
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
    let token = bearer(headers);
    let why = if token.is_none() { Denial::Missing } else { Denial::Wrong };
    if !health::may_watch(hub, peer, token) {
        return Err(ExchangeError::Unauthenticated(why, "metrics".to_owned()).into());
    }
    let text = health::exposition(hub).await?;
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(problem::ok().insert_header((CONTENT_TYPE, form)).body(text))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
