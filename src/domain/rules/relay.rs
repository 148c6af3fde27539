//! Rules about packets that a neighbouring hub passes on, judged by what it says beside the packet. Not here: for whom a
//! neighbour may send (`parties`, by what routes say).

use super::Class::NotToStandard;
use super::rule::{Judge, Rule, Section, Text};

const HUB: Text = Text { vi: "tên trục", en: "hub" };

/// The rows.
pub const SECTION: Section =
    Section { title: Text { vi: "Chuyển tiếp giữa các trục", en: "Relay between hubs" }, rules: RULES };

const RULES: &[Rule] = &[
    Rule::new("M.Relay.Head", NotToStandard, Judge::Exchange)
        .cause(
            "Trục lân cận không ghi đủ Docaxis-Hops, Docaxis-Delivery, Docaxis-Recipient, hoặc chặng cuối không phải tên của chính nó.",
            "The neighbouring hub does not give Docaxis-Hops, Docaxis-Delivery and Docaxis-Recipient, or the last hop is not its own name.",
        )
        .remedy(
            "Đơn vị vận hành hai trục đối chiếu relay.hub_name với mã hệ thống vai trò hub ở trục bên kia.",
            "The operators of both hubs compare relay.hub_name with the id of the system of the role hub on the other side.",
        ),
    Rule::new("M.Relay.Loop", NotToStandard, Judge::Exchange)
        .given(&[HUB])
        .cause(
            "Gói tin đi vòng: trục \"{0}\" đã chuyển tiếp gói tin này rồi.",
            "The packet goes round in a circle: the hub \"{0}\" passed it on before.",
        )
        .remedy(
            "Đơn vị vận hành các trục sửa tuyến (docaxis route list) rồi gửi lại.",
            "The operators of the hubs mend their routes (docaxis route list); then it is sent again.",
        ),
    Rule::new("R.Relay.Hops", NotToStandard, Judge::Exchange)
        .given(&[Text { vi: "mức tối đa", en: "limit" }])
        .limit("relay.hops_max")
        .cause("Gói tin đã qua hơn {0} trục.", "The packet passed more than {0} hubs.")
        .remedy(
            "Đơn vị vận hành các trục xem lại tuyến hoặc nâng relay.hops_max.",
            "The operators of the hubs look at their routes, or raise relay.hops_max.",
        ),
    Rule::new("M.Relay.Recipient", NotToStandard, Judge::Exchange)
        .given(&[Text { vi: "mã định danh", en: "organ id" }])
        .cause(
            "Nơi nhận \"{0}\" mà trục lân cận nêu không phải là nơi nhận của gói tin.",
            "The recipient \"{0}\" that the neighbouring hub names is none of the packet.",
        )
        .remedy(
            "Đơn vị vận hành trục lân cận kiểm tra danh bạ: mã của nơi nhận ở hai trục phải dẫn tới cùng một cơ quan.",
            "The neighbour's operator checks the directory: the codes of the recipient on both hubs must lead to one agency.",
        ),
];
