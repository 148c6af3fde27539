//! The sealed ledger: evidence gets its place within a second, whatever dies and whoever else seals; what others are
//! shown proves it; and when nothing is sealed any more, nothing is accepted. Tampering is in `ledger_audit`.

use crate::crash::load::{self, Shared};
use crate::crash::{Random, seed, set_up};
use crate::support::database::Database;
use crate::support::packets::a_document;
use crate::support::program::Program;
use crate::support::{Answer, TestHub, start_of_tests};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, TimeDelta};
use docaxis::config::Config;
use docaxis::domain::evidence::{Evidence, EvidenceEvent};
use docaxis::exchange::audit::{self, Fault};
use docaxis::exchange::seal::{self, Sealer, Standing};
use docaxis::hub::{Clock, Hub};
use docaxis::proof::checkpoint::{Checkpoint, Key};
use docaxis::proof::merkle::{Hash, grew, hash_of, includes, leaf_hash, node_hash};
use docaxis::proof::tile;
use docaxis::store::{Connection, StoreError, evidence};
use futures_util::future::join;
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::mpsc::channel;

/// A node that may seal, since whoever did it before seems to be dead.
pub fn successor(hub: &Hub) -> Sealer {
    hub.clock.forward(TimeDelta::seconds(4));
    Sealer::new(hub)
}

/// Seals all that waits; answers how much that was.
pub async fn seal(hub: &Hub) -> usize {
    let (sealer, mut all) = (successor(hub), 0);
    loop {
        match sealer.round().await.unwrap() {
            0 => return all,
            sealed => all += sealed,
        }
    }
}

/// What an audit finds.
pub async fn faults(hub: &Hub, kept: &[String]) -> Vec<Fault> {
    audit::audit(hub, kept, &mut |_, _, _| {}).await.unwrap().faults
}

pub fn append(tx: &mut Connection, id: &str) -> Result<(), StoreError> {
    let piece = Evidence {
        event: EvidenceEvent::AgencyChanged,
        at: start_of_tests(),
        envelope_id: None,
        delivery_id: None,
        agency: Some("X99.A01".to_owned()),
        system_id: None,
        facts: "{}".to_owned(),
    };
    evidence::append(tx, id, &piece)
}

/// Leaves so many pieces of evidence.
pub async fn leave(hub: &TestHub, number: usize) {
    let ids: Vec<String> = (0..number).map(|_| hub.hub.ids.next()).collect();
    hub.hub.store.write(move |tx| ids.iter().try_for_each(|id| append(tx, id))).await.unwrap();
}

/// Another node: the same database and directory, a memory of its own.
fn second_node(hub: &TestHub) -> Hub {
    Hub::open((*hub.hub.config).clone(), hub.hub.clock.clone()).unwrap()
}

async fn open_text(hub: &TestHub, path: &str) -> Answer {
    Answer::of(hub.client.get(hub.url(path)).send().await.unwrap()).await
}

/// The head that is served, opened with the key that the API names.
async fn head(hub: &TestHub) -> (Checkpoint, String) {
    let ledger = hub.get("dms.national", "/api/v1/ledger").await.json;
    let key = Key::parse(ledger["key"].as_str().unwrap()).unwrap();
    let note = open_text(hub, "/ledger/checkpoint").await.text();
    assert_eq!(ledger["checkpoint"], note.as_str());
    let (checkpoint, at) = key.open(&note).unwrap();
    let signed_at = DateTime::parse_from_rfc3339(ledger["signed_at"].as_str().unwrap()).unwrap();
    assert_eq!(at, u64::try_from(signed_at.timestamp()).ok(), "the time is signed too");
    assert_eq!((&ledger["size"], &ledger["name"]), (&json!(checkpoint.size), &json!(checkpoint.origin)));
    (checkpoint, note)
}

/// The entry of evidence as docs/ledger.md tells it, from what the API shows.
fn entry_of(shown: &Value) -> Vec<u8> {
    let mut record = b"docaxis-evidence/1\n".to_vec();
    for member in ["evidence_id", "event", "envelope_id", "delivery_id", "agency", "system_id", "facts"] {
        let text = shown[member].as_str();
        record.extend(text.map_or(u64::MAX, |text| u64::try_from(text.len()).unwrap()).to_be_bytes());
        record.extend(text.unwrap_or_default().as_bytes());
    }
    let at = DateTime::parse_from_rfc3339(shown["at"].as_str().unwrap()).unwrap();
    let mut entry = vec![1];
    entry.extend(at.timestamp_micros().to_be_bytes());
    entry.extend(digest(&SHA256, &record).as_ref());
    entry
}

fn path_of(shown: &Value) -> Vec<Hash> {
    let texts = shown.as_array().unwrap().iter().map(|hash| hash.as_str().unwrap());
    texts.map(|hash| hash_of(&BASE64.decode(hash).unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn a_party_can_prove_each_piece_of_evidence_with_what_the_hub_shows_it() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let timeline = format!("/api/v1/envelopes/{}/timeline", receipt["envelope_id"].as_str().unwrap());
    let before = hub.get("dms.national", &timeline).await.json["items"].clone();
    seal(&hub.hub).await;

    let after = hub.get("dms.national", &timeline).await.json["items"].clone();
    let (checkpoint, note) = head(&hub).await;
    for (was, is) in before.as_array().unwrap().iter().zip(after.as_array().unwrap()) {
        assert_eq!((&was["sealed"], &is["sealed"]["tree_size"]), (&Value::Null, &json!(checkpoint.size)));
        for system in ["dms.national", "dms.province"] {
            let path = format!("/api/v1/evidence/{}/proof", is["evidence_id"].as_str().unwrap());
            let proof = hub.get(system, &path).await.json;
            let (entry, index) = (entry_of(&proof["evidence"]), proof["sealed"]["index"].as_u64().unwrap());
            assert_eq!(proof["sealed"]["entry"], hex::encode(&entry), "{proof}");
            assert_eq!((&is["sealed"]["index"], &proof["sealed"]["checkpoint"]), (&json!(index), &json!(note)));
            let path = path_of(&proof["sealed"]["path"]);
            assert!(includes((index, leaf_hash(&entry)), &path, (checkpoint.size, checkpoint.root)), "{proof}");
        }
    }
    assert_eq!(after.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn evidence_is_shown_to_its_parties_only() {
    let hub = TestHub::start().await;
    hub.accepted("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;
    hub.post("dms.national", b"no packet".to_vec()).await;
    seal(&hub.hub).await;
    for row in hub.evidence().await {
        let path = format!("/api/v1/evidence/{}/proof", row.evidence_id);
        let mut seen = Vec::new();
        for system in ["dms.national", "dms.province", "dms.commune"] {
            let answer = hub.get(system, &path).await;
            assert!(answer.status == 200 || answer.json["code"] == "not-found", "{}", answer.text());
            seen.extend((answer.status == 200).then_some(system));
        }
        let expected: &[&str] = match (row.event.as_str(), row.agency.as_deref()) {
            ("SubmissionRejection", _) => &["dms.national"],
            (_, Some("X99.B02")) => &["dms.national", "dms.province"],
            (_, Some("X99.C03")) => &["dms.national", "dms.commune"],
            _ => &["dms.national", "dms.province", "dms.commune"],
        };
        assert_eq!(seen, expected, "{row:?}");
    }
    let of_administration = hub.count("SELECT count(*) FROM evidence WHERE event = 'docaxis:KeyChanged'").await;
    assert!(of_administration > 0);
    let unknown = hub.get("dms.national", &format!("/api/v1/evidence/{}/proof", hub.hub.ids.next())).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn tiles_and_entries_are_laid_out_as_the_format_has_them_and_lead_to_the_head() {
    let hub = TestHub::start().await;
    let before = hub.count("SELECT count(*) FROM evidence").await;
    leave(&hub, 700 - usize::try_from(before).unwrap()).await;
    assert_eq!(seal(&hub.hub).await, 700);
    let (checkpoint, _) = head(&hub).await;

    let mut leaves: Vec<Hash> = Vec::new();
    for path in ["000", "001", "002.p/188"] {
        let entries = open_text(&hub, &format!("/ledger/tile/entries/{path}")).await;
        let hashes = open_text(&hub, &format!("/ledger/tile/0/{path}")).await;
        assert_eq!((entries.status, hashes.status), (200, 200));
        for answer in [&entries, &hashes] {
            assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"));
            assert_eq!(answer.headers["content-type"], "application/octet-stream");
        }
        let of_entries: Vec<Hash> = entries.body.chunks(43).map(|entry| leaf_hash(&entry[2..])).collect();
        assert!(entries.body.chunks(43).all(|entry| entry[..3] == [0, 41, 1]));
        assert_eq!(hashes.body, of_entries.concat());
        leaves.extend(of_entries);
    }
    let upper = open_text(&hub, "/ledger/tile/1/000.p/2").await.body;

    assert_eq!((leaves.len(), checkpoint.size), (700, 700));
    let full = |leaves: &[Hash]| {
        let mut level = leaves.to_vec();
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        level[0]
    };
    assert_eq!(upper, [full(&leaves[..256]), full(&leaves[256..512])].concat());
    let mut edge = tile::Edge::default();
    leaves.iter().for_each(|leaf| _ = edge.push(*leaf));
    assert_eq!(edge.root(), checkpoint.root);
}

#[tokio::test]
async fn tiles_that_are_not_there_are_not_found() {
    let hub = TestHub::start().await;
    leave(&hub, 300).await;
    seal(&hub.hub).await;
    let size = head(&hub).await.0.size;
    let wide = format!("/ledger/tile/0/001.p/{}", size - 256 + 1);
    let missing = [
        "/ledger/tile/0/002",
        "/ledger/tile/0/001",
        "/ledger/tile/entries/001",
        "/ledger/tile/1/000",
        "/ledger/tile/2/000",
        "/ledger/tile/64/000",
        "/ledger/tile/00/000",
        "/ledger/tile/-1/000",
        "/ledger/tile/0/0",
        "/ledger/tile/0/x000/001",
        "/ledger/tile/0/000.p/0",
        "/ledger/tile/0/000.p/256",
        "/ledger/tile/0/999/999",
        "/ledger/tile/entries/x999/x999/x999/x999/x999/x999/999",
        &wide,
    ];
    for path in missing {
        assert_eq!(open_text(&hub, path).await.status, 404, "{path}");
    }
    for path in ["/ledger/tile/0/000", "/ledger/tile/0/000.p/7", "/ledger/tile/entries/000", "/ledger/tile/1/000.p/1"] {
        assert_eq!(open_text(&hub, path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn growth_is_proved_between_any_two_heads() {
    let hub = TestHub::start().await;
    let mut heads = Vec::new();
    for more in [0, 1, 300, 77, 700] {
        leave(&hub, more).await;
        seal(&hub.hub).await;
        heads.push(head(&hub).await.0);
    }
    for (place, old) in heads.iter().enumerate() {
        for new in &heads[place..] {
            let path = format!("/api/v1/ledger/consistency?from={}&to={}", old.size, new.size);
            let proof = hub.get("dms.national", &path).await.json;
            assert!(grew((old.size, old.root), &path_of(&proof["path"]), (new.size, new.root)), "{path}: {proof}");
        }
    }
    let newest = hub.get("dms.national", "/api/v1/ledger/consistency?from=1").await.json;
    assert_eq!(newest["to"], heads.last().unwrap().size);
    for wrong in ["from=2&to=1", "from=0&to=99999", "from=99999", "from=-1", "from=x", "to=x"] {
        let answer = hub.get("dms.national", &format!("/api/v1/ledger/consistency?{wrong}")).await;
        assert_eq!((answer.status, &answer.json["code"]), (400, &json!("malformed")), "{wrong}");
    }
}

#[tokio::test]
async fn evidence_of_before_the_ledger_is_sealed_too() {
    let hub = TestHub::start().await;
    leave(&hub, 20).await;
    let database = if hub.is_postgres() { "postgres" } else { "sqlite" };
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
    for file in ["down.sql", "up.sql"] {
        hub.sql(&std::fs::read_to_string(folder.join("2026-11-26-000000_ledger").join(file)).unwrap()).await;
    }

    let sealed = seal(&hub.hub).await;

    assert_eq!(i64::try_from(sealed).unwrap(), hub.count("SELECT count(*) FROM evidence").await);
    assert_eq!(faults(&hub.hub, &[]).await, []);
}

#[tokio::test]
async fn evidence_whose_id_is_smaller_than_sealed_ones_is_sealed() {
    let hub = TestHub::start().await;
    seal(&hub.hub).await;
    hub.hub.store.write(|tx| append(tx, "00000000000070008000000000000000")).await.unwrap();

    assert_eq!(seal(&hub.hub).await, 1);
    assert_eq!(faults(&hub.hub, &[]).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_commits_late_is_sealed_when_it_does() {
    let hub = TestHub::start().await;
    if !hub.is_postgres() {
        // SQLite has one writer: nothing commits after what began later.
        return;
    }
    let (early, began) = channel();
    let (release, until) = channel::<()>();
    let (early, until) = (Mutex::new(early), Mutex::new(until));
    let id = hub.hub.ids.next();
    let store = hub.hub.store.clone();
    let late = tokio::spawn(async move {
        let id = id;
        let written = store.write(move |tx| {
            append(tx, &id)?;
            // Whatever is asked has the row written first; it is not committed yet.
            assert!(evidence::find(tx, &id)?.is_some());
            early.lock().unwrap().send(()).unwrap();
            let _ = until.lock().unwrap().recv();
            Ok(())
        });
        written.await.unwrap();
    });
    tokio::task::spawn_blocking(move || began.recv().unwrap()).await.unwrap();
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    assert!(seal(&hub.hub).await > 0);

    drop(release);
    late.await.unwrap();

    assert_eq!(seal(&hub.hub).await, 1);
    assert_eq!(faults(&hub.hub, &[]).await, []);
}

#[tokio::test]
async fn of_two_nodes_one_seals_until_its_head_is_old() {
    let hub = TestHub::start().await;
    let other = second_node(&hub);
    let (one, two) = (Sealer::new(&hub.hub), Sealer::new(&other));
    assert!(one.round().await.unwrap() > 0);
    leave(&hub, 5).await;

    assert_eq!(two.round().await.unwrap(), 0, "it is the other's turn");
    assert_eq!(one.round().await.unwrap(), 5);
    leave(&hub, 7).await;
    hub.after(TimeDelta::seconds(4));
    assert_eq!(two.round().await.unwrap(), 7, "the other seems to be dead");
    leave(&hub, 1).await;
    assert_eq!(one.round().await.unwrap(), 0, "now it is the second one's turn");

    assert_eq!(two.round().await.unwrap(), 1);
    assert_eq!(faults(&hub.hub, &[]).await, []);
    other.store.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_seal_at_once_leave_neither_gap_nor_fork() {
    let hub = TestHub::start().await;
    let other = second_node(&hub);
    let (one, two) = (Sealer::new(&hub.hub), Sealer::new(&other));
    let mut sealed = 0;
    for _ in 0..10 {
        leave(&hub, 30).await;
        hub.after(TimeDelta::seconds(4));
        let (by_one, by_two) = join(one.round(), two.round()).await;
        sealed += by_one.unwrap() + by_two.unwrap();
    }
    assert_eq!(i64::try_from(sealed).unwrap(), hub.count("SELECT count(*) FROM ledger_entries").await);
    assert_eq!(hub.count("SELECT count(*) FROM unsealed").await, 0, "one of the two took what was left each time");
    assert_eq!(faults(&hub.hub, &[]).await, []);
    other.store.close();
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_head_older_and_stops_nobody() {
    let hub = TestHub::start().await;
    let other = second_node(&hub);
    let (one, two) = (Sealer::new(&hub.hub), Sealer::new(&other));
    one.round().await.unwrap();
    let (old, _) = head(&hub).await;
    let signed_at = async || {
        let shown = hub.get("dms.national", "/api/v1/ledger").await.json["signed_at"].clone();
        DateTime::parse_from_rfc3339(shown.as_str().unwrap()).unwrap()
    };
    let before = signed_at().await;
    hub.after(-TimeDelta::hours(3));
    hub.accepted("dms.national", a_document("d1").bytes()).await;

    assert!(one.round().await.unwrap() > 0);
    leave(&hub, 1).await;
    assert_eq!(two.round().await.unwrap(), 0, "it sees the head for the first time");
    hub.after(TimeDelta::seconds(4));
    assert_eq!(two.round().await.unwrap(), 1, "and has seen no other one since");

    assert!(signed_at().await >= before);
    assert!(head(&hub).await.0.size > old.size);
    assert_eq!(faults(&hub.hub, &[]).await, []);
    other.store.close();
}

#[tokio::test]
async fn a_head_is_signed_each_minute_though_nothing_happens_and_few_are_kept() {
    let hub = TestHub::start().await;
    let sealer = Sealer::new(&hub.hub);
    sealer.round().await.unwrap();
    let (first, note) = head(&hub).await;
    hub.after(TimeDelta::seconds(59));
    sealer.round().await.unwrap();
    assert_eq!(head(&hub).await.1, note, "it is fresh");
    hub.after(TimeDelta::seconds(1));
    sealer.round().await.unwrap();
    let (second, renewed) = head(&hub).await;
    assert!(renewed != note && second == first, "the same tree at another time");
    for _ in 0..120 {
        leave(&hub, 1).await;
        hub.after(TimeDelta::seconds(1));
        sealer.round().await.unwrap();
    }
    let kept = hub.count("SELECT count(*) FROM checkpoints").await;
    assert!((2..=4).contains(&kept), "one a minute: {kept}");
    assert_eq!(faults(&hub.hub, &[note]).await, []);
}

#[tokio::test]
async fn when_sealing_falls_behind_the_hub_says_so_and_then_accepts_nothing() {
    let hub = TestHub::start().await;
    let sealer = Sealer::new(&hub.hub);
    sealer.round().await.unwrap();
    let check = async || {
        let answer = open_text(&hub, "/readyz").await;
        let checks = answer.json["checks"].as_array().unwrap().clone();
        (answer.status, checks.into_iter().find(|check| check["name"] == "ledger").unwrap())
    };
    assert_eq!(check().await, (200, json!({ "name": "ledger", "ok": true, "vi": "", "en": "" })));

    hub.after(TimeDelta::seconds(180));
    let (status, late) = check().await;
    assert_eq!((status, &late["ok"]), (200, &json!(true)));
    assert!(late["en"].as_str().unwrap().contains("180 seconds") && late["vi"].as_str().unwrap().contains("180 giây"));
    assert_eq!(hub.post("dms.national", a_document("d1").bytes()).await.status, 201);
    let counted = open_text(&hub, "/metrics").await.text();
    assert!(counted.contains("docaxis_ledger_silence_seconds 180.0"), "{counted}");

    hub.after(TimeDelta::hours(4));
    let refused = hub.post("dms.national", a_document("d2").bytes()).await;
    assert_eq!((refused.status, &refused.json["code"]), (503, &json!("evidence-not-sealed")));
    assert_eq!(refused.headers["retry-after"], "60");
    let (status, stopped) = check().await;
    assert_eq!((status, &stopped["ok"]), (503, &json!(false)));
    let waiting = hub.waiting("dms.province").await;
    assert_eq!(hub.fetch("dms.province", &waiting[0]).await.status, 200, "what is there is handed out all the same");

    sealer.round().await.unwrap();
    assert_eq!(hub.post("dms.national", a_document("d2").bytes()).await.status, 201);
    assert_eq!(check().await.0, 200);
}

#[tokio::test]
async fn a_clock_that_ran_ahead_hides_no_standstill_and_thins_no_heads() {
    let hub = TestHub::start().await;
    hub.after(TimeDelta::days(365));
    let sealer = Sealer::new(&hub.hub);
    sealer.round().await.unwrap();
    hub.after(-TimeDelta::days(365));
    assert_eq!(seal::standing(&hub.hub), Standing::Well);
    let (_, note) = head(&hub).await;
    hub.after(TimeDelta::seconds(60));
    sealer.round().await.unwrap();
    assert_eq!(seal::standing(&hub.hub), Standing::Well);
    assert_eq!(seal::silence(&hub.hub), TimeDelta::zero(), "a head is signed though nothing happens");
    for _ in 0..5 {
        leave(&hub, 1).await;
        hub.after(TimeDelta::minutes(1));
        assert_eq!(sealer.round().await.unwrap(), 1);
    }
    assert_eq!(hub.count("SELECT count(*) FROM checkpoints").await, 6, "one a minute");
    let other = second_node(&hub);
    let two = Sealer::new(&other);
    assert_eq!(faults(&hub.hub, &[note]).await, []);

    hub.tamper("UPDATE checkpoints SET note = 'broken' WHERE tree_size = (SELECT max(tree_size) FROM checkpoints)")
        .await;
    leave(&hub, 1).await;
    let mut told = Vec::new();
    for seconds in [1, 179, 14_220] {
        hub.after(TimeDelta::seconds(seconds));
        for (node, sealer) in [(&hub.hub, &sealer), (&other, &two)] {
            let _ = sealer.round().await;
            told.push(seal::standing(node));
        }
    }
    use Standing::{Late, Stopped, Well};
    assert_eq!(told, [Well, Well, Late, Well, Stopped, Late]);
    other.store.close();
}

#[tokio::test]
async fn ids_without_evidence_keep_nothing_from_being_sealed() {
    let hub = TestHub::start_with(|config| config.ledger.batch_max = 2).await;
    seal(&hub.hub).await;
    for id in 0..3 {
        hub.tamper(&format!("INSERT INTO unsealed (evidence_id) VALUES ('{id}')")).await;
    }
    leave(&hub, 3).await;

    assert_eq!(seal(&hub.hub).await, 3);
}

#[tokio::test]
async fn without_a_second_limit_everything_is_accepted_for_ever() {
    let hub = TestHub::start_with(|config| config.ledger.stop_seconds = 0).await;
    Sealer::new(&hub.hub).round().await.unwrap();

    hub.after(TimeDelta::days(30));

    assert_eq!(hub.post("dms.national", a_document("d1").bytes()).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_killed_while_it_seals_leaves_neither_gap_nor_fork() {
    let (mut random, book) = (Random::seeded(seed()), Shared::default());
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let database = Database::make(&data).await;
    let program = Program::new(&data, &database.url).with("DOCAXIS__LEDGER__TICK_MILLISECONDS", "1");
    let parties = set_up(&program);
    let kept = folder.path().join("kept.txt");
    let mut serving = program.serve();
    let first = load::choose(&book, &mut random);
    assert_eq!(load::post(&parties, &book, &serving.url, &first, &mut random).await, Some(true));
    serving.terminate();
    serving.wait();
    assert_eq!(database.count("SELECT count(*) FROM unsealed").await, 0, "whoever stops in order seals what waits");
    for _ in 0..4 {
        let mut serving = program.serve();
        load::until_killed(&parties, &book, &mut serving, &mut random).await;
        let serving = program.serve();
        let note = parties.client.get(format!("{}/ledger/checkpoint", serving.url)).send().await.unwrap();
        let (is_signed, note) = (note.status() == 200, note.text().await.unwrap());
        drop(serving);

        let mut arguments = vec!["ledger", "verify", "--json"];
        if kept.exists() {
            arguments.extend(["--checkpoint", kept.to_str().unwrap()]);
        }
        program.done(&arguments);
        if is_signed {
            std::fs::write(&kept, note).unwrap();
        }
    }
    let mut config = Config::default();
    config.data.directory = data;
    config.database.url = database.url.clone().into();
    let hub = Hub::open(config, Clock::still(Clock::System.now())).unwrap();
    seal(&hub).await;
    hub.store.close();
    let whole = program.done(&["ledger", "verify", "--json", "--checkpoint", kept.to_str().unwrap()]);
    let whole: Value = serde_json::from_str(whole.lines().last().unwrap()).unwrap();
    assert_eq!(whole["entries"], database.count("SELECT count(*) FROM evidence").await);
    let shown: Value = serde_json::from_str(&program.done(&["ledger", "show", "--json"])).unwrap();
    assert_eq!((&shown["size"], &whole["faults"]), (&whole["entries"], &json!(0)));
}
