//! The packets that the senders post: edXML documents from X99.A01 to X99.B02, of any size, in the layout that
//! the hub itself would emit. One attachment in base64 fills the size. Each post gets a fresh identifier, because
//! a hub that saw the same document twice would answer from memory.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The agency that issues every packet.
pub const SENDER: &str = "X99.A01";
/// The agency that every packet is for.
pub const RECIPIENT: &str = "X99.B02";

/// The sizes of packets, in bytes: a status or a short letter, the usual scanned letter, and two rare ones.
pub const SMALL: usize = 2_048;
pub const MEDIUM: usize = 370_000;
pub const LARGE: usize = 10_000_000;
pub const HUGE: usize = 50_000_000;

/// Where the fresh identifier goes in DocumentId.
const MARK: &str = "@@@@@@@@@@@@@@@@";

const TO_BEGINS: &str = "<To><OrganId>";

/// What stands before it.
const ID_BEGINS: &str = "<DocumentId>X99.A01,2025/06/02,";

/// Where its last half goes in CodeNumber: two documents of one agency never share a number.
const NUMBER_MARK: &str = "########";

const HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    r#"<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>"#,
    "<From><OrganId>X99.A01</OrganId><OrganName>Cơ quan A</OrganName></From>",
    "<To><OrganId>X99.B02</OrganId><OrganName>Cơ quan B</OrganName></To>",
    "<DocumentId>X99.A01,2025/06/02,@@@@@@@@@@@@@@@@</DocumentId>",
    "<Code><CodeNumber>########</CodeNumber><CodeNotation>CQA-VP</CodeNotation></Code>",
    "<PromulgationInfo><Place>Hà Nội</Place><PromulgationDate>2025/06/02</PromulgationDate></PromulgationInfo>",
    "<DocumentType><Type>1</Type><TypeName>Công văn</TypeName></DocumentType>",
    "<Subject>V/v đo tốc độ của trục liên thông văn bản</Subject>",
    "<SignerInfo><FullName>Nguyễn Văn A</FullName></SignerInfo>",
    "<OtherInfo><Priority>0</Priority></OtherInfo><SteeringType>1</SteeringType></MessageHeader></edXMLHeader>",
    r#"<edXMLBody><edXMLManifest version="1.0"><Reference><ContentId>cid:a1</ContentId>"#,
    "<ContentType>application/pdf</ContentType><AttachmentName>cong-van.pdf</AttachmentName></Reference>",
    "</edXMLManifest></edXMLBody></edXMLEnvelope><AttachmentEncoded><Attachment><ContentId>cid:a1</ContentId>",
    "<AttachmentName>cong-van.pdf</AttachmentName><ContentType>application/pdf</ContentType>",
    "<ContentTransferEncoded>",
);

const TAIL: &str = "</ContentTransferEncoded></Attachment></AttachmentEncoded></edXML>";

/// One packet and the places that change from post to post.
pub struct Packet {
    pub bytes: Vec<u8>,
    pub id_at: usize,
    pub number_at: usize,
    /// Where the first recipient's code stands.
    pub to_at: usize,
}

impl Packet {
    /// A packet of exactly `size` bytes to the one agency that every packet is for.
    pub fn build(size: usize) -> Result<Packet> {
        Packet::with_head(HEAD, size)
    }

    /// A packet of exactly `size` bytes to these agencies; `priority` 3 is hỏa tốc, 0 is not urgent.
    pub fn addressed(size: usize, recipients: &[String], priority: u8) -> Result<Packet> {
        let one = |code: &str| format!("<To><OrganId>{code}</OrganId><OrganName>Cơ quan {code}</OrganName></To>");
        let (before, rest) = HEAD.split_once("<To>").context("no recipient in the head")?;
        let (_, after) = rest.split_once("</To>").context("no recipient in the head")?;
        let all: String = recipients.iter().map(|code| one(code)).collect();
        let head = format!("{before}{all}{after}");
        let priority = format!("<Priority>{priority}</Priority>");
        Packet::with_head(&head.replace("<Priority>0</Priority>", &priority), size)
    }

    fn with_head(head: &str, size: usize) -> Result<Packet> {
        let room = size.saturating_sub(head.len() + TAIL.len());
        ensure!(room >= 16, "a packet of {size} bytes leaves no room for an attachment");
        let mut text = String::with_capacity(size);
        text.push_str(head);
        STANDARD.encode_string(attachment(room / 4 * 3), &mut text);
        text.push_str(TAIL);
        // Base64 comes in groups of four characters; blank lines after the root make up the rest.
        text.extend(std::iter::repeat_n('\n', room % 4));
        let id_at = text.find(MARK).context("no mark in DocumentId")?;
        let number_at = text.find(NUMBER_MARK).context("no mark in CodeNumber")?;
        let to_at = text.find(TO_BEGINS).context("no recipient")? + TO_BEGINS.len();
        Ok(Packet { bytes: text.into_bytes(), id_at, number_at, to_at })
    }
}

/// Bytes that begin like a PDF and that nothing can compress.
fn attachment(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 16);
    bytes.extend_from_slice(b"%PDF-1.7\n");
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Sixteen hexadecimal digits never given before: the first half tells runs apart, the second half posts.
pub fn fresh_id() -> [u8; 16] {
    static RUN: OnceLock<u64> = OnceLock::new();
    static POST: AtomicU64 = AtomicU64::new(0);
    let run = *RUN
        .get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64) << 32);
    let value = run | (POST.fetch_add(1, Ordering::Relaxed) & 0xFFFF_FFFF);
    let mut digits = [b'0'; 16];
    // Sixteen digits always hold eight bytes, so this cannot fail.
    let _ = hex::encode_to_slice(value.to_be_bytes(), &mut digits);
    digits
}

/// The number that these digits are.
pub fn number_of(digits: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// What tells a packet from every other, found in its first bytes; `None` where they do not reach as far.
pub fn identifier(beginning: &[u8]) -> Option<u64> {
    let at = beginning.windows(ID_BEGINS.len()).position(|part| part == ID_BEGINS.as_bytes())? + ID_BEGINS.len();
    number_of(beginning.get(at..at + MARK.len())?)
}
