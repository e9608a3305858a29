//! A preset in the body of a source.

use serde_json::{Map, Value, json};

use super::{Preset, all, preset};
use crate::handshake::{Handshake, TokenDigest};

/// What a preset decides of a source.
const DECIDED: [&str; 3] = ["verification", "handshakes", "methods"];

/// What is wrong with a body, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct BadPreset {
    /// The JSON pointer of the field.
    pub pointer: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

/// Fills in what the body of a source leaves to the preset it names, and puts its `verify_token` where the handshakes want it.
///
/// `verification`, `handshakes` and `methods` are filled in where the body does not state them. `verify_token` is taken out of the body; what
/// is put into `handshakes` is its digest.
pub fn apply(body: &mut Value) -> Result<(), BadPreset> {
    let Value::Object(body) = body else { return Ok(()) };
    match body.get("preset") {
        None | Some(Value::Null) => {}
        Some(Value::String(id)) => fill(find(id)?, body),
        Some(_) => return Err(BadPreset { pointer: "/preset", detail: "expected the id of a preset".to_owned() }),
    }
    match body.remove("verify_token") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(token)) => agree(body, &token),
        Some(_) => Err(bad_token("expected text")),
    }
}

/// Takes out of a source's document what a merge patch that names a preset leaves to it, so that nothing of the earlier scheme is merged into
/// the new one. To be called before the patch is merged.
pub fn forget(document: &mut Value, patch: &Value) {
    if let (Value::Object(document), Some(Value::String(_))) = (document, patch.get("preset")) {
        document.retain(|name, _| !DECIDED.contains(&name.as_str()));
    }
}

fn find(id: &str) -> Result<&'static Preset, BadPreset> {
    preset(id).ok_or_else(|| {
        let ids: Vec<_> = all().iter().map(|preset| preset.id.as_str()).collect();
        BadPreset { pointer: "/preset", detail: format!("there is no such preset; there are {}", ids.join(", ")) }
    })
}

fn fill(preset: &Preset, body: &mut Map<String, Value>) {
    let filled = [json!(preset.verification), json!(preset.handshakes), json!(preset.methods)].into_iter().zip(DECIDED);
    for (value, name) in filled {
        if body.get(name).is_none_or(Value::is_null) {
            body.insert(name.to_owned(), value);
        }
    }
}

fn agree(body: &mut Map<String, Value>, token: &str) -> Result<(), BadPreset> {
    let digest = TokenDigest::of(token).map_err(|error| bad_token(&error.to_string()))?;
    let handshakes = body.get("handshakes").filter(|stated| !stated.is_null()).cloned().unwrap_or_else(|| json!([]));
    // What cannot be read is told by whoever reads the handshakes.
    let Ok(mut handshakes) = serde_json::from_value::<Vec<Handshake>>(handshakes) else { return Ok(()) };
    let mut agreed = false;
    for handshake in &mut handshakes {
        agreed |= handshake.agree(&digest);
    }
    if !agreed {
        return Err(bad_token("no handshake of this source takes one"));
    }
    body.insert("handshakes".to_owned(), json!(handshakes));
    Ok(())
}

fn bad_token(why: &str) -> BadPreset {
    BadPreset { pointer: "/verify_token", detail: why.to_owned() }
}
