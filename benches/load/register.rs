//! A register with a history: many deliveries that were handed over, and a few that wait, written by the database itself
//! in one go. Only SQLite: `docaxis migrate` has made the tables, and nothing else may have the file open.

use crate::exchange::recipient;
use crate::packet::SENDER;
use anyhow::{Context, Result};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use std::path::Path;

/// Deliveries of one envelope: official documents go to many.
const FAN_OUT: u64 = 10;

/// Envelopes written in one transaction.
const BATCH: u64 = 100_000;

/// One delivery of so many still waits in its mailbox.
const WAITING: u64 = 10_000;

/// Writes so many deliveries, with their envelopes and evidence.
pub fn fill(file: &Path, deliveries: u64) -> Result<()> {
    let name = file.to_str().context("the database's name is not UTF-8")?;
    let mut database = SqliteConnection::establish(name)?;
    // It is thrown away afterwards, so that nothing need be durable on the way.
    database.batch_execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;")?;
    let envelopes = deliveries.div_ceil(FAN_OUT);
    let mut from = 0;
    while from < envelopes {
        let until = (from + BATCH).min(envelopes);
        database.batch_execute(&batch(from, until))?;
        eprintln!("the register has {} of {deliveries} deliveries", until * FAN_OUT);
        from = until;
    }
    // A register of years is sealed long since.
    database.batch_execute("DELETE FROM unsealed; PRAGMA journal_mode = WAL;")?;
    Ok(())
}

/// The statements for the envelopes `from..until`. Ids begin with 0, so that they are older than any that a hub makes.
fn batch(from: u64, until: u64) -> String {
    let last = until - 1;
    let numbers = |name: &str, first: u64, last: u64| {
        format!("WITH RECURSIVE {name}(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM {name} WHERE i < {last})")
    };
    let (envelopes, deliveries) = (numbers("n", from, last), numbers("n", from * FAN_OUT, until * FAN_OUT - 1));
    let at = "'2025-01-02 03:04:05.000000'";
    let recipients: Vec<String> =
        (0..FAN_OUT).map(|place| format!("WHEN {place} THEN '{}'", recipient(place))).collect();
    let recipient = format!("CASE i % {FAN_OUT} {} END", recipients.join(" "));
    let envelope = format!("printf('%032x', i / {FAN_OUT})");
    let document = format!("printf('{SENDER},2024/06/02,%012d', i / {FAN_OUT})");
    let waits = format!("i % {WAITING} = 0");
    format!(
        "BEGIN;
         {envelopes} INSERT INTO envelopes (envelope_id, packet_kind, system_id, sender_code, document_id, meaning,
           payload_sha256, bytes, subject, code_number, code_notation, type_name, issued_on, due_on, urgency, accepted_at)
           SELECT printf('%032x', i), 'new', 'bench.sender', '{SENDER}', printf('{SENDER},2024/06/02,%012d', i),
           randomblob(32), zeroblob(32), 8, 'V/v kiểm thử sổ đăng ký lớn', printf('%d', i), 'CQA-VP', 'Công văn',
           '2024-06-02', NULL, 0, {at} FROM n;
         {envelopes} INSERT INTO payloads (envelope_id, sha256, content)
           SELECT printf('%032x', i), zeroblob(32), zeroblob(8) FROM n;
         {deliveries} INSERT INTO deliveries (delivery_id, envelope_id, sender_code, document_id, packet_kind,
           recipient_code, occurrence, outcome, state, mark, note, recall, fetched_at, accepted_at, changed_at)
           SELECT printf('%032x', i), {envelope}, '{SENDER}', {document}, 'new', {recipient}, '', 'consigned',
           iif({waits}, 'consigned', 'handed_over'), iif({waits}, 'initial', 'done'), '', '',
           iif({waits}, NULL, {at}), {at}, {at} FROM n;
         {deliveries} INSERT INTO evidence (evidence_id, event, at, envelope_id, delivery_id, agency, system_id, facts)
           SELECT printf('%032x', i), 'ContentHandover', {at}, {envelope}, printf('%032x', i), {recipient},
           'bench.recipient', '{{}}' FROM n;
         COMMIT;"
    )
}
