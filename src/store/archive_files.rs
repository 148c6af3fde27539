//! The files of archives. One has its name only once it is whole and on disk; until then it has another, which a process that
//! dies leaves behind and the next one removes.
//!
//! ```text
//! <data>/archives/<archive>.<owner>.part   being written
//! <data>/archives/<archive>.zip            whole
//! ```

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Where archives are kept.
#[derive(Debug, Clone)]
pub struct ArchiveFiles {
    folder: PathBuf,
}

impl ArchiveFiles {
    /// Those in a data directory.
    pub fn of(data: &Path) -> Self {
        Self { folder: data.join("archives") }
    }

    fn part(&self, archive_id: &str, owner: &str) -> PathBuf {
        self.folder.join(format!("{archive_id}.{owner}.part"))
    }

    fn whole(&self, archive_id: &str) -> PathBuf {
        self.folder.join(format!("{archive_id}.zip"))
    }

    /// Begins the file of an archive; what was left of it before goes.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn begin(&self, archive_id: &str, owner: &str) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(archive_id) && name.ends_with(".part") {
                fs::remove_file(entry.path())?;
            }
        }
        File::options().read(true).write(true).create_new(true).open(self.part(archive_id, owner))
    }

    /// Gives a file that was written to its end its name, and waits until both are on disk.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn keep(&self, archive_id: &str, owner: &str, file: &File) -> io::Result<()> {
        file.sync_all()?;
        fs::rename(self.part(archive_id, owner), self.whole(archive_id))?;
        File::open(&self.folder)?.sync_all()
    }

    /// Removes what was begun.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn forget(&self, archive_id: &str, owner: &str) -> io::Result<()> {
        fs::remove_file(self.part(archive_id, owner))
    }

    /// A whole archive.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(&self, archive_id: &str) -> io::Result<File> {
        File::open(self.whole(archive_id))
    }
}
