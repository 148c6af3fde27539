//! `endpoint set|list|pause|resume|remove`: where agencies want their packets brought.

use super::{Outcome, time};
use crate::channel::signature::Scheme;
use crate::exchange::act::By;
use crate::exchange::endpoints::{self, EndpointEntry, EndpointLine, Proof};
use crate::hub::Hub;
use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum EndpointCommand {
    /// Bring an agency its packets from now on; prints the secret of the signatures, this once.
    Set(SetArguments),
    /// List every endpoint and how it is doing.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Bring nothing for now; what waits is kept until its term is over.
    Pause {
        /// The agency's code or an alias, events:SYSTEM or relay:NEIGHBOUR.
        agency: String,
        /// Why; it is shown with the endpoint and kept as evidence.
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Bring again, at once, also what waits for another attempt; failures are forgotten.
    Resume {
        /// The agency's code or an alias, events:SYSTEM or relay:NEIGHBOUR.
        agency: String,
    },
    /// Bring no more: the agency picks its packets up, also those that wait.
    Remove {
        /// The agency's code or an alias.
        agency: String,
    },
}

#[derive(Debug, Args)]
pub struct SetArguments {
    /// The agency's code or an alias.
    agency: String,
    /// Where its software takes packets: https://host/path
    url: String,
    /// Its software says by itself when it holds a packet (POST /api/v1/deliveries/ID/confirm); an answer of 2xx is not
    /// enough.
    #[arg(long)]
    confirms_itself: bool,
    /// Most packets on their way at once.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: Option<u16>,
    /// Sign with Ed25519: the agency's software gets a public key instead of a secret.
    #[arg(long)]
    ed25519: bool,
    /// Print {"holder","secret","public_key"}.
    #[arg(long)]
    json: bool,
}

impl EndpointCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Set(arguments) => set(hub, arguments, out).await?,
            Self::List { json } => {
                for line in endpoints::list(hub).await? {
                    match json {
                        true => writeln!(out, "{}", as_json(&line))?,
                        false => print(&line, out)?,
                    }
                }
            }
            Self::Pause { agency, reason } => {
                endpoints::pause(hub, &By::Operator, &agency, &reason).await.with_context(|| agency.clone())?;
                writeln!(out, "{agency} is paused; its queue is kept")?;
            }
            Self::Resume { agency } => {
                endpoints::resume(hub, &By::Operator, &agency).await.with_context(|| agency.clone())?;
                writeln!(out, "{agency} is open again; everything that waits is due now")?;
            }
            Self::Remove { agency } => {
                let moved = endpoints::remove(hub, &By::Operator, &agency).await.with_context(|| agency.clone())?;
                writeln!(out, "{agency} picks its packets up from now on; {moved} that waited are in its mailbox")?;
            }
        }
        Ok(Outcome::Done)
    }
}

async fn set(hub: &Hub, arguments: SetArguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let SetArguments { agency, url, confirms_itself, in_flight, ed25519, json } = arguments;
    let scheme = Scheme::of_choice(ed25519);
    let entry = EndpointEntry { agency: agency.clone(), url, confirms_itself, in_flight_max: in_flight, scheme };
    let proof = endpoints::set(hub, &By::Operator, entry).await.with_context(|| agency.clone())?;
    if !json {
        writeln!(out, "{agency}: packets accepted from now on are pushed")?;
    }
    print_proof(&agency, Some(&proof), json, out)
}

/// By what the signatures for somebody are checked, where that is new.
pub(super) fn print_proof(holder: &str, proof: Option<&Proof>, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let (secret, public_key) = proof.map(Proof::parts).unwrap_or_default();
    if json {
        writeln!(out, "{}", json!({ "holder": holder, "secret": secret, "public_key": public_key }))?;
        return Ok(());
    }
    if proof.is_none() {
        return Ok(writeln!(out, "{holder} is set; its secret stays as it was")?);
    }
    if let Some(secret) = secret {
        writeln!(out, "  secret {secret}")?;
    }
    if let Some(key) = public_key {
        writeln!(out, "  public key {key}")?;
    }
    writeln!(out, "  It is not shown again. Every push is signed for it (Standard Webhooks: webhook-signature).")?;
    Ok(())
}

pub(super) fn print(line: &EndpointLine, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "{}  {}  {}", line.id, line.state, line.url)?;
    let circuit = line.circuit.word();
    writeln!(out, "  waiting {}, circuit {circuit}, failures in a row {}", line.waiting, line.failures)?;
    let said = |at: Option<chrono::DateTime<chrono::Utc>>| at.map_or("never".to_owned(), time);
    writeln!(out, "  last taken {}, last failed {}", said(line.succeeded_at), said(line.failed_at))?;
    if !line.events.is_empty() {
        let events: Vec<&str> = line.events.iter().map(|kind| kind.name()).collect();
        writeln!(out, "  events {}", events.join(", "))?;
    }
    if !line.reason.is_empty() {
        writeln!(out, "  because: {}", line.reason)?;
    }
    Ok(())
}

pub(super) fn as_json(line: &EndpointLine) -> serde_json::Value {
    json!({
        "kind": line.id.kind.word(), "holder": line.id.holder, "url": line.url, "state": line.state, "reason": line.reason,
        "confirms_itself": line.confirms_itself, "circuit": line.circuit.word(), "failures": line.failures,
        "waiting": line.waiting, "events": line.events.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
        "succeeded_at": line.succeeded_at.map(time), "failed_at": line.failed_at.map(time),
    })
}
