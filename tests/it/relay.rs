//! Hubs pass packets on to each other: the whole way and back, each over real HTTP; what a neighbour may not do; and what
//! becomes of what waits when a neighbour is away, refuses, or is another one from now on.

use crate::push::shared;
use crate::support::packets::{Packet, a_document, a_status};
use crate::support::robot::{Manner, Robot};
use crate::support::{Answer, System, TestHub, add_system};
use chrono::TimeDelta;
use docaxis::channel::push::Pusher;
use docaxis::channel::signature::Scheme;
use docaxis::config::Config;
use docaxis::domain::directory::{Codes, Column, Entry};
use docaxis::domain::system::Role;
use docaxis::exchange::act::By;
use docaxis::exchange::dispatch::Dispatcher;
use docaxis::exchange::neighbours::{self, KnownBy, NeighbourEntry};
use docaxis::exchange::webhooks::{self, WebhookEntry};
use docaxis::exchange::{directory, endpoints, keys, notify, routes, terms};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::sync::Arc;

/// A hub among others.
pub struct Tier {
    pub name: &'static str,
    pub hub: TestHub,
    pub dispatcher: Arc<Dispatcher>,
}

pub const ONE: &str = "X98.T1.001";
pub const TWO: &str = "X98.T2.001";

impl Tier {
    pub async fn start(name: &'static str, change: impl FnOnce(&mut Config)) -> Self {
        let hub = TestHub::start_with(|config| {
            config.relay.hub_name = name.to_owned();
            config.push.networks = "127.0.0.0/8".to_owned();
            config.push.webhook_networks = "127.0.0.0/8".to_owned();
            config.push.plain_http = true;
            config.push.delays_seconds = "10, 100".to_owned();
            config.push.terms_hours = "1, 1, 1, 1, 2".to_owned();
            change(config);
        });
        let hub = hub.await;
        let dispatcher = Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap());
        Self { name, hub, dispatcher }
    }

    /// An agency here, and its system with a key.
    pub async fn agency(mut self, code: &str, system: &str) -> Self {
        let entry = Entry::about(code).with(Column::Name, "Đơn vị thử nghiệm").with(Column::Mail, "vt@t1.example");
        directory::put_agency(&self.hub.hub, &By::Operator, entry, Codes::Rest).await.unwrap();
        add_system(&self.hub.hub, system, None, vec![code.to_owned()]).await;
        let key = key_of(&self.hub, system).await;
        self.hub.systems.insert(system.to_owned(), key);
        self
    }

    pub async fn leads(&self, prefix: &str, to: &str) {
        routes::set(&self.hub.hub, &By::Operator, prefix, to).await.unwrap();
    }

    async fn reaches(&self, neighbour: &str, url: &str, key: &str) {
        self.knows(neighbour, (url, key), KnownBy::unverified()).await;
    }

    /// The same, where a neighbour is known by more than its key.
    pub async fn knows(&self, neighbour: &str, (url, key): (&str, &str), known_by: KnownBy) {
        add_system(&self.hub.hub, neighbour, Some(Role::Hub), Vec::new()).await;
        let (key, url, neighbour) = (Some(key.to_owned().into()), url.to_owned(), neighbour.to_owned());
        let entry = NeighbourEntry { neighbour, url, key, in_flight_max: None, known_by };
        neighbours::set(&self.hub.hub, &By::Operator, entry).await.unwrap();
    }

    /// The only delivery of an envelope, as its sender sees it.
    pub async fn delivery(&self, system: &str, receipt: &Value) -> Value {
        self.hub.view(system, &receipt["envelope_id"]).await["deliveries"][0].clone()
    }

    /// What happened to a document: events without their prefix, and the hub of each.
    async fn timeline(&self, system: &str, id: &str) -> Vec<(String, String)> {
        let answer = self.hub.get(system, &format!("/api/v1/envelopes/{id}/timeline")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = |one: &Value, name: &str| one[name].as_str().unwrap().replace("docaxis:", "");
        answer.json["items"].as_array().unwrap().iter().map(|one| (text(one, "event"), text(one, "hub"))).collect()
    }
}

pub async fn key_of(hub: &TestHub, system: &str) -> System {
    let key = keys::add_key(&hub.hub, &By::Operator, system, None).await.unwrap();
    System { id: system.to_owned(), key_id: key.key_id, secret: key.secret.expose_secret().to_owned() }
}

/// Each knows the other and has a key of it.
pub async fn join(a: &mut Tier, b: &mut Tier) {
    let names = (a.name, b.name);
    for (here, there) in [(&mut *a, names.1), (&mut *b, names.0)] {
        add_system(&here.hub.hub, there, Some(Role::Hub), Vec::new()).await;
        let key = key_of(&here.hub, there).await;
        here.hub.systems.insert(there.to_owned(), key);
    }
    a.reaches(b.name, &b.hub.url("/"), &b.hub.system(a.name).bearer()).await;
    b.reaches(a.name, &a.hub.url("/"), &a.hub.system(b.name).bearer()).await;
}

/// Two provinces behind the nation.
async fn tiers() -> [Tier; 3] {
    let mut one = Tier::start("tinh-1", |_| {}).await.agency(ONE, "dms.t1").await;
    let mut nation = Tier::start("quoc-gia", |_| {}).await;
    let mut two = Tier::start("tinh-2", |_| {}).await.agency(TWO, "dms.t2").await;
    join(&mut one, &mut nation).await;
    join(&mut nation, &mut two).await;
    one.leads("*", nation.name).await;
    two.leads("X98", nation.name).await;
    nation.leads("X98.T1", one.name).await;
    nation.leads("X98.T2", two.name).await;
    [one, nation, two]
}

/// Rounds on every hub until nothing moves.
pub async fn travel(tiers: &[Tier]) {
    for _ in 0..20 {
        let mut moved = 0;
        for tier in tiers {
            moved += tier.dispatcher.drain().await.unwrap();
        }
        if moved == 0 {
            return;
        }
    }
    panic!("something travels for ever");
}

pub fn letter(id: &str) -> Packet {
    a_document(id).from(ONE).to(&[TWO])
}

/// What a neighbour says beside a packet.
pub const HOPS: &str = "tinh-1;2026-11-21T08:59:00+07:00, quoc-gia;2026-11-21T08:59:30+07:00";

/// Posts a packet as a neighbour does.
pub async fn bring(hub: &TestHub, key: &System, packet: Vec<u8>, (hops, id, to): (&str, &str, &str)) -> Answer {
    let request = hub.client.post(hub.url("/api/v1/envelopes")).bearer_auth(key.bearer()).body(packet);
    let request = [("docaxis-hops", hops), ("docaxis-delivery", id), ("docaxis-recipient", to)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .fold(request, |request, (name, value)| request.header(name, value));
    Answer::of(request.send().await.unwrap()).await
}

pub async fn tell(hub: &TestHub, key: &System, event: &Value) -> Answer {
    let request = hub.client.post(hub.url("/api/v1/relay/events")).bearer_auth(key.bearer()).json(event);
    Answer::of(request.send().await.unwrap()).await
}

pub fn an_event(kind: &str, delivery: &Value, evidence: &str) -> Value {
    json!({
        "type": kind, "evidence_id": evidence, "delivery_id": delivery, "at": "2026-11-21T09:00:00+07:00", "note": "",
    })
}

#[tokio::test]
async fn a_document_travels_over_the_nation_and_all_that_happens_to_it_comes_back() {
    let tiers = tiers().await;
    let [one, nation, two] = &tiers;
    let packet = letter("d1").attachment(vec![7; 300_000]).bytes();

    let receipt = one.hub.accepted("dms.t1", packet.clone()).await;
    assert_eq!(one.delivery("dms.t1", &receipt).await["via"], "quoc-gia");
    travel(&tiers).await;

    let delivery = one.delivery("dms.t1", &receipt).await;
    assert_eq!((&delivery["state"], &delivery["recipient"]), (&json!("consigned"), &json!(TWO)));
    let [waiting] = two.hub.waiting("dms.t2").await.try_into().unwrap();
    assert!(two.hub.fetch("dms.t2", &waiting).await.body == packet, "byte for byte");
    two.hub.confirm("dms.t2", &waiting, "done").await;
    two.hub.accepted("dms.t2", a_status(TWO, (ONE, "d1"), "03", "2026/11/21 09:30:00")).await;
    travel(&tiers).await;

    assert_eq!(one.delivery("dms.t1", &receipt).await["state"], "handed_over");
    let view = one.hub.view("dms.t1", &receipt["envelope_id"]).await;
    assert_eq!((&view["statuses"][0]["status_code"], &view["statuses"][0]["reporter"]), (&json!("03"), &json!(TWO)));
    let told = |events: &[(&str, &str)]| -> Vec<(String, String)> {
        events.iter().map(|(event, hub)| ((*event).to_owned(), (*hub).to_owned())).collect()
    };
    let at_the_sender = one.timeline("dms.t1", receipt["envelope_id"].as_str().unwrap()).await;
    assert_eq!(
        at_the_sender.iter().filter(|(event, _)| event != "StatusReported").cloned().collect::<Vec<_>>(),
        told(&[
            ("SubmissionAcceptance", "tinh-1"),
            ("RelayAcceptance", "tinh-1"),
            ("RelayAcceptance", "quoc-gia"),
            ("ContentConsignment", "tinh-2"),
            ("ContentFetched", "tinh-2"),
            ("ContentHandover", "tinh-2"),
        ])
    );
    assert!(at_the_sender.contains(&("StatusReported".to_owned(), "tinh-1".to_owned())));
    assert_eq!(
        two.timeline("dms.t2", &waiting).await,
        told(&[
            ("SubmissionAcceptance", "tinh-2"),
            ("RelayAcceptance", "tinh-1"),
            ("RelayAcceptance", "quoc-gia"),
            ("ContentConsignment", "tinh-2"),
            ("ContentFetched", "tinh-2"),
            ("ContentHandover", "tinh-2"),
            ("StatusReported", "tinh-2"),
        ])
    );
    // The report arrived as a packet; that it was taken is told back to the hub of the clerks who reported.
    let [report] = one.hub.waiting("dms.t1").await.try_into().unwrap();
    one.hub.fetch("dms.t1", &report).await;
    one.hub.confirm("dms.t1", &report, "done").await;
    travel(&tiers).await;
    for tier in &tiers {
        let open = "SELECT count(*) FROM deliveries WHERE state <> 'handed_over'";
        assert_eq!(tier.hub.count(open).await, 0, "{}", tier.name);
        assert_eq!(tier.hub.count("SELECT count(*) FROM deliveries").await, 2, "{}", tier.name);
    }
    assert_eq!(nation.hub.count("SELECT count(*) FROM pushes").await, 0);
}

#[tokio::test]
async fn what_a_neighbour_says_beside_a_packet_is_judged() {
    let tiers = tiers().await;
    let [one, _, two] = &tiers;
    let nation = two.hub.system("quoc-gia");
    let packet = letter("d1").bytes();
    let time = "2026-11-21T08:59:00+07:00";
    let of = |hubs: &[&str]| hubs.iter().map(|hub| format!("{hub};{time}")).collect::<Vec<_>>().join(", ");
    let many = of(&["a", "b", "c", "d", "e", "f", "g", "h", "quoc-gia"]);
    for (said, code) in [
        ((HOPS, "e1", ""), "M.Relay.Head"),
        (("", "e1", TWO), "M.Relay.Head"),
        ((HOPS, "", TWO), "M.Relay.Head"),
        (("quoc-gia", "e1", TWO), "M.Relay.Head"),
        ((&*of(&["tinh-1"]), "e1", TWO), "M.Relay.Head"),
        ((&*of(&["tinh-1", "TINH-2", "quoc-gia"]), "e1", TWO), "M.Relay.Loop"),
        ((&*many, "e1", TWO), "R.Relay.Hops"),
        ((HOPS, "e1", "X98.T2.999"), "M.Relay.Recipient"),
        ((HOPS, "e1", "X99.B02"), "M.Relay.Recipient"),
    ] {
        let answer = bring(&two.hub, nation, packet.clone(), said).await;
        assert_eq!((answer.status, answer.codes()), (422, vec![code.to_owned()]), "{said:?}: {}", answer.text());
    }
    // A way back to a hub that had it.
    let astray = a_document("d2").from(ONE).to(&["X98.T3.001"]).bytes();
    let answer = bring(&two.hub, nation, astray, (HOPS, "e2", "X98.T3.001")).await;
    assert_eq!((answer.status, answer.codes()), (422, vec!["M.Relay.Loop".to_owned()]));
    // Nobody sends for who is not behind it: not for an agency of this hub, nor of another neighbour or of nobody.
    for from in [TWO, "X99.B02", "X97.A"] {
        let forged = a_document("d3").from(from).to(&[TWO]).bytes();
        let answer = bring(&two.hub, nation, forged, (HOPS, "e3", TWO)).await;
        assert_eq!((answer.status, answer.codes()), (403, vec!["M.MessageHeader.From.NotHeld".to_owned()]), "{from}");
    }
    // What an agency's system says of hops is nothing.
    let own = bring(&one.hub, one.hub.system("dms.t1"), packet, ("tinh-1", "e1", "X99.A01")).await;
    assert_eq!(own.status, 201, "{}", own.text());
    assert_eq!(two.hub.count("SELECT count(*) FROM deliveries").await, 0);
}

#[tokio::test]
async fn only_the_recipient_that_is_meant_gets_it_and_a_lost_answer_doubles_nothing() {
    let tiers = tiers().await;
    let two = &tiers[2];
    let nation = two.hub.system("quoc-gia");
    let packet = a_document("d1").from(ONE).to(&["X99.B02", TWO, "X98.T9.001"]).bytes();

    for status in [201, 200, 200] {
        assert_eq!(bring(&two.hub, nation, packet.clone(), (HOPS, "e1", TWO)).await.status, status);
    }
    assert_eq!(two.hub.waiting("dms.t2").await.len(), 1);
    assert_eq!(two.hub.waiting("dms.province").await.len(), 0, "somebody else's, or another push");

    assert_eq!(bring(&two.hub, nation, packet, (HOPS, "e2", "000.00.02.x99")).await.status, 201, "by an alias");
    assert_eq!(two.hub.waiting("dms.province").await.len(), 1);
    assert_eq!(two.hub.waiting("dms.t2").await.len(), 1);
    assert_eq!(two.hub.count("SELECT count(*) FROM announcements").await, 2, "each is told back by its own name");
}

#[tokio::test]
async fn a_neighbour_that_is_away_or_refuses_the_key_gets_it_when_it_is_back() {
    let tier = Tier::start("tinh-1", |_| {}).await.agency(ONE, "dms.t1").await;
    let mut robot = Robot::start(vec![Manner::status(503), Manner::status(401), Manner::status(404)]);
    let url = robot.url();
    tier.reaches("quoc-gia", url.trim_end_matches("/in"), "khoa.bi-mat").await;
    tier.leads("*", "quoc-gia").await;
    let packet = letter("d1").bytes();
    let receipt = tier.hub.accepted("dms.t1", packet.clone()).await;
    for _ in 0..4 {
        assert_eq!(tier.delivery("dms.t1", &receipt).await["state"], "pending");
        tier.dispatcher.drain().await.unwrap();
        tier.hub.after(TimeDelta::minutes(2));
    }

    assert_eq!(tier.delivery("dms.t1", &receipt).await["state"], "consigned");
    let delivery = &receipt["deliveries"][0]["delivery_id"];
    for attempt in ["1", "2", "3", "4"] {
        let pushed = robot.next().await;
        assert!(pushed.body == packet);
        let header = |name: &str| pushed.headers.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!(header("authorization"), "Bearer khoa.bi-mat");
        assert_eq!(header("docaxis-hops"), "tinh-1;2026-11-21T09:00:00.000000+07:00");
        assert_eq!([header("docaxis-delivery"), header("docaxis-recipient")], [delivery.as_str().unwrap(), TWO]);
        assert_eq!([header("docaxis-attempt"), header("webhook-signature")], [attempt, ""]);
    }
    assert_eq!(tier.hub.count("SELECT count(*) FROM attempts WHERE outcome = 'later'").await, 3);
}

#[tokio::test]
async fn what_a_neighbour_refuses_has_failed_and_its_sender_is_told_why() {
    let mut tiers = tiers().await;
    let mut ear = Robot::start(Vec::new());
    let mailing = Tier::start("tinh-1", |config| config.mail.server = "127.0.0.1:1".to_owned());
    tiers[0] = mailing.await.agency(ONE, "dms.t1").await;
    let [one, nation, _] = &mut tiers;
    join(one, nation).await;
    one.leads("X98", "quoc-gia").await;
    let entry = WebhookEntry { url: ear.url(), events: Vec::new(), in_flight_max: None, scheme: Scheme::Hmac };
    shared(webhooks::set(&one.hub.hub, &By::Operator, "dms.t1", entry).await.unwrap().unwrap());
    let receipt = one.hub.accepted("dms.t1", a_document("d1").from(ONE).to(&["X98.T9.001"]).bytes()).await;

    travel(&tiers).await;

    let one = &tiers[0];
    assert_eq!(one.delivery("dms.t1", &receipt).await["state"], "failed");
    let event: Value = serde_json::from_slice(&ear.next().await.body).unwrap();
    assert_eq!((&event["type"], &event["data"]["state"]), (&json!("delivery.refused"), &json!("failed")));
    assert!(event["data"]["note"].as_str().unwrap().contains("M.MessageHeader.To.Unknown: Nơi nhận"), "{event}");
    one.hub.after(TimeDelta::minutes(11));
    notify::look(&one.hub.hub).await.unwrap();
    assert_eq!(one.hub.count("SELECT count(*) FROM mails WHERE once LIKE 'undelivered:%'").await, 1);
    let failed = one.hub.program().run(&["queue", "failed", "X98.T9.001", "--json"]);
    assert!(failed.out.contains("M.MessageHeader.To.Unknown"), "{}{}", failed.out, failed.err);
}

#[tokio::test]
async fn what_fails_beyond_has_failed_here_too() {
    let tiers = tiers().await;
    let [one, _, two] = &tiers;
    let receipt = one.hub.accepted("dms.t1", letter("d1").bytes()).await;
    travel(&tiers).await;
    two.hub.after(TimeDelta::days(365));

    assert_eq!(terms::give_up_unfetched(&two.hub.hub).await.unwrap(), 1);
    travel(&tiers).await;

    for tier in &tiers {
        assert_eq!(tier.hub.count("SELECT count(*) FROM deliveries WHERE state = 'failed'").await, 1, "{}", tier.name);
    }
    let timeline = one.timeline("dms.t1", receipt["envelope_id"].as_str().unwrap()).await;
    assert_eq!(timeline.last().unwrap(), &("ContentConsignmentFailure".to_owned(), "tinh-2".to_owned()));
}

#[tokio::test]
async fn a_recall_takes_back_what_has_not_left_and_follows_what_has() {
    let tiers = tiers().await;
    let [one, _, two] = &tiers;
    one.hub.accepted("dms.t1", letter("d1").bytes()).await;
    let early = one.hub.accepted("dms.t1", letter("r1").recalling("d1").bytes()).await;
    assert_eq!(early["deliveries"][0]["outcome"], "withdrawn");
    travel(&tiers).await;
    assert_eq!(two.hub.waiting("dms.t2").await.len(), 0);

    let late = one.hub.accepted("dms.t1", letter("d2").bytes()).await;
    travel(&tiers).await;
    let recall = one.hub.accepted("dms.t1", letter("r2").recalling("d2").bytes()).await;
    travel(&tiers).await;

    assert_eq!(two.hub.waiting("dms.t2").await.len(), 0, "nobody had fetched it");
    let delivery = one.delivery("dms.t1", &late).await;
    assert_eq!((&delivery["state"], &delivery["recall"]), (&json!("withdrawn"), &json!("agreed")));
    assert_eq!(one.delivery("dms.t1", &recall).await["state"], "withdrawn", "nobody there has to look at it");
    let view = one.hub.view("dms.t1", &late["envelope_id"]).await;
    assert_eq!(view["statuses"][0]["status_code"], "15", "the hub that withdrew it answers");

    let fetched = one.hub.accepted("dms.t1", letter("d3").bytes()).await;
    travel(&tiers).await;
    let [waiting] = two.hub.waiting("dms.t2").await.try_into().unwrap();
    two.hub.fetch("dms.t2", &waiting).await;
    one.hub.accepted("dms.t1", letter("r3").recalling("d3").bytes()).await;
    travel(&tiers).await;
    assert_eq!(one.delivery("dms.t1", &fetched).await["recall"], "requested");
    assert_eq!(two.hub.waiting("dms.t2").await.len(), 2, "the document and the request");
}

#[tokio::test]
async fn an_update_reaches_who_joins_behind_a_neighbour() {
    let tiers = tiers().await;
    let [one, _, two] = &tiers;
    one.hub.accepted("dms.t1", a_document("d1").from(ONE).to(&["X99.B02"]).bytes()).await;

    one.hub.accepted("dms.t1", a_document("u1").from(ONE).to(&["X99.B02"]).updating("d1", &[TWO], &[]).bytes()).await;
    travel(&tiers).await;

    assert_eq!(two.hub.waiting("dms.t2").await.len(), 1);
}

#[tokio::test]
async fn an_event_moves_what_its_teller_has_and_once() {
    let tiers = tiers().await;
    let [one, nation, _] = &tiers;
    let receipt = one.hub.accepted("dms.t1", letter("d1").bytes()).await;
    let delivery = receipt["deliveries"][0]["delivery_id"].clone();
    let local = one.hub.accepted("dms.t1", a_document("d2").from(ONE).to(&["X99.B02"]).bytes()).await;
    let other = key_of(&one.hub, "dms.t1").await;
    add_system(&one.hub.hub, "truc-la", Some(Role::Hub), Vec::new()).await;
    let stranger = key_of(&one.hub, "truc-la").await;
    let teller = one.hub.system("quoc-gia").clone();
    let done = an_event("delivery.handed_over", &delivery, "v1");
    assert_eq!(tell(&one.hub, &other, &done).await.status, 403, "no neighbour");
    assert_eq!(tell(&one.hub, &stranger, &done).await.status, 404, "another's delivery");
    assert_eq!(tell(&one.hub, &System { secret: "x".to_owned(), ..teller.clone() }, &done).await.status, 401);
    let of_local = an_event("delivery.handed_over", &local["deliveries"][0]["delivery_id"], "v1");
    assert_eq!(tell(&one.hub, &teller, &of_local).await.status, 404, "it never left this hub");
    for wrong in [
        an_event("status.reported", &delivery, "v1"),
        an_event("delivery.lost", &delivery, "v1"),
        json!({ "type": "delivery.failed" }),
        an_event("delivery.failed", &delivery, &"v".repeat(65)),
    ] {
        assert_eq!(tell(&one.hub, &teller, &wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(
        one.hub.events(delivery.as_str().unwrap()).await,
        Vec::<String>::new(),
        "nothing of this was taken down"
    );

    // It has the packet, and its answer was lost: there is no need to bring it again.
    for _ in 0..3 {
        let answer = tell(&one.hub, &teller, &done).await;
        assert_eq!((answer.status, &answer.json["state"]), (200, &json!("handed_over")));
    }
    let failed = tell(&one.hub, &teller, &an_event("delivery.failed", &delivery, "v2")).await;
    assert_eq!(failed.json["state"], "handed_over", "what was handed over does not fail");
    assert_eq!(one.dispatcher.drain().await.unwrap(), 0);
    let events = one.hub.events(delivery.as_str().unwrap()).await;
    assert_eq!(events.iter().filter(|event| *event == "ContentHandover").count(), 1);
    assert_eq!(nation.hub.count("SELECT count(*) FROM envelopes").await, 0);
}

#[tokio::test]
async fn a_packet_whose_bearer_died_on_the_way_arrives_once() {
    let tiers = tiers().await;
    let [one, nation, two] = &tiers;
    let packet = letter("d1").bytes();
    let receipt = one.hub.accepted("dms.t1", packet.clone()).await;
    let delivery = receipt["deliveries"][0]["delivery_id"].as_str().unwrap();
    // The nation took it, and nobody was left here to note it.
    let hops = "tinh-1;2026-11-21T09:00:00.000000+07:00";
    assert_eq!(bring(&nation.hub, nation.hub.system("tinh-1"), packet, (hops, delivery, TWO)).await.status, 201);

    travel(&tiers).await;

    assert_eq!(one.delivery("dms.t1", &receipt).await["state"], "consigned");
    assert_eq!(two.hub.waiting("dms.t2").await.len(), 1);
    assert_eq!(nation.hub.count("SELECT count(*) FROM envelopes").await, 1);
}

#[tokio::test]
async fn what_waits_follows_a_changed_route_and_stays_when_it_is_removed() {
    let tier = Tier::start("tinh-1", |_| {}).await.agency(ONE, "dms.t1").await;
    let mut second = Robot::start(Vec::new());
    // Nobody listens there: nothing of the packet can have left.
    tier.reaches("truc-a", "http://127.0.0.1:9", "a.a").await;
    tier.reaches("truc-b", second.url().trim_end_matches("/in"), "b.b").await;
    tier.leads("X98", "truc-a").await;
    let receipt = tier.hub.accepted("dms.t1", letter("d1").bytes()).await;
    tier.dispatcher.drain().await.unwrap();
    let gone = neighbours::remove(&tier.hub.hub, &By::Operator, "truc-a").await.unwrap_err();
    assert!(gone.to_string().contains("routes lead there"), "{gone}");

    assert_eq!(routes::set(&tier.hub.hub, &By::Operator, "x98.t2", "truc-b").await.unwrap(), 1);
    routes::remove(&tier.hub.hub, &By::Operator, "X98").await.unwrap();
    assert_eq!(tier.delivery("dms.t1", &receipt).await["via"], "truc-b");
    routes::remove(&tier.hub.hub, &By::Operator, "X98.T2").await.unwrap();
    assert!(neighbours::remove(&tier.hub.hub, &By::Operator, "truc-b").await.is_err(), "something waits");
    let refused = tier.hub.post("dms.t1", letter("d2").bytes()).await;
    assert_eq!(refused.codes(), ["M.MessageHeader.To.Unknown"], "nobody is behind a removed route");
    tier.hub.after(TimeDelta::minutes(1));
    tier.dispatcher.drain().await.unwrap();

    assert_eq!(tier.delivery("dms.t1", &receipt).await["state"], "consigned");
    assert_eq!(second.taken().len(), 1);
    for neighbour in ["truc-a", "truc-b"] {
        neighbours::remove(&tier.hub.hub, &By::Operator, neighbour).await.unwrap();
    }
    assert!(endpoints::list(&tier.hub.hub).await.unwrap().is_empty());
    assert!(routes::remove(&tier.hub.hub, &By::Operator, "X98").await.is_err());
}

#[tokio::test]
async fn who_is_here_is_not_behind_a_neighbour_and_who_left_is() {
    let tiers = tiers().await;
    let one = &tiers[0];
    one.leads("X99.B02", "quoc-gia").await;
    let packet = |id: &str| a_document(id).from(ONE).to(&["X99.B02"]).bytes();
    assert_eq!(one.hub.accepted("dms.t1", packet("d1")).await["deliveries"][0]["outcome"], "consigned");

    for agency in ["X99.B02", "X99.E05"] {
        docaxis::exchange::systems::release(&one.hub.hub, &By::Operator, "dms.province", agency).await.unwrap();
    }

    let foretold = one.hub.check("dms.t1", packet("d2")).await;
    assert_eq!(foretold.json["deliveries"][0]["outcome"], "pending");
    assert_eq!(one.hub.accepted("dms.t1", packet("d2")).await["deliveries"][0]["outcome"], "pending");
}

#[tokio::test]
async fn neighbours_and_routes_are_administered_by_both_doors() {
    let mut tier = Tier::start("tinh-1", |_| {}).await;
    add_system(&tier.hub.hub, "office", Some(Role::Administration), Vec::new()).await;
    let office = key_of(&tier.hub, "office").await;
    tier.hub.systems.insert("office".to_owned(), office.clone());
    let ask = async |method: &str, path: &str, body: Value| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = tier.hub.client.request(method, tier.hub.url(&format!("/api/v1/admin/{path}")));
        let request = if body.is_null() { request } else { request.json(&body) };
        Answer::of(request.bearer_auth(office.bearer()).send().await.unwrap()).await
    };
    let said = json!({ "url": "http://127.0.0.1:9/", "key": "k.s", "unverified": true });
    assert_eq!(ask("PUT", "neighbours/truc-a", said.clone()).await.status, 404, "its system is made first");
    let made = ask("PUT", "systems/truc-a", json!({ "name": "Trục A", "role": "hub" })).await;
    assert_eq!(made.json["role"], "hub", "{}", made.text());
    assert_eq!(ask("PUT", "systems/truc-a", json!({ "name": "A", "agencies": ["X99.A01"] })).await.status, 403);
    for wrong in [
        json!({ "url": "http://127.0.0.1:9", "unverified": true }),
        json!({ "url": "http://127.0.0.1:9", "key": "without a point", "unverified": true }),
        json!({ "url": "ftp://127.0.0.1", "key": "k.s", "unverified": true }),
        json!({ "url": "http://127.0.0.1:9/?a=b", "key": "k.s", "unverified": true }),
        json!({ "url": "http://127.0.0.1:9", "key": "k.s" }),
        json!({ "url": "http://127.0.0.1:9", "key": "k.s", "certificates": "no PEM" }),
        json!({ "url": "http://127.0.0.1:9", "key": "k.s", "unverified": true, "ledger_key": "no key" }),
    ] {
        assert_eq!(ask("PUT", "neighbours/truc-a", wrong.clone()).await.status, 400, "{wrong}");
    }
    let set = ask("PUT", "neighbours/truc-a", said).await;
    assert_eq!((set.status, &set.json["kind"], &set.json["url"]), (200, &json!("relay"), &json!("http://127.0.0.1:9")));
    let anew = ask("PUT", "neighbours/truc-a", json!({ "url": "http://127.0.0.1:8" })).await;
    assert_eq!(anew.status, 200, "the key stays: {}", anew.text());
    assert_eq!(ask("PUT", "routes/X98", json!({ "neighbour": "dms.national" })).await.status, 404);
    assert_eq!(ask("PUT", "routes/X98..", json!({ "neighbour": "truc-a" })).await.status, 400);
    let route = ask("PUT", "routes/x98", json!({ "neighbour": "truc-a" })).await;
    assert_eq!(route.json["moved"], 0, "{}", route.text());
    assert_eq!(
        ask("GET", "routes", Value::Null).await.json["items"],
        json!([{ "prefix": "X98", "neighbour": "truc-a" }])
    );
    assert_eq!(ask("DELETE", "neighbours/truc-a", Value::Null).await.status, 409);
    assert_eq!(
        ask("POST", "endpoints/relay:truc-a/pause", json!({ "reason": "bảo trì" })).await.json["state"],
        "paused"
    );

    let program = tier.hub.program();
    assert!(program.run(&["route", "list"]).out.contains("X98  truc-a"));
    assert!(program.run(&["neighbour", "list"]).out.contains("relay:truc-a  paused"));
    assert_eq!(program.run(&["route", "set", "*", "truc-a"]).code, 0);
    assert_eq!(program.run(&["neighbour", "remove", "truc-a"]).code, 1);
    assert_eq!(program.run(&["route", "remove", "*"]).code, 0);
    let key_file = tier.hub.directory.join("key.txt");
    std::fs::write(&key_file, "other.key\n").unwrap();
    // The name of this hub is a setting of it.
    let named = tier.hub.program().with("DOCAXIS__RELAY__HUB_NAME", "tinh-1").with("DOCAXIS__PUSH__PLAIN_HTTP", "true");
    let named = named.with("DOCAXIS__PUSH__NETWORKS", "127.0.0.0/8");
    let ran =
        named.run(&["neighbour", "set", "truc-a", "http://127.0.0.1:7", "--key-file", key_file.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(ask("DELETE", "routes/X98", Value::Null).await.json["state"], "removed");
    assert_eq!(ask("DELETE", "neighbours/truc-a", Value::Null).await.status, 200);
    assert_eq!(ask("DELETE", "neighbours/truc-a", Value::Null).await.status, 404);
    let acts = "SELECT count(*) FROM evidence WHERE event IN ('docaxis:RouteChanged', 'docaxis:EndpointChanged')";
    assert_eq!(tier.hub.count(acts).await, 9, "each act once");
}
