//! What would become of a packet, were it posted: the decision of `register`, which only reads, and what would happen
//! at each recipient. Nothing is stored. A packet marked as a state secret is told as such all the same: it did reach
//! the hub, which an auditor must be able to see.

use super::accept::{self, Judged, LineOutcome, Receipt, Submission, Verdict};
use super::intake::Keeping;
use super::recall::{self, TakenBack};
use super::register::{self, Decision, Plan, PlanLine};
use super::routes::Way;
use super::{BodyFault, ExchangeError, receipt};
use crate::domain::packet::Digest;
use crate::domain::rules::{self, Class, Violation};
use crate::hub::Hub;
use crate::store::deliveries::DeliveryRow;
use crate::store::{Connection, StoreError};
use bytes::Bytes;
use futures_util::Stream;

/// What would become of a packet.
#[derive(Debug, Clone)]
pub struct Preflight {
    /// Accepted, repeated or refused.
    pub foretold: Foretold,
    /// SHA-256 and number of the bytes; nothing when they were too many to be read.
    pub read: Option<(Digest, u64)>,
    /// What would pass but deserves a look.
    pub warnings: Vec<Violation>,
    /// The evidence of a state secret, the one thing that is kept of a check.
    pub evidence_id: Option<String>,
}

/// See `Preflight`.
#[derive(Debug, Clone)]
pub enum Foretold {
    /// It would be registered, with these deliveries.
    Accepted(Vec<ForetoldLine>),
    /// It is registered already; this is its receipt.
    Repeated(Box<Receipt>),
    /// It would be refused, for every one of these reasons.
    Refused(Vec<Violation>),
}

/// What would happen at one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForetoldLine {
    /// The agency.
    pub recipient: String,
    /// What the receipt would say.
    pub outcome: LineOutcome,
    /// The delivery by which it has the packet already; the receipt would name that one.
    pub had_by: Option<String>,
    /// Earlier deliveries that would be withdrawn.
    pub withdraws: Vec<String>,
    /// Earlier deliveries that were fetched and would be asked back.
    pub asks_back: Vec<String>,
}

/// Tells what would become of a packet.
///
/// # Errors
/// `Body` when the bytes did not arrive, `Store`.
pub async fn preflight(
    hub: &Hub,
    submission: Submission,
    body: impl Stream<Item = Result<Bytes, BodyFault>>,
) -> Result<Preflight, ExchangeError> {
    let judged = match accept::judged(hub, submission, body, Keeping::Nothing).await {
        Err(ExchangeError::Body(BodyFault::TooLarge)) => return Ok(too_large(hub)),
        judged => judged?,
    };
    let read = Some((judged.case.sha256, judged.case.bytes));
    if judged.violations.iter().any(|violation| violation.class == Class::StateSecret) {
        return secret(hub, judged, read).await;
    }
    let warnings = judged.case.warnings.clone();
    let foretold = hub.store.read(move |tx| foretell(tx, &judged)).await?;
    let warnings = if matches!(foretold, Foretold::Refused(_)) { Vec::new() } else { warnings };
    Ok(Preflight { foretold, read, warnings, evidence_id: None })
}

fn too_large(hub: &Hub) -> Preflight {
    let limit = hub.config.packets.bytes_max.to_string();
    let violations = vec![rules::violation("M.Packet.TooLarge", "", &[&limit])];
    Preflight { foretold: Foretold::Refused(violations), read: None, warnings: Vec::new(), evidence_id: None }
}

async fn secret(hub: &Hub, judged: Judged, read: Option<(Digest, u64)>) -> Result<Preflight, ExchangeError> {
    let Judged { case, violations, .. } = judged;
    let told = violations.clone();
    let verdict = hub.store.write(move |tx| register::refuse(tx, &case, violations.clone())).await?;
    accept::alarm(&verdict);
    let evidence_id = match verdict {
        Verdict::Rejected(rejection) => Some(rejection.evidence_id),
        Verdict::Accepted(_) | Verdict::Repeated(_) => None,
    };
    Ok(Preflight { foretold: Foretold::Refused(told), read, warnings: Vec::new(), evidence_id })
}

/// What would become of a packet that was judged by itself.
pub(super) fn foretell(tx: &mut Connection, judged: &Judged) -> Result<Foretold, StoreError> {
    let case = &judged.case;
    let decision = match &judged.envelope {
        Some(envelope) if judged.violations.is_empty() => register::decide(tx, case, envelope)?,
        Some(envelope) if judged.by_parties => {
            Decision::Refuse(register::with_parties(tx, case, envelope, judged.violations.clone())?)
        }
        Some(_) | None => Decision::Refuse(judged.violations.clone()),
    };
    Ok(match decision {
        Decision::Refuse(violations) => Foretold::Refused(violations),
        Decision::Repeat(before) => Foretold::Repeated(Box::new(receipt::of_before(tx, &before, &case.warnings)?)),
        Decision::Insert(plan, before) => Foretold::Accepted(lines(tx, &plan, &before)?),
    })
}

fn lines(tx: &mut Connection, plan: &Plan, before: &[DeliveryRow]) -> Result<Vec<ForetoldLine>, StoreError> {
    // A packet that was registered for some of its recipients changes nothing at those.
    let of = |planned: &PlanLine| match before.iter().find(|row| row.recipient_code == planned.recipient.0) {
        Some(row) => Ok(ForetoldLine {
            recipient: row.recipient_code.clone(),
            outcome: receipt::outcome_of(row),
            had_by: Some(row.delivery_id.clone()),
            withdraws: Vec::new(),
            asks_back: Vec::new(),
        }),
        None => line(tx, planned),
    };
    plan.lines.iter().map(of).collect()
}

fn line(tx: &mut Connection, planned: &PlanLine) -> Result<ForetoldLine, StoreError> {
    let (taken, mut withdraws, asks_back) = recall::foretell_taking_back(tx, &planned.takes_back)?;
    withdraws.extend(recall::foretell_superseding(tx, &planned.supersedes)?);
    Ok(ForetoldLine {
        recipient: planned.recipient.0.clone(),
        outcome: match taken {
            TakenBack::Withdrawn => LineOutcome::Withdrawn,
            TakenBack::Requested | TakenBack::Nothing => match planned.way {
                Way::Pickup => LineOutcome::Consigned,
                Way::Push(_) => LineOutcome::Pending,
            },
        },
        had_by: None,
        withdraws,
        asks_back,
    })
}
