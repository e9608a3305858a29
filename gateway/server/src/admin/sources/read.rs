//! Reads a source as a body states it.

use super::secrets::Fresh;
use super::{fetch, handshakes, scheme, secrets};
use crate::admin::body::{Faults, Object, child, kind_of};
use crate::app::App;
use crate::chance;
use crate::problem::Problem;
use hookwright_core::egress::{AddressPolicy, URL_MAX};
use hookwright_core::fetch::FetchPolicy;
use hookwright_core::handshake::Handshake;
use hookwright_core::id::SourceId;
use hookwright_core::preset;
use hookwright_core::secret::CredentialText;
use hookwright_core::signature::Scheme;
use hookwright_core::source::{Ack, OnPluginFailure, Source, SourceSecret, is_slug};
use hookwright_store::PageRequest;
use serde_json::Value;

const NAME_CHARACTERS_MAX: usize = 200;
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const ON_ERROR: [(&str, OnPluginFailure); 2] =
    [("quarantine", OnPluginFailure::Quarantine), ("reject", OnPluginFailure::Reject)];
const ACKS: [(&str, Ack); 2] = [("on_persist", Ack::OnPersist), ("on_processed", Ack::OnProcessed)];
/// From a minute to a month.
const HEARTBEAT_SECONDS: std::ops::RangeInclusive<u32> = 60..=2_678_400;
const SETTINGS_BYTES_MAX: usize = 64 * 1024;
/// The deadline of one call of the plugin, in milliseconds.
const DEADLINE_MS: std::ops::RangeInclusive<u32> = 1..=2_000;
/// What reads show and nobody can set.
const SET_BY_THE_GATEWAY: [&str; 6] = ["id", "secret_hints", "secret_ids", "created_at", "updated_at", "version"];

/// A source as a body states it.
#[derive(Debug)]
pub struct Wanted {
    slug: String,
    name: String,
    preset: Option<String>,
    verification: Scheme,
    handshakes: Vec<Handshake>,
    secrets: Vec<SourceSecret>,
    public_url: Option<String>,
    plugin: String,
    settings: Value,
    methods: Vec<String>,
    on_error: OnPluginFailure,
    deadline_ms: Option<u32>,
    updates_customers: bool,
    ack: Ack,
    heartbeat_seconds: Option<u32>,
    fetch: Option<FetchPolicy<CredentialText>>,
    active: bool,
}

/// What a body is held against besides the rules.
struct Against<'a> {
    /// The world of the plugin that it names, if there is one of that name.
    world: Option<&'a str>,
    /// The source that it changes.
    current: Option<&'a Source>,
    egress: &'a AddressPolicy,
    fresh: Fresh<'a>,
}

/// Reads a body; `current` is the source that it changes. The plugin need not be there yet: its messages wait for it.
pub async fn read(app: &App, body: &Value, current: Option<&Source>) -> Result<Wanted, Problem> {
    let mut body = body.clone();
    preset::apply(&mut body).map_err(|fault| Problem::field(fault.pointer, fault.detail))?;
    let world = world_of(app, &body).await?;
    let against = Against {
        world: world.as_deref(),
        current,
        egress: &AddressPolicy { allow: app.config.egress_allow.clone() },
        fresh: Fresh { random: chance::bytes(), ids: &|| app.ids.next() },
    };
    by_rules(&body, &against)
}

/// The world of the plugin that a body names, if there is one of that name.
async fn world_of(app: &App, body: &Value) -> Result<Option<String>, Problem> {
    let Some(name) = body.get("plugin").and_then(Value::as_str) else { return Ok(None) };
    let page = PageRequest { before: None, limit: 1 };
    let newest = app.store.plugin_versions(name.to_owned(), page).await?.rows.into_iter().next();
    Ok(newest.map(|version| version.world))
}

fn by_rules(body: &Value, against: &Against<'_>) -> Result<Wanted, Problem> {
    let mut faults = Faults::default();
    let wanted = Object::read(body, "", &mut faults).and_then(|object| fields(object, against, &mut faults));
    faults.finish()?;
    wanted.ok_or_else(|| Problem::unexpected(&"a source without a fault could not be read"))
}

fn fields(mut object: Object<'_>, against: &Against<'_>, faults: &mut Faults) -> Option<Wanted> {
    let slug = object.required_text("slug", 63, faults);
    if slug.is_some_and(|slug| !is_slug(slug)) {
        faults.add("/slug", "must be 1 to 63 of a-z, 0-9 and hyphens, beginning and ending with a letter or digit");
    }
    let name = object.text("name", NAME_CHARACTERS_MAX, faults);
    let verification = match object.get("verification") {
        None => Some(Scheme::STANDARD),
        Some(value) => Object::read(value, "/verification", faults).and_then(|scheme| scheme::read(scheme, faults)),
    };
    let handshakes = handshakes::read(&mut object, faults);
    let stated = secrets::read(&mut object, faults);
    let preset = object.text("preset", 63, faults).map(str::to_owned);
    let public_url = public_url(&mut object, faults);
    let plugin = object.required_text("plugin", 100, faults);
    if plugin.is_some_and(|plugin| !is_slug(plugin)) {
        faults.add("/plugin", "cannot be a plugin's name: 1 to 63 of a-z, 0-9 and hyphens");
    }
    if against.world.is_some_and(|world| world != "inbound") {
        faults.add("/plugin", "is an outbound plugin; a source needs an inbound one");
    }
    let settings = Value::Object(object.map("settings", faults).cloned().unwrap_or_default());
    if settings.to_string().len() > SETTINGS_BYTES_MAX {
        faults.add("/settings", format!("must be at most {SETTINGS_BYTES_MAX} bytes of JSON"));
    }
    let methods = methods(&mut object, faults);
    let on_error = object.word("on_error", &ON_ERROR, faults).unwrap_or_default();
    let deadline_ms = object.number("deadline_ms", DEADLINE_MS, faults);
    let updates_customers = object.flag("updates_customers", faults).unwrap_or(false);
    let ack = object.word("ack", &ACKS, faults).unwrap_or_default();
    let heartbeat_seconds = object.number("heartbeat_seconds", HEARTBEAT_SECONDS, faults);
    let kept = against.current.and_then(|source| source.fetch.as_ref());
    let fetch = object.object("fetch", faults).and_then(|fetch| fetch::read(fetch, kept, against.egress, faults));
    let active = object.flag("active", faults).unwrap_or(true);
    object.finish(&SET_BY_THE_GATEWAY, faults);
    let verification = verification?;
    scheme::check_around(&verification, &handshakes, public_url.as_deref(), faults);
    let kept = against.current.map(|source| source.secrets.as_slice());
    let secrets = secrets::settle(&verification, stated, kept, &against.fresh, faults);
    let slug = slug?.to_owned();
    Some(Wanted {
        name: name.unwrap_or(&slug).to_owned(),
        slug,
        preset,
        verification,
        handshakes,
        secrets,
        public_url,
        plugin: plugin?.to_owned(),
        settings,
        methods,
        on_error,
        deadline_ms,
        updates_customers,
        ack,
        heartbeat_seconds,
        fetch,
        active,
    })
}

/// The address that the partner knows the source by. It is compared with and never asked, so any host will do.
fn public_url(object: &mut Object<'_>, faults: &mut Faults) -> Option<String> {
    let text = object.text("public_url", URL_MAX, faults)?;
    match url::Url::parse(text) {
        Ok(url) if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() => {
            faults.add("/public_url", "must begin with https:// or http://, and a host");
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            faults.add("/public_url", "must hold no query and no fragment: they come with each request");
        }
        // It is signed letter by letter: what a browser would escape by itself is not what arrives.
        Ok(_) if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            faults.add("/public_url", "must be in visible ASCII, percent-encoded as the partner signs it");
        }
        Ok(_) => return Some(text.to_owned()),
        Err(_) => faults.add("/public_url", "must be an address such as https://hooks.example.com/webhooks/emr"),
    }
    None
}

/// Methods in their usual order; none means any.
fn methods(object: &mut Object<'_>, faults: &mut Faults) -> Vec<String> {
    let Some(list) = object.list("methods", METHODS.len(), faults) else { return Vec::new() };
    let mut methods = Vec::new();
    for (index, value) in list.iter().enumerate() {
        let pointer = child("/methods", &index.to_string());
        match value {
            Value::String(text) if !METHODS.contains(&text.as_str()) => {
                faults.add(pointer, format!("expected one of {}", METHODS.join(", ")));
            }
            Value::String(text) if methods.contains(text) => faults.add(pointer, "is there twice"),
            Value::String(text) => methods.push(text.clone()),
            other => faults.add(pointer, format!("expected text, found {}", kind_of(other))),
        }
    }
    methods
}

impl Wanted {
    /// A new source.
    pub fn into_new(self, id: SourceId, now_ms: i64) -> Source {
        Source {
            id,
            slug: self.slug,
            name: self.name,
            preset: self.preset,
            verification: self.verification,
            handshakes: self.handshakes,
            secrets: self.secrets,
            public_url: self.public_url,
            plugin: self.plugin,
            settings: self.settings,
            methods: self.methods,
            on_error: self.on_error,
            deadline_ms: self.deadline_ms,
            updates_customers: self.updates_customers,
            ack: self.ack,
            heartbeat_seconds: self.heartbeat_seconds,
            fetch: self.fetch,
            active: self.active,
            created_at: now_ms,
            updated_at: now_ms,
            version: 1,
        }
    }

    /// A source that is there, as the body states it.
    pub fn into_changed(self, current: &Source) -> Source {
        Source {
            created_at: current.created_at,
            version: current.version,
            ..self.into_new(current.id, current.updated_at)
        }
    }
}

#[cfg(test)]
mod tests;
