//! `timestamp list|show|now`: which heads of the ledger an authority stamped, and how asking for that goes.

use super::{Outcome, time};
use crate::exchange::ExchangeError;
use crate::exchange::act::{self, By};
use crate::exchange::stamp::{self, Turn};
use crate::hub::Hub;
use anyhow::Context;
use clap::Subcommand;
use serde_json::json;
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  docaxis timestamp show 1204 > dau-thoi-gian.json
  docaxis verify dau-thoi-gian.json --ledger-key KEY --timestamp-authority tsa-ca.pem
  jq -r .timestamp dau-thoi-gian.json | base64 -d > dau.tst     # for other tools: the token itself
  jq -r .checkpoint dau-thoi-gian.json | head -3 > diem-chot.txt
  openssl ts -verify -token_in -in dau.tst -data diem-chot.txt -CAfile tsa-ca.pem";

#[derive(Debug, Subcommand)]
pub enum TimestampCommand {
    /// List the newest time-stamps, and say how asking for them goes.
    List {
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Print the first stamped head of a tree with at least so many entries, with its time-stamp, as JSON.
    #[command(after_help = EXAMPLES)]
    Show {
        /// How many entries; an entry of index N is in every tree with more than N.
        #[arg(value_name = "ENTRIES")]
        size: u64,
    },
    /// Ask for a time-stamp over the newest head at once.
    Now,
}

impl TimestampCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::List { limit, json } => list(hub, (limit, json), out).await?,
            Self::Show { size } => {
                let file = stamp::file(hub, size).await.with_context(|| format!("{size} entries are not stamped"))?;
                write!(out, "{}", file.file())?;
            }
            Self::Now => match ordered(hub).await? {
                Turn::Stamped(row) => {
                    writeln!(out, "stamped {} entries at {}", row.tree_size, time(row.stamped_at()))?;
                }
                Turn::Rest => writeln!(out, "nothing to stamp")?,
                Turn::Later(why) => {
                    writeln!(out, "not stamped: {why}")?;
                    return Ok(Outcome::Failed);
                }
            },
        }
        Ok(Outcome::Done)
    }
}

/// Has a time-stamp asked for at once, which is evidence.
async fn ordered(hub: &Hub) -> Result<Turn, ExchangeError> {
    act::note_order(hub, &By::Operator, "timestamp-now", json!({})).await?;
    stamp::now(hub).await
}

async fn list(hub: &Hub, (limit, json): (usize, bool), out: &mut dyn Write) -> anyhow::Result<()> {
    for row in stamp::list(hub, i64::MAX, limit).await? {
        let (size, at, authority) = (row.tree_size, time(row.stamped_at()), &row.authority);
        match json {
            true => writeln!(out, "{}", json!({ "size": size, "stamped_at": at, "authority": authority }))?,
            false => writeln!(out, "{size} entries  {at}  {authority}")?,
        }
    }
    let Some(row) = stamp::standing(hub).await?.filter(|row| row.failures > 0) else { return Ok(()) };
    let (since, failures, why) = (time(row.well_at()), row.failures, &row.trouble);
    match json {
        true => writeln!(out, "{}", json!({ "well_at": since, "failures": failures, "trouble": why }))?,
        false => writeln!(out, "well until {since}, failures in a row {failures}: {why}")?,
    }
    Ok(())
}
