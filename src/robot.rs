//! A robot agency: the software of an agency that takes pushed packets, well or badly, as it is told. The demo, the tests
//! and vendors' trials use it. Not here: what it reports about what it took (`cli::robot`).

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::{StreamExt, stream};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// How a robot answers a packet.
#[derive(Debug, Clone)]
pub enum Manner {
    /// With a status, headers and a text.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Only once it is told to, then with 200.
    Wait(Arc<Notify>),
    /// After a time, with 200.
    After(Duration),
    /// Never.
    Hang,
    /// By breaking off in the middle of its answer.
    BreakOff,
    /// With 200, one byte of its answer at a time.
    Drip(Duration),
    /// With 200 and an answer of that many bytes.
    Huge(u64),
}

impl Manner {
    /// With a status and nothing else.
    pub fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), String::new())
    }

    /// With 503, asking to come again after some seconds.
    pub fn busy(seconds: u64) -> Self {
        Self::Answer(503, vec![("retry-after", seconds.to_string())], String::new())
    }

    /// By sending the hub elsewhere.
    pub fn redirect(to: &str) -> Self {
        Self::Answer(307, vec![("location", to.to_owned())], String::new())
    }

    /// The manner of a word, such as `ok`, `busy:5`, `status:422` or `redirect:http://10.0.0.1/`.
    pub fn of_word(word: &str) -> Option<Self> {
        let (name, more) = word.split_once(':').unwrap_or((word, ""));
        let seconds = || more.parse().ok().map(Duration::from_secs);
        match name {
            "ok" => Some(Self::status(200)),
            "status" => more.parse().ok().filter(|status| (200..600).contains(status)).map(Self::status),
            "busy" => more.parse().ok().map(Self::busy),
            "gone" => Some(Self::status(410)),
            "redirect" => Some(Self::redirect(more)),
            "after" => seconds().map(Self::After),
            "hang" => Some(Self::Hang),
            "reset" => Some(Self::BreakOff),
            "drip" => Some(Self::Drip(Duration::from_secs(1))),
            "huge" => Some(Self::Huge(HUGE)),
            _ => None,
        }
    }

    /// Whether the hub is told that the packet was taken.
    fn takes(&self) -> bool {
        match self {
            Self::Answer(status, ..) => (200..300).contains(status),
            Self::Wait(_) | Self::After(_) | Self::Drip(_) | Self::Huge(_) => true,
            Self::Hang | Self::BreakOff => false,
        }
    }

    /// The words of `of_word`, for people.
    pub const WORDS: &str =
        "ok, status:NUMBER, busy:SECONDS, gone, redirect:URL, after:SECONDS, hang, reset, drip, huge";
}

/// A huge answer, in bytes.
const HUGE: u64 = 1 << 30;
/// Largest packet that a robot takes, in bytes.
const PACKET_MAX: usize = 64 << 20;

/// A packet that a robot was sent.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Its headers, in small letters.
    pub headers: HashMap<String, String>,
    /// Its bytes.
    pub body: Vec<u8>,
    /// Whether the answer is that it was taken.
    pub is_taken: bool,
}

/// A robot that is on.
pub struct Robot {
    /// Where it listens.
    pub address: SocketAddr,
    scheme: &'static str,
    desk: Desk,
    pushed: mpsc::UnboundedReceiver<Pushed>,
    server: ServerHandle,
}

/// What all connections of a robot share.
#[derive(Clone)]
struct Desk {
    manners: Arc<Mutex<VecDeque<Manner>>>,
    pushed: mpsc::UnboundedSender<Pushed>,
}

impl Robot {
    /// A robot at an address, which answers in these manners, one packet after the other, and 200 afterwards. Needs a
    /// tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be taken.
    pub fn start(listen: &str, manners: Vec<Manner>) -> io::Result<Self> {
        Self::behind(None, listen, manners)
    }

    /// The same behind TLS with a certificate that nobody signed and that names somebody else: no hub gets through.
    ///
    /// # Errors
    /// When the address cannot be taken or the certificate cannot be made.
    pub fn start_behind_wrong_certificate(listen: &str, manners: Vec<Manner>) -> io::Result<Self> {
        Self::behind(Some(wrong_certificate().map_err(io::Error::other)?), listen, manners)
    }

    fn behind(tls: Option<rustls::ServerConfig>, listen: &str, manners: Vec<Manner>) -> io::Result<Self> {
        let (sender, pushed) = mpsc::unbounded_channel();
        let desk = Desk { manners: Arc::new(Mutex::new(manners.into())), pushed: sender };
        let shared = desk.clone();
        let server = HttpServer::new(move || {
            let limit = web::PayloadConfig::new(PACKET_MAX);
            App::new().app_data(limit).app_data(web::Data::new(shared.clone())).default_service(web::to(take))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(0);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = match tls {
            Some(tls) => server.bind_rustls_0_23(listen, tls)?,
            None => server.bind(listen)?,
        };
        let address = server.addrs().first().copied().ok_or_else(|| io::Error::other("no address"))?;
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { address, scheme, desk, pushed, server: handle })
    }

    /// Where it takes packets.
    pub fn url(&self) -> String {
        format!("{}://{}/in", self.scheme, self.address)
    }

    /// From now on it answers in these manners, one packet after the other, and 200 afterwards.
    pub fn behave(&self, manners: Vec<Manner>) {
        *self.desk.manners.lock().unwrap_or_else(PoisonError::into_inner) = manners.into();
    }

    /// What it was sent and nobody asked for yet.
    pub fn taken(&mut self) -> Vec<Pushed> {
        std::iter::from_fn(|| self.pushed.try_recv().ok()).collect()
    }

    /// The next packet that it is sent.
    pub async fn next(&mut self) -> Option<Pushed> {
        self.pushed.recv().await
    }

    /// Takes nothing more: connections are refused.
    pub async fn stop(&self) {
        self.server.stop(false).await;
    }
}

fn wrong_certificate() -> Result<rustls::ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
    let made = rcgen::generate_simple_self_signed(vec!["somebody-else.invalid".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let tls = rustls::ServerConfig::builder().with_no_client_auth();
    Ok(tls.with_single_cert(vec![made.cert.der().clone()], key.into())?)
}

async fn take(request: HttpRequest, body: web::Bytes, desk: web::Data<Desk>) -> HttpResponse {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let manner = desk.manners.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let is_taken = manner.as_ref().is_none_or(Manner::takes);
    // Nobody listens any more when the robot is being stopped.
    let _ = desk.pushed.send(Pushed { headers, body: body.to_vec(), is_taken });
    match manner {
        None => HttpResponse::Ok().finish(),
        Some(Manner::Answer(status, headers, text)) => {
            let mut answer = HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::OK));
            headers.into_iter().for_each(|header| _ = answer.insert_header(header));
            answer.body(text)
        }
        Some(Manner::Wait(until)) => {
            until.notified().await;
            HttpResponse::Ok().finish()
        }
        Some(Manner::After(time)) => {
            tokio::time::sleep(time).await;
            HttpResponse::Ok().finish()
        }
        Some(Manner::Hang) => std::future::pending().await,
        Some(Manner::BreakOff) => {
            let cut = stream::iter([Ok(web::Bytes::from_static(b"begin")), Err(io::Error::other("cut"))]);
            HttpResponse::ServiceUnavailable().streaming(cut)
        }
        Some(Manner::Drip(pause)) => {
            let drops = stream::repeat(()).then(move |()| async move {
                tokio::time::sleep(pause).await;
                Ok::<_, io::Error>(web::Bytes::from_static(b"."))
            });
            HttpResponse::Ok().streaming(drops)
        }
        Some(Manner::Huge(bytes)) => {
            const PIECE: &[u8] = &[b'x'; 64 << 10];
            let pieces = bytes / u64::try_from(PIECE.len()).unwrap_or(1);
            let pieces = stream::iter((0..pieces).map(|_| Ok::<_, io::Error>(web::Bytes::from_static(PIECE))));
            HttpResponse::Ok().streaming(pieces)
        }
    }
}
