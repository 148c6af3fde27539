//! Who waits on this node for packets to some agencies, how they are woken, and what other nodes are to be told. A
//! wake-up carries no data: whoever is woken looks into the database. What other nodes do not tell is found by looking
//! again from time to time (`exchange::poll`).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Stands among agencies for what is to be pushed: the dispatcher is told, on all nodes.
pub const PUSHES: &str = "*";

/// Those who wait on this node.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    waiting: Arc<Mutex<Waiting>>,
    untold: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    places: HashMap<u64, Arc<Notify>>,
    by_agency: HashMap<String, Vec<u64>>,
    by_system: HashMap<String, usize>,
    /// For whom something came that other nodes were not told of; `None` when there is nobody to tell.
    untold: Option<HashSet<String>>,
    closed: bool,
}

/// Why nobody more may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// All places of the node are taken.
    Node,
    /// The system has taken its share of them.
    System,
}

/// How many may wait.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// In all.
    pub of_node: usize,
    /// Of one system.
    pub of_system: usize,
}

/// A place to wait at; free again when dropped.
#[derive(Debug)]
pub struct Place {
    arrivals: Arrivals,
    number: u64,
    system_id: String,
    agencies: Vec<String>,
    bell: Arc<Notify>,
}

impl Waiting {
    fn wake(&self, agency: &str) {
        let bells = self.by_agency.get(agency).into_iter().flatten().filter_map(|number| self.places.get(number));
        bells.for_each(|bell| bell.notify_one());
    }

    fn wake_all(&self) {
        self.places.values().for_each(|bell| bell.notify_one());
    }
}

impl Arrivals {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place at which a system waits for packets to these agencies. What arrives from now on wakes it.
    ///
    /// # Errors
    /// `Full` when there is no place left.
    pub fn place(&self, system_id: &str, agencies: Vec<String>, places: Places) -> Result<Place, Full> {
        let mut waiting = self.waiting();
        if waiting.places.len() >= places.of_node {
            return Err(Full::Node);
        }
        let taken = waiting.by_system.get(system_id).copied().unwrap_or(0);
        if taken >= places.of_system {
            return Err(Full::System);
        }
        waiting.by_system.insert(system_id.to_owned(), taken.saturating_add(1));
        let number = waiting.next;
        waiting.next = number.wrapping_add(1);
        let bell = Arc::new(Notify::new());
        waiting.places.insert(number, Arc::clone(&bell));
        for agency in &agencies {
            waiting.by_agency.entry(agency.clone()).or_default().push(number);
        }
        let (arrivals, system_id) = (self.clone(), system_id.to_owned());
        Ok(Place { arrivals, number, system_id, agencies, bell })
    }

    /// Wakes whoever waits for one of these agencies, on other nodes too.
    pub fn announce<'a>(&self, agencies: impl Iterator<Item = &'a str>) {
        let mut waiting = self.waiting();
        for agency in agencies {
            waiting.wake(agency);
            if let Some(untold) = &mut waiting.untold {
                untold.insert(agency.to_owned());
                self.untold.notify_one();
            }
        }
    }

    /// Wakes whoever waits on this node for one of these agencies, or everybody when none is named.
    pub fn hear(&self, agencies: &[String]) {
        let waiting = self.waiting();
        match agencies.is_empty() {
            true => waiting.wake_all(),
            false => agencies.iter().for_each(|agency| waiting.wake(agency)),
        }
    }

    /// From now on, what is announced is kept for other nodes; or is not any more.
    pub fn have_other_nodes(&self, have: bool) {
        self.waiting().untold = have.then(HashSet::new);
    }

    /// Comes back when something was announced that other nodes are to be told of.
    pub async fn untold(&self) -> Vec<String> {
        loop {
            self.untold.notified().await;
            // Told already, when it was announced just before it was told.
            let untold: Vec<String> = self.waiting().untold.iter_mut().flat_map(HashSet::drain).collect();
            if !untold.is_empty() {
                return untold;
            }
        }
    }

    /// Wakes everybody; nobody waits any more.
    pub fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.wake_all();
    }

    /// Whether nobody is to wait any more, because the hub stops.
    pub fn is_closed(&self) -> bool {
        self.waiting().closed
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting().places.len()
    }
}

impl Place {
    /// Comes back when something arrived since the place was taken or since this came back last.
    pub async fn woken(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.arrivals.waiting();
        waiting.places.remove(&self.number);
        if let Some(taken) = waiting.by_system.get_mut(&self.system_id) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                waiting.by_system.remove(&self.system_id);
            }
        }
        for agency in &self.agencies {
            if let Some(numbers) = waiting.by_agency.get_mut(agency) {
                numbers.retain(|number| *number != self.number);
                if numbers.is_empty() {
                    waiting.by_agency.remove(agency);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const PLACES: Places = Places { of_node: 3, of_system: 2 };

    fn place(arrivals: &Arrivals, system: &str, agency: &str) -> Result<Place, Full> {
        arrivals.place(system, vec![agency.to_owned()], PLACES)
    }

    async fn is_woken(place: &Place) -> bool {
        timeout(Duration::ZERO, place.woken()).await.is_ok()
    }

    #[tokio::test]
    async fn only_who_waits_for_the_agency_is_woken_and_once() {
        let arrivals = Arrivals::default();
        let (a, b) = (place(&arrivals, "s", "A").unwrap(), place(&arrivals, "t", "B").unwrap());

        arrivals.announce(["A", "C"].into_iter());

        assert!(is_woken(&a).await && !is_woken(&b).await && !is_woken(&a).await);
        arrivals.close();
        assert!(is_woken(&a).await && is_woken(&b).await && arrivals.is_closed());
    }

    #[test]
    fn places_are_bounded_in_all_and_for_each_system_and_come_back() {
        let arrivals = Arrivals::default();
        let first = place(&arrivals, "s", "A").unwrap();
        let second = place(&arrivals, "s", "A").unwrap();
        assert_eq!(place(&arrivals, "s", "A").unwrap_err(), Full::System);
        let third = place(&arrivals, "t", "A").unwrap();
        assert_eq!(place(&arrivals, "u", "A").unwrap_err(), Full::Node);

        drop((first, second, third));

        assert_eq!(arrivals.count(), 0);
        assert!(arrivals.waiting().by_agency.is_empty() && arrivals.waiting().by_system.is_empty());
    }
}
