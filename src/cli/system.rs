//! `system add|list` and `system key add|revoke`.

use super::{Outcome, time};
use crate::exchange::directory::{self, SystemLine};
use crate::exchange::keys::{self, KeyLine, NewKey};
use crate::hub::Hub;
use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum SystemCommand {
    /// Make a system, or name it anew and give it further agencies.
    Add {
        /// Its id: letters, digits and . _ -
        #[arg(long)]
        id: String,
        /// Its name.
        #[arg(long)]
        name: String,
        /// The agencies that it may speak for.
        #[arg(long = "agency", value_name = "CODE", num_args = 1.., required = true)]
        agencies: Vec<String>,
    },
    /// List every system with its agencies and keys.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Keys of systems.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print its secret, this once.
    Add {
        /// The system.
        #[arg(long)]
        id: String,
        /// Print {"key_id","secret","expires_at"}.
        #[arg(long)]
        json: bool,
    },
    /// End a key at once.
    Revoke {
        /// The key's id.
        #[arg(long, value_name = "KEY_ID")]
        key: String,
    },
}

impl SystemCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Add { id, name, agencies } => {
                let system = directory::add_system(hub, &id, &name, &agencies).await.context(id)?;
                print(&system, hub.clock.now(), out)?;
            }
            Self::List { json } => {
                for system in directory::systems(hub).await? {
                    match json {
                        true => writeln!(out, "{}", as_json(&system))?,
                        false => print(&system, hub.clock.now(), out)?,
                    }
                }
            }
            Self::Key(KeyCommand::Add { id, json }) => {
                let key = keys::add_key(hub, &id).await.context(id)?;
                print_new_key(&key, json, out)?;
            }
            Self::Key(KeyCommand::Revoke { key }) => {
                keys::revoke_key(hub, &key).await.with_context(|| key.clone())?;
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

fn print(system: &SystemLine, now: DateTime<Utc>, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "{:<24}{}: {}", system.system_id, system.name, system.agencies.join(" "))?;
    for key in &system.keys {
        writeln!(out, "{:<24}key {} {}", "", key.key_id, standing(key, now))?;
    }
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

fn as_json(system: &SystemLine) -> serde_json::Value {
    let keys = system.keys.iter().map(|key| {
        let (expires, revoked) = (key.expires_at.map(time), key.revoked_at.map(time));
        json!({
            "key_id": key.key_id,
            "created_at": time(key.created_at),
            "expires_at": expires,
            "revoked_at": revoked,
        })
    });
    json!({
        "id": system.system_id,
        "name": system.name,
        "agencies": system.agencies,
        "keys": keys.collect::<Vec<_>>(),
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
        let key = KeyLine { key_id: "k1".to_owned(), created_at: now, expires_at: Some(now), revoked_at: None };

        assert!(standing(&key, now).starts_with("expired"));
    }
}
