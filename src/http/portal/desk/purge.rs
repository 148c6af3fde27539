//! Destroying contents whose time is over (tiêu hủy nội dung): a look at what may go, a proposal, the decision of another person,
//! how far it is, the certificate.

use super::super::super::problem::{self, Problem};
use super::super::download;
use super::super::fields::{Fields, escaped};
use super::super::words::{Tag, size};
use super::super::{Page, drawn, see_other};
use super::holds::{meant, scope};
use super::{grouped, standing, step_name, step_of};
use crate::domain::dates;
use crate::domain::retention::Kept;
use crate::domain::undertaking::{UndertakingState, UndertakingStep};
use crate::exchange::ExchangeError;
use crate::exchange::access::{self, Access};
use crate::exchange::purge::{self, DESTROYED, DueLine, Preview, PurgeLine, PurgeView, Wish};
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};

#[derive(Template)]
#[template(path = "desk/purge_preview.html")]
struct PreviewPage<'a> {
    page: &'a Page<'a>,
    fields: &'a Fields,
    preview: Preview,
}

#[derive(Template)]
#[template(path = "desk/purges.html")]
struct ListPage<'a> {
    page: &'a Page<'a>,
    lines: Vec<PurgeLine>,
}

#[derive(Template)]
#[template(path = "desk/purge.html")]
struct PurgePage<'a> {
    page: &'a Page<'a>,
    view: PurgeView,
}

fn bytes(number: i64, page: &Page<'_>) -> String {
    size(number.unsigned_abs(), page.language)
}

fn progress(line: &PurgeLine, page: &Page<'_>) -> String {
    format!("{}/{}", grouped(line.row.gone_through(), page.language), grouped(line.row.found, page.language))
}

impl PreviewPage<'_> {
    fn meant(&self) -> String {
        meant(&self.preview.scope, self.page)
    }

    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn bytes(&self, number: &i64) -> String {
        bytes(*number, self.page)
    }

    fn basis(&self, line: &DueLine) -> String {
        self.page.say(&line.due.basis).to_owned()
    }

    fn kept(&self, why: &Kept) -> String {
        self.page.say(&why.name()).to_owned()
    }

    fn field(&self, name: &str) -> String {
        self.fields.get(name).to_owned()
    }

    /// Where the look goes on.
    fn further(&self, after: &str) -> String {
        format!("/portal/purges/new?{}", self.fields.with("after", after))
    }
}

impl ListPage<'_> {
    fn meant(&self, line: &PurgeLine) -> String {
        meant(&line.scope, self.page)
    }

    fn proposed_at(&self, line: &PurgeLine) -> String {
        dates::for_people(line.row.proposed_at())
    }

    fn state(&self, line: &PurgeLine) -> Tag {
        standing(line.state, self.page)
    }

    fn progress(&self, line: &PurgeLine) -> String {
        progress(line, self.page)
    }
}

impl PurgePage<'_> {
    fn meant(&self) -> String {
        meant(&self.view.line.scope, self.page)
    }

    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn proposed_at(&self) -> String {
        dates::for_people(self.view.line.row.proposed_at())
    }

    fn expires_at(&self) -> String {
        dates::for_people(self.view.line.row.expires_at())
    }

    fn number(&self, number: &i64) -> String {
        grouped(*number, self.page.language)
    }

    fn bytes(&self, number: &i64) -> String {
        bytes(*number, self.page)
    }

    fn progress(&self) -> String {
        progress(&self.view.line, self.page)
    }

    fn state(&self) -> Tag {
        standing(self.view.line.state, self.page)
    }

    fn needs_other(&self) -> bool {
        self.view.line.state == UndertakingState::Proposed && !self.view.steps.contains(&UndertakingStep::Approve)
    }

    fn step(&self, step: &UndertakingStep) -> &'static str {
        step_name(*step, self.view.line.state, self.page)
    }

    /// What became of packets, in words.
    fn outcome(&self, word: &str) -> String {
        match (word, Kept::of_code(word)) {
            (_, Some(why)) => format!("{}: {}", self.page.t("giữ lại", "kept"), self.page.say(&why.name())),
            (DESTROYED, None) => self.page.t("đã tiêu hủy", "destroyed").to_owned(),
            (_, None) => self.page.t("chưa xử lý", "not gone through yet").to_owned(),
        }
    }
}

fn wish(fields: &Fields) -> Result<Wish, ExchangeError> {
    Ok(Wish { scope: scope(fields)?, after: fields.get("after").to_owned() })
}

/// Draws what may be destroyed.
///
/// # Errors
/// Those of `purge::preview`.
pub(super) async fn preview(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let preview = purge::preview(page.hub, Some(person), wish(fields)?).await?;
    drawn(&PreviewPage { page, fields, preview })
}

/// Proposes to destroy it.
///
/// # Errors
/// Those of `purge::propose`.
pub(super) async fn propose(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let id = purge::propose(page.hub, person, wish(fields)?, fields.get("reason")).await?;
    Ok(see_other(&format!("/portal/purges/{id}")))
}

/// Draws the newest ones.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; `Store`.
pub(super) async fn list(page: &Page<'_>, person: &Person) -> Result<HttpResponse, Problem> {
    let lines = purge::list(page.hub, Some(person)).await?;
    drawn(&ListPage { page, lines })
}

/// Draws one.
///
/// # Errors
/// `NotFound`; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, id: &str) -> Result<HttpResponse, Problem> {
    let view = purge::view(page.hub, Some(person), id).await?;
    drawn(&PurgePage { page, view })
}

/// Takes a step with one.
///
/// # Errors
/// `Malformed` for an unknown step; those of `purge::step`.
pub(super) async fn direct(
    page: &Page<'_>,
    person: &Person,
    id: &str,
    fields: &Fields,
) -> Result<HttpResponse, Problem> {
    purge::step(page.hub, person, id, step_of(fields)?).await?;
    Ok(see_other(&format!("/portal/purges/{}", escaped(id))))
}

/// Hands out the certificate of one.
///
/// # Errors
/// Those of `purge::certificate`.
pub(super) async fn certificate(page: &Page<'_>, person: &Person, id: &str) -> Result<HttpResponse, Problem> {
    let file = purge::certificate(page.hub, Some(person), id).await?;
    let access = Access { act: "destruction-certificate", asks: id.to_owned(), ..Access::default() };
    access::looked(page.hub, person, access).await?;
    let mut answer = problem::ok();
    download::headers(&mut answer, "application/json", &format!("chung-nhan-tieu-huy-{id}.json"));
    Ok(answer.body(file.file()))
}
