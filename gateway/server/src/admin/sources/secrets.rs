//! A partner's secrets, as a body states them.

use crate::admin::body::{Faults, Object, child, kind_of};
use hookwright_core::secret::{RawSecret, SigningSecret};
use hookwright_core::signature::Scheme;
use serde_json::Value;

/// The most secrets that are live at once: enough to change from one to the next while a third is forgotten somewhere.
const COUNT_MAX: usize = 4;
const CHARACTERS_MAX: usize = 512;

/// Reads `secret` or `secrets`, newest first; `None` where neither is there.
pub fn read(object: &mut Object<'_>, faults: &mut Faults) -> Option<Vec<RawSecret>> {
    let one = object.text("secret", CHARACTERS_MAX, faults);
    let many = object.list("secrets", COUNT_MAX, faults);
    match (one, many) {
        (Some(_), Some(_)) => {
            faults.add("/secrets", "give either secret or secrets");
            None
        }
        (Some(text), None) => parse(text, "/secret", faults).map(|secret| vec![secret]),
        (None, Some([])) => {
            faults.add("/secrets", "must hold at least one secret");
            None
        }
        (None, Some(list)) => {
            let secrets = list.iter().enumerate();
            Some(secrets.filter_map(|(index, value)| entry(value, index, faults)).collect())
        }
        (None, None) => None,
    }
}

fn entry(value: &Value, index: usize, faults: &mut Faults) -> Option<RawSecret> {
    let pointer = child("/secrets", &index.to_string());
    let Value::String(text) = value else {
        faults.add(pointer, format!("expected text, found {}", kind_of(value)));
        return None;
    };
    parse(text, &pointer, faults)
}

fn parse(text: &str, pointer: &str, faults: &mut Faults) -> Option<RawSecret> {
    RawSecret::parse(text).map_err(|error| faults.add(pointer, error.to_string())).ok()
}

/// The secrets a source has from now on: what was stated, or what it had, or a new one; held against its scheme.
pub fn settle(
    scheme: &Scheme,
    stated: Option<Vec<RawSecret>>,
    kept: Option<&[RawSecret]>,
    random: [u8; 32],
    faults: &mut Faults,
) -> Vec<RawSecret> {
    if !scheme.needs_secret() {
        if stated.is_some() {
            faults.add("/secret", "is of no use with the verification none");
        }
        return Vec::new();
    }
    let was_stated = stated.is_some();
    let secrets = match (stated, kept) {
        (Some(secrets), _) => secrets,
        (None, Some(kept)) => kept.to_vec(),
        (None, None) => return generate(random),
    };
    if secrets.is_empty() && !was_stated {
        faults.add("/secret", "is required: this verification needs one, and the source has none");
    }
    for secret in &secrets {
        if let Err(error) = scheme.check_secret(secret) {
            let detail = if was_stated {
                error.to_string()
            } else {
                format!("the secret on record does not fit this verification ({error}); give a new one")
            };
            faults.add("/secret", detail);
        }
    }
    secrets
}

/// One in the form of Standard Webhooks, which every scheme can use: the others take it as the text it is.
fn generate(random: [u8; 32]) -> Vec<RawSecret> {
    RawSecret::parse(&SigningSecret::generate(random).reveal()).into_iter().collect()
}
