//! Sample accounts of the demo's portal: each has signed in and chosen a password already.

use crate::domain::dates::VIETNAM;
use crate::domain::user::UserRole;
use crate::exchange::act::By;
use crate::exchange::sessions::{self, Admission, Shown, Visit};
use crate::exchange::users::{self, Newcomer};
use crate::exchange::warrants::{self, Draft};
use crate::hub::Hub;
use anyhow::{Context, bail};
use chrono::{Datelike, Months};
use secrecy::{ExposeSecret, SecretString};

/// Login, name, role and agencies of an account.
type Account = (&'static str, &'static str, UserRole, &'static [&'static str]);

const ACCOUNTS: [Account; 4] = [
    ("vanthu.a01", "Văn thư X99.A01", UserRole::Clerk, &["X99.A01"]),
    ("vanthu.b02", "Văn thư X99.B02", UserRole::Clerk, &["X99.B02"]),
    ("vanhanh", "Vận hành Trục", UserRole::Operator, &[]),
    ("thanhtra", "Kiểm tra theo quyết định", UserRole::Auditor, &["X99.A01"]),
];

/// Makes the accounts, or gives them new passwords. Gives logins with passwords.
pub async fn let_in(hub: &Hub) -> anyhow::Result<Vec<(&'static str, SecretString)>> {
    let known = users::list(hub).await?;
    let mut let_in = Vec::new();
    for (login, name, role, agencies) in ACCOUNTS {
        let (_, first) = match known.iter().any(|user| user.login == login) {
            true => users::reset(hub, &By::Operator, login, true).await.context(login)?,
            false => {
                let agencies: Vec<String> = agencies.iter().map(|code| (*code).to_owned()).collect();
                let own = if role.is_auditor() { Vec::new() } else { agencies.clone() };
                let new = Newcomer { login: login.to_owned(), name: name.to_owned(), role, agencies: own };
                let added = users::add(hub, &By::Operator, new).await.context(login)?;
                if role.is_auditor() {
                    warrants::issue(hub, &By::Operator, warrant(hub, login, agencies)?).await.context(login)?;
                }
                added
            }
        };
        let_in.push((login, chosen(hub, login, first).await.context(login)?));
    }
    Ok(let_in)
}

/// A warrant for the documents of this month, until the end of the next one.
fn warrant(hub: &Hub, login: &str, agencies: Vec<String>) -> anyhow::Result<Draft> {
    let today = hub.clock.now().with_timezone(&VIETNAM).date_naive();
    let first = today.with_day(1).context("a month without a first day")?;
    Ok(Draft {
        login: login.to_owned(),
        number: "01/QĐ-TTr".to_owned(),
        decided_on: today,
        purpose: "Kiểm tra mẫu trong bản trình diễn".to_owned(),
        agencies,
        every_agency: false,
        content: true,
        documents: (first, first.checked_add_months(Months::new(2)).context("a date too late")?),
        from: None,
        until: first.checked_add_months(Months::new(2)).context("a date too late")?,
    })
}

/// Signs in and chooses a password, as everybody does.
async fn chosen(hub: &Hub, login: &str, first: SecretString) -> anyhow::Result<SecretString> {
    let shown = Shown { login: login.to_owned(), password: first.clone(), code: String::new() };
    let visit = Visit { address: "127.0.0.1".to_owned(), agent: "docaxis demo".to_owned() };
    let Admission::In(token) = sessions::sign_in(hub, shown, visit).await? else {
        bail!("the first password does not hold")
    };
    let person = sessions::person(hub, token.expose_secret(), true).await?.context("the session is over")?;
    let random: String = hub.keyring.new_secret()?.expose_secret().chars().take(12).collect();
    let password = SecretString::from(format!("Thu-{random}-1x"));
    let faults = sessions::change_password(hub, &person, (first, password.clone())).await?;
    sessions::sign_out(hub, &person).await?;
    match faults.first() {
        None => Ok(password),
        Some(fault) => bail!("{}", fault.en),
    }
}
