//! A register with a year of history, written by the database itself in a few statements: documents with subjects of real
//! words, their deliveries, statuses, evidence, search index and numbers of the statistics. `docaxis migrate` has made the
//! tables, and nobody else has the database open.

use crate::exchange::recipient;
use crate::hub_under_test::Database;
use crate::machine::output;
use crate::packet::SENDER;
use anyhow::{Context, Result};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use docaxis::domain::search::{Facts, words};
use docaxis::domain::text::folded;
use std::fmt::Write;
use std::process::Command;

/// Deliveries of one envelope: official documents go to many.
pub const FAN_OUT: u64 = 10;

/// Agencies that send and receive.
pub const AGENCIES: u64 = 95;

/// Days over which the documents are spread, up to yesterday.
pub const DAYS: u64 = 365;

/// Days of which a hub keeps detail; older ones are folded into the first of their month.
const DETAIL_DAYS: i64 = 90;

/// Envelopes written in one transaction.
const BATCH: u64 = 100_000;

/// One delivery of so many still waits in its mailbox.
const WAITING: u64 = 10_000;

/// Different subjects.
const SUBJECTS: usize = 5_000;

/// Syllables of subjects, the common ones first.
const SYLLABLES: &str = "về việc triển khai thực hiện kế hoạch công tác năm báo cáo kết quả tổ chức hội nghị phòng chống \
    cải cách hành chính chuyển đổi số quyết định phê duyệt dự án đầu tư xây dựng quản lý đất đai tài nguyên môi trường giáo \
    dục đào tạo y tế nông nghiệp phát triển kinh tế xã tỉnh huyện ủy ban nhân dân sở bộ thủ tướng chính phủ văn bản hướng \
    dẫn đề nghị góp ý dự thảo luật nghị định thông tư tăng cường kiểm tra giám sát an toàn giao thông cháy nổ bão lũ thiên \
    tai khắc phục hậu quả ngân sách nhà nước giải ngân vốn lao động thương binh người có công trẻ em gia đình văn hóa thể \
    thao du lịch khoa học công nghệ đổi mới sáng tạo doanh nghiệp hợp tác quốc phòng biên giới hải đảo tôn giáo dân tộc";

/// Signs of those who issue.
const NOTATIONS: [&str; 20] = [
    "VPCP-TTĐT",
    "CQA-VP",
    "UBND-NC",
    "UBND-KT",
    "STC-QLNS",
    "SXD-QLN",
    "SGDĐT-VP",
    "SYT-NVY",
    "BTTTT-CĐS",
    "BNV-CCHC",
    "BTC-NSNN",
    "BKHĐT-TH",
    "QĐ-UBND",
    "KH-UBND",
    "TB-VP",
    "BC-STP",
    "TTr-SNV",
    "GM-UBND",
    "CĐ-TTg",
    "NQ-HĐND",
];

/// Kinds of documents, the common ones first.
pub const TYPES: [&str; 6] = ["Công văn", "Quyết định", "Thông báo", "Báo cáo", "Kế hoạch", "Giấy mời"];

/// What the register is filled with that questions can be made of.
pub struct Contents {
    /// Subjects with number's notation.
    pub subjects: Vec<(String, &'static str)>,
    /// The last day of documents.
    pub last_day: chrono::NaiveDate,
}

/// The n-th envelope's identifier, as the hub would show it. It begins with 0, so that it is older than any that a hub makes.
pub fn envelope_id(number: u64) -> String {
    format!("{number:032x}")
}

/// The n-th envelope's number among those of its sign.
pub fn code_number(number: u64) -> u64 {
    number * 7_919 % 9_973
}

/// The database as statements are given to it.
enum Link {
    Sqlite(SqliteConnection),
    /// By its name on the server of the PG* variables; each time with a session of its own.
    Postgres(String),
}

impl Link {
    /// It is thrown away afterwards, so that nothing need be durable on the way.
    fn open(database: Database, place: &str) -> Result<Link> {
        Ok(match database {
            Database::Sqlite => {
                let mut link = SqliteConnection::establish(place)?;
                link.batch_execute(
                    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;",
                )?;
                Link::Sqlite(link)
            }
            Database::Postgres => Link::Postgres(place.rsplit('/').next().unwrap_or_default().to_owned()),
        })
    }

    fn execute(&mut self, sql: &str) -> Result<()> {
        match self {
            Link::Sqlite(link) => link.batch_execute(sql)?,
            Link::Postgres(name) => {
                let file = tempfile::NamedTempFile::new()?;
                let settings = "SET synchronous_commit = off; SET session_replication_role = replica;";
                std::fs::write(file.path(), format!("{settings}\n{sql}"))?;
                let mut psql = Command::new("psql");
                output(psql.args(["-Xq", "-v", "ON_ERROR_STOP=1", "-f"]).arg(file.path()).arg(name.as_str()))?;
            }
        }
        Ok(())
    }
}

/// Writes so many deliveries, with all that belongs to them.
pub fn fill(database: Database, place: &str, deliveries: u64) -> Result<Contents> {
    let mut link = Link::open(database, place)?;
    let contents = contents();
    let envelopes = deliveries.div_ceil(FAN_OUT);
    let writing = Writing { database, contents: &contents, envelopes };
    link.execute(&writing.subjects()?)?;
    let mut from = 0;
    while from < envelopes {
        let until = (from + BATCH).min(envelopes);
        link.execute(&writing.batch(from, until))?;
        eprintln!("the register has {} of {deliveries} deliveries", until * FAN_OUT);
        from = until;
    }
    link.execute(&writing.numbers())?;
    // A register of years is sealed long since.
    let end = match database {
        Database::Sqlite => "DELETE FROM unsealed; DROP TABLE load_subjects; PRAGMA journal_mode = WAL;",
        Database::Postgres => "DELETE FROM unsealed; DROP TABLE load_subjects; VACUUM ANALYZE;",
    };
    link.execute(end).context("finishing the register")?;
    Ok(contents)
}

fn contents() -> Contents {
    let syllables: Vec<&str> = SYLLABLES.split_whitespace().collect();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below.max(1)
    };
    let subject = |_| {
        let length = 12 + random(14);
        let some: Vec<&str> = (0..length)
            // The smaller of two: the first of the list come more often.
            .filter_map(|_| syllables.get(random(syllables.len()).min(random(syllables.len()))).copied())
            .collect();
        let notation = NOTATIONS.get(random(NOTATIONS.len())).copied().unwrap_or_default();
        (format!("V/v {}", some.join(" ")), notation)
    };
    let last_day = chrono::Utc::now().date_naive() - TimeDelta::days(1);
    Contents { subjects: (0..SUBJECTS).map(subject).collect(), last_day }
}

struct Writing<'a> {
    database: Database,
    contents: &'a Contents,
    envelopes: u64,
}

impl Writing<'_> {
    /// A table of the subjects with the words that they are found by.
    fn subjects(&self) -> Result<String> {
        let mut sql =
            "CREATE TABLE load_subjects (place BIGINT PRIMARY KEY, subject TEXT, notation TEXT, compact TEXT, \
                       type_name TEXT, words TEXT);\n"
                .to_owned();
        for (place, (subject, notation)) in self.contents.subjects.iter().enumerate() {
            let type_name = TYPES.get((place * place) % 11 % TYPES.len()).copied().unwrap_or_default();
            let facts = Facts { code: "", document_id: "", subject, type_name };
            let mut found_by: Vec<String> =
                words(facts, std::iter::empty()).into_iter().filter(|w| w.len() > 1).collect();
            found_by.extend(folded(notation).split(' ').map(|word| format!("w{word}")));
            let (compact, found_by) = (folded(notation).replace(' ', ""), found_by.join(" "));
            writeln!(
                sql,
                "INSERT INTO load_subjects VALUES ({place}, '{subject}', '{notation}', '{compact}', '{type_name}', '{found_by}');"
            )?;
        }
        Ok(sql)
    }

    fn hex(&self, number: &str) -> String {
        match self.database {
            Database::Sqlite => format!("printf('%032x', {number})"),
            Database::Postgres => format!("lpad(to_hex({number}), 32, '0')"),
        }
    }

    fn padded(&self, number: &str, digits: usize) -> String {
        match self.database {
            Database::Sqlite => format!("printf('%0{digits}d', {number})"),
            Database::Postgres => format!("lpad(({number})::text, {digits}, '0')"),
        }
    }

    /// Thirty-two bytes that no other number has.
    fn digest(&self, number: &str) -> String {
        match self.database {
            Database::Sqlite => "randomblob(32)".to_owned(),
            Database::Postgres => format!("sha256(int8send({number}))"),
        }
    }

    /// When the envelope of that number was accepted.
    fn moment(&self, envelope: &str) -> String {
        let end = self.contents.last_day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp() as u64;
        let (first, each) = (end - DAYS * 86_400, DAYS * 86_400_000_000 / self.envelopes.max(1));
        let second = format!("{first} + CAST({envelope} AS BIGINT) * {each} / 1000000");
        match self.database {
            Database::Sqlite => format!("strftime('%Y-%m-%d %H:%M:%S', {second}, 'unixepoch') || '.000000'"),
            Database::Postgres => format!("to_timestamp({second}) AT TIME ZONE 'UTC'"),
        }
    }

    fn agency(&self, number: &str) -> String {
        format!("'X99.B' || {}", self.padded(&format!("({number}) % {AGENCIES} + 2"), 2))
    }

    /// The statements for the envelopes `from..until`.
    fn batch(&self, from: u64, until: u64) -> String {
        let numbers = |first: u64, last: u64| {
            format!(
                "WITH RECURSIVE n(i) AS (SELECT CAST({first} AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
            )
        };
        let documents = numbers(from, until - 1);
        let deliveries = numbers(from * FAN_OUT, until * FAN_OUT - 1);
        let number = "i * 7919 % 9973";
        let of = |envelope: &str| {
            let sender = format!("CASE WHEN {envelope} % 10 = 0 THEN '{SENDER}' ELSE {} END", self.agency(envelope));
            let document = format!("({sender}) || ',2024/06/02,' || {}", self.padded(envelope, 12));
            (sender, document, self.moment(envelope))
        };
        let (sender, document, at) = of("i");
        let (its_sender, its_document, its_at) = of(&format!("(i / {FAN_OUT})"));
        let to = |place: &str, envelope: &str| self.agency(&format!("{envelope} * 3 + {place} * 9 + 1"));
        let recipient = to(&format!("(i % {FAN_OUT})"), &format!("(i / {FAN_OUT})"));
        let parties: Vec<String> = (0..FAN_OUT)
            .map(|place| {
                format!("' ax99b' || {}", self.padded(&format!("(i * 3 + {place} * 9 + 1) % {AGENCIES} + 2"), 2))
            })
            .collect();
        let found_by = format!(
            "s.words || ' n' || ({number}) || s.compact || ' w' || ({number}) || ' d' || lower(replace(replace(replace(({document}), '.', ''), ',', ''), '/', '')) || {} || ' a' || lower(replace(({sender}), '.', ''))",
            parties.join(" || ")
        );
        let index = match self.database {
            Database::Sqlite => {
                format!("INSERT INTO document_words (rowid, words) SELECT i - {}, {found_by}", self.envelopes)
            }
            Database::Postgres => format!(
                "INSERT INTO document_words (number, words) SELECT i - {}, array_to_tsvector(ARRAY(SELECT DISTINCT unnest(string_to_array({found_by}, ' '))))",
                self.envelopes
            ),
        };
        let (id, its_id) = (self.hex("i"), self.hex(&format!("(i / {FAN_OUT})")));
        // No delivery has the identifier of an envelope.
        let delivery_id = self.hex(&format!("i + {}", 1_u64 << 41));
        let (digest, waits) = (self.digest("i"), format!("i % {WAITING} = 0"));
        let subject = format!("FROM n JOIN load_subjects s ON s.place = i % {SUBJECTS}");
        // Evidence of the second kind must not have the identifiers of the first.
        let evidence_id = self.hex(&format!("i + {}", 1_u64 << 40));
        format!(
            "BEGIN;
             {documents} INSERT INTO envelopes (envelope_id, packet_kind, system_id, sender_code, document_id, meaning,
               payload_sha256, bytes, subject, code_number, code_notation, type_name, issued_on, due_on, urgency, accepted_at)
               SELECT {id}, 'new', 'bench.sender', {sender}, {document}, {digest}, {digest}, 8, s.subject,
               CAST({number} AS TEXT), s.notation, s.type_name, '2024-06-02', NULL, CASE WHEN i % 50 = 0 THEN 3 ELSE 0 END, {at} {subject};
             {documents} INSERT INTO payloads (envelope_id, sha256, content) SELECT {id}, {digest}, {digest} FROM n;
             {documents} INSERT INTO attachments (envelope_id, number, name, content_type, bytes, sha256)
               SELECT {id}, 1, 'cong-van.pdf', 'application/pdf', 8, {digest} FROM n;
             {documents} INSERT INTO evidence (evidence_id, event, at, envelope_id, delivery_id, agency, system_id, facts)
               SELECT {evidence_id}, 'SubmissionAcceptance', {at}, {id}, NULL, {sender}, 'bench.sender', '{{}}' FROM n;
             {documents} INSERT INTO searchable_documents (number, envelope_id) SELECT i - {envelopes}, {id} FROM n;
             {documents} {index} {subject};
             {deliveries} INSERT INTO deliveries (delivery_id, envelope_id, sender_code, document_id, packet_kind,
               recipient_code, occurrence, outcome, state, mark, note, recall, fetched_at, accepted_at, changed_at)
               SELECT {delivery_id}, {its_id}, {its_sender}, {its_document}, 'new', {recipient}, '', 'consigned',
               CASE WHEN {waits} THEN 'consigned' ELSE 'handed_over' END, CASE WHEN {waits} THEN 'initial' ELSE 'done' END,
               '', '', CASE WHEN {waits} THEN NULL ELSE {its_at} END, {its_at}, {its_at} FROM n;
             {deliveries} INSERT INTO status_reports (envelope_id, delivery_id, reporter_code, status_code, description,
               claimed_at, accepted_at) SELECT {its_id}, {delivery_id}, {recipient}, '01', 'Văn thư A', NULL, {its_at} FROM n WHERE i % 4 = 1;
             {deliveries} INSERT INTO evidence (evidence_id, event, at, envelope_id, delivery_id, agency, system_id, facts)
               SELECT {delivery_id}, 'ContentHandover', {its_at}, {its_id}, {delivery_id}, {recipient}, 'bench.recipient', '{{}}' FROM n;
             COMMIT;",
            envelopes = self.envelopes,
        )
    }

    /// The numbers of the statistics, as many as so many days and agencies leave behind: detail of old days is folded since long.
    fn numbers(&self) -> String {
        let day = match self.database {
            Database::Sqlite => format!("date('{}', '-' || d || ' days')", self.contents.last_day),
            Database::Postgres => {
                format!("to_char(DATE '{}' - CAST(d AS INTEGER), 'YYYY-MM-DD')", self.contents.last_day)
            }
        };
        let series = |name: &str, column: &str, last: u64| {
            format!(
                "{name}({column}) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT {column} + 1 FROM {name} WHERE {column} < {last})"
            )
        };
        let slices: Vec<String> =
            slices().into_iter().map(|(slice, what)| format!("SELECT '{slice}' AS slice, '{what}' AS what")).collect();
        let start = format!(
            "WITH RECURSIVE {}, {}, s AS ({}) INSERT INTO statistic_counts (scope, day, agency_code, slice, what, partner_code, number)",
            series("days", "d", DAYS - 1),
            series("agencies_of", "a", AGENCIES - 1),
            slices.join(" UNION ALL ")
        );
        let of = |scope: &str| format!("'{scope}' || CASE WHEN slice = '' THEN '' ELSE '-detail' END");
        let agency = self.agency("a");
        let side = |scope: &str| {
            format!(
                "{start} SELECT {}, {day}, {agency}, slice, what, '', 1 + (d + a) % 50 FROM days, agencies_of, s;",
                of(scope)
            )
        };
        let other = self.agency("a * 7 + d");
        let signs = ["heard", "fetched", "reported"].map(|sign| {
            format!(
                "WITH RECURSIVE {} INSERT INTO agency_signs (sign, agency_code, at) SELECT '{sign}', {agency}, {} FROM agencies_of;",
                series("agencies_of", "a", AGENCIES - 1),
                self.moment(&(self.envelopes - 1).to_string())
            )
        });
        format!(
            "BEGIN; {start} SELECT {}, {day}, '', slice, what, '', 100 + d FROM days, s; {} {}
             {start} SELECT 'pair', {day}, {agency}, '', 'failed', {other}, 1 FROM days, agencies_of, s WHERE slice = '' AND what = 'failed';
             INSERT INTO statistic_counts (scope, day, agency_code, slice, what, partner_code, number)
               SELECT scope, substr(day, 1, 7), agency_code, slice, what, partner_code, SUM(number) FROM statistic_counts
               WHERE scope IN ('sender', 'recipient') GROUP BY scope, substr(day, 1, 7), agency_code, slice, what, partner_code;
             DELETE FROM statistic_counts WHERE (scope LIKE '%-detail' OR scope = 'pair') AND day < '{folded}'
               AND length(day) = 10 AND substr(day, 9) <> '01';
             {} COMMIT;",
            of("hub"),
            side("sender"),
            side("recipient"),
            signs.join(" "),
            folded = (self.contents.last_day - TimeDelta::days(DETAIL_DAYS)).format("%Y-%m-01")
        )
    }
}

/// Slices with what is counted of them.
fn slices() -> Vec<(String, &'static str)> {
    use docaxis::domain::tally::{self, what};
    let whole =
        [what::PACKETS, what::DELIVERIES, what::DELIVERED, what::FAILED, what::WITHDRAWN, what::REPLIED, what::TIMELY];
    let asked_back = [what::ASKED_BACK, what::AGREED, what::DECLINED, what::REJECTED];
    let mut all: Vec<(String, &'static str)> =
        whole.into_iter().chain(asked_back).chain(what::REPORTED).map(|what| (tally::WHOLE.to_owned(), what)).collect();
    all.extend([what::PACKETS, what::DELIVERIES].map(|what| (tally::STATUSES.to_owned(), what)));
    for delay in tally::DELAYS {
        all.extend(what::BUCKETS.map(|bucket| (delay.to_owned(), bucket)));
    }
    all.extend(what::ATTEMPTS.map(|attempt| (tally::ATTEMPTS.to_owned(), attempt)));
    let parts = TYPES.map(|name| format!("{}{}", tally::TYPES, folded(name))).into_iter();
    let kinds = ["new", "update", "replacement", "recall"].map(|kind| format!("{}{kind}", tally::KINDS));
    let urgencies = ["0", "1", "2", "3"].map(|urgency| format!("{}{urgency}", tally::URGENCIES));
    for slice in parts.chain(kinds).chain(urgencies) {
        all.extend([what::PACKETS, what::DELIVERIES, what::DELIVERED].map(|what| (slice.clone(), what)));
    }
    all
}

/// The code of an agency that documents of the register went to.
pub fn some_recipient(turn: u64) -> String {
    recipient(turn % AGENCIES)
}
