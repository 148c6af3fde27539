//! Receipts in XML, with an enveloped signature. The hub writes them in the canonical form (exclusive C14N) from the start, so
//! that what is signed is what is written; and it reads only what it would write itself, byte for byte, so that nothing but
//! further certificates can stand in a receipt that was not signed. Other tools canonicalise and come to the same bytes (`xmlsec1`).

use crate::domain::dates::for_machines;
use crate::domain::receipt::{Packet, Receipt, Recipient, Record};
use crate::domain::text::is_writable;
use crate::signer::certificate::{Algorithm, CERTIFICATES_MAX};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, SecondsFormat, Utc};
use std::fmt::Write;

/// The namespace of receipts of this form.
pub const NAMESPACE: &str = "urn:docaxis:receipt:1";
const SIGNATURE_NAMESPACE: &str = " xmlns=\"http://www.w3.org/2000/09/xmldsig#\"";

/// Why a text is no receipt of this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFault {
    /// It cannot be read.
    Unreadable,
    /// It says a receipt in other bytes than the hub writes.
    OtherBytes,
}

/// A receipt as it was read, with what is needed to verify it.
#[derive(Debug, Clone)]
pub struct Signed {
    /// What it says.
    pub receipt: Receipt,
    /// How it was signed.
    pub algorithm: Algorithm,
    /// The certificates in it (DER), that of its key first.
    pub certificates: Vec<Vec<u8>>,
    /// Whether the digest that was signed is that of the text.
    pub is_whole: bool,
    /// What was signed.
    pub message: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Writes a receipt and signs it; nothing when the key cannot be used.
pub fn write(
    receipt: &Receipt,
    (algorithm, certificates): (Algorithm, &[&[u8]]),
    sign: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Option<String> {
    let (head, tail) = body(receipt);
    let signed_info = signed_info(algorithm, &digest_of(&head, tail));
    let signature = sign(canonical(&signed_info).as_bytes())?;
    Some(whole((&head, tail), &signed_info, &signature, certificates))
}

/// Reads a receipt that the hub wrote.
///
/// # Errors
/// When it is none, or not in the very bytes.
pub fn read(text: &str) -> Result<Signed, ReadFault> {
    let mut rest = Rest(text);
    let (signed, digest_value) = rest.signed().ok_or(ReadFault::Unreadable)?;
    let (head, tail) = body(&signed.receipt);
    let signed_info = signed_info(signed.algorithm, &digest_value);
    let certificates: Vec<&[u8]> = signed.certificates.iter().map(Vec::as_slice).collect();
    if whole((&head, tail), &signed_info, &signed.signature, &certificates) != text {
        return Err(ReadFault::OtherBytes);
    }
    let (is_whole, message) = (digest_value == digest_of(&head, tail), canonical(&signed_info).into_bytes());
    Ok(Signed { is_whole, message, ..signed })
}

fn digest_of(head: &str, tail: &str) -> String {
    // The line feed after the root element is no part of the canonical form.
    BASE64.encode(digest(&SHA256, [head, tail.trim_end()].concat().as_bytes()))
}

/// What is signed: the element with the namespace that it inherits where it stands.
fn canonical(signed_info: &str) -> String {
    signed_info.trim_end().replacen("<SignedInfo", &format!("<SignedInfo{SIGNATURE_NAMESPACE}"), 1)
}

fn method(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EcdsaP256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        Algorithm::Rsa => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    }
}

fn signed_info(algorithm: Algorithm, digest_value: &str) -> String {
    let method = method(algorithm);
    format!(
        "<SignedInfo>\n\
         <CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></CanonicalizationMethod>\n\
         <SignatureMethod Algorithm=\"{method}\"></SignatureMethod>\n\
         <Reference URI=\"\">\n\
         <Transforms>\n\
         <Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></Transform>\n\
         <Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></Transform>\n\
         </Transforms>\n\
         <DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></DigestMethod>\n\
         <DigestValue>{digest_value}</DigestValue>\n\
         </Reference>\n\
         </SignedInfo>\n"
    )
}

fn whole((head, tail): (&str, &str), signed_info: &str, signature: &[u8], certificates: &[&[u8]]) -> String {
    let mut sheet = Sheet(format!("{head}<Signature{SIGNATURE_NAMESPACE}>\n{signed_info}"));
    sheet.line("SignatureValue", &BASE64.encode(signature));
    sheet.block("KeyInfo", |sheet| {
        sheet.block("X509Data", |sheet| {
            certificates.iter().for_each(|der| sheet.line("X509Certificate", &BASE64.encode(der)));
        });
    });
    sheet.0 + "</Signature>" + tail
}

/// The receipt without its signature: what stands before it, and after it.
fn body(receipt: &Receipt) -> (String, &'static str) {
    let mut sheet = Sheet(format!("<Receipt xmlns=\"{NAMESPACE}\">\n"));
    let Receipt { evidence, .. } = receipt;
    sheet.line("Hub", &receipt.hub);
    sheet.line("Ledger", &receipt.ledger);
    sheet.line("Certificate", &receipt.certificate);
    sheet.line("SignedAt", &utc(receipt.signed_at));
    sheet.maybe("EtsiEvent", receipt.etsi());
    sheet.line("VietnamTime", &for_machines(evidence.at));
    sheet.block("Evidence", |sheet| {
        sheet.line("EvidenceId", &evidence.evidence_id);
        sheet.line("Event", &evidence.event);
        sheet.line("At", &utc(evidence.at));
        sheet.maybe("EnvelopeId", evidence.envelope_id.as_deref());
        sheet.maybe("DeliveryId", evidence.delivery_id.as_deref());
        sheet.maybe("Agency", evidence.agency.as_deref());
        sheet.maybe("SystemId", evidence.system_id.as_deref());
        sheet.line("Facts", &evidence.facts);
    });
    if let Some(packet) = &receipt.packet {
        sheet.block("Packet", |sheet| {
            sheet.line("EnvelopeId", &packet.envelope_id);
            sheet.line("Kind", &packet.kind);
            sheet.line("Sender", &packet.sender);
            sheet.line("DocumentId", &packet.document_id);
            sheet.line("Code", &packet.code);
            sheet.line("Subject", &packet.subject);
            sheet.line("Sha256", &packet.sha256);
            sheet.line("Bytes", &packet.bytes.to_string());
            sheet.line("AcceptedAt", &utc(packet.accepted_at));
        });
    }
    for recipient in &receipt.recipients {
        sheet.block("Recipient", |sheet| {
            sheet.line("Agency", &recipient.agency);
            sheet.line("DeliveryId", &recipient.delivery_id);
            sheet.line("Outcome", &recipient.outcome);
        });
    }
    (sheet.0, "\n</Receipt>\n")
}

fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Writes one element a line.
struct Sheet(String);

impl Sheet {
    fn line(&mut self, name: &str, text: &str) {
        // Writing to a text does not fail.
        let _ = write!(self.0, "<{name}>");
        for sign in text.chars() {
            match sign {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '\r' => self.0.push_str("&#xD;"),
                sign if is_writable(sign) => self.0.push(sign),
                _ => self.0.push(char::REPLACEMENT_CHARACTER),
            }
        }
        let _ = writeln!(self.0, "</{name}>");
    }

    fn maybe(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.line(name, text);
        }
    }

    fn block(&mut self, name: &str, within: impl FnOnce(&mut Self)) {
        let _ = writeln!(self.0, "<{name}>");
        within(self);
        let _ = writeln!(self.0, "</{name}>");
    }
}

/// What is still to be read. Whatever it lets pass that the hub would not write is found when that is written anew.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn past(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// The text of the element that comes next, if it is that one.
    fn text(&mut self, name: &str) -> Option<String> {
        let inner = self.0.strip_prefix('<')?.strip_prefix(name)?.strip_prefix('>')?;
        let (text, rest) = inner.split_once(&format!("</{name}>\n"))?;
        self.0 = rest;
        let text = text.replace("&#xD;", "\r").replace("&lt;", "<").replace("&gt;", ">");
        Some(text.replace("&amp;", "&"))
    }

    fn time(&mut self, name: &str) -> Option<DateTime<Utc>> {
        Some(DateTime::parse_from_rfc3339(&self.text(name)?).ok()?.with_timezone(&Utc))
    }

    fn block<T>(&mut self, name: &str, within: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.past(&format!("<{name}>\n"))?;
        let read = within(self)?;
        self.past(&format!("</{name}>\n"))?;
        Some(read)
    }

    /// The receipt, and the digest that was signed.
    fn signed(&mut self) -> Option<(Signed, String)> {
        self.past(&format!("<Receipt xmlns=\"{NAMESPACE}\">\n"))?;
        let receipt = self.receipt()?;
        self.past(&format!("<Signature{SIGNATURE_NAMESPACE}>\n"))?;
        let text = self.0;
        let is_by =
            |algorithm: &Algorithm| text.contains(&format!("<SignatureMethod Algorithm=\"{}\">", method(*algorithm)));
        let algorithm = [Algorithm::EcdsaP256, Algorithm::Rsa].into_iter().find(is_by)?;
        let (before, _) = text.split_once("<DigestValue>")?;
        self.past(before)?;
        let digest_value = self.text("DigestValue")?;
        self.past("</Reference>\n</SignedInfo>\n")?;
        let signature = BASE64.decode(self.text("SignatureValue")?).ok()?;
        let certificates = self.block("KeyInfo", |rest| {
            rest.block("X509Data", |rest| {
                let mut all = Vec::new();
                while let Some(one) = rest.text("X509Certificate").filter(|_| all.len() < CERTIFICATES_MAX) {
                    all.push(BASE64.decode(one).ok()?);
                }
                Some(all)
            })
        })?;
        let (is_whole, message) = (false, Vec::new());
        Some((Signed { receipt, algorithm, certificates, is_whole, message, signature }, digest_value))
    }

    fn receipt(&mut self) -> Option<Receipt> {
        let (hub, ledger, certificate) = (self.text("Hub")?, self.text("Ledger")?, self.text("Certificate")?);
        let signed_at = self.time("SignedAt")?;
        // Both follow from the evidence.
        let _ = (self.text("EtsiEvent"), self.text("VietnamTime")?);
        let evidence = self.block("Evidence", |rest| {
            Some(Record {
                evidence_id: rest.text("EvidenceId")?,
                event: rest.text("Event")?,
                at: rest.time("At")?,
                envelope_id: rest.text("EnvelopeId"),
                delivery_id: rest.text("DeliveryId"),
                agency: rest.text("Agency"),
                system_id: rest.text("SystemId"),
                facts: rest.text("Facts")?,
            })
        })?;
        let packet = self.block("Packet", |rest| {
            Some(Packet {
                envelope_id: rest.text("EnvelopeId")?,
                kind: rest.text("Kind")?,
                sender: rest.text("Sender")?,
                document_id: rest.text("DocumentId")?,
                code: rest.text("Code")?,
                subject: rest.text("Subject")?,
                sha256: rest.text("Sha256")?,
                bytes: rest.text("Bytes")?.parse().ok()?,
                accepted_at: rest.time("AcceptedAt")?,
            })
        });
        let mut recipients = Vec::new();
        while let Some(recipient) = self.block("Recipient", |rest| {
            let (agency, delivery_id) = (rest.text("Agency")?, rest.text("DeliveryId")?);
            Some(Recipient { agency, delivery_id, outcome: rest.text("Outcome")? })
        }) {
            recipients.push(recipient);
        }
        Some(Receipt { hub, ledger, certificate, signed_at, evidence, packet, recipients })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn receipt(text: &str) -> Receipt {
        let at = DateTime::from_timestamp_micros(1_795_226_400_123_456).unwrap();
        let evidence = Record {
            evidence_id: "0190a5b0c1d27e3f8a4b5c6d7e8f9a0b".to_owned(),
            event: "SubmissionAcceptance".to_owned(),
            at,
            envelope_id: Some("e1".to_owned()),
            delivery_id: None,
            agency: Some(text.to_owned()),
            system_id: Some(String::new()),
            facts: format!("{{\"x\":\"{text}\"}}"),
        };
        let packet = Packet {
            envelope_id: "e1".to_owned(),
            kind: "new".to_owned(),
            sender: "X99.A01".to_owned(),
            document_id: text.to_owned(),
            code: "1/VP-TN".to_owned(),
            subject: text.to_owned(),
            sha256: "00".repeat(32),
            bytes: 7,
            accepted_at: at,
        };
        let to = |agency: &str| Recipient {
            agency: agency.to_owned(),
            delivery_id: "d1".to_owned(),
            outcome: "consigned".to_owned(),
        };
        Receipt {
            hub: "Trục".to_owned(),
            ledger: "hub.example.vn/ledger+c74f20a3+AR".to_owned(),
            certificate: "ab".repeat(32),
            signed_at: at,
            evidence,
            packet: Some(packet),
            recipients: vec![to("X99.B02"), to(text)],
        }
    }

    fn written(receipt: &Receipt) -> String {
        write(receipt, (Algorithm::EcdsaP256, &[b"leaf", b"issuer"]), |_| Some(vec![1; 64])).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "[ -~\\t\\r\\nđỗ&<>\"']{0,60}") {
            let receipt = receipt(&text);
            let read = read(&written(&receipt)).unwrap();

            prop_assert!(read.is_whole);
            prop_assert_eq!(read.receipt, receipt);
            prop_assert_eq!(read.certificates, [b"leaf".to_vec(), b"issuer".to_vec()]);
        }

        #[test]
        fn arbitrary_text_is_no_receipt(text in ".{0,200}") {
            prop_assert!(read(&text).is_err());
        }
    }

    #[test]
    fn no_byte_can_be_altered_unnoticed() {
        let text = written(&receipt("Về việc <thử> & \"khác\""));
        let before = read(&text).unwrap();
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] ^= 1;
            let Ok(altered) = String::from_utf8(bytes) else { continue };
            let Ok(read) = read(&altered) else { continue };
            // The digest no longer holds, or another message is signed, or by another signature or key.
            let same = read.is_whole && read.message == before.message;
            assert!(!same || read.signature != before.signature || read.certificates != before.certificates, "{place}");
        }
    }

    #[test]
    fn the_same_receipt_in_other_bytes_is_refused() {
        let text = written(&receipt("x"));
        let others = [
            text.replace("<Hub>", "<Hub >"),
            text.replacen("\n</Signature>", "</Signature>", 1),
            text.replace('\n', "\r\n"),
            format!("<?xml version=\"1.0\"?>{text}"),
            format!("{text} "),
            text.replace("<Hub>", "<!-- --><Hub>"),
            text.replace("<VietnamTime>2026", "<VietnamTime>2027"),
            text.replace("A.1</EtsiEvent>", "A.2</EtsiEvent>"),
            text.replacen("<SignedInfo>", "<SignedInfo Id=\"x\">", 1),
        ];
        for other in others {
            assert!(read(&other).is_err(), "{other}");
        }
    }

    #[test]
    fn what_xml_does_not_allow_is_not_written() {
        let text = written(&receipt("a\u{0}\u{ffff}b"));
        assert!(text.contains("a\u{fffd}\u{fffd}b"));
    }
}
