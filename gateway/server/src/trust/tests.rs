use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

const NOW_MS: i64 = 1_790_000_000_000;

struct Issued {
    certificate: String,
    key: String,
}

fn issued(until_year: i32) -> Issued {
    between(2020, until_year)
}

fn between(from_year: i32, until_year: i32) -> Issued {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(vec!["gateway".to_owned()]).unwrap();
    params.not_before = date_time_ymd(from_year, 6, 1);
    params.not_after = date_time_ymd(until_year, 1, 2);
    let key = KeyPair::generate().unwrap();
    Issued { certificate: params.signed_by(&key, &issuer).unwrap().pem(), key: key.serialize_pem() }
}

fn faults(ca: Option<&str>, certificate: Option<&str>, key: Option<&str>) -> Vec<(&'static str, String)> {
    let own = |text: Option<&str>| text.map(str::to_owned);
    let options = TlsOptions { ca: own(ca), certificate: own(certificate), key: own(key) };
    check(&options, NOW_MS).into_iter().map(|fault| (fault.member, fault.detail)).collect()
}

#[test]
fn what_is_good_is_read() {
    let (one, other) = (issued(2045), issued(2060));
    assert_eq!(faults(None, None, None), []);
    assert_eq!(faults(Some(&one.certificate), None, None), []);
    let bundle = format!("a comment\n{}\r\n{}", one.certificate, other.certificate);
    assert_eq!(faults(Some(&bundle), Some(&one.certificate), Some(&one.key)), []);
    let options = TlsOptions { ca: Some(bundle), ..TlsOptions::default() };
    assert_eq!(read(&options).unwrap().roots.unwrap().len(), 2);
}

#[test]
fn dates_are_read_in_both_forms() {
    for (until, expires) in [(2045, "2045-01-02T00:00:00Z"), (2060, "2060-01-02T00:00:00Z")] {
        let facts = facts(&leaf(&issued(until).certificate).unwrap()).unwrap();
        assert_eq!(format_ms(facts.expires_at), expires);
        assert_eq!(facts.sha256.len(), 64);
    }
}

#[test]
fn each_fault_is_told_with_its_place() {
    let (good, other) = (issued(2045), issued(2045));
    let old = issued(2024);
    let cut = &good.certificate[..good.certificate.len() / 2];
    let noise = good.certificate.replacen("MII", "!!!", 1);
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAECAwQFBgc=\n-----END CERTIFICATE-----\n";
    let both = format!("{}{}", good.certificate, good.key);
    let bundle = format!("{}{}", good.certificate, old.certificate);
    let many = good.certificate.repeat(101);
    for (ca, fault) in [
        ("", "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"),
        ("MIIB", "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"),
        (cut, "certificate 1 is broken: its END line is missing"),
        (&noise, "certificate 1 is broken: what lies between its BEGIN and END lines is not base64"),
        (no_certificate, "the certificate is in PEM, but is no certificate an authority could have"),
        (&both, "holds a private key, where only certificates belong"),
        (&bundle, "certificate 2 of 2 expired on 2024-01-02T00:00:00Z"),
        (&many, "holds more than 100 certificates"),
    ] {
        assert_eq!(faults(Some(ca), None, None), [("ca", fault.to_owned())], "{ca:.40}");
    }
    let future = between(2060, 2090);
    assert_eq!(
        faults(None, Some(&future.certificate), Some(&future.key)),
        [("certificate", "the certificate is not valid before 2060-06-01T00:00:00Z".to_owned())]
    );
    let encrypted = good.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (key, fault) in [
        ("", "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)"),
        (good.certificate.as_str(), "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)"),
        (&encrypted, "is encrypted: a key without a passphrase is needed"),
        (&good.key[..60], "is broken: its END line is missing"),
        (
            &other.key,
            "is not the key of the certificate (the first, if there are several: the chain begins with its leaf)",
        ),
    ] {
        assert_eq!(faults(None, Some(&good.certificate), Some(key)), [("key", fault.to_owned())], "{key:.40}");
    }
    assert_eq!(
        faults(None, Some(&good.certificate), None),
        [("key", "is missing: the private key of the certificate, in PEM".to_owned())]
    );
    assert_eq!(
        faults(None, None, Some(&good.key)),
        [("certificate", "is missing: the certificate of the key, in PEM".to_owned())]
    );
    let chain = format!("{}{no_certificate}", good.certificate);
    assert_eq!(
        faults(None, Some(&chain), Some(&good.key)),
        [("certificate", "certificate 2 of 2 is in PEM, but is no certificate".to_owned())]
    );
}

#[test]
fn no_certificate_makes_the_reader_stumble() {
    let good = leaf(&issued(2045).certificate).unwrap();
    assert!(facts(&good).is_some());
    for length in 0..good.len() {
        assert_eq!(facts(&CertificateDer::from(&good[..length])), None);
    }
    for at in 0..good.len().min(200) {
        for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
            let mut damaged = good.to_vec();
            damaged[at] = byte;
            let _ = facts(&CertificateDer::from(damaged));
        }
    }
}
