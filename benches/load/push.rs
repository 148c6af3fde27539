//! Bringing packets to endpoints: from the POST to the recipient's acknowledgement, in a closed loop and by the clock; one packet
//! to a hundred; ten minutes at the peak; two nodes. What happens when recipients are away or the hub is killed is `backlog`'s.

use crate::backlog;
use crate::endpoint::Endpoints;
use crate::exchange::recipient;
use crate::hub_under_test::{Database, Deployment, Product, Running};
use crate::machine::{self, Cpu};
use crate::measure::{self, percentile_ms};
use crate::packet::{LARGE, MEDIUM, Packet, RECIPIENT, SMALL};
use crate::sender::{Load, Outcome, Sender, Senders};
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

#[derive(Args)]
pub struct PushOptions {
    /// Measures bringing packets to endpoints in place of the cells
    #[arg(long)]
    push: bool,
    /// Only these parts of it
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,
    /// How long packets arrive at the peak rate
    #[arg(long, default_value_t = 600.0)]
    peak_time: f64,
    /// Packets that wait when the hub is killed
    #[arg(long, default_value_t = 1_000_000)]
    queued: usize,
    /// Runs this program instead, which drives the running hub beside others; it finds the hub by HUB_PORT, HUB_PATH,
    /// HUB_HEADER, HUB_SINK, HUB_PID and its packets by HUB_BODY_2KB, HUB_BODY_370KB and HUB_BODY_10MB
    #[arg(long)]
    gate: Option<PathBuf>,
}

/// A part of the measurement.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Closed loop to one endpoint
    Cells,
    /// By the clock to 95 endpoints
    Flow,
    /// One packet to a hundred
    FanOut,
    /// One recipient dead and one slow
    Sick,
    /// 50,000 packets for a dead recipient while others flow, and an urgent one behind 100,000
    Queue,
    /// A kill with very many packets waiting
    Kill,
    /// Two hubs on one PostgreSQL
    Nodes,
    /// Ten minutes by the clock, at five times the national peak hour
    Peak,
}

impl PushOptions {
    /// Whether this is what is to be measured.
    pub fn wanted(&self) -> bool {
        self.push || self.gate.is_some()
    }

    fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}

/// What all parts are told.
pub struct Ground<'a> {
    pub product: &'a Product,
    pub database: Database,
    pub scratch: &'a Path,
    pub rounds: usize,
    pub seconds: f64,
    /// Packets that arrive in a second by the clock.
    pub rate: f64,
    /// Which cells of the closed loop.
    pub cells: &'a str,
}

/// Agencies with endpoints, as many as the axis began with.
pub const AGENCIES: u64 = 95;

/// How long the last of what was accepted may take to arrive.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Measures all parts that are wanted, prints them as JSON.
pub async fn run(options: &PushOptions, ground: &Ground<'_>, peak: f64) -> Result<()> {
    let mut report = Map::new();
    report.insert("database".to_owned(), serde_json::to_value(ground.database)?);
    report.insert("load_average".to_owned(), json!(machine::load_average()));
    let appends = machine::synced_appends_per_second(ground.scratch)?;
    report.insert("synced_appends_per_second".to_owned(), json!(appends));
    if let Some(program) = &options.gate {
        report.insert("gate".to_owned(), gate(program, ground).await?);
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    let nodes = ground.database == Database::Postgres;
    for part in Part::value_variants().iter().filter(|part| options.wants(**part)) {
        let (name, figures) = match part {
            Part::Cells => ("cells", cells(ground).await),
            Part::Flow => ("flow", flow(ground, (ground.rate, 60.0)).await),
            Part::FanOut => ("fan_out", fan_out(ground).await),
            Part::Sick => ("sick", backlog::sick(ground).await),
            Part::Queue => ("queue", backlog::queue(ground).await),
            Part::Kill => ("kill", backlog::kill(ground, options.queued).await),
            Part::Nodes if !nodes => continue,
            Part::Nodes => ("nodes", two_nodes(ground).await),
            Part::Peak => ("peak", flow(ground, (peak, options.peak_time)).await),
        };
        // What one part gave is worth reporting when another fails.
        let figures = figures.unwrap_or_else(|error| json!({ "failed": format!("{error:#}") }));
        eprintln!("{name}: {figures}");
        report.insert(name.to_owned(), figures);
    }
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// A hub that brings packets to so many agencies.
pub async fn prepare(ground: &Ground<'_>, agencies: u64) -> Result<(Deployment, Endpoints)> {
    let mut deployment = Deployment::prepare(ground.product, ground.database, ground.scratch)?;
    deployment.set("DOCAXIS__PUSH__NETWORKS", "127.0.0.0/8");
    deployment.set("DOCAXIS__PUSH__PLAIN_HTTP", "true");
    let endpoints = Endpoints::open().await?;
    for code in (0..agencies).map(recipient) {
        if code != RECIPIENT {
            deployment.ask(&["agency", "add", "--code", &code, "--name", &code])?;
        }
        deployment.ask(&["endpoint", "set", &code, &endpoints.url(&code), "--in-flight", "64"])?;
    }
    Ok((deployment, endpoints))
}

/// Posts as fast as answers come, waits until all has arrived, and gives deliveries a second from the first POST to the last
/// acknowledgement with the outcome of the posts. `copies` is to how many agencies each packet goes.
pub async fn end_to_end(
    hubs: &[&Running],
    endpoints: &Endpoints,
    (load, copies): (&Load, usize),
    seconds: f64,
) -> Result<(f64, Outcome)> {
    let mut sets = Vec::new();
    for hub in hubs {
        sets.push(Senders::connect(&hub.target, load).await?);
    }
    endpoints.wait(load.senders * hubs.len() * copies, PATIENCE).await?;
    endpoints.take();
    let (start, duration) = (Instant::now(), Duration::from_secs_f64(seconds));
    let outcomes = futures_util::future::join_all(sets.into_iter().map(|senders| senders.run(duration))).await;
    let mut outcome = Outcome::new();
    for one in outcomes {
        outcome.merge(one?);
    }
    outcome.latencies.sort_unstable();
    ensure!(outcome.errors == 0, "{} packets were not accepted: {:?}", outcome.errors, outcome.first_error);
    let deliveries = outcome.latencies.len() * copies;
    endpoints.wait(deliveries, PATIENCE).await?;
    let arrivals = endpoints.take();
    let last = arrivals.iter().map(|arrival| arrival.at).max().context("nothing arrived")?;
    Ok((deliveries as f64 / last.duration_since(start).as_secs_f64(), outcome))
}

async fn cells(ground: &Ground<'_>) -> Result<Value> {
    let (deployment, endpoints) = prepare(ground, 1).await?;
    let hub = deployment.start().await?;
    let mut figures = Map::new();
    for _ in 0..ground.rounds {
        for cell in measure::cells(ground.cells)? {
            let load = cell.load()?;
            machine::settle(&[hub.pid()]).await;
            machine::reset_peak(hub.pid())?;
            let database = deployment.database_processes().unwrap_or_default();
            let before = (Cpu::of(&[hub.pid()]), Cpu::of(&database));
            let (rate, outcome) = end_to_end(&[&hub], &endpoints, (&load, 1), ground.seconds).await?;
            let each = |cpu: f64| cpu / outcome.latencies.len() as f64;
            let line = json!({ "delivered_per_second": rate, "accept_p99_ms": percentile_ms(&outcome, 0.99),
                "cpu_ms": each(Cpu::of(&[hub.pid()]).ms_since(&before.0)),
                "database_cpu_ms": each(Cpu::of(&database).ms_since(&before.1)),
                "peak_mb": machine::memory_mb(hub.pid(), "VmHWM") });
            eprintln!("{}: {line}", cell.name);
            if let Value::Array(rounds) = figures.entry(cell.name).or_insert_with(|| json!([])) {
                rounds.push(line);
            }
        }
    }
    hub.stop().await?;
    Ok(Value::Object(figures))
}

/// When each packet was due, when it was accepted.
pub struct Posted {
    pub packet: u64,
    pub due: Instant,
    pub accepted: Duration,
}

/// Posts by the clock, whether the hub keeps up or not.
pub async fn post_by_clock(hub: &Running, load: &Load, (rate, seconds): (f64, f64)) -> Result<Vec<Posted>> {
    let (next, all) = (Arc::new(AtomicUsize::new(0)), (rate * seconds) as usize);
    let (mut senders, start) = (JoinSet::new(), Instant::now());
    for _ in 0..load.senders {
        let (target, load, next) = (hub.target.clone(), load.clone(), next.clone());
        senders.spawn(async move {
            let mut sender = Sender::connect(&target, &load).await?;
            let mut posted = Vec::new();
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                if turn >= all {
                    return anyhow::Ok(posted);
                }
                let due = start + Duration::from_secs_f64(turn as f64 / rate);
                tokio::time::sleep_until(due.into()).await;
                let packet = sender.post_known(turn).await?;
                posted.push(Posted { packet, due, accepted: due.elapsed() });
            }
        });
    }
    let mut posted = Vec::new();
    while let Some(one) = senders.join_next().await {
        posted.extend(one??);
    }
    posted.sort_unstable_by_key(|one| one.due);
    Ok(posted)
}

/// Times in order, in milliseconds: median, p95, p99 and the longest.
pub fn summary(mut times: Vec<Duration>) -> Value {
    times.sort_unstable();
    let part = |part: f64| {
        let rank = ((times.len() as f64 * part).ceil() as usize).saturating_sub(1);
        times.get(rank).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    };
    json!({ "p50_ms": part(0.5), "p95_ms": part(0.95), "p99_ms": part(0.99), "max_ms": part(1.0) })
}

/// From each packet's time to its acknowledgement by the recipient, in the order of their times.
pub fn until_acknowledged(posted: &[Posted], endpoints: &Endpoints) -> Result<Vec<Duration>> {
    let arrived: HashMap<u64, Instant> = endpoints.take().into_iter().map(|one| (one.packet, one.at)).collect();
    let took = |one: &Posted| Some(arrived.get(&one.packet)?.saturating_duration_since(one.due));
    posted.iter().map(|one| took(one).context("a packet did not arrive")).collect()
}

/// The mix to all agencies in turn.
pub fn mix() -> Result<Load> {
    let tenth = Some(Arc::new(Packet::build(MEDIUM)?));
    let recipients = (0..AGENCIES).map(recipient).collect();
    Ok(Load { tenth, recipients, ..Load::of(Packet::build(SMALL)?, 32) })
}

/// Packets of the mix arrive by the clock for all agencies.
async fn flow(ground: &Ground<'_>, (rate, seconds): (f64, f64)) -> Result<Value> {
    let (deployment, endpoints) = prepare(ground, AGENCIES).await?;
    let hub = deployment.start().await?;
    machine::settle(&[hub.pid()]).await;
    let pid = hub.pid();
    let watching = tokio::spawn(async move {
        let mut memory = Vec::new();
        loop {
            tokio::time::sleep(Duration::from_secs_f64(seconds / 10.0)).await;
            memory.extend(machine::memory_mb(pid, "VmRSS"));
            if memory.len() >= 10 {
                return memory;
            }
        }
    });
    let before = Cpu::of(&[pid]);
    let posted = post_by_clock(&hub, &mix()?, (rate, seconds)).await?;
    endpoints.wait(posted.len(), PATIENCE).await?;
    let percent = Cpu::of(&[pid]).ms_since(&before) / (seconds * 10.0);
    let acknowledged = until_acknowledged(&posted, &endpoints)?;
    let accepted: Vec<Duration> = posted.iter().map(|one| one.accepted).collect();
    let halves = |times: &[Duration]| {
        let (first, second) = times.split_at(times.len() / 2);
        json!([summary(first.to_vec()), summary(second.to_vec())])
    };
    let memory = watching.await?;
    hub.stop().await?;
    Ok(json!({ "rate": rate, "seconds": seconds, "packets": posted.len(), "hub_percent_of_a_core": percent,
        "accepted": summary(accepted.clone()), "acknowledged": summary(acknowledged.clone()),
        "accepted_halves": halves(&accepted), "acknowledged_halves": halves(&acknowledged), "memory_mb": memory }))
}

/// Recipients of a packet that goes to many.
const MANY: u64 = 100;

/// One large packet to a hundred agencies, beside the same to one.
async fn fan_out(ground: &Ground<'_>) -> Result<Value> {
    let (deployment, endpoints) = prepare(ground, MANY).await?;
    let hub = deployment.start().await?;
    let all: Vec<String> = (0..MANY).map(recipient).collect();
    let one = Load::of(Packet::build(MEDIUM)?, 8);
    let many = Load::of(Packet::addressed(MEDIUM, &all, 0)?, 2);
    let mut rounds = Vec::new();
    for _ in 0..ground.rounds {
        machine::settle(&[hub.pid()]).await;
        let (single, _) = end_to_end(&[&hub], &endpoints, (&one, 1), ground.seconds).await?;
        machine::settle(&[hub.pid()]).await;
        let files = deployment.files()?;
        let (fanned, outcome) = end_to_end(&[&hub], &endpoints, (&many, all.len()), ground.seconds).await?;
        let packets = outcome.latencies.len() + many.senders;
        rounds.push(json!({ "to_one_per_second": single, "to_many_per_second": fanned, "ratio": fanned / single,
            "packets": packets, "files": deployment.files()? - files }));
    }
    hub.stop().await?;
    Ok(json!({ "recipients": MANY, "rounds": rounds }))
}

/// One hub and two on the same database, in turn, with as many senders in all.
async fn two_nodes(ground: &Ground<'_>) -> Result<Value> {
    let (deployment, endpoints) = prepare(ground, AGENCIES).await?;
    let recipients: Arc<[String]> = (0..AGENCIES).map(recipient).collect();
    let load =
        |senders| anyhow::Ok(Load { recipients: recipients.clone(), ..Load::of(Packet::build(SMALL)?, senders) });
    let first = deployment.start().await?;
    let mut rounds = Vec::new();
    for _ in 0..ground.rounds {
        let database = deployment.database_processes()?;
        let mut figures = Vec::new();
        for second in [None, Some(deployment.start().await?)] {
            let hubs: Vec<&Running> = std::iter::once(&first).chain(&second).collect();
            let pids: Vec<u32> = hubs.iter().map(|hub| hub.pid()).collect();
            machine::settle(&pids).await;
            let before = (Cpu::of(&pids), Cpu::of(&database));
            let (rate, outcome) = end_to_end(&hubs, &endpoints, (&load(16 / hubs.len())?, 1), ground.seconds).await?;
            let each = |cpu: f64| cpu / outcome.latencies.len() as f64;
            figures.push(json!({ "nodes": hubs.len(), "delivered_per_second": rate,
                "cpu_ms": each(Cpu::of(&pids).ms_since(&before.0)),
                "database_cpu_ms": each(Cpu::of(&database).ms_since(&before.1)) }));
            if let Some(second) = second {
                second.stop().await?;
            }
        }
        rounds.push(figures);
    }
    first.stop().await?;
    Ok(json!(rounds))
}

/// Runs a program that drives the hub, which brings everything to a port where that program listens.
async fn gate(program: &Path, ground: &Ground<'_>) -> Result<Value> {
    let (deployment, _) = prepare(ground, 0).await?;
    let sink = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let url = format!("http://127.0.0.1:{sink}/");
    deployment.ask(&["endpoint", "set", RECIPIENT, &url, "--in-flight", "64"])?;
    let hub = deployment.start().await?;
    let mut command = Command::new(program);
    for (name, size) in [("HUB_BODY_2KB", SMALL), ("HUB_BODY_370KB", MEDIUM), ("HUB_BODY_10MB", LARGE)] {
        let file = ground.scratch.join(name);
        std::fs::write(&file, &Packet::build(size)?.bytes)?;
        command.env(name, file);
    }
    let header = format!("Authorization: Bearer {}\r\nContent-Type: application/xml\r\n", hub.target.token);
    command.env("HUB_PORT", hub.target.address.port().to_string()).env("HUB_PATH", "/api/v1/envelopes");
    command.env("HUB_HEADER", header).env("HUB_SINK", sink.to_string()).env("HUB_PID", hub.pid().to_string());
    let said = tokio::task::spawn_blocking(move || machine::output(&mut command)).await??;
    hub.stop().await?;
    let last = said.lines().last().context("the program printed nothing")?;
    Ok(serde_json::from_str(last).unwrap_or_else(|_| last.into()))
}
