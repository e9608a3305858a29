//! Messages as they come, whole and in pieces.

use proptest::prelude::*;

use super::*;

/// The request put together again from the smallest parts: of what lies between lines the reader tells nothing, so that
/// is taken from between the lines that it tells of.
fn joined(text: &Text<'_>, interchange: &Interchange<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for unit in interchange.units() {
        let separators = unit.lines.separators();
        for segment in unit.lines.segments() {
            bytes.extend_from_slice(&text.bytes()[bytes.len()..segment.offset()]);
            let is_header = matches!(unit.kind, Kind::Message | Kind::FileHeader | Kind::BatchHeader)
                && [b"MSH", b"FHS", b"BHS"].contains(&segment.name().unwrap_or(b"???"));
            for (number, field) in segment.fields().enumerate() {
                if number > 0 && !(is_header && number < 3) {
                    bytes.push(separators.field);
                }
                join(field, &separators, &mut bytes);
            }
        }
    }
    bytes.extend_from_slice(&text.bytes()[bytes.len()..]);
    bytes
}

fn join(part: Part<'_>, separators: &Separators, bytes: &mut Vec<u8>) {
    let separator = match part.level() {
        Level::Field => separators.repetition,
        Level::Repetition => separators.component,
        Level::Component => separators.subcomponent,
        Level::Subcomponent => return bytes.extend_from_slice(part.raw()),
    };
    for (number, part) in part.parts().enumerate() {
        if number > 0 {
            bytes.push(separator.unwrap());
        }
        join(part, separators, bytes);
    }
}

/// Reads everything there is to read; what can be read is whole.
fn read_all(body: &[u8], content_type: Option<&str>) {
    let Ok(text) = Text::new(body, content_type) else { return };
    let Ok(interchange) = text.interchange(&Limits::default()) else { return };
    assert_eq!(joined(&text, &interchange), text.bytes());
    for message in interchange.messages() {
        for field in message.segments().flat_map(Segment::fields) {
            let _ = field.text();
        }
    }
}

fn with<T>(body: &[u8], look: impl FnOnce(&Interchange<'_>) -> T) -> T {
    let text = Text::new(body, None).unwrap();
    look(&text.interchange(&Limits::default()).unwrap())
}

fn at(body: &str, place: &str) -> Option<String> {
    with(body.as_bytes(), |it| {
        let part = it.messages().next().unwrap().at(&place.parse().unwrap())?;
        Some(String::from_utf8(part.raw().to_vec()).unwrap())
    })
}

fn fault(body: &[u8]) -> Option<(String, &'static str)> {
    let text = match Text::new(body, None) {
        Ok(text) => text,
        Err(fault) => return Some((fault.location.unwrap_or_default(), fault.expected)),
    };
    let fault = text.interchange(&Limits::default()).err()?;
    Some((fault.location.unwrap_or_default(), fault.expected))
}

const MESSAGE: &str = "MSH|^~\\&|EMR|CLINIC|HW|US|20260104223000||ADT^A03^ADT_A03|17|P|2.5\r\
    PID|1||4711^^^EMR&1.2&ISO^MR~88^^^SSA^SS||DOE^JANE|\"\"||\rZPD|é|x\rOBX|1||a\rOBX|2||b^c\r";

#[test]
fn places_lead_to_their_parts() {
    for (place, expected) in [
        ("MSH-1", Some("|")),
        ("MSH-2", Some("^~\\&")),
        ("MSH-2.1", Some("^~\\&")),
        ("MSH-3", Some("EMR")),
        ("MSH-9.2", Some("A03")),
        ("MSH-12", Some("2.5")),
        ("MSH-13", None),
        ("PID-3", Some("4711^^^EMR&1.2&ISO^MR~88^^^SSA^SS")),
        ("PID-3[2]", Some("88^^^SSA^SS")),
        ("PID-3[2].4", Some("SSA")),
        ("PID-3.4.2", Some("1.2")),
        ("PID-3[3]", None),
        ("PID-3.9", None),
        ("PID-3.1.2", None),
        ("PID-4", Some("")),
        ("PID-6", Some("\"\"")),
        ("ZPD-1", Some("é")),
        ("OBX[2]-3.2", Some("c")),
        ("OBX[3]-1", None),
        ("EVN-1", None),
    ] {
        assert_eq!(at(MESSAGE, place).as_deref(), expected, "{place}");
    }
}

#[test]
fn null_is_not_nothing() {
    with(MESSAGE.as_bytes(), |it| {
        let message = it.messages().next().unwrap();
        let part = |place: &str| message.at(&place.parse().unwrap()).unwrap();
        assert!(part("PID-6").is_null() && !part("PID-6").is_empty());
        assert!(part("PID-7").is_empty() && !part("PID-7").is_null());
        assert_eq!((part("PID-6").text(), part("PID-7").text()), (Ok(None), Ok(None)));
        assert_eq!(part("PID-3").text().unwrap().as_deref(), Some("4711"));
    });
}

#[test]
fn lines_end_in_every_way() {
    let expected = with(MESSAGE.as_bytes(), |it| it.messages().next().unwrap().segments().count());
    for end in ["\r", "\n", "\r\n", "\n\r", "\r\r\n\n"] {
        for (before, after) in [
            ("", ""),
            ("\u{feff}", ""),
            ("\u{b}", "\u{1c}\r"),
            ("\u{b}\u{feff}", "\u{1c}"),
            ("\n \t", ""),
            ("\u{feff}\r\n", "\n"),
        ] {
            let body = format!("{before}{}{after}", MESSAGE.replace('\r', end));
            with(body.as_bytes(), |it| {
                let messages: Vec<_> = it.messages().collect();
                assert_eq!((messages.len(), messages[0].segments().count()), (1, expected), "{body:?}");
                assert_eq!(messages[0].segments().last().unwrap().raw(), b"OBX|2||b^c");
            });
            read_all(body.as_bytes(), None);
        }
    }
}

#[test]
fn several_frames_are_several_messages() {
    let body = format!("\u{b}{MESSAGE}\u{1c}\r\u{b}{MESSAGE}\u{1c}\r{MESSAGE}");
    assert_eq!(with(body.as_bytes(), |it| it.messages().count()), 3);
    // Inside a line the byte is data.
    assert_eq!(at("MSH|^~\\&\rZZZ|a\u{1c}b\u{b}c", "ZZZ-1").as_deref(), Some("a\u{1c}b\u{b}c"));
    assert_eq!(with(b"\x0bMSH|^~\\&|\r", |it| it.remarks().to_vec()), [Remark::Frame { line: 1 }]);
}

#[test]
fn a_line_that_only_begins_like_a_trailer_is_divided_as_its_message_is() {
    // The batch is divided by `|`, the message by `^`.
    let body = b"BHS|^~\\&|x\rMSH^|~\\&^A\rBTSS|1^2\rPID^1|2^3\rBTS|1\r";
    let text = Text::new(body, None).unwrap();
    let interchange = text.interchange(&Limits::default()).unwrap();
    let message = interchange.messages().next().unwrap();
    let fields = |name| message.named(name).next().unwrap().fields().count();
    assert_eq!((message.segments().count(), fields(b"PID")), (3, 3));
    assert_eq!(message.segments().nth(1).unwrap().field(1).unwrap().raw(), b"2");
    assert_eq!(interchange.units().last().unwrap().kind, Kind::BatchTrailer);
    assert_eq!(joined(&text, &interchange), body);
}

#[test]
fn a_trailer_may_be_divided_as_its_header_or_as_the_message_before_it() {
    for trailer in ["BTS|1|x", "BTS^1^x"] {
        let body = format!("BHS|^~\\&|x\rMSH^|~\\&^A\r{trailer}\r");
        let text = Text::new(body.as_bytes(), None).unwrap();
        let interchange = text.interchange(&Limits::default()).unwrap();
        let last = interchange.units().last().unwrap();
        assert_eq!((last.kind, last.lines.separators().field), (Kind::BatchTrailer, trailer.as_bytes()[3]));
        assert_eq!(last.lines.segments().next().unwrap().field(1).unwrap().raw(), b"1");
        assert_eq!(joined(&text, &interchange), body.as_bytes());
        assert_eq!(interchange.remarks(), [], "the count is right");
    }
}

#[test]
fn batches_are_taken_apart() {
    let body = "a comment\rFHS|^~\\&|F\rBHS|^~\\&|B1\rMSH|^~\\&|1\rPID|1\rMSH!*:@+!2\rPID!1\rBTS|2\r\
        BHS#^~\\&#B2\rMSH|^~\\&|3\rBTS#9#x\rFTS|2\rleft over\r";
    with(body.as_bytes(), |it| {
        let kinds: Vec<_> = it.units().map(|unit| (unit.kind, unit.lines.segments().count())).collect();
        assert_eq!(
            kinds,
            [
                (Kind::Stray, 1),
                (Kind::FileHeader, 1),
                (Kind::BatchHeader, 1),
                (Kind::Message, 2),
                (Kind::Message, 2),
                (Kind::BatchTrailer, 1),
                (Kind::BatchHeader, 1),
                (Kind::Message, 1),
                (Kind::BatchTrailer, 1),
                (Kind::FileTrailer, 1),
                (Kind::Stray, 1),
            ]
        );
        assert!(it.is_batch());
        let trailer = it.units().nth(8).unwrap().lines.segments().next().unwrap();
        assert_eq!(trailer.field(2).unwrap().raw(), b"x", "divided as its header is");
        assert_eq!(it.remarks(), [Remark::Stray { line: 1 }, Remark::Count { line: 11 }, Remark::Stray { line: 13 }]);
    });
    let open = "BHS|^~\\&\rMSH|^~\\&\r";
    assert_eq!(with(open.as_bytes(), |it| it.remarks().to_vec()), [Remark::Unclosed { line: 1 }]);
    assert_eq!(with(b"BHS|^~\\&\rBTS|0\r", |it| it.messages().count()), 0);
    let uncounted = "FHS|^~\\&\rMSH|^~\\&\rFTS|1\r";
    assert_eq!(with(uncounted.as_bytes(), |it| it.remarks().len()), 0);
    let no_number = "BHS|^~\\&\rMSH|^~\\&\rBTS|one\r";
    assert_eq!(with(no_number.as_bytes(), |it| it.remarks().to_vec()), [Remark::Count { line: 3 }]);
}

#[test]
fn odd_lines_are_kept_and_told() {
    let body = "# exported\rMSH|^~\\&|1\rPID|1\rsecond half of a text\rpid|x\rPID2|y\r|z\rPI\rNTE\r";
    with(body.as_bytes(), |it| {
        let message = it.messages().next().unwrap();
        let names: Vec<_> = message.segments().map(Segment::name).collect();
        let none = None;
        assert_eq!(names, [Some(b"MSH"), Some(b"PID"), none, none, none, none, none, Some(b"NTE")]);
        let remarks: Vec<String> = it.remarks().iter().map(ToString::to_string).collect();
        assert_eq!(remarks[0], "line 1 belongs to no message");
        assert_eq!(remarks[1], "line 4 does not begin with the name of a segment");
        assert_eq!(remarks.len(), 6);
    });
}

#[test]
fn lines_may_be_indented() {
    let body = "  MSH|^~\\&|1\r\tPID|1\r  ZPD |2\r   \r";
    assert_eq!(at(body, "PID-1").as_deref(), Some("1"));
    assert_eq!(at(body, "ZPD-1").as_deref(), Some("2"));
    with(body.as_bytes(), |it| assert_eq!(it.remarks(), [Remark::Nameless { line: 4 }]));
    read_all(body.as_bytes(), None);
}

#[test]
fn requests_without_a_message_are_refused() {
    for body in
        [&b""[..], b"\r\n", b"hello", b"PID|1", b"{\"a\": 1}", b"MS", b"MSHA|x", b"MSH is a header", b"\xef\xbb\xbf"]
    {
        let expected = ("MSH".to_owned(), "a message, which begins with MSH");
        assert_eq!(fault(body), Some(expected), "{body:?}");
    }
}

#[test]
fn headers_must_say_how_to_divide() {
    let separator = "a separator: a single ASCII character";
    let separators = "separators: single ASCII characters, no letters or digits";
    for (body, place, expected) in [
        ("MSH", "MSH-1", separator),
        ("MSH\rPID|", "MSH-1", separator),
        ("MSH\u{a6}^~\\&\u{a6}", "MSH-1", separator),
        ("MSH|HIS|RIH", "MSH-2", separators),
        ("MSH|^~\\\u{e9}|", "MSH-2", separators),
        ("BHS|^~\\&|\rMSH|^~\\&|\rMSH|HIS|", "message 2 MSH-2", separators),
        ("FHS\r", "FHS-1", separator),
    ] {
        assert_eq!(fault(body.as_bytes()), Some((place.to_owned(), expected)), "{body}");
    }
    for body in ["MSH|", "MSH|^", "MSH|^~\\&", "MSH||", "MSH|^~\\&\r"] {
        assert_eq!(fault(body.as_bytes()), None, "{body}");
    }
}

#[test]
fn fewer_separators_are_told() {
    for (declared, told) in
        [("^~\\&", false), ("^~\\&#", false), ("^~\\\\&", false), ("^~&", true), ("", true), ("^~\\^", true)]
    {
        let body = format!("MSH|{declared}|A\r");
        assert_eq!(with(body.as_bytes(), |it| it.remarks().len() == 1), told, "{declared}");
    }
    assert_eq!(at("MSH|^~&|A&B^C\\T\\", "MSH-3.1.2").as_deref(), Some("B"));
    assert_eq!(at("MSH|^~\\|A&B^C", "MSH-3.1.1").as_deref(), Some("A&B"), "subcomponents are not used");
    assert_eq!(at("MSH^~|\\&^A~B^C", "MSH-3.2").as_deref(), Some("B"));
}

fn name_of(body: &[u8], content_type: Option<&str>) -> Result<Option<String>, NoText> {
    let text = Text::new(body, content_type).unwrap();
    let interchange = text.interchange(&Limits::default()).unwrap();
    let message = interchange.messages().next().unwrap();
    Ok(message.at(&Place::field("PID", 5)).unwrap().text()?.map(Into::into))
}

fn named(charset: &str, name: &[u8]) -> Vec<u8> {
    [format!("MSH|^~\\&|||||||ADT^A03|1|P|2.5||||||{charset}\rPID|||||").as_bytes(), name].concat()
}

#[test]
fn the_first_that_tells_the_character_set_decides() {
    let (utf_8, latin, mark) = ("Müller".as_bytes(), &b"M\xfcller"[..], "\u{feff}".as_bytes());
    let muller = Ok(Some("Müller".to_owned()));
    let misread = Ok(Some("MÃ¼ller".to_owned()));
    let with_mark = |message: Vec<u8>| [mark, &message].concat();
    // Each alone.
    assert_eq!(name_of(&named("", utf_8), None), muller);
    assert_eq!(name_of(&named("", latin), None), Err(NoText));
    assert_eq!(name_of(&named("8859/1", latin), None), muller);
    assert_eq!(name_of(&named("8859/1~UNICODE UTF-8", latin), None), muller);
    assert_eq!(name_of(&named("UNICODE UTF-8", utf_8), None), muller);
    assert_eq!(name_of(&named("ASCII", utf_8), None), muller);
    assert_eq!(name_of(&named("", latin), Some("text/plain; charset=iso-8859-1")), muller);
    assert_eq!(name_of(&with_mark(named("", utf_8)), None), muller);
    // Against each other: the mark, then the content type, then MSH-18, even where another would fit better.
    assert_eq!(name_of(&with_mark(named("8859/1", utf_8)), Some("text/plain; charset=iso-8859-1")), muller);
    assert_eq!(name_of(&named("8859/1", utf_8), Some("text/plain; charset=utf-8")), muller);
    assert_eq!(name_of(&named("8859/1", latin), Some("text/plain; charset=utf-8")), Err(NoText));
    assert_eq!(name_of(&named("UNICODE UTF-8", utf_8), Some("text/plain; charset=iso-8859-1")), misread);
    assert_eq!(name_of(&named("8859/1", utf_8), None), misread);
    // What cannot be true is passed over, and what is unknown refuses only what is not ASCII.
    assert_eq!(name_of(&named("8859/1", latin), Some("text/plain; charset=utf-16")), muller);
    assert_eq!(name_of(&named("UNICODE UTF-16", utf_8), None), muller);
    assert_eq!(name_of(&named("BIG-5", latin), None), Err(NoText));
    assert_eq!(name_of(&named("BIG-5", b"Muller"), None), Ok(Some("Muller".to_owned())));
}

#[test]
fn contradictions_are_told() {
    let remarks = |body: &[u8], content_type| {
        let text = Text::new(body, content_type).unwrap();
        text.interchange(&Limits::default()).unwrap().remarks().to_vec()
    };
    let told = [Remark::Charset { line: 1 }];
    assert_eq!(remarks(&named("8859/1", b"x"), Some("text/plain; charset=utf-8")), told);
    assert_eq!(remarks(&named("UNICODE UTF-16", b"x"), None), told);
    assert_eq!(remarks(&named("ASCII", b"x"), Some("text/plain; charset=utf-8")), []);
    assert_eq!(remarks(&named("8859/1", b"x"), None), []);
}

#[test]
fn utf_16_is_told_by_its_first_bytes() {
    for mark in ["", "\u{feff}"] {
        let text = format!("{mark}{MESSAGE}");
        for body in [
            text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
            text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ] {
            with(&body, |it| {
                let message = it.messages().next().unwrap();
                let name = message.at(&Place::field("ZPD", 1)).unwrap().text().unwrap();
                assert_eq!(name.as_deref(), Some("é"));
            });
            assert_eq!(fault(&body[..body.len() - 1]), Some((String::new(), "UTF-16, as the first bytes say")));
        }
    }
}

#[test]
fn limits_name_the_line() {
    let limits = Limits { bytes: 1000, lines: 3, fields: 10 };
    let fault = |body: &str| {
        let text = Text::new(body.as_bytes(), None).unwrap();
        text.interchange(&limits).err().map(|fault| (fault.location, fault.expected))
    };
    assert_eq!(fault("MSH|^~\\&\rPID|1\rPV1|1\r\r\r\r"), None);
    assert_eq!(fault("MSH|^~\\&\rPID|1\rPV1|1\rX"), Some((Some("line 4".to_owned()), "fewer lines")));
    assert_eq!(fault("MSH|^~\\&\rPID|1|2|3|4|5|6|7|8"), Some((Some("line 2".to_owned()), "fewer fields")));
    assert_eq!(fault(&format!("MSH|^~\\&\rPID|{}", "x".repeat(1000))), Some((None, "fewer bytes")));
}

#[test]
fn large_things_take_linear_time() {
    let long = format!("MSH|^~\\&|\rOBX|1|ED|{}\r", "x\\".repeat(5 << 20));
    let repeated = format!("MSH|^~\\&|\rPID|1||{}\r", "4711^^^EMR&1&ISO^MR~".repeat(100_000));
    with(long.as_bytes(), |it| {
        let field = it.messages().next().unwrap().at(&Place::field("OBX", 3)).unwrap();
        assert_eq!(field.text().unwrap().unwrap().len(), 10 << 20);
    });
    with(repeated.as_bytes(), |it| {
        let field = it.messages().next().unwrap().at(&Place::field("PID", 3)).unwrap();
        assert_eq!(field.parts().count(), 100_001);
        assert_eq!(field.repetition(100_000).unwrap().component(5).unwrap().raw(), b"MR");
    });
    let many = format!("MSH|^~\\&\r{}", "MSH|^~\\&\r".repeat(100_000));
    assert_eq!(with(many.as_bytes(), |it| it.messages().count()), 100_001);
}

#[test]
fn every_prefix_is_read_or_refused() {
    let batch = format!("\u{feff}FHS|^~\\&|x\r\nBHS|^~\\&|x\r{MESSAGE}{MESSAGE}BTS|2\rFTS|1\r");
    for end in 0..batch.len() {
        read_all(&batch.as_bytes()[..end], None);
    }
}

/// Text that has much of what matters in it.
fn hl7ish() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::sample::select(vec![
            "MSH|^~\\&|", "MSH", "MSH|^~}|", "MSH!*:@+!", "FHS|^~\\&|", "BHS|^~\\&|", "BTS|", "FTS|1", "PID|", "\r", "\n",
            "|", "^", "~", "\\", "&", "\"\"", "\u{b}", "\u{1c}", "\u{1c}\r", "\u{feff}", "\\X41\\", "\\.br\\", "8859/1",
            "UNICODE UTF-8", " ", "é", "\u{1b}",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
        1 => "[A-Z0-9]{0,6}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_read_whole_or_refused(body in proptest::collection::vec(any::<u8>(), 0..600)) {
        read_all(&body, None);
    }

    #[test]
    fn whatever_looks_like_a_message_is_read_whole_or_refused(body in hl7ish(), utf_8 in any::<bool>()) {
        let body = [b"MSH|^~\\&|||||||ADT^A03|1|P|2.5||||||", &body[..]].concat();
        read_all(&body, utf_8.then_some("text/plain; charset=utf-8"));
        let verdict = acknowledgment::Verdict::Accepted;
        let stage = acknowledgment::Stage::Kept;
        let answer = acknowledgment::Answer { stage, verdict, now_ms: 0, id: "1" };
        if let Some(given) = acknowledgment::acknowledge(&body, None, &answer) {
            read_all(&given.bytes, None);
        }
    }
}
