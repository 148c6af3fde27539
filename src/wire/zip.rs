//! Is a zipped attachment safe to unzip? Looks at every name in both places where a zip writes it, and
//! unzips everything to count what really comes out. One level only: a zip in the zip is content.

use super::mark::Looking;
use crate::config::Packets;
use crate::domain::packet::Digest;
use aws_lc_rs::digest::{Context, SHA256};
use std::io::{self, Read, Seek, SeekFrom};
use zip::ZipReadOptions;

use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

/// Up to this size, all zips of a packet together, the ratio says nothing: a short text of one letter shrinks a
/// thousandfold.
const RATIO_COUNTS_FROM: u64 = 1 << 20;
/// Length of a local header before its name.
const LOCAL_HEADER: usize = 30;

/// Why a zip is not let through.
#[derive(Debug)]
pub enum Danger {
    /// It grows beyond the limits.
    Bomb(String),
    /// It cannot be read, or a name in it leads where it must not.
    Unsafe(String),
    /// The spool could not be read.
    Spool(io::Error),
}

impl Danger {
    fn of(error: ZipError) -> Self {
        Self::Unsafe(error.to_string())
    }
}

/// What the zips of one packet were and became, those that were refused too: many small bombs cost no more than
/// one.
#[derive(Debug, Default)]
pub struct Spent {
    zipped_bytes: u64,
    unzipped_bytes: u64,
}

impl Spent {
    /// How many bytes may come out of all zips seen so far.
    fn allowed(&self, limits: &Packets) -> u64 {
        let by_ratio = self.zipped_bytes.saturating_mul(limits.zip_ratio_max).max(RATIO_COUNTS_FROM);
        by_ratio.min(limits.unzipped_bytes_max)
    }
}

/// What was seen in a zip.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inspected {
    /// SHA-256 of its member, when there is exactly one.
    pub only_member: Option<Digest>,
    /// Whether a member bears a digital signature.
    pub bears_signature: bool,
}

/// Looks through a zip.
pub fn inspect(mut zip: impl Read + Seek, limits: &Packets, spent: &mut Spent) -> Result<Inspected, Danger> {
    let zipped_bytes = zip.seek(SeekFrom::End(0)).map_err(Danger::Spool)?;
    spent.zipped_bytes = spent.zipped_bytes.saturating_add(zipped_bytes);
    let allowed = spent.allowed(limits);
    let mut members = ZipIterable::try_new(zip, Config::default()).map_err(Danger::of)?;
    let count = members.len();
    if count > limits.zip_members_max {
        return Err(Danger::Bomb(format!("{count} members")));
    }
    let mut inspected = Inspected::default();
    let files = members.files().map_err(Danger::of)?;
    while let Some(member) = files.next() {
        let member = member.map_err(Danger::of)?;
        check_names(&member, files.reader_mut())?;
        let (digest, bears_signature) = unzip(member, files.reader_mut(), (allowed, &mut spent.unzipped_bytes))?;
        inspected.only_member = (count == 1).then_some(digest);
        inspected.bears_signature |= bears_signature;
    }
    Ok(inspected)
}

/// Refuses names that lead out of a folder, and two names for one member.
fn check_names(member: &ZipFileEntry<'_>, zip: &mut (impl Read + Seek)) -> Result<(), Danger> {
    let raw = member.name_raw();
    let name = member.name().map_err(Danger::of)?;
    if member.is_symlink() || !is_safe(raw) || !is_safe(name.as_bytes()) {
        return Err(Danger::Unsafe(format!("member {:?}", name.chars().take(100).collect::<String>())));
    }
    let unreadable = |error: io::Error| Danger::Unsafe(error.to_string());
    let mut header = [0; LOCAL_HEADER];
    zip.seek(SeekFrom::Start(member.header_start())).map_err(unreadable)?;
    zip.read_exact(&mut header).map_err(unreadable)?;
    let [.., low, high, _, _] = header;
    let mut local = vec![0; usize::from(u16::from_le_bytes([low, high]))];
    zip.read_exact(&mut local).map_err(unreadable)?;
    match local == raw {
        true => Ok(()),
        false => Err(Danger::Unsafe(format!("member {:?} under two names", String::from_utf8_lossy(&local)))),
    }
}

/// Whether a member's name stays in the folder it is unzipped into, on any system.
fn is_safe(name: &[u8]) -> bool {
    let forbidden = |b: &u8| *b < 0x20 || *b == 0x7F || *b == b'\\';
    let drive = name.first().is_some_and(u8::is_ascii_alphabetic) && name.get(1) == Some(&b':');
    let absolute = name.is_empty() || name.starts_with(b"/") || drive;
    !absolute && !name.iter().any(forbidden) && name.split(|b| *b == b'/').all(|step| step != b"..")
}

/// Unzips one member, counting; nothing more once all together make more than `allowed` bytes. Its digest, and whether it bears a
/// signature.
fn unzip(
    member: ZipFileEntry<'_>,
    zip: &mut (impl Read + Seek),
    (allowed, unzipped_bytes): (u64, &mut u64),
) -> Result<(Digest, bool), Danger> {
    let mut member = member.with_reader(zip, ZipReadOptions::new()).map_err(Danger::of)?;
    let (mut digest, mut looking) = (Context::new(&SHA256), Looking::default());
    let mut piece = vec![0; 16 * 1024];
    loop {
        if *unzipped_bytes > allowed {
            return Err(Danger::Bomb(format!("more than {allowed} bytes")));
        }
        let length = member.read(&mut piece).map_err(|error| Danger::Unsafe(error.to_string()))?;
        if length == 0 {
            break;
        }
        *unzipped_bytes = unzipped_bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        let unzipped = piece.get(..length).unwrap_or_default();
        digest.update(unzipped);
        looking.feed(unzipped);
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest.finish().as_ref());
    Ok((Digest(sha256), looking.finish()))
}

/// A zip of one file, as the vendor SDK makes it for transit; the same every time.
///
/// # Errors
/// `Spool` when it cannot be written, which memory does not do.
pub fn of_file(name: &str, content: &[u8]) -> Result<Vec<u8>, Danger> {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file(name, options).map_err(Danger::of)?;
    io::Write::write_all(&mut zip, content).map_err(Danger::Spool)?;
    Ok(zip.finish().map_err(Danger::of)?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};
    use zip::write::{SimpleFileOptions, ZipWriter};

    #[test]
    fn what_came_out_of_refused_zips_counts_too() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("a.txt", SimpleFileOptions::default()).unwrap();
        writer.write_all(&vec![b'0'; 2 << 20]).unwrap();
        let bomb = writer.finish().unwrap().into_inner();
        let mut spent = Spent::default();

        let first = inspect(Cursor::new(&bomb), &Packets::default(), &mut spent);
        assert!(matches!(first, Err(Danger::Bomb(_))), "{first:?}");

        for _ in 0..20 {
            let _ = inspect(Cursor::new(&bomb), &Packets::default(), &mut spent);
            let at_most = spent.zipped_bytes * Packets::default().zip_ratio_max;
            assert!(spent.unzipped_bytes <= at_most.max(RATIO_COUNTS_FROM) + 16 * 1024, "{spent:?}");
        }
    }
}
