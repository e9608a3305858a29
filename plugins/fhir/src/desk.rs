//! Where events are judged: what each of them reports, why it reports nothing, or what must be read first.

use hookwright_plugin_sdk::inbound::{Refusal, Report, Timestamp};
use hookwright_plugin_sdk::iso8601::Moment;
use hookwright_plugin_sdk::json::{Mismatch, Node};

use crate::arrival::{Event, Focus, is_test};
use crate::fetching::place;
use crate::identity::{Identity, of_reference};
use crate::library::{Found, Library, Read, Resource, kind_of, own_path};
use crate::settings::{Naming, Settings, UnknownPatients};
use crate::topic::Rule;
use crate::{appointment, encounter, notice, patient};

/// What became of an event.
pub(crate) enum Verdict {
    /// It reports these.
    Reports(Vec<Report>),
    /// It reports nothing, for this reason.
    Skip(&'static str),
    /// These must be read first.
    Unread(Vec<Read>),
}

/// Ends the judging of an event early.
pub(crate) enum Stop {
    /// With this verdict.
    Verdict(Verdict),
    /// With a refusal of the whole message.
    Refusal(Refusal),
}

impl From<Mismatch> for Stop {
    fn from(mismatch: Mismatch) -> Self {
        Self::Refusal(mismatch.into())
    }
}

impl Stop {
    /// It reports nothing, for this reason.
    pub fn skip(reason: &'static str) -> Self {
        Self::Verdict(Verdict::Skip(reason))
    }
}

/// What is needed to judge.
pub(crate) struct Desk<'a, 's> {
    pub settings: &'s Settings,
    pub library: Library<'a>,
    /// The whole message is a test.
    pub test: bool,
    /// When the message was received, unix milliseconds.
    pub received_at_ms: i64,
}

impl<'a> Desk<'a, '_> {
    /// Judges one event.
    pub fn judge(&self, event: &Event<'a>) -> Result<Verdict, Refusal> {
        let verdict = match self.focus(event) {
            Ok(resource) => match resource.kind() {
                "Encounter" => encounter::judge(self, &resource, event).map(|report| vec![report]),
                "Appointment" => appointment::judge(self, &resource, event),
                "Patient" => patient::judge(self, &resource, event).map(|report| vec![report]),
                _ => Err(Stop::skip("the focus is no encounter, appointment or patient")),
            },
            Err(stop) => Err(stop),
        };
        match verdict {
            Ok(reports) => Ok(Verdict::Reports(reports)),
            Err(Stop::Verdict(verdict)) => Ok(verdict),
            Err(Stop::Refusal(refusal)) => Err(refusal),
        }
    }

    /// The resource that the event is about.
    fn focus(&self, event: &Event<'a>) -> Result<Resource<'a>, Stop> {
        let rule = event.topic.and_then(|topic| Rule::of(topic, self.settings));
        if rule == Some(Rule::Ignore) {
            return Err(Stop::skip("the topic reports nothing"));
        }
        let reference = match &event.focus {
            Focus::Resource(resource) => return self.latest(resource),
            Focus::Reference(reference) => reference,
            Focus::Untold => return Err(notice::judge(self, rule, None, event)),
        };
        match self.library.find(reference, reference) {
            Found::Resource(resource) => self.latest(&resource.node),
            Found::Unread(_) if !kind_of(reference).is_none_or(is_of_interest) => {
                Err(Stop::skip("the focus is no encounter, appointment or patient"))
            }
            Found::Unread(read) => Err(Stop::Verdict(Verdict::Unread(vec![read]))),
            Found::Gone => Err(Stop::skip("the focus was deleted")),
            Found::Failed(read) => Err(Stop::Refusal(unanswered(&place(&read.url)))),
            Found::Logical | Found::Nowhere => Err(notice::judge(self, rule, Some(reference), event)),
        }
    }

    /// The resource as it was read from the partner, where what came along was not enough.
    fn latest(&self, resource: &Node<'a>) -> Result<Resource<'a>, Stop> {
        match self.library.latest(resource) {
            Some(Found::Resource(read)) => Ok(read),
            Some(Found::Gone) => Err(Stop::skip("the focus was deleted")),
            Some(Found::Failed(read)) => Err(Stop::Refusal(unanswered(&place(&read.url)))),
            _ => Ok(Resource::alone(resource.clone())),
        }
    }

    /// What is missing is read from the partner, once. If it is missing there, too, the message is refused.
    pub fn missing(&self, resource: &Resource<'a>, mismatch: Mismatch) -> Stop {
        let readable = !resource.is_contained() && is_of_interest(resource.kind());
        let path = own_path(&resource.node).filter(|path| readable && !self.library.was_asked(path));
        match path.filter(|_| self.settings.fetch) {
            Some(url) => Stop::Verdict(Verdict::Unread(vec![Read { url }])),
            None => mismatch.into(),
        }
    }

    /// The id of the patient that a reference of the resource means.
    pub fn patient(&self, reference: &Node<'a>, resource: &Resource<'a>) -> Result<String, Stop> {
        if kind_of(reference) == Some("Group") {
            return Err(Stop::skip("the subject is a group"));
        }
        let identity = of_reference(reference, &resource.holder, &self.settings.patient, &self.library)?;
        self.known_patient(identity, resource, reference)
    }

    /// The id, where the identity of a patient holds one.
    pub fn known_patient(
        &self,
        identity: Identity,
        resource: &Resource<'a>,
        reference: &Node<'a>,
    ) -> Result<String, Stop> {
        match identity {
            Identity::Known(id) => Ok(id),
            Identity::Unread(read) => Err(Stop::Verdict(Verdict::Unread(vec![read]))),
            Identity::Gone => Err(Stop::skip("the patient was deleted")),
            Identity::Failed(read) => Err(Stop::Refusal(unanswered(&place(&read.url)))),
            Identity::Absent => Err(self.missing(resource, reference.mismatch("a reference to a patient"))),
            Identity::Unresolved(mismatch) => Err(self.missing(resource, mismatch)),
            Identity::Unnamed(mismatch) if self.settings.unknown_patients == UnknownPatients::Refuse => {
                Err(mismatch.into())
            }
            Identity::Unnamed(_) => Err(Stop::skip("the patient has no identifier that the settings name")),
        }
    }

    /// An id that may be left out. Where it must be read first, and may be, that is noted.
    pub fn optional(
        &self,
        reference: &Node<'a>,
        resource: &Resource<'a>,
        naming: &Naming,
        reads: &mut Vec<Read>,
    ) -> Result<Option<String>, Mismatch> {
        Ok(match of_reference(reference, &resource.holder, naming, &self.library)? {
            Identity::Known(id) => Some(id),
            Identity::Unread(read) => {
                reads.extend(Some(read).filter(|_| self.settings.fetch));
                None
            }
            _ => None,
        })
    }

    /// Whether the event, its resource or its patient, if at hand, is marked as a test.
    pub fn is_test(&self, resource: &Resource<'a>, patient: Option<&Node<'a>>) -> bool {
        let marked = |reference: &Node<'a>| match self.library.find(reference, &resource.holder) {
            Found::Resource(found) => is_test(&found.node),
            _ => false,
        };
        self.test || is_test(&resource.node) || patient.is_some_and(marked)
    }

    /// The first of these times that is told to the day at least, or else the first at all, with the name of its source.
    pub fn time(&self, places: &[(Node<'a>, &'static str)]) -> Result<Option<(Moment, &'static str)>, Mismatch> {
        let mut coarse = None;
        for (place, source) in places {
            let Some(place) = place.clone().told() else { continue };
            let moment = place.moment(self.settings.zone)?;
            if moment.coarser.is_none() {
                return Ok(Some((moment, source)));
            }
            coarse = coarse.or(Some((moment, *source)));
        }
        Ok(coarse)
    }

    /// When the event happened or the resource changed, if either is told.
    pub fn changed_at(&self, resource: &Resource<'a>, event: &Event<'a>) -> Result<Option<Timestamp>, Mismatch> {
        let last_updated = resource.node.get("meta").get("lastUpdated");
        let at = event.at.clone().unwrap_or_else(|| last_updated.clone());
        let time = self.time(&[(last_updated, "last-updated"), (at, "notification")])?;
        Ok(time.map(|(moment, _)| moment.timestamp))
    }
}

/// Notes what the contract's fields cannot say about a time.
pub(crate) fn note_time(
    moment: &Moment,
    source: &str,
    name: &str,
    settings: &Settings,
    attributes: &mut Vec<(String, String)>,
) {
    attributes.push((format!("{name}-source"), source.to_owned()));
    if let Some(coarser) = moment.coarser {
        attributes.push((format!("{name}-precision"), coarser.as_str().to_owned()));
    }
    attributes.extend(settings.zone.note(&moment.timestamp));
}

/// The types of resource that say something about consultations.
pub(crate) fn is_of_interest(kind: &str) -> bool {
    matches!(kind, "Encounter" | "Appointment" | "Patient")
}

/// The partner's server did not answer a read. The message is kept, and processed again when things are put right.
pub(crate) fn unanswered(location: &str) -> Refusal {
    Refusal {
        location: Some(location.to_owned()),
        expected: Some("an answer of the partner's server to the read"),
        ..Refusal::new("internal")
    }
}
