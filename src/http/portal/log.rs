//! The transfer log (nhật ký liên thông): what came to an agency, and what it sent.

use super::super::problem::Problem;
use super::fields::Fields;
use super::words::{self, Tag};
use super::{Page, drawn};
use crate::domain::dates;
use crate::domain::delivery::DeliveryState;
use crate::exchange::sessions::Person;
use crate::exchange::transfers::{self, Arrived, Counts, DocumentLine, LogPage, LogQuery};
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};

/// A filter by state: its word in the query, what people read, and the states.
struct StateFilter {
    word: &'static str,
    vi: &'static str,
    en: &'static str,
    states: &'static [DeliveryState],
    count: fn(&Counts) -> usize,
}

const FILTERS: &[StateFilter] = &[
    StateFilter {
        word: "waiting",
        vi: "Chờ nhận",
        en: "Waiting",
        states: &[DeliveryState::Pending, DeliveryState::Consigned],
        count: |counts| counts.waiting,
    },
    StateFilter {
        word: "received",
        vi: "Đã nhận",
        en: "Received",
        states: &[DeliveryState::HandedOver],
        count: |counts| counts.handed_over,
    },
    StateFilter {
        word: "failed",
        vi: "Không chuyển được",
        en: "Could not be delivered",
        states: &[DeliveryState::Failed],
        count: |counts| counts.failed,
    },
    StateFilter {
        word: "withdrawn",
        vi: "Đã rút lại",
        en: "Withdrawn",
        states: &[DeliveryState::Withdrawn],
        count: |counts| counts.withdrawn,
    },
];

/// A choice among filters: where it leads, what it says, whether it is chosen.
struct Choice {
    query: String,
    text: String,
    count: Option<String>,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "log.html")]
struct LogPageView<'a> {
    page: &'a Page<'a>,
    fields: &'a Fields,
    agencies: Vec<(String, String)>,
    agency: String,
    is_sent: bool,
    from: String,
    until: String,
    choices: Vec<Choice>,
    arrived: Vec<Arrived>,
    sent: Vec<DocumentLine>,
    next: Option<String>,
    needs_agency: bool,
}

impl LogPageView<'_> {
    fn urgency(&self, urgency: &crate::domain::envelope::Urgency) -> Option<Tag> {
        words::urgency(*urgency, self.page.language)
    }

    fn transfer(&self, row: &Arrived) -> Tag {
        words::transfer(&row.line, self.page.language)
    }

    fn status(&self, row: &Arrived) -> Option<Tag> {
        row.status_code.as_deref().map(|code| words::status(code, self.page.language))
    }

    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn tally(&self, row: &DocumentLine) -> Tag {
        tally(row, self.page)
    }

    fn rows(&self) -> usize {
        self.arrived.len().saturating_add(self.sent.len())
    }
}

/// How far a document is with all its recipients, in one tag.
pub(super) fn tally(row: &DocumentLine, page: &Page<'_>) -> Tag {
    let counted = row.tally;
    let text = match (counted.failed, counted.withdrawn == counted.all) {
        (_, true) if counted.all > 0 => page.t("Đã rút lại", "Withdrawn").to_owned(),
        (0, _) => format!("{}/{} {}", counted.handed_over, counted.all, page.t("đã nhận", "received")),
        (failed, _) => format!(
            "{}/{} {}, {failed} {}",
            counted.handed_over,
            counted.all,
            page.t("đã nhận", "received"),
            page.t("không chuyển được", "could not be delivered")
        ),
    };
    let look = match (counted.failed > 0, counted.handed_over == counted.all, counted.withdrawn == counted.all) {
        (true, ..) => "bad",
        (_, true, _) => "good",
        (.., true) => "quiet",
        _ => "waiting",
    };
    Tag { text, look }
}

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// Draws a page of the log.
///
/// # Errors
/// `NotFound` for an agency that the person does not look after; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let agencies = transfers::agencies(page.hub, person).await?;
    let named = fields.get("agency").trim().to_uppercase();
    let agency = match named.is_empty() {
        true => agencies.first().map(|(code, _)| code.clone()).unwrap_or_default(),
        false => named,
    };
    let filter = FILTERS.iter().find(|filter| filter.word == fields.get("state"));
    let query = LogQuery {
        agency: agency.clone(),
        from: day(fields.get("from")),
        until: day(fields.get("until")),
        states: filter.map(|filter| filter.states.to_vec()).unwrap_or_default(),
        urgency: fields.get("urgency").parse().ok(),
        after: fields.get("after").to_owned(),
    };
    let (from, until) = (query.from.unwrap_or_else(|| transfers::usual_day(page.hub)), query.until);
    let is_sent = fields.get("direction") == "out";
    let mut view = LogPageView {
        page,
        fields,
        agencies,
        is_sent,
        from: from.to_string(),
        until: until.map(|day| day.to_string()).unwrap_or_default(),
        choices: Vec::new(),
        arrived: Vec::new(),
        sent: Vec::new(),
        next: None,
        needs_agency: agency.is_empty(),
        agency,
    };
    if view.needs_agency {
        return drawn(&view);
    }
    let counts = match is_sent {
        true => {
            let LogPage { rows, next } = transfers::sent(page.hub, person, query).await?;
            (view.sent, view.next) = (rows, next);
            None
        }
        false => {
            let LogPage { rows, next } = transfers::arrived(page.hub, person, query).await?;
            (view.arrived, view.next) = (rows, next);
            Some(transfers::counts(page.hub, person, &view.agency).await?)
        }
    };
    view.choices = choices(page, fields, filter.map(|filter| filter.word), counts.as_ref());
    drawn(&view)
}

fn choices(page: &Page<'_>, fields: &Fields, chosen: Option<&str>, counts: Option<&Counts>) -> Vec<Choice> {
    let without = Fields::of(&fields.with("after", ""));
    let all = Choice {
        query: without.with("state", ""),
        text: page.t("Tất cả", "All").to_owned(),
        count: None,
        is_chosen: chosen.is_none(),
    };
    let each = FILTERS.iter().map(|filter| Choice {
        query: without.with("state", filter.word),
        text: page.t(filter.vi, filter.en).to_owned(),
        count: counts.map(|counts| {
            let more = if counts.is_cut { "+" } else { "" };
            format!("{}{more}", (filter.count)(counts))
        }),
        is_chosen: chosen == Some(filter.word),
    });
    std::iter::once(all).chain(each).collect()
}
