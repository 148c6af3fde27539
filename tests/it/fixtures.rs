//! Every packet of `fixtures/` is a test: the hub answers it as its row in `index.tsv` says. Codes that need a
//! packet too large to keep, or another directory, are answered to packets made here.

use crate::preflight;
use crate::support::packets::{Packet, a_document};
use crate::support::{Answer, TestHub, add_system, fixture};
use docaxis::domain::directory::{Codes, Column, Entry};
use docaxis::domain::rules::{Class, catalogue, sample};
use docaxis::exchange::accept::{Door, Submission, Verdict, accept};
use docaxis::exchange::act::By;
use docaxis::exchange::directory;
use docaxis::exchange::keys::{self, Credential};
use futures_util::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Hubs that run at once.
const GROUP: usize = 4;

struct Row {
    file: String,
    system: String,
    expect: String,
    after: Vec<String>,
}

fn rows() -> Vec<Row> {
    let text = String::from_utf8(fixture("index.tsv")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [file, system, expect, after, _] = cells.as_slice() else { panic!("{line}") };
        let after = after.split(',').filter(|file| *file != "-").map(str::to_owned).collect();
        Row { file: (*file).to_owned(), system: (*system).to_owned(), expect: (*expect).to_owned(), after }
    };
    text.lines().skip(1).map(row).collect()
}

async fn post(hub: &TestHub, rows: &[Row], file: &str) -> Answer {
    let row = rows.iter().find(|row| row.file == file).unwrap_or_else(|| panic!("{file} has no row"));
    hub.post(&row.system, fixture(file)).await
}

/// What a refusal must leave alone, and what it must add to.
async fn trace(hub: &TestHub) -> (i64, i64, i64) {
    let tables = ["envelopes", "deliveries", "payloads", "attachments", "document_links", "status_reports"];
    let sum: Vec<String> = tables.iter().map(|table| format!("(SELECT count(*) FROM {table})")).collect();
    let rejections = "SELECT count(*) FROM evidence WHERE event = 'SubmissionRejection'";
    (
        hub.count(&format!("SELECT {}", sum.join(" + "))).await,
        hub.count("SELECT count(*) FROM evidence").await,
        hub.count(rejections).await,
    )
}

fn status_of(code: &str) -> u16 {
    let entry = catalogue().into_iter().find(|entry| entry.code == code).unwrap_or_else(|| panic!("{code}"));
    let special = [(Class::SenderNotRegistered, 403), (Class::Conflict, 409)];
    special.iter().find(|(class, _)| *class == entry.class).map_or(422, |(_, status)| *status)
}

/// Posts what the row needs and the row's own packet; says what is not as the row says.
async fn judge(hub: &TestHub, rows: &[Row], row: &Row) -> Option<String> {
    for before in &row.after {
        let answer = post(hub, rows, before).await;
        assert_eq!(answer.status, 201, "{} before {}: {}", before, row.file, answer.text());
    }
    let (kept, evidence, rejections) = trace(hub).await;
    let told = hub.check(&row.system, fixture(&row.file)).await;
    // Of a state secret even a check leaves evidence.
    let secrets = i64::from(row.expect == "M.StateSecret");
    assert_eq!(trace(hub).await, (kept, evidence + secrets, rejections + secrets), "{} was only checked", row.file);
    let (evidence, rejections) = (evidence + secrets, rejections + secrets);
    let answer = post(hub, rows, &row.file).await;
    preflight::assert_same(&told, &answer);
    let as_expected = match row.expect.as_str() {
        "accepted" => answer.status == 201,
        "repeat" => answer.status == 200 && trace(hub).await == (kept, evidence, rejections),
        code => {
            let refused = (answer.status, answer.codes()) == (status_of(code), vec![code.to_owned()]);
            refused && trace(hub).await == (kept, evidence + 1, rejections + 1)
        }
    };
    (!as_expected).then(|| format!("{} ({}): {} {}", row.file, row.expect, answer.status, answer.text()))
}

#[tokio::test]
async fn a_packet_that_needs_no_other_is_answered_as_its_row_says() {
    let hub = TestHub::start().await;
    let rows = rows();

    let mut wrong = Vec::new();
    for row in rows.iter().filter(|row| row.after.is_empty()) {
        wrong.extend(judge(&hub, &rows, row).await);
    }

    assert_eq!(wrong, Vec::<String>::new());
}

// Starting and ending a hub blocks its thread: each of the group has one of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_packet_that_follows_others_is_answered_as_its_row_says() {
    let rows = Arc::new(rows());
    let chained = (0..rows.len()).filter(|number| !rows[*number].after.is_empty());

    let on_its_own_hub = |number: usize| {
        let rows = rows.clone();
        tokio::spawn(async move {
            let hub = TestHub::start().await;
            let wrong = judge(&hub, &rows, &rows[number]).await;
            hub.stop().await;
            wrong
        })
    };
    let judged = stream::iter(chained).map(on_its_own_hub).buffer_unordered(GROUP);
    let judged: Vec<_> = judged.collect().await;
    let wrong: Vec<String> = judged.into_iter().filter_map(Result::unwrap).collect();

    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_packet_has_a_row_and_every_row_a_packet() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut files = BTreeSet::new();
    for kind in ["accepted", "statuses", "refused", "demo"] {
        for entry in std::fs::read_dir(folder.join(kind)).unwrap() {
            files.insert(format!("{kind}/{}", entry.unwrap().file_name().to_str().unwrap()));
        }
    }

    let named: Vec<String> = rows().into_iter().map(|row| row.file).collect();

    assert_eq!(named.len(), named.iter().collect::<BTreeSet<_>>().len(), "a file has two rows");
    assert_eq!(files, named.into_iter().collect());
}

#[test]
fn every_code_is_answered_to_a_fixture_or_to_a_generated_packet() {
    let rows = rows();
    let generated: Vec<&str> =
        generated().iter().map(|(_, code, _)| *code).chain(ELSEWHERE.map(|(code, _)| code)).collect();

    let is_shown = |code: &String| {
        let file = sample(code).unwrap_or_default();
        rows.iter().any(|row| row.file == file && row.expect == *code) != generated.contains(&code.as_str())
    };
    let codes = catalogue().into_iter().map(|entry| entry.code).filter(|code| !code.starts_with("W."));
    let missing: Vec<String> = codes.filter(|code| !is_shown(code)).collect();

    assert_eq!(missing, Vec::<String>::new(), "neither in index.tsv nor generated, or both");
}

/// Codes that a posted packet alone does not bring about, and the test that shows what does.
const ELSEWHERE: [(&str, &str); 6] = [
    ("M.Packet.Damaged", "fixtures::a_packet_that_does_not_match_its_digest_is_refused_as_damaged"),
    ("M.Packet.TooLarge", "accept::a_packet_over_the_limit_is_refused_by_its_size_alone"),
    ("M.Relay.Head", "relay::what_a_neighbour_says_beside_a_packet_is_judged"),
    ("M.Relay.Loop", "relay::what_a_neighbour_says_beside_a_packet_is_judged"),
    ("M.Relay.Recipient", "relay::what_a_neighbour_says_beside_a_packet_is_judged"),
    ("R.Relay.Hops", "relay::what_a_neighbour_says_beside_a_packet_is_judged"),
];

#[tokio::test]
async fn generated_packets_are_refused_with_exactly_their_code() {
    let hub = TestHub::start_with(|config| {
        config.packets.recipients_max = 1;
        config.packets.attachments_max = 1;
        config.packets.elements_max = 60;
    });
    let hub = hub.await;
    for (code, column, day) in
        [("X99.J10", Column::ValidFrom, "2099-01-01"), ("X99.K11", Column::ValidUntil, "2026-10-31")]
    {
        let entry = Entry::about(code).with(Column::Name, "Sở có thời hạn").with(column, day);
        directory::put_agency(&hub.hub, &By::Operator, entry, Codes::Rest).await.unwrap();
    }
    let held = ["X99.D04", "X99.J10", "X99.K11"].map(str::to_owned).to_vec();
    add_system(&hub.hub, "dms.national", None, held).await;

    let mut wrong = Vec::new();
    for (system, code, packet) in generated() {
        let told = hub.check(system, packet.bytes()).await;
        let answer = hub.post(system, packet.bytes()).await;
        preflight::assert_same(&told, &answer);
        if (answer.status, answer.codes()) != (status_of(code), vec![code.to_owned()]) {
            wrong.push(format!("{code}: {} {}", answer.status, answer.text()));
        }
    }

    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn generated_packets_lie_among_the_fixtures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/generated");
    let files = generated().into_iter().map(|(_, code, packet)| (format!("{code}.edxml"), packet.bytes()));
    let files: BTreeMap<String, Vec<u8>> = files.collect();
    if std::env::var_os("DOCAXIS_WRITE_FIXTURES").is_some() {
        files.iter().for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes).unwrap());
    }

    let there = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
    let there = there.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()));

    assert!(there.collect::<BTreeMap<_, _>>() == files, "fixtures/generated is not current: run `make fixtures`");
}

/// A system, a code, and a packet that the hub refuses with that code alone when it posts it.
fn generated() -> Vec<(&'static str, &'static str, Packet)> {
    let long = |characters: usize| "9".repeat(characters);
    let of = |inner: String| a_document("d1").business(&inner);
    let update = |inner: String| {
        of(format!("<BussinessDocType>2</BussinessDocType><BussinessDocumentInfo>{inner}</BussinessDocumentInfo>"))
    };
    let replacement = |inner: &str| {
        of(format!(
            "<BussinessDocType>3</BussinessDocType><ReplacementInfoList><ReplacementInfo>{inner}</ReplacementInfo>\
             </ReplacementInfoList>"
        ))
    };
    let replaced_by = |code: &str| {
        replacement(&format!("<DocumentId>d0</DocumentId><OrganIdList><OrganId>{code}</OrganId></OrganIdList>"))
    };
    let mut packets = vec![
        ("dms.national", "M.MessageHeader.From.Closed", a_document("d1").from("X99.D04")),
        ("dms.province", "M.MessageHeader.From.Suspended", a_document("d1").from("X99.E05")),
        ("dms.national", "M.MessageHeader.From.NotYetValid", a_document("d1").from("X99.J10")),
        ("dms.national", "M.MessageHeader.From.NoLongerValid", a_document("d1").from("X99.K11")),
        ("dms.national", "M.MessageHeader.To.NotYetValid", a_document("d1").to(&["X99.J10"])),
        ("dms.national", "M.MessageHeader.To.NoLongerValid", a_document("d1").to(&["X99.K11"])),
    ];
    let national = [
        ("M.Packet.StrayText", a_document("d1").with("</Code>", "</Code>chữ thừa")),
        (
            "R.Packet.Elements",
            a_document("d1").with("<TraceHeader>", &format!("{}<TraceHeader>", "<TraceHeader/>".repeat(60))),
        ),
        ("R.MessageHeader.To", a_document("d1").to(&["X99.B02", "X99.C03"])),
        ("R.MessageHeader.ResponseFor.OrganId", a_document("d1").answering(&long(36), "d0")),
        ("M.TraceHeaderList.Bussiness.Paper", of("<Paper>7</Paper>".to_owned())),
        ("R.TraceHeaderList.Bussiness.DocumentId", of(format!("<DocumentId>{}</DocumentId>", long(201)))),
        (
            "R.TraceHeaderList.Bussiness.BussinessDocumentInfo.DocumentInfo",
            update(format!("<DocumentInfo>{}</DocumentInfo>", long(2001))),
        ),
        (
            "R.TraceHeaderList.Bussiness.BussinessDocumentInfo.DocumentReceiver",
            update(format!("<DocumentReceiver>{}</DocumentReceiver>", long(2001))),
        ),
        (
            "R.TraceHeaderList.Bussiness.ReplacementInfo.DocumentId",
            replacement(&format!("<DocumentId>{}</DocumentId>", long(201))),
        ),
        ("R.TraceHeaderList.Bussiness.ReplacementInfo.OrganId", replaced_by(&long(36))),
        ("M.TraceHeaderList.Bussiness.ReplacementInfo.OrganId", replaced_by("X99/B02")),
    ];
    packets.extend(
        national.into_iter().chain(generated_attachments()).map(|(code, packet)| ("dms.national", code, packet)),
    );
    packets
}

fn generated_attachments() -> Vec<(&'static str, Packet)> {
    let long = |characters: usize| "9".repeat(characters);
    let in_manifest = |put: &str| {
        a_document("d1").with("</AttachmentName></Reference>", &format!("</AttachmentName>{put}</Reference>"))
    };
    let in_attachment =
        |put: &str| a_document("d1").with("<ContentTransferEncoded>", &format!("{put}<ContentTransferEncoded>"));
    let kind = "<ContentType>application/octet-stream</ContentType>";
    let reference = "<Reference><ContentId>1</ContentId><AttachmentName>b</AttachmentName></Reference>";
    let second = "<Attachment><ContentId>2</ContentId><AttachmentName>b</AttachmentName>\
                  <ContentTransferEncoded>YQ==</ContentTransferEncoded></Attachment></AttachmentEncoded>";
    // With `cid:` on one side only, one side alone is over the limit and both still match.
    let ids = |reference: &str, attachment: &str| {
        a_document("d1")
            .with("<Reference><ContentId>cid:1", &format!("<Reference><ContentId>{reference}{}", long(197)))
            .with("<Attachment><ContentId>cid:1", &format!("<Attachment><ContentId>{attachment}{}", long(197)))
    };
    vec![
        (
            "M.Manifest.AttachmentName",
            a_document("d1").with("tep.bin</AttachmentName></Reference>", "../b</AttachmentName></Reference>"),
        ),
        ("M.Manifest.Repeated", a_document("d1").with("</edXMLManifest>", &format!("{reference}</edXMLManifest>"))),
        ("R.Manifest.ContentId", ids("cid:", "")),
        ("R.Manifest.ContentType", in_manifest(&format!("<ContentType>{}</ContentType>", long(201)))),
        ("R.Manifest.Description", in_manifest(&format!("<Description>{}</Description>", long(2001)))),
        ("R.Attachment.ContentId", ids("", "cid:")),
        ("R.Attachment.ContentType", a_document("d1").with(kind, &format!("<ContentType>{}</ContentType>", long(201)))),
        ("R.Attachment.Description", in_attachment(&format!("<Description>{}</Description>", long(2001)))),
        (
            "R.Attachment.Count",
            a_document("d1")
                .with("</AttachmentEncoded>", second)
                .with("</edXMLManifest>", &format!("{}</edXMLManifest>", reference.replace(">1<", ">2<"))),
        ),
    ]
}

#[tokio::test]
async fn a_packet_that_does_not_match_its_digest_is_refused_as_damaged() {
    let hub = TestHub::start().await;
    let bearer = hub.system("dms.national").bearer();
    let caller = keys::authenticate(&hub.hub, Credential::Bearer(&bearer), None).await.unwrap();
    let hash_file = Some("0".repeat(64));
    let submission = Submission { caller, door: Door::Sdk, addressees: Vec::new(), hash_file, relay: None };

    let body = stream::iter([Ok(bytes::Bytes::from(a_document("d1").bytes()))]);
    let verdict = accept(&hub.hub, submission, body).await.unwrap();

    let Verdict::Rejected(rejection) = verdict else { panic!("{verdict:?}") };
    let codes: Vec<&str> = rejection.violations.iter().map(|violation| violation.code.as_str()).collect();
    assert_eq!(codes, ["M.Packet.Damaged"]);
}
