//! The client in a simulated network.

use super::*;
use std::convert::Infallible;
use std::net::Ipv4Addr;

async fn receiver() -> turmoil::Result {
    let listener = turmoil::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = hyper::service::service_fn(|_| async {
            Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(b"ok"))))
        });
        // A partition or a crash ends it, as it ends any other.
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(hyper_util::rt::TokioIo::new(stream), service),
        );
    }
}

fn config(allow: &str) -> ClientConfig {
    ClientConfig {
        policy: AddressPolicy { allow: vec![allow.parse().unwrap()] },
        proxy: None,
        timeouts: Timeouts::default(),
        response_bytes_max: 1_000,
        idle_max: 4,
    }
}

async fn exchange(client: &Client) -> Exchange {
    let peer = client.peer("http://receiver/hooks").unwrap();
    let request = || {
        let mut request = Request::new(Full::new(Bytes::from_static(b"{}")));
        *request.uri_mut() = peer.path().clone();
        request.headers_mut().insert(http::header::HOST, peer.authority().clone());
        request
    };
    client.exchange(&peer, request, Duration::from_secs(15)).await
}

#[test]
fn an_exchange_crosses_a_simulated_network() {
    let mut sim = turmoil::Builder::new().build();
    sim.host("receiver", receiver);
    sim.client("gateway", async {
        let exchange = exchange(&Client::simulated(config("192.168.0.0/16"))).await;
        assert_eq!((exchange.status, exchange.body.as_slice(), exchange.failure), (Some(200), b"ok".as_slice(), None));
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn its_addresses_are_judged_and_its_partitions_are_felt() {
    let mut sim = turmoil::Builder::new().build();
    sim.host("receiver", receiver);
    sim.client("gateway", async {
        let refused = exchange(&Client::simulated(config("10.0.0.0/8"))).await;
        assert_eq!(refused.failure.unwrap().kind, FailureKind::EgressRefused);
        turmoil::partition("gateway", "receiver");
        let parted = exchange(&Client::simulated(config("192.168.0.0/16"))).await;
        assert_eq!(parted.failure.unwrap().kind, FailureKind::Connect);
        Ok(())
    });
    sim.run().unwrap();
}
