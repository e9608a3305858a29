//! Signatures in the headers of other senders: as a body states them, and as reads show them.

use super::header;
use crate::admin::body::{Faults, Object, child};
use crate::problem::{FieldFault, Problem};
use hookwright_core::secret::{RawSecret, SigningKey};
use hookwright_core::signature::{LEGACY_MAX, LegacySignature, SignedContent, Template};
use hookwright_core::subscription::Subscription;
use serde::Serialize;
use serde_json::{Value, json};

const NAME: &str = "legacy_signatures";
const TEMPLATE_CHARACTERS_MAX: usize = 200;
const SECRET_CHARACTERS_MAX: usize = 512;

/// Reads the list. An entry that does not speak of a secret keeps that of the `current` one with its header, if that has one.
pub fn read(object: &mut Object<'_>, current: &[LegacySignature], faults: &mut Faults) -> Vec<LegacySignature> {
    let list = object.list(NAME, LEGACY_MAX, faults).unwrap_or_default();
    let mut signatures: Vec<LegacySignature> = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let at = child("/legacy_signatures", &index.to_string());
        let Some(entry) = Object::read(value, at.clone(), faults) else { continue };
        let Some(signature) = one(entry, current, faults) else { continue };
        if signatures.iter().any(|other| other.header == signature.header) {
            faults.add(child(&at, "header"), "is there twice: the case of a header's name does not matter");
        }
        signatures.push(signature);
    }
    signatures
}

fn one(mut entry: Object<'_>, current: &[LegacySignature], faults: &mut Faults) -> Option<LegacySignature> {
    let header = entry.required_text("header", 200, faults);
    let header =
        header.and_then(|name| header::name(name).map_err(|why| faults.add(entry.pointer("header"), why)).ok());
    let template = entry.required_text("template", TEMPLATE_CHARACTERS_MAX, faults);
    let template = template.and_then(|text| {
        Template::parse(text).map_err(|error| faults.add(entry.pointer("template"), error.to_string())).ok()
    });
    let content = entry.word("content", &SignedContent::WORDS, faults);
    let silent = !entry.has("secret");
    let secret = entry.text("secret", SECRET_CHARACTERS_MAX, faults);
    let secret = secret.and_then(|text| {
        RawSecret::parse(text).map_err(|error| faults.add(entry.pointer("secret"), error.to_string())).ok()
    });
    let (secret_at, content_at) = (entry.pointer("secret"), entry.pointer("content"));
    entry.finish(&["secret_hint"], faults);
    let (header, template) = (header?, template?);
    if !template.has_signature() {
        // Said of a header that signs nothing, either is a mistake that would be found out late.
        if secret.is_some() {
            faults.add(secret_at, "is of no use: the template holds no signature");
        }
        if content.is_some() {
            faults.add(content_at, "is of no use: the template holds no signature");
        }
    }
    let kept = || current.iter().find(|other| other.header == header)?.secret.clone();
    let secret = secret.or_else(|| kept().filter(|_| silent && template.has_signature()));
    Some(LegacySignature { header, template, content: content.unwrap_or_default(), secret })
}

/// Refuses headers that the operator sets otherwise, and signatures with a key that the subscription has not.
pub fn check(subscription: &Subscription) -> Result<(), Problem> {
    let symmetric = matches!(subscription.secrets.first().map(|newest| &newest.key), Some(SigningKey::Hmac(_)));
    let mut errors = Vec::new();
    for (index, signature) in subscription.options.legacy_signatures.iter().enumerate() {
        let at = child("/legacy_signatures", &index.to_string());
        if subscription.headers.iter().any(|(name, _)| *name == signature.header) {
            let detail = "is one of this subscription's headers already".to_owned();
            errors.push(FieldFault { pointer: child(&at, "header"), detail });
        }
        if signature.needs_signing_key() && !symmetric {
            let detail =
                "is required: the newest secret of this subscription is ed25519, which cannot make this signature";
            errors.push(FieldFault { pointer: child(&at, "secret"), detail: detail.to_owned() });
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// One as reads show it.
#[derive(Serialize)]
pub struct Shown {
    header: String,
    template: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<SignedContent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_hint: Option<String>,
}

/// All of a subscription.
pub fn shown(signatures: &[LegacySignature]) -> Vec<Shown> {
    let show = |signature: &LegacySignature| Shown {
        header: signature.header.clone(),
        template: signature.template.to_string(),
        content: Some(signature.content).filter(|_| signature.template.has_signature()),
        secret_hint: signature.secret.as_ref().map(RawSecret::hint),
    };
    signatures.iter().map(show).collect()
}

/// All of a subscription as they could be put, to be merged with a patch; their secrets follow by their headers.
pub fn document(signatures: &[LegacySignature]) -> Value {
    let one = |signature: &LegacySignature| {
        let content = Some(signature.content).filter(|_| signature.template.has_signature());
        json!({ "header": signature.header, "template": signature.template, "content": content })
    };
    signatures.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &Value, current: &[LegacySignature]) -> Result<Vec<LegacySignature>, String> {
        let mut faults = Faults::default();
        let body = json!({ NAME: list });
        let mut object = Object::read(&body, "", &mut faults).unwrap();
        let signatures = super::read(&mut object, current, &mut faults);
        object.finish(&[], &mut faults);
        faults.finish().map(|()| signatures).map_err(|problem| String::from_utf8(problem.body("r")).unwrap())
    }

    #[test]
    fn an_entry_keeps_its_secret_unless_it_speaks_of_one() {
        let github = |secret: Value| json!([{ "header": "X-Hub-Signature-256", "template": "sha256={sha256_hex}", "secret": secret }]);
        let first = read(&github(json!("mysecret")), &[]).unwrap();
        assert_eq!((first[0].header.as_str(), first[0].content), ("x-hub-signature-256", SignedContent::Body));
        let silent = json!([{ "header": "x-hub-signature-256", "template": "{sha256_base64}" }]);
        let kept = read(&silent, &first).unwrap();
        assert_eq!(kept[0].secret.as_ref().map(RawSecret::reveal), Some("mysecret"));
        assert!(read(&silent, &[]).unwrap()[0].secret.is_none());
        assert!(read(&github(Value::Null), &first).unwrap()[0].secret.is_none(), "null lets it go");
        let patched = read(&document(&first), &first).unwrap();
        assert_eq!(patched, first);
        let id = json!([{ "header": "x-hub-signature-256", "template": "{id}" }]);
        assert!(read(&id, &first).unwrap()[0].secret.is_none(), "what signs nothing keeps no secret");
    }

    #[test]
    fn what_cannot_be_is_named_with_its_place_and_no_secret_repeated() {
        let entry = |member: &str, value: Value| {
            let mut entry = json!({ "header": "x-a", "template": "{sha256_hex}", "secret": "hunter2hunter2" });
            entry[member] = value;
            entry
        };
        for (member, value) in [
            ("header", json!("Webhook-Signature")),
            ("header", json!("content-type")),
            ("header", json!("a b")),
            ("header", Value::Null),
            ("template", json!("sha256={body}")),
            ("template", json!("fixed")),
            ("content", json!("url.body")),
            ("secret", json!("")),
            ("secret", json!("x".repeat(513))),
            ("secrt", json!("x")),
        ] {
            let text = read(&json!([entry(member, value.clone())]), &[]).unwrap_err();
            assert!(text.contains(&format!("/legacy_signatures/0/{member}")), "{member} {value}: {text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        let twice = read(&json!([entry("header", json!("X-A")), entry("header", json!("x-a"))]), &[]).unwrap_err();
        assert!(twice.contains("/legacy_signatures/1/header"));
        assert!(read(&json!(vec![entry("header", json!("x-a")); 5]), &[]).unwrap_err().contains("at most 4"));
        let idle = read(&json!([{ "header": "svix-id", "template": "{id}", "content": "body", "secret": "s" }]), &[]);
        let idle = idle.unwrap_err();
        assert!(idle.contains("/0/secret") && idle.contains("/0/content"), "{idle}");
        assert!(read(&json!(["x"]), &[]).unwrap_err().contains("/legacy_signatures/0"));
    }
}
