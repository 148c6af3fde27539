//! Names of kinds of documents, as there are numbers by kind. Not here: what is counted of them (`tally`).

use crate::domain::text;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Kinds of documents by which there are numbers (Nghị định 30/2020, and laws); what is none of them is counted together.
pub const TYPE_NAMES: [&str; 34] = [
    "Công văn",
    "Quyết định",
    "Thông báo",
    "Báo cáo",
    "Kế hoạch",
    "Tờ trình",
    "Giấy mời",
    "Nghị quyết",
    "Chỉ thị",
    "Công điện",
    "Quy chế",
    "Quy định",
    "Thông cáo",
    "Hướng dẫn",
    "Chương trình",
    "Phương án",
    "Đề án",
    "Dự án",
    "Biên bản",
    "Hợp đồng",
    "Bản ghi nhớ",
    "Bản thỏa thuận",
    "Giấy ủy quyền",
    "Giấy giới thiệu",
    "Giấy nghỉ phép",
    "Phiếu gửi",
    "Phiếu chuyển",
    "Phiếu báo",
    "Thư công",
    "Luật",
    "Pháp lệnh",
    "Nghị định",
    "Thông tư",
    "Lệnh",
];

static BY_FOLDED_NAME: LazyLock<HashMap<String, &'static str>> =
    LazyLock::new(|| TYPE_NAMES.into_iter().map(|name| (text::folded(name), name)).collect());

/// The name of a kind by what stands in its slice; `None` for all others.
pub fn type_name(folded: &str) -> Option<&'static str> {
    BY_FOLDED_NAME.get(folded).copied()
}
