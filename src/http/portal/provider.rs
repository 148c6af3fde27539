//! The way to an identity provider and back: to sign in, or to say from one's account who one is there.

use super::super::gate::Call;
use super::super::problem::Problem;
use super::fields::{self, Fields};
use super::sign_in::{self, Asking};
use super::{Page, PortalOperation, cookie, see_other, set_cookie, signed_in, within};
use crate::exchange::identity::{self, Brought, Purpose};
use crate::exchange::sessions::{Admission, Turned};
use actix_web::HttpResponse;
use secrecy::{ExposeSecret, SecretString};

/// The cookie of the way: its secret, and where it leads to in the end.
const WAY: &str = "__Host-docaxis-identity";
/// How long somebody may take at the provider, in seconds.
const WAY_SECONDS: u32 = 600;

/// Keeps what the way back is known by.
pub(super) fn keep_way(answer: &mut HttpResponse, token: &SecretString, next: &str) {
    let (token, next) = (token.expose_secret(), fields::escaped(next));
    let cookie = format!("{WAY}={token}.{next}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={WAY_SECONDS}");
    set_cookie(answer, &cookie);
}

fn end_way(answer: &mut HttpResponse) {
    set_cookie(answer, &format!("{WAY}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"));
}

/// Sends somebody to a provider, or looks after whom one sends back.
///
/// # Errors
/// `NotFound` for a provider that there is not; `ComeAgain`; `Store`; `Unavailable`.
pub(super) async fn answer(
    operation: PortalOperation,
    call: &Call<'_>,
    page: &Page<'_>,
) -> Result<HttpResponse, Problem> {
    let (hub, provider_id) = (page.hub, call.segment("provider"));
    let asked = Fields::of(call.request.query_string());
    if operation == PortalOperation::ToProvider {
        let (url, token) = identity::begin(hub, provider_id, Purpose::SignIn).await?;
        let mut answer = see_other(&url);
        keep_way(&mut answer, &token, within(asked.get("next")).unwrap_or_default());
        return Ok(answer);
    }
    let kept = cookie(call.request.headers(), WAY).unwrap_or_default();
    let (token, next) = kept.split_once('.').unwrap_or_default();
    let brought = Brought {
        provider_id: provider_id.to_owned(),
        token: token.into(),
        state: asked.get("state").to_owned(),
        code: asked.get("code").to_owned(),
    };
    let next = Fields::of(&format!("next={next}"));
    let mut answer = match identity::purpose(&brought).filter(|_| !token.is_empty()) {
        Some(Purpose::SignIn) => back_to_sign_in(call, page, (brought, within(next.get("next")))).await?,
        Some(Purpose::Link) => back_to_account(call, page, brought).await?,
        None => turned(page, Turned::NotVouched).await?,
    };
    end_way(&mut answer);
    Ok(answer)
}

async fn turned(page: &Page<'_>, why: Turned) -> Result<HttpResponse, Problem> {
    sign_in::ask(page, Asking { why: Some(sign_in::told(page, why)), ..Asking::default() }).await
}

async fn back_to_sign_in(
    call: &Call<'_>,
    page: &Page<'_>,
    (brought, next): (Brought, Option<&str>),
) -> Result<HttpResponse, Problem> {
    match identity::sign_in(page.hub, brought, sign_in::visit(call)).await? {
        Admission::In(token) => Ok(sign_in::let_in(next, &token)),
        Admission::Out(why) => {
            log::info!(
                target: "auth", "request.id" = call.request_id, reason = sign_in::reason(why);
                "Nobody was let into the portal by an identity provider"
            );
            turned(page, why).await
        }
    }
}

async fn back_to_account(call: &Call<'_>, page: &Page<'_>, brought: Brought) -> Result<HttpResponse, Problem> {
    let person = signed_in(PortalOperation::FromProvider, page.hub, call.request.headers()).await?;
    let Some(person) = person.filter(|person| !person.must_change_password && !person.must_set_up) else {
        return Ok(see_other("/portal/sign-in?next=/portal/account"));
    };
    call.know(&person.login);
    match identity::link(page.hub, &person, brought).await? {
        None => Ok(see_other("/portal/account?done=linked")),
        Some(_) => Ok(see_other("/portal/account?done=not-linked")),
    }
}
