use super::moves::{Move, MoveRefused, Moved, Mover, Standing, decide};
use super::*;
use std::collections::BTreeSet;

/// A plugin whose pointers are moved as a store would.
struct World {
    plugin: PluginRecord,
    known: BTreeSet<String>,
    quarantined: BTreeSet<String>,
    history: Vec<Activation>,
    now_ms: i64,
}

impl World {
    fn new(versions: &[&str]) -> Self {
        let plugin = PluginRecord {
            id: PluginId::from_i64(1).unwrap(),
            name: "emr".to_owned(),
            world: "inbound".to_owned(),
            active: None,
            canary: None,
            policy: PluginPolicy::default(),
            updated_at: 0,
            revision: 1,
        };
        let known = versions.iter().map(|&version| version.to_owned()).collect();
        Self { plugin, known, quarantined: BTreeSet::new(), history: Vec::new(), now_ms: 0 }
    }

    fn decide(&self, wanted: Move) -> Result<Moved, MoveRefused> {
        let named = match &wanted {
            Move::Activate { digest, .. } | Move::Quarantine { digest, .. } => Some(digest.clone()),
            Move::Canary(canary) => Some(canary.digest.clone()),
            _ => None,
        };
        let named = named.filter(|digest| self.known.contains(digest)).map(|digest| self.quarantined.contains(&digest));
        let standing = Standing { plugin: &self.plugin, named, quarantined: &self.quarantined, history: &self.history };
        decide(wanted, standing, Mover { by: "local", now_ms: self.now_ms })
    }

    fn make(&mut self, wanted: Move) -> Result<Option<&str>, MoveRefused> {
        self.now_ms += 1;
        let moved = self.decide(wanted)?;
        self.plugin = moved.plugin;
        if let Some(activation) = moved.activation {
            self.history.insert(0, activation);
        }
        match moved.quarantine {
            Some((digest, Some(_))) => drop(self.quarantined.insert(digest)),
            Some((digest, None)) => drop(self.quarantined.remove(&digest)),
            None => {}
        }
        Ok(self.plugin.active.as_deref())
    }

    fn push(&mut self, digest: &str) {
        assert_eq!(self.make(activate(digest, Cause::Push)), Ok(Some(digest)));
    }
}

fn activate(digest: &str, cause: Cause) -> Move {
    Move::Activate { digest: digest.to_owned(), force: false, cause }
}

fn quarantine(digest: &str) -> Move {
    Move::Quarantine { digest: digest.to_owned(), reason: "traps".to_owned(), counts: CanaryCounts::default() }
}

fn candidate(digest: &str) -> Canary {
    Canary {
        digest: digest.to_owned(),
        mode: CanaryMode::Canary,
        share: 1_000,
        bindings: Vec::new(),
        stop: Stop::default(),
        started_at: 0,
        started_by: String::new(),
        ended: None,
    }
}

fn ended(world: &World) -> Option<CanaryEnd> {
    world.plugin.canary.as_ref().and_then(|canary| canary.ended.as_ref()).map(|ended| ended.outcome)
}

#[test]
fn going_back_goes_further_back_each_time_and_then_ends() {
    let mut world = World::new(&["a", "b", "c"]);
    for version in ["a", "b", "c"] {
        world.push(version);
    }
    assert_eq!(world.make(Move::Rollback), Ok(Some("b")));
    assert_eq!(world.make(Move::Rollback), Ok(Some("a")));
    assert_eq!(world.make(Move::Rollback), Err(MoveRefused::NothingBefore));
    assert_eq!(world.plugin.active.as_deref(), Some("a"), "a move that cannot be changes nothing");
    // Chosen anew, it remembers what it was put in the place of this time.
    assert_eq!(world.make(activate("c", Cause::Activate)), Ok(Some("c")));
    assert_eq!(world.make(Move::Rollback), Ok(Some("a")));
}

#[test]
fn versions_in_quarantine_are_passed_over_and_need_force() {
    let mut world = World::new(&["a", "b", "c"]);
    for version in ["a", "b", "c"] {
        world.push(version);
    }
    assert_eq!(world.make(quarantine("b")), Ok(Some("c")), "what serves is another");
    assert_eq!(world.make(quarantine("c")), Ok(Some("a")), "the last good one, not merely the last");
    assert_eq!(world.history[0].cause, Cause::Quarantine);
    assert_eq!(world.make(quarantine("c")), Err(MoveRefused::Quarantined));
    assert_eq!(world.make(activate("c", Cause::Activate)), Err(MoveRefused::Quarantined));
    assert_eq!(world.make(activate("c", Cause::Push)), Err(MoveRefused::Quarantined));
    let forced = Move::Activate { digest: "c".to_owned(), force: true, cause: Cause::Activate };
    assert_eq!(world.make(forced), Ok(Some("c")));
    assert!(!world.quarantined.contains("c"));
}

#[test]
fn with_nothing_to_go_back_to_none_serves_until_one_is_activated() {
    let mut world = World::new(&["a", "b"]);
    world.push("a");
    assert_eq!(world.make(quarantine("a")), Ok(None));
    assert_eq!(world.make(Move::Rollback), Err(MoveRefused::NothingBefore));
    assert_eq!(world.make(Move::Canary(Box::new(candidate("b")))), Err(MoveRefused::NothingServes));
    world.push("b");
}

#[test]
fn what_is_not_there_cannot_be_named() {
    let world = World::new(&[]);
    for wanted in [activate("x", Cause::Activate), quarantine("x"), Move::Canary(Box::new(candidate("x")))] {
        assert_eq!(world.decide(wanted), Err(MoveRefused::UnknownVersion));
    }
}

#[test]
fn a_candidate_ends_as_what_became_of_it() {
    let mut world = World::new(&["a", "b", "c"]);
    world.push("a");
    let begin = |digest: &str| Move::Canary(Box::new(candidate(digest)));
    assert_eq!(world.make(begin("a")), Err(MoveRefused::CandidateServes));
    assert_eq!(
        world.make(Move::EndCanary { outcome: CanaryEnd::Stopped, reason: None, counts: CanaryCounts::default() }),
        Err(MoveRefused::NoCanary)
    );
    world.make(begin("b")).unwrap();
    assert!(world.plugin.running_canary().is_some_and(|canary| canary.started_by == "local"));
    world.make(activate("b", Cause::Activate)).unwrap();
    assert_eq!(ended(&world), Some(CanaryEnd::Promoted));
    world.make(begin("c")).unwrap();
    assert_eq!(world.make(quarantine("c")), Ok(Some("b")));
    assert_eq!(ended(&world), Some(CanaryEnd::Aborted));
    world.quarantined.clear();
    world.make(begin("c")).unwrap();
    world.make(Move::Rollback).unwrap();
    assert_eq!(ended(&world), Some(CanaryEnd::Superseded));
}

#[test]
fn pushing_what_serves_changes_no_pointer() {
    let mut world = World::new(&["a", "b"]);
    world.push("a");
    world.make(Move::Canary(Box::new(candidate("b")))).unwrap();
    world.push("a");
    assert_eq!(world.history.len(), 1);
    assert!(world.plugin.running_canary().is_some());
}

#[test]
fn a_share_is_the_same_every_time_and_grows_without_losing_anyone() {
    let with = |share| Canary { share, ..candidate("d") };
    let ids: Vec<String> = (0..20_000).map(|number| format!("evt_{number:013}")).collect();
    let taken = |canary: &Canary| ids.iter().filter(|id| canary.takes("sub_1", id)).count();
    assert_eq!((taken(&with(0)), taken(&with(PERMYRIAD))), (0, ids.len()));
    let tenth = taken(&with(1_000));
    assert!((1_800..2_200).contains(&tenth), "{tenth} of 20,000");
    assert!(ids.iter().all(|id| !with(1_000).takes("sub_1", id) || with(5_000).takes("sub_1", id)));
    let bound = Canary { bindings: vec!["sub_2".to_owned()], ..with(PERMYRIAD) };
    assert!(bound.takes("sub_2", "evt_1") && !bound.takes("sub_1", "evt_1"));
}

#[test]
fn a_candidate_is_given_up_above_its_limits_and_not_before_enough_calls() {
    let stop = Stop { calls_min: 10, errors: 1_000, differences: 2_000 };
    let canary = Canary { stop, mode: CanaryMode::Shadow, ..candidate("d") };
    let counted = |calls, errors, differs| CanaryCounts { calls, differs, errors, ..CanaryCounts::default() };
    assert_eq!(canary.verdict(&counted(9, 9, 0)), CanaryVerdict::GoesOn);
    assert_eq!(canary.verdict(&counted(10, 1, 2)), CanaryVerdict::GoesOn);
    assert_eq!(canary.verdict(&counted(10, 2, 0)), CanaryVerdict::TooManyErrors);
    assert_eq!(canary.verdict(&counted(10, 0, 3)), CanaryVerdict::TooManyDifferences);
    let serving = Canary { mode: CanaryMode::Canary, ..canary };
    assert_eq!(serving.verdict(&counted(10, 0, 10)), CanaryVerdict::GoesOn, "nothing is compared there");
}
