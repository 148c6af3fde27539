//! Addresses as pictures for the camera.

use qrcode::QrCode;
use qrcode::render::svg;

/// The address as a picture; empty when it is too long for one, and is read instead.
pub(super) fn picture(url: &str) -> String {
    let drawn = QrCode::new(url.as_bytes())
        .map(|code| code.render::<svg::Color<'_>>().min_dimensions(200, 200).quiet_zone(true).build());
    // Within a page there is no declaration.
    drawn.ok().and_then(|svg| svg.split_once("?>").map(|(_, picture)| picture.to_owned())).unwrap_or_default()
}
