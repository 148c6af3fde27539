//! Chromium, driven by its own driver (`make` installs both), for what only a real browser shows. Each test has a browser
//! of its own, with a profile of its own, which goes with it.

use fantoccini::key::Key;
use fantoccini::wd::{PrintConfiguration, PrintSize, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

pub struct Chromium {
    pub window: Client,
    driver: Child,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// A window of that size.
    pub async fn open((width, height): (u32, u32)) -> Self {
        let (driver, port) = drive();
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-proxy-server".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({ "goog:chromeOptions": { "args": arguments, "binary": binary() } });
        let Value::Object(wanted) = wanted else { panic!("capabilities are an object") };
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        let window = builder.capabilities(wanted).connect(&format!("http://127.0.0.1:{port}")).await;
        Self { window: window.expect("no window"), driver, _profile: profile }
    }

    /// Presses keys, wherever the focus is.
    pub async fn press(&self, keys: &[Key]) {
        for key in keys {
            let focus = self.window.active_element().await.unwrap();
            focus.send_keys(&char::from(*key).to_string()).await.unwrap();
        }
    }

    /// Types a text, wherever the focus is.
    pub async fn type_text(&self, text: &str) {
        self.window.active_element().await.unwrap().send_keys(text).await.unwrap();
    }

    /// Goes on by Tab until the element is in focus.
    pub async fn tab_to(&self, css: &str) {
        for _ in 0..60 {
            let script = format!("return document.activeElement.matches({});", json!(css));
            if self.window.execute(&script, Vec::new()).await.unwrap() == json!(true) {
                return;
            }
            self.press(&[Key::Tab]).await;
        }
        panic!("{css} cannot be reached by the keyboard");
    }

    /// Goes back by Shift and Tab until the element is in focus.
    pub async fn tab_back_to(&self, css: &str) {
        let back: String = [Key::Shift, Key::Tab].map(char::from).iter().collect();
        for _ in 0..60 {
            self.type_text(&back).await;
            let script = format!("return document.activeElement.matches({});", json!(css));
            if self.window.execute(&script, Vec::new()).await.unwrap() == json!(true) {
                return;
            }
        }
        panic!("{css} cannot be reached backwards by the keyboard");
    }

    /// Waits until a page has such an element; its text.
    pub async fn text_of(&self, css: &str) -> String {
        let element = self.window.wait().for_element(Locator::Css(css)).await;
        element.unwrap_or_else(|why| panic!("{css}: {why}")).text().await.unwrap()
    }

    /// Enters a day or a time, which the driver cannot type as people do, and goes on behind it.
    pub async fn enter_time(&self, css: &str, value: &str) {
        let script = "const field = document.querySelector(arguments[0]); field.value = arguments[1];
            const all = [...field.form.elements].filter(one => one.type !== 'hidden');
            all[all.indexOf(field) + 1].focus();";
        self.window.execute(script, vec![json!(css), json!(value)]).await.unwrap();
    }

    /// From now on pages are drawn as for paper.
    pub async fn on_paper(&self) {
        let media = json!({ "media": "print" });
        self.window.issue_cmd(Told("Emulation.setEmulatedMedia", media)).await.unwrap();
    }

    /// Sheets of A4 that the page takes when it is printed.
    pub async fn sheets(&self) -> usize {
        let a4 = PrintConfiguration::builder().size(PrintSize::A4).build().unwrap();
        let pdf = self.window.print(a4).await.unwrap();
        let text = String::from_utf8_lossy(&pdf);
        text.matches("/Type /Page").count() - text.matches("/Type /Pages").count()
    }

    /// Keeps a picture of the window for the eye, under target/screenshots.
    pub async fn picture(&self, name: &str) {
        let folder = target().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.window.screenshot().await.unwrap()).unwrap();
    }

    /// What axe-core finds wrong with the page: serious and critical only.
    pub async fn serious_faults(&self) -> Vec<String> {
        let file = target().join("axe-core/package/axe.min.js");
        let axe = std::fs::read_to_string(&file).expect("axe-core is needed for this test: make browser");
        self.window.execute(&axe, Vec::new()).await.unwrap();
        let run = "const done = arguments[arguments.length - 1]; axe.run().then(found => done(found.violations));";
        let found = self.window.execute_async(run, Vec::new()).await.unwrap();
        let serious = found
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| matches!(one["impact"].as_str(), Some("serious" | "critical")));
        serious.map(|one| format!("{}: {} {}", one["id"], one["help"], one["nodes"][0]["html"])).collect()
    }

    /// The page there runs out of the window at no side.
    pub async fn stays_in_the_window(&self, place: &str) {
        let wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth;";
        assert_eq!(self.window.execute(wider, Vec::new()).await.unwrap(), 0, "{place}");
    }

    /// Goes to a page, keeps a picture of it and holds it to the window; what is seriously wrong with it.
    pub async fn look_at(&self, place: &str, picture: &str) -> Vec<String> {
        self.window.goto(place).await.unwrap();
        self.text_of("h1").await;
        self.picture(picture).await;
        self.stays_in_the_window(place).await;
        self.serious_faults().await.into_iter().map(|fault| format!("{picture}: {fault}")).collect()
    }

    /// From the next page on, waits of ten seconds and more end in pages only when [`Self::pass`] lets time pass.
    pub async fn stop_time(&self) {
        let stopped = "{ const date = Date.now; const waiting = []; let now = 0;
            Date.now = () => date() + now;
            const [set, clear, first] = [setTimeout, clearTimeout, 1e9];
            window.setTimeout = (act, wait) => wait < 10000 ? set(act, wait) : first + waiting.push({ act, at: now + wait });
            window.clearTimeout = id => { if (id > first) { waiting[id - first - 1].at = Infinity; } else { clear(id); } };
            window.pass = wait => {
                now += wait;
                waiting.filter(one => one.at <= now).forEach(one => { one.at = Infinity; one.act(); });
            }; }";
        let source = json!({ "source": stopped });
        self.window.issue_cmd(Told("Page.addScriptToEvaluateOnNewDocument", source)).await.unwrap();
    }

    /// Lets time pass in the page whose time is stopped.
    pub async fn pass(&self, time: chrono::TimeDelta) {
        self.window.execute("window.pass(arguments[0]);", vec![json!(time.num_milliseconds())]).await.unwrap();
    }

    /// Ends the browser.
    pub async fn close(self) {
        self.window.clone().close().await.unwrap();
    }
}

/// What Chromium itself is told, beside the driver: a name and what goes with it.
#[derive(Debug)]
struct Told(&'static str, Value);

impl WebDriverCompatibleCommand for Told {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({ "cmd": self.0, "params": self.1 });
        (Method::POST, Some(body.to_string()))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Starts a driver; it and its port. The driver takes a port that is free on ::1 and wants the same one on 127.0.0.1,
/// where the connections of other tests come and go: while it says that it is not free there, another is taken.
fn drive() -> (Child, String) {
    let missing = "Chromium and its driver are needed for this test: make browser";
    for _ in 0..20 {
        let mut driver = Command::new("chromedriver");
        let driver = driver.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = driver.expect(missing);
        let mut said = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let last = said.find(|line| line.contains("started successfully") || line.contains("port not available"));
        let last = last.expect("the driver says nothing of its port");
        if let Some((_, port)) = last.split_once("started successfully on port ") {
            return (driver, port.trim_end_matches('.').to_owned());
        }
        driver.wait().unwrap();
    }
    panic!("the driver finds no free port");
}

fn binary() -> String {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|said| said.status.success()));
    let name = found.expect("Chromium is needed for this test: make browser");
    let path = std::env::var_os("PATH").unwrap();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(name));
    places.find(|file| file.exists()).unwrap().display().to_string()
}

/// The folder into which cargo builds: this program is in it.
fn target() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().find(|folder| folder.ends_with("target")).map_or_else(|| own.parent().unwrap().into(), Into::into)
}
