//! The operator's room (phòng vận hành): whether the hub is well, at a glance. A bounded number of questions whatever the
//! register holds. Not here: jobs (`jobs::list`), what is done about it (`redrives`, `recipients`).

use super::ExchangeError;
use super::health::{self, Behind, Check};
use super::nodes::{self, NodeLine};
use super::post;
use super::seal;
use super::sessions::Person;
use super::stuck::{self, Stuck};
use crate::hub::Hub;
use crate::store::incidents;
use crate::store::machine;
use crate::store::notices;
use chrono::{DateTime, TimeDelta, Utc};

/// Keys and certificates that end within this time are shown.
const ENDING: TimeDelta = TimeDelta::days(60);
/// Mails that are looked at, of those that wait and of those that failed.
const MAILS: usize = 100;

/// How the hub is doing.
#[derive(Debug, Clone)]
pub struct Room {
    /// What must be right, right or not.
    pub checks: Vec<Check>,
    /// How many incidents go on.
    pub incidents: i64,
    /// What has failed and what waits.
    pub stuck: Stuck,
    /// The nodes that work.
    pub nodes: Vec<NodeLine>,
    /// Bytes left for the data, and bytes in all.
    pub disk: Option<(u64, u64)>,
    /// Memory of this node, in bytes.
    pub memory: Option<u64>,
    /// How long no head of the ledger was signed, as this node knows.
    pub silence: TimeDelta,
    /// How large the ledger is, and how far those are behind who follow it.
    pub behind: Behind,
    /// What ends soon, the first one first.
    pub endings: Vec<Ending>,
    /// Mails; nothing where there is no mail server.
    pub mails: Option<Mails>,
}

/// A key or certificate that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The system whose key it is; nothing for a certificate of the hub.
    pub system: Option<String>,
    /// Its id, or the subject of the certificate.
    pub name: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// What is to be sent by mail.
#[derive(Debug, Clone, Default)]
pub struct Mails {
    /// How many wait, counted up to a hundred.
    pub waiting: usize,
    /// Since when the first of them does.
    pub oldest: Option<DateTime<Utc>>,
    /// How many of the newest failed, counted up to a hundred.
    pub failed: usize,
    /// Why one that waits or failed was not sent; empty when nothing is known.
    pub reason: String,
}

/// How the hub is doing.
///
/// # Errors
/// `NotFound` for a person who does not look after the hub; `Store`.
pub async fn room(hub: &Hub, person: &Person) -> Result<Room, ExchangeError> {
    person.runs_the_hub()?;
    let (now, certificate) = (hub.clock.now(), hub.credentials.last().cloned());
    let until = now.checked_add_signed(ENDING).unwrap_or(now);
    let found = hub.store.read(move |tx| {
        let behind = health::behind(tx)?;
        let keys = notices::keys_that_end(tx, (now, until))?.into_iter();
        let keys = keys
            .filter_map(|key| Some(Ending { at: key.expires_at()?, system: Some(key.system_id), name: key.key_id }));
        let keys = keys.collect::<Vec<_>>();
        Ok((behind, keys, incidents::number_ongoing(tx)?))
    });
    let (behind, mut endings, incidents) = found.await?;
    let own = certificate.filter(|certificate| certificate.ends_at <= until);
    endings.extend(own.map(|own| Ending { system: None, name: own.subject, at: own.ends_at }));
    endings.sort_by_key(|ending| ending.at);
    let room = machine::room(&hub.config.data.directory).ok();
    Ok(Room {
        checks: health::readiness(hub).await,
        incidents,
        stuck: stuck::stuck(hub, person).await?,
        nodes: nodes::list(hub).await?,
        disk: room.map(|room| (room.free, room.all)),
        memory: machine::resident_bytes(),
        silence: seal::silence(hub),
        behind,
        endings,
        mails: if hub.config.mail.server.is_empty() { None } else { Some(mails(hub).await?) },
    })
}

async fn mails(hub: &Hub) -> Result<Mails, ExchangeError> {
    let mut mails = Mails::default();
    for mail in post::unsent(hub, MAILS).await? {
        let place = if mail.state == "waiting" { &mut mails.waiting } else { &mut mails.failed };
        *place = place.saturating_add(1);
        if mail.state == "waiting" {
            mails.oldest = Some(mails.oldest.map_or(mail.created_at(), |oldest| oldest.min(mail.created_at())));
        }
        if mails.reason.is_empty() {
            mails.reason = mail.reason;
        }
    }
    Ok(mails)
}
