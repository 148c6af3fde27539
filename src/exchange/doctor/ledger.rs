//! Whether evidence is sealed, as the doctor sees it from outside of the hub.

use super::{Diagnosis, Finding, Severity, finding};
use crate::config::Config;
use chrono::{DateTime, TimeDelta, Utc};

/// Evidence that has waited for longer than `ledger.late_seconds`.
pub(super) fn examine(config: &Config, diagnosis: &Diagnosis, now: DateTime<Utc>) -> Option<Finding> {
    let since = diagnosis.unsealed_since?.and_utc();
    let late = i64::try_from(config.ledger.late_seconds).ok().and_then(TimeDelta::try_seconds)?;
    let waited = now.signed_duration_since(since);
    (waited > late).then(|| {
        let hours = waited.num_hours();
        finding(
            Severity::Warning,
            "ledger.late",
            (
                format!("có bằng chứng chờ niêm phong vào sổ cái từ {hours} giờ trước"),
                format!("evidence has waited to be sealed into the ledger for {hours} hours"),
            ),
            (
                "khởi động hệ thống; nếu đang chạy, xem các dòng nhật ký ledger và chạy docaxis ledger verify",
                "start the hub; if it runs, look at the log lines of ledger and run docaxis ledger verify",
            ),
        )
    })
}
