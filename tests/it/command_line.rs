//! The binary itself: what it prints, its exit codes, and how it stops.

use crate::support::packets::a_document;
use crate::support::program::Program;
use crate::support::smtp::{MailServer, Manner};
use crate::support::{TestHub, fixture};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

/// A program on a fresh directory, with SQLite: other databases are not the matter here.
fn fresh() -> (tempfile::TempDir, Program) {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::new(folder.path(), "");
    (folder, program)
}

fn fixture_path(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    path.into_os_string().into_string().unwrap()
}

#[test]
fn help_names_the_commands_and_exit_codes() {
    let (_folder, program) = fresh();

    let help = program.done(&["--help"]);

    for word in ["serve", "migrate", "config", "agency", "system", "envelope", "demo", "Exit codes:"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(program.done(&["--version"]).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let (folder, program) = fresh();

    let usages: [&[&str]; 5] =
        [&[], &["nonsense"], &["serve", "--fast"], &["agency", "add"], &["--config", "no/such/file.toml", "migrate"]];
    for arguments in usages {
        let ran = program.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!ran.err.is_empty());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn an_unknown_id_is_exit_code_1_and_a_dead_database_2() {
    let (_folder, program) = fresh();
    assert_eq!(program.run(&["agency", "close", "X99.Z99"]).code, 1);
    assert_eq!(program.run(&["system", "key", "add", "--id", "nobody"]).code, 1);

    let dead = program.with("DOCAXIS__DATABASE__URL", "postgres://x:geheim@127.0.0.1:1/x").run(&["migrate"]);

    assert_eq!(dead.code, 2);
    assert!(!dead.err.contains("geheim"), "{}", dead.err);
}

#[tokio::test]
async fn check_says_of_a_packet_what_the_server_says() {
    let (_folder, program) = fresh();
    let hub = TestHub::start().await;
    let files = [
        "accepted/new.edxml",
        "refused/N.MessageHeader.Subject.edxml",
        "refused/M.Packet.Doctype.edxml",
        "refused/M.StateSecret.edxml",
        "refused/T.MessageHeader.DueDate.edxml",
    ];
    for file in files {
        let checked = program.run(&["envelope", "check", "--json", &fixture_path(file)]);
        let answer = hub.post("dms.national", fixture(file)).await;

        let line: serde_json::Value = serde_json::from_str(checked.out.trim()).unwrap();
        let codes: Vec<&str> =
            line["violations"].as_array().unwrap().iter().map(|v| v["code"].as_str().unwrap()).collect();
        assert_eq!(codes, answer.codes(), "{file}");
        assert_eq!((checked.code, answer.status == 201), (i32::from(!codes.is_empty()), codes.is_empty()), "{file}");
    }
}

#[test]
fn the_worst_packet_of_many_decides_the_exit_code() {
    let (_folder, program) = fresh();
    let (good, bad) = (fixture_path("accepted/new.edxml"), fixture_path("refused/N.MessageHeader.Subject.edxml"));

    assert_eq!(program.run(&["envelope", "check", &good, &good]).code, 0);
    assert_eq!(program.run(&["envelope", "check", &good, &bad]).code, 1);
    assert_eq!(program.run(&["envelope", "check", &bad, "no/such/packet", &good]).code, 2);
}

#[test]
fn config_check_names_an_unknown_setting_and_every_fault() {
    let (folder, program) = fresh();
    let file = folder.path().join("docaxis.toml");
    let check = |toml: &str| {
        std::fs::write(&file, toml).unwrap();
        program.run(&["--config", file.to_str().unwrap(), "config", "check"])
    };

    assert_eq!(check("[server]\naddress = \"127.0.0.1:1\"\n").code, 0);
    let unknown = check("[server]\nadress = \"127.0.0.1:1\"\n");
    assert!(unknown.code == 2 && unknown.err.contains("adress"), "{}", unknown.err);
    let faults = check("[database]\nconnections = 0\nbatch_max = 0\n");
    assert!(
        faults.code == 2 && faults.err.contains("connections") && faults.err.contains("batch_max"),
        "{}",
        faults.err
    );
}

#[test]
fn config_check_tells_faults_of_every_kind_at_once_in_both_languages() {
    let (folder, program) = fresh();
    let file = folder.path().join("docaxis.toml");
    let toml = "[server]\nadress = \"127.0.0.1:1\"\n[packets]\ndepth_max = \"many\"\n[databse]\nurl = \"x\"\n\
                [database]\nbatch_max = 0\n[log]\nfilter = \"inof\"\n[jobs]\nsweep_cron = \"0 99 2 * * *\"\n";
    std::fs::write(&file, toml).unwrap();
    let program = program.with("DOCAXIS_SERVER_WORKERS", "2").with("DOCAXIS__KEYS__LIVE_MAKS", "2");

    let ran = program.run(&["--config", file.to_str().unwrap(), "config", "check"]);

    let told = |parts: [&str; 3]| ran.err.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    for parts in [
        ["server.adress", "gần nhất là server.address", "the nearest is server.address"],
        ["[databse]", "gần nhất là [database]", "the nearest is [database]"],
        ["packets.depth_max", "sai kiểu", "wrong type"],
        ["database.batch_max", "từ 1 trở lên", "at least 1"],
        ["log.filter", "inof", "is not a level"],
        ["jobs.sweep_cron", "sáu trường", "six fields"],
        ["DOCAXIS_SERVER_WORKERS", "gần nhất là DOCAXIS__SERVER__WORKERS", "the nearest is"],
        ["DOCAXIS__KEYS__LIVE_MAKS", "gần nhất là DOCAXIS__KEYS__LIVE_MAX", "the nearest is"],
    ] {
        assert!(ran.code == 2 && told(parts), "{parts:?}: {}", ran.err);
    }
}

#[test]
fn migrating_twice_changes_nothing() {
    let (_folder, program) = fresh();

    let first = program.done(&["migrate"]);
    program.done(&["agency", "add", "--code", "X99.A01", "--name", "A"]);
    let second = program.done(&["migrate"]);

    assert_eq!(first, second);
    assert!(program.done(&["agency", "list"]).contains("X99.A01"));
}

#[test]
fn a_secret_is_shown_once_and_never_stored_readably() {
    let (folder, program) = fresh();
    program.done(&["agency", "add", "--code", "X99.A01", "--name", "A"]);

    let token = program.add_system("dms.one", "X99.A01");

    let (key_id, secret) = token.split_once('.').unwrap();
    for arguments in [&["system", "list"][..], &["system", "list", "--json"]] {
        let listed = program.done(arguments);
        assert!(listed.contains(key_id) && !listed.contains(secret), "{listed}");
    }
    for file in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).filter(|f| f.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{}", file.path().display());
    }
}

#[test]
fn a_revoked_key_is_refused_within_seconds_and_named_as_revoked() {
    let (_folder, program) = fresh();
    program.done(&["agency", "add", "--code", "X99.A01", "--name", "A"]);
    let token = program.add_system("dms.one", "X99.A01");
    let key_id = token.split_once('.').unwrap().0;

    program.done(&["system", "key", "revoke", "--key", key_id]);

    assert!(program.done(&["system", "list"]).contains("revoked"));
    let serving = program.serve();
    assert_eq!(post(&serving.url, &token, &a_document("d1").bytes(), |_| {}).0, 401);
}

#[test]
fn the_demo_plays_on_a_fresh_directory_and_again_on_the_same() {
    let (_folder, program) = fresh();

    let (first, second) = (program.run(&["demo", "--once"]), program.run(&["demo", "--once"]));

    assert_eq!(first.code, 0, "{}{}", first.out, first.err);
    assert_eq!(second.code, 0, "{}{}", second.out, second.err);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let (folder, program) = fresh();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();

    let ran = Program::new(folder.path(), "").with("DOCAXIS__SERVER__ADDRESS", &address).run(&["serve"]);

    assert!(ran.code == 2 && ran.err.contains(&address), "{}", ran.err);
    drop(program);
}

/// Posts a packet in two halves over a connection of its own; `between` is called when the hub has begun to read.
/// Gives the status and the whole answer.
fn post(url: &str, token: &str, packet: &[u8], between: impl FnOnce(&mut TcpStream)) -> (u16, String) {
    let address = url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/envelopes HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/xml\r\nContent-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        packet.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") && connection.read(&mut byte).unwrap() == 1 {
        answer.extend_from_slice(&byte);
    }
    if answer.starts_with(b"HTTP/1.1 100") {
        let (first, second) = packet.split_at(packet.len() / 2);
        connection.write_all(first).unwrap();
        between(&mut connection);
        connection.write_all(second).unwrap();
        answer.clear();
    }
    connection.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer[9..12].parse().unwrap(), answer)
}

#[test]
fn a_request_in_flight_finishes_after_the_signal_to_stop() {
    let (_folder, program) = fresh();
    program.done(&["agency", "add", "--code", "X99.A01", "--name", "A"]);
    program.done(&["agency", "add", "--code", "X99.B02", "--name", "B"]);
    let token = program.add_system("dms.one", "X99.A01");
    let mut serving = program.serve();
    let packet = a_document("d1").attachment(vec![7; 300_000]).bytes();

    let (status, answer) = post(&serving.url, &token, &packet, |_| {
        serving.terminate();
        while !serving.log().contains("told to stop") {
            std::thread::yield_now();
        }
    });

    assert_eq!(status, 201, "{answer}");
    assert!(serving.wait().success(), "{}", serving.log());
    assert!(serving.log().contains("stopped"), "{}", serving.log());
    assert!(TcpStream::connect(serving.url.trim_start_matches("http://")).is_err(), "nobody listens any more");
}

#[test]
fn an_idle_hub_stops_at_once_when_told() {
    let (_folder, program) = fresh();
    let mut serving = program.serve();

    serving.terminate();

    assert!(serving.wait().success(), "{}", serving.log());
}

#[test]
fn a_hub_whose_key_file_was_lost_does_not_start() {
    let (folder, program) = fresh();
    program.done(&["agency", "add", "--code", "X99.A01", "--name", "A"]);
    program.add_system("one", "X99.A01");
    std::fs::remove_file(folder.path().join("hub.key")).unwrap();

    let ran = program.run(&["serve"]);

    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("key file"), "{}", ran.err);
}

#[test]
fn a_hub_that_was_stopped_leaves_a_whole_database_file_to_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, program) = fresh();
    let data = folder.path().join("data");
    let program = program.with("DOCAXIS__DATA__DIRECTORY", &data);
    let mut serving = program.serve();

    serving.terminate();
    serving.wait();

    let log = data.join("docaxis.db-wal");
    assert!(!log.exists() || std::fs::metadata(&log).unwrap().len() == 0, "what was written is in the file itself");
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn jobs_are_listed_and_run_by_hand() {
    let (_folder, program) = fresh();
    assert!(program.done(&["job", "list"]).contains("never ran"));

    let ran = program.done(&["job", "run", "sweep-records"]);

    assert_eq!(ran, "sweep-records: 0 done\n");
    let lines: Vec<serde_json::Value> =
        program.done(&["job", "list", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), docaxis::jobs::JOBS.len());
    let line = lines.iter().find(|line| line["job"] == "sweep-records").unwrap();
    assert_eq!((&line["last_run"]["outcome"], &line["last_run"]["done"]), (&"done".into(), &0.into()));
    assert!(line["last_run"]["started_at"].as_str().unwrap().ends_with("+07:00"));
    assert_eq!(program.run(&["job", "run", "nothing"]).code, 2);
}

#[tokio::test]
async fn a_test_mail_says_what_the_server_answered_and_no_password_is_printed() {
    let mut server = MailServer::start(vec![Manner::Take, Manner::Answer("RCPT", "550 no such user")]).await;
    let (_folder, program) = fresh();
    assert_eq!(program.run(&["mail", "test", "a@b.vn"]).code, 1, "no server is set");
    let program = program
        .with("DOCAXIS__MAIL__SERVER", &server.address)
        .with("DOCAXIS__MAIL__SECURITY", "none")
        .with("DOCAXIS__MAIL__PASSWORD", "geheim")
        .with("DOCAXIS__MAIL__FROM", "truc@b.vn");

    // The program is waited for beside the server.
    let ran = tokio::task::spawn_blocking(move || {
        let runs = [program.run(&["mail", "test", "a@b.vn"]), program.run(&["mail", "test", "nobody@b.vn"])];
        (runs, program.done(&["config", "print"]), program.done(&["mail", "list"]))
    });
    let ([taken, refused], settings, waiting) = ran.await.unwrap();

    assert_eq!((taken.code, server.given().len()), (0, 1), "{}", taken.out);
    assert!(refused.code == 1 && refused.out.contains("no such user"), "{}", refused.out);
    assert!(!settings.contains("geheim") && waiting.is_empty(), "{settings}");
}
