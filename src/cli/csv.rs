//! Comma-separated values as RFC 4180 and spreadsheets write them. Not here: what the columns mean.

/// The rows of a file: fields in quotes may hold separators, line ends and doubled quotes. The separator is
/// a comma, or a semicolon where the first line has more of those (Vietnamese spreadsheets write it so).
pub fn rows(text: &str) -> Vec<Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let head = text.lines().next().unwrap_or_default();
    let separator = if head.matches(';').count() > head.matches(',').count() { ';' } else { ',' };
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted => quoted = false,
            _ if quoted => field.push(sign),
            '"' if field.is_empty() => quoted = true,
            '\r' if signs.peek() == Some(&'\n') => {}
            '\n' => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            _ if sign == separator => row.push(std::mem::take(&mut field)),
            _ => field.push(sign),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows.retain(|row| row.iter().any(|field| !field.trim().is_empty()));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_separators_line_ends_and_quotes() {
        let read = rows("\u{feff}code,name\r\nA,\"Sở \"\"Một\"\", Hai\nBa\"\r\n\r\nB,\n");

        assert_eq!(read, [vec!["code", "name"], vec!["A", "Sở \"Một\", Hai\nBa"], vec!["B", ""]]);
    }

    #[test]
    fn a_spreadsheet_may_separate_by_semicolons() {
        assert_eq!(rows("code;name\nA;Sở Một, Hai"), [["code", "name"], ["A", "Sở Một, Hai"]]);
    }

    #[test]
    fn an_empty_file_has_no_rows() {
        assert!(rows("\n\r\n").is_empty());
    }
}
