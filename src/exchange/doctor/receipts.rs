//! Whether receipts can be signed, and for how long.

use super::{Finding, KEY_NOTICE, Severity, finding};
use crate::config::Config;
use crate::domain::dates::for_people;
use crate::hub::Hub;
use chrono::{DateTime, Utc};

/// What is wrong with the keys of receipts, or will be. A file that the first start makes is not missing before.
pub(super) fn examine(config: &Config, now: DateTime<Utc>) -> Option<Finding> {
    if Hub::makes_credential(config) {
        return None;
    }
    let credentials = match Hub::credentials(config) {
        Ok(credentials) => credentials,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            return Some(finding(
                Severity::Error,
                "certificate.unusable",
                (format!("không dùng được khóa ký biên nhận: {error}: {cause}"), format!("{error}: {cause}")),
                (
                    "đặt lại tệp (PEM hoặc PKCS #12) gồm khóa riêng và chứng thư (chmod 600), hoặc sửa receipts.key_files; mật khẩu của tệp PKCS #12 đặt trong receipts.key_password_file",
                    "put the file (PEM or PKCS #12) with private key and certificate back (chmod 600), or correct receipts.key_files; the password of PKCS #12 belongs into receipts.key_password_file",
                ),
            ));
        }
    };
    let last = credentials.last()?;
    let (subject, ends) = (&last.subject, for_people(last.ends_at));
    let next = (
        "xin chứng thư mới, thêm tệp của nó vào receipts.key_files và khởi động lại; chứng thư cũ để nguyên",
        "get the next certificate, add its file to receipts.key_files and restart; leave the old one",
    );
    if credentials.at(now).is_none() {
        let words = (
            format!("không chứng thư nào còn hiệu lực để ký biên nhận ({subject}: {ends})"),
            format!("no certificate holds under which receipts are signed ({subject}: {ends})"),
        );
        return Some(finding(Severity::Error, "certificate.ended", words, next));
    }
    if last.ends_at.signed_duration_since(now) < KEY_NOTICE {
        let words = (
            format!("chứng thư ký biên nhận {subject} hết hạn lúc {ends}"),
            format!("the certificate under receipts, {subject}, ends at {ends}"),
        );
        return Some(finding(Severity::Warning, "certificate.ending", words, next));
    }
    last.is_self_issued.then(|| {
        finding(
            Severity::Note,
            "certificate.self_signed",
            (
                format!("biên nhận ký bằng chứng thư tự ký {subject}: chỉ dùng để thử"),
                format!(
                    "receipts are signed under a certificate that the hub made for itself, {subject}: good for a trial"
                ),
            ),
            (
                "khi vận hành chính thức, đặt khóa và chứng thư do tổ chức chứng thực cấp vào receipts.key_files",
                "in production, name a key with a certificate from an authority in receipts.key_files",
            ),
        )
    })
}
