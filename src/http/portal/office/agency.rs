//! Changes of the directory by an administrator: a form, what it would change and what that means, and only then the change. A
//! merge names who takes over and from which day on.

use super::super::super::problem::Problem;
use super::super::fields::{Fields, escaped};
use super::super::words::{self, Tag};
use super::super::{Page, agencies, drawn, see_other};
use super::{after, parts};
use crate::domain::agency::{AgencyState, Standing};
use crate::domain::dates::{self, VIETNAM};
use crate::domain::directory::{ChangeKind, Column, Entry, Fault, Listing};
use crate::domain::grant::Gift;
use crate::domain::rules::Wording;
use crate::exchange::ExchangeError;
use crate::exchange::directory::{self, AgencyLine};
use crate::exchange::keys::KeyLine;
use crate::exchange::office::{self, Outlook};
use crate::exchange::sessions::Person;
use crate::exchange::{grants, systems::SystemLine};
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};

/// What a form says of an agency beside its code and its aliases.
const TEXTS: [Column; 8] = [
    Column::Name,
    Column::Parent,
    Column::Mail,
    Column::Mobile,
    Column::Fax,
    Column::State,
    Column::ValidFrom,
    Column::ValidUntil,
];

#[derive(Template)]
#[template(path = "office/agency.html")]
struct FormPage<'a> {
    page: &'a Page<'a>,
    fields: &'a Fields,
    faults: Vec<Wording>,
}

#[derive(Template)]
#[template(path = "office/close.html")]
struct ClosePage<'a> {
    page: &'a Page<'a>,
    fields: &'a Fields,
    faults: Vec<Wording>,
}

#[derive(Template)]
#[template(path = "office/outlook.html")]
struct OutlookPage<'a> {
    page: &'a Page<'a>,
    fields: &'a Fields,
    outlook: Outlook,
}

impl FormPage<'_> {
    fn is_new(&self) -> bool {
        self.fields.get("seen") == "0"
    }

    /// States to choose from: the word, its name, and whether it is the one.
    fn states(&self) -> Vec<(&'static str, &'static str, bool)> {
        let states = [AgencyState::Open, AgencyState::Suspended, AgencyState::Closed];
        // An agency is closed by its own form, where who takes over is asked.
        let own = self.fields.get("state");
        let shown = states.into_iter().map(|state| (state.word(), state_name(state, self.page), state.word() == own));
        shown.filter(|(word, _, is_own)| *is_own || *word != AgencyState::Closed.word()).collect()
    }
}

impl OutlookPage<'_> {
    fn code(&self) -> &str {
        self.fields.get("code")
    }

    fn day(&self, day: &NaiveDate) -> String {
        day.format("%d/%m/%Y").to_string()
    }

    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn standing(&self, line: &AgencyLine) -> Tag {
        agencies::standing(line.standing, self.page)
    }

    fn live(&self, system: &SystemLine) -> usize {
        let is_live = |key: &&KeyLine| key.is_live(self.page.now);
        system.keys.iter().filter(is_live).count()
    }

    fn column(&self, column: &Column) -> &'static str {
        let page = self.page;
        match column {
            Column::Code => page.t("Mã định danh", "Code"),
            Column::Name => page.t("Tên", "Name"),
            Column::Parent => page.t("Đơn vị cấp trên", "Agency above"),
            Column::State => page.t("Trạng thái", "State"),
            Column::Successor => page.t("Đơn vị kế thừa", "Successor"),
            Column::Aliases => page.t("Mã khác, mã cũ", "Other and former codes"),
            Column::Mail => page.t("Thư điện tử", "Mail"),
            Column::Mobile => page.t("Điện thoại", "Telephone"),
            Column::Fax => page.t("Fax", "Fax"),
            Column::ValidFrom => page.t("Hiệu lực từ ngày", "First day"),
            Column::ValidUntil => page.t("Đến hết ngày", "Last day"),
        }
    }

    /// What a column says, as people read it.
    fn value(&self, column: &Column, text: &str) -> String {
        match column {
            Column::ValidFrom | Column::ValidUntil => words::day(text),
            Column::State => {
                AgencyState::of_word(text).map(|state| state_name(state, self.page).to_owned()).unwrap_or_default()
            }
            Column::Code | Column::Name | Column::Parent | Column::Successor => text.to_owned(),
            Column::Aliases | Column::Mail | Column::Mobile | Column::Fax => text.to_owned(),
        }
    }

    /// The day from which on the agency takes no part any more, where the change says so.
    fn ends_on(&self) -> Option<NaiveDate> {
        let after = &self.outlook.change.as_ref()?.after.agency;
        after.validity.until.and_then(|last| last.succ_opt()).filter(|day| *day > self.today())
    }

    /// Codes that lead to the agency no more, and for how many days each is kept for it.
    fn given_up(&self) -> Option<(String, u64)> {
        let days = self.page.hub.config.directory.freed_code_days;
        let change = self.outlook.change.as_ref().filter(|_| days > 0)?;
        let before = change.before.as_ref().map_or(&[][..], |before| &before.aliases);
        let left = before.iter().filter(|alias| !change.after.aliases.contains(alias));
        let codes = left.map(String::as_str).collect::<Vec<_>>().join(", ");
        (!codes.is_empty()).then_some((codes, days))
    }

    fn today(&self) -> NaiveDate {
        today(self.page)
    }

    /// Whether it takes no part any more as soon as this is carried out.
    fn ends_now(&self) -> bool {
        let after = self.outlook.change.as_ref().map(|change| change.after.agency.standing(self.page.now));
        after.is_some_and(Standing::is_over)
    }

    fn is_new(&self) -> bool {
        self.outlook.change.as_ref().is_some_and(|change| change.kind() == ChangeKind::Added)
    }
}

/// What people call a state.
fn state_name(state: AgencyState, page: &Page<'_>) -> &'static str {
    match state {
        AgencyState::Open => page.t("Đang tham gia", "Takes part"),
        AgencyState::Suspended => page.t("Tạm khóa", "Suspended"),
        AgencyState::Closed => page.t("Đã đóng", "Closed"),
    }
}

fn today(page: &Page<'_>) -> NaiveDate {
    page.now.with_timezone(&VIETNAM).date_naive()
}

/// Draws a form for a new agency.
///
/// # Errors
/// Those of drawing.
pub(super) fn new(page: &Page<'_>) -> Result<HttpResponse, Problem> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fields = Fields::from_pairs(vec![pair("seen", "0"), pair("state", AgencyState::Open.word())]);
    drawn(&FormPage { page, fields: &fields, faults: Vec::new() })
}

/// What is known of an agency, as its form has it.
async fn known(page: &Page<'_>, code: &str) -> Result<Fields, Problem> {
    let listing: Listing = directory::agency(page.hub, code).await?.listing();
    let mut pairs: Vec<(String, String)> =
        Column::ALL.into_iter().map(|column| (column.name().to_owned(), listing.text(column))).collect();
    pairs.push(("seen".to_owned(), listing.agency.version.to_string()));
    Ok(Fields::from_pairs(pairs))
}

/// Draws a form to change an agency.
///
/// # Errors
/// `NotFound`; `Store`.
pub(super) async fn change(page: &Page<'_>, code: &str) -> Result<HttpResponse, Problem> {
    let fields = known(page, code).await?;
    drawn(&FormPage { page, fields: &fields, faults: Vec::new() })
}

/// Draws a form to close or merge an agency.
///
/// # Errors
/// `NotFound`; `Store`.
pub(super) async fn close(page: &Page<'_>, code: &str) -> Result<HttpResponse, Problem> {
    let fields = known(page, code).await?;
    drawn(&ClosePage { page, fields: &fields, faults: Vec::new() })
}

/// What a form says of an agency.
fn entry(page: &Page<'_>, fields: &Fields) -> Result<Entry, ExchangeError> {
    let entry = Entry::about(fields.get("code").trim());
    if fields.get("form") != "close" {
        let entry = TEXTS.into_iter().fold(entry, |entry, column| entry.with(column, fields.get(column.name())));
        return Ok(Entry { aliases: Some(parts(fields.get(Column::Aliases.name()))), ..entry });
    }
    let unreadable = || {
        ExchangeError::Malformed(Wording::new(
            "Hãy ghi ngày có hiệu lực, ví dụ 2027-01-01",
            "Give the day from which on it holds, like 2027-01-01",
        ))
    };
    let day = dates::date(fields.get("day")).ok_or_else(unreadable)?;
    let last = day.pred_opt().ok_or_else(unreadable)?;
    let entry = entry.with(Column::Successor, fields.get("successor"));
    // A day to come ends it by itself; until then nothing changes. What is closed needs no last day.
    Ok(match day <= today(page) {
        true => entry.with(Column::State, AgencyState::Closed.word()),
        false => entry.with(Column::ValidUntil, last.to_string()),
    })
}

/// What is wrong with a form, where that is what was answered.
fn faults(why: ExchangeError) -> Result<Vec<Wording>, ExchangeError> {
    if let ExchangeError::Faulty(faults) = why {
        let both = |[cause, remedy]: [&str; 2]| format!("{cause} {remedy}");
        let told = |fault: &Fault| {
            Wording::new(both([&fault.cause.vi, &fault.remedy.vi]), both([&fault.cause.en, &fault.remedy.en]))
        };
        return Ok(faults.iter().map(told).collect());
    }
    if let ExchangeError::Malformed(why) | ExchangeError::Exists(why) = why {
        return Ok(vec![why]);
    }
    Err(why)
}

/// Shows what a form would change, or carries it out; a form with faults is shown again as it was typed.
///
/// # Errors
/// `NotFound` for whoever is no administrator; `Store`.
pub(super) async fn put(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let why = match entry(page, fields) {
        Ok(entry) if fields.get("step") == "confirm" => {
            let seen = fields.get("seen").parse().unwrap_or(-1);
            match office::put_agency(page.hub, person, entry, seen).await {
                Ok(line) => return Ok(see_other(&format!("/portal/agencies/{}", escaped(line.agency.code.as_str())))),
                Err(why) => why,
            }
        }
        Ok(entry) => match office::outlook(page.hub, person, entry).await {
            Ok(outlook) => return drawn(&OutlookPage { page, fields, outlook }),
            Err(why) => why,
        },
        Err(why) => why,
    };
    let faults = faults(why)?;
    match fields.get("form") {
        "close" => drawn(&ClosePage { page, fields, faults }),
        _ => drawn(&FormPage { page, fields, faults }),
    }
}

/// Proposes where an agency is pushed to, or has it pick up from now on.
///
/// # Errors
/// Those of `office::remove_endpoint` and `grants::ask`.
pub(super) async fn endpoint(
    page: &Page<'_>,
    person: &Person,
    (code, fields): (&str, &Fields),
) -> Result<HttpResponse, Problem> {
    let place = format!("/portal/agencies/{}", escaped(code));
    if fields.get("step") == "remove" {
        office::remove_endpoint(page.hub, person, code).await?;
        return Ok(see_other(&place));
    }
    let gift = Gift::Endpoint {
        agency: code.to_owned(),
        url: fields.get("url").trim().to_owned(),
        confirms_itself: fields.get("confirms_itself") == "1",
        ed25519: fields.get("ed25519") == "1",
    };
    Ok(after(grants::ask(page.hub, person, gift, fields.get("reason")).await?, &place))
}
