//! What can be wrong with a configuration: unknown names, each with the nearest known one, values that cannot be
//! read, settings that do not fit together. Everything is found at once and said in both languages.

use super::{Config, SECTIONS, SETTINGS, Setting, numbers};
use crate::domain::agency::OrganId;
use crate::domain::calendar::Hours;
use crate::domain::directory::Registration;
use crate::domain::lane::Lane;
use crate::domain::system;
use config::{Map, Value, ValueKind};
use secrecy::ExposeSecret;
use std::fmt;
use std::path::Path;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The setting, section, file or variable.
    pub place: String,
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} / {}", self.place, self.vi, self.en)
    }
}

impl Fault {
    fn new(place: &str, vi: String, en: String) -> Self {
        Self { place: place.to_owned(), vi, en }
    }

    /// The file is not there, or is no TOML.
    pub(super) fn unreadable(file: &Path, why: &config::ConfigError) -> Self {
        let why = one_line(why);
        Self::new(&file.display().to_string(), format!("không đọc được: {why}"), format!("cannot be read: {why}"))
    }

    /// A value is of another type. The value itself may be a secret and is not repeated.
    pub(super) fn of_type(setting: &str, unit: &str, why: &config::ConfigError) -> Self {
        let is_long = matches!(why, config::ConfigError::Type { .. });
        let en = format!("has a value of the wrong type; it is given in: {unit}");
        let why = if is_long || setting == "database.url" { String::new() } else { format!(" ({})", one_line(why)) };
        Self::new(setting, format!("giá trị sai kiểu; đơn vị hoặc dạng: {unit}{why}"), en + &why)
    }

    fn unknown(place: &str, nearest: &str) -> Self {
        let vi = format!("không có thiết lập này; gần nhất là {nearest}");
        Self::new(place, vi, format!("there is no such setting; the nearest is {nearest}"))
    }
}

/// Faults as a list, one a line.
pub(super) fn listed(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

fn one_line(why: &config::ConfigError) -> String {
    why.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn dotted(setting: &Setting) -> String {
    format!("{}.{}", setting.section, setting.name)
}

fn variable(setting: &Setting) -> String {
    format!("DOCAXIS__{}__{}", setting.section, setting.name).to_uppercase()
}

/// How far a written name is from a setting's; the bare name counts too, for one in the wrong section.
fn distance(written: &str, setting: &Setting) -> usize {
    let bare = written.rsplit('.').next().unwrap_or(written);
    let whole = strsim::damerau_levenshtein(written, &dotted(setting));
    whole.min(strsim::damerau_levenshtein(bare, setting.name).saturating_mul(2))
}

fn nearest_setting(written: &str) -> String {
    let written = written.to_lowercase();
    SETTINGS.iter().min_by_key(|setting| distance(&written, setting)).map(dotted).unwrap_or_default()
}

fn nearest_section(written: &str) -> String {
    let far = |section: &&str| strsim::damerau_levenshtein(&written.to_lowercase(), section);
    let section = SECTIONS.iter().map(|(section, _)| *section).min_by_key(far);
    format!("[{}]", section.unwrap_or_default())
}

/// What the file names that is no setting.
pub(super) fn of_file(read: &Map<String, Value>) -> Vec<Fault> {
    let mut found = Vec::new();
    for (section, value) in read {
        let is_known = SECTIONS.iter().any(|(known, _)| known == section);
        match (&value.kind, is_known) {
            (ValueKind::Table(settings), true) => {
                let unknown = |name: &&String| !SETTINGS.iter().any(|s| s.section == section && s.name == **name);
                for name in settings.keys().filter(unknown) {
                    let written = format!("{section}.{name}");
                    found.push(Fault::unknown(&written, &nearest_setting(&written)));
                }
            }
            (ValueKind::Table(_), false) => {
                found.push(Fault::unknown(&format!("[{section}]"), &nearest_section(section)))
            }
            (_, true) => found.push(Fault::new(
                section,
                format!("là tên một mục: viết [{section}]"),
                format!("is the name of a section: write [{section}]"),
            )),
            (_, false) => found.push(Fault::unknown(section, &nearest_setting(section))),
        }
    }
    found.sort_by(|a, b| a.place.cmp(&b.place));
    found
}

/// What the environment names that is no setting, and what looks like one but is written with single underscores and
/// would change nothing. Other variables that begin with `DOCAXIS_` belong to commands and tests.
pub(super) fn of_environment(names: impl Iterator<Item = String>) -> Vec<Fault> {
    let mut found: Vec<Fault> = names.filter_map(|name| misspelt(&name)).collect();
    found.sort_by(|a, b| a.place.cmp(&b.place));
    found
}

/// Variables of commands, however near to a setting they are.
const OF_COMMANDS: &[&str] = &["DOCAXIS_CONFIG", "DOCAXIS_HUB", "DOCAXIS_KEY", "DOCAXIS_KEY_FILE", "DOCAXIS_CA"];

/// Letters that may differ before a variable is taken for something else.
const SLIPS_MAX: usize = 2;

fn misspelt(name: &str) -> Option<Fault> {
    let upper = name.to_uppercase();
    let rest = upper.strip_prefix("DOCAXIS_")?;
    if OF_COMMANDS.contains(&name) || SETTINGS.iter().any(|setting| variable(setting) == upper) {
        return None;
    }
    let flat = |text: &str| text.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    let written = flat(rest);
    let far = |setting: &&Setting| {
        let variable = variable(setting);
        strsim::damerau_levenshtein(&written, &flat(variable.strip_prefix("DOCAXIS_").unwrap_or_default()))
    };
    let nearest = SETTINGS.iter().min_by_key(far)?;
    let begins_as_section = SECTIONS.iter().any(|(section, _)| {
        let begin = format!("{}_", section.to_uppercase());
        written.starts_with(&begin)
    });
    let is_meant = rest.starts_with('_') || begins_as_section || far(&nearest) <= SLIPS_MAX;
    is_meant.then(|| Fault::unknown(name, &variable(nearest)))
}

/// Whether `text` is six fields that the scheduler can read.
fn is_cron(text: &str) -> bool {
    let seconds = croner::parser::Seconds::Required;
    let read = croner::parser::CronParser::builder().seconds(seconds).build().parse(text);
    read.is_ok() && text.split_whitespace().count() == 6
}

/// Targets of the log that are no module of some crate.
const TARGETS: &[&str] =
    &["access", "alarm", "auth", "directory", "docaxis", "http", "jobs", "store", "config", "backup", "mail"];

/// Why a log filter would not do what it says. A mistyped level alone would be taken for the name of a module, and
/// everything else would fall silent.
fn filter_fault(text: &str) -> Option<String> {
    if let Err(why) = env_filter::Builder::new().try_parse(text) {
        return Some(why.to_string());
    }
    let alone = text.split('/').next().unwrap_or_default().split(',').map(str::trim);
    let alone = alone.filter(|word| !word.is_empty() && !word.contains('=') && !TARGETS.contains(word));
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let slip = |word: &&str| {
        let lower = word.to_lowercase();
        let near = |level: &&str| lower.starts_with(level) || strsim::damerau_levenshtein(&lower, level) <= SLIPS_MAX;
        word.parse::<log::LevelFilter>().is_err() && !word.contains("::") && levels.iter().any(near)
    };
    alone.into_iter().find(slip).map(|word| format!("{word:?} is not a level: {}", levels.join(", ")))
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn is_database(url: &str) -> bool {
    url.is_empty() || ["sqlite://", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme))
}

/// Addresses and networks in a list with commas; nothing when one of them is none.
pub fn networks(list: &str) -> Option<Vec<ipnet::IpNet>> {
    let each = list.split(',').map(str::trim).filter(|text| !text.is_empty());
    each.map(|text| text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from)))
        .collect()
}

/// Whether it is one term for each lane.
fn are_terms(text: &str) -> bool {
    numbers(text).is_some_and(|terms| terms.len() == Lane::ALL.len() && !terms.contains(&0))
}

/// Whether it is wrong, the setting, and why in both languages.
pub(super) type Check = (bool, &'static str, &'static str, &'static str);

impl Config {
    /// Everything that does not fit together.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let checks = [
            self.numbers(),
            self.texts(),
            self.crons(),
            self.mails(),
            self.events(),
            self.ledgers(),
            self.witnesses(),
            self.timestamps(),
            self.portals(),
            self.retentions(),
        ]
        .concat();
        let wrong = checks.into_iter().filter(|(is_wrong, ..)| *is_wrong);
        let mut found: Vec<Fault> =
            wrong.map(|(_, setting, vi, en)| Fault::new(setting, vi.to_owned(), en.to_owned())).collect();
        if let Some(why) = filter_fault(&self.log.filter) {
            found.push(Fault::new("log.filter", format!("không đọc được: {why}"), format!("cannot be read: {why}")));
        }
        found
    }

    fn numbers(&self) -> Vec<Check> {
        const ONE: (&str, &str) = ("phải từ 1 trở lên", "must be at least 1");
        const FIVE: (&str, &str) =
            ("phải là năm số lớn hơn 0, cách nhau bằng dấu phẩy", "must be five numbers above 0, divided by commas");
        vec![
            (self.database.connections == 0, "database.connections", ONE.0, ONE.1),
            (self.database.writers == 0, "database.writers", ONE.0, ONE.1),
            (self.database.batch_max == 0, "database.batch_max", ONE.0, ONE.1),
            (self.database.queue_max == 0, "database.queue_max", ONE.0, ONE.1),
            (self.packets.bytes_max == 0, "packets.bytes_max", ONE.0, ONE.1),
            (
                self.data.inline_bytes_max > self.packets.bytes_max,
                "data.inline_bytes_max",
                "không được lớn hơn packets.bytes_max",
                "must not exceed packets.bytes_max",
            ),
            (
                self.server.head_bytes_max > 131_072,
                "server.head_bytes_max",
                "nhiều nhất là 131072: thư viện HTTP không nhận hơn",
                "must be at most 131072: the HTTP library takes no more",
            ),
            (
                self.server.head_bytes_max < 1024,
                "server.head_bytes_max",
                "phải từ 1024 trở lên",
                "must be at least 1024",
            ),
            (
                self.data.orphan_age_seconds <= self.database.timeout_seconds.saturating_mul(2),
                "data.orphan_age_seconds",
                "phải hơn hai lần database.timeout_seconds: tệp có trước, dòng dữ liệu có sau",
                "must be more than twice database.timeout_seconds: a file waits for its row",
            ),
            (self.keys.live_max == 0, "keys.live_max", ONE.0, ONE.1),
            (self.keys.decision_hours == 0, "keys.decision_hours", ONE.0, ONE.1),
            (self.lists.page_max == 0, "lists.page_max", ONE.0, ONE.1),
            (self.push.tick_milliseconds == 0, "push.tick_milliseconds", ONE.0, ONE.1),
            (self.push.in_flight_per_endpoint_max == 0, "push.in_flight_per_endpoint_max", ONE.0, ONE.1),
            (self.push.probes == 0, "push.probes", ONE.0, ONE.1),
            (
                numbers(&self.push.delays_seconds).is_none_or(|delays| delays.contains(&0)),
                "push.delays_seconds",
                "phải là các số lớn hơn 0, cách nhau bằng dấu phẩy",
                "must be numbers above 0, divided by commas",
            ),
            (!are_terms(&self.push.terms_hours), "push.terms_hours", FIVE.0, FIVE.1),
            (!are_terms(&self.pickup.terms_days), "pickup.terms_days", FIVE.0, FIVE.1),
            (
                numbers(&self.calendar.urgent_minutes).is_none_or(|minutes| minutes.len() != 3),
                "calendar.urgent_minutes",
                "phải là ba số, cách nhau bằng dấu phẩy",
                "must be three numbers, divided by commas",
            ),
            (self.jobs.records_days == 0, "jobs.records_days", ONE.0, ONE.1),
            (self.keys.use_noted_seconds == 0, "keys.use_noted_seconds", ONE.0, ONE.1),
            (
                self.keys.memory_seconds > 5,
                "keys.memory_seconds",
                "nhiều nhất là 5: khoá bị thu hồi phải hết hiệu lực trong 5 giây",
                "must be at most 5: a revoked key dies within 5 seconds",
            ),
        ]
    }

    fn portals(&self) -> Vec<Check> {
        const ONE: (&str, &str) = ("phải từ 1 trở lên", "must be at least 1");
        let portal = &self.portal;
        let is_none = [
            (portal.password_checks_max == 0, "portal.password_checks_max"),
            (portal.searches_max == 0, "portal.searches_max"),
            (portal.downloads_max == 0, "portal.downloads_max"),
            (portal.news_seconds == 0, "portal.news_seconds"),
            (portal.export_rows_max == 0, "portal.export_rows_max"),
            (portal.rows_max == 0, "portal.rows_max"),
            (portal.index_batch_max == 0, "portal.index_batch_max"),
            (portal.failures_max == 0, "portal.failures_max"),
            (portal.idle_minutes == 0, "portal.idle_minutes"),
            (portal.powerful_idle_minutes == 0, "portal.powerful_idle_minutes"),
            (portal.session_hours == 0, "portal.session_hours"),
            (portal.redrive_decision_hours == 0, "portal.redrive_decision_hours"),
            (portal.redrive_per_minute_max == 0, "portal.redrive_per_minute_max"),
            (self.statistics.batch_max == 0, "statistics.batch_max"),
            (self.statistics.silent_hours == 0, "statistics.silent_hours"),
            (self.statistics.freeze_days == 0, "statistics.freeze_days"),
            (portal.sample_documents_max == 0, "portal.sample_documents_max"),
            (portal.samples_max == 0, "portal.samples_max"),
            (portal.upload_bytes_max == 0, "portal.upload_bytes_max"),
        ];
        let short = (
            self.statistics.detail_days < 31,
            "statistics.detail_days",
            "phải từ 31 trở lên: trang thống kê cho xem 30 ngày gần nhất",
            "must be at least 31: the page shows the last 30 days",
        );
        is_none.into_iter().map(|(is_wrong, setting)| (is_wrong, setting, ONE.0, ONE.1)).chain([short]).collect()
    }

    fn events(&self) -> Vec<Check> {
        const ONE: (&str, &str) = ("phải từ 1 trở lên", "must be at least 1");
        // They are put in line by one statement.
        const REPLAY_MAX: usize = 5000;
        vec![
            (
                numbers(&self.events.delays_seconds).is_none_or(|delays| delays.contains(&0)),
                "events.delays_seconds",
                "phải là các số lớn hơn 0, cách nhau bằng dấu phẩy",
                "must be numbers above 0, divided by commas",
            ),
            (self.events.term_hours == 0, "events.term_hours", ONE.0, ONE.1),
            (self.events.in_flight_per_webhook_max == 0, "events.in_flight_per_webhook_max", ONE.0, ONE.1),
            (
                !(1..=REPLAY_MAX).contains(&self.events.replay_max),
                "events.replay_max",
                "phải từ 1 đến 5000",
                "must be from 1 to 5000",
            ),
        ]
    }

    fn mails(&self) -> Vec<Check> {
        const ONE: (&str, &str) = ("phải từ 1 trở lên", "must be at least 1");
        const LIST: (&str, &str) =
            ("phải là các số lớn hơn 0, cách nhau bằng dấu phẩy", "must be numbers above 0, divided by commas");
        let mail = &self.mail;
        let is_list = |text: &str| numbers(text).is_some_and(|list| !list.contains(&0));
        let is_on = !mail.server.is_empty();
        vec![
            (
                is_on && !is_address(&mail.server),
                "mail.server",
                "phải có dạng máy:cổng, ví dụ mail.donvi.vn:587",
                "must be host:port, such as mail.agency.vn:587",
            ),
            (
                !matches!(mail.security.as_str(), "tls" | "starttls" | "none"),
                "mail.security",
                "phải là tls, starttls hoặc none",
                "must be tls, starttls or none",
            ),
            (
                is_on && !mail.from.contains('@'),
                "mail.from",
                "phải là một địa chỉ thư, ví dụ truc@donvi.vn",
                "must be a mail address, such as hub@agency.vn",
            ),
            (
                !mail.operator.is_empty() && !mail.operator.contains('@'),
                "mail.operator",
                "phải là một địa chỉ thư, hoặc để trống",
                "must be a mail address, or empty",
            ),
            (!is_list(&mail.delays_seconds), "mail.delays_seconds", LIST.0, LIST.1),
            (!is_list(&mail.key_days), "mail.key_days", LIST.0, LIST.1),
            (mail.timeout_seconds == 0, "mail.timeout_seconds", ONE.0, ONE.1),
            (mail.term_hours == 0, "mail.term_hours", ONE.0, ONE.1),
            (mail.tick_seconds == 0, "mail.tick_seconds", ONE.0, ONE.1),
            (mail.batch_max == 0, "mail.batch_max", ONE.0, ONE.1),
        ]
    }

    fn crons(&self) -> Vec<Check> {
        const SIX: (&str, &str) = (
            "phải gồm sáu trường đọc được: giây, phút, giờ, ngày, tháng, thứ",
            "must be six fields that can be read: second, minute, hour, day, month, weekday",
        );
        let jobs = &self.jobs;
        let all = [
            ("jobs.sweep_cron", &jobs.sweep_cron),
            ("jobs.records_cron", &jobs.records_cron),
            ("jobs.notices_cron", &jobs.notices_cron),
            ("jobs.digest_cron", &jobs.digest_cron),
            ("jobs.freeze_cron", &jobs.freeze_cron),
            ("jobs.key_notices_cron", &jobs.key_notices_cron),
            ("jobs.terms_cron", &jobs.terms_cron),
            ("jobs.selftest_cron", &jobs.selftest_cron),
            ("jobs.validity_cron", &jobs.validity_cron),
            ("jobs.statements_cron", &jobs.statements_cron),
            ("jobs.archives_cron", &jobs.archives_cron),
            ("jobs.redrive_cron", &jobs.redrive_cron),
            ("jobs.purge_cron", &jobs.purge_cron),
            ("jobs.accounts_cron", &jobs.accounts_cron),
        ];
        all.into_iter().map(|(setting, cron)| (!is_cron(cron), setting, SIX.0, SIX.1)).collect()
    }

    fn texts(&self) -> Vec<Check> {
        vec![
            (
                !is_address(&self.server.address),
                "server.address",
                "phải có dạng máy:cổng, ví dụ 127.0.0.1:8080",
                "must be host:port, such as 127.0.0.1:8080",
            ),
            (
                !is_database(self.database.url.expose_secret()),
                "database.url",
                "phải bắt đầu bằng sqlite:// hoặc postgres://",
                "must begin with sqlite:// or postgres://",
            ),
            (
                self.data.directory.as_os_str().is_empty(),
                "data.directory",
                "phải là tên một thư mục",
                "must name a directory",
            ),
            (
                networks(&self.metrics.allow).is_none(),
                "metrics.allow",
                "phải là các địa chỉ hoặc mạng cách nhau bằng dấu phẩy, ví dụ 127.0.0.1, 10.0.0.0/8",
                "must be addresses or networks with commas between, such as 127.0.0.1, 10.0.0.0/8",
            ),
            (
                Hours::of_text(&self.calendar.hours).is_none(),
                "calendar.hours",
                "phải là các khoảng giờ theo thứ tự, ví dụ 08:00-12:00, 13:00-17:00",
                "must be periods in order, such as 08:00-12:00, 13:00-17:00",
            ),
            (
                Registration::of_word(&self.directory.registration).is_none(),
                "directory.registration",
                "phải là closed, below hoặc open",
                "must be closed, below or open",
            ),
            (
                !self.relay.hub_name.is_empty() && OrganId::parse(&self.relay.hub_name).is_none(),
                "relay.hub_name",
                "phải gồm nhiều nhất 35 chữ, số và . _ -, bắt đầu và kết thúc bằng chữ hoặc số",
                "must be at most 35 letters, digits and . _ -, with a letter or digit at both ends",
            ),
            (
                system::ranges(&self.server.trusted_proxies).is_none(),
                "server.trusted_proxies",
                "phải là các địa chỉ hoặc dải địa chỉ như 10.0.0.0/8, cách nhau bằng dấu phẩy",
                "must be addresses or ranges such as 10.0.0.0/8, separated by commas",
            ),
            (
                !matches!(self.log.format.as_str(), "text" | "json"),
                "log.format",
                "phải là text hoặc json",
                "must be text or json",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(names: &[&str]) -> Vec<String> {
        of_environment(names.iter().map(|name| (*name).to_owned())).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_variable_with_single_underscores_is_named_with_its_right_spelling() {
        for name in
            ["DOCAXIS_SERVER_ADDRESS", "DOCAXIS_SERVER__ADDRESS", "DOCAXIS__SERVER_ADDRESS", "DOCAXIS_SERVER_ADRESS"]
        {
            let said = environment(&[name]).join("\n");
            assert!(said.starts_with(name) && said.contains("DOCAXIS__SERVER__ADDRESS"), "{name}: {said}");
        }
    }

    #[test]
    fn an_unknown_variable_is_named_with_the_nearest() {
        let said = environment(&["DOCAXIS__KEYS__LIVE_MAKS", "DOCAXIS__NOTHING"]);

        assert_eq!(said.len(), 2);
        assert!(said[0].contains("DOCAXIS__KEYS__LIVE_MAX"), "{said:?}");
    }

    #[test]
    fn days_that_are_shown_are_kept() {
        let named = |days| {
            let mut config = Config::default();
            config.statistics.detail_days = days;
            config.faults().iter().any(|fault| fault.to_string().contains("statistics.detail_days"))
        };
        assert_eq!([30, 31].map(named), [true, false]);
    }

    #[test]
    fn other_variables_are_left_alone() {
        let others = [
            "DOCAXIS_CONFIG",
            "DOCAXIS_HUB",
            "DOCAXIS_KEY",
            "DOCAXIS_KEY_FILE",
            "DOCAXIS_CA",
            "DOCAXIS_TEST_DATABASE",
            "PATH",
        ];
        assert_eq!(environment(&others), Vec::<String>::new());
    }

    #[test]
    fn a_filter_that_would_silence_the_log_is_a_fault() {
        for good in ["info", "warn,docaxis=debug", "off", "docaxis", "info/packet", "", "hyper::proto=trace"] {
            assert_eq!(filter_fault(good), None, "{good}");
        }
        for bad in ["inof", "debgu,access=info", "access=loud", "a=b=c", "warning"] {
            assert!(filter_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_cron_text_is_read_as_the_scheduler_reads_it() {
        for good in ["0 15 2 * * *", "*/10 * * * * *", "0 0 8 * * MON-FRI"] {
            assert!(is_cron(good), "{good}");
        }
        for bad in ["", "15 2 * * *", "0 61 2 * * *", "0 15 2 * * * 2026", "a b c d e f"] {
            assert!(!is_cron(bad), "{bad}");
        }
    }
}
