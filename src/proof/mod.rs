//! What proves that evidence stands in the ledger, and that the ledger only grew: pure, without database or network.
//!
//! `entry` (what the ledger holds of a piece of evidence), `merkle` (the tree of RFC 9162 and its proofs), `tile` (the
//! tree in tiles), `checkpoint` (its signed head), `witness` (what witnesses are asked). The formats, to the byte: docs/ledger.md.

pub mod checkpoint;
pub mod entry;
pub mod merkle;
pub mod tile;
pub mod witness;
