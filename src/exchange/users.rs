//! People who may use the portal: made, suspended, given agencies, given a way in again. Each act is evidence. How they
//! sign in: `sessions`.

use super::act::{Act, By};
use super::{ExchangeError, grant_ends, passwords};
use crate::domain::agency::AgencyCode;
use crate::domain::directory::folded;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::domain::user::{self, UserRole};
use crate::hub::Hub;
use crate::store::users::{self as rows, NewUser, SecondFactor, UserRow};
use crate::store::{Connection, StoreError, agencies, identities, user_sessions};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::json;

/// Longest name of a person, in characters.
const NAME_CHARS_MAX: usize = 200;

/// A person as an administrator sees it.
#[derive(Debug, Clone)]
pub struct UserLine {
    /// What it signs in with.
    pub login: String,
    /// What people call it.
    pub name: String,
    /// What it is there for.
    pub role: UserRole,
    /// The agencies that it looks after.
    pub agencies: Vec<String>,
    /// Whether it has a second factor.
    pub has_second_factor: bool,
    /// Since when it is suspended.
    pub suspended_at: Option<DateTime<Utc>>,
    /// When it last signed in.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// Since when it is unused.
    pub unused_since: DateTime<Utc>,
}

impl UserLine {
    /// Full days without use.
    pub fn unused_days(&self, now: DateTime<Utc>) -> i64 {
        now.signed_duration_since(self.unused_since).num_days()
    }
}

/// Somebody to be let in.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// What it is to sign in with.
    pub login: String,
    /// What people call it.
    pub name: String,
    /// What it is there for.
    pub role: UserRole,
    /// The agencies that it looks after, by code or alias.
    pub agencies: Vec<String>,
}

fn line(row: UserRow, agencies: Vec<String>) -> UserLine {
    UserLine {
        login: row.login,
        name: row.name,
        role: row.role,
        agencies,
        has_second_factor: row.second_factor == SecondFactor::On,
        suspended_at: row.suspended_at,
        signed_in_at: row.signed_in_at,
        unused_since: row.unused_since,
    }
}

fn malformed(vi: impl Into<String>, en: impl Into<String>) -> ExchangeError {
    ExchangeError::Malformed(Wording::new(vi, en))
}

/// A password for the first time, or for one time more: whoever gets it must choose another.
async fn first_password(hub: &Hub) -> Result<(SecretString, String), ExchangeError> {
    let password = hub.keyring.new_secret().map_err(|_| ExchangeError::Unavailable("no randomness".to_owned()))?;
    let hash = passwords::hash(hub, &password).await?;
    Ok((password, hash))
}

/// Lets somebody in. Gives the first password, this once.
///
/// # Errors
/// `Malformed` for a login, a name or agencies that cannot be used; `Exists` when the login is taken; `Store`.
pub async fn add(hub: &Hub, by: &By, new: Newcomer) -> Result<(UserLine, SecretString), ExchangeError> {
    let Some(login) = user::login(&new.login) else {
        return Err(malformed(
            "Tên đăng nhập gồm 3–64 chữ cái không dấu, chữ số và . _ - @",
            "A name to sign in with has 3 to 64 plain letters, digits and . _ - @",
        ));
    };
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains('\0') {
        return Err(malformed("Cần họ tên, không quá 200 ký tự", "A name of at most 200 characters is needed"));
    }
    if !new.agencies.is_empty() {
        may_be_given(new.role)?;
    }
    let (password, hash) = first_password(hub).await?;
    let act = Act::new(hub, by);
    let row = NewUser { user_id: hub.ids.next(), login: login.clone(), name, role: new.role, password: hash };
    let taken = login.clone();
    let written = hub.store.write(move |tx| {
        if rows::find_by_login(tx, &row.login)?.is_some() {
            return Ok(None);
        }
        let codes = match codes(tx, &new.agencies)? {
            Ok(codes) => codes,
            Err(unknown) => return Ok(Some(Err(unknown))),
        };
        rows::insert(tx, &row, act.now)?;
        note(tx, &act, "add", (&row.login, json!({ "role": row.role.word() })))?;
        give(tx, &act, (&row.user_id, &row.login), &codes)?;
        found(tx, &row.login).map(Some)
    });
    match written.await? {
        Some(line) => Ok((line?, password)),
        None => Err(ExchangeError::Exists(Wording::new(
            format!("Đã có người dùng {taken}"),
            format!("There is a user {taken} already"),
        ))),
    }
}

/// Whether agencies are given to a role: only clerks look after some.
fn may_be_given(role: UserRole) -> Result<(), ExchangeError> {
    match role {
        UserRole::Clerk => Ok(()),
        UserRole::Auditor => Err(malformed(
            "Người kiểm tra được xem theo quyết định kiểm tra: docaxis warrant issue",
            "An auditor sees what a warrant gives: docaxis warrant issue",
        )),
        UserRole::Operator | UserRole::Administrator => Err(malformed(
            "Vai trò này xem được mọi đơn vị nên không gắn với đơn vị nào",
            "The role sees every agency and is given none",
        )),
    }
}

/// Leaves evidence of what was done to a person.
pub(super) fn note(
    tx: &mut Connection,
    act: &Act,
    what: &str,
    (login, facts): (&str, serde_json::Value),
) -> Result<(), StoreError> {
    let mut all = json!({ "user": login });
    if let (Some(all), serde_json::Value::Object(facts)) = (all.as_object_mut(), facts) {
        all.extend(facts);
    }
    act.note(tx, (EvidenceEvent::UserChanged, what), None, all)
}

/// What was found, or why it was not.
type Found<T> = Result<Result<T, ExchangeError>, StoreError>;

/// The canonical codes of agencies.
fn codes(tx: &mut Connection, texts: &[String]) -> Found<Vec<AgencyCode>> {
    let mut codes = Vec::new();
    for text in texts {
        match agencies::find_by_alias(tx, &folded(text))? {
            Some(agency) => codes.push(agency.code),
            None => {
                let unknown = malformed(
                    format!("Cơ quan {text} chưa được đăng ký"),
                    format!("The agency {text} is not registered"),
                );
                return Ok(Err(unknown));
            }
        }
    }
    Ok(Ok(codes))
}

fn give(
    tx: &mut Connection,
    act: &Act,
    (user_id, login): (&str, &str),
    codes: &[AgencyCode],
) -> Result<(), StoreError> {
    for code in codes {
        if rows::give(tx, user_id, code.as_str())? {
            note(tx, act, "give", (login, json!({ "agency": code.as_str() })))?;
        }
    }
    Ok(())
}

fn found(tx: &mut Connection, login: &str) -> Found<UserLine> {
    let Some(row) = rows::find_by_login(tx, login)? else { return Ok(Err(ExchangeError::NotFound)) };
    let agencies = rows::agencies_of(tx, &row.user_id)?;
    Ok(Ok(line(row, agencies)))
}

/// Everybody, in the order of logins.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub) -> Result<Vec<UserLine>, ExchangeError> {
    let all = hub.store.read(|tx| {
        let mut agencies = rows::all_agencies(tx)?;
        let lines = rows::list(tx)?.into_iter().map(|row| {
            let own = agencies.remove(&row.user_id).unwrap_or_default();
            line(row, own)
        });
        Ok(lines.collect())
    });
    Ok(all.await?)
}

/// Changes somebody in one transaction.
async fn change(
    hub: &Hub,
    by: &By,
    login: &str,
    f: impl Fn(&mut Connection, &Act, &UserRow) -> Found<()> + Send + 'static,
) -> Result<UserLine, ExchangeError> {
    let (act, login) = (Act::new(hub, by), user::login(login).unwrap_or_default());
    let changed = hub.store.write(move |tx| {
        let Some(row) = rows::find_by_login(tx, &login)? else { return Ok(Err(ExchangeError::NotFound)) };
        match f(tx, &act, &row)? {
            Ok(()) => found(tx, &login),
            Err(why) => Ok(Err(why)),
        }
    });
    changed.await?
}

/// Lets somebody in no more, and ends its sessions and what it proposed or agreed to give at once; or lets it in again.
///
/// # Errors
/// `NotFound`; `Store`.
pub async fn suspend(hub: &Hub, by: &By, login: &str, suspended: bool) -> Result<UserLine, ExchangeError> {
    let change = change(hub, by, login, move |tx, act, row| {
        if row.suspended_at.is_some() != suspended {
            match suspended {
                true => rows::suspend(tx, &row.user_id, act.now)?,
                false => rows::resume(tx, &row.user_id, act.now)?,
            }
            note(tx, act, if suspended { "suspend" } else { "resume" }, (&row.login, json!({})))?;
        }
        if suspended {
            grant_ends::with_person(tx, act, &row.user_id)?;
            user_sessions::end_sessions(tx, &row.user_id, None)?;
        }
        Ok(Ok(()))
    });
    change.await
}

/// Lets nobody in any more whose account was not used for `portal.unused_days`. Answers how many there were.
///
/// # Errors
/// `Store`.
pub async fn suspend_unused(hub: &Hub) -> Result<usize, ExchangeError> {
    let days = hub.config.portal.unused_days;
    let span = i64::try_from(days).ok().filter(|days| *days > 0).and_then(TimeDelta::try_days);
    let act = Act::new(hub, &By::Hub);
    let Some(before) = span.and_then(|span| act.now.checked_sub_signed(span)) else { return Ok(0) };
    let suspended = hub.store.write(move |tx| {
        let mut unused = rows::list(tx)?;
        unused.retain(|row| row.suspended_at.is_none() && row.unused_since < before);
        for row in &unused {
            rows::suspend(tx, &row.user_id, act.now)?;
            user_sessions::end_sessions(tx, &row.user_id, None)?;
            note(tx, &act, "suspend", (&row.login, json!({ "unused_days": days })))?;
            grant_ends::with_person(tx, &act, &row.user_id)?;
        }
        Ok(unused.len())
    });
    Ok(suspended.await?)
}

/// Gives somebody a new first password, shown this once; its sessions end, and it is linked to no identity provider any more. `with_second_factor`: that is taken away too.
///
/// # Errors
/// `NotFound`; `Store`.
pub async fn reset(
    hub: &Hub,
    by: &By,
    login: &str,
    with_second_factor: bool,
) -> Result<(UserLine, SecretString), ExchangeError> {
    let (password, hash) = first_password(hub).await?;
    let change = change(hub, by, login, move |tx, act, row| {
        rows::set_password(tx, &row.user_id, &hash, true)?;
        if with_second_factor {
            rows::set_second_factor(tx, &row.user_id, SecondFactor::None, (None, 0))?;
            rows::set_recovery_codes(tx, &row.user_id, &[])?;
        }
        // Whoever had taken the account over may have linked itself.
        let providers = identities::unlink_all(tx, &row.user_id)?;
        user_sessions::end_sessions(tx, &row.user_id, None)?;
        let facts = json!({ "second_factor": with_second_factor, "providers": providers });
        note(tx, act, "reset", (&row.login, facts))?;
        Ok(Ok(()))
    });
    Ok((change.await?, password))
}

/// Lets somebody look after an agency, by code or alias.
///
/// # Errors
/// `NotFound`; `Malformed` for an unknown agency, or a role that is given none; `Store`.
pub async fn hold(hub: &Hub, by: &By, login: &str, agency: &str) -> Result<UserLine, ExchangeError> {
    let agency = agency.to_owned();
    let change = change(hub, by, login, move |tx, act, row| match may_be_given(row.role) {
        Err(why) => Ok(Err(why)),
        Ok(()) => match codes(tx, std::slice::from_ref(&agency))? {
            Ok(codes) => give(tx, act, (&row.user_id, &row.login), &codes).map(Ok),
            Err(unknown) => Ok(Err(unknown)),
        },
    });
    change.await
}

/// Lets somebody look after an agency no more.
///
/// # Errors
/// `NotFound` also when it did not; `Store`.
pub async fn release(hub: &Hub, by: &By, login: &str, agency: &str) -> Result<UserLine, ExchangeError> {
    let agency = agency.to_owned();
    let change = change(hub, by, login, move |tx, act, row| {
        let Some(known) = agencies::find_by_alias(tx, &folded(&agency))? else {
            return Ok(Err(ExchangeError::NotFound));
        };
        let code = known.code.as_str();
        if !rows::take(tx, &row.user_id, code)? {
            return Ok(Err(ExchangeError::NotFound));
        }
        note(tx, act, "take", (&row.login, json!({ "agency": code })))?;
        Ok(Ok(()))
    });
    change.await
}
