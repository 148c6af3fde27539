//! What entries make of a directory.

use super::*;
use crate::domain::agency::AgencyState;
use proptest::prelude::*;

fn entry(row: usize, code: &str) -> Entry {
    Entry { row, ..Entry::about(code).with(Column::Name, format!("Cơ quan {code}")) }
}

fn aliases(entry: Entry, codes: &[&str]) -> Entry {
    Entry { aliases: Some(codes.iter().map(|code| (*code).to_owned()).collect()), ..entry }
}

/// The directory after these entries.
fn after(known: &Known, entries: &[Entry]) -> Known {
    let planned = plan(known, entries).unwrap();
    let mut listings = known.listings.clone();
    listings.extend(planned.changes.into_iter().map(|c| (folded(c.after.agency.code.as_str()), c.after)));
    listings.into_values().collect()
}

fn codes(known: &Known, entries: &[Entry]) -> Vec<(usize, String, &'static str)> {
    let faults = plan(known, entries).unwrap_err();
    faults.into_iter().map(|fault| (fault.row, fault.column, fault.code)).collect()
}

fn three() -> Known {
    let closed = entry(3, "C").with(Column::State, "closed").with(Column::Successor, "old-b");
    after(&Known::default(), &[entry(1, "A"), aliases(entry(2, "B"), &["OLD-B"]).with(Column::Parent, "a"), closed])
}

#[test]
fn children_and_successors_may_stand_before_what_they_name() {
    let known = three();

    assert_eq!(known.listing("B").unwrap().agency.parent.as_ref().unwrap().as_str(), "A");
    assert_eq!(known.listing("C").unwrap().agency.successor.as_ref().unwrap().as_str(), "B", "by an alias");
    assert!(plan(&Known::default(), &[entry(1, "B").with(Column::Parent, "A"), entry(2, "A")]).is_ok());
}

#[test]
fn what_an_entry_does_not_say_stays() {
    let planned = plan(&three(), &[Entry::about("b").with(Column::Mail, "b@b.example")]).unwrap();

    let [change] = planned.changes.as_slice() else { panic!("{planned:?}") };
    assert_eq!(change.kind(), ChangeKind::Changed);
    assert_eq!(change.differences(), [(Column::Mail, String::new(), "b@b.example".to_owned())]);
    assert_eq!(change.after.aliases, ["OLD-B"]);
}

#[test]
fn what_an_entry_says_as_empty_becomes_empty() {
    let planned = plan(&three(), &[aliases(Entry::about("B").with(Column::Parent, ""), &[])]).unwrap();

    let columns: Vec<Column> = planned.changes[0].differences().into_iter().map(|(column, ..)| column).collect();
    assert_eq!(columns, [Column::Parent, Column::Aliases]);
}

#[test]
fn kinds_of_change_follow_from_the_states() {
    let kind = |entry: Entry| plan(&three(), &[entry]).unwrap().changes[0].kind();

    assert_eq!(kind(entry(1, "D")), ChangeKind::Added);
    assert_eq!(kind(Entry::about("A").with(Column::State, "closed")), ChangeKind::Closed);
    assert_eq!(kind(Entry::about("A").with(Column::State, "suspended")), ChangeKind::Changed);
    assert_eq!(kind(Entry::about("C").with(Column::State, "open")), ChangeKind::Reopened);
}

#[test]
fn an_alias_may_move_within_one_file_and_not_otherwise() {
    let taken = aliases(entry(2, "A"), &["old-b"]);

    assert_eq!(codes(&three(), std::slice::from_ref(&taken)), [(2, "aliases".to_owned(), "alias-taken")]);
    let moved = after(&three(), &[taken, aliases(entry(3, "B"), &[])]);
    assert_eq!(moved.owner("OLD-B"), Some("A"));
}

#[test]
fn every_fault_of_every_row_is_told_at_once() {
    let wrong = [
        entry(2, ""),
        entry(3, "a b"),
        entry(4, "A").with(Column::Name, " "),
        entry(5, "a"),
        aliases(entry(6, "D"), &["?", "B", "OLD-B"]).with(Column::Parent, "Z").with(Column::State, "offen"),
        entry(7, "E").with(Column::State, "closed").with(Column::Successor, "Z").with(Column::ValidFrom, "morgen"),
        entry(8, "F").with(Column::Successor, "A").with(Column::Mail, "x".repeat(201)).with(Column::Fax, "\u{1}"),
        entry(9, "G").with(Column::ValidFrom, "2026-12-02").with(Column::ValidUntil, "01/12/2026"),
        entry(10, "OLD-B"),
        entry(11, "H").with(Column::Parent, "I"),
        entry(12, "I").with(Column::Parent, "H"),
        entry(13, "J").with(Column::Parent, "I").with(Column::State, "closed").with(Column::Successor, "J"),
    ];

    let found = codes(&three(), &wrong);

    let expected = [
        (2, "code", "code-missing"),
        (3, "code", "code-malformed"),
        (4, "name", "name-missing"),
        (5, "code", "code-repeated"),
        (6, "aliases", "code-malformed"),
        (6, "aliases", "alias-taken"),
        (6, "aliases", "alias-taken"),
        (6, "aliases", "alias-taken"),
        (6, "parent", "parent-unknown"),
        (6, "state", "state-unknown"),
        (7, "successor", "successor-unknown"),
        (7, "valid_from", "date-malformed"),
        (8, "mail", "text-too-long"),
        (8, "fax", "text-unusable"),
        (8, "successor", "successor-of-open"),
        (9, "valid_until", "dates-reversed"),
        (10, "code", "code-taken"),
        (11, "parent", "parent-circle"),
        (12, "parent", "parent-circle"),
        (13, "successor", "successor-circle"),
    ];
    let mut sorted: Vec<(usize, &str, &str)> =
        found.iter().map(|(row, column, code)| (*row, &**column, *code)).collect();
    sorted.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
}

#[test]
fn a_new_parent_may_not_stand_below_its_child() {
    assert_eq!(codes(&three(), &[Entry::about("A").with(Column::Parent, "B")]).len(), 1);
    assert_eq!(codes(&three(), &[Entry::about("A").with(Column::Parent, "A")])[0].2, "parent-circle");
}

/// A directory of up to forty agencies: parents and successors among those before, everything else at will.
fn directories() -> impl Strategy<Value = Vec<Entry>> {
    let text = || prop_oneof![Just(String::new()), "[ -~àậđĐ\n\";,]{0,20}"];
    let day = || prop_oneof![Just(""), Just("2026-01-31"), Just("28/02/2027")];
    let one = (text(), text(), 0..60usize, 0..3usize, 0..60usize, (0..3usize, day(), text()));
    proptest::collection::vec(one, 0..40).prop_map(|rows| {
        let code = |number: usize| format!("X{number}.b");
        let entries =
            rows.into_iter().enumerate().map(|(at, (name, mail, parent, state, next, (more, until, fax)))| {
                let below = |n: usize| if n < at { code(n) } else { String::new() };
                let word = [AgencyState::Open, AgencyState::Suspended, AgencyState::Closed][state];
                let entry = Entry { row: at + 1, ..Entry::about(&code(at)) };
                let entry =
                    entry.with(Column::Name, format!("{name}!")).with(Column::Mail, mail).with(Column::Fax, fax);
                let entry = entry.with(Column::Parent, below(parent)).with(Column::State, word.word());
                let entry = entry.with(Column::ValidUntil, until);
                let successor = if word == AgencyState::Closed { below(next) } else { String::new() };
                let aliases = Some((0..more).map(|n| format!("000.{at}.{n}")).collect());
                Entry { aliases, ..entry.with(Column::Successor, successor) }
            });
        entries.collect()
    })
}

proptest! {
    /// What a directory says of itself, read back, is that directory: over nothing and over itself.
    #[test]
    fn a_directory_is_what_its_listings_say(entries in directories()) {
        let first = after(&Known::default(), &entries);
        let mut said: Vec<Entry> = Vec::new();
        for (number, listing) in first.listings.values().enumerate() {
            let texts = Column::ALL.into_iter().filter(|column| *column != Column::Aliases);
            let texts = texts.map(|column| (column, listing.text(column))).collect();
            said.push(Entry { row: number + 1, texts, aliases: Some(listing.aliases.clone()) });
        }

        let again = plan(&first, &said).unwrap();
        let anew = after(&Known::default(), &said);

        prop_assert_eq!(again.changes, vec![]);
        prop_assert_eq!(again.unchanged, entries.len());
        prop_assert_eq!(anew.listings, first.listings);
    }
}
