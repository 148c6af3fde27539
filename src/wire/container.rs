//! Archives as files: a ZIP (APPNOTE 6.3, ZIP64 where it is needed) whose members are stored one after the other as they are, in
//! one form only: times, flags and order leave nothing to choose. So the same members give the same bytes for ever, a reader
//! needs no directory, and no byte can be altered without being found. Memory holds a piece of a member, however large or many
//! they are. Not here: zips of others (`zip`), which members there are (`exchange::archive`).

use crate::domain::packet::Digest;
use aws_lc_rs::digest::{Context, SHA256};
use crc32fast::Hasher;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

/// Bytes of a member in memory at once.
const PIECE_BYTES: usize = 128 * 1024;
/// The same where it is written: what fits into that is read before its checksum is, so that nothing is written twice.
const WHOLE_BYTES: usize = 1 << 20;
/// Bytes of a name.
const NAME_MAX: usize = 200;
/// Bytes of a list that are kept in memory before it goes to a file.
pub(super) const LIST_BYTES: usize = 1 << 20;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
/// From here on a number stands in the ZIP64 field.
const LARGE: u64 = 0xffff_ffff;
/// From here on the number of members does.
const MANY: u64 = 0xffff;

/// What is told of a member in front of it and in the directory.
struct Member<'a> {
    name: &'a str,
    crc: u32,
    bytes: u64,
    at: u64,
}

/// Appends numbers, little-endian.
struct Fields(Vec<u8>);

impl Fields {
    fn two(mut self, number: u16) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn four(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn eight(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    /// A number that stands elsewhere when it is large.
    fn small(self, number: u64) -> Self {
        self.four(u32::try_from(number).unwrap_or(u32::MAX))
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// The ZIP64 field with these numbers; nothing without any.
fn large(numbers: &[u64]) -> Vec<u8> {
    let Some(length) = u16::try_from(numbers.len()).ok().filter(|length| *length > 0) else { return Vec::new() };
    let head = Fields(Vec::new()).two(1).two(length.saturating_mul(8));
    numbers.iter().fold(head, |fields, number| fields.eight(*number)).0
}

impl Member<'_> {
    fn is_large(&self) -> bool {
        self.bytes >= LARGE
    }

    /// From the version on: stored, the name in UTF-8, 1 January 1980, checksum, sizes.
    fn described(&self, fields: Fields) -> Fields {
        fields.two(45).two(0x0800).two(0).two(0).two(0x0021).four(self.crc).small(self.bytes).small(self.bytes)
    }

    fn local(&self) -> Vec<u8> {
        let extra = if self.is_large() { large(&[self.bytes, self.bytes]) } else { Vec::new() };
        let fields =
            self.described(Fields(Vec::new()).four(LOCAL)).two(length(self.name.as_bytes())).two(length(&extra));
        fields.bytes(self.name.as_bytes()).bytes(&extra).0
    }

    fn central(&self) -> Vec<u8> {
        let mut numbers = if self.is_large() { vec![self.bytes, self.bytes] } else { Vec::new() };
        numbers.extend((self.at >= LARGE).then_some(self.at));
        let extra = large(&numbers);
        let fields = self.described(Fields(Vec::new()).four(CENTRAL).two(0x032d));
        let fields = fields.two(length(self.name.as_bytes())).two(length(&extra)).two(0).two(0).two(0);
        // A file that its owner may write and everybody read.
        fields.four(0o100_644 << 16).small(self.at).bytes(self.name.as_bytes()).bytes(&extra).0
    }
}

fn length(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX)
}

/// What stands behind the directory.
fn end(members: u64, (begin, bytes): (u64, u64)) -> Vec<u8> {
    let few = u16::try_from(members).unwrap_or(u16::MAX);
    let mut fields = Fields(Vec::new());
    if members >= MANY || begin >= LARGE || bytes >= LARGE {
        fields = fields.four(0x0606_4b50).eight(44).two(0x032d).two(45).four(0).four(0);
        fields = fields.eight(members).eight(members).eight(bytes).eight(begin);
        fields = fields.four(0x0706_4b50).four(0).eight(begin.saturating_add(bytes)).four(1);
    }
    fields.four(0x0605_4b50).two(0).two(0).two(few).two(few).small(bytes).small(begin).two(0).0
}

/// An archive being written.
pub struct Writer<W> {
    out: W,
    at: u64,
    members: u64,
    directory: tempfile::SpooledTempFile,
    /// What of a member is in memory.
    piece: Vec<u8>,
}

impl<W: Write + Seek> Writer<W> {
    /// Begins one.
    pub fn new(out: W) -> Self {
        Self { out, at: 0, members: 0, directory: tempfile::spooled_tempfile(LIST_BYTES), piece: Vec::new() }
    }

    /// Hands on all that was written so far. Answers how much that is; none of it changes any more.
    ///
    /// # Errors
    /// Those of the writing.
    pub fn settle(&mut self) -> io::Result<u64> {
        self.out.flush()?;
        Ok(self.at)
    }

    /// Adds a member that is in memory.
    ///
    /// # Errors
    /// Those of the writing.
    pub fn add(&mut self, name: &str, content: &[u8]) -> io::Result<Digest> {
        let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
        let member = Member { name, crc: crc32fast::hash(content), bytes, at: self.at };
        let head = member.local();
        self.out.write_all(&head)?;
        self.out.write_all(content)?;
        self.note(&member, &head)?;
        Ok(Digest::of(content))
    }

    /// Adds a member of that size from what is read.
    ///
    /// # Errors
    /// Those of reading and writing; `InvalidData` when it has another size.
    pub fn copy(&mut self, name: &str, bytes: u64, from: &mut dyn Read) -> io::Result<Digest> {
        let mut piece = std::mem::take(&mut self.piece);
        piece.resize(WHOLE_BYTES, 0);
        let read = fill(from, &mut piece)?;
        let some = piece.get(..read).unwrap_or_default();
        let copied = match read < WHOLE_BYTES {
            true => is_of_size(name, bytes, read).and_then(|()| self.add(name, some)),
            false => self.copy_pieces((name, bytes), from, (&mut piece, read)),
        };
        self.piece = piece;
        copied
    }

    fn copy_pieces(
        &mut self,
        (name, bytes): (&str, u64),
        from: &mut dyn Read,
        (piece, mut read): (&mut [u8], usize),
    ) -> io::Result<Digest> {
        let empty = Member { name, crc: 0, bytes, at: self.at };
        self.out.write_all(&empty.local())?;
        let mut sums = Sums::new();
        while let Some(some) = piece.get(..read).filter(|some| !some.is_empty()) {
            sums.update(some);
            self.out.write_all(some)?;
            read = fill(from, piece)?;
        }
        let (crc, digest, read) = sums.finish();
        is_of_size(name, bytes, read)?;
        let member = Member { crc, ..empty };
        let head = member.local();
        self.out.seek(SeekFrom::Start(self.at))?;
        self.out.write_all(&head)?;
        self.note(&member, &head)?;
        self.out.seek(SeekFrom::Start(self.at))?;
        Ok(digest)
    }

    fn note(&mut self, member: &Member<'_>, head: &[u8]) -> io::Result<()> {
        self.directory.write_all(&member.central())?;
        self.members = self.members.saturating_add(1);
        let head = u64::try_from(head.len()).unwrap_or(u64::MAX);
        self.at = self.at.saturating_add(head).saturating_add(member.bytes);
        Ok(())
    }

    /// Ends it. Answers what it was written to, and its size.
    ///
    /// # Errors
    /// Those of the writing.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.directory.rewind()?;
        let bytes = io::copy(&mut self.directory, &mut self.out)?;
        let end = end(self.members, (self.at, bytes));
        self.out.write_all(&end)?;
        self.out.flush()?;
        let end = u64::try_from(end.len()).unwrap_or(u64::MAX);
        Ok((self.out, self.at.saturating_add(bytes).saturating_add(end)))
    }
}

/// Reads until a piece is full or nothing more comes.
fn fill(from: &mut dyn Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled: usize = 0;
    while let Some(room) = piece.get_mut(filled..).filter(|room| !room.is_empty()) {
        match from.read(room)? {
            0 => break,
            read => filled = filled.saturating_add(read),
        }
    }
    Ok(filled)
}

fn is_of_size(name: &str, said: u64, read: impl TryInto<u64>) -> io::Result<()> {
    let other = || io::Error::new(ErrorKind::InvalidData, format!("{name} has another size than was said"));
    (read.try_into().ok() == Some(said)).then_some(()).ok_or_else(other)
}

/// Checksum, digest and number of bytes.
struct Sums {
    crc: Hasher,
    digest: Context,
    bytes: u64,
}

impl Sums {
    fn new() -> Self {
        Self { crc: Hasher::new(), digest: Context::new(&SHA256), bytes: 0 }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.digest.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    fn finish(self) -> (u32, Digest, u64) {
        (self.crc.finalize(), digest_of(self.digest), self.bytes)
    }
}

pub(super) fn digest_of(context: Context) -> Digest {
    let mut digest = [0; 32];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    Digest(digest)
}

/// Why an archive is none.
#[derive(Debug)]
pub enum Fault {
    /// It cannot be read.
    Io(io::Error),
    /// It ends too early: in this member, or behind the last.
    Cut(String),
    /// Behind this member stands something else than a member or the directory in the very form.
    Form(String),
    /// The content of this member is not that of its checksum.
    Altered(String),
    /// The directory at the end is not that of the members.
    Directory,
}

/// An archive being read, member by member.
pub struct Reader<R> {
    input: R,
    at: u64,
    members: u64,
    /// The directory as it must be, without being kept.
    directory: (Context, u64),
    /// The member whose content comes next.
    open: Option<(String, u32, u64)>,
    last: String,
}

impl<R: Read> Reader<R> {
    /// Begins to read one.
    pub fn new(input: R) -> Self {
        let directory = (Context::new(&SHA256), 0);
        Self { input, at: 0, members: 0, directory, open: None, last: String::new() }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; length];
        match self.input.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(Fault::Cut(self.last.clone())),
            Err(error) => Err(Fault::Io(error)),
        }
    }

    /// The name and size of the next member; nothing when the archive is at its end, and whole.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn next_member(&mut self) -> Result<Option<(String, u64)>, Fault> {
        let form = Fault::Form(self.last.clone());
        let begin = self.exactly(4)?;
        if begin == CENTRAL.to_le_bytes() {
            return self.end(begin).map(|()| None);
        }
        let mut head = begin;
        head.extend(self.exactly(26)?);
        let number = |at: usize, length: usize| {
            let bytes = head.get(at..at.saturating_add(length)).unwrap_or_default();
            bytes.iter().rev().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte))
        };
        let (crc, bytes, name, extra) = (number(14, 4), number(22, 4), number(26, 2), number(28, 2));
        let lengths = usize::try_from(name).ok().zip(usize::try_from(extra).ok());
        let Some((name, extra)) = lengths.filter(|(name, extra)| *name <= NAME_MAX && *extra <= 20) else {
            return Err(form);
        };
        let crc = u32::try_from(crc).unwrap_or(0);
        let (name, extra) = (self.exactly(name)?, self.exactly(extra)?);
        let bytes = match extra.get(4..12).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()) {
            Some(large) => u64::from_le_bytes(large),
            None => bytes,
        };
        let Some(name) = String::from_utf8(name).ok().filter(|name| is_plain(name)) else { return Err(form) };
        let member = Member { name: &name, crc, bytes, at: self.at };
        let written = member.local();
        if written != [head.as_slice(), name.as_bytes(), &extra].concat() {
            return Err(form);
        }
        let central = member.central();
        self.directory.0.update(&central);
        let (of_head, of_central) = (written.len(), central.len());
        self.directory.1 = self.directory.1.saturating_add(u64::try_from(of_central).unwrap_or(u64::MAX));
        let of_head = u64::try_from(of_head).unwrap_or(u64::MAX);
        self.at = self.at.saturating_add(of_head).saturating_add(bytes);
        self.members = self.members.saturating_add(1);
        self.open = Some((name.clone(), crc, bytes));
        Ok(Some((name, bytes)))
    }

    /// Reads the content of the member that was named last, piece by piece. Answers its digest.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn content(&mut self, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<Digest, Fault> {
        let Some((name, crc, bytes)) = self.open.take() else { return Ok(Digest::of(b"")) };
        self.last.clone_from(&name);
        let mut sums = Sums::new();
        let mut piece = vec![0; PIECE_BYTES];
        let mut left = bytes;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            let read = self.input.read(piece.get_mut(..most).unwrap_or_default()).map_err(Fault::Io)?;
            let Some(some) = piece.get(..read).filter(|some| !some.is_empty()) else { return Err(Fault::Cut(name)) };
            sums.update(some);
            each(some).map_err(Fault::Io)?;
            left = left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        }
        let (found, digest, _) = sums.finish();
        if found == crc { Ok(digest) } else { Err(Fault::Altered(name)) }
    }

    /// The directory, of which the first bytes are read, and what stands behind it.
    fn end(&mut self, begin: Vec<u8>) -> Result<(), Fault> {
        let (context, bytes) = (self.directory.0.clone(), self.directory.1);
        let tail = end(self.members, (self.at, bytes));
        let mut found = Context::new(&SHA256);
        let mut left = bytes.checked_sub(4).ok_or(Fault::Directory)?;
        found.update(&begin);
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            let some = self.exactly(most)?;
            found.update(&some);
            left = left.saturating_sub(u64::try_from(most).unwrap_or(u64::MAX));
        }
        let is_whole = found.finish().as_ref() == context.finish().as_ref();
        let is_end = is_whole && self.exactly(tail.len())? == tail;
        let nothing_more = self.input.read(&mut [0]).map_err(Fault::Io)? == 0;
        if is_end && nothing_more { Ok(()) } else { Err(Fault::Directory) }
    }
}

/// Whether a name is one that the hub gives: it stays in the folder that it is unzipped into, on any system.
fn is_plain(name: &str) -> bool {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
    !name.is_empty() && name.split('/').all(|step| !step.is_empty() && step != ".." && step.chars().all(is_sign))
}

/// SHA-256 of all that is read.
///
/// # Errors
/// Those of the reading.
pub fn digest_of_all(from: &mut dyn Read) -> io::Result<Digest> {
    let mut context = Context::new(&SHA256);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = from.read(&mut piece)?;
        match piece.get(..read).filter(|some| !some.is_empty()) {
            Some(some) => context.update(some),
            None => return Ok(digest_of(context)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn written(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = Writer::new(Cursor::new(Vec::new()));
        for (number, (name, content)) in members.iter().enumerate() {
            let bytes = u64::try_from(content.len()).unwrap();
            let digest = match number % 2 {
                0 => writer.add(name, content),
                _ => writer.copy(name, bytes, &mut Cursor::new(content)),
            };
            assert_eq!(digest.unwrap(), Digest::of(content));
        }
        let (out, bytes) = writer.finish().unwrap();
        assert_eq!(u64::try_from(out.get_ref().len()).unwrap(), bytes);
        out.into_inner()
    }

    fn read(file: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let mut reader = Reader::new(file);
        let mut members = Vec::new();
        while let Some((name, _)) = reader.next_member()? {
            let mut content = Vec::new();
            reader.content(&mut |some| {
                content.extend_from_slice(some);
                Ok(())
            })?;
            members.push((name, content));
        }
        Ok(members)
    }

    const SMALL: [(&str, &[u8]); 3] =
        [("mimetype", b"application/vnd.etsi.asic-e+zip"), ("packets/a.edxml", b"<x/>"), ("empty", b"")];

    #[test]
    fn what_is_written_is_read_and_other_tools_read_it_too() {
        let file = written(&SMALL);
        assert_eq!(file[30..38], *b"mimetype");
        assert_eq!(file, written(&SMALL));
        let members = read(&file).unwrap();
        assert_eq!(members.len(), 3);
        let mut zip = zip::ZipArchive::new(Cursor::new(&file)).unwrap();
        for (name, content) in members {
            let mut found = Vec::new();
            zip.by_name(&name).unwrap().read_to_end(&mut found).unwrap();
            assert_eq!(found, content);
        }
    }

    #[test]
    fn no_byte_can_be_altered_left_out_or_added_unnoticed() {
        let file = written(&SMALL);
        for place in 0..file.len() {
            let mut altered = file.clone();
            altered[place] ^= 1;
            assert!(read(&altered).is_err(), "{place}");
            assert!(read(&file[..place]).is_err(), "{place}");
        }
        assert!(matches!(read(&[file.as_slice(), b"x"].concat()), Err(Fault::Directory)));
    }

    #[test]
    fn names_that_leave_the_folder_are_none() {
        for name in ["../x", "/x", "a//b", "a/../b", "C:x", "a\\b", "", "a b", "=x"] {
            assert!(!is_plain(name), "{name}");
        }
        assert!(is_plain("META-INF/ASiCManifest.xml"));
    }

    #[test]
    fn more_members_than_a_short_number_counts_are_read_by_other_tools() {
        let mut writer = Writer::new(Cursor::new(Vec::new()));
        for number in 0..66_000 {
            writer.add(&format!("m/{number}"), b"x").unwrap();
        }
        let file = writer.finish().unwrap().0.into_inner();
        assert_eq!(zip::ZipArchive::new(Cursor::new(&file)).unwrap().len(), 66_000);
        assert_eq!(read(&file).unwrap().len(), 66_000);
    }

    #[test]
    fn what_is_large_stands_in_its_own_field() {
        let member = Member { name: "x", crc: 1, bytes: 5 << 30, at: 6 << 30 };
        let (local, central) = (member.local(), member.central());
        assert_eq!(local[18..26], [0xff; 8]);
        assert_eq!(local[31..], large(&[5 << 30, 5 << 30]));
        assert_eq!(central[47..], large(&[5 << 30, 5 << 30, 6 << 30]));
        let far = Member { bytes: 7, ..member };
        assert_eq!((far.local().len(), &far.central()[47..]), (31, large(&[6 << 30]).as_slice()));
    }
}
