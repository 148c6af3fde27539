//! Rules about who sends to whom, judged by what the directory knows, and `Parties`, what is asked of it.
//! Not here: whether an organ id is well written (`fields`); what was exchanged before (`exchange`).

use super::Class::{NotToStandard, RecipientLocked, RecipientUnknown, SenderNotRegistered};
use super::rule::{Finding, Judge, Rule, Section, Text, place};
use super::whole::Kind;
use crate::domain::agency::{Agency, AgencyCode, OrganId, Standing};
use crate::domain::envelope::{Business, Content, Envelope};
use crate::domain::packet::{NodeId, Packet};
use chrono::{DateTime, Utc};
use std::collections::HashMap;

/// What the directory knows about an organ id of the packet.
#[derive(Debug, Clone)]
pub struct Party {
    /// Where it stands in the packet: `MessageHeader/To[2]/OrganId`.
    pub place: String,
    /// As written.
    pub organ_id: OrganId,
    /// The agency it leads to, when known.
    pub agency: Option<Agency>,
    /// Who takes the mail of a closed agency, as far as the directory knows.
    pub successor: Option<Agency>,
    /// Whether the agency takes part, when known.
    pub standing: Option<Standing>,
}

/// What the directory knows about the parties of a packet.
#[derive(Debug, Clone, Default)]
pub struct Parties {
    /// The sender and whether the calling system holds it.
    pub sender: Option<(Party, bool)>,
    /// Every addressee, in the packet's order, repeats included.
    pub recipients: Vec<Party>,
    /// Receivers named by an update, in the packet's order.
    pub receivers: Vec<Party>,
}

const SENDER: &str = "MessageHeader.From.OrganId";
const RECIPIENT: &str = "MessageHeader.To.OrganId";
const RECEIVER: &str = "TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver.OrganId";

/// Successors of successors that are followed; closed agencies that name each other must not trap us.
const SUCCESSORS_MAX: usize = 8;

impl Parties {
    /// Every organ id that the directory must know to judge the packet, in the packet's order.
    pub fn organ_ids(packet: &Packet) -> Vec<OrganId> {
        [SENDER, RECIPIENT, RECEIVER].iter().flat_map(|path| written(packet, path)).map(|(_, id)| id).collect()
    }

    /// Puts what the directory knows beside every organ id of the packet. `find` is asked by codes as
    /// written, and by canonical codes for successors; `holds` is whether the calling system holds an agency.
    pub fn of(
        (packet, now): (&Packet, DateTime<Utc>),
        find: impl Fn(&str) -> Option<Agency>,
        holds: impl Fn(&AgencyCode) -> bool,
    ) -> Self {
        let party = |(id, organ_id): (NodeId, OrganId)| {
            let agency = find(organ_id.as_str());
            let successor = agency.as_ref().and_then(|closed| last_successor((closed, now), &find));
            let standing = agency.as_ref().map(|agency| agency.standing(now));
            Party { place: place(packet, id), organ_id, agency, successor, standing }
        };
        let sender = written(packet, SENDER).next().map(party).map(|sender| {
            let held = sender.agency.as_ref().is_some_and(|agency| holds(&agency.code));
            (sender, held)
        });
        Self {
            sender,
            recipients: written(packet, RECIPIENT).map(party).collect(),
            receivers: written(packet, RECEIVER).map(party).collect(),
        }
    }

    /// The same with only that one of the recipients that is meant: a neighbouring hub brings a packet to one of them.
    pub fn only(mut self, meant: &str) -> Self {
        let is_meant = |party: &Party| {
            let code = party.agency.as_ref().map_or(party.organ_id.as_str(), |agency| agency.code.as_str());
            code.eq_ignore_ascii_case(meant)
        };
        self.recipients.retain(is_meant);
        self.receivers.retain(is_meant);
        self
    }
}

/// The readable organ ids at a path; what is wrong with the others is for `fields` to say.
fn written<'a>(packet: &'a Packet, path: &'a str) -> impl Iterator<Item = (NodeId, OrganId)> + 'a {
    packet.all(path).filter_map(|(id, node)| Some((id, OrganId::parse(&node.text)?)))
}

/// The end of the chain of successors, as far as it is known.
fn last_successor((closed, now): (&Agency, DateTime<Utc>), find: impl Fn(&str) -> Option<Agency>) -> Option<Agency> {
    let next = |agency: &Agency| {
        let successor = agency.successor.as_ref().filter(|_| agency.standing(now).is_over());
        successor.and_then(|code| find(code.as_str()))
    };
    std::iter::successors(next(closed), next).take(SUCCESSORS_MAX).last()
}

const CODE: Text = Text { vi: "mã định danh", en: "organ id" };
const AGENCY: Text = Text { vi: "tên cơ quan", en: "name" };
const FIRST_DAY: Text = Text { vi: "ngày bắt đầu", en: "first day" };
const LAST_DAY: Text = Text { vi: "ngày cuối", en: "last day" };

/// The rows.
pub const SECTION: Section =
    Section { title: Text { vi: "Nơi gửi, nơi nhận", en: "Sender and recipients" }, rules: RULES };

const RULES: &[Rule] = &[
    Rule::new("N.MessageHeader.From", NotToStandard, Judge::Packet(no_sender))
        .cause("Gói tin không nêu nơi gửi: thiếu phần tử From.", "The packet names no sender: there is no From.")
        .remedy(
            "Ghi nơi gửi cùng mã định danh trong From rồi gửi lại.",
            "Give the sender with its organ id in From and send the packet again.",
        ),
    Rule::new("M.MessageHeader.From.NotHeld", SenderNotRegistered, Judge::Parties(sender_not_held))
        .given(&[CODE])
        .cause(
            "Hệ thống gửi chưa được đăng ký để gửi cho cơ quan \"{0}\".",
            "The sending system is not registered to send for the agency \"{0}\".",
        )
        .remedy(
            "Kiểm tra mã định danh trong From, hoặc đề nghị đơn vị vận hành đăng ký mã này cho hệ thống gửi.",
            "Check the organ id in From, or ask the operator to register it for the sending system.",
        ),
    Rule::new("M.MessageHeader.From.Closed", SenderNotRegistered, Judge::Parties(sender_closed))
        .given(&[CODE, AGENCY, Text { vi: "đơn vị kế thừa", en: "successor" }])
        .cause("Nơi gửi \"{0}\" ({1}) đã ngừng hoạt động.", "The sender \"{0}\" ({1}) is closed.")
        .remedy("Gửi bằng mã của đơn vị kế thừa: {2}.", "Send under the code of its successor: {2}.")
        .remedy_without_last(
            "Nếu chưa biết đơn vị kế thừa, liên hệ đơn vị vận hành.",
            "If you do not know the successor, ask the operator.",
        ),
    Rule::new("M.MessageHeader.From.Suspended", SenderNotRegistered, Judge::Parties(sender_suspended))
        .given(&[CODE, AGENCY])
        .retry()
        .cause(
            "Nơi gửi \"{0}\" ({1}) đang bị khóa, tạm thời không gửi được.",
            "The sender \"{0}\" ({1}) is suspended and cannot send for now.",
        )
        .remedy(
            "Liên hệ đơn vị vận hành để mở khóa rồi gửi lại.",
            "Ask the operator to lift the suspension, then send the packet again.",
        ),
    Rule::new("M.MessageHeader.From.NotYetValid", SenderNotRegistered, Judge::Parties(sender_not_yet_valid))
        .given(&[CODE, AGENCY, FIRST_DAY])
        .retry()
        .cause(
            "Nơi gửi \"{0}\" ({1}) chưa có hiệu lực: bắt đầu từ ngày {2}.",
            "The sender \"{0}\" ({1}) is not valid yet: its first day is {2}.",
        )
        .remedy(
            "Gửi lại từ ngày đó, hoặc gửi bằng mã đang có hiệu lực.",
            "Send the packet from that day on, or send under a code that is valid now.",
        ),
    Rule::new("M.MessageHeader.From.NoLongerValid", SenderNotRegistered, Judge::Parties(sender_no_longer_valid))
        .given(&[CODE, AGENCY, LAST_DAY])
        .cause(
            "Nơi gửi \"{0}\" ({1}) đã hết hiệu lực: ngày cuối là {2}.",
            "The sender \"{0}\" ({1}) is no longer valid: its last day was {2}.",
        )
        .remedy(
            "Gửi bằng mã đang có hiệu lực, hoặc đề nghị đơn vị vận hành gia hạn.",
            "Send under a code that is valid now, or ask the operator to extend it.",
        ),
    Rule::new("R.MessageHeader.To", NotToStandard, Judge::Reader)
        .given(&[Text { vi: "mức tối đa", en: "limit" }])
        .limit("packets.recipients_max")
        .cause("Gói tin có quá {0} nơi nhận.", "The packet has more than {0} recipients.")
        .remedy(
            "Chia nơi nhận ra nhiều gói tin cùng mã văn bản rồi gửi lại.",
            "Spread the recipients over several packets with the same DocumentId and send them.",
        ),
    Rule::new("M.MessageHeader.To.Repeated", NotToStandard, Judge::Parties(recipient_repeated))
        .given(&[CODE, Text { vi: "mã đã ghi trước đó", en: "organ id before it" }])
        .cause(
            "Nơi nhận \"{0}\" bị ghi trùng: \"{1}\" đứng trước đó là cùng một cơ quan.",
            "The recipient \"{0}\" is named twice: \"{1}\" before it is the same agency.",
        )
        .remedy(
            "Ghi mỗi nơi nhận một lần (mã cũ và mã mới của một cơ quan chỉ là một nơi nhận) rồi gửi lại.",
            "Name each recipient once (old and new code of an agency are one recipient) and send the packet again.",
        ),
    Rule::new("M.MessageHeader.To.Unknown", RecipientUnknown, Judge::Parties(recipient_unknown))
        .given(&[CODE])
        .cause(
            "Nơi nhận \"{0}\" không có trong danh bạ của trục liên thông.",
            "The recipient \"{0}\" is not in the directory.",
        )
        .remedy(
            "Tra cứu mã định danh đúng của nơi nhận trong danh bạ rồi gửi lại.",
            "Look up the right organ id in the directory and send the packet again.",
        ),
    Rule::new("M.MessageHeader.To.Closed", RecipientUnknown, Judge::Parties(recipient_closed))
        .given(&[CODE, AGENCY, Text { vi: "đơn vị kế thừa", en: "successor" }])
        .cause("Nơi nhận \"{0}\" ({1}) đã ngừng hoạt động.", "The recipient \"{0}\" ({1}) is closed.")
        .remedy("Gửi tới đơn vị kế thừa: {2}.", "Send to its successor: {2}.")
        .remedy_without_last(
            "Nếu chưa biết đơn vị kế thừa, liên hệ đơn vị vận hành.",
            "If you do not know the successor, ask the operator.",
        ),
    Rule::new("M.MessageHeader.To.Suspended", RecipientLocked, Judge::Parties(recipient_suspended))
        .given(&[CODE, AGENCY])
        .retry()
        .cause(
            "Nơi nhận \"{0}\" ({1}) đang bị khóa, tạm thời không nhận văn bản.",
            "The recipient \"{0}\" ({1}) is suspended and receives nothing for now.",
        )
        .remedy(
            "Gửi lại sau khi nơi nhận được mở khóa, hoặc gửi bằng cách khác nếu gấp.",
            "Send the packet again when the suspension is lifted, or another way if it is urgent.",
        ),
    Rule::new("M.MessageHeader.To.NotYetValid", RecipientUnknown, Judge::Parties(recipient_not_yet_valid))
        .given(&[CODE, AGENCY, FIRST_DAY])
        .retry()
        .cause(
            "Nơi nhận \"{0}\" ({1}) chưa có hiệu lực: bắt đầu từ ngày {2}.",
            "The recipient \"{0}\" ({1}) is not valid yet: its first day is {2}.",
        )
        .remedy(
            "Gửi lại từ ngày đó, hoặc gửi tới cơ quan đang có hiệu lực.",
            "Send the packet again from that day on, or send to the agency that is valid now.",
        ),
    Rule::new("M.MessageHeader.To.NoLongerValid", RecipientUnknown, Judge::Parties(recipient_no_longer_valid))
        .given(&[CODE, AGENCY, LAST_DAY])
        .cause(
            "Nơi nhận \"{0}\" ({1}) đã hết hiệu lực: ngày cuối là {2}.",
            "The recipient \"{0}\" ({1}) is no longer valid: its last day was {2}.",
        )
        .remedy(
            "Tra cứu cơ quan tiếp nhận nhiệm vụ trong danh bạ, hoặc hỏi đơn vị vận hành, rồi gửi lại.",
            "Look up in the directory, or ask the operator, who has taken over, and send the packet there.",
        ),
    Rule::new("M.TraceHeaderList.Bussiness.Receiver", RecipientUnknown, Judge::Parties(receiver_unusable))
        .given(&[CODE])
        .cause(
            "Nơi nhận \"{0}\" trong danh sách thêm, bớt không có trong danh bạ, hoặc được thêm khi không còn hoạt động.",
            "The receiver \"{0}\" of the update is not in the directory, or is added while it takes no part.",
        )
        .remedy(
            "Tra cứu mã định danh đúng trong danh bạ, sửa ReceiverList rồi gửi lại.",
            "Look up the right organ id in the directory, correct ReceiverList and send the packet again.",
        ),
    Rule::new("M.MessageHeader.To.SelfTest", RecipientUnknown, Judge::Exchange)
        .cause(
            "Đơn vị kiểm thử của Trục chỉ nhận văn bản của một lượt tự kiểm tra đang chạy, và chỉ một mình.",
            "The hub's test agency takes only documents of a self-test that is running, and only by themselves.",
        )
        .remedy(
            "Bắt đầu lượt tự kiểm tra, ghi mã KT của ca vào trích yếu và bỏ các nơi nhận khác, rồi gửi lại.",
            "Begin a self-test, put the KT mark of the case into the subject, leave out other recipients and send again.",
        ),
    Rule::new("M.MessageHeader.To.NeverReceived", super::Class::DocumentUnknown, Judge::Exchange)
        .given(&[CODE, Text { vi: "mã văn bản", en: "document id" }])
        .cause(
            "Nơi nhận \"{0}\" chưa từng được gửi văn bản \"{1}\".",
            "The recipient \"{0}\" was never sent the document \"{1}\".",
        )
        .remedy(
            "Bỏ nơi nhận này, hoặc ghi đúng mã văn bản, rồi gửi lại.",
            "Leave out this recipient, or give the right document id, and send the packet again.",
        ),
];

fn no_sender(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    let missing = packet.first("MessageHeader").is_some()
        && packet.first("MessageHeader.From").is_none()
        && Kind::of(packet) != Kind::Unclear;
    missing.then(|| Finding::at("MessageHeader/From")).into_iter().collect()
}

fn sender_not_held(_: &Envelope, parties: &Parties) -> Vec<Finding> {
    let strange = parties.sender.iter().filter(|(_, held)| !held);
    strange.map(|(party, _)| Finding::at(&party.place).with(party.organ_id.as_str())).collect()
}

fn sender_closed(_: &Envelope, parties: &Parties) -> Vec<Finding> {
    held_sender(parties).filter_map(closed).collect()
}

fn sender_suspended(_: &Envelope, parties: &Parties) -> Vec<Finding> {
    held_sender(parties).filter_map(suspended).collect()
}

fn sender_not_yet_valid(_: &Envelope, parties: &Parties) -> Vec<Finding> {
    held_sender(parties).filter_map(not_yet_valid).collect()
}

fn sender_no_longer_valid(_: &Envelope, parties: &Parties) -> Vec<Finding> {
    held_sender(parties).filter_map(no_longer_valid).collect()
}

/// The sender, unless `sender_not_held` speaks of it: strangers are told nothing about its state.
fn held_sender(parties: &Parties) -> impl Iterator<Item = &Party> {
    parties.sender.iter().filter(|(_, held)| *held).map(|(party, _)| party)
}

fn recipient_unknown(_: &Envelope, parties: &Parties) -> Vec<Finding> {
    let unknown = parties.recipients.iter().filter(|party| party.agency.is_none());
    unknown.map(|party| Finding::at(&party.place).with(party.organ_id.as_str())).collect()
}

fn recipient_closed(_: &Envelope, parties: &Parties) -> Vec<Finding> {
    parties.recipients.iter().filter_map(closed).collect()
}

fn recipient_suspended(_: &Envelope, parties: &Parties) -> Vec<Finding> {
    parties.recipients.iter().filter_map(suspended).collect()
}

fn recipient_not_yet_valid(_: &Envelope, parties: &Parties) -> Vec<Finding> {
    parties.recipients.iter().filter_map(not_yet_valid).collect()
}

fn recipient_no_longer_valid(_: &Envelope, parties: &Parties) -> Vec<Finding> {
    parties.recipients.iter().filter_map(no_longer_valid).collect()
}

/// Code and name of a party.
fn named(party: &Party) -> Option<Finding> {
    let agency = party.agency.as_ref()?;
    Some(Finding::at(&party.place).with(party.organ_id.as_str()).with(&agency.name))
}

/// Code, name and, where there is one, the successor of a party that is closed, or was followed by another after its last day.
fn closed(party: &Party) -> Option<Finding> {
    let (agency, finding) = (party.agency.as_ref()?, named(party)?);
    let told = || {
        let known = party.successor.as_ref().map(|successor| format!("{} ({})", successor.code, successor.name));
        known.or_else(|| agency.successor.as_ref().map(ToString::to_string))
    };
    let successor = match party.standing? {
        Standing::Closed => told(),
        Standing::NoLongerValid(_) => Some(told()?),
        Standing::Open | Standing::Suspended | Standing::NotYetValid(_) => return None,
    };
    Some(match successor {
        Some(successor) => finding.with(successor),
        None => finding,
    })
}

fn suspended(party: &Party) -> Option<Finding> {
    (party.standing? == Standing::Suspended).then(|| named(party)).flatten()
}

fn not_yet_valid(party: &Party) -> Option<Finding> {
    match party.standing? {
        Standing::NotYetValid(day) => named(party).map(|finding| finding.with(day.to_string())),
        Standing::Open | Standing::Suspended | Standing::Closed | Standing::NoLongerValid(_) => None,
    }
}

fn no_longer_valid(party: &Party) -> Option<Finding> {
    match party.standing? {
        Standing::NoLongerValid(_) if party.agency.as_ref()?.successor.is_some() => None,
        Standing::NoLongerValid(day) => named(party).map(|finding| finding.with(day.to_string())),
        Standing::Open | Standing::Suspended | Standing::Closed | Standing::NotYetValid(_) => None,
    }
}

/// By agency where the directory knows it, so that an alias is the same; else by what is written.
fn recipient_repeated(_: &Envelope, parties: &Parties) -> Vec<Finding> {
    let mut before: HashMap<String, &Party> = HashMap::new();
    let mut repeated = Vec::new();
    for party in &parties.recipients {
        let same = party.agency.as_ref().map_or_else(|| party.organ_id.folded(), |agency| agency.code.to_string());
        match before.get(&same) {
            Some(first) => {
                let ids = (party.organ_id.as_str(), first.organ_id.as_str());
                repeated.push(Finding::at(&party.place).with(ids.0).with(ids.1));
            }
            None => {
                before.insert(same, party);
            }
        }
    }
    repeated
}

/// Who leaves may be in any state; who joins must be able to receive.
fn receiver_unusable(envelope: &Envelope, parties: &Parties) -> Vec<Finding> {
    let Content::Document(document) = &envelope.content else { return Vec::new() };
    let Business::Update { added, .. } = &document.business else { return Vec::new() };
    let unusable = parties.receivers.iter().filter(|party| match party.standing {
        None => true,
        Some(standing) => standing != Standing::Open && added.contains(&party.organ_id),
    });
    unusable.map(|party| Finding::at(&party.place).with(party.organ_id.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Draft, codes, directory, document, judged, update};
    use super::super::{Violation, check_parties};
    use super::*;

    fn asked(draft: &Draft) -> Vec<Violation> {
        let packet = draft.packet();
        let holds = |code: &AgencyCode| code.as_str() == "X99.A01" || code.as_str() > "X99.D";
        let parties = Parties::of((&packet, DateTime::UNIX_EPOCH), directory, holds);
        check_parties(&Envelope::of(&packet).unwrap(), &parties)
    }

    fn sent_by(code: &str) -> Vec<Violation> {
        asked(&document().set("MessageHeader.From.OrganId", code))
    }

    fn sent_to(code: &str) -> Vec<Violation> {
        asked(&document().set("MessageHeader.To.OrganId", code))
    }

    #[test]
    fn open_agencies_may_send_and_receive() {
        assert!(asked(&document()).is_empty());
        assert!(asked(&document().set("MessageHeader.To.OrganId", "x99.b02")).is_empty());
        assert!(asked(&document().set("MessageHeader.To.OrganId", "000.00.02.X99")).is_empty());
    }

    #[test]
    fn the_sender_must_be_held_and_open() {
        assert_eq!(codes(&sent_by("X99.B02")), ["M.MessageHeader.From.NotHeld"]);
        assert_eq!(codes(&sent_by("X99.Z99")), ["M.MessageHeader.From.NotHeld"]);
        assert_eq!(codes(&sent_by("X99.D04")), ["M.MessageHeader.From.Closed"]);
        assert_eq!(codes(&sent_by("X99.E05")), ["M.MessageHeader.From.Suspended"]);
    }

    #[test]
    fn a_missing_sender_is_reported_without_its_parts() {
        assert_eq!(judged(&document().without("MessageHeader.From")), ["N.MessageHeader.From"]);
    }

    #[test]
    fn a_closed_recipient_names_the_successor_that_is_open() {
        let violations = sent_to("X99.D04");

        assert_eq!(codes(&violations), ["M.MessageHeader.To.Closed"]);
        assert_eq!(violations[0].remedy.vi, "Gửi tới đơn vị kế thừa: X99.B02 (Ủy ban nhân dân tỉnh Mẫu).");
        assert_eq!(violations[0].cause.en, "The recipient \"X99.D04\" (Ủy ban nhân dân tỉnh Cũ) is closed.");
        assert_eq!(sent_to("X99.F06")[0].remedy, violations[0].remedy, "F06 was followed by D04, which is closed too");
        assert_eq!(sent_to("X99.G07")[0].remedy.en, "If you do not know the successor, ask the operator.");
        assert_eq!(sent_to("X99.H08")[0].remedy.en, "Send to its successor: X99.Z99.");
    }

    #[test]
    fn agencies_that_succeed_each_other_do_not_trap_us() {
        assert_eq!(codes(&sent_to("X99.I09")), ["M.MessageHeader.To.Closed"]);
    }

    #[test]
    fn a_suspended_recipient_may_be_tried_again() {
        let violations = sent_to("X99.E05");

        assert_eq!(codes(&violations), ["M.MessageHeader.To.Suspended"]);
        assert!(violations[0].retry);
        assert_eq!(violations[0].class.number(), 23);
    }

    #[test]
    fn an_agency_takes_part_only_on_its_days() {
        assert_eq!(codes(&sent_to("X99.J10")), ["M.MessageHeader.To.NotYetValid"]);
        assert_eq!(codes(&sent_to("X99.K11")), ["M.MessageHeader.To.NoLongerValid"]);
        let merged = sent_to("X99.L12");
        assert_eq!(codes(&merged), ["M.MessageHeader.To.Closed"], "its successor is named");
        assert_eq!(merged[0].remedy.en, "Send to its successor: X99.B02 (Ủy ban nhân dân tỉnh Mẫu).");
        assert!(sent_to("X99.M13").is_empty(), "its last day is to come");
        assert_eq!(codes(&sent_by("X99.J10")), ["M.MessageHeader.From.NotYetValid"]);
        assert_eq!(codes(&sent_by("X99.K11")), ["M.MessageHeader.From.NoLongerValid"]);
        assert_eq!(codes(&asked(&update("X99.J10", "1"))), ["M.TraceHeaderList.Bussiness.Receiver"]);
        assert!(sent_to("X99.J10")[0].retry && !sent_to("X99.K11")[0].retry);
        assert!(sent_to("X99.J10")[0].cause.en.contains("2099-01-01"));
    }

    #[test]
    fn every_unknown_recipient_is_reported_at_its_place() {
        let mut draft = document();
        for number in 0..900 {
            draft = draft.add("MessageHeader.To", "").add("MessageHeader.To.OrganId", &format!("Y{number}"));
        }

        let violations = asked(&draft);

        assert_eq!(violations.len(), 900);
        assert!(violations.iter().all(|v| v.code == "M.MessageHeader.To.Unknown" && v.class.number() == 18));
        assert_eq!(violations[0].place, "MessageHeader/To[2]/OrganId");
        assert_eq!(violations[899].place, "MessageHeader/To[901]/OrganId");
    }

    #[test]
    fn one_agency_is_one_recipient_under_any_name() {
        for again in ["X99.B02", "x99.b02", "000.00.02.X99"] {
            let draft = document().add("MessageHeader.To", "").add("MessageHeader.To.OrganId", again);
            let violations = asked(&draft);
            assert_eq!(codes(&violations), ["M.MessageHeader.To.Repeated"], "{again}");
            assert_eq!(violations[0].place, "MessageHeader/To[2]/OrganId");
        }
        let unknown = document().add("MessageHeader.To", "").add("MessageHeader.To.OrganId", "X99.C03");
        assert!(asked(&unknown).is_empty());
    }

    #[test]
    fn receivers_of_an_update_must_exist_and_joining_ones_be_open() {
        let code = ["M.TraceHeaderList.Bussiness.Receiver"];

        assert!(asked(&update("X99.C03", "1")).is_empty());
        assert!(asked(&update("X99.D04", "0")).is_empty());
        assert_eq!(codes(&asked(&update("X99.D04", "1"))), code);
        assert_eq!(codes(&asked(&update("X99.E05", ""))), code);
        assert_eq!(codes(&asked(&update("X99.Z99", "0"))), code);
        assert!(asked(&update("X99.Z99", "0").set("TraceHeaderList.Bussiness.BussinessDocType", "0")).is_empty());
    }

    #[test]
    fn every_organ_id_of_a_packet_is_asked_for() {
        let ids = Parties::organ_ids(&update("X99.C03", "1").packet());
        assert_eq!(ids.iter().map(OrganId::as_str).collect::<Vec<_>>(), ["X99.A01", "X99.B02", "X99.C03"]);
    }
}
