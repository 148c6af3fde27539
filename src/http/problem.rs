//! Every error and every rejection → status and body, in the caller's dialect. The only file that names a
//! status code. The native API answers `application/problem+json`; the vendor SDK wants its own members on
//! every path, and for many failures status 200 (docs/sdk.md). How the body is written: `problem_body.rs`.

mod list;

use super::portal::problem_page;
use super::problem_body::{native, sdk};
use super::sdk_answers::SdkShape;
use super::sentence::{self, Sentence};
use crate::arrivals::Full;
use crate::domain::delivery::Refusal;
use crate::domain::directory::fault::Fault;
use crate::domain::rules::{Class, Violation};
use crate::exchange::accept::Rejection;
use crate::exchange::{BodyFault, ExchangeError};
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{StatusCode, StatusCode as S};
use actix_web::{HttpResponse, HttpResponseBuilder};
pub use list::problem_list;

/// Seconds after which a caller may come again when the hub could not do its work.
const RETRY_AFTER_SECONDS: &str = "5";
/// The same when evidence is not sealed: somebody has to mend that.
const UNSEALED_SECONDS: &str = "60";

/// In which form a caller wants failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `application/problem+json`.
    Native,
    /// The SDK's members.
    Sdk(SdkShape),
    /// No body at all: the SDK would store any body of a download as a document.
    Empty,
    /// A page for people.
    Page,
}

/// Why a request is not answered as asked.
#[derive(Debug)]
pub enum Problem {
    /// A use case could not or would not.
    Exchange(ExchangeError),
    /// A packet was refused.
    Rejected(Rejection),
    /// The request itself cannot be read.
    Malformed(Sentence),
    /// No such path.
    PathUnknown,
    /// The path has no such method; these it has.
    MethodUnknown(String),
    /// The announced body is beyond what is even read and thrown away.
    BodyTooLarge,
    /// The head is larger than the configured limit.
    HeadTooLarge,
    /// As many packets are on their way in as the hub takes at once.
    Overloaded,
    /// As many packets of this system are on their way in as one system may have.
    TooMany,
    /// A ledger did not prove to its witness that it only grew.
    NotGrown,
    /// The hub broke off; with what the panic said.
    Panicked(String),
}

impl From<ExchangeError> for Problem {
    fn from(error: ExchangeError) -> Self {
        Self::Exchange(error)
    }
}

/// A kind of failure: what stays the same about all failures of it.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    /// `ErrorCode` of the SDK where no violation gives one.
    pub(super) class: &'static str,
    /// Whether the SDK is told with status 200, as an answer.
    is_sdk_answer: bool,
    pub(super) vi: &'static str,
    pub(super) en: &'static str,
}

const fn kind(
    status: StatusCode,
    code: &'static str,
    class: &'static str,
    is_sdk_answer: bool,
    (vi, en): (&'static str, &'static str),
) -> Kind {
    Kind { status, code, class, is_sdk_answer, vi, en }
}

pub(super) static MALFORMED: Kind =
    kind(S::BAD_REQUEST, "malformed", "10", true, ("Yêu cầu không đúng dạng", "The request is malformed"));
pub(super) static CUT: Kind = kind(
    S::BAD_REQUEST,
    "body-cut",
    "10",
    false,
    ("Nội dung gửi lên không đến đủ; hãy gửi lại", "The body did not arrive whole; send it again"),
);
pub(super) static UNAUTHENTICATED: Kind = kind(
    S::UNAUTHORIZED,
    "unauthenticated",
    "15",
    false,
    (
        "Sai mã hệ thống hoặc khóa bí mật; hãy kiểm tra systemid, khóa và chữ ký",
        "The credential was refused; check the system id, the key and the signature",
    ),
);
pub(super) static NOT_HELD: Kind = kind(
    S::FORBIDDEN,
    "sender-not-held",
    "19",
    true,
    ("Hệ thống không được gửi thay đơn vị gửi", "The system may not send for the sending agency"),
);
pub(super) static NOT_ALLOWED: Kind = kind(
    S::FORBIDDEN,
    "not-allowed",
    "19",
    true,
    ("Hệ thống không có quyền làm việc này", "The system may not do this"),
);
pub(super) static FAULTY: Kind = kind(
    S::UNPROCESSABLE_ENTITY,
    "entries-refused",
    "10",
    true,
    ("Thông tin cơ quan có lỗi; không có gì thay đổi", "What was said of agencies has faults; nothing was changed"),
);
pub(super) static NOT_FOUND: Kind = kind(
    S::NOT_FOUND,
    "not-found",
    "26",
    true,
    (
        "Không có mã này hoặc mã không thuộc hệ thống đang gọi; hãy kiểm tra lại mã",
        "There is nothing of that id for this caller; check the id",
    ),
);
pub(super) static PATH_UNKNOWN: Kind = kind(
    S::NOT_FOUND,
    "path-unknown",
    "20",
    false,
    ("Không có địa chỉ này; hãy kiểm tra cấu hình địa chỉ dịch vụ", "There is no such path; check the service address"),
);
pub(super) static METHOD_UNKNOWN: Kind = kind(
    S::METHOD_NOT_ALLOWED,
    "method-not-allowed",
    "20",
    false,
    ("Địa chỉ này không nhận phương thức HTTP đó", "The path does not take this HTTP method"),
);
pub(super) static TOO_SLOW: Kind = kind(
    S::REQUEST_TIMEOUT,
    "body-too-slow",
    "20",
    false,
    ("Nội dung gửi lên quá chậm; hãy gửi lại", "The body came too slowly; send it again"),
);
pub(super) static CONFLICT: Kind = kind(
    S::CONFLICT,
    "conflict",
    "24",
    true,
    ("Văn bản này đã được gửi với nội dung khác", "The same document was sent before with another content"),
);
pub(super) static EXISTS: Kind = kind(S::CONFLICT, "exists", "24", true, ("Đã có sẵn", "It is there already"));
pub(super) static STEP_REFUSED: Kind = kind(
    S::CONFLICT,
    "step-refused",
    "26",
    true,
    ("Không thực hiện được bước này nữa", "The delivery does not allow this step any more"),
);
pub(super) static GONE: Kind = kind(
    S::GONE,
    "withdrawn",
    "26",
    true,
    (
        "Bên gửi đã lấy lại văn bản; không còn gì để nhận",
        "The sender took the document back; there is nothing to fetch",
    ),
);
pub(super) static DESTROYED: Kind = kind(
    S::GONE,
    "content-destroyed",
    "26",
    true,
    (
        "Nội dung đã được tiêu hủy vì hết thời hạn lưu; thông tin và bằng chứng vẫn còn",
        "The content was destroyed, its time being over; facts and evidence stay",
    ),
);
pub(super) static TOO_LARGE: Kind = kind(
    S::PAYLOAD_TOO_LARGE,
    "body-too-large",
    "10",
    false,
    ("Nội dung gửi lên vượt quá dung lượng cho phép", "The body is larger than the hub takes"),
);
pub(super) static HEAD_TOO_LARGE: Kind = kind(
    S::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head-too-large",
    "20",
    false,
    (
        "Phần đầu yêu cầu quá lớn; hãy bớt nơi nhận ghi trong header",
        "The request's head is too large; name fewer receivers in it",
    ),
);
pub(super) static PACKET_REFUSED: Kind = kind(
    S::UNPROCESSABLE_ENTITY,
    "packet-refused",
    "22",
    true,
    ("Gói tin không được chấp nhận", "The packet was refused"),
);
pub(super) static NOT_GROWN: Kind = kind(
    S::UNPROCESSABLE_ENTITY,
    "ledger-not-grown",
    "20",
    false,
    ("Sổ cái không nối tiếp điểm chốt đã ký chứng", "The ledger did not grow from the head that was cosigned"),
);
pub(super) static OVERLOADED: Kind = kind(
    S::SERVICE_UNAVAILABLE,
    "unavailable",
    "20",
    false,
    ("Hệ thống đang bận; hãy gửi lại sau ít giây", "The hub is busy; come again in a few seconds"),
);
pub(super) static UNSEALED: Kind = kind(
    S::SERVICE_UNAVAILABLE,
    "evidence-not-sealed",
    "20",
    false,
    (
        "Bằng chứng chưa được niêm phong nên trục tạm ngừng nhận; hãy gửi lại sau",
        "Evidence is not being sealed, so the hub accepts nothing; come again later",
    ),
);
pub(super) static TOO_MANY: Kind = kind(
    S::TOO_MANY_REQUESTS,
    "too-many",
    "20",
    false,
    (
        "Hệ thống có quá nhiều yêu cầu cùng lúc; hãy thử lại sau ít giây",
        "Too many requests of this system at once; come again in a few seconds",
    ),
);
pub(super) static INTERNAL: Kind = kind(
    S::INTERNAL_SERVER_ERROR,
    "internal",
    "20",
    false,
    (
        "Lỗi hệ thống; hãy gửi lại sau và báo mã yêu cầu nếu còn lỗi",
        "The hub failed; try later and report the request id",
    ),
);

impl Kind {
    /// The status for the SDK.
    pub(super) fn sdk_status(&self) -> StatusCode {
        if self.is_sdk_answer { S::OK } else { self.status }
    }
}

impl Problem {
    fn kind(&self) -> &'static Kind {
        match self {
            Self::Exchange(error) => exchange_kind(error),
            Self::Rejected(rejection) => rejection_kind(&rejection.violations),
            Self::Malformed(_) => &MALFORMED,
            Self::PathUnknown => &PATH_UNKNOWN,
            Self::MethodUnknown(_) => &METHOD_UNKNOWN,
            Self::BodyTooLarge => &TOO_LARGE,
            Self::HeadTooLarge => &HEAD_TOO_LARGE,
            Self::Overloaded => &OVERLOADED,
            Self::TooMany => &TOO_MANY,
            Self::NotGrown => &NOT_GROWN,
            Self::Panicked(_) => &INTERNAL,
        }
    }

    /// What went wrong inside the hub, for its log and for nobody else; nothing when the caller is at fault.
    pub fn accident(&self) -> Option<String> {
        match self {
            // That evidence is not sealed is said once in the log, not with every packet.
            Self::Exchange(ExchangeError::Full(_) | ExchangeError::ComeAgain { .. } | ExchangeError::Unsealed) => None,
            Self::Exchange(error) if self.kind().status.is_server_error() => Some(super::sentence::chain(error)),
            Self::Panicked(said) => Some(format!("panic: {said}")),
            Self::Exchange(_) | Self::Rejected(_) | Self::Malformed(_) | Self::PathUnknown => None,
            Self::MethodUnknown(_) | Self::BodyTooLarge | Self::HeadTooLarge | Self::Overloaded | Self::TooMany => None,
            Self::NotGrown => None,
        }
    }

    /// What is particular about this failure.
    pub(super) fn detail(&self) -> Option<Sentence> {
        match self {
            Self::Malformed(sentence) => Some(sentence.clone()),
            Self::Exchange(
                ExchangeError::Malformed(text)
                | ExchangeError::Exists(text)
                | ExchangeError::NotAllowed(text)
                | ExchangeError::Destroyed(text),
            ) => Some(Sentence::new(&text.vi, &text.en)),
            Self::Exchange(ExchangeError::Faulty(faults)) => {
                faults.first().map(|first| Sentence::new(&first.cause.vi, &first.cause.en))
            }
            Self::Exchange(ExchangeError::Refused(refusal)) => Some(sentence::of_refusal(*refusal)),
            Self::Exchange(_) | Self::Rejected(_) | Self::PathUnknown | Self::MethodUnknown(_) | Self::NotGrown => None,
            Self::BodyTooLarge | Self::HeadTooLarge | Self::Overloaded | Self::TooMany | Self::Panicked(_) => None,
        }
    }

    /// What is wrong with entries of the directory.
    pub(super) fn faults(&self) -> &[Fault] {
        if let Self::Exchange(ExchangeError::Faulty(faults)) = self { faults } else { &[] }
    }

    /// Why a credential was refused and who showed it, for the log and for nobody else.
    pub fn denial(&self) -> Option<(&'static str, &str)> {
        let Self::Exchange(ExchangeError::Unauthenticated(denial, claimed)) = self else { return None };
        Some((denial.word(), claimed))
    }

    pub(super) fn violations(&self) -> &[Violation] {
        if let Self::Rejected(rejection) = self { &rejection.violations } else { &[] }
    }
}

/// What is said about text with a NUL in it, which PostgreSQL cannot hold and nobody means.
pub fn nul() -> Problem {
    Problem::Malformed(Sentence::new("có ký tự NUL", "there is a NUL character"))
}

fn exchange_kind(error: &ExchangeError) -> &'static Kind {
    match error {
        ExchangeError::Unauthenticated(..) => &UNAUTHENTICATED,
        ExchangeError::NotAllowed(_) => &NOT_ALLOWED,
        ExchangeError::Faulty(_) => &FAULTY,
        ExchangeError::NotFound => &NOT_FOUND,
        ExchangeError::Destroyed(_) => &DESTROYED,
        ExchangeError::Refused(refusal) => match refusal {
            Refusal::Withdrawn | Refusal::RecallAgreed => &GONE,
            Refusal::Failed | Refusal::AlreadyFetched | Refusal::AlreadyHandedOver => &STEP_REFUSED,
            Refusal::NotConsigned | Refusal::OnItsWay | Refusal::NotWaiting => &STEP_REFUSED,
        },
        ExchangeError::Malformed(_) => &MALFORMED,
        ExchangeError::Full(Full::Node) => &OVERLOADED,
        ExchangeError::Full(Full::System) => &TOO_MANY,
        ExchangeError::Exists(_) => &EXISTS,
        ExchangeError::Unsealed => &UNSEALED,
        ExchangeError::ComeAgain { too_many: true } => &TOO_MANY,
        ExchangeError::ComeAgain { too_many: false } => &OVERLOADED,
        ExchangeError::Body(fault) => match fault {
            BodyFault::TooLarge => &TOO_LARGE,
            BodyFault::TooSlow => &TOO_SLOW,
            BodyFault::Cut => &CUT,
        },
        ExchangeError::Store(store) if store.is_transient() => &OVERLOADED,
        ExchangeError::Payload(error) if is_full(error) => &OVERLOADED,
        ExchangeError::Store(_) | ExchangeError::Payload(_) | ExchangeError::Unavailable(_) => &INTERNAL,
    }
}

/// Whether there is no room on the disk, for the hub or at all.
fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// A refused packet is one that is too large, else one whose sender the caller does not hold, else a conflict, else a broken rule.
fn rejection_kind(violations: &[Violation]) -> &'static Kind {
    if violations.iter().any(|v| v.code == "M.Packet.TooLarge") {
        return &TOO_LARGE;
    }
    let has = |class| violations.iter().any(|v| v.class == class);
    match (has(Class::SenderNotRegistered), has(Class::Conflict)) {
        (true, _) => &NOT_HELD,
        (false, true) => &CONFLICT,
        (false, false) => &PACKET_REFUSED,
    }
}

/// The answer to a request that failed.
pub fn answer(problem: &Problem, dialect: Dialect, request_id: &str) -> HttpResponse {
    let kind = problem.kind();
    let mut response = match dialect {
        Dialect::Native => native(problem, kind, request_id),
        Dialect::Sdk(shape) => sdk(problem, kind, shape, request_id),
        Dialect::Empty => HttpResponseBuilder::new(kind.status).finish(),
        Dialect::Page => problem_page(problem, kind, request_id),
    };
    let mut say = |name, value: &str| {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    };
    match problem {
        Problem::MethodUnknown(allowed) => say(ALLOW, allowed),
        Problem::Exchange(ExchangeError::Unauthenticated(..)) if dialect == Dialect::Native => {
            say(WWW_AUTHENTICATE, "Bearer");
        }
        Problem::Exchange(_) | Problem::Rejected(_) | Problem::Malformed(_) | Problem::PathUnknown => {}
        Problem::BodyTooLarge
        | Problem::HeadTooLarge
        | Problem::Overloaded
        | Problem::TooMany
        | Problem::NotGrown
        | Problem::Panicked(_) => {}
    }
    if matches!(kind.status, S::SERVICE_UNAVAILABLE | S::TOO_MANY_REQUESTS) {
        let is_unsealed = matches!(problem, Problem::Exchange(ExchangeError::Unsealed));
        say(RETRY_AFTER, if is_unsealed { UNSEALED_SECONDS } else { RETRY_AFTER_SECONDS });
    }
    response
}

/// How an operation ends well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Success {
    /// It gives what was asked.
    Ok,
    /// Something is new from now on.
    Created,
    /// The caller has it already.
    NotModified,
    /// What a witness has is something else.
    Conflict,
    /// The hub cannot work, and says why.
    Unready,
}

impl Success {
    /// Its number.
    pub fn number(self) -> u16 {
        let status = match self {
            Self::Ok => S::OK,
            Self::Created => S::CREATED,
            Self::NotModified => S::NOT_MODIFIED,
            Self::Conflict => S::CONFLICT,
            Self::Unready => S::SERVICE_UNAVAILABLE,
        };
        status.as_u16()
    }
}

/// An answer that gives what was asked.
pub fn ok() -> HttpResponseBuilder {
    HttpResponseBuilder::new(S::OK)
}

/// The media type of an answer of a witness that has something else: C2SP tlog-witness.
pub const CONFLICT_MEDIA: &str = "text/x.tlog.size";

/// An answer of a witness that has something else.
pub fn conflict() -> HttpResponseBuilder {
    HttpResponseBuilder::new(S::CONFLICT)
}

/// An answer of a hub that cannot work, about why.
pub fn unready() -> HttpResponseBuilder {
    HttpResponseBuilder::new(S::SERVICE_UNAVAILABLE)
}

/// An answer about something that is new from now on.
pub fn created() -> HttpResponseBuilder {
    HttpResponseBuilder::new(S::CREATED)
}

/// An answer that leads to another page.
pub fn see_other() -> HttpResponseBuilder {
    HttpResponseBuilder::new(S::SEE_OTHER)
}

/// An answer that says: you have it already.
pub fn not_modified() -> HttpResponseBuilder {
    HttpResponseBuilder::new(S::NOT_MODIFIED)
}

#[cfg(test)]
mod tests;
