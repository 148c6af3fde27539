//! The smallest HTTP/1.1 that a benchmark needs: kept connections, bodies with a length, short chunked answers.
//! Both the senders and the reference hub speak through it, so that neither costs more than the copying of bytes.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Most bytes taken from a socket at once.
const PIECE: usize = 256 * 1024;

/// What the first lines of a request or of an answer say.
pub struct Head {
    pub first_line: String,
    pub length: usize,
    pub chunked: bool,
    pub close: bool,
    pub cookies: Vec<String>,
}

impl Head {
    fn parse(bytes: &[u8]) -> Head {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split("\r\n");
        let first_line = lines.next().unwrap_or_default().to_owned();
        let mut head = Head { first_line, length: 0, chunked: false, close: false, cookies: Vec::new() };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.length = value.parse().unwrap_or(0);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.chunked = value.eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("connection") {
                head.close = value.eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("set-cookie") {
                head.cookies.push(value.to_owned());
            }
        }
        head
    }

    fn status(&self) -> u16 {
        self.first_line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }
}

/// A whole answer.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub close: bool,
    pub cookies: Vec<String>,
}

/// One connection and what was read from it but not yet used.
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    /// A connection over an open stream.
    pub fn new(stream: TcpStream) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        Ok(Connection { stream, unread: Vec::with_capacity(16 * 1024) })
    }

    /// A new connection to a server.
    pub async fn open(address: SocketAddr) -> io::Result<Connection> {
        Connection::new(TcpStream::connect(address).await?)
    }

    /// Sends bytes as they are.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// One GET and its answer.
    pub async fn get(&mut self, address: SocketAddr, path: &str, token: &str) -> io::Result<Answer> {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n");
        self.write(head.as_bytes()).await?;
        self.answer().await
    }

    /// The next head; `None` when the peer closed between two of them.
    pub async fn head(&mut self) -> io::Result<Option<Head>> {
        let mut searched = 0;
        loop {
            let tail = self.unread.get(searched..).unwrap_or_default();
            if let Some(found) = tail.windows(4).position(|four| four == b"\r\n\r\n") {
                let end = searched + found;
                let head = Head::parse(self.unread.get(..end).unwrap_or_default());
                self.consume(end + 4);
                return Ok(Some(head));
            }
            // The blank line may be cut anywhere: its first three bytes can be there already.
            searched = self.unread.len().saturating_sub(3);
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return if self.unread.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    /// Some of a body of which `left` bytes are to come, at least one; the caller then consumes what it used.
    pub async fn piece(&mut self, left: usize) -> io::Result<&[u8]> {
        if self.unread.is_empty() {
            let want = left.min(PIECE);
            self.unread.reserve(want);
            let mut limited = (&mut self.stream).take(want as u64);
            if limited.read_buf(&mut self.unread).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let length = left.min(self.unread.len());
        Ok(self.unread.get(..length).unwrap_or_default())
    }

    /// Drops what the caller has used.
    pub fn consume(&mut self, length: usize) {
        self.unread.drain(..length.min(self.unread.len()));
    }

    /// The answer to what was written.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let head = self.head().await?.ok_or(ErrorKind::UnexpectedEof)?;
        let body = if head.chunked { self.chunks().await? } else { self.body(head.length).await? };
        Ok(Answer { status: head.status(), body, close: head.close, cookies: head.cookies })
    }

    async fn body(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut body = Vec::with_capacity(length);
        while body.len() < length {
            let piece = self.piece(length - body.len()).await?;
            let used = piece.len();
            body.extend_from_slice(piece);
            self.consume(used);
        }
        Ok(body)
    }

    async fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let length = usize::from_str_radix(size, 16).map_err(|_| ErrorKind::InvalidData)?;
            body.extend(self.body(length).await?);
            self.line().await?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                let line = String::from_utf8_lossy(self.unread.get(..end).unwrap_or_default()).into_owned();
                self.consume(end + 2);
                return Ok(line);
            }
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// One GET on a connection of its own.
pub async fn get(address: SocketAddr, path: &str, token: &str) -> io::Result<Answer> {
    Connection::open(address).await?.get(address, path, token).await
}
