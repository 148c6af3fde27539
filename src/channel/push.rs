//! The push channel: a packet or an event is posted to an endpoint, its bytes unchanged and signed. What each answer
//! means is decided here; what follows from it is not.

use super::networks::{Callable, Networks};
use super::{Outcome, Trouble};
use crate::config::Push;
use crate::domain::endpoint::EndpointKind;
use bytes::Bytes;
use futures_util::StreamExt;
use openidconnect::{HttpRequest, HttpResponse};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Certificate, Client, Request, Response, redirect};
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

/// Bytes on their way to an endpoint.
pub type Content = Pin<Box<dyn futures_util::Stream<Item = io::Result<Bytes>> + Send>>;

/// One packet or event for one endpoint.
pub struct Shipment {
    /// Where to post.
    pub url: String,
    /// Headers that say what it is, and the signature.
    pub headers: Vec<(&'static str, String)>,
    /// Its media type.
    pub media: &'static str,
    /// Its size.
    pub bytes: u64,
    /// The packet.
    pub content: Content,
    /// To what kind of endpoint.
    pub kind: EndpointKind,
}

/// A small question to a neighbour, a witness or a time-stamp authority, over the way to agencies.
#[derive(Debug)]
pub struct Question<'a> {
    /// Whom.
    pub url: &'a str,
    /// The key that is shown, if one is.
    pub bearer: Option<&'a str>,
    /// What is posted, with its media type; without it, something is to be had.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// How long the answer is waited for, where that is not as long as for endpoints.
    pub patience: Option<Duration>,
    /// Whether it may go without TLS whatever the configuration says: nothing in it is secret, and the answer is signed.
    pub is_open: bool,
}

/// What an answer to a question means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// What was asked for.
    Given,
    /// It does not fit what is there (409).
    Conflict,
    /// It was read and does not hold (422).
    Unsound,
    /// Something else, with its status.
    Other(u16),
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// What its status means.
    pub meaning: Meaning,
    /// The media type, without parameters.
    pub media: String,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// Why there is no answer: one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unanswered(String);

const TOO_LONG: &str = "its answer is longer than push.answer_bytes_max";

/// Posts packets and events to endpoints.
#[derive(Debug, Clone)]
pub struct Pusher {
    agencies: Line,
    webhooks: Line,
    answer_timeout: Duration,
    rate_min: u64,
    kept: usize,
    answer_max: usize,
}

/// The way to endpoints of one kind.
#[derive(Debug, Clone)]
struct Line {
    client: Client,
    callable: Callable,
}

impl Line {
    fn new(config: &Push, kind: EndpointKind) -> Result<Self, PusherError> {
        let callable = Callable::of(config, kind).map_err(PusherError::Networks)?;
        let resolver = Resolver { networks: callable.networks.clone() };
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .dns_resolver(resolver)
            .connect_timeout(Duration::from_secs(config.connect_timeout_seconds))
            .pool_idle_timeout(Duration::from_secs(config.idle_seconds))
            .user_agent(concat!("Docaxis/", env!("CARGO_PKG_VERSION")));
        if !config.tls_ca_file.as_os_str().is_empty() {
            let pem = std::fs::read(&config.tls_ca_file).map_err(PusherError::AuthorityFile)?;
            let authorities = Certificate::from_pem_bundle(&pem).map_err(PusherError::Client)?;
            builder = builder.tls_certs_merge(authorities);
        }
        Ok(Self { client: builder.build().map_err(PusherError::Client)?, callable })
    }
}

/// Why the channel cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum PusherError {
    /// `push.networks` or `push.webhook_networks` holds something that is no network.
    #[error("push.networks or push.webhook_networks: {0:?} is no network such as 10.20.0.0/16")]
    Networks(String),
    /// The file of authorities cannot be read.
    #[error("push.tls_ca_file cannot be read")]
    AuthorityFile(#[source] io::Error),
    /// The client cannot be made, or the file of authorities holds none.
    #[error("the client of the push channel cannot be made")]
    Client(#[source] reqwest::Error),
}

impl Pusher {
    /// Makes the clients, once for all endpoints.
    ///
    /// # Errors
    /// `Networks`, `AuthorityFile`, `Client`.
    pub fn new(config: &Push) -> Result<Self, PusherError> {
        Ok(Self {
            agencies: Line::new(config, EndpointKind::Agency)?,
            webhooks: Line::new(config, EndpointKind::Events)?,
            answer_timeout: Duration::from_secs(config.answer_timeout_seconds),
            rate_min: config.rate_min.max(1),
            kept: config.answer_bytes_kept,
            answer_max: config.answer_bytes_max,
        })
    }

    /// Posts a packet and says what came of it. Returns within the connect time-out plus the answer time-out plus
    /// the time that the packet needs at the slowest rate.
    pub async fn push(&self, shipment: Shipment) -> Outcome {
        let (bytes, kind) = (shipment.bytes, shipment.kind);
        let line = match kind {
            EndpointKind::Agency | EndpointKind::Relay => &self.agencies,
            EndpointKind::Events => &self.webhooks,
        };
        let Ok(url) = line.callable.check(&shipment.url) else {
            return Outcome::Later(trouble("the endpoint's address is not called", false));
        };
        let patience = self.answer_timeout.saturating_add(Duration::from_secs(bytes / self.rate_min));
        let mut request = line.client.post(url).timeout(patience);
        for (name, value) in shipment.headers {
            request = request.header(name, value);
        }
        let body = reqwest::Body::wrap_stream(shipment.content);
        let request = request.header(CONTENT_TYPE, shipment.media).header(CONTENT_LENGTH, bytes).body(body);
        match request.send().await {
            Ok(answer) => self.judge(answer, kind).await,
            Err(error) => Outcome::Later(trouble(&chain(&error), !error.is_connect() && !error.is_builder())),
        }
    }

    /// Asks, and reads the answer whole. Returns within the connect time-out plus the time that the answer may take.
    ///
    /// # Errors
    /// Why there is no answer: one line.
    pub async fn ask(&self, question: Question<'_>) -> Result<Answer, String> {
        let line = &self.agencies;
        let url = line.callable.checked(question.url, question.is_open);
        let url = url.map_err(|_| "its address is not called".to_owned())?;
        let request = match question.body {
            Some((media, body)) => line.client.post(url).header(CONTENT_TYPE, media).body(body),
            None => line.client.get(url),
        };
        let request = match question.bearer {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let patience = question.patience.unwrap_or(self.answer_timeout);
        let answer = request.timeout(patience).send().await.map_err(|error| chain(&error))?;
        let meaning = match answer.status().as_u16() {
            200 => Meaning::Given,
            409 => Meaning::Conflict,
            422 => Meaning::Unsound,
            status => Meaning::Other(status),
        };
        let media = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim().to_owned();
        let body = beginning(answer, self.answer_max.saturating_add(1)).await;
        if body.len() > self.answer_max {
            return Err(TOO_LONG.to_owned());
        }
        Ok(Answer { meaning, media, body })
    }

    /// Whether an address is one that the hub calls.
    pub fn is_called(&self, url: &str) -> bool {
        self.agencies.callable.check(url).is_ok()
    }

    /// Carries a small request as it is, and reads the answer whole. Returns within the connect time-out plus the answer
    /// time-out.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
        if !self.is_called(&request.uri().to_string()) {
            return Err(Unanswered("its address is not called".to_owned()));
        }
        let mut request = Request::try_from(request).map_err(|error| Unanswered(chain(&error)))?;
        *request.timeout_mut() = Some(self.answer_timeout);
        let answer = self.agencies.client.execute(request).await.map_err(|error| Unanswered(chain(&error)))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = beginning(answer, self.answer_max.saturating_add(1)).await;
        if body.len() > self.answer_max {
            return Err(Unanswered(TOO_LONG.to_owned()));
        }
        let mut whole = HttpResponse::default();
        *whole.body_mut() = body;
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        Ok(whole)
    }

    async fn judge(&self, answer: Response, kind: EndpointKind) -> Outcome {
        let status = answer.status();
        if status.is_success() {
            // Read to its end, so that the connection can be used again; a long one is not worth that.
            let most = if kind == EndpointKind::Relay { self.answer_max } else { self.kept };
            let said = beginning(answer, most).await;
            let answer = if kind == EndpointKind::Relay { said } else { Vec::new() };
            return Outcome::Taken { status: status.as_u16(), answer };
        }
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::trim);
        let retry_after = retry_after.and_then(|value| value.parse().ok()).map(Duration::from_secs);
        let beginning = beginning(answer, self.kept).await;
        let reasons = if kind == EndpointKind::Relay { reasons(&beginning) } else { None };
        let said = reasons.unwrap_or_else(|| redacted(&String::from_utf8_lossy(&beginning)));
        // Who sets its own webhook must not read through the hub what answers there.
        let reason = match said.is_empty() || kind == EndpointKind::Events {
            true => format!("answered {}", status.as_u16()),
            false => format!("answered {}: {said}", status.as_u16()),
        };
        let trouble = Trouble { status: Some(status.as_u16()), reason, may_have_left: true, retry_after };
        match status.as_u16() {
            // A neighbour's key or address is wrong: that is no word about the packet, and operators mend it.
            401 | 404 | 405 if kind == EndpointKind::Relay => Outcome::Later(trouble),
            400..=499 if kind == EndpointKind::Relay && may_pass_later(&beginning) => Outcome::Later(trouble),
            410 => Outcome::Gone(trouble),
            408 | 425 | 429 => Outcome::Later(trouble),
            400..=499 => Outcome::Refused(trouble),
            _ => Outcome::Later(trouble),
        }
    }
}

/// The beginning of an answer.
async fn beginning(answer: Response, most: usize) -> Vec<u8> {
    let mut stream = answer.bytes_stream();
    let mut kept: Vec<u8> = Vec::new();
    while let Some(Ok(piece)) = stream.next().await {
        let room = most.saturating_sub(kept.len());
        kept.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
        if room <= piece.len() {
            break;
        }
    }
    kept
}

/// Why a neighbouring hub refused a packet, when it says so as hubs do: each code with its cause in Vietnamese.
fn reasons(answer: &[u8]) -> Option<String> {
    let problem: Value = serde_json::from_slice(answer).ok()?;
    let reason = |violation: &Value| {
        let text = |pointer| violation.pointer(pointer).and_then(Value::as_str);
        Some(format!("{}: {}", text("/code")?, redacted(text("/cause/vi")?)))
    };
    let reasons: Option<Vec<String>> = problem.get("violations")?.as_array()?.iter().map(reason).collect();
    reasons.filter(|all| !all.is_empty()).map(|all| all.join(" "))
}

/// Why a neighbour may take later what it refuses now: what a packet speaks of is still on its way there, or an operator has
/// yet to tell one hub of the other.
const MENDED_BY_TIME: [&str; 4] = [
    "M.TraceHeaderList.Bussiness.DocumentId.Unknown",
    "M.MessageHeader.ResponseFor.Unknown",
    "M.MessageHeader.From.NotHeld",
    "M.Relay.Head",
];

/// Whether each reason in a neighbour's answer is one of those.
fn may_pass_later(answer: &[u8]) -> bool {
    let problem: Value = serde_json::from_slice(answer).unwrap_or_default();
    let Some(violations) = problem.get("violations").and_then(Value::as_array) else { return false };
    let may = |violation: &Value| {
        let code = violation.get("code").and_then(Value::as_str);
        code.is_some_and(|code| MENDED_BY_TIME.contains(&code))
    };
    !violations.is_empty() && violations.iter().all(may)
}

/// Resolves names as the machine does and keeps what may be called. The connection goes to one of these addresses
/// and to no other, so a name that changes between check and connection gains nothing.
struct Resolver {
    networks: Networks,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.networks.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let allowed: Addrs = Box::new(networks.filter(&host, found)?.into_iter());
            Ok(allowed)
        })
    }
}

fn trouble(reason: &str, may_have_left: bool) -> Trouble {
    Trouble { status: None, reason: reason.to_owned(), may_have_left, retry_after: None }
}

/// An error with its causes, without the address: the endpoint's owner may have put a token into it.
fn chain(error: &reqwest::Error) -> String {
    let mut said = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "no answer in time".to_owned(),
        (false, true) => "no connection".to_owned(),
        (false, false) => "the connection broke".to_owned(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        said = format!("{said}: {inner}");
        cause = inner.source();
    }
    redacted(&said)
}

/// Longest run of letters and digits that is shown: a longer one with a digit in it may be a key or a token.
const WORD_MAX: usize = 24;
/// Longest run of digits that is shown: a longer one may be a telephone or identity number.
const NUMBER_MAX: usize = 8;

/// Text that may be kept and shown: one line, without what looks like a secret, a mail address or a person's number.
fn redacted(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let shown = words.map(|word| {
        let has = |wanted: fn(&u8) -> bool| word.bytes().filter(wanted).count();
        let digits = has(u8::is_ascii_digit);
        let long = word.len() > WORD_MAX && digits > 0 && has(u8::is_ascii_alphabetic) > 0;
        if word.contains('@') || long || digits > NUMBER_MAX { "***" } else { word }
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_time_or_an_operator_mends_is_tried_again_and_nothing_else() {
        let told = |codes: &[&str]| {
            let violations: Vec<Value> = codes.iter().map(|code| serde_json::json!({ "code": code })).collect();
            may_pass_later(serde_json::json!({ "violations": violations }).to_string().as_bytes())
        };
        assert!(told(&["M.TraceHeaderList.Bussiness.DocumentId.Unknown"]), "the document is still on its way");
        assert!(told(&["M.Relay.Head", "M.MessageHeader.From.NotHeld"]));
        assert!(!told(&["M.Relay.Head", "M.Relay.Loop"]), "one of them stays");
        assert!(!told(&[]) && !may_pass_later(b"<html>"));
    }

    #[test]
    fn what_an_endpoint_says_is_kept_without_secrets_and_people() {
        let said = "loi\r\n gọi 0912345678, van-thu@example.vn, Bearer abcdefghij0123456789abcdefghij \u{1}xin chào";
        assert_eq!(redacted(said), "loi gọi *** *** Bearer *** xin chào");
    }
}
