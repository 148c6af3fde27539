//! An agency's software that takes pushed packets: a real server on a free port that answers as the test tells it, and
//! keeps what it was sent.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

/// How the robot answers a packet.
#[derive(Clone)]
pub enum Manner {
    /// With a status, headers and a text.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Only once the test says so, then with 200.
    Wait(Arc<Notify>),
    /// Never.
    Hang,
    /// By breaking off in the middle of its answer.
    BreakOff,
}

impl Manner {
    /// With a status and nothing else.
    pub fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), String::new())
    }
}

/// A packet that the robot was sent.
pub struct Pushed {
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

pub struct Robot {
    pub address: SocketAddr,
    pushed: mpsc::UnboundedReceiver<Pushed>,
    server: actix_web::dev::ServerHandle,
}

#[derive(Clone)]
struct Desk {
    manners: Arc<Mutex<VecDeque<Manner>>>,
    pushed: mpsc::UnboundedSender<Pushed>,
}

impl Robot {
    /// A robot that answers in these manners, one packet after the other, and 200 afterwards.
    pub fn start(manners: Vec<Manner>) -> Self {
        let manners = Arc::new(Mutex::new(VecDeque::from(manners)));
        let (sender, pushed) = mpsc::unbounded_channel();
        let desk = Desk { manners, pushed: sender };
        let server = HttpServer::new(move || {
            let desk = desk.clone();
            let limit = web::PayloadConfig::new(64 << 20);
            App::new().app_data(limit).app_data(web::Data::new(desk)).default_service(web::to(take))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, pushed, server: handle }
    }

    /// Where it takes packets.
    pub fn url(&self) -> String {
        format!("http://{}/in", self.address)
    }

    /// What it was sent and nobody asked for yet.
    pub fn taken(&mut self) -> Vec<Pushed> {
        std::iter::from_fn(|| self.pushed.try_recv().ok()).collect()
    }

    /// The next packet that it is sent.
    pub async fn next(&mut self) -> Pushed {
        tokio::time::timeout(Duration::from_secs(30), self.pushed.recv()).await.expect("nothing was pushed").unwrap()
    }

    /// Takes nothing more: connections are refused.
    pub async fn stop(&self) {
        self.server.stop(false).await;
    }
}

async fn take(request: HttpRequest, body: web::Bytes, desk: web::Data<Desk>) -> HttpResponse {
    let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    desk.pushed.send(Pushed { headers, body: body.to_vec() }).unwrap();
    let manner = desk.manners.lock().unwrap().pop_front();
    match manner {
        None => HttpResponse::Ok().finish(),
        Some(Manner::Answer(status, headers, text)) => {
            let mut answer = HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap());
            for header in headers {
                answer.insert_header(header);
            }
            answer.body(text)
        }
        Some(Manner::Wait(until)) => {
            until.notified().await;
            HttpResponse::Ok().finish()
        }
        Some(Manner::Hang) => std::future::pending().await,
        Some(Manner::BreakOff) => {
            let cut =
                futures_util::stream::iter([Ok(web::Bytes::from_static(b"begin")), Err(std::io::Error::other("cut"))]);
            HttpResponse::ServiceUnavailable().streaming(cut)
        }
    }
}
