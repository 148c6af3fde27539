//! What runs by itself: the dispatcher's loop, that of mails (`mailing`), that of the ledger (`sealing`), those of its witnesses
//! and time-stamps (`witnessing`), those of who follows the ledger (`following`), and scheduled work. A cron tick only notes that
//! a job is due, once in the cluster; the row is the job, and the node that claims it by lease does it (design D12). What
//! was missed while no node ran is made up at start.

mod following;
mod mailing;
mod sealing;
mod witnessing;

use crate::channel::push::Pusher;
use crate::domain::dates::VIETNAM;
use crate::exchange::dispatch::Dispatcher;
use crate::exchange::{
    ExchangeError, archive, close, directory, fold, freeze, grants, incidents, keys, nodes, notify, purge, redrives,
    samples, selftest, sweep, terms, users,
};
use crate::hub::Hub;
use crate::store::job_runs;
pub use crate::store::job_runs::RunRow;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
pub use following::Following;
pub use mailing::Mailing;
pub use sealing::Sealing;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_cron_scheduler::{Job as Tick, JobScheduler, JobSchedulerError};
pub use witnessing::Witnessing;

type Running<'a> = Pin<Box<dyn Future<Output = Result<usize, ExchangeError>> + Send + 'a>>;

/// One kind of scheduled work.
pub struct Job {
    /// Its name in the table and in the log.
    pub name: &'static str,
    /// What it does, in Vietnamese.
    pub vi: &'static str,
    /// In English.
    pub en: &'static str,
    /// Whether it is made up for at start, when no node may have run at its time.
    pub made_up: bool,
    /// When it is due: six fields, +07:00.
    pub cron: fn(&Hub) -> String,
    /// Does it; answers how many things it did. Doing it twice does no harm.
    pub run: for<'a> fn(&'a Hub) -> Running<'a>,
}

/// Every kind of scheduled work.
pub const JOBS: &[Job] = &[
    Job {
        name: "sweep-orphans",
        vi: "xoá các tệp gói tin không còn dòng dữ liệu nào nêu tên",
        en: "remove files of packets that no row names",
        made_up: true,
        cron: |hub| hub.config.jobs.sweep_cron.clone(),
        run: |hub| Box::pin(sweep::orphans(hub)),
    },
    Job {
        name: "sweep-records",
        vi: "xoá bản ghi cũ về các lần chạy công việc và thư đã gửi",
        en: "remove old records of runs of jobs and of mails",
        made_up: true,
        cron: |hub| hub.config.jobs.records_cron.clone(),
        run: |hub| Box::pin(sweep::records(hub)),
    },
    Job {
        name: notify::LOOKING,
        vi: "báo qua thư: văn bản không chuyển được, điểm nhận và hệ thống có sự cố",
        en: "tell by mail of failed deliveries, and the operator of what is wrong",
        made_up: true,
        cron: |hub| hub.config.jobs.notices_cron.clone(),
        run: |hub| Box::pin(notify::look(hub)),
    },
    Job {
        name: "digest",
        vi: "báo mỗi cơ quan các văn bản chưa được tiếp nhận trong ngày",
        en: "tell each agency what waits in its mailbox",
        // A digest of another hour would take the place of the day's.
        made_up: false,
        cron: |hub| hub.config.jobs.digest_cron.clone(),
        run: |hub| Box::pin(notify::digest(hub)),
    },
    Job {
        name: "key-notices",
        vi: "báo trước khi khóa của hệ thống hết hạn",
        en: "tell of keys that end",
        made_up: true,
        cron: |hub| hub.config.jobs.key_notices_cron.clone(),
        run: |hub| Box::pin(notify::keys_that_end(hub)),
    },
    Job {
        name: "pickup-terms",
        vi: "thôi chờ các gói tin không ai lấy về trong thời hạn",
        en: "give up packets that nobody fetched in time",
        made_up: true,
        cron: |hub| hub.config.jobs.terms_cron.clone(),
        run: |hub| Box::pin(terms::give_up_unfetched(hub)),
    },
    Job {
        name: "redrive",
        vi: "gửi lại dần các lượt không chuyển được mà người vận hành đã quyết định",
        en: "start failed deliveries anew that people decided on",
        made_up: true,
        cron: |hub| hub.config.jobs.redrive_cron.clone(),
        run: |hub| Box::pin(redrives::work(hub)),
    },
    Job {
        name: "purge",
        vi: "tiêu hủy các nội dung hết thời hạn lưu mà hai người đã duyệt",
        en: "destroy contents whose time is over, as two people agreed",
        made_up: true,
        cron: |hub| hub.config.jobs.purge_cron.clone(),
        run: |hub| Box::pin(purge::work(hub)),
    },
    Job {
        name: "grants",
        vi: "khép lại các đề xuất cấp khóa, quyền mà không ai duyệt hoặc nhận trong thời hạn",
        en: "end proposals of keys and access that nobody decided on or took in time",
        made_up: true,
        cron: |hub| hub.config.jobs.redrive_cron.clone(),
        run: |hub| Box::pin(grants::lapse(hub)),
    },
    Job {
        name: "selftest-runs",
        vi: "khép lại các lượt tự kiểm tra không ai theo dõi",
        en: "look after runs of the self-test that nobody watches",
        made_up: true,
        cron: |hub| hub.config.jobs.selftest_cron.clone(),
        run: |hub| Box::pin(selftest::look_after(hub)),
    },
    Job {
        name: "daily-statements",
        vi: "lập bảng kê trong ngày của từng cặp cơ quan, khép lại ngày đã qua",
        en: "make the daily statements of each pair of agencies, and close days that are over",
        made_up: true,
        cron: |hub| hub.config.jobs.statements_cron.clone(),
        run: |hub| Box::pin(close::days(hub)),
    },
    Job {
        name: "archives",
        vi: "xuất các gói lưu trữ đã yêu cầu",
        en: "make archives that were asked for",
        made_up: true,
        cron: |hub| hub.config.jobs.archives_cron.clone(),
        run: |hub| Box::pin(archive::make_open(hub)),
    },
    Job {
        name: "samples",
        vi: "rút các mẫu ngẫu nhiên mà người kiểm tra đã yêu cầu",
        en: "draw random samples that auditors asked for",
        made_up: true,
        cron: |hub| hub.config.jobs.archives_cron.clone(),
        run: |hub| Box::pin(samples::draw_open(hub)),
    },
    Job {
        name: "turn-validity",
        vi: "cập nhật danh bạ khi một cơ quan bắt đầu hoặc hết hiệu lực",
        en: "tell of agencies whose first or last day has come",
        made_up: true,
        cron: |hub| hub.config.jobs.validity_cron.clone(),
        run: |hub| Box::pin(directory::turn_validity(hub)),
    },
    Job {
        name: "freeze-months",
        vi: "chốt số liệu thống kê của tháng đã qua",
        en: "freeze the statistics of the month that is over",
        made_up: true,
        cron: |hub| hub.config.jobs.freeze_cron.clone(),
        run: |hub| Box::pin(freeze::months(hub)),
    },
    Job {
        name: "fold-numbers",
        vi: "gộp theo tháng số liệu chi tiết của những ngày cũ trong tháng đã chốt",
        en: "fold detailed numbers of old days of frozen months into their months",
        made_up: true,
        cron: |hub| hub.config.jobs.freeze_cron.clone(),
        run: |hub| Box::pin(fold::days(hub)),
    },
    Job {
        name: "unused-accounts",
        vi: "khóa tài khoản không dùng quá số ngày quy định",
        en: "suspend accounts that nobody uses",
        made_up: true,
        cron: |hub| hub.config.jobs.accounts_cron.clone(),
        run: |hub| Box::pin(users::suspend_unused(hub)),
    },
];

/// Scheduled work that is on.
pub struct Schedule {
    scheduler: JobScheduler,
    missed: JoinHandle<()>,
    uses: JoinHandle<()>,
    hub: Hub,
}

impl Schedule {
    /// Returns when what was missed while no node ran is made up.
    pub async fn made_up(&mut self) {
        if (&mut self.missed).await.is_err() {
            log::error!(target: "jobs", "what was missed was not made up");
        }
    }

    /// Ends the ticks; what runs may go on until the process ends, and is taken over by lease if it must.
    ///
    /// # Errors
    /// Those of the scheduler.
    pub async fn stop(mut self) -> Result<(), JobSchedulerError> {
        self.missed.abort();
        self.uses.abort();
        note_uses(&self.hub).await;
        if let Err(error) = nodes::leave(&self.hub).await {
            log::warn!(target: "jobs", "that this node stops could not be written down: {error}");
        }
        self.scheduler.shutdown().await
    }
}

/// Starts the ticks and, beside them, makes up for what was missed.
///
/// # Errors
/// A cron text that cannot be read.
pub async fn start(hub: &Hub) -> Result<Schedule, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    for job in JOBS {
        let tick_hub = hub.clone();
        let tick = Tick::new_async_tz((job.cron)(hub).as_str(), VIETNAM, move |_, _| {
            let mut hub = tick_hub.clone();
            hub.refresh();
            Box::pin(async move { due(&hub, job).await })
        })?;
        scheduler.add(tick).await?;
    }
    scheduler.start().await?;
    let own = hub.clone();
    let missed = tokio::spawn(async move {
        for job in JOBS.iter().filter(|job| job.made_up) {
            due(&own, job).await;
        }
    });
    // What a node knows of the use of keys, that it is there and what is wrong with it, is its own: no lease.
    let (mut own, mut watch) = (hub.clone(), incidents::Watch::default());
    let uses = tokio::spawn(async move {
        let pause = Duration::from_secs(own.config.keys.use_noted_seconds.max(1));
        let mut ticks = tokio::time::interval(pause);
        loop {
            ticks.tick().await;
            note_uses(&own).await;
            if let Err(error) = nodes::tell(&own).await {
                log::warn!(target: "jobs", "that this node is there could not be written down: {error}");
            }
            own.refresh();
            if let Err(error) = watch.look(&own).await {
                log::warn!(target: "jobs", "incidents could not be written down; the next look tries again: {error}");
            }
        }
    });
    Ok(Schedule { scheduler, missed, uses, hub: hub.clone() })
}

async fn note_uses(hub: &Hub) {
    if let Err(error) = keys::note_uses(hub).await {
        log::warn!(target: "jobs", "when keys were last used could not be written down: {error}");
    }
}

/// Notes that a job is due and does what is due of it. Errors are logged: the next tick tries again.
async fn due(hub: &Hub, job: &'static Job) {
    let started = Instant::now();
    let outcome = match run_due(hub, job, hub.clock.now()).await {
        Ok(Some(done)) => {
            log::info!(target: "jobs", job = job.name, done = done; "job finished");
            "done"
        }
        Ok(None) => return,
        Err(error) => {
            log::error!(target: "jobs", job = job.name; "job failed: {error}");
            "failed"
        }
    };
    let at = Duration::from_micros(u64::try_from(hub.clock.now().timestamp_micros()).unwrap_or(0));
    hub.metrics.job_ended(job.name, outcome, started.elapsed(), at.as_secs_f64());
}

/// Notes a job as due at `now`, to the minute, and runs it unless another node does. `None`: another node does, or did.
///
/// # Errors
/// Those of the job and `Store`.
pub async fn run_due(hub: &Hub, job: &Job, now: DateTime<Utc>) -> Result<Option<usize>, ExchangeError> {
    run(hub, job, (now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now), now)).await
}

/// Runs a job at once, unless a node is at it just now (`None`).
///
/// # Errors
/// Those of the job and `Store`.
pub async fn run_now(hub: &Hub, job: &Job) -> Result<Option<usize>, ExchangeError> {
    let now = hub.clock.now();
    run(hub, job, (now, now)).await
}

async fn run(
    hub: &Hub,
    job: &Job,
    (due_at, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Option<usize>, ExchangeError> {
    let owner = hub.ids.next();
    let lease = i64::try_from(hub.config.jobs.lease_seconds).ok().and_then(TimeDelta::try_seconds);
    let until = now.checked_add_signed(lease.unwrap_or_default()).unwrap_or(now);
    let (name, claimer) = (job.name, owner.clone());
    let claimed = hub.store.write(move |tx| {
        job_runs::insert_due(tx, name, due_at)?;
        job_runs::claim(tx, name, &claimer, (now, until))
    });
    let Some(claimed) = claimed.await? else { return Ok(None) };
    let outcome = (job.run)(hub).await;
    let ending = match &outcome {
        Ok(done) => Ok(i64::try_from(*done).unwrap_or(i64::MAX)),
        Err(why) => Err(why.to_string()),
    };
    let at = hub.clock.now();
    let ids = hub.ids;
    let settled = hub.store.write(move |tx| {
        if job_runs::finish(tx, (name, claimed), &owner, (&ending, at))? {
            incidents::note_job(tx, name, (&ending, at), ids)?;
        }
        Ok(())
    });
    settled.await?;
    outcome.map(Some)
}

/// Every job with the run that began last.
///
/// # Errors
/// `Store`.
pub async fn list(hub: &Hub) -> Result<Vec<(&'static Job, Option<RunRow>)>, ExchangeError> {
    let lines = hub.store.read(|tx| JOBS.iter().map(|job| Ok((job, job_runs::last(tx, job.name)?))).collect());
    Ok(lines.await?)
}

/// The dispatcher's loop that is on.
pub struct Dispatching {
    dispatcher: Arc<Dispatcher>,
    stop: oneshot::Sender<()>,
    rounds: JoinHandle<()>,
}

/// With as many packets on their way, the next round waits a moment for more to become due: a round for ten costs little more
/// than one for one.
const CROWD: usize = 8;
/// That moment.
const BREATH: Duration = Duration::from_millis(2);

/// Starts the dispatcher's loop: a round at every wake-up and, since a wake-up can be missed and another node may have
/// taken a packet in, every `push.tick_milliseconds`.
pub fn dispatch(hub: &Hub, pusher: Pusher) -> Dispatching {
    let dispatcher = Dispatcher::new(hub, pusher);
    let (stop, mut stopped) = oneshot::channel();
    let (rounding, wake) = (Arc::clone(&dispatcher), Arc::clone(&hub.wake));
    let tick = Duration::from_millis(hub.config.push.tick_milliseconds);
    let rounds = tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = &mut stopped => return,
                () = wake.notified() => {}
                () = tokio::time::sleep(tick) => {}
            }
            if let Err(error) = rounding.round().await {
                log::warn!(target: "push", "a round of the dispatcher failed; the next one tries again: {error}");
            }
            if rounding.on_their_way() >= CROWD {
                tokio::time::sleep(BREATH).await;
            }
        }
    });
    Dispatching { dispatcher, stop, rounds }
}

impl Dispatching {
    /// Starts nothing more and waits for what is on its way, at most `patience`. What is not settled then is sent again
    /// when its lease ends.
    pub async fn stop(self, patience: Duration) {
        // The receiver is gone only when the loop has ended already.
        let _ = self.stop.send(());
        let ended = timeout(patience, async {
            let _ = self.rounds.await;
            self.dispatcher.idle().await;
        });
        if ended.await.is_err() {
            log::warn!(target: "push", "packets on their way were left; they are sent again when their leases end");
        }
    }
}
