//! A database for each test: a file, or a database of its own on the PostgreSQL server that `PGHOST` and its like name.

use super::{fixture, plans};
use docaxis::domain::agency::AgencyState;
use docaxis::domain::directory::Codes;
use docaxis::exchange::act::By;
use docaxis::exchange::directory::{self, AgencyEntry};
use docaxis::hub::Hub;
use docaxis::store::Store;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

pub struct Database {
    pub url: String,
    server: Option<(String, String)>,
    pub is_postgres: bool,
    /// Whether what hubs execute is judged by its plan in the end.
    pub judges_plans: bool,
    /// Whether a test broke the laws on purpose.
    pub is_tampered: AtomicBool,
}

/// Whether this run is to use PostgreSQL.
pub fn wants_postgres() -> bool {
    std::env::var("DOCAXIS_TEST_DATABASE").is_ok_and(|kind| kind == "postgres")
}

fn server_url(database: &str) -> String {
    let of = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let (user, password) = (of("PGUSER", "postgres"), of("PGPASSWORD", ""));
    format!("postgres://{user}:{password}@{}:{}/{database}", of("PGHOST", "127.0.0.1"), of("PGPORT", "5432"))
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn on_server(url: &str, sql: &str) -> i64 {
    ask(&connect(url).await, sql).await
}

async fn ask(client: &tokio_postgres::Client, sql: &str) -> i64 {
    let rows = client.simple_query(sql).await.unwrap();
    let number = rows.iter().find_map(|message| {
        let tokio_postgres::SimpleQueryMessage::Row(row) = message else { return None };
        row.get(0).and_then(|text| text.parse().ok())
    });
    number.unwrap_or_default()
}

/// What all migrations of a kind of database say, as a number.
fn digest_of_migrations(kind: &str) -> u64 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind);
    let names: BTreeSet<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let mut hasher = DefaultHasher::new();
    for name in names {
        std::fs::read(name.join("up.sql")).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}

fn migrate(url: &str) {
    let config = docaxis::config::Database { url: url.to_owned().into(), ..Default::default() };
    Store::open(&config, Path::new(".")).unwrap().close();
}

/// A file with all tables and nothing in them, made by the first test that needs one.
fn migrated_file() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let whole = folder.join(format!("migrated-{:016x}.db", digest_of_migrations("sqlite")));
    if !whole.exists() {
        let making = tempfile::tempdir_in(folder).unwrap();
        let file = making.path().join("docaxis.db");
        migrate(&format!("sqlite://{}", file.display()));
        // Two tests that do this at once make the same.
        std::fs::rename(file, &whole).unwrap();
    }
    whole
}

/// The name of a database on the server with all tables and nothing in them, made by the first test that needs one.
async fn migrated_on_server(client: &tokio_postgres::Client) -> String {
    let name = format!("docaxis_migrated_{:016x}", digest_of_migrations("postgres"));
    ask(client, "SELECT pg_advisory_lock(1)").await;
    if ask(client, &format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")).await == 0 {
        let making = format!("{name}_making");
        ask(client, &format!("DROP DATABASE IF EXISTS {making} WITH (FORCE)")).await;
        ask(client, &format!("CREATE DATABASE {making}")).await;
        migrate(&server_url(&making));
        ask(client, &format!("ALTER DATABASE {making} RENAME TO {name}")).await;
    }
    ask(client, "SELECT pg_advisory_unlock(1)").await;
    name
}

impl Database {
    fn at(url: String, server: Option<(String, String)>) -> Self {
        let is_postgres = server.is_some();
        Self { url, server, is_postgres, judges_plans: false, is_tampered: AtomicBool::new(false) }
    }

    /// One without tables.
    pub async fn make(folder: &Path) -> Self {
        match wants_postgres() {
            true => Self::on_server(None).await,
            false => Self::at(format!("sqlite://{}", folder.join("docaxis.db").display()), None),
        }
    }

    /// One with all tables: copied, so that not every test has to run all migrations.
    pub async fn migrated(folder: &Path) -> Self {
        if wants_postgres() {
            let template = migrated_on_server(&connect(&server_url("postgres")).await).await;
            return Self::on_server(Some(template)).await;
        }
        std::fs::copy(migrated_file(), folder.join("docaxis.db")).unwrap();
        Self::make(folder).await
    }

    async fn on_server(template: Option<String>) -> Self {
        let name = format!("docaxis_{}", uuid::Uuid::now_v7().simple());
        let server = server_url("postgres");
        let template = template.map(|template| format!("TEMPLATE {template}")).unwrap_or_default();
        on_server(&server, &format!("CREATE DATABASE {name} {template}")).await;
        Self::at(server_url(&name), Some((server, name)))
    }

    pub async fn run(&self, sql: &str) {
        use diesel::Connection;
        use diesel::connection::SimpleConnection;
        if self.is_postgres {
            on_server(&self.url, sql).await;
            return;
        }
        let file = self.url.strip_prefix("sqlite://").unwrap();
        let mut connection = diesel::SqliteConnection::establish(file).unwrap();
        connection.batch_execute(&format!("PRAGMA busy_timeout = 5000; {sql}")).unwrap();
    }

    pub async fn count(&self, sql: &str) -> i64 {
        if self.is_postgres {
            return on_server(&self.url, sql).await;
        }
        count_in_file(&self.url, sql)
    }
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

fn count_in_file(url: &str, sql: &str) -> i64 {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, RunQueryDsl};
    let file = url.strip_prefix("sqlite://").unwrap();
    let mut connection = diesel::SqliteConnection::establish(file).unwrap();
    // A hub that is going down folds its log back, and locks the file for that moment.
    connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    let wrapped = format!("SELECT CAST(({sql}) AS BIGINT) AS number");
    diesel::sql_query(wrapped).get_result::<Number>(&mut connection).unwrap().number
}

/// What must hold of every register at any time: each query counts what breaks a law and must answer 0.
const LAWS: [(&str, &str); 15] = [
    (
        "every envelope has evidence of its acceptance",
        "SELECT count(*) FROM envelopes e WHERE NOT EXISTS (SELECT 1 FROM evidence v \
         WHERE v.envelope_id = e.envelope_id AND v.event = 'SubmissionAcceptance')",
    ),
    (
        "every delivery that was consigned has evidence of it",
        "SELECT count(*) FROM deliveries d WHERE d.outcome = 'consigned' AND NOT EXISTS (SELECT 1 FROM evidence v \
         WHERE v.delivery_id = d.delivery_id AND v.event = 'ContentConsignment')",
    ),
    (
        "every hand-over has evidence",
        "SELECT count(*) FROM deliveries d WHERE d.state = 'handed_over' AND NOT EXISTS (SELECT 1 FROM evidence v \
         WHERE v.delivery_id = d.delivery_id AND v.event = 'ContentHandover')",
    ),
    (
        "every fetch has evidence",
        "SELECT count(*) FROM deliveries d WHERE d.fetched_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM evidence v \
         WHERE v.delivery_id = d.delivery_id AND v.event IN ('docaxis:ContentFetched', 'ContentHandover')) AND NOT EXISTS (SELECT 1 FROM \
         attempts a WHERE a.delivery_id = d.delivery_id)",
    ),
    (
        "every failed delivery has evidence of it",
        "SELECT count(*) FROM deliveries d WHERE d.state = 'failed' AND NOT EXISTS (SELECT 1 FROM evidence v \
         WHERE v.delivery_id = d.delivery_id AND v.event = 'ContentConsignmentFailure')",
    ),
    (
        "whatever is pending is in line",
        "SELECT count(*) FROM deliveries d WHERE d.state = 'pending' AND NOT EXISTS (SELECT 1 FROM pushes p \
         WHERE p.push_id = d.delivery_id)",
    ),
    (
        "nothing but what is pending is in line",
        "SELECT count(*) FROM pushes p JOIN deliveries d ON d.delivery_id = p.push_id WHERE d.state <> 'pending'",
    ),
    (
        "every envelope has at least one delivery",
        "SELECT count(*) FROM envelopes e WHERE NOT EXISTS (SELECT 1 FROM deliveries d \
         WHERE d.envelope_id = e.envelope_id)",
    ),
    (
        "every envelope has its bytes or names their file, unless they were destroyed",
        "SELECT count(*) FROM envelopes e WHERE NOT EXISTS (SELECT 1 FROM payloads p WHERE \
         p.envelope_id = e.envelope_id AND (p.content IS NULL OR length(p.content) = e.bytes)) \
         AND NOT EXISTS (SELECT 1 FROM destroyed_packets d WHERE d.envelope_id = e.envelope_id)",
    ),
    (
        "what was destroyed is not there",
        "SELECT count(*) FROM destroyed_packets d JOIN payloads p ON p.envelope_id = d.envelope_id",
    ),
    (
        "whatever was destroyed has evidence, and was agreed on by two people",
        "SELECT count(*) FROM destroyed_packets d JOIN purges u ON u.purge_id = d.purge_id WHERE u.decided_by IS NULL OR \
         u.decided_by = u.proposed_by OR NOT EXISTS (SELECT 1 FROM evidence v WHERE v.envelope_id = d.envelope_id \
         AND v.event = 'docaxis:PacketDestroyed')",
    ),
    (
        "whatever archive was destroyed has evidence",
        "SELECT count(*) FROM archives a WHERE a.purge_id IS NOT NULL AND (a.destroyed_at IS NULL OR NOT EXISTS (SELECT 1 \
         FROM evidence v WHERE v.event = 'docaxis:ArchiveDestroyed' AND v.facts LIKE '%' || a.archive_id || '%'))",
    ),
    (
        "every piece of evidence is sealed or waits to be",
        "SELECT count(*) FROM evidence v WHERE NOT EXISTS (SELECT 1 FROM ledger_entries e WHERE e.evidence_id = \
         v.evidence_id) AND NOT EXISTS (SELECT 1 FROM unsealed u WHERE u.evidence_id = v.evidence_id)",
    ),
    (
        "nothing is sealed and waits to be",
        "SELECT count(*) FROM unsealed u JOIN ledger_entries e ON e.evidence_id = u.evidence_id",
    ),
    (
        "the ledger has no gap and its head covers all of it",
        "SELECT (SELECT count(*) FROM ledger_entries) - COALESCE((SELECT max(tree_size) FROM checkpoints), 0) + \
         COALESCE((SELECT max(ledger_index) + 1 FROM ledger_entries), 0) - \
         COALESCE((SELECT max(tree_size) FROM checkpoints), 0)",
    ),
];

/// How many laws are broken.
fn all_laws() -> String {
    let laws = LAWS.map(|(_, sql)| format!("CASE WHEN ({sql}) = 0 THEN 0 ELSE 1 END"));
    format!("SELECT {}", laws.join(" + "))
}

impl Drop for Database {
    fn drop(&mut self) {
        let broken = std::thread::scope(|scope| {
            let checked = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut broken = Vec::new();
                    if !self.is_tampered.load(Ordering::SeqCst) && self.count(&all_laws()).await != 0 {
                        for (law, sql) in LAWS {
                            if self.count(sql).await != 0 {
                                broken.push(law.to_owned());
                            }
                        }
                    }
                    if self.judges_plans {
                        broken.extend(plans::scans(self).await);
                    }
                    if let Some((server, name)) = &self.server {
                        on_server(server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
                    }
                    broken
                })
            });
            checked.join()
        });
        // A test that failed has said why already.
        if !std::thread::panicking() {
            let broken = broken.unwrap();
            assert!(
                broken.is_empty(),
                "laws of the register are broken, or statements read a whole table:\n{}",
                broken.join("\n")
            );
        }
    }
}

/// Registers the agencies of `fixtures/agencies.csv`.
pub async fn register_agencies(hub: &Hub) {
    let text = String::from_utf8(fixture("agencies.csv")).unwrap();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [code, name, parent, _, _, aliases, mail] = cells.as_slice() else { panic!("{line}") };
        let entry = AgencyEntry {
            code: (*code).to_owned(),
            name: (*name).to_owned(),
            parent: (*parent).to_owned(),
            mail: (*mail).to_owned(),
            aliases: aliases.split(';').filter(|a| !a.is_empty()).map(str::to_owned).collect(),
            ..AgencyEntry::default()
        };
        directory::register_agency(hub, &By::Operator, entry, Codes::Rest).await.unwrap();
    }
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let state = AgencyState::of_word(cells[3]).unwrap();
        let successor = Some(cells[4]).filter(|s| !s.is_empty());
        directory::set_agency_state(hub, &By::Operator, cells[0], state, successor).await.unwrap();
    }
}
