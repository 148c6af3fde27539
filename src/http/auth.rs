//! Who is calling: the bearer key of the native API and the signed header of the vendor SDK
//! (docs/sdk.md). Only values inside the signed text are used; the plain copies are not signed.

use crate::exchange::keys::{self, Credential};
use crate::exchange::{Caller, Denial, ExchangeError};
use crate::hub::Hub;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::IpAddr;

const SIGNED_TEXT: &str = "xroadvnpt-sign-header";
const SIGNATURE: &str = "xroadvnpt-hash-header";
const PREFIX: &str = "XroadVnpt-";

/// A caller of the SDK-compatible API and the parameters that it signed.
#[derive(Debug)]
pub struct Signed {
    /// Who calls.
    pub caller: Caller,
    /// What was signed.
    pub members: Members,
}

/// The members of a signed text, by name without prefix. Names keep their case, since the SDK sends `docId`
/// and `docid` side by side with different values (docs/sdk.md).
#[derive(Debug, PartialEq, Eq)]
pub struct Members(BTreeMap<String, String>);

impl Members {
    /// Reads the raw bytes of the signed header; nothing when they are no JSON object in UTF-8, or hold a NUL.
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_slice(raw).ok()?;
        // PostgreSQL cannot hold a NUL, and nobody means one.
        if object.values().any(|value| value.as_str().is_some_and(|text| text.contains('\0'))) {
            return None;
        }
        let members = object.into_iter().filter_map(|(name, value)| {
            let bare = match name.get(..PREFIX.len()) {
                Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => name.get(PREFIX.len()..)?,
                _ => name.as_str(),
            };
            let text = match value {
                Value::Null => return None,
                Value::String(text) => text,
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
            };
            Some((bare.to_owned(), text))
        });
        Some(Self(members.collect()))
    }

    /// A parameter by its exact name; empty counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|v| v.trim()).filter(|v| !v.is_empty())
    }

    /// The first of several spellings that is there.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }
}

/// Checks the bearer key of a request that came from that address.
///
/// # Errors
/// `Unauthenticated` when there is none or it does not hold; `Store`.
pub async fn bearer(hub: &Hub, headers: &HeaderMap, from: Option<IpAddr>) -> Result<Caller, ExchangeError> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Err(refused(Denial::Missing)) };
    match value.to_str().ok().and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            keys::authenticate(hub, Credential::Bearer(token.trim()), from).await
        }
        _ => Err(refused(Denial::Malformed)),
    }
}

fn refused(why: Denial) -> ExchangeError {
    ExchangeError::Unauthenticated(why, String::new())
}

/// Checks the signed header of a request that came from that address.
///
/// # Errors
/// `Unauthenticated` when it is missing, unreadable or its signature does not hold; `Store`.
pub async fn signed(hub: &Hub, headers: &HeaderMap, from: Option<IpAddr>) -> Result<Signed, ExchangeError> {
    let missing = || refused(Denial::Missing);
    let unreadable = || refused(Denial::Malformed);
    // A header's value is bytes: text outside ASCII is a wrong signature, never an unreadable request.
    let message = headers.get(SIGNED_TEXT).ok_or_else(missing)?.as_bytes();
    let signature = headers.get(SIGNATURE).ok_or_else(missing)?.to_str().map_err(|_| unreadable())?.trim();
    let members = Members::parse(message).ok_or_else(unreadable)?;
    let system_id = members.get("systemid").ok_or_else(unreadable)?;
    let caller = keys::authenticate(hub, Credential::Hmac { system_id, message, signature }, from).await?;
    Ok(Signed { caller, members })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::hmac;

    /// The test vector of docs/sdk.md.
    const VECTOR: &[u8] = br#"{"XroadVnpt-systemid":"hub.test.01","XroadVnpt-timestamp":"21112026T164221+0181","XroadVnpt-Content-Type":"application/json"}"#;

    #[test]
    fn the_signed_bytes_are_those_of_the_test_vector() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"made-up-secret-A1");
        let signature = hex::encode(hmac::sign(&key, VECTOR).as_ref());
        assert_eq!(signature, "983106bdbb4e61dd78a5772431f11e5d092b51ebde1cd010c8ffe5fed270448e");
        let members = Members::parse(VECTOR).unwrap();
        assert_eq!(members.get("systemid"), Some("hub.test.01"));
        assert_eq!(members.get("timestamp"), Some("21112026T164221+0181"));
    }

    #[test]
    fn both_spellings_of_the_id_are_kept_apart() {
        let raw = br#"{"XroadVnpt-systemid":"s","XroadVnpt-docId":"BBB","XroadVnpt-docid":"AAA"}"#;
        let members = Members::parse(raw).unwrap();
        assert_eq!(members.first(&["docId", "docid"]), Some("BBB"));
        assert_eq!(members.first(&["docid", "docId"]), Some("AAA"));
    }

    #[test]
    fn an_empty_parameter_is_absent_and_the_other_spelling_is_taken() {
        let members = Members::parse(br#"{"XroadVnpt-docId":"","XroadVnpt-docid":"AAA","XroadVnpt-x":null}"#).unwrap();
        assert_eq!(members.first(&["docId", "docid"]), Some("AAA"));
        assert_eq!(members.get("x"), None);
    }

    #[test]
    fn the_prefix_is_read_in_any_case_and_values_of_other_types_as_text() {
        let raw = br#"{"xroadvnpt-pageSize":20,"XROADVNPT-flag":true,"XroadVnpt-to":["a","b"]}"#;
        let members = Members::parse(raw).unwrap();
        assert_eq!(members.get("pageSize"), Some("20"));
        assert_eq!(members.get("flag"), Some("true"));
        assert_eq!(members.get("to"), Some(r#"["a","b"]"#));
    }

    #[test]
    fn what_is_no_object_in_utf_8_is_not_a_signed_text() {
        let raws: [&[u8]; 7] =
            [b"", b"[]", b"\"x\"", b"{\"a\":\"\xe1\"}", b"{\"a\":\"b\x03\"}", b"{\"a\":1}{}", b"{\"a\":\"\\u0000\"}"];
        for raw in raws {
            assert_eq!(Members::parse(raw), None, "{raw:?}");
        }
    }

    #[test]
    fn utf_8_beyond_ascii_is_kept() {
        let members = Members::parse("{\"XroadVnpt-filePath\":\"/văn bản\"}".as_bytes()).unwrap();
        assert_eq!(members.get("filePath"), Some("/văn bản"));
    }
}
