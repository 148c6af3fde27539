//! The rules of the architecture: who may use whom, where a crate may appear, what must not be written. Each rule
//! says why. What they are applied to is read by `architecture/source.rs`.

mod source;

use source::{Source, all_files, root, sources, without_comments};
use std::collections::BTreeSet;

/// A part of the crate and what it may use of others: a module, or one path in it.
struct Floor {
    name: &'static str,
    may_use: &'static [&'static str],
    because: &'static str,
}

const fn floor(name: &'static str, may_use: &'static [&'static str], because: &'static str) -> Floor {
    Floor { name, may_use, because }
}

const FLOORS: &[Floor] = &[
    floor("domain", &[], "what things are must be readable, and testable, without a hub around it"),
    floor("metrics", &[], "counters count for whoever has something to count"),
    floor(
        "config",
        &[
            "domain::agency::OrganId",
            "domain::calendar",
            "domain::directory::Registration",
            "domain::lane::Lane",
            "domain::system",
            "proof::checkpoint",
            "proof::witness::witnesses",
            "signer::timestamp::is_policy",
        ],
        "limits are given to the others; they decide nothing",
    ),
    floor("log", &["config", "domain", "hub::Clock"], "the log writes what it is given"),
    floor(
        "wire",
        &["domain", "config", "signer::certificate::Algorithm", "signer::certificate::CERTIFICATES_MAX"],
        "the format neither stores nor answers anything",
    ),
    floor("store", &["domain", "config", "metrics"], "rows know nothing of use cases, XML or HTTP"),
    floor("channel", &["domain", "config"], "a way out carries what it is given; it stores nothing"),
    floor("signer", &[], "it signs bytes and does not ask what they say"),
    floor("proof", &["signer"], "what proves something needs no hub"),
    floor("keyring", &["signer", "domain::system"], "secrets are sealed for whoever asks"),
    floor("arrivals", &[], "who waits is woken without being told what came"),
    floor("pdf", &[], "a report is drawn without knowing what it tells"),
    floor("sheet", &["domain::text"], "a table is written without knowing what its rows mean"),
    floor(
        "hub",
        &["domain", "config", "store", "keyring", "signer", "arrivals", "metrics"],
        "a hub is what use cases are given, not what they do",
    ),
    floor(
        "exchange",
        &[
            "hub", "wire", "store", "channel", "domain", "keyring", "signer", "proof", "config", "arrivals", "metrics",
            "pdf", "sheet",
        ],
        "a use case does not know by which door its caller came",
    ),
    floor(
        "http",
        &[
            "exchange",
            "hub",
            "domain",
            "config",
            "metrics",
            "sheet",
            "channel::signature::Scheme",
            "arrivals::Full",
            "jobs",
            "keyring",
            "signer::certificate::Certificate",
            "store::StoreError",
            "store::payloads::PayloadStream",
        ],
        "doors call use cases; they neither write nor read tables nor parse packets",
    ),
    floor(
        "jobs",
        &["exchange", "hub", "domain", "config", "store::job_runs", "channel::mail::Mailer", "channel::push::Pusher"],
        "jobs only start use cases",
    ),
    floor(
        "lib",
        &["exchange::act", "http", "jobs", "hub", "config", "log", "metrics", "channel::mail", "channel::push"],
        "serve opens, answers and stops, in order",
    ),
    floor(
        "cli",
        &[
            "exchange",
            "hub",
            "domain",
            "config",
            "wire",
            "log",
            "lib",
            "jobs",
            "sheet",
            "channel::mail",
            "channel::signature",
            "http::archive_api::body",
            "http::ledger_api::proof",
            "http::purge_api",
            "http::receipt_api::body",
            "proof::checkpoint::Key",
            "signer::certificate::Certificate",
            "robot",
        ],
        "commands call use cases; they have no door and no table of their own",
    ),
    floor("robot", &[], "a robot agency knows nothing of the hub"),
    floor("main", &["cli"], "the program is thin"),
];

/// Third-party crates that have a place: there and nowhere else.
const PLACES: &[(&[&str], &[&str], &str)] = &[
    (
        &["actix_web"],
        &["src/http/", "src/robot.rs"],
        "the library of the server can be changed in one folder; a robot agency is a server of its own",
    ),
    (
        &["diesel", "diesel_async", "diesel_migrations", "libsqlite3_sys", "tokio_postgres", "tokio_postgres_rustls"],
        &["src/store/"],
        "SQL is in one folder",
    ),
    (&["quick_xml", "memchr", "crc32fast"], &["src/wire/"], "hostile bytes are taken apart in one folder"),
    (&["zip"], &["src/wire/", "src/sheet.rs"], "zips are taken apart in one folder; a workbook is one that is written"),
    (&["reqwest"], &["src/cli/client/", "src/cli/demo/", "src/channel/"], "the hub calls others in one folder"),
    (&["openidconnect"], &["src/channel/"], "identity providers are asked in one folder"),
    (&["lettre"], &["src/channel/mail.rs"], "SMTP is spoken in one file"),
    (&["backon"], &["src/cli/client/"], "only the client commands try again by themselves"),
    (
        &["schemars"],
        &["src/http/", "src/exchange/announce.rs"],
        "what the API says of itself is drawn where it is answered, and an event where it is told",
    ),
    (
        &["rustls"],
        &["src/lib.rs", "src/store/connection.rs", "src/store/server.rs", "src/robot.rs", "src/signer/"],
        "TLS is chosen once and used towards the database; a robot agency may have a wrong certificate; PEM is read by it",
    ),
    (
        &["rcgen"],
        &["src/robot.rs", "src/signer/credential.rs"],
        "certificates are made to be refused, or where there is none yet",
    ),
    (&["time"], &["src/signer/credential.rs"], "dates of certificates that are made"),
    (&["p12_keystore"], &["src/signer/pkcs12.rs"], "PKCS #12 is opened in one file"),
    (&["webpki"], &["src/signer/certificate.rs"], "certificates are judged in one file"),
    (
        &["x509_cert"],
        &["src/signer/certificate.rs", "src/signer/timestamp.rs"],
        "certificates are read in one file, time-stamps in another",
    ),
    (&["indicatif"], &["src/cli/"], "bars are for people at a terminal"),
    (&["clap_complete", "clap_mangen"], &["src/cli/reference.rs"], "what describes the commands is made from them"),
    (&["clap", "anyhow"], &["src/cli/", "src/main.rs"], "only commands have arguments and errors without a type"),
    (
        &["csv"],
        &["src/exchange/agency_file.rs", "src/sheet.rs"],
        "files of systems are read and written in one place, tables for people in another",
    ),
    (&["config"], &["src/config.rs", "src/config/"], "settings are read once"),
    (&["strsim"], &["src/config/faults.rs"], "what is misspelt is named with what was meant"),
    (&["croner"], &["src/config/faults.rs"], "the scheduler's own reader says what a cron text is worth"),
    (&["env_logger"], &["src/log.rs"], "the log is set up once"),
    (&["env_filter"], &["src/log.rs", "src/config/faults.rs"], "filters are read and applied by one reader"),
    (&["tokio_cron_scheduler"], &["src/jobs.rs", "src/lib.rs"], "a tick only notes that a job is due"),
    (&["prometheus_client"], &["src/metrics.rs"], "what is counted stands in one table"),
    (
        &["ipnet"],
        &["src/config/faults.rs", "src/channel/networks.rs", "src/domain/system.rs"],
        "networks are read where settings are read and compared where addresses are judged",
    ),
    (&["sd_notify"], &["src/lib.rs"], "whoever serves tells systemd"),
    (&["rustix"], &["src/store/machine.rs"], "the machine is asked in one file"),
    (&["argon2"], &["src/exchange/passwords.rs"], "passwords are hashed in one file"),
    (&["totp_rs"], &["src/exchange/second_factor.rs"], "codes of a second factor are checked in one file"),
    (&["krilla", "skrifa"], &["src/pdf.rs"], "reports are drawn in one file"),
    (&["askama", "qrcode"], &["src/http/portal/"], "pages are drawn where they are answered"),
    (&["uuid"], &["src/hub.rs"], "ids come from one source"),
    (&["unicode_normalization"], &["src/domain/"], "text is folded by one rule"),
    (
        &["tempfile"],
        &["src/wire/", "src/keyring.rs", "src/cli/client/", "src/exchange/archive/", "src/exchange/uploads.rs"],
        "files without a name are for attachments, the key, what is fetched or handed in, and lists of archives",
    ),
    (
        &["aws_lc_rs"],
        &[
            "src/domain/",
            "src/wire/",
            "src/proof/",
            "src/channel/signature.rs",
            "src/keyring.rs",
            "src/signer",
            "src/exchange/intake.rs",
            "src/store/payloads.rs",
            "src/store/backup.rs",
            "src/http/agency_api.rs",
            "src/cli/demo/sdk.rs",
            "src/cli/client/fetch.rs",
        ],
        "cryptography is where digests and signatures are, and a new place is a decision",
    ),
    (&["base64_simd"], &["src/wire/attachment.rs"], "what decodes attachments faster; faults are named by base64"),
    (&["ed25519_dalek"], &["src/channel/signature.rs"], "Ed25519 over what does not fit into memory"),
    (
        &["base64"],
        &[
            "src/wire/",
            "src/proof/",
            "src/channel/signature.rs",
            "src/keyring.rs",
            "src/signer",
            "src/http/",
            "src/cli/demo/",
        ],
        "base64 belongs to formats",
    ),
];

/// Third-party crates that may be used everywhere.
const ANYWHERE: &[&str] =
    &["bytes", "chrono", "futures_util", "hex", "log", "secrecy", "serde", "serde_json", "thiserror", "tokio"];

/// Texts that stand only in these files. Comments and unit tests do not count.
const ONLY_IN: &[(&[&str], &[&str], &str)] = &[
    (
        &["Utc::now", "Local::now", "now_v7", "new_v4"],
        &["src/hub.rs"],
        "time and ids come from the hub; tests move the clock",
    ),
    (
        &["SystemTime::now"],
        &["src/store/payloads.rs"],
        "only the ages of files are measured by the clock that wrote their times",
    ),
    (
        &[
            "http::StatusCode",
            "HttpResponse::build",
            "HttpResponse::Ok",
            "HttpResponse::new",
            "from_u16(",
            ".set_status",
        ],
        &["src/http/problem.rs", "src/robot.rs"],
        "which answer of the hub has which status is decided in one file; a robot agency answers as it is told",
    ),
    (
        &["BEGIN IMMEDIATE", "sql_query"],
        &["src/store/connection.rs", "src/store/inspect.rs", "src/store/search.rs"],
        "SQL that is not type-checked is in three files",
    ),
    (&[".unwrap()", ".expect(", "panic!", "todo!", "unimplemented!", "dbg!"], &[], "the hub does not break off"),
    (&["unreachable!"], &["src/domain/dates.rs"], "the hub does not break off; a constant does so when it is compiled"),
    (&["println!", "print!("], &[], "what is printed goes through `out`, what is logged through `log`"),
    (&["thread::sleep"], &[], "a thread that sleeps is a thread missing"),
    (&["#[allow("], &[], "an exception says why: `#[expect(…, reason = …)]`"),
    (&["TODO", "FIXME", "XXX"], &[], "what is to do is an issue"),
];

fn fail(broken: Vec<String>) {
    assert!(broken.is_empty(), "{} times:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn every_part_uses_only_what_is_below_it() {
    let mut broken = Vec::new();
    for source in sources("src") {
        let Some(floor) = FLOORS.iter().find(|floor| floor.name == source.floor()) else {
            broken.push(format!("{}: its part of the house is not in FLOORS", source.path));
            continue;
        };
        for used in source.used_paths() {
            let part = used.split("::").next().unwrap();
            // What lib.rs itself defines.
            let (part, used) = match FLOORS.iter().any(|floor| floor.name == part) {
                true => (part.to_owned(), used),
                false => ("lib".to_owned(), format!("lib::{used}")),
            };
            let is_allowed = floor.may_use.iter().any(|may| used == *may || used.starts_with(&format!("{may}::")));
            // A whole module may be imported where only paths in it are allowed: the paths are checked where they stand.
            let is_module = floor.may_use.iter().any(|may| may.starts_with(&format!("{used}::")));
            if part != floor.name && !is_allowed && !is_module {
                broken.push(format!("{} uses {used}, because of {:?}", source.path, floor.because));
            }
        }
    }
    fail(broken);
}

#[test]
fn nothing_is_used_in_a_circle() {
    // With a floor below for every use, an order in which each only uses earlier ones is the proof.
    let mut laid: Vec<&str> = Vec::new();
    while laid.len() < FLOORS.len() {
        let next = FLOORS.iter().find(|floor| {
            let is_ready = |may: &&str| laid.contains(&may.split("::").next().unwrap());
            !laid.contains(&floor.name) && floor.may_use.iter().all(is_ready)
        });
        laid.push(next.unwrap_or_else(|| panic!("only {laid:?} can be laid")).name);
    }
}

#[test]
fn third_party_crates_stay_in_their_place() {
    let mut broken = Vec::new();
    for source in sources("src") {
        for (crates, places, because) in PLACES {
            for name in crates.iter().filter(|name| source.uses_crate(name)) {
                if !places.iter().any(|place| source.path.starts_with(place)) {
                    broken.push(format!("{} uses {name}; only {places:?} may: {because}", source.path));
                }
            }
        }
    }
    fail(broken);
}

#[test]
fn every_dependency_has_a_place_or_may_be_anywhere() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let named: BTreeSet<String> = section
        .lines()
        .filter_map(|line| Some(line.split_once(" = ")?.0.replace('-', "_")))
        .filter(|name| !name.starts_with('#'))
        .collect();
    let placed = PLACES.iter().flat_map(|(crates, ..)| crates.iter());
    let known: BTreeSet<String> = placed.chain(ANYWHERE).map(|name| (*name).to_owned()).collect();

    assert_eq!(named, known, "decide in PLACES or ANYWHERE where a new dependency may be used");
}

#[test]
fn what_belongs_to_one_file_is_in_no_other() {
    let mut broken = Vec::new();
    for source in sources("src") {
        for (texts, files, because) in ONLY_IN {
            for text in texts.iter().filter(|text| source.code.contains(**text) && !files.contains(&&*source.path)) {
                broken.push(format!("{}: {text:?} may stand only in {files:?}: {because}", source.path));
            }
        }
    }
    fail(broken);
}

#[test]
fn only_payload_files_and_the_store_know_the_disk() {
    let may = ["src/store/", "src/hub.rs", "src/keyring.rs", "src/wire/", "src/cli/"];
    let writes = ["fs::write", "File::create", "create_dir", "remove_file", "fs::rename"];
    let broken = sources("src").into_iter().filter(|source| !may.iter().any(|place| source.path.starts_with(place)));
    let broken = broken.filter(|source| writes.iter().any(|text| source.code.contains(text)));
    fail(
        broken
            .map(|source| format!("{} writes files: what is on disk must be durable and swept", source.path))
            .collect(),
    );
}

#[test]
fn no_test_sleeps() {
    let word = ["sl", "eep"].concat();
    let broken = sources("tests").into_iter().chain(sources("src").into_iter().map(Source::only_tests));
    let broken = broken.filter(|source| source.code.contains(&format!("{word}(")));
    fail(broken.map(|source| format!("{}: a test that waits for time is slow or wrong", source.path)).collect());
}

#[test]
fn differences_of_the_databases_are_few() {
    let marked = sources("src").iter().map(|source| source.text.matches("// Portable:").count()).sum::<usize>();
    assert!((1..=5).contains(&marked), "{marked} places differ by database; every query is written once");
}

#[test]
fn files_are_short_and_say_what_they_are() {
    const LINES_MAX: usize = 500;
    let mut broken = Vec::new();
    for source in sources("src").into_iter().chain(sources("tests")).chain(sources("benches")) {
        let lines = source.code_and_comments.lines().count();
        // What is generated is not read from its beginning to its end.
        let is_generated = source.path == "src/store/schema.rs";
        if lines > LINES_MAX && !is_generated && !source.path.starts_with("tests/") {
            broken.push(format!("{}: {lines} lines; {LINES_MAX} are a room, more want to be two", source.path));
        }
        if !source.text.starts_with("//! ") {
            broken.push(format!("{} does not open with `//!`: a reader asks first what is here", source.path));
        }
    }
    fail(broken);
}

#[test]
fn names_say_what_a_thing_is() {
    let empty = [["ut", "il"], ["hel", "per"], ["com", "mon"], ["mi", "sc"], ["man", "ager"]].map(|half| half.concat());
    let says_nothing = |name: &str| empty.iter().any(|word| name.to_ascii_lowercase().contains(word));
    let mut broken: Vec<String> = Vec::new();
    for folder in ["src", "tests", "benches", "docs", "migrations", "fixtures", "schemas"] {
        let files = all_files(folder).into_iter().filter(|path| says_nothing(path));
        broken.extend(files.map(|path| format!("{path}: a name for everything is a place for anything")));
    }
    for source in sources("src").into_iter().chain(sources("benches")) {
        let names = source.defined_names().into_iter().filter(|name| says_nothing(name));
        broken.extend(names.map(|name| format!("{}: {name} does not say what it is", source.path)));
    }
    fail(broken);
}

/// Documents that people read.
fn documents() -> Vec<(String, String)> {
    let tops = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md", "CHANGELOG.md"].map(str::to_owned);
    let folders = ["docs", "migrations", "fixtures", "schemas"].into_iter().flat_map(all_files);
    let paths = tops.into_iter().chain(folders.filter(|path| path.ends_with(".md")));
    paths.map(|path| (path.clone(), std::fs::read_to_string(root().join(path)).unwrap())).collect()
}

#[test]
fn every_path_named_in_a_document_exists() {
    let mut broken = Vec::new();
    let mut named = 0;
    for (document, text) in documents() {
        let is_of_path = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        let starts = ["src/", "docs/", "tests/", "benches/", "migrations/", "fixtures/", "schemas/"];
        for (at, _) in starts.iter().flat_map(|start| text.match_indices(start)) {
            let before = text[..at].chars().next_back();
            let path: String = text[at..].chars().take_while(|c| is_of_path(*c)).collect();
            let after = text[at + path.len()..].chars().next();
            // Part of a longer path or of an address; or a pattern such as `<code>-<slug>` or `*`.
            if before.is_some_and(is_of_path) || after.is_some_and(|c| "<*{…".contains(c)) {
                continue;
            }
            named += 1;
            if !root().join(path.trim_end_matches(['.', '-'])).exists() {
                broken.push(format!("{document}: {path} does not exist"));
            }
        }
    }
    assert!(named > 50, "only {named} paths were found: is the search broken?");
    fail(broken);
}

#[test]
fn every_link_in_a_document_leads_somewhere() {
    let mut broken = Vec::new();
    for (document, text) in documents() {
        let folder = root().join(&document).parent().unwrap().to_owned();
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', '#', ' ']).next().unwrap();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                broken.push(format!("{document}: the link to {target} leads nowhere"));
            }
        }
    }
    fail(broken);
}

#[test]
fn every_test_file_named_by_a_rule_is_part_of_the_test_program() {
    let main = std::fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    let files = all_files("tests/it").into_iter().filter_map(|path| {
        let name = path.strip_prefix("tests/it/")?.strip_suffix(".rs")?.to_owned();
        (!name.contains('/') && name != "main").then_some(name)
    });
    let missing = files.filter(|name| !main.contains(&format!("mod {name};")));
    fail(missing.map(|name| format!("tests/it/{name}.rs is never compiled")).collect());
}

#[test]
fn the_index_of_decisions_is_complete_and_in_order() {
    let index = std::fs::read_to_string(root().join("docs/adr/README.md")).unwrap();
    let mut files: Vec<String> =
        all_files("docs/adr").into_iter().filter(|path| !path.ends_with("README.md")).collect();
    files.sort();
    for (number, path) in (1..).zip(&files) {
        let name = path.rsplit('/').next().unwrap();
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        let title = text.lines().next().unwrap();
        let title = title.strip_prefix(&format!("# {number:04} ")).unwrap_or_else(|| panic!("{name}: {title:?}"));

        assert!(name.starts_with(&format!("{number:04}-")), "{name}: a number is missing before it");
        assert!(index.contains(&format!("[{number:04}]({name})")), "{name} is not in docs/adr/README.md");
        assert!(index.contains(&format!("({name}) | {title} |")), "{name}: the index has not its title, {title:?}");
    }
    assert!(files.len() >= 10);
}

#[test]
fn the_scanner_sees_what_it_is_to_see() {
    let source = Source::of(
        "src/http/gate.rs",
        "//! x\nuse super::auth;\nuse super::super::store::{StoreError, agencies as a};\n// use crate::cli;\n\
         fn f() -> crate::exchange::Caller { diesel::insert() }\n#[cfg(test)]\nmod tests { use crate::wire; }\n",
    );

    assert_eq!(source.floor(), "http");
    assert_eq!(
        source.used_paths(),
        ["exchange::Caller", "http::auth", "store::StoreError", "store::agencies"].map(str::to_owned).into()
    );
    assert!(source.uses_crate("diesel") && !source.uses_crate("actix_web"));
    assert_eq!(without_comments("a // b\n\"c // d\"\n/* e */ f"), "a \n\"c // d\"\n f");
}
