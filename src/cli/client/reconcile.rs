//! `reconcile`: a system's own list of a day against what the hub sealed of it.

use super::connection::{Connection, Fault, HubArguments, accepted};
use super::id;
use super::words::shown;
use crate::cli::Outcome;
use crate::cli::progress::Progress;
use crate::cli::statement::day;
use anyhow::Context;
use bytes::Bytes;
use chrono::NaiveDate;
use clap::Args;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;

pub const EXAMPLES: &str = "\
Examples:
  printf 'direction,counterpart,document_id,sha256\\nsent,X99.B02,12-2026,\\n' > danh-sach.csv
  docaxis reconcile --file danh-sach.csv --agency X99.A01 --day 2026-11-20
  docaxis reconcile --result 01a1ffe2773d7220bcf03a68c01fde6b > doi-soat.json
  docaxis verify doi-soat.json --trust hub.pem

Columns: direction (sent or received), counterpart (a code), document_id; if known kind, sha256, status (two digits).
Exit codes: 0 nothing differs, 1 something does, 2 it could not be done.";

/// Which way packets went.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Way {
    /// The agency sent them.
    Sent,
    /// The agency was sent them.
    Received,
}

#[derive(Debug, Args)]
pub struct ReconcileArguments {
    /// The list, CSV or JSON.
    #[arg(long, value_name = "FILE", requires_all = ["agency", "day"], required_unless_present = "result")]
    file: Option<PathBuf>,
    /// Code of the agency whose list it is.
    #[arg(long)]
    agency: Option<String>,
    /// The day in Vietnam; it must be over and closed.
    #[arg(long, value_parser = day)]
    day: Option<NaiveDate>,
    /// What the list is about; both ways without it.
    #[arg(long, value_enum)]
    direction: Option<Way>,
    /// Print the file that proves an earlier reconciliation instead.
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with = "file")]
    result: Option<String>,
    /// The answer as the hub gives it.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: HubArguments,
}

#[derive(Debug, Deserialize)]
struct Answer {
    reconciliation_id: String,
    matching: u64,
    summary: Vec<Summary>,
    differences: Vec<Value>,
}

#[derive(Debug, Deserialize)]
struct Summary {
    code: String,
    number: u64,
    meaning_vi: String,
    meaning_en: String,
    next_vi: String,
    next_en: String,
}

pub async fn run(arguments: ReconcileArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let connection = Connection::of(&arguments.hub)?;
    if let Some(id) = &arguments.result {
        let file = connection.get(&format!("/reconciliations/{id}"), &[]).await?;
        writeln!(out, "{file:#}")?;
        return Ok(Outcome::Done);
    }
    let file = arguments.file.as_deref().context("no file")?;
    let list = Bytes::from(std::fs::read(file).with_context(|| file.display().to_string())?);
    let mut query = vec![("agency", arguments.agency.clone().unwrap_or_default())];
    query.extend(arguments.day.map(|day| ("day", day.to_string())));
    query.extend(arguments.direction.map(|way| match way {
        Way::Sent => ("direction", "sent".to_owned()),
        Way::Received => ("direction", "received".to_owned()),
    }));
    let attempt = || async {
        let request = connection.request(Method::POST, "/reconciliations").query(&query).body(list.clone());
        accepted(request).await?.json().await.map_err(Fault::of)
    };
    let said: Value = connection.persist(&Progress::pieces(0, ""), attempt).await?;
    let answer = Answer::deserialize(&said).context("the hub's answer cannot be read")?;
    match arguments.json {
        true => writeln!(out, "{said}")?,
        false => print(&answer, out)?,
    }
    Ok(if answer.summary.is_empty() { Outcome::Done } else { Outcome::Refused })
}

fn print(answer: &Answer, out: &mut dyn Write) -> std::io::Result<()> {
    let Answer { reconciliation_id, matching, summary, differences } = answer;
    writeln!(out, "{}: {matching} khớp / match", shown(reconciliation_id))?;
    for Summary { code, number, meaning_vi, meaning_en, next_vi, next_en } in summary {
        let lines = [meaning_vi, meaning_en].map(|text| shown(text)).join("\n  ");
        writeln!(out, "{} {number}\n  {lines}", shown(code))?;
        writeln!(out, "  → {}\n  → {}", shown(next_vi), shown(next_en))?;
        for one in differences.iter().filter(|one| one.get("code").and_then(Value::as_str) == Some(code)) {
            let text = |name: &str| shown(one.get(name).and_then(Value::as_str).unwrap_or("-"));
            let place = ["direction", "counterpart", "document_id", "kind", "delivery_id", "hub", "list"].map(text);
            writeln!(out, "    {}", place.join("  "))?;
        }
    }
    Ok(())
}
