//! The result sheet of a self-test as a page to print: Vietnamese first, English under it. One file without anything
//! fetched from elsewhere; readable in grey, since each verdict is a word and a sign.

use crate::domain::dates::VIETNAM;
use crate::domain::selftest::{self as cases, Judgement};
use crate::domain::text::escaped;
use crate::exchange::selftest::{CaseLine, RunView};
use chrono::{DateTime, Utc};

const STYLE: &str = "body{font-family:'Noto Serif','Times New Roman',serif;line-height:1.5;max-width:60rem;margin:2rem auto;\
padding:0 1rem}table{border-collapse:collapse;width:100%}td,th{border:1px solid #888;padding:.35rem .5rem;text-align:left;\
vertical-align:top}thead{display:table-header-group}tr{break-inside:avoid}.en{color:#444;font-size:.9em}\
.nowrap{white-space:nowrap}@page{size:A4;margin:15mm}";

/// The page.
pub fn page(view: &RunView) -> String {
    let (vi, en) = match (view.finished_at, view.certificate.is_some()) {
        (None, _) => ("Đang chạy", "Running"),
        (Some(_), true) => ("ĐẠT – đã cấp giấy chứng nhận", "PASSED – certified"),
        (Some(_), false) => ("Đã kết thúc – chưa đủ điều kiện cấp giấy chứng nhận", "Finished – not certified"),
    };
    let facts = [
        ("Hệ thống", "System", escaped(&view.system_id)),
        ("Đơn vị được kiểm thử", "Tested agency", escaped(&view.agency)),
        ("Mã lượt", "Run", escaped(&view.run_id)),
        ("Bộ ca kiểm thử", "Case set", escaped(&view.case_set)),
        ("Bắt đầu", "Began", time(view.started_at)),
        ("Kết thúc", "Ended", view.finished_at.map_or_else(|| format!("chậm nhất {}", time(view.ends_at)), time)),
        (
            "Kết quả",
            "Result",
            format!(
                "<strong>{vi}</strong> ({en}): {} đạt, {} không đạt, {} chờ",
                view.count("passed"),
                view.count("failed"),
                view.count("waiting")
            ),
        ),
    ];
    let facts: String = facts
        .iter()
        .map(|(vi, en, what)| {
            format!("<tr><th scope=\"row\">{vi}<br><span class=\"en\">{en}</span></th><td>{what}</td></tr>\n")
        })
        .collect();
    let rows: String = view.lines.iter().map(|line| row(view, line)).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"vi\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Phiếu kết quả tự kiểm tra {agency}</title><style>{STYLE}</style></head>\n<body>\
         <h1>PHIẾU KẾT QUẢ TỰ KIỂM TRA KẾT NỐI<br><span class=\"en\">Result sheet of the connection self-test</span></h1>\n\
         <table>{facts}</table>\n<h2>Các ca kiểm thử <span class=\"en\">/ Cases</span></h2>\n\
         <table><thead><tr><th>Ca</th><th>Nội dung <span class=\"en\">/ Case</span></th>\
         <th>Kết quả <span class=\"en\">/ Verdict</span></th><th>Ghi chú <span class=\"en\">/ Notes</span></th></tr></thead>\n\
         <tbody>{rows}</tbody></table>\n</body></html>\n",
        agency = escaped(&view.agency),
    )
}

fn row(view: &RunView, line: &CaseLine) -> String {
    let case = cases::find(&line.code);
    let (title_vi, title_en) = case.map_or(("", ""), |case| (case.title.vi, case.title.en));
    let need = if case.is_some_and(|case| case.mandatory) { "" } else { " <em>(khuyến nghị / recommended)</em>" };
    let (verdict, note) = match (&line.judgement, case) {
        (Judgement::Passed, _) => ("✓ Đạt<br><span class=\"en\">passed</span>", String::new()),
        (Judgement::Waiting, Some(case)) => {
            let (vi, en) = case.task_in(&view.names);
            ("… Chờ<br><span class=\"en\">waiting</span>", two(&vi, &en))
        }
        (Judgement::Waiting, None) => ("… Chờ<br><span class=\"en\">waiting</span>", String::new()),
        (Judgement::Failed(why), case) => {
            let remedy = case.map(|case| two(case.remedy.vi, case.remedy.en)).unwrap_or_default();
            ("✗ Không đạt<br><span class=\"en\">failed</span>", two(&why.vi, &why.en) + "<br>" + &remedy)
        }
    };
    let refused = match line.refused.is_empty() {
        true => String::new(),
        false => format!("<br>Gói tin bị từ chối / refused: {}", escaped(&line.refused.join("; "))),
    };
    format!(
        "<tr><td class=\"nowrap\">{}</td><td>{}{need}<br><span class=\"en\">{}</span></td><td class=\"nowrap\">{verdict}</td>\
         <td>{note}{refused}</td></tr>\n",
        escaped(&line.code),
        escaped(title_vi),
        escaped(title_en),
    )
}

fn two(vi: &str, en: &str) -> String {
    format!("{}<br><span class=\"en\">{}</span>", escaped(vi), escaped(en))
}

fn time(at: DateTime<Utc>) -> String {
    at.with_timezone(&VIETNAM).format("%d/%m/%Y %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rules::Wording;
    use crate::domain::selftest::RunName;

    #[test]
    fn what_a_system_wrote_cannot_become_markup() {
        let why = Wording { vi: "Lý do «<script>»".into(), en: "reason".into() };
        let line = CaseLine {
            code: "07".into(),
            judgement: Judgement::Failed(why),
            refused: vec!["<b>".into()],
            judged_at: DateTime::UNIX_EPOCH,
        };
        let view = RunView {
            run_id: "r".into(),
            system_id: "s<i>".into(),
            agency: "X99.B02".into(),
            case_set: "1".into(),
            started_at: DateTime::UNIX_EPOCH,
            ends_at: DateTime::UNIX_EPOCH,
            finished_at: None,
            names: RunName::new("r", DateTime::UNIX_EPOCH.date_naive()),
            lines: vec![line],
            certificate: None,
        };

        let page = page(&view);

        assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("<i>"), "{page}");
        assert!(page.contains("✗ Không đạt") && page.contains("&lt;script&gt;"));
    }
}
