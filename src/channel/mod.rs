//! Ways out: how packets reach agencies that want them brought. `push` posts them to an agency's endpoint, `networks`
//! says which addresses the hub calls at all, `signature` proves to the endpoint who posted, `mail` hands notices to a mail
//! server, `identity` asks identity providers who somebody is. Not here: when something is sent and what its outcome changes (`exchange::dispatch`, `exchange::post`).

pub mod identity;
pub mod mail;
pub mod networks;
pub mod push;
pub mod signature;

use std::time::Duration;

/// What came of an attempt to bring a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The recipient's software took it.
    Taken {
        /// The status of its answer.
        status: u16,
        /// What a neighbour answered, as far as it is read; of others nothing.
        answer: Vec<u8>,
    },
    /// Not now; it is worth trying again.
    Later(Trouble),
    /// Never: the recipient's software refuses this packet for good.
    Refused(Trouble),
    /// The endpoint says that it exists no more: nothing is worth trying until an operator looks.
    Gone(Trouble),
}

impl Outcome {
    /// The word in tables and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "taken",
            Self::Later(_) => "later",
            Self::Refused(_) => "refused",
            Self::Gone(_) => "gone",
        }
    }
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The status of the answer, when there was one.
    pub status: Option<u16>,
    /// Why, and the beginning of what was answered, without what looks like a secret or a person's data.
    pub reason: String,
    /// Whether something of the packet may have reached the recipient.
    pub may_have_left: bool,
    /// How long the recipient asked to wait.
    pub retry_after: Option<Duration>,
}
