//! Heads of this ledger that witnesses cosign: each is asked at its own pace, with the proof that the ledger only grew from the
//! head that it cosigned last. Nothing waits for them: sealing and accepting go on whoever is away. Not here: heads of others
//! (`witness`), sealing (`seal`).

use super::{ExchangeError, prove, seal};
use crate::channel::push::{Meaning, Pusher, Question};
use crate::hub::Hub;
use crate::metrics::OutcomeLabel;
use crate::proof::checkpoint::Key;
use crate::proof::witness::{self, Asked, SIZE_MEDIA, size_of};
use crate::store::ledger::{self, CheckpointRow};
use crate::store::neighbours;
use crate::store::witnesses::{self, CosignatureRow, WitnessRow};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

/// Lines of an answer that are looked at.
const LINES_MAX: usize = 16;
/// Requests of one turn: a witness that says another size is asked once more with the proof from there.
const REQUESTS: u64 = 2;
/// How much longer a turn may take than its requests.
const SETTLING_SECONDS: u64 = 60;

/// A witness that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its key.
    pub key: Key,
    /// Its address, to which `/add-checkpoint` is added.
    pub url: String,
}

/// Who is asked: the witnesses of the configuration, and neighbours whose key as a witness is known.
///
/// # Errors
/// `Store`.
pub async fn asked(hub: &Hub) -> Result<Vec<Witness>, ExchangeError> {
    let named = witness::witnesses(&hub.config.witness.asked).unwrap_or_default();
    let mut all: Vec<Witness> = named.into_iter().map(|(key, url)| Witness { key, url }).collect();
    for (keys, url) in hub.store.read(neighbours::list).await? {
        let new =
            Key::parse_witness(&keys.witness_key).filter(|key| all.iter().all(|one| one.key.name() != key.name()));
        all.extend(new.map(|key| Witness { key, url: format!("{url}/witness") }));
    }
    Ok(all)
}

/// What came of a turn.
enum Outcome {
    Cosigned(CosignatureRow),
    /// How large the ledger is for the witness, as far as it is known, and why it did not cosign.
    Ill(u64, String),
    /// The same, and that it saw another ledger than this one.
    Forked(u64, String),
}

/// Asks every witness whose turn it is to cosign the newest head, each once. Answers how many did.
///
/// # Errors
/// `Store`.
pub async fn round(hub: &Hub, pusher: &Pusher) -> Result<usize, ExchangeError> {
    let (now, all) = (hub.clock.now(), asked(hub).await?);
    if all.is_empty() {
        return Ok(0);
    }
    let (head, known) = hub.store.read(|tx| Ok((ledger::head(tx)?, witnesses::list(tx)?))).await?;
    let Some(head) = head else { return Ok(0) };
    let turns = all.into_iter().filter_map(|one| {
        let known = known.iter().find(|row| row.witness == one.key.name()).cloned();
        let row = known.unwrap_or_else(|| WitnessRow::new(one.key.name(), now));
        (row.due_at() <= now).then(|| turn(hub, pusher, one, (row, &head)))
    });
    let mut cosigned: usize = 0;
    for outcome in join_all(turns).await {
        cosigned = cosigned.saturating_add(usize::from(outcome?));
    }
    Ok(cosigned)
}

/// One turn of one witness, unless another node took it. Says whether it cosigned.
async fn turn(
    hub: &Hub,
    pusher: &Pusher,
    witness: Witness,
    (row, head): (WitnessRow, &CheckpointRow),
) -> Result<bool, ExchangeError> {
    if !claim(hub, &row, hub.config.push.answer_timeout_seconds.saturating_mul(REQUESTS)).await? {
        return Ok(false);
    }
    let outcome = ask(hub, pusher, &witness, (&row, head)).await;
    let (word, kept, after) = judged(hub, &row, outcome);
    hub.metrics.witness_turns.get_or_create(&OutcomeLabel { outcome: word }).inc();
    let (head, is_cosigned) = (head.clone(), kept.is_some());
    let settled = hub.store.write(move |tx| {
        if let Some(kept) = &kept {
            witnesses::keep(tx, &head, kept)?;
        }
        witnesses::note(tx, &after)
    });
    settled.await?;
    Ok(is_cosigned)
}

/// Takes the turn to ask somebody, for as long as answers of so many seconds in all may take. Says whether
/// nobody else had taken it.
pub(super) async fn claim(hub: &Hub, row: &WitnessRow, answers_seconds: u64) -> Result<bool, ExchangeError> {
    // Within the answer's time a connection is made too.
    let (until, row) = (after(hub.clock.now(), answers_seconds.saturating_add(SETTLING_SECONDS)), row.clone());
    let claimed = hub.store.write(move |tx| {
        witnesses::introduce(tx, &row)?;
        witnesses::claim(tx, &row, until)
    });
    Ok(claimed.await?)
}

/// So many seconds later.
pub(super) fn after(at: DateTime<Utc>, seconds: u64) -> DateTime<Utc> {
    let later = i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds);
    at.checked_add_signed(later.unwrap_or_default()).unwrap_or(at)
}

/// When somebody who did not do what was asked is asked again.
pub(super) fn later(hub: &Hub, row: &WitnessRow) -> DateTime<Utc> {
    let failures = u32::try_from(row.failures.saturating_add(1)).unwrap_or(u32::MAX);
    hub.schedules.packets.next_attempt(failures, hub.clock.now(), hub.ids.draw(), None)
}

/// The word for an outcome, what is kept of it, and how the witness is doing from then on; with a line in the log.
fn judged(hub: &Hub, row: &WitnessRow, outcome: Outcome) -> (&'static str, Option<CosignatureRow>, WitnessRow) {
    let (now, name) = (hub.clock.now(), row.witness.as_str());
    match outcome {
        Outcome::Cosigned(line) => {
            let after = row.well(line.tree_size, (now, after(now, hub.config.witness.every_seconds)));
            ("cosigned", Some(line), after)
        }
        Outcome::Ill(size, why) => {
            log::warn!(target: "ledger", witness = name; "a witness did not cosign the head of the ledger: {why}");
            ("later", None, row.ill(seal::signed(size), why, later(hub, row)))
        }
        Outcome::Forked(size, why) => {
            log::error!(target: "alarm", witness = name;
                "a witness refuses the ledger of this hub: {why}; after a restore, tell the witness's operator; else run docaxis ledger verify");
            ("refused", None, row.ill(seal::signed(size), why, later(hub, row)))
        }
    }
}

/// Asks a witness to cosign a head.
async fn ask(hub: &Hub, pusher: &Pusher, witness: &Witness, (row, head): (&WitnessRow, &CheckpointRow)) -> Outcome {
    let (mut old, size) = (row.tree_size.unsigned_abs(), head.tree_size.unsigned_abs());
    for _ in 0..REQUESTS {
        if old > size {
            return Outcome::Forked(old, format!("it cosigned {old} entries, and there are {size}"));
        }
        let path = match prove::growth(hub, old, Some(size)).await {
            Ok(growth) => growth.path,
            Err(error) => return Outcome::Ill(old, error.to_string()),
        };
        let body = Asked { old, path, note: head.note.clone() }.body().into_bytes();
        let url = format!("{}/add-checkpoint", witness.url);
        let body = Some(("text/plain", body));
        let question = Question { url: &url, bearer: None, body, patience: None, is_open: false };
        let answer = match pusher.ask(question).await {
            Ok(answer) => answer,
            Err(why) => return Outcome::Ill(old, why),
        };
        let text = String::from_utf8_lossy(&answer.body);
        match (answer.meaning, size_of(&text).filter(|_| answer.media == SIZE_MEDIA)) {
            (Meaning::Given, _) => {
                let line = of_witness(&witness.key, &head.note, &text);
                let Some((line, at)) = line else {
                    return Outcome::Ill(old, "its answer has no cosignature of its key".to_owned());
                };
                let (cosigned_at, witness) = (at.naive_utc(), row.witness.clone());
                return Outcome::Cosigned(CosignatureRow { tree_size: head.tree_size, witness, cosigned_at, line });
            }
            (Meaning::Conflict, Some(other)) if other != old => old = other,
            (Meaning::Conflict, _) => {
                return Outcome::Forked(old, format!("it cosigned another root of {old} entries"));
            }
            (Meaning::Unsound, _) => {
                return Outcome::Forked(
                    old,
                    format!("the ledger did not grow from the {old} entries that it cosigned"),
                );
            }
            (Meaning::Other(status), _) => return Outcome::Ill(old, format!("answered {status}")),
        }
    }
    Outcome::Ill(old, "the size that it says changes".to_owned())
}

/// The line of an answer that holds as this key's under a note, and its time. Others are ignored.
fn of_witness(key: &Key, note: &str, answer: &str) -> Option<(String, DateTime<Utc>)> {
    let lines = answer.split_inclusive('\n').take(LINES_MAX).filter(|line| line.ends_with('\n'));
    let mut held = lines.filter_map(|line| {
        let at = key.cosigned(&format!("{note}{line}")).ok()??;
        Some((line.to_owned(), DateTime::from_timestamp(i64::try_from(at).ok()?, 0)?))
    });
    held.next()
}

/// Every witness that is asked and how it is doing; nothing of one that was not asked yet.
///
/// # Errors
/// `Store`.
pub async fn standing(hub: &Hub) -> Result<Vec<(Witness, Option<WitnessRow>)>, ExchangeError> {
    let (all, rows) = (asked(hub).await?, hub.store.read(witnesses::list).await?);
    let row_of = |one: &Witness| rows.iter().find(|row| row.witness == one.key.name()).cloned();
    Ok(all.into_iter().map(|one| (row_of(&one), one)).map(|(row, one)| (one, row)).collect())
}

/// Names of witnesses that did not cosign for `witness.late_seconds`.
///
/// # Errors
/// `Store`.
pub async fn late(hub: &Hub) -> Result<Vec<String>, ExchangeError> {
    let (now, seconds) = (hub.clock.now(), hub.config.witness.late_seconds);
    let is_late = |row: &WitnessRow| is_late(row, seconds, now);
    let late = standing(hub).await?.into_iter().filter_map(|(_, row)| row).filter(is_late);
    Ok(late.map(|row| row.witness).collect())
}

/// Whether a witness did not cosign for so long, though it was asked.
pub(super) fn is_late(row: &WitnessRow, seconds: u64, now: DateTime<Utc>) -> bool {
    let silence = now.signed_duration_since(row.well_at()).num_seconds();
    row.failures > 0 && u64::try_from(silence).is_ok_and(|silence| silence >= seconds)
}
