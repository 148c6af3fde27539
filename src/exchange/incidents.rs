//! Incidents (sự cố): each node looks at what is wrong now with its machine and with the hub, and notes what begins and what ends.
//! What happened while nothing could be noted is noted afterwards. Not here: what is wrong now (`health`), who is told by mail
//! (`notify`), which changes follow (`domain::incident`).

use super::health::{self, Check};
use super::nodes::{self, NodeLine};
use super::sessions::Person;
use super::{ExchangeError, dispatch, notify, post, rows, transfers};
use crate::domain::breaker::BreakerLimits;
use crate::domain::dates::for_people;
use crate::domain::incident::{Eyes, IncidentKind, Ongoing, Sight, Trouble, changes};
use crate::domain::rules::Wording;
use crate::hub::{Hub, Ids};
use crate::store::endpoints::EndpointRow;
pub use crate::store::incidents::IncidentRow;
use crate::store::{Connection, StoreError, endpoints, incidents as store, machine};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;

/// Incidents that go on and are looked at.
const ONGOING_MAX: i64 = 10_000;
/// Mails that are looked at.
const MAILS: usize = 100;
/// A mail that waits for so long is an incident.
const MAIL_PATIENCE: TimeDelta = TimeDelta::minutes(30);
/// Stands after every id.
const AFTER_ALL: &str = "z";
/// Longest text of a failure that is kept, in characters.
const REASON_CHARS_MAX: usize = 500;

/// A node's eye on what is wrong.
#[derive(Debug, Default)]
pub struct Watch {
    /// Since when nothing can be noted, and what is said of it.
    silent: Option<(DateTime<Utc>, Wording)>,
    /// Until when other nodes are not missed: while nothing could be noted they could not say that they are there.
    forbearing_until: Option<DateTime<Utc>>,
    /// Since when the checks of this node find something wrong, whether it could be noted or not.
    since: HashMap<IncidentKind, DateTime<Utc>>,
}

/// What one look found.
struct Found {
    ongoing: Vec<Ongoing>,
    seen: Vec<Trouble>,
    replaced: Vec<Replaced>,
    eyes: Eyes,
}

impl Watch {
    /// Looks once, and notes what began and what is over since the last look of any node.
    ///
    /// # Errors
    /// `Store`. What could not be noted and still is so is noted by the next look, with its beginning; that nothing could be noted too.
    pub async fn look(&mut self, hub: &Hub) -> Result<(), ExchangeError> {
        let now = hub.clock.now();
        let checks = health::readiness(hub).await;
        let wrong: Vec<IncidentKind> = checks.iter().filter(|check| !check.en.is_empty()).filter_map(kind_of).collect();
        self.since.retain(|kind, _| wrong.contains(kind));
        for kind in wrong {
            self.since.entry(kind).or_insert(now);
        }
        if let Some(silent) = checks.iter().find(|check| kind_of(check) == Some(IncidentKind::Database) && !check.ok) {
            self.silent.get_or_insert_with(|| (now, Wording::new(silent.vi.as_str(), silent.en.as_str())));
            return Ok(());
        }
        let noted = match self.find(hub, &checks, now).await {
            Ok(found) => note(hub, found, self.silent.clone(), now).await,
            Err(error) => Err(error),
        };
        if noted.is_err() {
            let words =
                Wording::new("không đọc ghi được cơ sở dữ liệu", "the database can be neither read nor written");
            self.silent.get_or_insert((now, words));
        } else if self.silent.take().is_some() {
            self.forbearing_until = now.checked_add_signed(nodes::patience(hub));
        }
        noted
    }

    async fn find(&self, hub: &Hub, checks: &[Check], now: DateTime<Utc>) -> Result<Found, ExchangeError> {
        let host = machine::host();
        let mut blind_to: Vec<IncidentKind> =
            checks.iter().filter(|check| !check.is_known).filter_map(kind_of).collect();
        let mut seen: Vec<Trouble> = checks.iter().filter_map(|check| self.of_check(check, &host, now)).collect();
        seen.extend(mail(hub, now).await?);
        let all = nodes::list(hub).await?;
        let machines = all.iter().map(|node| node.host.clone()).collect();
        let is_forbearing = self.silent.is_some() || self.forbearing_until.is_some_and(|until| now < until);
        let (gone, replaced) = if is_forbearing { Default::default() } else { of_nodes(hub, &all) };
        if is_forbearing {
            blind_to.push(IncidentKind::Node);
        }
        seen.extend(gone);
        let limits = dispatch::limits(&hub.config.push);
        let read = hub.store.read(move |tx| {
            let ongoing = store::ongoing(tx, ONGOING_MAX)?;
            // A newer version may know more kinds: what is not known here is not for this node to end.
            let ongoing = ongoing.iter().filter_map(|row| row.ongoing().ok()).collect();
            let endpoints = endpoints::list(tx)?;
            let away = endpoints.iter().filter_map(|row| of_endpoint(row, &limits, now)).collect::<Vec<_>>();
            Ok((ongoing, away))
        });
        let (ongoing, away) = read.await?;
        seen.extend(away);
        Ok(Found { ongoing, seen, replaced, eyes: Eyes { machine: host, machines, blind_to } })
    }

    /// What a check finds wrong.
    fn of_check(&self, check: &Check, host: &str, now: DateTime<Utc>) -> Option<Trouble> {
        let kind = kind_of(check).filter(|_| !check.en.is_empty())?;
        let place = match kind.sight() {
            Sight::Machine => host.to_owned(),
            Sight::Hub | Sight::Happening => String::new(),
        };
        let since = self.since.get(&kind).copied().unwrap_or(now);
        let words = Wording::new(check.vi.as_str(), check.en.as_str());
        Some(Trouble { kind, place, is_grave: !check.ok, words, since })
    }
}

/// The kind of what a check looks at; nothing for the one that says that the hub is stopping, which is not wrong.
fn kind_of(check: &Check) -> Option<IncidentKind> {
    IncidentKind::of_word(check.name)
}

/// Notes what is otherwise than it was noted, in one transaction; nothing where nothing is.
async fn note(
    hub: &Hub,
    found: Found,
    silent: Option<(DateTime<Utc>, Wording)>,
    now: DateTime<Utc>,
) -> Result<(), ExchangeError> {
    let Found { ongoing, seen, replaced, eyes } = found;
    let known = ongoing.len();
    let changes = changes(ongoing, seen, &eyes);
    let number = known.saturating_add(changes.begun.len()).saturating_sub(changes.ended.len());
    hub.metrics.incidents_open.set(rows(number));
    if changes.is_empty() && silent.is_none() && replaced.is_empty() {
        return Ok(());
    }
    let ids = hub.ids;
    let noted = hub.store.write(move |tx| {
        let mut begun = Vec::new();
        for trouble in &changes.begun {
            if store::insert(tx, &IncidentRow::new(ids.next(), trouble.clone(), None))? {
                begun.push(trouble.clone());
            }
        }
        for (id, trouble) in &changes.changed {
            store::change(tx, id, trouble)?;
        }
        for id in &changes.ended {
            store::end(tx, id, now)?;
        }
        if let Some((since, words)) = silent.clone() {
            let (kind, place) = (IncidentKind::Database, eyes.machine.clone());
            let trouble = Trouble { kind, place, is_grave: true, words, since };
            store::insert(tx, &IncidentRow::new(ids.next(), trouble, Some(now)))?;
        }
        for one in &replaced {
            close_replaced(tx, one, ids)?;
        }
        Ok(begun)
    });
    noted.await?.iter().for_each(say_begun);
    Ok(())
}

fn say_begun(trouble: &Trouble) {
    let (kind, place) = (trouble.kind.word(), trouble.place.as_str());
    log::warn!(target: "incidents", "incident.kind" = kind, "incident.place" = place; "{}", trouble.words.en);
}

/// Whether mails wait for too long.
async fn mail(hub: &Hub, now: DateTime<Utc>) -> Result<Option<Trouble>, ExchangeError> {
    if !notify::is_on(hub) {
        return Ok(None);
    }
    let unsent = post::unsent(hub, MAILS).await?;
    let waiting = unsent.into_iter().filter(|mail| mail.state == "waiting");
    let Some(oldest) = waiting.min_by_key(|mail| mail.created_at()) else { return Ok(None) };
    let since = oldest.created_at();
    let words = Wording::new(
        format!("thư không gửi đi được từ {}: {}", for_people(since), oldest.reason),
        format!("mails do not leave since {}: {}", for_people(since), oldest.reason),
    );
    let trouble = Trouble { kind: IncidentKind::Mail, place: String::new(), is_grave: false, words, since };
    Ok((now.signed_duration_since(since) >= MAIL_PATIENCE).then_some(trouble))
}

/// Whether an endpoint does not answer, or said that it is gone. One that an operator paused is no incident.
fn of_endpoint(row: &EndpointRow, limits: &BreakerLimits, now: DateTime<Utc>) -> Option<Trouble> {
    let (is_grave, words, since) = match row.state.as_str() {
        "gone" => {
            let words = Wording::new("điểm nhận báo đã ngừng hẳn (410)", "the endpoint said that it is gone (410)");
            (true, words, row.changed_at())
        }
        "open" => {
            let away = row.breaker().away(limits, now)?;
            let words = Wording::new(
                "điểm nhận không trả lời; Trục tạm nghỉ và thử lại dần",
                "the endpoint does not answer; the hub rests and tries again now and then",
            );
            (false, words, now.checked_sub_signed(away.max(TimeDelta::zero())).unwrap_or(now))
        }
        _ => return None,
    };
    Some(Trouble { kind: IncidentKind::Endpoint, place: row.endpoint_id.clone(), is_grave, words, since })
}

/// A node that went without a word and whose place another one took.
struct Replaced {
    trouble: Trouble,
    back_at: DateTime<Utc>,
}

/// Nodes that went without a word: those whose place nobody took, and those whose place somebody did: the next node on the same
/// machine, and where the database is a file any next one.
fn of_nodes(hub: &Hub, all: &[NodeLine]) -> (Vec<Trouble>, Vec<Replaced>) {
    let (mut gone, mut replaced) = (Vec::new(), Vec::new());
    for node in all.iter().filter(|node| !node.is_there) {
        let words = Wording::new(
            format!("nút trên máy {} mất tín hiệu, không báo dừng", node.host),
            format!("the node on {} went without a word", node.host),
        );
        let (kind, place, since) = (IncidentKind::Node, node.node_id.clone(), node.seen_at);
        let trouble = Trouble { kind, place, is_grave: true, words, since };
        let takes_place = |other: &&NodeLine| !hub.store.is_server() || other.host == node.host;
        let successors = all.iter().filter(takes_place).filter(|other| other.started_at > node.seen_at);
        match successors.map(|other| other.started_at).min() {
            Some(back_at) => replaced.push(Replaced { trouble, back_at }),
            None => gone.push(trouble),
        }
    }
    (gone, replaced)
}

/// Notes that a node is back under another id, and forgets the old one; of several nodes that see it one does.
fn close_replaced(tx: &mut Connection, one: &Replaced, ids: Ids) -> Result<(), StoreError> {
    if !crate::store::nodes::remove(tx, &one.trouble.place)? {
        return Ok(());
    }
    match store::ongoing_of(tx, IncidentKind::Node, &one.trouble.place)? {
        Some(known) => store::end(tx, &known.incident_id, one.back_at).map(drop),
        None => store::insert(tx, &IncidentRow::new(ids.next(), one.trouble.clone(), Some(one.back_at))).map(drop),
    }
}

/// Notes how a job ended, in the transaction of its end: that it failed goes on until it does not.
///
/// # Errors
/// `Statement`.
pub fn note_job(
    tx: &mut Connection,
    job: &'static str,
    (ending, at): (&Result<i64, String>, DateTime<Utc>),
    ids: Ids,
) -> Result<(), StoreError> {
    let known = store::ongoing_of(tx, IncidentKind::Job, job)?;
    let Err(why) = ending else {
        return known.map_or(Ok(()), |known| store::end(tx, &known.incident_id, at).map(drop));
    };
    let reason: String = why.chars().take(REASON_CHARS_MAX).collect();
    let words = Wording::new(format!("công việc không thực hiện được: {reason}"), format!("the job failed: {reason}"));
    let trouble = Trouble { kind: IncidentKind::Job, place: job.to_owned(), is_grave: false, words, since: at };
    match known {
        Some(known) => store::change(tx, &known.incident_id, &trouble),
        None => store::insert(tx, &IncidentRow::new(ids.next(), trouble, None)).map(drop),
    }
}

/// Removes what is known of incidents that ended `jobs.incidents_days` ago. Answers how many went.
///
/// # Errors
/// `Store`.
pub(super) async fn forget(hub: &Hub) -> Result<usize, ExchangeError> {
    let age = i64::try_from(hub.config.jobs.incidents_days).ok().and_then(TimeDelta::try_days);
    let Some(before) = age.and_then(|age| hub.clock.now().checked_sub_signed(age)) else { return Ok(0) };
    Ok(hub.store.write(move |tx| store::remove_ended(tx, before)).await?)
}

/// What of the incidents somebody asks for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Of a kind; none: of all.
    pub kind: Option<IncidentKind>,
    /// After which of those that are over the page begins; empty: at the newest.
    pub after: String,
    /// Most rows of those that are over.
    pub rows: usize,
}

/// Incidents as operators look at them.
#[derive(Debug, Clone)]
pub struct Incidents {
    /// What goes on, the newest first; on the first page only.
    pub ongoing: Vec<IncidentRow>,
    /// What is over, the newest first.
    pub ended: Vec<IncidentRow>,
    /// After which the next page begins; nothing on the last.
    pub next: Option<String>,
}

/// What goes on and what is over.
///
/// # Errors
/// `NotFound` for a person who does not look after the hub; `Store`.
pub async fn list(hub: &Hub, person: &Person, asked: Asked) -> Result<Incidents, ExchangeError> {
    person.runs_the_hub()?;
    let after = transfers::cursor(&asked.after);
    let is_first = after.is_none();
    let (limit, (at, id)) =
        (rows(asked.rows.saturating_add(1)), after.unwrap_or_else(|| (hub.clock.now(), AFTER_ALL.to_owned())));
    let found = hub.store.read(move |tx| {
        let mut ongoing = if is_first { store::ongoing(tx, ONGOING_MAX)? } else { Vec::new() };
        ongoing.retain(|row| asked.kind.is_none_or(|kind| row.kind().is_ok_and(|own| own == kind)));
        Ok((ongoing, store::ended(tx, asked.kind, (at, &id), limit)?))
    });
    let (ongoing, mut ended) = found.await?;
    let (_, next) = transfers::ends(&mut ended, limit, |row| transfers::place(row.began_at(), &row.incident_id));
    Ok(Incidents { ongoing, ended, next })
}
