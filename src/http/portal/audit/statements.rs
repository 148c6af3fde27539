//! Daily statements of pairs with an agency of a warrant, each to be taken out with all that proves it.

use super::super::super::problem::{self, Problem};
use super::super::fields::Fields;
use super::super::{Page, download, drawn, words};
use crate::exchange::access::{self, Access};
use crate::exchange::sessions::Person;
use crate::exchange::statements::{self, StatementRow};
use actix_web::HttpResponse;
use askama::Template;

#[derive(Template)]
#[template(path = "audit/statements.html")]
struct StatementsPage<'a> {
    page: &'a Page<'a>,
    rows: Vec<StatementRow>,
    next: Option<String>,
}

impl StatementsPage<'_> {
    fn day(&self, text: &str) -> String {
        words::day(text)
    }
}

/// Draws a page of them.
///
/// # Errors
/// `NotFound` without a warrant; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let most = page.hub.config.portal.rows_max;
    let rows = statements::of_warrant(page.hub, person, (fields.get("after").to_owned(), most)).await?;
    let access = Access { act: "statements", agencies: person.agencies.clone(), ..Access::default() };
    access::looked(page.hub, person, access).await?;
    let next = rows.last().filter(|_| rows.len() >= most).map(|row| row.evidence_id.clone());
    drawn(&StatementsPage { page, rows, next })
}

/// Answers with one.
///
/// # Errors
/// Those of `statements::statement_for`.
pub(super) async fn file(page: &Page<'_>, person: &Person, id: &str) -> Result<HttpResponse, Problem> {
    let file = statements::statement_for(page.hub, person, id).await?;
    let mut answer = problem::ok();
    download::headers(&mut answer, "application/json", &format!("bang-ke-{id}.json"));
    Ok(answer.body(file.file()))
}
