//! The accounts, to be reviewed each quarter by an administrator: who may do what, since when nobody uses it.

use super::super::problem::Problem;
use super::{Page, drawn};
use crate::domain::dates;
use crate::domain::rules::Wording;
use crate::exchange::ExchangeError;
use crate::exchange::sessions::Person;
use crate::exchange::users::{self, UserLine};
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage<'a> {
    page: &'a Page<'a>,
    lines: Vec<UserLine>,
    without_second_factor: usize,
}

impl AccountsPage<'_> {
    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn role(&self, line: &UserLine) -> String {
        let name = line.role.name();
        self.page.say(&name).to_owned()
    }

    fn unused_days(&self, line: &UserLine) -> i64 {
        line.unused_days(self.page.now)
    }
}

/// Draws the accounts.
///
/// # Errors
/// `NotAllowed` unless the person is an administrator; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person) -> Result<HttpResponse, Problem> {
    if !person.role.makes_users() {
        return Err(Problem::Exchange(ExchangeError::NotAllowed(Wording::new(
            "Chỉ quản trị viên xem được danh sách tài khoản",
            "Only administrators see the accounts",
        ))));
    }
    let lines = users::list(page.hub).await?;
    let without_second_factor = lines.iter().filter(|line| !line.has_second_factor).count();
    drawn(&AccountsPage { page, lines, without_second_factor })
}
