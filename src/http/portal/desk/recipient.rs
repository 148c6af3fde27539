//! How a recipient is doing, and what can be done to its queue.

use super::super::super::problem::Problem;
use super::super::fields::{Fields, escaped};
use super::super::words::{self, Tag};
use super::super::{Page, drawn, see_other};
use super::{grouped, span};
use crate::domain::breaker::Circuit;
use crate::domain::cause::Cause;
use crate::domain::dates;
use crate::domain::endpoint::EndpointKind;
use crate::domain::rules::Wording;
use crate::exchange::ExchangeError;
use crate::exchange::controls::{Direction, WaitingLine};
use crate::exchange::endpoints::EndpointLine;
use crate::exchange::recipients::{self, Health, Order};
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

#[derive(Template)]
#[template(path = "desk/recipient.html")]
struct RecipientPage<'a> {
    page: &'a Page<'a>,
    health: Health,
}

impl RecipientPage<'_> {
    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn span(&self, time: &TimeDelta) -> String {
        span(*time, self.page.language)
    }

    fn number(&self, number: &i64) -> String {
        grouped(*number, self.page.language)
    }

    fn cause(&self, cause: &Cause) -> String {
        self.page.say(&cause.name()).to_owned()
    }

    fn remedy(&self, cause: &Cause) -> String {
        self.page.say(&cause.remedy()).to_owned()
    }

    fn state(&self, line: &EndpointLine) -> Tag {
        state(line, self.page)
    }

    fn circuit(&self, line: &EndpointLine) -> Tag {
        circuit(line, self.page)
    }

    fn lane(&self, line: &WaitingLine) -> &'static str {
        words::lane(line.lane, self.page.language)
    }

    /// Whether what waits are deliveries of documents; else events.
    fn brings_packets(&self) -> bool {
        self.health.endpoint.as_ref().is_some_and(|line| line.id.kind != EndpointKind::Events)
    }

    /// When a push is tried next, in words.
    fn next(&self, line: &WaitingLine) -> Tag {
        let (text, look) = match (line.held, line.due_at) {
            (true, _) => (self.page.t("Đang giữ lại", "Held").to_owned(), "waiting"),
            (false, Some(at)) => (dates::for_people(at), "quiet"),
            (false, None) => (self.page.t("Đang gửi", "On its way").to_owned(), "good"),
        };
        Tag { text, look }
    }
}

/// Whether something is brought to an endpoint.
pub(in super::super) fn state(line: &EndpointLine, page: &Page<'_>) -> Tag {
    let (text, look) = match line.state.as_str() {
        "paused" => (format!("{}: {}", page.t("Tạm dừng", "Paused"), line.reason), "waiting"),
        "gone" => (page.t("Địa chỉ nhận báo đã ngừng", "The endpoint is gone").to_owned(), "bad"),
        _ => (page.t("Đang mở", "Open").to_owned(), "good"),
    };
    Tag { text, look }
}

/// How the circuit breaker of an endpoint stands.
pub(in super::super) fn circuit(line: &EndpointLine, page: &Page<'_>) -> Tag {
    let (text, look) = match line.circuit {
        Circuit::Closed => (page.t("Bình thường", "Well").to_owned(), "good"),
        Circuit::Open(until) => {
            (format!("{} {}", page.t("Ngắt đến", "Left in peace until"), dates::for_people(until)), "bad")
        }
        Circuit::HalfOpen => (page.t("Đang thử lại từng gói", "Tried with single packets").to_owned(), "waiting"),
    };
    Tag { text, look }
}

/// Draws it.
///
/// # Errors
/// `NotFound` for an unknown one, or whoever does not look after the hub; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, name: &str) -> Result<HttpResponse, Problem> {
    let health = recipients::health(page.hub, person, name).await?;
    drawn(&RecipientPage { page, health })
}

/// Does what a form of it asks.
///
/// # Errors
/// `NotFound`; `Malformed` for an unknown step or without a reason; `Refused`; `Store`.
pub(super) async fn direct(
    page: &Page<'_>,
    person: &Person,
    name: &str,
    fields: &Fields,
) -> Result<HttpResponse, Problem> {
    let push = || fields.get("push").to_owned();
    let order = match fields.get("step") {
        "pause" => Some(Order::Pause),
        "resume" => Some(Order::Resume),
        "now" => Some(Order::Push(push(), Direction::Now)),
        "hold" => Some(Order::Push(push(), Direction::Hold)),
        "release" => Some(Order::Push(push(), Direction::Release)),
        _ => None,
    };
    let order = order
        .ok_or_else(|| ExchangeError::Malformed(Wording::new("Không có thao tác này", "There is no such step")))?;
    recipients::direct(page.hub, person, name, (order, fields.get("reason"))).await?;
    Ok(see_other(&format!("/portal/recipients/{}", escaped(name))))
}
