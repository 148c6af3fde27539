//! The native API as a small DMS uses it: four requests (docs/api.md).

use super::robot::{Answer, Kind, plain};
use anyhow::{Context, bail};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

/// A caller of `/api/v1`.
#[derive(Debug)]
pub struct Native {
    client: Client,
    url: String,
    token: String,
}

impl Native {
    pub fn new(client: Client, url: &str, token: &str) -> Self {
        Self { client, url: format!("{url}/api/v1"), token: token.to_owned() }
    }

    pub async fn send(&self, packet: &str) -> anyhow::Result<Answer> {
        let request = self.client.post(format!("{}/envelopes", self.url)).header("Content-Type", "application/xml");
        let response = self.ask(request.body(packet.to_owned())).await?;
        let accepted = response.status().is_success();
        let answer: Value = response.json().await.map_err(plain)?;
        if accepted {
            let id = text(&answer, "/envelope_id");
            return Ok(Answer { id, code: "0".to_owned(), words: text(&answer, "/verdict") });
        }
        Ok(Answer { id: String::new(), code: text(&answer, "/violations/0/class"), words: text(&answer, "/title") })
    }

    pub async fn waiting(&self, kind: Kind) -> anyhow::Result<Vec<String>> {
        let kind = match kind {
            Kind::Document => "document",
            Kind::Status => "status",
        };
        let request = self.client.get(format!("{}/mailbox?kind={kind}", self.url));
        let answer: Value = ok(self.ask(request).await?).await?.json().await.map_err(plain)?;
        let items = answer.get("items").and_then(Value::as_array).context("mailbox: items is no list")?;
        Ok(items.iter().map(|item| text(item, "/delivery_id")).collect())
    }

    pub async fn fetch(&self, id: &str) -> anyhow::Result<Vec<u8>> {
        let request = self.client.get(format!("{}/deliveries/{id}/content", self.url));
        Ok(ok(self.ask(request).await?).await?.bytes().await.map_err(plain)?.to_vec())
    }

    pub async fn confirm(&self, id: &str) -> anyhow::Result<()> {
        let request = self.client.post(format!("{}/deliveries/{id}/confirm", self.url));
        ok(self.ask(request.json(&serde_json::json!({ "status": "done" }))).await?).await?;
        Ok(())
    }

    async fn ask(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        request.bearer_auth(&self.token).send().await.map_err(plain)
    }
}

/// The response, unless it is a refusal.
async fn ok(response: Response) -> anyhow::Result<Response> {
    let status = response.status();
    match status.is_success() {
        true => Ok(response),
        false => bail!("{status} {}", response.text().await.map_err(plain)?),
    }
}

/// A member as text, by its JSON pointer.
fn text(answer: &Value, pointer: &str) -> String {
    match answer.pointer(pointer) {
        Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        None => String::new(),
    }
}
