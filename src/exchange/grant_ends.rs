//! Grants that end because somebody or something behind them was shut out, in the transaction that does it: a person who proposed
//! or agreed, the system that would get something, the agency that it is about. Not here: what people decide, and what nobody
//! decided in time (`grants`).

use super::act::Act;
use super::grants;
use crate::domain::agency::{Agency, Standing};
use crate::domain::directory::Change;
use crate::domain::grant::Gift;
use crate::domain::undertaking::UndertakingState;
use crate::store::grants::{self as rows, GrantRow};
use crate::store::{Connection, StoreError, agencies, systems};
use std::collections::HashSet;

/// Why a grant ended, as evidence says it.
#[derive(Debug, Clone, Copy)]
enum Ended {
    Person,
    System,
    Agency,
}

impl Ended {
    fn word(self) -> &'static str {
        match self {
            Self::Person => "ended-with-person",
            Self::System => "ended-with-system",
            Self::Agency => "ended-with-agency",
        }
    }
}

fn end(tx: &mut Connection, act: &Act, row: &GrantRow, why: Ended) -> Result<(), StoreError> {
    if !rows::set_state(tx, row, (UndertakingState::Stopped, None), (act.now, row.expires_at()))? {
        return Err(StoreError::Raced);
    }
    grants::note(tx, act, (row, why.word()), UndertakingState::Stopped)
}

/// Ends what a person proposed or agreed to and that was not given yet.
///
/// # Errors
/// `Statement`; `Raced`.
pub(super) fn with_person(tx: &mut Connection, act: &Act, user_id: &str) -> Result<(), StoreError> {
    for row in rows::open(tx)? {
        if row.proposed_by == user_id || row.decided_by.as_deref() == Some(user_id) {
            end(tx, act, &row, Ended::Person)?;
        }
    }
    Ok(())
}

/// Ends what was to be given to a system.
///
/// # Errors
/// `Statement`; `UnknownWord`; `Raced`.
pub(super) fn with_system(tx: &mut Connection, act: &Act, system: &str) -> Result<(), StoreError> {
    for row in rows::open_of(tx, system)? {
        match row.gift()? {
            Gift::Key { .. } | Gift::Addresses { .. } | Gift::Agency { .. } => end(tx, act, &row, Ended::System)?,
            // An agency of that name.
            Gift::Endpoint { .. } => {}
        }
    }
    Ok(())
}

fn is_shut(standing: Standing) -> bool {
    match standing {
        Standing::Suspended | Standing::Closed | Standing::NoLongerValid(_) => true,
        Standing::Open | Standing::NotYetValid(_) => false,
    }
}

/// Ends what was to be given about the agencies that changes shut.
///
/// # Errors
/// As `with_agencies`.
pub(super) fn with_changes(tx: &mut Connection, act: &Act, changes: &[Change]) -> Result<(), StoreError> {
    let was_open = |change: &&Change| {
        let before = change.before.as_ref().map(|before| before.agency.standing(act.now));
        before.is_some_and(|before| !is_shut(before))
    };
    let after = changes.iter().filter(was_open).map(|change| &change.after.agency);
    with_agencies(tx, act, after)
}

/// Ends what was to be given about those of some agencies that take no part now: their endpoints, the right to speak for them, and
/// keys and addresses of systems that are left with no agency that takes part.
///
/// # Errors
/// `Statement`; `UnknownWord`; `Raced`.
pub(super) fn with_agencies<'a>(
    tx: &mut Connection,
    act: &Act,
    changed: impl Iterator<Item = &'a Agency>,
) -> Result<(), StoreError> {
    let shut = changed.filter(|agency| is_shut(agency.standing(act.now))).map(|agency| agency.code.as_str());
    let shut: HashSet<&str> = shut.collect();
    if shut.is_empty() {
        return Ok(());
    }
    for row in rows::open(tx)? {
        let ends = match row.gift()? {
            Gift::Endpoint { agency, .. } | Gift::Agency { agency, .. } => shut.contains(agency.as_str()),
            Gift::Key { system, .. } | Gift::Addresses { system, .. } => is_left_alone(tx, act, (&system, &shut))?,
        };
        if ends {
            end(tx, act, &row, Ended::Agency)?;
        }
    }
    Ok(())
}

/// Whether a system speaks for one of these agencies and for none that takes part now.
fn is_left_alone(tx: &mut Connection, act: &Act, (system, shut): (&str, &HashSet<&str>)) -> Result<bool, StoreError> {
    let held = systems::held_by(tx, system)?;
    if !held.iter().any(|code| shut.contains(code.as_str())) {
        return Ok(false);
    }
    for code in held.iter().filter(|code| !shut.contains(code.as_str())) {
        let known = agencies::find_by_alias(tx, &code.to_ascii_uppercase())?;
        if known.is_some_and(|agency| !is_shut(agency.standing(act.now))) {
            return Ok(false);
        }
    }
    Ok(true)
}
