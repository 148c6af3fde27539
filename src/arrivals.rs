//! Who waits on this node for packets to some agencies, and how they are woken. A wake-up carries no data: whoever is
//! woken looks into the database. Other nodes' packets are found by looking again from time to time (`exchange::poll`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Those who wait on this node.
#[derive(Debug, Clone, Default)]
pub struct Arrivals(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    places: HashMap<u64, Arc<Notify>>,
    by_agency: HashMap<String, Vec<u64>>,
    by_system: HashMap<String, usize>,
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

impl Arrivals {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Wakes whoever waits for one of these agencies.
    pub fn announce<'a>(&self, agencies: impl Iterator<Item = &'a str>) {
        let waiting = self.waiting();
        for number in agencies.filter_map(|agency| waiting.by_agency.get(agency)).flatten() {
            if let Some(bell) = waiting.places.get(number) {
                bell.notify_one();
            }
        }
    }

    /// Wakes everybody; nobody waits any more.
    pub fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.places.values().for_each(|bell| bell.notify_one());
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
