//! How calls go: failures one after the other put a version into quarantine, and a candidate is given up when it does badly.

use super::Plugins;
use super::moves::{MoveError, Order};
use super::shelf::{Beside, Candidate, Choice, Loaded};
use super::tally::{Sample, Went};
use crate::problem::chain;
use hookwright_core::audit::AuditDraft;
use hookwright_core::plugin::moves::{Move, MoveRefused, Moved};
use hookwright_core::plugin::{CanaryCounts, CanaryEnd, CanaryVerdict, PluginPolicy};
use hookwright_plugin_host::CallFailure;
use hookwright_store::Change;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Who acts where nobody asked.
const SYSTEM: &str = "system";

impl Plugins {
    /// Takes note of how a call of live traffic went.
    pub(super) fn observe(&self, choice: &Choice, subject_id: &str, failure: Option<&CallFailure>, took: Duration) {
        self.meters.called(&choice.loaded.plugin, failure, took);
        self.breaker(&choice.loaded, choice.policy, failure);
        match &choice.beside {
            Beside::Serves(candidate) => {
                let went = match failure {
                    // Neither the message's fault nor the host's is the candidate's.
                    Some(CallFailure::QueueFull | CallFailure::Unavailable { .. }) => return,
                    Some(failure) if is_error(failure) => Went::Failed(self.sample(subject_id, failure)),
                    _ => Went::Well,
                };
                self.judge(candidate, went, took, None);
            }
            Beside::Measures(candidate) => candidate.tally.measured(took),
            Beside::Compares(_) | Beside::Nothing => {}
        }
    }

    /// Counts failures one after the other; so many of them end the version's service.
    pub(super) fn breaker(&self, loaded: &Arc<Loaded>, policy: PluginPolicy, failure: Option<&CallFailure>) {
        match failure {
            Some(failure) if failure.is_misbehaviour() => {
                let failures = loaded.failures.fetch_add(1, Ordering::Relaxed) + 1;
                let is_enough = policy.failures_max > 0 && failures >= policy.failures_max;
                if is_enough && !loaded.withdrawn.swap(true, Ordering::Relaxed) {
                    let reason =
                        format!("{failures} calls failed one after the other; the last with {}", failure.kind());
                    self.withdraw(Arc::clone(loaded), reason);
                }
            }
            // The host's trouble says nothing of the version.
            Some(CallFailure::QueueFull | CallFailure::Unavailable { .. } | CallFailure::WrongWorld { .. }) => {}
            _ => loaded.failures.store(0, Ordering::Relaxed),
        }
    }

    pub(super) fn sample(&self, subject_id: &str, failure: &CallFailure) -> Sample {
        let differences = vec![format!("the candidate failed: {}", failure.kind())];
        Sample { subject_id: subject_id.to_owned(), at: self.clock.now_ms(), differences }
    }

    /// Counts a candidate's call and gives the candidate up if that was one failure too many.
    pub(super) fn judge(&self, candidate: &Arc<Candidate>, went: Went, took: Duration, active_took: Option<Duration>) {
        self.meters.candidate(&candidate.loaded.plugin, &went);
        let counts = candidate.tally.count(went, took, active_took);
        let why = match candidate.canary.verdict(&counts) {
            CanaryVerdict::GoesOn => return,
            CanaryVerdict::TooManyErrors => format!("{} of {} calls failed", counts.errors, counts.calls),
            CanaryVerdict::TooManyDifferences => format!("{} of {} answers differ", counts.differs, counts.calls),
        };
        if !candidate.tally.decided.swap(true, Ordering::Relaxed) {
            self.give_up(Arc::clone(candidate), why, counts);
        }
    }

    /// Puts a version into quarantine, beside the call that showed the need.
    fn withdraw(&self, loaded: Arc<Loaded>, reason: String) {
        let Some(plugins) = self.me.upgrade() else { return };
        tokio::spawn(async move {
            let wanted =
                Move::Quarantine { digest: loaded.digest(), reason: reason.clone(), counts: CanaryCounts::default() };
            let order = Order::new(&loaded.plugin, wanted, SYSTEM);
            let audit = |moved: &Moved| {
                let detail = format!("digest={} serves={}", loaded.digest(), serves(moved));
                Ok(plugins.change("plugin.quarantined", &loaded.plugin, &reason, detail))
            };
            match plugins.make(order, audit).await {
                Ok(_) => tracing::error!(
                    plugin = loaded.plugin,
                    digest = loaded.digest(),
                    reason,
                    "plugin version quarantined"
                ),
                // Somebody was faster.
                Err(MoveError::Refused(MoveRefused::Quarantined)) => {}
                Err(error) => {
                    tracing::error!(plugin = loaded.plugin, error = %chain(&error), "a plugin version cannot be quarantined");
                    // The next failures ask again.
                    loaded.failures.store(0, Ordering::Relaxed);
                    loaded.withdrawn.store(false, Ordering::Relaxed);
                }
            }
        });
    }

    fn give_up(&self, candidate: Arc<Candidate>, why: String, counts: CanaryCounts) {
        let Some(plugins) = self.me.upgrade() else { return };
        tokio::spawn(async move {
            let (name, digest) = (candidate.loaded.plugin.clone(), candidate.loaded.digest());
            let wanted = Move::EndCanary { outcome: CanaryEnd::Aborted, reason: Some(why.clone()), counts };
            let order = Order::new(&name, wanted, SYSTEM);
            let audit =
                |_: &Moved| Ok(plugins.change("plugin.canary_aborted", &name, &why, format!("digest={digest}")));
            match plugins.make(order, audit).await {
                Ok(_) => tracing::warn!(plugin = name, digest, why, "plugin candidate given up"),
                // It ended meanwhile in another way.
                Err(MoveError::Refused(MoveRefused::NoCanary)) => {}
                Err(error) => {
                    tracing::error!(plugin = name, error = %chain(&error), "a plugin candidate cannot be ended");
                    candidate.tally.decided.store(false, Ordering::Relaxed);
                }
            }
        });
    }

    fn change(&self, action: &str, name: &str, reason: &str, detail: String) -> Change {
        let audit = AuditDraft {
            at: self.clock.now_ms(),
            actor: SYSTEM.to_owned(),
            action: action.to_owned(),
            target: name.to_owned(),
            reason: Some(reason.to_owned()),
            request_id: None,
            detail,
        };
        Change { audit, claim: None }
    }
}

/// What serves after a move, for the audit.
pub fn serves(moved: &Moved) -> &str {
    moved.plugin.active.as_deref().unwrap_or("none")
}

/// Whether a failure is the plugin's, as against a refusal of what a partner sent.
pub(super) fn is_error(failure: &CallFailure) -> bool {
    use hookwright_plugin_host::inbound::Blame;
    match failure {
        CallFailure::Refused(refusal) => refusal.blame() == Blame::Operator,
        _ => true,
    }
}
