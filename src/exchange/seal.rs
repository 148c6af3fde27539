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
    /// When the newest head that it saw says it was signed: no two heads say the same.
    newest: Arc<AtomicI64>,
}

/// What a round is to do.
enum Plan {
    /// Nothing waits and the head is fresh, or it is another node's turn.
    Rest,
    /// Nothing can be built on what is there, for this reason.
    Broken(&'static str),
    /// This is to be written behind the head of before.
    Seal(Box<Batch>),
}

/// What is written together.
struct Batch {
    before: Option<CheckpointRow>,
    entries: Vec<EntryRow>,
    tiles: Vec<(Tile, Vec<u8>)>,
    head: CheckpointRow,
    /// The head that is not kept beside it.
    instead_of: Option<i64>,
    /// When the oldest of it happened.
    oldest: Option<DateTime<Utc>>,
}

impl Sealer {
    /// A sealer of a hub.
    pub fn new(hub: &Hub) -> Self {
        Self { hub: hub.clone(), own: hub.ids.next().into(), largest: Arc::default(), newest: Arc::default() }
    }

    /// Seals what waits, as much as fits into one round, or signs a new head when the last one is old. Answers how many
    /// pieces of evidence were sealed.
    ///
    /// # Errors
    /// `Store`; `Unavailable` when nothing can be built on what is there.
    pub async fn round(&self) -> Result<usize, ExchangeError> {
        let (hub, sealer) = (&self.hub, self.clone());
        let batch = match hub.store.read(move |tx| sealer.plan(tx)).await? {
            Plan::Rest => return Ok(0),
            Plan::Broken(why) => return Err(ExchangeError::Unavailable(why.to_owned())),
            Plan::Seal(batch) => Arc::new(*batch),
        };
        let writing = Arc::clone(&batch);
        if !hub.store.write(move |tx| write(tx, &writing)).await? {
            return Ok(0);
        }
        self.see(&batch.head);
        self.largest.fetch_max(batch.head.tree_size, Ordering::SeqCst);
        let age = batch.oldest.map_or(TimeDelta::zero(), |at| hub.clock.now().signed_duration_since(at));
        hub.metrics.ledger_size.set(batch.head.tree_size);
        hub.metrics.seal_age.observe(age.as_seconds_f64().max(0.0));
        Ok(batch.entries.len())
    }

    /// Notes the newest head. It is as old as it says, but never younger than this node's first sight of it: whoever
    /// signed it may have had a clock that ran ahead.
    fn see(&self, head: &CheckpointRow) {
        let signed_at = head.signed_at();
        if self.newest.swap(signed_at.timestamp_micros(), Ordering::SeqCst) != signed_at.timestamp_micros() {
            note_head(&self.hub, signed_at.min(self.hub.clock.now()));
        }
    }

    fn plan(&self, tx: &mut Connection) -> Result<Plan, StoreError> {
        let (now, settings) = (self.hub.clock.now(), &self.hub.config.ledger);
        let before = ledger::head(tx)?;
        let Some(head) = &before else {
            return self.batch(tx, (None, Edge::default()), now);
        };
        self.see(head);
        let age = silence(&self.hub);
        if *head.sealed_by != *self.own && age < LEASE {
            return Ok(Plan::Rest);
        }
        let fresh = i64::try_from(settings.checkpoint_seconds).ok().and_then(TimeDelta::try_seconds);
        if age < fresh.unwrap_or(TimeDelta::MAX) && ledger::waiting(tx, 1)?.is_empty() {
            return Ok(Plan::Rest);
        }
        if head.tree_size < self.largest.load(Ordering::SeqCst) {
            return Ok(Plan::Broken("the ledger is shorter than it was"));
        }
        let Ok((checkpoint, _)) = opened(&keys(&self.hub), &head.note) else {
            let why = "no known key signed the newest head of the ledger: if the hub's key was changed, name the one of before in ledger.old_keys";
            return Ok(Plan::Broken(why));
        };
        let edge = Edge::of(checkpoint.size, |tile| read_tile(tx, tile).map(Option::unwrap_or_default))?;
        match edge.filter(|edge| edge.root() == checkpoint.root && signed(checkpoint.size) == head.tree_size) {
            Some(edge) => self.batch(tx, (before, edge), now),
            None => Ok(Plan::Broken("the tree of the ledger does not lead to the head that was signed last")),
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
        // A clock that was set back makes no head older than the one before it, nor as old.
        let later = |head: &CheckpointRow| head.signed_at().checked_add_signed(TimeDelta::microseconds(1));
        let signed_at = before.as_ref().and_then(later).map_or(now, |later| now.max(later));
        // By this node's own clock: what heads say stands still after a clock that ran ahead.
        let minute = |at: DateTime<Utc>| at.duration_trunc(TimeDelta::minutes(1)).ok();
        let is_crowded = seen_at(&self.hub).and_then(minute) == minute(now);
        let size = signed(edge.size());
        let instead_of = before.as_ref().map(|head| head.tree_size).filter(|before| is_crowded || *before == size);
        let origin = self.hub.config.ledger.name.clone();
        let checkpoint = Checkpoint { origin, size: edge.size(), root: edge.root() };
        let seconds = u64::try_from(signed_at.timestamp()).unwrap_or_default();
        let head = CheckpointRow {
            tree_size: size,
            signed_at: signed_at.naive_utc(),
            sealed_by: self.own.to_string(),
            note: checkpoint.signed(self.hub.keyring.ledger_signer(), seconds),
        };
        Ok(Plan::Seal(Box::new(Batch { before, entries, tiles, head, instead_of, oldest })))
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
    ledger::keep_head(tx, &batch.head, batch.instead_of)?;
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

/// Notes when the newest head was signed, by this node's clock.
fn note_head(hub: &Hub, seen_at: DateTime<Utc>) {
    hub.head_seen_at.store(seen_at.timestamp_micros(), Ordering::SeqCst);
}

/// When the newest head was signed, by this node's clock; never later than now: once that clock is set back, it counts anew.
fn seen_at(hub: &Hub) -> Option<DateTime<Utc>> {
    let now = hub.clock.now().timestamp_micros();
    DateTime::from_timestamp_micros(hub.head_seen_at.fetch_min(now, Ordering::SeqCst).min(now))
}

/// How long no head was signed; nothing on a node that does not look after it.
pub fn silence(hub: &Hub) -> TimeDelta {
    let since = |at| hub.clock.now().signed_duration_since(at);
    seen_at(hub).map_or(TimeDelta::zero(), since).max(TimeDelta::zero())
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
