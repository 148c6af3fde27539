//! `webhook set|show|rotate|test|replay|remove`: where systems are told what happens to their documents.

use super::endpoint::{as_json, print, print_proof};
use super::{Outcome, moment};
use crate::channel::signature::Scheme;
use crate::domain::announcement::EventKind;
use crate::domain::endpoint::EndpointId;
use crate::exchange::act::By;
use crate::exchange::endpoints;
use crate::exchange::webhooks::{self, Replay, WebhookEntry};
use crate::hub::Hub;
use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// Tell a system from now on; prints the secret of the signatures when the webhook is new, this once.
    #[command(after_help = "Examples:\n  docaxis webhook set dms.a01 https://dms.a01.example.vn/events\n  \
                            docaxis webhook set dms.a01 https://… --event delivery.failed --event status.reported")]
    Set(SetArguments),
    /// Show a webhook and how it is doing.
    Show {
        /// The system's id.
        system: String,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Give a webhook a new secret, printed this once; the old one signs beside it for a while.
    Rotate {
        /// The system's id.
        system: String,
        /// Sign with Ed25519: the system's software gets a public key instead of a secret.
        #[arg(long)]
        ed25519: bool,
        /// Print {"holder","secret","public_key"}.
        #[arg(long)]
        json: bool,
    },
    /// Send a webhook an event to be tried with.
    Test {
        /// The system's id.
        system: String,
    },
    /// Tell a webhook again what it was told, or was not, since a time.
    Replay {
        /// The system's id.
        system: String,
        /// Events that happened at or after this day or time.
        #[arg(long, value_name = "TIME", value_parser = moment)]
        from: DateTime<Utc>,
        /// Only those that were given up.
        #[arg(long)]
        given_up: bool,
    },
    /// Tell a system no more; what waits for it is thrown away.
    Remove {
        /// The system's id.
        system: String,
    },
}

#[derive(Debug, Args)]
pub struct SetArguments {
    /// The system's id.
    system: String,
    /// Where its software takes events: https://host/path
    url: String,
    /// A kind of events to tell; without any, all: delivery.relayed, delivery.consigned, delivery.fetched, delivery.handed_over,
    /// delivery.handover_failed, delivery.refused, delivery.failed, delivery.withdrawn, status.reported,
    /// recall.requested, recall.answered.
    #[arg(long = "event", value_name = "KIND", value_parser = event)]
    events: Vec<EventKind>,
    /// Most events on their way at once.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: Option<u16>,
    /// Sign with Ed25519: the system's software gets a public key instead of a secret.
    #[arg(long)]
    ed25519: bool,
    /// Print {"holder","secret","public_key"}.
    #[arg(long)]
    json: bool,
}

fn event(name: &str) -> anyhow::Result<EventKind> {
    let names = || EventKind::ALL.map(EventKind::name).join(", ");
    EventKind::of_name(name).ok_or_else(|| anyhow!("one of: {}", names()))
}

impl WebhookCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let by = &By::Operator;
        match self {
            Self::Set(arguments) => {
                let SetArguments { system, url, events, in_flight, ed25519, json } = arguments;
                let entry = WebhookEntry { url, events, in_flight_max: in_flight, scheme: Scheme::of_choice(ed25519) };
                let proof = webhooks::set(hub, by, &system, entry).await.with_context(|| system.clone())?;
                print_proof(&system, proof.as_ref(), json, out)?;
            }
            Self::Show { system, json } => {
                let line = endpoints::one(hub, &EndpointId::events(&system).to_string()).await.context(system)?;
                match json {
                    true => writeln!(out, "{}", as_json(&line))?,
                    false => print(&line, out)?,
                }
            }
            Self::Rotate { system, ed25519, json } => {
                let scheme = Scheme::of_choice(ed25519);
                let proof = webhooks::rotate(hub, by, &system, scheme).await.with_context(|| system.clone())?;
                print_proof(&system, Some(&proof), json, out)?;
            }
            Self::Test { system } => {
                let id = webhooks::test(hub, by, &system).await.with_context(|| system.clone())?;
                writeln!(out, "{system} is sent the event {id}")?;
            }
            Self::Replay { system, from, given_up } => {
                let replay = Replay { from, only_given_up: given_up };
                let number = webhooks::replay(hub, by, &system, replay).await.with_context(|| system.clone())?;
                writeln!(out, "{system} is told {number} events again")?;
            }
            Self::Remove { system } => {
                webhooks::remove(hub, by, &system).await.with_context(|| system.clone())?;
                writeln!(out, "{system} is told nothing any more")?;
            }
        }
        Ok(Outcome::Done)
    }
}
