//! The self-test over the native API: begin a run, look at it, its sheet, its certificate. What a run is and does is
//! in `exchange::selftest`; the page is in `selftest_sheet`.

use super::agency_answers::time;
use super::gate::Call;
use super::problem::{self, Problem};
use super::selftest_sheet;
use super::sentence::Sentence;
use crate::domain::selftest::{self as cases, Both, Judgement, PARTNER};
use crate::exchange::Caller;
use crate::exchange::selftest::{self, CaseLine, RunView};
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
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

#[derive(Debug, Serialize)]
struct KeyBody {
    algorithm: &'static str,
    public_key: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    agency: String,
    #[serde(default)]
    cases: Vec<String>,
}

async fn start(call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let asked = call.body.whole().await?;
    let wanted: Wanted = serde_json::from_slice(&asked)
        .map_err(|e| Problem::Malformed(Sentence::new(format!("JSON: {e}"), format!("JSON: {e}"))))?;
    if wanted.agency.contains('\0') {
        return Err(problem::nul());
    }
    let view = selftest::start(&call.node.hub, caller, &wanted.agency, &wanted.cases).await?;
    let location = format!("/api/v1/selftest/{}", view.run_id);
    Ok(problem::created().insert_header((LOCATION, location)).json(body(&view)))
}

#[derive(Debug, Serialize)]
struct RunBody<'a> {
    run_id: &'a str,
    state: &'static str,
    system: &'a str,
    agency: &'a str,
    partner: &'static str,
    case_set: &'a str,
    started_at: String,
    ends_at: String,
    finished_at: Option<String>,
    passed: usize,
    failed: usize,
    waiting: usize,
    certified: bool,
    cases: Vec<CaseBody<'a>>,
}

#[derive(Debug, Serialize)]
struct CaseBody<'a> {
    code: &'a str,
    mandatory: bool,
    verdict: &'static str,
    title: Option<Sentence>,
    task: Option<Sentence>,
    mark: String,
    expects: Option<Sentence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Sentence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<Sentence>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    refused: &'a [String],
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
        cases: view.lines.iter().map(|line| case_body(view, line)).collect(),
    }
}

fn case_body<'a>(view: &RunView, line: &'a CaseLine) -> CaseBody<'a> {
    let case = cases::find(&line.code);
    let reason = match &line.judgement {
        Judgement::Failed(why) => Some(Sentence::new(&why.vi, &why.en)),
        Judgement::Passed | Judgement::Waiting => None,
    };
    CaseBody {
        code: &line.code,
        mandatory: case.is_some_and(|case| case.mandatory),
        verdict: line.word(),
        title: case.map(|case| both(case.title)),
        task: case.map(|case| {
            let (vi, en) = case.task_in(&view.names);
            Sentence::new(vi, en)
        }),
        mark: view.names.mark(&line.code),
        expects: case.map(|case| both(case.expects)),
        remedy: case.filter(|_| reason.is_some()).map(|case| both(case.remedy)),
        reason,
        refused: &line.refused,
        judged_at: time(line.judged_at),
    }
}
