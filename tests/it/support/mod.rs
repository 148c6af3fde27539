//! TestHub: a hub of its own for each test, behind real HTTP on a free port, with a database of its own (SQLite, or
//! PostgreSQL when DOCAXIS_TEST_DATABASE=postgres) and a clock that only the test moves. The sample agencies of
//! `fixtures/` are registered. When it is dropped, the invariants of the register are checked.

pub mod chromium;
pub mod database;
pub mod described;
pub mod mock_dms;
pub mod packets;
pub mod plans;
pub mod portal;
pub mod probe;
pub mod program;
pub mod provider;
pub mod robot;
pub mod sdk;
pub mod sdk_reading;
pub mod smtp;
pub mod socket;
pub mod stand_in;

use chrono::{DateTime, TimeDelta, Utc};
use database::Database;
use docaxis::config::Config;
use docaxis::domain::system::Role;
use docaxis::exchange::act::By;
use docaxis::exchange::keys;
use docaxis::exchange::systems::{self, NewSystem};
use docaxis::hub::{Clock, Hub};
use docaxis::store::evidence::{self, EvidenceRow};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A system and its key.
#[derive(Clone)]
pub struct System {
    pub id: String,
    pub key_id: String,
    pub secret: String,
}

impl System {
    /// The token of the native API.
    pub fn bearer(&self) -> String {
        format!("{}.{}", self.key_id, self.secret)
    }
}

pub struct TestHub {
    pub hub: Hub,
    pub address: SocketAddr,
    pub client: reqwest::Client,
    pub systems: HashMap<String, System>,
    pub directory: PathBuf,
    server: actix_web::dev::ServerHandle,
    database: Database,
    folder: tempfile::TempDir,
    /// Evidence of what the samples needed.
    of_samples: HashSet<String>,
}

/// 2026-11-21 09:00 in Vietnam, the day of the fixtures.
pub fn start_of_tests() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T09:00:00+07:00").unwrap().with_timezone(&Utc)
}

/// A file of `fixtures/`.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

impl TestHub {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a hub whose configuration was changed by `change`.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        // Nothing else has installed a provider, or it is the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        plans::listen();
        let folder = tempfile::tempdir().unwrap();
        let mut database = Database::migrated(folder.path()).await;
        database.judges_plans = true;
        let mut config = Config::default();
        config.server.address = "127.0.0.1:0".to_owned();
        config.server.workers = 2;
        config.data.directory = folder.path().join("data");
        config.database.url = database.url.clone().into();
        change(&mut config);
        let directory = config.data.directory.clone();
        let hub = Hub::open(config, Clock::still(start_of_tests())).unwrap();
        let systems = register_samples(&hub).await;
        let of_samples = all_evidence(&hub).await.into_iter().map(|row| row.evidence_id).collect();
        let (server, address) = docaxis::http::start(hub.clone()).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { hub, address, client, systems, directory, server: handle, database, folder, of_samples }
    }

    pub fn system(&self, id: &str) -> &System {
        &self.systems[id]
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.hub.clock.now()
    }

    pub fn after(&self, time: TimeDelta) -> &Self {
        self.hub.clock.forward(time);
        self
    }

    /// Another node of the same cluster: the same database and key file, a memory of its own.
    pub fn another_node(&self) -> Hub {
        let mut other = self.hub.clone();
        other.known_keys = docaxis::keyring::KnownKeys::default();
        other.node_id = other.ids.next().into();
        other
    }

    /// The number that a query answers, on whichever database it is.
    pub async fn count(&self, sql: &str) -> i64 {
        self.database.count(sql).await
    }

    /// Changes the database behind the hub's back.
    pub async fn run(&self, sql: &str) {
        self.database.run(sql).await;
    }

    /// Where its database is.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// The command line on this hub's data.
    pub fn program(&self) -> program::Program {
        program::Program::new(&self.directory, &self.database.url)
    }

    /// Posts a packet through the native API.
    pub async fn post(&self, system: &str, packet: impl Into<reqwest::Body>) -> Answer {
        let request = self.client.post(self.url("/api/v1/envelopes")).bearer_auth(self.system(system).bearer());
        Answer::of(request.header("content-type", "application/xml").body(packet).send().await.unwrap()).await
    }

    /// Asks what would become of a packet.
    pub async fn check(&self, system: &str, packet: impl Into<reqwest::Body>) -> Answer {
        let request = self.client.post(self.url("/api/v1/envelopes:check")).bearer_auth(self.system(system).bearer());
        Answer::of(request.body(packet).send().await.unwrap()).await
    }

    /// Posts a packet that must be accepted as new; answers its receipt.
    pub async fn accepted(&self, system: &str, packet: impl Into<reqwest::Body>) -> Value {
        let answer = self.post(system, packet).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json
    }

    /// One envelope as a party to it sees it.
    pub async fn view(&self, system: &str, envelope: &Value) -> Value {
        let answer = self.get(system, &format!("/api/v1/envelopes/{}", envelope.as_str().unwrap())).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json
    }

    /// All evidence but that of the samples, oldest first.
    pub async fn evidence(&self) -> Vec<EvidenceRow> {
        let mut all = all_evidence(&self.hub).await;
        all.retain(|row| !self.of_samples.contains(&row.evidence_id));
        all
    }

    /// The systems that caused events of a name, in order; nothing for the operator.
    pub async fn actors(&self, event: &str) -> Vec<Option<String>> {
        let evidence = self.evidence().await.into_iter();
        evidence.filter(|row| row.event == event).map(|row| row.system_id).collect()
    }

    /// Names of what happened to a delivery, oldest first.
    pub async fn events(&self, delivery: &str) -> Vec<String> {
        let rows = self.evidence().await.into_iter().filter(|row| row.delivery_id.as_deref() == Some(delivery));
        rows.map(|row| row.event).collect()
    }

    /// Whether any file of the hub, its database included where that is a file, holds these bytes.
    pub fn is_on_disk(&self, bytes: &[u8]) -> bool {
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false if memchr::memmem::find(&std::fs::read(entry.path()).unwrap(), bytes).is_some() => {
                        return true;
                    }
                    false => {}
                }
            }
        }
        false
    }

    /// Reads JSON through the native API.
    pub async fn get(&self, system: &str, path: &str) -> Answer {
        let request = self.client.get(self.url(path)).bearer_auth(self.system(system).bearer());
        Answer::of(request.send().await.unwrap()).await
    }

    /// Confirms a delivery through the native API.
    pub async fn confirm(&self, system: &str, delivery: &str, status: &str) -> Answer {
        let url = self.url(&format!("/api/v1/deliveries/{delivery}/confirm"));
        let request = self.client.post(url).bearer_auth(self.system(system).bearer());
        Answer::of(request.json(&serde_json::json!({ "status": status })).send().await.unwrap()).await
    }

    /// Ids of what waits for a system, oldest first.
    pub async fn waiting(&self, system: &str) -> Vec<String> {
        let answer = self.get(system, "/api/v1/mailbox").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let items = answer.json["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["delivery_id"].as_str().unwrap().to_owned()).collect()
    }

    /// Fetches the bytes of a delivery through the native API.
    pub async fn fetch(&self, system: &str, delivery: &str) -> Answer {
        self.get(system, &format!("/api/v1/deliveries/{delivery}/content")).await
    }

    /// Stops the server; requests in flight finish.
    pub async fn stop(&self) {
        self.server.stop(true).await;
    }
}

/// An answer, read whole.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
    pub json: Value,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let path = response.url().path().to_owned();
        let body = response.bytes().await.unwrap().to_vec();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        described::check(&path, status, &headers, &json);
        Self { status, headers, body, json }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Codes of the violations in a refusal, in order.
    pub fn codes(&self) -> Vec<String> {
        let violations = self.json["violations"].as_array().cloned().unwrap_or_default();
        violations.iter().map(|v| v["code"].as_str().unwrap().to_owned()).collect()
    }
}

async fn all_evidence(hub: &Hub) -> Vec<EvidenceRow> {
    hub.store.read(|tx| evidence::list_after(tx, "", i64::MAX)).await.unwrap()
}

/// Makes a system, or gives it further agencies.
pub async fn add_system(hub: &Hub, id: &str, role: Option<Role>, agencies: Vec<String>) {
    let new = NewSystem { system_id: id.to_owned(), name: id.to_owned(), role, agencies };
    systems::put_system(hub, &By::Operator, new).await.unwrap();
}

async fn register_samples(hub: &Hub) -> HashMap<String, System> {
    database::register_agencies(hub).await;
    let held = [
        ("dms.national", vec!["X99.A01"]),
        ("dms.province", vec!["X99.B02", "X99.E05"]),
        ("dms.commune", vec!["X99.C03"]),
    ];
    let mut systems = HashMap::new();
    for (id, agencies) in held {
        let agencies: Vec<String> = agencies.into_iter().map(str::to_owned).collect();
        add_system(hub, id, None, agencies).await;
        let key = keys::add_key(hub, &By::Operator, id, None).await.unwrap();
        let secret = key.secret.expose_secret().to_owned();
        systems.insert(id.to_owned(), System { id: id.to_owned(), key_id: key.key_id, secret });
    }
    systems
}
