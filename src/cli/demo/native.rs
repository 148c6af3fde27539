//! The native API as a small DMS uses it: four requests (docs/api.md), over the connection that `docaxis send` and its
//! like use.

use super::robot::{Answer, Kind};
use crate::cli::client::connection::{Connection, Fault, accepted};
use anyhow::Context;
use reqwest::{Client, Method};
use serde_json::Value;

/// A caller of `/api/v1`.
#[derive(Debug)]
pub struct Native {
    connection: Connection,
}

impl Native {
    pub fn new(client: Client, url: &str, token: &str) -> Self {
        Self { connection: Connection::new(client, url, token.to_owned().into()) }
    }

    pub async fn send(&self, packet: &str) -> anyhow::Result<Answer> {
        let request = self.connection.request(Method::POST, "/envelopes").header("Content-Type", "application/xml");
        match accepted(request.body(packet.to_owned())).await {
            Ok(response) => {
                let receipt: Value = response.json().await.map_err(Fault::of)?;
                Ok(Answer { id: text(&receipt, "/envelope_id"), code: "0".to_owned(), words: String::new() })
            }
            Err(Fault::Refused(problem)) => {
                let (code, words) = (text(&problem.raw, "/violations/0/class"), problem.to_string());
                Ok(Answer { id: String::new(), code, words })
            }
            Err(fault) => Err(fault.into()),
        }
    }

    pub async fn waiting(&self, kind: Kind) -> anyhow::Result<Vec<String>> {
        let kind = match kind {
            Kind::Document => "document",
            Kind::Status => "status",
        };
        let answer = self.connection.get("/mailbox", &[("kind", kind.to_owned())]).await?;
        let items = answer.get("items").and_then(Value::as_array).context("mailbox: items is no list")?;
        Ok(items.iter().map(|item| text(item, "/delivery_id")).collect())
    }

    pub async fn fetch(&self, id: &str) -> anyhow::Result<Vec<u8>> {
        let request = self.connection.request(Method::GET, &format!("/deliveries/{id}/content"));
        Ok(accepted(request).await?.bytes().await.map_err(Fault::of)?.to_vec())
    }

    pub async fn confirm(&self, id: &str) -> anyhow::Result<()> {
        let said = serde_json::json!({ "status": "done" });
        self.connection.post(&format!("/deliveries/{id}/confirm"), &said).await?;
        Ok(())
    }
}

/// A member as text, by its JSON pointer.
fn text(answer: &Value, pointer: &str) -> String {
    match answer.pointer(pointer) {
        Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        None => String::new(),
    }
}
