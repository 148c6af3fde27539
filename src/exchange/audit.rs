//! Whether the ledger is whole: everything from the rows of evidence up to every signed head is computed anew, and what
//! differs is named with its place. What is believed is what leads to a signature; nothing here changes anything.

use super::{ExchangeError, cosign, rows, seal};
use crate::hub::Hub;
use crate::proof::checkpoint::{Key, NoteFault};
use crate::proof::entry::differ_in_time;
use crate::proof::merkle::{Hash, hash_of, leaf_hash};
use crate::proof::tile::{Edge, Tile, WIDTH};
use crate::store::evidence::EvidenceRow;
use crate::store::ledger::{self, EntryRow};
use crate::store::{Connection, StoreError, witnesses};
use std::collections::HashMap;
use std::ops::Range;

/// Entries that are read at once: whole tiles.
const PAGE: u64 = 4096;
/// Faults that are told; further ones are counted.
const FAULTS_MAX: usize = 1_000;

/// Entries with another hash that are kept to find those that stand in each other's place; further ones count as altered.
const STRAYS_MAX: usize = 100_000;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Evidence says something else than what was sealed.
    Altered(u64, String),
    /// Its time is another one than was sealed, and nothing else.
    Retimed(u64, String),
    /// It was sealed and is not there.
    Removed(u64, String),
    /// It is there and neither sealed nor waiting.
    Inserted(String),
    /// It waits to be sealed and is not there.
    Lost(String),
    /// What stands at the first place was sealed at the second.
    Swapped(u64, u64),
    /// The entry is not what was sealed.
    EntryAltered(u64, String),
    /// There is no entry.
    EntryRemoved(u64),
    /// An entry stands beyond the tree.
    EntryInserted(u64, String),
    /// A tile is not what the entries lead to, or is not there.
    TileAltered(Tile),
    /// The tree of the second size has another root than was signed; that of the first has not.
    Forked(u64, u64),
    /// The ledger is smaller than a head that was signed for this size.
    Shortened(u64),
    /// A head of this size, or one that was given, is not what a known key signed.
    HeadAltered(Option<u64>, NoteFault),
    /// What this witness put under the head of this size, or its time, was altered; or the head is gone.
    CosignatureAltered(u64, String),
}

/// What a whole audit found.
#[derive(Debug, Default)]
pub struct Report {
    /// How many entries were looked at.
    pub entries: u64,
    /// How many signed heads the tree leads to.
    pub heads: u64,
    /// What is wrong, as far as it fits.
    pub faults: Vec<Fault>,
    /// How many faults more there are.
    pub more: usize,
}

impl Report {
    fn note(&mut self, fault: Fault) {
        match self.faults.len() < FAULTS_MAX {
            true => self.faults.push(fault),
            false => self.more = self.more.saturating_add(1),
        }
    }
}

/// A part of the ledger as the database has it.
struct Page {
    entries: HashMap<u64, (EntryRow, Option<EvidenceRow>)>,
    tiles: HashMap<Tile, Vec<u8>>,
    /// Notes of signed heads by size.
    heads: HashMap<u64, Vec<String>>,
}

/// An entry whose hash is not the one in the tree.
struct Stray {
    index: u64,
    evidence_id: String,
    /// Of the entry.
    has: Hash,
    /// In the tree.
    wanted: Hash,
}

struct Walk {
    keys: Vec<Key>,
    edge: Edge,
    /// Heads that somebody kept elsewhere.
    kept: Vec<(u64, String)>,
    strays: Vec<Stray>,
    /// Filled tiles above the entries, to be compared.
    filled: Vec<(Tile, Vec<u8>)>,
    /// The largest size at which the root was the signed one.
    good: u64,
    is_forked: bool,
    report: Report,
}

/// How far an audit is: what is being looked at, how much of it is done, and how much there is if that is known.
pub type Watch<'a> = &'a mut dyn FnMut(&'static str, u64, u64);

/// Looks at everything. `kept` are signed heads that somebody kept elsewhere: the ledger must lead to them too.
///
/// # Errors
/// `Store`.
pub async fn audit(hub: &Hub, kept: &[String], watch: Watch<'_>) -> Result<Report, ExchangeError> {
    let head = hub.store.read(ledger::head).await?;
    let size = head.as_ref().map_or(0, |head| head.tree_size.unsigned_abs());
    let keys = seal::keys(hub);
    let mut walk = Walk {
        kept: Vec::new(),
        edge: Edge::default(),
        strays: Vec::new(),
        filled: Vec::new(),
        good: 0,
        is_forked: false,
        report: Report::default(),
        keys,
    };
    walk.take_kept(kept, size);
    // By the time the walk is there, a newer head may stand in its place.
    walk.kept.extend(head.map(|head| (size, head.note)));
    // The head of the empty tree is looked at with the first page.
    let mut part = 0..size.min(PAGE);
    loop {
        let asked = part.clone();
        let page = hub.store.read(move |tx| page(tx, &asked)).await?;
        walk.pass(part.clone(), page);
        walk.compare(hub).await?;
        watch("entries", part.end, size);
        if part.end >= size {
            break;
        }
        part = part.end..part.end.saturating_add(PAGE).min(size);
    }
    walk.filled = walk.edge.partial().filter(|(tile, _)| tile.level > 0).collect();
    walk.compare(hub).await?;
    walk.sort_strays();
    let mut report = walk.report;
    report.entries = size;
    beyond(hub, &mut report).await?;
    cosignatures(hub, &mut report).await?;
    unknown(hub, &mut report, watch).await?;
    Ok(report)
}

fn page(tx: &mut Connection, part: &Range<u64>) -> Result<Page, StoreError> {
    let range = seal::signed(part.start)..seal::signed(part.end);
    let width = u64::try_from(WIDTH).unwrap_or(u64::MAX);
    let mut tiles = HashMap::new();
    for number in part.start / width..part.end.div_ceil(width) {
        let tile = Tile { level: 0, number };
        tiles.insert(tile, seal::read_tile(tx, tile)?.unwrap_or_default());
    }
    let entries = ledger::entries_with_evidence(tx, range.clone())?;
    // Sizes of trees begin with none at all.
    let after = if part.start == 0 { -1 } else { range.start };
    let heads = ledger::heads_within(tx, after, range.end)?;
    Ok(Page {
        entries: entries.into_iter().map(|(entry, row)| (entry.ledger_index.unsigned_abs(), (entry, row))).collect(),
        tiles,
        heads: heads.into_iter().map(|head| (head.tree_size.unsigned_abs(), vec![head.note])).collect(),
    })
}

impl Walk {
    /// Takes heads that somebody kept, as far as their signatures hold and the ledger is large enough.
    fn take_kept(&mut self, kept: &[String], size: u64) {
        for note in kept {
            match seal::opened(&self.keys, note) {
                Err(why) => self.report.note(Fault::HeadAltered(None, why)),
                Ok((checkpoint, _)) if checkpoint.size > size => {
                    self.report.note(Fault::Shortened(checkpoint.size));
                }
                Ok((checkpoint, _)) => self.kept.push((checkpoint.size, note.clone())),
            }
        }
    }

    fn pass(&mut self, part: Range<u64>, mut page: Page) {
        let is_within = |size: u64| size <= part.end && (size > part.start || part.start == 0);
        for (size, note) in self.kept.iter().filter(|(size, _)| is_within(*size)) {
            let notes = page.heads.entry(*size).or_default();
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        if part.start == 0 {
            self.heads(&page.heads);
        }
        let width = u64::try_from(WIDTH).unwrap_or(u64::MAX);
        for index in part {
            let tile = Tile { level: 0, number: index / width };
            let offset = usize::try_from(index % width).unwrap_or_default().saturating_mul(32);
            let bytes = page.tiles.get(&tile).and_then(|bytes| hash_of(bytes.get(offset..offset.checked_add(32)?)?));
            let entry = page.entries.remove(&index);
            let leaf = bytes.or_else(|| entry.as_ref().map(|(entry, _)| leaf_hash(&entry.entry))).unwrap_or_default();
            if bytes.is_none() && !self.report.faults.contains(&Fault::TileAltered(tile)) {
                self.report.note(Fault::TileAltered(tile));
            }
            self.entry(index, leaf, entry);
            let filled = self.edge.push(leaf);
            self.filled.extend(filled.into_iter().filter(|(tile, _)| tile.level > 0));
            self.heads(&page.heads);
        }
    }

    /// Compares an entry with its hash in the tree, and the evidence with the entry.
    fn entry(&mut self, index: u64, wanted: Hash, found: Option<(EntryRow, Option<EvidenceRow>)>) {
        let Some((EntryRow { evidence_id, entry, .. }, evidence)) = found else {
            return self.report.note(Fault::EntryRemoved(index));
        };
        let has = leaf_hash(&entry);
        if has != wanted {
            return match self.strays.len() < STRAYS_MAX {
                true => self.strays.push(Stray { index, evidence_id, has, wanted }),
                false => self.report.note(Fault::EntryAltered(index, evidence_id)),
            };
        }
        let fault = match evidence.as_ref().map(|row| seal::record(row).entry()) {
            None => Fault::Removed(index, evidence_id),
            Some(now) if now[..] == entry[..] => return,
            Some(now) if differ_in_time(&now, &entry) => Fault::Retimed(index, evidence_id),
            Some(_) => Fault::Altered(index, evidence_id),
        };
        self.report.note(fault);
    }

    /// Compares the root with what was signed for this size.
    fn heads(&mut self, heads: &HashMap<u64, Vec<String>>) {
        let size = self.edge.size();
        for note in heads.get(&size).into_iter().flatten() {
            match seal::opened(&self.keys, note) {
                Err(why) => self.report.note(Fault::HeadAltered(Some(size), why)),
                Ok((checkpoint, _)) if checkpoint.size != size => {
                    self.report.note(Fault::HeadAltered(Some(size), NoteFault::Signature));
                }
                Ok((checkpoint, _)) if checkpoint.root == self.edge.root() => {
                    self.good = size;
                    self.report.heads = self.report.heads.saturating_add(1);
                }
                // Every later head differs too.
                Ok(_) if self.is_forked => {}
                Ok(_) => {
                    self.is_forked = true;
                    self.report.note(Fault::Forked(self.good, size));
                }
            }
        }
    }

    /// Compares tiles above the entries with those that are kept.
    async fn compare(&mut self, hub: &Hub) -> Result<(), ExchangeError> {
        for (tile, bytes) in std::mem::take(&mut self.filled) {
            let kept = hub.store.read(move |tx| seal::read_tile(tx, tile)).await?;
            // A tile that was not full may have grown meanwhile.
            if !kept.is_some_and(|kept| kept.starts_with(&bytes)) {
                self.report.note(Fault::TileAltered(tile));
            }
        }
        Ok(())
    }

    /// Tells entries that stand in each other's place from altered ones.
    fn sort_strays(&mut self) {
        let places: HashMap<Hash, u64> = self.strays.iter().map(|stray| (stray.wanted, stray.index)).collect();
        for stray in std::mem::take(&mut self.strays) {
            self.report.note(match places.get(&stray.has) {
                Some(place) => Fault::Swapped(stray.index, *place),
                None => Fault::EntryAltered(stray.index, stray.evidence_id),
            });
        }
    }
}

/// What witnesses put under heads, as far as their keys are known.
async fn cosignatures(hub: &Hub, report: &mut Report) -> Result<(), ExchangeError> {
    let witnesses = cosign::asked(hub).await?;
    let mut after = (-1, String::new());
    loop {
        let asked = after.clone();
        let page = hub.store.read(move |tx| witnesses::list_after(tx, (asked.0, &asked.1), seal::signed(PAGE))).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = (last.tree_size, last.witness.clone());
        for (row, note) in page {
            let Some(witness) = witnesses.iter().find(|one| one.key.name() == row.witness) else { continue };
            let at = witness.key.cosigned(&(note.unwrap_or_default() + &row.line)).ok().flatten();
            if at != u64::try_from(row.cosigned_at.and_utc().timestamp()).ok() {
                report.note(Fault::CosignatureAltered(row.tree_size.unsigned_abs(), row.witness));
            }
        }
    }
}

/// Entries that no head covers.
async fn beyond(hub: &Hub, report: &mut Report) -> Result<(), ExchangeError> {
    let found = hub.store.read(|tx| {
        let size = ledger::head(tx)?.map_or(0, |head| head.tree_size);
        ledger::entries_beyond(tx, size, rows(FAULTS_MAX))
    });
    for entry in found.await? {
        report.note(Fault::EntryInserted(entry.ledger_index.unsigned_abs(), entry.evidence_id));
    }
    Ok(())
}

/// Evidence that nobody knows of, and what waits but is not there.
async fn unknown(hub: &Hub, report: &mut Report, watch: Watch<'_>) -> Result<(), ExchangeError> {
    let (mut after, mut done) = (String::new(), 0_u64);
    loop {
        let asked = after.clone();
        let (last, rows, unknown) =
            hub.store.read(move |tx| ledger::unknown_after(tx, &asked, seal::signed(PAGE))).await?;
        unknown.into_iter().for_each(|id| report.note(Fault::Inserted(id)));
        done = done.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
        watch("evidence", done, done.max(report.entries));
        let Some(last) = last else { break };
        after = last;
    }
    let lost = hub.store.read(|tx| ledger::waiting_without_evidence(tx, rows(FAULTS_MAX))).await?;
    lost.into_iter().for_each(|id| report.note(Fault::Lost(id)));
    Ok(())
}

impl Fault {
    /// Its name, for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Altered(..) => "evidence-altered",
            Self::Retimed(..) => "evidence-retimed",
            Self::Removed(..) => "evidence-removed",
            Self::Inserted(_) => "evidence-inserted",
            Self::Lost(_) => "evidence-lost",
            Self::Swapped(..) => "entries-swapped",
            Self::EntryAltered(..) => "entry-altered",
            Self::EntryRemoved(_) => "entry-removed",
            Self::EntryInserted(..) => "entry-inserted",
            Self::TileAltered(_) => "tile-altered",
            Self::Forked(..) => "forked",
            Self::Shortened(_) => "shortened",
            Self::HeadAltered(..) => "head-altered",
            Self::CosignatureAltered(..) => "cosignature-altered",
        }
    }

    /// What it is, Vietnamese and English.
    pub fn words(&self) -> (String, String) {
        match self {
            Self::Altered(index, id) => (
                format!("bằng chứng {id} (vị trí {index}) đã bị sửa sau khi niêm phong"),
                format!("evidence {id} (index {index}) was altered after it was sealed"),
            ),
            Self::Retimed(index, id) => (
                format!("thời điểm của bằng chứng {id} (vị trí {index}) đã bị sửa sau khi niêm phong"),
                format!("the time of evidence {id} (index {index}) was altered after it was sealed"),
            ),
            Self::Removed(index, id) => (
                format!("bằng chứng {id} (vị trí {index}) đã niêm phong nhưng không còn"),
                format!("evidence {id} (index {index}) was sealed and is gone"),
            ),
            Self::Inserted(id) => (
                format!("bằng chứng {id} có mặt nhưng không được niêm phong, cũng không chờ niêm phong"),
                format!("evidence {id} is there, but neither sealed nor waiting to be"),
            ),
            Self::Lost(id) => (
                format!("bằng chứng {id} chờ niêm phong nhưng không còn"),
                format!("evidence {id} waits to be sealed and is gone"),
            ),
            Self::Swapped(index, place) => (
                format!("bút toán ở vị trí {index} đã được niêm phong ở vị trí {place}"),
                format!("the entry at index {index} was sealed at index {place}"),
            ),
            Self::EntryAltered(index, id) => (
                format!("bút toán ở vị trí {index} (bằng chứng {id}) đã bị sửa"),
                format!("the entry at index {index} (evidence {id}) was altered"),
            ),
            Self::EntryRemoved(index) => {
                (format!("mất bút toán ở vị trí {index}"), format!("the entry at index {index} is gone"))
            }
            Self::EntryInserted(index, id) => (
                format!("bút toán ở vị trí {index} (bằng chứng {id}) nằm ngoài phần đã ký"),
                format!("the entry at index {index} (evidence {id}) stands beyond what was signed"),
            ),
            Self::TileAltered(Tile { level, number }) => (
                format!("ô {number} tầng {level} của cây không đúng"),
                format!("tile {number} of level {level} of the tree is wrong"),
            ),
            Self::Forked(good, size) => (
                format!("sổ cái bị rẽ nhánh: khác điểm chốt đã ký ở {size} bút toán; còn đúng đến {good}"),
                format!(
                    "the ledger is forked: it differs from what was signed at {size} entries; up to {good} it is right"
                ),
            ),
            Self::Shortened(size) => (
                format!("sổ cái bị cắt ngắn: đã từng ký điểm chốt {size} bút toán"),
                format!("the ledger was shortened: a head of {size} entries was signed"),
            ),
            Self::CosignatureAltered(size, witness) => (
                format!(
                    "chữ ký của bên làm chứng {witness} dưới điểm chốt {size} bút toán đã bị sửa, hoặc mất điểm chốt"
                ),
                format!(
                    "what the witness {witness} put under the head of {size} entries was altered, or the head is gone"
                ),
            ),
            Self::HeadAltered(size, why) => {
                let (vi, en) = match size {
                    Some(size) => (format!("ở {size} bút toán"), format!("of {size} entries")),
                    None => ("đưa vào".to_owned(), "that was given".to_owned()),
                };
                (format!("điểm chốt {vi} không đúng: {why}"), format!("the head {en} does not hold: {why}"))
            }
        }
    }
}
