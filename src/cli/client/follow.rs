//! `sent`, `delivery show`, `agencies find`: what became of a document, and who there is. The first question of every
//! clerk is "họ nhận chưa?", and `delivery show` answers it in a sentence.

use super::connection::{Connection, Fault, HubArguments, Page};
use super::words::{Delivery, kind, moment, shown, size, status_name};
use super::{Kind, id};
use crate::cli::Outcome;
use crate::domain::text::folded;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;
use std::io::Write;

pub const SENT_EXAMPLES: &str = "\
Examples:
  docaxis sent
  docaxis sent --from 2026-11-01 --limit 1000 --json | jq -r 'select(.state != \"handed_over\") | .recipient'
  docaxis sent --id 01a1ffe2773d7220bcf03a68c01fde6b";

#[derive(Debug, Args)]
pub struct SentArguments {
    /// Only packets of this kind.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Only what was accepted at or after this time: ISO 8601, or a day.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only what was accepted before this time: ISO 8601, or a day, which is its beginning.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only this envelope or delivery.
    #[arg(long, value_name = "ID", value_parser = id)]
    id: Option<String>,
    /// Most rows; 0 lists all.
    #[arg(long, value_name = "ROWS", default_value_t = 50)]
    limit: usize,
    /// One JSON object per row, as the hub gives it.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: HubArguments,
}

#[derive(Debug, Subcommand)]
pub enum DeliveryCommand {
    /// Say whether the recipients have a document, and what their clerks reported.
    #[command(after_help = "Examples:\n  docaxis delivery show 01a1ffe2773d7220bcf03a6ae7742253")]
    Show(ShowArguments),
}

#[derive(Debug, Args)]
pub struct ShowArguments {
    /// A delivery, or an envelope with all its deliveries.
    #[arg(value_name = "ID", value_parser = id)]
    id: String,
    /// One JSON object, as the hub gives it.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: HubArguments,
}

#[derive(Debug, Subcommand)]
pub enum AgenciesCommand {
    /// Find agencies by code, alias or words of their name; marks and case do not matter.
    #[command(after_help = "Examples:\n  docaxis agencies find so tai chinh\n  docaxis agencies find X99.B02")]
    Find(FindArguments),
}

#[derive(Debug, Args)]
pub struct FindArguments {
    /// A code, an alias, or words that the name has.
    #[arg(required = true, value_name = "WORD")]
    words: Vec<String>,
    /// One JSON object per agency and line, as the hub gives it.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: HubArguments,
}

pub async fn sent(arguments: &SentArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let connection = Connection::of(&arguments.hub)?;
    let kind = arguments.kind.map(|kind| kind.word().to_owned());
    let given = [("kind", kind), ("from", arguments.from.clone()), ("until", arguments.until.clone())];
    let given = given.into_iter().chain([("id", arguments.id.clone())]);
    let given: Vec<(&str, String)> = given.filter_map(|(name, value)| Some((name, value?))).collect();
    let most = if arguments.limit == 0 { usize::MAX } else { arguments.limit };
    let (mut printed, mut skip) = (0, None);
    loop {
        let mut query = given.clone();
        query.extend(skip.take().map(|skip| ("skip", skip)));
        query.push(("limit", (most - printed).min(1000).to_string()));
        let page = Page::deserialize(connection.get("/sent", &query).await?).unwrap_or_default();
        for item in page.items.iter().take(most - printed) {
            print_sent(item, arguments.json, out)?;
            printed += 1;
        }
        skip = page.next.filter(|_| !page.items.is_empty());
        if skip.is_none() || printed >= most {
            break;
        }
    }
    if printed == 0 && !arguments.json {
        writeln!(out, "Chưa gửi gì. / Nothing was sent.")?;
    }
    Ok(Outcome::Done)
}

fn print_sent(item: &Value, json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    if json {
        return writeln!(out, "{item}");
    }
    let delivery = Delivery::deserialize(item).unwrap_or_default();
    let (vi, en) = delivery.standing();
    let (at, id) = (moment(&delivery.accepted_at), shown(&delivery.delivery_id));
    let overdue = if delivery.overdue { "  QUÁ HẠN / OVERDUE" } else { "" };
    writeln!(out, "{id}  {at}  {}  {vi} / {en}{overdue}", shown(&delivery.recipient))?;
    writeln!(out, "  {}  {}", shown(&delivery.code), shown(&delivery.subject))
}

/// An envelope as a party to it sees it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope {
    envelope_id: String,
    kind: String,
    sender: String,
    document_id: String,
    subject: String,
    code: String,
    accepted_at: String,
    bytes: u64,
    deliveries: Vec<Delivery>,
    statuses: Vec<Report>,
    acts_on: Vec<Link>,
    acted_on_by: Vec<Link>,
}

/// What a recipient's clerks reported.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    reporter: String,
    status_code: String,
    description: String,
    accepted_at: String,
}

/// Another document that this one acts on, or the other way round.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Link {
    relation: String,
    document_id: String,
    envelope_id: String,
}

pub async fn show(arguments: &ShowArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let connection = Connection::of(&arguments.hub)?;
    let answer = connection.get(&format!("/envelopes/{}", arguments.id), &[]).await?;
    if arguments.json {
        writeln!(out, "{answer}")?;
        return Ok(Outcome::Done);
    }
    let envelope = Envelope::deserialize(&answer).unwrap_or_default();
    print_envelope(&envelope, &arguments.id, out)?;
    Ok(Outcome::Done)
}

fn print_envelope(envelope: &Envelope, asked: &str, out: &mut dyn Write) -> std::io::Result<()> {
    let Envelope { code, subject, sender, document_id, .. } = envelope;
    writeln!(out, "{}  {}", shown(code), shown(subject))?;
    let (at, size) = (moment(&envelope.accepted_at), size(envelope.bytes));
    writeln!(out, "{}  {}  {}  {at}  {size}", kind(&envelope.kind), shown(sender), shown(document_id))?;
    writeln!(out, "envelope {}", shown(&envelope.envelope_id))?;
    // Asked for one delivery, that one is meant; asked for the envelope, all.
    let one = envelope.deliveries.iter().filter(|delivery| delivery.delivery_id == asked);
    let mut meant: Vec<&Delivery> = one.collect();
    if meant.is_empty() {
        meant = envelope.deliveries.iter().collect();
    }
    for delivery in meant {
        print_delivery(delivery, &envelope.statuses, out)?;
    }
    for (links, vi, en) in
        [(&envelope.acts_on, "tác động tới", "acts on"), (&envelope.acted_on_by, "bị tác động bởi", "acted on by")]
    {
        for link in links {
            let (relation, id) = (shown(&link.relation), shown(&link.envelope_id));
            writeln!(out, "\n{vi} / {en}: {relation}  {}  {id}", shown(&link.document_id))?;
        }
    }
    Ok(())
}

fn print_delivery(delivery: &Delivery, reports: &[Report], out: &mut dyn Write) -> std::io::Result<()> {
    let (vi, en) = delivery.sentences();
    writeln!(out, "\n{}  {}", shown(&delivery.recipient), shown(&delivery.delivery_id))?;
    writeln!(out, "  {vi}\n  {en}")?;
    if let Some((vi, en)) = delivery.received() {
        writeln!(out, "  {vi}\n  {en}")?;
    }
    if let Some((vi, en)) = delivery.recalled() {
        writeln!(out, "  {vi}\n  {en}")?;
    }
    let reports = reports.iter().filter(|report| report.reporter == delivery.recipient);
    for Report { status_code, description, accepted_at, .. } in reports {
        let (vi, en) = status_name(status_code);
        let (at, why) = (moment(accepted_at), shown(description));
        writeln!(out, "  {at}  {} {vi} / {en}  {why}", shown(status_code))?;
    }
    Ok(())
}

/// An agency of the directory.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Agency {
    code: String,
    name: String,
    old_code: String,
    state: String,
    standing: String,
    successor: Option<String>,
    valid_until: Option<String>,
}

impl Agency {
    /// Who takes over, and from which day on while that is to come.
    fn successor(&self) -> Option<String> {
        let code = shown(self.successor.as_deref()?);
        let is_over = matches!(self.standing.as_str(), "closed" | "no_longer_valid");
        let last = self.valid_until.as_ref().filter(|_| !is_over).and_then(|day| day.parse::<NaiveDate>().ok());
        let day = last.and_then(|last| last.succ_opt());
        Some(format!(" → {code}{}", day.map(|day| day.format(" (từ/from %d/%m/%Y)").to_string()).unwrap_or_default()))
    }
}

pub async fn find(arguments: &FindArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let connection = Connection::of(&arguments.hub)?;
    let wanted = arguments.words.join(" ");
    let mut found = 0;
    if let [code] = arguments.words.as_slice()
        && let Some(agency) = by_code(&connection, code).await?
    {
        print_agency(&agency, arguments.json, out)?;
        return Ok(Outcome::Done);
    }
    let wanted = folded(&wanted);
    let mut after = String::new();
    loop {
        let query = [("after", after.clone())];
        let page = Page::deserialize(connection.get("/agencies", &query).await?).unwrap_or_default();
        for item in page.items.iter().filter(|item| is_about(item, &wanted)) {
            print_agency(item, arguments.json, out)?;
            found += 1;
        }
        match page.next.filter(|next| *next > after) {
            Some(next) => after = next,
            None => break,
        }
    }
    if found == 0 {
        if !arguments.json {
            writeln!(out, "Không tìm thấy. / Nothing was found.")?;
        }
        return Ok(Outcome::Refused);
    }
    Ok(Outcome::Done)
}

/// The agency that a code or an alias leads to.
async fn by_code(connection: &Connection, code: &str) -> anyhow::Result<Option<Value>> {
    let is_code = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !is_code || code.bytes().all(|byte| byte == b'.') {
        return Ok(None);
    }
    match connection.get(&format!("/agencies/{code}"), &[]).await {
        Ok(agency) => Ok(Some(agency)),
        Err(Fault::Refused(problem)) if problem.status == 404 => Ok(None),
        Err(fault) => Err(fault.into()),
    }
}

/// Whether every word stands in the agency's code or name.
fn is_about(item: &Value, wanted: &str) -> bool {
    let agency = Agency::deserialize(item).unwrap_or_default();
    let text = folded(&format!("{} {} {}", agency.code, agency.old_code, agency.name));
    wanted.split(' ').all(|word| text.contains(word))
}

fn print_agency(item: &Value, json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    if json {
        return writeln!(out, "{item}");
    }
    let agency = Agency::deserialize(item).unwrap_or_default();
    let successor = agency.successor().unwrap_or_default();
    let Agency { code, name, state, .. } = agency;
    writeln!(out, "{:<36}{:<10}{}{successor}", shown(&code), shown(&state), shown(&name))
}
