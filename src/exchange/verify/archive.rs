//! An archive verified as it is read, from its first byte to its last: every member against the manifest, the manifest against
//! the receipt that vouches for it, and every receipt, capsule and statement in it for itself. Memory holds one member at a time.

use super::{Flaw, Kind, Look, Report, Trust, signed};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::packet::Digest;
use crate::wire::container::{Fault, Reader};
use crate::wire::manifest::{self, MANIFEST, MIME, Manifest, RECEIPT};
use std::collections::HashMap;
use std::io::{self, Read};

/// Faults that are named; an archive with more of them is none.
const FAULTS_MAX: usize = 1_000;

/// How far an archive was read.
struct Walk<'a> {
    report: Report,
    trust: &'a Trust,
    /// The manifest as the members make it.
    made: Manifest,
    /// The packet that was met last: the envelope and its digest.
    packet: (String, String),
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
        made: Manifest::new()?,
        packet: Default::default(),
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

/// What stands at the end of an archive: its manifest and the receipt for that.
#[derive(Default)]
struct End {
    manifest: Option<(Vec<u8>, Digest)>,
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
        let mut end = End::default();
        let mut is_first = true;
        while let Some((name, _)) = reader.next_member()? {
            let is_kept = !name.starts_with("packets/") && !name.starts_with("index.");
            let mut content = Vec::new();
            let digest = reader.content(&mut |some| {
                if is_kept {
                    content.extend_from_slice(some);
                }
                Ok(())
            })?;
            if is_first && (name != "mimetype" || content != MIME.as_bytes()) {
                return Err(Fault::Form(String::new()));
            }
            match name.as_str() {
                MANIFEST => end.manifest = Some((content, digest)),
                RECEIPT => end.receipt = Some(content),
                _ if is_first => {}
                _ => {
                    self.made.note(&name, &digest).map_err(Fault::Io)?;
                    self.member(&name, (&content, digest));
                }
            }
            is_first = false;
        }
        self.report.note("", Look::Form, None);
        Ok(end)
    }

    /// Verifies what a member is for itself; of what holds only the number is told.
    fn member(&mut self, name: &str, (content, digest): (&[u8], Digest)) {
        let count = match name.split_once('/').map(|(folder, _)| folder) {
            Some("packets") => {
                self.packet = (name.to_owned(), digest.hex());
                self.packets = self.packets.saturating_add(1);
                return;
            }
            Some("receipts") => &mut self.receipts,
            Some("capsules") => &mut self.capsules,
            Some("statements") => &mut self.statements,
            Some(_) | None => return,
        };
        *count = count.saturating_add(1);
        let found = super::verify(content, self.trust);
        for step in found.steps.into_iter().filter(|step| step.fault.is_some()) {
            if self.report.steps.len() < FAULTS_MAX {
                let place = if step.entry.is_empty() { name.to_owned() } else { format!("{name}: {}", step.entry) };
                self.report.note(&place, step.looked_at, step.fault);
            }
        }
        if found.kind == Kind::Capsule && self.is_of_other_packet(content) {
            self.report.note(name, Look::Packet, Flaw::OtherPacket);
        }
    }

    /// Whether a capsule is of the packet that stands before it, and that is another one than it says.
    fn is_of_other_packet(&self, capsule: &[u8]) -> bool {
        let said: serde_json::Value = serde_json::from_slice(capsule).unwrap_or_default();
        let text = |name: &str| said.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let (member, digest) = &self.packet;
        *member == format!("packets/{}.edxml", text("envelope_id")) && *digest != text("sha256")
    }

    /// Compares the members with the manifest, and that with the receipt.
    fn end(self, end: End) -> io::Result<Report> {
        let (text, _, made) = self.made.finish()?;
        let mut report = self.report;
        let receipt = end.receipt.as_deref().and_then(|xml| std::str::from_utf8(xml).ok());
        let vouched = match receipt {
            Some(xml) => signed(&mut report, RECEIPT, xml, self.trust),
            None => {
                report.note(RECEIPT, Look::Member, Flaw::MemberMissing);
                None
            }
        };
        let vouched = vouched.filter(|receipt| receipt.evidence.event == EvidenceEvent::ArchiveExported.name());
        let said = vouched.and_then(|receipt| super::fact(&receipt.evidence, "manifest"));
        let (manifest, digest) = end.manifest.unwrap_or_else(|| (Vec::new(), Digest::of(b"")));
        let is_vouched = said.is_some_and(|said| said == digest.hex());
        report.note(MANIFEST, Look::Manifest, (!is_vouched).then_some(Flaw::OtherManifest));
        if made == digest {
            report.note("", Look::Member, None);
        } else {
            differences(&mut report, manifest::read(manifest.as_slice())?, manifest::read(text)?);
        }
        let Self { packets, receipts, capsules, statements, .. } = self;
        report.tells.push(format!(
            "{packets} gói tin, {receipts} biên nhận, {capsules} hồ sơ, {statements} bảng kê / packets, receipts, capsules, statements"
        ));
        Ok(report)
    }
}

/// Names what differs between what the manifest names and what is there.
fn differences(report: &mut Report, named: Vec<(String, String)>, found: Vec<(String, String)>) {
    let before = report.steps.len();
    let mut found: HashMap<String, String> = found.into_iter().collect();
    for (name, digest) in named {
        let fault = match found.remove(&name) {
            None => Flaw::MemberMissing,
            Some(now) if now != digest => Flaw::MemberAltered,
            Some(_) => continue,
        };
        report.note(&name, Look::Member, fault);
    }
    let mut added: Vec<String> = found.into_keys().collect();
    added.sort();
    added.iter().for_each(|name| report.note(name, Look::Member, Flaw::MemberAdded));
    // The same members, but in another order or twice, or the manifest is written otherwise.
    if report.steps.len() == before {
        report.note(MANIFEST, Look::Manifest, Flaw::OtherManifest);
    }
}
