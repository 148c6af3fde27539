//! Stand-ins for what stands between a client and a hub: a hub that answers from a script, for answers that a real one
//! gives rarely or never; and a TLS front before a real one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Method and path.
    pub line: String,
    pub head: String,
    pub body: Vec<u8>,
}

/// Answers each connection with the next answer of its script, then closes it.
pub struct StandIn {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    thread: Option<JoinHandle<()>>,
}

/// An answer as it goes over the wire.
pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    [head.into_bytes(), body.to_vec()].concat()
}

impl StandIn {
    pub fn with(script: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        let thread = std::thread::spawn(move || {
            for answer in script {
                let (asked, mut stream) = taken(listener.accept().unwrap().0);
                kept.lock().unwrap().push(asked);
                // A client that went away has its reason.
                let _ = stream.write_all(&answer);
            }
        });
        Self { url, asked, thread: Some(thread) }
    }

    /// The address of one that makes up each answer, for as long as the test program runs. Without an answer, a client waits.
    pub fn answering(answer: impl Fn(&Asked) -> Option<Vec<u8>> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut waiting = Vec::new();
            for stream in listener.incoming() {
                let (asked, mut stream) = taken(stream.unwrap());
                match answer(&asked) {
                    // A client that went away has its reason.
                    Some(answer) => _ = stream.write_all(&answer),
                    None => waiting.push(stream),
                }
            }
        });
        url
    }

    /// Every request of the script, once it is played to its end.
    pub fn asked(mut self) -> Vec<Asked> {
        self.thread.take().unwrap().join().unwrap();
        self.asked.lock().unwrap().clone()
    }
}

/// Reads a request.
fn taken(stream: TcpStream) -> (Asked, TcpStream) {
    let mut reader = BufReader::new(stream);
    let (mut line, mut head) = (String::new(), String::new());
    reader.read_line(&mut line).unwrap();
    let mut length = 0;
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).unwrap();
        if field.trim().is_empty() {
            break;
        }
        let (name, value) = field.split_once(':').unwrap();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&field);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let line = line.trim_end_matches(" HTTP/1.1\r\n").to_owned();
    (Asked { line, head, body }, reader.into_inner())
}

/// Takes TLS as 127.0.0.1; with the PEM of the authority that signed for that.
pub fn acceptor() -> (TlsAcceptor, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(authority, authority_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![own.der().clone()], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), authority.pem())
}

/// A TLS front before an address. Gives its port and the PEM of the authority that signed for 127.0.0.1.
pub async fn tls_front(hub: SocketAddr) -> (u16, String) {
    let (acceptor, authority) = acceptor();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust us breaks off here.
                let Ok(mut inside) = acceptor.accept(stream).await else { return };
                let mut outside = tokio::net::TcpStream::connect(hub).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
            });
        }
    });
    (port, authority)
}
