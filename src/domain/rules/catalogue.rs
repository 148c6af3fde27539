//! Every code with its texts and class, as data and as `docs/codes.md`.

use super::rule::{Judge, Rule, Section, Text};
use super::{Class, RULES, Violation, Wording, fields};
use crate::domain::status::{Direction, STATUSES};
use std::collections::HashSet;

/// One code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The code.
    pub code: String,
    /// Numeric class for old clients.
    pub class: Class,
    /// What is wrong; what differs from packet to packet stands in braces.
    pub cause: Wording,
    /// What to do.
    pub remedy: Wording,
    /// Whether the same packet may pass later without being changed.
    pub retry: bool,
    /// The setting that bounds it, or the bound itself.
    pub limit: Option<String>,
    /// The heading it stands under.
    pub section: Text,
}

const FIELDS: Text = Text { vi: "Từng phần tử", en: "Single elements" };

/// Every code, in the order of the sections and of the element table.
pub fn catalogue() -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let of_section =
        |section: &Section| section.rules.iter().map(|rule| of_rule(rule, section.title)).collect::<Vec<_>>();
    let (warnings, refusals): (Vec<&Section>, Vec<&Section>) = RULES.iter().partition(|section| is_warning(section));
    entries.extend(refusals.into_iter().flat_map(of_section));
    let mut seen: HashSet<String> = entries.iter().map(|entry| entry.code.clone()).collect();
    for rule in fields::all() {
        if seen.insert(rule.code()) {
            let limit = Some(rule).filter(|rule| rule.fault == fields::Fault::TooLong);
            entries.push(entry(rule.described(), limit.and_then(|rule| rule.limit_described()), FIELDS));
        }
    }
    entries.extend(warnings.into_iter().flat_map(of_section));
    entries
}

fn is_warning(section: &Section) -> bool {
    section.rules.iter().all(|rule| matches!(rule.judge, Judge::Warning(_)))
}

fn of_rule(rule: &Rule, section: Text) -> Entry {
    entry(rule.described(), rule.limit.map(str::to_owned), section)
}

fn entry(violation: Violation, limit: Option<String>, section: Text) -> Entry {
    let Violation { code, class, cause, remedy, retry, .. } = violation;
    Entry { code, class, cause, remedy, retry, limit, section }
}

/// Codes that no packet alone brings about.
const WITHOUT_SAMPLE: &[&str] =
    &["M.Packet.Damaged", "M.Packet.TooLarge", "M.Relay.Head", "M.Relay.Loop", "M.Relay.Recipient", "R.Relay.Hops"];

/// Codes whose samples tests make, below `fixtures/generated/`: what needs other limits or another directory than that
/// of the test hub, and field rules that are like others.
const GENERATED: &[&str] = &[
    "M.Manifest.AttachmentName",
    "M.Manifest.Repeated",
    "M.MessageHeader.From.Closed",
    "M.MessageHeader.From.NoLongerValid",
    "M.MessageHeader.From.NotYetValid",
    "M.MessageHeader.From.Suspended",
    "M.MessageHeader.To.NoLongerValid",
    "M.MessageHeader.To.NotYetValid",
    "M.Packet.StrayText",
    "M.TraceHeaderList.Bussiness.Paper",
    "M.TraceHeaderList.Bussiness.ReplacementInfo.OrganId",
    "R.Attachment.ContentId",
    "R.Attachment.ContentType",
    "R.Attachment.Count",
    "R.Attachment.Description",
    "R.Manifest.ContentId",
    "R.Manifest.ContentType",
    "R.Manifest.Description",
    "R.MessageHeader.ResponseFor.OrganId",
    "R.MessageHeader.To",
    "R.Packet.Elements",
    "R.TraceHeaderList.Bussiness.BussinessDocumentInfo.DocumentInfo",
    "R.TraceHeaderList.Bussiness.BussinessDocumentInfo.DocumentReceiver",
    "R.TraceHeaderList.Bussiness.DocumentId",
    "R.TraceHeaderList.Bussiness.ReplacementInfo.DocumentId",
    "R.TraceHeaderList.Bussiness.ReplacementInfo.OrganId",
];

/// Samples of warnings, which stand among what is accepted.
const SAMPLES: [(&str, &str); 2] = [
    ("W.MessageHeader.Code.CodeNumber", "accepted/number-long.edxml"),
    ("W.MessageHeader.StatusCode", "statuses/09-unknown-code.edxml"),
];

const HEAD: &str = "\
<!-- Generated from src/domain/rules; `DOCAXIS_WRITE_DOCS=1 cargo test --lib codes_page` writes it. -->

# Mã lỗi - Codes

Mỗi gói tin bị từ chối được trả lời bằng tất cả các lỗi tìm thấy, mỗi lỗi gồm mã, vị trí trong gói tin, nguyên nhân
và cách khắc phục.

A refused packet is answered with every fault found: code, place in the packet, cause and remedy.

| chữ đầu | nghĩa | meaning |
|---|---|---|
| `N.` | thiếu | missing |
| `R.` | quá dài, quá nhiều, quá lớn | too long, too many, too large |
| `M.` | giá trị không được phép | value not allowed |
| `T.` | sai kiểu dữ liệu | wrong type |
| `W.` | cảnh báo, gói tin vẫn được nhận | warning, the packet is accepted |

| lớp | nghĩa | meaning |
|---|---|---|
| 10 | tệp không dùng được | not a usable file |
| 18 | nơi nhận không có hoặc đã ngừng hoạt động | a recipient is unknown or closed |
| 19 | nơi gửi chưa được đăng ký cho hệ thống này | the sender is not registered for this system |
| 21 | tệp đính kèm không dùng được | an attachment cannot be used |
| 22 | gói tin không theo tiêu chuẩn | the packet is not to the standard |
| 23 | nơi nhận đang bị khóa | a recipient is suspended |
| 24 | mã văn bản đã dùng cho nội dung khác | the document id was used for another content |
| 25 | có dấu hiệu bí mật nhà nước | marked as a state secret |
| 26 | không có văn bản được nói tới | the document meant is not known |

Chữ trong ngoặc nhọn được thay bằng giá trị thực tế; `packets.*` là tên cấu hình (`docs/config.md`). Gửi lại: cùng một
gói tin có thể được nhận sau này mà không phải sửa. Tệp mẫu nằm trong `fixtures/` (gói Debian: `/usr/share/doc/docaxis/fixtures`);
tệp trong `generated/` cần giới hạn hoặc danh bạ như `fixtures/README.md` nói. Không có tệp mẫu: `M.Packet.Damaged` là gói
tin bất kỳ gửi qua SDK với `hash-file` sai, `M.Packet.TooLarge` là gói tin bất kỳ dài hơn `packets.bytes_max`; các mã chuyển tiếp
nói về điều trục lân cận ghi bên cạnh gói tin (`docs/relay.md`).

Words in braces stand for actual values; `packets.*` are settings (`docs/config.md`). Retry: the same packet may pass
later unchanged. Samples are in `fixtures/` (Debian package: `/usr/share/doc/docaxis/fixtures`); those in `generated/` need the
limits or the directory that `fixtures/README.md` names. None is there for `M.Packet.Damaged`, any packet sent over the
SDK with a wrong `hash-file`, for `M.Packet.TooLarge`, any packet longer than `packets.bytes_max`, and for the codes of relay, which
are about what a neighbouring hub says beside a packet (`docs/relay.md`).
";

/// The catalogue as a page: Vietnamese first, English below it in each cell.
pub fn catalogue_markdown() -> String {
    let mut page = HEAD.to_owned();
    let mut section = "";
    for entry in catalogue() {
        if entry.section.vi != section {
            section = entry.section.vi;
            page.push_str(&format!("\n## {} - {}\n\n", entry.section.vi, entry.section.en));
            page.push_str("| mã<br>code | lớp<br>class | nguyên nhân<br>cause | cách khắc phục<br>remedy |");
            page.push_str(" mức<br>limit | gửi lại<br>retry | tệp mẫu<br>sample |\n|---|---|---|---|---|---|---|\n");
        }
        page.push_str(&line(&entry));
    }
    page + &statuses()
}

/// The codes by which clerks report.
fn statuses() -> String {
    let mut page = "\n## Mã trạng thái - Status codes\n\n".to_owned();
    page.push_str("| mã<br>code | ý nghĩa<br>meaning | bên gửi<br>sent by | phải nêu lý do<br>needs a reason |\n");
    page.push_str("|---|---|---|---|\n");
    for status in STATUSES {
        let by = match status.direction {
            Direction::RecipientToSender => "bên nhận<br>recipient",
            Direction::SenderToRecipient => "bên gửi<br>sender",
        };
        let reason = if status.needs_reason { "có<br>yes" } else { "không<br>no" };
        page.push_str(&format!("| {} | {}<br>{} | {by} | {reason} |\n", status.code, status.vietnamese, status.name));
    }
    page
}

fn line(entry: &Entry) -> String {
    let both = |wording: &Wording| format!("{}<br>{}", wording.vi, wording.en).replace('|', "\\|");
    let limit = entry.limit.as_ref().map_or("-".to_owned(), |limit| limit.replace(", ", "<br>"));
    let retry = if entry.retry { "có<br>yes" } else { "không<br>no" };
    let sample = sample(&entry.code).map_or("-".to_owned(), |file| format!("`{file}`"));
    let (cause, remedy) = (both(&entry.cause), both(&entry.remedy));
    format!("| `{}` | {} | {cause} | {remedy} | {limit} | {retry} | {sample} |\n", entry.code, entry.class.number())
}

/// The fixture that shows a code, below `fixtures/`; nothing where none does.
pub fn sample(code: &str) -> Option<String> {
    if WITHOUT_SAMPLE.contains(&code) {
        return None;
    }
    let named = SAMPLES.iter().find(|(with, _)| *with == code).map(|(_, file)| (*file).to_owned());
    let folder = if GENERATED.contains(&code) { "generated" } else { "refused" };
    Some(named.unwrap_or_else(|| format!("{folder}/{code}.edxml")))
}
