//! What a request brings: a notification, resources, the name of a resource, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use hookwright_plugin_sdk::json::{Mismatch, Node};
use serde_json::Value;

use crate::desk::is_of_interest;
use crate::library::{Library, own_name, target, text_of};
use crate::message_id;
use crate::notification::{Kind, Notified, Status, is_status};
use crate::reference::{name, unversioned};
use crate::settings::Settings;
use crate::topic::last_segment;

/// The contract allows no more reports.
const EVENTS_MAX: usize = 256;

/// What an event is about.
pub(crate) enum Focus<'a> {
    /// The resource itself came along.
    Resource(Node<'a>),
    /// A reference to it came.
    Reference(Node<'a>),
    /// Nothing is told.
    Untold,
}

/// One thing that happened.
pub(crate) struct Event<'a> {
    pub focus: Focus<'a>,
    /// When, if the notification tells.
    pub at: Option<Node<'a>>,
    pub topic: Option<&'a str>,
    /// References to what else belongs to it.
    pub context: Vec<Node<'a>>,
    /// The `AuditEvent` that athenahealth sends with it.
    pub audit: Option<Node<'a>>,
}

impl<'a> Event<'a> {
    fn about(focus: Focus<'a>) -> Self {
        Self { focus, at: None, topic: None, context: Vec::new(), audit: None }
    }
}

/// What a request brings.
#[derive(Default)]
pub(crate) struct Arrival<'a> {
    pub events: Vec<Event<'a>>,
    /// Why there is nothing to do, if that is known already.
    pub idle: Option<&'static str>,
    /// The partner says that something happened and nothing about it.
    pub empty: bool,
    /// The whole of it is a test.
    pub test: bool,
    pub message_id: Option<String>,
    pub metadata: Vec<(String, String)>,
}

impl<'a> Arrival<'a> {
    /// Nothing to do.
    pub fn idle(reason: &'static str) -> Self {
        Self { idle: Some(reason), ..Self::default() }
    }

    /// A resource that is named and nothing else.
    pub fn naming(reference: Node<'a>) -> Self {
        Self { events: vec![Event::about(Focus::Reference(reference))], ..Self::default() }
    }

    /// Says how the message is to be searched for.
    pub fn note(&mut self, name: &str, value: &str) {
        let legal = value.len() <= 256 && !value.chars().any(char::is_control);
        if legal && !value.is_empty() {
            self.metadata.push((name.to_owned(), value.to_owned()));
        }
    }

    /// What this FHIR resource brings.
    pub fn of_resource(root: &Node<'a>, settings: &Settings, library: &mut Library<'a>) -> Result<Self, Mismatch> {
        let kind = root.get("resourceType").text()?;
        if kind == "Bundle" {
            return Self::of_bundle(root, settings, library);
        }
        if is_status(root) {
            return Self::of_notification(&Status::read(root)?, root, &Entries::default(), settings);
        }
        library.add(None, root);
        let mut arrival = Self { events: vec![Event::about(Focus::Resource(root.clone()))], ..Self::default() };
        arrival.message_id = message_id::of_resource(root);
        arrival.note("resource-type", Some(kind).filter(|kind| is_of_interest(kind)).unwrap_or_default());
        Ok(arrival)
    }

    fn of_bundle(bundle: &Node<'a>, settings: &Settings, library: &mut Library<'a>) -> Result<Self, Mismatch> {
        let entries = Entries::read(bundle, library);
        let mut arrival = match &entries.status {
            Some(status) => Self::of_notification(&Status::read(status)?, bundle, &entries, settings)?,
            None if bundle.get("type").as_text() == Some("subscription-notification") => {
                return Err(bundle.get("entry").mismatch("the status of the subscription"));
            }
            None => Self::of_entries(bundle, &entries, settings)?,
        };
        for (name, count) in [("deleted-entries", entries.gone), ("nested-bundles", entries.nested)] {
            arrival
                .note(name, &Some(count).filter(|count| *count > 0).map(|count| count.to_string()).unwrap_or_default());
        }
        arrival.test = is_test(bundle);
        Ok(arrival)
    }

    /// A bundle without a subscription's status: a transaction, a search's result, a collection.
    fn of_entries(bundle: &Node<'a>, entries: &Entries<'a>, settings: &Settings) -> Result<Self, Mismatch> {
        let foci = entries.foci(settings);
        if foci.len() > EVENTS_MAX {
            return Err(bundle.get("entry").mismatch("at most 256 encounters, appointments and patients"));
        }
        let idle = match (entries.nested > 0, entries.gone > 0) {
            (true, _) => "bundles within a bundle are not read",
            (false, true) => "the resources were deleted",
            (false, false) => "nothing in the bundle is an encounter, an appointment or a patient",
        };
        let mut arrival = if foci.is_empty() { Self::idle(idle) } else { Self::default() };
        arrival.message_id = message_id::of_resources(&foci);
        arrival.events = foci.into_iter().map(|focus| Event::about(Focus::Resource(focus))).collect();
        Ok(arrival)
    }

    fn of_notification(
        status: &Status<'a>,
        place: &Node<'a>,
        entries: &Entries<'a>,
        settings: &Settings,
    ) -> Result<Self, Mismatch> {
        let mut arrival = match status.kind {
            Kind::Handshake => Self::idle("handshake"),
            Kind::Heartbeat => Self::idle("heartbeat"),
            Kind::QueryStatus => Self::idle("query-status"),
            Kind::Events => Self { events: entries.events(status), ..Self::default() },
        };
        if status.kind == Kind::Events {
            if settings.included_patients {
                arrival.events.splice(0..0, entries.unmentioned_patients(status));
            }
            arrival.empty = arrival.events.iter().all(|event| matches!(event.focus, Focus::Untold));
            arrival.message_id = message_id::of_notification(status, place);
        }
        if arrival.events.len() > EVENTS_MAX {
            return Err(place.get("entry").mismatch("at most 256 events"));
        }
        arrival.note(
            "notification",
            match status.kind {
                Kind::Handshake => "handshake",
                Kind::Heartbeat => "heartbeat",
                Kind::QueryStatus => "query-status",
                Kind::Events => "event-notification",
            },
        );
        arrival.note("subscription", status.subscription.unwrap_or_default());
        arrival.note("subscription-status", status.state.unwrap_or_default());
        arrival.note("subscription-error", status.error.unwrap_or_default());
        arrival.note("topic", status.topic.map(last_segment).unwrap_or_default());
        if let Some(count) = status.since_start {
            arrival.note("events-since-start", &count.to_string());
        }
        Ok(arrival)
    }
}

/// The entries of a bundle, sorted.
#[derive(Default)]
struct Entries<'a> {
    status: Option<Node<'a>>,
    /// Encounters, appointments and patients, each once.
    resources: Vec<(Node<'a>, bool)>,
    /// By their ids.
    audits: BTreeMap<&'a str, Node<'a>>,
    /// How many say that a resource was deleted.
    gone: usize,
    /// How many are bundles themselves.
    nested: usize,
}

impl<'a> Entries<'a> {
    fn read(bundle: &Node<'a>, library: &mut Library<'a>) -> Self {
        let mut entries = Self::default();
        let mut seen = BTreeSet::new();
        for entry in bundle.get("entry").each() {
            let Some(value) = entry.value() else { continue };
            let full_url = text_of(value, "fullUrl");
            if is_gone(value) {
                entries.gone += 1;
                let url = value.get("request").and_then(|request| text_of(request, "url"));
                for url in full_url.into_iter().chain(url) {
                    library.add_gone(url);
                    // Its older versions, which a history goes on to tell, count no more.
                    seen.extend(name(unversioned(url)));
                }
                continue;
            }
            let resource = entry.get("resource");
            match value.get("resource").and_then(|resource| text_of(resource, "resourceType")) {
                Some("SubscriptionStatus" | "AidboxSubscriptionStatus" | "Parameters")
                    if entries.status.is_none() && is_status(&resource) =>
                {
                    entries.status = Some(resource);
                    continue;
                }
                Some("Bundle") => entries.nested += 1,
                Some("AuditEvent") => {
                    if let Some(id) = resource.get("id").as_text() {
                        entries.audits.entry(id).or_insert_with(|| resource.clone());
                    }
                }
                // Of several versions the first counts: histories begin with the newest.
                Some("Encounter" | "Appointment" | "Patient")
                    if own_name(&resource).is_none_or(|name| seen.insert(name)) =>
                {
                    let included = entry.get("search").get("mode").as_text() == Some("include");
                    entries.resources.push((resource.clone(), included));
                }
                _ => {}
            }
            if resource.value().is_some() {
                library.add(full_url, &resource);
            }
        }
        entries
    }

    /// What a bundle that names no focus is about. Patients who come along with visits are not what happened.
    fn foci(&self, settings: &Settings) -> Vec<Node<'a>> {
        let visits = self.resources.iter().any(|(resource, included)| !included && !is_patient(resource));
        let wanted = |(resource, included): &&(Node<'a>, bool)| {
            let along = *included || (visits && is_patient(resource));
            !along || (settings.included_patients && is_patient(resource))
        };
        let mut foci: Vec<_> = self.resources.iter().filter(wanted).map(|(resource, _)| resource.clone()).collect();
        // What is known about a patient counts for the visits after it.
        foci.sort_by_cached_key(|resource| !is_patient(resource));
        foci
    }

    /// Patients who came along with a notification that is about others.
    fn unmentioned_patients(&self, status: &Status<'a>) -> Vec<Event<'a>> {
        let foci: BTreeSet<_> = status.events.iter().filter_map(|event| target(&event.focus)?.name()).collect();
        let is_focus = |resource: &Node<'a>| own_name(resource).is_some_and(|own| foci.contains(&own));
        let is_told = status.events.iter().any(|event| event.focus.value().is_some());
        let visits = self.resources.iter().any(|(resource, _)| !is_patient(resource));
        let patients = self.resources.iter().map(|(resource, _)| resource).filter(|resource| is_patient(resource));
        patients
            .filter(|patient| (is_told || visits) && !is_focus(patient))
            .map(|patient| Event::about(Focus::Resource(patient.clone())))
            .collect()
    }

    /// The events of a notification. One that names no focus is about what came along.
    fn events(&self, status: &Status<'a>) -> Vec<Event<'a>> {
        let event = |notified: &Notified<'a>, focus: Focus<'a>| Event {
            focus,
            at: notified.at.clone().optional(),
            topic: status.topic,
            context: notified.context.clone(),
            audit: notified.id.and_then(|id| self.audits.get(id)).cloned(),
        };
        let about = |notified: &Notified<'a>| match notified.focus.clone().optional() {
            Some(reference) => Focus::Reference(reference),
            None => Focus::Untold,
        };
        let told = status.events.iter().any(|notified| notified.focus.clone().optional().is_some());
        if told || self.resources.is_empty() {
            return status.events.iter().map(|notified| event(notified, about(notified))).collect();
        }
        let lone = (status.events.len() == 1).then(|| &status.events[0]);
        let resources = self.resources.iter().filter(|(resource, included)| {
            !included && (!is_patient(resource) || self.resources.iter().all(|(other, _)| is_patient(other)))
        });
        let foci = resources.map(|(resource, _)| Focus::Resource(resource.clone()));
        foci.map(|focus| match lone {
            Some(notified) => event(notified, focus),
            None => Event { topic: status.topic, ..Event::about(focus) },
        })
        .collect()
    }
}

fn is_patient(resource: &Node<'_>) -> bool {
    resource.get("resourceType").as_text() == Some("Patient")
}

fn is_gone(entry: &Value) -> bool {
    let of = |part: &str, key: &str| entry.get(part).and_then(|part| text_of(part, key)).unwrap_or_default();
    let status = of("response", "status");
    of("request", "method") == "DELETE" || status.starts_with("404") || status.starts_with("410")
}

/// Whether a resource is marked as made for tests: `HTEST` among its tags or security labels.
pub(crate) fn is_test(resource: &Node<'_>) -> bool {
    let meta = resource.get("meta");
    let marked = |key: &str| crate::code::codes(&meta.get(key)).any(|code| code == "HTEST");
    marked("tag") || marked("security")
}
