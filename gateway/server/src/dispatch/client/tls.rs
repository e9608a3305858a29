//! TLS towards subscribers: the platform's trust, HTTP/2 or HTTP/1.1, the name of the URL.

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls_platform_verifier::Verifier;
use std::borrow::Cow;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// What HTTP/2 is called in a handshake.
pub(super) const HTTP_2: &[u8] = b"h2";

const NO_TRUST: &str = "this machine has no trusted certificate authorities";

/// A connector that trusts what the platform trusts; an error is a sentence for the record of every attempt that needed one.
pub(super) fn connector() -> Result<TlsConnector, Cow<'static, str>> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(Arc::clone(&provider)).map_err(|_| NO_TRUST)?;
    trusting(provider, Arc::new(verifier))
}

/// A connector that trusts one certificate authority.
#[cfg(test)]
pub(super) fn connector_to(authority: rustls::pki_types::CertificateDer<'static>) -> TlsConnector {
    let provider = Arc::new(ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority).unwrap();
    let builder = rustls::client::WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    trusting(provider, builder.build().unwrap()).unwrap()
}

fn trusting(
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<TlsConnector, Cow<'static, str>> {
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    // The name is the library's: what it asks for is the platform's own verification in place of a list of roots.
    let mut config = versions
        .map_err(|_| "no TLS version is at hand")?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
