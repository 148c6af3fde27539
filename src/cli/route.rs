//! `route set|list|remove`: which agencies are behind which neighbouring hub.

use super::Outcome;
use crate::exchange::act::By;
use crate::exchange::routes;
use crate::hub::Hub;
use anyhow::Context;
use clap::Subcommand;
use serde_json::json;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum RouteCommand {
    /// Let an organ id, with all below it, lead to a neighbour; what waits to go elsewhere by it goes along.
    #[command(after_help = "Examples:\n  docaxis route set H37 truc.tinh-37\n  docaxis route set '*' truc.quoc-gia")]
    Set {
        /// An organ id such as H37, which covers H37.01 too; * covers everybody. The longest one wins.
        prefix: String,
        /// The neighbour.
        neighbour: String,
    },
    /// List routes.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Remove a route; what waits for the neighbour still goes there.
    Remove {
        /// The organ id, or *.
        prefix: String,
    },
}

impl RouteCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Set { prefix, neighbour } => {
                let moved = routes::set(hub, &By::Operator, &prefix, &neighbour).await.context(neighbour.clone())?;
                writeln!(out, "{prefix} is behind {neighbour}; {moved} deliveries that waited go along")?;
            }
            Self::List { json } => {
                for route in routes::list(hub).await? {
                    let (prefix, neighbour) = (&route.prefix, &route.neighbour);
                    match json {
                        true => writeln!(out, "{}", json!({ "prefix": prefix, "neighbour": neighbour }))?,
                        false => writeln!(out, "{prefix}  {neighbour}")?,
                    }
                }
            }
            Self::Remove { prefix } => {
                routes::remove(hub, &By::Operator, &prefix).await.with_context(|| prefix.clone())?;
                writeln!(out, "{prefix} leads nowhere any more")?;
            }
        }
        Ok(Outcome::Done)
    }
}
