//! What a transaction knows already, so that nothing is asked twice within it: agencies by the codes that lead to them,
//! for whom systems speak, who wants to hear of what happens to documents, which routes there are, and the deliveries of which
//! a step is about to be taken. Where each question costs a journey to a server, what the works of a batch are about to ask is
//! asked for all of them at once (`Foresight`). Nothing of this outlives its transaction.

use super::agencies::AgencyRow;
use super::announcements::{Listener, WEBHOOKS, foresee_listeners};
use super::connection::Link;
use super::deliveries::DeliveryRow;
use super::literal::Literal;
use super::schema::{agencies, agency_aliases, deliveries, endpoints, routes, system_agencies};
use super::{Connection, StoreError};
use crate::domain::agency::Agency;
use crate::domain::relay::Routes;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a write is about to ask.
#[derive(Debug, Default)]
pub struct Foresight {
    /// Codes of agencies, folded to upper case.
    pub codes: Vec<String>,
    /// The system that may speak for some of them.
    pub system_id: String,
    /// The document that may be registered already.
    pub document_id: String,
    /// The delivery of which the system may take a step.
    pub delivery_id: String,
}

/// A delivery of which a step is about to be taken.
struct Awaited {
    row: DeliveryRow,
    /// Systems that speak for its recipient, of those that asked.
    holders: HashSet<String>,
}

/// What is known in a transaction.
#[derive(Default)]
pub(super) struct Known {
    agencies: HashMap<String, Option<Agency>>,
    holds: HashMap<String, HashMap<String, bool>>,
    listeners: HashMap<String, Vec<Listener>>,
    routes: Option<Arc<Routes>>,
    new_documents: HashSet<String>,
    steps: HashMap<String, Awaited>,
}

impl Known {
    /// The agency to which a folded code leads, if that was asked.
    pub(super) fn agency(&self, folded: &str) -> Option<&Option<Agency>> {
        self.agencies.get(folded)
    }

    /// Whether a system speaks for an agency, if that was asked.
    pub(super) fn holds(&self, system_id: &str, agency_code: &str) -> Option<bool> {
        self.holds.get(system_id)?.get(agency_code).copied()
    }

    /// Webhooks of systems that speak for an agency, if that was asked.
    pub(super) fn listeners(&self, agency_code: &str) -> Option<&[Listener]> {
        self.listeners.get(agency_code).map(Vec::as_slice)
    }

    /// Every route, if that was asked.
    pub(super) fn routes(&self) -> Option<Arc<Routes>> {
        self.routes.clone()
    }

    /// A delivery to an agency that a system speaks for, once, if it was asked for: whoever had it may have changed it.
    pub(super) fn take_delivery(&mut self, system_id: &str, delivery_id: &str) -> Option<DeliveryRow> {
        if !self.steps.get(delivery_id)?.holders.contains(system_id) {
            return None;
        }
        self.steps.remove(delivery_id).map(|awaited| awaited.row)
    }

    /// A delivery does not stand any more as it was read.
    pub(super) fn moved(&mut self, delivery_id: &str) {
        self.steps.remove(delivery_id);
    }

    pub(super) fn remember_routes(&mut self, rows: Vec<(String, String)>) -> Arc<Routes> {
        Arc::clone(self.routes.insert(Arc::new(Routes::new(rows))))
    }

    pub(super) fn remember_listeners(&mut self, agency_code: &str, listeners: Vec<Listener>) {
        self.listeners.insert(agency_code.to_owned(), listeners);
    }

    pub(super) fn remember_agency(&mut self, folded: &str, agency: Option<Agency>) {
        self.agencies.insert(folded.to_owned(), agency);
    }

    pub(super) fn remember_holds(&mut self, system_id: &str, agency_code: &str, held: bool) {
        self.holds.entry(system_id.to_owned()).or_default().insert(agency_code.to_owned(), held);
    }

    /// Whether nothing was registered about a document when that was asked, nor by this transaction since.
    pub(super) fn is_new(&self, document_id: &str) -> bool {
        self.new_documents.contains(document_id)
    }

    /// Something is registered about a document now.
    pub(super) fn not_new(&mut self, document_id: &str) {
        self.new_documents.remove(document_id);
    }
}

impl Connection {
    /// Asks at once what some works are about to ask one by one. Embedded, nothing is gained by it.
    pub(super) fn foresee(&mut self, all: &[&Foresight]) -> Result<(), StoreError> {
        let Link::Postgres(server) = &self.link else { return Ok(()) };
        if all.is_empty() {
            return Ok(());
        }
        let link: &AsyncPgConnection = server;
        let codes = each_once(all.iter().flat_map(|one| one.codes.iter()));
        let systems = each_once(all.iter().map(|one| &one.system_id));
        let documents = each_once(all.iter().map(|one| &one.document_id));
        let steps = each_once(all.iter().map(|one| &one.delivery_id));
        let asked = async {
            tokio::try_join!(
                of_codes(link, &codes),
                held_of(link, &systems, &codes),
                listeners_of(link, &codes),
                known_of(link, &documents),
                routes_of(link, !codes.is_empty()),
                deliveries_of(link, &systems, &steps)
            )
        };
        let (found, held, listeners, registered, routes, steps) = server.together(asked)?;
        let mut agencies: HashMap<String, Option<Agency>> =
            codes.into_iter().map(|code| (code.to_owned(), None)).collect();
        for (code, row) in found {
            agencies.insert(code, Some(row.agency()?));
        }
        for agency in agencies.values().flatten() {
            self.known.remember_listeners(agency.code.as_str(), Vec::new());
        }
        for (agency_code, endpoint_id, wants) in listeners {
            self.known.listeners.entry(agency_code).or_default().push(Listener { endpoint_id, wants });
        }
        self.known.agencies = agencies;
        for (system_id, agency_code) in held {
            self.known.remember_holds(&system_id, &agency_code, true);
        }
        self.known.routes = routes.map(|rows| Arc::new(Routes::new(rows)));
        let registered: HashSet<String> = registered.into_iter().collect();
        let new = documents.into_iter().filter(|id| !registered.contains(*id));
        self.known.new_documents = new.map(str::to_owned).collect();
        let senders: Vec<String> = steps.iter().map(|(_, row)| row.sender_code.clone()).collect();
        self.known.steps = HashMap::new();
        for (system, row) in steps {
            let awaited = self.known.steps.entry(row.delivery_id.clone());
            awaited.or_insert_with(|| Awaited { row, holders: HashSet::new() }).holders.insert(system);
        }
        foresee_listeners(self, &Vec::from_iter(senders.iter().map(String::as_str)))
    }
}

fn each_once<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut texts: Vec<&str> = texts.map(String::as_str).filter(|text| !text.is_empty()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

// Portable: only PostgreSQL takes a list as one value, by which the statement stays prepared whatever its length.
async fn of_codes(mut server: &AsyncPgConnection, codes: &[&str]) -> QueryResult<Vec<(String, AgencyRow)>> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    agencies::table
        .inner_join(agency_aliases::table.on(agency_aliases::agency_code.eq(agencies::agency_code)))
        .filter(agency_aliases::alias_folded.eq_any(codes))
        .select((agency_aliases::alias_folded, AgencyRow::as_select()))
        .load(&mut server)
        .await
}

async fn held_of(
    mut server: &AsyncPgConnection,
    systems: &[&str],
    codes: &[&str],
) -> QueryResult<Vec<(String, String)>> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    agency_aliases::table
        .inner_join(system_agencies::table.on(system_agencies::agency_code.eq(agency_aliases::agency_code)))
        .filter(agency_aliases::alias_folded.eq_any(codes))
        .filter(system_agencies::system_id.eq_any(systems))
        .select((system_agencies::system_id, system_agencies::agency_code))
        .load(&mut server)
        .await
}

async fn listeners_of(mut server: &AsyncPgConnection, codes: &[&str]) -> QueryResult<Vec<(String, String, String)>> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    agency_aliases::table
        .inner_join(system_agencies::table.on(system_agencies::agency_code.eq(agency_aliases::agency_code)))
        .inner_join(
            endpoints::table.on(endpoints::endpoint_id.eq(Literal(WEBHOOKS).concat(system_agencies::system_id))),
        )
        .filter(agency_aliases::alias_folded.eq_any(codes))
        .select((system_agencies::agency_code, endpoints::endpoint_id, endpoints::wants))
        .distinct()
        .load(&mut server)
        .await
}

async fn known_of(mut server: &AsyncPgConnection, documents: &[&str]) -> QueryResult<Vec<String>> {
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    deliveries::table
        .filter(deliveries::document_id.eq_any(documents))
        .select(deliveries::document_id)
        .distinct()
        .load(&mut server)
        .await
}

async fn deliveries_of(
    mut server: &AsyncPgConnection,
    systems: &[&str],
    delivery_ids: &[&str],
) -> QueryResult<Vec<(String, DeliveryRow)>> {
    if delivery_ids.is_empty() {
        return Ok(Vec::new());
    }
    deliveries::table
        .inner_join(system_agencies::table.on(system_agencies::agency_code.eq(deliveries::recipient_code)))
        .filter(deliveries::delivery_id.eq_any(delivery_ids))
        .filter(system_agencies::system_id.eq_any(systems))
        .select((system_agencies::system_id, DeliveryRow::as_select()))
        .load(&mut server)
        .await
}

async fn routes_of(mut server: &AsyncPgConnection, are_wanted: bool) -> QueryResult<Option<Vec<(String, String)>>> {
    if !are_wanted {
        return Ok(None);
    }
    routes::table.select((routes::prefix, routes::neighbour)).load(&mut server).await.map(Some)
}
