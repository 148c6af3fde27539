//! What happened to a document, in words for people, in both languages.

use super::delivery::DeliveryState;
use super::evidence::EvidenceEvent;
use super::rules::Wording;
use super::status::StatusCode;

/// The event as a sentence: on whose side it happened, and with which status where one was reported.
#[expect(clippy::too_many_lines, reason = "a table: each event has a line or two")]
pub fn words(event: EvidenceEvent, agency: Option<&str>, status_code: Option<&str>) -> Wording {
    let agency = agency.unwrap_or("?");
    let of = |vi: &str, en: &str| Wording::new(vi.replace("{}", agency), en.replace("{}", agency));
    match event {
        EvidenceEvent::SubmissionAcceptance => {
            of("Trục liên thông đã nhận gói tin của {}", "The hub accepted the packet of {}")
        }
        EvidenceEvent::SubmissionRejection => {
            of("Trục liên thông từ chối gói tin của {}", "The hub refused the packet of {}")
        }
        EvidenceEvent::RelayAcceptance => of(
            "Gói tin gửi {} đã được chuyển tiếp sang trục lân cận",
            "The packet for {} was passed on to a neighbouring hub",
        ),
        EvidenceEvent::RedriveChanged => of(
            "Việc gửi lại các lượt không chuyển được đến {} được quyết định",
            "It was decided on starting failed deliveries to {} anew",
        ),
        EvidenceEvent::BulletinChanged => {
            of("Một thông báo tới các cơ quan được đăng hoặc rút", "A bulletin to agencies was published or taken back")
        }
        EvidenceEvent::RouteChanged => {
            of("Tuyến tới trục lân cận được thay đổi", "A route to a neighbouring hub was changed")
        }
        EvidenceEvent::ContentConsignment => {
            of("Gói tin đã sẵn sàng để {} nhận", "The packet is at the disposal of {}")
        }
        EvidenceEvent::ContentConsignmentFailure => of(
            "Trục liên thông không chuyển được gói tin đến {}: bị từ chối hẳn hoặc hết thời hạn",
            "The hub could not bring the packet to {}: refused for good, or the term is over",
        ),
        EvidenceEvent::AgencyChanged => of("Thông tin đơn vị {} được thay đổi", "The agency {} was changed"),
        EvidenceEvent::DirectoryImported => of("Danh bạ đơn vị được nhập từ tệp", "Agencies were imported from a file"),
        EvidenceEvent::SystemChanged => of("Một hệ thống được thay đổi", "A system was changed"),
        EvidenceEvent::KeyChanged => of("Khóa của một hệ thống được thay đổi", "A key of a system was changed"),
        EvidenceEvent::GrantChanged => of(
            "Việc cấp khóa, quyền hoặc bí mật mới được đề xuất hay quyết định",
            "To give a key, more access or a new secret was proposed or decided on",
        ),
        EvidenceEvent::LedgerRefused => {
            of("Điểm chốt của một sổ cái khác bị từ chối ký chứng", "A head of another ledger was not cosigned")
        }
        EvidenceEvent::UserChanged => of("Một người dùng được thay đổi", "A user was changed"),
        EvidenceEvent::IdentityProviderChanged => {
            of("Một nhà cung cấp định danh được thay đổi", "An identity provider was changed")
        }
        EvidenceEvent::StatementMade => of("Bảng kê trong ngày của {} được lập", "A daily statement of {} was made"),
        EvidenceEvent::DayClosed => of("Ngày được khép lại", "A day was closed"),
        EvidenceEvent::ListReconciled => of("Danh sách của {} được đối soát", "A list of {} was reconciled"),
        EvidenceEvent::ArchiveExported => of("Một gói lưu trữ được xuất", "An archive was exported"),
        EvidenceEvent::ContentViewed => of("Người của {} đã mở nội dung", "A person of {} opened the content"),
        EvidenceEvent::LegalHoldChanged | EvidenceEvent::PurgeChanged | EvidenceEvent::DestructionCertified => of(
            "Việc tiêu hủy hoặc giữ lại nội dung được quyết định",
            "It was decided on destroying or holding contents",
        ),
        EvidenceEvent::ArchiveDestroyed => {
            of("Một gói lưu trữ được tiêu hủy cùng nội dung trong nó", "An archive was destroyed with a content in it")
        }
        EvidenceEvent::PacketDestroyed => of("Nội dung đã được tiêu hủy", "The content was destroyed"),
        EvidenceEvent::DataAccessed => of("Dữ liệu đã được xem hoặc xuất ra", "Data were looked at or taken out"),
        EvidenceEvent::WarrantChanged => of("Một quyết định kiểm tra được thay đổi", "A warrant was changed"),
        EvidenceEvent::HubDirected => {
            of("Trục được lệnh làm ngay một việc", "The hub was told to do something at once")
        }
        EvidenceEvent::DeliveryDirected => {
            of("Người vận hành đã can thiệp vào lượt chuyển đến {}", "An operator took a hand in the delivery to {}")
        }
        EvidenceEvent::EndpointChanged => of("Địa chỉ nhận của {} được thay đổi", "The endpoint of {} was changed"),
        EvidenceEvent::ContentFetched => of("Phần mềm của {} đã lấy gói tin", "The software of {} fetched the packet"),
        EvidenceEvent::ContentHandover => {
            of("Phần mềm của {} xác nhận đã lưu gói tin", "The software of {} confirmed that it holds the packet")
        }
        EvidenceEvent::ContentHandoverFailure => {
            of("Phần mềm của {} báo không lưu được gói tin", "The software of {} could not store the packet")
        }
        EvidenceEvent::DeliveryWithdrawn => of(
            "Gói tin gửi {} đã được rút lại trước khi nhận",
            "The delivery to {} was withdrawn before it was fetched",
        ),
        EvidenceEvent::RecallRequested => {
            of("Bên gửi đề nghị {} trả lại văn bản đã nhận", "{} was asked to give the document back")
        }
        EvidenceEvent::RecallAnswered => {
            of("{} đã trả lời đề nghị lấy lại, cập nhật", "{} answered the recall or update")
        }
        EvidenceEvent::StatusReported => status(status_code),
    }
}

fn status(code: Option<&str>) -> Wording {
    let Some(code) = code else {
        return Wording::new("Đã có báo cáo trạng thái", "A status was reported");
    };
    let entry = StatusCode::parse(code).and_then(|code| code.entry());
    let (vi, en) = entry.map_or(("không có trong bảng mã", "not in the code list"), |e| (e.vietnamese, e.name));
    Wording::new(format!("Trạng thái {code} được báo: {vi}"), format!("Status {code} was reported: {en}"))
}

/// The state of the delivery from then on, where the event changes it.
pub fn state(event: EvidenceEvent) -> Option<DeliveryState> {
    match event {
        EvidenceEvent::ContentConsignment | EvidenceEvent::RelayAcceptance => Some(DeliveryState::Consigned),
        EvidenceEvent::ContentHandover => Some(DeliveryState::HandedOver),
        EvidenceEvent::ContentConsignmentFailure => Some(DeliveryState::Failed),
        EvidenceEvent::DeliveryWithdrawn => Some(DeliveryState::Withdrawn),
        EvidenceEvent::SubmissionAcceptance
        | EvidenceEvent::SubmissionRejection
        | EvidenceEvent::ContentFetched
        | EvidenceEvent::ContentHandoverFailure
        | EvidenceEvent::RecallRequested
        | EvidenceEvent::RecallAnswered
        | EvidenceEvent::DeliveryDirected
        | EvidenceEvent::RedriveChanged
        | EvidenceEvent::BulletinChanged
        | EvidenceEvent::RouteChanged
        | EvidenceEvent::EndpointChanged
        | EvidenceEvent::AgencyChanged
        | EvidenceEvent::DirectoryImported
        | EvidenceEvent::SystemChanged
        | EvidenceEvent::KeyChanged
        | EvidenceEvent::GrantChanged
        | EvidenceEvent::LedgerRefused
        | EvidenceEvent::UserChanged
        | EvidenceEvent::IdentityProviderChanged
        | EvidenceEvent::StatementMade
        | EvidenceEvent::DayClosed
        | EvidenceEvent::ListReconciled
        | EvidenceEvent::ArchiveExported
        | EvidenceEvent::ContentViewed
        | EvidenceEvent::LegalHoldChanged
        | EvidenceEvent::PurgeChanged
        | EvidenceEvent::PacketDestroyed
        | EvidenceEvent::ArchiveDestroyed
        | EvidenceEvent::DestructionCertified
        | EvidenceEvent::DataAccessed
        | EvidenceEvent::WarrantChanged
        | EvidenceEvent::HubDirected
        | EvidenceEvent::StatusReported => None,
    }
}
