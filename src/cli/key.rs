//! `key add|list|revoke`, and the same below `system key`.

use super::{Outcome, time};
use crate::exchange::act::By;
use crate::exchange::keys::{self, KeyLine, NewKey};
use crate::exchange::systems;
use crate::hub::Hub;
use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print its secret, this once.
    Add {
        /// The system.
        #[arg(value_name = "SYSTEM", required_unless_present = "id_option")]
        system: Option<String>,
        /// The system, as it was given before it had its place.
        #[arg(long = "id", hide = true, conflicts_with = "system")]
        id_option: Option<String>,
        /// Days after which the key ends by itself; 0 means never. Without it, keys.life_days of the configuration.
        #[arg(long, value_name = "DAYS")]
        life_days: Option<u64>,
        /// Print {"key_id","secret","expires_at"}.
        #[arg(long)]
        json: bool,
    },
    /// List the keys of a system, or all, without their secrets.
    List {
        /// The system.
        #[arg(value_name = "SYSTEM")]
        system: Option<String>,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// End a key at once.
    Revoke {
        /// The key's id.
        #[arg(value_name = "KEY_ID", required_unless_present = "key_option")]
        key: Option<String>,
        /// The key's id, as it was given before it had its place.
        #[arg(long = "key", hide = true, conflicts_with = "key")]
        key_option: Option<String>,
    },
}

impl KeyCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Add { system, id_option, life_days, json } => {
                let id = system.or(id_option).unwrap_or_default();
                let key = keys::add_key(hub, &By::Operator, &id, life_days).await.context(id)?;
                print_new_key(&key, json, out)?;
            }
            Self::List { system, json } => {
                let lines = match system {
                    Some(id) => vec![systems::system(hub, &id).await.context(id)?],
                    None => systems::systems(hub).await?,
                };
                for line in lines {
                    for key in &line.keys {
                        match json {
                            true => writeln!(out, "{}", as_json(key, &line.system_id))?,
                            false => print(key, &line.system_id, hub.clock.now(), out)?,
                        }
                    }
                }
            }
            Self::Revoke { key, key_option } => {
                let key = key.or(key_option).unwrap_or_default();
                keys::revoke_key(hub, &By::Operator, &key).await.with_context(|| key.clone())?;
                let seconds = hub.config.keys.memory_seconds;
                writeln!(out, "{key} is revoked; no node takes it after {seconds} seconds")?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn print_new_key(key: &NewKey, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let (secret, expires_at) = (key.secret.expose_secret(), key.expires_at.map(time));
    if json {
        writeln!(out, "{}", json!({ "key_id": key.key_id, "secret": secret, "expires_at": expires_at }))?;
        return Ok(());
    }
    writeln!(out, "key_id      {}", key.key_id)?;
    writeln!(out, "secret      {secret}")?;
    writeln!(out, "expires_at  {}", expires_at.as_deref().unwrap_or("never"))?;
    writeln!(out, "The secret is shown this once. SDK: secret string. Native API: bearer token key_id.secret")?;
    Ok(())
}

/// One key in one line, after its system.
pub(super) fn print(key: &KeyLine, system: &str, now: DateTime<Utc>, out: &mut dyn Write) -> anyhow::Result<()> {
    let used = key.last_used_at.map_or("never used".to_owned(), |at| format!("last used {}", time(at)));
    writeln!(out, "{system:<24}key {} {}, {used}", key.key_id, standing(key, now))?;
    Ok(())
}

/// Whether a key is live, in words.
fn standing(key: &KeyLine, now: DateTime<Utc>) -> String {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", time(at)),
        (None, Some(at)) if at <= now => format!("expired {}", time(at)),
        (None, Some(at)) => format!("live until {}", time(at)),
        (None, None) => "live".to_owned(),
    }
}

/// A key for scripts.
pub(super) fn as_json(key: &KeyLine, system: &str) -> serde_json::Value {
    json!({
        "key_id": key.key_id,
        "system": system,
        "created_at": time(key.created_at),
        "expires_at": key.expires_at.map(time),
        "revoked_at": key.revoked_at.map(time),
        "last_used_at": key.last_used_at.map(time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_one_json_object_for_scripts() {
        let key = NewKey { key_id: "k1".to_owned(), secret: "s".into(), expires_at: None };
        let mut out = Vec::new();

        print_new_key(&key, true, &mut out).unwrap();

        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read, json!({ "key_id": "k1", "secret": "s", "expires_at": null }));
    }

    #[test]
    fn a_key_past_its_end_is_not_called_live() {
        let now = DateTime::UNIX_EPOCH;
        let (key_id, expires_at) = ("k1".to_owned(), Some(now));
        let key = KeyLine { key_id, created_at: now, expires_at, revoked_at: None, last_used_at: None };

        assert!(standing(&key, now).starts_with("expired"));
    }
}
