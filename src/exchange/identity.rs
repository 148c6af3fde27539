//! Signing in by an identity provider (OpenID Connect): which there are, who somebody here is there, and the way there and back.
//! A provider says who it is, and nothing of what somebody may do here. What it says is checked in `channel::identity`; the
//! session that follows is one like any other (`sessions`).

use super::act::{Act, By};
use super::sessions::{self, Admission, Person, Turned, Visit};
use super::{ExchangeError, users as people};
use crate::channel::identity::{IdentityError, Journey, Provider, Vouched, discover};
use crate::channel::push::Pusher;
use crate::domain::directory::folded;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::rules::Wording;
use crate::domain::user;
use crate::hub::Hub;
use crate::keyring::{digest_of, same};
use crate::store::identities;
pub use crate::store::identities::{ProviderRow, Vouching};
use crate::store::users::SecondFactor;
use crate::store::{Connection, StoreError, agencies, user_sessions, users};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// Longest subject that is kept (OpenID Connect Core 1.0, section 2: 255 characters).
const SUBJECT_MAX: usize = 255;
/// Longest code that is handed in.
const CODE_MAX: usize = 4096;

/// Why somebody goes to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To sign in.
    SignIn,
    /// To say who it is there, from its own account.
    Link,
}

impl Purpose {
    /// What the way belongs to: what was begun for one purpose is of no use for the other.
    fn journey(self, token: &SecretString) -> Journey {
        let of = |what: &str| {
            let purpose = match self {
                Self::SignIn => "sign-in",
                Self::Link => "link",
            };
            hex::encode(digest_of(&format!("identity {purpose} {what}"), token.expose_secret())).into()
        };
        Journey { state: of("state"), nonce: of("nonce"), verifier: of("verifier") }
    }
}

/// What a person brings back from a provider.
#[derive(Debug, Clone)]
pub struct Brought {
    /// Which provider.
    pub provider_id: String,
    /// The secret of the way, which its browser kept.
    pub token: SecretString,
    /// What came back beside the code.
    pub state: String,
    /// The code.
    pub code: String,
}

/// A provider as an administrator sets it.
#[derive(Debug, Clone)]
pub struct ProviderEntry {
    /// Its word in addresses and commands.
    pub provider_id: String,
    /// What people read.
    pub name: String,
    /// Its address: what it says it is.
    pub issuer: String,
    /// What it calls this hub.
    pub client_id: String,
    /// The secret of this hub there, if there is one.
    pub client_secret: Option<SecretString>,
    /// Whether it asks for a second factor.
    pub vouching: Vouching,
    /// Only for people who look after this agency, by code or alias.
    pub agency: Option<String>,
}

fn malformed(vi: &str, en: &str) -> ExchangeError {
    ExchangeError::Malformed(Wording::new(vi, en))
}

fn pusher(hub: &Hub) -> Result<Pusher, ExchangeError> {
    Pusher::new(&hub.config.push).map_err(|error| ExchangeError::Unavailable(error.to_string()))
}

/// Where providers send people back to.
pub fn back(hub: &Hub, provider_id: &str) -> String {
    format!("{}/portal/sign-in/{provider_id}/back", hub.config.portal.public_url.trim_end_matches('/'))
}

/// Sets a provider, which is asked what it is; one that is suspended stays so.
///
/// # Errors
/// `Malformed` for an entry that cannot be used, a provider that gives no answer of use, another issuer than that of people who are
/// linked, or an unknown agency; `Store`;
/// `Unavailable`.
pub async fn set(hub: &Hub, by: &By, entry: ProviderEntry) -> Result<ProviderRow, ExchangeError> {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !(1..=32).contains(&entry.provider_id.len()) || !entry.provider_id.bytes().all(is_word) {
        return Err(malformed(
            "Mã nhà cung cấp gồm 1–32 ký tự a–z, 0–9 và -",
            "The id of a provider has 1 to 32 of a–z, 0–9 and -",
        ));
    }
    if entry.name.trim().is_empty() || entry.name.chars().count() > 100 || entry.client_id.is_empty() {
        return Err(malformed(
            "Cần tên (không quá 100 ký tự) và client id",
            "A name of at most 100 characters and a client id are needed",
        ));
    }
    if hub.config.portal.public_url.is_empty() {
        return Err(malformed("Cần cấu hình portal.public_url", "portal.public_url must be set first"));
    }
    let found = discover(&pusher(hub)?, &entry.issuer)
        .await
        .map_err(|why| malformed(&format!("Nhà cung cấp định danh không trả lời đúng: {why}"), &why.to_string()))?;
    let sealed = entry.client_secret.as_ref().map(|secret| hub.keyring.seal(secret, &entry.provider_id));
    let sealed = sealed.transpose().map_err(|error| ExchangeError::Unavailable(error.to_string()))?;
    let act = Act::new(hub, by);
    let written = hub.store.write(move |tx| {
        let agency = match &entry.agency {
            Some(text) => match agencies::find_by_alias(tx, &folded(text))? {
                Some(agency) => Some(agency.code.as_str().to_owned()),
                None => return Ok(Err(malformed("Cơ quan chưa được đăng ký", "The agency is not registered"))),
            },
            None => None,
        };
        let before = identities::find(tx, &entry.provider_id)?;
        let is_other = before.as_ref().is_some_and(|before| before.issuer != entry.issuer);
        // A subject is somebody only for who says it.
        if is_other && identities::people(tx)?.contains_key(&entry.provider_id) {
            return Ok(Err(malformed(
                "Đã có người liên kết với nhà cung cấp ở địa chỉ cũ; hãy đặt mã nhà cung cấp khác",
                "People are linked to the provider at its old address; use another id",
            )));
        }
        let row = ProviderRow::new(
            (entry.provider_id.clone(), entry.name.trim().to_owned()),
            (entry.issuer.clone(), found.clone()),
            (entry.client_id.clone(), sealed.clone()),
            (entry.vouching, agency),
        );
        let row = if let Some(before) = &before { row.in_place_of(before) } else { row };
        identities::set(tx, &row)?;
        let facts = json!({
            "provider": row.provider_id, "issuer": row.issuer, "client_id": row.client_id,
            "second_factor": row.vouching().word(),
        });
        act.note(tx, (EvidenceEvent::IdentityProviderChanged, "set"), row.agency_code.as_deref(), facts)?;
        Ok(Ok(row))
    });
    written.await?
}

/// Lets nobody sign in by a provider any more, and ends the sessions that it opened; or lets people again.
///
/// # Errors
/// `NotFound`; `Store`.
pub async fn suspend(hub: &Hub, by: &By, provider_id: &str, suspended: bool) -> Result<(), ExchangeError> {
    let (act, provider_id) = (Act::new(hub, by), provider_id.to_owned());
    let changed = hub.store.write(move |tx| {
        let Some(row) = identities::find_to_change(tx, &provider_id)? else { return Ok(false) };
        if row.suspended_at().is_some() != suspended {
            identities::suspend(tx, &provider_id, suspended.then_some(act.now))?;
            let ended = if suspended { user_sessions::end_sessions_by(tx, &provider_id)? } else { 0 };
            let facts = json!({ "provider": provider_id, "sessions_ended": ended });
            let what = (EvidenceEvent::IdentityProviderChanged, if suspended { "suspend" } else { "resume" });
            act.note(tx, what, row.agency_code.as_deref(), facts)?;
        }
        Ok(true)
    });
    if changed.await? { Ok(()) } else { Err(ExchangeError::NotFound) }
}

/// Every provider, with who signs in by it: logins and subjects.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub) -> Result<Vec<(ProviderRow, Vec<(String, String)>)>, ExchangeError> {
    let all = hub.store.read(|tx| {
        let mut people = identities::people(tx)?;
        let with_people = |row: ProviderRow| {
            let own = people.remove(&row.provider_id).unwrap_or_default();
            (row, own)
        };
        Ok(identities::list(tx)?.into_iter().map(with_people).collect())
    });
    Ok(all.await?)
}

/// The providers that people sign in by, as the page that asks who it is names them: id and name.
///
/// # Errors
/// `Store`.
pub async fn offered(hub: &Hub) -> Result<Vec<(String, String)>, ExchangeError> {
    let mut rows = hub.store.read(identities::list).await?;
    rows.retain(|row| row.suspended_at().is_none());
    Ok(rows.into_iter().map(|row| (row.provider_id, row.name)).collect())
}

/// The providers that a person may sign in by: id, name, and whether it does.
///
/// # Errors
/// `Store`.
pub async fn of_person(hub: &Hub, person: &Person) -> Result<Vec<(String, String, bool)>, ExchangeError> {
    let user_id = person.user_id.clone();
    let found = hub.store.read(move |tx| {
        Ok((identities::list(tx)?, identities::links_of(tx, &user_id)?, users::agencies_of(tx, &user_id)?))
    });
    let (mut rows, links, agencies) = found.await?;
    rows.retain(|row| row.suspended_at().is_none() && is_for(row, &agencies));
    let line = |row: ProviderRow| {
        let is_linked = links.contains(&row.provider_id);
        (row.provider_id, row.name, is_linked)
    };
    Ok(rows.into_iter().map(line).collect())
}

/// Whether a provider is for whoever looks after these agencies.
fn is_for(row: &ProviderRow, own: &[String]) -> bool {
    row.agency_code.as_ref().is_none_or(|code| own.contains(code))
}

async fn provider(hub: &Hub, provider_id: &str) -> Result<Provider, ExchangeError> {
    let asked = provider_id.to_owned();
    let row = hub.store.read(move |tx| identities::find(tx, &asked)).await?;
    let row = row.filter(|row| row.suspended_at().is_none()).ok_or(ExchangeError::NotFound)?;
    let secret = row.secret_sealed.as_ref().map(|sealed| hub.keyring.unseal(sealed, &row.provider_id)).transpose();
    Ok(Provider {
        client_secret: secret.map_err(|error| ExchangeError::Unavailable(error.to_string()))?,
        back: back(hub, &row.provider_id),
        discovered: row.discovered,
        client_id: row.client_id,
    })
}

/// Begins the way to a provider: where the person is sent, and the secret that its browser keeps meanwhile.
///
/// # Errors
/// `NotFound` when there is none of that id, or it is suspended; `Store`; `Unavailable`.
pub async fn begin(hub: &Hub, provider_id: &str, purpose: Purpose) -> Result<(String, SecretString), ExchangeError> {
    let provider = provider(hub, provider_id).await?;
    let token = hub.keyring.new_secret().map_err(|_| ExchangeError::Unavailable("no randomness".to_owned()))?;
    let url = provider.leads_to(&purpose.journey(&token));
    Ok((url.map_err(|error| ExchangeError::Unavailable(error.to_string()))?, token))
}

/// For which purpose somebody comes back; nothing when what it brings was not begun by its own browser.
pub fn purpose(brought: &Brought) -> Option<Purpose> {
    [Purpose::SignIn, Purpose::Link]
        .into_iter()
        .find(|purpose| same(&purpose.journey(&brought.token).state, &brought.state))
}

/// Whom the provider vouches for, or why for nobody.
async fn vouched(hub: &Hub, brought: &Brought, purpose: Purpose) -> Result<Result<Vouched, Turned>, ExchangeError> {
    if brought.code.is_empty() || brought.code.len() > CODE_MAX {
        return Ok(Err(Turned::NotVouched));
    }
    let provider = provider(hub, &brought.provider_id).await?;
    // Whoever comes back makes the hub call somebody.
    let Ok(_place) = hub.provider_asks.try_acquire() else { return Err(ExchangeError::ComeAgain { too_many: false }) };
    let (journey, now) = (purpose.journey(&brought.token), hub.clock.now());
    let why = match provider.vouched(&pusher(hub)?, &journey, (&brought.code, now)).await {
        Ok(vouched) if vouched.subject.len() <= SUBJECT_MAX && !vouched.subject.contains('\0') => {
            return Ok(Ok(vouched));
        }
        Ok(_) => IdentityError::Unsound("its subject is too long".to_owned()),
        Err(why) => why,
    };
    log::warn!(target: "auth", provider = brought.provider_id.as_str(); "somebody came back from an identity provider in vain: {why}");
    Ok(Err(Turned::NotVouched))
}

/// Lets in whom a provider vouches for, or not.
///
/// # Errors
/// `NotFound` for a provider that there is not; `ComeAgain` when too many come back at once; `Store`; `Unavailable`.
pub async fn sign_in(hub: &Hub, brought: Brought, visit: Visit) -> Result<Admission, ExchangeError> {
    let vouched = match vouched(hub, &brought, Purpose::SignIn).await? {
        Ok(vouched) => vouched,
        Err(turned) => return Ok(Admission::Out(turned)),
    };
    let is_asked_of_all = hub.config.portal.second_factor;
    let judge = move |tx: &mut Connection| {
        // Whoever suspends it ends the session that is opened here, or was before.
        let Some(row) = identities::find_to_change(tx, &brought.provider_id)? else {
            return Ok(Err(Turned::NotVouched));
        };
        if row.suspended_at().is_some() {
            return Ok(Err(Turned::NotVouched));
        }
        let linked = identities::user_of(tx, &row.provider_id, &vouched.subject)?;
        let user = linked.map(|user_id| users::find_to_change(tx, &user_id)).transpose()?.flatten();
        let Some(user) = user.filter(|user| user.suspended_at.is_none()) else { return Ok(Err(Turned::Unlinked)) };
        // Whoever was unlinked or lost an agency meanwhile is judged by how it stands now.
        let is_linked = identities::user_of(tx, &row.provider_id, &vouched.subject)?.as_ref() == Some(&user.user_id);
        if !is_linked || !is_for(&row, &users::agencies_of(tx, &user.user_id)?) {
            return Ok(Err(Turned::Unlinked));
        }
        let wants_more = is_asked_of_all || user.second_factor == SecondFactor::On;
        if wants_more && !vouched.is_strong && row.vouching() == Vouching::Shown {
            return Ok(Err(Turned::OneFactor));
        }
        Ok(Ok((user, Some(row.provider_id))))
    };
    sessions::open_for(hub, visit, judge).await
}

/// Says who a person is for the provider from which it comes. What is wrong with that, if something is. Only whoever signed in by
/// password does: one provider must not let in by another.
///
/// # Errors
/// `NotFound` for a provider that there is not; `ComeAgain`; `Store`; `Unavailable`.
pub async fn link(hub: &Hub, person: &Person, brought: Brought) -> Result<Option<Turned>, ExchangeError> {
    if person.came_by.is_some() {
        return Ok(Some(Turned::Unlinked));
    }
    let vouched = match vouched(hub, &brought, Purpose::Link).await? {
        Ok(vouched) => vouched,
        Err(turned) => return Ok(Some(turned)),
    };
    let (act, user_id) = (Act::new(hub, &person.by()), person.user_id.clone());
    let linked = hub.store.write(move |tx| link_in(tx, &act, &user_id, (&brought.provider_id, &vouched.subject)));
    Ok(if linked.await? { None } else { Some(Turned::Unlinked) })
}

/// Says who a person is for a provider, with evidence. Says whether it may be and is new.
fn link_in(
    tx: &mut Connection,
    act: &Act,
    user_id: &str,
    (provider_id, subject): (&str, &str),
) -> Result<bool, StoreError> {
    let Some(row) = identities::find(tx, provider_id)? else { return Ok(false) };
    let Some(user) = users::find(tx, user_id)? else { return Ok(false) };
    let is_for = is_for(&row, &users::agencies_of(tx, user_id)?);
    if !is_for || !identities::link(tx, (provider_id, subject), user_id)? {
        return Ok(false);
    }
    people::note(tx, act, "link", (&user.login, json!({ "provider": provider_id })))?;
    Ok(true)
}

/// Says for an administrator who a person is for a provider.
///
/// # Errors
/// `NotFound`; `Exists` when the person or the subject is somebody there already, or the provider is not for the person; `Store`.
pub async fn link_by(
    hub: &Hub,
    by: &By,
    (provider_id, subject): (&str, &str),
    login: &str,
) -> Result<(), ExchangeError> {
    if subject.is_empty() || subject.len() > SUBJECT_MAX || subject.contains('\0') {
        return Err(malformed("Cần subject, không quá 255 ký tự", "A subject of at most 255 characters is needed"));
    }
    let (act, login) = (Act::new(hub, by), user::login(login).unwrap_or_default());
    let (provider_id, subject) = (provider_id.to_owned(), subject.to_owned());
    let linked = hub.store.write(move |tx| {
        if identities::find(tx, &provider_id)?.is_none() {
            return Ok(None);
        }
        let Some(user) = users::find_by_login(tx, &login)? else { return Ok(None) };
        link_in(tx, &act, &user.user_id, (&provider_id, &subject)).map(Some)
    });
    match linked.await? {
        Some(true) => Ok(()),
        Some(false) => Err(ExchangeError::Exists(Wording::new(
            "Người này hoặc subject này đã được liên kết, hoặc nhà cung cấp chỉ dành cho đơn vị khác",
            "The person or the subject is linked already, or the provider is for another agency",
        ))),
        None => Err(ExchangeError::NotFound),
    }
}

/// Forgets who a person is for a provider, as it wishes itself; its sessions end with that.
///
/// # Errors
/// `NotFound` also when nothing was known; `Store`.
pub async fn unlink_own(hub: &Hub, person: &Person, provider_id: &str) -> Result<(), ExchangeError> {
    unlink(hub, &person.by(), provider_id, &person.login).await
}

/// Forgets who somebody is for a provider; its sessions end with that.
///
/// # Errors
/// `NotFound` also when nothing was known; `Store`.
pub async fn unlink(hub: &Hub, by: &By, provider_id: &str, login: &str) -> Result<(), ExchangeError> {
    let (act, login, provider_id) = (Act::new(hub, by), user::login(login).unwrap_or_default(), provider_id.to_owned());
    let unlinked = hub.store.write(move |tx| {
        let Some(user) = users::find_by_login(tx, &login)? else { return Ok(false) };
        // Whoever comes in by it at this moment is in before, and out with the others.
        users::find_to_change(tx, &user.user_id)?;
        let is_unlinked = identities::unlink(tx, &provider_id, &user.user_id)?;
        if is_unlinked {
            // Whoever came in by it is out at once.
            user_sessions::end_sessions(tx, &user.user_id, None)?;
            people::note(tx, &act, "unlink", (&user.login, json!({ "provider": provider_id })))?;
        }
        Ok(is_unlinked)
    });
    if unlinked.await? { Ok(()) } else { Err(ExchangeError::NotFound) }
}
