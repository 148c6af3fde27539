//! Commands of a system that takes part: they talk to a hub over its native API like any DMS would, and need neither
//! its database nor its configuration.
//!
//! `connection` (how the hub is asked), `problem` and `words` (how its answers are told), then one file per verb.

pub mod connection;
mod fetch;
mod follow;
mod inbox;
mod problem;
mod reconcile;
pub mod robot;
mod robot_documents;
mod selftest;
mod send;
mod words;

use super::Outcome;
use anyhow::Context;
use clap::Subcommand;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Send packets to a hub and print its receipts.
    #[command(after_help = send::EXAMPLES)]
    Send(send::SendArguments),
    /// List what waits for this system in a hub's mailbox.
    #[command(after_help = inbox::EXAMPLES)]
    Inbox(inbox::InboxArguments),
    /// Fetch packets into files: checked against their digest, never overwritten.
    #[command(after_help = fetch::EXAMPLES)]
    Fetch(fetch::FetchArguments),
    /// Tell a hub that deliveries are stored, being stored, or could not be stored.
    #[command(after_help = fetch::CONFIRM_EXAMPLES)]
    Confirm(fetch::ConfirmArguments),
    /// List what this system sent, newest first, and how far each recipient is.
    #[command(after_help = follow::SENT_EXAMPLES)]
    Sent(follow::SentArguments),
    /// Take pushed packets like an agency's software, well or badly, until Ctrl-C.
    #[command(after_help = robot::EXAMPLES)]
    Robot(robot::RobotArguments),
    /// Compare this system's own list of a day with what the hub sealed of it.
    #[command(after_help = reconcile::EXAMPLES)]
    Reconcile(reconcile::ReconcileArguments),
    /// Single deliveries.
    #[command(subcommand)]
    Delivery(follow::DeliveryCommand),
    /// The hub's directory.
    #[command(subcommand)]
    Agencies(follow::AgenciesCommand),
    /// Prove that a system behaves: a hub plays the partner and judges (docs/selftest.md).
    #[command(subcommand)]
    Selftest(selftest::SelftestCommand),
}

impl ClientCommand {
    /// Asks the hub and prints.
    pub fn run(self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no threads")?;
        runtime.block_on(async {
            match self {
                Self::Send(arguments) => send::run(arguments, out).await,
                Self::Inbox(arguments) => inbox::run(&arguments, out).await,
                Self::Fetch(arguments) => fetch::run(arguments, out).await,
                Self::Confirm(arguments) => fetch::confirm(&arguments, out).await,
                Self::Robot(arguments) => robot::run(arguments, out).await,
                Self::Reconcile(arguments) => reconcile::run(arguments, out).await,
                Self::Sent(arguments) => follow::sent(&arguments, out).await,
                Self::Delivery(follow::DeliveryCommand::Show(arguments)) => follow::show(&arguments, out).await,
                Self::Agencies(follow::AgenciesCommand::Find(arguments)) => follow::find(&arguments, out).await,
                Self::Selftest(command) => command.run(out).await,
            }
        })
    }
}

/// Which packets a list is about.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Kind {
    /// Documents.
    Document,
    /// Status packets.
    Status,
}

impl Kind {
    /// The API's word.
    fn word(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Status => "status",
        }
    }
}

/// An id of the hub as an argument. Nothing else can become part of a path or a file's name.
fn id(text: &str) -> Result<String, String> {
    let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    match is_id {
        true => Ok(text.to_owned()),
        false => Err("an id has 32 characters of 0-9 and a-f".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_nothing_that_could_be_a_path() {
        assert!(id("01a1ffe2773d7220bcf03a68c01fde6b").is_ok());
        for bad in [
            "",
            "../../../../../../../../etc/passwd",
            "01a1ffe2773d7220bcf03a68c01fde6",
            "01A1FFE2773D7220BCF03A68C01FDE6B",
        ] {
            assert!(id(bad).is_err(), "{bad}");
        }
    }
}
