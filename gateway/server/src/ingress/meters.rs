//! What is measured of the way in, for `/metrics`. Labels are slugs of sources that exist, names of their handshakes and fixed words: nothing that
//! a request says.

use hookwright_core::handshake::{Handshake, Refusal};
use hookwright_core::source::Source;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    source: String,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AskedLabels {
    source: String,
    handshake: String,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HandshakeLabels {
    source: String,
    handshake: String,
}

impl HandshakeLabels {
    fn of(source: &Source, handshake: &Handshake) -> Self {
        Self { source: source.slug.clone(), handshake: handshake.name.clone() }
    }
}

/// The counters of one node since its start.
#[derive(Debug)]
pub struct Meters {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    fetches: Family<RequestLabels, Counter>,
    handshakes: Family<AskedLabels, Counter>,
    answered_at: Family<HandshakeLabels, Gauge>,
}

impl Default for Meters {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("hookwright_source");
        let requests = Family::default();
        let about = "Requests that were no handshake: how far their sender is proven, or why it is not";
        registry.register("requests", about, requests.clone());
        let fetches = Family::default();
        let about =
            "Messages whose partner was asked for what they only name: answered, or no_answer where they wait for it";
        registry.register("fetches", about, fetches.clone());
        let handshakes = Family::default();
        registry.register("handshakes", "Handshakes: answered, or why they were refused", handshakes.clone());
        let answered_at = Family::default();
        let about = "When a handshake was last answered, in unix time";
        registry.register_with_unit("handshake_answered_timestamp", about, Unit::Seconds, answered_at.clone());
        Self { registry, requests, fetches, handshakes, answered_at }
    }
}

impl Meters {
    /// A request was no handshake: how far its sender is proven, or the code of what is wrong with it.
    pub(super) fn request(&self, source: &Source, result: &'static str) {
        self.requests.get_or_create(&RequestLabels { source: source.slug.clone(), result }).inc();
    }

    /// A partner was asked for what a message only names, and answered or did not.
    pub(crate) fn asked_back(&self, source: &Source, is_answered: bool) {
        let result = if is_answered { "answered" } else { "no_answer" };
        self.fetches.get_or_create(&RequestLabels { source: source.slug.clone(), result }).inc();
    }

    /// A handshake was answered.
    pub(super) fn answered(&self, source: &Source, handshake: &Handshake, now_secs: i64) {
        self.asked(source, handshake, "answered");
        self.answered_at.get_or_create(&HandshakeLabels::of(source, handshake)).set(now_secs);
    }

    /// A handshake was refused.
    pub(super) fn refused(&self, source: &Source, handshake: &Handshake, refusal: &Refusal) {
        self.asked(source, handshake, refusal.code());
    }

    fn asked(&self, source: &Source, handshake: &Handshake, result: &'static str) {
        let HandshakeLabels { source, handshake } = HandshakeLabels::of(source, handshake);
        self.handshakes.get_or_create(&AskedLabels { source, handshake, result }).inc();
    }

    /// Everything that is counted, as text, without the end mark.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        Ok(text)
    }
}
