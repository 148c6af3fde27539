//! What was found: "họ nhận chưa?" answered in one line for each document.

use super::super::problem::Problem;
use super::fields::Fields;
use super::words::{self, Tag};
use super::{Page, drawn, log};
use crate::domain::dates;
use crate::exchange::access::{self, Access};
use crate::exchange::lookup;
use crate::exchange::sessions::Person;
use crate::exchange::transfers::DocumentLine;
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};

/// Longest text that is looked for, in characters.
const TEXT_CHARS_MAX: usize = 300;

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage<'a> {
    page: &'a Page<'a>,
    fields: &'a Fields,
    text: String,
    lines: Vec<DocumentLine>,
    next: Option<i64>,
}

impl SearchPage<'_> {
    fn urgency(&self, urgency: &crate::domain::envelope::Urgency) -> Option<Tag> {
        words::urgency(*urgency, self.page.language)
    }

    fn tally(&self, row: &DocumentLine) -> Tag {
        log::tally(row, self.page.language)
    }

    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }
}

/// Draws what was found.
///
/// # Errors
/// `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let text: String = fields.get("q").chars().take(TEXT_CHARS_MAX).collect();
    let hits = lookup::search(page.hub, person, &text, fields.get("before").parse().ok()).await?;
    if access::is_watched(person) {
        let access =
            Access { act: "search", agencies: person.agencies.clone(), asks: text.clone(), ..Access::default() };
        access::looked(page.hub, person, access).await?;
    }
    drawn(&SearchPage { page, fields, text, lines: hits.lines, next: hits.next })
}
