//! The calendar: forty dates, the deadlines around them, and the law that ties a deadline to what is overdue.

use super::*;
use chrono::NaiveDateTime;
use proptest::prelude::*;

const URGENT: [TimeDelta; 3] = [TimeDelta::minutes(30), TimeDelta::minutes(60), TimeDelta::minutes(120)];

fn calendar_with(more: &str) -> Calendar {
    Calendar::new(more, Hours::of_text("08:00-12:00, 13:00-17:00").unwrap(), URGENT).unwrap()
}

/// `dd/MM/yyyy HH:mm` in Vietnam.
fn at(text: &str) -> DateTime<Utc> {
    let local = NaiveDateTime::parse_from_str(text, "%d/%m/%Y %H:%M").unwrap();
    VIETNAM.from_local_datetime(&local).unwrap().with_timezone(&Utc)
}

/// Days of three years: whether agencies work, and why it is worth a line.
const FORTY_DAYS: [(&str, bool, &str); 40] = [
    ("01/01/2025", false, "New Year"),
    ("02/01/2025", true, "the day after"),
    ("24/01/2025", true, "Friday before Tết"),
    ("27/01/2025", false, "28 Chạp"),
    ("29/01/2025", false, "Tết Ất Tỵ"),
    ("31/01/2025", false, "third day"),
    ("01/02/2025", false, "Saturday in Tết"),
    ("03/02/2025", true, "first Monday after Tết"),
    ("07/04/2025", false, "Hùng Kings on a Monday"),
    ("26/04/2025", true, "Saturday that is worked"),
    ("27/04/2025", false, "Sunday"),
    ("30/04/2025", false, "Reunification"),
    ("01/05/2025", false, "Labour"),
    ("02/05/2025", false, "swapped Friday"),
    ("05/05/2025", true, "Monday after"),
    ("01/09/2025", false, "beside National Day"),
    ("02/09/2025", false, "National Day"),
    ("24/11/2025", true, "not yet a holiday"),
    ("01/01/2026", false, "New Year"),
    ("02/01/2026", false, "swapped Friday"),
    ("10/01/2026", true, "Saturday that is worked"),
    ("13/02/2026", true, "Friday before Tết"),
    ("16/02/2026", false, "29 Chạp"),
    ("20/02/2026", false, "fourth day"),
    ("23/02/2026", true, "first Monday after Tết"),
    ("26/04/2026", false, "Hùng Kings on a Sunday"),
    ("27/04/2026", false, "made up on Monday"),
    ("22/08/2026", true, "Saturday that is worked"),
    ("31/08/2026", false, "swapped Monday"),
    ("03/09/2026", true, "after National Day"),
    ("21/11/2026", false, "an ordinary Saturday"),
    ("23/11/2026", true, "Monday before"),
    ("24/11/2026", false, "Vietnam Culture Day, the first"),
    ("25/11/2026", true, "the day after"),
    ("08/02/2027", false, "third day of Tết Đinh Mùi"),
    ("12/02/2027", true, "after Tết"),
    ("16/04/2027", false, "Hùng Kings on a Friday"),
    ("03/05/2027", false, "for Labour Day on a Saturday"),
    ("04/05/2027", true, "after"),
    ("24/11/2027", false, "Vietnam Culture Day"),
];

#[test]
fn forty_days_of_three_years_are_worked_or_not() {
    let calendar = calendar_with("");
    let wrong: Vec<_> = FORTY_DAYS
        .into_iter()
        .filter(|(day, worked, _)| calendar.is_working(NaiveDate::parse_from_str(day, "%d/%m/%Y").unwrap()) != *worked)
        .collect();

    assert_eq!(wrong, []);
}

#[test]
fn a_document_is_received_on_the_working_day_on_which_it_came_or_the_next() {
    let calendar = calendar_with("");
    for (accepted, due, why) in [
        ("23/11/2026 08:15", "23/11/2026 17:00", "in the morning"),
        ("23/11/2026 06:00", "23/11/2026 17:00", "before opening"),
        ("23/11/2026 12:30", "23/11/2026 17:00", "at noon"),
        ("23/11/2026 16:59", "23/11/2026 17:00", "just before closing"),
        ("23/11/2026 17:00", "25/11/2026 17:00", "at closing, the next day is a holiday"),
        ("24/11/2025 09:00", "24/11/2025 17:00", "the year before it was none"),
        ("20/11/2026 20:00", "23/11/2026 17:00", "on a Friday evening"),
        ("25/04/2025 18:00", "26/04/2025 17:00", "before a Saturday that is worked"),
        ("13/02/2026 17:30", "23/02/2026 17:00", "on the eve of Tết"),
        ("29/04/2027 23:59", "04/05/2027 17:00", "before four days off"),
    ] {
        assert_eq!(calendar.receive_by(at(accepted), Urgency::Normal), at(due), "{why}");
    }
}

#[test]
fn what_is_urgent_runs_by_day_and_by_night() {
    let calendar = calendar_with("");
    for (urgency, due) in [
        (Urgency::Express, "17/02/2026 00:20"),
        (Urgency::ExpressAtHour, "17/02/2026 00:20"),
        (Urgency::VeryUrgent, "17/02/2026 00:50"),
        (Urgency::Urgent, "17/02/2026 01:50"),
    ] {
        assert_eq!(calendar.receive_by(at("16/02/2026 23:50"), urgency), at(due));
    }
}

#[test]
fn working_time_leaves_out_nights_noons_and_days_off() {
    let calendar = calendar_with("");
    for (from, until, minutes) in [
        ("20/11/2026 16:45", "23/11/2026 08:15", 30),
        ("23/11/2026 08:00", "23/11/2026 17:00", 480),
        ("23/11/2026 11:30", "23/11/2026 13:30", 60),
        ("13/02/2026 16:00", "23/02/2026 09:00", 120),
        ("23/11/2026 16:00", "25/11/2026 09:00", 120),
        ("23/11/2026 10:00", "23/11/2026 09:00", 0),
    ] {
        assert_eq!(calendar.working_time(at(from), at(until)).num_minutes(), minutes, "{from} {until}");
    }
}

#[test]
fn a_file_adds_days_and_takes_the_place_of_known_ones() {
    let calendar = calendar_with("# ours\n2026-11-23 off Bão / storm\n\n2026-11-24 work Trực / on duty\n");

    let due = calendar.receive_by(at("23/11/2026 09:00"), Urgency::Normal);

    assert_eq!(due, at("24/11/2026 17:00"));
}

#[test]
fn a_line_that_cannot_be_read_is_told_by_its_number() {
    let hours = Hours::of_text("08:00-17:00").unwrap();
    for line in ["2026-11-31 off x", "24/11/2026 off x", "2026-11-24 free x", "2026-11-24 off", "x"] {
        let fault = Calendar::new(&format!("# days\n{line}\n"), hours.clone(), URGENT).unwrap_err();
        assert_eq!(fault, LineFault(2), "{line}");
    }
}

#[test]
fn hours_are_periods_in_order() {
    for bad in ["", "08:00", "12:00-08:00", "08:00-12:00, 11:00-17:00", "08:00-25:00", "8-12"] {
        assert_eq!(Hours::of_text(bad), None, "{bad}");
    }
    assert!(Hours::of_text("07:30-11:30,13:30-17:00").is_some());
}

proptest! {
    #[test]
    fn overdue_is_what_should_have_been_received_before_now(accepted in 0_i64..1_500_000, later in 0_i64..40_000, urgency in 0_u8..4) {
        let calendar = calendar_with("");
        let minutes = |minutes: i64| at("01/01/2025 00:00") + TimeDelta::minutes(minutes);
        let (accepted, now) = (minutes(accepted), minutes(accepted + later));
        let urgency = Urgency::of_number(&urgency.to_string());

        let is_overdue = calendar.receive_by(accepted, urgency) < now;

        prop_assert_eq!(is_overdue, accepted < calendar.overdue_before(now, urgency));
    }
}
