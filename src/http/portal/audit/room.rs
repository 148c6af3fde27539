//! The room itself: what the warrant says and what can be done under it; without one, what is missing.

use super::super::super::problem::Problem;
use super::super::words::{self, Tag};
use super::super::{Page, drawn};
use crate::domain::dates;
use crate::exchange::ExchangeError;
use crate::exchange::samples::{self, SampleRow};
use crate::exchange::sessions::Person;
use crate::exchange::warrants::{self, Warrant};
use actix_web::HttpResponse;
use askama::Template;

#[derive(Template)]
#[template(path = "audit/room.html")]
struct RoomPage<'a> {
    page: &'a Page<'a>,
    warrant: Option<&'a Warrant>,
    /// Who issues warrants, where one is missing.
    issuers: Vec<String>,
    samples: Vec<SampleRow>,
}

impl RoomPage<'_> {
    fn day(&self, text: &str) -> String {
        words::day(text)
    }

    fn until(&self, warrant: &Warrant) -> String {
        dates::for_people(warrant.row.until_at())
    }

    fn asked(&self, sample: &SampleRow) -> String {
        dates::for_people(sample.asked_at())
    }

    fn state(&self, sample: &SampleRow) -> Tag {
        state(sample, self.page)
    }
}

/// How far a sample is.
pub(super) fn state(sample: &SampleRow, page: &Page<'_>) -> Tag {
    let (vi, en, look) = match sample.drawn_at() {
        Some(_) => ("Đã rút", "Drawn", "good"),
        None => ("Đang rút, khoảng một phút", "Being drawn, about a minute", "waiting"),
    };
    Tag { text: page.t(vi, en).to_owned(), look }
}

/// Draws it.
///
/// # Errors
/// `NotFound` for whoever does not audit; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person) -> Result<HttpResponse, Problem> {
    if !person.role.is_auditor() {
        return Err(ExchangeError::NotFound.into());
    }
    let (issuers, samples) = match &person.warrant {
        Some(_) => (Vec::new(), samples::list(page.hub, person).await?),
        None => (warrants::issuers(page.hub).await?, Vec::new()),
    };
    drawn(&RoomPage { page, warrant: person.warrant.as_ref(), issuers, samples })
}
