//! A re-drive: a group of failed deliveries that is started anew at a rate. Its states, and which of them a step leads to. Not
//! here: who may take a step (`exchange::redrives`), SQL (`store::redrives`).

use super::rules::Wording;

/// How a re-drive stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedriveState {
    /// Waits for a second person.
    Proposed,
    /// Deliveries are started, minute by minute.
    Running,
    /// Nothing is started for now.
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
pub enum RedriveStep {
    /// A second person agrees.
    Approve,
    /// A second person does not.
    Refuse,
    /// Start nothing for now.
    Pause,
    /// Go on.
    Resume,
    /// End it; of a proposal: take it back.
    Stop,
}

impl RedriveState {
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
    pub fn after(self, step: RedriveStep) -> Option<Self> {
        match (self, step) {
            (Self::Proposed, RedriveStep::Approve) | (Self::Paused, RedriveStep::Resume) => Some(Self::Running),
            (Self::Proposed, RedriveStep::Refuse) => Some(Self::Refused),
            (Self::Running, RedriveStep::Pause) => Some(Self::Paused),
            (Self::Proposed | Self::Running | Self::Paused, RedriveStep::Stop) => Some(Self::Stopped),
            (Self::Proposed, RedriveStep::Pause | RedriveStep::Resume)
            | (Self::Running, RedriveStep::Approve | RedriveStep::Refuse | RedriveStep::Resume)
            | (Self::Paused, RedriveStep::Approve | RedriveStep::Refuse | RedriveStep::Pause)
            | (Self::Done | Self::Refused | Self::Stopped | Self::Lapsed, _) => None,
        }
    }

    /// What people read.
    pub fn name(self) -> Wording {
        match self {
            Self::Proposed => Wording::new("Chờ người thứ hai duyệt", "Waits for a second person"),
            Self::Running => Wording::new("Đang gửi lại", "Running"),
            Self::Paused => Wording::new("Tạm dừng", "Paused"),
            Self::Done => Wording::new("Đã xong", "Done"),
            Self::Refused => Wording::new("Không được duyệt", "Refused"),
            Self::Stopped => Wording::new("Đã dừng hẳn", "Stopped"),
            Self::Lapsed => Wording::new("Hết hạn chờ duyệt", "Nobody decided in time"),
        }
    }
}

impl RedriveStep {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_stays_so_and_only_a_proposal_is_decided() {
        for state in RedriveState::ALL {
            assert_eq!(RedriveState::of_word(state.word()), Some(state));
            for step in RedriveStep::ALL {
                let after = state.after(step);
                assert!(!state.is_final() || after.is_none(), "{state:?} {step:?}");
                assert!(
                    !step.is_decision() || after.is_none() || state == RedriveState::Proposed,
                    "{state:?} {step:?}"
                );
            }
        }
    }
}
