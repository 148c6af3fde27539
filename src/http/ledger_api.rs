//! The ledger over HTTP: its head, tiles and entries as C2SP tlog-tiles lays them out, and in the native API the proofs.
//! Not here: what is sealed and when (`exchange::seal`), what a proof is made of (`exchange::prove`).

use super::agency_answers::time;
use super::gate::Call;
use super::problem::{self, Problem};
use super::{forms, reading};
use crate::domain::receipt::Record;
use crate::exchange::prove::{self, Proved, Shelf};
use crate::exchange::{Caller, ExchangeError, stamp};
use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Files of the ledger, for whoever reaches the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TilesOperation {
    /// The newest signed head.
    Checkpoint,
    /// Hashes of a level of the tree.
    Hashes,
    /// Entries.
    Entries,
    /// A stamped head.
    Timestamp,
}

/// The operations of the native API about the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerOperation {
    /// How it stands.
    View,
    /// A piece of evidence with its proof.
    Proof,
    /// The proof that it only grew.
    Consistency,
}

/// Levels of tiles that the format knows.
const LEVEL_MAX: u32 = 63;

/// Answers with one of the files.
///
/// # Errors
/// `NotFound` when there is no such tile, or nothing was signed yet; `Store`.
pub async fn tiles(operation: TilesOperation, call: &Call<'_>) -> Result<HttpResponse, Problem> {
    let hub = &call.node.hub;
    let shelf = match operation {
        TilesOperation::Checkpoint => {
            let head = prove::view(hub).await?.head.ok_or(ExchangeError::NotFound)?;
            let mut answer = problem::ok();
            answer.insert_header((CACHE_CONTROL, "no-cache")).content_type("text/plain; charset=utf-8");
            return Ok(answer.body(head.note));
        }
        TilesOperation::Timestamp => {
            let size: u64 = call.segment("size").parse().map_err(|_| ExchangeError::NotFound)?;
            let file = stamp::file(hub, size).await?.file();
            return Ok(problem::ok().content_type("application/json").body(file));
        }
        TilesOperation::Entries => Some(Shelf::Entries),
        TilesOperation::Hashes => {
            let level = call.segment("level");
            let number: Option<u32> = level.parse().ok();
            number.filter(|number| *number <= LEVEL_MAX && number.to_string() == level).map(Shelf::Hashes)
        }
    };
    let shelf = shelf.ok_or(ExchangeError::NotFound)?;
    let bytes = prove::tile(hub, shelf, call.segment("tile")).await?;
    // A tile of so many hashes never changes.
    let mut answer = problem::ok();
    answer.insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"));
    Ok(answer.content_type("application/octet-stream").body(bytes))
}

/// Answers one operation of the native API.
///
/// # Errors
/// Whatever keeps it from being answered as asked.
pub async fn answer(operation: LedgerOperation, call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let hub = &call.node.hub;
    match operation {
        LedgerOperation::View => {
            let view = prove::view(hub).await?;
            let head = view.head.as_ref();
            Ok(problem::ok().json(LedgerBody {
                name: &view.name,
                key: &view.key,
                size: head.map_or(0, |head| head.tree_size.unsigned_abs()),
                signed_at: head.map(|head| time(head.signed_at())),
                checkpoint: head.map(|head| head.note.as_str()),
                cosigned: view.cosigned.as_ref().map(|head| head.note.as_str()),
                witness_key: &view.witness_key,
                stamped_size: view.stamped.as_ref().map(|row| row.tree_size.unsigned_abs()),
                stamped_at: view.stamped.as_ref().map(|row| time(row.stamped_at())),
            }))
        }
        LedgerOperation::Proof => {
            let proved = prove::evidence(hub, Some(caller), call.segment("id")).await?;
            Ok(problem::ok().json(proof(&proved)))
        }
        LedgerOperation::Consistency => {
            let asked: GrowthQuestion = reading::query(call.request.query_string())?;
            let growth = prove::growth(hub, asked.from, asked.to).await?;
            let (from, to) = (growth.sizes.start, growth.sizes.end);
            Ok(problem::ok().json(GrowthBody { from, to, path: hashes(&growth.path) }))
        }
    }
}

/// What growth is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GrowthQuestion {
    /// The older size.
    #[serde(default)]
    from: u64,
    /// The newer size; that of the newest head without it.
    to: Option<u64>,
}

/// How the ledger stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Ledger")]
pub struct LedgerBody<'a> {
    /// Its name, the first line of every head.
    name: &'a str,
    /// The key under which heads are verified, as C2SP signed-note writes it. Take it once, by a way of your own.
    key: &'a str,
    /// Entries under the newest head.
    size: u64,
    /// When that head was signed; `null` before the first.
    #[schemars(schema_with = "forms::maybe_time")]
    signed_at: Option<String>,
    /// That head: a signed note.
    checkpoint: Option<&'a str>,
    /// The largest head that a witness cosigned; `null` before the first.
    cosigned: Option<&'a str>,
    /// The key under which this hub cosigns heads of other ledgers.
    witness_key: &'a str,
    /// Entries under the largest head with a time-stamp (`GET /ledger/timestamps/{size}`); `null` before the first.
    stamped_size: Option<u64>,
    /// The time that it says.
    #[schemars(schema_with = "forms::maybe_time")]
    stamped_at: Option<String>,
}

/// A piece of evidence and the proof that it stands in the ledger.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EvidenceProof")]
pub struct ProofBody<'a> {
    evidence: EvidenceBody<'a>,
    /// Its place and the proof; `null` until it is sealed, within about a second.
    sealed: Option<PlaceBody<'a>>,
    /// The time-stamp (RFC 3161) over the first three lines of the checkpoint: a token in base64; `null` while there is none.
    timestamp: Option<&'a str>,
}

/// A piece of evidence, member by member as it is sealed (docs/ledger.md).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Evidence")]
pub(super) struct EvidenceBody<'a> {
    /// Its id.
    #[schemars(schema_with = "forms::id")]
    evidence_id: &'a str,
    /// What happened.
    #[schemars(schema_with = "forms::event")]
    event: &'a str,
    /// When, by the hub's clock.
    #[schemars(schema_with = "forms::time")]
    at: String,
    /// The envelope concerned.
    envelope_id: Option<&'a str>,
    /// The delivery concerned.
    delivery_id: Option<&'a str>,
    /// The agency on whose side it happened.
    agency: Option<&'a str>,
    /// The system that acted.
    system_id: Option<&'a str>,
    /// Further facts: the text that was sealed, a JSON object.
    facts: &'a str,
}

/// Where a piece of evidence stands, and the proof.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EvidencePlace")]
struct PlaceBody<'a> {
    /// Its index.
    index: u64,
    /// What was hashed, in hexadecimal.
    entry: String,
    /// The hashes that lead from there to the root, in base64, the nearest first.
    path: Vec<String>,
    /// The signed head with that root.
    checkpoint: &'a str,
}

/// The proof that the ledger of one size grew to that of another.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Growth")]
pub struct GrowthBody {
    /// The older size.
    from: u64,
    /// The newer size.
    to: u64,
    /// The hashes that prove it, in base64, in the order of RFC 9162.
    path: Vec<String>,
}

fn hashes(path: &[[u8; 32]]) -> Vec<String> {
    path.iter().map(|hash| BASE64.encode(hash)).collect()
}

/// A piece of evidence, as everybody writes it.
pub(super) fn evidence(record: &Record) -> EvidenceBody<'_> {
    EvidenceBody {
        evidence_id: &record.evidence_id,
        event: &record.event,
        at: time(record.at),
        envelope_id: record.envelope_id.as_deref(),
        delivery_id: record.delivery_id.as_deref(),
        agency: record.agency.as_deref(),
        system_id: record.system_id.as_deref(),
        facts: &record.facts,
    }
}

/// The same with its proof.
pub fn proof(proved: &Proved) -> ProofBody<'_> {
    let sealed = proved.place.as_ref().map(|place| PlaceBody {
        index: place.index,
        entry: hex::encode(&place.entry),
        path: hashes(&place.path),
        checkpoint: &place.note,
    });
    ProofBody { evidence: evidence(&proved.evidence), sealed, timestamp: proved.timestamp.as_deref() }
}
