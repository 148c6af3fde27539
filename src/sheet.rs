//! Tables for people's spreadsheets, written row by row: Excel workbooks (OOXML) and CSV. Memory holds what was not taken yet,
//! however long a table is, and the same rows give the same bytes. Every cell is shown as it is: none is ever computed. Not
//! here: which rows there are and what they say.

use crate::domain::text::{escaped, is_writable};
use bytes::Bytes;
use std::io::{self, Write};
use std::mem::take;
use std::sync::{Arc, Mutex, PoisonError};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{DateTime, ZipWriter};

/// The form of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A workbook of one sheet.
    Excel,
    /// Values separated by semicolons, as spreadsheets set to Vietnamese read them.
    Csv,
    /// Values separated by commas, for programs.
    CsvComma,
}

impl Form {
    /// The form of that word in an address.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "xlsx" => Some(Self::Excel),
            "csv" => Some(Self::Csv),
            "csv-comma" => Some(Self::CsvComma),
            _ => None,
        }
    }

    /// How names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Excel => "xlsx",
            Self::Csv | Self::CsvComma => "csv",
        }
    }

    /// Its media type.
    pub fn media(self) -> &'static str {
        match self {
            Self::Excel => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv | Self::CsvComma => "text/csv; charset=utf-8",
        }
    }
}

/// A column: what stands above it, and how wide it is, in characters.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// What stands above it.
    pub title: &'a str,
    /// Its width, in characters.
    pub chars: u16,
}

/// What stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Text: codes and dates too, so that nothing makes something else of them.
    Text(&'a str),
    /// A number that people add up.
    Number(i64),
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

/// A table being written.
pub struct Sheet {
    ready: Ready,
    paper: Paper,
    rows: u32,
    /// The row being written, kept for its room.
    row: String,
}

enum Paper {
    Excel(Box<ZipWriter<StreamWriter<Ready>>>),
    Csv(Box<csv::Writer<Ready>>),
}

/// What is written and not taken yet.
#[derive(Debug, Clone, Default)]
struct Ready(Arc<Mutex<Vec<u8>>>);

impl Ready {
    fn take(&self) -> Bytes {
        take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Ready {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Rows that a sheet of Excel can have, the one with the titles included.
const ROWS_MAX: u32 = 1_048_576;
/// Characters of a cell; Excel refuses files with cells of more than 32,767 units of UTF-16, of which a character has up to two.
const CELL_CHARS_MAX: usize = 16_383;
/// Characters of the name of a sheet.
const NAME_CHARS_MAX: usize = 31;
const BYTE_ORDER_MARK: &str = "\u{feff}";

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
/// The parts of a workbook that never differ: what its parts are, and how cells look (0: numbers, 1: text, 2: titles).
const PARTS: [(&str, &str); 4] = [
    (
        "[Content_Types].xml",
        r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>"#,
    ),
    (
        "_rels/.rels",
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#,
    ),
    (
        "xl/styles.xml",
        r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="2"><font><sz val="12"/><name val="Times New Roman"/></font><font><b/><sz val="12"/><name val="Times New Roman"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1"><alignment vertical="top"/></xf><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf><xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf></cellXfs></styleSheet>"#,
    ),
];
/// The titles stay in sight and stand on every printed page, which is A4 across and as wide as the table.
const SHEET_BEGINS: &str = r#"<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>"#;
const SHEET_ENDS: &str =
    r#"</sheetData><pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/></worksheet>"#;

impl Sheet {
    /// Begins a table with its titles. `name` is what the sheet of a workbook is called.
    ///
    /// # Errors
    /// `InvalidData` for what cannot be written; memory refuses nothing.
    pub fn new(form: Form, name: &str, columns: &[Column<'_>]) -> io::Result<Self> {
        let ready = Ready::default();
        let paper = match form {
            Form::Excel => Paper::Excel(Box::new(workbook(ready.clone(), name, columns)?)),
            Form::Csv => Paper::Csv(Box::new(csv_of(ready.clone(), b';')?)),
            Form::CsvComma => Paper::Csv(Box::new(csv_of(ready.clone(), b',')?)),
        };
        let mut sheet = Self { ready, paper, rows: 0, row: String::new() };
        let titles: Vec<Cell<'_>> = columns.iter().map(|column| Cell::Text(column.title)).collect();
        sheet.write(&titles, 2)?;
        Ok(sheet)
    }

    /// Writes a row, a cell for each column.
    ///
    /// # Errors
    /// `InvalidData` when a workbook would have more rows than one can have.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.write(cells, 1)
    }

    fn write(&mut self, cells: &[Cell<'_>], look: u8) -> io::Result<()> {
        match &mut self.paper {
            Paper::Excel(_) if self.rows >= ROWS_MAX => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a sheet has no more rows than 1,048,576"));
            }
            Paper::Excel(workbook) => {
                self.row.clear();
                self.row.push_str("<row>");
                for cell in cells {
                    match cell {
                        Cell::Number(number) => self.row.push_str(&format!("<c><v>{number}</v></c>")),
                        Cell::Text(text) => {
                            let text = escape(text);
                            let cell = format!(
                                r#"<c s="{look}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>"#
                            );
                            self.row.push_str(&cell);
                        }
                    }
                }
                self.row.push_str("</row>");
                workbook.write_all(self.row.as_bytes())?;
            }
            Paper::Csv(writer) => {
                for cell in cells {
                    match cell {
                        Cell::Number(number) => writer.write_field(number.to_string())?,
                        Cell::Text(text) if is_like_a_formula(text) => writer.write_field(format!("'{text}"))?,
                        Cell::Text(text) => writer.write_field(text)?,
                    }
                }
                writer.write_record(None::<&[u8]>)?;
            }
        }
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    /// The bytes that stand ready since the last time; the first ones of the file come first.
    ///
    /// # Errors
    /// None that memory has.
    pub fn take(&mut self) -> io::Result<Bytes> {
        match &mut self.paper {
            // What the compression still holds back comes when it is full, or at the end.
            Paper::Excel(_) => {}
            Paper::Csv(writer) => writer.flush()?,
        }
        Ok(self.ready.take())
    }

    /// Ends the table: the last bytes.
    ///
    /// # Errors
    /// None that memory has.
    pub fn finish(self) -> io::Result<Bytes> {
        match self.paper {
            Paper::Excel(mut workbook) => {
                workbook.write_all(SHEET_ENDS.as_bytes())?;
                workbook.finish()?;
            }
            Paper::Csv(mut writer) => writer.flush()?,
        }
        Ok(self.ready.take())
    }
}

fn csv_of(mut ready: Ready, separator: u8) -> io::Result<csv::Writer<Ready>> {
    // Without the mark, Excel reads UTF-8 as something else.
    ready.write_all(BYTE_ORDER_MARK.as_bytes())?;
    let mut builder = csv::WriterBuilder::new();
    builder.delimiter(separator).terminator(csv::Terminator::CRLF).flexible(true);
    Ok(builder.from_writer(ready))
}

/// A workbook up to its first row.
fn workbook(ready: Ready, name: &str, columns: &[Column<'_>]) -> io::Result<ZipWriter<StreamWriter<Ready>>> {
    let mut workbook = ZipWriter::new_stream(ready);
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
    let named = sheet_name(name);
    let sheets = format!(
        r#"<workbook xmlns="{MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="{named}" sheetId="1" r:id="rId1"/></sheets><definedNames><definedName name="_xlnm.Print_Titles" localSheetId="0">'{named}'!$1:$1</definedName></definedNames></workbook>"#
    );
    for (part, text) in PARTS.into_iter().chain([("xl/workbook.xml", sheets.as_str())]) {
        workbook.start_file(part, options)?;
        workbook.write_all(DECLARATION.as_bytes())?;
        workbook.write_all(text.as_bytes())?;
    }
    workbook.start_file("xl/worksheets/sheet1.xml", options)?;
    write!(workbook, r#"{DECLARATION}<worksheet xmlns="{MAIN}">{SHEET_BEGINS}<cols>"#)?;
    for (number, column) in (1..).zip(columns) {
        let number: u32 = number;
        write!(workbook, r#"<col min="{number}" max="{number}" width="{}" customWidth="1"/>"#, column.chars)?;
    }
    workbook.write_all(b"</cols><sheetData>")?;
    Ok(workbook)
}

/// What Excel allows as the name of a sheet, ready for an attribute.
fn sheet_name(name: &str) -> String {
    let allowed: String = name.chars().filter(|c| !r"[]:*?/\'".contains(*c)).take(NAME_CHARS_MAX).collect();
    escape(if allowed.trim().is_empty() { "1" } else { allowed.trim() })
}

/// Text as a part of a workbook holds it; what XML cannot hold is left out.
fn escape(text: &str) -> String {
    let kept: String = text.chars().filter(|sign| is_writable(*sign)).take(CELL_CHARS_MAX).collect();
    // `_x` and four digits mean another sign to Excel, unless the first of them is written so itself.
    escaped(&kept).replace("_x", "_x005F_x")
}

/// Whether a spreadsheet that opens CSV would compute it. In a workbook text is text.
fn is_like_a_formula(text: &str) -> bool {
    text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};
    use zip::ZipArchive;

    const COLUMNS: [Column<'static>; 2] =
        [Column { title: "Số ký hiệu", chars: 20 }, Column { title: "Nơi nhận", chars: 40 }];

    /// The whole file.
    fn written(form: Form, rows: &[&[Cell<'_>]]) -> Vec<u8> {
        let mut sheet = Sheet::new(form, "Văn bản đi", &COLUMNS).unwrap();
        let mut bytes = sheet.take().unwrap().to_vec();
        for row in rows {
            sheet.row(row).unwrap();
            bytes.extend(sheet.take().unwrap());
        }
        bytes.extend(sheet.finish().unwrap());
        bytes
    }

    fn part(bytes: &[u8], name: &str) -> String {
        let mut text = String::new();
        ZipArchive::new(Cursor::new(bytes)).unwrap().by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_workbook_has_every_row_as_text_that_is_never_computed() {
        let rows: [&[Cell<'_>]; 2] =
            [&["007/QĐ".into(), "=HYPERLINK(\"x\")".into()], &["<b>&".into(), Cell::Number(-7)]];

        let bytes = written(Form::Excel, &rows);

        let sheet = part(&bytes, "xl/worksheets/sheet1.xml");
        assert!(sheet.contains(">Số ký hiệu</t>") && sheet.contains(">007/QĐ</t>"), "{sheet}");
        assert!(sheet.contains(">=HYPERLINK(&quot;x&quot;)</t>") && !sheet.contains("<f>"), "{sheet}");
        assert!(sheet.contains(">&lt;b&gt;&amp;</t>") && sheet.contains("<c><v>-7</v></c>"), "{sheet}");
        assert!(sheet.contains("state=\"frozen\"") && sheet.contains("max=\"2\" width=\"40\""), "{sheet}");
        assert_eq!(sheet.matches("<row>").count(), 3);
        assert!(part(&bytes, "xl/workbook.xml").contains("name=\"Văn bản đi\""));
        for (name, _) in PARTS {
            assert!(part(&bytes, name).starts_with(DECLARATION), "{name}");
        }
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let rows: [&[Cell<'_>]; 1] = [&["1/TB".into(), "X99.A01".into()]];
        for form in [Form::Excel, Form::Csv, Form::CsvComma] {
            assert_eq!(written(form, &rows), written(form, &rows));
        }
    }

    #[test]
    fn csv_is_what_a_vietnamese_excel_reads() {
        let rows: [&[Cell<'_>]; 2] = [&["a;b".into(), "nói \"có\"\nrồi".into()], &["".into(), Cell::Number(-7)]];

        let text = String::from_utf8(written(Form::Csv, &rows)).unwrap();

        let expected = "\u{feff}Số ký hiệu;Nơi nhận\r\n\"a;b\";\"nói \"\"có\"\"\nrồi\"\r\n;-7\r\n";
        assert_eq!(text, expected);
        assert!(String::from_utf8(written(Form::CsvComma, &rows)).unwrap().contains("Số ký hiệu,Nơi nhận\r\na;b,"));
    }

    #[test]
    fn csv_holds_nothing_that_is_computed() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"] {
            let text = String::from_utf8(written(Form::Csv, &[&[bad.into(), "x".into()]])).unwrap();
            let line = text.split_once("\r\n").unwrap().1.trim_start_matches('"');
            assert!(line.starts_with('\''), "{bad:?}: {text:?}");
        }
        assert!(String::from_utf8(written(Form::Csv, &[&["a=1".into(), "x".into()]])).unwrap().contains("\r\na=1;x"));
    }

    #[test]
    fn what_a_workbook_cannot_hold_is_left_out() {
        let long = "ư".repeat(40_000);
        let rows: [&[Cell<'_>]; 2] =
            [&["a\u{0}\u{b}b\u{ffff}".into(), "_x000D_".into()], &[long.as_str().into(), "".into()]];

        let sheet = part(&written(Form::Excel, &rows), "xl/worksheets/sheet1.xml");

        assert!(sheet.contains(">ab</t>") && sheet.contains(">_x005F_x000D_</t>"), "{sheet}");
        assert_eq!(sheet.matches('ư').count(), CELL_CHARS_MAX);
        assert_eq!(sheet_name("a[b]:c/'d'\\*?"), "abcd");
        assert_eq!(sheet_name(&"ư".repeat(50)).chars().count(), NAME_CHARS_MAX);
        assert_eq!(sheet_name(" ?"), "1");
    }

    #[test]
    fn memory_does_not_grow_with_the_table() {
        for form in [Form::Excel, Form::Csv] {
            let mut sheet = Sheet::new(form, "x", &COLUMNS).unwrap();
            let (mut most, mut all) = (0, sheet.take().unwrap().len());
            for number in 0..100_000_u32 {
                let (code, name) = (format!("{number}/VPCP-TTĐT"), format!("Đơn vị số {number}"));
                sheet.row(&[code.as_str().into(), name.as_str().into()]).unwrap();
                if number % 500 == 499 {
                    let taken = sheet.take().unwrap().len();
                    (most, all) = (most.max(taken), all + taken);
                }
            }
            all += sheet.finish().unwrap().len();

            assert!(all > 500_000 && most < 200_000, "{form:?}: {all} bytes, {most} at once");
        }
    }
}
