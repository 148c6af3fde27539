//! `robot`: the software of an agency that takes pushed packets, well or badly, and reports statuses about them; or of a
//! system that takes events by its webhook. Vendors
//! try their own side of the exchange against it, operators the hub's. How it answers a push: `crate::robot`.

use super::connection::{Connection, HubArguments, accepted};
use super::robot_documents;
use super::words::shown;
use crate::channel::signature;
use crate::cli::Outcome;
use crate::config::Packets;
use crate::domain::dates::VIETNAM;
use crate::domain::envelope::{Business, Content, Document, Envelope};
use crate::domain::status::StatusCode;
use crate::hub::Clock;
use crate::robot::{Manner, Pushed, Robot};
use crate::wire::read;
use crate::wire::write::{Mention, Party, StatusPacket};
use anyhow::{Context, anyhow};
use clap::Args;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

pub const EXAMPLES: &str = "\
Examples:
  docaxis robot --listen 127.0.0.1:9000 --manner busy:5 --manner busy:5
  docaxis robot --secret-file secret --report 01 --report 03
  docaxis robot --report 02 --reason 'Sai thẩm quyền' --twice --json
  docaxis robot --wrong-certificate
  docaxis robot --as X99.B02 --send-to X99.A01 --ask-back

Every packet is answered in the next manner, and with 200 when none is left.
Statuses are reported over the native API (--hub, --key-file) about documents that were taken.";

#[derive(Debug, Args)]
pub struct RobotArguments {
    /// Where to take packets and events.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: String,
    /// How to answer, one packet after the other: ok, status:NUMBER, busy:SECONDS, gone, redirect:URL, after:SECONDS,
    /// hang, reset, drip, huge.
    #[arg(long, value_name = "MANNER", value_parser = manner)]
    manner: Vec<Manner>,
    /// File with the secret of the signatures, as `endpoint set` and `webhook set` show it; without it they are not checked.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Status to report about each document, in this order.
    #[arg(long, value_name = "CODE", value_parser = status, requires = "HubArguments")]
    report: Vec<StatusCode>,
    /// The reason in reports, which 02 and 16 need.
    #[arg(long, value_name = "TEXT", default_value = "Robot thử nghiệm")]
    reason: String,
    /// How long after a document its statuses are reported.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    report_after: u64,
    /// Report every status twice, as some systems do.
    #[arg(long)]
    twice: bool,
    /// Listen behind TLS with a certificate that nobody signed and that names somebody else.
    #[arg(long)]
    wrong_certificate: bool,
    /// Send a trial document to this agency at the beginning.
    #[arg(long, value_name = "AGENCY", requires_all = ["own", "HubArguments"])]
    send_to: Option<String>,
    /// The agency that sends it.
    #[arg(long = "as", id = "own", value_name = "AGENCY")]
    own: Option<String>,
    /// Ask that document back at once.
    #[arg(long, requires = "send_to")]
    ask_back: bool,
    /// One JSON object per packet and line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: Option<HubArguments>,
}

fn manner(word: &str) -> anyhow::Result<Manner> {
    Manner::of_word(word).ok_or_else(|| anyhow!("one of: {}", Manner::WORDS))
}

fn status(code: &str) -> anyhow::Result<StatusCode> {
    StatusCode::parse(code).ok_or_else(|| anyhow!("a status has two digits"))
}

/// Takes packets until Ctrl-C.
pub async fn run(arguments: RobotArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let connection = arguments.hub.as_ref().map(Connection::of).transpose()?;
    let secret = arguments.secret_file.as_ref().map(|file| {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        anyhow::Ok(SecretString::from(text.trim()))
    });
    let secret = secret.transpose()?;
    let start = if arguments.wrong_certificate { Robot::start_behind_wrong_certificate } else { Robot::start };
    let mut robot = start(&arguments.listen, arguments.manner.clone()).context("cannot listen")?;
    writeln!(out, "{}", robot.url())?;
    out.flush()?;
    if let (Some(connection), Some(from), Some(to)) = (&connection, &arguments.own, &arguments.send_to) {
        for (what, answer) in robot_documents::send(connection, (from, to), arguments.ask_back).await? {
            writeln!(out, "  {what}: {answer}")?;
        }
        out.flush()?;
    }
    loop {
        let pushed = tokio::select! {
            pushed = robot.next() => pushed,
            stopped = tokio::signal::ctrl_c() => { stopped?; None }
        };
        let Some(pushed) = pushed else { break };
        tell(&pushed, secret.as_ref(), arguments.json, out)?;
        if let Some(connection) = connection.as_ref().filter(|_| pushed.is_taken) {
            let answers = tokio::select! {
                answers = report(connection, &arguments, &pushed) => answers?,
                stopped = tokio::signal::ctrl_c() => { stopped?; break }
            };
            for (code, answer) in answers {
                writeln!(out, "  {code}: {answer}")?;
            }
        }
        out.flush()?;
    }
    robot.stop().await;
    Ok(Outcome::Done)
}

fn tell(pushed: &Pushed, secret: Option<&SecretString>, as_json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    let said = |name: &str| pushed.headers.get(name).map(|value| shown(value)).unwrap_or_default();
    let signature = match secret.map(|secret| is_signed(pushed, secret)) {
        None => "unchecked",
        Some(true) => "valid",
        Some(false) => "WRONG",
    };
    if let Some(event) = event(pushed) {
        return tell_event(pushed, &event, (signature, as_json), out);
    }
    let (delivery, kind, attempt) = (said("docaxis-delivery"), said("docaxis-kind"), said("docaxis-attempt"));
    let (sender, recipient, bytes) = (said("docaxis-sender"), said("docaxis-recipient"), pushed.body.len());
    if as_json {
        let object = json!({
            "delivery_id": delivery, "kind": kind, "attempt": attempt, "sender": sender, "recipient": recipient,
            "bytes": bytes, "signature": signature,
        });
        return writeln!(out, "{object}");
    }
    let now = Clock::System.now().with_timezone(&VIETNAM).format("%H:%M:%S");
    writeln!(
        out,
        "{now}  {delivery}  {kind}  {sender} → {recipient}  {bytes} bytes  attempt {attempt}  signature {signature}"
    )
}

/// What a webhook was sent.
fn event(pushed: &Pushed) -> Option<Value> {
    let is_event = pushed.headers.get("content-type").is_some_and(|media| media == "application/json");
    if is_event { serde_json::from_slice(&pushed.body).ok() } else { None }
}

fn tell_event(
    pushed: &Pushed,
    event: &Value,
    (signature, as_json): (&str, bool),
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let header = |name: &str| pushed.headers.get(name).map(|value| shown(value)).unwrap_or_default();
    let (id, attempt) = (header("webhook-id"), header("docaxis-attempt"));
    if as_json {
        return writeln!(
            out,
            "{}",
            json!({ "event_id": id, "attempt": attempt, "signature": signature, "event": event })
        );
    }
    let said = |place: &str| event.pointer(place).and_then(Value::as_str).map(shown).unwrap_or_default();
    let (kind, document, recipient) = (said("/type"), said("/data/document_id"), said("/data/recipient"));
    let words = said("/data/reason/vi");
    let now = Clock::System.now().with_timezone(&VIETNAM).format("%H:%M:%S");
    writeln!(out, "{now}  {id}  {kind}  {document} → {recipient}  {words}  attempt {attempt}  signature {signature}")
}

/// Whether one of the signatures in the header is that of this secret.
pub fn is_signed(pushed: &Pushed, secret: &SecretString) -> bool {
    let said = |name: &str| pushed.headers.get(name).map(String::as_str).unwrap_or_default();
    let timestamp = said("webhook-timestamp").parse().unwrap_or_default();
    let right = signature::sign(secret, (said("webhook-id"), timestamp), || Ok(pushed.body.as_slice()));
    right.is_ok_and(|right| said("webhook-signature").split(' ').any(|one| one == right))
}

/// Reports the wished statuses about a document; what the hub said to each.
async fn report(
    connection: &Connection,
    arguments: &RobotArguments,
    pushed: &Pushed,
) -> anyhow::Result<Vec<(String, String)>> {
    let Some((sender, document)) = document(pushed) else { return Ok(Vec::new()) };
    let recipient = pushed.headers.get("docaxis-recipient").cloned().unwrap_or_default();
    let number = format!("{}/{}", document.number, document.notation);
    let mut answers = Vec::new();
    if !arguments.report.is_empty() {
        tokio::time::sleep(Duration::from_secs(arguments.report_after)).await;
    }
    for code in &arguments.report {
        let packet = StatusPacket {
            from: Party { organ_id: &recipient, name: &recipient },
            about: Mention {
                organ_id: &sender,
                code: &number,
                document_id: &document.document_id,
                issued_on: document.issued_on,
            },
            status_code: code,
            description: &arguments.reason,
            at: Clock::System.now(),
        };
        let mut bytes = Vec::new();
        packet.write(&mut bytes)?;
        for _ in 0..if arguments.twice { 2 } else { 1 } {
            let request = connection.request(Method::POST, "/envelopes").header(CONTENT_TYPE, "application/xml");
            let answer = match accepted(request.body(bytes.clone())).await {
                Ok(response) => response.status().to_string(),
                Err(fault) => fault.chain(),
            };
            answers.push((code.as_str().to_owned(), answer));
        }
    }
    Ok(answers)
}

/// The sender and the header of a document that is not a recall.
fn document(pushed: &Pushed) -> Option<(String, Document)> {
    let read = read::packet(pushed.body.as_slice(), &Packets::default(), &|| {}).ok()?;
    let envelope = Envelope::of(&read.packet)?;
    match envelope.content {
        Content::Document(document) if !matches!(document.business, Business::Recall { .. }) => {
            Some((envelope.sender?.as_str().to_owned(), document))
        }
        Content::Document(_) | Content::Status(_) => None,
    }
}
