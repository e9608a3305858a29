//! Whom a reference or a resource means: the id by which the platform or the partner knows patients, appointments and
//! providers.

use hookwright_plugin_sdk::json::{Mismatch, Node, is_patient_id};

use crate::code;
use crate::library::{Found, Library, Read, Resource, kind_of, target};
use crate::reference::Target;
use crate::settings::{Naming, Whose};

/// No resource has more identifiers than this.
const IDENTIFIERS_MAX: usize = 256;
const PATIENT_ID: &str = "a reference to somebody who can be a customer";
const OTHER_ID: &str = "an id of 1 to 200 printable bytes";

/// What was found out about whom a reference means.
pub(crate) enum Identity {
    /// The id.
    Known(String),
    /// The resource must be read first.
    Unread(Read),
    /// The partner deleted the resource.
    Gone,
    /// The partner was asked for the resource, in vain.
    Failed(Read),
    /// Nothing is there.
    Absent,
    /// The resource has no identifier of the kind that the settings name; told where.
    Unnamed(Mismatch),
    /// The reference leads nowhere; told where.
    Unresolved(Mismatch),
}

/// The id of what the reference at this place means.
pub(crate) fn of_reference<'a>(
    reference: &Node<'a>,
    holder: &Node<'a>,
    naming: &Naming,
    library: &Library<'a>,
) -> Result<Identity, Mismatch> {
    if reference.clone().optional().is_none() {
        return Ok(Identity::Absent);
    }
    if kind_of(reference).is_some_and(|kind| !naming.whose.kinds().contains(&kind)) {
        return Ok(Identity::Unresolved(reference.mismatch(naming.whose.reference())));
    }
    if naming.by_identifier() {
        if let Some(identifier) = chosen(&reference.get("identifier"), naming) {
            return known(&identifier.get("value"), naming);
        }
        if let Some(Target::Conditional { system, value }) = target(reference)
            && naming.system.as_deref().is_none_or(|wanted| wanted == system)
        {
            return checked(value, reference, naming);
        }
    } else if let Some(id) = told_id(reference) {
        return checked(&id, reference, naming);
    }
    Ok(match library.find(reference, holder) {
        Found::Resource(resource) if !naming.whose.kinds().contains(&resource.kind()) => {
            Identity::Unresolved(reference.mismatch(naming.whose.reference()))
        }
        Found::Resource(resource) => return of_resource(&resource, naming),
        Found::Unread(read) => Identity::Unread(read),
        Found::Gone => Identity::Gone,
        Found::Failed(read) => Identity::Failed(read),
        Found::Logical => Identity::Unnamed(reference.get("identifier").mismatch(naming.expected())),
        Found::Nowhere => match reference.get("identifier").first().get("value").id() {
            // What leads nowhere may still be named.
            Ok(id) if !naming.by_identifier() => return checked(&id, reference, naming),
            _ => Identity::Unresolved(reference.mismatch(naming.whose.reference())),
        },
    })
}

/// The id of this resource.
pub(crate) fn of_resource(resource: &Resource<'_>, naming: &Naming) -> Result<Identity, Mismatch> {
    let identifiers = resource.node.get("identifier");
    if naming.by_identifier() {
        return match chosen(&identifiers, naming) {
            Some(identifier) => known(&identifier.get("value"), naming),
            None => Ok(Identity::Unnamed(identifiers.mismatch(naming.expected()))),
        };
    }
    // The id of a contained resource holds inside its container only.
    if !resource.is_contained()
        && let Some(id) = resource.node.get("id").optional()
    {
        return known(&id, naming);
    }
    let mut usable = identifiers.each().take(IDENTIFIERS_MAX).filter(is_usable);
    match (usable.next(), usable.next()) {
        (Some(identifier), None) => known(&identifier.get("value"), naming),
        _ => Ok(Identity::Unnamed(identifiers.mismatch("one identifier, as the resource has no id of its own"))),
    }
}

/// The id that the reference itself tells, where the partner's own ids are wanted.
fn told_id(reference: &Node<'_>) -> Option<String> {
    match target(reference) {
        Some(Target::Conditional { value, .. }) => Some(value.to_owned()),
        Some(target) => target.name().map(|name| name.id.to_owned()),
        None => reference.get("identifier").first().get("value").id().ok(),
    }
}

/// The identifier that the settings name.
fn chosen<'a>(identifiers: &Node<'a>, naming: &Naming) -> Option<Node<'a>> {
    let is_wanted = |identifier: &Node<'a>| {
        let system = naming.system.as_deref();
        let type_code = naming.type_code.as_deref();
        is_usable(identifier)
            && system.is_none_or(|wanted| identifier.get("system").as_text() == Some(wanted))
            && type_code.is_none_or(|wanted| is_of_type(&identifier.get("type"), wanted))
    };
    identifiers.each().take(IDENTIFIERS_MAX).find(is_wanted)
}

fn is_of_type(kind: &Node<'_>, wanted: &str) -> bool {
    code::codes(kind).any(|code| code == wanted) || code::is_worded(kind, wanted)
}

fn is_usable(identifier: &Node<'_>) -> bool {
    identifier.get("use").as_text() != Some("old") && identifier.get("value").optional().is_some()
}

/// The id at this place, whatever it is an identifier of.
pub(crate) fn plain(value: &Node<'_>, naming: &Naming) -> Result<String, Mismatch> {
    match known(value, naming)? {
        Identity::Known(id) => Ok(id),
        _ => Err(value.mismatch(OTHER_ID)),
    }
}

fn known(value: &Node<'_>, naming: &Naming) -> Result<Identity, Mismatch> {
    let id = match naming.whose {
        Whose::Patient => value.patient_id()?,
        Whose::Appointment | Whose::Provider => value.short_id()?,
    };
    Ok(Identity::Known(id))
}

/// An id that a reference tells.
fn checked(id: &str, place: &Node<'_>, naming: &Naming) -> Result<Identity, Mismatch> {
    let id = id.trim();
    if naming.whose == Whose::Patient && !is_patient_id(id) {
        return Err(place.mismatch(PATIENT_ID));
    }
    let legal = (1..=200).contains(&id.len()) && !id.chars().any(char::is_control);
    if legal { Ok(Identity::Known(id.to_owned())) } else { Err(place.mismatch(OTHER_ID)) }
}

/// Whether a reference has the identifier that the settings name, by which alone somebody may be known.
pub(crate) fn is_named(reference: &Node<'_>, naming: &Naming) -> bool {
    naming.by_identifier() && chosen(&reference.get("identifier"), naming).is_some()
}

/// The identifier that the settings name, among these.
pub(crate) fn among(identifiers: &Node<'_>, naming: &Naming) -> Result<Option<String>, Mismatch> {
    Ok(match chosen(identifiers, naming).map(|identifier| known(&identifier.get("value"), naming)).transpose()? {
        Some(Identity::Known(id)) => Some(id),
        _ => None,
    })
}
