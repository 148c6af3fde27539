//! How a recipient is doing, as operators look at it: when its software was last there, how long it usually takes, what waits
//! for it and what keeps that; and what a person does to its queue. Not here: how that is done (`endpoints`, `controls`).

use super::controls::{self, Direction, WaitingLine};
use super::endpoints::{self, EndpointLine};
use super::sessions::Person;
use super::{ExchangeError, routes, rows};
use crate::domain::cause::Cause;
use crate::domain::delivery::DeliveryState;
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::rules::Wording;
use crate::hub::Hub;
use crate::store::{Connection, StoreError, failures, systems, transfers};
use chrono::{DateTime, TimeDelta, Utc};

/// Deliveries from which the usual delay is taken, the newest ones.
const MEASURED: usize = 200;
/// Rows of the queue that are shown.
const SHOWN: usize = 20;

/// How a recipient is doing.
#[derive(Debug, Clone)]
pub struct Health {
    /// By the name that commands take.
    pub recipient: String,
    /// What people call it.
    pub name: String,
    /// Where it is pushed to, if it is.
    pub endpoint: Option<EndpointLine>,
    /// What waits to be pushed, the most urgent first, up to a page.
    pub waiting: Vec<WaitingLine>,
    /// What the register knows of an agency.
    pub known: Known,
}

/// What the register knows of an agency.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// When software of it last called with a key.
    pub seen_at: Option<DateTime<Utc>>,
    /// How long it usually takes until it has a document: median and 95th percentile, and of how many.
    pub delay: Option<(TimeDelta, TimeDelta, usize)>,
    /// How many documents and statuses wait to be fetched.
    pub unfetched: i64,
    /// What has failed and nobody has mended: cause, number, since when.
    pub failed: Vec<(Cause, i64, DateTime<Utc>)>,
}

impl Health {
    /// When something is tried next.
    pub fn next_at(&self) -> Option<DateTime<Utc>> {
        self.waiting.iter().filter_map(|line| line.due_at).min()
    }
}

/// How a recipient is doing: an agency by code or alias, or an endpoint by `KIND:HOLDER`.
///
/// # Errors
/// `NotFound` for an unknown one, or a person who does not look after the hub; `Store`.
pub async fn health(hub: &Hub, person: &Person, name: &str) -> Result<Health, ExchangeError> {
    person.runs_the_hub()?;
    let agency = match EndpointId::parse(name) {
        Some(EndpointId { kind: EndpointKind::Events | EndpointKind::Relay, .. }) => None,
        Some(EndpointId { kind: EndpointKind::Agency, holder }) => Some(routes::recipient(hub, &holder).await?),
        None => Some(routes::recipient(hub, name).await?),
    };
    let recipient = agency.as_ref().map_or_else(|| name.to_owned(), |code| code.0.clone());
    let endpoint = match endpoints::one(hub, &recipient).await {
        Ok(line) => Some(line),
        // A recipient that only a route knows has none, nor has one that picks up.
        Err(ExchangeError::NotFound) if agency.is_some() => None,
        Err(error) => return Err(error),
    };
    let waiting = match &endpoint {
        Some(_) => controls::waiting(hub, &recipient, SHOWN).await?,
        None => Vec::new(),
    };
    let (known, name) = match agency {
        Some(code) => {
            hub.store
                .read(move |tx| Ok((known(tx, &code.0)?, transfers::names(tx, &[&code.0])?.remove(&code.0))))
                .await?
        }
        None => (Known::default(), None),
    };
    Ok(Health { name: name.unwrap_or_else(|| recipient.clone()), recipient, endpoint, waiting, known })
}

fn known(tx: &mut Connection, code: &str) -> Result<Known, StoreError> {
    let newest = transfers::newest_arrivals(tx, code, rows(MEASURED))?;
    let has_it = |state: &str| DeliveryState::of_word(state) == Some(DeliveryState::HandedOver);
    let delays = newest.into_iter().filter(|(state, ..)| has_it(state));
    let delays = delays.map(|(_, accepted_at, changed_at)| changed_at.signed_duration_since(accepted_at)).collect();
    Ok(Known {
        seen_at: systems::seen_at(tx, code)?,
        delay: usual(delays),
        unfetched: transfers::number_unfetched(tx, code)?,
        failed: failures::of_recipient(tx, code)?,
    })
}

/// Median and 95th percentile, and of how many.
fn usual(mut delays: Vec<TimeDelta>) -> Option<(TimeDelta, TimeDelta, usize)> {
    delays.sort_unstable();
    let number = delays.len();
    let at = |percent: usize| delays.get(number.saturating_mul(percent).div_ceil(100).saturating_sub(1)).copied();
    Some((at(50)?, at(95)?, number))
}

/// What an operator does to the queue of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Push nothing for now.
    Pause,
    /// Push again, at once.
    Resume,
    /// Hurry, hold or release one push.
    Push(String, Direction),
}

impl Order {
    /// Whether somebody else will ask why: what keeps packets back says so.
    fn wants_reason(&self) -> bool {
        match self {
            Self::Pause | Self::Push(_, Direction::Hold | Direction::Release) => true,
            Self::Resume | Self::Push(_, Direction::Now) => false,
        }
    }
}

/// Does something to the queue of a recipient, for a reason.
///
/// # Errors
/// `NotFound`; `Malformed` where a reason is wanted and none was given; `Refused` when it does not wait or is on its way; `Store`.
pub async fn direct(
    hub: &Hub,
    person: &Person,
    name: &str,
    (order, reason): (Order, &str),
) -> Result<(), ExchangeError> {
    person.runs_the_hub()?;
    if order.wants_reason() && reason.trim().is_empty() {
        return Err(ExchangeError::Malformed(Wording::new("Hãy ghi lý do", "Write the reason")));
    }
    let by = person.by();
    match order {
        Order::Pause => endpoints::pause(hub, &by, name, reason).await,
        Order::Resume => endpoints::resume(hub, &by, name).await,
        Order::Push(push_id, direction) => controls::direct(hub, &by, &push_id, (direction, reason)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_delay_is_that_of_the_middle_and_of_nineteen_in_twenty() {
        let seconds = |numbers: std::ops::RangeInclusive<i64>| numbers.rev().map(TimeDelta::seconds).collect();
        let told = |median, most, number| Some((TimeDelta::seconds(median), TimeDelta::seconds(most), number));
        assert_eq!(usual(Vec::new()), None);
        assert_eq!(usual(seconds(7..=7)), told(7, 7, 1));
        assert_eq!(usual(seconds(1..=20)), told(10, 19, 20));
    }
}
