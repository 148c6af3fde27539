//! Months whose numbers do not change any more: some days after its end a month is kept as it is then, so that what is told of it
//! stays; and the files that tell of frozen months: indicators for the national reporting system, open data for anybody. Not
//! here: pages (`statistics`).

use super::ExchangeError;
use super::following::STATISTICS;
use super::statistics::{counted_until, days_of, month_of, month_word, words};
use crate::domain::dates::{VIETNAM, beginning, for_machines};
use crate::domain::measure::{EDITION, MEASURES, Sums};
use crate::domain::open_data;
use crate::domain::tally::{Scope, what};
use crate::hub::Hub;
use crate::sheet::{Cell, Column, Form, Sheet};
use crate::store::statistics::{self, FrozenRow, MonthRow, Part};
use crate::store::{Connection, StoreError, followers};
use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use serde::Serialize;
use std::sync::Arc;

/// Rows that are written together: whoever sends packets comes in between.
const AT_ONCE: usize = 5_000;

/// Freezes months whose time has come, the oldest first: those after the last that is frozen, or the last one. Answers how many.
///
/// # Errors
/// `Store`.
pub async fn months(hub: &Hub) -> Result<usize, ExchangeError> {
    let mut frozen: usize = 0;
    loop {
        let (now, days) = (hub.clock.now(), hub.config.statistics.freeze_days);
        let next = hub.store.read(move |tx| next(tx, now, days)).await?;
        let Some((month, size, rows)) = next else { return Ok(frozen) };
        let rows = Arc::new(rows);
        for begin in (0..rows.len()).step_by(AT_ONCE) {
            let rows = Arc::clone(&rows);
            let some = move |tx: &mut Connection| {
                let end = begin.saturating_add(AT_ONCE).min(rows.len());
                statistics::freeze(tx, rows.get(begin..end).unwrap_or_default())
            };
            hub.store.write(some).await?;
        }
        let row = MonthRow { month, frozen_at: now.naive_utc(), ledger_size: size };
        hub.store.write(move |tx| statistics::close_month(tx, &row)).await?;
        frozen = frozen.saturating_add(1);
    }
}

type Next = Option<(String, i64, Vec<FrozenRow>)>;

/// The next month to be frozen, unless its time has not come or something of before that is not counted yet. Numbers and the size of
/// the ledger are of one moment, that of the reading transaction, whatever is counted meanwhile.
fn next(tx: &mut Connection, now: DateTime<Utc>, days: u64) -> Result<Next, StoreError> {
    let last = statistics::months(tx, 1)?.pop().and_then(|row| month_of(&row.month));
    let today = now.with_timezone(&VIETNAM).date_naive();
    let before_this = || month_of(&month_word(today.checked_sub_months(Months::new(1))?));
    let first = last.map_or_else(before_this, |last| last.checked_add_months(Months::new(1)));
    let until = counted_until(tx, now)?;
    let Some(first) = first.filter(|first| due(*first, days).is_some_and(|due| until >= Some(due))) else {
        return Ok(None);
    };
    let month = month_word(first);
    let rows = statistics::of_month(tx, &month, &words(&days_of(first)))?;
    // Before anything was exchanged there is nothing to keep.
    let is_empty = last.is_none() && rows.is_empty();
    let size = followers::position(tx, STATISTICS.name)?;
    Ok((!is_empty).then_some((month, size, rows)))
}

/// When the month that begins on a day is to be frozen.
fn due(first: NaiveDate, days: u64) -> Option<DateTime<Utc>> {
    beginning(first.checked_add_months(Months::new(1))?.checked_add_days(Days::new(days))?)
}

/// The same, as the hub is set.
pub fn due_at(hub: &Hub, first: NaiveDate) -> Option<DateTime<Utc>> {
    due(first, hub.config.statistics.freeze_days)
}

/// The indicators of a month, for the national reporting system.
#[derive(Debug, Clone, Serialize)]
pub struct Indicators {
    /// The format.
    pub form: &'static str,
    /// The edition of the definitions.
    pub definitions: &'static str,
    /// The month, `yyyy-MM`.
    pub month: String,
    /// When it was frozen, +07:00.
    pub frozen_at: String,
    /// How many entries of the ledger it tells of.
    pub ledger_size: i64,
    /// Its measures.
    pub indicators: Vec<Indicator>,
}

/// A measure in a file.
#[derive(Debug, Clone, Serialize)]
pub struct Indicator {
    /// Its name in files.
    pub code: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// How much there is.
    pub numerator: i64,
    /// Out of how much; nothing for a number by itself.
    pub denominator: Option<i64>,
    /// The share in thousandths.
    pub permille: Option<i64>,
}

impl Indicators {
    /// As JSON.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// As a table, values divided by commas.
    ///
    /// # Errors
    /// None that memory has.
    pub fn csv(&self) -> Result<Vec<u8>, ExchangeError> {
        let heads = ["month", "frozen_at", "code", "name", "numerator", "denominator", "permille"];
        let rows = self.indicators.iter().map(|one| {
            let number = |number: Option<i64>| number.map_or(Cell::Text(""), Cell::Number);
            let words = [&self.month, &self.frozen_at, one.code, one.name].map(Cell::Text);
            words.into_iter().chain([Some(one.numerator), one.denominator, one.permille].map(number)).collect()
        });
        csv(&heads, rows)
    }
}

/// A table for programs.
fn csv<'a>(heads: &[&str], rows: impl Iterator<Item = Vec<Cell<'a>>>) -> Result<Vec<u8>, ExchangeError> {
    let columns: Vec<Column<'_>> = heads.iter().map(|title| Column { title, chars: 20 }).collect();
    let written = Sheet::new(Form::CsvComma, "", &columns).and_then(|mut sheet| {
        for row in rows {
            sheet.row(&row)?;
        }
        sheet.finish()
    });
    Ok(written.map_err(ExchangeError::Payload)?.into())
}

/// The indicators of a frozen month.
///
/// # Errors
/// `NotFound` when the month is not frozen; `Store`.
pub async fn indicators(hub: &Hub, month: &str) -> Result<Indicators, ExchangeError> {
    let asked = month.to_owned();
    let found = hub.store.read(move |tx| {
        let Some(row) = statistics::month(tx, &asked)? else { return Ok(None) };
        let part = Part { scope: Scope::Hub, agencies: vec![String::new()], days: vec![asked.clone()] };
        Ok(Some((row, statistics::frozen_sums(tx, &part)?)))
    });
    let (row, sums) = found.await?.ok_or(ExchangeError::NotFound)?;
    let sums: Sums = sums.into_iter().collect();
    let indicators = MEASURES.iter().map(|measure| {
        let value = measure.value(&sums);
        Indicator {
            code: measure.code,
            name: measure.name.vi,
            numerator: value.numerator,
            denominator: value.denominator,
            permille: value.permille(),
        }
    });
    Ok(Indicators {
        form: "docaxis-indicators/1",
        definitions: EDITION,
        frozen_at: for_machines(row.frozen_at()),
        ledger_size: row.ledger_size,
        indicators: indicators.collect(),
        month: row.month,
    })
}

/// The open data of a month: numbers by block of senders, without small ones.
#[derive(Debug, Clone, Serialize)]
pub struct OpenData {
    /// The format.
    pub form: &'static str,
    /// The month, `yyyy-MM`.
    pub month: String,
    /// When it was frozen, +07:00.
    pub frozen_at: String,
    /// Numbers below this are left out, and so are others from which they could be computed.
    pub least: i64,
    /// What is counted, in the order of the numbers of each block.
    pub columns: [&'static str; 3],
    /// The blocks; what is in none stands under an empty name.
    pub blocks: Vec<Block>,
}

impl OpenData {
    /// As JSON.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// As a table, values divided by commas.
    ///
    /// # Errors
    /// None that memory has.
    pub fn csv(&self) -> Result<Vec<u8>, ExchangeError> {
        let heads: Vec<&str> = ["month", "block"].into_iter().chain(self.columns).collect();
        let rows = self.blocks.iter().map(|one| {
            let numbers = one.numbers.map(|number| number.map_or(Cell::Text(""), Cell::Number));
            [Cell::Text(&self.month), Cell::Text(&one.block)].into_iter().chain(numbers).collect()
        });
        csv(&heads, rows)
    }
}

/// The numbers of a block.
#[derive(Debug, Clone, Serialize)]
pub struct Block {
    /// Its code, such as `H49`.
    pub block: String,
    /// Its numbers; nothing for what is left out.
    pub numbers: [open_data::Cell; 3],
}

/// The open data of a frozen month.
///
/// # Errors
/// `NotFound` when the month is not frozen, or the operator gives out no open data; `Store`.
pub async fn open_data(hub: &Hub, month: &str) -> Result<OpenData, ExchangeError> {
    if !hub.config.statistics.open_data {
        return Err(ExchangeError::NotFound);
    }
    data_of(hub, month).await
}

/// The same for whoever has the machine, whether or not it is given out.
///
/// # Errors
/// `NotFound` when the month is not frozen; `Store`.
pub async fn data_of(hub: &Hub, month: &str) -> Result<OpenData, ExchangeError> {
    let asked = month.to_owned();
    let found = hub.store.read(move |tx| {
        let Some(row) = statistics::month(tx, &asked)? else { return Ok(None) };
        Ok(Some((row, statistics::frozen_of_senders(tx, &asked)?)))
    });
    let (row, sums) = found.await?.ok_or(ExchangeError::NotFound)?;
    let columns = [what::PACKETS, what::DELIVERIES, what::DELIVERED];
    let blocks = open_data::blocks(sums, columns);
    Ok(OpenData {
        form: "docaxis-open-data/1",
        frozen_at: for_machines(row.frozen_at()),
        month: row.month,
        least: open_data::LEAST,
        columns,
        blocks: blocks.into_iter().map(|(block, numbers)| Block { block, numbers }).collect(),
    })
}
