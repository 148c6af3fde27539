//! `ledger show|proof|verify`: the sealed ledger.

use super::progress::Progress;
use super::{Outcome, time};
use crate::exchange::{audit, prove};
use crate::http::ledger_api;
use crate::hub::Hub;
use anyhow::Context;
use clap::Subcommand;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Show how the ledger stands: its name, the key of its heads, the newest head.
    Show {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print a piece of evidence with the proof that it stands in the ledger, as JSON.
    Proof {
        /// Which: as timelines and answers name it.
        #[arg(value_name = "EVIDENCE")]
        evidence: String,
    },
    /// Compute everything anew, from the rows of evidence to every signed head, and name what is wrong.
    #[command(
        after_help = "Examples:\n  docaxis ledger verify\n  curl -s https://hub/ledger/checkpoint > kept.txt; …; docaxis ledger verify --checkpoint kept.txt"
    )]
    Verify {
        /// A signed head that was kept elsewhere: the ledger must have grown from it.
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// One JSON object for each thing that is wrong, and one for the whole.
        #[arg(long)]
        json: bool,
    },
}

impl LedgerCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Show { json } => show(&prove::view(hub).await?, json, out)?,
            Self::Proof { evidence } => {
                let proved = prove::evidence(hub, None, &evidence).await.with_context(|| evidence.clone())?;
                writeln!(out, "{}", serde_json::to_string_pretty(&ledger_api::proof(&proved))?)?;
            }
            Self::Verify { checkpoint, json } => return verify(hub, &checkpoint, json, out).await,
        }
        Ok(Outcome::Done)
    }
}

fn show(view: &prove::LedgerView, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let head = view.head.as_ref();
    let (size, signed_at) = (head.map_or(0, |head| head.tree_size), head.map(|head| time(head.signed_at())));
    if json {
        let checkpoint = head.map(|head| &head.note);
        let all = json!({
            "name": view.name, "key": view.key, "witness_key": view.witness_key, "size": size, "signed_at": signed_at,
            "checkpoint": checkpoint, "cosigned": view.cosigned.as_ref().map(|head| &head.note),
        });
        return Ok(writeln!(out, "{all}")?);
    }
    writeln!(out, "sổ cái / ledger   {}", view.name)?;
    writeln!(out, "khóa / key        {}", view.key)?;
    writeln!(out, "làm chứng / witness {}", view.witness_key)?;
    writeln!(out, "bút toán / entries {size}")?;
    match (head, signed_at) {
        (Some(head), Some(at)) => writeln!(out, "điểm chốt / head  {at}\n\n{}", head.note)?,
        (Some(_) | None, _) => writeln!(out, "chưa có điểm chốt nào / no head was signed yet")?,
    }
    Ok(())
}

async fn verify(hub: &Hub, kept: &[PathBuf], json: bool, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let read = |file: &PathBuf| std::fs::read_to_string(file).with_context(|| file.display().to_string());
    let kept = kept.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
    let mut shown: Option<(&'static str, Progress)> = None;
    let mut watch = |what: &'static str, done: u64, all: u64| match &shown {
        Some((of, bar)) if *of == what => bar.set(done),
        Some(_) | None => shown = Some((what, Progress::pieces(all, what))),
    };
    let report = audit::audit(hub, &kept, &mut watch).await?;
    drop(shown);
    for fault in &report.faults {
        let (vi, en) = fault.words();
        match json {
            true => writeln!(out, "{}", json!({ "code": fault.code(), "vi": vi, "en": en }))?,
            false => writeln!(out, "{}\n  {vi}\n  {en}", fault.code())?,
        }
    }
    let faults = report.faults.len().saturating_add(report.more);
    match json {
        true => writeln!(out, "{}", json!({ "entries": report.entries, "heads": report.heads, "faults": faults }))?,
        false => writeln!(
            out,
            "{} bút toán, {} điểm chốt đúng, {faults} lỗi / {} entries, {} heads that hold, {faults} faults",
            report.entries, report.heads, report.entries, report.heads
        )?,
    }
    Ok(if faults == 0 { Outcome::Done } else { Outcome::Refused })
}
