//! `queue waiting|failed|now|hold|release|start-anew`: what the hub has to bring to an agency, delivery by delivery.

use super::progress::Progress;
use super::{Outcome, moment, time};
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::exchange::act::By;
use crate::exchange::controls::{self, Direction, FailedLine, FailedSelection, Planned, WaitingLine};
use crate::exchange::webhooks::{self, GivenUpLine, Replay};
use crate::hub::Hub;
use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// What waits to be pushed to an agency or a webhook, by lane, then by due time.
    Waiting {
        /// The agency's code or an alias, or events:SYSTEM.
        agency: String,
        /// Most deliveries.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// What has failed for an agency, with what starting it anew would do; events that were given up for a webhook.
    Failed {
        #[command(flatten)]
        which: Which,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Try a waiting delivery now.
    Now(Meant),
    /// Hold a waiting delivery; its term goes on.
    Hold(Meant),
    /// Let a held delivery go on, at once.
    Release(Meant),
    /// Start failed deliveries anew, each as a new delivery by the agency's channel of today. Says only what would be
    /// done, unless told to apply it.
    #[command(after_help = "Examples:\n  docaxis queue start-anew X99.B02 --from 2026-11-20\n  \
                            docaxis queue start-anew X99.B02 --from 2026-11-20 --per-minute 60 --apply")]
    StartAnew {
        #[command(flatten)]
        which: Which,
        /// How many of the new deliveries become due each minute.
        #[arg(long, value_name = "NUMBER", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
        per_minute: u32,
        /// Do it.
        #[arg(long)]
        apply: bool,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct Meant {
    /// The delivery.
    delivery: String,
    /// Why; it stands in the evidence.
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Debug, Args)]
pub struct Which {
    /// The agency's code or an alias, or events:SYSTEM.
    agency: String,
    /// Accepted at or after this day or time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<DateTime<Utc>>,
    /// Accepted at or before this day or time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<DateTime<Utc>>,
    /// Only this delivery.
    #[arg(long, value_name = "ID")]
    delivery: Option<String>,
}

impl Which {
    fn after(&self, last: Option<&FailedLine>, now: DateTime<Utc>) -> FailedSelection {
        FailedSelection {
            agency: self.agency.clone(),
            from: self.from,
            // What is made meanwhile, by this very command, is not meant.
            until: Some(self.until.unwrap_or(now)),
            delivery_id: self.delivery.clone(),
            after: last.map(|line| line.delivery_id.clone()),
            limit: usize::MAX,
        }
    }
}

impl QueueCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Waiting { agency, limit, json } => {
                for line in controls::waiting(hub, &agency, limit).await.with_context(|| agency.clone())? {
                    print_waiting(&line, json, out)?;
                }
            }
            Self::Failed { which, json } => failed(hub, &which, (None, json), out).await?,
            Self::StartAnew { which, per_minute, apply, json } => {
                failed(hub, &which, (apply.then_some(per_minute), json), out).await?;
                if !apply && !json {
                    writeln!(out, "Chưa làm gì; thêm --apply để thực hiện. / Nothing was done; --apply does it.")?;
                }
            }
            Self::Now(meant) => direct(hub, &meant, Direction::Now, out).await?,
            Self::Hold(meant) => direct(hub, &meant, Direction::Hold, out).await?,
            Self::Release(meant) => direct(hub, &meant, Direction::Release, out).await?,
        }
        Ok(Outcome::Done)
    }
}

async fn direct(hub: &Hub, meant: &Meant, direction: Direction, out: &mut dyn Write) -> anyhow::Result<()> {
    let Meant { delivery, reason } = meant;
    controls::direct(hub, &By::Operator, delivery, (direction, reason)).await.with_context(|| delivery.clone())?;
    writeln!(out, "{delivery} {}", direction.word())?;
    Ok(())
}

/// Page by page; with a number for each minute, starts them anew.
async fn failed(
    hub: &Hub,
    which: &Which,
    (per_minute, json): (Option<u32>, bool),
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if let Some(EndpointId { kind: EndpointKind::Events, holder }) = EndpointId::parse(&which.agency) {
        return given_up(hub, (which, &holder), (per_minute.is_some(), json), out).await;
    }
    let progress = Progress::pieces(0, "deliveries");
    let (mut last, now): (Option<FailedLine>, _) = (None, hub.clock.now());
    let mut planned = per_minute.map(|per_minute| Planned { per_minute, before: 0 });
    loop {
        let selection = which.after(last.as_ref(), now);
        let lines = match &mut planned {
            None => controls::failed(hub, &selection).await,
            Some(planned) => controls::start_anew(hub, &By::Operator, &selection, planned).await,
        };
        let lines = lines.with_context(|| which.agency.clone())?;
        for line in &lines {
            print_failed(line, json, out)?;
        }
        progress.advance(u64::try_from(lines.len()).unwrap_or(0));
        last = lines.into_iter().next_back();
        if last.is_none() || which.delivery.is_some() {
            return Ok(());
        }
    }
}

/// Events that were given up for a webhook; when told to, they are put in line again.
async fn given_up(
    hub: &Hub,
    (which, system): (&Which, &str),
    (apply, json): (bool, bool),
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if which.until.is_some() || which.delivery.is_some() {
        anyhow::bail!("--until và --delivery chỉ dùng cho cơ quan / --until and --delivery are for agencies only");
    }
    let mut after = String::new();
    loop {
        let lines = webhooks::given_up(hub, system, (after, usize::MAX)).await?;
        let Some(last) = lines.last() else { break };
        after = last.announcement_id.clone();
        for line in lines.iter().filter(|line| which.from.is_none_or(|from| line.created_at >= from)) {
            print_given_up(line, json, out)?;
        }
    }
    if !apply {
        return Ok(());
    }
    let replay = Replay { from: which.from.unwrap_or_default(), only_given_up: true };
    let mut again: usize = 0;
    loop {
        // As many at once as the configuration allows.
        match webhooks::replay(hub, &By::Operator, system, replay).await.with_context(|| system.to_owned())? {
            0 => break,
            number => again = again.saturating_add(number),
        }
    }
    Ok(writeln!(out, "{again} events wait again")?)
}

fn print_given_up(line: &GivenUpLine, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let GivenUpLine { announcement_id: id, event, attempts, reason, .. } = line;
    let (at, given_up_at) = (time(line.created_at), time(line.given_up_at));
    if json {
        let object = json!({
            "event_id": id, "event": event, "at": at, "given_up_at": given_up_at, "attempts": attempts, "reason": reason,
        });
        return Ok(writeln!(out, "{object}")?);
    }
    writeln!(out, "{id}  {event}  {at}  given up {given_up_at}")?;
    Ok(writeln!(out, "  attempts {attempts}; {reason}")?)
}

fn print_waiting(line: &WaitingLine, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let expires_at = time(line.expires_at);
    if json {
        let object = json!({
            "delivery_id": line.push_id, "lane": line.lane.word(), "attempts": line.attempts,
            "due_at": line.due_at.map(time), "expires_at": expires_at, "held": line.held,
        });
        return Ok(writeln!(out, "{object}")?);
    }
    let when = match (line.held, line.due_at) {
        (true, _) => "held".to_owned(),
        (false, Some(at)) => format!("due {}", time(at)),
        (false, None) => "on its way".to_owned(),
    };
    let (id, lane, attempts) = (&line.push_id, line.lane.word(), line.attempts);
    Ok(writeln!(out, "{id}  {lane}  {when}  attempts {attempts}  until {expires_at}")?)
}

fn print_failed(line: &FailedLine, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let (accepted_at, failed_at) = (time(line.accepted_at), time(line.failed_at));
    let (new, words) = (line.fate.new_delivery(), line.fate.name());
    if json {
        let object = json!({
            "delivery_id": line.delivery_id, "sender": line.sender, "document_id": line.document_id,
            "accepted_at": accepted_at, "failed_at": failed_at, "reason": line.reason, "fate": line.fate.word(),
            "fate_name": { "vi": words.vi, "en": words.en }, "new_delivery_id": new,
        });
        return Ok(writeln!(out, "{object}")?);
    }
    writeln!(out, "{}  {}  {}  failed {failed_at}", line.delivery_id, line.sender, line.document_id)?;
    let new = new.map(|id| format!(": {id}")).unwrap_or_default();
    Ok(writeln!(out, "  {} / {}{new}; {}", words.vi, words.en, line.reason)?)
}
