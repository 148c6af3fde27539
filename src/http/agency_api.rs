//! The native API below `/api/v1`: an agency's system sends, looks after what it sent, fetches what waits
//! for it, confirms it, and looks up agencies.

use super::agency_answers::{self as answers, AgenciesPage, Page};
use super::agency_questions::{
    AgenciesQuestion, Confirmation, ConfirmedStatus, HistoryQuestion, Kind, MailboxQuestion, SentQuestion,
};
use super::gate::{Call, watched};
use super::history_answers;
use super::ledger_api::{self, LedgerOperation};
use super::problem::{self, Problem};
use super::reading;
use super::receipt_api::{self, ReceiptOperation};
use super::relay_api;
use super::selftest_api::{self, SelftestOperation};
use super::sentence::Sentence;
use super::statement_api::{self, StatementOperation};
use super::webhook_api::{self, WebhookOperation};
use crate::domain::dates;
use crate::domain::delivery::PickupMark;
use crate::exchange::Caller;
use crate::exchange::accept::{self, Receipt, Verdict};
use crate::exchange::act::By;
use crate::exchange::directory::{self, AgencyLine};
use crate::exchange::follow::{self, SentQuery};
use crate::exchange::pickup::{self, MailboxItem, MailboxQuery};
use crate::exchange::{history, poll, preflight};
use actix_web::body::SizedStream;
use actix_web::http::header::{ETAG, HeaderMap, IF_NONE_MATCH, LOCATION};
use actix_web::{HttpResponse, HttpResponseBuilder};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use std::num::NonZeroU32;
use std::time::Duration;

/// The operations of the native API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgencyOperation {
    /// Send a packet.
    Submit,
    /// Tell what would become of a packet.
    Check,
    /// Look at one envelope.
    Envelope,
    /// Tell what happened to a document.
    Timeline,
    /// Tell what belongs to a document.
    Lineage,
    /// List what was sent.
    Sent,
    /// List what waits.
    Mailbox,
    /// Fetch a packet.
    Fetch,
    /// Say how far the receiving software is.
    Confirm,
    /// List agencies.
    Agencies,
    /// Look up an agency.
    Agency,
    /// What a neighbouring hub tells.
    Hear,
    /// One of the ledger.
    Ledger(LedgerOperation),
    /// One of receipts.
    Receipt(ReceiptOperation),
    /// One of daily statements.
    Statement(StatementOperation),
    /// Of what the caller is told.
    Webhook(WebhookOperation),
    /// One of the self-test.
    Selftest(SelftestOperation),
}

/// Answers one operation.
///
/// # Errors
/// Whatever keeps it from being answered as asked.
pub async fn answer(operation: AgencyOperation, call: Call<'_>, caller: Caller) -> Result<HttpResponse, Problem> {
    match operation {
        AgencyOperation::Submit => submit(call, caller).await,
        AgencyOperation::Check => check(call, caller).await,
        AgencyOperation::Envelope => envelope(call, &caller).await,
        AgencyOperation::Timeline => timeline(call, &caller).await,
        AgencyOperation::Lineage => lineage(call, &caller).await,
        AgencyOperation::Sent => sent(call, &caller).await,
        AgencyOperation::Mailbox => mailbox(call, &caller).await,
        AgencyOperation::Fetch => fetch(call, &caller).await,
        AgencyOperation::Confirm => confirm(call, &caller).await,
        AgencyOperation::Agencies => agencies(call).await,
        AgencyOperation::Agency => agency(call).await,
        AgencyOperation::Hear => relay_api::hear(call, &caller).await,
        AgencyOperation::Ledger(operation) => ledger_api::answer(operation, call, &caller).await,
        AgencyOperation::Receipt(operation) => receipt_api::answer(operation, call, &caller).await,
        AgencyOperation::Statement(operation) => statement_api::answer(operation, call, &caller).await,
        AgencyOperation::Webhook(operation) => {
            webhook_api::answer(operation, call, (caller.system_id(), &By::caller(&caller))).await
        }
        AgencyOperation::Selftest(operation) => selftest_api::answer(operation, call, caller).await,
    }
}

async fn submit(call: Call<'_>, caller: Caller) -> Result<HttpResponse, Problem> {
    let hub = &call.node.hub;
    call.body.allow(hub.config.packets.bytes_max);
    let _place = call.node.packet_place(&caller)?;
    let submission = relay_api::submission(&call, caller);
    match accept::accept(hub, submission, &mut *call.body).await? {
        Verdict::Accepted(receipt) => Ok(receipt_answer(problem::created(), &receipt)),
        Verdict::Repeated(receipt) => {
            let mut repeated = problem::ok();
            repeated.insert_header(("Docaxis-Repeat", "true"));
            Ok(receipt_answer(repeated, &receipt))
        }
        Verdict::Rejected(rejection) => Err(Problem::Rejected(rejection)),
    }
}

async fn check(call: Call<'_>, caller: Caller) -> Result<HttpResponse, Problem> {
    let hub = &call.node.hub;
    call.body.allow(hub.config.packets.bytes_max);
    let _place = call.node.packet_place(&caller)?;
    let submission = relay_api::submission(&call, caller);
    let preflight = preflight::preflight(hub, submission, &mut *call.body).await?;
    Ok(problem::ok().json(history_answers::preflight(&preflight)))
}

fn receipt_answer(mut response: HttpResponseBuilder, receipt: &Receipt) -> HttpResponse {
    response.insert_header((LOCATION, format!("/api/v1/envelopes/{}", receipt.envelope_id)));
    response.json(answers::receipt(receipt))
}

async fn envelope(call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let view = follow::envelope(&call.node.hub, caller, call.segment("id")).await?;
    Ok(problem::ok().json(answers::envelope(&view)))
}

async fn timeline(call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let page = history_page(&call)?;
    let pages = history::timeline(&call.node.hub, caller, call.segment("id"), page).await?;
    Ok(problem::ok().json(history_answers::timeline(&pages, &call.node.hub.config.relay.hub_name)))
}

async fn lineage(call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let page = history_page(&call)?;
    let pages = history::lineage(&call.node.hub, caller, call.segment("id"), page).await?;
    Ok(problem::ok().json(history_answers::relatives(&pages)))
}

/// After what a page of a history begins, and how long it may be.
fn history_page(call: &Call<'_>) -> Result<(String, usize), Problem> {
    let asked: HistoryQuestion = reading::query(call.request.query_string())?;
    Ok((asked.after.map(|cursor| cursor.0).unwrap_or_default(), page_limit(call, asked.limit)))
}

async fn sent(call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let asked: SentQuestion = reading::query(call.request.query_string())?;
    let limit = page_limit(&call, asked.limit);
    let query = SentQuery {
        documents: asked.kind.map(Kind::is_document),
        from: instant("from", asked.from.as_deref())?,
        until: instant("until", asked.until.as_deref())?,
        id: asked.id,
        skip: rows(asked.skip),
        limit: Some(limit),
    };
    let lines = follow::sent(&call.node.hub, caller, query).await?;
    let next = (lines.len() >= limit).then(|| rows(asked.skip).saturating_add(lines.len()).to_string());
    Ok(problem::ok().json(Page { items: lines.iter().map(answers::sent).collect(), next }))
}

async fn mailbox(call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let asked: MailboxQuestion = reading::query(call.request.query_string())?;
    let limit = page_limit(&call, asked.limit);
    let query = MailboxQuery {
        documents: asked.kind.map(Kind::is_document),
        after: asked.after.map(|cursor| cursor.0).filter(|cursor| !cursor.is_empty()),
        limit: Some(limit),
        ..MailboxQuery::default()
    };
    let headers = call.request.headers();
    // Who shows a tag waits for a change of it, everybody else for anything at all.
    let is_news = |items: &[MailboxItem]| match headers.get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()) {
        Some(shown) => !names_tag(shown, &tag(&mailbox_page(items, limit))),
        None => !items.is_empty(),
    };
    let patience = Duration::from_secs(asked.wait.into());
    let items = poll::mailbox(&call.node.hub, caller, query, (patience, is_news)).await?;
    Ok(tagged(mailbox_page(&items, limit), headers))
}

fn mailbox_page(items: &[MailboxItem], limit: usize) -> Vec<u8> {
    let next = items.last().filter(|_| items.len() >= limit).map(|item| item.delivery_id.clone());
    let page = Page { items: items.iter().map(answers::mailbox).collect(), next };
    serde_json::to_vec(&page).unwrap_or_default()
}

fn tag(body: &[u8]) -> String {
    format!("\"{}\"", hex::encode(digest(&SHA256, body).as_ref().get(..16).unwrap_or_default()))
}

/// The answer with a tag of its bytes, or none when the caller shows that tag: pollers mostly see no change.
pub(super) fn tagged(body: Vec<u8>, headers: &HeaderMap) -> HttpResponse {
    let tag = tag(&body);
    match headers.get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()) {
        Some(shown) if names_tag(shown, &tag) => problem::not_modified().insert_header((ETAG, tag)).finish(),
        Some(_) | None => problem::ok().insert_header((ETAG, tag)).content_type("application/json").body(body),
    }
}

/// Whether an `If-None-Match` names this tag; a proxy may have made it a weak one.
fn names_tag(shown: &str, tag: &str) -> bool {
    shown.split(',').map(str::trim).any(|t| t == "*" || t.strip_prefix("W/").unwrap_or(t) == tag)
}

async fn fetch(call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let fetched = pickup::fetch(&call.node.hub, caller, call.segment("id")).await?;
    let content = watched(fetched.content, call.request_id);
    Ok(problem::ok()
        .content_type("application/xml")
        .insert_header(("Docaxis-Delivery", fetched.delivery_id))
        .insert_header(("Docaxis-Sha256", fetched.sha256.hex()))
        .insert_header(("Repr-Digest", format!("sha-256=:{}:", BASE64.encode(fetched.sha256.0))))
        .body(SizedStream::new(fetched.bytes, content)))
}

async fn confirm(call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let body = call.body.whole().await?;
    let said: Confirmation = reading::json(&body)?;
    let mark = match said.status {
        ConfirmedStatus::Processing => PickupMark::Processing,
        ConfirmedStatus::Done => PickupMark::Done,
        ConfirmedStatus::Fail => PickupMark::Fail,
    };
    let id = call.segment("id");
    let confirmed = pickup::confirm(&call.node.hub, caller, id, mark, &said.note).await?;
    Ok(problem::ok().json(answers::confirmed(id, confirmed)))
}

async fn agencies(call: Call<'_>) -> Result<HttpResponse, Problem> {
    let asked: AgenciesQuestion = reading::query(call.request.query_string())?;
    let limit = page_limit(&call, asked.limit);
    let hub = &call.node.hub;
    let (lines, version, next): (Vec<AgencyLine>, i64, fn(&AgencyLine) -> String) = match (asked.since, asked.after) {
        (Some(_), Some(_)) => {
            return Err(Problem::Malformed(Sentence::new(
                "since và after không dùng cùng nhau",
                "since and after cannot be used together",
            )));
        }
        (Some(since), None) => {
            let (lines, version) =
                directory::agencies_since(hub, i64::try_from(since).unwrap_or(i64::MAX), limit).await?;
            (lines, version, |line| line.agency.version.to_string())
        }
        (None, after) => {
            // The version first: what changes while the page is read is in what is asked for since then.
            let version = directory::version(hub).await?;
            let lines = directory::agencies_after(hub, &after.unwrap_or_default(), limit).await?;
            (lines, version, |line| line.agency.code.0.clone())
        }
    };
    let next = lines.last().filter(|_| lines.len() >= limit).map(next);
    let items = lines.iter().map(answers::agency).collect();
    let page = AgenciesPage { items, next, version };
    Ok(tagged(serde_json::to_vec(&page).unwrap_or_default(), call.request.headers()))
}

async fn agency(call: Call<'_>) -> Result<HttpResponse, Problem> {
    let line = directory::agency(&call.node.hub, call.segment("code")).await?;
    Ok(problem::ok().json(answers::agency(&line)))
}

/// The rows of a page: as many as asked for, at least one, at most the configured number.
pub(super) fn page_limit(call: &Call<'_>, asked: Option<NonZeroU32>) -> usize {
    let most = call.node.hub.config.lists.page_max;
    asked.map_or(most, |asked| rows(asked.get())).min(most).max(1)
}

/// A number of rows as lists count them.
fn rows(asked: u32) -> usize {
    usize::try_from(asked).unwrap_or(usize::MAX)
}

/// An instant of the query; the `+` of its offset often arrives as a space.
pub(super) fn instant(name: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let whole = if text.contains('T') { text.replace(' ', "+") } else { text.to_owned() };
    match dates::timestamp(&whole) {
        Some(at) => Ok(Some(at)),
        None => Err(Problem::Malformed(Sentence::new(
            format!("{name} không phải thời điểm theo ISO 8601"),
            format!("{name} is no ISO 8601 time"),
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_again_in_a_list_and_when_weakened() {
        assert!(names_tag("\"a\"", "\"a\""));
        assert!(names_tag("\"b\", W/\"a\"", "\"a\""));
        assert!(names_tag("*", "\"a\""));
        assert!(!names_tag("\"b\"", "\"a\""));
    }

    #[test]
    fn an_offset_whose_plus_became_a_space_is_read() {
        let at = instant("from", Some("2026-11-03T08:30:00 07:00")).unwrap();
        assert_eq!(at, instant("from", Some("2026-11-03T01:30:00Z")).unwrap());
        assert_eq!(at, instant("from", Some("2026-11-03 08:30:00")).unwrap());
        assert!(instant("from", Some("gestern")).is_err());
        assert_eq!(instant("from", None).unwrap(), None);
    }
}
