//! Legal holds (lệnh giữ lại): what must stay, whatever its time. Here too: which packets a form means, for purges as well.

use super::super::super::problem::Problem;
use super::super::fields::Fields;
use super::super::words::Tag;
use super::super::{Page, drawn, see_other};
use crate::domain::dates;
use crate::domain::retention::Scope;
use crate::domain::rules::Wording;
use crate::exchange::ExchangeError;
use crate::exchange::holds::{self, HoldKey, HoldLine, HoldPage};
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use askama::Template;

#[derive(Template)]
#[template(path = "desk/holds.html")]
struct HoldsPage<'a> {
    page: &'a Page<'a>,
    lines: Vec<HoldLine>,
    /// Where the next page begins.
    next: Option<String>,
}

impl HoldsPage<'_> {
    fn meant(&self, line: &HoldLine) -> String {
        meant(&line.scope, self.page)
    }

    fn placed_at(&self, line: &HoldLine) -> String {
        dates::for_people(line.row.placed_at())
    }

    fn lifted_at(&self, line: &HoldLine) -> Option<String> {
        line.row.lifted_at().map(dates::for_people)
    }

    fn state(&self, line: &HoldLine) -> Tag {
        let (text, look) = match line.row.lifted_at() {
            Some(_) => (self.page.t("Đã dỡ", "Lifted"), "quiet"),
            None => (self.page.t("Đang giữ", "In force"), "waiting"),
        };
        Tag { text: text.to_owned(), look }
    }
}

/// Which packets the fields of a form mean.
///
/// # Errors
/// `Malformed` for a day that cannot be read: without it, more would be meant than was said.
pub(super) fn scope(fields: &Fields) -> Result<Scope, ExchangeError> {
    let text = |name: &str| Some(fields.get(name).trim().to_owned()).filter(|text| !text.is_empty());
    let unreadable =
        || ExchangeError::Malformed(Wording::new("Ngày phải có dạng yyyy-MM-dd", "Days have the form yyyy-MM-dd"));
    let day = |name: &str| text(name).map(|said| dates::date(&said).ok_or_else(unreadable)).transpose();
    Ok(Scope { agency: text("agency"), document_id: text("document"), from: day("from")?, until: day("until")? })
}

/// The same in words.
pub(super) fn meant(scope: &Scope, page: &Page<'_>) -> String {
    let day = |day: chrono::NaiveDate| day.format("%d/%m/%Y").to_string();
    let parts = [
        scope.agency.as_ref().map(|code| format!("{} {code}", page.t("cơ quan", "agency"))),
        scope.document_id.as_ref().map(|id| format!("{} {id}", page.t("văn bản", "document"))),
        scope.from.map(|from| format!("{} {}", page.t("từ", "from"), day(from))),
        scope.until.map(|until| format!("{} {}", page.t("đến", "until"), day(until))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { page.t("mọi gói tin", "all packets").to_owned() } else { parts.join(", ") }
}

/// Draws a page of them, those in force first, with a form for another.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let from = HoldKey::of_text(fields.get("after")).unwrap_or_default();
    let HoldPage { lines, next } = holds::list_for(page.hub, person, from).await?;
    drawn(&HoldsPage { page, lines, next: next.map(|key| key.text()) })
}

/// Places one, or lifts the one of the field `lift`.
///
/// # Errors
/// Those of `scope`, `holds::place` and `holds::lift`.
pub(super) async fn change(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let reason = fields.get("reason");
    match fields.get("lift") {
        "" => drop(holds::place_for(page.hub, person, scope(fields)?, reason).await?),
        id => holds::lift_for(page.hub, person, id, reason).await?,
    }
    Ok(see_other("/portal/holds"))
}
