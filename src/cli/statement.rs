//! `statement list|show|verify`: what went from one agency to another on a day.

use super::Outcome;
use crate::domain::dates;
use crate::exchange::{access, statements};
use crate::hub::Hub;
use anyhow::Context;
use chrono::NaiveDate;
use clap::Subcommand;
use serde_json::json;
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  docaxis statement list 2026-11-20
  docaxis statement show 2026-11-20 --from X99.A01 --to X99.B02 > bang-ke.json
  docaxis verify bang-ke.json --trust hub.pem
  jq -r .list bang-ke.json | jq -r .document_id     # whatever is not in it was not sent on that day";

#[derive(Debug, Subcommand)]
pub enum StatementCommand {
    /// List the statements of a closed day, one for each pair of agencies.
    List {
        /// Which day.
        #[arg(value_name = "DAY", value_parser = day)]
        day: NaiveDate,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Print a statement with all that proves it, as JSON; without a pair, the list of all statements of the day.
    #[command(after_help = EXAMPLES)]
    Show {
        /// Which day.
        #[arg(value_name = "DAY", value_parser = day)]
        day: NaiveDate,
        /// Code of the sender.
        #[arg(long, value_name = "AGENCY", requires = "to")]
        from: Option<String>,
        /// Code of the recipient.
        #[arg(long, value_name = "AGENCY", requires = "from")]
        to: Option<String>,
    },
    /// Draw a day anew from the ledger and compare it with what was sealed.
    Verify {
        /// Which day.
        #[arg(value_name = "DAY", value_parser = day)]
        day: NaiveDate,
        /// One JSON object for each thing that is wrong.
        #[arg(long)]
        json: bool,
    },
}

/// A day as people write it.
pub(super) fn day(text: &str) -> Result<NaiveDate, String> {
    dates::date(text).ok_or_else(|| "no day such as 2026-11-20".to_owned())
}

impl StatementCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::List { day, json } => {
                for row in statements::of_day(hub, day).await.with_context(|| format!("{day} is not closed"))? {
                    let (id, from, to, sent) = (&row.evidence_id, &row.sender_code, &row.recipient_code, row.sent);
                    match json {
                        true => writeln!(out, "{}", json!({ "id": id, "from": from, "to": to, "sent": sent }))?,
                        false => writeln!(out, "{id}  {from} → {to}  {sent}")?,
                    }
                }
            }
            Self::Show { day, from, to } => {
                let file = match from.zip(to) {
                    Some((from, to)) => {
                        let all = statements::of_day(hub, day).await.with_context(|| format!("{day} is not closed"))?;
                        let of_pair = all.iter().find(|row| row.sender_code == from && row.recipient_code == to);
                        let row = of_pair.with_context(|| format!("{from} sent nothing to {to} on {day}"))?;
                        statements::statement(hub, None, &row.evidence_id).await?
                    }
                    None => statements::closing(hub, day).await.with_context(|| format!("{day} is not closed"))?,
                };
                access::by_operator(hub, "statement", &file.evidence.record.evidence_id).await?;
                write!(out, "{}", file.file())?;
            }
            Self::Verify { day, json } => {
                let found = statements::audit(hub, day).await.with_context(|| format!("{day} is not closed"))?;
                for (difference, place) in &found {
                    let (code, vi, en) = difference.words();
                    match json {
                        true => writeln!(out, "{}", json!({ "code": code, "place": place, "vi": vi, "en": en }))?,
                        false => writeln!(out, "{code}  {place}\n  {vi}\n  {en}")?,
                    }
                }
                if !found.is_empty() {
                    return Ok(Outcome::Refused);
                }
                if !json {
                    writeln!(out, "{day}: ĐÚNG / holds")?;
                }
            }
        }
        Ok(Outcome::Done)
    }
}
