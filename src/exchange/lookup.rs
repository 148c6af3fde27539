//! Searching documents as people do: by number and notation in any spelling, by words without marks. A person finds what
//! it may see. How documents get into the index: `index`.

use super::sessions::Person;
use super::transfers::{DocumentLine, lines};
use super::viewer::Viewer;
use super::{ExchangeError, rows};
use crate::domain::search::{asked, party_word};
use crate::domain::text;
use crate::hub::Hub;
use crate::store::envelopes::EnvelopeRow;
use crate::store::search::{self as index, Question};
use crate::store::{Connection, StoreError};
use std::collections::HashMap;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    /// Documents: those with the very words first, with their marks; then the newest first.
    pub lines: Vec<DocumentLine>,
    /// Before which number the next page goes on; nothing on the last.
    pub next: Option<i64>,
}

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
    let question = Question { beginnings: asked.beginnings, words: asked.words, among };
    let wanted = text.to_lowercase();
    let hits = hub.store.read(move |tx| {
        let found = index::find(tx, &question, (before.unwrap_or(i64::MAX), most))?;
        let is_full = rows(found.len()) >= most;
        let next = found.last().map(|(number, _)| *number).filter(|_| is_full);
        let seen = seen(tx, &viewer, &found)?;
        let mut lines = lines(tx, &viewer, seen)?;
        // Whoever writes marks means them.
        if text::unaccented(&wanted) != wanted {
            lines.sort_by_key(|line| !format!("{} {}", line.code, line.subject).to_lowercase().contains(&wanted));
        }
        Ok(Hits { lines, next })
    });
    Ok(hits.await?)
}

/// The envelopes that a viewer may see of what the index found, in its order: a word of the index is no right.
fn seen(tx: &mut Connection, viewer: &Viewer, found: &[(i64, String)]) -> Result<Vec<EnvelopeRow>, StoreError> {
    let ids: Vec<&str> = found.iter().map(|(_, id)| id.as_str()).collect();
    let envelopes = index::envelopes(tx, &ids)?;
    let mut by_id: HashMap<String, EnvelopeRow> =
        envelopes.into_iter().map(|envelope| (envelope.envelope_id.clone(), envelope)).collect();
    let recipients = index::recipients(tx, &ids)?;
    let mut seen = Vec::new();
    for id in ids {
        let Some(envelope) = by_id.remove(id) else { continue };
        let is_party = |codes: &[String]| {
            let mut parties = recipients.get(id).into_iter().flatten().chain([&envelope.sender_code]);
            parties.any(|party| codes.contains(party))
        };
        let may_see = match viewer {
            Viewer::Hub => true,
            Viewer::Agencies(codes) => is_party(codes),
            Viewer::System(_) => false,
        };
        if may_see {
            seen.push(envelope);
        }
    }
    Ok(seen)
}
