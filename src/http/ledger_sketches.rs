//! What docs/openapi.json says of the ledger's files and of each operation about it.

use super::agency_sketches::OPEN;
use super::ledger_api::{GrowthBody, GrowthQuestion, LedgerBody, LedgerOperation, ProofBody, TilesOperation};
use super::problem::{INTERNAL, NOT_FOUND, OVERLOADED, Success};
use super::sketch::Sketch;
use serde_json::json;

const LEDGER: &str = "Sổ cái bằng chứng - Ledger";
const TILE: &str = "Số thứ tự, ba chữ số một bậc, có thể thêm `.p/W`. Its number in steps of three digits, perhaps with `.p/W`: `x001/x234/067.p/112`.";

/// Draws one of the files.
pub fn tiles(operation: TilesOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.needs(&[]).under(LEDGER).fails(&OPEN);
    let sketch = sketch.fails(&[&NOT_FOUND, &INTERNAL, &OVERLOADED]);
    match operation {
        TilesOperation::Checkpoint => sketch.named("getCheckpoint", "Điểm chốt mới nhất của sổ cái, đã ký").bytes(
            Success::Ok,
            "C2SP tlog-checkpoint.",
            "text/plain",
        ),
        TilesOperation::Hashes => {
            of_tile(sketch.segment("level", "Tầng của cây. A level of the tree.")).named("getTile", "Một ô băm của cây")
        }
        TilesOperation::Timestamp => sketch
            .segment("size", "Số bút toán ít nhất. At least so many entries.")
            .named("getTimestamp", "Điểm chốt của sổ cái kèm dấu thời gian")
            .raw_answer(
                Success::Ok,
                "Điểm chốt và dấu (docs/ledger.md). The head and its token.",
                json!({ "type": "object" }),
            ),
        TilesOperation::Entries => of_tile(sketch).named("getEntries", "Các bút toán của một ô"),
    }
}

fn of_tile(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch.segment("tile", TILE).bytes(Success::Ok, "C2SP tlog-tiles.", "application/octet-stream")
}

/// Draws one operation of the native API.
pub fn draw(operation: LedgerOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under(LEDGER);
    match operation {
        LedgerOperation::View => sketch
            .named("getLedger", "Sổ cái bằng chứng đang ra sao, và khóa kiểm tra")
            .answer::<LedgerBody<'_>>(Success::Ok, "Sổ cái. The ledger."),
        LedgerOperation::Proof => sketch
            .named("getEvidenceProof", "Một bằng chứng và chứng minh nó nằm trong sổ cái")
            .id_segment("id", "Mã bằng chứng. A piece of evidence.")
            .answer::<ProofBody<'_>>(Success::Ok, "Bằng chứng và phép chứng minh. The evidence and its proof.")
            .fails(&[&NOT_FOUND]),
        LedgerOperation::Consistency => sketch
            .named("getLedgerConsistency", "Chứng minh sổ cái chỉ dài thêm")
            .query::<GrowthQuestion>()
            .answer::<GrowthBody>(Success::Ok, "Phép chứng minh. The proof."),
    }
}
