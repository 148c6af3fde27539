//! edXML: bytes ↔ domain values. The only place that knows XML.
//!
//! `limit` guards the bytes, `read` turns them into a `Packet`, `attachment` decodes what is attached as it
//! streams by, `write` makes the packets that the hub itself sends.

pub mod read;
