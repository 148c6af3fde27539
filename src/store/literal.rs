//! States that stand in a statement as they are, not as a bound value. A partial index is used only where the database
//! sees at planning time that its condition holds; a bound value it does not see. Unlike `diesel::dsl::sql`, such a
//! statement is prepared once and kept.

use crate::domain::delivery::DeliveryState;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Text;
use diesel::{QueryResult, backend::Backend};

/// A state of deliveries that has an index of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal(pub(super) DeliveryState);

impl QueryId for Literal {
    type QueryId = ();
    // Two states are two statements, told apart by their text.
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
        out.push_sql(self.0.word());
        out.push_sql("'");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_stands_there_as_its_word() {
        for state in DeliveryState::ALL {
            let sql = diesel::debug_query::<diesel::sqlite::Sqlite, _>(&Literal(state)).to_string();
            assert!(sql.starts_with(&format!("'{}'", state.word())), "{sql}");
        }
    }
}
