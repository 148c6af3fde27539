//! The index of an archive: a row for each packet and recipient, as Excel and CSV; the totals; and the cover that people read
//! first. Both tables are written as they grow, and kept in files once they are long.

use super::Request;
use super::gather::Packet;
use crate::domain::dates::{date, for_people};
use crate::domain::statement::{Counts, Standing};
use crate::pdf::Paper;
use crate::sheet::{Cell, Column, Form, Sheet};
use crate::store::envelopes::digest_of;
use std::io::{self, Seek, Write};
use tempfile::SpooledTempFile;

/// Bytes of a table that are kept in memory before it goes to a file.
const MEMORY_BYTES: usize = 1 << 20;

const COLUMNS: [Column<'static>; 12] = [
    Column { title: "STT", chars: 8 },
    Column { title: "Số ký hiệu", chars: 20 },
    Column { title: "Trích yếu", chars: 60 },
    Column { title: "Loại gói tin", chars: 14 },
    Column { title: "Mã định danh văn bản", chars: 34 },
    Column { title: "Bên gửi", chars: 20 },
    Column { title: "Bên nhận", chars: 20 },
    Column { title: "Trục tiếp nhận lúc", chars: 18 },
    Column { title: "Trạng thái lúc chốt", chars: 20 },
    Column { title: "Mã gói tin", chars: 34 },
    Column { title: "SHA-256 của gói tin", chars: 66 },
    Column { title: "Hồ sơ chứng minh", chars: 50 },
];

/// A table and where it is kept.
struct Table {
    sheet: Sheet,
    file: SpooledTempFile,
}

impl Table {
    fn new(form: Form) -> io::Result<Self> {
        let file = tempfile::spooled_tempfile(MEMORY_BYTES);
        Ok(Self { sheet: Sheet::new(form, "Mục lục", &COLUMNS)?, file })
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.sheet.row(cells)?;
        self.file.write_all(&self.sheet.take()?)
    }

    fn finish(mut self) -> io::Result<(SpooledTempFile, u64)> {
        self.file.write_all(&self.sheet.finish()?)?;
        let bytes = self.file.stream_position()?;
        self.file.rewind()?;
        Ok((self.file, bytes))
    }
}

/// The index as it grows.
pub(super) struct Index {
    csv: Table,
    excel: Table,
    pub(super) packets: u64,
    pub(super) deliveries: Counts,
    pub(super) statements: u64,
}

impl Index {
    pub(super) fn new() -> io::Result<Self> {
        let (csv, excel) = (Table::new(Form::Csv)?, Table::new(Form::Excel)?);
        Ok(Self { csv, excel, packets: 0, deliveries: Counts::default(), statements: 0 })
    }

    /// Notes a packet and its deliveries.
    pub(super) fn note(&mut self, packet: &Packet) -> io::Result<()> {
        let envelope = &packet.envelope;
        self.packets = self.packets.saturating_add(1);
        let (code, sha256) = (envelope.code(), digest_of(&envelope.payload_sha256).hex());
        let at = for_people(envelope.accepted_at.and_utc());
        for delivery in &packet.deliveries {
            let (standing, row) = (Packet::standing(delivery), &delivery.0);
            self.deliveries.add(standing);
            let number = self.deliveries.sent.to_string();
            let file = format!("capsules/{}.json", row.delivery_id);
            let cells = [
                number.as_str(),
                &code,
                &envelope.subject,
                &envelope.packet_kind,
                &envelope.document_id,
                &envelope.sender_code,
                &row.recipient_code,
                &at,
                word(standing),
                &envelope.envelope_id,
                &sha256,
                &file,
            ];
            let cells = cells.map(Cell::Text);
            self.csv.row(&cells)?;
            self.excel.row(&cells)?;
        }
        Ok(())
    }

    /// The tables, each with its name and size, to be read from the beginning.
    pub(super) fn finish(self) -> io::Result<[(&'static str, SpooledTempFile, u64); 2]> {
        let (csv, of_csv) = self.csv.finish()?;
        let (excel, of_excel) = self.excel.finish()?;
        Ok([("index.csv", csv, of_csv), ("index.xlsx", excel, of_excel)])
    }

    /// The cover.
    pub(super) fn cover(&self, request: &Request, hub_name: &str, cut_off: &str) -> io::Result<Vec<u8>> {
        let mut paper = Paper::new().ok_or_else(|| io::Error::other("the font of reports cannot be read"))?;
        paper.two(("TRỤC LIÊN THÔNG VĂN BẢN", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"), true);
        paper.two((hub_name, "Độc lập - Tự do - Hạnh phúc"), true);
        paper.title("BÁO CÁO GÓI LƯU TRỮ", "Archive of exchanged documents");
        let day = |text: &str| date(text).map(|day| day.format("%d/%m/%Y").to_string()).unwrap_or_default();
        let all = || "tất cả / all".to_owned();
        let kind = request.selection.documents.map_or_else(all, |documents| {
            if documents { "văn bản / documents" } else { "trạng thái / statuses" }.to_owned()
        });
        let packets = if request.selection.packets { "có / included" } else { "không / left out" };
        let rows = [
            ("Cơ quan / Agency", request.selection.agency.clone().unwrap_or_else(all)),
            ("Từ ngày / From", day(&request.selection.from)),
            ("Đến ngày / Until", day(&request.selection.until)),
            ("Loại gói tin / Kind", kind),
            ("Văn bản / Document", request.selection.document_id.clone().unwrap_or_else(all)),
            ("Gói tin gốc / Packets", packets.to_owned()),
            ("Số liệu chốt lúc / As of", cut_off.to_owned()),
            ("Bút toán của sổ cái / Entries", request.tree_size.to_string()),
        ];
        rows.iter().for_each(|(label, value)| paper.row(label, value));
        paper.title("KẾT QUẢ", "What is in it");
        let counts = self.deliveries;
        let rows = [
            ("Gói tin / Packets", self.packets),
            ("Lượt chuyển / Deliveries", counts.sent),
            ("Đã nhận / Delivered", counts.delivered),
            ("Không chuyển được / Refused", counts.refused),
            ("Đã rút lại / Withdrawn", counts.withdrawn),
            ("Đang chờ / Pending", counts.pending),
            ("Bảng kê trong ngày / Statements", self.statements),
        ];
        rows.iter().for_each(|(label, value)| paper.row(label, &value.to_string()));
        paper.text("Danh mục từng lượt chuyển ở index.xlsx và index.csv. Cách tự kiểm tra gói này, không cần Trục và không cần mạng, ở guide.html.");
        paper.text("Every delivery is listed in index.xlsx and index.csv. How to verify this archive without the hub and without a network is in guide.html.");
        paper.finish().ok_or_else(|| io::Error::other("the cover cannot be drawn"))
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Delivered => "Đã nhận",
        Standing::Refused => "Không chuyển được",
        Standing::Withdrawn => "Đã rút lại",
        Standing::Pending => "Đang chờ",
    }
}
