//! The signature of a pushed packet, the Standard Webhooks way (version 1, symmetric): HMAC-SHA256 over
//! `id.timestamp.body`, so that an endpoint knows that the hub posted it, when, and that nothing was changed.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

/// What a secret begins with, so that people and scanners know it.
const PREFIX: &str = "whsec_";

/// A signature in the making.
pub struct Signature {
    context: hmac::Context,
}

impl Signature {
    /// Begins the signature of a message; `None` when the secret has not the right form.
    pub fn begin(secret: &SecretString, id: &str, timestamp: i64) -> Option<Self> {
        let key = STANDARD.decode(secret.expose_secret().strip_prefix(PREFIX)?).ok()?;
        let mut context = hmac::Context::with_key(&hmac::Key::new(HMAC_SHA256, &key));
        context.update(format!("{id}.{timestamp}.").as_bytes());
        Some(Self { context })
    }

    /// The next bytes of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// The value of the header `webhook-signature`.
    pub fn finish(self) -> String {
        format!("v1,{}", STANDARD.encode(self.context.sign().as_ref()))
    }
}

/// A secret of these random bytes, as text.
pub fn secret_of(random: &[u8]) -> SecretString {
    SecretString::from(format!("{PREFIX}{}", STANDARD.encode(random)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    #[test]
    fn the_published_example_is_reproduced() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let mut signature = Signature::begin(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330).unwrap();
        signature.update(br#"{"test""#);
        signature.update(br#": 2432232314}"#);
        assert_eq!(signature.finish(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_of_another_form_signs_nothing() {
        for wrong in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%"] {
            assert!(Signature::begin(&SecretString::from(wrong), "m", 0).is_none(), "{wrong}");
        }
    }
}
