//! People who use the portal, the agencies that they look after, their recovery codes, what they have read and the views that they keep. Passwords
//! only as hashes, secrets only sealed, codes only as digests. Their sessions: `user_sessions`.

use super::connection::on_packets;
use super::schema::{read_documents, recovery_codes, saved_views, user_agencies, users};
use super::{Connection, StoreError};
use crate::domain::user::UserRole;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// How far a person is with a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactor {
    /// There is none.
    None,
    /// A secret was shown, no code of it yet.
    Begun,
    /// It is asked for.
    On,
}

impl SecondFactor {
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Begun => "begun",
            Self::On => "on",
        }
    }
}

/// A person as the table has it.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
struct Row {
    user_id: String,
    login: String,
    name: String,
    role: String,
    password: String,
    must_change: bool,
    second_factor: String,
    secret_sealed: Option<Vec<u8>>,
    last_step: i64,
    failures: i32,
    locked_until: Option<NaiveDateTime>,
    suspended_at: Option<NaiveDateTime>,
    created_at: NaiveDateTime,
    signed_in_at: Option<NaiveDateTime>,
    resumed_at: Option<NaiveDateTime>,
}

/// A person who uses the portal.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// Its id.
    pub user_id: String,
    /// What it signs in with.
    pub login: String,
    /// What people call it.
    pub name: String,
    /// What it is there for.
    pub role: UserRole,
    /// Argon2id, in the PHC form.
    pub password: String,
    /// Whether the password was made by somebody else.
    pub must_change: bool,
    /// How far it is with a second factor.
    pub second_factor: SecondFactor,
    /// The secret of its codes, sealed under its id.
    pub secret_sealed: Option<Vec<u8>>,
    /// The step of the last code that was taken: none is taken twice.
    pub last_step: i64,
    /// Wrong passwords or codes since the last right one.
    pub failures: i32,
    /// Until when nothing is tried.
    pub locked_until: Option<DateTime<Utc>>,
    /// Since when it may not sign in.
    pub suspended_at: Option<DateTime<Utc>>,
    /// When it last did.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// Since when it is unused: made, let in again, or signed in, whichever was last.
    pub unused_since: DateTime<Utc>,
}

impl Row {
    fn user(self) -> Result<UserRow, StoreError> {
        let Some(role) = UserRole::of_word(&self.role) else {
            return Err(StoreError::UnknownWord { column: "users.role", value: self.role });
        };
        let all = [SecondFactor::None, SecondFactor::Begun, SecondFactor::On];
        let Some(second_factor) = all.into_iter().find(|state| state.word() == self.second_factor) else {
            return Err(StoreError::UnknownWord { column: "users.second_factor", value: self.second_factor });
        };
        let utc = |at: Option<NaiveDateTime>| at.map(|at| at.and_utc());
        Ok(UserRow {
            locked_until: utc(self.locked_until),
            suspended_at: utc(self.suspended_at),
            signed_in_at: utc(self.signed_in_at),
            unused_since: [self.signed_in_at, self.resumed_at]
                .into_iter()
                .flatten()
                .fold(self.created_at, Ord::max)
                .and_utc(),
            user_id: self.user_id,
            login: self.login,
            name: self.name,
            role,
            password: self.password,
            must_change: self.must_change,
            second_factor,
            secret_sealed: self.secret_sealed,
            last_step: self.last_step,
            failures: self.failures,
        })
    }
}

/// Somebody new.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its id.
    pub user_id: String,
    /// What it signs in with.
    pub login: String,
    /// What people call it.
    pub name: String,
    /// What it is there for.
    pub role: UserRole,
    /// Argon2id of the first password, which is to be changed.
    pub password: String,
}

/// Adds a person.
///
/// # Errors
/// `Statement`; a unique violation when the login is taken.
pub fn insert(tx: &mut Connection, new: &NewUser, at: DateTime<Utc>) -> Result<(), StoreError> {
    let row = Row {
        user_id: new.user_id.clone(),
        login: new.login.clone(),
        name: new.name.clone(),
        role: new.role.word().to_owned(),
        password: new.password.clone(),
        must_change: true,
        second_factor: SecondFactor::None.word().to_owned(),
        secret_sealed: None,
        last_step: 0,
        failures: 0,
        locked_until: None,
        suspended_at: None,
        created_at: at.naive_utc(),
        signed_in_at: None,
        resumed_at: None,
    };
    on_packets!(tx, c => diesel::insert_into(users::table).values(&row).execute(c))?;
    Ok(())
}

/// Everybody, in the order of logins.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn list(tx: &mut Connection) -> Result<Vec<UserRow>, StoreError> {
    let rows: Vec<Row> = on_packets!(tx, c => users::table.order(users::login.asc()).select(Row::as_select()).load(c))?;
    rows.into_iter().map(Row::user).collect()
}

/// The names of people, by id.
///
/// # Errors
/// `Statement`.
pub fn names(tx: &mut Connection, user_ids: &[&str]) -> Result<HashMap<String, String>, StoreError> {
    if user_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, String)> = on_packets!(tx, c => users::table
        .filter(users::user_id.eq_any(user_ids))
        .select((users::user_id, users::name))
        .load(c))?;
    Ok(rows.into_iter().collect())
}

/// Who signs in by that name.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn find_by_login(tx: &mut Connection, login: &str) -> Result<Option<UserRow>, StoreError> {
    let row: Option<Row> = on_packets!(tx, c => users::table
        .filter(users::login.eq(login))
        .select(Row::as_select())
        .get_result(c)
        .optional())?;
    row.map(Row::user).transpose()
}

/// Who has that id.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn find(tx: &mut Connection, user_id: &str) -> Result<Option<UserRow>, StoreError> {
    let row: Option<Row> = on_packets!(tx, c => users::table
        .filter(users::user_id.eq(user_id))
        .select(Row::as_select())
        .get_result(c)
        .optional())?;
    row.map(Row::user).transpose()
}

/// The same, and nobody else changes it before this transaction ends.
///
/// # Errors
/// `Statement`, `UnknownWord`.
pub fn find_to_change(tx: &mut Connection, user_id: &str) -> Result<Option<UserRow>, StoreError> {
    on_packets!(tx, c => diesel::update(users::table)
        .filter(users::user_id.eq(user_id))
        .set(users::failures.eq(users::failures))
        .execute(c))?;
    find(tx, user_id)
}

/// Lets a person in no more from that time on.
///
/// # Errors
/// `Statement`.
pub fn suspend(tx: &mut Connection, user_id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(users::table)
        .filter(users::user_id.eq(user_id))
        .set(users::suspended_at.eq(at.naive_utc()))
        .execute(c))?;
    Ok(())
}

/// Lets a person in again.
///
/// # Errors
/// `Statement`.
pub fn resume(tx: &mut Connection, user_id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(users::table)
        .filter(users::user_id.eq(user_id))
        .set((users::suspended_at.eq(None::<NaiveDateTime>), users::resumed_at.eq(at.naive_utc())))
        .execute(c))?;
    Ok(())
}

/// The agencies of everybody, by the ids of people.
///
/// # Errors
/// `Statement`.
pub fn all_agencies(tx: &mut Connection) -> Result<HashMap<String, Vec<String>>, StoreError> {
    let rows: Vec<(String, String)> = on_packets!(tx, c => user_agencies::table
        .order(user_agencies::agency_code.asc())
        .select((user_agencies::user_id, user_agencies::agency_code))
        .load(c))?;
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    rows.into_iter().for_each(|(user_id, code)| all.entry(user_id).or_default().push(code));
    Ok(all)
}

/// Gives a person a new password, and opens the lock. `must_change`: somebody else made it.
///
/// # Errors
/// `Statement`.
pub fn set_password(tx: &mut Connection, user_id: &str, password: &str, must_change: bool) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(users::table)
        .filter(users::user_id.eq(user_id))
        .set((
            users::password.eq(password),
            users::must_change.eq(must_change),
            users::failures.eq(0),
            users::locked_until.eq(None::<NaiveDateTime>),
        ))
        .execute(c))?;
    Ok(())
}

/// Sets how far a person is with a second factor, and its sealed secret.
///
/// # Errors
/// `Statement`.
pub fn set_second_factor(
    tx: &mut Connection,
    user_id: &str,
    state: SecondFactor,
    (sealed, last_step): (Option<&[u8]>, i64),
) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(users::table)
        .filter(users::user_id.eq(user_id))
        .set((
            users::second_factor.eq(state.word()),
            users::secret_sealed.eq(sealed),
            users::last_step.eq(last_step),
        ))
        .execute(c))?;
    Ok(())
}

/// Takes the code of a step. Says whether it is later than the last one that was taken.
///
/// # Errors
/// `Statement`.
pub fn take_step(tx: &mut Connection, user_id: &str, step: i64) -> Result<bool, StoreError> {
    let taken = on_packets!(tx, c => diesel::update(users::table)
        .filter(users::user_id.eq(user_id))
        .filter(users::last_step.lt(step))
        .set(users::last_step.eq(step))
        .execute(c))?;
    Ok(taken == 1)
}

/// Notes one more failure, and until when nothing is tried.
///
/// # Errors
/// `Statement`.
pub fn note_failure(
    tx: &mut Connection,
    user_id: &str,
    (failures, locked_until): (i32, Option<DateTime<Utc>>),
) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(users::table)
        .filter(users::user_id.eq(user_id))
        .set((users::failures.eq(failures), users::locked_until.eq(locked_until.map(|at| at.naive_utc()))))
        .execute(c))?;
    Ok(())
}

/// Notes that a person signed in.
///
/// # Errors
/// `Statement`.
pub fn note_sign_in(tx: &mut Connection, user_id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(users::table)
        .filter(users::user_id.eq(user_id))
        .set((
            users::failures.eq(0),
            users::locked_until.eq(None::<NaiveDateTime>),
            users::signed_in_at.eq(at.naive_utc()),
        ))
        .execute(c))?;
    Ok(())
}

/// The agencies that a person looks after, in order.
///
/// # Errors
/// `Statement`.
pub fn agencies_of(tx: &mut Connection, user_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on_packets!(tx, c => user_agencies::table
        .filter(user_agencies::user_id.eq(user_id))
        .order(user_agencies::agency_code.asc())
        .select(user_agencies::agency_code)
        .load(c))?)
}

/// Lets a person look after an agency. Says whether that is new.
///
/// # Errors
/// `Statement`.
pub fn give(tx: &mut Connection, user_id: &str, agency_code: &str) -> Result<bool, StoreError> {
    let row = (user_agencies::user_id.eq(user_id), user_agencies::agency_code.eq(agency_code));
    let given = on_packets!(tx, c => diesel::insert_into(user_agencies::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(given == 1)
}

/// Lets a person look after an agency no more. Says whether it did.
///
/// # Errors
/// `Statement`.
pub fn take(tx: &mut Connection, user_id: &str, agency_code: &str) -> Result<bool, StoreError> {
    let taken = on_packets!(tx, c => diesel::delete(user_agencies::table)
        .filter(user_agencies::user_id.eq(user_id))
        .filter(user_agencies::agency_code.eq(agency_code))
        .execute(c))?;
    Ok(taken == 1)
}

/// Gives a person new recovery codes instead of those of before.
///
/// # Errors
/// `Statement`.
pub fn set_recovery_codes(tx: &mut Connection, user_id: &str, digests: &[Vec<u8>]) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::delete(recovery_codes::table)
        .filter(recovery_codes::user_id.eq(user_id))
        .execute(c))?;
    for digest in digests {
        let row = (recovery_codes::user_id.eq(user_id), recovery_codes::code_digest.eq(digest));
        on_packets!(tx, c => diesel::insert_into(recovery_codes::table).values(row).execute(c))?;
    }
    Ok(())
}

/// Uses a recovery code up. Says whether it was there.
///
/// # Errors
/// `Statement`.
pub fn use_recovery_code(tx: &mut Connection, user_id: &str, digest: &[u8]) -> Result<bool, StoreError> {
    let used = on_packets!(tx, c => diesel::delete(recovery_codes::table)
        .filter(recovery_codes::user_id.eq(user_id))
        .filter(recovery_codes::code_digest.eq(digest))
        .execute(c))?;
    Ok(used == 1)
}

/// How many recovery codes a person has left.
///
/// # Errors
/// `Statement`.
pub fn recovery_codes_left(tx: &mut Connection, user_id: &str) -> Result<i64, StoreError> {
    Ok(on_packets!(tx, c => recovery_codes::table
        .filter(recovery_codes::user_id.eq(user_id))
        .count()
        .get_result(c))?)
}

/// Notes that a person has read a document. Harmless when it had.
///
/// # Errors
/// `Statement`.
pub fn note_read(tx: &mut Connection, user_id: &str, envelope_id: &str) -> Result<(), StoreError> {
    let row = (read_documents::user_id.eq(user_id), read_documents::envelope_id.eq(envelope_id));
    on_packets!(tx, c => diesel::insert_into(read_documents::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Which of these documents a person has read.
///
/// # Errors
/// `Statement`.
pub fn read_of(tx: &mut Connection, user_id: &str, envelope_ids: &[&str]) -> Result<HashSet<String>, StoreError> {
    if envelope_ids.is_empty() {
        return Ok(HashSet::new());
    }
    let read: Vec<String> = on_packets!(tx, c => read_documents::table
        .filter(read_documents::user_id.eq(user_id))
        .filter(read_documents::envelope_id.eq_any(envelope_ids))
        .select(read_documents::envelope_id)
        .load(c))?;
    Ok(read.into_iter().collect())
}

/// The views of a person, in the order of names: the name, and what it asks.
///
/// # Errors
/// `Statement`.
pub fn views_of(tx: &mut Connection, user_id: &str) -> Result<Vec<(String, String)>, StoreError> {
    Ok(on_packets!(tx, c => saved_views::table
        .filter(saved_views::user_id.eq(user_id))
        .order(saved_views::name.asc())
        .select((saved_views::name, saved_views::asks))
        .load(c))?)
}

/// Keeps a view, in the place of one of the same name.
///
/// # Errors
/// `Statement`.
pub fn keep_view(tx: &mut Connection, user_id: &str, (name, asks): (&str, &str)) -> Result<(), StoreError> {
    let row = (saved_views::user_id.eq(user_id), saved_views::name.eq(name), saved_views::asks.eq(asks));
    on_packets!(tx, c => diesel::insert_into(saved_views::table)
        .values(row)
        .on_conflict((saved_views::user_id, saved_views::name))
        .do_update()
        .set(saved_views::asks.eq(asks))
        .execute(c))?;
    Ok(())
}

/// Removes a view.
///
/// # Errors
/// `Statement`.
pub fn remove_view(tx: &mut Connection, user_id: &str, name: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::delete(saved_views::table
        .filter(saved_views::user_id.eq(user_id))
        .filter(saved_views::name.eq(name)))
        .execute(c))?;
    Ok(())
}
