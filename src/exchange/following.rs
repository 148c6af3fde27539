//! Who follows the ledger, in which what happened stands without gaps and in one order for all nodes: round by round, each once
//! in the cluster, from where it is, and anew from the beginning whenever that is wished. Not here: what they make of it
//! (`index`, `tally`).

use super::act::{Act, By};
use super::{ExchangeError, index, rows, tally};
use crate::config::Config;
use crate::domain::evidence::EvidenceEvent;
use crate::hub::Hub;
use crate::store::evidence::EvidenceRow;
use crate::store::{Connection, StoreError, followers, ledger, search, statistics};
use serde_json::json;
use std::pin::Pin;
use std::sync::Arc;

/// A round on its way.
pub type Round<'a> = Pin<Box<dyn Future<Output = Result<usize, ExchangeError>> + Send + 'a>>;

/// Somebody who follows the ledger.
pub struct Follower {
    /// Its name in the table and in the log.
    pub name: &'static str,
    /// Milliseconds between two rounds when nothing is left.
    pub tick: fn(&Config) -> u64,
    /// Goes through the next entries; answers how many. None: it has come to the end, or another node is at it.
    pub round: for<'a> fn(&'a Hub) -> Round<'a>,
    clear: fn(&mut Connection) -> Result<(), StoreError>,
}

/// What was accepted can be found.
pub static SEARCH: Follower = Follower {
    name: "search",
    tick: |config| config.portal.index_tick_milliseconds,
    round: |hub| Box::pin(index::round(hub)),
    clear: search::clear,
};

/// What happened is counted.
pub static STATISTICS: Follower = Follower {
    name: "statistics",
    tick: |config| config.statistics.tick_milliseconds,
    round: |hub| Box::pin(tally::round(hub)),
    clear: statistics::clear,
};

/// All of them.
pub static FOLLOWERS: [&Follower; 2] = [&SEARCH, &STATISTICS];

impl Follower {
    /// Up to which entry of the ledger it has come.
    ///
    /// # Errors
    /// `Store`.
    pub async fn position(&self, hub: &Hub) -> Result<i64, ExchangeError> {
        let name = self.name;
        Ok(hub.store.read(move |tx| followers::position(tx, name)).await?)
    }

    /// Has everything made anew from the beginning of the ledger.
    ///
    /// # Errors
    /// `Store`.
    pub async fn begin_anew(&self, hub: &Hub, by: &By) -> Result<(), ExchangeError> {
        let (name, clear, act) = (self.name, self.clear, Act::new(hub, by));
        let cleared = hub.store.write(move |tx| {
            followers::set_back(tx, name)?;
            clear(tx)?;
            act.note(tx, (EvidenceEvent::HubDirected, "rebuild"), None, json!({ "follower": name }))
        });
        Ok(cleared.await?)
    }

    /// One round: `read` makes of some entries, the first of which stands at the index, what `write` keeps in the transaction
    /// that moves the follower on.
    pub(super) async fn follow<T: Send + Sync + 'static>(
        &self,
        hub: &Hub,
        most: usize,
        read: impl Fn(&mut Connection, i64, Vec<Entry>) -> Result<T, StoreError> + Send + 'static,
        write: impl Fn(&mut Connection, &T) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<usize, ExchangeError> {
        let (name, most) = (self.name, rows(most));
        let next = hub.store.read(move |tx| {
            let from = followers::position(tx, name)?;
            let entries = ledger::entries_with_evidence(tx, from..from.saturating_add(most))?;
            let Some((last, _)) = entries.last() else { return Ok(None) };
            let to = last.ledger_index.saturating_add(1);
            let entries = entries.into_iter().filter_map(|(entry, evidence)| Some((entry.ledger_index, evidence?)));
            let entries = entries.collect();
            Ok(Some((from, to, read(tx, from, entries)?)))
        });
        let Some(step) = next.await?.map(Arc::new) else { return Ok(0) };
        let writing = Arc::clone(&step);
        let written = hub.store.write(move |tx| {
            let is_next = followers::take(tx, name)? && followers::advance(tx, name, (writing.0, writing.1))?;
            if is_next {
                write(tx, &writing.2)?;
            }
            Ok(is_next)
        });
        let gone_through = usize::try_from(step.1.saturating_sub(step.0)).unwrap_or(0);
        Ok(if written.await? { gone_through } else { 0 })
    }
}

/// An entry of the ledger: its index and what was sealed there.
pub(super) type Entry = (i64, EvidenceRow);
