//! What people are told by mail, and when: deliveries that failed, what waits at the end of the day, keys that end, and what
//! an operator should look at. Each is found by a job and put in line with a name of its own (`once`), so that it is told
//! once, whichever node looks and how often. Not here: words (`domain::notice`), sending (`post`).

use super::{ExchangeError, dispatch, health};
use crate::channel::mail::address_in;
use crate::config;
use crate::domain::dates::{VIETNAM, for_people};
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::envelope::Urgency;
use crate::domain::notice::{Notice, Undelivered};
use crate::hub::Hub;
use crate::store::endpoints::EndpointRow;
use crate::store::mails::MailRow;
use crate::store::notices::{self, FailureRow, Span};
use crate::store::{StoreError, endpoints, job_runs, mails};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use std::collections::BTreeMap;

/// The job that runs [`look`]; since when it is to look is known from its last run.
pub const LOOKING: &str = "notices";
/// What happens within such a span is told in one mail.
const SLOT: TimeDelta = TimeDelta::minutes(5);
/// An event may be written this long after its time.
const WRITING: TimeDelta = TimeDelta::seconds(60);
/// When it is not known what was looked at last.
const LOOK_BACK: TimeDelta = TimeDelta::hours(1);
/// What is older is no news.
const LOOK_BACK_MAX: TimeDelta = TimeDelta::days(7);
/// Events looked at in one run.
const EVENTS_MAX: i64 = 5000;
/// Mails put in line in one transaction.
const QUEUED_AT_ONCE: usize = 200;
/// Addresses of one system that are told of its key.
const ADDRESSES_MAX: usize = 5;

/// A notice, to whom, and its name.
struct Told {
    once: String,
    address: String,
    notice: Notice,
}

pub(super) fn is_on(hub: &Hub) -> bool {
    !hub.config.mail.server.is_empty()
}

/// Finds what senders and the operator are to be told of since the last look. Answers how many mails were put in line.
///
/// # Errors
/// `Store`.
pub async fn look(hub: &Hub) -> Result<usize, ExchangeError> {
    if !is_on(hub) {
        return Ok(0);
    }
    let span = span(hub).await?;
    let mut told = undelivered(hub, span).await?;
    told.extend(endpoints_in_trouble(hub).await?);
    if let Some(operator) = operator(hub) {
        let mut notices = refusals(hub, span).await?;
        notices.extend(unwell(hub).await);
        told.extend(notices.into_iter().map(|(once, notice)| Told { once, address: operator.to_owned(), notice }));
    }
    queue(hub, told).await
}

/// Whole slots that are over, from the last one that was looked at.
async fn span(hub: &Hub) -> Result<Span, ExchangeError> {
    let last = hub.store.read(|tx| job_runs::last_done(tx, LOOKING)).await?;
    let now = hub.clock.now();
    let slot = |at: DateTime<Utc>| slot_of(at.checked_sub_signed(WRITING).unwrap_or(at));
    let back = |by: TimeDelta| now.checked_sub_signed(by).unwrap_or(now);
    let from = last.unwrap_or(back(LOOK_BACK)).max(back(LOOK_BACK_MAX));
    Ok((slot(from.checked_sub_signed(SLOT).unwrap_or(from)), slot(now)))
}

fn slot_of(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(SLOT).unwrap_or(at)
}

/// Deliveries that failed, by slot and sender.
async fn undelivered(hub: &Hub, span: Span) -> Result<Vec<Told>, ExchangeError> {
    let failures = hub.store.read(move |tx| notices::failures(tx, span, EVENTS_MAX)).await?;
    let mut by_sender: BTreeMap<(DateTime<Utc>, String), Vec<FailureRow>> = BTreeMap::new();
    for failure in failures {
        by_sender.entry((slot_of(failure.at()), failure.sender_code.clone())).or_default().push(failure);
    }
    let told = by_sender.into_iter().filter_map(|((slot, sender), failures)| {
        let address = address_in(&failures.first()?.mail)?.to_owned();
        let number = failures.len();
        let documents = failures.into_iter().take(hub.config.mail.documents_max).map(of_failure).collect();
        let once = format!("undelivered:{sender}:{}", slot.timestamp());
        Some(Told { once, address, notice: Notice::Undelivered { agency: sender, documents, number } })
    });
    Ok(told.collect())
}

fn of_failure(row: FailureRow) -> Undelivered {
    let facts: serde_json::Value = serde_json::from_str(&row.facts).unwrap_or_default();
    let code = [row.number.as_str(), row.notation.as_str()].into_iter().filter(|part| !part.is_empty());
    Undelivered {
        code: code.collect::<Vec<_>>().join("/"),
        expired: facts.get("why").is_some_and(|why| why == "expired"),
        at: for_people(row.at()),
        document_id: row.document_id,
        recipient: row.recipient_code,
    }
}

/// Refusals that somebody should look at, by slot.
async fn refusals(hub: &Hub, span: Span) -> Result<Vec<(String, Notice)>, ExchangeError> {
    let found = hub.store.read(move |tx| {
        let secrets = notices::refusals(tx, span, "M.StateSecret", EVENTS_MAX)?;
        Ok((secrets, notices::refusals(tx, span, ".Conflict", EVENTS_MAX)?))
    });
    let (secrets, conflicts) = found.await?;
    let mut slots: BTreeMap<DateTime<Utc>, (usize, usize)> = BTreeMap::new();
    for at in secrets {
        let (secrets, _) = slots.entry(slot_of(at)).or_default();
        *secrets = secrets.saturating_add(1);
    }
    for at in conflicts {
        let (_, conflicts) = slots.entry(slot_of(at)).or_default();
        *conflicts = conflicts.saturating_add(1);
    }
    let notice = |(slot, (secrets, conflicts)): (DateTime<Utc>, (usize, usize))| {
        let until = for_people(slot.checked_add_signed(SLOT).unwrap_or(slot));
        let notice = Notice::Refusals { secrets, conflicts, from: for_people(slot), until };
        (format!("refusals:{}", slot.timestamp()), notice)
    };
    Ok(slots.into_iter().map(notice).collect())
}

/// Endpoints that said that they are gone, and those that have not answered for long; each once until it is well again.
/// The operator is told; that its webhook is gone, the system itself.
async fn endpoints_in_trouble(hub: &Hub) -> Result<Vec<Told>, ExchangeError> {
    let found = hub.store.read(|tx| {
        let all = endpoints::list(tx)?.into_iter().map(|row| Ok((row.id()?, row)));
        let all = all.collect::<Result<Vec<(EndpointId, EndpointRow)>, StoreError>>()?;
        let gone = all.iter().filter(|(id, row)| id.kind == EndpointKind::Events && row.state == "gone");
        let systems: Vec<String> = gone.map(|(id, _)| id.holder.clone()).collect();
        let addresses = notices::addresses_of(tx, &systems)?;
        Ok((all, addresses))
    });
    let (all, addresses) = found.await?;
    let mut told = Vec::new();
    for (id, endpoint) in all {
        let since = endpoint.succeeded_at().unwrap_or_default().max(endpoint.changed_at()).timestamp_micros();
        let (word, notice) = match endpoint.state.as_str() {
            "gone" => ("gone", gone(&id)),
            "open" => match away(hub, &id, &endpoint) {
                Some(notice) => ("away", notice),
                None => continue,
            },
            _ => continue,
        };
        let addresses = match (id.kind, word) {
            (EndpointKind::Events, "gone") => told_of_system(hub, &id.holder, &addresses),
            (EndpointKind::Agency | EndpointKind::Events | EndpointKind::Relay, _) => {
                operator(hub).into_iter().collect()
            }
        };
        told.extend(addresses.into_iter().map(|address| Told {
            once: format!("{word}:{id}:{since}:{address}"),
            address: address.to_owned(),
            notice: notice.clone(),
        }));
    }
    Ok(told)
}

fn gone(id: &EndpointId) -> Notice {
    let holder = id.holder.clone();
    match id.kind {
        EndpointKind::Agency => Notice::EndpointGone { agency: holder },
        EndpointKind::Relay => Notice::EndpointGone { agency: id.to_string() },
        EndpointKind::Events => Notice::WebhookGone { system: holder },
    }
}

fn away(hub: &Hub, id: &EndpointId, endpoint: &EndpointRow) -> Option<Notice> {
    let breaker = endpoint.breaker();
    let minutes = breaker.away(&dispatch::limits(&hub.config.push), hub.clock.now())?.num_minutes();
    // By the name that commands take.
    let holder = match id.kind {
        EndpointKind::Agency => id.holder.clone(),
        EndpointKind::Events | EndpointKind::Relay => id.to_string(),
    };
    let long = i64::try_from(hub.config.mail.away_minutes).unwrap_or(i64::MAX);
    let notice = Notice::EndpointAway { holder, minutes, failures: breaker.failures };
    (minutes >= long).then_some(notice)
}

/// The operator's address, if there is one.
pub(super) fn operator(hub: &Hub) -> Option<&str> {
    Some(hub.config.mail.operator.as_str()).filter(|address| !address.is_empty())
}

/// Addresses of the agencies of a system, or else the operator's.
fn told_of_system<'a>(hub: &'a Hub, system: &str, addresses: &'a [(String, String)]) -> Vec<&'a str> {
    let own = addresses.iter().filter(|(holder, _)| holder == system);
    let own: Vec<&str> = own.filter_map(|(_, mail)| address_in(mail)).take(ADDRESSES_MAX).collect();
    if own.is_empty() { operator(hub).into_iter().collect() } else { own }
}

/// What is wrong with this node: once a day.
async fn unwell(hub: &Hub) -> Option<(String, Notice)> {
    let troubles = health::troubles(hub).await;
    let names: Vec<&str> = troubles.iter().map(|(name, ..)| *name).collect();
    let once = format!("unwell:{}:{}", names.join("+"), today(hub));
    let (vi, en) = troubles.into_iter().map(|(_, vi, en)| (vi, en)).unzip::<_, _, Vec<_>, Vec<_>>();
    (!vi.is_empty()).then_some((once, Notice::Unwell { vi, en }))
}

fn today(hub: &Hub) -> chrono::NaiveDate {
    hub.clock.now().with_timezone(&VIETNAM).date_naive()
}

/// Tells each agency what waits in its mailbox, once on a working day. Answers how many mails were put in line.
///
/// # Errors
/// `Store`.
pub async fn digest(hub: &Hub) -> Result<usize, ExchangeError> {
    let (now, today) = (hub.clock.now(), today(hub));
    if !is_on(hub) || !hub.calendar.is_working(today) {
        return Ok(0);
    }
    let calendar = &hub.calendar;
    let limits = ["0", "1", "2", "3", "4"].map(Urgency::of_number);
    let limits = limits.map(|urgency| (urgency.number(), calendar.overdue_before(now, urgency)));
    let day = today.to_string();
    let found = hub.store.read(move |tx| Ok((notices::waiting(tx, &day)?, notices::overdue(tx, &limits)?)));
    let (waiting, overdue) = found.await?;
    let told = waiting.into_iter().filter_map(|row| {
        let address = address_in(&row.mail)?.to_owned();
        let oldest_hours = row.oldest().map_or(0, |at| calendar.working_time(at, now).num_hours());
        let overdue = overdue.get(&row.agency_code).copied().unwrap_or(0);
        let once = format!("digest:{}:{today}", row.agency_code);
        let notice =
            Notice::Digest { agency: row.agency_code, name: row.name, waiting: row.number, overdue, oldest_hours };
        Some(Told { once, address, notice })
    });
    queue(hub, told.collect()).await
}

/// Tells the agencies of a system, or else the operator, that a key of the system ends: once at each of `mail.key_days`. So is
/// the operator told of the certificate under receipts. Answers how many mails were put in line.
///
/// # Errors
/// `Store`.
pub async fn keys_that_end(hub: &Hub) -> Result<usize, ExchangeError> {
    let mut days = config::numbers(&hub.config.mail.key_days).unwrap_or_default();
    days.sort_unstable();
    let longest = days.last().and_then(|days| TimeDelta::try_days(i64::try_from(*days).ok()?));
    let now = hub.clock.now();
    let Some(until) = longest.and_then(|longest| now.checked_add_signed(longest)).filter(|_| is_on(hub)) else {
        return Ok(0);
    };
    let found = hub.store.read(move |tx| {
        let keys = notices::keys_that_end(tx, (now, until))?;
        let systems: Vec<String> = keys.iter().map(|key| key.system_id.clone()).collect();
        let addresses = notices::addresses_of(tx, &systems)?;
        Ok((keys, addresses))
    });
    let (keys, addresses) = found.await?;
    let mut told = Vec::new();
    for key in keys {
        let Some(at) = key.expires_at() else { continue };
        let Some((step, left)) = step(&days, at.signed_duration_since(now)) else { continue };
        let notice = Notice::KeyEnds {
            system: key.system_id.clone(),
            key_id: key.key_id.clone(),
            at: for_people(at),
            days: left,
        };
        told.extend(told_of_system(hub, &key.system_id, &addresses).into_iter().map(|address| Told {
            once: format!("key:{}:{step}:{address}", key.key_id),
            address: address.to_owned(),
            notice: notice.clone(),
        }));
    }
    told.extend(certificate_that_ends(hub, &days));
    queue(hub, told).await
}

/// The shortest of these numbers of days within which something ends, and the whole days that are left.
fn step(days: &[u64], left: TimeDelta) -> Option<(u64, i64)> {
    let is_within = |days: &u64| i64::try_from(*days).is_ok_and(|days| left <= TimeDelta::days(days));
    Some((days.iter().copied().find(is_within)?, left.num_days()))
}

/// Tells the operator that the last certificate under which receipts are signed ends, once at each of `mail.key_days`.
fn certificate_that_ends(hub: &Hub, days: &[u64]) -> Option<Told> {
    let (last, address) = (hub.credentials.last()?, operator(hub)?.to_owned());
    let left = last.ends_at.signed_duration_since(hub.clock.now());
    let (step, days) = step(days, left).filter(|_| left >= TimeDelta::zero())?;
    let notice = Notice::CertificateEnds { subject: last.subject.clone(), at: for_people(last.ends_at), days };
    Some(Told { once: format!("certificate:{}:{step}", last.id), address, notice })
}

/// Puts mails in line, but for those that were before.
async fn queue(hub: &Hub, told: Vec<Told>) -> Result<usize, ExchangeError> {
    let now = hub.clock.now();
    let term = i64::try_from(hub.config.mail.term_hours).ok().and_then(TimeDelta::try_hours).unwrap_or_default();
    let expires_at = now.checked_add_signed(term).unwrap_or(now);
    let rows: Vec<MailRow> = told
        .into_iter()
        .map(|Told { once, address, notice }| {
            let notice = serde_json::to_string(&notice).unwrap_or_default();
            MailRow::new((hub.ids.next(), once), (address, notice), (now, expires_at))
        })
        .collect();
    let mut put: usize = 0;
    for some in rows.chunks(QUEUED_AT_ONCE) {
        let some = some.to_vec();
        let queued = hub.store.write(move |tx| {
            some.iter().try_fold(0_usize, |put, row| Ok(put.saturating_add(usize::from(mails::insert(tx, row)?))))
        });
        put = put.saturating_add(queued.await?);
    }
    Ok(put)
}
