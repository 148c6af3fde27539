//! The binary itself, on a data directory of its own.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// How the binary is called.
#[derive(Clone)]
pub struct Program {
    environment: Vec<(String, OsString)>,
}

impl Program {
    /// With this data directory and database; an empty URL is SQLite in the directory.
    pub fn new(data: &Path, url: &str) -> Self {
        let program = Self { environment: Vec::new() };
        let program = program.with("DOCAXIS__DATA__DIRECTORY", data).with("DOCAXIS__DATABASE__URL", url);
        program.with("DOCAXIS__SERVER__ADDRESS", "127.0.0.1:0").with("DOCAXIS__SERVER__WORKERS", "2")
    }

    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docaxis"));
        command
            .args(arguments)
            .env_remove("DOCAXIS_CONFIG")
            .env_remove("DOCAXIS_HUB")
            .env_remove("DOCAXIS_KEY")
            .stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// What a command that must succeed prints.
    pub fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.out, ran.err);
        ran.out
    }

    /// Makes a system and gives the bearer token of a fresh key.
    pub fn add_system(&self, id: &str, agency: &str) -> String {
        self.done(&["system", "add", "--id", id, "--name", id, "--agency", agency]);
        let key: serde_json::Value =
            serde_json::from_str(&self.done(&["system", "key", "add", "--id", id, "--json"])).unwrap();
        format!("{}.{}", key["key_id"].as_str().unwrap(), key["secret"].as_str().unwrap())
    }

    /// Starts to serve and waits until it says where.
    pub fn serve(&self) -> Serving {
        self.clone().with("DOCAXIS__LOG__FILTER", "warn,docaxis=info").serve_with_log_of_file()
    }

    /// The same, with the log as the configuration file says.
    pub fn serve_with_log_of_file(&self) -> Serving {
        let mut command = self.command(&["serve"]);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let url = lines.by_ref().find_map(|line| {
            let url = line.split_once("listening on ").map(|(_, url)| url.split(' ').next().unwrap().to_owned());
            said.push(line);
            url
        });
        let Some(url) = url else {
            let _ = child.kill();
            panic!("the hub does not start: {said:#?} {:?}", child.wait());
        };
        let log = Arc::new(Mutex::new(said));
        let kept = log.clone();
        let reader = std::thread::spawn(move || lines.for_each(|line| kept.lock().unwrap().push(line)));
        Serving { url, child, log, reader: Some(reader) }
    }
}

/// How a command ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The binary while it serves; dropped, it dies.
pub struct Serving {
    /// `http://address:port`.
    pub url: String,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Serving {
    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// SIGKILL: it has no chance to do anything more.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.wait();
    }

    /// SIGTERM: it is to stop in order.
    pub fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// SIGHUP: it is to read its settings again.
    pub fn hang_up(&self) {
        let told = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    /// Waits until it has logged a line that holds these words.
    pub fn has_logged(&mut self, words: &str) {
        while !self.log().contains(words) {
            assert!(self.is_alive(), "{words:?} was not logged: {}", self.log());
            std::thread::yield_now();
        }
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let ended = self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        ended
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
