//! Hostile or unlucky connections and surroundings: what is cut, slow, full, locked or a lie costs one request, leaves
//! nothing behind, and the hub answers the next one.

use crate::support::packets::a_document;
use crate::support::probe::{SmallDisk, Traces};
use crate::support::socket::{Reply, Socket};
use crate::support::{TestHub, sdk};
use bytes::Bytes;
use diesel::connection::SimpleConnection;
use docaxis::exchange::accept::Door;
use docaxis::exchange::intake::{self, Keeping};
use docaxis::store::payloads::Payloads;
use futures_util::{StreamExt, stream};
use serde_json::json;

/// The head of a packet's request by the native door.
fn native(hub: &TestHub, more: &str) -> Vec<u8> {
    let token = hub.system("dms.national").bearer();
    format!("POST /api/v1/envelopes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{more}\r\n").into_bytes()
}

/// A packet that is spooled to disk on its way in.
fn large(document_id: &str) -> Vec<u8> {
    a_document(document_id).attachment(vec![7; 2_000_000]).bytes()
}

/// What may stand behind a packet, so that all of the packet itself is on disk before the end of its body.
fn tail() -> Vec<u8> {
    [" ".repeat(60_000).as_str(), "<!-- -->"].concat().repeat(15).into_bytes()
}

/// The hub takes a packet as ever, and nothing but that has happened since `before`.
async fn goes_on(hub: &TestHub, before: &Traces) {
    assert_eq!(&hub.traces().await, before);
    let answer = hub.post("dms.national", a_document("next").bytes()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

async fn sent(hub: &TestHub, bytes: &[u8]) -> (Socket, Option<Reply>) {
    let mut socket = Socket::open(hub.address).await;
    let _ = socket.send(bytes).await;
    let reply = socket.reply().await;
    (socket, reply)
}

#[tokio::test]
async fn a_native_body_that_never_ends_is_given_up() {
    let hub = TestHub::start_with(|config| config.server.body_silence_seconds = 1).await;
    let before = hub.traces().await;
    for body in [a_document("d1").bytes(), large("d2")] {
        let head = native(&hub, &format!("Content-Length: {}\r\n", body.len()));

        let (mut socket, reply) = sent(&hub, &[&head, &body[..body.len() - 1]].concat()).await;

        let reply = reply.unwrap();
        assert_eq!((reply.status, &reply.json()["code"]), (408, &json!("body-too-slow")));
        assert!(socket.is_closed().await);
        assert_eq!(hub.payload_files().len(), 0);
    }
    goes_on(&hub, &before).await;
}

#[tokio::test]
async fn a_body_of_the_sdk_that_never_ends_is_given_up() {
    let hub = TestHub::start_with(|config| config.server.body_silence_seconds = 1).await;
    let before = hub.traces().await;
    let request = hub.sdk("dms.national").send_request(&json!({}), &large("d1"));

    let (mut socket, reply) = sent(&hub, &request[..request.len() - 1]).await;

    let reply = reply.unwrap();
    sdk::keeps_the_contract(&reply);
    assert_eq!((reply.status, &reply.json()["DocId"]), (408, &json!("")));
    assert!(socket.is_closed().await);
    goes_on(&hub, &before).await;
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let hub = TestHub::start_with(|config| config.server.head_timeout_seconds = 1).await;
    let before = hub.traces().await;

    let (mut socket, reply) = sent(&hub, b"POST /api/v1/envelopes HTTP/1.1\r\nHost: x\r\nX-A: ").await;

    assert!(reply.is_none_or(|reply| reply.status == 408));
    assert!(socket.is_closed().await);
    goes_on(&hub, &before).await;
}

#[tokio::test]
async fn a_connection_reset_half_way_leaves_nothing() {
    let hub = TestHub::start().await;
    let before = hub.traces().await;
    let mut socket = Socket::open(hub.address).await;
    let body = large("d1");
    let head = native(&hub, &format!("Content-Length: {}\r\n", body.len()));

    socket.send(&[&head, &body[..body.len() / 2]].concat()).await.unwrap();
    hub.until("a packet is being received", || hub.payload_files().len() == 1).await;
    socket.reset();

    hub.until("the half packet is gone", || hub.payload_files().is_empty()).await;
    goes_on(&hub, &before).await;
}

#[tokio::test]
async fn a_connection_ended_before_the_last_byte_leaves_nothing() {
    let hub = TestHub::start().await;
    let before = hub.traces().await;
    for body in [a_document("d1").bytes(), large("d2")] {
        // The packet itself is whole; only what was announced behind it is missing.
        let head = native(&hub, &format!("Content-Length: {}\r\n", body.len() + 1));
        let mut socket = Socket::open(hub.address).await;
        socket.send(&[&head, body.as_slice()].concat()).await.unwrap();
        socket.end().await;

        let reply = socket.reply().await;

        assert!(reply.is_none_or(|reply| reply.status == 400 && reply.json()["code"] == "body-cut"));
    }
    goes_on(&hub, &before).await;
}

#[tokio::test]
async fn a_whole_packet_before_a_reset_is_not_kept_when_more_was_announced() {
    let hub = TestHub::start().await;
    let before = hub.traces().await;
    let packet = large("d1");
    let body = [packet.as_slice(), tail().as_slice()].concat();
    let head = native(&hub, &format!("Content-Length: {}\r\n", body.len() + 1));
    let mut socket = Socket::open(hub.address).await;

    socket.send(&[&head, body.as_slice()].concat()).await.unwrap();
    hub.until("the packet itself has come", || hub.incoming_bytes() > packet.len() as u64).await;
    socket.reset();

    hub.until("nothing is being received", || hub.incoming_bytes() == 0).await;
    goes_on(&hub, &before).await;
}

/// The server drops the future of a request whose connection fails: that is no end of a body.
#[tokio::test]
async fn a_packet_whose_request_is_dropped_is_not_kept() {
    let hub = TestHub::start().await;
    let bytes = [large("d1"), tail()].concat();
    let pieces: Vec<_> = bytes.chunks(65_536).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let body = stream::iter(pieces).chain(stream::pending());
    let mut request = Box::pin(intake::receive(&hub.hub, (Door::Native, Keeping::Packet), None, body));
    let received = hub.until("the packet itself has come", || hub.incoming_bytes() > large("d1").len() as u64);

    tokio::select! {
        _ = &mut request => panic!("the body has no end"),
        () = received => {}
    }
    drop(request);

    hub.until("nothing is being received", || hub.incoming_bytes() == 0).await;
    assert_eq!(hub.payload_files().len(), 0);
}

#[tokio::test]
async fn a_body_longer_than_announced_is_not_read_as_part_of_it() {
    let hub = TestHub::start().await;
    let body = a_document("d1").bytes();
    let head = native(&hub, &format!("Content-Length: {}\r\n", body.len() - 10));

    let (mut socket, reply) = sent(&hub, &[&head, body.as_slice()].concat()).await;

    assert_eq!(reply.unwrap().status, 422);
    let rest = socket.reply().await;
    assert!(rest.is_none_or(|reply| reply.status == 400));
    assert_eq!(hub.traces().await.envelopes, 0);
}

#[tokio::test]
async fn contradictions_about_the_length_are_refused() {
    let hub = TestHub::start().await;
    let before = hub.traces().await;
    let body = a_document("d1").bytes();
    let length = body.len();
    for lie in [
        format!("Content-Length: {length}\r\nContent-Length: 5\r\n"),
        "Content-Length: -5\r\n".to_owned(),
        "Content-Length: +5\r\n".to_owned(),
        "Content-Length: five\r\n".to_owned(),
        "Content-Length: 18446744073709551616\r\n".to_owned(),
        "Transfer-Encoding: gzip, identity\r\n".to_owned(),
    ] {
        let (mut socket, reply) = sent(&hub, &[&native(&hub, &lie), body.as_slice()].concat()).await;

        let status = reply.map(|reply| reply.status);
        assert!(status.is_none_or(|status| status == 400), "{lie}: {status:?}");
        assert!(socket.is_closed().await, "{lie}");
    }
    goes_on(&hub, &before).await;
}

#[tokio::test]
async fn a_body_in_chunks_is_taken_by_both_doors() {
    let hub = TestHub::start().await;
    let in_chunks = |body: &[u8]| {
        let chunk = |piece: &[u8]| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        [body.chunks(7).flat_map(chunk).collect::<Vec<u8>>(), b"0\r\n\r\n".to_vec()].concat()
    };
    let packets = [a_document("d1").bytes(), large("d2")];
    let by_sdk = hub.sdk("dms.national").send_request(&json!({}), &packets[0]);
    let at = memchr::memmem::find(&by_sdk, b"\r\n\r\n").unwrap();
    let head = String::from_utf8(by_sdk[..at + 4].to_vec()).unwrap();
    let length = format!("Content-Length: {}", packets[0].len() + 2);

    let repeated = head.replace(&length, "Transfer-Encoding: chunked").into_bytes();
    for packet in &packets {
        let head = native(&hub, "Transfer-Encoding: chunked\r\n");
        let (_, reply) = sent(&hub, &[head, in_chunks(packet)].concat()).await;
        assert_eq!(reply.unwrap().status, 201);
    }
    let (_, reply) = sent(&hub, &[repeated, in_chunks(&by_sdk[at + 4..])].concat()).await;

    assert_eq!(reply.unwrap().json()["status"], "OK");
    let waiting = hub.waiting("dms.province").await;
    for (id, packet) in waiting.iter().zip(&packets) {
        assert_eq!(&hub.fetch("dms.province", id).await.body, packet);
    }
    assert_eq!(waiting.len(), 2);
}

#[tokio::test]
async fn a_broken_chunk_is_a_cut_body() {
    let hub = TestHub::start().await;
    let before = hub.traces().await;
    let head = native(&hub, "Transfer-Encoding: chunked\r\n");

    for body in ["zz\r\nabc\r\n0\r\n\r\n", "fffffffffffffffff\r\nabc", "5\r\nabcdefgh\r\n0\r\n\r\n"] {
        let (mut socket, reply) = sent(&hub, &[&head, body.as_bytes()].concat()).await;

        assert!(reply.is_none_or(|reply| reply.status == 400), "{body}");
        assert!(socket.is_closed().await, "{body}");
    }
    goes_on(&hub, &before).await;
}

#[tokio::test]
async fn a_head_beyond_all_measure_ends_its_connection_only() {
    let hub = TestHub::start().await;
    let before = hub.traces().await;
    let long = native(&hub, &format!("X-A: {}\r\n", "x".repeat(300_000)));
    let many = native(&hub, &"X-A: x\r\n".repeat(1000));

    for head in [long, many, vec![b'x'; 300_000], vec![0; 1000], b"\x16\x03\x01\x02\x00\x01\x00".repeat(100)] {
        let (mut socket, reply) = sent(&hub, &head).await;

        assert!(reply.is_none_or(|reply| matches!(reply.status, 400 | 431)));
        assert!(socket.is_closed().await);
    }
    goes_on(&hub, &before).await;
}

#[tokio::test]
async fn an_id_of_the_request_that_could_do_harm_is_not_taken_over() {
    let hub = TestHub::start().await;
    for (given, taken) in
        [("dms-1.a_B", true), ("a b", false), ("<script>", false), ("../../x", false), ("a;b=c", false)]
    {
        let head = native(&hub, &format!("X-Request-Id: {given}\r\nContent-Length: 0\r\n"));

        let (_, reply) = sent(&hub, &head).await;

        let reply = reply.unwrap();
        assert_eq!(reply.header("x-request-id") == Some(given), taken, "{given}");
        assert_eq!(reply.header("x-request-id"), reply.json()["request_id"].as_str());
    }
    let split = native(&hub, "X-Request-Id: a\rSet-Cookie: b=c\r\nContent-Length: 0\r\n");
    let (_, reply) = sent(&hub, &split).await;
    assert!(reply.is_none_or(|reply| reply.header("set-cookie").is_none()));
}

#[tokio::test]
async fn a_full_disk_asks_to_come_again_and_keeps_nothing() {
    let hub = TestHub::start().await;
    let Some(disk) = SmallDisk::mount(hub.directory.join("payloads"), "1m") else { return };
    Payloads::open(&hub.directory).unwrap();
    let before = hub.traces().await;
    let mut sdk = hub.sdk("dms.national");

    let native = hub.post("dms.national", large("d1")).await;
    let request = sdk.send_request(&json!({}), &large("d1"));
    let by_sdk = sdk.post(&request).await.unwrap();

    assert_eq!((native.status, native.headers["retry-after"].as_bytes()), (503, b"5".as_slice()), "{}", native.text());
    assert_eq!((by_sdk.status, &by_sdk.json()["DocId"]), (503, &json!("")), "{}", by_sdk.text());
    assert_eq!(hub.traces().await, before);
    disk.resize("64m");
    assert_eq!(hub.post("dms.national", large("d1")).await.status, 201);
    goes_on(&hub, &hub.traces().await).await;
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_last_bytes_keeps_nothing() {
    let hub = TestHub::start().await;
    let Some(disk) = SmallDisk::mount(hub.directory.join("payloads"), "512k") else { return };
    Payloads::open(&hub.directory).unwrap();
    let before = hub.traces().await;
    // Two whole chunks fit; what is left over is written when the packet has been read.
    let packet = a_document("d1").attachment(vec![7; 400_000]).bytes();

    let answer = hub.post("dms.national", packet.clone()).await;

    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(hub.traces().await, before);
    disk.resize("8m");
    assert_eq!(hub.post("dms.national", packet).await.status, 201);
}

/// A secrecy mark may stand where nobody reads any more: it must not reach the disk either.
#[tokio::test]
async fn a_packet_that_cannot_be_read_to_its_end_is_not_spooled_on() {
    let hub = TestHub::start().await;
    let Some(_disk) = SmallDisk::mount(hub.directory.join("payloads"), "512k") else { return };
    Payloads::open(&hub.directory).unwrap();
    let mut packet = b"<unknown>".to_vec();
    packet.extend(std::iter::repeat_n(b'x', 3_000_000));

    let answer = hub.post("dms.national", packet).await;

    assert_eq!((answer.status, answer.codes()), (422, vec!["M.Packet.Namespace".to_owned()]), "{}", answer.text());
}

#[tokio::test]
async fn a_database_locked_by_another_asks_to_come_again() {
    let hub = TestHub::start().await;
    if hub.is_postgres() {
        println!("NOT TESTED: PostgreSQL has no lock on the whole database");
        return;
    }
    let before = hub.traces().await;
    let mut other = hub.behind_its_back();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let mut sdk = hub.sdk("dms.national");

    let request = sdk.send_request(&json!({}), &a_document("d1").bytes());
    let (native, by_sdk) = tokio::join!(hub.post("dms.national", a_document("d1").bytes()), sdk.post(&request));

    let by_sdk = by_sdk.unwrap();
    assert_eq!((native.status, native.headers["retry-after"].as_bytes()), (503, b"5".as_slice()), "{}", native.text());
    assert_eq!((by_sdk.status, &by_sdk.json()["DocId"]), (503, &json!("")));
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(hub.traces().await, before);
    assert!(sdk.send(json!({}), &a_document("d1").bytes()).await.is_ok());
    goes_on(&hub, &hub.traces().await).await;
}

/// A write whose caller was told to come again may still happen: then the second try is a repeat.
#[tokio::test]
async fn a_write_that_comes_too_late_is_found_by_the_second_try() {
    let hub = TestHub::start_with(|config| config.database.timeout_seconds = 1).await;
    if hub.is_postgres() {
        println!("NOT TESTED: PostgreSQL has no lock on the whole database");
        return;
    }
    let mut other = hub.behind_its_back();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();

    let late = hub.post("dms.national", a_document("d1").bytes()).await;
    other.batch_execute("ROLLBACK").unwrap();
    let again = hub.post("dms.national", a_document("d1").bytes()).await;

    assert_eq!(late.status, 503, "{}", late.text());
    assert_eq!((again.status, again.headers["docaxis-repeat"].as_bytes()), (200, b"true".as_slice()));
    assert_eq!(hub.waiting("dms.province").await.len(), 1);
}
