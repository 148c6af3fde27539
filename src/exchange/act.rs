//! Acts of administration: who acts, and the evidence that each leaves, by whichever door it came.

use super::{Caller, ExchangeError};
use crate::domain::evidence::{Evidence, EvidenceEvent};
use crate::hub::{Hub, Ids};
use crate::store::deliveries::DeliveryRow;
use crate::store::{Connection, StoreError, evidence};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Whoever has the machine, by the command line.
    Operator,
    /// The hub itself, by a job: what people decided before, or what follows by a rule.
    Hub,
    /// A system.
    System(String),
    /// A person who is signed in to the portal; its id.
    User(String),
    /// The same under a warrant.
    Auditor {
        /// The id of the person.
        user_id: String,
        /// That of the warrant.
        warrant_id: String,
    },
}

impl By {
    /// The calling system.
    pub fn caller(caller: &Caller) -> Self {
        Self::System(caller.system_id().to_owned())
    }

    /// Who it is, in one word: the id of a system or a person, else what stands for one.
    pub(super) fn who(&self) -> &str {
        match self {
            Self::Operator => "operator",
            Self::Hub => "hub",
            Self::System(id) | Self::User(id) | Self::Auditor { user_id: id, .. } => id,
        }
    }

    /// The warrant under which it acts.
    pub(super) fn warrant_id(&self) -> Option<&str> {
        match self {
            Self::Auditor { warrant_id, .. } => Some(warrant_id),
            Self::Operator | Self::Hub | Self::System(_) | Self::User(_) => None,
        }
    }
}

/// Leaves evidence that somebody has the hub do at once what it does by itself, before it does.
///
/// # Errors
/// `Store`.
pub async fn note_order(hub: &Hub, by: &By, order: &'static str, facts: Value) -> Result<(), ExchangeError> {
    let act = Act::new(hub, by);
    Ok(hub.store.write(move |tx| act.note(tx, (EvidenceEvent::HubDirected, order), None, facts.clone())).await?)
}

/// One act, as its transaction needs it.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) by: By,
    pub(super) ids: Ids,
    /// When it happens.
    pub(super) now: DateTime<Utc>,
}

impl Act {
    pub(super) fn new(hub: &Hub, by: &By) -> Self {
        Self { by: by.clone(), ids: hub.ids, now: hub.clock.now() }
    }

    /// What every act says of itself, with its facts.
    pub(super) fn facts(&self, act: &str, facts: Value) -> (Option<String>, Value) {
        let (door, system_id, user_id) = match &self.by {
            By::Operator => ("command-line", None, None),
            By::Hub => ("hub", None, None),
            By::System(id) => ("http", Some(id.clone()), None),
            By::User(id) | By::Auditor { user_id: id, .. } => ("portal", None, Some(id.clone())),
        };
        let mut all = Map::new();
        all.insert("act".to_owned(), act.into());
        all.insert("door".to_owned(), door.into());
        if let Some(user_id) = user_id {
            all.insert("by_user".to_owned(), user_id.into());
        }
        if let Some(warrant_id) = self.by.warrant_id() {
            all.insert("warrant".to_owned(), warrant_id.into());
        }
        if let Value::Object(facts) = facts {
            all.extend(facts);
        }
        (system_id, Value::Object(all))
    }

    /// Leaves evidence of what was done to a delivery.
    pub(super) fn note_delivery(
        &self,
        tx: &mut Connection,
        row: &DeliveryRow,
        act: &str,
        facts: Value,
    ) -> Result<(), StoreError> {
        let (system_id, facts) = self.facts(act, facts);
        let piece = row.evidence(EvidenceEvent::DeliveryDirected, self.now, system_id.as_deref(), &facts);
        evidence::append(tx, &self.ids.next(), &piece)
    }

    /// Leaves evidence of what was done (`act`) to an agency or to what the facts name.
    pub(super) fn note(
        &self,
        tx: &mut Connection,
        what: (EvidenceEvent, &str),
        agency: Option<&str>,
        facts: Value,
    ) -> Result<(), StoreError> {
        self.note_under(tx, &self.ids.next(), what, (agency, facts))
    }

    /// The same under an id that is given.
    pub(super) fn note_under(
        &self,
        tx: &mut Connection,
        evidence_id: &str,
        (event, act): (EvidenceEvent, &str),
        (agency, facts): (Option<&str>, Value),
    ) -> Result<(), StoreError> {
        let (system_id, facts) = self.facts(act, facts);
        let piece = Evidence {
            event,
            at: self.now,
            envelope_id: None,
            delivery_id: None,
            agency: agency.map(str::to_owned),
            system_id,
            facts: facts.to_string(),
        };
        evidence::append(tx, evidence_id, &piece)
    }
}
