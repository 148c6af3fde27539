//! Threads that own connections, and the queue in front of them. A thread takes what waits, runs it in one
//! transaction and answers everybody after the one commit: N concurrent writers cost one sync, not N. A piece that fails
//! undoes nobody else's work. No timer is needed: a batch forms while the last commit syncs.

use super::StoreError;
use super::connection::{Connection, Place};
use super::known::Foresight;
use crate::config::Database;
use crate::metrics::QueueMeter;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How often a closure is run again when another connection was in its way.
const RERUNS_MAX: usize = 4;

/// A piece of work on its way to a connection and back.
trait Work: Send {
    /// What the closure is about to ask, where that is known.
    fn foresight(&self) -> Option<&Foresight>;
    /// Runs the closure and keeps its result; says whether its changes are to be kept. What it adds may wait to be
    /// written, unless it must be `settled`.
    fn run(&mut self, tx: &mut Connection, settled: bool) -> Ran;
    /// Tells the caller: the kept result if `committed`, else why not.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// How a closure went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ran {
    Keep,
    Drop,
    /// Another connection was in the way: look again.
    Rerun,
}

struct Closure<T, F> {
    f: F,
    foresight: Option<Foresight>,
    result: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: Fn(&mut Connection) -> Result<T, StoreError> + Send> Work for Closure<T, F> {
    fn foresight(&self) -> Option<&Foresight> {
        self.foresight.as_ref()
    }

    fn run(&mut self, tx: &mut Connection, settled: bool) -> Ran {
        let f = &self.f;
        let mut result = catch_unwind(AssertUnwindSafe(|| f(tx))).unwrap_or(Err(StoreError::Panicked));
        if settled && result.is_ok() {
            result = tx.settle().and(result);
        }
        let ran = match &result {
            Ok(_) => Ran::Keep,
            Err(error) if error.is_of_the_moment() => Ran::Rerun,
            Err(_) => Ran::Drop,
        };
        self.result = Some(result);
        ran
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (self.result, committed) {
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::Closed),
        };
        // A caller that gave up waiting has dropped its end.
        let _ = self.caller.send(result);
    }
}

type Waiting = Arc<Mutex<mpsc::Receiver<Box<dyn Work>>>>;

/// The way to some threads with connections.
pub(super) struct Queue {
    to_threads: RwLock<Option<mpsc::Sender<Box<dyn Work>>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    meter: Arc<QueueMeter>,
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.close();
    }
}

impl Queue {
    /// Starts a thread for each connection; they end when the queue is dropped.
    pub(super) fn start(meter: QueueMeter, connections: Vec<Connection>, place: Place, config: &Database) -> Self {
        let (to_threads, waiting) = mpsc::channel(config.queue_max);
        let meter = Arc::new(meter);
        let waiting: Waiting = Arc::new(Mutex::new(waiting));
        let mut threads = Vec::new();
        // Readers share no commit: one taking all the work would only leave the others idle.
        let batch_max = if place.only_reads() { 1 } else { config.batch_max };
        for (number, connection) in connections.into_iter().enumerate() {
            let (waiting, place, meter) = (waiting.clone(), place.clone(), meter.clone());
            let thread = std::thread::Builder::new().name(format!("store-{}-{number}", meter.queue));
            match thread.spawn(move || serve(&waiting, connection, &place, (batch_max, &meter))) {
                Ok(thread) => threads.push(thread),
                Err(error) => log::error!("a thread for the database cannot be started: {error}"),
            }
        }
        Self { to_threads: RwLock::new(Some(to_threads)), threads: Mutex::new(threads), meter }
    }

    /// Takes nothing more and waits until what was taken is done and the connections are closed: the last one to an
    /// SQLite file folds its write-ahead log back.
    pub(super) fn close(&self) {
        *self.to_threads.write().unwrap_or_else(PoisonError::into_inner) = None;
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let own = std::thread::current().id();
        for thread in threads.into_iter().filter(|thread| thread.thread().id() != own) {
            if thread.join().is_err() {
                log::error!("a thread of the database died");
            }
        }
    }

    /// Puts a closure into the queue; the answer comes through the channel.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        foresight: Option<Foresight>,
        f: impl Fn(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (caller, answer) = oneshot::channel();
        let work = Box::new(Closure { f, foresight, result: None, caller });
        let to_threads = self.to_threads.read().unwrap_or_else(PoisonError::into_inner);
        let Some(to_threads) = to_threads.as_ref() else { return Err(StoreError::Closed) };
        // Before it is put in: it may be taken out at once.
        self.meter.put();
        let refused = match to_threads.try_send(work) {
            Ok(()) => return Ok(answer),
            Err(mpsc::error::TrySendError::Full(_)) => StoreError::Overloaded,
            Err(mpsc::error::TrySendError::Closed(_)) => StoreError::Closed,
        };
        self.meter.turned_away();
        Err(refused)
    }

    /// What it counts.
    pub(super) fn meter(&self) -> &QueueMeter {
        &self.meter
    }
}

fn serve(waiting: &Waiting, first: Connection, place: &Place, (batch_max, meter): (usize, &QueueMeter)) {
    let mut connection = Some(first);
    while let Some(batch) = take(waiting, batch_max) {
        meter.took(batch.len());
        if connection.is_none() {
            connection = reconnect(place);
        }
        work_off(&mut connection, batch.into(), place, meter);
    }
}

/// Runs a batch on the connection. What only reads is run once more on a new one when that turns out to be gone: the
/// server was started anew.
fn work_off(
    connection: &mut Option<Connection>,
    mut batch: VecDeque<Box<dyn Work>>,
    place: &Place,
    meter: &QueueMeter,
) {
    let mut again = place.only_reads();
    while let Some(usable) = connection.as_mut() {
        let worked = if place.only_reads() { read(usable, batch, meter) } else { transact(usable, batch, meter) };
        let Err((rest, error)) = worked else { return };
        *connection = None;
        if rest.is_empty() {
            return;
        }
        if !again {
            return give_up(rest, &error, meter);
        }
        (again, batch) = (false, rest);
        *connection = reconnect(place);
    }
    batch.into_iter().for_each(|work| work.answer(Err(StoreError::Closed)));
}

fn reconnect(place: &Place) -> Option<Connection> {
    match place.connect() {
        Ok(connection) => Some(connection),
        Err(error) => {
            log::error!("the database cannot be reached: {error}: {}", source_of(&error));
            None
        }
    }
}

fn source_of(error: &StoreError) -> String {
    std::error::Error::source(error).map_or_else(String::new, ToString::to_string)
}

/// Waits for work, then takes what else waits, up to the limit. Nothing when the queue was dropped.
fn take(waiting: &Waiting, batch_max: usize) -> Option<Vec<Box<dyn Work>>> {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let mut batch = vec![waiting.blocking_recv()?];
    while batch.len() < batch_max {
        match waiting.try_recv() {
            Ok(work) => batch.push(work),
            Err(_) => break,
        }
    }
    Some(batch)
}

/// What a connection did not get to, and why: it is not good any more.
type Left = (VecDeque<Box<dyn Work>>, StoreError);

/// Runs what only reads, each in a transaction of its own. Whoever asked is answered before that ends: nothing is kept by it.
fn read(connection: &mut Connection, mut rest: VecDeque<Box<dyn Work>>, meter: &QueueMeter) -> Result<(), Left> {
    let mut tries: usize = 0;
    while let Some(mut work) = rest.pop_front() {
        let started = Instant::now();
        let begun = connection.begin_reading();
        let ran = if begun.is_ok() { work.run(connection, true) } else { Ran::Drop };
        if ran == Ran::Keep {
            meter.committed(1, started);
            work.answer(Ok(()));
            tries = 0;
            // On a connection that is gone meanwhile, the next one goes on.
            connection.end_reading().map_err(|error| (std::mem::take(&mut rest), error))?;
            continue;
        }
        if let Err(error) = begun.and_then(|()| connection.end_reading()) {
            rest.push_front(work);
            return Err((rest, error));
        }
        tries = tries.saturating_add(1);
        if ran == Ran::Rerun && tries <= RERUNS_MAX {
            rest.push_front(work);
            continue;
        }
        meter.committed(1, started);
        work.answer(Ok(()));
        tries = 0;
    }
    Ok(())
}

/// Runs a batch, in one transaction if other nodes let it, and answers everybody.
fn transact(connection: &mut Connection, mut rest: VecDeque<Box<dyn Work>>, meter: &QueueMeter) -> Result<(), Left> {
    let mut tries: usize = 0;
    let mut together = true;
    while together && rest.len() > 1 {
        let started = Instant::now();
        match all_at_once(connection, rest.make_contiguous()) {
            Ok(done) => {
                meter.committed(done, started);
                rest.drain(..done).for_each(|work| work.answer(Ok(())));
                together = done > 0;
            }
            Err(error) => return Err((rest, error)),
        }
    }
    while !rest.is_empty() {
        let started = Instant::now();
        match in_transaction(connection, rest.make_contiguous(), tries >= RERUNS_MAX) {
            Ok(done) => {
                meter.committed(done, started);
                rest.drain(..done).for_each(|work| work.answer(Ok(())));
                tries = if done == 0 { tries.saturating_add(1) } else { 1 };
            }
            Err(error) => return Err((rest, error)),
        }
    }
    Ok(())
}

/// Tells everybody that nothing was kept.
fn give_up(works: VecDeque<Box<dyn Work>>, error: &StoreError, meter: &QueueMeter) {
    meter.failed();
    log::error!("a transaction of {} did not commit: {error}: {}", works.len(), source_of(error));
    let why = error.to_string();
    works.into_iter().for_each(|work| work.answer(Err(StoreError::NotCommitted(why.clone()))));
}

/// How long works may go on in one transaction before those that are done are committed and answered.
const BATCH_MOST: Duration = Duration::from_millis(50);

/// Works seldom fail: they run without savepoints, each of which would copy every page that it changes, and what they
/// add is written together in the end. Should one fail all the same, or meet what another connection is doing, nothing
/// is kept, and they run again one by one (`in_transaction`). Says how many are done.
fn all_at_once(connection: &mut Connection, works: &mut [Box<dyn Work>]) -> Result<usize, StoreError> {
    let started = Instant::now();
    connection.begin()?;
    let foresights: Vec<&Foresight> = works.iter().filter_map(|work| work.foresight()).collect();
    connection.foresee(&foresights)?;
    let mut done: usize = 0;
    for work in works {
        if work.run(connection, false) != Ran::Keep {
            connection.roll_back()?;
            return Ok(0);
        }
        done = done.saturating_add(1);
        if started.elapsed() > BATCH_MOST {
            break;
        }
    }
    if let Err(error) = connection.settle() {
        log::debug!("works of one batch are run one by one: {error}: {}", source_of(&error));
        connection.roll_back()?;
        return Ok(0);
    }
    connection.commit()?;
    Ok(done)
}

/// Runs works in one transaction until one meets what another connection is doing. What ran before it is committed
/// then: two batches that hold what the other one waits for would never end otherwise. Says how many are done.
fn in_transaction(
    connection: &mut Connection,
    works: &mut [Box<dyn Work>],
    is_last_try: bool,
) -> Result<usize, StoreError> {
    connection.begin()?;
    // One alone needs no savepoint: when it fails, the transaction is dropped whole.
    if let [only] = works {
        if let Some(foresight) = only.foresight() {
            connection.foresee(&[foresight])?;
        }
        let ran = only.run(connection, true);
        match ran {
            Ran::Keep => connection.commit()?,
            Ran::Drop | Ran::Rerun => connection.roll_back()?,
        }
        return Ok(usize::from(ran != Ran::Rerun || is_last_try));
    }
    let mut done: usize = 0;
    for work in works {
        connection.begin()?;
        match work.run(connection, true) {
            Ran::Keep => connection.commit()?,
            Ran::Drop => connection.roll_back()?,
            Ran::Rerun => {
                connection.roll_back()?;
                if done > 0 || !is_last_try {
                    break;
                }
            }
        }
        done = done.saturating_add(1);
    }
    connection.commit()?;
    Ok(done)
}
