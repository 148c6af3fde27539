//! The packets of the story and the sample agencies, from `fixtures/`, carried in the program.

/// The sample agencies: three open ones, a closed one and a suspended one.
pub const AGENCIES: &str = include_str!("../../../fixtures/agencies.csv");

/// Every DocumentId of the story begins with this, so that a run can put a mark of its own in its place.
const PLACEHOLDER: &str = "DEMO-RUN";

macro_rules! packets {
    ($($(#[doc = $about:literal])* $name:ident = $file:literal;)*) => {
        $($(#[doc = $about])* pub const $name: &str = include_str!(concat!("../../../fixtures/demo/", $file));)*
    };
}

packets! {
    /// National to province and commune.
    NEW = "01-new.edxml";
    /// Changes `NEW`; the commune is a recipient no more.
    UPDATE = "02-update.edxml";
    /// To be replaced.
    SECOND = "03-new-second.edxml";
    /// Replaces `SECOND`.
    REPLACEMENT = "04-replacement.edxml";
    /// To be recalled.
    THIRD = "05-new-third.edxml";
    /// Recalls `THIRD`.
    RECALL = "06-recall.edxml";
    /// Province about `NEW`.
    ARRIVED = "07-status-01-arrived.edxml";
    /// Commune about `SECOND`.
    TURNED_DOWN = "08-status-02-refused.edxml";
    /// Province about `NEW`.
    REGISTERED = "09-status-03-registered.edxml";
    /// Province about `NEW`.
    ASSIGNED = "10-status-04-assigned.edxml";
    /// Province about `NEW`.
    IN_PROGRESS = "11-status-05-in-progress.edxml";
    /// Province about `NEW`.
    FINISHED = "12-status-06-finished.edxml";
    /// National asks the commune to give `NEW` back.
    ASKED_BACK = "13-status-13-ask-back.edxml";
    /// Province agrees to `RECALL`.
    AGREED = "14-status-15-agreed.edxml";
    /// Commune declines `RECALL`.
    DECLINED = "15-status-16-declined.edxml";
    /// To nobody that is known.
    TO_NOBODY = "16-refused-unknown-recipient.edxml";
    /// `NEW` once more, rebuilt.
    REPEAT = "17-repeat-of-01.edxml";
    /// The identifier of `NEW` with another content.
    CONFLICT = "18-conflict-with-01.edxml";
    /// Brought to the province's endpoint.
    PUSHED = "19-pushed.edxml";
    /// Commune to another province, from hub to hub.
    RELAYED = "20-over-the-nation.edxml";
    /// That province about `RELAYED`.
    RELAYED_BACK = "21-status-03-over-the-nation.edxml";
}

/// A packet with the mark of this run.
pub fn marked(packet: &str, mark: &str) -> String {
    packet.replace(PLACEHOLDER, mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_id_can_be_made_fresh() {
        for packet in [
            NEW,
            UPDATE,
            SECOND,
            REPLACEMENT,
            THIRD,
            RECALL,
            AGREED,
            DECLINED,
            REPEAT,
            CONFLICT,
            PUSHED,
            RELAYED,
            RELAYED_BACK,
        ] {
            assert!(packet.contains("DEMO-RUN,"));
            assert!(!marked(packet, "X").contains(PLACEHOLDER));
        }
    }
}
