//! Status codes: what a recipient's clerks report about a document, and what each code does here.
//! Not here: what the hub itself knows of a delivery (`delivery`), which is another thing.

/// Who speaks to whom with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From a recipient of the document to its sender.
    RecipientToSender,
    /// From the sender of the document to a recipient.
    SenderToRecipient,
}

/// One entry of the code list (QCVN 102:2016).
#[derive(Debug)]
pub struct StatusEntry {
    /// Two digits, as written out.
    pub code: &'static str,
    /// English name, used in code, logs and the API.
    pub name: &'static str,
    /// What clerks read.
    pub vietnamese: &'static str,
    /// Who sends it.
    pub direction: Direction,
    /// Whether a reason (Description) must come with it.
    pub needs_reason: bool,
}

/// Every code with a meaning. Others are kept, forwarded and warned about.
pub const STATUSES: &[StatusEntry] = &[
    entry("01", "inbox", "Đã đến", false),
    entry("02", "rejection", "Từ chối tiếp nhận", true),
    entry("03", "acceptance", "Đã tiếp nhận", false),
    entry("04", "assignment", "Phân công xử lý", false),
    entry("05", "processing", "Đang xử lý", false),
    entry("06", "finish", "Hoàn thành", false),
    StatusEntry {
        code: "13",
        name: "cancellation",
        vietnamese: "Lấy lại văn bản",
        direction: Direction::SenderToRecipient,
        needs_reason: true,
    },
    entry("15", "change-acceptance", "Đồng ý cập nhật, lấy lại", false),
    entry("16", "change-rejection", "Từ chối cập nhật, lấy lại", true),
];

/// Codes that say that the recipient's clerks have the document before them: received or given back, or more.
pub const TELL_RECEIPT: [&str; 5] = ["02", "03", "04", "05", "06"];

/// Codes after which the recipient's clerks have nothing more to say of a document.
pub const TELL_END: [&str; 2] = ["02", "06"];

const fn entry(code: &'static str, name: &'static str, vietnamese: &'static str, needs_reason: bool) -> StatusEntry {
    StatusEntry { code, name, vietnamese, direction: Direction::RecipientToSender, needs_reason }
}

/// A status code of one or two digits, kept as two.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StatusCode(String);

impl StatusCode {
    /// Pads to two digits; nothing when the text is not one or two digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| Self(format!("{text:0>2}")))
    }

    /// Two digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The entry of the code list, when the code has a meaning.
    pub fn entry(&self) -> Option<&'static StatusEntry> {
        STATUSES.iter().find(|s| s.code == self.0)
    }

    /// Whether the original sender asks for the document back.
    pub fn asks_back(&self) -> bool {
        self.0 == "13"
    }

    /// What the code answers to a recall: agreed, refused, or nothing.
    pub fn answers_recall(&self) -> Option<bool> {
        match self.0.as_str() {
            "15" => Some(true),
            "16" => Some(false),
            _ => None,
        }
    }
}
