use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_700_000_000_000;
const DAY_MS: i64 = 86_400_000;

fn due_in(attempts_made: u32, jitter: f64, retry_after_ms: Option<i64>) -> Option<i64> {
    next_attempt(RetryPolicy::Exponential, 20, attempts_made, &Schedule::default(), NOW, jitter, retry_after_ms)
        .map(|due| due - NOW)
}

#[test]
fn the_default_schedule_is_the_documented_one_and_its_last_delay_repeats() {
    let minutes = [0, 5, 30, 120, 300, 600, 840, 1200, 1440, 1440, 1440];
    for (attempts, minutes) in (1..).zip(minutes) {
        let expected = if attempts == 1 { 5_000 } else { minutes * 60_000 };
        assert_eq!(due_in(attempts, 0.5, None), Some(expected), "{attempts}");
    }
}

#[test]
fn jitter_moves_a_delay_by_a_fifth_at_most() {
    assert_eq!(due_in(2, 0.0, None), Some(240_000));
    assert_eq!(due_in(2, 1.0, None), Some(360_000));
    assert_eq!(due_in(2, f64::NAN, None), Some(300_000));
    assert_eq!(due_in(2, 7.0, None), Some(360_000));
    assert_eq!(due_in(2, -7.0, None), Some(240_000));
}

#[test]
fn the_budget_is_one_attempt_and_its_retries() {
    let schedule = Schedule::default();
    let due = |policy, max, made| next_attempt(policy, max, made, &schedule, NOW, 0.5, None).is_some();
    assert!(!due(RetryPolicy::None, 10, 1));
    assert!(!due(RetryPolicy::Exponential, 0, 1));
    assert!(due(RetryPolicy::Exponential, 3, 3));
    assert!(!due(RetryPolicy::Exponential, 3, 4));
    assert!(!due(RetryPolicy::Exponential, 3, u32::MAX));
    assert!(due(RetryPolicy::Exponential, u32::MAX, u32::MAX));
    for max_retries in 0..=50 {
        let attempts = (1..=60).find(|made| !due(RetryPolicy::Exponential, max_retries, *made)).unwrap();
        assert_eq!(u64::from(attempts), attempts_max(RetryPolicy::Exponential, max_retries));
        assert_eq!(attempts, max_retries + 1);
    }
    assert_eq!(attempts_max(RetryPolicy::None, 7), 1);
}

#[test]
fn retry_after_extends_and_never_shortens() {
    assert_eq!(due_in(1, 0.5, Some(60_000)), Some(60_000));
    assert_eq!(due_in(2, 0.5, Some(60_000)), Some(300_000));
    assert_eq!(due_in(1, 0.5, Some(-60_000)), Some(5_000));
    assert_eq!(due_in(1, 0.5, Some(i64::MAX)), Some(DAY_MS));
    assert_eq!(due_in(9, 1.0, Some(i64::MAX)), Some(DAY_MS * 12 / 10));
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    // NOW is Tue, 14 Nov 2023 22:13:20 GMT.
    for (value, wait) in [
        ("120", Some(120_000)),
        ("0", Some(0)),
        (" 7\t", Some(7_000)),
        ("86401", Some(DAY_MS)),
        ("99999999999999999999999999", Some(DAY_MS)),
        ("Tue, 14 Nov 2023 22:14:20 GMT", Some(60_000)),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", Some(60_000)),
        ("Tue Nov 14 22:14:20 2023", Some(60_000)),
        ("Mon Jan  1 00:00:00 2024", Some(DAY_MS)),
        ("Sat, 31 Dec 2089 23:59:59 GMT", Some(DAY_MS)),
        ("Tue, 14 Nov 2023 22:13:20 GMT", None),
        ("Tue, 14 Nov 2023 22:13:19 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Tue, 31 Feb 2024 00:00:00 GMT", None),
        ("Tue, 14 Nov 2023 25:14:20 GMT", None),
        ("Tue, 14 Nov 2023 22:14:20 CET", None),
        ("-5", None),
        ("+5", None),
        ("1.5", None),
        ("1e3", None),
        ("Infinity", None),
        ("", None),
        ("soon", None),
        ("５", None),
    ] {
        assert_eq!(parse_retry_after(value, NOW), wait, "{value}");
    }
    assert_eq!(parse_retry_after(&"9".repeat(65), NOW), None);
}

#[test]
fn a_permanent_status_is_a_refusal_for_good() {
    for status in 0..=1000 {
        let expected = match status {
            429 | 503 => Err(BadPermanentStatus::Busy),
            300..=599 => Ok(()),
            _ => Err(BadPermanentStatus::Range),
        };
        assert_eq!(check_permanent_status(status), expected, "{status}");
    }
}

#[test]
fn a_status_is_classified() {
    for (statuses, verdict) in [
        (vec![200, 201, 202, 204, 299], Verdict::Delivered),
        (
            vec![
                0, 100, 199, 300, 301, 302, 307, 308, 400, 401, 403, 404, 409, 411, 422, 500, 502, 504, 599, 999, 65535,
            ],
            Verdict::Retry,
        ),
        (vec![410], Verdict::Gone),
        (vec![429, 503], Verdict::Throttled),
    ] {
        for status in statuses {
            assert_eq!(classify(status), verdict, "{status}");
        }
    }
}

#[test]
fn a_schedule_is_bounded() {
    let hours = Duration::from_hours;
    assert!(Schedule::try_new(vec![DELAY_MAX; DELAYS_MAX]).is_ok());
    assert_eq!(Schedule::try_new(vec![]), Err(BadSchedule::Count { found: 0 }));
    assert_eq!(Schedule::try_new(vec![hours(1); 65]), Err(BadSchedule::Count { found: 65 }));
    assert_eq!(Schedule::try_new(vec![hours(1), Duration::ZERO]), Err(BadSchedule::Delay { position: 2 }));
    assert_eq!(Schedule::try_new(vec![Duration::MAX]), Err(BadSchedule::Delay { position: 1 }));
}

#[test]
fn policies_have_the_names_of_the_contract() {
    assert_eq!(serde_json::to_string(&RetryPolicy::Exponential).unwrap(), "\"exponential\"");
    assert_eq!(serde_json::from_str::<RetryPolicy>("\"none\"").unwrap(), RetryPolicy::None);
    assert!(serde_json::from_str::<RetryPolicy>("\"linear\"").is_err());
}

proptest! {
    #[test]
    fn a_due_time_is_never_in_the_past_nor_overflows(now: i64, made: u32, jitter: f64, after: Option<i64>) {
        let due = next_attempt(RetryPolicy::Exponential, u32::MAX, made, &Schedule::default(), now, jitter, after);
        prop_assert!(due.is_some_and(|due| due >= now));
    }

    #[test]
    fn no_header_panics(value in "\\PC{0,70}", now: i64) {
        let _ = parse_retry_after(&value, now);
    }
}
