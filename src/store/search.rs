//! The search index: which documents hold which words. It follows the ledger (`followers`) and is made anew from it. Words come
//! folded (`domain::search`); both databases index them in their own way: FTS5, tsvector.

use super::connection::{Link, ROWS_AT_ONCE, on_packets};
use super::schema::{deliveries, searchable_documents};
use super::server::Postgres;
use super::{Connection, StoreError};
use diesel::dsl::Eq;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use std::collections::HashMap;

/// A document with what it is found by.
#[derive(Debug, Clone)]
pub struct Searchable {
    /// The index in the ledger of the evidence of its acceptance.
    pub number: i64,
    /// The envelope.
    pub envelope_id: String,
    /// Words, folded.
    pub words: Vec<String>,
}

impl Searchable {
    fn row(&self) -> (Eq<searchable_documents::number, i64>, Eq<searchable_documents::envelope_id, &str>) {
        (searchable_documents::number.eq(self.number), searchable_documents::envelope_id.eq(self.envelope_id.as_str()))
    }
}

/// Adds documents to the index.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, documents: &[Searchable]) -> Result<(), StoreError> {
    // Portable: each database has a full-text index of its own, which is filled, emptied and asked in its own way.
    match tx.settled()? {
        Link::Sqlite(c) => {
            for document in documents {
                diesel::insert_into(searchable_documents::table).values(document.row()).execute(&mut **c)?;
                diesel::sql_query("INSERT INTO document_words (rowid, words) VALUES (?, ?)")
                    .bind::<BigInt, _>(document.number)
                    .bind::<Text, _>(document.words.join(" "))
                    .execute(&mut **c)?;
            }
        }
        // A statement is a journey to the server, and this one is planned anew each time.
        Link::Postgres(c) => {
            for some in documents.chunks(ROWS_AT_ONCE) {
                let rows: Vec<_> = some.iter().map(Searchable::row).collect();
                diesel::insert_into(searchable_documents::table).values(rows).execute(&mut ***c)?;
                let insert = "INSERT INTO document_words (number, words) \
                              SELECT number, array_to_tsvector(ARRAY(SELECT DISTINCT unnest(string_to_array(words, ' ')))) \
                              FROM unnest($1::bigint[], $2::text[]) AS document (number, words)";
                let numbers: Vec<i64> = some.iter().map(|document| document.number).collect();
                let words: Vec<String> = some.iter().map(|document| document.words.join(" ")).collect();
                diesel::sql_query(insert)
                    .bind::<Array<BigInt>, _>(numbers)
                    .bind::<Array<Text>, _>(words)
                    .execute(&mut ***c)?;
            }
        }
    }
    Ok(())
}

/// Empties the index.
///
/// # Errors
/// `Statement`.
pub fn clear(tx: &mut Connection) -> Result<(), StoreError> {
    let emptied = match tx.settled()? {
        Link::Sqlite(_) => {
            ["INSERT INTO document_words (document_words) VALUES ('delete-all')", "DELETE FROM searchable_documents"]
        }
        Link::Postgres(_) => ["TRUNCATE document_words", "TRUNCATE searchable_documents"],
    };
    for sql in emptied {
        on_packets!(tx, c => diesel::sql_query(sql).execute(c))?;
    }
    Ok(())
}

/// What documents are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// A word that begins in one of these ways.
    pub beginnings: Vec<String>,
    /// Or words that all begin so.
    pub words: Vec<String>,
    /// And one of these words; none: whichever.
    pub among: Vec<String>,
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The envelopes of documents that answer a question, the newest first, with their numbers; only those before a number.
///
/// # Errors
/// `Statement`.
pub fn find(
    tx: &mut Connection,
    question: &Question,
    (before, limit): (i64, i64),
) -> Result<Vec<(i64, String)>, StoreError> {
    let found: Vec<Number> = match tx.settled()? {
        Link::Sqlite(c) => {
            let find = "SELECT rowid AS number FROM document_words \
                        WHERE document_words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?";
            diesel::sql_query(find)
                .bind::<Text, _>(question.for_fts5())
                .bind::<BigInt, _>(before)
                .bind::<BigInt, _>(limit)
                .load(&mut **c)?
        }
        Link::Postgres(c) => newest_of(c, question, (before, limit))?,
    };
    let numbers: Vec<i64> = found.into_iter().map(|row| row.number).collect();
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_packets!(tx, c => searchable_documents::table
        .filter(searchable_documents::number.eq_any(&numbers))
        .order(searchable_documents::number.desc())
        .select((searchable_documents::number, searchable_documents::envelope_id))
        .load(c))?)
}

/// Documents looked through one by one before the index is asked, which gives every match, the oldest too: a page of a word
/// that one document of eighty has.
const LOOKED_THROUGH: i64 = 4_000;

/// The numbers of documents that answer a question, the newest first.
fn newest_of(
    c: &mut Postgres,
    question: &Question,
    (before, limit): (i64, i64),
) -> Result<Vec<Number>, diesel::result::Error> {
    let asked = question.for_tsquery();
    // What is of some agencies alone is seldom among the newest of all.
    if !question.words.is_empty() && question.among.is_empty() {
        let newest = "SELECT number FROM (SELECT number, words FROM document_words WHERE number < $2 \
                      ORDER BY number DESC LIMIT $4) AS newest WHERE words @@ $1::tsquery ORDER BY number DESC LIMIT $3";
        let found: Vec<Number> = diesel::sql_query(newest)
            .bind::<Text, _>(&asked)
            .bind::<BigInt, _>(before)
            .bind::<BigInt, _>(limit)
            .bind::<BigInt, _>(LOOKED_THROUGH)
            .load(c)?;
        if i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit {
            return Ok(found);
        }
    }
    let all = "WITH hits AS MATERIALIZED (SELECT number FROM document_words WHERE words @@ $1::tsquery) \
               SELECT number FROM hits WHERE number < $2 ORDER BY number DESC LIMIT $3";
    diesel::sql_query(all).bind::<Text, _>(&asked).bind::<BigInt, _>(before).bind::<BigInt, _>(limit).load(c)
}

impl Question {
    /// Words are letters and digits only: nothing of them is syntax. A word of one character is not a beginning: half of
    /// all documents have one that begins so.
    fn written(&self, beginning: impl Fn(&str) -> String, whole: impl Fn(&str) -> String, signs: [&str; 2]) -> String {
        let [and, or] = signs;
        // The first letter is its mark.
        let word = |word: &String| match word.chars().nth(2) {
            Some(_) => beginning(word),
            None => whole(word),
        };
        let words: Vec<String> = self.words.iter().map(word).collect();
        let mut either: Vec<String> = self.beginnings.iter().map(|word| beginning(word)).collect();
        if !words.is_empty() {
            either.push(format!("({})", words.join(and)));
        }
        let among: Vec<String> = self.among.iter().map(|word| whole(word)).collect();
        match among.is_empty() {
            true => format!("({})", either.join(or)),
            false => format!("({}){and}({})", either.join(or), among.join(or)),
        }
    }

    fn for_fts5(&self) -> String {
        self.written(|word| format!("\"{word}\"*"), |word| format!("\"{word}\""), [" AND ", " OR "])
    }

    fn for_tsquery(&self) -> String {
        self.written(|word| format!("'{word}':*"), |word| format!("'{word}'"), [" & ", " | "])
    }
}

/// The recipients of these envelopes, by envelope.
///
/// # Errors
/// `Statement`.
pub fn recipients(tx: &mut Connection, envelope_ids: &[&str]) -> Result<HashMap<String, Vec<String>>, StoreError> {
    if envelope_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, String)> = on_packets!(tx, c => deliveries::table
        .filter(deliveries::envelope_id.eq_any(envelope_ids))
        .select((deliveries::envelope_id, deliveries::recipient_code))
        .load(c))?;
    let mut by_envelope: HashMap<String, Vec<String>> = HashMap::new();
    for (envelope, recipient) in rows {
        by_envelope.entry(envelope).or_default().push(recipient);
    }
    Ok(by_envelope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_written_for_both() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let question =
            Question { beginnings: words(&["n78vp"]), words: words(&["w7", "wvp"]), among: words(&["ax1", "ax2"]) };

        assert_eq!(question.for_fts5(), "(\"n78vp\"* OR (\"w7\" AND \"wvp\"*)) AND (\"ax1\" OR \"ax2\")");
        assert_eq!(question.for_tsquery(), "('n78vp':* | ('w7' & 'wvp':*)) & ('ax1' | 'ax2')");
        let open = Question { beginnings: Vec::new(), words: words(&["wke", "whoach"]), among: Vec::new() };
        assert_eq!(open.for_tsquery(), "(('wke':* & 'whoach':*))");
    }
}
