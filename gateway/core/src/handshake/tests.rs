use super::*;
use serde_json::json;

fn read(json: serde_json::Value) -> Handshake {
    serde_json::from_value(json).unwrap()
}

fn zoom() -> serde_json::Value {
    json!({
        "name": "url_validation",
        "when": {"method": "POST", "body": {"/event": "endpoint.url_validation"}},
        "challenge": "body:/payload/plainToken",
        "proof": {"type": "signature"},
        "answer": {"json": {"plainToken": "{challenge}", "encryptedToken": "{mac}"}, "mac": {"digest": "sha256", "encoding": "hex"}}
    })
}

#[test]
fn a_handshake_is_written_as_it_is_read() {
    let handshake = read(zoom());
    assert_eq!(handshake.check(), Ok(()));
    assert_eq!(serde_json::to_value(&handshake).unwrap(), zoom());
    let least = read(
        json!({"name": "crc", "when": {"method": "GET", "query": {"crc_token": null}}, "challenge": "query:crc_token"}),
    );
    assert_eq!(least.proof, Proof::Signature);
    assert_eq!(least.answer, Template::default());
    assert_eq!(least.check(), Ok(()));
}

#[test]
fn what_cannot_be_carried_out_is_named_by_its_field() {
    for (pointer, value, field) in [
        ("/name", json!("URL"), "name"),
        ("/when/method", json!("post"), "when/method"),
        ("/when/body", json!({}), "when"),
        ("/when/body", json!({"event": "x"}), "when/body"),
        ("/when/body", json!({"/event": ""}), "when/body"),
        ("/challenge", json!("headers:x-"), "challenge"),
        ("/proof", json!({"type": "secret", "at": "headers:x-"}), "proof/at"),
        ("/answer/json", json!({}), "answer/json"),
        ("/answer/json", json!({"a": "{challenge}"}), "answer/mac"),
        ("/answer/mac", json!(null), "answer/mac"),
        ("/answer", json!({"json": {"a": "b"}}), "answer/json"),
        ("/answer", json!({"echo_headers": ["Set-Cookie"]}), "answer/echo_headers"),
        ("/answer", json!({"echo_headers": ["x-a b"]}), "answer/echo_headers"),
    ] {
        let mut document = zoom();
        *document.pointer_mut(pointer).unwrap() = value.clone();
        assert_eq!(read(document).check().unwrap_err().field, field, "{pointer} {value}");
    }
}

#[test]
fn unknown_fields_are_refused() {
    for text in [
        json!({"name": "x", "when": {"method": "GET", "query": {"a": null}, "header": {}}, "challenge": "query:a"}),
        json!({"name": "x", "when": {"method": "GET", "query": {"a": null}}, "challenge": "query:a", "status": 200}),
        json!({"name": "x", "when": {"method": "GET", "query": {"a": null}}, "challenge": "a"}),
        json!({"name": "x", "when": {"method": "GET", "query": {"a": null}}, "challenge": "query:a", "proof": {"type": "token"}}),
    ] {
        assert!(serde_json::from_value::<Handshake>(text.clone()).is_err(), "{text}");
    }
}

mod answers;
