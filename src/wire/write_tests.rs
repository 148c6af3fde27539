//! Tests of the writer: what is written reads back as the same.

use super::*;
use crate::config::Packets;
use crate::domain::envelope::{Content, Envelope};
use crate::wire::read;
use proptest::prelude::*;

fn envelope(bytes: &[u8]) -> (Envelope, read::Reading) {
    let reading = read::packet(bytes, &Packets::default(), &|| ()).unwrap();
    assert!(reading.whole && reading.violations.is_empty(), "{:?}", reading.violations);
    (Envelope::of(&reading.packet).unwrap(), reading)
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_226_400, 0).unwrap()
}

fn day(days: u16) -> NaiveDate {
    NaiveDate::from_ymd_opt(2000, 1, 1).unwrap() + chrono::Days::new(days.into())
}

/// Text as people write it, and worse; nothing at its ends that a reader would trim.
fn words(chars_max: usize) -> impl Strategy<Value = String> {
    let inner = prop::collection::vec(any::<char>().prop_filter("allowed in XML", |c| !forbidden(*c)), 0..chars_max);
    (inner.prop_map(|all| all.into_iter().collect::<String>()), "[a-zđ&<>]").prop_filter_map(
        "no end to trim",
        |(a, b)| {
            let text = format!("{b}{a}{b}");
            (text.trim() == text).then_some(text)
        },
    )
}

fn organ() -> impl Strategy<Value = OrganId> {
    "[A-Z][0-9]{2}(\\.[0-9]{1,4}){0,4}".prop_map(|code| OrganId::parse(&code).unwrap())
}

fn business() -> impl Strategy<Value = Business> {
    let target = || prop::option::of(words(30));
    prop_oneof![
        Just(Business::New),
        target().prop_map(|target| Business::Recall { target }),
        (target(), prop::collection::vec(organ(), 0..3), prop::collection::vec(organ(), 0..3))
            .prop_map(|(target, added, removed)| Business::Update { target, added, removed }),
        prop::collection::vec(words(30), 1..3).prop_map(|replaced| Business::Replacement { replaced }),
    ]
}

proptest! {
    #[test]
    fn a_status_packet_reads_back_as_written(
        from in organ(), other in organ(), name in words(80), document_id in words(80), code in words(80),
        issued_on in prop::option::of(any::<u16>()), number in 0_u8..100, description in words(300), seconds in any::<u32>(),
    ) {
        let status_code = StatusCode::parse(&number.to_string()).unwrap();
        let issued_on = issued_on.map(day);
        let written = StatusPacket {
            from: Party { organ_id: from.as_str(), name: &name },
            about: Mention { organ_id: other.as_str(), code: &code, document_id: &document_id, issued_on },
            status_code: &status_code,
            description: &description,
            at: DateTime::from_timestamp(seconds.into(), 0).unwrap(),
        };
        let mut bytes = Vec::new();
        written.write(&mut bytes).unwrap();

        let (read, reading) = envelope(&bytes);
        let Content::Status(status) = read.content else { panic!("no status") };
        prop_assert_eq!(read.sender, Some(from.clone()));
        prop_assert_eq!(reading.packet.text("MessageHeader.From.OrganName"), Some(name.as_str()));
        prop_assert_eq!(status.code, status_code.clone());
        prop_assert_eq!(status.description, description.clone());
        prop_assert_eq!(status.claimed_at, Some(written.at));
        prop_assert_eq!(status.about.organ_id, Some(other.clone()));
        prop_assert_eq!(status.about.code, code.clone());
        prop_assert_eq!(status.about.document_id, Some(document_id.clone()));
        prop_assert_eq!(status.about.issued_on, issued_on);
    }

    #[test]
    fn a_document_packet_reads_back_as_written(
        recipients in prop::collection::hash_set(organ(), 1..4), document_id in words(80), subject in words(300),
        urgency in 0_u8..5, business in business(), issued_on in any::<u16>(), due_on in prop::option::of(any::<u16>()),
        files in prop::collection::vec((words(80), prop::collection::vec(any::<u8>(), 0..20_000)), 0..3),
    ) {
        let recipients: Vec<OrganId> = recipients.into_iter().collect();
        let party = |id: &'static str| Party { organ_id: id, name: "Ủy ban nhân dân tỉnh Mẫu" };
        let answered = Mention { organ_id: "X99.A01", code: "1/QĐ", document_id: "d", issued_on: Some(day(1)) };
        let written = DocumentPacket {
            from: party("X99.B02"),
            to: recipients.iter().map(|id| Party { organ_id: id.as_str(), name: "Nơi nhận" }).collect(),
            document_id: &document_id,
            number: "12",
            notation: "UBND-VP",
            place: "Mẫu",
            issued_on: day(issued_on),
            type_name: "Công văn",
            subject: &subject,
            signer: "Nguyễn Văn A",
            due_on: due_on.map(day),
            urgency: Urgency::of_number(&urgency.to_string()),
            answers: vec![answered],
            business: business.clone(),
            reason: "lý do",
            at: at(),
        };
        let mut contents: Vec<&[u8]> = files.iter().map(|(_, content)| content.as_slice()).collect();
        let mut attachments: Vec<Attachment<'_>> = files.iter().zip(&mut contents)
            .map(|((name, _), content)| Attachment { name, content_type: "application/pdf", content }).collect();
        let mut bytes = Vec::new();
        written.write(&mut attachments, &mut bytes).unwrap();

        let (read, reading) = envelope(&bytes);
        let Content::Document(document) = read.content else { panic!("no document") };
        prop_assert_eq!(document.recipients, recipients.clone());
        prop_assert_eq!(document.document_id, document_id.clone());
        prop_assert_eq!(document.subject, subject.clone());
        prop_assert_eq!(document.urgency, written.urgency);
        prop_assert_eq!(document.business, business);
        prop_assert_eq!((document.issued_on, document.due_on), (Some(written.issued_on), written.due_on));
        prop_assert_eq!(document.answers.len(), 1);
        let names: Vec<&str> = reading.packet.all("Attachment.AttachmentName").map(|(_, n)| n.text.as_str()).collect();
        prop_assert_eq!(names, files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
        for ((_, content), read) in files.iter().zip(&reading.packet.attachments) {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
            prop_assert_eq!(read.content.as_ref().unwrap().sha256.0.as_slice(), digest.as_ref());
        }
    }
}

#[test]
fn what_is_too_long_is_cut_between_characters() {
    assert_eq!(fitted(&"ề".repeat(501), 500), format!("{}…", "ề".repeat(499)));
    assert_eq!(fitted(&"ề".repeat(500), 500), "ề".repeat(500));
    assert_eq!(fitted(" a\u{0}b\r\nc ", 9), "a b\nc");
}
