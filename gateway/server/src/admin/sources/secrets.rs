//! A partner's secrets, as a body states them.

use crate::admin::body::{Faults, Object, child, kind_of};
use hookwright_core::id::SecretId;
use hookwright_core::secret::{RawSecret, SigningSecret};
use hookwright_core::signature::Scheme;
use hookwright_core::source::SourceSecret;
use serde_json::Value;

/// The most secrets that are live at once: enough to change from one to the next while a third is forgotten somewhere.
const COUNT_MAX: usize = 4;
const CHARACTERS_MAX: usize = 512;

/// A secret that a body states, and where it does.
#[derive(Debug)]
pub struct Stated {
    pointer: String,
    secret: RawSecret,
}

/// Reads `secret` or `secrets`, newest first; `None` where neither is there.
pub fn read(object: &mut Object<'_>, faults: &mut Faults) -> Option<Vec<Stated>> {
    let one = object.text("secret", CHARACTERS_MAX, faults);
    let many = object.list("secrets", COUNT_MAX, faults);
    match (one, many) {
        (Some(_), Some(_)) => {
            faults.add("/secrets", "give either secret or secrets");
            None
        }
        (Some(text), None) => parse(text, "/secret".to_owned(), faults).map(|stated| vec![stated]),
        (None, Some([])) => {
            faults.add("/secrets", "must hold at least one secret");
            None
        }
        (None, Some(list)) => Some(entries(list, faults)),
        (None, None) => None,
    }
}

fn entries(list: &[Value], faults: &mut Faults) -> Vec<Stated> {
    let mut all: Vec<Stated> = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let pointer = child("/secrets", &index.to_string());
        let Value::String(text) = value else {
            faults.add(pointer, format!("expected text, found {}", kind_of(value)));
            continue;
        };
        let Some(stated) = parse(text, pointer, faults) else { continue };
        if all.iter().any(|other| other.secret == stated.secret) {
            faults.add(stated.pointer, "is there twice");
        } else {
            all.push(stated);
        }
    }
    all
}

fn parse(text: &str, pointer: String, faults: &mut Faults) -> Option<Stated> {
    match RawSecret::parse(text) {
        Ok(secret) => Some(Stated { pointer, secret }),
        Err(error) => {
            faults.add(pointer, error.to_string());
            None
        }
    }
}

/// What new secrets are made with.
pub struct Fresh<'a> {
    /// Bytes nobody can foresee.
    pub random: [u8; 32],
    /// Makes ids.
    pub ids: &'a dyn Fn() -> SecretId,
}

/// The secrets a source has from now on: what was stated, or what it had, or a new one; held against its scheme. One that it had keeps its id.
pub fn settle(
    scheme: &Scheme,
    stated: Option<Vec<Stated>>,
    kept: Option<&[SourceSecret]>,
    fresh: &Fresh<'_>,
    faults: &mut Faults,
) -> Vec<SourceSecret> {
    match (stated, kept) {
        (Some(stated), _) if !scheme.needs_secret() => {
            for Stated { pointer, .. } in stated {
                faults.add(pointer, "is of no use with the verification none");
            }
            Vec::new()
        }
        (None, _) if !scheme.needs_secret() => Vec::new(),
        (Some(stated), kept) => {
            let named = |secret: RawSecret| {
                let had = kept.unwrap_or_default().iter().find(|had| had.secret == secret);
                SourceSecret { id: had.map_or_else(fresh.ids, |had| had.id), secret }
            };
            taken(scheme, stated, faults).into_iter().map(named).collect()
        }
        (None, Some(kept)) => still_fitting(scheme, kept, faults),
        (None, None) => generate(scheme, fresh, faults),
    }
}

fn taken(scheme: &Scheme, stated: Vec<Stated>, faults: &mut Faults) -> Vec<RawSecret> {
    let mut secrets = Vec::with_capacity(stated.len());
    for Stated { pointer, secret } in stated {
        match scheme.check_secret(&secret) {
            Ok(()) => secrets.push(secret),
            Err(error) => faults.add(pointer, error.to_string()),
        }
    }
    secrets
}

fn still_fitting(scheme: &Scheme, kept: &[SourceSecret], faults: &mut Faults) -> Vec<SourceSecret> {
    if kept.is_empty() {
        faults.add("/secret", "is required: this verification needs one, and the source has none");
    }
    if let Some(error) = kept.iter().find_map(|kept| scheme.check_secret(&kept.secret).err()) {
        let detail = format!("the secret on record does not fit this verification ({error}); give a new one");
        faults.add("/secret", detail);
    }
    kept.to_vec()
}

/// One in the form of Standard Webhooks, which most schemes can use: the others take it as the text it is, but for those whose secret is of a form of its own.
fn generate(scheme: &Scheme, fresh: &Fresh<'_>, faults: &mut Faults) -> Vec<SourceSecret> {
    let secret = RawSecret::parse(&SigningSecret::generate(fresh.random).reveal());
    if let Some(error) = secret.iter().find_map(|secret| scheme.check_secret(secret).err()) {
        faults.add("/secret", format!("is required: none can be made for this verification ({error})"));
        return Vec::new();
    }
    secret.into_iter().map(|secret| SourceSecret { id: (fresh.ids)(), secret }).collect()
}
