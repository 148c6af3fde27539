//! The log: lines for people or JSON lines, times in ISO 8601 at +07:00. Never content, never secrets.

use crate::config::Log;
use crate::domain::dates::VIETNAM;
use crate::hub::Clock;
use chrono::SecondsFormat;
use env_filter::Filter;
use log::kv::{Error, Key, Value, VisitSource};
use serde_json::{Map, Value as Json};
use std::io::Write;
use std::sync::{PoisonError, RwLock};

/// What passes. Apart from env_logger's own, which cannot be changed once it is in place.
static FILTER: RwLock<Option<Filter>> = RwLock::new(None);

/// Lets env_logger write what the filter in force lets pass.
struct Filtered(env_logger::Logger);

impl log::Log for Filtered {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        let filter = FILTER.read().unwrap_or_else(PoisonError::into_inner);
        filter.as_ref().is_some_and(|filter| filter.enabled(metadata))
    }

    fn log(&self, record: &log::Record<'_>) {
        let filter = FILTER.read().unwrap_or_else(PoisonError::into_inner);
        let record = record.to_builder().level(level_of(record)).build();
        if filter.as_ref().is_some_and(|filter| filter.matches(&record)) {
            self.0.log(&record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// What ends a connection from the other side, by broken bytes or by leaving, is an error to the library that serves
/// HTTP. An error of ours is an accident of the hub that somebody has to look at.
fn level_of(record: &log::Record<'_>) -> log::Level {
    let is_of_a_connection = record.level() == log::Level::Error
        && record.target() == "actix_http::h1::dispatcher"
        && record.args().to_string().starts_with("stream error: ");
    if is_of_a_connection { log::Level::Warn } else { record.level() }
}

/// The library of the schedule tells on every start what is no news.
const QUIET: &str = "tokio_cron_scheduler=warn";

/// Puts another filter in force.
pub fn set_filter(text: &str) {
    let with_quiet = format!("{QUIET},{text}");
    let text = if text.contains("tokio_cron_scheduler") { text } else { with_quiet.as_str() };
    let mut builder = env_filter::Builder::new();
    // `config check` has said whether it can be read.
    builder.parse(text);
    let filter = builder.build();
    log::set_max_level(filter.filter());
    *FILTER.write().unwrap_or_else(PoisonError::into_inner) = Some(filter);
}

/// Sets the log of this process up, to standard error. A second call changes nothing.
pub fn start(settings: &Log) {
    let json = settings.format == "json";
    let mut builder = env_logger::Builder::new();
    builder.filter_level(log::LevelFilter::Trace).format(move |out, record| {
        let time = Clock::System.now().with_timezone(&VIETNAM).to_rfc3339_opts(SecondsFormat::Millis, false);
        match json {
            true => writeln!(out, "{}", json_line(&time, record)),
            false => writeln!(out, "{}", text_line(&time, record)),
        }
    });
    // A logger is in place already when several hubs share a process, as in tests.
    if log::set_boxed_logger(Box::new(Filtered(builder.build()))).is_ok() {
        set_filter(&settings.filter);
    }
}

/// `time LEVEL target: message key=value …`
fn text_line(time: &str, record: &log::Record<'_>) -> String {
    let mut line = format!("{time} {:<5} {}: {}", record.level(), record.target(), record.args());
    for (key, value) in fields(record) {
        let plain = |text: &&str| !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && c != '"');
        let shown = value.as_str().filter(plain).map_or_else(|| value.to_string(), str::to_owned);
        line.push_str(&format!(" {key}={shown}"));
    }
    // One event is one line, whatever a message holds.
    line.replace('\r', "\\r").replace('\n', "\\n")
}

/// One JSON object; the fields stand beside `time`, `level`, `target` and `message`.
fn json_line(time: &str, record: &log::Record<'_>) -> String {
    let mut line = Map::new();
    for (key, value) in fields(record) {
        line.insert(key, value);
    }
    line.insert("time".to_owned(), time.into());
    line.insert("level".to_owned(), record.level().as_str().into());
    line.insert("target".to_owned(), record.target().into());
    line.insert("message".to_owned(), record.args().to_string().into());
    Json::Object(line).to_string()
}

fn fields(record: &log::Record<'_>) -> Vec<(String, Json)> {
    struct Fields(Vec<(String, Json)>);
    impl<'kvs> VisitSource<'kvs> for Fields {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
            self.0.push((key.as_str().to_owned(), json(&value)));
            Ok(())
        }
    }
    let mut all = Fields(Vec::new());
    // `visit_pair` never fails.
    let _ = record.key_values().visit(&mut all);
    all.0
}

fn json(value: &Value<'_>) -> Json {
    let number = value.to_u64().map(Json::from).or_else(|| value.to_i64().map(Json::from));
    let number = number.or_else(|| value.to_f64().map(Json::from));
    number.or_else(|| value.to_bool().map(Json::from)).unwrap_or_else(|| Json::from(value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[(&str, Value<'static>)] = &[];

    fn with_record<T>(fields: &[(&str, Value<'_>)], read: impl FnOnce(&log::Record<'_>) -> T) -> T {
        let mut builder = log::Record::builder();
        let fields: Vec<(&str, Value<'_>)> = fields.to_vec();
        builder.level(log::Level::Info).target("docaxis").key_values(&fields);
        read(&builder.args(format_args!("one\ntwo")).build())
    }

    #[test]
    fn one_event_is_one_line_of_text() {
        let fields =
            [("envelope.id", Value::from("e1")), ("duration_ms", Value::from(12)), ("note", Value::from("a b"))];

        let line = with_record(&fields, |record| text_line("T", record));

        assert_eq!(line, r#"T INFO  docaxis: one\ntwo envelope.id=e1 duration_ms=12 note="a b""#);
    }

    #[test]
    fn what_a_client_breaks_is_no_error_of_the_hub() {
        let of = |target: &str, message: &str| {
            level_of(
                &log::Record::builder().level(log::Level::Error).target(target).args(format_args!("{message}")).build(),
            )
        };
        let broken = "stream error: request parse error: invalid header provided";

        assert_eq!(of("actix_http::h1::dispatcher", broken), log::Level::Warn);
        assert_eq!(of("actix_http::h1::dispatcher", "write zero; closing"), log::Level::Error);
        assert_eq!(of("docaxis::store", broken), log::Level::Error);
    }

    #[test]
    fn json_keeps_the_types_of_fields() {
        let fields = [("envelope.id", Value::from("e1")), ("duration_ms", Value::from(12)), ("ok", Value::from(true))];

        let line = with_record(&fields, |record| json_line("T", record));

        let read: Json = serde_json::from_str(&line).unwrap();
        assert_eq!(read["envelope.id"], "e1");
        assert_eq!(read["duration_ms"], 12);
        assert_eq!(read["ok"], true);
        assert_eq!(read["message"], "one\ntwo");
        assert_eq!(read["time"], "T");
    }

    #[test]
    fn a_field_cannot_pass_for_the_time_of_a_line() {
        let line = with_record(&[("time", Value::from("forged"))], |record| json_line("T", record));

        assert_eq!(serde_json::from_str::<Json>(&line).unwrap()["time"], "T");
        assert!(with_record(FIELDS, |record| text_line("T", record)).starts_with("T INFO"));
    }
}
