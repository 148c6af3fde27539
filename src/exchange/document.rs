//! One document with all that a person may know of it, and what it may do with it. Not here: lists of documents (`transfers`).

use super::follow::{Desk, EnvelopeView, view};
use super::history::{Happening, page};
use super::sessions::Person;
use super::transfers::name_of;
use super::viewer::Viewer;
use super::{ExchangeError, access, open};
use crate::domain::destruction::Line;
use crate::domain::envelope::Urgency;
use crate::domain::user::UserRole;
use crate::hub::Hub;
use crate::store::evidence::Share;
use crate::store::transfers::{self as rows_of, Attached};
use crate::store::{envelopes, users};
use chrono::{DateTime, Utc};
use std::collections::HashMap;

/// Rows of a document's history that one page shows.
const HAPPENINGS_MAX: usize = 500;

/// One document with all that a person may know of it.
#[derive(Debug, Clone)]
pub struct DocumentView {
    /// The document, its deliveries, statuses and lineage.
    pub view: EnvelopeView,
    /// Name of the kind of document.
    pub type_name: String,
    /// Date of issue, `yyyy-MM-dd`.
    pub issued_on: Option<String>,
    /// Deadline for an answer, `yyyy-MM-dd`.
    pub due_on: Option<String>,
    /// Whether something attached bears a digital signature, as far as it was noted.
    pub bears_signature: Option<bool>,
    /// Whether a copy on paper follows, as far as the packet says so.
    pub paper_follows: Option<bool>,
    /// How urgent it is.
    pub urgency: Urgency,
    /// What is attached.
    pub attachments: Vec<Attached>,
    /// What happened, oldest first.
    pub happenings: Vec<Happening>,
    /// After what the history goes on; nothing at its end.
    pub more: Option<String>,
    /// Names of agencies, by code.
    pub names: HashMap<String, String>,
    /// Whether the person's side sent it.
    pub is_sender: bool,
    /// Whether the person may open what it carries.
    pub may_open: bool,
    /// When its content was destroyed, and what the certificate says of it.
    pub destroyed: Option<(DateTime<Utc>, Line)>,
    /// Whether the person may take it back.
    pub may_take_back: bool,
    /// Names of people who opened it, by id.
    pub people: HashMap<String, String>,
}

impl DocumentView {
    /// What people call an agency.
    pub fn name_of(&self, code: &str) -> String {
        name_of(&self.names, code)
    }
}

/// A document, by the id of its envelope or of a delivery; from then on the person has read it.
///
/// # Errors
/// `NotFound` unless the person looks after the sender or a recipient; `Store`.
pub async fn document(hub: &Hub, person: &Person, id: &str, after: &str) -> Result<DocumentView, ExchangeError> {
    access::covered(hub, person, id).await?;
    let (viewer, desk, id) = (Viewer::of(person), Desk::of(hub), id.to_owned());
    let (after, user_id, asking) = (after.to_owned(), person.user_id.clone(), person.clone());
    let found = hub.store.read(move |tx| {
        let Some(view) = view(tx, &viewer, &id, &desk)? else { return Ok(None) };
        let Some(envelope) = envelopes::find(tx, &view.envelope_id)? else { return Ok(None) };
        let is_sender = viewer.holds(tx, &view.sender)?;
        let own: Vec<&str> = view.deliveries.iter().map(|line| line.delivery_id.as_str()).collect();
        let share = if is_sender { Share::Whole } else { Share::These(&own) };
        let happened = page(tx, &view.envelope_id, (share, viewer.openings()), (&after, HAPPENINGS_MAX))?;
        let attachments = rows_of::attachments_of(tx, &view.envelope_id)?;
        let links = view.acts_on.iter().chain(&view.acted_on_by).map(|link| link.sender.as_str());
        let recipients = view.deliveries.iter().map(|line| line.recipient.as_str());
        let codes: Vec<&str> = links.chain(recipients).chain([view.sender.as_str()]).collect();
        let names = rows_of::names(tx, &codes)?;
        let is_read = !users::read_of(tx, &user_id, &[&view.envelope_id])?.is_empty();
        let destroyed = open::destroyed(tx, &view.envelope_id)?;
        let may_open = destroyed.is_none() && open::may_open(tx, &asking, &envelope)?;
        let openings = happened.items.iter().filter_map(|happening| happening.opening.as_ref());
        let people = users::names(tx, &openings.map(|(user, _)| user.as_str()).collect::<Vec<_>>())?;
        let document = DocumentView {
            may_open,
            destroyed,
            may_take_back: asking.role == UserRole::Clerk && is_sender && view.is_document,
            people,
            type_name: envelope.type_name,
            issued_on: envelope.issued_on,
            due_on: envelope.due_on,
            bears_signature: envelope.bears_signature,
            paper_follows: envelope.paper_follows,
            urgency: Urgency::of_number(&envelope.urgency.to_string()),
            attachments,
            more: happened.next,
            happenings: happened.items,
            names,
            is_sender,
            view,
        };
        Ok(Some((document, is_read)))
    });
    let (document, is_read) = found.await?.ok_or(ExchangeError::NotFound)?;
    if !is_read && !person.role.sees_every_agency() {
        let (user_id, envelope_id) = (person.user_id.clone(), document.view.envelope_id.clone());
        // The mark is a convenience: without it the document is shown all the same.
        if let Err(error) = hub.store.write(move |tx| users::note_read(tx, &user_id, &envelope_id)).await {
            log::warn!(target: "portal", "that a document was read could not be written down: {error}");
        }
    }
    Ok(document)
}
