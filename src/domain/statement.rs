//! Daily statements: what one agency sent to another on a day, as a list whose digest is sealed. Without gaps: the packets of
//! a sender and day are numbered from 1, whomever they went to. The list is sorted, so that what is not in it was not sent.
//! Not here: how a day is closed (`exchange::close`).

use super::delivery::DeliveryState;
use super::packet::Digest;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Name of the format of files.
pub const FORM: &str = "docaxis-statement/1";

/// How a delivery stood when its day was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The recipient's software had confirmed it.
    Delivered,
    /// It had been refused for good, or given up.
    Refused,
    /// Its sender had taken it back.
    Withdrawn,
    /// None of these yet.
    Pending,
}

impl Standing {
    /// That of a delivery in a state.
    pub fn of(state: DeliveryState) -> Self {
        match state {
            DeliveryState::HandedOver => Self::Delivered,
            DeliveryState::Failed => Self::Refused,
            DeliveryState::Withdrawn => Self::Withdrawn,
            DeliveryState::Pending | DeliveryState::Consigned => Self::Pending,
        }
    }
}

/// A packet in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The sender's identifier of the document sent or reported about.
    pub document_id: String,
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    pub kind: String,
    /// The delivery.
    pub delivery_id: String,
    /// Its number among all that the sender sent on the day.
    pub number: u64,
    /// SHA-256 of the packet, in hexadecimal.
    pub sha256: String,
    /// When it was accepted, +07:00.
    pub accepted_at: String,
    /// How it stood when the day was over.
    pub state: Standing,
}

impl Line {
    /// What lists are sorted by.
    fn place(&self) -> (&str, &str, &str) {
        (&self.document_id, &self.kind, &self.delivery_id)
    }
}

/// How many packets of a list are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All.
    pub sent: u64,
    /// See `Standing`.
    pub delivered: u64,
    /// See `Standing`.
    pub refused: u64,
    /// See `Standing`.
    pub withdrawn: u64,
    /// See `Standing`.
    pub pending: u64,
}

/// What the evidence of a statement says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The day in Vietnam, `yyyy-MM-dd`.
    pub day: String,
    /// Code of the sender.
    pub sender: String,
    /// Code of the recipient.
    pub recipient: String,
    /// When the day was over, and how things stood was noted.
    pub cut_off: String,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
    /// How many packets the sender sent to everybody on that day: the largest number.
    pub of: u64,
    /// SHA-256 of the list, in hexadecimal.
    pub list: String,
}

/// A pair of agencies in the list of a closed day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Code of the sender.
    pub sender: String,
    /// Code of the recipient.
    pub recipient: String,
    /// The evidence of their statement.
    pub evidence_id: String,
    /// How many packets it lists.
    pub sent: u64,
    /// SHA-256 of its list, in hexadecimal.
    pub list: String,
}

/// What the evidence of a closed day says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayFacts {
    /// The day in Vietnam, `yyyy-MM-dd`.
    pub day: String,
    /// How many pairs of agencies have a statement.
    pub statements: u64,
    /// How many packets they list.
    pub sent: u64,
    /// SHA-256 of the list of pairs, in hexadecimal.
    pub list: String,
}

/// A list as it is kept and hashed: one JSON object a line, in order.
pub fn list<T: Serialize>(lines: &[T]) -> String {
    lines.iter().map(|line| serde_json::to_string(line).unwrap_or_default() + "\n").collect()
}

/// Puts the lines of a list in order.
pub fn sort(lines: &mut [Line]) {
    lines.sort_by(|a, b| a.place().cmp(&b.place()));
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, standing: Standing) {
        let count = match standing {
            Standing::Delivered => &mut self.delivered,
            Standing::Refused => &mut self.refused,
            Standing::Withdrawn => &mut self.withdrawn,
            Standing::Pending => &mut self.pending,
        };
        *count = count.saturating_add(1);
        self.sent = self.sent.saturating_add(1);
    }
}

/// How many lines are how far.
pub fn counts(lines: &[Line]) -> Counts {
    let mut counts = Counts::default();
    lines.iter().for_each(|line| counts.add(line.state));
    counts
}

/// A number of lines, as facts say it.
pub fn number(lines: usize) -> u64 {
    u64::try_from(lines).unwrap_or(u64::MAX)
}

/// The lines of a list; nothing when it is not in the form that the hub writes.
pub fn read<T: Serialize + for<'de> Deserialize<'de>>(text: &str) -> Option<Vec<T>> {
    let lines: Vec<T> = text.lines().map(|line| serde_json::from_str(line).ok()).collect::<Option<_>>()?;
    (list(&lines) == text).then_some(lines)
}

impl Facts {
    /// Whether a list is the one that was sealed: its digest, its order, its numbers and its counts.
    pub fn tell(&self, text: &str) -> bool {
        let Some(lines) = read::<Line>(text) else { return false };
        let is_sorted = lines.is_sorted_by(|a, b| a.place() < b.place());
        let numbers: HashSet<u64> = lines.iter().map(|line| line.number).collect();
        let fit = numbers.len() == lines.len() && numbers.iter().all(|number| (1..=self.of).contains(number));
        is_sorted && fit && counts(&lines) == self.counts && Digest::of(text.as_bytes()).hex() == self.list
    }
}

impl DayFacts {
    /// Whether a list of pairs is the one that was sealed.
    pub fn tell(&self, text: &str) -> bool {
        let Some(pairs) = read::<Pair>(text) else { return false };
        let is_sorted = pairs.is_sorted_by(|a, b| (&a.sender, &a.recipient) < (&b.sender, &b.recipient));
        let sent: u64 = pairs.iter().map(|pair| pair.sent).fold(0, u64::saturating_add);
        is_sorted
            && number(pairs.len()) == self.statements
            && sent == self.sent
            && Digest::of(text.as_bytes()).hex() == self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(document_id: &str, number: u64, state: Standing) -> Line {
        Line {
            document_id: document_id.to_owned(),
            kind: "new".to_owned(),
            delivery_id: format!("d{number}"),
            number,
            sha256: "ab".repeat(32),
            accepted_at: "2026-11-21T09:00:00.000000+07:00".to_owned(),
            state,
        }
    }

    fn statement(mut lines: Vec<Line>) -> (Facts, String) {
        sort(&mut lines);
        let text = list(&lines);
        let facts = Facts {
            day: "2026-11-21".to_owned(),
            sender: "X99.A01".to_owned(),
            recipient: "X99.B02".to_owned(),
            cut_off: "2026-11-22T00:00:00.000000+07:00".to_owned(),
            counts: counts(&lines),
            of: 3,
            list: Digest::of(text.as_bytes()).hex(),
        };
        (facts, text)
    }

    #[test]
    fn whatever_is_altered_in_a_list_is_found() {
        let (facts, text) = statement(vec![line("b\n=x", 1, Standing::Pending), line("a", 3, Standing::Delivered)]);
        assert!(facts.tell(&text));
        assert_eq!((facts.counts.sent, facts.counts.delivered, facts.counts.pending), (2, 1, 1));

        let mut reversed: Vec<&str> = text.lines().collect();
        reversed.reverse();
        assert!(!facts.tell(&(reversed.join("\n") + "\n")));
        assert!(!facts.tell(text.lines().next().unwrap()));
        assert!(!facts.tell(&text.replace("delivered", "refused")));
        assert!(!facts.tell(""));
    }

    #[test]
    fn a_list_whose_numbers_or_counts_do_not_fit_is_none_even_with_the_right_digest() {
        let twice = statement(vec![line("a", 1, Standing::Pending), line("b", 1, Standing::Pending)]);
        let beyond = statement(vec![line("a", 4, Standing::Pending)]);
        let (mut counted, text) = statement(vec![line("a", 1, Standing::Pending)]);
        counted.counts.pending = 0;

        for (facts, text) in [twice, beyond, (counted, text)] {
            assert!(!facts.tell(&text), "{text}");
        }
    }
}
