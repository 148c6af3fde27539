//! The work of a purge that two people agreed on: batch by batch, each one transaction with the rows that go, the evidence of
//! each and how far it got. Files go after the commit; a process that dies in between leaves files that no row names, which
//! the sweep removes. What must stay by now is kept, and it is said why.

use super::survey::{Judged, Rules, judged};
use super::{certificate, note};
use crate::domain::dates::for_machines;
use crate::domain::destruction::Line;
use crate::domain::evidence::{Evidence, EvidenceEvent};
use crate::domain::packet::Digest;
use crate::domain::retention::{Due, Kept, Scope};
use crate::domain::undertaking::UndertakingState;
use crate::exchange::act::{Act, By};
use crate::exchange::{ExchangeError, archive, rows};
use crate::hub::Hub;
use crate::store::envelopes::{self, EnvelopeRow, digest_of};
use crate::store::purges::{self, DESTROYED, DestroyedRow, PurgeRow};
use crate::store::{Connection, StoreError, evidence, purgeable};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Goes on with the purge that is running, for as much as one run may do, and ends proposals that nobody decided on in time.
/// Answers how many packets were gone through.
///
/// # Errors
/// `Store`.
pub async fn work(hub: &Hub) -> Result<usize, ExchangeError> {
    let mut gone_through: usize = 0;
    for row in hub.store.read(purges::open).await? {
        match row.state()? {
            UndertakingState::Proposed => lapse(hub, row).await?,
            UndertakingState::Running if hub.config.retention.enabled => {
                gone_through = gone_through.saturating_add(run(hub, &row.purge_id).await?);
            }
            UndertakingState::Running | UndertakingState::Paused => {}
            UndertakingState::Done | UndertakingState::Refused => {}
            UndertakingState::Stopped | UndertakingState::Lapsed => {}
        }
    }
    Ok(gone_through)
}

async fn lapse(hub: &Hub, row: PurgeRow) -> Result<(), ExchangeError> {
    let act = Act::new(hub, &By::Hub);
    if row.expires_at() > act.now {
        return Ok(());
    }
    let lapsed = hub.store.write(move |tx| {
        if purges::set_state(tx, &row, (UndertakingState::Lapsed, None), act.now)? {
            note(tx, &act, (&row.purge_id, "lapsed"), json!({}))?;
        }
        Ok(())
    });
    Ok(lapsed.await?)
}

async fn run(hub: &Hub, purge_id: &str) -> Result<usize, ExchangeError> {
    let settings = &hub.config.retention;
    let age = Duration::from_secs(hub.config.data.orphan_age_seconds);
    let mut left = settings.run_max;
    let mut gone_through: usize = 0;
    while left > 0 {
        let batch = Batch {
            act: Act::new(hub, &By::Hub),
            rules: Rules::of(hub),
            purge_id: purge_id.to_owned(),
            limit: i64::try_from(left.min(settings.batch)).unwrap_or(i64::MAX),
        };
        let Some(taken) = hub.store.write(move |tx| batch.take(tx)).await? else { break };
        hub.payloads.forget(&hub.store, &taken.files, age).await?;
        if taken.archives > 0
            && let Err(error) = archive::sweep(hub).await
        {
            log::error!(target: "jobs", "the file of an archive that was destroyed cannot be removed yet: {error}");
        }
        gone_through = gone_through.saturating_add(taken.number);
        left = left.saturating_sub(u64::try_from(taken.number).unwrap_or(u64::MAX));
    }
    Ok(gone_through)
}

/// Some packets of a purge, in one transaction.
struct Batch {
    act: Act,
    rules: Rules,
    purge_id: String,
    limit: i64,
}

/// Packets of a batch, sorted.
#[derive(Default)]
struct Sorted {
    gone: Vec<Judged>,
    destroyed: Vec<DestroyedRow>,
    bytes: i64,
    files: Vec<Digest>,
    kept: BTreeMap<Kept, Vec<String>>,
}

/// What a batch came to.
struct Taken {
    /// Packets that were gone through.
    number: usize,
    /// Files that may go.
    files: Vec<Digest>,
    /// Archives that were destroyed.
    archives: usize,
}

impl Batch {
    /// Nothing when there is nothing more to do.
    fn take(&self, tx: &mut Connection) -> Result<Option<Taken>, StoreError> {
        purges::stand_still(tx)?;
        let Some(row) = purges::find(tx, &self.purge_id)? else { return Ok(None) };
        if row.state()? != UndertakingState::Running {
            return Ok(None);
        }
        let packets = purges::packets(tx, &self.purge_id, (&row.after_envelope, self.limit))?;
        let Some(last) = packets.last() else {
            self.end(tx, &row)?;
            return Ok(None);
        };
        let ids: Vec<&str> = packets.iter().map(|packet| packet.envelope_id.as_str()).collect();
        let there = purgeable::there(tx, &ids)?;
        let envelopes = envelopes::of_ids(tx, &ids)?;
        let mut sorted = Sorted::default();
        for one in judged(tx, &self.rules, envelopes, &Scope::default())? {
            let is_in_file = there.get(&one.envelope.envelope_id).ok_or(Kept::Gone);
            match one.verdict.clone().and_then(|due| is_in_file.map(|is_in_file| (due, *is_in_file))) {
                Ok((due, is_in_file)) => {
                    self.destroy(tx, (&one.envelope, due), is_in_file, &mut sorted)?;
                    sorted.gone.push(one);
                }
                Err(why) => sorted.kept.entry(why).or_default().push(one.envelope.envelope_id),
            }
        }
        let gone: Vec<_> = sorted.gone.iter().map(|one| (&one.envelope, one.recipients())).collect();
        let archives = archive::destroy(tx, (&self.act, &self.purge_id), &gone)?;
        self.write(tx, &row, (&last.envelope_id, &sorted))?;
        Ok(Some(Taken { number: packets.len(), files: sorted.files, archives }))
    }

    /// Leaves the evidence that a content is destroyed.
    fn destroy(
        &self,
        tx: &mut Connection,
        (envelope, due): (&EnvelopeRow, Due),
        is_in_file: bool,
        sorted: &mut Sorted,
    ) -> Result<(), StoreError> {
        let sha256 = digest_of(&envelope.payload_sha256);
        let line = line(envelope, due, for_machines(self.act.now));
        let facts = json!({
            "purge_id": self.purge_id, "sha256": line.sha256, "bytes": line.bytes, "class": line.class,
            "ended_at": line.ended_at, "kept_until": line.kept_until,
        });
        let (system_id, facts) = self.act.facts("destroyed", facts);
        let piece = Evidence {
            event: EvidenceEvent::PacketDestroyed,
            at: self.act.now,
            envelope_id: Some(envelope.envelope_id.clone()),
            delivery_id: None,
            agency: Some(envelope.sender_code.clone()),
            system_id,
            facts: facts.to_string(),
        };
        evidence::append(tx, &self.act.ids.next(), &piece)?;
        sorted.bytes = sorted.bytes.saturating_add(envelope.bytes);
        sorted.files.extend(is_in_file.then_some(sha256));
        sorted.destroyed.push(DestroyedRow {
            envelope_id: line.envelope_id.clone(),
            purge_id: self.purge_id.clone(),
            line: serde_json::to_string(&line).unwrap_or_default(),
        });
        Ok(())
    }

    fn write(&self, tx: &mut Connection, row: &PurgeRow, (last, sorted): (&str, &Sorted)) -> Result<(), StoreError> {
        let gone: Vec<&str> = sorted.destroyed.iter().map(|one| one.envelope_id.as_str()).collect();
        if !gone.is_empty() {
            if !purges::destroy(tx, &sorted.destroyed)? {
                return Err(StoreError::Raced);
            }
            purges::note(tx, &self.purge_id, &gone, DESTROYED)?;
        }
        let mut kept: usize = 0;
        for (why, ids) in &sorted.kept {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            purges::note(tx, &self.purge_id, &ids, why.code())?;
            kept = kept.saturating_add(ids.len());
        }
        match purges::advance(tx, row, last, [rows(gone.len()), sorted.bytes, rows(kept)])? {
            true => Ok(()),
            false => Err(StoreError::Raced),
        }
    }

    /// All were gone through: the certificate is made.
    fn end(&self, tx: &mut Connection, row: &PurgeRow) -> Result<(), StoreError> {
        if !purges::set_state(tx, row, (UndertakingState::Done, None), self.act.now)? {
            return Err(StoreError::Raced);
        }
        note(tx, &self.act, (&row.purge_id, "done"), json!({ "destroyed": row.destroyed, "kept": row.kept }))?;
        certificate::make(tx, &self.act, row)
    }
}

fn line(envelope: &EnvelopeRow, due: Due, destroyed_at: String) -> Line {
    Line {
        envelope_id: envelope.envelope_id.clone(),
        sha256: digest_of(&envelope.payload_sha256).hex(),
        bytes: u64::try_from(envelope.bytes).unwrap_or(0),
        sender: envelope.sender_code.clone(),
        document_id: envelope.document_id.clone(),
        kind: envelope.packet_kind.clone(),
        accepted_at: for_machines(envelope.accepted_at.and_utc()),
        ended_at: for_machines(due.ended_at),
        class: due.class,
        kept_until: for_machines(due.kept_until),
        basis_vi: due.basis.vi,
        basis_en: due.basis.en,
        destroyed_at,
    }
}
