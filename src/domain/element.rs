//! The standard's element table (QCVN 102:2016, with what the field adds) as data: which element may stand where, how it
//! is also spelled in the field, how often, how long, of which type. The reader, the field rules and
//! `docs/codes.md` all work from this one table. Not here: rules that look at more than one value.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What an element holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Other elements of this table.
    Block,
    /// Text.
    Text,
    /// The base64 text of an attachment: streamed, never kept.
    Base64,
    /// Anything; carried in the bytes and not looked at.
    Opaque,
}

/// What the text of an element must look like. Empty text is absence and passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Free,
    /// An organ id (see `agency::OrganId`).
    OrganId,
    /// One of the four date forms.
    Date,
    /// A time stamp (table 11 row 9).
    Timestamp,
    /// A non-negative whole number of at most six digits.
    Number,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One or two digits.
    StatusCode,
}

/// When an element must be there with text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Never.
    Optional,
    /// In every block of its parent that stands in the packet.
    InParent,
    /// In a document packet.
    Document,
    /// In a status packet.
    Status,
}

/// One row of the table.
#[derive(Debug)]
pub struct Element {
    /// Dotted path from the element below `edXMLHeader`, or of the part of the packet it belongs to.
    pub path: &'static str,
    /// Other spellings of its last name that the field sends.
    pub aliases: &'static [&'static str],
    /// What it holds.
    pub shape: Shape,
    /// Whether it may stand more than once in its parent.
    pub many: bool,
    /// When it must be there.
    pub need: Need,
    /// What its text must look like.
    pub form: Form,
    /// Longest text in characters after trimming; 0 means the reader's token limit only.
    pub chars_max: usize,
}

impl Element {
    /// The last name of the path: the element's own name in the standard.
    pub fn name(&self) -> &'static str {
        // By bytes: twice as fast as by characters, and asked for at every element of every packet.
        let dot = self.path.bytes().rposition(|byte| byte == b'.');
        dot.and_then(|dot| self.path.get(dot.saturating_add(1)..)).unwrap_or(self.path)
    }

    /// The path of the element around it, empty at the top.
    pub fn parent(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }

    const fn block(path: &'static str) -> Self {
        Self {
            path,
            aliases: &[],
            shape: Shape::Block,
            many: false,
            need: Need::Optional,
            form: Form::Free,
            chars_max: 0,
        }
    }

    const fn text(path: &'static str, chars_max: usize) -> Self {
        Self { shape: Shape::Text, chars_max, ..Self::block(path) }
    }

    const fn opaque(path: &'static str) -> Self {
        Self { shape: Shape::Opaque, many: true, ..Self::block(path) }
    }

    const fn many(self) -> Self {
        Self { many: true, ..self }
    }

    const fn need(self, need: Need) -> Self {
        Self { need, ..self }
    }

    const fn form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }
}

const FLAG: Form = Form::OneOf(&["0", "1", "true", "false"]);

macro_rules! organization {
    ($path:literal) => {
        [
            Element::text(concat!($path, ".OrganId"), 35).need(Need::InParent).form(Form::OrganId),
            Element::text(concat!($path, ".OrganizationInCharge"), 500).also(&["OrganInCharge"]),
            Element::text(concat!($path, ".OrganName"), 500),
            Element::text(concat!($path, ".OrganAdd"), 500),
            Element::text(concat!($path, ".Email"), 200),
            Element::text(concat!($path, ".Telephone"), 100),
            Element::text(concat!($path, ".Fax"), 100),
            Element::text(concat!($path, ".Website"), 200),
        ]
    };
}

macro_rules! staff {
    ($path:literal) => {
        [
            Element::text(concat!($path, ".Department"), 500),
            Element::text(concat!($path, ".DepartmentId"), 100),
            Element::text(concat!($path, ".Staff"), 500),
            Element::text(concat!($path, ".StaffId"), 100),
            Element::text(concat!($path, ".Mobile"), 100),
            Element::text(concat!($path, ".Email"), 200),
        ]
    };
}

/// The wrapper around everything.
const FRAME: [Element; 6] = [
    Element::block("edXMLEnvelope"),
    Element::block("edXMLEnvelope.edXMLHeader"),
    Element::block("edXMLEnvelope.edXMLBody"),
    Element::block("AttachmentEncoded"),
    Element::opaque("edXMLEnvelope.edXMLHeader.Signature").also(&["DigitalSignature"]),
    Element::opaque("edXMLEnvelope.edXMLHeader.ErrorList"),
];

/// Table 3.1 and 3.2: the message header of both packet kinds.
const HEADER: [Element; 45] = [
    Element::block("MessageHeader"),
    Element::block("MessageHeader.From"),
    Element::block("MessageHeader.To").many(),
    Element::block("MessageHeader.Code"),
    Element::text("MessageHeader.Code.CodeNumber", 50).need(Need::Document),
    Element::text("MessageHeader.Code.CodeNotation", 100).need(Need::Document),
    Element::block("MessageHeader.PromulgationInfo"),
    Element::text("MessageHeader.PromulgationInfo.Place", 200),
    Element::text("MessageHeader.PromulgationInfo.PromulgationDate", 0).need(Need::Document).form(Form::Date),
    Element::block("MessageHeader.DocumentType"),
    Element::text("MessageHeader.DocumentType.Type", 0).form(Form::Number),
    Element::text("MessageHeader.DocumentType.TypeDetail", 0).form(Form::Number),
    Element::text("MessageHeader.DocumentType.TypeName", 200),
    Element::text("MessageHeader.Subject", 2000).need(Need::Document),
    Element::text("MessageHeader.Content", 2000),
    Element::block("MessageHeader.SignerInfo"),
    Element::text("MessageHeader.SignerInfo.Competence", 200),
    Element::text("MessageHeader.SignerInfo.Position", 200),
    Element::text("MessageHeader.SignerInfo.FullName", 200),
    Element::text("MessageHeader.DueDate", 0).form(Form::Date),
    Element::block("MessageHeader.ToPlaces"),
    Element::text("MessageHeader.ToPlaces.Place", 500).many(),
    Element::block("MessageHeader.OtherInfo"),
    Element::text("MessageHeader.OtherInfo.Priority", 0).form(Form::OneOf(&["0", "1", "2", "3", "4"])),
    Element::text("MessageHeader.OtherInfo.SphereOfPromulgation", 200),
    Element::text("MessageHeader.OtherInfo.TyperNotation", 100),
    Element::text("MessageHeader.OtherInfo.PromulgationAmount", 0).form(Form::Number),
    Element::text("MessageHeader.OtherInfo.PageAmount", 0).form(Form::Number),
    Element::block("MessageHeader.OtherInfo.Appendixes"),
    Element::text("MessageHeader.OtherInfo.Appendixes.Appendix", 2000).many(),
    Element::opaque("MessageHeader.OtherInfo.Direction").also(&["ReplyFors", "ReferenceCodes"]),
    Element::text("MessageHeader.OtherInfo.Secret", 0),
    Element::block("MessageHeader.ResponseFor").many().need(Need::Status),
    Element::text("MessageHeader.ResponseFor.OrganId", 35).need(Need::Status).form(Form::OrganId),
    Element::text("MessageHeader.ResponseFor.Code", 200).need(Need::Status),
    Element::text("MessageHeader.ResponseFor.PromulgationDate", 0).form(Form::Date),
    Element::text("MessageHeader.ResponseFor.DocumentId", 200).need(Need::Status),
    Element::text("MessageHeader.SteeringType", 0).form(Form::Number),
    Element::text("MessageHeader.DocumentId", 200).need(Need::Document),
    Element::opaque("MessageHeader.ResponseForTask").also(&["ApplicationType"]),
    Element::text("MessageHeader.Secret", 0),
    Element::block("MessageHeader.StaffInfo"),
    Element::text("MessageHeader.StatusCode", 0).form(Form::StatusCode),
    Element::text("MessageHeader.Description", 2000),
    Element::text("MessageHeader.Timestamp", 0).need(Need::Status).form(Form::Timestamp),
];

/// Table 3.1, second part: hops and what the packet does.
const TRACE: [Element; 22] = [
    Element::block("TraceHeaderList"),
    Element::block("TraceHeaderList.TraceHeader").many(),
    Element::text("TraceHeaderList.TraceHeader.OrganId", 0),
    Element::text("TraceHeaderList.TraceHeader.Timestamp", 0),
    Element::opaque("TraceHeaderList.Paper"),
    Element::block("TraceHeaderList.Bussiness").also(&["Business"]),
    Element::text("TraceHeaderList.Bussiness.BussinessDocType", 0)
        .also(&["BusinessDocType"])
        .form(Form::OneOf(&["0", "1", "2", "3"])),
    Element::text("TraceHeaderList.Bussiness.BussinessDocReason", 2000).also(&["BusinessDocReason"]),
    Element::block("TraceHeaderList.Bussiness.BussinessDocumentInfo").also(&["BusinessDocumentInfo"]),
    Element::text("TraceHeaderList.Bussiness.BussinessDocumentInfo.DocumentInfo", 2000),
    Element::text("TraceHeaderList.Bussiness.BussinessDocumentInfo.DocumentReceiver", 2000),
    Element::block("TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList"),
    Element::block("TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver").many(),
    Element::text("TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver.OrganId", 35)
        .need(Need::InParent)
        .form(Form::OrganId),
    Element::text("TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver.ReceiverType", 0).form(FLAG),
    Element::text("TraceHeaderList.Bussiness.DocumentId", 200),
    Element::block("TraceHeaderList.Bussiness.StaffInfo"),
    Element::text("TraceHeaderList.Bussiness.Paper", 0).form(FLAG),
    Element::block("TraceHeaderList.Bussiness.ReplacementInfoList"),
    Element::block("TraceHeaderList.Bussiness.ReplacementInfoList.ReplacementInfo").many(),
    Element::text("TraceHeaderList.Bussiness.ReplacementInfoList.ReplacementInfo.DocumentId", 200).need(Need::InParent),
    Element::block("TraceHeaderList.Bussiness.ReplacementInfoList.ReplacementInfo.OrganIdList"),
];

const REPLACED_BY_ORGAN: [Element; 1] =
    [Element::text("TraceHeaderList.Bussiness.ReplacementInfoList.ReplacementInfo.OrganIdList.OrganId", 35)
        .many()
        .form(Form::OrganId)];

/// Tables 4 and 5: manifest and attachments.
const ATTACHMENTS: [Element; 15] = [
    Element::block("Manifest").also(&["edXMLManifest"]),
    Element::block("Manifest.Reference").many(),
    Element::text("Manifest.Reference.ContentId", 200).need(Need::InParent),
    Element::text("Manifest.Reference.ContentType", 200),
    Element::text("Manifest.Reference.Description", 2000),
    Element::text("Manifest.Reference.AttachmentName", 500).need(Need::InParent),
    Element::block("Attachment").many(),
    Element::text("Attachment.ContentId", 200).need(Need::InParent),
    Element::text("Attachment.AttachmentName", 500).need(Need::InParent),
    Element::text("Attachment.Description", 2000),
    Element::text("Attachment.ContentType", 200),
    Element { shape: Shape::Base64, ..Element::block("Attachment.ContentTransferEncoded") }.need(Need::InParent),
    Element::opaque("Attachment.FieldName"),
    Element::opaque("Attachment.MimeType"),
    Element::opaque("Attachment.Format"),
];

static TABLE: [&[Element]; 9] = [
    &FRAME,
    &HEADER,
    &organization!("MessageHeader.From"),
    &organization!("MessageHeader.To"),
    &staff!("MessageHeader.StaffInfo"),
    &TRACE,
    &staff!("TraceHeaderList.Bussiness.StaffInfo"),
    &REPLACED_BY_ORGAN,
    &ATTACHMENTS,
];

/// Where a part of the packet hangs in the wrapper, since paths below leave the wrapper out.
const HUNG_UNDER: [(&str, &str); 4] = [
    ("MessageHeader", "edXMLEnvelope.edXMLHeader"),
    ("TraceHeaderList", "edXMLEnvelope.edXMLHeader"),
    ("Manifest", "edXMLEnvelope.edXMLBody"),
    ("Attachment", "AttachmentEncoded"),
];

/// Every row, in the order of the standard's tables.
pub fn all() -> impl Iterator<Item = &'static Element> {
    TABLE.iter().flat_map(|rows| rows.iter())
}

static BY_NAME: LazyLock<HashMap<(&str, &str), &'static Element>> = LazyLock::new(|| {
    let names = |e: &'static Element| std::iter::once(e.name()).chain(e.aliases.iter().copied());
    all().flat_map(|e| names(e).map(move |name| ((hangs_under(e), name), e))).collect()
});

/// The row of a path.
pub fn of_path(path: &str) -> Option<&'static Element> {
    all().find(|e| e.path == path)
}

/// The element with that local name inside `parent` (`None`: inside the root `edXML`).
pub fn child(parent: Option<&'static Element>, local: &str) -> Option<&'static Element> {
    BY_NAME.get(&(parent.map_or("", |p| p.path), local)).copied()
}

fn hangs_under(element: &'static Element) -> &'static str {
    match HUNG_UNDER.iter().find(|(part, _)| *part == element.path) {
        Some((_, wrapper)) => wrapper,
        None => element.parent(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_hangs_under_a_block_of_the_table() {
        for row in all() {
            let above = hangs_under(row);
            assert!(
                above.is_empty() || of_path(above).is_some_and(|p| p.shape == Shape::Block),
                "{} hangs under {above:?}, which is no block",
                row.path
            );
        }
    }

    #[test]
    fn paths_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for row in all() {
            assert!(seen.insert(row.path), "{} stands twice", row.path);
        }
    }

    #[test]
    fn aliases_lead_to_the_standard_element() {
        let header = of_path("MessageHeader.From");
        assert_eq!(child(header, "OrganInCharge").map(|e| e.name()), Some("OrganizationInCharge"));
        let body = of_path("edXMLEnvelope.edXMLBody");
        assert_eq!(child(body, "edXMLManifest").map(|e| e.path), Some("Manifest"));
        assert!(child(body, "Attachment").is_none());
    }
}
