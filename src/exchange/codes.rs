//! Codes that agencies give up and take: one that was given up is kept for who had it for `directory.freed_code_days`, so that
//! nobody alone leads another agency's packets to itself (ADR 0036); and what evidence says of codes that move. Not here: which entry
//! is at fault (`domain::directory`), who may say that codes move (the doors).

use crate::domain::agency::AgencyCode;
use crate::domain::directory::{Change, Codes, Known, Resting, folded};
use crate::hub::Hub;
use crate::store::freed_codes::{self, FreedRow};
use crate::store::{Connection, StoreError, agencies};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Codes that evidence of a file names; it always says how many there are.
const NAMED_MAX: usize = 100;

/// For how long codes rest, for one change of the directory; by default not at all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rests {
    days: TimeDelta,
    /// What was given up before rests no more.
    since: Option<DateTime<Utc>>,
    has_word: bool,
}

impl Rests {
    /// As the settings say, unless whoever asks said that codes move.
    pub(super) fn of(hub: &Hub, codes: Codes) -> Self {
        let days = i64::try_from(hub.config.directory.freed_code_days).ok().and_then(TimeDelta::try_days);
        let days = days.unwrap_or(TimeDelta::MAX);
        let since = hub.clock.now().checked_sub_signed(days).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let is_kept = codes == Codes::Rest && !days.is_zero();
        Self { days, since: is_kept.then_some(since), has_word: codes == Codes::Move }
    }

    fn resting(self, row: FreedRow) -> (String, Resting) {
        let until = row.freed_at().checked_add_signed(self.days).unwrap_or(DateTime::<Utc>::MAX_UTC);
        (row.alias_folded, Resting { owner: AgencyCode(row.agency_code), until })
    }

    /// Notes which of some codes, in upper case, rest.
    pub(super) fn note(self, tx: &mut Connection, known: &mut Known, asked: &[String]) -> Result<(), StoreError> {
        let Some(since) = self.since else { return Ok(()) };
        for row in freed_codes::among(tx, asked)?.into_iter().filter(|row| row.freed_at() > since) {
            let (folded, resting) = self.resting(row);
            known.rest(folded, resting);
        }
        Ok(())
    }

    /// Notes every code that rests.
    pub(super) fn note_all(self, tx: &mut Connection, known: &mut Known) -> Result<(), StoreError> {
        let Some(since) = self.since else { return Ok(()) };
        for row in freed_codes::since(tx, since)? {
            let (folded, resting) = self.resting(row);
            known.rest(folded, resting);
        }
        Ok(())
    }
}

/// Codes that an agency gave up and that are kept for it, with the time until which they are.
pub(super) fn kept_for(
    tx: &mut Connection,
    rests: Rests,
    agency: &AgencyCode,
) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
    let Some(since) = rests.since else { return Ok(Vec::new()) };
    let rows = freed_codes::of_agency(tx, agency.as_str(), since)?;
    Ok(rows.into_iter().map(|row| (row.alias.clone(), rests.resting(row).1.until)).collect())
}

/// Codes that changes of the directory took from agencies and gave to others.
#[derive(Debug, Default)]
pub(super) struct Shifted {
    /// Codes that lead nowhere now, and who gave each up.
    freed: Vec<(String, String)>,
    /// Codes that lead to another agency than before: from whom, to whom.
    moved: Vec<(String, String, String)>,
}

impl Shifted {
    /// What evidence says of them; nothing where no code was shifted.
    pub(super) fn facts(&self, rests: Rests) -> Map<String, Value> {
        let mut facts = Map::new();
        if !self.freed.is_empty() {
            let named = self.freed.iter().take(NAMED_MAX).map(|(code, from)| json!({ "code": code, "from": from }));
            facts.insert("codes_freed".to_owned(), named.collect());
            facts.insert("codes_freed_number".to_owned(), self.freed.len().into());
        }
        if !self.moved.is_empty() {
            let named = self.moved.iter().take(NAMED_MAX);
            let named = named.map(|(code, from, to)| json!({ "code": code, "from": from, "to": to }));
            facts.insert("codes_moved".to_owned(), named.collect());
            facts.insert("codes_moved_number".to_owned(), self.moved.len().into());
            facts.insert("move_codes".to_owned(), rests.has_word.into());
        }
        facts
    }
}

/// Leads codes as changes say: what nobody takes rests, what somebody takes rests no more.
pub(super) fn lead(tx: &mut Connection, changes: &[Change], now: DateTime<Utc>) -> Result<Shifted, StoreError> {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for change in changes {
        let before: &[String] = change.before.as_ref().map_or(&[], |before| &before.aliases);
        let after = &change.after;
        let code = &after.agency.code;
        let left = before.iter().filter(|alias| !after.aliases.contains(alias));
        gone.extend(left.map(|alias| FreedRow::new(alias, code.as_str(), now)));
        if change.before.is_none() {
            come.push((code.0.clone(), code.clone()));
        }
        come.extend(
            after.aliases.iter().filter(|alias| !before.contains(alias)).map(|alias| (alias.clone(), code.clone())),
        );
    }
    let taken: Vec<String> = come.iter().map(|(alias, _)| folded(alias)).collect();
    let mut had: HashMap<String, String> = HashMap::new();
    for row in freed_codes::among(tx, &taken)?.into_iter().chain(gone.iter().cloned()) {
        had.insert(row.alias_folded, row.agency_code);
    }
    let moved = come.iter().filter_map(|(alias, to)| {
        let from = had.get(&folded(alias)).filter(|from| *from != to.as_str())?;
        Some((alias.clone(), from.clone(), to.0.clone()))
    });
    let moved = moved.collect();
    let is_taken: HashSet<&String> = taken.iter().collect();
    let folded_gone: Vec<String> = gone.iter().map(|row| row.alias_folded.clone()).collect();
    gone.retain(|row| !is_taken.contains(&row.alias_folded));
    agencies::delete_aliases(tx, &folded_gone)?;
    agencies::insert_aliases(tx, &come)?;
    freed_codes::delete(tx, &taken)?;
    // A node of an older version may have left a row of a code that was taken and given up since.
    freed_codes::delete(tx, &folded_gone)?;
    freed_codes::insert_all(tx, &gone)?;
    Ok(Shifted { freed: gone.into_iter().map(|row| (row.alias, row.agency_code)).collect(), moved })
}
