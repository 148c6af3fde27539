//! An archive verified as it is read, from its first byte to its last: every member against the manifest, the manifest against
//! the receipt that vouches for it, and every receipt, capsule and statement in it for itself. Memory holds one member at a time.

use super::destroyed::{Notes, is_note};
use super::{Flaw, Kind, Look, Report, Step, Trust, signed, stamped};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::packet::Digest;
use crate::exchange::stamp::{self, TimestampFile};
use crate::wire::container::{Fault, Reader};
use crate::wire::manifest::{self, MANIFEST, MIME, Manifest, RECEIPT, TIMESTAMP};
use std::collections::HashMap;
use std::io::{self, Read};

/// Faults that are named; an archive with more of them is none.
const FAULTS_MAX: usize = 1_000;
/// Bytes of a member that is looked into, and of the two lists that are compared line by line: whoever made the archive does not
/// choose how much memory its verification takes. A capsule with the receipts of 700 recipients is far below.
const MEMBER_BYTES_MAX: u64 = 64 << 20;

/// How far an archive was read.
struct Walk<'a> {
    report: Report,
    trust: &'a Trust,
    /// The same for capsules: the time-stamp over their head stands beside them.
    of_members: Trust,
    /// The head that is stamped.
    head: Option<String>,
    /// The manifest as the members make it.
    made: Manifest,
    /// The packet that was met last: the envelope and its digest.
    packet: (String, String),
    /// The contents that were destroyed; the one met last may be that of the capsules that follow.
    destroyed: Notes,
    receipts: u64,
    capsules: u64,
    statements: u64,
    packets: u64,
}

/// Verifies an archive.
///
/// # Errors
/// Those of the reading.
pub(super) fn verify(input: impl Read, trust: &Trust) -> io::Result<Report> {
    let mut reader = Reader::new(input);
    let mut walk = Walk {
        report: Report::new(Kind::Archive),
        trust,
        of_members: Trust { authorities: Vec::new(), ..trust.clone() },
        head: None,
        made: Manifest::new()?,
        packet: Default::default(),
        destroyed: Notes::default(),
        receipts: 0,
        capsules: 0,
        statements: 0,
        packets: 0,
    };
    match walk.members(&mut reader) {
        Ok(end) => walk.end(end),
        Err(Fault::Io(error)) => Err(error),
        Err(fault) => {
            walk.note_broken(fault);
            Ok(walk.report)
        }
    }
}

/// The part of an archive that is being read; each follows the one above it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    /// What the manifest names.
    #[default]
    Members,
    /// The manifest.
    Manifest,
    /// The receipt that vouches for it, the last member.
    Receipt,
}

impl Part {
    /// The part to which the next member belongs; nothing where it must not stand here.
    fn followed_by(self, name: &str) -> Option<Self> {
        // Invariant: manifest and receipt stand once, at the end, in this order; else which of two counts would be a choice.
        match (self, name) {
            (Self::Members, MANIFEST) => Some(Self::Manifest),
            (Self::Manifest, RECEIPT) => Some(Self::Receipt),
            (Self::Members, other) => (other != RECEIPT).then_some(Self::Members),
            (Self::Manifest | Self::Receipt, _) => None,
        }
    }
}

/// What stands at the end of an archive: its manifest and the receipt for that.
#[derive(Default)]
struct End {
    part: Part,
    /// Its content is kept only where it is small enough to be compared line by line; its digest says all without that.
    manifest: Option<(Option<Vec<u8>>, Digest)>,
    receipt: Option<Vec<u8>>,
}

impl Walk<'_> {
    /// What keeps the rest from being read.
    fn note_broken(&mut self, fault: Fault) {
        let (member, looked_at, flaw) = match fault {
            Fault::Cut(member) => (member, Look::Form, Flaw::Cut),
            Fault::Form(member) => (member, Look::Form, Flaw::Unreadable),
            Fault::Altered(member) => (member, Look::Member, Flaw::MemberAltered),
            Fault::Directory | Fault::Io(_) => (String::new(), Look::Form, Flaw::Directory),
        };
        self.report.note(&member, looked_at, flaw);
    }

    fn members(&mut self, reader: &mut Reader<impl Read>) -> Result<End, Fault> {
        begin(reader)?;
        let mut end = End::default();
        while let Some((name, bytes)) = reader.next_member()? {
            end.part = end.part.followed_by(&name).ok_or_else(|| Fault::Form(name.clone()))?;
            let is_small = bytes <= MEMBER_BYTES_MAX;
            let (content, digest) = content(reader, is_small && is_looked_into(&name))?;
            if !is_small && is_looked_into(&name) && end.part != Part::Manifest {
                self.note(&name, Look::Member, Flaw::TooLarge);
            }
            match end.part {
                Part::Manifest => end.manifest = Some((content, digest)),
                Part::Receipt => end.receipt = Some(content.unwrap_or_default()),
                Part::Members => {
                    self.made.note(&name, &digest).map_err(Fault::Io)?;
                    self.member(&name, (content.as_deref(), digest));
                }
            }
        }
        self.report.note("", Look::Form, None);
        Ok(end)
    }

    /// Names a fault, unless so many are named that one more tells nothing.
    fn note(&mut self, name: &str, looked_at: Look, flaw: Flaw) {
        note(&mut self.report, name, looked_at, flaw);
    }

    /// Verifies what a member is for itself; of what holds only the number is told.
    fn member(&mut self, name: &str, (content, digest): (Option<&[u8]>, Digest)) {
        let count = match name.split_once('/').map(|(folder, _)| folder) {
            Some("packets") if is_note(name) => {
                if content.is_some() && !self.destroyed.take(name, content) {
                    self.note(name, Look::Form, Flaw::Unreadable);
                }
                return;
            }
            Some("packets") => {
                self.packet = (name.to_owned(), digest.hex());
                self.packets = self.packets.saturating_add(1);
                return;
            }
            Some("receipts") => &mut self.receipts,
            Some("capsules") => &mut self.capsules,
            Some("statements") => &mut self.statements,
            None if name == TIMESTAMP => return self.stamp(content),
            Some(_) | None => return,
        };
        *count = count.saturating_add(1);
        let Some(content) = content else { return };
        let found = super::verify(content, &self.of_members);
        for Step { entry, looked_at, fault } in found.steps {
            let Some(flaw) = fault else { continue };
            let place = if entry.is_empty() { name.to_owned() } else { format!("{name}: {entry}") };
            self.note(&place, looked_at, flaw);
        }
        if matches!(found.kind, Kind::Capsule | Kind::Statement) {
            self.beside(name, content);
        }
    }

    /// Compares a capsule or a statement with what stands before it: the packet, where it is that capsule's, or the note of its
    /// destruction, and the stamped head.
    fn beside(&mut self, name: &str, content: &[u8]) {
        if let Some(flaw) = self.destroyed.compare(content) {
            self.note(name, Look::Destruction, flaw);
        }
        let said: serde_json::Value = serde_json::from_slice(content).unwrap_or_default();
        let text = |name: &str| said.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let (member, digest) = &self.packet;
        if *member == format!("packets/{}.edxml", text("envelope_id")) && *digest != text("sha256") {
            self.note(name, Look::Packet, Flaw::OtherPacket);
        }
        if self.head.as_ref().is_some_and(|head| *head != text("checkpoint")) {
            self.note(name, Look::Timestamp, Flaw::OtherHead);
        }
    }

    /// Looks at the time-stamp over the head that all capsules and statements lead to.
    fn stamp(&mut self, content: Option<&[u8]>) {
        // Invariant: it stands once and before all that is held against it; else what came before would be held against nothing.
        let counts = [self.receipts, self.capsules, self.statements, self.packets, self.destroyed.number];
        let held = counts.into_iter().fold(0, u64::saturating_add);
        if self.head.is_some() || held > 0 {
            return self.note(TIMESTAMP, Look::Timestamp, Flaw::OtherHead);
        }
        let read = content.and_then(|content| serde_json::from_slice::<TimestampFile>(content).ok());
        let Some(file) = read.filter(|file| file.form == stamp::FORM) else {
            return self.note(TIMESTAMP, Look::Form, Flaw::Unreadable);
        };
        stamped(&mut self.report, (&file.checkpoint, Some(&file.timestamp)), self.trust);
        self.head = Some(file.checkpoint);
    }

    /// Compares the members with the manifest, and that with the receipt.
    fn end(self, end: End) -> io::Result<Report> {
        let (text, bytes, made) = self.made.finish()?;
        let mut report = self.report;
        let receipt = end.receipt.as_deref().map(|xml| std::str::from_utf8(xml).unwrap_or_default());
        let vouched = match receipt {
            Some(xml) => signed(&mut report, RECEIPT, xml, self.trust),
            None => {
                report.note(RECEIPT, Look::Member, Flaw::MemberMissing);
                None
            }
        };
        let vouched = vouched.filter(|receipt| receipt.evidence.event == EvidenceEvent::ArchiveExported.name());
        let said = vouched.and_then(|receipt| super::fact(&receipt.evidence, "manifest"));
        let (manifest, digest) = end.manifest.unwrap_or_else(|| (Some(Vec::new()), Digest::of(b"")));
        let is_vouched = said.is_some_and(|said| said == digest.hex());
        report.note(MANIFEST, Look::Manifest, (!is_vouched).then_some(Flaw::OtherManifest));
        if made == digest {
            report.note("", Look::Member, None);
        } else {
            differences(&mut report, manifest.as_deref(), (text, bytes))?;
        }
        if self.head.is_none() {
            stamped(&mut report, ("", None), self.trust);
        }
        let Self { packets, receipts, capsules, statements, .. } = self;
        report.tells.push(format!(
            "{packets} gói tin, {receipts} biên nhận, {capsules} hồ sơ, {statements} bảng kê / packets, receipts, capsules, statements"
        ));
        self.destroyed.tell(&mut report);
        Ok(report)
    }
}

/// The first member says what the file is.
fn begin(reader: &mut Reader<impl Read>) -> Result<(), Fault> {
    let first = reader.next_member()?;
    let is_named = first.is_some_and(|(name, bytes)| name == "mimetype" && bytes <= MEMBER_BYTES_MAX);
    let is_ours = is_named && content(reader, true)?.0.is_some_and(|said| said == MIME.as_bytes());
    if is_ours { Ok(()) } else { Err(Fault::Form(String::new())) }
}

/// Whether the content of a member is looked into; of every other its digest is enough.
fn is_looked_into(name: &str) -> bool {
    let is_in = |folder: &str| name.starts_with(folder);
    is_in("receipts/")
        || is_note(name)
        || is_in("capsules/")
        || is_in("statements/")
        || name == TIMESTAMP
        || name == MANIFEST
        || name == RECEIPT
}

/// Reads a member: its content, where that is kept, and its digest.
fn content(reader: &mut Reader<impl Read>, is_kept: bool) -> Result<(Option<Vec<u8>>, Digest), Fault> {
    let mut content = is_kept.then(Vec::new);
    let digest = reader.content(&mut |some| {
        content.iter_mut().for_each(|content| content.extend_from_slice(some));
        Ok(())
    })?;
    Ok((content, digest))
}

fn note(report: &mut Report, name: &str, looked_at: Look, flaw: Flaw) {
    if report.steps.len() < FAULTS_MAX {
        report.note(name, looked_at, flaw);
    }
}

/// Names what differs between what the manifest names and what is there, of which the list has that many bytes.
fn differences(report: &mut Report, named: Option<&[u8]>, (found, bytes): (impl Read, u64)) -> io::Result<()> {
    let Some(named) = named.filter(|_| bytes <= MEMBER_BYTES_MAX) else {
        report.note(MANIFEST, Look::Member, Flaw::TooLarge);
        return Ok(());
    };
    let before = report.steps.len();
    let mut found: HashMap<String, String> = manifest::read(found)?.into_iter().collect();
    for (name, digest) in manifest::read(String::from_utf8_lossy(named).as_bytes())? {
        let fault = match found.remove(&name) {
            None => Flaw::MemberMissing,
            Some(now) if now != digest => Flaw::MemberAltered,
            Some(_) => continue,
        };
        note(report, &name, Look::Member, fault);
    }
    let mut added: Vec<String> = found.into_keys().collect();
    added.sort();
    added.iter().for_each(|name| note(report, name, Look::Member, Flaw::MemberAdded));
    // The same members, but in another order or twice, or the manifest is written otherwise.
    if report.steps.len() == before {
        report.note(MANIFEST, Look::Manifest, Flaw::OtherManifest);
    }
    Ok(())
}
