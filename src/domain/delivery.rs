//! A delivery: one envelope for one recipient agency, its state, and the only function that computes a
//! next state. Not here: SQL (`store::deliveries`), what clerks report (`status`).
//!
//! ```text
//! accepted ─▶ Pending ─▶ Consigned ─▶ HandedOver
//!                │           ├──────▶ Withdrawn   (recalled before it was fetched)
//!                └───────────┴──────▶ Failed      (nobody fetched it in time; may yet turn out to have been handed over)
//!
//! What a neighbouring hub has is Consigned here; that hub says how it ends.
//! ```

use super::evidence::EvidenceEvent;

/// What the hub knows of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Waits for a channel to take it.
    Pending,
    /// At the recipient's disposal, or with a neighbouring hub.
    Consigned,
    /// The recipient's software has confirmed that it holds the content. Final.
    HandedOver,
    /// Taken back before the recipient fetched it. Final.
    Withdrawn,
    /// Refused for good or term over. Nothing is tried any more; only an answer that comes late can change it.
    Failed,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Consigned, Self::HandedOver, Self::Withdrawn, Self::Failed];

    /// The word in tables and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Consigned => "consigned",
            Self::HandedOver => "handed_over",
            Self::Withdrawn => "withdrawn",
            Self::Failed => "failed",
        }
    }

    /// The state of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }

    /// Whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Consigned => false,
            Self::HandedOver | Self::Withdrawn | Self::Failed => true,
        }
    }
}

/// How far the recipient's software says it is with a consigned item (the SDK's transport state).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PickupMark {
    /// Nothing said yet.
    Initial,
    /// Fetching or storing.
    Processing,
    /// Stored.
    Done,
    /// Could not be stored; stays in the list so that it can be tried again.
    Fail,
}

impl PickupMark {
    /// Every mark.
    pub const ALL: [Self; 4] = [Self::Initial, Self::Processing, Self::Done, Self::Fail];

    /// The word on the wire (docs/sdk.md) and in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Processing => "processing",
            Self::Done => "done",
            Self::Fail => "fail",
        }
    }

    /// The mark of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }
}

/// The part of a delivery from which a next state is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Progress {
    /// What the hub knows.
    pub state: DeliveryState,
    /// What the recipient's software last said.
    pub mark: PickupMark,
    /// Whether the content left the hub for this recipient.
    pub fetched: bool,
}

impl Progress {
    /// How a delivery by pick-up begins: at the recipient's disposal from the moment of acceptance.
    pub const CONSIGNED: Self = Self { state: DeliveryState::Consigned, mark: PickupMark::Initial, fetched: false };
    /// How a delivery that the hub makes itself begins.
    pub const PENDING: Self = Self { state: DeliveryState::Pending, ..Self::CONSIGNED };
}

/// What is asked of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The recipient's software takes the content.
    Fetch,
    /// The recipient's software says how far it is.
    Confirm(PickupMark),
    /// The sender takes it back.
    Withdraw,
    /// The hub pushed the content and the recipient's software answered that it holds it.
    HandOver,
    /// The hub pushed the content to software that will say by itself when it holds it.
    Consign,
    /// The hub tried; something of the content may have left, and it will try again.
    Retry,
    /// The hub gives up: refused for good, or the term is over and nobody fetched it.
    GiveUp,
    /// The hub brings it no more: the recipient may fetch it.
    Offer,
    /// A neighbouring hub took the content and will bring it on.
    Relay,
    /// The neighbouring hub that has it says that it failed there.
    FailBeyond,
    /// The neighbouring hub that has it says that it was withdrawn there: the recipient never had it.
    WithdrawBeyond,
}

/// What a step leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The delivery changes, and this is the evidence of it, if the change is a fact for auditors.
    Changed(Progress, Option<EvidenceEvent>),
    /// Said before; nothing changes and the answer is the same.
    Same,
    /// Not possible any more; nothing changes.
    Refused(Refusal),
}

/// Why a step is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The delivery was withdrawn.
    Withdrawn,
    /// The recipient agreed to give the document back.
    RecallAgreed,
    /// The delivery has failed.
    Failed,
    /// The content has left the hub: only the recipient can act now.
    AlreadyFetched,
    /// It was confirmed as done before.
    AlreadyHandedOver,
    /// No channel has put it at the recipient's disposal yet.
    NotConsigned,
    /// The hub is bringing it to the recipient just now.
    OnItsWay,
    /// It does not wait to be brought to the recipient.
    NotWaiting,
}

/// The next state of a delivery. The only function that computes one.
pub fn next(now: Progress, step: Step) -> Next {
    use DeliveryState as S;
    match (step, now.state) {
        (Step::Withdraw | Step::WithdrawBeyond, S::Withdrawn) => Next::Same,
        (_, S::Withdrawn) => Next::Refused(Refusal::Withdrawn),
        (Step::HandOver, S::HandedOver) | (Step::Consign | Step::Relay, S::Consigned) => Next::Same,
        (Step::GiveUp | Step::FailBeyond, S::Failed) => Next::Same,
        (Step::HandOver, S::Pending | S::Consigned | S::Failed) => {
            let done = Progress { state: S::HandedOver, mark: PickupMark::Done, fetched: true };
            Next::Changed(done, Some(EvidenceEvent::ContentHandover))
        }
        (Step::Consign, S::Pending | S::Failed) => left(now, EvidenceEvent::ContentConsignment),
        (Step::Relay, S::Pending | S::Failed) => left(now, EvidenceEvent::RelayAcceptance),
        (_, S::Failed) => Next::Refused(Refusal::Failed),
        (Step::Offer, S::Pending) => {
            let offered = Progress { state: S::Consigned, ..now };
            Next::Changed(offered, Some(EvidenceEvent::ContentConsignment))
        }
        (Step::Offer, S::Consigned) => Next::Same,
        (Step::Offer, S::HandedOver) => Next::Refused(Refusal::AlreadyHandedOver),
        (Step::Retry, S::Pending) if now.fetched => Next::Same,
        (Step::Retry, S::Pending) => Next::Changed(Progress { fetched: true, ..now }, None),
        (Step::GiveUp, S::Consigned) if now.fetched => Next::Refused(Refusal::AlreadyFetched),
        (Step::GiveUp | Step::FailBeyond, S::Pending | S::Consigned) => {
            let failed = Progress { state: S::Failed, ..now };
            Next::Changed(failed, Some(EvidenceEvent::ContentConsignmentFailure))
        }
        (Step::WithdrawBeyond, S::Pending | S::Consigned) => withdrawn(Progress { fetched: false, ..now }),
        (Step::Consign | Step::Relay | Step::FailBeyond | Step::WithdrawBeyond, S::HandedOver) => {
            Next::Refused(Refusal::AlreadyHandedOver)
        }
        (Step::Retry, S::Consigned) | (Step::Retry | Step::GiveUp, S::HandedOver) => {
            Next::Refused(Refusal::AlreadyHandedOver)
        }
        (Step::Withdraw, S::Pending | S::Consigned) if !now.fetched => withdrawn(now),
        (Step::Withdraw, S::Pending | S::Consigned | S::HandedOver) => Next::Refused(Refusal::AlreadyFetched),
        (Step::Fetch | Step::Confirm(_), S::Pending) => Next::Refused(Refusal::NotConsigned),
        (Step::Fetch, _) if now.fetched => Next::Same,
        (Step::Fetch, _) => Next::Changed(Progress { fetched: true, ..now }, Some(EvidenceEvent::ContentFetched)),
        (Step::Confirm(mark), _) if mark == now.mark => Next::Same,
        (Step::Confirm(_), S::HandedOver) => Next::Refused(Refusal::AlreadyHandedOver),
        (Step::Confirm(PickupMark::Done), S::Consigned) => {
            let done = Progress { state: S::HandedOver, mark: PickupMark::Done, ..now };
            Next::Changed(done, Some(EvidenceEvent::ContentHandover))
        }
        (Step::Confirm(PickupMark::Fail), S::Consigned) => {
            let failed = Progress { mark: PickupMark::Fail, ..now };
            Next::Changed(failed, Some(EvidenceEvent::ContentHandoverFailure))
        }
        (Step::Confirm(mark), S::Consigned) => Next::Changed(Progress { mark, ..now }, None),
    }
}

fn left(now: Progress, event: EvidenceEvent) -> Next {
    Next::Changed(Progress { state: DeliveryState::Consigned, fetched: true, ..now }, Some(event))
}

fn withdrawn(now: Progress) -> Next {
    let gone = Progress { state: DeliveryState::Withdrawn, ..now };
    Next::Changed(gone, Some(EvidenceEvent::DeliveryWithdrawn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steps() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Fetch),
            Just(Step::Withdraw),
            Just(Step::HandOver),
            Just(Step::Consign),
            Just(Step::Retry),
            Just(Step::GiveUp),
            Just(Step::Offer),
            Just(Step::Relay),
            Just(Step::FailBeyond),
            Just(Step::WithdrawBeyond),
            prop::sample::select(PickupMark::ALL.to_vec()).prop_map(Step::Confirm),
        ]
    }

    fn begin() -> impl Strategy<Value = Progress> {
        prop_oneof![Just(Progress::CONSIGNED), Just(Progress::PENDING)]
    }

    proptest! {
        #[test]
        fn a_final_state_is_left_only_by_an_answer_that_came_late(
            state in prop::sample::select(DeliveryState::ALL.to_vec()),
            step in steps(),
        ) {
            prop_assume!(state.is_final());
            let mark = if state == DeliveryState::HandedOver { PickupMark::Done } else { PickupMark::Initial };
            let now = Progress { state, mark, fetched: state == DeliveryState::HandedOver };
            if let Next::Changed(after, _) = next(now, step) {
                let late = state == DeliveryState::Failed && matches!(step, Step::HandOver | Step::Consign | Step::Relay);
                prop_assert!(after.state == state || late, "{now:?} {step:?} {after:?}");
            }
        }

        #[test]
        fn states_only_go_up_the_lattice(begin in begin(), path in prop::collection::vec(steps(), 0..12)) {
            let height = |progress: Progress| match progress.state {
                DeliveryState::Pending => 0,
                DeliveryState::Consigned if !progress.fetched => 1,
                DeliveryState::Failed => 2,
                DeliveryState::Consigned => 3,
                DeliveryState::Withdrawn | DeliveryState::HandedOver => 4,
            };
            let mut now = begin;
            for step in path {
                if let Next::Changed(after, _) = next(now, step) {
                    // Only the hub that has it knows better than this one.
                    let is_told = step == Step::FailBeyond;
                    prop_assert!(is_told || height(after) >= height(now), "{now:?} {step:?} {after:?}");
                    prop_assert!((after.state == DeliveryState::HandedOver) == (after.mark == PickupMark::Done));
                    now = after;
                }
            }
        }

        #[test]
        fn what_was_fetched_is_never_withdrawn(begin in begin(), path in prop::collection::vec(steps(), 0..12)) {
            let mut now = begin;
            for step in path {
                if let Next::Changed(after, _) = next(now, step) {
                    let is_told = step == Step::WithdrawBeyond;
                    prop_assert!(is_told || !(now.fetched && after.state == DeliveryState::Withdrawn));
                    now = after;
                }
            }
        }

        #[test]
        fn a_repeated_step_changes_nothing(
            begin in begin(),
            path in prop::collection::vec(steps(), 0..12),
            step in steps(),
        ) {
            let run = |now, step| match next(now, step) { Next::Changed(after, _) => after, Next::Same | Next::Refused(_) => now };
            let now = path.into_iter().fold(begin, run);
            let once = run(now, step);
            prop_assert_eq!(run(once, step), once);
        }
    }
}
