//! A subscription's own certificates: whom its deliveries trust and by what they prove who they are.
//!
//! They are checked when they are entered, so that what is wrong is said to whoever can mend it, and read again when deliveries begin to use them.

mod certificate;

pub use certificate::{Facts, facts};

use hookwright_core::delivery_options::TlsOptions;
use hookwright_core::timestamp::format_ms;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// The most certificates of one bundle.
const CERTIFICATES_MAX: usize = 100;
const ENCRYPTED: &str = "ENCRYPTED";

/// What is wrong with a member of [`TlsOptions`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The member: `ca`, `certificate` or `key`.
    pub member: &'static str,
    /// A sentence that completes its name, without anything of the member's text.
    pub detail: String,
}

/// Certificates that can be used.
#[derive(Debug)]
pub struct Credentials {
    /// The authorities to trust instead of the platform's.
    pub roots: Option<RootCertStore>,
    /// Our certificate and its key.
    pub identity: Option<Identity>,
}

/// Our certificate and its key.
#[derive(Debug)]
pub struct Identity {
    /// The chain, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key.
    pub key: PrivateKeyDer<'static>,
}

/// Reads what a subscription brings along. What is in no PEM, does not belong together or cannot be understood is named; dates are not looked at.
pub fn read(options: &TlsOptions) -> Result<Credentials, Vec<Fault>> {
    let mut faults = Vec::new();
    let roots = options.ca.as_deref().and_then(|text| note("ca", roots(text), &mut faults));
    let identity = match (options.certificate.as_deref(), options.key.as_deref()) {
        (Some(certificate), Some(key)) => identity(certificate, key, &mut faults),
        (Some(_), None) => {
            faults.push(Fault::new("key", "is missing: the private key of the certificate, in PEM"));
            None
        }
        (None, Some(_)) => {
            faults.push(Fault::new("certificate", "is missing: the certificate of the key, in PEM"));
            None
        }
        (None, None) => None,
    };
    if faults.is_empty() { Ok(Credentials { roots, identity }) } else { Err(faults) }
}

/// What is wrong with certificates that somebody enters now: all that [`read`] names, and what has expired or is not valid yet.
pub fn check(options: &TlsOptions, now_ms: i64) -> Vec<Fault> {
    let mut faults = read(options).err().unwrap_or_default();
    for (member, text) in [("ca", &options.ca), ("certificate", &options.certificate)] {
        let certificates = text.as_deref().and_then(|text| certificates(text).ok()).unwrap_or_default();
        let count = certificates.len();
        for (index, certificate) in certificates.iter().enumerate() {
            let Some(facts) = facts(certificate) else { continue };
            let which = which(index, count);
            if facts.expires_at < now_ms {
                let detail = format!("{which} expired on {}", format_ms(facts.expires_at));
                faults.push(Fault::new(member, detail));
            } else if facts.begins_at > now_ms {
                let detail = format!("{which} is not valid before {}", format_ms(facts.begins_at));
                faults.push(Fault::new(member, detail));
            }
        }
    }
    faults
}

/// The first certificate of a text that was checked.
pub fn leaf(text: &str) -> Option<CertificateDer<'static>> {
    certificates(text).ok()?.into_iter().next()
}

fn roots(text: &str) -> Result<RootCertStore, String> {
    let certificates = certificates(text)?;
    let (count, mut roots) = (certificates.len(), RootCertStore::empty());
    for (index, certificate) in certificates.into_iter().enumerate() {
        roots
            .add(certificate)
            .map_err(|_| format!("{} is in PEM, but is no certificate an authority could have", which(index, count)))?;
    }
    Ok(roots)
}

fn identity(certificate: &str, key: &str, faults: &mut Vec<Fault>) -> Option<Identity> {
    let chain = note("certificate", certificates(certificate), faults);
    let key = note("key", private_key(key), faults);
    let (chain, key) = (chain?, key?);
    let count = chain.len();
    if let Some(index) = chain.iter().position(|certificate| facts(certificate).is_none()) {
        faults.push(Fault::new("certificate", format!("{} is in PEM, but is no certificate", which(index, count))));
        return None;
    }
    match CertifiedKey::from_der(chain.clone(), key.clone_key(), &ring::default_provider()) {
        Ok(_) => Some(Identity { chain, key }),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let detail =
                "is not the key of the certificate (the first, if there are several: the chain begins with its leaf)";
            faults.push(Fault::new("key", detail));
            None
        }
        Err(rustls::Error::InvalidCertificate(_)) => {
            faults.push(Fault::new("certificate", "is in PEM, but is no certificate"));
            None
        }
        Err(_) => {
            faults.push(Fault::new(
                "key",
                "is of a kind that is not supported (RSA from 2048 bits, ECDSA P-256 and P-384, Ed25519 are)",
            ));
            None
        }
    }
}

fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    // Certificates are shown to whoever may read the subscription.
    if text.contains("PRIVATE KEY") {
        return Err("holds a private key, where only certificates belong".to_owned());
    }
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        let number = found.len() + 1;
        found.push(certificate.map_err(|fault| format!("certificate {number} is broken: {}", broken(&fault)))?);
        if found.len() > CERTIFICATES_MAX {
            return Err(format!("holds more than {CERTIFICATES_MAX} certificates"));
        }
    }
    if found.is_empty() {
        return Err("holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    Ok(found)
}

fn private_key(text: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|fault| match fault {
        _ if text.contains(ENCRYPTED) => "is encrypted: a key without a passphrase is needed".to_owned(),
        pem::Error::NoItemsFound => "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)".to_owned(),
        fault => format!("is broken: {}", broken(&fault)),
    })
}

/// What is wrong with a text in PEM, and nothing of the text.
fn broken(fault: &pem::Error) -> &'static str {
    match fault {
        pem::Error::MissingSectionEnd { .. } => "its END line is missing",
        pem::Error::IllegalSectionStart { .. } => "its BEGIN line is not well-formed",
        pem::Error::Base64Decode(_) => "what lies between its BEGIN and END lines is not base64",
        _ => "it is not PEM",
    }
}

fn which(index: usize, count: usize) -> String {
    if count == 1 { "the certificate".to_owned() } else { format!("certificate {} of {count}", index + 1) }
}

fn note<T>(member: &'static str, read: Result<T, String>, faults: &mut Vec<Fault>) -> Option<T> {
    read.map_err(|detail| faults.push(Fault::new(member, detail))).ok()
}

impl Fault {
    fn new(member: &'static str, detail: impl Into<String>) -> Self {
        Self { member, detail: detail.into() }
    }
}

#[cfg(test)]
mod tests;
