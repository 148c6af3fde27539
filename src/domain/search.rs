//! What documents are found by, and what people ask: both folded by one rule (design D14). Number and notation can be
//! asked for in any spelling: `7816/VPCP-TTĐT`, `7816 vpcp ttdt`, `7816vpcp`.

use super::text::folded;

/// Words of a document, each once.
const WORDS_MAX: usize = 400;

/// Words of a question that are looked at.
const ASKED_MAX: usize = 12;

/// What the words of a document come from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Number and notation.
    pub code: &'a str,
    /// The document's identifier.
    pub document_id: &'a str,
    /// Abstract.
    pub subject: &'a str,
    /// Name of the kind of document.
    pub type_name: &'a str,
}

/// The words by which a document is found: those of its facts, and marked ones for number and notation in one piece, for
/// its identifier, and for each party.
pub fn words<'a>(facts: Facts<'_>, parties: impl Iterator<Item = &'a str>) -> Vec<String> {
    let plain = folded(&[facts.code, facts.subject, facts.type_name].join(" "));
    let mut words: Vec<String> = vec![number_word(facts.code), document_word(facts.document_id)];
    words.extend(plain.split(' ').filter(|word| !word.is_empty()).take(WORDS_MAX).map(str::to_owned));
    words.extend(parties.map(party_word));
    words.sort();
    words.dedup();
    words
}

/// The word that stands for an agency on a document.
pub fn party_word(code: &str) -> String {
    format!("a{}", compact(code))
}

fn number_word(code: &str) -> String {
    format!("n{}", compact(code))
}

fn document_word(document_id: &str) -> String {
    format!("d{}", compact(document_id))
}

fn compact(text: &str) -> String {
    folded(text).replace(' ', "")
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// How number and notation would begin, if it begins with a digit; and how the document's identifier would.
    pub beginnings: Vec<String>,
    /// The words.
    pub words: Vec<String>,
}

/// What a text asks for; nothing when it has no letter and no digit.
pub fn asked(text: &str) -> Option<Asked> {
    let folded = folded(text);
    let words: Vec<String> = folded.split(' ').filter(|w| !w.is_empty()).take(ASKED_MAX).map(str::to_owned).collect();
    let is_number = folded.starts_with(|c: char| c.is_ascii_digit());
    let beginnings = is_number.then(|| number_word(text)).into_iter().chain([document_word(text)]).collect();
    (!words.is_empty()).then_some(Asked { beginnings, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_in_any_spelling() {
        let facts =
            Facts { code: "7816/VPCP-TTĐT", document_id: "X99.A01,2026/11/20,7816", subject: "", type_name: "" };
        let words = words(facts, ["X99.A01"].into_iter());

        for spelling in ["7816/VPCP-TTĐT", "7816 vpcp ttdt", "7816vpcpttdt", "7816", "7816-VPCP", " 7816/vpcp "] {
            let beginning = &asked(spelling).unwrap().beginnings[0];
            assert!(words.iter().any(|word| word.starts_with(beginning)), "{spelling}");
        }
        assert!(words.contains(&"ax99a01".to_owned()) && words.contains(&"dx99a01202611207816".to_owned()));
    }

    #[test]
    fn words_are_asked_for_without_marks_and_signs_alone_ask_for_nothing() {
        let asked_for = asked("Kế hoạch “phòng, chống” Hoà").unwrap();
        assert_eq!(asked_for.words, ["ke", "hoach", "phong", "chong", "hoa"]);
        assert_eq!(asked_for.beginnings, ["dkehoachphongchonghoa"]);
        assert_eq!(asked("  / – "), None);
    }
}
