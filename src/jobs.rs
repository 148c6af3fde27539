//! What runs by itself. A cron tick only notes that a job is due, once in the cluster; the row is the job, and the
//! node that claims it by lease does it (design D12). What was missed while no node ran is made up at start.

use crate::domain::dates::VIETNAM;
use crate::exchange::{ExchangeError, directory, keys, sweep};
use crate::hub::Hub;
use crate::store::job_runs;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use std::pin::Pin;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

type Running<'a> = Pin<Box<dyn Future<Output = Result<usize, ExchangeError>> + Send + 'a>>;

/// One kind of scheduled work.
pub struct Task {
    /// Its name in the table and in the log.
    pub name: &'static str,
    /// When it is due: six fields, +07:00.
    pub cron: fn(&Hub) -> String,
    /// Does it; answers how many things it did. Doing it twice does no harm.
    pub run: for<'a> fn(&'a Hub) -> Running<'a>,
}

/// Every kind of scheduled work.
pub const TASKS: &[Task] = &[
    Task {
        name: "sweep-orphans",
        cron: |hub| hub.config.jobs.sweep_cron.clone(),
        run: |hub| Box::pin(sweep::orphans(hub)),
    },
    Task {
        name: "turn-validity",
        cron: |hub| hub.config.jobs.validity_cron.clone(),
        run: |hub| Box::pin(directory::turn_validity(hub)),
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
        self.scheduler.shutdown().await
    }
}

/// Starts the ticks and, beside them, makes up for what was missed.
///
/// # Errors
/// A cron text that cannot be read.
pub async fn start(hub: &Hub) -> Result<Schedule, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    for task in TASKS {
        let tick_hub = hub.clone();
        let job = Job::new_async_tz((task.cron)(hub).as_str(), VIETNAM, move |_, _| {
            let hub = tick_hub.clone();
            Box::pin(async move { due(&hub, task).await })
        })?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    let own = hub.clone();
    let missed = tokio::spawn(async move {
        for task in TASKS {
            due(&own, task).await;
        }
    });
    // What a node knows of the use of keys is its own: no row, no lease.
    let own = hub.clone();
    let uses = tokio::spawn(async move {
        let pause = Duration::from_secs(own.config.keys.use_noted_seconds.max(1));
        let mut ticks = tokio::time::interval(pause);
        loop {
            ticks.tick().await;
            note_uses(&own).await;
        }
    });
    Ok(Schedule { scheduler, missed, uses, hub: hub.clone() })
}

async fn note_uses(hub: &Hub) {
    if let Err(error) = keys::note_uses(hub).await {
        log::warn!(target: "jobs", "when keys were last used could not be written down: {error}");
    }
}

/// Notes that a task is due and does what is due of it. Errors are logged: the next tick tries again.
async fn due(hub: &Hub, task: &'static Task) {
    match run_due(hub, task, hub.clock.now()).await {
        Ok(Some(done)) => log::info!(target: "jobs", job = task.name, done = done; "job finished"),
        Ok(None) => {}
        Err(error) => log::error!(target: "jobs", job = task.name; "job failed: {error}"),
    }
}

/// Notes a task as due at `now`, to the minute, and runs it unless another node does. `None`: another node does.
///
/// # Errors
/// Those of the task and `Store`.
pub async fn run_due(hub: &Hub, task: &Task, now: DateTime<Utc>) -> Result<Option<usize>, ExchangeError> {
    let due_at = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
    let owner = hub.ids.next();
    let lease = i64::try_from(hub.config.jobs.lease_seconds).ok().and_then(TimeDelta::try_seconds);
    let until = now.checked_add_signed(lease.unwrap_or_default()).unwrap_or(now);
    let (name, claimer) = (task.name, owner.clone());
    let claimed = hub.store.write(move |tx| {
        job_runs::insert_due(tx, name, due_at)?;
        job_runs::claim(tx, name, &claimer, now, until)
    });
    let Some(claimed) = claimed.await? else { return Ok(None) };
    let done = (task.run)(hub).await?;
    let at = hub.clock.now();
    hub.store.write(move |tx| job_runs::finish(tx, (name, claimed), &owner, at)).await?;
    Ok(Some(done))
}
