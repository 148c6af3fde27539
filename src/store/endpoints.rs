//! Endpoints: where agencies take pushed packets and systems events, and how their circuit breakers stand.

use super::connection::{on, on_each, on_packets};
use super::literal::OfAnyLane;
use super::schema::{agencies, endpoints, pushes, systems};
use super::{Connection, StoreError};
use crate::domain::breaker::Breaker;
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::lane::Lane;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;

/// An endpoint as it is kept.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = endpoints)]
pub struct EndpointRow {
    /// What `EndpointId` writes of kind and holder.
    pub endpoint_id: String,
    kind: String,
    /// Whose it is.
    pub holder: String,
    /// Where to post.
    pub url: String,
    secret_sealed: Vec<u8>,
    /// Whether the agency's software says by itself when it holds a packet (two-step confirmation).
    pub confirms_itself: bool,
    /// `open`, `paused` (by an operator) or `gone` (the endpoint answered 410).
    pub state: String,
    /// Why it is paused or gone; empty when open.
    pub reason: String,
    /// Most packets on their way to it at once.
    pub in_flight_max: i32,
    failures: i32,
    openings: i32,
    rests_until: Option<NaiveDateTime>,
    succeeded_at: Option<NaiveDateTime>,
    failed_at: Option<NaiveDateTime>,
    created_at: NaiveDateTime,
    changed_at: NaiveDateTime,
    /// Of which events it is told (`announcement::chosen`).
    pub wants: String,
    former_sealed: Option<Vec<u8>>,
    former_until: Option<NaiveDateTime>,
    replayed_at: Option<NaiveDateTime>,
}

/// The secrets of an endpoint's signatures, each under the hub's key file.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The one in force.
    pub sealed: Vec<u8>,
    /// The one before, and until when it signs too.
    pub former: Option<(Vec<u8>, DateTime<Utc>)>,
}

impl Secrets {
    /// A secret that none was before.
    pub fn only(sealed: Vec<u8>) -> Self {
        Self { sealed, former: None }
    }
}

/// What an operator says about an endpoint.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Whose it is.
    pub id: EndpointId,
    /// Where to post.
    pub url: String,
    /// By what its signatures are made.
    pub secrets: Secrets,
    /// See `EndpointRow::confirms_itself`.
    pub confirms_itself: bool,
    /// See `EndpointRow::wants`.
    pub wants: String,
    /// Most packets on their way to it at once.
    pub in_flight_max: i32,
}

impl EndpointRow {
    /// Whose it is.
    ///
    /// # Errors
    /// `UnknownWord`.
    pub fn id(&self) -> Result<EndpointId, StoreError> {
        let unknown = || StoreError::UnknownWord { column: "endpoints.kind", value: self.kind.clone() };
        EndpointId::parse(&self.endpoint_id).ok_or_else(unknown)
    }

    /// By what its signatures are made.
    pub fn secrets(&self) -> Secrets {
        let former = self.former_sealed.clone().zip(self.former_until.map(|t| t.and_utc()));
        Secrets { sealed: self.secret_sealed.clone(), former }
    }

    /// When its holder last asked for events anew.
    pub fn replayed_at(&self) -> Option<DateTime<Utc>> {
        self.replayed_at.map(|t| t.and_utc())
    }

    /// How its circuit breaker stands.
    pub fn breaker(&self) -> Breaker {
        let rests_until = self.rests_until.map(|t| t.and_utc());
        Breaker { failures: self.failures, openings: self.openings, rests_until }
    }

    /// When a push last succeeded, to the minute.
    pub fn succeeded_at(&self) -> Option<DateTime<Utc>> {
        self.succeeded_at.map(|t| t.and_utc())
    }

    /// When a push last failed.
    pub fn failed_at(&self) -> Option<DateTime<Utc>> {
        self.failed_at.map(|t| t.and_utc())
    }

    /// When it last was set, paused or resumed.
    pub fn changed_at(&self) -> DateTime<Utc> {
        self.changed_at.and_utc()
    }
}

/// Sets where somebody is pushed to, with a fresh breaker; an agency's packets are pushed from now on.
///
/// # Errors
/// `Statement`.
pub fn set(tx: &mut Connection, new: NewEndpoint, at: DateTime<Utc>) -> Result<(), StoreError> {
    let endpoint_id = new.id.to_string();
    let before = find(tx, &endpoint_id)?;
    remove_row(tx, &endpoint_id)?;
    let (former_sealed, former_until) = new.secrets.former.unzip();
    let row = EndpointRow {
        endpoint_id,
        kind: new.id.kind.word().to_owned(),
        holder: new.id.holder.clone(),
        url: new.url,
        secret_sealed: new.secrets.sealed,
        confirms_itself: new.confirms_itself,
        state: "open".to_owned(),
        reason: String::new(),
        in_flight_max: new.in_flight_max,
        failures: 0,
        openings: 0,
        rests_until: None,
        succeeded_at: None,
        failed_at: None,
        created_at: before.as_ref().map_or(at.naive_utc(), |row| row.created_at),
        changed_at: at.naive_utc(),
        wants: new.wants,
        former_sealed,
        former_until: former_until.map(|t| t.naive_utc()),
        replayed_at: before.and_then(|row| row.replayed_at),
    };
    on!(tx, c => diesel::insert_into(endpoints::table).values(&row).execute(c))?;
    set_channel(tx, &new.id, "push")
}

/// Removes an endpoint; an agency picks its packets up from now on. Says whether there was one.
///
/// # Errors
/// `Statement`.
pub fn remove(tx: &mut Connection, id: &EndpointId) -> Result<bool, StoreError> {
    let gone = remove_row(tx, &id.to_string())?;
    set_channel(tx, id, "pickup")?;
    Ok(gone == 1)
}

fn remove_row(tx: &mut Connection, endpoint_id: &str) -> Result<usize, StoreError> {
    Ok(on!(tx, c => diesel::delete(endpoints::table.filter(endpoints::endpoint_id.eq(endpoint_id))).execute(c))?)
}

fn set_channel(tx: &mut Connection, id: &EndpointId, channel: &str) -> Result<(), StoreError> {
    match id.kind {
        EndpointKind::Agency => {
            on!(tx, c => diesel::update(agencies::table.filter(agencies::agency_code.eq(&id.holder)))
                .set(agencies::channel.eq(channel))
                .execute(c))?;
        }
        EndpointKind::Events | EndpointKind::Relay => {}
    }
    Ok(())
}

/// Gives an endpoint other secrets.
///
/// # Errors
/// `Statement`.
pub fn set_secrets(tx: &mut Connection, row: &EndpointRow, secrets: Secrets) -> Result<(), StoreError> {
    let (former_sealed, former_until) = secrets.former.unzip();
    on_packets!(tx, c => diesel::update(endpoints::table)
        .filter(endpoints::endpoint_id.eq(&row.endpoint_id))
        .set((
            endpoints::secret_sealed.eq(&secrets.sealed),
            endpoints::former_sealed.eq(&former_sealed),
            endpoints::former_until.eq(former_until.map(|t| t.naive_utc())),
        ))
        .execute(c))?;
    Ok(())
}

/// Notes that the holder asked for events anew.
///
/// # Errors
/// `Statement`.
pub fn note_replay(tx: &mut Connection, row: &EndpointRow, at: DateTime<Utc>) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(endpoints::table)
        .filter(endpoints::endpoint_id.eq(&row.endpoint_id))
        .set(endpoints::replayed_at.eq(Some(at.naive_utc())))
        .execute(c))?;
    Ok(())
}

/// The endpoint of that id.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, endpoint_id: &str) -> Result<Option<EndpointRow>, StoreError> {
    Ok(on_packets!(tx, c => endpoints::table
        .filter(endpoints::endpoint_id.eq(endpoint_id))
        .select(EndpointRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Each of these endpoints, where there is one.
///
/// # Errors
/// `Statement`.
pub fn of_ids(tx: &mut Connection, endpoint_ids: &[&str]) -> Result<Vec<EndpointRow>, StoreError> {
    let found: Vec<Vec<EndpointRow>> = on_each!(tx, load, endpoint_ids, id => endpoints::table
        .filter(endpoints::endpoint_id.eq(*id))
        .select(EndpointRow::as_select()))?;
    Ok(found.into_iter().flatten().collect())
}

/// Every endpoint in the order of kinds and holders.
///
/// # Errors
/// `Statement`.
pub fn list(tx: &mut Connection) -> Result<Vec<EndpointRow>, StoreError> {
    Ok(
        on_packets!(tx, c => endpoints::table.order(endpoints::endpoint_id.asc()).select(EndpointRow::as_select()).load(c))?,
    )
}

/// One word for each lane.
type ByLane = (bool, bool, bool, bool, bool);

/// Open endpoints for which something is due at `now`, with the lanes where it is, and whose breaker does not rest; a
/// suspended system, or neighbouring hub, is sent nothing.
///
/// # Errors
/// `Statement`.
pub fn with_something_due(
    tx: &mut Connection,
    now: DateTime<Utc>,
) -> Result<Vec<(EndpointRow, Vec<Lane>)>, StoreError> {
    let is_due = || {
        pushes::table.filter(pushes::endpoint_id.eq(endpoints::endpoint_id)).filter(pushes::due_at.le(now.naive_utc()))
    };
    let [express, very_urgent, urgent, status, normal] =
        Lane::ALL.map(|lane| exists(is_due().filter(pushes::lane.eq(lane.number()))));
    let found: Vec<(EndpointRow, ByLane)> = on_packets!(tx, c => endpoints::table
        .filter(endpoints::state.eq("open"))
        .filter(not(endpoints::kind.ne(EndpointKind::Agency.word()).and(exists(systems::table
            .filter(systems::system_id.eq(endpoints::holder))
            .filter(systems::suspended_at.is_not_null())))))
        .filter(endpoints::rests_until.is_null().or(endpoints::rests_until.le(now.naive_utc())))
        .filter(exists(is_due().filter(OfAnyLane)))
        .order(endpoints::endpoint_id.asc())
        .select((EndpointRow::as_select(), (&express, &very_urgent, &urgent, &status, &normal)))
        .load(c))?;
    let lanes = |(express, very_urgent, urgent, status, normal): ByLane| {
        let all = Lane::ALL.into_iter().zip([express, very_urgent, urgent, status, normal]);
        all.filter(|(_, is_due)| *is_due).map(|(lane, _)| lane).collect()
    };
    Ok(found.into_iter().map(|(row, due)| (row, lanes(due))).collect())
}

/// Opens, pauses or marks an endpoint as gone. Says whether that changed anything. Resuming forgets failures.
///
/// # Errors
/// `Statement`.
pub fn set_state(
    tx: &mut Connection,
    endpoint_id: &str,
    (state, reason): (&str, &str),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    // One that is open may have failures to be forgotten.
    let forgives = if state == "open" { 0 } else { i32::MAX };
    let changed = on_packets!(tx, c => diesel::update(endpoints::table)
        .filter(endpoints::endpoint_id.eq(endpoint_id))
        .filter(endpoints::state.ne(state).or(endpoints::failures.gt(forgives)))
        .set((
            endpoints::state.eq(state),
            endpoints::reason.eq(reason),
            endpoints::failures.eq(0),
            endpoints::openings.eq(0),
            endpoints::rests_until.eq(None::<NaiveDateTime>),
            endpoints::changed_at.eq(at.naive_utc()),
        ))
        .execute(c))?;
    Ok(changed == 1)
}

/// Notes how the breaker stands after attempts of which one `succeeded` or `failed` at `at`. It must still stand as in
/// `row`: of two nodes that count at once, one counts again.
///
/// # Errors
/// `Statement`, `Raced`.
pub fn note(
    tx: &mut Connection,
    row: &EndpointRow,
    breaker: Breaker,
    (succeeded, failed, at): (bool, bool, DateTime<Utc>),
) -> Result<(), StoreError> {
    let at = Some(at.naive_utc());
    let noted = on_packets!(tx, c => diesel::update(endpoints::table)
        .filter(endpoints::endpoint_id.eq(&row.endpoint_id))
        .filter(endpoints::failures.eq(row.failures))
        .filter(endpoints::openings.eq(row.openings))
        .set((
            endpoints::failures.eq(breaker.failures),
            endpoints::openings.eq(breaker.openings),
            endpoints::rests_until.eq(breaker.rests_until.map(|t| t.naive_utc())),
            succeeded.then_some(endpoints::succeeded_at.eq(at)),
            failed.then_some(endpoints::failed_at.eq(at)),
        ))
        .execute(c))?;
    if noted == 1 { Ok(()) } else { Err(StoreError::Raced) }
}
