//! `send`: packets go from files to the hub as a stream; one line and a receipt for each.

use super::connection::{Connection, Fault, HubArguments, accepted};
use super::problem::Violation;
use super::words::shown;
use crate::cli::Outcome;
use crate::cli::progress::Progress;
use bytes::Bytes;
use clap::Args;
use futures_util::stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

pub const EXAMPLES: &str = "\
Examples:
  export DOCAXIS_HUB=https://truc.example.vn DOCAXIS_KEY_FILE=/etc/dms/key
  docaxis send van-ban.edxml
  docaxis send --json outbox/*.edxml | jq -r .receipt.envelope_id
  make-packet | docaxis send -

A packet that got no answer may be sent again: the hub registers it once and answers with the first receipt.
Exit codes: 0 every packet is accepted, 1 one was refused, 2 one could not be sent.";

#[derive(Debug, Args)]
pub struct SendArguments {
    /// Packets; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON object per packet and line: file, verdict, and a receipt or a problem.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: HubArguments,
}

/// Bytes read at once.
const PIECE: usize = 128 << 10;

/// A packet that can be read from its beginning again and again.
struct Packet {
    name: PathBuf,
    source: std::io::Result<(std::fs::File, u64)>,
}

pub async fn run(arguments: SendArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let connection = Connection::of(&arguments.hub)?;
    // Opened one after the other: a directory may hold more files than a process may.
    let size = |file: &PathBuf| std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    let progress = Progress::bytes(arguments.files.iter().map(size).sum(), "gửi / sending");
    let (mut worst, mut sent) = (Outcome::Done, 0);
    for file in &arguments.files {
        let packet = Packet { name: file.clone(), source: open(file) };
        let result = post(&connection, &packet, &progress).await;
        progress.print(|| match arguments.json {
            true => writeln!(out, "{}", as_json(file, &result)),
            false => print(file, &result, out),
        })?;
        sent += 1;
        if let Err(fault) = &result {
            worst = worst.and(fault.outcome());
            if fault.ends_all() && sent < arguments.files.len() {
                let left = arguments.files.len() - sent;
                progress.remark(&format!("còn {left} gói chưa gửi / {left} packets were not sent"));
                break;
            }
        }
    }
    Ok(worst)
}

fn open(file: &Path) -> std::io::Result<(std::fs::File, u64)> {
    let opened = match file.as_os_str() == "-" {
        false => std::fs::File::open(file)?,
        true => {
            // It may have to be sent again, and standard input comes once.
            let mut kept = tempfile::tempfile()?;
            std::io::copy(&mut std::io::stdin().lock(), &mut kept)?;
            kept.rewind()?;
            kept
        }
    };
    let metadata = opened.metadata()?;
    match metadata.is_dir() {
        true => Err(std::io::Error::from(std::io::ErrorKind::IsADirectory)),
        false => Ok((opened, metadata.len())),
    }
}

/// What the hub answered to an accepted packet.
struct Sent {
    is_repeat: bool,
    receipt: Value,
}

async fn post(connection: &Connection, packet: &Packet, progress: &Progress) -> Result<Sent, Fault> {
    let unreadable = |why: &std::io::Error| {
        let why = std::io::Error::new(why.kind(), why.to_string());
        Fault::File(format!("{}: không đọc được / cannot be read", packet.name.display()), why)
    };
    let (file, length) = packet.source.as_ref().map_err(unreadable)?;
    let start = progress.position();
    let attempt = || async {
        progress.set(start);
        let mut file = tokio::fs::File::from_std(file.try_clone().map_err(|why| unreadable(&why))?);
        file.rewind().await.map_err(|why| unreadable(&why))?;
        let request = connection.request(Method::POST, "/envelopes").header(CONTENT_TYPE, "application/xml");
        let body = Body::wrap_stream(pieces(file, progress.clone()));
        let response = accepted(request.header(CONTENT_LENGTH, *length).body(body)).await?;
        let is_repeat = response.headers().get("docaxis-repeat").is_some_and(|value| value == "true");
        Ok(Sent { is_repeat, receipt: response.json().await.map_err(Fault::of)? })
    };
    let sent = connection.persist(progress, attempt).await;
    progress.set(start + length);
    sent
}

/// The file in pieces; what was read counts as sent.
fn pieces(file: tokio::fs::File, progress: Progress) -> impl stream::Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold((file, progress), |(mut file, progress)| async move {
        let mut piece = bytes::BytesMut::with_capacity(PIECE);
        let read = file.read_buf(&mut piece).await?;
        progress.advance(u64::try_from(read).unwrap_or_default());
        Ok((read > 0).then(|| (piece.freeze(), (file, progress))))
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Receipt {
    envelope_id: String,
    document_id: String,
    deliveries: Vec<ReceiptLine>,
    warnings: Vec<Violation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ReceiptLine {
    recipient: String,
    outcome: String,
    delivery_id: String,
}

fn print(file: &Path, result: &Result<Sent, Fault>, out: &mut dyn Write) -> std::io::Result<()> {
    let file = shown(&file.display().to_string());
    let sent = match result {
        Ok(sent) => sent,
        Err(Fault::Refused(problem)) => {
            writeln!(out, "{file}: bị từ chối / refused: {problem}")?;
            return problem.print(out);
        }
        Err(fault) => return writeln!(out, "{file}: chưa gửi được / could not be sent: {}", fault.chain()),
    };
    let receipt = Receipt::deserialize(&sent.receipt).unwrap_or_default();
    let verdict = match sent.is_repeat {
        false => "đã nhận / accepted",
        true => "đã nhận từ trước, biên nhận cũ / accepted before, the first receipt",
    };
    writeln!(out, "{file}: {verdict}  {}  {}", shown(&receipt.envelope_id), shown(&receipt.document_id))?;
    for line in &receipt.deliveries {
        let outcome = match line.outcome.as_str() {
            "consigned" => "vào hộp thư / consigned",
            "withdrawn" => "đã rút lại / withdrawn",
            other => other,
        };
        writeln!(out, "  {:<36}{}  {}", shown(&line.recipient), shown(&line.delivery_id), shown(outcome))?;
    }
    receipt.warnings.iter().try_for_each(|warning| warning.print("lưu ý / note", out))
}

fn as_json(file: &Path, result: &Result<Sent, Fault>) -> Value {
    let file = file.display().to_string();
    match result {
        Ok(Sent { is_repeat, receipt }) => {
            json!({ "file": file, "verdict": "accepted", "repeat": is_repeat, "receipt": receipt })
        }
        Err(fault @ Fault::Refused(_)) => json!({ "file": file, "verdict": "refused", "problem": fault.as_json() }),
        Err(fault) => json!({ "file": file, "verdict": "failed", "problem": fault.as_json() }),
    }
}
