//! What packages are made of, as far as it can be seen without making one: `make deb` does the rest.

use crate::support::program::Program;
use std::path::Path;

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|why| panic!("{file}: {why}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_container_copies_what_is_there_and_runs_as_nobody_in_particular() {
    // A line that ends in \ goes on in the next one.
    let file = read("packaging/Containerfile").replace("\\\n", " ");
    let steps: Vec<(&str, Vec<&str>)> = file
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(' ').map(|(step, rest)| (step, rest.split_whitespace().collect())).unwrap())
        .collect();

    for (step, words) in &steps {
        let known =
            ["FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"];
        assert!(known.contains(step), "{step}");
        if *step == "COPY" && !words[0].starts_with("--from") {
            let (_, sources) = words.split_last().unwrap();
            assert!(sources.iter().all(|source| root().join(source).exists()), "{words:?}");
        }
    }
    let last = |wanted: &str| steps.iter().rev().find(|(step, _)| *step == wanted).unwrap().1.clone();
    assert_eq!((last("USER"), last("VOLUME")), (vec!["docaxis"], vec!["/var/lib/docaxis"]));
    assert!(read("Cargo.toml").contains("rust-version = \"1.95\"") && file.contains("rust:1.95-"), "the same Rust");
}

#[test]
fn the_package_takes_what_is_there() {
    let manifest = read("Cargo.toml");
    let assets = manifest.split("assets = [\n").nth(1).unwrap().split("\n]").next().unwrap();
    for asset in assets.lines() {
        let source = asset.split('"').nth(1).unwrap();
        // What `make deb` makes first is not there yet.
        let folder = source.split('*').next().unwrap();
        assert!(source.starts_with("target/") || root().join(folder).exists(), "{source}");
    }
    for file in ["docaxis.service", "docaxis.sysusers", "postinst", "postrm"] {
        assert!(root().join("packaging").join(file).is_file(), "{file}");
    }
}

#[test]
fn the_service_is_given_enough_for_what_is_set_by_default() {
    let unit = read("packaging/docaxis.service");
    let said = |name: &str| {
        let line = unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("{name} is not said")).to_owned()
    };
    let config = docaxis::config::Config::default();

    assert!(said("LimitNOFILE").parse::<usize>().unwrap() > config.server.connections_max + 1000);
    let stop = config.server.drain_seconds + config.server.shutdown_seconds;
    assert!(said("TimeoutStopSec").parse::<u64>().unwrap() > stop);
    assert_eq!((said("Type"), said("StateDirectory")), ("notify".to_owned(), "docaxis".to_owned()));
    assert_eq!(said("Environment"), "DOCAXIS_CONFIG=/etc/docaxis/docaxis.toml");
}

#[test]
fn the_settings_of_the_package_are_usable_and_say_where_the_data_lives() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("docaxis.toml");
    let packaged = Program::new(Path::new("/var/lib/docaxis"), "").done(&["config", "print", "--commented"]);
    std::fs::write(&file, &packaged).unwrap();

    let checked =
        Program::new(Path::new("/var/lib/docaxis"), "").done(&["--config", file.to_str().unwrap(), "config", "check"]);

    assert!(packaged.contains("\ndirectory = \"/var/lib/docaxis\"\n") && packaged.contains("\n#url = "), "{packaged}");
    assert!(checked.contains("usable"), "{checked}");
}
