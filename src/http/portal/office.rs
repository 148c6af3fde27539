//! Agencies, systems and keys as administrators look after them; each screen is a file in `office/`. Not here: who may and what it
//! does (`exchange::office`, `exchange::grants`), the directory as everybody reads it (`agencies`).

mod agency;
mod grants;
mod systems;

use super::super::problem::Problem;
use super::Page;
use super::fields::Fields;
use super::words::Tag;
use crate::domain::grant::Gift;
use crate::domain::undertaking::UndertakingState;
use crate::exchange::ExchangeError;
use crate::exchange::grants::{Asked, GrantLine};
use crate::exchange::sessions::Person;
use actix_web::HttpResponse;

/// The screens and what is done on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfficeOperation {
    /// A form for a new agency.
    NewAgency,
    /// A form to change one.
    ChangeAgency,
    /// A form to close one or merge it.
    CloseAgency,
    /// What such a form would change; carries it out.
    PutAgency,
    /// Proposes where an agency is pushed to, or ends that.
    Endpoint,
    /// Systems.
    Systems,
    /// Makes one.
    RegisterSystem,
    /// One system.
    System,
    /// Does something to it.
    DirectSystem,
    /// What was proposed to be given.
    Grants,
    /// One of it.
    Grant,
    /// Takes a step with it, or its secret.
    DirectGrant,
}

/// Answers one operation; `id` is what the path names.
///
/// # Errors
/// `NotFound` for whoever may not; those of the use cases.
pub(super) async fn answer(
    operation: OfficeOperation,
    page: &Page<'_>,
    (person, id): (&Person, &str),
    fields: &Fields,
) -> Result<HttpResponse, Problem> {
    // What is not for somebody is as if it were not there, whatever a form says.
    let is_shown = matches!(operation, OfficeOperation::Systems | OfficeOperation::System);
    if !is_shown && !person.role.makes_users() {
        return Err(ExchangeError::NotFound.into());
    }
    match operation {
        OfficeOperation::NewAgency => agency::new(page),
        OfficeOperation::ChangeAgency => agency::change(page, id).await,
        OfficeOperation::CloseAgency => agency::close(page, id).await,
        OfficeOperation::PutAgency => agency::put(page, person, fields).await,
        OfficeOperation::Endpoint => agency::endpoint(page, person, (id, fields)).await,
        OfficeOperation::Systems => systems::list(page, person, fields).await,
        OfficeOperation::RegisterSystem => systems::register(page, person, fields).await,
        OfficeOperation::System => systems::page(page, person, id).await,
        OfficeOperation::DirectSystem => systems::direct(page, person, (id, fields)).await,
        OfficeOperation::Grants => grants::list(page, person).await,
        OfficeOperation::Grant => grants::page(page, person, id).await,
        OfficeOperation::DirectGrant => grants::direct(page, person, (id, fields)).await,
    }
}

/// Where somebody is led who asked for something: to the proposal, or to where it shows.
fn after(asked: Asked, place: &str) -> HttpResponse {
    match asked {
        Asked::Given => super::see_other(place),
        Asked::Proposed(id) => super::see_other(&format!("/portal/grants/{id}")),
    }
}

/// Codes, addresses and the like that stand in one field.
fn parts(text: &str) -> Vec<String> {
    let parts = text.split(|sign: char| sign.is_whitespace() || ",;".contains(sign));
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// What is to be given, in words.
pub(super) fn gift_in_words(gift: &Gift, page: &Page<'_>) -> String {
    let what = gift.name();
    let what = page.say(&what);
    let particulars = match gift {
        Gift::Key { life_days: None, .. } => {
            format!("{} {}", page.hub.config.keys.life_days, page.t("ngày (mặc định)", "days (as configured)"))
        }
        Gift::Key { life_days: Some(0), .. } => page.t("không hết hạn", "without an end").to_owned(),
        Gift::Key { life_days: Some(days), .. } => format!("{days} {}", page.t("ngày", "days")),
        Gift::Addresses { addresses, .. } if addresses.is_empty() => {
            page.t("từ mọi địa chỉ", "from everywhere").to_owned()
        }
        Gift::Addresses { addresses, .. } => addresses.join(", "),
        Gift::Agency { agency, .. } => agency.clone(),
        Gift::Endpoint { url, confirms_itself, ed25519, .. } => {
            let confirms = if *confirms_itself { page.t(", tự xác nhận", ", confirms by itself") } else { "" };
            format!("{url}{confirms}{}", if *ed25519 { ", Ed25519" } else { "" })
        }
    };
    format!("{what}: {particulars}")
}

/// How a grant stands.
pub(super) fn standing(line: &GrantLine, page: &Page<'_>) -> Tag {
    if line.state == UndertakingState::Running {
        let text = page.t("Đã duyệt, chờ người đề xuất nhận bí mật", "Agreed; who proposed it takes the secret");
        return Tag { text: text.to_owned(), look: "waiting" };
    }
    super::desk::standing(line.state, page)
}
