//! Looking at the database itself: its form, its settings, how much waits. Plain SQL that both databases take, or that
//! only one of them has; nothing here changes anything.

use super::connection::{Place, on};
use super::migrations::{self, Form};
use super::neighbours::{self, NeighbourKeys};
use super::systems::{self, KeyRow};
use super::witnesses::{self, WatchedRow, WitnessRow};
use super::{Connection, IDS_MAX, Link, StoreError, ledger, purgeable};
use crate::config::Database;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamp};
use secrecy::ExposeSecret;
use std::collections::HashSet;
use std::path::Path;

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

pub(super) fn number(tx: &mut Connection, sql: &str) -> Result<i64, StoreError> {
    let row: Number = on!(tx, c => diesel::sql_query(sql).get_result(c))?;
    Ok(row.number)
}

/// How many deliveries are at the disposal of recipients, counted up to `most`.
///
/// # Errors
/// `Statement`.
pub fn waiting(tx: &mut Connection, most: u64) -> Result<i64, StoreError> {
    number(
        tx,
        &format!(
            "SELECT count(*) AS number FROM (SELECT 1 FROM deliveries WHERE state = 'consigned' LIMIT {most}) AS counted"
        ),
    )
}

/// How much waits to be pushed, counted up to `most`.
///
/// # Errors
/// `Statement`.
pub fn pushes_waiting(tx: &mut Connection, most: u64) -> Result<i64, StoreError> {
    number(tx, &format!("SELECT count(*) AS number FROM (SELECT 1 FROM pushes LIMIT {most}) AS counted"))
}

/// How much there is of one kind at one place, and since when.
#[derive(Debug, Clone, diesel::QueryableByName)]
pub struct Heap {
    /// The place: the code of a recipient, or an endpoint.
    #[diesel(sql_type = Text)]
    pub place: String,
    /// The kind: the code of a cause, or the number of a lane; empty where there are none.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// How much.
    #[diesel(sql_type = BigInt)]
    pub number: i64,
    #[diesel(sql_type = Timestamp)]
    first: NaiveDateTime,
}

impl Heap {
    /// The earliest time of them.
    pub fn first(&self) -> DateTime<Utc> {
        self.first.and_utc()
    }
}

/// `counted` says in which order, so that what is counted is the same each time.
fn heaps(tx: &mut Connection, counted: &str, most: u64) -> Result<Vec<Heap>, StoreError> {
    let sql = format!(
        "SELECT place, kind, count(*) AS number, min(at) AS first FROM (SELECT {counted} LIMIT {most}) AS counted GROUP BY place, kind"
    );
    Ok(on!(tx, c => diesel::sql_query(sql).load(c))?)
}

/// What has failed and nobody has mended, by recipient and cause, with the time of the first failure; up to `most` in all.
///
/// # Errors
/// `Statement`.
pub fn failures(tx: &mut Connection, most: u64) -> Result<Vec<Heap>, StoreError> {
    heaps(tx, "recipient_code AS place, cause AS kind, failed_at AS at FROM failures ORDER BY delivery_id", most)
}

/// What waits to be pushed, by endpoint and lane, with the time at which the first is given up; up to `most` in all.
///
/// # Errors
/// `Statement`.
pub fn lines(tx: &mut Connection, most: u64) -> Result<Vec<Heap>, StoreError> {
    heaps(tx, "endpoint_id AS place, CAST(lane AS TEXT) AS kind, expires_at AS at FROM pushes ORDER BY push_id", most)
}

/// What nobody has fetched yet, by recipient, with the time at which the first was accepted; up to `most` in all. It goes along the
/// index, recipient by recipient, so that beyond `most` the last of them are missing.
///
/// # Errors
/// `Statement`.
pub fn unfetched(tx: &mut Connection, most: u64) -> Result<Vec<Heap>, StoreError> {
    let counted = "recipient_code AS place, '' AS kind, accepted_at AS at FROM deliveries \
                   WHERE state = 'consigned' AND fetched_at IS NULL AND via IS NULL \
                   ORDER BY recipient_code, accepted_at";
    heaps(tx, counted, most)
}

#[derive(diesel::QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// The texts that a query gives as `word`.
pub(super) fn texts(tx: &mut Connection, sql: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Word> = on!(tx, c => diesel::sql_query(sql).load(c))?;
    Ok(rows.into_iter().map(|row| row.word).collect())
}

/// The same of an SQLite file, one after the other: they may be more than memory holds.
pub(super) fn each_text(
    tx: &mut Connection,
    sql: &str,
    each: &mut dyn FnMut(String) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    match &mut tx.link {
        Link::Sqlite(c) => {
            for row in diesel::sql_query(sql).load_iter::<Word, diesel::connection::DefaultLoadingMode>(&mut **c)? {
                each(row?.word)?;
            }
            Ok(())
        }
        Link::Postgres(_) => texts(tx, sql)?.into_iter().try_for_each(each),
    }
}

/// Runs a statement with one text in it.
pub(super) fn with_text(tx: &mut Connection, sql: &str, text: &str) -> Result<usize, StoreError> {
    Ok(on!(tx, c => diesel::sql_query(sql).bind::<Text, _>(text).execute(c))?)
}

/// What a database says of itself, without anything being changed.
#[derive(Debug)]
pub struct Diagnosis {
    /// Whether its tables are those of this version.
    pub form: Form,
    /// What its own check complains of.
    pub damage: Vec<String>,
    /// Settings of a server that give up what was acknowledged, as `name = value`.
    pub unsafe_settings: Vec<String>,
    /// The time of the newest evidence.
    pub newest: Option<NaiveDateTime>,
    /// The clock of a server.
    pub server_now: Option<NaiveDateTime>,
    /// Every key.
    pub keys: Vec<KeyRow>,
    /// Jobs that were due before the given time and are not done.
    pub overdue: Vec<String>,
    /// When the newest head of the ledger was signed, if anything waits to be sealed.
    pub waits_since_head: Option<NaiveDateTime>,
    /// How every witness is doing that was ever asked.
    pub witnesses: Vec<WitnessRow>,
    /// Every ledger that this hub cosigned as a witness.
    pub watched: Vec<WatchedRow>,
    /// By what each neighbour is known.
    pub neighbours: Vec<NeighbourKeys>,
    /// Names of the files of packets, as many as were asked for.
    pub files: Vec<String>,
    /// Packets whose contents are written down as destroyed, and are there.
    pub returned: Vec<String>,
}

/// Asks a database about itself. Jobs due before `late` should be done; at most `files` names of files are given.
///
/// # Errors
/// When it cannot be reached or asked. A file that is not there is not made.
pub fn diagnose(config: &Database, data: &Path, late: NaiveDateTime, files: i64) -> Result<Diagnosis, StoreError> {
    let place = Place::of_url(config.url.expose_secret(), data, &config.tls_ca_file)?;
    if let Place::Sqlite { file, .. } = &place
        && !file.exists()
    {
        return Err(StoreError::Missing("the database file"));
    }
    let mut tx = place.reader().connect()?;
    let form = migrations::form(&mut tx)?;
    let is_server = !place.has_one_writer();
    let damage = if is_server { Vec::new() } else { complaints(&mut tx)? };
    if form != Form::Current {
        let (newest, server_now, waits_since_head) = (None, None, None);
        let (unsafe_settings, keys, overdue, files) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (witnesses, watched, neighbours) = (Vec::new(), Vec::new(), Vec::new());
        return Ok(Diagnosis {
            form,
            damage,
            unsafe_settings,
            newest,
            server_now,
            keys,
            overdue,
            waits_since_head,
            witnesses,
            watched,
            neighbours,
            files,
            returned: Vec::new(),
        });
    }
    let mut keys = Vec::new();
    for system in systems::list(&mut tx)? {
        keys.extend(systems::keys_of(&mut tx, &system.system_id)?);
    }
    let newest = texts(&mut tx, "SELECT CAST(at AS TEXT) AS word FROM evidence ORDER BY evidence_id DESC LIMIT 1")?;
    let server_now = match is_server {
        true => texts(&mut tx, "SELECT CAST(now() AT TIME ZONE 'UTC' AS TEXT) AS word")?,
        false => Vec::new(),
    };
    let late = late.format("%F %T");
    let overdue = texts(
        &mut tx,
        &format!(
            "SELECT job || ' ' || CAST(due_at AS TEXT) AS word FROM job_runs AS run WHERE (finished_at IS NULL \
             AND due_at < '{late}' AND (lease_until IS NULL OR lease_until < '{late}')) OR (outcome = 'failed' AND NOT EXISTS \
             (SELECT 1 FROM job_runs AS later WHERE later.job = run.job AND later.due_at > run.due_at)) ORDER BY due_at"
        ),
    )?;
    let unsealed = texts(&mut tx, "SELECT evidence_id AS word FROM unsealed LIMIT 1")?;
    let head = ledger::head(&mut tx)?;
    let unsafe_settings = if is_server { unsafe_settings(&mut tx)? } else { Vec::new() };
    Ok(Diagnosis {
        form,
        damage,
        unsafe_settings,
        newest: newest.first().and_then(|text| time(text)),
        server_now: server_now.first().and_then(|text| time(text)),
        keys,
        overdue,
        witnesses: witnesses::list(&mut tx)?,
        watched: witnesses::all_watched(&mut tx)?,
        neighbours: neighbours::list(&mut tx)?.into_iter().map(|(keys, _)| keys).collect(),
        waits_since_head: head.filter(|_| !unsealed.is_empty()).map(|head| head.signed_at),
        files: file_names(&mut tx, is_server, files)?,
        returned: returned(&mut tx)?,
    })
}

fn file_names(tx: &mut Connection, is_server: bool, most: i64) -> Result<Vec<String>, StoreError> {
    let hexed = if is_server { "encode(sha256, 'hex')" } else { "lower(hex(sha256))" };
    let sql = format!("SELECT DISTINCT {hexed} AS word FROM payloads WHERE content IS NULL ORDER BY 1 LIMIT {most}");
    texts(tx, &sql)
}

fn returned(tx: &mut Connection) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT payloads.envelope_id AS word FROM destroyed_packets JOIN payloads \
               ON payloads.envelope_id = destroyed_packets.envelope_id ORDER BY 1";
    texts(tx, sql)
}

/// Which of these packets have their contents. A file that is not there is not made.
///
/// # Errors
/// When the database cannot be reached or asked.
pub fn with_content(config: &Database, data: &Path, envelope_ids: &[&str]) -> Result<HashSet<String>, StoreError> {
    let place = Place::of_url(config.url.expose_secret(), data, &config.tls_ca_file)?;
    let mut tx = place.reader().connect()?;
    let mut found = HashSet::new();
    for some in envelope_ids.chunks(IDS_MAX) {
        found.extend(purgeable::there(&mut tx, some)?.into_keys());
    }
    Ok(found)
}

fn complaints(tx: &mut Connection) -> Result<Vec<String>, StoreError> {
    let said = texts(tx, "SELECT quick_check AS word FROM pragma_quick_check")?;
    Ok(said.into_iter().filter(|line| line != "ok").collect())
}

fn unsafe_settings(tx: &mut Connection) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT name || ' = ' || setting AS word FROM pg_settings WHERE setting = 'off' \
               AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name";
    texts(tx, sql)
}

fn time(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()
}
