//! The bytes of packets that are too large for a row: files named by their digest, one copy each.
//!
//! ```text
//! <data>/payloads/incoming/<id>      being received; worthless after a crash
//! <data>/payloads/ab/ab12…           complete and on disk, before any row names it
//! ```

use super::guard::{FILES, Guard};
use super::{Store, StoreError, envelopes, machine};
use crate::domain::packet::Digest;
use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures_util::stream;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Bytes on their way out.
pub type PayloadStream = Pin<Box<dyn futures_util::Stream<Item = io::Result<Bytes>> + Send>>;

/// Bytes read from or written to a file at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Bytes received before the disk is told to take them. Telling it costs some tenths of a millisecond, as much as a packet of
/// a few hundred KB would gain.
const WRITE_OUT_BYTES: u64 = 2 * 1024 * 1024;

/// Where large packets are kept.
#[derive(Clone)]
pub struct Payloads {
    folder: Arc<PathBuf>,
    /// Held while a file gets or loses its name.
    names: Arc<Mutex<()>>,
}

/// A packet being received: in memory up to a chunk, then in a file without a name that anything trusts.
pub struct Incoming {
    path: PathBuf,
    file: Option<File>,
    /// Bytes in the file.
    written: u64,
    /// Of them those that the disk was told to take.
    begun: u64,
    pending: Vec<u8>,
}

impl Payloads {
    /// Makes the folders that are missing.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join("payloads");
        fs::create_dir_all(folder.join("incoming"))?;
        File::open(&folder)?.sync_all()?;
        File::open(data)?.sync_all()?;
        Ok(Self { folder: Arc::new(folder), names: Arc::default() })
    }

    /// Begins to receive a packet. No file is made before a chunk is full.
    pub fn receive(&self, id: &str) -> Incoming {
        let path = self.folder.join("incoming").join(id);
        Incoming { path, file: None, written: 0, begun: 0, pending: Vec::new() }
    }

    fn path_of(&self, sha256: &Digest) -> PathBuf {
        let name = sha256.hex();
        self.folder.join(name.get(..2).unwrap_or_default()).join(name)
    }

    /// Gives a received packet its name and waits until both are on disk. Only then may a row name it.
    ///
    /// # Errors
    /// Those of the file system; the received bytes are gone then.
    pub fn keep(&self, incoming: Incoming, sha256: &Digest, bytes: u64) -> io::Result<()> {
        let mut incoming = incoming;
        incoming.flush_chunk()?;
        let Some(file) = &incoming.file else {
            return Err(io::Error::other("nothing was received"));
        };
        // Also where nothing is cut off: it renews the file's time, by which the sweep leaves it alone until a row names it.
        file.set_len(bytes)?;
        let name = self.path_of(sha256);
        // The name first: one sync then covers content and name. Where the name is taken, by a packet that somebody may
        // have been promised or by the same packet on its way, only a file that is on disk may take its place.
        let is_named = self.name_if_free(&incoming.path, &name)?;
        file.sync_data()?;
        if !is_named {
            let _names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            fs::rename(&incoming.path, &name)?;
        }
        // Under its first name nothing is left to remove.
        incoming.file = None;
        match name.parent() {
            Some(shard) => File::open(shard)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Gives a received file its name unless there is a file of that name. The folder is durable before anything is
    /// put in it.
    fn name_if_free(&self, incoming: &Path, name: &Path) -> io::Result<bool> {
        let _names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shard) = name.parent().filter(|shard| !shard.is_dir()) {
            fs::create_dir_all(shard)?;
            File::open(self.folder.as_path())?.sync_all()?;
        }
        if name.exists() {
            return Ok(false);
        }
        fs::rename(incoming, name).map(|()| true)
    }

    /// Removes a file that nothing names, unless it was received again since it was found to be old.
    fn remove_if_old(&self, path: &Path, age: Duration) -> io::Result<bool> {
        let _names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        match is_older_than(&fs::metadata(path)?, age) {
            true => fs::remove_file(path).map(|()| true),
            false => Ok(false),
        }
    }

    /// The bytes of a packet from its file, for readers that let nothing out: the end comes only when the digest of all
    /// was right.
    ///
    /// # Errors
    /// Those of the file system; `InvalidData` when the file has another size.
    pub fn reader(&self, sha256: &Digest, bytes: u64) -> io::Result<PayloadReader> {
        Ok(PayloadReader { file: self.file(sha256, bytes)?, context: Context::new(&SHA256), expected: *sha256 })
    }

    /// All bytes of a packet from its file, in pieces.
    ///
    /// # Errors
    /// Those of the file system; `InvalidData` when the file was altered.
    pub fn pieces(&self, sha256: &Digest, bytes: u64) -> io::Result<Vec<Bytes>> {
        let file = self.file(sha256, bytes)?;
        let mut out = Outgoing { file, context: Context::new(&SHA256), expected: *sha256, left: bytes };
        let mut pieces = Vec::new();
        while let Some(piece) = out.next_chunk()? {
            pieces.push(piece);
        }
        Ok(pieces)
    }

    /// The file of a packet, for whoever takes the digest of what it reads and compares it.
    ///
    /// # Errors
    /// Those of the file system; `InvalidData` when the file has another size.
    pub fn file(&self, sha256: &Digest, bytes: u64) -> io::Result<File> {
        let file = File::open(self.path_of(sha256))?;
        match file.metadata()?.len() == bytes {
            true => Ok(file),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, "the packet's file has another size")),
        }
    }

    /// The bytes of a packet from its file. The last chunk is held back until the digest of all is known to be
    /// right: a damaged file ends in an error, never in altered bytes.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn stream(&self, sha256: &Digest, bytes: u64) -> io::Result<PayloadStream> {
        let file = self.file(sha256, bytes)?;
        let out = Outgoing { file, context: Context::new(&SHA256), expected: *sha256, left: bytes };
        Ok(Box::pin(stream::unfold(Some(out), |out| async move {
            let mut out = out?;
            let read = tokio::task::spawn_blocking(move || out.next_chunk().map(|chunk| (chunk, out))).await;
            match read {
                Ok(Ok((Some(chunk), out))) => Some((Ok(chunk), Some(out))),
                Ok(Ok((None, _))) => None,
                Ok(Err(error)) => Some((Err(error), None)),
                Err(_) => Some((Err(io::Error::other("reading a packet was interrupted")), None)),
            }
        })))
    }

    /// Removes files that no row names and that are older than `age`. Answers how many went.
    ///
    /// # Errors
    /// `Statement` and its like; files that cannot be removed are logged and left.
    pub async fn sweep(&self, store: &Store, age: Duration) -> Result<usize, StoreError> {
        let Some(_alone) = self.alone() else { return Ok(0) };
        let mut gone: usize = 0;
        for shard in fs::read_dir(self.folder.as_path()).into_iter().flatten().flatten() {
            let this = self.clone();
            let old = tokio::task::spawn_blocking(move || this.older_than(&shard.path(), age)).await;
            for (path, digest) in old.unwrap_or_default() {
                gone = gone.saturating_add(usize::from(self.remove_unnamed(store, (&path, digest), age).await?));
            }
        }
        Ok(gone)
    }

    /// Removes the files of packets whose rows went, as `sweep` would: those that no other row names and that are older than
    /// `age`. Answers how many went; what is left is swept.
    ///
    /// # Errors
    /// `Statement` and its like.
    pub async fn forget(&self, store: &Store, digests: &[Digest], age: Duration) -> Result<usize, StoreError> {
        let Some(_alone) = self.alone() else { return Ok(0) };
        let mut gone: usize = 0;
        for digest in digests {
            let path = self.path_of(digest);
            let is_there = path.exists();
            let removed = is_there && self.remove_unnamed(store, (&path, Some(*digest)), age).await?;
            gone = gone.saturating_add(usize::from(removed));
        }
        Ok(gone)
    }

    /// A backup needs the files that it has yet to copy, even if no row of today named them.
    fn alone(&self) -> Option<Guard> {
        let data = self.folder.parent().unwrap_or(&self.folder);
        let alone = Guard::alone(data, FILES).ok().flatten();
        if alone.is_none() {
            log::info!(target: "jobs", "nothing is swept while a backup is being made");
        }
        alone
    }

    async fn remove_unnamed(
        &self,
        store: &Store,
        (path, digest): (&Path, Option<Digest>),
        age: Duration,
    ) -> Result<bool, StoreError> {
        let named = match digest {
            Some(digest) => store.read(move |tx| envelopes::is_in_file(tx, &digest)).await?,
            None => false,
        };
        if named {
            return Ok(false);
        }
        Ok(self.remove_if_old(path, age).unwrap_or_else(|error| {
            log::warn!("an orphan cannot be removed: {error}");
            false
        }))
    }

    /// Files of a shard not touched for `age`: those being received without, complete ones with their digest.
    fn older_than(&self, shard: &Path, age: Duration) -> Vec<(PathBuf, Option<Digest>)> {
        let files = fs::read_dir(shard).into_iter().flatten().flatten();
        let old = files.filter(|file| file.metadata().is_ok_and(|metadata| is_older_than(&metadata, age)));
        old.map(|file| {
            let digest = file.file_name().to_str().and_then(|name| hex::decode(name).ok());
            let digest = digest.filter(|bytes| bytes.len() == 32).map(|bytes| envelopes::digest_of(&bytes));
            (file.path(), digest.filter(|d| self.path_of(d) == file.path()))
        })
        .collect()
    }
}

/// What is wrong with the file of a packet; `deep` reads it whole.
pub fn fault(data: &Path, name: &str, deep: bool) -> Option<&'static str> {
    let file = data.join("payloads").join(name.get(..2).unwrap_or_default()).join(name);
    if !deep {
        return (!file.is_file()).then_some("missing / bị mất");
    }
    match super::backup::hash(&file, &mut |_| {}) {
        Ok(digest) if digest == name => None,
        Ok(_) => Some("altered / bị thay đổi"),
        Err(_) => Some("missing or unreadable / bị mất hoặc không đọc được"),
    }
}

/// When something in the data directory was last written, by the file system's times.
pub fn touched_at(data: &Path) -> Option<SystemTime> {
    let files = fs::read_dir(data).ok()?.flatten();
    files.filter_map(|file| file.metadata().ok()?.modified().ok()).max()
}

fn is_older_than(metadata: &fs::Metadata, age: Duration) -> bool {
    let touched = metadata.modified().ok();
    touched.and_then(|touched| touched.checked_add(age)).is_some_and(|end| end <= SystemTime::now())
}

impl Incoming {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= CHUNK_BYTES {
            self.flush_chunk()?;
            self.begin_to_write_out();
        }
        Ok(())
    }

    /// Has the disk take what was received so far while more arrives, so that less is left to wait for at the end. Advice:
    /// where it is not taken, the sync at the end does everything.
    fn begin_to_write_out(&mut self) {
        let waiting = self.written.saturating_sub(self.begun);
        if let Some(file) = &self.file
            && waiting >= WRITE_OUT_BYTES
        {
            machine::begin_to_write_out(file, self.begun, waiting);
            self.begun = self.written;
        }
    }

    /// Forgets what was received, in memory and on disk.
    pub fn forget(mut self) {
        self.pending.fill(0);
        self.pending.clear();
    }

    fn flush_chunk(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(File::create_new(&self.path)?),
        };
        file.write_all(&self.pending)?;
        self.written = self.written.saturating_add(u64::try_from(self.pending.len()).unwrap_or(u64::MAX));
        self.pending.clear();
        Ok(())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.file.is_some() {
            // What cannot be removed is swept later.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// See [`Payloads::reader`].
pub struct PayloadReader {
    file: File,
    context: Context,
    expected: Digest,
}

impl Read for PayloadReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.context.update(buffer.get(..read).unwrap_or_default());
        let is_whole = read > 0 || buffer.is_empty() || self.context.clone().finish().as_ref() == self.expected.0;
        is_whole.then_some(read).ok_or_else(altered)
    }
}

fn altered() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the packet's file was altered")
}

struct Outgoing {
    file: File,
    context: Context,
    expected: Digest,
    left: u64,
}

impl Outgoing {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        if self.left == 0 {
            return Ok(None);
        }
        let wanted = usize::try_from(self.left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        let mut chunk = vec![0; wanted];
        self.file.read_exact(&mut chunk)?;
        self.context.update(&chunk);
        self.left = self.left.saturating_sub(u64::try_from(wanted).unwrap_or(u64::MAX));
        if self.left == 0 && self.context.clone().finish().as_ref() != self.expected.0 {
            return Err(altered());
        }
        Ok(Some(Bytes::from(chunk)))
    }
}
