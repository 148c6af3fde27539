//! A person opens what came with a document: an attachment, or the packet as it came (ADR 0026). Each opening is evidence before
//! the first byte leaves. It is no hand-over: only a recipient's software takes a packet over (`pickup`), and before it did,
//! nobody on the recipient's side opens anything, so that what is withdrawn in time was really never seen.

use super::ExchangeError;
use super::access::{self, Access};
use super::act::Act;
use super::lookup::at_a_place;
use super::sessions::Person;
use super::viewer::Viewer;
use crate::domain::dates;
use crate::domain::delivery::DeliveryState;
use crate::domain::destruction::Line;
use crate::domain::evidence::{Evidence, EvidenceEvent};
use crate::domain::packet::Digest;
use crate::domain::rules::Wording;
use crate::hub::Hub;
use crate::store::deliveries::DeliveryRow;
use crate::store::envelopes::{EnvelopeRow, digest_of};
use crate::store::payloads::PayloadStream;
use crate::store::transfers::{self, Attached};
use crate::store::{Connection, StoreError, envelopes, evidence, purges};
use crate::wire::read;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::io::{self, BufRead, BufReader, Cursor, Write};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

/// What of a document somebody opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The packet as it came.
    Packet,
    /// An attachment, numbered from 1.
    Attachment(usize),
}

/// Something on its way to a person.
pub struct Opened {
    /// What its sender calls it.
    pub name: String,
    /// How many bytes there are.
    pub bytes: u64,
    /// The bytes; they end in an error rather than as others than came.
    pub content: PayloadStream,
}

/// The bytes of an accepted packet, or where they are.
pub(super) struct Kept {
    pub(super) sha256: Digest,
    pub(super) bytes: u64,
    place: Whereabouts,
}

/// Where they are.
enum Whereabouts {
    Row(Vec<u8>),
    File,
    /// Nowhere: destroyed, and when.
    Nowhere(DateTime<Utc>),
}

/// The bytes of an envelope.
pub(super) fn kept(tx: &mut Connection, envelope_id: &str) -> Result<Kept, StoreError> {
    let envelope = envelopes::find(tx, envelope_id)?.ok_or(StoreError::Missing("envelopes"))?;
    let place = match envelopes::find_payload(tx, envelope_id)? {
        Some(Some(content)) => Whereabouts::Row(content),
        Some(None) => Whereabouts::File,
        None => Whereabouts::Nowhere(destroyed(tx, envelope_id)?.ok_or(StoreError::Missing("payloads"))?.0),
    };
    let (sha256, bytes) = (digest_of(&envelope.payload_sha256), u64::try_from(envelope.bytes).unwrap_or(0));
    Ok(Kept { sha256, bytes, place })
}

/// When the content of an envelope was destroyed, and its line in the certificate; nothing as long as it is there.
pub(super) fn destroyed(tx: &mut Connection, envelope_id: &str) -> Result<Option<(DateTime<Utc>, Line)>, StoreError> {
    let Some(text) = purges::destroyed(tx, &[envelope_id])?.remove(envelope_id) else { return Ok(None) };
    let unknown = || StoreError::UnknownWord { column: "destroyed_packets.line", value: text.clone() };
    let line: Line = serde_json::from_str(&text).map_err(|_| unknown())?;
    let at = dates::timestamp(&line.destroyed_at).ok_or_else(unknown)?;
    Ok(Some((at, line)))
}

/// Whether the content of an envelope is still there, so that what is handed out now is evidence before a purge that goes on beside
/// it, or waits for that and is refused.
pub(super) fn still_there(tx: &mut Connection, envelope_id: &str) -> Result<Result<(), ExchangeError>, StoreError> {
    purges::stand_still(tx)?;
    Ok(destroyed(tx, envelope_id)?.map_or(Ok(()), |(at, _)| Err(gone(at))))
}

fn gone(at: DateTime<Utc>) -> ExchangeError {
    let at = dates::for_people(at);
    ExchangeError::Destroyed(Wording::new(format!("Đã tiêu hủy lúc {at}"), format!("Destroyed at {at}")))
}

impl Kept {
    /// The bytes in the row, if they live there and are what they were.
    fn in_row(&mut self) -> Result<Option<Vec<u8>>, ExchangeError> {
        match std::mem::replace(&mut self.place, Whereabouts::File) {
            Whereabouts::Row(content) if Digest::of(&content) != self.sha256 => Err(ExchangeError::Payload(altered())),
            Whereabouts::Row(content) => Ok(Some(content)),
            Whereabouts::File => Ok(None),
            Whereabouts::Nowhere(at) => Err(gone(at)),
        }
    }

    /// The bytes as a stream; what cannot be handed out fails here.
    pub(super) fn stream(mut self, hub: &Hub) -> Result<PayloadStream, ExchangeError> {
        Ok(match self.in_row()? {
            Some(content) => Box::pin(stream::once(async { Ok(Bytes::from(content)) })),
            None => hub.payloads.stream(&self.sha256, self.bytes).map_err(ExchangeError::Payload)?,
        })
    }

    fn reader(mut self, hub: &Hub) -> Result<Box<dyn BufRead + Send>, ExchangeError> {
        Ok(match self.in_row()? {
            Some(content) => Box::new(Cursor::new(content)),
            None => {
                let file = hub.payloads.reader(&self.sha256, self.bytes).map_err(ExchangeError::Payload)?;
                Box::new(BufReader::with_capacity(PIECE_BYTES, file))
            }
        })
    }
}

fn altered() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the packet was altered")
}

/// On whose behalf a person opens something, or why it may not.
type Side = Result<String, ExchangeError>;

/// Whether the side of a recipient has the content: its software took it, and it was not given back.
fn has_content(row: &DeliveryRow) -> Result<bool, StoreError> {
    let was_taken = match row.progress()?.state {
        DeliveryState::HandedOver => true,
        // That content left for it is also said of what only a neighbouring hub has.
        DeliveryState::Consigned => row.fetched_at().is_some() && row.via.is_none(),
        // It may have left in a push that the software did not take.
        DeliveryState::Pending | DeliveryState::Failed | DeliveryState::Withdrawn => false,
    };
    Ok(was_taken && row.recall != "agreed")
}

fn side(tx: &mut Connection, person: &Person, envelope: &EnvelopeRow) -> Result<Side, StoreError> {
    if person.role.sees_every_agency() {
        return Ok(Err(ExchangeError::NotAllowed(Wording::new(
            "Vai trò này không mở nội dung văn bản",
            "This role opens no content",
        ))));
    }
    // The end of a warrant, and its days, hold in whichever moment it is looked at.
    if !person.covers(envelope.accepted_at.and_utc()) {
        return Ok(Err(ExchangeError::NotFound));
    }
    if person.warrant.as_ref().is_some_and(|warrant| !warrant.row.content) {
        return Ok(Err(ExchangeError::NotAllowed(Wording::new(
            "Quyết định kiểm tra này không cho mở nội dung văn bản",
            "This warrant does not let content be opened",
        ))));
    }
    if person.may_see(&envelope.sender_code) {
        return Ok(Ok(envelope.sender_code.clone()));
    }
    let rows = Viewer::of(person).deliveries_of(tx, &envelope.envelope_id)?;
    for row in &rows {
        if has_content(row)? {
            return Ok(Ok(row.recipient_code.clone()));
        }
    }
    Ok(Err(match rows.is_empty() {
        true => ExchangeError::NotFound,
        false => ExchangeError::NotAllowed(Wording::new(
            "Nội dung chỉ mở được ở đây sau khi phần mềm của đơn vị đã lấy văn bản về, và khi văn bản chưa được trả lại",
            "Content can be opened here once the software of the agency has fetched the document, unless it was given back",
        )),
    }))
}

/// Whether a person may open what a document carries, in a view of it.
pub(super) fn may_open(tx: &mut Connection, person: &Person, envelope: &EnvelopeRow) -> Result<bool, StoreError> {
    Ok(side(tx, person, envelope)?.is_ok())
}

/// How long something on its way out takes a place among the downloads.
const PLACE_TAKEN_MAX: Duration = Duration::from_secs(600);

/// A place among the downloads. It is free again when this goes, and after `PLACE_TAKEN_MAX` at the latest: what nobody takes
/// any more is asked for nothing and does not go, and a few such would keep everybody else out.
pub struct Place {
    /// What it hears of is that this is gone.
    _is_there: oneshot::Sender<()>,
}

/// A place among the downloads.
///
/// # Errors
/// `ComeAgain` when too much is on its way out.
pub async fn place(hub: &Hub) -> Result<Place, ExchangeError> {
    Ok(taken(at_a_place(&hub.downloads).await?, PLACE_TAKEN_MAX))
}

fn taken(permit: OwnedSemaphorePermit, most: Duration) -> Place {
    let (is_there, gone) = oneshot::channel();
    tokio::spawn(async move {
        // Gone or too late: the place is free either way.
        let _ = timeout(most, gone).await;
        drop(permit);
    });
    Place { _is_there: is_there }
}

/// Opens a part of a document for a person. That it did is durable before the first byte leaves.
///
/// # Errors
/// `NotFound` unless the person looks after a party to it and there is such a part; `NotAllowed` as long as its side has no
/// content; `ComeAgain` when too much is on its way out; `Store`, `Payload`.
pub async fn open(hub: &Hub, person: &Person, (id, part): (&str, Part)) -> Result<Opened, ExchangeError> {
    let place = place(hub).await?;
    let (asking, wanted) = (person.clone(), id.to_owned());
    let found = hub.store.read(move |tx| {
        let Some(envelope) = envelopes::find(tx, &wanted)? else { return Ok(Err(ExchangeError::NotFound)) };
        if let Err(why) = side(tx, &asking, &envelope)? {
            return Ok(Err(why));
        }
        let attached = transfers::attachments_of(tx, &wanted)?;
        Ok(Ok((kept(tx, &wanted)?, envelope, attached)))
    });
    let (kept, envelope, attached) = found.await??;
    let (sha256, bytes) = (kept.sha256, kept.bytes);
    let (opened, facts) = match part {
        Part::Packet => {
            let facts = json!({ "sha256": sha256.hex(), "bytes": bytes });
            (Opened { name: format!("{}.edxml", envelope.code()), bytes, content: kept.stream(hub)? }, facts)
        }
        Part::Attachment(number) => {
            let file = number.checked_sub(1).and_then(|before| attached.into_iter().nth(before));
            let file = file.ok_or(ExchangeError::NotFound)?;
            let facts = json!({ "attachment": number, "sha256": hex::encode(&file.sha256), "bytes": file.bytes });
            let bytes = u64::try_from(file.bytes).unwrap_or(0);
            let (name, reader) = (name_of(&file), kept.reader(hub)?);
            (Opened { name, bytes, content: content(hub, reader, (number, digest_of(&file.sha256))) }, facts)
        }
    };
    note(hub, person, envelope, facts).await?;
    let content = opened.content.inspect(move |_| {
        // The place is taken until the last byte, if that does not take too long.
        let _ = &place;
    });
    Ok(Opened { content: Box::pin(content), ..opened })
}

/// What an attachment is called. The vendor SDK zips files on their way without saying so in their names.
fn name_of(file: &Attached) -> String {
    let is_zip =
        file.content_type.split(';').next().is_some_and(|of| of.trim().eq_ignore_ascii_case("application/zip"));
    match is_zip && !file.name.to_ascii_lowercase().ends_with(".zip") {
        true => format!("{}.zip", file.name),
        false => file.name.clone(),
    }
}

async fn note(
    hub: &Hub,
    person: &Person,
    envelope: EnvelopeRow,
    facts: serde_json::Value,
) -> Result<(), ExchangeError> {
    let (act, person) = (Act::new(hub, &person.by()), person.clone());
    let noted = hub.store.write(move |tx| {
        // Whoever gave the document back meanwhile opens it no more.
        let agency = match side(tx, &person, &envelope)? {
            Ok(agency) => agency,
            Err(why) => return Ok(Err(why)),
        };
        if let Err(why) = still_there(tx, &envelope.envelope_id)? {
            return Ok(Err(why));
        }
        let (system_id, facts) = act.facts("open", facts.clone());
        let piece = Evidence {
            event: EvidenceEvent::ContentViewed,
            at: act.now,
            envelope_id: Some(envelope.envelope_id.clone()),
            delivery_id: None,
            agency: Some(agency.clone()),
            system_id,
            facts: facts.to_string(),
        };
        let evidence_id = act.ids.next();
        evidence::append(tx, &evidence_id, &piece)?;
        let access = Access {
            act: "open",
            agencies: vec![agency],
            document: Some((envelope.envelope_id.clone(), envelope.accepted_at.and_utc())),
            ..Access::default()
        };
        access::list(tx, &act, &evidence_id, &access).map(Ok)
    });
    noted.await?
}

/// Bytes of an attachment that are handed on at once.
const PIECE_BYTES: usize = 128 * 1024;
/// Pieces that may wait for whoever opens it.
const PIECES_WAITING_MAX: usize = 2;
/// How long a piece may wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// The content of an attachment, decoded as the packet is read. The last piece is held back until the digest is known to be
/// right.
fn content(hub: &Hub, packet: Box<dyn BufRead + Send>, (number, sha256): (usize, Digest)) -> PayloadStream {
    let (to, pieces) = mpsc::channel(PIECES_WAITING_MAX);
    let (limits, runtime) = (hub.config.packets.clone(), Handle::current());
    tokio::task::spawn_blocking(move || {
        let way = Way { to, runtime };
        let sink = Sink { way: way.clone(), pending: Vec::new() };
        let end = match read::attachment(packet, &limits, number, Box::new(sink)) {
            Ok(Some(content)) if content.sha256 == sha256 => Ok(Bytes::new()),
            Ok(_) => Err(altered()),
            Err(error) => Err(error),
        };
        // Whoever is gone hears nothing.
        let _ = way.send(end);
    });
    let pieces = stream::unfold(Some((pieces, None)), |state: Option<(mpsc::Receiver<_>, Option<Bytes>)>| async move {
        let (mut pieces, mut held) = state?;
        loop {
            let next: Option<io::Result<Bytes>> = pieces.recv().await;
            match next {
                Some(Ok(piece)) if piece.is_empty() => return held.map(|held| (Ok(held), None)),
                Some(Ok(piece)) => {
                    if let Some(before) = held.replace(piece) {
                        return Some((Ok(before), Some((pieces, held))));
                    }
                }
                Some(Err(error)) => return Some((Err(error), None)),
                None => return Some((Err(io::Error::other("reading a packet was interrupted")), None)),
            }
        }
    });
    Box::pin(pieces)
}

/// The way from the thread that reads to whoever opens it.
#[derive(Clone)]
struct Way {
    to: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
}

impl Way {
    /// Hands something on; whoever takes nothing for too long is not waited for.
    fn send(&self, piece: io::Result<Bytes>) -> io::Result<()> {
        match self.runtime.block_on(async { timeout(PATIENCE, self.to.send(piece)).await }) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes it")),
        }
    }
}

/// Takes decoded bytes and hands them on in pieces, the last one when it goes.
struct Sink {
    way: Way,
    pending: Vec<u8>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.pending) {
            nothing if nothing.is_empty() => Ok(()),
            piece => self.way.send(Ok(piece.into())),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // Whoever is gone needs nothing more.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn a_place_is_free_when_its_download_goes_or_takes_too_long() {
        let places = Arc::new(Semaphore::new(1));
        let going = taken(at_a_place(&places).await.unwrap(), PLACE_TAKEN_MAX);
        assert!(places.try_acquire().is_err());

        drop(going);
        let stalled = taken(at_a_place(&places).await.unwrap(), Duration::ZERO);

        assert!(at_a_place(&places).await.is_ok(), "whoever takes nothing keeps nobody out");
        drop(stalled);
    }
}
