//! Rules about the packet as a whole: can it be read, is it within limits, is it a packet of the standard.
//! Most are found by `wire::read` while the bytes go by; their rows stand here nevertheless.

use super::Class::{InvalidFile, NotToStandard};
use super::rule::{Finding, Judge, Rule, Section, Text, place};
use crate::domain::packet::{NodeId, Packet};
use chrono::{DateTime, Utc};

/// What a packet is, by what stands in its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It names recipients.
    Document,
    /// It reports a status.
    Status,
    /// It does neither, or both, or has no header.
    Unclear,
}

impl Kind {
    /// The kind of a packet. An element without text does not count, but a `To` of any form does:
    /// `Envelope::of` goes by it.
    pub fn of(packet: &Packet) -> Self {
        let addressed = packet.first("MessageHeader.To").is_some();
        match (addressed, packet.text("MessageHeader.StatusCode").is_some()) {
            (true, false) => Self::Document,
            (false, true) => Self::Status,
            (true, true) | (false, false) => Self::Unclear,
        }
    }
}

const LIMIT: &[Text] = &[Text { vi: "mức tối đa", en: "limit" }];
const NAME: &[Text] = &[Text { vi: "tên phần tử", en: "element" }];

/// The rows.
pub const SECTION: Section = Section { title: Text { vi: "Cả gói tin", en: "The packet as a whole" }, rules: RULES };

const RULES: &[Rule] = &[
    Rule::new("M.Packet.Empty", InvalidFile, Judge::Reader)
        .cause("Gói tin không có nội dung.", "The packet holds no bytes.")
        .remedy("Xuất lại gói tin từ phần mềm quản lý văn bản rồi gửi lại.", "Export the packet again and send it."),
    Rule::new("M.Packet.NotXml", InvalidFile, Judge::Reader)
        .given(&[Text { vi: "lỗi gặp phải", en: "what was met" }])
        .cause("Gói tin không phải là XML hợp lệ: {0}.", "The packet is not well-formed XML: {0}.")
        .remedy(
            "Xuất lại gói tin, không để ký tự nào đứng trước phần khai báo XML hay sau phần tử gốc, rồi gửi lại.",
            "Export the packet again, with nothing before the XML declaration or after the root element, and send it.",
        ),
    Rule::new("M.Packet.Encoding", InvalidFile, Judge::Reader)
        .cause("Gói tin không được mã hóa bằng UTF-8.", "The packet is not encoded in UTF-8.")
        .remedy(
            "Ghi gói tin bằng UTF-8 và khai báo đúng như vậy, rồi gửi lại.",
            "Write the packet in UTF-8, declare it so, and send it again.",
        ),
    Rule::new("M.Packet.Doctype", InvalidFile, Judge::Reader)
        .cause("Gói tin có khai báo DOCTYPE, là thứ không được chấp nhận.", "The packet has a DOCTYPE, which is refused.")
        .remedy("Bỏ khai báo DOCTYPE rồi gửi lại.", "Remove the DOCTYPE and send the packet again."),
    Rule::new("M.Packet.Entity", InvalidFile, Judge::Reader)
        .given(&[Text { vi: "tên thực thể", en: "entity" }])
        .cause(
            "Gói tin dùng thực thể \"{0}\"; chỉ năm thực thể có sẵn của XML được chấp nhận.",
            "The packet uses the entity \"{0}\"; only the five that XML predefines are accepted.",
        )
        .remedy(
            "Ghi thẳng ký tự thay cho thực thể rồi gửi lại.",
            "Write the character itself in place of the entity and send the packet again.",
        ),
    Rule::new("M.Packet.StrayText", NotToStandard, Judge::Reader)
        .cause(
            "Có chữ đứng ở nơi chỉ được có phần tử.",
            "Text stands where only elements may stand.",
        )
        .remedy(
            "Bỏ phần chữ thừa giữa các phần tử rồi gửi lại.",
            "Remove the text between the elements and send the packet again.",
        ),
    Rule::new("R.Packet.Depth", InvalidFile, Judge::Reader)
        .given(LIMIT)
        .limit("packets.depth_max")
        .cause("Các phần tử lồng nhau quá {0} cấp.", "Elements stand inside each other more than {0} deep.")
        .remedy(
            "Ghi gói tin theo đúng cấu trúc của QCVN 102:2016 rồi gửi lại.",
            "Write the packet as QCVN 102:2016 lays it out and send it again.",
        ),
    Rule::new("R.Packet.Attributes", InvalidFile, Judge::Reader)
        .given(LIMIT)
        .limit("packets.attributes_max")
        .cause("Một phần tử có quá {0} thuộc tính.", "One element has more than {0} attributes.")
        .remedy("Bỏ các thuộc tính thừa rồi gửi lại.", "Remove the attributes nobody needs and send the packet again."),
    Rule::new("R.Packet.Token", InvalidFile, Judge::Reader)
        .given(LIMIT)
        .limit("packets.token_bytes_max")
        .cause(
            "Một thẻ, chú thích hoặc đoạn chữ dài quá {0} byte (không kể nội dung tệp đính kèm).",
            "A tag, comment or text is longer than {0} bytes (attachment content apart).",
        )
        .remedy(
            "Rút gọn đoạn chữ đó, hoặc chuyển nó thành tệp đính kèm, rồi gửi lại.",
            "Shorten it, or make it an attachment, and send the packet again.",
        ),
    Rule::new("R.Packet.Elements", InvalidFile, Judge::Reader)
        .given(LIMIT)
        .limit("packets.elements_max")
        .cause("Gói tin có quá {0} phần tử.", "The packet has more than {0} elements.")
        .remedy(
            "Bỏ các phần tử thừa, hoặc chia nơi nhận ra nhiều gói tin, rồi gửi lại.",
            "Remove elements nobody needs, or spread the recipients over several packets, and send again.",
        ),
    Rule::new("M.Packet.TooLarge", InvalidFile, Judge::Reader)
        .given(LIMIT)
        .limit("packets.bytes_max")
        .cause("Gói tin lớn hơn {0} byte.", "The packet is larger than {0} bytes.")
        .remedy(
            "Giảm dung lượng các tệp đính kèm rồi gửi lại.",
            "Make the attachments smaller and send the packet again.",
        ),
    Rule::new("M.Packet.Damaged", InvalidFile, Judge::Exchange)
        .retry()
        .cause(
            "Gói tin nhận được không khớp mã băm do bên gửi công bố: dữ liệu đã hỏng trên đường truyền.",
            "The packet received does not match the digest that the sender named: it was damaged on its way.",
        )
        .remedy(
            "Gửi lại nguyên gói tin; nếu vẫn lỗi, kiểm tra cách tính mã băm.",
            "Send the same packet again; if it fails again, check how the digest is computed.",
        ),
    Rule::new("M.Packet.Namespace", NotToStandard, Judge::Reader)
        .given(&[Text { vi: "không gian tên", en: "namespace" }])
        .cause(
            "Có phần tử không thuộc không gian tên của QCVN 102:2016 mà thuộc \"{0}\".",
            "An element is not in the namespace of QCVN 102:2016 but in \"{0}\".",
        )
        .remedy(
            "Dùng không gian tên http://www.mic.gov.vn/TBT/QCVN_102_2016 rồi gửi lại.",
            "Use the namespace http://www.mic.gov.vn/TBT/QCVN_102_2016 and send the packet again.",
        ),
    Rule::new("M.Packet.Kind", NotToStandard, Judge::Packet(kind_unclear))
        .cause(
            "Không rõ gói tin là văn bản hay trạng thái: To và StatusCode đều không có, hoặc có cả hai.",
            "It is not clear whether the packet is a document or a status: To and StatusCode are both absent, or both there.",
        )
        .remedy(
            "Ghi To nếu gửi văn bản; ghi StatusCode và không ghi To nếu báo trạng thái; rồi gửi lại.",
            "Give To when sending a document, StatusCode and no To when reporting a status, and send the packet again.",
        ),
    Rule::new("M.Packet.UnknownElement", NotToStandard, Judge::Reader)
        .given(NAME)
        .cause(
            "QCVN 102:2016 không có phần tử \"{0}\" ở vị trí này.",
            "QCVN 102:2016 has no element \"{0}\" at this place.",
        )
        .remedy(
            "Bỏ phần tử này, hoặc ghi đúng tên và đúng chỗ, rồi gửi lại.",
            "Remove the element, or write its right name at its right place, and send the packet again.",
        ),
    Rule::new("M.Packet.RepeatedElement", NotToStandard, Judge::Packet(second_answer))
        .given(NAME)
        .cause(
            "Phần tử \"{0}\" đứng nhiều lần ở nơi chỉ được có một.",
            "The element \"{0}\" stands several times where only one may.",
        )
        .remedy("Chỉ giữ lại một phần tử \"{0}\" rồi gửi lại.", "Keep one element \"{0}\" and send the packet again."),
    Rule::new("M.Packet.BothSpellings", NotToStandard, Judge::Reader)
        .given(&[Text { vi: "cách viết thứ nhất", en: "one spelling" }, Text { vi: "cách viết thứ hai", en: "the other" }])
        .cause(
            "Gói tin dùng cả hai cách viết \"{0}\" và \"{1}\" cho cùng một phần tử.",
            "The packet uses both spellings \"{0}\" and \"{1}\" for one element.",
        )
        .remedy(
            "Chỉ dùng cách viết của QCVN 102:2016 rồi gửi lại.",
            "Use the spelling of QCVN 102:2016 only and send the packet again.",
        ),
    Rule::new("N.edXMLEnvelope", NotToStandard, Judge::Reader)
        .cause("Gói tin thiếu phần tử edXMLEnvelope.", "The packet has no edXMLEnvelope.")
        .remedy(
            "Đặt phần đầu và phần thân của gói tin trong edXMLEnvelope rồi gửi lại.",
            "Put the header and the body of the packet inside edXMLEnvelope and send it again.",
        ),
    Rule::new("N.edXMLEnvelope.edXMLHeader", NotToStandard, Judge::Reader)
        .cause("Gói tin thiếu phần tử edXMLHeader trong edXMLEnvelope.", "The packet has no edXMLHeader in edXMLEnvelope.")
        .remedy(
            "Đặt MessageHeader và TraceHeaderList trong edXMLHeader rồi gửi lại.",
            "Put MessageHeader and TraceHeaderList inside edXMLHeader and send the packet again.",
        ),
    Rule::new("N.MessageHeader", NotToStandard, Judge::Reader)
        .cause("Gói tin thiếu phần tử MessageHeader.", "The packet has no MessageHeader.")
        .remedy(
            "Ghi nơi gửi, nơi nhận và thông tin văn bản trong MessageHeader rồi gửi lại.",
            "Give sender, recipients and document in MessageHeader and send the packet again.",
        ),
];

fn kind_unclear(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    let unclear = Kind::of(packet) == Kind::Unclear;
    unclear.then(|| Finding::at("MessageHeader")).into_iter().collect()
}

/// Spec: 3.2, a status is about exactly one document. Every other repeat is seen by the reader.
fn second_answer(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    if Kind::of(packet) != Kind::Status {
        return Vec::new();
    }
    let about = packet.all("MessageHeader.ResponseFor").filter(|(id, _)| has_text(packet, *id));
    about.skip(1).map(|(id, node)| Finding::at(place(packet, id)).with(node.element.name())).collect()
}

/// Whether anything directly inside the block has text: a form that was left empty counts as absent.
pub fn has_text(packet: &Packet, block: NodeId) -> bool {
    packet.children(block).any(|(_, node)| !node.text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{codes, document, judged, status};

    #[test]
    fn a_packet_is_a_document_or_a_status() {
        let neither = document().without("MessageHeader.To");
        let both = document().add("MessageHeader.StatusCode", "01");
        let empty_code = document().add("MessageHeader.StatusCode", "");

        assert_eq!(judged(&neither), ["M.Packet.Kind"]);
        assert_eq!(judged(&both), ["M.Packet.Kind"]);
        assert!(judged(&empty_code).is_empty());
    }

    #[test]
    fn a_status_is_about_one_document() {
        let second = status("01").add("MessageHeader.ResponseFor", "").add("MessageHeader.ResponseFor.Code", "9");
        let empty_second = status("01").add("MessageHeader.ResponseFor", "").add("MessageHeader.ResponseFor.Code", "");

        let violations = second.check();
        assert!(codes(&violations).contains(&"M.Packet.RepeatedElement".to_owned()));
        assert!(violations.iter().any(|v| v.place == "MessageHeader/ResponseFor[2]"));
        assert!(judged(&empty_second).is_empty());
    }
}
