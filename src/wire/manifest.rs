//! The list of an archive's members with their digests, as an ASiC manifest (ETSI EN 319 162-1), in one form only: one member
//! a line, in the order in which they stand. It is kept in a file once it is long. Not here: who signs it (`receipt`).

use super::container::{LIST_BYTES, digest_of};
use crate::domain::packet::Digest;
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use tempfile::SpooledTempFile;

/// Where it stands.
pub const MANIFEST: &str = "META-INF/ASiCManifest.xml";
/// Where the receipt stands that vouches for it.
pub const RECEIPT: &str = "META-INF/receipt.xml";
/// Where the time-stamp stands over the head that all capsules lead to.
pub const TIMESTAMP: &str = "timestamp.json";
/// What an archive says that it is.
pub const MIME: &str = "application/vnd.etsi.asic-e+zip";

const HEAD: &str = "<asic:ASiCManifest xmlns:asic=\"http://uri.etsi.org/02918/v1.2.1#\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n\
    <asic:SigReference URI=\"META-INF/receipt.xml\" MimeType=\"application/xml\"></asic:SigReference>\n";
const TAIL: &str = "</asic:ASiCManifest>\n";
const METHOD: &str = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>";

/// A manifest being written.
pub struct Manifest {
    text: SpooledTempFile,
    context: Context,
    bytes: u64,
    /// How many members it has.
    pub members: u64,
}

/// The media type of a member, by the end of its name.
fn media(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("edxml" | "xml") => "application/xml",
        Some("json") => "application/json",
        Some("pem") => "application/x-pem-file",
        Some("pdf") => "application/pdf",
        Some("html") => "text/html",
        Some("csv") => "text/csv",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Some(_) | None => "text/plain",
    }
}

impl Manifest {
    /// Begins one.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new() -> io::Result<Self> {
        let text = tempfile::spooled_tempfile(LIST_BYTES);
        let mut manifest = Self { text, context: Context::new(&SHA256), bytes: 0, members: 0 };
        manifest.write(HEAD)?;
        Ok(manifest)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.context.update(text.as_bytes());
        self.bytes = self.bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.text.write_all(text.as_bytes())
    }

    /// Notes a member. Names are those that the hub gives, with nothing in them that XML would write otherwise.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn note(&mut self, name: &str, digest: &Digest) -> io::Result<()> {
        self.members = self.members.saturating_add(1);
        let (media, digest) = (media(name), BASE64.encode(digest.0));
        self.write(&format!(
            "<asic:DataObjectReference URI=\"{name}\" MimeType=\"{media}\">{METHOD}<ds:DigestValue>{digest}</ds:DigestValue></asic:DataObjectReference>\n"
        ))
    }

    /// Ends it: its text, to be read from the beginning, with its size and digest.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(mut self) -> io::Result<(SpooledTempFile, u64, Digest)> {
        self.write(TAIL)?;
        self.text.rewind()?;
        Ok((self.text, self.bytes, digest_of(self.context)))
    }
}

/// Names and digests (base64) of a manifest's members; what is no member's line is left out.
///
/// # Errors
/// Those of the file system.
pub fn read(text: impl Read) -> io::Result<Vec<(String, String)>> {
    let mut members = Vec::new();
    for line in BufReader::new(text).lines() {
        let line = line?;
        let between = |begin: &str| Some(line.split_once(begin)?.1.split_once(['"', '<'])?.0.to_owned());
        members.extend(between("<asic:DataObjectReference URI=\"").zip(between("<ds:DigestValue>")));
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read() {
        let mut manifest = Manifest::new().unwrap();
        manifest.note("packets/a.edxml", &Digest::of(b"a")).unwrap();
        manifest.note("index.csv", &Digest::of(b"b")).unwrap();
        let (mut text, bytes, digest) = manifest.finish().unwrap();

        let mut whole = String::new();
        text.read_to_string(&mut whole).unwrap();
        assert_eq!((u64::try_from(whole.len()).unwrap(), Digest::of(whole.as_bytes())), (bytes, digest));
        assert!(whole.contains("URI=\"index.csv\" MimeType=\"text/csv\""), "{whole}");
        text.rewind().unwrap();
        let found = read(text).unwrap();
        assert_eq!(found[0], ("packets/a.edxml".to_owned(), BASE64.encode(Digest::of(b"a").0)));
        assert_eq!(found.len(), 2);
    }
}
