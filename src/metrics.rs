//! What the hub counts, for Prometheus. `METRICS` is the table from which `docs/metrics.md` comes. Only atomics are
//! touched while documents pass; what must be looked up is looked up when somebody asks (`exchange::health`).
//! Labels take few values, all of them the hub's own: never a name, a code of an agency or an address.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
pub use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A gauge with a fraction.
pub type Fraction = Gauge<f64, AtomicU64>;
/// Histograms by one label.
pub type Times<L> = Family<L, Histogram, fn() -> Histogram>;

/// One thing that is counted or measured.
#[derive(Debug)]
pub struct Metric {
    /// Its name, with the ending that the exposition gives it.
    pub name: &'static str,
    /// Its kind.
    pub kind: &'static str,
    /// Its labels.
    pub labels: &'static str,
    /// What it says.
    pub about: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

macro_rules! metrics {
    ($( $field:ident: $ty:ty = $make:expr, $name:literal + $ending:literal, $kind:literal, $labels:literal,
        $about:literal, $advice:literal; )*) => {
        /// Everything that one node counts.
        #[derive(Debug, Clone)]
        pub struct Metrics {
            $( #[doc = $about] pub $field: $ty, )*
            registry: Arc<Registry>,
        }

        /// Every metric, in the order of `docs/metrics.md`.
        pub const METRICS: &[Metric] = &[ $( Metric {
            name: concat!($name, $ending), kind: $kind, labels: $labels, about: $about, advice: $advice,
        }, )* ];

        impl Metrics {
            /// Nothing counted yet, but what the store counts already.
            pub fn new(store: &StoreMetrics) -> Self {
                let mut registry = Registry::default();
                $( let $field: $ty = { let make: fn(&StoreMetrics) -> $ty = $make; make(store) };
                   registry.register($name, $about.trim_end_matches('.'), $field.clone()); )*
                Self { $( $field, )* registry: Arc::new(registry) }
            }
        }
    };
}

metrics! {
    packets: Family<PacketLabels, Counter> = |_| Family::default(), "docaxis_packets" + "_total", "counter", "door, kind, outcome",
        "Packets judged.", "Many `refused` or `conflict`: look at `docaxis_refusals_total` and the log lines of `alarm`.";
    refusals: Family<ClassLabel, Counter> = |_| Family::default(), "docaxis_refusals" + "_total", "counter", "class",
        "Refused packets by the class of the first reason.", "docs/codes.md says what each class means.";
    packet_bytes: Family<DoorLabel, Counter> = |_| Family::default(), "docaxis_packet_bytes" + "_total", "counter", "door",
        "Bytes of packets that were accepted.", "How fast the disk fills.";
    fetches: Counter = |_| Counter::default(), "docaxis_fetches" + "_total", "counter", "",
        "Packets handed out.", "Far more than accepted packets: a system fetches without confirming.";
    fetched_bytes: Counter = |_| Counter::default(), "docaxis_fetched_bytes" + "_total", "counter", "",
        "Bytes of packets handed out.", "Load on the network.";
    confirmations: Family<MarkLabel, Counter> = |_| Family::default(), "docaxis_confirmations" + "_total", "counter", "mark",
        "Confirmations of recipients.", "Many `fail`: a recipient's software cannot take what it fetched.";
    statuses: Family<CodeLabel, Counter> = |_| Family::default(), "docaxis_statuses" + "_total", "counter", "code",
        "Status packets accepted, by status code.", "Many 02: recipients give documents back.";
    waiting: Gauge = |_| Gauge::default(), "docaxis_deliveries_waiting" + "", "gauge", "",
        "Deliveries at the disposal of recipients, counted up to `metrics.waiting_max`.", "Growing for days: some recipient no longer fetches.";
    http_requests: Family<RequestLabels, Counter> = |_| Family::default(), "docaxis_http_requests" + "_total", "counter", "method, route, status",
        "Requests answered.", "Status 500: look for the request in the log. 503: the hub is too busy or its disk is full. 401: a key is wrong or over.";
    http_seconds: Times<RouteLabel> = |_| Family::new_with_constructor(of_requests), "docaxis_http_request_seconds" + "", "histogram", "route",
        "Time from the head of a request to its answer.", "Slow posts: see the batches of the store and the disk.";
    http_in_flight: Gauge = |_| Gauge::default(), "docaxis_http_requests_in_flight" + "", "gauge", "",
        "Requests being answered.", "Near `server.packets_in_flight_max`: senders are told to come again.";
    connections: Gauge = |_| Gauge::default(), "docaxis_connections" + "", "gauge", "",
        "Connections of clients that are open.", "Near `server.connections_max`: raise it and `LimitNOFILE`.";
    store_batches: Family<QueueLabel, Counter> = |store| store.batches.clone(), "docaxis_store_batches" + "_total", "counter", "queue",
        "Transactions that were committed; one of `write` is one sync of the disk.", "Writes divided by batches say how many share a sync.";
    store_works: Family<QueueLabel, Counter> = |store| store.works.clone(), "docaxis_store_works" + "_total", "counter", "queue",
        "Pieces of work done in those transactions.", "The load on the database.";
    store_failures: Family<QueueLabel, Counter> = |store| store.failures.clone(), "docaxis_store_failures" + "_total", "counter", "queue",
        "Transactions that did not commit; nothing of them was kept.", "Any: the database is ill, or its disk is full. `docaxis doctor`.";
    store_seconds: Times<QueueLabel> = |store| store.seconds.clone(), "docaxis_store_batch_seconds" + "", "histogram", "queue",
        "Time of one such transaction, its sync included.", "Growing: the disk is slow or worn.";
    queue_depth: Family<QueueLabel, Gauge> = |store| store.depth.clone(), "docaxis_store_queue_depth" + "", "gauge", "queue",
        "Pieces of work that wait for the database.", "Near `database.queue_max`: callers are told to come again.";
    queue_age: Family<QueueLabel, Fraction> = |_| Family::default(), "docaxis_store_queue_age_seconds" + "", "gauge", "queue",
        "How long the database has taken nothing while work waits.", "More than a second: the database hangs.";
    job_runs: Family<JobLabels, Counter> = |_| Family::default(), "docaxis_job_runs" + "_total", "counter", "job, outcome",
        "Scheduled work that ended on this node.", "`failed`: the log line of `jobs` says why; the next tick tries again.";
    job_last: Family<JobLabels, Fraction> = |_| Family::default(), "docaxis_job_last_end_timestamp_seconds" + "", "gauge", "job, outcome",
        "When such work last ended on this node.", "Not for two days with `done`: `docaxis doctor`.";
    job_seconds: Family<JobLabel, Fraction> = |_| Family::default(), "docaxis_job_last_seconds" + "", "gauge", "job",
        "How long the last run took.", "Near `jobs.lease_seconds`: raise that setting.";
    mails: Family<OutcomeLabel, Counter> = |_| Family::default(), "docaxis_mails" + "_total", "counter", "outcome",
        "Mails that were handed to the mail server (`sent`), refused by it for good (`refused`) or put off (`later`).", "`refused`: an address is wrong. Many `later`: the mail server is away. `docaxis mail list` says why.";
    ledger_size: Gauge = |_| Gauge::default(), "docaxis_ledger_entries" + "", "gauge", "",
        "Entries of the ledger, as the node that seals knows.", "No alarm.";
    ledger_silence: Fraction = |_| Fraction::default(), "docaxis_ledger_silence_seconds" + "", "gauge", "",
        "How long no head of the ledger was signed.", "Above `ledger.late_seconds`: look for the log lines of `ledger`. At `ledger.stop_seconds` nothing is accepted any more.";
    witness_turns: Family<OutcomeLabel, Counter> = |_| Family::default(), "docaxis_witness_turns" + "_total", "counter", "outcome",
        "Times that a witness was asked for a head of the ledger: `cosigned`, `later` (no answer, or none that holds) or `refused` (it saw another ledger).", "Any `refused`: the ledger was forked or restored; `docaxis witness list`.";
    witnesses_late: Gauge = |_| Gauge::default(), "docaxis_witnesses_late" + "", "gauge", "",
        "Witnesses that did not cosign for `witness.late_seconds`.", "Not 0: `docaxis witness list` says why.";
    timestamp_turns: Family<OutcomeLabel, Counter> = |_| Family::default(), "docaxis_timestamp_turns" + "_total", "counter", "outcome",
        "Times that an authority was asked for a time-stamp over a head of the ledger: `stamped` or `later` (no answer, or none that holds).", "Only `later` for an hour: `docaxis timestamp list` says why.";
    timestamps_late: Gauge = |_| Gauge::default(), "docaxis_timestamps_late" + "", "gauge", "",
        "1 when nothing was stamped for `timestamp.late_seconds` though something was to be.", "Not 0: `docaxis timestamp list` says why.";
    incidents_open: Gauge = |_| Gauge::default(), "docaxis_incidents_open" + "", "gauge", "",
        "Incidents that go on, as this node last saw: the portal lists them under Operations.", "Not 0: look at the list; log lines of `incidents` name each when it begins.";
    index_behind: Gauge = |_| Gauge::default(), "docaxis_search_index_behind_entries" + "", "gauge", "",
        "Entries of the ledger whose documents cannot be found in the portal yet.", "Growing for minutes: look for the log lines of `followers`. After `docaxis search rebuild` it falls again by itself.";
    statistics_behind: Gauge = |_| Gauge::default(), "docaxis_statistics_behind_entries" + "", "gauge", "",
        "Entries of the ledger that are not counted in the statistics yet.", "Growing for minutes: look for the log lines of `followers`. After `docaxis statistics rebuild` it falls again by itself.";
    certificate_left: Gauge = |_| Gauge::default(), "docaxis_receipt_certificate_left_seconds" + "", "gauge", "",
        "How long the last of the certificates under which receipts are signed still holds.", "Below 30 days: put the next one into `receipts.key_files`. Below 0 no receipt is signed.";
    seal_age: Histogram = |_| of_seals(), "docaxis_ledger_seal_age_seconds" + "", "histogram", "",
        "How old the oldest evidence of each round was when it was sealed.", "Often above two seconds: the database is slow, or more happens than `ledger.batch_max` allows in a round.";
    pushes: Family<PushLabels, Counter> = |_| Family::default(), "docaxis_pushes" + "_total", "counter", "kind, outcome",
        "Packets (`agency`), events (`events`) and both (`relay`, to neighbouring hubs) that were brought to endpoints, or not.", "Many `later`, any `given_up`: `docaxis endpoint list` says whose endpoint does not answer.";
    pushes_waiting: Gauge = |_| Gauge::default(), "docaxis_pushes_waiting" + "", "gauge", "",
        "Packets and events that wait to be brought, counted up to `metrics.waiting_max`.", "Growing for hours: `docaxis endpoint list`.";
    known_keys: Gauge = |_| Gauge::default(), "docaxis_known_keys" + "", "gauge", "",
        "Answers about keys that are remembered.", "No alarm.";
    ready: Gauge = |_| Gauge::default(), "docaxis_ready" + "", "gauge", "",
        "1 when `/readyz` says ready.", "0: ask `/readyz` why.";
    disk_free: Gauge = |_| Gauge::default(), "docaxis_data_disk_free_bytes" + "", "gauge", "",
        "Room left for the data directory.", "Below `data.free_bytes_min` the hub is not ready: make room before.";
    disk_bytes: Gauge = |_| Gauge::default(), "docaxis_data_disk_bytes" + "", "gauge", "",
        "Size of the file system of the data directory.", "With the above: how full it is.";
    reloads: Family<OutcomeLabel, Counter> = |_| Family::default(), "docaxis_config_reloads" + "_total", "counter", "outcome",
        "Times the configuration was read again.", "`refused`: the new file has faults and the old settings hold; the log names them.";
    resident: Gauge = |_| Gauge::default(), "process_resident_memory_bytes" + "", "gauge", "",
        "Memory of the process.", "Grows without end: restart, and tell us.";
    open_files: Gauge = |_| Gauge::default(), "process_open_fds" + "", "gauge", "",
        "Files and sockets that are open.", "Near `process_max_fds`: raise `LimitNOFILE`.";
    files_max: Gauge = |_| Gauge::default(), "process_max_fds" + "", "gauge", "",
        "Files and sockets that may be open.", "Should be more than `server.connections_max`.";
    started: Fraction = |_| Fraction::default(), "process_start_time_seconds" + "", "gauge", "",
        "When the process started.", "Changes often: it restarts; see the log.";
    uptime: Fraction = |_| Fraction::default(), "docaxis_uptime_seconds" + "", "gauge", "",
        "How long the hub has been open.", "No alarm.";
    build: Family<BuildLabels, Gauge> = |_| Family::default(), "docaxis_build_info" + "", "gauge", "version, database",
        "Always 1.", "Which version runs where.";
}

/// By which door a packet came, what it is, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PacketLabels {
    /// `native` or `sdk`.
    pub door: &'static str,
    /// `document`, `status` or `unknown`.
    pub kind: &'static str,
    /// `accepted`, `repeated`, `refused` or `conflict`.
    pub outcome: &'static str,
}

/// For whom something was pushed, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PushLabels {
    /// The kind of the endpoint.
    pub kind: &'static str,
    /// `taken`, `later`, `refused`, `gone` or `given_up`.
    pub outcome: &'static str,
}

/// One label whose values are the hub's own words.
macro_rules! word_label {
    ($( $(#[doc = $doc:literal])* $label:ident { $name:ident } )*) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
        pub struct $label {
            /// The word.
            pub $name: &'static str,
        }
    )* };
}

word_label! {
    /// By which door.
    DoorLabel { door }
    /// What a recipient's software said.
    MarkLabel { mark }
    /// A status code.
    CodeLabel { code }
    /// A route as the table writes it.
    RouteLabel { route }
    /// A queue of the store.
    QueueLabel { queue }
    /// A job.
    JobLabel { job }
    /// How something ended.
    OutcomeLabel { outcome }
}

/// A class of reasons to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ClassLabel {
    /// Its number.
    pub class: u64,
}

/// A job and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct JobLabels {
    /// The job.
    pub job: &'static str,
    /// `done` or `failed`.
    pub outcome: &'static str,
}

/// A request that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// `GET`, `POST` or `other`.
    pub method: &'static str,
    /// The route as the table writes it, or `unknown`.
    pub route: &'static str,
    /// The status of the answer.
    pub status: u64,
}

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct BuildLabels {
    /// Its version.
    pub version: &'static str,
    /// `sqlite` or `postgres`.
    pub database: &'static str,
}

/// Seconds up to which requests are counted.
const REQUEST_SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0];
/// Seconds up to which transactions are counted.
const BATCH_SECONDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

/// Seconds up to which the ages of sealed evidence are counted.
const SEAL_SECONDS: [f64; 8] = [0.1, 0.5, 1.0, 1.5, 2.0, 5.0, 60.0, 3600.0];

fn of_requests() -> Histogram {
    Histogram::new(REQUEST_SECONDS)
}

fn of_seals() -> Histogram {
    Histogram::new(SEAL_SECONDS)
}

fn of_batches() -> Histogram {
    Histogram::new(BATCH_SECONDS)
}

impl Metrics {
    /// The exposition in the text form of OpenMetrics.
    ///
    /// # Errors
    /// None that a string can give.
    pub fn exposition(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }

    /// Notes the end of scheduled work.
    pub fn job_ended(&self, job: &'static str, outcome: &'static str, took: Duration, at_seconds: f64) {
        let labels = JobLabels { job, outcome };
        self.job_runs.get_or_create(&labels).inc();
        self.job_last.get_or_create(&labels).set(at_seconds);
        self.job_seconds.get_or_create(&JobLabel { job }).set(took.as_secs_f64());
    }
}

/// What the store counts, by queue.
#[derive(Debug, Clone)]
pub struct StoreMetrics {
    batches: Family<QueueLabel, Counter>,
    works: Family<QueueLabel, Counter>,
    failures: Family<QueueLabel, Counter>,
    seconds: Times<QueueLabel>,
    depth: Family<QueueLabel, Gauge>,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        let (batches, works, failures) = (Family::default(), Family::default(), Family::default());
        Self { batches, works, failures, seconds: Family::new_with_constructor(of_batches), depth: Family::default() }
    }
}

/// One queue's share of it: nothing but atomics.
#[derive(Debug)]
pub struct QueueMeter {
    /// The queue.
    pub queue: &'static str,
    batches: Counter,
    works: Counter,
    failures: Counter,
    seconds: Histogram,
    depth: Gauge,
    /// Microseconds, by `since_start`, at which work was taken last or began to wait.
    stirred_at: AtomicU64,
}

/// Microseconds since the first one asked.
fn since_start() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(u64::MAX)
}

impl QueueMeter {
    /// A queue's meter.
    pub fn of(queue: &'static str, store: &StoreMetrics) -> Self {
        let label = QueueLabel { queue };
        Self {
            queue,
            batches: store.batches.get_or_create_owned(&label),
            works: store.works.get_or_create_owned(&label),
            failures: store.failures.get_or_create_owned(&label),
            seconds: store.seconds.get_or_create_owned(&label),
            depth: store.depth.get_or_create_owned(&label),
            stirred_at: AtomicU64::new(since_start()),
        }
    }

    /// Work was put in.
    pub fn put(&self) {
        if self.depth.inc() <= 0 {
            self.stirred_at.store(since_start(), Ordering::Relaxed);
        }
    }

    /// Work was taken out.
    pub fn took(&self, works: usize) {
        self.depth.dec_by(i64::try_from(works).unwrap_or(i64::MAX));
        self.stirred_at.store(since_start(), Ordering::Relaxed);
    }

    /// Work found no place.
    pub fn turned_away(&self) {
        self.depth.dec();
    }

    /// A transaction was committed, unless nothing of it was done.
    pub fn committed(&self, works: usize, started: Instant) {
        if works > 0 {
            self.batches.inc();
            self.works.inc_by(u64::try_from(works).unwrap_or(u64::MAX));
            self.seconds.observe(started.elapsed().as_secs_f64());
        }
    }

    /// A transaction did not commit.
    pub fn failed(&self) {
        self.failures.inc();
    }

    /// How long nothing was taken while work waits.
    pub fn age(&self) -> Duration {
        match self.depth.get() {
            ..=0 => Duration::ZERO,
            _ => Duration::from_micros(since_start().saturating_sub(self.stirred_at.load(Ordering::Relaxed))),
        }
    }
}

/// The reference of all metrics: `docs/metrics.md`.
pub fn reference() -> String {
    let mut text = String::from(HEAD);
    for Metric { name, kind, labels, about, advice } in METRICS {
        let labels = if labels.is_empty() { "–" } else { labels };
        text.push_str(&format!("| `{name}` | {kind} | {labels} | {about} | {advice} |\n"));
    }
    text
}

const HEAD: &str = "\
# Metrics

Generated from `src/metrics.rs`; do not edit (`make docs` writes it, a test compares it).

`GET /metrics` answers in the text form of OpenMetrics, which Prometheus reads. `[metrics]` in
[config.md](config.md) says who may read; by default only this machine. Each node counts for itself from its start.
Labels take few values, all of them the hub's own. A histogram has the endings `_bucket`, `_sum` and `_count`.

| metric | kind | labels | what it says | what to do |
|---|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn generated_reference_of_metrics_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
        if std::env::var_os("DOCAXIS_WRITE_DOCS").is_some() {
            std::fs::write(&file, reference()).unwrap();
        }

        let written = std::fs::read_to_string(&file).unwrap_or_default();

        assert!(written == reference(), "docs/metrics.md is not current: run `make docs`");
    }

    #[test]
    fn the_age_of_a_queue_is_nothing_when_nothing_waits() {
        let meter = QueueMeter::of("write", &StoreMetrics::default());
        assert_eq!(meter.age(), Duration::ZERO);
        meter.put();
        let waited = (0..1_000_000).any(|_| meter.age() > Duration::ZERO);
        meter.took(1);
        assert!(waited && meter.age() == Duration::ZERO);
    }
}
