//! The self-test of a system: cases that a DMS goes through with a partner that the hub plays, and how each is judged.
//! `receiving` and `sending` are the table, `script` says what the partner sends and when, `judge` looks at what came
//! of it. Pure: who sends and who looks is in `exchange::selftest`.

mod judge;
mod receiving;
mod script;
mod sending;

pub use judge::{Arrived, Facts, Hindrance, Judgement, Note, Report, Sent, judge};
pub use script::{Dialect, File, Shape, Step, Text, Twin, What, When, due};

use super::agency::OrganId;
use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Datelike, NaiveDate, Utc};

/// Grows when a case is added, dropped or judged otherwise: a certificate says which set was passed.
pub const VERSION: &str = "2026.1";

/// An agency that the hub plays.
#[derive(Debug)]
pub struct Partner {
    /// Its code.
    pub code: &'static str,
    /// Its code in the old form, by which some cases name it.
    pub old_code: &'static str,
    /// What people see.
    pub name: &'static str,
}

/// The agencies that the hub plays: the partner of every case, and one more where a packet has several recipients.
/// Nobody can hold them, and they take documents only within a run.
pub const PARTNERS: [Partner; 2] = [
    Partner {
        code: "DOCAXIS.KIEMTHU",
        old_code: "000.00.98.Z98",
        name: "Đơn vị kiểm thử số 1 của Trục (không phải cơ quan thật)",
    },
    Partner {
        code: "DOCAXIS.KIEMTHU.2",
        old_code: "000.00.99.Z99",
        name: "Đơn vị kiểm thử số 2 của Trục (không phải cơ quan thật)",
    },
];

/// The partner of every case.
pub const PARTNER: &Partner = &PARTNERS[0];

/// The system that speaks for the partners. It has no key, and none can be made for it.
pub const SYSTEM: &str = "docaxis.selftest";

/// Whether a code, of an agency or a system, is kept for the self-test.
pub fn is_reserved(code: &str) -> bool {
    let of_partner = |p: &Partner| code.eq_ignore_ascii_case(p.code) || code.eq_ignore_ascii_case(p.old_code);
    code.eq_ignore_ascii_case(SYSTEM) || PARTNERS.iter().any(of_partner)
}

/// Whether an organ id leads to an agency that the hub plays.
pub fn is_partner(organ_id: &OrganId) -> bool {
    is_reserved(organ_id.as_str())
}

/// A text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Both {
    /// Vietnamese.
    pub vi: &'static str,
    /// English.
    pub en: &'static str,
}

const EMPTY: Both = Both { vi: "", en: "" };

/// One case.
#[derive(Debug)]
pub struct Case {
    /// Two digits.
    pub code: &'static str,
    /// Whether a certificate needs it; the others are good practice.
    pub mandatory: bool,
    /// What it is about.
    pub title: Both,
    /// What the operator of the tested system does; `{ma}` stands for the mark that the subject must carry.
    pub task: Both,
    /// What the hub must see.
    pub expects: Both,
    /// What to look at when it fails.
    pub remedy: Both,
    /// Where it is demanded.
    pub source: &'static str,
    /// What the partner sends.
    pub steps: &'static [Step],
    /// How it is judged.
    pub expect: Expect,
}

/// How a case is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Fetched, confirmed, reported as arrived.
    Arrival,
    /// This status, neither more nor another.
    Status(&'static str),
    /// Status 02 with a reason; with these words in it, when there are any.
    Refusal(Option<&'static str>),
    /// The time of report 01 agrees with the hub's.
    Clock,
    /// Nothing in the whole run was confirmed that was not fetched.
    FetchedFirst,
    /// Nothing in the whole run was registered twice.
    Once,
    /// The second copy of a document under another identifier is refused.
    Twin,
    /// Confirmed as `fail` first, then as `done`.
    FailThenDone,
    /// The urgent one was fetched before the others.
    UrgentFirst,
    /// The word in the file, or the date, comes back.
    Word,
    /// The request to take back or change is answered; by this code, when one is asked for.
    Answer(Option<&'static str>),
    /// The document that replaces another is registered.
    Replaced,
    /// A document with a file came.
    Document,
    /// The same packet came again and was known as the same.
    Repeat,
    /// One document came for both partners.
    Recipients,
    /// A document came that names the one it answers.
    Reply,
    /// The file came back as it was.
    SameFile,
    /// The partner's reports were fetched and confirmed.
    ReportsRead,
    /// The system took its own document back.
    OwnRecall,
    /// The system replaced its own document.
    OwnReplacement,
    /// The system came back with the same after such an answer.
    Return(Answered),
}

impl Expect {
    /// How the hub answers the first packet, in a case that tests retries.
    pub fn answered(self) -> Option<Answered> {
        if let Self::Return(answered) = self { Some(answered) } else { None }
    }
}

/// How the hub answers the first packet of a case that tests retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// With 429, nothing registered.
    TooMany,
    /// With 503, nothing registered.
    Unavailable,
    /// Registered, but answered with 503, as if the receipt were lost on its way.
    Lost,
}

impl Answered {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooMany => "too-many",
            Self::Unavailable => "unavailable",
            Self::Lost => "lost",
        }
    }

    /// The answer of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::TooMany, Self::Unavailable, Self::Lost].into_iter().find(|a| a.word() == word)
    }
}

impl Case {
    const fn new(code: &'static str, expect: Expect, steps: &'static [Step]) -> Self {
        Self {
            code,
            mandatory: true,
            title: EMPTY,
            task: EMPTY,
            expects: EMPTY,
            remedy: EMPTY,
            source: "",
            steps,
            expect,
        }
    }

    const fn recommended(self) -> Self {
        Self { mandatory: false, ..self }
    }

    const fn title(self, vi: &'static str, en: &'static str) -> Self {
        Self { title: Both { vi, en }, ..self }
    }

    const fn task(self, vi: &'static str, en: &'static str) -> Self {
        Self { task: Both { vi, en }, ..self }
    }

    const fn expects(self, vi: &'static str, en: &'static str) -> Self {
        Self { expects: Both { vi, en }, ..self }
    }

    const fn remedy(self, vi: &'static str, en: &'static str) -> Self {
        Self { remedy: Both { vi, en }, ..self }
    }

    const fn source(self, source: &'static str) -> Self {
        Self { source, ..self }
    }

    /// What the operator does in one run, in Vietnamese and English.
    pub fn task_in(&self, run: &RunName) -> (String, String) {
        let mark = run.mark(self.code);
        (self.task.vi.replace("{ma}", &mark), self.task.en.replace("{ma}", &mark))
    }
}

/// Every case, in the order of codes.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    receiving::CASES.iter().chain(sending::CASES)
}

/// The case of a code.
pub fn find(code: &str) -> Option<&'static Case> {
    cases().find(|case| case.code == code)
}

/// The cases as Markdown, for docs/selftest.md.
pub fn case_list() -> String {
    let mut list = String::new();
    for case in cases() {
        let need = if case.mandatory { "bắt buộc / mandatory" } else { "khuyến nghị / recommended" };
        list.push_str(&format!("### {} {} / {}\n\n", case.code, case.title.vi, case.title.en));
        list.push_str(&format!("{need}. {}\n\n", case.source));
        let rows = [
            ("Việc cần làm / Task", case.task),
            ("Kết quả / Expected", case.expects),
            ("Khi không đạt / When it fails", case.remedy),
        ];
        for (name, text) in rows {
            list.push_str(&format!("- **{name}**: {}<br>{}\n", text.vi, text.en));
        }
        list.push('\n');
    }
    list
}

/// What names the documents of a run: a mark that people can type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunName {
    run_id: String,
    day: NaiveDate,
}

/// Letters and digits that are not taken for each other.
const ALPHABET: &[u8; 24] = b"ACDEFHJKLMNPQRTUVWXY3479";
const WORD_CHARS: usize = 6;

impl RunName {
    /// The names of a run that began on a day, in Vietnam.
    pub fn new(run_id: &str, day: NaiveDate) -> Self {
        Self { run_id: run_id.to_owned(), day }
    }

    /// The day on which the run began: documents of it carry it.
    pub fn day(&self) -> NaiveDate {
        self.day
    }

    fn drawn(&self, what: &str) -> String {
        let hash = digest(&SHA256, format!("{}:{what}", self.run_id).as_bytes());
        let letters = hash.as_ref().iter().take(WORD_CHARS);
        letters.filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len())).map(|b| char::from(*b)).collect()
    }

    /// What the subject of every document of a case carries: `KT-<run>-<case>`.
    pub fn mark(&self, case: &str) -> String {
        format!("KT-{}-{case}", self.drawn("run"))
    }

    /// The case whose mark a subject carries, in any case of letters.
    pub fn case_of(&self, subject: &str) -> Option<&'static Case> {
        let subject = subject.to_ascii_uppercase();
        cases().find(|case| subject.contains(&self.mark(case.code)))
    }

    /// The identifier of the document that the partner sends in a case.
    pub fn document_id(&self, case: &str, part: u8) -> String {
        format!("{},{},{case}-{part}/{}", PARTNER.code, self.day.format("%Y/%m/%d"), self.notation())
    }

    /// The notation of the partner's documents.
    pub fn notation(&self) -> String {
        format!("KT-{}", self.drawn("run"))
    }

    /// The case and part of a document of this run.
    pub fn part_of(&self, document_id: &str) -> Option<(&'static Case, u8)> {
        let part = |case: &'static Case| (1..=9).find(|part| self.document_id(case.code, *part) == document_id);
        cases().find_map(|case| part(case).map(|part| (case, part)))
    }

    /// The word that stands in a file of a case and must come back.
    pub fn word(&self, case: &str) -> String {
        self.drawn(case)
    }

    /// The deadline in the document about deadlines: a day and month that can be taken for each other, next year.
    pub fn due_on(&self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.day.year().saturating_add(1), 3, 4).unwrap_or(self.day)
    }

    /// What must come back in a case of `Expect::Word`.
    pub fn awaited(&self, case: &Case) -> String {
        let dated = case.steps.iter().any(|step| matches!(step.what, What::Document(Shape { due: true, .. })));
        if dated { self.due_on().format("%d/%m/%Y").to_string() } else { self.word(case.code) }
    }
}

/// The results that a certificate stands for, as one digest: code and outcome of each case and when it was judged.
pub fn results_digest<'a>(lines: impl Iterator<Item = (&'a str, &'a str, DateTime<Utc>)>) -> String {
    let text: String = lines.map(|(code, word, at)| format!("{code} {word} {}\n", at.timestamp_micros())).collect();
    hex::encode(digest(&SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn run() -> RunName {
        RunName::new("01a1ffe2773d7220bcf03a68c01fde6b", NaiveDate::from_ymd_opt(2026, 11, 21).unwrap())
    }

    #[test]
    fn codes_count_from_01_and_every_text_is_there_in_both_languages() {
        for (number, case) in (1..).zip(cases()) {
            assert_eq!(case.code, format!("{number:02}"));
            for text in [case.title, case.task, case.expects, case.remedy] {
                assert!(text.vi.len() > 10 && text.en.len() > 10, "{}", case.code);
            }
            assert!(!case.source.is_empty(), "{}", case.code);
        }
    }

    #[test]
    fn a_subject_with_the_task_in_both_languages_is_not_cut() {
        for case in cases() {
            let (vi, en) = case.task_in(&run());
            let subject = format!("[KIỂM THỬ {}] {vi} / {en}", run().mark(case.code));
            assert!(subject.chars().count() <= 500, "{}: {}", case.code, subject.chars().count());
        }
    }

    #[test]
    fn a_mark_leads_to_its_case_however_it_is_typed() {
        let names = run();
        assert_eq!(names.case_of(&format!("Trả lời {}", names.mark("29"))).unwrap().code, "29");
        assert_eq!(names.case_of(&names.mark("30").to_lowercase()).unwrap().code, "30");
        assert!(names.case_of("KT-XXXXXX-29").is_none());
        assert!(names.case_of("Văn bản thường").is_none());
    }

    #[test]
    fn documents_of_a_run_have_names_of_their_own() {
        let names = run();
        let mut seen = HashSet::new();
        for case in cases() {
            for part in 1..=9 {
                assert!(seen.insert(names.document_id(case.code, part)));
            }
        }
        assert_eq!(names.part_of(&names.document_id("11", 2)).map(|(case, part)| (case.code, part)), Some(("11", 2)));
        assert!(names.part_of("X99.A01,2026/11/20,1/VP").is_none());
        let other = RunName::new("01a1ffe2773d7220bcf03a68c01fde6c", names.day());
        assert!(other.part_of(&names.document_id("11", 2)).is_none());
    }

    #[test]
    fn what_is_reserved_is_known_in_any_spelling() {
        for code in ["DOCAXIS.KIEMTHU", "docaxis.kiemthu.2", "000.00.98.z98", "Docaxis.Selftest"] {
            assert!(is_reserved(code), "{code}");
        }
        assert!(!is_reserved("X99.A01"));
    }

    #[test]
    fn the_generated_list_of_cases_is_current() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/selftest.md");
        let text = std::fs::read_to_string(&file).unwrap();
        let (begin, end) = ("<!-- cases: written by `DOCAXIS_WRITE_DOCS=1 cargo test` -->\n", "<!-- end of cases -->");
        let (before, rest) = text.split_once(begin).unwrap();
        let (_, after) = rest.split_once(end).unwrap();

        let current = format!("{before}{begin}{}{end}{after}", case_list());

        if std::env::var_os("DOCAXIS_WRITE_DOCS").is_some() {
            std::fs::write(&file, &current).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), current, "run with DOCAXIS_WRITE_DOCS=1");
    }
}
