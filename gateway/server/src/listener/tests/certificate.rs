//! Tests of TLS: certificates that change while connections go on. The certificates here are self-signed for these tests and prove nothing to anybody.

use super::*;
use crate::config::TlsFiles;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use tokio_rustls::TlsConnector;

const FIRST: [&str; 2] = [include_str!("first.certificate.pem"), include_str!("first.key.pem")];
const SECOND: [&str; 2] = [include_str!("second.certificate.pem"), include_str!("second.key.pem")];

fn write(directory: &Path, [certificate, key]: [&str; 2]) -> TlsFiles {
    let files = TlsFiles { certificate: directory.join("certificate.pem"), key: directory.join("key.pem") };
    std::fs::write(&files.certificate, certificate).unwrap();
    std::fs::write(&files.key, key).unwrap();
    files
}

/// What a client hears that trusts this certificate alone; `None` if the handshake fails.
async fn ask(address: SocketAddr, [certificate, _]: [&str; 2]) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
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
    let files = TlsFiles { certificate: directory.path().join("none.pem"), key: directory.path().join("key.pem") };
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = Listener::new(tcp, ListenerConfig { tls: Some(files), ..config() }).unwrap_err();
    assert!(error.to_string().ends_with("none.pem"));
}
