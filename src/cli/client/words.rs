//! What the hub knows of a delivery, in words for people: Vietnamese first. Not here: what the words are about, which
//! is `domain`'s.

use crate::domain::dates::VIETNAM;
use crate::domain::status::STATUSES;
use chrono::DateTime;
use serde::Deserialize;

/// Text of somebody else as it may go to a terminal: without control characters, and without the marks that turn
/// the direction of writing around.
pub fn shown(text: &str) -> String {
    let is_unsafe = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect()
}

/// A time of the API as people here write it.
pub fn moment(text: &str) -> String {
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => at.with_timezone(&VIETNAM).format("%d/%m/%Y %H:%M:%S").to_string(),
        Err(_) => shown(text),
    }
}

/// A size for people.
pub fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

/// A delivery as its sender sees it; what a later hub may add is passed over.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Delivery {
    pub envelope_id: String,
    pub delivery_id: String,
    pub recipient: String,
    pub code: String,
    pub subject: String,
    pub accepted_at: String,
    pub fetched_at: Option<String>,
    pub changed_at: String,
    pub state: String,
    pub status: String,
    pub recall: String,
    pub receive_by: Option<String>,
    pub received_at: Option<String>,
    pub overdue: bool,
}

impl Delivery {
    /// Whether the recipient has it, in a few words of both languages.
    pub fn standing(&self) -> (&'static str, &'static str) {
        match (self.state.as_str(), self.status.as_str(), self.fetched_at.is_some()) {
            ("handed_over", _, _) => ("Đã nhận", "Received"),
            ("withdrawn", _, _) => ("Đã thu hồi trước khi tải", "Taken back before it was fetched"),
            ("failed", _, _) => ("Không chuyển được", "Could not be delivered"),
            ("pending", _, _) => ("Đang chuyển", "On its way"),
            ("consigned", "fail", _) => ("Nơi nhận báo lưu lỗi", "The recipient could not store it"),
            ("consigned", _, true) => ("Đã tải, chưa xác nhận", "Fetched, not confirmed"),
            ("consigned", "processing", false) => ("Đang nhận", "Being received"),
            ("consigned", _, false) => ("Chưa nhận", "Not received"),
            _ => ("Không rõ", "Unknown"),
        }
    }

    /// The same as a sentence with its times.
    pub fn sentences(&self) -> (String, String) {
        let changed = moment(&self.changed_at);
        let fetched = self.fetched_at.as_deref().map(moment);
        match (self.state.as_str(), self.status.as_str(), fetched) {
            ("handed_over", _, Some(fetched)) => (
                format!("Đã nhận: tải về lúc {fetched}, xác nhận đã lưu lúc {changed}."),
                format!("Received: fetched {fetched}, confirmed as stored {changed}."),
            ),
            ("handed_over", _, None) => (
                format!("Đã nhận: xác nhận đã có văn bản lúc {changed}, không tải từ trục."),
                format!("Received: confirmed {changed}, without a fetch from the hub."),
            ),
            ("withdrawn", _, _) => (
                format!("Đã thu hồi lúc {changed}, trước khi nơi nhận tải về."),
                format!("Taken back {changed}, before the recipient fetched it."),
            ),
            ("failed", _, _) => {
                (format!("Không chuyển được ({changed})."), format!("Could not be delivered ({changed})."))
            }
            ("pending", _, _) => {
                ("Đang chuyển, chưa vào hộp thư nơi nhận.".to_owned(), "On its way to the mailbox.".to_owned())
            }
            ("consigned", "fail", _) => (
                format!("Nơi nhận báo lưu lỗi lúc {changed}; văn bản vẫn chờ trong hộp thư."),
                format!("The recipient could not store it ({changed}); it still waits in the mailbox."),
            ),
            ("consigned", _, Some(fetched)) => (
                format!("Đã tải về lúc {fetched}, chưa xác nhận đã lưu."),
                format!("Fetched {fetched}, not yet confirmed as stored."),
            ),
            ("consigned", "processing", None) => {
                (format!("Nơi nhận đang nhận ({changed})."), format!("Being received ({changed})."))
            }
            ("consigned", _, None) => {
                let since = moment(&self.accepted_at);
                (
                    format!("Chưa nhận: chờ trong hộp thư nơi nhận từ {since}."),
                    format!("Not received: it has waited in the mailbox since {since}."),
                )
            }
            (state, status, _) => (
                format!("Không rõ: trạng thái {} {} ({changed}).", shown(state), shown(status)),
                format!("Unknown: state {} {} ({changed}).", shown(state), shown(status)),
            ),
        }
    }

    /// Whether its clerks received it in time, as a sentence; nothing where nobody waits for that.
    pub fn received(&self) -> Option<(String, String)> {
        let by = moment(self.receive_by.as_deref()?);
        Some(match (&self.received_at, self.overdue) {
            (Some(at), _) => {
                let at = moment(at);
                (format!("Văn thư báo lúc {at}; hạn tiếp nhận {by}."), format!("Reported {at}; due {by}."))
            }
            (None, true) => {
                (format!("QUÁ HẠN tiếp nhận: hạn là {by}."), format!("OVERDUE: it was to be received by {by}."))
            }
            (None, false) => (format!("Hạn tiếp nhận: {by}."), format!("To be received by {by}.")),
        })
    }

    /// What came of a recall of a fetched document.
    pub fn recalled(&self) -> Option<(&'static str, &'static str)> {
        match self.recall.as_str() {
            "requested" => Some(("Đã yêu cầu thu hồi, chưa có trả lời.", "Recall requested, not answered.")),
            "agreed" => Some(("Nơi nhận đồng ý thu hồi.", "The recipient agreed to the recall.")),
            "refused" => Some(("Nơi nhận từ chối thu hồi.", "The recipient refused the recall.")),
            _ => None,
        }
    }
}

/// What clerks call a status code.
pub fn status_name(code: &str) -> (&'static str, &'static str) {
    let entry = STATUSES.iter().find(|entry| entry.code == code);
    entry.map_or(("mã khác", "other code"), |entry| (entry.vietnamese, entry.name))
}

/// `document` or `status` for people.
pub fn kind(word: &str) -> &'static str {
    match word {
        "document" => "văn bản / document",
        "status" => "trạng thái / status",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(state: &str, status: &str, fetched: bool) -> Delivery {
        let at = |hour: u8| format!("2026-11-21T{hour:02}:00:00.000000+07:00");
        Delivery {
            state: state.to_owned(),
            status: status.to_owned(),
            accepted_at: at(8),
            fetched_at: fetched.then(|| at(9)),
            changed_at: at(10),
            ..Delivery::default()
        }
    }

    #[test]
    fn every_standing_answers_whether_they_have_it() {
        for (state, status, fetched, vi) in [
            ("consigned", "initial", false, "Chưa nhận: chờ trong hộp thư nơi nhận từ 21/11/2026 08:00:00."),
            ("consigned", "initial", true, "Đã tải về lúc 21/11/2026 09:00:00, chưa xác nhận đã lưu."),
            ("consigned", "fail", true, "Nơi nhận báo lưu lỗi lúc 21/11/2026 10:00:00; văn bản vẫn chờ trong hộp thư."),
            (
                "handed_over",
                "done",
                true,
                "Đã nhận: tải về lúc 21/11/2026 09:00:00, xác nhận đã lưu lúc 21/11/2026 10:00:00.",
            ),
            (
                "handed_over",
                "done",
                false,
                "Đã nhận: xác nhận đã có văn bản lúc 21/11/2026 10:00:00, không tải từ trục.",
            ),
            ("withdrawn", "initial", false, "Đã thu hồi lúc 21/11/2026 10:00:00, trước khi nơi nhận tải về."),
            ("new-word", "x\u{1b}", false, "Không rõ: trạng thái new-word x  (21/11/2026 10:00:00)."),
        ] {
            let delivery = delivery(state, status, fetched);
            assert_eq!(delivery.sentences().0, vi);
            let (short, _) = delivery.standing();
            assert_eq!(short.chars().next(), vi.chars().next());
        }
    }

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(shown("a\u{1b}[31m\u{202e}b\n"), "a [31m b ");
    }
}
