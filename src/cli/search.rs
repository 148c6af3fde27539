//! `search rebuild`: the search index of the portal made anew, when it was damaged or a new version finds more.

use super::Outcome;
use super::progress::Progress;
use crate::exchange::{index, prove};
use crate::hub::Hub;
use clap::Subcommand;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum SearchCommand {
    /// Make the index anew from the ledger; documents are found again one after the other meanwhile.
    Rebuild,
}

impl SearchCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let Self::Rebuild = self;
        index::begin_anew(hub).await?;
        let size = prove::view(hub).await?.head.map_or(0, |head| head.tree_size);
        let progress = Progress::pieces(u64::try_from(size).unwrap_or(0), "search index");
        loop {
            match index::round(hub).await? {
                0 => break,
                some => progress.advance(u64::try_from(some).unwrap_or(0)),
            }
        }
        writeln!(out, "{} entries of the ledger were gone through", progress.position())?;
        Ok(Outcome::Done)
    }
}
