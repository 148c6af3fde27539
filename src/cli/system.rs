//! `system add|list|show|suspend|resume|hold|release|addresses`. Keys have a group of their own, and stand below
//! `system key` too.

use super::key::{self, KeyCommand};
use super::{Outcome, time};
use crate::domain::system::Role;
use crate::exchange::act::By;
use crate::exchange::systems::{self, NewSystem, SystemLine};
use crate::hub::Hub;
use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum SystemCommand {
    /// Make a system, or name it anew and give it further agencies.
    Add(AddArguments),
    /// List every system with its agencies and keys.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show one system with its agencies, addresses and keys.
    Show {
        /// Its id.
        system: String,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Let none of a system's keys open anything, on any node.
    Suspend {
        /// Its id.
        system: String,
    },
    /// Let a suspended system go on.
    Resume {
        /// Its id.
        system: String,
    },
    /// Let a system hold an agency: send for it and receive for it.
    Hold {
        /// The system's id.
        system: String,
        /// The agency's code or an alias.
        agency: String,
    },
    /// Let a system hold an agency no more.
    Release {
        /// The system's id.
        system: String,
        /// The agency's code or an alias.
        agency: String,
    },
    /// Say from where a system may call; without any address, from everywhere.
    Addresses {
        /// The system's id.
        system: String,
        /// Addresses and ranges, such as 10.1.2.3, 10.1.0.0/16 or 2001:db8::/32.
        #[arg(value_name = "ADDRESS")]
        addresses: Vec<String>,
    },
    /// Keys of systems, as in `key`.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Debug, Args)]
pub struct AddArguments {
    /// Its id: letters, digits and . _ -
    #[arg(value_name = "SYSTEM", required_unless_present = "id_option")]
    system: Option<String>,
    /// The id, as it was given before it had its place.
    #[arg(long = "id", hide = true, conflicts_with = "system")]
    id_option: Option<String>,
    /// Its name.
    #[arg(long)]
    name: String,
    /// What it is for; chosen when it is made, exchange without it.
    #[arg(long, value_enum)]
    role: Option<RoleWord>,
    /// The agencies that it may speak for.
    #[arg(long = "agency", value_name = "CODE", num_args = 1..)]
    agencies: Vec<String>,
}

/// What a system is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleWord {
    /// It sends and receives for agencies.
    Exchange,
    /// It changes the directory and the systems, and holds no agency.
    Administration,
    /// It is a neighbouring hub, and holds no agency.
    Hub,
}

impl RoleWord {
    fn role(self) -> Role {
        match self {
            Self::Exchange => Role::Exchange,
            Self::Administration => Role::Administration,
            Self::Hub => Role::Hub,
        }
    }
}

impl SystemCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let by = &By::Operator;
        let now = hub.clock.now();
        let line = match self {
            Self::Add(AddArguments { system, id_option, name, role, agencies }) => {
                let system_id = system.or(id_option).unwrap_or_default();
                let id = system_id.clone();
                let new = NewSystem { system_id, name, role: role.map(RoleWord::role), agencies };
                systems::put_system(hub, by, new).await.context(id)?
            }
            Self::List { json } => {
                for system in systems::systems(hub).await? {
                    match json {
                        true => writeln!(out, "{}", as_json(&system))?,
                        false => print(&system, now, out)?,
                    }
                }
                return Ok(Outcome::Done);
            }
            Self::Show { system, json: true } => {
                let line = systems::system(hub, &system).await.context(system)?;
                writeln!(out, "{}", as_json(&line))?;
                return Ok(Outcome::Done);
            }
            Self::Show { system, json: false } => systems::system(hub, &system).await.context(system)?,
            Self::Suspend { system } => systems::suspend(hub, by, &system, true).await.context(system)?,
            Self::Resume { system } => systems::suspend(hub, by, &system, false).await.context(system)?,
            Self::Hold { system, agency } => systems::hold(hub, by, &system, &agency).await.context(system)?,
            Self::Release { system, agency } => systems::release(hub, by, &system, &agency).await.context(system)?,
            Self::Addresses { system, addresses } => {
                systems::set_addresses(hub, by, &system, &addresses).await.context(system)?
            }
            Self::Key(command) => return command.run(hub, out).await,
        };
        print(&line, now, out)?;
        Ok(Outcome::Done)
    }
}

fn print(system: &SystemLine, now: DateTime<Utc>, out: &mut dyn Write) -> anyhow::Result<()> {
    let SystemLine { system_id, name, role, suspended_at, agencies, addresses, keys } = system;
    let held = match role {
        Role::Exchange => agencies.join(" "),
        Role::Administration | Role::Hub => role.word().to_owned(),
    };
    writeln!(out, "{system_id:<24}{name}: {held}")?;
    if let Some(at) = suspended_at {
        writeln!(out, "{:<24}suspended since {}", "", time(*at))?;
    }
    if !addresses.is_empty() {
        writeln!(out, "{:<24}only from {}", "", addresses.join(" "))?;
    }
    keys.iter().try_for_each(|line| key::print(line, "", now, out))
}

fn as_json(system: &SystemLine) -> serde_json::Value {
    let keys: Vec<_> = system.keys.iter().map(|line| key::as_json(line, &system.system_id)).collect();
    json!({
        "id": system.system_id,
        "name": system.name,
        "role": system.role.word(),
        "suspended_at": system.suspended_at.map(time),
        "agencies": system.agencies,
        "addresses": system.addresses,
        "keys": keys,
    })
}
