//! Moves of a plugin's pointers, decided from what is on record.

use super::{Activation, Canary, CanaryCounts, CanaryEnd, Cause, Ended, PluginRecord, PolicyChange, Quarantine};
use std::collections::BTreeSet;

/// What is wanted.
#[derive(Clone, Debug)]
pub enum Move {
    /// A kept version is to serve. `force` lets one out of quarantine.
    Activate {
        /// Which.
        digest: String,
        /// Although it is in quarantine.
        force: bool,
        /// How it comes to it: pushed, or chosen.
        cause: Cause,
    },
    /// What served before is to serve again.
    Rollback,
    /// A version may not serve any more; if it does, the last good one comes back.
    Quarantine {
        /// Which.
        digest: String,
        /// Why.
        reason: String,
        /// What was counted of the candidate, should it be the one.
        counts: CanaryCounts,
    },
    /// A candidate is to run beside the version that serves.
    Canary(Box<Canary>),
    /// The candidate is not to run any more.
    EndCanary {
        /// How it ends.
        outcome: CanaryEnd,
        /// Why.
        reason: Option<String>,
        /// What was counted of it.
        counts: CanaryCounts,
    },
    /// The plugin is to be run otherwise.
    Policy(PolicyChange),
    /// Nothing is to move: a version is kept for later.
    Keep,
}

/// What is on record.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The plugin.
    pub plugin: &'a PluginRecord,
    /// The version that the move names: `Some(true)` if it is in quarantine, `None` if there is none of that digest.
    pub named: Option<bool>,
    /// Digests in quarantine.
    pub quarantined: &'a BTreeSet<String>,
    /// What served, the newest first.
    pub history: &'a [Activation],
}

/// Who moves, and when.
#[derive(Clone, Copy, Debug)]
pub struct Mover<'a> {
    /// An operator, or `system`.
    pub by: &'a str,
    /// Unix milliseconds.
    pub now_ms: i64,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// The plugin as it then is; its revision is that of the record that was read.
    pub plugin: PluginRecord,
    /// What is added to the history.
    pub activation: Option<Activation>,
    /// A version whose quarantine begins or ends.
    pub quarantine: Option<(String, Option<Quarantine>)>,
}

/// Why a move cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveRefused {
    /// There is no such version.
    #[error("the plugin has no version of this digest")]
    UnknownVersion,
    /// The version is in quarantine.
    #[error("the version is in quarantine: activate it with force and a reason, or push a corrected one")]
    Quarantined,
    /// Nothing served before, or nothing that may serve.
    #[error("there is no version to go back to: none served before that is not in quarantine")]
    NothingBefore,
    /// The candidate is the version that serves.
    #[error("the version serves already: a candidate is another one")]
    CandidateServes,
    /// There is nothing beside which a candidate could run.
    #[error("no version serves: activate one first")]
    NothingServes,
    /// No candidate runs.
    #[error("no candidate runs")]
    NoCanary,
}

/// What follows from a move.
pub fn decide(wanted: Move, standing: Standing<'_>, who: Mover<'_>) -> Result<Moved, MoveRefused> {
    let mut moved = Moved { plugin: standing.plugin.clone(), activation: None, quarantine: None };
    moved.plugin.updated_at = who.now_ms;
    match wanted {
        Move::Activate { digest, force, cause } => {
            if standing.named.ok_or(MoveRefused::UnknownVersion)? {
                if !force {
                    return Err(MoveRefused::Quarantined);
                }
                moved.quarantine = Some((digest.clone(), None));
            }
            serve(&mut moved, digest, cause, who);
        }
        Move::Rollback => {
            let target = before(&standing).ok_or(MoveRefused::NothingBefore)?;
            serve(&mut moved, target, Cause::Rollback, who);
        }
        Move::Quarantine { digest, reason, counts } => {
            if standing.named.ok_or(MoveRefused::UnknownVersion)? {
                return Err(MoveRefused::Quarantined);
            }
            quarantine(&mut moved, &standing, (digest, reason), counts, who);
        }
        Move::Canary(canary) => begin(&mut moved, &standing, *canary, who)?,
        Move::EndCanary { outcome, reason, counts } => {
            let canary = moved.plugin.canary.as_mut().filter(|canary| canary.ended.is_none());
            let canary = canary.ok_or(MoveRefused::NoCanary)?;
            canary.ended = Some(Ended { at: who.now_ms, outcome, reason, counts });
        }
        Move::Policy(change) => moved.plugin.policy = moved.plugin.policy.with(change),
        Move::Keep => {}
    }
    Ok(moved)
}

/// Makes a version the one that serves. The one that does already goes on, and nothing is added to its history.
fn serve(moved: &mut Moved, digest: String, cause: Cause, who: Mover<'_>) {
    if moved.plugin.active.as_ref() == Some(&digest) {
        return;
    }
    let promoted = moved.plugin.running_canary().is_some_and(|canary| canary.digest == digest);
    end_canary(moved, if promoted { CanaryEnd::Promoted } else { CanaryEnd::Superseded }, None, who);
    let previous = moved.plugin.active.replace(digest.clone());
    moved.activation = Some(Activation { digest, previous, cause, at: who.now_ms, by: who.by.to_owned() });
}

fn end_canary(moved: &mut Moved, outcome: CanaryEnd, told: Option<(String, CanaryCounts)>, who: Mover<'_>) {
    let (reason, counts) = told.map_or((None, CanaryCounts::default()), |(reason, counts)| (Some(reason), counts));
    if let Some(canary) = moved.plugin.canary.as_mut().filter(|canary| canary.ended.is_none()) {
        canary.ended = Some(Ended { at: who.now_ms, outcome, reason, counts });
    }
}

fn quarantine(
    moved: &mut Moved,
    standing: &Standing<'_>,
    (digest, reason): (String, String),
    counts: CanaryCounts,
    who: Mover<'_>,
) {
    if moved.plugin.running_canary().is_some_and(|canary| canary.digest == digest) {
        end_canary(moved, CanaryEnd::Aborted, Some((reason.clone(), counts)), who);
    }
    if moved.plugin.active.as_ref() == Some(&digest) {
        if let Some(target) = before(standing) {
            serve(moved, target, Cause::Quarantine, who);
        } else {
            end_canary(moved, CanaryEnd::Superseded, None, who);
            moved.plugin.active = None;
        }
    }
    let quarantine = Quarantine { at: who.now_ms, reason, by: who.by.to_owned() };
    moved.quarantine = Some((digest, Some(quarantine)));
}

fn begin(moved: &mut Moved, standing: &Standing<'_>, canary: Canary, who: Mover<'_>) -> Result<(), MoveRefused> {
    if standing.named.ok_or(MoveRefused::UnknownVersion)? {
        return Err(MoveRefused::Quarantined);
    }
    match &moved.plugin.active {
        None => return Err(MoveRefused::NothingServes),
        Some(active) if *active == canary.digest => return Err(MoveRefused::CandidateServes),
        Some(_) => {}
    }
    let started_by = who.by.to_owned();
    moved.plugin.canary = Some(Canary { started_at: who.now_ms, started_by, ended: None, ..canary });
    Ok(())
}

/// What to go back to: what the version that serves was put in the place of, by somebody who wanted it there. Going back twice thus goes further back, and never to and fro.
/// Versions in quarantine are passed over.
fn before(standing: &Standing<'_>) -> Option<String> {
    let mut passed = BTreeSet::new();
    let mut from = if let Some(active) = &standing.plugin.active {
        active.clone()
    } else {
        // Nothing serves: what served last is as far as there is to go back.
        let last = standing.history.first()?;
        if !standing.quarantined.contains(&last.digest) {
            return Some(last.digest.clone());
        }
        last.digest.clone()
    };
    while passed.insert(from.clone()) {
        let wanted = |one: &&Activation| one.digest == from && matches!(one.cause, Cause::Push | Cause::Activate);
        let previous = standing.history.iter().find(wanted)?.previous.clone()?;
        if !standing.quarantined.contains(&previous) && standing.plugin.active.as_ref() != Some(&previous) {
            return Some(previous);
        }
        from = previous;
    }
    None
}
