//! What the ledger holds of a piece of evidence: when it was, and a digest of everything else. The digest gives nothing
//! away, since every record has a random id in it; whoever is shown the record can find it in the ledger.

use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, Utc};

/// Bytes of an entry of this version.
pub const BYTES: usize = 41;
/// The first byte of an entry: how the rest is made.
const VERSION: u8 = 1;
/// What the digest of a record of this version begins with.
const DOMAIN: &[u8] = b"docaxis-evidence/1\n";

/// A piece of evidence as it is sealed.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its id.
    pub evidence_id: &'a str,
    /// Name of what happened.
    pub event: &'a str,
    /// When, by the hub's clock.
    pub at: DateTime<Utc>,
    /// The envelope concerned.
    pub envelope_id: Option<&'a str>,
    /// The delivery concerned.
    pub delivery_id: Option<&'a str>,
    /// The agency on whose side it happened.
    pub agency: Option<&'a str>,
    /// The system that acted.
    pub system_id: Option<&'a str>,
    /// Further facts: the text as it is kept.
    pub facts: &'a str,
}

impl Record<'_> {
    /// The entry: the version, the time in microseconds since 1970, and the digest of all members but the time.
    pub fn entry(&self) -> [u8; BYTES] {
        let mut context = Context::new(&SHA256);
        context.update(DOMAIN);
        let members = [
            Some(self.evidence_id),
            Some(self.event),
            self.envelope_id,
            self.delivery_id,
            self.agency,
            self.system_id,
            Some(self.facts),
        ];
        for member in members {
            // What is not there is told from what is empty by a length that no text has.
            let length = member.map_or(u64::MAX, |text| u64::try_from(text.len()).unwrap_or(u64::MAX));
            context.update(&length.to_be_bytes());
            context.update(member.unwrap_or_default().as_bytes());
        }
        let (mut entry, digest) = ([0; BYTES], context.finish());
        let parts = [VERSION].into_iter().chain(self.at.timestamp_micros().to_be_bytes());
        let bytes = parts.chain(digest.as_ref().iter().copied());
        entry.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        entry
    }
}

/// Whether two entries differ in their time and in nothing else.
pub fn differ_in_time(one: &[u8], other: &[u8]) -> bool {
    let rest = |entry: &[u8]| entry.first_chunk::<1>().copied().zip(entry.get(9..).map(<[u8]>::to_vec));
    one != other && rest(one) == rest(other)
}

/// Entries as they are served: each with its length before it.
pub fn bundle<'a>(entries: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(entry);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::merkle::leaf_hash;

    fn record() -> Record<'static> {
        Record {
            evidence_id: "0190a5b0c1d27e3f8a4b5c6d7e8f9a0b",
            event: "ContentConsignment",
            at: DateTime::from_timestamp_micros(1_795_226_400_123_456).unwrap(),
            envelope_id: Some("0190a5b0c1d27e3f8a4b5c6d7e8f9a0c"),
            delivery_id: None,
            agency: Some("X99.A01"),
            system_id: Some(""),
            facts: "{\"kind\":\"new\"}",
        }
    }

    #[test]
    fn an_entry_is_as_the_document_has_it() {
        // Made by another program, from the words of docs/ledger.md, which shows both.
        let entry = "01000660bfb7deea400bbf7f313d1c151f9b4c6bdee7749dfa6ab79551a325d3d5be91c8165809c0d3";
        let leaf = "1ab6fe824f7a83fbb964e9196f75556e59371fc656f5bb6016f39a2243deefb4";

        assert_eq!(hex::encode(record().entry()), entry);
        assert_eq!(hex::encode(leaf_hash(&record().entry())), leaf);
    }

    #[test]
    fn every_member_counts_and_none_can_pass_for_another() {
        let whole = record();
        let others = [
            Record { evidence_id: "0190", ..whole },
            Record { event: "docaxis:KeyChanged", ..whole },
            Record { at: DateTime::UNIX_EPOCH, ..whole },
            Record { envelope_id: None, ..whole },
            Record { delivery_id: Some(""), ..whole },
            Record { envelope_id: None, delivery_id: whole.envelope_id, ..whole },
            Record { agency: Some("X99.A0"), system_id: Some("1"), ..whole },
            Record { system_id: None, ..whole },
            Record { facts: "{}", ..whole },
        ];
        for other in others {
            assert_ne!(other.entry(), whole.entry(), "{other:?}");
            let only_time = other.at != whole.at;
            assert_eq!(differ_in_time(&other.entry(), &whole.entry()), only_time, "{other:?}");
        }
        assert!(!differ_in_time(&whole.entry(), &whole.entry()));
    }

    #[test]
    fn a_bundle_has_the_length_before_each_entry() {
        assert_eq!(bundle([&b"ab"[..], b""].into_iter()), [0, 2, b'a', b'b', 0, 0]);
    }
}
