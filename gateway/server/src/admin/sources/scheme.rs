//! How a partner's requests are verified, as a body states it.

mod signature;

use crate::admin::body::{Faults, Object, child, kind_of};
use hookwright_core::handshake::{Handshake, check_apart};
use hookwright_core::signature::{BadScheme, Place, Scheme, TokenScheme};
use serde_json::Value;

const TEXT_MAX: usize = 128;
/// The longest place: a kind, a colon, and a name or pointer.
const PLACE_MAX: usize = 136;
const MEMBERS_MAX: usize = 4;
const TOLERANCE_SECONDS_MAX: u32 = 86_400;
const TOLERANCE_SECONDS_DEFAULT: u32 = 300;

#[derive(Clone, Copy)]
enum Kind {
    Standard,
    Hmac,
    Ed25519,
    Token,
    Basic,
    Bearer,
    Certificate,
    Strongest,
    None,
}

const KINDS: [(&str, Kind); 9] = [
    ("standard_webhooks", Kind::Standard),
    ("hmac", Kind::Hmac),
    ("ed25519", Kind::Ed25519),
    ("token", Kind::Token),
    ("basic", Kind::Basic),
    ("bearer", Kind::Bearer),
    ("client_certificate", Kind::Certificate),
    ("strongest", Kind::Strongest),
    ("none", Kind::None),
];

/// Reads a scheme and checks that it can be carried out.
pub fn read(mut object: Object<'_>, faults: &mut Faults) -> Option<Scheme> {
    let at = object.pointer("");
    let before = faults.len();
    let scheme = kind(&mut object, faults);
    object.finish(&[], faults);
    let scheme = scheme?;
    // The members of a list have told their faults themselves.
    if faults.len() == before
        && let Err(BadScheme { field, why }) = scheme.check()
    {
        faults.add(format!("{at}{field}"), why);
    }
    Some(scheme)
}

/// Checks a scheme against what stands beside it in a source.
pub fn check_around(scheme: &Scheme, handshakes: &[Handshake], public_url: Option<&str>, faults: &mut Faults) {
    if scheme.needs_public_url() && public_url.is_none() {
        faults.add("/public_url", "is required: the partner signs the address that it posts to");
    }
    if let Err(fault) = check_apart(handshakes, scheme) {
        faults.add("/handshakes", fault.why);
    }
}

fn kind(object: &mut Object<'_>, faults: &mut Faults) -> Option<Scheme> {
    object.require("type", "the kind of a scheme, such as \"standard_webhooks\", \"hmac\" or \"none\"", faults);
    match object.word("type", &KINDS, faults)? {
        Kind::None => Some(Scheme::None {}),
        Kind::Basic => Some(Scheme::Basic {}),
        Kind::Bearer => Some(Scheme::Bearer {}),
        Kind::Certificate => Some(Scheme::ClientCertificate {}),
        Kind::Standard => {
            let tolerance_seconds = object.number("tolerance_seconds", 1..=TOLERANCE_SECONDS_MAX, faults);
            Some(Scheme::StandardWebhooks { tolerance_seconds: tolerance_seconds.unwrap_or(TOLERANCE_SECONDS_DEFAULT) })
        }
        Kind::Hmac => signature::read(object, faults).map(Scheme::Hmac),
        Kind::Ed25519 => signature::read(object, faults).map(Scheme::Ed25519),
        Kind::Token => token(object, faults).map(Scheme::Token),
        Kind::Strongest => strongest(object, faults),
    }
}

fn token(object: &mut Object<'_>, faults: &mut Faults) -> Option<TokenScheme> {
    object.require("location", "where the token stands, such as \"header:x-token\"", faults);
    let location = place(object, "location", faults);
    let prefix = loose_text(object, "prefix", faults);
    let id_header = object.text("id_header", TEXT_MAX, faults).map(str::to_owned);
    let id_optional = object.flag("id_optional", faults).unwrap_or_default();
    Some(TokenScheme { location: location?, prefix, id_header, id_optional })
}

fn strongest(object: &mut Object<'_>, faults: &mut Faults) -> Option<Scheme> {
    object.require("schemes", "two to four schemes, the strongest first", faults);
    let list = object.list("schemes", MEMBERS_MAX, faults)?;
    let at = object.pointer("schemes");
    let mut schemes = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let pointer = child(&at, &index.to_string());
        // A list within a list is never read, so that nothing here is deeper than two.
        if value.get("type").and_then(Value::as_str) == Some("strongest") {
            faults.add(pointer, "must not hold another strongest");
        } else if let Some(member) = Object::read(value, &pointer, faults) {
            schemes.extend(read(member, faults));
        }
    }
    Some(Scheme::Strongest { schemes })
}

/// A place of a request, where one is stated.
fn place(object: &mut Object<'_>, name: &'static str, faults: &mut Faults) -> Option<Place> {
    let text = object.text(name, PLACE_MAX, faults)?.to_owned();
    match Place::try_from(text) {
        Ok(place) => Some(place),
        Err(error) => {
            faults.add(object.pointer(name), error.to_string());
            None
        }
    }
}

/// Empty is as good as absent here, unlike for most texts.
fn loose_text(object: &mut Object<'_>, name: &'static str, faults: &mut Faults) -> String {
    match object.get(name) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => {
            faults.add(object.pointer(name), format!("expected text, found {}", kind_of(other)));
            String::new()
        }
    }
}

#[cfg(test)]
mod tests;
