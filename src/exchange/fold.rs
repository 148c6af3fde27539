//! Numbers of old days are folded into their months. Pages show all documents day by day, and everything else (slices, delays,
//! pairs) only of a time as a whole: once its month is frozen and it is `statistics.detail_days` ago, the latter need not be kept by day.
//! No number that is shown changes by it, and what comes later about a document of such a day is counted for that day as ever, and
//! folded in the next round. Not here: how months are frozen (`freeze`).

use super::ExchangeError;
use super::following::STATISTICS;
use super::statistics::month_of;
use crate::domain::dates::VIETNAM;
use crate::domain::tally::Scope;
use crate::hub::Hub;
use crate::store::{folding, followers, statistics};
use chrono::{Days, Months};

/// Numbers that are folded in one transaction: whoever sends packets comes in between.
const AT_ONCE: i64 = 1_000;

/// Folds the days whose time has come. Answers how many numbers of single days there were.
///
/// # Errors
/// `Store`.
pub async fn days(hub: &Hub) -> Result<usize, ExchangeError> {
    let today = hub.clock.now().with_timezone(&VIETNAM).date_naive();
    let last = hub.store.read(|tx| Ok(statistics::months(tx, 1)?.pop())).await?;
    let after_frozen = last.and_then(|row| month_of(&row.month)?.checked_add_months(Months::new(1)));
    let old = today.checked_sub_days(Days::new(hub.config.statistics.detail_days));
    let Some((after_frozen, old)) = after_frozen.zip(old) else { return Ok(0) };
    let (until, mut folded) = (after_frozen.min(old).to_string(), 0_usize);
    for of in Scope::ALL.map(Scope::folds) {
        let mut after = String::new();
        loop {
            let next = hub.store.read(move |tx| folding::day_after(tx, of, &after)).await?;
            let Some(day) = next.filter(|day| *day < until) else { break };
            folded = folded.saturating_add(fold(hub, of, &day).await?);
            after = day;
        }
    }
    Ok(folded)
}

/// Folds one day into the first of its month.
async fn fold(hub: &Hub, of: &'static str, day: &str) -> Result<usize, ExchangeError> {
    let first = format!("{}-01", day.get(..7).unwrap_or_default());
    let mut folded: usize = 0;
    if day == first {
        return Ok(folded);
    }
    loop {
        let days = (day.to_owned(), first.clone());
        let some = hub.store.write(move |tx| {
            followers::stand_still(tx, STATISTICS.name)?;
            folding::fold(tx, of, (&days.0, &days.1), AT_ONCE)
        });
        match some.await? {
            0 => return Ok(folded),
            some => folded = folded.saturating_add(some),
        }
    }
}
