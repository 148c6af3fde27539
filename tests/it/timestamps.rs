//! Time-stamps: an authority (OpenSSL's) stamps heads of the ledger; capsules and archives carry the tokens and verify without
//! anybody; whatever else an authority answers is not kept, told, and holds nothing up.

use crate::archives::{bytes_of, made, members, of_the_day, written};
use crate::ledger::{leave, seal};
use crate::receipts::{Folder, by_page, capsule, flaws_of, notes_of_page, pem, trust};
use crate::support::packets::a_document;
use crate::support::stand_in::{StandIn, answer};
use crate::support::{Answer, TestHub};
use chrono::{DateTime, TimeDelta, Utc};
use docaxis::channel::push::Pusher;
use docaxis::exchange::act::By;
use docaxis::exchange::capsule::Capsule;
use docaxis::exchange::stamp::{self, TimestampFile, Turn};
use docaxis::exchange::verify::{self, Flaw, Look, Trust};
use docaxis::exchange::{archive, health, seal as sealing};
use docaxis::hub::Hub;
use docaxis::signer::certificate::Certificate;
use docaxis::signer::timestamp::{Query, TokenFault};
use docaxis::store::witnesses::{self, WitnessRow};
use futures_util::future::join;
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// What an authority does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Right,
    /// Stamps another digest.
    OtherImprint,
    /// Answers another number.
    OtherNonce,
    /// Stamps under its own policy, whatever was asked for.
    OtherPolicy,
    /// Gives its last answer once more.
    Replays,
    /// Has a key whose certificate had ended.
    Expired,
    /// Answers nothing.
    Silent,
    /// Answers more than anybody reads.
    Endless,
    Garbage,
    Broken,
}

/// A time-stamp authority: OpenSSL behind HTTP.
struct Authority {
    folder: Arc<tempfile::TempDir>,
    manner: Arc<Mutex<Manner>>,
    url: String,
}

/// Where the digest stands in a request, and where, from its end, the last byte of the number.
const IMPRINT: usize = 24;
const NONCE_END: usize = 4;

fn keep(folder: &Path, name: &str, text: &str) -> PathBuf {
    std::fs::write(folder.join(name), text).unwrap();
    folder.join(name)
}

/// Keys and certificates: of an authority, of whom it lets stamp, and of one whose time is over.
fn certificates(folder: &Path) {
    let named = |name: &str| {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        (parameters.not_before, parameters.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2120, 1, 1));
        parameters
    };
    let mut of_authority = named("Time authority");
    of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority = of_authority.self_signed(&authority_key).unwrap();
    keep(folder, "ca.pem", &authority.pem());
    let issuer = Issuer::from_params(&of_authority, &authority_key);
    // extendedKeyUsage: timeStamping, critical.
    let usage = [&[0x30, 10, 6, 8][..], &[0x2b, 6, 1, 5, 5, 7, 3, 8]].concat();
    for (name, until) in [("tsa", 2120), ("expired", 2021)] {
        let mut of_stamper = named(name);
        of_stamper.not_after = date_time_ymd(until, 1, 1);
        let mut only_time = CustomExtension::from_oid_content(&[2, 5, 29, 37], usage.clone());
        only_time.set_criticality(true);
        of_stamper.custom_extensions.push(only_time);
        let key = KeyPair::generate().unwrap();
        let certificate = of_stamper.signed_by(&key, &issuer).unwrap();
        keep(folder, &format!("{name}.pem"), &certificate.pem());
        keep(folder, &format!("{name}.key"), &key.serialize_pem());
    }
    let settings = "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\ndefault_policy = 1.2.3.4.1\nother_policies = 1.2.3.4.5\n\
                    digests = sha256\naccuracy = secs:1\nordering = yes\ntsa_name = yes\ness_cert_id_alg = sha256\nsigner_digest = sha256\n";
    keep(folder, "tsa.cnf", settings);
}

/// What OpenSSL answers a request.
fn reply(folder: &Path, query: &[u8], signer: &str) -> Vec<u8> {
    std::fs::write(folder.join("query.tsq"), query).unwrap();
    let (certificate, key) = (format!("{signer}.pem"), format!("{signer}.key"));
    let mut command = Command::new("openssl");
    command.args(["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr"]);
    command.args(["-signer", &certificate, "-inkey", &key, "-chain", "ca.pem"]).current_dir(folder);
    let output = command.output().expect("openssl is needed for this test: make readers");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(folder.join("reply.tsr")).unwrap()
}

impl Authority {
    fn start() -> Self {
        let (folder, manner) = (Arc::new(tempfile::tempdir().unwrap()), Arc::new(Mutex::new(Manner::Right)));
        certificates(folder.path());
        let (own, does, last) = (folder.clone(), manner.clone(), Mutex::new(Vec::new()));
        let url = StandIn::answering(move |asked| {
            let (mut query, mut signer) = (asked.body.clone(), "tsa");
            let end = query.len() - NONCE_END;
            match *does.lock().unwrap() {
                Manner::Right => {}
                Manner::OtherImprint => query[IMPRINT] ^= 1,
                Manner::OtherNonce => query[end] ^= 1,
                Manner::OtherPolicy => {
                    let nonce = u64::from_be_bytes(query[end - 7..=end].try_into().unwrap());
                    let imprint = query[IMPRINT..IMPRINT + 32].to_vec();
                    query = Query { imprint: &imprint, nonce, policy: "" }.der().unwrap();
                }
                Manner::Replays => return Some(answer(200, "", &last.lock().unwrap())),
                Manner::Expired => signer = "expired",
                Manner::Silent => return None,
                Manner::Endless => return Some(answer(200, "", &vec![0x30; 1 << 20])),
                Manner::Garbage => return Some(answer(200, "", b"<html>no time-stamp</html>")),
                Manner::Broken => return Some(answer(503, "", b"")),
            }
            let reply = reply(own.path(), &query, signer);
            last.lock().unwrap().clone_from(&reply);
            Some(answer(200, "Content-Type: application/timestamp-reply\r\n", &reply))
        });
        Self { folder, manner, url }
    }

    fn does(&self, manner: Manner) -> &Self {
        *self.manner.lock().unwrap() = manner;
        self
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn trusted(&self) -> Vec<Certificate> {
        Certificate::read_pem(&std::fs::read(self.ca()).unwrap()).unwrap()
    }

    /// A hub that asks it, and whose clock shows the time that it is: that is what an authority stamps.
    async fn hub(&self) -> TestHub {
        let hub = self.hub_of_before().await;
        hub.after(Utc::now() - hub.now());
        hub
    }

    /// A hub that asks it, at the time at which tests begin.
    async fn hub_of_before(&self) -> TestHub {
        let (url, file) = (self.url.clone(), self.ca());
        TestHub::start_with(move |config| {
            config.push.networks = "127.0.0.0/8".to_owned();
            config.receipts.self_signed_days = 36_500;
            config.timestamp.urls = url;
            config.timestamp.authorities_file = file;
            config.timestamp.timeout_seconds = 1;
            config.timestamp.clock_seconds = 3600;
        })
        .await
    }
}

/// Has the newest head stamped when it is time.
async fn round(hub: &Hub) -> usize {
    stamp::round(hub, &Pusher::new(&hub.config.push).unwrap()).await.unwrap()
}

async fn trouble(hub: &Hub) -> String {
    stamp::standing(hub).await.unwrap().unwrap().trouble
}

fn trusting(authority: &Authority, trust: Trust) -> Trust {
    Trust { authorities: authority.trusted(), ..trust }
}

/// The first element of DER, altered in its middle.
fn altered(file: &str) -> String {
    let mut capsule: Capsule = serde_json::from_str(file).unwrap();
    let token = capsule.timestamp.take().unwrap();
    let (begin, end) = token.split_at(token.len() - 24);
    let sign = if end.starts_with('A') { "B" } else { "A" };
    capsule.timestamp = Some(format!("{begin}{sign}{}", &end[1..]));
    capsule.file()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_stamped_once_and_capsules_carry_the_token_for_whoever_trusts_the_authority() {
    let authority = Authority::start();
    let hub = authority.hub().await;
    assert_eq!(round(&hub.hub).await, 0, "nothing is sealed yet");
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    seal(&hub.hub).await;
    let delivery = hub.waiting("dms.province").await[0].clone();
    let before = capsule(&hub, "dms.national", &delivery).await;
    assert_eq!(round(&hub.hub).await, 1);
    assert_eq!(round(&hub.hub).await, 0, "nothing is new");
    leave(&hub, 3).await;
    seal(&hub.hub).await;
    assert_eq!(round(&hub.hub).await, 0, "it is not time yet");
    hub.after(TimeDelta::minutes(11));
    assert_eq!(round(&hub.hub).await, 1);

    // The first stamped head with all of it: its time is the nearest to what happened.
    let file = capsule(&hub, "dms.national", &delivery).await;
    let read: Capsule = serde_json::from_str(&file).unwrap();
    assert_eq!(read.form, "docaxis-capsule/3");
    let own = trust(&hub).await;
    let both = trusting(&authority, own.clone());
    let report = verify::verify(file.as_bytes(), &both);
    assert!(report.holds(), "{report:?}");
    assert!(
        report.tells.iter().any(|line| line.starts_with("dấu thời gian / time-stamp: ") && line.contains("CN=tsa"))
    );
    let unasked = verify::verify(file.as_bytes(), &own);
    assert!(unasked.holds() && unasked.tells.iter().any(|line| line.contains("chưa kiểm tra")), "{unasked:?}");
    let stranger = Authority::start();
    let flaw = |fault| vec![(Look::Timestamp, Flaw::Timestamp(fault))];
    assert_eq!(flaws_of(&file, &trusting(&stranger, own.clone())), flaw(TokenFault::Untrusted));
    assert_eq!(flaws_of(&altered(&file), &both), flaw(TokenFault::Signature));
    assert_eq!(flaws_of(&before, &both), [(Look::Timestamp, Flaw::NotStamped)]);
    assert_eq!(flaws_of(&before, &own), [], "one of before still holds");
    let later =
        stamp::file(&hub.hub, read.checkpoint.as_ref().unwrap().lines().nth(1).unwrap().parse::<u64>().unwrap() + 1);
    let swapped = Capsule { timestamp: Some(later.await.unwrap().timestamp), ..read.clone() }.file();
    assert_eq!(flaws_of(&swapped, &both), flaw(TokenFault::Imprint));
    let renamed = file.replacen("docaxis-capsule/3", "docaxis-capsule/2", 1);
    assert_eq!(flaws_of(&renamed, &both), [(Look::Form, Flaw::Unreadable)]);

    let folder = Folder::new();
    let path = |name: &str| folder.0.path().join(name).to_str().unwrap().to_owned();
    folder.keep("hub.pem", &pem(&hub).await);
    std::fs::write(path("packet.edxml"), a_document("d1").bytes()).unwrap();
    for (name, text, code) in
        [("one.json", &file, 0), ("altered.json", &altered(&file), 1), ("before.json", &before, 1)]
    {
        folder.keep(name, text);
        let authority = authority.ca().to_str().unwrap().to_owned();
        let arguments = ["verify", &path(name), "--trust", &path("hub.pem"), "--timestamp-authority", &authority];
        assert_eq!(hub.program().run(&arguments).code, code, "{name}");
        assert_eq!(by_page(&folder, name), [], "a browser does not verify it");
        let told = if text == &before { Vec::new() } else { vec!["timestamp".to_owned()] };
        assert_eq!(notes_of_page(&folder, name), told, "and says so");
    }
    // Another tool says the same of the token.
    let token = hub.program().done(&["timestamp", "show", "1"]);
    let token: TimestampFile = serde_json::from_str(&token).unwrap();
    assert_eq!(Some(&token.timestamp), read.timestamp.as_ref());
    std::fs::write(path("head.txt"), token.checkpoint.split_inclusive('\n').take(3).collect::<String>()).unwrap();
    std::fs::write(path("token.tst"), decoded(&token.timestamp)).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["ts", "-verify", "-token_in", "-in", &path("token.tst"), "-data", &path("head.txt"), "-CAfile"]);
    let said = openssl.arg(authority.ca()).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_to_whoever_asks() {
    let authority = Authority::start();
    let hub = authority.hub().await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    seal(&hub.hub).await;
    let open = async |path: &str| Answer::of(hub.client.get(hub.url(path)).send().await.unwrap()).await;
    assert_eq!(open("/ledger/timestamps/1").await.status, 404);
    // A node that took the turn died: nobody asks until its lease is over.
    let row = WitnessRow::new(stamp::ASKED, hub.now());
    let until = hub.now() + TimeDelta::minutes(1);
    let claimed = hub.hub.store.write(move |tx| {
        witnesses::introduce(tx, &row)?;
        witnesses::claim(tx, &row, until)
    });
    assert!(claimed.await.unwrap());
    assert_eq!(round(&hub.hub).await, 0);
    hub.after(TimeDelta::minutes(1));
    // Two nodes at once: one asks.
    let (pusher, other) = (Pusher::new(&hub.hub.config.push).unwrap(), hub.another_node());
    let (one, two) = join(stamp::round(&hub.hub, &pusher), stamp::round(&other, &pusher)).await;
    assert_eq!(one.unwrap() + two.unwrap(), 1);

    let shown = open("/ledger/timestamps/1").await;
    let file: TimestampFile = serde_json::from_slice(&shown.body).unwrap();
    assert_eq!(
        (shown.status, open("/ledger/timestamps/100").await.status, open("/ledger/timestamps/x").await.status),
        (200, 404, 404)
    );
    let key = sealing::keys(&hub.hub)[0].clone();
    let both = Trust { ledger_keys: vec![key], authorities: authority.trusted(), ..Trust::default() };
    let report = verify::verify(&shown.body, &both);
    assert!(report.holds() && report.kind.word() == "timestamp", "{report:?}");
    let without_key = Trust { ledger_keys: Vec::new(), ..both };
    assert_eq!(flaws_of(&shown.text(), &without_key), [(Look::Checkpoint, Flaw::NoLedgerKey)]);
    let ledger = hub.get("dms.national", "/api/v1/ledger").await.json;
    assert_eq!(ledger["stamped_size"].to_string(), file.checkpoint.lines().nth(1).unwrap());
    let stamped_at = DateTime::parse_from_rfc3339(ledger["stamped_at"].as_str().unwrap()).unwrap();
    assert!((stamped_at.to_utc() - hub.now()).abs() < TimeDelta::minutes(10), "{stamped_at}");
    let accepted = hub.evidence().await.into_iter().find(|row| row.event == "SubmissionAcceptance").unwrap();
    let evidence = accepted.evidence_id;
    let proof = hub.get("dms.national", &format!("/api/v1/evidence/{evidence}/proof")).await.json;
    assert_eq!(
        (&proof["timestamp"], &proof["sealed"]["checkpoint"]),
        (&file.timestamp.into(), &file.checkpoint.into())
    );
    let listed = hub.program().done(&["timestamp", "list"]);
    assert!(listed.contains("CN=tsa"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_else_an_authority_answers_is_not_kept_and_is_told() {
    let authority = Authority::start();
    let hub = authority.hub().await;
    leave(&hub, 2).await;
    seal(&hub.hub).await;
    assert_eq!(round(&hub.hub).await, 1, "so that there is an answer to be given once more");
    leave(&hub, 2).await;
    seal(&hub.hub).await;

    let wrong = [
        (Manner::OtherImprint, "it is of something else"),
        (Manner::OtherNonce, "it answers another request (nonce)"),
        (Manner::Replays, "it answers another request (nonce)"),
        (Manner::Replays, "it is of something else"),
        (Manner::Expired, "did not hold at the time"),
        (Manner::Silent, "no answer in time"),
        (Manner::Endless, "longer than push.answer_bytes_max"),
        (Manner::Garbage, "no answer of a time-stamp authority"),
        (Manner::Broken, "it gives none (Other(503))"),
    ];
    for (manner, why) in wrong {
        if why == "it is of something else" && manner == Manner::Replays {
            leave(&hub, 1).await;
            seal(&hub.hub).await;
        }
        hub.after(TimeDelta::minutes(1));
        authority.does(manner);
        let Turn::Later(said) = stamp::now(&hub.hub).await.unwrap() else { panic!("{manner:?} was kept") };
        assert!(said.contains(why) && said == trouble(&hub.hub).await, "{manner:?}: {said}");
    }
    assert_eq!(hub.count("SELECT count(*) FROM timestamps").await, 1);
    let row = stamp::standing(&hub.hub).await.unwrap().unwrap();
    assert!(row.due_at() > hub.now(), "{row:?}");

    // Everything else goes on; after long it is told, and then it is well again.
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    let said = |checks: Vec<health::Check>| checks.into_iter().find(|check| check.name == "timestamps").unwrap();
    assert_eq!(said(health::readiness(&hub.hub).await).en, "");
    hub.after(TimeDelta::hours(2));
    let late = said(health::readiness(&hub.hub).await);
    assert!(late.ok && late.en.contains("not been stamped"), "{late:?}");
    let metrics = health::exposition(&hub.hub).await.unwrap();
    assert!(metrics.contains("docaxis_timestamps_late 1"), "{metrics}");
    authority.does(Manner::Right);
    let Turn::Later(apart) = stamp::now(&hub.hub).await.unwrap() else { panic!("the clocks differ") };
    assert!(apart.contains("its clock and that of this hub differ by -7"), "{apart}");
    hub.after(Utc::now() - hub.now());
    assert!(matches!(stamp::now(&hub.hub).await.unwrap(), Turn::Stamped(_)));
    assert_eq!(said(health::readiness(&hub.hub).await).en, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_configured_authority_and_policy_count_and_the_next_address_is_tried() {
    let (authority, stranger) = (Authority::start(), Authority::start());
    let hub = authority.hub().await;
    leave(&hub, 2).await;
    seal(&hub.hub).await;
    let with = |change: &dyn Fn(&mut docaxis::config::Config)| {
        let mut config = (*hub.hub.config).clone();
        change(&mut config);
        hub.hub.put_in_force(config);
        let mut own = hub.hub.clone();
        own.refresh();
        own
    };
    let why = async |own: &Hub| match stamp::now(own).await.unwrap() {
        Turn::Later(why) => why,
        other @ (Turn::Rest | Turn::Stamped(_)) => panic!("{other:?}"),
    };

    let untrusted = with(&|config| config.timestamp.authorities_file = stranger.ca());
    assert!(why(&untrusted).await.contains("nobody who is trusted"));
    let missing = with(&|config| config.timestamp.authorities_file = "/nowhere/ca.pem".into());
    assert!(why(&missing).await.contains("timestamp.authorities_file cannot be read"));
    let unknown = with(&|config| config.timestamp.policy = "1.2.3.4.9".to_owned());
    assert!(why(&unknown).await.contains("it refuses (status 2)"));
    authority.does(Manner::OtherPolicy);
    let wanted = with(&|config| config.timestamp.policy = "1.2.3.4.5".to_owned());
    assert_eq!(why(&wanted).await.split_once(": ").unwrap().1, "its policy is 1.2.3.4.1");
    authority.does(Manner::Right);
    assert!(matches!(stamp::now(&wanted).await.unwrap(), Turn::Stamped(_)));

    leave(&hub, 2).await;
    seal(&hub.hub).await;
    let (first, second) = (stranger.url.clone(), authority.url.clone());
    let two = with(&|config| config.timestamp.urls = format!("{first}, {second}"));
    assert!(matches!(stamp::now(&two).await.unwrap(), Turn::Stamped(_)), "the first is a stranger");
    let nobody = with(&|config| config.timestamp.urls = String::new());
    assert_eq!((stamp::now(&nobody).await.unwrap(), stamp::standing(&nobody).await.unwrap()), (Turn::Rest, None));
    // Only what a hub may call is called.
    let far = with(&|config| config.timestamp.urls = "http://169.254.169.254/".to_owned());
    leave(&hub, 1).await;
    seal(&hub.hub).await;
    assert!(why(&far).await.contains("its address is not called"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_has_the_time_stamp_of_the_head_that_cuts_it_off() {
    let authority = Authority::start();
    let hub = authority.hub_of_before().await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    seal(&hub.hub).await;
    hub.after(Utc::now() - hub.now());
    seal(&hub.hub).await;
    let unstamped = bytes_of(&hub, of_the_day()).await;
    seal(&hub.hub).await;
    assert_eq!(round(&hub.hub).await, 1);
    let row = made(&hub, of_the_day()).await;
    assert_eq!(row.state, "done", "{}", row.reason);
    let again = archive::ask_again(&hub.hub, &By::Operator, &row.archive_id).await.unwrap();
    assert_eq!(archive::make_open(&hub.hub).await.unwrap(), 1);
    assert_eq!(archive::archive(&hub.hub, &again.archive_id).await.unwrap().sha256, row.sha256);

    let file = bytes_of(&hub, of_the_day()).await;
    let own = trust(&hub).await;
    let both = trusting(&authority, own.clone());
    let verified = |file: &[u8], trust: &Trust| verify::verify_stream(&mut Cursor::new(file), trust).unwrap();
    let flaws = |file: &[u8], trust: &Trust| -> Vec<Flaw> {
        verified(file, trust).steps.into_iter().filter_map(|step| step.fault).collect()
    };
    let report = verified(&file, &both);
    assert!(report.holds(), "{report:?}");
    assert!(report.steps.iter().any(|step| step.looked_at == Look::Timestamp), "{report:?}");
    assert_eq!(flaws(&file, &own), [], "whoever does not ask for it needs no authority");
    let stranger = Authority::start();
    assert_eq!(flaws(&file, &trusting(&stranger, own.clone())), [Flaw::Timestamp(TokenFault::Untrusted)]);
    assert_eq!(flaws(&unstamped, &both), [Flaw::NotStamped]);

    // Where it stands late, or twice, what stands before it would be held against nothing.
    let whole = members(&file);
    let at = whole.iter().position(|(name, _)| name == "timestamp.json").unwrap();
    let places = |begin: &str| whole.iter().position(|(name, _)| name.starts_with(begin)).unwrap();
    let late = [places("receipts/") + 1, places("capsules/") + 1];
    for place in late {
        for is_doubled in [false, true] {
            let mut altered = whole.clone();
            altered.insert(place, whole[at].clone());
            if !is_doubled {
                altered.remove(at);
            }
            let steps = verified(&written(&altered), &both).steps.into_iter();
            let found: Vec<_> = steps.filter_map(|step| Some((step.entry, step.fault?))).collect();
            assert!(found.contains(&("timestamp.json".to_owned(), Flaw::OtherHead)), "{place} {is_doubled}: {found:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tells_that_nothing_was_stamped_for_long() {
    let authority = Authority::start();
    let hub = authority.does(Manner::Garbage).hub_of_before().await;
    hub.after(Utc::now() - hub.now() - TimeDelta::hours(3));
    leave(&hub, 1).await;
    seal(&hub.hub).await;
    assert_eq!(round(&hub.hub).await, 0);

    let file = authority.ca().to_str().unwrap().to_owned();
    let program = hub.program().with("DOCAXIS__TIMESTAMP__URLS", &authority.url);
    let program = program.with("DOCAXIS__TIMESTAMP__AUTHORITIES_FILE", &file);

    let told = program.run(&["doctor", "--json"]);
    assert!(told.out.contains("timestamp.late"), "{}", told.out);
    assert!(program.done(&["timestamp", "list"]).contains("failures in a row 1"));
    assert!(!hub.program().run(&["doctor", "--json"]).out.contains("timestamp.late"), "nobody is asked");
}
