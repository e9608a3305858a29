//! Others' cryptography verifies what we send: Node's own, and Stripe's client for Python.

use super::{installed, place};
use crate::harness::{Gateway, Receiver};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

const VERSION_STRIPE: &str = "13.0.1";
/// Keys, of all kinds that receivers have.
const SECRETS: [&str; 4] = ["It's a Secret to Everybody", "whsec_stripe", "8f742231b10e8888abcd99yyyzzz85a5", "hush"];

/// One delivery with signatures of all kinds: its headers, its body, and what verifies it.
async fn delivery() -> Value {
    let gateway = Gateway::builder().without_plugins().start().await;
    let mut receiver = Receiver::start().await;
    let [github, stripe, slack, shopify] = SECRETS;
    let legacy = json!([
        { "header": "X-Hub-Signature-256", "template": "sha256={sha256_hex}", "secret": github },
        { "header": "Stripe-Signature", "template": "t={timestamp},v1={sha256_hex}", "content": "timestamp.body", "secret": stripe },
        { "header": "X-Slack-Signature", "template": "v0={sha256_hex}", "content": "v0:timestamp:body", "secret": slack },
        { "header": "X-Shopify-Hmac-SHA256", "template": "{sha256_base64}", "secret": shopify },
    ]);
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], json!({ "legacy_signatures": legacy })).await;
    let path = format!("/admin/subscriptions/{}/rotate-secret", subscribed.id);
    let rotated = gateway.make(&path, &json!({ "type": "ed25519" })).await;
    gateway.publish("order.placed", json!({ "name": "Zoë – ✓", "total": 1.5 })).await;
    let delivered = receiver.next().await;
    let headers: serde_json::Map<String, Value> =
        delivered.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "headers": headers,
        "body": std::str::from_utf8(&delivered.body).unwrap(),
        "public_key": rotated["secrets"][0]["public_key"],
        "github": github, "stripe": stripe, "slack": slack, "shopify": shopify,
    })
}

/// Runs a script on a delivery, and on bent ones: each check it makes must hold of the one and of none of the others.
fn check(delivery: &Value, checks: &[&str], command: impl Fn() -> Command) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("delivery.json");
    for bent in [false, true] {
        let mut delivery = delivery.clone();
        if bent {
            delivery["body"] = json!(format!("{} ", delivery["body"].as_str().unwrap()));
        }
        fs::write(&file, delivery.to_string()).unwrap();
        let output = command().arg(&file).output().unwrap();
        let said: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let expected: serde_json::Map<String, Value> =
            checks.iter().map(|name| ((*name).to_owned(), json!(!bent))).collect();
        assert_eq!(said, Value::Object(expected), "bent: {bent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn node_s_own_cryptography_verifies_asymmetric_and_legacy_signatures() {
    if !installed("Node", Command::new("node").arg("--version")) {
        return;
    }
    let script = place("node").join("verify.cjs");
    fs::write(
        &script,
        r#"const crypto = require("crypto");
const d = JSON.parse(require("fs").readFileSync(process.argv[2], "utf8"));
const h = d.headers, time = h["webhook-timestamp"];
const hmac = (key, content, form) => crypto.createHmac("sha256", key).update(content, "utf8").digest(form);
const raw = Buffer.from(d.public_key.replace("whpk_", ""), "base64");
const key = crypto.createPublicKey({ key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]), format: "der", type: "spki" });
const signature = h["webhook-signature"].split(" ").find((entry) => entry.startsWith("v1a,")).slice(4);
const message = Buffer.from(`${h["webhook-id"]}.${time}.${d.body}`, "utf8");
console.log(JSON.stringify({
  v1a: crypto.verify(null, message, key, Buffer.from(signature, "base64")),
  github: h["x-hub-signature-256"] === "sha256=" + hmac(d.github, d.body, "hex"),
  slack: h["x-slack-signature"] === "v0=" + hmac(d.slack, `v0:${time}:${d.body}`, "hex"),
  shopify: h["x-shopify-hmac-sha256"] === hmac(d.shopify, d.body, "base64"),
}));
"#,
    )
    .unwrap();
    let delivery = delivery().await;
    check(&delivery, &["v1a", "github", "slack", "shopify"], || {
        let mut command = Command::new("node");
        command.arg(&script);
        command
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_s_client_for_python_verifies_the_header_in_its_way() {
    let place = place("stripe");
    let (script, libraries) = (place.join("verify.py"), place.join("libraries"));
    let mut install = Command::new("python3");
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]).arg(&libraries);
    install.arg(format!("stripe=={VERSION_STRIPE}"));
    if !libraries.join("stripe").is_dir() && !installed("Stripe's client for Python", &mut install) {
        return;
    }
    fs::write(
        &script,
        r#"import json, sys
import stripe
d = json.load(open(sys.argv[1]))
try:
    good = stripe.WebhookSignature.verify_header(d["body"], d["headers"]["stripe-signature"], d["stripe"], tolerance=300)
except stripe.SignatureVerificationError:
    good = False
print(json.dumps({"stripe": good}))
"#,
    )
    .unwrap();
    let delivery = delivery().await;
    check(&delivery, &["stripe"], || {
        let mut command = Command::new("python3");
        command.arg(&script).env("PYTHONPATH", &libraries);
        command
    });
}
