//! Archives, below `/api/v1/admin`: asking for one, looking how far it is, fetching it. The command line calls the same use
//! cases.

use super::admin_api::body as said;
use super::agency_answers::{Page, time};
use super::agency_api::page_limit;
use super::agency_questions::{HistoryQuestion, Kind};
use super::gate::{Call, watched};
use super::problem::{self, Problem};
use super::{forms, reading};
use crate::exchange::ExchangeError;
use crate::exchange::act::By;
use crate::exchange::archive::{self, ArchiveRow, Request, Selection};
use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::CONTENT_DISPOSITION;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The operations about archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveOperation {
    /// Ask for one.
    Ask,
    /// List them.
    List,
    /// Look at one.
    Look,
    /// Fetch its file.
    Fetch,
}

/// Answers one operation of a caller who may.
pub(super) async fn answer(operation: ArchiveOperation, mut call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    match operation {
        ArchiveOperation::Ask => {
            let wanted: ArchiveSaid = said(&mut call).await?;
            let hub = &call.node.hub;
            let row = match &wanted.like {
                Some(before) => archive::ask_again(hub, by, before).await?,
                None => archive::ask(hub, by, wanted.into()).await?,
            };
            Ok(problem::created().json(body(&row)?))
        }
        ArchiveOperation::List => {
            let asked: HistoryQuestion = reading::query(call.request.query_string())?;
            let limit = page_limit(&call, asked.limit);
            let before = asked.after.map(|cursor| cursor.0).unwrap_or_default();
            let rows = archive::list(&call.node.hub, before, limit).await?;
            let next = rows.last().filter(|_| rows.len() >= limit).map(|row| row.archive_id.clone());
            let items = rows.iter().map(body).collect::<Result<Vec<_>, _>>()?;
            Ok(problem::ok().json(Page { items, next }))
        }
        ArchiveOperation::Look => {
            let row = archive::archive(&call.node.hub, call.segment("id")).await?;
            Ok(problem::ok().json(body(&row)?))
        }
        ArchiveOperation::Fetch => {
            let (row, file) = archive::take(&call.node.hub, by, call.segment("id")).await?;
            let content = watched(archive::stream(file), call.request_id);
            let name = format!("attachment; filename=\"{}.zip\"", row.archive_id);
            let mut answer = problem::ok();
            answer.content_type("application/vnd.etsi.asic-e+zip").insert_header((CONTENT_DISPOSITION, name));
            answer.insert_header(("Docaxis-Sha256", row.sha256));
            Ok(answer.body(SizedStream::new(row.bytes.unsigned_abs(), content)))
        }
    }
}

/// What is wanted in an archive.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ArchiveSaid {
    /// What this agency sent and was sent, by code or alias; without it, everything.
    agency: Option<String>,
    /// First day, `yyyy-MM-dd`.
    #[serde(default)]
    #[schemars(schema_with = "forms::maybe_day")]
    from: Option<String>,
    /// Last day, `yyyy-MM-dd`.
    #[serde(default)]
    #[schemars(schema_with = "forms::maybe_day")]
    until: Option<String>,
    /// Only packets of this kind.
    kind: Option<Kind>,
    /// Only packets about the document of this identifier.
    document_id: Option<String>,
    /// Whether the packets themselves are in it.
    #[serde(default)]
    packets: bool,
    /// An earlier archive: its selection and cut-off once more, whatever else is said; the same bytes.
    like: Option<String>,
}

impl From<ArchiveSaid> for Selection {
    fn from(said: ArchiveSaid) -> Self {
        Self {
            agency: said.agency,
            from: said.from.unwrap_or_default(),
            until: said.until.unwrap_or_default(),
            documents: said.kind.map(Kind::is_document),
            document_id: said.document_id,
            packets: said.packets,
            ..Self::default()
        }
    }
}

/// An archive and how far it is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Archive")]
pub struct ArchiveBody<'a> {
    /// Its id.
    #[schemars(schema_with = "forms::id")]
    archive_id: &'a str,
    /// Who asked: a system, a user, or `operator`.
    asked_by: &'a str,
    /// When.
    #[schemars(schema_with = "forms::time")]
    asked_at: String,
    /// Code of the agency; `null` for everything.
    agency: Option<String>,
    /// First day.
    from: String,
    /// Last day.
    until: String,
    /// Only documents (`true`) or only status packets.
    documents: Option<bool>,
    /// Only packets about this document.
    document_id: Option<String>,
    /// Whether the packets are in it.
    packets: bool,
    /// Entries of the ledger at the cut-off: what was sealed later is not in it.
    tree_size: i64,
    /// `waiting`, `running`, `done` or `failed`; `destroyed`, with a content in it whose time was over.
    state: &'a str,
    /// Packets that are in it so far.
    done: i64,
    /// Size of the file, once it is done.
    bytes: i64,
    /// SHA-256 of the file, once it is done; else empty.
    sha256: &'a str,
    /// Why it failed; else empty.
    reason: &'a str,
    /// When it was done, or failed.
    #[schemars(schema_with = "forms::maybe_time")]
    finished_at: Option<String>,
    /// When it was destroyed.
    #[schemars(schema_with = "forms::maybe_time")]
    destroyed_at: Option<String>,
    /// Where the file is, once it is done and unless it was destroyed.
    content: Option<String>,
}

/// An archive, as everybody writes it.
///
/// # Errors
/// `Store` for a request of another version.
pub fn body(row: &ArchiveRow) -> Result<ArchiveBody<'_>, ExchangeError> {
    let request = Request::of(row)?;
    Ok(ArchiveBody {
        archive_id: &row.archive_id,
        asked_by: &row.asked_by,
        asked_at: time(row.asked_at()),
        agency: request.selection.agency,
        from: request.selection.from,
        until: request.selection.until,
        documents: request.selection.documents,
        document_id: request.selection.document_id,
        packets: request.selection.packets,
        tree_size: request.tree_size,
        state: row.standing(),
        done: row.done,
        bytes: row.bytes,
        sha256: &row.sha256,
        reason: &row.reason,
        finished_at: row.finished_at().map(time),
        destroyed_at: row.destroyed_at().map(time),
        content: (row.standing() == "done").then(|| format!("/api/v1/admin/archives/{}/content", row.archive_id)),
    })
}
