//! Hub: what every use case is given: store, payloads, clock, ids, keys, limits. The only place that reads
//! the clock or draws random ids.

use crate::config::Config;
use crate::store::{Store, StoreError, payloads::Payloads};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
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

/// What every use case is given.
#[derive(Clone)]
pub struct Hub {
    /// Facts.
    pub store: Store,
    /// Packets.
    pub payloads: Payloads,
    /// Time.
    pub clock: Clock,
    /// Limits.
    pub config: Arc<Config>,
}

impl Hub {
    /// Opens the store (migrated), the payloads and the key file of a configuration.
    ///
    /// # Errors
    /// When the database cannot be reached or migrated, or the data directory cannot be used.
    pub fn open(config: Config, clock: Clock) -> Result<Self, OpenError> {
        let _ = (config, clock);
        unimplemented!()
    }

    /// A fresh id: time-ordered, 32 hexadecimal characters, safe unquoted, in a path and as a file name.
    pub fn new_id(&self) -> String {
        uuid::Uuid::now_v7().simple().to_string()
    }
}

/// Why a hub cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    /// The data directory or key file.
    #[error("the data directory {0} cannot be used")]
    Directory(std::path::PathBuf, #[source] std::io::Error),
}
