//! What the hub pushes: what waits, and what is on its way by lease. A claim moves `due_at` to the end of its lease;
//! whoever settles must still hold the lease. Not here: what came of each attempt (`outcomes`).

use super::announcements::{self, AnnouncementRow};
use super::backlog::Waiting;
use super::connection::{Link, on_each, on_packets};
use super::deliveries::DeliveryRow;
use super::literal::OfAnyLane;
use super::schema::{deliveries, endpoints, envelopes, payloads, pushes};
use super::{Connection, StoreError};
use crate::domain::endpoint::EndpointId;
use crate::domain::lane::Lane;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// What waits to be pushed or is on its way.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = pushes)]
pub struct PushRow {
    /// Its id; a delivery's is that of the delivery.
    pub push_id: String,
    /// Where it goes.
    pub endpoint_id: String,
    pub(super) lane: i32,
    pub(super) due_at: NaiveDateTime,
    pub(super) expires_at: NaiveDateTime,
    /// Attempts that came to an end and were not the recipient's being away for everybody.
    pub attempts: i32,
    /// Who has it on its way; somebody who crashed, when it is due again.
    pub lease_owner: Option<String>,
    /// Whether an operator holds it: its due time never comes.
    pub held: bool,
    /// Of what has the same series one is on its way at a time.
    pub(super) series: Option<String>,
}

/// When what is held becomes due: not in the lifetime of the calendar.
fn never() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(9999, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN)
}

impl PushRow {
    /// A delivery that is to be pushed to an endpoint; `times` are when it is due and when it is given up.
    pub fn of_delivery(row: &DeliveryRow, to: &EndpointId, lane: Lane, times: (DateTime<Utc>, DateTime<Utc>)) -> Self {
        Self::new((&row.delivery_id, to.to_string()), lane, times, None)
    }

    /// An announcement that is to be pushed, likewise.
    pub fn of_announcement(row: &AnnouncementRow, lane: Lane, times: (DateTime<Utc>, DateTime<Utc>)) -> Self {
        Self::new((&row.announcement_id, row.endpoint_id.clone()), lane, times, Some(row.series.clone()))
    }

    fn new(
        (push_id, endpoint_id): (&str, String),
        lane: Lane,
        (due_at, expires_at): (DateTime<Utc>, DateTime<Utc>),
        series: Option<String>,
    ) -> Self {
        Self {
            push_id: push_id.to_owned(),
            endpoint_id,
            lane: lane.number(),
            due_at: due_at.naive_utc(),
            expires_at: expires_at.naive_utc(),
            attempts: 0,
            lease_owner: None,
            held: false,
            series,
        }
    }

    /// The endpoint where it goes.
    ///
    /// # Errors
    /// `UnknownWord`.
    pub fn endpoint(&self) -> Result<EndpointId, StoreError> {
        let unknown = || StoreError::UnknownWord { column: "pushes.endpoint_id", value: self.endpoint_id.clone() };
        EndpointId::parse(&self.endpoint_id).ok_or_else(unknown)
    }

    /// Whether it brings an announcement; else a packet.
    pub fn is_announcement(&self) -> bool {
        // What is told is told in order, packets are not.
        self.series.is_some()
    }

    /// Its lane.
    pub fn lane(&self) -> Lane {
        Lane::of_number(self.lane).unwrap_or(Lane::Normal)
    }

    /// Whether somebody has it on its way, who did not crash.
    pub fn is_on_its_way(&self, now: DateTime<Utc>) -> bool {
        self.lease_owner.is_some() && !self.held && self.due_at() > now
    }

    /// When it is tried next; while it is on its way, the end of the lease.
    pub fn due_at(&self) -> DateTime<Utc> {
        self.due_at.and_utc()
    }

    /// When it is given up.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at.and_utc()
    }
}

/// A push that was claimed, with what is needed to send it.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The push.
    pub push: PushRow,
    /// What is sent.
    pub content: Content,
}

/// What is sent.
#[derive(Debug, Clone)]
pub enum Content {
    /// A packet, to an agency or a neighbour.
    Packet(Box<Packet>),
    /// An event, to a system or a neighbour.
    Announcement(AnnouncementRow),
}

/// The packet of a delivery.
#[derive(Debug, Clone)]
pub struct Packet {
    /// The delivery as it stood when it was claimed.
    pub delivery: DeliveryRow,
    /// SHA-256 of the packet.
    pub sha256: Vec<u8>,
    /// Its size.
    pub bytes: i64,
    /// The packet, when it is kept in its row; else it is in a file.
    pub content: Option<Vec<u8>>,
}

/// Puts pushes in line.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, rows: &[PushRow]) -> Result<(), StoreError> {
    for row in rows {
        match &mut tx.link {
            Link::Sqlite(c) => diesel::insert_into(pushes::table).values(row).execute(&mut **c).map(|_| ())?,
            Link::Postgres(_) => tx.put(Waiting::Push(row.clone()))?,
        }
    }
    Ok(())
}

/// The push of that id, if it is not settled.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, push_id: &str) -> Result<Option<PushRow>, StoreError> {
    Ok(on_packets!(tx, c => pushes::table
        .filter(pushes::push_id.eq(push_id))
        .select(PushRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Holds a push, if there is one, until the transaction ends: nobody else changes it meanwhile.
///
/// # Errors
/// `Statement`.
pub fn hold(tx: &mut Connection, push_id: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(pushes::table.filter(pushes::push_id.eq(push_id)))
        .set(pushes::attempts.eq(pushes::attempts))
        .execute(c))?;
    Ok(())
}

/// Takes a push out of the line.
///
/// # Errors
/// `Statement`.
pub fn remove(tx: &mut Connection, push_id: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::delete(pushes::table.filter(pushes::push_id.eq(push_id))).execute(c))?;
    Ok(())
}

/// Takes everything out of the line that waits for an endpoint.
///
/// # Errors
/// `Statement`.
pub fn remove_of(tx: &mut Connection, endpoint_id: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::delete(pushes::table.filter(pushes::endpoint_id.eq(endpoint_id))).execute(c))?;
    Ok(())
}

/// What an endpoint may be brought.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The endpoint.
    pub endpoint_id: String,
    /// The lanes that are looked at, in their order.
    pub lanes: Vec<Lane>,
    /// At most so many.
    pub places: usize,
}

/// Due pushes to endpoints: by lane, then by due time; of a series only the first, and only when
/// none of it is on its way. With `oldest_first`, the first place goes to the one that was accepted first, whatever its lane.
///
/// # Errors
/// `Statement`.
pub fn due(
    tx: &mut Connection,
    wanted: &[Wanted],
    now: DateTime<Utc>,
    oldest_first: bool,
) -> Result<Vec<PushRow>, StoreError> {
    let lanes = wanted.iter().flat_map(|one| {
        let most = i64::try_from(one.places.max(1)).unwrap_or(1);
        one.lanes.iter().map(move |lane| (one.endpoint_id.as_str(), lane.number(), most))
    });
    let lanes: Vec<(&str, i32, i64)> = lanes.collect();
    let others = diesel::alias!(pushes as others);
    let found: Vec<Vec<PushRow>> = on_each!(tx, load, lanes, &(endpoint_id, lane, most) => pushes::table
        .filter(pushes::endpoint_id.eq(endpoint_id))
        .filter(pushes::lane.eq(lane))
        .filter(pushes::due_at.le(now.naive_utc()))
        .filter(pushes::series.is_null().or(not(exists(others
            .filter(others.field(pushes::series).eq(pushes::series))
            .filter(others.field(pushes::endpoint_id).eq(endpoint_id))
            .filter(others.field(pushes::lease_owner).is_not_null())
            .filter(others.field(pushes::due_at).gt(now.naive_utc()))))))
        .order((pushes::due_at.asc(), pushes::push_id.asc()))
        .limit(most)
        .select(PushRow::as_select()))?;
    let mut found = found.into_iter();
    let chosen = wanted.iter().flat_map(|one| {
        let lanes: Vec<Vec<PushRow>> = found.by_ref().take(one.lanes.len()).collect();
        chosen(lanes, one.places, oldest_first)
    });
    Ok(chosen.collect())
}

/// Of what is due to an endpoint, lane by lane.
fn chosen(lanes: Vec<Vec<PushRow>>, places: usize, oldest_first: bool) -> Vec<PushRow> {
    let mut chosen: Vec<PushRow> = Vec::new();
    let mut heads: Vec<PushRow> = Vec::new();
    for rows in lanes {
        let mut series: HashSet<String> = HashSet::new();
        let is_first = |row: &PushRow| row.series.as_ref().is_none_or(|one| series.insert(one.clone()));
        let rows: Vec<PushRow> = rows.into_iter().filter(is_first).collect();
        heads.extend(rows.first().cloned());
        let left = places.saturating_sub(chosen.len());
        chosen.extend(rows.into_iter().take(left));
    }
    let oldest = heads.into_iter().min_by(|a, b| a.push_id.cmp(&b.push_id));
    if let Some(oldest) = oldest.filter(|_| oldest_first)
        && chosen.iter().all(|row| row.push_id != oldest.push_id)
    {
        chosen.pop();
        chosen.insert(0, oldest);
    }
    chosen
}

/// Leases pushes to `owner` until `until`. Answers which of them it got: another node may have been quicker.
///
/// # Errors
/// `Statement`.
pub fn lease(
    tx: &mut Connection,
    rows: Vec<PushRow>,
    owner: &str,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<PushRow>, StoreError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.push_id.as_str()).collect();
    let leased = on_packets!(tx, c => diesel::update(pushes::table)
        .filter(pushes::push_id.eq_any(&ids))
        .filter(pushes::due_at.le(now.naive_utc()))
        .set((pushes::due_at.eq(until.naive_utc()), pushes::lease_owner.eq(Some(owner))))
        .execute(c))?;
    if leased == rows.len() {
        return Ok(rows);
    }
    let mine: Vec<String> = on_packets!(tx, c => pushes::table
        .filter(pushes::push_id.eq_any(&ids))
        .filter(pushes::lease_owner.eq(owner))
        .select(pushes::push_id)
        .load(c))?;
    Ok(rows.into_iter().filter(|row| mine.contains(&row.push_id)).collect())
}

/// What leased pushes bring.
///
/// # Errors
/// `Statement`.
pub fn parcels(tx: &mut Connection, rows: Vec<PushRow>) -> Result<Vec<Parcel>, StoreError> {
    let ids = |announced: bool| -> Vec<&str> {
        rows.iter().filter(|row| row.is_announcement() == announced).map(|row| row.push_id.as_str()).collect()
    };
    let (of_events, of_deliveries) = (ids(true), ids(false));
    let mut contents: HashMap<String, Content> = HashMap::new();
    if !of_deliveries.is_empty() {
        let packets = packets(tx, &of_deliveries)?.into_iter();
        contents.extend(packets.map(|packet| (packet.delivery.delivery_id.clone(), Content::Packet(Box::new(packet)))));
    }
    if !of_events.is_empty() {
        let rows = announcements::of_ids(tx, &of_events)?.into_iter();
        contents.extend(rows.map(|row| (row.announcement_id.clone(), Content::Announcement(row))));
    }
    let parcel = |push: PushRow| contents.remove(&push.push_id).map(|content| Parcel { push, content });
    Ok(rows.into_iter().filter_map(parcel).collect())
}

fn packets(tx: &mut Connection, ids: &[&str]) -> Result<Vec<Packet>, StoreError> {
    type Columns = (DeliveryRow, Vec<u8>, i64, Option<Vec<u8>>);
    let found: Vec<Columns> = on_packets!(tx, c => deliveries::table
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(deliveries::envelope_id)))
        .inner_join(payloads::table.on(payloads::envelope_id.eq(deliveries::envelope_id)))
        .filter(deliveries::delivery_id.eq_any(ids))
        .select((DeliveryRow::as_select(), envelopes::payload_sha256, envelopes::bytes, payloads::content))
        .load(c))?;
    let packet = |(delivery, sha256, bytes, content): Columns| Packet { delivery, sha256, bytes, content };
    Ok(found.into_iter().map(packet).collect())
}

/// Makes a push due at `due_at`, or with `None` never, which is to hold it. Says whether it waits: what is on its way
/// stays so.
///
/// # Errors
/// `Statement`.
pub fn set_due(
    tx: &mut Connection,
    push_id: &str,
    (due_at, now): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let when = due_at.map_or_else(never, |at| at.naive_utc());
    let changed = on_packets!(tx, c => diesel::update(pushes::table)
        .filter(pushes::push_id.eq(push_id))
        .filter(pushes::lease_owner.is_null().or(pushes::due_at.le(now.naive_utc())).or(pushes::held.eq(true)))
        .set((pushes::due_at.eq(when), pushes::held.eq(due_at.is_none())))
        .execute(c))?;
    Ok(changed == 1)
}

/// Makes everything that waits for an endpoint due at `now`; what is on its way or held stays so. Answers how much.
///
/// # Errors
/// `Statement`.
pub fn hurry(tx: &mut Connection, endpoint_id: &str, now: DateTime<Utc>) -> Result<usize, StoreError> {
    Ok(on_packets!(tx, c => diesel::update(pushes::table)
        .filter(pushes::endpoint_id.eq(endpoint_id))
        .filter(pushes::lease_owner.is_null())
        .filter(pushes::held.eq(false))
        .filter(pushes::due_at.gt(now.naive_utc()))
        .set(pushes::due_at.eq(now.naive_utc()))
        .execute(c))?)
}

/// Pushes whose term is over and that are not on their way, at most `limit`.
///
/// # Errors
/// `Statement`.
pub fn expired(tx: &mut Connection, now: DateTime<Utc>, limit: i64) -> Result<Vec<PushRow>, StoreError> {
    Ok(on_packets!(tx, c => pushes::table
        .filter(pushes::expires_at.le(now.naive_utc()))
        .filter(pushes::lease_owner.is_null().or(pushes::due_at.le(now.naive_utc())))
        .order(pushes::expires_at.asc())
        .limit(limit)
        .select(PushRow::as_select())
        .load(c))?)
}

/// What waits for an endpoint or is on its way to it, by lane, then by due time.
///
/// # Errors
/// `Statement`.
pub fn of_endpoint(tx: &mut Connection, endpoint_id: &str, limit: i64) -> Result<Vec<PushRow>, StoreError> {
    Ok(on_packets!(tx, c => pushes::table
        .filter(pushes::endpoint_id.eq(endpoint_id))
        .filter(OfAnyLane)
        .order((pushes::lane.asc(), pushes::due_at.asc()))
        .limit(limit)
        .select(PushRow::as_select())
        .load(c))?)
}

/// How much waits for each endpoint.
///
/// # Errors
/// `Statement`.
pub fn depth(tx: &mut Connection) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(on_packets!(tx, c => pushes::table
        .inner_join(endpoints::table.on(endpoints::endpoint_id.eq(pushes::endpoint_id)))
        .group_by(pushes::endpoint_id)
        .select((pushes::endpoint_id, diesel::dsl::count_star()))
        .load(c))?)
}

/// How much waits for one endpoint or is on its way to it.
///
/// # Errors
/// `Statement`.
pub fn number_for(tx: &mut Connection, endpoint_id: &str) -> Result<i64, StoreError> {
    Ok(on_packets!(tx, c => pushes::table.filter(pushes::endpoint_id.eq(endpoint_id)).count().get_result(c))?)
}
