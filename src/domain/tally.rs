//! What becomes of an accepted packet, as marks that are counted: each delivery bears marks by what is sealed about it, and the
//! numbers change by the marks that it gains and loses. So they are right whatever happens in whichever order, late answers and
//! deliveries started anew included. Not here: who counts (`exchange::tally`), what the numbers mean (`measure`).

use super::cause::Cause;
use super::envelope::Urgency;
use super::evidence::EvidenceEvent;
use super::lane::Lane;
use super::status::TELL_RECEIPT;
use super::text;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use std::collections::BTreeSet;

mod kinds;
mod sums;

pub use kinds::{TYPE_NAMES, type_name};
pub use sums::{Key, Mark, Owner, Scope, Tally};

/// All documents.
pub const WHOLE: &str = "";
/// Status packets.
pub const STATUSES: &str = "status";
/// How long documents took to be handed over, and to be received by clerks.
pub const DELAYS: [&str; 2] = ["delay", "receive"];
/// At which attempt what the hub brings itself arrived.
pub const ATTEMPTS: &str = "attempts";
/// What slices of one kind begin with.
pub const KINDS: &str = "kind:";
/// See `KINDS`.
pub const TYPES: &str = "type:";
/// See `KINDS`.
pub const URGENCIES: &str = "urgency:";
/// See `KINDS`.
pub const ROUTES: &str = "route:";
/// See `KINDS`.
pub const CAUSES: &str = "cause:";
/// See `KINDS`; the rules by which submissions were refused.
pub const RULES: &str = "rule:";

/// What is counted, as the tables have it.
pub mod what {
    /// Packets that were accepted, each once however many were to have it.
    pub const PACKETS: &str = "packets";
    /// Deliveries: a packet for one recipient.
    pub const DELIVERIES: &str = "deliveries";
    /// The recipient's software has it.
    pub const DELIVERED: &str = "delivered";
    /// It was given up or refused for good by the recipient's software.
    pub const FAILED: &str = "failed";
    /// It was taken back before it was fetched.
    pub const WITHDRAWN: &str = "withdrawn";
    /// The recipient's clerks reported at least one status.
    pub const REPLIED: &str = "replied";
    /// They received it, or gave it back, in time.
    pub const TIMELY: &str = "timely";
    /// It was fetched and then asked back.
    pub const ASKED_BACK: &str = "asked_back";
    /// The recipient agreed.
    pub const AGREED: &str = "agreed";
    /// The recipient did not.
    pub const DECLINED: &str = "declined";
    /// A submission was refused.
    pub const REJECTED: &str = "rejected";
    /// Documents that say that no copy on paper follows.
    pub const PAPERLESS: &str = "paperless";
    /// Documents that say that one does.
    pub const PAPER: &str = "paper";
    /// Documents with something attached that bears a digital signature.
    pub const SIGNED: &str = "signed";
    /// Documents of which nothing attached bears one.
    pub const UNSIGNED: &str = "unsigned";
    /// Clerks reported this status, in the order of `super::REPORTED`.
    pub const REPORTED: [&str; 6] = ["status_01", "status_02", "status_03", "status_04", "status_05", "status_06"];
    /// It arrived at the first, second, third or a later attempt.
    pub const ATTEMPTS: [&str; 4] = ["attempt_1", "attempt_2", "attempt_3", "attempt_4"];
    /// It took as long as the bucket of that number says.
    pub const BUCKETS: [&str; super::BUCKETS] = [
        "bucket_00",
        "bucket_01",
        "bucket_02",
        "bucket_03",
        "bucket_04",
        "bucket_05",
        "bucket_06",
        "bucket_07",
        "bucket_08",
        "bucket_09",
        "bucket_10",
        "bucket_11",
        "bucket_12",
        "bucket_13",
        "bucket_14",
        "bucket_15",
        "bucket_16",
    ];
}

/// Statuses that are counted.
const REPORTED: [&str; 6] = ["01", "02", "03", "04", "05", "06"];
/// Buckets of delays.
const BUCKETS: usize = 17;
/// The longest time of each bucket in seconds, about three times that of the one before up to an hour; the last has no end.
pub const LIMITS: [i64; 16] =
    [1, 3, 10, 30, 60, 180, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 345_600, 1_382_400];

fn bucket(time: TimeDelta) -> Option<&'static str> {
    let place = LIMITS.iter().position(|limit| time.num_seconds() <= *limit).unwrap_or(LIMITS.len());
    what::BUCKETS.get(place).copied()
}

fn type_slice(name: &str) -> String {
    let folded = text::folded(name);
    format!("{TYPES}{}", if type_name(&folded).is_some() { &folded } else { "" })
}

/// The level-1 group of a code of either form (QCVN 102): `H49` of `000.00.15.H49` and of `H49.DN.001`.
pub fn block(code: &str) -> Option<&str> {
    let is_block = |part: &&str| {
        let mut signs = part.bytes();
        part.len() == 3 && signs.next().is_some_and(|b| b.is_ascii_uppercase()) && signs.all(|b| b.is_ascii_digit())
    };
    let first = code.split('.').next().filter(is_block);
    first.or_else(|| code.rsplit('.').next().filter(is_block))
}

/// By what kind of way a document went, as a word: people's committees (H) and councils (K) are of a province.
pub fn route(sender: &str, recipient: &str) -> &'static str {
    let (Some(from), Some(to)) = (block(sender), block(recipient)) else { return "other" };
    let is_local = |block: &str| block.starts_with(['H', 'K']);
    match (is_local(from), is_local(to)) {
        (true, true) if from.get(1..) == to.get(1..) => "within-province",
        (true, true) => "between-provinces",
        (true, false) => "upwards",
        (false, true) => "downwards",
        (false, false) => "central",
    }
}

/// What never changes of a packet.
#[derive(Debug, Clone)]
pub struct Packet {
    /// The day of acceptance in Vietnam, `yyyy-MM-dd`.
    pub day: String,
    /// Code of the sender.
    pub sender: String,
    /// When it was accepted.
    pub accepted_at: DateTime<Utc>,
    /// By when clerks are to receive it.
    pub receive_by: DateTime<Utc>,
    /// Whether it is a document; else a status packet.
    pub is_document: bool,
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    pub kind: String,
    /// Name of the kind of document.
    pub type_name: String,
    /// How urgent it is.
    pub urgency: Urgency,
    /// Whether a copy on paper follows, as far as it says so.
    pub paper_follows: Option<bool>,
    /// Whether something attached bears a digital signature, if something is attached.
    pub bears_signature: Option<bool>,
}

impl Packet {
    fn slices(&self) -> [String; 3] {
        let urgency = Lane::of(true, self.urgency).word();
        [WHOLE.to_owned(), type_slice(&self.type_name), format!("{URGENCIES}{urgency}")]
    }

    /// Counts it as accepted.
    pub fn count(&self, tally: &mut Tally) {
        let slices = match self.is_document {
            true => self.slices().into_iter().chain([format!("{KINDS}{}", self.kind)]).collect(),
            false => vec![STATUSES.to_owned()],
        };
        let paper = self.paper_follows.map(|follows| if follows { what::PAPER } else { what::PAPERLESS });
        let signature = self.bears_signature.map(|bears| if bears { what::SIGNED } else { what::UNSIGNED });
        let of_documents = [paper, signature].into_iter().flatten().filter(|_| self.is_document);
        let marks = slices.into_iter().map(|slice| (slice, what::PACKETS));
        let marks: Vec<Mark> = marks.chain(of_documents.map(|what| (WHOLE.to_owned(), what))).collect();
        self.add(tally, (Scope::Hub, "", ""), marks.iter(), 1);
        self.add(tally, (Scope::Sender, &self.sender, ""), marks.iter(), 1);
    }

    /// Counts a delivery of it as made.
    pub fn count_delivery(&self, recipient: &str, first: &Line, tally: &mut Tally) {
        let mut slices = vec![STATUSES.to_owned()];
        if self.is_document {
            slices = self.slices().to_vec();
            slices.push(format!("{ROUTES}{}", route(&self.sender, recipient)));
        }
        let made = slices.into_iter().map(|slice| (slice, what::DELIVERIES));
        self.count_marks(recipient, (made.chain(self.marks(first, recipient)).collect(), 1), tally);
    }

    /// Counts what more happened to a delivery of it.
    pub fn count_change(&self, recipient: &str, (before, after): (&Line, &Line), tally: &mut Tally) {
        self.count_marks(recipient, (self.marks(before, recipient), -1), tally);
        self.count_marks(recipient, (self.marks(after, recipient), 1), tally);
    }

    fn count_marks(&self, recipient: &str, (marks, by): (Vec<Mark>, i64), tally: &mut Tally) {
        let of_pair =
            marks.iter().filter(|(slice, what)| slice == WHOLE && [what::FAILED, what::REPORTED[1]].contains(what));
        self.add(tally, (Scope::Pair, &self.sender, recipient), of_pair, by);
        let of_agencies = marks.iter().filter(|mark| !is_for_hub(mark));
        self.add(tally, (Scope::Sender, &self.sender, ""), of_agencies.clone(), by);
        self.add(tally, (Scope::Recipient, recipient, ""), of_agencies, by);
        self.add(tally, (Scope::Hub, "", ""), marks.iter(), by);
    }

    fn add<'a>(
        &self,
        tally: &mut Tally,
        (scope, agency, partner): (Scope, &str, &str),
        marks: impl Iterator<Item = &'a Mark> + Clone,
        by: i64,
    ) {
        let (day, agency, partner) = (self.day.clone(), agency.to_owned(), partner.to_owned());
        let owner = Owner { scope, day, agency, partner };
        // Of agencies there are many: what they did in a month stands ready, so that they can be listed.
        if matches!(scope, Scope::Sender | Scope::Recipient) {
            let month = self.day.get(..7).unwrap_or_default().to_owned();
            let of_all = marks.clone().filter(|(slice, _)| slice == WHOLE);
            tally.add(Owner { day: month, ..owner.clone() }, of_all, by);
        }
        tally.add(owner, marks, by);
    }

    /// What a delivery of it counts as.
    fn marks(&self, line: &Line, recipient: &str) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        let whole = if self.is_document { WHOLE } else { STATUSES };
        let state = match line.standing {
            Standing::Waiting => None,
            Standing::Delivered(_) => Some(what::DELIVERED),
            Standing::Failed(_) => Some(what::FAILED),
            Standing::Withdrawn => Some(what::WITHDRAWN),
        };
        marks.extend(state.map(|state| (whole.to_owned(), state)));
        if !self.is_document {
            return marks;
        }
        let after = |at: DateTime<Utc>| bucket(at.signed_duration_since(self.accepted_at));
        let [delay, receive] = DELAYS;
        if let Standing::Delivered(at) = line.standing {
            let route = format!("{ROUTES}{}", route(&self.sender, recipient));
            marks.extend(after(at).map(|bucket| (delay.to_owned(), bucket)));
            marks.extend(after(at).map(|bucket| (route.clone(), bucket)));
            marks.push((route, what::DELIVERED));
            let attempt = line.attempt.and_then(|attempt| usize::try_from(attempt.min(4)).ok()?.checked_sub(1));
            let attempt = attempt.and_then(|place| what::ATTEMPTS.get(place));
            marks.extend(attempt.map(|attempt| (ATTEMPTS.to_owned(), *attempt)));
        }
        if let Standing::Failed(cause) = line.standing {
            marks.push((format!("{CAUSES}{}", cause.code()), what::FAILED));
        }
        let reported = REPORTED.iter().zip(what::REPORTED).filter(|(code, _)| line.statuses.contains(**code));
        marks.extend(reported.map(|(_, mark)| (WHOLE.to_owned(), mark)));
        if !line.statuses.is_empty() {
            marks.push((WHOLE.to_owned(), what::REPLIED));
        }
        if line.told_at.is_some_and(|at| at <= self.receive_by) {
            marks.extend(self.slices().map(|slice| (slice, what::TIMELY)));
        }
        if let Some(bucket) = line.received_at.and_then(after) {
            let kinds = self.slices().into_iter().filter(|slice| slice != WHOLE);
            marks.extend(kinds.chain([receive.to_owned()]).map(|slice| (slice, bucket)));
        }
        let recall = match line.recall {
            Recall::None => None,
            Recall::Asked => Some(&[what::ASKED_BACK][..]),
            Recall::Answered(true) => Some(&[what::ASKED_BACK, what::AGREED][..]),
            Recall::Answered(false) => Some(&[what::ASKED_BACK, what::DECLINED][..]),
        };
        marks.extend(recall.into_iter().flatten().map(|mark| (WHOLE.to_owned(), *mark)));
        marks
    }
}

/// Counts a refused submission, by the first rule that it broke.
pub fn count_rejection(day: &str, facts: &Value, tally: &mut Tally) {
    let rule = facts.get("codes").and_then(|codes| codes.get(0)).and_then(Value::as_str).unwrap_or_default();
    let marks = [WHOLE.to_owned(), format!("{RULES}{rule}")].map(|slice| (slice, what::REJECTED));
    let (agency, partner) = (String::new(), String::new());
    tally.add(Owner { scope: Scope::Hub, day: day.to_owned(), agency, partner }, marks.iter(), 1);
}

/// Whether a mark is counted for the hub alone.
fn is_for_hub((slice, what): &Mark) -> bool {
    let is_of_kind = [TYPES, URGENCIES].iter().any(|kind| slice.starts_with(kind));
    slice.starts_with(ROUTES) || is_of_kind && what::BUCKETS.contains(what)
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Waiting,
    Delivered(DateTime<Utc>),
    Failed(Cause),
    Withdrawn,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Recall {
    #[default]
    None,
    Asked,
    Answered(bool),
}

/// How far a delivery is, with those that took its place when it was started anew, by what was sealed about them.
#[derive(Debug, Clone, Default)]
pub struct Line {
    standing: Standing,
    attempt: Option<u64>,
    /// When clerks first said that they have it, or gave it back.
    told_at: Option<DateTime<Utc>>,
    /// When they first said that they received it.
    received_at: Option<DateTime<Utc>>,
    statuses: BTreeSet<String>,
    recall: Recall,
}

impl Line {
    /// One whose document had been taken back before it was made.
    pub fn withdrawn() -> Self {
        Self { standing: Standing::Withdrawn, ..Self::default() }
    }

    /// Takes in what happened next.
    pub fn hear(&mut self, event: EvidenceEvent, at: DateTime<Utc>, facts: &Value) {
        let word = |name: &str| facts.get(name).and_then(Value::as_str).unwrap_or_default();
        let is_over = matches!(self.standing, Standing::Delivered(_) | Standing::Withdrawn);
        match event {
            EvidenceEvent::ContentHandover if !is_over => {
                self.standing = Standing::Delivered(at);
                self.attempt = facts.get("attempt").and_then(Value::as_u64);
            }
            EvidenceEvent::ContentConsignmentFailure if !is_over => {
                self.standing = Standing::Failed(Cause::of_facts(facts));
            }
            EvidenceEvent::DeliveryWithdrawn if !is_over => self.standing = Standing::Withdrawn,
            EvidenceEvent::ContentConsignment | EvidenceEvent::RelayAcceptance if !is_over => {
                self.standing = Standing::Waiting;
            }
            EvidenceEvent::DeliveryDirected if !is_over && facts.get("new_delivery_id").is_some() => {
                self.standing = Standing::Waiting;
            }
            EvidenceEvent::StatusReported => self.report(word("kind").trim_start_matches("status-"), at),
            EvidenceEvent::RecallRequested => self.recall = Recall::Asked,
            EvidenceEvent::RecallAnswered => self.recall = Recall::Answered(word("kind") == "status-15"),
            EvidenceEvent::SubmissionAcceptance
            | EvidenceEvent::SubmissionRejection
            | EvidenceEvent::RelayAcceptance
            | EvidenceEvent::ContentConsignment
            | EvidenceEvent::ContentConsignmentFailure
            | EvidenceEvent::ContentHandover
            | EvidenceEvent::ContentHandoverFailure
            | EvidenceEvent::ContentFetched
            | EvidenceEvent::DeliveryWithdrawn
            | EvidenceEvent::DeliveryDirected
            | EvidenceEvent::RedriveChanged
            | EvidenceEvent::BulletinChanged
            | EvidenceEvent::RouteChanged
            | EvidenceEvent::EndpointChanged
            | EvidenceEvent::AgencyChanged
            | EvidenceEvent::DirectoryImported
            | EvidenceEvent::SystemChanged
            | EvidenceEvent::KeyChanged
            | EvidenceEvent::GrantChanged
            | EvidenceEvent::LedgerRefused
            | EvidenceEvent::UserChanged
            | EvidenceEvent::IdentityProviderChanged
            | EvidenceEvent::ListReconciled
            | EvidenceEvent::DataAccessed
            | EvidenceEvent::WarrantChanged
            | EvidenceEvent::HubDirected
            | EvidenceEvent::LegalHoldChanged
            | EvidenceEvent::PurgeChanged
            | EvidenceEvent::PacketDestroyed
            | EvidenceEvent::ArchiveDestroyed
            | EvidenceEvent::DestructionCertified
            | EvidenceEvent::StatementMade
            | EvidenceEvent::DayClosed
            | EvidenceEvent::ArchiveExported
            | EvidenceEvent::ContentViewed => {}
        }
    }

    fn report(&mut self, code: &str, at: DateTime<Utc>) {
        if !REPORTED.contains(&code) {
            return;
        }
        self.statuses.insert(code.to_owned());
        if TELL_RECEIPT.contains(&code) {
            self.told_at = Some(self.told_at.map_or(at, |first| first.min(at)));
        }
        if code == "03" {
            self.received_at = Some(self.received_at.map_or(at, |first| first.min(at)));
        }
    }
}

#[cfg(test)]
mod tests;
