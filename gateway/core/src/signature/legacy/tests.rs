use super::*;
use crate::secret::KeyKind;

/// What the senders themselves publish; the ones after the blank line are computed by their documented rules.
#[test]
fn the_published_signatures_are_met() {
    let slack = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let ours = "{\"event\":\"video_call.completed\",\"data\":{\"appointment_id\":\"apt_1\"}}";
    for (template, content, secret, seconds, body, expected) in [
        (
            "sha256={sha256_hex}",
            SignedContent::Body,
            "It's a Secret to Everybody",
            0,
            "Hello, World!",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        ),
        (
            "{sha256_base64}",
            SignedContent::Body,
            "Convoy",
            0,
            "Test Payload Body",
            "16FUVH58NeMcTIIOICN2UJOcPTTa4TbjCndXymGrtM8=",
        ),
        (
            "v0={sha256_hex}",
            SignedContent::V0TimestampBody,
            "8f742231b10e8888abcd99yyyzzz85a5",
            1_531_420_618,
            slack,
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ),
        (
            "t={timestamp},v1={sha256_hex}",
            SignedContent::TimestampBody,
            "whsec_test_secret",
            1_700_000_000,
            ours,
            "t=1700000000,v1=3aa01238d2090b1d3ea27f3e8486cabca4a42760e789a470fb975c023dd8c20b",
        ),
        (
            "t={timestamp},v1={sha256_hex}",
            SignedContent::TimestampBody,
            "test_secret_do_not_use",
            1_700_000_000,
            ours,
            "t=1700000000,v1=4fbb2ba5561a90ebb800ce1a08bdefded730cc0bb57a2e465f280041b27c71c7",
        ),
    ] {
        let signature = LegacySignature {
            header: "x".to_owned(),
            template: Template::parse(template).unwrap(),
            content,
            secret: Some(RawSecret::parse(secret).unwrap()),
        };
        let signer = LegacySigner::new(&signature, None).unwrap();
        assert_eq!(signer.sign("evt_1", seconds * 1000 + 7, body.as_bytes()), expected, "{template}");
    }
}

fn without_secret(template: &str, content: SignedContent) -> LegacySignature {
    LegacySignature { header: "x".to_owned(), template: Template::parse(template).unwrap(), content, secret: None }
}

#[test]
fn svix_s_three_headers_are_those_of_the_subscription_s_own_secret() {
    let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let value = |template: &str| {
        let signature = without_secret(template, SignedContent::IdTimestampBody);
        let signer = LegacySigner::new(&signature, Some(&key)).unwrap();
        (
            signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330_000, br#"{"test": 2432232314}"#),
            signer.has_signature(),
        )
    };
    assert_eq!(value("v1,{sha256_base64}"), ("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned(), true));
    assert_eq!(value("{id}"), ("msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(), false));
    assert_eq!(value("{timestamp}"), ("1614265330".to_owned(), false));
}

#[test]
fn without_a_symmetric_key_nothing_is_signed() {
    let asymmetric = SigningKey::generate(KeyKind::Ed25519, [1; 32]).unwrap();
    let signed = without_secret("{sha256_hex}", SignedContent::Body);
    assert!(signed.needs_signing_key());
    assert!(LegacySigner::new(&signed, Some(&asymmetric)).is_none() && LegacySigner::new(&signed, None).is_none());
    let plain = without_secret("{id}", SignedContent::Body);
    assert!(!plain.needs_signing_key() && LegacySigner::new(&plain, None).is_some());
    let own = LegacySignature { secret: Some(RawSecret::parse("s").unwrap()), ..signed };
    assert!(!own.needs_signing_key() && LegacySigner::new(&own, Some(&asymmetric)).is_some());
}

#[test]
fn what_is_kept_reads_back_and_is_silent() {
    let own = LegacySignature {
        secret: Some(RawSecret::parse(" quite \"secret\" ").unwrap()),
        ..without_secret("sha256={sha256_hex}", SignedContent::TimestampBody)
    };
    let text = serde_json::to_string(&own).unwrap();
    assert_eq!(serde_json::from_str::<LegacySignature>(&text).unwrap(), own);
    assert!(text.contains(r#""content":"timestamp.body""#), "{text}");
    assert!(!format!("{own:?}").contains("quite"));
    let least: LegacySignature = serde_json::from_str(r#"{"header":"x","template":"{id}"}"#).unwrap();
    assert_eq!(least, without_secret("{id}", SignedContent::Body));
    for (word, content) in SignedContent::WORDS {
        assert_eq!(serde_json::to_value(content).unwrap(), word);
    }
}
