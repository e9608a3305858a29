//! The status of a subscription, which begins every notification: as Parameters in R4, as a `SubscriptionStatus` in R4B
//! and R5. Aidbox has a type of its own for it, with a destination in place of the subscription.

use hookwright_plugin_sdk::json::{Mismatch, Node};

use crate::code::codes;

/// Where the value of a parameter may be. Counters are strings in R4 and numbers elsewhere, and some servers mix them.
pub(crate) const VALUES: [&str; 14] = [
    "valueCodeableConcept",
    "valueCode",
    "valueString",
    "valueReference",
    "valueInstant",
    "valueDateTime",
    "valueCanonical",
    "valueUri",
    "valueUrl",
    "valueId",
    "valueUnsignedInt",
    "valuePositiveInt",
    "valueInteger",
    "valueInteger64",
];
/// The contract allows no more reports.
const EVENTS_MAX: usize = 256;

/// What kind of notification it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Handshake,
    Heartbeat,
    QueryStatus,
    Events,
}

/// One event of a notification.
pub(crate) struct Notified<'a> {
    /// Its number, as text.
    pub number: Option<String>,
    /// Its own id, which athenahealth gives.
    pub id: Option<&'a str>,
    /// When it happened.
    pub at: Node<'a>,
    /// What it is about.
    pub focus: Node<'a>,
    /// What else belongs to it.
    pub context: Vec<Node<'a>>,
}

/// The status of a subscription.
pub(crate) struct Status<'a> {
    pub kind: Kind,
    /// The state of the subscription, if it is one of the specification's words.
    pub state: Option<&'static str>,
    pub subscription: Option<&'a str>,
    pub topic: Option<&'a str>,
    /// How many events there have been since the subscription began, this notification's included.
    pub since_start: Option<u64>,
    /// What is wrong with the subscription, as a code.
    pub error: Option<&'a str>,
    pub events: Vec<Notified<'a>>,
}

/// Whether this resource is a subscription's status.
pub(crate) fn is_status(resource: &Node<'_>) -> bool {
    match resource.get("resourceType").as_text() {
        Some("SubscriptionStatus" | "AidboxSubscriptionStatus") => true,
        Some("Parameters") => parameter(resource, "type").or_else(|| parameter(resource, "subscription")).is_some(),
        _ => false,
    }
}

impl<'a> Status<'a> {
    pub fn read(resource: &Node<'a>) -> Result<Self, Mismatch> {
        if resource.get("resourceType").as_text() == Some("Parameters") {
            return Self::read_parameters(resource);
        }
        let events = resource.get("notificationEvent").each().map(|event| Notified {
            number: event.get("eventNumber").id().ok(),
            id: event.get("id").as_text(),
            at: event.get("timestamp"),
            focus: event.get("focus"),
            context: event.get("additionalContext").each().collect(),
        });
        let events: Vec<_> = events.take(EVENTS_MAX + 1).collect();
        let topic = resource.get("topic").as_text();
        Self {
            kind: kind(&resource.get("type"), &events)?,
            state: state(&resource.get("status")),
            subscription: subscription(&resource.get("subscription"))
                .or_else(|| subscription(&resource.get("topic-destination"))),
            topic,
            since_start: count(&resource.get("eventsSinceSubscriptionStart")),
            error: error(&resource.get("error")),
            events,
        }
        .bounded(&resource.get("notificationEvent"))
    }

    fn read_parameters(resource: &Node<'a>) -> Result<Self, Mismatch> {
        let value_of = |name: &str| parameter(resource, name).map(|it| value(&it));
        let nothing = || resource.get("parameter").get("value");
        let events =
            resource.get("parameter").each().filter(|it| it.get("name").as_text() == Some("notification-event"));
        let events: Vec<_> = events.take(EVENTS_MAX + 1).map(|event| notified(&event)).collect();
        Self {
            kind: kind(&value_of("type").unwrap_or_else(nothing), &events)?,
            state: value_of("status").and_then(|it| state(&it)),
            subscription: value_of("subscription").and_then(|it| subscription(&it)),
            topic: value_of("topic").and_then(|it| it.as_text()),
            since_start: value_of("events-since-subscription-start").and_then(|it| count(&it)),
            error: value_of("error").and_then(|it| error(&it)),
            events,
        }
        .bounded(&resource.get("parameter"))
    }

    fn bounded(self, place: &Node<'_>) -> Result<Self, Mismatch> {
        if self.events.len() > EVENTS_MAX { Err(place.mismatch("at most 256 events")) } else { Ok(self) }
    }
}

fn notified<'a>(event: &Node<'a>) -> Notified<'a> {
    let part = |name: &str| {
        let part = event.get("part").each().find(|part| part.get("name").as_text() == Some(name));
        part.map_or_else(|| event.get("part").get("value"), |part| value(&part))
    };
    let context = event.get("part").each().filter(|part| part.get("name").as_text() == Some("additional-context"));
    Notified {
        number: part("event-number").id().ok(),
        id: part("id").as_text().or_else(|| event.get("id").as_text()),
        at: part("timestamp"),
        focus: part("focus"),
        context: context.map(|part| value(&part)).collect(),
    }
}

fn parameter<'a>(resource: &Node<'a>, name: &str) -> Option<Node<'a>> {
    resource.get("parameter").each().find(|parameter| parameter.get("name").as_text() == Some(name))
}

/// The value of a parameter, whatever its type.
fn value<'a>(parameter: &Node<'a>) -> Node<'a> {
    let value = VALUES.iter().find_map(|key| parameter.get(key).optional());
    value.unwrap_or_else(|| parameter.get("value"))
}

fn subscription<'a>(place: &Node<'a>) -> Option<&'a str> {
    place.get("reference").as_text().or_else(|| place.as_text())
}

fn kind(place: &Node<'_>, events: &[Notified<'_>]) -> Result<Kind, Mismatch> {
    let expected = "handshake, heartbeat, query-status, event-notification or query-event";
    match place.value() {
        // A server that forgot to say so has still sent events.
        None if !events.is_empty() => Ok(Kind::Events),
        _ => match place.as_text() {
            Some("handshake") => Ok(Kind::Handshake),
            Some("heartbeat") => Ok(Kind::Heartbeat),
            Some("query-status") => Ok(Kind::QueryStatus),
            Some("event-notification" | "query-event") => Ok(Kind::Events),
            _ => Err(place.mismatch(expected)),
        },
    }
}

/// A counter, which is a string where it may have 64 bits.
fn count(place: &Node<'_>) -> Option<u64> {
    place.id().ok()?.trim().parse().ok()
}

fn error<'a>(place: &Node<'a>) -> Option<&'a str> {
    let is_word = |code: &&str| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    codes(place).find(is_word)
}

fn state(place: &Node<'_>) -> Option<&'static str> {
    let states = ["requested", "active", "error", "off", "entered-in-error"];
    let text = place.as_text()?;
    states.into_iter().find(|state| *state == text)
}
