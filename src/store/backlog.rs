//! Rows that a transaction on PostgreSQL has still to write. A server answers each statement after a journey of its
//! own; so what the works of a batch add is collected, and one statement for each table writes the rows of them all; how
//! deliveries move on is one statement for each; and all statements make one journey. Whoever asks anything that these rows could change has them written first
//! (`connection::on!` and its kin), and a commit does: nothing of this can be seen from outside.

use super::announcements::AnnouncementRow;
use super::deliveries::DeliveryRow;
use super::envelopes::{AttachmentRow, EnvelopeRow, PayloadRow};
use super::evidence::EvidenceRow;
use super::outcomes::{AttemptRow, Step};
use super::pushes::PushRow;
use super::schema::{announcements, attachments, attempts, deliveries, envelopes, evidence, payloads, pushes};
use super::server::Server;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, SingleValue, Text, Timestamp};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Bytes of packets that wait at most before they are written.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// See the head of this file.
#[derive(Default)]
pub(super) struct Backlog {
    envelopes: Vec<EnvelopeRow>,
    payloads: Vec<PayloadRow>,
    attachments: Vec<AttachmentRow>,
    deliveries: Vec<DeliveryRow>,
    evidence: Vec<EvidenceRow>,
    attempts: Vec<AttemptRow>,
    announcements: Vec<AnnouncementRow>,
    pushes: Vec<PushRow>,
    steps: Vec<Step>,
    waiting_bytes: usize,
    /// Whether a delivery did not stand any more where one moved on from: this transaction must not be kept.
    is_raced: bool,
}

/// A row that can wait.
pub(super) enum Waiting {
    /// An envelope.
    Envelope(EnvelopeRow),
    /// Its bytes.
    Payload(PayloadRow),
    /// What is attached to it.
    Attachment(AttachmentRow),
    /// A delivery of it.
    Delivery(DeliveryRow),
    /// A piece of evidence.
    Evidence(EvidenceRow),
    /// What came of an attempt.
    Attempt(AttemptRow),
    /// What a webhook is told.
    Announcement(AnnouncementRow),
    /// What is to be pushed.
    Push(PushRow),
    /// How a delivery moves on.
    Step(Step),
}

impl Backlog {
    /// Lets a row wait. Says whether so much waits that it had better be written.
    pub(super) fn put(&mut self, row: Waiting) -> bool {
        match row {
            Waiting::Envelope(row) => self.envelopes.push(row),
            Waiting::Payload(row) => {
                let bytes = row.content.as_ref().map_or(0, Vec::len);
                self.waiting_bytes = self.waiting_bytes.saturating_add(bytes);
                self.payloads.push(row);
            }
            Waiting::Attachment(row) => self.attachments.push(row),
            Waiting::Delivery(row) => self.deliveries.push(row),
            Waiting::Evidence(row) => self.evidence.push(row),
            Waiting::Attempt(row) => self.attempts.push(row),
            Waiting::Announcement(row) => self.announcements.push(row),
            Waiting::Push(row) => self.pushes.push(row),
            Waiting::Step(step) => self.steps.push(step),
        }
        self.waiting_bytes > WAITING_BYTES_MAX
    }

    fn is_empty(&self) -> bool {
        let of_packets = self.envelopes.is_empty() && self.payloads.is_empty() && self.attachments.is_empty();
        let of_deliveries = self.deliveries.is_empty() && self.evidence.is_empty() && self.steps.is_empty();
        let of_pushes = self.attempts.is_empty() && self.announcements.is_empty() && self.pushes.is_empty();
        of_packets && of_deliveries && of_pushes
    }

    /// Writes what waits. The statements are sent together and done in this order: an envelope before what belongs to it.
    pub(super) fn write(&mut self, server: &Server) -> QueryResult<()> {
        if self.is_raced {
            return Err(diesel::result::Error::RollbackTransaction);
        }
        if self.is_empty() {
            return Ok(());
        }
        let mut rows = std::mem::take(self);
        // Two transactions that add the same natural keys meet at the first of them, and neither waits for the other.
        rows.deliveries.sort_by(|a, b| a.natural_key().cmp(&b.natural_key()));
        // Nor do two that change the same deliveries in one go.
        rows.steps.sort_by(|a, b| a.delivery_id.cmp(&b.delivery_id));
        let link: &AsyncPgConnection = server;
        let written = async {
            tokio::try_join!(
                envelopes(link, &rows.envelopes),
                payloads(link, &rows.payloads),
                attachments(link, &rows.attachments),
                deliveries(link, &rows.deliveries),
                evidence(link, &rows.evidence),
                attempts(link, &rows.attempts),
                announcements(link, &rows.announcements),
                pushes(link, &rows.pushes),
                steps(link, &rows.steps),
            )
        };
        let written = server.together(written).map(|_| ());
        self.is_raced = matches!(written, Err(diesel::result::Error::RollbackTransaction));
        written
    }
}

// Portable: only PostgreSQL takes a column of values as one value, by which the statement stays prepared whatever the
// number of rows.
diesel::define_sql_function! {
    /// The members of an array, each in a row of its own.
    fn unnest<T: SingleValue>(values: Array<T>) -> T;
}

fn column<'r, R, V>(rows: &'r [R], value: impl Fn(&'r R) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

async fn envelopes(mut server: &AsyncPgConnection, rows: &[EnvelopeRow]) -> QueryResult<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    diesel::select((
        unnest::<Text, _>(column(rows, |r| r.envelope_id.as_str())),
        unnest::<Text, _>(column(rows, |r| r.packet_kind.as_str())),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.system_id.as_deref())),
        unnest::<Text, _>(column(rows, |r| r.sender_code.as_str())),
        unnest::<Text, _>(column(rows, |r| r.document_id.as_str())),
        unnest::<Binary, _>(column(rows, |r| r.meaning.as_slice())),
        unnest::<Binary, _>(column(rows, |r| r.payload_sha256.as_slice())),
        unnest::<BigInt, _>(column(rows, |r| r.bytes)),
        unnest::<Text, _>(column(rows, |r| r.subject.as_str())),
        unnest::<Text, _>(column(rows, |r| r.code_number.as_str())),
        unnest::<Text, _>(column(rows, |r| r.code_notation.as_str())),
        unnest::<Text, _>(column(rows, |r| r.type_name.as_str())),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.issued_on.as_deref())),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.due_on.as_deref())),
        unnest::<Integer, _>(column(rows, |r| r.urgency)),
        unnest::<Timestamp, _>(column(rows, |r| r.accepted_at)),
        unnest::<Nullable<Bool>, _>(column(rows, |r| r.paper_follows)),
        unnest::<Nullable<Bool>, _>(column(rows, |r| r.bears_signature)),
    ))
    .insert_into(envelopes::table)
    .into_columns((
        envelopes::envelope_id,
        envelopes::packet_kind,
        envelopes::system_id,
        envelopes::sender_code,
        envelopes::document_id,
        envelopes::meaning,
        envelopes::payload_sha256,
        envelopes::bytes,
        envelopes::subject,
        envelopes::code_number,
        envelopes::code_notation,
        envelopes::type_name,
        envelopes::issued_on,
        envelopes::due_on,
        envelopes::urgency,
        envelopes::accepted_at,
        envelopes::paper_follows,
        envelopes::bears_signature,
    ))
    .execute(&mut server)
    .await
}

async fn payloads(mut server: &AsyncPgConnection, rows: &[PayloadRow]) -> QueryResult<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    diesel::select((
        unnest::<Text, _>(column(rows, |r| r.envelope_id.as_str())),
        unnest::<Binary, _>(column(rows, |r| r.sha256.as_slice())),
        unnest::<Nullable<Binary>, _>(column(rows, |r| r.content.as_deref())),
    ))
    .insert_into(payloads::table)
    .into_columns((payloads::envelope_id, payloads::sha256, payloads::content))
    .execute(&mut server)
    .await
}

async fn attachments(mut server: &AsyncPgConnection, rows: &[AttachmentRow]) -> QueryResult<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    diesel::select((
        unnest::<Text, _>(column(rows, |r| r.envelope_id.as_str())),
        unnest::<Integer, _>(column(rows, |r| r.number)),
        unnest::<Text, _>(column(rows, |r| r.name.as_str())),
        unnest::<Text, _>(column(rows, |r| r.content_type.as_str())),
        unnest::<BigInt, _>(column(rows, |r| r.bytes)),
        unnest::<Binary, _>(column(rows, |r| r.sha256.as_slice())),
    ))
    .insert_into(attachments::table)
    .into_columns((
        attachments::envelope_id,
        attachments::number,
        attachments::name,
        attachments::content_type,
        attachments::bytes,
        attachments::sha256,
    ))
    .execute(&mut server)
    .await
}

async fn deliveries(mut server: &AsyncPgConnection, rows: &[DeliveryRow]) -> QueryResult<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    diesel::select((
        unnest::<Text, _>(column(rows, |r| r.delivery_id.as_str())),
        unnest::<Text, _>(column(rows, |r| r.envelope_id.as_str())),
        unnest::<Text, _>(column(rows, |r| r.sender_code.as_str())),
        unnest::<Text, _>(column(rows, |r| r.document_id.as_str())),
        unnest::<Text, _>(column(rows, |r| r.packet_kind.as_str())),
        unnest::<Text, _>(column(rows, |r| r.recipient_code.as_str())),
        unnest::<Text, _>(column(rows, |r| r.occurrence.as_str())),
        unnest::<Text, _>(column(rows, |r| r.outcome.as_str())),
        unnest::<Text, _>(column(rows, |r| r.state.as_str())),
        unnest::<Text, _>(column(rows, |r| r.mark.as_str())),
        unnest::<Text, _>(column(rows, |r| r.note.as_str())),
        unnest::<Text, _>(column(rows, |r| r.recall.as_str())),
        unnest::<Nullable<Timestamp>, _>(column(rows, |r| r.fetched_at)),
        unnest::<Timestamp, _>(column(rows, |r| r.accepted_at)),
        unnest::<Timestamp, _>(column(rows, |r| r.changed_at)),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.via.as_deref())),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.hops.as_deref())),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.came_as.as_deref())),
    ))
    .insert_into(deliveries::table)
    .into_columns((
        deliveries::delivery_id,
        deliveries::envelope_id,
        deliveries::sender_code,
        deliveries::document_id,
        deliveries::packet_kind,
        deliveries::recipient_code,
        deliveries::occurrence,
        deliveries::outcome,
        deliveries::state,
        deliveries::mark,
        deliveries::note,
        deliveries::recall,
        deliveries::fetched_at,
        deliveries::accepted_at,
        deliveries::changed_at,
        deliveries::via,
        deliveries::hops,
        deliveries::came_as,
    ))
    .execute(&mut server)
    .await
}

async fn evidence(mut server: &AsyncPgConnection, rows: &[EvidenceRow]) -> QueryResult<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    diesel::select((
        unnest::<Text, _>(column(rows, |r| r.evidence_id.as_str())),
        unnest::<Text, _>(column(rows, |r| r.event.as_str())),
        unnest::<Timestamp, _>(column(rows, |r| r.at)),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.envelope_id.as_deref())),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.delivery_id.as_deref())),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.agency.as_deref())),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.system_id.as_deref())),
        unnest::<Text, _>(column(rows, |r| r.facts.as_str())),
    ))
    .insert_into(evidence::table)
    .into_columns((
        evidence::evidence_id,
        evidence::event,
        evidence::at,
        evidence::envelope_id,
        evidence::delivery_id,
        evidence::agency,
        evidence::system_id,
        evidence::facts,
    ))
    .execute(&mut server)
    .await
}

async fn attempts(mut server: &AsyncPgConnection, rows: &[AttemptRow]) -> QueryResult<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    diesel::select((
        unnest::<Text, _>(column(rows, |r| r.delivery_id.as_str())),
        unnest::<Integer, _>(column(rows, |r| r.number)),
        unnest::<Timestamp, _>(column(rows, |r| r.started_at)),
        unnest::<Timestamp, _>(column(rows, |r| r.finished_at)),
        unnest::<Text, _>(column(rows, |r| r.outcome.as_str())),
        unnest::<Nullable<Integer>, _>(column(rows, |r| r.http_status)),
        unnest::<Text, _>(column(rows, |r| r.reason.as_str())),
        unnest::<Nullable<Timestamp>, _>(column(rows, |r| r.next_at)),
    ))
    .insert_into(attempts::table)
    .into_columns((
        attempts::delivery_id,
        attempts::number,
        attempts::started_at,
        attempts::finished_at,
        attempts::outcome,
        attempts::http_status,
        attempts::reason,
        attempts::next_at,
    ))
    .execute(&mut server)
    .await
}

async fn announcements(mut server: &AsyncPgConnection, rows: &[AnnouncementRow]) -> QueryResult<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    diesel::select((
        unnest::<Text, _>(column(rows, |r| r.announcement_id.as_str())),
        unnest::<Text, _>(column(rows, |r| r.endpoint_id.as_str())),
        unnest::<Text, _>(column(rows, |r| r.event.as_str())),
        unnest::<Text, _>(column(rows, |r| r.series.as_str())),
        unnest::<Text, _>(column(rows, |r| r.body.as_str())),
        unnest::<Text, _>(column(rows, |r| r.state.as_str())),
        unnest::<Integer, _>(column(rows, |r| r.attempts)),
        unnest::<Text, _>(column(rows, |r| r.reason.as_str())),
        unnest::<Timestamp, _>(column(rows, |r| r.created_at)),
        unnest::<Timestamp, _>(column(rows, |r| r.changed_at)),
    ))
    .insert_into(announcements::table)
    .into_columns((
        announcements::announcement_id,
        announcements::endpoint_id,
        announcements::event,
        announcements::series,
        announcements::body,
        announcements::state,
        announcements::attempts,
        announcements::reason,
        announcements::created_at,
        announcements::changed_at,
    ))
    .execute(&mut server)
    .await
}

async fn pushes(mut server: &AsyncPgConnection, rows: &[PushRow]) -> QueryResult<usize> {
    if rows.is_empty() {
        return Ok(0);
    }
    diesel::select((
        unnest::<Text, _>(column(rows, |r| r.push_id.as_str())),
        unnest::<Text, _>(column(rows, |r| r.endpoint_id.as_str())),
        unnest::<Integer, _>(column(rows, |r| r.lane)),
        unnest::<Timestamp, _>(column(rows, |r| r.due_at)),
        unnest::<Timestamp, _>(column(rows, |r| r.expires_at)),
        unnest::<Integer, _>(column(rows, |r| r.attempts)),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.lease_owner.as_deref())),
        unnest::<Bool, _>(column(rows, |r| r.held)),
        unnest::<Nullable<Text>, _>(column(rows, |r| r.series.as_deref())),
    ))
    .insert_into(pushes::table)
    .into_columns((
        pushes::push_id,
        pushes::endpoint_id,
        pushes::lane,
        pushes::due_at,
        pushes::expires_at,
        pushes::attempts,
        pushes::lease_owner,
        pushes::held,
        pushes::series,
    ))
    .execute(&mut server)
    .await
}

/// Each by its own statement: whether it came true is known of each.
async fn steps(server: &AsyncPgConnection, steps: &[Step]) -> QueryResult<usize> {
    let moved = futures_util::future::try_join_all(steps.iter().map(|step| async move {
        let mut server = server;
        RunQueryDsl::execute(step.statement(), &mut server).await
    }));
    let moved = moved.await?.into_iter().sum();
    // Somebody else moved one meanwhile: the transaction begins anew.
    if moved == steps.len() { Ok(moved) } else { Err(diesel::result::Error::RollbackTransaction) }
}
