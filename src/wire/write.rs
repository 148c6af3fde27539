//! What the hub writes itself: status packets, and the documents of tests, demo and benchmarks. One order
//! and one spelling, those of EdXML102; nothing empty; schemas/edxml-outbound.xsd holds for both.

use super::read::NAMESPACE;
use crate::domain::agency::OrganId;
use crate::domain::dates::VIETNAM;
use crate::domain::envelope::{Business, Urgency};
use crate::domain::status::StatusCode;
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use chrono::{DateTime, NaiveDate, Utc};
use quick_xml::Writer;
use quick_xml::escape::partial_escape;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::io::{self, Read, Write};

/// Longest texts by outbound schema, in characters.
const NAME_MAX: usize = 200;
const LINE_MAX: usize = 500;
const REFERENCE_CODE_MAX: usize = 142;

/// A sender or addressee as written.
#[derive(Debug, Clone, Copy)]
pub struct Party<'a> {
    /// Its code.
    pub organ_id: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// A document that a packet is about or answers.
#[derive(Debug, Clone, Copy)]
pub struct Mention<'a> {
    /// In a status packet: the other party, which the packet goes to. In an answer: who issued the document.
    pub organ_id: &'a str,
    /// Number and notation.
    pub code: &'a str,
    /// Identifier.
    pub document_id: &'a str,
    /// Date of issue.
    pub issued_on: Option<NaiveDate>,
}

/// A status packet.
#[derive(Debug, Clone, Copy)]
pub struct StatusPacket<'a> {
    /// Who reports.
    pub from: Party<'a>,
    /// What about, and to whom.
    pub about: Mention<'a>,
    /// What is reported.
    pub status_code: &'a StatusCode,
    /// Reason or note.
    pub description: &'a str,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// A document packet, without its attachments.
#[derive(Debug, Clone)]
pub struct DocumentPacket<'a> {
    /// Who sends it.
    pub from: Party<'a>,
    /// Addressees.
    pub to: Vec<Party<'a>>,
    /// Identifier.
    pub document_id: &'a str,
    /// Serial number in the year.
    pub number: &'a str,
    /// Notation.
    pub notation: &'a str,
    /// Place of issue.
    pub place: &'a str,
    /// Date of issue.
    pub issued_on: NaiveDate,
    /// Name of its kind.
    pub type_name: &'a str,
    /// Abstract (trích yếu).
    pub subject: &'a str,
    /// Name of the signer.
    pub signer: &'a str,
    /// Deadline for an answer.
    pub due_on: Option<NaiveDate>,
    /// Urgency.
    pub urgency: Urgency,
    /// Documents it answers.
    pub answers: Vec<Mention<'a>>,
    /// What it does.
    pub business: Business,
    /// Why.
    pub reason: &'a str,
    /// When it leaves its system.
    pub at: DateTime<Utc>,
}

/// A file to attach.
pub struct Attachment<'a> {
    /// File name.
    pub name: &'a str,
    /// Its registered type.
    pub content_type: &'a str,
    /// Its bytes.
    pub content: &'a mut dyn Read,
}

impl StatusPacket<'_> {
    /// Writes the packet.
    ///
    /// # Errors
    /// Only those of `to`.
    pub fn write(&self, to: impl Write) -> io::Result<()> {
        let mut sheet = Sheet::begin(to)?;
        sheet.blocks(&["edXMLHeader", "MessageHeader"], |sheet| {
            sheet.party("From", self.from)?;
            sheet.mention(&self.about)?;
            sheet.exact("StatusCode", self.status_code.as_str())?;
            sheet.text("Description", self.description, LINE_MAX)?;
            sheet.exact("Timestamp", &timestamp(self.at))
        })?;
        sheet.end_of_envelope()?;
        sheet.finish()
    }
}

impl DocumentPacket<'_> {
    /// Writes the packet with its attachments, reading each once.
    ///
    /// # Errors
    /// Those of `to`, and of the attachments' contents.
    pub fn write(&self, attachments: &mut [Attachment<'_>], to: impl Write) -> io::Result<()> {
        let mut sheet = Sheet::begin(to)?;
        sheet.block("edXMLHeader", |sheet| {
            sheet.block("MessageHeader", |sheet| self.header(sheet))?;
            sheet.block("TraceHeaderList", |sheet| self.trace(sheet))
        })?;
        if !attachments.is_empty() {
            sheet.manifest(attachments)?;
        }
        sheet.end_of_envelope()?;
        if !attachments.is_empty() {
            sheet.attachments(attachments)?;
        }
        sheet.finish()
    }

    fn header<W: Write>(&self, sheet: &mut Sheet<W>) -> io::Result<()> {
        sheet.party("From", self.from)?;
        self.to.iter().try_for_each(|party| sheet.party("To", *party))?;
        sheet.exact("DocumentId", self.document_id)?;
        sheet.block("Code", |sheet| {
            sheet.exact("CodeNumber", self.number)?;
            sheet.exact("CodeNotation", self.notation)
        })?;
        sheet.block("PromulgationInfo", |sheet| {
            sheet.text("Place", self.place, 50)?;
            sheet.exact("PromulgationDate", &date(self.issued_on))
        })?;
        sheet.block("DocumentType", |sheet| {
            sheet.exact("Type", "1")?;
            sheet.text("TypeName", self.type_name, 100)
        })?;
        sheet.text("Subject", self.subject, LINE_MAX)?;
        sheet.block("SignerInfo", |sheet| sheet.text("FullName", self.signer, 50))?;
        self.due_on.map_or(Ok(()), |day| sheet.exact("DueDate", &date(day)))?;
        sheet.block("OtherInfo", |sheet| sheet.exact("Priority", &self.urgency.number().to_string()))?;
        self.answers.iter().try_for_each(|answered| sheet.mention(answered))?;
        sheet.exact("SteeringType", "1")
    }

    fn trace<W: Write>(&self, sheet: &mut Sheet<W>) -> io::Result<()> {
        sheet.block("TraceHeader", |sheet| {
            sheet.exact("OrganId", self.from.organ_id)?;
            sheet.exact("Timestamp", &timestamp(self.at))
        })?;
        sheet.block("Bussiness", |sheet| {
            if let Business::Recall { target: Some(target) } | Business::Update { target: Some(target), .. } =
                &self.business
            {
                sheet.exact("DocumentId", target)?;
            }
            sheet.exact("BussinessDocType", &self.business.number().to_string())?;
            sheet.text("BussinessDocReason", self.reason, LINE_MAX)?;
            sheet.exact("Paper", "0")?;
            match &self.business {
                Business::New | Business::Recall { .. } => Ok(()),
                Business::Update { added, removed, .. } => sheet.update(added, removed),
                Business::Replacement { replaced } => self.replacement(sheet, replaced),
            }
        })
    }

    fn replacement<W: Write>(&self, sheet: &mut Sheet<W>, replaced: &[String]) -> io::Result<()> {
        sheet.block("ReplacementInfoList", |sheet| {
            replaced.iter().try_for_each(|document_id| {
                sheet.block("ReplacementInfo", |sheet| {
                    sheet.exact("DocumentId", document_id)?;
                    sheet.block("OrganIdList", |sheet| {
                        self.to.iter().try_for_each(|party| sheet.exact("OrganId", party.organ_id))
                    })
                })
            })
        })
    }
}

/// A zip of one file, as the vendor SDK makes it for transit.
///
/// # Errors
/// Only those of memory.
pub fn zipped(name: &str, content: &[u8]) -> io::Result<Vec<u8>> {
    super::zip::of_file(name, content).map_err(|danger| io::Error::other(format!("{danger:?}")))
}

/// The packet as a vendor may write it: with elements of the header that are not in the standard but in the field.
pub fn with_vendor_elements(packet: &str) -> String {
    let extra = "<edXML:ResponseForTask><edXML:TaskCode>KIEM-THU</edXML:TaskCode></edXML:ResponseForTask>\
                 <edXML:ApplicationType>KIEM-THU</edXML:ApplicationType></edXML:MessageHeader>";
    packet.replacen("</edXML:MessageHeader>", extra, 1)
}

/// The packet with no prefix on any element; the default namespace is the same.
pub fn without_prefixes(packet: &str) -> String {
    packet.replace("<edXML:", "<").replace("</edXML:", "</")
}

/// `yyyy/MM/dd`.
fn date(day: NaiveDate) -> String {
    day.format("%Y/%m/%d").to_string()
}

/// `yyyy/MM/dd HH:mm:ss`, Vietnamese time.
fn timestamp(at: DateTime<Utc>) -> String {
    at.with_timezone(&VIETNAM).format("%Y/%m/%d %H:%M:%S").to_string()
}

/// At most `max` characters, none that XML forbids; what is cut off is marked by an ellipsis.
fn fitted(text: &str, max: usize) -> String {
    let clean = text.trim().replace("\r\n", "\n").replace(forbidden, " ");
    match clean.chars().count() > max {
        true => clean.chars().take(max.saturating_sub(1)).chain(std::iter::once('…')).collect(),
        false => clean,
    }
}

fn forbidden(c: char) -> bool {
    (c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\u{7F}')) || matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

/// A packet on its way out.
struct Sheet<W: Write> {
    xml: Writer<W>,
    /// The envelope is written with a prefix, the attachments without, as the SDK does it (table 11 row 1).
    prefixed: bool,
}

impl<W: Write> Sheet<W> {
    fn begin(to: W) -> io::Result<Self> {
        let mut sheet = Self { xml: Writer::new_with_indent(to, b' ', 2), prefixed: false };
        sheet.xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        sheet.xml.write_event(Event::Start(BytesStart::new("edXML").with_attributes([("xmlns", NAMESPACE)])))?;
        sheet.prefixed = true;
        let envelope = sheet.name("edXMLEnvelope");
        sheet.xml.write_event(Event::Start(BytesStart::new(envelope).with_attributes([("xmlns:edXML", NAMESPACE)])))?;
        Ok(sheet)
    }

    fn end_of_envelope(&mut self) -> io::Result<()> {
        let envelope = self.name("edXMLEnvelope");
        self.xml.write_event(Event::End(BytesEnd::new(envelope)))?;
        self.prefixed = false;
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.xml.write_event(Event::End(BytesEnd::new("edXML")))?;
        self.xml.get_mut().write_all(b"\n")?;
        self.xml.get_mut().flush()
    }

    fn name(&self, name: &str) -> String {
        if self.prefixed { format!("edXML:{name}") } else { name.to_owned() }
    }

    fn block(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        let name = self.name(name);
        self.xml.write_event(Event::Start(BytesStart::new(name.as_str())))?;
        inside(self)?;
        self.xml.write_event(Event::End(BytesEnd::new(name.as_str())))
    }

    fn blocks(&mut self, names: &[&str], inside: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        for name in names {
            self.xml.write_event(Event::Start(BytesStart::new(self.name(name))))?;
        }
        inside(self)?;
        names.iter().rev().try_for_each(|name| self.xml.write_event(Event::End(BytesEnd::new(self.name(name)))))
    }

    /// A text that is never cut; nothing when empty.
    fn exact(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.text(name, text, usize::MAX)
    }

    /// A text of at most `max` characters; nothing when empty.
    fn text(&mut self, name: &str, text: &str, max: usize) -> io::Result<()> {
        let text = fitted(text, max);
        if text.is_empty() {
            return Ok(());
        }
        let name = self.name(name);
        let text = BytesText::from_escaped(partial_escape(&text));
        self.xml.create_element(name).write_text_content(text).map(|_| ())
    }

    fn party(&mut self, name: &str, party: Party<'_>) -> io::Result<()> {
        self.block(name, |sheet| {
            sheet.exact("OrganId", party.organ_id)?;
            sheet.text("OrganName", party.name, NAME_MAX)
        })
    }

    fn mention(&mut self, mention: &Mention<'_>) -> io::Result<()> {
        self.block("ResponseFor", |sheet| {
            sheet.exact("OrganId", mention.organ_id)?;
            sheet.text("Code", mention.code, REFERENCE_CODE_MAX)?;
            sheet.exact("DocumentId", mention.document_id)?;
            mention.issued_on.map_or(Ok(()), |day| sheet.exact("PromulgationDate", &date(day)))
        })
    }

    fn update(&mut self, added: &[OrganId], removed: &[OrganId]) -> io::Result<()> {
        let receivers: Vec<(&OrganId, &str)> =
            added.iter().map(|id| (id, "1")).chain(removed.iter().map(|id| (id, "0"))).collect();
        self.block("BussinessDocumentInfo", |sheet| {
            sheet.exact("DocumentInfo", "1")?;
            sheet.exact("DocumentReceiver", if receivers.is_empty() { "0" } else { "1" })?;
            if receivers.is_empty() {
                return Ok(());
            }
            sheet.block("ReceiverList", |sheet| {
                receivers.iter().try_for_each(|(id, kind)| {
                    sheet.block("Receiver", |sheet| {
                        sheet.exact("OrganId", id.as_str())?;
                        sheet.exact("ReceiverType", kind)
                    })
                })
            })
        })
    }

    fn manifest(&mut self, attachments: &[Attachment<'_>]) -> io::Result<()> {
        self.block("edXMLBody", |sheet| {
            let name = sheet.name("edXMLManifest");
            let start = BytesStart::new(name.as_str()).with_attributes([("version", "1.0")]);
            sheet.xml.write_event(Event::Start(start))?;
            for (number, attachment) in (1_usize..).zip(attachments) {
                sheet.block("Reference", |sheet| {
                    sheet.exact("ContentId", &content_id(number))?;
                    sheet.exact("ContentType", attachment.content_type)?;
                    sheet.text("AttachmentName", attachment.name, LINE_MAX)
                })?;
            }
            sheet.xml.write_event(Event::End(BytesEnd::new(name.as_str())))
        })
    }

    fn attachments(&mut self, attachments: &mut [Attachment<'_>]) -> io::Result<()> {
        self.block("AttachmentEncoded", |sheet| {
            for (number, attachment) in (1_usize..).zip(attachments) {
                sheet.block("Attachment", |sheet| {
                    sheet.exact("ContentId", &content_id(number))?;
                    sheet.text("AttachmentName", attachment.name, LINE_MAX)?;
                    sheet.exact("ContentType", attachment.content_type)?;
                    sheet.block("ContentTransferEncoded", |sheet| {
                        let mut base64 = EncoderWriter::new(sheet.xml.get_mut(), &STANDARD);
                        io::copy(&mut attachment.content, &mut base64)?;
                        base64.finish().map(|_| ())
                    })
                })?;
            }
            Ok(())
        })
    }
}

fn content_id(number: usize) -> String {
    format!("cid:attachment-{number}")
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
