//! Grants: what opens more to a system, or gives an endpoint another secret, so that one administrator proposes it and another
//! decides (ADR 0035). Here: what is to be given. How a proposal goes on: `undertaking`. Who may: `exchange::grants`.

use super::rules::Wording;
use serde::{Deserialize, Serialize};

/// What is to be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Gift {
    /// A key for a system.
    Key {
        /// The system.
        system: String,
        /// Days after which it ends by itself; 0: never; nothing: as configured.
        life_days: Option<u64>,
    },
    /// Addresses from which a system may call; none: from everywhere.
    Addresses {
        /// The system.
        system: String,
        /// All of them, not only those that are new.
        addresses: Vec<String>,
        /// Those that they replace, as they were when it was proposed.
        #[serde(default)]
        before: Vec<String>,
    },
    /// An agency for which a system may speak.
    Agency {
        /// The system.
        system: String,
        /// Canonical code.
        agency: String,
    },
    /// Where an agency is pushed to, with a new secret.
    Endpoint {
        /// Canonical code of the agency.
        agency: String,
        /// Where to post.
        url: String,
        /// Whether its software says by itself when it holds a packet.
        confirms_itself: bool,
        /// Whether it gets a public key instead of a shared secret.
        ed25519: bool,
    },
}

impl Gift {
    /// The system that gets it, or the agency whose endpoint it is.
    pub fn holder(&self) -> &str {
        match self {
            Self::Key { system, .. } | Self::Addresses { system, .. } | Self::Agency { system, .. } => system,
            Self::Endpoint { agency, .. } => agency,
        }
    }

    /// Whether a secret comes of it, which who proposed it takes.
    pub fn has_secret(&self) -> bool {
        match self {
            Self::Key { .. } | Self::Endpoint { .. } => true,
            Self::Addresses { .. } | Self::Agency { .. } => false,
        }
    }

    /// What people call it.
    pub fn name(&self) -> Wording {
        match self {
            Self::Key { .. } => Wording::new("Cấp khóa mới", "A new key"),
            Self::Addresses { .. } => Wording::new("Mở rộng địa chỉ được gọi", "Further addresses"),
            Self::Agency { .. } => Wording::new("Cho hệ thống giữ thêm đơn vị", "A further agency for a system"),
            Self::Endpoint { .. } => Wording::new("Địa chỉ nhận với bí mật mới", "An endpoint with a new secret"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gift_is_kept_as_it_was_said() {
        let gifts = [
            Gift::Key { system: "dms.a".to_owned(), life_days: None },
            Gift::Addresses {
                system: "dms.a".to_owned(),
                addresses: vec!["10.1.0.0/16".to_owned()],
                before: vec!["10.1.2.0/24".to_owned()],
            },
            Gift::Agency { system: "dms.a".to_owned(), agency: "X99.A01".to_owned() },
            Gift::Endpoint {
                agency: "X99.A01".to_owned(),
                url: "https://dms.example.vn/in".to_owned(),
                confirms_itself: true,
                ed25519: false,
            },
        ];
        for gift in gifts {
            let text = serde_json::to_string(&gift).unwrap();
            assert_eq!(serde_json::from_str::<Gift>(&text).unwrap(), gift);
            assert_eq!(gift.has_secret(), text.contains("\"key\"") || text.contains("\"endpoint\""));
        }
    }
}
