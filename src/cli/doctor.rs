//! `doctor`: prints what `exchange::doctor` finds.

use super::Outcome;
use super::progress::Progress;
use crate::config::{Config, ConfigError};
use crate::exchange::doctor::{self, Finding, Severity};
use anyhow::Context;
use clap::Args;
use serde_json::json;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

/// How deep to look.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Read every file of a packet whole, not only some.
    #[arg(long)]
    deep: bool,
    /// A certificate of destruction that was kept: whatever it names that is there again is told.
    #[arg(long, value_name = "FILE")]
    certificate: Vec<PathBuf>,
    /// Print one JSON object for each finding.
    #[arg(long)]
    json: bool,
}

/// Looks at the installation. Exit code 1 when something is wrong now.
pub fn run(
    config: Result<Config, ConfigError>,
    arguments: &DoctorArguments,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    crate::use_aws_lc();
    let read = |file: &PathBuf| -> anyhow::Result<(String, String)> {
        let name = file.display().to_string();
        Ok((name.clone(), fs::read_to_string(file).context(name)?))
    };
    let certificates = arguments.certificate.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
    let mut bar: Option<Progress> = None;
    let mut watch = |done: u64, all: u64| bar.get_or_insert_with(|| Progress::pieces(all, "packets")).set(done);
    let found = match config {
        Ok(config) => doctor::examine(&config, (arguments.deep, &certificates), &mut watch),
        Err(ConfigError(faults)) => faults.iter().map(of_fault).collect(),
    };
    for finding in &found {
        if arguments.json { print_json(finding, out)? } else { print(finding, out)? }
    }
    if found.iter().all(|finding| finding.severity == Severity::Note) && !arguments.json {
        writeln!(out, "không thấy gì sai / nothing is wrong")?;
    }
    let is_wrong = found.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if is_wrong { Outcome::Refused } else { Outcome::Done })
}

fn of_fault(fault: &crate::config::Fault) -> Finding {
    Finding {
        severity: Severity::Error,
        code: "config",
        meaning: (format!("{}: {}", fault.place, fault.vi), format!("{}: {}", fault.place, fault.en)),
        remedy: (
            "sửa cấu hình (docaxis config check)".to_owned(),
            "correct the configuration (docaxis config check)".to_owned(),
        ),
    }
}

fn print(finding: &Finding, out: &mut dyn Write) -> std::io::Result<()> {
    let severity = match finding.severity {
        Severity::Error => "LỖI / ERROR",
        Severity::Warning => "cảnh báo / warning",
        Severity::Note => "lưu ý / note",
    };
    let Finding { code, meaning, remedy, .. } = finding;
    writeln!(out, "{severity} {code}\n  {}\n  {}\n  → {}\n  → {}", meaning.0, meaning.1, remedy.0, remedy.1)
}

fn print_json(finding: &Finding, out: &mut dyn Write) -> std::io::Result<()> {
    let Finding { severity, code, meaning, remedy } = finding;
    let line = json!({
        "severity": severity.word(),
        "code": code,
        "meaning": { "vi": meaning.0, "en": meaning.1 },
        "remedy": { "vi": remedy.0, "en": remedy.1 },
    });
    writeln!(out, "{line}")
}
