//! Time-stamps over heads of this ledger (RFC 3161): an authority that the hub has no hand in says that a tree was there at a
//! time. It is asked beside sealing and never waited for; what it answers is kept only when all of it holds. Not here: the form
//! of requests and tokens (`signer::timestamp`), whom they are shown to (`prove`, `capsule`, `archive`).

use super::{ExchangeError, cosign, rows, seal};
use crate::channel::push::{Meaning, Pusher, Question};
use crate::domain::packet::Digest;
use crate::hub::Hub;
use crate::metrics::OutcomeLabel;
use crate::proof::checkpoint::Checkpoint;
use crate::signer::certificate::Certificate;
use crate::signer::timestamp::{self, QUERY_MEDIA, Query, Token, TokenFault};
use crate::store::ledger::{self, CheckpointRow};
use crate::store::timestamps;
pub use crate::store::timestamps::TimestampRow;
use crate::store::witnesses::{self, WitnessRow};
use crate::store::{Connection, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Under which name it is kept how asking goes: the name of a witness has no blank.
pub const ASKED: &str = "time-stamp authority";
/// Name of the format of files.
pub const FORM: &str = "docaxis-timestamp/1";

/// A signed head with the time-stamp over it. A member that is not known makes it unreadable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimestampFile {
    /// The format.
    pub form: String,
    /// The signed head, with what witnesses put under it.
    pub checkpoint: String,
    /// The token, in base64.
    pub timestamp: String,
}

impl TimestampFile {
    /// A head with its token.
    pub(super) fn of(checkpoint: String, token: &[u8]) -> Self {
        Self { form: FORM.to_owned(), checkpoint, timestamp: timestamp::text(token) }
    }

    /// As a file.
    pub fn file(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// What is stamped of a head: its name, size and root, without signatures, so that it is the same whoever signs it again.
pub(super) fn imprint(head: &Checkpoint) -> [u8; 32] {
    Digest::of(head.to_string().as_bytes()).0
}

/// The addresses of authorities, in the order in which they are asked.
fn urls(hub: &Hub) -> Vec<&str> {
    hub.config.timestamp.urls.split([',', ' ']).filter(|url| !url.is_empty()).collect()
}

/// What came of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nobody is named, it is not time yet, nothing is new, or another node is at it.
    Rest,
    /// A head was stamped.
    Stamped(TimestampRow),
    /// None was, for this reason.
    Later(String),
}

/// Has the newest head stamped, when it is time and one is larger than the last that was. Answers how many were.
///
/// # Errors
/// `Store`.
pub async fn round(hub: &Hub, pusher: &Pusher) -> Result<usize, ExchangeError> {
    Ok(usize::from(matches!(turn(hub, pusher, false).await?, Turn::Stamped(_))))
}

/// The same at once, though it is not time yet.
///
/// # Errors
/// `Store`; `Unavailable` when nobody can be called with these settings.
pub async fn now(hub: &Hub) -> Result<Turn, ExchangeError> {
    let pusher = Pusher::new(&hub.config.push).map_err(|error| ExchangeError::Unavailable(error.to_string()))?;
    turn(hub, &pusher, true).await
}

async fn turn(hub: &Hub, pusher: &Pusher, is_hurried: bool) -> Result<Turn, ExchangeError> {
    let (all, now, settings) = (urls(hub), hub.clock.now(), &hub.config.timestamp);
    if all.is_empty() {
        return Ok(Turn::Rest);
    }
    let (known, next) = hub.store.read(|tx| Ok((state(tx)?, next(tx)?))).await?;
    let row = known.unwrap_or_else(|| WitnessRow::new(ASKED, now));
    let Some(head) = next.filter(|_| is_hurried || row.due_at() <= now) else { return Ok(Turn::Rest) };
    let all_of_them = u64::try_from(all.len()).unwrap_or(u64::MAX);
    if !cosign::claim(hub, &row, settings.timeout_seconds.saturating_mul(all_of_them)).await? {
        return Ok(Turn::Rest);
    }
    let outcome = ask(hub, pusher, (&all, &head)).await;
    let now = hub.clock.now();
    let (word, after) = match &outcome {
        Ok(kept) => ("stamped", row.well(kept.tree_size, (now, cosign::after(now, settings.every_seconds)))),
        Err(why) => ("later", row.ill(row.tree_size, why.clone(), cosign::later(hub, &row))),
    };
    hub.metrics.timestamp_turns.get_or_create(&OutcomeLabel { outcome: word }).inc();
    match &outcome {
        Err(why) if cosign::is_late(&after, settings.late_seconds, now) => {
            log::error!(target: "alarm", "heads of the ledger are not stamped: {why}");
        }
        Err(why) => log::warn!(target: "ledger", "the head of the ledger was not stamped: {why}"),
        Ok(_) => {}
    }
    let kept = outcome.clone().ok();
    let settled = hub.store.write(move |tx| {
        if let Some(kept) = &kept {
            timestamps::keep(tx, &head, kept)?;
        }
        witnesses::note(tx, &after)
    });
    settled.await?;
    Ok(outcome.map_or_else(Turn::Later, Turn::Stamped))
}

fn state(tx: &mut Connection) -> Result<Option<WitnessRow>, StoreError> {
    Ok(witnesses::list(tx)?.into_iter().find(|row| row.witness == ASKED))
}

/// The head that is to be stamped: the largest that a witness cosigned, else the newest; nothing while none is new.
fn next(tx: &mut Connection) -> Result<Option<CheckpointRow>, StoreError> {
    let last = timestamps::last_size(tx)?;
    let heads = [witnesses::cosigned_head(tx)?, ledger::head(tx)?];
    Ok(heads.into_iter().flatten().find(|head| head.tree_size > last))
}

/// Asks one authority after the other until one stamps the head.
async fn ask(hub: &Hub, pusher: &Pusher, (all, head): (&[&str], &CheckpointRow)) -> Result<TimestampRow, String> {
    let (opened, _) = seal::opened(&seal::keys(hub), &head.note).map_err(|_| "no known key signed the head")?;
    let file = &hub.config.timestamp.authorities_file;
    let pem = std::fs::read(file).map_err(|error| format!("timestamp.authorities_file cannot be read: {error}"))?;
    let trusted = Certificate::read_pem(&pem).ok_or("timestamp.authorities_file holds no certificate (PEM)")?;
    let mut troubles = Vec::new();
    for url in all {
        match stamped(hub, pusher, url, (&imprint(&opened), &trusted)).await {
            Ok((token, der)) => return Ok(TimestampRow::new(head.tree_size, token.at, token.authority(), der)),
            Err(why) => troubles.push(format!("{}: {why}", url.split('/').nth(2).unwrap_or_default())),
        }
    }
    Err(troubles.join("; "))
}

/// The token of one authority, if all of it holds.
async fn stamped(
    hub: &Hub,
    pusher: &Pusher,
    url: &str,
    (imprint, trusted): (&[u8], &[Certificate]),
) -> Result<(Token, Vec<u8>), String> {
    let (settings, asked_at) = (&hub.config.timestamp, hub.clock.now());
    let query = Query { imprint, nonce: hub.ids.draw(), policy: &settings.policy };
    let body = Some((QUERY_MEDIA, query.der().ok_or("timestamp.policy is no policy")?));
    let patience = Some(Duration::from_secs(settings.timeout_seconds));
    let answer = pusher.ask(Question { url, bearer: None, body, patience, is_open: true }).await?;
    if answer.meaning != Meaning::Given {
        return Err(format!("it gives none ({:?})", answer.meaning));
    }
    let der = timestamp::granted(&answer.body)?;
    let token = Token::read(&der).ok_or_else(|| TokenFault::Unreadable.to_string())?;
    token.holds(imprint, trusted).map_err(|fault| fault.to_string())?;
    if token.nonce != Some(query.nonce) {
        return Err("it answers another request (nonce)".to_owned());
    }
    if !settings.policy.is_empty() && token.policy != settings.policy {
        return Err(format!("its policy is {}", token.policy));
    }
    let apart = apart(token.at, (asked_at, hub.clock.now()));
    if apart.num_seconds().unsigned_abs() > settings.clock_seconds {
        log::error!(target: "alarm", seconds = apart.num_seconds(); "the clock of a time-stamp authority and that of this hub differ");
        return Err(format!("its clock and that of this hub differ by {} seconds", apart.num_seconds()));
    }
    Ok((token, der))
}

/// How far a time is outside of a while: below nothing before, above nothing after.
fn apart(at: DateTime<Utc>, (begins, ends): (DateTime<Utc>, DateTime<Utc>)) -> TimeDelta {
    let (before, after) = (at.signed_duration_since(begins), at.signed_duration_since(ends));
    if before < TimeDelta::zero() { before } else { after.max(TimeDelta::zero()) }
}

/// How asking goes, if anybody is asked and was.
///
/// # Errors
/// `Store`.
pub async fn standing(hub: &Hub) -> Result<Option<WitnessRow>, ExchangeError> {
    if urls(hub).is_empty() {
        return Ok(None);
    }
    Ok(hub.store.read(state).await?)
}

/// Whether something was to be stamped for `timestamp.late_seconds` and was not.
pub(super) async fn is_late(hub: &Hub) -> Result<bool, ExchangeError> {
    let (seconds, now) = (hub.config.timestamp.late_seconds, hub.clock.now());
    Ok(standing(hub).await?.is_some_and(|row| cosign::is_late(&row, seconds, now)))
}

/// Tokens over smaller trees than that, the largest first.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub, before: i64, limit: usize) -> Result<Vec<TimestampRow>, ExchangeError> {
    Ok(hub.store.read(move |tx| timestamps::list_before(tx, before, rows(limit))).await?)
}

/// The time-stamp over the head of a tree of that size, with that head as it was noted.
///
/// # Errors
/// `NotFound` when there is none; `Store`.
pub(super) async fn of(hub: &Hub, (tree_size, checkpoint): (i64, &str)) -> Result<TimestampFile, ExchangeError> {
    let row = hub.store.read(move |tx| timestamps::find(tx, tree_size)).await?.ok_or(ExchangeError::NotFound)?;
    Ok(TimestampFile::of(checkpoint.to_owned(), &row.token))
}

/// The first stamped head of a tree with at least so many entries, and its token.
///
/// # Errors
/// `NotFound` while there is none; `Store`.
pub async fn file(hub: &Hub, tree_size: u64) -> Result<TimestampFile, ExchangeError> {
    let before = seal::signed(tree_size).saturating_sub(1);
    let found = hub.store.read(move |tx| {
        let Some(head) = timestamps::head_beyond(tx, before)? else { return Ok(None) };
        Ok(timestamps::find(tx, head.tree_size)?.zip(Some(head.note + &witnesses::lines(tx, head.tree_size)?)))
    });
    let (row, note) = found.await?.ok_or(ExchangeError::NotFound)?;
    Ok(TimestampFile::of(note, &row.token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_within_the_while_is_not_apart_from_it() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let seconds = |second| apart(at(second), (at(100), at(120))).num_seconds();
        assert_eq!([90, 100, 110, 120, 125].map(seconds), [-10, 0, 0, 0, 5]);
    }
}
