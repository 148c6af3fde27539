//! The page that asks who it is.

use super::super::gate::Call;
use super::super::problem::Problem;
use super::fields::Fields;
use super::{Page, PortalOperation, SESSION, drawn, language, place, see_other, set_cookie, within};
use crate::domain::dates;
use crate::exchange::sessions::{self, Admission, Shown, Turned};
use actix_web::HttpResponse;
use actix_web::http::header::{ORIGIN, USER_AGENT};
use askama::Template;
use secrecy::ExposeSecret;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    page: &'a Page<'a>,
    next: &'a str,
    login: &'a str,
    wants_code: bool,
    why: Option<String>,
}

/// Asks, or lets somebody in.
///
/// # Errors
/// `ComeAgain` when too many sign in at once; `Store`.
pub(super) async fn answer(operation: PortalOperation, call: Call<'_>) -> Result<HttpResponse, Problem> {
    let hub = call.node.hub.clone();
    let headers = call.request.headers();
    let page = Page {
        hub: &hub,
        language: language(headers),
        place: place(&call),
        person: None,
        bulletins: Vec::new(),
        now: hub.clock.now(),
    };
    if operation == PortalOperation::SignInPage {
        let fields = Fields::of(call.request.query_string());
        let next = within(fields.get("next")).unwrap_or_default();
        return drawn(&SignInPage { page: &page, next, login: "", wants_code: false, why: None });
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
        return drawn(&SignInPage { page: &page, next: "", login: "", wants_code: false, why });
    }
    let from = call.from().map_or_else(String::new, |address| address.to_string());
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let fields = Fields::of(&String::from_utf8_lossy(&call.body.whole().await?));
    let shown = Shown {
        login: fields.get("login").to_owned(),
        password: fields.get("password").into(),
        code: fields.get("code").to_owned(),
        address: from,
        agent,
    };
    let turned = match sessions::sign_in(&hub, shown).await? {
        Admission::In(token) => {
            let mut answer = see_other(within(fields.get("next")).unwrap_or("/portal/log"));
            let token = token.expose_secret();
            set_cookie(&mut answer, &format!("{SESSION}={token}; Path=/; Secure; HttpOnly; SameSite=Lax"));
            return Ok(answer);
        }
        Admission::Out(turned) => turned,
    };
    log::info!(
        target: "auth", "request.id" = call.request_id, reason = reason(turned), claimed = shortened(fields.get("login"));
        "Nobody was let into the portal"
    );
    let next = within(fields.get("next")).unwrap_or_default();
    let (login, why) = (fields.get("login"), Some(told(&page, turned)));
    drawn(&SignInPage { page: &page, next, login, wants_code: turned == Turned::CodeMissing, why })
}

/// Whether a form was sent from a page of this hub, as far as the browser says.
fn is_own(origin: &str, call: &Call<'_>) -> bool {
    let host = call.request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, of)| of == host)
}

fn shortened(login: &str) -> String {
    login.chars().take(64).collect()
}

fn reason(turned: Turned) -> &'static str {
    match turned {
        Turned::Wrong => "wrong",
        Turned::CodeMissing => "code-missing",
        Turned::Locked(_) => "locked",
    }
}

fn told(page: &Page<'_>, turned: Turned) -> String {
    match turned {
        Turned::Wrong => {
            let vi = "Tên đăng nhập, mật khẩu hoặc mã xác thực không đúng. Hãy thử lại; nếu quên, xin quản trị viên cấp lại.";
            let en = "Name, password or code do not hold. Try again; if you forgot them, ask an administrator.";
            page.t(vi, en).to_owned()
        }
        Turned::CodeMissing => {
            page.t("Hãy nhập mã của ứng dụng xác thực.", "Enter the code of your authenticator app.").to_owned()
        }
        Turned::Locked(until) => {
            let until = dates::for_people(until);
            let vi = format!("Đã sai quá nhiều lần. Tài khoản tạm khóa đến {until}.");
            let en = format!("Too many failures. Nothing is tried until {until}.");
            page.t(&vi, &en).to_owned()
        }
    }
}
