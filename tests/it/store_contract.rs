//! What every use case may rely on: group commit, append-only evidence, leases, the sweep. The same on both databases.

use crate::support::packets::a_document;
use crate::support::{TestHub, start_of_tests};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::RunQueryDsl;
use docaxis::domain::evidence::{Evidence, EvidenceEvent};
use docaxis::exchange::{ExchangeError, sweep};
use docaxis::jobs::{self, Job};
use docaxis::store::{Connection, Link, StoreError, evidence, job_runs};
use futures_util::future::{join, join_all};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime};

/// A hub with one connection that writes, so that what waits together is committed together.
pub async fn with_one_writer() -> TestHub {
    TestHub::start_with(|config| config.database.writers = 1).await
}

fn note(tx: &mut Connection, id: &str) -> Result<(), StoreError> {
    let piece = Evidence {
        event: EvidenceEvent::StatusReported,
        at: start_of_tests(),
        envelope_id: None,
        delivery_id: None,
        agency: None,
        system_id: None,
        facts: "{}".to_owned(),
    };
    evidence::append(tx, id, &piece)
}

async fn notes(hub: &TestHub) -> Vec<String> {
    hub.evidence().await.into_iter().map(|row| row.evidence_id).collect()
}

/// Keeps the writer busy until the other end is dropped or used.
async fn hold(hub: &TestHub, until: Receiver<()>) {
    let until = Mutex::new(until);
    let held = hub.hub.store.write(move |_| {
        // The other end may be gone: that releases as well.
        let _ = until.lock().unwrap().recv();
        Ok(())
    });
    held.await.unwrap();
}

/// Runs writes that wait together behind a held writer.
async fn together<T>(hub: &TestHub, writes: impl Future<Output = T>) -> T {
    let (release, until): (Sender<()>, _) = channel();
    let released = async { drop(release) };
    let (_, (written, ())) = join(hold(hub, until), join(writes, released)).await;
    written
}

#[tokio::test]
async fn a_write_that_fails_does_not_undo_those_it_shares_a_commit_with() {
    let hub = with_one_writer().await;
    let write = |number: usize| {
        hub.hub.store.write(move |tx| {
            note(tx, &format!("n{number:02}"))?;
            if number == 31 { Err(StoreError::Missing("tests")) } else { Ok(()) }
        })
    };

    let answers = together(&hub, join_all((0..64).map(write))).await;

    let failed: Vec<usize> = (0..64).filter(|number| answers[*number].is_err()).collect();
    assert_eq!(failed, [31]);
    let expected: Vec<String> = (0..64).filter(|number| *number != 31).map(|number| format!("n{number:02}")).collect();
    assert_eq!(notes(&hub).await, expected);
}

#[tokio::test]
async fn a_panic_is_answered_and_the_store_works_on() {
    let hub = with_one_writer().await;
    let write = |number: usize| {
        hub.hub.store.write(move |tx| {
            note(tx, &format!("n{number}"))?;
            assert!(number != 1, "this panic is part of a test");
            Ok(())
        })
    };

    let answers = together(&hub, join_all((0..3).map(write))).await;
    let alone = write(1).await;
    let after = write(3).await;

    let panicked = |answer: &Result<(), StoreError>| matches!(answer, Err(StoreError::Panicked));
    assert_eq!(answers.iter().map(panicked).collect::<Vec<_>>(), [false, true, false]);
    assert!(panicked(&alone) && after.is_ok());
    assert_eq!(notes(&hub).await, ["n0", "n2", "n3"]);
}

#[tokio::test]
async fn a_write_too_many_is_told_to_come_again() {
    let hub = TestHub::start_with(|config| {
        config.database.writers = 1;
        config.database.queue_max = 2;
        config.database.batch_max = 1;
    });
    let hub = hub.await;
    let (release, until) = channel();
    let (entered, started) = channel();
    let until = Mutex::new(until);
    let held = hub.hub.store.write(move |_| {
        entered.send(()).unwrap();
        let _ = until.lock().unwrap().recv();
        Ok(())
    });
    let write = || hub.hub.store.write(|_| Ok(()));
    let others = async {
        tokio::task::spawn_blocking(move || started.recv()).await.unwrap().unwrap();
        let last = async {
            let answer = write().await;
            release.send(()).unwrap();
            answer
        };
        tokio::join!(write(), write(), last)
    };

    let (_, (first, second, last)) = join(held, others).await;

    assert!(first.is_ok() && second.is_ok());
    assert!(matches!(last, Err(StoreError::Overloaded)), "{last:?}");
}

/// Runs a statement of which no store function would think.
pub fn execute(tx: &mut Connection, sql: &str) -> Result<usize, StoreError> {
    let query = diesel::sql_query(sql);
    Ok(match &mut tx.link {
        Link::Sqlite(c) => query.execute(&mut **c)?,
        Link::Postgres(c) => query.execute(&mut ***c)?,
    })
}

#[tokio::test]
async fn evidence_is_never_changed_and_never_deleted() {
    let hub = TestHub::start().await;
    hub.hub.store.write(|tx| note(tx, "n1")).await.unwrap();

    let change = hub.hub.store.write(|tx| execute(tx, "UPDATE evidence SET event = 'other'")).await;
    let delete = hub.hub.store.write(|tx| execute(tx, "DELETE FROM evidence")).await;

    for refused in [change, delete] {
        let said = format!("{:?}", refused.unwrap_err());
        assert!(said.contains("evidence is append-only"), "{said}");
    }
    assert_eq!(notes(&hub).await, ["n1"]);
}

const JOB: Job = Job {
    name: "test-job",
    vi: "thử",
    en: "test",
    made_up: true,
    cron: |_| String::new(),
    run: |_| Box::pin(std::future::ready(Ok(7))),
};

#[tokio::test]
async fn of_many_nodes_one_does_a_due_job() {
    let hub = TestHub::start().await;

    let runs = join_all((0..8).map(|_| jobs::run_due(&hub.hub, &JOB, hub.now()))).await;

    let done: Vec<usize> = runs.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(done, [7]);
}

#[tokio::test]
async fn a_job_is_claimed_by_one_of_many_at_once() {
    let hub = TestHub::start().await;
    let (now, until) = (hub.now(), hub.now() + TimeDelta::minutes(10));
    hub.hub.store.write(move |tx| job_runs::insert_due(tx, "j", now)).await.unwrap();

    let claim =
        |number: usize| hub.hub.store.write(move |tx| job_runs::claim(tx, "j", &format!("node{number}"), (now, until)));
    let claims = join_all((0..8).map(claim)).await;

    let claimed: Vec<_> = claims.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(claimed, [now]);
}

#[tokio::test]
async fn a_job_done_in_this_minute_is_not_done_again() {
    let hub = TestHub::start().await;
    let first = jobs::run_due(&hub.hub, &JOB, hub.now()).await.unwrap();

    let again = jobs::run_due(&hub.hub, &JOB, hub.now() + TimeDelta::seconds(59)).await.unwrap();
    let later = jobs::run_due(&hub.hub, &JOB, hub.now() + TimeDelta::seconds(60)).await.unwrap();

    assert_eq!((first, again, later), (Some(7), None, Some(7)));
}

#[tokio::test]
async fn a_lease_that_is_over_can_be_taken_by_another() {
    let hub = TestHub::start().await;
    let now = hub.now();
    hub.hub.store.write(move |tx| job_runs::insert_due(tx, "j", now)).await.unwrap();
    let claim = |owner: &'static str, minute: i64| {
        let (at, until) = (now + TimeDelta::minutes(minute), now + TimeDelta::minutes(minute + 10));
        hub.hub.store.write(move |tx| job_runs::claim(tx, "j", owner, (at, until)))
    };
    let finish =
        |owner: &'static str| hub.hub.store.write(move |tx| job_runs::finish(tx, ("j", now), owner, (&Ok(1), now)));

    let claims = [claim("a", 0).await.unwrap(), claim("b", 9).await.unwrap(), claim("b", 10).await.unwrap()];
    let finished = [finish("a").await.unwrap(), finish("b").await.unwrap()];

    assert_eq!(claims, [Some(now), None, Some(now)]);
    assert_eq!(finished, [false, true], "a lost its lease");
}

#[tokio::test]
async fn what_became_of_a_job_is_known_until_its_record_is_old() {
    let hub = TestHub::start().await;
    let failing = Job {
        name: "failing",
        run: |_| Box::pin(std::future::ready(Err(ExchangeError::Unavailable("no room".to_owned())))),
        ..JOB
    };
    let last = |name: &'static str| hub.hub.store.read(move |tx| job_runs::last(tx, name));
    assert_eq!(last("failing").await.unwrap(), None);

    jobs::run_due(&hub.hub, &JOB, hub.now()).await.unwrap();
    jobs::run_due(&hub.hub, &failing, hub.now()).await.unwrap_err();
    hub.after(TimeDelta::seconds(1));
    let at_once = jobs::run_now(&hub.hub, &JOB).await.unwrap();

    let (good, bad) = (last("test-job").await.unwrap().unwrap(), last("failing").await.unwrap().unwrap());
    assert_eq!(
        (good.outcome.as_str(), good.done, good.started_at(), good.finished_at()),
        ("done", 7, Some(hub.now()), Some(hub.now()))
    );
    assert_eq!(at_once, Some(7), "by hand also when it ran in this minute");
    assert_eq!((bad.outcome.as_str(), bad.reason.as_str()), ("failed", "no room"));
    hub.after(TimeDelta::days(90));
    assert_eq!(sweep::records(&hub.hub).await.unwrap(), 2);
    hub.after(TimeDelta::seconds(1));
    assert_eq!(sweep::records(&hub.hub).await.unwrap(), 1);
}

#[tokio::test]
async fn a_run_whose_node_died_is_made_up_for_once() {
    let hub = TestHub::start().await;
    let now = hub.now();
    let claim = |at: DateTime<Utc>| {
        hub.hub.store.write(move |tx| {
            job_runs::insert_due(tx, JOB.name, at)?;
            job_runs::claim(tx, JOB.name, "dead", (at, at + TimeDelta::minutes(10)))
        })
    };
    assert_eq!(claim(now).await.unwrap(), Some(now));

    let busy = jobs::run_due(&hub.hub, &JOB, now + TimeDelta::minutes(5)).await.unwrap();
    let after = jobs::run_due(&hub.hub, &JOB, now + TimeDelta::minutes(10)).await.unwrap();
    let again = jobs::run_due(&hub.hub, &JOB, now + TimeDelta::minutes(10)).await.unwrap();

    assert_eq!((busy, after, again), (None, Some(7), None));
    assert_eq!(hub.count("SELECT count(*) FROM job_runs WHERE job = 'test-job' AND outcome = 'skipped'").await, 2);
}

/// Makes a file as old as its age says.
pub fn age(file: &Path, seconds: u64) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
    opened.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

#[tokio::test]
async fn the_sweep_takes_what_no_row_names_and_nothing_else() {
    let hub = TestHub::start().await;
    let packet = a_document("d1").attachment(vec![b'x'; 300_000]).bytes();
    let receipt = hub.accepted("dms.national", packet.clone()).await;
    let payloads = hub.directory.join("payloads");
    let name = receipt["sha256"].as_str().unwrap();
    let (old, long_ago) = (hub.hub.config.data.orphan_age_seconds, hub.hub.config.data.orphan_age_seconds + 60);
    age(&payloads.join(&name[..2]).join(name), long_ago);
    let (orphan, unfinished) = (payloads.join("ab").join(format!("ab{}", "0".repeat(62))), payloads.join("incoming/a"));
    let (young, begun) = (payloads.join("cd").join(format!("cd{}", "0".repeat(62))), payloads.join("incoming/b"));
    for (file, seconds) in [(&orphan, long_ago), (&unfinished, long_ago), (&young, old - 60), (&begun, old - 60)] {
        age(file, seconds);
    }

    let gone = sweep::orphans(&hub.hub).await.unwrap();

    assert_eq!(gone, 2);
    assert_eq!([&orphan, &unfinished, &young, &begun].map(|file| file.exists()), [false, false, true, true]);
    let waiting = hub.waiting("dms.province").await;
    assert!(hub.fetch("dms.province", &waiting[0]).await.body == packet);
}
