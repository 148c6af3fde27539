//! States that stand in a statement as they are, not as a bound value. A partial index is used only where the database
//! sees at planning time that its condition holds; a bound value it does not see. Unlike `diesel::dsl::sql`, such a
//! statement is prepared once and kept. And what is counted of the first rows of a statement only.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{QueryResult, backend::Backend};

/// A state or an event that has an index of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal(pub(super) &'static str);

impl QueryId for Literal {
    type QueryId = ();
    // Two words are two statements, told apart by their text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for Literal {
    type SqlType = Text;
}

impl<G> ValidGrouping<G> for Literal {
    type IsAggregate = is_aggregate::Never;
}

impl<T> AppearsOnTable<T> for Literal {}
impl<T> SelectableExpression<T> for Literal {}

impl<B: Backend> QueryFragment<B> for Literal {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, B>) -> QueryResult<()> {
        out.push_sql("'");
        out.push_sql(self.0);
        out.push_sql("'");
        Ok(())
    }
}

/// Packets of a table that carry documents, as the partial indexes of the transfer log have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfDocuments(pub(super) &'static str);

impl QueryId for OfDocuments {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for OfDocuments {
    type SqlType = Bool;
}

impl<G> ValidGrouping<G> for OfDocuments {
    type IsAggregate = is_aggregate::Never;
}

impl<T> AppearsOnTable<T> for OfDocuments {}
impl<T> SelectableExpression<T> for OfDocuments {}

impl<B: Backend> QueryFragment<B> for OfDocuments {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, B>) -> QueryResult<()> {
        out.push_sql(self.0);
        out.push_sql(".packet_kind NOT LIKE 'status-%'");
        Ok(())
    }
}

/// What waits, whatever its lane: by each of them in turn, as the index of what is due has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfAnyLane;

impl QueryId for OfAnyLane {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Expression for OfAnyLane {
    type SqlType = Bool;
}

impl<G> ValidGrouping<G> for OfAnyLane {
    type IsAggregate = is_aggregate::Never;
}

impl<T> AppearsOnTable<T> for OfAnyLane {}
impl<T> SelectableExpression<T> for OfAnyLane {}

impl<B: Backend> QueryFragment<B> for OfAnyLane {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, B>) -> QueryResult<()> {
        out.push_sql("pushes.lane IN (0, 1, 2, 3, 4)");
        Ok(())
    }
}

/// How many rows of a statement with a limit, which gives states, are in which state: counted where the rows are.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByState<Q>(pub(super) Q);

impl<Q: QueryId> QueryId for ByState<Q> {
    type QueryId = ByState<Q::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q: Query<SqlType = Text>> Query for ByState<Q> {
    type SqlType = (Text, BigInt);
}

impl<Q, C> diesel::RunQueryDsl<C> for ByState<Q> {}

impl<Q: QueryFragment<B>, B: Backend> QueryFragment<B> for ByState<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, B>) -> QueryResult<()> {
        out.push_sql("SELECT state, count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted GROUP BY state");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_there_as_it_is() {
        let sql = diesel::debug_query::<diesel::sqlite::Sqlite, _>(&Literal("consigned")).to_string();
        assert!(sql.starts_with("'consigned'"), "{sql}");
    }
}
