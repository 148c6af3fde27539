//! Endpoints: where somebody takes what the hub pushes. Which kinds there are, and how one is named. Not here: what is
//! pushed to them (`exchange::dispatch`).

use std::fmt;

/// For what an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndpointKind {
    /// An agency takes its packets there.
    Agency,
    /// A system is told there what happens to its documents: its webhook.
    Events,
    /// A neighbouring hub takes there what is for agencies behind it, and is told what became of what it brought.
    Relay,
}

impl EndpointKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Agency, Self::Events, Self::Relay];

    /// The word in tables and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Events => "events",
            Self::Relay => "relay",
        }
    }
}

/// Whose endpoint: there is one for each kind and holder. Written `KIND:HOLDER`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EndpointId {
    /// For what it is.
    pub kind: EndpointKind,
    /// The canonical code of an agency, or the id of a system; a neighbour is one.
    pub holder: String,
}

impl EndpointId {
    /// The endpoint of an agency.
    pub fn agency(code: &str) -> Self {
        Self { kind: EndpointKind::Agency, holder: code.to_owned() }
    }

    /// The webhook of a system.
    pub fn events(system_id: &str) -> Self {
        Self { kind: EndpointKind::Events, holder: system_id.to_owned() }
    }

    /// The endpoint of a neighbouring hub.
    pub fn relay(neighbour: &str) -> Self {
        Self { kind: EndpointKind::Relay, holder: neighbour.to_owned() }
    }

    /// The neighbour, where it is one's.
    pub fn neighbour(&self) -> Option<&str> {
        (self.kind == EndpointKind::Relay).then_some(&self.holder)
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (word, holder) = text.split_once(':')?;
        let kind = EndpointKind::ALL.into_iter().find(|kind| kind.word() == word)?;
        Some(Self { kind, holder: holder.to_owned() })
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.word(), self.holder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_read_as_it_is_written() {
        for kind in EndpointKind::ALL {
            let id = EndpointId { kind, holder: "X99.A01".to_owned() };
            assert_eq!(EndpointId::parse(&id.to_string()), Some(id));
        }
        assert_eq!(EndpointId::parse("X99.A01"), None);
        assert_eq!(EndpointId::parse("other:X99.A01"), None);
    }
}
