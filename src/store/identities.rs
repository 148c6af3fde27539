//! Identity providers of people, and who is who there. Secrets only sealed. What a provider vouches for is judged in
//! `exchange::identity`.

use super::connection::on_packets;
use super::schema::{identity_providers, user_identities, users};
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::collections::HashMap;

/// Whether a provider asks for a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouching {
    /// Each sign-in must say that one was used.
    Shown,
    /// It always does, as an operator knows.
    Trusted,
}

impl Vouching {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Trusted => "trusted",
        }
    }
}

/// An identity provider as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = identity_providers, treat_none_as_null = true)]
pub struct ProviderRow {
    /// Its word in addresses and commands.
    pub provider_id: String,
    /// What people read.
    pub name: String,
    /// Who it says it is.
    pub issuer: String,
    /// What it calls this hub.
    pub client_id: String,
    /// The secret of this hub there, sealed.
    pub secret_sealed: Option<Vec<u8>>,
    /// What it says of itself: JSON.
    pub discovered: String,
    second_factor: String,
    /// For whom it is: people who look after this agency, or everybody.
    pub agency_code: Option<String>,
    suspended_at: Option<NaiveDateTime>,
}

impl ProviderRow {
    /// A provider that is not suspended.
    pub fn new(
        (provider_id, name): (String, String),
        (issuer, discovered): (String, String),
        (client_id, secret_sealed): (String, Option<Vec<u8>>),
        (vouching, agency_code): (Vouching, Option<String>),
    ) -> Self {
        let (second_factor, suspended_at) = (vouching.word().to_owned(), None);
        Self {
            provider_id,
            name,
            issuer,
            client_id,
            secret_sealed,
            discovered,
            second_factor,
            agency_code,
            suspended_at,
        }
    }

    /// The same, suspended as another is in whose place it comes.
    pub fn in_place_of(self, before: &Self) -> Self {
        Self { suspended_at: before.suspended_at, ..self }
    }

    /// Whether it asks for a second factor.
    pub fn vouching(&self) -> Vouching {
        if self.second_factor == Vouching::Trusted.word() { Vouching::Trusted } else { Vouching::Shown }
    }

    /// Since when nobody signs in by it.
    pub fn suspended_at(&self) -> Option<DateTime<Utc>> {
        self.suspended_at.map(|at| at.and_utc())
    }
}

/// Every provider, in the order of names.
///
/// # Errors
/// `Statement`.
pub fn list(tx: &mut Connection) -> Result<Vec<ProviderRow>, StoreError> {
    Ok(on_packets!(tx, c => identity_providers::table
        .order((identity_providers::name.asc(), identity_providers::provider_id.asc()))
        .select(ProviderRow::as_select())
        .load(c))?)
}

/// One provider.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, provider_id: &str) -> Result<Option<ProviderRow>, StoreError> {
    Ok(on_packets!(tx, c => identity_providers::table
        .filter(identity_providers::provider_id.eq(provider_id))
        .select(ProviderRow::as_select())
        .get_result(c)
        .optional())?)
}

/// One provider, which nobody else changes, nor lets in by, until this transaction ends.
///
/// # Errors
/// `Statement`.
pub fn find_to_change(tx: &mut Connection, provider_id: &str) -> Result<Option<ProviderRow>, StoreError> {
    on_packets!(tx, c => diesel::update(identity_providers::table)
        .filter(identity_providers::provider_id.eq(provider_id))
        .set(identity_providers::issuer.eq(identity_providers::issuer))
        .execute(c))?;
    find(tx, provider_id)
}

/// Adds a provider, or puts it in the place of the one of the same id.
///
/// # Errors
/// `Statement`.
pub fn set(tx: &mut Connection, row: &ProviderRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(identity_providers::table)
        .values(row)
        .on_conflict(identity_providers::provider_id)
        .do_update()
        .set(row)
        .execute(c))?;
    Ok(())
}

/// Lets nobody sign in by a provider from that time on, or lets people again.
///
/// # Errors
/// `Statement`.
pub fn suspend(tx: &mut Connection, provider_id: &str, at: Option<DateTime<Utc>>) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(identity_providers::table)
        .filter(identity_providers::provider_id.eq(provider_id))
        .set(identity_providers::suspended_at.eq(at.map(|at| at.naive_utc())))
        .execute(c))?;
    Ok(())
}

/// Who here is that subject of a provider: the id of a person.
///
/// # Errors
/// `Statement`.
pub fn user_of(tx: &mut Connection, provider_id: &str, subject: &str) -> Result<Option<String>, StoreError> {
    Ok(on_packets!(tx, c => user_identities::table
        .filter(user_identities::provider_id.eq(provider_id))
        .filter(user_identities::subject.eq(subject))
        .select(user_identities::user_id)
        .get_result(c)
        .optional())?)
}

/// Says who a person is for a provider. Says whether that is new: it is not when either is somebody there already.
///
/// # Errors
/// `Statement`.
pub fn link(tx: &mut Connection, (provider_id, subject): (&str, &str), user_id: &str) -> Result<bool, StoreError> {
    let row = (
        user_identities::provider_id.eq(provider_id),
        user_identities::subject.eq(subject),
        user_identities::user_id.eq(user_id),
    );
    let linked = on_packets!(tx, c => diesel::insert_into(user_identities::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(linked == 1)
}

/// Forgets who a person is for a provider. Says whether anything was known.
///
/// # Errors
/// `Statement`.
pub fn unlink(tx: &mut Connection, provider_id: &str, user_id: &str) -> Result<bool, StoreError> {
    let unlinked = on_packets!(tx, c => diesel::delete(user_identities::table)
        .filter(user_identities::provider_id.eq(provider_id))
        .filter(user_identities::user_id.eq(user_id))
        .execute(c))?;
    Ok(unlinked == 1)
}

/// Forgets who a person is for all providers. Answers for how many.
///
/// # Errors
/// `Statement`.
pub fn unlink_all(tx: &mut Connection, user_id: &str) -> Result<usize, StoreError> {
    Ok(on_packets!(tx, c => diesel::delete(user_identities::table)
        .filter(user_identities::user_id.eq(user_id))
        .execute(c))?)
}

/// By which providers a person signs in.
///
/// # Errors
/// `Statement`.
pub fn links_of(tx: &mut Connection, user_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on_packets!(tx, c => user_identities::table
        .filter(user_identities::user_id.eq(user_id))
        .select(user_identities::provider_id)
        .load(c))?)
}

/// Who signs in by each provider: logins with subjects.
///
/// # Errors
/// `Statement`.
pub fn people(tx: &mut Connection) -> Result<HashMap<String, Vec<(String, String)>>, StoreError> {
    let rows: Vec<(String, (String, String))> = on_packets!(tx, c => user_identities::table
        .inner_join(users::table.on(users::user_id.eq(user_identities::user_id)))
        .order(users::login.asc())
        .select((user_identities::provider_id, (users::login, user_identities::subject)))
        .load(c))?;
    let mut people: HashMap<String, Vec<(String, String)>> = HashMap::new();
    rows.into_iter().for_each(|(provider_id, who)| people.entry(provider_id).or_default().push(who));
    Ok(people)
}
