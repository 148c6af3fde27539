//! Problems as both dialects say them.

use super::list::KINDS;
use super::*;
use crate::domain::rules::Wording;
use crate::exchange::Denial;
use actix_web::body::MessageBody;
use chrono::DateTime;
use serde_json::Value;

const SENT: Dialect = Dialect::Sdk(SdkShape::Sent);

fn rejected(classes: &[Class]) -> Problem {
    let wording = |vi: &str| Wording { vi: vi.into(), en: "in English".into() };
    let violation = |class: &Class| Violation {
        code: "M.To".into(),
        class: *class,
        place: "MessageHeader/To".into(),
        cause: wording("Sai nơi nhận."),
        remedy: wording("Hãy kiểm tra mã."),
        retry: false,
    };
    Problem::Rejected(Rejection {
        evidence_id: "e1".into(),
        at: DateTime::UNIX_EPOCH,
        violations: classes.iter().map(violation).collect(),
    })
}

fn told(problem: &Problem, dialect: Dialect) -> (u16, Vec<u8>) {
    let response = answer(problem, dialect, "r1");
    let status = response.status().as_u16();
    (status, response.into_body().try_into_bytes().unwrap().to_vec())
}

fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

#[test]
fn a_refused_packet_is_an_answer_for_the_sdk_and_a_problem_otherwise() {
    let problem = rejected(&[Class::RecipientUnknown, Class::NotToStandard]);

    let (status, body) = told(&problem, SENT);

    assert_eq!(status, 200);
    assert!(body.is_ascii());
    let body = read(&body);
    assert_eq!((&body["status"], &body["ErrorCode"], &body["DocId"]), (&"FAIL".into(), &"18".into(), &"".into()));
    assert_eq!(body["ErrorDesc"], "Sai nơi nhận. Hãy kiểm tra mã. (và 1 lỗi khác)");
    let (status, body) = told(&problem, Dialect::Native);
    assert_eq!((status, read(&body)["violations"][0]["place"].clone()), (422, "MessageHeader/To".into()));
}

#[test]
fn the_gravest_class_of_a_refused_packet_gives_the_status() {
    assert_eq!(told(&rejected(&[Class::NotToStandard, Class::Conflict]), Dialect::Native).0, 409);
    assert_eq!(told(&rejected(&[Class::Conflict, Class::SenderNotRegistered]), Dialect::Native).0, 403);
}

#[test]
fn a_withdrawn_document_is_gone() {
    let gone = Problem::Exchange(ExchangeError::Refused(Refusal::Withdrawn));
    assert_eq!(told(&gone, Dialect::Native).0, 410);
    assert_eq!(told(&gone, Dialect::Sdk(SdkShape::Packet)).0, 200);
    assert_eq!(told(&gone, Dialect::Empty), (410, Vec::new()));
}

#[test]
fn an_accident_tells_outside_only_the_id_of_the_request() {
    let accident = Problem::Exchange(ExchangeError::Payload(std::io::Error::other("/secret/path")));
    for dialect in [Dialect::Native, SENT] {
        let (status, body) = told(&accident, dialect);
        let text = String::from_utf8(body).unwrap();
        assert_eq!(status, 500);
        assert!(text.contains("r1") && !text.contains("secret"), "{text}");
    }
    assert!(accident.accident().unwrap().contains("/secret/path"));
}

#[test]
fn a_busy_hub_says_when_to_come_again() {
    let response = answer(&Problem::Overloaded, SENT, "r1");
    assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), RETRY_AFTER_SECONDS);
    assert_eq!(response.status().as_u16(), 503);
}

#[test]
fn a_refused_download_has_no_body() {
    let refused = [
        Problem::Exchange(ExchangeError::Unauthenticated(Denial::Wrong, String::new())),
        Problem::Exchange(ExchangeError::NotFound),
        Problem::Malformed(Sentence::new("a", "b")),
        Problem::Overloaded,
        Problem::TooMany,
    ];
    for problem in refused {
        let (status, body) = told(&problem, Dialect::Empty);
        assert!(status >= 400 && body.is_empty(), "{problem:?}");
    }
}

#[test]
fn codes_are_unique() {
    for (number, kind) in KINDS.iter().enumerate() {
        assert!(KINDS.iter().skip(number + 1).all(|other| other.code != kind.code), "{}", kind.code);
    }
}
