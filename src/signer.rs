//! The hub's signature under what it certifies: Ed25519, with a key derived from the key file, so that it is backed up
//! and replaced with that file and is never written anywhere. What is to be verified by tools that know only X.509 is
//! signed by a `credential`, under its `certificate`, perhaps from a file in PKCS #12 form. What others sign with a time is a
//! `timestamp`. Not here: what is signed.

pub mod certificate;
pub mod credential;
mod pkcs12;
pub mod timestamp;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

/// Name of the algorithm in signed files.
pub const ALGORITHM: &str = "Ed25519";

/// Signs, and says with which public key that is verified.
#[derive(Clone)]
pub struct Signer {
    pair: Arc<Ed25519KeyPair>,
}

impl Signer {
    /// A key that follows from a secret and a purpose; nothing when cryptography refuses.
    pub fn derived(secret: &[u8], purpose: &str) -> Option<Self> {
        let seed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), purpose.as_bytes());
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).ok()?;
        Some(Self { pair: Arc::new(pair) })
    }

    /// The public key: 32 bytes.
    pub fn public_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The public key in base64.
    pub fn public_key(&self) -> String {
        STANDARD.encode(self.public_bytes())
    }

    /// The signature of a message: 64 bytes.
    pub fn sign_bytes(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// The signature of a message, in base64.
    pub fn sign(&self, message: &[u8]) -> String {
        STANDARD.encode(self.sign_bytes(message))
    }
}

/// Whether a signature of a message holds under a public key, both in base64.
pub fn holds(public_key: &str, message: &[u8], signature: &str) -> bool {
    let decoded = (STANDARD.decode(public_key.trim()), STANDARD.decode(signature.trim()));
    let (Ok(public_key), Ok(signature)) = decoded else { return false };
    holds_bytes(&public_key, message, &signature)
}

/// The same for bytes.
pub fn holds_bytes(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let signer = Signer::derived(b"secret", "test").unwrap();
        let signature = signer.sign(b"message");

        assert!(holds(&signer.public_key(), b"message", &signature));
        assert!(!holds(&signer.public_key(), b"massage", &signature));
        let other = Signer::derived(b"secret", "another purpose").unwrap();
        assert!(!holds(&other.public_key(), b"message", &signature));
        assert!(!holds("no key", b"message", &signature));
    }

    #[test]
    fn the_same_secret_gives_the_same_key() {
        let key = || Signer::derived(b"secret", "test").unwrap().public_key();
        assert_eq!(key(), key());
    }
}
