use super::*;
use hookwright_core::id::SubscriptionId;

const WINDOW: Window = Window { ready: 8, waiting: 4, page: 4, lookahead: 1, load: 4, load_short: 1 };
const NOW: i64 = 1_000;

fn pending(number: i64, due_at: i64) -> Pending {
    Pending {
        id: DeliveryId::from_i64(number).unwrap(),
        event_id: EventId::from_i64(number).unwrap(),
        subscription_id: SubscriptionId::from_i64(1).unwrap(),
        attempts: 0,
        budget_from: 0,
        due_at,
        order: None,
        event: None,
    }
}

fn room() -> Room {
    Room::new(1_000, 1_000_000)
}

#[test]
fn what_finds_no_room_while_a_page_is_read_is_read_later() {
    let (mut lane, mut room) = (Lane::new(WINDOW, true, 1, true), room());
    assert_eq!(lane.begin_page(NOW, &room), Some((0, 4)));
    for number in 10..16 {
        lane.take_fresh(pending(number, NOW), NOW, &mut room);
    }
    assert_eq!(lane.ready.len(), 4, "part of the room is kept for what waits in the table");
    lane.take_page(lane.epoch(), vec![pending(1, NOW)], 4, NOW, &mut room);
    assert!(lane.tail.is_behind(), "two fresh ones are in the table only");
    lane.ready.clear();
    assert_eq!(lane.begin_page(NOW, &room), Some((1, 4)));
}

#[test]
fn the_one_due_last_makes_room_and_is_recalled() {
    let (mut lane, mut room) = (Lane::new(WINDOW, true, 1, false), room());
    for (number, due_at) in [(1, 5_000), (2, 6_000), (3, 9_000), (4, 7_000), (5, 8_000), (6, 10_000)] {
        lane.take_fresh(pending(number, due_at), NOW, &mut room);
    }
    let kept: Vec<i64> = lane.waiting.values().map(|waiting| waiting.due_at).collect();
    assert_eq!(kept, [5_000, 6_000, 7_000, 8_000]);
    lane.promote(8_999);
    assert_eq!(lane.begin_page(8_999, &room), None);
    assert_eq!(lane.wake_at(8_999), 9_000);
    lane.promote(9_000);
    assert_eq!(lane.begin_page(9_000, &room), Some((0, 4)));
}

#[test]
fn a_retry_asked_for_keeps_its_budget_over_the_attempt_under_way() {
    let (mut lane, mut room) = (Lane::new(WINDOW, true, 1, false), room());
    lane.take_fresh(pending(1, NOW), NOW, &mut room);
    let picked = lane.pick(&mut room).unwrap();
    lane.take_asked(Pending { budget_from: 7, ..pending(1, NOW) }, NOW, &mut room);
    lane.answered(picked.id, Reply::Other, NOW);
    lane.settled(picked, Settled::Retry { due_at: 2_000 }, NOW, &mut room);
    let waiting = lane.waiting.values().next().unwrap();
    assert_eq!((waiting.attempts, waiting.budget_from, waiting.due_at), (1, 7, 2_000));
}

#[test]
fn what_waits_is_sent_at_once_when_asked_for() {
    let (mut lane, mut room) = (Lane::new(WINDOW, true, 1, false), room());
    lane.take_fresh(pending(1, 60_000), NOW, &mut room);
    lane.take_asked(pending(1, NOW), NOW, &mut room);
    assert!(lane.waiting.is_empty());
    assert_eq!(lane.ready.len(), 1);
    assert_eq!(room.entries(), 1);
}

#[test]
fn switched_off_it_lets_go_of_all_and_ignores_pages_of_before() {
    let (mut lane, mut room) = (Lane::new(WINDOW, true, 1, true), room());
    lane.take_fresh(pending(1, NOW), NOW, &mut room);
    let epoch = lane.epoch();
    assert!(lane.begin_page(NOW, &room).is_some());
    lane.configure(false, 1, &mut room);
    assert_eq!((room.entries(), lane.is_empty()), (0, true));
    lane.configure(true, 1, &mut room);
    lane.take_page(epoch, vec![pending(1, NOW)], 4, NOW, &mut room);
    assert!(lane.is_empty());
    assert_eq!(lane.begin_page(NOW, &room), Some((0, 4)));
}

#[test]
fn a_delivery_without_its_event_is_given_up_and_the_others_go_on() {
    let (mut lane, mut room) = (Lane::new(WINDOW, true, 1, false), room());
    for number in 1..=3 {
        lane.take_fresh(pending(number, NOW), NOW, &mut room);
    }
    let asked = lane.begin_load(NOW, &room).unwrap();
    assert!(!lane.is_runnable(NOW));
    let gone = lane.take_events(&asked, Vec::new(), &mut room);
    assert_eq!(gone.len(), 3);
    assert_eq!(room.entries(), 0);
}
