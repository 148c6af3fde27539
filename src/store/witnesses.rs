//! Witnesses: what they put under heads of this ledger and how each is doing (so is whoever stamps them, see `timestamps`), and the last head of each ledger that this hub
//! cosigned as a witness. What a head is worth is decided in `exchange::cosign` and `exchange::witness`.

use super::connection::on_packets;
use super::ledger::{self, CheckpointRow};
use super::schema::{checkpoints, cosignatures, watched_ledgers, witnesses};
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

/// What a witness put under a head.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = cosignatures)]
pub struct CosignatureRow {
    /// Entries of the tree.
    pub tree_size: i64,
    /// The name of the witness's key.
    pub witness: String,
    /// When, as the witness signed, UTC.
    pub cosigned_at: NaiveDateTime,
    /// The line, with its end.
    pub line: String,
}

/// How a witness that is asked is doing.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = witnesses)]
pub struct WitnessRow {
    /// The name of its key.
    pub witness: String,
    /// The size of the largest tree that it is known to have cosigned.
    pub tree_size: i64,
    /// Failures in a row.
    pub failures: i32,
    due_at: NaiveDateTime,
    well_at: NaiveDateTime,
    /// Why it did not cosign; empty when it did.
    pub trouble: String,
}

impl WitnessRow {
    /// A witness that was never asked.
    pub fn new(witness: &str, now: DateTime<Utc>) -> Self {
        let now = now.naive_utc();
        let (tree_size, failures, trouble) = (0, 0, String::new());
        Self { witness: witness.to_owned(), tree_size, failures, due_at: now, well_at: now, trouble }
    }

    /// When it is asked next; while it is asked, the end of the lease.
    pub fn due_at(&self) -> DateTime<Utc> {
        self.due_at.and_utc()
    }

    /// When it last cosigned, or was first to be asked.
    pub fn well_at(&self) -> DateTime<Utc> {
        self.well_at.and_utc()
    }

    /// The same after it cosigned a tree of that size.
    #[must_use]
    pub fn well(&self, tree_size: i64, (now, due_at): (DateTime<Utc>, DateTime<Utc>)) -> Self {
        let (due_at, well_at) = (due_at.naive_utc(), now.naive_utc());
        Self { witness: self.witness.clone(), tree_size, failures: 0, due_at, well_at, trouble: String::new() }
    }

    /// The same after it did not.
    #[must_use]
    pub fn ill(&self, tree_size: i64, trouble: String, due_at: DateTime<Utc>) -> Self {
        let failures = self.failures.saturating_add(1);
        Self { tree_size, failures, due_at: due_at.naive_utc(), trouble, ..self.clone() }
    }
}

/// A ledger that this hub witnesses.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = watched_ledgers)]
pub struct WatchedRow {
    /// Its name.
    pub origin: String,
    /// The size of the largest tree that this hub cosigned.
    pub tree_size: i64,
    /// The root of it.
    pub root: Vec<u8>,
    grown_at: NaiveDateTime,
    /// The signed head that did not follow from it, if one was refused since.
    pub refused: Option<String>,
}

impl WatchedRow {
    /// A ledger that is this large from now on.
    pub fn new(origin: &str, tree_size: i64, root: &[u8], now: DateTime<Utc>) -> Self {
        Self { origin: origin.to_owned(), tree_size, root: root.to_vec(), grown_at: now.naive_utc(), refused: None }
    }

    /// When it was found to have grown.
    pub fn grown_at(&self) -> DateTime<Utc> {
        self.grown_at.and_utc()
    }
}

/// The lines under the head of a tree of that size, in the order of witnesses.
///
/// # Errors
/// `Statement`.
pub fn lines(tx: &mut Connection, tree_size: i64) -> Result<String, StoreError> {
    let lines: Vec<String> = on_packets!(tx, c => cosignatures::table
        .filter(cosignatures::tree_size.eq(tree_size))
        .order(cosignatures::witness.asc())
        .select(cosignatures::line)
        .load(c))?;
    Ok(lines.concat())
}

/// The largest head that a witness cosigned.
///
/// # Errors
/// `Statement`.
pub fn cosigned_head(tx: &mut Connection) -> Result<Option<CheckpointRow>, StoreError> {
    Ok(on_packets!(tx, c => cosignatures::table
        .inner_join(checkpoints::table.on(checkpoints::tree_size.eq(cosignatures::tree_size)))
        .filter(cosignatures::tree_size.ge(0))
        .order(cosignatures::tree_size.desc())
        .select(CheckpointRow::as_select())
        .first(c)
        .optional())?)
}

/// Cosignatures after one, by size and witness, with the heads above them.
///
/// # Errors
/// `Statement`.
pub fn list_after(
    tx: &mut Connection,
    (tree_size, witness): (i64, &str),
    limit: i64,
) -> Result<Vec<(CosignatureRow, Option<String>)>, StoreError> {
    let further = cosignatures::tree_size.eq(tree_size).and(cosignatures::witness.gt(witness));
    Ok(on_packets!(tx, c => cosignatures::table
        .left_join(checkpoints::table.on(checkpoints::tree_size.eq(cosignatures::tree_size)))
        .filter(cosignatures::tree_size.ge(tree_size))
        .filter(cosignatures::tree_size.gt(tree_size).or(further))
        .order((cosignatures::tree_size.asc(), cosignatures::witness.asc()))
        .limit(limit)
        .select((CosignatureRow::as_select(), checkpoints::note.nullable()))
        .load(c))?)
}

/// Keeps what a witness put under a head, with the head, which may be gone by now; in place of what it put there before.
///
/// # Errors
/// `Statement`.
pub fn keep(tx: &mut Connection, head: &CheckpointRow, row: &CosignatureRow) -> Result<(), StoreError> {
    ledger::keep_beside(tx, head)?;
    on_packets!(tx, c => diesel::insert_into(cosignatures::table)
        .values(row)
        .on_conflict((cosignatures::tree_size, cosignatures::witness))
        .do_update()
        .set((
            cosignatures::cosigned_at.eq(excluded(cosignatures::cosigned_at)),
            cosignatures::line.eq(excluded(cosignatures::line)),
        ))
        .execute(c))?;
    Ok(())
}

/// How every witness is doing that was ever asked, by name.
///
/// # Errors
/// `Statement`.
pub fn list(tx: &mut Connection) -> Result<Vec<WitnessRow>, StoreError> {
    Ok(on_packets!(tx, c => witnesses::table
        .order(witnesses::witness.asc())
        .select(WitnessRow::as_select())
        .load(c))?)
}

/// Makes a witness known, if it is not.
///
/// # Errors
/// `Statement`.
pub fn introduce(tx: &mut Connection, row: &WitnessRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(witnesses::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(())
}

/// Takes the turn to ask a witness, until that time. Says whether nobody else had taken it.
///
/// # Errors
/// `Statement`.
pub fn claim(tx: &mut Connection, row: &WitnessRow, until: DateTime<Utc>) -> Result<bool, StoreError> {
    let claimed = on_packets!(tx, c => diesel::update(witnesses::table)
        .filter(witnesses::witness.eq(&row.witness))
        .filter(witnesses::due_at.eq(row.due_at))
        .set(witnesses::due_at.eq(until.naive_utc()))
        .execute(c))?;
    Ok(claimed == 1)
}

/// Notes how a witness is doing.
///
/// # Errors
/// `Statement`.
pub fn note(tx: &mut Connection, row: &WitnessRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(witnesses::table)
        .filter(witnesses::witness.eq(&row.witness))
        .set((
            witnesses::tree_size.eq(row.tree_size),
            witnesses::failures.eq(row.failures),
            witnesses::due_at.eq(row.due_at),
            witnesses::well_at.eq(row.well_at),
            witnesses::trouble.eq(&row.trouble),
        ))
        .execute(c))?;
    Ok(())
}

/// A ledger that this hub cosigned before.
///
/// # Errors
/// `Statement`.
pub fn watched(tx: &mut Connection, origin: &str) -> Result<Option<WatchedRow>, StoreError> {
    Ok(on_packets!(tx, c => watched_ledgers::table
        .filter(watched_ledgers::origin.eq(origin))
        .select(WatchedRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Every ledger that this hub cosigned, by name.
///
/// # Errors
/// `Statement`.
pub fn all_watched(tx: &mut Connection) -> Result<Vec<WatchedRow>, StoreError> {
    Ok(on_packets!(tx, c => watched_ledgers::table
        .order(watched_ledgers::origin.asc())
        .select(WatchedRow::as_select())
        .load(c))?)
}

/// Puts what a ledger is from now on in the place of what it was. Says whether it still was that.
///
/// # Errors
/// `Statement`.
pub fn grow(tx: &mut Connection, before: Option<&WatchedRow>, after: &WatchedRow) -> Result<bool, StoreError> {
    let changed = match before {
        None => on_packets!(tx, c => diesel::insert_into(watched_ledgers::table)
            .values(after)
            .on_conflict_do_nothing()
            .execute(c))?,
        Some(before) => on_packets!(tx, c => diesel::update(watched_ledgers::table)
            .filter(watched_ledgers::origin.eq(&before.origin))
            .filter(watched_ledgers::tree_size.eq(before.tree_size))
            .filter(watched_ledgers::root.eq(&before.root))
            .set((
                watched_ledgers::tree_size.eq(after.tree_size),
                watched_ledgers::root.eq(&after.root),
                watched_ledgers::grown_at.eq(after.grown_at),
                watched_ledgers::refused.eq(&after.refused),
            ))
            .execute(c))?,
    };
    Ok(changed == 1)
}

/// Notes a head of a ledger that was refused. Says whether it is to be told: the first one since the ledger last grew; and each
/// further one that is a fork by itself, since only the ledger's own key makes such.
///
/// # Errors
/// `Statement`.
pub fn refuse(tx: &mut Connection, origin: &str, (note, is_fork): (&str, bool)) -> Result<bool, StoreError> {
    let of_origin = watched_ledgers::table.filter(watched_ledgers::origin.eq(origin));
    let noted = match is_fork {
        true => on_packets!(tx, c => diesel::update(of_origin)
            .filter(watched_ledgers::refused.is_null().or(watched_ledgers::refused.ne(note)))
            .set(watched_ledgers::refused.eq(note))
            .execute(c))?,
        false => on_packets!(tx, c => diesel::update(of_origin)
            .filter(watched_ledgers::refused.is_null())
            .set(watched_ledgers::refused.eq(note))
            .execute(c))?,
    };
    Ok(noted == 1)
}

/// Forgets what was cosigned of a ledger. Says whether anything was.
///
/// # Errors
/// `Statement`.
pub fn forget(tx: &mut Connection, origin: &str) -> Result<bool, StoreError> {
    let gone = on_packets!(tx, c => diesel::delete(watched_ledgers::table
        .filter(watched_ledgers::origin.eq(origin)))
        .execute(c))?;
    Ok(gone == 1)
}
