//! edXML: bytes ↔ domain values. The only place that knows XML.
//!
//! `limit` guards the bytes, `wellformed` is what XML demands beyond quick-xml, `read` walks through it (`stop`: why it may end early),
//! `place` keeps what was met as a `Packet`, `attachment` decodes what is attached as it streams by, `mark` looks for a signature in it, `zip`
//! looks into it, `write` makes the packets that the hub itself sends, `receipt` its receipts, `container` its archives and
//! `manifest` their lists.

mod attachment;
pub mod container;
mod limit;
pub mod manifest;
mod mark;
mod place;
pub mod read;
pub mod receipt;
mod stop;
mod wellformed;
pub mod write;
mod zip;
