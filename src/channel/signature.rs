//! The signature of a pushed packet, the Standard Webhooks way, over `id.timestamp.body`, so that an endpoint knows that the
//! hub posted it, when, and that nothing was changed: HMAC-SHA256 with a secret that both sides know (`v1`), or Ed25519,
//! where the endpoint holds the public key only (`v1a`).

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign_byupdate};
use ed25519_dalek::{Digest, Sha512, SignatureError, SigningKey};
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, Read};

/// How pushes are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// A shared secret.
    #[default]
    Hmac,
    /// A key pair.
    Ed25519,
}

impl Scheme {
    /// The scheme of somebody who wants a key pair, or does not.
    pub fn of_choice(ed25519: bool) -> Self {
        if ed25519 { Self::Ed25519 } else { Self::Hmac }
    }
}

/// What the secrets begin with, so that people and scanners know them: shared, private and public.
const SHARED: &str = "whsec_";
const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";

/// Bytes read at once.
const PIECE: usize = 64 << 10;

/// A secret of these 32 random bytes, as text.
pub fn secret_of(scheme: Scheme, random: &[u8; 32]) -> SecretString {
    let prefix = match scheme {
        Scheme::Hmac => SHARED,
        Scheme::Ed25519 => PRIVATE,
    };
    SecretString::from(format!("{prefix}{}", STANDARD.encode(random)))
}

/// The public key of a secret of the scheme `Ed25519`.
pub fn public_key_of(secret: &SecretString) -> Option<String> {
    Some(format!("{PUBLIC}{}", STANDARD.encode(signing_key(secret)?.verifying_key())))
}

fn signing_key(secret: &SecretString) -> Option<SigningKey> {
    let seed = STANDARD.decode(secret.expose_secret().strip_prefix(PRIVATE)?).ok()?;
    Some(SigningKey::from_bytes(&seed.try_into().ok()?))
}

/// The value of the header `webhook-signature`. `body` opens the body at its beginning; Ed25519 reads it twice.
///
/// # Errors
/// Those of `body`, and `InvalidData` when the secret has another form.
pub fn sign<R: Read>(
    secret: &SecretString,
    (id, timestamp): (&str, i64),
    body: impl Fn() -> io::Result<R>,
) -> io::Result<String> {
    let head = format!("{id}.{timestamp}.");
    if let Some(key) = signing_key(secret) {
        return sign_with_key(&key, head.as_bytes(), body);
    }
    let key = secret.expose_secret().strip_prefix(SHARED).and_then(|text| STANDARD.decode(text).ok());
    let key =
        key.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the endpoint's secret has another form"))?;
    let mut context = hmac::Context::with_key(&hmac::Key::new(HMAC_SHA256, &key));
    context.update(head.as_bytes());
    each_piece(body()?, |piece| context.update(piece))?;
    Ok(format!("v1,{}", STANDARD.encode(context.sign().as_ref())))
}

/// Ed25519 wants the whole message twice; a packet of 50 MB is read twice rather than kept in memory.
fn sign_with_key<R: Read>(key: &SigningKey, head: &[u8], body: impl Fn() -> io::Result<R>) -> io::Result<String> {
    let expanded = ExpandedSecretKey::from(&key.to_bytes());
    let signed = raw_sign_byupdate::<Sha512, _>(
        &expanded,
        |digest| {
            digest.update(head);
            let read = body().and_then(|body| each_piece(body, |piece| digest.update(piece)));
            read.map_err(SignatureError::from_source)
        },
        &key.verifying_key(),
    );
    Ok(format!("v1a,{}", STANDARD.encode(signed.map_err(io::Error::other)?.to_bytes())))
}

fn each_piece(mut body: impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match body.read(&mut piece)? {
            0 => return Ok(()),
            read => take(piece.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    /// The example of the Standard Webhooks specification.
    #[test]
    fn the_published_example_is_reproduced() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let moment = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        let signed = sign(&secret, moment, || Ok(br#"{"test": 2432232314}"#.as_slice())).unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn whoever_has_the_public_key_can_check_a_signature_and_nobody_else_can_make_one() {
        let secret = secret_of(Scheme::Ed25519, &[7; 32]);
        let public = public_key_of(&secret).unwrap();
        let key = STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
        let body = vec![b'x'; 200_000];

        let signed = sign(&secret, ("d1", 17), || Ok(body.as_slice())).unwrap();

        let signature = STANDARD.decode(signed.strip_prefix("v1a,").unwrap()).unwrap();
        let message = [b"d1.17.".as_slice(), &body].concat();
        let key = UnparsedPublicKey::new(&ED25519, key);
        assert!(key.verify(&message, &signature).is_ok());
        assert!(key.verify(&message[1..], &signature).is_err());
        assert_eq!(public_key_of(&secret_of(Scheme::Hmac, &[7; 32])), None);
    }

    #[test]
    fn a_secret_of_another_form_signs_nothing() {
        for wrong in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%", "whsk_AAAA"] {
            assert!(sign(&SecretString::from(wrong), ("m", 0), || Ok([].as_slice())).is_err(), "{wrong}");
        }
    }
}
