//! The shape of a rule: its row in `RULES`, what its judge finds, and how a row and a finding become a
//! `Violation`. Not here: any single rule; each stands in the file of what it looks at.

use super::parties::Parties;
use super::{Class, Violation, Wording};
use crate::domain::envelope::Envelope;
use crate::domain::packet::{NodeId, Packet};
use chrono::{DateTime, Utc};

/// A fixed text in both languages; `{0}`, `{1}` … stand for the particulars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// Vietnamese, with diacritics.
    pub vi: &'static str,
    /// English.
    pub en: &'static str,
}

/// Who finds out that a rule is broken.
#[derive(Debug, Clone, Copy)]
pub enum Judge {
    /// `wire::read`, while the bytes go by.
    Reader,
    /// `exchange::accept`, which knows what was registered before.
    Exchange,
    /// `check_packet`, through this function.
    Packet(fn(&Packet, DateTime<Utc>) -> Vec<Finding>),
    /// `check_parties`, through this function.
    Parties(fn(&Envelope, &Parties) -> Vec<Finding>),
    /// `warnings`, through this function: the packet passes nevertheless.
    Warning(fn(&Packet) -> Vec<Finding>),
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Stable code.
    pub code: &'static str,
    /// Numeric class for old clients.
    pub class: Class,
    /// Who judges.
    pub judge: Judge,
    /// What the particulars are, in the order of `{0}`, `{1}` … in the texts.
    pub particulars: &'static [Text],
    /// What is wrong.
    pub cause: Text,
    /// What to do.
    pub remedy: Text,
    /// What to do when the last particular is not known.
    pub remedy_without_last: Option<Text>,
    /// The setting that bounds it, or the bound itself.
    pub limit: Option<&'static str>,
    /// Whether the same packet may pass later without being changed.
    pub retry: bool,
}

/// Rules that belong together, under a heading of `docs/codes.md`.
#[derive(Debug)]
pub struct Section {
    /// The heading.
    pub title: Text,
    /// Its rules.
    pub rules: &'static [Rule],
}

/// One place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where in the packet; empty for the packet as a whole.
    pub place: String,
    /// What the texts of the rule mention.
    pub particulars: Vec<String>,
}

impl Finding {
    /// A finding at a place, without particulars.
    pub fn at(place: impl Into<String>) -> Self {
        Self { place: place.into(), particulars: Vec::new() }
    }

    /// The same with one more particular.
    pub fn with(mut self, particular: impl Into<String>) -> Self {
        self.particulars.push(particular.into());
        self
    }
}

impl Rule {
    /// A row without texts, to be completed by the functions below.
    pub const fn new(code: &'static str, class: Class, judge: Judge) -> Self {
        let none = Text { vi: "", en: "" };
        Self {
            code,
            class,
            judge,
            particulars: &[],
            cause: none,
            remedy: none,
            remedy_without_last: None,
            limit: None,
            retry: false,
        }
    }

    /// The row with the names of its particulars.
    pub const fn given(self, particulars: &'static [Text]) -> Self {
        Self { particulars, ..self }
    }

    /// The row with its cause.
    pub const fn cause(self, vi: &'static str, en: &'static str) -> Self {
        Self { cause: Text { vi, en }, ..self }
    }

    /// The row with its remedy.
    pub const fn remedy(self, vi: &'static str, en: &'static str) -> Self {
        Self { remedy: Text { vi, en }, ..self }
    }

    /// The row with another remedy for when the last particular is not known.
    pub const fn remedy_without_last(self, vi: &'static str, en: &'static str) -> Self {
        Self { remedy_without_last: Some(Text { vi, en }), ..self }
    }

    /// The row with its limit.
    pub const fn limit(self, limit: &'static str) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// The row of a rule that the same packet may pass later.
    pub const fn retry(self) -> Self {
        Self { retry: true, ..self }
    }

    /// The violation of this rule at a place.
    pub fn violation(&self, place: &str, particulars: &[&str]) -> Violation {
        let remedy = match self.remedy_without_last {
            Some(text) if particulars.len() < self.particulars.len() => text,
            _ => self.remedy,
        };
        Violation {
            code: self.code.to_owned(),
            class: self.class,
            place: place.to_owned(),
            cause: self.filled(self.cause, particulars),
            remedy: self.filled(remedy, particulars),
            retry: self.retry,
        }
    }

    /// The violation as the catalogue shows it: with the names of the particulars and every remedy.
    pub fn described(&self) -> Violation {
        let main = self.filled(self.remedy, &[]);
        let remedy = match self.remedy_without_last {
            Some(other) => Wording { vi: format!("{} {}", main.vi, other.vi), en: format!("{} {}", main.en, other.en) },
            None => main,
        };
        Violation { remedy, ..self.violation("", &[]) }
    }

    /// The violations of this rule at every place that its judge found.
    pub fn violations(&self, findings: Vec<Finding>) -> impl Iterator<Item = Violation> {
        findings.into_iter().map(|finding| {
            let particulars: Vec<&str> = finding.particulars.iter().map(String::as_str).collect();
            self.violation(&finding.place, &particulars)
        })
    }

    fn filled(&self, text: Text, particulars: &[&str]) -> Wording {
        let name = |at: usize, of: fn(&Text) -> &'static str| self.particulars.get(at).map_or("?", of);
        let given = |at: usize| particulars.get(at).map(|p| shown(p));
        Wording {
            vi: fill(text.vi, |at| given(at).unwrap_or_else(|| format!("{{{}}}", name(at, |t| t.vi)))),
            en: fill(text.en, |at| given(at).unwrap_or_else(|| format!("{{{}}}", name(at, |t| t.en)))),
        }
    }
}

/// The template with its particulars, as they may be quoted.
pub fn filled(template: &str, particulars: &[&str]) -> String {
    fill(template, |at| particulars.get(at).map_or_else(String::new, |text| shown(text)))
}

/// The template with every `{0}` … `{9}` replaced, in one pass: what is put in is never read again.
fn fill(template: &str, of: impl Fn(usize) -> String) -> String {
    let mut pieces = template.split('{');
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once('}').and_then(|(number, rest)| Some((number.parse().ok()?, rest))) {
            Some((at, rest)) => filled.extend([of(at).as_str(), rest]),
            None => filled.extend(["{", piece]),
        }
    }
    filled
}

/// Longest stretch of a packet that a text quotes.
const QUOTED_CHARS_MAX: usize = 100;

/// A stretch of a packet as it may be quoted: on one line, not longer than bearable.
pub fn shown(text: &str) -> String {
    let mut quoted: String =
        text.chars().take(QUOTED_CHARS_MAX).map(|c| if is_invisible(c) { ' ' } else { c }).collect();
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        quoted.push_str("...");
    }
    quoted
}

/// Control characters, and the marks that turn the direction of writing (a file name that ends in `exe`
/// can be made to look as if it ended in `pdf`).
pub fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// The wrapper, which places leave out.
const WRAPPERS: [&str; 3] = ["edXMLEnvelope/edXMLHeader/", "edXMLEnvelope/edXMLBody/", "AttachmentEncoded/"];

/// Where a node stands: `MessageHeader/To[2]/OrganId`.
pub fn place(packet: &Packet, id: NodeId) -> String {
    let whole = packet.place(id);
    match WRAPPERS.iter().find_map(|wrapper| whole.strip_prefix(wrapper)) {
        Some(inner) => inner.to_owned(),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Rule = Rule::new("M.Test", Class::NotToStandard, Judge::Reader)
        .given(&[Text { vi: "mã", en: "code" }, Text { vi: "tên", en: "name" }])
        .cause("\"{0}\" và {1}", "\"{0}\" and {1}")
        .remedy("Gửi {1}.", "Send {1}.")
        .remedy_without_last("Hỏi.", "Ask.");

    #[test]
    fn particulars_are_filled_in_once() {
        let violation = ROW.violation("A/B", &["{1}", "x"]);

        assert_eq!(violation.cause.vi, "\"{1}\" và x");
        assert_eq!(violation.remedy.en, "Send x.");
        assert_eq!(violation.place, "A/B");
    }

    #[test]
    fn what_is_not_given_shows_its_name() {
        let violation = ROW.violation("", &["h"]);

        assert_eq!(violation.cause.vi, "\"h\" và {tên}");
        assert_eq!(violation.cause.en, "\"h\" and {name}");
        assert_eq!(violation.remedy.vi, "Hỏi.");
    }

    #[test]
    fn quotations_are_short_and_visible() {
        assert_eq!(shown("a\u{202E}b\nc"), "a b c");
        assert_eq!(shown(&"x".repeat(101)).len(), 103);
        assert_eq!(shown(&"ậ".repeat(100)), "ậ".repeat(100));
    }
}
