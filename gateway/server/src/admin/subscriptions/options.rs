//! What a subscription says of its deliveries beyond where they go, as a body states it.

use crate::admin::body::{Faults, Object, child, kind_of};
use hookwright_core::delivery_options::{
    DeliveryMethod, DeliveryOptions, HEAD_ATTEMPTS_MAX, HeadOfLine, HeadPolicy, Ordering, RATE_MAX,
};
use hookwright_core::retry::check_permanent_status;
use serde_json::Value;

const METHODS: [(&str, DeliveryMethod); 3] =
    [("POST", DeliveryMethod::Post), ("PUT", DeliveryMethod::Put), ("PATCH", DeliveryMethod::Patch)];
const ORDERINGS: [(&str, Ordering); 2] = [("none", Ordering::None), ("key", Ordering::Key)];
const HEAD_POLICIES: [(&str, HeadPolicy); 3] =
    [("block", HeadPolicy::Block), ("skip_after_n", HeadPolicy::SkipAfterN), ("dead_letter", HeadPolicy::DeadLetter)];
const STATUSES_MAX: usize = 50;
const MAX_AGE_SECS_MIN: u32 = 60;
/// Thirty days.
const MAX_AGE_SECS_MAX: u32 = 2_592_000;

/// Reads the members that are there; the rest is as usual.
pub fn read(object: &mut Object<'_>, faults: &mut Faults) -> DeliveryOptions {
    DeliveryOptions {
        method: object.word("method", &METHODS, faults).unwrap_or_default(),
        rate_per_second: rate(object, faults),
        ordering: object.word("ordering", &ORDERINGS, faults).unwrap_or_default(),
        head_of_line: object
            .object("head_of_line", faults)
            .map_or_else(HeadOfLine::default, |head| head_of(head, faults)),
        permanent_statuses: permanent_statuses(object, faults),
        max_age_secs: object.number("max_age_seconds", MAX_AGE_SECS_MIN..=MAX_AGE_SECS_MAX, faults).map(u64::from),
        ..DeliveryOptions::default()
    }
}

fn rate(object: &mut Object<'_>, faults: &mut Faults) -> Option<u32> {
    if object.get("rate_per_second").and_then(Value::as_u64) == Some(0) {
        let detail = "must not be 0, at which nothing would ever be delivered; to stop deliveries, pause the subscription; for no limit, leave this out";
        faults.add(object.pointer("rate_per_second"), detail);
        return None;
    }
    object.number("rate_per_second", 1..=RATE_MAX, faults)
}

fn head_of(mut object: Object<'_>, faults: &mut Faults) -> HeadOfLine {
    let usual = HeadOfLine::default();
    let policy = object.word("policy", &HEAD_POLICIES, faults).unwrap_or(usual.policy);
    let attempts = object.number("attempts", 1..=HEAD_ATTEMPTS_MAX, faults).unwrap_or(usual.attempts);
    object.finish(&[], faults);
    HeadOfLine { policy, attempts }
}

fn permanent_statuses(object: &mut Object<'_>, faults: &mut Faults) -> Vec<u16> {
    let at = object.pointer("permanent_statuses");
    let list = object.list("permanent_statuses", STATUSES_MAX, faults).unwrap_or_default();
    let mut statuses = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let pointer = child(&at, &index.to_string());
        if !value.is_number() {
            faults.add(pointer, format!("expected a status such as 422, found {}", kind_of(value)));
            continue;
        }
        // What is no u16 is no status either.
        let status = value.as_u64().and_then(|number| u16::try_from(number).ok()).unwrap_or_default();
        match check_permanent_status(status) {
            Err(error) => faults.add(pointer, error.to_string()),
            Ok(()) if statuses.contains(&status) => faults.add(pointer, "is there twice"),
            Ok(()) => statuses.push(status),
        }
    }
    statuses
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<DeliveryOptions, String> {
        let mut faults = Faults::default();
        let mut object = Object::read(body, "", &mut faults).unwrap();
        let options = super::read(&mut object, &mut faults);
        object.finish(&[], &mut faults);
        let text =
            |fault: &Value| format!("{} {}", fault["pointer"].as_str().unwrap(), fault["detail"].as_str().unwrap());
        faults.finish().map(|()| options).map_err(|problem| {
            let body: Value = serde_json::from_slice(&problem.body("r")).unwrap();
            body["errors"].as_array().unwrap().iter().map(text).collect::<Vec<_>>().join("\n")
        })
    }

    #[test]
    fn nothing_said_is_as_usual() {
        let null = json!({
            "method": null, "rate_per_second": null, "ordering": null, "head_of_line": null,
            "permanent_statuses": null, "max_age_seconds": null,
        });
        assert_eq!(read(&json!({})).unwrap(), DeliveryOptions::default());
        assert_eq!(read(&null).unwrap(), DeliveryOptions::default());
    }

    #[test]
    fn everything_said_is_kept() {
        let options = read(&json!({
            "method": "PATCH", "rate_per_second": 100_000, "ordering": "key",
            "head_of_line": {"policy": "skip_after_n", "attempts": 50},
            "permanent_statuses": [422, 300, 599, 410], "max_age_seconds": 60,
        }));
        let expected = DeliveryOptions {
            method: DeliveryMethod::Patch,
            rate_per_second: Some(100_000),
            ordering: Ordering::Key,
            head_of_line: HeadOfLine { policy: HeadPolicy::SkipAfterN, attempts: 50 },
            permanent_statuses: vec![422, 300, 599, 410],
            max_age_secs: Some(60),
            ..DeliveryOptions::default()
        };
        assert_eq!(options.unwrap(), expected);
        let half = read(&json!({"head_of_line": {"policy": "dead_letter"}})).unwrap();
        assert_eq!(half.head_of_line, HeadOfLine { policy: HeadPolicy::DeadLetter, attempts: 3 });
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let body = json!({
            "method": "GET", "rate_per_second": 0, "ordering": "strict",
            "head_of_line": {"policy": "explode", "attempts": 51, "n": 3},
            "permanent_statuses": [204, 429, 503, 422, 422, "404", 600, 70_000], "max_age_seconds": 59,
        });
        insta::assert_snapshot!(read(&body).unwrap_err(), @r#"
        /method expected "POST" or "PUT" or "PATCH"
        /rate_per_second must not be 0, at which nothing would ever be delivered; to stop deliveries, pause the subscription; for no limit, leave this out
        /ordering expected "none" or "key"
        /head_of_line/policy expected "block" or "skip_after_n" or "dead_letter"
        /head_of_line/attempts must be a whole number from 1 to 50
        /head_of_line/n is not a field; the fields are policy, attempts
        /permanent_statuses/0 must be a status from 300 to 599: what is below is no refusal
        /permanent_statuses/1 429 and 503 say that the subscriber is busy now, not that it will never take the delivery; they slow it down instead
        /permanent_statuses/2 429 and 503 say that the subscriber is busy now, not that it will never take the delivery; they slow it down instead
        /permanent_statuses/4 is there twice
        /permanent_statuses/5 expected a status such as 422, found text
        /permanent_statuses/6 must be a status from 300 to 599: what is below is no refusal
        /permanent_statuses/7 must be a status from 300 to 599: what is below is no refusal
        /max_age_seconds must be a whole number from 60 to 2592000
        "#);
        for (member, value) in [
            ("rate_per_second", json!(100_001)),
            ("rate_per_second", json!(0.5)),
            ("max_age_seconds", json!(2_592_001)),
            ("head_of_line", json!("block")),
            ("head_of_line", json!({"attempts": 0})),
            ("permanent_statuses", json!((300..=350).collect::<Vec<_>>())),
            ("permanent_statuses", json!(404)),
        ] {
            assert!(
                read(&json!({ member: value })).unwrap_err().starts_with(&format!("/{member}")),
                "{member} {value}"
            );
        }
    }
}
