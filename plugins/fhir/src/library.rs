//! The resources at hand, and what a reference to one of them or to another comes to.
//!
//! A reference is followed once where it stands. Nothing here follows the references of what was found, so circles and
//! bombs of references end before they begin.

use std::collections::BTreeMap;

use hookwright_plugin_sdk::json::Node;
use serde_json::Value;

use crate::reference::{Name, Target, is_kind, name, unversioned};

/// No resource contains more; each reference into it looks through all.
const CONTAINED_MAX: usize = 1024;

/// A resource that could be read from the partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    /// The address: absolute, or type and id under the server's base address.
    pub url: String,
}

/// A resource with the one it is contained in, which is itself where it stands on its own.
#[derive(Clone)]
pub(crate) struct Resource<'a> {
    /// The resource.
    pub node: Node<'a>,
    /// Where its references to contained resources lead.
    pub holder: Node<'a>,
}

impl<'a> Resource<'a> {
    /// A resource that stands on its own.
    pub fn alone(node: Node<'a>) -> Self {
        Self { holder: node.clone(), node }
    }

    /// Its type; empty if it has none.
    pub fn kind(&self) -> &'a str {
        self.node.get("resourceType").as_text().unwrap_or_default()
    }

    /// Whether it is contained in another.
    pub fn is_contained(&self) -> bool {
        self.node.location() != self.holder.location()
    }
}

/// What a reference comes to.
pub(crate) enum Found<'a> {
    /// The resource is at hand.
    Resource(Resource<'a>),
    /// The partner could be asked for it.
    Unread(Read),
    /// The partner deleted it.
    Gone,
    /// The partner was asked, in vain.
    Failed(Read),
    /// It is named by an identifier alone.
    Logical,
    /// The reference leads nowhere.
    Nowhere,
}

enum Shelf<'a> {
    Resource(Node<'a>),
    Gone,
    Failed,
}

/// Where a resource is found: nothing of it is copied, since large bundles have thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    /// By type and id.
    Name(Name<'a>),
    /// By another address.
    Url(&'a str),
}

impl<'a> Place<'a> {
    fn of(url: &'a str) -> Self {
        match Target::parse(url) {
            Some(Target::Local(name)) => Self::Name(name),
            _ => Self::Url(unversioned(url)),
        }
    }

    fn url(self) -> String {
        match self {
            Self::Name(name) => name.path(),
            Self::Url(url) => url.to_owned(),
        }
    }
}

/// The resources at hand, by address.
#[derive(Default)]
pub(crate) struct Library<'a> {
    shelves: BTreeMap<Place<'a>, Shelf<'a>>,
    asked: Vec<String>,
}

impl<'a> Library<'a> {
    /// Adds a resource under its address, if it is told, and under its type and id. What was added earlier stays.
    pub fn add(&mut self, full_url: Option<&'a str>, resource: &Node<'a>) {
        let own = own_name(resource).map(Place::Name);
        let places = full_url.map(Place::of).into_iter().chain(own);
        for place in places {
            self.shelves.entry(place).or_insert_with(|| Shelf::Resource(resource.clone()));
        }
    }

    /// Notes that a resource was deleted.
    pub fn add_gone(&mut self, url: &'a str) {
        let named = name(unversioned(url)).map(Place::Name);
        for place in std::iter::once(Place::of(url)).chain(named) {
            self.shelves.entry(place).or_insert(Shelf::Gone);
        }
    }

    /// Adds what the partner answered when it was asked.
    pub fn add_read(&mut self, url: &'a str, resource: &Node<'a>) {
        self.asked.push(url.to_owned());
        self.asked.extend(own_path(resource));
        self.add(Some(url), resource);
    }

    /// Notes that the partner was asked and told nothing.
    pub fn add_unreadable(&mut self, url: &'a str, gone: bool) {
        self.asked.push(url.to_owned());
        let found = if gone { Shelf::Gone } else { Shelf::Failed };
        self.shelves.entry(Place::of(url)).or_insert(found);
    }

    /// Whether the partner was asked for it.
    pub fn was_asked(&self, url: &str) -> bool {
        self.asked.iter().any(|asked| asked == url)
    }

    /// The same resource as it was read from the partner, if that was tried.
    pub fn latest(&self, resource: &Node<'a>) -> Option<Found<'a>> {
        self.at(Place::Name(own_name(resource).filter(|name| self.was_asked(&name.path()))?))
    }

    /// What the reference at this place comes to, seen from the resource that holds it.
    pub fn find(&self, reference: &Node<'a>, holder: &Node<'a>) -> Found<'a> {
        let Some(target) = target(reference) else {
            let named = reference.get("identifier").get("value").optional().is_some();
            return if named { Found::Logical } else { Found::Nowhere };
        };
        match target {
            Target::Contained("") => Found::Resource(Resource::alone(holder.clone())),
            Target::Contained(id) => {
                let node = contained(holder, id);
                node.map_or(Found::Nowhere, |node| Found::Resource(Resource { node, holder: holder.clone() }))
            }
            Target::Urn(urn) => self.at(Place::Url(urn)).unwrap_or(Found::Nowhere),
            Target::Local(name) => {
                self.at(Place::Name(name)).unwrap_or_else(|| Found::Unread(Read { url: name.path() }))
            }
            Target::Absolute(url, name) => {
                let by_name = || self.at(Place::Name(name?));
                // What does not end in a type and an id is no address of a resource, and is not asked for.
                let unread = || name.map(|_| Found::Unread(Read { url: url.to_owned() }));
                self.at(Place::Url(url)).or_else(by_name).or_else(unread).unwrap_or(Found::Nowhere)
            }
            Target::Conditional { .. } => Found::Logical,
        }
    }

    fn at(&self, place: Place<'_>) -> Option<Found<'a>> {
        Some(match self.shelves.get(&place)? {
            Shelf::Resource(node) => Found::Resource(Resource::alone(node.clone())),
            Shelf::Gone => Found::Gone,
            Shelf::Failed => Found::Failed(Read { url: place.url() }),
        })
    }
}

/// The resource of this id inside another.
fn contained<'a>(holder: &Node<'a>, id: &str) -> Option<Node<'a>> {
    let place = holder.get("contained");
    let is_it = |inside: &Value| text_of(inside, "id") == Some(id);
    match place.value()? {
        Value::Array(inside) => inside.iter().take(CONTAINED_MAX).position(is_it).map(|index| place.at(index)),
        lone => is_it(lone).then_some(place),
    }
}

/// What a reference points at; some partners write the bare text where an object belongs.
pub(crate) fn target<'a>(reference: &Node<'a>) -> Option<Target<'a>> {
    let text = reference.get("reference").as_text().or_else(|| reference.as_text())?;
    Target::parse(text)
}

/// The type that a reference names.
pub(crate) fn kind_of<'a>(reference: &Node<'a>) -> Option<&'a str> {
    let named = target(reference).and_then(Target::name).map(|name| name.kind);
    let conditional = || {
        let text = reference.get("reference").as_text()?;
        text.split_once('?').map(|(kind, _)| kind).filter(|kind| is_kind(kind))
    };
    // Types are written as URIs, too: `http://hl7.org/fhir/StructureDefinition/Patient`.
    let told = || reference.get("type").as_text().and_then(|text| text.rsplit('/').next());
    named.or_else(told).or_else(conditional)
}

/// The string under a key. In large bundles this is asked of every entry, and a [`Node`] has its pointer made for nothing.
pub(crate) fn text_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.trim().is_empty())
}

/// Type and id of a resource that has both.
pub(crate) fn own_name<'a>(resource: &Node<'a>) -> Option<Name<'a>> {
    let value = resource.value()?;
    Name::new(text_of(value, "resourceType")?, text_of(value, "id")?)
}

/// The same as in a relative reference.
pub(crate) fn own_path(resource: &Node<'_>) -> Option<String> {
    own_name(resource).map(Name::path)
}
