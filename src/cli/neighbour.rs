//! `neighbour set|list|remove`: hubs that packets are passed on to and taken from.

use super::Outcome;
use super::endpoint::{as_json, print};
use crate::domain::endpoint::EndpointKind;
use crate::exchange::act::By;
use crate::exchange::endpoints;
use crate::exchange::neighbours::{self, KnownBy, NeighbourEntry, NeighbourKeys, ids_of};
use crate::hub::Hub;
use anyhow::Context;
use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum NeighbourCommand {
    /// Say where a neighbour is reached and by which key. Its system, with the role hub, must be there.
    #[command(after_help = "Examples:\n  docaxis system add truc.quoc-gia --name 'Trục quốc gia' --role hub\n  \
                            docaxis neighbour set truc.quoc-gia https://truc.example.vn --key-file key.txt --certificate hub.pem\n  \
                            docaxis route set '*' truc.quoc-gia")]
    Set(SetArguments),
    /// List neighbours and how they are doing.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Pass nothing on to a neighbour any more. Not while routes lead there or something waits for it.
    Remove {
        /// Its name: the id of its system here.
        neighbour: String,
    },
}

#[derive(Debug, Args)]
pub struct SetArguments {
    /// Its name: the id of its system here, and relay.hub_name there.
    neighbour: String,
    /// The address of the hub: https://host
    url: String,
    /// File with the key that it gave this hub, KEY.SECRET; - for standard input. Without it, the key stays as it was.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Its certificates, or those of who issued them (PEM): its signed receipts are verified by them. Without it, they stay.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Believe it without receipts.
    #[arg(long, conflicts_with = "certificate")]
    unverified: bool,
    /// The key of its ledger, as `docaxis ledger show` prints it there: its heads are cosigned here. Empty: no more.
    #[arg(long, value_name = "KEY")]
    ledger_key: Option<String>,
    /// Its key as a witness, likewise: it is asked to cosign the ledger of this hub. Empty: no more.
    #[arg(long, value_name = "KEY")]
    witness_key: Option<String>,
    /// Most packets on their way at once.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: Option<u16>,
}

impl NeighbourCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Set(arguments) => {
                let entry = arguments.entry()?;
                let neighbour = entry.neighbour.clone();
                neighbours::set(hub, &By::Operator, entry).await.with_context(|| neighbour.clone())?;
                writeln!(out, "{neighbour} is set; say who is behind it: docaxis route set PREFIX {neighbour}")?;
            }
            Self::List { json } => {
                let (lines, known) = (endpoints::list(hub).await?, neighbours::known(hub).await?);
                for line in lines.iter().filter(|line| line.id.kind == EndpointKind::Relay) {
                    let keys = known.iter().find(|keys| keys.neighbour == line.id.holder).cloned().unwrap_or_default();
                    match json {
                        true => writeln!(out, "{}", of_all(as_json(line), &keys))?,
                        false => {
                            print(line, out)?;
                            print_keys(&keys, out)?;
                        }
                    }
                }
            }
            Self::Remove { neighbour } => {
                neighbours::remove(hub, &By::Operator, &neighbour).await.with_context(|| neighbour.clone())?;
                writeln!(out, "nothing is passed on to {neighbour} any more")?;
            }
        }
        Ok(Outcome::Done)
    }
}

impl SetArguments {
    fn entry(self) -> anyhow::Result<NeighbourEntry> {
        let read = |file: PathBuf| std::fs::read_to_string(&file).with_context(|| file.display().to_string());
        let known_by = KnownBy {
            ledger_key: self.ledger_key,
            witness_key: self.witness_key,
            certificates: self.certificate.map(read).transpose()?,
            is_unverified: self.unverified,
        };
        let key = self.key_file.as_deref().map(key).transpose()?;
        Ok(NeighbourEntry { neighbour: self.neighbour, url: self.url, key, in_flight_max: self.in_flight, known_by })
    }
}

/// A neighbour with by what it is known.
fn of_all(mut line: Value, keys: &NeighbourKeys) -> Value {
    if let Value::Object(members) = &mut line {
        members.insert("certificates".to_owned(), json!(ids_of(keys)));
        members.insert("ledger_key".to_owned(), json!(keys.ledger_key));
        members.insert("witness_key".to_owned(), json!(keys.witness_key));
    }
    line
}

fn print_keys(keys: &NeighbourKeys, out: &mut dyn Write) -> std::io::Result<()> {
    match ids_of(keys) {
        none if none.is_empty() => writeln!(out, "  believed without receipts")?,
        ids => writeln!(out, "  receipts verified by {}", ids.join(", "))?,
    }
    for (what, key) in [("ledger cosigned here", &keys.ledger_key), ("cosigns as", &keys.witness_key)] {
        if !key.is_empty() {
            writeln!(out, "  {what} {key}")?;
        }
    }
    Ok(())
}

fn key(file: &Path) -> anyhow::Result<SecretString> {
    let mut text = String::new();
    match file == Path::new("-") {
        true => std::io::stdin().read_to_string(&mut text).context("standard input")?,
        false => std::fs::File::open(file)
            .and_then(|mut open| open.read_to_string(&mut text))
            .with_context(|| file.display().to_string())?,
    };
    Ok(text.into())
}
