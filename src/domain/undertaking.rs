//! An undertaking: something that one person proposes and another one decides on: a re-drive or a purge, which a job works off, a grant.
//! Its states, and which of them whose step leads to. Not here: what is worked off (`exchange::redrives`, `exchange::purge`), SQL.

use super::rules::Wording;
use chrono::{DateTime, Utc};

/// How an undertaking stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndertakingState {
    /// Waits for a second person.
    Proposed,
    /// It is worked off, bit by bit.
    Running,
    /// Nothing is done for now.
    Paused,
    /// All were gone through.
    Done,
    /// A second person refused.
    Refused,
    /// Somebody ended it.
    Stopped,
    /// Nobody decided in time.
    Lapsed,
}

/// What people do to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndertakingStep {
    /// A second person agrees.
    Approve,
    /// A second person does not.
    Refuse,
    /// Do nothing for now.
    Pause,
    /// Go on.
    Resume,
    /// End it; of a proposal: take it back.
    Stop,
}

impl UndertakingState {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Proposed, Self::Running, Self::Paused, Self::Done, Self::Refused, Self::Stopped, Self::Lapsed];

    /// The word in tables and evidence.
    pub fn word(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
            Self::Lapsed => "lapsed",
        }
    }

    /// The state of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        match self {
            Self::Proposed | Self::Running | Self::Paused => false,
            Self::Done | Self::Refused | Self::Stopped | Self::Lapsed => true,
        }
    }

    /// What a step leads to; nothing where it cannot be taken.
    pub fn after(self, step: UndertakingStep) -> Option<Self> {
        match (self, step) {
            (Self::Proposed, UndertakingStep::Approve) | (Self::Paused, UndertakingStep::Resume) => Some(Self::Running),
            (Self::Proposed, UndertakingStep::Refuse) => Some(Self::Refused),
            (Self::Running, UndertakingStep::Pause) => Some(Self::Paused),
            (Self::Proposed | Self::Running | Self::Paused, UndertakingStep::Stop) => Some(Self::Stopped),
            (Self::Proposed, UndertakingStep::Pause | UndertakingStep::Resume)
            | (Self::Running, UndertakingStep::Approve | UndertakingStep::Refuse | UndertakingStep::Resume)
            | (Self::Paused, UndertakingStep::Approve | UndertakingStep::Refuse | UndertakingStep::Pause)
            | (Self::Done | Self::Refused | Self::Stopped | Self::Lapsed, _) => None,
        }
    }

    /// What people read.
    pub fn name(self) -> Wording {
        match self {
            Self::Proposed => Wording::new("Chờ người thứ hai duyệt", "Waits for a second person"),
            Self::Running => Wording::new("Đang thực hiện", "Running"),
            Self::Paused => Wording::new("Tạm dừng", "Paused"),
            Self::Done => Wording::new("Đã xong", "Done"),
            Self::Refused => Wording::new("Không được duyệt", "Refused"),
            Self::Stopped => Wording::new("Đã dừng hẳn", "Stopped"),
            Self::Lapsed => Wording::new("Hết hạn chờ duyệt", "Nobody decided in time"),
        }
    }
}

impl UndertakingStep {
    /// Every step.
    pub const ALL: [Self; 5] = [Self::Approve, Self::Refuse, Self::Pause, Self::Resume, Self::Stop];

    /// The word in forms and evidence.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Stop => "stop",
        }
    }

    /// The step of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }

    /// Whether only a second person takes it.
    pub fn is_decision(self) -> bool {
        match self {
            Self::Approve | Self::Refuse => true,
            Self::Pause | Self::Resume | Self::Stop => false,
        }
    }
}

/// Why somebody cannot take a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barred {
    /// Nobody decides on an own proposal.
    OwnProposal,
    /// It does not stand so any more.
    NotSo,
}

/// An undertaking as far as it decides who may take which step.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// How it stands.
    pub state: UndertakingState,
    /// The person who proposed it.
    pub proposed_by: &'a str,
    /// Until when it may be decided.
    pub expires_at: DateTime<Utc>,
}

impl Proposal<'_> {
    /// What a step of a person leads to. What nobody decided on in time can only end.
    ///
    /// # Errors
    /// Why it cannot take the step.
    pub fn after(
        &self,
        step: UndertakingStep,
        (user_id, now): (&str, DateTime<Utc>),
    ) -> Result<UndertakingState, Barred> {
        if step.is_decision() && self.proposed_by == user_id {
            return Err(Barred::OwnProposal);
        }
        let is_late = self.state == UndertakingState::Proposed && self.expires_at <= now;
        self.state.after(step).filter(|to| !is_late || to.is_final()).ok_or(Barred::NotSo)
    }

    /// The steps that a person can take.
    pub fn steps(&self, who: (&str, DateTime<Utc>)) -> Vec<UndertakingStep> {
        UndertakingStep::ALL.into_iter().filter(|step| self.after(*step, who).is_ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_stays_so_and_only_a_proposal_is_decided() {
        for state in UndertakingState::ALL {
            assert_eq!(UndertakingState::of_word(state.word()), Some(state));
            for step in UndertakingStep::ALL {
                let after = state.after(step);
                assert!(!state.is_final() || after.is_none(), "{state:?} {step:?}");
                assert!(
                    !step.is_decision() || after.is_none() || state == UndertakingState::Proposed,
                    "{state:?} {step:?}"
                );
            }
        }
    }

    #[test]
    fn nobody_decides_on_an_own_proposal_and_a_late_one_can_only_end() {
        let now = DateTime::UNIX_EPOCH;
        let later = now + chrono::TimeDelta::hours(1);
        let proposal = |expires_at| Proposal { state: UndertakingState::Proposed, proposed_by: "one", expires_at };

        assert_eq!(proposal(later).steps(("one", now)), [UndertakingStep::Stop]);
        assert_eq!(proposal(later).after(UndertakingStep::Refuse, ("one", now)), Err(Barred::OwnProposal));
        let two = [UndertakingStep::Approve, UndertakingStep::Refuse, UndertakingStep::Stop];
        assert_eq!(proposal(later).steps(("two", now)), two);
        assert_eq!(proposal(now).after(UndertakingStep::Approve, ("two", now)), Err(Barred::NotSo));
        assert_eq!(proposal(now).steps(("two", now)), [UndertakingStep::Refuse, UndertakingStep::Stop]);
    }
}
