//! Statistics (thống kê): the numbers of a time, on a page with charts drawn here, and as a table for spreadsheets. Page and
//! table show the same. Not here: what the numbers mean (`domain::measure`), whose a person may see (`exchange::statistics`).

mod chart;
mod tables;

use super::super::problem::{self, Problem};
use super::desk::grouped;
use super::fields::Fields;
use super::words::Language;
use super::{Page, PortalOperation, download, drawn};
use crate::domain::dates::{self, VIETNAM};
use crate::exchange::access::{self, Access};
use crate::exchange::sessions::Person;
use crate::exchange::statistics::{self as numbers, Asked, Period, RECENT, View};
use crate::exchange::{ExchangeError, freeze, transfers};
use crate::hub::Hub;
use crate::sheet::{Cell, Column, Form, Sheet};
use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use askama::Template;
use tables::{Item, Section};

/// Shown when nobody says otherwise.
const USUAL: Period = Period::Last(30);

#[derive(Template)]
#[template(path = "statistics.html")]
struct StatisticsPage<'a> {
    page: &'a Page<'a>,
    fields: &'a Fields,
    view: View,
    period: String,
    agencies: Vec<(String, String)>,
    sections: Vec<Section>,
}

impl StatisticsPage<'_> {
    fn sees_all(&self) -> bool {
        self.page.person.is_some_and(Person::sees_every_number)
    }

    fn shown(&self, item: &Item) -> String {
        shown(item, self.page.language)
    }

    /// Words and names of the times that can be chosen.
    fn periods(&self) -> Vec<(String, String)> {
        let last = RECENT.map(|days| (days.to_string(), tables::last(days, self.page)));
        let month = |word: &String| {
            let (year, month) = word.split_once('-').unwrap_or_default();
            (word.clone(), format!("{} {month}/{year}", self.page.t("Tháng", "Month")))
        };
        last.into_iter().chain(self.view.months.iter().map(month)).collect()
    }

    fn until(&self) -> String {
        until(&self.view, self.page)
    }

    fn range(&self) -> String {
        range(&self.view, self.page)
    }

    fn frozen(&self) -> Option<String> {
        let page = self.page;
        if let Some(month) = &self.view.frozen {
            return Some(format!(
                "{} {} ({} {}); {}",
                page.t("Số liệu tháng này chốt lúc", "The numbers of this month were frozen at"),
                dates::for_people(month.frozen_at()),
                page.t("số bút toán của sổ cái khi đó:", "entries of the ledger then:"),
                grouped(month.ledger_size, page.language),
                page.t("phần thay đổi sau đó ở cột riêng.", "what changed since stands in a column of its own."),
            ));
        }
        let Some(Period::Month(first)) = Period::of_word(&self.period) else { return None };
        let at = freeze::due_at(page.hub, first)?;
        Some(format!(
            "{} {}.",
            page.t(
                "Số liệu tháng này chưa chốt; sớm nhất",
                "The numbers of this month are not frozen yet; at the earliest on"
            ),
            at.with_timezone(&VIETNAM).format("%d/%m/%Y")
        ))
    }
}

/// Up to when what happened is counted.
fn until(view: &View, page: &Page<'_>) -> String {
    match view.until {
        Some(at) => {
            format!(
                "{} {}.",
                page.t("Số liệu đến", "Numbers up to"),
                at.with_timezone(&VIETNAM).format("%H:%M %d/%m/%Y")
            )
        }
        None => page.t("Chưa có số liệu nào.", "Nothing is counted yet.").to_owned(),
    }
}

fn range(view: &View, page: &Page<'_>) -> String {
    let (from, until) = view.days;
    format!(
        "{} {} {} {}, {}",
        page.t("Từ", "From"),
        from.format("%d/%m/%Y"),
        page.t("đến", "to"),
        until.format("%d/%m/%Y"),
        page.t("tính theo ngày Trục tiếp nhận.", "by the day on which the hub accepted.")
    )
}

/// What stands in a cell, as people read it.
fn shown(item: &Item, l: Language) -> String {
    match item {
        Item::Text(text) => text.clone(),
        Item::Number(number) => grouped(*number, l),
        Item::Share(None) => "–".to_owned(),
        Item::Share(Some(permille)) => format!("{}{}{} %", permille / 10, l.pick(",", "."), permille % 10),
    }
}

async fn asked(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<(View, Period), Problem> {
    let period = match fields.get("period") {
        "" => USUAL,
        word => Period::of_word(word).ok_or(ExchangeError::NotFound)?,
    };
    let asked = Asked { agency: fields.get("agency").trim().to_owned(), period };
    Ok((numbers::view(page.hub, person, &asked).await?, period))
}

/// Answers with the page or the table.
///
/// # Errors
/// `NotFound` for a time or an agency that is not for the person, or an unknown form of table; `Store`.
pub(super) async fn answer(
    operation: PortalOperation,
    page: &Page<'_>,
    person: &Person,
    fields: &Fields,
) -> Result<HttpResponse, Problem> {
    match operation == PortalOperation::StatisticsExport {
        true => export(page, person, fields).await,
        false => self::page(page, person, fields).await,
    }
}

async fn page(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let (view, period) = asked(page, person, fields).await?;
    if access::is_watched(person) {
        looked(page, person, ("statistics", fields)).await?;
    }
    let agencies = match person.sees_every_number() {
        true => Vec::new(),
        false => transfers::agencies_of(page.hub, person).await?,
    };
    let sections = tables::sections(&view, page);
    drawn(&StatisticsPage { page, fields, view, period: period.word(), agencies, sections })
}

/// Leaves the evidence of a look at numbers.
async fn looked(page: &Page<'_>, person: &Person, (act, fields): (&'static str, &Fields)) -> Result<(), Problem> {
    let access = Access { act, agencies: person.agencies.clone(), asks: fields.told(), ..Access::default() };
    Ok(access::looked(page.hub, person, access).await?)
}

/// The same as a table: one after the other, each under its title.
async fn export(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let form = Form::of_word(fields.get("form")).ok_or(ExchangeError::NotFound)?;
    let (view, _) = asked(page, person, fields).await?;
    looked(page, person, ("statistics-export", fields)).await?;
    let name = page.t("Thống kê", "Statistics");
    let bytes = written(&view, page, form).map_err(ExchangeError::Payload)?;
    let mut answer = problem::ok();
    let (from, last) = view.days;
    download::headers(&mut answer, form.media(), &format!("{name} {from} {last}.{}", form.extension()));
    Ok(answer.body(bytes))
}

fn written(view: &View, page: &Page<'_>, form: Form) -> std::io::Result<Vec<u8>> {
    let sections = tables::sections(view, page);
    let widest =
        sections.iter().flat_map(|section| &section.tables).map(|table| table.columns.len()).max().unwrap_or(1);
    let until = until(view, page);
    let titles = std::iter::once(until.as_str()).chain(std::iter::repeat_n("", widest.saturating_sub(1)));
    let columns: Vec<Column<'_>> = titles
        .zip(std::iter::once(48).chain(std::iter::repeat(20)))
        .map(|(title, chars)| Column { title, chars })
        .collect();
    let mut sheet = Sheet::new(form, page.t("Thống kê", "Statistics"), &columns)?;
    sheet.row(&[Cell::Text(&range(view, page))])?;
    for section in &sections {
        for table in &section.tables {
            sheet.row(&[])?;
            sheet.row(&[Cell::Text(&format!("{}: {}", section.title, table.title))])?;
            sheet.row(&table.columns.iter().map(|title| Cell::Text(title)).collect::<Vec<_>>())?;
            for row in &table.rows {
                let texts: Vec<String> = row.items.iter().map(|item| shown(item, page.language)).collect();
                let cells = row.items.iter().zip(&texts).map(|(item, text)| match item {
                    Item::Number(number) => Cell::Number(*number),
                    Item::Text(_) | Item::Share(_) => Cell::Text(text),
                });
                sheet.row(&cells.chain((!row.note.is_empty()).then_some(Cell::Text(&row.note))).collect::<Vec<_>>())?;
            }
        }
    }
    Ok(sheet.finish()?.into())
}

/// Answers with the open data of a month, `yyyy-MM.json` or `yyyy-MM.csv`.
///
/// # Errors
/// `NotFound` for another name, a month that is not frozen, or where there is no open data; `Store`.
pub(super) async fn open_data(hub: &Hub, file: &str) -> Result<HttpResponse, Problem> {
    let (month, form) = file.rsplit_once('.').ok_or(ExchangeError::NotFound)?;
    let data = freeze::open_data(hub, month).await?;
    let (media, text) = match form {
        "json" => ("application/json", data.json().into_bytes()),
        "csv" => (Form::CsvComma.media(), data.csv()?),
        _ => return Err(ExchangeError::NotFound.into()),
    };
    let mut answer = problem::ok();
    download::headers(&mut answer, media, &format!("docaxis {file}"));
    answer.insert_header((CACHE_CONTROL, "public, max-age=3600"));
    Ok(answer.body(text))
}
