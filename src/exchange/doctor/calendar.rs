//! Whether the days that agencies work are known for long enough.

use super::{Finding, Severity, finding};
use crate::domain::calendar::Calendar;
use crate::domain::dates::VIETNAM;
use chrono::{DateTime, Datelike, TimeDelta, Utc};

/// The days of the next year are to be known this long before it begins: they are announced in the last months of a year.
const CALENDAR_NOTICE: TimeDelta = TimeDelta::days(45);

/// Whether the year after the last one whose days are known is near, or has begun.
pub(super) fn examine(calendar: &Calendar, now: DateTime<Utc>) -> Option<Finding> {
    let year = |at: DateTime<Utc>| at.with_timezone(&VIETNAM).year();
    let soon = now.checked_add_signed(CALENDAR_NOTICE).map_or(year(now), year);
    let known = calendar.known_until().map_or(0, |day| day.year());
    (soon > known).then(|| {
        let words = (
            format!("ngày nghỉ lễ chỉ biết đến hết năm {known}: sau đó hạn xử lý và \"quá hạn\" coi ngày lễ là ngày làm việc"),
            format!("public holidays are known until the end of {known}: after that, deadlines and what is overdue take them for working days"),
        );
        finding(Severity::Warning, "calendar.ends", words, (
            "ghi ngày nghỉ và ngày làm bù của năm sau vào tệp calendar.days_file, rồi khởi động lại",
            "put the next year's days off and days made up into the file of calendar.days_file, and restart",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::Hours;

    fn code(more: &str, now: &str) -> Option<&'static str> {
        let hours = Hours::of_text("08:00-17:00").unwrap();
        let calendar = Calendar::new(more, hours, [TimeDelta::hours(1); 3]).unwrap();
        examine(&calendar, now.parse().unwrap()).map(|finding| finding.code)
    }

    #[test]
    fn whoever_knows_no_days_of_the_year_that_is_near_is_told() {
        assert_eq!(code("", "2027-11-16T16:59:59Z"), None);
        assert_eq!(code("", "2027-11-16T17:00:00Z"), Some("calendar.ends"));
        assert_eq!(code("", "2031-06-01T00:00:00Z"), Some("calendar.ends"));
        assert_eq!(code("2028-01-01 off Tết", "2027-12-31T00:00:00Z"), None);
    }
}
