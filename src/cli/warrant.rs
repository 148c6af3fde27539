//! `warrant issue|list|revoke`: what auditors may see in the portal, of whom, until when.

use super::statement::day;
use super::{Outcome, time};
use crate::exchange::act::By;
use crate::exchange::warrants::{self, Draft, WarrantLine};
use crate::hub::Hub;
use anyhow::Context;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  docaxis user add thanh.tra --name 'Lê Minh' --role auditor
  docaxis warrant issue thanh.tra --number 12/QĐ-TTr --decided 2026-11-20 --purpose 'Kiểm tra công tác văn thư' \\
    --agency X99.A01 --documents-from 2026-01-01 --documents-until 2026-11-30 --until 2026-12-31";

/// What is to be issued.
#[derive(Debug, Args)]
pub struct IssueArguments {
    /// The auditor, by the name to sign in with.
    login: String,
    /// Number and notation of the decision.
    #[arg(long)]
    number: String,
    /// The day of the decision.
    #[arg(long, value_name = "DAY", value_parser = day)]
    decided: NaiveDate,
    /// What it is for.
    #[arg(long)]
    purpose: String,
    /// The agencies that it is for, by code or alias.
    #[arg(long = "agency", value_name = "CODE", num_args = 1.., required_unless_present = "every_agency")]
    agencies: Vec<String>,
    /// It is for every agency.
    #[arg(long, conflicts_with = "agencies")]
    every_agency: bool,
    /// The content of documents may be opened too.
    #[arg(long)]
    content: bool,
    /// First day of the documents.
    #[arg(long, value_name = "DAY", value_parser = day)]
    documents_from: NaiveDate,
    /// Last day of the documents.
    #[arg(long, value_name = "DAY", value_parser = day)]
    documents_until: NaiveDate,
    /// First day on which it holds; from now on without it.
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<NaiveDate>,
    /// Last day on which it holds.
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: NaiveDate,
}

#[derive(Debug, Subcommand)]
pub enum WarrantCommand {
    /// Issue a warrant: without one that holds, an auditor sees nothing.
    #[command(after_help = EXAMPLES)]
    Issue(Box<IssueArguments>),
    /// List warrants, the newest first.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a warrant: its auditor sees nothing by it from now on, also where it is signed in.
    Revoke {
        /// Which, as `list` names it.
        #[arg(value_name = "WARRANT")]
        id: String,
    },
}

impl WarrantCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let by = &By::Operator;
        match self {
            Self::Issue(wanted) => {
                let login = wanted.login.clone();
                let draft = Draft {
                    login: wanted.login,
                    number: wanted.number,
                    decided_on: wanted.decided,
                    purpose: wanted.purpose,
                    agencies: wanted.agencies,
                    every_agency: wanted.every_agency,
                    content: wanted.content,
                    documents: (wanted.documents_from, wanted.documents_until),
                    from: wanted.from,
                    until: wanted.until,
                };
                let row = warrants::issue(hub, by, draft).await.context(login)?;
                writeln!(out, "{}  {}  until {}", row.warrant_id, row.number, time(row.until_at()))?;
            }
            Self::List { json } => {
                for line in warrants::list(hub).await? {
                    match json {
                        true => writeln!(out, "{}", as_json(&line))?,
                        false => print(&line, out)?,
                    }
                }
            }
            Self::Revoke { id } => {
                warrants::revoke(hub, by, &id).await.with_context(|| id.clone())?;
                writeln!(out, "{id} revoked")?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn print(line: &WarrantLine, out: &mut dyn Write) -> std::io::Result<()> {
    let row = &line.warrant.row;
    let revoked = row.revoked_at().map_or_else(String::new, |at| format!("  revoked {}", time(at)));
    let (from, until) = (time(row.from_at()), time(row.until_at()));
    writeln!(out, "{}  {}  {}  {from} – {until}{revoked}", row.warrant_id, row.number, line.holder)?;
    let scope = if row.every_agency { "every agency".to_owned() } else { line.warrant.agencies.join(" ") };
    let content = if row.content { "with content" } else { "without content" };
    writeln!(out, "  {scope}  documents {} – {}, {content}", row.documents_from, row.documents_until)
}

fn as_json(line: &WarrantLine) -> serde_json::Value {
    let row = &line.warrant.row;
    json!({
        "warrant": row.warrant_id, "auditor": line.holder, "number": row.number, "decided_on": row.decided_on,
        "purpose": row.purpose, "every_agency": row.every_agency, "agencies": line.warrant.agencies,
        "content": row.content, "documents_from": row.documents_from, "documents_until": row.documents_until,
        "from": time(row.from_at()), "until": time(row.until_at()), "issued_by": line.issuer,
        "revoked_at": row.revoked_at().map(time),
    })
}
