//! The real hub: its database, its registration by the command line, its process. Everything that depends on what
//! the commands and the settings of `docaxis` are called stands in `register` and `Deployment::serve`. In a self-test a
//! reference hub stands in.

use crate::machine::{self, output};
use crate::packet::{RECIPIENT, SENDER};
use crate::sender::Target;
use crate::{http, reference_hub};
use anyhow::{Context, Result, bail, ensure};
use diesel::sql_types::BigInt;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What is measured.
#[derive(Clone)]
pub enum Product {
    Docaxis(PathBuf),
    Reference,
}

/// Where the hub keeps its rows.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Database {
    Sqlite,
    Postgres,
}

/// A database of our own on the server that the PG* variables name; dropped in the end.
struct PostgresDatabase(String);

impl PostgresDatabase {
    fn create() -> Result<PostgresDatabase> {
        for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
            // pg_virtualenv turns syncs off; figures of such a server would promise what they do not keep.
            let value = ask_postgres(&format!("show {setting}"))?;
            let advice = "start it as `pg_virtualenv -o fsync=on -o synchronous_commit=on …`";
            ensure!(value == "on", "PostgreSQL runs with {setting} = {value}: {advice}");
        }
        // A run may have an empty and a full one at once.
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("docaxis_bench_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        output(Command::new("createdb").arg(&name))?;
        Ok(PostgresDatabase(name))
    }

    fn url(&self) -> Result<String> {
        let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
        let (user, password) = (escape(&variable("PGUSER")?), escape(&variable("PGPASSWORD")?));
        let host = std::env::var("PGHOST").unwrap_or_else(|_| "localhost".to_owned());
        let port = std::env::var("PGPORT").unwrap_or_else(|_| "5432".to_owned());
        Ok(format!("postgres://{user}:{password}@{host}:{port}/{}", self.0))
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let mut command = Command::new("dropdb");
        if let Err(error) = output(command.args(["--if-exists", "--force", &self.0])) {
            eprintln!("{error:#}");
        }
    }
}

fn ask_postgres(query: &str) -> Result<String> {
    Ok(output(Command::new("psql").args(["-XtAc", query, "postgres"]))?.trim().to_owned())
}

/// The server's processes; it must run on this machine and let us look.
fn postgres_processes() -> Result<Vec<u32>> {
    let folder = ask_postgres("show data_directory")?;
    let file = fs::read_to_string(Path::new(&folder).join("postmaster.pid"))?;
    Ok(machine::family(file.lines().next().unwrap_or_default().trim().parse()?))
}

/// Percent-encoding, as the user part of a URL wants it.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A hub that is set up and can be started: its folder, its database, its registered senders.
pub struct Deployment {
    product: Product,
    token: String,
    environment: Vec<(&'static str, String)>,
    // Fields are dropped in this order: the folder may only go when nothing writes to it.
    postgres: Option<PostgresDatabase>,
    folder: TempDir,
}

impl Deployment {
    /// Sets a hub up in a new folder of `scratch`, with tables and registered systems.
    pub fn prepare(product: &Product, database: Database, scratch: &Path) -> Result<Deployment> {
        let folder = tempfile::Builder::new().prefix("hub-").tempdir_in(scratch)?;
        let path = folder.path().to_str().context("the scratch folder's name is not UTF-8")?;
        let postgres = (database == Database::Postgres).then(PostgresDatabase::create).transpose()?;
        let url = match &postgres {
            Some(postgres) => postgres.url()?,
            None => format!("sqlite://{path}/docaxis.db"),
        };
        let environment = vec![
            ("DOCAXIS__SERVER__ADDRESS", free_address()?.to_string()),
            ("DOCAXIS__DATABASE__URL", url),
            ("DOCAXIS__DATA__DIRECTORY", path.to_owned()),
            // Those who read pages have no telephone.
            ("DOCAXIS__PORTAL__SECOND_FACTOR", "false".to_owned()),
        ];
        let token = String::new();
        let mut deployment = Deployment { product: product.clone(), token, environment, postgres, folder };
        if let Product::Docaxis(program) = product {
            deployment.token = deployment.register(program)?;
        }
        Ok(deployment)
    }

    /// Creates the tables, two agencies and a system of each; gives the sender's bearer token.
    fn register(&self, program: &Path) -> Result<String> {
        #[derive(Deserialize)]
        struct Key {
            key_id: String,
            secret: String,
        }
        let run = |arguments: &[&str]| {
            let mut command = Command::new(program);
            output(command.args(arguments).envs(self.environment.iter().cloned()).current_dir(self.folder.path()))
        };
        run(&["migrate"])?;
        for (agency, name, system) in
            [(SENDER, "Cơ quan A", "bench.sender"), (RECIPIENT, "Cơ quan B", "bench.recipient")]
        {
            run(&["agency", "add", "--code", agency, "--name", name])?;
            run(&["system", "add", "--id", system, "--name", "bench", "--agency", agency])?;
        }
        let answer = run(&["system", "key", "add", "--id", "bench.sender", "--json"])?;
        let key: Key = serde_json::from_str(&answer).context("reading the new key")?;
        Ok(format!("{}.{}", key.key_id, key.secret))
    }

    /// Runs the hub and its commands with one setting more.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.environment.push((name, value.to_owned()));
    }

    /// Runs a command of the program on this deployment and gives what it printed.
    pub fn ask(&self, arguments: &[&str]) -> Result<String> {
        output(&mut self.command(arguments)?)
    }

    /// A command of the program on this deployment.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let Product::Docaxis(program) = &self.product else { bail!("a reference hub has no commands") };
        let mut command = Command::new(program);
        command.args(arguments).envs(self.environment.iter().cloned()).current_dir(self.folder.path());
        Ok(command)
    }

    /// The file of an SQLite database.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("docaxis.db")
    }

    /// The file of an archive that was exported.
    pub fn archive(&self, archive_id: &str) -> PathBuf {
        self.folder.path().join("archives").join(format!("{archive_id}.zip"))
    }

    /// What a driver wants to be told to open the database.
    pub fn link(&self) -> Result<String> {
        match &self.postgres {
            Some(postgres) => postgres.url(),
            None => Ok(self.file().to_str().context("the database's name is not UTF-8")?.to_owned()),
        }
    }

    /// The one number that a query answers.
    pub fn count(&self, query: &str) -> Result<i64> {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        match &self.postgres {
            Some(postgres) => {
                let answer = output(Command::new("psql").args(["-XtAc", query, &postgres.0]))?;
                Ok(answer.trim().parse()?)
            }
            None => {
                let mut database = SqliteConnection::establish(&self.link()?)?;
                Ok(diesel::sql_query(query).get_result::<Number>(&mut database)?.number)
            }
        }
    }

    /// How many packets are kept in files of their own.
    pub fn files(&self) -> Result<usize> {
        let mut number = 0;
        for shelf in fs::read_dir(self.folder.path().join("payloads"))? {
            let shelf = shelf?.path();
            // Beside the shelves of two digits stands what is still being written.
            if shelf.file_name().is_some_and(|name| name.len() == 2) {
                number += fs::read_dir(shelf)?.count();
            }
        }
        Ok(number)
    }

    /// The database's size in bytes.
    pub fn bytes(&self) -> Result<u64> {
        match &self.postgres {
            Some(postgres) => Ok(ask_postgres(&format!("select pg_database_size('{}')", postgres.0))?.parse()?),
            None => Ok(fs::metadata(self.file())?.len()),
        }
    }

    fn serve(&self, program: &Path, address: SocketAddr) -> Command {
        let mut command = Command::new(program);
        command.arg("serve").envs(self.environment.iter().cloned()).current_dir(self.folder.path());
        command.env("DOCAXIS__SERVER__ADDRESS", address.to_string()).stdin(Stdio::null());
        command
    }

    /// Starts the hub and waits until it says that it is healthy.
    pub async fn start(&self) -> Result<Running> {
        let address = free_address()?;
        let command = match &self.product {
            Product::Docaxis(program) => self.serve(program, address),
            Product::Reference => reference_command(address, self.folder.path())?,
        };
        let target = Target { address, token: self.token.clone() };
        Running::start(command, target, &self.folder.path().join("serve.log")).await
    }

    /// The processes of the hub's database server: none with SQLite, an error where they cannot be seen.
    pub fn database_processes(&self) -> Result<Vec<u32>> {
        match self.postgres {
            Some(_) => postgres_processes().context("the database server's processes cannot be seen"),
            None => Ok(Vec::new()),
        }
    }
}

/// A port that is free now; nobody else is expected to take it before the hub does.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

fn reference_command(address: SocketAddr, folder: &Path) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(reference_hub::SUBCOMMAND).arg(address.to_string()).arg(folder).stdin(Stdio::piped());
    Ok(command)
}

/// A reference hub with a new log in a folder of its own.
pub async fn start_reference(scratch: &Path) -> Result<(Running, TempDir)> {
    let folder = tempfile::Builder::new().prefix("reference-").tempdir_in(scratch)?;
    let address = free_address()?;
    let target = Target { address, token: String::new() };
    let command = reference_command(address, folder.path())?;
    Ok((Running::start(command, target, &folder.path().join("serve.log")).await?, folder))
}

/// A hub's process; ended when this is dropped.
pub struct Running {
    process: Child,
    pub target: Target,
    /// From the start of the process to the first healthy answer.
    pub started_in: Duration,
}

impl Running {
    async fn start(mut command: Command, target: Target, log: &Path) -> Result<Running> {
        let output = File::options().create(true).append(true).open(log)?;
        command.stdout(output.try_clone()?).stderr(output);
        let start = Instant::now();
        let process = command.spawn().with_context(|| format!("starting {}", machine::describe(&command)))?;
        let mut running = Running { process, target, started_in: Duration::ZERO };
        while !healthy(&running.target).await {
            let ended = running.process.try_wait()?;
            if ended.is_some() || start.elapsed() > Duration::from_secs(60) {
                let text = fs::read_to_string(log).unwrap_or_default();
                let lines: Vec<&str> = text.lines().rev().take(15).collect();
                let last = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
                bail!("the hub does not become healthy (ended: {ended:?}); its log ends:\n{last}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        running.started_in = start.elapsed();
        Ok(running)
    }

    /// The hub's process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Kills the hub, as a machine that fails would.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Asks the hub to end and waits for it; a hub that does not end within ten seconds is killed.
    pub async fn stop(mut self) -> Result<()> {
        machine::signal("TERM", &self.process)?;
        let limit = Instant::now() + Duration::from_secs(10);
        while self.process.try_wait()?.is_none() {
            if Instant::now() > limit {
                eprintln!("the hub did not end when asked to and was killed");
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// The hub's own count of its syncs: every sample of /metrics whose name ends in `syncs_total`.
    pub async fn syncs(&self) -> Option<f64> {
        let answer = http::get(self.target.address, "/metrics", &self.target.token).await.ok()?;
        let text = String::from_utf8(answer.body).ok().filter(|_| answer.status == 200)?;
        let counts = text.lines().filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            let name = name.split('{').next()?;
            name.ends_with("syncs_total").then(|| value.parse::<f64>().ok()).flatten()
        });
        counts.fold(None, |sum, count| Some(sum.unwrap_or(0.0) + count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end, and these do nothing.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn healthy(target: &Target) -> bool {
    let answer = tokio::time::timeout(Duration::from_secs(2), http::get(target.address, "/healthz", "")).await;
    matches!(answer, Ok(Ok(answer)) if answer.status == 200)
}
