//! The reference hub: the least that durable accepting can be. It reads a packet, writes it to one log, waits for
//! the sync and answers 200. It checks nothing, routes nothing, indexes nothing and keeps no packet in memory.
//! Whoever waits shares one fdatasync. It runs as a process of its own, so that its processor time can be read.

use crate::http::{Connection, Head};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The hidden subcommand that starts it.
pub const SUBCOMMAND: &str = "reference-hub";

/// Pieces above this are written off the reactor: the page cache may have to wait for the disk.
const LONG_WRITE: usize = 64 * 1024;

/// A log that many connections fill at once, each at the place it reserved.
struct Log {
    file: Arc<File>,
    end: AtomicU64,
    waiting: mpsc::Sender<oneshot::Sender<bool>>,
    syncs: Arc<AtomicU64>,
}

impl Log {
    fn create(path: &Path) -> io::Result<Log> {
        let file = Arc::new(File::create(path)?);
        let syncs = Arc::new(AtomicU64::new(0));
        let (waiting, queue) = mpsc::channel();
        let (of_committer, count) = (file.clone(), syncs.clone());
        std::thread::spawn(move || commit(&of_committer, &queue, &count));
        Ok(Log { file, end: AtomicU64::new(0), waiting, syncs })
    }

    fn write(&self, piece: &[u8], at: u64) -> io::Result<()> {
        if piece.len() > LONG_WRITE {
            tokio::task::block_in_place(|| self.file.write_all_at(piece, at))
        } else {
            self.file.write_all_at(piece, at)
        }
    }

    /// Returns once everything that the caller wrote before is on the disk.
    async fn synced(&self) -> io::Result<()> {
        let (done, wait) = oneshot::channel();
        self.waiting.send(done).map_err(io::Error::other)?;
        match wait.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(io::Error::other("the log could not be synced")),
        }
    }
}

/// Takes whoever waits, syncs once for all of them, tells them.
fn commit(file: &File, queue: &mpsc::Receiver<oneshot::Sender<bool>>, syncs: &AtomicU64) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        group.extend(queue.try_iter());
        let durable = file.sync_data().is_ok();
        syncs.fetch_add(1, Ordering::Relaxed);
        for one in group {
            // A sender that went away does not want to know.
            let _ = one.send(durable);
        }
    }
}

/// Serves until the standard input closes, that is until the benchmark ends, however it ends.
pub async fn run(address: SocketAddr, directory: PathBuf) -> Result<()> {
    let log = Arc::new(Log::create(&directory.join("reference.log")).context("creating the log")?);
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    std::thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    loop {
        let (stream, _) = listener.accept().await?;
        let log = log.clone();
        tokio::spawn(async move { serve(stream, &log).await });
    }
}

async fn serve(stream: TcpStream, log: &Log) -> io::Result<()> {
    let mut connection = Connection::new(stream)?;
    while let Some(head) = connection.head().await? {
        let body = if head.first_line.starts_with("POST ") {
            accept(&mut connection, log, &head).await?;
            String::new()
        } else {
            format!("reference_syncs_total {}\n", log.syncs.load(Ordering::Relaxed))
        };
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        connection.write(answer.as_bytes()).await?;
    }
    Ok(())
}

async fn accept(connection: &mut Connection, log: &Log, head: &Head) -> io::Result<()> {
    // A sender that breaks off leaves a hole in the log; nobody reads it back.
    let mut at = log.end.fetch_add(head.length as u64, Ordering::Relaxed);
    let mut left = head.length;
    while left > 0 {
        let piece = connection.piece(left).await?;
        let used = piece.len();
        log.write(piece, at)?;
        connection.consume(used);
        at += used as u64;
        left -= used;
    }
    log.synced().await
}
