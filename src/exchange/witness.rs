//! This hub as a witness of other ledgers: it cosigns a signed head that grew from the last one that it cosigned, as C2SP
//! tlog-witness says, and no other. A ledger that does not grow is refused, kept as evidence and alarmed. Not here: heads of
//! this ledger that others cosign (`cosign`).

use super::act::{Act, By};
use super::{ExchangeError, seal};
use crate::domain::evidence::{Evidence, EvidenceEvent};
use crate::domain::rules::Wording;
use crate::hub::{Hub, Ids};
use crate::proof::checkpoint::{Checkpoint, Key, NoteFault, claimed_origin, cosign};
use crate::proof::merkle::{empty_root, grew, hash_of};
use crate::proof::witness::Asked;
use crate::store::witnesses::{self, WatchedRow};
use crate::store::{Connection, StoreError, evidence, neighbours};
use chrono::{DateTime, Utc};
use serde_json::json;
use std::sync::Arc;

/// What a ledger is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The head is cosigned by this line.
    Cosigned(String),
    /// For this witness the ledger has another size, or another root at the same size; the size.
    Conflict(u64),
    /// It was not proved that the ledger only grew.
    NotGrown,
}

/// The key under which this hub cosigns.
pub fn own_key(hub: &Hub) -> Key {
    Key::of(&own_name(hub), hub.keyring.witness_signer())
}

fn own_name(hub: &Hub) -> String {
    format!("{}/witness", hub.config.ledger.name)
}

/// The keys of the ledgers that this hub cosigns: those of the configuration, and those of neighbours.
pub(super) async fn watched(hub: &Hub) -> Result<Vec<Key>, ExchangeError> {
    let named = hub.config.witness.watched.split(',').filter_map(Key::parse);
    let of_neighbours = hub.store.read(neighbours::list).await?;
    let of_neighbours = of_neighbours.iter().filter_map(|(keys, _)| Key::parse(&keys.ledger_key));
    Ok(named.chain(of_neighbours).collect())
}

/// A head that is to be cosigned, opened.
struct Asking {
    asked: Asked,
    head: Checkpoint,
}

/// Cosigns a head, or says why not.
///
/// # Errors
/// `Malformed` for a body of another form; `NotFound` for a ledger that is not watched; `NotAllowed` for a head that its key did
/// not sign; `Store`.
pub async fn add_checkpoint(hub: &Hub, body: &[u8]) -> Result<Verdict, ExchangeError> {
    let asked = std::str::from_utf8(body).ok().and_then(Asked::parse).ok_or_else(malformed)?;
    let origin = claimed_origin(&asked.note).ok_or_else(malformed)?;
    let mut keys = watched(hub).await?;
    keys.retain(|key| key.name() == origin);
    if keys.is_empty() {
        return Err(ExchangeError::NotFound);
    }
    let (head, _) = seal::opened(&keys, &asked.note).map_err(|fault| match fault {
        NoteFault::Unreadable => malformed(),
        NoteFault::Signature | NoteFault::Unsigned => ExchangeError::NotAllowed(unsigned()),
    })?;
    if asked.old > head.size {
        return Err(malformed());
    }
    let (asking, ids, now) = (Arc::new(Asking { asked, head }), hub.ids, hub.clock.now());
    let deciding = Arc::clone(&asking);
    let (fault, known) = hub.store.write(move |tx| decide(tx, &deciding, (ids, now))).await?;
    let Asking { asked, head } = &*asking;
    match fault {
        None => {
            let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
            let line = cosign(&asked.note, (&own_name(hub), hub.keyring.witness_signer()), seconds);
            line.map(Verdict::Cosigned).ok_or_else(malformed)
        }
        Some(Fault::Size) => Ok(Verdict::Conflict(known)),
        Some(Fault::Root(is_first)) => {
            tell(head, known, is_first);
            Ok(Verdict::Conflict(known))
        }
        Some(Fault::Proof(is_first)) => {
            tell_unproved(head, known, is_first);
            Ok(Verdict::NotGrown)
        }
    }
}

/// Why a head is not cosigned; of what is kept as evidence, whether it is the first since the ledger last grew.
enum Fault {
    /// The ledger has another size for this witness.
    Size,
    /// It has another root at the same size.
    Root(bool),
    /// The proof does not hold.
    Proof(bool),
}

/// Decides, and notes how large the ledger is from now on, in one transaction. Gives how large it was.
fn decide(
    tx: &mut Connection,
    asking: &Asking,
    moment: (Ids, DateTime<Utc>),
) -> Result<(Option<Fault>, u64), StoreError> {
    let Asking { asked, head } = asking;
    let before = witnesses::watched(tx, &head.origin)?;
    let (size, root) = match &before {
        Some(row) => (row.tree_size.unsigned_abs(), hash_of(&row.root).unwrap_or_default()),
        None => (0, empty_root()),
    };
    let fault = if asked.old != size {
        Some(Fault::Size)
    } else if head.size == size && head.root != root {
        Some(Fault::Root(refuse(tx, asking, (before.as_ref(), "root"), moment)?))
    } else if !grew((size, root), &asked.path, (head.size, head.root)) {
        Some(Fault::Proof(refuse(tx, asking, (before.as_ref(), "proof"), moment)?))
    } else {
        let after = WatchedRow::new(&head.origin, seal::signed(head.size), &head.root, moment.1);
        // Invariant: what is cosigned is on disk before, and never smaller than what was.
        if head.size > size && !witnesses::grow(tx, before.as_ref(), &after)? {
            return Err(StoreError::Raced);
        }
        None
    };
    Ok((fault, size))
}

/// Keeps a head that does not follow, with the signature of its ledger. Says whether it is the first since that last grew: further
/// ones would say the same, and anybody can send them.
fn refuse(
    tx: &mut Connection,
    Asking { asked, head }: &Asking,
    (before, why): (Option<&WatchedRow>, &str),
    (ids, now): (Ids, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let Some(before) = before else { return Ok(false) };
    if !witnesses::refuse(tx, &head.origin, (&asked.note, why == "root"))? {
        return Ok(false);
    }
    let facts = json!({
        "ledger": head.origin, "why": why, "size": head.size, "root": hex::encode(head.root), "head": asked.note,
        "cosigned_size": before.tree_size, "cosigned_root": hex::encode(&before.root),
    });
    let piece = Evidence {
        event: EvidenceEvent::LedgerRefused,
        at: now,
        envelope_id: None,
        delivery_id: None,
        agency: None,
        system_id: None,
        facts: facts.to_string(),
    };
    evidence::append(tx, &ids.next(), &piece)?;
    Ok(true)
}

fn tell(head: &Checkpoint, cosigned: u64, is_first: bool) {
    if is_first {
        let (ledger, size) = (head.origin.as_str(), head.size);
        log::error!(target: "alarm", ledger = ledger, size = size, cosigned = cosigned;
            "a ledger did not grow from the head that this hub cosigned: it was forked, or restored from a backup");
    }
}

/// Whoever asks may have sent a wrong proof with a head that anybody can fetch: no alarm.
fn tell_unproved(head: &Checkpoint, cosigned: u64, is_first: bool) {
    if is_first {
        let (ledger, size) = (head.origin.as_str(), head.size);
        log::warn!(target: "ledger", ledger = ledger, size = size, cosigned = cosigned;
            "no proof was given that a ledger grew from the head that this hub cosigned; if it goes on, ask its operator");
    }
}

fn malformed() -> ExchangeError {
    ExchangeError::Malformed(Wording::new(
        "không phải yêu cầu add-checkpoint đọc được (C2SP tlog-witness)",
        "this is no add-checkpoint request (C2SP tlog-witness)",
    ))
}

fn unsigned() -> Wording {
    Wording::new("khóa của sổ cái này không ký điểm chốt", "the key of that ledger did not sign this head")
}

/// Every ledger that this hub cosigned, by name.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub) -> Result<Vec<WatchedRow>, ExchangeError> {
    Ok(hub.store.read(witnesses::all_watched).await?)
}

/// Forgets what was cosigned of a ledger, so that it begins anew: when its operator told of a restore, and why.
///
/// # Errors
/// `NotFound` when nothing was; `Store`.
pub async fn forget(hub: &Hub, by: &By, origin: &str, reason: &str) -> Result<(), ExchangeError> {
    let (act, origin, reason) = (Act::new(hub, by), origin.to_owned(), reason.to_owned());
    let forgotten = hub.store.write(move |tx| {
        let Some(row) = witnesses::watched(tx, &origin)? else { return Ok(false) };
        witnesses::forget(tx, &origin)?;
        let facts = json!({
            "ledger": origin, "cosigned_size": row.tree_size, "cosigned_root": hex::encode(&row.root), "reason": reason,
        });
        act.note(tx, (EvidenceEvent::LedgerRefused, "forget"), None, facts)?;
        Ok(true)
    });
    if forgotten.await? { Ok(()) } else { Err(ExchangeError::NotFound) }
}
