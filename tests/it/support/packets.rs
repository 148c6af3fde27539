//! Packets made in code, for tests that need many or strange ones; the others are in `fixtures/`.

/// A document packet from X99.A01, to be changed before it is posted.
#[derive(Clone)]
pub struct Packet {
    pub from: String,
    pub to: Vec<String>,
    pub document_id: String,
    pub subject: String,
    pub attachment: Vec<u8>,
    pub extra_header: String,
    pub extra_trace: String,
    pub hop_at: String,
    pub swaps: Vec<(String, String)>,
}

/// A document to X99.B02 with a small attachment.
pub fn a_document(document_id: &str) -> Packet {
    Packet {
        from: "X99.A01".to_owned(),
        to: vec!["X99.B02".to_owned()],
        document_id: document_id.to_owned(),
        subject: "V/v thử nghiệm liên thông".to_owned(),
        attachment: b"noi dung".to_vec(),
        extra_header: String::new(),
        extra_trace: String::new(),
        hop_at: "2026/11/21 08:59:00".to_owned(),
        swaps: Vec::new(),
    }
}

impl Packet {
    pub fn from(mut self, code: &str) -> Self {
        self.from = code.to_owned();
        self
    }

    pub fn to(mut self, codes: &[&str]) -> Self {
        self.to = codes.iter().map(|c| (*c).to_owned()).collect();
        self
    }

    pub fn subject(mut self, subject: &str) -> Self {
        self.subject = subject.to_owned();
        self
    }

    pub fn attachment(mut self, content: Vec<u8>) -> Self {
        self.attachment = content;
        self
    }

    pub fn hop_at(mut self, at: &str) -> Self {
        self.hop_at = at.to_owned();
        self
    }

    /// Adds a business block of that inner XML.
    pub fn business(mut self, inner: &str) -> Self {
        self.extra_trace = format!("<Bussiness>{inner}</Bussiness>");
        self
    }

    /// A recall of that document, under the packet's own identifier.
    pub fn recalling(self, document_id: &str) -> Self {
        self.business(&format!("<BussinessDocType>1</BussinessDocType><DocumentId>{document_id}</DocumentId>"))
    }

    /// An update of that document, with agencies that join and leave.
    pub fn updating(self, document_id: &str, joining: &[&str], leaving: &[&str]) -> Self {
        let receiver = |code: &str, kind: &str| {
            format!("<Receiver><OrganId>{code}</OrganId><ReceiverType>{kind}</ReceiverType></Receiver>")
        };
        let join = joining.iter().map(|code| receiver(code, "1"));
        let list: String = join.chain(leaving.iter().map(|code| receiver(code, "0"))).collect();
        self.business(&format!(
            "<BussinessDocType>2</BussinessDocType><BussinessDocumentInfo><ReceiverList>{list}</ReceiverList>\
             </BussinessDocumentInfo><DocumentId>{document_id}</DocumentId>"
        ))
    }

    /// A replacement of these documents.
    pub fn replacing(self, document_ids: &[&str]) -> Self {
        let info = |id: &&str| format!("<ReplacementInfo><DocumentId>{id}</DocumentId></ReplacementInfo>");
        let list: String = document_ids.iter().map(info).collect();
        self.business(&format!(
            "<BussinessDocType>3</BussinessDocType><ReplacementInfoList>{list}</ReplacementInfoList>"
        ))
    }

    /// An answer to a document of another agency.
    pub fn answering(mut self, code: &str, document_id: &str) -> Self {
        self.extra_header = format!(
            "<ResponseFor><OrganId>{code}</OrganId><Code>1/VP-TN</Code><DocumentId>{document_id}</DocumentId></ResponseFor>"
        );
        self
    }

    /// Puts another text in place of one that must stand in the packet, wherever it stands.
    pub fn with(mut self, stands: &str, put: &str) -> Self {
        self.swaps.push((stands.to_owned(), put.to_owned()));
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let swap = |text: String, (stands, put): &(String, String)| {
            assert!(text.contains(stands), "{stands} is not in the packet");
            text.replace(stands, put)
        };
        self.swaps.iter().fold(self.text(), swap).into_bytes()
    }

    fn text(&self) -> String {
        use base64::Engine;
        let content = base64::engine::general_purpose::STANDARD.encode(&self.attachment);
        let to: String = self.to.iter().map(|c| format!("<To><OrganId>{c}</OrganId></To>")).collect();
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId>{from}</OrganId></From>{to}<DocumentId>{id}</DocumentId>
<Code><CodeNumber>1</CodeNumber><CodeNotation>VP-TN</CodeNotation></Code>
<PromulgationInfo><PromulgationDate>2026/11/20</PromulgationDate></PromulgationInfo>
<Subject>{subject}</Subject>{header}</MessageHeader>
<TraceHeaderList><TraceHeader><OrganId>{from}</OrganId><Timestamp>{hop}</Timestamp></TraceHeader>{trace}</TraceHeaderList>
</edXMLHeader><edXMLBody><edXMLManifest version="1.0"><Reference><ContentId>cid:1</ContentId>
<AttachmentName>tep.bin</AttachmentName></Reference></edXMLManifest></edXMLBody></edXMLEnvelope>
<AttachmentEncoded><Attachment><ContentId>cid:1</ContentId><AttachmentName>tep.bin</AttachmentName>
<ContentType>application/octet-stream</ContentType><ContentTransferEncoded>{content}</ContentTransferEncoded>
</Attachment></AttachmentEncoded></edXML>
"#,
            from = self.from,
            id = self.document_id,
            subject = self.subject,
            hop = self.hop_at,
            header = self.extra_header,
            trace = self.extra_trace,
        )
    }
}

/// A status packet about a document.
pub fn a_status(from: &str, about: (&str, &str), code: &str, at: &str) -> Vec<u8> {
    let (organ, document_id) = about;
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId>{from}</OrganId></From><ResponseFor><OrganId>{organ}</OrganId><Code>1/VP-TN</Code>
<PromulgationDate>2026/11/20</PromulgationDate><DocumentId>{document_id}</DocumentId></ResponseFor>
<StatusCode>{code}</StatusCode><Description>lý do thử nghiệm</Description><Timestamp>{at}</Timestamp>
</MessageHeader></edXMLHeader></edXMLEnvelope></edXML>
"#
    )
    .into_bytes()
}
