//! What came of a run, as facts of the register, and the one function that says whether a case is passed.

use super::{Answered, Case, Expect, PARTNER, PARTNERS, RunName};
use crate::domain::rules::Wording;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// Everything that is known of a run.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Names its documents.
    pub run: RunName,
    /// What the partner sent to the tested agency.
    pub sent: Vec<Sent>,
    /// What the tested agency sent to the partners, in order.
    pub arrived: Vec<Arrived>,
    /// Answers that the hub made difficult on purpose.
    pub hindrances: Vec<Hindrance>,
    /// What was refused on its way to the partners.
    pub refused: Vec<Note>,
    /// SHA-256, in hexadecimal, of the file that is to come back.
    pub file_sha256: String,
    /// How far a reported time may be off.
    pub tolerance: TimeDelta,
}

/// Something that the partner sent, and what came of it.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// Code of its case.
    pub case: &'static str,
    /// Its number in the case.
    pub part: u8,
    /// When its content first left the hub.
    pub fetched_at: Option<DateTime<Utc>>,
    /// Whether it was confirmed as done.
    pub done: bool,
    /// Whether it was ever confirmed as failed.
    pub failed: bool,
    /// What the tested agency reported about it, in order.
    pub reports: Vec<Report>,
}

/// A status that the tested agency reported.
#[derive(Debug, Clone)]
pub struct Report {
    /// Two digits.
    pub code: String,
    /// Reason or note.
    pub description: String,
    /// When it happened, as claimed.
    pub claimed_at: Option<DateTime<Utc>>,
    /// When the hub accepted it.
    pub accepted_at: DateTime<Utc>,
}

/// A document that the tested agency sent to the partners.
#[derive(Debug, Clone, Default)]
pub struct Arrived {
    /// Code of the case whose mark it carries.
    pub case: &'static str,
    /// `new`, `recall`, `update`, `replacement`.
    pub kind: String,
    /// Its identifier.
    pub document_id: String,
    /// Who got it.
    pub recipients: Vec<String>,
    /// Its abstract.
    pub subject: String,
    /// Documents that it answers: sender and identifier.
    pub answers: Vec<(String, String)>,
    /// Identifiers of documents that it recalls, updates or replaces.
    pub acts_on: Vec<String>,
    /// SHA-256 of its files, in hexadecimal.
    pub files: Vec<String>,
    /// Digest of its meaning, in hexadecimal.
    pub meaning: String,
    /// How often it came.
    pub times: usize,
    /// Whether it was taken back or asked for since.
    pub taken_back: bool,
}

/// An answer that the hub made difficult on purpose.
#[derive(Debug, Clone)]
pub struct Hindrance {
    /// Code of the case.
    pub case: &'static str,
    /// How.
    pub answered: Answered,
    /// Digest of the packet's meaning, in hexadecimal.
    pub meaning: String,
}

/// A packet to the partners that was refused.
#[derive(Debug, Clone)]
pub struct Note {
    /// Code of the case.
    pub case: &'static str,
    /// Codes of the violations.
    pub codes: String,
}

/// How a case stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// What it needs has not come yet.
    Waiting,
    /// As expected.
    Passed,
    /// Not as expected, and why. A later act may still mend it while the run is open.
    Failed(Wording),
}

use Judgement::{Failed, Passed, Waiting};

fn failed(vi: impl Into<String>, en: impl Into<String>) -> Judgement {
    Failed(Wording { vi: vi.into(), en: en.into() })
}

fn passed_if(so: bool) -> Judgement {
    if so { Passed } else { Waiting }
}

/// Whether a case is passed.
pub fn judge(case: &Case, facts: &Facts) -> Judgement {
    let look = Look { case, facts };
    match case.expect {
        Expect::Arrival => look.arrival(),
        Expect::Status(code) => look.status(code),
        Expect::Refusal(words) => look.refusal(1, words),
        Expect::Clock => look.clock(),
        Expect::FetchedFirst => look.fetched_first(),
        Expect::Once => look.once(),
        Expect::Twin => look.twin(),
        Expect::FailThenDone => look.fail_then_done(),
        Expect::UrgentFirst => look.urgent_first(),
        Expect::Word => look.word(),
        Expect::Answer(code) => look.answer(code),
        Expect::Replaced => look.replaced(),
        Expect::Document => look.document(),
        Expect::Repeat => look.repeat(),
        Expect::Recipients => look.recipients(),
        Expect::Reply => look.reply(),
        Expect::SameFile => look.same_file(),
        Expect::ReportsRead => look.reports_read(),
        Expect::OwnRecall => passed_if(look.arrived().any(|a| a.kind == "new" && a.taken_back)),
        Expect::OwnReplacement => look.own_replacement(),
        Expect::Return(answered) => look.came_again(answered),
    }
}

/// Statuses that say that a clerk took the document in.
const TAKEN_IN: [&str; 4] = ["03", "04", "05", "06"];
/// Shortest reason that says anything, in characters.
const REASON_CHARS_MIN: usize = 10;

struct Look<'a> {
    case: &'a Case,
    facts: &'a Facts,
}

impl<'a> Look<'a> {
    fn sent(&self, part: u8) -> Option<&'a Sent> {
        self.facts.sent.iter().find(|sent| sent.case == self.case.code && sent.part == part)
    }

    fn arrived(&self) -> impl Iterator<Item = &'a Arrived> {
        let code = self.case.code;
        self.facts.arrived.iter().filter(move |arrived| arrived.case == code)
    }

    fn arrival(&self) -> Judgement {
        let Some(sent) = self.sent(1) else { return Waiting };
        if let Some(fault) = unfetched(sent) {
            return fault;
        }
        let early = sent.report("01").is_some_and(|r| sent.fetched_at.is_none_or(|at| r.accepted_at < at));
        if early {
            return failed("Báo 01 khi chưa tải văn bản.", "01 was reported before the document was fetched.");
        }
        passed_if(sent.fetched_at.is_some() && sent.done && sent.report("01").is_some())
    }

    fn status(&self, code: &str) -> Judgement {
        let Some(sent) = self.sent(1) else { return Waiting };
        let before: &[&str] = match code {
            "03" => &[],
            "06" => &["03", "04", "05"],
            _ => &["03"],
        };
        let is_there = sent.report(code).is_some();
        let never: &[&str] = match code {
            "06" => &["02"],
            "03" => &["02", "04", "06"],
            _ => &["02", "06"],
        };
        let wrong = sent.reports.iter().map(|r| r.code.as_str()).find(|said| match is_there {
            true => never.contains(said),
            false => *said == "02" || (TAKEN_IN.contains(said) && !before.contains(said)),
        });
        let last = sent.reports.iter().map(|r| r.code.as_str()).rfind(|said| TAKEN_IN.contains(said));
        if is_there && code == "06" && last != Some(code) {
            return failed(
                "Sau 06 còn báo mã khác: nghĩa của mã bị đảo.",
                "06 was not the last: the meanings are mixed up.",
            );
        }
        match wrong {
            Some(said) if is_there => {
                failed(format!("Ngoài {code} còn báo {said}."), format!("{said} was reported beside {code}."))
            }
            Some(said) => failed(
                format!("Báo {said} thay vì {code}: nghĩa của mã bị đảo hoặc sai."),
                format!("{said} was reported instead of {code}: the meanings of the codes are mixed up."),
            ),
            None => passed_if(is_there),
        }
    }

    fn refusal(&self, part: u8, words: Option<&str>) -> Judgement {
        let Some(sent) = self.sent(part) else { return Waiting };
        if let Some(said) = sent.reports.iter().find(|r| TAKEN_IN.contains(&r.code.as_str())) {
            return failed(
                format!("Báo {} thay vì từ chối 02.", said.code),
                format!("{} was reported instead of the refusal 02.", said.code),
            );
        }
        // The latest counts: a reason may be mended.
        let Some(refused) = sent.reports.iter().rfind(|r| r.code == "02") else { return Waiting };
        if refused.description.trim().chars().count() < REASON_CHARS_MIN {
            return failed(
                "02 không có lý do rõ ràng (ít nhất 10 ký tự).",
                "02 came without a reason of 10 characters.",
            );
        }
        match words {
            Some(words) if !plain(&refused.description).contains(&plain(words)) => failed(
                format!("Lý do đến nơi là «{}», không đúng nguyên văn.", refused.description),
                format!("The reason arrived as «{}», not as written.", refused.description),
            ),
            Some(_) | None => Passed,
        }
    }

    fn clock(&self) -> Judgement {
        let Some(report) = self.sent(1).and_then(|sent| sent.report("01")) else { return Waiting };
        let Some(claimed) = report.claimed_at else {
            return failed("01 không ghi Timestamp.", "01 carries no Timestamp.");
        };
        let from = self.sent(1).and_then(|sent| sent.fetched_at).unwrap_or(report.accepted_at);
        let early = from.signed_duration_since(claimed);
        let late = claimed.signed_duration_since(report.accepted_at);
        let off = early.max(late);
        if off <= self.facts.tolerance {
            return Passed;
        }
        let hours_7 = (off - TimeDelta::hours(7)).abs() <= self.facts.tolerance;
        let (vi, en) = match hours_7 {
            true => (" Lệch 7 giờ: đang ghi giờ UTC.", " Seven hours off: this is UTC."),
            false => ("", ""),
        };
        let seconds = off.num_seconds();
        failed(
            format!("Timestamp lệch {seconds} giây so với Trục.{vi}"),
            format!("The Timestamp is {seconds} seconds off the hub's clock.{en}"),
        )
    }

    fn fetched_first(&self) -> Judgement {
        let fault = self.facts.sent.iter().find_map(unfetched);
        fault.unwrap_or_else(|| passed_if(self.sent(1).is_some_and(|sent| sent.done)))
    }

    fn once(&self) -> Judgement {
        let twice = self.facts.sent.iter().find(|s| s.reports.iter().filter(|r| r.code == "03").count() > 1);
        match twice {
            Some(sent) => failed(
                format!("Văn bản của ca {} được vào sổ (03) hai lần.", sent.case),
                format!("The document of case {} was registered (03) twice.", sent.case),
            ),
            None => passed_if(self.sent(1).is_some_and(|sent| sent.report("03").is_some())),
        }
    }

    fn twin(&self) -> Judgement {
        let (Some(first), Some(second)) = (self.sent(1), self.sent(2)) else { return Waiting };
        let is_taken = |sent: &Sent| sent.reports.iter().any(|r| TAKEN_IN.contains(&r.code.as_str()));
        match (is_taken(first), is_taken(second)) {
            (true, true) => failed("Cả hai bản đều được vào sổ.", "Both copies were registered."),
            (_, true) => failed("Bản thứ hai được vào sổ.", "The second copy was registered."),
            (is_taken, false) => match self.refusal(2, None) {
                Passed => passed_if(is_taken),
                other @ (Waiting | Failed(_)) => other,
            },
        }
    }

    fn fail_then_done(&self) -> Judgement {
        match self.sent(1) {
            Some(sent) if sent.done && !sent.failed => {
                failed("Xác nhận done ngay, chưa qua fail.", "done came without fail before it.")
            }
            Some(sent) => passed_if(sent.done && sent.failed),
            None => Waiting,
        }
    }

    fn urgent_first(&self) -> Judgement {
        let express = self.sent(4).and_then(|sent| sent.fetched_at);
        let others: Vec<DateTime<Utc>> = (1..=3).filter_map(|part| self.sent(part)?.fetched_at).collect();
        match (express, others.iter().min()) {
            (_, None) => Waiting,
            (Some(express), Some(first)) if express <= *first => passed_if(others.len() == 3),
            (_, Some(_)) => {
                failed("Bản thường được tải trước bản Hỏa tốc.", "An ordinary one was fetched before the express one.")
            }
        }
    }

    fn word(&self) -> Judgement {
        let awaited = plain(&self.facts.run.awaited(self.case));
        let in_reports = self.sent(1).into_iter().flat_map(|sent| &sent.reports).map(|r| &r.description);
        let mut said = self.arrived().map(|a| &a.subject).chain(in_reports);
        match said.any(|text| plain(text).contains(&awaited)) {
            true => Passed,
            false if self.arrived().next().is_some() => failed(
                "Trích yếu trả lời không có mã (hoặc ngày) đúng.",
                "The subject that came back lacks the right word or date.",
            ),
            false => Waiting,
        }
    }

    fn answer(&self, code: Option<&str>) -> Judgement {
        let sent = self.facts.sent.iter().filter(|sent| sent.case == self.case.code);
        let answers: Vec<&Report> =
            sent.flat_map(|s| &s.reports).filter(|r| matches!(r.code.as_str(), "15" | "16")).collect();
        if answers.is_empty() {
            return Waiting;
        }
        match code {
            Some(code) if !answers.iter().any(|r| r.code == code) => {
                let said = answers.first().map_or("", |r| r.code.as_str());
                failed(format!("Trả lời {said} thay vì {code}."), format!("Answered {said} instead of {code}."))
            }
            Some(_) | None => Passed,
        }
    }

    fn replaced(&self) -> Judgement {
        match self.sent(2) {
            Some(new) if new.report("02").is_some() => {
                failed("Văn bản thay thế bị từ chối.", "The replacement was refused.")
            }
            Some(new) => passed_if(new.report("03").is_some()),
            None => Waiting,
        }
    }

    fn document(&self) -> Judgement {
        match (self.arrived().any(|a| !a.files.is_empty()), self.arrived().next()) {
            (true, _) => Passed,
            (false, Some(_)) => failed("Văn bản đến không có tệp đính kèm.", "The document came without a file."),
            (false, None) => Waiting,
        }
    }

    fn repeat(&self) -> Judgement {
        if self.arrived().any(|arrived| arrived.times > 1) {
            return Passed;
        }
        self.changed().unwrap_or(Waiting)
    }

    /// What a repeat that is no repeat looks like.
    fn changed(&self) -> Option<Judgement> {
        let conflict = self.facts.refused.iter().any(|n| n.case == self.case.code && n.codes.contains("Conflict"));
        let ids: BTreeSet<&str> = self.arrived().map(|arrived| arrived.document_id.as_str()).collect();
        match (conflict, ids.len()) {
            (true, _) => Some(failed(
                "Gửi lại với nội dung khác dưới cùng mã văn bản.",
                "It came again with another content under the same identifier.",
            )),
            (false, 2..) => Some(failed("Gửi lại với mã văn bản mới.", "It came again under a new identifier.")),
            (false, _) => None,
        }
    }

    fn recipients(&self) -> Judgement {
        let reaches = |id: &str, code: &str| {
            self.arrived().any(|a| a.document_id == id && a.recipients.iter().any(|r| r == code))
        };
        passed_if(self.arrived().any(|a| PARTNERS.iter().all(|partner| reaches(&a.document_id, partner.code))))
    }

    fn reply(&self) -> Judgement {
        let answered = self.facts.run.document_id(self.case.code, 1);
        let names = |a: &Arrived| a.answers.iter().any(|(sender, id)| sender == PARTNER.code && *id == answered);
        match (self.arrived().any(names), self.arrived().next()) {
            (true, _) => Passed,
            (false, Some(_)) => failed(
                "Văn bản trả lời không nêu (ResponseFor) văn bản đến.",
                "The reply does not name what it answers (ResponseFor).",
            ),
            (false, None) => Waiting,
        }
    }

    fn same_file(&self) -> Judgement {
        let mut files = self.arrived().flat_map(|arrived| &arrived.files).peekable();
        if files.peek().is_none() {
            return Waiting;
        }
        match files.any(|sha256| *sha256 == self.facts.file_sha256) {
            true => Passed,
            false => failed("Tệp gửi lại khác tệp đã nhận (SHA-256).", "The file that came back differs (SHA-256)."),
        }
    }

    fn reports_read(&self) -> Judgement {
        let parts: Vec<&Sent> = self.case.steps.iter().filter_map(|step| self.sent(step.part)).collect();
        passed_if(
            parts.len() == self.case.steps.len() && parts.iter().all(|sent| sent.done && sent.fetched_at.is_some()),
        )
    }

    fn own_replacement(&self) -> Judgement {
        let earlier: Vec<&str> = self.arrived().map(|a| a.document_id.as_str()).collect();
        let mut replacing = self.arrived().filter(|a| a.kind == "replacement").peekable();
        if replacing.peek().is_none() {
            return Waiting;
        }
        let names_other =
            |a: &Arrived| a.acts_on.iter().any(|id| *id != a.document_id && earlier.contains(&id.as_str()));
        match replacing.any(names_other) {
            true => Passed,
            false => failed(
                "Văn bản thay thế không nêu văn bản đã gửi.",
                "The replacement does not name the document sent before.",
            ),
        }
    }

    fn came_again(&self, answered: Answered) -> Judgement {
        let hindrance = self.facts.hindrances.iter().find(|h| h.case == self.case.code && h.answered == answered);
        let Some(hindrance) = hindrance else { return Waiting };
        if let Some(fault) = self.changed() {
            return fault;
        }
        let needed = if answered == Answered::Lost { 2 } else { 1 };
        match self.arrived().next() {
            Some(again) if again.meaning != hindrance.meaning => failed(
                "Gói tin gửi lại khác gói tin ban đầu.",
                "What came again says something else than the first try.",
            ),
            Some(again) => passed_if(again.times >= needed),
            None => Waiting,
        }
    }
}

impl Sent {
    fn report(&self, code: &str) -> Option<&Report> {
        self.reports.iter().find(|report| report.code == code)
    }
}

/// The fault of a document that was confirmed and never fetched.
fn unfetched(sent: &Sent) -> Option<Judgement> {
    let fault = || {
        let case = sent.case;
        failed(
            format!("Văn bản của ca {case} được xác nhận done khi chưa tải."),
            format!("The document of case {case} was confirmed as done and never fetched."),
        )
    };
    (sent.done && sent.fetched_at.is_none()).then(fault)
}

/// Text as it is compared: composed, in lower case.
fn plain(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase()
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
