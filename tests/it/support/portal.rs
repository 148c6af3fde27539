//! A browser of sorts: keeps the cookies that it is given, follows nothing by itself, sends forms with the token that
//! stands in the page.

use super::TestHub;
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::index;
use docaxis::exchange::seal::Sealer;
use docaxis::exchange::users::{self, Newcomer};
use docaxis::exchange::warrants::{self, Draft};
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;

/// A password that everything allows.
pub const PASSWORD: &str = "Bon mua 4 mua, xuan ha thu dong!";

pub struct Browser<'h> {
    hub: &'h TestHub,
    client: reqwest::Client,
    cookies: BTreeMap<String, String>,
    /// The last page.
    pub page: Shown,
}

/// What a browser shows.
#[derive(Default)]
pub struct Shown {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// The same as it came; nothing when it broke off.
    pub bytes: Option<Vec<u8>>,
}

impl Shown {
    /// Where it leads to; empty when nowhere.
    pub fn leads_to(&self) -> &str {
        self.headers.get("location").map_or("", |value| value.to_str().unwrap())
    }

    /// What a form carries, so that no other site can send it.
    pub fn form_token(&self) -> String {
        let after = self.text.split("name=\"form_token\" value=\"").nth(1).expect("the page has no form");
        after.split('"').next().unwrap().to_owned()
    }

    /// The text without tags, and with the signs that tags would be made of.
    pub fn words(&self) -> String {
        let body = self.text.split("<main").nth(1).unwrap_or(&self.text);
        let mut words = String::new();
        for part in body.split('<').skip(1) {
            words.push_str(part.split_once('>').map_or("", |(_, text)| text));
            words.push(' ');
        }
        let words = words.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"").replace("&#39;", "'");
        words.replace("&#38;", "&").split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl<'h> Browser<'h> {
    pub fn new(hub: &'h TestHub) -> Self {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { hub, client, cookies: BTreeMap::new(), page: Shown::default() }
    }

    /// Somebody who has signed in with a password of its own choice; a second factor is asked of nobody.
    pub async fn of(hub: &'h TestHub, login: &str, role: UserRole, agencies: &[&str]) -> Self {
        let first = let_in(hub, login, role, agencies).await;
        let mut browser = Self::new(hub);
        browser.sign_in(login, &first, "").await;
        browser.get("/portal/account").await;
        let fields = [("old", first.as_str()), ("new", PASSWORD), ("again", PASSWORD)];
        browser.send("/portal/account/password", &fields).await;
        assert_eq!(browser.page.leads_to(), "/portal/account?done=password", "{}", browser.page.words());
        browser
    }

    /// What a cookie says.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Carries a cookie from now on.
    pub fn carry(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    async fn ask(&mut self, request: reqwest::RequestBuilder) {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        let bytes = answer.bytes().await.ok().map(Vec::from);
        let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
        self.page = Shown { status, headers, text, bytes };
    }

    pub async fn get(&mut self, place: &str) -> &Shown {
        let request = self.client.get(self.hub.url(place));
        self.ask(request).await;
        &self.page
    }

    /// Sends a form of the page that is shown.
    pub async fn send(&mut self, place: &str, fields: &[(&str, &str)]) -> &Shown {
        let token = self.page.form_token();
        let mut all = vec![("form_token", token.as_str())];
        all.extend_from_slice(fields);
        self.send_bare(place, &all).await
    }

    /// Hands a file in, by the form of the page that is shown.
    pub async fn hand_in(&mut self, place: &str, token: &str, (name, file): (&str, &[u8])) -> &Shown {
        let begins = format!(
            "--grenze\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\n{token}\r\n--grenze\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        );
        let body = [begins.as_bytes(), file, b"\r\n--grenze--\r\n"].concat();
        let request = self.client.post(self.hub.url(place));
        self.ask(request.header("content-type", "multipart/form-data; boundary=grenze").body(body)).await;
        &self.page
    }

    /// Sends fields and nothing else.
    pub async fn send_bare(&mut self, place: &str, fields: &[(&str, &str)]) -> &Shown {
        let body =
            fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&");
        let request = self.client.post(self.hub.url(place));
        self.ask(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await;
        &self.page
    }

    pub async fn sign_in(&mut self, login: &str, password: &str, code: &str) -> &Shown {
        self.send_bare("/portal/sign-in", &[("login", login), ("password", password), ("code", code)]).await
    }
}

pub fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// Makes a user; answers the first password.
pub async fn let_in(hub: &TestHub, login: &str, role: UserRole, agencies: &[&str]) -> String {
    let agencies: Vec<String> = agencies.iter().map(|code| (*code).to_owned()).collect();
    // An auditor is given agencies by a warrant.
    let (own, of_warrant) = if role.is_auditor() { (Vec::new(), agencies) } else { (agencies, Vec::new()) };
    let new = Newcomer { login: login.to_owned(), name: format!("Người dùng {login}"), role, agencies: own };
    let (_, password) = users::add(&hub.hub, &By::Operator, new).await.unwrap();
    if !of_warrant.is_empty() {
        warrants::issue(&hub.hub, &By::Operator, a_warrant(login, of_warrant)).await.unwrap();
    }
    password.expose_secret().to_owned()
}

/// A warrant for documents of the days of the tests, with their content.
pub fn a_warrant(login: &str, agencies: Vec<String>) -> Draft {
    let day = |text: &str| text.parse().unwrap();
    Draft {
        login: login.to_owned(),
        number: "12/QĐ-TTr".to_owned(),
        decided_on: day("2026-11-20"),
        purpose: "Kiểm tra công tác văn thư".to_owned(),
        every_agency: agencies.is_empty(),
        agencies,
        content: true,
        documents: (day("2026-11-01"), day("2026-12-31")),
        from: None,
        until: day("2027-12-31"),
    }
}

/// Seals what waits and makes it findable.
pub async fn make_findable(hub: &TestHub) {
    Sealer::new(&hub.hub).round().await.unwrap();
    while index::round(&hub.hub).await.unwrap() > 0 {}
}
