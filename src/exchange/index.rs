//! What was accepted can be found: the search index follows the ledger, in which acceptances stand without gaps and in
//! one order for all nodes. Not here: what is asked of it (`lookup`).

use super::act::{Act, By};
use super::{ExchangeError, rows};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::search::{self, Facts};
use crate::hub::Hub;
use crate::store::search::{self as index, Searchable};
use crate::store::{Connection, StoreError, ledger};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// What one round is to add.
struct Step {
    from: i64,
    to: i64,
    documents: Vec<Searchable>,
}

/// Makes what was sealed next findable, as much as fits into one round. Answers how many entries of the ledger were gone
/// through; none: everything that is sealed can be found, or another node is at it.
///
/// # Errors
/// `Store`.
pub async fn round(hub: &Hub) -> Result<usize, ExchangeError> {
    let most = rows(hub.config.portal.index_batch_max);
    let Some(step) = hub.store.read(move |tx| next(tx, most)).await?.map(Arc::new) else { return Ok(0) };
    let writing = Arc::clone(&step);
    let written = hub.store.write(move |tx| {
        if !index::advance(tx, writing.from, writing.to)? {
            return Ok(false);
        }
        index::insert(tx, &writing.documents)?;
        Ok(true)
    });
    let gone_through = usize::try_from(step.to.saturating_sub(step.from)).unwrap_or(0);
    Ok(if written.await? { gone_through } else { 0 })
}

fn next(tx: &mut Connection, most: i64) -> Result<Option<Step>, StoreError> {
    let from = index::position(tx)?;
    let entries = ledger::entries_with_evidence(tx, from..from.saturating_add(most))?;
    let Some((last, _)) = entries.last() else { return Ok(None) };
    let to = last.ledger_index.saturating_add(1);
    let accepted = EvidenceEvent::SubmissionAcceptance.name();
    let numbers: HashMap<String, i64> = entries
        .into_iter()
        .filter_map(|(entry, evidence)| {
            let evidence = evidence.filter(|evidence| evidence.event == accepted)?;
            Some((evidence.envelope_id?, entry.ledger_index))
        })
        .collect();
    let ids: Vec<&str> = numbers.keys().map(String::as_str).collect();
    let envelopes = index::envelopes(tx, &ids)?;
    let recipients = index::recipients(tx, &ids)?;
    let documents = envelopes.into_iter().filter(|envelope| envelope.is_document()).filter_map(|envelope| {
        let code = envelope.code();
        let facts = Facts {
            code: &code,
            document_id: &envelope.document_id,
            subject: &envelope.subject,
            type_name: &envelope.type_name,
        };
        let to = recipients.get(&envelope.envelope_id).into_iter().flatten().map(String::as_str);
        let parties = to.chain([envelope.sender_code.as_str()]);
        let words = search::words(facts, parties);
        let number = *numbers.get(&envelope.envelope_id)?;
        Some(Searchable { number, words, envelope_id: envelope.envelope_id })
    });
    Ok(Some(Step { from, to, documents: documents.collect() }))
}

/// Up to which entry of the ledger documents can be found.
///
/// # Errors
/// `Store`.
pub async fn position(hub: &Hub) -> Result<i64, ExchangeError> {
    Ok(hub.store.read(index::position).await?)
}

/// Makes the index anew from the beginning of the ledger.
///
/// # Errors
/// `Store`.
pub async fn begin_anew(hub: &Hub, by: &By) -> Result<(), ExchangeError> {
    let act = Act::new(hub, by);
    let begun = hub.store.write(move |tx| {
        index::clear(tx)?;
        act.note(tx, (EvidenceEvent::HubDirected, "search-rebuild"), None, json!({}))
    });
    Ok(begun.await?)
}
