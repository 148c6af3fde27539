//! Hub: what every use case is given: store, payloads, clock, ids, keys, limits. The only place that reads
//! the clock or draws random ids.

use crate::arrivals::Arrivals;
use crate::config::Config;
use crate::keyring::{Keyring, KnownKeys};
use crate::store::{Store, StoreError, payloads::Payloads};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

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
        Ok(Self {
            store,
            payloads,
            clock,
            ids: Ids,
            keyring,
            known_keys,
            arrivals: Arrivals::default(),
            config: Arc::new(config),
        })
    }
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
    /// The key file.
    #[error("the key file {0} cannot be used")]
    KeyFile(PathBuf, #[source] io::Error),
}
