use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

use super::*;
use crate::secret::{RawSecret, SigningSecret};

mod credential;
mod hmac;
mod pitfalls;
mod schemes;
mod speed;
mod standard;

type Pairs = Vec<(String, String)>;

/// A `POST` of headers and a body, verified once.
fn verify(
    scheme: &Scheme,
    secrets: &[RawSecret],
    headers: &Pairs,
    body: &[u8],
    now_secs: i64,
) -> Result<Verified, VerifyError> {
    super::verify(scheme, secrets, &Request::new(headers, body, now_secs))
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    scheme: Scheme,
    secret: String,
    headers: BTreeMap<String, String>,
    body: Option<String>,
    body_base64: Option<String>,
}

impl Vector {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("vectors.json")).unwrap()
    }

    fn body(&self) -> Vec<u8> {
        match (&self.body, &self.body_base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(encoded)) => STANDARD.decode(encoded).unwrap(),
            _ => panic!("{} must have one body", self.name),
        }
    }

    fn headers(&self) -> Pairs {
        self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The time it was signed at, or any, where it does not say.
    fn now(&self) -> i64 {
        let time = self.headers.iter().find(|(name, _)| name.to_lowercase().ends_with("timestamp"));
        time.map_or(1_700_000_000, |(_, value)| value.parse().unwrap())
    }

    fn signature_header(&self) -> &str {
        match &self.scheme {
            Scheme::StandardWebhooks { .. } => "webhook-signature",
            Scheme::Hmac(scheme) => &scheme.header,
            _ => panic!("{} is not signed", self.name),
        }
    }
}

fn raw(text: &str) -> RawSecret {
    RawSecret::parse(text).unwrap()
}

fn pairs(list: &[(&str, &str)]) -> Pairs {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn replaced(headers: &Pairs, name: &str, value: &str) -> Pairs {
    let mut headers = headers.clone();
    let found = headers.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap();
    value.clone_into(&mut found.1);
    headers
}

fn value<'a>(headers: &'a Pairs, name: &str) -> &'a str {
    &headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap().1
}

fn without(headers: &Pairs, name: &str) -> Pairs {
    headers.iter().filter(|(n, _)| !n.eq_ignore_ascii_case(name)).cloned().collect()
}

fn missing(header: &str) -> VerifyError {
    VerifyError::MissingHeader { header: header.to_owned() }
}

fn flawed(header: &str, flaw: Flaw) -> VerifyError {
    VerifyError::MalformedHeader { header: header.to_owned(), flaw }
}

#[test]
fn every_vector_verifies() {
    let vectors = Vector::all();
    assert_eq!(vectors.len(), 13);
    for vector in vectors {
        let secrets = [raw("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), raw(&vector.secret)];
        let verified = verify(&vector.scheme, &secrets, &vector.headers(), &vector.body(), vector.now());
        let verified = verified.unwrap_or_else(|fault| panic!("{}: {fault}", vector.name));
        assert_eq!(verified.matched_secret, Some(1), "{}", vector.name);
        assert_eq!(verified.tier, Tier::Verified);
    }
}

#[test]
fn no_vector_survives_a_change() {
    for vector in Vector::all() {
        let (secrets, headers, body) = ([raw(&vector.secret)], vector.headers(), vector.body());
        let check = |headers: &Pairs, body: &[u8]| verify(&vector.scheme, &secrets, headers, body, vector.now());
        let name = &vector.name;
        for at in [0, body.len() / 2, body.len() - 1] {
            let mut body = body.clone();
            body[at] ^= 1;
            assert_eq!(check(&headers, &body), Err(VerifyError::SignatureMismatch), "{name} {at}");
        }
        let trimmed = body.trim_ascii_end();
        assert_eq!(check(&headers, trimmed).is_ok(), trimmed.len() == body.len(), "{name}");
        assert_eq!(check(&headers, &[]), Err(VerifyError::SignatureMismatch), "{name}");
        let header = vector.signature_header();
        assert!(matches!(check(&without(&headers, header), &body), Err(VerifyError::MissingHeader { .. })), "{name}");
        let mut doubled = headers.clone();
        doubled.push((header.to_uppercase(), value(&headers, header).to_owned()));
        assert_eq!(check(&doubled, &body), Err(flawed(header, Flaw::Duplicate)), "{name}");
        let other = [raw("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
        let verdict = verify(&vector.scheme, &other, &headers, &body, vector.now());
        assert_eq!(verdict, Err(VerifyError::SignatureMismatch), "{name}");
        assert_eq!(verify(&vector.scheme, &[], &headers, &body, vector.now()), Err(VerifyError::NoSecret), "{name}");
        let cut = value(&headers, header);
        assert!(check(&replaced(&headers, header, &cut[..cut.len() - 2]), &body).is_err(), "{name}");
        assert!(check(&replaced(&headers, header, &format!("{cut}00")), &body).is_err(), "{name}");
    }
}

#[test]
fn nothing_verifies_an_unverified_source_but_its_own_scheme() {
    let scheme: Scheme = serde_json::from_str(r#"{"type":"none"}"#).unwrap();
    let verified = verify(&scheme, &[], &pairs(&[]), b"anything", 0).unwrap();
    assert_eq!(verified, Verified { tier: Tier::Unauthenticated, matched_secret: None, signed_at_ms: None, id: None });
    assert_eq!(verified.tier.as_str(), "unauthenticated");
}

#[test]
fn a_scheme_is_strict_json() {
    for text in [
        r#"{"type":"none","secret":"x"}"#,
        r#"{"type":"standard_webhooks","tolerance":300}"#,
        r#"{"type":"hmac","header":"X-Sig","tolerence_seconds":5}"#,
        r#"{"type":"hmac","header":"X-Sig","digest":"sha3"}"#,
        r#"{"type":"token"}"#,
        r#"{"type":"token","location":"X-Token"}"#,
        r#"{"type":"basic","user":"x"}"#,
        r#"{"type":"hmac","header":"X-Sig","encoding":"base32"}"#,
        r#"{"type":"hmac","header":"X-Sig","digest":"md5"}"#,
        r#"{"type":"hmac","header":"X-Sig","timestamp_unit":"minutes"}"#,
        r#"{"type":"hmac","header":"X-Sig","signed_content":["{uri}"]}"#,
        r#"{"type":"hmac","header":"X-Sig","signed_content":"{body}"}"#,
        r#"{"type":"stripe"}"#,
        r#"{"header":"X-Sig"}"#,
        r#""none""#,
        "null",
    ] {
        assert!(serde_json::from_str::<Scheme>(text).is_err(), "{text}");
    }
    let standard: Scheme = serde_json::from_str(r#"{"type":"standard_webhooks"}"#).unwrap();
    assert_eq!(standard, Scheme::STANDARD);
    for vector in Vector::all() {
        let text = serde_json::to_string(&vector.scheme).unwrap();
        assert_eq!(serde_json::from_str::<Scheme>(&text).unwrap(), vector.scheme, "{text}");
    }
}

#[test]
fn errors_have_stable_codes_and_name_only_the_header() {
    let fault = flawed("webhook-signature", Flaw::Base64);
    assert_eq!(fault.code(), "malformed_header");
    assert_eq!(fault.to_string(), "the header webhook-signature is not canonical base64");
    assert_eq!(missing("webhook-id").code(), "missing_header");
    assert_eq!(VerifyError::NoSecret.code(), "no_secret");
    assert_eq!(VerifyError::SignatureMismatch.code(), "signature_mismatch");
    let stale = VerifyError::TimestampOutOfTolerance { direction: Direction::Past, tolerance_seconds: 300 };
    assert_eq!(stale.code(), "timestamp_out_of_tolerance");
    assert_eq!(stale.to_string(), "the signed time is too old (allowed: 300 s either way)");
}

proptest! {
    #[test]
    fn no_header_panics(id in "\\PC{0,9}", time in "[0-9eE+\\-.]{0,20}", signature in "(v1,| |[A-Za-z0-9+/=]){0,80}", body: Vec<u8>) {
        let headers = pairs(&[("webhook-id", &id), ("webhook-timestamp", &time), ("webhook-signature", &signature)]);
        let secrets = [RawSecret::parse("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap()];
        prop_assert!(verify(&Scheme::STANDARD, &secrets, &headers, &body, 1_700_000_000).is_err());
    }

    #[test]
    fn what_we_sign_we_verify(random: [[u8; 32]; 3], at in 0usize..3, secs in 0i64..10_000_000_000, body: Vec<u8>) {
        let secrets = random.map(SigningSecret::generate);
        let signature = sign_v1(&secrets[at..=at], "evt_1", secs, &body);
        let headers = pairs(&[("webhook-id", "evt_1"), ("webhook-timestamp", &secs.to_string()), ("webhook-signature", &signature)]);
        let raw = secrets.map(|secret| RawSecret::parse(&secret.reveal()).unwrap());
        let verified = verify(&Scheme::STANDARD, &raw, &headers, &body, secs).unwrap();
        prop_assert!(verified.matched_secret.is_some_and(|found| raw[found] == raw[at]));
    }
}
