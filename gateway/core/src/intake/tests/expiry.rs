//! Establishments whose time is up.

use super::world::World;
use super::*;
use crate::intake::{Answer, Expire};

fn expire(world: &mut World, limit: u32) -> u32 {
    let Answer::Expired(count) = world.one(Work::Expire(Expire { limit })) else { panic!("an expiry") };
    count
}

#[test]
fn what_lapsed_is_told_once() {
    let mut world = World::with_texan();
    world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    world.now_ms = COMPLETED + 365 * DAY - 1;
    assert_eq!(expire(&mut world, 10), 0);
    world.now_ms += 1;
    assert_eq!((expire(&mut world, 10), expire(&mut world, 10)), (1, 0));
    assert_eq!(world.types(), ["compliance.establishment_fulfilled", "compliance.establishment_expired"]);
    let record = world.established("cus_xyz", "US-TX").unwrap();
    assert!(!record.established);
    assert_eq!(world.data(1)["establishment"]["established"], false);
    assert_eq!(world.data(1)["region_code"], "US-TX");
    assert!(world.audit.contains(&"establishment.expired".to_owned()));
}

#[test]
fn a_consultation_in_the_same_batch_keeps_it_alive() {
    let mut world = World::with_texan();
    world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    world.now_ms = COMPLETED + 365 * DAY;
    let renewed = Work::Receive(Box::new(receive(2, accepted(vec![completed_at("cus_xyz", COMPLETED + 364 * DAY)]))));
    let answers = world.batch(&[renewed, Work::Expire(Expire { limit: 10 })]);
    assert!(matches!(answers[1], Answer::Expired(0)));
    assert!(world.established("cus_xyz", "US-TX").unwrap().established);
}

#[test]
fn a_consultation_after_the_gap_begins_afresh() {
    let mut world = World::with_texan();
    world.receive(receive(1, accepted(vec![completed("cus_xyz")])));
    world.now_ms = COMPLETED + 400 * DAY;
    expire(&mut world, 10);
    world.receive(receive(2, accepted(vec![completed_at("cus_xyz", COMPLETED + 400 * DAY)])));
    let record = world.established("cus_xyz", "US-TX").unwrap();
    assert_eq!((record.established, record.since), (true, COMPLETED + 400 * DAY));
}

#[test]
fn at_most_so_many_at_once_the_soonest_first() {
    let mut world = World::new();
    for (number, id) in [(1, "a"), (2, "b"), (3, "c")] {
        world.one(put(id, "TX", "78701"));
        world.receive(receive(number, accepted(vec![completed_at(id, COMPLETED + number)])));
    }
    world.now_ms = COMPLETED + 500 * DAY;
    assert_eq!((expire(&mut world, 2), expire(&mut world, 2)), (2, 1));
    assert!(!world.established("a", "US-TX").unwrap().established);
}
