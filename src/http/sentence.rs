//! Sentences in both languages, as answers carry them, those about refused steps, and errors as the log has them.

use crate::domain::delivery::Refusal;
use crate::domain::rules::Wording;
use schemars::JsonSchema;
use serde::Serialize;

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sentence {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

impl From<Wording> for Sentence {
    fn from(wording: Wording) -> Self {
        Self::new(wording.vi, wording.en)
    }
}

impl Sentence {
    /// The sentence in both languages.
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { vi: vi.into(), en: en.into() }
    }
}

/// Why a step of a delivery is not possible any more.
pub fn of_refusal(refusal: Refusal) -> Sentence {
    match refusal {
        Refusal::Withdrawn => Sentence::new("Văn bản đã được lấy lại", "The document was withdrawn"),
        Refusal::RecallAgreed => {
            Sentence::new("Đơn vị đã đồng ý trả lại văn bản", "The agency agreed to give the document back")
        }
        Refusal::Failed => Sentence::new("Lượt chuyển này đã thất bại", "The delivery has failed"),
        Refusal::AlreadyFetched => Sentence::new("Bên nhận đã lấy văn bản", "The recipient has the document"),
        Refusal::AlreadyHandedOver => {
            Sentence::new("Văn bản đã được xác nhận hoàn tất (done)", "The document was confirmed as done")
        }
        Refusal::NotConsigned => {
            Sentence::new("Văn bản chưa sẵn sàng để nhận", "The document is not yet at the recipient's disposal")
        }
        Refusal::OnItsWay => Sentence::new(
            "Trục đang chuyển lượt này; hãy thử lại sau ít phút",
            "The hub is bringing it just now; try again in some minutes",
        ),
        Refusal::NotWaiting => {
            Sentence::new("Lượt chuyển này không đang chờ chuyển", "The delivery does not wait to be brought")
        }
    }
}

/// The error and everything that caused it, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |e| e.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
