//! What people call the elements of the standard, for the texts of the field rules.

use super::Wording;
use crate::domain::element::Element;

/// Elements with a name of their own: path, Vietnamese, English.
const NAMES: &[(&str, &str, &str)] = &[
    ("MessageHeader.Code.CodeNumber", "số văn bản", "document number"),
    ("MessageHeader.Code.CodeNotation", "ký hiệu văn bản", "document notation"),
    ("MessageHeader.PromulgationInfo.Place", "nơi ban hành", "place of issue"),
    ("MessageHeader.PromulgationInfo.PromulgationDate", "ngày ban hành", "date of issue"),
    ("MessageHeader.DocumentType.Type", "mã loại văn bản", "document type code"),
    ("MessageHeader.DocumentType.TypeDetail", "mã chi tiết của loại văn bản", "detailed document type code"),
    ("MessageHeader.DocumentType.TypeName", "tên loại văn bản", "document type"),
    ("MessageHeader.Subject", "trích yếu", "abstract"),
    ("MessageHeader.Content", "nội dung tóm tắt", "short content"),
    ("MessageHeader.SignerInfo.Competence", "thẩm quyền ký", "signing capacity"),
    ("MessageHeader.SignerInfo.Position", "chức vụ của người ký", "post of the signatory"),
    ("MessageHeader.SignerInfo.FullName", "họ tên người ký", "name of the signatory"),
    ("MessageHeader.DueDate", "hạn xử lý", "due date"),
    ("MessageHeader.ToPlaces.Place", "dòng nơi nhận ghi trên văn bản", "place named on the document"),
    ("MessageHeader.OtherInfo.Priority", "độ khẩn", "urgency"),
    ("MessageHeader.OtherInfo.SphereOfPromulgation", "phạm vi lưu hành", "sphere of circulation"),
    ("MessageHeader.OtherInfo.TyperNotation", "ký hiệu người soạn thảo", "mark of the drafter"),
    ("MessageHeader.OtherInfo.PromulgationAmount", "số bản phát hành", "number of copies"),
    ("MessageHeader.OtherInfo.PageAmount", "số tờ", "number of sheets"),
    ("MessageHeader.OtherInfo.Appendixes.Appendix", "tên phụ lục", "title of the annex"),
    (
        "MessageHeader.ResponseFor.OrganId",
        "mã định danh nơi ban hành văn bản được phản hồi",
        "organ id of the answered document",
    ),
    ("MessageHeader.ResponseFor.Code", "số, ký hiệu của văn bản được phản hồi", "code of the answered document"),
    ("MessageHeader.ResponseFor.PromulgationDate", "ngày của văn bản được phản hồi", "date of the answered document"),
    ("MessageHeader.ResponseFor.DocumentId", "mã của văn bản được phản hồi", "document id of the answered document"),
    ("MessageHeader.SteeringType", "loại chỉ đạo", "steering type"),
    ("MessageHeader.DocumentId", "mã văn bản", "document id"),
    ("MessageHeader.StatusCode", "mã trạng thái", "status code"),
    ("MessageHeader.Description", "lý do hoặc ghi chú", "reason or note"),
    ("MessageHeader.Timestamp", "thời điểm ghi nhận trạng thái", "time of the status"),
    ("MessageHeader.StaffInfo", "thông tin cán bộ xử lý", "staff information"),
    ("TraceHeaderList.Bussiness.BussinessDocType", "loại nghiệp vụ", "business type"),
    ("TraceHeaderList.Bussiness.BussinessDocReason", "lý do nghiệp vụ", "business reason"),
    (
        "TraceHeaderList.Bussiness.BussinessDocumentInfo.DocumentInfo",
        "nội dung cập nhật văn bản",
        "what changes in the document",
    ),
    (
        "TraceHeaderList.Bussiness.BussinessDocumentInfo.DocumentReceiver",
        "phần cập nhật nơi nhận",
        "note on which recipients change",
    ),
    (
        "TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver.OrganId",
        "mã định danh của nơi nhận được thêm hoặc bớt",
        "organ id of a receiver of the update",
    ),
    (
        "TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver.ReceiverType",
        "dấu thêm hoặc bớt nơi nhận",
        "receiver type",
    ),
    ("TraceHeaderList.Bussiness.DocumentId", "mã của văn bản cần thu hồi, cập nhật", "id of the document acted on"),
    ("TraceHeaderList.Bussiness.StaffInfo", "thông tin cán bộ xử lý", "staff information"),
    ("TraceHeaderList.Bussiness.Paper", "dấu gửi kèm bản giấy", "paper copy mark"),
    (
        "TraceHeaderList.Bussiness.ReplacementInfoList.ReplacementInfo.DocumentId",
        "mã của văn bản bị thay thế",
        "id of the replaced document",
    ),
    (
        "TraceHeaderList.Bussiness.ReplacementInfoList.ReplacementInfo.OrganIdList.OrganId",
        "mã định danh của nơi đã nhận văn bản bị thay thế",
        "organ id of a recipient of the replaced document",
    ),
    ("Manifest.Reference.ContentId", "mã tệp trong danh mục", "content id in the manifest"),
    ("Manifest.Reference.ContentType", "kiểu tệp trong danh mục", "content type in the manifest"),
    ("Manifest.Reference.Description", "mô tả tệp trong danh mục", "description in the manifest"),
    ("Manifest.Reference.AttachmentName", "tên tệp trong danh mục", "file name in the manifest"),
    ("Attachment.ContentId", "mã của tệp đính kèm", "content id of the attachment"),
    ("Attachment.AttachmentName", "tên của tệp đính kèm", "file name of the attachment"),
    ("Attachment.Description", "mô tả của tệp đính kèm", "description of the attachment"),
    ("Attachment.ContentType", "kiểu của tệp đính kèm", "content type of the attachment"),
];

/// Elements that several blocks have alike: last name, Vietnamese, English.
const SHARED: &[(&str, &str, &str)] = &[
    ("OrganId", "mã định danh", "organ id"),
    ("OrganizationInCharge", "tên cơ quan chủ quản", "superior organisation"),
    ("OrganName", "tên", "name"),
    ("OrganAdd", "địa chỉ", "address"),
    ("Email", "thư điện tử", "mail address"),
    ("Telephone", "số điện thoại", "telephone number"),
    ("Fax", "số fax", "fax number"),
    ("Website", "trang thông tin điện tử", "web site"),
    ("Department", "tên phòng, ban", "department"),
    ("DepartmentId", "mã phòng, ban", "department code"),
    ("Staff", "họ tên", "name"),
    ("StaffId", "mã", "code"),
    ("Mobile", "số điện thoại", "telephone number"),
];

/// The blocks that share them.
const OWNERS: &[(&str, &str, &str)] = &[
    ("MessageHeader.From", "nơi gửi", "the sender"),
    ("MessageHeader.To", "nơi nhận", "the recipient"),
    ("MessageHeader.StaffInfo", "cán bộ xử lý", "the clerk"),
    ("TraceHeaderList.Bussiness.StaffInfo", "cán bộ xử lý", "the clerk"),
];

/// What the values of an element mean, where it is one of a few.
const VALUES: &[(&str, &str, &str)] = &[
    (
        "MessageHeader.OtherInfo.Priority",
        "0 (thường), 1 (khẩn), 2 (thượng khẩn), 3 (hỏa tốc), 4 (hỏa tốc hẹn giờ)",
        "0 (normal), 1 (urgent), 2 (very urgent), 3 (express), 4 (express at a stated hour)",
    ),
    (
        "TraceHeaderList.Bussiness.BussinessDocType",
        "0 (văn bản mới), 1 (thu hồi), 2 (cập nhật), 3 (thay thế)",
        "0 (new), 1 (recall), 2 (update), 3 (replacement)",
    ),
    (
        "TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver.ReceiverType",
        "0 (bớt), 1 (thêm)",
        "0 (removed), 1 (added)",
    ),
    (
        "TraceHeaderList.Bussiness.Paper",
        "0 (chỉ bản điện tử), 1 (có bản giấy gửi sau)",
        "0 (electronic only), 1 (a paper copy follows)",
    ),
];

fn entry(table: &[(&'static str, &'static str, &'static str)], key: &str) -> Option<(&'static str, &'static str)> {
    table.iter().find(|(name, _, _)| *name == key).map(|(_, vi, en)| (*vi, *en))
}

/// The name of the element or block at a path; nothing when it has none.
pub fn of_path(path: &str) -> Option<Wording> {
    if let Some((vi, en)) = entry(NAMES, path) {
        return Some(Wording { vi: vi.to_owned(), en: en.to_owned() });
    }
    let (parent, name) = path.rsplit_once('.')?;
    let ((vi, en), (owner_vi, owner_en)) = (entry(SHARED, name)?, entry(OWNERS, parent)?);
    Some(Wording { vi: format!("{vi} của {owner_vi}"), en: format!("{en} of {owner_en}") })
}

/// What the values of an element mean; the bare values where nothing more is known.
pub fn values(element: &Element, allowed: &[&str]) -> Wording {
    match entry(VALUES, element.path) {
        Some((vi, en)) => Wording { vi: vi.to_owned(), en: en.to_owned() },
        None => Wording { vi: allowed.join(", "), en: allowed.join(", ") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::element;

    #[test]
    fn every_name_belongs_to_an_element() {
        let paths = NAMES.iter().chain(OWNERS).chain(VALUES).map(|(path, _, _)| *path);
        for path in paths {
            assert!(element::of_path(path).is_some(), "{path} is no element");
        }
    }
}
