//! One transform in three languages: `examples/three-languages` is built by the real command, passes the very same fixtures,
//! and delivers the same JSON through a running gateway.

use crate::harness::command::run;
use crate::harness::{Gateway, Receiver, root};
use crate::tools::tested;
use serde_json::json;
use std::path::PathBuf;

const LANGUAGES: [&str; 3] = ["rust", "js", "python"];

fn example(language: &str) -> PathBuf {
    root().join("examples/three-languages").join(language)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_languages_give_one_answer() {
    let mut built = Vec::new();
    for language in LANGUAGES {
        let Some(report) = tested(&example(language)) else { continue };
        assert_eq!(report["failed"], 0, "{language}: {report}");
        assert!(report["passed"].as_u64().unwrap() >= 8, "{language}: {report}");
        built.push(language);
    }
    // What has been compiled for the tests above is not compiled again.
    let cache = root().join("target/tools-cache/hookwright/compiled");
    let gateway = Gateway::builder().without_plugins().set("plugins.cache", cache.to_str().unwrap()).start().await;
    let mut receiver = Receiver::start().await;
    let url = format!("http://{}", gateway.running.admin);
    for language in &built {
        let (name, example) = (format!("order-notice-{language}"), example(language));
        let arguments =
            ["plugin", "push", &name, example.to_str().unwrap(), "--url", &url, "--json"].map(str::to_owned);
        let pushed = tokio::task::spawn_blocking(move || run(&root(), arguments).expect(0).json()).await.unwrap();
        assert_eq!(pushed["world"], "outbound", "{pushed}");
        let transform = json!({ "plugin": name, "settings": { "channel": "#küche" } });
        gateway.subscribe(&receiver.url("/"), &["order.placed"], json!({ "transform": transform })).await;
    }
    let order = json!({
        "order_id": "ord_1", "store": "Straßencafé", "currency": "eur",
        "items": [{ "name": "Crème brûlée 🍮", "quantity": 2, "price_cents": 750 }],
    });
    let published = gateway.publish("order.placed", order).await;
    for _ in &built {
        let delivered = receiver.next().await;
        assert_eq!(delivered.header("idempotency-key"), published["id"].as_str());
        let expected = json!({
            "channel": "#küche",
            "text": "STRASSENCAFÉ: ord_1, 2 items for 15.00 EUR",
            "lines": ["2 × Crème brûlée 🍮"],
            "total_cents": 1500,
        });
        assert_eq!(delivered.json(), expected);
    }
}
