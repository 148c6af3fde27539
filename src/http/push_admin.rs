//! Administration of what the hub brings by itself, below `/api/v1/admin`: endpoints, what waits for an agency, what has
//! failed. The command line calls the same use cases.

use super::admin_answers::All;
use super::admin_api::body;
use super::agency_answers::time;
use super::agency_api::instant;
use super::agency_questions::{Cursor, instant as instant_form};
use super::forms;
use super::gate::Call;
use super::problem::{self, Problem};
use super::reading;
use super::sentence::Sentence;
use crate::channel::signature::Scheme;
use crate::exchange::act::By;
use crate::exchange::controls::{self, Direction, FailedLine, FailedSelection, Planned, WaitingLine};
use crate::exchange::endpoints::{self, EndpointEntry, EndpointLine, Proof};
use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU16, NonZeroU32};

/// The operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushOperation {
    /// List endpoints.
    Endpoints,
    /// Say where an agency is pushed to.
    PutEndpoint,
    /// Push to an agency no more.
    RemoveEndpoint,
    /// Push nothing for now.
    Pause,
    /// Push again.
    Resume,
    /// What waits for an agency.
    Waiting,
    /// What has failed for an agency.
    Failed,
    /// Start anew what has failed.
    StartAnew,
    /// Try a delivery now.
    Now,
    /// Hold a delivery.
    Hold,
    /// Let a held delivery go on.
    Release,
}

/// Answers one operation of a caller who may.
pub(super) async fn answer(operation: PushOperation, call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let hub = &call.node.hub;
    let code = call.segment("code");
    match operation {
        PushOperation::Endpoints => {
            let lines = endpoints::list(hub).await?;
            Ok(problem::ok().json(All { items: lines.iter().map(endpoint).collect() }))
        }
        PushOperation::PutEndpoint => put_endpoint(call, by).await,
        PushOperation::RemoveEndpoint => {
            let moved = endpoints::remove(hub, by, code).await?;
            Ok(problem::ok().json(RemovedBody { agency: code, moved }))
        }
        PushOperation::Pause => pause(call, by).await,
        PushOperation::Resume => {
            endpoints::resume(hub, by, code).await?;
            shown(&call, code).await
        }
        PushOperation::Waiting => {
            let asked: WaitingQuestion = reading::query(call.request.query_string())?;
            let lines = controls::waiting(hub, code, most(asked.limit)).await?;
            Ok(problem::ok().json(All { items: lines.iter().map(waiting).collect() }))
        }
        PushOperation::Failed => {
            let asked: FailedQuestion = reading::query(call.request.query_string())?;
            let lines = controls::failed(hub, &asked.selection(code)?).await?;
            Ok(problem::ok().json(All { items: lines.iter().map(failed).collect() }))
        }
        PushOperation::StartAnew => start_anew(call, by).await,
        PushOperation::Now => direct(call, by, Direction::Now).await,
        PushOperation::Hold => direct(call, by, Direction::Hold).await,
        PushOperation::Release => direct(call, by, Direction::Release).await,
    }
}

pub(super) fn most(limit: Option<NonZeroU32>) -> usize {
    limit.and_then(|limit| usize::try_from(limit.get()).ok()).unwrap_or(usize::MAX)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointSaid {
    /// Where the agency's software takes packets: https://host/path.
    #[schemars(schema_with = "forms::endpoint_url")]
    url: String,
    /// Its software says by itself when it holds a packet; an answer of 2xx is not enough.
    #[serde(default)]
    confirms_itself: bool,
    /// Most packets on their way at once; `push.in_flight_per_endpoint_max` without it.
    in_flight_max: Option<NonZeroU16>,
    /// How pushes are signed: by a shared secret without it.
    #[serde(default)]
    signature: SignatureWord,
}

/// How pushes are signed.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SignatureWord {
    #[default]
    Hmac,
    Ed25519,
}

impl SignatureWord {
    pub(super) fn scheme(self) -> Scheme {
        match self {
            Self::Hmac => Scheme::Hmac,
            Self::Ed25519 => Scheme::Ed25519,
        }
    }
}

async fn put_endpoint(mut call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let said: EndpointSaid = body(&mut call).await?;
    let entry = EndpointEntry {
        agency: call.segment("code").to_owned(),
        url: said.url,
        confirms_itself: said.confirms_itself,
        in_flight_max: said.in_flight_max.map(NonZeroU16::get),
        scheme: said.signature.scheme(),
    };
    let proof = endpoints::set(&call.node.hub, by, entry).await?;
    Ok(new_endpoint(call.segment("code"), Some(&proof)))
}

/// By what the signatures for somebody are checked, where that is new.
pub(super) fn new_endpoint(holder: &str, proof: Option<&Proof>) -> HttpResponse {
    let (secret, public_key) = proof.map(Proof::parts).unwrap_or_default();
    // Shown this once: nobody on the way may keep it.
    let mut answer = problem::ok();
    answer.insert_header((CACHE_CONTROL, "no-store")).json(NewEndpointBody { holder, secret, public_key })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseSaid {
    /// Why; of a pause it is shown with the endpoint, and it stands in the evidence.
    #[serde(default)]
    reason: String,
}

async fn pause(mut call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let said: PauseSaid = body(&mut call).await?;
    endpoints::pause(&call.node.hub, by, call.segment("code"), &said.reason).await?;
    shown(&call, call.segment("code")).await
}

/// An endpoint, by the name of whose it is.
pub(super) async fn shown(call: &Call<'_>, name: &str) -> Result<HttpResponse, Problem> {
    let line = endpoints::one(&call.node.hub, name).await?;
    Ok(problem::ok().json(endpoint(&line)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitingQuestion {
    /// Most rows; `lists.page_max` without it and at most.
    #[schemars(extend("maximum" = u32::MAX))]
    limit: Option<NonZeroU32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FailedQuestion {
    /// Accepted at or after this time.
    #[serde(default)]
    #[schemars(schema_with = "instant_form")]
    from: Option<String>,
    /// Accepted at or before this time.
    #[serde(default)]
    #[schemars(schema_with = "instant_form")]
    until: Option<String>,
    /// Only after this delivery.
    after: Option<Cursor>,
    /// Most rows; `lists.page_max` without it and at most.
    #[schemars(extend("maximum" = u32::MAX))]
    limit: Option<NonZeroU32>,
}

impl FailedQuestion {
    fn selection(self, agency: &str) -> Result<FailedSelection, Problem> {
        Ok(FailedSelection {
            agency: agency.to_owned(),
            from: instant("from", self.from.as_deref())?,
            until: instant("until", self.until.as_deref())?,
            delivery_id: None,
            after: self.after.map(|cursor| cursor.0),
            limit: most(self.limit),
        })
    }
}

/// Which failed deliveries to start anew, and how quickly.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StartSaid {
    /// Accepted at or after this time.
    #[serde(default)]
    #[schemars(schema_with = "instant_form")]
    from: Option<String>,
    /// Accepted at or before this time.
    #[serde(default)]
    #[schemars(schema_with = "instant_form")]
    until: Option<String>,
    /// Only this delivery.
    delivery_id: Option<String>,
    /// Only after this delivery: the last one of the call before.
    after: Option<Cursor>,
    /// Most deliveries of this call; `lists.page_max` without it and at most.
    #[schemars(extend("maximum" = u32::MAX))]
    limit: Option<NonZeroU32>,
    /// How many of them become due each minute; 600 without it.
    #[schemars(extend("maximum" = u32::MAX))]
    per_minute: Option<NonZeroU32>,
}

/// New deliveries due each minute, unless somebody says otherwise.
const PER_MINUTE: u32 = 600;

async fn start_anew(mut call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let said: StartSaid = body(&mut call).await?;
    let question = FailedQuestion { from: said.from, until: said.until, after: said.after, limit: said.limit };
    let selection = FailedSelection { delivery_id: said.delivery_id, ..question.selection(call.segment("code"))? };
    let per_minute = said.per_minute.map_or(PER_MINUTE, NonZeroU32::get);
    let mut planned = Planned { per_minute, before: 0 };
    let lines = controls::start_anew(&call.node.hub, by, &selection, &mut planned).await?;
    Ok(problem::ok().json(All { items: lines.iter().map(failed).collect() }))
}

async fn direct(mut call: Call<'_>, by: &By, direction: Direction) -> Result<HttpResponse, Problem> {
    let said: PauseSaid = body(&mut call).await?;
    let id = call.segment("id");
    controls::direct(&call.node.hub, by, id, (direction, &said.reason)).await?;
    Ok(problem::ok().json(DirectedBody { delivery_id: id, act: direction.word() }))
}

/// An endpoint and how it is doing.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Endpoint")]
pub struct EndpointBody<'a> {
    /// For what it is: `agency`, `events` for a webhook, or `relay` for a neighbouring hub.
    kind: &'static str,
    /// Whose it is: the code of an agency, or the id of a system, which a neighbour is too.
    holder: &'a str,
    /// Where to post.
    url: &'a str,
    /// `open`, `paused` or `gone`.
    state: &'a str,
    /// Why it is paused or gone.
    reason: &'a str,
    /// Whether the agency's software says by itself when it holds a packet.
    confirms_itself: bool,
    /// How its circuit breaker stands: `closed`, `open` or `half_open`.
    circuit: &'static str,
    /// Failures in a row.
    failures: i32,
    /// How much waits or is on its way.
    waiting: i64,
    /// Of which kinds of events a system is told there; none at an agency's.
    #[schemars(schema_with = "forms::event_kinds")]
    events: Vec<&'static str>,
    /// When a push last succeeded, to the minute.
    #[schemars(schema_with = "forms::maybe_time")]
    succeeded_at: Option<String>,
    /// When a push last failed.
    #[schemars(schema_with = "forms::maybe_time")]
    failed_at: Option<String>,
}

fn endpoint(line: &EndpointLine) -> EndpointBody<'_> {
    EndpointBody {
        kind: line.id.kind.word(),
        holder: &line.id.holder,
        url: &line.url,
        state: &line.state,
        reason: &line.reason,
        confirms_itself: line.confirms_itself,
        circuit: line.circuit.word(),
        failures: line.failures,
        waiting: line.waiting,
        events: line.events.iter().map(|kind| kind.name()).collect(),
        succeeded_at: line.succeeded_at.map(time),
        failed_at: line.failed_at.map(time),
    }
}

/// An endpoint that was set.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NewEndpoint")]
pub struct NewEndpointBody<'a> {
    /// The agency, as it was named, or the system.
    holder: &'a str,
    /// The secret of the signatures, shown this once; for `hmac`. Nothing where it stays as it was.
    secret: Option<&'a str>,
    /// The public key of the signatures; for `ed25519`.
    public_key: Option<&'a str>,
}

/// An endpoint that was removed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RemovedEndpoint")]
pub struct RemovedBody<'a> {
    /// The agency, as it was named.
    agency: &'a str,
    /// Deliveries that waited and are in its mailbox now.
    moved: usize,
}

/// A delivery that waits or is on its way.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WaitingDelivery")]
pub struct WaitingBody<'a> {
    /// The delivery; of a webhook, the event.
    #[schemars(schema_with = "forms::id")]
    delivery_id: &'a str,
    /// `express`, `very_urgent`, `urgent`, `status` or `normal`.
    lane: &'static str,
    /// Attempts so far.
    attempts: i32,
    /// When it is tried next; absent when it is held or on its way.
    #[schemars(schema_with = "forms::maybe_time")]
    due_at: Option<String>,
    /// When it is given up.
    #[schemars(schema_with = "forms::time")]
    expires_at: String,
    /// Whether an operator holds it.
    held: bool,
}

fn waiting(line: &WaitingLine) -> WaitingBody<'_> {
    WaitingBody {
        delivery_id: &line.push_id,
        lane: line.lane.word(),
        attempts: line.attempts,
        due_at: line.due_at.map(time),
        expires_at: time(line.expires_at),
        held: line.held,
    }
}

/// A delivery that has failed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FailedDelivery")]
pub struct FailedBody<'a> {
    /// The delivery.
    #[schemars(schema_with = "forms::id")]
    delivery_id: &'a str,
    /// Code of the sender.
    sender: &'a str,
    /// Identifier of the document sent or reported about.
    document_id: &'a str,
    /// When the packet was accepted.
    #[schemars(schema_with = "forms::time")]
    accepted_at: String,
    /// When it failed.
    #[schemars(schema_with = "forms::time")]
    failed_at: String,
    /// What the recipient's software answered last, or why there was no answer.
    reason: &'a str,
    /// `anew`: it can be started anew; `before`: that was done; `taken_back`: recalled or replaced meanwhile; `destroyed`: its content is gone;
    /// `beyond`: it failed at a neighbouring hub, where alone it is started anew.
    fate: &'static str,
    /// The same in words.
    fate_name: Sentence,
    /// The delivery that took its place.
    new_delivery_id: Option<&'a str>,
}

fn failed(line: &FailedLine) -> FailedBody<'_> {
    FailedBody {
        delivery_id: &line.delivery_id,
        sender: &line.sender,
        document_id: &line.document_id,
        accepted_at: time(line.accepted_at),
        failed_at: time(line.failed_at),
        reason: &line.reason,
        fate: line.fate.word(),
        fate_name: line.fate.name().into(),
        new_delivery_id: line.fate.new_delivery(),
    }
}

/// A delivery that was directed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DirectedDelivery")]
pub struct DirectedBody<'a> {
    /// The delivery.
    delivery_id: &'a str,
    /// `hurried`, `held` or `released`.
    act: &'static str,
}
