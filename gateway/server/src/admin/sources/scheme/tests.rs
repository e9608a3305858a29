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
        json!({"type": "basic"}),
        json!({"type": "bearer"}),
        json!({"type": "client_certificate"}),
        json!({"type": "token", "location": "header:X-Token", "prefix": "Token ", "id_header": "X-Id", "id_optional": true}),
        json!({"type": "ed25519", "header": "X-Signature", "encoding": "base64"}),
        json!({"type": "hmac", "header": "X-Signature"}),
        json!({"type": "hmac", "header": "X-Signature", "prefix": "sha256=", "encoding": "base64", "digest": "sha512",
            "timestamp_header": "X-Time", "timestamp_unit": "milliseconds",
            "signed_content": ["v0:", "{timestamp}", ":", "{body}"], "id_header": "X-Id", "tolerance_seconds": null}),
        json!({"type": "hmac", "header": "S", "format": {"type": "pairs", "delimiter": ";", "key": "v1", "timestamp": "t"}}),
        json!({"type": "hmac", "header": "S", "format": {"type": "tagged", "tag": "v1"}, "key": "whsec"}),
        json!({"type": "hmac", "header": "S", "format": {"type": "positional", "delimiter": ",", "timestamp_prefix": "t="},
            "encoding": "base64url", "padding_optional": true}),
        json!({"type": "hmac", "header": "S", "format": {"type": "positional", "delimiter": ",", "timestamp_prefix": ""}}),
        json!({"type": "hmac", "header": "S", "prefix": "sig1=:", "suffix": ":", "encoding": "base64",
            "body_digest": {"location": "header:Content-Digest", "prefix": "sha-256=:", "suffix": ":", "encoding": "base64"}}),
        json!({"type": "hmac", "header": "S", "signed_content": ["{url}", "{sorted_form}"]}),
        json!({"type": "hmac", "header": "S", "methods": ["sha1", "sha256"]}),
        json!({"type": "hmac", "location": "query:sig", "signed_content": ["{url}"], "either_port": true,
            "body_digest": {"location": "query:bodySHA256", "encoding": "hex"}}),
        json!({"type": "hmac", "location": "body:/sig", "signed_content": ["{body:/id}"], "body_unsigned": true}),
        json!({"type": "strongest", "schemes": [{"type": "hmac", "header": "S"}, {"type": "bearer"}]}),
    ] {
        let expected: Scheme = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(read(&body).unwrap(), expected, "{body}");
        let written = serde_json::to_value(&expected).unwrap();
        assert_eq!(read(&written).unwrap(), expected, "what is shown can be sent back: {written}");
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
        (json!({"type": "hmac", "header": "x", "suffix": "="}), "/verification/suffix"),
        (
            json!({"type": "hmac", "header": "x", "format": {"type": "positional", "timestamp_prefix": 1}}),
            "/verification/format/timestamp_prefix",
        ),
        (json!({"type": "hmac", "header": "x", "digest": "md5"}), "/verification/digest"),
        (json!({"type": "hmac", "header": "x", "signed_content": ["{bdy}"]}), "/verification/signed_content/0"),
        (json!({"type": "hmac", "header": "x", "signed_content": ["x"]}), "/verification/signed_content"),
        (
            json!({"type": "hmac", "header": "x", "signed_content": ["{body}", "{headers:X-}"]}),
            "/verification/signed_content/1",
        ),
        (json!({"type": "hmac", "header": "x", "tolerance_seconds": 0}), "/verification/tolerance_seconds"),
        (json!({"type": "hmac", "header": "X-S", "timestamp_header": "x-s"}), "/verification/timestamp_header"),
        (json!({"type": "hmac", "header": "X-S", "id_header": "X-S"}), "/verification/id_header"),
        (json!({"type": "standard_webhooks", "tolerance_seconds": 86_401}), "/verification/tolerance_seconds"),
        (json!({"type": "hmac", "location": "x"}), "/verification/location"),
        (json!({"type": "hmac", "header": "x", "location": "query:x"}), "/verification/location"),
        (json!({"type": "hmac", "header": "x", "methods": ["md5"]}), "/verification/methods/0"),
        (json!({"type": "hmac", "header": "x", "format": {"type": "pairs"}}), "/verification/format/key"),
        (json!({"type": "hmac", "header": "x", "format": {"type": "plain", "tag": "v1"}}), "/verification/format/tag"),
        (json!({"type": "hmac", "header": "x", "body_digest": {}}), "/verification/body_digest/location"),
        (json!({"type": "hmac", "header": "x", "body_digest": {"location": "form:x"}}), "/verification/body_digest"),
        (json!({"type": "ed25519", "header": "x", "key": "hex"}), "/verification/key"),
        (json!({"type": "token"}), "/verification/location"),
        (json!({"type": "token", "location": "headers:x-"}), "/verification/location"),
        (json!({"type": "strongest", "schemes": []}), "/verification/schemes"),
        (json!({"type": "strongest", "schemes": [{"type": "none"}, {"type": "basic"}]}), "/verification/schemes"),
        (
            json!({"type": "strongest", "schemes": [{"type": "basic"}, {"type": "hmac", "header": "a b"}]}),
            "/verification/schemes/1/header",
        ),
        (
            json!({"type": "strongest", "schemes": [{"type": "basic"}, {"type": "strongest", "schemes": []}]}),
            "/verification/schemes/1",
        ),
    ] {
        let refusal = read(&body).unwrap_err();
        assert!(refusal.contains(&format!("\"{pointer}\"")), "{body}: {refusal}");
    }
}
