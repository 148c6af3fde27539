//! A DMS that goes through a self-test over real HTTP: a right one, and wrong ones, each with one fault.

use super::packets::{Packet, a_document, a_status};
use super::{Answer, TestHub};
use base64::Engine;
use chrono::{FixedOffset, TimeDelta};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// What a DMS does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// 03 and 06, 04 and 05 mean each other.
    SwappedStatuses,
    /// What is refused is registered instead.
    RegistersWhatItRefuses,
    /// A refusal is told to nobody.
    RefusesSilently,
    /// Reasons lose their letters with marks.
    BreaksLetters,
    /// Everything is registered twice, copies too.
    RegistersTwice,
    /// Recalls and updates are not answered.
    IgnoresRecalls,
    /// Files are changed on their way through.
    AltersFiles,
    /// Confirms what it never fetched.
    ConfirmsUnfetched,
    /// A second try gets a new identifier.
    NewIdOnRetry,
    /// Gives up after the first refusal for the moment.
    NeverRetries,
    /// Writes UTC as if it were Vietnamese time.
    WritesUtc,
    /// Takes the oldest first, whatever its urgency.
    IgnoresUrgency,
    /// Reads days and months in the other order.
    SwapsDayAndMonth,
    /// Keeps one file of each name.
    OverwritesFiles,
    /// Does not name what it answers.
    ForgetsWhatItAnswers,
    /// Fetches documents only, no status packets.
    ReadsNoReports,
}

/// A DMS that speaks for X99.B02.
pub struct MockDms<'a> {
    hub: &'a TestHub,
    fault: Fault,
    seen: BTreeSet<String>,
    /// Case, and the identifier, deadline and files of its first document.
    read: BTreeMap<String, FirstRead>,
    sent: BTreeSet<String>,
}

struct FirstRead {
    document_id: String,
    due_on: String,
    files: Vec<Vec<u8>>,
}

const SYSTEM: &str = "dms.province";
const AGENCY: &str = "X99.B02";
const PARTNER: &str = "DOCAXIS.KIEMTHU";

/// The text of an element, whatever its prefix; the first one.
fn text_of(xml: &str, name: &str) -> String {
    let open = format!("{name}>");
    let Some((before, rest)) = xml.split_once(&open) else { return String::new() };
    assert!(before.ends_with(['<', ':']), "{name}");
    let text = rest.split('<').next().unwrap_or_default();
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn files_of(xml: &str) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for part in xml.split("<Attachment>").skip(1) {
        let base64: String = text_of(part, "ContentTransferEncoded").split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
        files.push(match text_of(part, "ContentType").as_str() {
            "application/zip" => {
                let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
                let mut content = Vec::new();
                zip.by_index(0).unwrap().read_to_end(&mut content).unwrap();
                content
            }
            _ => bytes,
        });
    }
    files
}

impl<'a> MockDms<'a> {
    pub fn new(hub: &'a TestHub, fault: Fault) -> Self {
        Self { hub, fault, seen: BTreeSet::new(), read: BTreeMap::new(), sent: BTreeSet::new() }
    }

    /// Works off the mailbox, then what the run asks it to send.
    pub async fn work(&mut self, run: &Value) {
        self.mailbox().await;
        for case in run["cases"].as_array().unwrap() {
            self.task(case).await;
        }
        self.mailbox().await;
    }

    async fn mailbox(&mut self) {
        let answer = self.hub.get(SYSTEM, "/api/v1/mailbox").await;
        let mut items = answer.json["items"].as_array().unwrap().clone();
        if self.fault != Fault::IgnoresUrgency {
            items.sort_by_key(|item| std::cmp::Reverse(item["urgency"].as_i64().unwrap()));
        }
        for item in items {
            let id = item["delivery_id"].as_str().unwrap().to_owned();
            if self.seen.insert(id.clone()) {
                self.take(&item, &id).await;
            }
        }
    }

    async fn take(&mut self, item: &Value, id: &str) {
        self.hub.after(TimeDelta::seconds(1));
        let is_status = item["kind"] == "status";
        if is_status
            && self.fault == Fault::ReadsNoReports
            && !item["document_id"].as_str().unwrap().starts_with(PARTNER)
        {
            return;
        }
        if self.fault == Fault::ConfirmsUnfetched && !is_status {
            self.hub.confirm(SYSTEM, id, "done").await;
            return;
        }
        let content = self.hub.fetch(SYSTEM, id).await;
        assert_eq!(content.status, 200, "{}", content.text());
        let xml = content.text();
        if item["subject"].as_str().unwrap().contains("-12]") {
            assert_eq!(self.hub.confirm(SYSTEM, id, "fail").await.status, 200);
        }
        assert_eq!(self.hub.confirm(SYSTEM, id, "done").await.status, 200);
        if is_status {
            if text_of(&xml, "StatusCode") == "13" {
                self.answer_recall(&text_of(&xml, "DocumentId"), "15").await;
            }
            return;
        }
        self.document(&xml).await;
    }

    async fn document(&mut self, xml: &str) {
        let subject = text_of(xml, "Subject");
        // The name of a run may have those letters too.
        let (_, mark) = subject.split_once("KT-").unwrap();
        let case = mark[7..9].to_owned();
        let document_id = text_of(xml, "DocumentId");
        match text_of(xml, "BussinessDocType").as_str() {
            "1" => return self.answer_recall(&document_id, if case == "25" { "16" } else { "15" }).await,
            "2" => return self.answer_recall(&document_id, "15").await,
            _ => {}
        }
        let from = text_of(xml, "OrganId");
        self.report((&from, &document_id), "01", "").await;
        let is_second = self.read.contains_key(&case);
        let asked = match case.as_str() {
            "02" | "10" => vec!["03"],
            "03" => vec!["03", "04"],
            "04" => vec!["03", "05"],
            "05" => vec!["03", "06"],
            "06" | "07" | "16" => vec!["02"],
            "11" if is_second => vec!["02"],
            "11" => vec!["03"],
            "28" if is_second => vec!["03"],
            _ => Vec::new(),
        };
        let reason = subject.split('«').nth(1).and_then(|rest| rest.split('»').next());
        for code in asked {
            self.report((&from, &document_id), code, reason.unwrap_or("trùng văn bản hoặc không thuộc thẩm quyền"))
                .await;
        }
        let read = FirstRead { document_id, due_on: text_of(xml, "DueDate"), files: files_of(xml) };
        self.read.entry(case).or_insert(read);
    }

    async fn answer_recall(&self, document_id: &str, code: &str) {
        if self.fault != Fault::IgnoresRecalls {
            self.report((PARTNER, document_id), code, "theo yêu cầu của bên gửi").await;
        }
    }

    async fn report(&self, about: (&str, &str), code: &str, reason: &str) {
        let (code, reason) = match (self.fault, code) {
            (Fault::SwappedStatuses, "03") => ("06", reason.to_owned()),
            (Fault::SwappedStatuses, "04") => ("05", reason.to_owned()),
            (Fault::SwappedStatuses, "05") => ("04", reason.to_owned()),
            (Fault::SwappedStatuses, "06") => ("03", reason.to_owned()),
            (Fault::RegistersWhatItRefuses | Fault::RegistersTwice, "02")
                if self.fault == Fault::RegistersWhatItRefuses =>
            {
                ("03", reason.to_owned())
            }
            (Fault::RefusesSilently, "02") => return,
            (Fault::BreaksLetters, code) => (code, reason.replace(|c: char| !c.is_ascii(), "?")),
            (_, code) => (code, reason.to_owned()),
        };
        self.status(about, code, &reason).await;
        if self.fault == Fault::RegistersTwice && code == "03" {
            self.status(about, code, "Số đến thứ hai").await;
        }
    }

    async fn status(&self, about: (&str, &str), code: &str, reason: &str) {
        let hours = if self.fault == Fault::WritesUtc { 0 } else { 7 };
        let zone = FixedOffset::east_opt(hours * 3600).unwrap();
        let at = self.hub.now().with_timezone(&zone).format("%Y/%m/%d %H:%M:%S").to_string();
        let packet = String::from_utf8(a_status(AGENCY, about, code, &at)).unwrap();
        let answer = self.hub.post(SYSTEM, packet.replace("lý do thử nghiệm", reason)).await;
        assert_eq!(answer.status, 201, "{code} about {about:?}: {}", answer.text());
    }

    /// Sends what a case asks for, once.
    async fn task(&mut self, case: &Value) {
        let (code, mark) = (case["code"].as_str().unwrap(), case["mark"].as_str().unwrap());
        if self.sent.contains(code) {
            return;
        }
        let id = format!("{AGENCY},2026/11/21,{code}/{mark}");
        let packet = a_document(&id).from(AGENCY).to(&[PARTNER]).subject(&format!("Kiểm thử {mark}"));
        let read = self.read.get(code);
        let packet = match (code, read) {
            ("19" | "20" | "21" | "22", Some(read)) => {
                packet.subject(&format!("Trả lời {mark}: {}", self.word(&read.files)))
            }
            ("23", Some(read)) => packet.subject(&format!("Hạn {mark}: {}", self.due_on(&read.due_on))),
            ("31", _) => packet.to(&[PARTNER, "DOCAXIS.KIEMTHU.2"]),
            ("32", Some(_)) if self.fault == Fault::ForgetsWhatItAnswers => packet,
            ("32", Some(read)) => packet.answering(PARTNER, &read.document_id),
            ("33", Some(read)) => packet.attachment(self.altered(read.files[0].clone())),
            ("29" | "30" | "34" | "35" | "36" | "37" | "38" | "39", _) => packet,
            _ => return,
        };
        self.sent.insert(code.to_owned());
        self.send(packet.clone()).await;
        let next = format!("{id}-2");
        let more = a_document(&next).from(AGENCY).to(&[PARTNER]).subject(&packet.subject);
        match code {
            "30" => self.send(self.again(&packet)).await,
            "35" => self.send(more.recalling(&id)).await,
            "36" => self.send(more.replacing(&[&id])).await,
            _ => {}
        }
    }

    fn again(&self, packet: &Packet) -> Packet {
        let mut again = packet.clone().hop_at("2026/11/21 09:30:00");
        if self.fault == Fault::NewIdOnRetry {
            again.document_id.push_str("-lan-2");
        }
        again
    }

    /// Sends, and comes again as long as it is told to.
    async fn send(&self, packet: Packet) {
        let mut packet = packet;
        for _ in 0..3 {
            let answer: Answer = self.hub.post(SYSTEM, packet.bytes()).await;
            match answer.status {
                200 | 201 => return,
                429 | 503 => assert!(answer.headers.contains_key("retry-after")),
                _ => panic!("{}", answer.text()),
            }
            if self.fault == Fault::NeverRetries {
                return;
            }
            packet = self.again(&packet);
        }
        panic!("told three times to come again");
    }

    fn word(&self, files: &[Vec<u8>]) -> String {
        let file = if self.fault == Fault::OverwritesFiles { files.first() } else { files.last() };
        let text = String::from_utf8(file.unwrap().clone()).unwrap();
        text.rsplit("word: ").next().unwrap().trim().to_owned()
    }

    fn due_on(&self, written: &str) -> String {
        let parts: Vec<&str> = written.split('/').collect();
        let swaps = self.fault == Fault::SwapsDayAndMonth;
        let (day, month) = if swaps { (parts[1], parts[2]) } else { (parts[2], parts[1]) };
        format!("{day}/{month}/{}", parts[0])
    }

    fn altered(&self, mut file: Vec<u8>) -> Vec<u8> {
        if self.fault == Fault::AltersFiles {
            file.push(b'\n');
        }
        file
    }
}
