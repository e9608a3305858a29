//! Assertions, verified by other code than what signs them. The keys are made for these tests alone.

use super::assertion::{Claims, check_key, sign};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwright_core::fetch::JwtAlgorithm;
use hookwright_core::secret::CredentialText;
use std::process::{Command, Stdio};

const RSA: &str = include_str!("keys/rsa.pem");
const P384: &str = include_str!("keys/p384.pem");

fn key(pem: &str) -> CredentialText {
    CredentialText::parse(pem).unwrap()
}

fn claims() -> Claims<'static> {
    Claims {
        client_id: "hookwright",
        token_url: "https://ehr.example/token",
        key_id: Some("2026"),
        id: "unique",
        now_secs: 1_767_565_800,
    }
}

/// An ECDSA signature as OpenSSL reads it: two integers in DER (RFC 3279 §2.2.3) instead of two halves (RFC 7518 §3.4).
fn der(halves: &[u8]) -> Vec<u8> {
    let integer = |half: &[u8]| {
        let start = half.iter().position(|byte| *byte != 0).unwrap();
        let mut digits = half[start..].to_vec();
        if digits[0] >= 0x80 {
            digits.insert(0, 0);
        }
        [vec![2, u8::try_from(digits.len()).unwrap()], digits].concat()
    };
    let (r, s) = halves.split_at(halves.len() / 2);
    let both = [integer(r), integer(s)].concat();
    [vec![0x30, u8::try_from(both.len()).unwrap()], both].concat()
}

/// Whether OpenSSL's command is there. Without it there is nobody else to ask, which is told, and is a failure with `CI=true`.
fn openssl_is_there() -> bool {
    let there = Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_ok_and(|it| it.success());
    assert!(there || std::env::var("CI").as_deref() != Ok("true"), "the command openssl is needed");
    if !there {
        eprintln!("skipped: the command openssl is not there");
    }
    there
}

/// What OpenSSL says of a signature.
fn openssl_accepts(pem: &str, signed: &str, signature: &[u8]) -> bool {
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = place.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let (private, text, signature) =
        (file("key", pem.as_bytes()), file("text", signed.as_bytes()), file("signature", signature));
    let public = place.path().join("public");
    let mut made = Command::new("openssl");
    made.args(["pkey", "-pubout", "-in"]).arg(private).arg("-out").arg(&public);
    assert!(made.status().unwrap().success());
    let mut verify = Command::new("openssl");
    verify.args(["dgst", "-sha384", "-verify"]).arg(public).arg("-signature").arg(signature).arg(text);
    verify.stdout(Stdio::null()).status().unwrap().success()
}

#[test]
fn an_assertion_is_what_smart_backend_services_asks_and_verifies() {
    let ask_openssl = openssl_is_there();
    for (pem, algorithm) in [(RSA, JwtAlgorithm::Rs384), (P384, JwtAlgorithm::Es384)] {
        let assertion = sign(&key(pem), algorithm, &claims()).unwrap();
        let parts: Vec<&str> = assertion.split('.').collect();
        let [head, body, signature] = parts[..] else { panic!("not three parts") };
        let json = |part: &str| -> serde_json::Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(json(head), serde_json::json!({"alg": algorithm.as_str(), "typ": "JWT", "kid": "2026"}));
        let told = json(body);
        assert_eq!((&told["iss"], &told["sub"]), (&"hookwright".into(), &"hookwright".into()));
        assert_eq!((&told["aud"], &told["jti"]), (&"https://ehr.example/token".into(), &"unique".into()));
        assert_eq!((told["iat"].as_i64(), told["exp"].as_i64()), (Some(1_767_565_800), Some(1_767_566_040)));
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let signature = if algorithm == JwtAlgorithm::Es384 { der(&signature) } else { signature };
        let signed = format!("{head}.{body}");
        if ask_openssl {
            assert!(openssl_accepts(pem, &signed, &signature), "{algorithm:?}");
            assert!(!openssl_accepts(pem, &format!("{signed}x"), &signature), "{algorithm:?}");
        }
    }
}

#[test]
fn a_key_that_the_algorithm_cannot_use_is_told_when_it_is_entered() {
    assert_eq!(check_key(&key(RSA), JwtAlgorithm::Rs384), Ok(()));
    assert_eq!(check_key(&key(P384), JwtAlgorithm::Es384), Ok(()));
    for (pem, algorithm) in [(RSA, JwtAlgorithm::Es384), (P384, JwtAlgorithm::Rs384), ("x", JwtAlgorithm::Rs384)] {
        assert!(check_key(&key(pem), algorithm).is_err());
    }
    let cut = &RSA[..RSA.len() / 2];
    assert!(check_key(&key(cut), JwtAlgorithm::Rs384).is_err());
}
