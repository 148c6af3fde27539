//! Administration over HTTP: who may, what each operation does, the evidence that it leaves; and from where and whether
//! a system may call at all.

use crate::support::packets::a_document;
use crate::support::{Answer, TestHub, add_system};
use chrono::TimeDelta;
use docaxis::domain::system::Role;
use docaxis::exchange::act::By;
use docaxis::exchange::{keys, systems};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// A hub with a system of administration.
pub struct Office {
    pub hub: TestHub,
    pub token: String,
}

async fn office() -> Office {
    office_of(TestHub::start().await).await
}

/// A hub with a system of administration beside its own.
pub async fn office_of(hub: TestHub) -> Office {
    add_system(&hub.hub, "office", Some(Role::Administration), Vec::new()).await;
    let token = new_token(&hub, "office").await;
    Office { hub, token }
}

async fn new_token(hub: &TestHub, system: &str) -> String {
    let key = keys::add_key(&hub.hub, &By::Operator, system, None).await.unwrap();
    format!("{}.{}", key.key_id, key.secret.expose_secret())
}

impl Office {
    pub async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.hub.client.request(method, self.hub.url(&format!("/api/v1/admin{path}")));
        let request = if body.is_null() { request } else { request.json(&body) };
        Answer::of(request.bearer_auth(&self.token).send().await.unwrap()).await
    }

    pub async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(method, path, body).await;
        assert!(matches!(answer.status, 200 | 201), "{method} {path}: {} {}", answer.status, answer.text());
        answer.json
    }

    /// The last piece of evidence: its event, who acted, and its facts.
    async fn last_evidence(&self) -> (String, Option<String>, Value) {
        let last = self.hub.evidence().await.pop().unwrap();
        (last.event, last.system_id, serde_json::from_str(&last.facts).unwrap())
    }

    async fn status_with(&self, token: &str, forwarded: Option<&str>) -> u16 {
        let request = self.hub.client.get(self.hub.url("/api/v1/mailbox")).bearer_auth(token);
        let request = forwarded.into_iter().fold(request, |request, said| request.header("x-forwarded-for", said));
        request.send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn an_agency_is_registered_changed_and_closed_with_evidence_of_each() {
    let office = office().await;

    let said = json!({ "name": "Sở Mới", "parent": "000.00.02.X99", "aliases": ["000.00.77.X99"], "valid_from": "2026-01-01" });
    let made = office.done("PUT", "/agencies/X99.N77", said).await;
    assert_eq!((&made["parent"], &made["standing"], &made["holders"]), (&json!("X99.B02"), &json!("open"), &json!([])));
    let (event, by, facts) = office.last_evidence().await;
    assert_eq!(
        (event.as_str(), by.as_deref(), &facts["act"]),
        ("docaxis:AgencyChanged", Some("office"), &json!("added"))
    );

    let changed = office.done("PUT", "/agencies/000.00.77.X99", json!({ "mail": "n77@n.example" })).await;
    assert_eq!(changed["code"], "X99.N77", "an alias leads to it");
    assert_eq!((&changed["name"], &changed["mail"]), (&json!("Sở Mới"), &json!("n77@n.example")));
    assert_eq!(office.last_evidence().await.2["columns"], json!(["mail"]));

    let closed = office.done("POST", "/agencies/X99.N77/close", json!({ "successor": "X99.B02" })).await;
    assert_eq!((&closed["standing"], &closed["successor"]), (&json!("closed"), &json!("X99.B02")));
    assert_eq!(office.last_evidence().await.2["act"], "closed");
    let shown = office.done("GET", "/agencies/X99.B02", Value::Null).await;
    assert_eq!(shown["holders"], json!(["dms.province"]));
}

#[tokio::test]
async fn every_fault_of_an_entry_is_told_and_nothing_changes() {
    let office = office().await;
    let before = office.done("GET", "/agencies/X99.C03", Value::Null).await;

    let said =
        json!({ "name": "", "parent": "X99.Z99", "state": "offen", "valid_until": "morgen", "aliases": ["X99.A01"] });
    let refused = office.ask("PUT", "/agencies/X99.C03", said).await;

    assert_eq!((refused.status, &refused.json["code"]), (422, &json!("entries-refused")));
    let faults = refused.json["faults"].as_array().unwrap();
    let mut codes: Vec<&str> = faults.iter().map(|fault| fault["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["alias-taken", "date-malformed", "name-missing", "parent-unknown", "state-unknown"]);
    assert!(faults.iter().all(|fault| fault["remedy"]["vi"].as_str().unwrap().len() > 5));
    assert_eq!(office.done("GET", "/agencies/X99.C03", Value::Null).await, before);
    for body in [json!([]), json!("x"), json!({ "nom": "x" }), json!({ "name": 1 }), json!({ "code": "X99.A01" })] {
        assert_eq!(office.ask("PUT", "/agencies/X99.C03", body.clone()).await.status, 422, "{body}");
    }
    assert_eq!(office.ask("PUT", "/agencies/X99.C03", json!({ "parent": "\0" })).await.status, 400);
    assert_eq!(office.ask("POST", "/agencies/X99.Z99/close", Value::Null).await.status, 404);
    let itself = office.ask("POST", "/agencies/X99.A01/close", json!({ "successor": "X99.A01" })).await;
    assert_eq!((itself.status, &itself.json["faults"][0]["code"]), (422, &json!("successor-circle")));
    let to_closed = office.ask("POST", "/agencies/X99.A01/close", json!({ "successor": "X99.D04" })).await;
    assert_eq!(to_closed.status, 400, "a closed agency succeeds nobody");
}

#[tokio::test]
async fn a_file_is_imported_whole_or_not_at_all_and_exported_in_the_same_form() {
    let office = office().await;
    let post = async |dry: &str, body: String| {
        let url = office.hub.url(&format!("/api/v1/admin/directory{dry}"));
        Answer::of(office.hub.client.post(url).bearer_auth(&office.token).body(body).send().await.unwrap()).await
    };
    let good = "code;name;state;successor\nX99.N1;Sở Một;;\nX99.C03;Xã Mẫu;closed;X99.N1\n".to_owned();

    let faulty = post("", format!("{good}X99.N2;;;\nX99.N3;Ba;;X99.N1\n")).await;
    let codes: Vec<_> = faulty.json["faults"].as_array().unwrap().iter().map(|f| (&f["row"], &f["code"])).collect();
    assert_eq!(codes, [(&json!(4), &json!("name-missing")), (&json!(5), &json!("successor-of-open"))]);
    let planned = post("?dry_run=true", good.clone()).await.json;
    let dry = office.ask("GET", "/agencies/X99.N1", Value::Null).await.status;
    let applied = post("", good.clone()).await.json;
    let again = post("", good).await.json;

    assert_eq!(dry, 404, "a dry run changes nothing");
    assert_eq!((&planned["changes"], &planned["counts"]), (&applied["changes"], &applied["counts"]));
    assert_eq!(applied["counts"], json!({ "added": 1, "changed": 0, "closed": 1, "reopened": 0, "unchanged": 0 }));
    let name = &applied["changes"][1]["columns"]["name"];
    assert_eq!((&name["old"], &name["new"]), (&json!("Ủy ban nhân dân xã Mẫu"), &json!("Xã Mẫu")));
    assert_eq!((&again["counts"]["unchanged"], &again["version"]), (&json!(2), &applied["version"]));
    let (event, by, _) = office.last_evidence().await;
    assert_eq!((event.as_str(), by.as_deref()), ("docaxis:DirectoryImported", Some("office")));
    for format in ["json", "csv"] {
        let exported = office.ask("GET", &format!("/directory?format={format}"), Value::Null).await;
        assert_eq!(exported.status, 200);
        let back = post("", exported.text()).await;
        assert_eq!((back.status, &back.json["counts"]["unchanged"]), (200, &json!(6)), "{format}: {}", back.text());
        assert_eq!(back.json["changes"], json!([]), "{format}");
    }
}

#[tokio::test]
async fn an_import_beyond_the_limit_is_refused() {
    let hub = TestHub::start_with(|config| config.directory.import_bytes_max = 100).await;
    let office = office_of(hub).await;

    let url = office.hub.url("/api/v1/admin/directory");
    let request = office.hub.client.post(url).bearer_auth(&office.token).body("x".repeat(101));

    assert_eq!(request.send().await.unwrap().status().as_u16(), 413);
}

#[tokio::test]
async fn a_system_is_made_given_agencies_and_released() {
    let office = office().await;

    let made = office.done("PUT", "/systems/dms.new", json!({ "name": "Mới", "agencies": ["000.00.03.X99"] })).await;
    assert_eq!((&made["role"], &made["agencies"]), (&json!("exchange"), &json!(["X99.C03"])));
    assert_eq!(office.done("PUT", "/systems/dms.new", json!({ "name": "Mới hơn" })).await["name"], "Mới hơn");
    assert_eq!(office.last_evidence().await.2["act"], "rename");
    let held = office.done("PUT", "/systems/dms.new/agencies/X99.B02", Value::Null).await;
    assert_eq!(held["agencies"], json!(["X99.B02", "X99.C03"]));
    assert_eq!(office.last_evidence().await.2["act"], "hold");
    let left = office.done("DELETE", "/systems/dms.new/agencies/X99.C03", Value::Null).await;
    assert_eq!(left["agencies"], json!(["X99.B02"]));
    assert_eq!(office.ask("DELETE", "/systems/dms.new/agencies/X99.C03", Value::Null).await.status, 404);
    assert_eq!(office.ask("PUT", "/systems/dms.new/agencies/X99.Z99", Value::Null).await.status, 400);
    assert_eq!(office.ask("PUT", "/systems/nobody/agencies/X99.B02", Value::Null).await.status, 404);
    assert_eq!(office.ask("PUT", "/systems/dms.new", json!({ "name": "" })).await.status, 400);
    assert_eq!(
        office.ask("PUT", "/systems/dms.new", json!({ "name": "x", "role": "administration" })).await.status,
        400
    );
    let list = office.done("GET", "/systems", Value::Null).await;
    let shown = office.done("GET", "/systems/dms.new", Value::Null).await;
    assert!(list["items"].as_array().unwrap().contains(&shown));
}

#[tokio::test]
async fn administration_holds_no_agency_by_any_way() {
    let office = office().await;

    let made =
        office.ask("PUT", "/systems/second", json!({ "name": "x", "role": "administration", "agencies": ["X99.A01"] }));
    assert_eq!(made.await.status, 403);
    assert_eq!(office.ask("PUT", "/systems/office/agencies/X99.A01", Value::Null).await.status, 403);
    let held = systems::system(&office.hub.hub, "office").await.unwrap().agencies;
    assert_eq!(held, Vec::<String>::new());
    let url = office.hub.url("/api/v1/envelopes");
    let sent =
        office.hub.client.post(url).bearer_auth(&office.token).body(a_document("d1").bytes()).send().await.unwrap();
    assert_eq!(sent.status().as_u16(), 403, "it sends for nobody");
}

#[tokio::test]
async fn a_key_is_made_used_listed_and_revoked_and_its_secret_shown_once() {
    let office = office().await;

    let made = office.ask("POST", "/systems/dms.commune/keys", json!({ "life_days": 1 })).await;
    assert_eq!((made.status, made.headers["cache-control"].to_str().unwrap()), (201, "no-store"));
    let (id, secret) = (made.json["key_id"].as_str().unwrap(), made.json["secret"].as_str().unwrap());
    let token = format!("{id}.{secret}");
    assert_eq!(office.status_with(&token, None).await, 200);
    assert_eq!(office.ask("POST", "/systems/dms.commune/keys", Value::Null).await.status, 409, "two are live");
    let listed = office.ask("GET", "/systems/dms.commune/keys", Value::Null).await;
    assert!(listed.text().contains(id) && !listed.text().contains(secret));
    office.done("POST", &format!("/keys/{id}/revoke"), Value::Null).await;
    let (event, _, facts) = office.last_evidence().await;
    assert_eq!((event.as_str(), &facts["act"], &facts["key"]), ("docaxis:KeyChanged", &json!("revoke"), &json!(id)));

    assert_eq!(office.status_with(&token, None).await, 401);
    assert_eq!(office.ask("POST", "/keys/unknown/revoke", Value::Null).await.status, 404);
    assert_eq!(office.ask("POST", "/systems/nobody/keys", Value::Null).await.status, 404);
    let told: String = office.hub.evidence().await.into_iter().map(|piece| piece.facts).collect();
    assert!(!told.contains(secret), "evidence holds no secret");
}

#[tokio::test]
async fn a_key_with_a_life_of_its_own_ends_with_it() {
    let office = office().await;
    let made = office.done("POST", "/systems/dms.commune/keys", json!({ "life_days": 1 })).await;
    let token = format!("{}.{}", made["key_id"].as_str().unwrap(), made["secret"].as_str().unwrap());

    office.hub.after(TimeDelta::days(1) - TimeDelta::seconds(1));
    let before = office.status_with(&token, None).await;
    office.hub.after(TimeDelta::seconds(1));

    assert_eq!((before, office.status_with(&token, None).await), (200, 401));
}

#[tokio::test]
async fn the_use_of_a_key_is_written_once_for_many_requests() {
    let office = office().await;
    let system = office.hub.system("dms.national").clone();
    for _ in 0..20 {
        assert_eq!(office.status_with(&system.bearer(), None).await, 200);
    }
    let before = systems::system(&office.hub.hub, &system.id).await.unwrap().keys[0].last_used_at;

    let written = keys::note_uses(&office.hub.hub).await.unwrap();
    let again = keys::note_uses(&office.hub.hub).await.unwrap();

    assert_eq!((before, written, again), (None, 1, 0));
    let line = systems::system(&office.hub.hub, &system.id).await.unwrap();
    assert_eq!(line.keys[0].last_used_at, Some(office.hub.now()));
}

#[tokio::test]
async fn a_suspended_system_is_out_within_the_memory_of_a_node_and_back_when_resumed() {
    let office = office().await;
    let bearer = office.hub.system("dms.national").bearer();
    assert_eq!(office.status_with(&bearer, None).await, 200);

    // As another node does it: this one still remembers the key.
    let other = office.hub.another_node();
    systems::suspend(&other, &By::Operator, "dms.national", true).await.unwrap();
    office.hub.after(TimeDelta::seconds(office.hub.hub.config.keys.memory_seconds as i64));
    let native = office.status_with(&bearer, None).await;
    let signed = office.hub.sdk("dms.national").call("getReceivedEdocList", &json!({}), "").await.status;
    let resumed = office.done("POST", "/systems/dms.national/resume", Value::Null).await;

    assert_eq!((native, signed), (401, 401));
    assert_eq!(resumed["suspended_at"], Value::Null);
    assert_eq!(office.status_with(&bearer, None).await, 200);
    let suspended = office.done("POST", "/systems/dms.national/suspend", Value::Null).await;
    assert!(suspended["suspended_at"].is_string());
    assert_eq!(office.status_with(&bearer, None).await, 401, "at once on this node");
}

#[tokio::test]
async fn a_system_with_a_list_of_addresses_calls_from_these_only() {
    let office = office().await;
    let bearer = office.hub.system("dms.national").bearer();
    let set =
        |addresses: Value| office.done("PUT", "/systems/dms.national/addresses", json!({ "addresses": addresses }));

    assert_eq!(
        set(json!(["10.1.2.3/16", "2001:db8::/32"])).await["addresses"],
        json!(["10.1.0.0/16", "2001:db8::/32"])
    );
    let elsewhere = office.status_with(&bearer, None).await;
    let pretended = office.status_with(&bearer, Some("10.1.2.3")).await;
    set(json!(["127.0.0.0/8"])).await;
    let allowed = office.status_with(&bearer, None).await;
    set(json!([])).await;
    let everywhere = office.status_with(&bearer, None).await;

    assert_eq!((elsewhere, pretended, allowed, everywhere), (401, 401, 200, 200));
    assert_eq!(
        office.ask("PUT", "/systems/dms.national/addresses", json!({ "addresses": ["here"] })).await.status,
        400
    );
    assert_eq!(office.ask("PUT", "/systems/nobody/addresses", json!({ "addresses": [] })).await.status, 404);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_address_that_it_names_counts() {
    let hub = TestHub::start_with(|config| config.server.trusted_proxies = "127.0.0.1, 10.9.0.0/16".to_owned()).await;
    let office = office_of(hub).await;
    let bearer = office.hub.system("dms.national").bearer();
    office.done("PUT", "/systems/dms.national/addresses", json!({ "addresses": ["10.1.0.0/16"] })).await;

    let mut statuses = Vec::new();
    for said in [Some("10.1.2.3"), Some("10.1.2.3, 10.9.0.1"), Some("10.1.2.3, 10.2.0.1"), Some("nonsense"), None] {
        statuses.push(office.status_with(&bearer, said).await);
    }

    assert_eq!(statuses, [200, 200, 401, 401, 401]);
}

#[tokio::test]
async fn systems_register_new_agencies_as_the_setting_says() {
    let entry =
        |code: &str, parent: &str| json!({ "id": "", "code": code, "pcode": parent, "name": "Phòng" }).to_string();
    for (registration, expected) in
        [("closed", [false, false, false]), ("below", [false, true, false]), ("open", [true, true, false])]
    {
        let hub = TestHub::start_with(|config| config.directory.registration = registration.to_owned()).await;
        let mut sdk = hub.sdk("dms.national");

        let mut went = Vec::new();
        for (code, parent) in [("X99.N71", ""), ("X99.N72", "X99.A01"), ("X99.N73", "X99.B02")] {
            went.push(sdk.common("registerAgency", json!({}), &entry(code, parent)).await.is_ok());
        }

        assert_eq!(went, expected, "{registration}: without a parent, below its own, below another's");
        assert!(sdk.common("registerAgency", json!({}), &entry("X99.A01", "")).await.is_ok(), "its own may be changed");
    }
}
