//! The second factor: codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds), and recovery codes for
//! whoever has lost it. Not here: who is asked for one (`sessions`).

use super::ExchangeError;
use super::act::Act;
use super::sessions::Person;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::hub::Hub;
use crate::keyring::digest_of;
use crate::store::users::{self, SecondFactor, UserRow};
use crate::store::{Connection, StoreError, user_sessions};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

/// Recovery codes that are given at once.
const RECOVERY_CODES: usize = 10;

/// Bytes of a secret: as many as the digest has (RFC 4226, section 4).
const SECRET_BYTES: usize = 20;

/// What an authenticator app is told.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The address that a picture carries, or that a link opens.
    pub url: SecretString,
    /// The secret as people type it.
    pub typed: SecretString,
}

fn totp(secret_hex: &str, login: &str, issuer: &str) -> Option<Totp> {
    let secret = Secret::new(hex::decode(secret_hex).ok()?.into_boxed_slice());
    // A colon divides issuer and account in the address.
    let issuer = issuer.replace(':', " ");
    let builder = Builder::new().with_secret(secret).with_skew(1).with_step_duration(30).with_digits(6);
    builder.with_account_name(login).with_issuer(Some(issuer.as_str())).build().ok()
}

/// The step whose code this is, within one step of now.
fn step_of(hub: &Hub, user: &UserRow, code: &str, now: DateTime<Utc>) -> Option<i64> {
    let sealed = user.secret_sealed.as_ref()?;
    let secret = hub.keyring.unseal(sealed, &user.user_id).ok()?;
    let totp = totp(secret.expose_secret(), &user.login, &hub.config.selftest.hub_name)?;
    let step = totp.check(code.trim(), u64::try_from(now.timestamp()).ok()?)?;
    i64::try_from(step).ok()
}

/// Takes a code of the app or a recovery code, each once. Says whether it held.
pub(super) fn take(hub: &Hub, tx: &mut Connection, user: &UserRow, code: &str) -> Result<bool, StoreError> {
    match step_of(hub, user, code, hub.clock.now()) {
        Some(step) => users::take_step(tx, &user.user_id, step),
        None => users::use_recovery_code(tx, &user.user_id, &recovery_digest(code)),
    }
}

fn recovery_digest(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    digest_of("recovery code", &plain.to_ascii_lowercase())
}

/// Makes a secret for an app. It is asked for only once a code of it was shown (`confirm`).
///
/// # Errors
/// `NotAllowed` when there is a second factor already; `Store`; `Unavailable`.
pub async fn offer(hub: &Hub, person: &Person) -> Result<Offer, ExchangeError> {
    let unavailable = |_| ExchangeError::Unavailable("no randomness".to_owned());
    let random = hub.keyring.random().map_err(unavailable)?;
    let secret = hex::encode(random.get(..SECRET_BYTES).unwrap_or_default());
    let sealed = hub.keyring.seal(&secret.clone().into(), &person.user_id).map_err(unavailable)?;
    let (user_id, act) = (person.user_id.clone(), Act::new(hub, &person.by()));
    let begun = hub.store.write(move |tx| {
        let Some(user) = users::find_to_change(tx, &user_id)? else { return Ok(false) };
        if user.second_factor == SecondFactor::On {
            return Ok(false);
        }
        users::set_second_factor(tx, &user_id, SecondFactor::Begun, (Some(&sealed), 0))?;
        let facts = json!({ "user": user.login });
        act.note(tx, (EvidenceEvent::UserChanged, "second-factor-begun"), None, facts)?;
        Ok(true)
    });
    if !begun.await? {
        return Err(on_already());
    }
    let broken = || ExchangeError::Unavailable("a secret cannot be used".to_owned());
    let totp = totp(&secret, &person.login, &hub.config.selftest.hub_name).ok_or_else(broken)?;
    let url = totp.to_url().map_err(|_| broken())?;
    Ok(Offer { url: url.into(), typed: totp.secret().to_base32().into() })
}

fn on_already() -> ExchangeError {
    ExchangeError::NotAllowed(Wording::new(
        "Xác thực hai lớp đã được bật; quản trị viên có thể đặt lại",
        "The second factor is on already; an administrator can reset it",
    ))
}

/// Turns the second factor on with the first code of the app. Gives recovery codes, this once; nothing when the code does
/// not hold.
///
/// # Errors
/// `NotAllowed` when there is a second factor already; `Store`; `Unavailable`.
pub async fn confirm(hub: &Hub, person: &Person, code: &str) -> Result<Option<Vec<String>>, ExchangeError> {
    let codes = (0..RECOVERY_CODES).map(|_| hub.keyring.random().map(|bytes| recovery_code(&bytes)));
    let codes: Vec<String> =
        codes.collect::<Result<_, _>>().map_err(|_| ExchangeError::Unavailable("no randomness".to_owned()))?;
    let digests: Vec<Vec<u8>> = codes.iter().map(|code| recovery_digest(code)).collect();
    let (own, user_id, code) = (hub.clone(), person.user_id.clone(), code.to_owned());
    let session = person.session_digest().to_vec();
    let act = Act::new(hub, &person.by());
    let turned_on = hub.store.write(move |tx| {
        let Some(user) = users::find_to_change(tx, &user_id)? else { return Ok(false) };
        let step = step_of(&own, &user, &code, own.clock.now()).filter(|_| user.second_factor == SecondFactor::Begun);
        let Some(step) = step else { return Ok(false) };
        users::set_second_factor(tx, &user_id, SecondFactor::On, (user.secret_sealed.as_deref(), step))?;
        users::set_recovery_codes(tx, &user_id, &digests)?;
        // Sessions that never showed a code of it.
        user_sessions::end_sessions(tx, &user_id, Some(&session))?;
        act.note(tx, (EvidenceEvent::UserChanged, "second-factor"), None, json!({ "user": user.login }))?;
        Ok(true)
    });
    Ok(turned_on.await?.then_some(codes))
}

/// Sixteen characters in four groups, without those that look alike: 80 bits.
fn recovery_code(random: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map_or('0', char::from);
    let letters: Vec<char> = random.iter().take(16).map(letter).collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B: the last six of eight digits for SHA-1.
        let secret = hex::encode(b"12345678901234567890");
        let totp = totp(&secret, "lan", "Docaxis").unwrap();

        assert_eq!(totp.check("287082", 59), Some(1));
        assert_eq!(totp.check("081804", 1_111_111_109), Some(37_037_036));
        assert_eq!(totp.check("287082", 200), None);
    }

    #[test]
    fn a_recovery_code_is_read_in_any_spelling() {
        let random: Vec<u8> = (8..32).collect();
        let code = recovery_code(&random);

        assert_eq!(code, "89ab-cdef-ghjk-mnpq");
        assert_eq!(recovery_digest(&code), recovery_digest(" 89AB CDEF GHJK mnpq "));
    }

    #[test]
    fn each_of_sixteen_characters_of_a_recovery_code_is_one_of_thirty_two() {
        let seen: std::collections::HashSet<char> = (0..=u8::MAX)
            .flat_map(|byte| recovery_code(&[byte; 32]).replace('-', "").chars().collect::<Vec<_>>())
            .collect();

        assert_eq!((seen.len(), recovery_code(&[7; 32]).replace('-', "").len()), (32, 16), "80 bits");
    }
}
