//! Who the parties of a packet are, by the directory and by routes, and how each recipient gets the packet. Not here:
//! whether they may exchange it (`rules::check_parties`), what is written (`register`).

use super::register::{Case, Plan};
use super::relay::Head;
use super::routes::{Way, agency_of, ways};
use crate::domain::agency::{Agency, AgencyCode, Channel, OrganId};
use crate::domain::endpoint::EndpointId;
use crate::domain::rules::{self, Parties, Violation};
use crate::store::{Connection, StoreError, agencies, systems};
use std::collections::HashMap;

/// Successors of closed agencies that are looked up, so that a refusal can name who takes the mail.
const SUCCESSORS_MAX: usize = 8;

pub(super) fn parties(tx: &mut Connection, case: &Case) -> Result<Parties, StoreError> {
    let mut known: HashMap<String, Agency> = HashMap::new();
    for organ_id in Parties::organ_ids(&case.packet) {
        let mut organ_id = Some(organ_id);
        for _ in 0..SUCCESSORS_MAX {
            let Some(asked) = organ_id.filter(|id| !known.contains_key(&id.folded())) else { break };
            let Some(agency) = agency_of(tx, &asked)? else { break };
            organ_id = agency.successor.as_ref().and_then(|code| OrganId::parse(code.as_str()));
            known.insert(asked.folded(), agency);
        }
    }
    let held = match case.packet.text("MessageHeader.From.OrganId").and_then(|id| known.get(&id.to_ascii_uppercase())) {
        Some(sender) => may_send(tx, case, sender)?,
        None => false,
    };
    let find = |code: &str| known.get(&code.to_ascii_uppercase()).cloned();
    let parties = Parties::of((&case.packet, case.now), find, |_| held);
    Ok(match &case.relay {
        Some(head) => parties.only(&meant(tx, head)?),
        None => parties,
    })
}

/// Whether the calling system may send for an agency: it holds it, or is the neighbour behind which it is.
fn may_send(tx: &mut Connection, case: &Case, sender: &Agency) -> Result<bool, StoreError> {
    match case.relay {
        Some(_) => {
            Ok(ways(tx, &[(&sender.code, sender.channel)])?.contains(&Way::Push(EndpointId::relay(&case.system_id))))
        }
        // The person looks after the sender: that is why the hub wrote it.
        None if case.by.is_some() => Ok(true),
        None => systems::holds(tx, &case.system_id, sender.code.as_str()),
    }
}

/// The code of the one recipient that a neighbouring hub means; its text, where nobody knows it.
fn meant(tx: &mut Connection, head: &Head) -> Result<String, StoreError> {
    let known = agency_of(tx, &head.recipient)?;
    Ok(known.map_or_else(|| head.recipient.folded(), |agency| agency.code.0))
}

/// Finds out how each recipient of a plan gets the packet; of one that a neighbour brought, only the recipient that is meant
/// gets it. Answers why it cannot be passed on.
pub(super) fn find_ways(
    tx: &mut Connection,
    (case, parties): (&Case, &Parties),
    plan: &mut Plan,
) -> Result<Vec<Violation>, StoreError> {
    if let Some(head) = &case.relay {
        let meant = meant(tx, head)?;
        plan.lines.retain(|line| line.recipient.as_str().eq_ignore_ascii_case(&meant));
        if plan.lines.is_empty() {
            return Ok(vec![rules::violation("M.Relay.Recipient", "", &[head.recipient.as_str()])]);
        }
    }
    let mut asked = Vec::new();
    for line in &plan.lines {
        asked.push((&line.recipient, channel_of(tx, parties, &line.recipient)?));
    }
    let ways = ways(tx, &asked)?;
    let passed = |way: &Way| match (way, &case.relay) {
        (Way::Push(to), Some(head)) => to.neighbour().filter(|hub| head.has_passed(hub)).map(str::to_owned),
        (Way::Push(_) | Way::Pickup, _) => None,
    };
    let back = ways.iter().filter_map(passed).map(|hub| rules::violation("M.Relay.Loop", "", &[&hub]));
    let back: Vec<Violation> = back.collect();
    plan.lines.iter_mut().zip(ways).for_each(|(line, way)| line.way = way);
    Ok(back)
}

/// How a recipient gets its packets; the directory is asked only about one that the packet did not name.
fn channel_of(tx: &mut Connection, parties: &Parties, recipient: &AgencyCode) -> Result<Channel, StoreError> {
    let mut named = parties.recipients.iter().chain(&parties.receivers).filter_map(|party| party.agency.as_ref());
    match named.find(|agency| agency.code == *recipient) {
        Some(agency) => Ok(agency.channel),
        None => agencies::channel_of(tx, recipient),
    }
}
