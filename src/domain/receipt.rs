//! What a receipt says: a piece of evidence as it is sealed, the packet that it is about, and to whom that went. Not here: how
//! it is written and signed (`wire::receipt`), who may have it (`exchange::attest`).

use super::dates::for_machines;
use super::evidence::EvidenceEvent;
use super::packet::Digest;
use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A receipt, before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What the hub calls itself.
    pub hub: String,
    /// The key of its ledger, `name+id+key`: who trusts the receipt's certificate can verify proofs with it.
    pub ledger: String,
    /// SHA-256 of the certificate under which it is signed, in hexadecimal.
    pub certificate: String,
    /// When it was signed, by the hub's clock.
    pub signed_at: DateTime<Utc>,
    /// What happened.
    pub evidence: Record,
    /// The packet that it happened to; nothing for one that was refused.
    pub packet: Option<Packet>,
    /// To whom it goes: all for an acceptance, one for a delivery.
    pub recipients: Vec<Recipient>,
}

impl Receipt {
    /// The number of the event in ETSI EN 319 522-1; nothing for an event of our own.
    pub fn etsi(&self) -> Option<&'static str> {
        EvidenceEvent::of_name(&self.evidence.event)?.etsi()
    }
}

/// A piece of evidence, member by member as it is sealed (docs/ledger.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its id.
    pub evidence_id: String,
    /// What happened.
    pub event: String,
    /// When, by the hub's clock.
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub at: DateTime<Utc>,
    /// The envelope concerned.
    pub envelope_id: Option<String>,
    /// The delivery concerned.
    pub delivery_id: Option<String>,
    /// The agency on whose side it happened.
    pub agency: Option<String>,
    /// The system that acted.
    pub system_id: Option<String>,
    /// Further facts: the text as it was sealed.
    pub facts: String,
}

fn write_time<S: Serializer>(at: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&for_machines(*at))
}

fn read_time<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    let at = DateTime::parse_from_rfc3339(&String::deserialize(from)?).map_err(D::Error::custom)?;
    Ok(at.with_timezone(&Utc))
}

/// The packet that a receipt is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The envelope.
    pub envelope_id: String,
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    pub kind: String,
    /// Code of the sender.
    pub sender: String,
    /// Identifier of the document sent or reported about.
    pub document_id: String,
    /// Number and notation.
    pub code: String,
    /// Abstract (trích yếu).
    pub subject: String,
    /// SHA-256 of the bytes as received, in hexadecimal.
    pub sha256: String,
    /// Their number.
    pub bytes: u64,
    /// When the hub accepted it.
    pub accepted_at: DateTime<Utc>,
}

/// To whom a packet goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Code of the agency.
    pub agency: String,
    /// The delivery.
    pub delivery_id: String,
    /// What its sender was told of it at acceptance.
    pub outcome: String,
}

/// What the evidence of an acceptance has sealed of the packet's words: a digest over kind, identifier, number and abstract.
pub fn words_digest([kind, document_id, code, subject]: [&str; 4]) -> Digest {
    sealed("docaxis-words/1\n", [kind, document_id, code, subject].into_iter())
}

/// What the evidence of an acceptance has sealed of the recipients: a digest over code, delivery and outcome of each, in the
/// order of the deliveries' ids.
pub fn recipients_digest<'a>(recipients: impl Iterator<Item = [&'a str; 3]>) -> Digest {
    sealed("docaxis-recipients/1\n", recipients.flatten())
}

/// A digest over texts, each behind its length, so that no two lists have the same.
fn sealed<'a>(form: &str, texts: impl Iterator<Item = &'a str>) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(form.as_bytes());
    for text in texts {
        context.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(text.as_bytes());
    }
    let mut digest = [0; 32];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    Digest(digest)
}

impl Packet {
    /// See [`words_digest`].
    pub fn words_digest(&self) -> Digest {
        words_digest([&self.kind, &self.document_id, &self.code, &self.subject])
    }
}

impl Recipient {
    /// What of it is sealed.
    pub fn sealed(&self) -> [&str; 3] {
        [&self.agency, &self.delivery_id, &self.outcome]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_documentation_is_right() {
        let words = words_digest(["new", "X99.A01,2026/11/20,1/VP-TN", "1/VP-TN", "Về việc thử nghiệm"]);
        let recipients = [
            ["X99.B02", "0190a5b0c1d27e3f8a4b5c6d7e8f9a0d", "consigned"],
            ["X99.C03", "0190a5b0c1d27e3f8a4b5c6d7e8f9a0e", "pending"],
        ];
        let document = include_str!("../../docs/receipts.md");
        assert!(document.contains(&words.hex()), "{}", words.hex());
        assert!(document.contains(&recipients_digest(recipients.into_iter()).hex()));
    }

    #[test]
    fn no_two_lists_have_the_same_digest() {
        assert_ne!(words_digest(["ab", "c", "", ""]), words_digest(["a", "bc", "", ""]));
        let (one, two) = (["a", "b", "c"], ["d", "e", "f"]);
        assert_ne!(recipients_digest([one].into_iter()), recipients_digest([one, two].into_iter()));
        assert_ne!(recipients_digest([one, two].into_iter()), recipients_digest([two, one].into_iter()));
    }
}
