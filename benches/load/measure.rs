//! One measurement of one hub: a cell, the memory of eight large packets, the syncs a packet. What is measured when,
//! and beside what, is decided in `main.rs`; what becomes of the figures, in `report.rs`.

use crate::hub_under_test::Running;
use crate::machine::{self, Cpu, SyncCounter};
use crate::packet::{HUGE, LARGE, MEDIUM, Packet, SMALL};
use crate::report::{Figures, Memory, Syncs};
use crate::sender::{self, Load, Outcome, Senders};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A load with a name.
pub struct Cell {
    pub name: &'static str,
    size: usize,
    tenth: Option<usize>,
    senders: usize,
}

const CELLS: [Cell; 6] = [
    Cell { name: "2KB/c1", size: SMALL, tenth: None, senders: 1 },
    Cell { name: "2KB/c16", size: SMALL, tenth: None, senders: 16 },
    Cell { name: "2KB/c64", size: SMALL, tenth: None, senders: 64 },
    Cell { name: "370KB/c8", size: MEDIUM, tenth: None, senders: 8 },
    Cell { name: "10MB/c2", size: LARGE, tenth: None, senders: 2 },
    Cell { name: "mix/c16", size: SMALL, tenth: Some(MEDIUM), senders: 16 },
];

/// The cells that a comma-separated list names: those of the table above, or any other such as `64KB/c8`.
pub fn cells(list: &str) -> Result<Vec<Cell>> {
    match list {
        "all" => Ok(CELLS.into()),
        _ => list.split(',').map(cell).collect(),
    }
}

fn cell(name: &str) -> Result<Cell> {
    if let Some(known) = CELLS.into_iter().find(|cell| cell.name == name) {
        return Ok(known);
    }
    let parts = name.split_once("KB/c");
    let parts = parts.and_then(|(size, senders)| Some((size.parse::<usize>().ok()?, senders.parse().ok()?)));
    let Some((kilobytes, senders)) = parts else {
        let known: Vec<&str> = CELLS.iter().map(|cell| cell.name).collect();
        bail!("no cell {name}; there are {}, and any other of the form 64KB/c8", known.join(", "));
    };
    Ok(Cell { name: name.to_owned().leak(), size: kilobytes * 1_000, tenth: None, senders })
}

impl Cell {
    /// The packets and the number of senders.
    pub fn load(&self) -> Result<Load> {
        let tenth = self.tenth.map(|size| Packet::build(size).map(Arc::new)).transpose()?;
        Ok(Load { tenth, ..Load::of(Packet::build(self.size)?, self.senders) })
    }
}

/// Sends a load to a hub and reads what it cost.
pub async fn run(hub: &Running, database: &[u32], load: &Load, duration: Duration) -> Result<Figures> {
    let (pid, both) = (hub.pid(), [&[hub.pid()], database].concat());
    let senders = Senders::connect(&hub.target, load).await?;
    // About what the fastest hub seen writes in this time: large packets move far more bytes than small ones.
    let large = load.tenth.is_some() || load.packet.bytes.len() > SMALL;
    let bytes_a_second = if large { 1.5e9 } else { 2.5e8 };
    machine::warm_memory((bytes_a_second * duration.as_secs_f64()) as usize);
    machine::settle(&both).await;
    machine::reset_peak(pid)?;
    let before = (Cpu::of(&[pid]), Cpu::of(database));
    let outcome = senders.run(duration).await?;
    // What the hub does after its answers is part of a packet's cost, and must not disturb the next turn.
    machine::settle(&both).await;
    let packets = outcome.latencies.len();
    let each = |ms: f64| ms / packets.max(1) as f64;
    Ok(Figures {
        packets,
        errors: outcome.errors,
        per_second: packets as f64 / outcome.seconds.max(1e-9),
        p50_ms: percentile_ms(&outcome, 0.50),
        p99_ms: percentile_ms(&outcome, 0.99),
        max_ms: percentile_ms(&outcome, 1.0),
        cpu_ms: each(Cpu::of(&[pid]).ms_since(&before.0)),
        database_cpu_ms: (!database.is_empty()).then(|| each(Cpu::of(database).ms_since(&before.1))),
        peak_mb: machine::memory_mb(pid, "VmHWM").context("reading the hub's memory")?,
        first_error: outcome.first_error,
    })
}

/// The time within which that part of the packets was accepted.
pub fn percentile_ms(outcome: &Outcome, part: f64) -> f64 {
    let rank = (outcome.latencies.len() as f64 * part).ceil() as usize;
    let nanoseconds = outcome.latencies.get(rank.saturating_sub(1)).copied().unwrap_or(0);
    nanoseconds as f64 / 1e6
}

/// How much more memory than when idle a fresh hub takes for eight packets of 50 MB at once.
pub async fn memory(hub: &Running) -> Result<Memory> {
    let pid = hub.pid();
    machine::settle(&[pid]).await;
    let idle_mb = machine::memory_mb(pid, "VmRSS").context("reading the hub's memory")?;
    let load = Load::of(Packet::build(HUGE)?, 8);
    machine::reset_peak(pid)?;
    let outcome = sender::volley(&hub.target, &load).await?;
    let peak_mb = machine::memory_mb(pid, "VmHWM").context("reading the hub's memory")?;
    Ok(Memory {
        idle_mb,
        peak_mb,
        over_idle_mb: peak_mb - idle_mb,
        accepted: outcome.latencies.len(),
        seconds: outcome.seconds,
        first_error: outcome.first_error,
    })
}

/// Packets a sync with one sender and with 64, counted by the kernel and, where it has such a counter, by the hub.
pub async fn syncs(hub: &Running, database: &[u32], scratch: &Path) -> Result<Syncs> {
    let (alone, crowd) = (Load::of(Packet::build(SMALL)?, 1), Load::of(Packet::build(SMALL)?, 64));
    let mut syncs = Syncs { own_count_c64: own_count(hub, &crowd).await?, ..Syncs::default() };
    let pids = [&[hub.pid()], database].concat();
    for (load, result) in [(&alone, &mut syncs.traced_c1), (&crowd, &mut syncs.traced_c64)] {
        match traced_count(hub, &pids, load, scratch).await {
            Ok(packets_a_sync) => *result = Some(packets_a_sync),
            Err(error) => syncs.not_traced = Some(format!("{error:#}")),
        }
    }
    Ok(syncs)
}

async fn own_count(hub: &Running, load: &Load) -> Result<Option<f64>> {
    let senders = Senders::connect(&hub.target, load).await?;
    let Some(before) = hub.syncs().await else {
        return Ok(None);
    };
    let outcome = senders.run(Duration::from_secs(1)).await?;
    let count = hub.syncs().await.map(|after| after - before);
    Ok(count.map(|count| outcome.latencies.len() as f64 / count.max(1.0)))
}

async fn traced_count(hub: &Running, pids: &[u32], load: &Load, scratch: &Path) -> Result<f64> {
    let senders = Senders::connect(&hub.target, load).await?;
    machine::settle(pids).await;
    let counter = SyncCounter::attach(pids, scratch).await?;
    let outcome = senders.run(Duration::from_secs(1)).await?;
    Ok(outcome.latencies.len() as f64 / counter.finish()?.max(1) as f64)
}
