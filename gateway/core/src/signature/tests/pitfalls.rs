//! What verifiers get wrong (partner-facts.md §A.5), one test each.

use serde_json::json;

use super::*;

const NOW: i64 = 1_700_000_000;
const KEY: &str = "test_secret_do_not_use";
const BODY: &[u8] = br#"{"b":1, "a":2}"#;
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn scheme(json: serde_json::Value) -> Scheme {
    let scheme: Scheme = serde_json::from_value(json).unwrap();
    scheme.check().unwrap();
    scheme
}

fn preset(id: &str) -> Scheme {
    crate::preset::preset(id).unwrap().verification.clone()
}

/// A request and its parts, which can be changed one at a time.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    path: String,
    query: String,
    headers: Pairs,
    body: Vec<u8>,
    url: &'static str,
}

impl Sent {
    fn new(headers: &[(&str, &str)], body: &[u8]) -> Self {
        let url = "https://hooks.example.com/webhooks/s";
        Self {
            method: "POST",
            path: String::new(),
            query: String::new(),
            headers: pairs(headers),
            body: body.to_vec(),
            url,
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: self.method,
            path: &self.path,
            query: &self.query,
            public_url: Some(self.url),
            ..Request::new(&self.headers, &self.body, NOW)
        }
    }

    fn signed(mut self, scheme: &Scheme) -> Self {
        let signed = sign_request(scheme, &raw(KEY), &self.request(), "id-1").unwrap();
        self.query = signed.query.unwrap_or(self.query);
        self.headers.extend(signed.headers);
        self
    }

    fn check(&self, scheme: &Scheme) -> Result<Verified, VerifyError> {
        super::super::verify(scheme, &[raw(KEY)], &self.request())
    }

    fn change(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    fn header(&mut self, name: &str) -> &mut String {
        &mut self.headers.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(name)).unwrap().1
    }
}

#[test]
fn raw_bytes_are_signed_and_nothing_is_serialised_again() {
    for id in ["github", "stripe", "shopify", "medplum"] {
        let scheme = preset(id);
        let sent = Sent::new(&[], BODY).signed(&scheme);
        assert!(sent.check(&scheme).is_ok(), "{id}");
        for body in [&br#"{"b":1,"a":2}"#[..], br#"{"a":2,"b":1}"#, br#"{"b":1, "a":2} "#, br#"{"b":1, "a":2.0}"#] {
            let changed = sent.change(|sent| sent.body = body.to_vec());
            assert_eq!(changed.check(&scheme), Err(VerifyError::SignatureMismatch), "{id}");
        }
    }
}

#[test]
fn header_duplicates_whitespace_and_case() {
    let scheme = preset("zoom");
    let sent = Sent::new(&[], BODY).signed(&scheme);
    for name in ["x-zm-signature", "x-zm-request-timestamp"] {
        let twice = sent.change(|sent| sent.headers.push((name.to_uppercase(), value(&sent.headers, name).to_owned())));
        assert_eq!(twice.check(&scheme), Err(flawed(name, Flaw::Duplicate)));
        let blanks = sent.change(|sent| *sent.header(name) = format!(" \t{} ", value(&sent.headers, name)));
        assert!(blanks.check(&scheme).is_ok());
    }
    let cased = sent.change(|sent| sent.headers.iter_mut().for_each(|(name, _)| *name = name.to_uppercase()));
    assert!(cased.check(&scheme).is_ok());
    let stripe = preset("stripe");
    let sent = Sent::new(&[], BODY).signed(&stripe);
    let spaced = sent
        .change(|sent| *sent.header("stripe-signature") = value(&sent.headers, "stripe-signature").replace(',', " , "));
    assert!(spaced.check(&stripe).is_ok());
}

#[test]
fn hex_of_odd_length_or_mixed_case() {
    let scheme = preset("medplum");
    let sent = Sent::new(&[], BODY).signed(&scheme);
    let good = value(&sent.headers, "x-signature").to_owned();
    let with = |text: &str| sent.change(|sent| text.clone_into(sent.header("x-signature"))).check(&scheme);
    assert!(with(&good.to_uppercase()).is_ok());
    let mixed: String =
        good.chars().enumerate().map(|(at, c)| if at % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect();
    assert!(with(&mixed).is_ok());
    assert_eq!(with(&good[1..]), Err(flawed("X-Signature", Flaw::Hex)));
    assert_eq!(with(&good[2..]), Err(flawed("X-Signature", Flaw::Length)));
}

#[test]
fn base64_that_is_not_canonical_lacks_padding_or_is_of_the_other_alphabet() {
    let strict = |encoding: &str| scheme(json!({"type": "hmac", "header": "S", "encoding": encoding}));
    let loose =
        |encoding: &str| scheme(json!({"type": "hmac", "header": "S", "encoding": encoding, "padding_optional": true}));
    // A body whose code has characters of both alphabets.
    let body = (0..1000).map(|n| n.to_string()).find(|body| {
        let sent = Sent::new(&[], body.as_bytes()).signed(&strict("base64"));
        let text = value(&sent.headers, "S");
        text.contains('+') && text.contains('/')
    });
    let body = body.unwrap();
    for (own, other) in [("base64", "base64url"), ("base64url", "base64")] {
        let sent = Sent::new(&[], body.as_bytes()).signed(&strict(own));
        let good = value(&sent.headers, "S").to_owned();
        let with = |scheme: &Scheme, text: &str| sent.change(|sent| text.clone_into(sent.header("S"))).check(scheme);
        assert!(with(&strict(own), &good).is_ok());
        assert_eq!(with(&strict(other), &good), Err(flawed("S", Flaw::Base64)));
        assert_eq!(with(&strict(own), good.trim_end_matches('=')), Err(flawed("S", Flaw::Base64)));
        assert!(with(&loose(own), good.trim_end_matches('=')).is_ok());
    }
}

#[test]
fn an_equals_sign_inside_base64_when_pairs_are_split() {
    let scheme = scheme(json!({"type": "hmac", "header": "S", "encoding": "base64",
        "format": {"type": "pairs", "delimiter": ";", "key": "s", "timestamp": "t"}}));
    let sent = Sent::new(&[], BODY).signed(&scheme);
    assert!(value(&sent.headers, "S").ends_with('='));
    assert!(sent.check(&scheme).is_ok());
}

#[test]
fn times_that_are_no_numbers_negative_too_large_or_of_another_unit() {
    let stripe = preset("stripe");
    let sent = Sent::new(&[], BODY).signed(&stripe);
    let at = |text: &str| {
        let changed = sent.change(|sent| {
            let own = value(&sent.headers, "stripe-signature").replace("t=1700000000", &format!("t={text}"));
            *sent.header("stripe-signature") = own;
        });
        changed.check(&stripe).unwrap_err()
    };
    for text in [
        "Infinity",
        "NaN",
        "-1700000000",
        "1e9",
        "1700000000.5",
        "99999999999999999999",
        "17000000O0",
        " 1",
        "+1700000000",
        "0x6553f100",
    ] {
        assert!(matches!(at(text), VerifyError::MalformedHeader { flaw: Flaw::Timestamp, .. }), "{text}");
    }
    assert!(matches!(at(""), VerifyError::MalformedHeader { flaw: Flaw::NoTimestamp, .. }));
    let future = |fault| matches!(fault, VerifyError::TimestampOutOfTolerance { direction: Direction::Future, .. });
    assert!(future(at("1700000000000")), "milliseconds for seconds");
    assert!(future(at("1700000301")), "a future time");
    let twice = sent.change(|sent| sent.header("stripe-signature").push_str(",t=1700000000"));
    assert!(matches!(twice.check(&stripe), Err(VerifyError::MalformedHeader { flaw: Flaw::Duplicate, .. })));
}

#[test]
fn times_in_words_are_read_in_one_form() {
    let gorilla = preset("health-gorilla");
    let sent = Sent::new(&[], BODY).signed(&gorilla);
    assert_eq!(value(&sent.headers, "date"), "Tue, 14 Nov 2023 22:13:20 GMT");
    assert_eq!(sent.check(&gorilla).unwrap().signed_at_ms, Some(NOW * 1000));
    for (text, code) in [
        ("Tue, 14 Nov 2023 23:13:20 GMT", "timestamp_out_of_tolerance"),
        ("1700000000", "malformed_header"),
        ("Tue", "malformed_header"),
    ] {
        let changed = sent.change(|sent| text.clone_into(sent.header("date")));
        assert_eq!(changed.check(&gorilla).unwrap_err().code(), code, "{text}");
    }
    let iso = scheme(json!({"type": "hmac", "header": "S", "timestamp_header": "T", "timestamp_unit": "rfc3339"}));
    let sent = Sent::new(&[], BODY).signed(&iso);
    assert_eq!(value(&sent.headers, "T"), "2023-11-14T22:13:20Z");
    assert_eq!(sent.check(&iso).unwrap().signed_at_ms, Some(NOW * 1000));
    let changed = sent.change(|sent| "2023-11-14T22:13:20".clone_into(sent.header("T")));
    assert_eq!(changed.check(&iso), Err(flawed("T", Flaw::Date)));
}

#[test]
fn a_secret_of_the_wrong_kind() {
    let of = |key: &str| scheme(json!({"type": "hmac", "header": "S", "key": key}));
    for (key, good, bad) in [
        ("whsec", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "not base64!"),
        ("base64", "c2VjcmV0", "whsec_!!"),
        ("hex", "00ff", "xyz"),
    ] {
        assert!(of(key).check_secret(&raw(good)).is_ok(), "{key}");
        assert!(of(key).check_secret(&raw(bad)).is_err(), "{key}");
        assert_eq!(verify(&of(key), &[raw(bad)], &pairs(&[("S", "00")]), BODY, NOW), Err(VerifyError::NoSecret));
    }
    // The same text is another key under another derivation.
    let secret = raw("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let signatures: Vec<_> = ["utf8", "whsec", "sha1"]
        .map(|key| {
            if let Scheme::Hmac(own) = of(key) { own.sign(&secret, &pairs(&[]), BODY).unwrap() } else { String::new() }
        })
        .into();
    assert_eq!(signatures.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    assert!(preset("elation").check_secret(&raw("a text")).is_err());
    assert!(preset("zus").check_secret(&raw("a text")).is_err());
}

#[test]
fn an_empty_secret_or_token_never_matches() {
    assert!(RawSecret::parse("").is_err());
    let empty_key = scheme(json!({"type": "hmac", "header": "S", "key": "whsec"}));
    let code = hex::encode(Keyed::new(Digest::Sha256, b"").of(&[BODY]));
    assert_eq!(verify(&empty_key, &[raw("whsec_")], &pairs(&[("S", &code)]), BODY, NOW), Err(VerifyError::NoSecret));
    for (id, headers) in [
        ("redox", vec![("verification-token", "")]),
        ("drchrono", vec![("x-drchrono-signature", " ")]),
        ("hapi-fhir", vec![("authorization", "Bearer ")]),
        ("hapi-fhir", vec![("authorization", "Bearer")]),
        ("zus", vec![("authorization", "Basic ")]),
        ("zus", vec![("authorization", "Basic Og==")]),
        ("github", vec![("x-hub-signature-256", "sha256=")]),
        ("elation", vec![("el8-ed25519-signature", "")]),
    ] {
        for secrets in [vec![], vec![raw("u:p")]] {
            assert!(verify(&preset(id), &secrets, &pairs(&headers), BODY, NOW).is_err(), "{id} {headers:?}");
        }
    }
}

#[test]
fn any_match_is_bounded_in_count_and_finds_each() {
    let stripe = preset("stripe");
    let sent = Sent::new(&[], BODY).signed(&stripe);
    let good = value(&sent.headers, "stripe-signature").to_owned();
    let wrong = format!("v1={}", "0".repeat(64));
    let with = |text: String| sent.change(|sent| *sent.header("stripe-signature") = text).check(&stripe);
    assert!(with(format!("{good}{}", format!(",{wrong}").repeat(15))).is_ok());
    assert!(
        with(good.replace(",v1=", &format!(",{wrong},v0=aa,v2=bb,v1=zz,v1="))).is_ok(),
        "v0, v2 and broken ones are passed over"
    );
    let fault = with(format!("{good}{}", format!(",{wrong}").repeat(16)));
    assert_eq!(fault, Err(flawed("Stripe-Signature", Flaw::TooMany)));
    let fault = with(format!("{good}{}", ",x=1".repeat(31)));
    assert_eq!(fault, Err(flawed("Stripe-Signature", Flaw::TooMany)));
    assert_eq!(with(good.replace("v1=", "v0=")), Err(flawed("Stripe-Signature", Flaw::NoSignature)));
    let secrets = [raw("a"), raw("b"), raw(KEY)];
    let verified = super::super::verify(&stripe, &secrets, &sent.request()).unwrap();
    assert_eq!(verified.matched_secret, Some(2));
}

#[test]
fn a_weaker_scheme_never_rescues_a_stronger_one() {
    let github = preset("github");
    let Scheme::Strongest { schemes } = &github else { panic!("a list") };
    let [strong, weak] = schemes.as_slice() else { panic!("two") };
    let both = Sent::new(&[], BODY).signed(strong).signed(weak);
    assert!(both.check(&github).is_ok());
    for broken in ["sha256=00", "", "sha256=", &format!("sha256={}", "0".repeat(64))] {
        let changed = both.change(|sent| broken.clone_into(sent.header("x-hub-signature-256")));
        assert!(changed.check(&github).is_err(), "{broken}");
    }
    let twice = both.change(|sent| sent.headers.push(("X-Hub-Signature-256".to_owned(), "sha256=00".to_owned())));
    assert_eq!(twice.check(&github), Err(flawed("X-Hub-Signature-256", Flaw::Duplicate)));
    assert!(Sent::new(&[], BODY).signed(weak).check(&github).is_ok(), "nothing stronger is offered");
    assert_eq!(Sent::new(&[], BODY).check(&github), Err(missing("X-Hub-Signature-256")));
    // A signature and a token: the token alone is enough only where there is no signature.
    let mixed = scheme(
        json!({"type": "strongest", "schemes": [{"type": "hmac", "header": "S"}, {"type": "token", "location": "header:T"}]}),
    );
    let token = Sent::new(&[("T", KEY)], BODY);
    assert_eq!(token.check(&mixed).unwrap().tier, Tier::Authenticated);
    assert!(token.change(|sent| sent.headers.push(("S".to_owned(), "00".to_owned()))).check(&mixed).is_err());
}

#[test]
fn every_hash_function_has_its_code() {
    // RFC 4231, test case 2, and RFC 2202, test case 2.
    let data = "what do ya want for nothing?";
    for (digest, code) in [
        (Digest::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (Digest::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            Digest::Sha384,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            Digest::Sha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        assert_eq!(hex::encode(Keyed::new(digest, b"Jefe").of(&[data])), code);
        assert_eq!(Digest::of_word(digest.word().as_bytes()), Some(digest));
        assert_eq!(digest.of(b"").len(), digest.length());
    }
}

#[test]
fn a_method_that_the_header_names_is_one_that_the_scheme_accepts() {
    let athena = preset("athenahealth");
    for method in ["sha256", "sha512"] {
        let of_one = scheme(json!({"type": "hmac", "header": "X-Hub-Signature", "methods": [method]}));
        let sent = Sent::new(&[], BODY).signed(&of_one);
        assert!(value(&sent.headers, "x-hub-signature").starts_with(&format!("{method}=")));
        assert!(sent.check(&athena).is_ok(), "{method}");
    }
    let sha1 = scheme(json!({"type": "hmac", "header": "X-Hub-Signature", "methods": ["sha1"]}));
    let sent = Sent::new(&[], BODY).signed(&sha1);
    assert_eq!(sent.check(&athena), Err(flawed("X-Hub-Signature", Flaw::Method)));
    let md5 = sent.change(|sent| "md5=00".clone_into(sent.header("x-hub-signature")));
    assert_eq!(md5.check(&athena), Err(flawed("X-Hub-Signature", Flaw::Method)));
}

#[test]
fn a_url_with_or_without_its_default_port() {
    let twilio = preset("twilio");
    let form = Sent::new(&[FORM], b"From=%2B1415&To=x");
    let signed = form.change(|sent| sent.url = "https://hooks.example.com:443/webhooks/s").signed(&twilio);
    assert!(signed.check(&twilio).is_ok());
    assert!(signed.change(|sent| sent.url = "https://hooks.example.com/webhooks/s").check(&twilio).is_ok());
    assert!(signed.change(|sent| sent.url = "https://hooks.example.com:8443/webhooks/s").check(&twilio).is_err());
    assert!(signed.change(|sent| sent.url = "http://hooks.example.com:443/webhooks/s").check(&twilio).is_err());
    let square = preset("square");
    let signed = Sent::new(&[], BODY).signed(&square);
    assert!(signed.change(|sent| sent.url = "https://hooks.example.com:443/webhooks/s").check(&square).is_err());
}

#[test]
fn percent_encoding_a_trailing_slash_and_the_base_path_of_a_proxy() {
    let square = preset("square");
    let sent = Sent::new(&[], BODY)
        .change(|sent| {
            sent.path = "/a%2Fb".to_owned();
            sent.query = "x=%20".to_owned();
            sent.url = "https://edge.example.com/base/square";
        })
        .signed(&square);
    assert!(sent.check(&square).is_ok());
    for changed in [
        sent.change(|sent| sent.path = "/a/b".to_owned()),
        sent.change(|sent| sent.path.push('/')),
        sent.change(|sent| sent.query = "x=+".to_owned()),
        sent.change(|sent| sent.query.clear()),
        sent.change(|sent| sent.url = "https://edge.example.com/square"),
    ] {
        assert_eq!(changed.check(&square), Err(VerifyError::SignatureMismatch));
    }
    // What was told with a slash at its end is signed with it, whether the proxy passes it on or not.
    let told = Sent::new(&[], BODY).change(|sent| sent.url = "https://edge.example.com/s/").signed(&square);
    assert!(told.check(&square).is_ok());
    assert!(told.change(|sent| sent.path = "/".to_owned()).check(&square).is_ok());
    // Nothing that a request says of itself is the URL.
    let forged = told.change(|sent| {
        sent.url = "https://other.example.com/s/";
        sent.headers.push(("Host".to_owned(), "edge.example.com".to_owned()));
        sent.headers.push(("X-Forwarded-Host".to_owned(), "edge.example.com".to_owned()));
    });
    assert_eq!(forged.check(&square), Err(VerifyError::SignatureMismatch));
    let without = Request { public_url: None, ..told.request() };
    assert_eq!(super::super::verify(&square, &[raw(KEY)], &without), Err(VerifyError::NoPublicUrl));
    // Healthie signs the path that it knows.
    let healthie = preset("healthie");
    let sent = Sent::new(&[("Content-Type", "application/json")], BODY).signed(&healthie);
    assert!(sent.check(&healthie).is_ok());
    assert!(sent.change(|sent| sent.url = "https://hooks.example.com/ops/webhooks/s").check(&healthie).is_err());
    assert!(sent.change(|sent| sent.method = "PUT").check(&healthie).is_err());
}

#[test]
fn a_body_digest_is_computed_anew() {
    let gorilla = preset("health-gorilla");
    let sent = Sent::new(&[], BODY).signed(&gorilla);
    assert!(sent.check(&gorilla).is_ok());
    let swapped = sent.change(|sent| sent.body = b"{}".to_vec());
    assert_eq!(swapped.check(&gorilla), Err(flawed("Digest", Flaw::BodyDigest)));
    let other_digest = Sent::new(&[], b"{}").signed(&gorilla);
    let replaced = swapped.change(|sent| *sent.header("digest") = value(&other_digest.headers, "digest").to_owned());
    assert_eq!(replaced.check(&gorilla), Err(VerifyError::SignatureMismatch));
    assert!(sent.change(|sent| *sent.header("digest") = "SHA-512=AAAA".to_owned()).check(&gorilla).is_err());
    assert_eq!(
        sent.change(|sent| sent.headers.retain(|(name, _)| name != "Digest")).check(&gorilla),
        Err(missing("Digest"))
    );
    // Twilio: what is no form has its digest in the signed query.
    let twilio = preset("twilio");
    let json = Sent::new(&[("Content-Type", "application/json")], BODY).signed(&twilio);
    assert!(json.query.starts_with("bodySHA256=") && json.check(&twilio).is_ok());
    let swapped = json.change(|sent| sent.body = b"{}".to_vec());
    assert_eq!(
        swapped.check(&twilio),
        Err(VerifyError::MalformedField { place: "query:bodySHA256".to_owned(), flaw: Flaw::BodyDigest })
    );
    assert_eq!(
        json.change(|sent| FORM.1.clone_into(sent.header("content-type"))).check(&twilio),
        Err(VerifyError::SignatureMismatch)
    );
    let get = Sent::new(&[], b"").change(|sent| sent.method = "GET").signed(&twilio);
    assert!(get.check(&twilio).is_ok());
    let added = get.change(|sent| sent.body = BODY.to_vec());
    assert_eq!(added.check(&twilio), Err(VerifyError::MissingField { place: "query:bodySHA256".to_owned() }));
    let separators = get.change(|sent| {
        sent.headers.push((FORM.0.to_owned(), FORM.1.to_owned()));
        sent.body = b"&&".to_vec();
    });
    assert_eq!(separators.check(&twilio), Err(VerifyError::SignatureMismatch));
}

#[test]
fn a_replay_is_known_by_the_id_that_was_signed() {
    use crate::secret::SigningKey;
    let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let signature = sign([&key], "msg_1", NOW, BODY);
    let headers =
        pairs(&[("webhook-id", "msg_1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", &signature)]);
    let secrets = [raw("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")];
    let ids = [NOW, NOW + 200].map(|now| verify(&Scheme::STANDARD, &secrets, &headers, BODY, now).unwrap().id);
    assert_eq!(ids, [Some("msg_1".to_owned()), Some("msg_1".to_owned())], "the same id both times");
    let renamed = replaced(&headers, "webhook-id", "msg_2");
    assert_eq!(verify(&Scheme::STANDARD, &secrets, &renamed, BODY, NOW), Err(VerifyError::SignatureMismatch));
}

#[test]
fn a_compressed_body_is_verified_before_it_is_decoded() {
    let github = preset("github");
    let gzip = [0x1F, 0x8B, 0x08, 0x00, 0xFF, 0xFE, 0x00];
    let sent = Sent::new(&[("Content-Encoding", "gzip")], &gzip).signed(&github);
    assert!(sent.check(&github).is_ok());
    assert!(sent.change(|sent| sent.body.truncate(6)).check(&github).is_err());
}

#[test]
fn json_with_duplicate_keys_is_verified_as_bytes() {
    let scheme = preset("github");
    let sent = Sent::new(&[], br#"{"a":1,"a":2}"#).signed(&scheme);
    assert!(sent.check(&scheme).is_ok());
    assert!(sent.change(|sent| sent.body = br#"{"a":2}"#.to_vec()).check(&scheme).is_err());
}

#[test]
fn several_headers_a_field_of_the_body_and_a_parameter_of_the_query_hold_signatures() {
    let docusign = scheme(json!({"type": "hmac", "location": "headers:x-docusign-signature-", "encoding": "base64"}));
    let sent = Sent::new(&[], BODY).signed(&docusign);
    assert!(sent.check(&docusign).is_ok());
    let second = sent.change(|sent| {
        sent.headers
            .push(("X-DocuSign-Signature-2".to_owned(), value(&sent.headers, "x-docusign-signature-1").to_owned()));
        *sent.header("x-docusign-signature-1") = STANDARD.encode([0; 32]);
    });
    assert!(second.check(&docusign).is_ok());
    assert_eq!(Sent::new(&[], BODY).check(&docusign), Err(missing("x-docusign-signature-1")));
    // What a field of the body signs is never the whole body.
    let mailgun = scheme(
        json!({"type": "hmac", "location": "body:/sig", "signed_content": ["{body:/token}"], "body_unsigned": true}),
    );
    let code = hex::encode(Keyed::new(Digest::Sha256, KEY.as_bytes()).of(&["abc"]));
    let body = json!({"sig": code, "token": "abc"}).to_string();
    assert_eq!(Sent::new(&[], body.as_bytes()).check(&mailgun).unwrap().tier, Tier::Authenticated);
    assert_eq!(Sent::new(&[], b"{}").check(&mailgun), Err(VerifyError::MissingField { place: "body:/sig".to_owned() }));
    let query = scheme(json!({"type": "hmac", "location": "query:sig"}));
    let sent = Sent::new(&[], BODY).signed(&query);
    assert!(sent.query.starts_with("sig=") && sent.check(&query).is_ok());
    let form =
        scheme(json!({"type": "hmac", "location": "form:sig", "signed_content": ["{form:a}"], "body_unsigned": true}));
    let code = hex::encode(Keyed::new(Digest::Sha256, KEY.as_bytes()).of(&["b c"]));
    assert!(Sent::new(&[FORM], format!("a=b+c&sig={code}").as_bytes()).check(&form).is_ok());
}
