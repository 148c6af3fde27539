//! Cases in which the tested system sends to the partner, and the partner answers.

use super::script::{File, ONE, PLAIN, Shape, after_arrival, document};
use super::{Answered, Case, Expect};

const SENDING: &str = "QĐ 28/2018/QĐ-TTg Điều 8; QCVN 102:2016/BTTTT";
const FOLLOWED: &str = "QĐ 28/2018/QĐ-TTg Điều 6.3, 8.2";
const RETRIES: &str = "docs/api.md: Retry-After";

pub(super) const CASES: &[Case] = &[
    Case::new("29", Expect::Document, &[])
        .title("Gửi văn bản có tệp đính kèm", "Send a document with a file")
        .task("Gửi văn bản có ít nhất một tệp tới DOCAXIS.KIEMTHU, trích yếu ghi {ma}.", "Send a document with at least one file to DOCAXIS.KIEMTHU; its subject carries {ma}.")
        .expects("Gói tin được chấp nhận, có tệp đính kèm.", "The packet is accepted and has a file.")
        .remedy("Xem mã lỗi trong câu trả lời của Trục và docs/codes.md.", "See the codes in the hub's answer and docs/codes.md.")
        .source(SENDING),
    Case::new("30", Expect::Repeat, &[])
        .title("Gửi lại nguyên văn bản", "Send the same document again")
        .task("Gửi một văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma}; rồi bấm gửi lại chính nó.", "Send a document with {ma} as its subject to DOCAXIS.KIEMTHU; then send the very same again.")
        .expects("Lần hai giữ mã văn bản và nội dung: Trục trả biên nhận cũ.", "The second keeps identifier and content: the hub answers the first receipt.")
        .remedy("Khi gửi lại không sinh DocumentId mới, không đổi nội dung.", "A repeat makes no new DocumentId and changes nothing.")
        .source("docs/api.md: 200, Docaxis-Repeat"),
    Case::new("31", Expect::Recipients, &[])
        .title("Gửi nhiều nơi nhận", "Send to several recipients")
        .task("Gửi một văn bản tới cả DOCAXIS.KIEMTHU và DOCAXIS.KIEMTHU.2, trích yếu ghi {ma}.", "Send one document to both DOCAXIS.KIEMTHU and DOCAXIS.KIEMTHU.2; its subject carries {ma}.")
        .expects("Một mã văn bản đến cả hai nơi nhận.", "One identifier reaches both recipients.")
        .remedy("Một văn bản giữ một DocumentId cho mọi nơi nhận.", "A document keeps one DocumentId for all recipients.")
        .source(SENDING),
    Case::new("32", Expect::Reply, ONE)
        .title("Phúc đáp gắn với văn bản đến", "A reply names what it answers")
        .task("Soạn văn bản trả lời văn bản này, gửi tới DOCAXIS.KIEMTHU, trích yếu ghi {ma}.", "Write a reply to this document and send it to DOCAXIS.KIEMTHU; its subject carries {ma}.")
        .expects("ResponseFor nêu mã văn bản và nơi gửi của văn bản đến.", "ResponseFor names identifier and sender of this document.")
        .remedy("Ghi ResponseFor/OrganId và ResponseFor/DocumentId khi phúc đáp.", "Write ResponseFor/OrganId and ResponseFor/DocumentId in replies.")
        .source("NĐ 30/2020/NĐ-CP Phụ lục VI; QCVN 102:2016/BTTTT"),
    Case::new("33", Expect::SameFile, &[document(1, Shape { file: Some(File::Pdf), ..PLAIN })])
        .title("Tệp đi một vòng không đổi", "A file comes back unchanged")
        .task("Tải tệp PDF của văn bản này, gửi lại nguyên tệp tới DOCAXIS.KIEMTHU, trích yếu ghi {ma}.", "Send the PDF of this document back as it is to DOCAXIS.KIEMTHU; the subject carries {ma}.")
        .expects("Dấu SHA-256 của tệp gửi lại trùng với tệp đã nhận.", "SHA-256 of the file sent back is that of the file received.")
        .remedy("Không mở ra lưu lại, không đóng dấu, không chuyển mã tệp.", "Do not open and save, stamp or convert the file.")
        .source("QĐ 28/2018/QĐ-TTg Điều 9.1"),
    Case::new("34", Expect::ReportsRead, &[after_arrival(1, "01"), after_arrival(2, "03")])
        .title("Nhận trạng thái của văn bản đã gửi", "Statuses of a sent document are taken in")
        .task("Gửi văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma}; nhận và xác nhận các gói trạng thái 01, 03.", "Send a document with {ma} to DOCAXIS.KIEMTHU; fetch and confirm the status packets 01 and 03.")
        .expects("Hai gói trạng thái được tải và xác nhận done.", "Both status packets are fetched and confirmed as done.")
        .remedy("Lấy cả gói trạng thái (messagetype status), không chỉ văn bản.", "Poll for status packets too (messagetype status).")
        .source(FOLLOWED),
    Case::new("35", Expect::OwnRecall, &[])
        .title("Thu hồi văn bản đã gửi", "Take a sent document back")
        .task("Gửi văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma}; sau đó thu hồi nó, giữ nguyên trích yếu.", "Send a document with {ma} to DOCAXIS.KIEMTHU; then recall it, keeping the subject.")
        .expects("Thu hồi nêu đúng văn bản (nghiệp vụ 1, hoặc trạng thái 13).", "The recall names the document (business 1, or status 13).")
        .remedy("Ghi mã văn bản được thu hồi trong Bussiness/DocumentId.", "Name the recalled document in Bussiness/DocumentId.")
        .source("QĐ 28/2018/QĐ-TTg Điều 8.2"),
    Case::new("36", Expect::OwnReplacement, &[])
        .title("Thay thế văn bản đã gửi", "Replace a sent document")
        .task("Gửi văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma}; rồi gửi văn bản thay thế nó, trích yếu cũng ghi {ma}.", "Send a document with {ma} to DOCAXIS.KIEMTHU; then one that replaces it, also with {ma}.")
        .expects("Nghiệp vụ 3 với ReplacementInfo nêu văn bản cũ.", "Business 3 with a ReplacementInfo that names the old one.")
        .remedy("Văn bản thay thế có DocumentId mới và nêu mã cũ trong ReplacementInfoList.", "A replacement has a DocumentId of its own and names the old one in ReplacementInfoList.")
        .source("NĐ 30/2020/NĐ-CP Điều 18.3"),
    Case::new("37", Expect::Return(Answered::TooMany), &[])
        .title("Thử lại sau 429", "Come again after 429")
        .task("Gửi văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma}. Lần đầu Trục trả 429: phần mềm phải tự gửi lại.", "Send a document with {ma} to DOCAXIS.KIEMTHU. The first try gets 429: the software must come again.")
        .expects("Gói tin trở lại với cùng mã văn bản và nội dung.", "The packet comes again with the same identifier and content.")
        .remedy("429 là tạm thời: đợi Retry-After rồi gửi lại đúng gói tin.", "429 is for the moment: wait for Retry-After, then send the same.")
        .source(RETRIES),
    Case::new("38", Expect::Return(Answered::Unavailable), &[])
        .title("Thử lại sau 503", "Come again after 503")
        .task("Gửi văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma}. Lần đầu Trục trả 503: phần mềm phải tự gửi lại.", "Send a document with {ma} to DOCAXIS.KIEMTHU. The first try gets 503: the software must come again.")
        .expects("Gói tin trở lại với cùng mã văn bản và nội dung.", "The packet comes again with the same identifier and content.")
        .remedy("503 là tạm thời: đợi Retry-After rồi gửi lại đúng gói tin.", "503 is for the moment: wait for Retry-After, then send the same.")
        .source(RETRIES),
    Case::new("39", Expect::Return(Answered::Lost), &[])
        .title("Mất biên nhận thì gửi lại đúng văn bản", "A lost receipt: the same again, not a new one")
        .task("Gửi văn bản tới DOCAXIS.KIEMTHU, trích yếu ghi {ma}. Trục đã nhận nhưng trả 503, như mất biên nhận: phải gửi lại.", "Send a document with {ma} to DOCAXIS.KIEMTHU. The hub has it but answers 503, as if the receipt were lost: send it again.")
        .expects("Một mã văn bản duy nhất; lần sau được nhận ra là gửi lại.", "One identifier only; the second is known as a repeat.")
        .remedy("Không biết kết quả thì gửi lại với DocumentId cũ, không sinh mã mới.", "When the outcome is unknown, send again under the same DocumentId.")
        .source(RETRIES),
];
