//! What rows of undertakings have in common, which two people decide on: re-drives, purges, grants. Each has a table of its own with
//! these columns. Not here: their statements, nor who may take which step (`domain::undertaking`).

/// Gives a row how it stands, who may take which step, and its times.
macro_rules! undertaking {
    ($row:ident, $column:literal) => {
        impl $row {
            /// How it stands.
            ///
            /// # Errors
            /// `UnknownWord`.
            pub fn state(&self) -> Result<$crate::domain::undertaking::UndertakingState, $crate::store::StoreError> {
                let unknown = || $crate::store::StoreError::UnknownWord { column: $column, value: self.state.clone() };
                $crate::domain::undertaking::UndertakingState::of_word(&self.state).ok_or_else(unknown)
            }

            /// Who may take which step.
            ///
            /// # Errors
            /// `UnknownWord`.
            pub fn proposal(&self) -> Result<$crate::domain::undertaking::Proposal<'_>, $crate::store::StoreError> {
                let (state, expires_at) = (self.state()?, self.expires_at());
                Ok($crate::domain::undertaking::Proposal { state, proposed_by: &self.proposed_by, expires_at })
            }

            /// When it was proposed; what came later is not meant.
            pub fn proposed_at(&self) -> chrono::DateTime<chrono::Utc> {
                self.proposed_at.and_utc()
            }

            /// When it was decided.
            pub fn decided_at(&self) -> Option<chrono::DateTime<chrono::Utc>> {
                self.decided_at.map(|at| at.and_utc())
            }

            /// Until when it may be decided; a grant that is, until when its secret may be taken.
            pub fn expires_at(&self) -> chrono::DateTime<chrono::Utc> {
                self.expires_at.and_utc()
            }

            /// When it ended.
            pub fn ended_at(&self) -> Option<chrono::DateTime<chrono::Utc>> {
                self.ended_at.map(|at| at.and_utc())
            }
        }
    };
}
pub(crate) use undertaking;
