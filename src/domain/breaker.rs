//! The circuit breaker of a recipient: after several failures in a row nothing is sent for a while, then a few probes,
//! then everything again. Pure; its state is kept with the endpoint and survives a restart.

use chrono::{DateTime, TimeDelta, Utc};

/// What is remembered of a recipient's endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breaker {
    /// Failed attempts since the last success.
    pub failures: i32,
    /// How often it opened since the last success.
    pub openings: i32,
    /// Until when nothing is sent; afterwards only probes, until one succeeds.
    pub rests_until: Option<DateTime<Utc>>,
}

/// When a breaker opens and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerLimits {
    /// Failures in a row that open it.
    pub failures: i32,
    /// How long it stays open the first time; each time after that twice as long.
    pub rest: TimeDelta,
    /// The longest rest.
    pub rest_max: TimeDelta,
}

/// More rests than that make days.
const RESTS_ADDED_MAX: usize = 1000;

/// Whether and how much may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Everything.
    Closed,
    /// Nothing until then.
    Open(DateTime<Utc>),
    /// Probes.
    HalfOpen,
}

impl Circuit {
    /// The word in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open(_) => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl BreakerLimits {
    /// How long it rests when it opened so often before.
    fn rest_after(&self, openings: i32) -> TimeDelta {
        let doubled = 1_i32.checked_shl(u32::try_from(openings).unwrap_or(0)).filter(|factor| *factor > 0);
        doubled.and_then(|factor| self.rest.checked_mul(factor)).unwrap_or(self.rest_max).min(self.rest_max)
    }
}

impl Breaker {
    /// For how long, at least, nothing got through: all its rests. Nothing while it is closed.
    pub fn away(self, limits: &BreakerLimits, now: DateTime<Utc>) -> Option<TimeDelta> {
        let until = self.rests_until?;
        let rests = (0..self.openings).take(RESTS_ADDED_MAX).map(|openings| limits.rest_after(openings));
        let rests = rests.fold(TimeDelta::zero(), |sum, rest| sum.checked_add(&rest).unwrap_or(sum));
        // Negative while the last rest is not over.
        Some(rests.checked_add(&now.signed_duration_since(until)).unwrap_or(rests))
    }

    /// How the breaker stands at `now`.
    pub fn circuit(&self, now: DateTime<Utc>) -> Circuit {
        match self.rests_until {
            None => Circuit::Closed,
            Some(until) if now < until => Circuit::Open(until),
            Some(_) => Circuit::HalfOpen,
        }
    }

    /// After an attempt that succeeded.
    pub fn succeeded(self) -> Self {
        Self::default()
    }

    /// After an attempt that failed at `now`. One that was on its way when the breaker opened does not open it again.
    pub fn failed(self, limits: &BreakerLimits, now: DateTime<Utc>) -> Self {
        let failures = self.failures.saturating_add(1);
        let opens = match self.circuit(now) {
            Circuit::Closed => failures >= limits.failures,
            Circuit::Open(_) => false,
            Circuit::HalfOpen => true,
        };
        if !opens {
            return Self { failures, ..self };
        }
        let rests_until = now.checked_add_signed(limits.rest_after(self.openings));
        Self { failures, openings: self.openings.saturating_add(1), rests_until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: BreakerLimits =
        BreakerLimits { failures: 5, rest: TimeDelta::seconds(60), rest_max: TimeDelta::seconds(900) };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn it_opens_at_the_fifth_failure_and_rests_twice_as_long_each_time() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker = breaker.failed(&LIMITS, at(0));
            assert_eq!(breaker.circuit(at(0)), Circuit::Closed);
        }
        let mut rests = Vec::new();
        let mut now = at(0);
        for _ in 0..6 {
            breaker = breaker.failed(&LIMITS, now);
            let Circuit::Open(until) = breaker.circuit(now) else { panic!("{breaker:?}") };
            rests.push(until.signed_duration_since(now).num_seconds());
            assert_eq!(breaker.circuit(until), Circuit::HalfOpen);
            now = until;
        }
        assert_eq!(rests, [60, 120, 240, 480, 900, 900]);
        assert_eq!(breaker.succeeded().circuit(now), Circuit::Closed);
    }

    #[test]
    fn it_is_away_for_all_its_rests_and_since() {
        let mut breaker = Breaker::default();
        assert_eq!(breaker.away(&LIMITS, at(0)), None);
        for _ in 0..5 {
            breaker = breaker.failed(&LIMITS, at(0));
        }
        assert_eq!(breaker.away(&LIMITS, at(30)), Some(TimeDelta::seconds(30)));
        breaker = breaker.failed(&LIMITS, at(60));
        assert_eq!(breaker.away(&LIMITS, at(60)), Some(TimeDelta::seconds(60)));
        assert_eq!(breaker.away(&LIMITS, at(200)), Some(TimeDelta::seconds(200)));
        assert_eq!(breaker.succeeded().away(&LIMITS, at(200)), None);
    }

    proptest! {
        #[test]
        fn whatever_happened_one_success_closes_it(steps in prop::collection::vec((any::<bool>(), 0_i64..2000), 0..60)) {
            let (mut breaker, mut now) = (Breaker::default(), 0);
            for (good, later) in steps {
                now += later;
                breaker = if good { breaker.succeeded() } else { breaker.failed(&LIMITS, at(now)) };
                let rest = breaker.rests_until.map(|until| until.signed_duration_since(at(now)));
                prop_assert!(rest.is_none_or(|rest| rest <= LIMITS.rest_max));
            }
            prop_assert_eq!(breaker.succeeded().circuit(at(now)), Circuit::Closed);
        }
    }
}
