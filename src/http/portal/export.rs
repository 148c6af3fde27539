//! The transfer log as a table for spreadsheets: all rows that the address of a log asks for, page by page from the store to
//! whoever takes them, so that memory does not grow with them.

use super::super::gate::{Call, watched};
use super::super::problem::{self, Problem};
use super::fields::Fields;
use super::log::{self, Asked};
use super::words::{self, Language};
use super::{Page, download};
use crate::domain::dates;
use crate::exchange::ExchangeError;
use crate::exchange::access::{self, Access};
use crate::exchange::open;
use crate::exchange::sessions::Person;
use crate::exchange::transfers::{self, Arrived, DocumentLine, LogQuery, Transfer, Way};
use crate::hub::Hub;
use crate::sheet::{Cell, Column, Form, Sheet};
use actix_web::HttpResponse;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream;
use std::io;

/// Rows that are read and written at once.
const ROWS_AT_ONCE: usize = 1000;

/// A title in both languages and a width.
type Head = (&'static str, &'static str, u16);

const ARRIVED: [Head; 13] = [
    ("Ngày đến", "Arrived", 17),
    ("Ngày đến (ISO)", "Arrived (ISO)", 27),
    ("Số ký hiệu", "Number", 20),
    ("Trích yếu", "Subject", 60),
    ("Cơ quan ban hành", "Issuing agency", 34),
    ("Mã cơ quan ban hành", "Its code", 18),
    ("Đơn vị nhận", "Recipient", 34),
    ("Loại văn bản", "Kind", 18),
    ("Nghiệp vụ", "Business", 12),
    ("Độ khẩn", "Urgency", 14),
    ("Trạng thái chuyển", "Transfer", 24),
    ("Trạng thái xử lý", "Status", 24),
    ("Hạn tiếp nhận", "To be received by", 17),
];

const SENT: [Head; 12] = [
    ("Ngày gửi", "Sent", 17),
    ("Ngày gửi (ISO)", "Sent (ISO)", 27),
    ("Số ký hiệu", "Number", 20),
    ("Trích yếu", "Subject", 60),
    ("Đơn vị gửi", "Sender", 34),
    ("Nơi nhận đầu tiên", "First recipient", 34),
    ("Số nơi nhận", "Recipients", 12),
    ("Đã nhận", "Received", 10),
    ("Không chuyển được", "Failed", 12),
    ("Loại văn bản", "Kind", 18),
    ("Nghiệp vụ", "Business", 12),
    ("Độ khẩn", "Urgency", 14),
];

const BOTH: [Head; 14] = [
    ("Ngày đến, gửi", "Arrived, sent", 17),
    ("Ngày (ISO)", "Time (ISO)", 27),
    ("Chiều", "Direction", 9),
    ("Số ký hiệu", "Number", 20),
    ("Trích yếu", "Subject", 60),
    ("Cơ quan ban hành", "Issuing agency", 34),
    ("Mã cơ quan ban hành", "Its code", 18),
    ("Nơi nhận", "Recipient", 34),
    ("Số nơi nhận", "Recipients", 12),
    ("Loại văn bản", "Kind", 18),
    ("Nghiệp vụ", "Business", 12),
    ("Độ khẩn", "Urgency", 14),
    ("Trạng thái chuyển", "Transfer", 24),
    ("Trạng thái xử lý", "Status", 24),
];

fn heads(way: Way) -> &'static [Head] {
    match way {
        Way::In => &ARRIVED,
        Way::Out => &SENT,
        Way::Both => &BOTH,
    }
}

/// What is needed from one page of rows to the next.
struct Writing {
    hub: Hub,
    person: Person,
    query: LogQuery,
    language: Language,
    /// Nothing once its last bytes are on their way.
    sheet: Option<Sheet>,
    rows_left: usize,
    _place: open::Place,
}

/// Answers with the table.
///
/// # Errors
/// As a page of the log; `NotFound` for an unknown form; `ComeAgain`.
pub(super) async fn answer(
    call: &Call<'_>,
    page: &Page<'_>,
    person: &Person,
    fields: &Fields,
) -> Result<HttpResponse, Problem> {
    let form = Form::of_word(fields.get("form")).ok_or(ExchangeError::NotFound)?;
    let place = open::place(page.hub).await?;
    let Asked { query, .. } = log::asked(page, person, fields).await?;
    let (heads, (name, _)) = (heads(query.way), log::way_words(query.way, page));
    let columns: Vec<Column<'_>> =
        heads.iter().map(|(vi, en, chars)| Column { title: page.t(vi, en), chars: *chars }).collect();
    let sheet = Sheet::new(form, name, &columns).map_err(ExchangeError::Payload)?;
    let mut writing = Writing {
        hub: page.hub.clone(),
        person: person.clone(),
        query: LogQuery { rows: ROWS_AT_ONCE, after: String::new(), ..query },
        language: page.language,
        sheet: Some(sheet),
        rows_left: page.hub.config.portal.export_rows_max,
        _place: place,
    };
    // What fails at once, such as rights, fails before anything is sent.
    let agencies = writing.query.agencies.clone();
    let first = writing.next().await?;
    let access = Access { act: "log-export", agencies, asks: fields.told(), ..Access::default() };
    access::looked(page.hub, person, access).await?;
    let first = stream::iter(first.map(Ok));
    let rest = stream::unfold(writing, |mut writing| async move {
        let bytes = writing.next().await.map_err(io::Error::other).transpose()?;
        Some((bytes, writing))
    });
    let all = futures_util::StreamExt::chain(first, rest);
    let day = page.now.with_timezone(&dates::VIETNAM).format("%Y-%m-%d");
    let mut answer = problem::ok();
    download::headers(&mut answer, form.media(), &format!("{name} {day}.{}", form.extension()));
    Ok(answer.streaming(watched(Box::pin(all), call.request_id)))
}

impl Writing {
    /// The bytes of the next rows; the end of the table after the last ones, and then nothing.
    async fn next(&mut self) -> Result<Option<Bytes>, ExchangeError> {
        let Some(mut sheet) = self.sheet.take() else { return Ok(None) };
        self.query.rows = ROWS_AT_ONCE.min(self.rows_left);
        let page = transfers::page(&self.hub, &self.person, self.query.clone()).await?;
        let way = self.query.way;
        let written = page.rows.iter().try_for_each(|row| match (row, way) {
            (row, Way::Both) => either(&mut sheet, row, self.language),
            (Transfer::Arrived(row), Way::In | Way::Out) => arrived(&mut sheet, row, self.language),
            (Transfer::Sent(row), Way::In | Way::Out) => sent(&mut sheet, row, self.language),
        });
        written.map_err(ExchangeError::Payload)?;
        let (written, next) = (page.rows.len(), page.next);
        self.rows_left = self.rows_left.saturating_sub(written);
        let has_more = next.is_some();
        let Some(next) = next.filter(|_| self.rows_left > 0) else {
            if has_more {
                say_cut(&mut sheet, self.language, heads(way).len()).map_err(ExchangeError::Payload)?;
            }
            return sheet.finish().map(Some).map_err(ExchangeError::Payload);
        };
        self.query.after = next;
        let bytes = sheet.take().map_err(ExchangeError::Payload)?;
        self.sheet = Some(sheet);
        Ok(Some(bytes))
    }
}

/// Writes a row that says that more was asked for than stands here, so that nobody takes the table for the whole.
pub(super) fn say_cut(sheet: &mut Sheet, language: Language, cells: usize) -> io::Result<()> {
    let said = language
        .pick("Bảng bị cắt ở giới hạn; hãy chọn ít ngày hơn.", "The table is cut at the limit; choose fewer days.");
    let row: Vec<Cell<'_>> = std::iter::once(said).chain(std::iter::repeat("")).take(cells).map(Cell::Text).collect();
    sheet.row(&row)
}

fn time(at: DateTime<Utc>) -> (String, String) {
    (dates::for_people(at), dates::for_machines(at))
}

fn urgency(urgency: crate::domain::envelope::Urgency, l: Language) -> String {
    words::urgency(urgency, l).map_or_else(String::new, |tag| tag.text)
}

fn arrived(sheet: &mut Sheet, row: &Arrived, l: Language) -> io::Result<()> {
    let (at, iso) = time(row.line.accepted_at);
    let (urgency, transfer) = (urgency(row.urgency, l), words::transfer(&row.line, l).text);
    let status = row.status_code.as_deref().map_or_else(String::new, |code| words::status(code, l).text);
    let by = row.line.receive_by.map_or_else(String::new, dates::for_people);
    let cells: [&str; 13] = [
        &at,
        &iso,
        &row.line.code,
        &row.line.subject,
        &row.sender_name,
        &row.line.sender,
        &row.recipient_name,
        &row.type_name,
        words::business(&row.business, l),
        &urgency,
        &transfer,
        &status,
        &by,
    ];
    sheet.row(&cells.map(Cell::Text))
}

fn sent(sheet: &mut Sheet, row: &DocumentLine, l: Language) -> io::Result<()> {
    let (at, iso) = time(row.accepted_at);
    let urgency = urgency(row.urgency, l);
    let cells: [Cell<'_>; 12] = [
        at.as_str().into(),
        iso.as_str().into(),
        row.code.as_str().into(),
        row.subject.as_str().into(),
        row.sender_name.as_str().into(),
        row.recipient_name.as_str().into(),
        Cell::Number(row.tally.all),
        Cell::Number(row.tally.handed_over),
        Cell::Number(row.tally.failed),
        row.type_name.as_str().into(),
        words::business(&row.business, l).into(),
        urgency.as_str().into(),
    ];
    sheet.row(&cells)
}

/// A row of a table in which documents of both ways stand.
fn either(sheet: &mut Sheet, row: &Transfer, l: Language) -> io::Result<()> {
    match row {
        Transfer::Arrived(row) => {
            let (at, iso) = time(row.line.accepted_at);
            let (urgency, transfer) = (urgency(row.urgency, l), words::transfer(&row.line, l).text);
            let status = row.status_code.as_deref().map_or_else(String::new, |code| words::status(code, l).text);
            let cells: [Cell<'_>; 14] = [
                at.as_str().into(),
                iso.as_str().into(),
                l.pick("Đến", "In").into(),
                row.line.code.as_str().into(),
                row.line.subject.as_str().into(),
                row.sender_name.as_str().into(),
                row.line.sender.as_str().into(),
                row.recipient_name.as_str().into(),
                Cell::Number(1),
                row.type_name.as_str().into(),
                words::business(&row.business, l).into(),
                urgency.as_str().into(),
                transfer.as_str().into(),
                status.as_str().into(),
            ];
            sheet.row(&cells)
        }
        Transfer::Sent(row) => {
            let (at, iso) = time(row.accepted_at);
            let (urgency, transfer) = (urgency(row.urgency, l), log::tally(row, l).text);
            let cells: [Cell<'_>; 14] = [
                at.as_str().into(),
                iso.as_str().into(),
                l.pick("Đi", "Out").into(),
                row.code.as_str().into(),
                row.subject.as_str().into(),
                row.sender_name.as_str().into(),
                row.sender.as_str().into(),
                row.recipient_name.as_str().into(),
                Cell::Number(row.tally.all),
                row.type_name.as_str().into(),
                words::business(&row.business, l).into(),
                urgency.as_str().into(),
                transfer.as_str().into(),
                "".into(),
            ];
            sheet.row(&cells)
        }
    }
}
