//! Notices: what the hub tells people by mail, in words. Vietnamese first, English under it; text and HTML say the same.
//! Invariant: nothing of a document is told but its identifier, its number and notation, and the codes of the parties: no
//! subject, no content, no name of a person; of administration, ids and accounts, no secret. Not here: when a notice is due and to whom it goes (`exchange::notify`).

use super::text::escaped;
use serde::{Deserialize, Serialize};

/// Something to tell. Times are already in the form for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// Documents of an agency that did not reach their recipients.
    Undelivered {
        /// The sender.
        agency: String,
        /// Some of them.
        documents: Vec<Undelivered>,
        /// How many there are in all.
        number: usize,
    },
    /// What waits in an agency's mailbox at the end of the day.
    Digest {
        /// The agency.
        agency: String,
        /// Its name.
        name: String,
        /// How many documents wait.
        waiting: i64,
        /// How many of them are overdue.
        overdue: i64,
        /// For how many working hours the oldest has waited.
        oldest_hours: i64,
    },
    /// A key of a system ends.
    KeyEnds {
        /// The system.
        system: String,
        /// The key's id.
        key_id: String,
        /// When.
        at: String,
        /// Whole days until then.
        days: i64,
    },
    /// The last certificate under which receipts are signed ends.
    CertificateEnds {
        /// Whose it is.
        subject: String,
        /// When it ends.
        at: String,
        /// Whole days until then.
        days: i64,
    },
    /// An endpoint does not answer.
    EndpointAway {
        /// Whose: an agency's code, or `events:` and a system.
        #[serde(alias = "agency")]
        holder: String,
        /// For how long at least.
        minutes: i64,
        /// Failures in a row.
        failures: i32,
    },
    /// An endpoint said that it is gone.
    EndpointGone {
        /// Whose.
        agency: String,
    },
    /// A webhook said that it is gone.
    WebhookGone {
        /// Whose.
        system: String,
    },
    /// Packets were refused for a reason that somebody should look at.
    Refusals {
        /// Marked as state secrets.
        secrets: usize,
        /// Known documents with another content.
        conflicts: usize,
        /// From when.
        from: String,
        /// Until when.
        until: String,
    },
    /// The hub cannot work, or soon cannot.
    Unwell {
        /// What is wrong, in Vietnamese.
        vi: Vec<String>,
        /// In English.
        en: Vec<String>,
    },
    /// Somebody proposed what somebody else decides on.
    Proposed {
        /// What is proposed, in Vietnamese.
        vi: String,
        /// In English.
        en: String,
        /// What it is about.
        about: String,
        /// The account that proposed it.
        by: String,
        /// Until when it may be decided.
        until: String,
        /// Where.
        place: String,
    },
    /// An operator tries whether mail arrives.
    Test {
        /// When.
        at: String,
    },
}

/// A document that did not reach a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undelivered {
    /// The sender's identifier.
    pub document_id: String,
    /// Number and notation.
    pub code: String,
    /// Code of the recipient.
    pub recipient: String,
    /// Whether its time was over; else the recipient refused it.
    pub expired: bool,
    /// When it was given up.
    pub at: String,
}

/// A notice as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// In both languages, one line.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

/// One language of a letter.
struct Words {
    title: String,
    lines: Vec<String>,
}

fn words(title: impl Into<String>, lines: Vec<String>) -> Words {
    Words { title: title.into(), lines }
}

/// Longest subject, in characters.
const SUBJECT_CHARS_MAX: usize = 200;

impl Notice {
    /// The letter, from a hub of this name.
    pub fn letter(&self, hub: &str) -> Letter {
        let (vi, en) = self.words();
        // Whatever stands in a code or a name, a header stays one line.
        let subject = format!("[{hub}] {} / {}", vi.title, en.title);
        let subject = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUBJECT_CHARS_MAX).collect();
        let foot_vi = format!("Thư tự động của {hub}, không trả lời thư này. Thư không chứa nội dung văn bản.");
        let foot_en =
            format!("An automatic mail of {hub}; do not answer it. It holds nothing of any document's content.");
        let part = |words: &Words| format!("{}\n\n{}\n", words.title, words.lines.join("\n"));
        let text = format!("{}\n----\n\n{}\n-- \n{foot_vi}\n{foot_en}\n", part(&vi), part(&en));
        let html = format!(
            "<!DOCTYPE html>\n<html lang=\"vi\"><head><meta charset=\"utf-8\"><title>{}</title></head><body>\n\
             {}<hr>\n<div lang=\"en\">\n{}</div>\n<hr>\n<p><small>{}<br>{}</small></p>\n</body></html>\n",
            escaped(&vi.title),
            html_of(&vi),
            html_of(&en),
            escaped(&foot_vi),
            escaped(&foot_en)
        );
        Letter { subject, text, html }
    }

    fn words(&self) -> (Words, Words) {
        match self {
            Self::Undelivered { agency, documents, number } => undelivered(agency, documents, *number),
            Self::Digest { agency, name, waiting, overdue, oldest_hours } => {
                digest((agency, name), *waiting, *overdue, *oldest_hours)
            }
            Self::CertificateEnds { subject, at, days } => certificate_ends(subject, (at, *days)),
            Self::KeyEnds { system, key_id, at, days } => key_ends(system, key_id, (at, *days)),
            Self::EndpointAway { holder, minutes, failures } => away(holder, *minutes, *failures),
            Self::EndpointGone { agency } => gone(agency),
            Self::WebhookGone { system } => webhook_gone(system),
            Self::Refusals { secrets, conflicts, from, until } => refusals((*secrets, *conflicts), (from, until)),
            Self::Unwell { vi, en } => (
                words("Hệ thống có sự cố", vi.iter().map(|line| format!("- {line}")).collect()),
                words("The hub is not well", en.iter().map(|line| format!("- {line}")).collect()),
            ),
            Self::Proposed { vi, en, about, by, until, place } => proposed([vi, en], about, (by, until), place),
            Self::Test { at } => (
                words("Thư thử", vec![format!("Thư này được gửi lúc {at} để thử cấu hình [mail].")]),
                words("A test", vec![format!("This mail was sent at {at} to try the settings of [mail].")]),
            ),
        }
    }
}

fn html_of(words: &Words) -> String {
    let lines: Vec<String> = words.lines.iter().map(|line| escaped(line)).collect();
    format!("<h3>{}</h3>\n<p>{}</p>\n", escaped(&words.title), lines.join("<br>\n"))
}

fn undelivered(agency: &str, documents: &[Undelivered], number: usize) -> (Words, Words) {
    let line = |one: &Undelivered, [late, refused]: [&str; 2]| {
        let Undelivered { document_id, code, recipient, expired, at } = one;
        let why = if *expired { late } else { refused };
        format!("- {code} ({document_id}) → {recipient}, {at}: {why}")
    };
    let lines = |head: String, why: [&str; 2], more: String, foot: &str| {
        let mut lines = vec![head];
        lines.extend(documents.iter().map(|one| line(one, why)));
        lines.extend((number > documents.len()).then_some(more));
        lines.push(foot.to_owned());
        lines
    };
    let more = number.saturating_sub(documents.len());
    (
        words(
            format!("{number} lượt gửi không chuyển được"),
            lines(
                format!("Cơ quan gửi: {agency}. Các văn bản sau không tới được nơi nhận:"),
                ["hết thời hạn chuyển", "nơi nhận từ chối"],
                format!("… và {more} lượt gửi khác"),
                "Gửi lại cùng gói tin không có tác dụng: đề nghị liên hệ nơi nhận, rồi nhờ người vận hành Trục chuyển lại. Chi tiết: docaxis delivery show, hoặc diễn biến của văn bản.",
            ),
        ),
        words(
            format!("{number} deliveries could not be made"),
            lines(
                format!("Sender: {agency}. These documents did not reach their recipients:"),
                ["its time was over", "refused by the recipient"],
                format!("… and {more} more"),
                "Sending the same packet again does nothing: please ask the recipient, then have the hub's operator start it anew. More: docaxis delivery show, or the document's timeline.",
            ),
        ),
    )
}

fn digest((agency, name): (&str, &str), waiting: i64, overdue: i64, hours: i64) -> (Words, Words) {
    (
        words(
            format!("{waiting} văn bản chưa được tiếp nhận hôm nay"),
            vec![
                format!("Cơ quan: {name} ({agency})"),
                format!("Đang chờ trong hộp thư: {waiting} văn bản, trong đó quá hạn tiếp nhận: {overdue}."),
                format!("Văn bản chờ lâu nhất: {hours} giờ làm việc."),
                "Đề nghị văn thư tiếp nhận trên phần mềm quản lý văn bản.".to_owned(),
            ],
        ),
        words(
            format!("{waiting} documents not yet received today"),
            vec![
                format!("Agency: {name} ({agency})"),
                format!("Waiting in the mailbox: {waiting}, of which overdue: {overdue}."),
                format!("The oldest has waited for {hours} working hours."),
                "Please receive them with your document management software.".to_owned(),
            ],
        ),
    )
}

fn certificate_ends(subject: &str, (at, days): (&str, i64)) -> (Words, Words) {
    (
        words(
            format!("Chứng thư số ký biên nhận hết hạn sau {days} ngày"),
            vec![
                format!("Chứng thư {subject} hết hạn lúc {at}; sau đó Trục không ký được biên nhận."),
                "Đề nghị xin chứng thư mới và thêm tệp của nó vào receipts.key_files trước ngày đó; chứng thư cũ để nguyên."
                    .to_owned(),
            ],
        ),
        words(
            format!("The certificate under receipts ends in {days} days"),
            vec![
                format!("The certificate {subject} ends at {at}; no receipt is signed after that."),
                "Get the next one and add its file to receipts.key_files before that day; leave the old one.".to_owned(),
            ],
        ),
    )
}

fn key_ends(system: &str, key_id: &str, (at, days): (&str, i64)) -> (Words, Words) {
    (
        words(
            format!("Khóa của hệ thống {system} hết hạn sau {days} ngày"),
            vec![
                format!("Khóa {key_id} hết hạn lúc {at}."),
                "Đề nghị tạo khóa mới, cấu hình vào phần mềm, rồi thu hồi khóa cũ: mỗi hệ thống được giữ hai khóa."
                    .to_owned(),
            ],
        ),
        words(
            format!("A key of system {system} ends in {days} days"),
            vec![
                format!("Key {key_id} ends at {at}."),
                "Please have a new key made, put it into your software, then have the old one revoked: a system may \
                 have two."
                    .to_owned(),
            ],
        ),
    )
}

fn away(agency: &str, minutes: i64, failures: i32) -> (Words, Words) {
    (
        words(
            format!("Địa chỉ nhận của {agency} không trả lời"),
            vec![
                format!("Không chuyển được tới {agency} ít nhất {minutes} phút, {failures} lần lỗi liên tiếp."),
                "Hàng đợi được giữ và chuyển lại khi địa chỉ hoạt động. Xem: docaxis endpoint list.".to_owned(),
            ],
        ),
        words(
            format!("The endpoint of {agency} does not answer"),
            vec![
                format!("Nothing could be brought to {agency} for at least {minutes} minutes, {failures} failures."),
                "Its queue is kept and brought when it answers again. See docaxis endpoint list.".to_owned(),
            ],
        ),
    )
}

fn gone(agency: &str) -> (Words, Words) {
    (
        words(
            format!("Địa chỉ nhận của {agency} đã ngừng"),
            vec![
                "Địa chỉ trả lời 410, không chuyển tới đó nữa. Hỏi cơ quan, rồi: docaxis endpoint set hoặc resume."
                    .into(),
            ],
        ),
        words(
            format!("The endpoint of {agency} is gone"),
            vec![
                "It answered 410; nothing is brought to it. Ask the agency, then docaxis endpoint set or resume."
                    .into(),
            ],
        ),
    )
}

fn webhook_gone(system: &str) -> (Words, Words) {
    (
        words(
            format!("Webhook của hệ thống {system} đã ngừng"),
            vec![
                "Địa chỉ trả lời 410, Trục không báo sự kiện tới đó nữa; sự kiện được giữ đến hết thời hạn.".into(),
                "Đặt lại: PUT /api/v1/webhook, hoặc nhờ người vận hành: docaxis webhook set.".into(),
            ],
        ),
        words(
            format!("The webhook of system {system} is gone"),
            vec![
                "It answered 410; the hub tells nothing there. Events are kept until their term is over.".into(),
                "Set it anew: PUT /api/v1/webhook, or ask the operator: docaxis webhook set.".into(),
            ],
        ),
    )
}

fn refusals((secrets, conflicts): (usize, usize), (from, until): (&str, &str)) -> (Words, Words) {
    (
        words(
            "Gói tin bị từ chối cần xem xét",
            vec![
                format!("Từ {from} đến {until}:"),
                format!("- đánh dấu bí mật nhà nước, không lưu: {secrets}"),
                format!("- trùng mã văn bản, nội dung khác: {conflicts}"),
                "Chi tiết trong nhật ký (alarm) và bằng chứng SubmissionRejection.".to_owned(),
            ],
        ),
        words(
            "Refused packets that should be looked at",
            vec![
                format!("From {from} until {until}:"),
                format!("- marked as state secrets, not kept: {secrets}"),
                format!("- a known document with another content: {conflicts}"),
                "More in the log (alarm) and in the evidence SubmissionRejection.".to_owned(),
            ],
        ),
    )
}

fn proposed([vi, en]: [&str; 2], about: &str, (by, until): (&str, &str), place: &str) -> (Words, Words) {
    (
        words(
            format!("Chờ duyệt: {vi} – {about}"),
            vec![
                format!("{vi}: {about}"),
                format!("Người đề xuất: tài khoản {by}. Người này không tự duyệt được."),
                format!("Duyệt hoặc từ chối trước {until} tại: {place}"),
            ],
        ),
        words(
            format!("To be decided: {en} – {about}"),
            vec![
                format!("{en}: {about}"),
                format!("Proposed by the account {by}, which cannot decide on it."),
                format!("Approve or refuse it before {until} at: {place}"),
            ],
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_is_neither_markup_nor_a_header() {
        let document = Undelivered {
            document_id: "d1".into(),
            code: "12/<script>".into(),
            recipient: "X99.B02".into(),
            expired: true,
            at: "23/11/2026 08:00".into(),
        };
        let notice = Notice::Undelivered { agency: "A\r\nBcc: x@y".into(), documents: vec![document], number: 3 };

        let letter = notice.letter("Trục\r\nX: y");

        assert!(!letter.subject.contains(['\r', '\n']), "{:?}", letter.subject);
        assert!(letter.html.contains("12/&lt;script&gt;") && !letter.html.contains("<script"));
        assert!(letter.text.contains("12/<script>") && letter.text.contains("2 lượt gửi khác"), "{}", letter.text);
    }

    #[test]
    fn each_notice_is_in_both_languages_and_is_read_again_as_it_was_kept() {
        let text = String::from;
        for notice in [
            Notice::Undelivered { agency: text("A"), documents: Vec::new(), number: 1 },
            Notice::Digest { agency: text("A"), name: text("Sở A"), waiting: 5, overdue: 2, oldest_hours: 9 },
            Notice::CertificateEnds { subject: text("c"), at: text("23/11/2026 08:00"), days: 7 },
            Notice::KeyEnds { system: text("s"), key_id: text("k"), at: text("23/11/2026 08:00"), days: 7 },
            Notice::EndpointAway { holder: text("A"), minutes: 31, failures: 9 },
            Notice::EndpointGone { agency: text("A") },
            Notice::WebhookGone { system: text("s") },
            Notice::Refusals { secrets: 1, conflicts: 2, from: text("a"), until: text("b") },
            Notice::Unwell { vi: vec![text("đĩa")], en: vec![text("disk")] },
            Notice::Proposed {
                vi: text("Cấp khóa mới"),
                en: text("A new key"),
                about: text("dms.a"),
                by: text("mot"),
                until: text("23/11/2026 08:00"),
                place: text("/portal/grants/1"),
            },
            Notice::Test { at: text("23/11/2026 08:00") },
        ] {
            let (letter, kept) = (notice.letter("Docaxis"), serde_json::to_string(&notice).unwrap());

            assert!(letter.subject.starts_with("[Docaxis] ") && letter.subject.contains(" / "), "{letter:?}");
            for part in [&letter.text, &letter.html] {
                assert!(part.contains("không trả lời thư này") && part.contains("do not answer"), "{part}");
            }
            assert_eq!(serde_json::from_str::<Notice>(&kept).unwrap(), notice);
        }
    }

    #[test]
    fn the_digest_says_the_number_in_its_subject() {
        let notice =
            Notice::Digest { agency: "A".into(), name: "Sở".into(), waiting: 5, overdue: 2, oldest_hours: 9 };

        assert!(notice.letter("Docaxis").subject.contains("5 văn bản chưa được tiếp nhận hôm nay"));
    }
}
