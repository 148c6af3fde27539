//! Hub: what every use case is given: store, payloads, clock, ids, keys, limits. The only place that reads
//! the clock or draws random ids.

use crate::arrivals::Arrivals;
use crate::config::{self, Config, Push, numbers};
use crate::domain::calendar::{Calendar, Hours, LineFault};
use crate::domain::retention::{self, Retention};
use crate::domain::schedule::{Schedule, Schedules};
use crate::keyring::{self, Keyring, KnownKeys};
use crate::metrics::{BuildLabels, Metrics};
use crate::signer::credential::{self, Credential, CredentialFault, Credentials};
use crate::store::guard::{Guard, HUB};
use crate::store::restore::UNFINISHED;
use crate::store::{Store, StoreError, payloads::Payloads};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;
use tokio::sync::{Notify, Semaphore};

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

    /// A random number, for jitter and for requests that an answer must repeat.
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
    /// Signs receipts.
    pub credentials: Credentials,
    /// What is known of keys for a few seconds.
    pub known_keys: KnownKeys,
    /// When pushes are tried again and given up.
    pub schedules: Arc<Schedules>,
    /// When mails are tried again and given up.
    pub mail_schedule: Arc<Schedule>,
    /// When agencies work.
    pub calendar: Arc<Calendar>,
    /// How long contents are kept.
    pub retention: Arc<Retention>,
    /// Wakes the dispatcher; carries no data, since what is due stands in the database.
    pub wake: Arc<Notify>,
    /// Who waits for packets on this node.
    pub arrivals: Arrivals,
    /// When the newest head of the ledger was signed, by this node's clock: microseconds since 1970. Out of all range as
    /// long as nobody minds (`exchange::seal`).
    pub head_seen_at: Arc<AtomicI64>,
    /// Places for passwords that are checked: each takes memory and a processor for a moment.
    pub password_checks: Arc<Semaphore>,
    /// Places for people whom identity providers send back: each makes the hub call somebody.
    pub provider_asks: Arc<Semaphore>,
    /// Places for searches of people: each may keep a reading connection for a while.
    pub searches: Arc<Semaphore>,
    /// The id of this process among the nodes.
    pub node_id: Arc<str>,
    /// Places for what people take out: each keeps a thread and a file.
    pub downloads: Arc<Semaphore>,
    /// Room for packets that are held in memory while they are brought: a place for each byte.
    pub held: Arc<Semaphore>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Limits, as they were when this hub was given or last refreshed.
    pub config: Arc<Config>,
    shared: Arc<Shared>,
}

/// What all clones of a hub share beside the store.
struct Shared {
    /// The configuration in force.
    config: RwLock<Arc<Config>>,
    is_stopping: AtomicBool,
    opened: Instant,
    /// As long as it lives, nothing is restored over this data.
    _guard: Guard,
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
        if folder.join(UNFINISHED).exists() {
            return Err(OpenError::RestoreUnfinished(folder));
        }
        let guard = Guard::shared(&folder, HUB).map_err(unusable)?;
        let guard = guard.ok_or_else(|| OpenError::RestoreUnfinished(folder.clone()))?;
        let store = Store::open(&config.database, &folder)?;
        let payloads = Payloads::open(&folder).map_err(unusable)?;
        let key_file = Self::key_file(&config);
        let keyring = Keyring::open(&key_file).map_err(|error| OpenError::KeyFile(key_file, error))?;
        Self::make_credential(&config, clock.now())?;
        let credentials = Self::credentials(&config)?;
        let known_keys = KnownKeys::default();
        let metrics = Arc::new(Metrics::new(store.metrics()));
        let build = BuildLabels { version: env!("CARGO_PKG_VERSION"), database: store.database() };
        metrics.build.get_or_create(&build).set(1);
        let packets = schedule_of(&config.push).ok_or(OpenError::Schedule)?;
        let events = events_schedule_of(&config).ok_or(OpenError::EventsSchedule)?;
        let schedules = Arc::new(Schedules { packets, events });
        let mail_schedule = Arc::new(mail_schedule_of(&config.mail).ok_or(OpenError::MailSchedule)?);
        let calendar = Arc::new(Self::calendar(&config)?);
        let retention = Arc::new(Self::retention(&config)?);
        let places = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let password_checks = places(config.portal.password_checks_max);
        let provider_asks = places(config.portal.provider_asks_max);
        let searches = places(config.portal.searches_max);
        let downloads = places(config.portal.downloads_max);
        let held = places(config.push.held_bytes_max);
        let config = Arc::new(config);
        let (is_stopping, opened) = (AtomicBool::new(false), Instant::now());
        let shared = Arc::new(Shared { config: RwLock::new(config.clone()), is_stopping, opened, _guard: guard });
        Ok(Self {
            store,
            payloads,
            clock,
            ids: Ids,
            keyring,
            credentials,
            known_keys,
            schedules,
            mail_schedule,
            calendar,
            retention,
            wake: Arc::default(),
            arrivals: Arrivals::default(),
            head_seen_at: Arc::new(AtomicI64::new(i64::MIN)),
            password_checks,
            provider_asks,
            searches,
            node_id: Ids.next().into(),
            downloads,
            held,
            metrics,
            config,
            shared,
        })
    }

    /// Takes the configuration that is in force now: for a request or a job that begins.
    pub fn refresh(&mut self) {
        self.config = self.newest_config();
    }

    /// The configuration in force.
    pub fn newest_config(&self) -> Arc<Config> {
        self.shared.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a configuration in force, for whatever begins from now on.
    pub fn put_in_force(&self, config: Config) {
        *self.shared.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// From now on this hub says that it is not ready.
    pub fn begin_to_stop(&self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
    }

    /// Whether it was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.shared.is_stopping.load(Ordering::SeqCst)
    }

    /// How long it has been open.
    pub fn uptime(&self) -> std::time::Duration {
        self.shared.opened.elapsed()
    }

    /// Where the key file is.
    pub fn key_file(config: &Config) -> PathBuf {
        match config.keys.file.as_os_str().is_empty() {
            true => config.data.directory.join("hub.key"),
            false => config.keys.file.clone(),
        }
    }
}

impl Hub {
    /// Whether the file with the key of receipts is still to be made, and may be.
    pub fn makes_credential(config: &Config) -> bool {
        let is_named = !config.receipts.key_files.trim().is_empty();
        config.receipts.self_signed && !is_named && Self::credential_files(config).iter().all(|file| !file.exists())
    }

    /// The files with the keys of receipts.
    fn credential_files(config: &Config) -> Vec<PathBuf> {
        let named = config.receipts.key_files.split(',').map(str::trim).filter(|name| !name.is_empty());
        let mut files: Vec<PathBuf> = named.map(PathBuf::from).collect();
        if files.is_empty() {
            files.push(config.data.directory.join("receipts.pem"));
        }
        files
    }

    /// The passwords of those in PKCS #12 form: one a line of the file, or the one of the settings.
    fn key_passwords(config: &Config) -> Result<Vec<SecretString>, OpenError> {
        let (password, file) = (&config.receipts.key_password, &config.receipts.key_password_file);
        if file.as_os_str().is_empty() {
            return Ok(vec![password.clone()]);
        }
        let read = keyring::secret_of(file).map(SecretString::from);
        let text = read.map_err(|error| OpenError::CredentialPasswords(file.clone(), error))?;
        Ok(text.expose_secret().lines().map(SecretString::from).collect())
    }

    /// The keys of receipts.
    ///
    /// # Errors
    /// `CredentialPasswords`, `CredentialFile` and `Credential`.
    pub fn credentials(config: &Config) -> Result<Credentials, OpenError> {
        let passwords = Self::key_passwords(config)?;
        let read = |file: PathBuf| match keyring::secret_bytes_of(&file) {
            Ok(bytes) => Credential::read(&bytes, &passwords).map_err(|fault| OpenError::Credential(file, fault)),
            Err(error) => Err(OpenError::CredentialFile(file, error)),
        };
        let all = Self::credential_files(config).into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Credentials::new(all))
    }

    /// The working calendar with the days of the operator's file.
    ///
    /// # Errors
    /// `Days` and `DaysFault` for the file, `Calendar` for the settings.
    pub fn calendar(config: &Config) -> Result<Calendar, OpenError> {
        let (settings, file) = (&config.calendar, &config.calendar.days_file);
        let days = text_of(file).map_err(|error| OpenError::Days(file.clone(), error))?;
        let urgent = times(&settings.urgent_minutes, TimeDelta::try_minutes).and_then(|times| times.try_into().ok());
        let (hours, urgent) = Hours::of_text(&settings.hours).zip(urgent).ok_or(OpenError::Calendar)?;
        Calendar::new(&days, hours, urgent).map_err(|fault| OpenError::DaysFault(file.clone(), fault))
    }

    /// The classes of packets with those of the operator's file.
    ///
    /// # Errors
    /// `Classes` and `ClassesFault` for the file.
    pub fn retention(config: &Config) -> Result<Retention, OpenError> {
        let file = &config.retention.rules_file;
        let classes = text_of(file).map_err(|error| OpenError::Classes(file.clone(), error))?;
        Retention::new(&classes).map_err(|fault| OpenError::ClassesFault(file.clone(), fault))
    }

    /// Makes the file with the key of receipts, where it is still to be made.
    fn make_credential(config: &Config, now: DateTime<Utc>) -> Result<(), OpenError> {
        let life = i64::try_from(config.receipts.self_signed_days).ok().and_then(TimeDelta::try_days);
        for file in Self::credential_files(config).into_iter().filter(|_| Self::makes_credential(config)) {
            let pem = life.and_then(|life| credential::self_signed(&config.selftest.hub_name, now, life));
            let kept = pem.map_or(Err(io::ErrorKind::Unsupported.into()), |pem| keyring::keep(&file, pem.as_bytes()));
            kept.map_err(|error| OpenError::CredentialFile(file, error))?;
        }
        Ok(())
    }
}

/// What stands in a file of the operator's; nothing where none is named.
fn text_of(file: &Path) -> io::Result<String> {
    if file.as_os_str().is_empty() { Ok(String::new()) } else { fs::read_to_string(file) }
}

/// A list of times in one unit.
fn times(text: &str, unit: fn(i64) -> Option<TimeDelta>) -> Option<Vec<TimeDelta>> {
    numbers(text)?.into_iter().map(|number| i64::try_from(number).ok().and_then(unit)).collect()
}

/// The plan of the push channel, when its lists can be read.
fn schedule_of(push: &Push) -> Option<Schedule> {
    let asked = i64::try_from(push.retry_after_max_seconds).ok().and_then(TimeDelta::try_seconds)?;
    let terms = times(&push.terms_hours, TimeDelta::try_hours)?;
    Schedule::new(times(&push.delays_seconds, TimeDelta::try_seconds)?, &terms, asked)
}

/// The plan of events; what an endpoint may ask to wait is the same for all.
fn events_schedule_of(config: &Config) -> Option<Schedule> {
    let asked = i64::try_from(config.push.retry_after_max_seconds).ok().and_then(TimeDelta::try_seconds)?;
    of_one_term(&config.events.delays_seconds, config.events.term_hours, asked)
}

/// The plan of mail.
fn mail_schedule_of(mail: &config::Mail) -> Option<Schedule> {
    of_one_term(&mail.delays_seconds, mail.term_hours, TimeDelta::zero())
}

fn of_one_term(delays: &str, hours: u64, retry_after_max: TimeDelta) -> Option<Schedule> {
    let term = i64::try_from(hours).ok().and_then(TimeDelta::try_hours)?;
    Schedule::new(times(delays, TimeDelta::try_seconds)?, &[term; 5], retry_after_max)
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
    /// The plan of events.
    #[error("events.delays_seconds or events.term_hours cannot be used")]
    EventsSchedule,
    /// The plan of mail.
    #[error("mail.delays_seconds or mail.term_hours cannot be used")]
    MailSchedule,
    /// The working calendar.
    #[error("calendar.hours or calendar.urgent_minutes cannot be used")]
    Calendar,
    /// The file of days cannot be read.
    #[error("the file of days {0} (calendar.days_file) cannot be read")]
    Days(PathBuf, #[source] io::Error),
    /// A line of the file of days.
    #[error("the file of days {0} (calendar.days_file) cannot be used")]
    DaysFault(PathBuf, #[source] LineFault),
    /// The file of classes cannot be read.
    #[error("the file of classes {0} (retention.rules_file) cannot be read")]
    Classes(PathBuf, #[source] io::Error),
    /// A line of the file of classes.
    #[error("the file of classes {0} (retention.rules_file) cannot be used")]
    ClassesFault(PathBuf, #[source] retention::LineFault),
    /// A backup is being restored there, or its restoring was cut off.
    #[error("a restore into {0} is not finished: let it end, or run `docaxis restore` again")]
    RestoreUnfinished(PathBuf),
    /// A file with a key of receipts, as a file.
    #[error("the file {0} (receipts.key_files) cannot be used")]
    CredentialFile(PathBuf, #[source] io::Error),
    /// What stands in it.
    #[error("the file {0} (receipts.key_files) cannot be used")]
    Credential(PathBuf, #[source] CredentialFault),
    /// The file with the passwords of such files.
    #[error("the file {0} (receipts.key_password_file) cannot be used")]
    CredentialPasswords(PathBuf, #[source] io::Error),
    /// The key file.
    #[error("the key file {0} cannot be used")]
    KeyFile(PathBuf, #[source] io::Error),
}
