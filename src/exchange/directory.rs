//! Agencies and systems: who takes part and who speaks for whom. Keys are in `keys`.

use super::keys::KeyLine;
use super::{Caller, ExchangeError};
use crate::domain::agency::{Agency, AgencyCode, AgencyState, Channel, OrganId};
use crate::domain::rules::Wording;
use crate::domain::selftest;
use crate::hub::Hub;
use crate::store::{Connection, StoreError, agencies, systems as system_rows};
use chrono::{DateTime, Utc};

/// An agency as a system or operator registers it.
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
    /// Its first alias of the old form, empty when none.
    pub old_code: String,
    /// When the entry last changed.
    pub changed_at: DateTime<Utc>,
}

/// A system and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemLine {
    /// Its id.
    pub system_id: String,
    /// Its name.
    pub name: String,
    /// Canonical codes of its agencies.
    pub agencies: Vec<String>,
    /// Its keys, newest first, without their secrets.
    pub keys: Vec<KeyLine>,
}

/// Longest name of an agency or system, in characters.
const NAME_CHARS_MAX: usize = 500;

/// What a change of the directory came to inside its transaction.
enum Change {
    Done(Box<Agency>),
    Refused(ExchangeError),
}

impl Change {
    fn answer(self) -> Result<Agency, ExchangeError> {
        match self {
            Self::Done(agency) => Ok(*agency),
            Self::Refused(why) => Err(why),
        }
    }

    fn malformed(vi: String, en: String) -> Result<Self, StoreError> {
        Ok(Self::Refused(ExchangeError::Malformed(Wording { vi, en })))
    }
}

/// Registers an agency, or changes it when the code is known.
///
/// # Errors
/// `Malformed` for a bad code or name, an alias that leads elsewhere or an unknown parent; `Store`.
pub async fn register_agency(hub: &Hub, entry: AgencyEntry) -> Result<Agency, ExchangeError> {
    let entry = checked(entry)?;
    let now = hub.clock.now();
    hub.store.write(move |tx| register(tx, &entry, now)).await?.answer()
}

/// Registers or changes an agency for a system, which holds it from then on.
///
/// # Errors
/// As `register_agency`; `NotFound` when the agency is known and not held, or its parent is not held.
pub async fn register_agency_for(hub: &Hub, caller: &Caller, entry: AgencyEntry) -> Result<Agency, ExchangeError> {
    let entry = checked(entry)?;
    let (now, system) = (hub.clock.now(), caller.system_id.clone());
    let change = hub.store.write(move |tx| {
        if let Some(known) = agencies::find_by_alias(tx, &entry.code.to_ascii_uppercase())? {
            let code = known.code.as_str();
            if !system_rows::holds(tx, &system, code)? {
                return Ok(Change::Refused(ExchangeError::NotFound));
            }
        }
        if let Some(parent) = agencies::find_by_alias(tx, &entry.parent.to_ascii_uppercase())?
            && !system_rows::holds(tx, &system, parent.code.as_str())?
        {
            return Ok(Change::Refused(ExchangeError::NotFound));
        }
        let change = register(tx, &entry, now)?;
        if let Change::Done(agency) = &change {
            system_rows::hold(tx, &system, agency.code.as_str())?;
        }
        Ok(change)
    });
    let agency = change.await?.answer()?;
    told(caller, &agency, "an agency was registered by a system");
    Ok(agency)
}

/// Nobody but the hub itself is or holds what the self-test needs.
fn reserved_for_selftest(code: &str) -> ExchangeError {
    ExchangeError::Malformed(Wording::new(
        format!("Mã {code} dành riêng cho tự kiểm tra của Trục"),
        format!("The code {code} is kept for the hub's self-test"),
    ))
}

fn checked(entry: AgencyEntry) -> Result<AgencyEntry, ExchangeError> {
    let mut codes = std::iter::once(&entry.code).chain(&entry.aliases);
    if let Some(reserved) = codes.find(|code| selftest::is_reserved(code)) {
        return Err(reserved_for_selftest(reserved));
    }
    let code = std::iter::once(&entry.code).chain(&entry.aliases);
    if let Some(bad) = code.into_iter().find(|c| OrganId::parse(c).is_none()) {
        return Err(ExchangeError::Malformed(Wording::new(
            format!("Mã định danh {bad:?} không hợp lệ: chỉ gồm 0-9 A-Z a-z . _ - và tối đa 35 ký tự"),
            format!("The code {bad:?} is not valid: 0-9 A-Z a-z . _ - only, at most 35 characters"),
        )));
    }
    if entry.name.trim().is_empty() || entry.name.chars().count() > NAME_CHARS_MAX {
        return Err(ExchangeError::Malformed(Wording::new(
            "Tên cơ quan phải có và không quá 500 ký tự",
            "A name of at most 500 characters is needed",
        )));
    }
    Ok(entry)
}

fn register(tx: &mut Connection, entry: &AgencyEntry, now: DateTime<Utc>) -> Result<Change, StoreError> {
    let parent = match entry.parent.as_str() {
        "" => None,
        text => match agencies::find_by_alias(tx, &text.to_ascii_uppercase())? {
            Some(parent) => Some(parent.code),
            None => {
                return Change::malformed(
                    format!("Không có cơ quan cấp trên {text}"),
                    format!("The parent {text} is not registered"),
                );
            }
        },
    };
    let known = agencies::find_by_alias(tx, &entry.code.to_ascii_uppercase())?;
    // Some software sends no contacts when it changes a name: what is not said is kept.
    let kept = |said: &String, before: fn(&Agency) -> &String| match known.as_ref() {
        Some(known) if said.is_empty() => before(known).clone(),
        Some(_) | None => said.clone(),
    };
    let agency = Agency {
        code: known.as_ref().map_or_else(|| AgencyCode(entry.code.clone()), |k| k.code.clone()),
        name: entry.name.trim().to_owned(),
        parent: parent.or_else(|| known.as_ref().and_then(|k| k.parent.clone())),
        mail: kept(&entry.mail, |k| &k.mail),
        mobile: kept(&entry.mobile, |k| &k.mobile),
        fax: kept(&entry.fax, |k| &k.fax),
        state: known.as_ref().map_or(AgencyState::Open, |k| k.state),
        successor: known.as_ref().and_then(|k| k.successor.clone()),
        version: known.as_ref().map_or(1, |k| k.version),
        channel: known.as_ref().map_or(Channel::Pickup, |k| k.channel),
    };
    for alias in &entry.aliases {
        match agencies::find_by_alias(tx, &alias.to_ascii_uppercase())? {
            Some(other) if other.code != agency.code => {
                let other = other.code;
                return Change::malformed(
                    format!("Mã {alias} đã thuộc cơ quan {other}"),
                    format!("The alias {alias} leads to {other} already"),
                );
            }
            Some(_) | None => {}
        }
    }
    match known {
        None => agencies::insert(tx, &agency, now)?,
        Some(ref before) if *before == agency => {}
        Some(_) => changed(agencies::update(tx, &agency, now)?)?,
    }
    for alias in &entry.aliases {
        if agencies::find_by_alias(tx, &alias.to_ascii_uppercase())?.is_none() {
            agencies::insert_alias(tx, alias, &agency.code)?;
        }
    }
    let now_known = agencies::find_by_alias(tx, &agency.code.as_str().to_ascii_uppercase())?;
    Ok(Change::Done(Box::new(now_known.unwrap_or(agency))))
}

/// An update that found another version than the one it was computed from is computed anew.
fn changed(stood: bool) -> Result<(), StoreError> {
    if stood { Ok(()) } else { Err(StoreError::Raced) }
}

/// Opens, suspends or closes an agency.
///
/// # Errors
/// `NotFound`; `Malformed` when the successor is unknown, closed or the agency itself; `Store`.
pub async fn set_agency_state(
    hub: &Hub,
    code: &str,
    state: AgencyState,
    successor: Option<&str>,
) -> Result<Agency, ExchangeError> {
    let (code, successor, now) = (code.to_owned(), successor.map(str::to_owned), hub.clock.now());
    hub.store.write(move |tx| change_state(tx, (&code, state), successor.as_deref(), now)).await?.answer()
}

fn change_state(
    tx: &mut Connection,
    (code, state): (&str, AgencyState),
    successor: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Change, StoreError> {
    let Some(known) = agencies::find_by_alias(tx, &code.to_ascii_uppercase())? else {
        return Ok(Change::Refused(ExchangeError::NotFound));
    };
    let successor = match successor {
        None => None,
        Some(text) => match agencies::find_by_alias(tx, &text.to_ascii_uppercase())? {
            Some(next) if next.state != AgencyState::Closed && next.code != known.code => Some(next.code),
            Some(_) | None => {
                return Change::malformed(
                    format!("Cơ quan kế thừa {text} không dùng được"),
                    format!("{text} cannot be the successor"),
                );
            }
        },
    };
    let successor = successor.filter(|_| state == AgencyState::Closed);
    if known.state == state && known.successor == successor {
        return Ok(Change::Done(Box::new(known)));
    }
    let changed = Agency { state, successor, ..known };
    self::changed(agencies::update(tx, &changed, now)?)?;
    Ok(Change::Done(Box::new(Agency { version: changed.version.saturating_add(1), ..changed })))
}

/// Ends what a system has to do with an agency: closes it, or only gives it up while other systems hold it too.
///
/// # Errors
/// `NotFound` when the caller does not hold it; `Store`.
pub async fn close_agency_for(hub: &Hub, caller: &Caller, code: &str) -> Result<Agency, ExchangeError> {
    let (code, system, now) = (code.to_owned(), caller.system_id.clone(), hub.clock.now());
    let change = hub.store.write(move |tx| {
        let Some(agency) = agencies::find_by_alias(tx, &code.to_ascii_uppercase())? else {
            return Ok(Change::Refused(ExchangeError::NotFound));
        };
        if !system_rows::holds(tx, &system, agency.code.as_str())? {
            return Ok(Change::Refused(ExchangeError::NotFound));
        }
        if system_rows::holders(tx, agency.code.as_str())? > 1 {
            system_rows::release(tx, &system, agency.code.as_str())?;
            return Ok(Change::Done(Box::new(agency)));
        }
        match agency.state {
            // Closed by the operator, perhaps with a successor: that stays.
            AgencyState::Closed => Ok(Change::Done(Box::new(agency))),
            AgencyState::Open | AgencyState::Suspended => change_state(tx, (&code, AgencyState::Closed), None, now),
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
    let (after, limit) = (after.to_owned(), super::rows(limit));
    let page = hub.store.read(move |tx| agencies::list_after(tx, &after, limit)).await?;
    let line = |(agency, aliases, changed_at): (_, Vec<String>, _)| line_of(agency, &aliases, changed_at);
    Ok(page.into_iter().map(line).collect())
}

/// The old form of an organ id: four groups of digits, the last one a letter and two digits.
fn is_old_form(code: &str) -> bool {
    let groups: Vec<&str> = code.split('.').collect();
    matches!(groups.as_slice(), [a, b, c, d] if [a.len(), b.len(), c.len(), d.len()] == [3, 2, 2, 3])
}

fn line_of(agency: Agency, aliases: &[String], changed_at: DateTime<Utc>) -> AgencyLine {
    let old = aliases.iter().find(|a| is_old_form(a) && !a.eq_ignore_ascii_case(agency.code.as_str()));
    AgencyLine { old_code: old.cloned().unwrap_or_default(), agency, changed_at }
}

/// The agency of a code or alias.
///
/// # Errors
/// `NotFound`, `Store`.
pub async fn agency(hub: &Hub, code: &str) -> Result<AgencyLine, ExchangeError> {
    let folded = code.to_ascii_uppercase();
    let found = hub.store.read(move |tx| {
        let Some(agency) = agencies::find_by_alias(tx, &folded)? else { return Ok(None) };
        let (aliases, changed_at) = agencies::aliases_of(tx, &agency.code)?;
        Ok(Some(line_of(agency, &aliases, changed_at)))
    });
    found.await?.ok_or(ExchangeError::NotFound)
}

/// Makes a system, or names it anew and gives it further agencies.
///
/// # Errors
/// `Malformed` for an id of other characters than `A-Z a-z 0-9 . _ -` or an unknown agency, `Store`.
pub async fn add_system(hub: &Hub, id: &str, name: &str, agencies: &[String]) -> Result<SystemLine, ExchangeError> {
    if let Some(reserved) =
        std::iter::once(id).chain(agencies.iter().map(String::as_str)).find(|c| selftest::is_reserved(c))
    {
        return Err(reserved_for_selftest(reserved));
    }
    if OrganId::parse(id).is_none() {
        return Err(ExchangeError::Malformed(Wording::new(
            format!("Mã hệ thống {id:?} không hợp lệ"),
            format!("The system id {id:?} is not valid"),
        )));
    }
    let (id, name, agencies, now) = (id.to_owned(), name.to_owned(), agencies.to_vec(), hub.clock.now());
    let added = hub.store.write(move |tx| {
        let mut codes = Vec::new();
        for text in &agencies {
            match agencies::find_by_alias(tx, &text.to_ascii_uppercase())? {
                Some(agency) => codes.push(agency.code),
                None => return Ok(Err(text.clone())),
            }
        }
        match system_rows::find_name(tx, &id)? {
            None => system_rows::insert(tx, &id, &name, now)?,
            Some(_) => system_rows::rename(tx, &id, &name)?,
        }
        for code in &codes {
            system_rows::hold(tx, &id, code.as_str())?;
        }
        system_line(tx, id.clone(), name.clone()).map(Ok)
    });
    added.await?.map_err(|code| {
        ExchangeError::Malformed(Wording::new(
            format!("Cơ quan {code} chưa được đăng ký"),
            format!("The agency {code} is not registered"),
        ))
    })
}

fn system_line(tx: &mut Connection, system_id: String, name: String) -> Result<SystemLine, StoreError> {
    let agencies = system_rows::held_by(tx, &system_id)?;
    let keys = system_rows::keys_of(tx, &system_id)?;
    let key = |row: system_rows::KeyRow| KeyLine {
        created_at: row.created_at(),
        expires_at: row.expires_at(),
        revoked_at: row.revoked_at(),
        key_id: row.key_id,
    };
    Ok(SystemLine { system_id, name, agencies, keys: keys.into_iter().map(key).collect() })
}

/// Every system.
///
/// # Errors
/// `Store`.
pub async fn systems(hub: &Hub) -> Result<Vec<SystemLine>, ExchangeError> {
    let lines = hub.store.read(|tx| {
        let systems = system_rows::list(tx)?;
        systems.into_iter().map(|(id, name)| system_line(tx, id, name)).collect()
    });
    Ok(lines.await?)
}
