//! Signing in to the portal: password, second factor, lock after failures; the sessions that follow and how they end.
//! Not here: the cookie (`http::portal`), who makes users (`users`).

use super::act::{Act, By};
use super::warrants::{self, Warrant};
use super::{ExchangeError, passwords, second_factor};
use crate::config::Portal;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::domain::user::{self, PasswordRules, UserRole};
use crate::hub::Hub;
use crate::keyring::digest_of;
use crate::store::user_sessions::{self, SessionRow};
use crate::store::users::{self, SecondFactor, UserRow};
use crate::store::{Connection, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// How often it is written down that a session was used.
const SEEN_EVERY: TimeDelta = TimeDelta::seconds(30);

/// Longest name of a browser that is kept.
const AGENT_CHARS_MAX: usize = 200;

/// Somebody who is signed in. Only `person` makes one.
#[derive(Debug, Clone)]
pub struct Person {
    /// Its id.
    pub user_id: String,
    /// What it signs in with.
    pub login: String,
    /// What people call it.
    pub name: String,
    /// What it is there for.
    pub role: UserRole,
    /// The agencies that it looks after; an auditor: those of its warrant.
    pub agencies: Vec<String>,
    /// The warrant of an auditor that holds now.
    pub warrant: Option<Warrant>,
    /// The identity provider by which it signed in; nothing: by password.
    pub came_by: Option<String>,
    /// Whether it must choose a password before anything else.
    pub must_change_password: bool,
    /// Whether it must set up a second factor before anything else.
    pub must_set_up: bool,
    /// Whether it has a second factor.
    pub has_second_factor: bool,
    /// What forms of this session carry, so that no other site can send them.
    pub form_token: SecretString,
    /// When the session ends if it is not used.
    pub idle_until: DateTime<Utc>,
    session_digest: Vec<u8>,
}

impl Person {
    /// What its session is known by.
    pub(super) fn session_digest(&self) -> &[u8] {
        &self.session_digest
    }

    /// Nothing for whoever does not look after the hub itself: what is not for somebody is as if it were not there.
    ///
    /// # Errors
    /// `NotFound`.
    pub(super) fn runs_the_hub(&self) -> Result<(), ExchangeError> {
        if self.role.is_powerful() { Ok(()) } else { Err(ExchangeError::NotFound) }
    }

    /// Nothing for whoever does not make accounts and warrants, likewise.
    ///
    /// # Errors
    /// `NotFound`.
    pub(super) fn administers(&self) -> Result<(), ExchangeError> {
        if self.role.makes_users() { Ok(()) } else { Err(ExchangeError::NotFound) }
    }

    /// Whether it is an auditor without a warrant that holds: nothing is shown to it.
    pub fn lacks_warrant(&self) -> bool {
        self.role.is_auditor() && self.warrant.is_none()
    }

    /// Whether the numbers of all agencies are open to it.
    pub fn sees_every_number(&self) -> bool {
        self.role.sees_every_number() && self.warrant.as_ref().is_none_or(|warrant| warrant.row.every_agency)
    }

    /// Whether a document that was accepted at that time is for it, as far as that depends on the time.
    pub(super) fn covers(&self, accepted_at: DateTime<Utc>) -> bool {
        let documents = self.warrant.as_ref().map(Warrant::documents);
        documents.is_none_or(|days| days.is_some_and(|(from, until)| (from..until).contains(&accepted_at)))
    }

    /// The same of a day, `yyyy-MM-dd`.
    pub(super) fn covers_day(&self, day: &str) -> bool {
        let row = self.warrant.as_ref().map(|warrant| &warrant.row);
        row.is_none_or(|row| (row.documents_from.as_str()..=row.documents_until.as_str()).contains(&day))
    }

    /// Whether the logs of all agencies are open to it.
    pub fn sees_every_agency(&self) -> bool {
        self.role.sees_every_agency() || self.warrant.as_ref().is_some_and(|warrant| warrant.row.every_agency)
    }

    /// Who it is in evidence.
    pub(super) fn by(&self) -> By {
        let user_id = self.user_id.clone();
        match &self.warrant {
            Some(warrant) => By::Auditor { user_id, warrant_id: warrant.row.warrant_id.clone() },
            None => By::User(user_id),
        }
    }

    /// Whether the log of an agency is open to it.
    pub fn may_see(&self, agency_code: &str) -> bool {
        self.sees_every_agency() || self.agencies.iter().any(|code| code == agency_code)
    }
}

/// What somebody shows to get in.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The name.
    pub login: String,
    /// The password.
    pub password: SecretString,
    /// The code of the app, or a recovery code; empty when none was given.
    pub code: String,
}

/// Whence somebody signs in.
#[derive(Debug, Clone)]
pub struct Visit {
    /// From where.
    pub address: String,
    /// By which browser, as it says.
    pub agent: String,
}

/// What becomes of it.
#[derive(Debug)]
pub enum Admission {
    /// In, with what the cookie is to say.
    In(SecretString),
    /// Not in.
    Out(Turned),
}

/// Why somebody is not let in: as much as may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// Name, password or code do not hold, or the person is suspended.
    Wrong,
    /// The password holds, a code is missing.
    CodeMissing,
    /// Too many failures; nothing is tried until then.
    Locked(DateTime<Utc>),
    /// The identity provider vouches for nobody.
    NotVouched,
    /// It does, but does not say that more than a password was used.
    OneFactor,
    /// It does, for somebody who is nobody here, or who may not come by it.
    Unlinked,
}

/// Lets somebody in, or not.
///
/// # Errors
/// `ComeAgain` when too many sign in at once; `Store`; `Unavailable`.
pub async fn sign_in(hub: &Hub, shown: Shown, visit: Visit) -> Result<Admission, ExchangeError> {
    let login = user::login(&shown.login).unwrap_or_default();
    let asked = login.clone();
    let user = hub.store.read(move |tx| users::find_by_login(tx, &asked)).await?;
    let now = hub.clock.now();
    if let Some(until) = user.as_ref().and_then(|user| user.locked_until).filter(|until| *until > now) {
        return Ok(Admission::Out(Turned::Locked(until)));
    }
    let hash = user.as_ref().filter(|user| user.suspended_at.is_none()).map(|user| user.password.as_str());
    let holds = passwords::holds(hub, &shown.password, hash).await?;
    let Some(user) = user else { return Ok(Admission::Out(Turned::Wrong)) };
    let (own, checked) = (hub.clone(), user.password);
    let judge = move |tx: &mut Connection| {
        // Whoever was changed, locked or suspended meanwhile is judged by how it stands now.
        let Some(user) = users::find_to_change(tx, &user.user_id)? else { return Ok(Err(Turned::Wrong)) };
        if let Some(until) = user.locked_until.filter(|until| *until > now) {
            return Ok(Err(Turned::Locked(until)));
        }
        let stands = holds && user.password == checked && user.suspended_at.is_none();
        let wants_code = user.second_factor == SecondFactor::On;
        if stands && wants_code && shown.code.trim().is_empty() {
            return Ok(Err(Turned::CodeMissing));
        }
        if !stands || (wants_code && !second_factor::take(&own, tx, &user, &shown.code)?) {
            return failed(&own.config.portal, tx, &user, now).map(Err);
        }
        Ok(Ok((user, None)))
    };
    open_for(hub, visit, judge).await
}

/// Opens a session for whom `judge` lets in, and by which provider it came, in the same transaction.
///
/// # Errors
/// `Store`; `Unavailable`.
pub(super) async fn open_for(
    hub: &Hub,
    visit: Visit,
    judge: impl Fn(&mut Connection) -> Result<Result<(UserRow, Option<String>), Turned>, StoreError> + Send + 'static,
) -> Result<Admission, ExchangeError> {
    let token = hub.keyring.new_secret().map_err(|_| ExchangeError::Unavailable("no randomness".to_owned()))?;
    let (digest, now) = (session_digest(token.expose_secret()), hub.clock.now());
    let turned = hub.store.write(move |tx| {
        let (user, provider_id) = match judge(tx)? {
            Ok(found) => found,
            Err(turned) => return Ok(Some(turned)),
        };
        users::note_sign_in(tx, &user.user_id, now)?;
        let agent = visit.agent.chars().take(AGENT_CHARS_MAX).collect();
        let row = SessionRow::new(digest.clone(), (user.user_id, provider_id), (visit.address.clone(), agent), now);
        user_sessions::open_session(tx, &row)?;
        Ok(None)
    });
    Ok(match turned.await? {
        None => Admission::In(token),
        Some(turned) => Admission::Out(turned),
    })
}

/// Notes a failure of somebody who is not locked; too many in a row lock.
fn failed(settings: &Portal, tx: &mut Connection, user: &UserRow, now: DateTime<Utc>) -> Result<Turned, StoreError> {
    let failures = user.failures.saturating_add(1);
    let is_enough = u64::try_from(failures).is_ok_and(|failures| failures >= settings.failures_max);
    let lock = i64::try_from(settings.lock_minutes).ok().and_then(TimeDelta::try_minutes);
    let until = is_enough.then(|| lock.and_then(|lock| now.checked_add_signed(lock))).flatten();
    users::note_failure(tx, &user.user_id, (if until.is_some() { 0 } else { failures }, until))?;
    Ok(until.map_or(Turned::Wrong, Turned::Locked))
}

fn session_digest(token: &str) -> Vec<u8> {
    digest_of("session", token)
}

/// Who is signed in by what a cookie says; nobody when the session is over. What a page does by itself (`is_use` is false) keeps
/// no session alive.
///
/// # Errors
/// `Store`.
pub async fn person(hub: &Hub, token: &str, is_use: bool) -> Result<Option<Person>, ExchangeError> {
    let (digest, now) = (session_digest(token), hub.clock.now());
    let found = hub.store.read(move |tx| {
        let Some(session) = user_sessions::session(tx, &digest)? else { return Ok(None) };
        let Some(user) = users::find(tx, &session.user_id)? else { return Ok(None) };
        let warrant = match user.role {
            UserRole::Auditor => warrants::in_force(tx, &user.user_id, now)?,
            UserRole::Clerk | UserRole::Operator | UserRole::Administrator => None,
        };
        let agencies = match &warrant {
            Some(warrant) => warrant.agencies.clone(),
            None => users::agencies_of(tx, &user.user_id)?,
        };
        Ok(Some((session, user, (agencies, warrant))))
    });
    let Some((session, user, (agencies, warrant))) = found.await? else { return Ok(None) };
    let settings = &hub.config.portal;
    let idle = if user.role.is_powerful() { settings.powerful_idle_minutes } else { settings.idle_minutes };
    let later = |at: DateTime<Utc>, minutes: u64| {
        let more = i64::try_from(minutes).ok().and_then(TimeDelta::try_minutes)?;
        at.checked_add_signed(more)
    };
    let idle_until = later(session.seen_at(), idle).unwrap_or(now);
    let ends_at = later(session.created_at(), settings.session_hours.saturating_mul(60)).unwrap_or(now);
    if user.suspended_at.is_some() || now >= idle_until.min(ends_at) {
        return Ok(None);
    }
    let mut used_at = session.seen_at();
    if is_use && now.signed_duration_since(used_at) >= SEEN_EVERY {
        let digest = session.session_digest.clone();
        hub.store.write(move |tx| user_sessions::touch_session(tx, &digest, now)).await?;
        used_at = now;
    }
    let has_second_factor = user.second_factor == SecondFactor::On;
    Ok(Some(Person {
        // Whoever came by a provider showed nothing that somebody else made, and the second factor there.
        must_change_password: user.must_change && session.provider_id.is_none(),
        must_set_up: settings.second_factor && !has_second_factor && session.provider_id.is_none(),
        has_second_factor,
        form_token: hex::encode(digest_of("form", token)).into(),
        idle_until: later(used_at, idle).unwrap_or(now).min(ends_at),
        session_digest: session.session_digest,
        came_by: session.provider_id,
        user_id: user.user_id,
        login: user.login,
        name: user.name,
        role: user.role,
        agencies,
        warrant,
    }))
}

/// Ends the session of a person.
///
/// # Errors
/// `Store`.
pub async fn sign_out(hub: &Hub, person: &Person) -> Result<(), ExchangeError> {
    let digest = person.session_digest.clone();
    Ok(hub.store.write(move |tx| user_sessions::end_session(tx, &digest)).await?)
}

/// Ends every other session of a person. Answers how many.
///
/// # Errors
/// `Store`.
pub async fn end_others(hub: &Hub, person: &Person) -> Result<usize, ExchangeError> {
    let (person, act) = (person.clone(), Act::new(hub, &person.by()));
    let ended = hub.store.write(move |tx| {
        let ended = user_sessions::end_sessions(tx, &person.user_id, Some(&person.session_digest))?;
        let facts = json!({ "user": person.login, "sessions": ended });
        act.note(tx, (EvidenceEvent::UserChanged, "end-sessions"), None, facts)?;
        Ok(ended)
    });
    Ok(ended.await?)
}

/// A session as its owner sees it.
#[derive(Debug, Clone)]
pub struct SessionLine {
    /// From where.
    pub address: String,
    /// By which browser, as it said.
    pub agent: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it was last used.
    pub seen_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub is_own: bool,
}

/// A person's sessions, the newest first, and how many recovery codes it has left.
///
/// # Errors
/// `Store`.
pub async fn own(hub: &Hub, person: &Person) -> Result<(Vec<SessionLine>, i64), ExchangeError> {
    let (user_id, own) = (person.user_id.clone(), person.session_digest.clone());
    let (sessions, codes) = hub
        .store
        .read(move |tx| Ok((user_sessions::sessions_of(tx, &user_id)?, users::recovery_codes_left(tx, &user_id)?)))
        .await?;
    let line = |row: SessionRow| SessionLine {
        since: row.created_at(),
        seen_at: row.seen_at(),
        is_own: row.session_digest == own,
        address: row.address,
        agent: row.agent,
    };
    Ok((sessions.into_iter().map(line).collect(), codes))
}

/// What a password must be here.
pub fn password_rules(settings: &Portal) -> PasswordRules {
    PasswordRules { chars_min: settings.password_chars_min, chars_min_alone: settings.password_chars_min_alone }
}

/// Gives a person a password of its own choice, and ends its other sessions. Everything that is wrong with it, else
/// nothing.
///
/// # Errors
/// `ComeAgain`, `Store`, `Unavailable`.
pub async fn change_password(
    hub: &Hub,
    person: &Person,
    (old, new): (SecretString, SecretString),
) -> Result<Vec<Wording>, ExchangeError> {
    let user_id = person.user_id.clone();
    let user = hub.store.read(move |tx| users::find(tx, &user_id)).await?.ok_or(ExchangeError::NotFound)?;
    let mut faults = user::password_faults(
        new.expose_secret(),
        &person.login,
        person.has_second_factor,
        password_rules(&hub.config.portal),
    );
    if old.expose_secret() == new.expose_secret() {
        faults.push(Wording::new("Mật khẩu mới phải khác mật khẩu cũ.", "The new password must be another one."));
    }
    if !faults.is_empty() {
        return Ok(faults);
    }
    let holds = passwords::holds(hub, &old, Some(&user.password)).await?;
    let hash = passwords::hash(hub, &new).await?;
    let act = Act::new(hub, &person.by());
    let (own, settings, checked) = (person.session_digest.clone(), hub.config.portal.clone(), user.password);
    let changed = hub.store.write(move |tx| {
        // A reset, a lock or the end of this session that came meanwhile goes before.
        let Some(user) = users::find_to_change(tx, &user.user_id)? else { return Ok(false) };
        let is_locked = user.locked_until.is_some_and(|until| until > act.now);
        if is_locked || user.suspended_at.is_some() || user_sessions::session(tx, &own)?.is_none() {
            return Ok(false);
        }
        if !holds || user.password != checked {
            failed(&settings, tx, &user, act.now)?;
            return Ok(false);
        }
        users::set_password(tx, &user.user_id, &hash, false)?;
        user_sessions::end_sessions(tx, &user.user_id, Some(&own))?;
        act.note(tx, (EvidenceEvent::UserChanged, "password"), None, json!({ "user": user.login }))?;
        Ok(true)
    });
    let refused = Wording::new(
        "Mật khẩu hiện tại không đúng, hoặc đã sai quá nhiều lần và phải chờ.",
        "The present password does not hold, or there were too many failures and you must wait.",
    );
    Ok(if changed.await? { Vec::new() } else { vec![refused] })
}

/// Removes sessions that ended by themselves. Answers how many.
///
/// # Errors
/// `Store`.
pub async fn sweep(hub: &Hub) -> Result<usize, ExchangeError> {
    let settings = &hub.config.portal;
    let hours = i64::try_from(settings.session_hours).ok().and_then(TimeDelta::try_hours).unwrap_or_default();
    let before = hub.clock.now().checked_sub_signed(hours).unwrap_or(DateTime::UNIX_EPOCH);
    Ok(hub.store.write(move |tx| user_sessions::remove_sessions(tx, before)).await?)
}
