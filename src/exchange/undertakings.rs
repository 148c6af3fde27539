//! What re-drives, purges and grants have in common: the reason that is given, how long a second person has, what is said to whoever
//! cannot take a step.

use super::ExchangeError;
use super::endpoints::shortened;
use crate::domain::rules::Wording;
use crate::domain::undertaking::Barred;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;

/// Shortest reason, in characters: it is read by the second person, and years later.
const REASON_CHARS_MIN: usize = 10;

/// A reason as it is kept.
///
/// # Errors
/// `Malformed` when it is too short.
pub(super) fn reason(text: &str) -> Result<String, ExchangeError> {
    let reason = shortened(text);
    if reason.chars().count() < REASON_CHARS_MIN {
        return Err(ExchangeError::Malformed(Wording::new(
            "Hãy ghi lý do, ít nhất 10 ký tự",
            "Write the reason, in at least 10 characters",
        )));
    }
    Ok(reason)
}

/// Until when what is proposed now may be decided.
pub(super) fn expiry(now: DateTime<Utc>, hours: u64) -> DateTime<Utc> {
    let time = i64::try_from(hours).ok().and_then(TimeDelta::try_hours);
    now.checked_add_signed(time.unwrap_or_default()).unwrap_or(now)
}

/// What is said to whoever cannot take a step.
pub(super) fn barred(why: Barred) -> ExchangeError {
    match why {
        Barred::OwnProposal => ExchangeError::NotAllowed(Wording::new(
            "Người đề xuất không được tự duyệt; cần một người khác có quyền duyệt",
            "Nobody decides on an own proposal; somebody else who may must",
        )),
        Barred::NotSo => ExchangeError::Exists(Wording::new(
            "Việc này không còn ở trạng thái đó; hãy tải lại trang",
            "It does not stand so any more; load the page again",
        )),
    }
}

/// What people call somebody or something; what has no name is called by its id.
pub(super) fn called(names: &HashMap<String, String>, id: &str) -> String {
    names.get(id).cloned().unwrap_or_else(|| id.to_owned())
}
