//! What is stuck (kẹt và lỗi): what has failed, by cause and recipient, and what waits.

use super::super::super::problem::Problem;
use super::super::words::Tag;
use super::super::{Page, drawn};
use super::{grouped, span};
use crate::domain::dates;
use crate::exchange::sessions::Person;
use crate::exchange::stuck::{self, Group, Queued, Stuck, Trouble};
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};

#[derive(Template)]
#[template(path = "desk/stuck.html")]
struct StuckPage<'a> {
    page: &'a Page<'a>,
    stuck: Stuck,
}

impl StuckPage<'_> {
    fn cause(&self, group: &Group) -> String {
        self.page.say(&group.cause.name()).to_owned()
    }

    fn remedy(&self, group: &Group) -> String {
        self.page.say(&group.cause.remedy()).to_owned()
    }

    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn age(&self, at: &DateTime<Utc>) -> String {
        span(self.page.now.signed_duration_since(*at), self.page.language)
    }

    fn number(&self, number: &i64) -> String {
        grouped(*number, self.page.language)
    }

    fn failed(&self) -> String {
        failed(&self.stuck, self.page)
    }

    fn trouble(&self, queue: &Queued) -> Option<Tag> {
        trouble(queue, self.page)
    }
}

/// How much has failed and is not mended.
pub(super) fn failed(stuck: &Stuck, page: &Page<'_>) -> String {
    let all = stuck.groups.iter().fold(0_i64, |sum, group| sum.saturating_add(group.number));
    grouped(all, page.language)
}

/// What keeps packets from leaving, in words.
pub(super) fn trouble(queue: &Queued, page: &Page<'_>) -> Option<Tag> {
    let (text, look) = match &queue.trouble {
        Trouble::None => return None,
        Trouble::Late => (page.t("Chờ quá lâu", "Waits too long").to_owned(), "bad"),
        Trouble::Paused(why) => (format!("{}: {why}", page.t("Tạm dừng", "Paused")), "waiting"),
        Trouble::Gone => (page.t("Địa chỉ nhận báo đã ngừng", "The endpoint is gone").to_owned(), "bad"),
        Trouble::Resting(until) => {
            (format!("{} {}", page.t("Ngắt mạch đến", "Left in peace until"), dates::for_people(*until)), "bad")
        }
        Trouble::Probed => (page.t("Đang thử lại từng gói", "Tried with single packets").to_owned(), "waiting"),
    };
    Some(Tag { text, look })
}

/// Draws it.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person) -> Result<HttpResponse, Problem> {
    let stuck = stuck::stuck(page.hub, person).await?;
    drawn(&StuckPage { page, stuck })
}
