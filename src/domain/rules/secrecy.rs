//! State secrets must not pass. No field says what is secret, so markings are looked
//! for: best effort, made to find a marking as clerks write it and to leave titles about secrecy alone.

use super::Class::StateSecret;
use super::rule::{Finding, Judge, Rule, Section, Text, place};
use crate::domain::packet::Packet;
use chrono::{DateTime, Utc};
use unicode_normalization::UnicodeNormalization;

/// The row.
pub const SECTION: Section = Section {
    title: Text { vi: "Bí mật nhà nước", en: "State secrets" },
    rules: &[Rule::new("M.StateSecret", StateSecret, Judge::Packet(marked))
        .cause(
            "Văn bản có dấu hiệu độ mật; bí mật nhà nước không được gửi qua trục liên thông. Nội dung không được lưu lại.",
            "The document bears a secrecy marking; state secrets must not be sent here. Its content was not kept.",
        )
        .remedy(
            "Nếu là bí mật nhà nước, gửi theo quy định về bảo vệ bí mật nhà nước và báo bộ phận an ninh mạng; \
             nếu không phải, bỏ chữ chỉ độ mật rồi gửi lại.",
            "If it is a state secret, send it as the law on state secrets demands and tell your security unit; \
             if it is not, remove the marking and send the packet again.",
        )],
};

/// Where a marking is looked for.
const MARKED_PATHS: [&str; 4] = [
    "MessageHeader.Subject",
    "MessageHeader.OtherInfo.SphereOfPromulgation",
    "Manifest.Reference.AttachmentName",
    "Attachment.AttachmentName",
];

/// Whether the text of that element marks a state secret: any text in the `Secret` of the format before
/// 2016; Mật, Tối mật or Tuyệt mật standing as a marking in abstract, sphere or file name.
pub fn mark(path: &str, text: &str) -> bool {
    if path.ends_with(".Secret") {
        return !text.trim().is_empty();
    }
    if !MARKED_PATHS.contains(&path) || !text.contains(['m', 'M']) {
        return false;
    }
    let composed: String = text.nfc().collect();
    let words = split(if path.ends_with(".AttachmentName") { stem(&composed) } else { &composed });
    // A running number may stand before everything: "01. Mật - kế hoạch.pdf".
    let start = words.iter().position(|word| !word.text.chars().all(char::is_numeric)).unwrap_or_default();
    (0..words.len()).any(|at| level_at(&words, at).is_some_and(|level| is_marking(&words, at, at == start, level)))
}

fn marked(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    let marks = packet.nodes.iter().enumerate().filter(|(_, node)| mark(node.element.path, &node.text));
    marks.map(|(id, _)| Finding::at(place(packet, id))).collect()
}

/// A word and what stands before and after it up to its neighbours.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    before: &'a str,
    text: &'a str,
    after: &'a str,
}

/// A level of secrecy that stands in the words.
#[derive(Debug, Clone, Copy)]
struct Level {
    /// Words it takes: two for Tối mật and Tuyệt mật.
    words: usize,
    /// Whether it stands with its marks.
    accented: bool,
    /// Whether it stands in capitals.
    capital: bool,
}

/// What follows "mật" in words that are no marking: mật ong, mật độ, mật khẩu …
const AFTER: [&str; 29] = [
    "ong", "độ", "khẩu", "mã", "hoa", "mía", "vụ", "thiết", "lệnh", "nghị", "danh", "thư", "báo", "ngọt", "gấu", "rỉ",
    "tông", "đàm", "ước", "chỉ", "tịch", "phục", "đạo", "ngữ", "thám", "dừa", "bò", "lợn", "cá",
];

/// What stands before "mật" in words that are no marking: bí mật, bảo mật, túi mật …
const BEFORE: [&str; 22] = [
    "bí",
    "bảo",
    "cơ",
    "thân",
    "kín",
    "nghiêm",
    "túi",
    "sỏi",
    "đường",
    "ống",
    "dịch",
    "gan",
    "lấy",
    "rỉ",
    "nước",
    "ong",
    "trăng",
    "điệp",
    "tuần",
    "nuôi",
    "chất",
    "nhà",
];

/// Words of urgency, which stand beside a marking in one pair of brackets.
const URGENT: [&str; 5] = ["khẩn", "thượng", "hỏa", "hoả", "tốc"];

fn split(text: &str) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(char::is_alphanumeric) {
        let (before, from_word) = rest.split_at(start);
        let end = from_word.find(|c: char| !c.is_alphanumeric()).unwrap_or(from_word.len());
        let (word, tail) = from_word.split_at(end);
        let until_next = tail.find(char::is_alphanumeric).unwrap_or(tail.len());
        let after = tail.split_at(until_next).0;
        words.push(Word { before, text: word, after });
        rest = tail;
    }
    words
}

/// A file name without its extensions.
fn stem(name: &str) -> &str {
    let mut stem = name.trim();
    while let Some((rest, extension)) = stem.rsplit_once('.') {
        let short = (1..=5).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
        if !short || rest.is_empty() {
            break;
        }
        stem = rest;
    }
    stem
}

fn is(word: &str, lower: &str) -> bool {
    word.chars().flat_map(char::to_lowercase).eq(lower.chars())
}

fn is_any(word: Option<&Word<'_>>, list: &[&str]) -> bool {
    word.is_some_and(|word| list.iter().any(|entry| is(word.text, entry)))
}

fn is_capital(word: &str) -> bool {
    !word.chars().any(char::is_lowercase)
}

/// The level whose words begin there.
fn level_at(words: &[Word<'_>], at: usize) -> Option<Level> {
    let second = at.checked_sub(1).is_some_and(|first| two_words(words, first).is_some());
    two_words(words, at).or_else(|| one_word(words.get(at)?).filter(|_| !second))
}

fn one_word(word: &Word<'_>) -> Option<Level> {
    let accented = is(word.text, "mật");
    (accented || word.text == "MAT").then(|| Level { words: 1, accented, capital: is_capital(word.text) })
}

fn two_words(words: &[Word<'_>], at: usize) -> Option<Level> {
    let (first, second) = (words.get(at)?, words.get(at.checked_add(1)?)?);
    let joined = first.after.chars().all(|c| c.is_whitespace() || matches!(c, '_' | '-'));
    let accented = (is(first.text, "tối") || is(first.text, "tuyệt")) && is(second.text, "mật");
    let plain = matches!(first.text, "TOI" | "TUYET") && second.text == "MAT";
    let capital = is_capital(first.text) && is_capital(second.text);
    (joined && (accented || plain)).then_some(Level { words: 2, accented, capital })
}

/// Whether the level at that place stands as a marking and not as a word of a title.
fn is_marking(words: &[Word<'_>], at: usize, at_start: bool, level: Level) -> bool {
    let last = at.saturating_add(level.words).saturating_sub(1);
    let (Some(head), Some(tail)) = (words.get(at), words.get(last)) else { return false };
    let before = |back: usize| at.checked_sub(back).and_then(|i| words.get(i));
    let next = words.get(last.saturating_add(1));
    if is_bracketed(before(1), (head, tail), next) || is_labelled(before(2), before(1), head) {
        return true;
    }
    let whole = at_start && next.is_none();
    let set_apart = next.is_none() || separates(tail.after);
    if !level.accented {
        // Without marks "MAT" may be many words; two words that begin a title are less ambiguous.
        return level.words == 2 && at_start && set_apart;
    }
    if level.words == 2 {
        return level.capital || whole || set_apart && (at_start || separates(head.before));
    }
    let compound = is_any(before(1), &BEFORE) || is_any(next, &AFTER) && !tail.after.contains(' ');
    let leads = at_start && separates(tail.after);
    let stands_out =
        level.capital && at_start && next.is_some_and(|word| !is_capital(word.text)) && !is_any(next, &AFTER);
    let follows = level.capital && separates(head.before) && set_apart;
    whole || !compound && (leads || stands_out || follows)
}

/// Alone in brackets, or there beside a word of urgency.
fn is_bracketed(previous: Option<&Word<'_>>, (head, tail): (&Word<'_>, &Word<'_>), next: Option<&Word<'_>>) -> bool {
    let opened = head.before.trim_end().ends_with(OPENING);
    let closed = tail.after.trim_start().starts_with(CLOSING);
    opened && (closed || is_any(next, &URGENT)) || closed && is_any(previous, &URGENT)
}

/// After "Độ mật:".
fn is_labelled(degree: Option<&Word<'_>>, secrecy: Option<&Word<'_>>, head: &Word<'_>) -> bool {
    is_any(degree, &["độ"]) && is_any(secrecy, &["mật"]) && head.before.contains([':', '-', '–', '—', '=', '_'])
}

const OPENING: [char; 6] = ['(', '[', '{', '<', '【', '「'];
const CLOSING: [char; 6] = [')', ']', '}', '>', '】', '」'];

/// Whether what stands between two words sets them apart.
fn separates(between: &str) -> bool {
    between.contains(['-', ':', '–', '—', '.', '_', '|', '*', '\n'])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{document, judged};
    use super::*;

    const SUBJECT: &str = "MessageHeader.Subject";
    const FILE: &str = "Attachment.AttachmentName";

    const MARKED: [&str; 34] = [
        "Mật",
        "MẬT",
        "tối mật",
        "Tuyệt mật",
        " Tuyệt  mật. ",
        "[MẬT] Về việc kiểm thử",
        "(Tối mật) Về việc kiểm thử",
        "Kế hoạch diễn tập (Mật)",
        "Kế hoạch diễn tập [ TUYỆT MẬT ]",
        "Kế hoạch {tối mật} năm 2026",
        "Mật - Kế hoạch diễn tập",
        "Mật: Kế hoạch diễn tập",
        "Mật – Kế hoạch diễn tập",
        "MẬT. Kế hoạch diễn tập",
        "Tối mật-Kế hoạch",
        "tuyệt mật: phương án phòng thủ",
        "\"Mật\" - Kế hoạch",
        "- Mật: Kế hoạch",
        "Báo cáo. Độ mật: Mật",
        "Độ mật - Tối mật. Kế hoạch",
        "độ mật: tuyệt mật",
        "(Độ mật: Mật) Kế hoạch",
        "KẾ HOẠCH TUYỆT MẬT",
        "Kế hoạch TỐI MẬT năm 2026",
        "Phương án TỐI  MẬT",
        "[MAT] Ke hoach dien tap",
        "Ke hoach dien tap (TUYET MAT)",
        "[TOI MAT]",
        "TOI MAT - Ke hoach",
        "MẬT Kế hoạch diễn tập",
        "Kế hoạch diễn tập - MẬT",
        "(Mật, Hỏa tốc) Kế hoạch diễn tập",
        "[HỎA TỐC - MẬT] Kế hoạch diễn tập",
        "MẬT\nKế hoạch diễn tập",
    ];

    const FREE: [&str; 40] = [
        "Về việc bảo hộ bí mật thương mại của doanh nghiệp",
        "Bí mật",
        "bí mật - cách giữ",
        "Về việc hỗ trợ nghề nuôi ong lấy mật ong rừng",
        "Mật ong rừng",
        "Mật ong - đặc sản của tỉnh",
        "Mật-ong",
        "Mật độ dân số các xã, phường của tỉnh Mẫu",
        "BÁO CÁO MẬT ĐỘ DÂN SỐ NĂM 2026",
        "MẬT ĐỘ DÂN SỐ",
        "Về việc bảo mật",
        "Bảo mật",
        "TĂNG CƯỜNG BẢO MẬT",
        "An toàn thông tin - Bảo mật",
        "AN TOÀN THÔNG TIN - BẢO MẬT",
        "Về việc đổi mật khẩu tài khoản văn thư",
        "Mật khẩu: cách đặt",
        "công tác bảo vệ bí mật nhà nước",
        "CÔNG TÁC BẢO VỆ BÍ MẬT NHÀ NƯỚC",
        "Danh mục bí mật nhà nước độ Tối mật và độ Tuyệt mật",
        "Quy định về độ mật, thời hạn giải mật",
        "Độ mật: Thường",
        "Độ mật: không",
        "Luật Cơ yếu và mật mã dân sự",
        "MẬT MÃ DÂN SỰ",
        "Về việc mổ sỏi mật",
        "SỎI MẬT",
        "Bệnh gan - mật",
        "KHOA GAN-MẬT",
        "Thân mật mời dự",
        "Mặt trận Tổ quốc",
        "MẶT TRẬN - KẾ HOẠCH",
        "(mất)",
        "Danh sach (mat)",
        "MAT - Ke hoach",
        "Hop tac [MATLAB]",
        "Về việc mua đèn tối mắt",
        "trời tối mật độ xe cao",
        "",
        "   ",
    ];

    #[test]
    fn markings_are_found_in_both_normal_forms() {
        for text in MARKED {
            assert!(mark(SUBJECT, text), "{text:?}");
            let decomposed: String = text.nfd().collect();
            assert!(mark(SUBJECT, &decomposed), "{text:?} in NFD");
        }
    }

    #[test]
    fn words_of_titles_are_left_alone() {
        for text in FREE {
            assert!(!mark(SUBJECT, text), "{text:?}");
            let decomposed: String = text.nfd().collect();
            assert!(!mark(SUBJECT, &decomposed), "{text:?} in NFD");
        }
    }

    #[test]
    fn file_names_have_their_own_separators() {
        let marked = [
            "Tối mật - ke hoach.pdf",
            "Mật_ke hoach.pdf",
            "MẬT.pdf",
            "mật.docx",
            "ke-hoach_MẬT.pdf",
            "ke hoach-MẬT.docx",
            "01. Mật - ke hoach.pdf",
            "1_TỐI_MẬT_ke_hoach.pdf",
            "TUYỆT-MẬT.tar.gz",
            "ke hoach (mật).docx",
            "[MAT] ke hoach.pdf",
            "TUYET_MAT_ke_hoach.pdf",
            "Mật-ke-hoach.pdf",
            "ke_hoach_(TOI_MAT).pdf",
            "ke-hoach_MẬT_2026.pdf",
            "Ke hoach - Tối mật.pdf",
        ];
        let free = [
            "mật-ong.pdf",
            "Mật_độ_dân_số.xlsx",
            "mật_khẩu.txt",
            "bảo-mật.docx",
            "QUY_CHẾ_BẢO_MẬT.docx",
            "bi-mat-thuong-mai.pdf",
            "MAT.pdf",
            "CHĂN_NUÔI_ONG_MẬT.pdf",
            "format.mat",
            "Mật ong rừng.pdf",
            "cam ket bao mat.pdf",
            "(mat).jpg",
        ];

        for name in marked {
            assert!(mark(FILE, name) && mark("Manifest.Reference.AttachmentName", name), "{name:?}");
        }
        for name in free {
            assert!(!mark(FILE, name), "{name:?}");
        }
    }

    #[test]
    fn only_some_elements_are_looked_at() {
        assert!(mark("MessageHeader.OtherInfo.SphereOfPromulgation", "Tuyệt mật"));
        assert!(!mark("MessageHeader.From.OrganName", "Tuyệt mật"));
        assert!(!mark("MessageHeader.Content", "Tuyệt mật"));
        for path in ["MessageHeader.Secret", "MessageHeader.OtherInfo.Secret"] {
            assert!(mark(path, "0") && !mark(path, " "));
        }
    }

    #[test]
    fn a_marked_packet_is_refused_without_quoting_it() {
        let draft = document().set(SUBJECT, "[MẬT] Phương án phòng thủ");
        let violations = draft.check();

        assert_eq!(judged(&draft), ["M.StateSecret"]);
        assert_eq!(violations[0].place, "MessageHeader/Subject");
        assert!(!violations[0].cause.vi.contains("phòng thủ"));
        assert_eq!(judged(&document().add("MessageHeader.OtherInfo.Secret", "1")), ["M.StateSecret"]);
    }
}
