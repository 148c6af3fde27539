//! What is wrong with this installation: each finding with what it means and what to do. Looks and changes nothing.

mod calendar;
mod destroyed;
mod ledger;
mod others;
mod place;
mod receipts;

use crate::config::Config;
use crate::hub::{Clock, Hub};
use crate::keyring::Keyring;
use crate::store::inspect::{self, Diagnosis};
use crate::store::machine;
use crate::store::migrations::Form;
use crate::store::systems::KeyRow;
use crate::store::{StoreError, payloads};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Note,
    /// Will go wrong.
    Warning,
    /// Is wrong now.
    Error,
}

impl Severity {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Its name, for scripts.
    pub code: &'static str,
    /// What it is and means, Vietnamese and English.
    pub meaning: (String, String),
    /// What to do, Vietnamese and English.
    pub remedy: (String, String),
}

fn finding(severity: Severity, code: &'static str, meaning: (String, String), remedy: (&str, &str)) -> Finding {
    Finding { severity, code, meaning, remedy: (remedy.0.to_owned(), remedy.1.to_owned()) }
}

/// Clocks may differ by this much.
const CLOCK_SLACK: TimeDelta = TimeDelta::seconds(60);
/// A job that is not done after this time is overdue.
const JOB_SLACK: TimeDelta = TimeDelta::hours(2);
/// Keys that end within this time are told of.
const KEY_NOTICE: TimeDelta = TimeDelta::days(30);
/// Files of packets that are looked at when not all are asked for.
const SAMPLE: i64 = 200;

/// Looks at everything; the worst comes first. `deep` reads every file of a packet whole; of certificates of destruction, each
/// with its name, nothing is to be there.
pub fn examine(
    config: &Config,
    (deep, certificates): (bool, &[(String, String)]),
    watch: &mut dyn FnMut(u64, u64),
) -> Vec<Finding> {
    let now = Clock::System.now();
    let mut found = Vec::new();
    place::examine(config, &mut found);
    let late = now.checked_sub_signed(JOB_SLACK).unwrap_or(now).naive_utc();
    let most = if deep { i64::MAX } else { SAMPLE };
    let asked = inspect::diagnose(&config.database, &config.data.directory, late, most);
    match asked {
        Ok(diagnosis) => {
            database(&diagnosis, &mut found);
            clock(config, &diagnosis, now, &mut found);
            keys(config, &diagnosis, now, &mut found);
            found.extend(ledger::examine(config, &diagnosis, now));
            others::examine(config, &diagnosis, now, &mut found);
            files(config, &diagnosis, deep, &mut found, watch);
            destroyed::examine(config, &diagnosis, certificates, &mut found);
        }
        Err(error) => unreachable_database(&error, &mut found),
    }
    found.extend(receipts::examine(config, now));
    found.extend(Hub::calendar(config).ok().and_then(|calendar| calendar::examine(&calendar, now)));
    address(config, now, &mut found);
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

fn unreachable_database(error: &StoreError, found: &mut Vec<Finding>) {
    let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
    found.push(finding(
        Severity::Error,
        "database.unreachable",
        (
            format!("không dùng được cơ sở dữ liệu: {error}{cause}"),
            format!("the database cannot be used: {error}{cause}"),
        ),
        (
            "kiểm tra database.url, máy chủ PostgreSQL hoặc tệp docaxis.db và quyền đọc ghi",
            "check database.url, the PostgreSQL server or the file docaxis.db and its permissions",
        ),
    ));
}

fn database(diagnosis: &Diagnosis, found: &mut Vec<Finding>) {
    let form = match diagnosis.form {
        Form::Current => None,
        Form::Older => Some((
            "cơ sở dữ liệu chưa được nâng cấp",
            "migrations have not been run",
            "chạy docaxis migrate",
            "run docaxis migrate",
        )),
        Form::Newer => Some((
            "cơ sở dữ liệu thuộc phiên bản mới hơn chương trình này",
            "the database belongs to a newer version than this program",
            "cài đúng phiên bản chương trình",
            "install the version that the database belongs to",
        )),
    };
    if let Some((vi, en, do_vi, do_en)) = form {
        found.push(finding(Severity::Error, "database.form", (vi.to_owned(), en.to_owned()), (do_vi, do_en)));
    }
    if !diagnosis.damage.is_empty() {
        let told = diagnosis.damage.join("; ");
        found.push(finding(
            Severity::Error,
            "database.damaged",
            (format!("tệp cơ sở dữ liệu bị hỏng: {told}"), format!("the database file is damaged: {told}")),
            (
                "dừng hệ thống, giữ nguyên tệp, phục hồi từ bản sao lưu (docaxis restore)",
                "stop the hub, keep the file, restore a backup (docaxis restore)",
            ),
        ));
    }
    if !diagnosis.unsafe_settings.is_empty() {
        let told = diagnosis.unsafe_settings.join(", ");
        found.push(finding(
            Severity::Error,
            "database.unsafe",
            (
                format!("PostgreSQL có thể mất gói tin đã xác nhận khi mất điện: {told}"),
                format!("PostgreSQL may lose acknowledged packets in a power cut: {told}"),
            ),
            ("bật lại các thiết lập đó trong postgresql.conf", "turn these settings on in postgresql.conf"),
        ));
    }
    for job in &diagnosis.overdue {
        found.push(finding(
            Severity::Warning,
            "job.overdue",
            (
                format!("công việc định kỳ chưa xong quá hạn hoặc bị lỗi: {job}"),
                format!("scheduled work failed, is overdue, or its lease was left behind: {job}"),
            ),
            (
                "xem docaxis job list và dòng nhật ký jobs; hệ thống làm lại khi khởi động, hoặc docaxis job run",
                "look at docaxis job list and the log lines of jobs; the hub makes up for it when it starts, or docaxis job run",
            ),
        ));
    }
}

fn clock(config: &Config, diagnosis: &Diagnosis, now: DateTime<Utc>, found: &mut Vec<Finding>) {
    let here = now.naive_utc();
    let ahead = |other: NaiveDateTime| other.signed_duration_since(here);
    let off = |severity, vi: String, en: String| {
        finding(
            severity,
            "clock.off",
            (vi, en),
            (
                "chỉnh lại đồng hồ và bật NTP (timedatectl set-ntp true), rồi khởi động lại",
                "set the clock right and turn NTP on (timedatectl set-ntp true), then restart",
            ),
        )
    };
    if let Some(by) = diagnosis.newest.map(ahead).filter(|by| *by > CLOCK_SLACK) {
        let minutes = by.num_minutes();
        found.push(off(
            Severity::Error,
            format!(
                "đồng hồ sai: dữ liệu mới nhất có thời điểm sau bây giờ {minutes} phút; \
                 đồng hồ máy đang chậm, hoặc đã từng chạy nhanh"
            ),
            format!(
                "the clock is off: the newest data is {minutes} minutes ahead of now; \
                 this clock is slow, or was fast before"
            ),
        ));
    }
    if let Some(by) = diagnosis.server_now.map(ahead).filter(|by| by.abs() > CLOCK_SLACK) {
        let seconds = by.num_seconds();
        found.push(off(
            Severity::Error,
            format!("đồng hồ của máy này và của PostgreSQL lệch nhau {seconds} giây"),
            format!("the clocks of this machine and of PostgreSQL differ by {seconds} seconds"),
        ));
    }
    let touched = payloads::touched_at(&config.data.directory).map(|at| DateTime::<Utc>::from(at).naive_utc());
    if let Some(by) = touched.map(ahead).filter(|by| *by > CLOCK_SLACK) {
        let minutes = by.num_minutes();
        found.push(off(
            Severity::Error,
            format!("đồng hồ sai: tệp trong thư mục dữ liệu được ghi sau bây giờ {minutes} phút"),
            format!("the clock is off: files of the data directory were written {minutes} minutes ahead of now"),
        ));
    }
    if Path::new("/run/systemd/timesync").is_dir() && !Path::new("/run/systemd/timesync/synchronized").exists() {
        found.push(off(
            Severity::Warning,
            "đồng hồ chưa đồng bộ với NTP".to_owned(),
            "the clock is not synchronised by NTP".to_owned(),
        ));
    }
}

fn keys(config: &Config, diagnosis: &Diagnosis, now: DateTime<Utc>, found: &mut Vec<Finding>) {
    let live: Vec<_> = diagnosis.keys.iter().filter(|key| key.is_live(now)).collect();
    found.extend(key_file(&Hub::key_file(config), &live));
    for key in &live {
        if let Some(end) = key.expires_at().filter(|end| end.signed_duration_since(now) < KEY_NOTICE) {
            let (system, id, days) = (&key.system_id, &key.key_id, end.signed_duration_since(now).num_days());
            found.push(finding(
                Severity::Warning,
                "key.expiring",
                (
                    format!("khoá {id} của hệ thống {system} hết hạn sau {days} ngày"),
                    format!("key {id} of system {system} ends in {days} days"),
                ),
                (
                    "docaxis key add, cài khoá mới vào phần mềm, rồi thu hồi khoá cũ",
                    "docaxis key add, put the new key into the software, then revoke the old one",
                ),
            ));
        }
    }
}

/// What is wrong with the key file, given the keys that it must open.
fn key_file(file: &Path, live: &[&KeyRow]) -> Option<Finding> {
    let shown = file.display();
    let wrong = |code, words| {
        let back = (
            "đặt lại tệp khoá cũ (không nằm trong bản sao lưu thông thường); nếu đã mất, thu hồi mọi khoá và cấp khoá mới",
            "put the old key file back (a usual backup lacks it); if it is lost, revoke every key and make new ones",
        );
        Some(finding(Severity::Error, code, words, back))
    };
    if !file.exists() {
        let words = (
            format!("mất tệp khoá {shown}: không mở được khoá của hệ thống nào"),
            format!("the key file {shown} is missing: no key of any system can be opened"),
        );
        return if live.is_empty() { None } else { wrong("key_file.missing", words) };
    }
    if machine::owner(file).is_ok_and(|(_, mode, _)| mode & 0o077 != 0) {
        return Some(finding(
            Severity::Error,
            "key_file.readable",
            (
                format!("người khác đọc được tệp khoá {shown}; hệ thống không khởi động"),
                format!("others can read the key file {shown}; the hub does not start"),
            ),
            ("chmod 600 tệp khoá", "chmod 600 the key file"),
        ));
    }
    let ring = match Keyring::open(file) {
        Err(error) => {
            let words =
                (format!("tệp khoá {shown} hỏng: {error}"), format!("the key file {shown} cannot be used: {error}"));
            return wrong("key_file.unusable", words);
        }
        Ok(ring) => ring,
    };
    let (all, closed) =
        (live.len(), live.iter().filter(|key| ring.unseal(&key.secret_sealed, &key.key_id).is_err()).count());
    let words = (
        format!(
            "sai tệp khoá: {shown} không mở được {closed} trên {all} khoá đang dùng; \
             đây là tệp khoá của cơ sở dữ liệu khác"
        ),
        format!("wrong key file: {shown} does not open {closed} of {all} live keys; it belongs to another database"),
    );
    if closed == 0 { None } else { wrong("key_file.wrong", words) }
}

fn files(
    config: &Config,
    diagnosis: &Diagnosis,
    deep: bool,
    found: &mut Vec<Finding>,
    watch: &mut dyn FnMut(u64, u64),
) {
    let all = u64::try_from(diagnosis.files.len()).unwrap_or_default();
    for (number, name) in diagnosis.files.iter().enumerate() {
        if let Some(wrong) = payloads::fault(&config.data.directory, name, deep) {
            found.push(finding(
                Severity::Error,
                "packet.damaged",
                (format!("tệp gói tin {name}: {wrong}"), format!("packet file {name}: {wrong}")),
                (
                    "chép lại tệp từ bản sao lưu: payloads/<hai chữ số đầu>/<tên>",
                    "copy the file back from a backup: payloads/<first two digits>/<name>",
                ),
            ));
        }
        watch(u64::try_from(number).unwrap_or_default().saturating_add(1), all);
    }
}

/// Whether somebody listens, and whether it is a hub with the same idea of the time.
fn address(config: &Config, now: DateTime<Utc>, found: &mut Vec<Finding>) {
    let wanted = &config.server.address;
    let Some(address) = wanted.to_socket_addrs().ok().and_then(|mut all| all.next()) else {
        found.push(finding(
            Severity::Error,
            "address.unknown",
            (
                format!("không phân giải được server.address {wanted}"),
                format!("server.address {wanted} names no address"),
            ),
            ("sửa server.address", "correct server.address"),
        ));
        return;
    };
    match TcpListener::bind(address) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AddrInUse => match date_of_hub(address) {
            Some(date) => {
                found.push(finding(
                    Severity::Note,
                    "hub.running",
                    (format!("một hệ thống đang chạy ở {wanted}"), format!("a hub is running at {wanted}")),
                    ("không cần làm gì", "nothing is to be done"),
                ));
                let off = date.signed_duration_since(now);
                if off.abs() > CLOCK_SLACK {
                    let seconds = off.num_seconds();
                    found.push(finding(
                        Severity::Error,
                        "clock.off",
                        (
                            format!("đồng hồ của hệ thống ở {wanted} lệch {seconds} giây"),
                            format!("the clock of the hub at {wanted} differs by {seconds} seconds"),
                        ),
                        ("chỉnh lại đồng hồ và bật NTP", "set the clock right and turn NTP on"),
                    ));
                }
            }
            None => found.push(finding(
                Severity::Error,
                "address.taken",
                (format!("chương trình khác đang dùng {wanted}"), format!("another program listens at {wanted}")),
                ("dừng chương trình đó hoặc đổi server.address", "stop that program or change server.address"),
            )),
        },
        Err(error) => found.push(finding(
            Severity::Error,
            "address.unusable",
            (format!("không lắng nghe được ở {wanted}: {error}"), format!("nobody can listen at {wanted}: {error}")),
            ("sửa server.address; cổng dưới 1024 cần quyền", "correct server.address; ports below 1024 need a right"),
        )),
    }
}

fn date_of_hub(address: SocketAddr) -> Option<DateTime<Utc>> {
    let patience = Duration::from_secs(3);
    let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    stream
        .write_all(format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .ok()?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer).ok()?;
    let date =
        answer.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("date:").map(|_| line.get(5..)))??;
    let is_hub = answer.contains("\"status\":\"ok\"");
    DateTime::parse_from_rfc2822(date.trim()).ok().filter(|_| is_hub).map(|date| date.with_timezone(&Utc))
}
