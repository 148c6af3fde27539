//! Grants: what opens more to a system (a key, an agency, further addresses), or gives an endpoint another secret, is proposed by one
//! administrator and decided on by another (ADR 0035). Whoever proposed it takes the secret, which is drawn only then and shown
//! once. What never opened anything, as a system that never had a key, one person may change alone. Not here: what closes something, which
//! one person does at once (`office`).

use super::act::{Act, By};
use super::endpoints::{self, EndpointEntry, EndpointLine, Proof};
use super::keys::{self, NewKey};
use super::sessions::Person;
use super::summons::{Proposed, Summons};
use super::systems::{self, SystemLine};
use super::undertakings::{self, called};
use super::{ExchangeError, reach};
use crate::channel::signature::Scheme;
use crate::domain::endpoint::EndpointKind;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::grant::Gift;
use crate::domain::rules::Wording;
use crate::domain::system::{ranges, widens};
use crate::domain::undertaking::{Barred, UndertakingState, UndertakingStep};
use crate::hub::Hub;
use crate::store::grants::{self as store, GrantRow};
use crate::store::{Connection, StoreError, systems as system_rows, users};
use chrono::{DateTime, Utc};
use serde_json::json;

/// Grants that a list shows.
const LISTED: i64 = 100;

/// What came of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It was done: it opens nothing that was shut.
    Given,
    /// It waits for another administrator, under that id.
    Proposed(String),
}

/// A secret that somebody took, shown this once.
#[derive(Debug)]
pub enum Taken {
    /// A key of a system.
    Key(NewKey),
    /// By what the pushes to an agency are checked.
    Endpoint(Proof),
}

/// A grant as people look at it.
#[derive(Debug, Clone)]
pub struct GrantLine {
    /// What is kept of it.
    pub row: GrantRow,
    /// What is to be given.
    pub gift: Gift,
    /// How it stands.
    pub state: UndertakingState,
    /// Who proposed it.
    pub proposer: String,
    /// Who decided.
    pub decider: Option<String>,
}

/// One grant with what it is about, as it stands now.
#[derive(Debug, Clone)]
pub struct GrantView {
    /// The grant.
    pub line: GrantLine,
    /// The system that gets it.
    pub system: Option<SystemLine>,
    /// The endpoint that is replaced.
    pub endpoint: Option<EndpointLine>,
    /// What the person who looks may do.
    pub steps: Vec<UndertakingStep>,
    /// Whether the person who looks may take the secret now.
    pub may_take: bool,
}

/// Has something given, or proposes it where it opens more than was open.
///
/// # Errors
/// `NotFound` for an unknown system or agency, or a person who is no administrator; `Malformed` for what cannot be, and without a
/// reason where one is wanted; `Exists` when the same is proposed already or a system has its keys; `Store`.
pub async fn ask(hub: &Hub, person: &Person, gift: Gift, reason: &str) -> Result<Asked, ExchangeError> {
    person.administers()?;
    let act = Act::new(hub, &person.by());
    let times = (act.now, undertakings::expiry(act.now, hub.config.keys.decision_hours));
    let asking = Asking {
        act,
        gift: spelled(hub, gift).await?,
        reason: reason.to_owned(),
        grant_id: hub.ids.next(),
        user_id: person.user_id.clone(),
        live_max: hub.config.keys.live_max,
        times,
        summons: Summons::of(hub, person, times),
    };
    let asked = hub.store.write(move |tx| asking.decide(tx)).await??;
    hub.known_keys.forget();
    Ok(asked)
}

/// A gift as it is kept, as far as that can be said without what a transaction sees.
async fn spelled(hub: &Hub, gift: Gift) -> Result<Gift, ExchangeError> {
    Ok(match gift {
        Gift::Addresses { system, addresses, .. } => {
            Gift::Addresses { system, addresses: systems::ranges(&addresses)?, before: Vec::new() }
        }
        Gift::Endpoint { agency, url, confirms_itself, ed25519 } => {
            endpoints::check_url(hub, EndpointKind::Agency, &url)?;
            Gift::Endpoint { agency: endpoints::canonical(hub, &agency).await?.0, url, confirms_itself, ed25519 }
        }
        other @ (Gift::Key { .. } | Gift::Agency { .. }) => other,
    })
}

/// A wish, as its transaction needs it.
struct Asking {
    act: Act,
    gift: Gift,
    reason: String,
    grant_id: String,
    user_id: String,
    live_max: usize,
    times: (DateTime<Utc>, DateTime<Utc>),
    summons: Summons,
}

impl Asking {
    fn decide(&self, tx: &mut Connection) -> Result<Result<Asked, ExchangeError>, StoreError> {
        let gift = match self.possible(tx)? {
            Ok(gift) => gift,
            Err(why) => return Ok(Err(why)),
        };
        if !opens(tx, &gift)? {
            return Ok(give(tx, &self.act, &gift)?.map(|()| Asked::Given));
        }
        let reason = match undertakings::reason(&self.reason) {
            Ok(reason) => reason,
            Err(why) => return Ok(Err(why)),
        };
        for row in store::open_of(tx, gift.holder())? {
            if row.gift()? == gift {
                return Ok(Err(ExchangeError::Exists(Wording::new(
                    "Việc này đã được đề xuất và đang chờ",
                    "The same was proposed already and waits",
                ))));
            }
        }
        let row = GrantRow::new(self.grant_id.clone(), (&gift, reason), self.user_id.clone(), self.times);
        store::insert(tx, &row)?;
        note(tx, &self.act, (&row, "proposed"), UndertakingState::Proposed)?;
        let (name, about, id) = (gift.name(), gift.holder().to_owned(), row.grant_id.as_str());
        self.summons.put(tx, Proposed { name, about, place: "/portal/grants/", id })?;
        Ok(Ok(Asked::Proposed(row.grant_id)))
    }

    /// The gift with canonical codes, if it can be given at all.
    fn possible(&self, tx: &mut Connection) -> Result<Result<Gift, ExchangeError>, StoreError> {
        match &self.gift {
            Gift::Key { system, .. } => {
                let room = keys::room_for_key(tx, system, (self.act.now, self.live_max))?;
                Ok(room.map(|()| self.gift.clone()))
            }
            Gift::Agency { system, agency } => {
                let code = systems::holdable(tx, (system, agency))?;
                Ok(code.map(|code| Gift::Agency { system: system.clone(), agency: code.0 }))
            }
            Gift::Addresses { system, addresses, .. } => {
                let Some(known) = system_rows::find(tx, system)? else { return Ok(Err(ExchangeError::NotFound)) };
                let before = system_rows::addresses_of(tx, &known.system_id)?;
                Ok(Ok(Gift::Addresses { system: system.clone(), addresses: addresses.clone(), before }))
            }
            Gift::Endpoint { .. } => Ok(Ok(self.gift.clone())),
        }
    }
}

/// Whether a gift opens more than is open: then one person is not enough.
fn opens(tx: &mut Connection, gift: &Gift) -> Result<bool, StoreError> {
    Ok(match gift {
        Gift::Key { .. } | Gift::Endpoint { .. } => true,
        Gift::Agency { system, agency } => !system_rows::holds(tx, system, agency)? && !opens_nothing(tx, system)?,
        Gift::Addresses { system, addresses, .. } => {
            let before = ranges(&system_rows::addresses_of(tx, system)?.join(" "));
            // What cannot be read is not known to be narrower.
            let is_wider = before.zip(ranges(&addresses.join(" "))).is_none_or(|(old, new)| widens(&old, &new));
            is_wider && !opens_nothing(tx, system)?
        }
    })
}

/// Whether a system never had a key, and none is on its way: two people look at it before it gets one. A key that ended is not
/// enough: what the system set up with it, such as a webhook, goes on without.
fn opens_nothing(tx: &mut Connection, system: &str) -> Result<bool, StoreError> {
    for row in store::open_of(tx, system)? {
        if matches!(row.gift()?, Gift::Key { .. }) {
            return Ok(false);
        }
    }
    Ok(system_rows::keys_of(tx, system)?.is_empty())
}

/// Gives what has no secret.
fn give(tx: &mut Connection, act: &Act, gift: &Gift) -> Result<Result<(), ExchangeError>, StoreError> {
    match gift {
        Gift::Agency { system, agency } => systems::let_hold(tx, act, (system, agency)),
        Gift::Addresses { system, addresses, before } => {
            // Both looked at what it was to replace.
            if system_rows::addresses_of(tx, system)? != *before {
                return Ok(Err(ExchangeError::Exists(Wording::new(
                    "Địa chỉ của hệ thống đã đổi sau khi đề xuất; hãy từ chối và đề xuất lại",
                    "The system's addresses changed since this was proposed; refuse it and propose it anew",
                ))));
            }
            systems::put_addresses(tx, act, (system, addresses))
        }
        Gift::Key { .. } | Gift::Endpoint { .. } => Ok(Err(undertakings::barred(Barred::NotSo))),
    }
}

pub(super) fn note(
    tx: &mut Connection,
    act: &Act,
    (row, what): (&GrantRow, &str),
    state: UndertakingState,
) -> Result<(), StoreError> {
    let gift = row.gift()?;
    let agency = match &gift {
        Gift::Endpoint { agency, .. } | Gift::Agency { agency, .. } => Some(agency.as_str()),
        Gift::Key { .. } | Gift::Addresses { .. } => None,
    };
    let facts = json!({ "grant_id": row.grant_id, "gift": gift, "reason": row.reason, "state": state.word() });
    act.note(tx, (EvidenceEvent::GrantChanged, what), agency, facts)
}

/// What a step leads to; a grant is not paused.
fn after(
    row: &GrantRow,
    step: UndertakingStep,
    who: (&str, DateTime<Utc>),
) -> Result<Result<UndertakingState, Barred>, StoreError> {
    Ok(match step {
        UndertakingStep::Approve | UndertakingStep::Refuse | UndertakingStep::Stop => row.proposal()?.after(step, who),
        UndertakingStep::Pause | UndertakingStep::Resume => Err(Barred::NotSo),
    })
}

/// Takes a step with a grant. Who proposed it does not decide on it. What has no secret is given when another one approves.
///
/// # Errors
/// `NotFound`, also for a person who is no administrator; `NotAllowed` for a decision on one's own proposal; `Exists` when it does
/// not stand so any more; those of what is given; `Store`.
pub async fn step(hub: &Hub, person: &Person, grant_id: &str, step: UndertakingStep) -> Result<(), ExchangeError> {
    person.administers()?;
    let (act, id, user_id) = (Act::new(hub, &person.by()), grant_id.to_owned(), person.user_id.clone());
    let until = undertakings::expiry(act.now, hub.config.keys.decision_hours);
    let taken = hub.store.write(move |tx| {
        let Some(row) = store::find(tx, &id)? else { return Ok(Err(ExchangeError::NotFound)) };
        let mut to = match after(&row, step, (&user_id, act.now))? {
            Ok(to) => to,
            Err(why) => return Ok(Err(undertakings::barred(why))),
        };
        let gift = row.gift()?;
        if to == UndertakingState::Running
            && let Err(why) = still_meant(tx, &row)?
        {
            return Ok(Err(why));
        }
        if to == UndertakingState::Running && !gift.has_secret() {
            if let Err(why) = give(tx, &act, &gift)? {
                return Ok(Err(why));
            }
            to = UndertakingState::Done;
        }
        let decided_by = step.is_decision().then_some(user_id.as_str());
        if !store::set_state(tx, &row, (to, decided_by), (act.now, until))? {
            return Err(StoreError::Raced);
        }
        note(tx, &act, (&row, step.word()), to).map(Ok)
    });
    taken.await??;
    hub.known_keys.forget();
    Ok(())
}

/// Whether those who proposed a grant and agreed to it are still let in, and a system that gets a key is not suspended: what was
/// said in the name of somebody who is shut out is not carried out.
fn still_meant(tx: &mut Connection, row: &GrantRow) -> Result<Result<(), ExchangeError>, StoreError> {
    for user_id in std::iter::once(&row.proposed_by).chain(&row.decided_by) {
        if users::find(tx, user_id)?.is_none_or(|user| user.suspended_at.is_some()) {
            return Ok(Err(ExchangeError::Exists(Wording::new(
                "Tài khoản của người đề xuất hoặc người duyệt đã bị khóa; hãy dừng và đề xuất lại",
                "Who proposed it or agreed to it is suspended; stop it and propose it anew",
            ))));
        }
    }
    if let Gift::Key { system, .. } = row.gift()?
        && system_rows::find(tx, &system)?.is_none_or(|system| system.suspended_at.is_some())
    {
        return Ok(Err(ExchangeError::Exists(Wording::new(
            "Hệ thống đang bị tạm dừng nên không được cấp khóa",
            "The system is suspended and gets no key",
        ))));
    }
    Ok(Ok(()))
}

/// Whether a person may take the secret of a grant now.
fn takeable(row: &GrantRow, (user_id, now): (&str, DateTime<Utc>)) -> Result<Result<(), ExchangeError>, StoreError> {
    if row.proposed_by != user_id {
        return Ok(Err(ExchangeError::NotAllowed(Wording::new(
            "Chỉ người đề xuất được nhận bí mật",
            "Only who proposed it takes the secret",
        ))));
    }
    let stands = row.state()? == UndertakingState::Running && now < row.expires_at();
    Ok(if stands { Ok(()) } else { Err(undertakings::barred(Barred::NotSo)) })
}

/// Draws the secret that another administrator agreed to, and shows it to who proposed it, this once.
///
/// # Errors
/// `NotFound`, also for a person who is no administrator; `NotAllowed` for whoever did not propose it; `Exists` when it does not
/// stand so any more, or the system has its keys; `Store`.
pub async fn take(hub: &Hub, person: &Person, grant_id: &str) -> Result<Taken, ExchangeError> {
    person.administers()?;
    let id = grant_id.to_owned();
    let row = hub.store.read(move |tx| store::find(tx, &id)).await?.ok_or(ExchangeError::NotFound)?;
    match row.gift()? {
        Gift::Key { system, life_days } => {
            let draft = keys::draft(hub, (&system, life_days))?;
            let sealed = draft.sealed.clone();
            finish(hub, person, row.grant_id, move |tx, act| keys::add(tx, act, &sealed)).await?;
            Ok(Taken::Key(draft.made(hub)))
        }
        Gift::Endpoint { agency, url, confirms_itself, ed25519 } => {
            let scheme = Scheme::of_choice(ed25519);
            let entry = EndpointEntry { agency, url, confirms_itself, in_flight_max: None, scheme };
            let (new, proof) = endpoints::draft(hub, &entry).await?;
            finish(hub, person, row.grant_id, move |tx, act| endpoints::replace(tx, act, new.clone()).map(Ok)).await?;
            hub.wake.notify_one();
            Ok(Taken::Endpoint(proof))
        }
        Gift::Addresses { .. } | Gift::Agency { .. } => Err(undertakings::barred(Barred::NotSo)),
    }
}

/// Ends a grant with what keeps its secret, in one transaction.
async fn finish(
    hub: &Hub,
    person: &Person,
    id: String,
    keep: impl Fn(&mut Connection, &Act) -> Result<Result<(), ExchangeError>, StoreError> + Send + 'static,
) -> Result<(), ExchangeError> {
    let (act, user_id) = (Act::new(hub, &person.by()), person.user_id.clone());
    let done = hub.store.write(move |tx| {
        let Some(row) = store::find(tx, &id)? else { return Ok(Err(ExchangeError::NotFound)) };
        if let Err(why) = takeable(&row, (&user_id, act.now))? {
            return Ok(Err(why));
        }
        if let Err(why) = still_meant(tx, &row)? {
            return Ok(Err(why));
        }
        if let Err(why) = keep(tx, &act)? {
            return Ok(Err(why));
        }
        if !store::set_state(tx, &row, (UndertakingState::Done, None), (act.now, row.expires_at()))? {
            return Err(StoreError::Raced);
        }
        note(tx, &act, (&row, "taken"), UndertakingState::Done).map(Ok)
    });
    done.await?
}

/// The newest grants.
///
/// # Errors
/// `NotFound` for a person who is no administrator; `Store`.
pub async fn list(hub: &Hub, person: &Person) -> Result<Vec<GrantLine>, ExchangeError> {
    person.administers()?;
    let lines = hub.store.read(|tx| {
        let newest = store::newest(tx, LISTED)?;
        lines(tx, newest)
    });
    Ok(lines.await?)
}

/// What is proposed for a system, or the endpoint of an agency, and has not ended.
///
/// # Errors
/// As `list`.
pub async fn open_of(hub: &Hub, person: &Person, holder: &str) -> Result<Vec<GrantLine>, ExchangeError> {
    person.administers()?;
    let holder = holder.to_owned();
    let lines = hub.store.read(move |tx| {
        let open = store::open_of(tx, &holder)?;
        lines(tx, open)
    });
    Ok(lines.await?)
}

/// One grant with what it is about.
///
/// # Errors
/// `NotFound`; `Store`.
pub async fn view(hub: &Hub, person: &Person, grant_id: &str) -> Result<GrantView, ExchangeError> {
    person.administers()?;
    let (id, now) = (grant_id.to_owned(), hub.clock.now());
    let found = hub.store.read(move |tx| {
        let found = store::find(tx, &id)?.into_iter().collect();
        Ok(lines(tx, found)?.pop())
    });
    let line = found.await?.ok_or(ExchangeError::NotFound)?;
    let who = (person.user_id.as_str(), now);
    let mut steps = Vec::new();
    for step in UndertakingStep::ALL {
        if after(&line.row, step, who)?.is_ok() {
            steps.push(step);
        }
    }
    let (system, endpoint) = match &line.gift {
        Gift::Key { system, .. } | Gift::Addresses { system, .. } | Gift::Agency { system, .. } => {
            (Some(systems::system(hub, system).await?), None)
        }
        Gift::Endpoint { agency, .. } => (None, reach::agency(hub, agency).await?.endpoint),
    };
    let may_take = line.gift.has_secret() && takeable(&line.row, who)?.is_ok();
    Ok(GrantView { line, system, endpoint, steps, may_take })
}

fn lines(tx: &mut Connection, found: Vec<GrantRow>) -> Result<Vec<GrantLine>, StoreError> {
    let ids = found.iter().flat_map(|row| row.decided_by.as_deref().into_iter().chain([row.proposed_by.as_str()]));
    let people = users::names(tx, &ids.collect::<Vec<_>>())?;
    let line = |row: GrantRow| {
        Ok(GrantLine {
            gift: row.gift()?,
            state: row.state()?,
            proposer: called(&people, &row.proposed_by),
            decider: row.decided_by.as_deref().map(|id| called(&people, id)),
            row,
        })
    };
    found.into_iter().map(line).collect()
}

/// Ends what nobody decided on in time, and what nobody took. Answers how many.
///
/// # Errors
/// `Store`.
pub async fn lapse(hub: &Hub) -> Result<usize, ExchangeError> {
    let act = Act::new(hub, &By::Hub);
    let lapsed = hub.store.write(move |tx| {
        let mut lapsed: usize = 0;
        for row in store::open(tx)?.into_iter().filter(|row| row.expires_at() <= act.now) {
            let ended = (UndertakingState::Lapsed, None);
            if store::set_state(tx, &row, ended, (act.now, row.expires_at()))? {
                note(tx, &act, (&row, "lapsed"), UndertakingState::Lapsed)?;
                lapsed = lapsed.saturating_add(1);
            }
        }
        Ok(lapsed)
    });
    Ok(lapsed.await?)
}
