//! Webhooks: where a system is told what happens to its documents. The system itself says so over the native API, an
//! operator below `/api/v1/admin/systems/{id}`: the same operations for both doors. What is sent to a webhook is in
//! `exchange::announce`.

use super::admin_answers::All;
use super::admin_api::body;
use super::agency_answers::time;
use super::agency_api::instant;
use super::agency_questions::{Cursor, instant as instant_form};
use super::forms;
use super::gate::Call;
use super::problem::{self, Problem};
use super::push_admin::{SignatureWord, most, new_endpoint, shown};
use super::reading;
use super::sentence::Sentence;
use crate::channel::signature::Scheme;
use crate::domain::announcement::EventKind;
use crate::domain::endpoint::EndpointId;
use crate::exchange::act::By;
use crate::exchange::webhooks::{self, GivenUpLine, Replay, WebhookEntry};
use actix_web::HttpResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU16, NonZeroU32};

/// The operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookOperation {
    /// Look at the webhook.
    Show,
    /// Say where and of what the system is told.
    Put,
    /// Tell it no more.
    Remove,
    /// Give it a new secret.
    Rotate,
    /// Try it.
    Test,
    /// Tell again.
    Replay,
    /// What was given up.
    GivenUp,
}

/// Answers one operation about the webhook of a system to somebody who may.
pub(super) async fn answer(
    operation: WebhookOperation,
    call: Call<'_>,
    (system, by): (&str, &By),
) -> Result<HttpResponse, Problem> {
    let hub = &call.node.hub;
    match operation {
        WebhookOperation::Show => shown(&call, &EndpointId::events(system).to_string()).await,
        WebhookOperation::Put => put(call, (system, by)).await,
        WebhookOperation::Remove => {
            webhooks::remove(hub, by, system).await?;
            Ok(problem::ok().json(RemovedWebhookBody { system, state: "removed" }))
        }
        WebhookOperation::Rotate => rotate(call, (system, by)).await,
        WebhookOperation::Test => {
            let event_id = webhooks::test(hub, by, system).await?;
            Ok(problem::ok().json(TestedBody { event_id: &event_id }))
        }
        WebhookOperation::Replay => replay(call, (system, by)).await,
        WebhookOperation::GivenUp => {
            let asked: GivenUpQuestion = reading::query(call.request.query_string())?;
            let after = asked.after.map(|cursor| cursor.0).unwrap_or_default();
            let lines = webhooks::given_up(hub, system, (after, most(asked.limit))).await?;
            Ok(problem::ok().json(All { items: lines.iter().map(given_up).collect() }))
        }
    }
}

/// Where to tell a system, and of what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookSaid {
    /// Where the system's software takes events: https://host/path.
    #[schemars(schema_with = "forms::endpoint_url")]
    url: String,
    /// Of which kinds of events; of all without it.
    #[serde(default)]
    #[schemars(schema_with = "forms::event_kinds")]
    events: Vec<String>,
    /// Most events on their way at once; `events.in_flight_per_webhook_max` without it.
    in_flight_max: Option<NonZeroU16>,
    /// How events are signed, when the webhook is new: by a shared secret without it.
    #[serde(default)]
    signature: SignatureWord,
}

async fn put(mut call: Call<'_>, (system, by): (&str, &By)) -> Result<HttpResponse, Problem> {
    let said: WebhookSaid = body(&mut call).await?;
    let kind = |name: &String| {
        EventKind::of_name(name).ok_or_else(|| {
            Problem::Malformed(Sentence::new(
                format!("không có loại sự kiện {name:?}"),
                format!("there is no kind of event {name:?}"),
            ))
        })
    };
    let entry = WebhookEntry {
        url: said.url,
        events: said.events.iter().map(kind).collect::<Result<_, _>>()?,
        in_flight_max: said.in_flight_max.map(NonZeroU16::get),
        scheme: said.signature.scheme(),
    };
    let proof = webhooks::set(&call.node.hub, by, system, entry).await?;
    Ok(new_endpoint(system, proof.as_ref()))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotateSaid {
    /// How events are signed from now on: by a shared secret without it.
    #[serde(default)]
    signature: SignatureWord,
}

async fn rotate(call: Call<'_>, (system, by): (&str, &By)) -> Result<HttpResponse, Problem> {
    let said: RotateSaid = reading::json(&call.body.whole().await?)?;
    let scheme: Scheme = said.signature.scheme();
    let proof = webhooks::rotate(&call.node.hub, by, system, scheme).await?;
    Ok(new_endpoint(system, Some(&proof)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplaySaid {
    /// Events that happened at or after this time.
    #[schemars(schema_with = "instant_form")]
    from: String,
    /// Only those that were given up.
    #[serde(default)]
    only_given_up: bool,
}

async fn replay(mut call: Call<'_>, (system, by): (&str, &By)) -> Result<HttpResponse, Problem> {
    let said: ReplaySaid = body(&mut call).await?;
    let from = instant("from", Some(&said.from))?.unwrap_or_default();
    let asked = Replay { from, only_given_up: said.only_given_up };
    let events = webhooks::replay(&call.node.hub, by, system, asked).await?;
    Ok(problem::ok().json(ReplayedBody { events }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GivenUpQuestion {
    /// Only after this event.
    after: Option<Cursor>,
    /// Most rows; `lists.page_max` without it and at most.
    #[schemars(extend("maximum" = u32::MAX))]
    limit: Option<NonZeroU32>,
}

/// A webhook that was removed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RemovedWebhook")]
pub struct RemovedWebhookBody<'a> {
    /// The system.
    system: &'a str,
    /// `removed`.
    state: &'static str,
}

/// A webhook is being tried.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TestedWebhook")]
pub struct TestedBody<'a> {
    /// What the header `webhook-id` will say.
    #[schemars(schema_with = "forms::id")]
    event_id: &'a str,
}

/// Events wait again.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReplayedEvents")]
pub struct ReplayedBody {
    /// How many; as many as `events.replay_max` when there are more.
    events: usize,
}

/// An event that was given up.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GivenUpEvent")]
pub struct GivenUpBody<'a> {
    /// Its id, the `webhook-id` of every attempt.
    #[schemars(schema_with = "forms::id")]
    event_id: &'a str,
    /// The name of its kind.
    event: &'a str,
    /// When it happened.
    #[schemars(schema_with = "forms::time")]
    at: String,
    /// When it was given up.
    #[schemars(schema_with = "forms::time")]
    given_up_at: String,
    /// Attempts that were made.
    attempts: i32,
    /// Why the last one failed.
    reason: &'a str,
}

fn given_up(line: &GivenUpLine) -> GivenUpBody<'_> {
    GivenUpBody {
        event_id: &line.announcement_id,
        event: &line.event,
        at: time(line.created_at),
        given_up_at: time(line.given_up_at),
        attempts: line.attempts,
        reason: &line.reason,
    }
}
