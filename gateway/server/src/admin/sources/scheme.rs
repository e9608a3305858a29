//! How a partner's requests are verified, as a body states it.

use crate::admin::body::{Faults, Object, child, kind_of};
use hookwright_core::signature::{BadScheme, Digest, Encoding, HmacScheme, Part, Scheme, TimestampUnit};
use serde_json::Value;

const TEXT_MAX: usize = 128;
const PARTS_MAX: usize = 16;
const TOLERANCE_SECONDS_MAX: u32 = 86_400;
const TOLERANCE_SECONDS_DEFAULT: u32 = 300;

const ENCODINGS: [(&str, Encoding); 2] = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
const DIGESTS: [(&str, Digest); 2] = [("sha256", Digest::Sha256), ("sha512", Digest::Sha512)];
const UNITS: [(&str, TimestampUnit); 2] =
    [("seconds", TimestampUnit::Seconds), ("milliseconds", TimestampUnit::Milliseconds)];

#[derive(Clone, Copy)]
enum Kind {
    Standard,
    Hmac,
    None,
}

const KINDS: [(&str, Kind); 3] = [("standard_webhooks", Kind::Standard), ("hmac", Kind::Hmac), ("none", Kind::None)];

/// Reads a scheme and checks that it can be carried out.
pub fn read(mut object: Object<'_>, faults: &mut Faults) -> Option<Scheme> {
    object.require("type", "\"standard_webhooks\", \"hmac\" or \"none\"", faults);
    let kind = object.word("type", &KINDS, faults)?;
    let scheme = match kind {
        Kind::None => Some(Scheme::None {}),
        Kind::Standard => {
            let tolerance_seconds = object.number("tolerance_seconds", 1..=TOLERANCE_SECONDS_MAX, faults);
            Some(Scheme::StandardWebhooks { tolerance_seconds: tolerance_seconds.unwrap_or(TOLERANCE_SECONDS_DEFAULT) })
        }
        Kind::Hmac => hmac(&mut object, faults).map(Scheme::Hmac),
    };
    let at = object.pointer("");
    object.finish(&[], faults);
    let scheme = scheme?;
    if let Err(BadScheme { field, why }) = scheme.check() {
        faults.add(format!("{at}{field}"), why);
    }
    if let Scheme::Hmac(scheme) = &scheme {
        distinct(scheme, &at, faults);
    }
    Some(scheme)
}

fn hmac(object: &mut Object<'_>, faults: &mut Faults) -> Option<HmacScheme> {
    let header = object.required_text("header", TEXT_MAX, faults);
    let prefix = prefix(object, faults);
    let encoding = object.word("encoding", &ENCODINGS, faults).unwrap_or_default();
    let digest = object.word("digest", &DIGESTS, faults).unwrap_or_default();
    let timestamp_header = object.text("timestamp_header", TEXT_MAX, faults).map(str::to_owned);
    let timestamp_unit = object.word("timestamp_unit", &UNITS, faults).unwrap_or_default();
    let signed_content = parts(object, faults);
    let id_header = object.text("id_header", TEXT_MAX, faults).map(str::to_owned);
    // Said to be null, any time will do; not said at all, the usual window holds.
    let any_time = object.has("tolerance_seconds") && object.get("tolerance_seconds").is_none();
    let tolerance_seconds = object.number("tolerance_seconds", 1..=TOLERANCE_SECONDS_MAX, faults);
    let tolerance_seconds = if any_time { None } else { Some(tolerance_seconds.unwrap_or(TOLERANCE_SECONDS_DEFAULT)) };
    Some(HmacScheme {
        header: header?.to_owned(),
        prefix,
        encoding,
        digest,
        timestamp_header,
        timestamp_unit,
        signed_content,
        id_header,
        tolerance_seconds,
    })
}

/// One header cannot be the signature and something that is signed.
fn distinct(scheme: &HmacScheme, at: &str, faults: &mut Faults) {
    for (field, name) in [("timestamp_header", &scheme.timestamp_header), ("id_header", &scheme.id_header)] {
        if name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&scheme.header)) {
            faults.add(format!("{at}{field}"), "is the header of the signature itself");
        }
    }
}

/// Empty is as good as absent here, unlike for most texts.
fn prefix(object: &mut Object<'_>, faults: &mut Faults) -> String {
    match object.get("prefix") {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => {
            faults.add(object.pointer("prefix"), format!("expected text, found {}", kind_of(other)));
            String::new()
        }
    }
}

fn parts(object: &mut Object<'_>, faults: &mut Faults) -> Option<Vec<Part>> {
    let list = object.list("signed_content", PARTS_MAX, faults)?;
    let at = object.pointer("signed_content");
    let mut parts = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let pointer = child(&at, &index.to_string());
        match value {
            Value::String(text) => match Part::try_from(text.clone()) {
                Ok(part) => parts.push(part),
                Err(error) => faults.add(pointer, error.why),
            },
            other => faults.add(pointer, format!("expected text, found {}", kind_of(other))),
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Scheme, String> {
        let mut faults = Faults::default();
        let object = Object::read(body, "/verification", &mut faults).unwrap();
        let scheme = super::read(object, &mut faults);
        match faults.finish() {
            Ok(()) => Ok(scheme.unwrap()),
            Err(problem) => Err(String::from_utf8(problem.body("r")).unwrap()),
        }
    }

    #[test]
    fn every_scheme_reads_as_serde_reads_it() {
        for body in [
            json!({"type": "standard_webhooks"}),
            json!({"type": "standard_webhooks", "tolerance_seconds": 60}),
            json!({"type": "none"}),
            json!({"type": "hmac", "header": "X-Signature"}),
            json!({"type": "hmac", "header": "X-Signature", "prefix": "sha256=", "encoding": "base64", "digest": "sha512",
                "timestamp_header": "X-Time", "timestamp_unit": "milliseconds",
                "signed_content": ["v0:", "{timestamp}", ":", "{body}"], "id_header": "X-Id", "tolerance_seconds": null}),
        ] {
            let expected: Scheme = serde_json::from_value(body.clone()).unwrap();
            assert_eq!(read(&body).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        for (body, pointer) in [
            (json!({}), "/verification/type"),
            (json!({"type": "hmca"}), "/verification/type"),
            (json!({"type": "none", "header": "x"}), "/verification/header"),
            (json!({"type": "hmac"}), "/verification/header"),
            (json!({"type": "hmac", "header": "a b"}), "/verification/header"),
            (json!({"type": "hmac", "header": "x", "prefix": 1}), "/verification/prefix"),
            (json!({"type": "hmac", "header": "x", "digest": "md5"}), "/verification/digest"),
            (json!({"type": "hmac", "header": "x", "signed_content": ["{bdy}"]}), "/verification/signed_content/0"),
            (json!({"type": "hmac", "header": "x", "signed_content": ["x"]}), "/verification/signed_content"),
            (json!({"type": "hmac", "header": "x", "tolerance_seconds": 0}), "/verification/tolerance_seconds"),
            (json!({"type": "hmac", "header": "X-S", "timestamp_header": "x-s"}), "/verification/timestamp_header"),
            (json!({"type": "hmac", "header": "X-S", "id_header": "X-S"}), "/verification/id_header"),
            (json!({"type": "standard_webhooks", "tolerance_seconds": 86_401}), "/verification/tolerance_seconds"),
        ] {
            let refusal = read(&body).unwrap_err();
            assert!(refusal.contains(&format!("\"{pointer}\"")), "{body}: {refusal}");
        }
    }
}
