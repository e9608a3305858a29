use super::*;
use hookwright_core::timestamp::parse_rfc3339;
use proptest::prelude::*;
use serde_json::json;

fn redactor() -> Redactor {
    Redactor::new(&[7; 64], [])
}

/// The class of a character that a replacement must share.
fn class(c: char) -> char {
    match c {
        'a'..='z' => 'a',
        'A'..='Z' => 'A',
        '0'..='9' => '0',
        c if c.is_lowercase() => 'á',
        c if c.is_uppercase() => 'Á',
        c if c.is_alphabetic() => 'あ',
        c if c.is_numeric() => '0',
        c => c,
    }
}

fn shape(text: &str) -> String {
    text.chars().map(class).collect()
}

#[test]
fn a_text_keeps_its_shape_and_none_of_its_letters_and_digits() {
    for text in
        ["Ada Example", "(512) 555-0199", "ada@example.com", "Ünal Çelik 3rd", "cus_9Xz-01", "MRN-000123", "李小龙"]
    {
        let other = redactor().text(text);
        assert_eq!(shape(&other), shape(text), "{text} became {other}");
        for (old, new) in text.chars().zip(other.chars()).filter(|(old, _)| old.is_alphanumeric()) {
            assert_ne!(old, new, "{text} became {other}");
        }
    }
}

#[test]
fn the_same_value_has_the_same_replacement_and_another_one_another() {
    let mut redactor = redactor();
    let value = json!([
        { "id": "pat-0042", "reference": "Patient/pat-0042", "number": 4711, "text": "4711" },
        { "urn": "urn:uuid:pat-0042" },
    ]);
    let other = redactor.json(&value);
    let id = other[0]["id"].as_str().unwrap();
    assert!(other[0]["reference"].as_str().unwrap().ends_with(&format!("/{id}")), "{other}");
    assert!(other[1]["urn"].as_str().unwrap().ends_with(&format!(":{id}")), "{other}");
    assert_eq!(other[0]["number"].to_string(), other[0]["text"].as_str().unwrap());
    let pairs: HashSet<String> = (100..200).map(|number| redactor.text(&format!("a{number}"))).collect();
    assert_eq!(pairs.len(), 100, "ids that differ go on differing");
}

#[test]
fn another_key_gives_other_replacements() {
    let (one, other) = (redactor().text("Ada Example"), Redactor::new(&[8; 64], []).text("Ada Example"));
    assert_ne!(one, other);
}

#[test]
fn what_names_a_kind_stays_and_the_same_word_elsewhere_does_not() {
    let value = json!({
        "event": "video_call.completed", "types": ["order.placed", "ada"], "status": "in_progress",
        "patient": "ada_example", "event_id": "cus_xyz", "list": ["jane.doe"], "type": { "name": "ada.example" },
    });
    let other = redactor().json(&value);
    for pointer in ["/event", "/types/0", "/status"] {
        assert_eq!(other.pointer(pointer), value.pointer(pointer), "{pointer}");
    }
    for pointer in ["/types/1", "/patient", "/event_id", "/list/0", "/type/name"] {
        assert_ne!(other.pointer(pointer), value.pointer(pointer), "{pointer}");
    }
    assert_ne!(redactor().json(&json!("order.placed")), "order.placed");
    for value in ["ada", "US", "US-TX", "TX", "female", "ada_example"] {
        assert_ne!(redactor().text(value), value);
    }
}

#[test]
fn structure_keys_and_what_is_asked_to_stay_stay() {
    let keep = ["/patient/state", "/lines/1", "/a~1b"].map(str::to_owned);
    let value = json!({
        "patient": { "state": "TX", "name": "Ada", "active": true, "left": null },
        "lines": [{ "state": "TX" }, { "sku": "AB-12", "count": 7 }],
        "a/b": "kept here",
        "zero": 0, "one": 1, "empty": "", "none": [], "nothing": {},
    });
    let other = Redactor::new(&[7; 64], keep).json(&value);
    assert_eq!(other["patient"]["state"], "TX");
    assert_ne!(other["patient"]["name"], "Ada");
    assert_ne!(other["lines"][0]["state"], "TX");
    for pointer in
        ["/lines/1", "/a~1b", "/zero", "/one", "/empty", "/none", "/nothing", "/patient/active", "/patient/left"]
    {
        assert_eq!(other.pointer(pointer), value.pointer(pointer), "{pointer}");
    }
    assert!(other["patient"].as_object().unwrap().keys().eq(value["patient"].as_object().unwrap().keys()));
}

#[test]
fn numbers_keep_their_digits_before_and_after_the_point() {
    for (text, shape) in
        [("4711", "0000"), ("-12", "-00"), ("98.6", "00.0"), ("0.25", "0.00"), ("17.0", "00.0"), ("2", "0")]
    {
        let value: Value = serde_json::from_str(text).unwrap();
        let other = redactor().json(&value).to_string();
        assert_ne!(other, text);
        let found: String = other.chars().map(class).collect();
        assert_eq!(found, shape, "{text} became {other}");
    }
    for text in ["18446744073709551615", "-9223372036854775808", "1.7e308", "5e-324"] {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_ne!(redactor().json(&value), value, "{text}");
    }
    let largest = redactor().json(&json!(u64::MAX));
    assert_eq!((largest.is_u64(), largest.to_string().len()), (true, 20), "{largest}");
}

#[test]
fn dates_become_dates_of_the_same_form() {
    for text in [
        "1931-05-17",
        "2026-01-04",
        "1990-05",
        "2026-01-04T22:30:00Z",
        "2026-01-04T22:30:00.123456Z",
        "2026-01-04 22:30:00+05:30",
        "2026-01-04T22:30-06:00",
        "2026-01-04T22:30:00",
    ] {
        let other = redactor().text(text);
        assert_eq!(shape(&other), shape(text), "{text} became {other}");
        assert_ne!(other[..7], text[..7]);
        assert_eq!(redactor().text(&other).len(), text.len());
        let whole = format!("{}{}", other.get(..10).unwrap_or("2000-01-01"), "T00:00:00Z");
        assert!(parse_rfc3339(&whole).is_ok(), "{other}");
    }
    let (old, recent) = (redactor().text("1931-05-17"), redactor().text("2024-05-17"));
    assert!(old.as_str() < "2000" && ("2000".."2026").contains(&recent.as_str()), "{old} {recent}");
    for no_date in
        ["2026-13-04", "2026-00-04", "2026-01-04T25:00:00Z", "2026-01-04X", "20260104", "2026-01-04T22:30:00+99:00"]
    {
        assert_eq!(shape(&redactor().text(no_date)), shape(no_date));
    }
}

const HL7: &str = "MSH|^~\\&|LAB|GENERAL|EMR|CLINIC|20260104223000-0600||ORU^R01^ORU_R01|MSG00001|P|2.5.1\r\
    PID|1||MRN123456^^^GENERAL^MR~X99||Doe^Jane^Q||19900501|F|||12 Elm St^^Austin^TX^78701||(512)555-0199\r\
    OBX|1|TX|1234-5^Note \\T\\ more^LN||Patient Jane Doe feels \"\" well||||||F\r";

#[test]
fn an_hl7_message_keeps_its_segments_separators_and_header() {
    let mut redactor = redactor();
    let Body::Text(other) = redactor.body(HL7.as_bytes()) else { panic!("it is text") };
    let (old, new): (Vec<&str>, Vec<&str>) = (HL7.split('\r').collect(), other.split('\r').collect());
    assert_eq!(new.len(), old.len());
    for (old, new) in old.iter().zip(&new) {
        assert_eq!(old.get(..4), new.get(..4), "the segment's name stays");
        let punctuation = |text: &str| text.replace(|c: char| c.is_alphanumeric(), "");
        assert_eq!(punctuation(old), punctuation(new));
    }
    let header: Vec<&str> = new[0].split('|').collect();
    assert_eq!((header[1], header[8], header[10], header[11]), ("^~\\&", "ORU^R01^ORU_R01", "P", "2.5.1"));
    for value in [
        "LAB",
        "GENERAL",
        "CLINIC",
        "20260104",
        "MSG00001",
        "MRN123456",
        "Doe",
        "Jane",
        "19900501",
        "Elm",
        "Austin",
        "78701",
        "555",
        "feels",
    ] {
        assert!(!other.contains(value), "{value} in {other}");
    }
    let born = new[1].split('|').nth(7).unwrap();
    let date = format!("{}-{}-{}T00:00:00Z", &born[..4], &born[4..6], &born[6..]);
    assert!(parse_rfc3339(&date).is_ok(), "{born}");
    assert!(new[2].contains("\\T\\"), "an escaped separator stays one: {}", new[2]);
    let general = header[3];
    assert!(new[1].contains(&format!("^^^{general}^")), "the same value, the same replacement: {other}");
}

#[test]
fn a_framed_or_broken_hl7_message_is_redacted_no_less() {
    let framed = format!("\u{b}{HL7}\u{1c}\r");
    for text in
        [framed.as_str(), "MSH", "MSH|", "MSH|^~\\&", "MSHJane Doe", "MSH|Jane|Doe", "MSH|^~\\&|A\rJane Doe was here\r"]
    {
        let Body::Text(other) = redactor().body(text.as_bytes()) else { panic!("it is text") };
        assert!(!other.contains("Jane") && !other.contains("Doe"), "{text:?} became {other:?}");
        assert_eq!(shape(&other), shape(text), "{text:?} became {other:?}");
    }
}

#[test]
fn other_bodies_are_replaced_as_a_whole() {
    let Body::Text(other) = redactor().body(b"<patient>Ada</patient>") else { panic!("it is text") };
    assert_eq!(shape(&other), shape("<patient>Ada</patient>"));
    assert!(!other.contains("Ada"));
    let bytes = [0xff, 0xfe, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    let Body::Bytes(other) = redactor().body(&bytes) else { panic!("it is no text") };
    assert!(other.len() == bytes.len() && other != bytes);
    assert_eq!(redactor().body(b""), Body::Empty);
}

#[test]
fn a_path_keeps_its_words_and_loses_its_ids() {
    let mut redactor = redactor();
    assert_eq!(redactor.path("v1/video-call-completed"), "v1/video-call-completed");
    let other = redactor.path("patients/pat-0042/visits");
    assert!(other.starts_with("patients/") && other.ends_with("/visits") && !other.contains("0042"), "{other}");
    assert_eq!(other.split('/').nth(1).unwrap(), redactor.text("pat-0042"));
}

fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z]{1,6}([._][a-z]{1,4}){0,2}".prop_map(Value::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z0-9~/]{0,6}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Everything but the values is the same, and every value is another.
fn check(key: &str, old: &Value, new: &Value) {
    match (old, new) {
        (Value::Null, Value::Null) => {}
        (Value::Bool(old), Value::Bool(new)) => assert_eq!(old, new),
        (Value::Number(old), Value::Number(new)) => {
            let kept = matches!(old.to_string().as_str(), "0" | "1" | "0.0" | "1.0" | "-0.0");
            assert_eq!(old == new, kept, "{old} became {new}");
            assert_eq!(old.is_f64(), new.is_f64(), "{old} became {new}");
        }
        (Value::String(old), Value::String(new)) => {
            assert_eq!(shape(old), shape(new));
            let names_kind = kind::is_named_by(key) && kind::is_word(old);
            let kept =
                names_kind || !old.contains(|c| class(c) != c || matches!(c, 'a' | 'A' | '0' | 'á' | 'Á' | 'あ'));
            assert_eq!(old == new, kept, "{old:?} became {new:?}");
        }
        (Value::Array(old), Value::Array(new)) => {
            assert_eq!(old.len(), new.len());
            old.iter().zip(new).for_each(|(old, new)| check(key, old, new));
        }
        (Value::Object(old), Value::Object(new)) => {
            assert!(old.keys().eq(new.keys()));
            old.iter().zip(new.values()).for_each(|((key, old), new)| check(key, old, new));
        }
        _ => panic!("{old} became {new}"),
    }
}

proptest! {
    #[test]
    fn whatever_comes_keeps_its_structure_and_loses_its_values(value in json_values()) {
        let mut redactor = redactor();
        let other = redactor.json(&value);
        check("", &value, &other);
        prop_assert_eq!(redactor.json(&value), other, "twice the same");
    }

    #[test]
    fn any_bytes_are_redacted(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        redactor().body(&bytes);
    }

    #[test]
    fn any_message_in_the_form_of_hl7_keeps_its_form(rest in "[|^~&\\\\\\r\\nA-Za-z0-9 .+-]{0,120}") {
        let text = format!("MSH|^~\\&|{rest}");
        let Body::Text(other) = redactor().body(text.as_bytes()) else { panic!("it is text") };
        prop_assert_eq!(shape(&other), shape(&text));
    }

    #[test]
    fn numbers_of_few_digits_keep_their_shape(whole in 0u32..1_000_000, decimals in 0u32..10_000) {
        let value: Value = serde_json::from_str(&format!("{whole}.{decimals:04}")).unwrap();
        let other = redactor().json(&value);
        prop_assert_eq!(shape(&other.to_string()), shape(&value.to_string()));
    }
}
