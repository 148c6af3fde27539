//! Every act is evidence: each route and each command that changes something is carried out here, and must leave some, unless it
//! stands on a short list with the reason.

use crate::administration::office_of;
use crate::ledger::seal;
use crate::push::pushing_hub_with;
use crate::support::packets::a_document;
use crate::support::portal::{Browser, PASSWORD, a_warrant};
use crate::support::program::Program;
use crate::support::provider::{IdentityProvider, PUBLIC};
use crate::support::{TestHub, add_system};
use chrono::TimeDelta;
use docaxis::domain::system::Role;
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::{samples, warrants};
use docaxis::http::{ROUTES, Verb};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Routes that are not read-only by their method and need no evidence, with the reason.
const SILENT_ROUTES: [(&str, &str); 18] = [
    ("POST /witness/add-checkpoint", "another ledger is cosigned; what was cosigned is kept, a refusal is evidence"),
    ("POST /api/v1/envelopes:check", "nothing is kept"),
    ("POST /api/v1/selftest", "a run changes nothing of the exchange, and is kept with its certificate"),
    ("POST /api/v1/selftest/{run}/finish", "the same"),
    ("POST /api/v1/relay/events", "what neighbours tell is tested with them (tests/it/relay.rs)"),
    ("POST /getReceivedEdocList", "it only reads"),
    ("POST /getSentEdocList", "it only reads"),
    ("POST /getAgenciesList", "it only reads"),
    ("POST /getAgenciesListQD20", "it only reads"),
    ("POST /getSynchronizeUnit", "it only reads"),
    ("POST /countReceiveEdoc", "it only reads"),
    ("POST /countReceiveStatus", "it only reads"),
    ("POST /portal/sign-in", "a session by itself shows nothing; what is seen in it is evidence"),
    ("POST /portal/sign-out", "the same"),
    ("POST /portal/account/providers", "one goes to the provider; the link is evidence (tests/it/portal_provider.rs)"),
    ("POST /portal/purges", PURGED),
    ("POST /portal/purges/{id}", PURGED),
    ("POST /portal/log/views", "a filter under a name, for its owner alone"),
];

/// Commands that need no evidence, with the reason.
const SILENT_COMMANDS: [(&str, &str); 75] = [
    ("serve", "what it does is evidence by itself"),
    ("migrate", "the form of the database, not what is in it"),
    ("backup", "it must work when the hub cannot be opened; the backup says when it was taken"),
    ("restore", "there is no hub yet"),
    ("doctor", READS),
    ("config print", READS),
    ("config check", READS),
    ("agency export", "the directory is open to every system"),
    ("agency list", READS),
    ("agency show", READS),
    ("system list", READS),
    ("system show", READS),
    ("system key list", READS),
    ("endpoint list", READS),
    ("webhook show", READS),
    ("neighbour list", READS),
    ("route list", READS),
    ("queue waiting", READS),
    ("queue failed", READS),
    ("queue start-anew", "the use case of POST /api/v1/admin/agencies/{code}/failed/start, which is tried above"),
    ("key list", READS),
    ("ledger show", READS),
    ("ledger proof", READS),
    ("ledger verify", READS),
    ("witness list", READS),
    ("witness forget", "its evidence is tested with what it forgets (tests/it/witness.rs)"),
    ("user list", READS),
    ("warrant list", READS),
    ("receipt certificates", "certificates are open to every system"),
    ("statement list", READS),
    ("statement verify", READS),
    ("archive list", READS),
    ("archive show", READS),
    ("verify", OFFLINE),
    ("job list", READS),
    ("mail list", READS),
    ("mail test", "it changes nothing of the hub"),
    ("envelope check", OFFLINE),
    ("send", CLIENT),
    ("inbox", CLIENT),
    ("fetch", CLIENT),
    ("confirm", CLIENT),
    ("sent", CLIENT),
    ("robot", CLIENT),
    ("delivery show", CLIENT),
    ("agencies find", CLIENT),
    ("selftest run", CLIENT),
    ("selftest status", CLIENT),
    ("selftest finish", CLIENT),
    ("selftest sheet", CLIENT),
    ("selftest certificate", CLIENT),
    ("selftest key", CLIENT),
    ("selftest verify", OFFLINE),
    ("demo", "a hub of its own"),
    ("provider list", READS),
    ("hold list", READS),
    ("purge preview", READS),
    ("purge list", READS),
    ("purge show", READS),
    ("purge certificate", READS),
    ("purge propose", PURGED),
    ("purge approve", PURGED),
    ("purge refuse", PURGED),
    ("purge pause", PURGED),
    ("purge resume", PURGED),
    ("purge stop", PURGED),
    ("reconcile", CLIENT),
    ("statistics show", READS),
    ("statistics indicators", READS),
    ("statistics open-data", READS),
    ("timestamp list", READS),
    ("timestamp show", READS),
    ("timestamp now", "it wants an authority; that it was ordered is evidence as of `job run`"),
    ("completions", OFFLINE),
    ("man", OFFLINE),
];
const READS: &str = "it only reads";
const PURGED: &str = "each step is tested with what is destroyed (tests/it/purge.rs)";
const OFFLINE: &str = "there is no hub";
const CLIENT: &str = "it calls the API, as systems do";

/// What was done so far, and what of it left nothing.
struct Acts<'h> {
    hub: &'h TestHub,
    before: i64,
    done: BTreeSet<String>,
    wrong: Vec<String>,
}

impl<'h> Acts<'h> {
    fn of(hub: &'h TestHub) -> Self {
        Self { hub, before: 0, done: BTreeSet::new(), wrong: Vec::new() }
    }

    async fn evidence(&self) -> i64 {
        self.hub.count("SELECT count(*) FROM evidence").await
    }

    /// Whatever was done up to now is not what the next act left.
    async fn next(&mut self) {
        self.before = self.evidence().await;
    }

    async fn was(&mut self, act: &str, said: (bool, String)) {
        let left = self.evidence().await - self.before;
        if !said.0 || left < 1 {
            self.wrong.push(format!("{act}: {} pieces of evidence, answered {}", left, said.1));
        }
        self.done.insert(act.to_owned());
        self.next().await;
    }

    async fn answered(&mut self, act: &str, (status, text): (u16, String)) {
        self.was(act, ((200..400).contains(&status), format!("{status} {text}"))).await;
    }

    /// Everything was done but what is on a list, and nothing was done in vain.
    fn all_of(self, all: BTreeSet<String>, silent: &[(&str, &str)]) {
        let silent: BTreeSet<String> = silent.iter().map(|(act, _)| (*act).to_owned()).collect();
        let missing: Vec<_> = all.iter().filter(|act| !self.done.contains(*act) && !silent.contains(*act)).collect();
        let unknown: Vec<_> = self.done.union(&silent).filter(|act| !all.contains(*act)).collect();
        assert_eq!(
            (missing, unknown),
            (Vec::new(), Vec::new()),
            "neither tried nor on the list; tried or listed, not there"
        );
        assert_eq!(self.wrong, Vec::<String>::new());
    }
}

fn delivery_of(receipt: &Value) -> String {
    receipt["deliveries"][0]["delivery_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table: each route has a line")]
async fn every_route_that_changes_something_leaves_evidence() {
    let (hub, dispatcher) = pushing_hub_with(|config| {
        config.portal.second_factor = false;
        config.relay.hub_name = "truc.a".to_owned();
        config.push.terms_hours = "1, 1, 1, 1, 1".to_owned();
    })
    .await;
    let office = office_of(hub).await;
    let hub = &office.hub;
    let mut acts = Acts::of(hub);

    systems_exchange(&mut acts).await;
    let office = async |acts: &mut Acts<'_>, method: &str, pattern: &str, path: &str, body: Value| {
        acts.next().await;
        let answer = office.ask(method, path, body).await;
        acts.answered(&format!("{method} /api/v1/admin{pattern}"), (answer.status, answer.text())).await;
        answer.json
    };
    let a = &mut acts;
    let file = json!([{ "code": "X99.N2", "name": "Hai" }]);
    office(a, "POST", "/directory", "/directory", file).await;
    office(a, "PUT", "/agencies/{code}", "/agencies/X99.N1", json!({ "name": "Một" })).await;
    office(a, "POST", "/agencies/{code}/close", "/agencies/X99.N1/close", Value::Null).await;
    office(a, "PUT", "/systems/{id}", "/systems/dms.new", json!({ "name": "Mới", "agencies": ["X99.N2"] })).await;
    office(a, "POST", "/systems/{id}/suspend", "/systems/dms.new/suspend", Value::Null).await;
    office(a, "POST", "/systems/{id}/resume", "/systems/dms.new/resume", Value::Null).await;
    office(a, "PUT", "/systems/{id}/agencies/{code}", "/systems/dms.new/agencies/X99.B02", Value::Null).await;
    office(a, "DELETE", "/systems/{id}/agencies/{code}", "/systems/dms.new/agencies/X99.B02", Value::Null).await;
    let addresses = json!({ "addresses": ["10.1.0.0/16"] });
    office(a, "PUT", "/systems/{id}/addresses", "/systems/dms.new/addresses", addresses).await;
    let webhook = |rest: &str| format!("/systems/dms.new/webhook{rest}");
    office(a, "PUT", "/systems/{id}/webhook", &webhook(""), json!({ "url": "http://127.0.0.1:9/" })).await;
    office(a, "POST", "/systems/{id}/webhook/rotate", &webhook("/rotate"), json!({})).await;
    office(a, "POST", "/systems/{id}/webhook/test", &webhook("/test"), Value::Null).await;
    let from = json!({ "from": "2026-11-20T08:00:00+07:00" });
    office(a, "POST", "/systems/{id}/webhook/replay", &webhook("/replay"), from).await;
    office(a, "DELETE", "/systems/{id}/webhook", &webhook(""), Value::Null).await;
    let key = office(a, "POST", "/systems/{id}/keys", "/systems/dms.new/keys", Value::Null).await;
    let key = format!("/keys/{}/revoke", key["key_id"].as_str().unwrap_or_default());
    office(a, "POST", "/keys/{id}/revoke", &key, Value::Null).await;
    add_system(&hub.hub, "truc.c", Some(Role::Hub), Vec::new()).await;
    let neighbour = json!({ "url": "http://127.0.0.1:9", "key": "k.s", "unverified": true });
    office(a, "PUT", "/neighbours/{id}", "/neighbours/truc.c", neighbour).await;
    office(a, "PUT", "/routes/{prefix}", "/routes/X97", json!({ "neighbour": "truc.c" })).await;
    office(a, "DELETE", "/routes/{prefix}", "/routes/X97", Value::Null).await;
    office(a, "DELETE", "/neighbours/{id}", "/neighbours/truc.c", Value::Null).await;
    // What waits, and what has failed.
    office(a, "PUT", "/endpoints/{code}", "/endpoints/X99.C03", json!({ "url": "http://127.0.0.1:9/" })).await;
    let waits = delivery_of(&hub.accepted("dms.national", a_document("w1").to(&["X99.C03"]).bytes()).await);
    for word in ["hold", "release", "now", "hold"] {
        office(a, "POST", &format!("/deliveries/{{id}}/{word}"), &format!("/deliveries/{waits}/{word}"), Value::Null)
            .await;
    }
    hub.after(TimeDelta::hours(2));
    dispatcher.round().await.unwrap();
    office(a, "POST", "/agencies/{code}/failed/start", "/agencies/X99.C03/failed/start", json!({})).await;
    let paused = json!({ "reason": "bảo trì" });
    office(a, "POST", "/endpoints/{code}/pause", "/endpoints/X99.C03/pause", paused).await;
    office(a, "POST", "/endpoints/{code}/resume", "/endpoints/X99.C03/resume", Value::Null).await;
    let held = delivery_of(&hub.accepted("dms.national", a_document("w2").to(&["X99.C03"]).bytes()).await);
    hub.program().done(&["queue", "hold", &held]);
    hub.after(TimeDelta::hours(2));
    dispatcher.round().await.unwrap();
    seal(&hub.hub).await;
    let days = json!({ "from": "2026-11-21", "until": "2026-11-21" });
    office(a, "POST", "/archives", "/archives", days).await;
    let held = json!({ "agency": "X99.B02", "reason": "Thanh tra đang xem xét" });
    let held = office(a, "POST", "/holds", "/holds", held).await;
    let lifted = json!({ "reason": "Thanh tra đã kết luận" });
    let place = format!("/holds/{}/lift", held["hold_id"].as_str().unwrap_or_default());
    office(a, "POST", "/holds/{id}/lift", &place, lifted).await;
    crate::statements::close_the_day(hub).await;
    a.next().await;
    let reconciled = crate::reconciliations::post(hub, "dms.national", crate::reconciliations::OF_THE_DAY, "[]").await;
    a.answered("POST /api/v1/reconciliations", (reconciled.status, reconciled.text())).await;
    people(&mut acts).await;
    office(&mut acts, "DELETE", "/endpoints/{code}", "/endpoints/X99.C03", Value::Null).await;

    let all = ROUTES.iter().flat_map(|route| {
        let changing = route.methods.iter().filter(|method| **method != Verb::Get);
        changing.map(|method| format!("{} {}", method.name(), route.path))
    });
    acts.all_of(all.collect(), &SILENT_ROUTES);
}

/// What systems and neighbouring hubs do.
async fn systems_exchange(acts: &mut Acts<'_>) {
    let hub = acts.hub;
    acts.next().await;
    let sent = hub.post("dms.national", a_document("d1").bytes()).await;
    acts.answered("POST /api/v1/envelopes", (sent.status, sent.text())).await;
    let delivery = delivery_of(&sent.json);
    hub.fetch("dms.province", &delivery).await;
    acts.next().await;
    let confirmed = hub.confirm("dms.province", &delivery, "done").await;
    acts.answered("POST /api/v1/deliveries/{id}/confirm", (confirmed.status, confirmed.text())).await;
    let bearer = hub.system("dms.national").bearer();
    let from = json!({ "from": "2026-11-20T08:00:00+07:00" });
    let own = [
        ("PUT", "", json!({ "url": "http://127.0.0.1:9/" })),
        ("POST", "/rotate", json!({})),
        ("POST", "/test", Value::Null),
        ("POST", "/replay", from),
        ("DELETE", "", Value::Null),
    ];
    for (method, rest, body) in own {
        let request = hub.client.request(method.parse().unwrap(), hub.url(&format!("/api/v1/webhook{rest}")));
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.bearer_auth(&bearer).send().await.unwrap();
        let said = (answer.status().as_u16(), answer.text().await.unwrap());
        acts.answered(&format!("{method} /api/v1/webhook{rest}"), said).await;
    }
    let mut sdk = hub.sdk("dms.national");
    let entry =
        json!({ "id": "", "pcode": "X99.A01", "code": "X99.N9", "name": "Chín", "mail": "", "mobile": "", "fax": "" });
    let entry = entry.to_string();
    let sent = sdk.send(json!({}), &a_document("s1").bytes()).await.is_ok();
    acts.was("POST /sendEdoc", (sent, "sdk".to_owned())).await;
    let waiting = hub.waiting("dms.province").await.pop().unwrap();
    let got = hub.sdk("dms.province").get(&waiting).await.is_ok();
    acts.was("POST /getEdoc", (got, "sdk".to_owned())).await;
    let updated = hub.sdk("dms.province").update(("docid", &waiting), "done").await.is_ok();
    acts.was("POST /updateStatus", (updated, "sdk".to_owned())).await;
    let registered = sdk.common("registerAgency", json!({}), &entry).await.is_ok();
    acts.was("POST /registerAgency", (registered, "sdk".to_owned())).await;
    let deleted = sdk.common("deleteAgency", json!({ "AgencyCode": "X99.N9" }), "{}").await.is_ok();
    acts.was("POST /deleteAgency", (deleted, "sdk".to_owned())).await;
}

/// What people do in the portal.
async fn people(acts: &mut Acts<'_>) {
    let hub = acts.hub;
    let mut clerk = Browser::of(hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let receipt = hub.accepted("dms.national", a_document("p1").bytes()).await;
    acts.next().await;
    let recall = format!("/portal/documents/{}/recall", receipt["envelope_id"].as_str().unwrap());
    clerk.get(&recall).await;
    clerk.send(&recall, &[("to", "X99.B02"), ("reason", "Gửi nhầm nơi nhận")]).await;
    acts.answered("POST /portal/documents/{id}/recall", (clerk.page.status, clerk.page.words())).await;
    for (rest, fields) in [
        ("sessions", vec![]),
        ("second-factor", vec![("step", "begin")]),
        ("password", vec![("old", PASSWORD), ("new", "Mot mat khau khac 9!"), ("again", "Mot mat khau khac 9!")]),
    ] {
        clerk.get("/portal/account").await;
        clerk.send(&format!("/portal/account/{rest}"), &fields).await;
        acts.answered(&format!("POST /portal/account/{rest}"), (clerk.page.status, clerk.page.words())).await;
    }
    let mut operator = Browser::of(hub, "van.hanh", UserRole::Operator, &[]).await;
    operator.get("/portal/bulletins").await;
    acts.next().await;
    let bulletin = [("text", "Bảo trì"), ("from", ""), ("until", "2026-12-22T12:00"), ("agencies", "")];
    operator.send("/portal/bulletins", &bulletin).await;
    acts.answered("POST /portal/bulletins", (operator.page.status, operator.page.words())).await;
    operator.get("/portal/holds").await;
    operator.send("/portal/holds", &[("document", "d1"), ("reason", "Khiếu nại số 12")]).await;
    acts.answered("POST /portal/holds", (operator.page.status, operator.page.words())).await;
    operator.get("/portal/redrives/new?agency=X99.C03&cause=untried").await;
    let fields =
        [("agency", "X99.C03"), ("cause", "untried"), ("per_minute", "1"), ("reason", "Bên nhận đã sửa phần mềm")];
    operator.send("/portal/redrives", &fields).await;
    acts.answered("POST /portal/redrives", (operator.page.status, operator.page.words())).await;
    let place = operator.page.leads_to().to_owned();
    operator.get("/portal/account").await;
    operator.send(&place, &[("step", "pause")]).await;
    acts.answered("POST /portal/redrives/{id}", (operator.page.status, operator.page.words())).await;
    operator.get("/portal/account").await;
    operator.send("/portal/recipients/X99.C03", &[("step", "pause"), ("reason", "bảo trì")]).await;
    acts.answered("POST /portal/recipients/{id}", (operator.page.status, operator.page.words())).await;
    auditing(acts).await;
}

/// What administrators do to agencies, systems and keys.
async fn administering(acts: &mut Acts<'_>) {
    let hub = acts.hub;
    let mut one = Browser::of(hub, "mot", UserRole::Administrator, &[]).await;
    let mut two = Browser::of(hub, "hai", UserRole::Administrator, &[]).await;
    let reason = ("reason", "Đơn vị thay phần mềm");
    let agency = [("seen", "0"), ("code", "X99.P1"), ("name", "Sở Mới"), ("state", "open"), ("step", "confirm")];
    let asked = [
        ("/agencies", "/agencies", &agency[..]),
        ("/agencies/{id}/endpoint", "/agencies/X99.B02/endpoint", &[("url", "http://127.0.0.1:9/"), reason]),
        ("/systems", "/systems", &[("system", "dms.p1"), ("name", "Mới"), ("role", "exchange")]),
        ("/systems/{id}", "/systems/dms.p1", &[("step", "key"), ("life_days", "7"), reason]),
    ];
    let mut place = String::new();
    for (pattern, path, fields) in asked {
        one.get("/portal/account").await;
        acts.next().await;
        one.send(&format!("/portal{path}"), fields).await;
        acts.answered(&format!("POST /portal{pattern}"), (one.page.status, one.page.words())).await;
        place = one.page.leads_to().to_owned();
    }
    for (browser, step) in [(&mut two, "approve"), (&mut one, "take")] {
        browser.get(&place).await;
        acts.next().await;
        browser.send(&place, &[("step", step)]).await;
        acts.answered("POST /portal/grants/{id}", (browser.page.status, browser.page.words())).await;
    }
}

/// What administrators and auditors do.
async fn auditing(acts: &mut Acts<'_>) {
    administering(acts).await;
    let hub = acts.hub;
    let mut auditor = Browser::of(hub, "thanh.tra", UserRole::Auditor, &[]).await;
    let mut administrator = Browser::of(hub, "quan.tri", UserRole::Administrator, &[]).await;
    administrator.get("/portal/warrants").await;
    acts.next().await;
    let fields = [
        ("login", "thanh.tra"),
        ("number", "7/QĐ"),
        ("decided_on", "2026-11-20"),
        ("purpose", "Kiểm tra"),
        ("agencies", "X99.A01"),
        ("documents_from", "2026-11-01"),
        ("documents_until", "2026-11-30"),
        ("until", "2026-12-31"),
    ];
    administrator.send("/portal/warrants", &fields).await;
    acts.answered("POST /portal/warrants", (administrator.page.status, administrator.page.words())).await;
    auditor.get("/portal/audit").await;
    let token = auditor.page.form_token();
    auditor.send("/portal/audit/samples", &[("size", "3"), ("seed", "")]).await;
    acts.answered("POST /portal/audit/samples", (auditor.page.status, auditor.page.words())).await;
    let sample = auditor.page.leads_to().to_owned();
    seal(&hub.hub).await;
    assert_eq!(samples::draw_open(&hub.hub).await.unwrap(), 1);
    auditor.get(&sample).await;
    acts.next().await;
    auditor.send(&sample, &[("number", "1"), ("note", "Đúng hạn")]).await;
    acts.answered("POST /portal/audit/samples/{id}", (auditor.page.status, auditor.page.words())).await;
    auditor.hand_in("/portal/audit/verify", &token, ("x.xml", b"<Receipt />")).await;
    acts.answered("POST /portal/audit/verify", (auditor.page.status, auditor.page.words())).await;
}

/// The command line on a hub.
struct Line<'h> {
    acts: Acts<'h>,
    program: Program,
}

impl Line<'_> {
    async fn run(&mut self, command: &str, arguments: &[&str]) -> String {
        let all: Vec<&str> = command.split(' ').chain(arguments.iter().copied()).collect();
        self.acts.next().await;
        let ran = self.program.run(&all);
        self.acts.was(command, (ran.code == 0, format!("{} {}{}", ran.code, ran.out, ran.err))).await;
        ran.out
    }
}

#[tokio::test]
async fn every_command_that_changes_something_leaves_evidence() {
    let hub = TestHub::start_with(|config| config.relay.hub_name = "truc.a".to_owned()).await;
    let program = hub.program().with("DOCAXIS__RELAY__HUB_NAME", "truc.a");
    let program = program.with("DOCAXIS__PUSH__NETWORKS", "127.0.0.0/8").with("DOCAXIS__PUSH__PLAIN_HTTP", "true");
    let program = program.with("DOCAXIS__PUSH__WEBHOOK_NETWORKS", "127.0.0.0/8");
    let program = program.with("DOCAXIS__PORTAL__PUBLIC_URL", PUBLIC);
    let mut line = Line { acts: Acts::of(&hub), program };
    command_systems(&mut line).await;
    let receipt = command_queues(&mut line).await;
    command_people(&mut line, &receipt).await;

    let listed = include_str!("../../docs/cli.md").lines().filter_map(|line| line.strip_prefix("## `docaxis"));
    let listed = listed.filter_map(|rest| rest.strip_prefix(' ')?.strip_suffix('`'));
    line.acts.all_of(listed.map(str::to_owned).collect(), &SILENT_COMMANDS);
}

/// Agencies, systems, keys and webhooks.
async fn command_systems(line: &mut Line<'_>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("co-quan.csv");
    std::fs::write(&file, "code,name\nX99.N1,Mới\n").unwrap();
    line.run("agency add", &["--code", "X99.N2", "--name", "Hai"]).await;
    line.run("agency import", &[file.to_str().unwrap()]).await;
    line.run("agency suspend", &["X99.N2"]).await;
    line.run("agency open", &["X99.N2"]).await;
    line.run("system add", &["--id", "dms.moi", "--name", "Mới", "--agency", "X99.N1"]).await;
    line.run("system suspend", &["dms.moi"]).await;
    line.run("system resume", &["dms.moi"]).await;
    line.run("system hold", &["dms.moi", "X99.N2"]).await;
    line.run("system release", &["dms.moi", "X99.N2"]).await;
    line.run("system addresses", &["dms.moi", "10.1.0.0/16"]).await;
    for group in ["system key", "key"] {
        let key: Value =
            serde_json::from_str(&line.run(&format!("{group} add"), &["dms.moi", "--json"]).await).unwrap_or_default();
        line.run(&format!("{group} revoke"), &[key["key_id"].as_str().unwrap_or_default()]).await;
    }
    line.run("webhook set", &["dms.moi", "http://127.0.0.1:9/"]).await;
    line.run("webhook rotate", &["dms.moi"]).await;
    line.run("webhook test", &["dms.moi"]).await;
    line.run("webhook replay", &["dms.moi", "--from", "2026-11-20"]).await;
    line.run("webhook remove", &["dms.moi"]).await;
}

/// Endpoints, what waits for them, neighbours and routes. Answers a document that was accepted.
async fn command_queues(line: &mut Line<'_>) -> Value {
    let hub = line.acts.hub;
    let folder = tempfile::tempdir().unwrap();
    line.run("endpoint set", &["X99.B02", "http://127.0.0.1:9/"]).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let delivery = delivery_of(&receipt);
    line.run("queue hold", &[&delivery]).await;
    line.run("queue release", &[&delivery]).await;
    line.run("queue now", &[&delivery]).await;
    line.run("endpoint pause", &["X99.B02"]).await;
    line.run("endpoint resume", &["X99.B02"]).await;
    line.run("endpoint remove", &["X99.B02"]).await;
    add_system(&hub.hub, "truc.b", Some(Role::Hub), Vec::new()).await;
    let key = folder.path().join("khoa");
    std::fs::write(&key, "k.s\n").unwrap();
    let known = ["truc.b", "http://127.0.0.1:9", "--key-file", key.to_str().unwrap(), "--unverified"];
    line.run("neighbour set", &known).await;
    line.run("route set", &["X98", "truc.b"]).await;
    line.run("route remove", &["X98"]).await;
    line.run("neighbour remove", &["truc.b"]).await;
    receipt
}

/// People, jobs, and what is taken out.
async fn command_people(line: &mut Line<'_>, receipt: &Value) {
    let hub = line.acts.hub;
    let delivery = delivery_of(receipt);
    line.run("user add", &["lan.vp", "--name", "Lan", "--role", "clerk"]).await;
    line.run("user hold", &["lan.vp", "X99.A01"]).await;
    line.run("user release", &["lan.vp", "X99.A01"]).await;
    line.run("user reset", &["lan.vp"]).await;
    line.run("user suspend", &["lan.vp"]).await;
    line.run("user resume", &["lan.vp"]).await;
    line.program.done(&["user", "add", "thanh.tra", "--name", "Thanh tra", "--role", "auditor"]);
    let issued = [
        "thanh.tra",
        "--number",
        "7/QĐ",
        "--decided",
        "2026-11-20",
        "--purpose",
        "Kiểm tra",
        "--every-agency",
        "--documents-from",
        "2026-11-01",
        "--documents-until",
        "2026-11-30",
        "--until",
        "2099-12-31",
    ];
    let issued = line.run("warrant issue", &issued).await;
    line.run("warrant revoke", &[issued.split(' ').next().unwrap_or_default()]).await;
    seal(&hub.hub).await;
    line.run("search rebuild", &[]).await;
    line.run("statistics rebuild", &[]).await;
    let hold = ["--agency", "X99.B02", "--reason", "Thanh tra đang xem xét"];
    let hold = line.run("hold place", &hold).await;
    line.run("hold lift", &[hold.trim(), "--reason", "Thanh tra đã kết luận"]).await;
    let provider = IdentityProvider::start().await;
    let entry = ["tinh", "--name", "Tỉnh", "--issuer", &provider.issuer, "--client-id", "docaxis"];
    line.run("provider set", &entry).await;
    line.run("provider link", &["tinh", "lan.vp", "sub-lan"]).await;
    line.run("provider unlink", &["tinh", "lan.vp"]).await;
    line.run("provider suspend", &["tinh"]).await;
    line.run("provider resume", &["tinh"]).await;
    line.run("job run", &["sweep-orphans"]).await;
    let envelope = receipt["envelope_id"].as_str().unwrap();
    line.run("receipt show", &[envelope]).await;
    line.run("receipt signed", &[envelope]).await;
    line.run("receipt capsule", &[&delivery]).await;
    crate::statements::close_the_day(hub).await;
    line.run("statement show", &["2026-11-21"]).await;
    line.run("archive export", &["--from", "2026-11-21", "--until", "2026-11-21"]).await;
    line.run("agency close", &["X99.N2"]).await;
}

#[tokio::test]
async fn what_people_take_out_is_evidence_and_what_clerks_look_at_is_not() {
    let hub = TestHub::start_with(|config| config.portal.second_factor = false).await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let (envelope, delivery) = (receipt["envelope_id"].as_str().unwrap().to_owned(), delivery_of(&receipt));
    let taken = [
        "/portal/log/export?form=xlsx&direction=out".to_owned(),
        "/portal/log/export?form=csv&direction=out".to_owned(),
        "/portal/statistics/export?form=csv".to_owned(),
        format!("/portal/documents/{envelope}/slip"),
        format!("/portal/documents/{envelope}/packet"),
        format!("/portal/receipts/{envelope}"),
        format!("/portal/capsules/{delivery}"),
    ];
    for (place, pieces) in taken.iter().map(|place| (place.as_str(), 1)).chain([
        ("/portal/log?direction=out", 0),
        ("/portal/search?q=1", 0),
        ("/portal/documents/unknown/slip", 0),
        ("/portal/log/export?form=xlsx&agency=X99.B02", 0),
    ]) {
        let before = hub.count("SELECT count(*) FROM evidence").await;
        clerk.get(place).await;
        assert_eq!(hub.count("SELECT count(*) FROM evidence").await - before, pieces, "{place}");
    }
    // Of nothing of it the parties' systems know.
    let told = hub.get("dms.national", &format!("/api/v1/envelopes/{envelope}/timeline")).await;
    assert!(!told.text().contains("DataAccessed"), "{}", told.text());
    let denied = warrants::issue(&hub.hub, &By::Operator, a_warrant("an.vp", Vec::new())).await.unwrap_err();
    assert!(denied.to_string().contains("auditors"), "{denied}");
}
