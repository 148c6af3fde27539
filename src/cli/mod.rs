//! The command line: one file per group of commands. Commands call the use cases of `exchange` and print;
//! they decide nothing about documents.

mod agency;
mod archive;
mod backup;
mod client;
pub mod config;
mod demo;
mod doctor;
mod endpoint;
mod envelope;
mod hold;
mod job;
mod key;
mod ledger;
mod mail;
mod neighbour;
pub mod progress;
mod provider;
mod purge;
mod queue;
mod receipt;
mod reference;
mod route;
mod search;
mod serve;
mod statement;
mod statistics;
mod system;
mod timestamp;
mod user;
mod verify;
mod warrant;
mod webhook;
mod witness;

use crate::config::Config;
use crate::domain::dates::{self, VIETNAM};
use crate::exchange::ExchangeError;
use crate::hub::{Clock, Hub};
use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const EXIT_CODES: &str = "\
Exit codes:
  0  done; for `envelope check`: every packet would pass; for `verify`: everything holds; for `demo --once`: every step went as expected
  1  refused: something is wrong with the installation, a backup was refused, a packet would not pass, a receipt does not hold, the hub said no, a step of the demo went wrong, an id is unknown or taken
  2  could not be done: wrong usage, unreadable file, unusable configuration, hub or database out of reach
When a command works on many things, the worst of them decides.

Settings come from --config FILE (TOML); the environment goes over it as DOCAXIS__SECTION__NAME,
for example DOCAXIS__SERVER__ADDRESS=0.0.0.0:8080. All of them: docaxis config print --markdown";

/// Docaxis: a hub for electronic documents in edXML packets.
#[derive(Debug, Parser)]
#[command(name = "docaxis", version, after_help = EXIT_CODES)]
pub struct CommandLine {
    /// Configuration file (TOML).
    #[arg(long, global = true, value_name = "FILE", env = "DOCAXIS_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the hub until it is told to stop (SIGTERM or Ctrl-C).
    Serve,
    /// Bring the database to this version's form. `serve` does so by itself.
    Migrate,
    /// Back everything up into a directory while the hub works.
    Backup(backup::BackupArguments),
    /// Take a backup back into an empty place, on either database; no hub may be running there.
    Restore(backup::RestoreArguments),
    /// Say what is wrong with this installation, what it means and what to do.
    Doctor(doctor::DoctorArguments),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Agencies: who takes part.
    #[command(subcommand)]
    Agency(agency::AgencyCommand),
    /// Systems: who speaks for agencies, who administers, from where.
    #[command(subcommand)]
    System(system::SystemCommand),
    /// Endpoints: where agencies want their packets brought.
    #[command(subcommand)]
    Endpoint(endpoint::EndpointCommand),
    /// Webhooks: where systems are told what happens to their documents.
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Neighbours: hubs that packets are passed on to and taken from.
    #[command(subcommand)]
    Neighbour(neighbour::NeighbourCommand),
    /// Routes: which agencies are behind which neighbour.
    #[command(subcommand)]
    Route(route::RouteCommand),
    /// What the hub has to bring to an agency, delivery by delivery.
    #[command(subcommand)]
    Queue(queue::QueueCommand),
    /// Keys of systems.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// The ledger into which evidence is sealed.
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Witnesses: who cosigns the ledger, and the ledgers that this hub cosigns.
    #[command(subcommand)]
    Witness(witness::WitnessCommand),
    /// Time-stamps: who vouches for when heads of the ledger were there.
    #[command(subcommand)]
    Timestamp(timestamp::TimestampCommand),
    /// Users: people who use the portal.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Identity providers by which people sign in to the portal.
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
    /// Warrants: what auditors may see in the portal.
    #[command(subcommand)]
    Warrant(warrant::WarrantCommand),
    /// The search index of the portal.
    #[command(subcommand)]
    Search(search::SearchCommand),
    /// Statistics: numbers of what was exchanged, by day and frozen by month.
    #[command(subcommand)]
    Statistics(statistics::StatisticsCommand),
    /// Signed receipts, and what proves a delivery.
    #[command(subcommand)]
    Receipt(receipt::ReceiptCommand),
    /// Daily statements: what went from one agency to another on a day, without gaps.
    #[command(subcommand)]
    Statement(statement::StatementCommand),
    /// Archives: what was exchanged in a period, with all that proves it, in one file.
    #[command(subcommand)]
    Archive(archive::ArchiveCommand),
    /// Contents whose time is over: what may go, who agreed, what went.
    #[command(subcommand)]
    Purge(purge::PurgeCommand),
    /// Legal holds: what must stay, whatever its time.
    #[command(subcommand)]
    Hold(hold::HoldCommand),
    Verify(verify::VerifyArguments),
    /// Jobs: what the hub does by itself, and when it last did.
    #[command(subcommand)]
    Job(job::JobCommand),
    /// Mail: what waits to be sent, and whether it arrives.
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Packets, offline.
    #[command(subcommand)]
    Envelope(envelope::EnvelopeCommand),
    #[command(flatten)]
    Client(client::ClientCommand),
    /// Play a whole story on a hub of its own, then stay up to be tried.
    Demo(demo::DemoArguments),
    /// Print completions for a shell.
    #[command(after_help = "Examples:\n  docaxis completions bash > /etc/bash_completion.d/docaxis")]
    Completions(reference::CompletionsArguments),
    /// Write manual pages.
    #[command(after_help = "Examples:\n  docaxis man --into /usr/local/share/man/man1")]
    Man(reference::ManArguments),
}

/// How a command ended when it could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As wished.
    Done,
    /// The answer is no.
    Refused,
    /// The work could not be done.
    Failed,
}

impl Outcome {
    /// What an error means for the caller's script.
    pub fn of_error(error: &anyhow::Error) -> Self {
        if let Some(fault) = error.downcast_ref::<client::connection::Fault>() {
            return fault.outcome();
        }
        match error.downcast_ref() {
            Some(
                ExchangeError::NotFound
                | ExchangeError::Malformed(_)
                | ExchangeError::Exists(_)
                | ExchangeError::Refused(_)
                | ExchangeError::Destroyed(_)
                | ExchangeError::NotAllowed(_)
                | ExchangeError::Faulty(_)
                | ExchangeError::Unauthenticated(..),
            ) => Self::Refused,
            Some(
                ExchangeError::Body(_)
                | ExchangeError::Full(_)
                | ExchangeError::ComeAgain { .. }
                | ExchangeError::Unsealed
                | ExchangeError::Store(_)
                | ExchangeError::Payload(_)
                | ExchangeError::Unavailable(_),
            )
            | None => Self::Failed,
        }
    }

    /// The worse of two.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
            (Self::Refused, _) | (_, Self::Refused) => Self::Refused,
            (Self::Done, Self::Done) => Self::Done,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Refused => 1,
            Outcome::Failed => 2,
        })
    }
}

/// Whether the reader of our output went away, as `head` does: no fault of the command.
pub fn reader_left(error: &anyhow::Error) -> bool {
    let left = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    error.downcast_ref().is_some_and(left)
}

impl CommandLine {
    /// Carries the command out and prints to `out`; the log goes to standard error.
    ///
    /// # Errors
    /// Whatever kept the command from its work, with what was being done as context.
    pub fn run(self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let config = || Config::load(self.config.as_deref());
        match self.command {
            Command::Serve => serve::serve(config()?, self.config.as_deref()),
            Command::Migrate => serve::migrate(config()?, out),
            Command::Backup(arguments) => backup::backup(&config()?, &arguments, out),
            Command::Restore(arguments) => backup::restore(&config()?, &arguments, out),
            Command::Doctor(arguments) => doctor::run(config(), &arguments, out),
            Command::Config(command) => command.run(config, out),
            Command::Agency(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::System(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Endpoint(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Webhook(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Neighbour(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Route(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Queue(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Key(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Ledger(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Witness(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Timestamp(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::User(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Provider(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Warrant(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Search(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Statistics(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Receipt(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Statement(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Archive(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Purge(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Hold(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Verify(arguments) => arguments.run(out),
            Command::Job(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Mail(command) => on_hub(config()?, async |hub| command.run(hub, out).await),
            Command::Envelope(command) => command.run(&config()?.packets, out),
            Command::Client(command) => command.run(out),
            Command::Demo(arguments) => demo::run(config()?, &arguments, out),
            Command::Completions(arguments) => reference::completions(&arguments, out),
            Command::Man(arguments) => reference::man(&arguments, out),
        }
    }
}

/// Opens the hub and runs one command on it.
fn on_hub(config: Config, work: impl AsyncFnOnce(&Hub) -> anyhow::Result<Outcome>) -> anyhow::Result<Outcome> {
    crate::log::start(&config.log);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no threads")?;
    let hub = open(config)?;
    runtime.block_on(work(&hub))
}

/// Opens the hub. Must be outside of a runtime: a connection to PostgreSQL is made by waiting for it.
fn open(config: Config) -> anyhow::Result<Hub> {
    crate::use_aws_lc();
    Ok(Hub::open(config, Clock::System)?)
}

/// A day or a time as people write it.
fn moment(text: &str) -> anyhow::Result<DateTime<Utc>> {
    dates::timestamp(text).context("no time such as 2026-11-20 or 2026-11-20T08:00:00+07:00")
}

/// A time as people and scripts read it: ISO 8601 with Vietnam's offset.
fn time(at: DateTime<Utc>) -> String {
    at.with_timezone(&VIETNAM).to_rfc3339_opts(SecondsFormat::Secs, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn help_names_every_exit_code() {
        let help = CommandLine::command().render_help().to_string();

        for code in ["  0  done", "  1  refused", "  2  could not be done"] {
            assert!(help.contains(code), "{code}");
        }
    }

    #[test]
    fn an_unknown_id_is_a_refusal_and_a_dead_database_is_not() {
        let unknown = anyhow::Error::from(ExchangeError::NotFound).context("agency X");
        let broken = anyhow::Error::from(std::io::Error::other("disk"));

        assert_eq!(Outcome::of_error(&unknown), Outcome::Refused);
        assert_eq!(Outcome::of_error(&broken), Outcome::Failed);
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let gone = anyhow::Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe)).context("printing");

        assert!(reader_left(&gone));
        assert!(!reader_left(&anyhow::anyhow!("other")));
    }
}
