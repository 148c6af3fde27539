//! `agency add|import|list|close|suspend|open`.

use super::{Outcome, csv, time};
use crate::domain::agency::{Agency, AgencyState};
use crate::exchange::directory::{self, AgencyEntry, AgencyLine};
use crate::hub::Hub;
use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum AgencyCommand {
    /// Register an agency, or change it when its code is known.
    Add(AddArguments),
    /// Register agencies from a CSV file: code,name,parent,state,successor,aliases,mail.
    Import {
        /// The file; its first line names the columns, of which code and name must be there.
        file: PathBuf,
    },
    /// List every agency, closed ones included.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Close an agency: nothing is sent to it any more.
    Close {
        /// Its code or an alias.
        code: String,
        /// The agency that took over; senders are told.
        #[arg(long, value_name = "CODE")]
        successor: Option<String>,
    },
    /// Lock an agency for now: it neither sends nor receives.
    Suspend {
        /// Its code or an alias.
        code: String,
    },
    /// Let an agency take part again.
    Open {
        /// Its code or an alias.
        code: String,
    },
}

#[derive(Debug, Args)]
pub struct AddArguments {
    /// Canonical code.
    #[arg(long)]
    code: String,
    /// Name shown to people.
    #[arg(long)]
    name: String,
    /// Code or alias of the agency above.
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    parent: String,
    /// Further codes that lead to it, such as the one of QCVN 102:2016.
    #[arg(long = "alias", value_name = "CODE", num_args = 1..)]
    aliases: Vec<String>,
    /// Contact mail.
    #[arg(long, default_value = "", hide_default_value = true)]
    mail: String,
}

impl AgencyCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Add(AddArguments { code, name, parent, aliases, mail }) => {
                let entry = AgencyEntry { code, name, parent, aliases, mail, ..AgencyEntry::default() };
                print(&directory::register_agency(hub, entry).await?, out)?;
            }
            Self::Import { file } => {
                let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
                let number = import(hub, &text).await.with_context(|| file.display().to_string())?;
                writeln!(out, "{number} agencies registered")?;
            }
            Self::List { json } => list(hub, json, out).await?,
            Self::Close { code, successor } => {
                let agency = directory::set_agency_state(hub, &code, AgencyState::Closed, successor.as_deref()).await;
                print(&agency.context(code)?, out)?;
            }
            Self::Suspend { code } => set(hub, &code, AgencyState::Suspended, out).await?,
            Self::Open { code } => set(hub, &code, AgencyState::Open, out).await?,
        }
        Ok(Outcome::Done)
    }
}

async fn set(hub: &Hub, code: &str, state: AgencyState, out: &mut dyn Write) -> anyhow::Result<()> {
    let agency = directory::set_agency_state(hub, code, state, None).await;
    print(&agency.with_context(|| code.to_owned())?, out)
}

fn print(agency: &Agency, out: &mut dyn Write) -> anyhow::Result<()> {
    let successor = agency.successor.as_ref().map(|code| format!(" → {code}")).unwrap_or_default();
    writeln!(out, "{:<36}{:<10}{}{successor}", agency.code.as_str(), agency.state.word(), agency.name)?;
    Ok(())
}

async fn list(hub: &Hub, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let limit = hub.config.lists.page_max;
    let mut after = String::new();
    loop {
        let page = directory::agencies_after(hub, &after, limit).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.agency.code.as_str().to_owned();
        for line in &page {
            match json {
                true => writeln!(out, "{}", as_json(line))?,
                false => print(&line.agency, out)?,
            }
        }
    }
}

fn as_json(line: &AgencyLine) -> serde_json::Value {
    let agency = &line.agency;
    serde_json::json!({
        "code": agency.code.as_str(),
        "old_code": line.old_code,
        "name": agency.name,
        "parent": agency.parent.as_ref().map(|code| code.as_str()),
        "state": agency.state.word(),
        "successor": agency.successor.as_ref().map(|code| code.as_str()),
        "mail": agency.mail,
        "changed_at": time(line.changed_at),
    })
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    code: String,
    name: String,
    parent: String,
    state: AgencyState,
    successor: String,
    aliases: Vec<String>,
    mail: String,
}

/// Registers every agency of a CSV text, parents first, then closes and suspends. Can be repeated: what is
/// registered already is changed to what the text says. Gives their number.
pub async fn import(hub: &Hub, text: &str) -> anyhow::Result<usize> {
    let entries = parents_first(entries(text)?);
    let mut states = HashMap::new();
    for entry in &entries {
        let Entry { code, name, parent, aliases, mail, .. } = entry.clone();
        let registered = AgencyEntry { code, name, parent, aliases, mail, ..AgencyEntry::default() };
        let agency = directory::register_agency(hub, registered).await.with_context(|| entry.code.clone())?;
        states.insert(entry.code.clone(), (agency.state, agency.successor.map_or(String::new(), |code| code.0)));
    }
    // Afterwards, since a successor must be there first.
    for entry in &entries {
        let wanted = (entry.state, entry.successor.clone());
        if states.get(&entry.code) != Some(&wanted) {
            let successor = Some(entry.successor.as_str()).filter(|code| !code.is_empty());
            let set = directory::set_agency_state(hub, &entry.code, entry.state, successor).await;
            set.with_context(|| entry.code.clone())?;
        }
    }
    Ok(entries.len())
}

fn entries(text: &str) -> anyhow::Result<Vec<Entry>> {
    let mut rows = csv::rows(text).into_iter();
    let head: Vec<String> = rows.next().context("the file is empty")?.iter().map(|c| c.trim().to_owned()).collect();
    let known = ["code", "name", "parent", "state", "successor", "aliases", "mail"];
    if let Some(strange) = head.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("unknown column {strange:?}; known are {}", known.join(","));
    }
    for name in ["code", "name"] {
        ensure!(head.iter().any(|c| c == name), "the column {name:?} is missing");
    }
    rows.zip(2..).map(|(row, line)| entry(&head, &row).with_context(|| format!("row {line}"))).collect()
}

fn entry(head: &[String], row: &[String]) -> anyhow::Result<Entry> {
    ensure!(row.len() <= head.len(), "more fields than columns: {}", row.join(","));
    let field = |name: &str| {
        let place = head.iter().position(|column| column == name);
        place.and_then(|at| row.get(at)).map(|text| text.trim().to_owned()).unwrap_or_default()
    };
    let state = match field("state").as_str() {
        "" => AgencyState::Open,
        word => AgencyState::of_word(word).with_context(|| format!("unknown state {word:?}"))?,
    };
    let aliases = field("aliases");
    let aliases = aliases.split(|c: char| c == ';' || c.is_whitespace()).filter(|alias| !alias.is_empty());
    let entry = Entry {
        code: field("code"),
        name: field("name"),
        parent: field("parent"),
        state,
        successor: field("successor"),
        aliases: aliases.map(str::to_owned).collect(),
        mail: field("mail"),
    };
    ensure!(!entry.code.is_empty() && !entry.name.is_empty(), "an agency needs a code and a name");
    Ok(entry)
}

/// The same entries with every parent of the file before its children. Entries in a circle come last.
fn parents_first(entries: Vec<Entry>) -> Vec<Entry> {
    let mut waiting = entries;
    let mut ordered: Vec<Entry> = Vec::new();
    loop {
        let missing: HashSet<String> = waiting.iter().map(|entry| entry.code.clone()).collect();
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|e| !missing.contains(&e.parent));
        let stuck = ready.is_empty();
        ordered.extend(ready);
        waiting = rest;
        if stuck {
            ordered.extend(waiting);
            return ordered;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.code.as_str()).collect()
    }

    #[test]
    fn a_file_may_name_its_columns_in_any_order_and_leave_some_out() {
        let read = entries("name,code,aliases\nSở Một,A.1,000.01;000.02 000.03\n").unwrap();

        assert_eq!(read[0].code, "A.1");
        assert_eq!(read[0].aliases, ["000.01", "000.02", "000.03"]);
        assert_eq!(read[0].state, AgencyState::Open);
    }

    #[test]
    fn faults_of_a_file_name_the_row() {
        for (text, words) in [
            ("", "the file is empty"),
            ("code,nam\nA,B", "unknown column \"nam\""),
            ("code\nA", "\"name\" is missing"),
            ("code,name\nA,B\nC,", "row 3: an agency needs"),
            ("code,name,state\nA,B,offen", "row 2: unknown state \"offen\""),
            ("code,name\nA,B,C", "row 2: more fields"),
        ] {
            let fault = format!("{:#}", entries(text).unwrap_err());
            assert!(fault.contains(words), "{text:?}: {fault}");
        }
    }

    #[test]
    fn parents_are_registered_before_their_children() {
        let read = entries("code,name,parent\nC,c,B\nB,b,A\nA,a,\nD,d,ELSEWHERE\n").unwrap();

        assert_eq!(codes(&parents_first(read)), ["A", "D", "B", "C"]);
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let read = entries("code,name,parent\nA,a,B\nB,b,A\n").unwrap();

        assert_eq!(parents_first(read).len(), 2);
    }
}
