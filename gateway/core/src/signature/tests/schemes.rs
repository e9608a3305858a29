//! Schemes of partners that have no preset, every knob among them. Signatures were made with Python's `hmac` and `cryptography`, not here; the
//! gateway's own tests send the same requests through a running one.

use serde::Deserialize;

use super::*;

const NOW: i64 = 1_700_000_000;
const BODY: &str = r#"{"event":"video_call.completed","data":{"appointment_id":"apt_1"}}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    verification: Scheme,
    secrets: Vec<String>,
    headers: Pairs,
    #[serde(default = "body")]
    body: String,
    #[serde(default = "post")]
    method: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    query: String,
    public_url: Option<String>,
    tier: String,
    #[serde(default)]
    secret_at: usize,
    id: Option<String>,
    refused: Vec<Change>,
}

/// What is another in a request that must not pass.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    code: String,
    headers: Option<Pairs>,
    body: Option<String>,
    method: Option<String>,
    path: Option<String>,
    query: Option<String>,
}

fn body() -> String {
    BODY.to_owned()
}

fn post() -> String {
    "POST".to_owned()
}

impl Case {
    fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            public_url: self.public_url.as_deref(),
            ..Request::new(&self.headers, self.body.as_bytes(), NOW)
        }
    }
}

impl Change {
    fn of<'a>(&'a self, request: Request<'a>) -> Request<'a> {
        let headers = self.headers.as_ref().map(|headers| headers as &dyn Headers);
        Request {
            method: self.method.as_deref().unwrap_or(request.method),
            path: self.path.as_deref().unwrap_or(request.path),
            query: self.query.as_deref().unwrap_or(request.query),
            headers: headers.unwrap_or(request.headers),
            body: self.body.as_ref().map_or(request.body, String::as_bytes),
            ..request
        }
    }
}

#[test]
fn every_knob_takes_what_is_right_and_refuses_what_is_not() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../schemes.json")).unwrap();
    assert!(cases.len() > 30);
    for case in &cases {
        let name = &case.name;
        let secrets: Vec<_> = case.secrets.iter().map(|text| raw(text)).collect();
        for secret in &secrets {
            assert_eq!(case.verification.check_secret(secret), Ok(()), "{name}");
        }
        let verifier = Verifier::new(&case.verification, &secrets).unwrap();
        let outcome = verifier.verify(&case.request()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(outcome.tier.as_str(), case.tier, "{name}");
        assert_eq!((outcome.matched_secret, outcome.id.as_ref()), (Some(case.secret_at), case.id.as_ref()), "{name}");
        for (at, change) in case.refused.iter().enumerate() {
            let fault = verifier.verify(&change.of(case.request())).map(|_| ()).unwrap_err();
            assert_eq!(fault.code(), change.code, "{name}, {at}: {fault}");
        }
        // Whatever is signed, another body is not.
        if case.tier == "verified" {
            let other = case.body.replace(['a', 'e'], "x");
            let other = Request { body: other.as_bytes(), ..case.request() };
            assert!(verifier.verify(&other).is_err(), "{name}");
        }
    }
}

#[test]
fn no_case_leaves_a_knob_out() {
    let text = include_str!("../schemes.json");
    for knob in [
        "\"location\": \"headers:",
        "\"location\": \"body:",
        "\"location\": \"form:",
        "\"location\": \"query:",
        "\"prefix\"",
        "\"suffix\"",
        "\"pairs\"",
        "\"tagged\"",
        "\"positional\"",
        "\"timestamp_prefix\"",
        "\"base64url\"",
        "\"padding_optional\"",
        "\"sha512\"",
        "\"sha1\"",
        "\"whsec\"",
        "\"key\": \"base64\"",
        "\"key\": \"hex\"",
        "\"key\": \"sha1\"",
        "\"milliseconds\"",
        "\"rfc3339\"",
        "\"tolerance_seconds\": null",
        "{timestamp}",
        "{header:",
        "{body}",
        "{method}",
        "{method_lower}",
        "{url}",
        "{path}",
        "{query}",
        "{query:",
        "{form:",
        "{body:",
        "{sorted_form}",
        "{body_digest:",
        "{content_length}",
        "\"ed25519\"",
        "\"token\"",
        "\"basic\"",
        "\"bearer\"",
        "\"strongest\"",
        "\"methods\"",
        "\"body_digest\"",
        "\"body_unsigned\"",
        "\"id_header\"",
    ] {
        assert!(text.contains(knob), "{knob}");
    }
}

#[test]
fn what_ends_a_signature_is_punctuation() {
    for (suffix, holds) in
        [("", true), (":", true), (";\"", true), ("=", false), ("a", false), (" ", false), ("é", false)]
    {
        let scheme = SignatureScheme { suffix: suffix.to_owned(), ..SignatureScheme::new("S") };
        assert_eq!(Scheme::Hmac(scheme).check().is_ok(), holds, "{suffix}");
    }
}

/// Text near what such headers hold, so that more than the first look is tried.
fn near() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"v1=".to_vec()),
        Just(b"v0=".to_vec()),
        Just(b"v1,".to_vec()),
        Just(b"sha256=".to_vec()),
        Just(b"sha1=".to_vec()),
        Just(b"sig1=:".to_vec()),
        Just(b"t=".to_vec()),
        Just(b"1700000000".to_vec()),
        Just(b",".to_vec()),
        Just(b";".to_vec()),
        Just(b" ".to_vec()),
        Just(b":".to_vec()),
        Just(b"=".to_vec()),
        Just("0".repeat(64).into_bytes()),
        Just("0".repeat(40).into_bytes()),
        Just(STANDARD.encode([0; 32]).into_bytes()),
        Just(STANDARD.encode([0; 64]).into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..12),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_that_a_stranger_sends_panics_or_verifies(
        header in near(),
        time in near(),
        query in "[a-z]{0,4}=?[a-z0-9%+&=]{0,40}",
        body in near(),
        form in any::<bool>(),
    ) {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../schemes.json")).unwrap();
        for case in &cases {
            let content_type = if form { "application/x-www-form-urlencoded" } else { "application/json" };
            let value = |name: &str| match name {
                "Content-Type" => content_type.as_bytes().to_vec(),
                name if name.to_ascii_lowercase().contains("time") => time.clone(),
                _ => header.clone(),
            };
            let headers: Vec<(String, Vec<u8>)> =
                case.headers.iter().map(|(name, _)| (name.clone(), value(name))).collect();
            let secrets: Vec<_> = case.secrets.iter().map(|text| raw(text)).collect();
            let request = Request { headers: &headers, query: &query, body: &body, ..case.request() };
            prop_assert!(super::super::verify(&case.verification, &secrets, &request).is_err(), "{}", case.name);
        }
    }
}
