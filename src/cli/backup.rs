//! `backup` and `restore`: what is said about them. How it is done: `exchange::backup`.

use super::Outcome;
use super::progress::Progress;
use crate::config::Config;
use crate::exchange::backup::{self, BackupError, KeyFile, Manifest};
use crate::hub::Hub;
use anyhow::Context;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Where to, and whether with the key.
#[derive(Debug, Args)]
pub struct BackupArguments {
    /// Directory to make; it must not be there.
    directory: PathBuf,
    /// Put the key file into it too: whoever has the backup then has every secret of every system.
    #[arg(long)]
    with_key: bool,
    /// Print the manifest as JSON.
    #[arg(long)]
    json: bool,
}

/// Where from.
#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// Directory that `docaxis backup` made.
    directory: PathBuf,
    /// Check every file of the backup and change nothing.
    #[arg(long)]
    check: bool,
}

/// One bar after the other, as the work goes from one thing to the next.
fn bars() -> impl FnMut(&'static str, u64, Option<u64>) {
    let mut shown: Option<(&'static str, Progress)> = None;
    move |what, done, all| {
        if shown.as_ref().is_none_or(|(before, _)| *before != what) {
            let bar = match (what, all) {
                ("packets", Some(all)) => Progress::pieces(all, what),
                (_, Some(all)) => Progress::bytes(all, what),
                (_, None) => Progress::pieces(0, what),
            };
            shown = Some((what, bar));
        }
        if let Some((_, bar)) = &shown {
            bar.set(done);
        }
    }
}

/// Makes a backup.
pub fn backup(config: &Config, arguments: &BackupArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    crate::log::start(&config.log);
    crate::use_aws_lc();
    let made = backup::backup(config, &arguments.directory, arguments.with_key, &mut bars());
    let manifest = match made {
        Ok(manifest) => manifest,
        Err(BackupError::Refused(why)) => {
            writeln!(out, "bị từ chối, chưa sao lưu / refused, nothing was backed up: {why}")?;
            return Ok(Outcome::Refused);
        }
        Err(error) => {
            return Err(anyhow::Error::from(error)).context("chưa sao lưu được gì / nothing was backed up");
        }
    };
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&manifest)?)?;
    } else {
        let Manifest { packets, bytes, .. } = &manifest;
        let place = arguments.directory.display();
        writeln!(out, "đã sao lưu vào {place}: cơ sở dữ liệu và {packets} tệp gói tin, {bytes} byte")?;
        writeln!(out, "backed up to {place}: the database and {packets} packet files, {bytes} bytes")?;
        about_key(config, &manifest, out)?;
    }
    Ok(about_damage(&manifest, out)?)
}

fn about_key(config: &Config, manifest: &Manifest, out: &mut dyn Write) -> std::io::Result<()> {
    let key = Hub::key_file(config);
    let key = key.display();
    if manifest.has_key {
        writeln!(out, "CẢNH BÁO: bản sao lưu có tệp khoá; ai có nó là có bí mật của mọi hệ thống.")?;
        writeln!(out, "WARNING: the backup holds the key file; whoever has it has the secret of every system.")
    } else {
        writeln!(out, "QUAN TRỌNG: bản sao lưu KHÔNG có tệp khoá {key}. Hãy cất một bản của tệp đó ở NƠI KHÁC:")?;
        writeln!(out, "mất nó thì mọi khoá của mọi hệ thống phải cấp lại.")?;
        writeln!(
            out,
            "IMPORTANT: the backup does NOT hold the key file {key}. Keep a copy of that file in ANOTHER PLACE:"
        )?;
        writeln!(out, "without it every key of every system must be made anew.")
    }
}

fn about_damage(manifest: &Manifest, out: &mut dyn Write) -> std::io::Result<Outcome> {
    for packet in &manifest.damaged {
        writeln!(out, "gói tin mất hoặc bị thay đổi từ trước / packet missing or altered before: {packet}")?;
    }
    Ok(if manifest.damaged.is_empty() { Outcome::Done } else { Outcome::Refused })
}

/// Takes a backup back, or only checks it.
pub fn restore(config: &Config, arguments: &RestoreArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    crate::log::start(&config.log);
    crate::use_aws_lc();
    let restored = match arguments.check {
        true => backup::verify(&arguments.directory, &mut bars()).map(|manifest| (manifest, None)),
        false => {
            backup::restore(config, &arguments.directory, &mut bars()).map(|(manifest, key)| (manifest, Some(key)))
        }
    };
    let (manifest, key) = match restored {
        Ok(restored) => restored,
        Err(BackupError::Refused(why) | BackupError::Damaged(why)) => {
            writeln!(out, "bị từ chối, chưa phục hồi gì / refused, nothing was restored: {why}")?;
            return Ok(Outcome::Refused);
        }
        Err(error) => {
            return Err(anyhow::Error::from(error)).context("chưa phục hồi xong / the restore is not finished");
        }
    };
    let Manifest { taken_at, version, packets, .. } = &manifest;
    let done = if key.is_some() {
        ("đã phục hồi", "restored")
    } else {
        ("bản sao lưu còn nguyên vẹn", "the backup is whole")
    };
    writeln!(out, "{}: lập lúc {taken_at}, phiên bản {version}, {packets} tệp gói tin", done.0)?;
    writeln!(out, "{}: taken at {taken_at}, version {version}, {packets} packet files", done.1)?;
    writeln!(
        out,
        "Nếu sau lúc đó đã tiêu hủy nội dung: docaxis doctor --certificate TỆP nêu từng nội dung đã trở lại."
    )?;
    writeln!(
        out,
        "If contents were destroyed after that: docaxis doctor --certificate FILE names each that has come back."
    )?;
    let outcome = about_damage(&manifest, out)?;
    let place = Hub::key_file(config);
    let place = place.display();
    match key {
        None | Some(KeyFile::Fits) => {}
        Some(KeyFile::Restored) => writeln!(out, "tệp khoá đã được đặt lại / the key file is in its place: {place}")?,
        Some(KeyFile::Missing) => {
            writeln!(out, "QUAN TRỌNG: trước khi khởi động, đặt tệp khoá cũ vào {place}")?;
            writeln!(out, "IMPORTANT: before the start, put the old key file into {place}")?;
        }
        Some(KeyFile::Other) => {
            writeln!(out, "QUAN TRỌNG: {place} là tệp khoá KHÁC; thay bằng tệp khoá cũ trước khi khởi động")?;
            writeln!(out, "IMPORTANT: {place} is ANOTHER key file; put the old one there before the start")?;
        }
    }
    Ok(outcome)
}
