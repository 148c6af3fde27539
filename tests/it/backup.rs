//! Backup and restore as an operator has them: the binary, under traffic, from either database into either.

use crate::crash::load::{self, Book, Shared};
use crate::crash::{Random, set_up};
use crate::support::database::Database;
use crate::support::packets::a_document;
use crate::support::program::{Program, Ran, Serving};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Place {
    program: Program,
    data: PathBuf,
    _database: Database,
    folder: tempfile::TempDir,
}

/// An empty place for a hub, on the database of this run.
async fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let database = Database::make(&data).await;
    Place { program: Program::new(&data, &database.url), data, _database: database, folder }
}

impl Place {
    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn backup(&self, name: &str) -> Ran {
        self.program.run(&["backup", &self.path(name)])
    }
}

fn copy_key(from: &Place, to: &Place) {
    std::fs::copy(from.data.join("hub.key"), to.data.join("hub.key")).unwrap();
}

/// Documents with their digests, as far as they are acknowledged.
fn acknowledged(book: &Shared) -> BTreeMap<String, String> {
    let sent = &book.lock().unwrap().sent;
    let known =
        sent.iter().filter_map(|(id, sent)| Some((id.clone(), sent.receipt.as_ref()?["sha256"].as_str()?.to_owned())));
    known.collect()
}

/// What a hub hands out: documents with the digests of their bytes.
async fn handed_out(parties: &load::Parties, serving: &Serving) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (delivery, id) in load::waiting(parties, &serving.url).await.unwrap() {
        let (status, bytes) = load::fetch(parties, &serving.url, &delivery).await.unwrap();
        assert_eq!(status, 200, "{id}");
        assert_eq!(all.insert(id, load::sha256(&bytes)), None, "handed out once");
    }
    all
}

async fn send_some(parties: &load::Parties, book: &Shared, url: &str, random: &mut Random, packets: usize) {
    for _ in 0..packets {
        let id = load::choose(book, random);
        assert_eq!(load::post(parties, book, url, &id, random).await, Some(true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_traffic_gives_back_every_packet_acknowledged_before_it() {
    let (from, mut random, book) = (place().await, Random::seeded(crate::crash::seed()), Shared::default());
    let parties = set_up(&from.program);
    let mut serving = from.program.serve();
    send_some(&parties, &book, &serving.url, &mut random, 20).await;
    let before = acknowledged(&book);

    let (program, target) = (from.program.clone(), from.path("backup"));
    let making = tokio::task::spawn_blocking(move || program.run(&["backup", &target]));
    while !making.is_finished() {
        send_some(&parties, &book, &serving.url, &mut random, 1).await;
    }
    let made = making.await.unwrap();
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    assert!(made.out.contains("KHÔNG có tệp khoá") && made.out.contains("does NOT hold the key file"), "{}", made.out);
    let while_running = from.program.run(&["restore", &from.path("backup")]);
    assert_eq!(while_running.code, 1, "{}{}", while_running.out, while_running.err);
    assert!(while_running.out.contains("a hub is running"), "{}", while_running.out);
    serving.kill();
    // `sha256sum` itself finds the same.
    let checked =
        Command::new("sha256sum").args(["-c", "--quiet", "SHA256SUMS"]).current_dir(from.path("backup")).status();
    assert!(checked.unwrap().success());

    let to = place().await;
    let restored = to.program.run(&["restore", &from.path("backup")]);
    assert_eq!(restored.code, 0, "{}{}", restored.out, restored.err);
    assert!(restored.out.contains("put the old key file into"), "{}", restored.out);
    copy_key(&from, &to);
    let again = to.program.serve();

    let (given, now) = (handed_out(&parties, &again).await, acknowledged(&book));
    for (id, digest) in &before {
        assert_eq!(given.get(id), Some(digest), "{id} was acknowledged before the backup");
    }
    for (id, digest) in &given {
        assert!(book.lock().unwrap().sent[id].forms.contains(digest), "{id} is not what was sent");
        assert!(now.get(id).is_none_or(|known| known == digest), "{id}");
    }
    send_some(&parties, &book, &again.url, &mut random, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_in_one_database_goes_into_the_other() {
    let (from, mut random, book) = (place().await, Random::seeded(7), Shared::default());
    let parties = set_up(&from.program);
    let mut serving = from.program.serve();
    send_some(&parties, &book, &serving.url, &mut random, 12).await;
    serving.kill();
    assert_eq!(from.program.run(&["backup", "--with-key", &from.path("backup")]).code, 0);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");

    // Whatever this run is on, the new place is SQLite; from SQLite to PostgreSQL is the drill above, when it runs there
    // on a backup that is an SQLite file.
    let program = Program::new(&data, "");
    let restored = program.run(&["restore", &from.path("backup")]);
    assert_eq!(restored.code, 0, "{}{}", restored.out, restored.err);
    assert!(restored.out.contains("the key file is in its place"), "{}", restored.out);
    let again = program.serve();

    let mut expected = acknowledged(&book);
    let given = handed_out(&parties, &again).await;
    expected.retain(|id, _| given.contains_key(id));
    assert_eq!((given.len(), &given), (acknowledged(&book).len(), &expected));
    let second = program.run(&["backup", folder.path().join("again").to_str().unwrap()]);
    assert_eq!(second.code, 0, "{}{}", second.out, second.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_writes_over_nothing() {
    let from = place().await;
    set_up(&from.program);
    assert_eq!(from.backup("backup").code, 0);

    let over = from.program.run(&["restore", &from.path("backup")]);

    assert_eq!(over.code, 1, "{}{}", over.out, over.err);
    assert!(over.out.contains("is not empty"), "{}", over.out);
    assert_eq!(from.backup("backup").code, 1, "a backup writes over nothing either");
    assert!(from.program.done(&["agency", "list"]).contains("X99.A01"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_altered_backup_is_refused_and_every_fault_named() {
    let (from, to) = (place().await, place().await);
    set_up(&from.program);
    assert_eq!(from.backup("backup").code, 0);
    let backup = PathBuf::from(from.path("backup"));
    assert_eq!(to.program.run(&["restore", "--check", backup.to_str().unwrap()]).code, 0);
    let database = backup.join("docaxis.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&database, &bytes).unwrap();

    for arguments in [&["restore", "--check"][..], &["restore"]] {
        let ran = to.program.run(&[arguments, &[backup.to_str().unwrap()]].concat());
        assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("docaxis.db was altered"), "{}", ran.out);
    }
    std::fs::remove_file(backup.join("manifest.json")).unwrap();
    let ran = to.program.run(&["restore", backup.to_str().unwrap()]);
    assert!(ran.code == 1 && ran.out.contains("this is no backup"), "{}", ran.out);
    assert!(to.program.run(&["agency", "list"]).code == 0, "the place is as empty as before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_killed_leaves_nothing_that_a_restore_takes() {
    let (from, mut random, book) = (place().await, Random::seeded(9), Shared::default());
    let parties = set_up(&from.program);
    let mut serving = from.program.serve();
    send_some(&parties, &book, &serving.url, &mut random, 20).await;
    for _ in 0..4 {
        let target = PathBuf::from(from.path("backup"));
        let mut making =
            from.program.command(&["backup", target.to_str().unwrap()]).stdout(Stdio::null()).spawn().unwrap();
        let partial = PathBuf::from(from.path("backup.partial"));
        while !partial.join("docaxis.db").exists() && making.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        for _ in 0..random.below(200_000) {
            std::hint::spin_loop();
        }
        making.kill().unwrap();
        making.wait().unwrap();
        if target.exists() {
            assert_eq!(
                from.program.run(&["restore", "--check", target.to_str().unwrap()]).code,
                0,
                "whole, or not there"
            );
            std::fs::remove_dir_all(&target).unwrap();
        } else {
            let empty = tempfile::tempdir().unwrap();
            let ran = Program::new(empty.path(), "").run(&["restore", partial.to_str().unwrap()]);
            assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
        }
    }
    assert!(serving.is_alive());
    let made = from.backup("backup");
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    assert!(!Path::new(&from.path("backup.partial")).exists());
    drop(Book::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_finds_no_room_fails_and_leaves_nothing() {
    let (from, mut random, book) = (place().await, Random::seeded(11), Shared::default());
    let parties = set_up(&from.program);
    let serving = from.program.serve();
    send_some(&parties, &book, &serving.url, &mut random, 20).await;
    // No file may be longer than this many blocks, and the signal about it is ignored: writing fails as on a full disk,
    // also where nobody may mount anything.
    let limit = r#"trap '' XFSZ; ulimit -f 64; exec "$@""#;
    let real = from.program.command(&["backup", &from.path("backup")]);
    let mut command = Command::new("bash");
    command.args(["-c", limit, "bash"]).arg(real.get_program()).args(real.get_args());
    command.envs(real.get_envs().filter_map(|(name, value)| Some((name, value?))));

    let ran = command.output().unwrap();

    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains("nothing was backed up"), "{said}");
    assert!(!Path::new(&from.path("backup")).exists() && !Path::new(&from.path("backup.partial")).exists());
    assert_eq!(from.backup("backup").code, 0, "with room it is made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_onto_a_full_disk_fails_and_leaves_nothing() {
    let from = place().await;
    set_up(&from.program);
    // A small file system of its own, where the kernel lets a user have one.
    let may = Command::new("unshare").args(["-Urm", "true"]).stderr(Stdio::null()).status();
    if !may.is_ok_and(|status| status.success()) {
        println!("NOT TESTED on a real small file system: this kernel lets nobody mount one");
        return;
    }
    let disk = from.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let small = r#"mount -t tmpfs -o size=64k none "$0" && { "$@"; code=$?; ls -A "$0"; exit $code; }"#;
    let real = from.program.command(&["backup", &format!("{disk}/backup")]);
    let mut command = Command::new("unshare");
    command.args(["-Urm", "bash", "-c", small, &disk]).arg(real.get_program()).args(real.get_args());
    command.envs(real.get_envs().filter_map(|(name, value)| Some((name, value?))));

    let ran = command.output().unwrap();

    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert_eq!((ran.status.code(), out.as_ref()), (Some(2), ""), "{out}{err}");
    assert!(err.contains("nothing was backed up"), "{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packet_that_is_missing_is_named_and_the_rest_is_backed_up() {
    let from = place().await;
    let parties = set_up(&from.program);
    let serving = from.program.serve();
    let packet = a_document("d1").attachment(vec![7; 200_000]).bytes();
    let posted = parties.client.post(format!("{}/api/v1/envelopes", serving.url)).bearer_auth(&parties.sender);
    assert_eq!(posted.body(packet.clone()).send().await.unwrap().status().as_u16(), 201);
    let digest = load::sha256(&packet);
    std::fs::remove_file(from.data.join("payloads").join(&digest[..2]).join(&digest)).unwrap();

    let made = from.backup("backup");

    assert_eq!(made.code, 1, "{}{}", made.out, made.err);
    assert!(made.out.contains(&digest), "{}", made.out);
    let manifest = std::fs::metadata(Path::new(&from.path("backup")).join("manifest.json")).unwrap();
    assert_eq!(manifest.permissions().mode() & 0o777, 0o600);
}
