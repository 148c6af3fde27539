//! What proof costs: how late evidence is sealed while packets arrive, ten thousand capsules signed, fetched and verified, an
//! archive beside `tar` of the same bytes. Not here: single receipts (`receipts`), what accepting costs with all of it on
//! (`measure`).

use crate::exchange::{self, Arrivals};
use crate::http;
use crate::hub_under_test::{Database, Deployment, Product, Running};
use crate::machine::{self, output};
use crate::receipts;
use anyhow::{Context, Result, ensure};
use clap::Args;
use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct EvidenceOptions {
    /// Measures sealing, capsules and archives in place of the cells (SQLite)
    #[arg(long)]
    evidence: bool,
    /// Measures signed receipts alone in place of the cells (SQLite)
    #[arg(long, conflicts_with = "evidence")]
    receipts: bool,
    /// Packets that arrive in a second while sealing is watched: five times the national peak hour
    #[arg(long, default_value_t = 955.0)]
    pub peak: f64,
    /// For how many seconds
    #[arg(long, default_value_t = 30)]
    peak_seconds: u64,
    /// Capsules that are fetched and verified
    #[arg(long, default_value_t = 10_000)]
    capsules: u64,
}

impl EvidenceOptions {
    /// Whether this is what is to be measured.
    pub fn wanted(&self) -> bool {
        self.evidence || self.receipts
    }
}

/// Agencies that receive.
const AGENCIES: u64 = 95;

/// Measures all parts, prints them as JSON.
pub async fn run(
    options: &EvidenceOptions,
    product: &Product,
    scratch: &Path,
    (rounds, seconds): (usize, f64),
) -> Result<()> {
    let receipts = receipts::run(product, scratch, (rounds, seconds)).await?;
    eprintln!("{receipts}");
    if options.receipts {
        let report = json!({ "receipts": receipts, "load_average": machine::load_average() });
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    let deployment = Deployment::prepare(product, Database::Sqlite, scratch)?;
    let systems = exchange::systems(&deployment, AGENCIES)?;
    let hub = deployment.start().await?;
    machine::settle(&[hub.pid()]).await;
    // What was set up is sealed by now.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = rounds_within(&hub).await?;
    let arrivals = Arrivals::begin(&hub, systems.first().context("no sender")?, options.peak, AGENCIES)?;
    tokio::time::sleep(Duration::from_secs(options.peak_seconds)).await;
    let arrived = arrivals.end().await?;
    machine::settle(&[hub.pid()]).await;
    let sealing = sealing(&before, rounds_within(&hub).await?)?;
    eprintln!("{arrived} {sealing}");
    let capsules = capsules(options.capsules, &deployment, &hub, scratch).await?;
    eprintln!("{capsules}");
    hub.stop().await?;
    let mut archives = Vec::new();
    let trust = scratch.join("hub.pem");
    fs::write(&trust, deployment.ask(&["receipt", "certificates"])?)?;
    for round in 0..rounds {
        // Only capsules that were fetched have their receipts before the first export.
        let are_signed = round > 0;
        let archive = archive(&deployment, (scratch, &trust), are_signed).await?;
        eprintln!("{archive}");
        archives.push(archive);
    }
    let report = json!({ "receipts": receipts, "arrived": arrived, "sealing": sealing, "capsules": capsules, "archives": archives,
        "load_average": machine::load_average() });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Rounds of sealing by the longest time, in seconds, that the oldest evidence in them is known to have waited.
async fn rounds_within(hub: &Running) -> Result<Vec<(String, f64)>> {
    let answer = http::get(hub.target.address, "/metrics", &hub.target.token).await?;
    ensure!(answer.status == 200, "/metrics: HTTP {}", answer.status);
    let text = String::from_utf8(answer.body)?;
    let buckets = text.lines().filter_map(|line| line.strip_prefix("docaxis_ledger_seal_age_seconds_bucket{le=\""));
    let rounds = buckets.filter_map(|line| line.split_once("\"} "));
    Ok(rounds.filter_map(|(limit, count)| Some((limit.to_owned(), count.parse().ok()?))).collect())
}

/// The rounds between two looks.
fn sealing(before: &[(String, f64)], mut rounds: Vec<(String, f64)>) -> Result<Value> {
    for ((_, count), (_, earlier)) in rounds.iter_mut().zip(before) {
        *count -= earlier;
    }
    let all = rounds.last().map_or(0.0, |(_, count)| *count);
    ensure!(all > 0.0, "nothing was sealed");
    let p99 = rounds.iter().find(|(_, count)| *count >= all * 0.99).map(|(limit, _)| limit.clone());
    Ok(json!({ "rounds": all, "p99_within_seconds": p99, "rounds_within": rounds }))
}

#[derive(QueryableByName)]
struct Delivery {
    #[diesel(sql_type = Text)]
    delivery_id: String,
}

/// Capsules: made (their receipts are signed then) and fetched one after the other, then all verified by one command.
async fn capsules(number: u64, deployment: &Deployment, hub: &Running, scratch: &Path) -> Result<Value> {
    let folder = tempfile::Builder::new().prefix("capsules-").tempdir_in(scratch)?;
    let deliveries: Vec<Delivery> = {
        let mut database = SqliteConnection::establish(&deployment.link()?)?;
        diesel::sql_query(format!("SELECT delivery_id FROM deliveries LIMIT {number}")).load(&mut database)?
    };
    let start = Instant::now();
    let mut bytes = 0;
    for Delivery { delivery_id } in &deliveries {
        let place = format!("/api/v1/deliveries/{delivery_id}/capsule");
        let answer = http::get(hub.target.address, &place, &hub.target.token).await?;
        ensure!(answer.status == 200, "{place}: HTTP {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        bytes += answer.body.len();
        fs::write(folder.path().join(format!("{delivery_id}.json")), answer.body)?;
    }
    let fetched_in = start.elapsed().as_secs_f64();
    let trust = folder.path().join("hub.pem");
    fs::write(&trust, deployment.ask(&["receipt", "certificates"])?)?;
    let mut verify = deployment.command(&["verify", "--trust"])?;
    verify.arg(&trust);
    for Delivery { delivery_id } in &deliveries {
        verify.arg(folder.path().join(format!("{delivery_id}.json")));
    }
    let (seconds, peak_mb) = timed(verify).await?;
    Ok(json!({ "capsules": deliveries.len(), "bytes": bytes, "signed_and_fetched_in_seconds": fetched_in,
        "verified_in_seconds": seconds, "verifier_peak_mb": peak_mb }))
}

/// An archive of everything with its packets as the hub keeps it, and `tar` of what is in it; both end when it is on the disk.
async fn archive(deployment: &Deployment, (scratch, trust): (&Path, &Path), are_signed: bool) -> Result<Value> {
    let today = (chrono::Utc::now() + chrono::TimeDelta::hours(7)).date_naive();
    let (from, until) = ((today - chrono::TimeDelta::days(1)).to_string(), today.to_string());
    let export = deployment.command(&["archive", "export", "--from", &from, "--until", &until, "--packets"])?;
    output(&mut Command::new("sync"))?;
    let (seconds, peak_mb) = timed(export).await?;
    let made: Value = serde_json::from_str(&deployment.ask(&["archive", "list", "--limit", "1", "--json"])?)?;
    let file = deployment.archive(made.get("archive_id").and_then(Value::as_str).context("an archive without a name")?);
    let mut verify = deployment.command(&["verify", "--trust"])?;
    verify.arg(trust).arg(&file);
    let (verify_seconds, _) = timed(verify).await?;
    let folder = tempfile::Builder::new().prefix("archive-").tempdir_in(scratch)?;
    let contents = folder.path().join("contents");
    output(Command::new("unzip").arg("-q").arg(&file).arg("-d").arg(&contents))?;
    let receipts = count(&contents.join("receipts"))?;
    output(&mut Command::new("sync"))?;
    let tar = folder.path().join("contents.tar");
    let mut pack = Command::new("sh");
    pack.arg("-c").arg("tar cf \"$1\" -C \"$2\" . && sync \"$1\"").arg("sh").arg(&tar).arg(&contents);
    let (tar_seconds, _) = timed(pack).await?;
    let (bytes, tar_bytes) = (fs::metadata(&file)?.len(), fs::metadata(&tar)?.len());
    Ok(json!({ "receipts_are_there": are_signed, "bytes": bytes, "receipts": receipts, "seconds": seconds,
        "peak_mb": peak_mb, "receipts_in_ten_minutes": receipts as f64 / seconds * 600.0, "tar_bytes": tar_bytes,
        "tar_seconds": tar_seconds, "of_tar": tar_seconds / seconds, "verified_in_seconds": verify_seconds }))
}

fn count(folder: &Path) -> Result<usize> {
    let files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    Ok(files.len())
}

/// Runs a program to its end: seconds, and the most memory that it was seen to have, in MB.
async fn timed(mut command: Command) -> Result<(f64, f64)> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().with_context(|| machine::describe(&command))?;
    let mut peak_mb = 0.0_f64;
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        peak_mb = machine::memory_mb(child.id(), "VmHWM").unwrap_or(0.0).max(peak_mb);
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    ensure!(ended.success(), "{} ended with {ended}", machine::describe(&command));
    Ok((start.elapsed().as_secs_f64(), peak_mb))
}
