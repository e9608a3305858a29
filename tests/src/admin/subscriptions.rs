//! Subscriptions: made, read, changed, deleted.

use super::{bare, holder, pointers, problem, send, subscription};
use http::{Method, StatusCode};
use serde_json::{Value, json};

fn path_of(made: &Value) -> String {
    format!("/admin/subscriptions/{}", made["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_is_shown_with_its_secret_once() {
    let gateway = bare().await;
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = json!({
        "name": "Klaviyo", "url": "https://a.klaviyo.com/hook", "secret": secret, "events": ["customer.*", "order.placed"],
        "active": true, "retry_policy": "none", "max_retries": 0, "description": "profiles", "created_by": "ops",
        "headers": { "X-Team": "growth" }, "timeout_ms": 5000, "max_in_flight": 4,
    });
    let answer = gateway.request(Method::POST, "/admin/subscriptions", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let made = answer.json();
    assert_eq!(answer.header("location"), Some(path_of(&made).as_str()));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    for (name, value) in body.as_object().unwrap() {
        let expected = if name == "headers" { &json!({ "x-team": "growth" }) } else { value };
        assert_eq!(&made[name], expected, "{name}");
    }
    let read = gateway.read(&path_of(&made)).await;
    assert_eq!(read["secret_hint"], "whsec_…LaSw");
    assert!(read.get("secret").is_none());
    assert!(!gateway.read("/admin/subscriptions").await.to_string().contains(secret));

    let least = gateway.make("/admin/subscriptions", &subscription()).await;
    let defaults = json!([true, "exponential", 8, 15000, "local"]);
    let told =
        json!([least["active"], least["retry_policy"], least["max_retries"], least["timeout_ms"], least["created_by"]]);
    assert_eq!(told, defaults);
    assert!(least["secret"].as_str().unwrap().starts_with("whsec_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_changes_what_it_names_and_a_put_everything() {
    let gateway = bare().await;
    let mut body = subscription();
    body["headers"] = json!({ "X-A": "1", "x-b": "2" });
    body["description"] = json!("why");
    let made = gateway.make("/admin/subscriptions", &body).await;
    let path = path_of(&made);
    let wanted =
        json!({ "name": "Other", "description": null, "headers": { "X-a": null, "X-C": "3" }, "max_retries": 3 });
    let headers = [("content-type", "application/merge-patch+json")];
    let patched = gateway.admin.send(Method::PATCH, &path, &headers, wanted.to_string()).await.unwrap();
    assert_eq!((patched.status, patched.header("etag")), (StatusCode::OK, Some("\"2\"")), "{}", patched.json());
    let patched = patched.json();
    assert_eq!(patched["headers"], json!({ "x-b": "2", "x-c": "3" }));
    assert_eq!(
        (&patched["name"], &patched["max_retries"], &patched["events"]),
        (&json!("Other"), &json!(3), &made["events"])
    );
    assert!(patched.get("description").is_none());
    assert_eq!(patched["secret_hint"], made["secret_hint"], "a change keeps the secret");

    let put = gateway.request(Method::PUT, &path, &subscription()).await.json();
    assert_eq!((&put["headers"], &put["max_retries"], &put["version"]), (&json!({}), &json!(8), &json!(3)));
    let rekeyed =
        gateway.request(Method::PATCH, &path, &json!({ "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" })).await;
    assert_eq!(rekeyed.json()["secret_hint"], "whsec_…LaSw");
    assert_eq!(rekeyed.json().get("secret"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_to_another_version_than_the_one_that_was_read_is_refused() {
    let gateway = bare().await;
    let path = path_of(&gateway.make("/admin/subscriptions", &subscription()).await);
    let change = json!({ "name": "Other" });
    assert!(send(&gateway.admin, Method::PATCH, &path, &[("if-match", "\"1\"")], &change).await.status.is_success());
    for method in [Method::PATCH, Method::PUT, Method::DELETE] {
        let answer = send(&gateway.admin, method.clone(), &path, &[("if-match", "\"1\"")], &subscription()).await;
        assert_eq!(problem(&answer), (412, "changed_meanwhile".to_owned()), "{method}");
    }
    assert_eq!(gateway.read(&path).await["name"], "Other");
    assert_eq!(send(&gateway.admin, Method::DELETE, &path, &[("if-match", "\"2\"")], &json!({})).await.status, 204);
    assert_eq!(problem(&gateway.admin.get(&path).await.unwrap()).0, 404);
    let customer =
        send(&gateway.admin, Method::PUT, "/admin/customers/cus_1", &[("if-match", "\"1\"")], &json!({})).await;
    assert_eq!(problem(&customer), (412, "no_version".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_at_once_all_take_place() {
    let gateway = bare().await;
    let path = path_of(&gateway.make("/admin/subscriptions", &subscription()).await);
    let fields = ["timeout_ms", "max_retries", "max_in_flight"];
    let bodies = fields.map(|field| if field == "timeout_ms" { json!({ field: 300 }) } else { json!({ field: 3 }) });
    // One write a time succeeds, so that the last of these is overtaken by all the others.
    let others = (0..20).map(|number| json!({ "description": number.to_string() }));
    let changes: Vec<_> = bodies
        .into_iter()
        .chain(others)
        .map(|body| {
            let (client, path) = (gateway.admin.clone(), path.clone());
            tokio::spawn(async move { client.json(Method::PATCH, &path, &body).await.unwrap().status })
        })
        .collect();
    for change in changes {
        assert_eq!(change.await.unwrap(), StatusCode::OK);
    }
    let read = gateway.read(&path).await;
    assert_eq!(json!([read["timeout_ms"], read["max_retries"], read["max_in_flight"]]), json!([300, 3, 3]));
    assert_eq!(read["version"], 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_has_a_reason_and_a_resumption_takes_it_away() {
    let gateway = bare().await;
    let path = path_of(&gateway.make("/admin/subscriptions", &subscription()).await);
    let ask = async |what: &str| {
        let answer = gateway.admin.send(Method::POST, &format!("{path}/{what}"), &[], "").await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
        answer.json()
    };
    let paused = ask("pause").await;
    assert_eq!((&paused["active"], &paused["disabled_reason"]), (&json!(false), &json!("paused")));
    let resumed = ask("resume").await;
    assert_eq!((&resumed["active"], resumed.get("disabled_reason")), (&json!(true), None));
    let body = gateway.request(Method::POST, &format!("{path}/pause"), &json!({ "why": "x" })).await;
    assert_eq!(problem(&body), (422, "invalid".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receivers_credential_is_shown_to_those_who_could_have_set_it() {
    let gateway = bare().await;
    let mut body = subscription();
    body["headers"] = json!({ "authorization": "Bearer of-the-receiver" });
    let path = path_of(&gateway.make("/admin/subscriptions", &body).await);
    let admin = holder(&gateway.admin, &["admin"]).await;
    let reader = holder(&admin, &["read"]).await;
    assert!(admin.get(&path).await.unwrap().json().to_string().contains("of-the-receiver"));
    assert_eq!(reader.get(&path).await.unwrap().json()["headers"], json!({ "authorization": "…" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_and_nothing_is_kept() {
    let gateway = bare().await;
    let with = |member: &str, value: Value| {
        let mut body = subscription();
        body[member] = value;
        body
    };
    for (member, value) in [
        ("url", json!("http://10.0.0.1/")),
        ("url", json!("https://169.254.169.254/")),
        ("url", json!("https://user:pw@example.com/")),
        ("url", json!("not a url")),
        ("secret", json!("whsec_c2hvcnQ=")),
        ("events", json!([])),
        ("retry_policy", json!("linear")),
        ("max_retries", json!(51)),
        ("max_retries", json!(-1)),
        ("timeout_ms", json!(60_001)),
        ("max_in_flight", json!(0)),
        ("name", json!("")),
        ("created_at", json!("2026-01-04T22:30:00Z")),
        ("rate_per_second", json!(0)),
        ("permanent_statuses", json!(200)),
        ("max_age_secs", json!(60)),
    ] {
        let answer = gateway.request(Method::POST, "/admin/subscriptions", &with(member, value.clone())).await;
        assert_eq!((problem(&answer).0, pointers(&answer)), (422, vec![format!("/{member}")]), "{member} {value}");
    }
    let answer =
        gateway.request(Method::POST, "/admin/subscriptions", &with("transform", json!({ "plugin": "nobody" }))).await;
    assert_eq!(pointers(&answer), ["/transform/plugin"]);
    assert!(gateway.list("/admin/subscriptions").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_less_common_settings_are_kept_shown_and_merged() {
    let gateway = bare().await;
    let usual = json!({
        "method": "POST", "ordering": "none", "head_of_line": { "policy": "block", "attempts": 3 }, "permanent_statuses": [],
    });
    let own = json!({
        "method": "PUT", "rate_per_second": 7, "ordering": "key", "head_of_line": { "policy": "dead_letter", "attempts": 5 },
        "permanent_statuses": [404, 422], "max_age_seconds": 3600,
    });
    let shows = |shown: &Value, expected: &Value| {
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&shown[name], value, "{name}");
        }
    };
    let least = gateway.make("/admin/subscriptions", &subscription()).await;
    shows(&least, &usual);
    assert_eq!((least.get("rate_per_second"), least.get("max_age_seconds")), (None, None));
    let mut body = subscription();
    body.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let path = path_of(&gateway.make("/admin/subscriptions", &body).await);
    shows(&gateway.read(&path).await, &own);

    let wanted = json!({ "head_of_line": { "attempts": 9 }, "rate_per_second": null, "permanent_statuses": [500] });
    let patched = gateway.request(Method::PATCH, &path, &wanted).await;
    assert_eq!((patched.status, patched.header("etag")), (StatusCode::OK, Some("\"2\"")), "{}", patched.json());
    let patched = patched.json();
    let head = json!({ "policy": "dead_letter", "attempts": 9 });
    shows(
        &patched,
        &json!({ "method": "PUT", "head_of_line": head, "permanent_statuses": [500], "max_age_seconds": 3600 }),
    );
    assert_eq!(patched.get("rate_per_second"), None);
    let same = gateway.request(Method::PATCH, &path, &json!({ "description": "x" })).await.json();
    shows(&same, &json!({ "ordering": "key", "head_of_line": head, "permanent_statuses": [500] }));
    let gateway = gateway.restart().await;
    shows(&gateway.read(&path).await, &json!({ "method": "PUT", "head_of_line": head, "permanent_statuses": [500] }));
    shows(&gateway.request(Method::PUT, &path, &subscription()).await.json(), &usual);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_s_own_key_goes_in_and_never_comes_out() {
    let certificate = include_str!("../../../gateway/server/src/listener/tests/first.certificate.pem");
    let key = include_str!("../../../gateway/server/src/listener/tests/first.key.pem");
    let gateway = bare().await;
    let tls = json!({ "certificate": certificate, "key": key });
    let made = gateway.subscribe("https://example.com/", &["*"], json!({ "tls": tls })).await;
    let path = format!("/admin/subscriptions/{}", made.id);
    let stored_key = || gateway.running.app.store.subscriptions()[0].options.tls.clone().unwrap().key;
    assert_eq!(stored_key().as_deref(), Some(key));
    let shown = gateway.read(&path).await;
    assert_eq!((&shown["tls"]["key_set"], &shown["tls"]["certificate"]), (&json!(true), &json!(certificate)));
    assert!(!shown.to_string().contains("PRIVATE"), "{shown}");
    // What does not speak of the key leaves it as it is; what speaks of another certificate must bring its own.
    let patched = gateway.admin.send(
        Method::PATCH,
        &path,
        &[("content-type", "application/merge-patch+json")],
        br#"{"name":"renamed"}"#.to_vec(),
    );
    assert_eq!(patched.await.unwrap().status, StatusCode::OK);
    assert_eq!(stored_key().as_deref(), Some(key));
    let other = include_str!("../../../gateway/server/src/listener/tests/second.certificate.pem");
    let change = json!({ "tls": { "certificate": other } }).to_string().into_bytes();
    let refused = gateway.admin.send(Method::PATCH, &path, &[("content-type", "application/merge-patch+json")], change);
    let refused = refused.await.unwrap();
    assert_eq!(
        (refused.status, &refused.json()["errors"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/tls/key"))
    );
}
