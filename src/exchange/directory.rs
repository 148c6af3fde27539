//! Agencies: who takes part. Changes go through `import`, where entries become changes; files do too. Systems and what
//! they hold are in `systems`.

use super::act::{Act, By};
use super::codes::{self, Rests};
use super::import::{around, silent, write};
use super::{Caller, ExchangeError, grant_ends, rows};
use crate::domain::agency::{Agency, AgencyCode, AgencyState, OrganId, Standing};
use crate::domain::dates::{self, VIETNAM};
use crate::domain::directory::fault::Fault;
use crate::domain::directory::{self, Change, ChangeKind, Codes, Column, Entry, Listing, Registration, folded};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::domain::system::Role;
use crate::hub::Hub;
use crate::store::{Connection, StoreError, agencies, systems as system_rows};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value, json};

/// An agency as a system or operator registers it. What is empty is kept of a known agency; aliases are added.
#[derive(Debug, Clone, Default)]
pub struct AgencyEntry {
    /// Canonical code.
    pub code: String,
    /// Name shown to people.
    pub name: String,
    /// Code or alias of the agency above; empty when none.
    pub parent: String,
    /// Contact mail.
    pub mail: String,
    /// Contact telephone.
    pub mobile: String,
    /// Contact fax.
    pub fax: String,
    /// Further codes that lead to it, such as the QCVN 102:2016 form.
    pub aliases: Vec<String>,
}

/// A row of the agencies' list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyLine {
    /// The agency.
    pub agency: Agency,
    /// Codes beside its own that lead to it.
    pub aliases: Vec<String>,
    /// Whether it takes part now, by the hub's clock.
    pub standing: Standing,
    /// Its first alias of the old form, empty when none.
    pub old_code: String,
    /// When the entry last changed.
    pub changed_at: DateTime<Utc>,
}

impl AgencyLine {
    fn new((agency, aliases, changed_at): agencies::Listed, now: DateTime<Utc>) -> Self {
        let standing = agency.standing(now);
        let Listing { agency, aliases } = Listing::new(agency, aliases);
        let old_code = aliases.iter().find(|alias| is_old_form(alias)).cloned().unwrap_or_default();
        Self { agency, aliases, standing, old_code, changed_at }
    }

    /// What a file says of it.
    pub fn listing(self) -> Listing {
        Listing::new(self.agency, self.aliases)
    }
}

/// The old form of an organ id: four groups of digits, the last one a letter and two digits.
fn is_old_form(code: &str) -> bool {
    let groups: Vec<&str> = code.split('.').collect();
    matches!(groups.as_slice(), [a, b, c, d] if [a.len(), b.len(), c.len(), d.len()] == [3, 2, 2, 3])
}

/// What a change of the directory came to inside its transaction.
enum Settled {
    Done(Box<Agency>),
    Faulty(Vec<Fault>),
    Refused(ExchangeError),
}

impl Settled {
    fn answer(self) -> Result<Agency, ExchangeError> {
        match self {
            Self::Done(agency) => Ok(*agency),
            Self::Faulty(faults) => Err(ExchangeError::Faulty(faults)),
            Self::Refused(why) => Err(why),
        }
    }
}

/// Registers an agency, or changes it when the code is known.
///
/// # Errors
/// `Faulty` with everything that is wrong; `Store`.
pub async fn register_agency(hub: &Hub, by: &By, entry: AgencyEntry, codes: Codes) -> Result<Agency, ExchangeError> {
    let (act, rests) = (Act::new(hub, by), Rests::of(hub, codes));
    hub.store.write(move |tx| register(tx, (&act, rests), &entry)).await?.answer()
}

/// Registers or changes an agency for a system, which holds it from then on.
///
/// # Errors
/// As `register_agency`; `NotFound` when the agency is known and not held, or its parent is not held; `NotAllowed` when
/// systems may not register such an agency.
pub async fn register_agency_for(hub: &Hub, caller: &Caller, entry: AgencyEntry) -> Result<Agency, ExchangeError> {
    if caller.role != Role::Exchange {
        return Err(ExchangeError::NotAllowed(no_agencies()));
    }
    let (act, system) = (Act::new(hub, &By::caller(caller)), caller.system_id.clone());
    let rests = Rests::of(hub, Codes::Rest);
    let registration = Registration::of_word(&hub.config.directory.registration).unwrap_or(Registration::Closed);
    let change = hub.store.write(move |tx| {
        match agencies::find_by_alias(tx, &folded(&entry.code))? {
            Some(known) if !system_rows::holds(tx, &system, known.code.as_str())? => {
                return Ok(Settled::Refused(ExchangeError::NotFound));
            }
            Some(_) => {}
            None => {
                // What is no code at all is told as a fault below.
                let is_code = OrganId::parse(&entry.code).is_some();
                if let Some(why) = unregistrable(registration, &entry).filter(|_| is_code) {
                    return Ok(Settled::Refused(ExchangeError::NotAllowed(why)));
                }
            }
        }
        if let Some(parent) = agencies::find_by_alias(tx, &folded(&entry.parent))? {
            let is_over = parent.standing(act.now).is_over();
            if is_over || !system_rows::holds(tx, &system, parent.code.as_str())? {
                return Ok(Settled::Refused(ExchangeError::NotFound));
            }
        }
        let change = register(tx, (&act, rests), &entry)?;
        if let Settled::Done(agency) = &change {
            system_rows::hold(tx, &system, agency.code.as_str())?;
        }
        Ok(change)
    });
    let agency = change.await?.answer()?;
    told(caller, &agency, "an agency was registered by a system");
    Ok(agency)
}

/// Why a system may not register this new agency; nothing when it may.
fn unregistrable(registration: Registration, entry: &AgencyEntry) -> Option<Wording> {
    match registration {
        Registration::Open => None,
        Registration::Below if !entry.parent.is_empty() => None,
        Registration::Below => Some(Wording::new(
            "Hệ thống chỉ được đăng ký cơ quan mới dưới một cơ quan của mình: hãy ghi pcode, hoặc đề nghị đơn vị vận hành đăng ký",
            "A system may register a new agency only below one that it holds: give pcode, or ask the operator to register it",
        )),
        Registration::Closed => Some(Wording::new(
            "Hệ thống không được đăng ký cơ quan mới: hãy đề nghị đơn vị vận hành đăng ký",
            "Systems may not register new agencies: ask the operator to register it",
        )),
    }
}

/// What a system of another role is told that would hold an agency.
pub(super) fn no_agencies() -> Wording {
    Wording::new(
        "Hệ thống quản trị và trục lân cận không được giữ cơ quan nào",
        "A system with the role administration or hub can hold no agencies",
    )
}

fn register(tx: &mut Connection, with: (&Act, Rests), said: &AgencyEntry) -> Result<Settled, StoreError> {
    let known = agencies::find_by_alias(tx, &folded(&said.code))?;
    let mut entry = Entry::about(known.as_ref().map_or(&said.code, |known| &known.code.0));
    // Some software sends no contacts when it changes a name: what is not said is kept.
    let texts = [
        (Column::Parent, &said.parent),
        (Column::Mail, &said.mail),
        (Column::Mobile, &said.mobile),
        (Column::Fax, &said.fax),
    ];
    for (column, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        entry = entry.with(column, text);
    }
    entry = entry.with(Column::Name, &said.name);
    if !said.aliases.is_empty() {
        let mut aliases = match &known {
            Some(known) => agencies::aliases_of(tx, &known.code)?.0,
            None => Vec::new(),
        };
        aliases.extend(said.aliases.iter().cloned());
        entry.aliases = Some(aliases);
    }
    settle(tx, with, &entry)
}

/// Puts one entry into the directory, with its evidence.
fn settle(tx: &mut Connection, (act, rests): (&Act, Rests), entry: &Entry) -> Result<Settled, StoreError> {
    // Raised by nothing, the version is locked: nobody else changes the directory from here on.
    let version = agencies::raise_version(tx, 0)?;
    let known = around(tx, entry, rests)?;
    let planned = match directory::plan(&known, std::slice::from_ref(entry)) {
        Ok(planned) => planned,
        Err(faults) => return Ok(Settled::Faulty(faults)),
    };
    let shifted = match planned.changes.is_empty() {
        true => Map::new(),
        false => write(tx, act, (&planned.changes, version), &silent())?.facts(rests),
    };
    for change in &planned.changes {
        let (columns, changes) = told_of(change);
        let agency = &change.after.agency;
        let mut facts = json!({
            "columns": columns, "changes": changes, "state": agency.state.word(),
            "successor": agency.successor.as_ref().map(|code| code.as_str()), "version": version.saturating_add(1),
        });
        facts.as_object_mut().into_iter().for_each(|all| all.extend(shifted.clone()));
        let act_word = (EvidenceEvent::AgencyChanged, change.kind().word());
        act.note(tx, act_word, Some(agency.code.as_str()), facts)?;
    }
    let code = folded(entry.text(Column::Code).unwrap_or_default());
    let settled = agencies::find_by_alias(tx, &code)?.ok_or(StoreError::Missing("agencies"))?;
    Ok(Settled::Done(Box::new(settled)))
}

/// Columns of which evidence tells what they said.
const TOLD: [Column; 6] =
    [Column::State, Column::Successor, Column::ValidFrom, Column::ValidUntil, Column::Parent, Column::Aliases];

/// The columns that a change is in, for evidence; and of those that say who takes part and under which codes, what stood there and
/// what stands there now. Names and ways to reach people are not copied.
fn told_of(change: &Change) -> (Vec<&'static str>, Map<String, Value>) {
    if change.kind() == ChangeKind::Added {
        return Default::default();
    }
    let differences = change.differences();
    let columns = differences.iter().map(|(column, ..)| column.name()).collect();
    let told = differences.into_iter().filter(|(column, ..)| TOLD.contains(column));
    let changes = told.map(|(column, before, after)| (column.name().to_owned(), json!([before, after]))).collect();
    (columns, changes)
}

/// Registers or changes an agency by an entry: what it says holds, what it does not say stays.
///
/// # Errors
/// `Faulty` with everything that is wrong; `Malformed` for a new successor that is over; `Store`.
pub async fn put_agency(hub: &Hub, by: &By, entry: Entry, codes: Codes) -> Result<AgencyLine, ExchangeError> {
    put(hub, by, (entry, None), codes).await
}

/// The same for somebody who saw that version of the agency, 0 where there was none; codes that rest stay where they are.
///
/// # Errors
/// As `put_agency`; `Exists` when it changed meanwhile.
pub async fn put_agency_as_seen(hub: &Hub, by: &By, entry: Entry, seen: i64) -> Result<AgencyLine, ExchangeError> {
    put(hub, by, (entry, Some(seen)), Codes::Rest).await
}

async fn put(
    hub: &Hub,
    by: &By,
    (entry, seen): (Entry, Option<i64>),
    codes: Codes,
) -> Result<AgencyLine, ExchangeError> {
    let (act, rests) = (Act::new(hub, by), Rests::of(hub, codes));
    let put = hub.store.write(move |tx| {
        // What follows is computed from what nobody changes any more, as in `settle`.
        agencies::raise_version(tx, 0)?;
        let (known, entry) = meant(tx, &entry)?;
        if seen.is_some_and(|seen| known.as_ref().map_or(0, |known| known.version) != seen) {
            return Ok(Settled::Refused(ExchangeError::Exists(Wording::new(
                "Đơn vị này vừa được thay đổi; hãy xem lại rồi xác nhận lần nữa",
                "The agency was changed meanwhile; look again and confirm once more",
            ))));
        }
        match unfit_successor(tx, (known.as_ref(), &entry), act.now)? {
            Some(why) => Ok(Settled::Refused(why)),
            None => settle(tx, (&act, rests), &entry),
        }
    });
    let agency = put.await?.answer()?;
    self::agency(hub, agency.code.as_str()).await
}

/// What an entry would change; nothing where it says what is so already.
///
/// # Errors
/// As `put_agency`.
pub async fn foretell(hub: &Hub, entry: Entry) -> Result<Option<Change>, ExchangeError> {
    let (now, rests) = (hub.clock.now(), Rests::of(hub, Codes::Rest));
    let foretold = hub.store.read(move |tx| {
        let (known, entry) = meant(tx, &entry)?;
        if let Some(why) = unfit_successor(tx, (known.as_ref(), &entry), now)? {
            return Ok(Err(why));
        }
        let around = around(tx, &entry, rests)?;
        Ok(directory::plan(&around, std::slice::from_ref(&entry)).map_err(ExchangeError::Faulty))
    });
    Ok(foretold.await??.changes.pop())
}

/// The agency that an entry is about, and the entry under its canonical code: an alias means the agency that it leads to.
fn meant(tx: &mut Connection, entry: &Entry) -> Result<(Option<Agency>, Entry), StoreError> {
    let code = folded(entry.text(Column::Code).unwrap_or_default());
    let known = agencies::find_by_alias(tx, &code)?;
    let entry = match &known {
        Some(known) => entry.clone().with(Column::Code, known.code.0.clone()),
        None => entry.clone(),
    };
    Ok((known, entry))
}

/// Why the new successor that an entry names cannot be one: it is over itself, now or on the day on which it is to follow.
fn unfit_successor(
    tx: &mut Connection,
    (known, entry): (Option<&Agency>, &Entry),
    now: DateTime<Utc>,
) -> Result<Option<ExchangeError>, StoreError> {
    let said = entry.text(Column::Successor).unwrap_or_default();
    let Some(next) = agencies::find_by_alias(tx, &folded(said))? else { return Ok(None) };
    let is_new = known.is_none_or(|known| known.successor.as_ref() != Some(&next.code));
    let last = entry.text(Column::ValidUntil).and_then(|day| day.parse::<NaiveDate>().ok());
    let follows = last.and_then(|last| last.succ_opt()).and_then(dates::beginning).map_or(now, |day| day.max(now));
    Ok((is_new && next.standing(follows).is_over()).then(|| {
        ExchangeError::Malformed(Wording::new(
            format!("Cơ quan kế thừa {said} không còn hoạt động"),
            format!("{said} is closed or no longer valid and cannot be the successor"),
        ))
    }))
}

/// Opens, suspends or closes an agency.
///
/// # Errors
/// `NotFound`; `Faulty` when the successor is unknown or the agency itself; `Malformed` when it is closed or no longer
/// valid; `Store`.
pub async fn set_agency_state(
    hub: &Hub,
    by: &By,
    code: &str,
    state: AgencyState,
    successor: Option<&str>,
) -> Result<Agency, ExchangeError> {
    let (act, code, successor) = (Act::new(hub, by), code.to_owned(), successor.map(str::to_owned));
    let change = move |tx: &mut Connection| change_state(tx, &act, (&code, state), successor.as_deref());
    hub.store.write(change).await?.answer()
}

fn change_state(
    tx: &mut Connection,
    act: &Act,
    (code, state): (&str, AgencyState),
    successor: Option<&str>,
) -> Result<Settled, StoreError> {
    // What follows is computed from what nobody changes any more, as in `settle`.
    agencies::raise_version(tx, 0)?;
    let Some(known) = agencies::find_by_alias(tx, &folded(code))? else {
        return Ok(Settled::Refused(ExchangeError::NotFound));
    };
    let entry = Entry::about(known.code.as_str()).with(Column::State, state.word());
    // Without a word of it the successor stays, also one of a day to come.
    let entry = match successor {
        Some(successor) => entry.with(Column::Successor, successor),
        None => entry,
    };
    match unfit_successor(tx, (Some(&known), &entry), act.now)? {
        Some(why) => Ok(Settled::Refused(why)),
        // No code comes or goes with a state.
        None => settle(tx, (act, Rests::default()), &entry),
    }
}

/// Ends what a system has to do with an agency: closes it, or only gives it up while other systems hold it too.
///
/// # Errors
/// `NotFound` when the caller does not hold it; `Store`.
pub async fn close_agency_for(hub: &Hub, caller: &Caller, code: &str) -> Result<Agency, ExchangeError> {
    let (act, code, system) = (Act::new(hub, &By::caller(caller)), code.to_owned(), caller.system_id.clone());
    let change = hub.store.write(move |tx| {
        let Some(agency) = agencies::find_by_alias(tx, &folded(&code))? else {
            return Ok(Settled::Refused(ExchangeError::NotFound));
        };
        if !system_rows::holds(tx, &system, agency.code.as_str())? {
            return Ok(Settled::Refused(ExchangeError::NotFound));
        }
        if system_rows::holders(tx, agency.code.as_str())?.len() > 1 {
            system_rows::release(tx, &system, agency.code.as_str())?;
            let facts = json!({ "system": system });
            act.note(tx, (EvidenceEvent::SystemChanged, "release"), Some(agency.code.as_str()), facts)?;
            return Ok(Settled::Done(Box::new(agency)));
        }
        match agency.state {
            // Closed by the operator, perhaps with a successor: that stays.
            AgencyState::Closed => Ok(Settled::Done(Box::new(agency))),
            AgencyState::Open | AgencyState::Suspended => change_state(tx, &act, (&code, AgencyState::Closed), None),
        }
    });
    let agency = change.await?.answer()?;
    told(caller, &agency, "an agency was closed or given up by a system");
    Ok(agency)
}

/// Changes of the directory by systems are the operator's business too.
fn told(caller: &Caller, agency: &Agency, what: &str) {
    let (system, code, state) = (caller.system_id(), agency.code.as_str(), agency.state.word());
    log::info!(target: "directory", "system.id" = system, "agency.code" = code, "agency.state" = state; "{what}");
}

/// A page of the directory in the order of codes, closed agencies included.
///
/// # Errors
/// `Store`.
pub async fn agencies_after(hub: &Hub, after: &str, limit: usize) -> Result<Vec<AgencyLine>, ExchangeError> {
    let (after, limit, now) = (after.to_owned(), rows(limit), hub.clock.now());
    let page = hub.store.read(move |tx| agencies::list_after(tx, &after, limit)).await?;
    Ok(page.into_iter().map(|listed| AgencyLine::new(listed, now)).collect())
}

/// A page of what changed after a version of the directory, in the order of versions, closed agencies included; and
/// the version that the directory has.
///
/// # Errors
/// `Store`.
pub async fn agencies_since(hub: &Hub, since: i64, limit: usize) -> Result<(Vec<AgencyLine>, i64), ExchangeError> {
    let (limit, now) = (rows(limit), hub.clock.now());
    let read = hub.store.read(move |tx| {
        let version = agencies::version(tx)?;
        Ok((agencies::list_since(tx, since, limit)?, version))
    });
    let (page, version) = read.await?;
    Ok((page.into_iter().map(|listed| AgencyLine::new(listed, now)).collect(), version))
}

/// The version of the directory: that of its last change.
///
/// # Errors
/// `Store`.
pub async fn version(hub: &Hub) -> Result<i64, ExchangeError> {
    Ok(hub.store.read(agencies::version).await?)
}

/// Codes that an agency gave up and that are kept for it, each with the time until which it is.
///
/// # Errors
/// `Store`.
pub async fn kept_codes(hub: &Hub, code: &str) -> Result<Vec<(String, DateTime<Utc>)>, ExchangeError> {
    let (code, rests) = (AgencyCode(code.to_owned()), Rests::of(hub, Codes::Rest));
    Ok(hub.store.read(move |tx| codes::kept_for(tx, rests, &code)).await?)
}

/// The agency of a code or alias.
///
/// # Errors
/// `NotFound`, `Store`.
pub async fn agency(hub: &Hub, code: &str) -> Result<AgencyLine, ExchangeError> {
    let (folded, now) = (folded(code), hub.clock.now());
    let found = hub.store.read(move |tx| {
        let Some(agency) = agencies::find_by_alias(tx, &folded)? else { return Ok(None) };
        let (aliases, changed_at) = agencies::aliases_of(tx, &agency.code)?;
        Ok(Some(AgencyLine::new((agency, aliases, changed_at), now)))
    });
    found.await?.ok_or(ExchangeError::NotFound)
}

/// Ids of the systems that hold an agency, in order.
///
/// # Errors
/// `Store`.
pub async fn holders(hub: &Hub, code: &str) -> Result<Vec<String>, ExchangeError> {
    let code = code.to_owned();
    Ok(hub.store.read(move |tx| system_rows::holders(tx, &code)).await?)
}

/// Gives a version to every agency whose first day has come or whose last day is over since it last changed, so that
/// whoever synchronises by version learns of it. Answers how many there were.
///
/// # Errors
/// `Store`.
pub async fn turn_validity(hub: &Hub) -> Result<usize, ExchangeError> {
    let act = Act::new(hub, &By::Hub);
    let now = act.now;
    let today = now.with_timezone(&VIETNAM).date_naive();
    let turned = hub.store.write(move |tx| {
        let since = agencies::raise_version(tx, 0)?;
        let dated = agencies::list_dated(tx, today)?;
        let has_turned = |(agency, changed_at): &(Agency, DateTime<Utc>)| {
            std::mem::discriminant(&agency.standing(*changed_at)) != std::mem::discriminant(&agency.standing(now))
        };
        let turned: Vec<Agency> = dated.into_iter().filter(has_turned).map(|(agency, _)| agency).collect();
        if turned.is_empty() {
            return Ok(0);
        }
        agencies::raise_version(tx, rows(turned.len()))?;
        for (agency, version) in turned.iter().zip(since.saturating_add(1)..) {
            agencies::update_to(tx, agency, version, now)?;
        }
        grant_ends::with_agencies(tx, &act, turned.iter())?;
        Ok(turned.len())
    });
    Ok(turned.await?)
}
