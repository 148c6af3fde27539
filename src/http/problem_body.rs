//! How a failure is written: problem details for the native API, the SDK's members for the SDK. Which status and
//! which words it gets is decided in `problem.rs`.

use super::problem::{Kind, Problem};
use super::sdk_answers::{self, SdkShape};
use super::sentence::Sentence;
use crate::domain::directory::fault::Fault;
use crate::domain::rules::Violation;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, HttpResponseBuilder};
use schemars::JsonSchema;
use serde::Serialize;

/// A violation as both dialects show it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Violation")]
pub struct ViolationBody<'a> {
    /// The rule that was broken, see docs/codes.md.
    code: &'a str,
    /// Its class for old clients.
    class: u16,
    /// Where in the packet.
    place: &'a str,
    /// What is wrong.
    cause: Sentence,
    /// What to do.
    remedy: Sentence,
    /// Whether the same packet may pass later unchanged.
    retry: bool,
}

/// Violations as both dialects show them.
pub fn violation_bodies(violations: &[Violation]) -> Vec<ViolationBody<'_>> {
    let body = |v: &'_ Violation| (Sentence::new(&v.cause.vi, &v.cause.en), Sentence::new(&v.remedy.vi, &v.remedy.en));
    let bodies = violations.iter().map(|v| {
        let (cause, remedy) = body(v);
        ViolationBody { code: &v.code, class: v.class.number(), place: &v.place, cause, remedy, retry: v.retry }
    });
    bodies.collect()
}

/// A failure, as RFC 9457 has it, in both languages.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct ProblemBody<'a> {
    /// `urn:docaxis:problem:` and the code.
    r#type: String,
    /// The kind of failure in English.
    title: &'static str,
    /// The kind of failure in Vietnamese.
    title_vi: &'static str,
    /// The HTTP status.
    status: u16,
    /// The kind of failure, see docs/api.md.
    code: &'static str,
    /// Name it in enquiries.
    request_id: &'a str,
    /// What is particular about this failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The same in Vietnamese.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail_vi: Option<String>,
    /// The evidence of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::forms::id")]
    evidence_id: Option<&'a str>,
    /// Every fault of a refused packet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<ViolationBody<'a>>,
    /// Every fault of entries of the directory.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultBody<'a>>,
}

/// What is wrong with an entry of the directory.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EntryFault")]
struct FaultBody<'a> {
    /// The line of a CSV file, the number of a JSON element, 0 for all of it.
    row: usize,
    /// The column; empty for the whole row.
    column: &'a str,
    /// The kind of fault, see docs/api.md.
    code: &'static str,
    /// What is wrong.
    cause: Sentence,
    /// What to do.
    remedy: Sentence,
}

fn fault_body(fault: &Fault) -> FaultBody<'_> {
    FaultBody {
        row: fault.row,
        column: &fault.column,
        code: fault.code,
        cause: Sentence::new(&fault.cause.vi, &fault.cause.en),
        remedy: Sentence::new(&fault.remedy.vi, &fault.remedy.en),
    }
}

/// The failure as `application/problem+json`.
pub(super) fn native(problem: &Problem, kind: &Kind, request_id: &str) -> HttpResponse {
    let evidence_id = match problem {
        Problem::Rejected(rejection) => Some(rejection.evidence_id.as_str()),
        Problem::Exchange(_) | Problem::Malformed(_) | Problem::PathUnknown | Problem::MethodUnknown(_) => None,
        Problem::BodyTooLarge
        | Problem::HeadTooLarge
        | Problem::Overloaded
        | Problem::TooMany
        | Problem::NotGrown
        | Problem::Panicked(_) => None,
    };
    let (detail_vi, detail) = problem.detail().map(|detail| (detail.vi, detail.en)).unzip();
    let body = ProblemBody {
        r#type: format!("urn:docaxis:problem:{}", kind.code),
        title: kind.en,
        title_vi: kind.vi,
        status: kind.status.as_u16(),
        code: kind.code,
        request_id,
        detail,
        detail_vi,
        evidence_id,
        violations: violation_bodies(problem.violations()),
        faults: problem.faults().iter().map(fault_body).collect(),
    };
    let mut response = HttpResponseBuilder::new(kind.status);
    response.insert_header((CONTENT_TYPE, "application/problem+json"));
    response.body(serde_json::to_vec(&body).unwrap_or_default())
}

/// The failure with the members that the SDK expects.
pub(super) fn sdk(problem: &Problem, kind: &Kind, shape: SdkShape, request_id: &str) -> HttpResponse {
    let (code, description) = match problem.violations() {
        [first, rest @ ..] => (first.class.number().to_string(), violation_sentence(first, rest.len())),
        [] => (kind.class.to_owned(), sdk_sentence(problem, kind, request_id)),
    };
    let failure = sdk_answers::Failure {
        code: &code,
        description: &description,
        violations: violation_bodies(problem.violations()),
        request_id,
    };
    sdk_answers::json(HttpResponseBuilder::new(kind.sdk_status()), failure.body(shape))
}

/// What a clerk reads about a refused packet: the first reason, what to do, and how many more there are.
fn violation_sentence(first: &Violation, more: usize) -> String {
    let sentence = [first.cause.vi.trim(), first.remedy.vi.trim()].join(" ");
    match more {
        0 => sentence.trim().to_owned(),
        _ => format!("{} (và {more} lỗi khác)", sentence.trim()),
    }
}

fn sdk_sentence(problem: &Problem, kind: &Kind, request_id: &str) -> String {
    match problem.detail() {
        Some(detail) => format!("{}: {}", kind.vi, detail.vi),
        None if kind.status.is_server_error() => format!("{} [{request_id}]", kind.vi),
        None => kind.vi.to_owned(),
    }
}
