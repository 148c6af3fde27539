//! The only place that knows SQL.
pub mod payloads;

/// The database, behind two doors: `read` and `write`.
#[derive(Clone)]
pub struct Store;

/// Why the store could not do its work.
#[derive(Debug, thiserror::Error)]
#[error("store")]
pub struct StoreError;

impl StoreError {
    /// Whether the same may succeed later: overload, lock, lost connection.
    pub fn is_transient(&self) -> bool {
        false
    }
}
