//! Passwords of people: Argon2id, a few at a time, never on a thread that answers requests. Not here: who may sign in
//! (`sessions`), what a password must be (`domain::user`).

use super::ExchangeError;
use crate::domain::user::PASSWORD_CHARS_MAX;
use crate::hub::Hub;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long one may wait for a place.
const PATIENCE: Duration = Duration::from_secs(10);

/// Nobody's password, so that a login that nobody has takes as long as one that somebody has.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$ZG9jYXhpcy1ub2JvZHk$P0z5n5u7fFjYTEn0dQ8yZ3q1gk0v6Y4o0v8m3mF5n8Q";

/// The hash of a password, with a salt of its own.
///
/// # Errors
/// `ComeAgain` when too many are at it; `Unavailable`.
pub async fn hash(hub: &Hub, password: &SecretString) -> Result<String, ExchangeError> {
    let password = password.clone();
    let hashed = at_a_place(hub, move || {
        Argon2::default().hash_password(password.expose_secret().as_bytes()).map(|hash| hash.to_string())
    });
    hashed.await?.map_err(|why| ExchangeError::Unavailable(format!("a password cannot be hashed: {why}")))
}

/// Whether a password is that of a hash; without a hash the same work is done, and it never is.
///
/// # Errors
/// `ComeAgain` when too many are at it; `Unavailable`.
pub async fn holds(hub: &Hub, password: &SecretString, hash: Option<&str>) -> Result<bool, ExchangeError> {
    if password.expose_secret().chars().count() > PASSWORD_CHARS_MAX {
        return Ok(false);
    }
    let (password, is_known) = (password.clone(), hash.is_some());
    let hash = hash.unwrap_or(NOBODYS).to_owned();
    let held = at_a_place(hub, move || {
        let hash = PasswordHash::new(&hash);
        hash.is_ok_and(|hash| Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
    });
    Ok(held.await? && is_known)
}

async fn at_a_place<T: Send + 'static>(
    hub: &Hub,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ExchangeError> {
    let place = timeout(PATIENCE, Arc::clone(&hub.password_checks).acquire_owned()).await;
    let Ok(Ok(place)) = place else { return Err(ExchangeError::ComeAgain { too_many: false }) };
    // The place is taken as long as the work lasts, even if whoever asked has gone.
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    });
    let done = done.await;
    done.map_err(|why| ExchangeError::Unavailable(format!("a password could not be checked: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nobody_is_one_that_is_worked_on() {
        let hash = PasswordHash::new(NOBODYS).unwrap();

        assert!(Argon2::default().verify_password(b"anything", &hash).is_err());
        assert_eq!(hash.params.get_decimal("m"), Some(19456));
    }
}
