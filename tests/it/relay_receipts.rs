//! A neighbour is believed by its signed receipt only: it is fetched, verified and kept, stands in the timeline and proves the
//! delivery in its capsule; whatever else a neighbour answers leaves the packet in line.

use crate::ledger::seal;
use crate::receipts::{Folder, by_page, capsule, credential, flaws_of, pem, signed, signed_anew, trust};
use crate::relay::{HOPS, ONE, TWO, Tier, an_event, bring, key_of, letter, tell, travel};
use crate::support::stand_in::{StandIn, answer};
use crate::support::{System, add_system};
use chrono::TimeDelta;
use docaxis::channel::push::Pusher;
use docaxis::domain::packet::Digest;
use docaxis::domain::system::Role;
use docaxis::exchange::capsule::Capsule;
use docaxis::exchange::neighbours::KnownBy;
use docaxis::exchange::verify::{Flaw, Look, Trust};
use docaxis::exchange::{attest, cosign, prove};
use serde_json::{Value, json};

/// What a hub gives its neighbours.
async fn known_by(tier: &Tier) -> KnownBy {
    let ledger = prove::view(&tier.hub.hub).await.unwrap();
    let (ledger_key, witness_key) = (Some(ledger.key), Some(ledger.witness_key));
    KnownBy { ledger_key, witness_key, certificates: Some(pem(&tier.hub).await), is_unverified: false }
}

/// Two hubs that know each other by everything.
async fn pair() -> [Tier; 2] {
    let name = |name: &'static str| move |config: &mut docaxis::config::Config| config.ledger.name = name.to_owned();
    let mut one = Tier::start("tinh-1", name("one.example/ledger")).await.agency(ONE, "dms.t1").await;
    let mut two = Tier::start("tinh-2", name("two.example/ledger")).await.agency(TWO, "dms.t2").await;
    for (here, there) in [(&mut one, "tinh-2"), (&mut two, "tinh-1")] {
        add_system(&here.hub.hub, there, Some(Role::Hub), Vec::new()).await;
        let key = key_of(&here.hub, there).await;
        here.hub.systems.insert(there.to_owned(), key);
    }
    one.knows("tinh-2", (&*two.hub.url(""), &*two.hub.system("tinh-1").bearer()), known_by(&two).await).await;
    two.knows("tinh-1", (&*one.hub.url(""), &*one.hub.system("tinh-2").bearer()), known_by(&one).await).await;
    one.leads("*", "tinh-2").await;
    two.leads("X98.T1", "tinh-1").await;
    [one, two]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_of_a_neighbour_is_kept_shown_and_verified_with_the_delivery() {
    let tiers = pair().await;
    let [one, two] = &tiers;
    let accepted = one.hub.accepted("dms.t1", letter("d1").bytes()).await;
    travel(&tiers).await;

    let delivery = one.delivery("dms.t1", &accepted).await;
    assert_eq!(delivery["state"], "consigned");
    let timeline = format!("/api/v1/envelopes/{}/timeline", accepted["envelope_id"].as_str().unwrap());
    let items = one.hub.get("dms.t1", &timeline).await.json["items"].as_array().unwrap().clone();
    let passed_on = items.iter().find(|item| item["event"] == "RelayAcceptance").unwrap();
    seal(&one.hub.hub).await;
    let file = capsule(&one.hub, "dms.t1", delivery["delivery_id"].as_str().unwrap()).await;
    let read: Capsule = serde_json::from_str(&file).unwrap();
    let kept: Vec<&String> = read.evidence.iter().filter_map(|piece| piece.neighbour_receipt.as_ref()).collect();
    assert_eq!(kept.len(), 1, "{file}");
    assert_eq!(passed_on["neighbour_receipt"], Digest::of(kept[0].as_bytes()).hex());
    assert_eq!(flaws_of(kept[0], &trust(&two.hub).await), [], "the neighbour's own");

    let own = trust(&one.hub).await;
    let unknown = [(Look::Certificate, Flaw::UntrustedNeighbour)];
    assert_eq!(flaws_of(&file, &own), unknown, "its certificate is wanted too");
    let both = Trust { neighbours: trust(&two.hub).await.certificates, ..own };
    let changed = |change: &dyn Fn(&mut Capsule)| {
        let mut altered = read.clone();
        altered.evidence.iter_mut().for_each(|piece| {
            if piece.neighbour_receipt.is_some() {
                piece.neighbour_receipt = None
            }
        });
        change(&mut altered);
        altered.file()
    };
    let without = changed(&|_| {});
    let former = changed(&|it| it.form = "docaxis-capsule/1".to_owned());
    let other =
        changed(&|it| it.evidence.iter_mut().for_each(|piece| piece.neighbour_receipt.clone_from(&piece.receipt)));
    let folder = Folder::new();
    folder.keep("hub.pem", &pem(&one.hub).await);
    folder.keep("neighbours.pem", &pem(&two.hub).await);
    std::fs::write(folder.0.path().join("packet.edxml"), letter("d1").bytes()).unwrap();
    let wrong = [(Look::Neighbour, Flaw::OtherNeighbourReceipt)];
    let each = vec![wrong[0]; read.evidence.len()];
    for (name, text, expected) in [
        ("whole.json", &file, &[][..]),
        ("without.json", &without, &wrong[..]),
        ("other.json", &other, &each[..]),
        ("former.json", &former, &wrong[..]),
    ] {
        assert_eq!(flaws_of(text, &both), expected, "{name}");
        folder.keep(name, text);
        let theirs = by_page(&folder, name);
        let codes: Vec<&str> = expected.iter().map(|(_, flaw)| flaw.code()).collect();
        assert_eq!(theirs.iter().map(|(_, code)| code.as_str()).collect::<Vec<_>>(), codes, "{name}");
    }
    let mixed = file.replacen("docaxis-capsule/2", "docaxis-capsule/1", 1);
    assert_eq!(flaws_of(&mixed, &both), [(Look::Form, Flaw::Unreadable)], "a form has its own members only");
}

/// A capsule of the first hub of two with the receipt of its neighbour, and what of it the second hub has.
async fn passed_on() -> ([Tier; 2], Capsule, String) {
    let tiers = pair().await;
    let [one, two] = &tiers;
    let accepted = one.hub.accepted("dms.t1", letter("d1").bytes()).await;
    travel(&tiers).await;
    seal(&one.hub.hub).await;
    seal(&two.hub.hub).await;
    let delivery = one.delivery("dms.t1", &accepted).await;
    let file = capsule(&one.hub, "dms.t1", delivery["delivery_id"].as_str().unwrap()).await;
    let waiting = two.hub.waiting("dms.t2").await.remove(0);
    let of_neighbour = capsule(&two.hub, "dms.t2", &waiting).await;
    (tiers, serde_json::from_str(&file).unwrap(), of_neighbour)
}

/// The capsule whose record names another text as the receipt of the neighbour, as who writes it can have it sealed.
fn naming(whole: &Capsule, receipt: &str) -> String {
    let mut altered = whole.clone();
    let piece = altered.evidence.iter_mut().find(|piece| piece.neighbour_receipt.is_some()).unwrap();
    let named = Digest::of(piece.neighbour_receipt.as_ref().unwrap().as_bytes()).hex();
    piece.record.facts = piece.record.facts.replace(&named, &Digest::of(receipt.as_bytes()).hex());
    piece.neighbour_receipt = Some(receipt.to_owned());
    altered.file()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_is_trusted_for_its_receipt_only_and_the_hub_itself_is_no_neighbour() {
    let ([one, two], whole, of_neighbour) = passed_on().await;
    let neighbours = trust(&two.hub).await;
    let both = Trust { neighbours: neighbours.certificates.clone(), ..trust(&one.hub).await };
    assert_eq!(flaws_of(&whole.file(), &both), []);

    let forged = flaws_of(&of_neighbour, &both);
    assert_eq!(flaws_of(&of_neighbour, &neighbours), [], "it holds for who trusts that hub");
    assert!(forged.contains(&(Look::Certificate, Flaw::Untrusted)), "{forged:?}");
    assert!(forged.contains(&(Look::Checkpoint, Flaw::NoLedgerKey)), "its ledger is not this hub's: {forged:?}");
    let accepted = whole.evidence.iter().find_map(|piece| piece.receipt.clone()).unwrap();
    let consigned = two.hub.evidence().await.into_iter().find(|row| row.event == "ContentConsignment").unwrap();
    let consigned = attest::receipt(&two.hub.hub, None, &consigned.evidence_id).await.unwrap().xml;
    let folder = Folder::new();
    folder.keep("hub.pem", &pem(&one.hub).await);
    folder.keep("neighbours.pem", &pem(&two.hub).await);
    std::fs::write(folder.0.path().join("packet.edxml"), letter("d1").bytes()).unwrap();
    for (receipt, expected) in [
        (&accepted, (Look::Certificate, Flaw::UntrustedNeighbour)),
        (&consigned, (Look::Neighbour, Flaw::NoAcceptance)),
    ] {
        let text = naming(&whole, receipt);
        let ours = flaws_of(&text, &both);
        assert!(ours.contains(&expected), "{ours:?}");
        folder.keep("named.json", &text);
        let theirs = by_page(&folder, "named.json");
        let (looked_at, code) = (expected.0.words().0, expected.1.code());
        assert!(theirs.iter().any(|(step, fault)| (step.as_str(), fault.as_str()) == (looked_at, code)), "{theirs:?}");
    }
    let path = |name: &str| folder.0.path().join(name).to_str().unwrap().to_owned();
    folder.keep("whole.json", &whole.file());
    let (file, hub, neighbour) = (path("whole.json"), path("hub.pem"), path("neighbours.pem"));
    let wanting = one.hub.program().run(&["verify", &file, "--trust", &hub]);
    assert!(wanting.code == 1 && wanting.out.contains("--neighbour"), "{}", wanting.out);
    let mixed = one.hub.program().run(&["verify", &file, "--trust", &hub, "--trust", &neighbour]);
    assert_eq!(mixed.code, 1, "{}", mixed.out);
    assert_eq!(one.hub.program().run(&["verify", &file, "--trust", &hub, "--neighbour", &neighbour]).code, 0);
}

#[tokio::test]
async fn neighbours_cosign_each_others_ledgers() {
    let tiers = pair().await;
    for (here, there) in [(0, 1), (1, 0)] {
        let (here, there) = (&tiers[here], &tiers[there]);
        seal(&here.hub.hub).await;
        let pusher = Pusher::new(&here.hub.hub.config.push).unwrap();
        assert_eq!(cosign::round(&here.hub.hub, &pusher).await.unwrap(), 1, "{}", here.name);
        let watched = there.hub.count("SELECT count(*) FROM watched_ledgers WHERE tree_size > 0").await;
        assert_eq!(watched, 1, "{}", there.name);
    }
    let program = tiers[0].hub.program().with("DOCAXIS__RELAY__HUB_NAME", "tinh-1");
    let said = program.done(&["neighbour", "list"]);
    assert!(said.contains("cosigns as two.example/ledger/witness+") && said.contains("receipts verified by"), "{said}");
}

/// A hub whose neighbour answers from a script, and what a real hub said of the same packet: its answer and its receipt.
struct Scripted {
    one: Tier,
    two: Tier,
    nation: System,
    packet: Vec<u8>,
    answer: Value,
    receipt: String,
}

async fn scripted() -> Scripted {
    let one = Tier::start("tinh-1", |_| {}).await.agency(ONE, "dms.t1").await;
    let two = Tier::start("tinh-2", |_| {}).await.agency(TWO, "dms.t2").await;
    add_system(&two.hub.hub, "quoc-gia", Some(Role::Hub), Vec::new()).await;
    let mut two = two;
    let nation = key_of(&two.hub, "quoc-gia").await;
    two.hub.systems.insert("quoc-gia".to_owned(), nation.clone());
    two.knows("quoc-gia", ("http://127.0.0.1:9", "k.s"), KnownBy::unverified()).await;
    two.leads("X98.T1", "quoc-gia").await;
    let packet = letter("d1").bytes();
    let answer = bring(&two.hub, &nation, packet.clone(), (HOPS, "e1", TWO)).await.json;
    let receipt = signed(&two.hub, "quoc-gia", answer["envelope_id"].as_str().unwrap()).await;
    Scripted { one, two, nation, packet, answer, receipt }
}

#[tokio::test]
async fn a_neighbours_word_without_a_receipt_that_holds_leaves_the_packet_in_line() {
    let Scripted { one, two, nation, packet, answer: said, receipt } = scripted().await;
    let another = bring(&two.hub, &nation, letter("d2").bytes(), (HOPS, "e2", TWO)).await.json;
    let another = signed(&two.hub, "quoc-gia", another["envelope_id"].as_str().unwrap()).await;
    let forged = signed_anew(&receipt, &credential(two.hub.now(), 30), |_| {});
    let renamed = signed(&two.hub, "quoc-gia", said["envelope_id"].as_str().unwrap()).await;
    assert_eq!(renamed, receipt, "who brought it gets it, the same bytes each time");
    let taken = answer(201, "Content-Type: application/json\r\n", said.to_string().as_bytes());
    let other_envelope = json!({ "envelope_id": "0190a5b0c1d27e3f8a4b5c6d7e8f9a0c" }).to_string();
    let gives = |xml: &str| answer(200, "Content-Type: application/xml\r\n", xml.as_bytes());
    let of_packet = "its receipt is of another packet";
    let script: Vec<(Vec<Vec<u8>>, &str)> = vec![
        (vec![answer(201, "", b"{}")], "its answer names no envelope"),
        (vec![answer(201, "", b"{\"envelope_id\": \"../../x\"}")], "its answer names no envelope"),
        (vec![taken.clone(), answer(404, "", b"")], "it does not hand its receipt out"),
        (vec![taken.clone(), gives("<Receipt >")], "neither a receipt"),
        (vec![taken.clone(), gives(&another)], "another packet"),
        (vec![taken.clone(), gives(&receipt.replacen(TWO, ONE, 1))], "altered"),
        (vec![taken.clone(), gives(&forged)], "nobody who is trusted"),
        (vec![answer(201, "", other_envelope.as_bytes()), gives(&receipt)], of_packet),
        (vec![taken, gives(&receipt)], ""),
    ];
    let (answers, expected): (Vec<Vec<Vec<u8>>>, Vec<&str>) = script.into_iter().unzip();
    let neighbour = StandIn::with(answers.concat());
    let known_by = KnownBy { certificates: Some(pem(&two.hub).await), ..KnownBy::default() };
    one.knows("quoc-gia", (&neighbour.url, "khoa.bi-mat"), known_by).await;
    one.leads("*", "quoc-gia").await;
    let accepted = one.hub.accepted("dms.t1", packet).await;
    for why in expected {
        assert_eq!(one.delivery("dms.t1", &accepted).await["state"], "pending", "{why}");
        one.dispatcher.drain().await.unwrap();
        let attempts =
            "SELECT count(*) FROM attempts WHERE reason LIKE '%without a receipt that holds%' AND reason LIKE ";
        let found = one.hub.count(&format!("{attempts}'%{why}%'")).await;
        assert!(why.is_empty() || found > 0, "{why}");
        one.hub.after(TimeDelta::seconds(101));
    }

    assert_eq!(one.delivery("dms.t1", &accepted).await["state"], "consigned");
    assert_eq!(one.hub.count("SELECT count(*) FROM attempts WHERE outcome = 'later'").await, 8);
    assert_eq!(one.hub.count("SELECT count(*) FROM neighbour_receipts").await, 1);
    let asked = neighbour.asked();
    let path = format!("GET /api/v1/receipts/{}/signed", said["envelope_id"].as_str().unwrap());
    assert!(asked.iter().any(|one| one.line == path && one.head.contains("Bearer khoa.bi-mat")));
}

#[tokio::test]
async fn what_a_neighbour_tells_of_a_packet_waits_for_its_receipt() {
    let Scripted { mut one, two, packet, answer: said, receipt, .. } = scripted().await;
    let neighbour = StandIn::with(vec![
        answer(201, "", said.to_string().as_bytes()),
        answer(503, "", b""),
        answer(200, "", said.to_string().as_bytes()),
        answer(200, "", receipt.as_bytes()),
    ]);
    let known_by = KnownBy { certificates: Some(pem(&two.hub).await), ..KnownBy::default() };
    one.knows("quoc-gia", (&neighbour.url, "k.s"), known_by).await;
    let key = key_of(&one.hub, "quoc-gia").await;
    one.hub.systems.insert("quoc-gia".to_owned(), key.clone());
    one.leads("*", "quoc-gia").await;
    let accepted = one.hub.accepted("dms.t1", packet).await;
    let event = an_event("delivery.handed_over", &accepted["deliveries"][0]["delivery_id"], "ev1");
    one.dispatcher.drain().await.unwrap();

    let early = tell(&one.hub, &key, &event).await;
    assert_eq!((early.status, &early.json["code"]), (409, &"step-refused".into()), "{}", early.text());
    assert_eq!(one.delivery("dms.t1", &accepted).await["state"], "pending");
    one.hub.after(TimeDelta::seconds(11));
    one.dispatcher.drain().await.unwrap();
    assert_eq!(tell(&one.hub, &key, &event).await.status, 200);
    assert_eq!(one.delivery("dms.t1", &accepted).await["state"], "handed_over");
    neighbour.asked();
}

#[tokio::test]
async fn receipts_are_for_who_brought_the_packet_and_unverified_neighbours_are_told_of() {
    let Scripted { mut two, answer: said, .. } = scripted().await;
    let path = format!("/api/v1/receipts/{}/signed", said["envelope_id"].as_str().unwrap());
    add_system(&two.hub.hub, "tinh-3", Some(Role::Hub), Vec::new()).await;
    let key = key_of(&two.hub, "tinh-3").await;
    two.hub.systems.insert("tinh-3".to_owned(), key);
    assert_eq!(two.hub.get("quoc-gia", &path).await.status, 200);
    assert_eq!(two.hub.get("tinh-3", &path).await.status, 404);
    assert_eq!(attest::certificates(&two.hub.hub).await.unwrap().len(), 1);

    let told = two.hub.program().run(&["doctor", "--json"]);
    assert!(told.out.contains("neighbour.unverified"), "{}", told.out);
    let trusting = Trust { certificates: Vec::new(), ..Trust::default() };
    assert_eq!(
        flaws_of(&signed(&two.hub, "quoc-gia", said["envelope_id"].as_str().unwrap()).await, &trusting),
        [(Look::Certificate, Flaw::Untrusted)]
    );
}

#[tokio::test]
async fn a_packet_that_the_neighbour_had_from_somebody_else_is_believed_without_a_receipt() {
    let Scripted { one, two, packet, answer: said, .. } = scripted().await;
    let body = said.to_string();
    let neighbour = StandIn::with(vec![
        answer(201, "", body.as_bytes()),
        answer(404, "", b""),
        answer(200, "", body.as_bytes()),
        answer(404, "", b""),
    ]);
    let known_by = KnownBy { certificates: Some(pem(&two.hub).await), ..KnownBy::default() };
    one.knows("quoc-gia", (&neighbour.url, "k.s"), known_by).await;
    one.leads("*", "quoc-gia").await;
    let accepted = one.hub.accepted("dms.t1", packet).await;

    one.dispatcher.drain().await.unwrap();
    assert_eq!(one.delivery("dms.t1", &accepted).await["state"], "pending", "it took it from us, and has no receipt");
    one.hub.after(TimeDelta::seconds(101));
    one.dispatcher.drain().await.unwrap();

    assert_eq!(one.delivery("dms.t1", &accepted).await["state"], "consigned");
    assert_eq!(one.hub.count("SELECT count(*) FROM neighbour_receipts").await, 0);
    assert_eq!(one.hub.count("SELECT count(*) FROM evidence WHERE facts LIKE '%receipt_sha256%'").await, 0);
    neighbour.asked();
}
