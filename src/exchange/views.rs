//! Filters of the transfer log that a person keeps under a name. They are only addresses: what they show is what the person may
//! see then.

use super::ExchangeError;
use super::sessions::Person;
use crate::domain::rules::Wording;
use crate::hub::Hub;
use crate::store::users;

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 60;
/// Longest query, in characters.
const ASKS_CHARS_MAX: usize = 1000;

/// The views of a person, in the order of names: the name, and the query of the log.
///
/// # Errors
/// `Store`.
pub async fn of(hub: &Hub, person: &Person) -> Result<Vec<(String, String)>, ExchangeError> {
    let user_id = person.user_id.clone();
    Ok(hub.store.read(move |tx| users::views_of(tx, &user_id)).await?)
}

/// Keeps a view, in the place of one of the same name.
///
/// # Errors
/// `Malformed` for a name or query that is none, or one view too many; `Store`.
pub async fn keep(hub: &Hub, person: &Person, (name, asks): (&str, &str)) -> Result<(), ExchangeError> {
    let name = name.trim().to_owned();
    if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || asks.chars().count() > ASKS_CHARS_MAX {
        return Err(ExchangeError::Malformed(Wording::new(
            format!("Tên bộ lọc gồm 1–{NAME_CHARS_MAX} ký tự."),
            format!("The name of a view has 1 to {NAME_CHARS_MAX} characters."),
        )));
    }
    let (user_id, asks, most) = (person.user_id.clone(), asks.to_owned(), hub.config.portal.views_max);
    let kept = hub.store.write(move |tx| {
        let known = users::views_of(tx, &user_id)?;
        let is_new = known.iter().all(|(other, _)| *other != name);
        if is_new && known.len() >= most {
            return Ok(false);
        }
        users::keep_view(tx, &user_id, (&name, &asks)).map(|()| true)
    });
    match kept.await? {
        true => Ok(()),
        false => Err(ExchangeError::Malformed(Wording::new(
            format!("Đã có {most} bộ lọc; hãy xóa bớt trước khi lưu thêm."),
            format!("There are {most} views already; remove one first."),
        ))),
    }
}

/// Forgets a view; nothing changes where there is none of that name.
///
/// # Errors
/// `Store`.
pub async fn forget(hub: &Hub, person: &Person, name: &str) -> Result<(), ExchangeError> {
    let (user_id, name) = (person.user_id.clone(), name.to_owned());
    Ok(hub.store.write(move |tx| users::remove_view(tx, &user_id, &name)).await?)
}
