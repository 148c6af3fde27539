//! Which attempts are settled together, where each statement is a journey to a server: whatever came to an end while the ones
//! before were being settled. The first one goes at once, nobody waits for company, and one that cannot be settled takes
//! no other with it. Not here: settling itself (`settle`), what becomes of an attempt that was not settled (`dispatch`),
//! which transactions share a commit (`store`).

use super::settle::{self, Attempt};
use crate::domain::breaker::BreakerLimits;
use crate::hub::Hub;
use crate::store::StoreError;
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Settles attempts, one transaction at a time.
pub(super) struct Settler {
    hub: Hub,
    limits: BreakerLimits,
    line: Mutex<Line>,
    unsettled: AtomicUsize,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Ended>,
    /// Whether somebody is settling and looks into the line when that is done.
    is_tended: bool,
}

/// An attempt that waits to be settled, and who waits for that.
struct Ended {
    attempt: Arc<Attempt>,
    told: oneshot::Sender<Result<(), Arc<StoreError>>>,
}

impl Settler {
    pub(super) fn new(hub: &Hub, limits: BreakerLimits) -> Arc<Self> {
        Arc::new(Self { hub: hub.clone(), limits, line: Mutex::default(), unsettled: AtomicUsize::new(0) })
    }

    /// Settles an attempt, maybe with others that come to an end about the same time.
    ///
    /// # Errors
    /// Those of the store.
    pub(super) async fn settle(self: &Arc<Self>, attempt: Arc<Attempt>) -> Result<(), Arc<StoreError>> {
        self.unsettled.fetch_add(1, Ordering::Relaxed);
        let settled = match self.hub.store.is_server() {
            true => self.together(attempt).await,
            // Embedded, the store makes the batches, and nothing is gained by waiting for one that is on.
            false => settle::settle(&self.hub, vec![attempt], self.limits).await.map_err(Arc::new),
        };
        self.unsettled.fetch_sub(1, Ordering::Relaxed);
        settled
    }

    /// How many wait to be settled or are being settled.
    pub(super) fn unsettled(&self) -> usize {
        self.unsettled.load(Ordering::Relaxed)
    }

    async fn together(self: &Arc<Self>, attempt: Arc<Attempt>) -> Result<(), Arc<StoreError>> {
        let (told, answer) = oneshot::channel();
        if !self.put(Ended { attempt, told }) {
            tokio::spawn(Arc::clone(self).tend());
        }
        answer.await.unwrap_or_else(|_| Err(Arc::new(StoreError::Closed)))
    }

    /// Puts an attempt into the line. Says whether somebody tends it already.
    fn put(&self, ended: Ended) -> bool {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.waiting.push_back(ended);
        std::mem::replace(&mut line.is_tended, true)
    }

    async fn tend(self: Arc<Self>) {
        while let Some(batch) = self.next() {
            let this = Arc::clone(&self);
            // By itself: should it panic, whoever waits hears nothing and tries again, and the line moves on.
            let _ = tokio::spawn(async move { this.settle_all(batch).await }).await;
        }
    }

    /// What is settled next: at most as much as may share a commit, and of each thing that was brought one attempt. When
    /// nothing waits, nothing, and nobody tends the line any more.
    fn next(&self) -> Option<Vec<Ended>> {
        let most = self.hub.config.database.batch_max;
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known: HashSet<String> = HashSet::new();
        let mut batch = Vec::new();
        while batch.len() < most {
            // Its lease ran out, and it was brought again meanwhile: in the order in which they ended.
            let is_new = |ended: &mut Ended| known.insert(ended.attempt.parcel.push.push_id.clone());
            let Some(ended) = line.waiting.pop_front_if(is_new) else { break };
            batch.push(ended);
        }
        line.is_tended = !batch.is_empty();
        (!batch.is_empty()).then_some(batch)
    }

    async fn settle_all(&self, batch: Vec<Ended>) {
        let attempts = batch.iter().map(|ended| Arc::clone(&ended.attempt)).collect();
        let failed = match settle::settle(&self.hub, attempts, self.limits).await {
            Err(error) if batch.len() > 1 && !is_of_all(&error) => {
                log::debug!(target: "push", number = batch.len(); "outcomes are settled one by one: {error}");
                return self.settle_each(batch).await;
            }
            settled => settled.map_err(Arc::new),
        };
        batch.into_iter().for_each(|ended| ended.tell(failed.clone()));
    }

    /// One by one: one of them, or somebody else, was in the way of all.
    async fn settle_each(&self, batch: Vec<Ended>) {
        let mut beyond: Result<(), Arc<StoreError>> = Ok(());
        for ended in batch {
            let settled = match &beyond {
                Ok(()) => {
                    settle::settle(&self.hub, vec![Arc::clone(&ended.attempt)], self.limits).await.map_err(Arc::new)
                }
                Err(error) => Err(Arc::clone(error)),
            };
            if let Err(error) = &settled
                && is_of_all(error)
            {
                beyond = settled.clone();
            }
            ended.tell(settled);
        }
    }
}

impl Ended {
    fn tell(self, settled: Result<(), Arc<StoreError>>) {
        // Who waited may be gone: the hub is being stopped.
        let _ = self.told.send(settled);
    }
}

/// Whether an error says something about the database, not about what was settled: trying the others only takes time.
fn is_of_all(error: &StoreError) -> bool {
    match error {
        StoreError::Unreachable(_)
        | StoreError::ServerUnreachable(_)
        | StoreError::Overloaded
        | StoreError::TimedOut
        | StoreError::Closed
        | StoreError::Url(_)
        | StoreError::Tls(_)
        | StoreError::Migration(_) => true,
        StoreError::Statement(_)
        | StoreError::NotCommitted(_)
        | StoreError::UnknownWord { .. }
        | StoreError::Missing(_)
        | StoreError::Raced
        | StoreError::Panicked => false,
    }
}
