//! `verify`: receipts, capsules, statements, time-stamps and archives, without hub, database or network.

use super::Outcome;
use super::progress::Progress;
use crate::domain::packet::Digest;
use crate::exchange::verify::{self, Report, Trust};
use crate::proof::checkpoint::Key;
use crate::signer::certificate::Certificate;
use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  docaxis verify bien-nhan.xml --trust hub.pem
  docaxis verify ho-so.json --trust hub.pem --packet van-ban.edxml
  docaxis verify ho-so.json --trust hub.pem --neighbour truc-lan-can.pem
  docaxis verify luu-tru.zip --trust hub.pem
  docaxis verify ho-so.json --trust hub.pem --timestamp-authority tsa-ca.pem
  docaxis verify *.json --trust hub.pem --json | jq -r 'select(.holds | not) | .file'

Exit codes: 0 everything holds, 1 something does not, 2 a file cannot be read.";

/// Verify signed receipts, capsules, statements, time-stamps and archives, without a hub and without a network: in Vietnamese, then in English.
///
/// Nothing is believed that is not proved: without the hub's certificate nothing holds.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArguments {
    /// Receipts (XML), capsules, statements and time-stamps (JSON), archives (ZIP).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Certificates that are trusted (PEM): the hub's, or those of who issued them.
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// Certificates of neighbouring hubs that took packets (PEM), or those of who issued them: trusted for their receipts of that only.
    #[arg(long, value_name = "FILE")]
    neighbour: Vec<PathBuf>,
    /// A key of the ledger, `name+id+key`, beside those that trusted receipts name.
    #[arg(long, value_name = "KEY")]
    ledger_key: Vec<String>,
    /// A key of a witness, `name+id+key`: at least one of those given is to have cosigned the head of the ledger.
    #[arg(long, value_name = "KEY")]
    witness_key: Vec<String>,
    /// Certificates of time-stamp authorities (PEM), or those of who issued them: trusted for time-stamps only; capsules and archives are to have one then.
    #[arg(long, value_name = "FILE")]
    timestamp_authority: Vec<PathBuf>,
    /// The packet that the files are to be about.
    #[arg(long, value_name = "FILE")]
    packet: Option<PathBuf>,
    /// One JSON object for each file.
    #[arg(long)]
    json: bool,
}

impl VerifyArguments {
    pub fn run(&self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let trust = self.trust()?;
        let mut worst = Outcome::Done;
        for file in &self.files {
            let report = match verified(file, &trust) {
                Ok(report) => report,
                Err(error) => {
                    worst = Outcome::Failed;
                    unread(file, &error, self.json, out)?;
                    continue;
                }
            };
            worst = worst.and(if report.holds() { Outcome::Done } else { Outcome::Refused });
            match self.json {
                true => writeln!(out, "{}", as_json(file, &report))?,
                false => print(file, &report, out)?,
            }
        }
        Ok(worst)
    }

    fn trust(&self) -> anyhow::Result<Trust> {
        let (own, neighbours) = (certificates(&self.trust)?, certificates(&self.neighbour)?);
        let authorities = certificates(&self.timestamp_authority)?;
        let mut trust = Trust { certificates: own, neighbours, authorities, ..Trust::default() };
        for key in &self.ledger_key {
            trust.ledger_keys.push(Key::parse(key).with_context(|| format!("{key}: no key such as name+id+key"))?);
        }
        for key in &self.witness_key {
            let read = Key::parse_witness(key).with_context(|| format!("{key}: no key such as name+id+key"))?;
            trust.witness_keys.push(read);
        }
        if let Some(file) = &self.packet {
            trust.packet = Some(Digest::of(&fs::read(file).with_context(|| file.display().to_string())?));
        }
        Ok(trust)
    }
}

/// The certificates of all these files.
fn certificates(files: &[PathBuf]) -> anyhow::Result<Vec<Certificate>> {
    let mut certificates = Vec::new();
    for file in files {
        let pem = fs::read(file).with_context(|| file.display().to_string())?;
        let read = Certificate::read_pem(&pem).with_context(|| format!("{}: no certificate (PEM)", file.display()))?;
        certificates.extend(read);
    }
    Ok(certificates)
}

fn verified(file: &Path, trust: &Trust) -> std::io::Result<Report> {
    let input = fs::File::open(file)?;
    let all = input.metadata()?.len();
    let mut watched = Watched { input: BufReader::new(input), bar: Progress::bytes(all, "verify") };
    verify::verify_stream(&mut watched, trust)
}

/// A file that tells how far it was read.
struct Watched {
    input: BufReader<fs::File>,
    bar: Progress,
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(into)?;
        self.bar.advance(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

fn unread(file: &Path, error: &std::io::Error, json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    let (file, error) = (file.display().to_string(), error.to_string());
    match json {
        true => writeln!(out, "{}", json!({ "file": file, "holds": false, "error": error })),
        false => writeln!(out, "{file}: không đọc được / cannot be read: {error}"),
    }
}

fn as_json(file: &Path, report: &Report) -> Value {
    let steps = report.steps.iter().map(|step| {
        let (looked_at, ..) = step.looked_at.words();
        let told = step.fault.map(|fault| (fault.code(), fault.words()));
        let told = told.map(|(code, (vi, en))| json!({ "code": code, "vi": vi, "en": en }));
        json!({ "entry": step.entry, "step": looked_at, "holds": told.is_none(), "fault": told })
    });
    json!({
        "file": file.display().to_string(), "kind": report.kind.word(), "holds": report.holds(),
        "tells": report.tells, "steps": steps.collect::<Vec<_>>(), "destroyed": report.destroyed,
    })
}

/// Text of a file that nobody vouches for yet: it must not move the cursor, nor turn the direction of what stands around it.
fn plain(text: &str) -> String {
    let turns =
        |sign: char| matches!(sign, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|sign| if sign.is_control() || turns(sign) { '\u{fffd}' } else { sign }).collect()
}

fn print(file: &Path, report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    let verdict = if report.holds() { "ĐÚNG / holds" } else { "KHÔNG ĐÚNG / does not hold" };
    writeln!(out, "{}: {verdict}", file.display())?;
    for line in &report.tells {
        writeln!(out, "  {}", plain(line))?;
    }
    for step in &report.steps {
        let (_, vi, en) = step.looked_at.words();
        let entry = if step.entry.is_empty() { String::new() } else { format!(" [{}]", plain(&step.entry)) };
        match step.fault {
            None => writeln!(out, "  ✓ {vi} / {en}{entry}")?,
            Some(fault) => {
                let (why_vi, why_en) = fault.words();
                writeln!(out, "  ✗ {vi} / {en}{entry}: {}\n      {why_vi}\n      {why_en}", fault.code())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_moves_no_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb\n\u{9b}c\u{202e}đ"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c\u{fffd}đ");
    }
}
