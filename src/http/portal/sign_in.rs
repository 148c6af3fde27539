//! The page that asks who it is.

use super::super::gate::Call;
use super::super::problem::Problem;
use super::fields::Fields;
use super::{Page, PortalOperation, SESSION, drawn, place, see_other, set_cookie, signed_in, within};
use crate::domain::dates;
use crate::exchange::identity;
use crate::exchange::sessions::{self, Admission, Shown, Turned, Visit};
use actix_web::HttpResponse;
use actix_web::http::header::{ORIGIN, USER_AGENT};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    page: &'a Page<'a>,
    next: &'a str,
    login: &'a str,
    wants_code: bool,
    why: Option<String>,
    /// Identity providers: id and name.
    providers: Vec<(String, String)>,
}

/// What the page says and holds already.
#[derive(Default)]
pub(super) struct Asking<'a> {
    pub(super) next: &'a str,
    pub(super) login: &'a str,
    pub(super) wants_code: bool,
    pub(super) why: Option<String>,
}

/// The page that asks who it is.
///
/// # Errors
/// `Store`.
pub(super) async fn ask(page: &Page<'_>, asking: Asking<'_>) -> Result<HttpResponse, Problem> {
    let Asking { next, login, wants_code, why } = asking;
    let providers = identity::offered(page.hub).await?;
    drawn(&SignInPage { page, next, login, wants_code, why, providers })
}

/// Leads whoever was let in to where it wanted to go, with its session.
pub(super) fn let_in(next: Option<&str>, token: &SecretString) -> HttpResponse {
    let mut answer = see_other(next.unwrap_or("/portal/log"));
    let token = token.expose_secret();
    set_cookie(&mut answer, &format!("{SESSION}={token}; Path=/; Secure; HttpOnly; SameSite=Lax"));
    answer
}

/// Whence somebody comes.
pub(super) fn visit(call: &Call<'_>) -> Visit {
    let agent = call.request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    let address = call.from().map_or_else(String::new, |address| address.to_string());
    Visit { address, agent: agent.unwrap_or_default().to_owned() }
}

/// Asks, or lets somebody in.
///
/// # Errors
/// `ComeAgain` when too many sign in at once; `Store`.
pub(super) async fn answer(operation: PortalOperation, call: Call<'_>) -> Result<HttpResponse, Problem> {
    let hub = call.node.hub.clone();
    let headers = call.request.headers();
    let page = Page::of_nobody(&hub, &call, place(&call));
    if operation == PortalOperation::SignInPage {
        let fields = Fields::of(call.request.query_string());
        let next = within(fields.get("next")).unwrap_or_default();
        // Who signed in meanwhile in another tab is not asked again.
        if signed_in(operation, &hub, headers).await?.is_some() {
            return Ok(see_other(if next.is_empty() { "/portal/log" } else { next }));
        }
        return ask(&page, Asking { next, ..Asking::default() }).await;
    }
    // There is no session yet whose token a form could carry: what another site sends says so itself.
    if headers.get(ORIGIN).is_some_and(|origin| !is_own(origin.to_str().unwrap_or_default(), &call)) {
        log::warn!(
            target: "auth", "request.id" = call.request_id;
            "A form came from another site than this hub, or a proxy does not pass the Host header on"
        );
        let why = page.t(
            "Biểu mẫu đến từ địa chỉ khác với địa chỉ của Trục. Nếu bạn mở đúng trang này, hãy báo quản trị viên kiểm tra cấu hình proxy (Host).",
            "The form came from another address than the hub's. If this is the right page, an administrator must check the proxy (Host).",
        );
        let why = Some(why.to_owned());
        return ask(&page, Asking { why, ..Asking::default() }).await;
    }
    let visit = visit(&call);
    let fields = Fields::of(&String::from_utf8_lossy(&call.body.whole().await?));
    let shown = Shown {
        login: fields.get("login").to_owned(),
        password: fields.get("password").into(),
        code: fields.get("code").to_owned(),
    };
    let turned = match sessions::sign_in(&hub, shown, visit).await? {
        Admission::In(token) => return Ok(let_in(within(fields.get("next")), &token)),
        Admission::Out(turned) => turned,
    };
    log::info!(
        target: "auth", "request.id" = call.request_id, reason = reason(turned), claimed = shortened(fields.get("login"));
        "Nobody was let into the portal"
    );
    let next = within(fields.get("next")).unwrap_or_default();
    let (login, why) = (fields.get("login"), Some(told(&page, turned)));
    ask(&page, Asking { next, login, wants_code: turned == Turned::CodeMissing, why }).await
}

/// Whether a form was sent from a page of this hub, as far as the browser says.
fn is_own(origin: &str, call: &Call<'_>) -> bool {
    let host = call.request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, of)| of == host)
}

fn shortened(login: &str) -> String {
    login.chars().take(64).collect()
}

pub(super) fn reason(turned: Turned) -> &'static str {
    match turned {
        Turned::Wrong => "wrong",
        Turned::CodeMissing => "code-missing",
        Turned::Locked(_) => "locked",
        Turned::NotVouched => "not-vouched",
        Turned::OneFactor => "one-factor",
        Turned::Unlinked => "unlinked",
    }
}

pub(super) fn told(page: &Page<'_>, turned: Turned) -> String {
    match turned {
        Turned::Wrong => {
            let vi = "Tên đăng nhập, mật khẩu hoặc mã xác thực không đúng. Hãy thử lại; nếu quên, xin quản trị viên cấp lại.";
            let en = "Name, password or code do not hold. Try again; if you forgot them, ask an administrator.";
            page.t(vi, en).to_owned()
        }
        Turned::CodeMissing => {
            page.t("Hãy nhập mã của ứng dụng xác thực.", "Enter the code of your authenticator app.").to_owned()
        }
        Turned::NotVouched => {
            let vi = "Nhà cung cấp định danh không xác nhận lần đăng nhập này. Hãy thử lại; nếu vẫn vậy, hãy đăng nhập bằng mật khẩu và báo quản trị viên.";
            let en = "The identity provider does not vouch for this. Try again; if it stays so, sign in by password and tell an administrator.";
            page.t(vi, en).to_owned()
        }
        Turned::OneFactor => {
            let vi = "Nhà cung cấp định danh không cho biết đã xác thực hai lớp. Hãy bật xác thực hai lớp ở đó rồi thử lại, hoặc đăng nhập bằng mật khẩu.";
            let en = "The identity provider does not say that a second factor was used. Turn it on there and try again, or sign in by password.";
            page.t(vi, en).to_owned()
        }
        Turned::Unlinked => {
            let vi = "Danh tính này chưa được liên kết với tài khoản nào ở đây, hoặc không dùng được cho tài khoản này. Hãy đăng nhập bằng mật khẩu rồi liên kết ở trang Tài khoản, hoặc nhờ quản trị viên.";
            let en = "This identity is linked to no account here, or cannot be used for this one. Sign in by password and link it on the page of your account, or ask an administrator.";
            page.t(vi, en).to_owned()
        }
        Turned::Locked(until) => {
            let until = dates::for_people(until);
            let vi = format!("Đã sai quá nhiều lần. Tài khoản tạm khóa đến {until}.");
            let en = format!("Too many failures. Nothing is tried until {until}.");
            page.t(&vi, &en).to_owned()
        }
    }
}
