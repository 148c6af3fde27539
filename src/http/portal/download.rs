//! What people take out of a document: attachments, the packet, signed receipts, capsules. Everything comes as a file to be kept:
//! no browser shows or runs what came from outside.

use super::super::gate::{Call, watched};
use super::super::problem::{self, Problem};
use super::fields::escaped;
use super::{Page, PortalOperation};
use crate::domain::rules::is_safe_name;
use crate::domain::text::unaccented;
use crate::exchange::open::{self, Part};
use crate::exchange::sessions::Person;
use crate::exchange::{ExchangeError, attest, capsule};
use actix_web::body::SizedStream;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, HeaderName};
use actix_web::{HttpResponse, HttpResponseBuilder};

/// What a file may do, were it shown after all.
const POLICY: &str = "default-src 'none'; sandbox";
/// What nobody interprets.
const BYTES: &str = "application/octet-stream";

/// Signs that some system forbids in names of files.
const FORBIDDEN: &str = "/\\<>:\"|?*";

/// The name of a file as any system can keep it.
fn safe(name: &str) -> String {
    let name: String = name.chars().map(|c| if FORBIDDEN.contains(c) { '_' } else { c }).collect();
    if is_safe_name(&name) { name } else { "tep".to_owned() }
}

/// The same in plain letters, for programs that know no others.
fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ._-()".contains(c);
    unaccented(name).chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
}

/// Gives an answer the headers of a file of that name.
pub(super) fn headers(answer: &mut HttpResponseBuilder, media: &str, name: &str) {
    let name = safe(name);
    // RFC 6266: the second form holds every letter, the first is for programs that know only plain ones.
    let disposition = format!("attachment; filename=\"{}\"; filename*=UTF-8''{}", plain(&name), escaped(&name));
    answer
        .content_type(media)
        .insert_header((CONTENT_DISPOSITION, disposition))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((HeaderName::from_static("content-security-policy"), POLICY))
        .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
        .insert_header((HeaderName::from_static("x-content-type-options"), "nosniff"));
}

/// Answers with a part of a document.
///
/// # Errors
/// Whatever keeps it from being handed out.
pub(super) async fn part(
    call: &Call<'_>,
    page: &Page<'_>,
    person: &Person,
    part: Part,
) -> Result<HttpResponse, Problem> {
    let opened = open::open(page.hub, person, (call.segment("id"), part)).await?;
    let mut answer = problem::ok();
    headers(&mut answer, BYTES, &opened.name);
    Ok(answer.body(SizedStream::new(opened.bytes, watched(opened.content, call.request_id))))
}

/// Answers with what proves something of a document.
///
/// # Errors
/// Whatever keeps it from being handed out.
pub(super) async fn proof(
    operation: PortalOperation,
    call: &Call<'_>,
    page: &Page<'_>,
    person: &Person,
) -> Result<HttpResponse, Problem> {
    let id = call.segment("id");
    let mut answer = problem::ok();
    if operation == PortalOperation::Capsule {
        let capsule = capsule::capsule_for(page.hub, person, id).await?;
        headers(&mut answer, "application/json", &format!("ho-so-chung-minh-{id}.json"));
        return Ok(answer.body(capsule.file()));
    }
    let issued = attest::receipt_for(page.hub, person, id).await?;
    headers(&mut answer, "application/xml", &format!("bien-nhan-{}.xml", issued.receipt.evidence.evidence_id));
    Ok(answer.body(issued.xml))
}

/// The attachment that an address names.
///
/// # Errors
/// `NotFound` for what is no number.
pub(super) fn number(call: &Call<'_>) -> Result<Part, ExchangeError> {
    call.segment("number").parse().map(Part::Attachment).map_err(|_| ExchangeError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_name_stays_and_a_hostile_one_leads_nowhere() {
        for name in ["QĐ 74 của UBND (bản ký).pdf", "Phụ lục & biểu.XLSX", "a.tar.gz", "không đuôi"] {
            assert_eq!(safe(name), name);
        }
        for (name, expected) in [
            ("12/QĐ-UBND.edxml", "12_QĐ-UBND.edxml"),
            ("../../etc/passwd", "tep"),
            ("C:\\x.dll", "C__x.dll"),
            ("a\"; filename=b.exe", "a_; filename=b.exe"),
            ("bao\u{202e}fdp.exe", "tep"),
            ("a\r\nSet-Cookie: x", "tep"),
            ("NUL.txt", "tep"),
            ("", "tep"),
        ] {
            assert_eq!(safe(name), expected, "{name:?}");
        }
        assert_eq!(plain("QĐ 74 & Ế; =.pdf"), "QD 74 _ E_ _.pdf");
    }
}
