//! A candidate beside the version that serves: which calls it gets, and when it is given up.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Shares are counted in ten-thousandths.
pub const PERMYRIAD: u32 = 10_000;

/// What the candidate is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CanaryMode {
    /// It serves its share of the calls.
    Canary,
    /// It runs beside the version that serves; its answers are compared and never used.
    Shadow,
}

impl CanaryMode {
    /// The word used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Shadow => "shadow",
        }
    }
}

/// A candidate, and what is made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The candidate's digest.
    pub digest: String,
    /// What it is used for.
    pub mode: CanaryMode,
    /// Its share of the calls, in ten-thousandths.
    pub share: u32,
    /// Bindings (`src_…`, `sub_…`) whose calls count; empty for all.
    pub bindings: Vec<String>,
    /// When it is given up.
    pub stop: Stop,
    /// Since when, unix milliseconds.
    pub started_at: i64,
    /// Who began it.
    pub started_by: String,
    /// How it ended, if it has.
    pub ended: Option<Ended>,
}

/// When a candidate is given up by itself. Shares are in ten-thousandths of the calls that it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// No verdict before so many calls.
    pub calls_min: u64,
    /// Failed calls above this share end it.
    pub errors: u32,
    /// Answers that differ above this share end it; counts in shadow alone.
    pub differences: u32,
}

impl Default for Stop {
    fn default() -> Self {
        Self { calls_min: 20, errors: 500, differences: PERMYRIAD }
    }
}

/// How a candidate's time ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// When, unix milliseconds.
    pub at: i64,
    /// How.
    pub outcome: CanaryEnd,
    /// Why, for people; nothing of the data.
    pub reason: Option<String>,
    /// What was counted until then.
    pub counts: CanaryCounts,
}

/// How a candidate's time ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CanaryEnd {
    /// It was made the version that serves.
    Promoted,
    /// It failed or differed too often, or was put into quarantine.
    Aborted,
    /// An operator ended it.
    Stopped,
    /// Another version began to serve, or another candidate took its place.
    Superseded,
}

/// What was counted of a candidate's calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryCounts {
    /// Calls that it got.
    pub calls: u64,
    /// Answers equal to those of the version that serves (shadow).
    pub equal: u64,
    /// Answers that differ (shadow).
    pub differs: u64,
    /// Calls that failed where those of the version that serves did not (shadow), or that failed (canary).
    pub errors: u64,
    /// Calls that were left out because too many were under way (shadow).
    pub left_out: u64,
    /// Time of its calls together, in microseconds.
    pub micros: u64,
    /// Time of the same calls in the version that serves, in microseconds (shadow), or of the other calls meanwhile (canary).
    pub active_micros: u64,
    /// How many calls that time is of.
    pub active_calls: u64,
}

/// Whether a candidate goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CanaryVerdict {
    /// It does.
    GoesOn,
    /// Too many of its calls failed.
    TooManyErrors,
    /// Too many of its answers differ.
    TooManyDifferences,
}

impl Canary {
    /// Whether a call belongs to the candidate's share: decided by a hash of what the call is about (an event or a message), so that it is the same in every attempt,
    /// on every node, and again after a restart. A larger share includes every smaller one.
    pub fn takes(&self, binding_id: &str, subject_id: &str) -> bool {
        if self.ended.is_some() || !(self.bindings.is_empty() || self.bindings.iter().any(|one| one == binding_id)) {
            return false;
        }
        let mut hasher = Sha256::new();
        hasher.update(self.digest.as_bytes());
        hasher.update([0]);
        hasher.update(subject_id.as_bytes());
        let hash = hasher.finalize();
        let point = u64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]]);
        point % u64::from(PERMYRIAD) < u64::from(self.share)
    }

    /// Whether it goes on after what was counted.
    pub fn verdict(&self, counts: &CanaryCounts) -> CanaryVerdict {
        let above = |count: u64, share: u32| {
            u128::from(count) * u128::from(PERMYRIAD) > u128::from(share) * u128::from(counts.calls)
        };
        if counts.calls < self.stop.calls_min.max(1) {
            CanaryVerdict::GoesOn
        } else if above(counts.errors, self.stop.errors) {
            CanaryVerdict::TooManyErrors
        } else if self.mode == CanaryMode::Shadow && above(counts.differs, self.stop.differences) {
            CanaryVerdict::TooManyDifferences
        } else {
            CanaryVerdict::GoesOn
        }
    }
}
