//! What the numbers mean: every measure with what is counted, out of what, by which time and without what. Pages, tables, files and
//! docs/statistics.md take their words from here. Not here: how things come to be counted (`tally`).

use super::cause::Cause;
use super::rules::Wording;
use super::selftest::Both;
use super::tally::{ATTEMPTS, LIMITS, STATUSES, WHOLE, type_name, what};
use std::collections::HashMap;

/// The edition of these definitions; another one whenever a number would come out otherwise.
pub const EDITION: &str = "1";

/// Numbers of a part of what was exchanged, by slice and what is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums(HashMap<(String, String), i64>);

impl FromIterator<(String, String, i64)> for Sums {
    fn from_iter<T: IntoIterator<Item = (String, String, i64)>>(sums: T) -> Self {
        Self(sums.into_iter().map(|(slice, what, number)| ((slice, what), number)).collect())
    }
}

impl Sums {
    /// How much there is of something in a slice.
    pub fn of(&self, slice: &str, what: &str) -> i64 {
        self.0.get(&(slice.to_owned(), what.to_owned())).copied().unwrap_or_default()
    }

    /// The slices of a kind that there are, without what they begin with; the fullest first.
    pub fn slices(&self, kind: &str, what: &str) -> Vec<(String, i64)> {
        let of_kind = self.0.iter().filter(|((_, counted), number)| counted == what && **number != 0);
        let mut slices: Vec<(String, i64)> =
            of_kind.filter_map(|((slice, _), number)| Some((slice.strip_prefix(kind)?.to_owned(), *number))).collect();
        slices.sort_by(|(a, of_a), (b, of_b)| (of_b, a).cmp(&(of_a, b)));
        slices
    }

    /// How long a share of what is in a slice took at most, in seconds, as far as its buckets tell; nothing without any, and
    /// `i64::MAX` beyond the last limit.
    pub fn quantile(&self, slice: &str, percent: i64) -> Option<i64> {
        let numbers = what::BUCKETS.map(|bucket| self.of(slice, bucket).max(0));
        let all: i64 = numbers.iter().fold(0, |sum, number| sum.saturating_add(*number));
        let wanted = all.saturating_mul(percent).saturating_add(99) / 100;
        let mut passed: i64 = 0;
        let place = numbers.iter().position(|number| {
            passed = passed.saturating_add(*number);
            passed >= wanted
        });
        (all > 0).then(|| place.and_then(|place| LIMITS.get(place).copied()).unwrap_or(i64::MAX))
    }
}

/// A number with its words.
pub struct Counted {
    /// What is counted.
    pub words: Both,
    /// How much of it there is.
    pub of: fn(&Sums) -> i64,
}

/// A measure.
pub struct Measure {
    /// Its name in files.
    pub code: &'static str,
    /// What people call it.
    pub name: Both,
    /// What is counted.
    pub numerator: Counted,
    /// Out of what; nothing for what is a number by itself.
    pub denominator: Option<Counted>,
    /// By which time it belongs to a day.
    pub basis: Both,
    /// What is left out.
    pub excludes: Both,
}

const fn both(vi: &'static str, en: &'static str) -> Both {
    Both { vi, en }
}

const ACCEPTED_ON: Both =
    both("ngày Trục tiếp nhận gói tin, giờ Việt Nam", "the day on which the hub accepted the packet, in Vietnam");
const NO_TESTS: Both = both("tự kiểm tra; gói tin trạng thái", "self-tests; status packets");
const DOCUMENTS: Both = both("văn bản đã được Trục tiếp nhận", "documents that the hub accepted");
const DELIVERIES: Both = both("lượt gửi (mỗi văn bản × mỗi nơi nhận)", "deliveries (each document × each recipient)");

fn whole(sums: &Sums, what: &str) -> i64 {
    sums.of(WHOLE, what)
}

fn waiting(sums: &Sums) -> i64 {
    let ended = [what::DELIVERED, what::FAILED, what::WITHDRAWN].map(|what| whole(sums, what));
    ended.iter().fold(deliveries(sums), |left, number| left.saturating_sub(*number))
}

fn deliveries(sums: &Sums) -> i64 {
    whole(sums, what::DELIVERIES)
}

fn either(sums: &Sums, [one, other]: [&str; 2]) -> i64 {
    whole(sums, one).saturating_add(whole(sums, other))
}

fn attempts(sums: &Sums, from: usize) -> i64 {
    let later = what::ATTEMPTS.iter().skip(from);
    later.fold(0, |sum, attempt| sum.saturating_add(sums.of(ATTEMPTS, attempt)))
}

/// A share of all deliveries of documents.
const fn share(code: &'static str, name: Both, numerator: Counted) -> Measure {
    let denominator = Some(Counted { words: DELIVERIES, of: deliveries });
    Measure { code, name, numerator, denominator, basis: ACCEPTED_ON, excludes: NO_TESTS }
}

const fn number(code: &'static str, name: Both, numerator: Counted) -> Measure {
    Measure { code, name, numerator, denominator: None, basis: ACCEPTED_ON, excludes: NO_TESTS }
}

/// Every measure, in the order in which people read them.
pub const MEASURES: &[Measure] = &[
    number(
        "packets",
        both("Văn bản gửi", "Documents sent"),
        Counted { words: DOCUMENTS, of: |sums| whole(sums, what::PACKETS) },
    ),
    number("deliveries", both("Lượt gửi", "Deliveries"), Counted { words: DELIVERIES, of: deliveries }),
    share(
        "delivered",
        both("Đã nhận", "Delivered"),
        Counted {
            words: both(
                "lượt gửi mà phần mềm bên nhận đã xác nhận giữ",
                "deliveries that the recipient's software confirmed",
            ),
            of: |sums| whole(sums, what::DELIVERED),
        },
    ),
    share(
        "waiting",
        both("Đang chờ", "Waiting"),
        Counted { words: both("lượt gửi chưa kết thúc", "deliveries that have not ended"), of: waiting },
    ),
    share(
        "failed",
        both("Lỗi", "Failed"),
        Counted {
            words: both("lượt gửi không chuyển được, chưa xử lý", "deliveries that failed and are not mended"),
            of: |sums| whole(sums, what::FAILED),
        },
    ),
    share(
        "withdrawn",
        both("Đã rút lại", "Withdrawn"),
        Counted {
            words: both("lượt gửi rút lại trước khi bên nhận lấy", "deliveries withdrawn before they were fetched"),
            of: |sums| whole(sums, what::WITHDRAWN),
        },
    ),
    share(
        "refused",
        both("Từ chối tiếp nhận (02)", "Refused by clerks (02)"),
        Counted {
            words: both("lượt gửi có trạng thái 02", "deliveries with status 02"),
            of: |sums| whole(sums, "status_02"),
        },
    ),
    share(
        "replied",
        both("Tỷ lệ phản hồi trạng thái", "Status reply rate"),
        Counted {
            words: both("lượt gửi có ít nhất một trạng thái 01–06", "deliveries with at least one status 01–06"),
            of: |sums| whole(sums, what::REPLIED),
        },
    ),
    share(
        "status_01",
        both("Đã đến (01)", "Arrived (01)"),
        Counted {
            words: both("lượt gửi có trạng thái 01", "deliveries with status 01"),
            of: |sums| whole(sums, "status_01"),
        },
    ),
    share(
        "status_03",
        both("Đã tiếp nhận (03)", "Received (03)"),
        Counted {
            words: both("lượt gửi có trạng thái 03", "deliveries with status 03"),
            of: |sums| whole(sums, "status_03"),
        },
    ),
    share(
        "status_06",
        both("Hoàn thành (06)", "Finished (06)"),
        Counted {
            words: both("lượt gửi có trạng thái 06", "deliveries with status 06"),
            of: |sums| whole(sums, "status_06"),
        },
    ),
    Measure {
        code: "timely",
        name: both("Tỷ lệ tiếp nhận đúng hạn", "Received in time"),
        numerator: Counted {
            words: both(
                "lượt gửi được báo 02–06 trong hạn tiếp nhận theo lịch làm việc",
                "deliveries reported as received, or given back, by the working calendar's deadline",
            ),
            of: |sums| whole(sums, what::TIMELY),
        },
        denominator: Some(Counted {
            words: both(
                "lượt gửi không bị rút lại, kể cả lượt chưa đến hạn",
                "deliveries not withdrawn, those not yet due included",
            ),
            of: |sums| deliveries(sums).saturating_sub(whole(sums, what::WITHDRAWN)),
        }),
        basis: ACCEPTED_ON,
        excludes: both(
            "tự kiểm tra; gói tin trạng thái; lượt đã rút lại",
            "self-tests; status packets; what was withdrawn",
        ),
    },
    share(
        "asked_back",
        both("Đề nghị thu hồi, cập nhật, thay thế", "Asked back, to be updated or replaced"),
        Counted {
            words: both("lượt gửi đã lấy về rồi bị đề nghị lấy lại", "deliveries fetched and then asked back"),
            of: |sums| whole(sums, what::ASKED_BACK),
        },
    ),
    answered(
        "agreed",
        both("Đồng ý trả lại (15)", "Agreed to give back (15)"),
        Counted {
            words: both("đề nghị được đồng ý", "requests that were agreed to"),
            of: |sums| whole(sums, what::AGREED),
        },
    ),
    answered(
        "declined",
        both("Không đồng ý trả lại (16)", "Refused to give back (16)"),
        Counted {
            words: both("đề nghị bị từ chối", "requests that were refused"),
            of: |sums| whole(sums, what::DECLINED),
        },
    ),
    of_packets(
        "signed",
        both("Tỷ lệ văn bản có ký số", "Share of documents with a digital signature"),
        [|sums| whole(sums, what::SIGNED), |sums| either(sums, [what::SIGNED, what::UNSIGNED])],
        [
            both(
                "văn bản có tệp đính kèm mang chữ ký số; hiệu lực chữ ký chưa được kiểm tra",
                "documents with an attachment that bears a digital signature; whether it holds is not checked",
            ),
            both("văn bản có tệp đính kèm", "documents with attachments"),
        ],
    ),
    of_packets(
        "paperless",
        both("Tỷ lệ văn bản không gửi kèm bản giấy", "Share of documents without paper"),
        [|sums| whole(sums, what::PAPERLESS), |sums| either(sums, [what::PAPERLESS, what::PAPER])],
        [
            both(
                "văn bản ghi rõ không gửi bản giấy (Paper = 0)",
                "documents that say that no paper follows (Paper = 0)",
            ),
            both("văn bản có ghi Paper", "documents that say whether paper follows"),
        ],
    ),
    Measure {
        code: "retried",
        name: both("Đến nơi sau khi gửi lại", "Arrived after more than one attempt"),
        numerator: Counted {
            words: both("lượt đẩy đến nơi từ lần thử thứ hai", "pushes that arrived at the second attempt or later"),
            of: |sums| attempts(sums, 1),
        },
        denominator: Some(Counted {
            words: both("lượt do Trục đẩy đã đến nơi", "deliveries that the hub pushed and that arrived"),
            of: |sums| attempts(sums, 0),
        }),
        basis: ACCEPTED_ON,
        excludes: both("tự kiểm tra; lượt bên nhận tự lấy về", "self-tests; what recipients fetch themselves"),
    },
    Measure {
        code: "statuses",
        name: both("Gói tin trạng thái", "Status packets"),
        numerator: Counted {
            words: both("gói tin trạng thái đã được Trục tiếp nhận", "status packets that the hub accepted"),
            of: |sums| sums.of(STATUSES, what::PACKETS),
        },
        denominator: None,
        basis: ACCEPTED_ON,
        excludes: both("tự kiểm tra", "self-tests"),
    },
];

/// A share of documents, each once: those of the first kind out of those of both.
const fn of_packets(
    code: &'static str,
    name: Both,
    counted: [fn(&Sums) -> i64; 2],
    [numerator, denominator]: [Both; 2],
) -> Measure {
    let [of, out_of] = counted;
    Measure {
        code,
        name,
        numerator: Counted { words: numerator, of },
        denominator: Some(Counted { words: denominator, of: out_of }),
        basis: ACCEPTED_ON,
        excludes: both(
            "tự kiểm tra; gói tin trạng thái; văn bản tiếp nhận trước khi Trục ghi điều này",
            "self-tests; status packets; documents from before the hub noted it",
        ),
    }
}

const fn answered(code: &'static str, name: Both, numerator: Counted) -> Measure {
    let denominator = Some(Counted {
        words: both("lượt gửi bị đề nghị lấy lại", "deliveries that were asked back"),
        of: |sums| whole(sums, what::ASKED_BACK),
    });
    Measure { code, name, numerator, denominator, basis: ACCEPTED_ON, excludes: NO_TESTS }
}

/// A measure of a part of what was exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// What is counted.
    pub numerator: i64,
    /// Out of what.
    pub denominator: Option<i64>,
}

impl Measure {
    /// Its value.
    pub fn value(&self, sums: &Sums) -> Value {
        let denominator = self.denominator.as_ref().map(|counted| (counted.of)(sums));
        Value { numerator: (self.numerator.of)(sums), denominator }
    }
}

impl Value {
    /// The share in thousandths, rounded; nothing out of nothing.
    pub fn permille(self) -> Option<i64> {
        let out_of = self.denominator.filter(|out_of| *out_of > 0)?;
        Some(self.numerator.saturating_mul(1000).saturating_add(out_of / 2) / out_of)
    }
}

/// The measure of that code.
pub fn measure(code: &str) -> Option<&'static Measure> {
    MEASURES.iter().find(|measure| measure.code == code)
}

/// What a slice is called, by the word behind what those of its kind begin with.
pub fn slice_name(word: &str) -> Wording {
    match word {
        "express" => Wording::new("Hỏa tốc", "Express"),
        "very_urgent" => Wording::new("Thượng khẩn", "Very urgent"),
        "urgent" => Wording::new("Khẩn", "Urgent"),
        "normal" => Wording::new("Thường", "Normal"),
        "new" => Wording::new("Văn bản mới", "New document"),
        "recall" => Wording::new("Thu hồi", "Recall"),
        "update" => Wording::new("Cập nhật", "Update"),
        "replacement" => Wording::new("Thay thế", "Replacement"),
        "within-province" => Wording::new("Nội tỉnh", "Within a province"),
        "between-provinces" => Wording::new("Liên tỉnh", "Between provinces"),
        "upwards" => Wording::new("Tỉnh → Trung ương", "Province → centre"),
        "downwards" => Wording::new("Trung ương → tỉnh", "Centre → province"),
        "central" => Wording::new("Giữa các cơ quan Trung ương", "Between central agencies"),
        "" | "other" => Wording::new("Khác", "Other"),
        other => match (Cause::of_code(other), type_name(other)) {
            (Some(cause), _) => cause.name(),
            (None, name) => Wording::new(name.unwrap_or(other), name.unwrap_or(other)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(numbers: &[(&str, &str, i64)]) -> Sums {
        numbers.iter().map(|(slice, what, number)| ((*slice).to_owned(), (*what).to_owned(), *number)).collect()
    }

    #[test]
    fn what_waits_is_what_has_not_ended_and_shares_are_rounded() {
        let sums = sums(&[("", "deliveries", 7), ("", "delivered", 2), ("", "failed", 1), ("", "withdrawn", 1)]);
        let value = |code| measure(code).unwrap().value(&sums);

        assert_eq!(value("waiting"), Value { numerator: 3, denominator: Some(7) });
        assert_eq!(value("delivered").permille(), Some(286));
        assert_eq!(value("timely").denominator, Some(6));
        assert_eq!(value("agreed").permille(), None, "nothing was asked back");
    }

    #[test]
    fn medians_come_from_buckets() {
        let sums = sums(&[("delay", "bucket_01", 5), ("delay", "bucket_08", 4), ("delay", "bucket_16", 1)]);

        assert_eq!((sums.quantile("delay", 50), sums.quantile("delay", 90)), (Some(3), Some(3_600)));
        assert_eq!((sums.quantile("delay", 95), sums.quantile("receive", 50)), (Some(i64::MAX), None));
    }

    fn measure_list() -> String {
        let mut text =
            "| Measure | Code | Numerator | Denominator | Time basis | Without |\n|---|---|---|---|---|---|\n"
                .to_owned();
        let told = |both: Both| format!("{}<br>{}", both.vi, both.en);
        for one in MEASURES {
            let out_of = one.denominator.as_ref().map_or_else(|| "–".to_owned(), |counted| told(counted.words));
            let (name, numerator, basis) = (told(one.name), told(one.numerator.words), told(one.basis));
            text.push_str(&format!(
                "| {name} | `{}` | {numerator} | {out_of} | {basis} | {} |\n",
                one.code,
                told(one.excludes)
            ));
        }
        text
    }

    #[test]
    fn the_generated_list_of_measures_is_current() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/statistics.md");
        let text = std::fs::read_to_string(&file).unwrap();
        let begin = "<!-- measures: written by `DOCAXIS_WRITE_DOCS=1 cargo test` -->\n";
        let (before, rest) = text.split_once(begin).unwrap();
        let (_, after) = rest.split_once("<!-- end of measures -->").unwrap();
        let current = format!("{before}{begin}{}<!-- end of measures -->{after}", measure_list());
        if std::env::var_os("DOCAXIS_WRITE_DOCS").is_some() {
            std::fs::write(&file, &current).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), current, "run with DOCAXIS_WRITE_DOCS=1");
        assert!(text.contains(&format!("definitions: `{EDITION}`")));
    }

    #[test]
    fn every_measure_has_a_name_of_its_own() {
        for (place, one) in MEASURES.iter().enumerate() {
            assert!(MEASURES.iter().skip(place + 1).all(|other| other.code != one.code && other.name != one.name));
        }
    }
}
