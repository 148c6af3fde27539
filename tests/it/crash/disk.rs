//! A disk that loses what was not synced: `powercut.c` watches the hub's syncs, and `Disk::cut` builds the data
//! directory anew from them.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use super::Random;

/// What of the unsynced a power cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsynced {
    /// Nothing.
    Lost,
    /// Some of it: a disk may write what it was not told to, in any order.
    Some,
}

pub struct Disk {
    root: PathBuf,
    shadow: PathBuf,
    library: PathBuf,
}

impl Disk {
    /// Watches `root`, which is empty now.
    pub fn watch(root: &Path, scratch: &Path) -> Self {
        let disk = Self { root: root.to_owned(), shadow: scratch.join("shadow"), library: scratch.join("powercut.so") };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/crash/powercut.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([&disk.library, &source])
            .arg("-ldl")
            .output()
            .unwrap_or_else(|error| panic!("a C compiler (cc) is needed: {error}"));
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        disk.count_all_as_synced();
        disk
    }

    /// What a program needs in its environment to be watched.
    pub fn environment(&self) -> [(&'static str, &Path); 3] {
        [("LD_PRELOAD", &self.library), ("POWERCUT_ROOT", &self.root), ("POWERCUT_SHADOW", &self.shadow)]
    }

    /// Cuts the power. The programs that used the disk must be dead.
    pub fn cut(&self, unsynced: Unsynced, random: &mut Random) {
        let rebuilt = self.root.with_extension("rebuilt");
        let mut cut = Cut { disk: self, unsynced, random, files: HashMap::new() };
        cut.folder(&self.root, &key_of(&fs::metadata(&self.root).unwrap()), &rebuilt);
        fs::remove_dir_all(&self.root).unwrap();
        fs::rename(&rebuilt, &self.root).unwrap();
        self.count_all_as_synced();
    }

    /// What is there after a power cut is on the disk.
    fn count_all_as_synced(&self) {
        let _ = fs::remove_dir_all(&self.shadow);
        fs::create_dir_all(&self.shadow).unwrap();
        self.count_as_synced(&self.root);
    }

    fn count_as_synced(&self, folder: &Path) {
        let mut lines = String::new();
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let found = entry.metadata().unwrap();
            let (key, name) = (key_of(&found), entry.file_name().into_string().unwrap());
            if found.is_dir() {
                self.count_as_synced(&entry.path());
            } else {
                fs::copy(entry.path(), self.shadow.join(format!("f-{key}"))).unwrap();
            }
            lines.push_str(&format!("{} {key} {name}\n", if found.is_dir() { 'd' } else { 'f' }));
        }
        let key = key_of(&fs::metadata(folder).unwrap());
        fs::write(self.shadow.join(format!("d-{key}")), lines).unwrap();
    }
}

/// The name of a file or folder in the shadow, as `powercut.c` makes it.
fn key_of(found: &Metadata) -> String {
    let born = found.created().unwrap().duration_since(UNIX_EPOCH).unwrap();
    format!("{}-{}.{:09}", found.ino(), born.as_secs(), born.subsec_nanos())
}

struct Cut<'a> {
    disk: &'a Disk,
    unsynced: Unsynced,
    random: &'a mut Random,
    /// What became of a file: it may have several names.
    files: HashMap<String, Vec<u8>>,
}

impl Cut<'_> {
    fn is_kept(&mut self) -> bool {
        self.unsynced == Unsynced::Some && self.random.below(2) == 0
    }

    fn folder(&mut self, now: &Path, key: &str, to: &Path) {
        fs::create_dir(to).unwrap();
        let synced = fs::read_to_string(self.disk.shadow.join(format!("d-{key}"))).unwrap_or_default();
        let mut entries: HashMap<String, (bool, String)> = HashMap::new();
        for line in synced.lines() {
            let cells: Vec<&str> = line.splitn(3, ' ').collect();
            entries.insert(cells[2].to_owned(), (cells[0] == "d", cells[1].to_owned()));
        }
        let current = fs::read_dir(now).into_iter().flatten().map(Result::unwrap);
        let current: HashMap<String, (bool, String)> = current
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap()))
            .map(|(name, found)| (name, (found.is_dir(), key_of(&found))))
            .collect();
        // Each change since the last sync may have reached the disk by itself.
        let changed = entries.keys().chain(current.keys()).cloned().collect::<std::collections::BTreeSet<_>>();
        for name in changed {
            if entries.get(&name) != current.get(&name) && self.is_kept() {
                match current.get(&name) {
                    Some(entry) => entries.insert(name, entry.clone()),
                    None => entries.remove(&name),
                };
            }
        }
        for (name, (is_folder, key)) in entries {
            match is_folder {
                true => self.folder(&now.join(&name), &key, &to.join(&name)),
                // The index of the write-ahead log is memory that happens to have a name.
                false if name.ends_with("-shm") => {}
                false => self.file(&now.join(&name), &key, &to.join(&name)),
            }
        }
    }

    fn file(&mut self, now: &Path, key: &str, to: &Path) {
        let content = match self.files.get(key) {
            Some(content) => content.clone(),
            None => self.content(now, key),
        };
        fs::write(to, &content).unwrap();
        self.files.insert(key.to_owned(), content);
        if now.extension().is_some_and(|kind| kind == "key" || kind == "pem") {
            fs::set_permissions(to, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    fn content(&mut self, now: &Path, key: &str) -> Vec<u8> {
        let synced = fs::read(self.disk.shadow.join(format!("f-{key}"))).ok();
        let is_same = fs::metadata(now).is_ok_and(|found| key_of(&found) == key);
        if !is_same || !self.is_kept() {
            return synced.unwrap_or_default();
        }
        let mut current = fs::read(now).unwrap();
        if synced.is_none() {
            // Never synced: it may have any length.
            current.truncate(self.random.index(current.len() + 1));
        }
        current
    }
}
