//! Locks on files that tell one process from another what goes on in a data directory. The system frees them when a
//! process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Held as long as it lives.
#[derive(Debug)]
pub struct Guard {
    _file: File,
}

/// Every process that works on the data.
pub const HUB: &str = "hub.lock";
/// Backups, which need every file they have yet to copy, and the sweep, which removes files.
pub const FILES: &str = "files.lock";

fn open(folder: &Path, name: &str) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(folder.join(name))
}

fn taken(locked: Result<(), TryLockError>, file: File) -> io::Result<Option<Guard>> {
    match locked {
        Ok(()) => Ok(Some(Guard { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Guard {
    /// One of many; nothing when somebody is alone there.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn shared(folder: &Path, name: &str) -> io::Result<Option<Self>> {
        let file = open(folder, name)?;
        taken(file.try_lock_shared(), file)
    }

    /// The only one; nothing when anybody else is there.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn alone(folder: &Path, name: &str) -> io::Result<Option<Self>> {
        let file = open(folder, name)?;
        taken(file.try_lock(), file)
    }
}
