//! Starting anew what has failed: a look at what it would do, the decision of one or two people, how far it is, what came of it.

use super::super::super::problem::Problem;
use super::super::fields::Fields;
use super::super::words::Tag;
use super::super::{Page, drawn, see_other};
use super::{grouped, standing, step_name, step_of};
use crate::domain::cause::Cause;
use crate::domain::dates;
use crate::domain::delivery::DeliveryState;
use crate::domain::undertaking::{UndertakingState, UndertakingStep};
use crate::exchange::ExchangeError;
use crate::exchange::controls::{FailedLine, Fate};
use crate::exchange::redrives::{self, Preview, RedriveLine, RedriveView, Wish};
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};

/// Deliveries a minute that the form begins with.
const PER_MINUTE: u64 = 60;

#[derive(Template)]
#[template(path = "desk/preview.html")]
struct PreviewPage<'a> {
    page: &'a Page<'a>,
    preview: Preview,
    per_minute: u64,
}

#[derive(Template)]
#[template(path = "desk/redrives.html")]
struct ListPage<'a> {
    page: &'a Page<'a>,
    lines: Vec<RedriveLine>,
}

#[derive(Template)]
#[template(path = "desk/redrive.html")]
struct RedrivePage<'a> {
    page: &'a Page<'a>,
    view: RedriveView,
}

fn progress(line: &RedriveLine, page: &Page<'_>) -> String {
    format!("{}/{}", grouped(line.row.gone_through(), page.language), grouped(line.row.found, page.language))
}

impl PreviewPage<'_> {
    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn number(&self, number: &i64) -> String {
        grouped(*number, self.page.language)
    }

    fn most(&self) -> u64 {
        self.page.hub.config.portal.redrive_per_minute_max
    }

    fn alone(&self) -> u64 {
        self.page.hub.config.portal.redrive_alone_max
    }

    fn cause(&self) -> String {
        self.page.say(&self.preview.cause.name()).to_owned()
    }

    fn remedy(&self) -> String {
        self.page.say(&self.preview.cause.remedy()).to_owned()
    }

    fn fate(&self, line: &FailedLine) -> Tag {
        let look = if line.fate == Fate::Anew { "good" } else { "quiet" };
        Tag { text: self.page.say(&line.fate.name()).to_owned(), look }
    }
}

impl ListPage<'_> {
    fn proposed_at(&self, line: &RedriveLine) -> String {
        dates::for_people(line.row.proposed_at())
    }

    fn cause(&self, line: &RedriveLine) -> String {
        self.page.say(&line.cause.name()).to_owned()
    }

    fn state(&self, line: &RedriveLine) -> Tag {
        standing(line.state, self.page)
    }

    fn progress(&self, line: &RedriveLine) -> String {
        progress(line, self.page)
    }
}

impl RedrivePage<'_> {
    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn number(&self, number: &i64) -> String {
        grouped(*number, self.page.language)
    }

    fn cause(&self) -> String {
        self.page.say(&self.view.line.cause.name()).to_owned()
    }

    fn proposed_at(&self) -> String {
        dates::for_people(self.view.line.row.proposed_at())
    }

    fn expires_at(&self) -> String {
        dates::for_people(self.view.line.row.expires_at())
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

    fn is_running(&self) -> bool {
        self.view.line.state == UndertakingState::Running
    }

    fn step(&self, step: &UndertakingStep) -> &'static str {
        step_name(*step, self.view.line.state, self.page)
    }

    /// What came of a state of new deliveries, in words.
    fn came(&self, word: &str) -> &'static str {
        match DeliveryState::of_word(word) {
            Some(DeliveryState::HandedOver) => self.page.t("đã nhận", "received"),
            Some(DeliveryState::Failed) => self.page.t("lại không chuyển được", "failed again"),
            Some(DeliveryState::Withdrawn) => self.page.t("đã rút lại", "withdrawn"),
            Some(DeliveryState::Pending | DeliveryState::Consigned) | None => self.page.t("đang chờ", "waiting"),
        }
    }
}

/// Draws what starting a group anew would do.
///
/// # Errors
/// `NotFound` for an unknown recipient or cause, or whoever does not look after the hub; `Store`.
pub(super) async fn preview(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let cause = Cause::of_code(fields.get("cause")).ok_or(ExchangeError::NotFound)?;
    let preview = redrives::preview(page.hub, person, fields.get("agency"), cause).await?;
    let per_minute = PER_MINUTE.min(page.hub.config.portal.redrive_per_minute_max);
    drawn(&PreviewPage { page, preview, per_minute })
}

/// Starts a group, or proposes it.
///
/// # Errors
/// Those of `redrives::propose`.
pub(super) async fn propose(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let wish = Wish {
        agency: fields.get("agency").to_owned(),
        cause: Cause::of_code(fields.get("cause")).ok_or(ExchangeError::NotFound)?,
        per_minute: fields.get("per_minute").trim().parse().unwrap_or(0),
        reason: fields.get("reason").to_owned(),
    };
    let id = redrives::propose(page.hub, person, wish).await?;
    Ok(see_other(&format!("/portal/redrives/{id}")))
}

/// Draws the newest ones.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; `Store`.
pub(super) async fn list(page: &Page<'_>, person: &Person) -> Result<HttpResponse, Problem> {
    let lines = redrives::list(page.hub, person).await?;
    drawn(&ListPage { page, lines })
}

/// Draws one.
///
/// # Errors
/// `NotFound`; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, id: &str) -> Result<HttpResponse, Problem> {
    let view = redrives::view(page.hub, person, id).await?;
    drawn(&RedrivePage { page, view })
}

/// Takes a step with one.
///
/// # Errors
/// `Malformed` for an unknown step; those of `redrives::step`.
pub(super) async fn direct(
    page: &Page<'_>,
    person: &Person,
    id: &str,
    fields: &Fields,
) -> Result<HttpResponse, Problem> {
    let step = step_of(fields)?;
    redrives::step(page.hub, person, id, step).await?;
    Ok(see_other(&format!("/portal/redrives/{id}")))
}
