//! A day is closed: for every pair of agencies a statement of what went from one to the other, and the list of all statements.
//! Both are evidence. One walk along the part of the ledger that the day fills tells everything, so that a statement speaks of
//! what is sealed; drawing it again gives the same. Not here: who may see statements (`statements`).

use super::{ExchangeError, rows};
use crate::domain::dates::{VIETNAM, beginning, for_machines};
use crate::domain::delivery::DeliveryState;
use crate::domain::event_words;
use crate::domain::evidence::{Evidence, EvidenceEvent};
use crate::domain::packet::Digest;
use crate::domain::statement::{self, DayFacts, Facts, Line, Pair, Standing};
use crate::hub::{Hub, Ids};
use crate::store::deliveries::DeliveryRow;
use crate::store::statements::{DayRow, StatementRow};
use crate::store::{Connection, StoreError, envelopes, evidence, ledger, statements};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// How long after its end a day is taken to be sealed whole: what was accepted just before may be committed a little later.
const SETTLED: TimeDelta = TimeDelta::minutes(10);
/// How far ahead of the others a node's clock may run: so much further a walk along the ledger looks for what is of a day.
const AHEAD: TimeDelta = TimeDelta::days(1);
/// Entries of the ledger that are looked at together.
const PAGE: usize = 1_000;
/// Statements that are written together: whoever sends packets comes in between.
const AT_ONCE: usize = 200;

/// When what was accepted before `ends` is taken to be sealed whole.
pub(super) fn settled(ends: DateTime<Utc>) -> DateTime<Utc> {
    ends.checked_add_signed(SETTLED).unwrap_or(ends)
}

/// At the first entry of then or later a walk along the ledger is past everything of before `ends`.
pub(super) fn passed(ends: DateTime<Utc>) -> DateTime<Utc> {
    settled(ends).checked_add_signed(AHEAD).unwrap_or(ends)
}

/// A day and the part of the ledger that may tell of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day {
    pub(super) day: NaiveDate,
    begins: DateTime<Utc>,
    ends: DateTime<Utc>,
    /// Nothing of it stands before this index.
    from: i64,
}

impl Day {
    pub(super) fn new(day: NaiveDate, from: i64) -> Option<Self> {
        let ends = beginning(day.checked_add_days(Days::new(1))?)?;
        Some(Self { day, begins: beginning(day)?, ends, from })
    }

    fn settled(&self) -> DateTime<Utc> {
        settled(self.ends)
    }
}

/// A statement before it is evidence.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub(super) facts: Facts,
    pub(super) list: String,
}

/// What a walk along the ledger met.
#[derive(Default)]
struct Walk {
    /// Sender, recipient and line of each packet.
    packets: Vec<(String, String, Line)>,
    states: HashMap<String, DeliveryState>,
    /// Of deliveries that failed and were started anew before the day was over, the newest that took their place.
    anew: HashMap<String, String>,
    /// The first entry of a later day.
    next: Option<i64>,
    /// The first entry that was not looked at.
    end: i64,
    is_over: bool,
}

/// Closes every day that is over, the oldest first. Answers how many statements were made.
///
/// # Errors
/// `Store`.
pub async fn days(hub: &Hub) -> Result<usize, ExchangeError> {
    let mut made: usize = 0;
    loop {
        let now = hub.clock.now();
        let Some(day) = hub.store.read(move |tx| next(tx, now)).await? else { return Ok(made) };
        made = made.saturating_add(close(hub, day).await?);
    }
}

/// The oldest day that is not closed, if it is over and sealed.
fn next(tx: &mut Connection, now: DateTime<Utc>) -> Result<Option<Day>, StoreError> {
    let last = statements::last_closed(tx, None)?;
    let after = |row: DayRow| Some((row.day.parse::<NaiveDate>().ok()?.succ_opt()?, row.next_index));
    let (day, from) = match last {
        Some(row) => match after(row) {
            Some(next) => next,
            None => return Ok(None),
        },
        // The first thing that ever happened was on the first day.
        None => match ledger::entries_with_evidence(tx, 0..1)?.pop() {
            Some((_, Some(first))) => (first.at.and_utc().with_timezone(&VIETNAM).date_naive(), 0),
            Some((_, None)) | None => return Ok(None),
        },
    };
    let Some(day) = Day::new(day, from).filter(|day| day.settled() <= now) else { return Ok(None) };
    let is_sealed = ledger::head(tx)?.is_some_and(|head| head.signed_at() >= day.settled())
        && ledger::waiting(tx, 1)?.iter().all(|row| row.at.and_utc() >= day.ends);
    Ok(is_sealed.then_some(day))
}

/// The statements of a day, and where the ledger goes on with the next one.
///
/// # Errors
/// `Store`.
pub(super) async fn draw(hub: &Hub, day: Day) -> Result<(Vec<Drawn>, i64), ExchangeError> {
    let mut walk = Walk { end: day.from, ..Walk::default() };
    while !walk.is_over {
        let from = walk.end;
        let page = hub.store.read(move |tx| page(tx, &day, from)).await?;
        walk.packets.extend(page.packets);
        walk.states.extend(page.states);
        walk.anew.extend(page.anew);
        walk.next = walk.next.or(page.next);
        (walk.end, walk.is_over) = (page.end, page.is_over);
    }
    let next = walk.next.unwrap_or(walk.end);
    Ok((drawn(&day, walk), next))
}

fn page(tx: &mut Connection, day: &Day, from: i64) -> Result<Walk, StoreError> {
    let entries = ledger::entries_with_evidence(tx, from..from.saturating_add(rows(PAGE)))?;
    let mut walk =
        Walk { end: from.saturating_add(rows(entries.len())), is_over: entries.len() < PAGE, ..Walk::default() };
    let mut accepted = HashMap::new();
    for (index, row) in entries.into_iter().filter_map(|(entry, row)| Some((entry.ledger_index, row?))) {
        let at = row.at.and_utc();
        if at >= day.ends {
            walk.next = walk.next.or(Some(index));
            walk.is_over = walk.is_over || at >= passed(day.ends);
        } else if at >= day.begins {
            match (EvidenceEvent::of_name(&row.event), row.envelope_id, row.delivery_id) {
                (Some(EvidenceEvent::SubmissionAcceptance), Some(envelope_id), _) => {
                    accepted.insert(envelope_id, (at, row.facts));
                }
                (Some(event), _, Some(delivery_id)) => {
                    walk.states.extend(event_words::state(event).map(|state| (delivery_id, state)));
                }
                (Some(_) | None, ..) => {}
            }
        }
    }
    deliveries(tx, day, &accepted, &mut walk)?;
    Ok(walk)
}

/// Notes the deliveries of envelopes that were accepted, each with when and with the facts of that. Those that were started
/// anew are not what was accepted; they tell how it stands.
fn deliveries(
    tx: &mut Connection,
    day: &Day,
    accepted: &HashMap<String, (DateTime<Utc>, String)>,
    walk: &mut Walk,
) -> Result<(), StoreError> {
    let ids: Vec<&str> = accepted.keys().map(String::as_str).collect();
    let rows = envelopes::deliveries_of(tx, &ids)?;
    let told = |row: &DeliveryRow| accepted.get(&row.envelope_id).filter(|(at, _)| *at == row.accepted_at());
    let key = |row: &DeliveryRow| (row.envelope_id.clone(), row.recipient_code.clone());
    let (first, mut anew): (Vec<DeliveryRow>, Vec<DeliveryRow>) = rows.into_iter().partition(|row| told(row).is_some());
    anew.retain(|row| row.accepted_at() < day.ends);
    anew.sort_by_key(DeliveryRow::accepted_at);
    let anew: HashMap<(String, String), String> = anew.into_iter().map(|row| (key(&row), row.delivery_id)).collect();
    for row in first {
        let newest = anew.get(&key(&row)).cloned();
        walk.anew.extend(newest.map(|newest| (row.delivery_id.clone(), newest)));
        walk.packets.extend(told(&row).cloned().map(|(at, facts)| packet(row, at, &facts)));
    }
    Ok(())
}

fn packet(row: DeliveryRow, at: DateTime<Utc>, facts: &str) -> (String, String, Line) {
    let facts: serde_json::Value = serde_json::from_str(facts).unwrap_or_default();
    let line = Line {
        document_id: row.document_id,
        kind: row.packet_kind,
        // What its sender was told when it was accepted; events come later.
        state: if row.outcome == "withdrawn" { Standing::Withdrawn } else { Standing::Pending },
        delivery_id: row.delivery_id,
        number: 0,
        sha256: facts.get("sha256").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned(),
        accepted_at: for_machines(at),
    };
    (row.sender_code, row.recipient_code, line)
}

fn drawn(day: &Day, walk: Walk) -> Vec<Drawn> {
    let mut by_sender: BTreeMap<String, Vec<(String, Line)>> = BTreeMap::new();
    for (sender, recipient, mut line) in walk.packets {
        let (told_by, at_first) = match walk.anew.get(&line.delivery_id) {
            Some(newest) => (newest, Standing::Pending),
            None => (&line.delivery_id, line.state),
        };
        line.state = walk.states.get(told_by).map_or(at_first, |state| Standing::of(*state));
        by_sender.entry(sender).or_default().push((recipient, line));
    }
    let mut all = Vec::new();
    for (sender, mut packets) in by_sender {
        packets.sort_by(|(_, a), (_, b)| (&a.accepted_at, &a.delivery_id).cmp(&(&b.accepted_at, &b.delivery_id)));
        let of = statement::number(packets.len());
        let mut by_recipient: BTreeMap<String, Vec<Line>> = BTreeMap::new();
        for (number, (recipient, line)) in (1..).zip(packets) {
            by_recipient.entry(recipient).or_default().push(Line { number, ..line });
        }
        for (recipient, mut lines) in by_recipient {
            statement::sort(&mut lines);
            let list = statement::list(&lines);
            let facts = Facts {
                day: day.day.to_string(),
                sender: sender.clone(),
                recipient,
                cut_off: for_machines(day.ends),
                counts: statement::counts(&lines),
                of,
                list: Digest::of(list.as_bytes()).hex(),
            };
            all.push(Drawn { facts, list });
        }
    }
    all
}

/// Makes the statements of a day, as far as they are not there, and closes it.
async fn close(hub: &Hub, day: Day) -> Result<usize, ExchangeError> {
    let (mut drawn, next_index) = draw(hub, day).await?;
    let name = day.day.to_string();
    let there = hub.store.read(move |tx| statements::of_day(tx, &name)).await?;
    let there: HashSet<(String, String)> = there.into_iter().map(|row| (row.sender_code, row.recipient_code)).collect();
    drawn.retain(|one| !there.contains(&(one.facts.sender.clone(), one.facts.recipient.clone())));
    let (ids, now, drawn) = (hub.ids, hub.clock.now(), Arc::new(drawn));
    for begin in (0..drawn.len()).step_by(AT_ONCE) {
        let drawn = Arc::clone(&drawn);
        let write = move |tx: &mut Connection| {
            drawn.iter().skip(begin).take(AT_ONCE).try_for_each(|one| make(tx, (ids, now), one))
        };
        hub.store.write(write).await?;
    }
    let name = day.day.to_string();
    hub.store.write(move |tx| end(tx, (ids, now), (&name, next_index))).await?;
    Ok(drawn.len())
}

fn make(tx: &mut Connection, (ids, at): (Ids, DateTime<Utc>), drawn: &Drawn) -> Result<(), StoreError> {
    let facts = &drawn.facts;
    let row = StatementRow {
        evidence_id: ids.next(),
        day: facts.day.clone(),
        sender_code: facts.sender.clone(),
        recipient_code: facts.recipient.clone(),
        sent: i64::try_from(facts.counts.sent).unwrap_or(i64::MAX),
        list: drawn.list.clone(),
    };
    let said = serde_json::to_string(facts).unwrap_or_default();
    note(tx, (EvidenceEvent::StatementMade, at), (&row.evidence_id, Some(&row.sender_code)), said)?;
    statements::insert(tx, &[row])
}

/// Notes that a day is closed, with the list of its statements.
fn end(tx: &mut Connection, (ids, at): (Ids, DateTime<Utc>), (day, next_index): (&str, i64)) -> Result<(), StoreError> {
    let pair = |row: StatementRow| Pair {
        list: Digest::of(row.list.as_bytes()).hex(),
        sender: row.sender_code,
        recipient: row.recipient_code,
        evidence_id: row.evidence_id,
        sent: row.sent.unsigned_abs(),
    };
    let mut pairs: Vec<Pair> = statements::of_day(tx, day)?.into_iter().map(pair).collect();
    // Databases sort by rules of their own.
    pairs.sort_by(|a, b| (&a.sender, &a.recipient).cmp(&(&b.sender, &b.recipient)));
    let list = statement::list(&pairs);
    let facts = DayFacts {
        day: day.to_owned(),
        statements: statement::number(pairs.len()),
        sent: pairs.iter().map(|pair| pair.sent).fold(0, u64::saturating_add),
        list: Digest::of(list.as_bytes()).hex(),
    };
    let row = DayRow { day: day.to_owned(), evidence_id: ids.next(), next_index, list };
    let said = serde_json::to_string(&facts).unwrap_or_default();
    note(tx, (EvidenceEvent::DayClosed, at), (&row.evidence_id, None), said)?;
    statements::close(tx, &row)
}

fn note(
    tx: &mut Connection,
    (event, at): (EvidenceEvent, DateTime<Utc>),
    (evidence_id, agency): (&str, Option<&str>),
    facts: String,
) -> Result<(), StoreError> {
    let agency = agency.map(str::to_owned);
    let piece = Evidence { event, at, envelope_id: None, delivery_id: None, agency, system_id: None, facts };
    evidence::append(tx, evidence_id, &piece)
}
