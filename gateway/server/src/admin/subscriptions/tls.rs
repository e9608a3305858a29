//! A subscription's own certificates as a body states them and as the API shows them: the key goes in and never comes out.

use crate::admin::body::{Faults, Object};
use crate::trust;
use hookwright_core::delivery_options::TlsOptions;
use hookwright_core::timestamp::format_ms;
use serde::Serialize;
use serde_json::{Value, json};

/// The longest text of a member.
const CHARACTERS_MAX: usize = 64 * 1024;
/// What reads show and nobody can set.
const SET_BY_THE_GATEWAY: [&str; 3] = ["key_set", "certificate_sha256", "certificate_expires_at"];

/// A subscription's own certificates, as the API shows them.
#[derive(Serialize)]
pub struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_expires_at: Option<String>,
    key_set: bool,
}

impl<'a> Shown<'a> {
    /// Certificates, and whether there is a key.
    pub fn of(tls: &'a TlsOptions) -> Self {
        let leaf = tls.certificate.as_deref().and_then(trust::leaf);
        let facts = leaf.as_ref().and_then(trust::facts);
        Self {
            ca: tls.ca.as_deref(),
            certificate: tls.certificate.as_deref(),
            certificate_expires_at: facts.as_ref().map(|facts| format_ms(facts.expires_at)),
            certificate_sha256: facts.map(|facts| facts.sha256),
            key_set: tls.key.is_some(),
        }
    }
}

/// Certificates as they could be put: without their key, which is kept where none is stated.
pub fn document(tls: Option<&TlsOptions>) -> Value {
    tls.map_or(Value::Null, |tls| json!({ "ca": tls.ca, "certificate": tls.certificate }))
}

/// Reads the member `tls`. Where it states a certificate without a key, the key of `current` is kept. What was stored before is not refused for having expired since.
pub fn read(
    object: &mut Object<'_>,
    current: Option<&TlsOptions>,
    now_ms: i64,
    faults: &mut Faults,
) -> Option<TlsOptions> {
    let mut member = object.object("tls", faults)?;
    let (before, text) = (faults.len(), |text: Option<&str>| text.map(str::to_owned));
    let ca = text(member.text("ca", CHARACTERS_MAX, faults));
    let certificate = text(member.text("certificate", CHARACTERS_MAX, faults));
    let stated = text(member.text("key", CHARACTERS_MAX, faults));
    let kept = || current.filter(|_| certificate.is_some()).and_then(|current| current.key.clone());
    let tls = TlsOptions { key: stated.or_else(kept), ca, certificate };
    if faults.len() == before && current != Some(&tls) {
        for fault in trust::check(&tls, now_ms) {
            faults.add(member.pointer(fault.member), fault.detail);
        }
    }
    member.finish(&SET_BY_THE_GATEWAY, faults);
    (tls != TlsOptions::default()).then_some(tls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    const NOW_MS: i64 = 1_790_000_000_000;

    fn pair(until_year: i32) -> (String, String) {
        let mut params = CertificateParams::new(vec!["gateway".to_owned()]).unwrap();
        params.not_after = date_time_ymd(until_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn read_from(tls: &Value, current: Option<&TlsOptions>) -> Result<Option<TlsOptions>, Vec<(String, String)>> {
        let (body, mut faults) = (json!({ "tls": tls }), Faults::default());
        let mut object = Object::read(&body, "", &mut faults).unwrap();
        let tls = read(&mut object, current, NOW_MS, &mut faults);
        let faults: Vec<_> = faults.iter().map(|fault| (fault.pointer.clone(), fault.detail.clone())).collect();
        if faults.is_empty() { Ok(tls) } else { Err(faults) }
    }

    #[test]
    fn what_is_stated_is_read_and_the_key_is_never_shown() {
        let (certificate, key) = pair(2100);
        let tls = json!({ "ca": certificate, "certificate": certificate, "key": key });
        let read = read_from(&tls, None).unwrap().unwrap();
        assert_eq!(read.key.as_ref(), Some(&key));
        let shown = serde_json::to_value(Shown::of(&read)).unwrap();
        assert_eq!((&shown["key_set"], &shown["certificate"]), (&json!(true), &json!(certificate)));
        assert_eq!(shown["certificate_expires_at"], json!("2100-01-01T00:00:00Z"));
        assert_eq!(shown["certificate_sha256"].as_str().map(str::len), Some(64));
        for text in [shown.to_string(), document(Some(&read)).to_string(), format!("{read:?}")] {
            assert!(!text.contains("PRIVATE") && !text.contains(&key[40..80]), "{text}");
        }
    }

    #[test]
    fn a_key_that_is_not_stated_is_kept() {
        let (certificate, key) = pair(2100);
        let tls = json!({ "certificate": certificate, "key": key });
        let current = read_from(&tls, None).unwrap();
        assert_eq!(read_from(&document(current.as_ref()), current.as_ref()), Ok(current.clone()));
        let (other, _) = pair(2100);
        let faults = read_from(&json!({ "certificate": other }), current.as_ref()).unwrap_err();
        assert!(faults[0].0 == "/tls/key" && faults[0].1.starts_with("is not the key of"), "{faults:?}");
        // Without its certificate it goes.
        assert_eq!(read_from(&json!({}), current.as_ref()), Ok(None));
        assert_eq!(read_from(&Value::Null, current.as_ref()), Ok(None));
    }

    #[test]
    fn what_expired_since_it_was_stored_does_not_stand_in_the_way() {
        let (certificate, key) = pair(2024);
        let current = TlsOptions { certificate: Some(certificate.clone()), key: Some(key), ..TlsOptions::default() };
        assert_eq!(read_from(&document(Some(&current)), Some(&current)), Ok(Some(current.clone())));
        let entered = json!({ "certificate": certificate, "key": current.key });
        assert_eq!(
            read_from(&entered, None),
            Err(vec![("/tls/certificate".to_owned(), "the certificate expired on 2024-01-01T00:00:00Z".to_owned())])
        );
    }

    #[test]
    fn what_is_no_certificate_is_refused_with_its_place() {
        for (tls, pointer) in [
            (json!("x"), "/tls"),
            (json!({ "ca": 7 }), "/tls/ca"),
            (json!({ "ca": "x".repeat(CHARACTERS_MAX + 1) }), "/tls/ca"),
            (json!({ "ca": "x" }), "/tls/ca"),
            (json!({ "key": "x" }), "/tls/certificate"),
            (json!({ "cert": "x" }), "/tls/cert"),
            (json!({ "key_set": true }), "/tls/key_set"),
        ] {
            let faults = read_from(&tls, None).unwrap_err();
            assert_eq!(faults[0].0, pointer, "{tls:.60}");
        }
    }
}
