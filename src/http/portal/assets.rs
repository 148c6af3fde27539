//! Files that pages need, compiled into the program: nothing is fetched from elsewhere. Their addresses change with their
//! bytes, so that browsers may keep them for ever.

use super::super::gate::Call;
use super::super::problem::{self, Problem};
use crate::exchange::ExchangeError;
use crate::keyring::digest_of;
use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use std::sync::LazyLock;

struct Asset {
    name: &'static str,
    media: &'static str,
    bytes: &'static [u8],
}

const fn asset(name: &'static str, media: &'static str, bytes: &'static [u8]) -> Asset {
    Asset { name, media, bytes }
}

const ASSETS: &[Asset] = &[
    asset("portal.css", "text/css; charset=utf-8", include_bytes!("assets/portal.css")),
    asset("portal.js", "text/javascript; charset=utf-8", include_bytes!("assets/portal.js")),
    asset("latin-400.woff2", "font/woff2", include_bytes!("assets/be-vietnam-pro-latin-400-normal.woff2")),
    asset("latin-600.woff2", "font/woff2", include_bytes!("assets/be-vietnam-pro-latin-600-normal.woff2")),
    asset("vietnamese-400.woff2", "font/woff2", include_bytes!("assets/be-vietnam-pro-vietnamese-400-normal.woff2")),
    asset("vietnamese-600.woff2", "font/woff2", include_bytes!("assets/be-vietnam-pro-vietnamese-600-normal.woff2")),
];

/// The digest of all of them, for their addresses.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all: Vec<String> = ASSETS.iter().map(|asset| hex::encode(asset.bytes)).collect();
    hex::encode(digest_of("assets", &all.join(",")).get(..8).unwrap_or_default())
});

/// Where a page finds a file.
pub(super) fn address(name: &str) -> String {
    format!("/portal/assets/{}/{name}", *VERSION)
}

/// Answers with a file, whatever version was asked for.
///
/// # Errors
/// `NotFound`.
pub(super) fn answer(call: &Call<'_>) -> Result<HttpResponse, Problem> {
    let name = call.segment("file");
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(ExchangeError::NotFound)?;
    let is_current = call.segment("version") == *VERSION;
    let keep = if is_current { "public, max-age=31536000, immutable" } else { "no-store" };
    let mut answer = problem::ok();
    answer.insert_header((CACHE_CONTROL, keep));
    answer.insert_header((HeaderName::from_static("x-content-type-options"), "nosniff"));
    Ok(answer.content_type(asset.media).body(asset.bytes))
}
