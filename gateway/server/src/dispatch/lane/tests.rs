use super::*;
use hookwright_core::breaker::{BreakerRules, BreakerState};
use hookwright_core::delivery_options::HeadOfLine;
use hookwright_core::id::{EPOCH_MS, EventId, SubscriptionId};

const WINDOW: Window = Window { ready: 8, waiting: 4, page: 4, lookahead: 1, load: 4, load_short: 1 };
const NOW: i64 = 1_000;

const TERMS: Terms = Terms {
    active: true,
    in_flight_max: 1,
    rate: None,
    order: None,
    max_age_ms: None,
    breaker: BreakerRules { window_ms: 10_000, attempts_min: 2, failure_percent: 50, pause_ms: 1_000 },
    disable_after_ms: None,
};

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
    let (mut lane, mut room) = (Lane::new(WINDOW, TERMS, true), room());
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
    let (mut lane, mut room) = (Lane::new(WINDOW, TERMS, false), room());
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
    let (mut lane, mut room) = (Lane::new(WINDOW, TERMS, false), room());
    lane.take_fresh(pending(1, NOW), NOW, &mut room);
    let picked = lane.pick(NOW, &mut room).unwrap();
    lane.take_asked(Pending { budget_from: 7, ..pending(1, NOW) }, NOW, &mut room);
    lane.answered(picked.id, Reply::Other, NOW);
    lane.settled(picked, Settled::Retry { due_at: 2_000 }, NOW, &mut room);
    let waiting = lane.waiting.values().next().unwrap();
    assert_eq!((waiting.attempts, waiting.budget_from, waiting.due_at), (1, 7, 2_000));
}

#[test]
fn what_waits_is_sent_at_once_when_asked_for() {
    let (mut lane, mut room) = (Lane::new(WINDOW, TERMS, false), room());
    lane.take_fresh(pending(1, 60_000), NOW, &mut room);
    lane.take_asked(pending(1, NOW), NOW, &mut room);
    assert!(lane.waiting.is_empty());
    assert_eq!(lane.ready.len(), 1);
    assert_eq!(room.entries(), 1);
}

#[test]
fn switched_off_it_lets_go_of_all_and_ignores_pages_of_before() {
    let (mut lane, mut room) = (Lane::new(WINDOW, TERMS, true), room());
    lane.take_fresh(pending(1, NOW), NOW, &mut room);
    let epoch = lane.epoch();
    assert!(lane.begin_page(NOW, &room).is_some());
    lane.configure(Terms { active: false, ..TERMS }, &mut room);
    assert_eq!((room.entries(), lane.is_empty()), (0, true));
    lane.configure(TERMS, &mut room);
    lane.take_page(epoch, vec![pending(1, NOW)], 4, NOW, &mut room);
    assert!(lane.is_empty());
    assert_eq!(lane.begin_page(NOW, &room), Some((0, 4)));
}

#[test]
fn a_delivery_without_its_event_is_given_up_and_the_others_go_on() {
    let (mut lane, mut room) = (Lane::new(WINDOW, TERMS, false), room());
    for number in 1..=3 {
        lane.take_fresh(pending(number, NOW), NOW, &mut room);
    }
    let asked = lane.begin_load(NOW, &room).unwrap();
    assert!(!lane.is_runnable(NOW));
    let gone = lane.take_events(&asked, Vec::new(), &mut room);
    assert_eq!(gone.len(), 3);
    assert_eq!(room.entries(), 0);
}

fn keyed(number: i64, order: i64) -> Pending {
    Pending { order: Some(order), ..pending(number, NOW) }
}

/// A lane that keeps an order, its table read, with four deliveries of key 1 and one of key 2.
fn in_order(policy: HeadPolicy) -> (Lane, Room) {
    let order = Some(HeadOfLine { policy, attempts: 1 });
    let (mut lane, mut room) = (Lane::new(WINDOW, Terms { in_flight_max: 8, order, ..TERMS }, false), room());
    assert_eq!(lane.begin_page(NOW, &room), Some((0, 4)), "what stands before is read first, also at the start");
    let page = vec![keyed(1, 1), keyed(2, 1), keyed(3, 2)];
    lane.take_page(lane.epoch(), page, 4, NOW, &mut room);
    lane.take_fresh(keyed(4, 1), NOW, &mut room);
    (lane, room)
}

/// Everything that is ready, as it would be picked.
fn picked(lane: &mut Lane, room: &mut Room) -> Vec<i64> {
    std::iter::from_fn(|| lane.pick(NOW, room)).map(|pending| pending.id.get()).collect()
}

#[test]
fn those_of_one_key_go_one_at_a_time_and_other_keys_beside_them() {
    let (mut lane, mut room) = in_order(HeadPolicy::Block);
    assert_eq!(picked(&mut lane, &mut room), [1, 3]);
    lane.answered(keyed(1, 1).id, Reply::Delivered, NOW);
    assert!(picked(&mut lane, &mut room).is_empty(), "its outcome is not on record yet");
    lane.settled(keyed(1, 1), Settled::Done, NOW, &mut room);
    assert_eq!(picked(&mut lane, &mut room), [2]);
    lane.settled(keyed(2, 1), Settled::Retry { due_at: NOW + 50 }, NOW, &mut room);
    lane.promote(NOW + 49);
    assert!(picked(&mut lane, &mut room).is_empty(), "4 waits for 2");
    lane.promote(NOW + 50);
    assert_eq!(picked(&mut lane, &mut room), [2]);
    lane.settled(Pending { attempts: 1, ..keyed(2, 1) }, Settled::Done, NOW, &mut room);
    assert_eq!(picked(&mut lane, &mut room), [4]);
}

#[test]
fn a_head_that_fails_too_often_is_passed_where_the_subscription_says_so() {
    let (mut lane, mut room) = in_order(HeadPolicy::SkipAfterN);
    assert_eq!(picked(&mut lane, &mut room), [1, 3]);
    lane.settled(keyed(1, 1), Settled::Retry { due_at: NOW + 50 }, NOW, &mut room);
    assert_eq!(picked(&mut lane, &mut room), [2]);
    lane.promote(NOW + 50);
    assert_eq!(picked(&mut lane, &mut room), [1], "it goes on by itself");
    lane.settled(Pending { attempts: 1, ..keyed(1, 1) }, Settled::Done, NOW, &mut room);
    assert!(picked(&mut lane, &mut room).is_empty(), "4 still waits for 2");
}

#[test]
fn what_the_hand_over_missed_is_read_before_what_came_after_it() {
    let (mut lane, mut room) = in_order(HeadPolicy::Block);
    picked(&mut lane, &mut room);
    lane.settled(keyed(3, 2), Settled::Done, NOW, &mut room);
    lane.missed_after(4);
    lane.take_fresh(keyed(6, 2), NOW, &mut room);
    assert!(picked(&mut lane, &mut room).is_empty());
    assert_eq!(lane.begin_page(NOW, &room), Some((4, 4)));
    lane.take_page(lane.epoch(), vec![keyed(5, 2), keyed(6, 2)], 4, NOW, &mut room);
    assert_eq!(picked(&mut lane, &mut room), [5]);
}

#[test]
fn a_full_line_stops_reading_and_goes_on_where_it_stopped() {
    let (mut lane, mut room) = in_order(HeadPolicy::Block);
    for number in 5..8 {
        lane.take_fresh(keyed(number, 1), NOW, &mut room);
    }
    assert!(lane.tail.is_behind());
    assert_eq!(lane.begin_page(NOW, &room), None, "as many wait as may");
    assert_eq!(picked(&mut lane, &mut room), [1, 3]);
    lane.settled(keyed(1, 1), Settled::Done, NOW, &mut room);
    assert_eq!(lane.begin_page(NOW, &room), Some((6, 4)));
}

#[test]
fn what_is_under_way_while_it_is_switched_off_and_on_still_holds_its_line() {
    let (mut lane, mut room) = in_order(HeadPolicy::Block);
    assert_eq!(picked(&mut lane, &mut room), [1, 3]);
    let terms = lane.terms;
    lane.configure(Terms { active: false, ..terms }, &mut room);
    lane.configure(terms, &mut room);
    assert_eq!(lane.begin_page(NOW, &room), Some((0, 4)));
    lane.take_page(lane.epoch(), vec![keyed(1, 1), keyed(2, 1), keyed(3, 2), keyed(4, 1)], 5, NOW, &mut room);
    assert!(picked(&mut lane, &mut room).is_empty());
    lane.settled(keyed(1, 1), Settled::Done, NOW, &mut room);
    assert_eq!(picked(&mut lane, &mut room), [2]);
}

#[test]
fn an_open_breaker_parks_and_lets_one_try_when_its_pause_is_over() {
    let (mut lane, mut room) = (Lane::new(WINDOW, Terms { in_flight_max: 8, ..TERMS }, false), room());
    for number in 1..=5 {
        lane.take_fresh(Pending { event: Some(event()), ..pending(number, NOW) }, NOW, &mut room);
    }
    for number in 1..=2 {
        assert!(lane.is_runnable(NOW));
        let sent = lane.pick(NOW, &mut room).unwrap();
        assert_eq!(sent.id.get(), number);
        lane.answered(sent.id, Reply::Failed, NOW);
    }
    assert!(!lane.is_runnable(NOW + 999));
    assert_eq!(lane.wake_at(NOW), NOW + 1_000);
    assert_eq!(lane.take_news(), [Fare::Parked { until: NOW + 1_000 }]);
    assert!(lane.is_runnable(NOW + 1_000));
    let probe = lane.pick(NOW + 1_000, &mut room).unwrap();
    assert!(!lane.is_runnable(NOW + 1_000), "one finds out");
    lane.answered(probe.id, Reply::Delivered, NOW + 1_000);
    assert!(lane.is_runnable(NOW + 1_000));
    assert_eq!(lane.health(NOW + 1_000).breaker, BreakerState::Closed);
    assert_eq!(lane.take_news(), [Fare::Unparked]);
}

#[test]
fn what_is_too_old_is_not_tried_unless_an_operator_asked() {
    let (mut lane, mut room) = (Lane::new(WINDOW, Terms { max_age_ms: Some(60_000), ..TERMS }, false), room());
    lane.take_fresh(pending(1, NOW), EPOCH_MS, &mut room);
    lane.take_fresh(Pending { attempts: 2, budget_from: 2, ..pending(2, NOW) }, EPOCH_MS, &mut room);
    lane.drop_expired(EPOCH_MS + 60_000, &mut room);
    assert!(lane.take_expired().is_empty());
    lane.drop_expired(EPOCH_MS + 60_001, &mut room);
    assert_eq!(lane.take_expired().len(), 1);
    assert_eq!((lane.ready.len(), room.entries()), (1, 1));
}

#[test]
fn what_somebody_else_moved_on_is_read_again() {
    let (mut lane, mut room) = (Lane::new(WINDOW, TERMS, false), room());
    lane.take_fresh(pending(1, NOW), NOW, &mut room);
    let sent = lane.pick(NOW, &mut room).unwrap();
    lane.settled(sent, Settled::Stale, NOW, &mut room);
    assert_eq!(lane.begin_page(NOW, &room), Some((0, 4)));
}

fn event() -> std::sync::Arc<hookwright_core::event::Event> {
    std::sync::Arc::new(hookwright_core::event::Event {
        id: EventId::from_i64(1).unwrap(),
        event_type: "order.placed".parse().unwrap(),
        created_at: 0,
        data: "{}".into(),
        ordering_key: None,
        message_id: None,
        origin: "test".to_owned(),
        fan_out: Vec::new(),
    })
}
