//! Accepted packets: their facts, attachments, links to other documents, the statuses reported about them, and
//! the row that names their bytes. Their deliveries are in `deliveries`.

use super::backlog::Waiting;
use super::connection::{Link, on_packets};
use super::deliveries::DeliveryRow;
use super::schema::{attachments, deliveries, document_links, envelopes, payloads, status_reports};
use super::{Connection, IDS_MAX, StoreError};
use crate::domain::packet::Digest;
use crate::domain::status::TELL_RECEIPT;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::collections::HashMap;

/// An accepted packet as it is kept.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = envelopes)]
pub struct EnvelopeRow {
    /// Its id.
    pub envelope_id: String,
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    pub packet_kind: String,
    /// Who posted it; nothing when the hub wrote it.
    pub system_id: Option<String>,
    /// Canonical code of the sender.
    pub sender_code: String,
    /// Identifier of the document sent or reported about.
    pub document_id: String,
    /// See `domain::envelope::Envelope::meaning`.
    pub meaning: Vec<u8>,
    /// Names the bytes.
    pub payload_sha256: Vec<u8>,
    /// Their number.
    pub bytes: i64,
    /// Abstract.
    pub subject: String,
    /// Serial number in the year.
    pub code_number: String,
    /// Notation.
    pub code_notation: String,
    /// Name of the kind of document.
    pub type_name: String,
    /// Date of issue, `yyyy-MM-dd`.
    pub issued_on: Option<String>,
    /// Deadline for an answer, `yyyy-MM-dd`.
    pub due_on: Option<String>,
    /// Urgency number.
    pub urgency: i32,
    /// When it was accepted, UTC.
    pub accepted_at: NaiveDateTime,
    /// Whether a copy on paper follows, when the packet says so; unknown of packets from before this was kept.
    pub paper_follows: Option<bool>,
    /// Whether something attached bears a digital signature, likewise; nothing without attachments.
    pub bears_signature: Option<bool>,
}

impl EnvelopeRow {
    /// Whether it carries a document (else a status report).
    pub fn is_document(&self) -> bool {
        !self.packet_kind.starts_with("status-")
    }

    /// Number and notation as one text.
    pub fn code(&self) -> String {
        match (self.code_number.as_str(), self.code_notation.as_str()) {
            (number, "") => number.to_owned(),
            ("", notation) => notation.to_owned(),
            (number, notation) => format!("{number}/{notation}"),
        }
    }
}

/// The 32 bytes of a digest column; a shorter value, which no write makes, reads as zeros at its end.
pub fn digest_of(column: &[u8]) -> Digest {
    let mut digest = [0; 32];
    digest.iter_mut().zip(column).for_each(|(to, from)| *to = *from);
    Digest(digest)
}

/// Adds an envelope. Its payload row must be there.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &EnvelopeRow) -> Result<(), StoreError> {
    match &mut tx.link {
        Link::Sqlite(c) => diesel::insert_into(envelopes::table).values(row).execute(&mut **c).map(|_| ())?,
        Link::Postgres(_) => tx.put(Waiting::Envelope(row.clone()))?,
    }
    Ok(())
}

/// The bytes of an envelope, or where they are.
pub(super) struct PayloadRow {
    pub(super) envelope_id: String,
    pub(super) sha256: Vec<u8>,
    pub(super) content: Option<Vec<u8>>,
}

/// Something attached to an envelope.
#[derive(Insertable)]
#[diesel(table_name = attachments)]
pub(super) struct AttachmentRow {
    pub(super) envelope_id: String,
    pub(super) number: i32,
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) bytes: i64,
    pub(super) sha256: Vec<u8>,
}

/// The envelope of an id.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, envelope_id: &str) -> Result<Option<EnvelopeRow>, StoreError> {
    Ok(on_packets!(tx, c => envelopes::table
        .filter(envelopes::envelope_id.eq(envelope_id))
        .select(EnvelopeRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Envelopes by their ids, the oldest first.
///
/// # Errors
/// `Statement`.
pub fn of_ids(tx: &mut Connection, envelope_ids: &[&str]) -> Result<Vec<EnvelopeRow>, StoreError> {
    match envelope_ids {
        [] => return Ok(Vec::new()),
        // SQLite reads a statement with a list of values anew each time.
        [one] => return Ok(find(tx, one)?.into_iter().collect()),
        [..] => {}
    }
    Ok(on_packets!(tx, c => envelopes::table
        .filter(envelopes::envelope_id.eq_any(envelope_ids))
        .order(envelopes::envelope_id.asc())
        .select(EnvelopeRow::as_select())
        .load(c))?)
}

/// Deliveries of envelopes, in the order in which they were made.
///
/// # Errors
/// `Statement`.
pub fn deliveries_of(tx: &mut Connection, envelope_ids: &[&str]) -> Result<Vec<DeliveryRow>, StoreError> {
    match envelope_ids {
        [] => return Ok(Vec::new()),
        // See `of_ids`.
        [one] => return super::deliveries::of_envelope(tx, one),
        [..] => {}
    }
    Ok(on_packets!(tx, c => deliveries::table
        .filter(deliveries::envelope_id.eq_any(envelope_ids))
        .order(deliveries::delivery_id.asc())
        .select(DeliveryRow::as_select())
        .load(c))?)
}

/// Deliveries by their ids, as far as there are such.
///
/// # Errors
/// `Statement`.
pub fn deliveries_of_ids(tx: &mut Connection, delivery_ids: &[&str]) -> Result<Vec<DeliveryRow>, StoreError> {
    let mut found = Vec::new();
    for some in delivery_ids.chunks(IDS_MAX) {
        found.extend(on_packets!(tx, c => deliveries::table
            .filter(deliveries::delivery_id.eq_any(some))
            .select(DeliveryRow::as_select())
            .load(c))?);
    }
    Ok(found)
}

/// The bytes of envelopes that live in their rows.
///
/// # Errors
/// `Statement`.
pub fn contents(tx: &mut Connection, envelope_ids: &[&str]) -> Result<HashMap<String, Vec<u8>>, StoreError> {
    if envelope_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(String, Option<Vec<u8>>)> = on_packets!(tx, c => payloads::table
        .filter(payloads::envelope_id.eq_any(envelope_ids))
        .select((payloads::envelope_id, payloads::content))
        .load(c))?;
    Ok(found.into_iter().filter_map(|(id, content)| Some((id, content?))).collect())
}

/// Keeps or names the bytes of an envelope. `content` is given for packets that live in the row; for others the
/// file must be durable before.
///
/// # Errors
/// `Statement`.
pub fn insert_payload(
    tx: &mut Connection,
    envelope_id: &str,
    sha256: &Digest,
    content: Option<&[u8]>,
) -> Result<(), StoreError> {
    match &mut tx.link {
        Link::Sqlite(c) => diesel::insert_into(payloads::table)
            .values((
                payloads::envelope_id.eq(envelope_id),
                payloads::sha256.eq(&sha256.0[..]),
                payloads::content.eq(content),
            ))
            .execute(&mut **c)
            .map(|_| ())?,
        Link::Postgres(_) => tx.put(Waiting::Payload(PayloadRow {
            envelope_id: envelope_id.to_owned(),
            sha256: sha256.0.to_vec(),
            content: content.map(<[u8]>::to_vec),
        }))?,
    }
    Ok(())
}

/// The bytes of an envelope that live in the row; `Some(None)` when they are in a file, `None` when there is no row.
///
/// # Errors
/// `Statement`.
pub fn find_payload(tx: &mut Connection, envelope_id: &str) -> Result<Option<Option<Vec<u8>>>, StoreError> {
    Ok(on_packets!(tx, c => payloads::table
        .filter(payloads::envelope_id.eq(envelope_id))
        .select(payloads::content)
        .get_result(c)
        .optional())?)
}

/// Whether any envelope's bytes are in the file of that digest.
///
/// # Errors
/// `Statement`.
pub fn is_in_file(tx: &mut Connection, sha256: &Digest) -> Result<bool, StoreError> {
    let found: Vec<String> = on_packets!(tx, c => payloads::table
        .filter(payloads::sha256.eq(&sha256.0[..]))
        .filter(payloads::content.is_null())
        .select(payloads::envelope_id)
        .limit(1)
        .load(c))?;
    Ok(!found.is_empty())
}

/// Adds what is attached to an envelope, numbered from 1.
///
/// # Errors
/// `Statement`.
pub fn insert_attachment(
    tx: &mut Connection,
    envelope_id: &str,
    number: i32,
    (name, content_type): (&str, &str),
    (bytes, sha256): (i64, &Digest),
) -> Result<(), StoreError> {
    let row = AttachmentRow {
        envelope_id: envelope_id.to_owned(),
        number,
        name: name.to_owned(),
        content_type: content_type.to_owned(),
        bytes,
        sha256: sha256.0.to_vec(),
    };
    match &mut tx.link {
        Link::Sqlite(c) => diesel::insert_into(attachments::table).values(&row).execute(&mut **c).map(|_| ())?,
        Link::Postgres(_) => tx.put(Waiting::Attachment(row))?,
    }
    Ok(())
}

/// How one document says it belongs to another.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = document_links)]
pub struct LinkRow {
    /// The envelope that says so.
    pub envelope_id: String,
    /// `recalls`, `updates`, `replaces` or `answers`.
    pub relation: String,
    /// Sender of the document meant.
    pub target_sender_code: String,
    /// Its identifier.
    pub target_document_id: String,
}

/// Adds a link; nothing changes when the envelope says the same twice.
///
/// # Errors
/// `Statement`.
pub fn insert_link(tx: &mut Connection, link: &LinkRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(document_links::table).values(link).on_conflict_do_nothing().execute(c))?;
    Ok(())
}

/// Which of these documents (sender, identifier) were replaced by something that was sent to the recipient.
///
/// # Errors
/// `Statement`.
pub fn replaced_for(
    tx: &mut Connection,
    recipient_code: &str,
    documents: &[(&str, &str)],
) -> Result<Vec<(String, String)>, StoreError> {
    let senders: Vec<&str> = documents.iter().map(|(sender, _)| *sender).collect();
    let ids: Vec<&str> = documents.iter().map(|(_, id)| *id).collect();
    Ok(on_packets!(tx, c => document_links::table
        .inner_join(deliveries::table.on(deliveries::envelope_id.eq(document_links::envelope_id)))
        .filter(document_links::target_sender_code.eq_any(&senders))
        .filter(document_links::target_document_id.eq_any(&ids))
        .filter(document_links::relation.eq("replaces"))
        .filter(deliveries::recipient_code.eq(recipient_code))
        .select((document_links::target_sender_code, document_links::target_document_id))
        .load(c))?)
}

/// What an envelope says about other documents.
///
/// # Errors
/// `Statement`.
pub fn links_from(tx: &mut Connection, envelope_id: &str) -> Result<Vec<LinkRow>, StoreError> {
    Ok(on_packets!(tx, c => document_links::table
        .filter(document_links::envelope_id.eq(envelope_id))
        .order((document_links::relation.asc(), document_links::target_document_id.asc()))
        .select(LinkRow::as_select())
        .load(c))?)
}

/// Most links to one document that are told.
const LINKS_MAX: i64 = 200;

/// What other envelopes say about a document, with the sender and identifier of each; the first `LINKS_MAX`.
///
/// # Errors
/// `Statement`.
pub fn links_to(
    tx: &mut Connection,
    sender_code: &str,
    document_id: &str,
) -> Result<Vec<(LinkRow, String, String)>, StoreError> {
    Ok(on_packets!(tx, c => document_links::table
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(document_links::envelope_id)))
        .filter(document_links::target_sender_code.eq(sender_code))
        .filter(document_links::target_document_id.eq(document_id))
        .order(document_links::envelope_id.asc())
        .limit(LINKS_MAX)
        .select((LinkRow::as_select(), envelopes::sender_code, envelopes::document_id))
        .load(c))?)
}

/// The same after one of them, page by page. An envelope may say up to four things about one document; they stay
/// together, so a page may be that much longer than asked for.
///
/// # Errors
/// `Statement`.
pub fn links_to_after(
    tx: &mut Connection,
    (sender_code, document_id): (&str, &str),
    (after, limit): (&str, usize),
) -> Result<Vec<(LinkRow, String, String)>, StoreError> {
    const RELATIONS: usize = 4;
    let most = i64::try_from(limit.saturating_add(RELATIONS)).unwrap_or(i64::MAX);
    let mut links: Vec<(LinkRow, String, String)> = on_packets!(tx, c => document_links::table
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(document_links::envelope_id)))
        .filter(document_links::target_sender_code.eq(sender_code))
        .filter(document_links::target_document_id.eq(document_id))
        .filter(document_links::envelope_id.gt(after))
        .order((document_links::envelope_id.asc(), document_links::relation.asc()))
        .limit(most)
        .select((LinkRow::as_select(), envelopes::sender_code, envelopes::document_id))
        .load(c))?;
    let last = links.get(limit.saturating_sub(1)).map(|(link, ..)| link.envelope_id.clone());
    if let Some(last) = last {
        links.retain(|(link, ..)| link.envelope_id <= last);
    }
    Ok(links)
}

/// A status report as it is kept.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = status_reports)]
pub struct StatusRow {
    /// The envelope that carried it.
    pub envelope_id: String,
    /// The delivery of the document it is about.
    pub delivery_id: String,
    /// Who reported.
    pub reporter_code: String,
    /// Two digits.
    pub status_code: String,
    /// Reason or note.
    pub description: String,
    /// When it happened, as the reporter claims, UTC.
    pub claimed_at: Option<NaiveDateTime>,
    /// When the report was accepted, UTC.
    pub accepted_at: NaiveDateTime,
}

/// Adds a status report.
///
/// # Errors
/// `Statement`.
pub fn insert_status(tx: &mut Connection, row: &StatusRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(status_reports::table).values(row).execute(c))?;
    Ok(())
}

/// Statuses reported about these deliveries, oldest first.
///
/// # Errors
/// `Statement`.
pub fn statuses_of(tx: &mut Connection, delivery_ids: &[&str]) -> Result<Vec<StatusRow>, StoreError> {
    if delivery_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_packets!(tx, c => status_reports::table
        .filter(status_reports::delivery_id.eq_any(delivery_ids))
        .order(status_reports::envelope_id.asc())
        .select(StatusRow::as_select())
        .load(c))?)
}

/// When the recipients' clerks first told that they received these deliveries; those that did not are left out.
///
/// # Errors
/// `Statement`.
pub fn received_at(tx: &mut Connection, deliveries: &[&str]) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
    if deliveries.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, Option<NaiveDateTime>)> = on_packets!(tx, c => status_reports::table
        .filter(status_reports::delivery_id.eq_any(deliveries))
        .filter(status_reports::status_code.eq_any(TELL_RECEIPT))
        .group_by(status_reports::delivery_id)
        .select((status_reports::delivery_id, diesel::dsl::min(status_reports::accepted_at)))
        .load(c))?;
    Ok(rows.into_iter().filter_map(|(delivery, at)| Some((delivery, at?.and_utc()))).collect())
}

/// What an envelope reports about a delivery, if it reports anything.
///
/// # Errors
/// `Statement`.
pub fn find_status(tx: &mut Connection, envelope_id: &str, delivery_id: &str) -> Result<Option<StatusRow>, StoreError> {
    Ok(on_packets!(tx, c => status_reports::table
        .filter(status_reports::envelope_id.eq(envelope_id))
        .filter(status_reports::delivery_id.eq(delivery_id))
        .select(StatusRow::as_select())
        .get_result(c)
        .optional())?)
}

/// The latest report of one agency about a delivery: its envelope and that envelope's meaning.
///
/// # Errors
/// `Statement`.
pub fn latest_status(
    tx: &mut Connection,
    delivery_id: &str,
    reporter_code: &str,
) -> Result<Option<(String, Digest)>, StoreError> {
    let found: Option<(String, Vec<u8>)> = on_packets!(tx, c => status_reports::table
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(status_reports::envelope_id)))
        .filter(status_reports::delivery_id.eq(delivery_id))
        .filter(status_reports::reporter_code.eq(reporter_code))
        .order(status_reports::envelope_id.desc())
        .select((envelopes::envelope_id, envelopes::meaning))
        .first(c)
        .optional())?;
    Ok(found.map(|(id, meaning)| (id, digest_of(&meaning))))
}
