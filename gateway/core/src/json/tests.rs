use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn fault(text: &[u8]) -> (FaultKind, usize, String) {
    let fault = check(text, Limits::default()).unwrap_err();
    (fault.kind, fault.offset, fault.pointer)
}

#[test]
fn json_is_accepted() {
    for text in [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1.5e-7",
        "1E+2",
        "0.0",
        "12345678901234567890",
        "\"\"",
        "[]",
        "{}",
        " \t\r\n[ ]\n",
        "{ }",
        r#"{"a":[1,{"b":null}],"":"","a b":"c"}"#,
        r#""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00""#,
        r#""日本 é \u0000 😀 a string that is longer than eight bytes, with \" and \\ in it""#,
        "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}",
        "[1e308,-1e308,1e-999,0e999]",
        "\"\u{7f}\u{2028}\u{feff}\"",
    ] {
        assert_eq!(check(text.as_bytes(), Limits::default()), Ok(()), "{text}");
        assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused_with_the_place() {
    use FaultKind::{Control, Ended, Escape, Number, NumberRange, Surrogate, Trailing, Unexpected};
    for (text, kind, offset, pointer) in [
        ("", Ended, 0, ""),
        ("  ", Ended, 2, ""),
        ("{", Ended, 1, ""),
        ("[", Ended, 1, "/0"),
        ("[1,", Ended, 3, "/1"),
        ("[1", Ended, 2, "/0"),
        ("{\"a\"", Ended, 4, "/a"),
        ("{\"a\":", Ended, 5, "/a"),
        ("{\"a\":1", Ended, 6, "/a"),
        ("{\"a\":1,", Ended, 7, "/a"),
        ("\"abc", Ended, 4, ""),
        ("\"abc\\", Ended, 5, ""),
        ("\"\\u12", Ended, 5, ""),
        ("nul", Ended, 3, ""),
        ("-", Ended, 1, ""),
        ("1.", Ended, 2, ""),
        ("1e", Ended, 2, ""),
        ("nulL", Unexpected, 3, ""),
        ("None", Unexpected, 0, ""),
        ("NaN", Unexpected, 0, ""),
        ("Infinity", Unexpected, 0, ""),
        ("-Infinity", Number, 1, ""),
        ("+1", Unexpected, 0, ""),
        (".5", Unexpected, 0, ""),
        ("01", Number, 0, ""),
        ("-01", Number, 1, ""),
        ("1.e5", Number, 2, ""),
        ("[1.]", Number, 3, "/0"),
        ("1ex", Number, 2, ""),
        ("0x10", Trailing, 1, ""),
        ("'a'", Unexpected, 0, ""),
        ("[1,]", Unexpected, 3, "/1"),
        ("[,1]", Unexpected, 1, "/0"),
        ("[1 2]", Unexpected, 3, "/0"),
        ("[1}", Unexpected, 2, "/0"),
        ("{\"a\":1]", Unexpected, 6, "/a"),
        ("{\"a\":1,}", Unexpected, 7, "/a"),
        ("{a:1}", Unexpected, 1, ""),
        ("{1:1}", Unexpected, 1, ""),
        ("{\"a\" 1}", Unexpected, 5, "/a"),
        ("{\"a\":1 \"b\":2}", Unexpected, 7, "/a"),
        ("1 1", Trailing, 2, ""),
        ("{}{}", Trailing, 2, ""),
        ("null // comment", Trailing, 5, ""),
        ("\u{feff}{}", Unexpected, 0, ""),
        ("\"a\nb\"", Control, 2, ""),
        ("\"12345678\u{0}\"", Control, 9, ""),
        ("\"1234567\u{1f}\"", Control, 8, ""),
        ("\"\\x41\"", Escape, 1, ""),
        ("\"\\u00g0\"", Escape, 5, ""),
        ("\"\\U0041\"", Escape, 1, ""),
        ("\"\\u+123\"", Escape, 3, ""),
        ("\"\\uD800\"", Surrogate, 1, ""),
        ("\"\\uDC00\"", Surrogate, 1, ""),
        ("\"\\uD800\\u0041\"", Surrogate, 1, ""),
        ("\"\\uD800\\uD800\"", Surrogate, 1, ""),
        ("\"\\uD800x\\uDC00\"", Surrogate, 1, ""),
        ("{\"\\uD800\":1}", Surrogate, 2, ""),
        ("[0,1e400]", NumberRange, 3, "/1"),
        ("-1e999999999999999999999", NumberRange, 0, ""),
    ] {
        assert_eq!(fault(text.as_bytes()), (kind, offset, pointer.to_owned()), "{text:?}");
    }
    assert_eq!(fault(&[b"1", [b'0'; 400].as_slice()].concat()).0, NumberRange);
    assert_eq!(check(&[b"1", [b'0'; 305].as_slice()].concat(), Limits::default()), Ok(()));
    assert_eq!(check(&[b"0.", [b'0'; 400].as_slice()].concat(), Limits::default()), Ok(()));
}

#[test]
fn bytes_that_are_not_utf8_are_found_where_they_are() {
    for (bytes, offset, pointer) in [
        (&b"\xFF"[..], 0, ""),
        (b"{\"a\":[\"ab\xC3\x28\"]}", 9, "/a/0"),
        (b"[1,\xE2\x82", 3, "/1"),
        (b"null \x80", 5, ""),
        (b"[1,2]\xF0", 5, ""),
        (b"\"\xED\xA0\x80\"", 1, ""),
        (b"\"\xC0\xAF\"", 1, ""),
        (b"12\xFF", 2, ""),
        (b"\"\\u12\xFF", 5, ""),
    ] {
        assert_eq!(fault(bytes), (FaultKind::Utf8, offset, pointer.to_owned()), "{bytes:?}");
    }
    // What comes first counts.
    assert_eq!(fault(b"[1 2 \xFF]").0, FaultKind::Unexpected);
}

#[test]
fn a_key_may_be_there_once_however_it_is_spelled() {
    for (text, offset, pointer) in [
        (r#"{"a":1,"a":2}"#, 7, "/a"),
        (r#"{"a":1,"b":2,"\u0061":3,"c":4}"#, 13, "/a"),
        (r#"{"x":[{"é":1,"\u00e9":2}]}"#, 14, "/x/0/é"),
        (r#"{"":1,"":2}"#, 6, "/"),
        (r#"{"a/b~":1,"a\/b~":2}"#, 10, "/a~1b~0"),
        (r#"{"😀":1,"\uD83D\uDE00":2}"#, 10, "/😀"),
    ] {
        assert_eq!(fault(text.as_bytes()), (FaultKind::DuplicateKey, offset, pointer.to_owned()), "{text}");
    }
    assert_eq!(check(br#"{"a":{"a":1},"b":[{"a":1},{"a":1}],"A":1}"#, Limits::default()), Ok(()));
}

#[test]
fn many_keys_are_compared_in_little_time() {
    let keys: Vec<String> = (0..40_000).map(|number| format!("\"key{number}\":0")).collect();
    let document = format!("{{{}}}", keys.join(","));
    assert_eq!(check(document.as_bytes(), Limits::default()), Ok(()));
    let twice = format!("{{\"x\":[{{{},\"key17\":1,\"key5\":1}}]}}", keys.join(","));
    let (kind, offset, pointer) = fault(twice.as_bytes());
    assert_eq!((kind, pointer.as_str()), (FaultKind::DuplicateKey, "/x/0/key17"));
    assert!(twice[offset..].starts_with("\"key17\":1"));
}

#[test]
fn depth_is_bounded_without_recursion() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert_eq!(check(nested(64).as_bytes(), Limits::default()), Ok(()));
    let (kind, offset, pointer) = fault(nested(65).as_bytes());
    assert_eq!((kind, offset), (FaultKind::Depth, 64));
    assert_eq!(pointer, "/0".repeat(64));
    assert_eq!(fault("[".repeat(1_000_000).as_bytes()).0, FaultKind::Depth);
    let objects = |depth: usize| ["{\"a\":".repeat(depth), "1".to_owned(), "}".repeat(depth)].concat();
    assert_eq!(check(objects(64).as_bytes(), Limits::default()), Ok(()));
    assert_eq!(fault(objects(65).as_bytes()).2, "/a".repeat(64));
    let deep = Limits { depth: 500_000, nodes: 1_000_000, bytes: 2_000_000 };
    assert_eq!(check(nested(500_000).as_bytes(), deep), Ok(()));
    assert!(check(&nested(500_000).as_bytes()[..999_999], deep).is_err());
}

#[test]
fn values_and_bytes_are_counted() {
    let limits = Limits { depth: 9, nodes: 3, bytes: 16 };
    assert_eq!(check(b"[1,2]", limits), Ok(()));
    assert_eq!(check(b"[1,2,3]", limits).unwrap_err().kind, FaultKind::Nodes);
    assert_eq!(check(br#"{"a":[],"b":{}}"#, limits), Ok(()));
    assert_eq!(check(b"               1", limits), Ok(()));
    let fault = check(b"                1", limits).unwrap_err();
    assert_eq!((fault.kind, fault.offset), (FaultKind::TooLong, 16));
}

#[test]
fn a_fault_holds_no_value_and_a_bounded_pointer() {
    let text = format!("{{\"{}\":{{\"{}\":nope}}}}", "k".repeat(5000), "l".repeat(5000));
    let fault = check(text.as_bytes(), Limits::default()).unwrap_err();
    assert!(fault.pointer.len() < 600, "{}", fault.pointer.len());
    assert!(fault.pointer.ends_with('…'));
    let fault = check(br#"{"patient":"Jane Roe" oops}"#, Limits::default()).unwrap_err();
    assert_eq!(fault.to_string(), "the document is not JSON: something else was expected here (at byte 22)");
    assert_eq!(fault.pointer, "/patient");
    assert_eq!(fault.kind.code(), "unexpected");
}

/// Documents of every shape, without a key twice.
fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..20)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_writes_is_accepted(document in documents(), pretty: bool) {
        let text = if pretty { serde_json::to_vec_pretty(&document) } else { serde_json::to_vec(&document) }.unwrap();
        prop_assert_eq!(check(&text, Limits::default()), Ok(()));
    }

    #[test]
    fn serde_agrees_on_broken_documents(document in documents(), at: prop::sample::Index, byte: u8) {
        let mut text = serde_json::to_vec(&document).unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        agrees(&text)?;
        agrees(&text[..at])?;
    }

    #[test]
    fn serde_agrees_on_what_looks_like_json(text in r#"([\[\]{},:0-9eE+\-. "\\/utrfalsn]|\\u[dD][89abcdABCD][0-9a-f]{2}|"[a-c]"|null|true){0,24}"#) {
        agrees(text.as_bytes())?;
    }
}

fn agrees(text: &[u8]) -> Result<(), TestCaseError> {
    let theirs = serde_json::from_slice::<Value>(text);
    match check(text, Limits::default()) {
        Ok(()) => prop_assert!(theirs.is_ok(), "{theirs:?}"),
        // serde_json keeps the last of two equal keys.
        Err(JsonFault { kind: FaultKind::DuplicateKey, .. }) => {}
        Err(fault) => prop_assert!(theirs.is_err(), "{fault:?} {}", String::from_utf8_lossy(text)),
    }
    Ok(())
}
