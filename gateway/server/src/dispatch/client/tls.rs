//! TLS towards subscribers: the platform's trust or a subscription's own, HTTP/2 or HTTP/1.1, the name of the URL.

use crate::trust;
use hookwright_core::delivery_options::TlsOptions;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use std::borrow::Cow;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// What HTTP/2 is called in a handshake.
pub(super) const HTTP_2: &[u8] = b"h2";

const NO_TRUST: &str = "this machine has no trusted certificate authorities";

/// What decides whether a peer's certificate is good; an error is a sentence for the record of every attempt that needed it.
pub(super) type Verdict = Result<Arc<dyn ServerCertVerifier>, Cow<'static, str>>;

/// The platform's own trust.
pub(super) fn platform() -> Verdict {
    let verifier = Verifier::new(Arc::new(ring::default_provider())).map_err(|_| NO_TRUST)?;
    Ok(Arc::new(verifier))
}

/// The connector of a subscription: with the platform's trust, or that in the authorities it names alone; and with its certificate, if it has one.
pub(super) fn connector(platform: &Verdict, own: Option<&TlsOptions>) -> Result<TlsConnector, Cow<'static, str>> {
    let own = own.map(trust::read).transpose().map_err(|_| "the subscription's own certificates cannot be used")?;
    let (roots, identity) = own.map_or((None, None), |own| (own.roots, own.identity));
    let verifier = match roots {
        Some(roots) => only(roots)?,
        None => Arc::clone(platform.as_ref().map_err(Clone::clone)?),
    };
    let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| "no TLS version is at hand")?;
    // The name is the library's: what it asks for is the platform's own verification in place of a list of roots.
    let builder = versions.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.chain, identity.key)
            .map_err(|_| "the subscription's own certificate cannot be used")?,
    };
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Trust in these authorities alone.
pub(super) fn only(roots: RootCertStore) -> Verdict {
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(verifier.map_err(|_| "the subscription's own authorities cannot be used")?)
}
