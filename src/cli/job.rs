//! `job list|run`: the hub's scheduled work.

use super::{Outcome, time};
use crate::exchange::act::{self, By};
use crate::hub::Hub;
use crate::jobs::{self, JOBS, Job};
use anyhow::Context;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use serde_json::json;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// List every job: when it is due, when it last ran, how long that took and how it ended.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Run a job now, unless some node is at it. Running a job once more does no harm.
    #[command(after_help = "Examples:\n  docaxis job run sweep-orphans")]
    Run {
        /// Which.
        #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(JOBS.iter().map(|job| job.name)))]
        name: String,
    },
}

impl JobCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::List { json } => {
                for (job, last) in jobs::list(hub).await? {
                    match json {
                        true => print_json(hub, job, last.as_ref(), out)?,
                        false => print(hub, job, last.as_ref(), out)?,
                    }
                }
                Ok(Outcome::Done)
            }
            Self::Run { name } => {
                let job = JOBS.iter().find(|job| job.name == name).context("no such job")?;
                act::note_order(hub, &By::Operator, "job-run", json!({ "job": job.name })).await?;
                match jobs::run_now(hub, job).await.with_context(|| name.clone())? {
                    Some(done) => writeln!(out, "{name}: {done} done")?,
                    None => {
                        writeln!(out, "{name}: a node is at it just now")?;
                        return Ok(Outcome::Refused);
                    }
                }
                Ok(Outcome::Done)
            }
        }
    }
}

type Last<'a> = Option<&'a jobs::RunRow>;

/// How long a run took, in milliseconds.
fn took(last: Last<'_>) -> Option<i64> {
    let (from, to) = last.and_then(|run| run.started_at().zip(run.finished_at()))?;
    Some(to.signed_duration_since(from).num_milliseconds())
}

fn print(hub: &Hub, job: &Job, last: Last<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "{}  {}", job.name, (job.cron)(hub))?;
    writeln!(out, "  {} / {}", job.vi, job.en)?;
    let Some((run, began)) = last.and_then(|run| Some((run, run.started_at()?))) else {
        return Ok(writeln!(out, "  never ran")?);
    };
    match took(last) {
        Some(took) => {
            writeln!(out, "  {} at {}, {took} ms, {} done {}", run.outcome, time(began), run.done, run.reason)?
        }
        None => writeln!(out, "  began at {}, not ended yet", time(began))?,
    }
    Ok(())
}

fn print_json(hub: &Hub, job: &Job, last: Last<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    let run = last.map(|run| {
        json!({
            "started_at": run.started_at().map(time), "finished_at": run.finished_at().map(time),
            "milliseconds": took(last), "outcome": run.outcome, "done": run.done, "reason": run.reason,
        })
    });
    let line = json!({ "job": job.name, "cron": (job.cron)(hub), "vi": job.vi, "en": job.en, "last_run": run });
    Ok(writeln!(out, "{line}")?)
}
