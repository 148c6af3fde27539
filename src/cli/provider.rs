//! `provider set|list|suspend|resume|link|unlink`: identity providers by which people sign in to the portal.

use super::Outcome;
use crate::exchange::act::By;
use crate::exchange::identity::{self, ProviderEntry, ProviderRow, Vouching};
use crate::hub::Hub;
use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use secrecy::SecretString;
use serde_json::json;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Say where a provider is; it is asked what it is. Once more: it is asked anew, and what is not given again holds no more.
    #[command(
        after_help = "Examples:\n  docaxis provider set tinh --name 'Cổng định danh tỉnh' --issuer https://sso.example.vn --client-id docaxis --secret-file secret.txt"
    )]
    Set(SetArguments),
    /// List providers and who signs in by them.
    List {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Let nobody sign in by a provider any more; sessions that are open go on to their end.
    Suspend {
        /// The provider.
        provider: String,
    },
    /// Let people sign in by it again.
    Resume {
        /// The provider.
        provider: String,
    },
    /// Say who somebody is for a provider. People can do that themselves, on the page of their account.
    Link {
        /// The provider.
        provider: String,
        /// The name to sign in with here.
        login: String,
        /// What the provider calls the person (`sub`).
        subject: String,
    },
    /// Forget who somebody is for a provider; sessions end at once.
    Unlink {
        /// The provider.
        provider: String,
        /// The name to sign in with here.
        login: String,
    },
}

#[derive(Debug, Args)]
pub struct SetArguments {
    /// Its word in addresses and commands: a–z, 0–9, -
    provider: String,
    /// What people read where they sign in.
    #[arg(long)]
    name: String,
    /// Its address, exactly as it says it: its /.well-known/openid-configuration is asked.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// What it calls this hub.
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// File with the secret of this hub there.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Whether it asks for a second factor.
    #[arg(long, value_enum, default_value = "shown")]
    second_factor: VouchingWord,
    /// Only for people who look after this agency.
    #[arg(long, value_name = "CODE")]
    agency: Option<String>,
}

/// Whether a provider asks for a second factor.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum VouchingWord {
    /// Each sign-in must say so (`amr`: mfa, otp, hwk, swk or sc).
    Shown,
    /// It always does, and need not say so.
    Trusted,
}

impl SetArguments {
    fn entry(self) -> anyhow::Result<ProviderEntry> {
        let read =
            |file: PathBuf| fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()));
        let secret = self.secret_file.map(read).transpose()?;
        Ok(ProviderEntry {
            provider_id: self.provider,
            name: self.name,
            issuer: self.issuer,
            client_id: self.client_id,
            client_secret: secret.map(|secret| SecretString::from(secret.trim().to_owned())),
            vouching: match self.second_factor {
                VouchingWord::Shown => Vouching::Shown,
                VouchingWord::Trusted => Vouching::Trusted,
            },
            agency: self.agency,
        })
    }
}

impl ProviderCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let by = &By::Operator;
        match self {
            Self::Set(arguments) => {
                let row = identity::set(hub, by, arguments.entry()?).await?;
                writeln!(
                    out,
                    "{} is set; it must send people back to {}",
                    row.provider_id,
                    identity::back(hub, &row.provider_id)
                )?;
            }
            Self::List { json } => {
                for (row, people) in identity::list(hub).await? {
                    print(&row, &people, (json, out))?;
                }
            }
            Self::Suspend { provider } => {
                identity::suspend(hub, by, &provider, true).await.with_context(|| provider.clone())?;
                writeln!(out, "nobody signs in by {provider} any more")?;
            }
            Self::Resume { provider } => {
                identity::suspend(hub, by, &provider, false).await.with_context(|| provider.clone())?;
                writeln!(out, "people sign in by {provider} again")?;
            }
            Self::Link { provider, login, subject } => {
                let linked = identity::link_by(hub, by, (&provider, &subject), &login).await;
                linked.with_context(|| format!("{provider} {login}"))?;
                writeln!(out, "{login} signs in by {provider} as {subject}")?;
            }
            Self::Unlink { provider, login } => {
                identity::unlink(hub, by, &provider, &login).await.with_context(|| format!("{provider} {login}"))?;
                writeln!(out, "{login} does not sign in by {provider} any more")?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn print(row: &ProviderRow, people: &[(String, String)], (json, out): (bool, &mut dyn Write)) -> anyhow::Result<()> {
    if json {
        let people: Vec<_> =
            people.iter().map(|(login, subject)| json!({ "login": login, "subject": subject })).collect();
        let line = json!({
            "provider": row.provider_id, "name": row.name, "issuer": row.issuer, "client_id": row.client_id,
            "second_factor": row.vouching().word(), "agency": row.agency_code,
            "suspended": row.suspended_at().is_some(), "people": people,
        });
        writeln!(out, "{line}")?;
        return Ok(());
    }
    let for_whom = row.agency_code.as_deref().unwrap_or("everybody");
    let (id, factor) = (&row.provider_id, row.vouching().word());
    writeln!(
        out,
        "{id}  {}  {}\n  client {}, second factor {factor}, for {for_whom}",
        row.name, row.issuer, row.client_id
    )?;
    if row.suspended_at().is_some() {
        writeln!(out, "  suspended")?;
    }
    for (login, subject) in people {
        writeln!(out, "  {login} is {subject}")?;
    }
    Ok(())
}
