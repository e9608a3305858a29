//! What of a body is looked at. Resources carry many times as much, above all their narrative and what concerns the bodies
//! of patients, which is passed over while the body is read.

use crate::wrapper::unescaped;

/// Every key that this crate names, in order.
const KEYS: [&str; 97] = [
    "active",
    "actor",
    "actualPeriod",
    "additionalContext",
    "address",
    "appointment",
    "appointmentType",
    "city",
    "class",
    "code",
    "coding",
    "comparator",
    "concept",
    "contained",
    "country",
    "data",
    "end",
    "entity",
    "entry",
    "error",
    "eventNumber",
    "eventsSinceSubscriptionStart",
    "extension",
    "family",
    "focus",
    "form",
    "fullUrl",
    "given",
    "id",
    "identifier",
    "individual",
    "lastUpdated",
    "length",
    "line",
    "link",
    "location",
    "message_id",
    "meta",
    "method",
    "minutesDuration",
    "mode",
    "name",
    "notificationEvent",
    "other",
    "parameter",
    "part",
    "participant",
    "patient",
    "period",
    "physicalType",
    "postalCode",
    "practitioner",
    "recorded",
    "reference",
    "request",
    "resource",
    "resourceId",
    "resourceType",
    "response",
    "search",
    "security",
    "serviceType",
    "source",
    "specversion",
    "start",
    "state",
    "status",
    "subject",
    "subscription",
    "system",
    "tag",
    "text",
    "timestamp",
    "topic",
    "topic-destination",
    "type",
    "unit",
    "url",
    "use",
    "value",
    "valueCanonical",
    "valueCode",
    "valueCodeableConcept",
    "valueDateTime",
    "valueId",
    "valueInstant",
    "valueInteger",
    "valueInteger64",
    "valuePositiveInt",
    "valueReference",
    "valueString",
    "valueUnsignedInt",
    "valueUri",
    "valueUrl",
    "versionId",
    "virtualService",
    "what",
];

/// Whether the value of this key is looked at anywhere: by this crate, or on the way to the resource by the settings.
pub(crate) fn is_looked_at(key: &str, resource_at: Option<&str>) -> bool {
    let is_on_the_way = |pointer: &str| pointer.split('/').any(|step| unescaped(step) == key);
    KEYS.binary_search(&key).is_ok() || resource_at.is_some_and(is_on_the_way)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::notification::VALUES;

    /// The words in quotes after this, in a source text.
    fn words_after<'s>(source: &'s str, opening: &str) -> Vec<&'s str> {
        source.split(opening).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn every_key_that_is_named_is_looked_at() {
        assert!(KEYS.is_sorted_by(|one, next| one < next), "the keys are looked for in their order");
        let of_settings = ["settings.rs", "looked_at.rs", "tests.rs"];
        let mut named = BTreeSet::new();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() || of_settings.iter().any(|other| path.ends_with(other)) {
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            for opening in ["get(\"", "text_of(value, \"", "part(\""] {
                named.extend(words_after(&source, opening).into_iter().map(str::to_owned));
            }
        }
        assert!(named.len() > 50, "only {} keys were found", named.len());
        // These stand in lists, and the names of parameters are no keys.
        named.extend(VALUES.map(str::to_owned));
        named.extend(["appointmentType", "form", "physicalType", "security", "serviceType", "tag"].map(str::to_owned));
        named.remove("event-number");
        let passed: Vec<_> = named.iter().filter(|key| KEYS.binary_search(&key.as_str()).is_err()).collect();
        assert!(passed.is_empty(), "named and not looked at: {passed:?}");
    }
}
