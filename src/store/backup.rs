//! A backup: one directory with everything that was true at one moment, made while the hub works.
//!
//! ```text
//! <backup>/manifest.json      written last, with the digest of SHA256SUMS
//! <backup>/SHA256SUMS         of every other file, as `sha256sum -c` reads it
//! <backup>/docaxis.db         all facts as an SQLite file, whichever database they come from
//! <backup>/payloads/ab/ab12…  the packets that are in files
//! <backup>/hub.key            only when it was asked for
//! ```
//!
//! It is written under a name of its own and gets the right name when all of it is on disk.

use super::connection::Place;
use super::guard::{FILES, Guard};
use super::migrations::{self, Form};
use super::{Link, StoreError, copy, inspect};
use crate::config::Database;
use aws_lc_rs::digest::{Context, SHA256};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The form of backups that this version writes.
pub const FORMAT: u32 = 1;
pub(super) const DATABASE: &str = "docaxis.db";
pub(super) const SUMS: &str = "SHA256SUMS";
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const KEY: &str = "hub.key";
const CHUNK_BYTES: usize = 256 * 1024;

/// What a backup says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// Form of the backup.
    pub format: u32,
    /// Version of the program that made it.
    pub version: String,
    /// When it was begun.
    pub taken_at: String,
    /// Whether the facts came from `sqlite` or `postgres`.
    pub database: String,
    /// Which key file its secrets are sealed under (`Keyring::fingerprint`).
    pub key_fingerprint: String,
    /// Whether that key file is in it.
    pub has_key: bool,
    /// Packets in files.
    pub packets: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Packets whose files were missing or altered when the backup was made.
    pub damaged: Vec<String>,
    /// SHA-256 of SHA256SUMS.
    pub sums_sha256: String,
}

/// Why a backup was not made or not taken back. Nothing is left behind that could be taken for one.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file.
    #[error("{0}")]
    File(PathBuf, #[source] io::Error),
    /// A database.
    #[error("the database")]
    Store(#[from] StoreError),
    /// It must not be done here and now.
    #[error("{0}")]
    Refused(String),
    /// It is no whole and unaltered backup.
    #[error("{0}")]
    Damaged(String),
}

/// Names the file of an error.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |error| BackupError::File(path, error)
}

/// What is being done, how much of it is done, and how much there is; nothing is known of some work.
pub type Watch<'a> = &'a mut dyn FnMut(&'static str, u64, Option<u64>);

/// What to back up, and to where.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The database in use.
    pub database: &'a Database,
    /// The data directory.
    pub data: &'a Path,
    /// The directory to make.
    pub target: &'a Path,
    /// The key file to put into it.
    pub key_file: Option<&'a Path>,
    /// Which key the secrets are sealed under.
    pub key_fingerprint: &'a str,
    /// Now.
    pub taken_at: String,
}

/// Makes a backup. Blocks for as long as it takes.
///
/// # Errors
/// `Refused` when the target is there or another backup is being made to it; `File`, `Store`.
pub fn write(plan: &Plan<'_>, watch: Watch<'_>) -> Result<Manifest, BackupError> {
    if plan.target.exists() {
        return Err(BackupError::Refused(format!("{} is there already", plan.target.display())));
    }
    let partial = partial_of(plan.target)?;
    let Some(_mine) = begin(&partial)? else {
        return Err(BackupError::Refused(format!("another backup is being written to {}", partial.display())));
    };
    let made = fill(plan, &partial, watch);
    if made.is_err() {
        // What cannot be removed has no manifest, and the next backup to the same place removes it.
        let _ = fs::remove_dir_all(&partial);
    }
    let manifest = made?;
    fs::remove_file(partial.join(FILES)).map_err(at(&partial))?;
    fs::rename(&partial, plan.target).map_err(at(plan.target))?;
    sync_folder(plan.target.parent().unwrap_or(Path::new(".")))?;
    Ok(manifest)
}

fn partial_of(target: &Path) -> Result<PathBuf, BackupError> {
    let Some(name) = target.file_name() else {
        return Err(BackupError::Refused(format!("{} is no name for a directory", target.display())));
    };
    let mut name = name.to_owned();
    name.push(".partial");
    Ok(target.with_file_name(name))
}

/// Makes the directory, empty and locked; what a backup that was cut off left there goes.
fn begin(partial: &Path) -> Result<Option<Guard>, BackupError> {
    if partial.exists() {
        if Guard::alone(partial, FILES).map_err(at(partial))?.is_none() {
            return Ok(None);
        }
        fs::remove_dir_all(partial).map_err(at(partial))?;
    }
    fs::DirBuilder::new().mode(0o700).create(partial).map_err(at(partial))?;
    Guard::alone(partial, FILES).map_err(at(partial))
}

fn fill(plan: &Plan<'_>, partial: &Path, watch: Watch<'_>) -> Result<Manifest, BackupError> {
    // Until the end: the sweep leaves files alone meanwhile.
    let Some(_files) = Guard::shared(plan.data, FILES).map_err(at(plan.data))? else {
        return Err(BackupError::Refused("files are being swept in the data directory; try again".to_owned()));
    };
    let place = Place::of_url(plan.database.url.expose_secret(), plan.data, &plan.database.tls_ca_file)?;
    let file = partial.join(DATABASE);
    snapshot(&place, &file, watch)?;
    let mut sums = Sums::create(partial)?;
    let bytes = length(&file)?;
    sums.add(DATABASE, &hash(&file, &mut |done| watch("sum", done, Some(bytes)))?, bytes)?;
    let damaged = payloads(plan, partial, (&file, &mut sums), watch)?;
    if let Some(key) = plan.key_file {
        let (digest, bytes) = copy_file(key, &partial.join(KEY), &mut |_| {})?;
        sums.add(KEY, &digest, bytes)?;
    }
    let packets = sums.files.saturating_sub(1).saturating_sub(u64::from(plan.key_file.is_some()));
    let bytes = sums.bytes;
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at: plan.taken_at.clone(),
        database: place.database().to_owned(),
        key_fingerprint: plan.key_fingerprint.to_owned(),
        has_key: plan.key_file.is_some(),
        packets,
        bytes,
        damaged,
        sums_sha256: sums.finish()?,
    };
    let text = serde_json::to_string_pretty(&manifest).map_err(|e| BackupError::Damaged(e.to_string()))?;
    let mut out = create(&partial.join(MANIFEST))?;
    out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(at(partial))?;
    sync_folder(partial)?;
    Ok(manifest)
}

/// Writes all facts of one moment into a file, and waits until it is on disk. Writers go on meanwhile.
fn snapshot(place: &Place, file: &Path, watch: Watch<'_>) -> Result<(), BackupError> {
    let mut source = place.connect()?;
    match migrations::form(&mut source)? {
        Form::Current => {}
        Form::Older | Form::Newer => {
            let why = "the database has the form of another version: back it up with the program that uses it";
            return Err(BackupError::Refused(why.to_owned()));
        }
    }
    watch("database", 0, None);
    match &source.link {
        // The file is made by SQLite; it must be readable by its owner only from the first moment.
        Link::Sqlite(_) => {
            drop(create(file)?);
            inspect::with_text(&mut source, "VACUUM INTO ?", &file.to_string_lossy())?;
        }
        Link::Postgres(_) => {
            let mut target = super::connection::new_file(file)?;
            migrations::run(&mut target)?;
            copy::from_postgres(&mut source, &mut target, &mut |rows| watch("rows", rows, None))?;
            super::connection::fold(&mut target)?;
        }
    }
    File::open(file).and_then(|file| file.sync_all()).map_err(at(file))
}

/// Copies every packet that the snapshot has in a file. Answers which could not be copied as they should be.
fn payloads(
    plan: &Plan<'_>,
    partial: &Path,
    (database, sums): (&Path, &mut Sums),
    watch: Watch<'_>,
) -> Result<Vec<String>, BackupError> {
    let mut snapshot = super::connection::file(database)?;
    let from = "FROM payloads WHERE content IS NULL";
    let all = inspect::number(&mut snapshot, &format!("SELECT count(DISTINCT sha256) AS number {from}"))?;
    let all = u64::try_from(all).unwrap_or_default();
    let (mut done, mut damaged, mut folders) = (0_u64, Vec::new(), Vec::new());
    let folder = partial.join("payloads");
    make_folder(&folder)?;
    let names =
        inspect::texts(&mut snapshot, &format!("SELECT DISTINCT lower(hex(sha256)) AS word {from} ORDER BY 1"))?;
    for name in names {
        let shard = name.get(..2).unwrap_or_default().to_owned();
        let (source, target) = (plan.data.join("payloads").join(&shard).join(&name), folder.join(&shard).join(&name));
        if !folders.contains(&shard) {
            make_folder(&folder.join(&shard))?;
            folders.push(shard.clone());
        }
        match copy_file(&source, &target, &mut |_| {}) {
            Ok((digest, bytes)) if digest == name => sums.add(&format!("payloads/{shard}/{name}"), &digest, bytes)?,
            Ok(_) => {
                fs::remove_file(&target).map_err(at(&target))?;
                damaged.push(name);
            }
            Err(BackupError::File(path, error)) if path == source && error.kind() == io::ErrorKind::NotFound => {
                damaged.push(name)
            }
            Err(error) => return Err(error),
        }
        done = done.saturating_add(1);
        watch("packets", done, Some(all));
    }
    for shard in folders {
        sync_folder(&folder.join(shard))?;
    }
    sync_folder(&folder)?;
    Ok(damaged)
}

/// The list of digests while it is written.
struct Sums {
    file: File,
    path: PathBuf,
    context: Context,
    files: u64,
    bytes: u64,
}

impl Sums {
    fn create(partial: &Path) -> Result<Self, BackupError> {
        let path = partial.join(SUMS);
        Ok(Self { file: create(&path)?, path, context: Context::new(&SHA256), files: 0, bytes: 0 })
    }

    fn add(&mut self, name: &str, digest: &str, bytes: u64) -> Result<(), BackupError> {
        let line = format!("{digest}  {name}\n");
        self.context.update(line.as_bytes());
        self.files = self.files.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.file.write_all(line.as_bytes()).map_err(at(&self.path))
    }

    fn finish(self) -> Result<String, BackupError> {
        self.file.sync_all().map_err(at(&self.path))?;
        Ok(hex::encode(self.context.finish()))
    }
}

fn create(path: &Path) -> Result<File, BackupError> {
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(at(path))
}

pub(super) fn make_folder(path: &Path) -> Result<(), BackupError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))
}

pub(super) fn sync_folder(path: &Path) -> Result<(), BackupError> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|folder| folder.sync_all()).map_err(at(path))
}

pub(super) fn length(path: &Path) -> Result<u64, BackupError> {
    fs::metadata(path).map(|metadata| metadata.len()).map_err(at(path))
}

/// Copies a file, waits until it is on disk, and answers its digest and length.
pub(super) fn copy_file(source: &Path, target: &Path, note: &mut dyn FnMut(u64)) -> Result<(String, u64), BackupError> {
    let mut from = File::open(source).map_err(at(source))?;
    let mut into = create(target)?;
    let digest = read_through(&mut from, &mut |piece| into.write_all(piece).map_err(at(target)), note, source)?;
    into.sync_all().map_err(at(target))?;
    Ok(digest)
}

/// The digest of a file.
pub(super) fn hash(path: &Path, note: &mut dyn FnMut(u64)) -> Result<String, BackupError> {
    let mut from = File::open(path).map_err(at(path))?;
    Ok(read_through(&mut from, &mut |_| Ok(()), note, path)?.0)
}

fn read_through(
    from: &mut File,
    each: &mut dyn FnMut(&[u8]) -> Result<(), BackupError>,
    note: &mut dyn FnMut(u64),
    path: &Path,
) -> Result<(String, u64), BackupError> {
    let (mut context, mut piece, mut done) = (Context::new(&SHA256), vec![0; CHUNK_BYTES], 0_u64);
    loop {
        let read = from.read(&mut piece).map_err(at(path))?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        context.update(bytes);
        each(bytes)?;
        done = done.saturating_add(u64::try_from(read).unwrap_or_default());
        note(done);
    }
    Ok((hex::encode(context.finish()), done))
}
