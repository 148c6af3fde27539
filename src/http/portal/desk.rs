//! What those see and do who look after the hub: what is stuck, how recipients are doing, what is started anew, what is destroyed. Each screen is
//! a file in `desk/`. Not here: who may (`exchange::sessions::Person`), what it does (`exchange::room`, `stuck`,
//! `recipients`, `redrives`, `purge`, `holds`).

mod bulletins;
mod holds;
mod incidents;
mod purge;
pub(super) mod recipient;
mod redrive;
mod room;
mod stuck;

use super::super::problem::Problem;
use super::Page;
use super::fields::Fields;
use super::words::{Language, Tag};
use crate::domain::rules::Wording;
use crate::domain::undertaking::{UndertakingState, UndertakingStep};
use crate::exchange::ExchangeError;
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use chrono::TimeDelta;

/// The screens and what is done on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskOperation {
    /// Whether the hub is well.
    Room,
    /// What is wrong and what was.
    Incidents,
    /// The same as a table for spreadsheets.
    IncidentsTable,
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
    /// What was destroyed, or is to be.
    Purges,
    /// What a purge would destroy.
    PreviewPurge,
    /// Proposes one.
    ProposePurge,
    /// How far one is.
    Purge,
    /// Takes a step with it.
    DirectPurge,
    /// Its certificate.
    Certificate,
    /// What must stay.
    Holds,
    /// Places a hold, or lifts it.
    ChangeHolds,
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
        DeskOperation::Incidents => incidents::page(page, person, fields).await,
        DeskOperation::IncidentsTable => incidents::table(page, person, fields).await,
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
        DeskOperation::Purges => purge::list(page, person).await,
        DeskOperation::PreviewPurge => purge::preview(page, person, fields).await,
        DeskOperation::ProposePurge => purge::propose(page, person, fields).await,
        DeskOperation::Purge => purge::page(page, person, id).await,
        DeskOperation::DirectPurge => purge::direct(page, person, id, fields).await,
        DeskOperation::Certificate => purge::certificate(page, person, id).await,
        DeskOperation::Holds => holds::page(page, person, fields).await,
        DeskOperation::ChangeHolds => holds::change(page, person, fields).await,
    }
}

/// How something stands that two people decide on.
pub(super) fn standing(state: UndertakingState, page: &Page<'_>) -> Tag {
    let look = match state {
        UndertakingState::Proposed | UndertakingState::Paused => "waiting",
        UndertakingState::Running | UndertakingState::Done => "good",
        UndertakingState::Refused | UndertakingState::Lapsed => "bad",
        UndertakingState::Stopped => "quiet",
    };
    Tag { text: page.say(&state.name()).to_owned(), look }
}

/// What a step is called on its button.
pub(super) fn step_name(step: UndertakingStep, state: UndertakingState, page: &Page<'_>) -> &'static str {
    match (step, state) {
        (UndertakingStep::Approve, _) => page.t("Duyệt", "Approve"),
        (UndertakingStep::Refuse, _) => page.t("Không duyệt", "Refuse"),
        (UndertakingStep::Pause, _) => page.t("Tạm dừng", "Pause"),
        (UndertakingStep::Resume, _) => page.t("Tiếp tục", "Resume"),
        (UndertakingStep::Stop, UndertakingState::Proposed) => page.t("Rút đề xuất", "Take the proposal back"),
        (UndertakingStep::Stop, _) => page.t("Dừng hẳn", "Stop"),
    }
}

/// The step that a button stands for.
pub(super) fn step_of(fields: &Fields) -> Result<UndertakingStep, ExchangeError> {
    UndertakingStep::of_word(fields.get("step"))
        .ok_or_else(|| ExchangeError::Malformed(Wording::new("Không có thao tác này", "There is no such step")))
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
