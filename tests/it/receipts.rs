//! Signed receipts and capsules: each kind, verified by other tools and by ours, by a person who has neither hub nor network;
//! and whatever is altered, swapped, signed by another or out of its time is named.

use crate::ledger::seal;
use crate::support::TestHub;
use crate::support::packets::{a_document, a_status};
use crate::support::program::Ran;
use chrono::{DateTime, TimeDelta, Utc};
use docaxis::domain::evidence::EvidenceEvent;
use docaxis::domain::packet::Digest;
use docaxis::exchange::capsule::Capsule;
use docaxis::exchange::verify::{self, Flaw, Look, Report, Trust};
use docaxis::exchange::{attest, health, terms};
use docaxis::proof::checkpoint::Key;
use docaxis::signer::certificate::Certificate;
use docaxis::signer::credential::{Credential, self_signed};
use docaxis::wire::receipt;
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything that can happen to documents: one handed over and reported on, one withdrawn, one asked back, one refused by its
/// recipient's software, one that nobody fetched, and a packet that is none.
async fn eventful() -> TestHub {
    let hub = TestHub::start_with(|config| config.pickup.terms_days = "9, 9, 9, 9, 9".to_owned()).await;
    let delivery = |receipt: Value| receipt["deliveries"][0]["delivery_id"].as_str().unwrap().to_owned();
    hub.post("dms.national", b"no packet".to_vec()).await;
    hub.accepted("dms.national", a_document("unfetched").to(&["X99.C03"]).bytes()).await;
    let done = a_document("done").to(&["X99.B02", "X99.C03"]).subject("Về việc &lt;thử&gt; &amp; \"khác\"").bytes();
    let done = delivery(hub.accepted("dms.national", done).await);
    hub.fetch("dms.province", &done).await;
    hub.confirm("dms.province", &done, "done").await;
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "done"), "03", "2026/11/21 09:30:00")).await;
    hub.accepted("dms.national", a_document("recalled").bytes()).await;
    hub.accepted("dms.national", a_document("recall").recalling("recalled").bytes()).await;
    let fetched = delivery(hub.accepted("dms.national", a_document("asked").bytes()).await);
    hub.fetch("dms.province", &fetched).await;
    hub.accepted("dms.national", a_document("asking").recalling("asked").bytes()).await;
    let failed = delivery(hub.accepted("dms.national", a_document("failed").bytes()).await);
    hub.fetch("dms.province", &failed).await;
    hub.confirm("dms.province", &failed, "fail").await;
    hub.after(TimeDelta::days(60));
    terms::give_up_unfetched(&hub.hub).await.unwrap();
    hub
}

/// A file, kept as long as the folder is.
pub struct Folder(pub tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn keep(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    }
}

pub async fn signed(hub: &TestHub, system: &str, id: &str) -> String {
    let answer = hub.get(system, &format!("/api/v1/receipts/{id}/signed")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

pub async fn capsule(hub: &TestHub, system: &str, delivery: &str) -> String {
    let answer = hub.get(system, &format!("/api/v1/deliveries/{delivery}/capsule")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

/// Whoever trusts the certificates of a hub, and nothing else.
pub async fn trust(hub: &TestHub) -> Trust {
    Trust { certificates: attest::certificates(&hub.hub).await.unwrap(), ..Trust::default() }
}

pub async fn pem(hub: &TestHub) -> String {
    attest::certificates(&hub.hub).await.unwrap().iter().map(Certificate::pem).collect()
}

/// What does not hold: where, what was looked at, why.
fn flaws(report: &Report) -> Vec<(Look, Flaw)> {
    report.steps.iter().filter_map(|step| Some((step.looked_at, step.fault?))).collect()
}

pub fn flaws_of(file: &str, trust: &Trust) -> Vec<(Look, Flaw)> {
    flaws(&verify::verify(file.as_bytes(), trust))
}

/// What xmlsec1 says of a receipt at a time.
pub fn xmlsec(file: &Path, trusted: &Path, at: DateTime<Utc>) -> (bool, String) {
    let mut command = Command::new("xmlsec1");
    command.args(["--verify", "--enabled-key-data", "x509", "--trusted-pem"]).arg(trusted);
    command.args(["--verification-time", &at.format("%Y-%m-%d %H:%M:%S").to_string()]).arg(file);
    let output = command.output().expect("xmlsec1 is needed for this test: apt-get install xmlsec1");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn every_kind_of_receipt_is_valid_by_the_schema_and_verified_by_xmlsec1_and_by_us() {
    let (hub, folder) = (eventful().await, Folder::new());
    let (hub_pem, schema) = (folder.keep("hub.pem", &pem(&hub).await), "schemas/receipt.xsd");
    let (mut kinds, mut files) = (BTreeSet::new(), Vec::new());
    for row in hub.evidence().await {
        let id = row.evidence_id.as_str();
        let is_of_reporter = row.event == "SubmissionAcceptance" && row.agency.as_deref() == Some("X99.B02");
        let text = signed(&hub, if is_of_reporter { "dms.province" } else { "dms.national" }, id).await;
        assert_eq!(flaws_of(&text, &trust(&hub).await), [], "{text}");
        kinds.insert(row.event.clone());
        files.push(folder.keep(&format!("{id}.xml"), &text));
    }

    let expected: BTreeSet<String> = [
        EvidenceEvent::SubmissionAcceptance,
        EvidenceEvent::SubmissionRejection,
        EvidenceEvent::ContentConsignment,
        EvidenceEvent::ContentConsignmentFailure,
        EvidenceEvent::ContentHandover,
        EvidenceEvent::ContentHandoverFailure,
        EvidenceEvent::ContentFetched,
        EvidenceEvent::DeliveryWithdrawn,
        EvidenceEvent::RecallRequested,
        EvidenceEvent::StatusReported,
    ]
    .map(|event| event.name().to_owned())
    .into();
    assert_eq!(kinds, expected);
    for file in &files {
        let (holds, said) = xmlsec(file, &hub_pem, hub.now());
        assert!(holds, "{}: {said}", file.display());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ran = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(root.join(schema))
        .args(&files)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// One receipt of each kind, the capsule of a delivery that was handed over, and the certificate.
async fn write_fixtures(folder: &Path) {
    let hub = eventful().await;
    seal(&hub.hub).await;
    std::fs::create_dir_all(folder).unwrap();
    for row in hub.evidence().await {
        let name = format!("{}.xml", row.event.replace(':', "-"));
        let xml = attest::receipt(&hub.hub, None, &row.evidence_id).await.unwrap().xml;
        std::fs::write(folder.join(name), xml).unwrap();
    }
    let done = deliveries(&hub).await.into_iter().find(|(_, state)| state == "handed_over").unwrap().0;
    std::fs::write(folder.join("capsule.json"), capsule(&hub, "dms.national", &done).await).unwrap();
    std::fs::write(folder.join("hub.pem"), pem(&hub).await).unwrap();
}

#[tokio::test]
async fn the_receipts_among_the_fixtures_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/receipts");
    // Their signatures differ each time: they are written where there are none.
    if std::env::var_os("DOCAXIS_WRITE_FIXTURES").is_some() && !folder.exists() {
        write_fixtures(&folder).await;
    }
    let certificates = Certificate::read_pem(&std::fs::read(folder.join("hub.pem")).unwrap()).unwrap();
    let trust = Trust { certificates, ..Trust::default() };
    let mut held = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|kind| kind != "pem") {
            assert_eq!(flaws(&verify::verify(&std::fs::read(&file).unwrap(), &trust)), [], "{}", file.display());
            held += 1;
        }
    }
    assert_eq!(held, 11);
}

#[tokio::test]
async fn the_answer_to_a_packet_names_its_signed_receipt_which_says_all_and_stays_the_same() {
    let hub = TestHub::start().await;
    let packet = a_document("d1").to(&["X99.B02", "X99.C03"]).bytes();
    let answer = hub.accepted("dms.national", packet.clone()).await;
    let at = hub.now();

    let first = hub.get("dms.national", answer["signed_receipt"].as_str().unwrap()).await;
    hub.after(TimeDelta::days(2));
    let again = hub.get("dms.national", answer["signed_receipt"].as_str().unwrap()).await;
    let envelope = answer["envelope_id"].as_str().unwrap();
    let shown = hub.get("dms.national", &format!("/api/v1/receipts/{envelope}")).await.json;
    let repeated = hub.post("dms.national", packet.clone()).await;

    assert_eq!(first.headers["content-type"], "application/xml");
    assert_eq!(first.body, again.body);
    assert_eq!(repeated.json["signed_receipt"], answer["signed_receipt"]);
    let read = receipt::read(&first.text()).unwrap().receipt;
    let packet_of = read.packet.unwrap();
    assert_eq!((read.signed_at, read.evidence.at, read.hub.as_str()), (at, at, "Docaxis"));
    assert_eq!((packet_of.sha256, packet_of.bytes), (Digest::of(&packet).hex(), u64::try_from(packet.len()).unwrap()));
    assert_eq!((shown["etsi"].as_str(), &shown["packet"]["document_id"]), (Some("A.1"), &"d1".into()));
    assert_eq!(shown["recipients"].as_array().unwrap().len(), 2);
    assert_eq!(shown["certificate"], read.certificate);
    assert!(first.text().contains("<VietnamTime>2026-11-21T09:00:00.000000+07:00</VietnamTime>"));
    let facts: Value = serde_json::from_str(shown["evidence"]["facts"].as_str().unwrap()).unwrap();
    assert_eq!(facts["rules"], docaxis::domain::rules::EDITION);
    assert_eq!(hub.count("SELECT count(*) FROM receipts").await, 1);
}

#[tokio::test]
async fn two_who_ask_at_once_get_the_same_bytes() {
    let hub = TestHub::start().await;
    let answer = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let id = answer["envelope_id"].as_str().unwrap();

    let (one, other) = tokio::join!(signed(&hub, "dms.national", id), signed(&hub, "dms.national", id));

    assert_eq!(one, other);
}

#[tokio::test]
async fn receipts_and_capsules_are_for_parties_only() {
    let hub = TestHub::start().await;
    let answer = hub.accepted("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;
    hub.post("dms.national", b"no packet".to_vec()).await;
    let first = answer["deliveries"][0]["delivery_id"].as_str().unwrap();
    let mut seen = Vec::new();
    for row in hub.evidence().await {
        for system in ["dms.national", "dms.province", "dms.commune"] {
            let answer = hub.get(system, &format!("/api/v1/receipts/{}", row.evidence_id)).await;
            assert!(answer.status == 200 || answer.json["code"] == "not-found", "{}", answer.text());
            if answer.status == 200 {
                seen.push((row.event.clone(), row.agency.clone().unwrap_or_default(), system));
            }
        }
    }

    let expected = [
        // Who else was sent it is the sender's business.
        ("SubmissionAcceptance", "X99.A01", "dms.national"),
        ("ContentConsignment", "X99.B02", "dms.national"),
        ("ContentConsignment", "X99.B02", "dms.province"),
        ("ContentConsignment", "X99.C03", "dms.national"),
        ("ContentConsignment", "X99.C03", "dms.commune"),
        ("SubmissionRejection", "", "dms.national"),
    ];
    assert_eq!(seen, expected.map(|(event, agency, system)| (event.to_owned(), agency.to_owned(), system)));
    let stranger = hub.get("dms.commune", &format!("/api/v1/deliveries/{first}/capsule")).await;
    assert_eq!((stranger.status, &stranger.json["code"]), (404, &"not-found".into()));
    let of_administration = hub.hub.store.read(|tx| docaxis::store::evidence::list_after(tx, "", 1)).await.unwrap();
    let none = hub.get("dms.national", &format!("/api/v1/receipts/{}", of_administration[0].evidence_id)).await;
    assert_eq!(none.status, 404);
}

#[tokio::test]
async fn one_altered_byte_of_a_receipt_is_found_by_xmlsec1_and_by_us() {
    let (hub, folder) = (TestHub::start().await, Folder::new());
    let answer = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let text = signed(&hub, "dms.national", answer["envelope_id"].as_str().unwrap()).await;
    let (trust, hub_pem) = (trust(&hub).await, folder.keep("hub.pem", &pem(&hub).await));

    for (stands, put) in [("X99.A01", "X99.A02"), (">d1<", ">d2<"), ("<Bytes>", "<Bytes>1"), ("consigned", "withdrawn")]
    {
        let altered = text.replacen(stands, put, 1);
        assert_eq!(flaws_of(&altered, &trust), [(Look::Signature, Flaw::Altered)], "{stands}");
        let (holds, said) = xmlsec(&folder.keep("altered.xml", &altered), &hub_pem, hub.now());
        assert!(!holds, "{said}");
    }
    let mut faultless = Vec::new();
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 1;
        if verify::verify(&bytes, &trust).holds() {
            faultless.push(place);
        }
    }
    assert_eq!(faultless, Vec::<usize>::new());
}

/// Signs what a receipt says anew, under another credential.
pub fn signed_anew(text: &str, by: &Credential, change: impl FnOnce(&mut docaxis::domain::receipt::Receipt)) -> String {
    let mut said = receipt::read(text).unwrap().receipt;
    said.certificate.clone_from(&by.certificate.id);
    change(&mut said);
    receipt::write(&said, (by.algorithm(), &[by.certificate.der()]), |message| by.sign(message)).unwrap()
}

pub fn credential(begins_at: DateTime<Utc>, days: i64) -> Credential {
    Credential::read_pem(self_signed("Docaxis", begins_at, TimeDelta::days(days)).unwrap().as_bytes()).unwrap()
}

#[tokio::test]
async fn a_receipt_by_another_key_or_out_of_its_time_does_not_hold() {
    let hub = TestHub::start().await;
    let answer = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let text = signed(&hub, "dms.national", answer["envelope_id"].as_str().unwrap()).await;
    let mut trust = trust(&hub).await;
    let forger = credential(hub.now(), 30);

    let forged = signed_anew(&text, &forger, |_| {});
    assert_eq!(flaws_of(&forged, &trust), [(Look::Certificate, Flaw::Untrusted)]);
    assert_eq!(flaws_of(&text, &Trust::default()), [(Look::Certificate, Flaw::Untrusted)]);

    trust.certificates.push(forger.certificate.clone());
    assert_eq!(flaws_of(&forged, &trust), [], "trust is what whoever verifies gives");
    let late = signed_anew(&text, &forger, |said| said.signed_at += TimeDelta::days(31));
    assert_eq!(flaws_of(&late, &trust), [(Look::Certificate, Flaw::CertificateTime)]);
    let early = signed_anew(&text, &forger, |said| said.signed_at -= TimeDelta::seconds(1));
    assert_eq!(flaws_of(&early, &trust), [(Look::Certificate, Flaw::Early)]);
    let unnamed = signed_anew(&text, &forger, |said| said.certificate = "00".repeat(32));
    assert_eq!(flaws_of(&unnamed, &trust), [(Look::Certificate, Flaw::OtherCertificate)]);
}

/// A certificate authority, and a credential that it issued, made by openssl.
fn issued(folder: &Folder, kind: &[&str]) -> (PathBuf, PathBuf) {
    let path = |name: &str| folder.0.path().join(name).display().to_string();
    let run = |arguments: &[&str]| {
        let ran = Command::new("openssl").args(arguments).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    let authority = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=Test authority"];
    run(&[&authority[..], &["-keyout", &path("ca.key"), "-out", &path("ca.pem")]].concat());
    let request = ["req", "-new", "-nodes", "-subj", "/CN=Hub", "-keyout", &path("hub.key"), "-out", &path("hub.csr")];
    run(&[&request[..], kind].concat());
    let sign = ["x509", "-req", "-days", "900", "-CAcreateserial", "-in", &path("hub.csr"), "-out", &path("hub.crt")];
    let extensions =
        folder.keep("extensions", "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n");
    let extensions = extensions.display().to_string();
    run(&[&sign[..], &["-CA", &path("ca.pem"), "-CAkey", &path("ca.key"), "-extfile", &extensions]].concat());
    let both = std::fs::read_to_string(path("hub.key")).unwrap() + &std::fs::read_to_string(path("hub.crt")).unwrap();
    let file = folder.keep("receipts.pem", &both);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    (file, folder.0.path().join("ca.pem"))
}

#[tokio::test]
async fn certificates_of_an_authority_are_trusted_by_that_of_the_authority_with_rsa_and_on_p256() {
    for kind in [&["-newkey", "rsa:3072"][..], &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]] {
        let folder = Folder::new();
        let (file, authority) = issued(&folder, kind);
        let hub = TestHub::start_with(|config| config.receipts.key_files = file.display().to_string()).await;
        // The authority is of today.
        hub.after(Utc::now() - hub.now() + TimeDelta::minutes(1));
        let answer = hub.accepted("dms.national", a_document("d1").bytes()).await;

        let text = signed(&hub, "dms.national", answer["envelope_id"].as_str().unwrap()).await;

        let certificates = Certificate::read_pem(&std::fs::read(&authority).unwrap()).unwrap();
        assert_eq!(flaws_of(&text, &Trust { certificates, ..Trust::default() }), [], "{kind:?}");
        let (holds, said) = xmlsec(&folder.keep("receipt.xml", &text), &authority, hub.now());
        assert!(holds, "{said}");
    }
}

#[tokio::test]
async fn keys_roll_over_by_themselves_and_old_receipts_stay_as_they_were_and_hold() {
    let folder = Folder::new();
    let start = crate::support::start_of_tests();
    let files = [(0, 40), (30, 365)].map(|(begins, days)| {
        let made = self_signed("Docaxis", start + TimeDelta::days(begins), TimeDelta::days(days)).unwrap();
        let file = folder.keep(&format!("{begins}.pem"), &made);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file.display().to_string()
    });
    let hub = TestHub::start_with(|config| config.receipts.key_files = files.join(", ")).await;
    let ids: Vec<String> = {
        let mut ids = Vec::new();
        for number in 0..2 {
            let answer = hub.accepted("dms.national", a_document(&format!("d{number}")).bytes()).await;
            ids.push(answer["envelope_id"].as_str().unwrap().to_owned());
        }
        ids
    };
    let old = signed(&hub, "dms.national", &ids[0]).await;
    hub.after(TimeDelta::days(31));
    let new = signed(&hub, "dms.national", &ids[1]).await;
    hub.after(TimeDelta::days(60));

    assert_eq!(signed(&hub, "dms.national", &ids[0]).await, old);
    let key = |text: &str| receipt::read(text).unwrap().receipt.certificate;
    assert_ne!(key(&old), key(&new));
    let trust = trust(&hub).await;
    assert_eq!((flaws_of(&old, &trust), flaws_of(&new, &trust)), (Vec::new(), Vec::new()));
    let listed = hub.get("dms.national", "/api/v1/certificates").await.json;
    let listed: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(listed, [key(&old), key(&new)]);
    assert_eq!(hub.count("SELECT count(*) FROM certificates").await, 2, "they stay in the database");
}

#[tokio::test]
async fn without_a_certificate_that_holds_no_receipt_is_signed_and_it_is_said() {
    let hub = TestHub::start_with(|config| config.receipts.self_signed_days = 10).await;
    let answer = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let said = |checks: Vec<health::Check>| {
        let check = checks.into_iter().find(|check| check.name == "certificate").unwrap();
        (check.ok, check.en.is_empty())
    };
    assert_eq!(said(health::readiness(&hub.hub).await), (true, true));
    hub.after(TimeDelta::days(11));

    let refused = hub.get("dms.national", answer["signed_receipt"].as_str().unwrap()).await;

    assert_eq!((refused.status, &refused.json["code"]), (500, &"internal".into()));
    assert_eq!(said(health::readiness(&hub.hub).await), (true, false), "the hub works all the same");
    assert!(health::exposition(&hub.hub).await.unwrap().contains("docaxis_receipt_certificate_left_seconds -86400"));
}

/// The deliveries of a hub, with the state of each.
async fn deliveries(hub: &TestHub) -> Vec<(String, String)> {
    let sent = hub.get("dms.national", "/api/v1/sent?kind=document").await.json;
    let items = sent["items"].as_array().unwrap().clone();
    let word = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    items.iter().map(|item| (word(item, "delivery_id"), word(item, "state"))).collect()
}

#[tokio::test]
async fn the_capsules_of_deliveries_in_every_state_hold_for_sender_and_recipient() {
    let hub = eventful().await;
    let unsealed = deliveries(&hub).await[0].0.clone();
    let before = flaws_of(&capsule(&hub, "dms.national", &unsealed).await, &trust(&hub).await);
    assert!(before.contains(&(Look::Checkpoint, Flaw::Unsealed)), "{before:?}");
    seal(&hub.hub).await;

    let (trust, mut states) = (trust(&hub).await, BTreeSet::new());
    for (delivery, state) in deliveries(&hub).await {
        let text = capsule(&hub, "dms.national", &delivery).await;
        assert_eq!(flaws_of(&text, &trust), [], "{text}");
        let read: Capsule = serde_json::from_str(&text).unwrap();
        assert!(read.evidence.iter().all(|piece| piece.sealed.is_some() && piece.receipt.is_some()));
        let of_recipient = ["dms.province", "dms.commune"].map(|system| (system, delivery.clone()));
        for (system, delivery) in of_recipient {
            let answer = hub.get(system, &format!("/api/v1/deliveries/{delivery}/capsule")).await;
            if answer.status == 200 {
                assert_eq!(flaws_of(&answer.text(), &trust), [], "{}", answer.text());
                let read: Capsule = serde_json::from_str(&answer.text()).unwrap();
                let without = read.evidence.iter().filter(|piece| piece.receipt.is_none());
                assert_eq!(without.count(), 1, "that of the acceptance, which names other recipients");
            }
        }
        states.insert(state);
    }
    assert_eq!(states.into_iter().collect::<Vec<_>>(), ["consigned", "failed", "handed_over", "withdrawn"]);
}

/// A sealed hub with two documents to one agency, and the capsules of both.
async fn two_capsules() -> (TestHub, Vec<Capsule>, Trust) {
    let hub = TestHub::start().await;
    let mut capsules = Vec::new();
    for document in ["d1", "d2"] {
        hub.accepted("dms.national", a_document(document).bytes()).await;
    }
    seal(&hub.hub).await;
    for delivery in hub.waiting("dms.province").await {
        capsules.push(serde_json::from_str(&capsule(&hub, "dms.national", &delivery).await).unwrap());
    }
    let trust = trust(&hub).await;
    (hub, capsules, trust)
}

#[tokio::test]
async fn whatever_is_altered_in_a_capsule_is_named() {
    let (_hub, capsules, trust) = two_capsules().await;
    let (one, other) = (&capsules[0], &capsules[1]);
    let flaws = |change: &dyn Fn(&mut Capsule)| {
        let mut altered = one.clone();
        change(&mut altered);
        flaws_of(&altered.file(), &trust)
    };

    assert_eq!(flaws(&|_| {}), []);
    assert!(flaws(&|it| it.evidence[1] = other.evidence[1].clone()).contains(&(Look::Delivery, Flaw::OtherDelivery)));
    assert!(flaws(&|it| it.evidence[0] = other.evidence[0].clone()).contains(&(Look::Packet, Flaw::OtherPacket)));
    assert_eq!(
        flaws(&|it| it.evidence[1].receipt.clone_from(&other.evidence[1].receipt)),
        [
            (Look::Record, Flaw::OtherRecord),
            (Look::Delivery, Flaw::OtherDelivery),
            (Look::Packet, Flaw::OtherPacket),
            (Look::Words, Flaw::OtherWords),
        ]
    );
    assert_eq!(flaws(&|it| it.sha256.clone_from(&other.sha256)), [(Look::Packet, Flaw::OtherPacket)]);
    assert_eq!(flaws(&|it| it.bytes += 1), [(Look::Packet, Flaw::OtherPacket)]);
    assert!(
        flaws(&|it| it.delivery_id.clone_from(&other.delivery_id)).contains(&(Look::Delivery, Flaw::OtherDelivery))
    );
    let retimed = flaws(&|it| it.evidence[1].record.at += TimeDelta::seconds(1));
    assert_eq!(retimed, [(Look::Record, Flaw::OtherRecord), (Look::Inclusion, Flaw::RecordAltered)]);
    assert_eq!(flaws(&|it| it.evidence[1].sealed = None), [(Look::Inclusion, Flaw::Unsealed)]);
    assert_eq!(flaws(&|it| it.evidence.truncate(0)).len(), 3, "nothing proves nothing");
    let index = flaws(&|it| it.evidence[1].sealed.as_mut().unwrap().index += 1);
    assert_eq!(index, [(Look::Inclusion, Flaw::NotIncluded)]);
    let path = flaws(&|it| drop(it.evidence[1].sealed.as_mut().unwrap().path.pop()));
    assert_eq!(path, [(Look::Inclusion, Flaw::NotIncluded)]);
    let head =
        flaws(&|it| it.checkpoint = it.checkpoint.as_ref().map(|note| note.replacen("/ledger\n", "/ledger\n1", 1)));
    assert!(head.iter().any(|(look, flaw)| *look == Look::Checkpoint && flaw.code() == "head"), "{head:?}");
    let unknown_member = one.file().replacen('{', "{\"more\": 1,", 1);
    assert_eq!(flaws_of(&unknown_member, &trust), [(Look::Form, Flaw::Unreadable)]);
}

#[tokio::test]
async fn a_capsule_whose_bytes_are_flipped_does_not_hold_or_says_the_same() {
    let (_hub, capsules, trust) = two_capsules().await;
    let text = capsules[0].file();
    // Each byte is a verification; every seventh place meets every part of the file.
    for place in (0..text.len()).step_by(7) {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 1;
        if verify::verify(&bytes, &trust).holds() {
            let read: Capsule = serde_json::from_slice(&bytes).unwrap();
            // What the hub says its key is was not believed; another line of a note may differ without a meaning.
            assert_eq!(read.evidence, capsules[0].evidence, "{place}");
            assert_eq!((&read.sha256, &read.delivery_id), (&capsules[0].sha256, &capsules[0].delivery_id));
        }
    }
}

#[tokio::test]
async fn a_capsule_is_only_as_good_as_the_keys_that_whoever_verifies_trusts() {
    let (hub, capsules, trust) = two_capsules().await;
    let mut without: Capsule = capsules[0].clone();
    without.evidence.iter_mut().for_each(|piece| piece.receipt = None);

    let keyless = flaws_of(&without.file(), &trust);
    assert_eq!(keyless[0], (Look::Checkpoint, Flaw::NoLedgerKey), "the key that the capsule names is not believed");
    let key = Key::parse(&without.ledger_key).unwrap();
    let with_key = Trust { ledger_keys: vec![key], ..Trust::default() };
    assert_eq!(flaws_of(&without.file(), &with_key), []);
    let other = Key::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    let wrong = Trust { ledger_keys: vec![other], ..Trust::default() };
    assert!(flaws_of(&without.file(), &wrong).iter().any(|(look, _)| *look == Look::Checkpoint));

    let packet = a_document("d1").bytes();
    let about = |bytes: &[u8]| Trust { packet: Some(Digest::of(bytes)), ..trust.clone() };
    assert_eq!(flaws_of(&capsules[0].file(), &about(&packet)), []);
    assert_eq!(flaws_of(&capsules[0].file(), &about(b"other")), [(Look::Packet, Flaw::OtherPacket)]);
    let receipt = signed(&hub, "dms.national", &capsules[0].envelope_id).await;
    assert_eq!(flaws_of(&receipt, &about(&packet)), []);
    assert_eq!(flaws_of(&receipt, &about(b"other")), [(Look::Packet, Flaw::OtherPacket)]);
}

fn run(hub: &TestHub, arguments: &[&str]) -> Ran {
    hub.program().run(arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_hands_out_receipts_and_verifies_them_without_the_hub() {
    let (hub, capsules, _) = two_capsules().await;
    let folder = Folder::new();
    let path = |name: &str| folder.0.path().join(name).display().to_string();
    let done = |arguments: &[&str]| hub.program().done(arguments);
    folder.keep("hub.pem", &done(&["receipt", "certificates"]));
    folder.keep("receipt.xml", &done(&["receipt", "signed", &capsules[0].envelope_id]));
    folder.keep("capsule.json", &done(&["receipt", "capsule", &capsules[0].delivery_id]));
    std::fs::write(path("packet.edxml"), a_document("d1").bytes()).unwrap();
    let shown: Value = serde_json::from_str(&done(&["receipt", "show", &capsules[0].envelope_id])).unwrap();
    assert_eq!(shown["packet"]["document_id"], "d1");

    let with = ["--trust", &path("hub.pem"), "--packet", &path("packet.edxml")];
    let files = [path("receipt.xml"), path("capsule.json")];
    let holds = run(&hub, &[&["verify", &files[0], &files[1]], &with[..]].concat());
    assert_eq!((holds.code, holds.out.matches("ĐÚNG / holds\n").count()), (0, 2), "{}{}", holds.out, holds.err);
    assert!(holds.out.contains("SubmissionAcceptance · 21/11/2026 09:00 · Docaxis · d1"), "{}", holds.out);

    let untrusted = run(&hub, &["verify", &files[0], "--json"]);
    let told: Value = serde_json::from_str(&untrusted.out).unwrap();
    assert_eq!((untrusted.code, &told["holds"], &told["kind"]), (1, &false.into(), &"receipt".into()));
    assert_eq!(told["steps"][2]["fault"]["code"], "untrusted");
    let altered = std::fs::read_to_string(&files[1]).unwrap().replace(&capsules[0].sha256, &capsules[1].sha256);
    folder.keep("altered.json", &altered);
    let wrong = run(&hub, &[&["verify", &path("altered.json")], &with[..]].concat());
    assert_eq!(wrong.code, 1);
    assert!(wrong.out.contains("KHÔNG ĐÚNG / does not hold"), "{}", wrong.out);
    assert_eq!(run(&hub, &["verify", &path("nothing.xml")]).code, 2);
    assert_eq!(run(&hub, &["verify", &files[0], "--trust", &path("packet.edxml")]).code, 2);
    assert_eq!(run(&hub, &["receipt", "signed", "unknown"]).code, 1);
}

/// What the page for browsers finds, run by Node.js.
pub fn by_page(folder: &Folder, name: &str) -> Vec<(String, String)> {
    let verify = "verify(read(file, 'utf8'), read(pem, 'utf8'), new Uint8Array(read(packet)), witnesses, neighbours)";
    let steps = run_by_page(folder, name, verify);
    let steps = steps.as_array().unwrap().iter();
    assert!(steps.len() > 0, "nothing was looked at");
    let word = |step: &Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
    steps.filter(|step| !step["fault"].is_null()).map(|step| (word(step, "step"), word(step, "fault"))).collect()
}

/// What the page tells its reader beside what it finds.
pub fn notes_of_page(folder: &Folder, name: &str) -> Vec<String> {
    let page = include_str!("../../docs/verify.html");
    let notes = run_by_page(folder, name, "notesOf(read(file, 'utf8'))");
    let notes: Vec<String> = serde_json::from_value(notes).unwrap();
    for note in &notes {
        let words = page.split_once(&format!("\n  {note}: \"")).unwrap().1.split_once('\n').unwrap().0;
        assert!(words.contains(" - "), "in both languages: {words}");
    }
    notes
}

/// What an expression of the page's script comes to.
fn run_by_page(folder: &Folder, name: &str, expression: &str) -> Value {
    let page = include_str!("../../docs/verify.html");
    let script = page.split_once("<script id=\"verifier\">").unwrap().1.split_once("</script>").unwrap().0;
    let run = format!(
        "const {{ readFileSync: read }} = require('fs');\n\
         const [, , file, pem, packet, ...more] = process.argv;\n\
         const [witnesses, neighbours] = more.map((name) => read(name, 'utf8'));\n\
         Promise.resolve({expression}).then((found) => console.log(JSON.stringify(found)));"
    );
    let program = folder.keep("verifier.js", &format!("{script}\n{run}"));
    let path = |name: &str| folder.0.path().join(name);
    let mut command = Command::new("node");
    for name in ["witnesses.txt", "neighbours.pem"] {
        if !path(name).exists() {
            folder.keep(name, "");
        }
    }
    command.arg(program).args([path(name), path("hub.pem"), path("packet.edxml")]);
    command.args([path("witnesses.txt"), path("neighbours.pem")]);
    let output = command.output().expect("Node.js is needed for this test: make readers");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_browsers_finds_what_we_find() {
    let (hub, capsules, trust) = two_capsules().await;
    let served = hub.client.get(hub.url("/verify")).send().await.unwrap().text().await.unwrap();
    assert_eq!(served, include_str!("../../docs/verify.html"));
    let folder = Folder::new();
    let (one, other) = (&capsules[0], &capsules[1]);
    folder.keep("hub.pem", &pem(&hub).await);
    std::fs::write(folder.0.path().join("packet.edxml"), a_document("d1").bytes()).unwrap();
    let changed = |change: &dyn Fn(&mut Capsule)| {
        let mut altered = one.clone();
        change(&mut altered);
        altered.file()
    };
    let receipt = one.evidence[0].receipt.clone().unwrap();
    let forged = signed_anew(&receipt, &credential(hub.now(), 30), |_| {});
    let late = signed_anew(&receipt, &credential(hub.now() - TimeDelta::days(9), 1), |_| {});
    let files = [
        one.file(),
        receipt.clone(),
        other.file(),
        receipt.replace("X99.B02", "X99.B03"),
        forged,
        late,
        changed(&|it| it.evidence[1] = other.evidence[1].clone()),
        changed(&|it| it.evidence[1].receipt.clone_from(&other.evidence[1].receipt)),
        changed(&|it| it.evidence[1].record.facts.push(' ')),
        changed(&|it| it.evidence[1].sealed = None),
        changed(&|it| it.evidence[1].sealed.as_mut().unwrap().index ^= 1),
        changed(&|it| it.checkpoint = it.checkpoint.as_ref().map(|note| note.replacen("/ledger\n", "/ledger\n1", 1))),
        changed(&|it| it.sha256.clone_from(&other.sha256)),
        "{}".to_owned(),
    ];
    for (number, file) in files.iter().enumerate() {
        let name = format!("{number}.json");
        folder.keep(&name, file);
        let about = Trust { packet: Some(Digest::of(&a_document("d1").bytes())), ..trust.clone() };
        let ours = flaws_of(file, &about);
        let theirs = by_page(&folder, &name);
        assert_eq!(theirs.is_empty(), ours.is_empty(), "{number}: {theirs:?} {ours:?}");
        let first = ours.first().map(|(_, flaw)| flaw.code().to_owned());
        assert_eq!(theirs.first().map(|(_, code)| code.clone()), first, "{number}: {theirs:?} {ours:?}");
    }
}
