//! `neighbour set|list|remove`: hubs that packets are passed on to and taken from.

use super::Outcome;
use super::endpoint::{as_json, print};
use crate::domain::endpoint::EndpointKind;
use crate::exchange::act::By;
use crate::exchange::endpoints;
use crate::exchange::neighbours::{self, NeighbourEntry};
use crate::hub::Hub;
use anyhow::Context;
use clap::{Args, Subcommand};
use secrecy::SecretString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum NeighbourCommand {
    /// Say where a neighbour is reached and by which key. Its system, with the role hub, must be there.
    #[command(after_help = "Examples:\n  docaxis system add truc.quoc-gia --name 'Trục quốc gia' --role hub\n  \
                            docaxis neighbour set truc.quoc-gia https://truc.example.vn --key-file key.txt\n  \
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
    /// Most packets on their way at once.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: Option<u16>,
}

impl NeighbourCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Set(SetArguments { neighbour, url, key_file, in_flight }) => {
                let key = key_file.as_deref().map(key).transpose()?;
                let entry = NeighbourEntry { neighbour: neighbour.clone(), url, key, in_flight_max: in_flight };
                neighbours::set(hub, &By::Operator, entry).await.with_context(|| neighbour.clone())?;
                writeln!(out, "{neighbour} is set; say who is behind it: docaxis route set PREFIX {neighbour}")?;
            }
            Self::List { json } => {
                let lines = endpoints::list(hub).await?;
                for line in lines.iter().filter(|line| line.id.kind == EndpointKind::Relay) {
                    match json {
                        true => writeln!(out, "{}", as_json(line))?,
                        false => print(line, out)?,
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
