//! The same door through Java's own HttpURLConnection, which has habits that no imitation shows. Needs a JDK.

use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::sdk::Sdk;
use crate::support::sdk_reading::{self as reading, Told};
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// Whether a JDK is here; says so when not.
fn has_java() -> bool {
    let is_here = Command::new("javac").arg("-version").output().is_ok_and(|done| done.status.success());
    if !is_here {
        println!("NOT TESTED: there is no javac on this machine");
    }
    is_here
}

/// Sends a packet by Java; gives what the SDK makes of the answer.
async fn sent_by_java(hub: &TestHub, sdk: &mut Sdk, packet: &[u8]) -> Option<Told> {
    // What HttpURLConnection writes by itself.
    const OWN: [&str; 4] = ["Host", "Content-Length", "Connection", "Accept"];
    let request = sdk.send_request(&json!({ "from": "X99.A01", "messagetype": "edoc" }), packet);
    let head = memchr::memmem::find(&request, b"\r\n\r\n").unwrap();
    let head = String::from_utf8(request[..head].to_vec()).unwrap();
    let named = |line: &&str| line.split_once(": ").is_some_and(|(name, _)| !OWN.contains(&name));
    let headers: Vec<&str> = head.split("\r\n").filter(named).collect();
    let folder = tempfile::tempdir().unwrap();
    let (headers_file, packet_file) = (folder.path().join("headers"), folder.path().join("packet"));
    std::fs::write(&headers_file, headers.join("\n")).unwrap();
    std::fs::write(&packet_file, packet).unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/java/SendOnce.java");
    let mut java = Command::new("java");
    java.arg(program).arg(hub.url("/sendEdoc")).args([headers_file, packet_file]);

    let done = tokio::task::spawn_blocking(move || java.output().unwrap()).await.unwrap();

    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    let (status, body) = said.split_once('\n').unwrap();
    reading::sent(status.parse().unwrap(), body.trim_end().as_bytes())
}

#[tokio::test]
async fn java_sends_a_packet_and_reads_its_id() {
    if !has_java() {
        return;
    }
    let hub = TestHub::start().await;
    let packet = a_document("d1").attachment(vec![3; 500_000]).bytes();

    let told = sent_by_java(&hub, &mut hub.sdk("dms.national"), &packet).await.unwrap();

    let got = hub.sdk("dms.province").get(told.id()).await;
    assert_eq!(got.packet.unwrap(), packet);
}

#[tokio::test]
async fn java_reads_a_refusal_with_all_of_its_words() {
    if !has_java() {
        return;
    }
    let hub = TestHub::start().await;
    let mut stranger = hub.sdk("dms.national");
    stranger.secret = "wrong".to_owned();

    let packet = a_document("d1").to(&["X99.Z99"]).attachment(vec![3; 3_000_000]).bytes();
    let refused = sent_by_java(&hub, &mut hub.sdk("dms.national"), &packet).await.unwrap();
    let unknown = sent_by_java(&hub, &mut stranger, &packet).await.unwrap();

    assert_eq!((refused.code.as_deref(), refused.doc_id.as_deref()), (Some("18"), Some("")));
    assert!(refused.description.unwrap().contains("Nơi nhận"));
    assert_eq!((unknown.code.as_deref(), unknown.doc_id.as_deref()), (Some("15"), Some("")));
}
