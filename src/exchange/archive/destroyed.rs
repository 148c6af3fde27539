//! Archives that go with a content: which of them hold what is being destroyed, the evidence that they are, and the removal of files
//! that have no place any more. Their rows are written in the transaction that destroys the content; files go after it, and those
//! that a process left behind that died in between are swept. Not here: what is destroyed, and why (`exchange::purge`).

use super::compose::on_disk;
use super::{Request, files};
use crate::domain::evidence::EvidenceEvent;
use crate::exchange::ExchangeError;
use crate::exchange::act::Act;
use crate::hub::Hub;
use crate::store::archives::{self, ArchiveRow};
use crate::store::envelopes::EnvelopeRow;
use crate::store::{Connection, StoreError, ledger};
use serde_json::json;

/// Destroys every archive that is done and holds the content of one of these packets, each with the codes of its recipients.
/// Answers how many. What is still being made keeps contents instead (`open_requests`), so this is asked after that.
pub(in crate::exchange) fn destroy(
    tx: &mut Connection,
    (act, purge_id): (&Act, &str),
    packets: &[(&EnvelopeRow, Vec<&str>)],
) -> Result<usize, StoreError> {
    if packets.is_empty() {
        return Ok(0);
    }
    let ids: Vec<&str> = packets.iter().map(|(envelope, _)| envelope.envelope_id.as_str()).collect();
    let places = ledger::acceptances(tx, &ids)?;
    let mut held: Vec<(ArchiveRow, Request, usize)> = Vec::new();
    for row in archives::whole(tx)? {
        let request = Request::of(&row)?;
        // What was sealed after the cut-off is not in it.
        let is_sealed_in = |id: &String| places.get(id).is_some_and(|index| *index < request.tree_size);
        let is_in = |(envelope, recipients): &&(&EnvelopeRow, Vec<&str>)| {
            is_sealed_in(&envelope.envelope_id) && request.holds(envelope, recipients)
        };
        let contents = packets.iter().filter(is_in).count();
        if contents > 0 {
            held.push((row, request, contents));
        }
    }
    let ids: Vec<&str> = held.iter().map(|(row, ..)| row.archive_id.as_str()).collect();
    if archives::destroy(tx, &ids, (purge_id, act.now))? != ids.len() {
        return Err(StoreError::Raced);
    }
    for (row, request, contents) in &held {
        let facts = json!({
            "archive": row.archive_id, "purge_id": purge_id, "sha256": row.sha256, "bytes": row.bytes, "contents": contents,
        });
        let agency = request.selection.agency.as_deref();
        act.note(tx, (EvidenceEvent::ArchiveDestroyed, "destroyed"), agency, facts)?;
    }
    Ok(held.len())
}

/// Removes files of archives that were destroyed, failed, or that nothing is known of, and what was begun and left. Answers how
/// many went.
///
/// # Errors
/// `Store`; `Payload` when one cannot be removed.
pub(in crate::exchange) async fn sweep(hub: &Hub) -> Result<usize, ExchangeError> {
    let (here, there) = (files(hub), files(hub));
    let found = on_disk(move || here.list()).await?;
    let ids: Vec<String> = found.iter().map(|file| file.archive_id.clone()).collect();
    let rows = hub.store.read(move |tx| archives::of_ids(tx, &ids.iter().map(String::as_str).collect::<Vec<_>>()));
    let rows = rows.await?;
    let has_place = |id: &str, is_whole| rows.get(id).is_some_and(|row| row.has_file(is_whole));
    let gone: Vec<_> = found.into_iter().filter(|file| !has_place(&file.archive_id, file.is_whole)).collect();
    let number = gone.len();
    on_disk(move || there.remove(&gone)).await?;
    Ok(number)
}
