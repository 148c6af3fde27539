//! `hold place|lift|list`: legal holds, which keep contents whatever their time.

use super::statement::day;
use super::{Outcome, time};
use crate::domain::retention::Scope;
use crate::exchange::act::By;
use crate::exchange::holds::{self, HoldKey, HoldLine};
use crate::http::purge_api;
use crate::hub::Hub;
use anyhow::Context;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  docaxis hold place --agency X99.A01 --from 2026-01-01 --until 2026-06-30 --reason 'Thanh tra theo Quyết định 12'
  docaxis hold lift 0190a5b0c1d27e3f8a4b5c6d7e8f9a0b --reason 'Kết luận thanh tra đã ban hành'";

/// Which packets: those for which all of it holds.
#[derive(Debug, Args)]
pub struct ScopeArguments {
    /// What this agency sent and was sent, by code or alias.
    #[arg(long, value_name = "AGENCY")]
    agency: Option<String>,
    /// Packets about the document of this identifier.
    #[arg(long, value_name = "ID")]
    document: Option<String>,
    /// Accepted on this day or later.
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<NaiveDate>,
    /// Accepted on this day or before.
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: Option<NaiveDate>,
}

impl From<ScopeArguments> for Scope {
    fn from(arguments: ScopeArguments) -> Self {
        let ScopeArguments { agency, document, from, until } = arguments;
        Self { agency, document_id: document, from, until }
    }
}

#[derive(Debug, Subcommand)]
pub enum HoldCommand {
    /// Hold contents: nobody destroys them until the hold is lifted.
    #[command(after_help = EXAMPLES)]
    Place {
        #[command(flatten)]
        scope: ScopeArguments,
        /// Why, in at least 10 characters; it stands in the evidence.
        #[arg(long)]
        reason: String,
    },
    /// Lift a hold.
    Lift {
        /// Which.
        #[arg(value_name = "HOLD")]
        id: String,
        /// Why, in at least 10 characters; it stands in the evidence.
        #[arg(long)]
        reason: String,
    },
    /// List every hold: those in force, then those that were lifted, each the newest first.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
}

impl HoldCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Place { scope, reason } => {
                writeln!(out, "{}", holds::place(hub, &By::Operator, scope.into(), &reason).await?)?;
            }
            Self::Lift { id, reason } => {
                holds::lift(hub, &By::Operator, &id, &reason).await.with_context(|| id.clone())?;
                writeln!(out, "{id} lifted")?;
            }
            Self::List { json } => {
                let mut from = Some(HoldKey::default());
                while let Some(key) = from {
                    let page = holds::list(hub, key, hub.config.lists.page_max).await?;
                    page.lines.iter().try_for_each(|line| print(line, json, out))?;
                    from = page.next;
                }
            }
        }
        Ok(Outcome::Done)
    }
}

fn print(line: &HoldLine, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    if json {
        return Ok(writeln!(out, "{}", serde_json::to_string(&purge_api::hold(line))?)?);
    }
    let (id, placed, by) = (&line.row.hold_id, time(line.row.placed_at()), &line.placed_by);
    let state = if line.row.lifted_at().is_some() { "lifted" } else { "in force" };
    let scope = serde_json::to_string(&line.scope)?;
    Ok(writeln!(out, "{id}  {state}  {placed}  {by}  {scope}\n  {}", line.row.reason)?)
}
