//! What entries, from a file or an administrator, make of the directory: every fault of them, or what changes. Pure:
//! the texts of faults are in `fault`, files in `exchange::agency_file`, rows of tables in `store::agencies`.

pub mod fault;
mod plan;
#[cfg(test)]
mod tests;

use super::agency::{Agency, AgencyCode};
use chrono::{DateTime, Utc};
use std::collections::HashMap;

pub use fault::Fault;
pub use plan::{Planned, plan};

/// Which new agencies systems may register by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// None: the operator does it.
    Closed,
    /// Those below an agency that the system holds.
    Below,
    /// Any, also without an agency above.
    Open,
}

impl Registration {
    /// The registration of that word in the configuration.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "closed" => Some(Self::Closed),
            "below" => Some(Self::Below),
            "open" => Some(Self::Open),
            _ => None,
        }
    }
}

/// What is to become of codes that another agency gave up a while ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codes {
    /// They rest: only who had them may take them.
    Rest,
    /// They move: whoever asks said that they may be taken.
    Move,
}

/// A code that an agency gave up and that is kept for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resting {
    /// Who had it.
    pub owner: AgencyCode,
    /// Until when it is kept.
    pub until: DateTime<Utc>,
}

/// A column of the directory's file, and a member of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// Canonical code.
    Code,
    /// Name shown to people.
    Name,
    /// Code or alias of the agency above.
    Parent,
    /// `open`, `suspended` or `closed`.
    State,
    /// Code or alias of who took over, of a closed agency or one with a last day.
    Successor,
    /// Further codes that lead to it.
    Aliases,
    /// Contact mail.
    Mail,
    /// Contact telephone.
    Mobile,
    /// Contact fax.
    Fax,
    /// First day of validity.
    ValidFrom,
    /// Last day of validity.
    ValidUntil,
}

impl Column {
    /// Every column, in the order of exports.
    pub const ALL: [Self; 11] = [
        Self::Code,
        Self::Name,
        Self::Parent,
        Self::State,
        Self::Successor,
        Self::Aliases,
        Self::Mail,
        Self::Mobile,
        Self::Fax,
        Self::ValidFrom,
        Self::ValidUntil,
    ];

    /// Its name in files and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Name => "name",
            Self::Parent => "parent",
            Self::State => "state",
            Self::Successor => "successor",
            Self::Aliases => "aliases",
            Self::Mail => "mail",
            Self::Mobile => "mobile",
            Self::Fax => "fax",
            Self::ValidFrom => "valid_from",
            Self::ValidUntil => "valid_until",
        }
    }

    /// The column of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }
}

/// An entry as somebody gives it. What is not said stays as it is; what is said as empty becomes empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Where it stands in its file: the line of a CSV file, the number of a JSON element; 0 outside of files.
    pub row: usize,
    /// What is said, by column; aliases are not here.
    pub texts: HashMap<Column, String>,
    /// All further codes that lead to it, if they are said.
    pub aliases: Option<Vec<String>>,
}

impl Entry {
    /// An entry about an agency, that says nothing yet.
    pub fn about(code: &str) -> Self {
        Self::default().with(Column::Code, code)
    }

    /// The same, saying one thing more.
    #[must_use]
    pub fn with(mut self, column: Column, text: impl Into<String>) -> Self {
        self.texts.insert(column, text.into());
        self
    }

    /// What it says in a column, without spaces around.
    pub fn text(&self, column: Column) -> Option<&str> {
        self.texts.get(&column).map(|text| text.trim())
    }
}

/// An agency and its further codes, in the order of their upper-case form; its own code is not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The agency.
    pub agency: Agency,
    /// Codes beside its own.
    pub aliases: Vec<String>,
}

impl Listing {
    /// An agency with the codes that lead to it, of which its own is left out.
    pub fn new(agency: Agency, mut aliases: Vec<String>) -> Self {
        aliases.retain(|alias| !alias.eq_ignore_ascii_case(agency.code.as_str()));
        aliases.sort_by_key(|alias| folded(alias));
        Self { agency, aliases }
    }

    /// What it says in a column, as a file has it; aliases are joined by semicolons.
    pub fn text(&self, column: Column) -> String {
        let agency = &self.agency;
        let code =
            |code: &Option<super::agency::AgencyCode>| code.as_ref().map(ToString::to_string).unwrap_or_default();
        let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        match column {
            Column::Code => agency.code.0.clone(),
            Column::Name => agency.name.clone(),
            Column::Parent => code(&agency.parent),
            Column::State => agency.state.word().to_owned(),
            Column::Successor => code(&agency.successor),
            Column::Aliases => self.aliases.join(";"),
            Column::Mail => agency.mail.clone(),
            Column::Mobile => agency.mobile.clone(),
            Column::Fax => agency.fax.clone(),
            Column::ValidFrom => day(agency.validity.from),
            Column::ValidUntil => day(agency.validity.until),
        }
    }
}

/// The form under which codes are compared.
pub fn folded(code: &str) -> String {
    code.to_ascii_uppercase()
}

/// The directory as it is, or as much of it as entries can be about.
#[derive(Debug, Default)]
pub struct Known {
    listings: HashMap<String, Listing>,
    by_alias: HashMap<String, String>,
    resting: HashMap<String, Resting>,
}

impl Known {
    /// Takes in an agency.
    pub fn add(&mut self, listing: Listing) {
        let code = folded(listing.agency.code.as_str());
        for alias in &listing.aliases {
            self.by_alias.insert(folded(alias), code.clone());
        }
        self.by_alias.insert(code.clone(), code.clone());
        self.listings.insert(code, listing);
    }

    /// Takes in a code, in upper case, that is kept for who had it.
    pub fn rest(&mut self, folded: String, resting: Resting) {
        self.resting.insert(folded, resting);
    }

    /// For whom a code, in upper case, is kept that leads nowhere.
    fn resting(&self, folded: &str) -> Option<&Resting> {
        self.resting.get(folded).filter(|_| self.owner(folded).is_none())
    }

    /// The agency of a canonical code in upper case.
    fn listing(&self, folded: &str) -> Option<&Listing> {
        self.listings.get(folded)
    }

    /// The canonical code in upper case to which a code or alias leads.
    fn owner(&self, folded: &str) -> Option<&str> {
        self.by_alias.get(folded).map(String::as_str)
    }
}

impl FromIterator<Listing> for Known {
    fn from_iter<T: IntoIterator<Item = Listing>>(listings: T) -> Self {
        let mut known = Self::default();
        listings.into_iter().for_each(|listing| known.add(listing));
        known
    }
}

/// What becomes of one agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it was; nothing when it is new.
    pub before: Option<Listing>,
    /// What it will be. Its version is that of before.
    pub after: Listing,
}

/// A kind of change, as lists name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The agency is new.
    Added,
    /// Something of it changes.
    Changed,
    /// It is closed.
    Closed,
    /// It was closed and is no more.
    Reopened,
}

impl ChangeKind {
    /// The word in lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Closed => "closed",
            Self::Reopened => "reopened",
        }
    }
}

impl Change {
    /// Its kind.
    pub fn kind(&self) -> ChangeKind {
        use super::agency::AgencyState::{Closed, Open, Suspended};
        match (self.before.as_ref().map(|before| before.agency.state), self.after.agency.state) {
            (None, _) => ChangeKind::Added,
            (Some(Open | Suspended), Closed) => ChangeKind::Closed,
            (Some(Closed), Open | Suspended) => ChangeKind::Reopened,
            (Some(Open | Suspended), Open | Suspended) | (Some(Closed), Closed) => ChangeKind::Changed,
        }
    }

    /// What differs: the column, what it said, what it will say. Of a new agency, everything that is not empty.
    pub fn differences(&self) -> Vec<(Column, String, String)> {
        let before = |column| self.before.as_ref().map(|before| before.text(column)).unwrap_or_default();
        let pairs = Column::ALL.into_iter().map(|column| (column, before(column), self.after.text(column)));
        pairs.filter(|(_, before, after)| before != after).collect()
    }
}
