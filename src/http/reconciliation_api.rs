//! Reconciliation over the native API: a system posts its own list of a day and is answered what differs. Not here: what differs how
//! (`domain::reconciliation`), the file that proves it (`statement_api`).

use super::gate::Call;
use super::problem::{self, Problem};
use super::statement_api::no_day;
use super::{forms, reading};
use crate::domain::dates;
use crate::domain::reconciliation::{Code, Difference, Direction};
use crate::exchange::Caller;
use crate::exchange::reconcile::{self, Asked, Reconciled};
use actix_web::HttpResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which way packets went, seen from the agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Direction")]
pub(super) enum Way {
    /// The agency sent them.
    Sent,
    /// The agency was sent them.
    Received,
}

/// What `POST /api/v1/reconciliations` may be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReconciliationQuestion {
    /// Code of the agency whose list it is.
    agency: String,
    /// The day in Vietnam; it must be closed.
    #[schemars(extend("format" = "date"))]
    day: String,
    /// What the list is about; both ways without it.
    direction: Option<Way>,
}

/// What came of a reconciliation.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Reconciliation")]
pub(super) struct ReconciliationBody<'a> {
    /// The evidence of it; the file that proves it is at `/api/v1/reconciliations/{id}` after a second.
    #[schemars(schema_with = "forms::id")]
    reconciliation_id: &'a str,
    /// SHA-256 of the list as it came.
    #[schemars(schema_with = "forms::sha256")]
    posted: &'a str,
    /// Lines of the list.
    lines: u64,
    /// Packets that are the same on both sides.
    matching: u64,
    /// How many packets differ in each way, and what to do next.
    summary: Vec<WayToDiffer>,
    /// What differs, one packet each; at most `lists.differences_max`.
    differences: Vec<DifferenceBody<'a>>,
}

/// A way in which packets differ.
#[derive(Debug, Serialize, JsonSchema)]
struct WayToDiffer {
    /// `lost`, `unknown`, `altered`, `status_differs` or `duplicate`.
    code: String,
    /// How many.
    number: u64,
    /// What it means, in Vietnamese.
    meaning_vi: &'static str,
    /// In English.
    meaning_en: &'static str,
    /// What to do next, in Vietnamese.
    next_vi: &'static str,
    /// In English.
    next_en: &'static str,
}

/// A packet that differs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Difference")]
struct DifferenceBody<'a> {
    /// How.
    code: String,
    /// `sent` or `received`.
    direction: String,
    /// Code of the agency at the other end.
    counterpart: &'a str,
    /// Its sender's identifier of the document.
    document_id: &'a str,
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    kind: &'a str,
    /// The delivery, where the hub has one.
    delivery_id: Option<&'a str>,
    /// What the hub has: the digest; the last status, where that differs.
    hub: Option<&'a str>,
    /// What the list says instead.
    list: Option<&'a str>,
}

/// The word for it in files.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}

fn difference(one: &Difference) -> DifferenceBody<'_> {
    DifferenceBody {
        code: word(one.code),
        direction: word(one.direction),
        counterpart: &one.counterpart,
        document_id: &one.document_id,
        kind: &one.kind,
        delivery_id: one.delivery_id.as_deref(),
        hub: one.hub.as_deref(),
        list: one.list.as_deref(),
    }
}

/// Compares the caller's list, and answers what differs.
pub(super) async fn reconcile(call: &mut Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    call.body.allow(call.node.hub.config.lists.reconciled_bytes_max);
    let list = call.body.whole().await?;
    let asked: ReconciliationQuestion = reading::query(call.request.query_string())?;
    let direction = asked.direction.map(|way| match way {
        Way::Sent => Direction::Sent,
        Way::Received => Direction::Received,
    });
    let asked = Asked { agency: asked.agency, day: dates::date(&asked.day).ok_or_else(no_day)?, direction };
    let hub = &call.node.hub;
    let Reconciled { evidence_id, facts, differences } = reconcile::reconcile(hub, caller, asked, &list).await?;
    let summary = Code::ALL.into_iter().filter(|code| facts.counts.number(*code) > 0).map(|code| {
        let ((meaning_vi, meaning_en), (next_vi, next_en)) = (code.meaning(), code.next());
        let number = facts.counts.number(code);
        WayToDiffer { code: word(code), number, meaning_vi, meaning_en, next_vi, next_en }
    });
    Ok(problem::ok().json(ReconciliationBody {
        reconciliation_id: &evidence_id,
        posted: &facts.posted,
        lines: facts.lines,
        matching: facts.counts.matching,
        summary: summary.collect(),
        differences: differences.iter().map(difference).collect(),
    }))
}
