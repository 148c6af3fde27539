//! Relay between hubs: which organ ids lead to which neighbour, and which hubs passed a packet on. Not here: passing it on
//! (`exchange::dispatch`), what a neighbour may send (`rules::relay`).

use super::agency::OrganId;
use super::dates::{self, for_machines};
use super::selftest;
use chrono::{DateTime, Utc};
use std::collections::HashMap;

/// The prefix of a route that leads everybody.
pub const EVERYBODY: &str = "*";

/// The prefix of a route as it is kept: an organ id in upper case, or `*`; nothing when the text is neither.
pub fn prefix(text: &str) -> Option<String> {
    let text = text.trim();
    match text {
        EVERYBODY => Some(text.to_owned()),
        _ => OrganId::parse(text).map(|id| id.folded()),
    }
}

/// Which agencies are behind which neighbour.
#[derive(Debug, Clone, Default)]
pub struct Routes(HashMap<String, String>);

impl Routes {
    /// Routes of these prefixes to these neighbours.
    pub fn new(rows: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(rows.into_iter().collect())
    }

    /// The neighbour behind which an organ id is: by the longest prefix. Never for the agencies of the self-test, which every
    /// hub has for itself.
    pub fn neighbour_of(&self, code: &str) -> Option<&str> {
        if self.0.is_empty() || selftest::is_reserved(code) {
            return None;
        }
        let folded = code.to_ascii_uppercase();
        let ids = std::iter::successors(Some(folded.as_str()), |id| id.rsplit_once('.').map(|(above, _)| above));
        let ids = ids.chain([EVERYBODY]);
        ids.filter_map(|id| self.0.get(id)).map(String::as_str).next()
    }
}

/// A hub that accepted a packet and passed it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Its name.
    pub hub: String,
    /// When it accepted the packet, by its clock.
    pub at: DateTime<Utc>,
}

/// The hops of a packet in order, as they are written: `HUB;TIME, HUB;TIME`. Nothing when one cannot be read or there is none.
pub fn hops(text: &str) -> Option<Vec<Hop>> {
    let hop = |part: &str| {
        let (hub, at) = part.trim().split_once(';')?;
        let hub = OrganId::parse(hub)?.as_str().to_owned();
        Some(Hop { hub, at: dates::timestamp(at)? })
    };
    text.split(',').map(hop).collect()
}

/// The text of the hops so far, with one more.
pub fn with_hop(hops: Option<&str>, hop: &Hop) -> String {
    let before = hops.map(|hops| format!("{hops}, ")).unwrap_or_default();
    format!("{before}{};{}", hop.hub, for_machines(hop.at))
}

/// The hub that passed a packet on last.
pub fn last_hub(hops: &str) -> Option<&str> {
    hops.rsplit(',').next()?.trim().split_once(';').map(|(hub, _)| hub)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins_and_ends_at_a_point() {
        let row = |prefix: &str, hub: &str| (prefix.to_owned(), hub.to_owned());
        let routes = Routes::new([row("X99.B", "b"), row("X99.B.001", "c"), row("X99", "x")]);

        for (code, hub) in [
            ("X99.B.001", Some("c")),
            ("x99.b.001.02", Some("c")),
            ("X99.B.002", Some("b")),
            ("X99.B", Some("b")),
            ("X99.B1", Some("x")),
            ("X9.B", None),
        ] {
            assert_eq!(routes.neighbour_of(code), hub, "{code}");
        }
        let all = Routes::new([row("*", "n"), row("X99", "x")]);
        assert_eq!([all.neighbour_of("Y1"), all.neighbour_of("X99.1")], [Some("n"), Some("x")]);
        assert_eq!(all.neighbour_of(selftest::PARTNER.code), None, "each hub has its own");
    }

    #[test]
    fn a_prefix_is_an_organ_id_or_everybody() {
        assert_eq!(prefix(" x99.b "), Some("X99.B".to_owned()));
        assert_eq!(prefix("*"), Some("*".to_owned()));
        assert_eq!([prefix(""), prefix("X99."), prefix("X*")], [None, None, None]);
    }

    #[test]
    fn hops_are_read_as_they_are_written() {
        let hop = |hub: &str, second| Hop { hub: hub.to_owned(), at: DateTime::from_timestamp(second, 0).unwrap() };
        let first = with_hop(None, &hop("tinh.a", 10));
        let both = with_hop(Some(&first), &hop("quoc-gia", 20));

        assert_eq!(hops(&both), Some(vec![hop("tinh.a", 10), hop("quoc-gia", 20)]));
        assert_eq!(last_hub(&both), Some("quoc-gia"));
        for wrong in ["", "a", "a;", "a;yesterday", "a b;2026-11-21T09:00:00Z", &format!("{both},")] {
            assert_eq!(hops(wrong), None, "{wrong}");
        }
    }
}
