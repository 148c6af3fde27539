//! `serve` and `migrate`.

use super::{Outcome, on_hub};
use crate::config::Config;
use std::io::Write;
use std::path::Path;

/// Runs the hub until it is told to stop.
pub fn serve(config: Config, file: Option<&Path>) -> anyhow::Result<Outcome> {
    crate::log::start(&config.log);
    crate::serve(config, file)?;
    Ok(Outcome::Done)
}

/// Opening a hub migrates its database: nothing else is to be done.
pub fn migrate(config: Config, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    on_hub(config, async |_| {
        writeln!(out, "the database has the form of version {}", env!("CARGO_PKG_VERSION"))?;
        Ok(Outcome::Done)
    })
}
