//! This hub as a witness of other ledgers, over HTTP as C2SP tlog-witness says. Not here: what is cosigned
//! (`exchange::witness`).

use super::agency_sketches::{BODY, OPEN};
use super::gate::Call;
use super::problem::{self, CONFLICT_MEDIA, INTERNAL, NOT_ALLOWED, NOT_FOUND, NOT_GROWN, OVERLOADED, Problem, Success};
use super::sketch::Sketch;
use crate::exchange::witness::{self, Verdict};
use actix_web::HttpResponse;

/// Answers `add-checkpoint`.
///
/// # Errors
/// Whatever keeps the head from being cosigned, but that the witness has another one.
pub(super) async fn add_checkpoint(call: Call<'_>) -> Result<HttpResponse, Problem> {
    let hub = &call.node.hub;
    call.body.allow(hub.config.witness.request_bytes_max);
    match witness::add_checkpoint(hub, &call.body.whole().await?).await? {
        Verdict::Cosigned(line) => Ok(problem::ok().content_type("text/plain; charset=utf-8").body(line)),
        Verdict::Conflict(size) => Ok(problem::conflict().content_type(CONFLICT_MEDIA).body(format!("{size}\n"))),
        Verdict::NotGrown => Err(Problem::NotGrown),
    }
}

/// Draws it.
pub(super) fn draw(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch
        .needs(&[])
        .under("Sổ cái bằng chứng - Ledger")
        .named("addCheckpoint", "Xin trục này ký chứng điểm chốt của một sổ cái khác")
        .text_body("C2SP tlog-witness: `old N`, chứng minh, dòng trống, điểm chốt. The old size, the proof, a blank line, the head.")
        .bytes(Success::Ok, "Dòng chữ ký. The cosignature.", "text/plain")
        .bytes(Success::Conflict, "Số bút toán đã ký. The size that was cosigned.", CONFLICT_MEDIA)
        .fails(&OPEN)
        .fails(&[&NOT_ALLOWED, &NOT_FOUND, &NOT_GROWN, &INTERNAL, &OVERLOADED])
        .fails(&BODY)
}
