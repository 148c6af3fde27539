//! The directory as people read it: who is found by code or name, and whether an agency can receive. Not here: changes of the
//! directory (`directory`).

use super::directory::{self, AgencyLine};
use super::endpoints::{self, EndpointLine};
use super::lookup::at_a_place;
use super::routes::{Way, way_of};
use super::systems::{self, SystemLine};
use super::{ExchangeError, rows};
use crate::domain::agency::{Agency, Channel, Standing};
use crate::domain::breaker::Circuit;
use crate::domain::dates;
use crate::domain::text::folded;
use crate::hub::Hub;
use crate::store::agencies;
use chrono::{DateTime, NaiveDate, Utc};

/// Entries of the directory that are gone through at once.
const ENTRIES_AT_ONCE: usize = 1000;
/// Agencies below another one that are shown by name.
const BELOW_SHOWN: usize = 20;
/// Successors that are followed.
const SUCCESSORS_MAX: usize = 8;

/// Agencies that were found, and after which code the list goes on.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// In the order of codes.
    pub lines: Vec<AgencyLine>,
    /// Nothing at the end of the directory.
    pub next: Option<String>,
}

/// Agencies in whose names, codes or aliases every word that is asked for begins some word, in the order of codes; without a
/// word all. It goes through the directory page by page: names change with it and need no index of their own.
///
/// # Errors
/// `ComeAgain` when too many search at once; `Store`.
pub async fn search(hub: &Hub, text: &str, after: &str) -> Result<Found, ExchangeError> {
    let asked = folded(text);
    let words: Vec<&str> = asked.split(' ').filter(|word| !word.is_empty()).collect();
    let most = hub.config.portal.rows_max;
    let _place = at_a_place(&hub.searches).await?;
    let (mut lines, mut after) = (Vec::new(), after.to_owned());
    loop {
        let page = directory::agencies_after(hub, &after, ENTRIES_AT_ONCE).await?;
        let is_last = page.len() < ENTRIES_AT_ONCE;
        for line in page {
            if lines.len() >= most {
                return Ok(Found { lines, next: Some(after) });
            }
            after.clone_from(&line.agency.code.0);
            if holds(&line, &words) {
                lines.push(line);
            }
        }
        if is_last {
            return Ok(Found { lines, next: None });
        }
    }
}

fn holds(line: &AgencyLine, words: &[&str]) -> bool {
    let all = format!("{} {} {}", line.agency.name, line.agency.code.as_str(), line.aliases.join(" "));
    let all = folded(&all);
    words.iter().all(|word| all.split(' ').any(|own| own.starts_with(word)))
}

/// Whether an agency can receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Its software has a key and has come, or packets are brought to it.
    Yes,
    /// It is behind a neighbouring hub, which says the rest.
    Beyond,
    /// Packets are taken for it, but no software comes for them.
    Waits,
    /// Packets are taken for it, but nothing is brought just now, or single ones to see whether it takes them.
    Paused,
    /// Packets to it are refused: it is locked for now.
    Suspended,
    /// Its first day is to come.
    NotYet(NaiveDate),
    /// It exists no more.
    Over,
}

/// An agency as people read it.
#[derive(Debug, Clone)]
pub struct AgencyCard {
    /// The agency with its aliases.
    pub line: AgencyLine,
    /// Whether it can receive.
    pub reach: Reach,
    /// Who took over: the nearest first, up to one that takes part.
    pub successors: Vec<AgencyLine>,
    /// Systems that hold it.
    pub systems: Vec<SystemLine>,
    /// Where it is pushed to.
    pub endpoint: Option<EndpointLine>,
    /// The neighbouring hub behind which it is.
    pub neighbour: Option<String>,
    /// When a system that holds it last called.
    pub seen_at: Option<DateTime<Utc>>,
    /// The first agencies right below it, by code and name.
    pub below: Vec<(String, String)>,
    /// How many there are.
    pub below_number: i64,
    /// The first agencies that plan to merge into it, each with the day from which on they have.
    pub merging: Vec<(Agency, NaiveDate)>,
    /// How many there are.
    pub merging_number: i64,
}

/// An agency by any code of it.
///
/// # Errors
/// `NotFound`; `Store`.
pub async fn agency(hub: &Hub, code: &str) -> Result<AgencyCard, ExchangeError> {
    let line = directory::agency(hub, code).await?;
    let code = line.agency.code.as_str();
    let mut successors: Vec<AgencyLine> = Vec::new();
    let mut next = line.agency.successor.clone();
    while let Some(successor) = next.filter(|_| successors.len() < SUCCESSORS_MAX) {
        let taken_over = directory::agency(hub, successor.as_str()).await?;
        // One that takes part may have a successor of a day to come.
        next = taken_over.agency.successor.clone().filter(|_| taken_over.standing.is_over());
        successors.push(taken_over);
    }
    let mut of_agency = Vec::new();
    for id in directory::holders(hub, code).await? {
        of_agency.push(systems::system(hub, &id).await?);
    }
    let endpoint = match line.agency.channel {
        Channel::Push => Some(endpoints::one(hub, code).await?),
        Channel::Pickup => None,
    };
    let own = line.agency.code.clone();
    let now = hub.clock.now();
    let today = dates::day_of(now);
    let found = hub.store.read(move |tx| {
        let below = agencies::below(tx, own.as_str(), rows(BELOW_SHOWN))?;
        Ok((way_of(tx, &own)?, below, agencies::merging_into(tx, (own.as_str(), &today), rows(BELOW_SHOWN))?))
    });
    let (way, (below, below_number), (merging, merging_number)) = found.await?;
    let on_its_day = |agency: Agency| agency.follows_on(now).map(|day| (agency, day));
    let merging = merging.into_iter().filter_map(on_its_day).collect();
    let neighbour = match way {
        Way::Push(to) => to.neighbour().map(str::to_owned),
        Way::Pickup => None,
    };
    let keys = of_agency.iter().flat_map(|system| &system.keys);
    let seen_at = keys.filter_map(|key| key.last_used_at).max();
    let has_software =
        of_agency.iter().any(|system| system.suspended_at.is_none() && system.keys.iter().any(|key| key.is_live(now)));
    let reach = match (line.standing, &endpoint) {
        (Standing::Suspended, _) => Reach::Suspended,
        (Standing::Closed | Standing::NoLongerValid(_), _) => Reach::Over,
        (Standing::NotYetValid(day), _) => Reach::NotYet(day),
        (Standing::Open, _) if neighbour.is_some() => Reach::Beyond,
        (Standing::Open, Some(endpoint)) if endpoint.state != "open" || endpoint.circuit != Circuit::Closed => {
            Reach::Paused
        }
        (Standing::Open, Some(_)) => Reach::Yes,
        (Standing::Open, None) if has_software && seen_at.is_some() => Reach::Yes,
        (Standing::Open, None) => Reach::Waits,
    };
    Ok(AgencyCard {
        line,
        reach,
        successors,
        systems: of_agency,
        endpoint,
        neighbour,
        seen_at,
        below,
        below_number,
        merging,
        merging_number,
    })
}
