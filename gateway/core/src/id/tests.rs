use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_767_565_800_000;

#[test]
fn an_id_is_its_prefix_and_thirteen_characters() {
    let id = EventId::from_i64(i64::MAX).unwrap();
    assert_eq!(id.to_string(), "evt_7zzzzzzzzzzzz");
    assert_eq!(MessageId::from_i64(1).unwrap().to_string(), "msg_0000000000001");
    assert_eq!("EVT_7ZZZZZZZZZZZZ".parse::<EventId>(), Ok(id));
}

#[test]
fn what_is_not_an_id_is_refused_with_what_was_expected() {
    let expected = "evt_";
    for (text, fault) in [
        ("", BadId::Prefix { expected }),
        ("evt", BadId::Prefix { expected }),
        ("msg_0000000000001", BadId::Prefix { expected }),
        ("0000000000001", BadId::Prefix { expected }),
        (" evt_0000000000001", BadId::Prefix { expected }),
        ("evté000000000001", BadId::Prefix { expected }),
        ("evt_", BadId::Length { expected, found: 0 }),
        ("evt_000000000001", BadId::Length { expected, found: 12 }),
        ("evt_00000000000001", BadId::Length { expected, found: 14 }),
        ("evt_000000000000i", BadId::Character { expected }),
        ("evt_000000000000l", BadId::Character { expected }),
        ("evt_000000000000o", BadId::Character { expected }),
        ("evt_000000000000u", BadId::Character { expected }),
        ("evt_00000000000é", BadId::Character { expected }),
        ("evt_000000000 001", BadId::Character { expected }),
        ("evt_8000000000000", BadId::Range { expected }),
        ("evt_zzzzzzzzzzzzz", BadId::Range { expected }),
        ("evt_0000000000000", BadId::Range { expected }),
    ] {
        assert_eq!(text.parse::<EventId>(), Err(fault), "{text}");
    }
    assert_eq!("abc".parse::<DeliveryId>().unwrap_err().to_string(), "expected an id that begins with dlv_");
    assert!(EventId::from_i64(0).is_err());
    assert!(EventId::from_i64(-1).is_err());
}

#[test]
fn an_id_is_a_string_in_json() {
    let id: SourceId = "src_0000000000abc".parse().unwrap();
    assert_eq!(serde_json::to_string(&id).unwrap(), "\"src_0000000000abc\"");
    assert_eq!(serde_json::from_str::<SourceId>("\"src_0000000000abc\"").unwrap(), id);
    assert!(serde_json::from_str::<SourceId>("17").is_err());
    assert!(serde_json::from_str::<SourceId>("\"evt_0000000000abc\"").is_err());
}

#[test]
fn a_maker_ascends_through_a_clock_that_steps_back() {
    let mut maker = IdMaker::new(7).unwrap();
    let mut last = 0;
    for now in [NOW, NOW, NOW + 1, NOW - 5000, NOW + 2, i64::MIN, 0, -1, NOW + 3] {
        let id = maker.next(now);
        assert!(id > last, "{now}");
        last = id;
    }
    assert_eq!(created_at_ms(last), NOW + 3);
    assert_eq!((last >> 12) & 1023, 7);
}

#[test]
fn the_sequence_rolls_into_the_next_millisecond_and_never_into_the_node() {
    let mut maker = IdMaker::new(NODE_MAX).unwrap();
    let ids: Vec<i64> = (0..10_000).map(|_| maker.next(NOW)).collect();
    assert!(ids.is_sorted_by(|a, b| a < b));
    assert!(ids.iter().all(|id| (id >> 12) & 1023 == 1023));
    assert_eq!(created_at_ms(ids[4095]), NOW);
    assert_eq!(created_at_ms(ids[4096]), NOW + 1);
}

#[test]
fn the_first_id_is_positive_even_before_the_epoch() {
    assert_eq!(IdMaker::new(0).unwrap().next(i64::MIN), 1);
    assert!(IdMaker::new(NODE_MAX + 1).is_none());
    assert!(IdMaker::new(0).unwrap().next(i64::MAX) > 0);
}

#[test]
fn a_maker_resumes_after_what_any_node_made() {
    for (theirs, ours) in [(3, 3), (900, 3), (3, 900)] {
        let mut before = IdMaker::new(theirs).unwrap();
        before.next(NOW);
        let last = before.next(NOW);
        let mut maker = IdMaker::new(ours).unwrap();
        maker.resume_after(last);
        assert!(maker.next(NOW - 60_000) > last, "{theirs} {ours}");
    }
    let mut maker = IdMaker::new(1).unwrap();
    let ahead = maker.next(NOW);
    maker.resume_after(5);
    maker.resume_after(-5);
    assert!(maker.next(NOW - 1) > ahead);
}

#[test]
fn a_time_range_is_an_id_range() {
    let mut maker = IdMaker::new(9).unwrap();
    let id: EventId = maker.make(NOW);
    assert!(id.get() >= first_at_ms(NOW));
    assert!(id.get() < first_at_ms(NOW + 1));
    assert_eq!(id.created_at_ms(), NOW);
}

proptest! {
    #[test]
    fn every_number_survives_its_text(a in 1..=i64::MAX, b in 1..=i64::MAX) {
        let (one, two) = (JobId::from_i64(a).unwrap(), JobId::from_i64(b).unwrap());
        prop_assert_eq!(one.to_string().parse::<JobId>(), Ok(one));
        prop_assert_eq!(one.to_string().to_uppercase().parse::<JobId>(), Ok(one));
        prop_assert_eq!(one.cmp(&two), one.to_string().cmp(&two.to_string()));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,24}") {
        let _ = text.parse::<KeyId>();
    }
}
