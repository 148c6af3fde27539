//! Reconciliation: a system's own list of a closed day is compared with what was sealed of it; each difference is named, and the
//! answer verifies without the hub.

use crate::ledger::seal;
use crate::receipts::{Folder, flaws_of, pem, trust};
use crate::statements::close_the_day;
use crate::support::packets::{a_document, a_status};
use crate::support::{Answer, TestHub};
use docaxis::domain::packet::Digest;
use docaxis::exchange::statements::StatementFile;
use docaxis::exchange::verify::{self, Flaw, Look};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A closed day on which one agency sent four documents to another, which reported on one and sent one back.
async fn a_closed_day() -> TestHub {
    let hub = TestHub::start_with(|config| config.lists.reconciled_lines_max = 6).await;
    for id in ["same", "altered", "lost", "reported"] {
        hub.accepted("dms.national", a_document(id).bytes()).await;
    }
    for delivery in hub.waiting("dms.province").await {
        hub.fetch("dms.province", &delivery).await;
        hub.confirm("dms.province", &delivery, "done").await;
    }
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "reported"), "03", "2026/11/21 09:30:00")).await;
    close_the_day(&hub).await;
    seal(&hub.hub).await;
    hub
}

fn sha256(id: &str) -> String {
    Digest::of(&a_document(id).bytes()).hex()
}

pub async fn post(hub: &TestHub, system: &str, query: &str, list: impl Into<reqwest::Body>) -> Answer {
    let url = hub.url(&format!("/api/v1/reconciliations?{query}"));
    let request = hub.client.post(url).bearer_auth(hub.system(system).bearer()).body(list);
    Answer::of(request.send().await.unwrap()).await
}

pub const OF_THE_DAY: &str = "agency=X99.A01&day=2026-11-21";

/// What differs: the documents of each way.
fn differences(answer: &Answer) -> BTreeMap<String, Vec<String>> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in answer.json["differences"].as_array().unwrap() {
        let text = |name: &str| one[name].as_str().unwrap().to_owned();
        found.entry(text("code")).or_default().push(text("document_id"));
    }
    found
}

#[tokio::test]
async fn each_difference_is_named_with_what_to_do_and_the_answer_verifies_without_the_hub() {
    let hub = a_closed_day().await;
    let (same, other) = (sha256("same"), sha256("other"));
    let list = format!(
        "direction;counterpart;document_id;sha256;status\r\nsent;X99.B02;same;{same};\r\nsent;X99.B02;same;{same};\r\n\
         sent;X99.B02;altered;{other};\r\nsent;X99.B02;never;;\r\nsent;X99.B02;reported;;06\r\nsent;X99.C03;away;;\r\n"
    );
    let answer = post(&hub, "dms.national", OF_THE_DAY, list.clone()).await;

    let expected = [("altered", vec!["altered"]), ("duplicate", vec!["same"]), ("lost", vec!["lost"])];
    let more = [("status_differs", vec!["reported"]), ("unknown", vec!["never", "away"])];
    let expected = expected
        .into_iter()
        .chain(more)
        .map(|(code, ids)| (code.to_owned(), ids.into_iter().map(str::to_owned).collect::<Vec<_>>()));
    assert_eq!(differences(&answer), expected.collect());
    assert_eq!((&answer.json["matching"], &answer.json["lines"]), (&1.into(), &6.into()));
    assert_eq!(answer.json["posted"], Digest::of(list.as_bytes()).hex());
    for way in answer.json["summary"].as_array().unwrap() {
        let is_told = ["meaning_vi", "meaning_en", "next_vi", "next_en"]
            .iter()
            .all(|name| way[name].as_str().is_some_and(|text| text.len() > 10));
        assert!(is_told, "{way}");
    }
    let differs = answer.json["differences"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["code"] == "status_differs")
        .unwrap()
        .clone();
    assert_eq!((&differs["hub"], &differs["list"]), (&"03".into(), &"06".into()));

    seal(&hub.hub).await;
    let id = answer.json["reconciliation_id"].as_str().unwrap();
    let path = format!("/api/v1/reconciliations/{id}");
    assert_eq!(hub.get("dms.province", &path).await.status, 404, "it is of the other agency");
    let text = hub.get("dms.national", &path).await.text();
    let own = trust(&hub).await;
    let report = verify::verify(text.as_bytes(), &own);
    assert!(
        report.holds()
            && report.tells.iter().any(|line| line.contains("đối soát / reconciliation · 2026-11-21 · X99.A01")),
        "{report:?}"
    );
    let mut file: StatementFile = serde_json::from_str(&text).unwrap();
    file.list = file.list.lines().skip(1).map(|line| line.to_owned() + "\n").collect();
    assert_eq!(flaws_of(&file.file(), &own), [(Look::List, Flaw::OtherList)]);
}

#[tokio::test]
async fn a_list_that_is_the_same_differs_nowhere_whichever_way_it_is_written() {
    let hub = a_closed_day().await;
    let of = |direction: &str, counterpart: &str| -> Vec<Value> {
        let line = |id: &&str| json!({ "direction": direction, "counterpart": counterpart, "document_id": id, "sha256": sha256(id) });
        ["reported", "same", "lost", "altered"].iter().map(line).collect()
    };
    let sent =
        post(&hub, "dms.national", &format!("{OF_THE_DAY}&direction=sent"), json!(of("sent", "X99.B02")).to_string())
            .await;
    assert_eq!((differences(&sent).len(), &sent.json["matching"]), (0, &4.into()));
    let received = json!(of("received", "X99.A01")).to_string();
    let received = post(&hub, "dms.province", "agency=X99.B02&day=2026-11-21", received).await;
    assert_eq!(
        (differences(&received).len(), &received.json["matching"]),
        (0, &4.into()),
        "status packets are not asked for"
    );
    let statuses =
        json!([{ "direction": "received", "counterpart": "X99.B02", "document_id": "reported", "kind": "status-03" }]);
    let statuses = post(&hub, "dms.national", &format!("{OF_THE_DAY}&direction=received"), statuses.to_string()).await;
    assert_eq!(statuses.json["matching"], 1, "{}", statuses.text());

    let folder = Folder::new();
    let list = folder.keep("list.json", &json!(of("sent", "X99.B02")).to_string());
    let program = crate::support::program::Program::new(&folder.0.path().join("unused"), "");
    let program = program.with("DOCAXIS_HUB", hub.url("")).with("DOCAXIS_KEY", hub.system("dms.national").bearer());
    let run = async |arguments: &[&str]| {
        let mut command = program.command(arguments);
        crate::support::program::Ran::of(tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
    };
    let list = list.to_str().unwrap();
    let arguments = ["reconcile", "--file", list, "--agency", "X99.A01", "--day", "2026-11-21"];
    let ran = run(&[&arguments[..], &["--direction", "sent"]].concat()).await;
    assert!(ran.code == 0 && ran.out.contains("4 khớp / match"), "{}{}", ran.out, ran.err);
    let empty = folder.keep("empty.json", "[]");
    let ran =
        run(&["reconcile", "--file", empty.to_str().unwrap(), "--agency", "X99.A01", "--day", "2026-11-21"]).await;
    assert!(
        ran.code == 1 && ran.out.contains("lost 4") && ran.out.contains("sent  X99.B02  same"),
        "{}{}",
        ran.out,
        ran.err
    );
    seal(&hub.hub).await;
    let id = ran.out.split(':').next().unwrap().to_owned();
    let result = run(&["reconcile", "--result", &id]).await;
    let file = folder.keep("result.json", &result.out);
    let pem = folder.keep("hub.pem", &pem(&hub).await);
    let arguments = ["verify", file.to_str().unwrap(), "--trust", pem.to_str().unwrap()];
    assert_eq!(hub.program().run(&arguments).code, 0, "{}{}", result.out, result.err);
}

#[tokio::test]
async fn a_list_that_cannot_be_compared_is_refused_with_the_reason() {
    let hub = a_closed_day().await;
    let one = "direction,counterpart,document_id\nsent,X99.B02,same\n";
    let refused = async |query: &str, list: &str| {
        let answer = post(&hub, "dms.national", query, list.to_owned()).await;
        (answer.status, answer.text())
    };
    assert_eq!(refused("agency=X99.B02&day=2026-11-21", one).await.0, 404, "another's agency");
    for (query, list, why) in [
        ("agency=X99.A01&day=2026-11-22", one, "not closed"),
        ("agency=X99.A01&day=today", one, "no day"),
        (&format!("{OF_THE_DAY}&direction=received"), one, "other direction"),
        (OF_THE_DAY, "direction,counterpart\nsent,X99.B02\n", "item 1"),
        (OF_THE_DAY, "direction,counterpart,document_id\nsent,X99.B02,same\nsideways,X99.B02,same\n", "item 2"),
        (OF_THE_DAY, "direction,counterpart,document_id,sha256\nsent,X99.B02,same,abc\n", "item 1 of the list: sha256"),
        (OF_THE_DAY, "[{\"direction\":\"sent\",\"other\":1}]", "item 0"),
        (OF_THE_DAY, &one.replace("sent,X99.B02,same\n", &"sent,X99.B02,same\n".repeat(7)), "reconciled_lines_max (6)"),
    ] {
        let (status, text) = refused(query, list).await;
        assert!(status == 400 && text.contains(why), "{list}: {status} {text}");
    }
    assert_eq!(hub.count("SELECT count(*) FROM reconciliations").await, 0);
}
