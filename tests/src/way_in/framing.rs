//! A signature is over the bytes of a body, however they are framed and whatever they are.

use super::wire::Wire;
use crate::harness::Gateway;
use hookwright_core::secret::RawSecret;
use hookwright_core::signature::SignatureScheme;
use serde_json::json;

const SECRET: &str = "an-example-secret";

fn signature(body: &[u8]) -> String {
    let none: Vec<(String, String)> = Vec::new();
    SignatureScheme::new("X-Signature").sign(&RawSecret::parse(SECRET).unwrap(), &none, body).unwrap()
}

/// What a request hears: a method, headers without a blank line, and what is sent behind them.
async fn hear(gateway: &Gateway, method: &str, headers: &str, rest: &[u8]) -> String {
    let mut wire = Wire::open(gateway).await;
    let head = format!("{method} /webhooks/s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n\r\n");
    wire.send(&[head.as_bytes(), rest].concat()).await;
    wire.read().await
}

fn chunked(body: &[u8], each: usize) -> Vec<u8> {
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    body.chunks(each).map(chunk).chain([b"0\r\n\r\n".to_vec()]).collect::<Vec<_>>().concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_over_the_bytes_that_came() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let source = json!({ "slug": "s", "preset": "medplum", "plugin": "my-plugin", "secret": SECRET, "methods": [] });
    gateway.make("/admin/sources", &source).await;
    // The beginning of a compressed body, bytes that are no text, and nothing at all.
    for body in [&b"\x1f\x8b\x08\x00\x00\x00\x00\x00"[..], b"\xff\xfe\x00{", b"{\"a\": 1}\r\n\r\n"] {
        let signed = format!("X-Signature: {}", signature(body));
        let sent = format!("{signed}\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked");
        let heard = hear(&gateway, "POST", &sent, &chunked(body, 3)).await;
        assert!(heard.starts_with("HTTP/1.1 202"), "{heard}");
        let mut other = body.to_vec();
        other[1] ^= 1;
        let heard = hear(&gateway, "POST", &sent, &chunked(&other, 3)).await;
        assert!(heard.starts_with("HTTP/1.1 401") && heard.contains("signature_mismatch"), "{heard}");
        // The same message once more, from one that asks before it sends.
        let asking = format!("{signed}\r\nExpect: 100-continue\r\nContent-Length: {}", body.len());
        let heard = hear(&gateway, "POST", &asking, body).await;
        assert!(heard.contains("HTTP/1.1 200") && heard.contains("\"duplicate\":true"), "{heard}");
    }
    // Methods without a body are no way around it.
    for method in ["HEAD", "OPTIONS", "GET", "DELETE"] {
        let heard = hear(&gateway, method, "X-Other: 1", b"").await;
        assert!(heard.starts_with("HTTP/1.1 401"), "{method}: {heard}");
    }
    let signed = format!("X-Signature: {}", signature(b""));
    assert!(hear(&gateway, "DELETE", &signed, b"").await.starts_with("HTTP/1.1 202"));
    assert_eq!(gateway.list("/admin/messages").await.len(), 4);
}
