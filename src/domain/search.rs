//! What documents are found by, and what people ask: both folded by one rule (design D14). Number and notation can be
//! asked for in any spelling: `7816/VPCP-TTĐT`, `7816 vpcp ttdt`, `7816vpcp`.

use super::text::folded;

/// Words of a document, each once.
const WORDS_MAX: usize = 400;

/// Words of a question that are looked at.
const ASKED_MAX: usize = 12;

/// Letters of a word that count: longer ones are found by their beginning.
const LETTERS_MAX: usize = 40;

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

/// The words by which a document is found, each marked by what it is: those of its facts, number and notation in one piece,
/// its identifier, its parties. What people type is never taken for a mark.
pub fn words<'a>(facts: Facts<'_>, parties: impl Iterator<Item = &'a str>) -> Vec<String> {
    let plain = folded(&[facts.code, facts.subject, facts.type_name].join(" "));
    let mut words: Vec<String> = vec![number_word(facts.code), document_word(facts.document_id)];
    words.extend(plain.split(' ').filter(|word| !word.is_empty()).take(WORDS_MAX).map(plain_word));
    words.extend(parties.map(party_word));
    words.sort();
    words.dedup();
    words
}

/// The word that stands for an agency on a document.
pub fn party_word(code: &str) -> String {
    format!("a{}", compact(code))
}

fn plain_word(word: &str) -> String {
    format!("w{}", word.chars().take(LETTERS_MAX).collect::<String>())
}

fn number_word(code: &str) -> String {
    format!("n{}", compact(code))
}

fn document_word(document_id: &str) -> String {
    format!("d{}", compact(document_id))
}

fn compact(text: &str) -> String {
    folded(text).chars().filter(|c| *c != ' ').take(LETTERS_MAX.saturating_mul(2)).collect()
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// How number and notation would begin, if there is a number.
    pub number: Option<String>,
    /// How the document's identifier would begin.
    pub document: String,
    /// The words.
    pub words: Vec<String>,
}

/// What a text asks for; nothing when it has no letter and no digit. The number may stand behind words: `Số 7816/VPCP`.
pub fn asked(text: &str) -> Option<Asked> {
    let folded = folded(text);
    let all: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).take(ASKED_MAX).collect();
    let from_number = all.iter().position(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let number = from_number.and_then(|at| all.get(at..)).map(|words| number_word(&words.concat()));
    let words: Vec<String> = all.iter().map(|word| plain_word(word)).collect();
    (!words.is_empty()).then(|| Asked { number, document: document_word(text), words })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Facts<'_> = Facts { code: "", document_id: "", subject: "", type_name: "" };

    #[test]
    fn a_number_is_found_in_any_spelling() {
        let facts =
            Facts { code: "7816/VPCP-TTĐT", document_id: "X99.A01,2026/11/20,7816", subject: "", type_name: "" };
        let words = words(facts, ["X99.A01"].into_iter());

        for spelling in ["7816/VPCP-TTĐT", "Số 7816 vpcp ttdt", "7816vpcpttdt", "7816", "CV 7816-VPCP", " 7816/vpcp "]
        {
            let beginning = asked(spelling).unwrap().number.unwrap();
            assert!(words.iter().any(|word| word.starts_with(&beginning)), "{spelling}");
        }
        assert!(words.contains(&"ax99a01".to_owned()) && words.contains(&"dx99a01202611207816".to_owned()));
    }

    #[test]
    fn words_are_asked_for_without_marks_and_signs_alone_ask_for_nothing() {
        let asked_for = asked("Kế hoạch “phòng, chống” Hoà").unwrap();
        assert_eq!(asked_for.words, ["wke", "whoach", "wphong", "wchong", "whoa"]);
        assert_eq!((asked_for.number, asked_for.document.as_str()), (None, "dkehoachphongchonghoa"));
        assert_eq!(asked("  / – "), None);
        assert!(asked(&"x".repeat(5000)).unwrap().words[0].len() < 50);
        assert!(!words(NOTHING, ["X99.C03"].into_iter()).contains(&asked("ax99c03").unwrap().words[0]));
    }
}
