//! What is destroyed and what is held, below `/api/v1/admin`: looking at purges, taking certificates, placing and lifting holds.
//! Proposing and deciding are for people (the portal, the command line): a key is no second person.

use super::admin_answers::All;
use super::admin_api::body as said;
use super::agency_answers::{Page, time};
use super::agency_api::page_limit;
use super::forms;
use super::gate::Call;
use super::problem::{self, Problem};
use super::reading;
use crate::domain::retention::Scope;
use crate::domain::rules::Wording;
use crate::exchange::ExchangeError;
use crate::exchange::act::By;
use crate::exchange::holds::{self, HoldKey, HoldLine};
use crate::exchange::purge::{self, PurgeLine};
use actix_web::HttpResponse;
use chrono::NaiveDate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The operations about purges and holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurgeOperation {
    /// List purges.
    List,
    /// Look at one.
    Look,
    /// Its certificate.
    Certificate,
    /// List holds.
    Holds,
    /// Place one.
    Place,
    /// Lift one.
    Lift,
}

/// Answers one operation of a caller who may.
pub(super) async fn answer(operation: PurgeOperation, mut call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let hub = call.node.hub.clone();
    match operation {
        PurgeOperation::List => {
            let lines = purge::list(&hub, None).await?;
            Ok(problem::ok().json(All { items: lines.iter().map(body).collect() }))
        }
        PurgeOperation::Look => {
            let view = purge::view(&hub, None, call.segment("id")).await?;
            Ok(problem::ok().json(body(&view.line)))
        }
        PurgeOperation::Certificate => {
            let file = purge::certificate(&hub, None, call.segment("id")).await?;
            Ok(problem::ok().content_type("application/json").body(file.file()))
        }
        PurgeOperation::Holds => {
            let asked: HoldsQuestion = reading::query(call.request.query_string())?;
            let unknown =
                || ExchangeError::Malformed(Wording::new("con trỏ không do Trục này cấp", "no cursor of this hub"));
            let from = HoldKey::of_text(&asked.after.unwrap_or_default()).ok_or_else(unknown)?;
            let found = holds::list(&hub, from, page_limit(&call, asked.limit)).await?;
            let items = found.lines.iter().map(hold).collect();
            Ok(problem::ok().json(Page { items, next: found.next.map(|key| key.text()) }))
        }
        PurgeOperation::Place => {
            let said: HoldSaid = said(&mut call).await?;
            let reason = said.reason.clone();
            let hold_id = holds::place(&hub, by, said.scope()?, &reason).await?;
            Ok(problem::created().json(HoldChangedBody { hold_id: &hold_id }))
        }
        PurgeOperation::Lift => {
            let said: LiftSaid = said(&mut call).await?;
            holds::lift(&hub, by, call.segment("id"), &said.reason).await?;
            Ok(problem::ok().json(HoldChangedBody { hold_id: call.segment("id") }))
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldsQuestion {
    /// The `next` of a page before.
    #[serde(default)]
    #[schemars(schema_with = "hold_key")]
    after: Option<String>,
    /// Most rows; `lists.page_max` without it and at most.
    #[schemars(extend("maximum" = u32::MAX))]
    limit: Option<NonZeroU32>,
}

fn hold_key(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^(lifted-)?[0-9a-f]*$", "title": "con trỏ `next` của một trang trước | the `next` of a page before" })
}

/// What is to be held: everything for which all of it holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldSaid {
    /// What this agency sent and was sent, by code or alias.
    agency: Option<String>,
    /// Packets about the document of this identifier.
    document_id: Option<String>,
    /// Accepted on this day or later, `yyyy-MM-dd`.
    #[serde(default)]
    #[schemars(schema_with = "forms::maybe_day")]
    from: Option<String>,
    /// Accepted on this day or before.
    #[serde(default)]
    #[schemars(schema_with = "forms::maybe_day")]
    until: Option<String>,
    /// Why, in at least 10 characters.
    #[schemars(schema_with = "forms::reason")]
    reason: String,
}

impl HoldSaid {
    fn scope(self) -> Result<Scope, ExchangeError> {
        let day = |text: Option<String>| -> Result<Option<NaiveDate>, ExchangeError> {
            let wrong = |_| ExchangeError::Malformed(Wording::new("ngày phải có dạng yyyy-MM-dd", "no day yyyy-MM-dd"));
            text.map(|text| text.parse().map_err(wrong)).transpose()
        };
        let (from, until) = (day(self.from)?, day(self.until)?);
        Ok(Scope { agency: self.agency, document_id: self.document_id, from, until })
    }
}

/// Why a hold is lifted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LiftSaid {
    /// Why, in at least 10 characters.
    #[schemars(schema_with = "forms::reason")]
    reason: String,
}

/// Which packets are meant: those for which all of it holds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Scope")]
struct ScopeBody<'a> {
    /// Code of an agency that sent it or was sent it; `null` for any.
    agency: Option<&'a str>,
    /// Identifier of the document; `null` for any.
    document_id: Option<&'a str>,
    /// First day; `null` without one.
    from: Option<String>,
    /// Last day; `null` without one.
    until: Option<String>,
}

fn scope(scope: &Scope) -> ScopeBody<'_> {
    ScopeBody {
        agency: scope.agency.as_deref(),
        document_id: scope.document_id.as_deref(),
        from: scope.from.map(|day| day.to_string()),
        until: scope.until.map(|day| day.to_string()),
    }
}

/// A purge and how far it is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Purge")]
pub struct PurgeBody<'a> {
    /// Its id.
    #[schemars(schema_with = "forms::id")]
    purge_id: &'a str,
    /// Of which packets.
    scope: ScopeBody<'a>,
    /// `proposed`, `running`, `paused`, `done`, `refused`, `stopped` or `lapsed`.
    state: &'static str,
    /// Why.
    reason: &'a str,
    /// How many packets were proposed.
    found: i64,
    /// Bytes of them.
    bytes: i64,
    /// Contents that were destroyed so far.
    destroyed: i64,
    /// Packets that were kept after all.
    kept: i64,
    /// Who proposed it.
    proposed_by: &'a str,
    /// When.
    #[schemars(schema_with = "forms::time")]
    proposed_at: String,
    /// Who decided.
    decided_by: Option<&'a str>,
    /// When.
    #[schemars(schema_with = "forms::maybe_time")]
    decided_at: Option<String>,
    /// Until when it may be decided.
    #[schemars(schema_with = "forms::time")]
    expires_at: String,
    /// When it ended.
    #[schemars(schema_with = "forms::maybe_time")]
    ended_at: Option<String>,
    /// Where its certificate is, once it has ended.
    certificate: Option<String>,
}

/// A purge, as everybody writes it.
pub fn body(line: &PurgeLine) -> PurgeBody<'_> {
    let row = &line.row;
    let certificate = || format!("/api/v1/admin/purges/{}/certificate", row.purge_id);
    PurgeBody {
        purge_id: &row.purge_id,
        scope: scope(&line.scope),
        state: line.state.word(),
        reason: &row.reason,
        found: row.found,
        bytes: row.found_bytes,
        destroyed: row.destroyed,
        kept: row.kept,
        proposed_by: &line.proposer,
        proposed_at: time(row.proposed_at()),
        decided_by: line.decider.as_deref(),
        decided_at: row.decided_at().map(time),
        expires_at: time(row.expires_at()),
        ended_at: row.ended_at().map(time),
        certificate: row.evidence_id.as_ref().map(|_| certificate()),
    }
}

/// A legal hold.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Hold")]
pub struct HoldBody<'a> {
    /// Its id.
    #[schemars(schema_with = "forms::id")]
    hold_id: &'a str,
    /// What it holds.
    scope: ScopeBody<'a>,
    /// Why.
    reason: &'a str,
    /// Who placed it.
    placed_by: &'a str,
    /// When.
    #[schemars(schema_with = "forms::time")]
    placed_at: String,
    /// Who lifted it.
    lifted_by: Option<&'a str>,
    /// When; `null` as long as it is in force.
    #[schemars(schema_with = "forms::maybe_time")]
    lifted_at: Option<String>,
    /// Why it was lifted; else empty.
    lifted_reason: &'a str,
}

/// A hold, as everybody writes it.
pub fn hold(line: &HoldLine) -> HoldBody<'_> {
    HoldBody {
        hold_id: &line.row.hold_id,
        scope: scope(&line.scope),
        reason: &line.row.reason,
        placed_by: &line.placed_by,
        placed_at: time(line.row.placed_at()),
        lifted_by: line.lifted_by.as_deref(),
        lifted_at: line.row.lifted_at().map(time),
        lifted_reason: &line.row.lifted_reason,
    }
}

/// Which hold was placed or lifted.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HoldChanged")]
pub(super) struct HoldChangedBody<'a> {
    /// The hold.
    #[schemars(schema_with = "forms::id")]
    hold_id: &'a str,
}
