//! Lanes: which deliveries go first when several wait for one recipient. Not here: when one is due (`schedule`).

use super::envelope::Urgency;

/// A lane of the delivery engine, the most urgent first. What waits in a lane leaves before what waits in the next,
/// but for one place in [`TURN`], which goes to whatever has waited longest, so that no lane starves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Hỏa tốc.
    Express,
    /// Thượng khẩn.
    VeryUrgent,
    /// Khẩn.
    Urgent,
    /// Status packets: small, and somebody waits for each.
    Status,
    /// Thường.
    Normal,
}

/// Of so many places, one goes to what has waited longest, whatever its lane.
pub const TURN: u64 = 8;

impl Lane {
    /// Every lane, the most urgent first.
    pub const ALL: [Self; 5] = [Self::Express, Self::VeryUrgent, Self::Urgent, Self::Status, Self::Normal];

    /// The lane of a packet.
    pub fn of(is_document: bool, urgency: Urgency) -> Self {
        match (is_document, urgency) {
            (false, _) => Self::Status,
            (true, Urgency::Express | Urgency::ExpressAtHour) => Self::Express,
            (true, Urgency::VeryUrgent) => Self::VeryUrgent,
            (true, Urgency::Urgent) => Self::Urgent,
            (true, Urgency::Normal) => Self::Normal,
        }
    }

    /// The number in tables; the smaller, the more urgent.
    pub fn number(self) -> i32 {
        match self {
            Self::Express => 0,
            Self::VeryUrgent => 1,
            Self::Urgent => 2,
            Self::Status => 3,
            Self::Normal => 4,
        }
    }

    /// The lane of a number.
    pub fn of_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.number() == number)
    }

    /// The word in answers and in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Express => "express",
            Self::VeryUrgent => "very_urgent",
            Self::Urgent => "urgent",
            Self::Status => "status",
            Self::Normal => "normal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_numbered_in_their_order() {
        for (number, lane) in (0..).zip(Lane::ALL) {
            assert_eq!((lane.number(), Lane::of_number(number)), (number, Some(lane)));
        }
    }

    #[test]
    fn a_status_packet_has_a_lane_of_its_own_whatever_it_answers() {
        for number in ["0", "1", "2", "3", "4"] {
            assert_eq!(Lane::of(false, Urgency::of_number(number)), Lane::Status);
        }
        assert_eq!(Lane::of(true, Urgency::ExpressAtHour), Lane::Express);
    }
}
