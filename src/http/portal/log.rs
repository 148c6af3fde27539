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
use chrono::{DateTime, Datelike, NaiveDate, Utc};

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
    // Nobody waits for those from whom it was taken back.
    let all = counted.all.saturating_sub(counted.withdrawn);
    let text = match (counted.failed, all) {
        (_, 0) if counted.all > 0 => page.t("Đã rút lại", "Withdrawn").to_owned(),
        (0, _) => format!("{}/{all} {}", counted.handed_over, page.t("đã nhận", "received")),
        (failed, _) => format!(
            "{}/{all} {}, {failed} {}",
            counted.handed_over,
            page.t("đã nhận", "received"),
            page.t("không chuyển được", "could not be delivered")
        ),
    };
    let look = match (counted.failed, all) {
        (1.., _) => "bad",
        (_, 0) => "quiet",
        (_, all) if counted.handed_over == all => "good",
        _ => "waiting",
    };
    Tag { text, look }
}

/// A day that documents can be of.
fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| (2000..3000).contains(&day.year()))
}

/// Draws a page of the log.
///
/// # Errors
/// `NotFound` for an agency that the person does not look after; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let agencies = transfers::agencies_of(page.hub, person).await?;
    let agency = match fields.get("agency").trim() {
        "" => agencies.first().map(|(code, _)| code.clone()).unwrap_or_default(),
        named => transfers::canonical(page.hub, named).await?,
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
    let query_is_usual = from == transfers::usual_day(page.hub);
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
            // They are of the usual days: beside another choice they would say something else than the list.
            match query_is_usual && until.is_none() && fields.get("urgency").is_empty() {
                true => Some(transfers::counts(page.hub, person, &view.agency).await?),
                false => None,
            }
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
            let count = (filter.count)(counts);
            format!("{count}{}", if counts.is_cut && count > 0 { "+" } else { "" })
        }),
        is_chosen: chosen == Some(filter.word),
    });
    std::iter::once(all).chain(each).collect()
}
