//! How many packets may be on their way to one recipient at once: slowly more while all goes well, quickly fewer when
//! answers fail or come late. What is remembered here is worth nothing after a restart, so it is in memory only.

use std::time::Duration;

/// The window of one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Places, in hundredths: 100 is one packet at a time.
    window: u32,
}

/// One place.
const ONE: u32 = 100;

impl Default for Pace {
    fn default() -> Self {
        Self { window: 2 * ONE }
    }
}

impl Pace {
    /// Packets that may be on their way at once; at least one, at most `most`.
    pub fn places(&self, most: usize) -> usize {
        usize::try_from(self.window / ONE).unwrap_or(1).clamp(1, most.max(1))
    }

    /// After an answer in time: another place for each full window. Late answers close places instead.
    pub fn answered(self, after: Duration, slow: Duration, most: usize) -> Self {
        if after > slow {
            return Self { window: (self.window.saturating_sub(ONE / 4)).max(ONE) };
        }
        let most = u32::try_from(most.max(1)).unwrap_or(u32::MAX / ONE).saturating_mul(ONE);
        let step = (ONE.saturating_mul(ONE) / self.window.max(ONE)).max(1);
        // Doubling at first, as long as one answer is worth one place.
        let step = if self.window < 8 * ONE { ONE } else { step };
        Self { window: self.window.saturating_add(step).min(most) }
    }

    /// After a failure: half.
    pub fn failed(self) -> Self {
        Self { window: (self.window / 2).max(ONE) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUICK: Duration = Duration::from_millis(5);
    const SLOW: Duration = Duration::from_secs(2);

    #[test]
    fn a_quick_recipient_gets_all_places_soon() {
        let mut pace = Pace::default();
        let mut answers = 0;
        while pace.places(20) < 20 {
            pace = pace.answered(QUICK, SLOW, 20);
            answers += 1;
        }
        assert!(answers < 200, "{answers}");
    }

    #[test]
    fn a_slow_recipient_ends_with_one_place() {
        let mut pace = (0..500).fold(Pace::default(), |pace, _| pace.answered(QUICK, SLOW, 20));
        for _ in 0..80 {
            pace = pace.answered(Duration::from_secs(5), SLOW, 20);
        }
        assert_eq!(pace.places(20), 1);
    }

    proptest! {
        #[test]
        fn there_is_always_one_place_and_never_more_than_allowed(
            steps in prop::collection::vec((any::<bool>(), 0_u64..4000), 0..200),
            most in 0_usize..40,
        ) {
            let mut pace = Pace::default();
            for (good, millis) in steps {
                pace = if good { pace.answered(Duration::from_millis(millis), SLOW, most) } else { pace.failed() };
                prop_assert!((1..=most.max(1)).contains(&pace.places(most)));
            }
        }
    }
}
