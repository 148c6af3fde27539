//! The portal: pages for people, one file per screen with its template beside it. Here is what every page shares: who is
//! signed in, the language, forms that no other site can send, headers. Not here: what is shown (`exchange::transfers`,
//! `lookup`), how people sign in (`exchange::sessions`).

mod account;
mod accounts;
mod agencies;
mod assets;
mod audit;
mod desk;
mod document;
mod download;
mod export;
mod fields;
mod log;
mod office;
mod provider;
mod qr;
mod recall;
mod search;
mod sign_in;
mod slip;
mod statistics;
mod words;

use super::gate::Call;
use super::problem::{self, Kind, Problem};
use super::{ROUTES, Verb};
use crate::domain::dates;
use crate::domain::rules::Wording;
use crate::exchange::ExchangeError;
use crate::exchange::bulletins;
use crate::exchange::open::Part;
use crate::exchange::sessions::{self, Person};
use crate::hub::Hub;
use crate::keyring;
use actix_web::http::Uri;
use actix_web::http::header::{
    CACHE_CONTROL, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, REFERER, SET_COOKIE,
};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
pub use audit::AuditOperation;
use chrono::{DateTime, Utc};
pub use desk::DeskOperation;
use fields::Fields;
pub use office::OfficeOperation;
use secrecy::ExposeSecret;
use words::Language;

/// The screens and what is done on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortalOperation {
    /// Leads to the log.
    Home,
    /// A file that pages need.
    Asset,
    /// Changes the language.
    Language,
    /// Asks who it is.
    SignInPage,
    /// Lets somebody in.
    SignIn,
    /// Sends somebody to an identity provider.
    ToProvider,
    /// Looks after whom an identity provider sends back.
    FromProvider,
    /// Says or forgets who somebody is for an identity provider.
    Link,
    /// Ends the session.
    SignOut,
    /// What came to an agency, or what it sent.
    Log,
    /// What was found.
    Search,
    /// One document.
    Document,
    /// What somebody may change of itself.
    Account,
    /// Changes the password.
    Password,
    /// Begins to set up a second factor, or ends it.
    SecondFactor,
    /// Ends the other sessions.
    EndSessions,
    /// What those who look after the hub see and do.
    Desk(DeskOperation),
    /// What auditors see and do, and under which warrants.
    Audit(AuditOperation),
    /// Agencies, systems and keys, as administrators look after them.
    Office(OfficeOperation),
    /// The log as a table for spreadsheets.
    Export,
    /// Whether there is something new in a log.
    News,
    /// An attachment of a document.
    Attachment,
    /// The packet of a document.
    Packet,
    /// A signed receipt.
    Receipt,
    /// The capsule of a delivery.
    Capsule,
    /// A document on one sheet of paper.
    Slip,
    /// What would become of a document that is taken back.
    Prospect,
    /// Takes a document back.
    TakeBack,
    /// The directory.
    Agencies,
    /// One agency, and whether it can receive.
    Agency,
    /// Keeps or forgets a view of the log.
    Views,
    /// The accounts, to be reviewed.
    Accounts,
    /// The numbers of a time.
    Statistics,
    /// The same as a table for spreadsheets.
    StatisticsExport,
    /// The numbers of a frozen month that are for anybody.
    OpenData,
}

impl PortalOperation {
    /// Whether it is for whoever reaches the hub.
    pub fn is_open(self) -> bool {
        match self {
            Self::Home | Self::Asset | Self::Language | Self::SignInPage | Self::SignIn => true,
            Self::ToProvider | Self::FromProvider | Self::OpenData => true,
            Self::SignOut | Self::Log | Self::Search | Self::Document => false,
            Self::Account | Self::Link | Self::Password | Self::SecondFactor | Self::EndSessions | Self::Desk(_) => {
                false
            }
            Self::Audit(_) | Self::Office(_) => false,
            Self::Export | Self::News | Self::Attachment | Self::Packet | Self::Receipt => false,
            Self::Capsule | Self::Slip | Self::Prospect | Self::TakeBack => false,
            Self::Agencies | Self::Agency | Self::Views | Self::Accounts => false,
            Self::Statistics | Self::StatisticsExport => false,
        }
    }
}

/// The cookie of a session. The prefix makes browsers hold it to this host, all paths and TLS.
const SESSION: &str = "__Host-docaxis-session";
/// What a page says that looks again by itself (`portal.js`).
const LOOKS_AGAIN: &str = "docaxis-looks-again";
/// The cookie of the language.
const LANGUAGE: &str = "docaxis-language";
/// What pages may do: nothing that does not come from this hub, and no script within a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; script-src 'self'; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Who is signed in.
async fn signed_in(operation: PortalOperation, hub: &Hub, headers: &HeaderMap) -> Result<Option<Person>, Problem> {
    let Some(token) = cookie(headers, SESSION) else { return Ok(None) };
    // What a page does by itself keeps no session alive.
    let is_use = operation != PortalOperation::News && !headers.contains_key(LOOKS_AGAIN);
    Ok(sessions::person(hub, &token, is_use).await?)
}

/// What a page needs to be drawn.
pub(super) struct Page<'a> {
    hub: &'a Hub,
    language: Language,
    /// Where the page stands, with its query: where a change of the language leads back to.
    place: String,
    person: Option<&'a Person>,
    /// What the person is told on every page.
    bulletins: Vec<String>,
    now: DateTime<Utc>,
}

impl<'a> Page<'a> {
    /// A page for whoever is not signed in.
    fn of_nobody(hub: &'a Hub, call: &Call<'_>, place: String) -> Self {
        let (language, now) = (language(call.request.headers()), hub.clock.now());
        Self { hub, language, place, person: None, bulletins: Vec::new(), now }
    }
}

impl Page<'_> {
    /// The text in the language of the page.
    fn t<'t>(&self, vi: &'t str, en: &'t str) -> &'t str {
        self.language.pick(vi, en)
    }

    /// The sentence in the language of the page.
    fn say<'t>(&self, wording: &'t Wording) -> &'t str {
        self.language.pick(&wording.vi, &wording.en)
    }

    fn login(&self) -> &str {
        self.person.map_or("", |person| person.login.as_str())
    }

    fn form_token(&self) -> &str {
        self.person.map_or("", |person| person.form_token.expose_secret())
    }

    /// The word of the language for `lang`.
    fn lang(&self) -> &'static str {
        self.language.word()
    }

    /// Seconds until the session ends unless it is used; 0 without one.
    fn idle_seconds(&self) -> i64 {
        self.person.map_or(0, |person| person.idle_until.signed_duration_since(self.now).num_seconds())
    }

    /// Whether the person audits under a warrant that does not let content be opened.
    fn is_without_content(&self) -> bool {
        self.person.and_then(|person| person.warrant.as_ref()).is_some_and(|warrant| !warrant.row.content)
    }

    fn sees_every_agency(&self) -> bool {
        self.person.is_some_and(|person| person.role.sees_every_agency())
    }

    fn hub_name(&self) -> &str {
        &self.hub.config.selftest.hub_name
    }

    fn now_for_people(&self) -> String {
        dates::for_people(self.now)
    }

    fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// Answers one operation.
///
/// # Errors
/// Whatever keeps it from being answered as asked.
pub async fn answer(operation: PortalOperation, call: Call<'_>) -> Result<HttpResponse, Problem> {
    let hub = call.node.hub.clone();
    let headers = call.request.headers();
    if operation.is_open() {
        return open(operation, call).await;
    }
    let person = signed_in(operation, &hub, headers).await?;
    let Some(person) = person else { return Ok(to_sign_in(&call)) };
    call.know(&person.login);
    // Whoever has a password or no second factor of somebody else's making does nothing before that is mended.
    let is_of_account = matches!(
        operation,
        PortalOperation::Account | PortalOperation::Password | PortalOperation::SecondFactor | PortalOperation::SignOut
    );
    if (person.must_change_password || person.must_set_up) && !is_of_account {
        return Ok(see_other("/portal/account"));
    }
    // Whoever audits without a warrant is told what is missing, and nothing else.
    let is_told = is_of_account
        || matches!(operation, PortalOperation::EndSessions | PortalOperation::Audit(AuditOperation::Room));
    if person.lacks_warrant() && !is_told {
        return Ok(see_other("/portal/audit"));
    }
    let language = language(headers);
    // What was sent as a form cannot be looked at again: its page can.
    let (fields, place) = match call.request.method() == actix_web::http::Method::POST {
        // A form with a file is read where it is verified.
        true if operation == PortalOperation::Audit(AuditOperation::Verify) => {
            (Fields::of(""), "/portal/audit".to_owned())
        }
        true if matches!(operation, PortalOperation::TakeBack | PortalOperation::Office(_)) => {
            (form(call.body.whole().await?, &person)?, place(&call))
        }
        true => (form(call.body.whole().await?, &person)?, "/portal/account".to_owned()),
        false => (Fields::of(call.request.query_string()), place(&call)),
    };
    let bulletins = bulletins::told(&hub, &person).await?;
    let page = Page { hub: &hub, language, place, person: Some(&person), bulletins, now: hub.clock.now() };
    shown(operation, call, (&page, &person, &fields)).await
}

/// Answers one operation of somebody who is signed in and may go on.
///
/// # Errors
/// Those of the screens.
async fn shown(
    operation: PortalOperation,
    call: Call<'_>,
    (page, person, fields): (&Page<'_>, &Person, &Fields),
) -> Result<HttpResponse, Problem> {
    match operation {
        PortalOperation::SignOut => {
            sessions::sign_out(page.hub, person).await?;
            let mut answer = see_other("/portal/sign-in");
            set_cookie(&mut answer, &format!("{SESSION}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"));
            Ok(answer)
        }
        PortalOperation::Log => log::page(page, person, fields).await,
        PortalOperation::Search => search::page(page, person, fields).await,
        PortalOperation::Document => document::page(page, person, call.segment("id"), fields).await,
        PortalOperation::Account
        | PortalOperation::Link
        | PortalOperation::Password
        | PortalOperation::SecondFactor
        | PortalOperation::EndSessions => account::answer(operation, page, person, fields).await,
        PortalOperation::Desk(operation) => desk::answer(operation, page, (person, call.segment("id")), fields).await,
        PortalOperation::Office(operation) => {
            office::answer(operation, page, (person, call.segment("id")), fields).await
        }
        PortalOperation::Audit(AuditOperation::Verify) => {
            let form = (call.request.headers(), call.body);
            audit::verify(page, person, form).await
        }
        PortalOperation::Audit(operation) => audit::answer(operation, &call, page, (person, fields)).await,
        PortalOperation::Export => export::answer(&call, page, person, fields).await,
        PortalOperation::News => log::news(page, person, fields).await,
        PortalOperation::Attachment => {
            let part = download::number(&call)?;
            download::part(&call, page, person, part).await
        }
        PortalOperation::Packet => download::part(&call, page, person, Part::Packet).await,
        PortalOperation::Receipt | PortalOperation::Capsule => download::proof(operation, &call, page, person).await,
        PortalOperation::Slip => slip::page(&call, page, person).await,
        PortalOperation::Prospect => recall::page(page, person, (call.segment("id"), fields)).await,
        PortalOperation::Statistics | PortalOperation::StatisticsExport => {
            statistics::answer(operation, page, person, fields).await
        }
        PortalOperation::Accounts => accounts::page(page, person).await,
        PortalOperation::Views => log::views(page, person, fields).await,
        PortalOperation::Agencies => agencies::page(page, person, fields).await,
        PortalOperation::Agency => agencies::one(page, person, call.segment("code")).await,
        PortalOperation::TakeBack => recall::take_back(page, person, (call.segment("id"), fields)).await,
        PortalOperation::Home
        | PortalOperation::Asset
        | PortalOperation::Language
        | PortalOperation::SignInPage
        | PortalOperation::SignIn
        | PortalOperation::ToProvider
        | PortalOperation::FromProvider
        | PortalOperation::OpenData => Err(Problem::PathUnknown),
    }
}

/// Answers one that is for whoever reaches the hub.
async fn open(operation: PortalOperation, call: Call<'_>) -> Result<HttpResponse, Problem> {
    if operation == PortalOperation::Home {
        Ok(see_other("/portal/log"))
    } else if operation == PortalOperation::Asset {
        assets::answer(&call)
    } else if operation == PortalOperation::Language {
        Ok(change_language(&call))
    } else if operation == PortalOperation::OpenData {
        statistics::open_data(&call.node.hub, call.segment("file")).await
    } else if matches!(operation, PortalOperation::ToProvider | PortalOperation::FromProvider) {
        let page = Page::of_nobody(&call.node.hub, &call, "/portal/sign-in".to_owned());
        provider::answer(operation, &call, &page).await
    } else {
        sign_in::answer(operation, call).await
    }
}

/// What a form of this session says; one of another site, or of a session that is over, is refused.
fn form(body: Vec<u8>, person: &Person) -> Result<Fields, Problem> {
    checked(Fields::of(&String::from_utf8_lossy(&body)), person)
}

/// Fields of a form of this session.
fn checked(fields: Fields, person: &Person) -> Result<Fields, Problem> {
    if keyring::same(&person.form_token, fields.get("form_token")) {
        return Ok(fields);
    }
    Err(Problem::Exchange(ExchangeError::NotAllowed(Wording::new(
        "Biểu mẫu này không còn hiệu lực; hãy tải lại trang rồi thử lại",
        "This form is not valid any more; load the page again and try once more",
    ))))
}

/// A drawn page.
///
/// # Errors
/// `Panicked` when it cannot be drawn.
fn drawn(template: &impl Template) -> Result<HttpResponse, Problem> {
    let text = template.render().map_err(|why| Problem::Panicked(format!("a page cannot be drawn: {why}")))?;
    Ok(with_headers(problem::ok(), text))
}

/// A page with the headers that every page has.
fn with_headers(mut answer: HttpResponseBuilder, text: String) -> HttpResponse {
    answer
        .content_type("text/html; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((HeaderName::from_static("content-security-policy"), POLICY))
        .insert_header((HeaderName::from_static("x-content-type-options"), "nosniff"))
        .insert_header((HeaderName::from_static("referrer-policy"), "same-origin"))
        .insert_header((HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .body(text)
}

/// Leads to another page.
fn see_other(to: &str) -> HttpResponse {
    let mut answer = problem::see_other();
    answer.insert_header((CACHE_CONTROL, "no-store"));
    if let Ok(to) = HeaderValue::from_str(to) {
        answer.insert_header((LOCATION, to));
    }
    answer.finish()
}

/// Asks who it is, and leads back afterwards: to the page, or, of a form, to the page on which it stood.
fn to_sign_in(call: &Call<'_>) -> HttpResponse {
    let page = match call.request.method() == actix_web::http::Method::GET {
        true => Some(place(call)),
        false => came_from(call.request.headers()),
    };
    match page {
        Some(place) => see_other(&format!("/portal/sign-in?next={}", fields::escaped(&place))),
        None => see_other("/portal/sign-in"),
    }
}

/// The page of the portal from which somebody came, as the browser says; nothing where it cannot be opened anew.
fn came_from(headers: &HeaderMap) -> Option<String> {
    let referrer: Uri = headers.get(REFERER)?.to_str().ok()?.parse().ok()?;
    let mut pages = ROUTES.iter().filter(|route| route.methods.contains(&Verb::Get));
    let place = within(referrer.path_and_query()?.as_str())?;
    pages.any(|route| leads_to(route.path, referrer.path())).then(|| place.to_owned())
}

/// Whether a path of the table, with segments in braces, is this one.
fn leads_to(route: &str, path: &str) -> bool {
    let (wanted, given): (Vec<&str>, Vec<&str>) = (route.split('/').collect(), path.split('/').collect());
    let mut both = wanted.iter().zip(&given);
    wanted.len() == given.len() && both.all(|(wanted, given)| wanted == given || wanted.starts_with('{'))
}

/// The path of a request with its query.
fn place(call: &Call<'_>) -> String {
    call.request.uri().path_and_query().map_or_else(String::new, |place| place.as_str().to_owned())
}

/// A place within the portal, as somebody names it; nothing else is led to.
fn within(place: &str) -> Option<&str> {
    let is_plain = place.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    (is_plain && place.starts_with("/portal/") && !place.contains("//")).then_some(place)
}

fn set_cookie(answer: &mut HttpResponse, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        answer.headers_mut().append(SET_COOKIE, value);
    }
}

/// The value of a cookie.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers.get_all(COOKIE).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(key, _)| *key == name);
    named.next().map(|(_, value)| value.to_owned())
}

fn language(headers: &HeaderMap) -> Language {
    cookie(headers, LANGUAGE).and_then(|word| Language::of_word(&word)).unwrap_or(Language::Vietnamese)
}

fn change_language(call: &Call<'_>) -> HttpResponse {
    let fields = Fields::of(call.request.query_string());
    let language = Language::of_word(call.segment("language")).unwrap_or(Language::Vietnamese);
    let mut answer = see_other(within(fields.get("next")).unwrap_or("/portal/log"));
    let cookie = format!("{LANGUAGE}={}; Path=/portal; SameSite=Lax; Max-Age=31536000", language.word());
    set_cookie(&mut answer, &cookie);
    answer
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    kind: &'a Kind,
    detail: Option<(String, String)>,
    request_id: &'a str,
    is_accident: bool,
}

/// A failure as people read it, in both languages.
pub(super) fn problem_page(problem: &Problem, kind: &Kind, request_id: &str) -> HttpResponse {
    let detail = problem.detail().map(|detail| (detail.vi, detail.en));
    let is_accident = kind.status.is_server_error();
    let text = ProblemPage { kind, detail, request_id, is_accident }.render().unwrap_or_default();
    with_headers(HttpResponseBuilder::new(kind.status), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away_from_the_portal() {
        assert_eq!(within("/portal/log?direction=in"), Some("/portal/log?direction=in"));
        for away in [
            "https://evil.example/portal/",
            "//evil.example",
            "/portal//evil",
            "/portal/\\evil",
            "/api",
            "",
            "/portal/\r\nx",
        ] {
            assert_eq!(within(away), None, "{away}");
        }
    }

    #[test]
    fn a_form_leads_back_to_a_page_that_can_be_opened() {
        let from = |referrer: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REFERER, HeaderValue::from_static(referrer));
            came_from(&headers)
        };
        let recall = "/portal/documents/0198/recall";
        assert_eq!(from("https://truc.example.vn/portal/documents/0198/recall").as_deref(), Some(recall));
        assert_eq!(from("/portal/log?direction=all").as_deref(), Some("/portal/log?direction=all"));
        for none in ["/portal/account/password", "/portal/documents/a/b/recall", "https://x.vn/api/v1/agencies", "x y"]
        {
            assert_eq!(from(none), None, "{none}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("x__Host-docaxis-session=a; __Host-docaxis-session=b"));
        assert_eq!(cookie(&headers, SESSION).as_deref(), Some("b"));
    }
}
