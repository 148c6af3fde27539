//! What can be wrong with an entry of the directory or its file: one row per kind, with cause and remedy.

use super::Column;
use crate::domain::rules::{Wording, filled};

/// A kind of fault.
#[derive(Debug, PartialEq, Eq)]
pub struct FaultKind {
    /// Stable code.
    pub code: &'static str,
    cause: [&'static str; 2],
    remedy: [&'static str; 2],
}

/// One fault of one entry, or of a whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where the entry stands: the line of a CSV file, the number of a JSON element; 0 for the file as a whole.
    pub row: usize,
    /// The column; empty for the entry as a whole.
    pub column: String,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub cause: Wording,
    /// What to do.
    pub remedy: Wording,
}

impl FaultKind {
    /// A fault of this kind in a column of a row; `particulars` are what its texts mention.
    pub fn at(&self, row: usize, column: Column, particulars: &[&str]) -> Fault {
        self.of(row, column.name(), particulars)
    }

    /// A fault of this kind in a row, or in the file when `row` is 0.
    pub fn of(&self, row: usize, column: &str, particulars: &[&str]) -> Fault {
        let [cause, remedy] = [self.cause, self.remedy]
            .map(|[vi, en]| Wording { vi: filled(vi, particulars), en: filled(en, particulars) });
        Fault { row, column: column.to_owned(), code: self.code, cause, remedy }
    }
}

macro_rules! kinds {
    ($($name:ident = $code:literal, [$cause_vi:literal, $cause_en:literal], [$remedy_vi:literal, $remedy_en:literal];)*) => {
        $(#[doc = $code]
        pub const $name: FaultKind =
            FaultKind { code: $code, cause: [$cause_vi, $cause_en], remedy: [$remedy_vi, $remedy_en] };)*

        /// Every kind of fault.
        pub const KINDS: &[FaultKind] = &[$($name),*];
    };
}

kinds! {
    UNREADABLE = "file-unreadable",
        ["Tệp không đọc được: {0}.", "The file cannot be read: {0}."],
        ["Lưu tệp dạng CSV hoặc JSON, bảng mã UTF-8, rồi nhập lại.", "Save the file as CSV or JSON in UTF-8 and import it again."];
    EMPTY = "file-empty",
        ["Tệp không có cơ quan nào.", "The file holds no agency."],
        ["Kiểm tra lại tệp; dòng đầu của CSV là tên cột.", "Check the file; the first line of CSV names the columns."];
    CODE_RESERVED = "code-reserved",
        ["Mã {0} dành riêng cho tự kiểm tra của Trục.", "The code {0} is kept for the hub's self-test."],
        ["Dùng mã khác, hoặc bỏ dòng này.", "Use another code, or leave this entry out."];
    COLUMN_UNKNOWN = "column-unknown",
        ["Không có cột \"{0}\".", "There is no column \"{0}\"."],
        ["Dùng các cột: {1}.", "Use the columns {1}."];
    COLUMN_REPEATED = "column-repeated",
        ["Cột \"{0}\" có hai lần.", "The column \"{0}\" stands twice."],
        ["Bỏ một trong hai cột.", "Remove one of the two."];
    COLUMN_MISSING = "column-missing",
        ["Thiếu cột \"{0}\".", "The column \"{0}\" is missing."],
        ["Thêm cột này; tên cột nằm ở dòng đầu.", "Add it; the first line names the columns."];
    FIELDS_TOO_MANY = "fields-too-many",
        ["Dòng có nhiều ô hơn số cột.", "The row has more fields than there are columns."],
        ["Đặt giá trị có dấu phân cách trong dấu nháy kép.", "Put values that hold the separator in double quotes."];
    TYPE_WRONG = "type-wrong",
        ["Giá trị của \"{0}\" không phải {1}.", "The value of \"{0}\" is not {1}."],
        ["Ghi chuỗi ký tự; riêng aliases là mảng các chuỗi.", "Write a string; for aliases an array of strings."];
    CODE_MISSING = "code-missing",
        ["Thiếu mã định danh.", "The code is missing."],
        ["Ghi mã định danh của cơ quan.", "Give the code of the agency."];
    CODE_MALFORMED = "code-malformed",
        ["Mã định danh \"{0}\" không hợp lệ.", "The code \"{0}\" is not valid."],
        ["Chỉ dùng 0-9 A-Z a-z . _ -, bắt đầu và kết thúc bằng chữ hoặc số, tối đa 35 ký tự.", "Use only 0-9 A-Z a-z . _ -, a letter or digit at both ends, at most 35 characters."];
    CODE_REPEATED = "code-repeated",
        ["Mã \"{0}\" đã có ở dòng {1}.", "The code \"{0}\" stands in row {1} already."],
        ["Ghi mỗi cơ quan một dòng.", "Give each agency one row."];
    CODE_TAKEN = "code-taken",
        ["Mã \"{0}\" đang dẫn tới cơ quan {1}.", "The code \"{0}\" leads to the agency {1}."],
        ["Ghi mã chính {1} ở cột code, hoặc bỏ mã này khỏi cơ quan kia trong cùng tệp.", "Give the canonical code {1}, or take this code away from the other agency in the same file."];
    ALIAS_TAKEN = "alias-taken",
        ["Mã phụ \"{0}\" đang dẫn tới cơ quan {1}.", "The alias \"{0}\" leads to the agency {1}."],
        ["Bỏ mã phụ này, hoặc bỏ nó khỏi cơ quan kia trong cùng tệp.", "Leave it out, or take it away from the other agency in the same file."];
    CODE_RESTS = "code-resting",
        ["Mã \"{0}\" từng dẫn tới cơ quan {1}, đã được trả lại và còn giữ cho cơ quan đó đến {2}.", "The code \"{0}\" led to the agency {1}, which gave it up; it is kept for that agency until {2}."],
        ["Đợi đến lúc đó, hoặc trả mã về cơ quan {1}. Đơn vị vận hành máy chủ chuyển mã ngay được bằng docaxis agency add hoặc import với --move-codes.", "Wait until then, or give it back to {1}. Whoever runs the machine can move it now with docaxis agency add or import and --move-codes."];
    NAME_MISSING = "name-missing",
        ["Thiếu tên cơ quan.", "The name is missing."],
        ["Ghi tên cơ quan.", "Give the name of the agency."];
    TEXT_TOO_LONG = "text-too-long",
        ["Giá trị dài {0} ký tự, quá {1}.", "The value has {0} characters, more than {1}."],
        ["Rút ngắn giá trị.", "Shorten it."];
    TEXT_UNUSABLE = "text-unusable",
        ["Giá trị có ký tự điều khiển.", "The value holds control characters."],
        ["Bỏ các ký tự không nhìn thấy được.", "Remove what cannot be seen."];
    PARENT_UNKNOWN = "parent-unknown",
        ["Không có cơ quan cấp trên \"{0}\".", "There is no parent \"{0}\"."],
        ["Thêm cơ quan cấp trên vào tệp, hoặc sửa mã.", "Add the parent to the file, or correct the code."];
    PARENT_CIRCLE = "parent-circle",
        ["Cơ quan \"{0}\" nằm dưới chính nó.", "The agency \"{0}\" stands below itself."],
        ["Sửa cột parent để cây đơn vị có gốc.", "Correct the parents so that the tree has a root."];
    STATE_UNKNOWN = "state-unknown",
        ["Không có trạng thái \"{0}\".", "There is no state \"{0}\"."],
        ["Dùng open, suspended hoặc closed.", "Use open, suspended or closed."];
    SUCCESSOR_UNKNOWN = "successor-unknown",
        ["Không có cơ quan kế thừa \"{0}\".", "There is no successor \"{0}\"."],
        ["Thêm cơ quan kế thừa vào tệp, hoặc sửa mã.", "Add the successor to the file, or correct the code."];
    SUCCESSOR_CIRCLE = "successor-circle",
        ["Cơ quan \"{0}\" kế thừa chính nó.", "The agency \"{0}\" succeeds itself."],
        ["Sửa cột successor để chuỗi kế thừa có điểm cuối.", "Correct the successors so that the chain has an end."];
    SUCCESSOR_OF_OPEN = "successor-of-open",
        ["Cơ quan chưa đóng nhưng có cơ quan kế thừa.", "The agency has a successor and is not closed."],
        ["Đặt state là closed, ghi ngày cuối ở valid_until, hoặc bỏ successor.", "Set the state to closed, give the last day in valid_until, or leave out the successor."];
    DATE_MALFORMED = "date-malformed",
        ["\"{0}\" không phải ngày.", "\"{0}\" is no day."],
        ["Ghi ngày dạng 2026-12-31 hoặc 31/12/2026.", "Write days as 2026-12-31 or 31/12/2026."];
    DATES_REVERSED = "dates-reversed",
        ["Ngày cuối đứng trước ngày đầu.", "The last day comes before the first."],
        ["Sửa valid_from hoặc valid_until.", "Correct valid_from or valid_until."];
}

/// The kinds of fault as Markdown, for docs/api.md.
pub fn faults_markdown() -> String {
    let head = "| Code | Cause | Remedy |\n|---|---|---|\n".to_owned();
    let text = |[vi, en]: [&str; 2]| format!("{vi} / {en}");
    let row = |kind: &FaultKind| format!("| `{}` | {} | {} |\n", kind.code, text(kind.cause), text(kind.remedy));
    KINDS.iter().map(row).fold(head, |list, row| list + &row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_texts_in_both_languages() {
        let mut codes: Vec<&str> = KINDS.iter().map(|kind| kind.code).collect();
        codes.sort_unstable();
        codes.dedup();

        assert_eq!(codes.len(), KINDS.len());
        for kind in KINDS {
            let texts = [kind.cause[0], kind.cause[1], kind.remedy[0], kind.remedy[1]];
            assert!(texts.iter().all(|text| text.ends_with('.')), "{}", kind.code);
            assert!(kind.cause[0] != kind.cause[1] && !kind.remedy[0].is_ascii(), "{}", kind.code);
        }
    }
}
