//! Batches: pieces that see each other, and stand or fall alone.

use super::world::World;
use super::*;
use crate::intake::{Answer, Needs};
use crate::message::{MessageStatus, Reason};
use proptest::prelude::*;

#[test]
fn a_later_piece_sees_what_an_earlier_one_changed() {
    let mut world = World::new();
    let answers = world.batch(&[
        Work::Receive(Box::new(receive(1, accepted(vec![completed("cus_xyz")])))),
        put("cus_xyz", "TX", "78701"),
        Work::Receive(Box::new(receive(2, accepted(vec![completed("cus_xyz")])))),
        Work::Receive(Box::new(receive(3, accepted(vec![completed_at("cus_xyz", COMPLETED + 1)])))),
    ]);
    let statuses: Vec<_> = answers
        .iter()
        .filter_map(|answer| match answer {
            Answer::Received(received) => Some(received.status),
            _ => None,
        })
        .collect();
    assert_eq!(statuses, [MessageStatus::Waiting, MessageStatus::Processed, MessageStatus::Processed]);
    assert_eq!(world.establishments.len(), 1);
}

#[test]
fn what_is_wrong_with_one_piece_does_not_touch_its_neighbours() {
    let mut world = World::with_texan();
    let bad = Parsed::Refused(Reason::new("malformed", ""));
    world.batch(&[
        Work::Receive(Box::new(receive(1, bad))),
        Work::Receive(Box::new(receive(2, accepted(vec![completed("cus_xyz")])))),
        Work::Publish(Box::new(publish(vec![publication("order.placed", "{}", None)]))),
    ]);
    assert_eq!(world.types(), ["compliance.establishment_fulfilled", "order.placed"]);
}

#[test]
fn a_plain_publication_needs_to_know_nothing() {
    let mut needs = Needs::default();
    Work::Publish(Box::new(publish(vec![publication("order.placed", "{}", None)]))).needs(&mut needs);
    assert!(needs.is_empty());
    Work::Receive(Box::new(receive(1, accepted(vec![completed("cus_xyz")])))).needs(&mut needs);
    assert_eq!((needs.customers.as_slice(), needs.dedupe.len()), (["cus_xyz".to_owned()].as_slice(), 1));
}

/// One step of a random history, with small numbers so that repeats and clashes are common.
#[derive(Clone, Debug)]
enum Step {
    Receive { transport: u8, partner: u8, customer: u8, day: u8, fate: u8 },
    Customer { id: u8, texas: bool },
    Resume { message: u8, partner: u8, customer: u8, day: u8 },
    Days(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..6u8, 0..4u8, 0..3u8, 0..20u8, 0..4u8).prop_map(|(transport, partner, customer, day, fate)| Step::Receive {
            transport,
            partner,
            customer,
            day,
            fate
        }),
        (0..3u8, any::<bool>()).prop_map(|(id, texas)| Step::Customer { id, texas }),
        (0..20u8, 0..4u8, 0..3u8, 0..20u8).prop_map(|(message, partner, customer, day)| Step::Resume {
            message,
            partner,
            customer,
            day
        }),
        (1..200u8).prop_map(Step::Days),
    ]
}

fn found(partner: u8, customer: u8, day: u8) -> Parsed {
    let facts = vec![
        completed_at(&format!("cus_{customer}"), COMPLETED - i64::from(day) * DAY),
        appointment(&format!("cus_{customer}"), "scheduled"),
    ];
    if partner == 0 { accepted(facts) } else { accepted_as(&format!("p{partner}"), facts) }
}

proptest! {
    /// Whatever comes in whatever order, however it is grouped: a partner's id takes effect once, an establishment exists once, and every effect has its event.
    #[test]
    fn a_partners_id_takes_effect_once(steps in prop::collection::vec(step(), 1..60), group in 1..5usize) {
        let mut world = World::new();
        let mut number = 0;
        for steps in steps.chunks(group) {
            let mut works = Vec::new();
            for step in steps {
                match step {
                    Step::Receive { transport, partner, customer, day, fate } => {
                        number += 1;
                        let parsed = match fate {
                            0 => Parsed::Failed(Reason::new("plugin_trap", "")),
                            1 => Parsed::Refused(Reason::new("malformed", "")),
                            _ => found(*partner, *customer, *day),
                        };
                        let mut receive = receive(number, parsed);
                        receive.transport_id = (*transport > 0).then(|| format!("x{transport}"));
                        works.push(Work::Receive(Box::new(receive)));
                    }
                    Step::Customer { id, texas } => {
                        let (state, zip) = if *texas { ("TX", "78701") } else { ("NM", "87501") };
                        works.push(put(&format!("cus_{id}"), state, zip));
                    }
                    Step::Resume { message, partner, customer, day } => {
                        works.push(world.resume_work(i64::from(*message) + 1, found(*partner, *customer, *day), None));
                    }
                    Step::Days(days) => {
                        world.now_ms += i64::from(*days) * DAY;
                        works.push(Work::Expire(crate::intake::Expire { limit: 10 }));
                    }
                }
            }
            // What is to be resumed is not there yet where it arrives in the same group; the store's answer is the same.
            world.batch(&works);
        }
        let mut effects = std::collections::HashMap::new();
        for message in world.messages.values().filter(|message| message.status == MessageStatus::Processed) {
            if let Some(Parsed::Accepted { partner_id: Some(id), .. }) = &message.parsed {
                *effects.entry(id.clone()).or_insert(0) += 1;
            }
        }
        prop_assert!(effects.values().all(|count| *count == 1), "{effects:?}");
        let fulfilled = world.types().into_iter().filter(|name| *name == "compliance.establishment_fulfilled").count();
        prop_assert!(fulfilled >= world.establishments.len());
        let named: usize = world.messages.values().map(|message| message.events.len()).sum();
        let followed = world.events.iter().filter(|event| event.message_id.is_some()).count();
        prop_assert_eq!(named, followed);
    }
}
