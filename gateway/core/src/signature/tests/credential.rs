//! Credentials that come along, and lists of schemes.

use super::*;

fn scheme(json: serde_json::Value) -> Scheme {
    serde_json::from_value(json).unwrap()
}

fn check(scheme: &Scheme, secrets: &[&str], headers: &[(&str, &str)]) -> Result<Verified, VerifyError> {
    let secrets: Vec<_> = secrets.iter().map(|text| raw(text)).collect();
    verify(scheme, &secrets, &pairs(headers), b"{}", 1_700_000_000)
}

#[test]
fn basic_compares_user_and_password_as_one_text() {
    let basic = Scheme::Basic {};
    let of = |text: &str| format!("Basic {}", STANDARD.encode(text));
    for (secret, shown) in [("u:p", "u:p"), ("u:p:w:d", "u:p:w:d"), ("key:", "key:"), ("ü:ß", "ü:ß")] {
        let verified = check(&basic, &["other:x", secret], &[("Authorization", &of(shown))]).unwrap();
        assert_eq!((verified.tier, verified.matched_secret), (Tier::Authenticated, Some(1)), "{secret}");
        assert!(check(&basic, &[secret], &[("authorization", &of(shown).replace("Basic", "bAsIc"))]).is_ok());
    }
    for shown in ["u:", "u:P", "u", ":", "", "u:pp"] {
        assert!(check(&basic, &["u:p"], &[("Authorization", &of(shown))]).is_err(), "{shown}");
    }
    for value in ["Basic", "Basic ", "Basic !!", "Basicu", "Bearer dTpw", "dTpw", "Basic dTpw dTpw", "Basic dTpx=="] {
        assert!(check(&basic, &["u:p"], &[("Authorization", value)]).is_err(), "{value}");
    }
    assert_eq!(check(&basic, &["nocolon", ":"], &[("Authorization", &of("nocolon"))]), Err(VerifyError::NoSecret));
    assert!(basic.check_secret(&raw("nocolon")).is_err() && basic.check_secret(&raw(":p")).is_err());
}

#[test]
fn a_token_stands_at_its_place_behind_its_prefix() {
    let bearer = Scheme::Bearer {};
    assert!(check(&bearer, &["t-1"], &[("Authorization", "Bearer t-1")]).is_ok());
    assert_eq!(check(&bearer, &["t-1"], &[("Authorization", "Bearer t-2")]), Err(VerifyError::CredentialMismatch));
    assert_eq!(check(&bearer, &["t-1"], &[]), Err(missing("authorization")));
    let token = scheme(
        serde_json::json!({"type": "token", "location": "header:X-Token", "prefix": "Token ", "id_header": "X-Id"}),
    );
    let verified = check(&token, &["a", "b"], &[("x-token", "Token b"), ("x-id", "7")]).unwrap();
    assert_eq!((verified.matched_secret, verified.id.as_deref()), (Some(1), Some("7")));
    assert_eq!(check(&token, &["a"], &[("x-token", "a"), ("x-id", "7")]), Err(flawed("X-Token", Flaw::Prefix)));
    assert_eq!(check(&token, &["a"], &[("x-token", "Token a")]), Err(missing("X-Id")));
    let query = scheme(serde_json::json!({"type": "token", "location": "query:token"}));
    let none = pairs(&[]);
    let asked = |query_text: &str| {
        let request = Request { query: query_text, ..Request::new(&none, b"", 0) };
        super::super::verify(&query, &[raw("a&b")], &request)
    };
    assert!(asked("x=1&token=a%26b").is_ok());
    assert_eq!(asked("token=").unwrap_err().code(), "malformed_field");
    assert_eq!(asked("token=a%26b&token=c").unwrap_err().code(), "malformed_field");
    assert_eq!(asked("").unwrap_err(), VerifyError::MissingField { place: "query:token".to_owned() });
}

#[test]
fn a_client_certificate_is_known_by_its_fingerprint() {
    let certificate = Scheme::ClientCertificate {};
    let der = b"not really a certificate";
    let fingerprint = hex::encode(Digest::Sha256.of(der));
    let none = pairs(&[]);
    let with = |shown: Option<&[u8]>, secret: &str| {
        let request = Request { peer_certificate: shown, ..Request::new(&none, b"", 0) };
        super::super::verify(&certificate, &[raw(secret)], &request)
    };
    let colons = fingerprint.as_bytes().chunks(2).map(|two| str::from_utf8(two).unwrap()).collect::<Vec<_>>().join(":");
    for secret in [&fingerprint, &fingerprint.to_uppercase(), &format!("sha256:{fingerprint}"), &colons] {
        assert_eq!(with(Some(der), secret).unwrap().tier, Tier::Authenticated, "{secret}");
    }
    assert_eq!(with(Some(b"another"), &fingerprint), Err(VerifyError::CredentialMismatch));
    assert_eq!(with(None, &fingerprint), Err(VerifyError::NoCertificate));
    assert_eq!(with(Some(der), "sha256:00"), Err(VerifyError::NoSecret));
}

#[test]
fn a_public_key_is_read_as_partners_write_it() {
    use crate::secret::Ed25519Secret;
    let private = Ed25519Secret::generate([7; 32]).unwrap();
    let base64 = private.public()["whpk_".len()..].to_owned();
    let in_hex = hex::encode(STANDARD.decode(&base64).unwrap());
    let elation = scheme(serde_json::json!({"type": "ed25519", "header": "S", "encoding": "base64"}));
    let signature = STANDARD.encode(private.sign(b"{}"));
    for public in [&base64, &in_hex, &private.public(), &base64.trim_end_matches('=').to_owned()] {
        assert_eq!(check(&elation, &[public], &[("S", &signature)]).unwrap().tier, Tier::Verified, "{public}");
    }
    for public in ["", "AAAA", &in_hex[..62], &format!("{in_hex}00")] {
        assert!(public.is_empty() || elation.check_secret(&raw(public)).is_err(), "{public}");
    }
    // Discord's way: the time and the body, in hexadecimal digits.
    let discord = scheme(
        serde_json::json!({"type": "ed25519", "header": "X-Signature-Ed25519", "timestamp_header": "X-Signature-Timestamp",
        "signed_content": ["{timestamp}", "{body}"]}),
    );
    let signature = hex::encode(private.sign(b"1700000000{}"));
    let headers = [("X-Signature-Ed25519", signature.as_str()), ("X-Signature-Timestamp", "1700000000")];
    assert!(check(&discord, &[&base64], &headers).is_ok());
    assert!(check(&discord, &[&base64], &[headers[0], ("X-Signature-Timestamp", "1700000001")]).is_err());
}

#[test]
fn standard_webhooks_takes_both_kinds_of_signature() {
    use crate::secret::SigningKey;
    let private = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    let symmetric = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let keys = [SigningKey::parse(symmetric).unwrap(), SigningKey::parse(private).unwrap()];
    let both = sign(&keys, "msg_1", 1_700_000_000, b"{}");
    let (v1, v1a) = both.split_once(' ').unwrap();
    let with = |secrets: &[&str], signature: &str| {
        check(
            &Scheme::STANDARD,
            secrets,
            &[("webhook-id", "msg_1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", signature)],
        )
    };
    assert_eq!(with(&[symmetric, public], &both).unwrap().matched_secret, Some(1));
    assert_eq!(with(&[public], v1a).unwrap().matched_secret, Some(0));
    assert_eq!(with(&[symmetric, public], v1).unwrap().matched_secret, Some(0), "nothing stronger is offered");
    assert_eq!(
        with(&[symmetric], &both).unwrap().matched_secret,
        Some(0),
        "v1a is nothing to whoever holds no public key"
    );
    assert!(with(&[public], v1).is_err());
    let broken = format!("{v1} v1a,{}", STANDARD.encode([0; 64]));
    assert_eq!(with(&[symmetric, public], &broken), Err(VerifyError::SignatureMismatch), "v1 does not rescue v1a");
    assert_eq!(with(&[symmetric, public], &format!("{v1} v1a,AAAA")), Err(flawed("webhook-signature", Flaw::Length)));
}
