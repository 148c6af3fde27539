//! Words that stand in a statement as they are, not as a bound value. A partial index is used only where the database
//! sees at planning time that its condition holds; a bound value it does not see. Unlike `diesel::dsl::sql`, such a
//! statement is prepared once and kept.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Text;
use diesel::{QueryResult, backend::Backend};

/// The state `consigned`, which the index of mailboxes is about.
#[derive(Debug, Clone, Copy, QueryId)]
pub(super) struct Consigned;

impl Expression for Consigned {
    type SqlType = Text;
}

impl<G> ValidGrouping<G> for Consigned {
    type IsAggregate = is_aggregate::Never;
}

impl<T> AppearsOnTable<T> for Consigned {}
impl<T> SelectableExpression<T> for Consigned {}

impl<B: Backend> QueryFragment<B> for Consigned {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, B>) -> QueryResult<()> {
        out.push_sql("'consigned'");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::DeliveryState;

    #[test]
    fn the_word_is_the_state_s() {
        let sql = diesel::debug_query::<diesel::sqlite::Sqlite, _>(&Consigned).to_string();
        assert!(sql.starts_with(&format!("'{}'", DeliveryState::Consigned.word())), "{sql}");
    }
}
