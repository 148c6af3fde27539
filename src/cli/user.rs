//! `user add|list|suspend|resume|reset|hold|release`: people who use the portal. The first administrator is made here.

use super::{Outcome, time};
use crate::domain::dates::for_people;
use crate::domain::user::UserRole;
use crate::exchange::act::By;
use crate::exchange::users::{self, Newcomer, UserLine};
use crate::hub::Hub;
use crate::sheet::{Cell, Column, Form, Sheet};
use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::io::Write;

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Let somebody in; the first password is shown this once and must be changed.
    #[command(
        after_help = "Examples:\n  docaxis user add admin --name 'Nguyễn An' --role administrator\n  docaxis user add lan.vp --name 'Trần Lan' --role clerk --agency H37.DN.001"
    )]
    Add(AddArguments),
    /// List everybody with role and agencies.
    List {
        /// One JSON object per line.
        #[arg(long, conflicts_with = "csv")]
        json: bool,
        /// A sheet for the quarterly review: `docaxis user list --csv > ra-soat.csv`.
        #[arg(long)]
        csv: bool,
    },
    /// Let somebody in no more; sessions end at once.
    Suspend {
        /// The name to sign in with.
        login: String,
    },
    /// Let somebody in again.
    Resume {
        /// The name to sign in with.
        login: String,
    },
    /// Give somebody a new first password, shown this once; sessions end.
    Reset {
        /// The name to sign in with.
        login: String,
        /// Take the second factor away too: the app and the recovery codes are lost.
        #[arg(long)]
        second_factor: bool,
    },
    /// Let somebody look after an agency.
    Hold {
        /// The name to sign in with.
        login: String,
        /// The agency's code or an alias.
        agency: String,
    },
    /// Let somebody look after an agency no more.
    Release {
        /// The name to sign in with.
        login: String,
        /// The agency's code or an alias.
        agency: String,
    },
}

#[derive(Debug, Args)]
pub struct AddArguments {
    /// The name to sign in with: letters, digits and . _ - @
    login: String,
    /// What people call it.
    #[arg(long)]
    name: String,
    /// What it is there for.
    #[arg(long, value_enum)]
    role: RoleWord,
    /// The agencies that a clerk looks after.
    #[arg(long = "agency", value_name = "CODE", num_args = 1..)]
    agencies: Vec<String>,
}

/// What a person is there for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleWord {
    /// Looks after the documents of agencies (văn thư).
    Clerk,
    /// Looks at what a warrant allows (`docaxis warrant`).
    Auditor,
    /// Keeps the hub going; sees every agency's log.
    Operator,
    /// Makes users; sees every agency's log.
    Administrator,
}

impl RoleWord {
    fn role(self) -> UserRole {
        match self {
            Self::Clerk => UserRole::Clerk,
            Self::Auditor => UserRole::Auditor,
            Self::Operator => UserRole::Operator,
            Self::Administrator => UserRole::Administrator,
        }
    }
}

impl UserCommand {
    pub async fn run(self, hub: &Hub, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let by = &By::Operator;
        let line = match self {
            Self::Add(AddArguments { login, name, role, agencies }) => {
                let new = Newcomer { login: login.clone(), name, role: role.role(), agencies };
                let (line, password) = users::add(hub, by, new).await.context(login)?;
                print(&line, out)?;
                return shown_once(&password, out);
            }
            Self::List { csv: true, .. } => {
                out.write_all(&review(&users::list(hub).await?, hub.clock.now())?)?;
                return Ok(Outcome::Done);
            }
            Self::List { json, csv: false } => {
                for line in users::list(hub).await? {
                    match json {
                        true => writeln!(out, "{}", as_json(&line))?,
                        false => print(&line, out)?,
                    }
                }
                return Ok(Outcome::Done);
            }
            Self::Suspend { login } => users::suspend(hub, by, &login, true).await.context(login)?,
            Self::Resume { login } => users::suspend(hub, by, &login, false).await.context(login)?,
            Self::Reset { login, second_factor } => {
                let (line, password) = users::reset(hub, by, &login, second_factor).await.context(login)?;
                print(&line, out)?;
                return shown_once(&password, out);
            }
            Self::Hold { login, agency } => users::hold(hub, by, &login, &agency).await.context(login)?,
            Self::Release { login, agency } => users::release(hub, by, &login, &agency).await.context(login)?,
        };
        print(&line, out)?;
        Ok(Outcome::Done)
    }
}

/// Everybody as a sheet, with room for what the reviewer decides.
fn review(lines: &[UserLine], now: DateTime<Utc>) -> std::io::Result<Vec<u8>> {
    let titles = [
        "Tên đăng nhập",
        "Họ tên",
        "Vai trò",
        "Đơn vị",
        "Xác thực hai lớp",
        "Đăng nhập lần cuối",
        "Số ngày không dùng",
        "Tình trạng",
        "Kết luận rà soát",
    ];
    let columns = titles.map(|title| Column { title, chars: 24 });
    let mut sheet = Sheet::new(Form::Csv, "Tài khoản", &columns)?;
    for line in lines {
        let (role, agencies) = (line.role.name().vi, line.agencies.join(" "));
        let last = line.signed_in_at.map_or_else(String::new, for_people);
        let cells: [Cell<'_>; 9] = [
            line.login.as_str().into(),
            line.name.as_str().into(),
            role.as_str().into(),
            agencies.as_str().into(),
            if line.has_second_factor { "có" } else { "không" }.into(),
            last.as_str().into(),
            Cell::Number(line.unused_days(now)),
            if line.suspended_at.is_some() { "đã khóa" } else { "đang dùng" }.into(),
            "".into(),
        ];
        sheet.row(&cells)?;
    }
    Ok(sheet.finish()?.into())
}

fn shown_once(password: &SecretString, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    writeln!(out, "  mật khẩu lần đầu (chỉ hiện lần này) / first password: {}", password.expose_secret())?;
    Ok(Outcome::Done)
}

fn print(line: &UserLine, out: &mut dyn Write) -> std::io::Result<()> {
    let state = match line.suspended_at {
        Some(at) => format!("suspended {}", time(at)),
        None => "active".to_owned(),
    };
    let second = if line.has_second_factor { "second factor on" } else { "no second factor" };
    let last = line.signed_in_at.map_or_else(|| "never signed in".to_owned(), |at| format!("signed in {}", time(at)));
    writeln!(out, "{}  {}  {}  {state}, {second}, {last}", line.login, line.role.word(), line.name)?;
    if !line.agencies.is_empty() {
        writeln!(out, "  {}", line.agencies.join(" "))?;
    }
    Ok(())
}

fn as_json(line: &UserLine) -> serde_json::Value {
    json!({
        "login": line.login,
        "name": line.name,
        "role": line.role.word(),
        "agencies": line.agencies,
        "second_factor": line.has_second_factor,
        "suspended_at": line.suspended_at.map(time),
        "signed_in_at": line.signed_in_at.map(time),
    })
}
