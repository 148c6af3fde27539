//! Hostile bytes → `Packet`, within limits. Judges only what makes bytes unreadable, and where an element
//! stands; the rest is for `domain::rules`. Here is the walk through the XML; `place` keeps what was met.

use super::attachment::Decoder;
use super::limit::Limited;
use super::place::{Met, Places};
use super::stop::{Stop, flawed, troubled};
use super::wellformed::{self, Flaw, shortened};
use crate::config::Packets;
use crate::domain::element::Shape;
use crate::domain::packet::{Content, Packet};
use crate::domain::rules::{Violation, violation};
use quick_xml::NsReader;
use quick_xml::encoding::EncodingError;
use quick_xml::errors::Error as XmlError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceError, ResolveResult};
use std::io::{self, BufRead, Write};
use std::sync::Arc;

/// The one namespace of packets.
pub const NAMESPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";
const SIGNATURES: &str = "http://www.w3.org/2000/09/xmldsig#";
const LINKS: &str = "http://www.w3.org/1999/xlink";
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const CDATA: &[u8] = b"<![CDATA[";
/// How packets in other encodings begin: UTF-16 and UTF-32, with and without a mark.
const OTHER_ENCODINGS: [&[u8]; 5] = [b"\xFE\xFF", b"\xFF\xFE", b"<\0", b"\0<", b"\0\0"];

/// What reading gave: all that could be read, and every fault found on the way.
#[derive(Debug, Default)]
pub struct Reading {
    /// What could be read, up to the fault that stopped the reading if one did.
    pub packet: Packet,
    /// Faults in the order met.
    pub violations: Vec<Violation>,
    /// Whether a state-secret mark was met; nothing further was read then.
    pub secret: bool,
    /// Whether the packet was read to its end. If not, what seems missing may stand in what was not read.
    pub whole: bool,
}

/// Reads one packet from its bytes in one pass. Never fails: what is wrong is in the answer. Reads to the
/// end of `bytes` even after a fault that stops the reading, so that the caller's own tap sees every byte.
/// Calls `alarm` once, at the moment the reading stops before the end: no such packet is kept, and what was not read
/// may hold a state-secret mark.
///
/// # Errors
/// Only those of `bytes` itself, and of the temporary file a zipped attachment is unpacked from.
pub fn packet(bytes: impl BufRead, limits: &Packets, alarm: &dyn Fn()) -> io::Result<Reading> {
    let mut walk = Walk::new(bytes, limits);
    let stopped = walk.run();
    if stopped.is_err() {
        alarm();
    }
    let Walk { reader, places, .. } = walk;
    let mut reading = Reading { whole: stopped.is_ok(), ..Reading::default() };
    (reading.packet, reading.violations) = places.into_parts();
    match stopped {
        Ok(()) | Err(Stop::Enough) => {}
        Err(Stop::Fault(code, place, particulars)) => {
            let particulars: Vec<&str> = particulars.iter().map(String::as_str).collect();
            reading.violations.push(violation(code, &place, &particulars));
        }
        Err(Stop::Secret) => reading.secret = true,
        Err(Stop::Input(error)) => return Err(error),
    }
    reader.into_inner().drain()?;
    Ok(reading)
}

/// Hands out the content of one attachment of a packet that was accepted, numbered from 1 among those with content, and reads
/// the packet to its end. What the content was; nothing when there is none of that number.
///
/// # Errors
/// Those of `bytes` and of `to`.
pub fn attachment(
    bytes: impl BufRead,
    limits: &Packets,
    number: usize,
    to: Box<dyn Write>,
) -> io::Result<Option<Content>> {
    let mut walk = Walk::new(bytes, limits);
    walk.wanted = Some((number, Some(to)));
    if let Err(Stop::Input(error)) = walk.run() {
        return Err(error);
    }
    let Walk { reader, places, .. } = walk;
    let (packet, _) = places.into_parts();
    reader.into_inner().drain()?;
    let mut contents = packet.attachments.into_iter().filter_map(|attachment| attachment.content);
    Ok(number.checked_sub(1).and_then(|before| contents.nth(before)))
}

struct Walk<'a, R> {
    reader: NsReader<Limited<R>>,
    limits: &'a Packets,
    places: Places<'a>,
    /// Elements open.
    depth: usize,
    elements: usize,
    /// Elements open inside and including one that is not looked at.
    skipped: usize,
    /// Whether anything but white space was met.
    begun: bool,
    rooted: bool,
    /// Content that streams by.
    decoder: Option<Decoder>,
    /// The number of the attachment that is handed out, and who wants it until it is met.
    wanted: Option<(usize, Option<Box<dyn Write>>)>,
}

impl<'a, R: BufRead> Walk<'a, R> {
    fn new(bytes: R, limits: &'a Packets) -> Self {
        let mut reader = NsReader::from_reader(Limited::new(bytes));
        reader.config_mut().check_comments = true;
        Self {
            reader,
            limits,
            places: Places::new(limits),
            depth: 0,
            elements: 0,
            skipped: 0,
            begun: false,
            rooted: false,
            decoder: None,
            wanted: None,
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        self.encoding()?;
        let mut token = Vec::new();
        let mut first = true;
        loop {
            self.content()?;
            token.clear();
            self.reader.get_mut().renew(self.limits.token_bytes_max);
            let failed = match self.reader.read_event_into(&mut token) {
                Ok(Event::Eof) => break,
                Ok(event) => self.event(event, first).map(|()| None)?,
                Err(error) => Some(error),
            };
            if let Some(error) = failed {
                return Err(self.failure(error, &token));
            }
            first = false;
        }
        self.end_of_packet()
    }

    /// Passes over a byte order mark, and refuses what is not UTF-8 at first sight.
    fn encoding(&mut self) -> Result<(), Stop> {
        let bytes = self.reader.get_mut();
        bytes.lift();
        if bytes.starts_with(BYTE_ORDER_MARK).map_err(Stop::Input)? {
            bytes.consume(BYTE_ORDER_MARK.len());
            if bytes.starts_with(BYTE_ORDER_MARK).map_err(Stop::Input)? {
                return Stop::not_xml("two byte order marks");
            }
        }
        for other in OTHER_ENCODINGS {
            if bytes.starts_with(other).map_err(Stop::Input)? {
                return Err(Stop::Fault("M.Packet.Encoding", String::new(), vec!["UTF-16".to_owned()]));
            }
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, first: bool) -> Result<(), Stop> {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::Empty(tag) => {
                self.start(&tag)?;
                self.end()
            }
            Event::End(_) => self.end(),
            Event::Text(text) => {
                wellformed::character_data(&text).map_err(flawed)?;
                self.text(&text)
            }
            Event::CData(text) => {
                wellformed::characters(&text).map_err(flawed)?;
                self.begun = true;
                self.inside_root()?;
                self.text(&text)
            }
            Event::GeneralRef(name) => self.reference(&name),
            Event::Comment(text) => {
                wellformed::characters(&text).map_err(flawed)?;
                self.remark();
                Ok(())
            }
            Event::PI(instruction) => {
                wellformed::instruction(instruction.target(), instruction.content()).map_err(flawed)?;
                self.remark();
                Ok(())
            }
            Event::Decl(_) if !first => Stop::not_xml("an XML declaration that is not at the beginning"),
            Event::Decl(declaration) => {
                self.begun = true;
                wellformed::declaration(declaration.strip_prefix("xml").unwrap_or_default()).map_err(flawed)
            }
            Event::DocType(_) => Err(Stop::Fault("M.Packet.Doctype", String::new(), Vec::new())),
            Event::Eof => Ok(()),
        }
    }

    /// A comment or a processing instruction: nothing to the packet, but no part of base64.
    fn remark(&mut self) {
        self.begun = true;
        if let Some(decoder) = self.decoder.as_mut().filter(|_| self.skipped == 0) {
            decoder.refuse();
        }
    }

    fn inside_root(&self) -> Result<(), Stop> {
        if self.depth == 0 { Stop::not_xml("text outside the root element") } else { Ok(()) }
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Stop> {
        self.begun = true;
        self.depth = self.depth.saturating_add(1);
        self.elements = self.elements.saturating_add(1);
        if self.depth > self.limits.depth_max {
            return Err(Stop::limit("R.Packet.Depth", self.places.here(), self.limits.depth_max));
        }
        if self.elements > self.limits.elements_max {
            return Err(Stop::limit("R.Packet.Elements", String::new(), self.limits.elements_max));
        }
        let href = self.tag(tag)?;
        if self.skipped > 0 {
            self.skipped = self.skipped.saturating_add(1);
            return Ok(());
        }
        let (namespace, local) = self.reader.resolver().resolve_element(tag.name());
        let local = local.as_ref();
        let namespace = match &namespace {
            ResolveResult::Bound(namespace) => namespace.as_ref(),
            ResolveResult::Unbound => "",
            ResolveResult::Unknown(prefix) => return undeclared(prefix),
        };
        if self.depth == 1 {
            return root(std::mem::replace(&mut self.rooted, true), namespace, local);
        }
        let met = match namespace {
            NAMESPACE => self.places.open(local, href)?,
            SIGNATURES if local == "Signature" && self.places.in_header() => Met::Skip,
            _ => self.places.unknown(local)?,
        };
        match met {
            Met::Known(Shape::Base64) => self.decoder = Some(self.decoder()),
            Met::Known(_) => {}
            Met::Skip => {
                self.skipped = 1;
                if let Some(decoder) = &mut self.decoder {
                    decoder.refuse();
                }
            }
        }
        Ok(())
    }

    /// The decoder of the content that begins. What is handed out was judged when it came.
    fn decoder(&mut self) -> Decoder {
        let number = self.places.contents().saturating_add(1);
        match &mut self.wanted {
            Some((wanted, sink)) => Decoder::new(false, sink.take_if(|_| *wanted == number)),
            None => Decoder::new(self.places.may_be_zip(), None),
        }
    }

    /// Checks a tag as XML demands it; gives its `xlink:href`.
    fn tag(&self, tag: &BytesStart<'_>) -> Result<Option<String>, Stop> {
        wellformed::qualified_name(tag.name().as_ref()).map_err(flawed)?;
        let raw = tag.attributes_raw();
        if raw.is_empty() {
            return match tag.name().prefix().map(|_| self.reader.resolver().resolve_element(tag.name()).0) {
                Some(ResolveResult::Unknown(prefix)) => undeclared(&prefix),
                _ => Ok(None),
            };
        }
        wellformed::characters(raw).map_err(flawed)?;
        let max = self.limits.attributes_max;
        let attributes = wellformed::attributes(raw, max).map_err(|flaw| match flaw == Flaw::Attributes {
            true => Stop::limit("R.Packet.Attributes", self.places.here(), max),
            false => flawed(flaw),
        })?;
        if let ResolveResult::Unknown(prefix) = self.reader.resolver().resolve_element(tag.name()).0 {
            return undeclared(&prefix);
        }
        let mut href = None;
        let mut names: Vec<(&str, &str)> = Vec::new();
        for attribute in attributes {
            let Some((prefix, local)) = attribute.prefixed().filter(|(prefix, _)| *prefix != "xmlns") else { continue };
            let name = quick_xml::name::QName(attribute.name);
            let namespace = match self.reader.resolver().resolve_attribute(name).0 {
                ResolveResult::Bound(namespace) => namespace.0,
                ResolveResult::Unbound | ResolveResult::Unknown(_) => return undeclared(prefix),
            };
            if names.contains(&(namespace, local)) {
                return Stop::not_xml("an attribute stands twice under two prefixes");
            }
            names.push((namespace, local));
            if (namespace, local) == (LINKS, "href") {
                href = Some(attribute.value().map_err(flawed)?);
            }
        }
        Ok(href)
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.depth = self.depth.saturating_sub(1);
        if self.skipped > 0 {
            self.skipped = self.skipped.saturating_sub(1);
            return Ok(());
        }
        match self.decoder.take() {
            Some(decoder) => {
                let decoded = decoder.finish().map_err(troubled)?;
                self.places.content(decoded)?;
            }
            None if self.depth == 0 => return Ok(()),
            None => {}
        }
        self.places.close()
    }

    fn text(&mut self, text: &str) -> Result<(), Stop> {
        if self.depth == 0 && !wellformed::is_space(text) {
            return Stop::not_xml("text outside the root element");
        }
        if self.depth == 0 || self.skipped > 0 {
            return Ok(());
        }
        self.places.text(text)
    }

    fn reference(&mut self, name: &str) -> Result<(), Stop> {
        self.begun = true;
        let character = wellformed::reference(name).map_err(flawed)?;
        self.inside_root()?;
        if self.skipped > 0 {
            return Ok(());
        }
        match &mut self.decoder {
            None => self.places.character(character),
            // Some serializers write the line ends of base64 as references.
            Some(_) if wellformed::SPACE.contains(&character) => Ok(()),
            Some(decoder) => {
                decoder.refuse();
                Ok(())
            }
        }
    }

    /// Passes content on to the decoder, up to the next markup that is not CDATA.
    fn content(&mut self) -> Result<(), Stop> {
        if self.decoder.is_none() || self.skipped > 0 {
            return Ok(());
        }
        self.reader.get_mut().lift();
        loop {
            self.stream(|bytes| memchr::memchr2(b'<', b'&', bytes))?;
            if !self.reader.get_mut().starts_with(CDATA).map_err(Stop::Input)? {
                return Ok(());
            }
            self.reader.get_mut().consume(CDATA.len());
            self.stream(|bytes| memchr::memchr(b']', bytes))?;
            while !self.reader.get_mut().starts_with(b"]]>").map_err(Stop::Input)? {
                if self.reader.get_mut().at_end().map_err(Stop::Input)? {
                    return Stop::not_xml("CDATA without its end");
                }
                self.reader.get_mut().consume(1);
                if let Some(decoder) = &mut self.decoder {
                    decoder.refuse();
                }
                self.stream(|bytes| memchr::memchr(b']', bytes))?;
            }
            self.reader.get_mut().consume(b"]]>".len());
        }
    }

    /// Passes content on up to what `end` finds.
    fn stream(&mut self, end: impl Fn(&[u8]) -> Option<usize>) -> Result<(), Stop> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let stream = self.reader.get_mut();
        loop {
            let available = match stream.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Stop::Input(error)),
            };
            let found = end(available);
            let content = found.and_then(|at| available.get(..at)).unwrap_or(available);
            decoder.feed(content).map_err(troubled)?;
            let length = content.len();
            stream.consume(length);
            if found.is_some() {
                return decoder.end_of_text().map_err(troubled);
            }
        }
    }

    fn end_of_packet(&mut self) -> Result<(), Stop> {
        if self.depth > 0 {
            return Stop::not_xml("it ends before its root element does");
        }
        if !self.rooted {
            return match self.begun {
                true => Stop::not_xml("no root element"),
                false => Err(Stop::Fault("M.Packet.Empty", String::new(), Vec::new())),
            };
        }
        self.places.missing_frame()
    }

    /// What quick-xml's error means; `token` is what it had read of the token.
    fn failure(&mut self, error: XmlError, token: &[u8]) -> Stop {
        if token.starts_with(b"<!DOCTYPE") {
            return Stop::Fault("M.Packet.Doctype", String::new(), Vec::new());
        }
        match error {
            XmlError::Io(_) if self.reader.get_mut().exceeded() => {
                Stop::limit("R.Packet.Token", self.places.here(), self.limits.token_bytes_max)
            }
            XmlError::Io(error) => {
                Stop::Input(Arc::try_unwrap(error).unwrap_or_else(|shared| io::Error::new(shared.kind(), shared)))
            }
            XmlError::Encoding(error) => {
                // A character cut in two at the very end is a packet cut short, not another encoding.
                let cut = matches!(&error, EncodingError::Utf8(utf8) if utf8.error_len().is_none())
                    && self.reader.get_mut().at_end().unwrap_or(false);
                let flaw = if cut { Flaw::NotXml } else { Flaw::Encoding };
                flawed(flaw(error.to_string()))
            }
            XmlError::Namespace(NamespaceError::TooManyBindings(limit)) => {
                Stop::limit("R.Packet.Attributes", self.places.here(), limit)
            }
            other @ (XmlError::Syntax(_)
            | XmlError::IllFormed(_)
            | XmlError::InvalidAttr(_)
            | XmlError::Escape(_)
            | XmlError::Namespace(_)) => flawed(Flaw::NotXml(shortened(&other.to_string()))),
        }
    }
}

/// Judges a root element; `second` when there was one before.
fn root(second: bool, namespace: &str, local: &str) -> Result<(), Stop> {
    if second {
        return Stop::not_xml("a second root element");
    }
    if (namespace, local) == (NAMESPACE, "edXML") {
        return Ok(());
    }
    let found = format!("{{{}}}{}", shortened(namespace), shortened(local));
    Err(Stop::Fault("M.Packet.Namespace", String::new(), vec![found]))
}

fn undeclared<T>(prefix: &str) -> Result<T, Stop> {
    Stop::not_xml(&format!("prefix {} is not declared", shortened(prefix)))
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
