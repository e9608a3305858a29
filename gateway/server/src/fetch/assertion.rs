//! Signed assertions by which a client proves itself where tokens are had: RFC 7523, as SMART Backend Services asks (SMART App Launch 2.2, "Client Authentication: Asymmetric").

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwright_core::fetch::JwtAlgorithm;
use hookwright_core::secret::CredentialText;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA384, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

/// How long an assertion holds, in seconds. SMART allows five minutes at most.
const VALID_SECONDS: i64 = 240;

/// Whom an assertion speaks for, and to whom.
#[derive(Clone, Copy)]
pub(crate) struct Claims<'a> {
    /// The client: issuer and subject.
    pub(crate) client_id: &'a str,
    /// Where tokens are had: the audience.
    pub(crate) token_url: &'a str,
    /// The key's id at the partner.
    pub(crate) key_id: Option<&'a str>,
    /// Used once, ever.
    pub(crate) id: &'a str,
    /// Unix seconds.
    pub(crate) now_secs: i64,
}

/// Why a key cannot be used; nothing of it is repeated.
const NOT_PEM: &str = "must be a private key as PEM of PKCS #8: -----BEGIN PRIVATE KEY-----";
const NOT_RSA: &str = "is no RSA key of 2,048 bits at least, which RS384 needs";
const NOT_P384: &str = "is no EC key on P-384, which ES384 needs";

enum Key {
    Rsa(Box<RsaKeyPair>),
    P384(Box<EcdsaKeyPair>),
}

/// Whether a key is one that the algorithm can use.
pub(crate) fn check_key(pem: &CredentialText, algorithm: JwtAlgorithm) -> Result<(), &'static str> {
    read(pem, algorithm).map(drop)
}

fn read(pem: &CredentialText, algorithm: JwtAlgorithm) -> Result<Key, &'static str> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.reveal().as_bytes()).map_err(|_| NOT_PEM)?;
    let der = der.secret_pkcs8_der();
    match algorithm {
        JwtAlgorithm::Rs384 => RsaKeyPair::from_pkcs8(der).map(|key| Key::Rsa(Box::new(key))).map_err(|_| NOT_RSA),
        JwtAlgorithm::Es384 => EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der, &SystemRandom::new())
            .map(|key| Key::P384(Box::new(key)))
            .map_err(|_| NOT_P384),
    }
}

/// An assertion, as JWS in its compact form (RFC 7515 §3.1).
pub(crate) fn sign(pem: &CredentialText, algorithm: JwtAlgorithm, claims: &Claims<'_>) -> Result<String, &'static str> {
    let key = read(pem, algorithm)?;
    let mut head = json!({ "alg": algorithm.as_str(), "typ": "JWT" });
    if let Some(key_id) = claims.key_id {
        head["kid"] = json!(key_id);
    }
    let body = json!({
        "iss": claims.client_id,
        "sub": claims.client_id,
        "aud": claims.token_url,
        "jti": claims.id,
        "iat": claims.now_secs,
        "exp": claims.now_secs + VALID_SECONDS,
    });
    let text = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", text(&head), text(&body));
    let random = SystemRandom::new();
    let signature = match &key {
        Key::Rsa(key) => {
            let mut signature = vec![0; key.public().modulus_len()];
            key.sign(&RSA_PKCS1_SHA384, &random, signed.as_bytes(), &mut signature).map(|()| signature)
        }
        Key::P384(key) => key.sign(&random, signed.as_bytes()).map(|signature| signature.as_ref().to_vec()),
    };
    let signature = signature.map_err(|_| "could not sign: the system has no randomness")?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
