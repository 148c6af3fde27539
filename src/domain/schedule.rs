//! When a delivery that could not be made is tried again, and when the hub gives it up. Pure: the time and the
//! draw of the jitter are given.

use super::endpoint::EndpointKind;
use super::lane::Lane;
use chrono::{DateTime, TimeDelta, Utc};

/// The plan of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Longest pause after the first, second, third … failed attempt; the last one repeats.
    delays: Vec<TimeDelta>,
    /// How long the hub goes on trying, by lane.
    terms: [TimeDelta; 5],
    /// Longest pause that a recipient may ask for.
    retry_after_max: TimeDelta,
}

/// The plans of everything that is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedules {
    /// Packets to agencies and neighbours.
    pub packets: Schedule,
    /// Events to systems.
    pub events: Schedule,
}

impl Schedules {
    /// The plan for endpoints of a kind.
    pub fn of(&self, kind: EndpointKind) -> &Schedule {
        match kind {
            EndpointKind::Agency | EndpointKind::Relay => &self.packets,
            EndpointKind::Events => &self.events,
        }
    }
}

/// Shortest pause before the next attempt.
const PAUSE_MIN: TimeDelta = TimeDelta::seconds(1);

impl Schedule {
    /// A plan. `None` when there is no delay, a delay or term is not positive, or there is not one term for each lane.
    pub fn new(delays: Vec<TimeDelta>, terms: &[TimeDelta], retry_after_max: TimeDelta) -> Option<Self> {
        let terms: [TimeDelta; 5] = terms.try_into().ok()?;
        let positive = delays.iter().chain(&terms).all(|time| *time >= PAUSE_MIN);
        (positive && !delays.is_empty()).then_some(Self { delays, terms, retry_after_max })
    }

    /// When a delivery accepted at `accepted_at` is given up.
    pub fn expires_at(&self, lane: Lane, accepted_at: DateTime<Utc>) -> DateTime<Utc> {
        accepted_at.checked_add_signed(self.term(lane)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// When what is given up at `expires_at` was put in line.
    pub fn began_at(&self, lane: Lane, expires_at: DateTime<Utc>) -> DateTime<Utc> {
        expires_at.checked_sub_signed(self.term(lane)).unwrap_or(expires_at)
    }

    fn term(&self, lane: Lane) -> TimeDelta {
        let place = Lane::ALL.iter().position(|other| *other == lane).unwrap_or_default();
        self.terms.get(place).copied().unwrap_or(PAUSE_MIN)
    }

    /// When to try again after the `failed`-th failed attempt in a row. The pause is drawn evenly from nothing to the
    /// planned delay (full jitter: what failed together does not come back together); `draw` is any number. What the
    /// recipient asked for (Retry-After) is the least that is waited, up to the configured longest.
    pub fn next_attempt(
        &self,
        failed: u32,
        now: DateTime<Utc>,
        draw: u64,
        retry_after: Option<TimeDelta>,
    ) -> DateTime<Utc> {
        let place = usize::try_from(failed.saturating_sub(1)).unwrap_or(usize::MAX);
        let delay = self.delays.get(place).or(self.delays.last()).copied().unwrap_or(PAUSE_MIN);
        let micros = u64::try_from(delay.num_microseconds().unwrap_or(i64::MAX)).unwrap_or(1).max(1);
        let drawn = TimeDelta::microseconds(i64::try_from(draw % micros).unwrap_or(0));
        let asked = retry_after.unwrap_or_default().min(self.retry_after_max);
        now.checked_add_signed(drawn.max(asked).max(PAUSE_MIN)).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schedule() -> Schedule {
        let delays = [5, 30, 120].map(TimeDelta::seconds).to_vec();
        Schedule::new(delays, &[1, 2, 3, 4, 5].map(TimeDelta::hours), TimeDelta::seconds(600)).unwrap()
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    proptest! {
        #[test]
        fn a_pause_is_never_longer_than_planned_nor_shorter_than_a_second(failed in 1_u32..50, draw: u64) {
            let planned = [5, 30, 120][usize::try_from(failed).unwrap().min(3) - 1];
            let next = schedule().next_attempt(failed, at(0), draw, None);
            prop_assert!(next >= at(1) && next <= at(planned), "{next}");
        }

        #[test]
        fn what_the_recipient_asks_for_is_waited_but_not_for_ever(asked in 0_i64..100_000, draw: u64) {
            let next = schedule().next_attempt(1, at(0), draw, Some(TimeDelta::seconds(asked)));
            prop_assert!(next >= at(asked.min(600)) && next <= at(600));
        }
    }

    #[test]
    fn the_term_is_that_of_the_lane() {
        assert_eq!(schedule().expires_at(Lane::Express, at(0)), at(3600));
        assert_eq!(schedule().expires_at(Lane::Normal, at(0)), at(5 * 3600));
    }

    #[test]
    fn a_plan_without_delays_or_with_a_lane_left_out_is_none() {
        let hours = [1; 5].map(TimeDelta::hours);
        assert_eq!(Schedule::new(Vec::new(), &hours, TimeDelta::hours(1)), None);
        assert_eq!(Schedule::new(vec![TimeDelta::zero()], &hours, TimeDelta::hours(1)), None);
        assert_eq!(Schedule::new(vec![TimeDelta::hours(1)], &hours[..4], TimeDelta::hours(1)), None);
    }
}
