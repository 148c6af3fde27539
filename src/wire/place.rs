//! Where in the packet the reader is, and what it met there: from elements and texts to `Packet`. Knows
//! the element table, and nothing of XML.

use super::attachment::Decoded;
use super::stop::Stop;
use super::wellformed::{is_space, shortened};
use super::zip::{self, Danger};
use crate::config::Packets;
use crate::domain::element::{self, Element, Shape};
use crate::domain::packet::{AttachmentRead, Node, NodeId, Packet};
use crate::domain::rules::{Violation, secrecy, violation};
use tempfile::SpooledTempFile;

/// Faults listed at most; a packet with more is not read further.
const VIOLATIONS_MAX: usize = 100;
/// All texts of a packet together may be this many times the limit of one.
const TEXTS_MAX: usize = 64;
/// What must be there before anything can be judged, outermost first.
const FRAME: [&str; 3] = ["edXMLEnvelope", "edXMLEnvelope.edXMLHeader", "MessageHeader"];

/// What became of an element that was met.
pub enum Met {
    /// It stands in its place.
    Known(Shape),
    /// It is not looked at, nor anything inside it.
    Skip,
}

/// An element that is open.
struct Open {
    element: Option<&'static Element>,
    node: Option<NodeId>,
    /// From where in `Places::seen` its children are counted.
    seen_from: usize,
    stray_text: bool,
}

/// A kind of child that stood in an open element.
struct Seen {
    element: &'static Element,
    spelling: &'static str,
    number: usize,
}

/// Where packets name the agencies that they go to.
const NAMING: [&str; 2] = ["MessageHeader.To", "TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver"];
/// Where they name other documents.
const MENTIONING: [&str; 2] =
    ["MessageHeader.ResponseFor", "TraceHeaderList.Bussiness.ReplacementInfoList.ReplacementInfo"];

/// What was met so far.
pub struct Places<'a> {
    limits: &'a Packets,
    packet: Packet,
    violations: Vec<Violation>,
    open: Vec<Open>,
    seen: Vec<Seen>,
    /// Text of the text element that is open.
    text: String,
    texts_bytes: usize,
    framed: [bool; FRAME.len()],
    /// How many agencies were named in each of the places in `NAMING`.
    named: [usize; NAMING.len() + MENTIONING.len()],
    /// The zip of the attachment that is open.
    zip: Option<SpooledTempFile>,
    unzipped: zip::Spent,
}

impl<'a> Places<'a> {
    /// Stands in the root element.
    pub fn new(limits: &'a Packets) -> Self {
        Self {
            limits,
            packet: Packet::default(),
            violations: Vec::new(),
            open: vec![Open { element: None, node: None, seen_from: 0, stray_text: false }],
            seen: Vec::new(),
            text: String::new(),
            texts_bytes: 0,
            framed: [false; FRAME.len()],
            named: [0; NAMING.len() + MENTIONING.len()],
            zip: None,
            unzipped: zip::Spent::default(),
        }
    }

    /// What was read, and the faults.
    pub fn into_parts(self) -> (Packet, Vec<Violation>) {
        (self.packet, self.violations)
    }

    /// Where the reader is, for people.
    pub fn here(&self) -> String {
        match self.open.last() {
            Some(Open { node: Some(node), .. }) => self.packet.place(*node),
            Some(Open { element: Some(frame), .. }) => frame.path.replace('.', "/"),
            Some(Open { element: None, .. }) | None => String::new(),
        }
    }

    /// Whether the reader is in `edXMLHeader`.
    pub fn in_header(&self) -> bool {
        self.element().is_some_and(|element| element.path == "edXMLEnvelope.edXMLHeader")
    }

    fn element(&self) -> Option<&'static Element> {
        self.open.last().and_then(|open| open.element)
    }

    fn fault(&mut self, code: &str, place: &str, particulars: &[&str]) -> Result<(), Stop> {
        self.violations.push(violation(code, place, particulars));
        if self.violations.len() < VIOLATIONS_MAX { Ok(()) } else { Err(Stop::Enough) }
    }

    /// An element that has no place here.
    pub fn unknown(&mut self, local: &str) -> Result<Met, Stop> {
        let local = shortened(local);
        let place = match self.here() {
            root if root.is_empty() => local.clone(),
            here => format!("{here}/{local}"),
        };
        self.fault("M.Packet.UnknownElement", &place, &[&local])?;
        Ok(Met::Skip)
    }

    /// An element of the packets' namespace.
    pub fn open(&mut self, local: &str, href: Option<String>) -> Result<Met, Stop> {
        let Some(element) = element::child(self.element(), local) else { return self.unknown(local) };
        let (number, first_spelling) = self.count(element, local);
        let node = self.node(element, number, href);
        if let Some(framed) = FRAME.iter().position(|path| *path == element.path) {
            self.framed.iter_mut().skip(framed).take(1).for_each(|met| *met = true);
        }
        self.open.push(Open { element: Some(element), node, seen_from: self.seen.len(), stray_text: false });
        if let Some(first) = first_spelling {
            let here = self.here();
            match first == local {
                true => self.fault("M.Packet.RepeatedElement", &here, &[local])?,
                false => self.fault("M.Packet.BothSpellings", &here, &[first, local])?,
            }
        }
        if element.path == "AttachmentEncoded" {
            self.header_first()?;
        }
        self.agencies_limit(element)?;
        if let (Some(node), "Attachment") = (node, element.path) {
            if self.packet.attachments.len() == self.limits.attachments_max {
                return Err(Stop::limit("R.Attachment.Count", String::new(), self.limits.attachments_max));
            }
            self.packet.attachments.push(AttachmentRead { node, content: None });
        }
        if element.shape == Shape::Opaque {
            self.leave();
            return Ok(Met::Skip);
        }
        Ok(Met::Known(element.shape))
    }

    /// Stops at attachments that stand before the header: nothing of them may be kept before the header has been looked
    /// at for secrecy marks, and the schema has the envelope first.
    fn header_first(&self) -> Result<(), Stop> {
        match self.framed.iter().all(|met| *met) {
            true => Ok(()),
            false => Err(Stop::Fault("N.edXMLEnvelope", "edXMLEnvelope".to_owned(), Vec::new())),
        }
    }

    /// Stops at one agency too many: each one costs the database a look, and the answer a line.
    fn agencies_limit(&mut self, element: &Element) -> Result<(), Stop> {
        let limit = self.limits.recipients_max;
        let codes = NAMING.map(|path| (path, "R.MessageHeader.To")).into_iter();
        let codes = codes.chain(MENTIONING.map(|path| (path, "R.Packet.Elements")));
        for ((path, code), named) in codes.zip(&mut self.named) {
            if path == element.path {
                *named = named.saturating_add(1);
                if *named > limit {
                    return Err(Stop::limit(code, path.replace('.', "/"), limit));
                }
            }
        }
        Ok(())
    }

    /// Which one of its like this is, and how the first was spelled when there may only be one.
    fn count(&mut self, element: &'static Element, local: &str) -> (usize, Option<&'static str>) {
        let from = self.open.last().map_or(0, |open| open.seen_from);
        match self.seen.iter_mut().skip(from).find(|seen| std::ptr::eq(seen.element, element)) {
            Some(seen) => {
                seen.number = seen.number.saturating_add(1);
                (seen.number, (!element.many).then_some(seen.spelling))
            }
            None => {
                let alias = element.aliases.iter().find(|alias| **alias == local);
                let spelling = alias.copied().unwrap_or_else(|| element.name());
                self.seen.push(Seen { element, spelling, number: 1 });
                (1, None)
            }
        }
    }

    /// Keeps an element, unless it is of the wrapper.
    fn node(&mut self, element: &'static Element, number: usize, href: Option<String>) -> Option<NodeId> {
        let wrapper = element.path == "AttachmentEncoded" || element.path.starts_with("edXMLEnvelope");
        if wrapper && element.shape == Shape::Block {
            return None;
        }
        let parent = self.open.last().and_then(|open| open.node);
        self.packet.nodes.push(Node { element, parent, number, text: String::new(), href });
        self.packet.nodes.len().checked_sub(1)
    }

    /// Text where the reader is.
    pub fn text(&mut self, text: &str) -> Result<(), Stop> {
        if self.element().is_some_and(|element| element.shape == Shape::Text) {
            // Spec: XML 1.0 section 2.11: every line end as written is one line feed.
            match memchr::memchr(b'\r', text.as_bytes()) {
                Some(_) => self.text.push_str(&text.replace("\r\n", "\n").replace('\r', "\n")),
                None => self.text.push_str(text),
            }
            return self.text_limit();
        }
        if is_space(text) || self.open.last().is_some_and(|open| open.stray_text) {
            return Ok(());
        }
        if let Some(open) = self.open.last_mut() {
            open.stray_text = true;
        }
        let here = self.here();
        self.fault("M.Packet.StrayText", &here, &[&shortened(text.trim())])
    }

    /// A character that was written as a reference; it stands for itself.
    pub fn character(&mut self, character: char) -> Result<(), Stop> {
        if self.element().is_some_and(|element| element.shape == Shape::Text) {
            self.text.push(character);
            return self.text_limit();
        }
        self.text(character.encode_utf8(&mut [0; 4]))
    }

    fn text_limit(&self) -> Result<(), Stop> {
        let one = self.limits.token_bytes_max;
        let all = one.saturating_mul(TEXTS_MAX);
        if self.text.len() > one || self.texts_bytes.saturating_add(self.text.len()) > all {
            return Err(Stop::limit("R.Packet.Token", self.here(), one));
        }
        Ok(())
    }

    /// The element where the reader is has ended.
    pub fn close(&mut self) -> Result<(), Stop> {
        let Some(open) = self.leave() else { return Ok(()) };
        let (Some(element), Some(id)) = (open.element, open.node) else { return Ok(()) };
        if element.shape == Shape::Text {
            let text = self.text.trim().to_owned();
            self.texts_bytes = self.texts_bytes.saturating_add(text.len());
            self.text.clear();
            let secret = secrecy::mark(element.path, &text);
            if let Some(node) = self.packet.nodes.get_mut(id) {
                node.text = text;
            }
            return if secret { Err(Stop::Secret) } else { Ok(()) };
        }
        match (element.path, self.zip.take()) {
            ("Attachment", Some(zip)) => self.judge_zip(id, zip),
            (_, zip) => {
                self.zip = zip;
                Ok(())
            }
        }
    }

    fn leave(&mut self) -> Option<Open> {
        let open = self.open.pop()?;
        self.seen.truncate(open.seen_from);
        Some(open)
    }

    /// The attachment around where the reader is.
    fn attachment(&self) -> Option<NodeId> {
        let content = self.open.last().and_then(|open| open.node)?;
        self.packet.node(content).and_then(|node| node.parent)
    }

    /// How many attachments have content so far.
    pub fn contents(&self) -> usize {
        self.packet.attachments.iter().filter(|attachment| attachment.content.is_some()).count()
    }

    /// Whether the content that begins here may be a zip that somebody will unzip: its type or name says
    /// so, or not both are known yet.
    pub fn may_be_zip(&self) -> bool {
        let Some(id) = self.attachment() else { return false };
        let name = self.packet.child_text(id, "AttachmentName");
        let content_type = self.packet.child_text(id, "ContentType");
        name.is_none_or(is_zip_name) || content_type.is_none_or(is_zip_type)
    }

    /// The content of the attachment where the reader is, or the place of its first illegal character.
    pub fn content(&mut self, decoded: Result<Decoded, usize>) -> Result<(), Stop> {
        match decoded {
            Ok(Decoded { content, zip }) => {
                let repeated = self.packet.attachments.last().is_none_or(|a| a.content.is_some());
                if let Some(attachment) = self.packet.attachments.last_mut().filter(|_| !repeated) {
                    attachment.content = Some(content);
                    self.zip = zip;
                }
                Ok(())
            }
            Err(at) => {
                let here = self.here();
                self.fault("M.Attachment.Encoding", &here, &[&at.to_string()])
            }
        }
    }

    /// Judges the zip of an attachment, now that its name and type are known.
    fn judge_zip(&mut self, id: NodeId, spool: SpooledTempFile) -> Result<(), Stop> {
        let zip_name = self.packet.child_text(id, "AttachmentName").is_some_and(is_zip_name);
        let zip_type = self.packet.child_text(id, "ContentType").is_some_and(is_zip_type);
        if !zip_name && !zip_type {
            return Ok(());
        }
        match zip::inspect(spool, self.limits, &mut self.unzipped) {
            Ok(inspected) => {
                let last = self.packet.attachments.last_mut().and_then(|attachment| attachment.content.as_mut());
                if let Some(content) = last {
                    content.bears_signature |= inspected.bears_signature;
                    content.unzipped = inspected.only_member.filter(|_| !zip_name);
                }
                Ok(())
            }
            Err(Danger::Bomb(why)) => self.fault("R.Attachment.Zip", &self.packet.place(id), &[&why]),
            Err(Danger::Unsafe(why)) => self.fault("M.Attachment.Zip", &self.packet.place(id), &[&why]),
            Err(Danger::Spool(error)) => Err(Stop::Input(error)),
        }
    }

    /// Reports the outermost part of the wrapper that is missing.
    pub fn missing_frame(&mut self) -> Result<(), Stop> {
        let missing = self.framed.iter().zip(FRAME).find(|(met, _)| !**met);
        match missing {
            Some((_, path)) => self.fault(&format!("N.{path}"), &path.replace('.', "/"), &[]),
            None => Ok(()),
        }
    }
}

fn is_zip_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("zip"))
}

fn is_zip_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/zip")
}
