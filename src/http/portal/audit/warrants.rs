//! Warrants (quyết định kiểm tra), for administrators: what auditors may see, of whom, until when.

use super::super::super::problem::Problem;
use super::super::fields::Fields;
use super::super::words::{self, Tag};
use super::super::{Page, drawn, see_other};
use crate::domain::dates;
use crate::domain::rules::Wording;
use crate::exchange::ExchangeError;
use crate::exchange::sessions::Person;
use crate::exchange::warrants::{self, Draft, WarrantLine};
use actix_web::HttpResponse;
use askama::Template;
use chrono::NaiveDate;

#[derive(Template)]
#[template(path = "audit/warrants.html")]
struct WarrantsPage<'a> {
    page: &'a Page<'a>,
    lines: Vec<WarrantLine>,
    /// Login and name of whoever can be given one.
    auditors: Vec<(String, String)>,
}

impl WarrantsPage<'_> {
    fn day(&self, text: &str) -> String {
        words::day(text)
    }

    fn from(&self, line: &WarrantLine) -> String {
        dates::for_people(line.warrant.row.from_at())
    }

    fn until(&self, line: &WarrantLine) -> String {
        dates::for_people(line.warrant.row.until_at())
    }

    fn may_revoke(&self, line: &WarrantLine) -> bool {
        line.warrant.row.revoked_at().is_none() && self.page.now < line.warrant.row.until_at()
    }

    fn state(&self, line: &WarrantLine) -> Tag {
        let (row, page) = (&line.warrant.row, self.page);
        let (text, look) = match row.revoked_at() {
            Some(_) => (page.t("Đã thu hồi", "Revoked"), "bad"),
            None if page.now >= row.until_at() => (page.t("Đã hết hạn", "Over"), "quiet"),
            None if page.now < row.from_at() => (page.t("Chưa tới lúc", "To come"), "waiting"),
            None => (page.t("Đang có hiệu lực", "Holds"), "good"),
        };
        Tag { text: text.to_owned(), look }
    }
}

/// Draws the newest ones, with a form for another.
///
/// # Errors
/// `NotFound` for whoever is no administrator; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person) -> Result<HttpResponse, Problem> {
    let (lines, auditors) = warrants::listed(page.hub, person).await?;
    drawn(&WarrantsPage { page, lines, auditors })
}

fn day(text: &str) -> Result<NaiveDate, ExchangeError> {
    let wrong =
        || Wording::new("Ngày không đọc được; ví dụ 2026-11-22", "A day cannot be read; write it like 2026-11-22");
    dates::date(text).ok_or_else(|| ExchangeError::Malformed(wrong()))
}

/// Issues one, or revokes the one of the field `revoke`.
///
/// # Errors
/// Those of `warrants::issue` and `warrants::revoke`.
pub(super) async fn change(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    match fields.get("revoke") {
        "" => {
            let field = |name: &str| fields.get(name).to_owned();
            let named = fields.get("agencies").split(|sign: char| sign.is_whitespace() || ",;".contains(sign));
            let from = fields.get("from");
            let draft = Draft {
                login: field("login"),
                number: field("number"),
                decided_on: day(fields.get("decided_on"))?,
                purpose: field("purpose"),
                agencies: named.filter(|code| !code.is_empty()).map(str::to_owned).collect(),
                every_agency: fields.get("every_agency") == "1",
                content: fields.get("content") == "1",
                documents: (day(fields.get("documents_from"))?, day(fields.get("documents_until"))?),
                from: if from.is_empty() { None } else { Some(day(from)?) },
                until: day(fields.get("until"))?,
            };
            warrants::issue_by(page.hub, person, draft).await?;
        }
        id => warrants::revoke_by(page.hub, person, id).await?,
    }
    Ok(see_other("/portal/warrants"))
}
