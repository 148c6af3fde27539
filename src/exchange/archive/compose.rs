//! An archive as it is written: members in one order, each noted in the manifest, and at the end the receipt that vouches for
//! that. Until everything is on disk the file has another name. Not here: which packets (`gather`), the form (`wire::container`).

use super::batches::{Batch, Batches};
use super::gather::{Packet, Proofs};
use super::index::Index;
use super::trail::Trail;
use super::{ArchiveRow, Lease, Request, Watch, files};
use crate::domain::dates::for_people;
use crate::domain::evidence::{Evidence, EvidenceEvent};
use crate::domain::packet::Digest;
use crate::exchange::capsule::{Capsule, Piece};
use crate::exchange::statements::{self, StatementFile};
use crate::exchange::{ExchangeError, attest, seal, stamp};
use crate::hub::Hub;
use crate::store::archives;
use crate::store::envelopes::digest_of;
use crate::store::evidence::{self, EvidenceRow};
use crate::store::payloads::Payloads;
use crate::store::statements as statement_rows;
use crate::store::{Connection, StoreError};
use crate::wire::container::Writer;
use crate::wire::manifest::{MANIFEST, MIME, Manifest, RECEIPT, TIMESTAMP};
use chrono::{DateTime, NaiveDate};
use serde_json::json;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Read};
use tempfile::SpooledTempFile;
use tokio::join;

/// How to verify an archive, for people.
const GUIDE: &str = include_str!("guide.html");
/// The page that verifies single receipts and capsules.
const VERIFIER: &str = include_str!("../../../docs/verify.html");

/// Bytes that are written together.
const WRITE_BYTES: usize = 1 << 20;

/// An archive being written.
struct Work {
    writer: Writer<BufWriter<File>>,
    trail: Trail,
    manifest: Manifest,
    index: Index,
}

impl Work {
    fn begin(file: File, stamp: Option<String>) -> io::Result<Self> {
        let trail = Trail::begin(file.try_clone()?);
        let mut writer = Writer::new(BufWriter::with_capacity(WRITE_BYTES, file));
        writer.add("mimetype", MIME.as_bytes())?;
        let mut work = Self { writer, trail, manifest: Manifest::new()?, index: Index::new()? };
        work.add("guide.html", GUIDE.as_bytes())?;
        work.add("verify.html", VERIFIER.as_bytes())?;
        if let Some(stamp) = stamp {
            work.add(TIMESTAMP, stamp.as_bytes())?;
        }
        Ok(work)
    }

    fn add(&mut self, name: &str, content: &[u8]) -> io::Result<Digest> {
        let digest = self.writer.add(name, content)?;
        self.manifest.note(name, &digest)?;
        Ok(digest)
    }

    fn copy(&mut self, name: &str, bytes: u64, from: &mut dyn Read) -> io::Result<Digest> {
        let digest = self.writer.copy(name, bytes, from)?;
        self.manifest.note(name, &digest)?;
        Ok(digest)
    }

    /// Writes packets with what proves them, one capsule after the other.
    fn take(&mut self, hub: &Hub, request: &Request, mut batch: Batch) -> io::Result<()> {
        for packet in batch.packets.iter() {
            self.index.note(packet)?;
            let (proofs, receipts) = (&mut batch.proofs, &mut batch.receipts);
            if request.selection.packets && request.shows(packet) {
                self.content(&hub.payloads, packet, proofs)?;
            }
            let of_packet = packet.evidence.iter();
            let of_packet: Vec<Piece> =
                of_packet.map(|row| Piece::of(row, receipts, &mut proofs.places, None)).collect();
            let id = &packet.envelope.envelope_id;
            if let Some(accepted) = of_packet.first().and_then(|piece| piece.receipt.as_ref()) {
                self.add(&format!("receipts/{id}.xml"), accepted.as_bytes())?;
            }
            for (delivery, pieces) in &packet.deliveries {
                let mut evidence = of_packet.clone();
                let of_neighbour = proofs.of_neighbours.remove(&delivery.delivery_id);
                let of_neighbour = of_neighbour.as_deref();
                let pieces = pieces.iter();
                evidence.extend(pieces.map(|row| Piece::of(row, receipts, &mut proofs.places, of_neighbour)));
                let checkpoint = Some(request.checkpoint.clone());
                let capsule = Capsule::of(hub, (&delivery.delivery_id, &packet.envelope), (checkpoint, None), evidence);
                self.add(&format!("capsules/{}.json", delivery.delivery_id), capsule.file().as_bytes())?;
            }
        }
        self.trail.reached(self.writer.settle()?);
        Ok(())
    }

    /// Writes the packet itself or, where it was destroyed, what certifies that.
    fn content(&mut self, payloads: &Payloads, packet: &Packet, proofs: &mut Proofs) -> io::Result<()> {
        let id = &packet.envelope.envelope_id;
        if let Some(line) = proofs.destroyed.remove(id) {
            return self.add(&format!("packets/{id}.destroyed.json"), line.as_bytes()).map(drop);
        }
        let (name, digest) = (format!("packets/{id}.edxml"), digest_of(&packet.envelope.payload_sha256));
        let found = match proofs.contents.remove(id) {
            Some(content) => self.add(&name, &content)?,
            None => {
                let bytes = packet.envelope.bytes.unsigned_abs();
                self.copy(&name, bytes, &mut payloads.file(&digest, bytes)?)?
            }
        };
        let altered = || io::Error::other(format!("the packet {id} was altered"));
        (found == digest).then_some(()).ok_or_else(altered)
    }
}

/// Runs what waits for the disk where it holds up nobody.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ExchangeError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(io::Error::other("the writing thread died"))).map_err(ExchangeError::Payload)
}

/// Makes the file of an archive. Answers its size and digest.
pub(super) async fn make(
    hub: &Hub,
    (lease, row): (&Lease, &ArchiveRow),
    watch: Watch<'_>,
) -> Result<(i64, String), ExchangeError> {
    let made = fill(hub, (lease, row), watch).await;
    if made.is_err() {
        let (files, id, owner) = (files(hub), row.archive_id.clone(), lease.owner.clone());
        // What cannot be removed goes when the archive is made again.
        let _ = on_disk(move || files.forget(&id, &owner)).await;
    }
    made
}

async fn fill(
    hub: &Hub,
    (lease, row): (&Lease, &ArchiveRow),
    watch: Watch<'_>,
) -> Result<(i64, String), ExchangeError> {
    let request = Request::of(row)?;
    let (files, id, owner) = (files(hub), row.archive_id.clone(), lease.owner.clone());
    let begun = (files.clone(), id.clone(), owner.clone());
    let stamp = match request.stamped {
        true => Some(stamp::of(hub, (request.tree_size, &request.checkpoint)).await?.file()),
        false => None,
    };
    let mut work = on_disk(move || Work::begin(begun.0.begin(&begun.1, &begun.2)?, stamp)).await?;
    work = packets(hub, (lease, &request), work, watch).await?;
    work = of_days(hub, &request, work).await?;
    let (name, cut_off) = (hub.config.selftest.hub_name.clone(), cut_off(hub, &request));
    let closing = on_disk(move || Closing::begin(work, (&request, &name, &cut_off))).await?;
    let receipt = vouched(hub, row, (closing.digest, closing.members)).await?;
    let (file, bytes, trail) = on_disk(move || closing.end(&receipt)).await?;
    let digest = trail.end().await?;
    on_disk(move || files.keep(&id, &owner, &file)).await?;
    Ok((i64::try_from(bytes).unwrap_or(i64::MAX), digest.hex()))
}

/// An archive of which only its manifest and the receipt for that are still to be written.
struct Closing {
    writer: Writer<BufWriter<File>>,
    trail: Trail,
    manifest: SpooledTempFile,
    bytes: u64,
    digest: Digest,
    members: u64,
}

impl Closing {
    /// Adds cover and index.
    fn begin(mut work: Work, (request, hub_name, cut_off): (&Request, &str, &str)) -> io::Result<Self> {
        let cover = work.index.cover(request, hub_name, cut_off)?;
        work.add("report.pdf", &cover)?;
        let Work { mut writer, trail, mut manifest, index } = work;
        for (name, mut file, bytes) in index.finish()? {
            let digest = writer.copy(name, bytes, &mut file)?;
            manifest.note(name, &digest)?;
        }
        let members = manifest.members;
        let (manifest, bytes, digest) = manifest.finish()?;
        Ok(Self { writer, trail, manifest, bytes, digest, members })
    }

    /// Ends the file. Answers its size, and who follows it.
    fn end(mut self, receipt: &str) -> io::Result<(File, u64, Trail)> {
        self.writer.copy(MANIFEST, self.bytes, &mut self.manifest)?;
        self.writer.add(RECEIPT, receipt.as_bytes())?;
        let (out, bytes) = self.writer.finish()?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        self.trail.reached(bytes);
        Ok((file, bytes, self.trail))
    }
}

/// Writes every packet with what proves it; while some are written the next ones are made ready.
async fn packets(
    hub: &Hub,
    (lease, request): (&Lease, &Request),
    mut work: Work,
    watch: Watch<'_>,
) -> Result<Work, ExchangeError> {
    let mut batches = Batches::begin(hub, request).await?;
    let mut ready = batches.next().await?;
    while let Some(batch) = ready {
        let (ends_page, of_hub, asked) = (batch.ends_page, hub.clone(), request.clone());
        let written = on_disk(move || {
            work.take(&of_hub, &asked, batch)?;
            Ok(work)
        });
        // What is being written is written to its end, even if nothing can follow.
        let (written, next) = join!(written, batches.next());
        (work, ready) = (written?, next?);
        if ends_page {
            is_kept_up(hub, lease, work.index.packets, watch).await?;
        }
    }
    Ok(work)
}

/// Tells how far it is. It goes no further when another node took over, or more packets are in it than may be.
async fn is_kept_up(hub: &Hub, lease: &Lease, packets: u64, watch: Watch<'_>) -> Result<(), ExchangeError> {
    watch(packets);
    if !lease.hold(hub, packets).await? {
        return Err(ExchangeError::Unavailable("another node took this archive over".to_owned()));
    }
    let most = hub.config.archives.packets_max;
    let too_many =
        || ExchangeError::Unavailable(format!("more packets than archives.packets_max ({most}): ask for fewer days"));
    (packets <= most).then_some(()).ok_or_else(too_many)
}

/// Writes the statements of closed days.
async fn of_days(hub: &Hub, request: &Request, mut work: Work) -> Result<Work, ExchangeError> {
    let last = request.selection.until.parse::<NaiveDate>().ok();
    let mut day = request.selection.from.parse::<NaiveDate>().ok();
    // Single packets are no days.
    if !request.selection.envelopes.is_empty() {
        return Ok(work);
    }
    while let Some(now) = day.filter(|day| last.is_some_and(|last| *day <= last)) {
        let (name, asked) = (now.to_string(), request.clone());
        let lists = hub.store.read(move |tx| lists(tx, &asked, &name)).await?;
        let head = Some((request.tree_size, request.checkpoint.clone()));
        let mut files = statements::file(hub, lists, head).await?;
        // What was sealed later is not in it.
        files.retain(|file| file.evidence.sealed.is_some());
        work.index.statements = work.index.statements.saturating_add(crate::domain::statement::number(files.len()));
        work = on_disk(move || {
            let name = |file: &StatementFile| format!("statements/{now}/{}.json", file.evidence.record.evidence_id);
            files.iter().try_for_each(|file| work.add(&name(file), file.file().as_bytes()).map(drop))?;
            Ok(work)
        })
        .await?;
        day = now.succ_opt();
    }
    Ok(work)
}

/// The lists of a day that belong into an archive: those of the agency's pairs, or all, with the list of them.
fn lists(tx: &mut Connection, request: &Request, day: &str) -> Result<Vec<(String, String)>, StoreError> {
    let rows = statement_rows::of_day(tx, day)?.into_iter();
    let own = rows.filter(|row| request.is_of(&row.sender_code) || request.is_of(&row.recipient_code));
    let mut lists: Vec<(String, String)> = own.map(|row| (row.evidence_id, row.list)).collect();
    let closing = statement_rows::closed(tx, day)?.filter(|_| request.selection.agency.is_none());
    lists.extend(closing.map(|row| (row.evidence_id, row.list)));
    lists.sort();
    Ok(lists)
}

/// When the head was signed that cuts the archive off, for people.
fn cut_off(hub: &Hub, request: &Request) -> String {
    let opened = seal::opened(&seal::keys(hub), &request.checkpoint).ok();
    let seconds = opened.and_then(|(_, at)| i64::try_from(at?).ok());
    seconds.and_then(|at| DateTime::from_timestamp(at, 0)).map(for_people).unwrap_or_default()
}

/// The receipt that vouches for a list of members: that of the first archive that came to it.
async fn vouched(hub: &Hub, row: &ArchiveRow, (digest, members): (Digest, u64)) -> Result<String, ExchangeError> {
    let request: serde_json::Value = serde_json::from_str(&row.request).unwrap_or_default();
    let facts = json!({ "act": "made", "manifest": digest.hex(), "members": members, "request": request });
    let agency = request.get("agency").and_then(serde_json::Value::as_str).map(str::to_owned);
    let piece = Evidence {
        event: EvidenceEvent::ArchiveExported,
        at: hub.clock.now(),
        envelope_id: None,
        delivery_id: None,
        agency,
        system_id: None,
        facts: facts.to_string(),
    };
    let (fresh, archive_id, manifest) = (hub.ids.next(), row.archive_id.clone(), digest.hex());
    let written = hub.store.write(move |tx| {
        let evidence_id = match archives::evidence_of(tx, &manifest)? {
            Some(known) => known,
            None => {
                evidence::append(tx, &fresh, &piece)?;
                fresh.clone()
            }
        };
        archives::vouch(tx, &archive_id, &manifest, &evidence_id)?;
        evidence::find(tx, &evidence_id)
    });
    let evidence: Vec<EvidenceRow> = written.await?.into_iter().collect();
    let receipts: HashMap<String, String> = attest::issue(hub, evidence).await?;
    let unsigned = || ExchangeError::Unavailable("the receipt of the archive is not there".to_owned());
    receipts.into_values().next().ok_or_else(unsigned)
}
