//! The working calendar: which days and hours agencies work, by when a document is to be received, and when that is overdue.
//! The days stand in `calendar/vietnam.txt`, with their dates, since they change every year.

use super::dates::VIETNAM;
use super::envelope::Urgency;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use std::collections::HashMap;

/// Days that are known by the program.
const BUILT_IN: &str = include_str!("calendar/vietnam.txt");
/// A row of days off longer than this is a mistake, and no deadline waits for its end.
const DAYS_OFF_MAX: usize = 60;

/// Working hours of a day: periods in order that do not overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours(Vec<(NaiveTime, NaiveTime)>);

impl Hours {
    /// Periods such as `08:00-12:00, 13:00-17:00`. `None` when one cannot be read or they are not in order.
    pub fn of_text(text: &str) -> Option<Self> {
        let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
        let period = |text: &str| {
            let (from, until) = text.split_once('-')?;
            Some((time(from)?, time(until)?))
        };
        let periods: Vec<_> = text.split(',').map(period).collect::<Option<_>>()?;
        let edges: Vec<NaiveTime> = periods.iter().flat_map(|(from, until)| [*from, *until]).collect();
        edges.is_sorted_by(|a, b| a < b).then_some(Self(periods))
    }

    fn closing(&self) -> NaiveTime {
        self.0.last().map_or(NaiveTime::MIN, |(_, until)| *until)
    }
}

/// A line of a file of days that cannot be read: its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("dòng {0} phải là: ngày yyyy-mm-dd, off hoặc work, lý do / line {0} must be: day yyyy-mm-dd, off or work, why")]
pub struct LineFault(pub usize);

/// Which days and hours are worked, and how soon what is urgent is to be received.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Whether these days are worked; others by their weekday.
    days: HashMap<NaiveDate, bool>,
    hours: Hours,
    urgent: [TimeDelta; 3],
}

impl Calendar {
    /// The days that are known and those of `more`, which go before. `urgent` is the time for hỏa tốc, thượng khẩn and khẩn.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn new(more: &str, hours: Hours, urgent: [TimeDelta; 3]) -> Result<Self, LineFault> {
        let days = [BUILT_IN, more].into_iter().flat_map(|text| (1..).zip(text.lines()));
        let days = days.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let days = days.map(|(number, line)| day(line).ok_or(LineFault(number)));
        Ok(Self { days: days.collect::<Result<_, _>>()?, hours, urgent })
    }

    /// The last day that is off or made up; after its year, nothing is known but weekdays.
    pub fn known_until(&self) -> Option<NaiveDate> {
        self.days.keys().max().copied()
    }

    /// Whether agencies work on a day.
    pub fn is_working(&self, day: NaiveDate) -> bool {
        let is_weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        self.days.get(&day).copied().unwrap_or(!is_weekend)
    }

    /// By when a document is to be received: at the end of the same working day, or of the next one when it came outside of
    /// working hours; what is urgent within its time, by day and by night.
    pub fn receive_by(&self, accepted_at: DateTime<Utc>, urgency: Urgency) -> DateTime<Utc> {
        if let Some(time) = self.time_of(urgency) {
            return accepted_at.checked_add_signed(time).unwrap_or(accepted_at);
        }
        let local = accepted_at.with_timezone(&VIETNAM).naive_local();
        let is_too_late = local.time() >= self.hours.closing();
        let mut days = local.date().iter_days().skip(usize::from(is_too_late)).take(DAYS_OFF_MAX);
        self.end_of(days.find(|day| self.is_working(*day)).unwrap_or(local.date()))
    }

    /// What was accepted before this time is overdue at `now`, if it was not received.
    pub fn overdue_before(&self, now: DateTime<Utc>, urgency: Urgency) -> DateTime<Utc> {
        if let Some(time) = self.time_of(urgency) {
            return now.checked_sub_signed(time).unwrap_or(now);
        }
        let today = now.with_timezone(&VIETNAM).date_naive();
        let days = std::iter::successors(Some(today), NaiveDate::pred_opt).take(DAYS_OFF_MAX);
        let mut ends = days.filter(|day| self.is_working(*day)).map(|day| self.end_of(day));
        ends.find(|end| *end < now).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// How much working time lies between two moments.
    pub fn working_time(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> TimeDelta {
        let (from, until) = (from.with_timezone(&VIETNAM).naive_local(), until.with_timezone(&VIETNAM).naive_local());
        let days = from.date().iter_days().take_while(|day| *day <= until.date()).filter(|day| self.is_working(*day));
        let periods = days.flat_map(|day| self.hours.0.iter().map(move |(a, b)| (day.and_time(*a), day.and_time(*b))));
        let worked = periods.map(|(a, b)| b.min(until).signed_duration_since(a.max(from)).max(TimeDelta::zero()));
        worked.fold(TimeDelta::zero(), |sum, time| sum.checked_add(&time).unwrap_or(sum))
    }

    fn time_of(&self, urgency: Urgency) -> Option<TimeDelta> {
        let [express, very_urgent, urgent] = self.urgent;
        match urgency {
            Urgency::Express | Urgency::ExpressAtHour => Some(express),
            Urgency::VeryUrgent => Some(very_urgent),
            Urgency::Urgent => Some(urgent),
            Urgency::Normal => None,
        }
    }

    fn end_of(&self, day: NaiveDate) -> DateTime<Utc> {
        let end = VIETNAM.from_local_datetime(&day.and_time(self.hours.closing())).single();
        end.map_or(DateTime::UNIX_EPOCH, |end| end.with_timezone(&Utc))
    }
}

fn day(line: &str) -> Option<(NaiveDate, bool)> {
    let mut words = line.split_whitespace();
    let day = NaiveDate::parse_from_str(words.next()?, "%Y-%m-%d").ok()?;
    let is_working = match words.next()? {
        "off" => false,
        "work" => true,
        _ => return None,
    };
    words.next()?;
    Some((day, is_working))
}

#[cfg(test)]
mod tests;
