//! Mail to those who may decide on what somebody proposed: put in line in the transaction of the proposal, once for each. Accounts
//! have no mail addresses, so it goes to the operator's. It tells what is proposed, by which account, until when and where; neither
//! a secret nor the reason, which is read where one decides. Not here: sending (`post`), words (`domain::notice`).

use super::notify;
use super::sessions::Person;
use crate::domain::dates::for_people;
use crate::domain::notice::Notice;
use crate::domain::rules::Wording;
use crate::hub::Hub;
use crate::store::mails::{self, MailRow};
use crate::store::{Connection, StoreError};
use chrono::{DateTime, Utc};

/// A mail that is put in line if something comes to be proposed.
#[derive(Debug, Clone)]
pub(super) struct Summons {
    to: Option<(String, String)>,
    hub: String,
    by: String,
    times: (DateTime<Utc>, DateTime<Utc>),
}

/// What is proposed.
#[derive(Debug)]
pub(super) struct Proposed<'a> {
    /// What people call it.
    pub name: Wording,
    /// What it is about: a system, an agency, a number.
    pub about: String,
    /// Where it is decided on: a path of the portal, up to the id.
    pub place: &'static str,
    /// Its id.
    pub id: &'a str,
}

impl Summons {
    /// For what a person proposes now and others may decide until then.
    pub(super) fn of(hub: &Hub, person: &Person, (now, until): (DateTime<Utc>, DateTime<Utc>)) -> Self {
        let address = notify::operator(hub).filter(|_| notify::is_on(hub));
        Self {
            to: address.map(|address| (hub.ids.next(), address.to_owned())),
            hub: hub.config.portal.public_url.trim_end_matches('/').to_owned(),
            by: person.login.clone(),
            times: (now, until),
        }
    }

    /// Puts the mail in line.
    pub(super) fn put(&self, tx: &mut Connection, proposed: Proposed<'_>) -> Result<(), StoreError> {
        let Some((mail_id, address)) = self.to.clone() else { return Ok(()) };
        let Proposed { name: Wording { vi, en }, about, place, id } = proposed;
        let (until, place) = (for_people(self.times.1), format!("{}{place}{id}", self.hub));
        let notice = Notice::Proposed { vi, en, about, by: self.by.clone(), until, place };
        let text = serde_json::to_string(&notice).unwrap_or_default();
        let once = format!("proposed:{id}:{address}");
        // Once nobody may decide any more, the mail is no news.
        mails::insert(tx, &MailRow::new((mail_id, once), (address, text), self.times)).map(drop)
    }
}
