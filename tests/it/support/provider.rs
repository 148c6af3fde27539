//! An identity provider: a real one (oidc-provider-mock), a process of its own on a free port.

use super::portal::escaped;
use docaxis::config::Config;
use docaxis::exchange::identity::{ProviderEntry, Vouching};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Lets a hub call one on this machine, and say where people reach it.
pub fn with_providers(config: &mut Config) {
    config.push.networks = "127.0.0.0/8".to_owned();
    config.push.plain_http = true;
    PUBLIC.clone_into(&mut config.portal.public_url);
}

/// Where people reach the hub.
pub const PUBLIC: &str = "https://truc.example.vn";

pub struct IdentityProvider {
    /// What it says it is.
    pub issuer: String,
    process: Child,
    client: reqwest::Client,
}

impl IdentityProvider {
    /// Starts one; it listens when this returns.
    pub async fn start() -> Self {
        let program =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(target()).join("oidc-provider/bin/oidc-provider-mock");
        let mut command = Command::new(program);
        command.args(["--port", "0"]).env("NO_COLOR", "1").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("an identity provider is needed for this test: make provider");
        let said = process.stderr.take().unwrap();
        // It says where once it listens; then its talk is drained, so that it is never held up.
        let (tell, told) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut tell = Some(tell);
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                let port = line
                    .split("http://127.0.0.1:")
                    .nth(1)
                    .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
                if let Some((tell, port)) = port.and_then(|port| Some((tell.take()?, port))) {
                    tell.send(port).unwrap();
                }
            }
        });
        let issuer = format!("http://127.0.0.1:{}", told.await.expect("it ended before it listened"));
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { issuer, process, client }
    }

    /// What an operator says of it.
    pub fn entry(&self) -> ProviderEntry {
        ProviderEntry {
            provider_id: "tinh".to_owned(),
            name: "Cổng định danh tỉnh".to_owned(),
            issuer: self.issuer.clone(),
            client_id: "docaxis".to_owned(),
            client_secret: Some("bí mật".into()),
            vouching: Vouching::Shown,
            agency: None,
        }
    }

    /// Lets it know somebody, with what it says of it.
    pub async fn know(&self, subject: &str, claims: Value) {
        let answer = self.client.put(format!("{}/users/{subject}", self.issuer)).json(&claims).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Says there who one is. Where it leads back to.
    pub async fn agree(&self, way: &str, subject: &str) -> String {
        assert!(way.starts_with(&self.issuer), "{way}");
        let body = format!("sub={}", escaped(subject));
        let request = self.client.post(way).header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let said = answer.text().await.unwrap();
        let back = headers.get("location").unwrap_or_else(|| panic!("{status}: {said}"));
        back.to_str().unwrap().to_owned()
    }
}

/// Where builds are kept.
fn target() -> String {
    std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned())
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
