//! The access log (ai đã xem gì): who looked at what of the agencies of a warrant, when and why, as a page and as a table.

use super::super::super::gate::{Call, watched};
use super::super::super::problem::{self, Problem};
use super::super::export::say_cut;
use super::super::fields::Fields;
use super::super::words::Language;
use super::super::{Page, download, drawn};
use crate::domain::dates;
use crate::exchange::access::{self, Access, AccessLine, AccessQuery};
use crate::exchange::sessions::Person;
use crate::exchange::transfers::LogPage;
use crate::exchange::{ExchangeError, open};
use crate::hub::Hub;
use crate::sheet::{Cell, Column, Form, Sheet};
use actix_web::HttpResponse;
use askama::Template;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use std::io;

/// What people do, as a word and in both languages.
const ACTS: [(&str, &str, &str); 20] = [
    ("open", "Mở nội dung", "Opened content"),
    ("document", "Xem văn bản", "Looked at a document"),
    ("log", "Xem nhật ký", "Looked at the log"),
    ("search", "Tra cứu", "Searched"),
    ("log-export", "Xuất nhật ký", "Took the log out"),
    ("statistics", "Xem thống kê", "Looked at statistics"),
    ("statistics-export", "Xuất thống kê", "Took statistics out"),
    ("slip", "In phiếu chuyển", "Took a slip out"),
    ("receipt", "Tải biên nhận", "Took a receipt out"),
    ("capsule", "Tải hồ sơ chứng minh", "Took a capsule out"),
    ("statements", "Xem bảng kê", "Looked at statements"),
    ("statement", "Tải bảng kê", "Took a statement out"),
    ("archive", "Yêu cầu gói lưu trữ", "Asked for an archive"),
    ("archive-content", "Tải gói lưu trữ", "Took an archive out"),
    ("sample-asked", "Rút mẫu", "Had a sample drawn"),
    ("sample", "Xem mẫu", "Looked at a sample"),
    ("sample-note", "Ghi chú mẫu", "Noted something of a sample"),
    ("destruction-certificate", "Tải chứng nhận tiêu hủy", "Took a certificate of destruction out"),
    ("verify", "Kiểm tra tệp", "Verified a file"),
    ("accesses", "Xem nhật ký truy cập", "Looked at the access log"),
];

fn act(word: &str, language: Language) -> &str {
    ACTS.iter().find(|(act, ..)| *act == word).map_or(word, |(_, vi, en)| language.pick(vi, en))
}

fn who(line: &AccessLine, language: Language) -> &str {
    match line.who.as_str() {
        "operator" => language.pick("Người vận hành máy chủ", "Whoever has the machine"),
        name => name,
    }
}

#[derive(Template)]
#[template(path = "audit/accesses.html")]
struct AccessesPage<'a> {
    page: &'a Page<'a>,
    fields: &'a Fields,
    lines: Vec<AccessLine>,
    next: Option<String>,
}

impl AccessesPage<'_> {
    fn acts(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        ACTS.into_iter().map(|(word, vi, en)| (word, self.page.language.pick(vi, en)))
    }

    /// What to change where nothing is found: which filters are set.
    fn advice(&self) -> String {
        let names = [
            ("agency", "Mã đơn vị", "Agency code"),
            ("login", "Tên đăng nhập", "Login"),
            ("act", "Việc", "What"),
            ("from", "Từ ngày", "From"),
            ("until", "Đến ngày", "Until"),
        ];
        let set: Vec<&str> = names
            .into_iter()
            .filter(|(field, ..)| !self.fields.get(field).trim().is_empty())
            .map(|(_, vi, en)| self.page.t(vi, en))
            .collect();
        match set.is_empty() {
            true => self
                .page
                .t(
                    "Chưa ai xem hay lấy gì trong phạm vi quyết định.",
                    "Nobody has looked at anything of the warrant yet.",
                )
                .to_owned(),
            false => format!(
                "{} {}.",
                self.page.t("Hãy nới rộng hoặc bỏ bộ lọc:", "Widen or clear the filters:"),
                set.join(", ")
            ),
        }
    }

    fn act(&self, line: &AccessLine) -> String {
        act(&line.act, self.page.language).to_owned()
    }

    fn who(&self, line: &AccessLine) -> String {
        who(line, self.page.language).to_owned()
    }

    fn time(&self, line: &AccessLine) -> String {
        dates::for_people(line.at)
    }
}

/// Reads what an address asks for.
fn asked(fields: &Fields) -> AccessQuery {
    let text = |name: &str| fields.get(name).trim().to_owned();
    AccessQuery {
        agency: text("agency"),
        login: text("login"),
        act: text("act"),
        from: dates::date(fields.get("from")),
        until: dates::date(fields.get("until")),
        after: text("after"),
        rows: 0,
    }
}

/// Draws a page of it.
///
/// # Errors
/// `NotFound` without a warrant, or for an agency outside of it; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let LogPage { rows, next, .. } = access::log(page.hub, person, asked(fields)).await?;
    note(page, person, fields).await?;
    drawn(&AccessesPage { page, fields, lines: rows, next })
}

async fn note(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<(), ExchangeError> {
    let access =
        Access { act: "accesses", agencies: person.agencies.clone(), asks: fields.told(), ..Access::default() };
    access::looked(page.hub, person, access).await
}

/// Cells of a row of the table.
const CELLS: usize = 9;
/// Rows that are read and written at once.
const ROWS_AT_ONCE: usize = 1000;

/// What is needed from one page of rows to the next.
struct Writing {
    hub: Hub,
    person: Person,
    query: AccessQuery,
    language: Language,
    /// Nothing once its last bytes are on their way.
    sheet: Option<Sheet>,
    rows_left: usize,
    _place: open::Place,
}

impl Writing {
    /// The bytes of the next rows; the end of the table after the last ones, and then nothing.
    async fn next(&mut self) -> Result<Option<Bytes>, ExchangeError> {
        let Some(mut sheet) = self.sheet.take() else { return Ok(None) };
        self.query.rows = ROWS_AT_ONCE.min(self.rows_left);
        let page = access::log(&self.hub, &self.person, self.query.clone()).await?;
        let written = page.rows.iter().try_for_each(|line| row(&mut sheet, line, self.language));
        written.map_err(ExchangeError::Payload)?;
        self.rows_left = self.rows_left.saturating_sub(self.query.rows);
        let has_more = page.next.is_some();
        let Some(next) = page.next.filter(|_| self.rows_left > 0) else {
            if has_more {
                say_cut(&mut sheet, self.language, CELLS).map_err(ExchangeError::Payload)?;
            }
            return sheet.finish().map(Some).map_err(ExchangeError::Payload);
        };
        self.query.after = next;
        let bytes = sheet.take().map_err(ExchangeError::Payload)?;
        self.sheet = Some(sheet);
        Ok(Some(bytes))
    }
}

fn row(sheet: &mut Sheet, line: &AccessLine, language: Language) -> io::Result<()> {
    let (at, iso) = (dates::for_people(line.at), dates::for_machines(line.at));
    let document = line.document.as_ref().map_or("", |(_, code)| code.as_str());
    let cells: [&str; CELLS] = [
        &at,
        &iso,
        who(line, language),
        act(&line.act, language),
        &line.agency,
        document,
        &line.about,
        line.warrant.as_deref().unwrap_or_default(),
        &line.evidence_id,
    ];
    sheet.row(&cells.map(Cell::Text))
}

/// Answers with all of it as a table, up to `portal.export_rows_max` rows.
///
/// # Errors
/// As `page`; `NotFound` for an unknown form; `ComeAgain`.
pub(super) async fn export(
    call: &Call<'_>,
    page: &Page<'_>,
    (person, fields): (&Person, &Fields),
) -> Result<HttpResponse, Problem> {
    let form = Form::of_word(fields.get("form")).ok_or(ExchangeError::NotFound)?;
    let place = open::place(page.hub).await?;
    let titles: [(&str, u16); CELLS] = [
        (page.t("Thời điểm", "Time"), 17),
        (page.t("Thời điểm (ISO)", "Time (ISO)"), 27),
        (page.t("Ai", "Who"), 30),
        (page.t("Việc", "What"), 24),
        (page.t("Đơn vị", "Agency"), 18),
        (page.t("Văn bản", "Document"), 20),
        (page.t("Hỏi gì", "Asked"), 40),
        (page.t("Theo quyết định", "Under the warrant"), 20),
        (page.t("Mã bằng chứng", "Evidence"), 34),
    ];
    let name = page.t("Nhật ký truy cập", "Access log");
    let columns = titles.map(|(title, chars)| Column { title, chars });
    let mut writing = Writing {
        hub: page.hub.clone(),
        person: person.clone(),
        query: AccessQuery { after: String::new(), ..asked(fields) },
        language: page.language,
        sheet: Some(Sheet::new(form, name, &columns).map_err(ExchangeError::Payload)?),
        rows_left: page.hub.config.portal.export_rows_max,
        _place: place,
    };
    // What fails at once, such as rights, fails before anything is sent.
    let first = stream::iter(writing.next().await?.map(Ok));
    note(page, person, fields).await?;
    let rest = stream::unfold(writing, |mut writing| async move {
        let bytes = writing.next().await.map_err(io::Error::other).transpose()?;
        Some((bytes, writing))
    });
    let day = page.now.with_timezone(&dates::VIETNAM).format("%Y-%m-%d");
    let mut answer = problem::ok();
    download::headers(&mut answer, form.media(), &format!("{name} {day}.{}", form.extension()));
    Ok(answer.streaming(watched(Box::pin(first.chain(rest)), call.request_id)))
}
