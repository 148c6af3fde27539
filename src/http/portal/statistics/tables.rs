//! The tables of the statistics: what stands in them, in the language of the page. Not here: how they are drawn or written.

use super::super::Page;
use super::super::desk::span;
use super::chart;
use crate::domain::dates;
use crate::domain::measure::{MEASURES, Measure, Sums, measure, slice_name};
use crate::domain::tally::{ATTEMPTS, CAUSES, DELAYS, KINDS, ROUTES, RULES, Scope, TYPES, URGENCIES, WHOLE, what};
use crate::exchange::statistics::{Everybody, Side, View};
use chrono::TimeDelta;

/// What stands in a cell.
pub(super) enum Item {
    Text(String),
    Number(i64),
    /// In thousandths.
    Share(Option<i64>),
}

impl Item {
    pub(super) fn is_number(&self) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Number(_) | Self::Share(_) => true,
        }
    }
}

/// A row.
pub(super) struct Row {
    pub(super) items: Vec<Item>,
    /// What more is to be known, below the first cell.
    pub(super) note: String,
    /// Length of the bar at its end, in hundredths.
    pub(super) bar: Option<i64>,
}

impl Row {
    fn of(items: Vec<Item>) -> Self {
        Self { items, note: String::new(), bar: None }
    }
}

/// A table.
pub(super) struct Table {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
}

impl Table {
    pub(super) fn has_bars(&self) -> bool {
        self.rows.iter().any(|row| row.bar.is_some())
    }

    /// Gives each row a bar by its first number, the largest being the longest.
    fn with_bars(mut self) -> Self {
        let number = |row: &Row| match row.items.get(1) {
            Some(Item::Number(number)) => *number,
            Some(Item::Text(_) | Item::Share(_)) | None => 0,
        };
        let most = self.rows.iter().map(number).max().unwrap_or_default().max(1);
        for row in &mut self.rows {
            row.bar = Some(number(row).max(0).saturating_mul(100) / most);
        }
        self
    }
}

/// A part of the page.
pub(super) struct Section {
    pub(super) id: String,
    pub(super) title: String,
    /// SVG; empty where there is nothing to be drawn.
    pub(super) chart: String,
    pub(super) tables: Vec<Table>,
}

/// What stands at the top, for each of the recent times.
const OVERVIEW: [&str; 6] = ["packets", "deliveries", "delivered", "waiting", "refused", "failed"];

/// The last so many days, in words.
pub(super) fn last(days: u64, page: &Page<'_>) -> String {
    match days {
        1 => page.t("Hôm nay", "Today").to_owned(),
        days => format!("{days} {}", page.t("ngày gần nhất", "days up to today")),
    }
}

/// Everything that the page shows.
pub(super) fn sections(view: &View, page: &Page<'_>) -> Vec<Section> {
    let mut sections: Vec<Section> = view.sides.iter().map(|side| of_side(side, page)).collect();
    let mut others = vec![pairs(view, page)];
    others.extend(
        view.everybody
            .iter()
            .flat_map(|everybody| [connected(everybody, page), by_agency(everybody, page), silent(everybody, page)]),
    );
    let title = page.t("Giữa các cơ quan", "Between agencies").to_owned();
    sections.push(Section { id: "agencies".to_owned(), title, chart: String::new(), tables: others });
    sections
}

fn of_side(side: &Side, page: &Page<'_>) -> Section {
    let (id, title) = match side.scope {
        Scope::Hub | Scope::Pair => ("hub", page.t("Toàn Trục", "The whole hub")),
        Scope::Sender => ("sent", page.t("Văn bản gửi đi", "Documents sent")),
        Scope::Recipient => ("received", page.t("Văn bản nhận về", "Documents received")),
    };
    let mut tables = vec![overview(side, id, page), measures(side, id, page), by_day(side, id, page)];
    tables.extend(by_group(side, id, page));
    tables.extend(times(side, id, page));
    tables.extend(troubles(side, id, page));
    let bars: Vec<_> = side
        .days
        .iter()
        .map(|(day, sums)| (*day, sums.of(WHOLE, what::DELIVERIES), sums.of(WHOLE, what::DELIVERED)))
        .collect();
    let chart = chart::of_days(&bars, page.t("Lượt gửi theo ngày", "Deliveries by day"), page.language);
    Section { id: id.to_owned(), title: title.to_owned(), chart, tables }
}

fn by_day(side: &Side, id: &str, page: &Page<'_>) -> Table {
    let measures = ["packets", "deliveries", "delivered", "failed"].into_iter().filter_map(measure);
    let measures: Vec<&Measure> = measures.filter(|measure| is_for(side.scope, measure)).collect();
    let rows = side.days.iter().map(|(day, sums)| {
        let numbers = measures.iter().map(|measure| Item::Number(measure.value(sums).numerator));
        Row::of(std::iter::once(Item::Text(day.format("%d/%m/%Y").to_string())).chain(numbers).collect())
    });
    let heads = measures.iter().map(|measure| page.t(measure.name.vi, measure.name.en));
    let heads: Vec<&str> = std::iter::once(page.t("Ngày", "Day")).chain(heads).collect();
    table(&format!("{id}-days"), page.t("Theo ngày", "By day"), &heads, rows.collect())
}

fn by_group(side: &Side, id: &str, page: &Page<'_>) -> Vec<Table> {
    let heads = [
        page.t("Nhóm", "Group"),
        page.t("Số lượt", "Number"),
        page.t("Đúng hạn ÷ số lượt", "In time ÷ number"),
        page.t("Trung vị đến 03", "Median to 03"),
    ];
    let groups = [
        ("types", TYPES, page.t("Theo loại văn bản", "By kind of document")),
        ("urgencies", URGENCIES, page.t("Theo độ khẩn", "By urgency")),
    ];
    let groups = groups.map(|(name, kind, title)| {
        table(&format!("{id}-{name}"), title, &heads, of_kind(&side.sums, kind, page)).with_bars()
    });
    let kinds = (side.scope != Scope::Recipient).then(|| {
        let heads = [page.t("Nhóm", "Group"), page.t("Văn bản gửi", "Documents sent")];
        let rows = counted(&side.sums, (KINDS, what::PACKETS), page);
        table(&format!("{id}-kinds"), page.t("Theo nghiệp vụ", "By business"), &heads, rows).with_bars()
    });
    groups.into_iter().chain(kinds).collect()
}

fn times(side: &Side, id: &str, page: &Page<'_>) -> Vec<Table> {
    let (usual, slowest) = (page.t("Trung vị", "Median"), "p95");
    let heads = [page.t("Khoảng thời gian", "From acceptance on"), usual, slowest];
    let title = page.t("Thời gian giao nhận", "How long it takes");
    let mut tables = vec![table(&format!("{id}-delays"), title, &heads, delays(&side.sums, page))];
    if side.scope == Scope::Hub {
        let number = page.t("Số lượt", "Number");
        let heads = [page.t("Tuyến", "Way"), number, page.t("Đã nhận", "Delivered"), usual, slowest];
        let rows = routes(&side.sums, page);
        tables.push(table(&format!("{id}-routes"), page.t("Theo tuyến", "By way"), &heads, rows).with_bars());
    }
    tables
}

fn troubles(side: &Side, id: &str, page: &Page<'_>) -> Vec<Table> {
    let number = page.t("Số lượt", "Number");
    let causes = counted(&side.sums, (CAUSES, what::FAILED), page);
    let heads = [page.t("Nguyên nhân", "Cause"), number];
    let title = page.t("Lỗi theo nguyên nhân", "Failures by cause");
    let mut tables = vec![table(&format!("{id}-causes"), title, &heads, causes).with_bars()];
    if side.scope == Scope::Hub {
        let rules = counted(&side.sums, (RULES, what::REJECTED), page);
        let heads = [page.t("Mã lỗi đầu tiên", "First rule broken"), number];
        let title = page.t("Gói tin Trục từ chối tiếp nhận", "Submissions that the hub refused");
        tables.push(table(&format!("{id}-rules"), title, &heads, rules).with_bars());
    }
    let attempts = (1..).zip(what::ATTEMPTS).map(|(attempt, what)| {
        let more = if attempt == 4 { "+" } else { "" };
        Row::of(vec![Item::Text(format!("{attempt}{more}")), Item::Number(side.sums.of(ATTEMPTS, what))])
    });
    let attempts: Vec<Row> = attempts.collect();
    let heads = [page.t("Lần thử", "Attempt"), number];
    let title = page.t("Lượt đẩy đến nơi theo lần thử", "Pushes that arrived, by attempt");
    tables.push(table(&format!("{id}-attempts"), title, &heads, attempts).with_bars());
    tables
}

/// The recent times, each beside the same time before.
fn overview(side: &Side, id: &str, page: &Page<'_>) -> Table {
    let before = page.t("cùng kỳ trước", "the time before");
    let heads = side.recent.iter().flat_map(|(days, ..)| {
        let last = last(*days, page);
        [last.clone(), format!("{last}: {before}")]
    });
    let measures = OVERVIEW.into_iter().filter_map(measure).filter(|measure| is_for(side.scope, measure));
    let rows = measures.map(|measure| {
        let numbers = side
            .recent
            .iter()
            .flat_map(|(_, now, before)| [now, before].map(|sums| Item::Number(measure.value(sums).numerator)));
        Row::of(std::iter::once(name(measure, page)).chain(numbers).collect())
    });
    let heads: Vec<String> = std::iter::once(page.t("Chỉ tiêu", "Measure").to_owned()).chain(heads).collect();
    table(&format!("{id}-overview"), page.t("Tổng quan", "Overview"), &heads, rows.collect())
}

/// What an agency receives are deliveries: packets are those of their senders.
fn is_for(scope: Scope, measure: &Measure) -> bool {
    scope != Scope::Recipient || !["packets", "statuses", "signed", "paperless"].contains(&measure.code)
}

fn name(measure: &Measure, page: &Page<'_>) -> Item {
    Item::Text(page.t(measure.name.vi, measure.name.en).to_owned())
}

/// Every measure with what it is made of, and, of a frozen month, what it was then.
fn measures(side: &Side, id: &str, page: &Page<'_>) -> Table {
    let mut columns = vec![
        page.t("Chỉ tiêu", "Measure"),
        page.t("Tử số", "Numerator"),
        page.t("Mẫu số", "Denominator"),
        page.t("Tỷ lệ", "Share"),
    ];
    if side.frozen.is_some() {
        columns.extend([page.t("Số đã chốt", "As frozen"), page.t("Sau đó thay đổi", "Changed since")]);
    }
    let rows = MEASURES.iter().filter(|measure| is_for(side.scope, measure)).map(|measure| {
        let value = measure.value(&side.sums);
        let out_of = value.denominator.map_or_else(|| Item::Text(String::new()), Item::Number);
        let mut items = vec![name(measure, page), Item::Number(value.numerator), out_of, Item::Share(value.permille())];
        if let Some(frozen) = &side.frozen {
            let then = measure.value(frozen).numerator;
            items.extend([Item::Number(then), Item::Number(value.numerator.saturating_sub(then))]);
        }
        Row { note: note(measure, page), ..Row::of(items) }
    });
    table(&format!("{id}-measures"), page.t("Chỉ tiêu", "Measures"), &columns, rows.collect())
}

/// What a measure is made of, in words.
fn note(measure: &Measure, page: &Page<'_>) -> String {
    let numerator = page.t(measure.numerator.words.vi, measure.numerator.words.en);
    let out_of =
        measure.denominator.as_ref().map(|counted| format!(" ÷ {}", page.t(counted.words.vi, counted.words.en)));
    let (basis, excludes) =
        (page.t(measure.basis.vi, measure.basis.en), page.t(measure.excludes.vi, measure.excludes.en));
    let without = page.t("không tính", "without");
    format!("{numerator}{}; {basis}; {without}: {excludes}", out_of.unwrap_or_default())
}

fn of_kind(sums: &Sums, kind: &str, page: &Page<'_>) -> Vec<Row> {
    let row = |(word, number): (String, i64)| {
        let slice = format!("{kind}{word}");
        let timely = sums.of(&slice, what::TIMELY);
        let timely = (number > 0).then(|| timely.saturating_mul(1000) / number);
        Row::of(vec![
            named(&word, page),
            Item::Number(number),
            Item::Share(timely),
            within(sums.quantile(&slice, 50), page),
        ])
    };
    sums.slices(kind, what::DELIVERIES).into_iter().map(row).collect()
}

fn counted(sums: &Sums, (kind, what): (&str, &str), page: &Page<'_>) -> Vec<Row> {
    let row = |(word, number): (String, i64)| Row::of(vec![named(&word, page), Item::Number(number)]);
    sums.slices(kind, what).into_iter().map(row).collect()
}

fn named(word: &str, page: &Page<'_>) -> Item {
    Item::Text(page.say(&slice_name(word)).to_owned())
}

/// How long something took at most, as far as buckets tell.
fn within(seconds: Option<i64>, page: &Page<'_>) -> Item {
    let limit = seconds.and_then(TimeDelta::try_seconds).map(|time| span(time, page.language));
    Item::Text(match (seconds, limit) {
        (None, _) => String::new(),
        (Some(i64::MAX), _) | (Some(_), None) => page.t("trên 16 ngày", "more than 16 d").to_owned(),
        (Some(_), Some(limit)) => format!("≤ {limit}"),
    })
}

fn delays(sums: &Sums, page: &Page<'_>) -> Vec<Row> {
    let names = [
        page.t("Đến khi phần mềm bên nhận xác nhận giữ", "To the confirmation by the recipient's software"),
        page.t("Đến khi văn thư tiếp nhận (03)", "To the receipt by clerks (03)"),
    ];
    let row = |(slice, name): (&str, &str)| {
        let quantile = |percent| within(sums.quantile(slice, percent), page);
        Row::of(vec![Item::Text(name.to_owned()), quantile(50), quantile(95)])
    };
    DELAYS.into_iter().zip(names).map(row).collect()
}

fn routes(sums: &Sums, page: &Page<'_>) -> Vec<Row> {
    let row = |(word, number): (String, i64)| {
        let slice = format!("{ROUTES}{word}");
        let delivered = Item::Number(sums.of(&slice, what::DELIVERED));
        let quantile = |percent| within(sums.quantile(&slice, percent), page);
        Row::of(vec![named(&word, page), Item::Number(number), delivered, quantile(50), quantile(95)])
    };
    sums.slices(ROUTES, what::DELIVERIES).into_iter().map(row).collect()
}

fn table(id: &str, title: &str, columns: &[impl AsRef<str>], rows: Vec<Row>) -> Table {
    let columns = columns.iter().map(|column| column.as_ref().to_owned()).collect();
    Table { id: id.to_owned(), title: title.to_owned(), columns, rows }
}

fn agency(code: &str, name: &str) -> Item {
    Item::Text(format!("{name} ({code})"))
}

fn pairs(view: &View, page: &Page<'_>) -> Table {
    let rows = view.pairs.iter().map(|line| {
        let [sender, recipient] = [&line.sender, &line.recipient].map(|(code, name)| agency(code, name));
        Row::of(vec![sender, recipient, Item::Number(line.refused), Item::Number(line.failed)])
    });
    let heads = [
        page.t("Bên gửi", "Sender"),
        page.t("Bên nhận", "Recipient"),
        page.t("Từ chối (02)", "Refused (02)"),
        page.t("Lỗi", "Failed"),
    ];
    table("pairs", page.t("Từ chối và lỗi theo cặp cơ quan", "Refused and failed, by pair"), &heads, rows.collect())
}

fn connected(everybody: &Everybody, page: &Page<'_>) -> Table {
    let (open, active) = (everybody.open, everybody.active);
    let share = |number: i64| Item::Share((open > 0).then(|| number.saturating_mul(1000) / open));
    let row = |name: &str, number: i64| Row {
        bar: (open > 0).then(|| number.saturating_mul(100) / open),
        ..Row::of(vec![Item::Text(name.to_owned()), Item::Number(number), share(number)])
    };
    let rows = vec![
        row(page.t("Đơn vị mở trong danh bạ (mục tiêu 100 %)", "Agencies open in the directory (goal of 100 %)"), open),
        row(page.t("Có hoạt động trong 30 ngày", "Active within 30 days"), active),
        row(page.t("Chưa hoạt động", "Not active"), open.saturating_sub(active)),
    ];
    let heads = [page.t("Nhóm", "Group"), page.t("Số đơn vị", "Agencies"), page.t("Tỷ lệ", "Share")];
    table("connected", page.t("Tỷ lệ kết nối", "Connected"), &heads, rows)
}

fn by_agency(everybody: &Everybody, page: &Page<'_>) -> Table {
    let share = |code: &str, sums: &Sums| Item::Share(measure(code).and_then(|measure| measure.value(sums).permille()));
    let rows = everybody.agencies.iter().map(|line| {
        let number = |sums: &Sums, what: &str| Item::Number(sums.of(WHOLE, what));
        let note = line.successor.as_ref().map(|code| format!("{} {code}", page.t("đã sáp nhập vào", "merged into")));
        let items = vec![
            agency(&line.code, &line.name),
            number(&line.sent, what::PACKETS),
            number(&line.sent, what::DELIVERIES),
            number(&line.received, what::DELIVERIES),
            share("delivered", &line.received),
            share("replied", &line.received),
            share("timely", &line.received),
            Item::Number(line.with_merged.0.saturating_add(line.with_merged.1)),
        ];
        Row { note: note.unwrap_or_default(), ..Row::of(items) }
    });
    let heads = [
        page.t("Đơn vị", "Agency"),
        page.t("Văn bản gửi", "Documents sent"),
        page.t("Lượt gửi đi", "Deliveries sent"),
        page.t("Lượt nhận về", "Deliveries received"),
        page.t("Đã nhận", "Delivered"),
        page.t("Phản hồi trạng thái", "Replied"),
        page.t("Đúng hạn", "In time"),
        page.t("Tổng lượt, kể cả đơn vị đã sáp nhập", "All deliveries, merged agencies included"),
    ];
    table(
        "by-agency",
        page.t(
            "Theo đơn vị, của hôm nay hoặc một tháng (nhiều nhất ở trên)",
            "By agency, of today or of a month (the busiest on top)",
        ),
        &heads,
        rows.collect(),
    )
}

fn silent(everybody: &Everybody, page: &Page<'_>) -> Table {
    let rows = everybody.silent.iter().map(|line| {
        let stopped = match line.fetched {
            true => page.t("Không lấy gói tin", "Fetches nothing"),
            false => page.t("Không báo trạng thái", "Reports nothing"),
        };
        let since = Item::Text(dates::for_people(line.since));
        Row::of(vec![agency(&line.code, &line.name), Item::Text(stopped.to_owned()), since, Item::Number(line.hours)])
    });
    let heads = [
        page.t("Đơn vị", "Agency"),
        page.t("Im lặng", "Silence"),
        page.t("Lần cuối", "Last time"),
        page.t("Số giờ làm việc", "Working hours"),
    ];
    table("silent", page.t("Đơn vị im lặng", "Silent agencies"), &heads, rows.collect())
}
