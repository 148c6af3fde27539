//! What the partner says: its packets, written by the same writer as all that the hub sends. Everything in them follows
//! from the run, so that a packet written again is a repeat.

use super::{facts, names_of};
use crate::domain::agency::Agency;
use crate::domain::envelope::{Business, Urgency};
use crate::domain::selftest::{
    Arrived, Case, Dialect, Facts, File, PARTNER, PARTNERS, RunName, Shape, Text, Twin, What,
};
use crate::domain::status::StatusCode;
use crate::domain::text;
use crate::exchange::ExchangeError;
use crate::hub::Hub;
use crate::store::agencies;
use crate::store::selftest::RunRow;
use crate::wire::write::{self, Attachment, DocumentPacket, Mention, Party, StatusPacket};
use chrono::{DateTime, Utc};
use std::fmt::Write as _;

/// What a part is written from.
struct Sheet<'a> {
    case: &'static Case,
    run: RunName,
    agency: &'a Agency,
    /// The agency's code of the old form, or its own when it has none.
    old_code: String,
    at: DateTime<Utc>,
    large_bytes: u64,
}

/// The packet of a part; nothing when what it speaks of is not there.
pub(super) async fn write(
    hub: &Hub,
    row: &RunRow,
    (case, (part, what)): (&'static Case, (u8, What)),
    known: &Facts,
) -> Result<Option<Vec<u8>>, ExchangeError> {
    let folded = row.agency_code.to_ascii_uppercase();
    let found = hub.store.read(move |tx| match agencies::find_by_alias(tx, &folded)? {
        Some(agency) => Ok(Some((agencies::aliases_of(tx, &agency.code)?.0, agency))),
        None => Ok(None),
    });
    let Some((aliases, agency)) = found.await? else { return Err(ExchangeError::NotFound) };
    let own = |alias: &&String| !alias.eq_ignore_ascii_case(agency.code.as_str());
    let sheet = Sheet {
        case,
        run: names_of(&row.run_id, row.started_at),
        old_code: aliases.iter().find(own).cloned().unwrap_or_else(|| agency.code.0.clone()),
        agency: &agency,
        at: hub.clock.now(),
        large_bytes: hub.config.selftest.large_file_bytes_max.min(hub.config.packets.bytes_max / 2),
    };
    let packet = match what {
        What::Document(shape) => sheet.document((part, shape), Business::New, &[]),
        What::Replacement(of) => {
            sheet.acting(part, Business::Replacement { replaced: vec![sheet.run.document_id(case.code, of)] })
        }
        What::Recall(of) => sheet.acting(of, Business::Recall { target: Some(sheet.run.document_id(case.code, of)) }),
        What::Update(of) => {
            let target = Some(sheet.run.document_id(case.code, of));
            sheet.acting(of, Business::Update { target, added: Vec::new(), removed: Vec::new() })
        }
        What::AskBack(of) => sheet.status("13", &sheet.run.document_id(case.code, of), &sheet.code(of)),
        What::Status(code) => {
            match (facts::key_of(&sheet.run, case.code, (part, what), &known.arrived), first(known, case)) {
                (Some((document_id, _)), Some(first)) => sheet.status(code, &document_id, &first.subject),
                _ => return Ok(None),
            }
        }
    };
    packet.map(Some).map_err(ExchangeError::Payload)
}

fn first<'a>(known: &'a Facts, case: &Case) -> Option<&'a Arrived> {
    known.arrived.iter().find(|arrived| arrived.case == case.code)
}

const REASON: &str = "Trong lượt tự kiểm tra kết nối / within a self-test";

impl Sheet<'_> {
    fn number(&self, part: u8) -> String {
        format!("{}-{part}", self.case.code)
    }

    fn code(&self, part: u8) -> String {
        format!("{}/{}", self.number(part), self.run.notation())
    }

    fn subject(&self) -> String {
        let (vi, en) = self.case.task_in(&self.run);
        format!("[KIỂM THỬ {}] {vi} / {en}", self.run.mark(self.case.code))
    }

    /// What takes back or changes a document is written under that document's identifier, which some DMS look at alone.
    fn acting(&self, part: u8, business: Business) -> std::io::Result<Vec<u8>> {
        self.document((part, Shape::plain()), business, &[])
    }

    fn document(
        &self,
        (part, shape): (u8, Shape),
        business: Business,
        answers: &[Mention<'_>],
    ) -> std::io::Result<Vec<u8>> {
        let numbered = match shape.twin {
            Twin::OfFirst => 1,
            Twin::None => part,
        };
        let (number, notation) = (self.number(numbered), self.run.notation());
        let document_id = self.run.document_id(self.case.code, part);
        let subject = match shape.text {
            Text::Composed => self.subject(),
            Text::Decomposed => text::decomposed(&self.subject()),
        };
        let files = self.files(shape.file)?;
        let mut contents: Vec<&[u8]> = files.iter().map(|(_, _, content)| content.as_slice()).collect();
        let mut attachments: Vec<Attachment<'_>> = files
            .iter()
            .zip(&mut contents)
            .map(|((name, content_type, _), content)| Attachment { name, content_type, content })
            .collect();
        let packet = DocumentPacket {
            from: Party { organ_id: if shape.old_codes { PARTNER.old_code } else { PARTNER.code }, name: PARTNER.name },
            to: self.recipients(shape),
            document_id: &document_id,
            number: &number,
            notation: &notation,
            place: "Hà Nội",
            issued_on: self.run.day(),
            type_name: "Công văn",
            subject: &subject,
            signer: "Trục liên thông (kiểm thử)",
            due_on: shape.due.then(|| self.run.due_on()),
            urgency: if shape.express { Urgency::Express } else { Urgency::Normal },
            answers: answers.to_vec(),
            reason: if business == Business::New { "" } else { REASON },
            business,
            at: self.at,
        };
        let mut bytes = Vec::new();
        packet.write(&mut attachments, &mut bytes)?;
        Ok(match shape.dialect {
            Dialect::Own => bytes,
            Dialect::Vendor => write::with_vendor_elements(&String::from_utf8_lossy(&bytes)).into_bytes(),
            Dialect::Bare => write::without_prefixes(&String::from_utf8_lossy(&bytes)).into_bytes(),
        })
    }

    fn recipients(&self, shape: Shape) -> Vec<Party<'_>> {
        let code = if shape.old_codes { self.old_code.as_str() } else { self.agency.code.as_str() };
        let tested = Party { organ_id: code, name: &self.agency.name };
        let others = PARTNERS.iter().filter(|partner| shape.many && partner.code != PARTNER.code);
        others.map(|partner| Party { organ_id: partner.code, name: partner.name }).chain([tested]).collect()
    }

    fn status(&self, code: &str, document_id: &str, about: &str) -> std::io::Result<Vec<u8>> {
        let Some(status_code) = StatusCode::parse(code) else {
            return Err(std::io::Error::other("no status code"));
        };
        let packet = StatusPacket {
            from: Party { organ_id: PARTNER.code, name: PARTNER.name },
            about: Mention {
                organ_id: self.agency.code.as_str(),
                code: about,
                document_id,
                issued_on: Some(self.run.day()),
            },
            status_code: &status_code,
            description: REASON,
            at: self.at,
        };
        let mut bytes = Vec::new();
        packet.write(&mut bytes)?;
        Ok(bytes)
    }

    /// Name, type and content of each file.
    fn files(&self, file: Option<File>) -> std::io::Result<Vec<(String, &'static str, Vec<u8>)>> {
        const TEXT: &str = "text/plain";
        let name = || "Mã kiểm chứng.txt".to_owned();
        let worded = |word: &str| format!("Tệp kiểm thử của Trục liên thông văn bản.\nMã kiểm chứng / word: {word}\n");
        let word = self.run.word(self.case.code);
        Ok(match file {
            None => Vec::new(),
            Some(File::Plain) => vec![(name(), TEXT, worded(&word).into_bytes())],
            Some(File::Zipped) => {
                vec![(name(), "application/zip", write::zipped("tep.txt", worded(&word).as_bytes())?)]
            }
            Some(File::SameNames) => {
                let name = || "Phụ lục & biểu mẫu (bản chính).txt".to_owned();
                let other = self.run.word("other");
                vec![(name(), TEXT, worded(&other).into_bytes()), (name(), TEXT, worded(&word).into_bytes())]
            }
            Some(File::Large) => {
                let line = "Dòng kiểm thử trong một tệp lớn; mã kiểm chứng ở cuối tệp.\n";
                let lines = usize::try_from(self.large_bytes).unwrap_or_default() / line.len();
                vec![("Tệp lớn.txt".to_owned(), TEXT, (line.repeat(lines) + &worded(&word)).into_bytes())]
            }
            Some(File::Pdf) => vec![("Van-ban-mau.pdf".to_owned(), "application/pdf", pdf(&self.run).into_bytes())],
        })
    }
}

/// A PDF of one page that names the run.
pub(super) fn pdf(run: &RunName) -> String {
    let text = format!("BT /F1 18 Tf 72 720 Td (Docaxis {}) Tj ET", run.notation());
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (number, object) in (1..).zip(&objects) {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{:010} 00000 n ", file.len());
        let _ = write!(file, "{number} 0 obj\n{object}\nendobj\n");
    }
    let start = file.len();
    let size = objects.len().saturating_add(1);
    let _ = write!(file, "xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    file
}
