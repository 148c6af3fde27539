//! The SDK-compatible API: agencies' unmodified vendor SDK works by changing its URL (docs/sdk.md).
//! Headers are sticky there: each operation reads only its own parameters, from the signed text alone.

use super::auth::{Members, Signed};
use super::gate::{Call, Node, watched};
use super::problem::{self, Dialect, Problem};
use super::reading;
use super::sdk_answers::{self as answers, AgencyForm, SdkShape};
use super::sentence::Sentence;
use crate::domain::dates;
use crate::domain::delivery::PickupMark;
use crate::exchange::accept::{self, Door, Submission, Verdict};
use crate::exchange::directory::{self, AgencyEntry, AgencyLine};
use crate::exchange::follow::{self, SentQuery};
use crate::exchange::pickup::{self, MailboxQuery};
use crate::exchange::{Caller, ExchangeError};
use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, TryStreamExt, stream};
use serde_json::{Map, Value, json};

/// What the SDK appends to a packet.
const CR_LF_BYTES: u64 = 2;

/// The operations, by the last segment of their path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdkOperation {
    /// `sendEdoc`.
    Send,
    /// `getReceivedEdocList`.
    ReceivedList,
    /// `getSentEdocList`.
    SentList,
    /// `getEdoc`.
    Get,
    /// `downloadEdoc`.
    Download,
    /// `updateStatus`.
    UpdateStatus,
    /// `getAgenciesList`, `getAgenciesListQD20`, `getSynchronizeUnit`.
    Agencies(AgencyForm),
    /// `registerAgency`.
    RegisterAgency,
    /// `deleteAgency`.
    DeleteAgency,
    /// `countReceiveEdoc`.
    CountDocuments,
    /// `countReceiveStatus`.
    CountStatuses,
}

impl SdkOperation {
    /// How its failures look.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Send => Dialect::Sdk(SdkShape::Sent),
            Self::ReceivedList | Self::SentList | Self::Agencies(_) => Dialect::Sdk(SdkShape::Rows),
            Self::Get => Dialect::Sdk(SdkShape::Packet),
            Self::Download => Dialect::Empty,
            Self::UpdateStatus | Self::RegisterAgency | Self::DeleteAgency => Dialect::Sdk(SdkShape::Common),
            Self::CountDocuments | Self::CountStatuses => Dialect::Sdk(SdkShape::Count),
        }
    }
}

/// Answers one operation.
///
/// # Errors
/// Whatever keeps it from being answered as asked.
pub async fn answer(operation: SdkOperation, call: Call<'_>, signed: Signed) -> Result<HttpResponse, Problem> {
    let Signed { caller, members } = signed;
    match operation {
        SdkOperation::Send => send(call, caller, &members).await,
        SdkOperation::ReceivedList => received_list(call, &caller, &members).await,
        SdkOperation::SentList => sent_list(call, &caller, &members).await,
        SdkOperation::Get => get(call, &caller, &members).await,
        SdkOperation::Download => download(call, &caller, &members).await,
        SdkOperation::UpdateStatus => update_status(call, &caller, &members).await,
        SdkOperation::Agencies(form) => agencies(call, form).await,
        SdkOperation::RegisterAgency => register_agency(call, &caller).await,
        SdkOperation::DeleteAgency => delete_agency(call, &caller, &members).await,
        SdkOperation::CountDocuments => count(call, &caller, true).await,
        SdkOperation::CountStatuses => count(call, &caller, false).await,
    }
}

async fn send(call: Call<'_>, caller: Caller, members: &Members) -> Result<HttpResponse, Problem> {
    let hub = &call.node.hub;
    call.body.allow(hub.config.packets.bytes_max.saturating_add(CR_LF_BYTES));
    let _place = call.node.packet_place(&caller)?;
    let submission = Submission {
        caller,
        door: Door::Sdk,
        addressees: members.get("to").map(addressees).unwrap_or_default(),
        hash_file: members.get("hash-file").map(str::to_owned),
        relay: None,
    };
    match accept::accept(hub, submission, &mut *call.body).await? {
        // A repeat is a success with the same id: Java itself sends a packet twice when in doubt.
        Verdict::Accepted(receipt) | Verdict::Repeated(receipt) => {
            Ok(answers::json(problem::ok(), answers::success("DocId", json!(receipt.envelope_id))))
        }
        Verdict::Rejected(rejection) => Err(Problem::Rejected(rejection)),
    }
}

/// Receivers named in the header: a JSON array of codes, or one bare code.
fn addressees(to: &str) -> Vec<String> {
    serde_json::from_str::<Vec<String>>(to).unwrap_or_else(|_| vec![to.trim_matches('"').to_owned()])
}

async fn received_list(call: Call<'_>, caller: &Caller, members: &Members) -> Result<HttpResponse, Problem> {
    let (skip, limit) = page(members, call.node.hub.config.lists.page_max);
    let (from, until) = period(members)?;
    // `status`, `to` and `from` may stem from an earlier call of the same object and never filter.
    let query = MailboxQuery { documents: documents(members), from, until, after: None, skip, limit };
    let items = pickup::mailbox(&call.node.hub, caller, query).await?;
    let rows: Vec<Value> = items.iter().map(answers::received_row).collect();
    Ok(answers::json(problem::ok(), answers::success("data", Value::Array(rows))))
}

async fn sent_list(call: Call<'_>, caller: &Caller, members: &Members) -> Result<HttpResponse, Problem> {
    let (skip, limit) = page(members, call.node.hub.config.lists.page_max);
    let (from, until) = period(members)?;
    let id = members.get("docId").map(str::to_owned);
    let query = SentQuery { documents: documents(members), from, until, id, skip, limit };
    let lines = follow::sent(&call.node.hub, caller, query).await?;
    let rows: Vec<Value> = lines.iter().map(answers::sent_row).collect();
    Ok(answers::json(problem::ok(), answers::success("data", Value::Array(rows))))
}

async fn get(call: Call<'_>, caller: &Caller, members: &Members) -> Result<HttpResponse, Problem> {
    let id = wanted(members, &["docId", "docid"])?;
    let fetched = pickup::fetch(&call.node.hub, caller, id).await?;
    let content = watched(fetched.content, call.request_id);
    let (length, body) = answers::packet_answer(fetched.bytes, content);
    Ok(problem::ok().content_type("application/json").body(SizedStream::new(length, Box::pin(body))))
}

async fn download(call: Call<'_>, caller: &Caller, members: &Members) -> Result<HttpResponse, Problem> {
    let id = wanted(members, &["docId", "docid"])?;
    let fetched = pickup::fetch(&call.node.hub, caller, id).await?;
    let content = watched(fetched.content, call.request_id);
    Ok(problem::ok().content_type("application/octet-stream").body(SizedStream::new(fetched.bytes, content)))
}

async fn update_status(call: Call<'_>, caller: &Caller, members: &Members) -> Result<HttpResponse, Problem> {
    let id = wanted(members, &["docid", "docId"])?;
    let word = wanted(members, &["status"])?.to_ascii_lowercase();
    let mark = match PickupMark::of_word(&word) {
        Some(mark @ (PickupMark::Processing | PickupMark::Done | PickupMark::Fail)) => mark,
        Some(PickupMark::Initial) | None => {
            return Err(Problem::Malformed(Sentence::new(
                format!("trạng thái {word} không có; hãy dùng processing, done hoặc fail"),
                format!("there is no status {word}; use processing, done or fail"),
            )));
        }
    };
    let note = members.get("description").unwrap_or_default();
    pickup::confirm(&call.node.hub, caller, id, mark, note).await?;
    Ok(answers::json(problem::ok(), answers::plain_success()))
}

async fn agencies(call: Call<'_>, form: AgencyForm) -> Result<HttpResponse, Problem> {
    let node = call.node.clone();
    // The first page is read before the head leaves, so that a dead database is a proper failure.
    let first = node.agencies_after("").await?;
    let request_id = call.request_id.to_owned();
    let rows = agency_rows(node, form, first).inspect_err(move |error| {
        log::error!(target: "http", "request.id" = request_id.as_str(); "The list broke off: {}", super::sentence::chain(error));
    });
    Ok(problem::ok().content_type("application/json").streaming(Box::pin(rows)))
}

/// Where the writing of the directory stands.
struct Listing {
    node: Node,
    form: AgencyForm,
    page: Vec<AgencyLine>,
    opened: bool,
    rows: u64,
}

/// The directory as one answer, page by page. An error breaks the stream rather than ending the list.
fn agency_rows(
    node: Node,
    form: AgencyForm,
    first: Vec<AgencyLine>,
) -> impl Stream<Item = Result<Bytes, ExchangeError>> {
    let start = Listing { node, form, page: first, opened: false, rows: 0 };
    stream::try_unfold(Some(start), |listing| async move {
        let Some(mut listing) = listing else { return Ok(None) };
        let mut text = Vec::new();
        if !listing.opened {
            listing.opened = true;
            text.extend_from_slice(br#"{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","data":["#);
        }
        let Some(last) = listing.page.last().map(|line| line.agency.code.as_str().to_owned()) else {
            text.extend_from_slice(b"]}");
            return Ok(Some((Bytes::from(text), None)));
        };
        for row in listing.page.iter().filter_map(|line| answers::agency_row(line, listing.form)) {
            if listing.rows > 0 {
                text.push(b',');
            }
            text.extend(answers::ascii(&row));
            listing.rows = listing.rows.saturating_add(1);
        }
        listing.page = listing.node.agencies_after(&last).await?;
        Ok(Some((Bytes::from(text), Some(listing))))
    })
}

async fn register_agency(call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let entry = agency_entry(&call.body.whole().await?)?;
    directory::register_agency_for(&call.node.hub, caller, entry).await?;
    Ok(answers::json(problem::ok(), answers::plain_success()))
}

/// The agency described by a body such as `{"id":"","pcode":"..","code":"..","name":".."}`.
fn agency_entry(body: &[u8]) -> Result<AgencyEntry, Problem> {
    let members: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| Problem::Malformed(reading::broken(&error)))?;
    if members.values().any(|value| value.as_str().is_some_and(|text| text.contains('\0'))) {
        return Err(problem::nul());
    }
    let text = |name: &str| match members.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    };
    // An entry is changed by its id, which is its code; a new one has the code alone.
    let code = [text("code"), text("id")].into_iter().find(|c| !c.is_empty()).unwrap_or_default();
    Ok(AgencyEntry {
        code,
        name: text("name"),
        parent: text("pcode"),
        mail: text("mail"),
        mobile: text("mobile"),
        fax: text("fax"),
        aliases: Vec::new(),
    })
}

async fn delete_agency(call: Call<'_>, caller: &Caller, members: &Members) -> Result<HttpResponse, Problem> {
    let code = wanted(members, &["AgencyCode"])?;
    directory::close_agency_for(&call.node.hub, caller, code).await?;
    Ok(answers::json(problem::ok(), answers::plain_success()))
}

async fn count(call: Call<'_>, caller: &Caller, documents: bool) -> Result<HttpResponse, Problem> {
    let number = pickup::count(&call.node.hub, caller, Some(documents)).await?;
    Ok(answers::json(problem::ok(), answers::success("count", json!(number))))
}

/// A parameter without which the operation cannot be done, in the first of its spellings that is there.
fn wanted<'a>(members: &'a Members, names: &[&str]) -> Result<&'a str, Problem> {
    let name = names.first().copied().unwrap_or_default();
    members.first(names).ok_or_else(|| {
        Problem::Malformed(Sentence::new(format!("thiếu tham số {name}"), format!("the parameter {name} is missing")))
    })
}

/// Documents only, status packets only, or both.
fn documents(members: &Members) -> Option<bool> {
    match members.get("messagetype")?.to_ascii_lowercase().as_str() {
        "edoc" => Some(true),
        "status" => Some(false),
        _ => None,
    }
}

/// Rows to leave out and rows to give. Pages count from 1; page 0 is the first one too.
fn page(members: &Members, page_max: usize) -> (usize, Option<usize>) {
    let number = |name| members.get(name).and_then(|v| v.parse::<usize>().ok());
    match number("pageSize").filter(|size| *size > 0).map(|size| size.min(page_max)) {
        None => (0, None),
        Some(size) => {
            let before = number("pageIndex").unwrap_or(1).saturating_sub(1);
            (before.saturating_mul(size), Some(size))
        }
    }
}

type Instants = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The period asked for. A last day without a time is meant to its end.
fn period(members: &Members) -> Result<Instants, Problem> {
    let given = |name| members.get(name).filter(|text| !text.eq_ignore_ascii_case("null"));
    let read = |name, text: &str| {
        dates::timestamp(text).ok_or_else(|| {
            Problem::Malformed(Sentence::new(
                format!("{name} không đúng dạng dd/MM/yyyy HH:mm:ss"),
                format!("{name} is not of the form dd/MM/yyyy HH:mm:ss"),
            ))
        })
    };
    let from = given("fromDate").map(|text| read("fromDate", text)).transpose()?;
    let until = match given("toDate") {
        None => None,
        Some(text) if text.contains(':') => Some(read("toDate", text)?),
        Some(text) => read("toDate", text)?.checked_add_signed(TimeDelta::days(1) - TimeDelta::microseconds(1)),
    };
    Ok((from, until))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(parameters: Value) -> Members {
        Members::parse(parameters.to_string().as_bytes()).unwrap()
    }

    fn instant(text: &str) -> Option<DateTime<Utc>> {
        Some(DateTime::parse_from_rfc3339(text).unwrap().to_utc())
    }

    #[test]
    fn each_operation_prefers_its_own_spelling_of_the_id() {
        let both = members(json!({ "docId": "BBB", "docid": "AAA", "status": "done" }));
        assert_eq!(wanted(&both, &["docId", "docid"]).unwrap(), "BBB");
        assert_eq!(wanted(&both, &["docid", "docId"]).unwrap(), "AAA");
        assert!(matches!(wanted(&both, &["AgencyCode"]), Err(Problem::Malformed(_))));
    }

    #[test]
    fn receivers_come_as_an_array_or_as_one_code() {
        assert_eq!(addressees(r#"["000.00.02.T02","H01"]"#), ["000.00.02.T02", "H01"]);
        assert_eq!(addressees("000.00.02.T02"), ["000.00.02.T02"]);
        assert_eq!(addressees(r#""H01""#), ["H01"]);
        assert_eq!(addressees("[]"), [""; 0]);
    }

    #[test]
    fn pages_count_from_one_and_need_a_size() {
        let of = |parameters| page(&members(parameters), 50);
        assert_eq!(of(json!({})), (0, None));
        assert_eq!(of(json!({ "pageIndex": "3" })), (0, None));
        assert_eq!(of(json!({ "pageSize": "20" })), (0, Some(20)));
        assert_eq!(of(json!({ "pageSize": "20", "pageIndex": "0" })), (0, Some(20)));
        assert_eq!(of(json!({ "pageSize": "20", "pageIndex": 3 })), (40, Some(20)));
        assert_eq!(of(json!({ "pageSize": "0", "pageIndex": "x" })), (0, None));
        assert_eq!(of(json!({ "pageSize": "80", "pageIndex": 2 })), (50, Some(50)), "pages of the size that is given");
    }

    #[test]
    fn a_period_is_read_in_every_form_and_includes_its_last_day() {
        let given = members(json!({ "fromDate": "03/11/2026 08:30:00", "toDate": "2026/11/04" }));
        let (from, until) = period(&given).unwrap();
        assert_eq!(from, instant("2026-11-03T08:30:00+07:00"));
        assert_eq!(until, instant("2026-11-04T23:59:59.999999+07:00"));
        assert_eq!(period(&members(json!({ "fromDate": "", "toDate": "null" }))).unwrap(), (None, None));
        assert!(period(&members(json!({ "fromDate": "hôm qua" }))).is_err());
    }

    #[test]
    fn the_kind_of_packet_is_asked_for_in_any_case_or_not_at_all() {
        let of = |parameters| documents(&members(parameters));
        assert_eq!(of(json!({ "messagetype": "EDOC" })), Some(true));
        assert_eq!(of(json!({ "messagetype": "status" })), Some(false));
        assert_eq!(of(json!({ "servicetype": "eDoc" })), None);
    }

    #[test]
    fn an_agency_is_named_by_its_code_or_else_by_its_id() {
        let entry = agency_entry(br#"{"id":"H01","pcode":"G22","name":" A ","mobile":912,"fax":null}"#).unwrap();
        assert_eq!((entry.code.as_str(), entry.parent.as_str(), entry.name.as_str()), ("H01", "G22", "A"));
        assert_eq!((entry.mobile.as_str(), entry.fax.as_str()), ("912", ""));
        // The vendor's own sample is broken in this place.
        assert!(matches!(agency_entry(br#"{"mail":cc""}"#), Err(Problem::Malformed(_))));
    }
}
