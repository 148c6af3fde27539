//! Whether the content of a packet may go: pure, from what is known of it. What stands in other tables (failures that are kept
//! open, the ledger, archives) is looked up for what passes here (`exchange::purge`).

use super::{Parties, Retention, Scope, Sort, Term};
use crate::domain::delivery::DeliveryState;
use crate::domain::rules::Wording;
use chrono::{DateTime, TimeDelta, Utc};

/// Why the content of a packet stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// A delivery of it has not ended, at a neighbouring hub perhaps.
    NotEnded,
    /// It is asked back, or asks something back, and nobody answered yet.
    Recall,
    /// A legal hold is on it.
    Held,
    /// Its deliveries ended less than the least age ago.
    Young,
    /// Its class keeps it.
    Term,
    /// Its recipients' answer is awaited, within its term.
    Awaited,
    /// A failure of it was not mended: somebody may start it anew.
    Failure,
    /// An auditor drew it, under a warrant that lets content be opened and holds.
    Sample,
    /// Evidence of it is not sealed yet.
    Unsealed,
    /// An archive is to hold it.
    Archive,
    /// It is not there any more.
    Gone,
}

impl Kept {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::NotEnded,
        Self::Recall,
        Self::Held,
        Self::Young,
        Self::Term,
        Self::Awaited,
        Self::Failure,
        Self::Sample,
        Self::Unsealed,
        Self::Archive,
        Self::Gone,
    ];

    /// The word in tables and answers.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotEnded => "not-ended",
            Self::Recall => "recall",
            Self::Held => "held",
            Self::Young => "young",
            Self::Term => "term",
            Self::Awaited => "awaited",
            Self::Failure => "failure",
            Self::Sample => "sample",
            Self::Unsealed => "unsealed",
            Self::Archive => "archive",
            Self::Gone => "gone",
        }
    }

    /// The reason of that word.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kept| kept.code() == code)
    }

    /// What people read.
    pub fn name(self) -> Wording {
        match self {
            Self::NotEnded => Wording::new("Còn lượt chuyển chưa kết thúc", "A delivery has not ended"),
            Self::Recall => Wording::new("Đề nghị lấy lại chưa được trả lời", "A recall was not answered"),
            Self::Held => Wording::new("Đang bị lệnh giữ lại", "A legal hold is on it"),
            Self::Young => Wording::new("Kết thúc chưa đủ lâu", "Ended too short a time ago"),
            Self::Term => Wording::new("Chưa hết thời hạn lưu", "Its class keeps it"),
            Self::Awaited => Wording::new("Còn trong hạn chờ bên nhận trả lời", "An answer is awaited within its term"),
            Self::Failure => Wording::new("Lượt lỗi chưa được xử lý", "A failure was not mended"),
            Self::Sample => Wording::new("Nằm trong mẫu đang được kiểm tra", "An auditor's sample has it"),
            Self::Unsealed => Wording::new("Bằng chứng chưa được niêm phong", "Evidence is not sealed"),
            Self::Archive => Wording::new("Một gói lưu trữ đang cần nội dung này", "An archive is to hold it"),
            Self::Gone => Wording::new("Nội dung đã không còn", "The content is not there any more"),
        }
    }
}

/// What is known of a packet.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// What tells its class.
    pub sort: Sort<'a>,
    /// What a hold is about.
    pub parties: Parties<'a>,
    /// Each delivery: its state, how a recall of it stands, and when it last changed.
    pub deliveries: Vec<(DeliveryState, &'a str, DateTime<Utc>)>,
}

/// A packet whose content may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its class.
    pub class: String,
    /// When the last of its deliveries ended.
    pub ended_at: DateTime<Utc>,
    /// Until when its class kept it.
    pub kept_until: DateTime<Utc>,
    /// By what law or agreement.
    pub basis: Wording,
}

/// Whether the content of a packet may go, as far as it tells by itself.
///
/// # Errors
/// Why it stays.
pub fn judge(
    case: &Case<'_>,
    retention: &Retention,
    holds: &[Scope],
    (age_min, now): (TimeDelta, DateTime<Utc>),
) -> Result<Due, Kept> {
    if case.deliveries.iter().any(|(state, ..)| !state.is_final()) {
        return Err(Kept::NotEnded);
    }
    if case.deliveries.iter().any(|(_, recall, _)| *recall == "requested") {
        return Err(Kept::Recall);
    }
    if holds.iter().any(|hold| hold.covers(&case.parties)) {
        return Err(Kept::Held);
    }
    // What was sent to nobody has not ended.
    let ended_at = case.deliveries.iter().map(|(.., at)| *at).max().ok_or(Kept::NotEnded)?;
    if now.signed_duration_since(ended_at) < age_min {
        return Err(Kept::Young);
    }
    let class = retention.class_of(case.sort).filter(|class| class.term != Term::Always).ok_or(Kept::Term)?;
    let kept_until = class.term.over(ended_at).filter(|until| *until <= now).ok_or(Kept::Term)?;
    Ok(Due { class: class.code.clone(), ended_at, kept_until, basis: class.basis.clone() })
}
