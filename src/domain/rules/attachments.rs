//! Rules about manifest and attachments: every reference has its attachment and the other way round, and
//! names are safe to write to a disk. What is wrong with content itself is found while it is decoded.

use super::Class::FileUnusable;
use super::rule::{Finding, Judge, Rule, Section, Text, is_invisible, place};
use crate::domain::packet::{NodeId, Packet};
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};

const CONTENT_ID: &[Text] = &[Text { vi: "mã tệp", en: "content id" }];

/// The rows.
pub const SECTION: Section = Section { title: Text { vi: "Tệp đính kèm", en: "Attachments" }, rules: RULES };

const RULES: &[Rule] = &[
    Rule::new("M.Manifest.Unmatched", FileUnusable, Judge::Packet(reference_unmatched))
        .given(CONTENT_ID)
        .cause(
            "Danh mục có tệp \"{0}\" nhưng gói tin không có tệp đính kèm mang mã này.",
            "The manifest refers to \"{0}\", but no attachment has this content id.",
        )
        .remedy(
            "Đính kèm tệp còn thiếu, hoặc bỏ nó khỏi danh mục, rồi gửi lại.",
            "Attach the missing file, or remove its reference, and send the packet again.",
        ),
    Rule::new("M.Manifest.Repeated", FileUnusable, Judge::Packet(reference_repeated))
        .given(CONTENT_ID)
        .cause("Danh mục nêu tệp \"{0}\" nhiều lần.", "The manifest refers to \"{0}\" several times.")
        .remedy(
            "Nêu mỗi tệp một lần trong danh mục rồi gửi lại.",
            "Refer to each attachment once and send the packet again.",
        ),
    Rule::new("M.Manifest.Href", FileUnusable, Judge::Packet(href_differs))
        .given(&[Text { vi: "mã tệp", en: "content id" }, Text { vi: "xlink:href", en: "xlink:href" }])
        .cause(
            "Trong danh mục, ContentId là \"{0}\" nhưng xlink:href lại trỏ tới \"{1}\".",
            "In the manifest, ContentId says \"{0}\" but xlink:href says \"{1}\".",
        )
        .remedy(
            "Ghi hai giá trị giống nhau, hoặc bỏ xlink:href, rồi gửi lại.",
            "Make the two equal, or remove xlink:href, and send the packet again.",
        ),
    Rule::new("M.Manifest.AttachmentName", FileUnusable, Judge::Packet(reference_name))
        .cause(
            "Tên tệp trong danh mục không dùng được làm tên tệp: có dấu / hoặc \\, bắt đầu bằng hai dấu chấm, \
             có ký tự điều khiển, hoặc là tên dành riêng của hệ điều hành.",
            "A name in the manifest cannot name a file: it holds / or \\, begins with two dots, holds control \
             characters, or is reserved by an operating system.",
        )
        .remedy("Đổi tên tệp rồi gửi lại.", "Rename the file and send the packet again."),
    Rule::new("M.Attachment.Unmatched", FileUnusable, Judge::Packet(attachment_unmatched))
        .given(CONTENT_ID)
        .cause(
            "Tệp đính kèm \"{0}\" không được nêu trong danh mục.",
            "The attachment \"{0}\" is not in the manifest.",
        )
        .remedy(
            "Nêu tệp này trong danh mục, hoặc bỏ nó khỏi gói tin, rồi gửi lại.",
            "Refer to it in the manifest, or remove it, and send the packet again.",
        ),
    Rule::new("M.Attachment.Repeated", FileUnusable, Judge::Packet(attachment_repeated))
        .given(CONTENT_ID)
        .cause("Nhiều tệp đính kèm mang cùng mã \"{0}\".", "Several attachments have the content id \"{0}\".")
        .remedy(
            "Đặt cho mỗi tệp một mã riêng rồi gửi lại.",
            "Give each attachment a content id of its own and send the packet again.",
        ),
    Rule::new("M.Attachment.AttachmentName", FileUnusable, Judge::Packet(attachment_name))
        .cause(
            "Tên tệp đính kèm không dùng được làm tên tệp: có dấu / hoặc \\, bắt đầu bằng hai dấu chấm, \
             có ký tự điều khiển, hoặc là tên dành riêng của hệ điều hành.",
            "The name of an attachment cannot name a file: it holds / or \\, begins with two dots, holds control \
             characters, or is reserved by an operating system.",
        )
        .remedy("Đổi tên tệp rồi gửi lại.", "Rename the file and send the packet again."),
    Rule::new("N.Attachment.Content", FileUnusable, Judge::Packet(content_missing))
        .cause("Tệp đính kèm không có nội dung.", "An attachment has no content.")
        .remedy(
            "Ghi nội dung tệp bằng base64 trong ContentTransferEncoded, hoặc bỏ tệp rỗng, rồi gửi lại.",
            "Give its content as base64 in ContentTransferEncoded, or remove the empty file, and send the packet again.",
        ),
    Rule::new("M.Attachment.Encoding", FileUnusable, Judge::Reader)
        .cause("Nội dung tệp đính kèm không phải là base64 hợp lệ.", "The content of an attachment is not valid base64.")
        .remedy(
            "Mã hóa lại nội dung tệp bằng base64 rồi gửi lại.",
            "Encode the content in base64 again and send the packet.",
        ),
    Rule::new("M.Attachment.Zip", FileUnusable, Judge::Reader)
        .cause(
            "Tệp nén để truyền không mở được, hoặc chứa tên tệp không an toàn.",
            "An attachment zipped for transport cannot be opened, or holds an unsafe name.",
        )
        .remedy(
            "Đính kèm tệp gốc, hoặc nén lại, rồi gửi lại.",
            "Attach the file as it is, or zip it again, and send the packet.",
        ),
    Rule::new("R.Attachment.Zip", FileUnusable, Judge::Reader)
        .limit("packets.unzipped_bytes_max, packets.zip_members_max, packets.zip_ratio_max")
        .cause(
            "Tệp nén để truyền vượt mức cho phép khi giải nén: quá lớn, quá nhiều tệp bên trong, hoặc phình ra quá nhiều.",
            "An attachment zipped for transport exceeds a limit: too large, too many members, or it grows too much.",
        )
        .remedy(
            "Đính kèm tệp gốc mà không nén rồi gửi lại.",
            "Attach the file without zipping it and send the packet again.",
        ),
    Rule::new("R.Attachment.Count", FileUnusable, Judge::Reader)
        .given(&[Text { vi: "mức tối đa", en: "limit" }])
        .limit("packets.attachments_max")
        .cause("Gói tin có quá {0} tệp đính kèm.", "The packet has more than {0} attachments.")
        .remedy(
            "Gộp các tệp vào một tệp nén .zip rồi gửi lại.",
            "Put the files into one .zip file and send the packet again.",
        ),
];

/// The content ids of all blocks of a path, in document order, without what `cid:` stands before them.
fn content_ids<'a>(packet: &'a Packet, path: &'a str) -> Vec<(NodeId, &'a str)> {
    let blocks = packet.all(path);
    blocks.filter_map(|(id, _)| Some((id, bare(packet.child_text(id, "ContentId")?)))).collect()
}

/// Spec: 5.2; some write `cid:` on one side, some twice.
fn bare(content_id: &str) -> &str {
    let mut rest = content_id;
    while let Some((scheme, after)) = rest.split_at_checked(4)
        && scheme.eq_ignore_ascii_case("cid:")
    {
        rest = after.trim_start();
    }
    rest
}

const REFERENCE: &str = "Manifest.Reference";
const ATTACHMENT: &str = "Attachment";

fn reference_unmatched(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    unmatched(packet, REFERENCE, ATTACHMENT)
}

fn attachment_unmatched(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    unmatched(packet, ATTACHMENT, REFERENCE)
}

fn unmatched(packet: &Packet, side: &str, other: &str) -> Vec<Finding> {
    let there: HashSet<&str> = content_ids(packet, other).into_iter().map(|(_, id)| id).collect();
    let left_over = content_ids(packet, side).into_iter().filter(|(_, id)| !there.contains(id));
    left_over.map(|(block, id)| Finding::at(place(packet, block)).with(id)).collect()
}

fn reference_repeated(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    repeated(packet, REFERENCE)
}

fn attachment_repeated(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    repeated(packet, ATTACHMENT)
}

fn repeated(packet: &Packet, side: &str) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let again = content_ids(packet, side).into_iter().filter(|(_, id)| !seen.insert(*id));
    again.map(|(block, id)| Finding::at(place(packet, block)).with(id)).collect()
}

fn href_differs(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (block, content_id) in content_ids(packet, REFERENCE) {
        let own = packet.node(block).into_iter().map(|node| (block, node));
        let linked =
            own.chain(packet.children(block)).filter_map(|(id, node)| Some((id, node.href.as_deref()?.trim())));
        for (id, href) in linked.filter(|(_, href)| !href.is_empty() && bare(href) != content_id) {
            found.push(Finding::at(place(packet, id)).with(content_id).with(href));
        }
    }
    found
}

fn reference_name(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    unsafe_names(packet, "Manifest.Reference.AttachmentName")
}

fn attachment_name(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    unsafe_names(packet, "Attachment.AttachmentName")
}

/// The names themselves are not quoted: they could carry a secrecy marking, which no log may repeat.
fn unsafe_names(packet: &Packet, path: &str) -> Vec<Finding> {
    let names = packet.all(path).filter(|(_, node)| !node.text.is_empty() && !is_safe_name(&node.text));
    names.map(|(id, _)| Finding::at(place(packet, id))).collect()
}

/// Names that stand for devices under Windows, whatever extension follows.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Whether a file may be written under this name on any system. Dots inside are fine: clerks type `a..pdf`.
pub fn is_safe_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|port| {
        stem.strip_prefix(port)
            .is_some_and(|n| n.chars().count() == 1 && n.contains(|c| matches!(c, '1'..='9' | '¹' | '²' | '³')))
    });
    let device = numbered || DEVICES.contains(&stem.as_str());
    let only_dots = name.chars().all(|c| c == '.' || c.is_whitespace());
    !device && !only_dots && !name.starts_with("..") && !name.contains(|c| matches!(c, '/' | '\\') || is_invisible(c))
}

/// Content that is there but was not decoded has been reported by the decoder.
fn content_missing(packet: &Packet, _: DateTime<Utc>) -> Vec<Finding> {
    let read: HashMap<NodeId, bool> = packet
        .attachments
        .iter()
        .map(|attachment| (attachment.node, attachment.content.as_ref().is_some_and(|content| content.bytes == 0)))
        .collect();
    let blocks = packet.all(ATTACHMENT).filter(|(id, _)| {
        let encoded = packet.children(*id).any(|(_, node)| node.element.name() == "ContentTransferEncoded");
        !encoded || read.get(id) == Some(&true)
    });
    blocks.map(|(id, _)| Finding::at(format!("{}/ContentTransferEncoded", place(packet, id)))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Draft, attached, judged, status};
    use super::*;

    const NAME: &str = "Attachment.AttachmentName";

    #[test]
    fn content_ids_match_with_and_without_cid() {
        for (reference, attachment) in
            [("cid:a", "a"), ("a", "cid:a"), ("cid:cid:a", "CID:a"), ("a", "a"), ("cid: a", "a")]
        {
            assert!(judged(&attached(reference, attachment)).is_empty(), "{reference} {attachment}");
        }
    }

    #[test]
    fn neither_side_may_be_left_over() {
        let both = judged(&attached("cid:a", "cid:b"));
        let reference_only = attached("a", "a").without("Attachment");
        let attachment_only = attached("a", "a").without("Manifest");

        assert_eq!(both, ["M.Manifest.Unmatched", "M.Attachment.Unmatched"]);
        assert_eq!(judged(&reference_only), ["M.Manifest.Unmatched"]);
        assert_eq!(judged(&attachment_only), ["M.Attachment.Unmatched"]);
        assert_eq!(judged(&attached("cidA", "A")), ["M.Manifest.Unmatched", "M.Attachment.Unmatched"]);
    }

    #[test]
    fn a_status_needs_no_attachment() {
        assert!(judged(&status("01")).is_empty());
    }

    #[test]
    fn content_ids_are_unique_on_each_side() {
        let references = attached("a", "a")
            .add("Manifest.Reference", "")
            .add("Manifest.Reference.ContentId", "cid:a")
            .add("Manifest.Reference.AttachmentName", "b.txt");
        let attachments = attached("a", "a")
            .add("Attachment", "")
            .add("Attachment.ContentId", "cid:a")
            .add("Attachment.AttachmentName", "b.txt")
            .add("Attachment.ContentTransferEncoded", "text");

        assert_eq!(judged(&references), ["M.Manifest.Repeated"]);
        assert_eq!(judged(&attachments), ["M.Attachment.Repeated"]);
        assert_eq!(attachments.check()[0].place, "Attachment[2]");
    }

    #[test]
    fn a_link_must_agree_with_the_content_id() {
        let linked = |href: &str| {
            let mut packet = attached("cid:a", "a").packet();
            let block = packet.nodes.iter_mut().find(|n| n.element.path == REFERENCE).unwrap();
            block.href = Some(href.to_owned());
            href_differs(&packet, DateTime::UNIX_EPOCH).len()
        };

        assert_eq!(linked("cid:a") + linked("a") + linked(""), 0);
        assert_eq!(linked("cid:b"), 1);
    }

    #[test]
    fn names_must_be_safe_to_write() {
        let good = [
            "a.pdf",
            "Công văn 1.txt",
            "a..pdf",
            ".a",
            "so-lieu.tar.gz",
            "console.txt",
            "COM10.txt",
            "COMA",
            "Báo cáo & <1>.pdf",
            "nul-1.txt",
            "COM.txt",
            "a…b",
        ];
        let bad = [
            "../a",
            "..\\a",
            "a/b",
            "a\\b",
            "..",
            ".",
            "...",
            "..thu.exe",
            "a\u{0}b",
            "a\nb",
            "CON",
            "con.txt",
            "nul .txt",
            "LPT1.pdf",
            "com9",
            "aux.",
            "a\u{202E}fdp.exe",
            "/etc/passwd",
            "C:\\a",
        ];

        for name in good {
            assert!(judged(&attached("a", "a").set(NAME, name)).is_empty(), "{name:?}");
        }
        for name in bad {
            assert_eq!(judged(&attached("a", "a").set(NAME, name)), ["M.Attachment.AttachmentName"], "{name:?}");
        }
        let reference = attached("a", "a").set("Manifest.Reference.AttachmentName", "../a");
        assert_eq!(judged(&reference), ["M.Manifest.AttachmentName"]);
    }

    #[test]
    fn an_attachment_has_content() {
        let content = "Attachment.ContentTransferEncoded";
        let broken: Draft = attached("a", "a").set(content, "###");

        assert_eq!(judged(&attached("a", "a").without(content)), ["N.Attachment.Content"]);
        assert_eq!(judged(&attached("a", "a").set(content, "")), ["N.Attachment.Content"]);
        assert!(judged(&broken).is_empty(), "the reader reports what it cannot decode");
    }
}
