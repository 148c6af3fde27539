//! Hostile packets by both doors: each gets its code, and leaves no trace but the evidence of its refusal.

use crate::support::packets::{Packet, a_document};
use crate::support::probe::{Growth, Traces, run_alone};
use crate::support::sdk::{hmac_hex, keeps_the_contract};
use crate::support::socket::{Reply, Socket};
use crate::support::{Answer, TestHub};
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use std::io::Write;

/// The packet with something replaced that stands in it.
fn changed(packet: &[u8], from: &str, to: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::find(packet, from.as_bytes()).unwrap_or_else(|| panic!("{from}"));
    [&packet[..at], to, &packet[at + from.len()..]].concat()
}

fn plain() -> Vec<u8> {
    a_document("d1").bytes()
}

/// The packet with a document type declaration, whose entity stands in the subject.
fn declared(doctype: &str) -> Vec<u8> {
    let subject = changed(&plain(), "V/v thử nghiệm", b"&lol;");
    changed(&subject, "<edXML ", format!("{doctype}\n<edXML ").as_bytes())
}

fn laughs() -> String {
    let mut doctype = String::from("<!DOCTYPE edXML [<!ENTITY l0 \"lol\">");
    for level in 1..10 {
        let before = format!("&l{};", level - 1).repeat(10);
        doctype.push_str(&format!("<!ENTITY l{level} \"{before}\">"));
    }
    doctype + "<!ENTITY lol \"&l9;\">]>"
}

/// A packet whose attachment is this zip.
fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    let packet = a_document("d1").attachment(zip.finish().unwrap().into_inner()).bytes();
    changed(&packet, "application/octet-stream", b"application/zip")
}

fn recipients(number: usize) -> Packet {
    let codes: Vec<String> = (0..number).map(|n| format!("X99.R{n}")).collect();
    a_document("d1").to(&codes.iter().map(String::as_str).collect::<Vec<_>>())
}

fn attachments(number: usize) -> Vec<u8> {
    let references = (2..=number).map(|n| {
        format!("<Reference><ContentId>cid:{n}</ContentId><AttachmentName>t{n}.bin</AttachmentName></Reference>")
    });
    let contents = (2..=number).map(|n| {
        format!("<Attachment><ContentId>cid:{n}</ContentId><AttachmentName>t{n}.bin</AttachmentName><ContentType>a/b</ContentType><ContentTransferEncoded>bm9p</ContentTransferEncoded></Attachment>")
    });
    let (references, contents) = (references.collect::<String>(), contents.collect::<String>());
    let packet = changed(&plain(), "</edXMLManifest>", (references + "</edXMLManifest>").as_bytes());
    changed(&packet, "</AttachmentEncoded>", (contents + "</AttachmentEncoded>").as_bytes())
}

fn utf_16() -> Vec<u8> {
    let text = String::from_utf8(plain()).unwrap().replace("UTF-8", "UTF-16");
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Where a thousand elements can stand in a packet.
const SUBJECT: &str = "V/v thử nghiệm liên thông";

/// Every hostile packet: what it is, its bytes, the code it must get.
fn hostile_packets() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let packet = plain();
    let deep = "<a>".repeat(1000) + &"</a>".repeat(1000);
    let wide = format!("<a>{}</a>", "<b/>".repeat(60_000));
    let long = format!("<edXMLEnvelope a=\"{}\">", "x".repeat(1 << 20));
    let external = "<!DOCTYPE edXML [<!ENTITY lol SYSTEM \"file:///etc/passwd\">]>";
    let parameter = "<!DOCTYPE edXML SYSTEM \"http://127.0.0.1:1/evil.dtd\">";
    vec![
        ("truncated", packet[..packet.len() / 2].to_vec(), "M.Packet.NotXml"),
        ("empty", Vec::new(), "M.Packet.Empty"),
        ("only white space", b" \n\t ".to_vec(), "M.Packet.Empty"),
        ("a thousand levels", changed(&packet, SUBJECT, deep.as_bytes()), "R.Packet.Depth"),
        ("60,000 elements", changed(&packet, "</MessageHeader>", wide.as_bytes()), "R.Packet.Elements"),
        ("an attribute of 1 MB", changed(&packet, "<edXMLEnvelope>", long.as_bytes()), "R.Packet.Token"),
        (
            "a name of 1 MB",
            changed(&packet, "<Subject>", format!("<{}>", "x".repeat(1 << 20)).as_bytes()),
            "R.Packet.Token",
        ),
        ("a comment without an end", changed(&packet, "<Subject>", b"<!-- "), "M.Packet.NotXml"),
        ("a document type", changed(&packet, "<edXML ", b"<!DOCTYPE edXML>\n<edXML "), "M.Packet.Doctype"),
        ("a billion laughs", declared(&laughs()), "M.Packet.Doctype"),
        ("an external entity", declared(external), "M.Packet.Doctype"),
        ("an external definition", declared(parameter), "M.Packet.Doctype"),
        ("an undefined entity", changed(&packet, SUBJECT, b"&lol;"), "M.Packet.Entity"),
        ("UTF-16", utf_16(), "M.Packet.Encoding"),
        ("invalid UTF-8", changed(&packet, SUBJECT, b"V/v \xC3\x28"), "M.Packet.Encoding"),
        ("overlong UTF-8", changed(&packet, SUBJECT, b"V/v \xC0\xAF"), "M.Packet.Encoding"),
        ("a NUL", changed(&packet, SUBJECT, b"V/v \0"), "M.Packet.NotXml"),
        ("a NUL by reference", changed(&packet, SUBJECT, b"V/v &#0;"), "M.Packet.NotXml"),
        (
            "an attribute twice",
            changed(&packet, "version=\"1.0\">", b"version=\"1.0\" version=\"1.0\">"),
            "M.Packet.NotXml",
        ),
        ("an undeclared prefix", changed(&packet, "<Subject>", b"<evil:Subject>"), "M.Packet.NotXml"),
        ("illegal base64", changed(&packet, "bm9p", b"!!!!"), "M.Attachment.Encoding"),
        ("a zip bomb", zipped(&[("a.bin", &vec![0; 10 << 20])]), "R.Attachment.Zip"),
        ("a zip that leads out", zipped(&[("../../etc/cron.d/evil", b"x")]), "M.Attachment.Zip"),
        ("a zip with an absolute name", zipped(&[("/etc/passwd", b"x")]), "M.Attachment.Zip"),
        ("10,000 recipients", recipients(10_000).bytes(), "R.MessageHeader.To"),
        ("501 attachments", attachments(501), "R.Attachment.Count"),
        ("no XML at all", vec![0xFF; 1_000], "M.Packet.Encoding"),
    ]
}

#[tokio::test]
async fn a_hostile_packet_gets_its_code_and_leaves_only_evidence_natively() {
    let hub = TestHub::start().await;
    for (what, packet, code) in hostile_packets() {
        let before = hub.traces().await;

        let answer = hub.post("dms.national", packet).await;

        assert_eq!(answer.status, 422, "{what}");
        assert!(answer.codes().iter().any(|given| given == code), "{what}: {}", answer.text());
        assert_eq!(hub.traces().await, before.and_rejected(1), "{what}");
    }
    assert_eq!(hub.post("dms.national", plain()).await.status, 201);
}

#[tokio::test]
async fn a_hostile_packet_gets_its_code_and_leaves_only_evidence_through_the_sdk() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");
    for (what, packet, code) in hostile_packets() {
        let before = hub.traces().await;

        let request = sdk.send_request(&json!({}), &packet);
        let reply = sdk.post(&request).await.unwrap();

        let json = reply.json();
        assert_eq!((reply.status, &json["DocId"]), (200, &json!("")), "{what}");
        let violations = json["violations"].as_array().unwrap();
        assert!(violations.iter().any(|violation| violation["code"] == code), "{what}: {json}");
        assert_eq!(hub.traces().await, before.and_rejected(1), "{what}");
    }
    assert!(sdk.send(json!({}), &plain()).await.is_ok());
}

#[tokio::test]
async fn a_refusal_of_many_faults_is_a_bounded_answer() {
    let hub = TestHub::start().await;

    let answer = hub.post("dms.national", recipients(10_000).bytes()).await;

    assert_eq!(answer.status, 422);
    assert!(answer.body.len() < 1 << 20, "{} bytes", answer.body.len());
}

#[tokio::test]
async fn what_stands_in_a_packet_is_no_part_of_a_name_or_a_header() {
    let hub = TestHub::start().await;
    let ids =
        ["../../../etc/passwd", "a%0d%0aSet-Cookie: b=c", "'; DROP TABLE envelopes; --", "%00", "${jndi:x}", "null"];
    for id in ids {
        let answer = hub.post("dms.national", a_document(id).bytes()).await;

        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.json["document_id"], id);
        assert!(answer.headers["location"].to_str().unwrap().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/'));
        assert!(answer.headers.get("set-cookie").is_none());
    }
    assert!(hub.directory.join("payloads/incoming").exists());
}

/// `bytes` of nothing, in pieces.
fn filler(bytes: usize) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    const PIECE: Bytes = Bytes::from_static(&[b'A'; 65_536]);
    let pieces = bytes.div_ceil(PIECE.len());
    stream::iter((0..pieces).map(move |n| Ok(PIECE.slice(..PIECE.len().min(bytes - n * PIECE.len())))))
}

const TOO_LARGE: usize = 51 << 20;

#[tokio::test]
async fn a_packet_beyond_the_limit_is_read_to_its_end_and_refused() {
    let hub = TestHub::start().await;
    let before = hub.traces().await;

    let answer = hub.post("dms.national", reqwest::Body::wrap_stream(filler(TOO_LARGE))).await;

    assert_eq!((answer.status, &answer.json["code"]), (413, &json!("body-too-large")), "{}", answer.text());
    assert_eq!(answer.codes(), ["M.Packet.TooLarge"]);
    assert_eq!(hub.traces().await, Traces { rejections: before.rejections + 1, ..before });
}

#[tokio::test]
async fn the_connection_of_a_packet_beyond_the_limit_can_be_used_again() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");
    let before = hub.traces().await;
    let request = sdk.send_request(&json!({}), &vec![b'A'; TOO_LARGE]);
    let mut socket = Socket::open(hub.address).await;

    socket.send(&request).await.unwrap();
    let refused = socket.reply().await.unwrap();
    socket.send(&sdk.send_request(&json!({}), &plain())).await.unwrap();
    let accepted = socket.reply().await.unwrap();

    assert_eq!(
        (refused.status, &refused.json()["status"], &refused.json()["DocId"]),
        (413, &json!("FAIL"), &json!(""))
    );
    assert_eq!((accepted.status, &accepted.json()["status"]), (200, &json!("OK")));
    let after = hub.traces().await;
    assert_eq!((after.rejections, after.files), (before.rejections + 1, before.files));
}

#[tokio::test]
async fn a_body_announced_beyond_all_measure_is_refused_unread() {
    let hub = TestHub::start().await;
    let mut socket = Socket::open(hub.address).await;
    let token = hub.system("dms.national").bearer();
    let head = format!(
        "POST /api/v1/envelopes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 99999999999\r\n\r\n"
    );

    socket.send(head.as_bytes()).await.unwrap();
    let reply = socket.reply().await.unwrap();

    assert_eq!((reply.status, reply.header("connection")), (413, Some("close")));
    assert_eq!(hub.traces().await.rejections, 0);
}

#[test]
fn a_packet_of_50_mb_takes_little_memory() {
    run_alone("hostile::a_packet_of_50_mb_alone");
}

/// A packet of nearly 50 MB in pieces, with its digest; never whole in memory.
fn large_packet() -> (u64, String, Vec<Bytes>) {
    let frame = a_document("d1").attachment(b"@".to_vec()).bytes();
    let at = memchr::memmem::find(&frame, b"QA==").unwrap();
    let piece = Bytes::from(BASE64.encode((0..48 * 1024).map(|n| n as u8).collect::<Vec<_>>()));
    let mut pieces = vec![Bytes::copy_from_slice(&frame[..at])];
    pieces.extend(std::iter::repeat_n(piece.clone(), (50 << 20) / piece.len() - 1));
    pieces.push(Bytes::copy_from_slice(&frame[at + 4..]));
    let mut digest = Context::new(&SHA256);
    pieces.iter().for_each(|piece| digest.update(piece));
    let bytes = pieces.iter().map(|piece| piece.len() as u64).sum();
    (bytes, hex::encode(digest.finish().as_ref()), pieces)
}

#[tokio::test]
#[ignore = "measures the memory of its process; the test above runs it alone"]
async fn a_packet_of_50_mb_alone() {
    let hub = TestHub::start().await;
    let (bytes, sha256, pieces) = large_packet();
    let growth = Growth::begin();

    let body = reqwest::Body::wrap_stream(stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)));
    let answer = hub.post("dms.national", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let id = hub.waiting("dms.province").await[0].clone();
    let url = hub.url(&format!("/api/v1/deliveries/{id}/content"));
    let mut response = hub.client.get(url).bearer_auth(hub.system("dms.province").bearer()).send().await.unwrap();
    let (mut digest, mut fetched) = (Context::new(&SHA256), 0);
    while let Some(piece) = response.chunk().await.unwrap() {
        digest.update(&piece);
        fetched += piece.len() as u64;
    }
    let by_sdk = fetched_by_sdk(&hub, &id).await;

    println!("a packet of {bytes} bytes: {} bytes of memory", growth.bytes());
    assert_eq!((fetched, hex::encode(digest.finish().as_ref())), (bytes, sha256.clone()));
    assert_eq!(by_sdk, sha256);
    assert!(growth.bytes() < 128 << 20, "{}", growth.bytes());
}

/// The digest of a packet fetched by getEdoc, read as it comes.
async fn fetched_by_sdk(hub: &TestHub, id: &str) -> String {
    let mut sdk = hub.sdk("dms.province");
    sdk.prepare(&json!({ "docId": id }));
    let mut socket = Socket::open(hub.address).await;
    socket.send(&sdk.client_head("POST", "getEdoc", Some(""))).await.unwrap();
    let head = socket.head().await.unwrap();
    let mut left: usize = head.header("content-length").unwrap().parse().unwrap();
    let (mut digest, mut waiting) = (Context::new(&SHA256), Vec::new());
    let mut inside = false;
    while left > 0 {
        let piece = socket.some().await.unwrap();
        left -= piece.len();
        waiting.extend_from_slice(&piece);
        if let Some(at) = memchr::memmem::find(&waiting, b"\"data\":\"").filter(|_| !inside) {
            inside = true;
            waiting.drain(..at + 8);
        }
        if left == 0 {
            waiting.truncate(waiting.len() - 2);
        }
        // The two characters of the end may have come already.
        let ready = if left == 0 { waiting.len() } else { waiting.len().saturating_sub(2) / 4 * 4 };
        digest.update(&BASE64.decode(waiting.drain(..ready).collect::<Vec<_>>()).unwrap());
    }
    hex::encode(digest.finish().as_ref())
}

/// Whoever asks, in every way, gets what it is due: nothing, and the next one is served.
#[tokio::test]
async fn ids_that_lead_elsewhere_lead_nowhere() {
    let hub = TestHub::start().await;
    for id in [
        "..%2f..%2fhub.key",
        "%2e%2e",
        "%00",
        "a%00b",
        "%c3%28",
        "x%0d%0aSet-Cookie:%20a=b",
        "'%20OR%201=1",
        "%F0%9F%90%98",
    ] {
        let status = if id.contains("%00") { 400 } else { 404 };
        for path in ["deliveries/ID/content", "envelopes/ID", "agencies/ID"] {
            let reply = asked(&hub, &format!("/api/v1/{}", path.replace("ID", id))).await;

            assert_eq!(reply.status, status, "{path} {id}: {}", reply.text());
            assert!(reply.header("set-cookie").is_none() && reply.json()["code"].is_string());
        }
    }
}

#[tokio::test]
async fn a_nul_in_a_parameter_is_the_callers_fault() {
    let hub = TestHub::start().await;
    for path in ["/api/v1/mailbox?after=%00", "/api/v1/sent?id=%00", "/api/v1/agencies?after=a%00"] {
        let reply = asked(&hub, path).await;

        assert_eq!(reply.status, 400, "{path}: {}", reply.text());
    }
    let confirmed = confirm_with_nul(&hub).await;
    assert_eq!(confirmed.status, 400, "{}", confirmed.text());
    for (operation, parameters, body) in [
        ("getEdoc", json!({ "docId": "\0" }), "{}"),
        ("updateStatus", json!({ "docid": "a\0", "status": "done", "description": "\0" }), "{}"),
        ("deleteAgency", json!({ "AgencyCode": "\0" }), "{}"),
        ("registerAgency", json!({}), r#"{"code":"X99.N77","name":"a\u0000b"}"#),
        ("registerAgency", json!({}), r#"{"code":"X99.N77","name":"ab","pcode":"\u0000","mail":"\u0000"}"#),
    ] {
        let reply = signed(&hub, operation, &parameters, body).await;

        keeps_the_contract(&reply);
        let code = reply.json()["ErrorCode"].as_str().unwrap().to_owned();
        assert!(["10", "15"].contains(&code.as_str()), "{operation}: {code}");
    }
}

/// A call of the province without the plain copies of its parameters, which no header could hold.
async fn signed(hub: &TestHub, operation: &str, parameters: &serde_json::Value, body: &str) -> Reply {
    let system = hub.system("dms.province");
    let mut members = parameters.clone();
    members["systemid"] = json!(system.id);
    let (signed, length) = (members.to_string(), body.len());
    let signature = hmac_hex(&system.secret, signed.as_bytes());
    let request = format!(
        "POST /{operation} HTTP/1.1\r\nXroadVnpt-sign-header: {signed}\r\nXroadVnpt-hash-header: {signature}\r\n\
         Content-Length: {length}\r\nHost: x\r\n\r\n{body}"
    );
    let mut socket = Socket::open(hub.address).await;
    socket.send(request.as_bytes()).await.unwrap();
    socket.reply().await.expect("an answer")
}

async fn confirm_with_nul(hub: &TestHub) -> Answer {
    hub.post("dms.national", plain()).await;
    let id = hub.waiting("dms.province").await[0].clone();
    let request = hub.client.post(hub.url(&format!("/api/v1/deliveries/{id}/confirm")));
    let request = request.bearer_auth(hub.system("dms.province").bearer());
    Answer::of(request.json(&json!({ "status": "fail", "note": "a\0b" })).send().await.unwrap()).await
}

/// The answer to a GET of the national office whose path goes out as it is written.
async fn asked(hub: &TestHub, path: &str) -> Reply {
    let mut socket = Socket::open(hub.address).await;
    let token = hub.system("dms.national").bearer();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    socket.send(head.as_bytes()).await.unwrap();
    socket.reply().await.expect("an answer")
}
