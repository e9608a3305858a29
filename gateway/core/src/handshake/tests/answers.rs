//! What is answered, and what is not.

use super::*;
use crate::secret::RawSecret;
use crate::signature::{Headers, Keyed, Request, Scheme, Verifier, sign_request};

const NOW: i64 = 1_700_000_000;
const SECRET: &str = "test_secret_do_not_use";

type Pairs = Vec<(String, String)>;

struct Partner {
    scheme: Scheme,
    secrets: Vec<RawSecret>,
    handshakes: Vec<Handshake>,
}

impl Partner {
    fn new(scheme: serde_json::Value, secrets: &[&str], handshake: serde_json::Value) -> Self {
        let handshake = read(handshake);
        handshake.check().unwrap();
        let scheme: Scheme = serde_json::from_value(scheme).unwrap();
        check_apart(std::slice::from_ref(&handshake), &scheme).unwrap();
        let secrets = secrets.iter().map(|text| RawSecret::parse(text).unwrap()).collect();
        Self { scheme, secrets, handshakes: vec![handshake] }
    }

    fn ask(&self, request: &Request<'_>) -> Option<Result<Reply, Refusal>> {
        let verifier = Verifier::new(&self.scheme, &self.secrets).unwrap();
        answer(&self.handshakes, request, &verifier, &self.secrets).map(|(_, reply)| reply)
    }

    fn get(&self, query: &str) -> Option<Result<Reply, Refusal>> {
        let headers = Pairs::new();
        self.ask(&Request { method: "GET", query, ..Request::new(&headers, b"", NOW) })
    }

    fn post(&self, headers: &dyn Headers, body: &str) -> Option<Result<Reply, Refusal>> {
        self.ask(&Request::new(headers, body.as_bytes(), NOW))
    }

    fn post_signed(&self, body: &str) -> Option<Result<Reply, Refusal>> {
        let none = Pairs::new();
        let request = Request::new(&none, body.as_bytes(), NOW);
        let signed = sign_request(&self.scheme, &self.secrets[0], &request, "id").unwrap();
        self.post(&signed.headers, body)
    }
}

fn zoom_partner() -> Partner {
    let scheme = json!({"type": "hmac", "header": "x-zm-signature", "prefix": "v0=", "timestamp_header": "x-zm-request-timestamp",
        "signed_content": ["v0:", "{timestamp}", ":", "{body}"]});
    Partner::new(scheme, &[SECRET], zoom())
}

fn x_partner() -> Partner {
    let scheme =
        json!({"type": "hmac", "header": "X-Twitter-Webhooks-Signature", "prefix": "sha256=", "encoding": "base64"});
    let crc = json!({"name": "crc", "when": {"method": "GET", "query": {"crc_token": null}}, "challenge": "query:crc_token",
        "proof": {"type": "none"},
        "answer": {"json": {"response_token": "{mac}"}, "mac": {"encoding": "base64", "prefix": "sha256="}}});
    Partner::new(scheme, &[SECRET], crc)
}

fn body_of(answer: Option<Result<Reply, Refusal>>) -> serde_json::Value {
    let reply = answer.unwrap().unwrap();
    assert_eq!(reply.content_type, "application/json");
    serde_json::from_str(&reply.body).unwrap()
}

#[test]
fn zoom_is_answered_where_it_signed() {
    let body = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}"#;
    assert_eq!(
        body_of(zoom_partner().post_signed(body)),
        json!({"plainToken": "qgg8vlvZRS6UYooatFL8Aw",
            "encryptedToken": "51420675a844fb2704848c0645a778e485eefa14735d2dc7bc31a15896656c9e"})
    );
    let none = Pairs::new();
    let refusal = zoom_partner().post(&none, body).unwrap().unwrap_err();
    assert_eq!(refusal.code(), "missing_header");
    assert!(zoom_partner().post(&none, r#"{"event":"meeting.ended"}"#).is_none(), "a message is none");
}

#[test]
fn a_signature_that_is_offered_must_be_good_and_none_need_be() {
    let mut partner = zoom_partner();
    partner.handshakes[0].proof = serde_json::from_str(r#"{"type":"signature_if_offered"}"#).unwrap();
    let body = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"tok"}}"#;
    let unsigned = Pairs::new();
    assert_eq!(body_of(partner.post(&unsigned, body)), body_of(partner.post_signed(body)));
    for value in ["", "v0=", "nonsense", &format!("v0={}", "0".repeat(64))] {
        let mut headers = unsigned.clone();
        headers.push(("x-zm-signature".to_owned(), value.to_owned()));
        headers.push(("x-zm-request-timestamp".to_owned(), NOW.to_string()));
        assert!(matches!(partner.post(&headers, body).unwrap(), Err(Refusal::Unverified(_))), "{value}");
    }
    // No text that a signature could be made of is answered, signed or not.
    let oracle = body.replace("tok", r#"v0:1700000000:{\"event\":\"x\"}"#);
    assert_eq!(partner.post(&unsigned, &oracle).unwrap(), Err(Refusal::Challenge));
}

#[test]
fn an_answer_is_made_with_the_secret_that_the_partner_proved_itself_with() {
    let body = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"tok"}}"#;
    let code = |secret: &str| hex::encode(Keyed::new(Digest::Sha256, secret.as_bytes()).of(&["tok"]));
    let changing =
        Partner { secrets: ["new", "old"].map(|text| RawSecret::parse(text).unwrap()).to_vec(), ..zoom_partner() };
    for (at, secret) in ["new", "old"].into_iter().enumerate() {
        let none = Pairs::new();
        let signed =
            sign_request(&changing.scheme, &changing.secrets[at], &Request::new(&none, body.as_bytes(), NOW), "id")
                .unwrap();
        let answer = body_of(changing.post(&signed.headers, body));
        assert_eq!(answer["encryptedToken"], code(secret), "{secret}");
    }
    // X signs nothing when it asks: the newest is all there is to go by.
    let x = Partner { secrets: changing.secrets.clone(), ..x_partner() };
    let only_new = Partner { secrets: changing.secrets[..1].to_vec(), ..x_partner() };
    assert_eq!(body_of(x.get("crc_token=tok")), body_of(only_new.get("crc_token=tok")));
}

#[test]
fn no_answer_of_zoom_is_a_signature_of_a_message() {
    for token in
        [r#"v0:1700000000:{\"event\":\"meeting.ended\"}"#, "v0:1700000000:", "{}", "[]", "a b", "a=b", "===", ""]
    {
        let body = format!(r#"{{"event":"endpoint.url_validation","payload":{{"plainToken":"{token}"}}}}"#);
        assert_eq!(zoom_partner().post_signed(&body).unwrap(), Err(Refusal::Challenge), "{token}");
    }
    let long = "a".repeat(129);
    let body = format!(r#"{{"event":"endpoint.url_validation","payload":{{"plainToken":"{long}"}}}}"#);
    assert_eq!(zoom_partner().post_signed(&body).unwrap(), Err(Refusal::Challenge));
}

#[test]
fn x_is_answered_without_proof_and_never_with_the_signature_of_a_body() {
    let partner = x_partner();
    assert_eq!(
        body_of(partner.get("crc_token=tok")),
        json!({"response_token": "sha256=7/b7Dz5isl0qIkqqwqvuoS96R2akDN9XBu2Gf9sW+SE="})
    );
    assert!(partner.get("crc_token=NDI2MTZhZTctMzQxOA%3D%3D").unwrap().is_ok(), "padded base64");
    for token in
        ["%7B%22event%22%3A1%7D", "%5B%5D", "a%3Db", "a%26b", "%22x%22", "a+b", "%3Cxml%2F%3E", "MSH%7C", "=", "%C3%A9"]
    {
        assert_eq!(partner.get(&format!("crc_token={token}")).unwrap(), Err(Refusal::Challenge), "{token}");
    }
    assert!(partner.get("crc_token=a&crc_token=b").is_none(), "two readers could disagree on which one counts");
    assert!(partner.get("other=1").is_none());
    // What can be had as an answer is taken as no body: numbers and words of JSON among it.
    for body in ["tok", "1", "true", "null", "", "abc==", "a.b-c_d~e+f/g"] {
        assert!(is_mac_challenge(&partner.handshakes, &partner.scheme, body.as_bytes()), "{body}");
    }
    for body in ["{}", "[1]", "\"x\"", "a&b=c", "MSH|^~\\&|", " 1", "1\n"] {
        assert!(!is_mac_challenge(&partner.handshakes, &partner.scheme, body.as_bytes()), "{body}");
    }
    let zoom = zoom_partner();
    assert!(
        !is_mac_challenge(&zoom.handshakes, &zoom.scheme, b"1"),
        "what Zoom signs holds a colon, which no challenge does"
    );
    assert!(!is_mac_challenge(&[], &partner.scheme, b"1"));
}

#[test]
fn a_scheme_whose_signed_text_could_be_a_challenge_has_no_such_handshake() {
    let crc = x_partner().handshakes;
    for (scheme, apart) in [
        (json!({"type": "hmac", "header": "S", "signed_content": ["{body_digest:sha256:base64}"]}), false),
        (json!({"type": "hmac", "header": "S", "signed_content": ["{body_digest:sha256:base64}", ":"]}), true),
        (json!({"type": "hmac", "header": "S"}), true),
        (
            json!({"type": "strongest", "schemes": [{"type": "bearer"},
            {"type": "hmac", "header": "S", "signed_content": ["{body_digest:sha256:hex}"]}]}),
            false,
        ),
        (json!({"type": "bearer"}), true),
    ] {
        let scheme: Scheme = serde_json::from_value(scheme).unwrap();
        assert_eq!(check_apart(&crc, &scheme).is_ok(), apart, "{scheme:?}");
    }
}

fn redox() -> [Partner; 2] {
    let token = json!({"type": "token", "location": "header:verification-token"});
    let get = json!({"name": "verify", "when": {"method": "GET", "query": {"challenge": null, "verification-token": null}},
        "challenge": "query:challenge", "proof": {"type": "secret", "at": "query:verification-token"}});
    let post = json!({"name": "verify", "when": {"method": "POST", "body": {"/verification-token": null, "/challenge": null}},
        "challenge": "body:/challenge", "proof": {"type": "secret", "at": "body:/verification-token"}});
    [Partner::new(token.clone(), &["my-token", "next-token"], get), Partner::new(token, &["my-token"], post)]
}

#[test]
fn redox_is_answered_for_its_token() {
    let [get, post] = redox();
    let echoed = "2e73f864-a0e9-4764-a7d5-91fe5836db22";
    for token in ["my-token", "next-token"] {
        let reply = get.get(&format!("challenge={echoed}&verification-token={token}")).unwrap().unwrap();
        assert_eq!((reply.content_type, reply.body.as_str()), ("text/plain; charset=utf-8", echoed));
    }
    for query in ["challenge=x&verification-token=other", "challenge=x&verification-token=my-toke"] {
        assert_eq!(get.get(query).unwrap(), Err(Refusal::Token), "{query}");
    }
    assert!(get.get("challenge=x&verification-token=").is_none(), "an empty token is none");
    let none = Pairs::new();
    let ask = |body: &str| post.post(&none, body);
    let reply = ask(&format!(r#"{{"verification-token":"my-token","challenge":"{echoed}"}}"#)).unwrap().unwrap();
    assert_eq!(reply.body, echoed);
    assert_eq!(ask(r#"{"verification-token":"no","challenge":"c"}"#).unwrap(), Err(Refusal::Token));
    assert!(ask(r#"{"verification-token":1,"challenge":"c"}"#).is_none());
    assert!(ask(r#"{"Meta":{"DataModel":"Scheduling"}}"#).is_none());
}

#[test]
fn no_markup_is_echoed() {
    let [get, _] = redox();
    for challenge in ["%3Cscript%3E", "a%20b", "a%0Ab", "%C3%A9"] {
        let query = format!("challenge={challenge}&verification-token=my-token");
        assert_eq!(get.get(&query).unwrap(), Err(Refusal::Challenge), "{challenge}");
    }
    let long = format!("challenge={}&verification-token=my-token", "a".repeat(513));
    assert_eq!(get.get(&long).unwrap(), Err(Refusal::Challenge));
}

fn meta(token: &serde_json::Value) -> Partner {
    let scheme = json!({"type": "hmac", "header": "X-Hub-Signature-256", "prefix": "sha256="});
    let subscribe = json!({"name": "subscribe",
        "when": {"method": "GET", "query": {"hub.mode": "subscribe", "hub.challenge": null}},
        "challenge": "query:hub.challenge", "proof": {"type": "verify_token", "at": "query:hub.verify_token", "token": token}});
    Partner::new(scheme, &[SECRET], subscribe)
}

#[test]
fn an_empty_verify_token_never_matches() {
    let agreed = meta(&json!("agreed"));
    assert_eq!(agreed.get("hub.mode=subscribe&hub.challenge=11&hub.verify_token=agreed").unwrap().unwrap().body, "11");
    for token in
        ["&hub.verify_token=", "", "&hub.verify_token=other", "&hub.verify_token=agreed&hub.verify_token=agreed"]
    {
        let query = format!("hub.mode=subscribe&hub.challenge=11{token}");
        assert_eq!(agreed.get(&query).unwrap(), Err(Refusal::Token), "{query}");
        assert_eq!(meta(&json!(null)).get(&query).unwrap(), Err(Refusal::NoToken), "{query}");
    }
    assert!(agreed.get("hub.mode=denied&hub.challenge=11&hub.verify_token=agreed").is_none());
    // The secret of bodies is no verify token: one stands in addresses, and addresses stand in logs.
    let query = format!("hub.mode=subscribe&hub.challenge=11&hub.verify_token={SECRET}");
    assert_eq!(agreed.get(&query).unwrap(), Err(Refusal::Token));
}

#[test]
fn drchrono_gets_a_code_of_its_message() {
    let scheme = json!({"type": "token", "location": "header:X-drchrono-signature"});
    let verify = json!({"name": "verify", "when": {"method": "GET", "query": {"msg": null}}, "challenge": "query:msg",
        "proof": {"type": "none"}, "answer": {"json": {"secret_token": "{mac}"}, "mac": {}}});
    let partner = Partner::new(scheme, &[SECRET], verify);
    let expected = "7d23ed7bc6ea0de747a05b324e9842a3a8cfeac23a27b68e19c168daf02d81e3";
    assert_eq!(body_of(partner.get("msg=abc123")), json!({"secret_token": expected}));
}

#[test]
fn a_handshake_that_must_verify_is_none_of_a_source_that_verifies_nothing() {
    let slack = json!({"name": "url_verification", "when": {"method": "POST", "body": {"/type": "url_verification"}},
        "challenge": "body:/challenge", "answer": {"echo_headers": ["X-Echo"]}});
    let body = r#"{"type":"url_verification","challenge":"3eZbrw1aB"}"#;
    let open = Partner::new(json!({"type": "none"}), &[], slack.clone());
    let none = Pairs::new();
    assert_eq!(open.post(&none, body).unwrap(), Err(Refusal::NothingVerifies));
    let bearer = Partner::new(json!({"type": "bearer"}), &["token-of-the-partner"], slack);
    let mut headers = vec![("authorization".to_owned(), "Bearer token-of-the-partner".to_owned())];
    headers.push(("x-echo".to_owned(), "abc".to_owned()));
    let reply = bearer.post(&headers, body).unwrap().unwrap();
    assert_eq!((reply.body.as_str(), reply.headers), ("3eZbrw1aB", vec![("X-Echo".to_owned(), "abc".to_owned())]));
    headers[1].1 = "a b\t".to_owned();
    assert!(bearer.post(&headers, body).unwrap().unwrap().headers.is_empty());
}
