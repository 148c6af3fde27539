//! The transfer log (nhật ký liên thông): what came to an agency, what it sent, or both. Its tables are beside its template, one
//! for each way.

use super::super::problem::{self, Problem};
use super::fields::Fields;
use super::words::{self, Language, Tag};
use super::{Page, drawn, see_other};
use crate::domain::dates;
use crate::domain::delivery::DeliveryState;
use crate::domain::status::{Direction, STATUSES};
use crate::exchange::access::{self, Access};
use crate::exchange::sessions::Person;
use crate::exchange::transfers::{self, ALL, Arrived, Counts, DocumentLine, LogPage, LogQuery, Transfer, Way};
use crate::exchange::views;
use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use askama::Template;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::Serialize;

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

/// What the address of a log asks for.
pub(super) struct Asked {
    pub(super) query: LogQuery,
    /// The agencies to choose from, with their names.
    agencies: Vec<(String, String)>,
    /// What was chosen of them.
    agency: String,
    from: NaiveDate,
    filter: Option<&'static StateFilter>,
    /// Whether it is the log of the usual days, without a filter that counts by state do not have.
    is_usual: bool,
}

/// Which way the documents of a log went, by the word in its address.
fn way(word: &str) -> Way {
    match word {
        "out" => Way::Out,
        "all" => Way::Both,
        _ => Way::In,
    }
}

/// What a log of documents that went this way is called, and its word in the address.
pub(super) fn way_words(way: Way, page: &Page<'_>) -> (&'static str, &'static str) {
    match way {
        Way::In => (page.t("Văn bản đến", "Incoming documents"), "in"),
        Way::Out => (page.t("Văn bản đi", "Outgoing documents"), "out"),
        Way::Both => (page.t("Văn bản đến và đi", "Incoming and outgoing documents"), "all"),
    }
}

/// Reads the address of a log.
///
/// # Errors
/// `Store`.
pub(super) async fn asked(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<Asked, Problem> {
    let named = fields.get("agency").trim();
    let (agencies, codes) =
        tokio::try_join!(transfers::agencies_of(page.hub, person), transfers::chosen(page.hub, person, named))?;
    let agency = match named {
        ALL => ALL.to_owned(),
        _ => codes.first().cloned().unwrap_or_default(),
    };
    let filter = FILTERS.iter().find(|filter| filter.word == fields.get("state"));
    let text = |name: &str| fields.get(name).trim().to_owned();
    let query = LogQuery {
        way: way(fields.get("direction")),
        agencies: codes,
        from: day(fields.get("from")),
        until: day(fields.get("until")),
        states: filter.map(|filter| filter.states.to_vec()).unwrap_or_default(),
        urgency: fields.get("urgency").parse().ok(),
        type_name: text("type"),
        business: text("business"),
        status: text("status"),
        overdue: fields.get("overdue") == "1",
        after: fields.get("after").to_owned(),
        rows: 0,
    };
    let usual = transfers::usual_day(page.hub, person);
    let from = query.from.unwrap_or(usual);
    let is_filtered = query.urgency.is_some() || query.is_overdue() || query.until.is_some();
    let has_words = [&query.type_name, &query.business, &query.status].iter().any(|word| !word.is_empty());
    let is_usual = from == usual && !is_filtered && !has_words && person.warrant.is_none();
    Ok(Asked { agencies, agency, from, filter, is_usual, query })
}

#[derive(Template)]
#[template(path = "log.html")]
struct LogPageView<'a> {
    page: &'a Page<'a>,
    fields: &'a Fields,
    agencies: Vec<(String, String)>,
    agency: String,
    way: Way,
    from: String,
    until: String,
    ways: Vec<Choice>,
    choices: Vec<Choice>,
    rows: Vec<Transfer>,
    next: Option<String>,
    /// Where to ask whether there is something new; nothing on a further page, nor of what is overdue: nothing new is.
    news: Option<String>,
    needs_agency: bool,
    /// Views that the person keeps: the name, and the query.
    views: Vec<(String, String)>,
}

impl LogPageView<'_> {
    fn title(&self) -> &'static str {
        way_words(self.way, self.page).0
    }

    /// The word of this way in an address.
    fn direction(&self) -> &'static str {
        way_words(self.way, self.page).1
    }

    fn is_in(&self) -> bool {
        self.way == Way::In
    }

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
        tally(row, self.page.language)
    }

    /// Whether rows are of several agencies, so that each says of which.
    fn is_of_several(&self) -> bool {
        self.agency == ALL
    }

    fn statuses(&self) -> Vec<(&'static str, String)> {
        let known = STATUSES.iter().filter(|status| status.direction == Direction::RecipientToSender);
        known.map(|status| (status.code, words::status(status.code, self.page.language).text)).collect()
    }

    fn businesses(&self) -> [(&'static str, &'static str); 4] {
        words::BUSINESSES.map(|word| (word, words::business(word, self.page.language)))
    }

    fn business(&self, word: &str) -> &'static str {
        match word {
            "new" => "",
            other => words::business(other, self.page.language),
        }
    }

    /// What is shown, in words for paper.
    fn range(&self) -> String {
        let agency = self.agencies.iter().find(|(code, _)| *code == self.agency);
        let agency = match agency {
            Some((code, name)) => format!("{name} ({code})"),
            None if self.is_of_several() => self.page.t("Tất cả đơn vị", "All agencies").to_owned(),
            None => self.agency.clone(),
        };
        let until = if self.until.is_empty() {
            self.page.now.with_timezone(&dates::VIETNAM).date_naive().to_string()
        } else {
            self.until.clone()
        };
        let (from, until) = (words::day(&self.from), words::day(&until));
        format!("{agency}. {} {from} {} {until}.", self.page.t("Từ ngày", "From"), self.page.t("đến ngày", "until"))
    }

    /// How many filters are set, beside the agency: a telephone shows them only when asked to.
    fn filters_set(&self) -> usize {
        let every = ["from", "until", "urgency", "type", "business"];
        let of_arrived = ["status", "overdue"].into_iter().filter(|_| self.is_in());
        every.into_iter().chain(of_arrived).filter(|name| !self.fields.get(name).trim().is_empty()).count()
    }
}

/// How far a document is with all its recipients, in one tag.
pub(super) fn tally(row: &DocumentLine, l: Language) -> Tag {
    let counted = row.tally;
    // Nobody waits for those from whom it was taken back.
    let all = counted.all.saturating_sub(counted.withdrawn);
    let text = match (counted.failed, all) {
        (_, 0) if counted.all > 0 => l.pick("Đã rút lại", "Withdrawn").to_owned(),
        (0, _) => format!("{}/{all} {}", counted.handed_over, l.pick("đã nhận", "received")),
        (failed, _) => format!(
            "{}/{all} {}, {failed} {}",
            counted.handed_over,
            l.pick("đã nhận", "received"),
            l.pick("không chuyển được", "could not be delivered")
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
    let Asked { query, agencies, agency, from, filter, is_usual } = asked(page, person, fields).await?;
    let mut view = LogPageView {
        page,
        fields,
        agencies,
        way: query.way,
        from: from.to_string(),
        until: query.until.map(|day| day.to_string()).unwrap_or_default(),
        ways: ways(page, fields, query.way),
        choices: Vec::new(),
        rows: Vec::new(),
        next: None,
        news: None,
        needs_agency: query.agencies.is_empty(),
        views: Vec::new(),
        agency,
    };
    if view.needs_agency {
        view.views = views::of(page.hub, person).await?;
        return drawn(&view);
    }
    let (codes, is_first) = (query.agencies.clone(), query.after.is_empty() && !query.is_overdue());
    // They are of the usual days: beside another choice they would say something else than the list.
    let has_counts = is_usual && query.way == Way::In;
    let counted = async {
        match has_counts {
            true => transfers::counts(page.hub, person, &codes).await.map(Some),
            false => Ok(None),
        }
    };
    let listed = transfers::page(page.hub, person, query);
    let (views, LogPage { rows, first, next }, counts) =
        tokio::try_join!(views::of(page.hub, person), listed, counted)?;
    (view.views, view.rows) = (views, rows);
    let since = first.unwrap_or_else(|| transfers::newest_place(page.hub));
    view.news = is_first.then(|| format!("/portal/log/news?{}", fields.with("since", &since)));
    view.next = next;
    if access::is_watched(person) {
        let access = Access { act: "log", agencies: codes.clone(), asks: fields.told(), ..Access::default() };
        access::looked(page.hub, person, access).await?;
    }
    view.choices = choices(page, fields, filter.map(|filter| filter.word), counts.as_ref());
    drawn(&view)
}

/// Keeps the filters of a page under a name, or forgets them, and leads back.
///
/// # Errors
/// `Malformed` for a name that cannot be kept; `Store`.
pub(super) async fn views(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    // Only what a log understands is kept, and no place in it.
    let asks = Fields::of(&Fields::of(fields.get("asks")).with("after", ""));
    let asks = asks.with("form_token", "");
    match fields.get("forget") {
        "" => views::keep(page.hub, person, (fields.get("name"), &asks)).await?,
        name => views::forget(page.hub, person, name).await?,
    }
    Ok(see_other(&format!("/portal/log?{asks}")))
}

#[derive(Serialize)]
struct News {
    /// How many new documents there are.
    new: usize,
    /// What people read of them.
    text: String,
}

/// Says how many documents are new since a page was drawn.
///
/// # Errors
/// As `page`.
pub(super) async fn news(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let Asked { query, .. } = asked(page, person, fields).await?;
    let new = transfers::news(page.hub, person, query, fields.get("since")).await?;
    let text = format!("{new} {}", page.t("văn bản mới – hiện", "new documents – show"));
    Ok(problem::ok().insert_header((CACHE_CONTROL, "no-store")).json(News { new, text }))
}

/// The ways that documents went to choose from, with the other filters as they are.
fn ways(page: &Page<'_>, fields: &Fields, chosen: Way) -> Vec<Choice> {
    let without = Fields::of(&fields.with("after", ""));
    let each = [Way::In, Way::Out, Way::Both].map(|way| {
        let (title, word) = way_words(way, page);
        let text = if way == Way::Both { page.t("Tất cả", "All") } else { title };
        Choice { query: without.with("direction", word), text: text.to_owned(), count: None, is_chosen: way == chosen }
    });
    each.into()
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
