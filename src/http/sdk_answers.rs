//! Answers in the form that the vendor SDK reads (docs/sdk.md): ASCII-only JSON, every
//! member present and never null, and base64 that is made while the packet streams by.

use super::problem_body::ViolationBody;
use crate::domain::agency::Standing;
use crate::domain::dates::VIETNAM;
use crate::domain::delivery::{DeliveryState, PickupMark};
use crate::exchange::directory::AgencyLine;
use crate::exchange::follow::SentLine;
use crate::exchange::pickup::MailboxItem;
use actix_web::{HttpResponse, HttpResponseBuilder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use serde_json::{Value, json};
use std::io;

/// What stands in `ErrorDesc` of a success.
pub const SUCCESS: &str = "Thanh cong";

/// Which members an operation's answer needs besides the common three, also when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdkShape {
    /// None.
    Common,
    /// `DocId`.
    Sent,
    /// `data` as text.
    Packet,
    /// `data` as a list.
    Rows,
    /// `count`.
    Count,
    /// Every one: nobody knows which operation was meant.
    Unknown,
}

/// A failure in the SDK's words.
#[derive(Debug)]
pub struct Failure<'a> {
    /// `ErrorCode`.
    pub code: &'a str,
    /// `ErrorDesc`.
    pub description: &'a str,
    /// A member that the SDK ignores and people read.
    pub violations: Vec<ViolationBody<'a>>,
    /// Another such member.
    pub request_id: &'a str,
}

impl Failure<'_> {
    /// The answer with all members of its shape.
    pub fn body(&self, shape: SdkShape) -> Value {
        let mut body = json!({
            "status": "FAIL",
            "ErrorCode": self.code,
            "ErrorDesc": self.description,
            "requestId": self.request_id,
        });
        let mut add = |name: &str, value: Value| {
            if let Some(members) = body.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        };
        match shape {
            SdkShape::Common => {}
            SdkShape::Sent => add("DocId", json!("")),
            SdkShape::Packet => add("data", json!("")),
            SdkShape::Rows => add("data", json!([])),
            SdkShape::Count => add("count", json!(0)),
            SdkShape::Unknown => {
                add("DocId", json!(""));
                add("data", json!([]));
                add("count", json!(0));
            }
        }
        if !self.violations.is_empty() {
            add("violations", json!(self.violations));
        }
        body
    }
}

/// A success with one more member.
pub fn success(name: &str, value: Value) -> Value {
    json!({ "status": "OK", "ErrorCode": "0", "ErrorDesc": SUCCESS, name: value })
}

/// A success with the common members only.
pub fn plain_success() -> Value {
    json!({ "status": "OK", "ErrorCode": "0", "ErrorDesc": SUCCESS })
}

/// The answer with this body.
pub fn json(mut response: HttpResponseBuilder, body: impl Serialize) -> HttpResponse {
    response.content_type("application/json").body(ascii(&body))
}

/// JSON in ASCII alone: the SDK decodes answers as US-ASCII.
pub fn ascii(value: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, AsciiFormatter);
    match value.serialize(&mut serializer) {
        Ok(()) => text,
        // Maps with text keys always serialize; a client still gets JSON if one of ours ever had others.
        Err(_) => br#"{"status":"FAIL","ErrorCode":"20","ErrorDesc":"","DocId":"","data":""}"#.to_vec(),
    }
}

struct AsciiFormatter;

impl serde_json::ser::Formatter for AsciiFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c: char| !c.is_ascii()) {
            let (plain, other) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut letters = other.chars();
            if let Some(letter) = letters.next() {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = letters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// A time as the SDK's users know it: `dd/MM/yyyy HH:mm:ss` in Vietnam.
pub fn time(at: DateTime<Utc>) -> String {
    at.with_timezone(&VIETNAM).format("%d/%m/%Y %H:%M:%S").to_string()
}

/// `messagetype` of a document or status packet.
fn message_type(is_document: bool) -> &'static str {
    if is_document { "edoc" } else { "status" }
}

/// A row of the received list.
pub fn received_row(item: &MailboxItem) -> Value {
    json!({
        "docId": item.delivery_id,
        "serviceType": "eDoc",
        "messageType": message_type(item.is_document),
        "created_time": time(item.accepted_at),
        "updated_time": time(item.changed_at),
        "from": item.sender,
        "to": item.recipient,
        "status": item.mark.word(),
        "status_desc": mark_description(item.mark),
    })
}

/// A row of the sent list.
pub fn sent_row(line: &SentLine) -> Value {
    let (status, description) = match line.state {
        DeliveryState::Withdrawn => ("withdrawn", "Đã lấy lại"),
        DeliveryState::Failed => ("fail", "Không chuyển được"),
        DeliveryState::Pending | DeliveryState::Consigned | DeliveryState::HandedOver => {
            (line.mark.word(), mark_description(line.mark))
        }
    };
    json!({
        "serviceType": "eDoc",
        "messageType": message_type(line.is_document),
        "senderDocId": line.envelope_id,
        "receiverDocId": line.delivery_id,
        "fromCode": line.sender,
        "toCode": line.recipient,
        "title": line.subject,
        "notation": line.code,
        "sentTime": time(line.accepted_at),
        "receivedTime": line.fetched_at.map(time).unwrap_or_default(),
        "sendStatus": "done",
        "sendStatusDesc": "Trục đã nhận",
        "receiveStatus": status,
        "receiveStatusDesc": description,
    })
}

fn mark_description(mark: PickupMark) -> &'static str {
    match mark {
        PickupMark::Initial => "Chờ nhận",
        PickupMark::Processing => "Đang nhận",
        PickupMark::Done => "Đã nhận",
        PickupMark::Fail => "Nhận lỗi",
    }
}

/// In which of its three forms the directory is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgencyForm {
    /// `getAgenciesList`.
    List,
    /// `getAgenciesListQD20`.
    Qd20,
    /// `getSynchronizeUnit`, which also tells of closed agencies.
    Synchronize,
}

/// A row of the directory; nothing for an agency that this form does not show.
pub fn agency_row(line: &AgencyLine, form: AgencyForm) -> Option<Value> {
    let agency = &line.agency;
    // A suspended agency stays listed: it will be back.
    let (is_over, is_to_come) = match line.standing {
        Standing::Open | Standing::Suspended => (false, false),
        Standing::Closed | Standing::NoLongerValid(_) => (true, false),
        Standing::NotYetValid(_) => (false, true),
    };
    let code = agency.code.as_str();
    let parent = agency.parent.as_ref().map_or("", |p| p.as_str());
    match form {
        // On its first day it gets a version of its own (`exchange::directory::turn_validity`).
        _ if is_to_come => None,
        AgencyForm::List | AgencyForm::Qd20 if is_over => None,
        AgencyForm::List => Some(json!({
            "code": code, "id": code, "mail": agency.mail, "name": agency.name, "pid": parent, "oldCode": line.old_code,
        })),
        AgencyForm::Qd20 => Some(json!({
            "code": code, "id": code, "mail": agency.mail, "name": agency.name, "code102": line.old_code,
        })),
        AgencyForm::Synchronize => Some(json!({
            "code": code,
            "id": code,
            "mail": agency.mail,
            "name": agency.name,
            "pid": parent,
            "version": agency.version,
            "centerCode": center(code),
            "deleted": is_over,
            "modifyDate": time(line.changed_at),
            "isAgency": true,
        })),
    }
}

/// The level-1 group of a code: `H01` of `H01.02.03` and of `000.00.02.H01`.
fn center(code: &str) -> &str {
    let first = code.split('.').next().unwrap_or(code);
    let last = code.rsplit('.').next().unwrap_or(code);
    if first.bytes().all(|b| b.is_ascii_digit()) { last } else { first }
}

/// A packet inside an answer: its length to the byte, and the answer's bytes. A failing source breaks the
/// stream, and with it the connection, rather than ending in an answer that looks whole.
pub fn packet_answer<S>(bytes: u64, content: S) -> (u64, impl Stream<Item = io::Result<Bytes>>)
where
    S: Stream<Item = io::Result<Bytes>> + Unpin,
{
    const HEAD: &str = r#"{"status":"OK","ErrorCode":"0","ErrorDesc":"Thanh cong","data":""#;
    const TAIL: &str = r#""}"#;
    let fixed = u64::try_from(HEAD.len().saturating_add(TAIL.len())).unwrap_or(u64::MAX);
    let length = bytes.div_ceil(3).saturating_mul(4).saturating_add(fixed);
    let part = |text: &'static str| stream::once(std::future::ready(Ok(Bytes::from_static(text.as_bytes()))));
    (length, part(HEAD).chain(base64_of(content)).chain(part(TAIL)))
}

/// The base64 of a stream, made piece by piece: only up to two bytes wait for the next piece.
fn base64_of<S>(content: S) -> impl Stream<Item = io::Result<Bytes>>
where
    S: Stream<Item = io::Result<Bytes>> + Unpin,
{
    stream::unfold((content, Vec::new(), false), |(mut content, mut rest, ended): (S, Vec<u8>, bool)| async move {
        if ended {
            return None;
        }
        let (piece, ended) = match content.next().await {
            Some(Ok(chunk)) => {
                rest.extend_from_slice(&chunk);
                let ready = rest.len().saturating_sub(rest.len() % 3);
                let waiting = rest.split_off(ready);
                (Ok(std::mem::replace(&mut rest, waiting)), false)
            }
            Some(Err(error)) => (Err(error), true),
            None => (Ok(std::mem::take(&mut rest)), true),
        };
        Some((piece.map(|bytes| Bytes::from(BASE64.encode(bytes))), (content, rest, ended)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn letters_beyond_ascii_are_escaped_and_the_rest_stays() {
        let value = json!({ "d": "Đơn vị \"A\" \\ \n/<=>'", "n": 7 });
        assert_eq!(
            String::from_utf8(ascii(&value)).unwrap(),
            r#"{"d":"\u0110\u01a1n v\u1ecb \"A\" \\ \n/<=>'","n":7}"#
        );
    }

    #[test]
    fn a_letter_beyond_the_first_plane_becomes_a_surrogate_pair() {
        assert_eq!(ascii(&"𝄞é"), br#""\ud834\udd1e\u00e9""#);
    }

    proptest! {
        #[test]
        fn ascii_json_reads_back_as_it_was(text in any::<String>()) {
            let written = ascii(&text);
            prop_assert!(written.is_ascii());
            prop_assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), text);
        }

        #[test]
        fn a_packet_in_pieces_gives_the_same_base64(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9)) {
            let packet = pieces.concat();
            let chunks = stream::iter(pieces.into_iter().map(|p| Ok(Bytes::from(p))));
            let (length, body) = packet_answer(u64::try_from(packet.len()).unwrap(), chunks);
            let body = run(body.map(|p| p.unwrap()).collect::<Vec<_>>()).concat();
            prop_assert_eq!(u64::try_from(body.len()).unwrap(), length);
            let answer: Value = serde_json::from_slice(&body).unwrap();
            prop_assert_eq!(BASE64.decode(answer["data"].as_str().unwrap()).unwrap(), packet);
        }
    }

    #[test]
    fn a_broken_source_ends_the_answer_in_an_error() {
        let chunks = stream::iter([Ok(Bytes::from_static(b"<x/>")), Err(io::Error::other("gone"))]);
        let (_, body) = packet_answer(100, chunks);
        let parts = run(body.collect::<Vec<_>>());
        assert!(parts.iter().any(Result::is_err));
    }

    #[test]
    fn times_are_vietnamese() {
        let at = DateTime::parse_from_rfc3339("2026-11-21T17:05:09.123Z").unwrap().to_utc();
        assert_eq!(time(at), "22/11/2026 00:05:09");
    }

    #[test]
    fn the_centre_is_the_first_group_of_new_codes_and_the_last_of_old_ones() {
        assert_eq!(center("H37.DN.001"), "H37");
        assert_eq!(center("000.00.15.H51"), "H51");
        assert_eq!(center("G22"), "G22");
    }

    #[test]
    fn every_failure_has_the_members_of_its_shape() {
        let failure = Failure { code: "20", description: "x", violations: Vec::new(), request_id: "r" };
        let body = failure.body(SdkShape::Unknown);
        for member in ["status", "ErrorCode", "ErrorDesc", "DocId", "data", "count"] {
            assert!(body.get(member).is_some_and(|v| !v.is_null()), "{member}");
        }
        assert_eq!(failure.body(SdkShape::Packet)["data"], "");
        assert_eq!(failure.body(SdkShape::Rows)["data"], json!([]));
        assert_eq!(failure.body(SdkShape::Sent)["DocId"], "");
    }
}
