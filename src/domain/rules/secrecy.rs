//! State-secret marks.

/// Whether the text of that element marks the packet as a state secret.
pub fn mark(path: &str, text: &str) -> bool {
    let _ = (path, text);
    false
}
