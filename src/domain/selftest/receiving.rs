//! Cases in which the partner sends: documents that arrive, what their packets look like, what is taken back.

use super::script::{Dialect, File, ONE, PLAIN, Shape, Text, Twin, What, after_fetch, document};
use super::{Case, Expect};

/// Words with every kind of mark, to be copied.
const REASON: &str = "Gửi nhầm đơn vị, đề nghị chuyển Sở Thủy lợi tỉnh Đắk Lắk";
const DECOMPOSED: &str = "Thể thức chưa đúng, đề nghị ký lại ở huyện Đức Huệ";

const ARRIVED: &str = "QĐ 28/2018/QĐ-TTg Điều 10.2h; NĐ 30/2020/NĐ-CP Phụ lục VI mục III.1";
const HANDLED: &str = "QĐ 28/2018/QĐ-TTg Điều 9, 10.2h; QCVN 102:2016/BTTTT";
const REFUSED: &str = "QĐ 28/2018/QĐ-TTg Điều 5.4, 9.1; NĐ 30/2020/NĐ-CP Điều 21.2b";
const TAKEN_BACK: &str = "QĐ 28/2018/QĐ-TTg Điều 9.2; NĐ 30/2020/NĐ-CP Điều 18.4";
const FORMAT: &str = "QCVN 102:2016/BTTTT và SĐ1:2022";

const TWO_COPIES: &[super::Step] = &[document(1, PLAIN), document(2, Shape { twin: Twin::OfFirst, ..PLAIN })];
const FOUR_ONE_EXPRESS: &[super::Step] =
    &[document(1, PLAIN), document(2, PLAIN), document(3, PLAIN), document(4, Shape { express: true, ..PLAIN })];

pub(super) const CASES: &[Case] = &[
    Case::new("01", Expect::Arrival, ONE)
        .title("Văn bản đến: tải về, xác nhận, báo 01", "A document arrives: fetch, confirm, report 01")
        .task("Tải văn bản này về, lưu lại, xác nhận done rồi báo 01.", "Fetch this document, store it, confirm done, report 01.")
        .expects("Tải trước, xác nhận done, và một báo cáo 01.", "The fetch first, then done, and a report 01.")
        .remedy("Phần mềm tự báo 01 ngay sau khi lưu xong.", "Let the software report 01 as soon as the document is stored.")
        .source(ARRIVED),
    Case::new("02", Expect::Status("03"), ONE)
        .title("Tiếp nhận, vào sổ: 03", "Registered: 03")
        .task("Tiếp nhận, vào sổ văn bản đến và dừng ở đó (báo 03).", "Enter it in the incoming register and stop there (report 03).")
        .expects("03; không có 02, 04, 06.", "03; no 02, 04, 06.")
        .remedy("03 là đã tiếp nhận, vào sổ; không phải phân công hay hoàn thành.", "03 means entered in the register; neither assigned nor finished.")
        .source(HANDLED),
    Case::new("03", Expect::Status("04"), ONE)
        .title("Lãnh đạo phân công: 04", "Assigned: 04")
        .task("Vào sổ, rồi lãnh đạo phân công xử lý và dừng ở đó (báo 04).", "Register it, let the leader assign it and stop there (report 04).")
        .expects("04 (03 trước đó được phép); không có 02, 06.", "04 (03 may come before); no 02, 06.")
        .remedy("04 là phân công, 05 là đang xử lý: kiểm tra bảng mã trạng thái.", "04 means assigned, 05 in progress: check the table of codes.")
        .source(HANDLED),
    Case::new("04", Expect::Status("05"), ONE)
        .title("Đang xử lý: 05", "In progress: 05")
        .task("Vào sổ, chuyển thẳng chuyên viên, không qua phân công, đang xử lý (báo 05).", "Register it and let a specialist begin at once, nobody assigned (report 05).")
        .expects("05 (03 trước đó được phép); không có 02, 06.", "05 (03 may come before); no 02, 06.")
        .remedy("05 là đang xử lý, 04 là phân công: kiểm tra bảng mã trạng thái.", "05 means in progress, 04 assigned: check the table of codes.")
        .source(HANDLED),
    Case::new("05", Expect::Status("06"), ONE)
        .title("Hoàn thành: 06", "Finished: 06")
        .task("Xử lý xong và kết thúc văn bản (báo 06).", "Handle it and close it (report 06).")
        .expects("06; các mã 03, 04, 05 trước đó được phép; không có 02.", "06; 03, 04, 05 may come before; no 02.")
        .remedy("Khi kết thúc xử lý phải báo 06, không dừng ở 05 hay 03.", "Closing a document reports 06; do not stop at 05 or 03.")
        .source(HANDLED),
    Case::new("06", Expect::Refusal(None), ONE)
        .title("Từ chối tiếp nhận kèm lý do: 02", "Refused with a reason: 02")
        .task("Từ chối tiếp nhận (02) và nêu lý do, ít nhất 10 ký tự. Không vào sổ.", "Refuse it (02) with a reason of at least 10 characters. Do not register it.")
        .expects("02 kèm lý do; không có 03, 04, 05, 06.", "02 with a reason; no 03, 04, 05, 06.")
        .remedy("Nút từ chối phải bắt buộc nhập lý do và gửi 02 cho bên gửi.", "The refuse button must ask for a reason and send 02 to the sender.")
        .source(REFUSED),
    Case::new("07", Expect::Refusal(Some(REASON)), ONE)
        .title("Lý do tiếng Việt giữ nguyên dấu", "A reason in Vietnamese keeps its marks")
        .task("Từ chối (02) với đúng lý do: «Gửi nhầm đơn vị, đề nghị chuyển Sở Thủy lợi tỉnh Đắk Lắk».", "Refuse it (02) with exactly the reason between « and ».")
        .expects("Lý do đến nơi đủ dấu, không lỗi phông.", "The reason arrives with all its marks.")
        .remedy("Ghi và đọc mọi văn bản bằng UTF-8, không qua bảng mã của Windows.", "Write and read all text as UTF-8, never by a Windows code page.")
        .source("TCVN 6909:2001; QCVN 102:2016/BTTTT"),
    Case::new("08", Expect::Clock, ONE)
        .title("Giờ trong báo cáo khớp giờ của Trục", "Times of reports agree with the hub's clock")
        .task("Tải về, xác nhận và báo 01 như thường lệ.", "Fetch, confirm and report 01 as usual.")
        .expects("Timestamp của 01 là giờ Việt Nam, lệch không quá mức cho phép.", "The Timestamp of 01 is Vietnamese time, off by no more than allowed.")
        .remedy("Đồng bộ giờ (NTP); ghi giờ Việt Nam, không ghi giờ UTC.", "Keep the clock by NTP; write Vietnamese time, not UTC.")
        .source("QĐ 28/2018/QĐ-TTg Điều 14.4"),
    Case::new("09", Expect::FetchedFirst, ONE)
        .title("Không xác nhận khi chưa tải", "Nothing is confirmed before it was fetched")
        .task("Tải về rồi mới xác nhận done; áp dụng cho mọi văn bản của lượt này.", "Fetch, then confirm done; this holds for every document of this run.")
        .expects("Không văn bản nào được xác nhận done mà chưa tải.", "No document was confirmed as done without a fetch.")
        .remedy("Chỉ xác nhận done sau khi đã lưu trọn gói tin.", "Confirm done only after the whole packet is stored.")
        .source("QĐ 28/2018/QĐ-TTg Điều 9.1"),
    Case::new("10", Expect::Once, ONE)
        .title("Không vào sổ hai lần", "Nothing is registered twice")
        .task("Tiếp nhận, vào sổ (báo 03) đúng một lần; áp dụng cho mọi văn bản của lượt này.", "Register it (report 03) exactly once; this holds for every document of this run.")
        .expects("Mỗi văn bản có nhiều nhất một báo cáo 03.", "At most one report 03 for each document.")
        .remedy("Tra theo mã văn bản và nơi gửi trước khi vào sổ; hộp thư liệt kê lại cho đến khi done.", "Look a document up by id and sender before registering; the mailbox lists it until done.")
        .source("NĐ 30/2020/NĐ-CP Điều 21, Phụ lục VI mục III.1h"),
    Case::new("11", Expect::Twin, TWO_COPIES)
        .title("Nhận ra văn bản trùng", "A second copy is recognised")
        .task("Hai văn bản cùng số, ký hiệu, nơi gửi: vào sổ bản thứ nhất (03), từ chối bản thứ hai (02, lý do: trùng văn bản).", "Two documents of one number, notation and sender: register the first (03), refuse the second (02, as a duplicate).")
        .expects("03 cho bản một; 02 và không có 03 cho bản hai.", "03 for the first; 02 and no 03 for the second.")
        .remedy("Cảnh báo trùng theo số, ký hiệu và cơ quan ban hành, không chỉ theo mã văn bản.", "Warn of duplicates by number, notation and issuer, not only by identifier.")
        .source("NĐ 30/2020/NĐ-CP Phụ lục VI mục III.1h"),
    Case::new("12", Expect::FailThenDone, ONE)
        .recommended()
        .title("Lưu lỗi thì báo fail, xong thì done", "fail when it cannot be stored, done when it is")
        .task("Giả lập lỗi lưu: xác nhận fail, sau đó tải lại và xác nhận done.", "Pretend that storing failed: confirm fail, then fetch again and confirm done.")
        .expects("fail trước, done sau.", "fail first, then done.")
        .remedy("Lỗi lưu phải thành fail để văn bản còn trong hộp thư.", "A failed store must become fail, so that the document stays in the mailbox.")
        .source("API: updateStatus, /confirm"),
    Case::new("13", Expect::UrgentFirst, FOUR_ONE_EXPRESS)
        .recommended()
        .title("Hỏa tốc được tải trước", "The express one is fetched first")
        .task("Bốn văn bản cùng chờ, một bản Hỏa tốc: tải bản Hỏa tốc trước.", "Four documents wait, one is express: fetch the express one first.")
        .expects("Bản Hỏa tốc được tải không sau các bản kia.", "The express one is fetched no later than the others.")
        .remedy("Xếp hộp thư theo độ khẩn rồi mới theo thời gian.", "Order the mailbox by urgency, then by time.")
        .source("NĐ 30/2020/NĐ-CP Điều 4, 23.1"),
    Case::new("14", Expect::Arrival, &[document(1, Shape { many: true, ..PLAIN })])
        .title("Gói tin có nhiều nơi nhận", "A packet with several recipients")
        .task("Đơn vị của bạn không đứng đầu danh sách nơi nhận. Tải về, xác nhận, báo 01.", "Your agency is not the first recipient. Fetch, confirm, report 01.")
        .expects("01 do chính đơn vị được kiểm thử gửi.", "01, sent by the tested agency itself.")
        .remedy("Tìm đơn vị mình trong tất cả phần tử To.", "Look for your agency among all To elements.")
        .source(FORMAT),
    Case::new("15", Expect::Arrival, &[document(1, Shape { old_codes: true, ..PLAIN })])
        .title("Mã định danh kiểu cũ", "Agencies named by codes of the old form")
        .task("Nơi gửi mang mã kiểu cũ (QCVN 102:2016). Tải về, xác nhận, báo 01 về mã đó.", "The sender is named by an old code. Fetch, confirm, report 01 to that code.")
        .expects("01 đến đúng nơi gửi.", "01 reaches the sender.")
        .remedy("Lấy mã nơi gửi từ gói tin; nhận cả hai kiểu mã của đơn vị mình.", "Take the sender's code from the packet; know both codes of your own agency.")
        .source("QĐ 20/2020/QĐ-TTg; QCVN 102:2016/BTTTT"),
    Case::new("16", Expect::Refusal(Some(DECOMPOSED)), &[document(1, Shape { text: Text::Decomposed, ..PLAIN })])
        .title("Tiếng Việt tổ hợp (NFD)", "Vietnamese in decomposed letters (NFD)")
        .task("Từ chối (02) với đúng lý do: «Thể thức chưa đúng, đề nghị ký lại ở huyện Đức Huệ».", "Refuse it (02) with exactly the reason between « and ».")
        .expects("Lý do đọc như nhau, dựng sẵn hay tổ hợp.", "The reason reads the same, composed or decomposed.")
        .remedy("Chuẩn hóa NFC khi hiển thị và so sánh; không cắt theo byte.", "Normalise to NFC to show and compare; never cut by bytes.")
        .source("TCVN 6909:2001"),
    Case::new("17", Expect::Arrival, &[document(1, Shape { dialect: Dialect::Vendor, ..PLAIN })])
        .title("Phần tử mở rộng của hãng khác", "Elements of other vendors")
        .task("Gói tin có phần tử lạ. Tải về, xác nhận, báo 01.", "The packet has elements you may not know. Fetch, confirm, report 01.")
        .expects("01 như thường lệ.", "01 as usual, as for any.")
        .remedy("Đọc theo tên phần tử, bỏ qua phần tử không biết.", "Read by names and pass over elements you do not know.")
        .source(FORMAT),
    Case::new("18", Expect::Arrival, &[document(1, Shape { dialect: Dialect::Bare, ..PLAIN })])
        .title("Gói tin không có tiền tố edXML:", "A packet without the prefix edXML:")
        .task("Gói tin dùng không gian tên mặc định. Tải về, xác nhận, báo 01.", "The packet uses the default namespace. Fetch, confirm, report 01.")
        .expects("01 như thường lệ.", "01 as usual, as for any.")
        .remedy("Đọc XML theo không gian tên, không theo tiền tố.", "Read XML by namespaces, not by prefixes.")
        .source(FORMAT),
    Case::new("19", Expect::Word, &[document(1, Shape { file: Some(File::Plain), ..PLAIN })])
        .title("Tệp đính kèm mở được", "An attachment opens")
        .task("Mở tệp, lấy mã kiểm chứng; gửi văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma} và mã đó.", "Open the file for its word; send a document to DOCAXIS.KIEMTHU with {ma} and the word as its subject.")
        .expects("Mã kiểm chứng đúng trong trích yếu.", "The right word in the subject.")
        .remedy("Giải mã base64 trọn tệp; giữ đúng số byte.", "Decode the whole file from base64, byte for byte.")
        .source(FORMAT),
    Case::new("20", Expect::Word, &[document(1, Shape { file: Some(File::Zipped), ..PLAIN })])
        .title("Tệp nén khi truyền", "A file zipped in transit")
        .task("Tệp được SDK nén khi truyền: mở, lấy mã; gửi văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma} và mã đó.", "The file travels zipped: open it for its word; send a document to DOCAXIS.KIEMTHU with {ma} and the word as its subject.")
        .expects("Mã kiểm chứng đúng trong trích yếu.", "The right word in the subject.")
        .remedy("ContentType application/zip mà tên không phải .zip: giải nén một lần.", "ContentType application/zip under another name: unzip once.")
        .source(FORMAT),
    Case::new("21", Expect::Word, &[document(1, Shape { file: Some(File::SameNames), ..PLAIN })])
        .title("Hai tệp trùng tên, tên có dấu", "Two files of one name, with accents")
        .task("Lấy mã trong tệp THỨ HAI; gửi văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma} và mã đó.", "Take the word of the SECOND file; send a document to DOCAXIS.KIEMTHU with {ma} and the word as its subject.")
        .expects("Mã của tệp thứ hai.", "The word of the second file.")
        .remedy("Lưu tệp theo ContentId, không ghi đè theo tên.", "Keep files by ContentId; do not overwrite by name.")
        .source(FORMAT),
    Case::new("22", Expect::Word, &[document(1, Shape { file: Some(File::Large), ..PLAIN })])
        .title("Gói tin lớn", "A large packet")
        .task("Mã ở cuối một tệp lớn; gửi văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma} và mã đó.", "The word is at the end of a large file; send a document to DOCAXIS.KIEMTHU with {ma} and the word as its subject.")
        .expects("Mã ở cuối tệp.", "The word at the end of the file.")
        .remedy("Tải theo luồng; tăng giới hạn dung lượng và thời gian chờ.", "Download as a stream; raise limits of size and time.")
        .source("QĐ 28/2018/QĐ-TTg Điều 9.1"),
    Case::new("23", Expect::Word, &[document(1, Shape { due: true, ..PLAIN })])
        .title("Hạn xử lý đọc đúng ngày, tháng", "A deadline is read right")
        .task("Xem hạn xử lý của văn bản này; gửi văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma} và hạn đó dạng dd/MM/yyyy.", "Send a document to DOCAXIS.KIEMTHU with {ma} and this document's deadline as dd/MM/yyyy in its subject.")
        .expects("Đúng ngày và tháng, không đảo.", "Day and month, not swapped.")
        .remedy("DueDate là yyyy/MM/dd; hiển thị dd/MM/yyyy.", "DueDate is yyyy/MM/dd; show dd/MM/yyyy.")
        .source(FORMAT),
    Case::new("24", Expect::Answer(Some("15")), &[document(1, PLAIN), after_fetch(2, What::Recall(1))])
        .title("Đồng ý thu hồi: 15", "A recall is agreed to: 15")
        .task("Tải văn bản này. Sau đó Trục gửi yêu cầu thu hồi: đồng ý (15).", "Fetch this document. A recall of it follows: agree (15).")
        .expects("15 về văn bản được thu hồi.", "15 about the recalled document.")
        .remedy("Nhận nghiệp vụ 1 (thu hồi), hủy văn bản và báo 15.", "Know business 1 (recall), cancel the document and report 15.")
        .source(TAKEN_BACK),
    Case::new("25", Expect::Answer(Some("16")), &[document(1, PLAIN), after_fetch(2, What::Recall(1))])
        .title("Từ chối thu hồi kèm lý do: 16", "A recall is refused with a reason: 16")
        .task("Tải văn bản này. Sau đó Trục gửi yêu cầu thu hồi: từ chối (16) và nêu lý do.", "Fetch this document. A recall of it follows: refuse (16) with a reason.")
        .expects("16 kèm lý do.", "16 with a reason.")
        .remedy("Từ chối thu hồi phải báo 16, không im lặng, không dùng 02.", "Refusing a recall reports 16; neither silence nor 02.")
        .source(TAKEN_BACK),
    Case::new("26", Expect::Answer(None), &[document(1, PLAIN), after_fetch(2, What::AskBack(1))])
        .title("Trả lời yêu cầu lấy lại 13", "Status 13 is answered")
        .task("Tải văn bản này. Sau đó Trục gửi trạng thái 13 (lấy lại): trả lời 15 hoặc 16.", "Fetch this document. Status 13 about it follows: answer 15 or 16.")
        .expects("15 hoặc 16 về văn bản này.", "15 or 16 about this document.")
        .remedy("Gói trạng thái 13 là yêu cầu lấy lại văn bản đã nhận.", "A status packet 13 asks for a document you have.")
        .source(TAKEN_BACK),
    Case::new("27", Expect::Answer(Some("15")), &[document(1, PLAIN), after_fetch(2, What::Update(1))])
        .title("Cập nhật văn bản: 15", "An update is agreed to: 15")
        .task("Tải văn bản này. Sau đó Trục gửi bản cập nhật: tải bản đó và đồng ý (15).", "Fetch this document. An update of it follows: fetch it and agree (15).")
        .expects("15 về văn bản được cập nhật.", "15 about the updated document.")
        .remedy("Nhận nghiệp vụ 2 (cập nhật), thay nội dung bản đã nhận và báo 15.", "Know business 2 (update), change the document you have and report 15.")
        .source(TAKEN_BACK),
    Case::new("28", Expect::Replaced, &[document(1, PLAIN), after_fetch(2, What::Replacement(1))])
        .title("Thay thế văn bản", "A document is replaced")
        .task("Tải văn bản này. Sau đó Trục gửi văn bản thay thế: tải và vào sổ văn bản mới (03).", "Fetch this document. One that replaces it follows: fetch and register the new one (03).")
        .expects("03 về văn bản thay thế.", "03 about the replacement.")
        .remedy("Nhận nghiệp vụ 3 (thay thế) như một văn bản mới, gắn với bản cũ.", "Take business 3 (replacement) as a new document tied to the old one.")
        .source("NĐ 30/2020/NĐ-CP Điều 18.3; QCVN 102:2016/BTTTT"),
];
