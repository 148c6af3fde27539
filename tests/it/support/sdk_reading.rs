//! What the vendor's SDK makes of answers (docs/sdk.md). `None` is the null that its methods give.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

/// A result object; a field that is `None` is null in Java.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Told {
    pub status: Option<String>,
    pub code: Option<String>,
    pub description: Option<String>,
    pub doc_id: Option<String>,
    pub rows: Option<Vec<Value>>,
    pub packet: Option<Vec<u8>>,
    pub count: Option<i64>,
}

impl Told {
    pub fn is_ok(&self) -> bool {
        (self.status.as_deref(), self.code.as_deref()) == (Some("OK"), Some("0"))
    }

    /// The id of a packet that was taken.
    pub fn id(&self) -> &str {
        assert!(self.is_ok(), "{self:?}");
        self.doc_id.as_deref().unwrap()
    }
}

/// Strings and numbers both serve as text.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value?.to_string()),
    }
}

/// The object in a body: `None` for what cannot be parsed, an empty one for other JSON and for no body at all.
fn object(body: &str) -> Option<Map<String, Value>> {
    if body.trim().is_empty() {
        return Some(Map::new());
    }
    match serde_json::from_str(body) {
        Ok(Value::Object(members)) => Some(members),
        Ok(_) => Some(Map::new()),
        // Gson takes a bare word for a text.
        Err(_) if body.chars().all(char::is_alphanumeric) => Some(Map::new()),
        Err(_) => None,
    }
}

/// All of these members, or nothing: one that is missing or null loses the others.
fn told(members: &Map<String, Value>, needed: &[&str]) -> Told {
    let of = |name: &str| text(members.get(name));
    if needed.iter().any(|name| of(name).is_none()) {
        return Told::default();
    }
    Told { status: of("status"), code: of("ErrorCode"), description: of("ErrorDesc"), ..Told::default() }
}

const COMMON: [&str; 3] = ["status", "ErrorCode", "ErrorDesc"];

/// The answer to sendEdoc, through HttpURLConnection.
pub fn sent(status: u16, body: &[u8]) -> Option<Told> {
    let is_success = matches!(status, 200 | 201);
    if !is_success && ((200..300).contains(&status) || body.is_empty()) {
        return None;
    }
    let decoded = match is_success {
        true => body.iter().map(|b| if b.is_ascii() { char::from(*b) } else { '\u{FFFD}' }).collect(),
        false => String::from_utf8_lossy(body).into_owned(),
    };
    let members = object(&decoded)?;
    let mut told = told(&members, &["status", "ErrorCode", "ErrorDesc", "DocId"]);
    if told.status.is_some() {
        told.doc_id = text(members.get("DocId"));
    }
    Some(told)
}

/// The answer to any call that adds nothing to the common members, or `count`.
pub fn common(body: &[u8]) -> Option<Told> {
    let members = object(&String::from_utf8_lossy(body))?;
    let count = members.get("count").and_then(|count| text(Some(count))).and_then(|digits| digits.parse().ok());
    Some(Told { count, ..told(&members, &COMMON) })
}

/// The answer to a call for a list. 2.0.1 takes an unreadable body for an empty inbox.
pub fn listed(status: u16, body: &[u8]) -> Option<Told> {
    if status == 204 {
        return None;
    }
    let Some(members) = object(&String::from_utf8_lossy(body)) else {
        let said = |text: &str| Some(text.to_owned());
        let (status, code, description) = (said("OK"), said("0"), said("Success"));
        return Some(Told { status, code, description, rows: Some(Vec::new()), ..Told::default() });
    };
    let whole = |row: &Value| row.as_object().is_some_and(|row| row.values().all(|value| !value.is_null()));
    let rows = members.get("data").and_then(Value::as_array).filter(|rows| rows.iter().all(whole)).cloned();
    let told = told(&members, &COMMON);
    Some(Told { rows: rows.filter(|_| told.is_ok()), ..told })
}

/// The answer to getEdoc: unless it failed, `data` is decoded as UTF-8 text and written as such.
pub fn got(status: u16, body: &[u8]) -> Option<Told> {
    if status == 204 {
        return None;
    }
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let members = object(&String::from_utf8_lossy(body))?;
    let mut told = told(&members, &COMMON);
    let data = members.get("data").and_then(Value::as_str);
    if let Some(data) = data.filter(|_| told.status.as_deref().is_some_and(|status| status != "FAIL")) {
        let bytes = GeneralPurpose::new(&alphabet::STANDARD, config).decode(data).ok()?;
        told.packet = Some(String::from_utf8_lossy(&bytes).into_owned().into_bytes());
    }
    Some(told)
}

/// What downloadEdoc leaves on disk whatever the status was; `None` is its `FAIL`.
pub fn downloaded(body: &[u8]) -> Option<Vec<u8>> {
    (!body.is_empty()).then(|| body.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_without_an_id_loses_everything() {
        let body = br#"{"status":"FAIL","ErrorCode":"18","ErrorDesc":"x","DocId":null}"#;
        assert_eq!(sent(200, body), Some(Told::default()));
        assert_eq!(sent(202, br#"{"status":"OK"}"#), None);
        assert_eq!(sent(500, b"<html>"), None);
        assert_eq!(sent(500, b""), None);
        assert_eq!(sent(200, b""), Some(Told::default()));
        assert_eq!(sent(200, "\u{FEFF}{}".as_bytes()), None);
    }

    #[test]
    fn a_success_is_read_as_ascii() {
        let body = r#"{"status":"OK","ErrorCode":0,"ErrorDesc":"Thành công","DocId":"1e5"}"#.as_bytes();
        let told = sent(200, body).unwrap();
        assert_eq!(told.id(), "1e5");
        assert_eq!(told.description.unwrap(), "Th\u{FFFD}\u{FFFD}nh c\u{FFFD}\u{FFFD}ng");
    }

    #[test]
    fn one_null_in_a_row_loses_the_list() {
        let ok = r#""status":"OK","ErrorCode":"0","ErrorDesc":"x""#;
        let rows = |data: &str| listed(200, format!("{{{ok}{data}}}").as_bytes()).unwrap().rows;
        assert_eq!(rows(r#","data":[{"docId":"a","from":null}]"#), None);
        assert_eq!(rows(""), None);
        assert_eq!(rows(r#","data":[]"#), Some(Vec::new()));
        assert!(listed(200, b"<html>").unwrap().is_ok(), "an outage page is an empty inbox");
    }

    #[test]
    fn a_packet_that_is_no_utf_8_is_altered() {
        let body = |data: &str| format!(r#"{{"status":"OK","ErrorCode":"0","ErrorDesc":"x","data":"{data}"}}"#);
        assert_eq!(got(200, body("77u/PHgvPg==").as_bytes()).unwrap().packet.unwrap(), "\u{FEFF}<x/>".as_bytes());
        assert_eq!(got(200, body("/w").as_bytes()).unwrap().packet.unwrap(), "\u{FFFD}".as_bytes());
    }
}
