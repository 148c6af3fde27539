//! `witness list|forget`: who cosigns the ledger of this hub, and the ledgers that this hub cosigns.

use super::{Outcome, time};
use crate::exchange::act::By;
use crate::exchange::{cosign, witness};
use crate::hub::Hub;
use anyhow::Context;
use clap::Subcommand;
use serde_json::json;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum WitnessCommand {
    /// List the witnesses that are asked to cosign, and the ledgers that this hub cosigned.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Forget what was cosigned of a ledger, so that it begins anew: when its operator told of a restore. This is evidence.
    Forget {
        /// The name of the ledger, the first line of its heads.
        #[arg(value_name = "LEDGER")]
        ledger: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

impl WitnessCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::List { json } => list(hub, json, out).await?,
            Self::Forget { ledger, reason } => {
                witness::forget(hub, &By::Operator, &ledger, &reason).await.with_context(|| ledger.clone())?;
                writeln!(out, "{ledger} begins anew")?;
            }
        }
        Ok(Outcome::Done)
    }
}

async fn list(hub: &Hub, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    for (witness, row) in cosign::standing(hub).await? {
        let (size, failures) = row.as_ref().map_or((0, 0), |row| (row.tree_size, row.failures));
        let well_at = row.as_ref().map(|row| time(row.well_at()));
        let trouble = row.map(|row| row.trouble).unwrap_or_default();
        if json {
            writeln!(
                out,
                "{}",
                json!({
                    "witness": witness.key.name(), "url": witness.url, "size": size, "well_at": well_at, "failures": failures,
                    "trouble": trouble,
                })
            )?;
            continue;
        }
        writeln!(out, "witness {}  {}", witness.key.name(), witness.url)?;
        match well_at {
            Some(at) if trouble.is_empty() => writeln!(out, "  cosigned {size} entries at {at}")?,
            Some(at) => writeln!(out, "  well until {at}, failures in a row {failures}: {trouble}")?,
            None => writeln!(out, "  not asked yet")?,
        }
    }
    for row in witness::list(hub).await? {
        let (at, is_refused) = (time(row.grown_at()), row.refused.is_some());
        if json {
            writeln!(
                out,
                "{}",
                json!({ "ledger": row.origin, "size": row.tree_size, "grown_at": at, "refused": row.refused })
            )?;
            continue;
        }
        writeln!(out, "ledger {}\n  cosigned {} entries, grown at {at}", row.origin, row.tree_size)?;
        if is_refused {
            writeln!(out, "  refused since: it did not grow from there")?;
        }
    }
    Ok(())
}
