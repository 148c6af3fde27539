//! `purge preview|propose|approve|refuse|pause|resume|stop|list|show|certificate`: contents whose time is over. Whoever has the
//! machine may look; to propose and to decide takes two people, and each shows its own password here as it does in the portal.

use super::hold::ScopeArguments;
use super::{Outcome, time};
use crate::domain::rules::Wording;
use crate::domain::undertaking::UndertakingStep;
use crate::exchange::ExchangeError;
use crate::exchange::purge::{self, DueLine, Preview, Wish};
use crate::exchange::sessions::{self, Admission, Person, Shown, Visit};
use crate::http::purge_api;
use crate::hub::Hub;
use anyhow::Context;
use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};

const EXAMPLES: &str = "\
Examples:
  docaxis purge preview --until 2026-06-30
  docaxis purge propose --until 2026-06-30 --reason 'Hết thời hạn lưu quý II/2026' --as mot < mot.txt
  docaxis purge approve 0190a5b0c1d27e3f8a4b5c6d7e8f9a0b --as hai < hai.txt
  docaxis purge certificate 0190a5b0c1d27e3f8a4b5c6d7e8f9a0b > chung-nhan.json
  docaxis verify chung-nhan.json --trust hub.pem

Standard input has the person's password in its first line and, where a second factor is set up, the code in its second.";

/// Who acts.
#[derive(Debug, Args)]
pub struct AsPerson {
    /// The name with which an operator or administrator signs in; password and code come by standard input.
    #[arg(long = "as", value_name = "LOGIN")]
    login: String,
}

/// A step of a person.
#[derive(Debug, Args)]
pub struct StepArguments {
    /// Which purge.
    #[arg(value_name = "PURGE")]
    id: String,
    #[command(flatten)]
    by: AsPerson,
}

#[derive(Debug, Subcommand)]
pub enum PurgeCommand {
    /// Show which contents may be destroyed now, and what is kept and why, as JSON.
    Preview {
        #[command(flatten)]
        scope: ScopeArguments,
        /// Only packets after this one: where a look before ended.
        #[arg(long, value_name = "ENVELOPE", default_value = "")]
        after: String,
    },
    /// Propose to destroy them: these very ones and no others.
    #[command(after_help = EXAMPLES)]
    Propose {
        #[command(flatten)]
        scope: ScopeArguments,
        /// Only packets after this one.
        #[arg(long, value_name = "ENVELOPE", default_value = "")]
        after: String,
        /// Why, in at least 10 characters; it stands in the evidence.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: AsPerson,
    },
    /// Agree; another person than who proposed it.
    Approve(StepArguments),
    /// Do not agree; another person than who proposed it.
    Refuse(StepArguments),
    /// Destroy nothing for now.
    Pause(StepArguments),
    /// Go on.
    Resume(StepArguments),
    /// End it, or take the proposal back.
    Stop(StepArguments),
    /// List purges, the newest first.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show a purge and how far it is, as JSON.
    Show {
        /// Which.
        #[arg(value_name = "PURGE")]
        id: String,
    },
    /// Print the certificate of destruction with all that proves it.
    Certificate {
        /// Of which purge.
        #[arg(value_name = "PURGE")]
        id: String,
    },
}

impl PurgeCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Preview { scope, after } => {
                let preview = purge::preview(hub, None, Wish { scope: scope.into(), after }).await?;
                writeln!(out, "{}", serde_json::to_string_pretty(&told(&preview))?)?;
            }
            Self::Propose { scope, after, reason, by } => {
                let person = by.sign_in(hub).await?;
                let proposed = purge::propose(hub, &person, Wish { scope: scope.into(), after }, &reason).await;
                sessions::sign_out(hub, &person).await?;
                writeln!(out, "{}", proposed?)?;
            }
            Self::Approve(step) => step.take(hub, UndertakingStep::Approve, out).await?,
            Self::Refuse(step) => step.take(hub, UndertakingStep::Refuse, out).await?,
            Self::Pause(step) => step.take(hub, UndertakingStep::Pause, out).await?,
            Self::Resume(step) => step.take(hub, UndertakingStep::Resume, out).await?,
            Self::Stop(step) => step.take(hub, UndertakingStep::Stop, out).await?,
            Self::List { json } => {
                for line in purge::list(hub, None).await? {
                    let (row, state) = (&line.row, line.state.word());
                    match json {
                        true => writeln!(out, "{}", serde_json::to_string(&purge_api::body(&line))?)?,
                        false => writeln!(
                            out,
                            "{}  {}  {state}  {}/{} destroyed  {} kept  {}",
                            row.purge_id,
                            time(row.proposed_at()),
                            row.destroyed,
                            row.found,
                            row.kept,
                            line.proposer
                        )?,
                    }
                }
            }
            Self::Show { id } => {
                let view = purge::view(hub, None, &id).await.context(id)?;
                writeln!(out, "{}", serde_json::to_string_pretty(&purge_api::body(&view.line))?)?;
            }
            Self::Certificate { id } => {
                write!(out, "{}", purge::certificate(hub, None, &id).await.context(id)?.file())?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn told(preview: &Preview) -> Value {
    let packet = |line: &DueLine| {
        json!({
            "envelope_id": line.envelope_id, "sender": line.sender, "document_id": line.document_id,
            "accepted_at": time(line.accepted_at), "bytes": line.bytes, "class": line.due.class,
            "ended_at": time(line.due.ended_at), "kept_until": time(line.due.kept_until),
            "basis_vi": line.due.basis.vi, "basis_en": line.due.basis.en,
        })
    };
    let kept: BTreeMap<&str, usize> = preview.kept.iter().map(|(why, number)| (why.code(), *number)).collect();
    json!({
        "enabled": preview.is_on, "number": preview.number, "bytes": preview.bytes, "classes": preview.classes,
        "kept": kept, "next": preview.next, "open": preview.open,
        "packets": preview.lines.iter().map(packet).collect::<Vec<_>>(),
    })
}

impl StepArguments {
    async fn take(self, hub: &Hub, step: UndertakingStep, out: &mut dyn Write) -> anyhow::Result<()> {
        let person = self.by.sign_in(hub).await?;
        let taken = purge::step(hub, &person, &self.id, step).await;
        sessions::sign_out(hub, &person).await?;
        taken.with_context(|| self.id.clone())?;
        Ok(writeln!(out, "{} {}", self.id, step.word())?)
    }
}

fn refused(vi: &str, en: &str) -> anyhow::Error {
    ExchangeError::NotAllowed(Wording::new(vi, en)).into()
}

impl AsPerson {
    /// Lets the person in as the portal does, failures and locks included.
    async fn sign_in(&self, hub: &Hub) -> anyhow::Result<Person> {
        let mut lines = std::io::stdin().lock().lines();
        let mut line = || lines.next().transpose().map(Option::unwrap_or_default).context("standard input");
        let shown = Shown { login: self.login.clone(), password: line()?.into(), code: line()? };
        let visit = Visit { address: "command-line".to_owned(), agent: "docaxis purge".to_owned() };
        let token = match sessions::sign_in(hub, shown, visit).await? {
            Admission::In(token) => token,
            Admission::Out(_) => {
                return Err(refused(
                    "Sai tên, mật khẩu hoặc mã, hoặc đang bị khóa",
                    "Name, password or code do not hold, or it is locked",
                ));
            }
        };
        let person = sessions::person(hub, token.expose_secret(), true).await?;
        let person = person.with_context(|| self.login.clone())?;
        if person.must_change_password || person.must_set_up {
            sessions::sign_out(hub, &person).await?;
            return Err(refused("Trước hết hãy đăng nhập cổng", "Sign in to the portal first"));
        }
        Ok(person)
    }
}
