//! X.509 certificates under receipts: whose, when they hold, what their keys signed, and whether one that is trusted stands
//! behind them. Not here: private keys (`credential`), what is signed.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use std::time::Duration;
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage};

/// Certificates in one receipt: that of the key, and those of its issuers.
pub const CERTIFICATES_MAX: usize = 8;

/// The purpose of keys that sign time-stamps: RFC 3161.
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");

/// By what authorities and those whom they vouch for sign.
const ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 6] = [
    webpki::aws_lc_rs::ECDSA_P256_SHA256,
    webpki::aws_lc_rs::ECDSA_P256_SHA384,
    webpki::aws_lc_rs::ECDSA_P384_SHA384,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
];

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256; a signature is r and s, 32 bytes each.
    EcdsaP256,
    /// RSA of 2048 bits or more, PKCS #1 v1.5 with SHA-256.
    Rsa,
}

impl Algorithm {
    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::EcdsaP256 => &ECDSA_P256_SHA256_FIXED,
            Self::Rsa => &RSA_PKCS1_2048_8192_SHA256,
        }
    }
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    public_key: Vec<u8>,
    /// SHA-256 of its bytes in hexadecimal: the id of its key in receipts.
    pub id: String,
    /// Whose it is.
    pub subject: String,
    /// Whether its own key signed it.
    pub is_self_issued: bool,
    /// Whether it may vouch for others (basicConstraints CA).
    pub is_authority: bool,
    /// Whether its key signs time-stamps and nothing else (extendedKeyUsage timeStamping, critical).
    pub stamps_time: bool,
    /// From when it holds.
    pub begins_at: DateTime<Utc>,
    /// Until when it holds.
    pub ends_at: DateTime<Utc>,
}

impl Certificate {
    /// The certificate that these bytes are (DER).
    pub fn read(der: &[u8]) -> Option<Self> {
        let parsed = x509_cert::Certificate::from_der(der).ok()?;
        let fields = parsed.tbs_certificate;
        let instant = |time: x509_cert::time::Time| {
            DateTime::from_timestamp(i64::try_from(time.to_unix_duration().as_secs()).ok()?, 0)
        };
        Some(Self {
            public_key: fields.subject_public_key_info.to_der().ok()?,
            id: hex::encode(digest(&SHA256, der)),
            subject: fields.subject.to_string(),
            is_self_issued: fields.subject == fields.issuer,
            is_authority: fields
                .get::<BasicConstraints>()
                .ok()
                .flatten()
                .is_some_and(|(_, constraints)| constraints.ca),
            stamps_time: fields
                .get::<ExtendedKeyUsage>()
                .ok()
                .flatten()
                .is_some_and(|(is_critical, usage)| is_critical && usage.0 == [TIME_STAMPING]),
            begins_at: instant(fields.validity.not_before)?,
            ends_at: instant(fields.validity.not_after)?,
            der: der.to_vec(),
        })
    }

    /// The certificates of a PEM text, in their order; nothing when one of them cannot be read, or there is none.
    pub fn read_pem(pem: &[u8]) -> Option<Vec<Self>> {
        let all = CertificateDer::pem_slice_iter(pem).map(|der| Self::read(&der.ok()?));
        all.collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())
    }

    /// It as PEM.
    pub fn pem(&self) -> String {
        let lines = STANDARD.encode(&self.der);
        let lines = lines.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
        format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    }

    /// Its bytes (DER).
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether it holds at a time.
    pub fn holds_at(&self, at: DateTime<Utc>) -> bool {
        self.begins_at <= at && at <= self.ends_at
    }

    /// Whether its key made a signature of a message.
    pub fn signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(algorithm.verification(), &self.public_key).verify(message, signature).is_ok()
    }

    /// Whether its key made a signature of a message, by whichever algorithm of those that are known.
    pub fn made(&self, message: &[u8], signature: &[u8]) -> bool {
        let own = CertificateDer::from(self.der.as_slice());
        let made = |own: EndEntityCert<'_>| {
            ALGORITHMS.iter().any(|algorithm| own.verify_signature(*algorithm, message, signature).is_ok())
        };
        EndEntityCert::try_from(&own).is_ok_and(made)
    }

    /// Its issuers as far as they are among these, the nearest first. What they may vouch for is not asked.
    pub fn issuers(&self, among: &[Self]) -> Vec<Self> {
        let mut chain = Vec::new();
        let mut last = self;
        while let Some(next) = last.issuer(among) {
            // Authorities that certified each other go round for ever.
            if next == self || chain.contains(next) || chain.len() + 1 >= CERTIFICATES_MAX {
                break;
            }
            chain.push(next.clone());
            last = next;
        }
        chain
    }

    /// The one among these that has the name of its issuer; of several the one whose key signed it, where that can be told.
    fn issuer<'a>(&self, among: &'a [Self]) -> Option<&'a Self> {
        let own = x509_cert::Certificate::from_der(&self.der).ok()?;
        let (message, signature) = (own.tbs_certificate.to_der().ok()?, own.signature.as_bytes()?);
        let is_named = |one: &&Self| {
            let read = x509_cert::Certificate::from_der(&one.der);
            read.is_ok_and(|read| read.tbs_certificate.subject == own.tbs_certificate.issuer)
        };
        among.iter().filter(is_named).min_by_key(|one| !one.made(&message, signature))
    }

    /// Whether it is one of those that are trusted, or an authority among them issued it, perhaps through others, so that the whole
    /// chain held at that time. Whether it held itself at that time is asked apart.
    pub fn is_trusted(&self, others: &[Self], trusted: &[Self], at: DateTime<Utc>) -> bool {
        trusted.contains(self) || self.is_issued_by(others, trusted, at).unwrap_or(false)
    }

    fn is_issued_by(&self, others: &[Self], trusted: &[Self], at: DateTime<Utc>) -> Option<bool> {
        let all = |certificates: &[Self]| -> Vec<CertificateDer<'static>> {
            certificates.iter().map(|one| CertificateDer::from(one.der.clone())).collect()
        };
        // Of anchors only the key is looked at: what they may do, and when, is asked here.
        let may_vouch = |one: &&Self| one.is_authority && one.holds_at(at);
        let trusted: Vec<Self> = trusted.iter().filter(may_vouch).cloned().collect();
        let (own, between, roots) = (CertificateDer::from(self.der.as_slice()), all(others), all(&trusted));
        let anchors: Vec<_> = roots.iter().filter_map(|root| anchor_from_trusted_cert(root).ok()).collect();
        let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.timestamp()).ok()?));
        let leaf = EndEntityCert::try_from(&own).ok()?;
        Some(leaf.verify_for_usage(&ALGORITHMS, &anchors, &between, time, AnyUse, None, None).is_ok())
    }
}

/// Authorities of the state know no extended key usage of their own for receipts; that of time-stamps is asked apart.
struct AnyUse;

impl ExtendedKeyUsageValidator for AnyUse {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints as May, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

    /// A certificate that ends with 2027, and one that it issued.
    fn issued(may_issue: bool) -> (Certificate, Certificate) {
        let mut of_issuer = CertificateParams::new(Vec::new()).unwrap();
        of_issuer.is_ca = if may_issue { IsCa::Ca(May::Unconstrained) } else { IsCa::ExplicitNoCa };
        (of_issuer.not_before, of_issuer.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 12, 31));
        let (issuer_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let issuer = of_issuer.self_signed(&issuer_key).unwrap();
        let mut of_leaf = CertificateParams::new(Vec::new()).unwrap();
        of_leaf.distinguished_name.push(rcgen::DnType::CommonName, "leaf");
        (of_leaf.not_before, of_leaf.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2040, 1, 1));
        let leaf = of_leaf.signed_by(&key, &Issuer::from_params(&of_issuer, &issuer_key)).unwrap();
        (Certificate::read(issuer.der()).unwrap(), Certificate::read(leaf.der()).unwrap())
    }

    #[test]
    fn only_an_authority_vouches_for_others_and_only_as_long_as_it_holds() {
        let day = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc);
        let (within, after) = (day("2026-11-22T00:00:00Z"), day("2028-06-01T00:00:00Z"));

        let (authority, leaf) = issued(true);
        assert!(leaf.is_trusted(&[], std::slice::from_ref(&authority), within));
        assert!(!leaf.is_trusted(&[], std::slice::from_ref(&authority), after), "its key may have been stolen since");
        let (other, leaf) = issued(false);
        assert!(!leaf.is_trusted(&[], std::slice::from_ref(&other), within));
        assert!(leaf.is_trusted(&[], std::slice::from_ref(&leaf), within), "trusted by itself");
    }

    #[test]
    fn issuers_are_found_by_their_names_and_of_one_name_by_their_keys() {
        let ((authority, leaf), (namesake, _)) = (issued(true), issued(true));
        let all = [namesake.clone(), leaf.clone(), authority.clone()];

        assert_eq!(leaf.issuers(&all), std::slice::from_ref(&authority));
        assert_eq!(authority.issuers(&all), [], "nobody stands behind it");
        assert_eq!(leaf.issuers(std::slice::from_ref(&leaf)), [], "it is not there");
    }
}
