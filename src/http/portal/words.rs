//! What the portal says of states, urgencies, roles and sizes, in Vietnamese and English.

use crate::domain::delivery::DeliveryState;
use crate::domain::envelope::Urgency;
use crate::domain::lane::Lane;
use crate::domain::status::StatusCode;
use crate::exchange::follow::SentLine;

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Vietnamese,
    English,
}

impl Language {
    /// As in `lang` and in the cookie.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Vietnamese => "vi",
            Self::English => "en",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Self::Vietnamese, Self::English].into_iter().find(|language| language.word() == word)
    }

    /// One of two texts.
    pub(super) fn pick<'t>(self, vi: &'t str, en: &'t str) -> &'t str {
        match self {
            Self::Vietnamese => vi,
            Self::English => en,
        }
    }
}

/// A word with the look that goes with it: colour never says anything alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    /// What stands there.
    pub(super) text: String,
    /// The class of its look.
    pub(super) look: &'static str,
}

impl Tag {
    fn new(text: impl Into<String>, look: &'static str) -> Self {
        Self { text: text.into(), look }
    }
}

/// How urgent a document is; nothing for what is not.
pub(super) fn urgency(urgency: Urgency, l: Language) -> Option<Tag> {
    match urgency {
        Urgency::Normal => None,
        Urgency::Urgent => Some(Tag::new(l.pick("Khẩn", "Urgent"), "urgent")),
        Urgency::VeryUrgent => Some(Tag::new(l.pick("Thượng khẩn", "Very urgent"), "very-urgent")),
        Urgency::Express => Some(Tag::new(l.pick("Hỏa tốc", "Express"), "express")),
        Urgency::ExpressAtHour => Some(Tag::new(l.pick("Hỏa tốc hẹn giờ", "Timed express"), "express")),
    }
}

/// A lane of what waits.
pub(super) fn lane(lane: Lane, l: Language) -> &'static str {
    match lane {
        Lane::Express => l.pick("Hỏa tốc", "Express"),
        Lane::VeryUrgent => l.pick("Thượng khẩn", "Very urgent"),
        Lane::Urgent => l.pick("Khẩn", "Urgent"),
        Lane::Status => l.pick("Trạng thái, sự kiện", "Statuses and events"),
        Lane::Normal => l.pick("Thường", "Normal"),
    }
}

/// How far the hub is with a delivery, as its sender asks: do they have it?
pub(super) fn transfer(line: &SentLine, l: Language) -> Tag {
    match line.state {
        DeliveryState::Pending => Tag::new(l.pick("Đang chuyển", "On its way"), "waiting"),
        DeliveryState::Consigned if line.fetched_at.is_some() => {
            Tag::new(l.pick("Đã lấy về, chưa xác nhận", "Fetched, not confirmed"), "waiting")
        }
        DeliveryState::Consigned => Tag::new(l.pick("Chờ bên nhận lấy về", "Waits to be fetched"), "waiting"),
        DeliveryState::HandedOver => Tag::new(l.pick("Đã nhận", "Received"), "good"),
        DeliveryState::Withdrawn => Tag::new(l.pick("Đã rút lại", "Withdrawn"), "quiet"),
        DeliveryState::Failed => Tag::new(l.pick("Không chuyển được", "Could not be delivered"), "bad"),
    }
}

/// What the recipient's clerks last reported.
pub(super) fn status(code: &str, l: Language) -> Tag {
    let entry = StatusCode::parse(code).and_then(|code| code.entry());
    let look = match code {
        "02" | "16" => "bad",
        "03" | "04" | "05" | "15" => "waiting",
        "06" => "good",
        _ => "quiet",
    };
    let name = entry.map_or("", |entry| l.pick(entry.vietnamese, entry.name));
    Tag::new(format!("{code} {name}").trim().to_owned(), look)
}

/// How a recall of a delivery stands.
pub(super) fn recall(word: &str, l: Language) -> Option<Tag> {
    match word {
        "requested" => Some(Tag::new(l.pick("Đã đề nghị lấy lại", "Asked back"), "waiting")),
        "agreed" => Some(Tag::new(l.pick("Đồng ý thu hồi", "Agreed to give back"), "quiet")),
        "refused" => Some(Tag::new(l.pick("Từ chối thu hồi", "Refused to give back"), "bad")),
        _ => None,
    }
}

/// What documents do, as the register has it.
pub(super) const BUSINESSES: [&str; 4] = ["new", "recall", "update", "replacement"];

/// What a document does.
pub(super) fn business(word: &str, l: Language) -> &'static str {
    match word {
        "recall" => l.pick("Thu hồi", "Recall"),
        "update" => l.pick("Cập nhật", "Update"),
        "replacement" => l.pick("Thay thế", "Replacement"),
        _ => l.pick("Mới", "New"),
    }
}

/// How a document belongs to another one.
pub(super) fn relation(word: &str, is_acting: bool, l: Language) -> &'static str {
    match (word, is_acting) {
        ("recalls", true) => l.pick("Thu hồi", "Recalls"),
        ("recalls", false) => l.pick("Bị thu hồi bởi", "Recalled by"),
        ("updates", true) => l.pick("Cập nhật", "Updates"),
        ("updates", false) => l.pick("Được cập nhật bởi", "Updated by"),
        ("replaces", true) => l.pick("Thay thế", "Replaces"),
        ("replaces", false) => l.pick("Bị thay thế bởi", "Replaced by"),
        (_, true) => l.pick("Trả lời", "Answers"),
        (_, false) => l.pick("Được trả lời bởi", "Answered by"),
    }
}

/// A size as people read it: one digit behind the comma.
pub(super) fn size(bytes: u64, l: Language) -> String {
    let tenths = |unit: u64| {
        let tenths = bytes.saturating_mul(10).div_ceil(unit);
        format!("{}{}{}", tenths / 10, l.pick(",", "."), tenths % 10)
    };
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KB", tenths(1024)),
        1_048_576..1_073_741_824 => format!("{} MB", tenths(1_048_576)),
        _ => format!("{} GB", tenths(1_073_741_824)),
    }
}

/// A day `yyyy-MM-dd` as people read it; another text stays as it is.
pub(super) fn day(text: &str) -> String {
    crate::domain::dates::date(text).map_or_else(|| text.to_owned(), |day| day.format("%d/%m/%Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(size(0, Language::Vietnamese), "0 B");
        assert_eq!(size(2048, Language::Vietnamese), "2,0 KB");
        assert_eq!(size(1_600_000, Language::English), "1.6 MB");
    }

    #[test]
    fn what_is_normal_carries_no_tag() {
        assert_eq!(urgency(Urgency::Normal, Language::English), None);
        assert_eq!(urgency(Urgency::Express, Language::Vietnamese).unwrap().text, "Hỏa tốc");
        assert_eq!(status("02", Language::Vietnamese).text, "02 Từ chối tiếp nhận");
        assert_eq!(status("77", Language::Vietnamese).text, "77");
    }
}
