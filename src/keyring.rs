//! Secrets of systems at rest: sealed with AES-256-GCM under the hub's key file, so that a stolen database
//! alone gives none away, and yet an HMAC can be checked.

use crate::domain::system::{AddressRange, Role};
use crate::signer::Signer;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{constant_time, digest, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Bytes of the hub's key.
const KEY_BYTES: usize = 32;
/// Random bytes of a system's secret: 256 bits.
const SECRET_BYTES: usize = 32;

/// What the signing key is derived for; another purpose gets another key.
const SIGNING: &str = "docaxis certificate signing key, 1";
/// The same for heads of the ledger.
const LEDGER: &str = "docaxis ledger signing key, 1";
/// The same for heads of other ledgers, which the hub witnesses.
const WITNESS: &str = "docaxis witness signing key, 1";

/// Seals and opens secrets.
#[derive(Clone)]
pub struct Keyring {
    key: Arc<RandomizedNonceKey>,
    fingerprint: String,
    signer: Signer,
    ledger_signer: Signer,
    witness_signer: Signer,
}

/// Something is wrong with a sealed secret or the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The secret was sealed under another key, for another system, or altered.
    #[error("a secret cannot be opened with this key file")]
    Sealed,
    /// No randomness, or a key of another length.
    #[error("cryptography is not available")]
    Unavailable,
}

impl Keyring {
    /// Reads the key file; makes one, readable by its owner only, when there is none.
    ///
    /// # Errors
    /// Those of the file system; `InvalidData` when the file holds no key or others may read it.
    pub fn open(file: &Path) -> io::Result<Self> {
        let key = match secret_of(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0; KEY_BYTES];
                rand::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
                keep(file, hex::encode(bytes).as_bytes())?;
                fs::read_to_string(file)?
            }
            read => read?,
        };
        let bad = || io::Error::new(io::ErrorKind::InvalidData, "the key file must hold 64 hexadecimal characters");
        let bytes = hex::decode(key.trim()).map_err(|_| bad())?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| bad())?;
        let signer = Signer::derived(&bytes, SIGNING).ok_or_else(bad)?;
        let ledger_signer = Signer::derived(&bytes, LEDGER).ok_or_else(bad)?;
        let witness_signer = Signer::derived(&bytes, WITNESS).ok_or_else(bad)?;
        Ok(Self { key: Arc::new(key), fingerprint: fingerprint(&bytes), signer, ledger_signer, witness_signer })
    }

    /// Signs what the hub certifies.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Signs the heads of the ledger.
    pub fn ledger_signer(&self) -> &Signer {
        &self.ledger_signer
    }

    /// Cosigns heads of other ledgers.
    pub fn witness_signer(&self) -> &Signer {
        &self.witness_signer
    }

    /// Which key it is. From 256 random bits nothing can be learnt about them by it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Which key a file holds; nothing when it is none.
    pub fn fingerprint_of(file: &Path) -> Option<String> {
        let bytes = hex::decode(fs::read_to_string(file).ok()?.trim()).ok()?;
        (bytes.len() == KEY_BYTES).then(|| fingerprint(&bytes))
    }

    /// Whether this file holds the key in use, readable by its owner only.
    pub fn is_kept_in(&self, file: &Path) -> bool {
        let is_own = fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 == 0);
        is_own && Self::fingerprint_of(file).is_some_and(|found| found == self.fingerprint)
    }

    /// A fresh secret of 256 random bits, as text.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn new_secret(&self) -> Result<SecretString, KeyringError> {
        Ok(SecretString::from(URL_SAFE_NO_PAD.encode(self.random()?)))
    }

    /// Fresh random bytes, for a secret of another form.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn random(&self) -> Result<[u8; SECRET_BYTES], KeyringError> {
        let mut bytes = [0; SECRET_BYTES];
        rand::fill(&mut bytes).map_err(|_| KeyringError::Unavailable)?;
        Ok(bytes)
    }

    /// Seals a secret for one key of a system; it opens only for that key id.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn seal(&self, secret: &SecretString, key_id: &str) -> Result<Vec<u8>, KeyringError> {
        let mut sealed = secret.expose_secret().as_bytes().to_vec();
        let bound = Aad::from(key_id.as_bytes());
        let nonce = self.key.seal_in_place_append_tag(bound, &mut sealed).map_err(|_| KeyringError::Unavailable)?;
        let mut out = nonce.as_ref().to_vec();
        out.append(&mut sealed);
        Ok(out)
    }

    /// Opens a sealed secret.
    ///
    /// # Errors
    /// `Sealed`.
    pub fn unseal(&self, sealed: &[u8], key_id: &str) -> Result<SecretString, KeyringError> {
        let failed = || KeyringError::Sealed;
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or_else(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed())?;
        let mut rest = rest.to_vec();
        let bound = Aad::from(key_id.as_bytes());
        let plain = self.key.open_in_place(nonce, bound, &mut rest).map_err(|_| failed())?;
        String::from_utf8(plain.to_vec()).map(SecretString::from).map_err(|_| failed())
    }
}

/// The first half of the SHA-256 of a key, under a name of its own.
fn fingerprint(key: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, &[b"docaxis key file\n", key].concat());
    hex::encode(digest.as_ref().get(..16).unwrap_or_default())
}

/// What a node remembers of a system's live keys, for `keys.memory_seconds` at most.
#[derive(Debug, Clone)]
pub struct KnownKey {
    /// Its id.
    pub key_id: String,
    /// Whose it is.
    pub system_id: String,
    /// Its secret.
    pub secret: SecretString,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// What its system is for.
    pub role: Role,
    /// Whether its system is suspended.
    pub is_suspended: bool,
    /// From where its system may call; from everywhere when empty.
    pub addresses: Vec<AddressRange>,
}

/// Live keys looked up lately, by what they were looked up with: `system:<id>` or `key:<id>`.
#[derive(Clone, Default)]
pub struct KnownKeys {
    by_question: Arc<RwLock<HashMap<String, Remembered>>>,
    used: Arc<Mutex<HashMap<String, DateTime<Utc>>>>,
}

/// When it was asked, and the answer.
type Remembered = (DateTime<Utc>, Arc<[KnownKey]>);

/// Answers remembered at most; unknown names asked for by strangers are not remembered.
const KNOWN_MAX: usize = 10_000;

impl KnownKeys {
    /// What was answered, unless that was longer ago than `memory`.
    pub fn recall(&self, question: &str, now: DateTime<Utc>, memory: TimeDelta) -> Option<Arc<[KnownKey]>> {
        let known = self.by_question.read().unwrap_or_else(PoisonError::into_inner);
        let (asked_at, keys) = known.get(question)?;
        // A clock that was set back makes what is remembered worthless, not eternal.
        let age = now.signed_duration_since(*asked_at);
        (age >= TimeDelta::zero() && age < memory).then(|| keys.clone())
    }

    /// How many answers are remembered.
    pub fn count(&self) -> usize {
        self.by_question.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Remembers an answer.
    pub fn remember(&self, question: String, now: DateTime<Utc>, keys: Arc<[KnownKey]>) {
        let mut known = self.by_question.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(question, (now, keys));
    }

    /// Forgets everything, so that this node at least asks anew at once.
    pub fn forget(&self) {
        self.by_question.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Notes that a key was used, to be written down later (`exchange::keys::note_uses`).
    pub fn note_use(&self, key_id: &str, at: DateTime<Utc>) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used.get_mut(key_id) {
            Some(last) => *last = at.max(*last),
            None => _ = used.insert(key_id.to_owned(), at),
        }
    }

    /// Which keys were used since this was asked last, and when.
    pub fn take_uses(&self) -> HashMap<String, DateTime<Utc>> {
        std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is kept of a secret that is only ever compared, such as what a cookie says: SHA-256, apart for each purpose.
pub fn digest_of(purpose: &str, secret: &str) -> Vec<u8> {
    let parts = [b"docaxis ", purpose.as_bytes(), b"\n", secret.as_bytes()].concat();
    digest::digest(&digest::SHA256, &parts).as_ref().to_vec()
}

/// What a file of secrets holds.
///
/// # Errors
/// Those of the file system; `InvalidData` when others may read it, or it is no text.
pub fn secret_of(file: &Path) -> io::Result<String> {
    let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "the file is no text (UTF-8)");
    String::from_utf8(secret_bytes_of(file)?).map_err(no_text)
}

/// The same of a file that need not be text.
///
/// # Errors
/// As above.
pub fn secret_bytes_of(file: &Path) -> io::Result<Vec<u8>> {
    let bytes = fs::read(file)?;
    if fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
        let why = "the file must be readable by its owner only (chmod 600)";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(bytes)
}

/// Makes a file of secrets: whole and on disk under its name, or not there. Of two that make it at once, the first wins.
///
/// # Errors
/// Those of the file system.
pub fn keep(file: &Path, secret: &[u8]) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Readable by its owner only, as `tempfile` makes files.
    let mut out = tempfile::NamedTempFile::new_in(folder)?;
    out.write_all(secret)?;
    out.as_file().sync_all()?;
    match out.persist_noclobber(file) {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.error),
    }
    // Without its name on disk, a power cut would make all that was sealed or signed with it meanwhile worthless.
    fs::File::open(folder)?.sync_all()
}

/// Whether `signature` (hexadecimal, any case) is HMAC-SHA256 of `message` under the secret's text. Constant time.
pub fn signed_by(secret: &SecretString, message: &[u8], signature: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    hex::decode(signature.trim()).is_ok_and(|tag| hmac::verify(&key, message, &tag).is_ok())
}

/// Whether two secrets are the same, in constant time.
pub fn same(secret: &SecretString, shown: &str) -> bool {
    constant_time::verify_slices_are_equal(secret.expose_secret().as_bytes(), shown.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_of_the_sdk_verifies() {
        let secret = SecretString::from("made-up-secret-A1");
        let message = br#"{"XroadVnpt-systemid":"hub.test.01","XroadVnpt-timestamp":"21112026T164221+0181","XroadVnpt-Content-Type":"application/json"}"#;
        let signature = "983106bdbb4e61dd78a5772431f11e5d092b51ebde1cd010c8ffe5fed270448e";
        assert!(signed_by(&secret, message, signature));
        assert!(signed_by(&secret, message, &signature.to_uppercase()));
        assert!(!signed_by(&secret, b"{}", signature));
    }

    #[test]
    fn a_sealed_secret_opens_only_for_its_key_and_unaltered() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keyring::open(&folder.path().join("hub.key")).unwrap();
        let secret = ring.new_secret().unwrap();
        let sealed = ring.seal(&secret, "k1").unwrap();
        assert!(same(&ring.unseal(&sealed, "k1").unwrap(), secret.expose_secret()));
        assert!(ring.unseal(&sealed, "k2").is_err());
        let mut altered = sealed.clone();
        altered[20] ^= 1;
        assert!(ring.unseal(&altered, "k1").is_err());
        let text = String::from_utf8_lossy(&sealed).into_owned();
        assert!(!text.contains(secret.expose_secret()));
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hub.key");
        Keyring::open(&file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Keyring::open(&file).is_err());
    }
    #[test]
    fn all_that_make_the_key_at_once_have_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hub.key");
        let rings: Vec<Keyring> = std::thread::scope(|scope| {
            let opening: Vec<_> = (0..8).map(|_| scope.spawn(|| Keyring::open(&file).unwrap())).collect();
            opening.into_iter().map(|opened| opened.join().unwrap()).collect()
        });

        let secret = rings[0].new_secret().unwrap();
        let sealed = rings[0].seal(&secret, "k1").unwrap();

        assert!(rings.iter().all(|ring| ring.unseal(&sealed, "k1").is_ok()));
    }
}
