//! Events that systems are told of by webhook: their kinds and names, and which piece of evidence is which. Not here: to
//! whom one is told (`exchange::announce`).

use super::delivery::Step;
use super::evidence::EvidenceEvent;

/// What a webhook can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A neighbouring hub has it.
    Relayed,
    /// A document is at a recipient's disposal.
    Consigned,
    /// The recipient's software fetched it.
    Fetched,
    /// The recipient's software holds it.
    HandedOver,
    /// The recipient's software could not store it.
    HandoverFailed,
    /// The recipient's endpoint refused it for good.
    Refused,
    /// It could not be delivered within its term.
    Failed,
    /// It was taken back before it was fetched.
    Withdrawn,
    /// The recipient's clerks reported a status.
    StatusReported,
    /// A recipient was asked to give it back.
    RecallRequested,
    /// The recipient answered that.
    RecallAnswered,
}

impl EventKind {
    /// Every kind, in the order of a document's life.
    pub const ALL: [Self; 11] = [
        Self::Relayed,
        Self::Consigned,
        Self::Fetched,
        Self::HandedOver,
        Self::HandoverFailed,
        Self::Refused,
        Self::Failed,
        Self::Withdrawn,
        Self::StatusReported,
        Self::RecallRequested,
        Self::RecallAnswered,
    ];

    /// The name on the wire (`type`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Relayed => "delivery.relayed",
            Self::Consigned => "delivery.consigned",
            Self::Fetched => "delivery.fetched",
            Self::HandedOver => "delivery.handed_over",
            Self::HandoverFailed => "delivery.handover_failed",
            Self::Refused => "delivery.refused",
            Self::Failed => "delivery.failed",
            Self::Withdrawn => "delivery.withdrawn",
            Self::StatusReported => "status.reported",
            Self::RecallRequested => "recall.requested",
            Self::RecallAnswered => "recall.answered",
        }
    }

    /// The kind of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind of something that happened to a delivery; a delivery that could not be made was refused, or its term is
    /// over (`is_refusal`).
    pub fn of(event: EvidenceEvent, is_refusal: bool) -> Option<Self> {
        match event {
            EvidenceEvent::RelayAcceptance => Some(Self::Relayed),
            EvidenceEvent::ContentConsignment => Some(Self::Consigned),
            EvidenceEvent::ContentConsignmentFailure if is_refusal => Some(Self::Refused),
            EvidenceEvent::ContentConsignmentFailure => Some(Self::Failed),
            EvidenceEvent::ContentHandover => Some(Self::HandedOver),
            EvidenceEvent::ContentHandoverFailure => Some(Self::HandoverFailed),
            EvidenceEvent::ContentFetched => Some(Self::Fetched),
            EvidenceEvent::DeliveryWithdrawn => Some(Self::Withdrawn),
            EvidenceEvent::RecallRequested => Some(Self::RecallRequested),
            EvidenceEvent::RecallAnswered => Some(Self::RecallAnswered),
            EvidenceEvent::StatusReported => Some(Self::StatusReported),
            EvidenceEvent::SubmissionAcceptance
            | EvidenceEvent::SubmissionRejection
            | EvidenceEvent::DeliveryDirected
            | EvidenceEvent::RedriveChanged
            | EvidenceEvent::BulletinChanged
            | EvidenceEvent::RouteChanged
            | EvidenceEvent::EndpointChanged
            | EvidenceEvent::AgencyChanged
            | EvidenceEvent::DirectoryImported
            | EvidenceEvent::SystemChanged
            | EvidenceEvent::KeyChanged
            | EvidenceEvent::GrantChanged
            | EvidenceEvent::LedgerRefused
            | EvidenceEvent::UserChanged
            | EvidenceEvent::IdentityProviderChanged
            | EvidenceEvent::ContentViewed
            | EvidenceEvent::DataAccessed
            | EvidenceEvent::WarrantChanged
            | EvidenceEvent::HubDirected
            | EvidenceEvent::StatementMade
            | EvidenceEvent::DayClosed
            | EvidenceEvent::ListReconciled
            | EvidenceEvent::LegalHoldChanged
            | EvidenceEvent::PurgeChanged
            | EvidenceEvent::PacketDestroyed
            | EvidenceEvent::ArchiveDestroyed
            | EvidenceEvent::DestructionCertified
            | EvidenceEvent::ArchiveExported => None,
        }
    }
}

impl EventKind {
    /// The evidence that a hub leaves of what its neighbour tells, and the step that its delivery takes by it. Nothing for
    /// what is not told between hubs: reports and recalls travel as packets.
    pub fn beyond(self) -> Option<(EvidenceEvent, Option<Step>)> {
        match self {
            Self::Relayed => Some((EvidenceEvent::RelayAcceptance, None)),
            Self::Consigned => Some((EvidenceEvent::ContentConsignment, None)),
            Self::Fetched => Some((EvidenceEvent::ContentFetched, None)),
            Self::HandoverFailed => Some((EvidenceEvent::ContentHandoverFailure, None)),
            Self::HandedOver => Some((EvidenceEvent::ContentHandover, Some(Step::HandOver))),
            Self::Refused | Self::Failed => Some((EvidenceEvent::ContentConsignmentFailure, Some(Step::FailBeyond))),
            Self::Withdrawn => Some((EvidenceEvent::DeliveryWithdrawn, Some(Step::WithdrawBeyond))),
            Self::StatusReported | Self::RecallRequested | Self::RecallAnswered => None,
        }
    }
}

/// The name of what is sent when a webhook is tried; it is no kind that could be chosen.
pub const TEST: &str = "webhook.test";

/// Kinds as they are kept: names with commas between; nothing chosen means all.
pub fn wants(kinds: &[EventKind]) -> String {
    kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(",")
}

/// The kinds of such a text.
pub fn chosen(wants: &str) -> Vec<EventKind> {
    match wants.is_empty() {
        true => EventKind::ALL.to_vec(),
        false => wants.split(',').filter_map(EventKind::of_name).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_is_read_as_it_was_written_and_nothing_means_all() {
        let some = [EventKind::Failed, EventKind::StatusReported];

        assert_eq!(chosen(&wants(&some)), some);
        assert_eq!(chosen(""), EventKind::ALL);
    }

    #[test]
    fn every_kind_is_what_some_event_is() {
        for kind in EventKind::ALL {
            let is_made =
                |event: &EvidenceEvent| [true, false].map(|is| EventKind::of(*event, is)).contains(&Some(kind));
            assert!(EvidenceEvent::ALL.iter().any(is_made), "{kind:?}");
        }
    }
}
