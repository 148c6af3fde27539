//! Witnesses: others cosign the heads of this ledger, and this hub those of others, as C2SP tlog-witness says. A forked ledger is
//! refused and named, a cosignature whose time was altered is found, and whoever is away holds nothing up.

use crate::ledger::{append, faults, leave, seal};
use crate::receipts::{Folder, by_page, capsule, flaws_of, pem, trust};
use crate::support::database::Database;
use crate::support::packets::a_document;
use crate::support::program::Program;
use crate::support::{Answer, TestHub, start_of_tests};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::TimeDelta;
use docaxis::channel::push::Pusher;
use docaxis::config::Config;
use docaxis::exchange::audit::Fault;
use docaxis::exchange::verify::{self, Flaw, Look, Trust};
use docaxis::exchange::{cosign, health, prove, seal as sealing, witness};
use docaxis::hub::{Clock, Hub};
use docaxis::proof::checkpoint::{Checkpoint, Key};
use docaxis::proof::merkle::{Hash, leaf_hash, node_hash};
use docaxis::proof::witness::Asked;
use docaxis::signer::Signer;
use docaxis::store::witnesses::{self, CosignatureRow, WitnessRow};
use futures_util::future::join;
use std::path::{Path, PathBuf};

/// A hub that others may ask to cosign.
async fn a_witness() -> TestHub {
    TestHub::start_with(|config| config.ledger.name = "witness.example/ledger".to_owned()).await
}

fn key_of(witness: &TestHub) -> Key {
    witness::own_key(&witness.hub)
}

/// Where a witness is asked, with its key.
fn asked_at(witness: &TestHub) -> String {
    format!("{} {}", key_of(witness).of_witness(), witness.url("/witness"))
}

/// Lets a hub cosign the heads that this key signs.
fn watch(witness: &TestHub, key: &Key) {
    let mut config = (*witness.hub.config).clone();
    config.witness.watched = key.to_string();
    witness.hub.put_in_force(config);
}

fn calls_here(config: &mut Config, asked: &str) {
    config.ledger.name = "log.example/ledger".to_owned();
    config.push.networks = "127.0.0.0/8".to_owned();
    config.push.plain_http = true;
    config.push.answer_timeout_seconds = 2;
    config.witness.asked = asked.to_owned();
}

/// A hub with a ledger that a witness cosigns.
async fn cosigned() -> (TestHub, TestHub) {
    let witness = a_witness().await;
    let asked = asked_at(&witness);
    let log = TestHub::start_with(|config| calls_here(config, &asked)).await;
    watch(&witness, &sealing::keys(&log.hub)[0]);
    (log, witness)
}

/// Asks every witness whose turn it is by now; answers how many cosigned.
async fn ask(hub: &Hub) -> usize {
    hub.clock.forward(TimeDelta::minutes(1));
    cosign::round(hub, &Pusher::new(&hub.config.push).unwrap()).await.unwrap()
}

async fn standing(hub: &Hub) -> WitnessRow {
    cosign::standing(hub).await.unwrap().remove(0).1.unwrap()
}

async fn served(hub: &TestHub) -> String {
    Answer::of(hub.client.get(hub.url("/ledger/checkpoint")).send().await.unwrap()).await.text()
}

async fn add_checkpoint(witness: &TestHub, body: impl Into<String>) -> Answer {
    let request = witness.client.post(witness.url("/witness/add-checkpoint")).body(body.into());
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cosigned_head_is_served_and_capsules_lead_to_it() {
    let (log, witness) = cosigned().await;
    log.accepted("dms.national", a_document("d1").bytes()).await;
    seal(&log.hub).await;
    assert_eq!(ask(&log.hub).await, 1);

    let (note, key) = (served(&log).await, key_of(&witness));
    assert_eq!(key.cosigned(&note), Ok(u64::try_from(witness.now().timestamp()).ok()), "{note}");
    let ledger = log.get("dms.national", "/api/v1/ledger").await.json;
    assert_eq!((&ledger["cosigned"], &ledger["checkpoint"]), (&note.clone().into(), &note.clone().into()));
    assert_eq!(witness.count("SELECT count(*) FROM watched_ledgers WHERE refused IS NULL").await, 1);
    // The ledger goes on; what the capsule needs stands under the cosigned head, which stays.
    leave(&log, 20).await;
    seal(&log.hub).await;
    assert_eq!(key.cosigned(&served(&log).await), Ok(None), "nobody was asked yet");
    let delivery = log.waiting("dms.province").await[0].clone();
    let file = capsule(&log, "dms.national", &delivery).await;
    assert!(file.contains(&serde_json::to_string(&note).unwrap()), "{file}");

    let with = |keys: Vec<Key>, trust: &Trust| Trust { witness_keys: keys, ..trust.clone() };
    let trust = trust(&log).await;
    let trusting = with(vec![key.clone()], &trust);
    let report = verify::verify(file.as_bytes(), &trusting);
    assert!(report.holds() && report.tells.iter().any(|line| line.contains(key.name())), "{report:?}");
    let other = Key::of(key.name(), &Signer::derived(b"other", "test").unwrap());
    assert_eq!(flaws_of(&file, &with(vec![other], &trust)), [(Look::Cosignature, Flaw::NotCosigned)]);
    // One bit of the time that the witness signed.
    let line = note.lines().last().unwrap();
    let (head, signature) = line.rsplit_once(' ').unwrap();
    let mut bytes = BASE64.decode(signature).unwrap();
    bytes[11] ^= 1;
    let retimed = file.replace(line, &format!("{head} {}", BASE64.encode(&bytes)));
    assert_eq!(flaws_of(&retimed, &trusting), [(Look::Cosignature, Flaw::Cosignature)]);
    assert_eq!(flaws_of(&retimed, &trust), [], "whom nobody trusts nobody looks at");

    let folder = Folder::new();
    folder.keep("hub.pem", &pem(&log).await);
    folder.keep("witnesses.txt", &key.of_witness());
    std::fs::write(folder.0.path().join("packet.edxml"), a_document("d1").bytes()).unwrap();
    for (name, text) in [("cosigned.json", &file), ("retimed.json", &retimed)] {
        folder.keep(name, text);
        let ours: Vec<String> = flaws_of(text, &trusting).iter().map(|(_, flaw)| flaw.code().to_owned()).collect();
        let path = |name: &str| folder.0.path().join(name).to_str().unwrap().to_owned();
        let arguments = ["verify", &path(name), "--trust", &path("hub.pem"), "--witness-key", &key.of_witness()];
        assert_eq!(log.program().run(&arguments).code, i32::from(!ours.is_empty()));
        let theirs = by_page(&folder, name);
        assert_eq!(theirs.into_iter().map(|(_, code)| code).collect::<Vec<_>>(), ours);
    }
}

/// A ledger of two entries that no hub keeps.
struct Toy {
    signer: Signer,
    leaves: [Hash; 3],
}

impl Toy {
    fn new() -> Self {
        let leaves = [b"0", b"1", b"2"].map(|entry| leaf_hash(entry));
        Self { signer: Signer::derived(b"toy", "test").unwrap(), leaves }
    }

    fn key(&self) -> Key {
        Key::of("toy.example/log", &self.signer)
    }

    fn head(&self, size: u64, root: Hash) -> String {
        Checkpoint { origin: "toy.example/log".to_owned(), size, root }.signed(&self.signer, 1)
    }

    /// Its head of one or two entries; the second is the one of that index.
    fn of(&self, size: u64, second: usize) -> String {
        let first = self.leaves[0];
        self.head(size, if size == 1 { first } else { node_hash(&first, &self.leaves[second]) })
    }

    fn body(&self, old: u64, path: &[Hash], note: String) -> String {
        Asked { old, path: path.to_vec(), note }.body()
    }
}

/// Shows a hub two heads of one size of the same ledger.
pub async fn show_a_fork(witness: &TestHub) {
    let toy = Toy::new();
    watch(witness, &toy.key());
    for (old, root, status) in [(0, toy.leaves[0], 200), (1, toy.leaves[1], 409)] {
        assert_eq!(add_checkpoint(witness, toy.body(old, &[], toy.head(1, root))).await.status, status);
    }
}

#[tokio::test]
async fn a_witness_answers_exactly_as_the_protocol_says() {
    let (witness, toy) = (a_witness().await, Toy::new());
    let first = toy.body(0, &[], toy.of(1, 0));
    assert_eq!(add_checkpoint(&witness, first.clone()).await.status, 404, "nobody's ledger");
    watch(&witness, &toy.key());
    for wrong in ["", "old 0\n", "old 1\n\nno note", &toy.body(2, &[], toy.of(1, 0))] {
        assert_eq!(add_checkpoint(&witness, wrong).await.status, 400, "{wrong}");
    }
    let forger = Toy { signer: Signer::derived(b"forger", "test").unwrap(), ..Toy::new() };
    assert_eq!(add_checkpoint(&witness, toy.body(0, &[], forger.of(1, 0))).await.status, 403);
    assert_eq!(add_checkpoint(&witness, toy.body(0, &[toy.leaves[0]], toy.of(1, 0))).await.status, 422);

    let cosigned = add_checkpoint(&witness, first.clone()).await;
    assert_eq!(cosigned.status, 200, "{}", cosigned.text());
    let note = toy.of(1, 0) + &cosigned.text();
    assert_eq!(key_of(&witness).cosigned(&note), Ok(u64::try_from(witness.now().timestamp()).ok()));
    let known = add_checkpoint(&witness, first).await;
    assert_eq!((known.status, known.text().as_str()), (409, "1\n"));
    assert_eq!(known.headers["content-type"], "text/x.tlog.size");
    assert_eq!(add_checkpoint(&witness, toy.body(1, &[], toy.of(1, 0))).await.status, 200, "the same head again");

    // Two at once from the same size, each with a proof that holds: one of them is too late.
    let two = |second: usize| toy.body(1, &[toy.leaves[second]], toy.of(2, second));
    let (one, other) = join(add_checkpoint(&witness, two(1)), add_checkpoint(&witness, two(2))).await;
    let mut both = [one.status, other.status];
    both.sort_unstable();
    assert_eq!(both, [200, 409]);
    let (kept, lost) = if one.status == 200 { (1, 2) } else { (2, 1) };
    let forked = add_checkpoint(&witness, toy.body(2, &[], toy.of(2, lost))).await;
    assert_eq!((forked.status, forked.text().as_str()), (409, "2\n"), "the same size and another root");
    assert_eq!(add_checkpoint(&witness, toy.body(2, &[], toy.of(2, kept))).await.status, 200);
    let bad = add_checkpoint(&witness, toy.body(2, &[toy.leaves[0]], toy.head(3, toy.leaves[2]))).await;
    assert_eq!((bad.status, &bad.json["code"]), (422, &"ledger-not-grown".into()));
    // Kept as evidence with the signed head, once until the ledger grows again.
    let refused: Vec<_> =
        witness.evidence().await.into_iter().filter(|row| row.event == "docaxis:LedgerRefused").collect();
    let facts: serde_json::Value = serde_json::from_str(&refused[0].facts).unwrap();
    assert_eq!((refused.len(), &facts["why"], &facts["cosigned_size"]), (1, &"root".into(), &2.into()));
    assert_eq!(facts["head"], toy.of(2, lost));
    let large = "x".repeat(70_000);
    assert_eq!(add_checkpoint(&witness, large).await.status, 413);
}

/// A place for a hub without a server, on the database of this run.
struct Place {
    data: PathBuf,
    database: Database,
    config: Config,
}

impl Place {
    async fn new(folder: &Path, asked: &str) -> Self {
        let data = folder.join("data");
        std::fs::create_dir_all(&data).unwrap();
        let database = Database::make(&data).await;
        let mut config = Config::default();
        config.data.directory.clone_from(&data);
        config.database.url = database.url.clone().into();
        calls_here(&mut config, asked);
        Self { data, database, config }
    }

    fn open(&self, clock: &Clock) -> Hub {
        Hub::open(self.config.clone(), clock.clone()).unwrap()
    }

    fn program(&self) -> Program {
        Program::new(&self.data, &self.database.url)
    }
}

async fn sealed_more(hub: &Hub, number: usize) {
    let ids: Vec<String> = (0..number).map(|_| hub.ids.next()).collect();
    hub.store.write(move |tx| ids.iter().try_for_each(|id| append(tx, id))).await.unwrap();
    seal(hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_goes_on_from_a_backup_is_refused_and_named_on_both_sides() {
    let (witness, folders) = (a_witness().await, [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()]);
    let (asked, clock) = (asked_at(&witness), Clock::still(start_of_tests()));
    let [before, after] = [&folders[0], &folders[1]];
    let (before, after) = (Place::new(before.path(), &asked).await, Place::new(after.path(), &asked).await);
    let log = before.open(&clock);
    watch(&witness, &sealing::keys(&log)[0]);
    sealed_more(&log, 5).await;
    assert_eq!(ask(&log).await, 1);
    let backup = folders[0].path().join("backup").to_str().unwrap().to_owned();
    before.program().done(&["backup", "--with-key", &backup]);
    sealed_more(&log, 5).await;
    assert_eq!(ask(&log).await, 1, "ten entries");
    log.store.close();
    drop(log);

    after.program().done(&["restore", &backup]);
    let log = after.open(&clock);
    sealed_more(&log, 2).await;
    assert_eq!(ask(&log).await, 0, "seven entries are fewer than ten");
    let shorter = standing(&log).await;
    assert!(shorter.trouble.contains("cosigned 10 entries, and there are 7"), "{}", shorter.trouble);
    assert_eq!(witness.actors("docaxis:LedgerRefused").await, [], "a smaller ledger alone proves nothing");
    clock.forward(TimeDelta::hours(1));
    sealed_more(&log, 5).await;
    assert_eq!(ask(&log).await, 0, "twelve entries, but others");

    let forked = standing(&log).await;
    assert!(forked.trouble.contains("did not grow from the 10 entries"), "{}", forked.trouble);
    assert_eq!((forked.failures, forked.tree_size), (2, 10));
    assert_eq!(witness.actors("docaxis:LedgerRefused").await, [None]);
    let watched = witness::list(&witness.hub).await.unwrap().remove(0);
    assert_eq!((watched.origin.as_str(), watched.tree_size), ("log.example/ledger", 10));
    let kept = sealing::opened(&sealing::keys(&log), &watched.refused.unwrap()).unwrap();
    assert_eq!(kept.0.size, 12, "what the log itself signed proves it");
    assert!(witness.program().done(&["witness", "list"]).contains("refused since"));
    let told = witness.program().run(&["doctor", "--json"]);
    assert!(told.out.contains("witness.refused"), "{}", told.out);

    // Its operator told of the restore.
    let forget = ["witness", "forget", "log.example/ledger", "--reason", "khôi phục từ bản sao lưu"];
    witness.program().done(&forget);
    assert_eq!(witness.program().run(&forget).code, 1, "nothing is left to forget");
    clock.forward(TimeDelta::hours(1));
    assert_eq!((ask(&log).await, standing(&log).await.trouble), (1, String::new()));
}

#[tokio::test]
async fn a_witness_that_is_away_or_another_holds_nothing_up_and_is_told_of() {
    let witness = a_witness().await;
    let away = format!("{} http://127.0.0.1:1", key_of(&witness).of_witness());
    let log = TestHub::start_with(|config| calls_here(config, &away)).await;
    assert_eq!(ask(&log.hub).await, 0);
    assert_eq!(log.count("SELECT count(*) FROM witnesses").await, 0, "there is no head yet");
    log.accepted("dms.national", a_document("d1").bytes()).await;
    assert!(seal(&log.hub).await > 0);
    assert_eq!(ask(&log.hub).await, 0);
    let row = standing(&log.hub).await;
    assert!(row.failures == 1 && row.due_at() > log.now() && row.trouble.contains("no connection"), "{row:?}");
    log.accepted("dms.national", a_document("d2").bytes()).await;
    assert!(seal(&log.hub).await > 0, "sealing and accepting go on");
    let said = |checks: Vec<health::Check>| checks.into_iter().find(|check| check.name == "witnesses").unwrap();
    assert_eq!(said(health::readiness(&log.hub).await).en, "");

    log.after(TimeDelta::hours(2));
    assert_eq!(ask(&log.hub).await, 0);
    let late = said(health::readiness(&log.hub).await);
    assert!(late.ok && late.en.contains("1 witnesses"), "{late:?}");
    let metrics = health::exposition(&log.hub).await.unwrap();
    assert!(
        metrics.contains("docaxis_witnesses_late 1")
            && metrics.contains("docaxis_witness_turns_total{outcome=\"later\"} 2")
    );
    let program = log.program().with("DOCAXIS__WITNESS__ASKED", &away);
    assert!(program.done(&["witness", "list"]).contains("failures in a row 2"));

    // Somebody answers there, under another key than the one that is known.
    let other = Key::of(key_of(&witness).name(), &Signer::derived(b"other", "test").unwrap());
    let mut config = (*log.hub.config).clone();
    config.witness.asked = format!("{} {}", other.of_witness(), witness.url("/witness"));
    watch(&witness, &sealing::keys(&log.hub)[0]);
    log.hub.put_in_force(config);
    let mut hub = log.hub.clone();
    hub.refresh();
    hub.clock.forward(TimeDelta::hours(2));
    assert_eq!(ask(&hub).await, 0);
    assert!(standing(&hub).await.trouble.contains("no cosignature of its key"));
    assert_eq!(log.count("SELECT count(*) FROM cosignatures").await, 0);
}

#[tokio::test]
async fn who_died_between_asking_and_keeping_goes_on_from_what_the_witness_has() {
    let (log, witness) = cosigned().await;
    leave(&log, 3).await;
    seal(&log.hub).await;
    // The witness cosigned, and nobody kept it.
    let note = served(&log).await;
    let lost = add_checkpoint(&witness, Asked { old: 0, path: Vec::new(), note }.body()).await;
    assert_eq!(lost.status, 200, "{}", lost.text());
    leave(&log, 3).await;
    seal(&log.hub).await;

    assert_eq!(ask(&log.hub).await, 1, "with the proof from the size that the witness said");
    let size = standing(&log.hub).await.tree_size;
    assert_eq!(key_of(&witness).cosigned(&served(&log).await), Ok(u64::try_from(witness.now().timestamp()).ok()));
    // Two nodes at once: one asks.
    log.hub.clock.forward(TimeDelta::minutes(1));
    let pusher = Pusher::new(&log.hub.config.push).unwrap();
    let other = log.another_node();
    let (one, two) = join(cosign::round(&log.hub, &pusher), cosign::round(&other, &pusher)).await;
    assert_eq!((one.unwrap() + two.unwrap(), standing(&log.hub).await.tree_size), (1, size));
}

#[tokio::test]
async fn a_cosignature_that_was_altered_in_the_database_is_named() {
    let (log, _witness) = cosigned().await;
    leave(&log, 3).await;
    seal(&log.hub).await;
    assert_eq!(ask(&log.hub).await, 1);
    assert_eq!(faults(&log.hub, &[]).await, []);
    let head = prove::view(&log.hub).await.unwrap().cosigned.unwrap();
    let name = standing(&log.hub).await.witness;

    let (at, row) = (log.now().naive_utc(), name.clone());
    let wrong =
        CosignatureRow { tree_size: head.tree_size, witness: row, cosigned_at: at, line: "— a b\n".to_owned() };
    log.hub.store.write(move |tx| witnesses::keep(tx, &head, &wrong)).await.unwrap();

    let size = u64::try_from(log.count("SELECT max(tree_size) FROM cosignatures").await).unwrap();
    assert_eq!(faults(&log.hub, &[]).await, [Fault::CosignatureAltered(size, name)]);
}

#[tokio::test]
async fn a_proof_that_anybody_made_up_hides_no_fork() {
    let (witness, toy) = (a_witness().await, Toy::new());
    watch(&witness, &toy.key());
    assert_eq!(add_checkpoint(&witness, toy.body(0, &[], toy.of(1, 0))).await.status, 200);
    let refused = "SELECT count(*) FROM evidence WHERE event = 'docaxis:LedgerRefused' AND facts LIKE ";
    let made_up = || toy.body(1, &[toy.leaves[2]], toy.of(2, 1));
    for _ in 0..2 {
        assert_eq!(add_checkpoint(&witness, made_up()).await.status, 422);
    }
    assert_eq!(witness.count(&format!("{refused}'%\"why\":\"proof\"%'")).await, 1);

    for _ in 0..2 {
        let forked = toy.body(1, &[], toy.head(1, toy.leaves[1]));
        assert_eq!(add_checkpoint(&witness, forked).await.status, 409);
    }

    assert_eq!(witness.count(&format!("{refused}'%\"why\":\"root\"%'")).await, 1);
}
