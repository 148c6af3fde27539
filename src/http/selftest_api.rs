//! The self-test over the native API: begin a run, look at it, its sheet, its certificate. What a run is and does is
//! in `exchange::selftest`; the page is in `selftest_sheet`.

use super::agency_answers::time;
use super::gate::Call;
use super::problem::{self, Problem};
use super::selftest_sheet;
use super::sentence::Sentence;
use super::{forms, reading};
use crate::domain::selftest::{self as cases, Both, Judgement, PARTNER};
use crate::exchange::Caller;
use crate::exchange::selftest::{self, CaseLine, RunView};
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The operations of the self-test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelftestOperation {
    /// Begin a run.
    Start,
    /// Look at a run.
    Look,
    /// The same as a page to print.
    Sheet,
    /// The certificate of a passed run.
    Certificate,
    /// End a run.
    Finish,
    /// The public key under which certificates hold.
    Key,
}

/// Answers one operation.
///
/// # Errors
/// Whatever keeps it from being answered as asked.
pub async fn answer(operation: SelftestOperation, call: Call<'_>, caller: Caller) -> Result<HttpResponse, Problem> {
    let hub = &call.node.hub;
    let run_id = call.segment("run").to_owned();
    match operation {
        SelftestOperation::Start => start(call, &caller).await,
        SelftestOperation::Look => Ok(problem::ok().json(body(&selftest::view(hub, &caller, &run_id).await?))),
        SelftestOperation::Finish => Ok(problem::ok().json(body(&selftest::finish(hub, &caller, &run_id).await?))),
        SelftestOperation::Sheet => {
            let page = selftest_sheet::page(&selftest::view(hub, &caller, &run_id).await?);
            Ok(problem::ok().content_type("text/html; charset=utf-8").body(page))
        }
        SelftestOperation::Certificate => {
            let file = selftest::certificate(hub, &caller, &run_id).await?;
            Ok(problem::ok().content_type("application/json").body(file))
        }
        SelftestOperation::Key => {
            let key = selftest::certificate::public_key(hub);
            Ok(problem::ok().json(KeyBody { algorithm: selftest::certificate::ALGORITHM, public_key: key }))
        }
    }
}

/// What a run is begun with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StartQuestion {
    /// Code or alias of an agency that the caller holds.
    agency: String,
    /// Codes of cases; all when there are none.
    #[serde(default)]
    #[schemars(schema_with = "forms::cases")]
    cases: Vec<String>,
}

async fn start(call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let asked: StartQuestion = reading::json(&call.body.whole().await?)?;
    let view = selftest::start(&call.node.hub, caller, &asked.agency, &asked.cases).await?;
    let location = format!("/api/v1/selftest/{}", view.run_id);
    Ok(problem::created().insert_header((LOCATION, location)).json(body(&view)))
}

/// The key of certificates.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SelftestKey")]
pub struct KeyBody {
    /// `Ed25519`.
    algorithm: &'static str,
    /// 32 bytes in base64.
    public_key: String,
}

/// A run of the self-test.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SelftestRun")]
pub struct RunBody<'a> {
    /// Names the run.
    #[schemars(schema_with = "forms::id")]
    run_id: &'a str,
    /// `running` or `finished`.
    #[schemars(schema_with = "forms::run_state")]
    state: &'static str,
    /// The system that began it.
    system: &'a str,
    /// The tested agency.
    agency: &'a str,
    /// The agency that the hub plays: send to it.
    partner: &'static str,
    /// Version of the case set.
    case_set: &'a str,
    /// When it began.
    #[schemars(schema_with = "forms::time")]
    started_at: String,
    /// When it ends by itself.
    #[schemars(schema_with = "forms::time")]
    ends_at: String,
    /// When it was finished.
    #[schemars(schema_with = "forms::maybe_time")]
    finished_at: Option<String>,
    /// Cases that are passed.
    passed: usize,
    /// Cases that have failed.
    failed: usize,
    /// Cases that wait.
    waiting: usize,
    /// Whether there is a certificate.
    certified: bool,
    /// The cases, in the order of codes.
    cases: Vec<CaseBody<'a>>,
}

/// A case of a run.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SelftestCase")]
pub struct CaseBody<'a> {
    /// Two digits.
    code: &'a str,
    /// Whether a certificate needs it.
    mandatory: bool,
    /// `waiting`, `passed` or `failed`.
    #[schemars(schema_with = "forms::verdict")]
    verdict: &'static str,
    /// What it is about.
    title: Sentence,
    /// What to do.
    task: Sentence,
    /// What the subject of documents that are sent in it must carry.
    mark: String,
    /// What the hub must see.
    expects: Sentence,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Sentence>,
    /// What to look at when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<Sentence>,
    /// Codes of the packets that were refused in it.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    refused: &'a [String],
    /// When it was judged.
    #[schemars(schema_with = "forms::time")]
    judged_at: String,
}

fn both(text: Both) -> Sentence {
    Sentence::new(text.vi, text.en)
}

fn body(view: &RunView) -> RunBody<'_> {
    RunBody {
        run_id: &view.run_id,
        state: if view.finished_at.is_some() { "finished" } else { "running" },
        system: &view.system_id,
        agency: &view.agency,
        partner: PARTNER.code,
        case_set: &view.case_set,
        started_at: time(view.started_at),
        ends_at: time(view.ends_at),
        finished_at: view.finished_at.map(time),
        passed: view.count("passed"),
        failed: view.count("failed"),
        waiting: view.count("waiting"),
        certified: view.certificate.is_some(),
        cases: view.lines.iter().filter_map(|line| case_body(view, line)).collect(),
    }
}

/// A case that a later version dropped is told no more.
fn case_body<'a>(view: &RunView, line: &'a CaseLine) -> Option<CaseBody<'a>> {
    let case = cases::find(&line.code)?;
    let task = case.task_in(&view.names);
    let reason = match &line.judgement {
        Judgement::Failed(why) => Some(Sentence::new(&why.vi, &why.en)),
        Judgement::Passed | Judgement::Waiting => None,
    };
    Some(CaseBody {
        code: &line.code,
        mandatory: case.mandatory,
        verdict: line.word(),
        title: both(case.title),
        task: Sentence::new(task.0, task.1),
        mark: view.names.mark(&line.code),
        expects: both(case.expects),
        remedy: reason.as_ref().map(|_| both(case.remedy)),
        reason,
        refused: &line.refused,
        judged_at: time(line.judged_at),
    })
}
