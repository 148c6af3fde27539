//! What people are told by mail: what is told, to whom, once; and what a mail server can do to the hub, which is nothing.

use crate::office::{REASON, administrator, propose_key, send, step};
use crate::support::packets::{a_document, a_status};
use crate::support::robot::{self, Robot};
use crate::support::smtp::{Given, MailServer, Manner};
use crate::support::{TestHub, start_of_tests};
use crate::{desk, purge};
use chrono::TimeDelta;
use docaxis::channel::mail::{Handed, Mailer};
use docaxis::channel::push::Pusher;
use docaxis::channel::signature::Scheme;
use docaxis::config::Config;
use docaxis::domain::directory::{Codes, Column, Entry};
use docaxis::exchange::act::By;
use docaxis::exchange::dispatch::Dispatcher;
use docaxis::exchange::endpoints::{self, EndpointEntry};
use docaxis::exchange::{directory, notify, post};
use docaxis::jobs::{self, JOBS};
use std::sync::Arc;

const OPERATOR: &str = "van-hanh@truc.gov.vn";

/// A hub that mails through a server, and may push to this machine.
async fn hub_with(server: &MailServer, change: impl FnOnce(&mut Config)) -> (TestHub, Mailer) {
    let hub = TestHub::start_with(|config| {
        config.mail.server = server.address.clone();
        config.mail.security = "none".to_owned();
        config.mail.from = "truc@truc.gov.vn".to_owned();
        config.mail.operator = OPERATOR.to_owned();
        config.mail.timeout_seconds = 2;
        config.push.networks = "127.0.0.0/8".to_owned();
        config.push.webhook_networks = "127.0.0.0/8".to_owned();
        config.push.plain_http = true;
        change(config);
    })
    .await;
    let mailer = Mailer::new(&hub.hub.config.mail).unwrap().unwrap();
    (hub, mailer)
}

async fn mailing_hub(server: &MailServer) -> (TestHub, Mailer) {
    hub_with(server, |_| {}).await
}

/// Gives an agency an address.
async fn reachable(hub: &TestHub, agency: &str, address: &str) {
    let entry = Entry::about(agency).with(Column::Mail, address);
    directory::put_agency(&hub.hub, &By::Operator, entry, Codes::Rest).await.unwrap();
}

/// Puts so many mails in line.
async fn queue(hub: &TestHub, keys: usize) {
    for number in 0..keys {
        hub.post("dms.national", a_document(&format!("c{number}")).bytes()).await;
        hub.post("dms.national", a_document(&format!("c{number}")).subject("khác").bytes()).await;
        hub.after(TimeDelta::minutes(5));
    }
    hub.after(TimeDelta::minutes(2));
    assert_eq!(notify::look(&hub.hub).await.unwrap(), keys);
}

async fn states(hub: &TestHub, state: &str) -> i64 {
    hub.count(&format!("SELECT count(*) FROM mails WHERE state = '{state}'")).await
}

async fn pushing_to(hub: &TestHub, robot: &Robot) -> Arc<Dispatcher> {
    let entry = EndpointEntry {
        agency: "X99.B02".to_owned(),
        url: robot.url(),
        confirms_itself: false,
        in_flight_max: None,
        scheme: Scheme::Hmac,
    };
    endpoints::set(&hub.hub, &By::Operator, entry).await.unwrap();
    Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap())
}

#[tokio::test]
async fn a_sender_is_told_once_of_what_could_not_be_delivered() {
    let mut server = MailServer::start(Vec::new()).await;
    let (hub, mailer) = hub_with(&server, |config| config.push.terms_hours = "1, 1, 1, 1, 1".to_owned()).await;
    reachable(&hub, "X99.A01", "vanthu@a01.gov.vn").await;
    let robot = Robot::start(vec![robot::Manner::status(503)]);
    let dispatcher = pushing_to(&hub, &robot).await;
    hub.accepted("dms.national", a_document("d2").subject("Điều bí mật của cơ quan").bytes()).await;
    dispatcher.drain().await.unwrap();
    assert_eq!(notify::look(&hub.hub).await.unwrap(), 0, "what is going on is not over");

    hub.after(TimeDelta::hours(2));
    dispatcher.drain().await.unwrap();
    hub.after(TimeDelta::minutes(6));
    let nodes = [hub.hub.clone(), hub.another_node()];
    let job = JOBS.iter().find(|job| job.name == notify::LOOKING).unwrap();
    assert_eq!(jobs::run_now(&nodes[0], job).await.unwrap(), Some(1));
    hub.after(TimeDelta::minutes(1));
    assert_eq!(jobs::run_now(&nodes[1], job).await.unwrap(), Some(0));

    assert_eq!(post::send_due(&hub.hub, &mailer).await.unwrap(), 1);
    assert_eq!(post::send_due(&nodes[1], &mailer).await.unwrap(), 0);
    let given = server.given();
    let [mail] = given.as_slice() else { panic!("{given:?}") };
    assert_eq!((mail.to.as_str(), mail.header("Auto-Submitted").as_str()), ("vanthu@a01.gov.vn", "auto-generated"));
    assert!(mail.header("Message-ID").ends_with("@truc.gov.vn>"), "{}", mail.data);
    assert!(
        mail.header("Subject").contains("1 lượt gửi không chuyển được / 1 deliveries"),
        "{}",
        mail.header("Subject")
    );
    let parts = mail.parts();
    assert_eq!(parts.len(), 2);
    for part in &parts {
        assert!(part.contains("1/VP-TN (d2)") && part.contains("X99.B02"), "{part}");
        assert!(part.contains("hết thời hạn chuyển") && part.contains("its time was over"), "{part}");
        assert!(!part.contains("bí mật"), "a subject is content");
    }
}

#[tokio::test]
async fn what_fails_at_the_same_time_is_told_in_one_mail() {
    let mut server = MailServer::start(Vec::new()).await;
    let (hub, mailer) = hub_with(&server, |config| config.mail.documents_max = 2).await;
    reachable(&hub, "X99.A01", "vanthu@a01.gov.vn").await;
    let robot = Robot::start(vec![robot::Manner::status(422); 3]);
    let dispatcher = pushing_to(&hub, &robot).await;
    for id in ["d1", "d2", "d3"] {
        hub.accepted("dms.national", a_document(id).bytes()).await;
    }
    dispatcher.drain().await.unwrap();
    hub.after(TimeDelta::minutes(6));

    assert_eq!(notify::look(&hub.hub).await.unwrap(), 1);
    post::send_due(&hub.hub, &mailer).await.unwrap();

    let text = server.given().pop().unwrap().parts().remove(0);
    assert!(text.contains("3 lượt gửi") && text.contains("và 1 lượt gửi khác"), "{text}");
    assert!(text.contains("nơi nhận từ chối"), "{text}");
}

#[tokio::test]
async fn an_agency_is_told_at_the_end_of_a_working_day_what_waits() {
    let mut server = MailServer::start(Vec::new()).await;
    let (hub, mailer) = mailing_hub(&server).await;
    reachable(&hub, "X99.B02", "Văn thư <vanthu@b02.gov.vn>").await;
    for id in ["d1", "d2", "d3", "d4", "d5", "d6"] {
        hub.accepted("dms.national", a_document(id).bytes()).await;
    }
    let taken = hub.waiting("dms.province").await.remove(0);
    hub.fetch("dms.province", &taken).await;
    assert_eq!(hub.confirm("dms.province", &taken, "done").await.status, 200);
    // A status packet is no document.
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "d1"), "01", "2026/11/21 09:00:00")).await;
    hub.after(TimeDelta::hours(7));
    assert_eq!(notify::digest(&hub.hub).await.unwrap(), 0, "a Saturday");
    hub.after(TimeDelta::days(2));
    assert_eq!(notify::digest(&hub.hub).await.unwrap(), 1);
    assert_eq!(notify::digest(&hub.another_node()).await.unwrap(), 0);
    assert_eq!(post::send_due(&hub.hub, &mailer).await.unwrap(), 1);
    hub.after(TimeDelta::days(1));
    assert_eq!(notify::digest(&hub.hub).await.unwrap(), 0, "24/11");
    hub.after(TimeDelta::days(1));
    assert_eq!(notify::digest(&hub.hub).await.unwrap(), 1);

    assert_eq!(post::send_due(&hub.hub, &mailer).await.unwrap(), 1);

    let given = server.given();
    assert!(given.iter().all(|mail| mail.to == "vanthu@b02.gov.vn"));
    let [monday, wednesday] = given.as_slice() else { panic!("{given:?}") };
    assert!(monday.header("Subject").contains("5 văn bản chưa được tiếp nhận hôm nay"), "{}", monday.header("Subject"));
    let text = monday.parts().remove(0);
    assert!(text.contains("quá hạn tiếp nhận: 0.") && text.contains("chờ lâu nhất: 7 giờ làm việc"), "{text}");
    let text = wednesday.parts().remove(0);
    assert!(text.contains("quá hạn tiếp nhận: 5.") && text.contains("chờ lâu nhất: 15 giờ làm việc"), "{text}");
}

#[tokio::test]
async fn a_key_that_ends_is_told_of_five_times() {
    let server = MailServer::start(Vec::new()).await;
    let (hub, _) = mailing_hub(&server).await;
    reachable(&hub, "X99.A01", "vanthu@a01.gov.vn").await;
    reachable(&hub, "X99.C03", "không có").await;
    let of_national = "address = 'vanthu@a01.gov.vn'";
    let mut told = Vec::new();
    for day in 0..366 {
        notify::keys_that_end(&hub.hub).await.unwrap();
        notify::keys_that_end(&hub.another_node()).await.unwrap();
        let mails = hub.count(&format!("SELECT count(*) FROM mails WHERE {of_national}")).await;
        if mails > i64::try_from(told.len()).unwrap() {
            told.push(365 - day);
        }
        hub.after(TimeDelta::days(1));
    }

    assert_eq!(told, [60, 30, 14, 7, 1]);
    let of_operator = hub.count(&format!("SELECT count(*) FROM mails WHERE address = '{OPERATOR}'")).await;
    assert_eq!(of_operator, 5, "who has no address is the operator's matter");
}

#[tokio::test]
async fn the_operator_is_told_once_of_an_endpoint_that_is_away_and_of_one_that_is_gone() {
    let mut server = MailServer::start(Vec::new()).await;
    let (hub, mailer) = hub_with(&server, |config| {
        config.push.delays_seconds = "1".to_owned();
        config.push.breaker_failures = 1;
    })
    .await;
    let robot = Robot::start(vec![robot::Manner::status(503); 3]);
    let dispatcher = pushing_to(&hub, &robot).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    hub.after(TimeDelta::minutes(29));
    assert_eq!(notify::look(&hub.hub).await.unwrap(), 0);
    hub.after(TimeDelta::minutes(1));
    assert_eq!(notify::look(&hub.hub).await.unwrap(), 1);
    dispatcher.drain().await.unwrap();
    hub.after(TimeDelta::minutes(40));
    assert_eq!(notify::look(&hub.hub).await.unwrap(), 0, "still the same");

    let gone = Robot::start(vec![robot::Manner::status(410)]);
    let dispatcher = pushing_to(&hub, &gone).await;
    endpoints::resume(&hub.hub, &By::Operator, "X99.B02").await.unwrap();
    dispatcher.drain().await.unwrap();
    assert_eq!(notify::look(&hub.hub).await.unwrap(), 1);
    assert_eq!(notify::look(&hub.hub).await.unwrap(), 0);

    post::send_due(&hub.hub, &mailer).await.unwrap();
    let subjects: Vec<String> = server.given().iter().map(|mail| mail.header("Subject")).collect();
    assert!(subjects[0].contains("X99.B02 không trả lời") && subjects[1].contains("X99.B02 đã ngừng"), "{subjects:?}");
}

#[tokio::test]
async fn the_operator_is_told_of_conflicts_and_of_a_full_disk() {
    let mut server = MailServer::start(Vec::new()).await;
    let (hub, mailer) = mailing_hub(&server).await;
    queue(&hub, 1).await;
    let mut full = (*hub.hub.config).clone();
    full.data.free_bytes_min = u64::MAX / 4;
    hub.hub.put_in_force(full);
    let mut refreshed = hub.hub.clone();
    refreshed.refresh();

    assert_eq!(notify::look(&refreshed).await.unwrap(), 1);
    assert_eq!(notify::look(&refreshed).await.unwrap(), 0, "once a day");
    post::send_due(&hub.hub, &mailer).await.unwrap();

    let given = server.given();
    let [conflict, disk] = given.as_slice() else { panic!("{given:?}") };
    assert!(given.iter().all(|mail| mail.to == OPERATOR));
    let text = conflict.parts().remove(0);
    assert!(text.contains("nội dung khác: 1") && text.contains("không lưu: 0"), "{text}");
    assert!(disk.parts().remove(0).contains("đĩa chứa dữ liệu"));
}

#[tokio::test]
async fn what_the_server_refuses_for_good_is_not_tried_again_and_what_it_puts_off_is() {
    let refuses = Manner::Answer("RCPT", "550 no such user");
    let mut server = MailServer::start(vec![refuses, Manner::Answer("DATA", "451 later")]).await;
    let (hub, mailer) = mailing_hub(&server).await;
    queue(&hub, 3).await;

    assert_eq!(post::send_due(&hub.hub, &mailer).await.unwrap(), 1, "the third fares better than both");
    assert_eq!((states(&hub, "failed").await, states(&hub, "waiting").await), (1, 1));
    assert_eq!(hub.count("SELECT count(*) FROM mails WHERE reason LIKE '%no such user%'").await, 1);
    hub.after(TimeDelta::seconds(60));
    assert_eq!(post::send_due(&hub.hub, &mailer).await.unwrap(), 1);

    assert_eq!((states(&hub, "failed").await, states(&hub, "sent").await, server.given().len()), (1, 2, 2));
    let counted = hub.hub.metrics.exposition().unwrap();
    for (outcome, number) in [("sent", 2), ("refused", 1), ("later", 1)] {
        assert!(counted.contains(&format!("docaxis_mails_total{{outcome=\"{outcome}\"}} {number}\n")), "{counted}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_or_knows_us_not_costs_one_attempt_of_one_mail() {
    let unknown = Manner::Answer("MAIL", "530 who are you");
    let mut server = MailServer::start(vec![Manner::Hang, unknown]).await;
    let (hub, mailer) = mailing_hub(&server).await;
    queue(&hub, 4).await;
    for connections in [1, 2] {
        assert_eq!(post::send_due(&hub.hub, &mailer).await.unwrap(), 0);

        assert_eq!(server.connections(), connections, "the others were not even tried");
        assert_eq!(hub.count("SELECT sum(attempts) FROM mails").await, i64::try_from(connections).unwrap());
    }
    // Whatever mail does, documents pass.
    hub.accepted("dms.national", a_document("d1").bytes()).await;

    hub.after(TimeDelta::minutes(5));
    assert_eq!(post::send_due(&hub.hub, &mailer).await.unwrap(), 4);
    assert_eq!(server.given().len(), 4);
}

#[tokio::test]
async fn a_mail_is_given_up_when_its_time_is_over() {
    let later = Manner::Answer("MAIL", "421 closing");
    let server = MailServer::start(vec![later; 60]).await;
    let (hub, mailer) = hub_with(&server, |config| config.mail.delays_seconds = "3600".to_owned()).await;
    queue(&hub, 1).await;
    for _ in 0..48 {
        assert_eq!(post::send_due(&hub.hub, &mailer).await.unwrap(), 0);
        assert_eq!(states(&hub, "waiting").await, 1);
        hub.after(TimeDelta::hours(1));
    }

    assert_eq!(post::send_due(&hub.hub, &mailer).await.unwrap(), 0);

    assert_eq!((states(&hub, "failed").await, states(&hub, "waiting").await), (1, 0));
    assert_eq!(hub.count("SELECT count(*) FROM mails WHERE reason LIKE 'its time was over%'").await, 1);
    assert_eq!(server.connections(), 48);
}

#[tokio::test]
async fn two_nodes_send_each_mail_once() {
    let mut server = MailServer::start(Vec::new()).await;
    let (hub, mailer) = mailing_hub(&server).await;
    queue(&hub, 6).await;
    let other = hub.another_node();

    let (one, two) = tokio::join!(post::send_due(&hub.hub, &mailer), post::send_due(&other, &mailer));

    assert_eq!(one.unwrap() + two.unwrap(), 6);
    let mut ids: Vec<String> = server.given().iter().map(|mail| mail.header("Message-ID")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

/// What comes of a test over TLS, and what the server was given.
async fn over_tls(trust: bool, offers: bool) -> (Handed, Vec<Given>) {
    let mut server = if offers { MailServer::with_tls().await } else { MailServer::start(Vec::new()).await };
    let folder = tempfile::tempdir().unwrap();
    let (authority, password) = (folder.path().join("ca.pem"), folder.path().join("password"));
    std::fs::write(&authority, &server.authority).unwrap();
    std::fs::write(&password, "mật khẩu\n").unwrap();
    let (hub, mailer) = hub_with(&server, |config| {
        config.mail.security = "starttls".to_owned();
        config.mail.user = "truc".to_owned();
        config.mail.password_file = password;
        if trust {
            config.mail.tls_ca_file = authority;
        }
    })
    .await;
    let handed = post::try_out(&hub.hub, &mailer, "a@b.vn").await;
    (handed, server.given())
}

#[tokio::test]
async fn the_password_and_the_mail_go_over_tls_or_not_at_all() {
    let (handed, given) = over_tls(true, true).await;
    assert_eq!(handed, Handed::Taken);
    assert!(given[0].over_tls && given[0].shown == "\0truc\0mật khẩu", "{given:?}");
    assert!(given[0].header("Subject").contains("Thư thử / A test"), "{}", given[0].data);

    for (trust, offers) in [(false, true), (false, false)] {
        let (handed, given) = over_tls(trust, offers).await;
        assert!(matches!(handed, Handed::Away(_)), "{handed:?}");
        assert!(given.is_empty());
    }
}

#[tokio::test]
async fn an_address_that_servers_do_not_take_is_refused_and_holds_up_nobody() {
    let mut server = MailServer::start(Vec::new()).await;
    let (hub, mailer) = hub_with(&server, |_| {}).await;

    let handed = post::try_out(&hub.hub, &mailer, "thư@b.vn").await;

    assert!(matches!(handed, Handed::Refused(_)), "{handed:?}");
    assert!(server.given().is_empty());
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_put_in_line() {
    let hub = TestHub::start().await;
    reachable(&hub, "X99.B02", "vanthu@b02.gov.vn").await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    hub.post("dms.national", a_document("d1").subject("khác").bytes()).await;
    hub.after(TimeDelta::days(364));
    assert_eq!(hub.now().signed_duration_since(start_of_tests()), TimeDelta::days(364));

    let put = [
        notify::look(&hub.hub).await.unwrap(),
        notify::digest(&hub.hub).await.unwrap(),
        notify::keys_that_end(&hub.hub).await.unwrap(),
    ];

    assert_eq!((put, hub.count("SELECT count(*) FROM mails").await), ([0, 0, 0], 0));
}

#[tokio::test]
async fn the_operator_is_told_five_times_of_the_last_certificate_that_ends() {
    let mut server = MailServer::start(Vec::new()).await;
    let (hub, mailer) = hub_with(&server, |config| config.receipts.self_signed_days = 100).await;
    let mut told = Vec::new();
    for day in 0..110 {
        notify::keys_that_end(&hub.hub).await.unwrap();
        notify::keys_that_end(&hub.another_node()).await.unwrap();
        let mails = hub.count("SELECT count(*) FROM mails WHERE notice LIKE '%certificate_ends%'").await;
        if mails > i64::try_from(told.len()).unwrap() {
            told.push(100 - day);
        }
        post::send_due(&hub.hub, &mailer).await.unwrap();
        hub.after(TimeDelta::days(1));
    }

    assert_eq!(told, [60, 30, 14, 7, 1]);
    let given = server.given();
    let mail = given.iter().find(|mail| mail.header("Subject").contains("Chứng thư số ký biên nhận")).unwrap();
    assert!(mail.parts()[0].contains("receipts.key_files"), "{}", mail.parts()[0]);
}

#[tokio::test]
async fn who_may_decide_is_told_once_of_what_was_proposed_and_of_no_secret() {
    let mut server = MailServer::start(Vec::new()).await;
    let (hub, mailer) = hub_with(&server, |config| {
        config.portal.second_factor = false;
        config.portal.public_url = "https://truc.example.vn/".to_owned();
    })
    .await;
    let (mut one, mut two) = (administrator(&hub, "mot").await, administrator(&hub, "hai").await);
    let place = propose_key(&mut one).await;
    let again = [("step", "key"), ("life_days", "30"), ("reason", REASON)];
    assert_eq!(send(&mut two, "/portal/systems/dms.province", &again).await, 409, "the same waits already");
    // What opens nothing is done at once, and nobody is asked.
    assert_eq!(send(&mut one, "/portal/systems/dms.province", &[("step", "addresses"), ("addresses", "")]).await, 303);

    assert_eq!(post::send_due(&hub.hub, &mailer).await.unwrap(), 1);
    assert_eq!(post::send_due(&hub.another_node(), &mailer).await.unwrap(), 0);
    let given = server.given();
    let [mail] = given.as_slice() else { panic!("{given:?}") };
    assert_eq!(mail.to, OPERATOR);
    let subject = mail.header("Subject");
    assert!(subject.contains("Chờ duyệt: Cấp khóa mới – dms.province / To be decided: A new key"), "{subject}");
    let parts = mail.parts();
    assert_eq!(parts.len(), 2);
    for part in &parts {
        for wanted in
            ["tài khoản mot", "by the account mot", "22/11/2026 09:00", &format!("https://truc.example.vn{place}")]
        {
            assert!(part.contains(wanted), "{wanted}: {part}");
        }
        assert!(!part.contains("12/CV") && !part.contains("Người dùng"), "neither the reason nor a name: {part}");
    }
    assert_eq!(step(&mut two, &place, "approve").await, 303);
    assert_eq!(step(&mut one, &place, "take").await, 200);
    assert_eq!(hub.count("SELECT count(*) FROM mails").await, 1);

    // Nobody is told of what nobody may decide on any more.
    let late = [("step", "key"), ("life_days", "30"), ("reason", REASON)];
    assert_eq!(send(&mut two, "/portal/systems/dms.commune", &late).await, 303);
    hub.after(TimeDelta::hours(24));
    post::send_due(&hub.hub, &mailer).await.unwrap();
    assert_eq!((states(&hub, "failed").await, states(&hub, "waiting").await), (1, 0));
}

#[tokio::test]
async fn without_a_mail_server_or_an_operator_a_proposal_waits_all_the_same() {
    let server = MailServer::start(Vec::new()).await;
    let (silent, _) = hub_with(&server, |config| {
        config.portal.second_factor = false;
        config.mail.operator = String::new();
    })
    .await;
    for hub in [silent, crate::office::hub().await] {
        let mut one = administrator(&hub, "mot").await;
        propose_key(&mut one).await;
        assert_eq!(hub.count("SELECT count(*) FROM mails").await, 0);
        assert_eq!(hub.count("SELECT count(*) FROM grants WHERE state = 'proposed'").await, 1);
    }
}

/// The only mail that was handed over, as text.
async fn only_mail(hub: &TestHub, mailer: &Mailer, server: &mut MailServer) -> String {
    assert_eq!(post::send_due(&hub.hub, mailer).await.unwrap(), 1);
    let given = server.given();
    let [mail] = given.as_slice() else { panic!("{given:?}") };
    assert_eq!(mail.to, OPERATOR);
    mail.parts().remove(0)
}

#[tokio::test]
async fn a_purge_and_a_bulk_redrive_are_told_to_who_may_decide() {
    let mut server = MailServer::start(Vec::new()).await;
    let (hub, mailer) = hub_with(&server, purge::with_purges).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    purge::take_all(&hub, "dms.province").await;
    purge::a_year_later(&hub).await;
    let place = purge::propose(&mut purge::person(&hub, "mot").await).await;
    let text = only_mail(&hub, &mailer, &mut server).await;
    assert!(text.contains("Tiêu hủy nội dung: 1") && text.contains(&place) && text.contains("tài khoản mot"), "{text}");

    let (hub, mailer) = hub_with(&server, |config| {
        config.portal.second_factor = false;
        config.portal.redrive_alone_max = 1;
    })
    .await;
    let robot = Robot::start(vec![robot::Manner::status(422); 3]);
    let dispatcher = pushing_to(&hub, &robot).await;
    let mut one = desk::operator(&hub, "mot").await;
    for (documents, mails) in [(&["d1"][..], 0), (&["d2", "d3"], 1)] {
        for id in documents {
            hub.accepted("dms.national", a_document(id).bytes()).await;
        }
        dispatcher.drain().await.unwrap();
        let place = desk::propose(&mut one, "60", "Bên nhận đã sửa phần mềm").await;
        assert_eq!(hub.count("SELECT count(*) FROM mails").await, mails, "one is for one person: {place}");
        hub.run("UPDATE redrives SET state = 'stopped', ended_at = proposed_at WHERE state = 'running'").await;
    }
    let text = only_mail(&hub, &mailer, &mut server).await;
    assert!(text.contains("Gửi lại hàng loạt lượt lỗi: X99.B02 (3)") && text.contains("/portal/redrives/"), "{text}");
}
