//! Tests of TLS: certificates that change while connections go on. The certificates here are self-signed for these tests and prove nothing to anybody.

use super::*;
use crate::config::TlsFiles;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use tokio_rustls::TlsConnector;

const FIRST: [&str; 2] = [include_str!("first.certificate.pem"), include_str!("first.key.pem")];
const SECOND: [&str; 2] = [include_str!("second.certificate.pem"), include_str!("second.key.pem")];

fn write(directory: &Path, [certificate, key]: [&str; 2]) -> TlsFiles {
    let files = TlsFiles {
        certificate: directory.join("certificate.pem"),
        key: directory.join("key.pem"),
        client_authorities: None,
    };
    std::fs::write(&files.certificate, certificate).unwrap();
    std::fs::write(&files.key, key).unwrap();
    files
}

/// What a client hears that trusts this certificate alone; `None` if the handshake fails.
async fn ask(address: SocketAddr, certificate: [&str; 2]) -> Option<String> {
    ask_as(address, certificate, None).await
}

/// The same of one that shows a certificate of its own.
async fn ask_as(address: SocketAddr, [certificate, _]: [&str; 2], own: Option<&Own>) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        Some(own) => config.with_client_auth_cert(vec![own.certificate.clone()], own.key.clone_key()).unwrap(),
        None => config.with_no_client_auth(),
    };
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// A client's certificate and key.
struct Own {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Own {
    fn by(authority: &CertifiedIssuer<'static, KeyPair>) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["emr.example".to_owned()]).unwrap().signed_by(&key, authority).unwrap();
        Self { certificate: certificate.der().clone(), key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

async fn until_served(address: SocketAddr, certificate: [&str; 2]) {
    let served = async {
        while ask(address, certificate).await.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, served).await.expect("the certificate is served");
}

#[tokio::test]
async fn a_new_certificate_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let tls = Some(write(directory.path(), FIRST));
    let served = serve_hello(ListenerConfig { tls, ..config() }).await;
    assert!(ask(served.address, FIRST).await.unwrap().ends_with("hello"));
    assert_eq!(ask(served.address, SECOND).await, None);
    write(directory.path(), SECOND);
    until_served(served.address, SECOND).await;
    assert_eq!(ask(served.address, FIRST).await, None);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_shake_hands_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let tls = Some(write(directory.path(), FIRST));
    let served = serve_hello(ListenerConfig { tls, ..config() }).await;
    assert_eq!(exchange(served.address, "").await, "");
    let plain = exchange(served.address, REQUEST).await;
    assert!(!plain.contains("hello"), "{plain}");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let refused = async |pair| {
        let files = write(directory.path(), pair);
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Listener::new(tcp, ListenerConfig { tls: Some(files), ..config() }).unwrap_err().to_string()
    };
    assert!(refused(["", FIRST[1]]).await.ends_with("certificate.pem holds no certificate in PEM"));
    assert!(refused([FIRST[0], "nonsense"]).await.ends_with("key.pem holds no private key in PEM"));
    assert_eq!(refused([FIRST[0], SECOND[1]]).await, "the certificate and the key cannot be used together");
    let files = TlsFiles {
        certificate: directory.path().join("none.pem"),
        key: directory.path().join("key.pem"),
        client_authorities: None,
    };
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = Listener::new(tcp, ListenerConfig { tls: Some(files), ..config() }).unwrap_err();
    assert!(error.to_string().ends_with("none.pem"));
}

#[tokio::test]
async fn a_clients_certificate_goes_with_its_requests_and_strangers_are_turned_away() {
    let directory = tempfile::tempdir().unwrap();
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let authorities = directory.path().join("authorities.pem");
    std::fs::write(&authorities, ours.pem()).unwrap();
    let files = TlsFiles { client_authorities: Some(authorities), ..write(directory.path(), FIRST) };
    let shown = get(async |request: Request<Body>| match request.extensions().get::<PeerCertificate>() {
        Some(certificate) => hex::encode(&certificate.0),
        None => "nobody".to_owned(),
    });
    let router = Router::new().route("/", shown);
    let served = serve_with(ListenerConfig { tls: Some(files), ..config() }, router).await;
    let known = Own::by(&ours);
    let heard = ask_as(served.address, FIRST, Some(&known)).await.unwrap();
    assert!(heard.ends_with(&hex::encode(&known.certificate)), "{heard}");
    // Other sources have partners without certificates.
    assert!(ask(served.address, FIRST).await.unwrap().ends_with("nobody"));
    let stranger = ask_as(served.address, FIRST, Some(&Own::by(&theirs))).await;
    assert!(stranger.is_none_or(|heard| heard.is_empty()));
}

#[tokio::test]
async fn authorities_are_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (authority("first"), authority("second"));
    let authorities = directory.path().join("authorities.pem");
    std::fs::write(&authorities, first.pem()).unwrap();
    let files = TlsFiles { client_authorities: Some(authorities.clone()), ..write(directory.path(), FIRST) };
    let served = serve_hello(ListenerConfig { tls: Some(files), ..config() }).await;
    let (early, late) = (Own::by(&first), Own::by(&second));
    let is_heard = async |own| ask_as(served.address, FIRST, Some(own)).await.is_some_and(|heard| !heard.is_empty());
    assert!(is_heard(&early).await && !is_heard(&late).await);
    std::fs::write(&authorities, second.pem()).unwrap();
    let exchanged = async {
        while !is_heard(&late).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, exchanged).await.expect("the new authority is trusted");
    assert!(!is_heard(&early).await, "the one before it no more");
}

#[tokio::test]
async fn authorities_that_cannot_be_used_are_told_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let authorities = directory.path().join("authorities.pem");
    let refused = async |pem: &str| {
        std::fs::write(&authorities, pem).unwrap();
        let files = TlsFiles { client_authorities: Some(authorities.clone()), ..write(directory.path(), FIRST) };
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Listener::new(tcp, ListenerConfig { tls: Some(files), ..config() }).unwrap_err().to_string()
    };
    assert!(refused("").await.contains("authorities.pem cannot be used"));
    assert!(
        refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").await.contains("authorities.pem")
    );
}
