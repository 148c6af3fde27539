//! Whether contents that were destroyed are there again: by what the database itself says, and by certificates of destruction that
//! somebody kept elsewhere. A backup of before brings a content back, and nothing in it knows of the destruction.

use super::{Diagnosis, Finding, Severity, finding, unreachable_database};
use crate::config::Config;
use crate::domain::dates::{for_people, timestamp};
use crate::domain::destruction::{ArchiveLine, Facts, Line};
use crate::exchange::statements::StatementFile;
use crate::store::archive_files::ArchiveFiles;
use crate::store::inspect;
use std::collections::HashSet;

const REMEDY: (&str, &str) = (
    "đề xuất và duyệt tiêu hủy lại trước khi mở cho các cơ quan (docs/retention.md)",
    "have it destroyed anew by two people before agencies are let in (docs/retention.md)",
);

/// Names what is there again. `certificates` are names and texts of files.
pub(super) fn examine(
    config: &Config,
    diagnosis: &Diagnosis,
    certificates: &[(String, String)],
    found: &mut Vec<Finding>,
) {
    found.extend(diagnosis.returned.iter().map(|envelope_id| {
        let vi = format!("nội dung của gói tin {envelope_id} đã ghi là tiêu hủy nhưng lại có mặt");
        let en = format!("the content of the packet {envelope_id} is written down as destroyed, and is there");
        returned((vi, en))
    }));
    for (name, text) in certificates {
        let Some((purge_id, packets, archives)) = told(text) else {
            found.push(unreadable(name));
            continue;
        };
        let ids: Vec<&str> = packets.iter().map(|line| line.envelope_id.as_str()).collect();
        match inspect::with_content(&config.database, &config.data.directory, &ids) {
            Ok(there) => {
                let back = packets.iter().filter(|line| there.contains(&line.envelope_id));
                found.extend(back.map(|line| of_packet(line, &purge_id)));
            }
            Err(error) => unreachable_database(&error, found),
        }
        found.extend(files(config, archives).iter().map(|line| of_archive(line, &purge_id)));
    }
}

/// What a certificate names, if its list is whole.
fn told(text: &str) -> Option<(String, Vec<Line>, Vec<ArchiveLine>)> {
    let file: StatementFile = serde_json::from_str(text).ok()?;
    let facts: Facts = serde_json::from_str(&file.evidence.record.facts).ok()?;
    let (packets, archives) = facts.told(&file.list)?;
    Some((facts.purge_id, packets, archives))
}

/// Those archives of which there is a file.
fn files(config: &Config, mut archives: Vec<ArchiveLine>) -> Vec<ArchiveLine> {
    let there = ArchiveFiles::of(&config.data.directory).list().unwrap_or_default();
    let there: HashSet<String> = there.into_iter().map(|file| file.archive_id).collect();
    archives.retain(|line| there.contains(&line.archive_id));
    archives
}

fn of_packet(line: &Line, purge_id: &str) -> Finding {
    let Line { envelope_id, document_id, sender, destroyed_at, .. } = line;
    let at = timestamp(destroyed_at).map(for_people).unwrap_or_default();
    returned((
        format!(
            "nội dung của gói tin {envelope_id} (văn bản {document_id} của {sender}) đã tiêu hủy lúc {at}, đợt {purge_id}, nay lại có mặt"
        ),
        format!(
            "the content of the packet {envelope_id} (document {document_id} of {sender}) was destroyed at {at} by the purge {purge_id}, and is there again"
        ),
    ))
}

fn of_archive(line: &ArchiveLine, purge_id: &str) -> Finding {
    let ArchiveLine { archive_id, destroyed_at, .. } = line;
    let at = timestamp(destroyed_at).map(for_people).unwrap_or_default();
    let vi = format!("gói lưu trữ {archive_id} đã tiêu hủy lúc {at}, đợt {purge_id}, nay lại có tệp");
    let en =
        format!("the archive {archive_id} was destroyed at {at} by the purge {purge_id}, and its file is there again");
    finding(Severity::Error, "archive.returned", (vi, en), REMEDY)
}

fn returned(meaning: (String, String)) -> Finding {
    finding(Severity::Error, "content.returned", meaning, REMEDY)
}

fn unreadable(name: &str) -> Finding {
    let vi = format!("{name} không phải chứng nhận tiêu hủy còn nguyên vẹn");
    let remedy = ("kiểm tra tệp bằng docaxis verify", "look at the file with docaxis verify");
    finding(
        Severity::Error,
        "certificate.unreadable",
        (vi, format!("{name} is no whole certificate of destruction")),
        remedy,
    )
}
