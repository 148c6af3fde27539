//! `inbox`: what waits, once or as it comes.

use super::connection::{Connection, Fault, HubArguments, Page, accepted};
use super::words::{kind, moment, shown, size};
use super::{Kind, id};
use crate::cli::Outcome;
use crate::cli::progress::Progress;
use clap::Args;
use reqwest::Method;
use reqwest::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;
use std::io::Write;
use std::time::{Duration, Instant};

pub const EXAMPLES: &str = "\
Examples:
  docaxis inbox
  docaxis inbox --kind status --json | jq -r .delivery_id
  docaxis inbox --watch

What was not confirmed as done stays in the list.
Exit codes: 0 listed, 1 the hub refused, 2 it could not be asked.";

#[derive(Debug, Args)]
pub struct InboxArguments {
    /// Only packets of this kind.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Stay and print what arrives, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// One JSON object per packet and line, as the hub gives it.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: HubArguments,
}

/// A waiting delivery, as far as people are told of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    pub delivery_id: String,
    pub kind: String,
    sender: String,
    subject: String,
    code: String,
    accepted_at: String,
    pub bytes: u64,
}

pub async fn run(arguments: &InboxArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let connection = Connection::of(&arguments.hub)?;
    if arguments.watch {
        return watch(&connection, arguments, out).await;
    }
    let items = all(&connection, arguments.kind).await?;
    for item in &items {
        print(item, arguments.json, out)?;
    }
    if items.is_empty() && !arguments.json {
        writeln!(out, "Hộp thư trống. / The mailbox is empty.")?;
    }
    Ok(Outcome::Done)
}

fn print(item: &Value, json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    if json {
        return writeln!(out, "{item}");
    }
    let waiting = Waiting::deserialize(item).unwrap_or_default();
    let (at, size) = (moment(&waiting.accepted_at), size(waiting.bytes));
    let (id, kind, sender) = (shown(&waiting.delivery_id), kind(&waiting.kind), shown(&waiting.sender));
    writeln!(out, "{id}  {at}  {kind}  {sender}  {size}")?;
    writeln!(out, "  {}  {}", shown(&waiting.code), shown(&waiting.subject))
}

/// Everything that waits, oldest first.
pub async fn all(connection: &Connection, kind: Option<Kind>) -> Result<Vec<Value>, Fault> {
    let page = connection.get("/mailbox", &query(kind, None)).await?;
    let page = Page::deserialize(page).unwrap_or_default();
    with_further_pages(connection, kind, page).await
}

async fn with_further_pages(connection: &Connection, kind: Option<Kind>, first: Page) -> Result<Vec<Value>, Fault> {
    let Page { mut items, mut next } = first;
    while let Some(after) = next.filter(|after| id(after).is_ok()) {
        let page = connection.get("/mailbox", &query(kind, Some(&after))).await?;
        let page = Page::deserialize(page).unwrap_or_default();
        items.extend(page.items);
        // A hub whose cursor does not move would keep us for ever.
        next = page.next.filter(|next| *next > after);
    }
    Ok(items)
}

fn query(kind: Option<Kind>, after: Option<&str>) -> Vec<(&'static str, String)> {
    let kind = kind.map(|kind| ("kind", kind.word().to_owned()));
    kind.into_iter().chain(after.map(|after| ("after", after.to_owned()))).collect()
}

/// Least time between two looks after something new, and after nothing new: a hub that holds its answer back is asked
/// again at once, one that does not, or is out of reach, is left in peace.
const PAUSE: Duration = Duration::from_secs(1);
const QUIET_PAUSE: Duration = Duration::from_secs(10);

/// Prints what is new as soon as the hub has it: the hub is asked with the tag of its last answer, and holds the next
/// one back while nothing changes.
async fn watch(connection: &Connection, arguments: &InboxArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let mut tag = None;
    let mut printed: HashSet<String> = HashSet::new();
    // A silence as long as the time-out would look like a hub that is gone.
    let wait = arguments.hub.timeout / 2;
    loop {
        let (begun, mut pause) = (Instant::now(), QUIET_PAUSE);
        match changed(connection, (arguments.kind, wait), &mut tag).await {
            Ok(None) => {}
            Ok(Some(items)) => {
                let name = |item: &Value| item.get("delivery_id").and_then(Value::as_str).map(str::to_owned);
                for item in items.iter().filter(|item| name(item).is_none_or(|id| !printed.contains(&id))) {
                    print(item, arguments.json, out)?;
                    pause = PAUSE;
                }
                out.flush()?;
                // Only what still waits is remembered.
                printed = items.iter().filter_map(name).collect();
            }
            Err(fault) if fault.outcome() == Outcome::Refused => return Err(fault.into()),
            // A watch outlives a hub that is restarted.
            Err(fault) => Progress::pieces(0, "").remark(&fault.chain()),
        }
        tokio::time::sleep(pause.saturating_sub(begun.elapsed())).await;
    }
}

/// What waits now, or within `wait` seconds; nothing when that is what it was.
async fn changed(
    connection: &Connection,
    (kind, wait): (Option<Kind>, u64),
    tag: &mut Option<HeaderValue>,
) -> Result<Option<Vec<Value>>, Fault> {
    let attempt = || async {
        let mut request =
            connection.request(Method::GET, "/mailbox").query(&query(kind, None)).query(&[("wait", wait)]);
        if let Some(tag) = tag.as_ref() {
            request = request.header(IF_NONE_MATCH, tag.clone());
        }
        let response = accepted(request).await?;
        if response.status().as_u16() == 304 {
            return Ok(None);
        }
        let tag = response.headers().get(ETAG).cloned();
        Ok(Some((tag, response.json::<Page>().await.map_err(Fault::of)?)))
    };
    let Some((new_tag, page)) = connection.persist(&Progress::pieces(0, ""), attempt).await? else {
        return Ok(None);
    };
    // The tag is that of one page; what comes after a full one may change without it.
    *tag = new_tag.filter(|_| page.next.is_none());
    with_further_pages(connection, kind, page).await.map(Some)
}
