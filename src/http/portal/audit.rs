//! The auditor's room (phòng kiểm tra) and the warrants under which auditors look. Each screen is a file in `audit/`. Not here:
//! who may see what (`exchange::warrants`), what it does (`exchange::samples`, `uploads`, `access`, `statements`).

mod accesses;
mod room;
mod sample;
mod statements;
mod verified;
mod warrants;

use super::super::body::Body;
use super::super::gate::Call;
use super::super::problem::Problem;
use super::Page;
use super::fields::Fields;
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;
use actix_web::http::header::HeaderMap;

/// The screens and what is done on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOperation {
    /// What the warrant says, and what can be done.
    Room,
    /// Has a sample drawn.
    Draw,
    /// A sample.
    Sample,
    /// Notes something of it, or asks for its archive.
    DirectSample,
    /// The archive of a sample.
    SampleArchive,
    /// Verifies a file.
    Verify,
    /// Who looked at what.
    Accesses,
    /// The same as a table for spreadsheets.
    AccessesExport,
    /// Daily statements.
    Statements,
    /// One of them.
    Statement,
    /// The warrants.
    Warrants,
    /// Issues one, or revokes it.
    ChangeWarrants,
}

/// Answers one operation.
///
/// # Errors
/// `NotFound` for whoever does not audit, or does not issue warrants; those of the use cases.
pub(super) async fn answer(
    operation: AuditOperation,
    call: &Call<'_>,
    page: &Page<'_>,
    (person, fields): (&Person, &Fields),
) -> Result<HttpResponse, Problem> {
    let id = call.segment("id");
    match operation {
        AuditOperation::Room => room::page(page, person).await,
        AuditOperation::Draw => sample::draw(page, person, fields).await,
        AuditOperation::Sample => sample::page(page, person, (id, fields)).await,
        AuditOperation::DirectSample => sample::direct(page, person, (id, fields)).await,
        AuditOperation::SampleArchive => sample::archive(call, page, person).await,
        AuditOperation::Accesses => accesses::page(page, person, fields).await,
        AuditOperation::AccessesExport => accesses::export(call, page, (person, fields)).await,
        AuditOperation::Statements => statements::page(page, person, fields).await,
        AuditOperation::Statement => statements::file(page, person, id).await,
        AuditOperation::Warrants => warrants::page(page, person).await,
        AuditOperation::ChangeWarrants => warrants::change(page, person, fields).await,
        // Its form is read in another way.
        AuditOperation::Verify => Err(Problem::PathUnknown),
    }
}

/// Verifies the file of a form.
///
/// # Errors
/// As `verified::page`.
pub(super) async fn verify(
    page: &Page<'_>,
    person: &Person,
    form: (&HeaderMap, &mut Body),
) -> Result<HttpResponse, Problem> {
    verified::page(page, person, form).await
}
