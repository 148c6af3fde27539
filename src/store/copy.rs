//! Rows from one database to the other, whatever the tables are: both have the same tables and columns
//! (`tests/it/migrations.rs` holds them to it). Rows travel as JSON, bytes as `\x` and hexadecimal digits.

use super::connection::on;
use super::inspect::{texts, with_text};
use super::{Connection, StoreError};
use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection;
use serde_json::Value;

/// Rows that travel together.
const ROWS_AT_ONCE: usize = 100;

/// A table and its columns as SQLite knows them.
struct Table {
    name: String,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Time,
    Bytes,
}

/// Tables of the hub, each after those that it refers to.
fn tables(sqlite: &mut Connection) -> Result<Vec<Table>, StoreError> {
    let mut waiting = texts(
        sqlite,
        "SELECT name AS word FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    waiting.retain(|table| !DERIVED.iter().any(|derived| table.starts_with(derived)));
    let mut ordered: Vec<String> = Vec::new();
    while !waiting.is_empty() {
        let (before, mut left) = (waiting.len(), Vec::new());
        for table in std::mem::take(&mut waiting) {
            let refers = texts(sqlite, &format!("SELECT \"table\" AS word FROM pragma_foreign_key_list('{table}')"))?;
            match refers.iter().all(|other| *other == table || ordered.contains(other)) {
                true => ordered.push(table),
                false => left.push(table),
            }
        }
        if left.len() == before {
            return Err(StoreError::Missing("a table that refers to no other"));
        }
        waiting = left;
    }
    let described = ordered.into_iter().map(|name| {
        let columns = texts(
            sqlite,
            &format!("SELECT name || ' ' || type AS word FROM pragma_table_info('{name}') ORDER BY cid"),
        )?;
        let columns = columns.iter().filter_map(|column| column.split_once(' ')).map(|(name, kind)| {
            let kind = match kind {
                "TIMESTAMP" => Kind::Time,
                "BLOB" => Kind::Bytes,
                _ => Kind::Plain,
            };
            Column { name: name.to_owned(), kind }
        });
        Ok(Table { columns: columns.collect(), name })
    });
    described.collect()
}

/// What follows the ledger and is made anew from it: the search index, with the tables of which SQLite makes it, and the numbers
/// of days. And the nodes: none of them works elsewhere.
const DERIVED: &[&str] =
    &["agency_signs", "document_words", "followers", "nodes", "searchable_documents", "statistic_counts"];

/// Tables into which a migration or a trigger puts rows: there they are before anything was said of them, and give way to
/// what is copied. They come after those tables whose rows the triggers see.
const SEEDED: &[&str] = &["directory", "unsealed"];

/// Whether no table of the hub has a row but those of `SEEDED`. The names of the tables are those of `sqlite`.
pub(super) fn is_empty(sqlite: &mut Connection, asked: &mut Connection) -> Result<bool, StoreError> {
    for table in tables(sqlite)?.iter().filter(|table| !SEEDED.contains(&table.name.as_str())) {
        if !texts(asked, &format!("SELECT 'x' AS word FROM \"{}\" LIMIT 1", table.name))?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Copies every row of a server into a file with empty tables, as they are at one moment. Answers how many.
pub(super) fn from_postgres(
    server: &mut Connection,
    file: &mut Connection,
    note: &mut dyn FnMut(u64),
) -> Result<u64, StoreError> {
    run(server, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    // The file is nobody's yet: when this fails it is thrown away.
    run(file, "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; BEGIN")?;
    let mut rows: u64 = 0;
    for table in tables(file)? {
        let name = &table.name;
        if SEEDED.contains(&name.as_str()) {
            run(file, &format!("DELETE FROM \"{name}\""))?;
        }
        run(
            server,
            &format!("DECLARE every_row NO SCROLL CURSOR FOR SELECT row_to_json(t)::text AS word FROM \"{name}\" AS t"),
        )?;
        let insert = insert_into_sqlite(&table);
        loop {
            let some = texts(server, &format!("FETCH {ROWS_AT_ONCE} FROM every_row"))?;
            if some.is_empty() {
                break;
            }
            let times: Vec<&str> =
                table.columns.iter().filter(|c| c.kind == Kind::Time).map(|c| c.name.as_str()).collect();
            let some = some.iter().map(|row| with_times(row, &times)).collect::<Result<Vec<_>, _>>()?;
            with_text(file, &insert, &format!("[{}]", some.join(",")))?;
            rows = rows.saturating_add(u64::try_from(some.len()).unwrap_or(u64::MAX));
            note(rows);
        }
        run(server, "CLOSE every_row")?;
    }
    run(file, "COMMIT")?;
    run(server, "COMMIT")?;
    Ok(rows)
}

fn insert_into_sqlite(table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let values = table.columns.iter().map(|column| {
        let value = format!("json_extract(value, '$.\"{}\"')", column.name);
        if column.kind == Kind::Bytes { format!("unhex(substr({value}, 3))") } else { value }
    });
    let values: Vec<String> = values.collect();
    format!("INSERT INTO \"{}\" ({}) SELECT {} FROM json_each(?)", table.name, columns.join(", "), values.join(", "))
}

/// The row with its times as this program writes them into SQLite.
fn with_times(row: &str, times: &[&str]) -> Result<String, StoreError> {
    let bad = |what: &str| StoreError::UnknownWord { column: "a row on its way", value: what.to_owned() };
    let mut read: Value = serde_json::from_str(row).map_err(|error| bad(&error.to_string()))?;
    for name in times {
        if let Some(Value::String(text)) = read.get_mut(*name) {
            let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map_err(|_| bad(text))?;
            *text = time.format("%F %T%.f").to_string();
        }
    }
    Ok(read.to_string())
}

/// Copies every row of a file into the empty tables of a server, in the transaction that is open there.
pub(super) fn into_postgres(
    file: &mut Connection,
    server: &mut Connection,
    note: &mut dyn FnMut(u64),
) -> Result<u64, StoreError> {
    let mut rows: u64 = 0;
    for table in tables(file)? {
        let name = &table.name;
        if SEEDED.contains(&name.as_str()) {
            run(server, &format!("DELETE FROM \"{name}\""))?;
        }
        let insert =
            format!("INSERT INTO \"{name}\" SELECT * FROM json_populate_recordset(NULL::\"{name}\", $1::text::json)");
        let select = select_from_sqlite(&table);
        let mut some: Vec<String> = Vec::new();
        let mut put = |some: &mut Vec<String>| -> Result<(), StoreError> {
            if !some.is_empty() {
                with_text(server, &insert, &format!("[{}]", some.join(",")))?;
                rows = rows.saturating_add(u64::try_from(some.len()).unwrap_or(u64::MAX));
                note(rows);
                some.clear();
            }
            Ok(())
        };
        super::inspect::each_text(file, &select, &mut |row| {
            some.push(row);
            if some.len() >= ROWS_AT_ONCE { put(&mut some) } else { Ok(()) }
        })?;
        put(&mut some)?;
    }
    Ok(rows)
}

fn select_from_sqlite(table: &Table) -> String {
    let members = table.columns.iter().map(|Column { name, kind }| match kind {
        Kind::Bytes => {
            format!("'{name}', CASE WHEN \"{name}\" IS NULL THEN NULL ELSE '\\x' || lower(hex(\"{name}\")) END")
        }
        Kind::Plain | Kind::Time => format!("'{name}', \"{name}\""),
    });
    format!("SELECT json_object({}) AS word FROM \"{}\"", members.collect::<Vec<_>>().join(", "), table.name)
}

pub(super) fn run(connection: &mut Connection, sql: &str) -> Result<(), StoreError> {
    on!(connection, c => c.batch_execute(sql)).map_err(StoreError::Statement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_postgres_is_written_as_sqlite_has_it() {
        let row = r#"{"at":"2026-11-21T02:00:00.5","to":null,"n":1}"#;
        assert_eq!(
            serde_json::from_str::<Value>(&with_times(row, &["at", "to"]).unwrap()).unwrap(),
            serde_json::json!({ "at": "2026-11-21 02:00:00.500", "to": null, "n": 1 })
        );
        assert!(with_times(r#"{"at":"yesterday"}"#, &["at"]).is_err());
    }
}
