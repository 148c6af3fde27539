//! Taking a document back: what would become of each recipient, the reason, and how it stands afterwards.

use super::super::problem::Problem;
use super::fields::Fields;
use super::words::{self, Tag};
use super::{Page, drawn, see_other};
use crate::domain::rules::Wording;
use crate::exchange::ExchangeError;
use crate::exchange::accept::Verdict;
use crate::exchange::document::{self, DocumentView};
use crate::exchange::follow::SentLine;
use crate::exchange::preflight::ForetoldLine;
use crate::exchange::sessions::Person;
use crate::exchange::take_back::{self, Prospect};
use actix_web::HttpResponse;
use askama::Template;

#[derive(Template)]
#[template(path = "recall.html")]
struct RecallPage<'a> {
    page: &'a Page<'a>,
    document: DocumentView,
    prospect: Prospect,
    is_done: bool,
    /// What was wrong, and the reason that was given.
    faults: Vec<Wording>,
    reason: &'a str,
}

impl RecallPage<'_> {
    fn transfer(&self, line: &SentLine) -> Tag {
        words::transfer(line, self.page.language)
    }

    fn recall(&self, line: &SentLine) -> Option<Tag> {
        words::recall(&line.recall, self.page.language)
    }

    fn foretold(&self, line: &SentLine) -> Option<&ForetoldLine> {
        self.prospect.lines.iter().find(|foretold| foretold.recipient == line.recipient)
    }

    /// Whether anything would change there.
    fn is_worth_it(&self, line: &SentLine) -> bool {
        self.foretold(line).is_some_and(|line| !line.withdraws.is_empty() || !line.asks_back.is_empty())
    }

    fn any_is_worth_it(&self) -> bool {
        self.document.view.deliveries.iter().any(|line| self.is_worth_it(line))
    }

    /// What would happen there, without a promise.
    fn outlook(&self, line: &SentLine) -> &'static str {
        let foretold = self.foretold(line);
        let page = self.page;
        match foretold.map(|line| (line.withdraws.is_empty(), line.asks_back.is_empty())) {
            Some((false, true)) => page.language.pick(
                "Rút lại ngay: phần mềm bên nhận chưa lấy về.",
                "Withdrawn at once: the recipient's software has not fetched it.",
            ),
            Some((false, false)) => page.language.pick(
                "Phần chưa lấy về được rút lại ngay; phần đã lấy về chỉ đề nghị trả lại được.",
                "What was not fetched is withdrawn at once; what was fetched can only be asked for.",
            ),
            Some((true, false)) => page.language.pick(
                "Bên nhận có thể đã có văn bản: Trục gửi đề nghị, bên nhận đồng ý hoặc từ chối.",
                "The recipient may have it: it is asked, and agrees or refuses.",
            ),
            Some((true, true)) | None => {
                page.language.pick("Không còn gì để thu hồi.", "There is nothing left to take back.")
            }
        }
    }
}

/// Draws what would become of a document that is taken back now; after it was, how it stands.
///
/// # Errors
/// `NotFound`, `NotAllowed`, `Store`.
pub(super) async fn page(
    page: &Page<'_>,
    person: &Person,
    (id, fields): (&str, &Fields),
) -> Result<HttpResponse, Problem> {
    shown(page, person, id, (fields, Vec::new())).await
}

async fn shown(
    page: &Page<'_>,
    person: &Person,
    id: &str,
    (fields, faults): (&Fields, Vec<Wording>),
) -> Result<HttpResponse, Problem> {
    let prospect = take_back::foretell(page.hub, person, id).await?;
    let document = document::document(page.hub, person, id, "").await?;
    let is_done = fields.get("done") == "1";
    drawn(&RecallPage { page, document, prospect, is_done, faults, reason: fields.get("reason") })
}

/// Takes a document back, and leads to how it stands then; a reason that was typed is kept when something is wrong.
///
/// # Errors
/// As `page`; `Unsealed`.
pub(super) async fn take_back(
    page: &Page<'_>,
    person: &Person,
    (id, fields): (&str, &Fields),
) -> Result<HttpResponse, Problem> {
    let wish = (fields.all("to"), fields.get("reason"));
    let faults = match take_back::take_back(page.hub, person, id, wish).await {
        Ok(Verdict::Accepted(_) | Verdict::Repeated(_)) => {
            return Ok(see_other(&format!("/portal/documents/{id}/recall?done=1")));
        }
        Ok(Verdict::Rejected(rejection)) => rejection.violations.into_iter().map(|violation| violation.cause).collect(),
        Err(ExchangeError::Malformed(why)) => vec![why],
        Err(other) => return Err(other.into()),
    };
    shown(page, person, id, (fields, faults)).await
}
