//! Tampering for real: triggers are dropped, and a row, a byte, a time or a signature is changed behind the hub's back.
//! Each is found and named with its place.

use crate::ledger::{append, faults, leave, seal, successor};
use crate::support::TestHub;
use docaxis::exchange::audit::{self, Fault};
use docaxis::exchange::seal::{Sealer, keys};
use docaxis::proof::checkpoint::{Checkpoint, NoteFault};
use docaxis::proof::merkle::{Hash, leaf_hash};
use docaxis::proof::tile::{Edge, Tile};
use docaxis::store::ledger;
use tokio::runtime::Handle;

/// A hub with 400 sealed pieces of evidence, and nothing in the database that refuses a change.
async fn unguarded() -> TestHub {
    let hub = TestHub::start().await;
    let before = usize::try_from(hub.count("SELECT count(*) FROM evidence").await).unwrap();
    leave(&hub, 400 - before).await;
    assert_eq!(seal(&hub.hub).await, 400);
    assert_eq!(faults(&hub.hub, &[]).await, []);
    for (trigger, table) in [
        ("evidence_is_never_changed", "evidence"),
        ("evidence_is_never_deleted", "evidence"),
        ("ledger_entry_is_never_changed", "ledger_entries"),
        ("ledger_entry_is_never_deleted", "ledger_entries"),
    ] {
        let on = if hub.is_postgres() { format!(" ON {table}") } else { String::new() };
        hub.tamper(&format!("DROP TRIGGER {trigger}{on}")).await;
    }
    hub
}

/// The evidence at an index.
async fn at(hub: &TestHub, index: i64) -> String {
    let entries = hub.hub.store.read(move |tx| ledger::entries(tx, index..index + 1)).await.unwrap();
    entries[0].evidence_id.clone()
}

/// SQL that turns the last byte of a column into another one.
pub fn flipped(hub: &TestHub, column: &str) -> String {
    match hub.is_postgres() {
        true => format!("set_byte({column}, length({column}) - 1, 255 - get_byte({column}, length({column}) - 1))"),
        false => format!(
            "unhex(substr(hex({column}), 1, 2 * length({column}) - 1) || \
             CASE substr(hex({column}), -1) WHEN '0' THEN '1' ELSE '0' END)"
        ),
    }
}

async fn note(hub: &TestHub) -> String {
    hub.hub.store.read(ledger::head).await.unwrap().unwrap().note
}

#[tokio::test]
async fn an_altered_piece_of_evidence_is_named() {
    let hub = unguarded().await;
    let id = at(&hub, 317).await;
    hub.tamper(&format!("UPDATE evidence SET facts = '{{ }}' WHERE evidence_id = '{id}'")).await;

    assert_eq!(faults(&hub.hub, &[]).await, [Fault::Altered(317, id)]);
}

#[tokio::test]
async fn a_piece_of_evidence_with_another_time_is_named() {
    let hub = unguarded().await;
    let id = at(&hub, 0).await;
    hub.tamper(&format!("UPDATE evidence SET at = '2026-11-20 02:00:00' WHERE evidence_id = '{id}'")).await;

    assert_eq!(faults(&hub.hub, &[]).await, [Fault::Retimed(0, id)]);
}

#[tokio::test]
async fn a_piece_of_evidence_that_is_gone_is_named() {
    let hub = unguarded().await;
    let id = at(&hub, 399).await;
    hub.tamper(&format!("DELETE FROM evidence WHERE evidence_id = '{id}'")).await;

    assert_eq!(faults(&hub.hub, &[]).await, [Fault::Removed(399, id)]);
    leave(&hub, 1).await;
    assert_eq!(seal(&hub.hub).await, 1, "what is sealed later is sealed all the same");
}

#[tokio::test]
async fn evidence_that_was_put_in_or_taken_out_beside_the_ledger_is_named() {
    let hub = unguarded().await;
    let (inserted, lost) = (hub.hub.ids.next(), hub.hub.ids.next());
    for id in [inserted.clone(), lost.clone()] {
        hub.hub.store.write(move |tx| append(tx, &id)).await.unwrap();
    }
    hub.tamper(&format!("DELETE FROM unsealed WHERE evidence_id = '{inserted}'")).await;
    hub.tamper(&format!("DELETE FROM evidence WHERE evidence_id = '{lost}'")).await;

    assert_eq!(faults(&hub.hub, &[]).await, [Fault::Inserted(inserted), Fault::Lost(lost)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_goes_on_meanwhile_is_held_to_the_head_of_the_start() {
    let hub = unguarded().await;
    leave(&hub, 4_100).await;
    seal(&hub.hub).await;
    let mut pages = 0;
    let mut watch = |what: &str, _, _| {
        if what == "entries" && pages == 0 {
            pages += 1;
            tokio::task::block_in_place(|| {
                Handle::current().block_on(async {
                    leave(&hub, 1).await;
                    assert_eq!(seal(&hub.hub).await, 1);
                });
            });
        }
    };

    let report = audit::audit(&hub.hub, &[], &mut watch).await.unwrap();

    assert_eq!((report.entries, report.heads, report.faults), (4_500, 1, Vec::new()));
    assert_eq!(hub.count("SELECT count(*) FROM checkpoints").await, 1, "a newer one took the place of the head");
}

#[tokio::test]
async fn entries_that_were_sealed_since_are_not_beyond() {
    let hub = unguarded().await;
    let beyond = hub.hub.store.read(|tx| ledger::entries_beyond(tx, 390, 20)).await.unwrap();

    assert_eq!(beyond, []);
}

#[tokio::test]
async fn entries_in_each_others_place_are_named() {
    let hub = unguarded().await;
    for (from, to) in [(3, -1), (390, 3), (-1, 390)] {
        hub.tamper(&format!("UPDATE ledger_entries SET ledger_index = {to} WHERE ledger_index = {from}")).await;
    }

    assert_eq!(faults(&hub.hub, &[]).await, [Fault::Swapped(3, 390), Fault::Swapped(390, 3)]);
}

#[tokio::test]
async fn one_byte_of_an_entry_is_noticed() {
    let hub = unguarded().await;
    let entry = flipped(&hub, "entry");
    hub.tamper(&format!("UPDATE ledger_entries SET entry = {entry} WHERE ledger_index = 256")).await;

    assert_eq!(faults(&hub.hub, &[]).await, [Fault::EntryAltered(256, at(&hub, 256).await)]);
}

#[tokio::test]
async fn an_entry_that_is_gone_and_one_too_many_are_named() {
    let hub = unguarded().await;
    let (removed, added) = (at(&hub, 100).await, at(&hub, 5).await);
    hub.tamper("UPDATE ledger_entries SET ledger_index = 400 WHERE ledger_index = 5").await;
    hub.tamper("DELETE FROM ledger_entries WHERE ledger_index = 100").await;

    let expected =
        [Fault::EntryRemoved(5), Fault::EntryRemoved(100), Fault::EntryInserted(400, added), Fault::Inserted(removed)];
    assert_eq!(faults(&hub.hub, &[]).await, expected);
}

#[tokio::test]
async fn one_byte_of_a_tile_is_noticed_and_nothing_is_built_on_it() {
    let hub = unguarded().await;
    let (id, hashes) = (at(&hub, 399).await, flipped(&hub, "hashes"));
    hub.tamper(&format!("UPDATE ledger_tiles SET hashes = {hashes} WHERE level = 0 AND number = 1")).await;

    assert_eq!(faults(&hub.hub, &[]).await, [Fault::Forked(0, 400), Fault::EntryAltered(399, id)]);
    leave(&hub, 1).await;
    let refused = successor(&hub.hub).round().await.unwrap_err().to_string();
    assert!(refused.contains("does not lead to the head"), "{refused}");
}

#[tokio::test]
async fn a_tile_above_the_entries_that_is_gone_or_wrong_is_named() {
    let hub = unguarded().await;
    let hashes = flipped(&hub, "hashes");
    for change in [
        format!("UPDATE ledger_tiles SET hashes = {hashes} WHERE level = 1"),
        "DELETE FROM ledger_tiles WHERE level = 1".to_owned(),
    ] {
        hub.tamper(&change).await;

        assert_eq!(faults(&hub.hub, &[]).await, [Fault::TileAltered(Tile { level: 1, number: 0 })], "{change}");
        leave(&hub, 1).await;
        assert!(successor(&hub.hub).round().await.is_err());
    }
}

#[tokio::test]
async fn a_rewritten_history_does_not_lead_to_what_was_signed() {
    let hub = unguarded().await;
    let first = note(&hub).await;
    hub.after(chrono::TimeDelta::minutes(1));
    leave(&hub, 50).await;
    seal(&hub.hub).await;
    let id = at(&hub, 420).await;
    // Whoever can write everything but has no key: evidence, entry and tiles agree.
    hub.tamper(&format!("UPDATE evidence SET facts = '{{\"a\":1}}' WHERE evidence_id = '{id}'")).await;
    let row = hub.hub.store.read(move |tx| docaxis::store::evidence::find(tx, &id)).await.unwrap().unwrap();
    let entry = docaxis::exchange::seal::record(&row).entry();
    let changed = match hub.is_postgres() {
        true => format!("'\\x{}'", hex::encode(entry)),
        false => format!("x'{}'", hex::encode(entry)),
    };
    hub.tamper(&format!("UPDATE ledger_entries SET entry = {changed} WHERE ledger_index = 420")).await;
    let entries = hub.hub.store.read(|tx| ledger::entries(tx, 0..450)).await.unwrap();
    let mut edge = Edge::default();
    entries.iter().for_each(|row| _ = edge.push(leaf_hash(&row.entry)));
    let tiles: Vec<(Tile, Vec<u8>)> = edge.partial().collect();
    let write = move |tx: &mut docaxis::store::Connection| {
        tiles.iter().try_for_each(|(tile, hashes)| {
            ledger::keep_tile(tx, (i32::try_from(tile.level).unwrap(), i64::try_from(tile.number).unwrap()), hashes)
        })
    };
    hub.hub.store.write(write).await.unwrap();

    assert_eq!(faults(&hub.hub, &[]).await, [Fault::Forked(400, 450)]);
    assert_eq!(faults(&hub.hub, &[first]).await, [Fault::Forked(400, 450)], "what stands before is as it was signed");
    leave(&hub, 1).await;
    assert!(successor(&hub.hub).round().await.is_err(), "a fork is never signed");
}

#[tokio::test]
async fn heads_that_were_kept_elsewhere_hold_a_forked_or_shortened_ledger_to_its_word() {
    let hub = unguarded().await;
    let signed = |size: u64, root: Hash| {
        let checkpoint = Checkpoint { origin: keys(&hub.hub)[0].name().to_owned(), size, root };
        checkpoint.signed(hub.hub.keyring.ledger_signer(), 1)
    };
    let true_head = note(&hub).await;
    let kept =
        [true_head.clone(), signed(7, leaf_hash(b"another")), signed(401, leaf_hash(b"x")), "nothing".to_owned()];

    let found = faults(&hub.hub, &kept).await;

    let expected = [Fault::Shortened(401), Fault::HeadAltered(None, NoteFault::Unreadable), Fault::Forked(0, 7)];
    assert_eq!(found, expected);
    assert_eq!(faults(&hub.hub, &[true_head]).await, []);
}

#[tokio::test]
async fn a_head_with_another_signature_is_named_and_nothing_is_built_on_it() {
    let hub = unguarded().await;
    hub.tamper("UPDATE checkpoints SET note = replace(note, '400', '399')").await;

    assert_eq!(faults(&hub.hub, &[]).await, [Fault::HeadAltered(Some(400), NoteFault::Signature)]);
    leave(&hub, 1).await;
    let refused = successor(&hub.hub).round().await.unwrap_err().to_string();
    assert!(refused.contains("no known key signed"), "{refused}");
}

#[tokio::test]
async fn a_sealer_does_not_go_back_behind_what_it_has_seen() {
    let hub = unguarded().await;
    let sealer = Sealer::new(&hub.hub);
    hub.after(chrono::TimeDelta::minutes(1));
    leave(&hub, 5).await;
    assert_eq!(sealer.round().await.unwrap(), 5);
    hub.tamper("DELETE FROM checkpoints WHERE tree_size = 405").await;
    leave(&hub, 1).await;

    let refused = sealer.round().await.unwrap_err().to_string();

    assert!(refused.contains("shorter than it was"), "{refused}");
}

#[tokio::test]
async fn after_a_change_of_the_key_file_the_old_key_must_be_named() {
    let hub = unguarded().await;
    let old_key = keys(&hub.hub)[0].to_string();
    let reopened = |old_keys: String| {
        let mut config = (*hub.hub.config).clone();
        config.keys.file = hub.directory.join("another.key");
        config.ledger.old_keys = old_keys;
        docaxis::hub::Hub::open(config, hub.hub.clock.clone()).unwrap()
    };
    hub.after(chrono::TimeDelta::minutes(2));
    let without = reopened(String::new());
    assert!(successor(&without).round().await.is_err());
    without.store.close();

    let with = reopened(old_key);
    leave(&hub, 1).await;
    assert_eq!(seal(&with).await, 1);

    assert_eq!(faults(&with, &[]).await, []);
    assert_eq!(faults(&hub.hub, &[]).await, [Fault::HeadAltered(Some(401), NoteFault::Unsigned)]);
    with.store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_names_what_is_wrong_and_ends_with_one() {
    let hub = unguarded().await;
    let whole = hub.program().run(&["ledger", "verify"]);
    assert_eq!(
        (whole.code, whole.out.contains("400 entries, 1 heads that hold, 0 faults")),
        (0, true),
        "{}",
        whole.out
    );
    let id = at(&hub, 9).await;
    hub.tamper(&format!("UPDATE evidence SET facts = '{{ }}' WHERE evidence_id = '{id}'")).await;

    let ran = hub.program().run(&["ledger", "verify", "--json"]);

    let lines: Vec<serde_json::Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((ran.code, &lines[0]["code"], &lines[1]["faults"]), (1, &"evidence-altered".into(), &1.into()));
    assert!(lines[0]["vi"].as_str().unwrap().contains(&id) && lines[0]["en"].as_str().unwrap().contains("index 9"));
    let proof = hub.program().done(&["ledger", "proof", &id]);
    let proof: serde_json::Value = serde_json::from_str(&proof).unwrap();
    assert_eq!((&proof["evidence"]["evidence_id"], &proof["sealed"]["index"]), (&id.into(), &9.into()));
    assert!(hub.program().done(&["ledger", "show"]).contains(&keys(&hub.hub)[0].to_string()));
}
