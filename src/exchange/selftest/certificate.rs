//! The certificate of a passed run: a JSON file that anybody can verify offline with the hub's public key. What is
//! signed is the member `certificate` in the canonical form of RFC 8785.

use super::RunView;
use crate::domain::dates::VIETNAM;
use crate::domain::selftest as cases;
use crate::exchange::ExchangeError;
use crate::hub::Hub;
use crate::signer;
use crate::store::{agencies, systems};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

pub use crate::signer::ALGORITHM;

/// Name of the format.
const FORM: &str = "docaxis-selftest-certificate/1";

/// Why a certificate does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is no certificate at all.
    #[error("không phải giấy chứng nhận tự kiểm tra / this is no certificate of a self-test")]
    Unreadable,
    /// The signature does not hold under the key.
    #[error("chữ ký không đúng với khóa đã cho, hoặc nội dung đã bị sửa / the signature does not hold under this key")]
    Signature,
    /// Its time is over, or has not begun.
    #[error("đã hết hiệu lực, hoặc chưa đến ngày / it has expired, or does not hold yet")]
    Expired,
}

/// The public key under which this hub's certificates hold.
pub fn public_key(hub: &Hub) -> String {
    hub.keyring.signer().public_key()
}

/// Issues the certificate of a passed run.
pub(super) async fn issue(hub: &Hub, view: &RunView, now: DateTime<Utc>) -> Result<String, ExchangeError> {
    let (system, agency) = (view.system_id.clone(), view.agency.clone());
    let names = hub.store.read(move |tx| {
        let system = systems::find(tx, &system)?.map(|system| system.name).unwrap_or_default();
        let agency = agencies::find_by_alias(tx, &agency.to_ascii_uppercase())?;
        Ok((system, agency.map(|agency| agency.name).unwrap_or_default()))
    });
    let (system_name, agency_name) = names.await?;
    let life = i64::try_from(hub.config.selftest.certificate_days).ok().and_then(TimeDelta::try_days);
    let expires_at = now.checked_add_signed(life.unwrap_or_default()).unwrap_or(now);
    let results = view.lines.iter().map(|line| (line.code.as_str(), line.word(), line.judged_at));
    let lines: serde_json::Map<String, Value> =
        view.lines.iter().map(|line| (line.code.clone(), line.word().into())).collect();
    let body = json!({
        "form": FORM,
        "hub": hub.config.selftest.hub_name,
        "run_id": view.run_id,
        "system": { "id": view.system_id, "name": system_name },
        "agency": { "code": view.agency, "name": agency_name },
        "case_set": view.case_set,
        "cases": lines,
        "mandatory": cases::cases().filter(|case| case.mandatory).count(),
        "passed": view.count("passed"),
        "results_sha256": cases::results_digest(results),
        "issued_at": time(now),
        "expires_at": time(expires_at),
    });
    let signer = hub.keyring.signer();
    let signature = json!({
        "algorithm": ALGORITHM,
        "canonical": "RFC 8785",
        "public_key": signer.public_key(),
        "value": signer.sign(canonical(&body).as_bytes()),
    });
    let file = json!({ "certificate": body, "signature": signature });
    Ok(serde_json::to_string_pretty(&file).unwrap_or_default() + "\n")
}

fn time(at: DateTime<Utc>) -> String {
    at.with_timezone(&VIETNAM).to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// The canonical form: no spaces, members in the order of their names. There are no fractions in it.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let member = |name: &&String| {
                let value = members.get(*name).map(canonical).unwrap_or_default();
                format!("{}:{value}", Value::from(name.as_str()))
            };
            format!("{{{}}}", names.iter().map(member).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// Verifies a certificate offline: with the public key that its reader was given by the hub's operator, never the one
/// in the file. Answers what it certifies.
///
/// # Errors
/// Why it does not hold.
pub fn verify(file: &str, public_key: &str, now: DateTime<Utc>) -> Result<Value, Invalid> {
    let file: Value = serde_json::from_str(file).map_err(|_| Invalid::Unreadable)?;
    let body = file.get("certificate").ok_or(Invalid::Unreadable)?;
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    if text(body, "/form").as_deref() != Some(FORM) {
        return Err(Invalid::Unreadable);
    }
    let value = text(&file, "/signature/value").ok_or(Invalid::Unreadable)?;
    if !signer::holds(public_key, canonical(body).as_bytes(), &value) {
        return Err(Invalid::Signature);
    }
    let instant = |name: &str| DateTime::parse_from_rfc3339(&text(body, name)?).ok();
    let (Some(from), Some(until)) = (instant("/issued_at"), instant("/expires_at")) else {
        return Err(Invalid::Unreadable);
    };
    match from <= now && now < until {
        true => Ok(body.clone()),
        false => Err(Invalid::Expired),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_is_that_of_rfc_8785() {
        let value: Value = serde_json::from_str(r#"{"b":[1, true, null],"a":{"z":"Đ\n\"","y":-3}}"#).unwrap();
        assert_eq!(canonical(&value), r#"{"a":{"y":-3,"z":"Đ\n\""},"b":[1,true,null]}"#);
    }
}
