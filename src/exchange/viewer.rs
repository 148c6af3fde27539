//! Whose eyes look at a document: what a system, or a person, may see of it. The sender's side sees all of a document, a
//! recipient's side its own deliveries.

use super::Caller;
use super::sessions::Person;
use crate::store::deliveries::DeliveryRow;
use crate::store::evidence::Openings;
use crate::store::{Connection, StoreError, deliveries, systems, transfers};

/// Who looks.
#[derive(Debug, Clone)]
pub(super) enum Viewer {
    /// A system, for the agencies that it holds.
    System(String),
    /// A person who looks after these agencies.
    Agencies(Vec<String>),
    /// A person who looks after the hub, or whoever has the machine.
    Hub,
}

impl Viewer {
    /// The eyes of a person.
    pub(super) fn of(person: &Person) -> Self {
        match person.sees_every_agency() {
            true => Self::Hub,
            false => Self::Agencies(person.agencies.clone()),
        }
    }

    /// The eyes of a system, or of whoever has the machine.
    pub(super) fn of_caller(caller: Option<&Caller>) -> Self {
        caller.map_or(Self::Hub, |caller| Self::System(caller.system_id.clone()))
    }

    /// Whose openings of content it may know of: those of its own people.
    pub(super) fn openings(&self) -> Openings<'_> {
        match self {
            Self::System(_) => Openings::Nobody,
            Self::Agencies(codes) => Openings::Of(codes),
            Self::Hub => Openings::All,
        }
    }

    /// Whether it speaks for an agency.
    pub(super) fn holds(&self, tx: &mut Connection, agency_code: &str) -> Result<bool, StoreError> {
        match self {
            Self::System(system_id) => systems::holds(tx, system_id, agency_code),
            Self::Agencies(codes) => Ok(codes.iter().any(|code| code == agency_code)),
            Self::Hub => Ok(true),
        }
    }

    /// Deliveries of an envelope to agencies that it speaks for.
    pub(super) fn deliveries_of(&self, tx: &mut Connection, envelope_id: &str) -> Result<Vec<DeliveryRow>, StoreError> {
        match self {
            Self::System(system_id) => deliveries::of_envelope_to(tx, envelope_id, system_id),
            Self::Agencies(codes) => transfers::of_envelope_among(tx, envelope_id, codes),
            Self::Hub => deliveries::of_envelope(tx, envelope_id),
        }
    }
}
