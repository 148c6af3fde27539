//! What the machine gives: room on the disk, files that may be open, memory; and what it is advised. Never decided here.

use rustix::fs::Advice;
use std::fs::{self, File};
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Room on a file system, for whoever is no administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes left.
    pub free: u64,
    /// Bytes in all.
    pub all: u64,
}

/// The room of the file system that holds `path`.
///
/// # Errors
/// Those of the file system.
pub fn room(path: &Path) -> io::Result<Room> {
    let told = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
    Ok(Room { free: bytes(told.f_bavail), all: bytes(told.f_blocks) })
}

/// Has the disk begin to take these bytes of a file, where the system does so when it is told that nobody will read them soon. That may
/// take some tenths of a millisecond, and nothing is promised: only a sync is.
pub fn begin_to_write_out(file: &File, from: u64, bytes: u64) {
    let _ = rustix::fs::fadvise(file, from, NonZeroU64::new(bytes), Advice::DontNeed);
}

/// Most files and sockets that this process may have open; nothing for no limit.
pub fn files_max() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Files and sockets that this process has open, where the system tells.
pub fn open_files() -> Option<usize> {
    fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

/// Who owns a file or directory, its mode, and whether this process runs as its owner.
///
/// # Errors
/// Those of the file system.
pub fn owner(path: &Path) -> io::Result<(u32, u32, bool)> {
    let metadata = fs::metadata(path)?;
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    Ok((owner, mode, owner == rustix::process::geteuid().as_raw()))
}

/// The name of this machine; empty where the system does not tell.
pub fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// Bytes of memory in use, where the system tells.
pub fn resident_bytes() -> Option<u64> {
    let told = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = told.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(u64::try_from(rustix::param::page_size()).ok()?))
}
