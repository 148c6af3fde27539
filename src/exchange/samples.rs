//! Random samples (mẫu ngẫu nhiên) of the documents that a warrant is for: asked for, drawn by a job, shown with room for
//! notes, exported (ADR 0030). Unless the auditor gives a seed, it is the digest of a head of the ledger that was signed after
//! the request: nobody could know it then. How documents are drawn: `domain::sample`.

use super::access::{self, Access};
use super::act::{Act, By};
use super::archive::{self, ArchiveRow, Selection};
use super::sessions::Person;
use super::transfers::{DocumentLine, lines};
use super::viewer::Viewer;
use super::warrants::Warrant;
use super::{ExchangeError, rows};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::packet::Digest;
use crate::domain::rules::Wording;
use crate::domain::sample::Draw;
use crate::hub::Hub;
pub use crate::store::samples::SampleRow;
use crate::store::samples::{self as store, ItemRow};
use crate::store::{Connection, StoreError, envelopes, ledger, purges, search, warrants};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::fs::File;

/// Longest seed that an auditor gives, in characters.
const SEED_CHARS_MAX: usize = 100;
/// Longest note, in characters.
const NOTE_CHARS_MAX: usize = 1000;
/// Samples that one round of the job draws.
const DRAWN_AT_ONCE: i64 = 20;

/// A document of a sample as it is shown.
#[derive(Debug, Clone)]
pub struct SampledLine {
    /// In which order it was drawn.
    pub number: i64,
    /// What the auditor noted.
    pub note: String,
    /// The document.
    pub line: DocumentLine,
}

/// A sample as it is shown.
#[derive(Debug, Clone)]
pub struct SampleView {
    /// What is kept of it.
    pub row: SampleRow,
    /// Documents of this page.
    pub lines: Vec<SampledLine>,
    /// After which number the next page begins; nothing on the last.
    pub next: Option<i64>,
    /// The archive that was asked for last.
    pub archive: Option<ArchiveRow>,
}

fn malformed(vi: impl Into<String>, en: impl Into<String>) -> ExchangeError {
    ExchangeError::Malformed(Wording::new(vi, en))
}

fn warrant_of(person: &Person) -> Result<Warrant, ExchangeError> {
    person.warrant.clone().ok_or(ExchangeError::NotFound)
}

/// Asks for a sample of that many documents. Answers its id.
///
/// # Errors
/// `NotFound` without a warrant; `Malformed` for a size or seed that cannot be used; `ComeAgain` when there are too many; `Store`.
pub async fn ask(hub: &Hub, person: &Person, (size, seed): (&str, &str)) -> Result<String, ExchangeError> {
    let warrant = warrant_of(person)?;
    let most = hub.config.portal.sample_documents_max;
    let size: usize =
        size.trim().parse().ok().filter(|size| (1..=most).contains(size)).ok_or_else(|| {
            malformed(format!("Cỡ mẫu từ 1 đến {most}"), format!("A sample has 1 to {most} documents"))
        })?;
    let seed = seed.trim().to_owned();
    if seed.chars().count() > SEED_CHARS_MAX || seed.chars().any(char::is_control) {
        return Err(malformed("Hạt giống không quá 100 ký tự", "A seed has at most 100 characters"));
    }
    let (act, ids, samples_max) = (Act::new(hub, &person.by()), hub.ids, rows(hub.config.portal.samples_max));
    let asked = hub.store.write(move |tx| {
        let warrant_id = &warrant.row.warrant_id;
        if rows(store::of_warrant(tx, warrant_id, samples_max)?.len()) >= samples_max {
            return Ok(Err(ExchangeError::ComeAgain { too_many: true }));
        }
        let (sample_id, evidence_id) = (ids.next(), ids.next());
        let access = Access {
            act: "sample-asked",
            agencies: warrant.agencies.clone(),
            asks: sample_id.clone(),
            facts: json!({ "size": size, "seed": seed }),
            ..Access::default()
        };
        access::note(tx, &act, &evidence_id, &access)?;
        let ids = (sample_id.clone(), warrant_id.clone(), evidence_id);
        store::insert(tx, &SampleRow::new(ids, (rows(size), seed.clone()), act.now))?;
        Ok(Ok(sample_id))
    });
    asked.await?
}

/// The samples of a person's warrant, the newest first.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub, person: &Person) -> Result<Vec<SampleRow>, ExchangeError> {
    let (warrant, most) = (warrant_of(person)?, rows(hub.config.portal.samples_max));
    Ok(hub.store.read(move |tx| store::of_warrant(tx, &warrant.row.warrant_id, most)).await?)
}

/// A sample of a person's warrant.
fn own(tx: &mut Connection, warrant: &Warrant, sample_id: &str) -> Result<Option<SampleRow>, StoreError> {
    Ok(store::find(tx, sample_id)?.filter(|row| row.warrant_id == warrant.row.warrant_id))
}

/// A sample and a page of its documents.
///
/// # Errors
/// `NotFound` unless it is of the person's warrant; `Store`.
pub async fn view(hub: &Hub, person: &Person, sample_id: &str, after: i64) -> Result<SampleView, ExchangeError> {
    let (warrant, viewer, id) = (warrant_of(person)?, Viewer::of(person), sample_id.to_owned());
    let most = rows(hub.config.portal.rows_max);
    let found = hub.store.read(move |tx| {
        let Some(row) = own(tx, &warrant, &id)? else { return Ok(None) };
        let items = store::items(tx, &id, (after, most))?;
        let next = items.last().filter(|_| rows(items.len()) >= most).map(|item| item.number);
        let ids: Vec<&str> = items.iter().map(|item| item.envelope_id.as_str()).collect();
        let found = envelopes::of_ids(tx, &ids)?;
        let mut by_id: HashMap<String, DocumentLine> =
            lines(tx, &viewer, found)?.into_iter().map(|line| (line.envelope_id.clone(), line)).collect();
        let line = |item: ItemRow| {
            let line = by_id.remove(&item.envelope_id)?;
            Some(SampledLine { number: item.number, note: item.note, line })
        };
        let lines = items.into_iter().filter_map(line).collect();
        Ok(Some((row, lines, next)))
    });
    let (row, lines, next) = found.await?.ok_or(ExchangeError::NotFound)?;
    let archive = match &row.archive_id {
        Some(archive_id) => Some(archive::archive(hub, archive_id).await?),
        None => None,
    };
    Ok(SampleView { row, lines, next, archive })
}

/// Notes what an auditor found of a document of a sample.
///
/// # Errors
/// `NotFound` unless there is such a document in a sample of the person's warrant; `Malformed` for a note that is too long; `Store`.
pub async fn remark(
    hub: &Hub,
    person: &Person,
    sample_id: &str,
    (number, note): (&str, &str),
) -> Result<(), ExchangeError> {
    let (warrant, id, note) = (warrant_of(person)?, sample_id.to_owned(), note.trim().to_owned());
    let number: i64 = number.parse().map_err(|_| ExchangeError::NotFound)?;
    if note.chars().count() > NOTE_CHARS_MAX {
        return Err(malformed("Ghi chú không quá 1.000 ký tự", "A note has at most 1,000 characters"));
    }
    let (act, evidence_id) = (Act::new(hub, &person.by()), hub.ids.next());
    let noted = hub.store.write(move |tx| {
        if own(tx, &warrant, &id)?.is_none() || !store::remark(tx, (&id, number), &note)? {
            return Ok(Err(ExchangeError::NotFound));
        }
        let facts = json!({ "number": number, "note_sha256": Digest::of(note.as_bytes()).hex() });
        let agencies = warrant.agencies.clone();
        let access = Access { act: "sample-note", agencies, asks: id.clone(), facts, ..Access::default() };
        access::note(tx, &act, &evidence_id, &access).map(Ok)
    });
    noted.await?
}

/// Asks for an archive of a sample's documents, as far as the warrant goes; with the packets where it lets content be opened.
///
/// # Errors
/// `NotFound` unless the sample is of the person's warrant and drawn; `NotAllowed` when as many were exported under the warrant as
/// may be; as `archive::ask`.
pub async fn export(hub: &Hub, person: &Person, sample_id: &str) -> Result<(), ExchangeError> {
    let (warrant, id, most) = (warrant_of(person)?, sample_id.to_owned(), rows(hub.config.portal.sample_documents_max));
    let (of, asked) = (warrant.clone(), id.clone());
    let found = hub.store.read(move |tx| {
        let Some(_) = own(tx, &of, &asked)? else { return Ok(Vec::new()) };
        store::items(tx, &asked, (0, most))
    });
    let mut envelopes: Vec<String> = found.await?.into_iter().map(|item| item.envelope_id).collect();
    if envelopes.is_empty() {
        return Err(ExchangeError::NotFound);
    }
    envelopes.sort();
    let (warrant_id, exports_max) = (warrant.row.warrant_id, hub.config.portal.sample_exports_max);
    if !count_export(hub, &warrant_id, 1).await? {
        return Err(ExchangeError::NotAllowed(Wording::new(
            format!(
                "Đã xuất đủ {exports_max} lần theo quyết định kiểm tra này; hãy dùng gói đã xuất, hoặc đề nghị quyết định mới"
            ),
            format!(
                "{exports_max} exports were made under this warrant, and no more may be: use those, or ask for another warrant"
            ),
        )));
    }
    let selection = Selection {
        from: warrant.row.documents_from,
        until: warrant.row.documents_until,
        packets: warrant.row.content,
        among: warrant.agencies,
        envelopes,
        ..Selection::default()
    };
    let archive = match archive::ask(hub, &person.by(), selection).await {
        Ok(archive) => archive,
        Err(why) => {
            // What was not taken on is none.
            count_export(hub, &warrant_id, -1).await?;
            return Err(why);
        }
    };
    Ok(hub.store.write(move |tx| store::note_archive(tx, &id, &archive.archive_id)).await?)
}

/// Counts so many more exports under a warrant, unless there would be too many.
async fn count_export(hub: &Hub, warrant_id: &str, by: i64) -> Result<bool, ExchangeError> {
    let (id, most) = (warrant_id.to_owned(), rows(hub.config.portal.sample_exports_max));
    Ok(hub.store.write(move |tx| warrants::count_export(tx, &id, (by, most))).await?)
}

/// The archive of a sample with its file, which is handed out with evidence.
///
/// # Errors
/// `NotFound` unless the sample is of the person's warrant and its archive is done; as `archive::take`.
pub async fn take(hub: &Hub, person: &Person, sample_id: &str) -> Result<(ArchiveRow, File), ExchangeError> {
    let archive = view(hub, person, sample_id, i64::MAX).await?.archive.ok_or(ExchangeError::NotFound)?;
    archive::take(hub, &person.by(), &archive.archive_id).await
}

/// Draws every sample whose seed is known by now. Answers how many.
///
/// # Errors
/// `Store`.
pub async fn draw_open(hub: &Hub) -> Result<usize, ExchangeError> {
    let mut drawn: usize = 0;
    for row in hub.store.read(|tx| store::open(tx, DRAWN_AT_ONCE)).await? {
        drawn = drawn.saturating_add(usize::from(draw(hub, row).await?));
    }
    Ok(drawn)
}

/// What decides a sample: the warrant, and the first kept head that covers the evidence that it was asked for.
fn decided(tx: &mut Connection, row: &SampleRow) -> Result<Option<(Warrant, i64, String)>, StoreError> {
    let Some(entry) = ledger::entries_of(tx, &[&row.evidence_id])?.into_iter().next() else { return Ok(None) };
    let heads = ledger::heads_within(tx, entry.ledger_index, i64::MAX)?;
    let Some(head) = heads.into_iter().next() else { return Ok(None) };
    let Some(warrant) = warrants::find(tx, &row.warrant_id)? else { return Ok(None) };
    let agencies = warrants::agencies_of(tx, &[&row.warrant_id])?.remove(&row.warrant_id).unwrap_or_default();
    Ok(Some((Warrant { row: warrant, agencies }, head.tree_size, head.note)))
}

async fn draw(hub: &Hub, row: SampleRow) -> Result<bool, ExchangeError> {
    let asked = row.clone();
    let Some((warrant, tree_size, note)) = hub.store.read(move |tx| decided(tx, &asked)).await? else {
        return Ok(false);
    };
    let seed = if row.is_own_seed { row.seed.clone() } else { Digest::of(note.as_bytes()).hex() };
    let mut draw = Draw::new(seed.clone(), usize::try_from(row.size).unwrap_or(0));
    let first = warrant.row.documents_from.clone();
    let mut from = match warrant.documents() {
        Some(_) => Some(hub.store.read(move |tx| archive::first_index(tx, &first)).await?),
        None => None,
    };
    while let Some(at) = from {
        let of = warrant.clone();
        let (page, next) = hub.store.read(move |tx| population(tx, &of, (at, tree_size))).await?;
        page.into_iter().for_each(|envelope_id| draw.show(envelope_id));
        from = next;
    }
    let (population, drawn) = draw.finish();
    let act = Act::new(hub, &By::Hub);
    let facts = json!({
        "sample": row.sample_id, "warrant": row.warrant_id, "seed": seed, "population": population,
        "tree_size": tree_size, "documents_sha256": Digest::of(drawn.join("\n").as_bytes()).hex(),
    });
    let item = |(number, envelope_id): (i64, String)| {
        let sample_id = row.sample_id.clone();
        ItemRow { sample_id, number, envelope_id, note: String::new() }
    };
    let items: Vec<ItemRow> = (1..).zip(drawn).map(item).collect();
    let row = row.drawn((seed, population), (tree_size, note), act.now);
    let kept = hub.store.write(move |tx| {
        // What is being destroyed at this moment is destroyed before; what is destroyed later sees this sample.
        purges::stand_still(tx)?;
        let is_first = store::draw(tx, &row, &items)?;
        if is_first {
            act.note(tx, (EvidenceEvent::DataAccessed, "sample-drawn"), None, facts.clone())?;
        }
        Ok(is_first)
    });
    Ok(kept.await?)
}

/// The documents that a warrant is for among a page of the ledger, and from where the next page goes on.
fn population(
    tx: &mut Connection,
    warrant: &Warrant,
    part: (i64, i64),
) -> Result<(Vec<String>, Option<i64>), StoreError> {
    let Some(days) = warrant.documents() else { return Ok((Vec::new(), None)) };
    let (accepted, next) = archive::accepted(tx, days, part)?;
    let ids: Vec<&str> = accepted.iter().map(String::as_str).collect();
    let (found, mut recipients) = (envelopes::of_ids(tx, &ids)?, search::recipients(tx, &ids)?);
    let codes: HashSet<&str> = warrant.agencies.iter().map(String::as_str).collect();
    let is_of = |code: &str| warrant.row.every_agency || codes.contains(code);
    let documents = found.into_iter().filter(|envelope| {
        let to = recipients.remove(&envelope.envelope_id).unwrap_or_default();
        envelope.is_document() && (is_of(&envelope.sender_code) || to.iter().any(|code| is_of(code)))
    });
    Ok((documents.map(|envelope| envelope.envelope_id).collect(), next))
}
