//! Files of agencies: CSV as spreadsheets write it, and JSON; read with every fault of form, and written in the same
//! form, so that what was exported can be imported. What the entries mean is in `domain::directory`.

use crate::domain::directory::fault::{self, Fault};
use crate::domain::directory::{Column, Entry, Listing};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a first line that names the columns; semicolons may separate too.
    Csv,
    /// An array of objects.
    Json,
}

impl Format {
    /// The form that the bytes seem to have: JSON begins with a bracket, which no column has in its name.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        match without_mark(bytes).iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[' | b'{') => Self::Json,
            Some(_) | None => Self::Csv,
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The entries of a file.
///
/// # Errors
/// Every fault of form.
pub fn read(bytes: &[u8], format: Format) -> Result<Vec<Entry>, Vec<Fault>> {
    let bytes = without_mark(bytes);
    let mut faults = Vec::new();
    let entries = match format {
        Format::Csv => read_csv(bytes, &mut faults),
        Format::Json => read_json(bytes, &mut faults),
    };
    if entries.is_empty() && faults.is_empty() {
        faults.push(fault::EMPTY.of(0, "", &[]));
    }
    if faults.is_empty() { Ok(entries) } else { Err(faults) }
}

/// Codes in one field are separated by semicolons or spaces.
fn split_aliases(field: &str) -> Vec<String> {
    let parts = field.split(|sign: char| sign == ';' || sign.is_whitespace());
    parts.filter(|alias| !alias.is_empty()).map(str::to_owned).collect()
}

fn columns_list() -> String {
    Column::ALL.map(Column::name).join(", ")
}

/// What stands behind the mark with which spreadsheets begin.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// A reader of CSV with commas or, as Vietnamese spreadsheets write it, semicolons; with `is_headed`, its first line names columns,
/// and every other one is as long.
pub(super) fn csv_reader(bytes: &[u8], is_headed: bool) -> csv::Reader<&[u8]> {
    let head = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let many = |sign: u8| head.iter().filter(|byte| **byte == sign).count();
    let separator = if many(b';') > many(b',') { b';' } else { b',' };
    csv::ReaderBuilder::new().delimiter(separator).has_headers(is_headed).flexible(!is_headed).from_reader(bytes)
}

fn read_csv(bytes: &[u8], faults: &mut Vec<Fault>) -> Vec<Entry> {
    let mut reader = csv_reader(bytes, false);
    let mut records = reader.records();
    let Some(Ok(head)) = records.next() else { return Vec::new() };
    let columns = csv_columns(&head, faults);
    let mut entries = Vec::new();
    let mut lines = Lines { bytes, at: 0, line: 1 };
    for record in records {
        match record {
            Ok(record) => {
                let line = lines.of(record.position());
                entries.extend(csv_entry(&record, (line, &columns), faults));
            }
            Err(error) => {
                let line = lines.of(error.position());
                faults.push(fault::UNREADABLE.of(line, "", &[&error.to_string()]));
            }
        }
    }
    entries
}

/// Counts lines: the reader of CSV gives places before line ends and empty lines that it leaves out.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of a record, which stands behind those asked for before.
    fn of(&mut self, place: Option<&csv::Position>) -> usize {
        let begin = place.and_then(|place| usize::try_from(place.byte()).ok()).unwrap_or(self.at).max(self.at);
        let rest = self.bytes.get(begin..).unwrap_or_default();
        let skipped = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let begin = begin.saturating_add(skipped);
        let passed = self.bytes.get(self.at..begin).unwrap_or_default();
        self.line = self.line.saturating_add(passed.iter().filter(|byte| **byte == b'\n').count());
        self.at = begin;
        self.line
    }
}

fn csv_columns(head: &csv::StringRecord, faults: &mut Vec<Fault>) -> Vec<Option<Column>> {
    let mut columns: Vec<Option<Column>> = Vec::new();
    for name in head.iter().map(str::trim) {
        let column = Column::of_name(name);
        match column {
            None => faults.push(fault::COLUMN_UNKNOWN.of(1, name, &[name, &columns_list()])),
            Some(_) if columns.contains(&column) => faults.push(fault::COLUMN_REPEATED.of(1, name, &[name])),
            Some(_) => {}
        }
        columns.push(column);
    }
    if !columns.contains(&Some(Column::Code)) {
        faults.push(fault::COLUMN_MISSING.of(1, "code", &["code"]));
    }
    columns
}

fn csv_entry(
    record: &csv::StringRecord,
    (row, columns): (usize, &[Option<Column>]),
    faults: &mut Vec<Fault>,
) -> Option<Entry> {
    if record.iter().all(|field| field.trim().is_empty()) {
        return None;
    }
    let mut entry = Entry { row, texts: HashMap::new(), aliases: None };
    if record.len() > columns.len() {
        faults.push(fault::FIELDS_TOO_MANY.of(entry.row, "", &[]));
    }
    // A row that is cut short says nothing in the columns that it lacks.
    for (column, field) in columns.iter().zip(record) {
        match column {
            Some(Column::Aliases) => entry.aliases = Some(split_aliases(field)),
            Some(column) => _ = entry.texts.insert(*column, field.to_owned()),
            None => {}
        }
    }
    Some(entry)
}

fn read_json(bytes: &[u8], faults: &mut Vec<Fault>) -> Vec<Entry> {
    match serde_json::from_slice::<Vec<Value>>(bytes) {
        Ok(values) => (1..).zip(values).map(|(number, value)| json_entry(number, value, faults)).collect(),
        Err(error) => {
            faults.push(fault::UNREADABLE.of(error.line(), "", &[&error.to_string()]));
            Vec::new()
        }
    }
}

/// The entry that an object describes.
pub fn json_entry(row: usize, value: Value, faults: &mut Vec<Fault>) -> Entry {
    let mut entry = Entry { row, texts: HashMap::new(), aliases: None };
    let Value::Object(members) = value else {
        faults.push(fault::TYPE_WRONG.of(row, "", &["", "object"]));
        return entry;
    };
    for (name, value) in members {
        match (Column::of_name(&name), value) {
            (None, _) => faults.push(fault::COLUMN_UNKNOWN.of(row, &name, &[&name, &columns_list()])),
            (Some(Column::Aliases), Value::Array(codes)) => {
                let texts: Option<Vec<String>> = codes.iter().map(|code| code.as_str().map(str::to_owned)).collect();
                if texts.is_none() {
                    faults.push(fault::TYPE_WRONG.at(row, Column::Aliases, &[&name, "[string]"]));
                }
                entry.aliases = texts;
            }
            (Some(Column::Aliases), _) => faults.push(fault::TYPE_WRONG.at(row, Column::Aliases, &[&name, "[string]"])),
            (Some(column), Value::String(text)) => _ = entry.texts.insert(column, text),
            (Some(column), Value::Null) => _ = entry.texts.insert(column, String::new()),
            (Some(column), Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                faults.push(fault::TYPE_WRONG.at(row, column, &[&name, "string"]));
            }
        }
    }
    entry
}

/// What opens a file of that form.
pub fn head(format: Format) -> String {
    match format {
        Format::Csv => csv_line(&Column::ALL.map(|column| column.name().to_owned())),
        Format::Json => "[".to_owned(),
    }
}

/// What closes a file of that form.
pub fn tail(format: Format) -> &'static str {
    match format {
        Format::Csv => "",
        Format::Json => "\n]\n",
    }
}

/// One agency in a file of that form.
pub fn row(listing: &Listing, format: Format, is_first: bool) -> String {
    match format {
        Format::Csv => csv_line(&Column::ALL.map(|column| listing.text(column))),
        Format::Json => {
            let comma = if is_first { "\n" } else { ",\n" };
            format!("{comma}{}", json_of(listing))
        }
    }
}

/// A line of a CSV file, with quotes where they must be.
fn csv_line(fields: &[String]) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    // Writing to memory does not fail.
    let written = writer.write_record(fields).map(|()| writer.into_inner().unwrap_or_default());
    String::from_utf8(written.unwrap_or_default()).unwrap_or_default()
}

/// An agency as an object with the members of a file.
pub fn json_of(listing: &Listing) -> Value {
    let member = |column: Column| {
        let value = match column {
            Column::Aliases => listing.aliases.clone().into(),
            Column::Code
            | Column::Name
            | Column::Parent
            | Column::State
            | Column::Successor
            | Column::Mail
            | Column::Mobile
            | Column::Fax
            | Column::ValidFrom
            | Column::ValidUntil => Value::String(listing.text(column)),
        };
        (column.name().to_owned(), value)
    };
    Value::Object(Column::ALL.into_iter().map(member).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::{Known, plan};
    use proptest::prelude::*;

    fn codes(text: &str, format: Format) -> Vec<(usize, String, &'static str)> {
        let faults = read(text.as_bytes(), format).unwrap_err();
        faults.into_iter().map(|fault| (fault.row, fault.column, fault.code)).collect()
    }

    #[test]
    fn a_file_may_name_its_columns_in_any_order_and_leave_some_out() {
        let entries = read(
            "\u{feff}name;code;aliases\r\nSở \"Một\";A.1;\"000.01;000.02 000.03\"\r\n\r\n".as_bytes(),
            Format::Csv,
        );

        let entry = Entry::about("A.1").with(Column::Name, "Sở \"Một\"");
        let aliases = Some(["000.01", "000.02", "000.03"].map(str::to_owned).to_vec());
        assert_eq!(entries.unwrap(), [Entry { row: 2, aliases, ..entry }]);
    }

    #[test]
    fn quotes_hold_separators_line_ends_and_quotes() {
        let entries = read("code,name\nA,\"Sở \"\"Một\"\", Hai\nBa\"\nB,x\n".as_bytes(), Format::Csv).unwrap();

        assert_eq!(entries[0].text(Column::Name), Some("Sở \"Một\", Hai\nBa"));
        assert_eq!((entries[0].row, entries[1].row), (2, 4), "rows are lines of the file");
    }

    #[test]
    fn faults_of_form_are_all_told() {
        let told = |row, column: &str, code| (row, column.to_owned(), code);
        assert_eq!(codes("", Format::Csv), [told(0, "", "file-empty")]);
        assert_eq!(codes("code,name\n", Format::Csv), [told(0, "", "file-empty")]);
        let many =
            [told(1, "nam", "column-unknown"), told(1, "mail", "column-repeated"), told(1, "code", "column-missing")];
        assert_eq!(codes("nam,mail,mail\nA,B,C\n", Format::Csv), many);
        assert_eq!(codes("code,name\nA,B,C\n", Format::Csv), [told(2, "", "fields-too-many")]);
        assert_eq!(codes("code\n\u{e9}", Format::Json), [told(1, "", "file-unreadable")]);
        assert_eq!(codes("[]", Format::Json), [told(0, "", "file-empty")]);
        let faults = codes(r#"[{"code":"A","nom":"x"},{"code":7,"aliases":"B"},"C"]"#, Format::Json);
        let expected = [
            told(1, "nom", "column-unknown"),
            told(2, "aliases", "type-wrong"),
            told(2, "code", "type-wrong"),
            told(3, "", "type-wrong"),
        ];
        assert_eq!(faults, expected);
    }

    #[test]
    fn text_that_is_not_utf_8_is_told_with_its_line() {
        let faults = read(b"code,name\nA,b\nB,\xff\n", Format::Csv).unwrap_err();

        assert_eq!((faults[0].row, faults[0].code), (3, "file-unreadable"));
    }

    #[test]
    fn the_form_of_a_file_is_seen_from_its_beginning() {
        assert_eq!(Format::of_bytes(b"\xef\xbb\xbf \n[{}]"), Format::Json);
        assert_eq!(Format::of_bytes(b"code,name"), Format::Csv);
    }

    /// Texts that a form could lose or change: quotes, separators, line ends, marks in one piece and in several, what
    /// spreadsheets take for formulas, and anything else that a directory may hold.
    fn text() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "\"",
            "\"\"",
            "'",
            ",",
            ";",
            "\n",
            "\r\n",
            "\r",
            "\t",
            " ",
            "\\",
            "\\n",
            "=1+1",
            "null",
            "{",
            "]",
            "\u{feff}",
            "ế",
            "e\u{302}\u{301}",
            "Đ",
            "Sở",
            "\u{a0}",
            "\u{2028}",
            "\u{fffd}",
            "𠀀",
        ]);
        let any = any::<char>().prop_filter("no control characters", |c| !c.is_control());
        let piece = prop_oneof![4 => pieces.prop_map(str::to_owned), 1 => any.prop_map(String::from)];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    /// Agencies below one another, some closed, some of them with a successor.
    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let texts = [text(), text(), text(), text()];
        let one = (texts, any::<prop::sample::Index>(), 0..4_usize, "[a-zA-Z0-9]{0,3}");
        prop::collection::vec(one, 1..6).prop_map(|drawn| {
            let drawn = drawn.into_iter().enumerate();
            let entries = drawn.map(|(number, ([name, mail, mobile, fax], place, state, alias))| {
                let other = if number == 0 { String::new() } else { format!("x99.{}", place.index(number)) };
                let entry = Entry::about(&format!("X99.{number}"))
                    .with(Column::Name, format!("n{name}"))
                    .with(Column::Mail, mail)
                    .with(Column::Mobile, mobile)
                    .with(Column::Fax, fax)
                    .with(Column::State, ["open", "suspended", "closed", "closed"][state])
                    .with(Column::ValidFrom, ["", "2026-12-31"][state % 2])
                    .with(if state == 3 { Column::Successor } else { Column::Parent }, other);
                let aliases = Some(vec![format!("a{number}.{alias}z"), format!("0.{number}")]);
                Entry { row: number, aliases, ..entry }
            });
            entries.collect()
        })
    }

    proptest! {
        /// What is exported and imported is the same directory: over nothing, and over itself.
        #[test]
        fn a_file_holds_a_directory_to_the_letter(entries in entries()) {
            let planned = plan(&Known::default(), &entries).unwrap();
            let first: Vec<Listing> = planned.changes.into_iter().map(|change| change.after).collect();
            for format in [Format::Csv, Format::Json] {
                let rows = first.iter().enumerate().map(|(number, listing)| row(listing, format, number == 0));
                let file = head(format) + &rows.collect::<String>() + tail(format);
                prop_assert_eq!(Format::of_bytes(file.as_bytes()), format);

                let said = read(file.as_bytes(), format).unwrap();
                let anew = plan(&Known::default(), &said).unwrap().changes;
                let again = plan(&first.iter().cloned().collect(), &said).unwrap();

                prop_assert_eq!(anew.into_iter().map(|change| change.after).collect::<Vec<_>>(), first.clone());
                prop_assert_eq!((again.changes, again.unchanged), (vec![], first.len()));
            }
        }
    }
}
