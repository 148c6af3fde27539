//! A clerk takes a document back in the portal: the hub writes the status packet 13 that the sender's software would have sent,
//! and registers it as any other. What becomes of each recipient is foretold by the same decision. Not here: what a recall
//! does (`recall`).

use super::accept::{self, Door, Judged, Submission, Verdict};
use super::act::By;
use super::intake::Keeping;
use super::preflight::{self, Foretold, ForetoldLine};
use super::sessions::Person;
use super::{Caller, ExchangeError, seal};
use crate::domain::rules::{Violation, Wording};
use crate::domain::status::StatusCode;
use crate::domain::system::Role;
use crate::domain::text::is_writable;
use crate::domain::user::UserRole;
use crate::hub::Hub;
use crate::store::envelopes::EnvelopeRow;
use crate::store::{deliveries, envelopes, transfers};
use crate::wire::write::{Mention, Party, StatusPacket};
use bytes::Bytes;
use futures_util::stream;
use std::io;

/// How long a reason is, in characters.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 10..=500;
/// The status by which a sender asks for a document.
const ASKS_BACK: &str = "13";
/// What stands in the place of the reason while nobody gave one yet.
const NO_REASON: &str = "dự báo kết quả thu hồi";

/// What is known before somebody takes a document back.
#[derive(Debug, Clone)]
pub struct Prospect {
    /// Number and notation.
    pub code: String,
    /// What would happen at each recipient.
    pub lines: Vec<ForetoldLine>,
}

/// What would become of a document at each recipient, were it taken back now.
///
/// # Errors
/// `NotFound` unless the person looks after its sender; `NotAllowed` unless it is a clerk; `Store`.
pub async fn foretell(hub: &Hub, person: &Person, envelope_id: &str) -> Result<Prospect, ExchangeError> {
    let (envelope, recipients, name) = sent(hub, person, envelope_id).await?;
    let judged = judged(hub, person, (&envelope, &name), (recipients, NO_REASON, Keeping::Nothing)).await?;
    let foretold = hub.store.read(move |tx| preflight::foretell(tx, &judged)).await?;
    let lines = match foretold {
        Foretold::Accepted(lines) => lines,
        // Asked for in just these words before: nothing would change.
        Foretold::Repeated(_) => Vec::new(),
        Foretold::Refused(why) => return Err(ExchangeError::Malformed(refused(why))),
    };
    Ok(Prospect { code: envelope.code(), lines })
}

/// The first reason why nothing can be taken back.
fn refused(why: Vec<Violation>) -> Wording {
    let first = why.into_iter().next().map(|violation| violation.cause);
    first.unwrap_or_else(|| Wording::new("Không thu hồi được văn bản này.", "This document cannot be taken back."))
}

/// Takes a document back from some of its recipients.
///
/// # Errors
/// As `foretell`; `Malformed` for a reason that is too short or too long, or no recipient; `Unsealed`.
pub async fn take_back(
    hub: &Hub,
    person: &Person,
    envelope_id: &str,
    (recipients, reason): (Vec<String>, &str),
) -> Result<Verdict, ExchangeError> {
    let reason: String = reason.trim().chars().filter(|sign| is_writable(*sign)).collect();
    let (envelope, mut known, name) = sent(hub, person, envelope_id).await?;
    known.retain(|code| recipients.contains(code));
    if known.is_empty() {
        return Err(ExchangeError::Malformed(Wording::new(
            "Hãy chọn ít nhất một nơi nhận để thu hồi.",
            "Choose at least one recipient to take the document back from.",
        )));
    }
    if !REASON_CHARS.contains(&reason.chars().count()) {
        let (least, most) = (REASON_CHARS.start(), REASON_CHARS.end());
        return Err(ExchangeError::Malformed(Wording::new(
            format!("Hãy ghi lý do thu hồi, từ {least} đến {most} ký tự."),
            format!("Give a reason of {least} to {most} characters."),
        )));
    }
    seal::may_accept(hub)?;
    let judged = judged(hub, person, (&envelope, &name), (known, &reason, Keeping::Packet)).await?;
    accept::settle(hub, judged).await
}

/// A document that a clerk's agency sent, who was sent it, and what its sender is called.
async fn sent(
    hub: &Hub,
    person: &Person,
    envelope_id: &str,
) -> Result<(EnvelopeRow, Vec<String>, String), ExchangeError> {
    let (asking, id) = (person.clone(), envelope_id.to_owned());
    let found = hub.store.read(move |tx| {
        let envelope = envelopes::find(tx, &id)?;
        let Some(envelope) = envelope.filter(|row| row.is_document() && asking.agencies.contains(&row.sender_code))
        else {
            return Ok(None);
        };
        let rows = deliveries::of_envelope(tx, &id)?;
        let name = transfers::names(tx, &[&envelope.sender_code])?.remove(&envelope.sender_code);
        Ok(Some((rows.into_iter().map(|row| row.recipient_code).collect(), name.unwrap_or_default(), envelope)))
    });
    let (recipients, name, envelope) = found.await?.ok_or(ExchangeError::NotFound)?;
    match person.role {
        UserRole::Clerk => Ok((envelope, recipients, name)),
        UserRole::Auditor | UserRole::Operator | UserRole::Administrator => Err(ExchangeError::NotAllowed(
            Wording::new("Chỉ văn thư của bên gửi thu hồi văn bản", "Only clerks of the sender take documents back"),
        )),
    }
}

/// The packet that takes a document back, as it stands before the register.
async fn judged(
    hub: &Hub,
    person: &Person,
    (envelope, name): (&EnvelopeRow, &str),
    (recipients, reason, keeping): (Vec<String>, &str, Keeping),
) -> Result<Judged, ExchangeError> {
    let impossible = || ExchangeError::Payload(io::Error::other("the status 13 is unknown"));
    let status_code = StatusCode::parse(ASKS_BACK).ok_or_else(impossible)?;
    let packet = StatusPacket {
        from: Party { organ_id: &envelope.sender_code, name },
        // It names its own side: who it goes to is said beside it.
        about: Mention {
            organ_id: &envelope.sender_code,
            code: &envelope.code(),
            document_id: &envelope.document_id,
            issued_on: envelope.issued_on.as_deref().and_then(|day| day.parse().ok()),
        },
        status_code: &status_code,
        description: reason,
        at: hub.clock.now(),
    };
    let mut bytes = Vec::new();
    packet.write(&mut bytes).map_err(ExchangeError::Payload)?;
    let submission = Submission {
        // No system sends it; who does is in the evidence.
        caller: Caller { system_id: String::new(), role: Role::Exchange },
        door: Door::Portal,
        addressees: recipients,
        hash_file: None,
        relay: None,
    };
    let body = stream::once(async { Ok(Bytes::from(bytes)) });
    let mut judged = accept::judged(hub, submission, body, keeping).await?;
    judged.case.by = Some(By::User(person.user_id.clone()));
    Ok(judged)
}
