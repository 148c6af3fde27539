//! Daily statements, and what they are compared with, over the native API, for the systems of the two agencies. Not here: how they are made (`exchange::close`).

use super::agency_answers::Page;
use super::agency_api::page_limit;
use super::agency_questions::Cursor;
use super::gate::Call;
use super::problem::{self, Problem};
use super::sentence::Sentence;
use super::{forms, reading, reconciliation_api};
use crate::domain::dates;
use crate::exchange::Caller;
use crate::exchange::reconcile;
use crate::exchange::statements::{self, StatementRow};
use actix_web::HttpResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The operations about statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementOperation {
    /// List them.
    List,
    /// One with all that proves it.
    Look,
    /// Compare the caller's own list.
    Reconcile,
    /// What came of that, with all that proves it.
    Reconciliation,
}

/// Answers one operation.
pub(super) async fn answer(
    operation: StatementOperation,
    mut call: Call<'_>,
    caller: &Caller,
) -> Result<HttpResponse, Problem> {
    match operation {
        StatementOperation::List => {
            let asked: StatementsQuestion = reading::query(call.request.query_string())?;
            let day = asked.day.as_deref().map(|text| dates::date(text).ok_or_else(no_day)).transpose()?;
            let limit = page_limit(&call, asked.limit);
            let after = asked.after.map(|cursor| cursor.0).unwrap_or_default();
            let rows = statements::list(&call.node.hub, caller, day, (after, limit)).await?;
            let next = rows.last().filter(|_| rows.len() >= limit).map(|row| row.evidence_id.clone());
            Ok(problem::ok().json(Page { items: rows.iter().map(body).collect(), next }))
        }
        StatementOperation::Look => {
            let file = statements::statement(&call.node.hub, Some(caller), call.segment("id")).await?;
            Ok(problem::ok().content_type("application/json").body(file.file()))
        }
        StatementOperation::Reconcile => reconciliation_api::reconcile(&mut call, caller).await,
        StatementOperation::Reconciliation => {
            let file = reconcile::file(&call.node.hub, caller, call.segment("id")).await?;
            Ok(problem::ok().content_type("application/json").body(file.file()))
        }
    }
}

pub(super) fn no_day() -> Problem {
    Problem::Malformed(Sentence::new("day không phải một ngày yyyy-MM-dd", "day is no day yyyy-MM-dd"))
}

/// What `GET /api/v1/statements` may be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementsQuestion {
    /// Only those of this day in Vietnam.
    #[schemars(extend("format" = "date"))]
    day: Option<String>,
    /// Only what stands behind this one: the `next` of the page before.
    after: Option<Cursor>,
    /// Most rows of the page; `lists.page_max` without it and at most.
    #[schemars(extend("maximum" = u32::MAX))]
    limit: Option<NonZeroU32>,
}

/// A statement in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Statement")]
pub struct StatementBody<'a> {
    /// The evidence of it; its receipt is at `/api/v1/receipts/{id}/signed`.
    #[schemars(schema_with = "forms::id")]
    statement_id: &'a str,
    /// The day in Vietnam.
    day: &'a str,
    /// Code of the sending agency.
    sender: &'a str,
    /// Code of the receiving agency.
    recipient: &'a str,
    /// How many packets it lists.
    sent: i64,
}

fn body(row: &StatementRow) -> StatementBody<'_> {
    StatementBody {
        statement_id: &row.evidence_id,
        day: &row.day,
        sender: &row.sender_code,
        recipient: &row.recipient_code,
        sent: row.sent,
    }
}
