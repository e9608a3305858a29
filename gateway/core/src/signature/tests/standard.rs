//! Standard Webhooks, symmetric: the negative cases of its reference libraries, and more.

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NOW: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const GOOD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const WRONG: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

fn request() -> Pairs {
    pairs(&[
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", GOOD),
    ])
}

fn check(headers: &Pairs) -> Result<Verified, VerifyError> {
    verify(&Scheme::STANDARD, &[raw(SECRET)], headers, BODY, NOW)
}

fn with_signature(value: &str) -> Result<Verified, VerifyError> {
    check(&replaced(&request(), "webhook-signature", value))
}

#[test]
fn a_verified_request_tells_who_when_and_what() {
    let verified = check(&request()).unwrap();
    assert_eq!(verified.id.as_deref(), Some("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    assert_eq!(verified.signed_at_ms, Some(NOW * 1000));
    assert_eq!(verified.matched_secret, Some(0));
}

#[test]
fn our_signature_is_the_published_one() {
    let secrets = [SECRET, OTHER].map(|text| SigningSecret::parse(text).unwrap());
    let value = sign_v1(&secrets[..1], "msg_p5jXN8AQM9LWM0D4loKWxJek", NOW, BODY);
    assert_eq!(value, GOOD);
    let both = sign_v1(&secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", NOW, BODY);
    assert!(both.starts_with(&format!("{GOOD} v1,")), "{both}");
    for secret in [SECRET, OTHER] {
        let headers = replaced(&request(), "webhook-signature", &both);
        assert!(verify(&Scheme::STANDARD, &[raw(secret)], &headers, BODY, NOW).is_ok());
    }
}

#[test]
fn each_header_is_needed_once() {
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        assert_eq!(check(&without(&request(), name)), Err(missing(name)));
        assert_eq!(check(&replaced(&request(), name, "")), Err(flawed(name, Flaw::Empty)));
        assert_eq!(check(&replaced(&request(), name, " \t ")), Err(flawed(name, Flaw::Empty)));
        assert_eq!(check(&replaced(&request(), name, &"1".repeat(HEADER_MAX + 1))), Err(flawed(name, Flaw::TooLong)));
        let mut doubled = request();
        doubled.push((name.to_owned(), value(&request(), name).to_owned()));
        assert_eq!(check(&doubled), Err(flawed(name, Flaw::Duplicate)));
    }
    assert_eq!(check(&pairs(&[])), Err(missing("webhook-id")));
}

#[test]
fn names_are_in_any_case_and_blanks_around_values_do_not_count() {
    let headers = request().into_iter().map(|(name, value)| (name.to_uppercase(), format!(" {value}\t"))).collect();
    assert!(check(&headers).is_ok());
}

#[test]
fn the_window_is_five_minutes_on_either_side() {
    let at = |now| verify(&Scheme::STANDARD, &[raw(SECRET)], &request(), BODY, now);
    let out = |direction| Err(VerifyError::TimestampOutOfTolerance { direction, tolerance_seconds: 300 });
    assert!(at(NOW + 300).is_ok());
    assert!(at(NOW - 300).is_ok());
    assert_eq!(at(NOW + 301), out(Direction::Past));
    assert_eq!(at(NOW - 301), out(Direction::Future));
    assert_eq!(at(i64::MAX), out(Direction::Past));
    assert_eq!(at(i64::MIN), out(Direction::Future));
    let wide = Scheme::StandardWebhooks { tolerance_seconds: 900 };
    assert!(verify(&wide, &[raw(SECRET)], &request(), BODY, NOW + 900).is_ok());
    let never = Scheme::StandardWebhooks { tolerance_seconds: 0 };
    assert_eq!(verify(&never, &[raw(SECRET)], &request(), BODY, NOW).unwrap_err().code(), "bad_scheme");
}

#[test]
fn a_time_is_a_plain_number_of_seconds() {
    let at = |text: &str| check(&replaced(&request(), "webhook-timestamp", text));
    for text in [
        "Infinity",
        "NaN",
        "-1614265330",
        "+1614265330",
        "1614265330.0",
        "1.6e9",
        "0x6037c972",
        "1614265330Z",
        "16142653 30",
        "１６１４２６５３３０",
        "99999999999999999999",
        "1614265330\u{a0}",
        "2021-02-25T15:02:10Z",
    ] {
        assert_eq!(at(text), Err(flawed("webhook-timestamp", Flaw::Timestamp)), "{text}");
    }
    // Milliseconds where seconds are expected are far in the future.
    let fault = at("1614265330000").unwrap_err();
    assert!(matches!(fault, VerifyError::TimestampOutOfTolerance { direction: Direction::Future, .. }));
    assert!(at("0").is_err());
    // The signed text is the text that was sent, leading zeros and all.
    assert_eq!(at("01614265330"), Err(VerifyError::SignatureMismatch));
    assert_eq!(at("1614265331"), Err(VerifyError::SignatureMismatch));
}

#[test]
fn the_number_of_asymmetric_signatures_is_bounded_more_tightly() {
    use crate::secret::{Ed25519Secret, SigningKey};
    let private = Ed25519Secret::generate([7; 32]).unwrap();
    let secrets = [raw(&private.public())];
    let right = sign([&SigningKey::Ed25519(private)], "msg_1", 1_700_000_000, b"{}");
    let wrong = format!("v1a,{} ", STANDARD.encode([0; 64]));
    let with = |wrongs: usize| {
        let signature = format!("{}{right}", wrong.repeat(wrongs));
        let headers =
            pairs(&[("webhook-id", "msg_1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", &signature)]);
        verify(&Scheme::STANDARD, &secrets, &headers, b"{}", 1_700_000_000)
    };
    assert!(with(ASYMMETRIC_MAX - 1).is_ok(), "three wrong and one right");
    assert_eq!(with(ASYMMETRIC_MAX), Err(flawed("webhook-signature", Flaw::TooMany)));
    let numbered: Scheme = serde_json::from_str(r#"{"type":"ed25519","location":"headers:S-"}"#).unwrap();
    let headers: Pairs = (1..=5).map(|number| (format!("S-{number}"), "0".repeat(128))).collect();
    assert_eq!(verify(&numbered, &secrets, &headers, b"{}", 0), Err(flawed("S-5", Flaw::TooMany)));
}

#[test]
fn an_id_is_visible_ascii_without_dots() {
    let with = |id: &str| check(&replaced(&request(), "webhook-id", id));
    for id in ["msg.1", "msg 1", "msg_é", "msg\n1"] {
        assert_eq!(with(id), Err(flawed("webhook-id", Flaw::Id)), "{id:?}");
    }
    assert_eq!(with(&"m".repeat(ID_MAX + 1)), Err(flawed("webhook-id", Flaw::TooLong)));
    assert_eq!(with("msg_other"), Err(VerifyError::SignatureMismatch));
}

#[test]
fn any_signature_may_fit_under_any_live_secret() {
    let three_wrong = [WRONG; 3].join(" ");
    assert!(with_signature(&format!("{three_wrong} {GOOD}")).is_ok());
    assert!(with_signature(&format!("{GOOD} {three_wrong}")).is_ok());
    assert!(with_signature(&format!("v1,AAAA v1, v2,{} v1a,abc  {GOOD} ", &GOOD[3..])).is_ok());
    assert_eq!(with_signature(&three_wrong), Err(VerifyError::SignatureMismatch));
    let verdict = verify(&Scheme::STANDARD, &[raw(OTHER), raw(OTHER), raw(SECRET)], &request(), BODY, NOW);
    assert_eq!(verdict.unwrap().matched_secret, Some(2));
}

#[test]
fn the_number_of_signatures_is_bounded() {
    let many = |count: usize| [vec![WRONG; count - 1], vec![GOOD]].concat().join(" ");
    assert!(with_signature(&many(SIGNATURES_MAX)).is_ok());
    assert_eq!(with_signature(&many(SIGNATURES_MAX + 1)), Err(flawed("webhook-signature", Flaw::TooMany)));
}

#[test]
fn a_signature_has_one_spelling() {
    let bare = &GOOD[3..];
    for (value, flaw) in [
        ("v1,".to_owned(), Flaw::Empty),
        (bare.to_owned(), Flaw::Version),
        (format!("v2,{bare}"), Flaw::Version),
        (format!("v1a,{bare}"), Flaw::Version),
        (format!("V1,{bare}"), Flaw::Version),
        (format!("v1={bare}"), Flaw::Version),
        ("v1".to_owned(), Flaw::Version),
        (format!("v1,{bare},"), Flaw::Base64),
        (format!("v1, {bare}"), Flaw::Empty),
        ("v1,g0hM9SsE".to_owned(), Flaw::Length),
        (format!("v1,{}", bare.trim_end_matches('=')), Flaw::Base64),
        (format!("v1,{}", bare.replace('+', "-").replace('/', "_")), Flaw::Base64),
        // The last character's two spare bits set: the same bytes in another spelling.
        ("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=".to_owned(), Flaw::Base64),
        ("v1,8348 4cf52b04f8e4cf2531adfed9882ad4b2665137b852442d594d20e2c9d4e1".to_owned(), Flaw::Length),
    ] {
        assert_eq!(with_signature(&value), Err(flawed("webhook-signature", flaw)), "{value}");
    }
}

#[test]
fn the_older_header_names_are_understood_as_a_set() {
    let svix: Pairs = request().into_iter().map(|(name, value)| (name.replace("webhook", "svix"), value)).collect();
    assert!(check(&svix).is_ok());
    assert_eq!(check(&without(&svix, "svix-id")), Err(missing("svix-id")));
    let mut both = request();
    both.extend(svix.clone());
    assert!(check(&both).is_ok());
    let mut mixed = without(&request(), "webhook-signature");
    mixed.push(("svix-signature".to_owned(), GOOD.to_owned()));
    assert_eq!(check(&mixed), Err(missing("webhook-signature")));
    let mut rescued = replaced(&request(), "webhook-signature", WRONG);
    rescued.extend(svix);
    assert_eq!(check(&rescued), Err(VerifyError::SignatureMismatch));
}

#[test]
fn a_secret_of_the_wrong_kind_verifies_nothing() {
    for secret in ["a plain password", "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbO", "whsk_AAAA", "whsec_"] {
        assert!(Scheme::STANDARD.check_secret(&raw(secret)).is_err());
        assert_eq!(verify(&Scheme::STANDARD, &[raw(secret)], &request(), BODY, NOW), Err(VerifyError::NoSecret));
    }
    let verdict = verify(&Scheme::STANDARD, &[raw("a plain password"), raw(SECRET)], &request(), BODY, NOW);
    assert_eq!(verdict.unwrap().matched_secret, Some(1));
}

#[test]
fn a_body_that_is_not_text_is_signed_and_verified() {
    let body = [0x1F, 0x8B, 0x08, 0x00, 0xFF, 0xFE];
    let secret = SigningSecret::parse(SECRET).unwrap();
    let signature = sign_v1(&[secret], "evt_1", NOW, &body);
    let headers =
        pairs(&[("webhook-id", "evt_1"), ("webhook-timestamp", "1614265330"), ("webhook-signature", &signature)]);
    assert!(verify(&Scheme::STANDARD, &[raw(SECRET)], &headers, &body, NOW).is_ok());
}
