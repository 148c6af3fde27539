//! Why a delivery failed, as operators group failures: a stable code for each cause, with words. Read from the facts of
//! the evidence of the failure. Not here: which failures there are (`store::failures`).

use super::rules::Wording;
use serde_json::Value;

/// Why a delivery failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// Nobody answered at the recipient's address until the term was over.
    Unreachable,
    /// The recipient's software answered that it could not, until the term was over.
    Busy,
    /// It was held, or the recipient paused, until the term was over.
    Untried,
    /// Nobody fetched it in time.
    Unfetched,
    /// The recipient's software refused the packet.
    Refused,
    /// The recipient's software did not let the hub in.
    Access,
    /// The packet was too large for the recipient's software.
    TooLarge,
    /// There is nothing at the recipient's address that takes packets.
    Address,
    /// The neighbouring hub that had it told that it failed there.
    Beyond,
    /// It failed before causes were written down.
    Unknown,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 10] = [
        Self::Unreachable,
        Self::Busy,
        Self::Untried,
        Self::Unfetched,
        Self::Refused,
        Self::Access,
        Self::TooLarge,
        Self::Address,
        Self::Beyond,
        Self::Unknown,
    ];

    /// The code in tables, addresses and evidence.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::Untried => "untried",
            Self::Unfetched => "unfetched",
            Self::Refused => "refused",
            Self::Access => "access",
            Self::TooLarge => "too-large",
            Self::Address => "address",
            Self::Beyond => "beyond",
            Self::Unknown => "unknown",
        }
    }

    /// The cause of that code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.code() == code)
    }

    /// What the facts of a failure's evidence say.
    pub fn of_facts(facts: &Value) -> Self {
        let is = |name: &str, word: &str| facts.get(name).is_some_and(|value| value == word);
        let status = facts.get("status").and_then(Value::as_u64);
        match (is("why", "refused"), status) {
            _ if facts.get("hub").is_some() => Self::Beyond,
            _ if is("channel", "pickup") => Self::Unfetched,
            (false, _) if facts.get("attempts").is_some_and(|attempts| attempts == 0) => Self::Untried,
            (_, Some(401 | 403 | 407)) => Self::Access,
            (_, Some(404 | 405 | 410)) => Self::Address,
            (true, Some(413)) => Self::TooLarge,
            (true, _) => Self::Refused,
            (false, Some(_)) => Self::Busy,
            (false, None) => Self::Unreachable,
        }
    }

    /// Whether starting what failed anew here brings it on. A neighbouring hub that has the packet answers with the receipt of
    /// the first time.
    pub fn starts_anew(self) -> bool {
        match self {
            Self::Beyond => false,
            Self::Unreachable
            | Self::Busy
            | Self::Untried
            | Self::Unfetched
            | Self::Refused
            | Self::Access
            | Self::TooLarge
            | Self::Address
            | Self::Unknown => true,
        }
    }

    /// What people read.
    pub fn name(self) -> Wording {
        match self {
            Self::Unreachable => Wording::new("Không kết nối được bên nhận", "The recipient could not be reached"),
            Self::Busy => Wording::new("Phần mềm bên nhận bận hoặc lỗi", "The recipient's software could not take it"),
            Self::Untried => Wording::new("Bị giữ hoặc tạm dừng đến hết hạn", "Held or paused until its term was over"),
            Self::Unfetched => Wording::new("Bên nhận không lấy về trong hạn", "Not fetched in time"),
            Self::Refused => Wording::new("Phần mềm bên nhận từ chối gói tin", "The recipient's software refused it"),
            Self::Access => Wording::new("Bên nhận từ chối xác thực", "The recipient did not let the hub in"),
            Self::TooLarge => Wording::new("Gói tin quá lớn với bên nhận", "Too large for the recipient"),
            Self::Address => Wording::new("Địa chỉ nhận sai hoặc đã ngừng", "The recipient's address is wrong or gone"),
            Self::Beyond => Wording::new("Không chuyển được ở trục lân cận", "It failed at a neighbouring hub"),
            Self::Unknown => Wording::new("Chưa rõ (lỗi từ trước)", "Not known (it failed long ago)"),
        }
    }

    /// What an operator does about it before anything is sent again.
    pub fn remedy(self) -> Wording {
        match self {
            Self::Unreachable | Self::Busy => Wording::new(
                "Hỏi bên nhận xem phần mềm đã hoạt động lại chưa, rồi gửi lại.",
                "Ask the recipient whether its software works again, then start anew.",
            ),
            Self::Untried => Wording::new(
                "Thôi giữ hoặc cho bên nhận tiếp tục, rồi gửi lại.",
                "Release what is held or resume the recipient, then start anew.",
            ),
            Self::Unfetched => Wording::new(
                "Gọi văn thư bên nhận: phần mềm của họ không lấy gói tin.",
                "Call the recipient's clerk: its software does not fetch.",
            ),
            Self::Refused | Self::TooLarge => Wording::new(
                "Gửi lại sẽ bị từ chối nữa nếu bên nhận chưa sửa phần mềm: hãy hỏi trước.",
                "It will be refused again unless the recipient mended its software: ask first.",
            ),
            Self::Access => Wording::new(
                "Kiểm tra khóa hoặc chữ ký mà bên nhận dùng, rồi gửi lại.",
                "Check the key or signature that the recipient goes by, then start anew.",
            ),
            Self::Address => Wording::new(
                "Đặt lại địa chỉ nhận (docaxis endpoint set), rồi gửi lại.",
                "Set the address anew (docaxis endpoint set), then start anew.",
            ),
            Self::Beyond => Wording::new(
                "Lượt này phải gửi lại ở trục lân cận; gửi lại từ đây không có tác dụng",
                "It must be started anew at the neighbouring hub; from here it does nothing",
            ),
            Self::Unknown => Wording::new(
                "Xem lý do của từng văn bản trước khi gửi lại.",
                "Look at the reason of each before starting anew.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_failure_has_one_cause() {
        for (facts, cause) in [
            (json!({ "why": "expired", "channel": "pickup" }), Cause::Unfetched),
            (json!({ "why": "expired", "channel": "push", "attempts": 0, "status": null }), Cause::Untried),
            (json!({ "why": "expired", "channel": "push", "attempts": 7, "status": null }), Cause::Unreachable),
            (json!({ "why": "expired", "channel": "push", "attempts": 7, "status": 503 }), Cause::Busy),
            (json!({ "why": "expired", "channel": "relay", "attempts": 7, "status": 401 }), Cause::Access),
            (json!({ "why": "expired", "channel": "push", "attempts": 7, "status": 410 }), Cause::Address),
            (json!({ "why": "refused", "channel": "push", "attempts": 1, "status": 422 }), Cause::Refused),
            (json!({ "why": "refused", "channel": "push", "attempts": 1, "status": 413 }), Cause::TooLarge),
            (json!({ "why": "refused", "channel": "push", "attempts": 1, "status": 403 }), Cause::Access),
            (json!({ "why": "refused", "channel": "relay", "hub": "truc.b" }), Cause::Beyond),
        ] {
            assert_eq!(Cause::of_facts(&facts), cause, "{facts}");
        }
        for cause in Cause::ALL {
            assert_eq!(Cause::of_code(cause.code()), Some(cause));
        }
    }
}
