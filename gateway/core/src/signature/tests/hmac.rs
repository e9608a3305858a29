//! The generic HMAC scheme.

use super::*;

const NOW: i64 = 1_700_000_000;
const BODY: &[u8] = b"{\"event\":\"video_call.completed\"}";

fn scheme(text: &str) -> Scheme {
    serde_json::from_str(text).unwrap()
}

fn inner(scheme: &Scheme) -> &SignatureScheme {
    match scheme {
        Scheme::Hmac(inner) => inner,
        other => panic!("{other:?}"),
    }
}

fn signed(scheme: &Scheme, mut headers: Pairs) -> Pairs {
    let inner = inner(scheme);
    let value = inner.sign(&raw("secret"), &headers, BODY).unwrap();
    headers.push((inner.header.clone(), value));
    headers
}

fn check(scheme: &Scheme, headers: &Pairs) -> Result<Verified, VerifyError> {
    verify(scheme, &[raw("secret")], headers, BODY, NOW)
}

#[test]
fn hexadecimal_is_whole_and_in_any_case() {
    let scheme = scheme(r#"{"type":"hmac","header":"X-Sig","prefix":"sha256="}"#);
    let headers = signed(&scheme, vec![]);
    let good = value(&headers, "X-Sig");
    let with = |text: &str| check(&scheme, &replaced(&headers, "X-Sig", text));
    assert!(with(&good.to_uppercase().replace("SHA256=", "sha256=")).is_ok());
    for (text, flaw) in [
        (good["sha256=".len()..].to_owned(), Flaw::Prefix),
        (good.replace("sha256=", "sha1="), Flaw::Prefix),
        (good.replace("sha256=", "SHA256="), Flaw::Prefix),
        ("sha256=".to_owned(), Flaw::Empty),
        (good[..good.len() - 1].to_owned(), Flaw::Hex),
        (good[..good.len() - 2].to_owned(), Flaw::Length),
        (format!("{good}00"), Flaw::Length),
        (good.replacen("sha256=", "sha256=0x", 1), Flaw::Hex),
        (good.replacen("sha256=", "sha256= ", 1), Flaw::Hex),
        (format!("{good},{good}"), Flaw::Hex),
        (format!("sha256={}", "é".repeat(32)), Flaw::Hex),
    ] {
        assert_eq!(with(&text), Err(flawed("X-Sig", flaw)), "{text}");
    }
}

#[test]
fn base64_has_one_spelling() {
    let scheme = scheme(r#"{"type":"hmac","header":"X-Sig","encoding":"base64","digest":"sha512"}"#);
    let headers = signed(&scheme, vec![]);
    let good = value(&headers, "X-Sig").to_owned();
    assert_eq!(good.len(), 88);
    assert!(check(&scheme, &headers).is_ok());
    for (text, flaw) in [
        (good.trim_end_matches('=').to_owned(), Flaw::Base64),
        (good.replace('+', "-").replace('/', "_"), Flaw::Base64),
        (good[..84].to_owned(), Flaw::Length),
        (format!("{good}\n"), Flaw::Base64),
    ] {
        assert_eq!(check(&scheme, &replaced(&headers, "X-Sig", &text)), Err(flawed("X-Sig", flaw)), "{text}");
    }
    let of_32_bytes = "16FUVH58NeMcTIIOICN2UJOcPTTa4TbjCndXymGrtM8=";
    assert_eq!(check(&scheme, &replaced(&headers, "X-Sig", of_32_bytes)), Err(flawed("X-Sig", Flaw::Length)));
}

#[test]
fn a_time_is_signed_and_recent_in_its_unit() {
    let seconds = scheme(r#"{"type":"hmac","header":"X-Sig","timestamp_header":"X-Time"}"#);
    let millis = scheme(
        r#"{"type":"hmac","header":"X-Sig","timestamp_header":"X-Time","timestamp_unit":"milliseconds","tolerance_seconds":2}"#,
    );
    let at = |scheme: &Scheme, text: &str| check(scheme, &signed(scheme, pairs(&[("X-Time", text)])));
    assert_eq!(at(&seconds, "1700000000").unwrap().signed_at_ms, Some(NOW * 1000));
    assert_eq!(at(&millis, "1700000000123").unwrap().signed_at_ms, Some(1_700_000_000_123));
    assert!(at(&millis, "1700000002000").is_ok());
    for (scheme, text, direction) in [
        (&seconds, "1700000301", Direction::Future),
        (&seconds, "1699999699", Direction::Past),
        (&seconds, "1700000000000", Direction::Future),
        (&millis, "1700000002001", Direction::Future),
        (&millis, "1699999997999", Direction::Past),
        (&millis, "1700000000", Direction::Past),
    ] {
        let fault = at(scheme, text).unwrap_err();
        assert!(
            matches!(fault, VerifyError::TimestampOutOfTolerance { direction: found, .. } if found == direction),
            "{text}"
        );
    }
    for text in ["Infinity", "-1", "1e9", "17000000000000000000", "1700000000s"] {
        assert_eq!(at(&seconds, text), Err(flawed("X-Time", Flaw::Timestamp)), "{text}");
    }
    let headers = signed(&seconds, pairs(&[("X-Time", "1700000000")]));
    assert_eq!(check(&seconds, &replaced(&headers, "X-Time", "1700000001")), Err(VerifyError::SignatureMismatch));
    assert_eq!(check(&seconds, &without(&headers, "X-Time")), Err(missing("X-Time")));
}

#[test]
fn a_window_can_be_left_open_on_purpose() {
    let scheme = scheme(r#"{"type":"hmac","header":"X-Sig","timestamp_header":"X-Time","tolerance_seconds":null}"#);
    let headers = signed(&scheme, pairs(&[("X-Time", "1000")]));
    assert_eq!(check(&scheme, &headers).unwrap().signed_at_ms, Some(1_000_000));
}

#[test]
fn what_is_signed_is_put_together_as_told() {
    let scheme = scheme(
        r#"{"type":"hmac","header":"X-Sig","timestamp_header":"X-Time","id_header":"X-Id",
            "signed_content":["{header:X-Id}","|","{timestamp}","|","{body}"]}"#,
    );
    let headers = signed(&scheme, pairs(&[("X-Time", "1700000000"), ("x-id", "evt-1")]));
    assert_eq!(check(&scheme, &headers).unwrap().id.as_deref(), Some("evt-1"));
    assert_eq!(check(&scheme, &replaced(&headers, "x-id", "evt-2")), Err(VerifyError::SignatureMismatch));
    assert_eq!(check(&scheme, &without(&headers, "x-id")), Err(missing("X-Id")));
    assert_eq!(check(&scheme, &replaced(&headers, "x-id", "evt 1")), Err(flawed("X-Id", Flaw::Id)));
    let by_hand = [b"evt-1|1700000000|", BODY].concat();
    let plain = Keyed::new(Digest::Sha256, b"secret").of(&[&by_hand]);
    assert_eq!(value(&headers, "X-Sig"), hex::encode(plain));
}

#[test]
fn a_scheme_that_cannot_keep_anybody_out_is_refused() {
    for (text, field) in [
        (r#"{"type":"hmac"}"#, "header"),
        (r#"{"type":"hmac","header":""}"#, "header"),
        (r#"{"type":"hmac","header":"X Sig"}"#, "header"),
        (r#"{"type":"hmac","header":"X-Sig","timestamp_header":"X:Time"}"#, "timestamp_header"),
        (r#"{"type":"hmac","header":"X-Sig","id_header":""}"#, "id_header"),
        (r#"{"type":"hmac","header":"X-Sig","prefix":" v0="}"#, "prefix"),
        (r#"{"type":"hmac","header":"X-Sig","prefix":"é"}"#, "prefix"),
        (r#"{"type":"hmac","header":"X-Sig","tolerance_seconds":0}"#, "tolerance_seconds"),
        (r#"{"type":"hmac","header":"X-Sig","tolerance_seconds":86401}"#, "tolerance_seconds"),
        (r#"{"type":"hmac","header":"X-Sig","signed_content":[]}"#, "signed_content"),
        (r#"{"type":"hmac","header":"X-Sig","signed_content":["v0:"]}"#, "signed_content"),
        (r#"{"type":"hmac","header":"X-Sig","signed_content":["{timestamp}","{body}"]}"#, "signed_content"),
        (r#"{"type":"hmac","header":"X-Sig","signed_content":["{header:}","{body}"]}"#, "signed_content"),
        (
            r#"{"type":"hmac","header":"X-Sig","timestamp_header":"X-Time","signed_content":["{body}"]}"#,
            "signed_content",
        ),
        (r#"{"type":"standard_webhooks","tolerance_seconds":0}"#, "tolerance_seconds"),
    ] {
        assert_eq!(scheme(text).check().unwrap_err().field, field, "{text}");
        assert!(verify(&scheme(text), &[raw("secret")], &pairs(&[]), BODY, NOW).is_err());
    }
    let many = SignatureScheme {
        signed_content: Some(vec![Part::Body; 17]),
        ..inner(&scheme(r#"{"type":"hmac","header":"X"}"#)).clone()
    };
    assert_eq!(Scheme::Hmac(many).check().unwrap_err().field, "signed_content");
}

#[test]
fn debug_of_a_verifier_shows_no_secret() {
    let scheme = scheme(r#"{"type":"hmac","header":"X-Sig"}"#);
    let verifier = Verifier::owned(scheme, &[raw("hunter2hunter2")]).unwrap();
    assert_eq!(format!("{verifier:?}"), "Verifier(hmac, 1 secrets)");
}
