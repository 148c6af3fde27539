//! The directory: who takes part, who took over from whom, and whether an agency can receive.

use super::super::problem::Problem;
use super::desk::{self, recipient};
use super::fields::Fields;
use super::words::Tag;
use super::{Page, drawn, office};
use crate::domain::agency::Standing;
use crate::domain::dates;
use crate::exchange::directory::AgencyLine;
use crate::exchange::endpoints::EndpointLine;
use crate::exchange::grants::{self, GrantLine};
use crate::exchange::keys::KeyLine;
use crate::exchange::reach::{self, AgencyCard, Found, Reach};
use crate::exchange::recipients::{self, Health};
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// Longest text that is looked for, in characters.
const TEXT_CHARS_MAX: usize = 200;

#[derive(Template)]
#[template(path = "agencies.html")]
struct AgenciesPage<'a> {
    page: &'a Page<'a>,
    administers: bool,
    fields: &'a Fields,
    text: String,
    found: Found,
}

impl AgenciesPage<'_> {
    fn standing(&self, line: &AgencyLine) -> Tag {
        standing(line.standing, self.page)
    }

    fn follows_on(&self, line: &AgencyLine) -> Option<String> {
        line.agency.follows_on(self.page.now).map(|day| in_days(&day))
    }
}

#[derive(Template)]
#[template(path = "agency.html")]
struct AgencyPage<'a> {
    page: &'a Page<'a>,
    card: AgencyCard,
    /// How it is doing, for whoever looks after the hub.
    health: Option<Health>,
    administers: bool,
    /// What is proposed for its endpoint.
    open: Vec<GrantLine>,
}

impl AgencyPage<'_> {
    fn standing(&self, line: &AgencyLine) -> Tag {
        standing(line.standing, self.page)
    }

    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn day(&self, day: &NaiveDate) -> String {
        in_days(day)
    }

    fn follows_on(&self) -> Option<String> {
        self.card.line.agency.follows_on(self.page.now).map(|day| in_days(&day))
    }

    fn is_live(&self, key: &KeyLine) -> bool {
        key.is_live(self.page.now)
    }

    fn span(&self, time: &TimeDelta) -> String {
        desk::span(*time, self.page.language)
    }

    fn number(&self, number: &i64) -> String {
        desk::grouped(*number, self.page.language)
    }

    fn state(&self, line: &EndpointLine) -> Tag {
        recipient::state(line, self.page)
    }

    fn circuit(&self, line: &EndpointLine) -> Tag {
        recipient::circuit(line, self.page)
    }

    fn gift(&self, line: &GrantLine) -> String {
        office::gift_in_words(&line.gift, self.page)
    }

    fn grant_state(&self, line: &GrantLine) -> Tag {
        office::standing(line, self.page)
    }

    /// Whether it can receive, in a sentence.
    fn reach(&self) -> (String, &'static str) {
        let page = self.page;
        let said = |vi: &str, en: &str| page.t(vi, en).to_owned();
        match self.card.reach {
            Reach::Yes => (
                said(
                    "Nhận được: phần mềm của đơn vị đang kết nối với Trục.",
                    "Yes: its software is connected to the hub.",
                ),
                "good",
            ),
            Reach::Beyond => (
                said(
                    "Nhận qua trục lân cận; trục đó chuyển tiếp và báo kết quả.",
                    "By a neighbouring hub, which passes packets on and tells how they end.",
                ),
                "good",
            ),
            Reach::Waits => (
                said(
                    "Chưa có phần mềm nào của đơn vị kết nối: văn bản gửi đến sẽ nằm chờ ở Trục đến hết thời hạn.",
                    "No software of it is connected: what is sent waits at the hub until its term is over.",
                ),
                "waiting",
            ),
            Reach::Paused => (
                said(
                    "Trục đang tạm ngừng chuyển đến đơn vị: văn bản gửi đến được giữ lại và chuyển sau.",
                    "The hub brings nothing to it for now: what is sent is kept and brought later.",
                ),
                "waiting",
            ),
            Reach::Suspended => {
                (said("Không nhận được: đơn vị đang bị tạm khóa.", "No: the agency is suspended for now."), "bad")
            }
            Reach::NotYet(day) => (
                format!(
                    "{} {}.",
                    page.t("Chưa nhận được: đơn vị có hiệu lực từ", "Not yet: the agency begins on"),
                    self.day(&day)
                ),
                "bad",
            ),
            Reach::Over => match self.card.successors.last().filter(|successor| successor.standing == Standing::Open) {
                Some(successor) => (
                    format!(
                        "{} {} ({}).",
                        page.t(
                            "Không nhận được: đơn vị đã giải thể hoặc sáp nhập. Hãy gửi cho đơn vị kế thừa",
                            "No: the agency exists no more. Send to its successor"
                        ),
                        successor.agency.name,
                        successor.agency.code.as_str()
                    ),
                    "bad",
                ),
                None => (said("Không nhận được: đơn vị không còn hoạt động.", "No: the agency exists no more."), "bad"),
            },
        }
    }
}

/// A day as people read it.
fn in_days(day: &NaiveDate) -> String {
    day.format("%d/%m/%Y").to_string()
}

pub(super) fn standing(standing: Standing, page: &Page<'_>) -> Tag {
    let (vi, en, look) = match standing {
        Standing::Open => ("Đang tham gia", "Takes part", "good"),
        Standing::Suspended => ("Tạm khóa", "Suspended", "waiting"),
        Standing::Closed => ("Đã đóng", "Closed", "bad"),
        Standing::NotYetValid(_) => ("Chưa có hiệu lực", "Not yet valid", "waiting"),
        Standing::NoLongerValid(_) => ("Hết hiệu lực", "No longer valid", "bad"),
    };
    Tag { text: page.t(vi, en).to_owned(), look }
}

/// Draws a page of the directory.
///
/// # Errors
/// `ComeAgain`; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let text: String = fields.get("name").chars().take(TEXT_CHARS_MAX).collect();
    let found = reach::search(page.hub, &text, fields.get("after")).await?;
    drawn(&AgenciesPage { page, administers: person.role.makes_users(), fields, text, found })
}

/// Draws one agency.
///
/// # Errors
/// `NotFound`; `Store`.
pub(super) async fn one(page: &Page<'_>, person: &Person, code: &str) -> Result<HttpResponse, Problem> {
    let card = reach::agency(page.hub, code).await?;
    let own = card.line.agency.code.as_str();
    let health = match person.role.is_powerful() {
        true => Some(recipients::health(page.hub, person, own).await?),
        false => None,
    };
    let administers = person.role.makes_users();
    let open = if administers { grants::open_of(page.hub, person, own).await? } else { Vec::new() };
    drawn(&AgencyPage { page, health, administers, open, card })
}
