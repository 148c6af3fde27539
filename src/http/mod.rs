//! The only place that knows actix-web: the route table, from which the server is configured and the list in
//! docs/api.md is written, and the server's start. Not here: what an operation does (`agency_api`, `admin_api`,
//! `sdk_api`), what every request passes (`gate`), which status a failure gets (`problem`).

mod admin_answers;
pub mod admin_api;
mod admin_sketches;
pub mod agency_answers;
pub mod agency_api;
mod agency_questions;
mod agency_sketches;
pub mod archive_api;
mod archive_sketches;
pub mod auth;
pub mod body;
mod forms;
pub mod gate;
mod history_answers;
pub mod ledger_api;
mod ledger_sketches;
pub mod openapi;
pub mod portal;
pub mod problem;
pub mod problem_body;
pub mod purge_api;
mod purge_sketches;
pub mod push_admin;
mod push_sketches;
mod reading;
pub mod receipt_api;
mod receipt_sketches;
mod reconciliation_api;
pub mod relay_api;
mod relay_sketches;
pub mod sdk_answers;
pub mod sdk_api;
mod sdk_sketches;
pub mod selftest_api;
mod selftest_sheet;
mod selftest_sketches;
mod sentence;
mod serve;
mod sketch;
mod statement_api;
mod watch;
pub mod webhook_api;
mod webhook_sketches;
mod witness_api;

use admin_api::AdminOperation;
use agency_api::AgencyOperation;
use archive_api::ArchiveOperation;
use ledger_api::{LedgerOperation, TilesOperation};
use portal::{AuditOperation, DeskOperation, OfficeOperation, PortalOperation};
use problem::Dialect;
use purge_api::PurgeOperation;
use push_admin::PushOperation;
use receipt_api::ReceiptOperation;
use relay_api::RelayOperation;
use sdk_answers::AgencyForm;
use sdk_api::SdkOperation;
use selftest_api::SelftestOperation;
pub use serve::{configure, start};
use statement_api::StatementOperation;
use webhook_api::WebhookOperation;

/// A method of HTTP that some route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

impl Verb {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Says that the process runs.
    Alive,
    /// Says that the process can work.
    Ready,
    /// Describes every route.
    Description,
    /// Says what was counted.
    Metrics,
    /// The page that verifies receipts in a browser.
    Verifier,
    /// One of the ledger's files.
    Tiles(TilesOperation),
    /// A head of another ledger is to be cosigned.
    Witness,
    /// One of the native API.
    Agency(AgencyOperation),
    /// One of administration.
    Admin(AdminOperation),
    /// One of the SDK-compatible API.
    Sdk(SdkOperation),
    /// One of the portal.
    Portal(PortalOperation),
}

impl Operation {
    /// How its failures look.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Alive | Self::Ready | Self::Description | Self::Verifier | Self::Metrics => Dialect::Native,
            Self::Tiles(_) | Self::Witness | Self::Agency(_) | Self::Admin(_) => Dialect::Native,
            Self::Sdk(operation) => operation.dialect(),
            Self::Portal(_) => Dialect::Page,
        }
    }

    /// Who may call it.
    pub fn caller(self) -> &'static str {
        match self {
            Self::Alive | Self::Ready | Self::Description | Self::Verifier | Self::Tiles(_) | Self::Witness => "anyone",
            Self::Metrics => "`metrics.allow`, `metrics.token`",
            Self::Agency(_) => "a system, by bearer key",
            Self::Admin(_) => "a system with the role administration, by bearer key",
            Self::Sdk(_) => "a system, by SDK signature",
            Self::Portal(operation) if operation.is_open() => "anyone",
            Self::Portal(_) => "a person who is signed in",
        }
    }
}

/// A row of the route table.
#[derive(Debug)]
pub struct Route {
    /// Methods it takes.
    pub methods: &'static [Verb],
    /// Path, with segments in braces.
    pub path: &'static str,
    /// What it does.
    pub operation: Operation,
    /// The same in words.
    pub about: &'static str,
}

const fn route(methods: &'static [Verb], path: &'static str, operation: Operation, about: &'static str) -> Route {
    Route { methods, path, operation, about }
}

const GET: &[Verb] = &[Verb::Get];
const POST: &[Verb] = &[Verb::Post];
const PUT: &[Verb] = &[Verb::Put];
const DELETE: &[Verb] = &[Verb::Delete];
const EITHER: &[Verb] = &[Verb::Post, Verb::Get];

const fn native(operation: AgencyOperation) -> Operation {
    Operation::Agency(operation)
}

const fn selftest(operation: SelftestOperation) -> Operation {
    Operation::Agency(AgencyOperation::Selftest(operation))
}

const fn ledger(operation: LedgerOperation) -> Operation {
    Operation::Agency(AgencyOperation::Ledger(operation))
}

const fn receipt(operation: ReceiptOperation) -> Operation {
    native(AgencyOperation::Receipt(operation))
}

const fn statement(operation: StatementOperation) -> Operation {
    native(AgencyOperation::Statement(operation))
}

const fn archive(operation: ArchiveOperation) -> Operation {
    admin(AdminOperation::Archive(operation))
}

const fn webhook(operation: WebhookOperation) -> Operation {
    native(AgencyOperation::Webhook(operation))
}

const fn webhook_of_system(operation: WebhookOperation) -> Operation {
    admin(AdminOperation::Webhook(operation))
}

const fn push(operation: PushOperation) -> Operation {
    admin(AdminOperation::Push(operation))
}

const fn relay(operation: RelayOperation) -> Operation {
    admin(AdminOperation::Relay(operation))
}

const fn admin(operation: AdminOperation) -> Operation {
    Operation::Admin(operation)
}

const fn sdk(operation: SdkOperation) -> Operation {
    Operation::Sdk(operation)
}

const fn sdk_list(form: AgencyForm) -> Operation {
    Operation::Sdk(SdkOperation::Agencies(form))
}

const fn page(operation: PortalOperation) -> Operation {
    Operation::Portal(operation)
}

const fn audit(operation: AuditOperation) -> Operation {
    Operation::Portal(PortalOperation::Audit(operation))
}

const fn desk(operation: DeskOperation) -> Operation {
    Operation::Portal(PortalOperation::Desk(operation))
}

const fn office(operation: OfficeOperation) -> Operation {
    Operation::Portal(PortalOperation::Office(operation))
}

/// Every route, grouped by who calls it.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    // Whoever watches over the hub.
    route(GET, "/healthz", Operation::Alive, "The process runs."),
    route(GET, "/readyz", Operation::Ready, "Whether the hub can work, and if not, why: `ready` or, with 503, `not_ready`, and every check."),
    route(GET, "/metrics", Operation::Metrics, "What was counted, for Prometheus (metrics.md)."),

    // Whoever builds software for the hub.
    route(GET, "/api/v1/openapi.json", Operation::Description, "This list for machines, as OpenAPI 3.1."),

    // Whoever holds the hub to its ledger: the layout is that of C2SP tlog-tiles.
    route(GET, "/ledger/checkpoint", Operation::Tiles(TilesOperation::Checkpoint), "The newest signed head of the ledger."),
    route(GET, "/ledger/tile/entries/{tile}", Operation::Tiles(TilesOperation::Entries), "256 entries, or with `.p/W` the first W of them."),
    route(GET, "/ledger/tile/{level}/{tile}", Operation::Tiles(TilesOperation::Hashes), "256 hashes of a level of the tree, or with `.p/W` the first W of them."),
    route(GET, "/ledger/timestamps/{size}", Operation::Tiles(TilesOperation::Timestamp), "The first stamped head of a tree with at least so many entries, and its time-stamp (RFC 3161), in one file for `docaxis verify`."),

    // Another ledger that this hub witnesses, as C2SP tlog-witness says.
    route(POST, "/witness/add-checkpoint", Operation::Witness, "Ask this hub to cosign a head of a ledger in `witness.watched` or of a neighbour."),

    // Whoever was shown a receipt.
    route(GET, "/verify", Operation::Verifier, "A page that verifies receipts and capsules in a browser, without a network."),

    // Systems that speak the native API.
    route(POST, "/api/v1/envelopes", native(AgencyOperation::Submit), "Send a packet; the body is the packet, the answer its receipt."),
    route(POST, "/api/v1/envelopes:check", native(AgencyOperation::Check), "Tell what would become of a packet; nothing is stored."),
    route(GET, "/api/v1/envelopes/{id}", native(AgencyOperation::Envelope), "Look at one envelope: deliveries, statuses, lineage."),
    route(GET, "/api/v1/envelopes/{id}/timeline", native(AgencyOperation::Timeline), "Tell all that happened to a document, oldest first (`after`, `limit`)."),
    route(GET, "/api/v1/envelopes/{id}/lineage", native(AgencyOperation::Lineage), "Tell which documents belong to a document, both ways (`after`, `limit`)."),
    route(GET, "/api/v1/receipts/{id}", receipt(ReceiptOperation::Look), "What a signed receipt says: of a piece of evidence, or that an envelope was accepted."),
    route(GET, "/api/v1/receipts/{id}/signed", receipt(ReceiptOperation::Signed), "The same signed, as XML: `xmlsec1` and `docaxis verify` verify it."),
    route(GET, "/api/v1/deliveries/{id}/capsule", receipt(ReceiptOperation::Capsule), "All that proves what became of a delivery, in one file for `docaxis verify`."),
    route(GET, "/api/v1/certificates", receipt(ReceiptOperation::Certificates), "The certificates under which receipts are and were signed."),
    route(GET, "/api/v1/statements", statement(StatementOperation::List), "List daily statements of pairs with an agency of the caller (`day`, `after`, `limit`)."),
    route(GET, "/api/v1/statements/{id}", statement(StatementOperation::Look), "What one agency sent to another on a day: the list, its signed receipt and the proof, in one file for `docaxis verify`."),
    route(POST, "/api/v1/reconciliations", statement(StatementOperation::Reconcile), "Compare the caller's own list of a closed day, CSV or JSON, with what the hub sealed (`agency`, `day`, `direction`)."),
    route(GET, "/api/v1/reconciliations/{id}", statement(StatementOperation::Reconciliation), "What came of it: the differences, the signed receipt and the proof, in one file for `docaxis verify`."),
    route(GET, "/api/v1/evidence/{id}/proof", ledger(LedgerOperation::Proof), "A piece of evidence with the proof that it stands in the ledger."),
    route(GET, "/api/v1/ledger", ledger(LedgerOperation::View), "How the ledger stands, and the key of its heads."),
    route(GET, "/api/v1/ledger/consistency", ledger(LedgerOperation::Consistency), "The proof that the ledger of one size grew to that of another (`from`, `to`)."),
    route(GET, "/api/v1/sent", native(AgencyOperation::Sent), "List what was sent, newest first (`kind`, `from`, `until`, `id`, `skip`, `limit`)."),
    route(GET, "/api/v1/mailbox", native(AgencyOperation::Mailbox), "List what waits, oldest first (`kind`, `after`, `limit`, `wait`; `If-None-Match`)."),
    route(GET, "/api/v1/deliveries/{id}/content", native(AgencyOperation::Fetch), "Fetch a packet, the bytes as they were sent."),
    route(POST, "/api/v1/deliveries/{id}/confirm", native(AgencyOperation::Confirm), "Say how far the receiving software is: `{\"status\":\"done\",\"note\":\"\"}`."),
    route(GET, "/api/v1/agencies", native(AgencyOperation::Agencies), "List agencies by code (`after`, `limit`), or what changed after a version of the directory (`since`, `limit`; `If-None-Match`)."),
    route(GET, "/api/v1/agencies/{code}", native(AgencyOperation::Agency), "Look up an agency by code or alias."),

    // A system that wants to be told what happens to its documents.
    route(GET, "/api/v1/webhook", webhook(WebhookOperation::Show), "Look at the caller's webhook and how it is doing."),
    route(PUT, "/api/v1/webhook", webhook(WebhookOperation::Put), "Say where the caller is told what happens to its documents, and of what: `{\"url\":\"https://…\",\"events\":[]}`; the secret of the signatures is shown this once."),
    route(DELETE, "/api/v1/webhook", webhook(WebhookOperation::Remove), "Tell the caller no more; what waits is thrown away."),
    route(POST, "/api/v1/webhook/rotate", webhook(WebhookOperation::Rotate), "Give the webhook a new secret; the old one signs beside it for a while."),
    route(POST, "/api/v1/webhook/test", webhook(WebhookOperation::Test), "Send the webhook an event to be tried with."),
    route(POST, "/api/v1/webhook/replay", webhook(WebhookOperation::Replay), "Tell again what happened since a time: `{\"from\":\"2026-11-20T08:00:00+07:00\"}`."),
    route(GET, "/api/v1/webhook/given-up", webhook(WebhookOperation::GivenUp), "List events that were given up (`after`, `limit`)."),

    // A neighbouring hub: it sends packets as systems do, with the headers of docs/relay.md.
    route(POST, "/api/v1/relay/events", native(AgencyOperation::Hear), "Tell what happened to a delivery that the called hub had passed on; for systems with the role hub."),

    // A system that proves how it behaves.
    route(POST, "/api/v1/selftest", selftest(SelftestOperation::Start), "Begin a self-test of an agency: `{\"agency\":\"X99.B02\",\"cases\":[]}`."),
    route(GET, "/api/v1/selftest/key", selftest(SelftestOperation::Key), "The public key under which certificates hold."),
    route(GET, "/api/v1/selftest/{run}", selftest(SelftestOperation::Look), "How each case of a run stands."),
    route(GET, "/api/v1/selftest/{run}/sheet", selftest(SelftestOperation::Sheet), "The same as a page to print."),
    route(GET, "/api/v1/selftest/{run}/certificate", selftest(SelftestOperation::Certificate), "The signed certificate of a passed run."),
    route(POST, "/api/v1/selftest/{run}/finish", selftest(SelftestOperation::Finish), "End a run: what still waits has failed."),
    // Systems of administration.
    route(POST, "/api/v1/admin/archives", archive(ArchiveOperation::Ask), "Ask for an archive: `{\"agency\":\"X99.A01\",\"from\":\"2026-11-01\",\"until\":\"2026-11-30\",\"packets\":true}`."),
    route(GET, "/api/v1/admin/archives", archive(ArchiveOperation::List), "List archives, the newest first (`after`, `limit`)."),
    route(GET, "/api/v1/admin/archives/{id}", archive(ArchiveOperation::Look), "Look at an archive and how far it is."),
    route(GET, "/api/v1/admin/archives/{id}/content", archive(ArchiveOperation::Fetch), "Fetch an archive; that it was fetched is evidence."),
    route(GET, "/api/v1/admin/purges", admin(AdminOperation::Purge(PurgeOperation::List)), "List the newest purges: contents that people proposed to destroy."),
    route(GET, "/api/v1/admin/purges/{id}", admin(AdminOperation::Purge(PurgeOperation::Look)), "Look at a purge, and how far it is."),
    route(GET, "/api/v1/admin/purges/{id}/certificate", admin(AdminOperation::Purge(PurgeOperation::Certificate)), "The certificate of destruction, in one file for `docaxis verify`."),
    route(GET, "/api/v1/admin/holds", admin(AdminOperation::Purge(PurgeOperation::Holds)), "List legal holds: those in force, then those that were lifted, page by page (`after`, `limit`)."),
    route(POST, "/api/v1/admin/holds", admin(AdminOperation::Purge(PurgeOperation::Place)), "Place a legal hold: `{\"agency\":\"X99.A01\",\"reason\":\"…\"}`."),
    route(POST, "/api/v1/admin/holds/{id}/lift", admin(AdminOperation::Purge(PurgeOperation::Lift)), "Lift a legal hold: `{\"reason\":\"…\"}`."),
    route(GET, "/api/v1/admin/directory", admin(AdminOperation::Export), "Every agency as a file that can be imported (`format`: `json` or `csv`)."),
    route(POST, "/api/v1/admin/directory", admin(AdminOperation::Import), "Import a file of agencies, CSV or JSON: everything or nothing (`dry_run`)."),
    route(GET, "/api/v1/admin/agencies/{code}", admin(AdminOperation::Agency), "Look at an agency, with the systems that hold it."),
    route(PUT, "/api/v1/admin/agencies/{code}", admin(AdminOperation::PutAgency), "Register an agency or change what is said of it."),
    route(POST, "/api/v1/admin/agencies/{code}/close", admin(AdminOperation::CloseAgency), "Close an agency: `{\"successor\":\"CODE\"}`."),
    route(GET, "/api/v1/admin/systems", admin(AdminOperation::Systems), "List systems with what they hold and their keys."),
    route(GET, "/api/v1/admin/systems/{id}", admin(AdminOperation::System), "Look at a system."),
    route(PUT, "/api/v1/admin/systems/{id}", admin(AdminOperation::PutSystem), "Make a system or name it anew: `{\"name\":\"\",\"role\":\"exchange\",\"agencies\":[]}`."),
    route(POST, "/api/v1/admin/systems/{id}/suspend", admin(AdminOperation::Suspend), "Let none of a system's keys open anything."),
    route(POST, "/api/v1/admin/systems/{id}/resume", admin(AdminOperation::Resume), "Let a suspended system go on."),
    route(PUT, "/api/v1/admin/systems/{id}/agencies/{code}", admin(AdminOperation::Hold), "Let a system hold an agency."),
    route(DELETE, "/api/v1/admin/systems/{id}/agencies/{code}", admin(AdminOperation::Release), "Let a system hold an agency no more."),
    route(PUT, "/api/v1/admin/systems/{id}/addresses", admin(AdminOperation::Addresses), "Say from where a system may call: `{\"addresses\":[\"10.1.0.0/16\"]}`; none means from everywhere."),
    route(GET, "/api/v1/admin/systems/{id}/webhook", webhook_of_system(WebhookOperation::Show), "Look at a system's webhook and how it is doing."),
    route(PUT, "/api/v1/admin/systems/{id}/webhook", webhook_of_system(WebhookOperation::Put), "Say where a system is told what happens to its documents, and of what; the secret of the signatures is shown this once."),
    route(DELETE, "/api/v1/admin/systems/{id}/webhook", webhook_of_system(WebhookOperation::Remove), "Tell a system no more; what waits is thrown away."),
    route(POST, "/api/v1/admin/systems/{id}/webhook/rotate", webhook_of_system(WebhookOperation::Rotate), "Give a webhook a new secret; the old one signs beside it for a while."),
    route(POST, "/api/v1/admin/systems/{id}/webhook/test", webhook_of_system(WebhookOperation::Test), "Send a webhook an event to be tried with."),
    route(POST, "/api/v1/admin/systems/{id}/webhook/replay", webhook_of_system(WebhookOperation::Replay), "Tell again what happened since a time."),
    route(GET, "/api/v1/admin/systems/{id}/webhook/given-up", webhook_of_system(WebhookOperation::GivenUp), "List events that were given up (`after`, `limit`)."),
    route(GET, "/api/v1/admin/systems/{id}/keys", admin(AdminOperation::Keys), "List the keys of a system, without their secrets."),
    route(POST, "/api/v1/admin/systems/{id}/keys", admin(AdminOperation::AddKey), "Make a key; its secret is shown this once: `{\"life_days\":365}`."),
    route(POST, "/api/v1/admin/keys/{id}/revoke", admin(AdminOperation::RevokeKey), "End a key at once."),
    route(GET, "/api/v1/admin/endpoints", push(PushOperation::Endpoints), "List endpoints and how they are doing."),
    route(PUT, "/api/v1/admin/endpoints/{code}", push(PushOperation::PutEndpoint), "Say where an agency is pushed to: `{\"url\":\"https://…\"}`; the secret of the signatures is shown this once."),
    route(DELETE, "/api/v1/admin/endpoints/{code}", push(PushOperation::RemoveEndpoint), "Push to an agency no more: it picks up."),
    route(POST, "/api/v1/admin/endpoints/{code}/pause", push(PushOperation::Pause), "Push nothing for now; what waits is kept: `{\"reason\":\"\"}`."),
    route(POST, "/api/v1/admin/endpoints/{code}/resume", push(PushOperation::Resume), "Push again, at once; failures are forgotten."),
    route(GET, "/api/v1/admin/agencies/{code}/waiting", push(PushOperation::Waiting), "What waits to be pushed to an agency (`limit`)."),
    route(GET, "/api/v1/admin/agencies/{code}/failed", push(PushOperation::Failed), "What has failed for an agency, with what starting it anew would do (`from`, `until`, `after`, `limit`)."),
    route(POST, "/api/v1/admin/agencies/{code}/failed/start", push(PushOperation::StartAnew), "Start failed deliveries anew: `{\"from\":\"\",\"per_minute\":600}`."),
    route(POST, "/api/v1/admin/deliveries/{id}/now", push(PushOperation::Now), "Try a waiting delivery now."),
    route(POST, "/api/v1/admin/deliveries/{id}/hold", push(PushOperation::Hold), "Hold a waiting delivery; its term goes on."),
    route(POST, "/api/v1/admin/deliveries/{id}/release", push(PushOperation::Release), "Let a held delivery go on, at once."),

    route(PUT, "/api/v1/admin/neighbours/{id}", relay(RelayOperation::PutNeighbour), "Say where a neighbouring hub is reached and by which key: `{\"url\":\"https://…\",\"key\":\"KEY.SECRET\"}`."),
    route(DELETE, "/api/v1/admin/neighbours/{id}", relay(RelayOperation::RemoveNeighbour), "Pass nothing on to a neighbouring hub any more."),
    route(GET, "/api/v1/admin/routes", relay(RelayOperation::Routes), "List which agencies are behind which neighbouring hub."),
    route(PUT, "/api/v1/admin/routes/{prefix}", relay(RelayOperation::PutRoute), "Let an organ id with all below it, or `*`, lead to a neighbouring hub: `{\"neighbour\":\"NAME\"}`."),
    route(DELETE, "/api/v1/admin/routes/{prefix}", relay(RelayOperation::RemoveRoute), "Remove a route."),

    // Systems with the vendor SDK.
    route(POST, "/sendEdoc", sdk(SdkOperation::Send), "Send a document or status packet."),
    route(POST, "/getReceivedEdocList", sdk(SdkOperation::ReceivedList), "List what waits."),
    route(POST, "/getSentEdocList", sdk(SdkOperation::SentList), "List what was sent, one row per receiver."),
    route(POST, "/getEdoc", sdk(SdkOperation::Get), "Fetch a packet as base64."),
    route(GET, "/downloadEdoc", sdk(SdkOperation::Download), "Fetch a packet as it is; every refusal has an empty body."),
    route(POST, "/updateStatus", sdk(SdkOperation::UpdateStatus), "Say how far the receiving software is."),
    route(POST, "/getAgenciesList", sdk_list(AgencyForm::List), "Every agency that is not closed."),
    route(POST, "/getAgenciesListQD20", sdk_list(AgencyForm::Qd20), "The same with codes of Decision 20/2020 and before."),
    route(POST, "/getSynchronizeUnit", sdk_list(AgencyForm::Synchronize), "Every agency with its version, closed ones included."),
    route(POST, "/registerAgency", sdk(SdkOperation::RegisterAgency), "Register or change an agency."),
    route(POST, "/deleteAgency", sdk(SdkOperation::DeleteAgency), "Close an agency."),
    route(EITHER, "/countReceiveEdoc", sdk(SdkOperation::CountDocuments), "How many documents wait."),
    route(EITHER, "/countReceiveStatus", sdk(SdkOperation::CountStatuses), "How many status packets wait."),

    // People with a browser.
    route(GET, "/portal", page(PortalOperation::Home), "Lead to the transfer log."),
    route(GET, "/portal/assets/{version}/{file}", page(PortalOperation::Asset), "A file that pages need."),
    route(GET, "/portal/language/{language}", page(PortalOperation::Language), "Change the language: `vi` or `en` (`next`)."),
    route(GET, "/portal/sign-in", page(PortalOperation::SignInPage), "Ask who it is (`next`)."),
    route(POST, "/portal/sign-in", page(PortalOperation::SignIn), "Let somebody in."),
    route(GET, "/portal/sign-in/{provider}", page(PortalOperation::ToProvider), "Lead to an identity provider (`next`)."),
    route(GET, "/portal/sign-in/{provider}/back", page(PortalOperation::FromProvider), "Look after whom an identity provider sends back (`state`, `code`)."),
    route(POST, "/portal/sign-out", page(PortalOperation::SignOut), "End the session."),
    route(GET, "/portal/log", page(PortalOperation::Log), "The transfer log of an agency (`direction`, `agency`, `from`, `until`, `state`, `urgency`, `type`, `business`, `status`, `overdue`, `after`)."),
    route(GET, "/portal/log/export", page(PortalOperation::Export), "The same as a table for spreadsheets (`form`: `xlsx`, `csv` or `csv-comma`)."),
    route(POST, "/portal/log/views", page(PortalOperation::Views), "Keep a view of the log under a name, or forget it (`name`, `asks`, `forget`)."),
    route(GET, "/portal/log/news", page(PortalOperation::News), "How many documents are new in it (`since`)."),
    route(GET, "/portal/search", page(PortalOperation::Search), "Find documents by number and notation or by words (`q`, `before`)."),
    route(GET, "/portal/documents/{id}", page(PortalOperation::Document), "One document: who has it, what happened to it."),
    route(GET, "/portal/documents/{id}/attachments/{number}", page(PortalOperation::Attachment), "An attachment, as a file."),
    route(GET, "/portal/documents/{id}/packet", page(PortalOperation::Packet), "The packet as it came, as a file."),
    route(GET, "/portal/documents/{id}/slip", page(PortalOperation::Slip), "The document on one sheet of paper."),
    route(GET, "/portal/documents/{id}/recall", page(PortalOperation::Prospect), "What would become of a document that is taken back."),
    route(POST, "/portal/documents/{id}/recall", page(PortalOperation::TakeBack), "Take a document back from recipients (`to`, `reason`)."),
    route(GET, "/portal/agencies", page(PortalOperation::Agencies), "The directory (`name`, `after`)."),
    route(GET, "/portal/agencies/{code}", page(PortalOperation::Agency), "One agency, and whether it can receive."),
    route(POST, "/portal/agencies", office(OfficeOperation::PutAgency), "Look at what a change of an agency means (`step`: `look`), or carry it out (`confirm`): its columns as in files, or `successor` and `day` where `form` is `close`; for administrators."),
    route(GET, "/portal/new-agency", office(OfficeOperation::NewAgency), "A form for a new agency."),
    route(GET, "/portal/agencies/{id}/change", office(OfficeOperation::ChangeAgency), "A form to change an agency."),
    route(GET, "/portal/agencies/{id}/close", office(OfficeOperation::CloseAgency), "A form to close an agency or merge it into another, from a day on."),
    route(POST, "/portal/agencies/{id}/endpoint", office(OfficeOperation::Endpoint), "Propose where an agency is pushed to, with a new secret (`url`, `confirms_itself`, `ed25519`, `reason`), or push to it no more (`step`: `remove`)."),
    route(GET, "/portal/systems", office(OfficeOperation::Systems), "Systems and their keys (`name`, `after`); for operators and administrators."),
    route(POST, "/portal/systems", office(OfficeOperation::RegisterSystem), "Register a system (`system`, `name`, `role`); for administrators."),
    route(GET, "/portal/systems/{id}", office(OfficeOperation::System), "One system: agencies, keys, addresses, endpoint."),
    route(POST, "/portal/systems/{id}", office(OfficeOperation::DirectSystem), "Rename, suspend or resume a system, release an agency, revoke a key, or ask for a key, an agency or addresses (`step`, `name`, `agency`, `key`, `life_days`, `addresses`, `reason`)."),
    route(GET, "/portal/grants", office(OfficeOperation::Grants), "What one administrator proposed to give and another decides on."),
    route(GET, "/portal/grants/{id}", office(OfficeOperation::Grant), "One of them."),
    route(POST, "/portal/grants/{id}", office(OfficeOperation::DirectGrant), "Approve, refuse or take back a grant, or take its secret (`step`: `approve`, `refuse`, `stop`, `take`); a secret is shown in the answer, this once."),
    route(GET, "/portal/statistics", page(PortalOperation::Statistics), "The numbers of a time, of one's own agencies or of all (`agency`, `period`: `1`, `7`, `30` days or a month `yyyy-MM`)."),
    route(GET, "/portal/statistics/export", page(PortalOperation::StatisticsExport), "The same as a table for spreadsheets (`form`)."),
    route(GET, "/portal/open-data/{file}", page(PortalOperation::OpenData), "The numbers of a frozen month by block of agencies, `yyyy-MM.json` or `yyyy-MM.csv`, where `statistics.open_data` allows it."),
    route(GET, "/portal/receipts/{id}", page(PortalOperation::Receipt), "The signed receipt of a piece of evidence or, of an envelope, that it was accepted."),
    route(GET, "/portal/capsules/{id}", page(PortalOperation::Capsule), "The capsule of a delivery."),
    route(GET, "/portal/accounts", page(PortalOperation::Accounts), "The accounts, to be reviewed; for administrators."),
    route(GET, "/portal/account", page(PortalOperation::Account), "What people change of themselves."),
    route(POST, "/portal/account/password", page(PortalOperation::Password), "Change the password."),
    route(POST, "/portal/account/second-factor", page(PortalOperation::SecondFactor), "Set up a second factor."),
    route(POST, "/portal/account/providers", page(PortalOperation::Link), "Say who one is for an identity provider, or forget it (`provider`, `step`)."),
    route(POST, "/portal/account/sessions", page(PortalOperation::EndSessions), "End the other sessions."),
    route(GET, "/portal/room", desk(DeskOperation::Room), "Whether the hub is well, at a glance; for operators and administrators."),
    route(GET, "/portal/incidents", desk(DeskOperation::Incidents), "What is wrong with the hub and what was, since when and until when (`kind`, `after`); for operators and administrators."),
    route(GET, "/portal/incidents/export", desk(DeskOperation::IncidentsTable), "The same as a table (`form`: `xlsx` or `csv`)."),
    route(GET, "/portal/bulletins", desk(DeskOperation::Bulletins), "What agencies are told in the portal."),
    route(POST, "/portal/bulletins", desk(DeskOperation::ChangeBulletins), "Tell agencies something for a time (`text`, `from`, `until`, `agencies`), or take it back (`withdraw`)."),
    route(GET, "/portal/warrants", audit(AuditOperation::Warrants), "Warrants of auditors; for administrators."),
    route(POST, "/portal/warrants", audit(AuditOperation::ChangeWarrants), "Issue a warrant (`login`, `number`, `decided_on`, `purpose`, `agencies`, `every_agency`, `content`, `documents_from`, `documents_until`, `from`, `until`), or revoke one (`revoke`)."),
    route(GET, "/portal/audit", audit(AuditOperation::Room), "The auditor's room: what the warrant says, samples, verification; for auditors."),
    route(POST, "/portal/audit/samples", audit(AuditOperation::Draw), "Have a random sample drawn (`size`, `seed`)."),
    route(GET, "/portal/audit/samples/{id}", audit(AuditOperation::Sample), "A sample and its documents (`after`)."),
    route(POST, "/portal/audit/samples/{id}", audit(AuditOperation::DirectSample), "Note something of a document of a sample (`number`, `note`), or ask for an archive of it (`step`: `export`)."),
    route(GET, "/portal/audit/samples/{id}/archive", audit(AuditOperation::SampleArchive), "The archive of a sample, once it is made."),
    route(POST, "/portal/audit/verify", audit(AuditOperation::Verify), "Verify a receipt, capsule, statement or archive that is handed in as a file."),
    route(GET, "/portal/audit/accesses", audit(AuditOperation::Accesses), "Who looked at what (`agency`, `login`, `act`, `from`, `until`, `after`)."),
    route(GET, "/portal/audit/accesses/export", audit(AuditOperation::AccessesExport), "The same as a table for spreadsheets (`form`: `xlsx`, `csv` or `csv-comma`)."),
    route(GET, "/portal/audit/statements", audit(AuditOperation::Statements), "Daily statements of pairs with an agency of the warrant (`after`)."),
    route(GET, "/portal/audit/statements/{id}", audit(AuditOperation::Statement), "A daily statement with all that proves it, as a file."),
    route(GET, "/portal/stuck", desk(DeskOperation::Stuck), "What has failed and what waits, by recipient; for operators and administrators."),
    route(GET, "/portal/recipients/{id}", desk(DeskOperation::Recipient), "How a recipient is doing."),
    route(POST, "/portal/recipients/{id}", desk(DeskOperation::DirectRecipient), "Pause or resume a recipient; hurry, hold or release what waits for it (`step`, `push`, `reason`)."),
    route(GET, "/portal/redrives", desk(DeskOperation::Redrives), "What was started anew, by whom, and how far it is."),
    route(POST, "/portal/redrives", desk(DeskOperation::Propose), "Start a group of failed deliveries anew, or propose it (`agency`, `cause`, `per_minute`, `reason`)."),
    route(GET, "/portal/redrives/new", desk(DeskOperation::Preview), "What starting a group of failed deliveries anew would do (`agency`, `cause`)."),
    route(GET, "/portal/redrives/{id}", desk(DeskOperation::Redrive), "How far a re-drive is and what came of it."),
    route(POST, "/portal/redrives/{id}", desk(DeskOperation::DirectRedrive), "Approve, refuse, pause, resume or stop a re-drive (`step`)."),
    route(GET, "/portal/purges", desk(DeskOperation::Purges), "Contents that were destroyed or are to be; for operators and administrators."),
    route(POST, "/portal/purges", desk(DeskOperation::ProposePurge), "Propose to destroy contents (`agency`, `document`, `from`, `until`, `after`, `reason`)."),
    route(GET, "/portal/purges/new", desk(DeskOperation::PreviewPurge), "Which contents may be destroyed, and which are kept and why."),
    route(GET, "/portal/purges/{id}", desk(DeskOperation::Purge), "How far a purge is and what came of it."),
    route(POST, "/portal/purges/{id}", desk(DeskOperation::DirectPurge), "Approve, refuse, pause, resume or stop a purge (`step`)."),
    route(GET, "/portal/purges/{id}/certificate", desk(DeskOperation::Certificate), "The certificate of destruction, as a file."),
    route(GET, "/portal/holds", desk(DeskOperation::Holds), "Legal holds."),
    route(POST, "/portal/holds", desk(DeskOperation::ChangeHolds), "Place a legal hold (`agency`, `document`, `from`, `until`, `reason`), or lift it (`lift`, `reason`)."),
];

/// The route table as Markdown, for docs/api.md.
pub fn route_list() -> String {
    let mut list = String::from("| Method | Path | Who may call | What it does |\n|---|---|---|---|\n");
    for route in ROUTES {
        let methods: Vec<&str> = route.methods.iter().map(|m| m.name()).collect();
        let (methods, who) = (methods.join(", "), route.operation.caller());
        list.push_str(&format!("| {methods} | `{}` | {who} | {} |\n", route.path, route.about));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// A part's name and what writes it.
    type Part = (&'static str, fn() -> String);

    const WRITTEN: [Part; 3] = [
        ("routes", route_list),
        ("problems", problem::problem_list),
        ("entry faults", crate::domain::directory::fault::faults_markdown),
    ];

    /// The document with the part between `<!-- name: … -->` and `<!-- end of name -->` written anew.
    fn with_part(text: &str, name: &str, part: &str) -> String {
        let begin = format!("<!-- {name}: written by `DOCAXIS_WRITE_DOCS=1 cargo test` -->\n");
        let end = format!("<!-- end of {name} -->");
        let (before, rest) = text.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        format!("{before}{begin}{part}{end}{after}")
    }

    #[test]
    fn the_lists_in_the_api_document_are_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/api.md");
        let text = std::fs::read_to_string(&file).unwrap();

        let current = WRITTEN.iter().fold(text, |text, (name, part)| with_part(&text, name, &part()));

        if std::env::var_os("DOCAXIS_WRITE_DOCS").is_some() {
            std::fs::write(&file, &current).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), current, "run with DOCAXIS_WRITE_DOCS=1");
    }

    #[test]
    fn no_method_of_a_path_has_two_routes() {
        for (number, one) in ROUTES.iter().enumerate() {
            for other in ROUTES.iter().skip(number + 1).filter(|other| other.path == one.path) {
                assert!(one.methods.iter().all(|m| !other.methods.contains(m)), "{}", one.path);
            }
        }
    }
}
