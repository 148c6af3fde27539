//! How settings are shown: as TOML, secrets masked; and whether two values differ.

use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;

/// How a value is written in TOML for people to see, and whether it is another.
pub(super) trait Shown {
    fn shown(&self) -> String;
    fn differs(&self, other: &Self) -> bool;
}

impl Shown for u64 {
    fn shown(&self) -> String {
        self.to_string()
    }

    fn differs(&self, other: &Self) -> bool {
        self != other
    }
}

impl Shown for usize {
    fn shown(&self) -> String {
        self.to_string()
    }

    fn differs(&self, other: &Self) -> bool {
        self != other
    }
}

impl Shown for bool {
    fn shown(&self) -> String {
        self.to_string()
    }

    fn differs(&self, other: &Self) -> bool {
        self != other
    }
}

impl Shown for String {
    fn shown(&self) -> String {
        // The quoting of JSON is good TOML.
        serde_json::Value::from(self.as_str()).to_string()
    }

    fn differs(&self, other: &Self) -> bool {
        self != other
    }
}

impl Shown for PathBuf {
    fn shown(&self) -> String {
        self.to_string_lossy().into_owned().shown()
    }

    fn differs(&self, other: &Self) -> bool {
        self != other
    }
}

impl Shown for SecretString {
    fn shown(&self) -> String {
        let mask = if self.expose_secret().is_empty() { "" } else { "***" };
        mask.to_owned().shown()
    }

    fn differs(&self, other: &Self) -> bool {
        self.expose_secret() != other.expose_secret()
    }
}
