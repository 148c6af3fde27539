//! Closed-loop senders: each posts a packet, waits for the answer and posts the next. They keep their connections
//! and copy as little as they can, because they share the processors with the hub that they measure.

use crate::http::{Answer, Connection};
use crate::packet::{Packet, fresh_id, number_of};
use anyhow::{Context, Result, bail, ensure};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

/// How much of a packet each sender copies to put its identifier in; the rest is shared by all.
const OWN_PART: usize = 64 * 1024;

/// How long after the end of a run a sender may still wait for its last answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where packets go.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub token: String,
}

/// What is sent and by how many at once. Every tenth packet is the `tenth`, if there is one.
#[derive(Clone)]
pub struct Load {
    pub packet: Arc<Packet>,
    pub tenth: Option<Arc<Packet>>,
    pub senders: usize,
    /// Agencies to which packets go in turn, their codes as long as that in the packet; none: as the packet says.
    pub recipients: Arc<[String]>,
}

impl Load {
    /// One packet over and over, as it is.
    pub fn of(packet: Packet, senders: usize) -> Load {
        Load { packet: Arc::new(packet), tenth: None, senders, recipients: Arc::default() }
    }
}

/// What came of a run.
pub struct Outcome {
    pub seconds: f64,
    /// Of the accepted packets, in nanoseconds, sorted.
    pub latencies: Vec<u64>,
    pub errors: u64,
    pub first_error: Option<String>,
}

impl Outcome {
    /// Nothing yet.
    pub fn new() -> Outcome {
        Outcome { seconds: 0.0, latencies: Vec::new(), errors: 0, first_error: None }
    }

    fn add(&mut self, result: io::Result<Answer>, took: Duration) {
        match result.map_err(|error| error.to_string()).and_then(accepted) {
            Ok(()) => self.latencies.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)),
            Err(reason) => {
                self.errors += 1;
                self.first_error.get_or_insert(reason);
            }
        }
    }

    /// Adds what others did at the same time; times are in no order then.
    pub fn merge(&mut self, other: Outcome) {
        self.seconds = self.seconds.max(other.seconds);
        self.latencies.extend(other.latencies);
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

/// The answers to accepted packets, for whoever does something with them.
pub type Told = UnboundedSender<Vec<u8>>;

fn accepted(answer: Answer) -> Result<(), String> {
    if matches!(answer.status, 200 | 201) {
        return Ok(());
    }
    let text: String = String::from_utf8_lossy(&answer.body).chars().take(300).collect();
    Err(format!("{} {text}", answer.status))
}

/// One sender's request: the head and the beginning of the packet, which it owns, and the rest, which it shares.
struct Request {
    own: Vec<u8>,
    id_at: usize,
    number_at: usize,
    packet: Arc<Packet>,
    /// Where the recipient's code goes.
    to_at: usize,
    /// What tells the last post from every other.
    posted: u64,
}

impl Request {
    fn new(target: &Target, packet: &Arc<Packet>) -> Request {
        let head = format!(
            "POST /api/v1/envelopes HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/xml\r\nContent-Length: {}\r\n\r\n",
            target.address,
            target.token,
            packet.bytes.len()
        );
        let (id_at, number_at) = (head.len() + packet.id_at, head.len() + packet.number_at);
        let to_at = head.len() + packet.to_at;
        let mut own = head.into_bytes();
        own.extend(packet.bytes.iter().take(OWN_PART));
        Request { own, id_at, number_at, packet: packet.clone(), to_at, posted: 0 }
    }

    fn renew(&mut self, recipient: Option<&str>) {
        let id = fresh_id();
        self.posted = number_of(&id).unwrap_or(0);
        let (_, number) = id.split_at(8);
        let to = (self.to_at, recipient.unwrap_or_default().as_bytes());
        for (at, digits) in [(self.id_at, id.as_slice()), (self.number_at, number), to] {
            if let Some(place) = self.own.get_mut(at..at + digits.len()) {
                place.copy_from_slice(digits);
            }
        }
    }

    async fn post(&mut self, connection: &mut Connection, recipient: Option<&str>) -> io::Result<Answer> {
        self.renew(recipient);
        connection.write(&self.own).await?;
        if let Some(rest) = self.packet.bytes.get(OWN_PART..) {
            connection.write(rest).await?;
        }
        connection.answer().await
    }
}

/// One sender.
pub struct Sender {
    target: Target,
    connection: Connection,
    request: Request,
    tenth: Option<Request>,
    recipients: Arc<[String]>,
    told: Option<Told>,
}

impl Sender {
    /// Opens its connection.
    pub async fn connect(target: &Target, load: &Load) -> Result<Sender> {
        let connection = Connection::open(target.address).await.context("connecting a sender")?;
        let request = Request::new(target, &load.packet);
        let tenth = load.tenth.as_ref().map(|packet| Request::new(target, packet));
        let recipients = load.recipients.clone();
        Ok(Sender { target: target.clone(), connection, request, tenth, recipients, told: None })
    }

    /// Fetches something over the same connection.
    pub async fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.connection.get(self.target.address, path, &self.target.token).await
    }

    /// Posts a packet that was not posted before.
    pub async fn post(&mut self, turn: usize) -> io::Result<Answer> {
        let request = match &mut self.tenth {
            Some(tenth) if turn % 10 == 9 => tenth,
            Some(_) | None => &mut self.request,
        };
        let recipient = self.recipients.get(turn % self.recipients.len().max(1));
        request.post(&mut self.connection, recipient.map(String::as_str)).await
    }

    /// The same, by the clock; gives what tells the packet from every other, which an endpoint finds in it.
    pub async fn post_known(&mut self, turn: usize) -> Result<u64> {
        let answer = self.post(turn).await?;
        if let Err(reason) = accepted(answer) {
            bail!("not accepted: {reason}");
        }
        Ok(match &self.tenth {
            Some(tenth) if turn % 10 == 9 => tenth.posted,
            Some(_) | None => self.request.posted,
        })
    }

    async fn run(mut self, turns: Arc<AtomicUsize>, start: Instant, duration: Duration) -> Outcome {
        let mut outcome = Outcome::new();
        while start.elapsed() < duration {
            let sent = Instant::now();
            let result = self.post(turns.fetch_add(1, Ordering::Relaxed)).await;
            if let (Some(told), Ok(Answer { status: 201, body, .. })) = (&self.told, &result) {
                // Nobody listens any more once the run is over.
                let _ = told.send(body.clone());
            }
            let usable = result.as_ref().is_ok_and(|answer| !answer.close);
            outcome.add(result, sent.elapsed());
            outcome.seconds = start.elapsed().as_secs_f64();
            if !usable {
                // A hub in trouble must not be asked as fast as the loop can turn.
                tokio::time::sleep(Duration::from_millis(10)).await;
                match Connection::open(self.target.address).await {
                    Ok(connection) => self.connection = connection,
                    Err(error) => outcome.add(Err(error), Duration::ZERO),
                }
            }
        }
        outcome
    }
}

/// Senders that are connected and have each had one packet accepted, which no figure counts.
pub struct Senders(Vec<Sender>);

impl Senders {
    /// Opens every connection and sends the first packet over each.
    pub async fn connect(target: &Target, load: &Load) -> Result<Senders> {
        let mut tasks = JoinSet::new();
        for _ in 0..load.senders {
            let (target, load) = (target.clone(), load.clone());
            tasks.spawn(async move {
                let mut sender = Sender::connect(&target, &load).await?;
                let answer = tokio::time::timeout(PATIENCE, sender.post(0)).await??;
                ensure!(!answer.close, "the hub closes its connections");
                match accepted(answer) {
                    Ok(()) => Ok(sender),
                    Err(reason) => bail!("the first packet was not accepted: {reason}"),
                }
            });
        }
        let mut senders = Vec::with_capacity(load.senders);
        while let Some(task) = tasks.join_next().await {
            senders.push(task??);
        }
        Ok(Senders(senders))
    }

    /// Has them hand on what they are answered.
    pub fn telling(mut self, told: &Told) -> Senders {
        self.0.iter_mut().for_each(|sender| sender.told = Some(told.clone()));
        self
    }

    /// Sends for `duration`; the time runs from the first send to the last answer.
    pub async fn run(self, duration: Duration) -> Result<Outcome> {
        let (start, turns) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for sender in self.0 {
            tasks.spawn(sender.run(turns.clone(), start, duration));
        }
        gather(tasks, duration).await
    }
}

/// Each sender posts one packet, all at once, over new connections.
pub async fn volley(target: &Target, load: &Load) -> Result<Outcome> {
    let mut senders = Vec::with_capacity(load.senders);
    for _ in 0..load.senders {
        senders.push(Sender::connect(target, load).await?);
    }
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for mut sender in senders {
        tasks.spawn(async move {
            let mut outcome = Outcome::new();
            let result = sender.post(0).await;
            outcome.add(result, start.elapsed());
            outcome.seconds = start.elapsed().as_secs_f64();
            outcome
        });
    }
    gather(tasks, Duration::ZERO).await
}

async fn gather(mut tasks: JoinSet<Outcome>, duration: Duration) -> Result<Outcome> {
    let all = async {
        let mut total = Outcome::new();
        while let Some(one) = tasks.join_next().await {
            total.merge(one?);
        }
        total.latencies.sort_unstable();
        Ok(total)
    };
    tokio::time::timeout(duration + PATIENCE, all).await.context("a sender still waits for an answer")?
}
