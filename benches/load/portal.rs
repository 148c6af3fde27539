//! What clerks wait for: pages of the portal over a register with a history, while packets arrive; a long table for
//! spreadsheets; what the first page weighs. Not here: how the register is written (`register`).

use crate::exchange::{self, Arrivals};
use crate::http::{Answer, Connection};
use crate::hub_under_test::{Database, Deployment, Product, Running};
use crate::machine;
use crate::register::{self, AGENCIES, Contents, DAYS, FAN_OUT};
use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct PortalOptions {
    /// Measures pages of the portal in place of the cells
    #[arg(long)]
    portal: bool,
    /// How often each page is asked for
    #[arg(long, default_value_t = 300)]
    asks: u64,
}

impl PortalOptions {
    /// Whether this is what is to be measured.
    pub fn wanted(&self) -> bool {
        self.portal
    }
}

/// The clerk's agency: the first that receives.
const CLERK: &str = "van.thu";
const ADMINISTRATOR: &str = "quan.tri";

const PASSWORD: &str = "Bon mua 4 mua, xuan ha thu dong!";

/// A person's browser: one connection, and cookies by name.
struct Browser {
    connection: Connection,
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Signs somebody in who has just been let in, with a password of its own choice.
    async fn of(address: SocketAddr, login: &str, first: &str) -> Result<Browser> {
        let connection = Connection::open(address).await?;
        let mut browser = Browser { connection, address, cookies: BTreeMap::new() };
        browser.post("/portal/sign-in", &[("login", login), ("password", first), ("code", "")]).await?;
        let page = browser.get("/portal/account").await?;
        let text = String::from_utf8(page.body)?;
        let token = text.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let token = token.context("the page of the account has no form")?.to_owned();
        let fields = [("form_token", token.as_str()), ("old", first), ("new", PASSWORD), ("again", PASSWORD)];
        browser.post("/portal/account/password", &fields).await?;
        Ok(browser)
    }

    async fn ask(&mut self, head: String, body: &str) -> Result<Answer> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let head = format!("{head}Host: {}\r\nCookie: {}\r\n\r\n", self.address, cookies.join("; "));
        self.connection.write(head.as_bytes()).await?;
        self.connection.write(body.as_bytes()).await?;
        let answer = self.connection.answer().await?;
        for cookie in &answer.cookies {
            let (name, rest) = cookie.split_once('=').context("a cookie without a value")?;
            self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap_or_default().to_owned());
        }
        Ok(answer)
    }

    async fn get(&mut self, place: &str) -> Result<Answer> {
        let answer = self.ask(format!("GET {place} HTTP/1.1\r\n"), "").await?;
        ensure!(answer.status == 200, "{place}: HTTP {}", answer.status);
        Ok(answer)
    }

    async fn post(&mut self, place: &str, fields: &[(&str, &str)]) -> Result<()> {
        let body =
            fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&");
        let length = body.len();
        let kind = "application/x-www-form-urlencoded";
        let head = format!("POST {place} HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n");
        let answer = self.ask(head, &body).await?;
        ensure!(answer.status == 303, "{place}: HTTP {}", answer.status);
        Ok(())
    }
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Measures on one database; prints JSON.
pub async fn run(
    (options, deliveries, rate): (&PortalOptions, u64, f64),
    product: &Product,
    database: Database,
    scratch: &Path,
) -> Result<()> {
    let deployment = Deployment::prepare(product, database, scratch)?;
    let systems = exchange::systems(&deployment, AGENCIES)?;
    let clerk = let_in(&deployment, CLERK, "clerk", &["--agency", &register::some_recipient(0)])?;
    let administrator = let_in(&deployment, ADMINISTRATOR, "administrator", &[])?;
    let start = Instant::now();
    let contents = register::fill(database, &deployment.link()?, deliveries)?;
    let filled_in = start.elapsed().as_secs_f64();
    let hub = deployment.start().await?;
    let address = hub.target.address;
    let mut clerk = Browser::of(address, CLERK, &clerk).await?;
    let mut administrator = Browser::of(address, ADMINISTRATOR, &administrator).await?;
    let first = first_page(address).await?;
    let arrivals = Arrivals::begin(&hub, systems.first().context("no sender")?, rate, AGENCIES)?;
    let questions = Questions { contents: &contents, envelopes: deliveries.div_ceil(FAN_OUT) };
    let mut pages = Vec::new();
    for (name, goal, of_clerk, place) in PAGES {
        let browser = if *of_clerk { &mut clerk } else { &mut administrator };
        // The hub has closed what nobody used meanwhile.
        browser.connection = Connection::open(address).await?;
        let figures = asked(browser, options.asks, |turn| place(&questions, turn)).await.context(*name)?;
        eprintln!("{name}: {figures}");
        pages.push(json!({ "page": name, "goal_p99_ms": goal, "figures": figures }));
    }
    let export = export(&mut clerk, &hub, &questions).await?;
    let arrived = arrivals.end().await?;
    hub.stop().await?;
    let report = json!({ "database": database, "deliveries": deliveries, "filled_in_seconds": filled_in,
        "started_in_ms": hub_started(&deployment).await?, "load_average": machine::load_average(),
        "first_page": first, "pages": pages, "export": export, "arrived_meanwhile": arrived });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

async fn hub_started(deployment: &Deployment) -> Result<f64> {
    let hub = deployment.start().await?;
    let started_in = hub.started_in.as_secs_f64() * 1e3;
    hub.stop().await?;
    Ok(started_in)
}

/// Lets somebody in by the command line; gives the first password.
fn let_in(deployment: &Deployment, login: &str, role: &str, more: &[&str]) -> Result<String> {
    let mut arguments = vec!["user", "add", login, "--name", login, "--role", role];
    arguments.extend_from_slice(more);
    let said = deployment.ask(&arguments)?;
    Ok(said.split_whitespace().last().context("no password")?.to_owned())
}

/// A page: its name, the goal for the 99th percentile in milliseconds, whether a clerk asks for it, and its address.
type Page = (&'static str, u64, bool, fn(&Questions<'_>, u64) -> String);

const PAGES: &[Page] = &[
    ("number and notation, clerk", 10, true, |q, turn| q.number(q.of_clerk(turn))),
    ("number and notation, whole hub", 10, false, |q, turn| q.number(q.any(turn))),
    ("log of an agency and a day", 20, true, |q, turn| q.day(turn, "in")),
    ("log of an agency that sent, and a day", 20, true, |q, turn| q.day(turn, "out")),
    ("log of an agency, both ways, and a day", 20, true, |q, turn| q.day(turn, "all")),
    ("log of the last days", 20, true, |_, _| "/portal/log".to_owned()),
    ("three words of the subject, clerk", 300, true, |q, turn| q.words(q.of_clerk(turn), 3)),
    ("three words of the subject, whole hub", 300, false, |q, turn| q.words(q.any(turn), 3)),
    ("one common word, whole hub", 300, false, |q, turn| q.words(q.any(turn), 1)),
    ("one document", 20, true, |q, turn| format!("/portal/documents/{}", register::envelope_id(q.of_clerk(turn)))),
    ("statistics of an agency, 30 days", 50, true, |_, _| "/portal/statistics".to_owned()),
    ("statistics of the hub, 30 days", 50, false, |_, _| "/portal/statistics".to_owned()),
    ("statistics of the hub, a month", 50, false, |q, _| format!("/portal/statistics?period={}", q.month())),
];

/// What is asked for, other each time.
struct Questions<'a> {
    contents: &'a Contents,
    envelopes: u64,
}

impl Questions<'_> {
    /// Some document of the whole register.
    fn any(&self, turn: u64) -> u64 {
        turn.wrapping_mul(2_654_435_761) % self.envelopes
    }

    /// The next document after it that went to the clerk's agency.
    fn of_clerk(&self, turn: u64) -> u64 {
        let is_recipient =
            |number: &u64| (0..FAN_OUT).any(|place| (number * 3 + place * 9 + 1).is_multiple_of(AGENCIES));
        (self.any(turn)..).find(is_recipient).unwrap_or_default()
    }

    fn subject(&self, number: u64) -> (&str, &str) {
        let place = number as usize % self.contents.subjects.len().max(1);
        self.contents.subjects.get(place).map_or(("", ""), |(subject, notation)| (subject.as_str(), notation))
    }

    /// The number with its sign, as people type it.
    fn number(&self, number: u64) -> String {
        let (_, notation) = self.subject(number);
        let typed = format!("{} {}", register::code_number(number), notation.replace('-', " ").to_lowercase());
        format!("/portal/search?q={}", escaped(&typed))
    }

    fn words(&self, number: u64, words: usize) -> String {
        let (subject, _) = self.subject(number);
        let some: Vec<&str> = subject.split(' ').skip(2 + number as usize % 7).take(words).collect();
        format!("/portal/search?q={}", escaped(&some.join(" ")))
    }

    fn day(&self, turn: u64, direction: &str) -> String {
        let day = self.contents.last_day - TimeDelta::days((turn.wrapping_mul(7_919) % DAYS) as i64);
        format!("/portal/log?direction={direction}&from={day}&until={day}")
    }

    /// The month before the last one.
    fn month(&self) -> String {
        (self.contents.last_day - TimeDelta::days(62)).format("%Y-%m").to_string()
    }
}

/// How long each answer took, over one connection, one after the other.
async fn asked(browser: &mut Browser, asks: u64, place: impl Fn(u64) -> String) -> Result<Value> {
    let (mut took, mut bytes) = (Vec::new(), 0);
    for turn in 0..asks {
        let place = place(turn);
        let start = Instant::now();
        let answer = browser.get(&place).await?;
        took.push(start.elapsed());
        bytes = bytes.max(answer.body.len());
    }
    took.sort_unstable();
    let part = |part: f64| {
        let rank = ((took.len() as f64 * part).ceil() as usize).saturating_sub(1);
        took.get(rank).map_or(0.0, |took: &Duration| took.as_secs_f64() * 1e3)
    };
    Ok(json!({ "p50_ms": part(0.5), "p99_ms": part(0.99), "max_ms": part(1.0), "bytes_max": bytes }))
}

/// A table of all that came to the clerk's agency within the year.
async fn export(browser: &mut Browser, hub: &Running, questions: &Questions<'_>) -> Result<Value> {
    let from = questions.contents.last_day - TimeDelta::days(DAYS as i64);
    let before = machine::memory_mb(hub.pid(), "VmRSS").context("reading the hub's memory")?;
    machine::reset_peak(hub.pid())?;
    browser.connection = Connection::open(browser.address).await?;
    let start = Instant::now();
    let answer = browser.get(&format!("/portal/log/export?form=xlsx&direction=in&from={from}")).await?;
    let seconds = start.elapsed().as_secs_f64();
    let peak = machine::memory_mb(hub.pid(), "VmHWM").context("reading the hub's memory")?;
    Ok(json!({ "seconds": seconds, "bytes": answer.body.len(), "memory_mb_before": before, "memory_mb_peak": peak }))
}

/// What a browser fetches that has never been here, and how soon the first page begins to come.
async fn first_page(address: SocketAddr) -> Result<Value> {
    let mut browser = Browser { connection: Connection::open(address).await?, address, cookies: BTreeMap::new() };
    let start = Instant::now();
    let page = browser.get("/portal/sign-in").await?;
    let took = start.elapsed().as_secs_f64() * 1e3;
    let text = String::from_utf8(page.body)?;
    let mut bytes = text.len();
    let mut wanted: Vec<&str> = text.split('"').filter(|part| part.starts_with("/portal/assets/")).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let files = wanted.len();
    for place in wanted {
        bytes += browser.get(place).await?.body.len();
    }
    Ok(json!({ "answered_in_ms": took, "bytes_with_what_it_names": bytes, "files": files }))
}
