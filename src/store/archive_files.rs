//! The files of archives. One has its name only once it is whole and on disk; until then it has another, which a process that
//! dies leaves behind and the next one removes. Not here: which of them have a place (`archives`).
//!
//! ```text
//! <data>/archives/<archive>.<owner>.part   being written
//! <data>/archives/<archive>.zip            whole
//! ```

use std::fs::{self, DirEntry, File};
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

    /// Every file that is there.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn list(&self) -> io::Result<Vec<ArchiveFile>> {
        match fs::read_dir(&self.folder) {
            Ok(entries) => Ok(entries.flatten().filter_map(|entry| ArchiveFile::of(&entry)).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Removes files, and waits until that is on disk. One that somebody else removed is gone as well.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn remove(&self, gone: &[ArchiveFile]) -> io::Result<()> {
        for file in gone {
            match fs::remove_file(&file.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        if gone.is_empty() { Ok(()) } else { File::open(&self.folder)?.sync_all() }
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
        let is_left = |file: &ArchiveFile| file.archive_id == archive_id && !file.is_whole;
        self.remove(&self.list()?.into_iter().filter(is_left).collect::<Vec<_>>())?;
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

/// A file of an archive.
#[derive(Debug)]
pub struct ArchiveFile {
    /// Whose it is.
    pub archive_id: String,
    /// Whether it was written to its end.
    pub is_whole: bool,
    path: PathBuf,
}

impl ArchiveFile {
    /// The file of that name; nothing for what is none of ours.
    fn of(entry: &DirEntry) -> Option<Self> {
        let name = entry.file_name().into_string().ok()?;
        let (archive_id, rest) = name.split_once('.')?;
        let is_whole = rest == "zip";
        let is_ours = is_whole || rest.ends_with(".part");
        is_ours.then(|| Self { archive_id: archive_id.to_owned(), is_whole, path: entry.path() })
    }
}
