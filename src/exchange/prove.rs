//! The ledger shown to others: its signed head, its tiles and entries for everybody, and for the parties to an event the
//! proof that its evidence stands in the ledger. Nothing here changes anything.

use super::attest::record;
use super::viewer::Viewer;
use super::{Caller, ExchangeError, history, seal, witness};
use crate::domain::receipt::Record;
use crate::domain::rules::Wording;
use crate::hub::Hub;
use crate::proof::entry;
use crate::proof::merkle::{self, Hash};
use crate::proof::tile::{self, Subtrees, Tile, WIDTH};
use crate::signer::timestamp;
use crate::store::evidence;
use crate::store::ledger::{self, CheckpointRow, EntryRow};
use crate::store::timestamps::{self, TimestampRow};
use crate::store::{Connection, StoreError, witnesses};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

/// How the ledger stands.
#[derive(Debug, Clone)]
pub struct LedgerView {
    /// Its name.
    pub name: String,
    /// The key under which its heads are verified.
    pub key: String,
    /// The key under which this hub cosigns heads of others.
    pub witness_key: String,
    /// Its newest head, with what witnesses put under it; nothing before the first round.
    pub head: Option<CheckpointRow>,
    /// The largest head that a witness cosigned, likewise.
    pub cosigned: Option<CheckpointRow>,
    /// The newest time-stamp.
    pub stamped: Option<TimestampRow>,
}

/// How the ledger stands.
///
/// # Errors
/// `Store`.
pub async fn view(hub: &Hub) -> Result<LedgerView, ExchangeError> {
    let key = seal::keys(hub).first().map(ToString::to_string).unwrap_or_default();
    let witness_key = witness::own_key(hub).of_witness();
    let heads = hub.store.read(|tx| {
        let (head, cosigned) = (ledger::head(tx)?, witnesses::cosigned_head(tx)?);
        let head = head.map(|head| with_lines(tx, head)).transpose()?;
        let cosigned = cosigned.map(|head| with_lines(tx, head)).transpose()?;
        Ok((head, cosigned, timestamps::list_before(tx, i64::MAX, 1)?.pop()))
    });
    let (head, cosigned, stamped) = heads.await?;
    Ok(LedgerView { name: hub.config.ledger.name.clone(), key, witness_key, head, cosigned, stamped })
}

/// A head with what witnesses put under it.
fn with_lines(tx: &mut Connection, mut head: CheckpointRow) -> Result<CheckpointRow, StoreError> {
    head.note.push_str(&witnesses::lines(tx, head.tree_size)?);
    Ok(head)
}

/// What of the tree is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Entries.
    Entries,
    /// Hashes of a level.
    Hashes(u32),
}

/// The hashes or entries of a tile, named by its path.
///
/// # Errors
/// `NotFound` when there is no such tile, or it is not that wide; `Store`.
pub async fn tile(hub: &Hub, shelf: Shelf, path: &str) -> Result<Vec<u8>, ExchangeError> {
    let (number, width) = tile::asked(path).ok_or(ExchangeError::NotFound)?;
    let found = hub.store.read(move |tx| match shelf {
        Shelf::Hashes(level) => {
            let hashes = seal::read_tile(tx, Tile { level, number })?;
            Ok(hashes.and_then(|hashes| Some(hashes.get(..width.checked_mul(32)?)?.to_vec())))
        }
        Shelf::Entries => {
            let first = seal::signed(number).saturating_mul(super::rows(WIDTH));
            let entries = ledger::entries(tx, first..first.saturating_add(super::rows(width)))?;
            let whole = entries.len() == width;
            Ok(whole.then(|| entry::bundle(entries.iter().map(|row| row.entry.as_slice()))))
        }
    });
    found.await?.ok_or(ExchangeError::NotFound)
}

/// A piece of evidence and, once it is sealed, the proof of it.
#[derive(Debug, Clone)]
pub struct Proved {
    /// The evidence.
    pub evidence: Record,
    /// Where it stands, and the proof.
    pub place: Option<Place>,
    /// The time-stamp over the head, in base64.
    pub timestamp: Option<String>,
}

/// See `Proved`.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its index.
    pub index: u64,
    /// What was hashed for it.
    pub entry: Vec<u8>,
    /// The hashes that lead from it to the root.
    pub path: Vec<Hash>,
    /// The head with that root.
    pub note: String,
}

/// Proves that a piece of evidence is in the ledger, to a system that may see it, or to the operator.
///
/// # Errors
/// `NotFound` unless there is such evidence and the caller may see it; `Store`.
pub async fn evidence(hub: &Hub, caller: Option<&Caller>, evidence_id: &str) -> Result<Proved, ExchangeError> {
    let (viewer, evidence_id) = (Viewer::of_caller(caller), evidence_id.to_owned());
    let found = hub.store.read(move |tx| {
        let Some(evidence) = evidence::find(tx, &evidence_id)? else { return Ok(None) };
        if !history::may_see(tx, &viewer, &evidence)? {
            return Ok(None);
        }
        let (mut places, head) = places(tx, &[&evidence_id])?;
        let timestamp = head.and_then(|head| head.timestamp);
        Ok(Some(Proved { place: places.remove(&evidence_id), evidence: record(&evidence), timestamp }))
    });
    found.await?.ok_or(ExchangeError::NotFound)
}

/// The head to which a proof leads.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// Its note, with what witnesses put under it.
    pub(super) note: String,
    /// The time-stamp over it, in base64.
    pub(super) timestamp: Option<String>,
}

/// The head that proves most of entries up to an index: the first one that was stamped, since the time that it says is the nearest
/// to theirs, unless it lacks a cosignature that a later one has; then the largest cosigned one; else the newest.
fn best(tx: &mut Connection, last: i64) -> Result<Option<CheckpointRow>, StoreError> {
    let cosigned = witnesses::cosigned_head(tx)?.filter(|head| head.tree_size > last);
    match (timestamps::head_beyond(tx, last)?, cosigned) {
        (Some(head), None) => Ok(Some(head)),
        (Some(head), Some(_)) if !witnesses::lines(tx, head.tree_size)?.is_empty() => Ok(Some(head)),
        (_, Some(head)) => Ok(Some(head)),
        (None, None) => ledger::head(tx),
    }
}

/// Where pieces of evidence stand, by their ids, as far as they are sealed; and the head that all of it leads to.
pub(super) fn places(
    tx: &mut Connection,
    evidence_ids: &[&str],
) -> Result<(HashMap<String, Place>, Option<Head>), StoreError> {
    let entries = ledger::entries_of(tx, evidence_ids)?;
    let last = entries.iter().map(|entry| entry.ledger_index).max().unwrap_or(i64::MAX);
    let Some(head) = best(tx, last)? else { return Ok(Default::default()) };
    let CheckpointRow { tree_size, note, .. } = with_lines(tx, head)?;
    let places = placed(tx, entries, (tree_size, &note))?;
    let timestamp = timestamps::find(tx, tree_size)?.map(|row| timestamp::text(&row.token));
    Ok((places, Some(Head { note, timestamp })))
}

/// Where pieces of evidence stand in the tree of a size, whose signed head is given.
pub(super) fn places_under(
    tx: &mut Connection,
    evidence_ids: &[&str],
    head: (i64, &str),
) -> Result<HashMap<String, Place>, StoreError> {
    let entries = ledger::entries_of(tx, evidence_ids)?;
    placed(tx, entries, head)
}

/// The head that cuts an export off, with what witnesses put under it, and whether it is stamped: of those that were signed when
/// what is exported was settled, the largest one that was stamped lately, unless it lacks a cosignature that another one has; else
/// the largest cosigned one; else the newest.
pub(super) fn cut_off(
    tx: &mut Connection,
    (settled, lately): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<(CheckpointRow, bool)>, StoreError> {
    let cosigned = witnesses::cosigned_head(tx)?.filter(|head| head.signed_at() >= settled);
    if let Some(row) = timestamps::list_before(tx, i64::MAX, 1)?.pop()
        && let Some(head) = ledger::heads_within(tx, row.tree_size.saturating_sub(1), row.tree_size)?.pop()
        && head.signed_at() >= settled.max(lately)
        && (cosigned.is_none() || !witnesses::lines(tx, row.tree_size)?.is_empty())
    {
        return Ok(Some((with_lines(tx, head)?, true)));
    }
    let head = match cosigned {
        Some(head) => Some(head),
        None => ledger::head(tx)?,
    };
    head.map(|head| Ok((with_lines(tx, head)?, false))).transpose()
}

fn placed(
    tx: &mut Connection,
    entries: Vec<EntryRow>,
    (size, note): (i64, &str),
) -> Result<HashMap<String, Place>, StoreError> {
    let (mut places, mut tiles) = (HashMap::new(), HashMap::new());
    for EntryRow { ledger_index, evidence_id, entry } in entries {
        let index = ledger_index.unsigned_abs();
        // What was sealed since the head was read waits for the next one.
        let Some(parts) = merkle::inclusion(index, size.unsigned_abs()) else { continue };
        let path = hashes(tx, &mut tiles, parts)?;
        places.insert(evidence_id, Place { index, entry, path, note: note.to_owned() });
    }
    Ok(places)
}

/// That the ledger grew from one size to another.
#[derive(Debug, Clone)]
pub struct Growth {
    /// The sizes.
    pub sizes: Range<u64>,
    /// The hashes that prove it.
    pub path: Vec<Hash>,
}

/// Proves that the ledger of one size is what that of another size grew from; the newest one, if none is named.
///
/// # Errors
/// `Malformed` when it was never that large, or the sizes are the wrong way round; `Store`.
pub async fn growth(hub: &Hub, from: u64, to: Option<u64>) -> Result<Growth, ExchangeError> {
    let found = hub.store.read(move |tx| {
        let newest = ledger::head(tx)?.map_or(0, |head| head.tree_size.unsigned_abs());
        let to = to.unwrap_or(newest);
        let Some(parts) = merkle::consistency(from, to).filter(|_| to <= newest) else { return Ok(None) };
        Ok(Some(Growth { sizes: from..to, path: hashes(tx, &mut HashMap::new(), parts)? }))
    });
    let wrong = || Wording {
        vi: "from không được lớn hơn to, và to không được lớn hơn sổ cái".to_owned(),
        en: "from must not exceed to, and to must not exceed the ledger".to_owned(),
    };
    found.await?.ok_or_else(|| ExchangeError::Malformed(wrong()))
}

/// The hashes of parts of the tree; each tile is read and hashed once.
fn hashes(
    tx: &mut Connection,
    tiles: &mut HashMap<Tile, Subtrees>,
    parts: Vec<Range<u64>>,
) -> Result<Vec<Hash>, StoreError> {
    let mut hash = |part: Range<u64>| {
        let mut subtrees = Vec::new();
        for node in merkle::nodes(part) {
            let at = tile::tile_of(node);
            let within = match tiles.entry(at) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(Subtrees::of(&seal::read_tile(tx, at)?.unwrap_or_default())),
            };
            subtrees.push(within.hash(node).ok_or(StoreError::Missing("ledger_tiles"))?);
        }
        Ok(merkle::root(&subtrees))
    };
    parts.into_iter().map(&mut hash).collect()
}

/// Where a piece of evidence stands, as its timeline tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Its index.
    pub index: i64,
    /// The size of the tree under the newest head, which covers it.
    pub tree_size: i64,
    /// When that head was signed.
    pub signed_at: DateTime<Utc>,
}
