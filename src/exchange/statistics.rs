//! The numbers shown: of the hub, or of an agency as a sender and as a recipient, for a time, with those of the time before and
//! of the month as it was frozen. Read from counters only. Not here: how they are counted (`tally`), what they mean
//! (`domain::measure`), how months are frozen (`freeze`).

use super::sessions::Person;
use super::{ExchangeError, health, rows, transfers};
use crate::domain::calendar::Calendar;
use crate::domain::dates::VIETNAM;
use crate::domain::measure::Sums;
use crate::domain::tally::{Scope, WHOLE, what};
use crate::hub::Hub;
use crate::store::statistics::{self, MonthRow, Part, Sign, Sum};
use crate::store::{Connection, StoreError, ledger, transfers as log};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Rows of a list that a page shows; what is most comes first.
const ROWS_MAX: usize = 100;
/// Months that can be chosen.
const MONTHS: u32 = 13;
/// Days within which an agency that does something takes part.
const ACTIVE_DAYS: i64 = 30;
/// The times that stand side by side at the top.
pub const RECENT: [u64; 3] = [1, 7, 30];

/// Of which days numbers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// The last so many days, today included.
    Last(u64),
    /// The month that begins on this day.
    Month(NaiveDate),
}

impl Period {
    /// A month such as `2026-11`, or one of `RECENT`.
    pub fn of_word(word: &str) -> Option<Self> {
        match word.parse() {
            Ok(days) => RECENT.contains(&days).then_some(Self::Last(days)),
            Err(_) => Some(Self::Month(month_of(word)?)),
        }
    }

    /// The word in addresses.
    pub fn word(self) -> String {
        match self {
            Self::Last(days) => days.to_string(),
            Self::Month(first) => month_word(first),
        }
    }

    /// Its days, in order, as far as they have begun.
    pub fn days(self, today: NaiveDate) -> Vec<NaiveDate> {
        match self {
            Self::Last(days) => before(today, 0, days),
            Self::Month(first) => days_of(first).into_iter().filter(|day| *day <= today).collect(),
        }
    }
}

/// The first day of a month such as `2026-11`.
pub fn month_of(word: &str) -> Option<NaiveDate> {
    if word.len() == 7 { format!("{word}-01").parse().ok() } else { None }
}

/// The month of a day, such as `2026-11`.
pub(super) fn month_word(day: NaiveDate) -> String {
    day.format("%Y-%m").to_string()
}

/// All days of the month that begins on a day.
pub(super) fn days_of(first: NaiveDate) -> Vec<NaiveDate> {
    first.iter_days().take_while(|day| (day.year(), day.month()) == (first.year(), first.month())).collect()
}

/// So many days up to one that lies some days before today.
fn before(today: NaiveDate, skipped: u64, days: u64) -> Vec<NaiveDate> {
    let mut all: Vec<NaiveDate> =
        (skipped..skipped.saturating_add(days)).filter_map(|ago| today.checked_sub_days(Days::new(ago))).collect();
    all.reverse();
    all
}

pub(super) fn words(days: &[NaiveDate]) -> Vec<String> {
    days.iter().map(NaiveDate::to_string).collect()
}

/// What one asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Any code of an agency; empty: all that the person may see.
    pub agency: String,
    /// Of which days.
    pub period: Period,
}

/// The numbers of the hub, or of agencies on one side.
#[derive(Debug, Clone)]
pub struct Side {
    /// Which.
    pub scope: Scope,
    /// Of the period.
    pub sums: Sums,
    /// As they were when the month was frozen, if it was.
    pub frozen: Option<Sums>,
    /// All documents, day by day.
    pub days: Vec<(NaiveDate, Sums)>,
    /// All documents of the times of `RECENT`, each with the same time before.
    pub recent: Vec<(u64, Sums, Sums)>,
}

/// The numbers of an agency.
#[derive(Debug, Clone, Default)]
pub struct AgencyLine {
    /// Canonical code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The agency into which it was merged.
    pub successor: Option<String>,
    /// As a sender.
    pub sent: Sums,
    /// As a recipient.
    pub received: Sums,
    /// Deliveries from it and to it, with those of agencies that were merged into it.
    pub with_merged: (i64, i64),
}

/// What failed or was given back between two agencies.
#[derive(Debug, Clone)]
pub struct PairLine {
    /// Code and name of the sender.
    pub sender: (String, String),
    /// Code and name of the recipient.
    pub recipient: (String, String),
    /// How many deliveries clerks gave back (02).
    pub refused: i64,
    /// How many could not be delivered.
    pub failed: i64,
}

/// An agency of which nothing was heard.
#[derive(Debug, Clone)]
pub struct Silent {
    /// Canonical code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Whether it is fetching, or else reporting, that stopped.
    pub fetched: bool,
    /// When it last did.
    pub since: DateTime<Utc>,
    /// How much working time has passed since.
    pub hours: i64,
}

/// What only those see who see every agency's numbers.
#[derive(Debug, Clone)]
pub struct Everybody {
    /// By agency, the busiest first; of today or of a month only.
    pub agencies: Vec<AgencyLine>,
    /// Agencies that are open in the directory today.
    pub open: i64,
    /// Those of them that did something within `ACTIVE_DAYS` days.
    pub active: i64,
    /// Those that have fetched or reported nothing for long, the longest silent first.
    pub silent: Vec<Silent>,
}

/// The numbers of a time.
#[derive(Debug, Clone)]
pub struct View {
    /// The agency that was asked for, by its canonical code; empty: all that the person may see.
    pub agency: String,
    /// One side for the hub, two for agencies.
    pub sides: Vec<Side>,
    /// First and last day.
    pub days: (NaiveDate, NaiveDate),
    /// Up to when what happened is counted; nothing while nothing is.
    pub until: Option<DateTime<Utc>>,
    /// The month that is frozen, if one was asked for that is.
    pub frozen: Option<MonthRow>,
    /// The pairs of agencies between which most failed or was given back.
    pub pairs: Vec<PairLine>,
    /// Nothing for who sees the numbers of its own agencies, or asks for one agency.
    pub everybody: Option<Everybody>,
    /// Months that can be chosen, the newest first.
    pub months: Vec<String>,
}

/// The numbers of a time.
///
/// # Errors
/// `NotFound` for an agency whose numbers the person may not see; `Store`.
pub async fn view(hub: &Hub, person: &Person, asked: &Asked) -> Result<View, ExchangeError> {
    let sees_all = person.sees_every_number();
    let agency = match asked.agency.as_str() {
        "" => String::new(),
        code => transfers::canonical(hub, code).await?,
    };
    let codes = match agency.as_str() {
        "" => person.agencies.clone(),
        _ if sees_all || person.agencies.contains(&agency) => vec![agency.clone()],
        _ => return Err(ExchangeError::NotFound),
    };
    let of_hub = sees_all && agency.is_empty();
    let now = hub.clock.now();
    let drawing = Drawing {
        now,
        today: now.with_timezone(&VIETNAM).date_naive(),
        period: asked.period,
        parts: match of_hub {
            true => vec![(Scope::Hub, vec![String::new()])],
            false => vec![(Scope::Sender, codes.clone()), (Scope::Recipient, codes)],
        },
        calendar: Arc::clone(&hub.calendar),
        silent_hours: i64::try_from(hub.config.statistics.silent_hours).unwrap_or(i64::MAX),
    };
    Ok(hub.store.read(move |tx| Ok(View { agency: agency.clone(), ..drawing.view(tx, of_hub)? })).await?)
}

struct Drawing {
    now: DateTime<Utc>,
    today: NaiveDate,
    period: Period,
    parts: Vec<(Scope, Vec<String>)>,
    calendar: Arc<Calendar>,
    silent_hours: i64,
}

impl Drawing {
    fn view(&self, tx: &mut Connection, of_hub: bool) -> Result<View, StoreError> {
        let days = self.period.days(self.today);
        let frozen = match self.period {
            Period::Month(first) => statistics::month(tx, &month_word(first))?,
            Period::Last(_) => None,
        };
        let months = (0..MONTHS).filter_map(|ago| self.today.checked_sub_months(Months::new(ago))).map(month_word);
        let sides = self.parts.iter().map(|part| self.side(tx, part, &days, frozen.as_ref())).collect::<Result<_, _>>();
        Ok(View {
            agency: String::new(),
            sides: sides?,
            days: (days.first().copied().unwrap_or(self.today), days.last().copied().unwrap_or(self.today)),
            until: counted_until(tx, self.now)?,
            frozen,
            pairs: self.pairs(tx, &days)?,
            everybody: if of_hub { Some(self.everybody(tx)?) } else { None },
            months: months.collect(),
        })
    }

    fn side(
        &self,
        tx: &mut Connection,
        (scope, codes): &(Scope, Vec<String>),
        days: &[NaiveDate],
        frozen: Option<&MonthRow>,
    ) -> Result<Side, StoreError> {
        let longest = RECENT.into_iter().max().unwrap_or_default();
        let mut all = before(self.today, 0, longest.saturating_mul(2));
        all.extend(days.iter().filter(|day| !all.contains(day)).copied().collect::<Vec<_>>());
        let part = |days: Vec<String>| Part { scope: *scope, agencies: codes.clone(), days };
        let mut by_day: HashMap<String, Vec<(String, i64)>> = HashMap::new();
        for (day, what, number) in statistics::by_day(tx, &part(words(&all)))? {
            by_day.entry(day).or_default().push((what, number));
        }
        let of_days = |days: &[NaiveDate]| {
            let mut numbers: BTreeMap<&str, i64> = BTreeMap::new();
            for (what, number) in days.iter().filter_map(|day| by_day.get(&day.to_string())).flatten() {
                let sum = numbers.entry(what).or_default();
                *sum = sum.saturating_add(*number);
            }
            numbers.into_iter().map(|(what, number)| (WHOLE.to_owned(), what.to_owned(), number)).collect::<Sums>()
        };
        let recent =
            RECENT.map(|last| (last, of_days(&before(self.today, 0, last)), of_days(&before(self.today, last, last))));
        let frozen = match frozen {
            Some(month) => Some(statistics::frozen_sums(tx, &part(vec![month.month.clone()]))?.into_iter().collect()),
            None => None,
        };
        Ok(Side {
            scope: *scope,
            sums: statistics::sums(tx, &part(words(days)))?.into_iter().collect(),
            frozen,
            days: days.iter().map(|day| (*day, of_days(&[*day]))).collect(),
            recent: recent.to_vec(),
        })
    }

    fn pairs(&self, tx: &mut Connection, days: &[NaiveDate]) -> Result<Vec<PairLine>, StoreError> {
        let Some((scope, agencies)) = self.parts.first().cloned() else { return Ok(Vec::new()) };
        let mut by_pair: HashMap<(String, String), (i64, i64)> = HashMap::new();
        for (sender, recipient, counted, number) in statistics::pairs(tx, &Part { scope, agencies, days: words(days) })?
        {
            let pair = by_pair.entry((sender, recipient)).or_default();
            if counted == what::FAILED { pair.1 = number } else { pair.0 = number }
        }
        let mut pairs: Vec<_> =
            by_pair.into_iter().filter(|(_, (refused, failed))| *refused > 0 || *failed > 0).collect();
        pairs.sort_by_key(|(pair, (refused, failed))| (refused.saturating_add(*failed).saturating_neg(), pair.clone()));
        pairs.truncate(ROWS_MAX);
        let codes: Vec<&str> = pairs.iter().flat_map(|((sender, recipient), _)| [sender.as_str(), recipient]).collect();
        let names = log::names(tx, &codes)?;
        let named = |code: String| (code.clone(), transfers::name_of(&names, &code));
        let line = |((sender, recipient), (refused, failed))| PairLine {
            sender: named(sender),
            recipient: named(recipient),
            refused,
            failed,
        };
        Ok(pairs.into_iter().map(line).collect())
    }

    fn everybody(&self, tx: &mut Connection) -> Result<Everybody, StoreError> {
        let since = self.now.checked_sub_signed(TimeDelta::days(ACTIVE_DAYS)).unwrap_or(self.now);
        let today = self.today.to_string();
        Ok(Everybody {
            agencies: match self.period {
                Period::Last(1) => by_agency(tx, &today, &today)?,
                Period::Month(first) => by_agency(tx, &month_word(first), &today)?,
                // Of many days there would be too much to be added up while somebody waits.
                Period::Last(_) => Vec::new(),
            },
            open: statistics::open_on(tx, &today)?,
            active: statistics::heard_since(tx, &today, Sign::Heard, since)?,
            silent: self.silent(tx, &today)?,
        })
    }

    /// Working time is less than time: what is not silent for so many hours of the clock need not be looked at.
    fn silent(&self, tx: &mut Connection, today: &str) -> Result<Vec<Silent>, StoreError> {
        let least = TimeDelta::try_hours(self.silent_hours).unwrap_or(TimeDelta::MAX);
        let before = self.now.checked_sub_signed(least).unwrap_or(DateTime::UNIX_EPOCH);
        let mut silent = Vec::new();
        for sign in [Sign::Fetched, Sign::Reported] {
            for (code, name, since) in statistics::silent(tx, (today, sign), before, rows(ROWS_MAX))? {
                let hours = self.calendar.working_time(since, self.now).num_hours();
                silent.push(Silent { code, name, fetched: sign == Sign::Fetched, since, hours });
            }
        }
        silent.retain(|line| line.hours >= self.silent_hours);
        silent.sort_by_key(|line| line.since);
        Ok(silent)
    }
}

fn by_agency(tx: &mut Connection, day: &str, today: &str) -> Result<Vec<AgencyLine>, StoreError> {
    let mut sums: HashMap<String, [Vec<Sum>; 2]> = HashMap::new();
    for (code, what, number) in statistics::by_agency(tx, Scope::Sender, day)? {
        let [sent, _] = sums.entry(code).or_default();
        sent.push((WHOLE.to_owned(), what, number));
    }
    for (code, what, number) in statistics::by_agency(tx, Scope::Recipient, day)? {
        let [_, received] = sums.entry(code).or_default();
        received.push((WHOLE.to_owned(), what, number));
    }
    let codes: Vec<&str> = sums.keys().map(String::as_str).collect();
    let successors = statistics::successors(tx, &codes, today)?;
    let mut lines: HashMap<String, AgencyLine> = HashMap::new();
    for (code, [sent, received]) in sums {
        let (sent, received): (Sums, Sums) = (sent.into_iter().collect(), received.into_iter().collect());
        let own = (sent.of(WHOLE, what::DELIVERIES), received.of(WHOLE, what::DELIVERIES));
        let successor = successors.get(&code).cloned();
        for code in [Some(&code), successor.as_ref()].into_iter().flatten() {
            let line = lines.entry(code.clone()).or_default();
            line.with_merged = (line.with_merged.0.saturating_add(own.0), line.with_merged.1.saturating_add(own.1));
        }
        let line = lines.entry(code.clone()).or_default();
        *line = AgencyLine { code, successor, sent, received, ..std::mem::take(line) };
    }
    let mut lines: Vec<AgencyLine> = lines.into_iter().map(|(code, line)| AgencyLine { code, ..line }).collect();
    let much = |line: &AgencyLine| line.with_merged.0.saturating_add(line.with_merged.1);
    lines.sort_by(|a, b| (much(b), &a.code).cmp(&(much(a), &b.code)));
    lines.truncate(ROWS_MAX);
    let codes: Vec<&str> = lines.iter().map(|line| line.code.as_str()).collect();
    let names = log::names(tx, &codes)?;
    for line in &mut lines {
        line.name = transfers::name_of(&names, &line.code);
    }
    Ok(lines)
}

/// Up to when everything is counted that happened: now, or the time of what was counted last where some is not yet.
pub(super) fn counted_until(tx: &mut Connection, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
    let behind = health::behind(tx)?;
    if behind.statistics == 0 {
        // What is not sealed yet is not counted either.
        let oldest = ledger::waiting(tx, 1)?.pop();
        return Ok(Some(oldest.map_or(now, |row| row.at.and_utc().min(now))));
    }
    let position = behind.entries.saturating_sub(behind.statistics);
    let last = ledger::entries_with_evidence(tx, position.saturating_sub(1)..position)?.pop();
    Ok(last.and_then(|(_, row)| Some(row?.at.and_utc())))
}

/// The numbers of the whole hub, for whoever has the machine.
///
/// # Errors
/// `Store`.
pub async fn of_hub(hub: &Hub, period: Period) -> Result<Sums, ExchangeError> {
    let days = words(&period.days(hub.clock.now().with_timezone(&VIETNAM).date_naive()));
    let part = Part { scope: Scope::Hub, agencies: vec![String::new()], days };
    Ok(hub.store.read(move |tx| statistics::sums(tx, &part)).await?.into_iter().collect())
}
