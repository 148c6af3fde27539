//! The figures of a run and their two forms: a Markdown page for people and one line of JSON for programs.

use crate::hub_under_test::Database;
use anyhow::Result;
use serde::Serialize;
use std::fmt::{self, Display, Formatter, Write};

/// One measurement of one hub in one round.
#[derive(Serialize)]
pub struct Figures {
    pub packets: usize,
    pub errors: u64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// A packet, of the hub's process.
    pub cpu_ms: f64,
    /// A packet, of the database server's processes.
    pub database_cpu_ms: Option<f64>,
    pub peak_mb: f64,
    pub first_error: Option<String>,
}

/// A round in which both sides finished; the ratio is taken inside it.
#[derive(Serialize)]
pub struct Pair {
    pub round: usize,
    pub reference: Figures,
    pub hub: Figures,
}

impl Pair {
    fn sides(&self) -> [(&'static str, usize, &Figures); 2] {
        [("ref", self.round, &self.reference), ("hub", self.round, &self.hub)]
    }
}

/// All rounds of one cell.
#[derive(Serialize)]
pub struct CellReport {
    pub cell: &'static str,
    pub pairs: Vec<Pair>,
    pub failures: Vec<String>,
}

/// How quiet the machine was before a round.
#[derive(Serialize)]
pub struct Quiet {
    pub load_average: Option<f64>,
    pub busy: Option<f64>,
    pub synced_appends_per_second: f64,
}

/// What eight packets of 50 MB at once took.
#[derive(Serialize)]
pub struct Memory {
    pub idle_mb: f64,
    pub peak_mb: f64,
    pub over_idle_mb: f64,
    pub accepted: usize,
    pub seconds: f64,
    pub first_error: Option<String>,
}

/// Packets a sync: as `strace` saw it, which slows the hub down, and by the hub's own counter at full speed.
#[derive(Default, Serialize)]
pub struct Syncs {
    pub own_count_c64: Option<f64>,
    pub traced_c64: Option<f64>,
    pub traced_c1: Option<f64>,
    pub not_traced: Option<String>,
}

/// Everything about the hub with one database.
#[derive(Serialize)]
pub struct DatabaseReport {
    pub database: Database,
    pub quiet: Vec<Quiet>,
    pub cells: Vec<CellReport>,
    pub cold_start_ms: Vec<f64>,
    pub memory: Option<Memory>,
    pub syncs: Option<Syncs>,
    pub failures: Vec<String>,
}

/// A whole run.
#[derive(Serialize)]
pub struct Report {
    pub at: String,
    pub hub: String,
    pub file_system: String,
    pub cores: usize,
    pub rounds: usize,
    pub seconds: f64,
    pub databases: Vec<DatabaseReport>,
}

/// The least, the middle and the greatest of some figures.
struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Option<Spread> {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Spread { min: *sorted.first()?, median: (lower + upper) / 2.0, max: *sorted.last()? })
    }
}

impl Display for Spread {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{} / **{}** / {}", short(self.min), short(self.median), short(self.max))
    }
}

/// Three digits that matter.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

fn spread(values: impl Iterator<Item = f64>) -> String {
    Spread::of(values).map_or_else(|| "–".to_owned(), |spread| spread.to_string())
}

fn median(values: impl Iterator<Item = f64>) -> String {
    Spread::of(values).map_or_else(|| "–".to_owned(), |spread| short(spread.median))
}

fn known(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), short)
}

impl Report {
    /// Everything, in one line.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// The page for people.
    pub fn markdown(&self) -> Result<String> {
        let mut page = String::new();
        writeln!(page, "# Load\n")?;
        writeln!(
            page,
            "{}: {} rounds of {} s a cell, {} cores, {}.",
            self.at, self.rounds, self.seconds, self.cores, self.file_system
        )?;
        writeln!(page, "Hub: {}. Senders, hub and database share the machine; loopback, no TLS.", self.hub)?;
        writeln!(
            page,
            "Ref is the reference hub, the least that durable accepting can be. Three figures are min / **median** / max."
        )?;
        for database in &self.databases {
            database.markdown(&mut page)?;
        }
        Ok(page)
    }
}

impl DatabaseReport {
    fn markdown(&self, page: &mut String) -> Result<()> {
        let name = match self.database {
            Database::Sqlite => "SQLite",
            Database::Postgres => "PostgreSQL",
        };
        writeln!(page, "\n## {name}\n")?;
        writeln!(
            page,
            "| cell | ref, per s | hub, per s | hub / ref | CPU ms a packet: hub | ref | database | p99 ms: hub | ref | hub peak MB |"
        )?;
        writeln!(page, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")?;
        for cell in &self.cells {
            cell.markdown(page)?;
        }
        writeln!(page)?;
        self.notes(page)?;
        let of_cells = self.cells.iter().flat_map(CellReport::troubles);
        for trouble in of_cells.chain(self.failures.iter().cloned()) {
            writeln!(page, "- **Trouble**: {}", trouble.replace('\n', " "))?;
        }
        Ok(())
    }

    fn notes(&self, page: &mut String) -> Result<()> {
        writeln!(page, "- Cold start to the first healthy answer, ms: {}", spread(self.cold_start_ms.iter().copied()))?;
        if let Some(memory) = &self.memory {
            let Memory { idle_mb, peak_mb, over_idle_mb, accepted, seconds, .. } = memory;
            let (idle, peak, over) = (short(*idle_mb), short(*peak_mb), short(*over_idle_mb));
            writeln!(
                page,
                "- Memory: idle {idle} MB; eight packets of 50 MB at once {peak} MB, **{over} MB over idle** ({accepted} accepted in {} s)",
                short(*seconds)
            )?;
            if let Some(error) = &memory.first_error {
                writeln!(page, "- **Trouble**: memory, first error: {}", error.replace('\n', " "))?;
            }
        }
        if let Some(syncs) = &self.syncs {
            let (own, crowd, alone) = (known(syncs.own_count_c64), known(syncs.traced_c64), known(syncs.traced_c1));
            writeln!(
                page,
                "- Packets a sync at 2KB/c64: {crowd} traced (slowed down), {own} by the hub's own count; at 2KB/c1: {alone} traced"
            )?;
            if syncs.traced_c1.is_some_and(|packets| packets > 1.05) {
                let trouble = "with one sender there are fewer syncs than packets: what is acknowledged is not durable";
                writeln!(page, "- **Trouble**: {trouble}")?;
            }
            if let Some(reason) = &syncs.not_traced {
                writeln!(page, "- Syncs not all traced: {reason}")?;
            }
        }
        let rate = spread(self.quiet.iter().map(|quiet| quiet.synced_appends_per_second));
        let busy = spread(self.quiet.iter().filter_map(|quiet| quiet.busy));
        let load = spread(self.quiet.iter().filter_map(|quiet| quiet.load_average));
        writeln!(
            page,
            "- Before each round: 2 KB append + fdatasync, per s {rate}; processors in use {busy}; load average {load}"
        )?;
        let verdict = if self.is_quiet() { "quiet" } else { "**noisy**: only ratios and CPU count" };
        writeln!(page, "- The run was {verdict}")?;
        Ok(())
    }

    /// The rule of the performance goals: syncs as fast as an idle disk allows, and processors free before each round.
    fn is_quiet(&self) -> bool {
        let syncs = Spread::of(self.quiet.iter().map(|quiet| quiet.synced_appends_per_second));
        let busy = Spread::of(self.quiet.iter().filter_map(|quiet| quiet.busy));
        syncs.is_some_and(|spread| spread.median > 1000.0) && busy.is_some_and(|spread| spread.median < 0.25)
    }
}

impl CellReport {
    fn markdown(&self, page: &mut String) -> Result<()> {
        let (reference, hub) =
            (|| self.pairs.iter().map(|pair| &pair.reference), || self.pairs.iter().map(|pair| &pair.hub));
        let ratios = self.pairs.iter().map(|pair| pair.hub.per_second / pair.reference.per_second.max(1e-9));
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.cell,
            spread(reference().map(|figures| figures.per_second)),
            spread(hub().map(|figures| figures.per_second)),
            spread(ratios),
            median(hub().map(|figures| figures.cpu_ms)),
            median(reference().map(|figures| figures.cpu_ms)),
            median(hub().filter_map(|figures| figures.database_cpu_ms)),
            median(hub().map(|figures| figures.p99_ms)),
            median(reference().map(|figures| figures.p99_ms)),
            median(hub().map(|figures| figures.peak_mb)),
        )?;
        Ok(())
    }

    fn troubles(&self) -> Vec<String> {
        let wrong = self.pairs.iter().flat_map(Pair::sides).filter(|(_, _, figures)| figures.errors > 0);
        let said = wrong.map(|(side, round, figures)| {
            let first = figures.first_error.as_deref().unwrap_or_default();
            format!("{}, round {round}, {side}: {} errors, first: {first}", self.cell, figures.errors)
        });
        said.chain(self.failures.iter().cloned()).collect()
    }
}
