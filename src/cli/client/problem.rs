//! A failure as the hub tells it (`application/problem+json`), for people: Vietnamese first, with every violation.

use super::words::shown;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use std::io::Write;

/// Words in both languages.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Words {
    #[serde(default)]
    vi: String,
    #[serde(default)]
    en: String,
}

impl Words {
    /// One line for people; the second language only where it says something else.
    pub fn line(&self) -> String {
        match (self.vi.trim(), self.en.trim()) {
            (vi, en) if vi == en || en.is_empty() => shown(vi),
            ("", en) => shown(en),
            (vi, en) => shown(&format!("{vi} / {en}")),
        }
    }

    /// A line for each language that says something.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        [&self.vi, &self.en].into_iter().filter(|text| !text.is_empty()).map(|text| shown(text))
    }
}

/// A reason to refuse a packet, or something to note about it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Violation {
    code: String,
    class: u16,
    place: String,
    cause: Words,
    remedy: Words,
}

impl Violation {
    /// Prints it as `envelope check` does.
    pub fn print(&self, what: &str, out: &mut dyn Write) -> std::io::Result<()> {
        let Self { code, class, place, cause, remedy } = self;
        writeln!(out, "  {what} {} ({class}) {}", shown(code), shown(place))?;
        writeln!(out, "    {} {}", shown(&cause.vi), shown(&remedy.vi))?;
        writeln!(out, "    {} {}", shown(&cause.en), shown(&remedy.en))
    }
}

/// What the hub said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// The word for scripts.
    pub code: String,
    title: String,
    title_vi: String,
    detail: String,
    detail_vi: String,
    request_id: String,
    violations: Vec<Violation>,
    /// The whole answer.
    #[serde(skip)]
    pub raw: Value,
}

impl Problem {
    /// Reads an answer; one that is no problem of the hub, such as a proxy's, is told as far as it goes.
    pub fn of(status: u16, body: &[u8]) -> Self {
        let raw = serde_json::from_slice::<Value>(body).ok().filter(Value::is_object);
        let Some(raw) = raw else {
            let text: String = String::from_utf8_lossy(body).chars().take(200).collect();
            let raw = json!({ "status": status, "body": text });
            return Self { status, title: text, raw, ..Self::default() };
        };
        let read: Self = Self::deserialize(&raw).unwrap_or_default();
        Self { status, raw, ..read }
    }

    /// Prints it with every violation.
    pub fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        for violation in &self.violations {
            violation.print("lỗi / fault", out)?;
        }
        match self.request_id.is_empty() {
            true => Ok(()),
            false => writeln!(out, "  request_id {}", shown(&self.request_id)),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let both = |vi: &String, en: &String| Words { vi: vi.clone(), en: en.clone() }.line();
        let (title, detail) = (both(&self.title_vi, &self.title), both(&self.detail_vi, &self.detail));
        match title.is_empty() {
            true => write!(f, "HTTP {}", self.status)?,
            false => write!(f, "{title} (HTTP {})", self.status)?,
        }
        match detail.is_empty() {
            true => Ok(()),
            false => write!(f, ": {detail}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_in_both_languages_with_every_violation() {
        let body = json!({
            "title": "The packet was refused", "title_vi": "Gói tin không được chấp nhận", "request_id": "r1",
            "detail": "two faults", "detail_vi": "hai lỗi",
            "violations": [
                {"code": "A", "class": 18, "place": "p", "cause": {"vi": "Sai.", "en": "Wrong."},
                 "remedy": {"vi": "Sửa.", "en": "Mend."}},
                {"code": "B", "class": 19},
            ],
        });
        let problem = Problem::of(422, body.to_string().as_bytes());
        let mut out = Vec::new();
        problem.print(&mut out).unwrap();
        let said = String::from_utf8(out).unwrap();

        let line = "Gói tin không được chấp nhận / The packet was refused (HTTP 422): hai lỗi / two faults";
        assert_eq!(problem.to_string(), line);
        for words in ["A (18) p", "Sai. Sửa.", "Wrong. Mend.", "B (19)", "request_id r1"] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }

    #[test]
    fn an_answer_of_somebody_else_is_told_as_far_as_it_goes() {
        assert_eq!(Problem::of(502, b"<html>Bad\x1b[2J Gateway").to_string(), "<html>Bad [2J Gateway (HTTP 502)");
        assert_eq!(Problem::of(502, b"").to_string(), "HTTP 502");
    }
}
