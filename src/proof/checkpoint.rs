//! The signed head of the ledger: a checkpoint in a signed note, as C2SP signed-note, tlog-checkpoint and
//! tlog-cosignature have them. The hub signs twice with one key: as the log, and, with the time, as the first who
//! witnesses that this was its largest tree then. Witnesses put further lines under it (`cosign`). Not here: when that is
//! done.

use super::merkle::{Hash, hash_of};
use super::witness::number;
use crate::signer::{Signer, holds_bytes};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// How signature lines begin.
const DASH: &str = "\u{2014} ";
/// Signature lines that are looked at; more are none of ours.
const SIGNATURES_MAX: usize = 64;
/// Bytes of the id of a key.
const ID_BYTES: usize = 4;
/// Bytes of a time.
const TIME_BYTES: usize = 8;

/// What a signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// This is a head of the log.
    Log,
    /// At this time, it was the largest.
    Timed,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Timed => 4,
        }
    }
}

/// The head of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, STANDARD.encode(self.root))
    }
}

impl Checkpoint {
    /// The checkpoint of a note's text; further lines are allowed and mean nothing.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let number = number(size)?;
        let root = hash_of(&STANDARD.decode(root).ok()?)?;
        (!origin.is_empty()).then(|| Self { origin: origin.to_owned(), size: number, root })
    }

    /// The note of it, signed at a time in seconds since 1970.
    pub fn signed(&self, signer: &Signer, at: u64) -> String {
        let (text, key) = (self.to_string(), Key::of(&self.origin, signer));
        let log = key.line(Kind::Log, &[&signer.sign_bytes(text.as_bytes())]);
        let timed = key.timed_line(&text, signer, at);
        format!("{text}\n{log}{timed}")
    }
}

/// The line that a witness of this name puts under a note at a time in seconds since 1970; nothing for what is no note.
pub fn cosign(note: &str, (name, signer): (&str, &Signer), at: u64) -> Option<String> {
    let (text, _) = parts(note).ok()?;
    Some(Key::of(name, signer).timed_line(text, signer, at))
}

/// The head that a note claims to be, before anything is verified.
pub fn claimed(note: &str) -> Option<Checkpoint> {
    Checkpoint::parse(parts(note).ok()?.0)
}

/// The name of the ledger of which a note claims to be a head, before anything is verified.
pub fn claimed_origin(note: &str) -> Option<&str> {
    parts(note).ok()?.0.lines().next()
}

/// By whom each signature of a note says it is, and its bytes.
type Signatures<'a> = Vec<(&'a str, Vec<u8>)>;

/// The text of a note, and its signatures.
fn parts(note: &str) -> Result<(&str, Signatures<'_>), NoteFault> {
    let end = note.rfind("\n\n").ok_or(NoteFault::Unreadable)?.saturating_add(1);
    let (text, lines) = note.split_at_checked(end).ok_or(NoteFault::Unreadable)?;
    if note.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteFault::Unreadable);
    }
    let signatures: Option<Vec<_>> = lines.lines().skip(1).take(SIGNATURES_MAX).map(signature).collect();
    Ok((text, signatures.ok_or(NoteFault::Unreadable)?))
}

fn signature(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
    Some((name, STANDARD.decode(signature).ok()?))
}

/// What is signed when a time is.
fn timed(text: &str, at: u64) -> String {
    format!("cosignature/v1\ntime {at}\n{text}")
}

/// By what the signatures of a ledger or a witness are verified: `name+id+key`, as C2SP writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    name: String,
    public: Vec<u8>,
}

impl Key {
    /// The key of a signer under a name.
    pub fn of(name: &str, signer: &Signer) -> Self {
        Self { name: name.to_owned(), public: signer.public_bytes().to_vec() }
    }

    /// The key of a ledger that a text is.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_of(text, Kind::Log)
    }

    /// The key of a witness that a text is. Some are still written as keys of a ledger are; the signatures are the same.
    pub fn parse_witness(text: &str) -> Option<Self> {
        Self::parse_of(text, Kind::Timed).or_else(|| Self::parse(text))
    }

    fn parse_of(text: &str, wanted: Kind) -> Option<Self> {
        let (name, rest) = text.trim().split_once('+')?;
        let (id, public) = rest.split_once('+')?;
        let decoded = STANDARD.decode(public).ok()?;
        let (kind, public) = decoded.split_first()?;
        let key = Self { name: name.to_owned(), public: public.to_vec() };
        let is_ours = *kind == wanted.byte() && public.len() == 32 && is_name(name);
        (is_ours && hex::encode(key.id(wanted)) == id).then_some(key)
    }

    /// The ledger's or witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key as that of a witness: `parse_witness` reads it.
    pub fn of_witness(&self) -> String {
        self.written(Kind::Timed)
    }

    fn written(&self, kind: Kind) -> String {
        let public = [&[kind.byte()][..], &self.public].concat();
        format!("{}+{}+{}", self.name, hex::encode(self.id(kind)), STANDARD.encode(public))
    }

    fn line(&self, kind: Kind, parts: &[&[u8]]) -> String {
        let bytes = [&self.id(kind)[..], &parts.concat()].concat();
        format!("{DASH}{} {}\n", self.name, STANDARD.encode(bytes))
    }

    fn timed_line(&self, text: &str, signer: &Signer, at: u64) -> String {
        self.line(Kind::Timed, &[&at.to_be_bytes(), &signer.sign_bytes(timed(text, at).as_bytes())])
    }

    fn id(&self, kind: Kind) -> [u8; ID_BYTES] {
        let named = [self.name.as_bytes(), b"\n", &[kind.byte()], &self.public].concat();
        digest(&SHA256, &named).as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// The checkpoint of a note, if this key signed it, and at which second it says that it was signed.
    ///
    /// # Errors
    /// Why it does not hold.
    pub fn open(&self, note: &str) -> Result<(Checkpoint, Option<u64>), NoteFault> {
        let (text, signatures) = parts(note)?;
        let checkpoint = Checkpoint::parse(text).ok_or(NoteFault::Unreadable)?;
        let found = self.found(text, &signatures)?;
        match found.contains(&None) {
            true => Ok((checkpoint, found.into_iter().flatten().next())),
            false => Err(NoteFault::Unsigned),
        }
    }

    /// At which second this key, as a witness, cosigned a note; nothing when it did not.
    ///
    /// # Errors
    /// Why it does not hold: one altered signature is enough.
    pub fn cosigned(&self, note: &str) -> Result<Option<u64>, NoteFault> {
        let (text, signatures) = parts(note)?;
        Ok(self.found(text, &signatures)?.into_iter().flatten().max())
    }

    /// The times that the signatures of this key say, each if it says one.
    fn found(&self, text: &str, signatures: &Signatures<'_>) -> Result<Vec<Option<u64>>, NoteFault> {
        let mut found = Vec::new();
        for (name, bytes) in signatures {
            if let Some((id, bytes)) = bytes.split_first_chunk::<ID_BYTES>().filter(|_| *name == self.name) {
                found.extend(self.signature(id, bytes, text)?);
            }
        }
        Ok(found)
    }

    /// The time that a signature says, if it says one; nothing when it is none of this key.
    fn signature(&self, id: &[u8], bytes: &[u8], text: &str) -> Result<Option<Option<u64>>, NoteFault> {
        let holds = |message: &[u8], signature: &[u8]| holds_bytes(&self.public, message, signature);
        if id == self.id(Kind::Log) {
            return if holds(text.as_bytes(), bytes) { Ok(Some(None)) } else { Err(NoteFault::Signature) };
        }
        if id != self.id(Kind::Timed) {
            return Ok(None);
        }
        let (at, bytes) = bytes.split_first_chunk::<TIME_BYTES>().ok_or(NoteFault::Signature)?;
        let at = u64::from_be_bytes(*at);
        if holds(timed(text, at).as_bytes(), bytes) { Ok(Some(Some(at))) } else { Err(NoteFault::Signature) }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(Kind::Log))
    }
}

/// Whether a ledger may have this name.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// Why a note does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteFault {
    /// It is no signed note with a checkpoint.
    #[error("không phải điểm chốt đã ký / this is no signed checkpoint")]
    Unreadable,
    /// A signature of the key does not fit the text.
    #[error("chữ ký không đúng, hoặc nội dung đã bị sửa / a signature does not hold")]
    Signature,
    /// The key did not sign it.
    #[error("không có chữ ký của khóa này / this key did not sign it")]
    Unsigned,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::merkle::leaf_hash;

    fn signer() -> Signer {
        Signer::derived(b"secret", "test").unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "hub.example.vn/ledger".to_owned(), size: 20_852_163, root: leaf_hash(b"x") }
    }

    #[test]
    fn the_note_in_the_documentation_of_go_is_verified() {
        // golang.org/x/mod/sumdb/note: its text is no checkpoint, its key and signature are of the same form.
        let key = Key::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
        let text =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let bytes = STANDARD.decode(signature).unwrap();

        assert_eq!(key.signature(&bytes[..4], &bytes[4..], text), Ok(Some(None)));
        assert_eq!(key.signature(&bytes[..4], &bytes[4..], "another"), Err(NoteFault::Signature));
        assert_eq!(key.to_string(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    }

    #[test]
    fn the_text_is_that_of_the_format() {
        // The example of C2SP tlog-checkpoint.
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let read = Checkpoint::parse(text).unwrap();

        assert_eq!((read.size, read.to_string().as_str()), (20_852_163, text));
        for wrong in
            ["\n1\nCsU=\n", "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "a\n1\nCsU=\n", "a\n1\n", "a\n"]
        {
            assert_eq!(Checkpoint::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_signed_checkpoint_opens_with_its_key_and_unaltered() {
        let (note, key) = (checkpoint().signed(&signer(), 1_795_226_400), Key::of("hub.example.vn/ledger", &signer()));

        assert_eq!(key.open(&note), Ok((checkpoint(), Some(1_795_226_400))));
        assert_eq!(Key::parse(&key.to_string()).as_ref(), Some(&key));
        let witnessed = format!("{note}— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9\n");
        assert_eq!(key.open(&witnessed), Ok((checkpoint(), Some(1_795_226_400))), "others may sign too");
        assert_eq!(key.open(&note.replace("20852163", "20852164")), Err(NoteFault::Signature));
        let other = Key::of("hub.example.vn/ledger", &Signer::derived(b"other", "test").unwrap());
        assert_eq!(other.open(&note), Err(NoteFault::Unsigned));
        assert_eq!(Key::of("another", &signer()).open(&note), Err(NoteFault::Unsigned));
        let timed_only: String =
            note.split_inclusive('\n').enumerate().filter(|(n, _)| *n != 4).map(|(_, l)| l).collect();
        assert_eq!(key.open(&timed_only), Err(NoteFault::Unsigned), "a time alone makes no head");
        for wrong in ["", "\n\n", "a\n1\n\n", "a\n1\nb\n\n— x", &note.replace('\n', "\r\n"), &note.replace(DASH, "- ")]
        {
            assert_eq!(key.open(wrong), Err(NoteFault::Unreadable), "{wrong:?}");
        }
    }

    #[test]
    fn every_altered_byte_of_a_note_is_noticed() {
        let (note, key) = (checkpoint().signed(&signer(), 7), Key::of("hub.example.vn/ledger", &signer()));
        for place in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[place] ^= 1;
            let Ok(altered) = String::from_utf8(bytes) else { continue };
            // The last character of base64 and the name of the second signature may differ without a meaning.
            if let Ok((read, at)) = key.open(&altered) {
                assert_eq!((read, at.unwrap_or(7)), (checkpoint(), 7), "{place}");
            }
        }
    }

    #[test]
    fn a_witness_cosigns_the_text_and_the_time_and_nothing_altered_holds() {
        let (note, witness) = (checkpoint().signed(&signer(), 7), Signer::derived(b"witness", "test").unwrap());
        let key = Key::of("w.example/1", &witness);
        let line = cosign(&note, ("w.example/1", &witness), 1_795_226_400).unwrap();
        let cosigned = format!("{note}{line}");

        assert_eq!(key.cosigned(&cosigned), Ok(Some(1_795_226_400)));
        assert_eq!(Key::parse_witness(&key.of_witness()), Some(key.clone()));
        assert_eq!((Key::parse(&key.of_witness()), key.cosigned(&note)), (None, Ok(None)));
        assert_eq!(key.cosigned(&cosigned.replace("20852163", "20852164")), Err(NoteFault::Signature));
        let retimed = STANDARD.decode(line.trim_end().rsplit(' ').next().unwrap()).unwrap();
        let retimed: Vec<u8> = retimed.iter().enumerate().map(|(n, b)| if n == 11 { b ^ 1 } else { *b }).collect();
        let retimed = format!("{note}{DASH}w.example/1 {}\n", STANDARD.encode(retimed));
        assert_eq!(key.cosigned(&retimed), Err(NoteFault::Signature), "the time is signed too");
        assert_eq!(Key::of("hub.example.vn/ledger", &signer()).open(&cosigned), Ok((checkpoint(), Some(7))));
        assert_eq!(
            (cosign("no note", ("w", &witness), 7), claimed_origin(&note)),
            (None, Some("hub.example.vn/ledger"))
        );
        let extended = note.replacen("\n\n", "\nfurther\n\n", 1);
        let line = cosign(&extended, ("w.example/1", &witness), 7).unwrap();
        assert_eq!(key.cosigned(&format!("{note}{line}")), Err(NoteFault::Signature), "further lines are signed too");
    }

    #[test]
    fn the_cosignature_in_the_specification_has_its_form() {
        // C2SP tlog-cosignature: its witness's line, whose first bytes are the id of the key and the time 1679315147.
        let line =
            "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==";
        let bytes = STANDARD.decode(line).unwrap();

        assert_eq!((bytes.len(), &bytes[4..12]), (76, &1_679_315_147_u64.to_be_bytes()[..]));
    }

    #[test]
    fn names_are_those_of_the_format() {
        for (name, may_be) in
            [("hub.example.vn/ledger", true), ("", false), ("a b", false), ("a+b", false), ("a\u{a0}b", false)]
        {
            assert_eq!(is_name(name), may_be, "{name:?}");
        }
    }
}
