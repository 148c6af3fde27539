//! Searching documents as people do: by number and notation in any spelling, by words without marks. A person finds what
//! it may see. How documents get into the index: `index`.

use super::sessions::Person;
use super::transfers::{DocumentLine, lines};
use super::viewer::Viewer;
use super::{ExchangeError, rows};
use crate::domain::search::{Asked, asked, party_word};
use crate::domain::text;
use crate::hub::Hub;
use crate::store::envelopes::EnvelopeRow;
use crate::store::search::{self as index, Question};
use crate::store::{Connection, StoreError, envelopes, transfers as log};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    /// Documents: those with the very words first, with their marks; then the newest first.
    pub lines: Vec<DocumentLine>,
    /// Before which number the next page goes on; nothing on the last.
    pub next: Option<i64>,
}

/// How long one may wait for a place.
const PATIENCE: Duration = Duration::from_secs(10);

/// Agencies whose documents can be told apart by the index alone.
const PARTIES_MAX: usize = 200;

/// Looks for documents of a person's agencies. A text without a letter or digit finds nothing.
///
/// # Errors
/// `Store`.
pub async fn search(hub: &Hub, person: &Person, text: &str, before: Option<i64>) -> Result<Hits, ExchangeError> {
    let Some(asked) = asked(text) else { return Ok(Hits::default()) };
    let (viewer, most) = (Viewer::of(person), rows(hub.config.portal.rows_max));
    let among = match &viewer {
        Viewer::Agencies(codes) if codes.is_empty() => return Ok(Hits::default()),
        Viewer::Agencies(codes) if codes.len() <= PARTIES_MAX => codes.iter().map(|code| party_word(code)).collect(),
        Viewer::Agencies(_) | Viewer::System(_) | Viewer::Hub => Vec::new(),
    };
    let _place = at_a_place(&hub.searches).await?;
    let (number, either) = questions(asked, among);
    let (wanted, person) = (text.to_lowercase(), person.clone());
    let hits = hub.store.read(move |tx| {
        let page = (before.unwrap_or(i64::MAX), most);
        let mut found = match &number {
            Some(number) => index::find(tx, number, page)?,
            None => Vec::new(),
        };
        // Whoever names a number means it; words are asked for where no document has that number.
        if found.is_empty() {
            found = index::find(tx, &either, page)?;
        }
        let is_full = rows(found.len()) >= most;
        let next = found.last().map(|(number, _)| *number).filter(|_| is_full);
        let mut seen = seen(tx, &viewer, &found)?;
        seen.retain(|envelope| person.covers(envelope.accepted_at.and_utc()));
        let mut lines = lines(tx, &viewer, seen)?;
        // Whoever writes marks means them.
        if text::unaccented(&wanted) != wanted {
            lines.sort_by_key(|line| !format!("{} {}", line.code, line.subject).to_lowercase().contains(&wanted));
        }
        Ok(Hits { lines, next })
    });
    Ok(hits.await?)
}

/// The question for a number alone, if there is one, and the question for words.
fn questions(asked: Asked, among: Vec<String>) -> (Option<Question>, Question) {
    let number =
        asked.number.map(|number| Question { beginnings: vec![number], words: Vec::new(), among: among.clone() });
    (number, Question { beginnings: vec![asked.document], words: asked.words, among })
}

/// A place for one search, or for something on its way out: a few at once leave connections and threads to everybody else.
///
/// # Errors
/// `ComeAgain` when there is none for ten seconds.
pub async fn at_a_place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ExchangeError> {
    let place = timeout(PATIENCE, Arc::clone(places).acquire_owned()).await;
    place.ok().and_then(Result::ok).ok_or(ExchangeError::ComeAgain { too_many: false })
}

/// The envelopes that a viewer may see of what the index found, in its order: a word of the index is no right.
fn seen(tx: &mut Connection, viewer: &Viewer, found: &[(i64, String)]) -> Result<Vec<EnvelopeRow>, StoreError> {
    let ids: Vec<&str> = found.iter().map(|(_, id)| id.as_str()).collect();
    let envelopes = envelopes::of_ids(tx, &ids)?;
    let mut by_id: HashMap<String, EnvelopeRow> =
        envelopes.into_iter().map(|envelope| (envelope.envelope_id.clone(), envelope)).collect();
    let sent_to: HashSet<String> = match viewer {
        Viewer::Agencies(codes) => log::states_to(tx, &ids, codes)?.into_iter().map(|(id, ..)| id).collect(),
        Viewer::Hub | Viewer::System(_) => HashSet::new(),
    };
    let mut seen = Vec::new();
    for id in ids {
        let Some(envelope) = by_id.remove(id) else { continue };
        if viewer.holds(tx, &envelope.sender_code)? || sent_to.contains(id) {
            seen.push(envelope);
        }
    }
    Ok(seen)
}
