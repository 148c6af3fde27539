//! The stage of the demo: does one step, compares it with what was expected, prints its line, counts.
//! Not here: which steps (`story`).

use super::packets::marked;
use super::robot::{Answer, Kind, Robot};
use crate::config::Packets;
use crate::domain::dates::VIETNAM;
use crate::domain::envelope::{Content, Envelope};
use crate::hub::Clock;
use crate::wire::read;
use anyhow::Context;
use std::io::Write;

/// What a step must lead to.
#[derive(Debug, Clone, Copy)]
pub enum Expect<'a> {
    /// Accepted under a new id.
    Accepted,
    /// The receipt of that id again.
    Repeat(&'a str),
    /// Refused with that numeric class.
    Refused(&'a str),
}

/// What was done so far.
#[derive(Debug, Default)]
pub struct Count {
    /// Steps.
    pub steps: usize,
    /// Steps that did not go as expected.
    pub wrong: usize,
    /// Packets accepted.
    pub accepted: usize,
    /// Packets refused, as they had to be.
    pub refused: usize,
    /// Repeats that got the receipt of the first time.
    pub repeated: usize,
    /// Packets fetched and confirmed.
    pub taken: usize,
}

/// Where the story is played.
pub struct Stage<'a> {
    out: &'a mut dyn Write,
    mark: String,
    /// What was done so far.
    pub count: Count,
}

impl<'a> Stage<'a> {
    /// A stage for a run with that mark.
    pub fn new(out: &'a mut dyn Write, mark: &str) -> Self {
        Self { out, mark: mark.to_owned(), count: Count::default() }
    }

    /// From here on documents carry another mark: the same packets become other documents.
    pub fn remark(&mut self, mark: &str) {
        mark.clone_into(&mut self.mark);
    }

    /// Prints the head of the table.
    pub fn head(&mut self) -> std::io::Result<()> {
        writeln!(self.out, "{}", row("thời gian", "ai", "việc", "văn bản", "kết quả"))?;
        writeln!(self.out, "{}", "─".repeat(130))
    }

    /// A system sends a packet. `title` is what is done and to which document. Gives the hub's id.
    pub async fn send(
        &mut self,
        who: &Robot,
        packet: &str,
        title: (&str, &str),
        expect: Expect<'_>,
    ) -> anyhow::Result<String> {
        // Only documents have addressees of their own (MessageHeader/To).
        let kind = if packet.contains("StatusCode>") { Kind::Status } else { Kind::Document };
        let answer = who.send(&marked(packet, &self.mark), kind).await.with_context(|| at(who, title))?;
        let (went_well, words) = judge(&answer, expect);
        if went_well {
            let counter = match expect {
                Expect::Accepted => &mut self.count.accepted,
                Expect::Repeat(_) => &mut self.count.repeated,
                Expect::Refused(_) => &mut self.count.refused,
            };
            *counter = counter.saturating_add(1);
        }
        self.line(who.system_id, title, went_well, &words)?;
        Ok(answer.id)
    }

    /// A system takes the documents that wait for it, which must be these, byte for byte.
    pub async fn take(&mut self, who: &Robot, document: &str, expected: &[&str]) -> anyhow::Result<()> {
        let title = ("nhận văn bản", document);
        let mut wanted: Vec<Vec<u8>> = expected.iter().map(|p| marked(p, &self.mark).into_bytes()).collect();
        let mut taken = who.take_all(Kind::Document).await.with_context(|| at(who, title))?;
        self.count.taken = self.count.taken.saturating_add(taken.len());
        taken.sort();
        wanted.sort();
        let went_well = taken == wanted;
        let words = match (went_well, wanted.len()) {
            (true, 0) => "hộp thư trống, đúng như mong đợi".to_owned(),
            (true, number) => format!("nhận {number}, nguyên vẹn từng byte, đã xác nhận"),
            (false, number) => format!("cần {number}, nhận {} hoặc khác nội dung", taken.len()),
        };
        self.line(who.system_id, title, went_well, &words)
    }

    /// A system takes the status packets that wait for it, which must carry these codes.
    pub async fn take_statuses(&mut self, who: &Robot, document: &str, expected: &[&str]) -> anyhow::Result<()> {
        let title = ("nhận phản hồi trạng thái", document);
        let taken = who.take_all(Kind::Status).await.with_context(|| at(who, title))?;
        self.count.taken = self.count.taken.saturating_add(taken.len());
        let mut reports: Vec<(String, String)> = taken.iter().filter_map(|bytes| report(bytes)).collect();
        reports.sort();
        let went_well = reports.iter().map(|(code, _)| code.as_str()).eq(expected.iter().copied());
        let said: Vec<&str> = reports.iter().map(|(_, said)| said.as_str()).collect();
        let words = match went_well {
            true => format!("nhận {}", said.join(", ")),
            false => format!("cần {}, nhận {}", expected.join(", "), said.join(", ")),
        };
        self.line(who.system_id, title, went_well, &words)
    }

    /// A line that tells and judges nothing.
    pub fn note(&mut self, who: &str, words: &str) -> std::io::Result<()> {
        writeln!(self.out, "{}", row("", who, words, "", "").trim_end_matches(['│', ' ']))
    }

    /// One step that was done: who did what to which document, whether it went as expected, and how it ended.
    pub fn line(&mut self, who: &str, title: (&str, &str), went_well: bool, words: &str) -> anyhow::Result<()> {
        self.count.steps = self.count.steps.saturating_add(1);
        if !went_well {
            self.count.wrong = self.count.wrong.saturating_add(1);
        }
        let time = Clock::System.now().with_timezone(&VIETNAM).format("%H:%M:%S").to_string();
        let sign = if went_well { "✓" } else { "✗ SAI:" };
        writeln!(self.out, "{}", row(&time, who, title.0, title.1, &format!("{sign} {words}")))?;
        self.out.flush()?;
        Ok(())
    }
}

/// The step in words, for an error that ends the story there.
fn at(who: &Robot, (what, document): (&str, &str)) -> String {
    format!("{}, {what}, {document}", who.system_id)
}

/// Code of a status packet, and the code with its reason shortened, for the table.
fn report(packet: &[u8]) -> Option<(String, String)> {
    const CHARS_MAX: usize = 50;
    let read = read::packet(packet, &Packets::default(), &|| {}).ok()?;
    let Content::Status(report) = Envelope::of(&read.packet)?.content else { return None };
    let code = report.code.as_str().to_owned();
    let short: String = report.description.chars().take(CHARS_MAX).collect();
    let more = if short.len() < report.description.len() { "…" } else { "" };
    let said = if short.is_empty() { code.clone() } else { format!("{code} «{short}{more}»") };
    Some((code, said))
}

/// Whether an answer is the expected one, and how to say so.
fn judge(answer: &Answer, expect: Expect<'_>) -> (bool, String) {
    let Answer { id, code, words } = answer;
    let accepted = code == "0" && !id.is_empty();
    let went_well = match expect {
        Expect::Accepted => accepted,
        Expect::Repeat(first) => accepted && id == first,
        Expect::Refused(class) => code == class && id.is_empty(),
    };
    let said = match (went_well, expect) {
        (true, Expect::Accepted) => format!("biên nhận {id}"),
        (true, Expect::Repeat(_)) => format!("trùng, trả lại biên nhận cũ {id}"),
        (true, Expect::Refused(class)) => format!("bị từ chối, mã {class}: {words}"),
        (false, _) => format!("mã {code}, {words} {id}"),
    };
    (went_well, said)
}

/// One line of the table. Vietnamese in its composed form has one sign per column.
fn row(time: &str, who: &str, what: &str, document: &str, result: &str) -> String {
    format!("{time:<10}│ {who:<13}│ {what:<34}│ {document:<13}│ {result}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let lines = [row("thời gian", "ai", "việc", "văn bản", "kết quả"), row("09:00:00", "a.b", "gửi", "1", "✓")];

        let bars = |line: &String| -> Vec<usize> {
            line.chars().enumerate().filter(|(_, sign)| *sign == '│').map(|(at, _)| at).collect()
        };
        assert_eq!(bars(&lines[0]), bars(&lines[1]));
    }

    #[test]
    fn only_the_expected_answer_is_right() {
        let yes = Answer { id: "e1".to_owned(), code: "0".to_owned(), words: String::new() };
        let no = Answer { id: String::new(), code: "24".to_owned(), words: String::new() };

        assert!(judge(&yes, Expect::Accepted).0);
        assert!(judge(&yes, Expect::Repeat("e1")).0);
        assert!(!judge(&yes, Expect::Repeat("e2")).0);
        assert!(!judge(&yes, Expect::Refused("24")).0);
        assert!(judge(&no, Expect::Refused("24")).0);
        assert!(!judge(&no, Expect::Refused("18")).0);
        assert!(!judge(&no, Expect::Accepted).0);
    }
}
