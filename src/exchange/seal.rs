//! Evidence is given its place in the ledger: a round takes what waits, puts it behind what is sealed, extends the tree and
//! signs its head, all in one transaction. One sealer at a time: whoever signed the newest head goes on until that is old.
//! When no head was signed for long, the hub says so, and later accepts nothing more: it does not run without evidence.

use super::{ExchangeError, rows};
use crate::hub::Hub;
use crate::proof::checkpoint::{Checkpoint, Key, NoteFault};
use crate::proof::entry::Record;
use crate::proof::merkle::leaf_hash;
use crate::proof::tile::{Edge, Tile};
use crate::store::evidence::EvidenceRow;
use crate::store::ledger::{self, CheckpointRow, EntryRow};
use crate::store::{Connection, StoreError};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Another node takes over when the newest head is older than this.
const LEASE: TimeDelta = TimeDelta::seconds(3);

/// Seals what waits.
#[derive(Clone)]
pub struct Sealer {
    hub: Hub,
    /// By which its heads are known.
    own: Arc<str>,
    /// The largest tree that it saw: a ledger never shrinks.
    largest: Arc<AtomicI64>,
}

/// What a round is to do.
enum Plan {
    /// Nothing waits and the head is fresh, or it is another node's turn.
    Rest(DateTime<Utc>),
    /// Nothing can be built on what is there, for this reason.
    Broken(DateTime<Utc>, &'static str),
    /// This is to be written behind the head of before.
    Seal(Box<Batch>),
}

/// What is written together.
struct Batch {
    before: Option<CheckpointRow>,
    entries: Vec<EntryRow>,
    tiles: Vec<(Tile, Vec<u8>)>,
    head: CheckpointRow,
    /// When the oldest of it happened.
    oldest: Option<DateTime<Utc>>,
}

impl Sealer {
    /// A sealer of a hub.
    pub fn new(hub: &Hub) -> Self {
        Self { hub: hub.clone(), own: hub.ids.next().into(), largest: Arc::default() }
    }

    /// Seals what waits, as much as fits into one round, or signs a new head when the last one is old. Answers how many
    /// pieces of evidence were sealed.
    ///
    /// # Errors
    /// `Store`; `Unavailable` when nothing can be built on what is there.
    pub async fn round(&self) -> Result<usize, ExchangeError> {
        let (hub, sealer) = (&self.hub, self.clone());
        let batch = match hub.store.read(move |tx| sealer.plan(tx)).await? {
            Plan::Rest(signed_at) => {
                note_head(hub, signed_at);
                return Ok(0);
            }
            Plan::Broken(signed_at, why) => {
                note_head(hub, signed_at);
                return Err(ExchangeError::Unavailable(why.to_owned()));
            }
            Plan::Seal(batch) => Arc::new(*batch),
        };
        let writing = Arc::clone(&batch);
        if !hub.store.write(move |tx| write(tx, &writing)).await? {
            return Ok(0);
        }
        note_head(hub, batch.head.signed_at());
        self.largest.fetch_max(batch.head.tree_size, Ordering::SeqCst);
        let age = batch.oldest.map_or(TimeDelta::zero(), |at| hub.clock.now().signed_duration_since(at));
        hub.metrics.ledger_size.set(batch.head.tree_size);
        hub.metrics.seal_age.observe(age.as_seconds_f64().max(0.0));
        Ok(batch.entries.len())
    }

    fn plan(&self, tx: &mut Connection) -> Result<Plan, StoreError> {
        let (now, settings) = (self.hub.clock.now(), &self.hub.config.ledger);
        let before = ledger::head(tx)?;
        let Some(head) = &before else {
            return self.batch(tx, (None, Edge::default()), now);
        };
        let (signed_at, age) = (head.signed_at(), now.signed_duration_since(head.signed_at()));
        // Of a head in the future, whose clock was set back since, nobody can say how old it is.
        if *head.sealed_by != *self.own && (TimeDelta::zero()..LEASE).contains(&age) {
            return Ok(Plan::Rest(signed_at));
        }
        let fresh = i64::try_from(settings.checkpoint_seconds).ok().and_then(TimeDelta::try_seconds);
        if age < fresh.unwrap_or(TimeDelta::MAX) && ledger::waiting(tx, 1)?.is_empty() {
            return Ok(Plan::Rest(signed_at));
        }
        if head.tree_size < self.largest.load(Ordering::SeqCst) {
            return Ok(Plan::Broken(signed_at, "the ledger is shorter than it was"));
        }
        let Ok((checkpoint, _)) = opened(&keys(&self.hub), &head.note) else {
            let why = "no known key signed the newest head of the ledger: if the hub's key was changed, name the one of before in ledger.old_keys";
            return Ok(Plan::Broken(signed_at, why));
        };
        let edge = Edge::of(checkpoint.size, |tile| read_tile(tx, tile).map(Option::unwrap_or_default))?;
        match edge.filter(|edge| edge.root() == checkpoint.root && signed(checkpoint.size) == head.tree_size) {
            Some(edge) => self.batch(tx, (before, edge), now),
            None => {
                Ok(Plan::Broken(signed_at, "the tree of the ledger does not lead to the head that was signed last"))
            }
        }
    }

    fn batch(
        &self,
        tx: &mut Connection,
        (before, mut edge): (Option<CheckpointRow>, Edge),
        now: DateTime<Utc>,
    ) -> Result<Plan, StoreError> {
        let waiting = ledger::waiting(tx, rows(self.hub.config.ledger.batch_max))?;
        let (mut entries, mut tiles) = (Vec::with_capacity(waiting.len()), Vec::new());
        let oldest = waiting.iter().map(|row| row.at.and_utc()).min();
        for row in waiting {
            let (entry, ledger_index) = (record(&row).entry().to_vec(), signed(edge.size()));
            tiles.extend(edge.push(leaf_hash(&entry)));
            entries.push(EntryRow { ledger_index, evidence_id: row.evidence_id, entry });
        }
        tiles.extend(edge.partial().filter(|_| !entries.is_empty()));
        // A clock that was set back makes no head older than the one before it.
        let signed_at = before.as_ref().map_or(now, |head| now.max(head.signed_at()));
        let origin = self.hub.config.ledger.name.clone();
        let checkpoint = Checkpoint { origin, size: edge.size(), root: edge.root() };
        let seconds = u64::try_from(signed_at.timestamp()).unwrap_or_default();
        let head = CheckpointRow {
            tree_size: signed(edge.size()),
            signed_at: signed_at.naive_utc(),
            sealed_by: self.own.to_string(),
            note: checkpoint.signed(self.hub.keyring.ledger_signer(), seconds),
        };
        Ok(Plan::Seal(Box::new(Batch { before, entries, tiles, head, oldest })))
    }
}

/// Writes a batch, unless another node has signed a head meanwhile.
fn write(tx: &mut Connection, batch: &Batch) -> Result<bool, StoreError> {
    if ledger::head(tx)? != batch.before {
        return Ok(false);
    }
    ledger::append(tx, &batch.entries)?;
    for (tile, hashes) in &batch.tiles {
        ledger::keep_tile(tx, place(*tile), hashes)?;
    }
    let minute = |head: &CheckpointRow| head.signed_at.duration_trunc(TimeDelta::minutes(1)).ok();
    let is_alike =
        |before: &&CheckpointRow| before.tree_size == batch.head.tree_size || minute(before) == minute(&batch.head);
    let instead_of = batch.before.as_ref().filter(is_alike).map(|before| before.tree_size);
    ledger::keep_head(tx, &batch.head, instead_of)?;
    Ok(true)
}

/// A piece of evidence as it is sealed.
pub fn record(row: &EvidenceRow) -> Record<'_> {
    Record {
        evidence_id: &row.evidence_id,
        event: &row.event,
        at: row.at.and_utc(),
        envelope_id: row.envelope_id.as_deref(),
        delivery_id: row.delivery_id.as_deref(),
        agency: row.agency.as_deref(),
        system_id: row.system_id.as_deref(),
        facts: &row.facts,
    }
}

/// A number of entries as the databases count them.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn place(tile: Tile) -> (i32, i64) {
    (i32::try_from(tile.level).unwrap_or(i32::MAX), signed(tile.number))
}

/// The hashes of a tile, as many as there are.
pub(super) fn read_tile(tx: &mut Connection, tile: Tile) -> Result<Option<Vec<u8>>, StoreError> {
    let (level, number) = place(tile);
    ledger::tile(tx, level, number)
}

/// The keys under which heads of this ledger may be signed: the hub's own first.
pub fn keys(hub: &Hub) -> Vec<Key> {
    let settings = &hub.config.ledger;
    let old = settings.old_keys.split(',').filter_map(Key::parse);
    [Key::of(&settings.name, hub.keyring.ledger_signer())].into_iter().chain(old).collect()
}

/// What a note says, if one of the keys signed it.
///
/// # Errors
/// Why it does not hold.
pub fn opened(keys: &[Key], note: &str) -> Result<(Checkpoint, Option<u64>), NoteFault> {
    let mut last = Err(NoteFault::Unsigned);
    for key in keys {
        last = key.open(note);
        if last != Err(NoteFault::Unsigned) {
            break;
        }
    }
    last
}

/// Notes when the newest head was signed, as far as this node knows.
fn note_head(hub: &Hub, signed_at: DateTime<Utc>) {
    hub.head_signed_at.store(signed_at.timestamp_micros(), Ordering::SeqCst);
}

/// How long no head was signed; nothing on a node that does not look after it.
pub fn silence(hub: &Hub) -> TimeDelta {
    let micros = hub.head_signed_at.load(Ordering::SeqCst);
    match DateTime::from_timestamp_micros(micros) {
        Some(signed_at) => hub.clock.now().signed_duration_since(signed_at).max(TimeDelta::zero()),
        None => TimeDelta::zero(),
    }
}

/// From now on, this node minds that heads are signed.
pub fn mind(hub: &Hub) {
    note_head(hub, hub.clock.now());
}

/// How far sealing has fallen behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It has not.
    Well,
    /// So far that people must look.
    Late,
    /// So far that nothing is accepted.
    Stopped,
}

/// How far sealing has fallen behind on what this node knows.
pub fn standing(hub: &Hub) -> Standing {
    let (settings, silence) = (&hub.config.ledger, silence(hub).num_seconds().unsigned_abs());
    match settings.stop_seconds {
        1.. if silence >= settings.stop_seconds => Standing::Stopped,
        _ if silence >= settings.late_seconds => Standing::Late,
        _ => Standing::Well,
    }
}

/// Whether anything may be accepted.
///
/// # Errors
/// `Unsealed`.
pub(super) fn may_accept(hub: &Hub) -> Result<(), ExchangeError> {
    match standing(hub) {
        Standing::Well | Standing::Late => Ok(()),
        Standing::Stopped => Err(ExchangeError::Unsealed),
    }
}
