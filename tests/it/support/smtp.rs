//! A mail server: a real one on a free port that answers as the test tells it, connection by connection, and keeps what it
//! was given. Before TLS it offers nothing but STARTTLS, if it has a certificate.

use super::stand_in;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// How it answers one connection.
#[derive(Clone, Copy)]
pub enum Manner {
    /// As it should.
    Take,
    /// With this instead, at the command.
    Answer(&'static str, &'static str),
    /// Never.
    Hang,
}

/// A mail that it was given.
#[derive(Debug)]
pub struct Given {
    /// The envelope's recipient.
    pub to: String,
    /// What the client showed as AUTH PLAIN, decoded; empty when it did not.
    pub shown: String,
    /// Whether it came over TLS.
    pub over_tls: bool,
    /// Head and body as sent.
    pub data: String,
}

impl Given {
    /// A header, unfolded and decoded.
    pub fn header(&self, name: &str) -> String {
        let head = self.data.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ").replace("\r\n\t", " ");
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_default().to_owned();
        let (mut out, mut was_encoded) = (String::new(), true);
        for word in line.split(' ') {
            let encoded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
            // Between two encoded words a space means nothing.
            if !(was_encoded && (encoded.is_some() || out.is_empty())) {
                out.push(' ');
            }
            was_encoded = encoded.is_some();
            let bytes = encoded.map_or(word.as_bytes().to_vec(), |word| STANDARD.decode(word).unwrap());
            out.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        out
    }

    /// The parts of the body, decoded: text and HTML.
    pub fn parts(&self) -> Vec<String> {
        let boundary = self.data.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
        let boundary = format!("--{boundary}");
        let parts = self.data.split(&boundary).skip(1).filter(|part| !part.starts_with("--"));
        parts.map(|part| decoded(part.split_once("\r\n\r\n").unwrap())).collect()
    }
}

fn decoded((head, body): (&str, &str)) -> String {
    let bytes = match head.to_ascii_lowercase() {
        head if head.contains("base64") => STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap(),
        head if head.contains("quoted-printable") => {
            let body = body.replace("=\r\n", "");
            let mut pieces = body.split('=');
            let mut out = pieces.next().unwrap().as_bytes().to_vec();
            for piece in pieces {
                out.push(u8::from_str_radix(&piece[..2], 16).unwrap());
                out.extend_from_slice(&piece.as_bytes()[2..]);
            }
            out
        }
        _ => body.as_bytes().to_vec(),
    };
    String::from_utf8(bytes).unwrap()
}

pub struct MailServer {
    /// `host:port`.
    pub address: String,
    /// Who signed its certificate, when it has one.
    pub authority: String,
    given: mpsc::UnboundedReceiver<Given>,
    connections: Arc<Mutex<usize>>,
}

#[derive(Clone)]
struct Desk {
    manners: Arc<Mutex<VecDeque<Manner>>>,
    given: mpsc::UnboundedSender<Given>,
    connections: Arc<Mutex<usize>>,
    tls: Option<TlsAcceptor>,
}

impl MailServer {
    /// One without TLS that answers in these manners, one connection after the other, and as it should afterwards.
    pub async fn start(manners: Vec<Manner>) -> Self {
        Self::open(manners, None).await
    }

    /// One that takes mail only over STARTTLS and from those who show a password.
    pub async fn with_tls() -> Self {
        Self::open(Vec::new(), Some(stand_in::acceptor())).await
    }

    async fn open(manners: Vec<Manner>, tls: Option<(TlsAcceptor, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, given) = mpsc::unbounded_channel();
        let (tls, authority) = tls.unzip();
        let connections = Arc::<Mutex<usize>>::default();
        let manners = Arc::new(Mutex::new(VecDeque::from(manners)));
        let desk = Desk { manners, given: sender, connections: Arc::clone(&connections), tls };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, desk.clone()));
            }
        });
        Self { address, authority: authority.unwrap_or_default(), given, connections }
    }

    /// What it was given and nobody asked for yet.
    pub fn given(&mut self) -> Vec<Given> {
        std::iter::from_fn(|| self.given.try_recv().ok()).collect()
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

async fn serve(stream: TcpStream, desk: Desk) {
    *desk.connections.lock().unwrap() += 1;
    let manner = desk.manners.lock().unwrap().pop_front().unwrap_or(Manner::Take);
    if let Manner::Hang = manner {
        return std::future::pending().await;
    }
    let mut stream = BufReader::new(stream);
    say(&mut stream, "220 robot").await;
    if let (Some(()), Some(tls)) = (talk(&mut stream, manner, &desk, desk.tls.is_some()).await, &desk.tls)
        && let Ok(inside) = tls.accept(stream.into_inner()).await
    {
        talk(&mut BufReader::new(inside), manner, &desk, false).await;
    }
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), answer: &str) {
    // A client that went away does not hear it.
    let _ = stream.write_all(format!("{answer}\r\n").as_bytes()).await;
    let _ = stream.flush().await;
}

async fn line(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.unwrap_or(0);
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Speaks until the client leaves, or begins TLS.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    manner: Manner,
    desk: &Desk,
    before_tls: bool,
) -> Option<()> {
    let mut given =
        Given { to: String::new(), shown: String::new(), over_tls: desk.tls.is_some(), data: String::new() };
    while let Some(command) = line(stream).await {
        let verb = command.split([' ', ':']).next().unwrap().to_ascii_uppercase();
        if let Manner::Answer(at, answer) = manner
            && at == verb
        {
            say(stream, answer).await;
            continue;
        }
        match verb.as_str() {
            "EHLO" if before_tls => say(stream, "250-robot\r\n250 STARTTLS").await,
            "EHLO" => say(stream, "250-robot\r\n250 AUTH PLAIN").await,
            "STARTTLS" if before_tls => {
                say(stream, "220 go on").await;
                return Some(());
            }
            _ if before_tls => say(stream, "530 STARTTLS first").await,
            "AUTH" => {
                let shown = STANDARD.decode(command.rsplit(' ').next().unwrap()).unwrap();
                given.shown = String::from_utf8(shown).unwrap();
                say(stream, "235 welcome").await;
            }
            "RCPT" => {
                given.to = command.split(['<', '>']).nth(1).unwrap().to_owned();
                say(stream, "250 ok").await;
            }
            "DATA" => {
                say(stream, "354 go on").await;
                while let Some(line) = line(stream).await.filter(|line| line != ".") {
                    given.data.push_str(&line);
                    given.data.push_str("\r\n");
                }
                let (to, shown) = (given.to.clone(), given.shown.clone());
                let data = std::mem::take(&mut given.data);
                desk.given.send(Given { to, shown, data, ..given }).unwrap();
                say(stream, "250 taken").await;
            }
            "QUIT" => {
                say(stream, "221 bye").await;
                return None;
            }
            _ => say(stream, "250 ok").await,
        }
    }
    None
}
