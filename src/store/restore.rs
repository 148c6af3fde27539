//! Taking a backup back: every digest is checked before anything is touched, and nothing that is there is written over.
//! The database comes last, so that a hub never opens on half of it.

use super::backup::{
    BackupError, DATABASE, FORMAT, KEY, MANIFEST, Manifest, SUMS, Watch, at, copy_file, hash, length, make_folder,
    sync_folder,
};
use super::connection::{self, Place};
use super::guard::{Guard, HUB};
use super::{Connection, copy, migrations};
use crate::config::Database;
use secrecy::ExposeSecret;
use std::fs;
use std::path::{Path, PathBuf};

/// In the data directory while a restore is not at its end; no hub opens there.
pub const UNFINISHED: &str = "restore-unfinished";

/// What became of the key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFile {
    /// It was in the backup and is in its place.
    Restored,
    /// The one that was there fits.
    Fits,
    /// Another one is there.
    Other,
    /// There is none.
    Missing,
}

/// Where to restore to.
#[derive(Debug)]
pub struct Target<'a> {
    /// The database.
    pub database: &'a Database,
    /// The data directory.
    pub data: &'a Path,
    /// Where the key file belongs.
    pub key_file: &'a Path,
}

/// Checks a backup: its form, its list, and every file in it.
///
/// # Errors
/// `Damaged`, `File`.
pub fn verify(backup: &Path, watch: Watch<'_>) -> Result<(Manifest, Vec<String>), BackupError> {
    let damaged = |why: String| BackupError::Damaged(format!("{}: {why}", backup.display()));
    let path = backup.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|_| damaged(format!("this is no backup: no {MANIFEST}")))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| damaged(format!("{MANIFEST}: {error}")))?;
    if manifest.format != FORMAT {
        return Err(damaged(format!("its form is {}, this version reads {FORMAT}", manifest.format)));
    }
    let list = backup.join(SUMS);
    if hash(&list, &mut |_| {})? != manifest.sums_sha256 {
        return Err(damaged(format!("{SUMS} was altered")));
    }
    let (mut names, mut wrong, mut done) = (Vec::new(), Vec::new(), 0_u64);
    for line in fs::read_to_string(&list).map_err(at(&list))?.lines() {
        let Some((digest, name)) = line.split_once("  ") else { continue };
        let file = backup.join(name);
        match hash(&file, &mut |more| watch("check", done.saturating_add(more), Some(manifest.bytes))) {
            Ok(read) if read == digest => done = done.saturating_add(length(&file)?),
            Ok(_) => wrong.push(format!("{name} was altered")),
            Err(_) => wrong.push(format!("{name} is missing or cannot be read")),
        }
        names.push(name.to_owned());
    }
    if wrong.is_empty() { Ok((manifest, names)) } else { Err(damaged(wrong.join("; "))) }
}

/// Puts a backup in place. Blocks for as long as it takes. Answers what it says of itself and whether its key is there.
///
/// # Errors
/// `Refused` when a hub runs there or data is there; `Damaged`, `File`, `Store`.
pub fn read(
    backup: &Path,
    target: &Target<'_>,
    fits: impl Fn(&Path, &str) -> bool,
    watch: Watch<'_>,
) -> Result<(Manifest, KeyFile), BackupError> {
    let (manifest, names) = verify(backup, watch)?;
    make_folder(target.data)?;
    let Some(_alone) = Guard::alone(target.data, HUB).map_err(at(target.data))? else {
        return Err(BackupError::Refused(format!("a hub is running on {}: stop it first", target.data.display())));
    };
    let place = Place::of_url(target.database.url.expose_secret(), target.data, &target.database.tls_ca_file)?;
    let marker = target.data.join(UNFINISHED);
    refuse_what_is_there(&place, target.data, marker.exists())?;
    refuse_filled_server(backup, &place)?;
    fs::write(&marker, "").map_err(at(&marker))?;
    sync_folder(target.data)?;
    packets(backup, target.data, &names, watch)?;
    database(backup, &place, target.data, watch)?;
    let key = key_file(backup, target.key_file, &manifest, fits)?;
    fs::remove_file(&marker).map_err(at(&marker))?;
    sync_folder(target.data)?;
    Ok((manifest, key))
}

/// A restore never writes over anything, except what one that was cut off left behind.
fn refuse_what_is_there(place: &Place, data: &Path, goes_on: bool) -> Result<(), BackupError> {
    let there = |what: String| Err(BackupError::Refused(format!("{what} is not empty: restore into an empty place")));
    if let Place::Sqlite { file, .. } = place
        && file.exists()
    {
        return there(file.display().to_string());
    }
    let payloads = data.join("payloads");
    let shards = fs::read_dir(&payloads).into_iter().flatten().flatten();
    let has_file = |shard: &fs::DirEntry| fs::read_dir(shard.path()).is_ok_and(|mut files| files.next().is_some());
    if !goes_on && shards.into_iter().any(|shard| has_file(&shard)) {
        return there(payloads.display().to_string());
    }
    Ok(())
}

/// The same for a server, before anything is copied: one without the tables of a hub is empty.
fn refuse_filled_server(backup: &Path, place: &Place) -> Result<(), BackupError> {
    if place.has_one_writer() {
        return Ok(());
    }
    let mut server = alone(place)?;
    if migrations::form(&mut server).is_err() {
        return Ok(());
    }
    migrations::run(&mut server)?;
    refuse_filled(&mut connection::file(&backup.join(DATABASE))?, &mut server)
}

fn refuse_filled(tables_of: &mut Connection, server: &mut Connection) -> Result<(), BackupError> {
    match copy::is_empty(tables_of, server)? {
        true => Ok(()),
        false => Err(BackupError::Refused("the database is not empty: restore into an empty one".to_owned())),
    }
}

fn alone(place: &Place) -> Result<Connection, BackupError> {
    let refused = || BackupError::Refused("a hub is connected to the database: stop every node first".to_owned());
    place.connect_alone()?.ok_or_else(refused)
}

fn packets(backup: &Path, data: &Path, names: &[String], watch: Watch<'_>) -> Result<(), BackupError> {
    let names: Vec<&String> = names.iter().filter(|name| name.starts_with("payloads/")).collect();
    let all = u64::try_from(names.len()).unwrap_or_default();
    let mut folders: Vec<PathBuf> = vec![data.join("payloads")];
    for (number, name) in names.iter().enumerate() {
        let (source, target) = (backup.join(name), data.join(name));
        if let Some(shard) = target.parent().filter(|shard| !folders.iter().any(|known| known == shard)) {
            make_folder(shard)?;
            folders.push(shard.to_owned());
        }
        if target.exists() {
            fs::remove_file(&target).map_err(at(&target))?;
        }
        copy_file(&source, &target, &mut |_| {})?;
        watch("packets", u64::try_from(number).unwrap_or_default().saturating_add(1), Some(all));
    }
    folders.iter().filter(|folder| folder.is_dir()).try_for_each(|folder| sync_folder(folder))
}

fn database(backup: &Path, place: &Place, data: &Path, watch: Watch<'_>) -> Result<(), BackupError> {
    let from = backup.join(DATABASE);
    let scratch = match place {
        Place::Sqlite { file, .. } => file.with_extension("restoring"),
        Place::Postgres { .. } => data.join("docaxis.restoring"),
    };
    if scratch.exists() {
        fs::remove_file(&scratch).map_err(at(&scratch))?;
    }
    let bytes = length(&from)?;
    copy_file(&from, &scratch, &mut |done| watch("database", done, Some(bytes)))?;
    // A backup of an older version gets this version's form before anybody else sees it.
    let mut copied = connection::new_file(&scratch)?;
    migrations::run(&mut copied)?;
    match place {
        Place::Sqlite { file, .. } => {
            connection::fold(&mut copied)?;
            drop(copied);
            fs::rename(&scratch, file).map_err(at(file))?;
            sync_folder(file.parent().unwrap_or(Path::new(".")))
        }
        Place::Postgres { .. } => {
            into_server(&mut copied, place, watch)?;
            drop(copied);
            fs::remove_file(&scratch).map_err(at(&scratch))
        }
    }
}

fn into_server(copied: &mut Connection, place: &Place, watch: Watch<'_>) -> Result<(), BackupError> {
    let mut server = alone(place)?;
    migrations::run(&mut server)?;
    copy::run(&mut server, "BEGIN")?;
    refuse_filled(copied, &mut server)?;
    copy::into_postgres(copied, &mut server, &mut |rows| watch("rows", rows, None))?;
    copy::run(&mut server, "COMMIT")?;
    Ok(())
}

fn key_file(
    backup: &Path,
    file: &Path,
    manifest: &Manifest,
    fits: impl Fn(&Path, &str) -> bool,
) -> Result<KeyFile, BackupError> {
    match (file.exists(), manifest.has_key) {
        (true, _) if fits(file, &manifest.key_fingerprint) => Ok(KeyFile::Fits),
        (true, _) => Ok(KeyFile::Other),
        (false, true) => copy_file(&backup.join(KEY), file, &mut |_| {}).map(|_| KeyFile::Restored),
        (false, false) => Ok(KeyFile::Missing),
    }
}
