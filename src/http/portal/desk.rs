//! What those see and do who look after the hub: what is stuck, how recipients are doing, what is started anew. Each screen is
//! a file in `desk/`. Not here: who may (`exchange::sessions::Person`), what it does (`exchange::room`, `stuck`,
//! `recipients`, `redrives`).

mod bulletins;
mod recipient;
mod redrive;
mod room;
mod stuck;

use super::super::problem::Problem;
use super::Page;
use super::fields::Fields;
use super::words::Language;
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use chrono::TimeDelta;

/// The screens and what is done on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskOperation {
    /// Whether the hub is well.
    Room,
    /// What agencies are told.
    Bulletins,
    /// Tells them, or takes it back.
    ChangeBulletins,
    /// What has failed and what waits.
    Stuck,
    /// How a recipient is doing.
    Recipient,
    /// Changes what becomes of its queue.
    DirectRecipient,
    /// What starting a group anew would do.
    Preview,
    /// Starts it, or proposes to.
    Propose,
    /// What was started.
    Redrives,
    /// How far one is.
    Redrive,
    /// Takes a step with it.
    DirectRedrive,
}

/// Answers one operation; `id` is what the path names.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; those of the use cases.
pub(super) async fn answer(
    operation: DeskOperation,
    page: &Page<'_>,
    (person, id): (&Person, &str),
    fields: &Fields,
) -> Result<HttpResponse, Problem> {
    match operation {
        DeskOperation::Room => room::page(page, person).await,
        DeskOperation::Bulletins => bulletins::page(page, person).await,
        DeskOperation::ChangeBulletins => bulletins::change(page, person, fields).await,
        DeskOperation::Stuck => stuck::page(page, person).await,
        DeskOperation::Recipient => recipient::page(page, person, id).await,
        DeskOperation::DirectRecipient => recipient::direct(page, person, id, fields).await,
        DeskOperation::Preview => redrive::preview(page, person, fields).await,
        DeskOperation::Propose => redrive::propose(page, person, fields).await,
        DeskOperation::Redrives => redrive::list(page, person).await,
        DeskOperation::Redrive => redrive::page(page, person, id).await,
        DeskOperation::DirectRedrive => redrive::direct(page, person, id, fields).await,
    }
}

/// A length of time as people read it: its two largest units.
pub(super) fn span(time: TimeDelta, l: Language) -> String {
    let seconds = time.num_seconds().max(0);
    let units = [
        (seconds / 86_400, l.pick("ngày", "d")),
        (seconds / 3600 % 24, l.pick("giờ", "h")),
        (seconds / 60 % 60, l.pick("phút", "min")),
        (seconds % 60, l.pick("giây", "s")),
    ];
    let from_first = units.into_iter().skip_while(|(number, _)| *number == 0).take(2);
    let told: Vec<String> =
        from_first.filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number} {unit}")).collect();
    if told.is_empty() { format!("0 {}", l.pick("giây", "s")) } else { told.join(" ") }
}

/// A number as people read it, in groups of three digits.
pub(super) fn grouped(number: i64, l: Language) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place) % 3 == 0 {
            text.push_str(l.pick(".", ","));
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_are_read_in_both_languages() {
        assert_eq!(span(TimeDelta::seconds(90_061), Language::Vietnamese), "1 ngày 1 giờ");
        assert_eq!(span(TimeDelta::seconds(3_600), Language::English), "1 h");
        assert_eq!(span(TimeDelta::seconds(-5), Language::Vietnamese), "0 giây");
        assert_eq!(grouped(1_234_567, Language::Vietnamese), "1.234.567");
        assert_eq!(grouped(-999, Language::English), "-999");
        assert_eq!(grouped(100_000, Language::English), "100,000");
    }
}
