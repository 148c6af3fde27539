//! What a query or a form says: names and values, as browsers send them. What cannot be read is as if it were not there:
//! a page is drawn all the same.

use actix_web::web::Query;

/// Names with their values.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Those of a query, or of a form's body.
    pub(super) fn of(text: &str) -> Self {
        let read = Query::<Vec<(String, String)>>::from_query(text).map(Query::into_inner).unwrap_or_default();
        // PostgreSQL cannot hold a NUL, and nobody means one.
        Self(read.into_iter().filter(|(_, value)| !value.contains('\0')).collect())
    }

    /// Those of a form that was taken apart already.
    pub(super) fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The value of a name; empty when it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// Every value of a name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// What a form says beside what it carries for its own sake: names with their values.
    pub(super) fn said(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter().filter(|(name, _)| !["form_token", "step"].contains(&name.as_str()))
    }

    /// What was said, for evidence: nothing that is empty, nor what a form carries for its own sake.
    pub(super) fn told(&self) -> String {
        let said = self.0.iter().filter(|(name, value)| !value.is_empty() && name != "form_token");
        said.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    /// The same fields with one changed, as a query.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let others = self.0.iter().filter(|(key, value)| key != name && !value.is_empty());
        let own = (!value.is_empty()).then(|| format!("{}={}", escaped(name), escaped(value)));
        let pairs = others.map(|(key, value)| format!("{}={}", escaped(key), escaped(value))).chain(own);
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// Text as part of a query.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_reads_as_it_was() {
        let text = "số 7/QĐ & \"<x>\" = 1+1";
        let fields = Fields::of(&format!("q={}&empty=", escaped(text)));

        assert_eq!(fields.get("q"), text);
        assert_eq!(Fields::of(&fields.with("page", "2")).get("q"), text);
        assert_eq!(fields.with("q", ""), "");
    }
}
