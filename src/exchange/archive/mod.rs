//! Archives: what was exchanged in a period, with all that proves it, in one file that verifies without the hub. Whoever asks
//! names a selection; a head of the ledger cuts it off, so that the same request gives the same bytes whenever it is
//! carried out. A job makes the file; until it is whole nothing of it is shown. Here: asking, listing, handing out. What is in
//! a file: `gather` and `compose`; whether one holds: `verify`.

mod batches;
mod compose;
mod destroyed;
mod gather;
mod index;
mod trail;

pub(super) use destroyed::{destroy, sweep};
use gather::Packet;
pub(super) use gather::{accepted, first_index};

use super::access::{self, Access};
use super::act::{Act, By};
use super::{ExchangeError, close, prove, rows};
use crate::domain::dates::{beginning, date, for_people};
use crate::domain::directory::folded;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::hub::Hub;
use crate::store::archive_files::ArchiveFiles;
use crate::store::archives;
pub use crate::store::archives::ArchiveRow;
use crate::store::envelopes::EnvelopeRow;
use crate::store::payloads::PayloadStream;
use crate::store::{Connection, StoreError, agencies, purges};
use bytes::Bytes;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs::File;
use std::io::{self, Read};
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;

/// What somebody wants in an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// What an agency sent and was sent; without one, everything. Code or alias.
    pub agency: Option<String>,
    /// First day, in Vietnam.
    pub from: String,
    /// Last day.
    pub until: String,
    /// Only documents, or only status packets.
    pub documents: Option<bool>,
    /// Only packets about the document of this identifier.
    pub document_id: Option<String>,
    /// Whether the packets themselves are in it.
    pub packets: bool,
    /// Only what these agencies sent and were sent, by their codes; none: whichever. Not written where there are none, so that
    /// requests stay what they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub among: Vec<String>,
    /// Only these envelopes, in the order of ids, and no statements; none: whichever.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub envelopes: Vec<String>,
}

/// A selection, cut off at a head of the ledger: what is in the archive is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What is wanted; the agency by its code.
    #[serde(flatten)]
    pub selection: Selection,
    /// What was sealed later is not in it.
    pub tree_size: i64,
    /// The head of that size, with what witnesses had put under it by then.
    pub checkpoint: String,
    /// Whether the time-stamp over that head is in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stamped: bool,
}

impl Request {
    /// The one that a row keeps.
    ///
    /// # Errors
    /// `UnknownWord`.
    pub fn of(row: &ArchiveRow) -> Result<Self, StoreError> {
        let unknown = |_| StoreError::UnknownWord { column: "archives.request", value: row.request.clone() };
        serde_json::from_str(&row.request).map_err(unknown)
    }

    /// From when until before when packets were accepted.
    fn period(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let after = date(&self.selection.until)?.checked_add_days(Days::new(1))?;
        Some((beginning(date(&self.selection.from)?)?, beginning(after)?))
    }

    /// Whether a packet may be in it by its kind and document.
    fn wants(&self, envelope: &EnvelopeRow) -> bool {
        let Selection { documents, document_id, .. } = &self.selection;
        documents.is_none_or(|documents| documents == envelope.is_document())
            && document_id.as_ref().is_none_or(|wanted| *wanted == envelope.document_id)
    }

    /// Whether an envelope is among those that are named.
    fn names(&self, envelope_id: &str) -> bool {
        let named = &self.selection.envelopes;
        named.is_empty() || named.binary_search_by(|one| one.as_str().cmp(envelope_id)).is_ok()
    }

    /// Whether the content of a packet is shown: of a sample, only what its sender's side or a recipient that has it may open (ADR
    /// 0026).
    fn shows(&self, packet: &Packet) -> bool {
        self.selection.envelopes.is_empty() || packet.is_whole || packet.is_with_recipient()
    }

    /// Whether the content of a packet to these recipients is to be in it.
    pub(super) fn holds(&self, envelope: &EnvelopeRow, recipients: &[&str]) -> bool {
        let at = envelope.accepted_at.and_utc();
        self.selection.packets
            && self.period().is_some_and(|(begins, ends)| at >= begins && at < ends)
            && self.wants(envelope)
            && self.names(&envelope.envelope_id)
            && (self.is_of(&envelope.sender_code) || recipients.iter().any(|code| self.is_of(code)))
    }

    /// Whether what an agency sent or was sent is in it.
    fn is_of(&self, code: &str) -> bool {
        let Selection { agency, among, .. } = &self.selection;
        agency.as_ref().is_none_or(|agency| agency == code)
            && (among.is_empty() || among.iter().any(|agency| agency == code))
    }
}

/// What is asked for with archives that are not finished.
pub(super) fn open_requests(tx: &mut Connection) -> Result<Vec<Request>, StoreError> {
    let rows = archives::open(tx, i64::MAX)?.into_iter().map(|id| archives::find(tx, &id));
    rows.filter_map(Result::transpose).map(|row| Request::of(&row?)).collect()
}

fn malformed(vi: &str, en: &str) -> ExchangeError {
    ExchangeError::Malformed(Wording::new(vi, en))
}

/// A time-stamp is of lately while no more of them than this could have followed.
const PAUSES: u64 = 2;

/// When what was accepted up to a day is taken to be sealed whole.
fn settled(last: NaiveDate) -> Option<DateTime<Utc>> {
    Some(close::settled(beginning(last.checked_add_days(Days::new(1))?)?))
}

/// Asks for an archive of a selection, as the ledger stands now.
///
/// # Errors
/// `Malformed` when days or agency are none, or nothing is sealed yet; `ComeAgain` when too many wait; `Store`.
pub async fn ask(hub: &Hub, by: &By, selection: Selection) -> Result<ArchiveRow, ExchangeError> {
    let wrong = || malformed("ngày phải có dạng yyyy-MM-dd, từ ngày không sau đến ngày", "no days yyyy-MM-dd in order");
    let days = date(&selection.from).zip(date(&selection.until)).filter(|(from, until)| from <= until);
    let (from, until) = days.ok_or_else(wrong)?;
    let (agency, settled) = (selection.agency.clone(), settled(until).ok_or_else(wrong)?);
    // What happened since the last time-stamp is to be in it too, if nothing was stamped for long.
    let pauses = hub.config.timestamp.every_seconds.saturating_mul(PAUSES);
    let lately = TimeDelta::try_seconds(i64::try_from(pauses).unwrap_or(i64::MAX)).unwrap_or_default();
    let lately = hub.clock.now().checked_sub_signed(lately).unwrap_or_default();
    let found = hub.store.read(move |tx| {
        let agency = agency.as_ref().map(|name| agencies::find_by_alias(tx, &folded(name))).transpose()?;
        Ok((agency, prove::cut_off(tx, (settled, lately))?))
    });
    let (agency, head) = found.await?;
    if agency.as_ref().is_some_and(Option::is_none) {
        return Err(malformed("không có cơ quan này", "there is no such agency"));
    }
    let (head, stamped) =
        head.ok_or_else(|| malformed("sổ cái chưa có điểm chốt nào", "no head of the ledger was signed yet"))?;
    let request = Request {
        selection: Selection {
            agency: agency.flatten().map(|agency| agency.code.0),
            from: from.to_string(),
            until: until.to_string(),
            ..selection
        },
        tree_size: head.tree_size,
        checkpoint: head.note,
        stamped,
    };
    keep(hub, by, serde_json::to_string(&request).unwrap_or_default()).await
}

/// Asks for an archive once more, with the selection and cut-off of an earlier one: it gets the same bytes.
///
/// # Errors
/// `NotFound` when there is no such archive; `ComeAgain` when too many wait; `Store`.
pub async fn ask_again(hub: &Hub, by: &By, archive_id: &str) -> Result<ArchiveRow, ExchangeError> {
    let before = archive(hub, archive_id).await?;
    keep(hub, by, before.request).await
}

async fn keep(hub: &Hub, by: &By, request: String) -> Result<ArchiveRow, ExchangeError> {
    let row = ArchiveRow::new(hub.ids.next(), request, by.who().to_owned(), hub.clock.now());
    let (act, kept, most) = (Act::new(hub, by), row.clone(), rows(hub.config.archives.waiting_max));
    let has_packets = Request::of(&row)?.selection.packets;
    let has_room = hub.store.write(move |tx| {
        // What is being destroyed at this moment is destroyed before; what is destroyed later sees this request.
        if has_packets {
            purges::stand_still(tx)?;
        }
        if rows(archives::open(tx, most)?.len()) >= most {
            return Ok(false);
        }
        note(tx, &act, "ask", &kept)?;
        archives::insert(tx, &kept)?;
        Ok(true)
    });
    if has_room.await? { Ok(row) } else { Err(ExchangeError::ComeAgain { too_many: true }) }
}

/// Leaves evidence of what was done with an archive.
fn note(tx: &mut Connection, act: &Act, what: &str, row: &ArchiveRow) -> Result<(), StoreError> {
    let request = Request::of(row)?;
    let facts = json!({
        "archive": row.archive_id, "from": request.selection.from, "until": request.selection.until, "packets": request.selection.packets,
        "document_id": request.selection.document_id, "tree_size": request.tree_size,
        "envelopes": request.selection.envelopes.len(),
    });
    let (evidence_id, Selection { agency, among, .. }) = (act.ids.next(), request.selection);
    act.note_under(tx, &evidence_id, (EvidenceEvent::ArchiveExported, what), (agency.as_deref(), facts))?;
    let access = Access {
        act: if what == "ask" { "archive" } else { "archive-content" },
        agencies: agency.into_iter().chain(among).collect(),
        asks: row.archive_id.clone(),
        ..Access::default()
    };
    access::list(tx, act, &evidence_id, &access)
}

/// An export.
///
/// # Errors
/// `NotFound`, `Store`.
pub async fn archive(hub: &Hub, archive_id: &str) -> Result<ArchiveRow, ExchangeError> {
    let id = archive_id.to_owned();
    hub.store.read(move |tx| archives::find(tx, &id)).await?.ok_or(ExchangeError::NotFound)
}

/// Exports, the newest first.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub, before: String, limit: usize) -> Result<Vec<ArchiveRow>, ExchangeError> {
    Ok(hub.store.read(move |tx| archives::list_before(tx, &before, rows(limit))).await?)
}

/// Where the files are.
fn files(hub: &Hub) -> ArchiveFiles {
    ArchiveFiles::of(&hub.config.data.directory)
}

/// Whether an archive can be handed out.
fn is_there(row: &ArchiveRow) -> Result<(), ExchangeError> {
    if let Some(at) = row.destroyed_at() {
        let (at, id) = (for_people(at), &row.archive_id);
        return Err(ExchangeError::Destroyed(Wording::new(
            format!(
                "Gói lưu trữ đã tiêu hủy lúc {at} cùng nội dung trong nó đã hết thời hạn lưu. Hãy xin gói mới như gói này \
                 (\"like\": \"{id}\"): mỗi nội dung đã tiêu hủy được thay bằng bản ghi tiêu hủy của nó"
            ),
            format!(
                "The archive was destroyed at {at} with a content in it whose time was over. Ask for a new one like it \
                 (\"like\": \"{id}\"): each destroyed content is replaced by the note of its destruction"
            ),
        )));
    }
    if row.state == "done" { Ok(()) } else { Err(ExchangeError::NotFound) }
}

/// An archive that is handed out, with its file; that it was is evidence.
///
/// # Errors
/// `NotFound` when there is none, it is not done, or its file is not there; `Destroyed` with a content in it; `Payload` when the
/// file cannot be read; `Store`.
pub async fn take(hub: &Hub, by: &By, archive_id: &str) -> Result<(ArchiveRow, File), ExchangeError> {
    let row = archive(hub, archive_id).await?;
    is_there(&row)?;
    let file = match files(hub).open(archive_id) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // It may have been destroyed at this moment.
            is_there(&archive(hub, archive_id).await?)?;
            return Err(ExchangeError::NotFound);
        }
        Err(error) => return Err(ExchangeError::Payload(error)),
    };
    let (act, id, has_packets) = (Act::new(hub, by), archive_id.to_owned(), Request::of(&row)?.selection.packets);
    let taken = hub.store.write(move |tx| {
        // What is being destroyed at this moment is destroyed before; what is handed out now is evidence before that.
        if has_packets {
            purges::stand_still(tx)?;
        }
        let row = archives::find(tx, &id)?.ok_or(StoreError::Missing("archives"))?;
        match is_there(&row) {
            Ok(()) => note(tx, &act, "hand-out", &row).map(|()| Ok(row)),
            Err(why) => Ok(Err(why)),
        }
    });
    Ok((taken.await??, file))
}

/// Bytes of a file that are sent at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// The bytes of a file, for an answer.
pub fn stream(file: File) -> PayloadStream {
    Box::pin(stream::try_unfold(file, |mut file| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; CHUNK_BYTES];
            let read = file.read(&mut chunk)?;
            chunk.truncate(read);
            Ok::<_, io::Error>((read > 0).then(|| (Bytes::from(chunk), file)))
        });
        read.await.unwrap_or_else(|_| Err(io::Error::other("reading an archive was interrupted")))
    }))
}

/// How far an archive is: packets that are in it.
pub type Watch<'a> = &'a mut (dyn FnMut(u64) + Send);

/// Makes every archive that is asked for and that no node is at. Answers how many. One that has to wait holds up no other.
///
/// # Errors
/// `Store`: that of the last one that has to wait, once all were looked at.
pub async fn make_open(hub: &Hub) -> Result<usize, ExchangeError> {
    let most = rows(hub.config.archives.waiting_max);
    let (mut made, mut last): (usize, _) = (0, None);
    for archive_id in hub.store.read(move |tx| archives::open(tx, most)).await? {
        match make(hub, &archive_id, &mut |_| {}).await {
            Ok(is_made) => made = made.saturating_add(usize::from(is_made)),
            Err(why) => {
                log::error!(target: "jobs", "archive.id" = archive_id.as_str(); "an archive has to wait: {}", told(&why));
                last = Some(why);
            }
        }
    }
    last.map_or(Ok(made), Err)
}

/// Makes an archive, unless a node is at it. One that cannot be made has failed, and says why; a broken database leaves it open
/// for the next round.
///
/// # Errors
/// `Store`.
pub async fn make(hub: &Hub, archive_id: &str, watch: Watch<'_>) -> Result<bool, ExchangeError> {
    let lease = Lease { archive_id: archive_id.to_owned(), owner: hub.ids.next() };
    if !lease.hold(hub, 0).await? {
        return Ok(false);
    }
    let row = archive(hub, archive_id).await?;
    let ending = match held(hub, &lease, compose::make(hub, (&lease, &row), watch)).await {
        Err(ExchangeError::Store(error)) => return Err(ExchangeError::Store(error)),
        Ok(whole) => Ok(whole),
        Err(why) => {
            log::error!(target: "jobs", "archive.id" = archive_id; "an archive cannot be made: {why}");
            Err(told(&why))
        }
    };
    let now = hub.clock.now();
    Ok(hub.store.write(move |tx| archives::finish(tx, (&lease.archive_id, &lease.owner), &ending, now)).await?)
}

/// Waits until an archive is made and keeps it for whoever makes it: one page, or the end of a large file, may take longer
/// than a lease.
async fn held<T>(
    hub: &Hub,
    lease: &Lease,
    making: impl Future<Output = Result<T, ExchangeError>>,
) -> Result<T, ExchangeError> {
    let beat = Duration::from_secs((hub.config.jobs.lease_seconds / 3).max(1));
    let mut making = pin!(making);
    loop {
        if let Ok(made) = timeout(beat, &mut making).await {
            return made;
        }
        // It may be kept at the next beat. What another node took over cannot be finished here.
        if let Err(why) = lease.renew(hub).await {
            log::warn!(target: "jobs", "archive.id" = lease.archive_id.as_str(); "an archive cannot be kept: {}", told(&why));
        }
    }
}

/// Why an archive failed, with the cause behind it.
fn told(why: &ExchangeError) -> String {
    let source = std::error::Error::source(why);
    source.map_or_else(|| why.to_string(), |cause| format!("{why}: {cause}"))
}

/// Who makes an archive.
struct Lease {
    archive_id: String,
    owner: String,
}

impl Lease {
    /// From when until when one runs that begins now.
    fn term(hub: &Hub) -> (DateTime<Utc>, DateTime<Utc>) {
        let now = hub.clock.now();
        let lease = i64::try_from(hub.config.jobs.lease_seconds).ok().and_then(TimeDelta::try_seconds);
        (now, now.checked_add_signed(lease.unwrap_or_default()).unwrap_or(now))
    }

    /// Keeps it, however far the archive is; says whether it is still this owner's.
    async fn renew(&self, hub: &Hub) -> Result<bool, ExchangeError> {
        let (_, until) = Self::term(hub);
        let (id, owner) = (self.archive_id.clone(), self.owner.clone());
        Ok(hub.store.write(move |tx| archives::renew(tx, (&id, &owner), until)).await?)
    }

    /// Takes it or keeps it; says whether it is this owner's.
    async fn hold(&self, hub: &Hub, done: u64) -> Result<bool, ExchangeError> {
        let (now, until) = Self::term(hub);
        let (id, owner, done) = (self.archive_id.clone(), self.owner.clone(), i64::try_from(done).unwrap_or(i64::MAX));
        Ok(hub.store.write(move |tx| archives::hold(tx, (&id, &owner), done, (now, until))).await?)
    }
}
