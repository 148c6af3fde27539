//! Whether evidence is sealed, as the doctor sees it from outside of the hub.

use super::{Diagnosis, Finding, Severity, finding};
use crate::config::Config;
use crate::domain::dates::for_people;
use chrono::{DateTime, TimeDelta, Utc};

/// Whether evidence waits though no head was signed for `ledger.late_seconds`. How old the evidence is says nothing: that of
/// before the ledger is sealed late. Neither is a head in the future one that was signed just now.
pub(super) fn examine(config: &Config, diagnosis: &Diagnosis, now: DateTime<Utc>) -> Option<Finding> {
    let signed_at = diagnosis.waits_since_head?.and_utc();
    let late = i64::try_from(config.ledger.late_seconds).ok().and_then(TimeDelta::try_seconds)?;
    (now.signed_duration_since(signed_at).abs() > late).then(|| {
        let shown = for_people(signed_at);
        finding(
            Severity::Warning,
            "ledger.late",
            (
                format!("có bằng chứng chờ niêm phong, mà điểm chốt mới nhất của sổ cái ký lúc {shown}"),
                format!("evidence waits to be sealed, and the newest head of the ledger was signed at {shown}"),
            ),
            (
                "khởi động hệ thống; nếu đang chạy, xem các dòng nhật ký ledger và chạy docaxis ledger verify",
                "start the hub; if it runs, look at the log lines of ledger and run docaxis ledger verify",
            ),
        )
    })
}
