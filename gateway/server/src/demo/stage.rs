//! The stage of the demo: a gateway on a fresh database, its plugins, a source, a customer, two subscriptions and a receiver.

use super::guests::{self, INBOUND, OUTBOUND};
use super::narrator::Narrator;
use super::{DemoError, DemoOptions};
use crate::client::{Answer, Client};
use crate::clock::SystemClock;
use crate::config::Loaded;
use crate::config::raw::Raw;
use crate::serve::{self, Options, Running};
use crate::sink::{Delivered, Reply, Sink};
use hookwright_core::catalogue::ESTABLISHMENT_FULFILLED;
use hookwright_core::secret::SigningSecret;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Ports that make the suggested commands the same in every run, where they are free.
const PORTS: [u16; 3] = [8080, 8081, 9000];

/// A subscription of the demo.
#[derive(Clone, Debug)]
pub(super) struct Subscribed {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) path: &'static str,
    pub(super) secret: SigningSecret,
}

/// Everything that is running.
pub(super) struct Stage {
    pub(super) public: Client,
    pub(super) admin: Client,
    pub(super) receiver: Sink,
    pub(super) source_secret: SigningSecret,
    pub(super) subscriptions: [Subscribed; 2],
    running: Running,
    place: tempfile::TempDir,
}

impl Stage {
    /// Sets it up, telling what is done.
    pub(super) async fn set(options: &DemoOptions, narrator: &mut Narrator) -> Result<Self, DemoError> {
        narrator.step("Build the plugins");
        narrator.fact("from plugins/, for WebAssembly; the first time takes a minute");
        let guests = guests::obtain(options.components.clone()).await?;
        for (name, component) in &guests.0 {
            narrator.good(&format!("{name}: {} KiB", component.len() / 1024));
        }

        narrator.step("Start the gateway on a fresh database");
        let place = tempfile::Builder::new().prefix("hookwright-demo-").tempdir();
        let place = place.map_err(|source| DemoError::System { what: "make a temporary directory", source })?;
        let [public, admin, receiver] = ports(options.once).await?;
        let receiver =
            Sink::start(receiver, Vec::new(), Arc::new(SystemClock), Arc::new(|_| Reply::status(StatusCode::OK)))
                .map_err(|source| DemoError::System { what: "start the receiver", source })?;
        let config = config(&place)?;
        let running = serve::start(config, Options { listeners: Some((public, admin)), ..Options::default() }).await?;
        let public = Client::new(format!("http://{}", running.public));
        let admin = Client::new(format!("http://{}", running.admin));
        narrator.good(&format!("partners post to      {}", public.base()));
        narrator.good(&format!("the platform talks to {}", admin.base()));
        narrator.good(&format!("records are kept in   {}", place.path().join("hookwright.db").display()));

        narrator.step("Push the plugins");
        for (name, component) in guests.0 {
            let headers = [("content-type", "application/wasm"), ("x-audit-reason", "demo")];
            let path = format!("/admin/plugins/{name}");
            let pushed = expect("push a plugin", &admin.send(Method::PUT, &path, &headers, component).await?)?;
            let digest = pushed["active"].as_str().and_then(|digest| digest.get(..12)).unwrap_or("?");
            narrator.good(&format!("{name} serves version {digest}"));
        }

        let source_secret = make_source(&admin, narrator).await?;
        make_customer(&admin, narrator).await?;
        let subscriptions = make_subscriptions(&admin, receiver.address(), narrator).await?;
        Ok(Self { public, admin, receiver, source_secret, subscriptions, running, place })
    }

    /// Stays up, showing what arrives, until the process is told to stop.
    pub(super) async fn stay(&mut self, narrator: &Narrator) -> Result<(), DemoError> {
        let mut stop = std::pin::pin!(serve::told_to_stop());
        loop {
            tokio::select! {
                stopped = stop.as_mut() => {
                    return stopped.map_err(|source| DemoError::System { what: "wait for a signal", source });
                }
                Some(delivered) = self.receiver.next() => self.show(&delivered, narrator),
            }
        }
    }

    fn show(&self, delivered: &Delivered, narrator: &Narrator) {
        narrator.heading(&format!("The receiver got {} {}", delivered.method, delivered.path));
        match self.subscription_of(delivered) {
            Some(subscription) => {
                tell_signature(subscription, delivered, narrator);
            }
            None => narrator.fact("of no subscription of the demo"),
        }
        narrator.body(&delivered.body);
    }

    /// Whose delivery it is.
    pub(super) fn subscription_of(&self, delivered: &Delivered) -> Option<&Subscribed> {
        self.subscriptions.iter().find(|subscription| subscription.path == delivered.path)
    }

    /// Stops everything and removes the temporary place.
    pub(super) async fn end(self) {
        self.running.stop().await;
        if let Err(error) = self.place.close() {
            tracing::warn!(%error, "cannot remove the temporary place");
        }
    }
}

/// Checks a delivery's signature under its own subscription's secret, and tells how that went.
pub(super) fn tell_signature(subscription: &Subscribed, delivered: &Delivered, narrator: &Narrator) -> bool {
    let secrets = [subscription.secret.clone()];
    match crate::sink::check(&secrets, &delivered.headers, &delivered.body, delivered.at_ms) {
        Ok(()) => {
            narrator.good(&format!("signature verified with the secret of `{}`", subscription.name));
            true
        }
        Err(error) => {
            narrator.bad(&format!("signature NOT verified: {error}"));
            false
        }
    }
}

/// Three listeners, on the usual ports where they are free and wanted.
async fn ports(any: bool) -> Result<[TcpListener; 3], DemoError> {
    let mut listeners = Vec::with_capacity(PORTS.len());
    for port in PORTS {
        let usual = if any { None } else { TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.ok() };
        let listener = match usual {
            Some(listener) => Ok(listener),
            None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
        };
        listeners.push(listener.map_err(|source| DemoError::System { what: "listen on a port", source })?);
    }
    let nothing =
        || DemoError::System { what: "listen on a port", source: std::io::ErrorKind::AddrNotAvailable.into() };
    listeners.try_into().map_err(|_| nothing())
}

fn config(place: &tempfile::TempDir) -> Result<crate::config::Config, DemoError> {
    let mut raw = Raw::default();
    let database = format!("sqlite:{}", place.path().join("hookwright.db").display());
    raw.flag("demo", "database_url", &database);
    // The receiver is on this machine, which deliveries do not reach unless an operator says so.
    raw.flag("demo", "egress.allow", "127.0.0.0/8");
    // What is under way at the end of a demo interests nobody.
    raw.flag("demo", "drain", "2s");
    // A machine that just compiled for a minute may be slow at the first call.
    raw.flag("demo", "plugins.inbound_deadline", &crate::config::format_duration(Duration::from_secs(1)));
    raw.flag("demo", "plugins.outbound_deadline", &crate::config::format_duration(Duration::from_secs(1)));
    Ok(Loaded::check(raw)?.config)
}

async fn make_source(admin: &Client, narrator: &mut Narrator) -> Result<SigningSecret, DemoError> {
    narrator.step("Connect a partner: the source `emr`");
    let body = json!({
        "slug": "emr",
        "name": "EMR",
        "verification": { "type": "standard_webhooks" },
        "plugin": INBOUND,
    });
    let source = expect("create the source", &admin.json(Method::POST, "/admin/sources", &body).await?)?;
    let secret = secret_of("create the source", &source)?;
    narrator.good("verified by Standard Webhooks signatures; its secret is shown once, now:");
    narrator.pair("secret", &secret.reveal());
    narrator.pair("read by", INBOUND);
    Ok(secret)
}

async fn make_customer(admin: &Client, narrator: &mut Narrator) -> Result<(), DemoError> {
    narrator.step("Tell of a customer: the platform publishes customer.created");
    let body = json!({ "type": "customer.created", "data": {
        "customer_id": "cus_xyz",
        "name": "Ada Example",
        "address": { "line1": "1 Main St", "city": "Austin", "state": "Texas", "postal_code": "78701", "country": "US" },
    }});
    expect("publish an event", &admin.json(Method::POST, "/admin/events", &body).await?)?;
    let customer = expect("read the customer", &admin.get("/admin/customers/cus_xyz").await?)?;
    let region = customer["region"].as_str().unwrap_or("?");
    narrator.good(&format!("cus_xyz lives in {region}, and is not established there: compliance.requirement_created"));
    Ok(())
}

async fn make_subscriptions(
    admin: &Client,
    receiver: SocketAddr,
    narrator: &mut Narrator,
) -> Result<[Subscribed; 2], DemoError> {
    narrator.step("Subscribe twice: as it is, and reshaped by a plugin");
    let raw = json!({
        "name": "Raw",
        "url": format!("http://{receiver}/raw"),
        "events": ["compliance.*"],
        "retry_policy": "exponential",
        "max_retries": 5,
    });
    let reshaped = json!({
        "name": "Klaviyo",
        "url": format!("http://{receiver}/klaviyo"),
        "events": [ESTABLISHMENT_FULFILLED],
        "retry_policy": "exponential",
        "max_retries": 5,
        "transform": { "plugin": OUTBOUND },
    });
    let raw = subscribe(admin, &raw, "/raw").await?;
    let reshaped = subscribe(admin, &reshaped, "/klaviyo").await?;
    narrator.good(&format!("{:<8} wants compliance.*, as it is", raw.name));
    narrator.good(&format!("{:<8} wants {ESTABLISHMENT_FULFILLED}, reshaped by {OUTBOUND}", reshaped.name));
    Ok([raw, reshaped])
}

async fn subscribe(admin: &Client, body: &Value, path: &'static str) -> Result<Subscribed, DemoError> {
    const WHAT: &str = "create a subscription";
    let made = expect(WHAT, &admin.json(Method::POST, "/admin/subscriptions", body).await?)?;
    let text = |field: &str| made[field].as_str().unwrap_or_default().to_owned();
    Ok(Subscribed { id: text("id"), name: text("name"), path, secret: secret_of(WHAT, &made)? })
}

fn secret_of(what: &'static str, made: &Value) -> Result<SigningSecret, DemoError> {
    let text = made["secret"].as_str().or_else(|| made["secrets"][0].as_str()).unwrap_or_default();
    let bad = |detail: String| DemoError::Answer { what, status: StatusCode::CREATED, detail };
    SigningSecret::parse(text).map_err(|error| bad(error.to_string()))
}

/// The body of a success.
pub(super) fn expect(what: &'static str, answer: &Answer) -> Result<Value, DemoError> {
    if answer.status.is_success() {
        return Ok(answer.json());
    }
    let detail = answer.json()["detail"].as_str().unwrap_or("no reason given").to_owned();
    Err(DemoError::Answer { what, status: answer.status, detail })
}
