//! Purges: what people proposed to destroy, packet by packet, what they decided and how far each is. Every change is a guarded
//! update: its `WHERE` repeats what it was computed from. Not here: what may go (`purgeable`).

use super::connection::on_packets;
use super::holds::{scope_of, scope_text};
use super::schema::{destroyed_packets, payloads, purge_packets, purges};
use super::undertakings::undertaking;
use super::{Connection, IDS_MAX, StoreError};
use crate::domain::retention::Scope;
use crate::domain::undertaking::UndertakingState;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::collections::HashMap;

/// The outcome of a packet whose content was destroyed.
pub const DESTROYED: &str = "destroyed";
/// Packets of a proposal that are written with one statement.
const ROWS_AT_ONCE: usize = 1_000;

/// A purge as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = purges)]
pub struct PurgeRow {
    /// Its id.
    pub purge_id: String,
    scope: String,
    /// Why, as who proposed it wrote.
    pub reason: String,
    /// How many packets were proposed.
    pub found: i64,
    /// Bytes of them.
    pub found_bytes: i64,
    state: String,
    /// The person who proposed it.
    pub proposed_by: String,
    proposed_at: NaiveDateTime,
    /// The person who decided.
    pub decided_by: Option<String>,
    decided_at: Option<NaiveDateTime>,
    expires_at: NaiveDateTime,
    /// The last packet that was gone through; empty at the beginning.
    pub after_envelope: String,
    /// Contents that were destroyed.
    pub destroyed: i64,
    /// Bytes of them.
    pub destroyed_bytes: i64,
    /// Packets that were kept after all.
    pub kept: i64,
    ended_at: Option<NaiveDateTime>,
    /// The evidence that is the certificate.
    pub evidence_id: Option<String>,
}

/// A packet of a purge.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = purge_packets)]
pub struct PacketRow {
    /// The purge.
    pub purge_id: String,
    /// The packet.
    pub envelope_id: String,
    /// Its class when it was proposed.
    pub class: String,
    /// Empty, `destroyed`, or why it was kept.
    pub outcome: String,
}

/// A packet that lost its content.
#[derive(Debug, Clone, PartialEq, Eq, Insertable)]
#[diesel(table_name = destroyed_packets)]
pub struct DestroyedRow {
    /// The packet.
    pub envelope_id: String,
    /// By which purge.
    pub purge_id: String,
    /// Its line in the certificate.
    pub line: String,
}

undertaking!(PurgeRow, "purges.state");

impl PurgeRow {
    /// One that is proposed now.
    pub fn new(
        purge_id: String,
        (scope, reason): (&Scope, String),
        (found, found_bytes): (i64, i64),
        proposed_by: String,
        (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Self {
        Self {
            purge_id,
            scope: scope_text(scope),
            reason,
            found,
            found_bytes,
            state: UndertakingState::Proposed.word().to_owned(),
            proposed_by,
            proposed_at: now.naive_utc(),
            decided_by: None,
            decided_at: None,
            expires_at: expires_at.naive_utc(),
            after_envelope: String::new(),
            destroyed: 0,
            destroyed_bytes: 0,
            kept: 0,
            ended_at: None,
            evidence_id: None,
        }
    }

    /// Which packets were meant.
    ///
    /// # Errors
    /// `UnknownWord`.
    pub fn scope(&self) -> Result<Scope, StoreError> {
        scope_of("purges.scope", &self.scope)
    }

    /// Packets that were gone through.
    pub fn gone_through(&self) -> i64 {
        self.destroyed.saturating_add(self.kept)
    }
}

/// Adds a purge with its packets.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &PurgeRow, packets: &[PacketRow]) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(purges::table).values(row).execute(c))?;
    for some in packets.chunks(ROWS_AT_ONCE) {
        on_packets!(tx, c => diesel::insert_into(purge_packets::table).values(some).execute(c))?;
    }
    Ok(())
}

/// The purge of an id.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, purge_id: &str) -> Result<Option<PurgeRow>, StoreError> {
    Ok(on_packets!(tx, c => purges::table
        .filter(purges::purge_id.eq(purge_id))
        .select(PurgeRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Those that have not ended, oldest first.
///
/// # Errors
/// `Statement`.
pub fn open(tx: &mut Connection) -> Result<Vec<PurgeRow>, StoreError> {
    Ok(on_packets!(tx, c => purges::table
        .filter(purges::ended_at.is_null())
        .order(purges::purge_id.asc())
        .select(PurgeRow::as_select())
        .load(c))?)
}

/// The newest ones, ended or not.
///
/// # Errors
/// `Statement`.
pub fn newest(tx: &mut Connection, limit: i64) -> Result<Vec<PurgeRow>, StoreError> {
    Ok(on_packets!(tx, c => purges::table
        .order(purges::purge_id.desc())
        .limit(limit)
        .select(PurgeRow::as_select())
        .load(c))?)
}

/// Lets nobody else go on with a purge, or place a hold, until this transaction ends: whoever destroys sees every hold that
/// was placed before, and whoever places one waits for what is being destroyed.
///
/// # Errors
/// `Statement`.
pub fn stand_still(tx: &mut Connection) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(purges::table)
        .filter(purges::ended_at.is_null())
        .set(purges::state.eq(purges::state))
        .execute(c))?;
    Ok(())
}

/// Moves a purge to another state; `decided_by` is who decided, where somebody did. Says whether it still stood as in `row`.
///
/// # Errors
/// `Statement`; a constraint, when who decides is who proposed.
pub fn set_state(
    tx: &mut Connection,
    row: &PurgeRow,
    (to, decided_by): (UndertakingState, Option<&str>),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let at = at.naive_utc();
    let decided = decided_by.map_or((row.decided_by.as_deref(), row.decided_at), |by| (Some(by), Some(at)));
    let changed = on_packets!(tx, c => diesel::update(purges::table)
        .filter(purges::purge_id.eq(&row.purge_id))
        .filter(purges::state.eq(&row.state))
        .set((
            purges::state.eq(to.word()),
            purges::decided_by.eq(decided.0),
            purges::decided_at.eq(decided.1),
            purges::ended_at.eq(to.is_final().then_some(at)),
        ))
        .execute(c))?;
    Ok(changed == 1)
}

/// Notes the evidence that certifies a purge.
///
/// # Errors
/// `Statement`.
pub fn certify(tx: &mut Connection, purge_id: &str, evidence_id: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(purges::table)
        .filter(purges::purge_id.eq(purge_id))
        .set(purges::evidence_id.eq(Some(evidence_id)))
        .execute(c))?;
    Ok(())
}

/// Notes how far a purge got: the last packet, how many contents were destroyed, their bytes, and how many were kept. Says
/// whether it still stood as in `row`.
///
/// # Errors
/// `Statement`.
pub fn advance(
    tx: &mut Connection,
    row: &PurgeRow,
    after_envelope: &str,
    [destroyed, bytes, kept]: [i64; 3],
) -> Result<bool, StoreError> {
    let advanced = on_packets!(tx, c => diesel::update(purges::table)
        .filter(purges::purge_id.eq(&row.purge_id))
        .filter(purges::state.eq(&row.state))
        .filter(purges::after_envelope.eq(&row.after_envelope))
        .set((
            purges::after_envelope.eq(after_envelope),
            purges::destroyed.eq(row.destroyed.saturating_add(destroyed)),
            purges::destroyed_bytes.eq(row.destroyed_bytes.saturating_add(bytes)),
            purges::kept.eq(row.kept.saturating_add(kept)),
        ))
        .execute(c))?;
    Ok(advanced == 1)
}

/// Packets of a purge after one of them, in the order of ids.
///
/// # Errors
/// `Statement`.
pub fn packets(tx: &mut Connection, purge_id: &str, (after, limit): (&str, i64)) -> Result<Vec<PacketRow>, StoreError> {
    Ok(on_packets!(tx, c => purge_packets::table
        .filter(purge_packets::purge_id.eq(purge_id))
        .filter(purge_packets::envelope_id.gt(after))
        .order(purge_packets::envelope_id.asc())
        .limit(limit)
        .select(PacketRow::as_select())
        .load(c))?)
}

/// How many packets of a purge came to what: outcome, class, number.
///
/// # Errors
/// `Statement`.
pub fn outcomes(tx: &mut Connection, purge_id: &str) -> Result<Vec<(String, String, i64)>, StoreError> {
    Ok(on_packets!(tx, c => purge_packets::table
        .filter(purge_packets::purge_id.eq(purge_id))
        .group_by((purge_packets::outcome, purge_packets::class))
        .order((purge_packets::class.asc(), purge_packets::outcome.asc()))
        .select((purge_packets::outcome, purge_packets::class, diesel::dsl::count_star()))
        .load(c))?)
}

/// The lines of a certificate, in the order of packets.
///
/// # Errors
/// `Statement`.
pub fn lines(tx: &mut Connection, purge_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on_packets!(tx, c => destroyed_packets::table
        .filter(destroyed_packets::purge_id.eq(purge_id))
        .order(destroyed_packets::envelope_id.asc())
        .select(destroyed_packets::line)
        .load(c))?)
}

/// Notes what became of packets of a purge: `destroyed`, or why they are kept.
///
/// # Errors
/// `Statement`.
pub fn note(tx: &mut Connection, purge_id: &str, envelope_ids: &[&str], outcome: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(purge_packets::table)
        .filter(purge_packets::purge_id.eq(purge_id))
        .filter(purge_packets::envelope_id.eq_any(envelope_ids))
        .set(purge_packets::outcome.eq(outcome))
        .execute(c))?;
    Ok(())
}

/// Destroys the contents of packets: the rows that hold them, or that name their files, go. Says whether all were there.
///
/// # Errors
/// `Statement`; a unique violation when one was destroyed before.
pub fn destroy(tx: &mut Connection, rows: &[DestroyedRow]) -> Result<bool, StoreError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.envelope_id.as_str()).collect();
    let gone =
        on_packets!(tx, c => diesel::delete(payloads::table.filter(payloads::envelope_id.eq_any(&ids))).execute(c))?;
    on_packets!(tx, c => diesel::insert_into(destroyed_packets::table).values(rows).execute(c))?;
    Ok(gone == rows.len())
}

/// Which of these packets lost their contents: their lines in certificates.
///
/// # Errors
/// `Statement`.
pub fn destroyed(tx: &mut Connection, envelope_ids: &[&str]) -> Result<HashMap<String, String>, StoreError> {
    let mut found: HashMap<String, String> = HashMap::new();
    for some in envelope_ids.chunks(IDS_MAX) {
        found.extend(on_packets!(tx, c => destroyed_packets::table
            .filter(destroyed_packets::envelope_id.eq_any(some))
            .select((destroyed_packets::envelope_id, destroyed_packets::line))
            .load::<(String, String)>(c))?);
    }
    Ok(found)
}
