//! `selftest`: a vendor's way through the self-test, over the native API like any client; and the certificate's
//! verification, which asks nobody. Not here: the cases and their judgement, which are the hub's.

use super::connection::{Connection, Fault, HubArguments, accepted};
use super::id;
use super::problem::Words;
use super::words::{moment, shown};
use crate::cli::Outcome;
use crate::cli::progress::Progress;
use crate::domain::dates::timestamp;
use crate::exchange::selftest::certificate;
use crate::hub::Clock;
use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

const RUN_EXAMPLES: &str = "\
Examples:
  docaxis selftest run --agency X99.B02 --watch
  docaxis selftest run --agency X99.B02 --case 06 --case 24 --json | jq -r .run_id

Exit codes: 0 no case has failed, or the run is certified; 1 a case has failed, or the hub refused; 2 the hub could not
be asked.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  docaxis selftest verify c.json --key 'KEY FROM THE OPERATOR'
  docaxis selftest verify c.json --key 'KEY FROM THE OPERATOR' --at 2026-12-31 --json

Exit codes: 0 the certificate holds; 1 it does not: another signature, altered, expired, not valid yet, or no
certificate at all; 2 the file cannot be read.";

#[derive(Debug, Subcommand)]
pub enum SelftestCommand {
    /// Begin a run for an agency of this system.
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArguments),
    /// Show how each case of a run stands.
    #[command(after_help = "Examples:\n  docaxis selftest status 01a1ffe2773d7220bcf03a68c01fde6b --watch")]
    Status(StatusArguments),
    /// End a run: what still waits has failed.
    #[command(after_help = "Examples:\n  docaxis selftest finish 01a1ffe2773d7220bcf03a68c01fde6b")]
    Finish(StatusArguments),
    /// Save the result sheet, an HTML page in Vietnamese with English under it.
    #[command(after_help = "Examples:\n  docaxis selftest sheet 01a1ffe2773d7220bcf03a68c01fde6b phieu.html")]
    Sheet(CopyArguments),
    /// Save the certificate of a passed run.
    #[command(after_help = "Examples:\n  docaxis selftest certificate 01a1ffe2773d7220bcf03a68c01fde6b c.json")]
    Certificate(CopyArguments),
    /// Print the public key under which this hub's certificates hold.
    #[command(after_help = "Examples:\n  docaxis selftest key")]
    Key(HubArguments),
    /// Verify a certificate, without any hub.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArguments),
}

#[derive(Debug, Args)]
pub struct RunArguments {
    /// Code or alias of the agency.
    #[arg(long, value_name = "CODE")]
    agency: String,
    /// Only this case, by its two digits; may be given several times. Some cases alone earn no certificate.
    #[arg(long = "case", value_name = "CODE")]
    cases: Vec<String>,
    #[command(flatten)]
    telling: Telling,
    #[command(flatten)]
    hub: HubArguments,
}

#[derive(Debug, Args)]
pub struct StatusArguments {
    /// The run.
    #[arg(value_name = "RUN", value_parser = id)]
    run: String,
    #[command(flatten)]
    telling: Telling,
    #[command(flatten)]
    hub: HubArguments,
}

/// How a run is told.
#[derive(Debug, Args)]
struct Telling {
    /// Stay, print each case whose verdict changes, and end with the run.
    #[arg(long)]
    watch: bool,
    /// How often to look while watching; the hub does its part at each look.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, requires = "watch",
          value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// The run as one JSON object, as the hub gives it; with --watch one line at each change.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct CopyArguments {
    /// The run.
    #[arg(value_name = "RUN", value_parser = id)]
    run: String,
    /// The file. Without one, to standard output.
    file: Option<PathBuf>,
    #[command(flatten)]
    hub: HubArguments,
}

#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// The certificate.
    file: PathBuf,
    /// The hub's public key in base64. It comes from the hub's operator, never from the file or whoever brings it.
    #[arg(long, value_name = "BASE64")]
    key: String,
    /// Whether it held at another time than now: ISO 8601, or a day, which is its beginning.
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<DateTime<Utc>>,
    /// What is certified as one JSON object; nothing when it does not hold.
    #[arg(long)]
    json: bool,
}

fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    timestamp(text).ok_or("this is no time; one looks like 2026-11-21T08:00:00+07:00, or 2026-11-21")
}

impl SelftestCommand {
    pub async fn run(self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Run(RunArguments { agency, cases, telling, hub }) => {
                let connection = Connection::of(&hub)?;
                let begun = connection.post("/selftest", &json!({ "agency": agency, "cases": cases })).await?;
                tell(&connection, begun, &telling, out).await
            }
            Self::Status(StatusArguments { run, telling, hub }) => {
                let connection = Connection::of(&hub)?;
                let run = connection.get(&format!("/selftest/{run}"), &[]).await?;
                tell(&connection, run, &telling, out).await
            }
            Self::Finish(StatusArguments { run, telling, hub }) => {
                let connection = Connection::of(&hub)?;
                let ended = connection.post(&format!("/selftest/{run}/finish"), &json!({})).await?;
                tell(&connection, ended, &telling, out).await
            }
            Self::Sheet(arguments) => save(&arguments, "sheet", out).await,
            Self::Certificate(arguments) => save(&arguments, "certificate", out).await,
            Self::Key(hub) => {
                let answer = Connection::of(&hub)?.get("/selftest/key", &[]).await?;
                writeln!(out, "{}", word(&answer, "/public_key"))?;
                Ok(Outcome::Done)
            }
            Self::Verify(arguments) => verify(&arguments, out),
        }
    }
}

/// A run, as far as people are told of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Run {
    run_id: String,
    state: String,
    agency: String,
    partner: String,
    ends_at: String,
    passed: u64,
    failed: u64,
    waiting: u64,
    certified: bool,
    cases: Vec<Case>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Case {
    code: String,
    verdict: String,
    mark: String,
    title: Words,
    task: Words,
    reason: Option<Words>,
    remedy: Option<Words>,
}

/// Tells how a run stands, and what changes in it until it ends when that is wanted.
async fn tell(
    connection: &Connection,
    first: Value,
    telling: &Telling,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    let mut run = read(&first)?;
    let watched = if telling.watch { run.passed + run.failed + run.waiting } else { 0 };
    let progress = Progress::pieces(watched, "ca đã xong / cases done");
    if !telling.json {
        print_head(&run, out)?;
    }
    print_changes(&first, (&Run::default(), &run), telling.json, out)?;
    while telling.watch && run.state == "running" {
        progress.set(run.passed + run.failed);
        tokio::time::sleep(Duration::from_secs(telling.every)).await;
        let id = id(&run.run_id).map_err(Fault::Garbled)?;
        let answer = connection.get(&format!("/selftest/{id}"), &[]).await?;
        let now = read(&answer)?;
        progress.print(|| print_changes(&answer, (&run, &now), telling.json, out))?;
        run = now;
    }
    drop(progress);
    let Run { passed, failed, waiting, certified, .. } = run;
    if !telling.json {
        let certified = if certified { "; đã cấp giấy chứng nhận / certified" } else { "" };
        writeln!(out, "{passed} đạt / passed, {failed} không đạt / failed, {waiting} chờ / waiting{certified}")?;
    }
    Ok(if failed == 0 || certified { Outcome::Done } else { Outcome::Refused })
}

/// A run in an answer. One without a state is no run: nothing may be told of it as passed.
fn read(answer: &Value) -> Result<Run, Fault> {
    let run = Run::deserialize(answer).map_err(|why| Fault::Garbled(why.to_string()))?;
    match run.state.is_empty() {
        true => Err(Fault::Garbled("no run of the self-test".to_owned())),
        false => Ok(run),
    }
}

fn print_head(run: &Run, out: &mut dyn Write) -> std::io::Result<()> {
    let (id, agency, partner) = (shown(&run.run_id), shown(&run.agency), shown(&run.partner));
    writeln!(out, "Lượt / Run {id}: {agency} ⇄ {partner}, đến / until {}", moment(&run.ends_at))
}

/// Prints the cases whose verdict is another than before, or the answer when anything is.
fn print_changes(answer: &Value, (before, now): (&Run, &Run), json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    let was = |case: &Case| before.cases.iter().any(|old| old.code == case.code && old.verdict == case.verdict);
    let mut changed = now.cases.iter().filter(|case| !was(case)).peekable();
    match json {
        true if changed.peek().is_some() || before.state != now.state => writeln!(out, "{answer}")?,
        true => {}
        false => changed.try_for_each(|case| print_case(case, out))?,
    }
    out.flush()
}

fn print_case(case: &Case, out: &mut dyn Write) -> std::io::Result<()> {
    let (verdict, advice) = match case.verdict.as_str() {
        "passed" => ("✓ đạt / passed", None),
        "failed" => ("✗ không đạt / failed", case.reason.as_ref()),
        _ => ("… chờ / waiting", Some(&case.task)),
    };
    writeln!(out, "{} {verdict}  {}  {}", shown(&case.code), case.title.line(), shown(&case.mark))?;
    let advice = advice.into_iter().chain(&case.remedy);
    advice.flat_map(Words::lines).try_for_each(|line| writeln!(out, "     {line}"))
}

/// What the hub answers, as it is.
async fn save(arguments: &CopyArguments, what: &str, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let connection = Connection::of(&arguments.hub)?;
    let path = format!("/selftest/{}/{what}", arguments.run);
    let attempt = || async {
        let response = accepted(connection.request(Method::GET, &path)).await?;
        response.bytes().await.map_err(Fault::of)
    };
    let bytes = connection.persist(&Progress::pieces(0, ""), attempt).await?;
    match &arguments.file {
        Some(file) => {
            std::fs::write(file, &bytes).with_context(|| file.display().to_string())?;
            writeln!(out, "{}", file.display())?;
        }
        None => out.write_all(&bytes)?,
    }
    Ok(Outcome::Done)
}

fn word(value: &Value, pointer: &str) -> String {
    shown(value.pointer(pointer).and_then(Value::as_str).unwrap_or_default())
}

fn verify(arguments: &VerifyArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let name = arguments.file.display();
    let file = std::fs::read(&arguments.file).with_context(|| name.to_string())?;
    let at = arguments.at.unwrap_or_else(|| Clock::System.now());
    match certificate::verify(&String::from_utf8_lossy(&file), &arguments.key, at) {
        Ok(body) if arguments.json => writeln!(out, "{body}")?,
        Ok(body) => {
            let time = |pointer| moment(&word(&body, pointer));
            writeln!(out, "{name}: có hiệu lực / it holds")?;
            writeln!(out, "  đơn vị / agency {} {}", word(&body, "/agency/code"), word(&body, "/agency/name"))?;
            writeln!(out, "  hệ thống / system {} {}", word(&body, "/system/id"), word(&body, "/system/name"))?;
            writeln!(out, "  trục / hub {}, bộ ca / case set {}", word(&body, "/hub"), word(&body, "/case_set"))?;
            writeln!(out, "  {} – {}", time("/issued_at"), time("/expires_at"))?;
        }
        Err(why) => {
            if !arguments.json {
                writeln!(out, "{name}: {why}")?;
            }
            return Ok(Outcome::Refused);
        }
    }
    Ok(Outcome::Done)
}
