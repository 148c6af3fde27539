//! The certificate of destruction: evidence with the digest of the list of all that was destroyed, sealed and signed like every
//! other, in one file with that list. It verifies without the hub (`exchange::verify`). Its form is that of a daily statement.

use crate::domain::dates::for_machines;
use crate::domain::destruction::{ArchiveLine, Decider, Facts};
use crate::domain::evidence::{Evidence, EvidenceEvent};
use crate::domain::packet::Digest;
use crate::domain::statement::{self, number};
use crate::exchange::ExchangeError;
use crate::exchange::act::Act;
use crate::exchange::sessions::Person;
use crate::exchange::statements::{self, StatementFile};
use crate::exchange::undertakings::called;
use crate::hub::Hub;
use crate::store::archives::{self, ArchiveRow};
use crate::store::purges::{self, PurgeRow};
use crate::store::{Connection, StoreError, evidence, users};
use chrono::{DateTime, Utc};

/// The list of what a purge destroyed, as it is hashed, and how many packets and archives that is.
fn list(tx: &mut Connection, purge_id: &str) -> Result<(String, [u64; 2]), StoreError> {
    let (packets, archives) = (purges::lines(tx, purge_id)?, archives::of_purge(tx, purge_id)?);
    let many = [packets.len(), archives.len()].map(number);
    let packets: String = packets.into_iter().map(|line| line + "\n").collect();
    Ok((packets + &statement::list(&archives.iter().map(line).collect::<Vec<_>>()), many))
}

fn line(row: &ArchiveRow) -> ArchiveLine {
    ArchiveLine {
        archive_id: row.archive_id.clone(),
        sha256: row.sha256.clone(),
        bytes: row.bytes.unsigned_abs(),
        destroyed_at: row.destroyed_at().map(for_machines).unwrap_or_default(),
    }
}

/// Makes the certificate of a purge that somebody agreed on and that has ended.
pub(super) fn make(tx: &mut Connection, act: &Act, row: &PurgeRow) -> Result<(), StoreError> {
    let Some((decided_by, decided_at)) = row.decided_by.as_deref().zip(row.decided_at()) else { return Ok(()) };
    let names = users::names(tx, &[&row.proposed_by, decided_by])?;
    let decider = |user_id: &str, at: DateTime<Utc>| Decider {
        user_id: user_id.to_owned(),
        name: called(&names, user_id),
        at: for_machines(at),
    };
    let (list, [packets, archives]) = list(tx, &row.purge_id)?;
    let facts = Facts {
        purge_id: row.purge_id.clone(),
        reason: row.reason.clone(),
        proposed_by: decider(&row.proposed_by, row.proposed_at()),
        approved_by: decider(decided_by, decided_at),
        packets,
        bytes: row.destroyed_bytes.unsigned_abs(),
        kept: row.kept.unsigned_abs(),
        archives,
        list: Digest::of(list.as_bytes()).hex(),
    };
    let (event, evidence_id) = (EvidenceEvent::DestructionCertified, act.ids.next());
    let facts = serde_json::to_string(&facts).unwrap_or_default();
    let piece =
        Evidence { event, at: act.now, envelope_id: None, delivery_id: None, agency: None, system_id: None, facts };
    evidence::append(tx, &evidence_id, &piece)?;
    purges::certify(tx, &row.purge_id, &evidence_id)
}

/// The certificate of a purge, as a file.
///
/// # Errors
/// `NotFound` unless there is such a purge and it has one, or for a person who does not look after the hub; `Unavailable` when no
/// key may sign; `Store`.
pub async fn certificate(hub: &Hub, viewer: Option<&Person>, purge_id: &str) -> Result<StatementFile, ExchangeError> {
    viewer.map_or(Ok(()), Person::runs_the_hub)?;
    let id = purge_id.to_owned();
    let found = hub.store.read(move |tx| {
        let evidence_id = purges::find(tx, &id)?.and_then(|row| row.evidence_id);
        evidence_id.map(|evidence_id| Ok((evidence_id, list(tx, &id)?.0))).transpose()
    });
    let of_it = found.await?.ok_or(ExchangeError::NotFound)?;
    statements::file(hub, vec![of_it], None).await?.pop().ok_or(ExchangeError::NotFound)
}
