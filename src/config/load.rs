//! How a configuration is read: the file, the environment over it, and every fault of both at once. What the settings are:
//! `config.rs`.

use super::{Config, Fault, faults};
use std::path::Path;

/// The numbers of a list divided by commas; `None` when a part is no number.
pub fn numbers(text: &str) -> Option<Vec<u64>> {
    text.split(',').map(|part| part.trim().parse().ok()).collect()
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
