//! Vietnamese text without its marks: for logs, for comparing and for search (design D14); and text as HTML shows it.
//! Not here: any wording; the originals are always what people see.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The text with marks dropped and `đ` as `d`; case and punctuation stay. The unaccented twin for logs.
pub fn unaccented(text: &str) -> String {
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| match c {
            'đ' => 'd',
            'Đ' => 'D',
            other => other,
        })
        .collect()
}

/// The text with letters and marks apart (NFD), as some systems write it.
pub fn decomposed(text: &str) -> String {
    text.nfd().collect()
}

/// The form two spellings of the same words share: unaccented, lower case, everything else one space.
pub fn folded(text: &str) -> String {
    let plain = unaccented(text).to_lowercase();
    let words: Vec<&str> = plain.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.join(" ")
}

/// Whether XML allows a character.
pub fn is_writable(sign: char) -> bool {
    !matches!(sign, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Text as HTML shows it: what came from outside may look like markup.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_normal_forms_and_tone_placements_fold_alike() {
        assert_eq!(folded("Quyết định số 74/QĐ-UBND"), "quyet dinh so 74 qd ubnd");
        assert_eq!(folded("hòa"), folded("hoà"));
        assert_eq!(folded("Đường"), folded("Đu\u{31b}o\u{31b}\u{300}ng"));
    }

    #[test]
    fn the_unaccented_twin_keeps_case_and_signs() {
        assert_eq!(unaccented("Đơn vị nhận: «Hà Nội»"), "Don vi nhan: «Ha Noi»");
    }
}
