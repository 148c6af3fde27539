//! What people change of themselves: password, second factor, sessions.

use super::super::problem::Problem;
use super::fields::Fields;
use super::{Page, PortalOperation, drawn, provider, qr, see_other};
use crate::domain::dates;
use crate::domain::rules::Wording;
use crate::exchange::identity::{self, Purpose};
use crate::exchange::second_factor::{self, Offer};
use crate::exchange::sessions::{self, Person, SessionLine};
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    page: &'a Page<'a>,
    person: &'a Person,
    sessions: Vec<SessionLine>,
    codes_left: i64,
    /// What was wrong, or done.
    faults: Vec<Wording>,
    done: Option<Wording>,
    /// What an authenticator app is told: a picture, and the secret as people type it.
    offer: Option<(String, String)>,
    /// Recovery codes, shown this once.
    recovery_codes: Vec<String>,
    /// Identity providers: id, name, and whether the person signs in by it.
    providers: Vec<(String, String, bool)>,
    /// Where the provider that was chosen is.
    way: Option<String>,
}

impl AccountPage<'_> {
    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn role(&self) -> String {
        let name = self.person.role.name();
        self.page.say(&name).to_owned()
    }
}

/// What came of something that was done.
#[derive(Default)]
struct Came {
    faults: Vec<Wording>,
    done: Option<Wording>,
    offer: Option<Offer>,
    recovery_codes: Vec<String>,
    way: Option<(String, SecretString)>,
}

/// Shows the page, or does what a form of it asks.
///
/// # Errors
/// `Store`; `Unavailable`; `ComeAgain`.
pub(super) async fn answer(
    operation: PortalOperation,
    page: &Page<'_>,
    person: &Person,
    fields: &Fields,
) -> Result<HttpResponse, Problem> {
    let came = if operation == PortalOperation::Password {
        match password(page, person, fields).await? {
            faults if faults.is_empty() => return Ok(see_other("/portal/account?done=password")),
            faults => Came { faults, ..Came::default() },
        }
    } else if operation == PortalOperation::SecondFactor {
        second_factor(page, person, fields).await?
    } else if operation == PortalOperation::Link {
        if fields.get("step") == "forget" {
            identity::unlink_own(page.hub, person, fields.get("provider")).await?;
            return Ok(see_other("/portal/account?done=unlinked"));
        }
        let way = identity::begin(page.hub, fields.get("provider"), Purpose::Link).await?;
        Came { way: Some(way), ..Came::default() }
    } else if operation == PortalOperation::EndSessions {
        sessions::end_others(page.hub, person).await?;
        return Ok(see_other("/portal/account?done=sessions"));
    } else {
        Came { done: done(fields.get("done")), ..Came::default() }
    };
    let (lines, codes_left) = sessions::own(page.hub, person).await?;
    let offer = came.offer.map(|offer| {
        let picture = qr::picture(offer.url.expose_secret());
        (picture, offer.typed.expose_secret().to_owned())
    });
    let (way, token) = came.way.unzip();
    let mut answer = drawn(&AccountPage {
        page,
        person,
        sessions: lines,
        codes_left,
        faults: came.faults,
        done: came.done,
        offer,
        recovery_codes: came.recovery_codes,
        providers: identity::of_person(page.hub, person).await?,
        way,
    })?;
    if let Some(token) = token {
        provider::keep_way(&mut answer, &token, "");
    }
    Ok(answer)
}

fn done(word: &str) -> Option<Wording> {
    match word {
        "password" => Some(Wording::new("Đã đổi mật khẩu.", "The password was changed.")),
        "linked" => Some(Wording::new("Đã liên kết với nhà cung cấp định danh.", "The identity provider was linked.")),
        "not-linked" => Some(Wording::new(
            "Không liên kết được: danh tính này đã thuộc tài khoản khác, tài khoản đã có liên kết hoặc đang vào bằng nhà cung cấp, hoặc nhà cung cấp không xác nhận.",
            "It was not linked: the identity belongs to another account, the account is linked already or was entered by a provider, or the provider does not vouch for it.",
        )),
        "unlinked" => Some(Wording::new("Đã bỏ liên kết.", "The identity provider was unlinked.")),
        "sessions" => Some(Wording::new("Đã kết thúc các phiên khác.", "The other sessions were ended.")),
        _ => None,
    }
}

async fn password(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<Vec<Wording>, Problem> {
    if fields.get("new") != fields.get("again") {
        return Ok(vec![Wording::new(
            "Hai lần nhập mật khẩu mới khác nhau.",
            "The new password was typed in two ways.",
        )]);
    }
    let passwords = (fields.get("old").into(), fields.get("new").into());
    Ok(sessions::change_password(page.hub, person, passwords).await?)
}

async fn second_factor(page: &Page<'_>, person: &Person, fields: &Fields) -> Result<Came, Problem> {
    if fields.get("step") == "begin" {
        return Ok(Came { offer: Some(second_factor::offer(page.hub, person).await?), ..Came::default() });
    }
    Ok(match second_factor::confirm(page.hub, person, fields.get("code")).await? {
        Some(recovery_codes) => Came {
            done: Some(Wording::new("Đã bật xác thực hai lớp.", "The second factor is on.")),
            recovery_codes,
            ..Came::default()
        },
        None => Came {
            faults: vec![Wording::new(
                "Mã không đúng; hãy bắt đầu lại và nhập mã mới nhất của ứng dụng.",
                "The code does not hold; begin again and enter the newest code of the app.",
            )],
            ..Came::default()
        },
    })
}
