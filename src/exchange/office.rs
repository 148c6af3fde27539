//! Agencies and systems as administrators look after them in the portal: whether the person may, then the use case that commands
//! and the administration API call too. What one person does alone is here: changes of the directory after a look at what they
//! mean, new systems, and whatever closes something. Not here: what opens something, which two people do (`grants`).

use super::ExchangeError;
use super::directory::{self, AgencyLine};
use super::endpoints;
use super::keys;
use super::reach::{self, AgencyCard};
use super::sessions::Person;
use super::systems::{self, NewSystem, SystemLine};
use crate::domain::directory::{Change, Column, Entry};
use crate::domain::system::Role;
use crate::domain::text::folded;
use crate::hub::Hub;
use crate::store::systems::{self as system_rows, SystemRow};
use crate::store::{Connection, StoreError, transfers};
use chrono::{DateTime, Utc};

/// What a change of an agency would mean.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// What would change; nothing where it is so already.
    pub change: Option<Change>,
    /// Who would take over.
    pub successor: Option<AgencyLine>,
    /// The agency as it is, with what hangs on it; nothing when it is new.
    pub card: Option<AgencyCard>,
    /// Packets that its software has not fetched.
    pub unfetched: i64,
}

/// A system in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemSummary {
    /// Its id.
    pub system_id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Since when it is suspended.
    pub suspended_at: Option<DateTime<Utc>>,
    /// For how many agencies it speaks.
    pub agencies: i64,
    /// How many of its keys are live.
    pub live_keys: usize,
    /// When the first of those ends.
    pub ends_at: Option<DateTime<Utc>>,
    /// When it last called.
    pub seen_at: Option<DateTime<Utc>>,
}

/// What one person does to a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Names it anew.
    Rename(String),
    /// Lets none of its keys open anything.
    Suspend,
    /// Lets it go on, with what it was given before.
    Resume,
    /// Lets it speak for an agency no more.
    Release(String),
    /// Ends a key of it at once.
    Revoke(String),
}

/// What an entry about an agency would change, and what that means.
///
/// # Errors
/// `NotFound` for a person who is no administrator; `Faulty` and `Malformed` as of `directory::put_agency`; `Store`.
pub async fn outlook(hub: &Hub, person: &Person, entry: Entry) -> Result<Outlook, ExchangeError> {
    person.administers()?;
    let change = directory::foretell(hub, entry.clone()).await?;
    let successor = match change.as_ref().and_then(|change| change.after.agency.successor.as_ref()) {
        Some(code) => Some(directory::agency(hub, code.as_str()).await?),
        None => None,
    };
    let code = entry.text(Column::Code).unwrap_or_default();
    let card = match reach::agency(hub, code).await {
        Ok(card) => Some(card),
        Err(ExchangeError::NotFound) => None,
        Err(error) => return Err(error),
    };
    let unfetched = match card.as_ref().map(|card| card.line.agency.code.clone()) {
        Some(code) => hub.store.read(move |tx| transfers::number_unfetched(tx, code.as_str())).await?,
        None => 0,
    };
    Ok(Outlook { change, successor, card, unfetched })
}

/// Registers or changes an agency, for somebody who saw that version of it (0: none).
///
/// # Errors
/// `NotFound` for a person who is no administrator; those of `directory::put_agency_as_seen`.
pub async fn put_agency(hub: &Hub, person: &Person, entry: Entry, seen: i64) -> Result<AgencyLine, ExchangeError> {
    person.administers()?;
    directory::put_agency_as_seen(hub, &person.by(), entry, seen).await
}

/// Pushes to an agency no more: it picks up, also what waits. Answers how many that are.
///
/// # Errors
/// `NotFound` for an agency without an endpoint, or a person who is no administrator; `Store`.
pub async fn remove_endpoint(hub: &Hub, person: &Person, agency: &str) -> Result<usize, ExchangeError> {
    person.administers()?;
    endpoints::remove(hub, &person.by(), agency).await
}

/// A page of the systems in whose ids or names every word that is asked for begins some word, in the order of ids; and after which
/// the list goes on.
///
/// # Errors
/// `NotFound` for a person who does not look after the hub; `Store`.
pub async fn list(
    hub: &Hub,
    person: &Person,
    (text, after): (&str, &str),
) -> Result<(Vec<SystemSummary>, Option<String>), ExchangeError> {
    person.runs_the_hub()?;
    let (asked, after, most, now) = (folded(text), after.to_owned(), hub.config.portal.rows_max, hub.clock.now());
    let page = hub.store.read(move |tx| {
        let mut found = system_rows::list(tx)?;
        // A database may sort by the rules of a language; pages go on by bytes.
        found.sort_by(|a, b| a.system_id.cmp(&b.system_id));
        found.retain(|row| row.system_id > after && is_meant(row, &asked));
        let is_more = found.len() > most;
        found.truncate(most);
        let next = found.last().filter(|_| is_more).map(|row| row.system_id.clone());
        Ok((summaries(tx, found, now)?, next))
    });
    Ok(page.await?)
}

fn is_meant(row: &SystemRow, asked: &str) -> bool {
    let own = folded(&format!("{} {}", row.system_id, row.name));
    asked.split(' ').filter(|word| !word.is_empty()).all(|word| own.split(' ').any(|own| own.starts_with(word)))
}

fn summaries(tx: &mut Connection, found: Vec<SystemRow>, now: DateTime<Utc>) -> Result<Vec<SystemSummary>, StoreError> {
    let ids: Vec<&str> = found.iter().map(|row| row.system_id.as_str()).collect();
    let (numbers, keys) = (system_rows::numbers_held(tx, &ids)?, system_rows::keys_among(tx, &ids)?);
    let summary = |row: SystemRow| {
        let own = keys.iter().filter(|key| key.system_id == row.system_id);
        let live = own.clone().filter(|key| key.is_live(now));
        SystemSummary {
            agencies: numbers.get(&row.system_id).copied().unwrap_or(0),
            live_keys: live.clone().count(),
            ends_at: live.filter_map(|key| key.expires_at()).min(),
            seen_at: own.filter_map(|key| key.last_used_at()).max(),
            system_id: row.system_id,
            name: row.name,
            role: row.role,
            suspended_at: row.suspended_at,
        }
    };
    Ok(found.into_iter().map(summary).collect())
}

/// One system, and what people call its agencies.
///
/// # Errors
/// `NotFound`, also for a person who does not look after the hub; `Store`.
pub async fn system(
    hub: &Hub,
    person: &Person,
    system_id: &str,
) -> Result<(SystemLine, Vec<(String, String)>), ExchangeError> {
    person.runs_the_hub()?;
    let mut line = systems::system(hub, system_id).await?;
    let codes = line.agencies.clone();
    let named = hub.store.read(move |tx| transfers::names(tx, &codes.iter().map(String::as_str).collect::<Vec<_>>()));
    let mut names = named.await?;
    let called = |code: String| {
        let name = names.remove(&code).unwrap_or_default();
        (code, name)
    };
    let agencies = std::mem::take(&mut line.agencies).into_iter().map(called).collect();
    Ok((line, agencies))
}

/// Makes a system that holds nothing yet and has no key.
///
/// # Errors
/// `NotFound` for a person who is no administrator; `Exists` when the id is taken; those of `systems::put_system`.
pub async fn register(hub: &Hub, person: &Person, new: NewSystem) -> Result<SystemLine, ExchangeError> {
    person.administers()?;
    systems::add_system(hub, &person.by(), NewSystem { agencies: Vec::new(), ..new }).await
}

/// Does something to a system that opens nothing.
///
/// # Errors
/// `NotFound`, also for a person who is no administrator and a key of another system; `Malformed` for a name that cannot be used;
/// `Store`.
pub async fn direct(hub: &Hub, person: &Person, system_id: &str, order: Order) -> Result<(), ExchangeError> {
    person.administers()?;
    let line = systems::system(hub, system_id).await?;
    let by = person.by();
    match order {
        Order::Rename(name) => {
            let system_id = line.system_id;
            let new = NewSystem { system_id, name, role: None, agencies: Vec::new() };
            systems::put_system(hub, &by, new).await.map(drop)
        }
        Order::Suspend => systems::suspend(hub, &by, system_id, true).await.map(drop),
        Order::Resume => systems::suspend(hub, &by, system_id, false).await.map(drop),
        Order::Release(agency) => systems::release(hub, &by, system_id, &agency).await.map(drop),
        Order::Revoke(key_id) => match line.keys.iter().any(|key| key.key_id == key_id) {
            true => keys::revoke_key(hub, &by, &key_id).await,
            false => Err(ExchangeError::NotFound),
        },
    }
}
