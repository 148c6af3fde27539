//! What the machine says: processor time and memory of processes, how busy it is, what its disk does in a second,
//! and how often a process syncs. Everything is read from /proc or asked of `strace`; nothing here knows a hub.

use anyhow::{Context, Result, bail, ensure};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Linux reports processor time to user space in hundredths of a second on every machine we build for.
const TICK_MS: f64 = 10.0;

/// Processor time used so far by some processes, in ticks.
pub struct Cpu(HashMap<u32, u64>);

impl Cpu {
    /// The reading now.
    pub fn of(pids: &[u32]) -> Cpu {
        // A process that has just ended counts for nothing.
        Cpu(pids.iter().filter_map(|&pid| Some((pid, stat(pid)?.ticks))).collect())
    }

    /// Milliseconds between an earlier reading and this one.
    pub fn ms_since(&self, earlier: &Cpu) -> f64 {
        let used = |(pid, ticks): (&u32, &u64)| ticks.saturating_sub(earlier.0.get(pid).copied().unwrap_or(0));
        self.0.iter().map(used).sum::<u64>() as f64 * TICK_MS
    }
}

struct Stat {
    parent: u32,
    ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything, so fields are counted from the last bracket.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    Some(Stat { parent: u32::try_from(number(1)?).ok()?, ticks: number(11)? + number(12)? })
}

/// A process and its direct children.
pub fn family(parent: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let children = pids.filter(|&pid| stat(pid).is_some_and(|stat| stat.parent == parent));
    std::iter::once(parent).chain(children).collect()
}

/// Waits until the processes have nothing left to do, so that what they put off does not fall on the next turn.
pub async fn settle(pids: &[u32]) {
    let limit = Instant::now() + Duration::from_secs(3);
    let mut before = Cpu::of(pids);
    while Instant::now() < limit {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = Cpu::of(pids);
        if now.ms_since(&before) <= TICK_MS {
            return;
        }
        before = now;
    }
}

/// Memory of a process in megabytes: `VmRSS` now, `VmHWM` at most since the last reset.
pub fn memory_mb(pid: u32, field: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(field))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}

/// Lets `VmHWM` start anew from what is in use now.
pub fn reset_peak(pid: u32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("resetting the peak of the hub's memory")
}

/// Takes and gives back memory, so that the next run finds pages that were used a moment ago. On a virtual machine
/// a page that has lain free costs several times more than a used one, and what one side's files leave free when they
/// are removed would otherwise be a gift to the other: the same hub on both sides was seen at a ratio of 1.8.
pub fn warm_memory(bytes: usize) {
    // Never more than a part of what is there: others compute on this machine too.
    let spare = available_memory().unwrap_or(0) / 4;
    std::hint::black_box(vec![0x5A_u8; bytes.min(spare)]);
}

fn available_memory() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? * 1024)
}

/// The load average of the last minute.
pub fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// The part of all processors that was in use during a quarter of a second.
pub async fn busy() -> Option<f64> {
    let (idle, all) = processor_time()?;
    tokio::time::sleep(Duration::from_millis(250)).await;
    let (idle_then, all_then) = processor_time()?;
    let passed = all_then.saturating_sub(all).max(1) as f64;
    Some(1.0 - idle_then.saturating_sub(idle) as f64 / passed)
}

fn processor_time() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<u64> = text.lines().next()?.split_whitespace().skip(1).flat_map(str::parse).collect();
    // The fourth field is idle time, the fifth waiting for the disk; guest time, after the eighth, is in the first.
    let idle = fields.iter().skip(3).take(2).sum();
    Some((idle, fields.iter().take(8).sum()))
}

/// How often a second 2 KB can be appended and synced in a folder, one after the other.
pub fn synced_appends_per_second(folder: &Path) -> Result<f64> {
    let path = folder.join("probe");
    let mut file = File::create(&path)?;
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_millis(500) {
        file.write_all(&[0x5A; 2048])?;
        file.sync_data()?;
        count += 1;
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    fs::remove_file(&path)?;
    Ok(rate)
}

/// The kind of file system that a folder is on.
pub fn file_system(folder: &Path) -> Result<String> {
    let folder = folder.canonicalize()?;
    let mounts = fs::read_to_string("/proc/mounts")?;
    let kinds = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((Path::new(fields.next()?), fields.next()?))
    });
    let over = kinds.filter(|(point, _)| folder.starts_with(point));
    let nearest = over.max_by_key(|(point, _)| point.as_os_str().len());
    Ok(nearest.context("no mount point over the scratch folder")?.1.to_owned())
}

/// Runs a command to its end and gives what it printed.
pub fn output(command: &mut Command) -> Result<String> {
    let name = describe(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting {name}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {}: {}", output.status, complaint.trim());
    Ok(String::from_utf8(output.stdout)?)
}

/// A command as it would be typed, without its environment, which may hold a password.
pub fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Sends a signal by name to a process that this program started.
pub fn signal(name: &str, child: &Child) -> Result<()> {
    output(Command::new("kill").args(["-s", name, &child.id().to_string()])).map(drop)
}

/// Counts the syncs of some processes while it lives. It slows them down: a run under it gives no rate.
pub struct SyncCounter {
    strace: Child,
    file: PathBuf,
}

impl SyncCounter {
    /// Returns once every thread of the processes is traced.
    pub async fn attach(pids: &[u32], folder: &Path) -> Result<SyncCounter> {
        let file = folder.join("syncs.txt");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range,syncfs,msync", "-o"]).arg(&file);
        for pid in pids {
            command.args(["-p", &pid.to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let strace = command.spawn().context("strace could not be started")?;
        let mut counter = SyncCounter { strace, file };
        let limit = Instant::now() + Duration::from_secs(5);
        while !pids.iter().all(|&pid| traced(pid)) {
            if counter.strace.try_wait()?.is_some() || Instant::now() > limit {
                bail!("strace could not attach to the hub");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(counter)
    }

    /// Lets the processes go and gives the number of syncs that they began.
    pub fn finish(mut self) -> Result<u64> {
        signal("INT", &self.strace)?;
        self.strace.wait()?;
        let text = fs::read_to_string(&self.file)?;
        Ok(text.lines().filter(|line| line.contains("sync") && !line.contains(" resumed>")).count() as u64)
    }
}

impl Drop for SyncCounter {
    fn drop(&mut self) {
        // After `finish` there is nothing left to end, and these do nothing.
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}

fn traced(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut status = threads.flat_map(|thread| fs::read_to_string(thread.path().join("status")));
    status.all(|text| text.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0")))
}
