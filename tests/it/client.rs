//! The commands of a system that takes part, as its operator types them, against a real hub; and against stand-ins
//! for what a real hub seldom does.

use crate::support::mock_dms::{Fault, MockDms};
use crate::support::packets::{a_document, a_status};
use crate::support::program::{Program, Ran};
use crate::support::stand_in::{StandIn, answer, tls_front};
use crate::support::{TestHub, fixture};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Lines, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

/// A folder, and the program as a system of this hub uses it there.
struct Desk {
    folder: tempfile::TempDir,
    program: Program,
}

impl Desk {
    fn of(hub: &TestHub, system: &str) -> Self {
        Self::at(&hub.url(""), &hub.system(system).bearer())
    }

    fn at(url: &str, key: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = Program::new(&folder.path().join("unused"), "");
        Self { program: program.with("DOCAXIS_HUB", url).with("DOCAXIS_KEY", key), folder }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path.into_os_string().into_string().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program.command(arguments);
        command.current_dir(self.folder.path());
        command
    }

    /// Runs a command beside the hub, which needs this thread's runtime.
    async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        Ran::of(tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
    }

    async fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments).await;
        assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.out, ran.err);
        ran.out
    }

    async fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        self.done(arguments).await.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A command that stays until it is killed, and what it prints.
struct Running {
    child: Child,
    lines: Arc<Mutex<Lines<BufReader<ChildStdout>>>>,
}

impl Running {
    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines: Arc::new(Mutex::new(lines)) }
    }

    /// Its next line, or nothing when it has ended.
    async fn line(&self) -> Option<String> {
        let lines = self.lines.clone();
        tokio::task::spawn_blocking(move || lines.lock().unwrap().next().map(Result::unwrap)).await.unwrap()
    }

    async fn json(&self) -> Value {
        serde_json::from_str(&self.line().await.unwrap()).unwrap()
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {value}"))
}

#[tokio::test]
async fn a_document_goes_from_file_to_file_and_both_sides_can_say_so() {
    let hub = TestHub::start().await;
    let (sender, recipient) = (Desk::of(&hub, "dms.national"), Desk::of(&hub, "dms.province"));
    let packet = a_document("d1").subject("Về việc Đề án 06").bytes();

    let sent = sender.lines(&["send", "--json", &sender.file("a.edxml", &packet)]).await;
    let delivery = word(&sent[0], "/receipt/deliveries/0/delivery_id");
    assert_eq!((word(&sent[0], "/verdict"), &sent[0]["repeat"]), ("accepted", &json!(false)));
    assert!(sender.done(&["delivery", "show", delivery]).await.contains("Chưa nhận: chờ trong hộp thư nơi nhận từ"));

    let listed = recipient.done(&["inbox"]).await;
    assert!(listed.contains(delivery) && listed.contains("Về việc Đề án 06"), "{listed}");
    let fetched = recipient.done(&["fetch", "--all", "--confirm", "--into", "in"]).await;
    assert!(fetched.contains("đã lưu / stored, đã xác nhận / confirmed"), "{fetched}");
    let file = recipient.path("in").join(format!("{delivery}.edxml"));
    assert_eq!(std::fs::read(&file).unwrap(), packet);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(recipient.path("in")).unwrap().count(), 1, "nothing else is left there");

    assert!(recipient.done(&["inbox"]).await.contains("Hộp thư trống"));
    let shown = sender.done(&["delivery", "show", delivery]).await;
    assert!(shown.contains("Đã nhận: tải về lúc") && shown.contains("Received: fetched"), "{shown}");
    let listed = sender.done(&["sent", "--id", delivery]).await;
    assert!(listed.contains("X99.B02") && listed.contains("Đã nhận / Received"), "{listed}");
}

#[tokio::test]
async fn sending_again_gives_the_first_receipt() {
    let hub = TestHub::start().await;
    let desk = Desk::of(&hub, "dms.national");
    let file = desk.file("a.edxml", &a_document("d1").bytes());

    let (first, again) = (desk.lines(&["send", "--json", &file]).await, desk.lines(&["send", "--json", &file]).await);

    assert_eq!(first[0]["receipt"], again[0]["receipt"]);
    assert_eq!(again[0]["repeat"], true);
    assert!(desk.done(&["send", &file]).await.contains("đã nhận từ trước"));
}

#[tokio::test]
async fn a_packet_can_come_from_standard_input() {
    let hub = TestHub::start().await;
    let desk = Desk::of(&hub, "dms.national");
    let mut child = desk.command(&["send", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&a_document("d1").bytes()).unwrap();

    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();

    assert_eq!(output.status.code(), Some(0));
    assert_eq!(hub.waiting("dms.province").await.len(), 1);
}

#[tokio::test]
async fn a_refusal_is_told_with_every_violation_in_both_languages_and_does_not_keep_others() {
    let hub = TestHub::start().await;
    let desk = Desk::of(&hub, "dms.national");
    let bad = fixture("refused/N.MessageHeader.Subject.edxml");
    let codes = hub.post("dms.national", bad.clone()).await.codes();
    let (bad, good) = (desk.file("bad.edxml", &bad), desk.file("good.edxml", &a_document("d1").bytes()));

    let ran = desk.run(&["send", &bad, "no/such/file", &good]).await;

    assert_eq!(ran.code, 2, "the worst decides: a file cannot be read");
    for code in codes {
        assert!(ran.out.contains(&code), "{code}: {}", ran.out);
    }
    for words in
        ["bị từ chối / refused: Gói tin không được chấp nhận / The packet was refused", "không đọc được", "đã nhận"]
    {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert_eq!(desk.run(&["send", &bad]).await.code, 1);
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_ends_the_run() {
    let hub = TestHub::start().await;
    let desk = Desk::at(&hub.url(""), "nobody.nothing");
    let (one, two) = (desk.file("1.edxml", &a_document("d1").bytes()), desk.file("2.edxml", &a_document("d2").bytes()));

    let ran = desk.run(&["send", &one, &two]).await;

    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.lines().next().unwrap().contains("HTTP 401"), "{}", ran.out);
    assert!(ran.err.contains("1 packets were not sent"), "{}", ran.err);
    assert_eq!(desk.run(&["inbox"]).await.code, 1);
}

#[tokio::test]
async fn a_key_comes_from_a_file_that_only_its_owner_reads() {
    let hub = TestHub::start().await;
    let desk = Desk::at(&hub.url(""), "nobody.nothing");
    let system = hub.system("dms.province");
    let key = desk.file("key.json", json!({ "key_id": system.key_id, "secret": system.secret }).to_string().as_bytes());

    let open = desk.run(&["inbox", "--key-file", &key]).await;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let closed = desk.run(&["inbox", "--key-file", &key]).await;

    assert!(open.code == 0 && open.err.contains("chmod 600"), "{}", open.err);
    assert!(closed.code == 0 && closed.err.is_empty(), "{}", closed.err);
    for ran in [open, closed] {
        assert!(!ran.out.contains(&system.secret) && !ran.err.contains(&system.secret));
    }
    let help = desk.program.clone().with("DOCAXIS_KEY_FILE", "/secret/path").done(&["inbox", "--help"]);
    assert!(!help.contains("/secret/path") && !help.contains("nobody"), "{help}");
}

#[tokio::test]
async fn what_is_there_is_neither_fetched_again_nor_overwritten() {
    let hub = TestHub::start().await;
    let desk = Desk::of(&hub, "dms.province");
    let packet = a_document("d1").bytes();
    let receipt = hub.accepted("dms.national", packet.clone()).await;
    let delivery = word(&receipt, "/deliveries/0/delivery_id");
    desk.done(&["fetch", delivery]).await;

    let again = desk.lines(&["fetch", "--json", delivery]).await;
    let file = desk.file(&format!("{delivery}.edxml"), b"another");
    let refused = desk.run(&["fetch", "--confirm", delivery]).await;
    let (kept, waiting) = (std::fs::read(&file).unwrap(), hub.waiting("dms.province").await.len());
    desk.done(&["fetch", "--force", delivery]).await;

    assert_eq!(again[0]["was_there"], true);
    assert_eq!((refused.code, kept.as_slice(), waiting), (2, &b"another"[..], 1), "{}", refused.out);
    assert_eq!(std::fs::read(&file).unwrap(), packet);
}

#[tokio::test]
async fn statuses_of_clerks_are_told_by_name() {
    let hub = TestHub::start().await;
    let (sender, recipient) = (Desk::of(&hub, "dms.national"), Desk::of(&hub, "dms.province"));
    let document = a_document("X99.A01,2026/11/21,1/VP-TN");
    let sent = hub.accepted("dms.national", document.bytes()).await;
    let delivery = word(&sent, "/deliveries/0/delivery_id");
    recipient.done(&["fetch", delivery, "--confirm"]).await;
    hub.after(TimeDelta::minutes(5));
    let status = a_status("X99.B02", ("X99.A01", "X99.A01,2026/11/21,1/VP-TN"), "03", "2026/11/21 09:05:00");
    assert_eq!(hub.post("dms.province", status).await.status, 201);

    let shown = sender.done(&["delivery", "show", word(&sent, "/envelope_id")]).await;

    assert!(shown.contains("03 Đã tiếp nhận / acceptance"), "{shown}");
}

#[tokio::test]
async fn confirming_says_what_became_of_it_and_a_step_back_is_refused() {
    let hub = TestHub::start().await;
    let desk = Desk::of(&hub, "dms.province");
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let delivery = word(&receipt, "/deliveries/0/delivery_id");

    let failed = desk.done(&["confirm", "--status", "fail", "--note", "hết chỗ trống", delivery]).await;
    let sender = Desk::of(&hub, "dms.national").done(&["delivery", "show", delivery]).await;
    let done = desk.done(&["confirm", delivery]).await;
    let back = desk.run(&["confirm", "--status", "processing", delivery]).await;

    assert!(failed.contains("fail (consigned)"), "{failed}");
    assert!(sender.contains("Nơi nhận báo lưu lỗi"), "{sender}");
    assert!(done.contains("done (handed_over)"), "{done}");
    assert_eq!(back.code, 1);
}

#[tokio::test]
async fn agencies_are_found_by_code_alias_and_words_without_marks() {
    let hub = TestHub::start().await;
    let desk = Desk::of(&hub, "dms.national");

    for words in [&["X99.B02"][..], &["000.00.02.X99"], &["uy", "ban", "TINH", "mau"]] {
        let found = desk.lines(&[&["agencies", "find", "--json"], words].concat()).await;
        assert!(found.iter().any(|agency| agency["code"] == "X99.B02"), "{words:?}: {found:?}");
    }
    assert_eq!(desk.run(&["agencies", "find", "không có cơ quan này"]).await.code, 1);
}

#[tokio::test]
async fn a_watch_prints_what_arrives_and_each_packet_once() {
    let hub = TestHub::start().await;
    let desk = Desk::of(&hub, "dms.province");
    let first = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let mut watch = Running::of(desk.command(&["inbox", "--watch", "--json"]));

    let one = watch.json().await;
    let second = hub.accepted("dms.national", a_document("d2").bytes()).await;
    let two = watch.json().await;
    watch.kill();

    let ids = [first, second].map(|receipt| receipt["deliveries"][0]["delivery_id"].clone());
    assert_eq!([&one["delivery_id"], &two["delivery_id"]], [&ids[0], &ids[1]]);
}

#[tokio::test]
async fn a_watch_lets_the_hub_hold_its_answer_back_until_something_changes() {
    let item = |id: &str| json!({ "delivery_id": id.repeat(32) });
    let page = |items: &[Value]| json!({ "items": items, "next": null }).to_string();
    let stand_in = StandIn::with(vec![
        answer(200, "ETag: \"t1\"\r\n", page(&[item("1")]).as_bytes()),
        answer(200, "ETag: \"t2\"\r\n", page(&[item("1"), item("2")]).as_bytes()),
    ]);
    let desk = Desk::at(&stand_in.url, "k.s");
    let mut watch = Running::of(desk.command(&["inbox", "--watch", "--json", "--kind", "status", "--timeout", "40"]));

    let seen = [watch.json().await, watch.json().await];
    watch.kill();

    assert_eq!(seen, [item("1"), item("2")]);
    let asked = stand_in.asked();
    assert!(asked.iter().all(|asked| asked.line == "GET /api/v1/mailbox?kind=status&wait=20"), "{asked:?}");
    assert!(!asked[0].head.contains("if-none-match") && asked[1].head.contains("\"t1\""), "{asked:?}");
}

#[tokio::test]
async fn a_packet_of_forty_megabytes_passes_through_little_memory() {
    let hub = TestHub::start().await;
    let (sender, recipient) = (Desk::of(&hub, "dms.national"), Desk::of(&hub, "dms.province"));
    let packet = a_document("d1").attachment(vec![0x5A; 30 << 20]).bytes();
    assert!(packet.len() > 40_000_000);
    let file = sender.file("large.edxml", &packet);
    // What a process may have of memory of its own, in kilobytes; the packet would not go in.
    let bounded = |desk: &Desk, arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -d 32768; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_docaxis")]).args(arguments);
        let plain = desk.command(&[]);
        command.current_dir(desk.folder.path()).stdin(Stdio::null());
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        tokio::task::spawn_blocking(move || Ran::of(command.output().unwrap()))
    };

    let sent = bounded(&sender, &["send", &file]).await.unwrap();
    let fetched = bounded(&recipient, &["fetch", "--all", "--confirm"]).await.unwrap();

    assert_eq!((sent.code, fetched.code), (0, 0), "{}{}{}{}", sent.out, sent.err, fetched.out, fetched.err);
    let name = fetched.out.split_once(':').unwrap().0;
    assert!(std::fs::read(recipient.path(&format!("{name}.edxml"))).unwrap() == packet);
}

#[tokio::test]
async fn tls_is_trusted_by_the_authority_that_is_named_and_by_no_other() {
    let hub = TestHub::start().await;
    let (port, authority) = tls_front(hub.address).await;
    let (_, stranger) = tls_front(hub.address).await;
    let desk = Desk::at(&format!("https://127.0.0.1:{port}"), &hub.system("dms.province").bearer());
    hub.accepted("dms.national", a_document("d1").bytes()).await;

    let trusted = desk.run(&["fetch", "--all", "--ca", &desk.file("ca.pem", authority.as_bytes())]).await;
    let strange = ["inbox", "--retries", "0", "--ca", &desk.file("other.pem", stranger.as_bytes())];
    let (strange, unnamed) = (desk.run(&strange).await, desk.run(&["inbox", "--retries", "0"]).await);

    assert_eq!(trusted.code, 0, "{}{}", trusted.out, trusted.err);
    assert_eq!((strange.code, unnamed.code), (2, 2), "{}{}", strange.err, unnamed.err);
    assert!(unnamed.err.contains("không kết nối được tới trục"), "{}", unnamed.err);
}

const DELIVERY: &str = "01a1ffe2773d7220bcf03a6ae7742253";

#[tokio::test]
async fn a_busy_hub_is_asked_again_with_the_whole_packet() {
    let receipt = json!({ "envelope_id": "e1", "deliveries": [] }).to_string();
    let stand_in = StandIn::with(vec![
        answer(503, "Retry-After: 0\r\n", b"{\"title\":\"busy\"}"),
        b"HTTP/1.1 2".to_vec(),
        answer(429, "Retry-After: 0\r\n", b"busy"),
        answer(201, "", receipt.as_bytes()),
    ]);
    let desk = Desk::at(&stand_in.url, "k.s");
    let packet = a_document("d1").attachment(vec![7; 300_000]).bytes();

    let ran = desk.run(&["send", &desk.file("a.edxml", &packet)]).await;

    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let asked = stand_in.asked();
    assert!(asked.len() == 4 && asked.iter().all(|asked| asked.body == packet));
    assert!(asked.iter().all(|asked| asked.line == "POST /api/v1/envelopes" && asked.head.contains("Bearer k.s")));
    assert_eq!(ran.err.matches("thử lại sau").count(), 3, "{}", ran.err);
}

#[tokio::test]
async fn tries_come_to_an_end() {
    let stand_in =
        StandIn::with(vec![answer(503, "Retry-After: 0\r\n", b""), answer(503, "Retry-After: 3600\r\n", b"")]);
    let desk = Desk::at(&stand_in.url, "k.s");

    let ran = desk.run(&["inbox"]).await;

    assert_eq!((ran.code, stand_in.asked().len()), (2, 2), "an hour is not waited for: {}", ran.err);
}

#[tokio::test]
async fn content_that_is_not_what_was_announced_is_not_kept() {
    let lie = format!("Docaxis-Sha256: {}\r\n", "0".repeat(64));
    for headers in [lie.as_str(), ""] {
        let stand_in = StandIn::with(vec![answer(200, headers, b"<edXML/>")]);
        let desk = Desk::at(&stand_in.url, "k.s");

        let ran = desk.run(&["fetch", "--retries", "0", "--confirm", "--into", "in", DELIVERY]).await;

        assert_eq!(ran.code, 2, "{}", ran.out);
        assert_eq!(std::fs::read_dir(desk.path("in")).unwrap().count(), 0, "{headers}");
        assert_eq!(stand_in.asked().len(), 1, "nothing was confirmed");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_fetched_again() {
    let sha256 = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"<edXML/>").as_ref());
    let headers = format!("Docaxis-Sha256: {sha256}\r\nRetry-After: 0\r\n");
    let mut cut = answer(200, &headers, b"<edXML/>");
    cut.truncate(cut.len() - 3);
    let stand_in = StandIn::with(vec![cut, answer(200, &headers, b"<edXML/>")]);
    let desk = Desk::at(&stand_in.url, "k.s");

    desk.done(&["fetch", DELIVERY]).await;

    assert_eq!(std::fs::read(desk.path(&format!("{DELIVERY}.edxml"))).unwrap(), b"<edXML/>");
    assert_eq!(stand_in.asked().len(), 2);
}

#[tokio::test]
async fn a_hub_cannot_choose_where_a_file_goes_nor_steer_the_terminal() {
    let item = json!({ "delivery_id": "../../evil", "subject": "\u{1b}[2Jx\u{202e}y", "kind": "document" });
    let page = json!({ "items": [item] }).to_string();
    let stand_in = StandIn::with(vec![answer(200, "", page.as_bytes()), answer(200, "", page.as_bytes())]);
    let desk = Desk::at(&stand_in.url, "k.s");

    let listed = desk.done(&["inbox"]).await;
    desk.done(&["fetch", "--all", "--into", "a/b"]).await;

    assert!(!listed.contains('\u{1b}') && !listed.contains('\u{202e}'), "{listed:?}");
    assert!(!desk.path("evil.edxml").exists() && !desk.path("a/evil.edxml").exists());
    assert_eq!(stand_in.asked().len(), 2, "nothing was fetched");
}

#[tokio::test]
async fn wrong_usage_is_told_before_anybody_is_asked() {
    let desk = Desk::at("http://127.0.0.1:1", "k.s");
    let usages: [&[&str]; 8] = [
        &["send"],
        &["fetch"],
        &["fetch", "--all", DELIVERY],
        &["fetch", "../../etc/passwd"],
        &["confirm", "x"],
        &["inbox", "--every", "5"],
        &["inbox", "--hub", "ftp://x"],
        &["inbox", "--hub", "https://user:geheim@x"],
    ];
    for arguments in usages {
        let ran = desk.run(arguments).await;
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!ran.err.contains("geheim") || arguments.contains(&"https://user:geheim@x"));
    }
    let no_hub = Program::new(Path::new("unused"), "").run(&["inbox"]);
    assert!(no_hub.code == 2 && no_hub.err.contains("DOCAXIS_HUB") | no_hub.err.contains("--hub"), "{}", no_hub.err);
    let no_key = Program::new(Path::new("unused"), "").run(&["inbox", "--hub", "http://127.0.0.1:1"]);
    assert!(no_key.code == 2 && no_key.err.contains("chưa có khóa"), "{}", no_key.err);
}

/// A hub, a desk of the tested system, and the self-test's cases 01 and 06 begun from there.
async fn a_run(hub: &TestHub) -> (Desk, Value) {
    let desk = Desk::of(hub, "dms.province");
    let begun = desk.lines(&["selftest", "run", "--agency", "x99.b02", "--case", "01", "--case", "06", "--json"]).await;
    assert_eq!((begun.len(), &begun[0]["waiting"]), (1, &json!(2)));
    (desk, begun[0].clone())
}

#[tokio::test]
async fn a_selftest_is_begun_and_told_case_by_case() {
    let hub = TestHub::start().await;
    let (desk, run) = a_run(&hub).await;
    let id = word(&run, "/run_id");

    let waiting = desk.done(&["selftest", "status", id]).await;
    for words in ["01 … chờ / waiting", word(&run, "/cases/1/mark"), word(&run, "/cases/1/task/vi"), "2 chờ / waiting"]
    {
        assert!(waiting.contains(words), "{words}: {waiting}");
    }
    let again = desk.run(&["selftest", "run", "--agency", "X99.B02"]).await;
    assert!(again.code == 1 && again.err.contains(id), "the run in the way is named: {}", again.err);
    MockDms::new(&hub, Fault::RegistersWhatItRefuses).work(&run).await;
    let failed = desk.run(&["selftest", "status", id]).await;
    let ended = desk.run(&["selftest", "finish", id, "--json"]).await;

    assert_eq!((failed.code, ended.code), (1, 1), "{}{}", failed.out, ended.out);
    let ended: Value = serde_json::from_str(&ended.out).unwrap();
    for words in ["01 ✓ đạt / passed", "06 ✗ không đạt / failed", word(&ended, "/cases/1/remedy/vi")] {
        assert!(failed.out.contains(words), "{words}: {}", failed.out);
    }
    assert_eq!(word(&ended, "/state"), "finished");
    let none = desk.run(&["selftest", "certificate", id, "c.json"]).await;
    assert!(none.code == 1 && none.err.contains("Chưa có giấy chứng nhận"), "{}", none.err);
    assert!(!desk.path("c.json").exists());
}

#[tokio::test]
async fn a_watched_selftest_ends_with_its_run() {
    let hub = TestHub::start().await;
    let (desk, run) = a_run(&hub).await;
    let watch = ["selftest", "status", word(&run, "/run_id"), "--watch", "--every", "1", "--json"];
    let watch = Running::of(desk.command(&watch));

    let first = watch.json().await;
    MockDms::new(&hub, Fault::None).work(&run).await;
    let mut last = first.clone();
    while let Some(line) = watch.line().await {
        last = serde_json::from_str(&line).unwrap();
    }

    assert_eq!((word(&first, "/state"), &first["waiting"]), ("running", &json!(2)));
    assert_eq!((word(&last, "/state"), &last["passed"]), ("finished", &json!(2)));
}

#[tokio::test]
async fn a_certificate_is_saved_and_verified_without_a_hub() {
    let hub = TestHub::start_with(|config| config.selftest.large_file_bytes_max = 200_000).await;
    let desk = Desk::of(&hub, "dms.province");
    let mut run = desk.lines(&["selftest", "run", "--agency", "X99.B02", "--json"]).await.remove(0);
    let id = word(&run, "/run_id").to_owned();
    let mut dms = MockDms::new(&hub, Fault::None);
    for _ in 0..3 {
        dms.work(&run).await;
        run = desk.lines(&["selftest", "status", &id, "--json"]).await.remove(0);
    }
    assert_eq!((&run["state"], &run["failed"]), (&json!("finished"), &json!(0)), "{run:#}");

    desk.done(&["selftest", "sheet", &id, "phieu.html"]).await;
    desk.done(&["selftest", "certificate", &id, "c.json"]).await;
    let printed = desk.done(&["selftest", "certificate", &id]).await;
    let key = desk.done(&["selftest", "key"]).await;
    let sheet = std::fs::read_to_string(desk.path("phieu.html")).unwrap();
    assert!(sheet.contains("PHIẾU KẾT QUẢ TỰ KIỂM TRA KẾT NỐI") && sheet.contains("ĐẠT"));
    assert_eq!(std::fs::read_to_string(desk.path("c.json")).unwrap(), printed);
    desk.file("altered.json", printed.replace("X99.B02", "X99.A01").as_bytes());
    desk.file("nothing.json", &[0xFF, b'{']);
    drop(hub);

    let verify = async |file: &str, key: &str, at: &str| {
        desk.run(&["selftest", "verify", file, "--key", key.trim(), "--at", at]).await
    };
    let holds = verify("c.json", &key, "22/11/2026").await;
    assert!(holds.code == 0 && holds.out.contains("có hiệu lực") && holds.out.contains("X99.B02"), "{}", holds.out);
    let body = desk.lines(&["selftest", "verify", "c.json", "--key", &key, "--at", "2026-11-22", "--json"]).await;
    assert_eq!(word(&body[0], "/run_id"), id);
    for (file, key, at, words) in [
        ("c.json", key.as_str(), "2026-11-20", "hết hiệu lực"),
        ("c.json", &key, "2027-11-23", "hết hiệu lực"),
        ("c.json", "AAAA", "2026-11-22", "chữ ký không đúng"),
        ("altered.json", &key, "2026-11-22", "chữ ký không đúng"),
        ("nothing.json", &key, "2026-11-22", "không phải giấy chứng nhận"),
    ] {
        let refused = verify(file, key, at).await;
        assert!(refused.code == 1 && refused.out.contains(words), "{file} {at}: {}{}", refused.out, refused.err);
    }
    assert_eq!(verify("missing.json", &key, "2026-11-22").await.code, 2);
    assert_eq!(verify("c.json", &key, "yesterday").await.code, 2);
}
