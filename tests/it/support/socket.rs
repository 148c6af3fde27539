//! HTTP by hand: exactly the bytes that a test wants to send, and answers as they come.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// After this long without a byte a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a hub.
pub struct Socket {
    stream: TcpStream,
    ahead: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
}

impl Socket {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, ahead: Vec::new() }
    }

    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("the hub reads on")
    }

    /// Says that nothing more will be sent.
    pub async fn end(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Breaks the connection off with a reset, as when a machine dies.
    pub fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// The next bytes; none at the end of the connection.
    pub async fn some(&mut self) -> io::Result<Vec<u8>> {
        if !self.ahead.is_empty() {
            return Ok(std::mem::take(&mut self.ahead));
        }
        let mut piece = vec![0; 65_536];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut piece)).await.expect("the hub answers")?;
        piece.truncate(read);
        Ok(piece)
    }

    /// Reads on; whether there was anything.
    async fn more(&mut self) -> bool {
        let mut ahead = std::mem::take(&mut self.ahead);
        let piece = self.some().await.unwrap_or_default();
        ahead.extend_from_slice(&piece);
        self.ahead = ahead;
        !piece.is_empty()
    }

    /// The bytes up to and including `end`.
    async fn up_to(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.ahead, end) {
                return Some(self.ahead.drain(..at + end.len()).collect());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn exactly(&mut self, bytes: usize) -> Option<Vec<u8>> {
        while self.ahead.len() < bytes {
            if !self.more().await {
                return None;
            }
        }
        Some(self.ahead.drain(..bytes).collect())
    }

    /// The head of the next answer, interim ones included; nothing when the connection ends before it.
    pub async fn head(&mut self) -> Option<Reply> {
        let head = String::from_utf8(self.up_to(b"\r\n\r\n").await?).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        let pairs = lines.map(|line| line.split_once(':').unwrap());
        let headers = pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        Some(Reply { status, headers, body: Vec::new() })
    }

    /// The next answer that is not an interim one, whole; nothing when the connection ends before its end.
    pub async fn reply(&mut self) -> Option<Reply> {
        let mut reply = self.head().await?;
        while reply.status < 200 {
            reply = self.head().await?;
        }
        let length = reply.header("content-length").map(|text| text.parse().unwrap());
        reply.body = match length {
            Some(length) => self.exactly(length).await?,
            None if reply.header("transfer-encoding").is_some() => self.chunks().await?,
            None => Vec::new(),
        };
        Some(reply)
    }

    async fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = String::from_utf8(self.up_to(b"\r\n").await?).unwrap();
            let size = usize::from_str_radix(line.trim(), 16).unwrap();
            let chunk = self.exactly(size + 2).await?;
            if size == 0 {
                return Some(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    /// Whether the hub ends the connection, with nothing more to say.
    pub async fn is_closed(&mut self) -> bool {
        !self.more().await
    }

    /// Whether the next bytes come within a time.
    pub async fn answers_within(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.more()).await.unwrap_or(false)
    }
}
