//! `agency add|list|show|import|export|close|suspend|open`.

use super::progress::Progress;
use super::{Outcome, time};
use crate::domain::agency::{Agency, AgencyState};
use crate::domain::directory::fault::Fault;
use crate::domain::directory::{Change, ChangeKind, Codes, Planned};
use crate::exchange::ExchangeError;
use crate::exchange::act::By;
use crate::exchange::agency_file::{self, Format};
use crate::exchange::directory::{self, AgencyEntry, AgencyLine};
use crate::exchange::import::{self, Counts, Imported, Mode, Step};
use crate::hub::Hub;
use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

#[derive(Debug, Subcommand)]
pub enum AgencyCommand {
    /// Register an agency, or change it when its code is known.
    Add(AddArguments),
    /// Import agencies from a CSV or JSON file: everything that it says, or nothing and every fault.
    Import(ImportArguments),
    /// Write every agency in the form that can be imported.
    Export {
        /// The file; its ending says the form (.csv or .json). Without one, to standard output.
        file: Option<PathBuf>,
        /// The form, when the ending does not say it.
        #[arg(long, value_enum)]
        format: Option<FormatWord>,
    },
    /// List every agency, closed ones included.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show one agency: aliases, validity, successor, who holds it.
    Show {
        /// Its code or an alias.
        code: String,
        /// One JSON object.
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
    #[arg(value_name = "CODE", required_unless_present = "code_option")]
    code: Option<String>,
    /// The code, as it was given before it had its place.
    #[arg(long = "code", hide = true, conflicts_with = "code")]
    code_option: Option<String>,
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
    /// Take codes that another agency gave up a while ago and that are still kept for it.
    #[arg(long)]
    move_codes: bool,
}

#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The file. CSV: its first line names the columns, of which code must be there; JSON: an array of objects.
    file: PathBuf,
    /// Change nothing; list what would change.
    #[arg(long)]
    dry_run: bool,
    /// Take codes that another agency gave up a while ago and that are still kept for it.
    #[arg(long)]
    move_codes: bool,
    /// Changes or faults as one JSON object per line, and last the counts.
    #[arg(long)]
    json: bool,
}

/// The form of a file of agencies.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FormatWord {
    /// Comma-separated values.
    Csv,
    /// An array of objects.
    Json,
}

impl FormatWord {
    fn format(self) -> Format {
        match self {
            Self::Csv => Format::Csv,
            Self::Json => Format::Json,
        }
    }
}

impl AgencyCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Add(AddArguments { code, code_option, name, parent, aliases, mail, move_codes }) => {
                let code = code.or(code_option).unwrap_or_default();
                let entry = AgencyEntry { code, name, parent, aliases, mail, ..AgencyEntry::default() };
                print(hub, &directory::register_agency(hub, &By::Operator, entry, codes(move_codes)).await?, out)?;
            }
            Self::Import(arguments) => return import(hub, &arguments, out).await,
            Self::Export { file, format } => export(hub, file.as_deref(), format, out).await?,
            Self::List { json } => list(hub, json, out).await?,
            Self::Show { code, json } => show(hub, &code, json, out).await?,
            Self::Close { code, successor } => {
                let closed = AgencyState::Closed;
                let agency = directory::set_agency_state(hub, &By::Operator, &code, closed, successor.as_deref()).await;
                print(hub, &agency.context(code)?, out)?;
            }
            Self::Suspend { code } => set(hub, &code, AgencyState::Suspended, out).await?,
            Self::Open { code } => set(hub, &code, AgencyState::Open, out).await?,
        }
        Ok(Outcome::Done)
    }
}

fn codes(move_codes: bool) -> Codes {
    if move_codes { Codes::Move } else { Codes::Rest }
}

async fn set(hub: &Hub, code: &str, state: AgencyState, out: &mut dyn Write) -> anyhow::Result<()> {
    let agency = directory::set_agency_state(hub, &By::Operator, code, state, None).await;
    print(hub, &agency.with_context(|| code.to_owned())?, out)
}

fn print(hub: &Hub, agency: &Agency, out: &mut dyn Write) -> anyhow::Result<()> {
    let day = agency.follows_on(hub.clock.now()).map(|day| day.format(" (từ/from %d/%m/%Y)").to_string());
    let successor = agency.successor.as_ref().map(|code| format!(" → {code}{}", day.unwrap_or_default()));
    let successor = successor.unwrap_or_default();
    writeln!(out, "{:<36}{:<10}{}{successor}", agency.code.as_str(), agency.state.word(), agency.name)?;
    Ok(())
}

/// Every agency, page by page.
async fn each(hub: &Hub, mut tell: impl FnMut(AgencyLine) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let limit = hub.config.lists.page_max;
    let mut after = String::new();
    loop {
        let page = directory::agencies_after(hub, &after, limit).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.agency.code.0);
        page.into_iter().try_for_each(&mut tell)?;
    }
}

async fn list(hub: &Hub, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    each(hub, |line| match json {
        true => Ok(writeln!(out, "{}", as_json(&line))?),
        false => print(hub, &line.agency, out),
    })
    .await
}

async fn show(hub: &Hub, code: &str, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let line = directory::agency(hub, code).await.with_context(|| code.to_owned())?;
    let holders = directory::holders(hub, line.agency.code.as_str()).await?;
    let kept = directory::kept_codes(hub, line.agency.code.as_str()).await?;
    let mut shown = as_json(&line);
    if let Some(members) = shown.as_object_mut() {
        members.insert("holders".to_owned(), json!(holders));
        let kept: serde_json::Map<_, _> = kept.into_iter().map(|(kept, until)| (kept, json!(time(until)))).collect();
        members.insert("kept_codes".to_owned(), json!(kept));
    }
    if json {
        writeln!(out, "{shown}")?;
        return Ok(());
    }
    for (name, value) in shown.as_object().into_iter().flatten() {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(texts) => {
                texts.iter().filter_map(|text| text.as_str()).collect::<Vec<_>>().join(" ")
            }
            serde_json::Value::Null => String::new(),
            serde_json::Value::Bool(_) | serde_json::Value::Number(_) | serde_json::Value::Object(_) => {
                value.to_string()
            }
        };
        writeln!(out, "{name:<12}{text}")?;
    }
    Ok(())
}

fn as_json(line: &AgencyLine) -> serde_json::Value {
    let agency = &line.agency;
    json!({
        "code": agency.code.as_str(),
        "old_code": line.old_code,
        "name": agency.name,
        "parent": agency.parent.as_ref().map(|code| code.as_str()),
        "aliases": line.aliases,
        "state": agency.state.word(),
        "standing": line.standing.word(),
        "successor": agency.successor.as_ref().map(|code| code.as_str()),
        "valid_from": agency.validity.from.map(|day| day.to_string()),
        "valid_until": agency.validity.until.map(|day| day.to_string()),
        "mail": agency.mail,
        "mobile": agency.mobile,
        "fax": agency.fax,
        "version": agency.version,
        "changed_at": time(line.changed_at),
    })
}

async fn export(hub: &Hub, file: Option<&Path>, format: Option<FormatWord>, out: &mut dyn Write) -> anyhow::Result<()> {
    let ending = file.and_then(Path::extension).and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let format = match (format, ending.as_deref()) {
        (Some(word), _) => word.format(),
        (None, Some("json")) => Format::Json,
        (None, Some("csv") | None) => Format::Csv,
        (None, Some(other)) => bail!("the ending .{other} says no form: use .csv, .json or --format"),
    };
    match file {
        None => write_file(hub, format, out).await,
        Some(path) => {
            let opened = std::fs::File::create(path).with_context(|| path.display().to_string())?;
            let mut writer = std::io::BufWriter::new(opened);
            write_file(hub, format, &mut writer).await?;
            let opened = writer.into_inner().map_err(|error| error.into_error())?;
            opened.sync_all().with_context(|| path.display().to_string())
        }
    }
}

async fn write_file(hub: &Hub, format: Format, out: &mut dyn Write) -> anyhow::Result<()> {
    out.write_all(agency_file::head(format).as_bytes())?;
    let mut is_first = true;
    each(hub, |line| {
        out.write_all(agency_file::row(&line.listing(), format, is_first).as_bytes())?;
        is_first = false;
        Ok(())
    })
    .await?;
    out.write_all(agency_file::tail(format).as_bytes())?;
    Ok(out.flush()?)
}

/// Imports the agencies of a text, without a word about progress.
pub async fn import_text(hub: &Hub, text: &str) -> anyhow::Result<()> {
    let bytes = text.as_bytes().to_vec();
    let format = Format::of_bytes(&bytes);
    match import::import(hub, &By::Operator, (bytes, format), (Mode::Apply, Codes::Rest), import::silent()).await? {
        Imported::Planned { .. } => Ok(()),
        Imported::Refused(faults) => Err(ExchangeError::Faulty(faults).into()),
    }
}

async fn import(hub: &Hub, arguments: &ImportArguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let file = arguments.file.display();
    let bytes = std::fs::read(&arguments.file).with_context(|| format!("cannot read {file}"))?;
    let format = Format::of_bytes(&bytes);
    let mode = if arguments.dry_run { Mode::DryRun } else { Mode::Apply };
    let how = (mode, codes(arguments.move_codes));
    let imported = import::import(hub, &By::Operator, (bytes, format), how, progress()).await;
    match imported.with_context(|| file.to_string())? {
        Imported::Refused(faults) => {
            faults.iter().try_for_each(|fault| print_fault(fault, arguments.json, out))?;
            if !arguments.json {
                writeln!(out, "{} lỗi; không có gì thay đổi / faults; nothing was changed", faults.len())?;
            }
            Ok(Outcome::Refused)
        }
        Imported::Planned { planned, version } => {
            print_plan(&planned, version, arguments, out)?;
            Ok(Outcome::Done)
        }
    }
}

fn print_fault(fault: &Fault, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let Fault { row, column, code, cause, remedy } = fault;
    match json {
        true => {
            let text = |wording: &crate::domain::rules::Wording| json!({ "vi": wording.vi, "en": wording.en });
            let (cause, remedy) = (text(cause), text(remedy));
            writeln!(
                out,
                "{}",
                json!({ "row": row, "column": column, "code": code, "cause": cause, "remedy": remedy })
            )?;
        }
        false => {
            writeln!(out, "{row}: {column}: {code}: {} {}", cause.vi, remedy.vi)?;
            writeln!(out, "    {} {}", cause.en, remedy.en)?;
        }
    }
    Ok(())
}

fn print_plan(planned: &Planned, version: i64, arguments: &ImportArguments, out: &mut dyn Write) -> anyhow::Result<()> {
    // Who imports a whole country does not want to read it; who asks what would change does.
    let is_listed = arguments.dry_run || arguments.json;
    for change in planned.changes.iter().filter(|_| is_listed) {
        match arguments.json {
            true => writeln!(out, "{}", change_json(change))?,
            false => writeln!(out, "{}", change_line(change))?,
        }
    }
    let Counts { added, changed, closed, reopened, unchanged } = import::counts(planned);
    if arguments.json {
        let counts = json!({
            "added": added, "changed": changed, "closed": closed, "reopened": reopened, "unchanged": unchanged,
        });
        writeln!(out, "{}", json!({ "dry_run": arguments.dry_run, "counts": counts, "version": version }))?;
        return Ok(());
    }
    if planned.changes.is_empty() {
        writeln!(out, "nothing changes: {unchanged} agencies are as the file says")?;
        return Ok(());
    }
    let verb = if arguments.dry_run { "would be " } else { "" };
    let line = format!("added {added}, changed {changed}, closed {closed}, reopened {reopened}; unchanged {unchanged}");
    writeln!(out, "{verb}{line}")?;
    if !arguments.dry_run {
        writeln!(out, "the directory has version {version}")?;
    }
    Ok(())
}

/// What becomes of one agency, in one line.
fn change_line(change: &Change) -> String {
    let line = format!("{:<9} {}", change.kind().word(), change.after.agency.code);
    match change.kind() {
        ChangeKind::Added => format!("{line}  {}", change.after.agency.name),
        ChangeKind::Changed | ChangeKind::Closed | ChangeKind::Reopened => {
            let differences = change.differences();
            let told = differences.iter().map(|(column, old, new)| format!("{}: {old:?} → {new:?}", column.name()));
            format!("{line}  {}", told.collect::<Vec<_>>().join(", "))
        }
    }
}

fn change_json(change: &Change) -> serde_json::Value {
    let columns = change
        .differences()
        .into_iter()
        .map(|(column, old, new)| (column.name().to_owned(), json!({ "old": old, "new": new })));
    let columns: serde_json::Map<_, _> = columns.collect();
    json!({ "change": change.kind().word(), "code": change.after.agency.code.as_str(), "columns": columns })
}

/// Shows how far the writing is, on a terminal.
fn progress() -> import::Progress {
    let bar: OnceLock<Progress> = OnceLock::new();
    Arc::new(move |step, done, all| {
        let number = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        if step == Step::Write {
            bar.get_or_init(|| Progress::pieces(number(all), "Ghi danh bạ")).set(number(done));
        }
    })
}
