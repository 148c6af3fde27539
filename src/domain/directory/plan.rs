//! From entries to changes: each entry is put over what is known, then the whole is judged as it would be.

use super::fault::{self, Fault};
use super::{Change, Column, Entry, Known, Listing, Resting, folded};
use crate::domain::agency::{Agency, AgencyCode, AgencyState, Channel, OrganId, Validity};
use crate::domain::{dates, selftest};
use chrono::NaiveDate;
use std::collections::{HashMap, HashSet};

/// Longest name of an agency, in characters.
const NAME_CHARS_MAX: usize = 500;
/// Longest contact, in characters.
const CONTACT_CHARS_MAX: usize = 200;

/// What entries come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planned {
    /// What changes, in the order of the entries.
    pub changes: Vec<Change>,
    /// Entries that say what is so already.
    pub unchanged: usize,
}

/// What entries make of the directory. An entry changes only what it says.
///
/// # Errors
/// Every fault of every entry, in the order of rows; then nothing is to change.
pub fn plan(known: &Known, entries: &[Entry]) -> Result<Planned, Vec<Fault>> {
    let mut desk =
        Desk { known, faults: Vec::new(), own: HashMap::new(), claims: HashMap::new(), lists: HashSet::new() };
    let usable: Vec<&Entry> = entries.iter().filter(|entry| desk.takes_code(entry)).collect();
    usable.iter().for_each(|entry| desk.claim_aliases(entry));
    usable.iter().for_each(|entry| desk.check_owners(entry));
    let listings: Vec<Listing> = usable.iter().map(|entry| desk.listing(entry)).collect();
    desk.find_circles(&usable, &listings);
    if !desk.faults.is_empty() {
        desk.faults.sort_by_key(|fault| fault.row);
        return Err(desk.faults);
    }
    let mut planned = Planned::default();
    for after in listings {
        let before = known.listing(&folded(after.agency.code.as_str())).cloned();
        match before.as_ref() == Some(&after) {
            true => planned.unchanged = planned.unchanged.saturating_add(1),
            false => planned.changes.push(Change { before, after }),
        }
    }
    Ok(planned)
}

struct Desk<'a> {
    known: &'a Known,
    faults: Vec<Fault>,
    /// Codes of the entries, in upper case; the row of each, and how it is spelled there.
    own: HashMap<String, (usize, String)>,
    /// Codes and aliases that entries give, in upper case, and to which agency, in upper case.
    claims: HashMap<String, String>,
    /// Agencies whose entry lists all their aliases.
    lists: HashSet<String>,
}

impl Desk<'_> {
    /// Whether an entry has a code to go on with.
    fn takes_code(&mut self, entry: &Entry) -> bool {
        let (row, text) = (entry.row, entry.text(Column::Code).unwrap_or_default());
        let fault = match (text, OrganId::parse(text)) {
            ("", _) => Some(fault::CODE_MISSING.at(row, Column::Code, &[])),
            (_, None) => Some(fault::CODE_MALFORMED.at(row, Column::Code, &[text])),
            (_, Some(_)) if selftest::is_reserved(text) => Some(fault::CODE_RESERVED.at(row, Column::Code, &[text])),
            (_, Some(_)) => self
                .own
                .get(&folded(text))
                .map(|(first, _)| fault::CODE_REPEATED.at(row, Column::Code, &[text, &first.to_string()])),
        };
        let is_usable = fault.is_none();
        self.faults.extend(fault);
        if is_usable {
            let code = folded(text);
            self.claims.insert(code.clone(), code.clone());
            if entry.aliases.is_some() {
                self.lists.insert(code.clone());
            }
            self.own.insert(code, (row, text.to_owned()));
        }
        is_usable
    }

    /// Notes the aliases of an entry; of two entries that give the same one, the later is at fault.
    fn claim_aliases(&mut self, entry: &Entry) {
        let code = folded(entry.text(Column::Code).unwrap_or_default());
        for alias in entry.aliases.iter().flatten() {
            if OrganId::parse(alias).is_none() {
                self.faults.push(fault::CODE_MALFORMED.at(entry.row, Column::Aliases, &[alias]));
                continue;
            }
            if selftest::is_reserved(alias) {
                self.faults.push(fault::CODE_RESERVED.at(entry.row, Column::Aliases, &[alias]));
                continue;
            }
            match self.claims.get(&folded(alias)) {
                Some(other) if *other != code => {
                    self.faults.push(fault::ALIAS_TAKEN.at(entry.row, Column::Aliases, &[alias, other]));
                }
                Some(_) => {}
                None => {
                    self.claims.insert(folded(alias), code.clone());
                }
            }
        }
    }

    /// The agency that is known under a code and goes on to be.
    fn keeper(&self, alias: &str) -> Option<&str> {
        let owner = self.known.owner(alias)?;
        (owner == alias || !self.lists.contains(owner)).then_some(owner)
    }

    /// No entry may take a code that another agency keeps, or that is kept for another one.
    fn check_owners(&mut self, entry: &Entry) {
        let text = entry.text(Column::Code).unwrap_or_default();
        let code = folded(text);
        let kept_by = |alias: &str| self.keeper(&folded(alias)).filter(|owner| *owner != code).map(str::to_owned);
        let mut faults = Vec::new();
        if let Some(owner) = kept_by(text) {
            faults.push(fault::CODE_TAKEN.at(entry.row, Column::Code, &[text, &owner]));
        }
        for alias in entry.aliases.iter().flatten() {
            if let Some(owner) = kept_by(alias) {
                faults.push(fault::ALIAS_TAKEN.at(entry.row, Column::Aliases, &[alias, &owner]));
            }
        }
        let texts = std::iter::once((Column::Code, text));
        let texts = texts.chain(entry.aliases.iter().flatten().map(|alias| (Column::Aliases, alias.as_str())));
        for (column, text) in texts {
            if let Some(Resting { owner, until }) = self.known.resting(&folded(text))
                && folded(owner.as_str()) != code
            {
                let particulars = [text, owner.as_str(), &dates::for_people(*until)];
                faults.push(fault::CODE_RESTS.at(entry.row, column, &particulars));
            }
        }
        self.faults.extend(faults);
    }

    /// The agency, in upper case, to which a text leads when everything is done.
    fn resolve(&self, text: &str) -> Option<String> {
        let folded = folded(text);
        self.claims.get(&folded).cloned().or_else(|| self.keeper(&folded).map(str::to_owned))
    }

    /// A canonical code as it is spelled.
    fn spelled(&self, folded: &str) -> AgencyCode {
        let known = self.known.listing(folded).map(|known| known.agency.code.clone());
        let given = || self.own.get(folded).map(|(_, spelled)| AgencyCode(spelled.clone()));
        known.or_else(given).unwrap_or_else(|| AgencyCode(folded.to_owned()))
    }

    /// The agency as the entry makes it.
    fn listing(&mut self, entry: &Entry) -> Listing {
        let text = entry.text(Column::Code).unwrap_or_default();
        let known = self.known.listing(&folded(text)).cloned();
        let before = known.as_ref().map(|listing| &listing.agency);
        let state = self.state(entry).or(before.map(|b| b.state)).unwrap_or(AgencyState::Open);
        let validity = self.validity(entry, before);
        // Who takes over is known before the last day.
        let ends = state == AgencyState::Closed || validity.until.is_some();
        let agency = Agency {
            code: before.map_or_else(|| AgencyCode(text.to_owned()), |b| b.code.clone()),
            name: self.name(entry, before),
            parent: self.parent(entry, before),
            mail: self.contact(entry, Column::Mail, before.map(|b| &b.mail)),
            mobile: self.contact(entry, Column::Mobile, before.map(|b| &b.mobile)),
            fax: self.contact(entry, Column::Fax, before.map(|b| &b.fax)),
            state,
            successor: self.successor(entry, ends, before),
            validity,
            version: before.map_or(0, |b| b.version),
            channel: before.map_or(Channel::Pickup, |b| b.channel),
        };
        let aliases = match (&entry.aliases, known) {
            (None, known) => known.map(|listing| listing.aliases).unwrap_or_default(),
            (Some(given), known) => spelled_as_before(given, known.map(|l| l.aliases).unwrap_or_default()),
        };
        Listing::new(agency, aliases)
    }

    fn name(&mut self, entry: &Entry, before: Option<&Agency>) -> String {
        let name = match (entry.text(Column::Name), before) {
            (Some(name), _) => name,
            (None, Some(before)) => return before.name.clone(),
            (None, None) => "",
        };
        if name.is_empty() {
            self.faults.push(fault::NAME_MISSING.at(entry.row, Column::Name, &[]));
        }
        self.usable(entry.row, Column::Name, name, NAME_CHARS_MAX)
    }

    fn contact(&mut self, entry: &Entry, column: Column, before: Option<&String>) -> String {
        match entry.text(column) {
            Some(text) => self.usable(entry.row, column, text, CONTACT_CHARS_MAX),
            None => before.cloned().unwrap_or_default(),
        }
    }

    fn usable(&mut self, row: usize, column: Column, text: &str, most: usize) -> String {
        let length = text.chars().count();
        if length > most {
            let numbers = (length.to_string(), most.to_string());
            self.faults.push(fault::TEXT_TOO_LONG.at(row, column, &[&numbers.0, &numbers.1]));
        }
        if text.chars().any(|sign| sign.is_control() && !matches!(sign, '\n' | '\r' | '\t')) {
            self.faults.push(fault::TEXT_UNUSABLE.at(row, column, &[]));
        }
        text.to_owned()
    }

    fn parent(&mut self, entry: &Entry, before: Option<&Agency>) -> Option<AgencyCode> {
        let Some(text) = entry.text(Column::Parent) else { return before.and_then(|b| b.parent.clone()) };
        let parent = self.resolve(text).filter(|_| !text.is_empty());
        if parent.is_none() && !text.is_empty() {
            self.faults.push(fault::PARENT_UNKNOWN.at(entry.row, Column::Parent, &[text]));
        }
        parent.map(|folded| self.spelled(&folded))
    }

    fn state(&mut self, entry: &Entry) -> Option<AgencyState> {
        let word = entry.text(Column::State).filter(|word| !word.is_empty())?;
        let state = AgencyState::of_word(word);
        if state.is_none() {
            self.faults.push(fault::STATE_UNKNOWN.at(entry.row, Column::State, &[word]));
        }
        state
    }

    fn successor(&mut self, entry: &Entry, ends: bool, before: Option<&Agency>) -> Option<AgencyCode> {
        let text = match entry.text(Column::Successor) {
            Some(text) => text,
            None => return before.and_then(|b| b.successor.clone()).filter(|_| ends),
        };
        if text.is_empty() {
            return None;
        }
        if !ends {
            self.faults.push(fault::SUCCESSOR_OF_OPEN.at(entry.row, Column::Successor, &[]));
            return None;
        }
        let successor = self.resolve(text);
        if successor.is_none() {
            self.faults.push(fault::SUCCESSOR_UNKNOWN.at(entry.row, Column::Successor, &[text]));
        }
        successor.map(|folded| self.spelled(&folded))
    }

    fn validity(&mut self, entry: &Entry, before: Option<&Agency>) -> Validity {
        let before = before.map(|b| b.validity).unwrap_or_default();
        let from = self.day(entry, Column::ValidFrom, before.from);
        let until = self.day(entry, Column::ValidUntil, before.until);
        let validity = Validity { from, until };
        if validity.is_reversed() {
            self.faults.push(fault::DATES_REVERSED.at(entry.row, Column::ValidUntil, &[]));
        }
        validity
    }

    fn day(&mut self, entry: &Entry, column: Column, before: Option<NaiveDate>) -> Option<NaiveDate> {
        let Some(text) = entry.text(column) else { return before };
        let day = dates::date(text).filter(|_| !text.contains('T'));
        if day.is_none() && !text.is_empty() {
            self.faults.push(fault::DATE_MALFORMED.at(entry.row, column, &[text]));
        }
        day
    }

    /// Nobody may stand below itself or succeed itself, whatever lies between.
    fn find_circles(&mut self, entries: &[&Entry], listings: &[Listing]) {
        let given: HashMap<String, &Agency> =
            listings.iter().map(|listing| (folded(listing.agency.code.as_str()), &listing.agency)).collect();
        let known = self.known;
        let agency = |code: &str| given.get(code).copied().or_else(|| known.listing(code).map(|l| &l.agency));
        let parent = |code: &str| agency(code).and_then(|a| a.parent.as_ref()).map(|code| folded(code.as_str()));
        let successor = |code: &str| agency(code).and_then(|a| a.successor.as_ref()).map(|code| folded(code.as_str()));
        let mut faults = Vec::new();
        let (mut rooted, mut ended) = (HashSet::new(), HashSet::new());
        for (entry, listing) in entries.iter().zip(listings) {
            let (row, code) = (entry.row, listing.agency.code.as_str());
            if is_in_circle(&folded(code), parent, &mut rooted) {
                faults.push(fault::PARENT_CIRCLE.at(row, Column::Parent, &[code]));
            }
            if is_in_circle(&folded(code), successor, &mut ended) {
                faults.push(fault::SUCCESSOR_CIRCLE.at(row, Column::Successor, &[code]));
            }
        }
        self.faults.extend(faults);
    }
}

/// Whether following `next` leads back to where it began. `ends` are those known to lead to an end or elsewhere.
fn is_in_circle(start: &str, next: impl Fn(&str) -> Option<String>, ends: &mut HashSet<String>) -> bool {
    let mut passed = HashSet::new();
    let mut at = start.to_owned();
    while let Some(to) = next(&at) {
        if to == start {
            return true;
        }
        // A circle that this one only leads to is the fault of those in it.
        if ends.contains(&to) || !passed.insert(to.clone()) {
            break;
        }
        at = to;
    }
    // Nobody on an open chain can be in a circle, unless the chain ran into one.
    if next(&at).is_none_or(|to| ends.contains(&to)) {
        ends.extend(passed);
        ends.insert(start.to_owned());
    }
    false
}

/// The aliases given, each once, spelled as they were where only the case differs.
fn spelled_as_before(given: &[String], before: Vec<String>) -> Vec<String> {
    let mut spelling: HashMap<String, String> = before.into_iter().map(|alias| (folded(&alias), alias)).collect();
    let mut seen = HashSet::new();
    let once = given.iter().filter(|alias| seen.insert(folded(alias)));
    once.map(|alias| spelling.remove(&folded(alias)).unwrap_or_else(|| alias.clone())).collect()
}
