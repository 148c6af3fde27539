//! Tests of the rules as a whole, and `Draft`, with which all tests of rules write their packets.

use super::*;
use crate::domain::agency::{Agency, AgencyCode, AgencyState, Validity};
use crate::domain::element::{self, Shape};
use crate::domain::packet::{AttachmentRead, Content, Digest, Node, NodeId};
use crate::domain::text::unaccented;
use std::collections::HashSet;

/// A packet as lines of path and text, in document order. Blocks above a line come by themselves; a line
/// that names a block begins a new one. Content `###` cannot be decoded, empty content has no bytes.
#[derive(Debug, Clone, Default)]
pub struct Draft(Vec<(String, String)>);

impl Draft {
    fn of(lines: &[(&str, &str)]) -> Self {
        Self(lines.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    /// One more line, behind the last line of its parent.
    pub fn add(mut self, path: &str, text: &str) -> Self {
        let steps: Vec<&str> = path.split('.').collect();
        let shared = |line: &str| {
            let parents = &steps[..steps.len() - 1];
            line.split('.').zip(parents).take_while(|(a, b)| a == *b).count()
        };
        let best = self.0.iter().map(|(line, _)| shared(line)).max().unwrap_or(0);
        let at = self.0.iter().rposition(|(line, _)| shared(line) == best).map_or(0, |last| last + 1);
        self.0.insert(at, (path.to_owned(), text.to_owned()));
        self
    }

    /// Another text for a line that is there.
    pub fn set(mut self, path: &str, text: &str) -> Self {
        let line = self.0.iter_mut().find(|(line, _)| line == path);
        text.clone_into(&mut line.unwrap_or_else(|| panic!("no line {path}")).1);
        self
    }

    /// Without an element and what is inside it.
    pub fn without(mut self, path: &str) -> Self {
        self.0.retain(|(line, _)| line != path && !line.starts_with(&format!("{path}.")));
        self
    }

    pub fn check(&self) -> Vec<Violation> {
        check_packet(&self.packet(), now())
    }

    pub fn packet(&self) -> Packet {
        let mut packet = Packet::default();
        let mut open: Vec<NodeId> = Vec::new();
        for (path, text) in &self.0 {
            let shape = element::of_path(path).unwrap_or_else(|| panic!("no element {path}")).shape;
            let id = enter(&mut packet, &mut open, path);
            match shape {
                Shape::Base64 => decode(&mut packet, id, text),
                Shape::Block | Shape::Text | Shape::Opaque => packet.nodes[id].text = text.clone(),
            }
        }
        packet
    }
}

fn decode(packet: &mut Packet, id: NodeId, text: &str) {
    let content = Content {
        bytes: u64::try_from(text.len()).unwrap(),
        sha256: Digest([0; 32]),
        unzipped: None,
        bears_signature: false,
    };
    let node = packet.nodes[id].parent.unwrap();
    packet.attachments.push(AttachmentRead { node, content: (text != "###").then_some(content) });
}

/// A new node, inside its parent's, which is made when it is not open.
fn enter(packet: &mut Packet, open: &mut Vec<NodeId>, path: &str) -> NodeId {
    let above = match path {
        "MessageHeader" | "TraceHeaderList" => "edXMLEnvelope.edXMLHeader",
        "Manifest" => "edXMLEnvelope.edXMLBody",
        "Attachment" => "AttachmentEncoded",
        _ => path.rsplit_once('.').map_or("", |(parent, _)| parent),
    };
    let parent = (!above.is_empty()).then(|| {
        let at = open.iter().rposition(|id| packet.nodes[*id].element.path == above);
        match at {
            Some(at) => {
                open.truncate(at + 1);
                open[at]
            }
            None => enter(packet, open, above),
        }
    });
    if parent.is_none() {
        open.clear();
    }
    let number = packet.nodes.iter().filter(|n| n.parent == parent && n.element.path == path).count() + 1;
    let element = element::of_path(path).unwrap_or_else(|| panic!("no element {path}"));
    packet.nodes.push(Node { element, parent, number, text: String::new(), href: None });
    open.push(packet.nodes.len() - 1);
    packet.nodes.len() - 1
}

/// 2026-11-21 09:00 in Vietnam, where the clock of the fixtures stands.
pub fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T09:00:00+07:00").unwrap().to_utc()
}

pub fn codes(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(|violation| violation.code.clone()).collect()
}

/// The codes of a draft's violations.
pub fn judged(draft: &Draft) -> Vec<String> {
    codes(&draft.check())
}

/// A new document with the least that it needs.
pub fn document() -> Draft {
    Draft::of(&[
        ("MessageHeader.From.OrganId", "X99.A01"),
        ("MessageHeader.To.OrganId", "X99.B02"),
        ("MessageHeader.DocumentId", "X99.A01,2026/11/20,1/VP-TN"),
        ("MessageHeader.Code.CodeNumber", "1"),
        ("MessageHeader.Code.CodeNotation", "VP-TN"),
        ("MessageHeader.PromulgationInfo.PromulgationDate", "2026/11/20"),
        ("MessageHeader.Subject", "Về việc kiểm thử"),
    ])
}

/// A status report with a note.
pub fn status(code: &str) -> Draft {
    Draft::of(&[
        ("MessageHeader.From.OrganId", "X99.B02"),
        ("MessageHeader.ResponseFor.OrganId", "X99.A01"),
        ("MessageHeader.ResponseFor.Code", "1/VP-TN"),
        ("MessageHeader.ResponseFor.DocumentId", "X99.A01,2026/11/20,1/VP-TN"),
        ("MessageHeader.StatusCode", code),
        ("MessageHeader.Description", "Lý do"),
        ("MessageHeader.Timestamp", "2026/11/20 10:00:00"),
    ])
}

/// An update that names one receiver.
pub fn update(receiver: &str, receiver_type: &str) -> Draft {
    let list = "TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver";
    document()
        .add("TraceHeaderList.Bussiness.BussinessDocType", "2")
        .add(&format!("{list}.OrganId"), receiver)
        .add(&format!("{list}.ReceiverType"), receiver_type)
}

/// A replacement of one document.
pub fn replacement() -> Draft {
    let list = "TraceHeaderList.Bussiness.ReplacementInfoList.ReplacementInfo";
    document()
        .add("TraceHeaderList.Bussiness.BussinessDocType", "3")
        .add(&format!("{list}.DocumentId"), "X99.A01,2026/11/19,9/VP-TN")
        .add(&format!("{list}.OrganIdList.OrganId"), "X99.B02")
}

/// A document with one attachment, under these content ids.
pub fn attached(reference: &str, attachment: &str) -> Draft {
    document()
        .add("Manifest.Reference.ContentId", reference)
        .add("Manifest.Reference.AttachmentName", "a.txt")
        .add("Attachment.ContentId", attachment)
        .add("Attachment.AttachmentName", "a.txt")
        .add("Attachment.ContentTransferEncoded", "text")
}

/// The agencies of the fixtures, and some whose successors are closed, missing or each other.
pub fn directory(code: &str) -> Option<Agency> {
    let (code, name, state, successor) = match code.to_ascii_uppercase().as_str() {
        "X99.A01" => ("X99.A01", "Văn phòng Thử nghiệm Trung ương", AgencyState::Open, None),
        "X99.B02" | "000.00.02.X99" => ("X99.B02", "Ủy ban nhân dân tỉnh Mẫu", AgencyState::Open, None),
        "X99.C03" => ("X99.C03", "Ủy ban nhân dân xã Mẫu", AgencyState::Open, None),
        "X99.D04" => ("X99.D04", "Ủy ban nhân dân tỉnh Cũ", AgencyState::Closed, Some("X99.B02")),
        "X99.E05" => ("X99.E05", "Sở Thử nghiệm tạm khóa", AgencyState::Suspended, None),
        "X99.F06" => ("X99.F06", "Sở Cũ", AgencyState::Closed, Some("X99.D04")),
        "X99.G07" => ("X99.G07", "Sở Giải thể", AgencyState::Closed, None),
        "X99.H08" => ("X99.H08", "Sở Chuyển đi", AgencyState::Closed, Some("X99.Z99")),
        "X99.I09" => ("X99.I09", "Sở Vòng", AgencyState::Closed, Some("X99.I09")),
        "X99.J10" => ("X99.J10", "Sở Sắp có", AgencyState::Open, None),
        "X99.K11" => ("X99.K11", "Sở Đã hết", AgencyState::Open, None),
        "X99.L12" => ("X99.L12", "Sở Đã nhập", AgencyState::Open, Some("X99.B02")),
        "X99.M13" => ("X99.M13", "Sở Sắp nhập", AgencyState::Open, Some("X99.B02")),
        _ => return None,
    };
    let validity = match code {
        "X99.J10" => Validity { from: "2099-01-01".parse().ok(), until: None },
        "X99.M13" => Validity { from: None, until: "2099-12-31".parse().ok() },
        "X99.K11" | "X99.L12" => Validity { from: None, until: "1969-12-31".parse().ok() },
        _ => Validity::default(),
    };
    let successor = successor.map(|code| AgencyCode(code.to_owned()));
    Some(Agency { state, successor, validity, ..Agency::new(code, name) })
}

fn every_wording() -> Vec<(String, Wording)> {
    let entries = catalogue();
    entries.into_iter().flat_map(|e| [(e.code.clone(), e.cause), (e.code, e.remedy)]).collect()
}

#[test]
fn codes_are_unique() {
    let mut seen = HashSet::new();
    for rule in rows() {
        assert!(seen.insert(rule.code), "{} stands twice", rule.code);
    }
    let entries = catalogue();
    let distinct: HashSet<&str> = entries.iter().map(|entry| entry.code.as_str()).collect();
    assert_eq!(distinct.len(), entries.len());
    assert!(entries.iter().all(|entry| entry.code.is_ascii() && entry.code.contains('.')));
}

#[test]
fn every_text_stands_in_both_languages() {
    for (code, wording) in every_wording() {
        for text in [&wording.vi, &wording.en] {
            assert!(text.ends_with('.') && text.len() > 5, "{code}: {text:?}");
            assert!(!text.contains("  ") && !text.contains("{0}") && !text.contains("{?}"), "{code}: {text:?}");
        }
        assert!(wording.en.is_ascii(), "{code}: {}", wording.en);
        assert!(!wording.vi.is_ascii(), "{code}: {} has lost its marks", wording.vi);
    }
}

#[test]
fn the_unaccented_twin_is_plain_ascii() {
    for (code, wording) in every_wording() {
        assert!(unaccented(&wording.vi).is_ascii(), "{code}: {}", unaccented(&wording.vi));
    }
}

#[test]
fn tone_marks_stand_in_the_classic_place() {
    for (code, wording) in every_wording() {
        for modern in ["oà", "oá", "oả", "oã", "oạ", "uỷ", "uý", "uỳ", "uỵ", "oè", "oé", "oẻ", "oẹ"]
        {
            // "quý" and "hoàn" are written so in both styles: the vowel pair is not the end, or qu is one sound.
            let wrong = wording
                .vi
                .split(|c: char| !c.is_alphabetic())
                .any(|word| word.ends_with(modern) && !word.starts_with("qu"));
            assert!(!wrong, "{code}: {}", wording.vi);
        }
    }
}

#[test]
fn texts_name_no_particular_that_the_row_lacks() {
    for rule in rows() {
        let texts = [Some(rule.cause), Some(rule.remedy), rule.remedy_without_last];
        for text in texts.into_iter().flatten().flat_map(|text| [text.vi, text.en]) {
            for number in rule.particulars.len()..10 {
                assert!(!text.contains(&format!("{{{number}}}")), "{}: {text}", rule.code);
            }
        }
    }
}

#[test]
fn a_violation_is_made_by_its_code() {
    let depth = violation("R.Packet.Depth", "A", &["64"]);
    assert_eq!((depth.class.number(), depth.cause.vi.as_str()), (10, "Các phần tử lồng nhau quá 64 cấp."));
    assert!(violation("M.Packet.Damaged", "", &[]).retry);

    let field = violation("T.MessageHeader.DueDate", "MessageHeader/DueDate", &["mai"]);
    assert_eq!(field.cause.vi, "Hạn xử lý \"mai\" không phải là một ngày có thật ở dạng đọc được.");

    let unlisted = violation("M.New", "", &[]);
    assert_eq!((unlisted.code.as_str(), unlisted.class), ("M.New", Class::NotToStandard));
}

#[test]
fn an_arbitrary_half_of_a_packet_can_be_judged() {
    for draft in [attached("a", "b"), replacement(), update("X", "1"), status("13")] {
        let whole = draft.packet();
        for length in 0..whole.nodes.len() {
            let mut half = whole.clone();
            half.nodes.truncate(length);
            let _ = (check_packet(&half, now()), warnings(&half));
        }
    }
}

/// One packet for every rule that is judged here.
fn triggers() -> Vec<Draft> {
    let to = |code: &str| document().set("MessageHeader.To.OrganId", code);
    let from = |code: &str| document().set("MessageHeader.From.OrganId", code);
    let again = |block: &str| attached("a", "a").add(block, "").add(&format!("{block}.ContentId"), "a");
    vec![
        document().without("MessageHeader.To"),
        status("01").add("MessageHeader.ResponseFor", "").add("MessageHeader.ResponseFor.Code", "9"),
        Draft::default(),
        document().without("MessageHeader.From"),
        from("X99.Z99"),
        from("X99.D04"),
        from("X99.E05"),
        document().add("MessageHeader.To", "").add("MessageHeader.To.OrganId", "000.00.02.X99"),
        to("X99.Z99"),
        to("X99.D04"),
        to("X99.E05"),
        update("X99.Z99", "1"),
        document().set("MessageHeader.PromulgationInfo.PromulgationDate", "2026/11/22"),
        status("02").without("MessageHeader.Description"),
        status("01").without("MessageHeader.ResponseFor"),
        replacement().without("TraceHeaderList.Bussiness.ReplacementInfoList"),
        attached("a", "b"),
        again("Manifest.Reference"),
        again("Attachment"),
        attached("a", "a").set("Manifest.Reference.AttachmentName", "../a"),
        attached("a", "a").set("Attachment.AttachmentName", "../a"),
        attached("a", "a").without("Attachment.ContentTransferEncoded"),
        document().set("MessageHeader.Subject", "[MẬT] Kế hoạch"),
        document().set("MessageHeader.Code.CodeNumber", "123456789012"),
        status("09"),
        document().set("MessageHeader.From.OrganId", "X99.J10").set("MessageHeader.To.OrganId", "X99.K11"),
        document().set("MessageHeader.From.OrganId", "X99.K11").set("MessageHeader.To.OrganId", "X99.J10"),
    ]
}

#[test]
fn every_rule_judged_here_is_triggered() {
    let mut triggered: HashSet<String> = HashSet::from(["M.Manifest.Href".to_owned()]); // `attachments` tests it
    for draft in triggers() {
        let packet = draft.packet();
        triggered.extend(codes(&check_packet(&packet, now())));
        triggered.extend(codes(&warnings(&packet)));
        if let Some(envelope) = Envelope::of(&packet) {
            let parties = Parties::of((&packet, DateTime::UNIX_EPOCH), directory, |code| {
                matches!(code.as_str(), "X99.A01" | "X99.D04" | "X99.E05" | "X99.J10" | "X99.K11")
            });
            triggered.extend(codes(&check_parties(&envelope, &parties)));
        }
    }
    for rule in rows() {
        let judged_here = match rule.judge {
            Judge::Reader | Judge::Exchange => false,
            Judge::Packet(_) | Judge::Parties(_) | Judge::Warning(_) => true,
        };
        assert!(!judged_here || triggered.contains(rule.code), "no packet triggers {}", rule.code);
    }
}

/// `DOCAXIS_WRITE_DOCS=1` writes the page instead of comparing it.
#[test]
fn codes_page_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/codes.md");
    if std::env::var("DOCAXIS_WRITE_DOCS").is_ok_and(|on| on == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, catalogue_markdown()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == catalogue_markdown(), "docs/codes.md is not current: run this test with DOCAXIS_WRITE_DOCS=1");
}

#[test]
fn samples_are_there_and_no_other_code_has_one() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    if !fixtures.join("refused").is_dir() {
        return;
    }
    for Entry { code, .. } in catalogue() {
        match sample(&code) {
            Some(file) => assert!(fixtures.join(&file).is_file(), "{code} has no fixture {file}"),
            None => {
                let file = format!("refused/{code}.edxml");
                assert!(!fixtures.join(&file).exists(), "{file} is there: take {code} out of WITHOUT_SAMPLE");
            }
        }
    }
}
