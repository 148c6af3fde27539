//! What is looked at when a file is verified, what can be wrong with it, and both in words.

use crate::proof::checkpoint::NoteFault;
use crate::signer::timestamp::TokenFault;

/// What can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Whether it is in the form of its kind.
    Form,
    /// The signature of a receipt.
    Signature,
    /// Whose signature it is.
    Certificate,
    /// The signed head.
    Checkpoint,
    /// What witnesses put under the signed head.
    Cosignature,
    /// The time-stamp over the signed head.
    Timestamp,
    /// Whether a record stands in the ledger.
    Inclusion,
    /// Whether a receipt tells its record.
    Record,
    /// Whether everything is about the same delivery.
    Delivery,
    /// The receipt of the neighbouring hub that took the packet.
    Neighbour,
    /// Whether everything is about the same packet.
    Packet,
    /// Whether number, abstract and recipients are what was sealed.
    Words,
    /// Whether the note of a destroyed content is what capsule and evidence say.
    Destruction,
    /// Whether a statement's list is what was sealed.
    List,
    /// Whether an archive's members are those that its receipt vouches for.
    Manifest,
    /// Whether a member is what the manifest names.
    Member,
}

impl Look {
    /// Its name for scripts, and in words.
    pub fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Form => ("form", "dạng thức", "form"),
            Self::Signature => ("signature", "chữ ký biên nhận", "signature of the receipt"),
            Self::Certificate => ("certificate", "chứng thư số", "certificate"),
            Self::Checkpoint => ("checkpoint", "điểm chốt của sổ cái", "signed head of the ledger"),
            Self::Cosignature => ("cosignature", "chữ ký của bên làm chứng", "cosignature of a witness"),
            Self::Timestamp => ("timestamp", "dấu thời gian", "time-stamp"),
            Self::Inclusion => ("inclusion", "vị trí trong sổ cái", "place in the ledger"),
            Self::Record => ("record", "biên nhận nói đúng bằng chứng", "the receipt tells this evidence"),
            Self::Delivery => ("delivery", "cùng một lượt chuyển", "one and the same delivery"),
            Self::Neighbour => ("neighbour", "biên nhận của trục lân cận", "receipt of the neighbouring hub"),
            Self::Packet => ("packet", "cùng một gói tin", "one and the same packet"),
            Self::Words => ("words", "số, trích yếu, nơi nhận đã niêm phong", "sealed number, abstract and recipients"),
            Self::Destruction => ("destruction", "bản ghi tiêu hủy", "note of a destruction"),
            Self::List => ("list", "danh sách đã niêm phong", "sealed list"),
            Self::Manifest => ("manifest", "danh mục tệp của gói lưu trữ", "manifest of the archive"),
            Self::Member => ("member", "tệp trong gói lưu trữ", "member of the archive"),
        }
    }
}

/// Why something does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It is nothing of a form that is known.
    Unreadable,
    /// A receipt in other bytes than the hub writes.
    OtherBytes,
    /// The digest that was signed is another one.
    Altered,
    /// The key did not make the signature.
    Signature,
    /// The receipt names another certificate than it has.
    OtherCertificate,
    /// The certificate had ended, or had not begun, when the receipt was signed.
    CertificateTime,
    /// Nobody who is trusted stands behind the certificate.
    Untrusted,
    /// No neighbouring hub that is trusted stands behind the certificate of its receipt.
    UntrustedNeighbour,
    /// It was signed before it happened.
    Early,
    /// The head is not what a known key signed.
    Head(NoteFault),
    /// No key of the ledger is known.
    NoLedgerKey,
    /// A cosignature was altered, its time included.
    Cosignature,
    /// None of the witnesses that are trusted cosigned it.
    NotCosigned,
    /// The time-stamp does not hold.
    Timestamp(TokenFault),
    /// There is no time-stamp.
    NotStamped,
    /// The time-stamp of the archive is of another head than its capsules lead to.
    OtherHead,
    /// The receipt of the neighbouring hub, of which the record has the digest, is not there or is another one.
    OtherNeighbourReceipt,
    /// It is not sealed yet, or its proof was left out.
    Unsealed,
    /// The record is not what was sealed there.
    RecordAltered,
    /// The way to the head does not lead there.
    NotIncluded,
    /// The receipt is that of another piece of evidence.
    OtherRecord,
    /// It belongs to another delivery.
    OtherDelivery,
    /// Nothing binds the delivery to the envelope.
    Unbound,
    /// Nothing says that the packet was accepted.
    NoAcceptance,
    /// The packet is another one.
    OtherPacket,
    /// Number, abstract or recipients are not those that were sealed.
    OtherWords,
    /// The note of a destroyed content says something else than the evidence of its destruction.
    OtherDestruction,
    /// The list is not the one that was sealed.
    OtherList,
    /// The archive ends too early.
    Cut,
    /// The manifest is not the one that the receipt vouches for, or there is none.
    OtherManifest,
    /// The member is larger than what is looked into.
    TooLarge,
    /// The member was altered.
    MemberAltered,
    /// The member is missing.
    MemberMissing,
    /// The member was added.
    MemberAdded,
    /// The directory at the end was altered.
    Directory,
}

impl Flaw {
    /// Its name, for scripts.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::OtherBytes => "other-bytes",
            Self::Altered => "altered",
            Self::Signature => "signature",
            Self::OtherCertificate => "other-certificate",
            Self::CertificateTime => "certificate-time",
            Self::Untrusted => "untrusted",
            Self::UntrustedNeighbour => "untrusted-neighbour",
            Self::Early => "early",
            Self::Head(_) => "head",
            Self::NoLedgerKey => "no-ledger-key",
            Self::Cosignature => "cosignature-altered",
            Self::NotCosigned => "not-cosigned",
            Self::Timestamp(TokenFault::Unreadable) => "timestamp-unreadable",
            Self::Timestamp(TokenFault::Imprint) => "timestamp-other",
            Self::Timestamp(TokenFault::Signature) => "timestamp-altered",
            Self::Timestamp(TokenFault::Purpose) => "timestamp-purpose",
            Self::Timestamp(TokenFault::CertificateTime) => "timestamp-certificate-time",
            Self::Timestamp(TokenFault::Untrusted) => "timestamp-untrusted",
            Self::NotStamped => "not-stamped",
            Self::OtherHead => "other-head",
            Self::OtherNeighbourReceipt => "other-neighbour-receipt",
            Self::Unsealed => "unsealed",
            Self::RecordAltered => "record-altered",
            Self::NotIncluded => "not-included",
            Self::OtherRecord => "other-record",
            Self::OtherDelivery => "other-delivery",
            Self::Unbound => "unbound",
            Self::NoAcceptance => "no-acceptance",
            Self::OtherPacket => "other-packet",
            Self::OtherWords => "other-words",
            Self::OtherDestruction => "other-destruction",
            Self::OtherList => "other-list",
            Self::Cut => "cut",
            Self::OtherManifest => "other-manifest",
            Self::TooLarge => "too-large",
            Self::MemberAltered => "member-altered",
            Self::MemberMissing => "member-missing",
            Self::MemberAdded => "member-added",
            Self::Directory => "directory",
        }
    }

    /// What it is, Vietnamese and English.
    pub fn words(self) -> (&'static str, &'static str) {
        (self.vietnamese(), self.english())
    }

    fn vietnamese(self) -> &'static str {
        match self {
            Self::Unreadable => "không phải biên nhận, hồ sơ chứng minh, bảng kê hay gói lưu trữ đọc được",
            Self::OtherBytes => "biên nhận không đúng từng byte như Trục viết",
            Self::Altered => "nội dung đã bị sửa sau khi ký",
            Self::Signature => "chữ ký không đúng với khóa",
            Self::OtherCertificate => "chứng thư kèm theo không phải chứng thư đã nêu",
            Self::CertificateTime => "chứng thư hết hạn hoặc chưa có hiệu lực lúc ký",
            Self::Untrusted => "chứng thư không nằm trong số được tin cậy (--trust)",
            Self::UntrustedNeighbour => {
                "chứng thư của trục lân cận không nằm trong số được tin cậy; cấp chứng thư đó bằng --neighbour"
            }
            Self::Early => "ký trước khi sự việc xảy ra",
            Self::Head(NoteFault::Unreadable) => "không phải điểm chốt đã ký",
            Self::Head(NoteFault::Signature) => "điểm chốt đã bị sửa",
            Self::Head(NoteFault::Unsigned) => "khóa đã biết không ký điểm chốt này",
            Self::NoLedgerKey => "không có khóa sổ cái nào để tin (--ledger-key, hoặc một biên nhận đúng)",
            Self::Cosignature => "chữ ký của bên làm chứng đã bị sửa, kể cả thời điểm",
            Self::Timestamp(TokenFault::Unreadable) => "dấu thời gian không đọc được",
            Self::Timestamp(TokenFault::Imprint) => "dấu thời gian của điểm chốt khác",
            Self::Timestamp(TokenFault::Signature) => "dấu thời gian đã bị sửa, hoặc không do khóa đã nêu ký",
            Self::Timestamp(TokenFault::Purpose) => "chứng thư ký dấu thời gian không dành riêng cho việc đó",
            Self::Timestamp(TokenFault::CertificateTime) => {
                "chứng thư ký dấu thời gian hết hạn hoặc chưa có hiệu lực lúc cấp dấu"
            }
            Self::Timestamp(TokenFault::Untrusted) => {
                "tổ chức cấp dấu thời gian không nằm trong số được tin cậy (--timestamp-authority)"
            }
            Self::NotStamped => "chưa có dấu thời gian; xin lại hồ sơ sau",
            Self::OtherHead => "dấu thời gian của gói là của điểm chốt khác với điểm chốt của hồ sơ",
            Self::NotCosigned => "không bên làm chứng nào được tin (--witness-key) đã ký điểm chốt này",
            Self::OtherNeighbourReceipt => {
                "thiếu biên nhận của trục lân cận mà bằng chứng đã nêu, hoặc là biên nhận khác"
            }
            Self::Unsealed => "chưa niêm phong, hoặc phần chứng minh đã bị bỏ; xin lại hồ sơ sau ít giây",
            Self::RecordAltered => "bằng chứng không đúng với bút toán",
            Self::NotIncluded => "bút toán không nằm ở vị trí này của sổ cái",
            Self::OtherRecord => "biên nhận của bằng chứng khác",
            Self::OtherDelivery => "thuộc lượt chuyển khác",
            Self::Unbound => "không gì gắn lượt chuyển với gói tin này",
            Self::NoAcceptance => "không có bằng chứng tiếp nhận gói tin",
            Self::OtherPacket => "gói tin khác (SHA-256 không khớp)",
            Self::OtherWords => "số ký hiệu, trích yếu hoặc nơi nhận khác với điều đã niêm phong lúc tiếp nhận",
            Self::OtherDestruction => "bản ghi tiêu hủy khác với bằng chứng tiêu hủy",
            Self::OtherList => "danh sách khác với điều đã niêm phong",
            Self::Cut => "gói lưu trữ bị cắt cụt",
            Self::OtherManifest => "danh mục tệp không phải danh mục mà biên nhận của gói bảo đảm",
            Self::TooLarge => "tệp quá lớn để xem bên trong (trên 64 MiB), nên không kiểm tra được",
            Self::MemberAltered => "tệp đã bị sửa",
            Self::MemberMissing => "tệp đã bị bỏ",
            Self::MemberAdded => "tệp được thêm vào",
            Self::Directory => "phần cuối của tệp ZIP đã bị sửa",
        }
    }

    fn english(self) -> &'static str {
        match self {
            Self::Unreadable => "neither a receipt, capsule, statement nor archive that can be read",
            Self::OtherBytes => "a receipt in other bytes than the hub writes",
            Self::Altered => "it was altered after it was signed",
            Self::Signature => "the key did not make this signature",
            Self::OtherCertificate => "another certificate than it names",
            Self::CertificateTime => "the certificate did not hold when this was signed",
            Self::Untrusted => "nobody who is trusted stands behind the certificate (--trust)",
            Self::UntrustedNeighbour => {
                "nobody who is trusted stands behind the certificate of the neighbouring hub; give it with --neighbour"
            }
            Self::Early => "signed before it happened",
            Self::Head(NoteFault::Unreadable) => "no signed head",
            Self::Head(NoteFault::Signature) => "the signed head was altered",
            Self::Head(NoteFault::Unsigned) => "no known key signed this head",
            Self::NoLedgerKey => "no key of the ledger is known (--ledger-key, or a receipt that holds)",
            Self::Cosignature => "a cosignature or its time was altered",
            Self::Timestamp(TokenFault::Unreadable) => "no time-stamp that can be read",
            Self::Timestamp(TokenFault::Imprint) => "a time-stamp of another head",
            Self::Timestamp(TokenFault::Signature) => "the time-stamp was altered, or another key signed it",
            Self::Timestamp(TokenFault::Purpose) => "the certificate of the time-stamp is not one for that only",
            Self::Timestamp(TokenFault::CertificateTime) => {
                "the certificate of the time-stamp did not hold at the time that it says"
            }
            Self::Timestamp(TokenFault::Untrusted) => {
                "nobody who is trusted stands behind the time-stamp (--timestamp-authority)"
            }
            Self::NotStamped => "there is no time-stamp yet; ask for the capsule again later",
            Self::OtherHead => "the archive's time-stamp is of another head than the capsules lead to",
            Self::NotCosigned => "none of the trusted witnesses (--witness-key) cosigned this head",
            Self::OtherNeighbourReceipt => {
                "the neighbouring hub's receipt that the record names is not there, or is another one"
            }
            Self::Unsealed => "not sealed yet, or its proof was left out; ask for the capsule again in some seconds",
            Self::RecordAltered => "the evidence is not what was sealed",
            Self::NotIncluded => "the ledger does not have this entry there",
            Self::OtherRecord => "the receipt of other evidence",
            Self::OtherDelivery => "it belongs to another delivery",
            Self::Unbound => "nothing binds the delivery to this envelope",
            Self::NoAcceptance => "no evidence that the packet was accepted",
            Self::OtherPacket => "another packet (SHA-256 differs)",
            Self::OtherWords => "number, abstract or recipients differ from what was sealed at acceptance",
            Self::OtherDestruction => "the note of the destruction differs from the evidence of it",
            Self::OtherList => "the list is not the one that was sealed",
            Self::Cut => "the archive ends too early",
            Self::OtherManifest => "the manifest is not the one that the receipt of the archive vouches for",
            Self::TooLarge => "the member is too large to be looked into (over 64 MiB), so that it cannot be verified",
            Self::MemberAltered => "the member was altered",
            Self::MemberMissing => "the member is missing",
            Self::MemberAdded => "the member was added",
            Self::Directory => "the directory at the end was altered",
        }
    }
}
