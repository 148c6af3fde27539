//! Is a zipped attachment safe to unzip? Looks at every name in both places where a zip writes it, and
//! unzips everything to count what really comes out. One level only: a zip in the zip is content.

use crate::config::Packets;
use crate::domain::packet::Digest;
use aws_lc_rs::digest::{Context, SHA256};
use std::io::{self, Read, Seek, SeekFrom};
use zip::ZipReadOptions;

use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

/// Below this size the ratio says nothing: a short text of one letter shrinks a thousandfold.
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

/// What a zip that is safe holds.
#[derive(Debug, Default)]
pub struct Inspected {
    /// Bytes after unzipping.
    pub unzipped_bytes: u64,
    /// SHA-256 of the member, when there is exactly one.
    pub only_member: Option<Digest>,
}

/// Looks through a zip; `budget` is how many bytes may come out of it.
pub fn inspect(mut zip: impl Read + Seek, limits: &Packets, budget: u64) -> Result<Inspected, Danger> {
    let zipped_bytes = zip.seek(SeekFrom::End(0)).map_err(Danger::Spool)?;
    let by_ratio = zipped_bytes.saturating_mul(limits.zip_ratio_max).max(RATIO_COUNTS_FROM);
    let budget = budget.min(by_ratio);
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
        let left = budget.saturating_sub(inspected.unzipped_bytes);
        let (bytes, digest) = unzip(member, files.reader_mut(), left)?;
        inspected.unzipped_bytes = inspected.unzipped_bytes.saturating_add(bytes);
        inspected.only_member = (count == 1).then_some(digest);
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

/// Unzips one member, counting; never more than `budget` bytes.
fn unzip(member: ZipFileEntry<'_>, zip: &mut (impl Read + Seek), budget: u64) -> Result<(u64, Digest), Danger> {
    let mut member = member.with_reader(zip, ZipReadOptions::new()).map_err(Danger::of)?;
    let mut digest = Context::new(&SHA256);
    let mut bytes = 0_u64;
    let mut piece = vec![0; 16 * 1024];
    loop {
        let length = member.read(&mut piece).map_err(|error| Danger::Unsafe(error.to_string()))?;
        if length == 0 {
            break;
        }
        bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        if bytes > budget {
            return Err(Danger::Bomb(format!("more than {budget} bytes")));
        }
        digest.update(piece.get(..length).unwrap_or_default());
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest.finish().as_ref());
    Ok((bytes, Digest(sha256)))
}
