//! The requests of the vendor's SDK, sign for sign (docs/sdk.md): parameters in signed
//! headers, CR LF behind the packet, the packet's hash without leading zeros.

use super::robot::{Answer, Kind};
use crate::cli::client::connection::Fault;
use crate::domain::dates::VIETNAM;
use crate::hub::Clock;
use anyhow::{Context, ensure};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::{Map, Value};

/// A service object of the SDK.
#[derive(Debug)]
pub struct Sdk {
    client: Client,
    url: String,
    system_id: &'static str,
    secret: String,
    /// Made once and never renewed, as the SDK does.
    timestamp: String,
}

impl Sdk {
    pub fn new(client: Client, url: &str, system_id: &'static str, secret: &str) -> Self {
        let now = Clock::System.now().with_timezone(&VIETNAM);
        let timestamp = format!("{}+0{}", now.format("%d%m%YT%H%M%S"), now.format("%3f"));
        Self { client, url: url.to_owned(), system_id, secret: secret.to_owned(), timestamp }
    }

    pub async fn send(&self, from: &str, packet: &str, kind: Kind) -> anyhow::Result<Answer> {
        let hash = hash_file(packet.as_bytes());
        let parameters = [("from", from), ("servicetype", "eDoc"), ("messagetype", word(kind)), ("hash-file", &hash)];
        let body = format!("{packet}\r\n");
        let answer = self.call("sendEdoc", &parameters, body, "application/octet-stream").await?;
        Ok(Answer { id: text(&answer, "DocId"), code: text(&answer, "ErrorCode"), words: text(&answer, "ErrorDesc") })
    }

    pub async fn waiting(&self, kind: Kind) -> anyhow::Result<Vec<String>> {
        let parameters = [("servicetype", "eDoc"), ("messagetype", word(kind))];
        let answer = ok(self.call("getReceivedEdocList", &parameters, String::new(), "application/json").await?)?;
        let rows = answer.get("data").and_then(Value::as_array).context("getReceivedEdocList: data is no list")?;
        Ok(rows.iter().map(|row| text(row, "docId")).collect())
    }

    pub async fn fetch(&self, id: &str) -> anyhow::Result<Vec<u8>> {
        let parameters = [("docId", id), ("filePath", "/tmp")];
        let answer = ok(self.call("getEdoc", &parameters, "{}".to_owned(), "application/json").await?)?;
        STANDARD.decode(text(&answer, "data")).context("getEdoc: data is no base64")
    }

    pub async fn confirm(&self, id: &str) -> anyhow::Result<()> {
        let parameters = [("docid", id), ("status", "done")];
        ok(self.call("updateStatus", &parameters, "{}".to_owned(), "application/json").await?)?;
        Ok(())
    }

    async fn call(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
        body: String,
        content_type: &str,
    ) -> anyhow::Result<Value> {
        let mut signed = Map::new();
        let own = [("systemid", self.system_id), ("timestamp", &self.timestamp), ("Content-Type", content_type)];
        for (name, value) in parameters.iter().chain(&own) {
            signed.insert(format!("XroadVnpt-{name}"), (*value).into());
        }
        let names: Vec<&str> = signed.keys().map(|name| name.trim_start_matches("XroadVnpt-")).collect();
        let names = names.join(";");
        let mut request = self.client.post(format!("{}/{operation}", self.url)).header("Content-Type", content_type);
        for (name, value) in &signed {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        let text = Value::Object(signed).to_string();
        request = request
            .header("XroadVnpt-sign-header-key", names)
            .header("XroadVnpt-hash-header", hash_header(&self.secret, &text))
            .header("XroadVnpt-sign-header", text)
            .header("XroadVnpt-version", "3.0.201608")
            .header("User-Agent", "JAVASDKAgent/1.0.0 XRoad/VPCP");
        Ok(request.body(body).send().await.map_err(Fault::of)?.json().await.map_err(Fault::of)?)
    }
}

/// The `messagetype` of a kind.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Document => "edoc",
        Kind::Status => "status",
    }
}

/// A member as text; the hub answers numbers as text or as numbers.
fn text(answer: &Value, member: &str) -> String {
    match answer.get(member) {
        Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        None => String::new(),
    }
}

/// The answer, unless it is a failure.
fn ok(answer: Value) -> anyhow::Result<Value> {
    let (status, words) = (text(&answer, "status"), text(&answer, "ErrorDesc"));
    ensure!(status == "OK", "{} {words}", text(&answer, "ErrorCode"));
    Ok(answer)
}

/// The signature over the signed header.
fn hash_header(secret: &str, signed: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(hmac::sign(&key, signed.as_bytes()))
}

/// SHA-256 as the SDK prints it: each byte in hexadecimal without a leading zero.
fn hash_file(packet: &[u8]) -> String {
    digest::digest(&digest::SHA256, packet).as_ref().iter().map(|byte| format!("{byte:x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_sdk_s() {
        let signed = concat!(
            r#"{"XroadVnpt-systemid":"hub.test.01","XroadVnpt-timestamp":"21112026T164221+0181","#,
            r#""XroadVnpt-Content-Type":"application/json"}"#
        );

        let signature = hash_header("made-up-secret-A1", signed);

        assert_eq!(signature, "983106bdbb4e61dd78a5772431f11e5d092b51ebde1cd010c8ffe5fed270448e");
    }

    #[test]
    fn the_hash_of_a_packet_loses_its_leading_zeros() {
        assert_eq!(hash_file(b"<x/>"), "2a31f44da4bd7decbbd3ddfd1a37ae4d02ec665e2c2688816ccc65631586ed1");
        assert_eq!(hash_file(b"<x>2</x>"), "a71764c2273811d3e3ee9776bc3f388fa3327ac4efc5eb7418fb7d727f2a4");
    }

    #[test]
    fn a_failure_keeps_the_hub_s_words() {
        let failed = serde_json::json!({ "status": "FAIL", "ErrorCode": 18, "ErrorDesc": "không có" });

        assert_eq!(ok(failed).unwrap_err().to_string(), "18 không có");
    }
}
