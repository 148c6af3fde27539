//! What administration is told, in JSON: agencies with their holders, imports, systems, keys.

use super::agency_answers::{AgencyBody, agency, time};
use super::forms;
use crate::domain::directory::{Change, Column, Planned};
use crate::exchange::directory::AgencyLine;
use crate::exchange::import::{Counts, counts};
use crate::exchange::keys::{KeyLine, NewKey};
use crate::exchange::systems::SystemLine;
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::Serialize;
use std::collections::BTreeMap;

/// An agency and who holds it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HeldAgency")]
pub struct HeldAgencyBody<'a> {
    /// The agency.
    #[serde(flatten)]
    agency: AgencyBody<'a>,
    /// Systems that hold it.
    holders: &'a [String],
}

/// An agency as administration sees it.
pub fn held_agency<'a>(line: &'a AgencyLine, holders: &'a [String]) -> HeldAgencyBody<'a> {
    HeldAgencyBody { agency: agency(line), holders }
}

/// All of a short list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AllOf{T}")]
pub struct All<T> {
    /// The rows.
    pub items: Vec<T>,
}

/// What an import changed, or would change.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Import")]
pub struct ImportBody<'a> {
    /// Whether nothing was changed because only the question was asked.
    dry_run: bool,
    /// The version of the directory.
    version: i64,
    /// How many.
    counts: CountsBody,
    /// Each of them.
    changes: Vec<ChangeBody<'a>>,
}

/// How many entries of an import change what.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ImportCounts")]
struct CountsBody {
    /// New agencies.
    added: usize,
    /// Changed ones.
    changed: usize,
    /// Closed ones.
    closed: usize,
    /// Closed ones that take part again.
    reopened: usize,
    /// Entries that say what is so already.
    unchanged: usize,
}

/// What becomes of one agency.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AgencyChange")]
struct ChangeBody<'a> {
    /// `added`, `changed`, `closed` or `reopened`.
    change: &'static str,
    /// Which agency.
    code: &'a str,
    /// What differs, by column.
    columns: BTreeMap<&'static str, DifferenceBody>,
}

/// What a column said and will say.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Difference")]
struct DifferenceBody {
    /// Before.
    old: String,
    /// After.
    new: String,
}

/// What an import changed, or would change.
pub fn imported(planned: &Planned, version: i64, is_dry_run: bool) -> ImportBody<'_> {
    let Counts { added, changed, closed, reopened, unchanged } = counts(planned);
    let counts = CountsBody { added, changed, closed, reopened, unchanged };
    ImportBody { dry_run: is_dry_run, version, counts, changes: planned.changes.iter().map(change).collect() }
}

fn change(change: &Change) -> ChangeBody<'_> {
    let of = |(column, old, new): (Column, String, String)| (column.name(), DifferenceBody { old, new });
    let columns = change.differences().into_iter().map(of).collect();
    ChangeBody { change: change.kind().word(), code: change.after.agency.code.as_str(), columns }
}

/// A system.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "System")]
pub struct SystemBody<'a> {
    /// Its id.
    id: &'a str,
    /// Its name.
    name: &'a str,
    /// What it is for.
    #[schemars(schema_with = "forms::role")]
    role: &'static str,
    /// Since when none of its keys opens anything.
    #[schemars(schema_with = "forms::maybe_time")]
    suspended_at: Option<String>,
    /// Codes of the agencies that it holds.
    agencies: &'a [String],
    /// From where it may call; from everywhere when empty.
    addresses: &'a [String],
    /// Its keys, newest first.
    keys: Vec<KeyBody<'a>>,
}

/// A key without its secret.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub struct KeyBody<'a> {
    /// Its id.
    key_id: &'a str,
    /// When it was made.
    #[schemars(schema_with = "forms::time")]
    created_at: String,
    /// When it ends by itself.
    #[schemars(schema_with = "forms::maybe_time")]
    expires_at: Option<String>,
    /// When it was revoked.
    #[schemars(schema_with = "forms::maybe_time")]
    revoked_at: Option<String>,
    /// When it was last used, to the minute or so.
    #[schemars(schema_with = "forms::maybe_time")]
    last_used_at: Option<String>,
}

/// A system as administration sees it.
pub fn system(line: &SystemLine) -> SystemBody<'_> {
    SystemBody {
        id: &line.system_id,
        name: &line.name,
        role: line.role.word(),
        suspended_at: line.suspended_at.map(time),
        agencies: &line.agencies,
        addresses: &line.addresses,
        keys: line.keys.iter().map(key).collect(),
    }
}

/// A key as administration sees it.
pub fn key(line: &KeyLine) -> KeyBody<'_> {
    KeyBody {
        key_id: &line.key_id,
        created_at: time(line.created_at),
        expires_at: line.expires_at.map(time),
        revoked_at: line.revoked_at.map(time),
        last_used_at: line.last_used_at.map(time),
    }
}

/// A new key with its secret.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NewKey")]
pub struct NewKeyBody<'a> {
    /// Its id: the first half of the bearer token.
    key_id: &'a str,
    /// The secret, shown this once: the SDK's secret string, and the second half of the bearer token.
    secret: &'a str,
    /// When it ends by itself.
    #[schemars(schema_with = "forms::maybe_time")]
    expires_at: Option<String>,
}

/// A key that was revoked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RevokedKey")]
pub struct RevokedKeyBody<'a> {
    /// Its id.
    pub key_id: &'a str,
    /// `revoked`.
    pub state: &'static str,
}

/// A new key: the only answer that holds its secret.
pub fn new_key(key: &NewKey) -> NewKeyBody<'_> {
    NewKeyBody { key_id: &key.key_id, secret: key.secret.expose_secret(), expires_at: key.expires_at.map(time) }
}
