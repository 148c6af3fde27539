//! Looking into a hub from outside, and being unkind to its surroundings: rows, files, memory, disks, locks.

use super::TestHub;
use diesel::Connection;
use std::path::PathBuf;
use std::process::Command;

/// What packets leave behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    pub envelopes: i64,
    pub deliveries: i64,
    pub payloads: i64,
    pub rejections: i64,
    pub files: Vec<PathBuf>,
}

impl Traces {
    /// The same with more rejections.
    pub fn and_rejected(mut self, more: i64) -> Self {
        self.rejections += more;
        self
    }
}

impl TestHub {
    pub async fn traces(&self) -> Traces {
        Traces {
            envelopes: self.count("SELECT count(*) FROM envelopes").await,
            deliveries: self.count("SELECT count(*) FROM deliveries").await,
            payloads: self.count("SELECT count(*) FROM payloads").await,
            rejections: self.count("SELECT count(*) FROM evidence WHERE event = 'SubmissionRejection'").await,
            files: self.payload_files(),
        }
    }

    /// Files of packets, complete or being received.
    pub fn payload_files(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.directory.join("payloads")).unwrap();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().path()).collect()
    }

    /// Bytes on disk of packets that are being received.
    pub fn incoming_bytes(&self) -> u64 {
        let files = std::fs::read_dir(self.directory.join("payloads/incoming")).unwrap();
        files.map(|file| file.unwrap().metadata().map_or(0, |file| file.len())).sum()
    }

    /// Comes back when `holds` does, with the hub's own work going on meanwhile.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let started = std::time::Instant::now();
        while !holds() {
            assert!(started.elapsed().as_secs() < 30, "never happened: {what}");
            self.client.get(self.url("/healthz")).send().await.unwrap();
        }
    }

    /// Runs SQL behind the hub's back.
    pub async fn sql(&self, sql: &str) {
        self.database.run(sql).await;
    }

    /// The same behind the hub's back: laws of the register may be broken by it.
    pub async fn tamper(&self, sql: &str) {
        self.database.is_tampered.store(true, std::sync::atomic::Ordering::SeqCst);
        self.sql(sql).await;
    }

    pub fn is_postgres(&self) -> bool {
        self.database.is_postgres
    }

    /// Another connection to the hub's SQLite file.
    pub fn behind_its_back(&self) -> diesel::SqliteConnection {
        let file = self.database.url.strip_prefix("sqlite://").unwrap();
        diesel::SqliteConnection::establish(file).unwrap()
    }
}

/// A disk of a few pages in the place of a folder, for as long as this lives.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Nothing, with a clear word, where mounting is not permitted.
    pub fn mount(folder: PathBuf, size: &str) -> Option<Self> {
        let mount =
            |options: &str| Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&folder).output();
        match mount(&format!("size={size}")) {
            Ok(done) if done.status.success() => Some(Self(folder)),
            other => {
                println!("NOT TESTED: no disk can be mounted here ({other:?})");
                None
            }
        }
    }

    pub fn resize(&self, size: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(&self.0).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A line of /proc/self/status in bytes.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with(line)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// By how much the process grows at most while something is done. Only tests that run alone may ask.
pub struct Growth(u64);

impl Growth {
    pub fn begin() -> Self {
        // Sets the high-water mark to what is in use now.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        Self(memory("VmRSS:"))
    }

    pub fn bytes(&self) -> u64 {
        memory("VmHWM:").saturating_sub(self.0)
    }
}

/// Runs an ignored test of this binary in a process of its own, where nothing else takes memory.
pub fn run_alone(test: &str) {
    let program = std::env::current_exe().unwrap();
    let done = Command::new(program).args([test, "--exact", "--ignored", "--nocapture"]).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    println!("{said}");
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}
