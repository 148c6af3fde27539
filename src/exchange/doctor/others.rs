//! Other hubs, witnesses and time-stamp authorities: who does not cosign or stamp, which ledger was refused, whose receipts are not asked for.

use super::{Diagnosis, Finding, Severity, finding};
use crate::config::Config;
use crate::domain::dates::for_people;
use crate::exchange::{cosign, stamp};
use crate::proof::checkpoint::Key;
use crate::proof::witness::witnesses;
use crate::store::witnesses::WitnessRow;
use chrono::{DateTime, Utc};

/// What is wrong with them.
pub(super) fn examine(config: &Config, diagnosis: &Diagnosis, now: DateTime<Utc>, found: &mut Vec<Finding>) {
    let named = witnesses(&config.witness.asked).unwrap_or_default().into_iter().map(|(key, _)| key);
    let of_neighbours = diagnosis.neighbours.iter().filter_map(|keys| Key::parse_witness(&keys.witness_key));
    let asked: Vec<Key> = named.chain(of_neighbours).collect();
    let is_asked = |name: &str| asked.iter().any(|key| key.name() == name);
    let late = diagnosis.witnesses.iter().filter(|row| is_asked(&row.witness));
    for row in late.filter(|row| cosign::is_late(row, config.witness.late_seconds, now)) {
        let (name, since, why) = (&row.witness, for_people(row.well_at()), &row.trouble);
        found.push(finding(
            Severity::Warning,
            "witness.late",
            (
                format!("bên làm chứng {name} không ký điểm chốt từ {since}: {why}"),
                format!("the witness {name} has not cosigned since {since}: {why}"),
            ),
            (
                "kiểm tra đường tới bên làm chứng; nếu sổ cái vừa được khôi phục, báo người vận hành bên đó (docs/ledger.md)",
                "look at the way to the witness; after a restore, tell its operator (docs/ledger.md)",
            ),
        ));
    }
    let settings = &config.timestamp;
    let is_stamped = |row: &&WitnessRow| row.witness == stamp::ASKED && !settings.urls.is_empty();
    let unstamped = diagnosis.witnesses.iter().filter(is_stamped);
    for row in unstamped.filter(|row| cosign::is_late(row, settings.late_seconds, now)) {
        let (since, why) = (for_people(row.well_at()), &row.trouble);
        found.push(finding(
            Severity::Warning,
            "timestamp.late",
            (
                format!("điểm chốt của sổ cái không được cấp dấu thời gian từ {since}: {why}"),
                format!("the heads of the ledger have not been stamped since {since}: {why}"),
            ),
            (
                "kiểm tra đường tới tổ chức cấp dấu thời gian và mục [timestamp] của cấu hình, rồi chạy docaxis timestamp now",
                "look at the way to the time-stamp authority and at [timestamp] in the configuration, then run docaxis timestamp now",
            ),
        ));
    }
    for row in diagnosis.watched.iter().filter(|row| row.refused.is_some()) {
        let (name, size) = (&row.origin, row.tree_size);
        found.push(finding(
            Severity::Warning,
            "witness.refused",
            (
                format!("sổ cái {name} không nối tiếp điểm chốt {size} bút toán mà trục này đã ký chứng"),
                format!("the ledger {name} did not grow from the {size} entries that this hub cosigned"),
            ),
            (
                "hỏi người vận hành sổ cái đó; nếu họ đã khôi phục từ bản sao lưu, chạy docaxis witness forget",
                "ask who runs that ledger; if it was restored from a backup, run docaxis witness forget",
            ),
        ));
    }
    for keys in diagnosis.neighbours.iter().filter(|keys| keys.certificates.is_empty()) {
        let name = &keys.neighbour;
        found.push(finding(
            Severity::Warning,
            "neighbour.unverified",
            (
                format!("trục lân cận {name} được tin mà không cần biên nhận có chữ ký"),
                format!("the neighbour {name} is believed without its signed receipts"),
            ),
            (
                "lấy chứng thư của trục đó và chạy docaxis neighbour set … --certificate TỆP",
                "get that hub's certificate and run docaxis neighbour set … --certificate FILE",
            ),
        ));
    }
}
