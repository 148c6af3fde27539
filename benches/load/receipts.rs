//! What signed receipts cost: one sender that posts a packet and fetches the signed receipt of its acceptance, one after the
//! other over one connection; and accepting while another client fetches the signed receipt of each packet, in turn with
//! accepting alone. Not here: capsules and archives (`evidence`).

use crate::http::{Answer, Connection};
use crate::hub_under_test::{Database, Deployment, Product, Running};
use crate::machine;
use crate::measure::percentile_ms;
use crate::packet::{Packet, SMALL};
use crate::sender::{Load, Outcome, Sender, Senders, Target};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

/// Connections of the client that fetches what others are accepted.
const FETCHERS: usize = 4;
/// How many senders it is beside.
const SENDERS: usize = 16;

/// Measures both.
pub async fn run(product: &Product, scratch: &Path, (rounds, seconds): (usize, f64)) -> Result<Value> {
    let deployment = Deployment::prepare(product, Database::Sqlite, scratch)?;
    let hub = deployment.start().await?;
    let duration = Duration::from_secs_f64(seconds);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        machine::settle(&[hub.pid()]).await;
        alone.push(one_sender(&hub.target, duration).await?);
        beside.push(in_turn(round, &hub, duration).await?);
    }
    hub.stop().await?;
    Ok(json!({ "one_sender": alone, "sixteen_senders": beside }))
}

fn load(senders: usize) -> Result<Load> {
    Ok(Load::of(Packet::build(SMALL)?, senders))
}

/// Where the signed receipt of an accepted packet is.
fn place(answer: &[u8]) -> Result<String> {
    let answer: Value = serde_json::from_slice(answer)?;
    Ok(answer.get("signed_receipt").and_then(Value::as_str).context("no signed receipt is named")?.to_owned())
}

fn is_receipt(answer: &Answer) -> Result<()> {
    let is_signed =
        answer.body.starts_with(b"<Receipt") && answer.body.windows(16).any(|part| part == b"<SignatureValue>");
    ensure!(answer.status == 200 && is_signed, "HTTP {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    Ok(())
}

/// A packet in, its signed receipt out, and the next.
async fn one_sender(target: &Target, duration: Duration) -> Result<Value> {
    let mut sender = Sender::connect(target, &load(1)?).await?;
    let (start, mut latencies) = (Instant::now(), Vec::new());
    while start.elapsed() < duration {
        let sent = Instant::now();
        let accepted = sender.post(0).await?;
        ensure!(accepted.status == 201, "HTTP {}", accepted.status);
        is_receipt(&sender.get(&place(&accepted.body)?).await?)?;
        latencies.push(u64::try_from(sent.elapsed().as_nanos())?);
    }
    latencies.sort_unstable();
    let seconds = start.elapsed().as_secs_f64();
    let outcome = Outcome { seconds, latencies, errors: 0, first_error: None };
    Ok(json!({ "packets": outcome.latencies.len(), "per_second": outcome.latencies.len() as f64 / seconds,
        "p50_ms": percentile_ms(&outcome, 0.5), "p99_ms": percentile_ms(&outcome, 0.99) }))
}

/// Accepting alone, and while all receipts are fetched; which is first changes from round to round.
async fn in_turn(round: usize, hub: &Running, duration: Duration) -> Result<Value> {
    let plain = async || {
        machine::settle(&[hub.pid()]).await;
        Senders::connect(&hub.target, &load(SENDERS)?).await?.run(duration).await
    };
    let (plain, (fetching, receipts)) = if round.is_multiple_of(2) {
        let plain = plain().await?;
        (plain, fetching(hub, duration).await?)
    } else {
        let fetching = fetching(hub, duration).await?;
        (plain().await?, fetching)
    };
    let rate = |outcome: &Outcome| outcome.latencies.len() as f64 / outcome.seconds;
    Ok(json!({ "alone_per_second": rate(&plain), "alone_p99_ms": percentile_ms(&plain, 0.99),
        "per_second": rate(&fetching), "p99_ms": percentile_ms(&fetching, 0.99), "receipts": receipts,
        "of_alone": rate(&fetching) / rate(&plain), "errors": plain.errors + fetching.errors }))
}

/// Accepting while another client fetches the signed receipt of each packet.
async fn fetching(hub: &Running, duration: Duration) -> Result<(Outcome, Value)> {
    machine::settle(&[hub.pid()]).await;
    let (told, answers) = unbounded_channel();
    let senders = Senders::connect(&hub.target, &load(SENDERS)?).await?.telling(&told);
    drop(told);
    let (start, answers) = (Instant::now(), Arc::new(Mutex::new(answers)));
    let mut fetchers = JoinSet::new();
    for _ in 0..FETCHERS {
        fetchers.spawn(fetch(hub.target.clone(), answers.clone(), start));
    }
    let outcome = senders.run(duration).await?;
    let mut fetched = Vec::new();
    while let Some(one) = fetchers.join_next().await {
        fetched.extend(one??);
    }
    let within = fetched.iter().filter(|at| at.as_secs_f64() <= outcome.seconds).count();
    let last = fetched.iter().max().copied().unwrap_or_default();
    let receipts = json!({ "fetched": fetched.len(), "per_second_meanwhile": within as f64 / outcome.seconds,
        "last_after_seconds": last.as_secs_f64() - outcome.seconds });
    Ok((outcome, receipts))
}

/// Fetches what it is told of until nothing more comes; when it had each.
async fn fetch(
    target: Target,
    answers: Arc<Mutex<UnboundedReceiver<Vec<u8>>>>,
    start: Instant,
) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(target.address).await?;
    let mut fetched = Vec::new();
    loop {
        let Some(answer) = answers.lock().await.recv().await else { return Ok(fetched) };
        is_receipt(&connection.get(target.address, &place(&answer)?, &target.token).await?)?;
        fetched.push(start.elapsed());
    }
}
