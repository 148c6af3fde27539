//! Statements that stay prepared on their connection. Diesel prepares every UPDATE anew, since a changeset may leave columns
//! out; the text of those given here never changes.

use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

/// A statement whose text is the same whatever its values are.
pub(super) struct StaysPrepared<Q>(pub(super) Q);

impl<Q> QueryId for StaysPrepared<Q> {
    type QueryId = ();
    // It is kept under its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend, Q: QueryFragment<DB>> QueryFragment<DB> for StaysPrepared<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q, C> RunQueryDsl<C> for StaysPrepared<Q> {}
