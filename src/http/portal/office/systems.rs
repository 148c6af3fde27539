//! Systems: who speaks for which agencies, with which keys, from where; and what is done to them.

use super::super::super::problem::Problem;
use super::super::desk::recipient;
use super::super::fields::{Fields, escaped};
use super::super::words::Tag;
use super::super::{Page, drawn, see_other};
use super::{after, gift_in_words, parts, standing};
use crate::domain::dates;
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::grant::Gift;
use crate::domain::rules::Wording;
use crate::domain::system::Role;
use crate::exchange::ExchangeError;
use crate::exchange::endpoints::{self, EndpointLine};
use crate::exchange::grants::{self, GrantLine};
use crate::exchange::keys::KeyLine;
use crate::exchange::office::{self, Order, SystemSummary};
use crate::exchange::sessions::Person;
use crate::exchange::systems::{NewSystem, SystemLine};
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};

/// Longest text that is looked for, in characters.
const TEXT_CHARS_MAX: usize = 200;

#[derive(Template)]
#[template(path = "office/systems.html")]
struct ListPage<'a> {
    page: &'a Page<'a>,
    fields: &'a Fields,
    text: String,
    lines: Vec<SystemSummary>,
    next: Option<String>,
    administers: bool,
}

#[derive(Template)]
#[template(path = "office/system.html")]
struct SystemPage<'a> {
    page: &'a Page<'a>,
    system: SystemLine,
    /// Code and name of each.
    agencies: Vec<(String, String)>,
    endpoint: Option<EndpointLine>,
    open: Vec<GrantLine>,
    administers: bool,
}

/// What people call a role.
pub(super) fn role(role: Role, page: &Page<'_>) -> &'static str {
    match role {
        Role::Exchange => page.t("Trao đổi văn bản", "Exchange"),
        Role::Administration => page.t("Quản trị", "Administration"),
        Role::Hub => page.t("Trục lân cận", "Neighbouring hub"),
    }
}

impl ListPage<'_> {
    fn role(&self, line: &SystemSummary) -> &'static str {
        role(line.role, self.page)
    }

    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn state(&self, line: &SystemSummary) -> Tag {
        let page = self.page;
        let (text, look) = match (line.suspended_at, line.live_keys) {
            (Some(_), _) => (page.t("Tạm khóa", "Suspended"), "waiting"),
            (None, 0) => (page.t("Chưa có khóa", "No live key"), "quiet"),
            (None, _) => (page.t("Hoạt động", "Works"), "good"),
        };
        Tag { text: text.to_owned(), look }
    }
}

impl SystemPage<'_> {
    fn role(&self) -> &'static str {
        role(self.system.role, self.page)
    }

    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn is_live(&self, key: &KeyLine) -> bool {
        key.is_live(self.page.now)
    }

    fn live_keys(&self) -> usize {
        self.system.keys.iter().filter(|key| self.is_live(key)).count()
    }

    fn live_max(&self) -> usize {
        self.page.hub.config.keys.live_max
    }

    fn life_days(&self) -> u64 {
        self.page.hub.config.keys.life_days
    }

    fn key_state(&self, key: &KeyLine) -> Tag {
        let page = self.page;
        let (text, look) = match (key.revoked_at, self.is_live(key)) {
            (Some(at), _) => (format!("{} {}", page.t("Đã hủy", "Revoked"), dates::for_people(at)), "quiet"),
            (None, true) => (page.t("Còn dùng được", "Live").to_owned(), "good"),
            (None, false) => (page.t("Hết hạn", "Ended").to_owned(), "quiet"),
        };
        Tag { text, look }
    }

    fn state(&self, line: &EndpointLine) -> Tag {
        recipient::state(line, self.page)
    }

    fn circuit(&self, line: &EndpointLine) -> Tag {
        recipient::circuit(line, self.page)
    }

    fn gift(&self, line: &GrantLine) -> String {
        gift_in_words(&line.gift, self.page)
    }

    fn standing(&self, line: &GrantLine) -> Tag {
        standing(line, self.page)
    }
}

/// Draws those that were looked for.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; `Store`.
pub(super) async fn list(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let text: String = fields.get("name").chars().take(TEXT_CHARS_MAX).collect();
    let (lines, next) = office::list(page.hub, person, (&text, fields.get("after"))).await?;
    drawn(&ListPage { page, fields, text, lines, next, administers: person.role.makes_users() })
}

/// Draws one.
///
/// # Errors
/// `NotFound`; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, id: &str) -> Result<HttpResponse, Problem> {
    let (system, agencies) = office::system(page.hub, person, id).await?;
    let kind = match system.role {
        Role::Hub => EndpointKind::Relay,
        Role::Exchange | Role::Administration => EndpointKind::Events,
    };
    let name = EndpointId { kind, holder: system.system_id.clone() }.to_string();
    let endpoint = match endpoints::one(page.hub, &name).await {
        Ok(line) => Some(line),
        Err(ExchangeError::NotFound) => None,
        Err(error) => return Err(error.into()),
    };
    let administers = person.role.makes_users();
    let open = if administers { grants::open_of(page.hub, person, id).await? } else { Vec::new() };
    drawn(&SystemPage { page, system, agencies, endpoint, open, administers })
}

/// Makes one.
///
/// # Errors
/// `Malformed` for an unknown role; those of `office::register`.
pub(super) async fn register(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let text = |name: &str| fields.get(name).trim().to_owned();
    let role = Role::of_word(fields.get("role"))
        .ok_or_else(|| ExchangeError::Malformed(Wording::new("Không có vai trò này", "There is no such role")))?;
    let new = NewSystem { system_id: text("system"), name: text("name"), role: Some(role), agencies: Vec::new() };
    let line = office::register(page.hub, person, new).await?;
    Ok(see_other(&format!("/portal/systems/{}", escaped(&line.system_id))))
}

/// Does what a form of it asks.
///
/// # Errors
/// `Malformed` for an unknown step or days that are no number; those of `office::direct` and `grants::ask`.
pub(super) async fn direct(
    page: &Page<'_>,
    person: &Person,
    (id, fields): (&str, &Fields),
) -> Result<HttpResponse, Problem> {
    let place = format!("/portal/systems/{}", escaped(id));
    let text = |name: &str| fields.get(name).trim().to_owned();
    let system = id.to_owned();
    let gift = match fields.get("step") {
        "key" => Some(Gift::Key { system, life_days: life(fields.get("life_days"))? }),
        "hold" => Some(Gift::Agency { system, agency: text("agency") }),
        "addresses" => Some(Gift::Addresses { system, addresses: parts(fields.get("addresses")), before: Vec::new() }),
        _ => None,
    };
    if let Some(gift) = gift {
        return Ok(after(grants::ask(page.hub, person, gift, fields.get("reason")).await?, &place));
    }
    let order = match fields.get("step") {
        "rename" => Some(Order::Rename(text("name"))),
        "suspend" => Some(Order::Suspend),
        "resume" => Some(Order::Resume),
        "release" => Some(Order::Release(text("agency"))),
        "revoke" => Some(Order::Revoke(text("key"))),
        _ => None,
    };
    let order = order
        .ok_or_else(|| ExchangeError::Malformed(Wording::new("Không có thao tác này", "There is no such step")))?;
    office::direct(page.hub, person, id, order).await?;
    Ok(see_other(&place))
}

/// The life of a key as a form says it; nothing where it says nothing.
fn life(text: &str) -> Result<Option<u64>, ExchangeError> {
    let unreadable =
        || ExchangeError::Malformed(Wording::new("Số ngày phải là số nguyên", "The days must be a whole number"));
    match text.trim() {
        "" => Ok(None),
        days => days.parse().map(Some).map_err(|_| unreadable()),
    }
}
