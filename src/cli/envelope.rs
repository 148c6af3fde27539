//! `envelope check`: the very rules of the server, offline. Not here: what only a directory can know, such
//! as whether a recipient exists.

use super::Outcome;
use super::progress::Progress;
use crate::config::Packets;
use crate::domain::rules::{self, Violation};
use crate::exchange::intake;
use crate::hub::Clock;
use crate::wire::read;
use clap::Subcommand;
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  docaxis envelope check van-ban.edxml
  docaxis envelope check --json outbox/*.edxml | jq -r 'select(.verdict != \"accepted\") | .file'
  make-packet | docaxis envelope check -

Exit codes: 0 every packet would pass, 1 one would be refused, 2 one cannot be read.";

#[derive(Debug, Subcommand)]
pub enum EnvelopeCommand {
    /// Check packets by the rules of the server, without a server: in Vietnamese, then in English.
    ///
    /// What needs a directory is not checked: whether agencies exist, whether a document was sent before.
    #[command(after_help = EXAMPLES)]
    Check {
        /// Packets; - is standard input.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// One JSON object per file and line.
        #[arg(long)]
        json: bool,
    },
}

impl EnvelopeCommand {
    pub fn run(self, limits: &Packets, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let Self::Check { files, json } = self;
        let mut worst = Outcome::Done;
        let progress = Progress::pieces(u64::try_from(files.len()).unwrap_or_default(), "kiểm tra / checking");
        for file in &files {
            let checked = open(file).and_then(|bytes| check(bytes, limits));
            worst = worst.and(match &checked {
                Ok(judgement) if judgement.violations.is_empty() => Outcome::Done,
                Ok(_) => Outcome::Refused,
                Err(_) => Outcome::Failed,
            });
            progress.print(|| match json {
                true => writeln!(out, "{}", as_json(file, &checked)),
                false => print(file, &checked, out),
            })?;
            progress.advance(1);
        }
        Ok(worst)
    }
}

fn open(file: &Path) -> std::io::Result<Box<dyn BufRead>> {
    match file.as_os_str() == "-" {
        true => Ok(Box::new(BufReader::new(std::io::stdin()))),
        false => Ok(Box::new(BufReader::new(File::open(file)?))),
    }
}

/// What the server would say of a packet.
#[derive(Debug, Default)]
struct Judgement {
    /// Every reason to refuse it.
    violations: Vec<Violation>,
    /// What would pass but deserves a look.
    warnings: Vec<Violation>,
}

/// What the server would say of these bytes as far as it needs no directory.
fn check(bytes: impl BufRead, limits: &Packets) -> std::io::Result<Judgement> {
    // One byte more than may be, to know that there is more.
    let mut bytes = bytes.take(limits.bytes_max.saturating_add(1));
    let reading = read::packet(&mut bytes, limits, &|| {})?;
    if bytes.limit() == 0 {
        let violation = rules::violation("M.Packet.TooLarge", "", &[&limits.bytes_max.to_string()]);
        return Ok(Judgement { violations: vec![violation], warnings: Vec::new() });
    }
    let violations = intake::judge(&reading, limits, Clock::System.now());
    Ok(Judgement { violations, warnings: rules::warnings(&reading.packet) })
}

fn print(file: &Path, checked: &std::io::Result<Judgement>, out: &mut dyn Write) -> std::io::Result<()> {
    let file = file.display();
    let Judgement { violations, warnings } = match checked {
        Err(why) => return writeln!(out, "{file}: không đọc được / cannot be read: {why}"),
        Ok(judgement) => judgement,
    };
    match violations.len() {
        0 => writeln!(out, "{file}: hợp lệ / would pass")?,
        number => writeln!(out, "{file}: bị từ chối, {number} lỗi / would be refused, {number} faults")?,
    }
    for violation in violations {
        print_one("lỗi / fault", violation, out)?;
    }
    for warning in warnings {
        print_one("lưu ý / note", warning, out)?;
    }
    Ok(())
}

fn print_one(what: &str, violation: &Violation, out: &mut dyn Write) -> std::io::Result<()> {
    let Violation { code, class, place, cause, remedy, .. } = violation;
    writeln!(out, "  {what} {code} ({}) {place}", class.number())?;
    writeln!(out, "    {} {}", cause.vi, remedy.vi)?;
    writeln!(out, "    {} {}", cause.en, remedy.en)
}

fn as_json(file: &Path, checked: &std::io::Result<Judgement>) -> serde_json::Value {
    let file = file.display().to_string();
    let Judgement { violations, warnings } = match checked {
        Err(why) => return json!({ "file": file, "verdict": "unreadable", "error": why.to_string() }),
        Ok(judgement) => judgement,
    };
    let verdict = if violations.is_empty() { "accepted" } else { "refused" };
    json!({ "file": file, "verdict": verdict, "violations": all_as_json(violations), "warnings": all_as_json(warnings) })
}

fn all_as_json(violations: &[Violation]) -> Vec<serde_json::Value> {
    let each = violations.iter().map(|violation| {
        json!({
            "code": violation.code,
            "class": violation.class.number(),
            "place": violation.place,
            "cause": { "vi": violation.cause.vi, "en": violation.cause.en },
            "remedy": { "vi": violation.remedy.vi, "en": violation.remedy.en },
            "retry": violation.retry,
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(files: &[&str], json: bool) -> (Outcome, String) {
        let mut out = Vec::new();
        let files = files.iter().map(PathBuf::from).collect();
        let outcome = EnvelopeCommand::Check { files, json }.run(&Packets::default(), &mut out).unwrap();
        (outcome, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_missing_file_is_unreadable_and_not_refused() {
        let (outcome, said) = run(&["no/such/packet.edxml"], false);

        assert_eq!(outcome, Outcome::Failed);
        assert!(said.contains("không đọc được"), "{said}");
    }

    #[test]
    fn a_packet_over_the_limit_is_refused_by_size() {
        let limits = Packets { bytes_max: 4, ..Packets::default() };

        let judgement = check(&b"<edXML/>"[..], &limits).unwrap();

        assert_eq!(judgement.violations[0].code, "M.Packet.TooLarge");
    }

    #[test]
    fn scripts_get_one_object_per_file() {
        let (_, said) = run(&["no/such/1", "no/such/2"], true);

        let verdicts: Vec<String> = said
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["verdict"].to_string())
            .collect();
        assert_eq!(verdicts, ["\"unreadable\"", "\"unreadable\""]);
    }
}
