//! What happened is counted: numbers follow the ledger (`following`). Each round looks at what its entries are about, works out
//! which marks (`domain::tally`) those deliveries gained and lost, and adds that up before it writes. Not here: what is shown of
//! it (`statistics`).

use super::ExchangeError;
use super::controls::ANEW;
use super::following::{Entry, STATISTICS};
use crate::domain::calendar::Calendar;
use crate::domain::dates::day_of;
use crate::domain::envelope::Urgency;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::selftest;
use crate::domain::tally::{self, Line, Packet, Tally};
use crate::hub::Hub;
use crate::store::deliveries::DeliveryRow;
use crate::store::envelopes::EnvelopeRow;
use crate::store::evidence::EvidenceRow;
use crate::store::statistics::{self, CountRow, Sign, SignRow};
use crate::store::{Connection, StoreError, envelopes, evidence};
use chrono::NaiveDateTime;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Counts what was sealed next, as much as fits into one round. Answers how many entries of the ledger were gone through;
/// none: everything that is sealed is counted, or another node is at it.
///
/// # Errors
/// `Store`.
pub async fn round(hub: &Hub) -> Result<usize, ExchangeError> {
    let calendar = Arc::clone(&hub.calendar);
    let read = move |tx: &mut Connection, from, entries| counted(tx, &calendar, (from, entries));
    STATISTICS.follow(hub, hub.config.statistics.batch_max, read, write).await
}

/// What one round is to add.
struct Counted {
    numbers: Vec<CountRow>,
    signs: Vec<SignRow>,
}

fn write(tx: &mut Connection, counted: &Counted) -> Result<(), StoreError> {
    statistics::add(tx, &counted.numbers)?;
    statistics::note_signs(tx, &counted.signs)
}

fn counted(
    tx: &mut Connection,
    calendar: &Calendar,
    (from, entries): (i64, Vec<Entry>),
) -> Result<Counted, StoreError> {
    let mut tally = Tally::default();
    let mut signs: BTreeMap<(Sign, String), NaiveDateTime> = BTreeMap::new();
    let (mut accepted, mut news) = (Vec::new(), Vec::new());
    for (_, row) in entries {
        let Some(event) = EvidenceEvent::of_name(&row.event) else { continue };
        if let Some(agency) = row.agency.as_deref().filter(|agency| !selftest::is_reserved(agency)) {
            signs.extend(signs_of(event, &row).iter().map(|sign| ((*sign, agency.to_owned()), row.at)));
        }
        if event == EvidenceEvent::SubmissionRejection {
            tally::count_rejection(&day_of(row.at.and_utc()), &facts(&row), &mut tally);
        } else if event == EvidenceEvent::SubmissionAcceptance {
            accepted.extend(row.envelope_id);
        } else if row.delivery_id.is_some() {
            news.push(row);
        }
    }
    let chains = Chains::read(tx, news, from)?;
    let ids: Vec<&str> =
        accepted.iter().map(String::as_str).chain(chains.rows.values().map(|row| row.envelope_id.as_str())).collect();
    let packets: HashMap<String, Packet> =
        envelopes::of_ids(tx, &ids)?.into_iter().map(|row| (row.envelope_id.clone(), packet(row, calendar))).collect();
    let ids: Vec<&str> = accepted.iter().map(String::as_str).collect();
    let deliveries = envelopes::deliveries_of(tx, &ids)?;
    // A packet of the self-test goes to its partners alone.
    let real = deliveries.iter().filter(|row| !selftest::is_reserved(&row.recipient_code));
    let real: HashSet<&str> = real.map(|row| row.envelope_id.as_str()).collect();
    let meant = accepted.iter().filter(|id| real.contains(id.as_str())).filter_map(|id| packets.get(id));
    for packet in meant.filter(|packet| is_real(packet, "")) {
        packet.count(&mut tally);
    }
    for row in deliveries {
        // Those that take the place of failed ones are not what was accepted.
        let packet = packets.get(&row.envelope_id).filter(|packet| is_real(packet, &row.recipient_code));
        if let Some(packet) = packet.filter(|_| !row.occurrence.starts_with(ANEW)) {
            packet.count_delivery(&row.recipient_code, &first(&row), &mut tally);
        }
    }
    chains.count(&packets, &mut tally);
    let sign = |((sign, agency_code), at): ((Sign, String), NaiveDateTime)| SignRow::new(sign, agency_code, at);
    // Rows that two nodes change are always taken in the same order.
    let numbers = tally.into_numbers().into_iter().filter(|(_, number)| *number != 0);
    let numbers = numbers.map(|(key, number)| CountRow::new(key, number));
    Ok(Counted { numbers: numbers.collect(), signs: signs.into_iter().map(sign).collect() })
}

/// By what the agency is heard of on whose side something happened. What the hub answers for it is none of its doing.
fn signs_of(event: EvidenceEvent, row: &EvidenceRow) -> &'static [Sign] {
    let is_of_system = row.system_id.is_some();
    let is_status = || facts(row).get("kind").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("status-"));
    if event == EvidenceEvent::ContentFetched || event == EvidenceEvent::ContentHandover {
        &[Sign::Heard, Sign::Fetched]
    } else if event == EvidenceEvent::SubmissionAcceptance && is_of_system {
        if is_status() { &[Sign::Heard, Sign::Reported] } else { &[Sign::Heard] }
    } else {
        &[]
    }
}

fn facts(row: &EvidenceRow) -> Value {
    serde_json::from_str(&row.facts).unwrap_or_default()
}

/// What the self-test sends to and fro is no exchange.
fn is_real(packet: &Packet, recipient: &str) -> bool {
    !selftest::is_reserved(&packet.sender) && !selftest::is_reserved(recipient)
}

fn packet(row: EnvelopeRow, calendar: &Calendar) -> Packet {
    let urgency = Urgency::of_number(&row.urgency.to_string());
    let accepted_at = row.accepted_at.and_utc();
    Packet {
        day: day_of(accepted_at),
        receive_by: calendar.receive_by(accepted_at, urgency),
        is_document: row.is_document(),
        sender: row.sender_code,
        accepted_at,
        kind: row.packet_kind,
        type_name: row.type_name,
        urgency,
        paper_follows: row.paper_follows,
        bears_signature: row.bears_signature,
    }
}

/// How a delivery stood when it was made.
fn first(row: &DeliveryRow) -> Line {
    if row.outcome == "withdrawn" { Line::withdrawn() } else { Line::default() }
}

/// Deliveries that something happened to, with those that they took the place of or that took theirs, and all that is sealed
/// about them.
struct Chains {
    rows: HashMap<String, DeliveryRow>,
    /// What was sealed before this round, and in it.
    before: Vec<EvidenceRow>,
    news: Vec<EvidenceRow>,
}

impl Chains {
    fn read(tx: &mut Connection, news: Vec<EvidenceRow>, from: i64) -> Result<Self, StoreError> {
        let mut wanted: Vec<String> = news.iter().filter_map(|row| row.delivery_id.clone()).collect();
        wanted.extend(news.iter().filter_map(successor));
        let mut chains = Self { rows: HashMap::new(), before: Vec::new(), news };
        loop {
            wanted.sort_unstable();
            wanted.dedup();
            wanted.retain(|id| !chains.rows.contains_key(id));
            if wanted.is_empty() {
                return Ok(chains);
            }
            let ids: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let found = statistics::deliveries(tx, &ids)?;
            let before = evidence::sealed_of_deliveries(tx, &ids, from)?;
            if found.is_empty() {
                return Ok(chains);
            }
            wanted = before.iter().filter_map(successor).collect();
            wanted.extend(found.iter().filter_map(|row| row.occurrence.strip_prefix(ANEW).map(str::to_owned)));
            chains.rows.extend(found.into_iter().map(|row| (row.delivery_id.clone(), row)));
            chains.before.extend(before);
        }
    }

    /// The delivery that was accepted, at the beginning of those that took each other's place.
    fn root<'a>(&'a self, row: &'a DeliveryRow) -> &'a DeliveryRow {
        let mut root = row;
        while let Some(before) = root.occurrence.strip_prefix(ANEW).and_then(|id| self.rows.get(id)) {
            root = before;
        }
        root
    }

    fn count(&self, packets: &HashMap<String, Packet>, tally: &mut Tally) {
        let mut lines: BTreeMap<&str, (Vec<&EvidenceRow>, Vec<&EvidenceRow>)> = BTreeMap::new();
        for (rows, is_new) in [(&self.before, false), (&self.news, true)] {
            for row in rows {
                let delivery = row.delivery_id.as_ref().and_then(|id| self.rows.get(id));
                let Some(root) = delivery.map(|delivery| self.root(delivery)) else { continue };
                let (before, after) = lines.entry(root.delivery_id.as_str()).or_default();
                if !is_new {
                    before.push(row);
                }
                after.push(row);
            }
        }
        for (root, (before, after)) in lines {
            let Some(root) = self.rows.get(root) else { continue };
            let packet = packets.get(&root.envelope_id).filter(|packet| is_real(packet, &root.recipient_code));
            let heard = |rows| heard(first(root), rows);
            if let Some(packet) = packet {
                packet.count_change(&root.recipient_code, (&heard(before), &heard(after)), tally);
            }
        }
    }
}

/// The delivery that takes the place of the one that evidence is about.
fn successor(row: &EvidenceRow) -> Option<String> {
    let is_directed = row.event == EvidenceEvent::DeliveryDirected.name();
    Some(facts(row).get("new_delivery_id").filter(|_| is_directed)?.as_str()?.to_owned())
}

/// In the order in which it happened, in whichever it was sealed: the same evidence always gives the same.
fn heard(mut line: Line, mut rows: Vec<&EvidenceRow>) -> Line {
    rows.sort_by(|a, b| a.evidence_id.cmp(&b.evidence_id));
    for row in rows {
        if let Some(event) = EvidenceEvent::of_name(&row.event) {
            line.hear(event, row.at.and_utc(), &facts(row));
        }
    }
    line
}
