//! Evidence: the hub's own record that an event happened. Append-only, sealed later by the ledger.
//! Event names are those of ETSI EN 319 522-1 letter by letter; events of our own are kept apart.

use chrono::{DateTime, Utc};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceEvent {
    /// ETSI A.1: a packet was accepted.
    SubmissionAcceptance,
    /// ETSI A.2: a packet was refused.
    SubmissionRejection,
    /// ETSI B.1: a packet was passed on to a neighbouring hub, which accepted it; or had been, before it came here.
    RelayAcceptance,
    /// ETSI D.1: the content was put at a recipient's disposal.
    ContentConsignment,
    /// ETSI D.2: the content could not be put at a recipient's disposal: refused for good, or the term is over.
    ContentConsignmentFailure,
    /// ETSI E.1: the recipient's software confirmed that it holds the content.
    ContentHandover,
    /// ETSI E.2: the recipient's software said that it could not take the content.
    ContentHandoverFailure,
    /// Ours: the recipient's software fetched the content; no confirmation yet.
    ContentFetched,
    /// Ours: a delivery was withdrawn on the sender's wish before it was fetched.
    DeliveryWithdrawn,
    /// Ours: a fetched document was asked back.
    RecallRequested,
    /// Ours: a recipient agreed to or refused a recall or an update.
    RecallAnswered,
    /// Ours: a recipient reported a status.
    StatusReported,
    /// Ours: an operator held a delivery, let it go on, hurried it, or started a failed one anew.
    DeliveryDirected,
    /// Ours: starting failed deliveries anew was proposed, decided on, paused, resumed, stopped or came to its end.
    RedriveChanged,
    /// Ours: an operator told agencies something in the portal, or took it back.
    BulletinChanged,
    /// Ours: which agencies are behind which neighbour was changed.
    RouteChanged,
    /// Ours: where an agency is pushed to was set, paused, resumed or removed.
    EndpointChanged,
    /// Ours: an agency was registered, changed, closed or reopened.
    AgencyChanged,
    /// Ours: a file of agencies was imported.
    DirectoryImported,
    /// Ours: a system was made, renamed, suspended or resumed, or what it holds or from where it calls was changed.
    SystemChanged,
    /// Ours: a key was made or revoked.
    KeyChanged,
    /// Ours: to give a system a key or more access, or an endpoint a new secret, was proposed, decided on, taken back, done or left.
    GrantChanged,
    /// Ours: as a witness, this hub refused a head of another ledger, which did not grow from the one that it had cosigned; or an
    /// operator let it forget that one.
    LedgerRefused,
    /// Ours: a person was let into the portal or out of it, or how it signs in or what it looks after was changed.
    UserChanged,
    /// Ours: an identity provider by which people sign in was set, suspended or resumed.
    IdentityProviderChanged,
    /// Ours: what one agency sent to another on a day was counted and listed.
    StatementMade,
    /// Ours: a day was closed: these are all its statements.
    DayClosed,
    /// Ours: a system's own list of a day was compared with what was sealed of it.
    ListReconciled,
    /// Ours: an archive was asked for, or is made.
    ArchiveExported,
    /// Ours: a person of a party opened an attachment or the packet in the portal.
    ContentViewed,
    /// Ours: a legal hold was placed or lifted.
    LegalHoldChanged,
    /// Ours: to destroy contents was proposed, decided on, paused, resumed, stopped or came to its end.
    PurgeChanged,
    /// Ours: the content of a packet was destroyed, its time being over; everything else about it stays.
    PacketDestroyed,
    /// Ours: an archive was destroyed, since a content in it was.
    ArchiveDestroyed,
    /// Ours: these are all the contents that a purge destroyed, and the archives that went with them.
    DestructionCertified,
    /// Ours: somebody took a table, a slip or a proof out, or an auditor asked something or had something drawn or verified.
    DataAccessed,
    /// Ours: a warrant was issued to an auditor, or revoked.
    WarrantChanged,
    /// Ours: somebody had the hub do at once what it does by itself, or read its settings anew.
    HubDirected,
}

impl EvidenceEvent {
    /// Every event, in the order of a document's life.
    pub const ALL: [Self; 38] = [
        Self::SubmissionAcceptance,
        Self::SubmissionRejection,
        Self::RelayAcceptance,
        Self::ContentConsignment,
        Self::ContentConsignmentFailure,
        Self::ContentHandover,
        Self::ContentHandoverFailure,
        Self::ContentFetched,
        Self::DeliveryWithdrawn,
        Self::RecallRequested,
        Self::RecallAnswered,
        Self::StatusReported,
        Self::DeliveryDirected,
        Self::RedriveChanged,
        Self::BulletinChanged,
        Self::RouteChanged,
        Self::EndpointChanged,
        Self::AgencyChanged,
        Self::DirectoryImported,
        Self::SystemChanged,
        Self::KeyChanged,
        Self::GrantChanged,
        Self::LedgerRefused,
        Self::UserChanged,
        Self::IdentityProviderChanged,
        Self::StatementMade,
        Self::DayClosed,
        Self::ListReconciled,
        Self::ArchiveExported,
        Self::ContentViewed,
        Self::LegalHoldChanged,
        Self::PurgeChanged,
        Self::PacketDestroyed,
        Self::ArchiveDestroyed,
        Self::DestructionCertified,
        Self::DataAccessed,
        Self::WarrantChanged,
        Self::HubDirected,
    ];

    /// The name in tables, answers and receipts; events of our own carry the prefix `docaxis:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SubmissionAcceptance => "SubmissionAcceptance",
            Self::SubmissionRejection => "SubmissionRejection",
            Self::RelayAcceptance => "RelayAcceptance",
            Self::ContentConsignment => "ContentConsignment",
            Self::ContentConsignmentFailure => "ContentConsignmentFailure",
            Self::ContentHandover => "ContentHandover",
            Self::ContentHandoverFailure => "ContentHandoverFailure",
            Self::ContentFetched => "docaxis:ContentFetched",
            Self::DeliveryWithdrawn => "docaxis:DeliveryWithdrawn",
            Self::RecallRequested => "docaxis:RecallRequested",
            Self::RecallAnswered => "docaxis:RecallAnswered",
            Self::StatusReported => "docaxis:StatusReported",
            Self::DeliveryDirected => "docaxis:DeliveryDirected",
            Self::RedriveChanged => "docaxis:RedriveChanged",
            Self::BulletinChanged => "docaxis:BulletinChanged",
            Self::RouteChanged => "docaxis:RouteChanged",
            Self::EndpointChanged => "docaxis:EndpointChanged",
            Self::AgencyChanged => "docaxis:AgencyChanged",
            Self::DirectoryImported => "docaxis:DirectoryImported",
            Self::SystemChanged => "docaxis:SystemChanged",
            Self::KeyChanged => "docaxis:KeyChanged",
            Self::GrantChanged => "docaxis:GrantChanged",
            Self::LedgerRefused => "docaxis:LedgerRefused",
            Self::UserChanged => "docaxis:UserChanged",
            Self::IdentityProviderChanged => "docaxis:IdentityProviderChanged",
            Self::StatementMade => "docaxis:StatementMade",
            Self::DayClosed => "docaxis:DayClosed",
            Self::ListReconciled => "docaxis:ListReconciled",
            Self::ArchiveExported => "docaxis:ArchiveExported",
            Self::ContentViewed => "docaxis:ContentViewed",
            Self::LegalHoldChanged => "docaxis:LegalHoldChanged",
            Self::PurgeChanged => "docaxis:PurgeChanged",
            Self::PacketDestroyed => "docaxis:PacketDestroyed",
            Self::ArchiveDestroyed => "docaxis:ArchiveDestroyed",
            Self::DestructionCertified => "docaxis:DestructionCertified",
            Self::DataAccessed => "docaxis:DataAccessed",
            Self::WarrantChanged => "docaxis:WarrantChanged",
            Self::HubDirected => "docaxis:HubDirected",
        }
    }
}

impl EvidenceEvent {
    /// Its number in ETSI EN 319 522-1; nothing for an event of our own.
    pub fn etsi(self) -> Option<&'static str> {
        match self {
            Self::SubmissionAcceptance => Some("A.1"),
            Self::SubmissionRejection => Some("A.2"),
            Self::RelayAcceptance => Some("B.1"),
            Self::ContentConsignment => Some("D.1"),
            Self::ContentConsignmentFailure => Some("D.2"),
            Self::ContentHandover => Some("E.1"),
            Self::ContentHandoverFailure => Some("E.2"),
            Self::ContentFetched | Self::DeliveryWithdrawn | Self::RecallRequested | Self::RecallAnswered => None,
            Self::StatusReported | Self::DeliveryDirected | Self::EndpointChanged | Self::AgencyChanged => None,
            Self::DirectoryImported | Self::SystemChanged | Self::KeyChanged | Self::UserChanged => None,
            Self::RouteChanged | Self::LedgerRefused | Self::RedriveChanged | Self::BulletinChanged => None,
            Self::IdentityProviderChanged | Self::GrantChanged => None,
            Self::StatementMade | Self::DayClosed | Self::ArchiveExported | Self::ContentViewed => None,
            Self::ListReconciled => None,
            Self::LegalHoldChanged | Self::PurgeChanged | Self::PacketDestroyed | Self::DestructionCertified => None,
            Self::ArchiveDestroyed => None,
            Self::DataAccessed | Self::WarrantChanged | Self::HubDirected => None,
        }
    }

    /// The event of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }
}

/// One event, ready to be appended.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// What happened.
    pub event: EvidenceEvent,
    /// When, by the hub's clock.
    pub at: DateTime<Utc>,
    /// The envelope concerned, when one was registered.
    pub envelope_id: Option<String>,
    /// The delivery concerned, when the event is about one recipient.
    pub delivery_id: Option<String>,
    /// The agency on whose side it happened, as canonical code or as claimed in a refused packet.
    pub agency: Option<String>,
    /// The system that acted; nothing when the hub did.
    pub system_id: Option<String>,
    /// Further facts as a JSON object: digests, sizes, codes. Never content.
    pub facts: String,
}
