//! `fetch` and `confirm`: packets go from the hub into files as a stream. A file appears under its name only when it
//! is whole, checked against its digest and on disk; only then is anything confirmed.

use super::connection::{Connection, Fault, HubArguments, accepted};
use super::inbox::{self, Waiting};
use super::words::{shown, size};
use super::{Kind, id};
use crate::cli::Outcome;
use crate::cli::progress::Progress;
use anyhow::Context;
use aws_lc_rs::digest;
use clap::Args;
use futures_util::StreamExt;
use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

pub const EXAMPLES: &str = "\
Examples:
  docaxis fetch 01a1ffe2773d7220bcf03a6ae7742253
  docaxis fetch --all --confirm --into /var/lib/dms/in
  docaxis fetch --all --kind document --json | jq -r .file

A packet becomes DELIVERY.edxml, readable by its owner only. One that is there already with the same content counts as
fetched, so that a run that was broken off can simply be repeated.
Exit codes: 0 everything is fetched, 1 the hub refused one, 2 one could not be fetched, stored or was not whole.";

pub const CONFIRM_EXAMPLES: &str = "\
Examples:
  docaxis confirm 01a1ffe2773d7220bcf03a6ae7742253
  docaxis confirm --status fail --note 'hết chỗ trống' 01a1ffe2773d7220bcf03a6ae7742253

Exit codes: 0 every delivery is confirmed, 1 the hub refused one, 2 it could not be asked.";

#[derive(Debug, Args)]
pub struct FetchArguments {
    /// Deliveries, by id.
    #[arg(value_name = "DELIVERY", value_parser = id, required_unless_present = "all", conflicts_with = "all")]
    deliveries: Vec<String>,
    /// Everything that waits.
    #[arg(long)]
    all: bool,
    /// With --all: only packets of this kind.
    #[arg(long, value_enum, requires = "all")]
    kind: Option<Kind>,
    /// The folder for the files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// Confirm each packet as done once its file is on disk.
    #[arg(long)]
    confirm: bool,
    /// Replace a file that is there with another content.
    #[arg(long)]
    force: bool,
    /// One JSON object per packet and line: `delivery_id`, verdict, and file and sha256, or a problem.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: HubArguments,
}

/// How far a recipient's software is.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Status {
    /// Stored: final.
    Done,
    /// Being stored.
    Processing,
    /// Could not be stored; it stays in the mailbox.
    Fail,
}

#[derive(Debug, Args)]
pub struct ConfirmArguments {
    /// Deliveries, by id.
    #[arg(value_name = "DELIVERY", value_parser = id, required = true)]
    deliveries: Vec<String>,
    /// What became of them.
    #[arg(long, value_enum, default_value = "done")]
    status: Status,
    /// A word about it; kept in the evidence.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    /// One JSON object per delivery and line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: HubArguments,
}

/// A packet that is on disk.
struct Fetched {
    file: PathBuf,
    sha256: String,
    bytes: u64,
    was_there: bool,
    confirmed: bool,
}

pub async fn run(arguments: FetchArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let connection = Connection::of(&arguments.hub)?;
    std::fs::create_dir_all(&arguments.into).with_context(|| format!("cannot make {}", arguments.into.display()))?;
    let (wanted, total) = wanted(&connection, &arguments).await?;
    let progress = Progress::bytes(total, "nhận / fetching");
    let (mut worst, mut done) = (Outcome::Done, 0);
    for delivery in &wanted {
        let result = fetch(&connection, delivery, &arguments, &progress).await;
        progress.print(|| match arguments.json {
            true => writeln!(out, "{}", as_json(delivery, &result)),
            false => print(delivery, &result, out),
        })?;
        done += 1;
        if let Err(fault) = &result {
            worst = worst.and(fault.outcome());
            if fault.ends_all() && done < wanted.len() {
                let left = wanted.len() - done;
                progress.remark(&format!("còn {left} gói chưa nhận / {left} packets were not fetched"));
                break;
            }
        }
    }
    if wanted.is_empty() && !arguments.json {
        writeln!(out, "Hộp thư trống. / The mailbox is empty.")?;
    }
    Ok(worst)
}

/// The deliveries to fetch, and their bytes as far as they are known.
async fn wanted(connection: &Connection, arguments: &FetchArguments) -> anyhow::Result<(Vec<String>, u64)> {
    if !arguments.all {
        // Their sizes are not known yet; a bar appears for a number of them, or not at all.
        return Ok((arguments.deliveries.clone(), 0));
    }
    let waiting = inbox::all(connection, arguments.kind).await?;
    let waiting = waiting.iter().filter_map(|item| Waiting::deserialize(item).ok());
    // An id becomes the name of a file here, whoever the hub is.
    let waiting: Vec<Waiting> = waiting.filter(|item| id(&item.delivery_id).is_ok()).collect();
    let total = waiting.iter().map(|item| item.bytes).sum();
    Ok((waiting.into_iter().map(|item| item.delivery_id).collect(), total))
}

async fn fetch(
    connection: &Connection,
    delivery: &str,
    arguments: &FetchArguments,
    progress: &Progress,
) -> Result<Fetched, Fault> {
    let start = progress.position();
    let attempt = || async {
        progress.set(start);
        let response = accepted(connection.request(Method::GET, &format!("/deliveries/{delivery}/content"))).await?;
        store(response, delivery, arguments, progress).await
    };
    let mut fetched = connection.persist(progress, attempt).await?;
    progress.set(start + fetched.bytes);
    if arguments.confirm {
        let said = json!({ "status": "done" });
        connection.post(&format!("/deliveries/{delivery}/confirm"), &said).await?;
        fetched.confirmed = true;
    }
    Ok(fetched)
}

/// Writes an answer to a file without a name, checks it and names it.
async fn store(
    response: Response,
    delivery: &str,
    arguments: &FetchArguments,
    progress: &Progress,
) -> Result<Fetched, Fault> {
    let folder = arguments.into.as_path();
    let file = folder.join(format!("{delivery}.edxml"));
    let failed = |why: io::Error| Fault::File(format!("{}: không ghi được / cannot be written", file.display()), why);
    let announced = response.headers().get("docaxis-sha256").and_then(|value| value.to_str().ok());
    let Some(announced) = announced.map(str::to_ascii_lowercase) else {
        return Err(Fault::Garbled(format!("{delivery}: trục không cho biết mã băm / the hub names no digest")));
    };
    let fetched = |bytes, was_there| {
        let sha256 = announced.clone();
        Fetched { file: file.clone(), sha256, bytes, was_there, confirmed: false }
    };
    if let Ok((there, bytes)) = digest_of(&file) {
        if there == announced {
            return Ok(fetched(bytes, true));
        }
        if !arguments.force {
            return Err(failed(io::Error::other("đã có tệp khác nội dung / another file is there (--force)")));
        }
    }
    // 0600, and gone when anything goes wrong before it has its name.
    let mut kept = tempfile::Builder::new().prefix(".docaxis-").tempfile_in(folder).map_err(failed)?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut bytes = 0;
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(Fault::of)?;
        context.update(&piece);
        kept.write_all(&piece).map_err(failed)?;
        let length = u64::try_from(piece.len()).unwrap_or_default();
        bytes += length;
        progress.advance(length);
    }
    let arrived = hex::encode(context.finish().as_ref());
    if arrived != announced {
        let words = "nội dung không khớp mã băm / the content does not match its digest";
        return Err(Fault::Garbled(format!("{delivery}: {words}: {arrived} ≠ {announced}")));
    }
    kept.as_file().sync_all().map_err(failed)?;
    let named = match arguments.force {
        true => kept.persist(&file),
        false => kept.persist_noclobber(&file),
    };
    named.map_err(|why| failed(why.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(fetched(bytes, false))
}

/// The digest and size of a file that is there; a link is not followed.
fn digest_of(file: &Path) -> io::Result<(String, u64)> {
    if !std::fs::symlink_metadata(file)?.is_file() {
        return Ok((String::new(), 0));
    }
    let (mut opened, mut context, mut bytes) = (File::open(file)?, digest::Context::new(&digest::SHA256), 0);
    let mut piece = vec![0; 128 << 10];
    loop {
        let read = opened.read(&mut piece)?;
        if read == 0 {
            return Ok((hex::encode(context.finish().as_ref()), bytes));
        }
        context.update(piece.get(..read).unwrap_or_default());
        bytes += u64::try_from(read).unwrap_or_default();
    }
}

fn print(delivery: &str, result: &Result<Fetched, Fault>, out: &mut dyn Write) -> io::Result<()> {
    match result {
        Ok(fetched) => {
            let file = shown(&fetched.file.display().to_string());
            let there = if fetched.was_there { "đã có từ trước / was there" } else { "đã lưu / stored" };
            let confirmed = if fetched.confirmed { ", đã xác nhận / confirmed" } else { "" };
            writeln!(out, "{delivery}: {there}{confirmed}  {file}  {}", size(fetched.bytes))
        }
        Err(Fault::Refused(problem)) => {
            writeln!(out, "{delivery}: bị từ chối / refused: {problem}")?;
            problem.print(out)
        }
        Err(fault) => writeln!(out, "{delivery}: chưa nhận được / could not be fetched: {}", fault.chain()),
    }
}

fn as_json(delivery: &str, result: &Result<Fetched, Fault>) -> Value {
    match result {
        Ok(fetched) => json!({
            "delivery_id": delivery,
            "verdict": "stored",
            "file": fetched.file.display().to_string(),
            "sha256": fetched.sha256,
            "bytes": fetched.bytes,
            "was_there": fetched.was_there,
            "confirmed": fetched.confirmed,
        }),
        Err(fault @ Fault::Refused(_)) => {
            json!({ "delivery_id": delivery, "verdict": "refused", "problem": fault.as_json() })
        }
        Err(fault) => json!({ "delivery_id": delivery, "verdict": "failed", "problem": fault.as_json() }),
    }
}

pub async fn confirm(arguments: &ConfirmArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let connection = Connection::of(&arguments.hub)?;
    let status = match arguments.status {
        Status::Done => "done",
        Status::Processing => "processing",
        Status::Fail => "fail",
    };
    let said = json!({ "status": status, "note": arguments.note });
    let mut worst = Outcome::Done;
    for delivery in &arguments.deliveries {
        let result = connection.post(&format!("/deliveries/{delivery}/confirm"), &said).await;
        if arguments.json {
            let line = match &result {
                Ok(answer) => answer.clone(),
                Err(fault) => json!({ "delivery_id": delivery, "problem": fault.as_json() }),
            };
            writeln!(out, "{line}")?;
        } else {
            print_confirmed(delivery, &result, out)?;
        }
        if let Err(fault) = &result {
            worst = worst.and(fault.outcome());
            if fault.ends_all() {
                break;
            }
        }
    }
    Ok(worst)
}

fn print_confirmed(delivery: &str, result: &Result<Value, Fault>, out: &mut dyn Write) -> io::Result<()> {
    match result {
        Ok(answer) => {
            let word = |member: &str| shown(answer.get(member).and_then(Value::as_str).unwrap_or_default());
            writeln!(out, "{delivery}: đã xác nhận / confirmed  {} ({})", word("status"), word("state"))
        }
        Err(Fault::Refused(problem)) => writeln!(out, "{delivery}: bị từ chối / refused: {problem}"),
        Err(fault) => writeln!(out, "{delivery}: chưa xác nhận được / could not be confirmed: {}", fault.chain()),
    }
}
