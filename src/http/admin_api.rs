//! Administration below `/api/v1/admin`: the directory, systems and their keys, for systems with that role. The command
//! line calls the same use cases.

use super::admin_answers::{self as answers, All, RevokedKeyBody};
use super::archive_api::{self, ArchiveOperation};
use super::gate::{Call, Node};
use super::problem::{self, Problem};
use super::purge_api::{self, PurgeOperation};
use super::push_admin::{self, PushOperation};
use super::reading;
use super::relay_api::{self, RelayOperation};
use super::webhook_api::{self, WebhookOperation};
use crate::domain::agency::AgencyState;
use crate::domain::directory::fault;
use crate::domain::directory::{Codes, Column};
use crate::domain::rules::Wording;
use crate::domain::system::Role;
use crate::exchange::act::By;
use crate::exchange::agency_file::{self, Format};
use crate::exchange::directory::{self, AgencyLine};
use crate::exchange::import::{self, Imported, Mode};
use crate::exchange::systems::{self, NewSystem, SystemLine};
use crate::exchange::{Caller, ExchangeError, keys};
use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The operations of administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminOperation {
    /// Every agency as a file.
    Export,
    /// Import a file of agencies.
    Import,
    /// Look at an agency.
    Agency,
    /// Register or change an agency.
    PutAgency,
    /// Close an agency.
    CloseAgency,
    /// List systems.
    Systems,
    /// Look at a system.
    System,
    /// Make or rename a system.
    PutSystem,
    /// Suspend a system.
    Suspend,
    /// Let a suspended system go on.
    Resume,
    /// Let a system hold an agency.
    Hold,
    /// Let it hold that agency no more.
    Release,
    /// Say from where a system may call.
    Addresses,
    /// List the keys of a system.
    Keys,
    /// Make a key.
    AddKey,
    /// End a key.
    RevokeKey,
    /// What the hub brings by itself.
    Push(PushOperation),
    /// Of what a system is told.
    Webhook(WebhookOperation),
    /// Neighbouring hubs.
    Relay(RelayOperation),
    /// Archives.
    Archive(ArchiveOperation),
    /// What is destroyed, and what is held.
    Purge(PurgeOperation),
}

/// Answers one operation.
///
/// # Errors
/// `NotAllowed` for a caller without the role, and whatever keeps it from being answered as asked.
pub async fn answer(operation: AdminOperation, call: Call<'_>, caller: Caller) -> Result<HttpResponse, Problem> {
    if !caller.is_administrator() {
        return Err(Problem::Exchange(ExchangeError::NotAllowed(Wording::new(
            "Chỉ hệ thống có vai trò administration được quản trị",
            "Only systems with the role administration may administer",
        ))));
    }
    let by = By::caller(&caller);
    let hub = &call.node.hub;
    let id = call.segment("id");
    match operation {
        AdminOperation::Export => export(call).await,
        AdminOperation::Import => import(call, &by).await,
        AdminOperation::Agency => agency(&call).await,
        AdminOperation::PutAgency => put_agency(call, &by).await,
        AdminOperation::CloseAgency => close_agency(call, &by).await,
        AdminOperation::Systems => {
            let lines = systems::systems(hub).await?;
            Ok(problem::ok().json(All { items: lines.iter().map(answers::system).collect() }))
        }
        AdminOperation::System => Ok(system(&systems::system(hub, id).await?)),
        AdminOperation::PutSystem => put_system(call, &by).await,
        AdminOperation::Suspend => Ok(system(&systems::suspend(hub, &by, id, true).await?)),
        AdminOperation::Resume => Ok(system(&systems::suspend(hub, &by, id, false).await?)),
        AdminOperation::Hold => Ok(system(&systems::hold(hub, &by, id, call.segment("code")).await?)),
        AdminOperation::Release => Ok(system(&systems::release(hub, &by, id, call.segment("code")).await?)),
        AdminOperation::Addresses => addresses(call, &by).await,
        AdminOperation::Keys => {
            let line = systems::system(hub, id).await?;
            Ok(problem::ok().json(All { items: line.keys.iter().map(answers::key).collect() }))
        }
        AdminOperation::AddKey => add_key(call, &by).await,
        AdminOperation::Push(operation) => push_admin::answer(operation, call, &by).await,
        AdminOperation::Archive(operation) => archive_api::answer(operation, call, &by).await,
        AdminOperation::Purge(operation) => purge_api::answer(operation, call, &by).await,
        AdminOperation::Relay(operation) => relay_api::answer(operation, call, &by).await,
        AdminOperation::Webhook(operation) => {
            let system = id.to_owned();
            webhook_api::answer(operation, call, (&system, &by)).await
        }
        AdminOperation::RevokeKey => {
            keys::revoke_key(hub, &by, id).await?;
            Ok(problem::ok().json(RevokedKeyBody { key_id: id, state: "revoked" }))
        }
    }
}

fn system(line: &SystemLine) -> HttpResponse {
    problem::ok().json(answers::system(line))
}

/// The body as JSON; an empty one says nothing, as `{}` does.
pub(super) async fn body<T: DeserializeOwned + JsonSchema>(call: &mut Call<'_>) -> Result<T, Problem> {
    let bytes = call.body.whole().await?;
    reading::json(if bytes.is_empty() { b"{}" } else { &bytes })
}

/// The form of an exported file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FileFormat {
    Csv,
    Json,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportQuestion {
    /// The form of the file; JSON without it.
    format: Option<FileFormat>,
}

async fn export(call: Call<'_>) -> Result<HttpResponse, Problem> {
    let asked: ExportQuestion = reading::query(call.request.query_string())?;
    let (format, content_type) = match asked.format {
        Some(FileFormat::Csv) => (Format::Csv, "text/csv; charset=utf-8"),
        Some(FileFormat::Json) | None => (Format::Json, "application/json"),
    };
    // The first page is read before the head leaves, so that a dead database is a proper failure.
    let first = call.node.agencies_after("").await?;
    let request_id = call.request_id.to_owned();
    let rows = file(call.node.clone(), format, first).inspect_err(move |error| {
        log::error!(target: "http", "request.id" = request_id.as_str(); "An export broke off: {}", super::sentence::chain(error));
    });
    Ok(problem::ok().insert_header((CONTENT_TYPE, content_type)).streaming(rows.boxed_local()))
}

/// The directory as a file, page by page. An error breaks the stream rather than ending the file.
fn file(node: Node, format: Format, first: Vec<AgencyLine>) -> impl Stream<Item = Result<Bytes, ExchangeError>> {
    let head = stream::once(std::future::ready(Ok(Bytes::from(agency_file::head(format)))));
    let pages = stream::try_unfold((node, first, true), move |(node, page, is_first)| async move {
        let Some(last) = page.last().map(|line| line.agency.code.0.clone()) else { return Ok(None) };
        let first_of = |at: usize| is_first && at == 0;
        let rows = page.into_iter().enumerate();
        let text: String = rows.map(|(at, line)| agency_file::row(&line.listing(), format, first_of(at))).collect();
        let next = node.agencies_after(&last).await?;
        Ok(Some((Bytes::from(text), (node, next, false))))
    });
    let tail = stream::once(std::future::ready(Ok(Bytes::from_static(agency_file::tail(format).as_bytes()))));
    head.chain(pages).chain(tail)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportQuestion {
    /// Change nothing; say what would change.
    #[serde(default)]
    dry_run: bool,
    /// Give codes that another agency gave up a while ago to those that the file names.
    #[serde(default)]
    move_codes: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgencyQuestion {
    /// Give codes that another agency gave up a while ago to this one.
    #[serde(default)]
    move_codes: bool,
}

/// Whether codes that rest move: software says so by a word of its own.
fn codes(move_codes: bool) -> Codes {
    if move_codes { Codes::Move } else { Codes::Rest }
}

async fn import(call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let asked: ImportQuestion = reading::query(call.request.query_string())?;
    let hub = &call.node.hub;
    call.body.allow(hub.config.directory.import_bytes_max);
    let bytes = call.body.whole().await?;
    let format = Format::of_bytes(&bytes);
    let mode = if asked.dry_run { Mode::DryRun } else { Mode::Apply };
    match import::import(hub, by, (bytes, format), (mode, codes(asked.move_codes)), import::silent()).await? {
        Imported::Refused(faults) => Err(Problem::Exchange(ExchangeError::Faulty(faults))),
        Imported::Planned { planned, version } => {
            Ok(problem::ok().json(answers::imported(&planned, version, asked.dry_run)))
        }
    }
}

async fn agency(call: &Call<'_>) -> Result<HttpResponse, Problem> {
    let line = directory::agency(&call.node.hub, call.segment("code")).await?;
    shown(call, &line).await
}

async fn shown(call: &Call<'_>, line: &AgencyLine) -> Result<HttpResponse, Problem> {
    let holders = directory::holders(&call.node.hub, line.agency.code.as_str()).await?;
    Ok(problem::ok().json(answers::held_agency(line, &holders)))
}

async fn put_agency(call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let asked: AgencyQuestion = reading::query(call.request.query_string())?;
    let bytes = call.body.whole().await?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| Problem::Malformed(reading::broken(&error)))?;
    if reading::has_nul(&value) {
        return Err(problem::nul());
    }
    let code = call.segment("code").to_owned();
    let mut faults = Vec::new();
    let entry = agency_file::json_entry(0, value, &mut faults);
    if entry.text(Column::Code).is_some_and(|said| !said.eq_ignore_ascii_case(&code)) {
        faults.push(fault::CODE_MALFORMED.at(0, Column::Code, &[entry.text(Column::Code).unwrap_or_default()]));
    }
    if !faults.is_empty() {
        return Err(Problem::Exchange(ExchangeError::Faulty(faults)));
    }
    let entry = entry.with(Column::Code, code);
    let line = directory::put_agency(&call.node.hub, by, entry, codes(asked.move_codes)).await?;
    shown(&call, &line).await
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Closing {
    /// Code or alias of who took over.
    successor: Option<String>,
}

async fn close_agency(mut call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let said: Closing = body(&mut call).await?;
    let (hub, code) = (&call.node.hub, call.segment("code"));
    directory::set_agency_state(hub, by, code, AgencyState::Closed, said.successor.as_deref()).await?;
    agency(&call).await
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoleWord {
    Exchange,
    Administration,
    Hub,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SystemSaid {
    /// Its name.
    name: String,
    /// What it is for, chosen when it is made: `exchange` without it.
    role: Option<RoleWord>,
    /// Codes or aliases of agencies that it holds from now on, besides those that it holds already.
    #[serde(default)]
    agencies: Vec<String>,
}

async fn put_system(mut call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let said: SystemSaid = body(&mut call).await?;
    let role = said.role.map(|word| match word {
        RoleWord::Exchange => Role::Exchange,
        RoleWord::Administration => Role::Administration,
        RoleWord::Hub => Role::Hub,
    });
    let (name, agencies) = (said.name, said.agencies);
    let new = NewSystem { system_id: call.segment("id").to_owned(), name, role, agencies };
    Ok(system(&systems::put_system(&call.node.hub, by, new).await?))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddressesSaid {
    /// Addresses and ranges such as `10.1.0.0/16`; none means from everywhere.
    addresses: Vec<String>,
}

async fn addresses(mut call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let said: AddressesSaid = body(&mut call).await?;
    let set = systems::set_addresses(&call.node.hub, by, call.segment("id"), &said.addresses).await?;
    Ok(system(&set))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeySaid {
    /// Days after which it ends by itself; 0 means never, `keys.life_days` without it.
    life_days: Option<u64>,
}

async fn add_key(mut call: Call<'_>, by: &By) -> Result<HttpResponse, Problem> {
    let said: KeySaid = body(&mut call).await?;
    let key = keys::add_key(&call.node.hub, by, call.segment("id"), said.life_days).await?;
    // Shown this once: nobody on the way may keep it.
    Ok(problem::created().insert_header((CACHE_CONTROL, "no-store")).json(answers::new_key(&key)))
}
