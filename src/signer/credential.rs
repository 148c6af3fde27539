//! The keys with which receipts are signed, each with its certificate: from files (PEM, PKCS #12), or whatever else can sign.
//! Several may be there at once, so that the next one takes over by itself. Not here: where the files are (`hub`), how PKCS #12 is
//! opened (`pkcs12`).

use super::certificate::{Algorithm, CERTIFICATES_MAX, Certificate};
use super::pkcs12;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256};
use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::SecretString;
use std::sync::Arc;
use time::OffsetDateTime;

/// Least size of an RSA key.
const RSA_BYTES_MIN: usize = 256;

/// What a key signs to show that a certificate is its own.
const PROBE: &[u8] = b"docaxis credential probe";

/// What can sign: a key of a file, or one that a module keeps (PKCS #11).
pub trait SigningKey: Send + Sync {
    /// How it signs.
    fn algorithm(&self) -> Algorithm;

    /// The signature of a message; nothing when the key cannot be used.
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>>;
}

impl SigningKey for EcdsaKeyPair {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EcdsaP256
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(self.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec())
    }
}

impl SigningKey for RsaKeyPair {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Rsa
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.public_modulus_len()];
        self.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
        Some(signature)
    }
}

/// Why a file gives no credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialFault {
    /// There is no certificate in it, or one that cannot be read.
    #[error("it holds no certificate that can be read (PEM or PKCS #12)")]
    Certificate,
    /// There is no key in it, or none of a kind that is known.
    #[error("it holds no private key (PKCS #8, in PEM or PKCS #12) on P-256 or of RSA with 2048 bits or more")]
    Key,
    /// There are several keys in it.
    #[error("it holds several private keys: keep each in a file of its own")]
    SeveralKeys,
    /// They do not belong together.
    #[error("the private key is not that of the first certificate, nor in PKCS #12 of any")]
    Strangers,
    /// No password opens it.
    #[error(
        "it is PKCS #12, and no password opens it, unless it is damaged: set receipts.key_password_file or receipts.key_password"
    )]
    Password,
    /// It cannot be taken apart, with whatever password.
    #[error(
        "it is PKCS #12 that cannot be read, damaged or made in a way that is not known: make it anew with `openssl pkcs12`"
    )]
    Unreadable,
}

/// A key and its certificate.
#[derive(Clone)]
pub struct Credential {
    key: Arc<dyn SigningKey>,
    /// Its certificate, and those of its issuers as far as they are sent along.
    pub certificates: Vec<Certificate>,
    /// The first of them.
    pub certificate: Certificate,
}

impl Credential {
    /// The credential of a key and its certificates, its own first.
    ///
    /// # Errors
    /// When they do not belong together.
    pub fn new(key: Arc<dyn SigningKey>, certificates: Vec<Certificate>) -> Result<Self, CredentialFault> {
        let certificate = certificates.first().ok_or(CredentialFault::Certificate)?.clone();
        if certificates.len() > CERTIFICATES_MAX {
            return Err(CredentialFault::Certificate);
        }
        let signature = key.sign(PROBE).ok_or(CredentialFault::Key)?;
        match certificate.signed(key.algorithm(), PROBE, &signature) {
            true => Ok(Self { key, certificates, certificate }),
            false => Err(CredentialFault::Strangers),
        }
    }

    /// The credential of a file with a private key and certificates, PEM or PKCS #12 as its bytes say. Of PKCS #12 the first
    /// password that fits opens it.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(file: &[u8], passwords: &[SecretString]) -> Result<Self, CredentialFault> {
        match pkcs12::is_pkcs12(file) {
            true => Self::read_pkcs12(file, passwords),
            false => Self::read_pem(file),
        }
    }

    /// In PKCS #12 certificates stand in no certain order: the one of the key is found by the key, its issuers by their names.
    fn read_pkcs12(file: &[u8], passwords: &[SecretString]) -> Result<Self, CredentialFault> {
        let (der, all) = pkcs12::open(file, passwords)?;
        let key = signing_key(&der)?;
        let signature = key.sign(PROBE).ok_or(CredentialFault::Key)?;
        let is_own = |one: &&Certificate| one.signed(key.algorithm(), PROBE, &signature);
        let own = all.iter().find(is_own).ok_or(CredentialFault::Strangers)?;
        let certificates = std::iter::once(own.clone()).chain(own.issuers(&all)).collect();
        Self::new(key, certificates)
    }

    /// The credential of a PEM text with a private key and certificates.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read_pem(pem: &[u8]) -> Result<Self, CredentialFault> {
        let certificates = Certificate::read_pem(pem).ok_or(CredentialFault::Certificate)?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| CredentialFault::Key)?;
        Self::new(signing_key(der.secret_pkcs8_der())?, certificates)
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The signature of a message; nothing when the key cannot be used.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.key.sign(message)
    }
}

/// The key of a kind that is known in these bytes (PKCS #8).
fn signing_key(der: &[u8]) -> Result<Arc<dyn SigningKey>, CredentialFault> {
    if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
        return Ok(Arc::new(key));
    }
    let rsa = RsaKeyPair::from_pkcs8(der).ok().filter(|key| key.public_modulus_len() >= RSA_BYTES_MIN);
    Ok(Arc::new(rsa.ok_or(CredentialFault::Key)?))
}

/// All credentials of a hub.
#[derive(Clone, Default)]
pub struct Credentials(Arc<[Credential]>);

impl Credentials {
    /// These.
    pub fn new(all: Vec<Credential>) -> Self {
        Self(all.into())
    }

    /// The one that signs: of those that hold now, the one that began last.
    pub fn at(&self, now: DateTime<Utc>) -> Option<&Credential> {
        self.0.iter().filter(|one| one.certificate.holds_at(now)).max_by_key(|one| one.certificate.begins_at)
    }

    /// The certificate that ends last.
    pub fn last(&self) -> Option<&Certificate> {
        self.0.iter().map(|one| &one.certificate).max_by_key(|one| one.ends_at)
    }

    /// The certificates of all.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.0.iter().map(|one| &one.certificate)
    }
}

/// A fresh key on P-256 with a certificate that it signed itself, as PEM; nothing when cryptography refuses.
pub fn self_signed(name: &str, now: DateTime<Utc>, life: TimeDelta) -> Option<String> {
    // Whoever verifies may have a clock that is a little late.
    let begins_at = now.checked_sub_signed(TimeDelta::hours(1))?;
    let instant = |at: DateTime<Utc>| OffsetDateTime::from_unix_timestamp(at.timestamp()).ok();
    let mut parameters = CertificateParams::default();
    parameters.not_before = instant(begins_at)?;
    parameters.not_after = instant(now.checked_add_signed(life)?)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
    let key = KeyPair::generate().ok()?;
    let certificate = parameters.self_signed(&key).ok()?;
    Some(key.serialize_pem() + &certificate.pem())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_226_400, 0).unwrap()
    }

    fn made(begins_in: i64) -> String {
        let begins = now().checked_add_signed(TimeDelta::days(begins_in)).unwrap();
        self_signed("Trục thử", begins, TimeDelta::days(30)).unwrap()
    }

    fn credential(begins_in: i64) -> Credential {
        Credential::read_pem(made(begins_in).as_bytes()).unwrap()
    }

    #[test]
    fn what_a_credential_signs_holds_under_its_certificate_only() {
        let (one, other) = (credential(0), credential(0));
        let signature = one.sign(b"message").unwrap();

        assert!(one.certificate.signed(one.algorithm(), b"message", &signature));
        assert!(!one.certificate.signed(one.algorithm(), b"massage", &signature));
        assert!(!other.certificate.signed(one.algorithm(), b"message", &signature));
        assert!(!one.certificate.signed(Algorithm::Rsa, b"message", &signature));
        assert_eq!((signature.len(), one.certificate.subject.as_str()), (64, "CN=Trục thử"));
    }

    #[test]
    fn only_what_is_trusted_or_issued_by_it_is_trusted() {
        let (one, other) = (credential(0).certificate, credential(0).certificate);

        assert!(one.is_trusted(&[], &[other.clone(), one.clone()], now()));
        assert!(!one.is_trusted(&[], std::slice::from_ref(&other), now()));
        assert!(!one.is_trusted(std::slice::from_ref(&one), &[], now()));
        assert!(one.holds_at(now()) && !one.holds_at(one.ends_at + TimeDelta::seconds(1)));
    }

    #[test]
    fn the_one_that_began_last_and_holds_signs() {
        let (old, next) = (credential(-20), credential(-1));
        let all = Credentials::new(vec![old.clone(), next.clone(), credential(5)]);

        assert_eq!(all.at(now()).unwrap().certificate, next.certificate);
        let before = now() - TimeDelta::days(3);
        assert_eq!(all.at(before).unwrap().certificate, old.certificate);
        assert!(all.at(now() + TimeDelta::days(100)).is_none());
    }

    #[test]
    fn a_file_with_parts_that_do_not_belong_together_is_refused() {
        let (one, other) = (made(0), made(0));
        let end = "-----END PRIVATE KEY-----\r\n";
        let (key, certificate) = one.split_once(end).or(one.split_once(end.trim_end())).unwrap();
        let (other_key, _) = other.split_once("-----END PRIVATE KEY-----").unwrap();

        let fault = |pem: String| Credential::read_pem(pem.as_bytes()).err();
        assert_eq!(fault(format!("{other_key}{end}{certificate}")), Some(CredentialFault::Strangers));
        assert_eq!(fault(certificate.to_owned()), Some(CredentialFault::Key));
        assert_eq!(fault(format!("{key}{end}")), Some(CredentialFault::Certificate));
    }
}
