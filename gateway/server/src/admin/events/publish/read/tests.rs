use super::*;

fn read(body: &str) -> Result<Batch, Problem> {
    batch(body.as_bytes(), "key:1", false)
}

fn errors(body: &str) -> Vec<(String, String)> {
    errors_of(&batch(body.as_bytes(), "key:1", false).unwrap_err())
}

fn errors_of(problem: &Problem) -> Vec<(String, String)> {
    let body: Value = serde_json::from_slice(&problem.body("r")).unwrap();
    let text = |fault: &Value, name: &str| fault[name].as_str().unwrap().to_owned();
    body["errors"].as_array().unwrap().iter().map(|fault| (text(fault, "pointer"), text(fault, "detail"))).collect()
}

fn pair(pointer: &str, detail: &str) -> (String, String) {
    (pointer.to_owned(), detail.to_owned())
}

#[test]
fn data_is_kept_byte_for_byte() {
    let data = "{ \"b\" : 1.50,\n \"a\":\"\\u00e9\" , \"n\": 12345678901234567890123 }";
    let batch = read(&format!("{{\"type\":\"order.placed\",\"data\": {data} }}")).unwrap();
    assert!(!batch.as_list);
    assert_eq!(&*batch.events[0].draft.data, data);
    assert_eq!(batch.events[0].draft.event_type.as_str(), "order.placed");
}

#[test]
fn a_list_is_read_in_its_order() {
    let batch = read(r#" [{"type":"a.b","data":{}},{"data":{"x":1},"type":"c"}]"#).unwrap();
    assert!(batch.as_list);
    let types: Vec<_> = batch.events.iter().map(|event| event.draft.event_type.as_str()).collect();
    assert_eq!(types, ["a.b", "c"]);
}

#[test]
fn what_is_no_event_is_refused_with_every_place() {
    assert_eq!(
        errors(r#"{"type":7,"dta":{}}"#),
        [
            pair("/type", "expected text, found a number"),
            pair("/data", "is required: an object"),
            pair("/dta", "is not a field; did you mean data?"),
        ]
    );
    assert_eq!(
        errors(r#"[{"type":"a","data":{}},{"type":"a","data":[]},5]"#),
        [pair("/1/data", "expected an object, found a list"), pair("/2", "expected an object, found a number")]
    );
    assert_eq!(errors("7"), [pair("", "expected an event or a list of events, found a number")]);
    assert_eq!(errors(r#"{"type":"a","data":[1]}"#), [pair("/data", "expected an object, found a list")]);
    assert_eq!(errors(r#"{"type":"a","data":null}"#), [pair("/data", "expected an object, found null")]);
    assert_eq!(errors("[]"), [pair("", "expected 1 to 1000 events, found 0")]);
    assert_eq!(errors(r#"{"type":"a","data":{},"idempotency_key":7}"#)[0].0, "/idempotency_key");
    assert_eq!(errors(r#"{"type":"a","data":{},"idempotency_key":""}"#)[0].0, "/idempotency_key");
}

#[test]
fn one_bad_event_of_a_list_hides_no_other() {
    let list = r#"[{"type":"a b","data":{}},{"data":{}},{"type":"order.*","data":5},{"type":"customer.created","data":{}},{"type":"a","data":{}}]"#;
    let pointers: Vec<_> = errors(list).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/0/type", "/1/type", "/2/type", "/2/data", "/3/data/customer_id"]);
}

#[test]
fn bad_types_and_customers_are_named_by_their_place() {
    assert_eq!(errors(r#"{"type":"a b","data":{}}"#)[0].0, "/type");
    assert_eq!(errors(r#"{"type":"order.*","data":{}}"#)[0].0, "/type");
    assert_eq!(errors(r#"{"type":"webhook.test","data":{}}"#)[0].0, "/type");
    assert_eq!(errors(r#"{"type":"customer.created","data":{}}"#)[0].0, "/data/customer_id");
    let list = r#"[{"type":"a","data":{}},{"type":"customer.address_changed","data":{"customer_id":"c","address":5}}]"#;
    assert_eq!(errors(list)[0].0, "/1/data/address");
    let batch = read(r#"{"type":"customer.created","data":{"customer_id":"cus_1","address":{"state":"TX"}}}"#).unwrap();
    assert_eq!(batch.events[0].customer.as_ref().unwrap().external_id, "cus_1");
}

#[test]
fn strict_types_are_those_of_the_catalogue() {
    let strict = |body: &str| batch(body.as_bytes(), "key:1", true);
    assert!(strict(r#"{"type":"order.placed","data":{}}"#).is_ok());
    let problem = strict(r#"{"type":"order.place","data":{}}"#).unwrap_err();
    assert_eq!(
        errors_of(&problem),
        [pair("/type", "is not in the catalogue, and events.strict is set; did you mean order.placed?")]
    );
}

#[test]
fn sizes_and_counts_are_bounded() {
    let of_size = |size: usize| format!(r#"{{"type":"a","data":{{"x":"{}"}}}}"#, "y".repeat(size));
    assert!(read(&of_size(DATA_BYTES_MAX - 8)).is_ok());
    assert_eq!(errors(&of_size(DATA_BYTES_MAX - 7)), [pair("/data", "must be at most 262144 bytes")]);
    let list = |count: usize| format!("[{}]", vec![r#"{"type":"a","data":{}}"#; count].join(","));
    assert_eq!(read(&list(1000)).unwrap().events.len(), 1000);
    assert_eq!(errors(&list(1001)), [pair("", "expected 1 to 1000 events, found 1001")]);
}

#[test]
fn an_events_own_key_is_claimed_for_its_content() {
    let claim = |body: &str| read(body).unwrap().events[0].claim.clone().unwrap();
    let one = claim(r#"{"type":"a","data":{"x":1},"idempotency_key":"k"}"#);
    assert_eq!(claim(r#"{"idempotency_key":"k","type":"a","data":{"x":1}}"#), one);
    let other = claim(r#"{"type":"a","data":{"x":2},"idempotency_key":"k"}"#);
    assert!(other.key == one.key && other.body_hash != one.body_hash);
}

#[test]
fn an_ordering_key_is_short_text_and_part_of_the_content() {
    let keyed = |key: &str| {
        let key = serde_json::to_string(key).unwrap();
        format!(r#"{{"type":"a","data":{{}},"idempotency_key":"k","ordering_key":{key}}}"#)
    };
    let longest = "é".repeat(127) + "x";
    let batch = read(&keyed(&longest)).unwrap();
    assert_eq!(batch.events[0].draft.ordering_key.as_deref(), Some(longest.as_str()));
    for bad in ["", "a\nb", "a\u{0}", "\u{85}", &"x".repeat(256)] {
        assert_eq!(errors(&keyed(bad))[0].0, "/ordering_key", "{bad:?}");
    }
    assert_eq!(
        errors(r#"[{"type":"a","data":{}},{"type":"a","data":{},"ordering_key":7}]"#),
        [pair("/1/ordering_key", "expected text, found a number")]
    );
    assert!(read(r#"{"type":"a","data":{},"ordering_key":null}"#).unwrap().events[0].draft.ordering_key.is_none());

    let claim = |body: &str| read(body).unwrap().events[0].claim.clone().unwrap();
    let without = claim(r#"{"type":"a","data":{},"idempotency_key":"k"}"#);
    let (one, other) = (claim(&keyed("cus_1")), claim(&keyed("cus_2")));
    assert!(one.key == other.key && one.key == without.key);
    assert!(one.body_hash != other.body_hash && one.body_hash != without.body_hash);
}
