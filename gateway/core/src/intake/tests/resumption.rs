//! Messages that are taken up again: when what they waited for is there, or an operator says so.

use super::world::World;
use super::*;
use crate::idempotency::Claim;
use crate::intake::Answer;
use crate::message::{MessageStatus, Reason};

fn failed() -> Parsed {
    Parsed::Failed(Reason::new("plugin_trap", "it crashed"))
}

#[test]
fn what_waited_goes_on_when_the_customer_is_there() {
    let mut world = World::new();
    let waiting = world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    world.one(put("cus_xyz", "TX", "78701"));
    let resumed = world.resume(1, accepted(vec![completed("cus_xyz")]), None).unwrap();
    assert_eq!(
        (resumed.message_id, resumed.status, resumed.events.len()),
        (waiting.message_id, MessageStatus::Processed, 1)
    );
    assert_eq!(world.messages[&waiting.message_id].waiting_for, None);
    // The partner's repeat hears what became of it since.
    let again = world
        .receive(Receive { transport_id: Some("t1".to_owned()), ..receive(2, accepted(vec![completed("cus_xyz")])) });
    assert_eq!((again.status, again.duplicate, again.events), (MessageStatus::Processed, true, resumed.events));
}

#[test]
fn what_waits_for_two_customers_waits_for_one_after_the_other() {
    let mut world = World::new();
    let facts = || accepted(vec![completed("cus_a"), completed("cus_b")]);
    let id = world.receive(receive(1, facts())).message_id;
    world.one(put("cus_a", "TX", "78701"));
    assert_eq!(world.resume(1, facts(), None).unwrap().status, MessageStatus::Waiting);
    assert_eq!(world.messages[&id].waiting_for.as_deref(), Some("cus_b"));
    assert!(world.establishments.is_empty());
    world.one(put("cus_b", "NM", "87501"));
    assert_eq!(world.resume(1, facts(), None).unwrap().status, MessageStatus::Processed);
    assert_eq!(world.establishments.len(), 2);
}

#[test]
fn what_is_held_goes_on_with_an_operators_region() {
    let mut world = World::new();
    world.one(put("cus_xyz", "AE", "09012"));
    let facts = || accepted(vec![completed("cus_xyz")]);
    assert_eq!(world.receive(receive(1, facts())).status, MessageStatus::Held);
    assert_eq!(world.resume(1, facts(), None).unwrap().status, MessageStatus::Held);
    let resumed = world.resume(1, facts(), Some("US-VA".parse().unwrap())).unwrap();
    assert_eq!(resumed.status, MessageStatus::Processed);
    assert!(world.established("cus_xyz", "US-VA").is_some());
}

#[test]
fn a_consultation_of_the_future_goes_on_when_it_is_none_any_more() {
    let mut world = World::with_texan();
    let facts = || accepted(vec![completed_at("cus_xyz", NOW + 3 * DAY)]);
    assert_eq!(world.receive(receive(1, facts())).status, MessageStatus::Held);
    world.now_ms += 3 * DAY;
    assert_eq!(world.resume(1, facts(), None).unwrap().status, MessageStatus::Processed);
}

#[test]
fn what_is_processed_is_not_processed_again() {
    let mut world = World::with_texan();
    world.receive(receive(1, accepted(vec![appointment("cus_xyz", "scheduled")])));
    assert_eq!(world.resume(1, accepted(vec![appointment("cus_xyz", "scheduled")]), None), None);
    assert_eq!(world.events.len(), 1);
    assert_eq!(world.resume(99, accepted(Vec::new()), None), None);
}

#[test]
fn two_who_resume_the_same_message_in_one_batch_have_one_effect() {
    let mut world = World::with_texan();
    world.receive(receive(1, failed()));
    let work = world.resume_work(1, accepted(vec![appointment("cus_xyz", "scheduled")]), None);
    let answers = world.batch(&[work.clone(), work]);
    assert!(matches!(answers.as_slice(), [Answer::Resumed(Some(_)), Answer::Resumed(None)]));
    assert_eq!(world.events.len(), 1);
}

#[test]
fn a_quarantined_message_that_fails_again_stays_where_it_is() {
    let mut world = World::with_texan();
    let id = world.receive(receive(1, failed())).message_id;
    assert_eq!(world.resume(1, failed(), None).unwrap().status, MessageStatus::Quarantined);
    assert_eq!(world.messages[&id].plugin_digest.as_deref(), Some("d2"));
}

#[test]
fn a_repeat_that_took_effect_while_the_first_was_kept_is_not_repeated_by_the_first() {
    let mut world = World::with_texan();
    // The first came while the plugin was broken, so nobody knew the partner's id in it.
    world.receive(receive(1, failed()));
    let second = world.receive(receive(2, accepted_as("p1", vec![appointment("cus_xyz", "scheduled")])));
    let resumed = world.resume(1, accepted_as("p1", vec![appointment("cus_xyz", "scheduled")]), None).unwrap();
    assert_eq!((resumed.status, resumed.reason.as_ref().unwrap().code.as_str()), (MessageStatus::Ignored, "duplicate"));
    assert!(resumed.reason.unwrap().detail.contains(&second.message_id.to_string()));
    assert_eq!(world.events.len(), 1);
}

#[test]
fn a_repeat_that_comes_after_the_first_was_resumed_has_no_effect() {
    let mut world = World::with_texan();
    world.receive(receive(1, failed()));
    let first = world.resume(1, accepted_as("p1", vec![appointment("cus_xyz", "scheduled")]), None).unwrap();
    let second = world.receive(receive(2, accepted_as("p1", vec![appointment("cus_xyz", "scheduled")])));
    assert_eq!((second.duplicate, second.message_id), (true, first.message_id));
    assert_eq!(world.events.len(), 1);
}

#[test]
fn a_refused_message_claims_its_ids_when_it_is_taken_after_all() {
    let mut world = World::with_texan();
    let refused = || Parsed::Refused(Reason::new("unsupported", "not known"));
    world.receive(receive(1, refused()));
    let understood = || accepted(vec![appointment("cus_xyz", "scheduled")]);
    assert_eq!(world.resume(1, understood(), None).unwrap().status, MessageStatus::Processed);
    let again = world.receive(Receive { transport_id: Some("t1".to_owned()), ..receive(2, understood()) });
    assert!(again.duplicate);
    assert_eq!(world.events.len(), 1);
}

#[test]
fn an_operators_claim_is_kept_with_the_answer_and_holds_off_a_second_effect() {
    let mut world = World::with_texan();
    world.receive(receive(1, failed()));
    let claim = Claim { key: [1; 32], body_hash: [2; 32] };
    let claiming = |mut work: Work| {
        let Work::Resume(resume) = &mut work else { panic!("a resumption") };
        resume.claim = Some(claim.clone());
        work
    };
    // It fails again, so its state alone would let it be taken up once more.
    let work = claiming(world.resume_work(1, failed(), None));
    let answers = world.batch(&[work.clone(), work]);
    assert!(matches!(answers.as_slice(), [Answer::Resumed(Some(_)), Answer::Resumed(None)]));
    let Answer::Resumed(Some(received)) = &answers[0] else { panic!("taken up") };
    let body = String::from_utf8(crate::intake::resumed_body(received)).unwrap();
    assert!(body.contains(r#""status":"quarantined""#) && body.contains(&received.message_id.to_string()), "{body}");
}
