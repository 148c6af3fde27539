//! Tests of the reader: hostile packets, and the laws that hold for any bytes.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use std::cell::Cell;
use std::io::{BufReader, Cursor, Read, Write};
use zip::write::{SimpleFileOptions, ZipWriter};

fn limits() -> Packets {
    Packets::default()
}

/// Reads, and makes sure that every byte was taken.
fn read(bytes: &[u8]) -> Reading {
    read_in_pieces(bytes, 1 << 16)
}

fn read_in_pieces(bytes: &[u8], piece: usize) -> Reading {
    struct Tap<'a>(BufReader<&'a [u8]>, &'a Cell<usize>);
    impl Read for Tap<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0.read(into)
        }
    }
    impl BufRead for Tap<'_> {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            self.0.fill_buf()
        }
        fn consume(&mut self, amount: usize) {
            self.1.set(self.1.get() + amount);
            self.0.consume(amount);
        }
    }
    let taken = Cell::new(0);
    let tap = Tap(BufReader::with_capacity(piece, bytes), &taken);
    let reading = packet(tap, &limits(), &|| ()).unwrap();
    assert_eq!(taken.get(), bytes.len(), "not read to the end");
    reading
}

fn codes(bytes: &[u8]) -> Vec<String> {
    read(bytes).violations.into_iter().map(|v| v.code).collect()
}

fn envelope(header: &str, rest: &str) -> String {
    format!(
        "<edXML xmlns=\"{NAMESPACE}\"><edXMLEnvelope><edXMLHeader><MessageHeader>{header}</MessageHeader>\
         </edXMLHeader></edXMLEnvelope>{rest}</edXML>"
    )
}

fn attached(name: &str, content_type: &str, content: &str) -> String {
    let attachment = format!(
        "<AttachmentEncoded><Attachment><AttachmentName>{name}</AttachmentName><ContentTransferEncoded>{content}\
         </ContentTransferEncoded><ContentType>{content_type}</ContentType></Attachment></AttachmentEncoded>"
    );
    envelope("", &attachment)
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Writes another name over the first place where a name stands: the local header.
fn renamed_in_local_header(mut zip: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let at = zip.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
    zip[at..at + to.len()].copy_from_slice(to.as_bytes());
    zip
}

fn with_zip(name: &str, zip: &[u8]) -> String {
    attached(name, "application/zip", &STANDARD.encode(zip))
}

/// Checks that reading each packet ends with its code.
fn each_ends_with(cases: Vec<(&str, Vec<u8>, &str)>) {
    for (what, bytes, code) in cases {
        assert_eq!(codes(&bytes).last().map(String::as_str), Some(code), "{what}");
    }
}

fn whole() -> String {
    subject("Về việc họp")
}

fn subject(text: &str) -> String {
    envelope(&format!("<Subject>{text}</Subject>"), "")
}

/// The whole packet with something in the tag of its subject.
fn in_tag(attributes: &str) -> Vec<u8> {
    whole().replace("<Subject>", &format!("<Subject {attributes}>")).into()
}

/// A packet with one byte in the place of `~`.
fn with_byte(packet: &str, byte: u8) -> Vec<u8> {
    packet.bytes().map(|b| if b == b'~' { byte } else { b }).collect()
}

#[test]
fn what_is_not_well_formed_is_not_xml() {
    let whole = whole();
    let cut = |bytes: usize| whole.as_bytes()[..bytes].to_vec();
    let endless = "<AttachmentEncoded><Attachment><ContentTransferEncoded>QUJD";
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("only a comment", b"<!-- nothing -->".to_vec()),
        ("only text", b"hello".to_vec()),
        ("truncated", cut(whole.len() - 9)),
        ("cut inside a character", cut(whole.find('ề').unwrap() + 1)),
        ("two roots", whole.repeat(2).into()),
        ("text behind the root", format!("{whole}x").into()),
        ("junk before the declaration", format!("1212<?xml version='1.0'?>{whole}").into()),
        ("blank before the declaration", format!(" <?xml version='1.0'?>{whole}").into()),
        ("mismatched tag", whole.replace("</Subject>", "</Subjekt>").into()),
        ("NUL", subject("a\0b").into()),
        ("NUL by reference", subject("&#0;").into()),
        ("control character in base64", attached("a", "b", "QUJD\u{1}").into()),
        ("U+FFFF", subject("\u{FFFF}").into()),
        ("& alone", subject("a & b").into()),
        ("duplicate attributes", in_tag("a='1' a='2'")),
        ("duplicate under two prefixes", in_tag("xmlns:a='x' xmlns:b='x' a:c='1' b:c='2'")),
        ("undeclared prefix", in_tag("xlink:href='a'")),
        ("undeclared prefix of an element", subject("<x:a/>").into()),
        ("]]> in text", subject("a]]>b").into()),
        ("-- in a comment", subject("<!-- a -- b -->").into()),
        ("CDATA without its end", attached("a", "b", "<![CDATA[QUJD").into()),
        ("base64 without its end", envelope("", "").replace("</edXML>", endless).into()),
    ];

    each_ends_with(cases.into_iter().map(|(what, bytes)| (what, bytes, "M.Packet.NotXml")).collect());
}

#[test]
fn hostile_bytes_are_told_by_kind() {
    let whole = whole();
    let deep = format!("{}{}", "<a>".repeat(1000), "</a>".repeat(1000));
    let entities = |n: u8| format!("<!ENTITY a{n} \"{}\">", "&a;".repeat(10));
    let laughs = format!("<!DOCTYPE edXML [{}]>{whole}", (0..9).map(entities).collect::<String>());
    let external = format!("<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{}", subject("&e;"));
    let utf16 = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [0xFE, 0xFF].into_iter().chain(whole.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let declared = format!("<?xml version='1.0' encoding='windows-1258'?>{whole}");
    let many = |form: &str| (0..200).map(|n| form.replace('#', &n.to_string())).collect::<String>();

    each_ends_with(vec![
        ("nothing", Vec::new(), "M.Packet.Empty"),
        ("only white space", b"\xEF\xBB\xBF \r\n".to_vec(), "M.Packet.Empty"),
        ("1,000 levels", envelope(&deep, "").into(), "R.Packet.Depth"),
        ("60,000 elements", envelope(&"<ResponseFor/>".repeat(60_000), "").into(), "R.Packet.Elements"),
        ("1,001 recipients", envelope(&"<To/>".repeat(1_001), "").into(), "R.MessageHeader.To"),
        ("attribute of 1 MB", in_tag(&format!("a='{}'", "x".repeat(1 << 20))), "R.Packet.Token"),
        ("text of 1 MB", subject(&"x".repeat(1 << 20)).into(), "R.Packet.Token"),
        ("text of 1 MB in pieces", subject(&"x<!---->&amp;".repeat(1 << 16)).into(), "R.Packet.Token"),
        ("200 attributes", in_tag(&many(" a#=''")), "R.Packet.Attributes"),
        ("200 namespaces", in_tag(&many(" xmlns:a#='x'")), "R.Packet.Attributes"),
        ("DOCTYPE", format!("<!DOCTYPE edXML>{whole}").into(), "M.Packet.Doctype"),
        ("billion laughs", laughs.into(), "M.Packet.Doctype"),
        ("external entity", external.into(), "M.Packet.Doctype"),
        ("endless DOCTYPE", format!("<!DOCTYPE a [{}", "<!ENTITY a 'b'>".repeat(10_000)).into(), "M.Packet.Doctype"),
        ("entity in text", subject("&nbsp;").into(), "M.Packet.Entity"),
        ("entity in an attribute", in_tag("a='&nbsp;'"), "M.Packet.Entity"),
        ("UTF-16", utf16, "M.Packet.Encoding"),
        ("UTF-16 with a mark", marked, "M.Packet.Encoding"),
        ("declared windows-1258", declared.into(), "M.Packet.Encoding"),
        ("invalid UTF-8 in text", with_byte(&subject("a~b"), 0xFF), "M.Packet.Encoding"),
        ("invalid UTF-8 in a comment", with_byte(&subject("<!--~-->"), 0xFF), "M.Packet.Encoding"),
        ("invalid UTF-8 in base64", with_byte(&attached("a", "b", "QUJD~"), 0xFF), "M.Packet.Encoding"),
        ("character cut by markup", with_byte(&attached("a", "b", "QUJD~"), 0xE1), "M.Packet.Encoding"),
    ]);
}

#[test]
fn what_stands_in_the_wrong_place_is_told_by_kind() {
    let root = |inside: &str| format!("<edXML xmlns='{NAMESPACE}'>{inside}</edXML>").into_bytes();
    let header = |inside: &str| envelope(inside, "").into_bytes();

    each_ends_with(vec![
        ("old namespace", whole().replace(NAMESPACE, "http://www.go.vn/eDoc").into(), "M.Packet.Namespace"),
        ("another root", format!("<a xmlns='{NAMESPACE}'/>").into(), "M.Packet.Namespace"),
        ("no envelope", root(""), "N.edXMLEnvelope"),
        ("no header", root("<edXMLEnvelope/>"), "N.edXMLEnvelope.edXMLHeader"),
        ("no message header", root("<edXMLEnvelope><edXMLHeader/></edXMLEnvelope>"), "N.MessageHeader"),
        ("another element", header("<Author/>"), "M.Packet.UnknownElement"),
        ("of another namespace", header("<Subject xmlns=''/>"), "M.Packet.UnknownElement"),
        ("twice", header("<Subject/><Subject/>"), "M.Packet.RepeatedElement"),
        ("both spellings", header("<From><OrganInCharge/><OrganizationInCharge/></From>"), "M.Packet.BothSpellings"),
        ("text between elements", header("<From>a<OrganId/>b</From>"), "M.Packet.StrayText"),
    ]);
}

#[test]
fn attachments_that_cannot_be_used_are_told_by_kind() {
    let bomb = zipped(&[("a.txt", &vec![b'0'; 4 << 20])]);
    let many: Vec<(String, &[u8])> = (0..1001).map(|n| (format!("{n}"), &b"a"[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    let two_names = renamed_in_local_header(zipped(&[("good.txt", b"a")]), "good.txt", "evil.txt");
    let mut broken = zipped(&[("a.txt", b"content that is checked by its sum")]);
    broken[40] ^= 0x55;
    let good = zipped(&[("a.txt", b"content")]);
    let cases: Vec<(&str, String, &str)> = vec![
        ("template residue", attached("a", "b", "${content}"), "M.Attachment.Encoding"),
        ("group cut short", attached("a", "b", "QUJDR"), "M.Attachment.Encoding"),
        ("padding inside", attached("a", "b", "QQ==QQ=="), "M.Attachment.Encoding"),
        ("letters beyond ASCII", attached("a", "b", "QUJDđQUJD"), "M.Attachment.Encoding"),
        ("a reference", attached("a", "b", "QU&#74;D"), "M.Attachment.Encoding"),
        ("a comment", attached("a", "b", "QU<!-- -->JD"), "M.Attachment.Encoding"),
        ("CDATA with more in it", attached("a", "b", "<![CDATA[QU]JD]]>"), "M.Attachment.Encoding"),
        ("bomb", with_zip("a.txt", &bomb), "R.Attachment.Zip"),
        ("too many members", with_zip("a.zip", &zipped(&many)), "R.Attachment.Zip"),
        ("out of the folder", with_zip("a.zip", &zipped(&[("../a", b"a")])), "M.Attachment.Zip"),
        ("absolute", with_zip("a.zip", &zipped(&[("/etc/a", b"a")])), "M.Attachment.Zip"),
        ("drive", with_zip("a.zip", &zipped(&[("C:a", b"a")])), "M.Attachment.Zip"),
        ("backslash", with_zip("a.zip", &zipped(&[("a\\b", b"a")])), "M.Attachment.Zip"),
        ("control character", with_zip("a.zip", &zipped(&[("a\nb", b"a")])), "M.Attachment.Zip"),
        ("two names", with_zip("a.zip", &two_names), "M.Attachment.Zip"),
        ("broken", with_zip("a.zip", &broken), "M.Attachment.Zip"),
        ("cut short", with_zip("a.zip", &good[..good.len() - 4]), "M.Attachment.Zip"),
        ("by name only", attached("a.ZIP", "b", &STANDARD.encode(&two_names)), "M.Attachment.Zip"),
        ("by type only", attached("a.doc", "Application/ZIP", &STANDARD.encode(&two_names)), "M.Attachment.Zip"),
    ];

    for (what, packet, code) in cases {
        assert_eq!(codes(packet.as_bytes()), [code], "{what}");
    }
    let symlink = {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_symlink("a", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        writer.finish().unwrap().into_inner()
    };
    assert_eq!(codes(with_zip("a.zip", &symlink).as_bytes()), ["M.Attachment.Zip"]);
}

#[test]
fn what_nobody_unzips_is_no_bomb() {
    let bomb = STANDARD.encode(zipped(&[("a.txt", &vec![b'0'; 4 << 20])]));
    let docx = attached("a.docx", "application/doc", &bomb);
    let small = with_zip("a.txt", &zipped(&[("a.txt", &[b'0'; 1 << 19])]));

    assert_eq!(codes(docx.as_bytes()), [""; 0]);
    assert_eq!(codes(small.as_bytes()), [""; 0]);
}

#[test]
fn many_small_zips_may_grow_no_more_than_one() {
    let half_a_megabyte = STANDARD.encode(zipped(&[("a.txt", &[b'0'; 1 << 19])]));
    let two_megabytes = STANDARD.encode(zipped(&[("a.txt", &vec![b'0'; 2 << 20])]));
    let packet = |content: &str, number: usize| {
        let one = attached("a.zip", "application/zip", content);
        let (start, end) = (one.find("<Attachment>").unwrap(), one.rfind("</Attachment>").unwrap() + 13);
        format!("{}{}{}", &one[..start], one[start..end].repeat(number), &one[end..])
    };

    assert_eq!(codes(packet(&half_a_megabyte, 2).as_bytes()), [""; 0]);
    assert_eq!(codes(packet(&half_a_megabyte, 3).as_bytes()), ["R.Attachment.Zip"]);
    assert_eq!(codes(packet(&two_megabytes, 3).as_bytes()), ["R.Attachment.Zip"; 3]);
}

#[test]
fn the_member_of_a_file_zipped_in_transit_is_known() {
    let unzipped = |packet: String| read(packet.as_bytes()).packet.attachments[0].content.clone().unwrap().unzipped;
    let member = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"content");
    let zip = zipped(&[("x", b"content")]);

    assert_eq!(unzipped(with_zip("a.txt", &zip)).unwrap().0, member.as_ref());
    assert_eq!(unzipped(with_zip("a.zip", &zip)), None);
    assert_eq!(unzipped(attached("a.txt", "text/plain", &STANDARD.encode(&zip))), None);
    assert_eq!(unzipped(with_zip("a.txt", &zipped(&[("x", b"a"), ("y", b"b")]))), None);
}

#[test]
fn texts_are_joined_trimmed_and_placed() {
    let header = "\n<To><OrganId>A</OrganId></To><To>\n <OrganId> B&amp;<![CDATA[<C>]]>&#x110;\r\n.\r <!-- x -->D\n</OrganId></To>";
    let reading = read(envelope(header, "").as_bytes());

    let (id, node) = reading.packet.all("MessageHeader.To.OrganId").nth(1).unwrap();
    assert_eq!(node.text, "B&<C>Đ\n.\n D");
    assert_eq!(reading.packet.place(id), "MessageHeader/To[2]/OrganId");
    assert!(reading.whole && reading.violations.is_empty());
}

#[test]
fn names_are_expanded_names() {
    let packet = format!(
        "\u{FEFF}<?xml version='1.0' encoding='utf-8'?><x:edXML xmlns:x='{NAMESPACE}' xmlns:l='{LINKS}'><x:edXMLEnvelope>\
         <e:edXMLHeader xmlns:e='{NAMESPACE}'><MessageHeader xmlns='{NAMESPACE}'><x:Subject>S</x:Subject></MessageHeader>\
         <s:Signature xmlns:s='{SIGNATURES}'><s:a>free</s:a></s:Signature><x:Signature><x:b/></x:Signature>\
         </e:edXMLHeader><x:edXMLBody><x:Manifest><x:Reference l:href='cid:&#49;'/></x:Manifest></x:edXMLBody>\
         </x:edXMLEnvelope></x:edXML>"
    );
    let reading = read(packet.as_bytes());

    assert_eq!(reading.violations, []);
    assert_eq!(reading.packet.text("MessageHeader.Subject"), Some("S"));
    assert_eq!(reading.packet.first("Manifest.Reference").unwrap().1.href.as_deref(), Some("cid:1"));
}

#[test]
fn places_name_the_way_to_the_fault() {
    let place = |packet: String| read(packet.as_bytes()).violations[0].place.clone();
    let two = "<To/><To><Nickname/></To>";

    assert_eq!(place(envelope(two, "")), "MessageHeader/To[2]/Nickname");
    assert_eq!(place(envelope("", "<Extra/>")), "Extra");
    assert_eq!(place(attached("a", "b", "#")), "Attachment[1]/ContentTransferEncoded");
}

#[test]
fn a_packet_of_nothing_but_faults_is_not_read_to_its_end() {
    let reading = read(envelope(&"<Author/>".repeat(10_000), "").as_bytes());

    assert_eq!(reading.violations.len(), 100);
    assert!(!reading.whole);
}

#[test]
fn attachments_are_counted() {
    let one = "<Attachment><ContentTransferEncoded>QQ==</ContentTransferEncoded></Attachment>";
    let packet = |n: usize| envelope("", &format!("<AttachmentEncoded>{}</AttachmentEncoded>", one.repeat(n)));

    assert_eq!(codes(packet(500).as_bytes()), [""; 0]);
    assert_eq!(codes(packet(501).as_bytes()), ["R.Attachment.Count"]);
}

#[test]
fn white_space_in_base64_may_take_any_form() {
    let forms = ["QUJD", " QU\r\nJD\t", "QU&#13;&#10;JD", "QU&#xA;JD&#32;", "<![CDATA[QUJD]]>", " <![CDATA[QU]]>\nJD"];

    for form in forms {
        let reading = read(attached("a", "b", form).as_bytes());
        let content = reading.packet.attachments[0].content.clone();
        assert_eq!(content.map(|c| c.bytes), Some(3), "{form}");
    }
}

#[test]
fn a_fault_of_the_bytes_themselves_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let begun = attached("a", "b", "QUJD").split_at(300).0.to_owned();
    let bytes = BufReader::new(Cursor::new(begun).chain(Broken));

    let error = packet(bytes, &limits(), &|| ()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

/// A packet with everything that is read in its own way.
fn sample() -> String {
    let zip = STANDARD.encode(zipped(&[("x", b"content")]));
    let header = "<To><OrganId>A&amp;B</OrganId></To><Subject><![CDATA[Về việc]]> họp</Subject><!-- - -->";
    let packet = envelope(header, "");
    let attachments = attached("a.txt", "application/zip", &format!("{zip}\r\n<![CDATA[]]>"));
    let attachments = attachments.split_once("</edXMLEnvelope>").unwrap().1;
    let packet = packet.split_once("</edXML>").unwrap().0.replace("<To>", "<To xmlns:x='x' x:y=\"z\">");
    format!("\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{packet}{attachments}")
}

/// What a reading says, to compare two.
fn said(reading: &Reading) -> String {
    format!("{reading:?}")
}

/// Changes one place of some bytes.
fn mutation() -> impl Strategy<Value = (prop::sample::Index, u8, Vec<u8>)> {
    let bits = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        prop::sample::select(vec![
            "<",
            ">",
            "&",
            "&#10;",
            "]]>",
            "<![CDATA[",
            "<!--",
            "-->",
            "</a>",
            "<a>",
            "'",
            "\"",
            "="
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    (any::<prop::sample::Index>(), 0_u8..8, bits)
}

fn mutated(bytes: &[u8], mutations: &[(prop::sample::Index, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, removed, put) in mutations {
        let at = at.index(bytes.len() + 1);
        let end = (at + usize::from(*removed)).min(bytes.len());
        bytes.splice(at..end, put.iter().copied());
    }
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(!read(&bytes).violations.is_empty());
    }

    #[test]
    fn any_change_of_a_packet_is_read_alike_in_any_pieces(
        mutations in prop::collection::vec(mutation(), 0..4), piece in 1_usize..64,
    ) {
        let bytes = mutated(sample().as_bytes(), &mutations);
        prop_assert_eq!(said(&read(&bytes)), said(&read_in_pieces(&bytes, piece)));
    }

    #[test]
    fn base64_is_decoded_as_the_crate_does(
        content in prop::collection::vec(any::<u8>(), 0..40_000),
        breaks in prop::collection::vec((any::<prop::sample::Index>(), "[ \t\r\n]{1,40}"), 0..20),
        damage in prop::option::of((any::<prop::sample::Index>(), "[=#A-Za-z0-9+/-]?")),
    ) {
        let mut text = STANDARD.encode(&content);
        if let Some((at, put)) = damage {
            let at = at.index(text.len() + 1);
            text.replace_range(at..(at + 1).min(text.len()), &put);
        }
        let expected = STANDARD.decode(&text).ok();
        for (at, space) in breaks {
            text.insert_str(at.index(text.len() + 1), &space);
        }
        let reading = read(attached("a", "b", &text).as_bytes());
        let found = reading.packet.attachments[0].content.as_ref().map(|c| (c.bytes, c.sha256.0.to_vec()));
        let digest = |plain: &[u8]| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, plain).as_ref().to_vec();
        prop_assert_eq!(found, expected.map(|plain| (u64::try_from(plain.len()).unwrap(), digest(&plain))));
    }
}

#[test]
fn attachments_before_the_header_end_the_reading() {
    let packet = attached("a", "b", "QUJD");
    let (head, rest) = packet.split_once("<edXMLEnvelope>").unwrap();
    let (envelope, attachments) = rest.split_once("<AttachmentEncoded>").unwrap();
    let (attachments, end) = attachments.split_once("</AttachmentEncoded>").unwrap();
    let turned = format!("{head}<AttachmentEncoded>{attachments}</AttachmentEncoded><edXMLEnvelope>{envelope}{end}");

    let reading = read(turned.as_bytes());

    assert_eq!(codes(turned.as_bytes()), ["N.edXMLEnvelope"]);
    assert!(!reading.whole && reading.packet.attachments.is_empty());
}

/// How many mutated packets are tried: enough for every run of the suite, and more with `make fuzz`.
fn fuzz_cases() -> u32 {
    std::env::var("DOCAXIS_FUZZ_CASES").ok().and_then(|number| number.parse().ok()).unwrap_or(100_000)
}

#[test]
fn a_hundred_thousand_mutated_packets_are_read_and_judged() {
    let config = ProptestConfig { cases: fuzz_cases(), failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let now = chrono::DateTime::UNIX_EPOCH;

    let survived = runner.run(&prop::collection::vec(mutation(), 1..8), |mutations| {
        let reading = read(&mutated(sample().as_bytes(), &mutations));
        let judged = crate::domain::rules::check_packet(&reading.packet, now);
        let envelope = crate::domain::envelope::Envelope::of(&reading.packet);
        // What has no fault at all must have a meaning, or it could neither be kept nor refused.
        prop_assert!(envelope.is_some() || !reading.violations.is_empty() || !judged.is_empty() || !reading.whole);
        Ok(())
    });

    assert!(survived.is_ok(), "{survived:?}");
}
