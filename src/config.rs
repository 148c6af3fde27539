//! Every limit, time-out, schedule and address of the hub, with unit and default. TOML first, environment
//! over it (`DOCAXIS__SECTION__NAME`). `docs/config.md` is generated from this file. What can be wrong with it is in
//! `config/faults.rs`.

mod faults;

pub use faults::Fault;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// One setting, as the reference lists it.
#[derive(Debug)]
pub struct Setting {
    /// Section of the file.
    pub section: &'static str,
    /// Name in the section.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its unit or form.
    pub unit: &'static str,
    /// Its default as TOML.
    pub default: fn() -> String,
}

macro_rules! settings {
    ($( $(#[doc = $about_section:literal])* $section:ident: $Section:ident {
        $( $(#[doc = $about:literal])* $name:ident: $ty:ty = $default:expr, $unit:literal; )*
    } )*) => {
        /// The whole configuration. Parts of the hub are given their section, not this.
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Config { $( $(#[doc = $about_section])* pub $section: $Section, )* }

        $(
            $(#[doc = $about_section])*
            #[derive(Debug, Clone, Deserialize)]
            #[serde(default, deny_unknown_fields)]
            pub struct $Section { $( $(#[doc = $about])* pub $name: $ty, )* }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $( $name: $default.into(), )* }
                }
            }
        )*

        impl Config {
            /// Takes every setting that is there; what is of another type is a fault, and the default stands in.
            fn read(source: &config::Config, found: &mut Vec<Fault>) -> Self {
                let mut config = Self::default();
                $( $( match source.get::<$ty>(concat!(stringify!($section), ".", stringify!($name))) {
                    Ok(value) => config.$section.$name = value,
                    Err(config::ConfigError::NotFound(_)) => {}
                    Err(why) => found.push(Fault::of_type(concat!(stringify!($section), ".", stringify!($name)), $unit, &why)),
                } )* )*
                config
            }

            /// Every setting in force as section, name and TOML value, in the order of the file; secrets are masked.
            pub fn values(&self) -> Vec<(&'static str, &'static str, String)> {
                vec![ $( $( (stringify!($section), stringify!($name), self.$section.$name.shown()), )* )* ]
            }
        }

        /// Every setting, in the order of the file.
        pub const SETTINGS: &[Setting] = &[ $( $( Setting {
            section: stringify!($section),
            name: stringify!($name),
            about: concat!($($about),*),
            unit: $unit,
            default: || format!("{:?}", $default),
        }, )* )* ];

        /// The sections and what they are for.
        pub const SECTIONS: &[(&str, &str)] = &[ $( (stringify!($section), concat!($($about_section),*)), )* ];
    };
}

settings! {
    /// Where the hub listens and how long it waits for clients.
    server: Server {
        /// Address and port to listen on; port 0 takes a free one.
        address: String = "127.0.0.1:8080", "host:port";
        /// Threads that speak HTTP; 0 takes one per processor.
        workers: usize = 0usize, "threads";
        /// Longest time to send the head of a request.
        head_timeout_seconds: u64 = 10u64, "seconds";
        /// Longest silence inside the body of a request.
        body_silence_seconds: u64 = 20u64, "seconds";
        /// Slowest body that is still waited for, averaged after the first `body_silence_seconds`.
        body_rate_min: u64 = 1024u64, "bytes per second";
        /// How long an idle connection is kept; the vendor SDK never closes its own.
        keep_alive_seconds: u64 = 15u64, "seconds";
        /// How long requests in flight may go on after a stop was asked for.
        shutdown_seconds: u64 = 30u64, "seconds";
        /// Longest head of a request; addressees travel twice in the vendor SDK's headers.
        head_bytes_max: usize = 131072usize, "bytes";
        /// Connections held open at once, in all.
        connections_max: usize = 10000usize, "connections";
        /// Packets being received at once; further ones are told to come again.
        packets_in_flight_max: usize = 512usize, "requests";
        /// The same for one system, so that one cannot take all places; a place taken too much is answered with 429.
        packets_in_flight_per_system_max: usize = 256usize, "requests";
        /// Proxies whose `X-Forwarded-For` says from where a request came: addresses or ranges, separated by commas.
        trusted_proxies: String = "", "addresses";
    }
    /// Where facts are kept.
    database: Database {
        /// `sqlite://FILE` or `postgres://user:password@host/database`; empty means SQLite in the data directory.
        url: SecretString = "", "URL";
        /// Connections: readers on SQLite, all on PostgreSQL.
        connections: usize = 4usize, "connections";
        /// Writes that may share one commit.
        batch_max: usize = 256usize, "writes";
        /// Writes that may wait for a commit; further ones are told to come again.
        queue_max: usize = 4096usize, "writes";
        /// How long a write or read may take before the caller is told to come again.
        timeout_seconds: u64 = 30u64, "seconds";
        /// PEM file with the authority that signed the PostgreSQL server's certificate; empty: no TLS.
        tls_ca_file: PathBuf = "", "path";
    }
    /// Where packets and the hub's own files are kept.
    data: Data {
        /// Directory for the embedded database, packets and the key file.
        directory: PathBuf = "data", "path";
        /// Packets up to this size live in the database, larger ones in files of their own.
        inline_bytes_max: u64 = 65536u64, "bytes";
        /// Age at which a file that no row names is removed.
        orphan_age_seconds: u64 = 3600u64, "seconds";
    }
    /// What a packet may be.
    packets: Packets {
        /// Largest packet.
        bytes_max: u64 = 52428800u64, "bytes";
        /// Elements inside each other.
        depth_max: usize = 64usize, "elements";
        /// Elements in all.
        elements_max: usize = 50000usize, "elements";
        /// Attributes on one element.
        attributes_max: usize = 64usize, "attributes";
        /// Longest tag, comment or text outside attachment content.
        token_bytes_max: usize = 65536usize, "bytes";
        /// Addressees of one packet.
        recipients_max: usize = 1000usize, "agencies";
        /// Attachments of one packet.
        attachments_max: usize = 500usize, "attachments";
        /// Largest content of all zipped attachments of a packet after unzipping.
        unzipped_bytes_max: u64 = 209715200u64, "bytes";
        /// Members of a zipped attachment.
        zip_members_max: usize = 1000usize, "members";
        /// How many times larger the zipped attachments of a packet may become; up to 1 MiB in all is always allowed.
        zip_ratio_max: u64 = 200u64, "times";
    }
    /// Lists.
    lists: Lists {
        /// Most rows in one page of a mailbox or log.
        page_max: usize = 1000usize, "rows";
    }
    /// The directory of agencies.
    directory: Directory {
        /// Which new agencies systems may register by themselves: `closed`: none; `below`: those below an agency that they hold; `open`: any.
        registration: String = "below", "word";
        /// Largest file of agencies taken over HTTP.
        import_bytes_max: u64 = 67108864u64, "bytes";
    }
    /// Keys of systems.
    keys: Keys {
        /// File that holds the key under which secrets are kept; made at first start. Empty: `hub.key` in the data directory.
        file: PathBuf = "", "path";
        /// How long a node may go on using what it knows of a key; a revoked key dies within this time.
        memory_seconds: u64 = 3u64, "seconds";
        /// Live keys of one system.
        live_max: usize = 2usize, "keys";
        /// Life of a new key; 0 means for ever.
        life_days: u64 = 365u64, "days";
        /// How often a node writes down when its keys were last used.
        use_noted_seconds: u64 = 60u64, "seconds";
    }
    /// Work that runs by itself.
    jobs: Jobs {
        /// When files that no row names are looked for: second, minute, hour, day, month, weekday.
        sweep_cron: String = "0 15 2 * * *", "cron, six fields, +07:00";
        /// When agencies whose first or last day has come get a new version of the directory.
        validity_cron: String = "0 1 0 * * *", "cron, six fields, +07:00";
        /// How long a node may work on a job before another may take it over.
        lease_seconds: u64 = 600u64, "seconds";
    }
    /// The log.
    log: Log {
        /// Level, as env_logger reads it.
        filter: String = "info", "filter";
        /// `text` or `json`.
        format: String = "text", "word";
    }
}

/// How a value is written in TOML for people to see.
trait Shown {
    fn shown(&self) -> String;
}

impl Shown for u64 {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for usize {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for String {
    fn shown(&self) -> String {
        // The quoting of JSON is good TOML.
        serde_json::Value::from(self.as_str()).to_string()
    }
}

impl Shown for PathBuf {
    fn shown(&self) -> String {
        self.to_string_lossy().into_owned().shown()
    }
}

impl Shown for SecretString {
    fn shown(&self) -> String {
        let mask = if self.expose_secret().is_empty() { "" } else { "***" };
        mask.to_owned().shown()
    }
}

/// Why a configuration cannot be used: every fault, in both languages.
#[derive(Debug, thiserror::Error)]
#[error("cấu hình không dùng được / the configuration cannot be used:{}", faults::listed(.0))]
pub struct ConfigError(pub Vec<Fault>);

impl Config {
    /// Reads the file, if one is given, and the environment over it.
    ///
    /// # Errors
    /// A missing file, unknown settings, values of another type, settings that do not fit together: all at once.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut found = Vec::new();
        let mut builder = config::Config::builder();
        if let Some(path) = file {
            let source = config::File::from(path).format(config::FileFormat::Toml);
            match config::Source::collect(&source) {
                Ok(read) => {
                    found.extend(faults::of_file(&read));
                    builder = builder.add_source(source);
                }
                Err(why) => found.push(Fault::unreadable(path, &why)),
            }
        }
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        found.extend(faults::of_environment(names));
        let environment = config::Environment::with_prefix("DOCAXIS").prefix_separator("__").separator("__");
        let config = match builder.add_source(environment.try_parsing(true)).build() {
            Ok(read) => Self::read(&read, &mut found),
            Err(why) => {
                found.push(Fault::unreadable(file.unwrap_or(Path::new("")), &why));
                Self::default()
            }
        };
        found.extend(config.faults());
        if found.is_empty() { Ok(config) } else { Err(ConfigError(found)) }
    }
}
