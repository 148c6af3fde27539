//! `search rebuild`: the search index of the portal made anew, when it was damaged or a new version finds more.

use super::Outcome;
use super::progress::Progress;
use crate::exchange::act::By;
use crate::exchange::following::{Follower, SEARCH};
use crate::exchange::prove;
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
        rebuild(hub, (&SEARCH, "search index"), out).await
    }
}

/// Has what follows the ledger made anew, and says how far it is.
pub(super) async fn rebuild(
    hub: &Hub,
    (follower, what): (&Follower, &'static str),
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    follower.begin_anew(hub, &By::Operator).await?;
    let size = prove::view(hub).await?.head.map_or(0, |head| head.tree_size);
    let progress = Progress::pieces(u64::try_from(size).unwrap_or(0), what);
    // The loop of a hub that runs may take a part of the rounds.
    loop {
        (follower.round)(hub).await?;
        let position = follower.position(hub).await?;
        progress.set(u64::try_from(position).unwrap_or(0));
        if position >= size {
            break;
        }
    }
    writeln!(out, "{} entries of the ledger were gone through", progress.position())?;
    Ok(Outcome::Done)
}
