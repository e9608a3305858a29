//! A gateway in this process: on a database of its own, on free ports, by the system's clock or by one of the test's.

use super::source::SourceClient;
use super::{guests, root};
use hookwright::client::{Answer, Client};
use hookwright::clock::SystemClock;
use hookwright::config::Loaded;
use hookwright::config::raw::Raw;
use hookwright::serve::{self, Options, Running};
use hookwright::sink::{self, Delivered};
use hookwright_core::secret::SigningSecret;
use hookwright_plugin_host::Compiler;
use hookwright_plugin_host::child::{CHILD_ARGUMENT, COMPILE_WALL_MAX};
use hookwright_store::Clock;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) public: Client,
    pub(crate) admin: Client,
    pub(crate) running: Running,
    place: TempDir,
    clock: Arc<dyn Clock>,
    settings: Vec<(String, String)>,
}

/// A subscription that a test made.
#[derive(Clone, Debug)]
pub(crate) struct Subscribed {
    pub(crate) id: String,
    pub(crate) secret: SigningSecret,
}

impl Subscribed {
    /// Whether a delivery's signature fits this subscription's secret.
    pub(crate) fn verifies(&self, delivered: &Delivered) -> bool {
        let secrets = [self.secret.clone()];
        sink::check(&secrets, &delivered.headers, &delivered.body, delivered.at_ms).is_ok()
    }
}

/// What a gateway is started with.
pub(crate) struct Builder {
    clock: Arc<dyn Clock>,
    settings: Vec<(String, String)>,
    plugins: bool,
}

impl Builder {
    /// A setting by its key, as in `--set`.
    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Another clock.
    pub(crate) fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Without the two plugins of the checkout.
    pub(crate) fn without_plugins(mut self) -> Self {
        self.plugins = false;
        self
    }

    /// Starts it.
    pub(crate) async fn start(self) -> Gateway {
        let gateway = Gateway::in_place(tempfile::tempdir().unwrap(), self.clock, self.settings).await;
        if self.plugins {
            gateway.push("emr-video-call", guests::emr_video_call()).await;
            gateway.push("klaviyo-profile", guests::klaviyo_profile()).await;
        }
        gateway
    }
}

impl Gateway {
    /// One with both plugins pushed, which may deliver to this machine.
    pub(crate) async fn start() -> Self {
        Self::builder().start().await
    }

    /// One that is started otherwise.
    pub(crate) fn builder() -> Builder {
        Builder { clock: Arc::new(SystemClock), settings: Vec::new(), plugins: true }
    }

    async fn in_place(place: TempDir, clock: Arc<dyn Clock>, settings: Vec<(String, String)>) -> Self {
        let mut raw = Raw::default();
        // Compiled plugins are kept for the whole run, and authenticated by a key derived from this one.
        let key = place.path().join("hookwright.key");
        std::fs::write(&key, "5c".repeat(32)).unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let named_key = key.display().to_string();
        let compiled = root().join("target").join("compiled-for-tests").display().to_string();
        let database = format!("sqlite:{}", place.path().join("hookwright.db").display());
        let defaults = [
            ("database_url", database.as_str()),
            // Nodes that share a database must be told.
            ("keys.file", named_key.as_str()),
            ("public.listen", "127.0.0.1:0"),
            ("admin.listen", "127.0.0.1:0"),
            ("egress.allow", "127.0.0.0/8"),
            ("drain", "2s"),
            ("plugins.cache", compiled.as_str()),
            // The machine that runs the tests may be busy with other tests.
            ("plugins.inbound_deadline", "1s"),
            ("plugins.outbound_deadline", "1s"),
        ];
        for (key, value) in defaults {
            raw.flag("test", key, value);
        }
        for (key, value) in &settings {
            raw.flag("test", key, value);
        }
        let config = Loaded::check(raw).unwrap().config;
        let options = Options { clock: Arc::clone(&clock), compiler: Some(compiler()), ..Options::default() };
        let running = serve::start(config, options).await.unwrap();
        Self {
            public: Client::new(format!("http://{}", running.public)),
            admin: Client::new(format!("http://{}", running.admin)),
            running,
            place,
            clock,
            settings,
        }
    }

    /// Stops it in good order, and starts it again on the same database.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(|| {}).await
    }

    /// The same; something happens while it is down.
    pub(crate) async fn restart_after(self, meanwhile: impl FnOnce()) -> Self {
        let Self { running, place, clock, settings, .. } = self;
        running.stop().await;
        meanwhile();
        Self::in_place(place, clock, settings).await
    }

    /// Stops it in good order; its database and keys stay.
    pub(crate) async fn stop(self) -> TempDir {
        self.running.stop().await;
        self.place
    }

    /// Its time.
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// The directory with its database and keys.
    pub(crate) fn directory(&self) -> &Path {
        self.place.path()
    }

    /// Makes a request of the admin API and gives its answer.
    pub(crate) async fn request(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.admin.json(method, path, body).await.unwrap()
    }

    /// Reads a record; panics if it is not there.
    pub(crate) async fn read(&self, path: &str) -> Value {
        let answer = self.admin.get(path).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "GET {path}: {}", answer.json());
        answer.json()
    }

    /// The rows of a list's first page.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        self.read(path).await["data"].as_array().unwrap().clone()
    }

    /// Makes something; panics if the gateway refuses.
    pub(crate) async fn make(&self, path: &str, body: &Value) -> Value {
        let answer = self.request(Method::POST, path, body).await;
        assert!(answer.status.is_success(), "POST {path}: {} {}", answer.status, answer.json());
        answer.json()
    }

    /// Publishes one event and gives the answer's body.
    pub(crate) async fn publish(&self, event_type: &str, data: Value) -> Value {
        self.make("/admin/events", &json!({ "type": event_type, "data": data })).await
    }

    /// Pushes a plugin's version; panics if it is refused.
    pub(crate) async fn push(&self, name: &str, component: &[u8]) -> Value {
        let path = format!("/admin/plugins/{name}");
        let headers = [("content-type", "application/wasm")];
        let answer = self.admin.send(Method::PUT, &path, &headers, component.to_vec()).await.unwrap();
        assert!(answer.status.is_success(), "PUT {path}: {} {}", answer.status, answer.json());
        answer.json()
    }

    /// Makes a source that `emr-video-call` reads, with Standard Webhooks signatures.
    pub(crate) async fn source(&self, slug: &str) -> SourceClient {
        self.source_with(slug, json!({})).await
    }

    /// The same with other fields.
    pub(crate) async fn source_with(&self, slug: &str, fields: Value) -> SourceClient {
        let body = json!({
            "slug": slug,
            "name": slug,
            "verification": { "type": "standard_webhooks" },
            "plugin": "emr-video-call",
        });
        let made = self.make("/admin/sources", &merged(body, fields)).await;
        SourceClient { slug: slug.to_owned(), id: made["id"].as_str().unwrap().to_owned(), secret: secret_of(&made) }
    }

    /// Makes a source whose secrets, if it has any, the test brings along.
    pub(crate) async fn source_open(&self, slug: &str, fields: Value) {
        let body = json!({ "slug": slug, "name": slug, "plugin": "emr-video-call" });
        self.make("/admin/sources", &merged(body, fields)).await;
    }

    /// Makes a subscription with exponential retries; `fields` are further or other fields.
    pub(crate) async fn subscribe(&self, url: &str, events: &[&str], fields: Value) -> Subscribed {
        let body = json!({
            "name": "test",
            "url": url,
            "events": events,
            "retry_policy": "exponential",
            "max_retries": 5,
        });
        let made = self.make("/admin/subscriptions", &merged(body, fields)).await;
        Subscribed { id: made["id"].as_str().unwrap().to_owned(), secret: secret_of(&made) }
    }

    /// Publishes `customer.created` for a customer in the United States.
    pub(crate) async fn customer(&self, id: &str, state: &str, zip: &str) -> Value {
        self.publish(
            "customer.created",
            json!({ "customer_id": id, "name": "Ada Example", "address": {
                "line1": "1 Main St", "city": "Somewhere", "state": state, "postal_code": zip, "country": "US",
            }}),
        )
        .await
    }
}

/// The secret that is shown once, in the answer to a creation.
pub(crate) fn secret_of(made: &Value) -> SigningSecret {
    let text = made["secret"].as_str().or_else(|| made["secrets"][0].as_str()).unwrap();
    SigningSecret::parse(text).unwrap()
}

fn merged(mut body: Value, fields: Value) -> Value {
    let (Some(body_fields), Value::Object(fields)) = (body.as_object_mut(), fields) else {
        panic!("fields must be an object");
    };
    body_fields.extend(fields);
    body
}

/// The tests' own program is no compiler: `hookwright` itself is.
fn compiler() -> Compiler {
    let program = env!("CARGO_BIN_EXE_hookwright-under-test").into();
    Compiler::Child { program, args: vec![CHILD_ARGUMENT.into()], wall_limit: COMPILE_WALL_MAX }
}
