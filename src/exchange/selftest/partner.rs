//! The partner that the hub plays: it is set up with the first run, and sends through the same door as everybody.

use super::{facts, packets};
use crate::domain::agency::Agency;
use crate::domain::rules::Wording;
use crate::domain::selftest::{self as cases, Facts, PARTNERS, SYSTEM, What};
use crate::domain::system::Role;
use crate::exchange::accept::{self, Door, Submission, Verdict};
use crate::exchange::{Caller, ExchangeError};
use crate::hub::Hub;
use crate::store::selftest::RunRow;
use crate::store::{Connection, StoreError, agencies, systems};
use bytes::Bytes;
use chrono::{DateTime, Utc};

/// What the system of the partners is called in lists.
const SYSTEM_NAME: &str = "Tự kiểm tra kết nối (Trục đóng vai bên đối tác)";

/// Registers the partners and their system, once. Says when somebody took their codes before they were reserved.
pub(super) fn set_up(tx: &mut Connection, now: DateTime<Utc>) -> Result<Result<(), ExchangeError>, StoreError> {
    if systems::find(tx, SYSTEM)?.is_none() {
        systems::insert(tx, (SYSTEM, SYSTEM_NAME), Role::Exchange, now)?;
    }
    for partner in &PARTNERS {
        let mut known = false;
        for code in [partner.code, partner.old_code] {
            match agencies::find_by_alias(tx, code)? {
                Some(agency) if agency.code.as_str() == partner.code => known = true,
                Some(agency) => {
                    return Ok(Err(ExchangeError::Exists(Wording {
                        vi: format!("Mã {code} dành cho tự kiểm tra nhưng đang thuộc {}", agency.code),
                        en: format!("The code {code} is kept for the self-test and leads to {}", agency.code),
                    })));
                }
                None => {}
            }
        }
        if !known {
            let agency = agencies::insert(tx, Agency::new(partner.code, partner.name), now)?;
            agencies::insert_alias(tx, partner.old_code, &agency.code)?;
        }
        systems::hold(tx, SYSTEM, partner.code)?;
    }
    Ok(Ok(()))
}

/// Sends everything that is due. A part that was sent before is a repeat and changes nothing.
pub(super) async fn send_due(hub: &Hub, row: &RunRow) -> Result<Facts, ExchangeError> {
    let mut known = facts::gather(hub, row).await?;
    // Each case has a few parts: every round sends one of each.
    for _ in 0..u8::MAX {
        let mut went = false;
        for case in super::cases_of(row) {
            if let Some(step) = cases::due(case, &known) {
                went |= send(hub, row, (case, (step.part, step.what)), &known).await?;
            }
        }
        if !went {
            break;
        }
        known = facts::gather(hub, row).await?;
    }
    Ok(known)
}

/// Sends one part through the door that every packet passes. Says whether it is registered.
async fn send(
    hub: &Hub,
    row: &RunRow,
    (case, part): (&'static cases::Case, (u8, What)),
    known: &Facts,
) -> Result<bool, ExchangeError> {
    let Some(packet) = packets::write(hub, row, (case, part), known).await? else { return Ok(false) };
    let submission = Submission {
        caller: Caller { system_id: SYSTEM.to_owned(), role: Role::Exchange },
        door: Door::Native,
        addressees: Vec::new(),
        hash_file: None,
        relay: None,
    };
    let body = futures_util::stream::iter([Ok(Bytes::from(packet))]);
    // Boxed, since accepting asks the gate of the self-test in its turn.
    match Box::pin(accept::accept(hub, submission, body)).await? {
        Verdict::Accepted(_) | Verdict::Repeated(_) => Ok(true),
        Verdict::Rejected(rejection) => {
            let codes: Vec<&str> = rejection.violations.iter().map(|v| v.code.as_str()).collect();
            let (run, codes) = (row.run_id.as_str(), codes.join(" "));
            log::error!(target: "selftest", "run.id" = run, "case" = case.code, "codes" = codes; "the partner's packet was refused");
            Ok(false)
        }
    }
}
