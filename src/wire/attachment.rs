//! What is attached, as it streams by: base64 → size, digest and, for what may be a zip, a spool to look
//! into later. Memory stays constant however large the content is. Not here: whether a zip is safe (`zip`).

use super::mark::Looking;
use super::wellformed::{self, Flaw};
use crate::domain::packet::{Content, Digest};
use aws_lc_rs::digest::{Context, SHA256};
use base64::DecodeError;
use base64::engine::{Engine, general_purpose::STANDARD};
use base64_simd::AsOut;
use std::io::{self, Write};
use tempfile::SpooledTempFile;

/// Characters decoded at once. Fixed, so that a fault is found in the same place however the bytes arrive.
const BLOCK: usize = 8192;
/// Up to this size a spool stays in memory.
const SPOOL_IN_MEMORY: usize = 1 << 20;
/// How many bytes are looked at together for something that is no base64 character: many first, since most content is
/// one long line, then few, since the rest is broken into short ones.
const STRIDES: [usize; 2] = [2048, 32];
/// How a zip with a member begins.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// Why content cannot be taken further.
pub enum Trouble {
    /// Something XML forbids; the packet is not readable.
    Flaw(Flaw),
    /// The spool, or who wants the bytes, could not take them.
    Spool(io::Error),
}

/// What became of the content of one attachment.
pub struct Decoded {
    /// Size and digest.
    pub content: Content,
    /// The bytes themselves, when they begin like a zip and were asked for.
    pub zip: Option<SpooledTempFile>,
}

/// Decoder of one attachment's content.
pub struct Decoder {
    /// Base64 characters waiting to be decoded.
    block: Vec<u8>,
    plain: Vec<u8>,
    /// Base64 characters decoded so far.
    taken: usize,
    /// Whether those ended in padding.
    padded: bool,
    /// Where the first character stands that cannot be; nothing is decoded from there on.
    illegal: Option<usize>,
    /// Bytes of a character beyond ASCII of which more must come.
    character: Vec<u8>,
    bytes: u64,
    digest: Context,
    looking: Looking,
    may_be_zip: bool,
    zip: Option<SpooledTempFile>,
    /// Who wants the bytes as they come.
    sink: Option<Box<dyn Write>>,
}

impl Decoder {
    /// A decoder; `may_be_zip` says whether the bytes are wanted later if they begin like a zip, `sink` wants them at once.
    pub fn new(may_be_zip: bool, sink: Option<Box<dyn Write>>) -> Self {
        Self {
            block: Vec::with_capacity(BLOCK),
            plain: vec![0; BLOCK / 4 * 3],
            taken: 0,
            padded: false,
            illegal: None,
            character: Vec::new(),
            bytes: 0,
            digest: Context::new(&SHA256),
            looking: Looking::default(),
            may_be_zip,
            zip: None,
            sink,
        }
    }

    /// Takes the next bytes of the content, white space and all.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let [many, few] = STRIDES;
        for stride in bytes.chunks(many) {
            if self.is_plain(stride) {
                self.keep(stride)?;
                continue;
            }
            for stride in stride.chunks(few) {
                match self.is_plain(stride) {
                    true => self.keep(stride)?,
                    false => stride.iter().try_for_each(|byte| self.feed_odd(*byte))?,
                }
            }
        }
        Ok(())
    }

    /// Whether nothing in it needs a second look.
    fn is_plain(&self, bytes: &[u8]) -> bool {
        let odd = bytes.iter().fold(false, |found, b| found | (*b <= b' ') | (*b >= 0x80));
        !odd && self.character.is_empty()
    }

    fn feed_odd(&mut self, byte: u8) -> Result<(), Trouble> {
        if byte >= 0x80 || !self.character.is_empty() {
            return self.feed_beyond_ascii(byte);
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => Ok(()),
            0..b' ' => Err(Trouble::Flaw(Flaw::NotXml("character that XML forbids".to_owned()))),
            _ if self.illegal.is_some() => Ok(()),
            _ => self.keep(&[byte]),
        }
    }

    /// No base64, but whether it is text at all decides between a bad attachment and a bad packet.
    fn feed_beyond_ascii(&mut self, byte: u8) -> Result<(), Trouble> {
        self.character.push(byte);
        match std::str::from_utf8(&self.character) {
            Ok(text) => wellformed::characters(text).map_err(Trouble::Flaw)?,
            Err(error) if error.error_len().is_none() => return Ok(()),
            Err(error) => return Err(Trouble::Flaw(Flaw::Encoding(error.to_string()))),
        }
        self.character.clear();
        self.refuse();
        Ok(())
    }

    /// Says that a run of text ends here: no character may be cut in two.
    pub fn end_of_text(&self) -> Result<(), Trouble> {
        match self.character.is_empty() {
            true => Ok(()),
            false => Err(Trouble::Flaw(Flaw::Encoding("a character cut in two".to_owned()))),
        }
    }

    /// Says that something stands here that cannot stand in base64.
    pub fn refuse(&mut self) {
        let at = self.taken.saturating_add(self.block.len());
        self.illegal.get_or_insert(at);
    }

    fn keep(&mut self, mut characters: &[u8]) -> Result<(), Trouble> {
        while !characters.is_empty() && self.illegal.is_none() {
            if self.block.len() == BLOCK {
                self.decode()?;
            }
            if self.illegal.is_some() {
                return Ok(());
            }
            let room = BLOCK.saturating_sub(self.block.len()).min(characters.len());
            let (now, later) = characters.split_at_checked(room).unwrap_or((characters, &[]));
            self.block.extend_from_slice(now);
            characters = later;
        }
        Ok(())
    }

    fn decode(&mut self) -> Result<(), Trouble> {
        if self.illegal.is_some() || self.block.is_empty() {
            return Ok(());
        }
        if self.padded {
            // What came before ended in padding, and yet there is more.
            self.illegal = Some(self.taken.saturating_sub(1));
            return Ok(());
        }
        match base64_simd::STANDARD.decode(&self.block, self.plain.as_out()) {
            Ok(plain) => {
                let length = plain.len();
                self.take(length).map_err(Trouble::Spool)?;
            }
            Err(_) => self.illegal = Some(self.taken.saturating_add(fault(&self.block))),
        }
        self.padded = self.block.ends_with(b"=");
        self.taken = self.taken.saturating_add(self.block.len());
        self.block.clear();
        Ok(())
    }

    /// Takes what was decoded: the first `length` bytes of `plain`.
    fn take(&mut self, length: usize) -> io::Result<()> {
        let plain = self.plain.get(..length).unwrap_or_default();
        if self.taken == 0 && self.may_be_zip && plain.starts_with(ZIP_MAGIC) {
            self.zip = Some(SpooledTempFile::new(SPOOL_IN_MEMORY));
        }
        if let Some(zip) = &mut self.zip {
            zip.write_all(plain)?;
        }
        if let Some(sink) = &mut self.sink {
            sink.write_all(plain)?;
        }
        self.digest.update(plain);
        self.looking.feed(plain);
        self.bytes = self.bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        Ok(())
    }

    /// What the content was, or the number (from 0, white space not counted) of its first illegal character.
    pub fn finish(mut self) -> Result<Result<Decoded, usize>, Trouble> {
        self.end_of_text()?;
        self.decode()?;
        if let Some(at) = self.illegal {
            return Ok(Err(at));
        }
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.digest.finish().as_ref());
        let bears_signature = self.looking.finish();
        let content = Content { bytes: self.bytes, sha256: Digest(sha256), unzipped: None, bears_signature };
        Ok(Ok(Decoded { content, zip: self.zip }))
    }
}

/// Where in a block that cannot be decoded the fault is: the fast decoder does not say.
fn fault(block: &[u8]) -> usize {
    match STANDARD.decode(block) {
        Err(DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _)) => at,
        Err(DecodeError::InvalidLength(_) | DecodeError::InvalidPadding) | Ok(_) => block.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_fast_decoder_and_the_one_that_names_faults_agree(
            mut text in "[A-Za-z0-9+/]{0,96}", padding in "={0,3}", odd in proptest::option::of((0_usize..96, any::<u8>())),
        ) {
            text.push_str(&padding);
            let mut block = text.into_bytes();
            if let Some((at, byte)) = odd && let Some(place) = block.get_mut(at) {
                *place = byte;
            }
            let mut plain = [0; 96];

            let fast = base64_simd::STANDARD.decode(&block, plain.as_mut_slice().as_out()).map(|plain| plain.to_vec()).ok();

            prop_assert_eq!(fast, STANDARD.decode(&block).ok());
        }
    }
}
