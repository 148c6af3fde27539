//! `archive export|list|show`: archives of what was exchanged.

use super::progress::Progress;
use super::statement::day;
use super::{Outcome, time};
use crate::exchange::act::By;
use crate::exchange::archive::{self, Selection};
use crate::http::archive_api;
use crate::hub::Hub;
use anyhow::{Context, bail};
use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  docaxis archive export --agency X99.A01 --from 2026-11-01 --until 2026-11-30 --packets --into luu-tru.zip
  docaxis archive export --like 0190a5b0c1d27e3f8a4b5c6d7e8f9a0b --into again.zip     # the same bytes
  docaxis verify luu-tru.zip --trust hub.pem";

/// Which kind of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Documents.
    Document,
    /// Status packets.
    Status,
}

/// What to export.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// What this agency sent and was sent; without it, everything.
    #[arg(long, value_name = "AGENCY", conflicts_with = "like")]
    agency: Option<String>,
    /// First day.
    #[arg(long, value_name = "DAY", value_parser = day, required_unless_present = "like")]
    from: Option<NaiveDate>,
    /// Last day.
    #[arg(long, value_name = "DAY", value_parser = day, required_unless_present = "like")]
    until: Option<NaiveDate>,
    /// Only packets of this kind.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Only packets about the document of this identifier.
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// Take the packets themselves in too.
    #[arg(long)]
    packets: bool,
    /// What was asked for with an earlier archive, cut off where that was: the same bytes.
    #[arg(long, value_name = "ARCHIVE")]
    like: Option<String>,
    /// Where to put the file; without it, it stays with the hub.
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum ArchiveCommand {
    /// Make an archive now.
    #[command(after_help = EXAMPLES)]
    Export(Box<ExportArguments>),
    /// List archives, the newest first.
    List {
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show an archive: what was asked for, how far it is, its digest, as JSON.
    Show {
        /// Which.
        #[arg(value_name = "ARCHIVE")]
        id: String,
    },
}

impl ArchiveCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Export(arguments) => return export(hub, *arguments, out).await,
            Self::List { limit, json } => {
                for row in archive::list(hub, String::new(), limit).await? {
                    match json {
                        true => writeln!(out, "{}", serde_json::to_string(&archive_api::body(&row)?)?)?,
                        false => writeln!(
                            out,
                            "{}  {}  {}  {}  {} packets  {}",
                            row.archive_id,
                            time(row.asked_at()),
                            row.asked_by,
                            row.standing(),
                            row.done,
                            row.sha256
                        )?,
                    }
                }
            }
            Self::Show { id } => {
                let row = archive::archive(hub, &id).await.context(id)?;
                writeln!(out, "{}", serde_json::to_string_pretty(&archive_api::body(&row)?)?)?;
            }
        }
        Ok(Outcome::Done)
    }
}

async fn export(hub: &Hub, arguments: ExportArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    let asked = match arguments.like {
        Some(before) => archive::ask_again(hub, &By::Operator, &before).await.context(before)?,
        None => {
            let selection = Selection {
                agency: arguments.agency,
                from: day(arguments.from),
                until: day(arguments.until),
                documents: arguments.kind.map(|kind| kind == Kind::Document),
                document_id: arguments.document,
                packets: arguments.packets,
                ..Selection::default()
            };
            archive::ask(hub, &By::Operator, selection).await?
        }
    };
    let bar = Progress::pieces(hub.config.archives.packets_max, "export");
    let is_made = archive::make(hub, &asked.archive_id, &mut |packets| bar.set(packets)).await?;
    drop(bar);
    let row = archive::archive(hub, &asked.archive_id).await?;
    if row.standing() != "done" {
        if !is_made {
            bail!("{}: a node of the hub is at it; see `docaxis archive show`", row.archive_id);
        }
        writeln!(out, "{}: {}", row.archive_id, row.reason)?;
        return Ok(Outcome::Refused);
    }
    if let Some(into) = arguments.into {
        let (_, mut file) = archive::take(hub, &By::Operator, &row.archive_id).await?;
        let place = || into.display().to_string();
        let mut target = File::create_new(&into).with_context(place)?;
        std::io::copy(&mut file, &mut target).with_context(place)?;
        target.sync_all().with_context(place)?;
    }
    writeln!(out, "{}  {} packets  {} bytes  sha256 {}", row.archive_id, row.done, row.bytes, row.sha256)?;
    Ok(Outcome::Done)
}
