//! Packets made in code, for tests that need many or strange ones; the others are in `fixtures/`.

/// A document packet from X99.A01, to be changed before it is posted.
#[derive(Clone)]
pub struct Packet {
    pub from: String,
    pub to: Vec<String>,
    pub document_id: String,
    pub subject: String,
    pub attachment: Vec<u8>,
    pub extra_trace: String,
    pub hop_at: String,
}

/// A document to X99.B02 with a small attachment.
pub fn a_document(document_id: &str) -> Packet {
    Packet {
        from: "X99.A01".to_owned(),
        to: vec!["X99.B02".to_owned()],
        document_id: document_id.to_owned(),
        subject: "V/v thử nghiệm liên thông".to_owned(),
        attachment: b"noi dung".to_vec(),
        extra_trace: String::new(),
        hop_at: "2026/11/21 08:59:00".to_owned(),
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

    pub fn bytes(&self) -> Vec<u8> {
        use base64::Engine;
        let content = base64::engine::general_purpose::STANDARD.encode(&self.attachment);
        let to: String = self.to.iter().map(|c| format!("<To><OrganId>{c}</OrganId></To>")).collect();
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId>{from}</OrganId></From>{to}<DocumentId>{id}</DocumentId>
<Code><CodeNumber>1</CodeNumber><CodeNotation>VP-TN</CodeNotation></Code>
<PromulgationInfo><PromulgationDate>2026/11/20</PromulgationDate></PromulgationInfo>
<Subject>{subject}</Subject></MessageHeader>
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
            trace = self.extra_trace,
        )
        .into_bytes()
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
