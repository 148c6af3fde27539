//! Incidents (sự cố): what is wrong with the hub and what was, since when and until when; as a page and as a table for spreadsheets.

use super::super::super::problem::{self, Problem};
use super::super::fields::Fields;
use super::super::words::Tag;
use super::super::{Page, download, drawn, export};
use super::span;
use crate::domain::dates;
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::incident::IncidentKind;
use crate::exchange::ExchangeError;
use crate::exchange::access::{self, Access};
use crate::exchange::incidents::{self, Asked, IncidentRow, Incidents};
use crate::exchange::sessions::Person;
use crate::jobs::JOBS;
use crate::sheet::{Column, Form, Sheet};
use actix_web::HttpResponse;
use askama::Template;

/// Rows of a table for spreadsheets.
const EXPORTED_MAX: usize = 20_000;
/// Rows that are read at once for it.
const ROWS_AT_ONCE: usize = 1_000;

#[derive(Template)]
#[template(path = "desk/incidents.html")]
struct IncidentsPage<'a> {
    page: &'a Page<'a>,
    fields: &'a Fields,
    incidents: Incidents,
}

impl IncidentsPage<'_> {
    fn kinds(&self) -> [(&'static str, String); 12] {
        IncidentKind::ALL.map(|kind| (kind.word(), self.page.say(&kind.name()).to_owned()))
    }

    fn is_first(&self) -> bool {
        self.fields.get("after").is_empty()
    }

    fn kind(&self, row: &IncidentRow) -> String {
        kind(row, self.page)
    }

    fn place(&self, row: &IncidentRow) -> String {
        place(row, self.page)
    }

    fn words(&self, row: &IncidentRow) -> String {
        self.page.say(&row.words()).to_owned()
    }

    fn began(&self, row: &IncidentRow) -> String {
        dates::for_people(row.began_at())
    }

    fn ended(&self, row: &IncidentRow) -> String {
        row.ended_at().map(dates::for_people).unwrap_or_default()
    }

    fn lasted(&self, row: &IncidentRow) -> String {
        lasted(row, self.page)
    }

    fn state(&self, row: &IncidentRow) -> Tag {
        let (text, look) = match row.grave {
            true => (self.page.t("Ngừng hoạt động", "Does not work"), "bad"),
            false => (self.page.t("Cần xem", "To be looked at"), "waiting"),
        };
        Tag { text: text.to_owned(), look }
    }

    /// The recipient whose endpoint it is, where its page says more.
    fn recipient(&self, row: &IncidentRow) -> Option<String> {
        let is_endpoint = row.kind().is_ok_and(|kind| kind == IncidentKind::Endpoint);
        let id = EndpointId::parse(&row.place).filter(|id| is_endpoint && id.kind == EndpointKind::Agency)?;
        Some(id.holder)
    }
}

fn kind(row: &IncidentRow, page: &Page<'_>) -> String {
    row.kind().map(|kind| page.say(&kind.name()).to_owned()).unwrap_or_default()
}

/// What it concerns, in words: of a job what it does, of a node nothing, since its id says nothing to people.
fn place(row: &IncidentRow, page: &Page<'_>) -> String {
    match row.kind() {
        Ok(IncidentKind::Job) => {
            let job = JOBS.iter().find(|job| job.name == row.place);
            job.map_or_else(|| row.place.clone(), |job| page.t(job.vi, job.en).to_owned())
        }
        Ok(IncidentKind::Node) => String::new(),
        Ok(_) | Err(_) => row.place.clone(),
    }
}

fn lasted(row: &IncidentRow, page: &Page<'_>) -> String {
    let until = row.ended_at().unwrap_or(page.now);
    span(until.signed_duration_since(row.began_at()), page.language)
}

fn asked(fields: &Fields, rows: usize) -> Asked {
    Asked { kind: IncidentKind::of_word(fields.get("kind")), after: fields.get("after").to_owned(), rows }
}

/// Draws what goes on and a page of what is over.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let rows = page.hub.config.portal.rows_max;
    let incidents = incidents::list(page.hub, person, asked(fields, rows)).await?;
    drawn(&IncidentsPage { page, fields, incidents })
}

/// Answers with all of them as a table, up to `EXPORTED_MAX`.
///
/// # Errors
/// As the page; `NotFound` for an unknown form.
pub(super) async fn table(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let form = Form::of_word(fields.get("form")).ok_or(ExchangeError::NotFound)?;
    let heads: [(&str, &str, u16); 8] = [
        ("Loại", "Kind", 26),
        ("Nơi", "Where", 34),
        ("Sự cố", "What", 70),
        ("Ngừng hoạt động", "Does not work", 16),
        ("Bắt đầu", "Began", 17),
        ("Bắt đầu (ISO)", "Began (ISO)", 27),
        ("Kết thúc (ISO)", "Ended (ISO)", 27),
        ("Kéo dài", "Lasted", 18),
    ];
    let columns = heads.map(|(vi, en, chars)| Column { title: page.t(vi, en), chars });
    let name = page.t("Sự cố", "Incidents");
    let mut sheet = Sheet::new(form, name, &columns).map_err(ExchangeError::Payload)?;
    let (mut asked, mut written) = (Asked { after: String::new(), ..asked(fields, ROWS_AT_ONCE) }, 0_usize);
    loop {
        let found = incidents::list(page.hub, person, asked.clone()).await?;
        for row in found.ongoing.iter().chain(&found.ended) {
            write(&mut sheet, row, page).map_err(ExchangeError::Payload)?;
        }
        written = written.saturating_add(found.ongoing.len()).saturating_add(found.ended.len());
        match found.next {
            Some(_) if written >= EXPORTED_MAX => {
                export::say_cut(&mut sheet, page.language, heads.len()).map_err(ExchangeError::Payload)?;
                break;
            }
            Some(next) => asked.after = next,
            None => break,
        }
    }
    let access = Access { act: "incidents-export", asks: fields.told(), ..Access::default() };
    access::looked(page.hub, person, access).await?;
    let bytes = sheet.finish().map_err(ExchangeError::Payload)?;
    let day = page.now.with_timezone(&dates::VIETNAM).format("%Y-%m-%d");
    let mut answer = problem::ok();
    download::headers(&mut answer, form.media(), &format!("{name} {day}.{}", form.extension()));
    Ok(answer.body(bytes))
}

fn write(sheet: &mut Sheet, row: &IncidentRow, page: &Page<'_>) -> std::io::Result<()> {
    let (kind, place) = (kind(row, page), place(row, page));
    let (words, lasted) = (row.words(), lasted(row, page));
    let grave = if row.grave { page.t("có", "yes") } else { "" };
    let (began, iso) = (dates::for_people(row.began_at()), dates::for_machines(row.began_at()));
    let ended = row.ended_at().map(dates::for_machines).unwrap_or_default();
    let cells: [&str; 8] = [&kind, &place, page.say(&words), grave, &began, &iso, &ended, &lasted];
    sheet.row(&cells.map(crate::sheet::Cell::Text))
}
