//! What somebody meant who mistyped a name.

/// Below this likeness a guess would only mislead.
const LIKENESS_MIN: f64 = 0.6;

/// The name that is most like the typed one, if any is like it.
pub fn to<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A comparison takes the product of both lengths: what is far longer than any name is none of them.
    let comparable = |name: &&str| typed.len() <= 4 * name.len() + 8;
    names
        .filter(comparable)
        .map(|name| (strsim::normalized_damerau_levenshtein(typed, name), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_slip_is_recognised_and_nonsense_is_not() {
        let to = |typed| super::to(typed, ["max_retries", "retry_policy", "events", "url"].into_iter());
        assert_eq!(to("max_retrys"), Some("max_retries"));
        assert_eq!(to("maxRetries"), Some("max_retries"));
        assert_eq!(to("event"), Some("events"));
        assert_eq!(to("ulr"), Some("url"));
        assert_eq!(to("colour"), None);
        assert_eq!(to(&"x".repeat(10_000)), None);
    }
}
