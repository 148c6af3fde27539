//! What can be wrong with the settings of retention. The file of classes is read, and judged, when the hub opens.

use super::Config;
use super::faults::Check;

impl Config {
    pub(super) fn retentions(&self) -> Vec<Check> {
        let settings = &self.retention;
        vec![
            (
                !(1..=36_500).contains(&settings.age_days_min),
                "retention.age_days_min",
                "phải từ 1 đến 36500: không nội dung nào bị tiêu hủy trong ngày nó kết thúc",
                "must be 1 to 36500: no content is destroyed on the day on which it ended",
            ),
            (
                !(1..=50_000).contains(&settings.packets_max),
                "retention.packets_max",
                "phải từ 1 đến 50000: cả danh sách nằm trong một chứng nhận",
                "must be 1 to 50000: the whole list stands in one certificate",
            ),
            (
                !(1..=1000).contains(&settings.batch),
                "retention.batch",
                "phải từ 1 đến 1000: mỗi đợt là một giao dịch và mọi ghi khác phải chờ",
                "must be 1 to 1000: each batch is one transaction, for which all other writes wait",
            ),
            (settings.run_max == 0, "retention.run_max", "phải từ 1 trở lên", "must be at least 1"),
            (settings.decision_hours == 0, "retention.decision_hours", "phải từ 1 trở lên", "must be at least 1"),
        ]
    }
}
