//! The 33 vectors that were published by vendors or computed from their rules.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::handshake::answer;
use crate::preset::{Preset, preset};
use crate::secret::RawSecret;
use crate::signature::{Request, Tier, Verifier, VerifyError};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/signature-vectors.json");
/// In a worktree of the repository the shared files are one level further up.
const FILE_OF_A_WORKTREE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/reference/signature-vectors.json");

#[derive(Deserialize)]
struct Vector {
    scheme: String,
    #[serde(default)]
    secret: String,
    public: Option<String>,
    public_key_base64: Option<String>,
    url_signed: Option<String>,
    #[serde(default)]
    form: BTreeMap<String, String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    content_type: Option<String>,
    body: Option<String>,
    body_base64: Option<String>,
    method: Option<String>,
    path: Option<String>,
    query: Option<String>,
    expect_response: Option<Value>,
}

impl Vector {
    fn preset(&self) -> &'static Preset {
        let word = self.scheme.split([' ', '/']).next().unwrap();
        let id = match word {
            "standard-webhooks-v1a" => "standard-webhooks",
            "twilio-form" | "twilio-form-duplicates" | "twilio-json" => "twilio",
            "websub" => "athenahealth",
            "zoom-url-validation" => "zoom",
            "medplum-delete" => "medplum",
            "drchrono-verify-get" | "drchrono-delivery" => "drchrono",
            "redox-post-verify" | "redox-get-verify" => "redox",
            "twitter-crc" => "x",
            other => other,
        };
        preset(id).unwrap_or_else(|| panic!("no preset for {word}"))
    }

    fn secrets(&self) -> Vec<RawSecret> {
        let own = self.public.as_ref().or(self.public_key_base64.as_ref()).unwrap_or(&self.secret);
        vec![RawSecret::parse(own).unwrap()]
    }

    fn body(&self) -> Vec<u8> {
        match (&self.body, &self.body_base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(encoded)) => STANDARD.decode(encoded).unwrap(),
            (None, None) => {
                let percent = |text: &str| text.replace('+', "%2B");
                let fields: Vec<_> = self.form.iter().map(|(k, v)| format!("{}={}", percent(k), percent(v))).collect();
                fields.join("&").into_bytes()
            }
            (Some(_), Some(_)) => panic!("two bodies"),
        }
    }

    fn headers(&self) -> Vec<(String, String)> {
        let mut headers: Vec<_> = self.headers.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let form = !self.form.is_empty() || self.scheme == "twilio-form-duplicates";
        let otherwise = if form { "application/x-www-form-urlencoded" } else { "application/json" };
        if !self.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
            headers
                .push(("Content-Type".to_owned(), self.content_type.clone().unwrap_or_else(|| otherwise.to_owned())));
        }
        headers
    }

    /// The time it was signed at, where it says so.
    fn now(&self) -> i64 {
        let time = self.headers.iter().find(|(name, _)| name.to_lowercase().ends_with("timestamp"));
        time.map_or(1_700_000_000, |(_, value)| value.parse().unwrap())
    }
}

fn all() -> Option<Vec<Vector>> {
    let text = [FILE, FILE_OF_A_WORKTREE].iter().find_map(|file| std::fs::read_to_string(file).ok())?;
    Some(serde_json::from_str(&text).unwrap())
}

fn with_request(vector: &Vector, body: &[u8], check: &mut dyn FnMut(&Request<'_>)) {
    let headers = vector.headers();
    // Requests arrive without a default port whatever was signed; the source says its URL once.
    let url = vector.url_signed.clone().unwrap_or_default().replace("com:443/", "com/").replace("com:80/", "com/");
    let (base, signed_query) = url.split_once('?').unwrap_or((&url, ""));
    let of_path = vector.path.as_ref().map(|path| format!("https://hooks.example.com{path}"));
    check(&Request {
        method: vector.method.as_deref().unwrap_or("POST"),
        query: vector.query.as_deref().unwrap_or(signed_query),
        public_url: Some(of_path.as_deref().unwrap_or(base)),
        ..Request::new(&headers, body, vector.now())
    });
}

#[test]
fn all_33_vectors() {
    // Where the shared files are not, there is nothing to read; vectors.json beside the engine holds 13 of them.
    let Some(vectors) = all() else { return };
    assert_eq!(vectors.len(), 33);
    for vector in &vectors {
        let (row, secrets, body) = (vector.preset(), vector.secrets(), vector.body());
        let verifier = Verifier::new(&row.verification, &secrets).unwrap();
        with_request(vector, &body, &mut |request| {
            let shaken = answer(&row.handshakes, request, &verifier, &secrets);
            if let Some(expected) = &vector.expect_response {
                let reply = shaken.unwrap().1.unwrap_or_else(|error| panic!("{}: {error}", vector.scheme));
                match expected.get("json") {
                    Some(json) => assert_eq!(serde_json::from_str::<Value>(&reply.body).unwrap(), *json),
                    None => assert!(reply.body.contains(expected["body_contains"].as_str().unwrap())),
                }
            } else {
                assert!(shaken.is_none(), "{} is a message", vector.scheme);
                let outcome = verifier.verify(request).unwrap_or_else(|error| panic!("{}: {error}", vector.scheme));
                let tier = if row.id == "drchrono" { Tier::Authenticated } else { Tier::Verified };
                assert_eq!((outcome.tier, outcome.matched_secret), (tier, Some(0)), "{}", vector.scheme);
            }
        });
    }
}

#[test]
fn no_vector_survives_another_body_or_another_secret() {
    for vector in all().unwrap_or_default().iter().filter(|vector| vector.expect_response.is_none()) {
        let (row, body) = (vector.preset(), vector.body());
        if row.id == "drchrono" {
            continue;
        }
        let secrets = vector.secrets();
        let verifier = Verifier::new(&row.verification, &secrets).unwrap();
        for changed in [[&body[..], b"x"].concat(), body[..body.len() - 1].to_vec()] {
            with_request(vector, &changed, &mut |request| {
                let fault = verifier.verify(request).unwrap_err();
                assert!(
                    matches!(
                        fault,
                        VerifyError::SignatureMismatch
                            | VerifyError::MalformedField { .. }
                            | VerifyError::MalformedHeader { .. }
                    ),
                    "{}: {fault}",
                    vector.scheme
                );
            });
        }
        let other = [RawSecret::parse("another secret altogether").unwrap()];
        let other = Verifier::new(&row.verification, &other).unwrap();
        with_request(vector, &body, &mut |request| assert!(other.verify(request).is_err(), "{}", vector.scheme));
    }
}
