//! Senders that post until the hub is killed, and one recipient that fetches and confirms. What they were told
//! stands in the `Book`.

use super::Random;
use crate::support::packets::a_document;
use crate::support::program::Serving;
use aws_lc_rs::digest::{SHA256, digest};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// Senders at once.
const SENDERS: u64 = 8;

/// Bytes of attachments: packets in rows, in small files, in large files. Out of 20 each.
const SIZES: [(u64, usize); 3] = [(15, 600), (3, 75_000), (2, 750_000)];

/// Packets acknowledged in a round before the hub may die.
const ACKNOWLEDGED_MIN: u64 = 10;
const ACKNOWLEDGED_MORE: u64 = 50;

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

/// A packet that was posted at least once.
#[derive(Clone)]
pub struct Sent {
    seed: u64,
    size: usize,
    /// Digests of the forms it was posted in: a sender that had no answer may write a new hop.
    pub forms: Vec<String>,
    /// The receipt, once one came.
    pub receipt: Option<serde_json::Value>,
    pub is_confirmed: bool,
    /// A confirmation was sent and not answered.
    pub is_perhaps_confirmed: bool,
}

impl Sent {
    /// The packet with the hop of that minute.
    fn bytes(&self, id: &str, minute: usize) -> Vec<u8> {
        let content = Random::seeded(self.seed).bytes(self.size);
        a_document(id).attachment(content).hop_at(&format!("2026/11/21 08:{:02}:00", minute % 60)).bytes()
    }
}

/// Everything that was sent and what was answered.
#[derive(Default)]
pub struct Book {
    pub sent: BTreeMap<String, Sent>,
    /// What the hub did that it must never do.
    pub wrong: Vec<String>,
}

pub type Shared = Arc<Mutex<Book>>;

/// The two sides of the traffic.
#[derive(Clone)]
pub struct Parties {
    pub client: reqwest::Client,
    pub sender: String,
    pub recipient: String,
}

/// Posts from all senders, kills the hub at a random point and waits until all have noticed.
pub async fn until_killed(parties: &Parties, book: &Shared, serving: &mut Serving, random: &mut Random) {
    let acknowledged = Arc::new(Semaphore::new(0));
    let wanted = ACKNOWLEDGED_MIN + random.below(ACKNOWLEDGED_MORE);
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..SENDERS {
        let (parties, book, url) = (parties.clone(), book.clone(), serving.url.clone());
        let (acknowledged, random) = (acknowledged.clone(), Random::seeded(random.next()));
        senders.spawn(send(parties, book, url, random, acknowledged));
    }
    senders.spawn(receive(parties.clone(), book.clone(), serving.url.clone()));
    // All senders end by themselves only if the hub does.
    tokio::select! {
        _ = acknowledged.acquire_many(u32::try_from(wanted).unwrap()) => {}
        _ = senders.join_next() => {}
    }
    assert!(serving.is_alive(), "the hub died by itself: {}", serving.log());
    for _ in 0..random.below(200_000) {
        std::hint::spin_loop();
    }
    serving.kill();
    while let Some(ended) = senders.join_next().await {
        ended.unwrap();
    }
}

async fn send(parties: Parties, book: Shared, url: String, mut random: Random, acknowledged: Arc<Semaphore>) {
    loop {
        let id = choose(&book, &mut random);
        match post(&parties, &book, &url, &id, &mut random).await {
            Some(true) => acknowledged.add_permits(1),
            Some(false) => {}
            None => return,
        }
    }
}

/// A new packet or, once in five times, one that was sent before.
pub fn choose(book: &Shared, random: &mut Random) -> String {
    let mut book = book.lock().unwrap();
    if random.below(5) == 0 && !book.sent.is_empty() {
        let number = random.index(book.sent.len());
        return book.sent.keys().nth(number).unwrap().clone();
    }
    let mut dice = random.below(20);
    let size = SIZES
        .iter()
        .find(|(weight, _)| {
            if dice < *weight {
                true
            } else {
                dice -= weight;
                false
            }
        })
        .unwrap()
        .1;
    let (id, seed) = (format!("d{:016x}", random.next()), random.next());
    let forms = Vec::new();
    let sent = Sent { seed, size, forms, receipt: None, is_confirmed: false, is_perhaps_confirmed: false };
    book.sent.insert(id.clone(), sent);
    id
}

/// Posts a packet, again or for the first time. Whether it was acknowledged; nothing when no answer came.
pub async fn post(parties: &Parties, book: &Shared, url: &str, id: &str, random: &mut Random) -> Option<bool> {
    let sent = book.lock().unwrap().sent[id].clone();
    let bytes = sent.bytes(id, random.index(3));
    let form = sha256(&bytes);
    book.lock().unwrap().sent.get_mut(id).unwrap().forms.push(form);
    let request = parties.client.post(format!("{url}/api/v1/envelopes")).bearer_auth(&parties.sender).body(bytes);
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let body = response.bytes().await.ok()?;
    let mut book = book.lock().unwrap();
    match status {
        200 | 201 => {
            let receipt: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let known = &mut book.sent.get_mut(id).unwrap().receipt;
            let known = known.get_or_insert_with(|| receipt.clone()).clone();
            if known != receipt || (status == 201 && sent.receipt.is_some()) {
                book.wrong.push(format!("{id}: acknowledged as {known}, then with {status} as {receipt}"));
            }
        }
        503 => {}
        _ => book.wrong.push(format!("{id}: answered {status}: {}", String::from_utf8_lossy(&body))),
    }
    Some(matches!(status, 200 | 201))
}

/// Ids of deliveries that wait, with their documents.
pub async fn waiting(parties: &Parties, url: &str) -> Option<Vec<(String, String)>> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let request = parties.client.get(format!("{url}/api/v1/mailbox?after={after}")).bearer_auth(&parties.recipient);
        let page: serde_json::Value = request.send().await.ok()?.json().await.ok()?;
        for item in page["items"].as_array().unwrap_or_else(|| panic!("{page}")) {
            let text = |name: &str| item[name].as_str().unwrap().to_owned();
            all.push((text("delivery_id"), text("document_id")));
        }
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return Some(all),
        }
    }
}

/// The status and bytes of a delivery.
pub async fn fetch(parties: &Parties, url: &str, delivery: &str) -> Option<(u16, Vec<u8>)> {
    let url = format!("{url}/api/v1/deliveries/{delivery}/content");
    let response = parties.client.get(url).bearer_auth(&parties.recipient).send().await.ok()?;
    Some((response.status().as_u16(), response.bytes().await.ok()?.to_vec()))
}

/// Fetches and confirms a delivery. Nothing when no answer came.
async fn take(parties: &Parties, book: &Shared, url: &str, (delivery, id): &(String, String)) -> Option<()> {
    fetch(parties, url, delivery).await?;
    book.lock().unwrap().sent.get_mut(id)?.is_perhaps_confirmed = true;
    let confirm = parties.client.post(format!("{url}/api/v1/deliveries/{delivery}/confirm"));
    let confirm = confirm.bearer_auth(&parties.recipient).json(&serde_json::json!({ "status": "done" }));
    if confirm.send().await.ok()?.status().as_u16() == 200 {
        book.lock().unwrap().sent.get_mut(id)?.is_confirmed = true;
    }
    Some(())
}

async fn receive(parties: Parties, book: Shared, url: String) {
    while let Some(waiting) = waiting(&parties, &url).await {
        let Some(first) = waiting.first() else { continue };
        if take(&parties, &book, &url, first).await.is_none() {
            return;
        }
    }
}

/// Takes most of what waits, so that a long run does not compare the same packets again and again.
pub async fn take_most(parties: &Parties, book: &Shared, url: &str, random: &mut Random) {
    for item in waiting(parties, url).await.unwrap() {
        if random.below(4) > 0 {
            take(parties, book, url, &item).await.unwrap();
        }
    }
}
