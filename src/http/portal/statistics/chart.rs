//! A chart of days, drawn as SVG: what it shows stands in a table beside it, so that it says nothing alone. No style within: the
//! look is in `portal.css`.

use super::super::words::Language;
use super::grouped;
use chrono::NaiveDate;

const WIDTH: i64 = 900;
const HEIGHT: i64 = 200;
/// Room for the numbers on the left and the days below.
const LEFT: i64 = 60;
const BELOW: i64 = 24;
/// Days that are named below, at most.
const NAMED: i64 = 10;

/// Bars of days: all of it, and in front of that the part that stands for success.
pub(super) fn of_days(days: &[(NaiveDate, i64, i64)], title: &str, l: Language) -> String {
    let most = days.iter().map(|(_, all, _)| *all).max().unwrap_or_default();
    let number = i64::try_from(days.len()).unwrap_or(i64::MAX);
    if most <= 0 {
        return String::new();
    }
    let (width, height) = (WIDTH - LEFT, HEIGHT - BELOW - 12);
    let tall = |number: i64| number.max(0).saturating_mul(height) / most;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\"><line class=\"axis\" x1=\"{LEFT}\" \
         y1=\"{0}\" x2=\"{WIDTH}\" y2=\"{0}\"/><text x=\"{1}\" y=\"20\" text-anchor=\"end\">{2}</text>\
         <text x=\"{1}\" y=\"{0}\" text-anchor=\"end\">0</text>",
        HEIGHT - BELOW,
        LEFT - 6,
        grouped(most, l),
    );
    for (place, (day, all, had)) in (0_i64..).zip(days) {
        let (x, next) = (LEFT + place * width / number, LEFT + (place + 1) * width / number);
        let wide = (next - x - 2).max(1);
        for (number, class) in [(*all, "sent"), (*had, "had")] {
            let tall = tall(number);
            svg.push_str(&format!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{wide}\" height=\"{tall}\"/>",
                HEIGHT - BELOW - tall
            ));
        }
        if place % (number / NAMED + 1) == 0 {
            let (middle, low) = (x + wide / 2, HEIGHT - 8);
            svg.push_str(&format!(
                "<text x=\"{middle}\" y=\"{low}\" text-anchor=\"middle\">{}</text>",
                day.format("%d/%m")
            ));
        }
    }
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_numbers_and_nothing_draws_nothing() {
        let day = |number| NaiveDate::from_ymd_opt(2026, 11, number).unwrap();
        let svg = of_days(&[(day(1), 10, 5), (day(2), 0, 0)], "Lượt gửi", Language::Vietnamese);

        assert!(svg.contains("class=\"sent\" x=\"60\" y=\"12\" width=\"418\" height=\"164\""), "{svg}");
        assert!(svg.contains("class=\"had\" x=\"60\" y=\"94\" width=\"418\" height=\"82\""), "{svg}");
        assert!(svg.contains(">01/11</text>") && !svg.contains("style"), "{svg}");
        assert_eq!(of_days(&[(day(1), 0, 0)], "", Language::Vietnamese), "");
    }
}
