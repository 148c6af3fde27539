//! What follows an archive while it is written: its digest, and the disk. Both go on beside the writing, so that little is left to
//! wait for at the end, and what the system has still to bring to disk stays small beside whatever else is synced there. Not
//! here: what is written (`compose`).

use crate::domain::packet::Digest;
use crate::exchange::ExchangeError;
use crate::wire::container::digest_of_all;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{self, Receiver, Sender};
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes that are brought to disk together.
const SYNC_BYTES: u64 = 64 << 20;

/// Who follows.
pub(super) struct Trail {
    marks: Sender<u64>,
    end: JoinHandle<io::Result<Digest>>,
}

impl Trail {
    /// Begins to follow a file. Whoever drops this without an end lets go of it.
    pub(super) fn begin(file: File) -> Self {
        let (marks, written) = mpsc::channel();
        let mut growing = Growing { file, written, until: 0, read: 0, synced: 0 };
        Self { marks, end: spawn_blocking(move || digest_of_all(&mut growing)) }
    }

    /// All up to there is written, and changes no more.
    pub(super) fn reached(&self, until: u64) {
        // Who does not follow any more says why at the end.
        let _ = self.marks.send(until);
    }

    /// The digest of all, when this was all.
    pub(super) async fn end(self) -> Result<Digest, ExchangeError> {
        drop(self.marks);
        let died = |_| Err(io::Error::other("the following thread died"));
        self.end.await.unwrap_or_else(died).map_err(ExchangeError::Payload)
    }
}

/// A file that grows, read as far as it is written.
struct Growing {
    file: File,
    written: Receiver<u64>,
    until: u64,
    read: u64,
    synced: u64,
}

impl Read for Growing {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        while self.read >= self.until {
            match self.written.recv() {
                Ok(until) => self.until = until,
                Err(_) => return Ok(0),
            }
        }
        if self.read.saturating_sub(self.synced) >= SYNC_BYTES {
            self.file.sync_data()?;
            self.synced = self.read;
        }
        let most = usize::try_from(self.until.saturating_sub(self.read)).unwrap_or(usize::MAX).min(piece.len());
        let read = self.file.read_at(piece.get_mut(..most).unwrap_or_default(), self.read)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.read = self.read.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}
