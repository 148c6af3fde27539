//! The bytes of packets.
use bytes::Bytes;
use std::pin::Pin;

/// Where packets are kept.
#[derive(Clone)]
pub struct Payloads;

/// Bytes on their way out.
pub type PayloadStream = Pin<Box<dyn futures_util::Stream<Item = std::io::Result<Bytes>> + Send>>;
