//! The benchmark: how many packets a second the hub accepts, beside a reference hub that does the least that durable
//! accepting can be, in the same rounds. `cargo bench --bench load -- --help` tells the options. Its figures mean
//! something only as ratios of one round, or on a machine that has nothing else to do.

#![expect(
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measuring program prints, and turns counts into rates"
)]

mod backlog;
mod endpoint;
mod evidence;
mod exchange;
mod http;
mod hub_under_test;
mod machine;
mod measure;
mod packet;
mod portal;
mod push;
mod receipts;
mod reference_hub;
mod register;
mod report;
mod sender;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, ValueEnum};
use hub_under_test::{Database, Deployment, Product, Running, start_reference};
use measure::Cell;
use report::{CellReport, DatabaseReport, Figures, Pair, Quiet, Report};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(name = "load", about = "Measures the hub beside a reference hub in the same rounds")]
struct Options {
    /// How often each cell is measured
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each measurement lasts
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// "all", or a list such as 2KB/c64,mix/c16
    #[arg(long, default_value = "all")]
    cells: String,
    /// PostgreSQL is taken from PGHOST, PGPORT, PGUSER and PGPASSWORD
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Databases,
    /// The docaxis program [default: the one that cargo built with this benchmark]
    #[arg(long)]
    hub: Option<PathBuf>,
    /// Also writes the page to this file
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Measures a reference hub in place of docaxis, to test the benchmark
    #[arg(long)]
    self_test: bool,
    #[command(flatten)]
    exchange: exchange::ExchangeOptions,
    #[command(flatten)]
    portal: portal::PortalOptions,
    #[command(flatten)]
    evidence: evidence::EvidenceOptions,
    #[command(flatten)]
    push: push::PushOptions,
    /// cargo bench adds this
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Databases {
    Sqlite,
    Postgres,
    Both,
}

impl Databases {
    fn list(self) -> &'static [Database] {
        match self {
            Databases::Sqlite => &[Database::Sqlite],
            Databases::Postgres => &[Database::Postgres],
            Databases::Both => &[Database::Sqlite, Database::Postgres],
        }
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Two workers: the senders must be able to use the cores, but not to crowd the hub out.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let [command, address, folder] = arguments.as_slice()
        && command == reference_hub::SUBCOMMAND
    {
        return runtime.block_on(reference_hub::run(address.parse()?, folder.into()));
    }
    // `cargo test --benches` starts every benchmark too, with arguments of its own; only `cargo bench` says so.
    if !arguments.iter().any(|argument| argument == "--bench" || argument == "--help") {
        println!("Nothing is measured without --bench; use `cargo bench --bench load`.");
        return Ok(());
    }
    let options = Options::parse();
    runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        // Dropping the run ends the hubs and removes their folders, which a signal alone would not.
        tokio::select! {
            result = run(&options) => result,
            _ = interrupt.recv() => bail!("interrupted"),
            _ = terminate.recv() => bail!("terminated"),
        }
    })
}

async fn run(options: &Options) -> Result<()> {
    ensure!(options.rounds > 0 && options.seconds > 0.0, "rounds and seconds must be above zero");
    let scratch = scratch_folder()?;
    let product = if options.self_test { Product::Reference } else { Product::Docaxis(hub_program(options)?) };
    if options.evidence.wanted() {
        let length = (options.rounds, options.seconds);
        return evidence::run(&options.evidence, &product, scratch.path(), length).await;
    }
    for &database in options.database.list() {
        if options.exchange.wanted() {
            exchange::run(&options.exchange, (&product, database), scratch.path(), options.rounds).await?;
        }
        if options.portal.wanted() {
            let size = (&options.portal, options.exchange.deliveries, options.exchange.rate);
            portal::run(size, &product, database, scratch.path()).await?;
        }
        if options.push.wanted() {
            let (rounds, seconds, rate) = (options.rounds, options.seconds, options.exchange.rate);
            let (scratch, cells) = (scratch.path(), options.cells.as_str());
            let ground = push::Ground { product: &product, database, scratch, rounds, seconds, rate, cells };
            push::run(&options.push, &ground, options.evidence.peak).await?;
        }
    }
    if options.exchange.wanted() || options.portal.wanted() || options.push.wanted() {
        return Ok(());
    }
    let mut report = Report {
        at: chrono::Utc::now().format("%Y-%m-%d %H:%M UTC").to_string(),
        hub: match &product {
            Product::Docaxis(program) => program.display().to_string(),
            Product::Reference => "the reference hub again (self-test)".to_owned(),
        },
        file_system: machine::file_system(scratch.path())?,
        cores: std::thread::available_parallelism()?.get(),
        rounds: options.rounds,
        seconds: options.seconds,
        databases: Vec::new(),
    };
    ensure!(report.file_system != "tmpfs", "{} is in memory, syncs there cost nothing", scratch.path().display());
    let bench = Bench { options, product, scratch: scratch.path(), cells: measure::cells(&options.cells)? };
    // What one database gave is worth reporting when the other fails.
    let mut trouble = Ok(());
    for &database in options.database.list() {
        match bench.database(database).await {
            Ok(result) => report.databases.push(result),
            Err(error) => trouble = Err(error),
        }
    }
    let page = report.markdown()?;
    println!("{page}\n{}", report.json()?);
    if let Some(file) = &options.markdown {
        std::fs::write(file, page).with_context(|| format!("writing {}", file.display()))?;
    }
    trouble
}

/// A folder under target/, which is on a disk where /tmp may not be.
fn scratch_folder() -> Result<tempfile::TempDir> {
    let program = std::env::current_exe()?;
    let beside = program.parent().context("the benchmark has no folder")?;
    let parent = option_env!("CARGO_TARGET_TMPDIR").map(Path::new).filter(|folder| folder.is_dir()).unwrap_or(beside);
    Ok(tempfile::Builder::new().prefix("load-").tempdir_in(parent)?)
}

fn hub_program(options: &Options) -> Result<PathBuf> {
    let built = option_env!("CARGO_BIN_EXE_docaxis").map(PathBuf::from).filter(|program| program.is_file());
    // The benchmark is target/release/deps/load-…, the hub target/release/docaxis.
    let program = std::env::current_exe()?;
    let beside = program.parent().and_then(Path::parent).map(|folder| folder.join("docaxis"));
    let found = options.hub.clone().or(built).or(beside).context("no docaxis; name it with --hub")?;
    found.canonicalize().with_context(|| format!("no docaxis at {}; name it with --hub", found.display()))
}

struct Bench<'a> {
    options: &'a Options,
    product: Product,
    scratch: &'a Path,
    cells: Vec<Cell>,
}

impl Bench<'_> {
    async fn database(&self, database: Database) -> Result<DatabaseReport> {
        let deployment = Deployment::prepare(&self.product, database, self.scratch)?;
        let mut failures = Vec::new();
        let mut cold_start_ms = Vec::new();
        for _ in 0..self.options.rounds {
            let hub = deployment.start().await?;
            cold_start_ms.push(hub.started_in.as_secs_f64() * 1e3);
            hub.stop().await?;
        }
        let hub = deployment.start().await?;
        let memory = measure::memory(&hub).await;
        hub.stop().await?;
        let hub = deployment.start().await?;
        let (quiet, cells) = self.rounds(&deployment, &hub).await?;
        let syncs = match deployment.database_processes() {
            Ok(database) => measure::syncs(&hub, &database, self.scratch).await,
            Err(error) => Err(error),
        };
        hub.stop().await?;
        Ok(DatabaseReport {
            database,
            quiet,
            cells,
            cold_start_ms,
            memory: keep(memory, "memory", &mut failures),
            syncs: keep(syncs, "syncs", &mut failures),
            failures,
        })
    }

    async fn rounds(&self, deployment: &Deployment, hub: &Running) -> Result<(Vec<Quiet>, Vec<CellReport>)> {
        let empty = |cell: &Cell| CellReport { cell: cell.name, pairs: Vec::new(), failures: Vec::new() };
        let mut reports: Vec<CellReport> = self.cells.iter().map(empty).collect();
        let mut quiet = Vec::new();
        for round in 0..self.options.rounds {
            quiet.push(Quiet {
                load_average: machine::load_average(),
                busy: machine::busy().await,
                synced_appends_per_second: machine::synced_appends_per_second(self.scratch)?,
            });
            for (cell, report) in self.cells.iter().zip(&mut reports) {
                match self.pair(round, cell, deployment, hub).await {
                    Ok(pair) => {
                        let (ours, least) = (pair.hub.per_second, pair.reference.per_second);
                        eprintln!("round {round}, {}: hub {ours:.1}/s, ref {least:.1}/s", cell.name);
                        report.pairs.push(pair);
                    }
                    Err(error) => report.failures.push(format!("{}, round {round}: {error:#}", cell.name)),
                }
            }
        }
        Ok((quiet, reports))
    }

    /// One cell on both sides; who goes first changes from round to round.
    async fn pair(&self, round: usize, cell: &Cell, deployment: &Deployment, hub: &Running) -> Result<Pair> {
        let load = cell.load()?;
        let duration = Duration::from_secs_f64(self.options.seconds);
        // The server's processes come and go with the hub's connections, so they are asked for each time.
        let ours = async || {
            let database = deployment.database_processes().unwrap_or_default();
            measure::run(hub, &database, &load, duration).await.context("hub")
        };
        let least = async || self.reference(&load, duration).await.context("ref");
        let (reference, hub) = if round.is_multiple_of(2) {
            let reference = least().await?;
            (reference, ours().await?)
        } else {
            let hub = ours().await?;
            (least().await?, hub)
        };
        Ok(Pair { round, reference, hub })
    }

    async fn reference(&self, load: &sender::Load, duration: Duration) -> Result<Figures> {
        // The folder goes after the process, and with it what the disk would still have to write.
        let (hub, _folder) = start_reference(self.scratch).await?;
        let figures = measure::run(&hub, &[], load, duration).await?;
        hub.stop().await?;
        Ok(figures)
    }
}

fn keep<T>(result: Result<T>, what: &str, failures: &mut Vec<String>) -> Option<T> {
    result.map_err(|error| failures.push(format!("{what}: {error:#}"))).ok()
}
