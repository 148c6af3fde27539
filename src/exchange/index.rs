//! What was accepted can be found: the search index follows the ledger. Not here: how (`following`), what is asked of it
//! (`lookup`).

use super::ExchangeError;
use super::following::{Entry, SEARCH};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::search::{self, Facts};
use crate::hub::Hub;
use crate::store::search::{self as index, Searchable};
use crate::store::{Connection, StoreError, envelopes};
use std::collections::HashMap;

/// Makes what was sealed next findable, as much as fits into one round. Answers how many entries of the ledger were gone
/// through; none: everything that is sealed can be found, or another node is at it.
///
/// # Errors
/// `Store`.
pub async fn round(hub: &Hub) -> Result<usize, ExchangeError> {
    let most = hub.config.portal.index_batch_max;
    SEARCH.follow(hub, most, |tx, _, entries| found(tx, entries), |tx, found| index::insert(tx, found)).await
}

fn found(tx: &mut Connection, entries: Vec<Entry>) -> Result<Vec<Searchable>, StoreError> {
    let accepted = EvidenceEvent::SubmissionAcceptance.name();
    let accepted = entries.into_iter().filter(|(_, evidence)| evidence.event == accepted);
    let numbers: HashMap<String, i64> =
        accepted.filter_map(|(number, evidence)| Some((evidence.envelope_id?, number))).collect();
    let ids: Vec<&str> = numbers.keys().map(String::as_str).collect();
    let envelopes = envelopes::of_ids(tx, &ids)?;
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
    Ok(documents.collect())
}
