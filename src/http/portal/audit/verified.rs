//! What the verification of a file came to, step by step.

use super::super::super::body::Body;
use super::super::super::problem::Problem;
use super::super::fields::Fields;
use super::super::{Page, checked, drawn};
use crate::domain::rules::Wording;
use crate::exchange::ExchangeError;
use crate::exchange::open;
use crate::exchange::sessions::Person;
use crate::exchange::uploads::{self, Verified};
use crate::exchange::verify::Step;
use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use askama::Template;

#[derive(Template)]
#[template(path = "audit/verified.html")]
struct VerifiedPage<'a> {
    page: &'a Page<'a>,
    name: String,
    verified: Verified,
}

impl VerifiedPage<'_> {
    fn step(&self, step: &Step) -> &'static str {
        let (_, vi, en) = step.looked_at.words();
        self.page.language.pick(vi, en)
    }

    fn why(&self, step: &Step) -> Option<String> {
        let fault = step.fault?;
        let (vi, en) = fault.words();
        Some(format!("{} ({})", self.page.t(vi, en), fault.code()))
    }

    fn kind(&self) -> &'static str {
        use crate::exchange::verify::Kind;
        let (vi, en) = match self.verified.report.kind {
            Kind::Receipt => ("Biên nhận ký số", "Signed receipt"),
            Kind::Capsule => ("Hồ sơ chứng minh", "Capsule"),
            Kind::Statement => ("Bảng kê trong ngày", "Daily statement"),
            Kind::Timestamp => ("Điểm chốt có dấu thời gian", "Signed head with its time-stamp"),
            Kind::Destruction => ("Biên bản tiêu hủy", "Certificate of destruction"),
            Kind::Archive => ("Gói lưu trữ", "Archive"),
            Kind::Unknown => ("Không phải tệp của Trục", "No file of a hub"),
        };
        self.page.language.pick(vi, en)
    }
}

/// Verifies the file of a form, and tells what came of it.
///
/// # Errors
/// `NotAllowed` for a form of another session; `Malformed` without a file; `NotFound` without a warrant; `Body`, `Store`.
pub(super) async fn page(
    page: &Page<'_>,
    person: &Person,
    (headers, body): (&HeaderMap, &mut Body),
) -> Result<HttpResponse, Problem> {
    if person.warrant.is_none() {
        return Err(ExchangeError::NotFound.into());
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = kind.strip_prefix("multipart/form-data").and_then(|rest| rest.split_once("boundary="));
    let boundary = boundary.map(|(_, boundary)| boundary.trim_matches('"')).filter(|boundary| !boundary.is_empty());
    let no_form = || Wording::new("Hãy chọn một tệp để kiểm tra", "Choose a file to verify");
    let boundary = boundary.ok_or_else(|| ExchangeError::Malformed(no_form()))?;
    let _place = open::place(page.hub).await?;
    body.allow(page.hub.config.portal.upload_bytes_max);
    let mut upload = uploads::take_in(page.hub, boundary, body).await?;
    checked(Fields::from_pairs(std::mem::take(&mut upload.fields)), person)?;
    let name = upload.name.clone();
    let verified = uploads::verify(page.hub, person, upload).await?;
    drawn(&VerifiedPage { page, name, verified })
}
