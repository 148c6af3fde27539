//! What callers of the native API may ask: the parameters of queries and the members of bodies. Their doc comments
//! and types are what docs/openapi.json says of them. How they are read: `reading`.

use super::forms;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use std::num::NonZeroU32;

/// Which kind of packet to list.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Document,
    Status,
}

impl Kind {
    /// Whether documents are meant.
    pub fn is_document(self) -> bool {
        match self {
            Self::Document => true,
            Self::Status => false,
        }
    }
}

/// The place in a list after which a page begins: the `next` of the page before, or nothing for the first page.
#[derive(Debug, Clone)]
pub(super) struct Cursor(pub String);

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let is_cursor = text.is_empty() || forms::is_id(&text);
        is_cursor.then_some(Self(text)).ok_or_else(|| de::Error::custom("no cursor of this hub"))
    }
}

impl JsonSchema for Cursor {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cursor".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = format!("^$|{}", forms::ID_PATTERN);
        json_schema!({ "type": "string", "pattern": pattern, "title": "con trỏ `next` của một trang trước | the `next` of a page before" })
    }
}

/// A time in a query.
pub(super) fn instant(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "type": "string", "format": "date-time" }, { "type": "string", "format": "date" }] })
}

/// What `GET /api/v1/sent` may be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SentQuestion {
    /// Only documents or only status packets.
    pub kind: Option<Kind>,
    /// Accepted at or after this time.
    #[serde(default)]
    #[schemars(schema_with = "instant")]
    pub from: Option<String>,
    /// Accepted at or before this time.
    #[serde(default)]
    #[schemars(schema_with = "instant")]
    pub until: Option<String>,
    /// Only this envelope or delivery; ignored when the caller sent nothing of that id.
    pub id: Option<String>,
    /// Rows to leave out at the start: the `next` of the page before.
    #[serde(default)]
    #[schemars(extend("maximum" = u32::MAX))]
    pub skip: u32,
    /// Most rows of the page; `lists.page_max` without it and at most.
    #[schemars(extend("maximum" = u32::MAX))]
    pub limit: Option<NonZeroU32>,
}

/// What `GET /api/v1/mailbox` may be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MailboxQuestion {
    /// Only documents or only status packets.
    pub kind: Option<Kind>,
    /// Only what stands behind this delivery: the `next` of the page before.
    pub after: Option<Cursor>,
    /// Most rows of the page; `lists.page_max` without it and at most.
    #[schemars(extend("maximum" = u32::MAX))]
    pub limit: Option<NonZeroU32>,
    /// Seconds to wait while there is nothing: with `If-None-Match` nothing new, else nothing at all;
    /// `lists.wait_seconds_max` at most.
    #[serde(default)]
    #[schemars(extend("maximum" = u32::MAX))]
    pub wait: u32,
}

/// What the history of a document may be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuestion {
    /// Only what stands behind this one: the `next` of the page before.
    pub after: Option<Cursor>,
    /// Most rows of the page; `lists.page_max` without it and at most.
    #[schemars(extend("maximum" = u32::MAX))]
    pub limit: Option<NonZeroU32>,
}

/// What `GET /api/v1/agencies` may be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgenciesQuestion {
    /// Only agencies whose code stands behind this one: the `next` of the page before.
    pub after: Option<String>,
    /// Only what changed after this version of the directory, in the order of versions: the `next` of the page before,
    /// or the `version` of the last page of the time before. Not together with `after`.
    pub since: Option<u64>,
    /// Most rows of the page; `lists.page_max` without it and at most.
    #[schemars(extend("maximum" = u32::MAX))]
    pub limit: Option<NonZeroU32>,
}

/// What may be confirmed: everything but that nothing was said yet.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConfirmedStatus {
    Processing,
    Done,
    Fail,
}

/// How far the receiving software is with a packet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    /// `processing`; `done`, which is final; `fail`: it could not be stored, and stays in the list.
    pub status: ConfirmedStatus,
    /// A word for people, cut at 500 characters and kept in the evidence.
    #[serde(default)]
    pub note: String,
}
