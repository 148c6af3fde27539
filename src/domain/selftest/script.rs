//! What the partner sends in each case, and when: at once, or after something has come of what it sent before.

use super::Case;
use super::judge::Facts;

/// One thing that the partner sends.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Numbers what the partner sends in a case, from 1.
    pub part: u8,
    /// When.
    pub when: When,
    /// What.
    pub what: What,
}

/// When the partner sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At the beginning of the run.
    AtOnce,
    /// After the tested system has fetched that part and can only be asked.
    Fetched(u8),
    /// After a document of the tested system came.
    Arrived,
}

/// What the partner sends.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// A document.
    Document(Shape),
    /// A recall of that part.
    Recall(u8),
    /// An update of that part.
    Update(u8),
    /// A document that takes the place of that part.
    Replacement(u8),
    /// Status 13 about that part.
    AskBack(u8),
    /// A status about the document that came.
    Status(&'static str),
}

/// What is particular about a document.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Whether it is marked as express.
    pub express: bool,
    /// Whether it goes to the partner's other agency too, the tested one in the middle.
    pub many: bool,
    /// Whether agencies are named by their codes of the old form, where they have one.
    pub old_codes: bool,
    /// How its text is written.
    pub text: Text,
    /// What is attached.
    pub file: Option<File>,
    /// How its XML is written.
    pub dialect: Dialect,
    /// Whether it has a deadline.
    pub due: bool,
    /// Whose number and notation it carries.
    pub twin: Twin,
}

/// How text is written in Unicode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// Composed letters.
    Composed,
    /// Letters and marks apart.
    Decomposed,
}

/// What is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// A small text with a word.
    Plain,
    /// The same, zipped in transit as the SDK does it.
    Zipped,
    /// Two files of one name with accents; the word is in the second.
    SameNames,
    /// A large text with a word at its end.
    Large,
    /// A PDF to be sent back.
    Pdf,
}

/// How XML is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// As the hub writes.
    Own,
    /// With elements that only some vendors know.
    Vendor,
    /// Without prefixes.
    Bare,
}

/// Whose number and notation a document carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twin {
    /// Its own.
    None,
    /// Those of the first part of its case.
    OfFirst,
}

impl Shape {
    /// Nothing particular.
    pub const fn plain() -> Self {
        PLAIN
    }
}

/// A document with nothing particular.
pub(super) const PLAIN: Shape = Shape {
    express: false,
    many: false,
    old_codes: false,
    text: Text::Composed,
    file: None,
    dialect: Dialect::Own,
    due: false,
    twin: Twin::None,
};

pub(super) const fn document(part: u8, shape: Shape) -> Step {
    Step { part, when: When::AtOnce, what: What::Document(shape) }
}

pub(super) const fn after_fetch(part: u8, what: What) -> Step {
    Step { part, when: When::Fetched(1), what }
}

pub(super) const fn after_arrival(part: u8, code: &'static str) -> Step {
    Step { part, when: When::Arrived, what: What::Status(code) }
}

/// One document with nothing particular.
pub(super) const ONE: &[Step] = &[document(1, PLAIN)];

/// What the partner has to send now: what is due and was not sent. A step waits for the one before it.
pub fn due(case: &'static Case, facts: &Facts) -> Option<&'static Step> {
    let sent = |part: u8| facts.sent.iter().find(|sent| sent.case == case.code && sent.part == part);
    let next = case.steps.iter().find(|step| sent(step.part).is_none())?;
    let is_due = match next.when {
        When::AtOnce => true,
        When::Fetched(part) => sent(part).is_some_and(|sent| sent.fetched_at.is_some() || sent.done),
        When::Arrived => facts.arrived.iter().any(|arrived| arrived.case == case.code),
    };
    is_due.then_some(next)
}
