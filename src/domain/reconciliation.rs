//! Reconciliation (đối soát): the list that a system kept of a day, compared with what the hub sealed of it. What differs is named,
//! with what to do next. Not here: reading lists and days (`exchange::reconcile`).

use super::packet::Digest;
use super::statement::{self, Line};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Which way a packet went, seen from the agency whose list it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The agency sent it.
    Sent,
    /// The agency was sent it.
    Received,
}

/// A packet in the list of a system. What is not said is not compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posted {
    /// Which way it went.
    pub direction: Direction,
    /// Code of the agency at the other end.
    pub counterpart: String,
    /// Its sender's identifier of the document.
    pub document_id: String,
    /// As in statements; `new` without it.
    #[serde(default)]
    pub kind: Option<String>,
    /// SHA-256 of the packet, in hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
    /// The last status that the recipient's clerks reported: two digits.
    #[serde(default)]
    pub status: Option<String>,
}

/// Longest text of a list, in characters.
pub const TEXT_CHARS_MAX: usize = 512;

impl Posted {
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("new")
    }

    /// Whether it tells of a status packet.
    pub fn is_status(&self) -> bool {
        is_status(self.kind())
    }

    /// The member that is of another form than it must be.
    pub fn fault(&self) -> Option<&'static str> {
        let is_text = |text: &str| !text.is_empty() && text.chars().count() <= TEXT_CHARS_MAX;
        let is_hex = |text: &String| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_code = |text: &String| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let checks = [
            ("counterpart", is_text(&self.counterpart)),
            ("document_id", is_text(&self.document_id)),
            ("kind", is_text(self.kind())),
            ("sha256", self.sha256.as_ref().is_none_or(is_hex)),
            ("status", self.status.as_ref().is_none_or(is_code)),
        ];
        checks.into_iter().find(|(_, is_right)| !is_right).map(|(name, _)| name)
    }
}

fn is_status(kind: &str) -> bool {
    kind.starts_with("status-")
}

/// How a packet differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The hub has it, the list has not.
    Lost,
    /// The list has it, the hub has not.
    Unknown,
    /// Its digest is another one.
    Altered,
    /// Its last status is another one.
    StatusDiffers,
    /// The list has it once more.
    Duplicate,
}

impl Code {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Lost, Self::Unknown, Self::Altered, Self::StatusDiffers, Self::Duplicate];

    /// What it means, Vietnamese and English.
    pub fn meaning(self) -> (&'static str, &'static str) {
        match self {
            Self::Lost => ("Trục có gói tin này, danh sách không có", "the hub has this packet, the list has not"),
            Self::Unknown => (
                "danh sách có gói tin này, Trục không có trong ngày",
                "the list has this packet, the hub has none on this day",
            ),
            Self::Altered => (
                "SHA-256 của gói tin khác với bản Trục đã nhận",
                "its SHA-256 is not that of the packet that the hub took",
            ),
            Self::StatusDiffers => {
                ("trạng thái xử lý cuối cùng khác với Trục", "its last status is not the one that the hub was told")
            }
            Self::Duplicate => {
                ("danh sách ghi gói tin này nhiều lần hơn Trục", "the list has this packet more often than the hub")
            }
        }
    }

    /// What to do next.
    pub fn next(self) -> (&'static str, &'static str) {
        match self {
            Self::Lost => (
                "tìm trong phần mềm; gói nhận được mà không có thì lấy lại: docaxis fetch MÃ-LƯỢT-CHUYỂN",
                "look for it in the software; fetch again what was received and is not there: docaxis fetch DELIVERY",
            ),
            Self::Unknown => (
                "xem biên nhận tiếp nhận; không có thì gói chưa từng được Trục nhận: gửi lại. Nếu nhận vào ngày khác, đối soát ngày đó",
                "look for its receipt; without one the hub never took it: send it again. If it came on another day, reconcile that day",
            ),
            Self::Altered => (
                "lấy hồ sơ chứng minh của lượt chuyển và so với tệp đang giữ: docaxis verify HỒ-SƠ --packet TỆP",
                "take the capsule of the delivery and compare it with the file at hand: docaxis verify CAPSULE --packet FILE",
            ),
            Self::StatusDiffers => (
                "bên nhận gửi lại báo cáo trạng thái, hoặc bên gửi lấy các gói trạng thái còn chờ: docaxis inbox",
                "the recipient reports the status again, or the sender takes status packets that wait: docaxis inbox",
            ),
            Self::Duplicate => (
                "bỏ dòng thừa trong phần mềm sau khi xem hai dòng có phải cùng một gói",
                "remove the line that is too many, once it is clear that both are one packet",
            ),
        }
    }
}

/// A packet that differs, as it stands in the sealed list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// How.
    pub code: Code,
    /// Which way it went.
    pub direction: Direction,
    /// Code of the agency at the other end.
    pub counterpart: String,
    /// Its sender's identifier of the document.
    pub document_id: String,
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    pub kind: String,
    /// The delivery, where the hub has one.
    pub delivery_id: Option<String>,
    /// What the hub has: the digest; the last status, where that differs.
    pub hub: Option<String>,
    /// What the list says instead.
    pub list: Option<String>,
}

/// How many packets are how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The same on both sides.
    pub matching: u64,
    /// See `Code`.
    pub lost: u64,
    /// See `Code`.
    pub unknown: u64,
    /// See `Code`.
    pub altered: u64,
    /// See `Code`.
    pub status_differs: u64,
    /// See `Code`.
    pub duplicate: u64,
}

impl Counts {
    fn of(&mut self, code: Code) -> &mut u64 {
        match code {
            Code::Lost => &mut self.lost,
            Code::Unknown => &mut self.unknown,
            Code::Altered => &mut self.altered,
            Code::StatusDiffers => &mut self.status_differs,
            Code::Duplicate => &mut self.duplicate,
        }
    }

    /// How many of one code.
    pub fn number(mut self, code: Code) -> u64 {
        *self.of(code)
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub struct Found {
    /// How many.
    pub counts: Counts,
    /// What differs, as far as it is named.
    pub differences: Vec<Difference>,
    most: usize,
    with_statuses: bool,
}

/// What the list and the hub have under one name.
type Group<'a> = (Vec<&'a Posted>, Vec<&'a Line>);

/// One pair of agencies.
type Pair<'a> = (Direction, &'a str);

impl Found {
    /// Nothing yet. At most so many differences are named; status packets are only compared when the list has any.
    pub fn new(most: usize, with_statuses: bool) -> Self {
        Self { most, with_statuses, ..Self::default() }
    }

    fn note(&mut self, difference: Difference) {
        let count = self.counts.of(difference.code);
        *count = count.saturating_add(1);
        if self.differences.len() < self.most {
            self.differences.push(difference);
        }
    }

    /// Compares what the list has of a pair with the pair's statement. `statuses` are the last ones of deliveries.
    pub fn compare(
        &mut self,
        pair: Pair<'_>,
        (posted, lines): (&[Posted], &[Line]),
        statuses: &HashMap<String, String>,
    ) {
        let mut groups: BTreeMap<(&str, &str), Group<'_>> = BTreeMap::new();
        for one in posted {
            groups.entry((&one.document_id, one.kind())).or_default().0.push(one);
        }
        for line in lines.iter().filter(|line| self.with_statuses || !is_status(&line.kind)) {
            groups.entry((&line.document_id, &line.kind)).or_default().1.push(line);
        }
        for (mut posted, mut lines) in groups.into_values() {
            let mut is_known = !lines.is_empty();
            // Who has the very packet comes first, so that what differs is told of the others.
            posted.retain(|one| {
                let same =
                    |line: &&Line| one.sha256.as_ref().is_some_and(|sha256| line.sha256.eq_ignore_ascii_case(sha256));
                let at = lines.iter().position(same);
                at.map(|at| self.matched(pair, one, lines.remove(at), statuses)).is_none()
            });
            for one in posted {
                match (lines.is_empty(), &one.sha256) {
                    (false, None) => self.matched(pair, one, lines.remove(0), statuses),
                    (false, Some(said)) => {
                        let line = lines.remove(0);
                        let differs = (Some(line.sha256.clone()), Some(said.clone()));
                        self.note(of_line(Code::Altered, pair, line, differs));
                    }
                    (true, _) => {
                        self.note(of_posted(if is_known { Code::Duplicate } else { Code::Unknown }, pair, one));
                        is_known = true;
                    }
                }
            }
            for line in lines {
                self.note(of_line(Code::Lost, pair, line, (Some(line.sha256.clone()), None)));
            }
        }
    }

    fn matched(&mut self, pair: Pair<'_>, one: &Posted, line: &Line, statuses: &HashMap<String, String>) {
        let told = statuses.get(&line.delivery_id);
        if one.status.is_none() || one.status.as_ref() == told {
            self.counts.matching = self.counts.matching.saturating_add(1);
        } else {
            self.note(of_line(Code::StatusDiffers, pair, line, (told.cloned(), one.status.clone())));
        }
    }
}

fn of_line(
    code: Code,
    (direction, counterpart): Pair<'_>,
    line: &Line,
    (hub, list): (Option<String>, Option<String>),
) -> Difference {
    Difference {
        code,
        direction,
        counterpart: counterpart.to_owned(),
        document_id: line.document_id.clone(),
        kind: line.kind.clone(),
        delivery_id: Some(line.delivery_id.clone()),
        hub,
        list,
    }
}

fn of_posted(code: Code, (direction, counterpart): Pair<'_>, one: &Posted) -> Difference {
    Difference {
        code,
        direction,
        counterpart: counterpart.to_owned(),
        document_id: one.document_id.clone(),
        kind: one.kind().to_owned(),
        delivery_id: None,
        hub: None,
        list: one.sha256.clone(),
    }
}

/// What the evidence of a reconciliation says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The day in Vietnam, `yyyy-MM-dd`.
    pub day: String,
    /// Code of the agency whose list it was.
    pub agency: String,
    /// The way that was compared; both without it.
    pub direction: Option<Direction>,
    /// Lines of the list.
    pub lines: u64,
    /// SHA-256 of the list as it came, in hexadecimal.
    pub posted: String,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
    /// SHA-256 of the list of differences, in hexadecimal.
    pub list: String,
}

impl Facts {
    /// Whether a list of differences is the one that was sealed. It may be shorter than what was counted.
    pub fn tell(&self, text: &str) -> bool {
        let Some(named) = statement::read::<Difference>(text) else { return false };
        let number = |code| statement::number(named.iter().filter(|one| one.code == code).count());
        Code::ALL.into_iter().all(|code| number(code) <= self.counts.number(code))
            && Digest::of(text.as_bytes()).hex() == self.list
    }
}

#[cfg(test)]
mod tests {
    use super::statement::Standing;
    use super::*;

    const PAIR: Pair<'static> = (Direction::Sent, "X99.B02");

    fn posted(document_id: &str, sha256: Option<&str>, status: Option<&str>) -> Posted {
        Posted {
            direction: Direction::Sent,
            counterpart: "X99.B02".to_owned(),
            document_id: document_id.to_owned(),
            kind: None,
            sha256: sha256.map(|text| text.repeat(32)),
            status: status.map(str::to_owned),
        }
    }

    fn line(document_id: &str, kind: &str, sha256: &str) -> Line {
        Line {
            document_id: document_id.to_owned(),
            kind: kind.to_owned(),
            delivery_id: format!("of {document_id} {sha256}"),
            number: 1,
            sha256: sha256.repeat(32),
            accepted_at: String::new(),
            state: Standing::Pending,
        }
    }

    fn found(posted: &[Posted], lines: &[Line]) -> (u64, Vec<(Code, String)>) {
        let statuses = HashMap::from([("of a aa".to_owned(), "03".to_owned())]);
        let mut found = Found::new(10, posted.iter().any(Posted::is_status));
        found.compare(PAIR, (posted, lines), &statuses);
        (found.counts.matching, found.differences.into_iter().map(|one| (one.code, one.document_id)).collect())
    }

    fn differs(code: Code) -> (u64, Vec<(Code, String)>) {
        (0, vec![(code, "a".to_owned())])
    }

    #[test]
    fn each_way_to_differ_is_told_apart() {
        let lines = [line("a", "new", "aa")];
        for same in [posted("a", Some("AA"), None), posted("a", None, Some("03"))] {
            assert_eq!(found(&[same], &lines), (1, Vec::new()));
        }
        assert_eq!(found(&[], &lines), differs(Code::Lost));
        assert_eq!(found(&[posted("a", None, None)], &[]), differs(Code::Unknown));
        assert_eq!(found(&[posted("a", Some("bb"), None)], &lines), differs(Code::Altered));
        assert_eq!(found(&[posted("a", Some("aa"), Some("06"))], &lines), differs(Code::StatusDiffers));
        let twice = [posted("a", Some("aa"), None), posted("a", None, None)];
        assert_eq!(found(&twice, &lines), (1, differs(Code::Duplicate).1));
        assert_eq!(found(&twice, &[]).1.iter().map(|one| one.0).collect::<Vec<_>>(), [Code::Unknown, Code::Duplicate]);
    }

    #[test]
    fn of_several_packets_of_one_name_the_very_one_is_found_first() {
        let lines = [line("a", "update", "aa"), line("a", "update", "bb")];
        let update = |sha256| Posted { kind: Some("update".to_owned()), ..posted("a", Some(sha256), None) };

        assert_eq!(found(&[update("bb"), update("aa")], &lines), (2, Vec::new()));
        assert_eq!(found(&[update("cc"), update("bb")], &lines), (1, differs(Code::Altered).1));
        assert_eq!(found(&[posted("a", None, None)], &lines).1.len(), 3, "another kind is another packet");
    }

    #[test]
    fn status_packets_count_only_where_the_list_has_any_and_what_is_too_much_is_counted() {
        let lines = [line("a", "status-03", "aa")];
        assert_eq!(found(&[], &lines), (0, Vec::new()));
        let status = Posted { kind: Some("status-03".to_owned()), ..posted("a", None, None) };
        assert_eq!(found(&[status], &lines), (1, Vec::new()));

        let mut few = Found::new(1, false);
        few.compare(PAIR, (&[posted("a", None, None), posted("b", None, None)], &[]), &HashMap::new());
        assert_eq!((few.counts.unknown, few.differences.len()), (2, 1));
    }

    #[test]
    fn a_line_of_another_form_is_named() {
        assert_eq!(posted("a", Some("aa"), Some("03")).fault(), None);
        assert_eq!(posted("", None, None).fault(), Some("document_id"));
        assert_eq!(posted("a", Some("x"), None).fault(), Some("sha256"));
        assert_eq!(posted("a", None, Some("done")).fault(), Some("status"));
    }
}
