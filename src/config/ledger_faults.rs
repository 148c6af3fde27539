//! What can be wrong with the settings of the ledger, its witnesses and its receipts.

use super::Config;
use super::faults::Check;
use crate::proof::checkpoint;
use crate::proof::witness::witnesses;

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
}
