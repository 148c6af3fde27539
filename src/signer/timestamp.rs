//! Time-stamps (RFC 3161): how an authority is asked for one, and whether a token that it gave holds. A token says that a digest
//! was there at a time; it is judged by the certificates as they stood then, so that it holds for ever. Not here: who asks whom,
//! and of what the digest is.

use super::certificate::{CERTIFICATES_MAX, Certificate};
use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDateTime, Utc};
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, Utf8StringRef};
use x509_cert::der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged};
use x509_cert::spki::AlgorithmIdentifierRef;

/// The media type of a request.
pub const QUERY_MEDIA: &str = "application/timestamp-query";
/// The media type of an answer.
pub const REPLY_MEDIA: &str = "application/timestamp-reply";

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TIME_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const OF_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const OF_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const OF_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// The first byte of signed attributes in a token, and of the same when they are signed.
const ATTRIBUTES: u8 = 0xa0;
const SET: u8 = 0x31;
/// Digits of a time up to its seconds.
const SECONDS_DIGITS: usize = 14;
/// Longest reason of a refusal that is told, in characters.
const REASON_CHARS_MAX: usize = 200;

/// What an authority is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<'a> {
    /// The SHA-256 that is to be stamped.
    pub imprint: &'a [u8],
    /// A number that the token must repeat.
    pub nonce: u64,
    /// The policy that is wanted, as numbers with dots; empty: whichever the authority has.
    pub policy: &'a str,
}

/// Whether a text names a policy.
pub fn is_policy(text: &str) -> bool {
    ObjectIdentifier::new(text).is_ok()
}

fn sequence(parts: &[Vec<u8>]) -> Option<Vec<u8>> {
    AnyRef::new(Tag::Sequence, &parts.concat()).ok()?.to_der().ok()
}

impl Query<'_> {
    /// The request (DER), which asks for the certificate too; nothing when the policy is none.
    pub fn der(&self) -> Option<Vec<u8>> {
        let method = sequence(&[OF_SHA256.to_der().ok()?, AnyRef::NULL.to_der().ok()?])?;
        let imprint = OctetStringRef::new(self.imprint).ok()?.to_der().ok()?;
        let policy = match self.policy {
            "" => Vec::new(),
            text => ObjectIdentifier::new(text).ok()?.to_der().ok()?,
        };
        let (version, nonce, with_certificate) = (1_u8.to_der(), self.nonce.to_der(), true.to_der());
        sequence(&[version.ok()?, sequence(&[method, imprint])?, policy, nonce.ok()?, with_certificate.ok()?])
    }
}

/// What stands in an element.
fn inside(element: AnyRef<'_>) -> Option<SliceReader<'_>> {
    SliceReader::new(element.value()).ok()
}

/// The next element.
fn next<'a, T: Decode<'a>>(reader: &mut SliceReader<'a>) -> Option<T> {
    reader.decode().ok()
}

/// What stands in the next element.
fn enter<'a>(reader: &mut SliceReader<'a>) -> Option<SliceReader<'a>> {
    inside(next(reader)?)
}

fn is_of_context(element: AnyRef<'_>, number: TagNumber) -> bool {
    element.tag() == Tag::ContextSpecific { constructed: true, number }
}

/// The token in an answer, as it came.
///
/// # Errors
/// Why there is none.
pub fn granted(answer: &[u8]) -> Result<Vec<u8>, String> {
    let unreadable = || "its answer is no answer of a time-stamp authority".to_owned();
    let mut response = AnyRef::from_der(answer).ok().and_then(inside).ok_or_else(unreadable)?;
    let mut status = enter(&mut response).ok_or_else(unreadable)?;
    let number: u8 = next(&mut status).ok_or_else(unreadable)?;
    // Granted, as it was asked or with changes, which are looked for in the token.
    if number > 1 {
        let said = enter(&mut status).and_then(|mut texts| next::<Utf8StringRef<'_>>(&mut texts));
        let said = said.map(|text| text.as_str().chars().filter(|sign| !sign.is_control()).take(REASON_CHARS_MAX));
        return Err(format!("it refuses (status {number}): {}", said.into_iter().flatten().collect::<String>()));
    }
    response.tlv_bytes().map(<[u8]>::to_vec).map_err(|_| unreadable())
}

/// Why a token does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is none, or says something that is not known.
    #[error("it is no time-stamp that can be read")]
    Unreadable,
    /// It is of something else.
    #[error("it is of something else")]
    Imprint,
    /// It was altered, or another key signed it.
    #[error("its signature does not hold")]
    Signature,
    /// The certificate is not one for time-stamps.
    #[error("its certificate is not one for time-stamps only")]
    Purpose,
    /// The certificate had ended, or had not begun, at the time that it says.
    #[error("its certificate did not hold at the time that it says")]
    CertificateTime,
    /// Nobody who is trusted stands behind the certificate.
    #[error("nobody who is trusted stands behind its certificate")]
    Untrusted,
}

/// A token, read but not judged.
#[derive(Debug, Clone)]
pub struct Token {
    /// The time that it says.
    pub at: DateTime<Utc>,
    /// Under which policy, as numbers with dots.
    pub policy: String,
    /// The number of the request.
    pub nonce: Option<u64>,
    imprint: Vec<u8>,
    /// Whether what is signed is the digest of what it says.
    is_whole: bool,
    message: Vec<u8>,
    signature: Vec<u8>,
    /// Whose key is said to have signed, and further certificates.
    own: Certificate,
    others: Vec<Certificate>,
}

/// What a token says.
struct Info {
    at: DateTime<Utc>,
    policy: String,
    nonce: Option<u64>,
    imprint: Vec<u8>,
}

/// Whoever signed a token, with what.
struct Signer<'a> {
    digest: &'static Algorithm,
    attributes: &'a [u8],
    signature: &'a [u8],
}

impl Token {
    /// The token that these bytes are (DER).
    pub fn read(der: &[u8]) -> Option<Self> {
        let mut outer = inside(AnyRef::from_der(der).ok()?)?;
        let is_signed = next::<ObjectIdentifier>(&mut outer)? == SIGNED_DATA;
        let mut data = enter(&mut enter(&mut outer)?)?;
        let (_version, _digests) = (next::<AnyRef<'_>>(&mut data)?, next::<AnyRef<'_>>(&mut data)?);
        let mut encapsulated = enter(&mut data)?;
        let is_time = next::<ObjectIdentifier>(&mut encapsulated)? == TIME_INFO;
        let content: OctetStringRef<'_> = next(&mut enter(&mut encapsulated)?)?;
        let mut part: AnyRef<'_> = next(&mut data)?;
        let mut certificates = Vec::new();
        if is_of_context(part, TagNumber::N0) {
            certificates = all_of(part)?;
            part = next(&mut data)?;
        }
        // Revocation lists say nothing that is asked here.
        if is_of_context(part, TagNumber::N1) {
            part = next(&mut data)?;
        }
        let mut signers = inside(part)?;
        let Signer { digest: by, attributes, signature } = signer(enter(&mut signers)?)?;
        let kind = attribute(attributes, CONTENT_TYPE)?.decode_as::<ObjectIdentifier>().ok()?;
        if !(is_signed && is_time && kind == TIME_INFO && signers.is_finished()) {
            return None;
        }
        let said = attribute(attributes, MESSAGE_DIGEST)?.decode_as::<OctetStringRef<'_>>().ok()?;
        let own = certificates.remove(named(attributes, &certificates)?);
        let Info { at, policy, nonce, imprint } = info(content.as_bytes())?;
        let (_, rest) = attributes.split_first()?;
        Some(Self {
            is_whole: digest(by, content.as_bytes()).as_ref() == said.as_bytes(),
            message: [&[SET], rest].concat(),
            signature: signature.to_vec(),
            others: certificates,
            own,
            at,
            policy,
            nonce,
            imprint,
        })
    }

    /// The token that a text is (base64).
    pub fn read_text(text: &str) -> Option<Self> {
        Self::read(&STANDARD.decode(text).ok()?)
    }

    /// Whose certificate it is.
    pub fn authority(&self) -> &str {
        &self.own.subject
    }

    /// Whether it says that this digest was there, under a certificate for which somebody trusted vouched then.
    ///
    /// # Errors
    /// Why not.
    pub fn holds(&self, imprint: &[u8], trusted: &[Certificate]) -> Result<(), TokenFault> {
        if self.imprint != imprint {
            return Err(TokenFault::Imprint);
        }
        if !self.is_whole || !self.own.made(&self.message, &self.signature) {
            return Err(TokenFault::Signature);
        }
        if !self.own.stamps_time {
            return Err(TokenFault::Purpose);
        }
        if !self.own.holds_at(self.at) {
            return Err(TokenFault::CertificateTime);
        }
        self.own.is_trusted(&self.others, trusted, self.at).then_some(()).ok_or(TokenFault::Untrusted)
    }
}

/// A token as text.
pub fn text(token: &[u8]) -> String {
    STANDARD.encode(token)
}

/// The certificates of a token, as far as they are of a known kind.
fn all_of(element: AnyRef<'_>) -> Option<Vec<Certificate>> {
    let (mut reader, mut all) = (inside(element)?, Vec::new());
    while !reader.is_finished() {
        all.extend(Certificate::read(reader.tlv_bytes().ok()?));
    }
    (all.len() <= CERTIFICATES_MAX).then_some(all)
}

fn algorithm(named: AlgorithmIdentifierRef<'_>) -> Option<&'static Algorithm> {
    let known = [(OF_SHA256, &SHA256), (OF_SHA384, &SHA384), (OF_SHA512, &SHA512)];
    known.into_iter().find(|(oid, _)| *oid == named.oid).map(|(_, algorithm)| algorithm)
}

fn signer(mut reader: SliceReader<'_>) -> Option<Signer<'_>> {
    // Whose key it is, the attributes say by a digest.
    let (_version, _who) = (next::<AnyRef<'_>>(&mut reader)?, next::<AnyRef<'_>>(&mut reader)?);
    let digest = algorithm(next(&mut reader)?)?;
    let attributes = reader.tlv_bytes().ok().filter(|bytes| bytes.first() == Some(&ATTRIBUTES))?;
    let _how: AnyRef<'_> = next(&mut reader)?;
    let signature: OctetStringRef<'_> = next(&mut reader)?;
    Some(Signer { digest, attributes, signature: signature.as_bytes() })
}

/// The value of the only attribute of a kind.
fn attribute(attributes: &[u8], kind: ObjectIdentifier) -> Option<AnyRef<'_>> {
    let (mut all, mut found) = (inside(AnyRef::from_der(attributes).ok()?)?, None);
    while !all.is_finished() {
        let mut one = enter(&mut all)?;
        if next::<ObjectIdentifier>(&mut one)? == kind {
            let value = next(&mut enter(&mut one)?)?;
            if found.replace(value).is_some() {
                return None;
            }
        }
    }
    found
}

/// Which certificate the signature names by its digest (RFC 5035, RFC 2634).
fn named(attributes: &[u8], certificates: &[Certificate]) -> Option<usize> {
    let (value, usual) = match attribute(attributes, SIGNING_CERTIFICATE_V2) {
        Some(value) => (value, &SHA256),
        None => (attribute(attributes, SIGNING_CERTIFICATE)?, &SHA1_FOR_LEGACY_USE_ONLY),
    };
    let mut first = enter(&mut enter(&mut inside(value)?)?)?;
    let by = match next::<Option<AlgorithmIdentifierRef<'_>>>(&mut first)? {
        Some(other) => algorithm(other)?,
        None => usual,
    };
    let wanted: OctetStringRef<'_> = next(&mut first)?;
    certificates.iter().position(|one| digest(by, one.der()).as_ref() == wanted.as_bytes())
}

/// What a token says; nothing when it is of another form, or has to be understood in a way that is not known.
fn info(content: &[u8]) -> Option<Info> {
    let mut fields = inside(AnyRef::from_der(content).ok()?)?;
    let version: u8 = next(&mut fields)?;
    let policy: ObjectIdentifier = next(&mut fields)?;
    let mut stamped = enter(&mut fields)?;
    let method: AlgorithmIdentifierRef<'_> = next(&mut stamped)?;
    let imprint: OctetStringRef<'_> = next(&mut stamped)?;
    let (_serial, at) = (next::<AnyRef<'_>>(&mut fields)?, next::<AnyRef<'_>>(&mut fields)?);
    if version != 1 || method.oid != OF_SHA256 || at.tag() != Tag::GeneralizedTime {
        return None;
    }
    let mut nonce = None;
    while !fields.is_finished() {
        let field: AnyRef<'_> = next(&mut fields)?;
        if field.tag() == Tag::Integer {
            nonce = field.decode_as::<u64>().ok();
        }
        if is_of_context(field, TagNumber::N1) && is_critical(field)? {
            return None;
        }
    }
    let (at, policy) = (instant(at.value())?, policy.to_string());
    Some(Info { at, policy, nonce, imprint: imprint.as_bytes().to_vec() })
}

/// Whether one of these extensions must be understood.
fn is_critical(extensions: AnyRef<'_>) -> Option<bool> {
    let mut all = inside(extensions)?;
    while !all.is_finished() {
        let mut one = enter(&mut all)?;
        let _kind: ObjectIdentifier = next(&mut one)?;
        if next::<Option<bool>>(&mut one)? == Some(true) {
            return Some(true);
        }
    }
    Some(false)
}

/// A time with or without parts of seconds.
fn instant(text: &[u8]) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (seconds, parts) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.len() != SECONDS_DIGITS || !are_digits(seconds) || !are_digits(parts) {
        return None;
    }
    Some(NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S%.f").ok()?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_one_that_the_specification_describes() {
        let query = Query { imprint: &[7; 32], nonce: 0x8000_0000_0000_0001, policy: "1.2.3.4.1" };
        let expected = [
            "304a020101",
            "3031300d060960864801650304020105000420",
            &"07".repeat(32),
            "06042a030401",
            "0209008000000000000001",
            "0101ff",
        ];
        assert_eq!(hex::encode(query.der().unwrap()), expected.concat());
        assert_eq!(Query { policy: "none", ..query }.der(), None);
        assert!(is_policy("1.2.3.4.1") && !is_policy("1.2.x"));
    }

    #[test]
    fn times_are_read_with_and_without_parts_of_seconds() {
        let micros = |text: &[u8]| instant(text).map(|at| at.timestamp_micros());
        assert_eq!(micros(b"20261122080000Z"), Some(1_795_334_400_000_000));
        assert_eq!(micros(b"20261122080000.25Z"), Some(1_795_334_400_250_000));
        assert_eq!((micros(b"20261122080000"), micros(b"2026112208000Z"), micros(b"")), (None, None, None));
    }

    #[test]
    fn what_is_no_token_is_read_as_none_and_nothing_breaks() {
        let garbage: [&[u8]; 5] = [b"", b"0", &[0x30, 0x80, 0, 0], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], b"<html>"];
        for bytes in garbage {
            assert!(Token::read(bytes).is_none() && granted(bytes).is_err(), "{bytes:?}");
        }
        // PKIStatusInfo { rejection, "no" }.
        let refused = [0x30, 9, 0x30, 7, 2, 1, 2, 0x30, 2, 0x0c, 0];
        assert_eq!(granted(&refused), Err("it refuses (status 2): ".to_owned()));
        assert!(granted(&[0x30, 5, 0x30, 3, 2, 1, 0]).is_err(), "granted, and no token");
    }
}
