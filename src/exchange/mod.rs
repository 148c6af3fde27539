//! What the hub does: one file per verb. Each function is one use case and owns its transactions.
//!
//! `accept` (a packet arrives: start reading here), `intake` (its bytes), `register` (its one transaction) with `parties`,
//! `recall` (what takes documents back), `report` (statuses), `pickup` (a recipient lists, fetches, confirms),
//! `poll` (the same, waiting), `preflight` (what would become of a packet), `follow` (a sender looks after what was
//! sent), `history` (what happened to a document), `directory` (agencies) with `codes`, `import` and `agency_file`, `systems`,
//! `keys`, `act` (who administers, and the evidence of it), `sweep`, `terms` (what nobody fetched in time); `seal` (evidence
//! into the ledger), `audit` (whether it is whole) and `prove` (shown to others), `cosign` (heads that witnesses
//! cosign), `stamp` (heads that a time-stamp authority stamps) and `witness` (heads of other ledgers that this hub cosigns); `attest` (signed receipts), `capsule` (all that
//! proves one delivery), `close` (daily statements) and `statements` (shown), `archive` (all of a period in one file) and `verify`
//! (of all of them, without a hub); `hand_on`, `dispatch`, `shipment`, `settle`, `settler`, `advance`
//! and `endpoints` (what the hub brings by itself); `announce` (events to senders) and `webhooks` (where they are told);
//! `routes` (who is behind which neighbouring hub), `neighbours` (how they are reached), `relay` (what they bring and tell) and
//! `vouch` (receipts that they sign);
//! `users` (people), `passwords`, `second_factor` and `sessions` (how they sign in), `transfers` (the log that they read, `views`:
//! under which names, `viewer`: as far as they may), `document` (one of it), `lookup` (what they search), `open` (what they open),
//! `take_back` (what they take back), `reach` (whom they find in the directory); `following` (who follows the ledger): `index` (what is found) and `tally` (what is counted),
//! `statistics` (shown), `freeze` (months that do not change any more) and `fold` (days that are folded into them); `room` (whether the hub
//! is well) and `incidents` (what was not, and how long), `bulletins` (what agencies are told in the portal), `stuck`, `recipients` and `redrives` (what operators see and mend), `purge` (contents that are destroyed once their time is over), `holds`
//! (what stays all the same) and `undertakings` (what two people decide on) with `summons` (the second is told); `office` (agencies and systems as administrators look after them in the portal)
//! and `grants` (what one of them proposes to give and another decides on) with `grant_ends`;
//! `warrants` (what auditors may see), `samples` (what they draw), `uploads` (what they have verified), `access` (who looked at what);
//! `selftest` (the hub as a partner that tries a system); `notify` (what people are told by mail) and `post` (sends it);
//! `backup` (and back), `doctor` (what is wrong with this installation), `health` (can it work, what does it count).

pub mod accept;
pub mod access;
pub mod act;
mod advance;
pub mod agency_file;
pub mod announce;
pub mod archive;
pub mod attest;
pub mod audit;
pub mod backup;
pub mod bulletins;
pub mod capsule;
pub mod close;
mod codes;
pub mod controls;
pub mod cosign;
pub mod directory;
pub mod dispatch;
pub mod doctor;
pub mod document;
pub mod endpoints;
pub mod fold;
pub mod follow;
pub mod following;
pub mod freeze;
mod grant_ends;
pub mod grants;
mod hand_on;
pub mod health;
pub mod history;
pub mod holds;
pub mod identity;
pub mod import;
pub mod incidents;
pub mod index;
pub mod intake;
pub mod keys;
pub mod lookup;
pub mod neighbours;
pub mod nodes;
pub mod notify;
pub mod office;
pub mod open;
mod parties;
pub mod passwords;
pub mod pickup;
pub mod poll;
pub mod post;
pub mod preflight;
pub mod prove;
pub mod purge;
pub mod reach;
mod recall;
mod receipt;
pub mod recipients;
pub mod reconcile;
pub mod redrives;
mod register;
pub mod relay;
mod report;
pub mod room;
pub mod routes;
pub mod samples;
pub mod seal;
pub mod second_factor;
pub mod selftest;
pub mod sessions;
mod settle;
mod settler;
mod shipment;
pub mod stamp;
pub mod statements;
pub mod statistics;
pub mod stuck;
mod summons;
pub mod sweep;
pub mod systems;
pub mod take_back;
pub mod tally;
pub mod terms;
pub mod transfers;
mod undertakings;
pub mod uploads;
pub mod users;
pub mod verify;
mod viewer;
pub mod views;
mod vouch;
pub mod warrants;
pub mod webhooks;
pub mod witness;

use crate::arrivals::Full;
use crate::domain::delivery::Refusal;
use crate::domain::directory::fault::Fault;
use crate::domain::rules::Wording;
use crate::domain::system::Role;
use crate::store::StoreError;

/// Who is calling: a system whose key was checked. Only `keys::authenticate` makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub(in crate::exchange) system_id: String,
    pub(in crate::exchange) role: Role,
}

impl Caller {
    /// The calling system.
    pub fn system_id(&self) -> &str {
        &self.system_id
    }

    /// Whether it may change the directory and the systems.
    pub fn is_administrator(&self) -> bool {
        self.role == Role::Administration
    }

    /// Whether it is a neighbouring hub.
    pub fn is_hub(&self) -> bool {
        self.role == Role::Hub
    }
}

/// Why a credential was refused: for the log, never for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// None was shown.
    Missing,
    /// It is not of the right form.
    Malformed,
    /// No such key, or no such system, or one without keys.
    Unknown,
    /// The secret or the signature is another one.
    Wrong,
    /// The key has ended by itself.
    Expired,
    /// The key was revoked.
    Revoked,
    /// The system is suspended.
    Suspended,
    /// The system may not call from there.
    Address,
}

impl Denial {
    /// The word in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Wrong => "wrong",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::Address => "address",
        }
    }
}

/// Why a use case could not answer, or what the caller asked that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The credential does not hold; who showed it as far as it said, shortened, and why.
    #[error("the credential was refused")]
    Unauthenticated(Denial, String),
    /// The caller may not do this at all.
    #[error("{}", .0.en)]
    NotAllowed(Wording),
    /// What was said of an agency is wrong: every fault.
    #[error("{}", listed(.0))]
    Faulty(Vec<Fault>),
    /// The caller asked for something that is not its own or does not exist; which of the two is not said.
    #[error("nothing of that id for this caller")]
    NotFound,
    /// The content was destroyed, its time being over: when, and what there is instead.
    #[error("{}", .0.en)]
    Destroyed(Wording),
    /// The step cannot be taken any more.
    #[error("the delivery does not allow this step: {0:?}")]
    Refused(Refusal),
    /// The caller's request is not of the right form.
    #[error("{}", .0.en)]
    Malformed(Wording),
    /// What the caller wants to make is there already.
    #[error("{}", .0.en)]
    Exists(Wording),
    /// The caller may come again later: it asks too often, or a self-test wants to see whether a packet comes again.
    #[error("the caller is to come again later")]
    ComeAgain {
        /// Told as too many requests, else as a hub that is busy.
        too_many: bool,
    },
    /// Evidence is not sealed any more, so that nothing is accepted.
    #[error("no head of the ledger was signed for longer than ledger.stop_seconds")]
    Unsealed,
    /// The body did not arrive whole.
    #[error("the body did not arrive: {0:?}")]
    Body(BodyFault),
    /// No more callers may wait.
    #[error("no more may wait: {0:?}")]
    Full(Full),
    /// The machine could not give what was needed.
    #[error("{0}")]
    Unavailable(String),
    /// The database could not do its work.
    #[error("the database could not do its work")]
    Store(#[from] StoreError),
    /// A packet's file could not be written or read.
    #[error("a packet's file could not be written or read")]
    Payload(#[source] std::io::Error),
}

/// Why a body did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// More bytes than the limit; the rest was read and thrown away.
    TooLarge,
    /// Too slow or silent for too long.
    TooSlow,
    /// The connection ended before the body did.
    Cut,
}

/// Faults in one line for people who use the command line.
fn listed(faults: &[Fault]) -> String {
    let told = faults.iter().map(|fault| format!("{} {} / {}", fault.code, fault.cause.vi, fault.cause.en));
    told.collect::<Vec<_>>().join("; ")
}

/// A number of rows as the databases count them.
fn rows(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
