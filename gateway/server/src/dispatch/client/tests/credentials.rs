use super::authority::{Authority, Pair};
use super::*;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// A receiver with this certificate, which asks for one by `clients` if there are any; and its URL for a name.
async fn receiver(pair: &Pair, clients: Option<&Authority>) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let builder = builder.unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(clients.certificate().as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                let mut request = Vec::new();
                while !request.ends_with(b"{}") {
                    if stream.read_buf(&mut request).await? == 0 {
                        return Ok(());
                    }
                }
                stream.write_all(OK).await
            });
        }
    });
    port
}

fn here() -> Client {
    client_with(scripted(|_| vec!["127.0.0.1".parse().unwrap()]), &["127.0.0.1"])
}

async fn sent(client: &Client, url: &str, own: &TlsOptions) -> Result<u16, String> {
    let peer = client.peer_with(url, Some(own)).unwrap();
    let exchange = client.exchange(&peer, || post(&peer), LONG).await;
    exchange.status.ok_or_else(|| {
        let failure = exchange.failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Tls, "{failure:?}");
        failure.detail.into_owned()
    })
}

fn trusting_only(authority: &Authority) -> TlsOptions {
    TlsOptions { ca: Some(authority.certificate()), ..TlsOptions::default() }
}

#[tokio::test]
async fn a_subscription_s_own_authority_is_the_only_one_it_trusts() {
    let (authority, other) = (Authority::new(), Authority::new());
    let port = receiver(&authority.valid("localhost"), None).await;
    let url = format!("https://localhost:{port}/");
    assert_eq!(sent(&here(), &url, &trusting_only(&authority)).await, Ok(200));
    let untrusted = Err("the certificate's issuer is not trusted".to_owned());
    assert_eq!(sent(&here(), &url, &trusting_only(&other)).await, untrusted);
    // Whom the platform trusts counts for nothing here.
    let bundle = CertificateDer::from_pem_slice(authority.certificate().as_bytes()).unwrap();
    let client = trusting(&bundle, scripted(|_| vec!["127.0.0.1".parse().unwrap()]));
    assert_eq!(send(&client, &url, LONG).await.status, Some(200));
    assert_eq!(sent(&client, &url, &trusting_only(&other)).await, untrusted);
}

#[tokio::test]
async fn each_certificate_that_is_not_good_is_told_from_the_others() {
    let authority = Authority::new();
    for (pair, fault) in [
        (authority.pair("localhost", 2020, 2021), "the certificate has expired"),
        (authority.pair("localhost", 2090, 2100), "the certificate is not valid yet"),
        (authority.valid("example.com"), "the certificate is for another name"),
        (Authority::new().valid("localhost"), "the certificate's issuer is not trusted"),
    ] {
        let port = receiver(&pair, None).await;
        let url = format!("https://localhost:{port}/");
        assert_eq!(sent(&here(), &url, &trusting_only(&authority)).await, Err(fault.to_owned()));
    }
}

#[tokio::test]
async fn a_subscription_proves_who_it_is_to_a_receiver_that_asks() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let port = receiver(&authority.valid("localhost"), Some(&clients)).await;
    let url = format!("https://localhost:{port}/");
    let proving = |pair: Pair| TlsOptions {
        certificate: Some(pair.certificate),
        key: Some(pair.key),
        ..trusting_only(&authority)
    };
    assert_eq!(sent(&here(), &url, &proving(clients.valid("gateway"))).await, Ok(200));
    let asks = Err("the receiver asks for a client certificate".to_owned());
    assert_eq!(sent(&here(), &url, &trusting_only(&authority)).await, asks);
    for refused in [clients.pair("gateway", 2020, 2021), authority.valid("gateway")] {
        let refused = sent(&here(), &url, &proving(refused)).await;
        assert_eq!(refused, Err("the receiver did not accept our certificate".to_owned()));
    }
}

#[tokio::test]
async fn certificates_that_cannot_be_used_fail_every_attempt_and_nothing_else() {
    let own = TlsOptions { ca: Some("nothing".to_owned()), ..TlsOptions::default() };
    let port = receiver(&Authority::new().valid("localhost"), None).await;
    let fault = sent(&here(), &format!("https://localhost:{port}/"), &own).await;
    assert_eq!(fault, Err("the subscription's own certificates cannot be used".to_owned()));
}
