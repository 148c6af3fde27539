//! A random sample: from which seed it was drawn out of how many, its documents, what the auditor noted, its archive.

use super::super::super::gate::{Call, watched};
use super::super::super::problem::{self, Problem};
use super::super::fields::Fields;
use super::super::words::{self, Tag};
use super::super::{Page, download, drawn, log, see_other};
use crate::domain::dates;
use crate::domain::envelope::Urgency;
use crate::exchange::access::{self, Access};
use crate::exchange::archive::{self as archives, ArchiveRow};
use crate::exchange::samples::{self, SampleView, SampledLine};
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use askama::Template;

#[derive(Template)]
#[template(path = "audit/sample.html")]
struct SamplePage<'a> {
    page: &'a Page<'a>,
    sample: SampleView,
}

impl SamplePage<'_> {
    fn state(&self) -> Tag {
        super::room::state(&self.sample.row, self.page)
    }

    fn asked(&self) -> String {
        dates::for_people(self.sample.row.asked_at())
    }

    fn drawn(&self) -> String {
        self.sample.row.drawn_at().map(dates::for_people).unwrap_or_default()
    }

    fn time(&self, row: &SampledLine) -> String {
        dates::for_people(row.line.accepted_at)
    }

    fn urgency(&self, urgency: &Urgency) -> Option<Tag> {
        words::urgency(*urgency, self.page.language)
    }

    fn tally(&self, row: &SampledLine) -> Tag {
        log::tally(&row.line, self.page.language)
    }

    /// How far its archive is.
    fn made(&self, archive: &ArchiveRow) -> Tag {
        let page = self.page;
        let (text, look) = match archive.standing() {
            "done" => (page.t("Đã xong", "Done").to_owned(), "good"),
            "destroyed" => {
                let vi = "Đã tiêu hủy cùng nội dung trong nó; hãy xuất gói mới";
                (page.t(vi, "Destroyed with a content in it; ask for a new one").to_owned(), "quiet")
            }
            "failed" => (format!("{}: {}", page.t("Không làm được", "Failed"), archive.reason), "bad"),
            _ => {
                (format!("{}: {}/{}", page.t("Đang làm", "Being made"), archive.done, self.sample.row.size), "waiting")
            }
        };
        Tag { text, look }
    }

    fn size(&self, archive: &ArchiveRow) -> String {
        words::size(archive.bytes.unsigned_abs(), self.page.language)
    }
}

/// Has one drawn, and leads to it.
///
/// # Errors
/// Those of `samples::ask`.
pub(super) async fn draw(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<HttpResponse, Problem> {
    let id = samples::ask(page.hub, person, (fields.get("size"), fields.get("seed"))).await?;
    Ok(see_other(&format!("/portal/audit/samples/{id}")))
}

/// Draws its page.
///
/// # Errors
/// `NotFound` unless it is of the person's warrant; `Store`.
pub(super) async fn page(
    page: &Page<'_>,
    person: &Person,
    (id, fields): (&str, &Fields),
) -> Result<HttpResponse, Problem> {
    let sample = samples::view(page.hub, person, id, fields.get("after").parse().unwrap_or(0)).await?;
    let access = Access { act: "sample", agencies: person.agencies.clone(), asks: id.to_owned(), ..Access::default() };
    access::looked(page.hub, person, access).await?;
    drawn(&SamplePage { page, sample })
}

/// Asks for its archive, or notes something of a document of it.
///
/// # Errors
/// Those of `samples::export` and `samples::remark`.
pub(super) async fn direct(
    page: &Page<'_>,
    person: &Person,
    (id, fields): (&str, &Fields),
) -> Result<HttpResponse, Problem> {
    let after = match fields.get("step") {
        "export" => {
            samples::export(page.hub, person, id).await?;
            0
        }
        _ => {
            let number = fields.get("number");
            samples::remark(page.hub, person, id, (number, fields.get("note"))).await?;
            fields.get("after").parse().unwrap_or(0)
        }
    };
    Ok(see_other(&format!("/portal/audit/samples/{id}?after={after}")))
}

/// Answers with its archive.
///
/// # Errors
/// `NotFound` unless it is of the person's warrant and its archive is made; `Payload`, `Store`.
pub(super) async fn archive(call: &Call<'_>, page: &Page<'_>, person: &Person) -> Result<HttpResponse, Problem> {
    let (row, file) = samples::take(page.hub, person, call.segment("id")).await?;
    let mut answer = problem::ok();
    download::headers(&mut answer, "application/vnd.etsi.asic-e+zip", &format!("mau-{}.zip", row.archive_id));
    let content = watched(archives::stream(file), call.request_id);
    Ok(answer.body(SizedStream::new(row.bytes.unsigned_abs(), content)))
}
