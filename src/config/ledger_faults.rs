//! What can be wrong with the settings of the ledger, its witnesses, its time-stamps and its receipts.

use super::Config;
use super::faults::Check;
use crate::proof::checkpoint;
use crate::proof::witness::witnesses;
use crate::signer::timestamp::is_policy;

impl Config {
    pub(super) fn ledgers(&self) -> Vec<Check> {
        const ONE: (&str, &str) = ("phải từ 1 trở lên", "must be at least 1");
        let ledger = &self.ledger;
        let mut old_keys = ledger.old_keys.split(',').filter(|key| !key.trim().is_empty());
        vec![
            (
                !checkpoint::is_name(&ledger.name),
                "ledger.name",
                "không được trống, không có khoảng trắng hay dấu +",
                "must not be empty and have neither spaces nor +",
            ),
            (
                old_keys.any(|key| checkpoint::Key::parse(key).is_none()),
                "ledger.old_keys",
                "phải là các khoá do docaxis ledger show in ra, cách nhau bằng dấu phẩy",
                "must be keys as docaxis ledger show prints them, divided by commas",
            ),
            (
                !(1..=1000).contains(&ledger.tick_milliseconds),
                "ledger.tick_milliseconds",
                "phải từ 1 đến 1000: bằng chứng được niêm phong trong vòng một giây",
                "must be 1 to 1000: evidence is sealed within a second",
            ),
            (ledger.batch_max == 0, "ledger.batch_max", ONE.0, ONE.1),
            (
                !(1..=36_500).contains(&self.receipts.self_signed_days),
                "receipts.self_signed_days",
                "phải từ 1 đến 36500",
                "must be 1 to 36500",
            ),
            (
                !(1..=60).contains(&ledger.checkpoint_seconds),
                "ledger.checkpoint_seconds",
                "phải từ 1 đến 60: ít nhất mỗi phút một điểm chốt",
                "must be 1 to 60: a head is signed at least once a minute",
            ),
            (
                ledger.late_seconds < ledger.checkpoint_seconds.saturating_mul(2),
                "ledger.late_seconds",
                "ít nhất phải gấp đôi ledger.checkpoint_seconds",
                "must be at least twice ledger.checkpoint_seconds",
            ),
            (
                ledger.stop_seconds != 0 && ledger.stop_seconds < ledger.late_seconds,
                "ledger.stop_seconds",
                "không được nhỏ hơn ledger.late_seconds",
                "must not be below ledger.late_seconds",
            ),
        ]
    }

    pub(super) fn witnesses(&self) -> Vec<Check> {
        const ONE: (&str, &str) = ("phải từ 1 trở lên", "must be at least 1");
        let witness = &self.witness;
        let mut watched = witness.watched.split(',').filter(|key| !key.trim().is_empty());
        vec![
            (
                witnesses(&witness.asked).is_none(),
                "witness.asked",
                "phải là các cặp khoá và địa chỉ cách nhau một dấu cách, giữa các cặp là dấu phẩy",
                "must be keys with an address each, a blank between, divided by commas",
            ),
            (
                watched.any(|key| checkpoint::Key::parse(key).is_none()),
                "witness.watched",
                "phải là các khoá do docaxis ledger show in ra, cách nhau bằng dấu phẩy",
                "must be keys as docaxis ledger show prints them, divided by commas",
            ),
            (witness.every_seconds == 0, "witness.every_seconds", ONE.0, ONE.1),
            (witness.tick_seconds == 0, "witness.tick_seconds", ONE.0, ONE.1),
            (
                witness.late_seconds < witness.every_seconds.saturating_mul(2),
                "witness.late_seconds",
                "ít nhất phải gấp đôi witness.every_seconds",
                "must be at least twice witness.every_seconds",
            ),
        ]
    }

    pub(super) fn timestamps(&self) -> Vec<Check> {
        let stamps = &self.timestamp;
        let is_url = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        let mut urls = stamps.urls.split([',', ' ']).filter(|url| !url.is_empty());
        vec![
            (
                !urls.all(is_url),
                "timestamp.urls",
                "phải là các địa chỉ https:// hoặc http://, cách nhau bằng dấu phẩy",
                "must be addresses with https:// or http://, divided by commas",
            ),
            (
                !stamps.urls.is_empty() && stamps.authorities_file.as_os_str().is_empty(),
                "timestamp.authorities_file",
                "phải nêu tệp chứng thư của tổ chức cấp dấu thời gian",
                "must name the file with the certificates of the time-stamp authorities",
            ),
            (
                !stamps.policy.is_empty() && !is_policy(&stamps.policy),
                "timestamp.policy",
                "phải là các số cách nhau bằng dấu chấm, như 1.2.3.4.1",
                "must be numbers with dots, such as 1.2.3.4.1",
            ),
            (
                !(60..=3600).contains(&stamps.every_seconds),
                "timestamp.every_seconds",
                "phải từ 60 đến 3600: nhiều nhất mỗi phút, ít nhất mỗi giờ một lần",
                "must be 60 to 3600: at most once a minute, at least once an hour",
            ),
            (stamps.timeout_seconds == 0, "timestamp.timeout_seconds", "phải từ 1 trở lên", "must be at least 1"),
            (
                stamps.late_seconds < stamps.every_seconds.saturating_mul(2),
                "timestamp.late_seconds",
                "ít nhất phải gấp đôi timestamp.every_seconds",
                "must be at least twice timestamp.every_seconds",
            ),
        ]
    }
}
