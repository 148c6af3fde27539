//! The transfer slip (phiếu chuyển): one document on one sheet of A4, with where it can be verified.

use super::super::gate::Call;
use super::super::problem::Problem;
use super::words::{self, Tag};
use super::{Page, drawn, qr};
use crate::domain::dates;
use crate::exchange::access;
use crate::exchange::document::{self, DocumentView};
use crate::exchange::follow::SentLine;
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};

/// Recipients that fit on the sheet.
const RECIPIENTS_MAX: usize = 20;

#[derive(Template)]
#[template(path = "slip.html")]
struct SlipPage<'a> {
    page: &'a Page<'a>,
    document: DocumentView,
    /// Where receipts are verified, as an address and as a picture of it.
    verifier: String,
    picture: String,
}

impl SlipPage<'_> {
    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn day(&self, text: &str) -> String {
        words::day(text)
    }

    fn hex(&self, bytes: &[u8]) -> String {
        hex::encode(bytes)
    }

    fn urgency(&self) -> Option<Tag> {
        words::urgency(self.document.urgency, self.page.language)
    }

    fn transfer(&self, line: &SentLine) -> Tag {
        words::transfer(line, self.page.language)
    }

    fn shown(&self) -> impl Iterator<Item = &SentLine> {
        self.document.view.deliveries.iter().take(RECIPIENTS_MAX)
    }

    fn further(&self) -> usize {
        self.document.view.deliveries.len().saturating_sub(RECIPIENTS_MAX)
    }
}

/// Draws the slip of a document.
///
/// # Errors
/// As the document's page.
pub(super) async fn page(call: &Call<'_>, page: &Page<'_>, person: &Person) -> Result<HttpResponse, Problem> {
    let document = document::document(page.hub, person, call.segment("id"), "").await?;
    access::looked_at(page.hub, person, "slip", call.segment("id")).await?;
    let info = call.request.connection_info();
    // The browser came by this address, so whoever holds the paper can go there too.
    let verifier = format!("{}://{}/verify", info.scheme(), info.host());
    let picture = qr::picture(&verifier);
    drop(info);
    drawn(&SlipPage { page, document, verifier, picture })
}
