//! The crash contract: an acknowledged packet is neither lost nor doubled nor altered. The binary is killed in the
//! middle of its work, or the power of its disk is cut; then what it acknowledged is compared with what it delivers.
//! `DOCAXIS_CRASH_ROUNDS` makes it long, `DOCAXIS_CRASH_SEED` repeats the choices of a run.

#![expect(clippy::print_stdout, reason = "whoever repeats a failed run needs its seed")]

mod disk;
pub mod load;

use crate::support::database::Database;
use crate::support::program::{Program, Serving};
use disk::{Disk, Unsynced};
use load::{Book, Parties, Shared};
use std::collections::HashMap;

/// SplitMix64: a seed gives the same numbers for ever.
pub struct Random(u64);

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A place in a list of that length.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }

    pub fn bytes(&mut self, number: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..number.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(number);
        bytes
    }
}

fn number_of(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// A random seed, unless one is given. It is printed, so that a failed run can be repeated.
pub fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = number_of("DOCAXIS_CRASH_SEED").unwrap_or(u64::from(now.subsec_nanos()));
    println!("DOCAXIS_CRASH_SEED={seed}");
    seed
}

fn rounds() -> u64 {
    number_of("DOCAXIS_CRASH_ROUNDS").unwrap_or(5)
}

/// Registers two agencies with a system each.
pub fn set_up(program: &Program) -> Parties {
    program.done(&["agency", "add", "--code", "X99.A01", "--name", "Gửi"]);
    program.done(&["agency", "add", "--code", "X99.B02", "--name", "Nhận"]);
    docaxis::use_aws_lc();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Parties {
        client,
        sender: program.add_system("dms.national", "X99.A01"),
        recipient: program.add_system("dms.province", "X99.B02"),
    }
}

/// What waits must be what was acknowledged and not yet confirmed, once each and to the byte; and perhaps what was
/// sent without an answer.
async fn compare(parties: &Parties, book: &Shared, serving: &Serving) {
    let waiting = load::waiting(parties, &serving.url).await.unwrap();
    let mut times: HashMap<String, u64> = HashMap::new();
    let mut wrong = Vec::new();
    for (delivery, id) in &waiting {
        *times.entry(id.clone()).or_default() += 1;
        let (status, bytes) = load::fetch(parties, &serving.url, delivery).await.unwrap_or_default();
        let digest = load::sha256(&bytes);
        let Some(sent) = book.lock().unwrap().sent.get(id).cloned() else {
            wrong.push(format!("{id}: was never sent"));
            continue;
        };
        let acknowledged = sent.receipt.as_ref().is_none_or(|r| r["sha256"] == digest.as_str());
        if status != 200 || !acknowledged || !sent.forms.contains(&digest) {
            let what = if sent.receipt.is_some() { "acknowledged" } else { "unacknowledged" };
            wrong.push(format!("{id}: {what}, not delivered as sent: {status}, {} bytes", bytes.len()));
        }
    }
    wrong.extend(times.iter().filter(|(_, times)| **times > 1).map(|(id, times)| format!("{id}: {times} times")));
    let mut book = book.lock().unwrap();
    for (id, sent) in &book.sent {
        if sent.receipt.is_some() && !sent.is_perhaps_confirmed && !times.contains_key(id) {
            wrong.push(format!("{id}: acknowledged and lost"));
        }
        if sent.is_confirmed && times.contains_key(id) {
            wrong.push(format!("{id}: confirmed and waiting again"));
        }
    }
    book.wrong.append(&mut wrong);
    assert!(book.wrong.is_empty(), "{} wrong: {:#?}\n{}", book.wrong.len(), book.wrong, serving.log());
}

/// Whoever had no answer sends again: accepted or repeated, never a conflict.
async fn send_again(parties: &Parties, book: &Shared, serving: &Serving, random: &mut Random) {
    let again: Vec<String> = book.lock().unwrap().sent.keys().cloned().collect();
    for id in again {
        if book.lock().unwrap().sent[&id].receipt.is_none() {
            let acknowledged = load::post(parties, book, &serving.url, &id, random).await;
            assert_eq!(acknowledged, Some(true), "{id}: {:#?}", book.lock().unwrap().wrong);
        }
    }
}

async fn hold(power: Option<Unsynced>) {
    let mut random = Random::seeded(seed());
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let database = Database::make(&data).await;
    let disk = power.map(|unsynced| (Disk::watch(&data, scratch.path()), unsynced));
    let mut program = Program::new(&data, &database.url);
    for (name, value) in disk.iter().flat_map(|(disk, _)| disk.environment()) {
        program = program.with(name, value);
    }
    let parties = set_up(&program);
    if let Some((disk, unsynced)) = &disk {
        disk.cut(*unsynced, &mut random);
    }
    let book = Shared::default();
    let mut serving = program.serve();
    for _ in 0..rounds() {
        load::until_killed(&parties, &book, &mut serving, &mut random).await;
        if let Some((disk, unsynced)) = &disk {
            disk.cut(*unsynced, &mut random);
        }
        serving = program.serve();
        compare(&parties, &book, &serving).await;
        send_again(&parties, &book, &serving, &mut random).await;
        compare(&parties, &book, &serving).await;
        load::take_most(&parties, &book, &serving.url, &mut random).await;
    }
    serving.kill();
    let Book { sent, .. } = &*book.lock().unwrap();
    println!("{} packets, {} confirmed", sent.len(), sent.values().filter(|sent| sent.is_confirmed).count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_packet_survives_a_killed_process() {
    hold(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_packet_survives_a_power_cut_that_loses_all_unsynced() {
    hold(Some(Unsynced::Lost)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_packet_survives_a_power_cut_that_keeps_some_unsynced() {
    hold(Some(Unsynced::Some)).await;
}
