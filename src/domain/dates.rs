//! Dates and time stamps in the forms that the field sends.
//! A time without a zone is Vietnamese time, +07:00.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone, Utc};

/// Vietnamese time, +07:00; the country keeps no daylight saving.
pub const VIETNAM: FixedOffset = match FixedOffset::east_opt(7 * 3600) {
    Some(offset) => offset,
    None => unreachable!(),
};

/// A date: `yyyy/MM/dd`, `dd/MM/yyyy`, `yyyy-MM-dd` or ISO 8601 with a time. The place of the four-digit
/// year decides the order. Nothing when the text is none of these or no day of the calendar.
pub fn date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let day = text.split_once('T').map_or(text, |(day, _)| day);
    if day.len() != text.len() && timestamp(text).is_none() {
        return None;
    }
    let parts: Vec<&str> = day.split(['/', '-']).collect();
    let [a, b, c] = parts.as_slice() else { return None };
    let (year, month, dom) = match (a.len(), c.len()) {
        (4, _) => (a, b, c),
        (_, 4) if day.contains('/') => (c, b, a),
        _ => return None,
    };
    let short = |s: &str| (1..=2).contains(&s.len());
    if !short(month) || !short(dom) || day.contains('/') && day.contains('-') {
        return None;
    }
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse::<u32>().ok()).flatten();
    NaiveDate::from_ymd_opt(i32::try_from(digits(year)?).ok()?, digits(month)?, digits(dom)?)
}

/// A time stamp: `yyyy/MM/dd HH:mm:ss`, `dd/MM/yyyy HH:mm:ss`, ISO 8601 with or without zone, or a date
/// alone (midnight). No zone means Vietnamese time.
pub fn timestamp(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(zoned) = DateTime::parse_from_rfc3339(text) {
        return Some(zoned.with_timezone(&Utc));
    }
    if let Ok(zoned) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z") {
        return Some(zoned.with_timezone(&Utc));
    }
    let forms = ["%Y/%m/%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let local = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let local = match local {
        Some(local) => local,
        None if text.contains('T') => return None,
        None => date(text)?.and_hms_opt(0, 0, 0)?,
    };
    VIETNAM.from_local_datetime(&local).single().map(|t| t.with_timezone(&Utc))
}

/// The beginning of a day in Vietnam.
pub fn beginning(day: NaiveDate) -> Option<DateTime<Utc>> {
    let local = day.and_time(NaiveTime::MIN).and_local_timezone(VIETNAM).single()?;
    Some(local.with_timezone(&Utc))
}

/// The day in Vietnam, `yyyy-MM-dd`.
pub fn day_of(at: DateTime<Utc>) -> String {
    at.with_timezone(&VIETNAM).date_naive().to_string()
}

/// A time in ISO 8601 with Vietnam's offset, always at microseconds.
pub fn for_machines(at: DateTime<Utc>) -> String {
    at.with_timezone(&VIETNAM).to_rfc3339_opts(SecondsFormat::Micros, false)
}

/// A time as people read it: dd/MM/yyyy HH:mm, in Vietnam.
pub fn for_people(at: DateTime<Utc>) -> String {
    at.with_timezone(&VIETNAM).format("%d/%m/%Y %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_date_forms_name_the_same_day() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 3);
        for text in ["2026/11/03", "2026/11/3", "03/11/2026", "2026-11-03", "2026-11-03T08:30:00+07:00"] {
            assert_eq!(date(text), day, "{text}");
        }
    }

    #[test]
    fn impossible_and_unreadable_days_are_none() {
        for text in ["2026/02/30", "2026/13/01", "20261103", "03-11-2026", "2026/11", "hôm qua", "2026-11-03Tx"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_vietnamese() {
        let utc = DateTime::parse_from_rfc3339("2026-11-03T01:30:00Z").ok().map(|t| t.with_timezone(&Utc));
        for text in ["2026/11/03 08:30:00", "03/11/2026 08:30:00", "2026-11-03T01:30:00Z", "2026-11-03T08:30:00+0700"] {
            assert_eq!(timestamp(text), utc, "{text}");
        }
    }
}
