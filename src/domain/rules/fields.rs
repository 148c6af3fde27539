//! The field rules: what the element table says of each element by itself (`domain::element`), as codes,
//! texts and judgements. Empty text is absence. Not here: rules that look at more than one value.

use super::Class::{FileUnusable, NotToStandard};
use super::rule::{place, shown};
use super::whole::{Kind, has_text};
use super::{Class, Violation, Wording, names, row};
use crate::domain::agency::OrganId;
use crate::domain::dates;
use crate::domain::element::{self, Element, Form, Need, Shape};
use crate::domain::packet::{Node, NodeId, Packet};
use crate::domain::status::StatusCode;

/// What can be wrong with one element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not there or has no text.
    Missing,
    /// Its text is too long.
    TooLong,
    /// Its text is not what the standard demands.
    Malformed,
}

const FAULTS: [Fault; 3] = [Fault::Missing, Fault::TooLong, Fault::Malformed];

const RECEIVER: &str = "TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver";
const REPLACED: &str = "TraceHeaderList.Bussiness.ReplacementInfoList.ReplacementInfo";

/// One field rule.
#[derive(Debug, Clone, Copy)]
pub struct FieldRule {
    /// The element.
    pub element: &'static Element,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Every field rule, in the order of the element table. Several may share a code.
pub fn all() -> impl Iterator<Item = FieldRule> {
    let rules = element::all().flat_map(|element| FAULTS.map(|fault| FieldRule { element, fault }));
    rules.filter(FieldRule::applies)
}

/// The first field rule with that code.
pub fn of_code(code: &str) -> Option<FieldRule> {
    all().find(|rule| rule.code() == code)
}

impl FieldRule {
    /// Content and the blocks have rules of their own.
    fn applies(&self) -> bool {
        let possible = match self.fault {
            Fault::Missing => self.element.need != Need::Optional,
            Fault::TooLong => self.element.chars_max > 0,
            Fault::Malformed => self.element.form != Form::Free,
        };
        possible && self.element.shape == Shape::Text
    }

    /// Stable code: a letter and the path, which some rules shorten.
    pub fn code(&self) -> String {
        let path = self.element.path;
        match (path.strip_prefix(RECEIVER), path.strip_prefix(REPLACED), self.fault) {
            (Some(".OrganId"), _, _) => return "M.TraceHeaderList.Bussiness.Receiver".to_owned(),
            (Some(field), _, _) => return format!("{}.TraceHeaderList.Bussiness{field}", self.letter()),
            (_, Some(field), _) => {
                let field = field.trim_start_matches(".OrganIdList");
                return format!("{}.TraceHeaderList.Bussiness.ReplacementInfo{field}", self.letter());
            }
            (None, None, Fault::TooLong) if self.element.parent().ends_with("StaffInfo") => {
                return format!("R.{}", self.element.parent());
            }
            (None, None, Fault::Missing | Fault::TooLong | Fault::Malformed) => {}
        }
        let path = path.strip_prefix("Manifest.Reference").map(|field| format!("Manifest{field}"));
        format!("{}.{}", self.letter(), path.as_deref().unwrap_or(self.element.path))
    }

    fn letter(&self) -> char {
        match (self.fault, self.element.form) {
            (Fault::Missing, _) => 'N',
            (Fault::TooLong, _) => 'R',
            (Fault::Malformed, Form::Date | Form::Timestamp | Form::Number | Form::StatusCode) => 'T',
            (Fault::Malformed, Form::Free | Form::OrganId | Form::OneOf(_)) => 'M',
        }
    }

    /// Numeric class for old clients: what concerns files is told apart; a code shared with a row has its class.
    pub fn class(&self) -> Class {
        let of_file = self.element.path.starts_with("Attachment.") || self.element.path.starts_with("Manifest.");
        let own = if of_file { FileUnusable } else { NotToStandard };
        row(&self.code()).map_or(own, |rule| rule.class)
    }

    /// The violation of this rule at a place. `actual` is the value, or the number of its characters.
    pub fn violation(&self, place: &str, actual: &Wording) -> Violation {
        let name = self.name();
        let limit = self.limit();
        let (cause, remedy) = match self.fault {
            Fault::Missing => missing(self.element, &name),
            Fault::TooLong => too_long(self.element, &name, actual, &limit),
            Fault::Malformed => malformed(self.element, &name, actual),
        };
        Violation { code: self.code(), class: self.class(), place: place.to_owned(), cause, remedy, retry: false }
    }

    /// The violation as the catalogue shows it: where the code stands for several elements, of all of them.
    pub fn described(&self) -> Violation {
        let actual = match self.fault {
            Fault::Missing | Fault::Malformed => Wording { vi: "{giá trị}".to_owned(), en: "{value}".to_owned() },
            Fault::TooLong => Wording { vi: "{số ký tự}".to_owned(), en: "{number}".to_owned() },
        };
        let group = names::of_path(self.element.parent()).filter(|_| self.fault == Fault::TooLong);
        let Some(name) = group else { return self.violation("", &actual) };
        let limit = Wording { vi: "{mức tối đa}".to_owned(), en: "{limit}".to_owned() };
        let (cause, remedy) = too_long(self.element, &name, &actual, &limit);
        Violation { cause, remedy, ..self.violation("", &actual) }
    }

    /// The longest text in characters as the catalogue shows it: a code may stand for several elements.
    pub fn limit_described(&self) -> Option<String> {
        let alike = all().filter(|other| other.fault == Fault::TooLong && other.code() == self.code());
        let limits: Vec<usize> = alike.map(|rule| rule.element.chars_max).collect();
        let (least, most) = (limits.iter().min()?, limits.iter().max()?);
        Some(if least == most { least.to_string() } else { format!("{least}-{most}") })
    }

    fn name(&self) -> Wording {
        let bare = || Wording { vi: self.element.name().to_owned(), en: self.element.name().to_owned() };
        names::of_path(self.element.path).unwrap_or_else(bare)
    }

    fn limit(&self) -> Wording {
        let limit = self.element.chars_max.to_string();
        Wording { vi: limit.clone(), en: limit }
    }
}

fn missing(element: &Element, name: &Wording) -> (Wording, Wording) {
    let cause = Wording {
        vi: format!("Thiếu {}: phần tử {} không có hoặc để trống.", name.vi, element.name()),
        en: format!("The {} is missing: the element {} is absent or empty.", name.en, element.name()),
    };
    let remedy = Wording {
        vi: format!("Điền {} rồi gửi lại.", name.vi),
        en: format!("Fill in the {} and send the packet again.", name.en),
    };
    (cause, remedy)
}

fn too_long(element: &Element, name: &Wording, actual: &Wording, limit: &Wording) -> (Wording, Wording) {
    let cause = Wording {
        vi: format!("{} dài {} ký tự, vượt mức tối đa {} ký tự.", capitalized(&name.vi), actual.vi, limit.vi),
        en: format!("The {} has {} characters; at most {} are allowed.", name.en, actual.en, limit.en),
    };
    let remedy = match element.form {
        Form::OrganId => registered(name),
        Form::Free | Form::Date | Form::Timestamp | Form::Number | Form::OneOf(_) | Form::StatusCode => Wording {
            vi: format!("Ghi {} không quá {} ký tự rồi gửi lại.", name.vi, limit.vi),
            en: format!("Give the {} in at most {} characters and send the packet again.", name.en, limit.en),
        },
    };
    (cause, remedy)
}

fn registered(name: &Wording) -> Wording {
    Wording {
        vi: format!("Ghi {} đúng như trong danh bạ rồi gửi lại.", name.vi),
        en: format!("Give the {} as it stands in the directory and send the packet again.", name.en),
    }
}

fn malformed(element: &Element, name: &Wording, actual: &Wording) -> (Wording, Wording) {
    let told = |vi: &str, en: &str| Wording {
        vi: format!("{} \"{}\" {vi}.", capitalized(&name.vi), actual.vi),
        en: format!("The {} \"{}\" {en}.", name.en, actual.en),
    };
    let write = |vi: &str, en: &str| Wording {
        vi: format!("Ghi {} {vi} rồi gửi lại.", name.vi),
        en: format!("Write the {} {en} and send the packet again.", name.en),
    };
    match element.form {
        Form::OrganId => (
            told(
                "không đúng dạng: chỉ được gồm chữ cái không dấu, chữ số và các dấu . _ -, mở đầu và kết thúc bằng chữ hoặc số",
                "is not well written: only letters A to Z, digits and . _ - may stand in it, with a letter or digit at both ends",
            ),
            registered(name),
        ),
        Form::Date => (
            told("không phải là một ngày có thật ở dạng đọc được", "is no day of the calendar in a readable form"),
            write("theo dạng yyyy/MM/dd, ví dụ 2026/11/21,", "as yyyy/MM/dd, for example 2026/11/21,"),
        ),
        Form::Timestamp => (
            told("không phải là một thời điểm ở dạng đọc được", "is no time in a readable form"),
            write(
                "theo dạng yyyy/MM/dd HH:mm:ss, ví dụ 2026/11/21 09:00:00,",
                "as yyyy/MM/dd HH:mm:ss, for example 2026/11/21 09:00:00,",
            ),
        ),
        Form::Number => (
            told("không phải là số nguyên không âm có tối đa 6 chữ số", "is not a whole number of at most 6 digits"),
            write("bằng chữ số", "in digits"),
        ),
        Form::StatusCode => (
            told("không phải là một hoặc hai chữ số", "is not one or two digits"),
            write("bằng hai chữ số, ví dụ 01,", "as two digits, for example 01,"),
        ),
        Form::OneOf(allowed) => {
            let values = names::values(element, allowed);
            let vi = format!("không thuộc các giá trị được phép: {}", values.vi);
            let en = format!("is not one of {}", values.en);
            (told(&vi, &en), write("bằng một trong các giá trị được phép", "as one of these values"))
        }
        // `FieldRule::applies` leaves free text out.
        Form::Free => (told("không được phép", "is not allowed"), write("cho đúng", "properly")),
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Judges every element of the packet by its row.
pub fn check(packet: &Packet, most: usize) -> Vec<Violation> {
    let missing = element::all().flat_map(|element| absences(packet, element));
    let wrong = packet.nodes.iter().enumerate().filter_map(|(id, node)| text_fault(packet, id, node));
    missing.chain(wrong).take(most).collect()
}

/// A text that is too long or not what its form demands; too long is said alone.
fn text_fault(packet: &Packet, id: NodeId, node: &Node) -> Option<Violation> {
    let element = node.element;
    if element.shape != Shape::Text || node.text.is_empty() {
        return None;
    }
    // Characters are never more than bytes: most texts need not be counted.
    let long = element.chars_max > 0 && node.text.len() > element.chars_max;
    let chars = if long { node.text.chars().count() } else { 0 };
    let (fault, actual) = match chars > element.chars_max {
        true if element.chars_max > 0 => (Fault::TooLong, chars.to_string()),
        _ if fits(element.form, &node.text) => return None,
        _ => (Fault::Malformed, shown(&node.text)),
    };
    let actual = Wording { vi: actual.clone(), en: actual };
    Some(FieldRule { element, fault }.violation(&place(packet, id), &actual))
}

/// Longest number in digits.
const NUMBER_DIGITS_MAX: usize = 6;

fn fits(form: Form, text: &str) -> bool {
    match form {
        Form::Free => true,
        Form::OrganId => OrganId::parse(text).is_some(),
        Form::Date => dates::date(text).is_some(),
        Form::Timestamp => dates::timestamp(text).is_some(),
        Form::Number => text.len() <= NUMBER_DIGITS_MAX && text.bytes().all(|b| b.is_ascii_digit()),
        Form::OneOf(allowed) => allowed.contains(&text),
        Form::StatusCode => StatusCode::parse(text).is_some(),
    }
}

/// Every place where the element should stand with text and does not.
fn absences(packet: &Packet, element: &'static Element) -> Vec<Violation> {
    let rule = FieldRule { element, fault: Fault::Missing };
    let needed = || match element.need {
        Need::Optional => false,
        Need::InParent => true,
        Need::Document => Kind::of(packet) == Kind::Document,
        Need::Status => Kind::of(packet) == Kind::Status,
    };
    if !rule.applies() || !needed() {
        return Vec::new();
    }
    let places: Vec<String> = match element::of_path(element.parent()) {
        Some(parent) if parent.many || element.need == Need::InParent => {
            let blocks = packet.all(parent.path).filter(|(id, _)| stands(packet, *id));
            let without = blocks.filter(|(id, _)| packet.child_text(*id, element.name()).is_none());
            without.map(|(id, _)| format!("{}/{}", place(packet, id), element.name())).collect()
        }
        _ if packet.text(element.path).is_none() => vec![element.path.replace('.', "/")],
        _ => Vec::new(),
    };
    let nothing = Wording { vi: String::new(), en: String::new() };
    places.iter().map(|place| rule.violation(place, &nothing)).collect()
}

/// Whether a block counts as there. Vendors write optional ones as empty forms, which count as absent.
fn stands(packet: &Packet, block: NodeId) -> bool {
    let optional = ["MessageHeader.ResponseFor", RECEIVER, REPLACED];
    let form = packet.node(block).is_some_and(|node| optional.contains(&node.element.path));
    let lists = || packet.children(block).any(|(list, _)| has_text(packet, list));
    !form || has_text(packet, block) || lists()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{attached, document, judged, replacement, status, update};
    use super::*;

    #[test]
    fn complete_packets_pass() {
        for draft in [document(), status("01"), attached("a", "a"), update("X99.C03", "1"), replacement()] {
            assert!(judged(&draft).is_empty(), "{:?}", draft.check());
        }
    }

    #[test]
    fn what_a_document_needs_is_asked_of_documents_only() {
        for path in [
            "MessageHeader.DocumentId",
            "MessageHeader.Code.CodeNumber",
            "MessageHeader.Code.CodeNotation",
            "MessageHeader.PromulgationInfo.PromulgationDate",
            "MessageHeader.Subject",
        ] {
            assert_eq!(judged(&document().without(path)), [format!("N.{path}")]);
            assert_eq!(judged(&document().set(path, "")), [format!("N.{path}")]);
        }
        assert_eq!(judged(&document().without("MessageHeader.Code")).len(), 2);
        for path in ["MessageHeader.From.OrganId", "MessageHeader.To.OrganId"] {
            assert_eq!(judged(&document().set(path, "")), [format!("N.{path}")]);
        }
    }

    #[test]
    fn what_a_status_needs_is_asked_of_each_block() {
        for name in ["OrganId", "Code", "DocumentId"] {
            let path = format!("MessageHeader.ResponseFor.{name}");
            let violations = status("01").set(&path, "").check();
            assert_eq!(violations.len(), 1);
            assert_eq!(violations[0].code, format!("N.{path}"));
            assert_eq!(violations[0].place, format!("MessageHeader/ResponseFor[1]/{name}"));
        }
        assert_eq!(judged(&status("01").without("MessageHeader.Timestamp")), ["N.MessageHeader.Timestamp"]);
        let answer = document().add("MessageHeader.ResponseFor.Code", "9/UBND");
        assert!(judged(&answer).is_empty(), "a document may name what it answers by its number only");
    }

    #[test]
    fn limits_are_inclusive_and_count_characters() {
        let path = "MessageHeader.Subject";

        assert!(judged(&document().set(path, &"ậ".repeat(2000))).is_empty());
        let violations = document().set(path, &"ậ".repeat(2001)).check();
        assert_eq!(violations[0].code, "R.MessageHeader.Subject");
        assert_eq!(violations[0].cause.vi, "Trích yếu dài 2001 ký tự, vượt mức tối đa 2000 ký tự.");
        assert_eq!(violations[0].remedy.en, "Give the abstract in at most 2000 characters and send the packet again.");
    }

    #[test]
    fn a_too_long_organ_id_is_not_malformed_too() {
        assert_eq!(
            judged(&document().set("MessageHeader.To.OrganId", &"X".repeat(36))),
            ["R.MessageHeader.To.OrganId"]
        );
        assert_eq!(judged(&document().set("MessageHeader.To.OrganId", "X99/#")), ["M.MessageHeader.To.OrganId"]);
        assert!(judged(&document().set("MessageHeader.To.OrganId", &"X".repeat(35))).is_empty());
    }

    #[test]
    fn forms_are_judged_with_the_value_in_the_text() {
        for (path, value, code) in [
            ("MessageHeader.PromulgationInfo.PromulgationDate", "2026/02/30", 'T'),
            ("MessageHeader.DueDate", "mai", 'T'),
            ("MessageHeader.DocumentType.Type", "-1", 'T'),
            ("MessageHeader.DocumentType.Type", "1234567", 'T'),
            ("MessageHeader.OtherInfo.Priority", "5", 'M'),
            ("MessageHeader.SteeringType", "a", 'T'),
            ("TraceHeaderList.Bussiness.BussinessDocType", "7", 'M'),
            ("TraceHeaderList.Bussiness.Paper", "có", 'M'),
        ] {
            let draft = document().without(path).add(path, value);
            let violations = draft.check();
            assert_eq!(judged(&draft), [format!("{code}.{path}")]);
            assert!(violations[0].cause.vi.contains(&format!("\"{value}\"")), "{}", violations[0].cause.vi);
        }
        assert_eq!(judged(&status("01").set("MessageHeader.Timestamp", "x")), ["T.MessageHeader.Timestamp"]);
        assert_eq!(judged(&status("abc")), ["T.MessageHeader.StatusCode"]);
    }

    #[test]
    fn some_codes_are_shorter_than_their_path() {
        let receiver = "TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver";
        let replaced = "TraceHeaderList.Bussiness.ReplacementInfoList.ReplacementInfo";
        let staff = "MessageHeader.StaffInfo.Staff";
        let long = "x".repeat(501);

        for value in ["", "a b", &long] {
            let draft = update("X99.C03", "1").set(&format!("{receiver}.OrganId"), value);
            assert_eq!(judged(&draft), ["M.TraceHeaderList.Bussiness.Receiver"]);
        }
        assert_eq!(judged(&update("X99.C03", "7")), ["M.TraceHeaderList.Bussiness.ReceiverType"]);
        assert_eq!(
            judged(&replacement().set(&format!("{replaced}.DocumentId"), "")),
            ["N.TraceHeaderList.Bussiness.ReplacementInfo.DocumentId"]
        );
        assert_eq!(
            judged(&replacement().set(&format!("{replaced}.OrganIdList.OrganId"), "?")),
            ["M.TraceHeaderList.Bussiness.ReplacementInfo.OrganId"]
        );
        assert_eq!(judged(&status("01").add(staff, &long)), ["R.MessageHeader.StaffInfo"]);
        let business = document().add("TraceHeaderList.Bussiness.StaffInfo.StaffId", &long);
        assert_eq!(judged(&business), ["R.TraceHeaderList.Bussiness.StaffInfo"]);
        let name = attached("a", "a").set("Manifest.Reference.AttachmentName", "");
        assert_eq!(judged(&name), ["N.Manifest.AttachmentName"]);
        assert_eq!(name.check()[0].class, FileUnusable);
    }

    #[test]
    fn empty_forms_of_optional_blocks_count_as_absent() {
        let receiver = "TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver";

        assert!(judged(&document().add(&format!("{receiver}.OrganId"), "")).is_empty());
        assert!(judged(&document().add("MessageHeader.ResponseFor.Code", "")).is_empty());
        assert_eq!(judged(&document().add("MessageHeader.To", "")), ["N.MessageHeader.To.OrganId"]);
    }

    #[test]
    fn every_element_with_a_rule_has_a_name() {
        for rule in all() {
            assert!(names::of_path(rule.element.path).is_some(), "{}", rule.element.path);
        }
    }
}
