//! Signatures and handshakes: whatever a stranger puts where a partner's signature stands, nothing panics, nothing verifies, and nothing that
//! could be a signature is given away.
//!
//! How it is run stands in `er7.rs`; the name is `signature`.
#![no_main]

use hookwright_core::handshake::{Reply, answer, is_mac_challenge};
use hookwright_core::preset::{Preset, all};
use hookwright_core::secret::RawSecret;
use hookwright_core::signature::{Place, Request, Scheme, Verifier};
use libfuzzer_sys::fuzz_target;

/// Of a kind that each scheme can use; nobody guesses it.
const SECRETS: [&str; 3] = [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
    "partner:2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
];
const NOW: i64 = 1_700_000_000;

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let preset = &all()[usize::from(choice & 31) % all().len()];
    // Four lines and a body.
    let mut lines = rest.splitn(5, |byte| *byte == b'\n');
    let [signature, time, id, query] = [(); 4].map(|()| lines.next().unwrap_or_default());
    let body = lines.next().unwrap_or_default();
    let Ok(query) = std::str::from_utf8(query) else { return };
    let headers = headers(&preset.verification, signature, time, id, choice & 32 != 0);
    let method = if choice & 64 == 0 { "POST" } else { "GET" };
    let request = Request {
        method,
        path: "/hook",
        query,
        public_url: Some("https://hooks.example.com/webhooks/s"),
        ..Request::new(&headers, body, NOW)
    };
    check(preset, &request);
});

fn check(preset: &Preset, request: &Request<'_>) {
    let secrets = SECRETS.map(|text| RawSecret::parse(text).expect("a secret"));
    let verifier = Verifier::new(&preset.verification, &secrets).expect("a preset can be carried out");
    assert!(verifier.verify(request).is_err(), "{} took what nobody signed", preset.id);
    let Some((handshake, Ok(reply))) = answer(&preset.handshakes, request, &verifier, &secrets) else { return };
    let Reply { body, headers, .. } = reply;
    assert!(body.len() <= 2048 && headers.is_empty() && !body.contains('<'));
    if handshake.answers_with_mac()
        && let Place::Query(name) = &handshake.challenge
        && matches!(preset.verification, Scheme::Hmac(_))
    {
        let pairs = url::form_urlencoded::parse(request.query.as_bytes());
        let challenge = pairs.into_iter().find(|(own, _)| own == name).expect("a challenge").1;
        assert!(
            is_mac_challenge(&preset.handshakes, &preset.verification, challenge.as_bytes()),
            "a signature was given away"
        );
    }
}

/// Every header that a scheme reads, with what the fuzzer wants there.
fn headers(scheme: &Scheme, signature: &[u8], time: &[u8], id: &[u8], form: bool) -> Vec<(String, Vec<u8>)> {
    let content_type = if form { "application/x-www-form-urlencoded" } else { "application/json" };
    let mut headers = vec![("content-type".to_owned(), content_type.as_bytes().to_vec())];
    for name in ["webhook-timestamp", "svix-timestamp"] {
        headers.push((name.to_owned(), time.to_vec()));
    }
    for name in ["webhook-id", "svix-id", "digest"] {
        headers.push((name.to_owned(), id.to_vec()));
    }
    for place in scheme.places() {
        if let Place::Header(name) = place {
            headers.push((name, signature.to_vec()));
        }
    }
    let members =
        if let Scheme::Strongest { schemes } = scheme { schemes.as_slice() } else { std::slice::from_ref(scheme) };
    for member in members {
        if let Scheme::Hmac(scheme) | Scheme::Ed25519(scheme) = member {
            headers.extend(scheme.timestamp_header.iter().map(|name| (name.clone(), time.to_vec())));
            if headers.iter().all(|(name, _)| Some(name) != scheme.id_header.as_ref()) {
                headers.extend(scheme.id_header.iter().map(|name| (name.clone(), id.to_vec())));
            }
        }
    }
    headers
}
