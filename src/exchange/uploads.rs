//! Files that auditors hand in to be verified: kept in a file without a name, looked at as `docaxis verify` does, with what this
//! hub knows of itself as what is trusted, and forgotten. That it was done, and of which bytes, is evidence.

use super::access::{self, Access};
use super::sessions::Person;
use super::verify::{self, Report, Trust};
use super::{BodyFault, ExchangeError, attest, neighbours, seal};
use crate::domain::packet::Digest;
use crate::domain::rules::Wording;
use crate::hub::Hub;
use crate::signer::certificate::Certificate;
use crate::wire::container::digest_of_all;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::json;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

/// Bytes of a form before its file: a token and the names of two fields.
const HEAD_BYTES_MAX: u64 = 16 * 1024;
/// Bytes that are written to disk together.
const TOGETHER: usize = 256 * 1024;

/// A form with a file, as it arrived: fields and, after them, the file.
#[derive(Debug)]
pub struct Upload {
    /// Fields before the file.
    pub fields: Vec<(String, String)>,
    /// What the file is called by whoever handed it in.
    pub name: String,
    file: File,
    begins: u64,
    bytes: u64,
}

/// What a verification came to.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The digest of the file, in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// What was found.
    pub report: Report,
}

fn unreadable() -> ExchangeError {
    ExchangeError::Malformed(Wording::new("Hãy chọn một tệp để kiểm tra", "Choose a file to verify"))
}

/// Takes in a form with a file that a browser sends (RFC 7578), the file being its last field.
///
/// # Errors
/// `Body` when it does not arrive; `Malformed` for another form, or none that has a file; `Payload`.
pub async fn take_in(
    hub: &Hub,
    boundary: &str,
    mut body: impl Stream<Item = Result<Bytes, BodyFault>> + Unpin,
) -> Result<Upload, ExchangeError> {
    let mut file = tempfile::tempfile_in(&hub.config.data.directory).map_err(ExchangeError::Payload)?;
    let mut piece = Vec::new();
    while let Some(chunk) = body.next().await {
        piece.extend_from_slice(&chunk.map_err(ExchangeError::Body)?);
        if piece.len() >= TOGETHER {
            file = written(file, std::mem::take(&mut piece)).await?;
        }
    }
    file = written(file, piece).await?;
    let boundary = boundary.to_owned();
    let read = tokio::task::spawn_blocking(move || taken_apart(file, &boundary)).await;
    let read = read.unwrap_or_else(|_| Err(io::Error::other("reading a form was interrupted")));
    read.map_err(ExchangeError::Payload)?.ok_or_else(unreadable)
}

async fn written(mut file: File, piece: Vec<u8>) -> Result<File, ExchangeError> {
    let write = tokio::task::spawn_blocking(move || file.write_all(&piece).map(|()| file)).await;
    write.unwrap_or_else(|_| Err(io::Error::other("writing a form was interrupted"))).map_err(ExchangeError::Payload)
}

/// Finds fields and file in a form; nothing when it is of another form.
fn taken_apart(mut file: File, boundary: &str) -> io::Result<Option<Upload>> {
    let all = file.seek(SeekFrom::End(0))?;
    let end = format!("\r\n--{boundary}--\r\n");
    let Some(ends) = all.checked_sub(u64::try_from(end.len()).unwrap_or(u64::MAX)) else { return Ok(None) };
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    file.seek(SeekFrom::Start(ends))?;
    file.read_to_end(&mut tail)?;
    file.rewind()?;
    Read::take(&mut file, HEAD_BYTES_MAX).read_to_end(&mut head)?;
    let Some((fields, name, begins)) = parts(&head, boundary).filter(|_| tail == end.as_bytes()) else {
        return Ok(None);
    };
    Ok(ends.checked_sub(begins).filter(|bytes| *bytes > 0).map(|bytes| Upload { fields, name, file, begins, bytes }))
}

type Fields = Vec<(String, String)>;

/// The fields before the file, its name, and where its content begins.
fn parts(head: &[u8], boundary: &str) -> Option<(Fields, String, u64)> {
    let (opens, closes) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}"));
    let (mut fields, mut at) = (Vec::new(), 0_usize);
    loop {
        let part = head.get(at..)?.strip_prefix(opens.as_bytes())?;
        let headers = find(part, b"\r\n\r\n")?;
        let said = String::from_utf8_lossy(part.get(..headers)?).into_owned();
        let begins = at.checked_add(opens.len())?.checked_add(headers)?.checked_add(4)?;
        let name = quoted(&said, " name=\"")?;
        if let Some(file_name) = quoted(&said, " filename=\"") {
            return Some((fields, file_name, u64::try_from(begins).ok()?));
        }
        let rest = head.get(begins..)?;
        let value = find(rest, closes.as_bytes())?;
        fields.push((name, String::from_utf8_lossy(rest.get(..value)?).into_owned()));
        at = begins.checked_add(value)?.checked_add(2)?;
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|some| some == wanted)
}

/// What stands between quotes after some text.
fn quoted(text: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(after)?;
    rest.split_once('"').map(|(inner, _)| inner.to_owned())
}

/// Verifies a file that was handed in, for an auditor.
///
/// # Errors
/// `NotFound` without a warrant; `ComeAgain` when too much is on its way; `Store`, `Payload`.
pub async fn verify(hub: &Hub, person: &Person, upload: Upload) -> Result<Verified, ExchangeError> {
    let warrant = person.warrant.as_ref().ok_or(ExchangeError::NotFound)?;
    let known = neighbours::known(hub).await?;
    let trust = Trust {
        certificates: attest::certificates(hub).await?,
        neighbours: known
            .iter()
            .flat_map(|keys| Certificate::read_pem(keys.certificates.as_bytes()).unwrap_or_default())
            .collect(),
        ledger_keys: seal::keys(hub),
        ..Trust::default()
    };
    let bytes = upload.bytes;
    let done = tokio::task::spawn_blocking(move || looked_at(upload, &trust)).await;
    let done = done.unwrap_or_else(|_| Err(io::Error::other("verifying a file was interrupted")));
    let (sha256, report) = done.map_err(ExchangeError::Payload)?;
    let sha256 = sha256.hex();
    let facts = json!({ "sha256": sha256, "bytes": bytes, "kind": report.kind.word(), "holds": report.holds() });
    let access = Access { act: "verify", agencies: warrant.agencies.clone(), facts, ..Access::default() };
    access::looked(hub, person, access).await?;
    Ok(Verified { sha256, bytes, report })
}

fn looked_at(upload: Upload, trust: &Trust) -> io::Result<(Digest, Report)> {
    let Upload { mut file, begins, bytes, .. } = upload;
    file.seek(SeekFrom::Start(begins))?;
    let sha256 = digest_of_all(&mut Read::take(&mut file, bytes))?;
    file.seek(SeekFrom::Start(begins))?;
    let report = verify::verify_stream(&mut BufReader::new(file.take(bytes)), trust)?;
    Ok((sha256, report))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(form: &[u8]) -> Option<(Fields, String, Vec<u8>)> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(form).unwrap();
        let mut upload = taken_apart(file, "xX").unwrap()?;
        upload.file.seek(SeekFrom::Start(upload.begins)).unwrap();
        let mut content = Vec::new();
        upload.file.take(upload.bytes).read_to_end(&mut content).unwrap();
        Some((upload.fields, upload.name, content))
    }

    #[test]
    fn a_form_comes_apart_into_fields_and_the_very_bytes_of_its_file() {
        let head = "--xX\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\nabc\r\n--xX\r\n\
                    Content-Disposition: form-data; name=\"file\"; filename=\"biên nhận.xml\"\r\nContent-Type: text/xml\r\n\r\n";
        let content = b"\r\n--xX <Receipt/>\r\n--x\0\xff\r\n";
        let form = [head.as_bytes(), content, b"\r\n--xX--\r\n"].concat();

        let (fields, name, read) = apart(&form).unwrap();
        assert_eq!(fields, [("form_token".to_owned(), "abc".to_owned())]);
        assert_eq!((name.as_str(), read.as_slice()), ("biên nhận.xml", content.as_slice()));

        for broken in [&form[..form.len() - 3], &form[4..], b"", b"--xX--\r\n", b"--xX\r\n\r\n\r\n\r\n--xX--\r\n"] {
            assert_eq!(apart(broken), None);
        }
        assert_eq!(apart(&[head.as_bytes(), b"\r\n--xX--\r\n"].concat()), None, "no file was chosen");
    }
}
