//! The kinds of failure in one list, for docs/api.md. Not here: what each is (`problem`).

use super::{
    CONFLICT, CUT, DESTROYED, EXISTS, FAULTY, GONE, HEAD_TOO_LARGE, INTERNAL, Kind, MALFORMED, METHOD_UNKNOWN,
    NOT_ALLOWED, NOT_FOUND, NOT_GROWN, NOT_HELD, OVERLOADED, PACKET_REFUSED, PATH_UNKNOWN, STEP_REFUSED, TOO_LARGE,
    TOO_MANY, TOO_SLOW, UNAUTHENTICATED, UNSEALED,
};

/// Every kind of failure, in the order of statuses.
#[rustfmt::skip]
pub(super) static KINDS: [&Kind; 23] = [
    &MALFORMED, &CUT, &UNAUTHENTICATED, &NOT_HELD, &NOT_ALLOWED, &NOT_FOUND, &PATH_UNKNOWN, &METHOD_UNKNOWN, &TOO_SLOW,
    &CONFLICT, &EXISTS, &STEP_REFUSED, &GONE, &DESTROYED, &TOO_LARGE, &PACKET_REFUSED, &FAULTY, &NOT_GROWN, &HEAD_TOO_LARGE, &INTERNAL,
    &TOO_MANY, &OVERLOADED, &UNSEALED,
];

/// The kinds of failure as Markdown, for docs/api.md.
pub fn problem_list() -> String {
    let head = "| Code | Status | SDK status | SDK `ErrorCode` | Meaning |\n|---|---|---|---|---|\n";
    let rows = KINDS.iter().map(|kind| {
        let class = if is_rejection(kind) { "class of the first violation" } else { kind.class };
        let (status, sdk) = (kind.status.as_u16(), kind.sdk_status().as_u16());
        format!("| `{}` | {status} | {sdk} | {class} | {} |\n", kind.code, kind.en)
    });
    head.to_owned() + &rows.collect::<String>()
}

/// Whether failures of the kind come with violations.
fn is_rejection(kind: &Kind) -> bool {
    [&NOT_HELD, &CONFLICT, &PACKET_REFUSED].into_iter().any(|rejection| std::ptr::eq(rejection, kind))
}
