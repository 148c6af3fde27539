//! Whether the hub can work, and what it has counted. Nothing here changes anything.

use super::following::{SEARCH, STATISTICS};
use super::seal::{self, Standing};
use super::{ExchangeError, cosign, stamp};
use crate::config;
use crate::hub::Hub;
use crate::keyring;
use crate::metrics::QueueLabel;
use crate::store::migrations::{self, Form};
use crate::store::{Connection, StoreError, followers, inspect, ledger as ledger_rows, machine};
use secrecy::ExposeSecret;
use std::net::IpAddr;
use std::time::Duration;

/// One thing that must be right for the hub to work. The words are for anybody: no path, no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub name: &'static str,
    /// Whether it is right enough to work.
    pub ok: bool,
    /// Whether it could be looked up; if not, it is taken as right.
    pub is_known: bool,
    /// What is wrong or will be, in Vietnamese; empty when nothing is.
    pub vi: String,
    /// In English.
    pub en: String,
}

impl Check {
    fn of(name: &'static str, wrong: Option<(String, String)>) -> Self {
        let ok = wrong.is_none();
        let (vi, en) = wrong.unwrap_or_default();
        Self { name, ok, is_known: true, vi, en }
    }
}

fn words(vi: &str, en: &str) -> Option<(String, String)> {
    Some((vi.to_owned(), en.to_owned()))
}

/// Everything that must be right, right or not.
pub async fn readiness(hub: &Hub) -> Vec<Check> {
    let stopping = hub.is_stopping().then(|| words("hệ thống đang dừng", "the hub is shutting down")).flatten();
    let (database, tables) = match hub.store.read(migrations::form).await {
        Ok(Form::Current) => (None, None),
        Ok(Form::Older) => {
            (None, words("cơ sở dữ liệu chưa được nâng cấp", "migrations of the database have not been run"))
        }
        Ok(Form::Newer) => (
            None,
            words("cơ sở dữ liệu thuộc phiên bản mới hơn", "the database belongs to a newer version of the program"),
        ),
        Err(StoreError::TimedOut | StoreError::Overloaded) => {
            (words("cơ sở dữ liệu không trả lời kịp", "the database does not answer in time"), None)
        }
        Err(_) => (words("không dùng được cơ sở dữ liệu", "the database cannot be used"), None),
    };
    // A database that hangs is waited for once.
    let (late, is_stamped_late) = match database {
        None => (cosign::late(hub).await.ok(), stamp::is_late(hub).await.ok()),
        Some(_) => (None, None),
    };
    let checks = vec![
        Check::of("stopping", stopping),
        Check::of("database", database),
        Check::of("migrations", tables),
        Check::of("disk", disk(hub, hub.config.data.free_bytes_min)),
        Check::of("key_file", key_file(hub)),
        ledger(hub),
        witnesses(hub, late.as_deref()),
        timestamps(hub, is_stamped_late),
        certificate(hub),
    ];
    hub.metrics.ready.set(i64::from(checks.iter().all(|check| check.ok)));
    checks
}

/// What is wrong now, and what soon will be, each in both languages; that the hub is stopping is not wrong.
pub(super) async fn troubles(hub: &Hub) -> Vec<(&'static str, String, String)> {
    let wrong = readiness(hub).await.into_iter().filter(|check| !check.en.is_empty() && check.name != "stopping");
    let mut troubles: Vec<_> = wrong.map(|check| (check.name, check.vi, check.en)).collect();
    if troubles.iter().all(|(name, ..)| *name != "disk")
        && let Some((vi, en)) = disk(hub, hub.config.data.free_bytes_min.saturating_mul(2))
    {
        troubles.push(("disk-soon", vi, en));
    }
    troubles
}

fn disk(hub: &Hub, least: u64) -> Option<(String, String)> {
    match machine::room(&hub.config.data.directory) {
        Ok(room) if room.free >= least => None,
        Ok(room) => Some((
            format!("đĩa chứa dữ liệu còn {} byte, cần ít nhất {least}", room.free),
            format!("{} bytes are left for the data, {least} are wanted", room.free),
        )),
        Err(_) => words("không đọc được thư mục dữ liệu", "the data directory cannot be read"),
    }
}

/// Whether evidence is sealed. Where it is late, the hub still works.
fn ledger(hub: &Hub) -> Check {
    let since = seal::silence(hub).num_seconds();
    let (ok, vi, en) = match seal::standing(hub) {
        Standing::Well => return Check::of("ledger", None),
        Standing::Late => (true, "sắp phải ngừng nhận", "the hub will have to stop accepting"),
        Standing::Stopped => (false, "trục đã ngừng nhận", "the hub accepts nothing"),
    };
    let vi = format!("bằng chứng không được niêm phong từ {since} giây: {vi}");
    Check { name: "ledger", ok, is_known: true, vi, en: format!("evidence was not sealed for {since} seconds: {en}") }
}

/// Whether the witnesses cosign. Where they do not, the hub still works.
fn witnesses(hub: &Hub, late: Option<&[String]>) -> Check {
    let is_known = late.is_some();
    let late = late.unwrap_or_default();
    hub.metrics.witnesses_late.set(whole(late.len()));
    let wrong = (!late.is_empty()).then(|| {
        let number = late.len();
        (
            format!("{number} bên làm chứng đã lâu không ký điểm chốt của sổ cái"),
            format!("{number} witnesses have not cosigned the head of the ledger for long"),
        )
    });
    Check { ok: true, is_known, ..Check::of("witnesses", wrong) }
}

/// Whether heads are stamped. Where they are not, the hub still works.
fn timestamps(hub: &Hub, is_late: Option<bool>) -> Check {
    let is_known = is_late.is_some();
    let is_late = is_late.unwrap_or_default();
    hub.metrics.timestamps_late.set(i64::from(is_late));
    let wrong = match is_late {
        true => words(
            "điểm chốt của sổ cái đã lâu không được cấp dấu thời gian",
            "the heads of the ledger have not been stamped for long",
        ),
        false => None,
    };
    Check { ok: true, is_known, ..Check::of("timestamps", wrong) }
}

/// Whether receipts can be signed. Where they cannot, the hub still works: they are signed later.
fn certificate(hub: &Hub) -> Check {
    let wrong = match hub.credentials.at(hub.clock.now()) {
        Some(_) => None,
        None => words(
            "không chứng thư nào còn hiệu lực để ký biên nhận",
            "no certificate holds under which receipts are signed",
        ),
    };
    Check { ok: true, ..Check::of("certificate", wrong) }
}

/// Says aloud that receipts are signed under a certificate that nobody else vouches for.
pub fn warn_of_certificate(hub: &Hub) {
    let signing = hub.credentials.at(hub.clock.now()).map(|credential| &credential.certificate);
    if let Some(own) = signing.filter(|certificate| certificate.is_self_issued) {
        let (subject, id) = (own.subject.as_str(), own.id.as_str());
        log::warn!(target: "receipts", "certificate.subject" = subject, "certificate.id" = id;
            "receipts are signed under a certificate that the hub made for itself: good for a trial; in production name one from an authority in receipts.key_files");
    }
}

/// The key in use is in memory; without the file it is lost at the next start.
fn key_file(hub: &Hub) -> Option<(String, String)> {
    match hub.keyring.is_kept_in(&Hub::key_file(&hub.config)) {
        true => None,
        false => words("tệp khoá đã mất hoặc bị thay đổi", "the key file is gone or was changed"),
    }
}

/// Whether somebody may read what is counted: from an allowed address, or with the token.
pub fn may_watch(hub: &Hub, peer: Option<IpAddr>, token: Option<&str>) -> bool {
    let settings = &hub.config.metrics;
    let allowed = config::networks(&settings.allow).unwrap_or_default();
    // A socket for both families shows an IPv4 peer inside of IPv6.
    let peer = peer.map(|peer| peer.to_canonical());
    let is_near = peer.is_some_and(|peer| allowed.iter().any(|network| network.contains(&peer)));
    let is_set = !settings.token.expose_secret().is_empty();
    is_near || (is_set && token.is_some_and(|shown| keyring::same(&settings.token, shown)))
}

/// What was counted, with what must be looked up for it.
///
/// # Errors
/// `Unavailable`. A database that does not answer leaves its figures as they were.
pub async fn exposition(hub: &Hub) -> Result<String, ExchangeError> {
    let (metrics, most) = (&hub.metrics, hub.config.metrics.waiting_max);
    let looked_up =
        hub.store.read(move |tx| Ok((inspect::waiting(tx, most)?, inspect::pushes_waiting(tx, most)?, behind(tx)?)));
    match looked_up.await {
        Ok((waiting, pushes, behind)) => {
            metrics.waiting.set(waiting);
            metrics.pushes_waiting.set(pushes);
            metrics.index_behind.set(behind.search);
            metrics.statistics_behind.set(behind.statistics);
        }
        Err(error) => log::warn!("waiting deliveries cannot be counted: {error}"),
    }
    readiness(hub).await;
    for meter in hub.store.meters() {
        metrics.queue_age.get_or_create(&QueueLabel { queue: meter.queue }).set(meter.age().as_secs_f64());
    }
    metrics.ledger_silence.set(seal::silence(hub).as_seconds_f64());
    let now = hub.clock.now();
    let left = hub.credentials.last().map(|last| last.ends_at.signed_duration_since(now).num_seconds());
    metrics.certificate_left.set(left.unwrap_or_default());
    metrics.known_keys.set(whole(hub.known_keys.count()));
    if let Ok(room) = machine::room(&hub.config.data.directory) {
        metrics.disk_free.set(whole(room.free));
        metrics.disk_bytes.set(whole(room.all));
    }
    metrics.resident.set(whole(machine::resident_bytes().unwrap_or_default()));
    metrics.open_files.set(whole(machine::open_files().unwrap_or_default()));
    metrics.files_max.set(machine::files_max().map_or(i64::MAX, whole));
    let now = Duration::from_micros(u64::try_from(hub.clock.now().timestamp_micros()).unwrap_or(0));
    metrics.uptime.set(hub.uptime().as_secs_f64());
    metrics.started.set(now.saturating_sub(hub.uptime()).as_secs_f64());
    metrics.exposition().map_err(|error| ExchangeError::Unavailable(error.to_string()))
}

/// Entries of the ledger, and how far those are behind who follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// Entries.
    pub entries: i64,
    /// Those of them whose documents cannot be found yet.
    pub search: i64,
    /// Those of them that are not counted yet.
    pub statistics: i64,
}

pub(super) fn behind(tx: &mut Connection) -> Result<Behind, StoreError> {
    let entries = ledger_rows::head(tx)?.map_or(0, |head| head.tree_size);
    let left = |position: i64| entries.saturating_sub(position).max(0);
    let search = left(followers::position(tx, SEARCH.name)?);
    Ok(Behind { entries, search, statistics: left(followers::position(tx, STATISTICS.name)?) })
}

/// A number as gauges hold it.
fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
