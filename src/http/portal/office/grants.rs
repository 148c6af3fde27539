//! What one administrator proposed to give: the decision of another one, and the secret, shown once to who proposed it.

use super::super::super::problem::Problem;
use super::super::desk::{step_name, step_of};
use super::super::fields::{Fields, escaped};
use super::super::words::Tag;
use super::super::{Page, drawn, see_other};
use super::{gift_in_words, standing, systems};
use crate::domain::dates;
use crate::domain::grant::Gift;
use crate::domain::undertaking::{UndertakingState, UndertakingStep};
use crate::exchange::grants::{self, GrantLine, GrantView, Taken};
use crate::exchange::keys::KeyLine;
use crate::exchange::sessions::Person;
use crate::exchange::systems::SystemLine;
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;

#[derive(Template)]
#[template(path = "office/grants.html")]
struct ListPage<'a> {
    page: &'a Page<'a>,
    lines: Vec<GrantLine>,
}

#[derive(Template)]
#[template(path = "office/grant.html")]
struct GrantPage<'a> {
    page: &'a Page<'a>,
    view: GrantView,
}

#[derive(Template)]
#[template(path = "office/secret.html")]
struct SecretPage<'a> {
    page: &'a Page<'a>,
    /// Where it leads back to.
    place: String,
    taken: Taken,
}

fn place(gift: &Gift) -> String {
    let holder = escaped(gift.holder());
    match gift {
        Gift::Key { .. } | Gift::Addresses { .. } | Gift::Agency { .. } => format!("/portal/systems/{holder}"),
        Gift::Endpoint { .. } => format!("/portal/agencies/{holder}"),
    }
}

impl ListPage<'_> {
    fn proposed_at(&self, line: &GrantLine) -> String {
        dates::for_people(line.row.proposed_at())
    }

    fn gift(&self, line: &GrantLine) -> String {
        gift_in_words(&line.gift, self.page)
    }

    fn state(&self, line: &GrantLine) -> Tag {
        standing(line, self.page)
    }

    fn place(&self, line: &GrantLine) -> String {
        place(&line.gift)
    }
}

impl GrantPage<'_> {
    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn proposed_at(&self) -> String {
        dates::for_people(self.view.line.row.proposed_at())
    }

    fn expires_at(&self) -> String {
        dates::for_people(self.view.line.row.expires_at())
    }

    fn gift(&self) -> String {
        gift_in_words(&self.view.line.gift, self.page)
    }

    fn state(&self) -> Tag {
        standing(&self.view.line, self.page)
    }

    fn place(&self) -> String {
        place(&self.view.line.gift)
    }

    fn needs_other(&self) -> bool {
        self.view.line.state == UndertakingState::Proposed && !self.view.steps.contains(&UndertakingStep::Approve)
    }

    fn step(&self, step: &UndertakingStep) -> &'static str {
        step_name(*step, self.view.line.state, self.page)
    }

    fn role(&self, system: &SystemLine) -> &'static str {
        systems::role(system.role, self.page)
    }

    fn is_live(&self, key: &KeyLine) -> bool {
        key.is_live(self.page.now)
    }
}

impl SecretPage<'_> {
    /// What stands there: a name, and the text to be kept.
    fn lines(&self) -> Vec<(&'static str, String)> {
        let page = self.page;
        match &self.taken {
            Taken::Key(key) => {
                let secret = key.secret.expose_secret();
                vec![
                    (page.t("Mã khóa", "Key id"), key.key_id.clone()),
                    (page.t("Bí mật (SDK)", "Secret (SDK)"), secret.to_owned()),
                    (page.t("Thẻ bearer (API)", "Bearer token (API)"), format!("{}.{secret}", key.key_id)),
                    (
                        page.t("Hết hạn", "Ends"),
                        key.expires_at.map_or_else(|| page.t("không", "never").to_owned(), dates::for_people),
                    ),
                ]
            }
            Taken::Endpoint(proof) => {
                let (secret, public_key) = proof.parts();
                let secret = secret.map(|text| (page.t("Bí mật", "Secret"), text.to_owned()));
                let public_key = public_key.map(|text| (page.t("Khóa công khai", "Public key"), text.to_owned()));
                secret.into_iter().chain(public_key).collect()
            }
        }
    }
}

/// Draws the newest ones.
///
/// # Errors
/// `NotFound` for whoever is no administrator; `Store`.
pub(super) async fn list(page: &Page<'_>, person: &Person) -> Result<HttpResponse, Problem> {
    let lines = grants::list(page.hub, person).await?;
    drawn(&ListPage { page, lines })
}

/// Draws one.
///
/// # Errors
/// `NotFound`; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person, id: &str) -> Result<HttpResponse, Problem> {
    let view = grants::view(page.hub, person, id).await?;
    drawn(&GrantPage { page, view })
}

/// Takes a step with one, or its secret, which stands in the answer and nowhere else.
///
/// # Errors
/// `Malformed` for an unknown step; those of `grants::step` and `grants::take`.
pub(super) async fn direct(
    page: &Page<'_>,
    person: &Person,
    (id, fields): (&str, &Fields),
) -> Result<HttpResponse, Problem> {
    if fields.get("step") != "take" {
        grants::step(page.hub, person, id, step_of(fields)?).await?;
        return Ok(see_other(&format!("/portal/grants/{}", escaped(id))));
    }
    let place = place(&grants::view(page.hub, person, id).await?.line.gift);
    let taken = grants::take(page.hub, person, id).await?;
    drawn(&SecretPage { page, place, taken })
}
