//! Bulletins (thông báo): what operators tell agencies in the portal, for a time.

use super::super::super::problem::Problem;
use super::super::fields::Fields;
use super::super::words::Tag;
use super::super::{Page, drawn, see_other};
use crate::domain::dates;
use crate::exchange::bulletins::{self, BulletinLine, Draft};
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use askama::Template;

#[derive(Template)]
#[template(path = "desk/bulletins.html")]
struct BulletinsPage<'a> {
    page: &'a Page<'a>,
    lines: Vec<BulletinLine>,
}

impl BulletinsPage<'_> {
    fn begins_at(&self, line: &BulletinLine) -> String {
        dates::for_people(line.row.from_at())
    }

    fn ends_at(&self, line: &BulletinLine) -> String {
        dates::for_people(line.row.until_at())
    }

    fn may_withdraw(&self, line: &BulletinLine) -> bool {
        line.row.withdrawn_at().is_none() && self.page.now < line.row.until_at()
    }

    fn state(&self, line: &BulletinLine) -> Tag {
        let (text, look) = match line.row.withdrawn_at() {
            Some(_) => (self.page.t("Đã rút", "Taken back"), "quiet"),
            None if self.page.now >= line.row.until_at() => (self.page.t("Đã hết hạn", "Over"), "quiet"),
            None if self.page.now < line.row.from_at() => (self.page.t("Chưa tới lúc", "To come"), "waiting"),
            None => (self.page.t("Đang hiện", "Shown"), "good"),
        };
        Tag { text: text.to_owned(), look }
    }
}

/// Draws the newest ones, with a form for another.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person) -> Result<HttpResponse, Problem> {
    let lines = bulletins::list(page.hub, person).await?;
    drawn(&BulletinsPage { page, lines })
}

/// Publishes one, or takes the one of the field `withdraw` back.
///
/// # Errors
/// Those of `bulletins::publish` and `bulletins::withdraw`.
pub(super) async fn change(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let field = |name: &str| fields.get(name).to_owned();
    match fields.get("withdraw") {
        "" => {
            let draft =
                Draft { text: field("text"), from: field("from"), until: field("until"), agencies: field("agencies") };
            bulletins::publish(page.hub, person, draft).await?;
        }
        id => bulletins::withdraw(page.hub, person, id).await?,
    }
    Ok(see_other("/portal/bulletins"))
}
