//! What belongs into an archive, page by page along the ledger: packets that were accepted in the period, their deliveries, and
//! the evidence of both up to the cut-off; and, for a few packets at a time, what is written with them. Not here: what is
//! made of them (`compose`).

use super::Request;
use crate::domain::event_words;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::statement::Standing;
use crate::exchange::close;
use crate::exchange::prove::{self, Place};
use crate::exchange::rows;
use crate::store::deliveries::DeliveryRow;
use crate::store::envelopes::{self, EnvelopeRow};
use crate::store::evidence::{self, EvidenceRow};
use crate::store::{Connection, StoreError, ledger, neighbours, purges, statements};
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};

/// Entries of the ledger that are looked at together.
const PAGE: usize = 1_000;

/// Packets of a page.
#[derive(Default)]
pub(super) struct Page {
    pub(super) packets: Vec<Packet>,
    /// From where the next page begins; nothing after the last.
    pub(super) next: Option<i64>,
}

/// What is written with some packets.
pub(super) struct Proofs {
    /// Where evidence stands in the ledger.
    pub(super) places: HashMap<String, Place>,
    /// Receipts of neighbouring hubs that took deliveries, by delivery.
    pub(super) of_neighbours: HashMap<String, String>,
    /// Contents that live in the database.
    pub(super) contents: HashMap<String, Vec<u8>>,
    /// Lines in certificates of destruction of contents that are no more.
    pub(super) destroyed: HashMap<String, String>,
}

/// A packet and its deliveries.
pub(super) struct Packet {
    pub(super) envelope: EnvelopeRow,
    /// Whether all of it belongs to whoever the archive is for; else only its own deliveries do.
    pub(super) is_whole: bool,
    /// Evidence of the packet as a whole, its acceptance first.
    pub(super) evidence: Vec<EvidenceRow>,
    pub(super) deliveries: Vec<(DeliveryRow, Vec<EvidenceRow>)>,
}

impl Packet {
    /// Whether a recipient's side in it had the content at the cut-off.
    pub(super) fn is_with_recipient(&self) -> bool {
        self.deliveries.iter().any(|one| Self::standing(one) == Standing::Delivered)
    }

    /// All evidence of it and of its deliveries.
    pub(super) fn all_evidence(&self) -> impl Iterator<Item = &EvidenceRow> {
        self.evidence.iter().chain(self.deliveries.iter().flat_map(|(_, pieces)| pieces))
    }

    /// How a delivery stood at the cut-off.
    pub(super) fn standing((row, evidence): &(DeliveryRow, Vec<EvidenceRow>)) -> Standing {
        let told = evidence.iter().rev().find_map(|piece| event_words::state(EvidenceEvent::of_name(&piece.event)?));
        let at_first = if row.outcome == "withdrawn" { Standing::Withdrawn } else { Standing::Pending };
        told.map_or(at_first, Standing::of)
    }
}

/// Where a walk along the ledger begins: nothing of that day or later stands before.
pub(in crate::exchange) fn first_index(tx: &mut Connection, day: &str) -> Result<i64, StoreError> {
    Ok(statements::last_closed(tx, Some(day))?.map_or(0, |day| day.next_index))
}

/// Ids of packets that were accepted in a period, as a page of the ledger from an index below another one tells; and from where
/// the next page goes on, nothing after the last.
pub(in crate::exchange) fn accepted(
    tx: &mut Connection,
    (begins, ends): (DateTime<Utc>, DateTime<Utc>),
    (from, below): (i64, i64),
) -> Result<(HashSet<String>, Option<i64>), StoreError> {
    let until = from.saturating_add(rows(PAGE)).min(below);
    let mut next = (until < below).then_some(until);
    let mut accepted = HashSet::new();
    for row in ledger::entries_with_evidence(tx, from..until)?.into_iter().filter_map(|(_, row)| row) {
        let at = row.at.and_utc();
        if at >= close::passed(ends) {
            next = None;
        }
        let is_acceptance = row.event == EvidenceEvent::SubmissionAcceptance.name();
        accepted.extend(row.envelope_id.filter(|_| is_acceptance && at >= begins && at < ends));
    }
    Ok((accepted, next))
}

/// The next page of what a request asks for.
pub(super) fn page(tx: &mut Connection, request: &Request, from: i64) -> Result<Page, StoreError> {
    let Some(period) = request.period() else { return Ok(Page::default()) };
    let (accepted, next) = accepted(tx, period, (from, request.tree_size))?;
    let ids: Vec<&str> = accepted.iter().map(String::as_str).filter(|id| request.names(id)).collect();
    Ok(Page { packets: packets(tx, request, &ids)?, next })
}

/// What is written with packets of a page.
pub(super) fn proofs(tx: &mut Connection, request: &Request, packets: &[Packet]) -> Result<Proofs, StoreError> {
    let evidence = packets.iter().flat_map(Packet::all_evidence);
    let evidence: Vec<&str> = evidence.map(|row| row.evidence_id.as_str()).collect();
    let relayed = packets.iter().flat_map(|packet| packet.deliveries.iter().map(|(row, _)| row));
    let relayed: Vec<&str> = relayed.filter(|row| row.via.is_some()).map(|row| row.delivery_id.as_str()).collect();
    let ids = packets.iter().filter(|_| request.selection.packets).map(|packet| packet.envelope.envelope_id.as_str());
    let ids: Vec<&str> = ids.collect();
    Ok(Proofs {
        places: prove::places_under(tx, &evidence, (request.tree_size, &request.checkpoint))?,
        of_neighbours: neighbours::receipts(tx, &relayed)?,
        contents: envelopes::contents(tx, &ids)?,
        destroyed: purges::destroyed(tx, &ids)?,
    })
}

fn packets(tx: &mut Connection, request: &Request, envelope_ids: &[&str]) -> Result<Vec<Packet>, StoreError> {
    let mut by_envelope: HashMap<String, Vec<DeliveryRow>> = HashMap::new();
    for row in envelopes::deliveries_of(tx, envelope_ids)? {
        by_envelope.entry(row.envelope_id.clone()).or_default().push(row);
    }
    let mut chosen: Vec<(EnvelopeRow, bool, Vec<DeliveryRow>)> = Vec::new();
    for envelope in envelopes::of_ids(tx, envelope_ids)? {
        let is_whole = request.is_of(&envelope.sender_code);
        let mut own = by_envelope.remove(&envelope.envelope_id).unwrap_or_default();
        own.retain(|row| is_whole || request.is_of(&row.recipient_code));
        if request.wants(&envelope) && (is_whole || !own.is_empty()) {
            chosen.push((envelope, is_whole, own));
        }
    }
    let ids: Vec<&str> = chosen.iter().map(|(envelope, ..)| envelope.envelope_id.as_str()).collect();
    let own = chosen.iter().flat_map(|(_, _, own)| own.iter().map(|row| row.delivery_id.as_str()));
    let own: Vec<&str> = own.collect();
    // What was sealed later is not there yet.
    let below = request.tree_size;
    let of_envelopes = evidence::sealed_of_envelopes(tx, &ids, below)?;
    let of_deliveries = evidence::sealed_of_deliveries(tx, &own, below)?;
    let mut of_envelopes = grouped(of_envelopes, |row| row.envelope_id.clone());
    let mut of_deliveries = grouped(of_deliveries, |row| row.delivery_id.clone());
    let packets = chosen.into_iter().map(|(envelope, is_whole, own)| {
        let began_with_it = |row: &DeliveryRow| row.accepted_at() == envelope.accepted_at.and_utc();
        let deliveries = own.into_iter().filter_map(|row| {
            let pieces = of_deliveries.remove(&row.delivery_id).unwrap_or_default();
            // Whoever was given nothing yet is no party; what was started anew later is not there without evidence.
            let is_in = !pieces.is_empty() || (is_whole && began_with_it(&row));
            is_in.then_some((row, pieces))
        });
        let deliveries: Vec<_> = deliveries.collect();
        Packet {
            evidence: of_envelopes.remove(&envelope.envelope_id).unwrap_or_default(),
            is_whole,
            deliveries,
            envelope,
        }
    });
    Ok(packets.filter(|packet| packet.is_whole || !packet.deliveries.is_empty()).collect())
}

fn grouped(rows: Vec<EvidenceRow>, key: impl Fn(&EvidenceRow) -> Option<String>) -> HashMap<String, Vec<EvidenceRow>> {
    let mut groups: HashMap<String, Vec<EvidenceRow>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row).unwrap_or_default()).or_default().push(row);
    }
    groups
}
