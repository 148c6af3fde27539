//! Agencies' software that takes what the hub brings: one listener, an address for each agency, and a note of when each packet
//! came. It shares the processors with the hub, so it does no more than read and answer.

use crate::http::Connection;
use crate::packet::identifier;
use anyhow::{Result, ensure};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How much of a packet is kept to find its identifier in; heads for many recipients are long.
const BEGINNING: usize = 32 * 1024;

/// What an agency's software does with a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Takes it at once.
    Well,
    /// Takes it after so long.
    Slow(Duration),
    /// Cannot be reached for this (503).
    Dead,
}

/// A packet that came to an agency.
#[derive(Clone, Copy)]
pub struct Arrival {
    /// What tells it from every other.
    pub packet: u64,
    /// When it was acknowledged.
    pub at: Instant,
}

#[derive(Default)]
struct Taken {
    arrivals: Mutex<Vec<Arrival>>,
    manners: Mutex<HashMap<String, Manner>>,
    came: Notify,
}

/// The software of all agencies.
pub struct Endpoints {
    address: SocketAddr,
    taken: Arc<Taken>,
    listening: JoinHandle<()>,
}

impl Endpoints {
    /// Listens.
    pub async fn open() -> Result<Endpoints> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (address, taken) = (listener.local_addr()?, Arc::new(Taken::default()));
        let of_listener = taken.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let taken = of_listener.clone();
                // A hub that is killed breaks its connections off.
                tokio::spawn(async move { serve(stream, &taken).await.ok() });
            }
        });
        Ok(Endpoints { address, taken, listening })
    }

    /// Where an agency's packets are posted.
    pub fn url(&self, agency: &str) -> String {
        format!("http://{}/{agency}", self.address)
    }

    /// Has an agency's software behave so from now on.
    pub fn behave(&self, agency: &str, manner: Manner) {
        let mut manners = self.taken.manners.lock().unwrap_or_else(PoisonError::into_inner);
        manners.insert(format!("/{agency}"), manner);
    }

    /// How many packets came since the last time they were taken.
    pub fn number(&self) -> usize {
        self.taken.arrivals.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What came since the last time.
    pub fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut *self.taken.arrivals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until so many came.
    pub async fn wait(&self, number: usize, patience: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            let came = self.taken.came.notified();
            let there = self.number();
            if there >= number {
                return Ok(());
            }
            ensure!(start.elapsed() < patience, "{there} of {number} packets came within {patience:?}");
            let _ = tokio::time::timeout(Duration::from_millis(100), came).await;
        }
    }
}

impl Drop for Endpoints {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(stream: TcpStream, taken: &Taken) -> io::Result<()> {
    let mut connection = Connection::new(stream)?;
    while let Some(head) = connection.head().await? {
        let mut left = head.length;
        let mut beginning = Vec::new();
        while left > 0 {
            let piece = connection.piece(left).await?;
            let used = piece.len();
            let room = BEGINNING.saturating_sub(beginning.len());
            beginning.extend(piece.iter().take(room));
            connection.consume(used);
            left -= used;
        }
        let agency = head.first_line.split(' ').nth(1).unwrap_or_default();
        let manner = taken.manners.lock().unwrap_or_else(PoisonError::into_inner).get(agency).copied();
        match manner.unwrap_or(Manner::Well) {
            Manner::Dead => {
                connection.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await?;
                continue;
            }
            Manner::Slow(pause) => tokio::time::sleep(pause).await,
            Manner::Well => {}
        }
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await?;
        let packet = identifier(&beginning).unwrap_or(0);
        let arrival = Arrival { packet, at: Instant::now() };
        taken.arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(arrival);
        taken.came.notify_waiters();
    }
    Ok(())
}
