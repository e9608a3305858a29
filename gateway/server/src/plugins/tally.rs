//! What is counted of a candidate while it runs.

use hookwright_core::plugin::CanaryCounts;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Comparisons that are kept to be shown, the newest ones.
const SAMPLES_MAX: usize = 20;
/// Comparisons under way at once; more would take the threads from the calls that count.
pub(super) const COMPARISONS_MAX: u32 = 2;

/// One comparison that did not come out equal; without values.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sample {
    /// The event or message.
    pub subject_id: String,
    /// When, unix milliseconds.
    pub at: i64,
    /// Where the answers differ and how, or how the candidate failed.
    pub differences: Vec<String>,
}

/// Counts, since this process began to run the candidate.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Mutex<Counted>,
    /// Comparisons under way.
    pub(super) comparing: AtomicU32,
    /// The verdict has been acted upon.
    pub(super) decided: AtomicBool,
}

#[derive(Debug, Default)]
struct Counted {
    counts: CanaryCounts,
    samples: VecDeque<Sample>,
}

/// How a candidate's call went.
pub(super) enum Went {
    /// It answered.
    Well,
    /// It answered as the version that serves.
    Equal,
    /// It answered otherwise.
    Differs(Sample),
    /// It failed.
    Failed(Sample),
}

impl Tally {
    /// Counts a call, and returns the counts with it.
    pub(super) fn count(&self, went: Went, took: Duration, active_took: Option<Duration>) -> CanaryCounts {
        let mut counted = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = &mut counted.counts;
        counts.calls += 1;
        counts.micros += micros(took);
        if let Some(active_took) = active_took {
            counts.active_calls += 1;
            counts.active_micros += micros(active_took);
        }
        let sample = match went {
            Went::Well => None,
            Went::Equal => {
                counts.equal += 1;
                None
            }
            Went::Differs(sample) => {
                counts.differs += 1;
                Some(sample)
            }
            Went::Failed(sample) => {
                counts.errors += 1;
                Some(sample)
            }
        };
        let counts = *counts;
        if let Some(sample) = sample {
            counted.samples.truncate(SAMPLES_MAX - 1);
            counted.samples.push_front(sample);
        }
        counts
    }

    /// A call of the version that serves, to measure the candidate's against.
    pub(super) fn measured(&self, took: Duration) {
        let mut counted = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counted.counts.active_calls += 1;
        counted.counts.active_micros += micros(took);
    }

    /// A comparison for which there was no room.
    pub(super) fn left_out(&self) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).counts.left_out += 1;
    }

    /// The counts, and the comparisons that were not equal, the newest first.
    pub(super) fn read(&self) -> (CanaryCounts, Vec<Sample>) {
        let counted = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        (counted.counts, counted.samples.iter().cloned().collect())
    }

    /// Room for one more comparison; false if there is none.
    pub(super) fn begin_comparison(&self) -> bool {
        let more = |under_way| (under_way < COMPARISONS_MAX).then_some(under_way + 1);
        self.comparing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// The comparison is over.
    pub(super) fn end_comparison(&self) {
        self.comparing.fetch_sub(1, Ordering::Relaxed);
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

/// Where two answers differ and of what kind each side is, without their values: they may be a patient's.
pub(super) fn redacted(differences: &[hookwright_plugin_host::fixture::Difference]) -> Vec<String> {
    differences
        .iter()
        .map(|one| format!("{}: {} became {}", one.path, kind(one.expected.as_ref()), kind(one.got.as_ref())))
        .collect()
}

/// The same with the values, for those who may read bodies.
pub(super) fn shown_values(differences: &[hookwright_plugin_host::fixture::Difference]) -> Vec<String> {
    differences.iter().map(ToString::to_string).collect()
}

fn kind(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Number(_)) => "a number".to_owned(),
        Some(Value::String(text)) => format!("a text of {} characters", text.chars().count()),
        Some(Value::Array(values)) => format!("a list of {}", values.len()),
        Some(Value::Object(fields)) => format!("an object of {} fields", fields.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_plugin_host::fixture::Difference;
    use serde_json::json;

    fn sample(number: i64) -> Sample {
        Sample { subject_id: "evt_1".to_owned(), at: number, differences: Vec::new() }
    }

    #[test]
    fn the_newest_samples_are_kept() {
        let tally = Tally::default();
        for number in 0..50 {
            tally.count(Went::Differs(sample(number)), Duration::from_micros(3), Some(Duration::from_micros(2)));
        }
        tally.count(Went::Equal, Duration::ZERO, None);
        let (counts, samples) = tally.read();
        assert_eq!((counts.calls, counts.differs, counts.equal), (51, 50, 1));
        assert_eq!((counts.micros, counts.active_micros, counts.active_calls), (150, 100, 50));
        assert_eq!((samples.len(), samples[0].at), (SAMPLES_MAX, 49));
    }

    #[test]
    fn comparisons_have_little_room() {
        let tally = Tally::default();
        let room = (0..5).filter(|_| tally.begin_comparison()).count();
        assert_eq!(room, COMPARISONS_MAX as usize);
        tally.end_comparison();
        assert!(tally.begin_comparison());
    }

    #[test]
    fn a_redacted_difference_tells_where_and_never_what() {
        let difference = Difference {
            path: "/send/body/name".to_owned(),
            expected: Some(json!("Ada Example")),
            got: Some(json!({"first": "Ada"})),
        };
        assert_eq!(redacted(&[difference]), ["/send/body/name: a text of 11 characters became an object of 1 fields"]);
    }
}
