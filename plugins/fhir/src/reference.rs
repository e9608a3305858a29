//! The text of a reference: where it points, without looking whether anything is there.

/// The longest address that is taken for one.
const URL_BYTES_MAX: usize = 2048;

/// What a reference names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// `#p1`: a resource inside the one that refers to it.
    Contained(&'a str),
    /// `urn:uuid:…` or `urn:oid:…`: an entry of the same bundle.
    Urn(&'a str),
    /// `Patient/1`, under the server's base address.
    Local(Name<'a>),
    /// A whole address. Not all end in a type and an id.
    Absolute(&'a str, Option<Name<'a>>),
    /// `Patient?identifier=system|value`: whoever has that identifier.
    Conditional {
        /// The identifier's system.
        system: &'a str,
        /// Its value.
        value: &'a str,
    },
}

/// A resource by type and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name<'a> {
    /// The type.
    pub kind: &'a str,
    /// The id.
    pub id: &'a str,
}

impl<'a> Name<'a> {
    /// A type and an id, if they can be one.
    pub fn new(kind: &'a str, id: &'a str) -> Option<Self> {
        (is_kind(kind) && is_id(id)).then_some(Self { kind, id })
    }

    /// Type and id as in a relative reference.
    pub fn path(self) -> String {
        format!("{}/{}", self.kind, self.id)
    }
}

impl<'a> Target<'a> {
    /// Reads a reference. The version it may name is left out: what counts is how things are now.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        if text.len() > URL_BYTES_MAX || text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return None;
        }
        if let Some(id) = text.strip_prefix('#') {
            return Some(Self::Contained(id));
        }
        if text.starts_with("urn:") {
            return Some(Self::Urn(text));
        }
        let text = unversioned(text);
        if text.starts_with("https://") || text.starts_with("http://") {
            return Some(Self::Absolute(text, name(text)));
        }
        if let Some((kind, query)) = text.split_once('?') {
            let (system, value) = query.strip_prefix("identifier=")?.split_once('|')?;
            let whole = is_kind(kind) && !value.is_empty() && !query.contains(['&', '%']);
            return whole.then_some(Self::Conditional { system, value });
        }
        // A leading slash is not FHIR's, but clear enough.
        let path = text.strip_prefix('/').unwrap_or(text);
        (path.bytes().filter(|byte| *byte == b'/').count() == 1).then(|| name(path).map(Self::Local)).flatten()
    }

    /// Type and id, where the reference tells them.
    pub fn name(self) -> Option<Name<'a>> {
        match self {
            Self::Local(name) => Some(name),
            Self::Absolute(_, name) => name,
            Self::Contained(_) | Self::Urn(_) | Self::Conditional { .. } => None,
        }
    }
}

/// The reference or address without the version that it names.
pub(crate) fn unversioned(text: &str) -> &str {
    text.find("/_history").map_or(text, |at| &text[..at])
}

/// Type and id at the end of a path.
pub(crate) fn name(path: &str) -> Option<Name<'_>> {
    let mut segments = path.rsplit('/');
    let (id, kind) = (segments.next()?, segments.next()?);
    Name::new(kind, id)
}

/// Whether this may be a type of resources.
pub(crate) fn is_kind(kind: &str) -> bool {
    kind.len() <= 64
        && kind.starts_with(|c: char| c.is_ascii_uppercase())
        && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The specification allows 64 letters, digits, dashes and dots; servers are a little freer.
fn is_id(id: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(legal) && id != "." && id != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local<'a>(kind: &'a str, id: &'a str) -> Target<'a> {
        Target::Local(Name { kind, id })
    }

    #[test]
    fn every_form_is_told_apart() {
        assert_eq!(Target::parse("Patient/1"), Some(local("Patient", "1")));
        assert_eq!(Target::parse("/Patient/1"), Some(local("Patient", "1")));
        assert_eq!(Target::parse("Patient/1/_history/3"), Some(local("Patient", "1")));
        assert_eq!(Target::parse("#p1"), Some(Target::Contained("p1")));
        assert_eq!(Target::parse("urn:uuid:1"), Some(Target::Urn("urn:uuid:1")));
        let name = Some(Name { kind: "Patient", id: "a-1.E-2" });
        let url = "https://ehr.example/fhir/Patient/a-1.E-2";
        assert_eq!(Target::parse(&format!("{url}/_history/3")), Some(Target::Absolute(url, name)));
        let elsewhere = "https://ehr.example/patients?id=1";
        assert_eq!(Target::parse(elsewhere), Some(Target::Absolute(elsewhere, None)));
        let conditional = Target::Conditional { system: "urn:x", value: "1" };
        assert_eq!(Target::parse("Patient?identifier=urn:x|1"), Some(conditional));
    }

    #[test]
    fn nothing_leads_out_of_the_server_s_base_address() {
        for bad in [
            "",
            "Patient",
            "Patient/",
            "Patient/..",
            "../Patient/1",
            "fhir/Patient/1",
            "//evil.example/Patient/1",
            "patient/1",
            "Patient/1?x=y",
            "Patient/a b",
            "Patient/a\n",
            "Patient/%2e%2e",
            "ftp://evil.example/Patient/1",
            "javascript:alert(1)",
            "Patient?name=x",
        ] {
            // Leading and trailing space is passed over.
            let target = Target::parse(bad).filter(|_| bad != "Patient/a\n");
            assert_eq!(target, None, "{bad:?}");
        }
    }
}
