//! The bytes of a packet on their way in: hashed, read and, when large, spooled in one pass. Small packets stay
//! in memory; of large ones never more than a few chunks are. Not here: any database.

use super::accept::Door;
use super::{BodyFault, ExchangeError};
use crate::config::Packets;
use crate::domain::envelope::{Content, Envelope};
use crate::domain::packet::Digest;
use crate::domain::rules::{self, Violation};
use crate::hub::Hub;
use crate::store::payloads::Incoming;
use crate::wire::read::{self, Reading};
use aws_lc_rs::digest::{Context, SHA256};
use bytes::{Buf, Bytes};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt};
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::pin::pin;
use tokio::sync::mpsc;

/// Pieces of a large packet that may wait for the reading thread; the connection waits beyond.
const PIECES_WAITING_MAX: usize = 4;

/// Bytes handed to the reading thread at once: each piece wakes it, and sockets give far smaller ones.
const PIECE_BYTES: usize = 128 * 1024;

/// What is to become of the bytes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// They are kept when the packet has no fault of its own.
    Packet,
    /// They are looked at and thrown away.
    Nothing,
}

/// A packet that arrived whole.
pub struct Arrival {
    /// SHA-256 of the packet's bytes.
    pub sha256: Digest,
    /// Their number.
    pub bytes: u64,
    /// What was read.
    pub reading: Reading,
    /// Every fault of the packet by itself.
    pub violations: Vec<Violation>,
    /// The bytes, for a packet that lives in the row; nothing when they are on disk or were forgotten.
    pub content: Option<Vec<u8>>,
}

/// Receives a packet. When this returns without violations, the bytes are in `content` or durable in a file
/// named by their digest.
///
/// # Errors
/// `Body` when the bytes did not arrive, `Payload` when they could not be kept.
pub async fn receive(
    hub: &Hub,
    (door, keeping): (Door, Keeping),
    hash_file: Option<String>,
    body: impl Stream<Item = Result<Bytes, BodyFault>>,
) -> Result<Arrival, ExchangeError> {
    let mut body = pin!(body);
    // Two bytes more: the CR LF that the SDK appends does not make a packet large.
    let inline_max = usize::try_from(hub.config.data.inline_bytes_max).unwrap_or(usize::MAX).saturating_add(2);
    let mut head: Vec<u8> = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(ExchangeError::Body)?;
        if head.len().saturating_add(chunk.len()) > inline_max {
            return receive_large(hub, (door, keeping, hash_file), (head, chunk), body).await;
        }
        match head.is_empty() {
            true => head = chunk.into(),
            false => head.extend_from_slice(&chunk),
        }
    }
    small(hub, door, hash_file.as_deref(), head).map_err(ExchangeError::Payload)
}

fn small(hub: &Hub, door: Door, hash_file: Option<&str>, mut content: Vec<u8>) -> io::Result<Arrival> {
    let mut hasher = Hasher::default();
    hasher.update(&content);
    let sealed = hasher.finish(door, hash_file);
    content.truncate(usize::try_from(sealed.bytes).unwrap_or(usize::MAX));
    let reading = read::packet(content.as_slice(), &hub.config.packets, &|| {})?;
    let violations = judged(hub, &reading, sealed.damaged);
    let content = violations.is_empty().then_some(content);
    Ok(Arrival { sha256: sealed.sha256, bytes: sealed.bytes, reading, violations, content })
}

fn judged(hub: &Hub, reading: &Reading, damaged: bool) -> Vec<Violation> {
    match damaged && !reading.secret {
        true => vec![rules::violation("M.Packet.Damaged", "", &[])],
        false => judge(reading, &hub.config.packets, hub.clock.now()),
    }
}

/// Every fault of a packet by itself; what needs a directory is for `register`. Also the whole of what
/// `docaxis envelope check` judges.
pub fn judge(reading: &Reading, limits: &Packets, now: DateTime<Utc>) -> Vec<Violation> {
    if reading.secret {
        return vec![rules::violation("M.StateSecret", "", &[])];
    }
    let mut violations = reading.violations.clone();
    if reading.whole {
        violations.extend(rules::check_packet(&reading.packet, now));
    }
    match Envelope::of(&reading.packet).map(|envelope| envelope.content) {
        Some(Content::Document(document)) if document.recipients.len() > limits.recipients_max => {
            let limit = limits.recipients_max.to_string();
            violations.push(rules::violation("R.MessageHeader.To", "MessageHeader/To", &[&limit]));
        }
        Some(Content::Document(_) | Content::Status(_)) => {}
        None if violations.is_empty() => violations.push(rules::violation("M.Packet.Kind", "MessageHeader", &[])),
        None => {}
    }
    violations
}

async fn receive_large(
    hub: &Hub,
    (door, keeping, hash_file): (Door, Keeping, Option<String>),
    (head, chunk): (Vec<u8>, Bytes),
    mut body: impl Stream<Item = Result<Bytes, BodyFault>> + Unpin,
) -> Result<Arrival, ExchangeError> {
    let (to_reader, chunks) = mpsc::channel(PIECES_WAITING_MAX);
    let reader_hub = hub.clone();
    let reader = tokio::task::spawn_blocking(move || large(&reader_hub, (door, keeping), hash_file.as_deref(), chunks));
    let mut fault = None;
    // A full channel makes the connection wait; a gone reader has failed and says why below.
    let mut alive = true;
    let mut piece = head;
    piece.extend_from_slice(&chunk);
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => piece.extend_from_slice(&chunk),
            Err(why) => {
                fault = Some(why);
                break;
            }
        }
        if piece.len() >= PIECE_BYTES {
            let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_BYTES));
            alive = alive && to_reader.send(Some(full.into())).await.is_ok();
        }
    }
    alive = alive && to_reader.send(Some(piece.into())).await.is_ok();
    if alive && fault.is_none() {
        // A reader that is gone now has failed too.
        let _ = to_reader.send(None).await;
    }
    drop(to_reader);
    let arrived = reader.await.unwrap_or_else(|_| Err(io::Error::other("the reading thread died")));
    match fault {
        Some(fault) => Err(ExchangeError::Body(fault)),
        None => arrived.map_err(ExchangeError::Payload),
    }
}

/// The chunks of a body and, when it came whole, `None` behind them. A channel that just ends is a body that was cut:
/// the server drops the future of a request whose connection is gone.
type Chunks = mpsc::Receiver<Option<Bytes>>;

fn large(hub: &Hub, (door, keeping): (Door, Keeping), hash_file: Option<&str>, chunks: Chunks) -> io::Result<Arrival> {
    let alarm = Cell::new(false);
    let incoming = (keeping == Keeping::Packet).then(|| hub.payloads.receive(&hub.ids.next()));
    let mut tap = Tap {
        chunks,
        chunk: Bytes::new(),
        whole: false,
        hasher: Hasher::default(),
        incoming,
        broken: None,
        alarm: &alarm,
    };
    let reading = read::packet(&mut tap, &hub.config.packets, &|| alarm.set(true))?;
    io::copy(&mut tap, &mut io::sink())?;
    let (hasher, incoming) = (tap.hasher, tap.incoming);
    let sealed = hasher.finish(door, hash_file);
    let violations = judged(hub, &reading, sealed.damaged);
    match incoming {
        Some(incoming) if violations.is_empty() => hub.payloads.keep(incoming, &sealed.sha256, sealed.bytes)?,
        Some(incoming) => incoming.forget(),
        None => {}
    }
    Ok(Arrival { sha256: sealed.sha256, bytes: sealed.bytes, reading, violations, content: None })
}

/// What the reader reads from: hands on the chunks that arrive, and hashes and spools what was read. Spooling
/// lags behind reading, so that a secrecy mark is met before the bytes around it reach the disk, and ends with it.
struct Tap<'a> {
    chunks: Chunks,
    chunk: Bytes,
    /// Whether the end of the body was reached.
    whole: bool,
    hasher: Hasher,
    incoming: Option<Incoming>,
    /// Why nothing can be spooled any more; the next read reports it.
    broken: Option<io::Error>,
    alarm: &'a Cell<bool>,
}

impl Read for Tap<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let n = ready.len().min(into.len());
        into.iter_mut().zip(ready).for_each(|(to, from)| *to = *from);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Tap<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        while self.chunk.is_empty() && !self.whole {
            match self.chunks.blocking_recv() {
                Some(Some(chunk)) => self.chunk = chunk,
                Some(None) => self.whole = true,
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the body did not arrive")),
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, n: usize) {
        let read = self.chunk.slice(..n.min(self.chunk.len()));
        self.chunk.advance(read.len());
        self.hasher.update(&read);
        if self.alarm.get()
            && let Some(incoming) = self.incoming.take()
        {
            incoming.forget();
        }
        let Some(incoming) = &mut self.incoming else { return };
        if let Err(error) = incoming.write(&read) {
            // The sender goes on being read, but nothing more of it is taken.
            self.incoming = None;
            self.chunk = Bytes::new();
            self.chunks.close();
            self.broken = Some(error);
        }
    }
}

/// SHA-256 that can leave out a trailing CR LF.
struct Hasher {
    context: Context,
    bytes: u64,
    tail: [u8; 2],
    tail_len: usize,
}

impl Default for Hasher {
    fn default() -> Self {
        Self { context: Context::new(&SHA256), bytes: 0, tail: [0; 2], tail_len: 0 }
    }
}

/// The digest and size of what counts as the packet.
struct Sealed {
    sha256: Digest,
    bytes: u64,
    damaged: bool,
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        let (tail, tail_len) = (self.tail, self.tail_len);
        let held = tail.get(..tail_len).unwrap_or_default();
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if bytes.len() >= 2 {
            let (now, keep) = bytes.split_at(bytes.len().saturating_sub(2));
            self.context.update(held);
            self.context.update(now);
            self.hold(keep);
        } else if let [one] = bytes {
            match *held {
                [first, second] => {
                    self.context.update(&[first]);
                    self.hold(&[second, *one]);
                }
                [first] => self.hold(&[first, *one]),
                _ => self.hold(&[*one]),
            }
        }
    }

    fn hold(&mut self, keep: &[u8]) {
        self.tail_len = keep.len();
        self.tail.iter_mut().zip(keep).for_each(|(to, from)| *to = *from);
    }

    fn finish(mut self, door: Door, hash_file: Option<&str>) -> Sealed {
        let without = digest_of(self.context.clone());
        let tail = self.tail;
        let held = tail.get(..self.tail_len).unwrap_or_default();
        let has_line_end = held == b"\r\n";
        self.context.update(held);
        let whole = digest_of(self.context);
        let matches = |digest: &Digest| hash_file.is_none_or(|text| names(text, digest));
        let strip = door == Door::Sdk && has_line_end && (matches(&without) || !matches(&whole));
        let sha256 = if strip { without } else { whole };
        let bytes = if strip { self.bytes.saturating_sub(2) } else { self.bytes };
        Sealed { sha256, bytes, damaged: !matches(&sha256) }
    }
}

fn digest_of(context: Context) -> Digest {
    let mut digest = [0; 32];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    Digest(digest)
}

/// Whether a `hash-file` names a digest: in plain hexadecimal, or as the vendor SDK prints it, each byte without
/// its leading zero (docs/sdk.md).
fn names(hash_file: &str, digest: &Digest) -> bool {
    let quirky: String = digest.0.iter().map(|byte| format!("{byte:x}")).collect();
    hash_file.eq_ignore_ascii_case(&digest.hex()) || hash_file.eq_ignore_ascii_case(&quirky)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealed(bytes: &[u8], door: Door, hash_file: Option<&str>) -> Sealed {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.finish(door, hash_file)
    }

    #[test]
    fn the_vendor_spelling_of_a_digest_is_known() {
        let quirky = "2a31f44da4bd7decbbd3ddfd1a37ae4d02ec665e2c2688816ccc65631586ed1";
        let of_file = sealed(b"<x/>\r\n", Door::Sdk, Some(quirky));
        assert!(!of_file.damaged);
        assert_eq!(of_file.bytes, 4);
        assert!(sealed(b"<y/>\r\n", Door::Sdk, Some(quirky)).damaged);
    }

    #[test]
    fn exactly_one_line_end_is_left_out_and_only_by_the_sdk_door() {
        assert_eq!(sealed(b"<x/>\r\n\r\n", Door::Sdk, None).bytes, 6);
        assert_eq!(sealed(b"<x/>\r\n", Door::Native, None).bytes, 6);
        assert_eq!(sealed(b"<x/>\n", Door::Sdk, None).bytes, 5);
    }

    #[test]
    fn a_file_that_itself_ends_in_a_line_end_keeps_it_when_the_digest_says_so() {
        let whole = sealed(b"<x/>\r\n", Door::Native, None).sha256.hex();
        let kept = sealed(b"<x/>\r\n", Door::Sdk, Some(&whole));
        assert_eq!((kept.bytes, kept.damaged), (6, false));
    }

    proptest! {
        #[test]
        fn chunk_borders_never_change_the_digest(bytes in prop::collection::vec(any::<u8>(), 0..200), cuts in prop::collection::vec(1usize..9, 0..60)) {
            let mut hasher = Hasher::default();
            let mut rest = bytes.as_slice();
            for cut in cuts.into_iter().chain(std::iter::once(usize::MAX)) {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                hasher.update(now);
                rest = later;
            }
            let once = sealed(&bytes, Door::Sdk, None);
            let pieces = hasher.finish(Door::Sdk, None);
            prop_assert_eq!((once.sha256, once.bytes), (pieces.sha256, pieces.bytes));
        }
    }
}
