//! The whole exchange by pick-up through the operations of the vendor's SDK: packets arrive by the clock, whether the hub
//! keeps up or not, while every agency polls, fetches and confirms; what an idle agency's poll costs; and what a register
//! with a long history changes. Not here: the closed-loop cells, which are `measure`'s.

use crate::http::{Answer, Connection};
use crate::hub_under_test::{Database, Deployment, Product, Running};
use crate::machine::{self, Cpu};
use crate::packet::{MEDIUM, Packet, RECIPIENT, SENDER, SMALL, fresh_id};
use crate::sender::Load;
use crate::{measure, register};
use anyhow::{Context, Result, ensure};
use aws_lc_rs::{digest, hmac};
use clap::Args;
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

#[derive(Args)]
pub struct ExchangeOptions {
    /// Measures the exchange by pick-up in place of the cells
    #[arg(long)]
    exchange: bool,
    /// Agencies that poll, at most 95
    #[arg(long, default_value_t = 95)]
    agencies: u64,
    /// Packets that arrive in a second, nine of 2 KB to one of 370 KB
    #[arg(long, default_value_t = 273.0)]
    pub rate: f64,
    /// How long they arrive
    #[arg(long, default_value_t = 60.0)]
    minute: f64,
    /// Deliveries in a register with a history
    #[arg(long, default_value_t = 10_000_000)]
    pub deliveries: u64,
}

impl ExchangeOptions {
    /// Whether this is what is to be measured.
    pub fn wanted(&self) -> bool {
        self.exchange
    }
}

/// An answer later than this after its packet's time is late.
const LATE: Duration = Duration::from_secs(1);

/// How long an agency rests after it found its mailbox empty.
const REST: Duration = Duration::from_secs(1);

/// Connections that packets arrive over.
const SENDERS: usize = 32;

/// What a real agency waits between two polls, and how many agencies there are.
const POLL_EVERY_SECONDS: f64 = 300.0;
const IDLE_AGENCIES: usize = 1000;

/// Code of the n-th agency that receives.
pub fn recipient(number: u64) -> String {
    format!("X99.B{:02}", number + 2)
}

/// Measures all parts, prints them as JSON.
pub async fn run(
    options: &ExchangeOptions,
    (product, database): (&Product, Database),
    scratch: &Path,
    rounds: usize,
) -> Result<()> {
    ensure!((1..=95).contains(&options.agencies), "there are 1 to 95 agencies");
    let before = json!({ "load_average": machine::load_average(), "busy": machine::busy().await,
        "synced_appends_per_second": machine::synced_appends_per_second(scratch)? });
    let empty = Deployment::prepare(product, database, scratch)?;
    let systems = systems(&empty, options.agencies)?;
    let hub = empty.start().await?;
    let idle = idle(&hub, &systems).await?;
    let arrived = arrive(options, &hub, &systems).await?;
    hub.stop().await?;
    let grown = grown(options.deliveries, (product, database), scratch, rounds).await?;
    let report = json!({ "database": database, "before": before, "idle": idle, "pick_up": arrived, "register": grown });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// A system of the SDK.
#[derive(Clone)]
pub struct System {
    id: String,
    secret: String,
}

/// The sender's system, then one for each receiving agency.
pub fn systems(deployment: &Deployment, agencies: u64) -> Result<Vec<System>> {
    let codes: Vec<String> = (0..agencies).map(recipient).collect();
    let mut systems = Vec::new();
    for (code, id) in std::iter::once((SENDER.to_owned(), "bench.sender".to_owned()))
        .chain(codes.into_iter().map(|code| (code.clone(), format!("bench.{code}"))))
    {
        if id != "bench.sender" {
            if code != RECIPIENT {
                deployment.ask(&["agency", "add", "--code", &code, "--name", &code])?;
            }
            deployment.ask(&["system", "add", "--id", &id, "--name", "bench", "--agency", &code])?;
        }
        let key: Value = serde_json::from_str(&deployment.ask(&["system", "key", "add", "--id", &id, "--json"])?)?;
        let secret = key.get("secret").and_then(Value::as_str).context("a key without a secret")?.to_owned();
        systems.push(System { id, secret });
    }
    Ok(systems)
}

/// One request of the SDK, signed.
fn request(address: SocketAddr, system: &System, operation: &str, own: &[(&str, &str)], length: usize) -> Vec<u8> {
    let content = if operation == "sendEdoc" { "application/octet-stream" } else { "application/json" };
    let fixed = [("systemid", system.id.as_str()), ("timestamp", "21112026T090000+0181"), ("Content-Type", content)];
    let signed: Map<String, Value> =
        own.iter().chain(&fixed).map(|(name, value)| (format!("XroadVnpt-{name}"), (*value).into())).collect();
    let mut head = format!("POST /{operation} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {content}\r\n");
    for (name, value) in &signed {
        head.push_str(&format!("{name}: {}\r\n", value.as_str().unwrap_or_default()));
    }
    let text = Value::Object(signed).to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, system.secret.as_bytes());
    let signature = hex::encode(hmac::sign(&key, text.as_bytes()));
    head.push_str(&format!(
        "XroadVnpt-hash-header: {signature}\r\nXroadVnpt-sign-header: {text}\r\nContent-Length: {length}\r\n\r\n"
    ));
    head.into_bytes()
}

async fn ask(connection: &mut Connection, request: &[u8], body: &[u8]) -> Result<Value> {
    connection.write(request).await?;
    connection.write(body).await?;
    let Answer { status, body, .. } = connection.answer().await?;
    let answer: Value = serde_json::from_slice(&body).with_context(|| format!("HTTP {status}"))?;
    ensure!(answer.get("status").is_some_and(|word| word == "OK"), "HTTP {status} {answer}");
    Ok(answer)
}

fn poll(address: SocketAddr, system: &System) -> Vec<u8> {
    request(address, system, "getReceivedEdocList", &[("servicetype", "eDoc"), ("messagetype", "edoc")], 0)
}

/// What the polls of idle agencies cost: as many as a thousand agencies send in five minutes, in a sixtieth of the time,
/// each over a connection of its own, since an idle one is closed long before the next poll.
async fn idle(hub: &Running, systems: &[System]) -> Result<Value> {
    let pids = [hub.pid()];
    machine::settle(&pids).await;
    let (before, start) = (Cpu::of(&pids), Instant::now());
    let window = Duration::from_secs_f64(POLL_EVERY_SECONDS / 60.0);
    for (turn, system) in systems.iter().skip(1).cycle().take(IDLE_AGENCIES).enumerate() {
        tokio::time::sleep_until((start + window.mul_f64(turn as f64 / IDLE_AGENCIES as f64)).into()).await;
        let mut connection = Connection::open(hub.target.address).await?;
        ask(&mut connection, &poll(hub.target.address, system), b"").await?;
    }
    let took = start.elapsed();
    machine::settle(&pids).await;
    let cpu_ms = Cpu::of(&pids).ms_since(&before);
    let percent = cpu_ms / (POLL_EVERY_SECONDS * 1e3) * 100.0;
    Ok(json!({ "polls": IDLE_AGENCIES, "in_seconds": took.as_secs_f64(), "cpu_ms": cpu_ms,
        "cpu_ms_a_poll": cpu_ms / IDLE_AGENCIES as f64, "percent_of_a_core_at_one_poll_in_five_minutes": percent }))
}

/// What the receiving side did.
#[derive(Default)]
struct Taken {
    polls: AtomicU64,
    packets: AtomicU64,
    faults: AtomicU64,
}

/// Packets arrive by the clock while every agency takes what comes.
async fn arrive(options: &ExchangeOptions, hub: &Running, systems: &[System]) -> Result<Value> {
    let (pids, address) = ([hub.pid()], hub.target.address);
    let (taken, over) = (Arc::new(Taken::default()), Arc::new(AtomicBool::new(false)));
    let mut agencies = JoinSet::new();
    for system in systems.iter().skip(1).cloned() {
        agencies.spawn(agency(address, system, taken.clone(), over.clone()));
    }
    let packets = [Packet::build(SMALL)?, Packet::build(MEDIUM)?].map(Arc::new);
    let due =
        Due { next: Arc::new(AtomicU64::new(0)), all: (options.rate * options.minute) as u64, rate: options.rate };
    let sender = systems.first().context("no sender")?;
    let (before, start) = (Cpu::of(&pids), Instant::now());
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        senders.spawn(send(address, sender.clone(), packets.clone(), due.clone(), (start, options.agencies)));
    }
    let mut took = Vec::new();
    while let Some(one) = senders.join_next().await {
        took.extend(one??);
    }
    over.store(true, Ordering::Relaxed);
    while let Some(one) = agencies.join_next().await {
        one?;
    }
    let seconds = start.elapsed().as_secs_f64();
    took.sort_unstable();
    let part = |part: f64| {
        let rank = ((took.len() as f64 * part).ceil() as usize).saturating_sub(1);
        took.get(rank).map_or(0.0, |took: &Duration| took.as_secs_f64() * 1e3)
    };
    let cpu = Cpu::of(&pids).ms_since(&before) / (seconds * 10.0);
    Ok(json!({ "sent": took.len(), "of": due.all, "accept_p50_ms": part(0.5), "accept_p99_ms": part(0.99),
        "accept_max_ms": part(1.0), "late": took.iter().filter(|took| **took > LATE).count(),
        "taken": taken.packets.load(Ordering::Relaxed), "polls": taken.polls.load(Ordering::Relaxed),
        "faults": taken.faults.load(Ordering::Relaxed), "seconds": seconds, "hub_percent_of_a_core": cpu }))
}

/// Packets that arrive by the clock until they are ended, with nobody who takes them.
pub struct Arrivals {
    senders: JoinSet<Result<Vec<Duration>>>,
    due: Due,
    start: Instant,
}

impl Arrivals {
    /// Begins.
    pub fn begin(hub: &Running, sender: &System, rate: f64, agencies: u64) -> Result<Arrivals> {
        let packets = [Packet::build(SMALL)?, Packet::build(MEDIUM)?].map(Arc::new);
        let due = Due { next: Arc::new(AtomicU64::new(0)), all: u64::MAX, rate };
        let (mut senders, start) = (JoinSet::new(), Instant::now());
        for _ in 0..SENDERS {
            senders.spawn(send(hub.target.address, sender.clone(), packets.clone(), due.clone(), (start, agencies)));
        }
        Ok(Arrivals { senders, due, start })
    }

    /// Ends them; how many there were.
    pub async fn end(mut self) -> Result<Value> {
        if let Some(ended) = self.senders.try_join_next() {
            ended??;
        }
        let (packets, seconds) = (self.due.next.load(Ordering::Relaxed), self.start.elapsed().as_secs_f64());
        self.senders.shutdown().await;
        Ok(json!({ "packets": packets, "seconds": seconds, "per_second": packets as f64 / seconds }))
    }
}

/// The clock of arrivals, shared by all senders.
#[derive(Clone)]
struct Due {
    next: Arc<AtomicU64>,
    all: u64,
    rate: f64,
}

/// Takes the next packet that is due and posts it; how long after its time each was accepted.
async fn send(
    address: SocketAddr,
    system: System,
    packets: [Arc<Packet>; 2],
    due: Due,
    (start, agencies): (Instant, u64),
) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(address).await?;
    let mut took = Vec::new();
    loop {
        let turn = due.next.fetch_add(1, Ordering::Relaxed);
        if turn >= due.all {
            return Ok(took);
        }
        let [small, medium] = &packets;
        let body = addressed(if turn % 10 == 9 { medium } else { small }, &recipient(turn % agencies));
        let hash: String =
            digest::digest(&digest::SHA256, &body).as_ref().iter().map(|byte| format!("{byte:x}")).collect();
        let own = [("from", SENDER), ("servicetype", "eDoc"), ("messagetype", "edoc"), ("hash-file", hash.as_str())];
        let request = request(address, &system, "sendEdoc", &own, body.len() + 2);
        let body = [body.as_slice(), b"\r\n"].concat();
        let at = start + Duration::from_secs_f64(turn as f64 / due.rate);
        tokio::time::sleep_until(at.into()).await;
        ask(&mut connection, &request, &body).await?;
        took.push(at.elapsed());
    }
}

/// The packet with an identifier of its own, for this recipient.
fn addressed(packet: &Packet, code: &str) -> Vec<u8> {
    let mut bytes = packet.bytes.clone();
    let id = fresh_id();
    let (_, number) = id.split_at(8);
    let to = bytes.windows(RECIPIENT.len()).position(|part| part == RECIPIENT.as_bytes()).unwrap_or_default();
    for (at, text) in [(packet.id_at, id.as_slice()), (packet.number_at, number), (to, code.as_bytes())] {
        if let Some(place) = bytes.get_mut(at..at + text.len()) {
            place.copy_from_slice(text);
        }
    }
    bytes
}

/// An agency's software: lists, fetches, confirms, rests when there is nothing, and ends with an empty mailbox.
async fn agency(address: SocketAddr, system: System, taken: Arc<Taken>, over: Arc<AtomicBool>) {
    let mut connection = None;
    loop {
        let ends = over.load(Ordering::Relaxed);
        match take_all(&mut connection, address, &system, &taken).await {
            Ok(0) if ends => return,
            Ok(0) => tokio::time::sleep(REST).await,
            Ok(_) => {}
            Err(error) => {
                if taken.faults.fetch_add(1, Ordering::Relaxed) == 0 {
                    eprintln!("{}: {error:#}", system.id);
                }
                connection = None;
                if ends {
                    return;
                }
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// One poll and all that it lists.
async fn take_all(kept: &mut Option<Connection>, address: SocketAddr, system: &System, taken: &Taken) -> Result<usize> {
    if kept.is_none() {
        *kept = Some(Connection::open(address).await?);
    }
    let connection = kept.as_mut().context("no connection")?;
    let answer = ask(connection, &poll(address, system), b"").await?;
    taken.polls.fetch_add(1, Ordering::Relaxed);
    let rows = answer.get("data").and_then(Value::as_array).context("data is no list")?;
    for row in rows {
        let id = row.get("docId").and_then(Value::as_str).context("a row without docId")?;
        let fetch = request(address, system, "getEdoc", &[("docId", id), ("filePath", "/tmp")], 2);
        ask(connection, &fetch, b"{}").await?;
        let confirm = request(address, system, "updateStatus", &[("docid", id), ("status", "done")], 2);
        ask(connection, &confirm, b"{}").await?;
        taken.packets.fetch_add(1, Ordering::Relaxed);
    }
    Ok(rows.len())
}

/// Cold start and accepting with a full register beside an empty one, in the same rounds.
async fn grown(
    deliveries: u64,
    (product, database): (&Product, Database),
    scratch: &Path,
    rounds: usize,
) -> Result<Value> {
    let empty = Deployment::prepare(product, database, scratch)?;
    let full = Deployment::prepare(product, database, scratch)?;
    let start = Instant::now();
    register::fill(database, &full.link()?, deliveries)?;
    let filled_in = start.elapsed().as_secs_f64();
    let bytes = full.bytes()?;
    let load = Load::of(Packet::build(SMALL)?, 16);
    let (mut cold_start_ms, mut pairs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut figures = [0.0; 2];
        // Who goes first changes from round to round.
        for turn in 0..2 {
            let place = (round + turn) % 2;
            let deployment = if place == 0 { &empty } else { &full };
            let hub = deployment.start().await?;
            if place == 1 {
                cold_start_ms.push(hub.started_in.as_secs_f64() * 1e3);
            }
            let measured = measure::run(&hub, &[], &load, Duration::from_secs(5)).await?;
            ensure!(measured.errors == 0, "{:?}", measured.first_error);
            if let Some(figure) = figures.get_mut(place) {
                *figure = measured.per_second;
            }
            hub.stop().await?;
        }
        let [empty, full] = figures;
        eprintln!("round {round}: empty {empty:.0}/s, full {full:.0}/s");
        pairs.push(json!({ "empty_per_second": empty, "full_per_second": full, "ratio": full / empty }));
    }
    Ok(json!({ "deliveries": deliveries, "megabytes": bytes / 1_000_000, "filled_in_seconds": filled_in,
        "cold_start_ms": cold_start_ms, "rounds": pairs }))
}
