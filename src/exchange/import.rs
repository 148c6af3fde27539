//! Changes of the directory by entries, one or a whole file: everything that they say, or nothing and every fault.
//! What entries mean is in `domain::directory`; how files look, in `agency_file`.

use super::act::{Act, By};
use super::agency_file::{self, Format};
use super::codes::{self, Rests, Shifted};
use super::{ExchangeError, grant_ends, rows};
use crate::domain::agency::AgencyCode;
use crate::domain::directory::fault::Fault;
use crate::domain::directory::{self, Change, ChangeKind, Codes, Column, Entry, Known, Listing, Planned, folded};
use crate::domain::evidence::EvidenceEvent;
use crate::hub::Hub;
use crate::store::{Connection, StoreError, agencies};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;

/// Whether to change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only say what would change.
    DryRun,
    /// Change it.
    Apply,
}

/// What became of an import.
#[derive(Debug)]
pub enum Imported {
    /// Nothing changed; every fault is told.
    Refused(Vec<Fault>),
    /// What changed, or would.
    Planned {
        /// Changes and how many entries change nothing.
        planned: Planned,
        /// The version of the directory afterwards.
        version: i64,
    },
}

/// How far a long import is: a step of it, done and in all.
pub type Progress = Arc<dyn Fn(Step, usize, usize) + Send + Sync>;

/// A step of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The directory as it is is read.
    Read,
    /// Rows are written.
    Write,
}

/// Rows of the directory that are read at once.
const PAGE: i64 = 5000;

/// Changes written between two words about progress.
const WRITTEN_AT_ONCE: usize = 5000;

/// How often the whole is computed anew when somebody else changes the directory meanwhile.
const TRIES_MAX: usize = 5;

/// Imports a file. What it takes from one agency and gives to another moves; what rests does not, unless `codes` says so.
///
/// # Errors
/// `Store`; faults of the file are no error but an answer.
pub async fn import(
    hub: &Hub,
    by: &By,
    (bytes, format): (Vec<u8>, Format),
    (mode, codes): (Mode, Codes),
    progress: Progress,
) -> Result<Imported, ExchangeError> {
    let entries = match aside(move || agency_file::read(&bytes, format)).await? {
        Ok(entries) => Arc::new(entries),
        Err(faults) => return Ok(Imported::Refused(faults)),
    };
    let (mut tries, rests): (usize, _) = (0, Rests::of(hub, codes));
    loop {
        let said = progress.clone();
        let (known, version) = hub.store.read(move |tx| whole(tx, rests, &said)).await?;
        let asked = entries.clone();
        let planned = match aside(move || directory::plan(&known, &asked)).await? {
            Ok(planned) => planned,
            Err(faults) => return Ok(Imported::Refused(faults)),
        };
        if mode == Mode::DryRun || planned.changes.is_empty() {
            return Ok(Imported::Planned { planned, version });
        }
        let (act, planned, said) = (Act::new(hub, by), Arc::new(planned), progress.clone());
        let changes = planned.clone();
        let written = hub.store.write(move |tx| {
            let shifted = write(tx, &act, (&changes.changes, version), &said)?;
            let raised = agencies::version(tx)?;
            let Counts { added, changed, closed, reopened, unchanged } = counts(&changes);
            let mut facts = json!({
                "added": added, "changed": changed, "closed": closed, "reopened": reopened, "unchanged": unchanged,
                "since_version": version, "version": raised,
            });
            facts.as_object_mut().into_iter().for_each(|all| all.extend(shifted.facts(rests)));
            act.note(tx, (EvidenceEvent::DirectoryImported, "import"), None, facts)?;
            Ok(raised)
        });
        tries = tries.saturating_add(1);
        match written.await {
            Ok(version) => return Ok(Imported::Planned { planned: Arc::unwrap_or_clone(planned), version }),
            Err(StoreError::Raced) if tries < TRIES_MAX => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Long work beside the threads that answer.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ExchangeError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ExchangeError::Unavailable(format!("an import broke off: {error}")))
}

/// How many changes there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// New agencies.
    pub added: usize,
    /// Changed ones.
    pub changed: usize,
    /// Closed ones.
    pub closed: usize,
    /// Closed ones that take part again.
    pub reopened: usize,
    /// Entries that say what is so already.
    pub unchanged: usize,
}

/// How many changes there are of each kind.
pub fn counts(planned: &Planned) -> Counts {
    let of = |kind| planned.changes.iter().filter(|change| change.kind() == kind).count();
    Counts {
        added: of(ChangeKind::Added),
        changed: of(ChangeKind::Changed),
        closed: of(ChangeKind::Closed),
        reopened: of(ChangeKind::Reopened),
        unchanged: planned.unchanged,
    }
}

/// The whole directory and its version.
fn whole(tx: &mut Connection, rests: Rests, progress: &Progress) -> Result<(Known, i64), StoreError> {
    // The version first: what changes while the pages are read is found out when it is raised.
    let version = agencies::version(tx)?;
    let mut known = Known::default();
    rests.note_all(tx, &mut known)?;
    let (mut after, mut number) = (String::new(), 0);
    loop {
        let page = agencies::list_after(tx, &after, PAGE)?;
        let Some((last, ..)) = page.last() else { return Ok((known, version)) };
        after.clone_from(&last.code.0);
        number = page.len().saturating_add(number);
        page.into_iter().for_each(|(agency, aliases, _)| known.add(Listing::new(agency, aliases)));
        progress(Step::Read, number, 0);
    }
}

/// As much of the directory as an entry can be about: the agency, those that its codes lead to, and who stands above
/// or follows them.
pub(super) fn around(tx: &mut Connection, entry: &Entry, rests: Rests) -> Result<Known, StoreError> {
    let named = [Column::Code, Column::Parent, Column::Successor].into_iter().filter_map(|c| entry.text(c));
    let aliases = entry.aliases.iter().flatten().map(String::as_str);
    let mut asked: Vec<String> = named.chain(aliases).filter(|code| !code.is_empty()).map(folded).collect();
    let mut known = Known::default();
    rests.note(tx, &mut known, &asked)?;
    let mut seen: HashSet<AgencyCode> = HashSet::new();
    while let Some(code) = asked.pop() {
        let Some(agency) = agencies::find_by_alias(tx, &code)? else { continue };
        if seen.insert(agency.code.clone()) {
            let above = [&agency.parent, &agency.successor].into_iter().flatten();
            asked.extend(above.map(|code| folded(code.as_str())));
            let (aliases, _) = agencies::aliases_of(tx, &agency.code)?;
            known.add(Listing::new(agency, aliases));
        }
    }
    Ok(known)
}

/// Writes changes that were computed from that version of the directory. Answers which codes lead elsewhere now.
pub(super) fn write(
    tx: &mut Connection,
    act: &Act,
    (changes, since): (&[Change], i64),
    progress: &Progress,
) -> Result<Shifted, StoreError> {
    let raised = agencies::raise_version(tx, rows(changes.len()))?;
    if raised != since.saturating_add(rows(changes.len())) {
        return Err(StoreError::Raced);
    }
    let mut version = since;
    let mut done: usize = 0;
    for some in changes.chunks(WRITTEN_AT_ONCE) {
        let mut added = Vec::new();
        for change in some {
            version = version.saturating_add(1);
            let mut agency = change.after.agency.clone();
            match &change.before {
                None => {
                    agency.version = version;
                    added.push(agency);
                }
                Some(_) => agencies::update_to(tx, &agency, version, act.now)?,
            }
        }
        agencies::insert_all(tx, &added, act.now)?;
        done = done.saturating_add(some.len());
        progress(Step::Write, done, changes.len());
    }
    grant_ends::with_changes(tx, act, changes)?;
    codes::lead(tx, changes, act.now)
}

/// Nobody wants to know how far it is.
pub fn silent() -> Progress {
    Arc::new(|_, _, _| {})
}
