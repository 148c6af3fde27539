//! What integrators copy must work as it stands: the tutorial's commands, and the snippets of every language that is
//! installed here. A language that is not is named.

use crate::support::packets::{a_document, a_status};
use crate::support::{System, TestHub};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// The commands of a tutorial, as they stand in it.
fn commands(file: &str) -> String {
    let text = std::fs::read_to_string(docs().join(file)).unwrap();
    let blocks = text.split("\n```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

/// A free port below those that the system gives out, so that nothing of another test takes it before the tutorial's hub.
fn port() -> u16 {
    let own = u16::try_from(std::process::id() % 10_000).unwrap();
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (own + 20_000..32_768).find(is_free).unwrap()
}

fn follow(file: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_docaxis")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    // Whatever goes wrong, the hub that the tutorial started ends with its shell.
    let script = format!("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{}\n", commands(file));
    let mut bash = Command::new("bash");
    bash.args(["-m", "-c", &script]).current_dir(folder.path()).stdin(Stdio::null());
    bash.env("PATH", path).env("PORT", port().to_string()).env_remove("DOCAXIS_CONFIG");
    bash.env("no_proxy", "127.0.0.1").output().unwrap()
}

#[test]
fn the_tutorial_works_as_it_stands() {
    let done = follow("tutorial.en.md");

    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    assert!(said.contains("\"status_code\":\"03\""), "{said}");
}

#[test]
fn both_tutorials_have_the_same_ten_steps() {
    assert_eq!(commands("tutorial.vi.md"), commands("tutorial.en.md"));
    for file in ["tutorial.vi.md", "tutorial.en.md"] {
        let text = std::fs::read_to_string(docs().join(file)).unwrap();
        let steps = text.lines().filter(|line| line.starts_with("## ") && line.contains(". ")).count();
        assert_eq!((steps, text.matches("\n```sh\n").count()), (10, 10), "{file}");
    }
}

/// How a snippet is run: the program and what proves that it is there.
type Runner = (&'static str, &'static [&'static str]);

fn runners() -> BTreeMap<&'static str, Runner> {
    [
        ("docaxis.sh", ("bash", &["--version"][..])),
        ("docaxis.py", ("python3", &["--version"][..])),
        ("Docaxis.java", ("java", &["--version"][..])),
        ("docaxis.php", ("php", &["--version"][..])),
    ]
    .into()
}

/// Runs one flow and gives what it prints.
async fn run(file: &'static str, hub: &TestHub, system: &System, arguments: &[&str]) -> String {
    let (program, _) = runners()[file];
    let mut command = Command::new(program);
    command.arg(docs().join("snippets").join(file)).args(arguments);
    command.env("HUB", hub.url("")).env("TOKEN", system.bearer()).env("no_proxy", "127.0.0.1").stdin(Stdio::null());
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{file} {arguments:?}: {said}{}", String::from_utf8_lossy(&done.stderr));
    said
}

async fn all_flows(file: &'static str) {
    let (program, proof) = runners()[file];
    if !Command::new(program).args(proof).output().is_ok_and(|done| done.status.success()) {
        println!("NOT TESTED: there is no {program} on this machine, so docs/snippets/{file} was not run");
        return;
    }
    let hub = TestHub::start().await;
    let (one, two) = (hub.system("dms.national"), hub.system("dms.province"));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let document = a_document("d1").attachment(vec![5; 100_000]).bytes();
    std::fs::write(at("document"), &document).unwrap();
    std::fs::write(at("status"), a_status("X99.B02", ("X99.A01", "d1"), "03", "2026/11/21 09:30:00")).unwrap();
    let json = |said: String| serde_json::from_str::<Value>(&said).unwrap_or_else(|error| panic!("{error}: {said}"));

    let checked = json(run(file, &hub, one, &["check", &at("document")]).await);
    let receipt = json(run(file, &hub, one, &["send", &at("document")]).await);
    let listed = json(run(file, &hub, two, &["list"]).await);
    let delivery = listed["items"][0]["delivery_id"].as_str().unwrap().to_owned();
    run(file, &hub, two, &["fetch", &delivery, &at("received")]).await;
    let confirmed = json(run(file, &hub, two, &["confirm", &delivery, "done"]).await);
    run(file, &hub, two, &["report", &at("status")]).await;

    assert_eq!((&checked["would_be"], &receipt["document_id"]), (&"accepted".into(), &"d1".into()));
    assert_eq!(std::fs::read(at("received")).unwrap(), document);
    assert_eq!(confirmed["state"], "handed_over");
    let view = hub.view("dms.national", &receipt["envelope_id"]).await;
    assert_eq!(view["statuses"][0]["status_code"], "03");
}

#[tokio::test]
async fn the_snippet_for_curl_works() {
    all_flows("docaxis.sh").await;
}

#[tokio::test]
async fn the_snippet_for_python_works() {
    all_flows("docaxis.py").await;
}

#[tokio::test]
async fn the_snippet_for_java_works() {
    all_flows("Docaxis.java").await;
}

#[tokio::test]
async fn the_snippet_for_php_works() {
    all_flows("docaxis.php").await;
}

#[test]
fn every_snippet_is_run_or_says_that_it_is_not() {
    for entry in std::fs::read_dir(docs().join("snippets")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = std::fs::read_to_string(docs().join("snippets").join(&name)).unwrap();
        let is_run = runners().contains_key(name.as_str());
        assert!(is_run || name == "README.md" || text.contains("NOT RUN BY OUR TESTS"), "{name}");
        for flow in ["check", "send", "list", "fetch", "confirm", "report"] {
            assert!(text.contains(flow), "{name}: {flow}");
        }
    }
}
