//! Every statement that a hub executes in any test is listened to, and when the test's hub goes, its database is asked
//! for its plan: none may read a growing table from end to end. So a new query needs no test of its own to be judged;
//! one that is meant to read everything stands in `READS_ALL`, with the reason.

use super::database::Database;
use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::sync::Mutex;

/// Tables that stay small whatever the traffic: they may be read whole. What is unsealed waits for a second at most; people are
/// few beside packets; what is `counted` are the rows of a statement that has a limit.
const SMALL: &[&str] = &[
    "systems",
    "system_agencies",
    "system_keys",
    "system_addresses",
    "endpoints",
    "neighbour_keys",
    "witnesses",
    "watched_ledgers",
    "certificates",
    "routes",
    "unsealed",
    "counted",
    "users",
    "identity_providers",
    "user_identities",
    "user_agencies",
    "user_sessions",
    "recovery_codes",
    "followers",
    "frozen_months",
    "redrives",
    "purges",
    "grants",
    "legal_holds",
    "bulletins",
    "bulletin_agencies",
    "warrants",
    "warrant_agencies",
    "samples",
    "nodes",
    "__diesel_schema_migrations",
];

/// Statements, by a part of their text, that may read a growing table whole.
const READS_ALL: &[(&str, &str)] = &[
    ("document_words MATCH", "the full-text index is what is asked"),
    ("DELETE FROM searchable_documents", "an operator makes the search index anew"),
    ("DELETE FROM `statistic_counts`", "an operator has everything counted anew"),
    ("DELETE FROM `agency_signs`", "an operator has everything counted anew"),
    ("UPDATE evidence SET event = 'other'", "a test tries what a trigger refuses"),
    ("DELETE FROM evidence", "a test tries what a trigger refuses"),
    (
        "`selftest_runs`.`finished_at` IS NULL) ORDER BY `selftest_runs`.`run_id`",
        "live runs, as many as the limit allows",
    ),
    ("`agencies`.`valid_from` <=", "once a day every agency with days is looked at"),
    ("GROUP BY `deliveries`.`recipient_code`", "once a day, for the digest, along the index of what waits"),
    (
        "(`deliveries`.`fetched_at` IS NULL)) AND (`deliveries`.`accepted_at` <",
        "once an hour, along the index of what waits",
    ),
    ("COUNT(*) FROM (`pushes`", "an operator asks how much waits, along the index of what waits"),
    ("FROM pushes LIMIT", "the metrics count what waits, up to `metrics.waiting_max`"),
    ("FROM pushes ORDER BY push_id LIMIT", "operators count what waits, up to `metrics.waiting_max`"),
    (
        "FROM failures ORDER BY delivery_id LIMIT",
        "operators count what has failed and is not mended, up to `metrics.waiting_max`",
    ),
    (
        "fetched_at IS NULL AND via IS NULL ORDER BY recipient_code, accepted_at LIMIT",
        "operators count along the index of what nobody has fetched, up to `metrics.waiting_max`",
    ),
    ("WHERE state = 'consigned' LIMIT", "the metrics count along the index of what waits, up to `metrics.waiting_max`"),
];

static EXECUTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Listens to every connection that is opened from now on.
pub fn listen() {
    diesel::connection::set_default_instrumentation(|| Some(Box::new(Listener))).unwrap();
}

struct Listener;

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let InstrumentationEvent::StartQuery { query, .. } = event else { return };
        // What the test itself asks of the database is not the hub's.
        if std::thread::current().name().is_none_or(|name| !name.starts_with("store")) {
            return;
        }
        let mut text = Statement::default();
        // It breaks off where the values begin: they may be large.
        let _ = write!(text, "{query}");
        let sql = text.0.split(BINDS).next().unwrap().trim().to_owned();
        EXECUTED.lock().unwrap().insert(sql);
    }
}

const BINDS: &str = " -- binds";

#[derive(Default)]
struct Statement(String);

impl fmt::Write for Statement {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.0.push_str(part);
        if self.0.contains(BINDS) { Err(fmt::Error) } else { Ok(()) }
    }
}

/// What can be planned of what was executed: an insert of given values reads nothing.
fn plannable() -> Vec<String> {
    let executed = EXECUTED.lock().unwrap().clone();
    let reads = |sql: &String| {
        let word = sql.split_whitespace().next().unwrap_or_default().to_uppercase();
        matches!(word.as_str(), "SELECT" | "UPDATE" | "DELETE" | "WITH")
            || (word == "INSERT" && sql.to_uppercase().contains("SELECT") && !sql.contains("SELECT unnest("))
    };
    // One database quotes names in one way, the other in another.
    let is_allowed = |sql: &String| READS_ALL.iter().any(|(part, _)| sql.replace('"', "`").contains(part));
    executed.into_iter().filter(|sql| reads(sql) && !is_allowed(sql)).collect()
}

/// Statements that would read a growing table from end to end, with what the database says it would do.
pub async fn scans(database: &Database) -> Vec<String> {
    let statements = plannable();
    match database.is_postgres {
        true => scans_of_server(&database.url, &statements).await,
        false => scans_of_file(&database.url, &statements),
    }
}

#[derive(diesel::QueryableByName)]
struct Step {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

fn scans_of_file(url: &str, statements: &[String]) -> Vec<String> {
    let mut connection = SqliteConnection::establish(url.strip_prefix("sqlite://").unwrap()).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    let mut broken = Vec::new();
    for sql in statements {
        let steps = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load::<Step>(&mut connection);
        let steps = steps.unwrap_or_else(|why| panic!("{sql}: {why}"));
        let is_scan = |step: &&Step| {
            let table = step.detail.strip_prefix("SCAN ").map(|rest| rest.split(' ').next().unwrap_or_default());
            // A subquery in brackets was planned in steps of its own.
            table.is_some_and(|table| !SMALL.contains(&table) && table != "CONSTANT" && !table.starts_with('('))
        };
        broken.extend(steps.iter().filter(is_scan).map(|step| format!("{}\n    {sql}", step.detail)));
    }
    broken
}

async fn scans_of_server(url: &str, statements: &[String]) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    // Tables of a test are small, so that reading them whole would be right. It is made so dear that it is done only where
    // there is no index to use; and plans are made without looking at values, as they are in the long run.
    client.batch_execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan").await.unwrap();
    let mut broken = Vec::new();
    for sql in statements {
        let parameters = parameters(sql);
        let values = if parameters == 0 { String::new() } else { format!("({})", vec!["NULL"; parameters].join(", ")) };
        let prepared = client.batch_execute(&format!("PREPARE judged AS {sql}")).await;
        prepared.unwrap_or_else(|why| panic!("{sql}: {:?}", why.as_db_error()));
        let rows = client.simple_query(&format!("EXPLAIN (FORMAT JSON) EXECUTE judged{values}")).await.unwrap();
        client.batch_execute("DEALLOCATE judged").await.unwrap();
        let plan: String = rows
            .iter()
            .filter_map(|message| {
                let tokio_postgres::SimpleQueryMessage::Row(row) = message else { return None };
                row.get(0)
            })
            .collect();
        let plan: Value = serde_json::from_str(&plan).unwrap();
        let mut found = Vec::new();
        scans_of_plan(&plan[0]["Plan"], &mut found);
        broken.extend(found.into_iter().map(|what| format!("{what}\n    {sql}")));
    }
    driver.abort();
    broken
}

/// The highest `$n` of a statement.
fn parameters(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    numbers.max().unwrap_or(0)
}

/// Nodes that read a whole table. What the planner would choose for tables of millions cannot be seen in a test: that it
/// need not read them whole can.
fn scans_of_plan(node: &Value, found: &mut Vec<String>) {
    let text = |member: &str| node[member].as_str().unwrap_or_default();
    let (kind, table) = (text("Node Type"), text("Relation Name"));
    if kind == "Seq Scan" && !SMALL.contains(&table) {
        found.push(format!("{kind} {table}"));
    }
    for below in node["Plans"].as_array().into_iter().flatten() {
        scans_of_plan(below, found);
    }
}
