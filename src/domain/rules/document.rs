//! Rules about the document or the status that a packet carries, beyond what one element must look like
//! (`fields`): dates against the clock, reasons, what a business kind needs, and the two warnings.

use super::Class::{Conflict, DocumentUnknown, NotToStandard};
use super::rule::{Finding, Judge, Rule, Section, Text, place};
use super::whole::{Kind, has_text};
use crate::domain::dates;
use crate::domain::packet::Packet;
use crate::domain::status::StatusCode;
use chrono::{DateTime, Utc};

const DOCUMENT_ID: Text = Text { vi: "mã văn bản", en: "document id" };
const STATUS_CODE: Text = Text { vi: "mã trạng thái", en: "status code" };

/// The rows.
pub const SECTION: Section =
    Section { title: Text { vi: "Văn bản, trạng thái", en: "Document and status" }, rules: RULES };

const RULES: &[Rule] = &[
    Rule::new(
        "M.MessageHeader.PromulgationInfo.PromulgationDate",
        NotToStandard,
        Judge::Packet(promulgated_in_the_future),
    )
    .given(&[Text { vi: "ngày ban hành", en: "date of issue" }, Text { vi: "hôm nay", en: "today" }])
    .cause(
        "Ngày ban hành {0} muộn hơn hôm nay ({1}, giờ Việt Nam).",
        "The date of issue {0} is later than today ({1}, Vietnamese time).",
    )
    .remedy(
        "Ghi đúng ngày ban hành; văn bản ghi ngày tới chỉ gửi được khi đến ngày đó.",
        "Give the right date of issue; a document dated ahead can be sent from that day on.",
    ),
    Rule::new("N.MessageHeader.Description", NotToStandard, Judge::Packet(reason_missing))
        .given(&[STATUS_CODE])
        .cause(
            "Trạng thái {0} phải kèm lý do, nhưng phần tử Description không có hoặc để trống.",
            "Status {0} needs a reason, but the element Description is absent or empty.",
        )
        .remedy(
            "Ghi lý do trong Description rồi gửi lại.",
            "Give the reason in Description and send the packet again.",
        ),
    Rule::new("N.MessageHeader.ResponseFor", NotToStandard, Judge::Packet(about_nothing))
        .cause(
            "Gói tin trạng thái không nêu văn bản được phản hồi: phần tử ResponseFor không có hoặc để trống.",
            "The status names no document: the element ResponseFor is absent or empty.",
        )
        .remedy(
            "Ghi mã định danh, số ký hiệu và mã văn bản được phản hồi trong ResponseFor rồi gửi lại.",
            "Give organ id, code and document id in ResponseFor and send the packet again.",
        ),
    Rule::new("N.TraceHeaderList.Bussiness.ReplacementInfoList", NotToStandard, Judge::Packet(replaces_nothing))
        .cause(
            "Gói tin thay thế (loại nghiệp vụ 3) không nêu văn bản nào bị thay thế.",
            "The replacement (business type 3) names no document that it replaces.",
        )
        .remedy(
            "Ghi từng văn bản bị thay thế trong ReplacementInfoList rồi gửi lại.",
            "Give each replaced document in ReplacementInfoList and send the packet again.",
        ),
    Rule::new("M.MessageHeader.DocumentId.Conflict", Conflict, Judge::Exchange)
        .given(&[DOCUMENT_ID])
        .cause(
            "Mã văn bản \"{0}\" đã được dùng cho một văn bản có nội dung khác gửi tới cùng nơi nhận.",
            "The document id \"{0}\" was used before for another content sent to the same recipient.",
        )
        .remedy(
            "Dùng mã văn bản mới; nếu muốn sửa văn bản đã gửi thì gửi gói tin cập nhật hoặc thay thế.",
            "Use a new document id; to correct what was sent, send an update or a replacement.",
        ),
    Rule::new("M.TraceHeaderList.Bussiness.DocumentId.Unknown", DocumentUnknown, Judge::Exchange)
        .given(&[DOCUMENT_ID])
        .cause(
            "Văn bản \"{0}\" cần thu hồi, cập nhật hoặc thay thế chưa từng được nơi gửi này gửi qua trục liên thông.",
            "The document \"{0}\" to be recalled, updated or replaced was never sent here by this sender.",
        )
        .remedy(
            "Ghi đúng mã văn bản đã gửi rồi gửi lại.",
            "Give the id of the document as it was sent and send the packet again.",
        ),
    Rule::new("M.MessageHeader.ResponseFor.Unknown", DocumentUnknown, Judge::Exchange)
        .given(&[DOCUMENT_ID])
        .cause(
            "Văn bản được phản hồi \"{0}\" chưa từng được trao đổi giữa hai cơ quan này.",
            "The document reported about, \"{0}\", was never exchanged between these two agencies.",
        )
        .remedy(
            "Ghi đúng mã định danh và mã văn bản trong ResponseFor rồi gửi lại.",
            "Give the right organ id and document id in ResponseFor and send the packet again.",
        ),
];

/// The rows of the warnings: the packet passes.
pub const WARNINGS: Section = Section {
    title: Text { vi: "Cảnh báo (gói tin vẫn được nhận)", en: "Warnings (the packet is accepted)" },
    rules: &[
        Rule::new("W.MessageHeader.Code.CodeNumber", NotToStandard, Judge::Warning(long_number))
            .given(&[Text { vi: "số ký tự", en: "characters" }])
            .limit("11")
            .cause(
                "Số văn bản dài {0} ký tự; quy định là tối đa 11.",
                "The document number has {0} characters; the regulation allows 11.",
            )
            .remedy(
                "Từ lần sau ghi số văn bản không quá 11 ký tự.",
                "From now on, give document numbers of at most 11 characters.",
            ),
        Rule::new("W.MessageHeader.StatusCode", NotToStandard, Judge::Warning(unknown_status))
            .given(&[STATUS_CODE])
            .cause(
                "Mã trạng thái {0} không có trong bảng mã; gói tin vẫn được chuyển nguyên như đã gửi.",
                "The status code {0} is not in the code list; the packet is passed on as it is.",
            )
            .remedy("Dùng mã trong bảng: 01 đến 06, 13, 15, 16.", "Use a code of the list: 01 to 06, 13, 15, 16."),
    ],
};

/// Longest document number by NĐ 30/2020; longer ones are in use and pass.
const NUMBER_CHARS: usize = 11;

fn promulgated_in_the_future(packet: &Packet, now: DateTime<Utc>) -> Vec<Finding> {
    let today = now.with_timezone(&dates::VIETNAM).date_naive();
    let promulgated = packet.all("MessageHeader.PromulgationInfo.PromulgationDate");
    let future = promulgated.filter_map(|(id, node)| Some((id, dates::date(&node.text).filter(|day| *day > today)?)));
    let shown = |day: chrono::NaiveDate| day.format("%Y/%m/%d").to_string();
    future.map(|(id, day)| Finding::at(place(packet, id)).with(shown(day)).with(shown(today))).collect()
}

fn status_code(packet: &Packet) -> Option<StatusCode> {
    let reported = Kind::of(packet) == Kind::Status;
    packet.text("MessageHeader.StatusCode").filter(|_| reported).and_then(StatusCode::parse)
}

fn reason_missing(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    let needs_reason = |code: &StatusCode| code.entry().is_some_and(|entry| entry.needs_reason);
    let code = status_code(packet).filter(needs_reason);
    let missing = code.filter(|_| packet.text("MessageHeader.Description").is_none());
    missing.map(|code| Finding::at("MessageHeader/Description").with(code.as_str())).into_iter().collect()
}

fn about_nothing(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    let named = packet.all("MessageHeader.ResponseFor").any(|(id, _)| has_text(packet, id));
    let missing = Kind::of(packet) == Kind::Status && !named;
    missing.then(|| Finding::at("MessageHeader/ResponseFor")).into_iter().collect()
}

fn replaces_nothing(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    let list = "TraceHeaderList.Bussiness.ReplacementInfoList";
    let replaces = packet.text("TraceHeaderList.Bussiness.BussinessDocType") == Some("3");
    let inside = |path: &str| path.strip_prefix(list).is_some_and(|rest| rest.starts_with('.'));
    let named = packet.nodes.iter().any(|node| inside(node.element.path) && !node.text.is_empty());
    let missing = replaces && !named && Kind::of(packet) == Kind::Document;
    missing.then(|| Finding::at(list.replace('.', "/"))).into_iter().collect()
}

fn long_number(packet: &Packet) -> Vec<Finding> {
    let numbers = packet.all("MessageHeader.Code.CodeNumber").map(|(id, node)| (id, node.text.chars().count()));
    let long = numbers.filter(|(_, chars)| *chars > NUMBER_CHARS);
    long.map(|(id, chars)| Finding::at(place(packet, id)).with(chars.to_string())).collect()
}

fn unknown_status(packet: &Packet) -> Vec<Finding> {
    let unknown = status_code(packet).filter(|code| code.entry().is_none());
    unknown.map(|code| Finding::at("MessageHeader/StatusCode").with(code.as_str())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{codes, document, judged, now, replacement, status};
    use super::super::{check_packet, warnings};

    const DATE: &str = "MessageHeader.PromulgationInfo.PromulgationDate";

    #[test]
    fn today_is_a_vietnamese_day() {
        // 2026-11-21 00:30 in Vietnam is still the day before in UTC.
        let just_after_midnight = now() - chrono::Duration::minutes(8 * 60 + 30);
        let dated = |day: &str| document().set(DATE, day).packet();

        assert!(check_packet(&dated("2026/11/21"), just_after_midnight).is_empty());
        let early = check_packet(&dated("22/11/2026"), just_after_midnight);
        assert_eq!(codes(&early), [format!("M.{DATE}")]);
        assert_eq!(early[0].cause.vi, "Ngày ban hành 2026/11/22 muộn hơn hôm nay (2026/11/21, giờ Việt Nam).");
        let day_before = just_after_midnight - chrono::Duration::hours(1);
        assert_eq!(codes(&check_packet(&dated("2026/11/21"), day_before)), [format!("M.{DATE}")]);
    }

    #[test]
    fn refusals_and_requests_need_a_reason() {
        for code in ["02", "13", "16", "2"] {
            let silent = status(code).without("MessageHeader.Description");
            assert_eq!(judged(&silent), ["N.MessageHeader.Description"], "{code}");
            assert_eq!(judged(&status(code).set("MessageHeader.Description", "")), ["N.MessageHeader.Description"]);
            assert!(judged(&status(code)).is_empty(), "{code}");
        }
        for code in ["01", "03", "04", "05", "06", "15", "09", "1"] {
            assert!(judged(&status(code).without("MessageHeader.Description")).is_empty(), "{code}");
        }
    }

    #[test]
    fn a_status_is_about_something() {
        let empty_form = status("01")
            .set("MessageHeader.ResponseFor.OrganId", "")
            .set("MessageHeader.ResponseFor.Code", "")
            .set("MessageHeader.ResponseFor.DocumentId", "");

        assert_eq!(judged(&status("01").without("MessageHeader.ResponseFor")), ["N.MessageHeader.ResponseFor"]);
        assert_eq!(judged(&empty_form), ["N.MessageHeader.ResponseFor"]);
    }

    #[test]
    fn a_replacement_replaces_something() {
        let list = "TraceHeaderList.Bussiness.ReplacementInfoList";
        let code = [format!("N.{list}")];

        assert!(judged(&replacement()).is_empty());
        assert_eq!(judged(&replacement().without(list)), code);
        let empty = replacement()
            .set(&format!("{list}.ReplacementInfo.DocumentId"), "")
            .set(&format!("{list}.ReplacementInfo.OrganIdList.OrganId"), "");
        assert_eq!(judged(&empty), code);
    }

    #[test]
    fn long_numbers_and_unknown_codes_pass_with_a_warning() {
        let long = document().set("MessageHeader.Code.CodeNumber", "20261121083000");
        let unknown = status("9");

        assert!(judged(&long).is_empty() && judged(&unknown).is_empty());
        assert_eq!(codes(&warnings(&long.packet())), ["W.MessageHeader.Code.CodeNumber"]);
        assert_eq!(codes(&warnings(&unknown.packet())), ["W.MessageHeader.StatusCode"]);
        assert!(warnings(&unknown.packet())[0].cause.en.contains("09"));
        assert!(warnings(&document().packet()).is_empty() && warnings(&status("01").packet()).is_empty());
        assert!(warnings(&document().set("MessageHeader.Code.CodeNumber", "12345678901").packet()).is_empty());
    }
}
