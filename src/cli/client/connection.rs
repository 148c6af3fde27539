//! A caller of the hub's native API as any DMS would be one: one key, requests that are tried again while that can
//! help, failures that say whether the hub refused or could not be asked. Not here: what is asked for.

use super::problem::Problem;
use crate::cli::Outcome;
use crate::cli::progress::Progress;
use crate::hub::Clock;
use anyhow::{Context, bail, ensure};
use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use clap::Args;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the hub is and who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Hub")]
pub struct HubArguments {
    /// The hub's address, such as `https://truc.example.vn`.
    #[arg(long, value_name = "URL", env = "DOCAXIS_HUB", hide_env_values = true)]
    pub hub: String,
    /// File with the key: KEY_ID.SECRET, or what `key add --json` prints. Without it the key is taken from the
    /// environment variable DOCAXIS_KEY; it has no option, since everybody on a machine can read those.
    #[arg(long, value_name = "FILE", env = "DOCAXIS_KEY_FILE", hide_env_values = true)]
    pub key_file: Option<PathBuf>,
    /// Trust only the authorities in this PEM file, in place of those of the system.
    #[arg(long, value_name = "FILE", env = "DOCAXIS_CA", hide_env_values = true)]
    pub ca: Option<PathBuf>,
    /// How often a request is tried again when the hub is busy or out of reach; repeats are safe.
    #[arg(long, value_name = "TIMES", default_value_t = 5)]
    pub retries: usize,
    /// Longest silence of the hub that is waited for.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
}

/// One page of any list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Page {
    /// The rows, as the hub gives them.
    pub items: Vec<Value>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// How long to connect, and how long a hub may ask us to wait before it is given up for now.
const CONNECT: Duration = Duration::from_secs(10);
const WAIT_MAX: Duration = Duration::from_secs(300);

/// Where the key may stand besides a file.
const KEY_VARIABLE: &str = "DOCAXIS_KEY";

/// Why the hub did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The hub's answer is no.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The hub could not answer now; after how long it wants to be asked again.
    #[error("{0}")]
    Unwell(Box<Problem>, Option<Duration>),
    /// No answer came, or it broke off.
    #[error("{words}: {url}")]
    Unreachable {
        /// In Vietnamese and English.
        words: &'static str,
        /// What was asked.
        url: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// What arrived is not what the hub announced.
    #[error("{0}")]
    Garbled(String),
    /// A file here cannot be read or written.
    #[error("{0}")]
    File(String, #[source] std::io::Error),
}

impl Fault {
    /// What a reqwest error means, in words for people.
    pub fn of(error: reqwest::Error) -> Self {
        let url = error.url().map(ToString::to_string).unwrap_or_default();
        let words = match () {
            () if error.is_connect() => "không kết nối được tới trục / the hub cannot be reached",
            () if error.is_timeout() => "trục không trả lời / the hub does not answer",
            () if error.is_decode() => "trục trả lời không đúng dạng / the hub's answer cannot be read",
            () => "trao đổi với trục bị đứt / the exchange with the hub broke off",
        };
        Self::Unreachable { words, url, source: error.without_url() }
    }

    /// Whether the same may succeed in a moment.
    fn is_transient(&self) -> bool {
        match self {
            Self::Unwell(..) | Self::Unreachable { .. } | Self::Garbled(_) => true,
            Self::Refused(problem) => problem.code == "body-cut",
            Self::File(..) => false,
        }
    }

    /// Whether nothing else can be asked of this hub either.
    pub fn ends_all(&self) -> bool {
        match self {
            Self::Unwell(..) | Self::Unreachable { .. } => true,
            Self::Refused(problem) => problem.status == 401,
            Self::Garbled(_) | Self::File(..) => false,
        }
    }

    /// What it means for the caller's script.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(_) => Outcome::Refused,
            Self::Unwell(..) | Self::Unreachable { .. } | Self::Garbled(_) | Self::File(..) => Outcome::Failed,
        }
    }

    /// For scripts.
    pub fn as_json(&self) -> Value {
        match self {
            Self::Refused(problem) | Self::Unwell(problem, _) => problem.raw.clone(),
            Self::Unreachable { .. } | Self::Garbled(_) | Self::File(..) => {
                serde_json::json!({ "error": self.chain() })
            }
        }
    }

    /// The words with their causes.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(next) = cause {
            text.push_str(&format!(": {next}"));
            cause = next.source();
        }
        text
    }
}

/// A hub and a key for it.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    base: String,
    token: SecretString,
    backoff: ExponentialBuilder,
}

impl Connection {
    /// As the arguments and the environment say.
    pub fn of(arguments: &HubArguments) -> anyhow::Result<Self> {
        crate::use_aws_lc();
        let url = address(&arguments.hub)?;
        let mut builder = Client::builder()
            .user_agent(concat!("docaxis/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(Duration::from_secs(arguments.timeout))
            // The hub has none, and a key must not wander.
            .redirect(redirect::Policy::none());
        if is_here(&url) {
            builder = builder.no_proxy();
        }
        if let Some(file) = &arguments.ca {
            let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let authorities = Certificate::from_pem_bundle(&pem).with_context(|| file.display().to_string())?;
            ensure!(!authorities.is_empty(), "{} holds no certificate", file.display());
            builder = builder.tls_certs_only(authorities);
        }
        let client = builder.build().context("the HTTP client cannot be set up")?;
        let token = key(arguments.key_file.as_deref())?;
        Ok(Self::new(client, url.as_str(), token).tried_again(arguments.retries, Duration::from_secs(1)))
    }

    /// With a client that is there already; nothing is tried again.
    pub fn new(client: Client, url: &str, token: SecretString) -> Self {
        let base = format!("{}/api/v1", url.trim_end_matches('/'));
        Self { client, base, token, backoff: ExponentialBuilder::new().with_max_times(0) }
    }

    /// The same, trying again so often, with growing, jittered pauses from `first` on.
    pub fn tried_again(mut self, times: usize, first: Duration) -> Self {
        let builder = ExponentialBuilder::new().with_min_delay(first).with_max_delay(Duration::from_secs(30));
        self.backoff = builder.with_max_times(times).with_jitter();
        self
    }

    /// A request below the API's path, with the key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(self.token.expose_secret())
    }

    /// Does something as a whole, again and again while that can help.
    pub async fn persist<T, F>(&self, progress: &Progress, attempt: impl FnMut() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let pause = |fault: &Fault, planned: Option<Duration>| match (fault, planned) {
            (Fault::Unwell(_, Some(asked)), Some(planned)) => (*asked <= WAIT_MAX).then(|| planned.max(*asked)),
            (_, planned) => planned,
        };
        let told = |fault: &Fault, pause: Duration| {
            let seconds = pause.as_secs_f64();
            progress.remark(&format!("{fault}; thử lại sau / again in {seconds:.1} s"));
        };
        attempt.retry(self.backoff).when(Fault::is_transient).adjust(pause).notify(told).await
    }

    /// Reads JSON.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Fault> {
        let attempt = || async {
            let response = accepted(self.request(Method::GET, path).query(query)).await?;
            response.json().await.map_err(Fault::of)
        };
        self.persist(&Progress::pieces(0, ""), attempt).await
    }

    /// Says something small and reads the JSON that comes back.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        let attempt = || async {
            let response = accepted(self.request(Method::POST, path).json(body)).await?;
            response.json().await.map_err(Fault::of)
        };
        self.persist(&Progress::pieces(0, ""), attempt).await
    }
}

/// Asks once; anything but success and "not modified" is a fault.
pub async fn accepted(request: RequestBuilder) -> Result<Response, Fault> {
    let response = request.send().await.map_err(Fault::of)?;
    let status = response.status();
    if status.is_success() || status.as_u16() == 304 {
        return Ok(response);
    }
    let pause = retry_after(response.headers(), Clock::System.now());
    let body = response.bytes().await.unwrap_or_default();
    let problem = Box::new(Problem::of(status.as_u16(), &body));
    match status.as_u16() {
        408 | 429 | 500.. => Err(Fault::Unwell(problem, pause)),
        _ => Err(Fault::Refused(problem)),
    }
}

/// How long the hub, or a proxy before it, asks us to wait: seconds or a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

fn address(hub: &str) -> anyhow::Result<Url> {
    let url = Url::parse(hub).with_context(|| format!("{hub:?} is no address of a hub; it looks like https://host"))?;
    ensure!(matches!(url.scheme(), "http" | "https"), "the hub's address must begin with https:// or http://");
    ensure!(url.username().is_empty() && url.password().is_none(), "the hub's address must hold no password");
    ensure!(url.query().is_none() && url.fragment().is_none(), "the hub's address must end with its host or path");
    Ok(url)
}

/// Whether a hub is on this machine, where no proxy stands between.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn key(file: Option<&Path>) -> anyhow::Result<SecretString> {
    let Some(file) = file else {
        let Ok(text) = std::env::var(KEY_VARIABLE) else {
            bail!("chưa có khóa / no key: --key-file FILE, DOCAXIS_KEY_FILE or {KEY_VARIABLE}");
        };
        return token(&text).with_context(|| format!("the environment variable {KEY_VARIABLE}"));
    };
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let is_open = |metadata: Metadata| metadata.permissions().mode() & 0o077 != 0;
    if std::fs::metadata(file).is_ok_and(is_open) {
        let file = file.display();
        let words = format!("{file}: người khác đọc được khóa này / others can read this key: chmod 600 {file}");
        Progress::pieces(0, "").remark(&words);
    }
    token(&text).with_context(|| file.display().to_string())
}

/// The bearer token in a text: itself, or the two values of a new key as JSON.
fn token(text: &str) -> anyhow::Result<SecretString> {
    let text = text.trim();
    if let Ok(key) = serde_json::from_str::<Value>(text)
        && let (Some(id), Some(secret)) = (key.get("key_id"), key.get("secret"))
    {
        let plain = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        return Ok(format!("{}.{}", plain(id), plain(secret)).into());
    }
    let is_token = text.contains('.') && text.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(is_token, "this is no key: KEY_ID.SECRET on one line is wanted");
    Ok(text.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use std::cell::Cell;
    use std::net::TcpListener;

    fn connection(url: &str) -> Connection {
        crate::use_aws_lc();
        Connection::new(Client::builder().no_proxy().build().unwrap(), url, "k.s".into())
    }

    #[test]
    fn a_key_is_read_from_a_line_or_from_the_json_of_a_new_key() {
        for text in ["k1.s3cret\n", "{\"key_id\":\"k1\",\"secret\":\"s3cret\",\"expires_at\":null}\n"] {
            assert_eq!(token(text).unwrap().expose_secret(), "k1.s3cret");
        }
        for text in ["", "no-dot", "k1.s3cret k2", "{\"key_id\":\"k1\"}"] {
            assert!(token(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_that_could_leak_or_lead_astray_is_refused() {
        assert!(address("https://truc.example.vn/docaxis/").is_ok());
        for bad in ["truc.example.vn", "ftp://a", "https://u:p@a", "https://a/?x=1", "https://a/#x"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_this_machine_is_reached_without_a_proxy() {
        let here = |url: &str| is_here(&Url::parse(url).unwrap());
        assert!(here("http://127.0.0.1:8080") && here("http://[::1]:1") && here("http://localhost"));
        assert!(!here("https://127.0.0.1.example.vn"));
    }

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T00:00:00Z").unwrap().to_utc();
        let asked = |text| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]), now);

        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("Sat, 21 Nov 2026 00:00:09 GMT"), Some(Duration::from_secs(9)));
        assert_eq!(asked("Sat, 21 Nov 2020 00:00:09 GMT"), Some(Duration::ZERO));
        assert_eq!(asked("soon"), None);
    }

    #[tokio::test]
    async fn what_cannot_be_reached_is_tried_again_and_told_in_words() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let connection = connection(&format!("http://{free}")).tried_again(2, Duration::ZERO);
        let tries = Cell::new(0);

        let attempt = || async {
            tries.set(tries.get() + 1);
            accepted(connection.request(Method::GET, "/mailbox")).await
        };
        let fault = connection.persist(&Progress::pieces(0, ""), attempt).await.unwrap_err();

        assert_eq!(tries.get(), 3);
        assert!(fault.to_string().starts_with("không kết nối được tới trục"), "{fault}");
        assert_eq!(fault.outcome(), Outcome::Failed);
    }

    #[tokio::test]
    async fn a_refusal_is_not_tried_again_and_a_very_long_pause_is_not_waited_for() {
        let connection = connection("http://unused").tried_again(5, Duration::ZERO);
        for status in [422, 503] {
            let tries = Cell::new(0);
            let attempt = || async {
                tries.set(tries.get() + 1);
                let problem = Box::new(Problem::of(status, b"{}"));
                match status {
                    503 => Err::<(), _>(Fault::Unwell(problem, Some(WAIT_MAX * 2))),
                    _ => Err(Fault::Refused(problem)),
                }
            };
            assert!(connection.persist(&Progress::pieces(0, ""), attempt).await.is_err());
            assert_eq!(tries.get(), 1, "{status}");
        }
    }
}
