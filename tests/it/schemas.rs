//! The schemas hold: inbound for every packet that the hub accepts, outbound for every packet that it writes.

use crate::support::TestHub;
use crate::support::packets::a_document;
use chrono::NaiveDate;
use docaxis::domain::agency::OrganId;
use docaxis::domain::envelope::{Business, Urgency};
use docaxis::domain::status::{STATUSES, StatusCode};
use docaxis::wire::write::{Attachment, DocumentPacket, Mention, Party, StatusPacket};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `xmllint` finds wrong with these files by that schema; empty when nothing is.
fn faults(schema: &str, files: &[PathBuf]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("xmllint");
    command.args(["--noout", "--nonet", "--schema"]).arg(root.join("schemas").join(schema)).args(files);
    let output = command.output().expect("xmllint is needed for this test: apt-get install libxml2-utils");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let valid = said.lines().filter(|line| line.ends_with(" validates")).count();
    if output.status.success() && valid == files.len() { String::new() } else { said }
}

fn faults_of_packets(schema: &str, packets: &[Vec<u8>]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let keep = |(number, packet): (usize, &Vec<u8>)| {
        let file = folder.path().join(format!("{number}.edxml"));
        std::fs::write(&file, packet).unwrap();
        file
    };
    let files: Vec<PathBuf> = packets.iter().enumerate().map(keep).collect();
    faults(schema, &files)
}

fn files_of(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_packet_of_another_standard_is_not_valid() {
    let other = a_document("d1").with("<Subject>", "<Nothing/><Subject>").bytes();

    let said = faults_of_packets("edxml-inbound.xsd", &[other]);

    assert!(said.contains("fails to validate"), "{said}");
}

#[test]
fn what_the_hub_accepts_is_valid_by_the_inbound_schema() {
    let files: Vec<PathBuf> = ["accepted", "statuses", "demo"].into_iter().flat_map(files_of).collect();

    assert_eq!(faults("edxml-inbound.xsd", &files), "");
}

#[tokio::test]
async fn the_answer_of_the_hub_to_a_recall_is_valid_by_both_schemas() {
    let hub = TestHub::start().await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    hub.accepted("dms.national", a_document("r1").recalling("d1").bytes()).await;

    let waiting = hub.waiting("dms.national").await;
    let answer = [hub.fetch("dms.national", &waiting[0]).await.body];

    assert_eq!(faults_of_packets("edxml-outbound.xsd", &answer), "");
    assert_eq!(faults_of_packets("edxml-inbound.xsd", &answer), "");
}

const AT: &str = "2026-11-21T09:00:00+07:00";

fn document(business: Business) -> DocumentPacket<'static> {
    let day = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
    DocumentPacket {
        from: Party { organ_id: "X99.A01", name: "Văn phòng Thử nghiệm <Trung ương> & các đơn vị" },
        to: vec![Party { organ_id: "X99.B02", name: "Tỉnh Mẫu" }, Party { organ_id: "000.00.03.X99", name: "Xã Mẫu" }],
        document_id: "X99.A01,2026/11/20,1/VP-TN",
        number: "1",
        notation: "VP-TN",
        place: "Hà Nội",
        issued_on: day,
        type_name: "Công văn",
        subject: "V/v thử nghiệm",
        signer: "Nguyễn Văn A",
        due_on: Some(day),
        urgency: Urgency::Express,
        answers: vec![Mention { organ_id: "X99.B02", code: "7/UBND", document_id: "d0", issued_on: Some(day) }],
        business,
        reason: "lý do",
        at: AT.parse().unwrap(),
    }
}

#[test]
fn written_documents_are_valid_by_both_schemas() {
    let organ = |code: &str| OrganId::parse(code).unwrap();
    let target = Some("d0".to_owned());
    let kinds = [
        Business::New,
        Business::Recall { target: target.clone() },
        Business::Recall { target: None },
        Business::Update { target: target.clone(), added: Vec::new(), removed: Vec::new() },
        Business::Update { target, added: vec![organ("X99.C03")], removed: vec![organ("X99.B02")] },
        Business::Replacement { replaced: vec!["d0".to_owned(), "d00".to_owned()] },
    ];

    let write = |business| {
        let (mut content, mut bytes): (&[u8], Vec<u8>) = (b"noi dung", Vec::new());
        let mut attachments =
            [Attachment { name: "Tệp & 1.pdf", content_type: "application/pdf", content: &mut content }];
        document(business).write(&mut attachments, &mut bytes).unwrap();
        bytes
    };
    let packets: Vec<Vec<u8>> = kinds.into_iter().map(write).collect();

    assert_eq!(faults_of_packets("edxml-outbound.xsd", &packets), "");
    assert_eq!(faults_of_packets("edxml-inbound.xsd", &packets), "");
}

#[test]
fn written_statuses_are_valid_by_both_schemas() {
    let long = "ề".repeat(3000);
    let issued_on = NaiveDate::from_ymd_opt(2026, 11, 20);
    let write = |code: &str| {
        let mut bytes = Vec::new();
        let packet = StatusPacket {
            from: Party { organ_id: "X99.B02", name: &long },
            about: Mention { organ_id: "X99.A01", code: &long, document_id: "d0", issued_on },
            status_code: &StatusCode::parse(code).unwrap(),
            description: &long,
            at: AT.parse().unwrap(),
        };
        packet.write(&mut bytes).unwrap();
        bytes
    };

    let packets: Vec<Vec<u8>> = STATUSES.iter().map(|entry| write(entry.code)).collect();

    assert_eq!(faults_of_packets("edxml-outbound.xsd", &packets), "");
    assert_eq!(faults_of_packets("edxml-inbound.xsd", &packets), "");
}
