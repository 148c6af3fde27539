//! One document: what it is, whether each recipient has it, what happened to it and what belongs to it.

use super::super::problem::Problem;
use super::fields::Fields;
use super::words::{self, Tag};
use super::{Page, drawn};
use crate::domain::dates;
use crate::domain::delivery::DeliveryState;
use crate::domain::event_words;
use crate::domain::evidence::EvidenceEvent;
use crate::exchange::access;
use crate::exchange::document::{self, DocumentView};
use crate::exchange::follow::SentLine;
use crate::exchange::history::Happening;
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};

#[derive(Template)]
#[template(path = "document.html")]
struct DocumentPage<'a> {
    page: &'a Page<'a>,
    document: DocumentView,
}

/// A row of the history as people read it.
struct Step {
    at: String,
    text: String,
    more: String,
    index: Option<i64>,
    /// The evidence whose signed receipt the person may have.
    receipt: Option<String>,
}

/// How many recipients are how far.
#[derive(Default)]
struct Recipients {
    received: usize,
    fetched: usize,
    waiting: usize,
    failed: usize,
    withdrawn: usize,
}

impl Recipients {
    fn add(&mut self, line: &SentLine) {
        let place = match line.state {
            DeliveryState::HandedOver => &mut self.received,
            DeliveryState::Consigned if line.fetched_at.is_some() => &mut self.fetched,
            DeliveryState::Pending | DeliveryState::Consigned => &mut self.waiting,
            DeliveryState::Failed => &mut self.failed,
            DeliveryState::Withdrawn => &mut self.withdrawn,
        };
        *place = place.saturating_add(1);
    }
}

impl DocumentPage<'_> {
    fn urgency(&self) -> Option<Tag> {
        words::urgency(self.document.urgency, self.page.language)
    }

    fn transfer(&self, line: &SentLine) -> Tag {
        words::transfer(line, self.page.language)
    }

    fn recall(&self, line: &SentLine) -> Option<Tag> {
        words::recall(&line.recall, self.page.language)
    }

    fn status(&self, line: &SentLine) -> Option<Tag> {
        let mut newest_first = self.document.view.statuses.iter().rev();
        let last = newest_first.find(|status| status.reporter == line.recipient)?;
        Some(words::status(&last.status_code, self.page.language))
    }

    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn day(&self, text: &str) -> String {
        words::day(text)
    }

    fn size(&self, bytes: &u64) -> String {
        words::size(*bytes, self.page.language)
    }

    fn size_of(&self, bytes: &i64) -> String {
        words::size(u64::try_from(*bytes).unwrap_or(0), self.page.language)
    }

    fn relation(&self, word: &str, is_acting: bool) -> &'static str {
        words::relation(word, is_acting, self.page.language)
    }

    fn hex(&self, bytes: &[u8]) -> String {
        hex::encode(bytes)
    }

    /// "Họ nhận chưa?" in one sentence.
    fn answer(&self) -> String {
        let mut tally = Recipients::default();
        self.document.view.deliveries.iter().for_each(|line| tally.add(line));
        let Recipients { received, fetched, waiting, failed, withdrawn } = tally;
        let all = self.document.view.deliveries.len().saturating_sub(withdrawn);
        let mut vi = vec![format!("{received}/{all} nơi đã nhận")];
        let mut en = vec![format!("{received} of {all} recipients have it")];
        let further = [
            (fetched, "nơi đã lấy về nhưng chưa xác nhận", "fetched it and did not confirm"),
            (waiting, "nơi chưa lấy về", "not yet"),
            (failed, "nơi không chuyển được", "could not be reached"),
            (withdrawn, "nơi đã rút lại", "withdrawn"),
        ];
        for (number, said_vi, said_en) in further.into_iter().filter(|(number, ..)| *number > 0) {
            vi.push(format!("{number} {said_vi}"));
            en.push(format!("{number} {said_en}"));
        }
        self.page.t(&format!("{}.", vi.join(", ")), &format!("{}.", en.join(", "))).to_owned()
    }

    /// What is to be done next, and by whom; nothing when nobody has to.
    fn next_step(&self, line: &SentLine) -> Option<String> {
        let name = self.document.name_of(&line.recipient);
        let late = line.receive_by.filter(|_| line.overdue).map(dates::for_people);
        let said = match (line.state, late) {
            (DeliveryState::Failed, _) => (
                format!("Liên hệ {name}, rồi gửi lại hoặc nhờ đơn vị vận hành chuyển lại."),
                format!("Call {name}, then send it again or ask the operator to start it anew."),
            ),
            (DeliveryState::Consigned, Some(by)) if line.fetched_at.is_some() => (
                format!("Phần mềm của {name} đã lấy về nhưng chưa xác nhận, quá hạn {by}. Hãy gọi văn thư bên nhận."),
                format!("The software of {name} fetched it and did not confirm by {by}. Call its clerk."),
            ),
            (DeliveryState::Pending | DeliveryState::Consigned, Some(by)) => (
                format!("{name} chưa lấy về, đã quá hạn {by}. Hãy gọi văn thư bên nhận."),
                format!("{name} has not fetched it and was to by {by}. Call its clerk."),
            ),
            (DeliveryState::HandedOver, Some(by)) => (
                format!("Phần mềm của {name} đã có văn bản nhưng chưa báo tiếp nhận, quá hạn {by}."),
                format!("The software of {name} has it, but its clerks told nothing by {by}."),
            ),
            (DeliveryState::Pending | DeliveryState::Consigned | DeliveryState::HandedOver, None)
            | (DeliveryState::Withdrawn, _) => return None,
        };
        Some(self.page.t(&said.0, &said.1).to_owned())
    }

    fn steps(&self) -> Vec<Step> {
        self.document.happenings.iter().map(|happening| self.step(happening)).collect()
    }

    fn step(&self, happening: &Happening) -> Step {
        let name = happening.agency.as_deref().map(|code| self.document.name_of(code));
        let code = happening.status.as_ref().map(|(code, _)| code.as_str());
        let text = event_words::words(happening.event, name.as_deref(), code);
        let said = happening.status.as_ref().map(|(_, description)| description.as_str());
        let hub =
            happening.elsewhere.as_ref().map(|(hub, _)| format!("{} {hub}", self.page.t("tại trục", "at the hub")));
        let opening = happening.opening.as_ref().map(|(user, number)| self.opening(user, *number));
        let more = said.into_iter().chain([happening.note.as_str()]).chain(hub.as_deref()).chain(opening.as_deref());
        let more: Vec<&str> = more.filter(|text| !text.is_empty()).collect();
        Step {
            at: happening.at.with_timezone(&dates::VIETNAM).format("%d/%m/%Y %H:%M:%S").to_string(),
            text: self.page.say(&text).to_owned(),
            more: more.join(" – "),
            index: happening.sealed.as_ref().map(|sealed| sealed.index),
            receipt: self.has_receipt(happening).then(|| happening.evidence_id.clone()),
        }
    }

    /// Who opened what.
    fn opening(&self, user_id: &str, number: Option<i64>) -> String {
        let name = self.document.people.get(user_id).map_or("?", String::as_str);
        match number {
            Some(number) => format!("{name}, {} {number}", self.page.t("tệp", "file")),
            None => format!("{name}, {}", self.page.t("cả gói tin", "the packet")),
        }
    }

    /// Of who looked there is no receipt for others; one that names all recipients is the sender's.
    fn has_receipt(&self, happening: &Happening) -> bool {
        let is_of_all = matches!(happening.event, EvidenceEvent::SubmissionAcceptance | EvidenceEvent::PacketDestroyed);
        happening.opening.is_none() && (self.document.is_sender || !is_of_all)
    }
}

/// Draws a document.
///
/// # Errors
/// `NotFound` unless the person looks after a party to it; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, id: &str, fields: &Fields) -> Result<HttpResponse, Problem> {
    let document = document::document(page.hub, person, id, fields.get("after")).await?;
    if access::is_watched(person) {
        access::looked_at(page.hub, person, "document", id).await?;
    }
    drawn(&DocumentPage { page, document })
}
