//! `mail list|test`: what waits to be sent, and whether the mail server takes anything.

use super::{Outcome, time};
use crate::channel::mail::{Handed, Mailer};
use crate::exchange::post;
use crate::hub::Hub;
use clap::Subcommand;
use serde_json::json;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// List mails that wait, and those that failed, with why.
    List {
        /// Most mails of each of the two.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Hand a test to the mail server at once.
    #[command(after_help = "Examples:\n  docaxis mail test van-hanh@donvi.gov.vn")]
    Test {
        /// To whom.
        address: String,
    },
}

impl MailCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::List { limit, json } => list(hub, (limit, json), out).await,
            Self::Test { address } => test(hub, &address, out).await,
        }
    }
}

async fn list(hub: &Hub, (limit, json): (usize, bool), out: &mut dyn Write) -> anyhow::Result<Outcome> {
    for mail in post::unsent(hub, limit).await? {
        let (made, due) = (time(mail.created_at()), time(mail.due_at()));
        if json {
            let line = json!({
                "mail_id": mail.mail_id, "once": mail.once, "address": mail.address, "state": mail.state,
                "reason": mail.reason, "attempts": mail.attempts, "created_at": made, "due_at": due,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        writeln!(out, "{}  {}  {}  {}", mail.state, mail.once, mail.address, made)?;
        writeln!(out, "  attempts {}, next {due}  {}", mail.attempts, mail.reason)?;
    }
    Ok(Outcome::Done)
}

async fn test(hub: &Hub, address: &str, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let Some(mailer) = Mailer::new(&hub.config.mail)? else {
        writeln!(out, "chưa đặt mail.server / mail.server is not set")?;
        return Ok(Outcome::Refused);
    };
    let (words, outcome) = match post::try_out(hub, &mailer, address).await {
        Handed::Taken => ("máy chủ thư đã nhận / the mail server took it".to_owned(), Outcome::Done),
        Handed::Refused(why) => (format!("máy chủ thư từ chối / the mail server refused it: {why}"), Outcome::Refused),
        Handed::Later(why) => (format!("máy chủ thư chưa nhận / not now: {why}"), Outcome::Failed),
        Handed::Away(why) => (format!("không gửi được / the mail server cannot be used: {why}"), Outcome::Failed),
    };
    writeln!(out, "{words}")?;
    Ok(outcome)
}
