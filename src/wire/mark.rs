//! Whether something attached bears a digital signature, seen while it streams by: a signature in a PDF, in an XML document or office
//! file, or a CMS wrapper. Not here: whether that signature holds, which needs the whole document, and trust in who signed.

use memchr::memmem;

/// So many first bytes tell what kind of file it is; a PDF may begin anywhere within them (ISO 32000-1, annex H.3.4.1).
const HEAD: usize = 1024;
/// What stands in the dictionary of a PDF's signature, never compressed, since it names places in the file (ISO 32000-1, 12.8.1).
const IN_PDF: &[&[u8]] = &[b"/ByteRange"];
/// The end of the value of an XML Signature, under whichever prefix: what only speaks of signatures has none.
const IN_XML: &[&[u8]] = &[b"SignatureValue>"];
/// Names of members that hold signatures: of office files (ECMA-376 part 2, ODF 1.2 part 3) and of ASiC containers (ETSI EN 319 162-1).
const IN_ZIP: &[&[u8]] = &[b"_xmlsignatures/", b"META-INF/documentsignatures.xml", b"META-INF/signature"];
/// At least the longest of them less one byte: so much of what came before may be the beginning of one.
const SEAM: usize = 40;
/// `signedData` (RFC 5652, 5.1), which stands right behind the outermost tag and length.
const CMS: &[u8] = &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];
const CMS_BEGINS_WITHIN: usize = 24;

/// Looks for a signature in what is fed to it, whatever the pieces.
#[derive(Debug, Default)]
pub struct Looking {
    stage: Stage,
    /// The head while it is gathered; then the end of what was looked through.
    kept: Vec<u8>,
}

#[derive(Debug, Default)]
enum Stage {
    /// Not enough was seen to tell what it is.
    #[default]
    Head,
    /// Looked through for one of these.
    For(&'static [&'static [u8]]),
    /// Whether it bears one is known.
    Known(bool),
}

impl Looking {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        match self.stage {
            Stage::Known(_) => {}
            Stage::For(marks) => self.look(bytes, marks),
            Stage::Head => {
                let room = HEAD.saturating_sub(self.kept.len()).min(bytes.len());
                let (head, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
                self.kept.extend_from_slice(head);
                if self.kept.len() >= HEAD {
                    self.begin();
                    self.feed(rest);
                }
            }
        }
    }

    /// Whether a signature was seen.
    pub fn finish(mut self) -> bool {
        if matches!(self.stage, Stage::Head) {
            self.begin();
        }
        matches!(self.stage, Stage::Known(true))
    }

    fn begin(&mut self) {
        let head = std::mem::take(&mut self.kept);
        self.stage = stage(&head);
        if let Stage::For(marks) = self.stage {
            self.look(&head, marks);
        }
    }

    fn look(&mut self, bytes: &[u8], marks: &[&[u8]]) {
        let has = |bytes: &[u8]| marks.iter().any(|mark| memmem::find(bytes, mark).is_some());
        let mut seam = std::mem::take(&mut self.kept);
        seam.extend(bytes.iter().take(SEAM));
        if has(bytes) || has(&seam) {
            self.stage = Stage::Known(true);
            return;
        }
        let end = if bytes.len() < SEAM { seam.as_slice() } else { bytes };
        self.kept = end.get(end.len().saturating_sub(SEAM)..).unwrap_or_default().to_vec();
    }
}

/// What is to be looked for in a file that begins so.
fn stage(head: &[u8]) -> Stage {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let is_cms = || memmem::find(head.get(..CMS_BEGINS_WITHIN).unwrap_or(head), CMS).is_some();
    // What is wrapped may begin within the head too.
    if head.starts_with(b"PK\x03\x04") {
        Stage::For(IN_ZIP)
    } else if head.starts_with(&[0x30]) && is_cms() {
        Stage::Known(true)
    } else if text.starts_with(b"<") {
        Stage::For(IN_XML)
    } else if memmem::find(head, b"%PDF-").is_some() {
        Stage::For(IN_PDF)
    } else {
        Stage::Known(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(pieces: &[&[u8]]) -> bool {
        let mut looking = Looking::default();
        pieces.iter().for_each(|piece| looking.feed(piece));
        looking.finish()
    }

    #[test]
    fn every_kind_of_signature_is_seen_and_what_only_speaks_of_one_is_not() {
        let long = |begin: &[u8], mark: &[u8]| [begin, &vec![b'x'; 5_000], mark].concat();
        let cms = [&[0x30, 0x82, 0x10, 0x00][..], CMS, &[0xA0; 2_000]].concat();
        for signed in [
            long(b"%PDF-1.7\n", b"<</Type/Sig/ByteRange[0 1 2 3]>>"),
            long(b"\xEF\xBB\xBF <?xml version=\"1.0\"?>", b"</ds:SignatureValue></ds:Signature>"),
            long(b"<!-- %PDF-1.7 -->", b"<SignatureValue>AA==</SignatureValue>"),
            long(b"PK\x03\x04 a.pdf %PDF-1.7", b"META-INF/signatures.xml"),
            [&[0x30, 0x82, 0x10, 0x00][..], CMS, b"\xA0\x82\x10\x00 %PDF-1.7", &[0xA0; 2_000]].concat(),
            long(b"PK\x03\x04", b"_xmlsignatures/sig1.xml"),
            long(b"PK\x03\x04", b"META-INF/signatures0.xml"),
            b"%PDF-1.4 /ByteRange".to_vec(),
            cms,
        ] {
            assert!(seen(&[&signed]), "{:?}", signed.get(..8));
        }
        for unsigned in [
            long(b"%PDF-1.7\n", b"/Byte Range"),
            long(b"a text about ", b"/ByteRange and http://www.w3.org/2000/09/xmldsig#"),
            long(b"PK\x03\x04", b"word/document.xml"),
            long(b"<html>", b"_xmlsignatures/ SignatureValue"),
            long(b"<xs:schema>", b"<xs:element name=\"SignatureValue\" type=\"http://www.w3.org/2000/09/xmldsig#\"/>"),
            Vec::new(),
            b"0".to_vec(),
        ] {
            assert!(!seen(&[&unsigned]), "{:?}", unsigned.get(..8));
        }
    }

    #[test]
    fn no_mark_is_longer_than_a_seam() {
        let marks = [IN_PDF, IN_XML, IN_ZIP].concat();
        assert!(marks.iter().all(|mark| mark.len() <= SEAM + 1));
    }

    proptest! {
        #[test]
        fn where_it_is_cut_makes_no_difference(before in 0..3_000_usize, cuts in proptest::collection::vec(0..3_100_usize, 0..12)) {
            let whole = [b"%PDF-1.7\n".as_slice(), &vec![b'/'; before], b"/ByteRange", &[b'/'; 50]].concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
            cuts.extend([0, whole.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &whole[cut[0]..cut[1]]).collect();

            prop_assert!(seen(&pieces));
        }

        #[test]
        fn hostile_bytes_end_in_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..4_000)) {
            let at_once = seen(&[&bytes]);
            let one_by_one: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(seen(&one_by_one), at_once);
        }
    }
}
