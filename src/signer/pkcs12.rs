//! Key files in PKCS #12 form (`.p12`, `.pfx`): told by their bytes, opened by a password. Not here: what the key can sign and
//! which certificate is its own (`credential`), where files and passwords are (`hub`).

use super::certificate::Certificate;
use super::credential::CredentialFault;
use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error;
use secrecy::{ExposeSecret, SecretString};

/// Whether these bytes are PKCS #12: a sequence (DER, or BER without a length) that begins with version 3. No text has such bytes.
pub(super) fn is_pkcs12(file: &[u8]) -> bool {
    let content = match file {
        [0x30, 0x81, _, content @ ..]
        | [0x30, 0x82, _, _, content @ ..]
        | [0x30, 0x83, _, _, _, content @ ..]
        | [0x30, _, content @ ..] => content,
        _ => return false,
    };
    content.starts_with(&[0x02, 0x01, 0x03])
}

/// The private key of a file (PKCS #8), and its certificates in the order of the file; those with the id that the file gave the key first.
///
/// # Errors
/// When no password opens it, when it cannot be read, and when it does not hold one key and a certificate.
pub(super) fn open(file: &[u8], passwords: &[SecretString]) -> Result<(Vec<u8>, Vec<Certificate>), CredentialFault> {
    let archive = unlocked(file, passwords)?;
    let key = match archive.keys.as_slice() {
        [] => return Err(CredentialFault::Key),
        [key] => key,
        _ => return Err(CredentialFault::SeveralKeys),
    };
    let id = key.local_key_id.as_ref().map(AsRef::as_ref);
    let mut bags = archive.certs;
    bags.sort_by_key(|bag| bag.local_key_id.as_deref() != id);
    let certificates = bags.iter().map(|bag| Certificate::read(bag.cert.as_der())).collect::<Option<Vec<_>>>();
    let certificates = certificates.filter(|all| !all.is_empty()).ok_or(CredentialFault::Certificate)?;
    Ok((key.key.as_der().to_vec(), certificates))
}

/// What a file holds, by the first password that opens it. The empty one is tried last: some files have no other.
fn unlocked(file: &[u8], passwords: &[SecretString]) -> Result<Pkcs12Archive, CredentialFault> {
    let mut fault = CredentialFault::Unreadable;
    for password in passwords.iter().map(ExposeSecret::expose_secret).chain([""]) {
        match Pkcs12Archive::from_pkcs12(file, password) {
            Ok(archive) => return Ok(archive),
            // Without a checksum of the whole, a wrong password shows in the padding of what it opens.
            Err(Error::MacError(_) | Error::UnpadError) => fault = CredentialFault::Password,
            Err(_) => {}
        }
    }
    Err(fault)
}

#[cfg(test)]
mod tests {
    use super::super::credential::{Credential, self_signed};
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use chrono::{DateTime, TimeDelta};
    use p12_keystore::{Certificate as Bag, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
    use proptest::prelude::*;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::pki_types::pem::PemObject;

    const PASSWORD: &str = "mật khẩu";
    /// SHA-256 of the certificate in the files below. They hold one key on P-256 and this certificate, made by OpenSSL 3.0:
    /// `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj "/CN=Truc thu" -keyout k.pem -out c.pem`
    const CERTIFICATE: &str = "7231df21617319bd0725fab7dd6474fce51e547324b8a9ebad018669ad4a3ba6";
    /// As Windows and old programs write them (RC2, Triple DES, SHA-1): `openssl pkcs12 -export -legacy -inkey k.pem -in c.pem`
    const OLD: &str = "MIIDggIBAzCCA0gGCSqGSIb3DQEHAaCCAzkEggM1MIIDMTCCAicGCSqGSIb3DQEHBqCCAhgwggIUAgEAMIICDQYJKoZIhvcNAQcBMBwGCiqGSIb3\
         DQEMAQYwDgQIQQw8e0BW9cUCAggAgIIB4HVhHz2qMIAMYHW32cvnNAXYmLh+605oPvUHOigo2OFbMvQWcA6voHyl8TzpYl8zfvrLS+jbmkhFfwjV\
         V2kXCM1EFKsgZhEmMA3UgvHlIaoQ4egsdZ+jD81Qb9Q3NdyOOZqOteGlq8YIuzmqJmjIPgxkNmMrARL5a9CG0MhF98NsWe4k5KgKrEuJJlzQeXd0\
         aOc0zcI3l7Xyj68SO7Ct40y8zCeuq9+Kzl6CbrwVl5QDKGfbAae74Zj2Z2/WgcxpxGRHipFVg9CuwWSPw9wMDwO5Pr+CiiZ0h83kngvNBHqMJEp0\
         UooFBHb5Uuzw9JkPf5Lb0adfhwxDVcDcbqm59GVeOF7Lp08S7JBbxYL9N0A9GTESxdAThQX5k+xTj/CZD1WTZqtt9B/OtWp0tviLgdAMt4147vPn\
         giXd+yQFV2KbOlIZyYgtz+CX1Wi1yUI2Njka2Hs+eToqbAAtOPVakBz9BKE8iTM0Cp7OdKuUU4Xgkp8k5VMPmWturjKmDMJKvo3zud2ZOa8RpLre\
         Y7Ik1doseE1bN/QO0jH/KZLum/NX5H5KZMWGe75TvY/mwtwqF+GxYj3zMF3dr+Zz9yYTe3Za1+jXzUDVAnxAeI6HXVZFR+Hl8f9I7XpKVlAjrsdz\
         TjCCAQIGCSqGSIb3DQEHAaCB9ASB8TCB7jCB6wYLKoZIhvcNAQwKAQKggbQwgbEwHAYKKoZIhvcNAQwBAzAOBAjQAsMDQEGl4gICCAAEgZBTi2Gl\
         7mL2Xc5zYl84NoFLoncKh0OT32CyJcmgTUvCxO+R8XG6O/gWh7WkR4sBwYJMhGgJgCEkCOPpT6hFXzHwNvAucmXlukn82JNzbPZ/5HsOFDxE5nNF\
         3dM6dCV9z9kp2OXF6uAQ+pNwWiDm4EY6OrQA/+mKiHKOd0BuPU7nxmKFOD7e2HoTiuSZjx8hxK4xJTAjBgkqhkiG9w0BCRUxFgQU0DkajuSoP9+q\
         8mTY0pkFlwJJKFEwMTAhMAkGBSsOAwIaBQAEFH8NZlZJJm045FFyWLgYReEyYqc+BAjdONBgd43lVQICCAA=";
    /// As they are written now (PBES2, AES-256, SHA-256): `openssl pkcs12 -export -inkey k.pem -in c.pem`
    const NEW: &str = "MIIEDAIBAzCCA8IGCSqGSIb3DQEHAaCCA7MEggOvMIIDqzCCAmIGCSqGSIb3DQEHBqCCAlMwggJPAgEAMIICSAYJKoZIhvcNAQcBMFcGCSqGSIb3\
         DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAii2MSA6T5v9QICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGlf9hPVCJI1rQvqeKjbwf2AggHg\
         JsLrq45Hlpbru/yxut5knU1U8De7T7z835gaQfds4wGGHH4FXkdKa+NLlMLzLRH/i2KNfoAippEYAqTnN5CN1cRaN6lieCwje0TkXiW5hB5mQe4v\
         tLU+ScVKMM+L2xBMJx3OBUM9DZQ1o+sLtaT70BajbkHo0D3Lz7pVVoVRrX7YYTP+YE4OK2WX2NOtFljCsZKUHzavveF5GUupD8C/31hhE5LcEF6k\
         gloIv/xiuClIJwg2BboWdfoXXnIQ3jeVAGerbafvTZlzWWAHAHf8ZTiuGZ32Ye2J0fsBrJIbGX/HOegux1W+Sg8O+V0x3raeKj1XnClT7lJARDox\
         kbAlvlRSU9+ZAJ5FjDQtE8EJdmBWH5PQh4rpdJd2o8ZuAgq03l7kZP4VvCq3E/JKRqjdJbFIRcRT81TwER8NS7tsEMOI+Vb/GmyhRFla/torIuMF\
         ZRqkzEesg7G4jJg68I7qJDoSPKa3R1iDFCw1RoHQYwsiLYd3KgqTntve5HZHKROk1NHUrSmpCrs9m3fI2/Yvya3tKBjkg/lItJiPju3oWoVPT9wW\
         r2SkBAweMesKVtlpQoADay/f4z2fTHPih7JLFOws+oBVaemtWyZbfSFI2Usc0/AG0DEfO3L40NIe8WfKMIIBQQYJKoZIhvcNAQcBoIIBMgSCAS4w\
         ggEqMIIBJgYLKoZIhvcNAQwKAQKgge8wgewwVwYJKoZIhvcNAQUNMEowKQYJKoZIhvcNAQUMMBwECKSKmf/0Ryi6AgIIADAMBggqhkiG9w0CCQUA\
         MB0GCWCGSAFlAwQBKgQQkRK0SOJI6L10G+U0BqEO4QSBkPDkEG9EHopf4ZmeNOFKvVZuZ0TUSlcN/f1spMmzeyhe0kZQ/LWukxt1NYWCzrPoG7mu\
         daH5u1mJ4IyK/9+JKSYRCYMEBToLOVMv2RZdMI4/9OB5vXnawVYhVIboAQLaMNk8d4I2KkM8/fOpXW0D6taOOytvextJl3ybb+gbJ9jK4TCAQMVM\
         KAbwbK+xzOgU/TElMCMGCSqGSIb3DQEJFTEWBBTQORqO5Kg/36ryZNjSmQWXAkkoUTBBMDEwDQYJYIZIAWUDBAIBBQAEIEeoB2qFFrgN2u2acPOG\
         TeTyJ78wqPTbtaowLlhsRNnSBAi1UN2vTZqd5wICCAA=";
    /// Open, so that what is altered is not found out at the door: `openssl pkcs12 -export … -certpbe NONE -keypbe NONE -nomac`
    const BARE: &str = "MIIC6QIBAzCCAuIGCSqGSIb3DQEHAaCCAtMEggLPMIICyzCCAewGCSqGSIb3DQEHAaCCAd0EggHZMIIB1TCCAdEGCyqGSIb3DQEMCgEDoIIBmTCC\
         AZUGCiqGSIb3DQEJFgGgggGFBIIBgTCCAX0wggEjoAMCAQICFE+Z0WCpR/i+CYuZW6cD7Ug570UuMAoGCCqGSM49BAMCMBMxETAPBgNVBAMMCFRy\
         dWMgdGh1MCAXDTI2MTEyMzA0NDczOVoYDzIxMjYxMDMwMDQ0NzM5WjATMREwDwYDVQQDDAhUcnVjIHRodTBZMBMGByqGSM49AgEGCCqGSM49AwEH\
         A0IABNcB3tyiQSr+s4JzH1T0RNg7simxflEi6x42bnDL/FbYPmY3It72BV4zYvqg7W4/JiAWi7sCqYUiFk40Vr3SQCujUzBRMB0GA1UdDgQWBBRC\
         qJuMYVu+GHtHhPlkrpuvv3t3vTAfBgNVHSMEGDAWgBRCqJuMYVu+GHtHhPlkrpuvv3t3vTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gA\
         MEUCIQDS2H1uoz2zK/US06foXNy2GdOSYDF1E0ouKLnwFnrq4gIgBcN8DTiuDSV6Ca8Hsnq7dQEktNq34m07lzLJylJS8dYxJTAjBgkqhkiG9w0B\
         CRUxFgQU0DkajuSoP9+q8mTY0pkFlwJJKFEwgdgGCSqGSIb3DQEHAaCBygSBxzCBxDCBwQYLKoZIhvcNAQwKAQGggYowgYcCAQAwEwYHKoZIzj0C\
         AQYIKoZIzj0DAQcEbTBrAgEBBCBOsdaJnlhytmr5+PYmZ8xJ/1cq9jnn2TFvZY1GUpcFpaFEA0IABNcB3tyiQSr+s4JzH1T0RNg7simxflEi6x42\
         bnDL/FbYPmY3It72BV4zYvqg7W4/JiAWi7sCqYUiFk40Vr3SQCsxJTAjBgkqhkiG9w0BCRUxFgQU0DkajuSoP9+q8mTY0pkFlwJJKFE=";

    fn bytes(file: &str) -> Vec<u8> {
        STANDARD.decode(file).unwrap()
    }

    fn read(file: &[u8], passwords: &[&str]) -> Result<String, CredentialFault> {
        let passwords: Vec<SecretString> = passwords.iter().map(|one| SecretString::from(*one)).collect();
        Credential::read(file, &passwords).map(|credential| credential.certificate.id)
    }

    /// A key and its certificate (PEM).
    fn pem() -> String {
        self_signed("Trục thử", DateTime::from_timestamp(1_795_226_400, 0).unwrap(), TimeDelta::days(30)).unwrap()
    }

    /// The same as the crate takes them.
    fn made() -> (PrivateKey, Bag) {
        let pem = pem();
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        let certificate = Certificate::read_pem(pem.as_bytes()).unwrap().remove(0);
        (PrivateKey::from_der(key.secret_pkcs8_der()).unwrap(), Bag::from_der(certificate.der()).unwrap())
    }

    fn file_of(entries: Vec<KeyStoreEntry>) -> Vec<u8> {
        let mut store = KeyStore::new();
        for (number, entry) in entries.into_iter().enumerate() {
            store.add_entry(&number.to_string(), entry);
        }
        store.writer(PASSWORD).encryption_iterations(1).mac_iterations(1).write().unwrap()
    }

    #[test]
    fn files_of_old_and_new_programs_are_opened_by_whichever_password_fits() {
        for file in [OLD, NEW].map(bytes) {
            assert_eq!(read(&file, &["another", PASSWORD]).as_deref(), Ok(CERTIFICATE));
            assert_eq!(read(&file, &["another"]), Err(CredentialFault::Password));
            assert_eq!(read(&file, &[]), Err(CredentialFault::Password));
        }
        assert_eq!(read(&bytes(BARE), &["another"]).as_deref(), Ok(CERTIFICATE), "nothing is locked");
    }

    #[test]
    fn a_file_is_told_by_its_bytes() {
        assert!([OLD, NEW, BARE].map(bytes).iter().all(|file| is_pkcs12(file)));
        let pem = pem();
        assert!(read(pem.as_bytes(), &[PASSWORD]).is_ok());
        let certificate = Certificate::read_pem(pem.as_bytes()).unwrap().remove(0);
        assert_eq!(read(certificate.der(), &[]), Err(CredentialFault::Certificate), "a certificate alone, without PEM");
        assert_eq!(read(b"", &[]), Err(CredentialFault::Certificate));
    }

    #[test]
    fn a_file_without_one_key_and_its_certificate_is_refused() {
        let ((key, own), (other_key, other)) = (made(), made());
        let chain = |key: &PrivateKey, certificates: &[&Bag]| {
            let certificates = certificates.iter().copied().cloned();
            KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(key.as_der(), key.clone(), certificates))
        };
        let of = |entries: Vec<KeyStoreEntry>| read(&file_of(entries), &[PASSWORD]);

        assert!(of(vec![chain(&key, &[&other, &own])]).is_ok(), "whichever stands first");
        assert_eq!(of(vec![chain(&key, &[&other])]), Err(CredentialFault::Strangers));
        assert_eq!(of(vec![chain(&key, &[])]), Err(CredentialFault::Certificate));
        assert_eq!(of(vec![KeyStoreEntry::Certificate(own.clone())]), Err(CredentialFault::Key));
        let both = vec![chain(&key, &[&own]), chain(&other_key, &[&other])];
        assert_eq!(of(both), Err(CredentialFault::SeveralKeys));
    }

    proptest! {
        #[test]
        fn a_file_that_is_cut_off_is_refused(which in 0..3usize, end: prop::sample::Index) {
            let mut file = bytes([OLD, NEW, BARE][which]);
            file.truncate(end.index(file.len()));
            prop_assert!(read(&file, &[PASSWORD]).is_err());
        }

        #[test]
        fn a_locked_file_that_was_altered_is_refused_or_the_same(which in 0..2usize, at: prop::sample::Index, bit in 0..8u32) {
            let mut file = bytes([OLD, NEW][which]);
            let at = at.index(file.len());
            file[at] ^= 1 << bit;
            if let Ok(certificate) = read(&file, &[PASSWORD]) {
                prop_assert_eq!(certificate, CERTIFICATE);
            }
        }

        #[test]
        fn whatever_an_open_file_holds_it_is_read_or_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
            let mut file = bytes(BARE);
            for (at, byte) in changes {
                let at = at.index(file.len());
                file[at] = byte;
            }
            let _ = read(&file, &[PASSWORD]);
        }

        #[test]
        fn arbitrary_bytes_are_refused(rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let size = u8::try_from(rest.len() + 3).unwrap();
            let file = [&[0x30, 0x81, size, 0x02, 0x01, 0x03], rest.as_slice()].concat();
            prop_assert_eq!(read(&file, &[PASSWORD]), Err(CredentialFault::Unreadable));
        }
    }
}
