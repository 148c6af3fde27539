//! Systems: who speaks for agencies, who administers, from where they call, and whether they may at all. Their keys are
//! in `keys`.

use super::act::{Act, By};
use super::directory::no_agencies;
use super::keys::KeyLine;
use super::{ExchangeError, grant_ends};
use crate::domain::agency::{AgencyCode, OrganId};
use crate::domain::directory::folded;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::domain::selftest;
use crate::domain::system::{AddressRange, Role};
use crate::hub::Hub;
use crate::store::systems::{self as rows, SystemRow};
use crate::store::{Connection, StoreError, agencies};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// A system, what it holds and from where it calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemLine {
    /// Its id.
    pub system_id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Since when it is suspended.
    pub suspended_at: Option<DateTime<Utc>>,
    /// Canonical codes of its agencies.
    pub agencies: Vec<String>,
    /// From where it may call; from everywhere when empty.
    pub addresses: Vec<String>,
    /// Its keys, newest first, without their secrets.
    pub keys: Vec<KeyLine>,
}

/// A system as it is made or named anew.
#[derive(Debug, Clone)]
pub struct NewSystem {
    /// Its id.
    pub system_id: String,
    /// Its name.
    pub name: String,
    /// What it is for; without one it is for exchange, or stays as it was made.
    pub role: Option<Role>,
    /// Agencies that it holds from then on, besides those that it holds already.
    pub agencies: Vec<String>,
}

/// Longest name of a system, in characters.
const NAME_CHARS_MAX: usize = 500;

/// Ranges of addresses that one system may have.
const ADDRESSES_MAX: usize = 100;

/// What a change of a system came to inside its transaction.
enum Settled {
    Done(SystemLine),
    Refused(ExchangeError),
}

impl Settled {
    fn malformed(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Refused(ExchangeError::Malformed(Wording::new(vi, en)))
    }

    fn answer(self) -> Result<SystemLine, ExchangeError> {
        match self {
            Self::Done(line) => Ok(line),
            Self::Refused(why) => Err(why),
        }
    }
}

/// Makes a system, or names it anew and gives it further agencies.
///
/// # Errors
/// `Malformed` for an id or name that cannot be used, an unknown agency or another role than it was made with;
/// `NotAllowed` for agencies of a system of administration; `Store`.
pub async fn put_system(hub: &Hub, by: &By, new: NewSystem) -> Result<SystemLine, ExchangeError> {
    usable(&new)?;
    let act = Act::new(hub, by);
    hub.store.write(move |tx| put(tx, &act, &new)).await?.answer()
}

/// Makes a system, if there is none of its id yet.
///
/// # Errors
/// As `put_system`; `Exists` when the id is taken.
pub async fn add_system(hub: &Hub, by: &By, new: NewSystem) -> Result<SystemLine, ExchangeError> {
    usable(&new)?;
    let act = Act::new(hub, by);
    let added = hub.store.write(move |tx| match rows::find(tx, &new.system_id)? {
        None => put(tx, &act, &new),
        Some(known) => Ok(Settled::Refused(ExchangeError::Exists(Wording::new(
            format!("Đã có hệ thống {}", known.system_id),
            format!("There is a system {} already", known.system_id),
        )))),
    });
    added.await?.answer()
}

/// Whether a system of this id and name can be.
fn usable(new: &NewSystem) -> Result<(), ExchangeError> {
    unreserved(std::iter::once(&new.system_id).chain(&new.agencies).map(String::as_str))?;
    if OrganId::parse(&new.system_id).is_none() {
        let id = &new.system_id;
        return Err(ExchangeError::Malformed(Wording::new(
            format!("Mã hệ thống {id:?} không hợp lệ"),
            format!("The system id {id:?} is not valid"),
        )));
    }
    if new.name.trim().is_empty() || new.name.chars().count() > NAME_CHARS_MAX || new.name.contains('\0') {
        return Err(ExchangeError::Malformed(Wording::new(
            "Tên hệ thống phải có và không quá 500 ký tự",
            "A name of at most 500 characters is needed",
        )));
    }
    Ok(())
}

/// Nobody but the hub itself is or holds what the self-test needs.
fn unreserved<'a>(codes: impl IntoIterator<Item = &'a str>) -> Result<(), ExchangeError> {
    let Some(code) = codes.into_iter().find(|code| selftest::is_reserved(code)) else { return Ok(()) };
    Err(ExchangeError::Malformed(Wording::new(
        format!("Mã {code} dành riêng cho tự kiểm tra của Trục"),
        format!("The code {code} is kept for the hub's self-test"),
    )))
}

fn put(tx: &mut Connection, act: &Act, new: &NewSystem) -> Result<Settled, StoreError> {
    let (id, name) = (new.system_id.as_str(), new.name.trim());
    let known = rows::find(tx, id)?;
    let role = new.role.or(known.as_ref().map(|known| known.role)).unwrap_or(Role::Exchange);
    if known.as_ref().is_some_and(|known| known.role != role) {
        return Ok(Settled::malformed(
            "Vai trò của hệ thống được chọn khi tạo và không đổi được",
            "The role of a system is chosen when it is made and never changes",
        ));
    }
    let codes = match held(tx, role, &new.agencies)? {
        Ok(codes) => codes,
        Err(why) => return Ok(Settled::Refused(why)),
    };
    match known {
        None => {
            rows::insert(tx, (id, name), role, act.now)?;
            note(tx, act, "add", json!({ "system": id, "role": role.word() }))?;
        }
        Some(known) if known.name == name => {}
        Some(_) => {
            rows::rename(tx, id, name)?;
            note(tx, act, "rename", json!({ "system": id }))?;
        }
    }
    for code in &codes {
        hold_one(tx, act, (id, code))?;
    }
    line_of(tx, id)
}

fn note(tx: &mut Connection, act: &Act, what: &str, facts: Value) -> Result<(), StoreError> {
    act.note(tx, (EvidenceEvent::SystemChanged, what), None, facts)
}

/// The canonical codes of agencies that a system of that role is to hold.
fn held(
    tx: &mut Connection,
    role: Role,
    agencies: &[String],
) -> Result<Result<Vec<AgencyCode>, ExchangeError>, StoreError> {
    if role != Role::Exchange && !agencies.is_empty() {
        return Ok(Err(ExchangeError::NotAllowed(no_agencies())));
    }
    let mut codes = Vec::new();
    for text in agencies {
        match agencies::find_by_alias(tx, &folded(text))? {
            Some(agency) => codes.push(agency.code),
            None => {
                return Ok(Err(ExchangeError::Malformed(Wording::new(
                    format!("Cơ quan {text} chưa được đăng ký"),
                    format!("The agency {text} is not registered"),
                ))));
            }
        }
    }
    Ok(Ok(codes))
}

fn hold_one(tx: &mut Connection, act: &Act, (id, code): (&str, &AgencyCode)) -> Result<(), StoreError> {
    if rows::hold(tx, id, code.as_str())? {
        let event = (EvidenceEvent::SystemChanged, "hold");
        act.note(tx, event, Some(code.as_str()), json!({ "system": id }))?;
    }
    Ok(())
}

fn line_of(tx: &mut Connection, id: &str) -> Result<Settled, StoreError> {
    match rows::find(tx, id)? {
        Some(row) => Ok(Settled::Done(line(tx, row)?)),
        None => Ok(Settled::Refused(ExchangeError::NotFound)),
    }
}

fn line(tx: &mut Connection, row: SystemRow) -> Result<SystemLine, StoreError> {
    let agencies = rows::held_by(tx, &row.system_id)?;
    let addresses = rows::addresses_of(tx, &row.system_id)?;
    let keys = rows::keys_of(tx, &row.system_id)?.into_iter().map(KeyLine::of).collect();
    let SystemRow { system_id, name, role, suspended_at } = row;
    Ok(SystemLine { system_id, name, role, suspended_at, agencies, addresses, keys })
}

/// Lets a system hold an agency: send for it and receive what is sent to it.
///
/// # Errors
/// `NotFound` for the system; `Malformed` for an unknown agency; `NotAllowed` for a system of administration; `Store`.
pub async fn hold(hub: &Hub, by: &By, system_id: &str, agency: &str) -> Result<SystemLine, ExchangeError> {
    let (act, id, agency) = (Act::new(hub, by), system_id.to_owned(), agency.to_owned());
    let held = hub.store.write(move |tx| match let_hold(tx, &act, (&id, &agency))? {
        Ok(_) => line_of(tx, &id),
        Err(why) => Ok(Settled::Refused(why)),
    });
    held.await?.answer()
}

/// The same inside a transaction.
///
/// # Errors
/// `Statement`; within, those of `holdable`.
pub(super) fn let_hold(
    tx: &mut Connection,
    act: &Act,
    (id, agency): (&str, &str),
) -> Result<Result<(), ExchangeError>, StoreError> {
    match holdable(tx, (id, agency))? {
        Ok(code) => hold_one(tx, act, (id, &code)).map(Ok),
        Err(why) => Ok(Err(why)),
    }
}

/// The canonical code of an agency that a system may hold.
///
/// # Errors
/// `Statement`; within, as of `hold`.
pub(super) fn holdable(
    tx: &mut Connection,
    (id, agency): (&str, &str),
) -> Result<Result<AgencyCode, ExchangeError>, StoreError> {
    if let Err(why) = unreserved([id, agency]) {
        return Ok(Err(why));
    }
    let Some(system) = rows::find(tx, id)? else { return Ok(Err(ExchangeError::NotFound)) };
    let codes = held(tx, system.role, &[agency.to_owned()])?;
    Ok(codes.and_then(|codes| codes.into_iter().next().ok_or(ExchangeError::NotFound)))
}

/// Lets a system hold an agency no more. What waits for the agency stays for whoever holds it.
///
/// # Errors
/// `NotFound` when the system is unknown or does not hold the agency; `Store`.
pub async fn release(hub: &Hub, by: &By, system_id: &str, agency: &str) -> Result<SystemLine, ExchangeError> {
    unreserved([system_id, agency])?;
    let (act, id, agency) = (Act::new(hub, by), system_id.to_owned(), agency.to_owned());
    let released = hub.store.write(move |tx| {
        let code = agencies::find_by_alias(tx, &folded(&agency))?.map(|agency| agency.code);
        let Some(code) = code else { return Ok(Settled::Refused(ExchangeError::NotFound)) };
        if !rows::release(tx, &id, code.as_str())? {
            return Ok(Settled::Refused(ExchangeError::NotFound));
        }
        let event = (EvidenceEvent::SystemChanged, "release");
        act.note(tx, event, Some(code.as_str()), json!({ "system": id }))?;
        line_of(tx, &id)
    });
    released.await?.answer()
}

/// Suspends a system, so that none of its keys opens anything on any node after `keys.memory_seconds`, or lets it go on.
///
/// # Errors
/// `NotFound`, `Store`.
pub async fn suspend(hub: &Hub, by: &By, system_id: &str, is_to_stop: bool) -> Result<SystemLine, ExchangeError> {
    let (act, id) = (Act::new(hub, by), system_id.to_owned());
    let suspended = hub.store.write(move |tx| {
        let Some(system) = rows::find(tx, &id)? else { return Ok(Settled::Refused(ExchangeError::NotFound)) };
        if system.suspended_at.is_some() != is_to_stop {
            rows::suspend(tx, &id, is_to_stop.then_some(act.now))?;
            note(tx, &act, if is_to_stop { "suspend" } else { "resume" }, json!({ "system": id }))?;
            if is_to_stop {
                grant_ends::with_system(tx, &act, &id)?;
            }
        }
        line_of(tx, &id)
    });
    let line = suspended.await?.answer()?;
    hub.known_keys.forget();
    Ok(line)
}

/// Lets a system call from these addresses and ranges only; from everywhere when there are none.
///
/// # Errors
/// `NotFound`; `Malformed` for what is no address or range; `Store`.
pub async fn set_addresses(
    hub: &Hub,
    by: &By,
    system_id: &str,
    addresses: &[String],
) -> Result<SystemLine, ExchangeError> {
    let (act, id, ranges) = (Act::new(hub, by), system_id.to_owned(), ranges(addresses)?);
    let set = hub.store.write(move |tx| match put_addresses(tx, &act, (&id, &ranges))? {
        Ok(()) => line_of(tx, &id),
        Err(why) => Ok(Settled::Refused(why)),
    });
    let line = set.await?.answer()?;
    hub.known_keys.forget();
    Ok(line)
}

/// Addresses and ranges as they are kept.
///
/// # Errors
/// `Malformed` for what is none, or too many.
pub(super) fn ranges(addresses: &[String]) -> Result<Vec<String>, ExchangeError> {
    let mut ranges: Vec<String> = Vec::new();
    for text in addresses {
        match text.trim().parse::<AddressRange>() {
            Ok(range) => ranges.push(range.to_string()),
            Err(()) => {
                return Err(ExchangeError::Malformed(Wording::new(
                    format!("{text:?} không phải địa chỉ hoặc dải địa chỉ như 10.1.0.0/16, 2001:db8::/32"),
                    format!("{text:?} is no address and no range such as 10.1.0.0/16 or 2001:db8::/32"),
                )));
            }
        }
    }
    ranges.sort_unstable();
    ranges.dedup();
    if ranges.len() > ADDRESSES_MAX {
        return Err(ExchangeError::Malformed(Wording::new(
            format!("Nhiều nhất {ADDRESSES_MAX} địa chỉ"),
            format!("At most {ADDRESSES_MAX} addresses"),
        )));
    }
    Ok(ranges)
}

/// Sets addresses, as `ranges` gave them, inside a transaction.
///
/// # Errors
/// `Statement`; within, `NotFound`.
pub(super) fn put_addresses(
    tx: &mut Connection,
    act: &Act,
    (id, ranges): (&str, &[String]),
) -> Result<Result<(), ExchangeError>, StoreError> {
    if rows::find(tx, id)?.is_none() {
        return Ok(Err(ExchangeError::NotFound));
    }
    if rows::addresses_of(tx, id)? != ranges {
        rows::set_addresses(tx, id, ranges)?;
        note(tx, act, "addresses", json!({ "system": id, "addresses": ranges }))?;
    }
    Ok(Ok(()))
}

/// Every system.
///
/// # Errors
/// `Store`.
pub async fn systems(hub: &Hub) -> Result<Vec<SystemLine>, ExchangeError> {
    let lines = hub.store.read(|tx| {
        let systems = rows::list(tx)?;
        systems.into_iter().map(|row| line(tx, row)).collect()
    });
    Ok(lines.await?)
}

/// One system.
///
/// # Errors
/// `NotFound`, `Store`.
pub async fn system(hub: &Hub, system_id: &str) -> Result<SystemLine, ExchangeError> {
    let id = system_id.to_owned();
    hub.store.read(move |tx| line_of(tx, &id)).await?.answer()
}
