//! Incidents (sự cố): what went wrong with the hub, since when and until when. One row from its beginning to its end.

use super::connection::on_packets;
use super::schema::incidents;
use super::{Connection, StoreError};
use crate::domain::incident::{IncidentKind, Ongoing, Trouble};
use crate::domain::rules::Wording;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// An incident as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = incidents)]
pub struct IncidentRow {
    /// Its id.
    pub incident_id: String,
    kind: String,
    /// What it concerns: a machine, an endpoint, a job, a node; empty: the hub.
    pub place: String,
    /// Whether what it concerns did not work.
    pub grave: bool,
    vi: String,
    en: String,
    began_at: NaiveDateTime,
    ended_at: Option<NaiveDateTime>,
}

impl IncidentRow {
    /// One that goes on, or ended already.
    pub fn new(incident_id: String, trouble: Trouble, ended_at: Option<DateTime<Utc>>) -> Self {
        Self {
            incident_id,
            kind: trouble.kind.word().to_owned(),
            place: trouble.place,
            grave: trouble.is_grave,
            vi: trouble.words.vi,
            en: trouble.words.en,
            began_at: trouble.since.naive_utc(),
            ended_at: ended_at.map(|at| at.naive_utc()),
        }
    }

    /// Of what kind it is.
    ///
    /// # Errors
    /// `UnknownWord`.
    pub fn kind(&self) -> Result<IncidentKind, StoreError> {
        let unknown = || StoreError::UnknownWord { column: "incidents.kind", value: self.kind.clone() };
        IncidentKind::of_word(&self.kind).ok_or_else(unknown)
    }

    /// What was wrong, as it was last seen.
    pub fn words(&self) -> Wording {
        Wording::new(self.vi.as_str(), self.en.as_str())
    }

    /// Since when.
    pub fn began_at(&self) -> DateTime<Utc> {
        self.began_at.and_utc()
    }

    /// Until when; nothing while it goes on.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.ended_at.map(|at| at.and_utc())
    }

    /// As the rules look at one that goes on.
    ///
    /// # Errors
    /// `UnknownWord`.
    pub fn ongoing(&self) -> Result<Ongoing, StoreError> {
        let (incident_id, place) = (self.incident_id.clone(), self.place.clone());
        Ok(Ongoing { incident_id, kind: self.kind()?, place, is_grave: self.grave, words: self.words() })
    }
}

/// Notes an incident, unless one of the same kind goes on in the same place.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &IncidentRow) -> Result<bool, StoreError> {
    let inserted =
        on_packets!(tx, c => diesel::insert_into(incidents::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(inserted > 0)
}

/// Notes how an incident is that goes on.
///
/// # Errors
/// `Statement`.
pub fn change(tx: &mut Connection, incident_id: &str, trouble: &Trouble) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(incidents::table)
        .filter(incidents::incident_id.eq(incident_id))
        .filter(incidents::ended_at.is_null())
        .set((
            incidents::grave.eq(trouble.is_grave),
            incidents::vi.eq(trouble.words.vi.as_str()),
            incidents::en.eq(trouble.words.en.as_str()),
        ))
        .execute(c))?;
    Ok(())
}

/// Notes that an incident is over. Says whether it went on until now.
///
/// # Errors
/// `Statement`.
pub fn end(tx: &mut Connection, incident_id: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
    let ended = on_packets!(tx, c => diesel::update(incidents::table)
        .filter(incidents::incident_id.eq(incident_id))
        .filter(incidents::ended_at.is_null())
        .set(incidents::ended_at.eq(Some(at.naive_utc())))
        .execute(c))?;
    Ok(ended > 0)
}

/// The incident of a kind that goes on in a place.
///
/// # Errors
/// `Statement`.
pub fn ongoing_of(tx: &mut Connection, kind: IncidentKind, place: &str) -> Result<Option<IncidentRow>, StoreError> {
    Ok(on_packets!(tx, c => incidents::table
        .filter(incidents::kind.eq(kind.word()))
        .filter(incidents::place.eq(place))
        .filter(incidents::ended_at.is_null())
        .select(IncidentRow::as_select())
        .first(c)
        .optional())?)
}

/// What goes on, the newest first, up to a number.
///
/// # Errors
/// `Statement`.
pub fn ongoing(tx: &mut Connection, most: i64) -> Result<Vec<IncidentRow>, StoreError> {
    Ok(on_packets!(tx, c => incidents::table
        .filter(incidents::ended_at.is_null())
        .order((incidents::began_at.desc(), incidents::incident_id.desc()))
        .limit(most)
        .select(IncidentRow::as_select())
        .load(c))?)
}

/// How many go on.
///
/// # Errors
/// `Statement`.
pub fn number_ongoing(tx: &mut Connection) -> Result<i64, StoreError> {
    Ok(on_packets!(tx, c => incidents::table.filter(incidents::ended_at.is_null()).count().get_result(c))?)
}

/// What is over, the newest beginning first: of a kind or of all, after a place in the list, up to a number.
///
/// # Errors
/// `Statement`.
pub fn ended(
    tx: &mut Connection,
    kind: Option<IncidentKind>,
    (at, id): (DateTime<Utc>, &str),
    most: i64,
) -> Result<Vec<IncidentRow>, StoreError> {
    Ok(on_packets!(tx, c => {
        let mut query = incidents::table
            .filter(incidents::ended_at.is_not_null())
            .select(IncidentRow::as_select())
            .into_boxed();
        if let Some(kind) = kind {
            query = query.filter(incidents::kind.eq(kind.word()));
        }
        let at = at.naive_utc();
        // The first condition bounds the index, the second goes on within one moment.
        query = query
            .filter(incidents::began_at.le(at))
            .filter(incidents::began_at.lt(at).or(incidents::incident_id.lt(id)));
        query.order((incidents::began_at.desc(), incidents::incident_id.desc())).limit(most).load(c)
    })?)
}

/// Forgets what was over before a time. Answers how many went.
///
/// # Errors
/// `Statement`.
pub fn remove_ended(tx: &mut Connection, before: DateTime<Utc>) -> Result<usize, StoreError> {
    Ok(on_packets!(tx, c => diesel::delete(incidents::table.filter(incidents::ended_at.lt(before.naive_utc())))
        .execute(c))?)
}
