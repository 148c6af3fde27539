//! Incidents (sự cố): what goes wrong with a hub, from its beginning to its end. Kinds, and what of them begins, changes and ends
//! by what is seen now. Pure. Not here: how it is seen (`exchange::incidents`).

use super::rules::Wording;
use chrono::{DateTime, Utc};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IncidentKind {
    /// The database does not answer.
    Database,
    /// The tables are of another version.
    Migrations,
    /// The disk is full, or nearly.
    Disk,
    /// The key file is gone or is another one.
    KeyFile,
    /// Evidence is not sealed.
    Ledger,
    /// Witnesses do not cosign.
    Witnesses,
    /// Heads are not stamped.
    Timestamps,
    /// Receipts cannot be signed.
    Certificate,
    /// Mails do not leave.
    Mail,
    /// An endpoint does not answer, or said that it is gone.
    Endpoint,
    /// A job failed.
    Job,
    /// A node went without a word.
    Node,
}

/// Who sees that something of a kind goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Each node for its own machine.
    Machine,
    /// Any node for all.
    Hub,
    /// Nobody looks: it is noted when it happens.
    Happening,
}

impl IncidentKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Database,
        Self::Migrations,
        Self::Disk,
        Self::KeyFile,
        Self::Ledger,
        Self::Witnesses,
        Self::Timestamps,
        Self::Certificate,
        Self::Mail,
        Self::Endpoint,
        Self::Job,
        Self::Node,
    ];

    /// The word in tables and addresses; of what health checks see, the name of the check.
    pub fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Migrations => "migrations",
            Self::Disk => "disk",
            Self::KeyFile => "key_file",
            Self::Ledger => "ledger",
            Self::Witnesses => "witnesses",
            Self::Timestamps => "timestamps",
            Self::Certificate => "certificate",
            Self::Mail => "mail",
            Self::Endpoint => "endpoint",
            Self::Job => "job",
            Self::Node => "node",
        }
    }

    /// The kind of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What people call what is concerned.
    pub fn name(self) -> Wording {
        match self {
            Self::Database => Wording::new("Cơ sở dữ liệu", "Database"),
            Self::Migrations => Wording::new("Phiên bản cơ sở dữ liệu", "Version of the database"),
            Self::Disk => Wording::new("Đĩa", "Disk"),
            Self::KeyFile => Wording::new("Tệp khóa", "Key file"),
            Self::Ledger => Wording::new("Sổ cái", "Ledger"),
            Self::Witnesses => Wording::new("Bên làm chứng sổ cái", "Witnesses of the ledger"),
            Self::Timestamps => Wording::new("Dấu thời gian của sổ cái", "Time-stamps of the ledger"),
            Self::Certificate => Wording::new("Chứng thư ký biên nhận", "Certificate under receipts"),
            Self::Mail => Wording::new("Thư", "Mail"),
            Self::Endpoint => Wording::new("Điểm nhận", "Endpoint"),
            Self::Job => Wording::new("Công việc định kỳ", "Job"),
            Self::Node => Wording::new("Nút", "Node"),
        }
    }

    /// Who sees it.
    pub fn sight(self) -> Sight {
        match self {
            Self::Disk | Self::KeyFile | Self::Ledger | Self::Certificate | Self::Migrations => Sight::Machine,
            Self::Witnesses | Self::Timestamps | Self::Mail | Self::Endpoint | Self::Node => Sight::Hub,
            // Where the database is away nothing can be noted: it is, afterwards.
            Self::Database | Self::Job => Sight::Happening,
        }
    }
}

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Of what kind.
    pub kind: IncidentKind,
    /// What it concerns: a machine, an endpoint, a job, a node; empty: the hub.
    pub place: String,
    /// Whether what it concerns does not work; else it works, and somebody should look.
    pub is_grave: bool,
    /// What is wrong.
    pub words: Wording,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// An incident that goes on, as it was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ongoing {
    /// Its id.
    pub incident_id: String,
    /// Of what kind.
    pub kind: IncidentKind,
    /// What it concerns.
    pub place: String,
    /// Whether what it concerns does not work.
    pub is_grave: bool,
    /// What was last said of it.
    pub words: Wording,
}

/// What is to be noted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What was not noted yet.
    pub begun: Vec<Trouble>,
    /// What is otherwise than it was noted: the id, and how it is.
    pub changed: Vec<(String, Trouble)>,
    /// Ids of what is over.
    pub ended: Vec<String>,
}

impl Changes {
    /// Whether there is nothing to note.
    pub fn is_empty(&self) -> bool {
        self.begun.is_empty() && self.changed.is_empty() && self.ended.is_empty()
    }
}

/// With what eyes somebody looks.
#[derive(Debug, Clone, Default)]
pub struct Eyes {
    /// The machine on which it is.
    pub machine: String,
    /// Machines on which nodes are: each sees its own.
    pub machines: Vec<String>,
    /// Kinds of which it could not see this time whether they are there.
    pub blind_to: Vec<IncidentKind>,
}

impl Eyes {
    /// Whether what is not seen is over.
    fn can_see(&self, one: &Ongoing) -> bool {
        let is_seen = match one.kind.sight() {
            // What nobody can see any more is over too.
            Sight::Machine => one.place == self.machine || !self.machines.contains(&one.place),
            Sight::Hub => true,
            Sight::Happening => false,
        };
        is_seen && !self.blind_to.contains(&one.kind)
    }
}

/// What begins, changes and ends, when somebody sees this and nothing else of what it can see.
pub fn changes(ongoing: Vec<Ongoing>, seen: Vec<Trouble>, eyes: &Eyes) -> Changes {
    let mut changes = Changes::default();
    let mut unseen: Vec<Ongoing> = ongoing;
    for trouble in seen {
        let known = unseen.iter().position(|one| one.kind == trouble.kind && one.place == trouble.place);
        match known.map(|place| unseen.swap_remove(place)) {
            None => changes.begun.push(trouble),
            Some(one) if one.words == trouble.words && one.is_grave == trouble.is_grave => {}
            Some(one) => changes.changed.push((one.incident_id, trouble)),
        }
    }
    changes.ended = unseen.into_iter().filter(|one| eyes.can_see(one)).map(|one| one.incident_id).collect();
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(kind: IncidentKind, place: &str, en: &str) -> Trouble {
        Trouble {
            kind,
            place: place.to_owned(),
            is_grave: false,
            words: Wording::new("", en),
            since: DateTime::UNIX_EPOCH,
        }
    }

    fn ongoing(id: &str, of: &Trouble) -> Ongoing {
        let (kind, place, words) = (of.kind, of.place.clone(), of.words.clone());
        Ongoing { incident_id: id.to_owned(), kind, place, is_grave: false, words }
    }

    #[test]
    fn every_kind_is_found_by_its_word() {
        for kind in IncidentKind::ALL {
            assert_eq!(IncidentKind::of_word(kind.word()), Some(kind));
        }
        assert_eq!(IncidentKind::of_word("stopping"), None);
    }

    #[test]
    fn what_is_seen_begins_or_goes_on_and_what_is_not_seen_ends() {
        let [here, there] = ["m1", "m2"].map(|machine| trouble(IncidentKind::Disk, machine, "full"));
        let away = trouble(IncidentKind::Endpoint, "X99", "rests");
        let job = trouble(IncidentKind::Job, "sweep", "failed");
        let noted = vec![ongoing("1", &here), ongoing("2", &there), ongoing("3", &away), ongoing("4", &job)];

        let both = ["m1", "m2"].map(str::to_owned).to_vec();
        let eyes = Eyes { machine: "m1".to_owned(), machines: both, blind_to: Vec::new() };
        let nothing = changes(noted.clone(), Vec::new(), &eyes);
        assert_eq!(nothing.ended, ["1", "3"], "another machine's disk and a job are not for this one to end");
        assert!(changes(noted.clone(), vec![here.clone(), away.clone()], &eyes).is_empty());
        let blind = Eyes { blind_to: vec![IncidentKind::Endpoint], ..eyes.clone() };
        assert_eq!(changes(noted.clone(), Vec::new(), &blind).ended, ["1"], "it may go on");
        let alone = Eyes { machines: vec!["m1".to_owned()], ..eyes.clone() };
        assert_eq!(changes(noted.clone(), Vec::new(), &alone).ended, ["1", "2", "3"], "nobody is there to see it");

        let fuller = trouble(IncidentKind::Disk, "m1", "fuller");
        let mail = trouble(IncidentKind::Mail, "", "waits");
        let more = changes(noted, vec![fuller.clone(), away, mail.clone()], &eyes);
        assert_eq!(more, Changes { begun: vec![mail], changed: vec![("1".to_owned(), fuller)], ended: Vec::new() });
    }
}
