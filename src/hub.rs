//! Hub: what every use case is given: store, payloads, clock, ids, keys, limits. The only place that reads
//! the clock or draws random ids.

use crate::arrivals::Arrivals;
use crate::config::{Config, Push, numbers};
use crate::domain::schedule::Schedule;
use crate::keyring::{Keyring, KnownKeys};
use crate::store::{Store, StoreError, payloads::Payloads};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::Notify;

/// The hub's clock: the reference for every time it writes (design D10).
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Stands still until it is moved; microseconds since 1970. For tests.
    Still(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn still(at: DateTime<Utc>) -> Self {
        Self::Still(Arc::new(AtomicI64::new(at.timestamp_micros())))
    }

    /// Now, at microseconds, since that is what both databases keep.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Still(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or(DateTime::UNIX_EPOCH)
            }
        }
    }

    /// Moves a standing clock forward; the machine's clock cannot be moved.
    pub fn forward(&self, by: TimeDelta) {
        if let (Self::Still(micros), Some(by)) = (self, by.num_microseconds()) {
            micros.fetch_add(by, Ordering::SeqCst);
        }
    }
}

/// Draws ids: time-ordered, 32 hexadecimal characters, safe unquoted in JSON, in a path and as a file name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ids;

impl Ids {
    /// A fresh id.
    pub fn next(self) -> String {
        uuid::Uuid::now_v7().simple().to_string()
    }

    /// A random number, for jitter.
    pub fn draw(self) -> u64 {
        uuid::Uuid::now_v7().as_u64_pair().1
    }
}

/// What every use case is given.
#[derive(Clone)]
pub struct Hub {
    /// Facts.
    pub store: Store,
    /// Packets.
    pub payloads: Payloads,
    /// Time.
    pub clock: Clock,
    /// Ids.
    pub ids: Ids,
    /// Seals and opens the secrets of systems.
    pub keyring: Keyring,
    /// What is known of keys for a few seconds.
    pub known_keys: KnownKeys,
    /// When pushes are tried again and given up.
    pub schedule: Arc<Schedule>,
    /// Wakes the dispatcher; carries no data, since what is due stands in the database.
    pub wake: Arc<Notify>,
    /// Who waits for packets on this node.
    pub arrivals: Arrivals,
    /// Limits.
    pub config: Arc<Config>,
}

impl Hub {
    /// Opens the store (migrated), the payloads and the key file of a configuration.
    ///
    /// # Errors
    /// When the database cannot be reached or migrated, or the data directory cannot be used.
    pub fn open(config: Config, clock: Clock) -> Result<Self, OpenError> {
        let folder = config.data.directory.clone();
        let unusable = |error| OpenError::Directory(folder.clone(), error);
        // Packets are nobody else's business on this machine.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(unusable)?;
        let store = Store::open(&config.database, &folder)?;
        let payloads = Payloads::open(&folder).map_err(unusable)?;
        let key_file = match config.keys.file.as_os_str().is_empty() {
            true => folder.join("hub.key"),
            false => config.keys.file.clone(),
        };
        let keyring = Keyring::open(&key_file).map_err(|error| OpenError::KeyFile(key_file, error))?;
        let known_keys = KnownKeys::default();
        let schedule = Arc::new(schedule_of(&config.push).ok_or(OpenError::Schedule)?);
        Ok(Self {
            store,
            payloads,
            clock,
            ids: Ids,
            keyring,
            known_keys,
            schedule,
            wake: Arc::default(),
            arrivals: Arrivals::default(),
            config: Arc::new(config),
        })
    }
}

/// The plan of the push channel, when its lists can be read.
fn schedule_of(push: &Push) -> Option<Schedule> {
    let times = |text: &str, unit: fn(i64) -> Option<TimeDelta>| -> Option<Vec<TimeDelta>> {
        numbers(text)?.into_iter().map(|number| i64::try_from(number).ok().and_then(unit)).collect()
    };
    let asked = i64::try_from(push.retry_after_max_seconds).ok().and_then(TimeDelta::try_seconds)?;
    let terms = times(&push.terms_hours, TimeDelta::try_hours)?;
    Schedule::new(times(&push.delays_seconds, TimeDelta::try_seconds)?, &terms, asked)
}

/// Why a hub cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    /// The data directory.
    #[error("the data directory {0} cannot be used")]
    Directory(PathBuf, #[source] io::Error),
    /// The plan of the push channel.
    #[error("push.delays_seconds or push.terms_hours cannot be used")]
    Schedule,
    /// The key file.
    #[error("the key file {0} cannot be used")]
    KeyFile(PathBuf, #[source] io::Error),
}
